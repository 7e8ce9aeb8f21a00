//! How an engine is made and freed.

use std::ffi::c_char;

use super::bar::{self, Bar};
use super::engine::{self, vst_engine, vst_engine_options};
use super::group::group_of;
use super::options;
use super::panic::guard;
use super::status::*;
use super::words::hand_out;
use super::{ptr, seal};

/// Makes an engine: the descriptors, connections and timers of one thread.
///
/// options is read and not kept. Its callbacks, and what its data points to, must stay valid until
/// the engine is freed. `*out` is the engine, or NULL on failure; free it with `vst_engine_free`.
/// It belongs to the thread of its first drive call. Engines share nothing but configurations,
/// rules and tables, and what the members of a group share (`group`). On failure `why`, unless NULL, gets a sentence, cut to `why_size` bytes with
/// its NUL.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or trigger, one of `fdset`
/// and `fdclr` without the other or with `interest`, VST_TRIGGER_EDGE with `fdset`,
/// `max_proxy_header_bytes` below 107, VST_ENGINE_CHECKED without `log`); VST_E_KIND and VST_E_STALE
/// (`group`); VST_E_SYSTEM (no descriptor by which the others of the group wake it); VST_E_LIMIT (4,096
/// engines live).
///
/// # Safety
/// `options` points to as many bytes as its `size` says; `out` to a pointer; `why` is NULL or
/// points to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_new(
    options: *const vst_engine_options,
    out: *mut *mut vst_engine,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    let make = || {
        // SAFETY: the caller's contract.
        let options = unsafe { options::read(options) }?;
        // SAFETY: the caller's contract.
        let group = unsafe { group_of(options.group) }?;
        engine::new(&options, options.data, group)
    };
    // SAFETY: the caller's contract.
    unsafe { hand_out(out, why, why_size, make) }
}

/// Frees an engine: connections are reset, and all descriptors are released and closed. To end
/// connections in order, call `vst_engine_drain` first. NULL does nothing.
///
/// No event is reported, neither VST_EVENT_CLOSED nor any other. A host that has objects of its own
/// for connections, listeners or streams, as their user data, must keep a list of these objects,
/// and frees them itself after this call. The interest callbacks are called with VST_IO_RELEASED
/// and VST_IO_CLOSING for every descriptor that was announced; an engine whose interest comes from
/// `vst_engine_next` reports nothing and closes its descriptors. The callback fed is asked
/// VST_FED_RESET for every fed connection that is open below, which is the last call about it; an
/// engine without that callback, or after VST_E_PANIC, asks nothing. discard is called with what
/// handlers have kept, but not after VST_E_PANIC. From these callbacks no function on any engine,
/// loop or waker may be called: it returns VST_E_REENTRANT.
/// Every id and token of the engine is invalid afterwards. Configurations, rules, tables and wakers
/// are not freed with it: the host frees them, before or after.
/// Legal on the engine's thread, outside callbacks; also after VST_E_PANIC.
/// Returns VST_OK; VST_E_REENTRANT and VST_E_THREAD (then nothing happens).
///
/// # Safety
/// `engine` is NULL or an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_free(engine: *mut vst_engine) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { free(engine) }
}

/// Frees an engine.
///
/// # Safety
/// `engine` is NULL or an engine that is not freed.
pub(super) unsafe fn free(engine: *mut vst_engine) -> vst_status {
    // SAFETY: the caller's contract.
    let shell = match unsafe { ptr::handle_if(engine) } {
        Ok(Some(shell)) => shell,
        Ok(None) => return VST_OK,
        Err(status) => return status,
    };
    if let Err(status) = bar::check().and_then(|()| shell.check_owner(false)) {
        return status;
    }
    if shell.depth.get() > 0 {
        return VST_E_REENTRANT;
    }
    // What a callback made of it now nobody would end.
    let _bar = Bar::new();
    shell.depth.set(1);
    shell.leave_group();
    if let Some(waker) = shell.waker.borrow().as_deref() {
        waker.close();
    }
    let released = guard(|| {
        shell.bracket.set(false);
        if !shell.poisoned.get() {
            shell.core()?.abort_all();
            shell.report_interest()?;
            shell.report_asks()?;
            shell.core()?.close_released();
            shell.discard_spent()?;
        }
        // What is left is left by a failure inside: the poller lets go of it all the same.
        loop {
            let Some(op) = shell.core()?.next_left_over() else { break };
            // RELEASED: nothing that could fail.
            let _ = shell.report_host_op(op);
        }
        shell.deliver_trace();
        Ok(VST_OK)
    });
    let dropped = guard(|| {
        let mut core = shell.core()?;
        core.close_all_fds();
        shell.number.borrow_mut().hand_on(core.next_generation());
        Ok(VST_OK)
    });
    if released == VST_OK && dropped == VST_OK {
        // SAFETY: a handle that is not freed (the caller's contract); depth is 0, so no callback of it is
        // running; `shell` is not used any more.
        let owned = unsafe { seal::unseal(engine) };
        // A drop that panics leaks what it could not drop, after its descriptors are closed.
        guard(move || {
            drop(owned);
            Ok(VST_OK)
        });
    }
    VST_OK
}
