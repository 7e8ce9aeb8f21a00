//! The request of a stream to a backend, and the answer.

use super::queue::{Place, Ticket};
use super::server::ServerIndex;
use super::server::ServerSlot;

/// Which server a stream prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Affinity {
    /// Any server that the balancing method chooses.
    #[default]
    Any,
    /// This one, as a retry. If it is full the stream waits for it; if it no longer serves, the stream
    /// gets any.
    Same(ServerIndex),
    /// This one, since the client had it before. It does not count as a retry; otherwise it is like
    /// [`Affinity::Same`].
    Sticky(ServerIndex),
    /// Any but this one, as a redispatch. This one is taken after all if no other has room.
    Other(ServerIndex),
}

impl Affinity {
    /// The server it insists on, as long as that serves.
    pub(super) const fn insists(self) -> Option<ServerIndex> {
        match self {
            Self::Same(server) | Self::Sticky(server) => Some(server),
            Self::Any | Self::Other(_) => None,
        }
    }

    /// The server it avoids if another has room.
    pub(super) const fn other(self) -> Option<ServerIndex> {
        match self {
            Self::Other(server) => Some(server),
            Self::Any | Self::Same(_) | Self::Sticky(_) => None,
        }
    }
}

/// The request of a stream for a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// The caller's number for the stream.
    pub(crate) ticket: Ticket,
    /// The hash of its source, if the choice is to depend on it. Any hash function is good enough: the
    /// value is mixed with the seed.
    pub(crate) source: Option<u64>,
    /// Which server it prefers.
    pub(crate) affinity: Affinity,
    /// Whether it is served before all waiting streams, because it has waited already.
    pub(crate) front: bool,
}

/// The answer to a [`Request`].
#[derive(Debug)]
#[must_use]
pub(crate) enum Assignment {
    /// It has got a slot of a server.
    Assigned(ServerSlot),
    /// It waits until it gets a server or leaves the queue.
    Queued(Place),
    /// It cannot get a server.
    Refused(Unassigned),
}

/// Why a stream cannot get a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unassigned {
    /// No server is usable.
    NoServer,
    /// The queue in which it would wait is full.
    QueueFull,
}

/// Why a stream leaves its queue without a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// It has waited for as long as it may.
    TimedOut,
    /// It has ended, for example because its client did.
    Gone,
}
