//! What the host is told.

use std::ffi::{CStr, c_char, c_void};

use super::addr::vst_end;
use super::end::vst_stream_end;
use super::ptr::Sized32;
use super::types::vst_id;

/// An incoming connection has finished its handshakes: `id` is the session, which may be read,
/// written, forwarded or closed, now or later.
pub const VST_EVENT_SESSION: u32 = 1;
/// An outgoing connection is open, its handshakes included.
pub const VST_EVENT_CONNECTED: u32 = 2;
/// A read that returned VST_WAIT may be tried again; of a new session, the first read may be tried.
/// Reported once per VST_WAIT.
pub const VST_EVENT_READABLE: u32 = 3;
/// A write that returned VST_WAIT may be tried again. Reported once per VST_WAIT.
pub const VST_EVENT_WRITABLE: u32 = 4;
/// An incoming connection ended before it was a session; `end` says how. `id` is stale. At most
/// `refused_per_second` of `vst_listener_options` are reported per second, operation and reason.
pub const VST_EVENT_REFUSED: u32 = 5;
/// A connection has ended, whatever ended it; `end` says how. `id` is stale from now on, and no
/// event about it follows. Reported for every session, and for every connection that the host asked
/// for or handed in, whatever ends_per_second is; without a
/// VST_EVENT_SESSION before it where the host ended the session before that was reported. Not reported for
/// a connection of a stream.
pub const VST_EVENT_CLOSED: u32 = 6;
/// A stream has ended, and its two connections with it; `stream` says how, `end` is the client's
/// own end, `end_server` the server's. Reported for every stream; quiet and suppressed of end are
/// about the stream as a whole.
pub const VST_EVENT_STREAM_END: u32 = 7;
/// A listener has stopped accepting because the system ran out of something (`sys_errno`) or
/// because a limit is reached (`sys_errno` is 0). It resumes by itself: VST_EVENT_RESUMED.
pub const VST_EVENT_PAUSED: u32 = 8;
/// A listener accepts connections again.
pub const VST_EVENT_RESUMED: u32 = 9;
/// A listener is closed; `id` is stale from here on.
pub const VST_EVENT_LISTENER_CLOSED: u32 = 10;
/// From `vst_engine_next`, of an engine without interest callbacks: watch fd for new_mask
/// instead of old_mask, as in `vst_interest_fn`. id is the token to hand back with its readiness.
pub const VST_EVENT_INTEREST: u32 = 11;

/// The engine is draining (`vst_engine_drain`): the host ends this session, at the latest before
/// grace_ns have passed, when it is aborted.
pub const VST_EVENT_DRAINING: u32 = 12;

/// A server of the backend id is up again; reason is VST_REASON_CHECKS or VST_REASON_TRIAL.
pub const VST_EVENT_SERVER_UP: u32 = 13;
/// A server of the backend id is down, and streams go to the others; reason is VST_REASON_CHECKS or
/// VST_REASON_CONNECT_ERRORS.
pub const VST_EVENT_SERVER_DOWN: u32 = 14;
/// A server of the backend `id` has no address: look its name up, and hand in what was found with
/// `vst_server_set_addresses`. Reported once, when the server was added.
pub const VST_EVENT_SERVER_RESOLVE: u32 = 15;

/// The TLS handshake that `vst_conn_start_tls` began is done: reads and writes are possible again.
pub const VST_EVENT_TLS_DONE: u32 = 16;

/// The agent that a link leads to answers: `id` is the link.
pub const VST_EVENT_LINK_UP: u32 = 17;
/// No agent answers any more at the end of a link; `text` says why. It is connected to again by itself.
pub const VST_EVENT_LINK_DOWN: u32 = 18;
/// A link is closed; `id` is stale from here on.
pub const VST_EVENT_LINK_CLOSED: u32 = 19;
/// A client of the agent `id` asks for a connection to the host named `text`, at `port`: look its address
/// up, and hand in what was found with vst_agent_resolved and `ticket`.
pub const VST_EVENT_AGENT_RESOLVE: u32 = 20;

/// Another thread has called `vst_waker_wake`, or the text is there for which vst_metrics_text has returned
/// VST_WAIT. `id` is 0. Reported once for all calls since the last.
pub const VST_EVENT_WOKEN: u32 = 21;

/// What `vst_engine_drain` began is done: no connection and no stream is left, and after VST_DRAIN_CLOSE
/// no listener. `id` is 0.
pub const VST_EVENT_DRAINED: u32 = 22;

/// check_rise checks in a row have passed, or check_fall in a row have failed.
pub const VST_REASON_CHECKS: u32 = 1;
/// `connect_errors` attempts in a row to connect have failed, or the first one of a server on
/// trial.
pub const VST_REASON_CONNECT_ERRORS: u32 = 2;
/// The server is tried again: it was down for trial_ns, or is back from maintenance.
pub const VST_REASON_TRIAL: u32 = 3;

