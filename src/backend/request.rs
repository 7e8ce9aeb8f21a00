//! What a stream asks of a backend, and what it is told.

use super::queue::{Place, Ticket};
use super::server::ServerIndex;
use super::server::ServerSlot;

/// Which server a stream would have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Affinity {
    /// Whichever the balancing method chooses.
    #[default]
    Any,
    /// This one, as a retry. If it is full the stream waits for it. If it no longer serves, any.
    Same(ServerIndex),
    /// This one, since the client had it before. It is no retry, and apart from that like
    /// [`Affinity::Same`].
    Sticky(ServerIndex),
    /// Any but this one, as a redispatch. This one is taken after all where no other has room.
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

    /// The server it avoids where another has room.
    pub(super) const fn other(self) -> Option<ServerIndex> {
        match self {
            Self::Other(server) => Some(server),
            Self::Any | Self::Same(_) | Self::Sticky(_) => None,
        }
    }
}

/// A stream asks for a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// What the caller calls it.
    pub(crate) ticket: Ticket,
    /// The hash of its source, if it is to matter. Any hash will do: it is mixed with the seed.
    pub(crate) source: Option<u64>,
    /// Which server it would have.
    pub(crate) affinity: Affinity,
    /// Whether it goes before all who wait, because it has waited before.
    pub(crate) front: bool,
}

/// The answer to a [`Request`].
#[derive(Debug)]
#[must_use]
pub(crate) enum Assignment {
    /// It has a server.
    Assigned(ServerSlot),
    /// It waits, until it is called or leaves.
    Queued(Place),
    /// It can have none.
    Refused(Unassigned),
}

/// Why a stream can have no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unassigned {
    /// No server is usable.
    NoServer,
    /// The queue in which it would wait is full.
    QueueFull,
}

/// Why a stream waits no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// It has waited long enough.
    TimedOut,
    /// Its client has gone, or whatever else ended it.
    Gone,
}
