//! Settings that make the network narrower, slower and more hostile.

use std::ops::RangeInclusive;

use crate::sys::Fd;

const MICROSECOND: u64 = 1_000;
const KIB: usize = 1_024;

/// The first number the simulated system gives out: a process has 0, 1 and 2 already.
pub(super) const FIRST_FD: i32 = 3;
/// Where Linux's local port range starts (ip_local_port_range).
pub(super) const FIRST_PORT: u16 = 32_768;

/// The behaviour of a simulated network. Sizes and latencies apply to what happens after they were
/// set; buffer sizes to sockets made after.
#[derive(Clone, Debug)]
pub struct Knobs {
    /// Nanoseconds one way, chosen anew for each delivery. Deliveries of one direction of one
    /// connection never overtake each other.
    pub latency: RangeInclusive<u64>,
    /// Bytes an engine's socket takes before `send` answers EAGAIN; bytes in flight count.
    pub send_buffer: usize,
    /// Bytes that wait for `recv` before the sender has to stop.
    pub receive_buffer: usize,
    /// The most bytes that travel together.
    pub max_segment: usize,
    /// Segments have random sizes up to the most.
    pub random_segments: bool,
    /// In every direction of every connection, the bytes from this offset on arrive later than
    /// those before, and no `recv` crosses it.
    pub split_reads_at: Option<u64>,
    /// No `send` crosses this offset, and the first that would start there answers EAGAIN once.
    pub split_writes_at: Option<u64>,
    /// The most bytes one `recv` or splice into a pipe gives.
    pub max_read: usize,
    /// The most bytes one `send` or splice out of a pipe takes.
    pub max_write: usize,
    /// One in this many `recv`, `send`, splice, `accept` and repeated `connect` calls that could succeed
    /// answers EAGAIN (EALREADY) instead, chosen by the seed. The descriptor must then get an event: see
    /// `World::take_owed`. With 1 nothing would ever succeed. A splice into a pipe that holds bytes
    /// needs no event: its EAGAIN means that the pipe may be full.
    pub would_block_one_in: Option<u64>,
    /// Parts a pipe holds. Fewer than 16: its user's quota is exhausted, and the reported capacity shows
    /// it.
    pub pipe_slots: usize,
    /// Bytes one part has at most. Fewer than a page: a pipe is full with few bytes in it, as when
    /// they came in small segments.
    pub slot_bytes: usize,
    /// The number no descriptor reaches (`RLIMIT_NOFILE`).
    pub fd_limit: Fd,
}

impl Default for Knobs {
    /// A network without adverse behaviour.
    fn default() -> Self {
        Self {
            latency: 10 * MICROSECOND..=50 * MICROSECOND,
            send_buffer: 64 * KIB,
            receive_buffer: 64 * KIB,
            max_segment: 64 * KIB,
            random_segments: false,
            split_reads_at: None,
            split_writes_at: None,
            max_read: usize::MAX,
            max_write: usize::MAX,
            would_block_one_in: None,
            pipe_slots: 16,
            slot_bytes: 4 * KIB,
            fd_limit: Fd(1_024),
        }
    }
}
