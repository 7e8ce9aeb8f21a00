//! Emptying an engine, as C asks for it.

use super::engine::vst_engine;
use super::entry;
use super::ptr::{self, Sized32};
use super::status::{self, *};
use super::types::VST_NEVER;
use crate::engine::DrainStage;

/// Connections are still accepted, but monitors (`vst_monitor_options`) are answered with a
/// failure, so that load balancers send no more clients to this program.
pub const VST_DRAIN_LAME_DUCK: u32 = 1;
/// Listeners accept no more connections. Connections that wait in the kernel's queue stay there,
/// for another process that has the same sockets open.
pub const VST_DRAIN_PAUSE: u32 = 2;
/// Listeners accept the connections that wait in the kernel's queue, since closing would reset
/// these, and then are closed.
pub const VST_DRAIN_CLOSE: u32 = 3;

/// The state of a drain.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_drain {
    /// In: `sizeof(vst_drain)`. Not less than 40 bytes.
    pub size: u32,
    /// The stage, VST_DRAIN_*, or 0 when the engine does not drain.
    pub how: u32,
    /// When what is left is aborted: a time of the engine's clock, in nanoseconds, or VST_NEVER.
    pub deadline_ns: u64,
    /// Connections and streams that were aborted at deadline_ns.
    pub aborted: u64,
    /// Connections that are left, those that are closing among them.
    pub conns: u32,
    /// Streams that are left.
    pub streams: u32,
    /// Listeners that are left.
    pub listeners: u32,
    /// 0.
    pub _reserved: u32,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_drain {
    const FIRST: usize = 40;
}
const _: () = assert!(size_of::<vst_drain>() == 40);

/// Begins to drain an engine, or goes on to a later stage: how is VST_DRAIN_LAME_DUCK,
/// VST_DRAIN_PAUSE or VST_DRAIN_CLOSE, in this order. A stage includes what the stages before it
/// do.
///
/// From VST_DRAIN_PAUSE on, VST_EVENT_DRAINING is reported for every session that the host itself
/// reads and writes, also for those that begin later; streams go on, and health checks of servers
/// end, unless another engine of the group (vst_group_new) goes on with them. `grace_ns` nanoseconds
/// later what is left is aborted and counted; VST_NEVER, or 0, is no bound. The drain is done when
/// `conns` and `streams` of `vst_drain` are 0, and after VST_DRAIN_CLOSE `listeners` as well:
/// VST_EVENT_DRAINED is reported when that becomes so, not while VST_DRAIN_LAME_DUCK is the stage.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_ARGUMENT (no such stage); VST_E_STATE (an earlier stage than the present
/// one); VST_E_NULL; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_drain(
    engine: *mut vst_engine,
    how: u32,
    grace_ns: u64,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        let how = match how {
            VST_DRAIN_LAME_DUCK => DrainStage::LameDuck,
            VST_DRAIN_PAUSE => DrainStage::Pause,
            VST_DRAIN_CLOSE => DrainStage::Close,
            _ => return Err(VST_E_ARGUMENT),
        };
        let grace = if grace_ns == 0 { VST_NEVER } else { grace_ns };
        shell.core()?.drain(how, grace).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Writes the state of a drain.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `state` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_drain_state(
    engine: *mut vst_engine,
    state: *mut vst_drain,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_state = unsafe { ptr::clear_sized(state) };
    entry::call(no_state.and(engine), |shell| {
        let core = shell.core()?;
        let (drain, wait) = (core.drain_state(), core.wait_state());
        let value = vst_drain {
            size: 0,
            how: drain.map_or(0, |drain| match drain.how {
                DrainStage::LameDuck => VST_DRAIN_LAME_DUCK,
                DrainStage::Pause => VST_DRAIN_PAUSE,
                DrainStage::Close => VST_DRAIN_CLOSE,
            }),
            deadline_ns: drain.map_or(VST_NEVER, |drain| drain.deadline.0),
            aborted: drain.map_or(0, |drain| drain.aborted),
            conns: wait.conns,
            streams: wait.streams,
            listeners: wait.listeners,
            _reserved: 0,
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(state, &value) })
    })
}
