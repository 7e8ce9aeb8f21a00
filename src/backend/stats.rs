//! What is counted, for each server and for the whole backend.

use crate::time::Time;

/// A number that rises and falls: its present value, its maximum, and the sum of all rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gauge {
    /// How many there are. Limits are compared with this number itself, not with a copy of it.
    pub(crate) now: u32,
    /// The most there were at any time.
    pub(crate) most: u32,
    /// How many came since the beginning.
    pub(crate) total: u64,
}

impl Gauge {
    /// Counts one more.
    pub(super) const fn enter(&mut self) {
        self.now += 1;
        if self.now > self.most {
            self.most = self.now;
        }
        self.total += 1;
    }

    /// Counts one less.
    pub(super) const fn leave(&mut self) {
        debug_assert!(self.now > 0, "more left than came");
        self.now = self.now.saturating_sub(1);
    }
}

/// What happened, each counted since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BackendCounters {
    /// Attempts that failed, except those that failed on our side.
    pub(crate) connect_errors: u64,
    /// Streams that requested the same server again.
    pub(crate) retries: u64,
    /// Streams that requested another server than this one.
    pub(crate) redispatches: u64,
    /// Streams refused because the queue they had to wait in was full.
    pub(crate) queue_full: u64,
    /// Streams whose time in the queue ran out.
    pub(crate) queue_timeouts: u64,
    /// Health checks that passed.
    pub(crate) checks_passed: u64,
    /// Health checks that failed, except those that failed on our side.
    pub(crate) checks_failed: u64,
    /// How often a server went down.
    pub(crate) downs: u64,
    /// Bytes read from its servers by connections that have left their streams, and bytes written.
    pub(crate) bytes: [u64; 2],
    /// When a server last went up or down, or was given another administrative state.
    pub(crate) last_change: Time,
}

/// The counters of one server, or of a whole backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stats {
    /// Streams that hold a slot.
    pub(crate) streams: Gauge,
    /// Streams in this queue: the server's, or the one in which streams wait for any server. A stream
    /// whose server stops serving meanwhile is counted in both, one after the other.
    pub(crate) queue: Gauge,
    /// What happened. A backend's are the sums of its servers', and what concerns none of them.
    pub(crate) counters: BackendCounters,
}
