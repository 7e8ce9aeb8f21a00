//! The descriptor of a connection or listener: what is wanted of the host's poller, what it was
//! told, and what it told us.

use bitflags::bitflags;

use crate::sys::Fd;

bitflags! {
    /// Directions and marks of one descriptor, as they cross the boundary to the host.
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
    pub const TOLD: Self = Self::BOTH.union(Self::HANGUP).union(Self::ERROR);

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

/// The state of a descriptor, computed from what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FdState {
    /// There is none.
    Closed,
    /// It takes connections.
    Listen,
    /// It carries bytes.
    Ready,
    /// The system reported a failure that ends it.
    Error,
}

impl FdState {
    /// The name, as it is printed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Listen => "LISTEN",
            Self::Ready => "READY",
            Self::Error => "ERROR",
        }
    }
}

/// One descriptor.
///
/// `ready` is a memory, not a promise: set by the poller's word and by what is likely of a fresh
/// socket, cleared when a call says otherwise. Truth comes from the call.
#[derive(Debug)]
pub(crate) struct FdEntry {
    fd: Option<Fd>,
    /// What the connection can go on with.
    pub(crate) wanted: Io,
    /// What the host was last told.
    pub(crate) announced: Io,
    /// Whether the host was ever told of it: then it is also told to let go of it.
    pub(crate) known: bool,
    /// What is believed to go through without waiting.
    pub(crate) ready: Io,
    /// The marks the host told, [`Io::HANGUP`] and [`Io::ERROR`]: with either, no later event is
    /// needed to learn of the end.
    pub(crate) told: Io,
    /// Whether the end of input was read.
    pub(crate) eof: bool,
    /// Whether a call failed in a way that ends the descriptor's use.
    pub(crate) broken: bool,
    listening: bool,
}

impl FdEntry {
    /// The entry of a connection's descriptor: writing is likely to work at once, and reading too
    /// when `read_at_once`.
    pub(crate) fn connection(fd: Fd, read_at_once: bool) -> Self {
        let ready = if read_at_once { Io::BOTH } else { Io::OUT };
        Self { fd: Some(fd), ready, ..Self::closed() }
    }

    /// The entry of a listener's descriptor.
    pub(crate) const fn listener(fd: Fd) -> Self {
        let mut entry = Self::closed();
        entry.fd = Some(fd);
        entry.listening = true;
        entry
    }

    /// An entry without a descriptor.
    pub(crate) const fn closed() -> Self {
        Self {
            fd: None,
            wanted: Io::empty(),
            announced: Io::empty(),
            known: false,
            ready: Io::empty(),
            told: Io::empty(),
            eof: false,
            broken: false,
            listening: false,
        }
    }

    /// The descriptor.
    pub(crate) const fn get(&self) -> Option<Fd> {
        self.fd
    }

    /// Takes the descriptor out: whoever has it now closes it or hands it on.
    pub(crate) const fn take(&mut self) -> Option<Fd> {
        self.wanted = Io::empty();
        self.ready = Io::empty();
        self.fd.take()
    }

    /// The state the seed of this design names.
    pub(crate) const fn state(&self) -> FdState {
        match self.fd {
            None => FdState::Closed,
            Some(_) if self.broken => FdState::Error,
            Some(_) if self.listening => FdState::Listen,
            Some(_) => FdState::Ready,
        }
    }

    /// Takes in what the host's poller told.
    pub(crate) fn tell(&mut self, events: Io) {
        self.ready |= events.directions();
        self.told |= events & (Io::HANGUP | Io::ERROR);
    }

    /// Whether the end, or an error, was told.
    pub(crate) const fn hangup(&self) -> bool {
        !self.told.is_empty()
    }

    /// Whether something wanted is believed to go through now.
    pub(crate) const fn is_due(&self) -> bool {
        self.wanted.intersects(self.ready)
    }

    /// What the host should be told of a level-triggered descriptor. Interest that is no longer
    /// wanted stays until an event for it arrives (`disturbed`), so that a stream that stops and
    /// goes does not pay two poller calls each time.
    pub(crate) fn level_target(&self, disturbed: bool) -> Io {
        let mut target = self.wanted.intersection(Io::BOTH);
        // A hang-up stays true for ever: asking for it again would wake the host for ever.
        if !self.hangup() && !self.listening {
            target |= Io::HANGUP;
        }
        if disturbed || !self.announced.contains(target) { target } else { self.announced }
    }

    /// What the host should be told of an edge-triggered descriptor: everything, once; and only when
    /// something is wanted of it, or `heeds_end`.
    pub(crate) fn edge_target(&self, heeds_end: bool) -> Io {
        if !self.known && self.wanted.is_empty() && !heeds_end {
            return Io::empty();
        }
        Io::BOTH | Io::HANGUP | Io::EDGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_is_in_one_of_four_states() {
        let mut entry = FdEntry::closed();
        assert_eq!(entry.state(), FdState::Closed);
        entry = FdEntry::listener(Fd(7));
        assert_eq!((entry.state(), entry.state().name()), (FdState::Listen, "LISTEN"));
        entry = FdEntry::connection(Fd(7), false);
        assert_eq!((entry.state(), entry.state().name()), (FdState::Ready, "READY"));
        entry.broken = true;
        assert_eq!((entry.state(), entry.state().name()), (FdState::Error, "ERROR"));
        entry.take();
        assert_eq!((entry.state(), entry.state().name()), (FdState::Closed, "CLOSED"));
    }
}
