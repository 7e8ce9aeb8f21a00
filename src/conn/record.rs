//! How a connection ended, for the host and its access log. One record serves refusals, sessions
//! and streams.

use std::ffi::CStr;

use super::Cause;
use crate::id::Id;
use crate::rules::LogLevel;
use crate::sys::Addr;

/// How one connection ended.
#[derive(Clone, Debug)]
pub struct Record {
    /// The connection. Its id is stale by the time the record is read.
    pub conn: Id,
    /// The listener that accepted it.
    pub listener: Option<Id>,
    /// Why it ended; `None` when it ended in order.
    pub cause: Option<Cause>,
    /// The other end of the socket.
    pub peer: Addr,
    /// Our end of the socket, where it is known.
    pub local: Option<Addr>,
    /// The source and destination announced by a header, or set by a rule.
    pub announced: [Option<Addr>; 2],
    /// Bytes read from the wire.
    pub bytes_in: u64,
    /// Bytes that the kernel accepted for sending.
    pub bytes_out: u64,
    /// Bytes that were read and discarded.
    pub discarded: u64,
    /// Bytes of ours that the peer had not acknowledged when they were given up.
    pub lost: u64,
    /// From its beginning to its end, in nanoseconds.
    pub lasted: u64,
    /// From the beginning of the operation that failed until it did, in nanoseconds; 0 where none
    /// failed.
    pub in_op: u64,
    /// It is reported because every end is, but exceeds the number of its kind that is for the log.
    pub quiet: bool,
    /// What rules have captured of it, `-` for what they have not, with `|` between; bytes that came
    /// from a peer are escaped.
    pub captures: Option<Box<CStr>>,
    /// How loud the host is to be about it, where a rule has said so.
    pub log_level: Option<LogLevel>,
    /// Records of the same kind that were not reported, or were quiet, since the last one that was
    /// neither.
    pub suppressed: u64,
}
