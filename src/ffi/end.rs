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
    /// Why it was cut, or what failed first: `VST_WHY_*`, or 0 when both sides ended in order.
    pub why: u32,
    /// Two letters as in HAProxy's log, NUL-terminated. Who ended it: `-` nobody (both sides ended
    /// in order), `C` the client, `S` the server, `c` the client by silence, `s` the server by
    /// silence, `P` a limit, `R` want of resources, `K` the host. And when: `-` at the end, `Q` in
    /// a queue, `C` while the server was being reached, `D` while data moved, `L` while the
    /// server's last data moved.
    pub termination: [c_char; 4],
    /// The server it was given last, as `vst_backend_add_server` numbered it, or `VST_NO_SERVER`.
    pub server: u32,
    /// The backend that chose the server, or 0.
    pub backend: vst_id,
    /// Bytes that the server took of the client's.
    pub bytes_up: u64,
    /// Bytes that the client took of the server's.
    pub bytes_down: u64,
    /// From its beginning to its end, in nanoseconds.
    pub lasted_ns: u64,
    /// From its beginning until its server was reached, in nanoseconds; `VST_NEVER` when it never
    /// was.
    pub reached_ns: u64,
    /// From its beginning until the server took the last byte of the client's, in nanoseconds, or 0.
    pub last_up_ns: u64,
    /// From its beginning until the client took the last byte of the server's, in nanoseconds, or 0.
    pub last_down_ns: u64,
    /// How much of that it waited in queues for a server with room, in nanoseconds.
    pub queued_ns: u64,
    /// The same as `termination` and `why` in words, NUL-terminated. What a peer said in it is
    /// escaped.
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
