//! A listener: its descriptor, what its connections go through, and its accept rate.

use std::sync::Arc;

use crate::agenda::Listed;
use crate::config::AcceptConfig;
use crate::conn::{Op, Why};
use crate::ctrl::{FdState, Watch};
use crate::sys::{Addr, Errno, Fd, PathId};
use crate::table::PerSecond;
use crate::time::{MILLISECOND, SECOND, Time};
use crate::wheel::Timer;

/// The pause of a listener that ran out of descriptors or memory, in nanoseconds.
pub(super) const PAUSE: u64 = 100 * MILLISECOND;
/// For how long a listener whose port others share accepts the rest of its handshakes before it closes, in
/// nanoseconds: long enough for most round trips, and short beside the second after which a client sends
/// a SYN again (RFC 6298 section 2) that was dropped meanwhile.
pub(super) const LEAVING: u64 = 200 * MILLISECOND;
/// The most connections accepted in one drive.
const BURST_MOST: u32 = 64;
/// How many full bursts in a row let the burst grow.
const BURSTS_TO_GROW: u32 = 8;
/// After so many connections without a read right after accept, one such read is tried.
const PROBE_EVERY: u8 = 32;
/// The hit rate is a running mean in this many parts.
const HIT_WEIGHT: u16 = 8;
/// The hit rate when every such read finds bytes.
const HIT_ALWAYS: u16 = 256;

/// The assumed backlog of a listener that was opened elsewhere: Linux's default limit
/// (`net.core.somaxconn`).
pub(super) const BACKLOG_UNKNOWN: u32 = 4096;

/// Options of a listener. The largest number of each field means no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerOptions {
    /// The most connections of it that exist at once.
    pub max_conns: u32,
    /// The host's user data for its connections.
    pub user: u64,
    /// How many refusals of one kind are reported per second; the others are only counted. 0 reports
    /// none.
    pub refused_per_second: u32,
    /// How many ends of sessions and streams of one kind are for the log per second. Every end is
    /// reported; those above the bound are marked as not for the log.
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

/// Whether a listener accepts connections, and what was reported of that to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accepting {
    /// It does.
    Open,
    /// It accepts again after the system had run out of a resource, with this errno. Only the next
    /// `accept` shows whether there is enough again; the host sees it as paused until then.
    Retrying(Errno),
    /// The system has run out of a resource, with this errno.
    Starved(Errno),
    /// A configured number of connections is reached.
    Full,
    /// The host paused it.
    Paused(Before),
}

/// The reported reason for which a listener did not accept when the host paused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    Nothing,
    /// A configured number of connections was reached.
    Full,
    /// The system had run out of a resource, with this errno.
    Starved(Errno),
}

impl Accepting {
    /// Whether it accepts connections now.
    pub(super) const fn takes(self) -> bool {
        matches!(self, Self::Open | Self::Retrying(_))
    }

    /// The state after a pause by the host.
    pub(super) const fn paused(self) -> Self {
        Self::Paused(match self {
            Self::Open => Before::Nothing,
            Self::Full => Before::Full,
            Self::Retrying(errno) | Self::Starved(errno) => Before::Starved(errno),
            Self::Paused(before) => before,
        })
    }

    /// The errno of the resource that the system ran out of, where that is the reason for not
    /// accepting.
    pub(super) const fn errno(self) -> Option<Errno> {
        match self {
            Self::Retrying(errno) | Self::Starved(errno) | Self::Paused(Before::Starved(errno)) => {
                Some(errno)
            }
            Self::Open | Self::Full | Self::Paused(Before::Nothing | Before::Full) => None,
        }
    }
}

/// Whether a listener is being closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// It is not.
    Not,
    /// At this time: until then those connections are accepted whose handshakes were under way when it
    /// began. New ones go to other sockets of the same port.
    At(Time),
    /// As soon as the host's poller has released the descriptor.
    Now,
}

/// A listening socket.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) fd: Option<Fd>,
    pub(super) watch: Watch,
    pub(super) config: Arc<AcceptConfig>,
    pub(super) options: ListenerOptions,
    pub(super) addr: Addr,
    /// The address it was opened with: port 0 stays 0, so that metrics have one name for it in every
    /// run.
    pub(super) asked: Addr,
    /// The file of a unix socket that we created, to be removed if the path still leads to it.
    pub(super) path: Option<PathId>,
    pub(super) accepting: Accepting,
    /// The most connections that wait in the kernel's queue.
    pub(super) backlog: u32,
    pub(super) closing: Closing,
    /// Whether other sockets, which may be of other processes, have the same port.
    pub(super) shares_port: bool,
    /// The name that rules and metrics use for it.
    pub(super) name: Option<Box<str>>,
    /// The host wants monitors to get a failure as their answer.
    pub(super) monitor_fails: bool,
    pub(super) conns: u32,
    pub(super) timer: Timer,
    pub(super) events: ListenerEvents,
    /// The lists it is on.
    pub(super) listed: Listed,
    pub(super) refusals: Tally,
    pub(super) ends: Tally,
    pub(super) counts: ListenerCounts,
    /// Connections that passed its session rules.
    pub(super) session_rate: PerSecond,
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
    /// Bytes that its connections have read, and bytes that they have written.
    pub bytes: [u64; 2],
}

