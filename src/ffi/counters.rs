//! What an engine has counted.

use super::engine::vst_engine;
use super::entry;
use super::ptr::{self, Sized32};
use super::status::*;

/// What an engine has counted since it was made. Here and in all counters, a field that ends in
/// _total only grows, one that ends in _most is the highest value there was, and the others are
/// present values.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_engine_counters {
    /// In: `sizeof(vst_engine_counters)`. Not less than 88 bytes.
    pub size: u32,
    /// Buffers of the engine's pool that hold bytes now.
    pub buffers_in_use: u32,
    /// Connections accepted.
    pub accepted_total: u64,
    /// Connections that became sessions.
    pub sessions_total: u64,
    /// Connections that ended before they were sessions.
    pub refused_total: u64,
    /// Refusals that were counted and not reported.
    pub suppressed_total: u64,
    /// Calls of accept that failed because of the one connection.
    pub accept_errors_total: u64,
    /// Times a listener was paused because the system ran out of something.
    pub starved_total: u64,
    /// Times a limit turned a connection away or paused a listener.
    pub limited_total: u64,
    /// Outgoing connections asked for.
    pub connects_total: u64,
    /// Outgoing connections that failed before they were open.
    pub connect_failures_total: u64,
    /// Bytes read and thrown away while closing.
    pub discarded_total: u64,
    /// Connections of monitors, which neither became sessions nor are counted as refused.
    pub monitored_total: u64,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_engine_counters {
    const FIRST: usize = 88;
}
const _: () = assert!(size_of::<vst_engine_counters>() == 96);

/// Writes what the engine has counted.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `counters` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_get_counters(
    engine: *mut vst_engine,
    counters: *mut vst_engine_counters,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_counters = unsafe { ptr::clear_sized(counters) };
    entry::call(no_counters.and(engine), |shell| {
        let core = shell.core()?;
        let counted = core.counters();
        let value = vst_engine_counters {
            size: 0,
            buffers_in_use: u32::try_from(core.buffers_in_use()).unwrap_or(u32::MAX),
            accepted_total: counted.accepted,
            sessions_total: counted.sessions,
            refused_total: counted.refused,
            suppressed_total: counted.suppressed,
            accept_errors_total: counted.accept_errors,
            starved_total: counted.starved,
            limited_total: counted.limited,
            connects_total: counted.connects,
            connect_failures_total: counted.connect_failures,
            discarded_total: counted.discarded,
            monitored_total: counted.monitored,
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(counters, &value) })
    })
}
