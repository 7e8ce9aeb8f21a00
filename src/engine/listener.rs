//! A listener: its descriptor, what its connections go through, and how fast it may take them.

use std::sync::Arc;

use crate::agenda::Listed;
use crate::config::AcceptConfig;
use crate::conn::{Op, Why};
use crate::ctrl::{FdState, Watch};
use crate::sys::{Addr, Errno, Fd, PathId};
use crate::time::{MILLISECOND, SECOND, Time};
use crate::wheel::Timer;

/// How long a listener that ran out of descriptors or memory rests, in nanoseconds.
pub(super) const PAUSE: u64 = 100 * MILLISECOND;
/// The most connections one drive takes.
const BURST_MOST: u32 = 64;
/// How many full bursts in a row let the burst grow.
const BURSTS_TO_GROW: u32 = 8;
/// After so many connections without reading at once, one is tried.
const PROBE_EVERY: u8 = 32;
/// The hit rate is a running mean in this many parts.
const HIT_WEIGHT: u16 = 8;
/// The hit rate of always.
const HIT_ALWAYS: u16 = 256;

/// As many connections, at most, are believed to wait where somebody else chose the number: Linux's own
/// limit (`net.core.somaxconn`), as it comes.
pub(super) const BACKLOG_UNKNOWN: u32 = 4096;

/// Options of a listener, as the engine takes them. The largest number of each field is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerOptions {
    /// The most connections of it that exist at once.
    pub max_conns: u32,
    /// The host's user data for its connections.
    pub user: u64,
    /// Records of refusals of one kind told per second; the rest is counted. 0 tells none.
    pub refused_per_second: u32,
    /// Ends of sessions and streams of one kind that are for the log per second. Each is told, and
    /// the others say that they are not.
    pub ends_per_second: u32,
    /// Whether the first bytes are there when a connection is accepted (`TCP_DEFER_ACCEPT`).
    pub deferred: bool,
}

impl Default for ListenerOptions {
    fn default() -> Self {
        Self {
            max_conns: u32::MAX,
            user: 0,
            refused_per_second: 10,
            ends_per_second: u32::MAX,
            deferred: false,
        }
    }
}

/// Whether a listener takes connections, and what the host was told of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accepting {
    /// It does.
    Open,
    /// It tries to again after the system had run out of something, this errno. Whether there is enough
    /// again, the next `accept` tells: until then the host takes it to be paused.
    Retrying(Errno),
    /// The system has run out of something, this errno.
    Starved(Errno),
    /// A configured number of connections is reached.
    Full,
    /// The host said so.
    Paused(Before),
}

/// What kept a listener from taking connections when the host paused it, and was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    Nothing,
    /// A configured number of connections was reached.
    Full,
    /// The system had run out of something, this errno.
    Starved(Errno),
}

impl Accepting {
    /// Whether it takes connections now.
    pub(super) const fn takes(self) -> bool {
        matches!(self, Self::Open | Self::Retrying(_))
    }

    /// The same listener once the host has paused it.
    pub(super) const fn paused(self) -> Self {
        Self::Paused(match self {
            Self::Open => Before::Nothing,
            Self::Full => Before::Full,
            Self::Retrying(errno) | Self::Starved(errno) => Before::Starved(errno),
            Self::Paused(before) => before,
        })
    }

    /// What the system had run out of when it last did, if that is what keeps it.
    pub(super) const fn errno(self) -> Option<Errno> {
        match self {
            Self::Retrying(errno) | Self::Starved(errno) | Self::Paused(Before::Starved(errno)) => {
                Some(errno)
            }
            Self::Open | Self::Full | Self::Paused(Before::Nothing | Before::Full) => None,
        }
    }
}

/// A listening socket.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) fd: Option<Fd>,
    pub(super) watch: Watch,
    pub(super) config: Arc<AcceptConfig>,
    pub(super) options: ListenerOptions,
    pub(super) addr: Addr,
    /// Where it was to listen: port 0 stays 0, so that metrics have one name for it in every run.
    pub(super) asked: Addr,
    /// The path of a unix socket that is ours to remove, as long as it is this file.
    pub(super) path: Option<PathId>,
    pub(super) accepting: Accepting,
    /// As many connections, at most, wait in the kernel's queue.
    pub(super) backlog: u32,
    pub(super) closing: bool,
    /// What rules and metrics know it by.
    pub(super) name: Option<Box<str>>,
    /// The host says that monitors are to be told of a failure.
    pub(super) monitor_fails: bool,
    pub(super) conns: u32,
    pub(super) timer: Timer,
    pub(super) events: ListenerEvents,
    /// The lists it stands on.
    pub(super) listed: Listed,
    pub(super) refusals: Tally,
    pub(super) ends: Tally,
    pub(super) counts: ListenerCounts,
    burst: u32,
    full_bursts: u32,
    hit_rate: u16,
    since_probe: u8,
}

/// What became of a listener's connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenerCounts {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections that became sessions.
    pub sessions: u64,
    /// Connections that ended before that.
    pub refused: u64,
    /// Connections of monitors, which are neither.
    pub monitored: u64,
}

bitflags::bitflags! {
    /// What the host is still to be told of a listener.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(super) struct ListenerEvents: u8 {
        /// It takes no connections for now.
        const PAUSED = 1;
        /// It takes connections again.
        const RESUMED = 2;
        /// It is closed: the last word about it.
        const CLOSED = 4;
    }
}

