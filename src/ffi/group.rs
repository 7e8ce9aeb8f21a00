//! Groups of engines, as C makes them.

use std::sync::Arc;

use super::config_error::{ConfigError, named};
use super::panic::{free, guard};
use super::ptr;
use super::seal::{Handle, seal};
use super::status::*;
use crate::group::EngineGroup;

/// Engines that serve the same purpose with the same backends, mostly one for each thread. See
/// vst_group_new.
pub struct vst_group {
    group: Arc<EngineGroup>,
}

impl Handle for vst_group {
    const NUMBER: u64 = 12;
}

/// Makes a group without members: an engine becomes one by `group` of vst_engine_options, and is one
/// until it is freed. `*out` is the group, or NULL on failure; free it with vst_group_free.
///
/// The members are to have the same backends with the same servers. A backend is the same as another
/// engine's if both were given the same name by vst_backend_set_name, and a server if its name is the
/// same too. Of a backend without a name, or with one that an earlier backend of the engine has, nothing
/// is shared. Of a server that several members have:
/// - Its health checks are made by one of them, the first that has it, and when that is freed or drains
///   (VST_DRAIN_PAUSE, VST_DRAIN_CLOSE), by another. What they say reaches all: each reports
///   VST_EVENT_SERVER_DOWN and VST_EVENT_SERVER_UP. So does a server with checks that attempts to
///   connect brought down in one engine. A server without checks goes down and up in each engine by what
///   that has found out.
/// - What vst_server_set_state and vst_server_set_weight set in one engine counts in all, also in those
///   that are given the server later: of what the members have configured, the first one's weight counts.
/// - Addresses, streams, queues, counters and maxconn are each engine's own. With N engines a server
///   gets up to N times its maxconn unless the host divides it: no word that engines share is read or
///   written where a stream gets its server.
///
/// The others learn of a change at their next vst_engine_run, vst_engine_ready, vst_engine_ready_batch or
/// vst_engine_ready_fd, and their threads are woken for it as by a waker (wake, or a descriptor).
/// vst_metrics_text and VST_MONITOR_ANSWER_METRICS tell the sums over all members.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL.
///
/// # Safety
/// `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_group_new(out: *mut *mut vst_group) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(out, std::ptr::null_mut()) }?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(out, seal(vst_group { group: EngineGroup::new() })) }?;
        Ok(VST_OK)
    })
}

/// Frees a group's handle. The engines that are members keep the group. NULL does nothing.
///
/// Legal from any thread and any callback.
///
/// # Safety
/// `group` is NULL or a group that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_group_free(group: *mut vst_group) {
    // SAFETY: the caller's contract.
    unsafe { free(group) };
}

/// The group that an engine is to be a member of.
///
/// # Safety
/// `group` is NULL or a handle of any kind, freed or not.
pub(super) unsafe fn group_of(
    group: *const vst_group,
) -> Result<Option<Arc<EngineGroup>>, ConfigError> {
    // SAFETY: the caller's contract.
    let group = named("group", unsafe { ptr::handle_if(group) })?;
    Ok(group.map(|group| Arc::clone(&group.group)))
}
