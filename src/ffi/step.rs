//! A question to a handler of the host's own, and its answer.

use std::ffi::{c_char, c_void};

use super::bar::Bar;
use super::engine::vst_engine;
use super::ptr;
use super::status::*;
use super::types::vst_id;
use crate::engine::{HandlerAnswer, Question, Spent};

/// The handler is done: the connection goes on. (0 is no answer: a callback that returns without one lets
/// nobody through.) Bytes that it has not consumed go to the next
/// handler, or to TLS, or to the session.
pub const VST_NEXT_DONE: i32 = 1;
/// Call step again when more bytes, or the end of the peer's side, have come.
pub const VST_NEXT_READ: i32 = 2;
/// Call step again when `vst_handler_send` can take bytes.
pub const VST_NEXT_WRITE: i32 = 3;
/// The handler answers later, by `vst_conn_handler_done` or `vst_waker_post`, with the ticket of
/// this step. Nothing is read meanwhile: a reset ends the connection, but the end of the peer's
/// side is noticed only after the answer.
pub const VST_NEXT_LATER: i32 = 4;
/// The handler refuses the connection, with code and text of vst_step.
pub const VST_NEXT_FAIL: i32 = 5;

/// The peer has ended its side: no further byte comes.
pub const VST_STEP_ENDED: u32 = 512;

/// What a step callback is given, and what it answers besides VST_NEXT_*. The library's memory,
/// valid until the callback returns.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_step {
    /// In: `sizeof(vst_step)` of the library.
    pub size: u32,
    /// In: `VST_STEP_ENDED`.
    pub flags: u32,
    /// In: the connection. Functions that may be called with it are `vst_handler_peek`,
    /// `vst_handler_consume`, `vst_handler_send`, `vst_conn_abort`, and functions that only read,
    /// such as `vst_conn_describe`.
    pub conn: vst_id,
    /// In: the host's user data for the connection.
    pub user: *mut c_void,
    /// In and out: the host's user data for the connection in this handler; NULL in the first call.
    /// When the handler has finished with the connection, or the connection has ended, discard is
    /// called with it once, unless it is NULL or the engine has returned VST_E_PANIC.
    pub state: *mut c_void,
    /// In: the number to hand in with an answer that comes later. No two calls of step for a
    /// connection have the same.
    pub ticket: u32,
    /// Out, with VST_NEXT_FAIL: a code of the host's own, which is reported in `host_code` of
    /// vst_end.
    pub code: i32,
    /// Out, with VST_NEXT_FAIL: a sentence in UTF-8, NUL-terminated, which is reported in text of
    /// vst_end. Copied when the callback returns. NULL: a general sentence.
    pub text: *const c_char,
}
const _: () = assert!(size_of::<vst_step>() == 48);

/// A step of a handler for a connection. data is that of the vst_handler. It returns VST_NEXT_*;
/// any other number fails the connection. Which functions may be called from here: see Callbacks at
/// the top of this header.
pub type vst_step_fn = Option<
    unsafe extern "C" fn(data: *mut c_void, engine: *mut vst_engine, step: *mut vst_step) -> i32,
>;
/// Called when a handler has finished with a connection, or the connection has ended, to free
/// state, which is not NULL. data is that of the vst_handler. Called on the engine's thread; also
/// by `vst_engine_free`, but not for an engine that has returned VST_E_PANIC. No function on an
/// engine, a loop or a waker may be called from here: it returns VST_E_REENTRANT.
pub type vst_discard_fn = Option<unsafe extern "C" fn(data: *mut c_void, state: *mut c_void)>;

/// The functions behind a handler of the core's.
pub(super) struct Functions {
    pub(super) step: unsafe extern "C" fn(*mut c_void, *mut vst_engine, *mut vst_step) -> i32,
    pub(super) discard: vst_discard_fn,
    pub(super) data: *mut c_void,
}

// SAFETY: the pointer is only handed back to the host, on the thread of the engine that asks; the
// header says that it must be usable from all of those.
unsafe impl Send for Functions {}
// SAFETY: as above.
unsafe impl Sync for Functions {}

/// Asks the host, and tells the engine what it answered. No borrow of the engine may be alive.
pub(super) fn ask(shell: &vst_engine, mut question: Question) -> Result<(), vst_status> {
    let Some(functions) = question.owner.downcast_ref::<Functions>() else {
        return Err(VST_E_STATE);
    };
    let mut step = vst_step {
        size: size_of::<vst_step>() as u32,
        flags: if question.ended { VST_STEP_ENDED } else { 0 },
        conn: question.conn.bits(),
        user: std::ptr::with_exposed_provenance_mut(question.user as usize),
        state: std::ptr::with_exposed_provenance_mut(question.state as usize),
        ticket: question.ticket,
        code: 0,
        text: std::ptr::null(),
    };
    let engine = std::ptr::from_ref(shell).cast_mut();
    let to = &raw mut step;
    // SAFETY: the host's function and data, which it keeps valid for the engine's life; no borrow of
    // the engine is alive, and `engine` is only used through shared references.
    let answer = shell.timed("step", || unsafe { (functions.step)(functions.data, engine, to) });
    question.state = step.state.expose_provenance() as u64;
    // SAFETY: the host's contract: NULL, or a string that outlives the callback.
    let answer = match unsafe { read_answer(answer, step.code, step.text) } {
        Ok(answer) => answer,
        Err(_) => {
            HandlerAnswer::Fail(step.code, "a handler gave an answer that is none".to_owned())
        }
    };
    if answer == HandlerAnswer::Later {
        shell.check_later(question.conn, question.ticket);
    }
    shell.core()?.answered(question, answer);
    Ok(())
}

/// Hands the host what a handler has left.
pub(super) fn discard(shell: &vst_engine, spent: &Spent) {
    let Some(functions) = spent.owner.downcast_ref::<Functions>() else { return };
    let Some(discard) = functions.discard else { return };
    let state = std::ptr::with_exposed_provenance_mut(spent.state as usize);
    let _bar = Bar::new();
    // SAFETY: the host's function, its data and its state, which it made and gets back once.
    shell.timed("discard", || unsafe { discard(functions.data, state) });
}

/// The answer that a handler gave.
///
/// # Safety
/// `text` is NULL or a NUL-terminated string.
pub(super) unsafe fn read_answer(
    answer: i32,
    code: i32,
    text: *const c_char,
) -> Result<HandlerAnswer, vst_status> {
    Ok(match answer {
        VST_NEXT_DONE => HandlerAnswer::Done,
        VST_NEXT_READ => HandlerAnswer::Read,
        VST_NEXT_WRITE => HandlerAnswer::Write,
        VST_NEXT_LATER => HandlerAnswer::Later,
        VST_NEXT_FAIL => {
            // SAFETY: the caller's contract.
            let text = unsafe { ptr::text(text) }?.unwrap_or_default();
            HandlerAnswer::Fail(code, text.to_owned())
        }
        _ => return Err(VST_E_ARGUMENT),
    })
}
