//! What a connection knows about itself that steady work does not need.

use std::sync::Arc;

use crate::config::{AcceptConfig, ConnectConfig, Farewell, OpeningSpans};
use crate::slab::Key;
use crate::sys::{Addr, Net};
use crate::time::Time;
use crate::wire::proxy::Header;

use super::Conn;

/// What a connection is to go through.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// It came in.
    Incoming(Arc<AcceptConfig>),
    /// It goes out.
    Outgoing(Arc<ConnectConfig>),
    /// It was open when the host handed it over.
    Adopted,
}

/// The cold part of a connection's record.
#[derive(Debug)]
pub(crate) struct Facts {
    /// What it goes through.
    pub(crate) plan: Plan,
    /// The listener it came from.
    pub(crate) listener: Option<Key>,
    /// The other end of the socket; for an outgoing connection, where it goes.
    pub(crate) peer: Addr,
    /// Our end of the socket, once somebody asked: few do.
    pub(crate) local: Option<Box<Addr>>,
    /// The PROXY header that came first.
    pub(crate) header: Option<Box<Header>>,
    /// When it came, or was asked for.
    pub(crate) opened_at: Time,
    /// When the operation that runs now began.
    pub(crate) op_since: Time,
    /// How long the last opening operation took, or took to fail, in nanoseconds.
    pub(crate) in_op: u64,
    /// The next pause of a connect that is repeated by timer, in nanoseconds.
    pub(crate) retry_pause: u32,
    /// Bytes that were read and thrown away.
    pub(crate) discarded: u64,
    /// Bytes of ours that the peer had not taken when the linger deadline cut them off.
    pub(crate) lost: u32,
    /// Bytes that may still be thrown away while the peer's end is waited for.
    pub(crate) drain_left: u32,
}

/// Every idle connection has one: malloc's next smaller size would not hold more.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Facts>() <= 120);

impl Facts {
    /// The facts of a fresh connection.
    pub(crate) const fn new(plan: Plan, peer: Addr, now: Time) -> Self {
        Self {
            plan,
            listener: None,
            peer,
            local: None,
            header: None,
            opened_at: now,
            op_since: now,
            in_op: 0,
            retry_pause: crate::config::UNIX_RETRY_FIRST as u32,
            discarded: 0,
            lost: 0,
            drain_left: 0,
        }
    }

    /// The bounds of its opening.
    pub(crate) fn spans(&self) -> OpeningSpans {
        match &self.plan {
            Plan::Incoming(config) => config.spans,
            Plan::Outgoing(config) => config.spans,
            Plan::Adopted => OpeningSpans::default(),
        }
    }

    /// How it leaves.
    pub(crate) fn farewell(&self) -> Farewell {
        match &self.plan {
            Plan::Incoming(config) => config.farewell,
            Plan::Outgoing(config) => config.farewell,
            Plan::Adopted => Farewell::default(),
        }
    }
}

impl Conn {
    /// Our end of the socket: asked of the system once, and only if somebody wants to know.
    pub(crate) fn local<N: Net>(&mut self, net: &mut N) -> Option<Addr> {
        if self.facts.local.is_none() {
            let fd = self.ctrl.fd.get()?;
            // A socket whose peer is gone may not know any more.
            self.facts.local = net.local(fd).ok().map(Box::new);
        }
        self.facts.local.as_deref().cloned()
    }

    /// The source and destination the connection stands for: those of the header where it carried
    /// some, else the socket's.
    pub(crate) fn ends<N: Net>(&mut self, net: &mut N) -> Option<(Addr, Addr)> {
        if let Some(ends) = self.facts.header.as_ref().and_then(|header| header.ends()) {
            return Some(ends);
        }
        let local = self.local(net)?;
        Some((self.facts.peer.clone(), local))
    }
}
