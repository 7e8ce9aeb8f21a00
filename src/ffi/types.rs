//! What many parts of the interface speak of: ids, and what the host must know to wait well.

use super::ptr::Sized32;
use super::status::{VST_E_ARGUMENT, vst_status};
use crate::engine::WaitState;
use crate::id::Id;

/// A 64-bit id of a connection, listener, stream or backend, or the token of a descriptor. 0 is
/// never one. It may be stored anywhere 64 bits fit: `epoll_data.u64`, io_uring user data, a Python
/// integer. A call with the id of something that is gone returns VST_E_STALE and does nothing else.
pub type vst_id = u64;

/// There is work that needs no readiness: call `vst_engine_run` before waiting. A host that polls
/// first polls with a timeout of 0.
pub const VST_WAIT_RUNNABLE: u32 = 128;
/// The call was made from a callback. Do not use this `vst_wait` for waiting: the one that the
/// outermost call writes counts.
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
    /// When to call `vst_engine_run` if no descriptor is ready before: a time of the engine's
    /// clock, in nanoseconds, or VST_NEVER. It may be earlier than necessary, never later.
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

/// In `vst_stream_end`: the stream was given no server. From `vst_backend_add_server`: it failed.
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
