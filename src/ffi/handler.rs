//! Handlers of the host's own, as C makes them and what they may do.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::bar::Bar;
use super::drive::VST_NEVER;
use super::engine::{id, vst_id};
use super::panic::outside;
use super::ptr::{self, Sized32};
use super::shell::{self, vst_engine};
use super::status::{self, *};
use super::unusable::{Unusable, element};
use crate::config::Custom;
use crate::conn::Why;
use crate::engine::{Answer, Question, Sent, Spent};

/// The handler is done: the connection goes on. What it has not consumed is for whoever comes next.
pub const VST_STEP_DONE: i32 = 0;
/// The handler is to be asked again when bytes, or the end, have come.
pub const VST_STEP_READ: i32 = 1;
/// The handler is to be asked again when there is room to send.
pub const VST_STEP_WRITE: i32 = 2;
/// The handler will answer later, by `vst_conn_handler_done` or `vst_waker_post`, with the ticket.
/// Nothing is read meanwhile: a reset ends the connection, the end of the peer's side is noticed
/// afterwards.
pub const VST_STEP_LATER: i32 = 3;
/// The handler will not have the connection: it is refused, with `code` and `text`.
pub const VST_STEP_FAIL: i32 = 4;

/// The peer has ended its side: no further byte comes.
pub const VST_STEP_ENDED: u32 = 1;

/// The handler sees what TLS protects. Without it, it sees what is on the wire, ahead of TLS.
pub const VST_HANDLER_BEHIND_TLS: u32 = 1;

/// A question to a handler, and its answer. The library's memory, valid until the callback returns.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_step {
    /// In: `sizeof(vst_step)` of the library.
    pub size: u32,
    /// In: `VST_STEP_ENDED`.
    pub flags: u32,
    /// In: the connection. `vst_handler_*`, `vst_conn_describe`, `vst_conn_abort` and what asks facts
    /// of it are legal.
    pub conn: vst_id,
    /// In: the host's own word for the connection.
    pub user: *mut c_void,
    /// In and out: the host's own word for the connection in this handler; NULL at first. When the
    /// handler is through with the connection, in whatever way, `discard` gets it once, unless NULL.
    pub state: *mut c_void,
    /// In: what an answer that comes later brings back. No two questions of a connection have the
    /// same.
    pub ticket: u32,
    /// Out, with VST_STEP_FAIL: a code of the host's own, which the end report has.
    pub code: i32,
    /// Out, with VST_STEP_FAIL: a sentence in UTF-8, NUL-terminated, which the end report has. Copied
    /// when the callback returns. NULL: a general one.
    pub text: *const c_char,
}
const _: () = assert!(size_of::<vst_step>() == 48);

/// What is next? `data` is the handler's. Answers `VST_STEP_*`; anything else fails the connection.
/// Every function may be called from here, but those that are legal outside callbacks only.
pub type vst_step_fn = Option<
    unsafe extern "C" fn(data: *mut c_void, engine: *mut vst_engine, step: *mut vst_step) -> i32,
>;
/// A handler is through with a connection: frees `state`, which is not NULL. No function on an engine, a
/// loop or a waker may be called from here: it answers VST_E_REENTRANT.
pub type vst_discard_fn = Option<unsafe extern "C" fn(data: *mut c_void, state: *mut c_void)>;

/// A handler of the host's own: a step between what the library does itself.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_handler {
    /// `sizeof(vst_handler)`, the same in all of a list.
    pub size: u32,
    /// `VST_HANDLER_BEHIND_TLS`.
    pub flags: u32,
    /// Asked on the engine's thread, from within a call on the engine.
    pub step: vst_step_fn,
    /// Optional.
    pub discard: vst_discard_fn,
    /// Handed to both. The library neither reads nor frees it; it stays valid until the engines that
    /// use the configuration are freed.
    pub data: *mut c_void,
    /// How long it may take, in nanoseconds from when it is first asked. Default VST_NEVER: only
    /// `timeout_opening_ns` bounds it.
    pub timeout_ns: u64,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero: a zero function
// pointer is None.
unsafe impl Sized32 for vst_handler {
    const FIRST: usize = 40;
}
const _: () = assert!(size_of::<vst_handler>() == 40);

/// The functions behind a handler of the core's.
struct Functions {
    step: unsafe extern "C" fn(*mut c_void, *mut vst_engine, *mut vst_step) -> i32,
    discard: vst_discard_fn,
    data: *mut c_void,
}

// SAFETY: the pointer is only handed back to the host, on the thread of the engine that asks; the
// header says that it must be usable from all of those.
unsafe impl Send for Functions {}
// SAFETY: as above.
unsafe impl Sync for Functions {}

/// Reads a list of handlers.
///
/// # Safety
/// `list` points to `count` handlers, each of the size that the first one tells.
pub(super) unsafe fn read(list: *const vst_handler, count: u64) -> Result<Vec<Custom>, Unusable> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    // SAFETY: the caller's contract.
    let handlers = unsafe { ptr::sized_items("handlers", list, count) }?;
    let customs = handlers.iter().enumerate().map(|(index, handler)| {
        custom(handler).map_err(|wrong| wrong.of(&element("handlers", index)))
    });
    customs.collect()
}

