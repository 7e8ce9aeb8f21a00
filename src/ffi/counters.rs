//! What an engine has counted.

use super::engine::vst_engine;
use super::entry;
use super::ptr::{self, Sized32};
use super::status::*;

/// What an engine has counted since it was made.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_counters {
    /// In: `sizeof(vst_counters)`.
    pub size: u32,
    /// Pooled buffers that hold bytes in flight now.
    pub buffers_in_use: u32,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections that became sessions.
    pub sessions: u64,
    /// Connections that ended before that.
    pub refused: u64,
    /// Refusals that were counted and not told.
    pub suppressed: u64,
    /// `accept` calls that failed for one connection.
    pub accept_errors: u64,
    /// Times a listener had to rest because the system ran out of something.
    pub starved: u64,
    /// Times a limit turned a connection away or made a listener rest.
    pub limited: u64,
    /// Outgoing connections asked for.
    pub connects: u64,
    /// Outgoing connections that failed before they were open.
    pub connect_failures: u64,
    /// Bytes read and thrown away while closing.
    pub discarded: u64,
    /// Connections of monitors, which neither became sessions nor are counted as refused.
    pub monitored: u64,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_counters {
    const FIRST: usize = 88;
}
const _: () = assert!(size_of::<vst_counters>() == 96);

/// Writes what the engine has counted.
///
/// Legal at any time.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `counters` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_counters(
    engine: *mut vst_engine,
    counters: *mut vst_counters,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_counters = unsafe { ptr::clear_sized(counters) };
    entry::call(no_counters.and(engine), |shell| {
        let core = shell.core()?;
        let counted = core.counters();
        let value = vst_counters {
            size: 0,
            buffers_in_use: u32::try_from(core.buffers_in_use()).unwrap_or(u32::MAX),
            accepted: counted.accepted,
            sessions: counted.sessions,
            refused: counted.refused,
            suppressed: counted.suppressed,
            accept_errors: counted.accept_errors,
            starved: counted.starved,
            limited: counted.limited,
            connects: counted.connects,
            connect_failures: counted.connect_failures,
            discarded: counted.discarded,
            monitored: counted.monitored,
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(counters, &value) })
    })
}