/// An event. What it points to is the library's memory: valid until the callback returns, or, when
/// `vst_engine_next` wrote the event, until the next call on the engine.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_event {
    /// In, for `vst_engine_next`: `sizeof(vst_event)`. Not less than 96 bytes.
    pub size: u32,
    /// `VST_EVENT_*`.
    pub kind: u32,
    /// The id of the connection, listener, stream or backend that the event is about; with
    /// VST_EVENT_INTEREST, the token; 0 with VST_EVENT_WOKEN and
    /// VST_EVENT_DRAINED.
    pub id: vst_id,
    /// The host's user data for `id`; with VST_EVENT_INTEREST, its pointer for the descriptor.
    pub user: *mut c_void,
    /// How it ended, with VST_EVENT_REFUSED, VST_EVENT_CLOSED and VST_EVENT_STREAM_END; otherwise
    /// NULL.
    pub end: *const vst_end,
    /// How the server's side of a stream ended, with VST_EVENT_STREAM_END; NULL when there was
    /// none, and with all other events.
    pub end_server: *const vst_end,
    /// How a stream ended as a whole, with VST_EVENT_STREAM_END; otherwise NULL.
    pub stream: *const vst_stream_end,
    /// With VST_EVENT_PAUSED: the errno of the system, or 0 when a limit is reached. Else 0.
    pub sys_errno: i32,
    /// The descriptor of `VST_EVENT_INTEREST`, else -1.
    pub fd: i32,
    /// With VST_EVENT_INTEREST: what the descriptor was watched for, a mask of VST_IO_*. Else 0.
    pub old_mask: u32,
    /// With VST_EVENT_INTEREST: what it is to be watched for, a mask of VST_IO_*. Else 0.
    pub new_mask: u32,
    /// With VST_EVENT_SERVER_*: the number of the server, from `vst_backend_add_server`. Else 0.
    pub server: u32,
    /// `VST_REASON_*` of VST_EVENT_SERVER_UP and VST_EVENT_SERVER_DOWN, else 0.
    pub reason: u32,
    /// With VST_EVENT_LINK_DOWN: why, in words; with VST_EVENT_AGENT_RESOLVE: the name of a host, as the
    /// client has sent it. NUL-terminated. Else NULL.
    pub text: *const c_char,
    /// With VST_EVENT_AGENT_RESOLVE: what the answer names. Else 0.
    pub ticket: u64,
    /// With VST_EVENT_AGENT_RESOLVE: the port. Else 0.
    pub port: u32,
    /// 0.
    pub _reserved: u32,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_event {
    const FIRST: usize = 96;
}
const _: () = assert!(size_of::<vst_event>() == 96);

/// The name of an event, such as "VST_EVENT_SESSION", NUL-terminated, valid as long as the library is
/// loaded; "unknown" for an unknown number.
///
/// Legal from any thread and any callback.
/// Returns the name, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vst_event_name(kind: u32) -> *const c_char {
    event_name(kind).as_ptr()
}

pub(super) const fn event_name(kind: u32) -> &'static CStr {
    match kind {
        VST_EVENT_SESSION => c"VST_EVENT_SESSION",
        VST_EVENT_CONNECTED => c"VST_EVENT_CONNECTED",
        VST_EVENT_READABLE => c"VST_EVENT_READABLE",
        VST_EVENT_WRITABLE => c"VST_EVENT_WRITABLE",
        VST_EVENT_REFUSED => c"VST_EVENT_REFUSED",
        VST_EVENT_CLOSED => c"VST_EVENT_CLOSED",
        VST_EVENT_STREAM_END => c"VST_EVENT_STREAM_END",
        VST_EVENT_PAUSED => c"VST_EVENT_PAUSED",
        VST_EVENT_RESUMED => c"VST_EVENT_RESUMED",
        VST_EVENT_LISTENER_CLOSED => c"VST_EVENT_LISTENER_CLOSED",
        VST_EVENT_INTEREST => c"VST_EVENT_INTEREST",
        VST_EVENT_DRAINING => c"VST_EVENT_DRAINING",
        VST_EVENT_SERVER_UP => c"VST_EVENT_SERVER_UP",
        VST_EVENT_SERVER_DOWN => c"VST_EVENT_SERVER_DOWN",
        VST_EVENT_SERVER_RESOLVE => c"VST_EVENT_SERVER_RESOLVE",
        VST_EVENT_TLS_DONE => c"VST_EVENT_TLS_DONE",
        VST_EVENT_LINK_UP => c"VST_EVENT_LINK_UP",
        VST_EVENT_LINK_DOWN => c"VST_EVENT_LINK_DOWN",
        VST_EVENT_LINK_CLOSED => c"VST_EVENT_LINK_CLOSED",
        VST_EVENT_AGENT_RESOLVE => c"VST_EVENT_AGENT_RESOLVE",
        VST_EVENT_WOKEN => c"VST_EVENT_WOKEN",
        VST_EVENT_DRAINED => c"VST_EVENT_DRAINED",
        _ => c"unknown",
    }
}