fn custom(handler: &vst_handler) -> Result<Custom, Unusable> {
    if handler.flags & !VST_HANDLER_BEHIND_TLS != 0 {
        return Err(Unusable::argument("flags: an unknown one"));
    }
    let step = handler.step.ok_or_else(|| Unusable::null("step"))?;
    Ok(Custom {
        behind_tls: handler.flags & VST_HANDLER_BEHIND_TLS != 0,
        span: if handler.timeout_ns == 0 { VST_NEVER } else { handler.timeout_ns },
        owner: Arc::new(Functions { step, discard: handler.discard, data: handler.data }),
    })
}

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
    let answer = outside(|| unsafe { (functions.step)(functions.data, engine, to) });
    question.state = step.state.expose_provenance() as u64;
    // SAFETY: the host's contract: NULL, or a string that outlives the callback.
    let answer = match unsafe { read_answer(answer, step.code, step.text) } {
        Ok(answer) => answer,
        Err(_) => Answer::Fail(step.code, "a handler gave an answer that is none".to_owned()),
    };
    shell.core()?.answered(question, answer);
    Ok(())
}

/// Hands the host what a handler has left.
pub(super) fn discard(spent: &Spent) {
    let Some(functions) = spent.owner.downcast_ref::<Functions>() else { return };
    let Some(discard) = functions.discard else { return };
    let state = std::ptr::with_exposed_provenance_mut(spent.state as usize);
    let _bar = Bar::new();
    // SAFETY: the host's function, its data and its state, which it made and gets back once.
    outside(|| unsafe { discard(functions.data, state) });
}

/// # Safety
/// `text` is NULL or a NUL-terminated string.
unsafe fn read_answer(answer: i32, code: i32, text: *const c_char) -> Result<Answer, vst_status> {
    Ok(match answer {
        VST_STEP_DONE => Answer::Done,
        VST_STEP_READ => Answer::Read,
        VST_STEP_WRITE => Answer::Write,
        VST_STEP_LATER => Answer::Later,
        VST_STEP_FAIL => {
            // SAFETY: the caller's contract.
            let text = unsafe { ptr::text(text) }?.unwrap_or_default();
            Answer::Fail(code, text.to_owned())
        }
        _ => return Err(VST_E_ARGUMENT),
    })
}

/// Gives the answer that a handler announced with VST_STEP_LATER: any other `VST_STEP_*`. `code` and
/// `text` (UTF-8, NUL-terminated, or NULL) go with VST_STEP_FAIL.
///
/// Legal from any callback, the handler's own step among them.
/// Returns VST_OK; VST_E_STALE (the connection is gone, or waits for no such ticket: it has been
/// answered, or its time was over); VST_E_ARGUMENT; VST_E_KIND, VST_E_ENGINE; VST_E_NULL;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `text` is NULL or a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_handler_done(
    engine: *mut vst_engine,
    conn: vst_id,
    ticket: u32,
    answer: i32,
    code: i32,
    text: *const c_char,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    shell::call(engine, |shell| {
        // SAFETY: the caller's contract.
        let answer = unsafe { read_answer(answer, code, text) }?;
        shell.core()?.answer(id(conn)?, ticket, answer).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Copies the first bytes that came for a handler into `buffer`, at most `capacity`.
///
/// `*len` is how many there are in all. They stay: `vst_handler_consume` drops them. The library
/// reads on only when a step answers VST_STEP_READ, until 16 KiB are held; then such an answer
/// refuses the connection.
/// Legal between a handler's question and its answer.
/// Returns VST_OK; VST_E_STATE (no handler is asked); VST_E_NULL; VST_E_STALE, VST_E_KIND,
/// VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `buffer` points to `capacity` writable bytes; `len` to a
/// size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_handler_peek(
    engine: *mut vst_engine,
    conn: vst_id,
    buffer: *mut c_void,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_len = unsafe { ptr::put(len, 0) };
    shell::call(no_len.and(engine), |shell| {
        let to: &mut [u8] = match capacity {
            0 => &mut [],
            // SAFETY: the caller's contract.
            _ => unsafe { ptr::space(buffer.cast(), capacity) }?,
        };
        let all = shell.core()?.peek(id(conn)?, to).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(len, all) }?;
        Ok(VST_OK)
    })
}

/// Drops the first `count` bytes that came for a handler: whoever comes next does not see them.
///
/// Legal between a handler's question and its answer.
/// Returns VST_OK; VST_E_ARGUMENT (there are not so many); VST_E_STATE (no handler is asked);
/// VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_handler_consume(
    engine: *mut vst_engine,
    conn: vst_id,
    count: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    shell::call(engine, |shell| {
        shell.core()?.consume(id(conn)?, count).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Sends bytes of a handler: all or a part.
///
/// `*taken` is how many, 0 unless VST_OK; they need not be kept. VST_WAIT: none can be taken now; a
/// step that answers VST_STEP_WRITE is asked again when some can.
/// Legal between a handler's question and its answer.
/// Returns VST_OK; VST_WAIT; VST_E_RESET and VST_E_FAILED (the connection is over); VST_E_STATE (no
/// handler is asked); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `bytes` points to `size` readable bytes; `taken` to a
/// size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_handler_send(
    engine: *mut vst_engine,
    conn: vst_id,
    bytes: *const c_void,
    size: usize,
    taken: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_taken = unsafe { ptr::put(taken, 0) };
    shell::call(no_taken.and(engine), |shell| {
        // SAFETY: the caller's contract.
        let from = unsafe { ptr::bytes(bytes.cast(), size) }?;
        match shell.core()?.handler_send(id(conn)?, from).map_err(status::of)? {
            Sent::Bytes(n) => {
                // SAFETY: written to a moment ago.
                unsafe { ptr::put(taken, n) }?;
                Ok(VST_OK)
            }
            Sent::Wait => Ok(VST_WAIT),
            Sent::Failed(Why::Reset) => Ok(VST_E_RESET),
            Sent::Failed(_) => Ok(VST_E_FAILED),
        }
    })
}
