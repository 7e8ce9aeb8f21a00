//! How streams ended, as C reads it.

use std::ffi::{CStr, c_char};

use super::types::{VST_NEVER, VST_NO_SERVER, vst_id};
use crate::engine::EndReport;

/// How a stream ended.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_stream_end {
    /// `sizeof(vst_stream_end)` of the library.
    pub size: u32,
    /// Why it was cut off, or what failed first: VST_WHY_*, or 0 when both sides ended in order.
    pub why: u32,
    /// Two letters as in HAProxy's log, NUL-terminated. The first is what ended it: - nothing (both
    /// sides ended in order), C the client, S the server, or no server could be reached, c the
    /// client's timeout, s the server's timeout, or that of queue or connect, P a configured limit,
    /// R this machine ran out of a resource, K the host. The second is when: - after both sides
    /// ended, Q in a queue, C while a server was being connected to, D while data moved, L while
    /// the server's last data moved.
    pub termination: [c_char; 4],
    /// The server it was given last, as `vst_backend_add_server` numbered it, or `VST_NO_SERVER`.
    pub server: u32,
    /// The backend that chose the server, or 0.
    pub backend: vst_id,
    /// Bytes of the client that the server's connection took.
    pub bytes_up: u64,
    /// Bytes of the server that the client's connection took.
    pub bytes_down: u64,
    /// From its beginning to its end, in nanoseconds.
    pub lasted_ns: u64,
    /// From its beginning until a server was reached, in nanoseconds; VST_NEVER when none was.
    pub reached_ns: u64,
    /// From its beginning until the last byte counted in bytes_up, in nanoseconds; 0 when there was
    /// none.
    pub last_up_ns: u64,
    /// From its beginning until the last byte counted in bytes_down, in nanoseconds; 0 when there
    /// was none.
    pub last_down_ns: u64,
    /// How long it waited in queues for a server with room, all waits together, in nanoseconds.
    pub queued_ns: u64,
    /// The same as termination and why in words, NUL-terminated, valid as long as the event. Bytes
    /// that came from a peer are escaped in it.
    pub text: *const c_char,
    /// The length of `text`, without the NUL.
    pub text_len: u64,
    /// How many times it was given a server by its backend.
    pub attempts: u32,
    /// 0.
    pub _reserved: u32,
}
const _: () = assert!(size_of::<vst_stream_end>() == 104);

impl vst_stream_end {
    /// The end as C reads it, with `text` to point to.
    pub(super) fn of(report: &EndReport, text: &CStr) -> Self {
        let [by, phase] = report.termination.letters().map(|letter| letter as c_char);
        Self {
            size: size_of::<Self>() as u32,
            why: report.cause.as_ref().map_or(0, |cause| u32::from(cause.why.number())),
            termination: [by, phase, 0, 0],
            server: report.server.unwrap_or(VST_NO_SERVER),
            backend: report.backend.map_or(0, |backend| backend.bits()),
            bytes_up: report.moved[0],
            bytes_down: report.moved[1],
            lasted_ns: report.lasted,
            reached_ns: report.reached.unwrap_or(VST_NEVER),
            last_up_ns: report.last_moved[0],
            last_down_ns: report.last_moved[1],
            queued_ns: report.queued,
            text: text.as_ptr(),
            text_len: text.count_bytes() as u64,
            attempts: report.attempts,
            _reserved: 0,
        }
    }
}
