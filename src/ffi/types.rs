//! What many parts of the interface speak of: ids, and what the host must know to wait well.

use super::ptr::Sized32;
use super::status::{VST_E_ARGUMENT, vst_status};
use crate::engine::WaitState;
use crate::id::Id;

/// A 64-bit id of a connection, listener or stream, or the token of a descriptor. 0 is never one.
/// It may be stored anywhere 64 bits fit: `epoll_data.u64`, io_uring user data, an integer of
/// Python. An id of something that is gone is answered with `VST_E_STALE`, never with harm.
pub type vst_id = u64;

/// There is work that needs no readiness: call `vst_engine_run` before waiting, and poll without
/// waiting in between.
pub const VST_WAIT_RUNNABLE: u32 = 128;
/// The call was made from a callback. The host waits by what the outermost call writes, not by
/// this.
pub const VST_WAIT_NESTED: u32 = 256;
/// No deadline.
pub const VST_NEVER: u64 = u64::MAX;

/// Until when the host may wait, and what exists. Every drive call writes it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_wait {
    /// In: `sizeof(vst_wait)`. Not less than 32 bytes.
    pub size: u32,
    /// `VST_WAIT_*`.
    pub flags: u32,
    /// When to call `vst_engine_run` if nothing happens before: a point of the engine's clock, in
    /// nanoseconds, or `VST_NEVER`. It may be earlier than necessary, never later.
    pub deadline_ns: u64,
    /// Connections that exist, those that are closing among them.
    pub conns: u32,
    /// Streams that exist.
    pub streams: u32,
    /// Listeners that exist.
    pub listeners: u32,
    /// 0.
    pub _reserved: u32,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_wait {
    const FIRST: usize = 32;
}
const _: () = assert!(size_of::<vst_wait>() == 32);

/// Of a stream: it was given no server.
pub const VST_NO_SERVER: u32 = u32::MAX;

/// The id that a number of the host's is, of whatever kind.
pub(super) fn id(bits: vst_id) -> Result<Id, vst_status> {
    Id::from_bits(bits).ok_or(VST_E_ARGUMENT)
}

/// The wait state for C: `nested` inside a callback, and `more` where work is left to do.
pub(super) fn wait_of(state: &WaitState, nested: bool, more: bool) -> vst_wait {
    let mut flags = 0;
    if state.runnable || more {
        flags |= VST_WAIT_RUNNABLE;
    }
    if nested {
        flags |= VST_WAIT_NESTED;
    }
    vst_wait {
        size: 0,
        flags,
        deadline_ns: state.deadline.map_or(VST_NEVER, |deadline| deadline.0),
        conns: state.conns,
        streams: state.streams,
        listeners: state.listeners,
        _reserved: 0,
    }
}
