//! The interest of the host's poller in one descriptor, and the flags of its events.

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
        /// An error or the end of both sides (`EPOLLERR`, `EPOLLHUP`): only in reports to us.
        const ERROR = 8;
        /// The interest holds for the descriptor's whole life and may be edge-triggered.
        const EDGE = 16;
        /// The poller must stop watching the descriptor: the last request about it.
        const RELEASED = 32;
        /// With [`Io::RELEASED`]: the descriptor will be closed next.
        const CLOSING = 64;
    }
}

impl Io {
    /// Both directions.
    pub const BOTH: Self = Self::IN.union(Self::OUT);
    /// What a host may report to us.
    pub const REPORTED: Self = Self::BOTH.union(Self::HANGUP).union(Self::ERROR);

    /// The directions in which a call will not have to wait after this event: an end can be read, and
    /// an error is returned by a call in either direction.
    #[must_use]
    pub fn directions(self) -> Self {
        let mut directions = self & Self::BOTH;
        directions.set(Self::IN, self.intersects(Self::IN | Self::HANGUP | Self::ERROR));
        directions.set(Self::OUT, self.intersects(Self::OUT | Self::ERROR));
        directions
    }
}

/// The interest of the host's poller in one descriptor.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The directions that its owner can use.
    wanted: Io,
    /// The interest that was last announced to the host.
    announced: Io,
    /// Whether it was ever announced: then it must also be released.
    known: bool,
    /// An event was reported for a direction that is not wanted.
    disturbed: bool,
}

impl Watch {
    /// The directions that its owner can use.
    pub(crate) const fn wanted(&self) -> Io {
        self.wanted
    }

    /// Sets the directions that its owner can use.
    pub(crate) const fn want(&mut self, directions: Io) {
        self.wanted = directions;
    }

    /// The interest that was last announced to the host.
    pub(crate) const fn announced(&self) -> Io {
        self.announced
    }

    /// Whether the host's poller watches it.
    pub(crate) const fn is_known(&self) -> bool {
        self.known
    }

    /// The host's poller reported events. With level-triggered readiness, an unwanted one would be
    /// reported again and again.
    pub(crate) fn hear(&mut self, events: Io, trigger: Trigger) {
        let unwanted = events.directions().difference(self.wanted);
        self.disturbed |= trigger == Trigger::Level && !unwanted.is_empty();
    }

    /// Has the announced interest withdrawn, even if it covers what is wanted.
    pub(crate) const fn disturb(&mut self) {
        self.disturbed = true;
    }

    /// The interest to announce for a level-triggered descriptor. Interest that is no longer wanted
    /// stays until an event for it arrives, so that a stream that stops and goes does not cost two
    /// poller calls each time. `hangup` says whether the peer's end is still to be reported.
    pub(crate) fn level_target(&self, hangup: bool) -> Io {
        let mut target = self.wanted.intersection(Io::BOTH);
        target.set(Io::HANGUP, hangup);
        if self.disturbed || !self.announced.contains(target) { target } else { self.announced }
    }

    /// The interest to announce for an edge-triggered descriptor: everything, once, as soon as
    /// something is wanted or `heeds_end`.
    pub(crate) fn edge_target(&self, heeds_end: bool) -> Io {
        if !self.known && self.wanted.is_empty() && !heeds_end {
            return Io::empty();
        }
        Io::BOTH | Io::HANGUP | Io::EDGE
    }

    /// Whether `target` is to be announced. If not, an unwanted event needs no withdrawal any more.
    pub(crate) fn differs(&mut self, target: Io) -> bool {
        let differs = target != self.announced;
        self.disturbed &= differs;
        differs
    }

    /// Notes that `target` is announced; returns what was announced before, if that differs.
    pub(crate) fn announce(&mut self, target: Io) -> Option<Io> {
        self.disturbed = false;
        if target == self.announced {
            return None;
        }
        self.known = true;
        Some(std::mem::replace(&mut self.announced, target))
    }

    /// Notes that the host's poller could not watch what was announced, and watches `instead`. A poller
    /// that never watched it has nothing to release.
    pub(crate) const fn refuse(&mut self, instead: Io, is_first: bool) {
        self.announced = instead;
        self.known = !is_first || !instead.is_empty();
    }

    /// Notes that the host's poller is to release it; returns what was announced before.
    pub(crate) fn release(&mut self) -> Io {
        self.known = false;
        self.disturbed = false;
        std::mem::take(&mut self.announced)
    }
}
