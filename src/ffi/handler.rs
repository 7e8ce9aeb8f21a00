//! Handlers of the host's own, as C makes them and what they may do.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::config_error::{ConfigError, element};
use super::engine::vst_engine;
use super::entry;
use super::options;
use super::ptr::{self, Sized32};
use super::status::{self, *};
use super::step::{Functions, read_answer, vst_discard_fn, vst_step_fn};
use super::types::{VST_NEVER, vst_id};
use crate::config::Custom;
use crate::conn::Why;
use crate::engine::Sent;

/// The handler runs after the TLS handshake and sees decrypted bytes. Without this flag it runs
/// before TLS and sees the bytes on the wire.
pub const VST_HANDLER_AFTER_TLS: u64 = 1 << 36;

/// A handler of the host's own: a step in opening a connection, besides the library's own.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_handler {
    /// sizeof(`vst_handler`), the same in all handlers of a list. Not less than 48 bytes.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// VST_HANDLER_AFTER_TLS or 0.
    pub flags: u64,
    /// Called on the engine's thread, during a call on the engine. Must not be NULL.
    pub step: vst_step_fn,
    /// Optional.
    pub discard: vst_discard_fn,
    /// Handed to step and discard. The library neither reads nor frees it. It must stay valid until
    /// the engines that use the configuration are freed, and usable in the threads of all of them.
    pub data: *mut c_void,
    /// Timeout of the handler, in nanoseconds from the first call of step. Default VST_NEVER: only
    /// `timeout_opening_ns` bounds it.
    pub timeout_ns: u64,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero: a zero function
// pointer is None.
unsafe impl Sized32 for vst_handler {
    const FIRST: usize = 48;
}
const _: () = assert!(size_of::<vst_handler>() == 48);

/// Reads a list of handlers.
///
/// # Safety
/// `list` points to `count` handlers, each of the size that the first one tells.
pub(super) unsafe fn read(
    list: *const vst_handler,
    count: u64,
) -> Result<Vec<Custom>, ConfigError> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    // SAFETY: the caller's contract.
    let handlers = unsafe { ptr::sized_items("handlers", list, count) }?;
    let customs = handlers.iter().enumerate().map(|(index, handler)| {
        custom(handler).map_err(|wrong| wrong.of(&element("handlers", index)))
    });
    customs.collect()
}

fn custom(handler: &vst_handler) -> Result<Custom, ConfigError> {
    options::check_flags(handler.flags, VST_HANDLER_AFTER_TLS, handler._reserved)?;
    let step = handler.step.ok_or_else(|| ConfigError::null("step"))?;
    Ok(Custom {
        behind_tls: handler.flags & VST_HANDLER_AFTER_TLS != 0,
        span: if handler.timeout_ns == 0 { VST_NEVER } else { handler.timeout_ns },
        owner: Arc::new(Functions { step, discard: handler.discard, data: handler.data }),
    })
}

/// Gives the answer that a handler announced with VST_NEXT_LATER: answer is any other VST_NEXT_*;
/// ticket is that of the vst_step. code and text (UTF-8, NUL-terminated, copied, or NULL) are used
/// with VST_NEXT_FAIL, as in vst_step.
///
/// Legal on the engine's thread, also from the handler's own `step`.
/// Returns VST_OK; VST_E_STALE (the connection is gone, or waits for no answer with this ticket: it
/// has one, or its timeout has passed); VST_E_ARGUMENT; VST_E_KIND, VST_E_ENGINE; VST_E_NULL;
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
    entry::call(engine, |shell| {
        // SAFETY: the caller's contract.
        let answer = unsafe { read_answer(answer, code, text) }?;
        shell.core()?.answer(shell.id(conn)?, ticket, answer).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Copies the first bytes that came for a handler into `buffer`, at most `capacity`.
///
/// `*len` is how many there are in all. They stay until `vst_handler_consume` drops them. The library
/// reads more only when a step returns VST_NEXT_READ. With 16 KiB unconsumed it reads no more:
/// VST_NEXT_READ then refuses the connection.
/// Legal on the engine's thread, from the call of the handler's `step` until the handler has
/// answered; after VST_NEXT_LATER, until the answer that comes later.
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
    entry::call(no_len.and(engine), |shell| {
        let to: &mut [u8] = match capacity {
            0 => &mut [],
            // SAFETY: the caller's contract.
            _ => unsafe { ptr::space(buffer.cast(), capacity) }?,
        };
        let all = shell.core()?.handler_peek(shell.id(conn)?, to).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(len, all) }?;
        Ok(VST_OK)
    })
}

/// Drops the first `count` bytes that came for a handler: the next handler, TLS and the session do
/// not get them.
///
/// Legal on the engine's thread, from the call of the handler's `step` until the handler has
/// answered; after VST_NEXT_LATER, until the answer that comes later.
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
    entry::call(engine, |shell| {
        shell.core()?.consume(shell.id(conn)?, count).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Sends bytes of a handler: all or a part.
///
/// `*taken` is how many, 0 unless VST_OK; those bytes are copied. VST_WAIT: none can be taken now;
/// when the step returns VST_NEXT_WRITE, it is called again when some can.
/// Legal on the engine's thread, from the call of the handler's `step` until the handler has
/// answered; after VST_NEXT_LATER, until the answer that comes later.
/// Returns VST_OK; VST_WAIT; VST_E_RESET, VST_E_TRUNCATED and VST_E_FAILED (the connection is over);
/// VST_E_STATE (no handler is asked); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
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
    entry::call(no_taken.and(engine), |shell| {
        // SAFETY: the caller's contract.
        let from = unsafe { ptr::bytes(bytes.cast(), size) }?;
        match shell.core()?.handler_send(shell.id(conn)?, from).map_err(status::of)? {
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
