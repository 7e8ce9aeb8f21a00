//! What the host's poller is to watch of one descriptor, what it was told, and what it tells.

use bitflags::bitflags;

use crate::cx::Trigger;

bitflags! {
    /// Directions and flags of one descriptor, as they cross the boundary to the host.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Io: u8 {
        /// Bytes, connections, or the end can be read.
        const IN = 1;
        /// Bytes can be written.
        const OUT = 2;
        /// The peer has ended its side (`EPOLLRDHUP`, `POLLRDHUP`).
        const HANGUP = 4;
        /// An error or the end of both sides (`EPOLLERR`, `EPOLLHUP`): only ever told to us.
        const ERROR = 8;
        /// The interest holds for the descriptor's whole life and may be edge-triggered.
        const EDGE = 16;
        /// The poller must let go of the descriptor: the last word about it.
        const RELEASED = 32;
        /// With [`Io::RELEASED`]: the number is closed next.
        const CLOSING = 64;
    }
}

impl Io {
    /// Both directions.
    pub const BOTH: Self = Self::IN.union(Self::OUT);
    /// What a host may tell us.
    pub const REPORTED: Self = Self::BOTH.union(Self::HANGUP).union(Self::ERROR);

    /// The directions in which a call will not have to wait, after this was told: an end can be
    /// read, and an error comes out of either call.
    #[must_use]
    pub fn directions(self) -> Self {
        let mut directions = self & Self::BOTH;
        directions.set(Self::IN, self.intersects(Self::IN | Self::HANGUP | Self::ERROR));
        directions.set(Self::OUT, self.intersects(Self::OUT | Self::ERROR));
        directions
    }
}

/// What the host's poller is to watch of one descriptor.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// What its owner can go on with.
    wanted: Io,
    /// What the host was last told.
    announced: Io,
    /// Whether the host was ever told of it: then it is also told to let go of it.
    known: bool,
    /// An event arrived for a direction that nobody wants.
    disturbed: bool,
}

impl Watch {
    /// What its owner can go on with.
    pub(crate) const fn wanted(&self) -> Io {
        self.wanted
    }

    /// From now on its owner can go on with this.
    pub(crate) const fn want(&mut self, directions: Io) {
        self.wanted = directions;
    }

    /// What the host was last told.
    pub(crate) const fn announced(&self) -> Io {
        self.announced
    }

    /// Whether the host's poller has it.
    pub(crate) const fn is_known(&self) -> bool {
        self.known
    }

    /// The host's poller told of events. One that nobody wants would come again and again where
    /// readiness lasts.
    pub(crate) fn hear(&mut self, events: Io, trigger: Trigger) {
        let unwanted = events.directions().difference(self.wanted);
        self.disturbed |= trigger == Trigger::Level && !unwanted.is_empty();
    }

    /// What is announced is withdrawn even if it would do.
    pub(crate) const fn disturb(&mut self) {
        self.disturbed = true;
    }

    /// What the host should be told of a level-triggered descriptor. Interest that is no longer
    /// wanted stays until an event for it arrives, so that a stream that stops and goes does not pay
    /// two poller calls each time. `hangup` says that the peer's end is news.
    pub(crate) fn level_target(&self, hangup: bool) -> Io {
        let mut target = self.wanted.intersection(Io::BOTH);
        target.set(Io::HANGUP, hangup);
        if self.disturbed || !self.announced.contains(target) { target } else { self.announced }
    }

    /// What the host should be told of an edge-triggered descriptor: everything, once; and only when
    /// something is wanted of it, or `heeds_end`.
    pub(crate) fn edge_target(&self, heeds_end: bool) -> Io {
        if !self.known && self.wanted.is_empty() && !heeds_end {
            return Io::empty();
        }
        Io::BOTH | Io::HANGUP | Io::EDGE
    }

    /// Whether the host is to be told of `target`. If not, whatever disturbed is over.
    pub(crate) fn differs(&mut self, target: Io) -> bool {
        let differs = target != self.announced;
        self.disturbed &= differs;
        differs
    }

    /// The host is told of `target`: what it was told before, if that was anything else.
    pub(crate) fn announce(&mut self, target: Io) -> Option<Io> {
        self.disturbed = false;
        if target == self.announced {
            return None;
        }
        self.known = true;
        Some(std::mem::replace(&mut self.announced, target))
    }

    /// The host's poller is to let go of it: what the host was told before.
    pub(crate) fn release(&mut self) -> Io {
        self.known = false;
        self.disturbed = false;
        std::mem::take(&mut self.announced)
    }
}
