//! Fed connections: their bytes are moved by the host, or by whoever the host speaks for. What they ask
//! for is an output of the engine; what happened is reported to it as an input.

use std::sync::Arc;

use super::{Engine, Refusal};
use crate::agenda::List;
use crate::config::AcceptConfig;
use crate::conn::{Conn, Plan, closing};
use crate::ctrl::{Ctrl, FedAsks, Misreport, Mover};
use crate::cx::{Cx, FedOrigin};
use crate::id::{Id, Kind};
use crate::sys::{Addr, Errno, Net};

/// What one fed connection asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FedAsk {
    /// The connection.
    pub conn: Id,
    /// What it asks for.
    pub asks: FedAsks,
    /// The host's data for what is below.
    pub data: u64,
    /// With [`FedAsks::OPEN`]: the address to open it to, and the one to open it from, where that was
    /// configured.
    pub open: Option<(Addr, Option<Addr>)>,
    /// How many bytes wait to be sent.
    pub unsent: usize,
    /// How many bytes may be reported as received, until the next ask.
    pub room: usize,
}

impl<N: Net> Engine<N> {
    /// Takes a connection from `peer` whose bytes the host moves. It goes through what `config` says.
    /// The host has its id, so its end is always reported.
    ///
    /// # Errors
    /// A limit.
    pub fn feed(
        &mut self,
        peer: Addr,
        origin: FedOrigin,
        config: Arc<AcceptConfig>,
        user: u64,
    ) -> Result<Id, Refusal> {
        let ctrl = Ctrl::fed(Mover::Host, origin, self.tools.limits.fed);
        let key = self.incoming(ctrl, peer, config, None, user)?;
        self.fresh.push_back(key);
        Ok(self.id(Kind::Conn, key))
    }

    /// What a fed connection asks for, if one asks for something. Several changes of one connection are
    /// one ask.
    pub fn next_ask(&mut self) -> Option<FedAsk> {
        self.tools.net.settle_signals();
        while let Some(id) = self.tools.agenda.take(List::Asks) {
            let turn = self.tools.next_turn();
            let Ok(conn) = self.conns.get_mut(id.key()) else { continue };
            conn.listed.leave(List::Asks);
            let Some(asks) = conn.ctrl.take_ask() else { continue };
            return Some(FedAsk {
                conn: id,
                asks,
                data: conn.ctrl.fed_data(),
                open: asks.contains(FedAsks::OPEN).then(|| to_open(conn, turn)),
                unsent: conn.ctrl.unsent(),
                room: conn.ctrl.fed_room(),
            });
        }
        None
    }

    /// Whether fed connections ask for something.
    pub fn has_asks(&self) -> bool {
        !self.tools.agenda.is_empty(List::Asks)
    }

    /// Changes the host's data for what is below a fed connection.
    ///
    /// # Errors
    /// As [`fed_opened`](Self::fed_opened), but for the state.
    pub fn set_fed_data(&mut self, id: Id, data: u64) -> Result<(), Refusal> {
        self.fed_mut(id)?.0.ctrl.set_fed_data(data);
        Ok(())
    }

    /// The bytes that wait to be sent, oldest first.
    ///
    /// # Errors
    /// As [`fed_opened`](Self::fed_opened), but for the state.
    pub fn fed_unsent(&self, id: Id) -> Result<&[u8], Refusal> {
        let conn = self.conn(id)?;
        if !conn.ctrl.is_fed() {
            return Err(Refusal::Unsupported);
        }
        Ok(conn.ctrl.queued().map_or(&[], crate::buffer::Buffer::bytes))
    }

    /// A fed connection is open, as it has asked. `local` is our end, where it has an address.
    ///
    /// # Errors
    /// A stale id; [`Refusal::Unsupported`] when its bytes are not moved by the host;
    /// [`Refusal::State`] when it did not ask, and nothing changes.
    pub fn fed_opened(&mut self, id: Id, local: Option<Addr>) -> Result<(), Refusal> {
        self.report(id, |conn, _| conn.ctrl.report_opened(local))
    }

    /// A fed connection could not be opened: there is nothing below it.
    ///
    /// # Errors
    /// As [`fed_opened`](Self::fed_opened).
    pub fn fed_failed(&mut self, id: Id, errno: Errno) -> Result<(), Refusal> {
        self.report(id, |conn, _| conn.ctrl.report_failed(errno))
    }

    /// Bytes came from the peer. Returns how many were taken: the others are to be reported again, once
    /// the connection asks to receive.
    ///
    /// # Errors
    /// As [`fed_opened`](Self::fed_opened); [`Refusal::State`] after an end or a failure.
    pub fn fed_received(&mut self, id: Id, bytes: &[u8]) -> Result<usize, Refusal> {
        self.report(id, |conn, cx| conn.ctrl.report_received(cx.pool, bytes))
    }

    /// The oldest `n` of the bytes that wait to be sent were taken by what is below.
    ///
    /// # Errors
    /// As [`fed_opened`](Self::fed_opened); [`Refusal::Argument`] when fewer wait.
    pub fn fed_sent(&mut self, id: Id, n: usize) -> Result<(), Refusal> {
        self.report(id, |conn, cx| {
            conn.ctrl.report_sent(cx, n)?;
            closing::took_bytes(conn, cx.now);
            Ok(())
        })
    }

    /// The peer has ended its side, behind the bytes that were received.
    ///
    /// # Errors
    /// As [`fed_opened`](Self::fed_opened).
    pub fn fed_ended(&mut self, id: Id) -> Result<(), Refusal> {
        self.report(id, |conn, _| conn.ctrl.report_ended())
    }

    /// What is below has failed: nothing will be received or sent any more.
    ///
    /// # Errors
    /// As [`fed_opened`](Self::fed_opened).
    pub fn fed_hung_up(&mut self, id: Id, errno: Errno) -> Result<(), Refusal> {
        self.report(id, |conn, _| conn.ctrl.report_hung_up(errno))
    }

    /// Nothing is below any more: the last report about a connection.
    ///
    /// # Errors
    /// As [`fed_opened`](Self::fed_opened).
    pub fn fed_closed(&mut self, id: Id) -> Result<(), Refusal> {
        self.report(id, |conn, _| conn.ctrl.report_closed())
    }

    /// Takes one report, and drives the connection. What is due by now is done first, so that what was
    /// reported after a deadline does not count as in time.
    fn report<R>(
        &mut self,
        id: Id,
        report: impl FnOnce(&mut Conn, &mut Cx<'_, N>) -> Result<R, Misreport>,
    ) -> Result<R, Refusal> {
        self.key(Kind::Conn, id)?;
        self.on_deadline();
        let (conn, mut cx) = self.fed_mut(id)?;
        let result = report(conn, &mut cx).map_err(|misreport| match misreport {
            Misreport::State => Refusal::State,
            Misreport::TooMany => Refusal::Argument,
        })?;
        self.work(id.key());
        Ok(result)
    }

    fn fed_mut(&mut self, id: Id) -> Result<(&mut Conn, Cx<'_, N>), Refusal> {
        let (conn, cx) = self.conn_mut(id)?;
        if conn.ctrl.is_fed() { Ok((conn, cx)) } else { Err(Refusal::Unsupported) }
    }
}

/// The addresses that a connection is to be opened to and from.
fn to_open(conn: &Conn, turn: usize) -> (Addr, Option<Addr>) {
    let peer = &conn.facts.peer;
    let source = match &conn.facts.plan {
        Plan::Outgoing(config) => config.source.choose(peer.family(), turn).cloned(),
        Plan::Incoming(_) | Plan::Adopted => None,
    };
    (peer.clone(), source)
}
