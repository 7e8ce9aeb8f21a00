//! How an engine is made and freed.

use std::ffi::c_char;

use super::bar::{self, Bar};
use super::engine::{self, vst_engine, vst_engine_options};
use super::options;
use super::panic::guard;
use super::status::*;
use super::words::hand_out;

/// Makes an engine: one thread's worth of descriptors, connections and timers.
///
/// `options` is read and not kept; what its pointers point to stays the host's and must outlive the
/// engine. `*out` is the engine, or NULL on failure; free it with `vst_engine_free`. It belongs to
/// the thread of its first drive call. Engines share nothing but configurations. On failure `why`,
/// unless NULL, gets a sentence, cut to `why_size` bytes with its NUL.
/// Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or trigger, `fdset` without
/// `fdclr` or with `interest`, edges with `fdset`, `max_prefix_bytes` below 107); VST_E_LIMIT
/// (4,096 engines live).
///
/// # Safety
/// `options` points to as many bytes as its `size` says; `out` to a pointer; `why` to `why_size`
/// writable bytes.
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
        engine::new(&options, options.data)
    };
    // SAFETY: the caller's contract.
    unsafe { hand_out(out, why, why_size, make) }
}

/// Frees an engine at any moment outside a callback: connections are reset, descriptors released
/// and closed; the interest callback is told RELEASED, no event is told. Whatever it calls may call
/// nothing: that answers VST_E_REENTRANT. NULL is fine.
///
/// Every id and token of the engine is stale afterwards. Configurations stay.
/// Legal from the engine's thread; also after VST_E_PANIC. Not from a callback of this engine.
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
    // SAFETY: the caller's contract; NULL becomes None.
    let Some(shell) = (unsafe { engine.as_ref() }) else { return VST_OK };
    if let Err(status) = bar::check().and_then(|()| shell.check_owner(false)) {
        return status;
    }
    if shell.depth.get() > 0 {
        return VST_E_REENTRANT;
    }
    // What a callback made of it now nobody would end.
    let _bar = Bar::new();
    shell.depth.set(1);
    if let Some(waker) = shell.waker.borrow().as_deref() {
        waker.close();
    }
    let released = guard(|| {
        shell.bracket.set(false);
        if !shell.poisoned.get() {
            shell.core()?.abort_all();
            shell.tell_interest()?;
            shell.core()?.close_released();
            shell.discard_spent()?;
        }
        // What is left is left by a failure inside: the poller lets go of it all the same.
        loop {
            let Some(op) = shell.core()?.next_left_over() else { break };
            shell.tell_host_op(op);
        }
        Ok(VST_OK)
    });
    let dropped = guard(|| {
        let mut core = shell.core()?;
        core.close_all_fds();
        shell.number.borrow_mut().hand_on(core.next_generation());
        Ok(VST_OK)
    });
    if released == VST_OK && dropped == VST_OK {
        // SAFETY: made by Box::into_raw in vst_engine_new, and not freed (the caller's contract);
        // depth is 0, so no callback of it is running; `shell` is not used any more.
        let owned = unsafe { Box::from_raw(engine) };
        // A drop that panics leaks what it could not drop, after its descriptors are closed.
        guard(move || {
            drop(owned);
            Ok(VST_OK)
        });
    }
    VST_OK
}