bitflags::bitflags! {
    /// Events of a listener that are still to be reported to the host.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(super) struct ListenerEvents: u8 {
        /// It takes no connections for now.
        const PAUSED = 1;
        /// It takes connections again.
        const RESUMED = 2;
        /// It is closed: the last event of the listener.
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
            closing: Closing::Not,
            shares_port: false,
            name: None,
            monitor_fails: false,
            conns: 0,
            timer,
            events: ListenerEvents::empty(),
            listed: Listed::empty(),
            refusals: Tally::default(),
            ends: Tally::default(),
            counts: ListenerCounts::default(),
            session_rate: PerSecond::default(),
            burst: 1,
            full_bursts: 0,
            hit_rate: HIT_ALWAYS,
            since_probe: 0,
        }
    }

    /// Whether it is open as far as the host is concerned.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.closing, Closing::Not)
    }

    /// Whether its descriptor is to be given back.
    pub(super) const fn gives_back(&self) -> bool {
        matches!(self.closing, Closing::Now)
    }

    /// When it is to be closed.
    pub(super) const fn closes_at(&self) -> Time {
        match self.closing {
            Closing::At(time) => time,
            Closing::Not | Closing::Now => Time::NEVER,
        }
    }

    /// The state of its descriptor.
    pub(super) const fn fd_state(&self) -> FdState {
        if self.fd.is_some() { FdState::Listen } else { FdState::Closed }
    }

    /// It cannot accept for now; no effect if it already does not. A pause that begins again before its
    /// end was reported is one pause to the host.
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

    /// It accepts again, or tries to.
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

    /// The resource that was exhausted is available again.
    pub(super) fn accepts(&mut self) {
        if matches!(self.accepting, Accepting::Retrying(_)) {
            self.accepting = Accepting::Open;
            self.note_resumed();
        }
    }

    /// A pause has ended. Neither its begin nor its end is reported when its begin was not reported
    /// yet.
    fn note_resumed(&mut self) {
        if self.events.contains(ListenerEvents::PAUSED) {
            self.events.remove(ListenerEvents::PAUSED);
        } else {
            self.events.insert(ListenerEvents::RESUMED);
        }
    }

    /// How many connections the next drive accepts: as many as recent drives found waiting, so that the
    /// last `accept` of a drive rarely returns EAGAIN.
    pub(super) const fn burst(&self) -> u32 {
        self.burst
    }

    /// Records that a drive found `taken` connections; `dry` means that no further one waited.
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
        // Without a handler that reads first, the host is to read once the session is reported.
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

    /// Records whether the read right after accept found bytes.
    pub(super) const fn read_at_once_was(&mut self, hit: bool) {
        self.hit_rate -= self.hit_rate / HIT_WEIGHT;
        if hit {
            self.hit_rate += HIT_ALWAYS / HIT_WEIGHT;
        }
    }
}

/// How many records of each kind were recently let through. Every record is counted; only a limited
/// number of each kind gets through per second.
#[derive(Debug, Default)]
pub(super) struct Tally {
    kinds: Vec<LogKind>,
}

/// The kind of a record: where the connection ended, and why. `None` where it ended in order.
pub(super) type Alike = Option<(Option<Op>, Why)>;

#[derive(Debug)]
struct LogKind {
    alike: Alike,
    since: Time,
    reported: u32,
    suppressed: u64,
}

impl Tally {
    /// Counts one record. Returns how many of its kind were held back before it when it gets through,
    /// `None` when it is held back itself.
    pub(super) fn admit(&mut self, alike: Alike, now: Time, per_second: u32) -> Option<u64> {
        let found = self.kinds.iter_mut().position(|kind| kind.alike == alike);
        let index = found.unwrap_or_else(|| {
            self.kinds.push(LogKind { alike, since: now, reported: 0, suppressed: 0 });
            self.kinds.len() - 1
        });
        let kind = &mut self.kinds[index];
        if now.since(kind.since) >= SECOND {
            kind.since = now;
            kind.reported = 0;
        }
        if kind.reported >= per_second {
            kind.suppressed += 1;
            return None;
        }
        kind.reported += 1;
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
