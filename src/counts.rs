//! The counters of one engine, for operations and handshakes.

use crate::cause::{Cause, Detail, Why};
use crate::op::Op;
use crate::tls::{Negotiated, TlsVersion};

const OPS: usize = Op::ALL.len();
const WHYS: usize = Why::ALL.len();

/// How often each operation completed, failed and timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpCounts {
    passed: [u64; OPS],
    /// The last row is for failures outside of any operation, while the session's own bytes moved.
    failed: [[u64; WHYS]; OPS + 1],
    overdue: [u64; OPS],
}

impl Default for OpCounts {
    fn default() -> Self {
        Self { passed: [0; OPS], failed: [[0; WHYS]; OPS + 1], overdue: [0; OPS] }
    }
}

impl OpCounts {
    /// Counts an operation that was completed.
    pub(crate) const fn pass(&mut self, op: Op) {
        self.passed[op as usize] += 1;
    }

    /// Counts a connection that ended because of this.
    pub(crate) fn fail(&mut self, cause: &Cause) {
        let row = cause.at.map_or(OPS, |op| op as usize);
        self.failed[row][cause.why as usize] += 1;
        if let Some(op) = cause.at
            && cause.why == Why::TimedOut
            && cause.detail == Detail::None
        {
            self.overdue[op as usize] += 1;
        }
    }

    /// How often an operation was completed.
    #[must_use]
    pub const fn passed(&self, op: Op) -> u64 {
        self.passed[op as usize]
    }

    /// How many connections ended in an operation, or (`None`) while the session's own bytes moved,
    /// for this reason.
    #[must_use]
    pub fn failed(&self, at: Option<Op>, why: Why) -> u64 {
        self.failed[at.map_or(OPS, |op| op as usize)][why as usize]
    }

    /// How many of the failures in `op` were because a deadline of ours had passed.
    #[must_use]
    pub const fn overdue(&self, op: Op) -> u64 {
        self.overdue[op as usize]
    }
}

/// TLS handshakes that were completed: as a server and as a client, of each version, full and resumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsCounts([[[u64; 2]; 2]; 2]);

impl TlsCounts {
    /// Counts a completed handshake.
    pub(crate) fn add(&mut self, outgoing: bool, negotiated: &Negotiated<'_>) {
        *self.of(outgoing, negotiated.version, negotiated.resumed) += 1;
    }

    const fn of(&mut self, outgoing: bool, version: TlsVersion, resumed: bool) -> &mut u64 {
        let version = matches!(version, TlsVersion::Tls13) as usize;
        &mut self.0[outgoing as usize][version][resumed as usize]
    }

    /// How many handshakes of this kind were completed.
    #[must_use]
    pub const fn get(mut self, outgoing: bool, version: TlsVersion, resumed: bool) -> u64 {
        *self.of(outgoing, version, resumed)
    }
}
