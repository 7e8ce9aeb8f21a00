//! The one object that other threads may use: it brings answers of handlers to the engine's thread.

use std::sync::Arc;

use super::bar;
use super::engine::vst_engine;
use super::entry;
use super::panic::{free, guard};
use super::posts::{Post, Shared};
use super::ptr;
use super::seal::{Handle, seal};
use super::status::*;
use super::step::{VST_NEXT_DONE, VST_NEXT_FAIL, VST_NEXT_READ, VST_NEXT_WRITE};
use super::types::{id, vst_id};
use crate::engine::HandlerAnswer;

/// Wakes an engine's thread from other threads, and brings answers of handlers to it. It
/// does not keep the engine: after `vst_engine_free`, `vst_waker_post` returns VST_E_GONE.
pub struct vst_waker {
    shared: Arc<Shared>,
}

impl Handle for vst_waker {
    const NUMBER: u64 = 3;
}

impl vst_engine {
    /// What wakers of this engine share.
    pub(super) fn waker(&self) -> Result<Arc<Shared>, vst_status> {
        if let Some(shared) = self.waker.borrow().as_ref() {
            return Ok(Arc::clone(shared));
        }
        let shared = Arc::new(Shared::new(self.host.wake, self.host.data)?);
        if let Some(wake_fd) = shared.wake_fd() {
            self.core()?.watch_wake_fd(wake_fd);
        }
        *self.waker.borrow_mut() = Some(Arc::clone(&shared));
        Ok(shared)
    }
}

/// Makes a waker of an engine. `*out` is the waker, or NULL on failure; free it with
/// `vst_waker_free`, before or after the engine. An engine may have any number of them.
///
/// With the first waker of an engine the library asks the host's poller to watch one more
/// descriptor, unless the engine was made with wake.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SYSTEM (no descriptor could be opened); VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_waker(
    engine: *mut vst_engine,
    out: *mut *mut vst_waker,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_out = unsafe { ptr::put(out, std::ptr::null_mut()) };
    entry::call(no_out.and(engine), |shell| {
        let waker = vst_waker { shared: shell.waker()? };
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(out, seal(waker)) }?;
        Ok(VST_OK)
    })
}

/// Brings the answer of a handler whose step returned VST_NEXT_LATER: answer is VST_NEXT_DONE,
/// VST_NEXT_READ, VST_NEXT_WRITE or VST_NEXT_FAIL (with code, and a general sentence as text);
/// ticket is that of the vst_step. The engine takes it in its next `vst_engine_run`,
/// `vst_engine_ready`, `vst_engine_ready_batch` or `vst_engine_ready_fd`, not in `vst_engine_wait`;
/// its thread is woken for that. An answer to a connection that is gone by then is dropped.
///
/// Legal from any thread, from several at once, and from the callbacks `event`, `step`, `fdset`,
/// `fdclr`, `interest` and `timer`; not from a signal handler.
/// Returns VST_OK; VST_E_GONE (the engine is freed); VST_E_LIMIT (4,096 answers wait already: let
/// the engine's thread run, and try again); VST_E_ARGUMENT; VST_E_NULL; VST_E_REENTRANT.
///
/// # Safety
/// `waker` is a waker that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_waker_post(
    waker: *mut vst_waker,
    conn: vst_id,
    ticket: u32,
    answer: i32,
    code: i32,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        let waker = unsafe { ptr::handle(waker) }?;
        bar::check()?;
        let answer = match answer {
            VST_NEXT_DONE => HandlerAnswer::Done,
            VST_NEXT_READ => HandlerAnswer::Read,
            VST_NEXT_WRITE => HandlerAnswer::Write,
            VST_NEXT_FAIL => HandlerAnswer::Fail(code, String::new()),
            _ => return Err(VST_E_ARGUMENT),
        };
        Ok(waker.shared.post(Post { conn: id(conn)?, ticket, answer }))
    })
}

/// Wakes the engine's thread: its poller reports the wake-up descriptor, or wake is called, and
/// VST_EVENT_WOKEN is reported by the next drive call but vst_engine_wait. Calls before that count
/// as one.
///
/// Legal from any thread, from several at once, and from the callbacks `event`, `step`, `fdset`,
/// `fdclr`, `interest` and `timer`; not from a signal handler.
/// Returns VST_OK; VST_E_GONE (the engine is freed); VST_E_NULL; VST_E_REENTRANT.
///
/// # Safety
/// `waker` is a waker that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_waker_wake(waker: *mut vst_waker) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        let waker = unsafe { ptr::handle(waker) }?;
        bar::check()?;
        Ok(waker.shared.wake())
    })
}

/// Frees a waker. NULL does nothing.
///
/// Legal from any thread and any callback, before or after the engine is freed.
///
/// # Safety
/// `waker` is NULL or a waker that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_waker_free(waker: *mut vst_waker) {
    // SAFETY: the caller's contract.
    unsafe { free(waker) };
}
