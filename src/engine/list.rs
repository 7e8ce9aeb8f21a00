//! The list of connections, with what is known of each.

use super::{Engine, Refusal};
use crate::conn::{Op, Owner, Plan, State};
use crate::id::{Id, Kind};
use crate::slab::Key;
use crate::sys::{Addr, Fd, Net};

/// How a connection came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnOrigin {
    /// A listener accepted it, or the host did.
    Incoming,
    /// It was requested.
    Outgoing,
    /// It was open when the host handed it over.
    Adopted,
}

/// Who moves the bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteMover {
    /// The host, as a session.
    Session,
    /// A stream.
    Stream,
    /// The engine: a health check, an answer to a monitor, a failed attempt that closes.
    Engine,
    /// A link or an agent.
    Link,
}

/// What is known of a connection.
#[derive(Clone, Debug)]
pub struct ConnInfo {
    /// Its id.
    pub id: Id,
    /// How it came about.
    pub origin: ConnOrigin,
    /// Who moves its bytes.
    pub mover: ByteMover,
    /// Its state.
    pub state: State,
    /// The opening operation that is under way.
    pub op: Option<Op>,
    /// The host's user data for it.
    pub user: u64,
    /// The listener that accepted it.
    pub listener: Option<Id>,
    /// The stream that it is part of.
    pub stream: Option<Id>,
    /// The backend that it leads to a server of, and the number of the server.
    pub server: Option<(Id, u32)>,
    /// Its descriptor.
    pub fd: Option<Fd>,
    /// The other end of the socket.
    pub peer: Addr,
    /// The client's address: as a header has announced it or a rule has set it, else the other end.
    pub source: Addr,
    /// Bytes read and written.
    pub bytes: [u64; 2],
    /// Bytes that wait to be sent.
    pub unsent: usize,
    /// How long it has existed, in nanoseconds.
    pub age: u64,
}

impl<N: Net> Engine<N> {
    /// The connection in the next slot after that of `after`, which may have ended since; the first one
    /// without it. Connections that come about meanwhile may be left out.
    ///
    /// # Errors
    /// `after` is not of a connection of this engine.
    pub fn next_conn(&self, after: Option<Id>) -> Result<Option<ConnInfo>, Refusal> {
        let first = match after {
            Some(id) => self.key(Kind::Conn, id)?.slot + 1,
            None => 0,
        };
        let next = (first..self.conns.slots()).find_map(|slot| self.conns.key_of(slot));
        Ok(next.and_then(|key| self.conn_info(key)))
    }

    fn conn_info(&self, key: Key) -> Option<ConnInfo> {
        let conn = self.conns.get(key).ok()?;
        let seat = conn.seat();
        let stream = seat.and_then(|seat| self.streams.by_slot(seat.stream));
        let server = stream.zip(seat).and_then(|(stream, seat)| {
            let (backend, server) = super::traffic::server_of(stream, seat.side)?;
            Some((self.id(Kind::Backend, backend), server.0))
        });
        Some(ConnInfo {
            id: self.id(Kind::Conn, key),
            origin: match conn.facts.plan {
                Plan::Incoming(_) => ConnOrigin::Incoming,
                Plan::Outgoing(_) => ConnOrigin::Outgoing,
                Plan::Adopted => ConnOrigin::Adopted,
            },
            mover: match conn.owner {
                Owner::Host => ByteMover::Session,
                Owner::Stream { .. } => ByteMover::Stream,
                Owner::Nobody | Owner::HealthCheck | Owner::Monitor => ByteMover::Engine,
                Owner::Link { .. } | Owner::Channel { .. } => ByteMover::Link,
            },
            state: conn.state(),
            op: conn.stands_at(),
            user: conn.user,
            listener: conn.facts.listener.map(|key| self.id(Kind::Listener, key)),
            stream: seat
                .and_then(|seat| self.streams.key_of(seat.stream))
                .map(|key| self.id(Kind::Stream, key)),
            server,
            fd: conn.ctrl.descriptor(),
            peer: conn.facts.peer.clone(),
            source: conn.facts.source(),
            bytes: super::traffic::moved(conn),
            unsent: conn.ctrl.unsent(),
            age: self.tools.now.since(conn.facts.opened_at),
        })
    }
}