impl Listener {
    pub(super) fn new(
        fd: Fd,
        addr: Addr,
        config: Arc<AcceptConfig>,
        options: ListenerOptions,
        timer: Timer,
    ) -> Self {
        Self {
            fd: Some(fd),
            watch: Watch::default(),
            config,
            options,
            asked: addr.clone(),
            addr,
            path: None,
            accepting: Accepting::Open,
            backlog: BACKLOG_UNKNOWN,
            closing: false,
            name: None,
            monitor_fails: false,
            conns: 0,
            timer,
            events: ListenerEvents::empty(),
            listed: Listed::empty(),
            refusals: Tally::default(),
            ends: Tally::default(),
            counts: ListenerCounts::default(),
            burst: 1,
            full_bursts: 0,
            hit_rate: HIT_ALWAYS,
            since_probe: 0,
        }
    }

    /// The state of its descriptor.
    pub(super) const fn fd_state(&self) -> FdState {
        if self.fd.is_some() { FdState::Listen } else { FdState::Closed }
    }

    /// It cannot take connections for now, unless it already does not. A pause that begins again before
    /// its end was told goes on.
    pub(super) fn stop(&mut self, why: Accepting) {
        if !self.accepting.takes() {
            return;
        }
        if self.events.contains(ListenerEvents::RESUMED) {
            self.events.remove(ListenerEvents::RESUMED);
        } else if self.accepting == Accepting::Open {
            self.events.insert(ListenerEvents::PAUSED);
        }
        self.accepting = why;
    }

    /// It takes connections again, or tries to.
    pub(super) fn go_on(&mut self) {
        self.accepting = match self.accepting {
            Accepting::Starved(errno) | Accepting::Paused(Before::Starved(errno)) => {
                Accepting::Retrying(errno)
            }
            Accepting::Full | Accepting::Paused(Before::Full) => {
                self.note_resumed();
                Accepting::Open
            }
            Accepting::Paused(Before::Nothing) => Accepting::Open,
            Accepting::Open | Accepting::Retrying(_) => return,
        };
    }

    /// The system has enough again.
    pub(super) fn accepts(&mut self) {
        if matches!(self.accepting, Accepting::Retrying(_)) {
            self.accepting = Accepting::Open;
            self.note_resumed();
        }
    }

    /// A pause is over. One that the host was not told of came and went.
    fn note_resumed(&mut self) {
        if self.events.contains(ListenerEvents::PAUSED) {
            self.events.remove(ListenerEvents::PAUSED);
        } else {
            self.events.insert(ListenerEvents::RESUMED);
        }
    }

    /// How many connections the next drive takes: as many as recent ones found waiting, so that
    /// the last `accept` of a drive seldom answers EAGAIN.
    pub(super) const fn burst(&self) -> u32 {
        self.burst
    }

    /// A drive found `taken` connections; `dry` says that no further one waited.
    pub(super) fn burst_was(&mut self, taken: u32, dry: bool) {
        if dry {
            self.burst = taken.max(1);
            self.full_bursts = 0;
        } else {
            self.full_bursts += 1;
            if self.full_bursts >= BURSTS_TO_GROW {
                self.burst = (2 * self.burst).min(BURST_MOST);
                self.full_bursts = 0;
            }
        }
    }

    /// Whether the next connection is read right after it is accepted: only where the first bytes
    /// are mostly there by then.
    pub(super) fn reads_at_once(&mut self) -> bool {
        if self.options.deferred {
            return true;
        }
        // Without a handler that reads it is the host's to ask, once it is told.
        if !self.config.reads_first() {
            return false;
        }
        if self.hit_rate > HIT_ALWAYS / 2 {
            return true;
        }
        self.since_probe += 1;
        let probe = self.since_probe >= PROBE_EVERY;
        if probe {
            self.since_probe = 0;
        }
        probe
    }

    /// Whether reading right after accepting found bytes.
    pub(super) const fn read_at_once_was(&mut self, hit: bool) {
        self.hit_rate -= self.hit_rate / HIT_WEIGHT;
        if hit {
            self.hit_rate += HIT_ALWAYS / HIT_WEIGHT;
        }
    }
}

/// How often records of each kind were let through lately. Every record is counted; only so many of
/// a kind get through each second.
#[derive(Debug, Default)]
pub(super) struct Tally {
    kinds: Vec<LogKind>,
}

/// What is alike to a person who reads many records: where, and why. Nothing where the end was as it
/// should be.
pub(super) type Alike = Option<(Option<Op>, Why)>;

#[derive(Debug)]
struct LogKind {
    alike: Alike,
    since: Time,
    told: u32,
    suppressed: u64,
}

impl Tally {
    /// Counts one record. Tells how many of its kind were held back before it when it gets through,
    /// `None` when it is held back itself.
    pub(super) fn admit(&mut self, alike: Alike, now: Time, per_second: u32) -> Option<u64> {
        let found = self.kinds.iter_mut().position(|kind| kind.alike == alike);
        let index = found.unwrap_or_else(|| {
            self.kinds.push(LogKind { alike, since: now, told: 0, suppressed: 0 });
            self.kinds.len() - 1
        });
        let kind = &mut self.kinds[index];
        if now.since(kind.since) >= SECOND {
            kind.since = now;
            kind.told = 0;
        }
        if kind.told >= per_second {
            kind.suppressed += 1;
            return None;
        }
        kind.told += 1;
        Some(std::mem::take(&mut kind.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_one_kind_get_through_so_often_a_second_and_the_rest_is_counted() {
        let mut tally = Tally::default();
        let at = Some(Op::AcceptProxy);
        let mut admit = |now| tally.admit(Some((at, Why::Malformed)), Time(now), 2);
        assert_eq!(admit(0), Some(0));
        assert_eq!(admit(1), Some(0));
        assert_eq!(admit(2), None);
        assert_eq!(admit(3), None);
        assert_eq!(admit(SECOND), Some(2));
        assert_eq!(tally.admit(Some((at, Why::Empty)), Time(5), 1), Some(0));
        assert_eq!(tally.admit(None, Time(5), 1), Some(0));
    }
}
