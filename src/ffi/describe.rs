//! Listeners, backends and connections as one line of text, and how any text of an engine's is handed
//! out.

use std::ffi::c_char;

use super::engine::vst_engine;
use super::entry;
use super::ptr;
use super::status::{self, *};
use super::types::vst_id;

/// Copies the state of a connection as one line of name=value, for a log or for debugging: state,
/// descriptor, layers, operations, bytes, limits of bandwidth, deadline, what it waits for, why it failed.
///
/// The text has no NUL; `*len` is its length, also when `capacity` does not suffice. 2,048 bytes
/// mostly do.
/// Legal on the engine's thread, before VST_EVENT_CLOSED.
/// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `text` points to `capacity` writable bytes; `len` to a
/// size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_describe(
    engine: *mut vst_engine,
    conn: vst_id,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe {
        copy_text(engine, text, capacity, len, |shell| {
            shell.core()?.describe(shell.id(conn)?).map_err(status::of)
        })
    }
}

/// Copies the state of a listener as one line of name=value, for a log or for debugging: its name,
/// address, descriptor, why it is paused, and the counts of its connections.
///
/// The text has no NUL; `*len` is its length, also when `capacity` does not suffice. 1,024 bytes
/// mostly do.
/// Legal on the engine's thread, before VST_EVENT_LISTENER_CLOSED.
/// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `text` points to `capacity` writable bytes; `len` to a
/// size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_listener_describe(
    engine: *mut vst_engine,
    listener: vst_id,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe {
        copy_text(engine, text, capacity, len, |shell| {
            shell.core()?.describe_listener(shell.id(listener)?).map_err(status::of)
        })
    }
}

/// Copies the state of a backend as one line of name=value, for a log or for debugging: its streams
/// and queue, and of each server (`server.NUMBER.name and so on`) its name, state, health, share,
/// streams and queue.
///
/// The text has no NUL; `*len` is its length, also when capacity does not suffice. It grows with the
/// servers, by some 200 bytes each.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// engine is an engine that is not freed; text points to capacity writable bytes; len to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_backend_describe(
    engine: *mut vst_engine,
    backend: vst_id,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe {
        copy_text(engine, text, capacity, len, |shell| {
            shell.core()?.describe_backend(shell.id(backend)?).map_err(status::of)
        })
    }
}

/// Copies the text that `made` says of an engine into the host's memory.
///
/// # Safety
/// `engine` is NULL or an engine that is not freed; `text` points to `capacity` writable bytes; `len`
/// is NULL or points to a size.
pub(super) unsafe fn copy_text(
    engine: *mut vst_engine,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
    made: impl FnOnce(&vst_engine) -> Result<String, vst_status>,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_len = unsafe { ptr::put(len, 0) };
    entry::call(no_len.and(engine), |shell| {
        let made = made(shell)?;
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(made.as_bytes(), text.cast(), capacity, len) })
    })
}
