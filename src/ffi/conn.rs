//! Connections, as C uses them.

use std::ffi::c_void;

use super::engine::vst_engine;
use super::entry;
use super::ptr;
use super::status::{self, *};
use super::types::vst_id;
use crate::conn::{Direction, Why};
use crate::engine::{Received, Sent};

/// The direction from the peer to us.
pub const VST_SHUT_READ: u32 = 1;
/// The direction from us to the peer.
pub const VST_SHUT_WRITE: u32 = 2;
/// Both.
pub const VST_SHUT_BOTH: u32 = 3;

/// Reads bytes of a session into `buffer`, at least one, at most `size`.
///
/// `*got` is how many, 0 unless VST_OK. VST_WAIT: there are none now, and VST_EVENT_READABLE is
/// reported once when some have come. No event is reported while reads return VST_OK: read until
/// VST_WAIT. The library reads nothing before the host does, so a host that does not read slows its
/// peer down (backpressure).
/// Legal on the engine's thread, for a session: in the callback of VST_EVENT_SESSION or
/// VST_EVENT_CONNECTED, or at any time later.
/// Returns VST_OK; VST_WAIT; VST_END; VST_E_TRUNCATED (the connection ended without TLS
/// close_notify: bytes may be missing); VST_E_RESET and VST_E_FAILED (VST_EVENT_CLOSED follows);
/// VST_E_STATE (no session yet, closed by the host, part of a stream); VST_E_ARGUMENT (`size` 0);
/// VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `buffer` points to `size` writable bytes; `got` to a
/// size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_recv(
    engine: *mut vst_engine,
    conn: vst_id,
    buffer: *mut c_void,
    size: usize,
    got: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_got = unsafe { ptr::put(got, 0) };
    entry::call(no_got.and(engine), |shell| {
        // SAFETY: the caller's contract.
        let to = unsafe { ptr::space(buffer.cast(), size) }?;
        let received = shell.core()?.recv(shell.id(conn)?, to).map_err(status::of)?;
        let (status, n) = outcome_of(&received);
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(got, n) }?;
        Ok(status)
    })
}

/// The status of a read, and how many bytes it brought.
pub(super) const fn outcome_of(received: &Received) -> (vst_status, usize) {
    match *received {
        Received::Bytes(n) => (VST_OK, n),
        Received::Wait => (VST_WAIT, 0),
        Received::End => (VST_END, 0),
        Received::Truncated => (VST_E_TRUNCATED, 0),
        Received::Failed(why) => (failed(why), 0),
    }
}

/// Writes bytes of a session: all or a part, at least one.
///
/// `*taken` is how many, 0 unless VST_OK; those bytes are copied. VST_WAIT: none can be taken now,
/// and VST_EVENT_WRITABLE is reported once when some can. A size of 0 takes none and returns
/// VST_OK.
/// Legal on the engine's thread, for a session.
/// Returns VST_OK; VST_WAIT; VST_E_RESET, VST_E_TRUNCATED and VST_E_FAILED (the peer takes no more; what
/// it sent before can still be read: read while `vst_conn_recv` returns VST_OK, or close, since no
/// event follows by itself); VST_E_STATE (no session yet, its write side shut, closed by the host, part
/// of a stream); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `bytes` points to `size` readable bytes; `taken` to a
/// size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_send(
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
        let sent = shell.core()?.send(shell.id(conn)?, from).map_err(status::of)?;
        let (status, n) = outcome_of_send(&sent);
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(taken, n) }?;
        Ok(status)
    })
}

/// The status of a write, and how many bytes it took.
pub(super) const fn outcome_of_send(sent: &Sent) -> (vst_status, usize) {
    match *sent {
        Sent::Bytes(n) => (VST_OK, n),
        Sent::Wait => (VST_WAIT, 0),
        Sent::Failed(why) => (failed(why), 0),
    }
}

const fn failed(why: Why) -> vst_status {
    match why {
        Why::Reset => VST_E_RESET,
        Why::Truncated => VST_E_TRUNCATED,
        _ => VST_E_FAILED,
    }
}

/// Ends one direction of a session, or both: direction is VST_SHUT_*. Writing (half-close): the
/// bytes written so far are sent, then TLS close_notify, then the FIN. Reading: no further byte is
/// delivered, and bytes that still come are thrown away. When both are ended, by whichever side,
/// the connection closes and VST_EVENT_CLOSED follows.
///
/// Legal on the engine's thread, for a session; a second call changes nothing.
/// Returns VST_OK; VST_E_STATE (no session yet, closed by the host, part of a stream);
/// VST_E_ARGUMENT (the direction, the id); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_shutdown(
    engine: *mut vst_engine,
    conn: vst_id,
    direction: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        let conn = shell.id(conn)?;
        for direction in directions(direction)? {
            shell.core()?.shutdown(conn, *direction).map_err(status::of)?;
        }
        Ok(VST_OK)
    })
}

/// The directions of VST_SHUT_*.
pub(super) const fn directions(direction: u32) -> Result<&'static [Direction], vst_status> {
    match direction {
        VST_SHUT_READ => Ok(&[Direction::Read]),
        VST_SHUT_WRITE => Ok(&[Direction::Write]),
        VST_SHUT_BOTH => Ok(&[Direction::Read, Direction::Write]),
        _ => Err(VST_E_ARGUMENT),
    }
}

/// Closes a connection in order: the bytes written so far are sent, then TLS close_notify and the
/// FIN, and the peer's end is waited for within `linger_ns` and `drain_ns`. A connection that is
/// still opening is aborted. From now on the id works only with `vst_conn_abort` and with functions
/// that only read, such as vst_conn_describe. One event follows, VST_EVENT_CLOSED; for a connection
/// of a listener that was no session yet it is VST_EVENT_REFUSED.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED.
/// Returns VST_OK; VST_E_STATE (closed before, part of a stream); VST_E_NULL; VST_E_STALE,
/// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_close(engine: *mut vst_engine, conn: vst_id) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.close(shell.id(conn)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Aborts a connection: unsent bytes are thrown away, and the peer gets a reset. One event follows,
/// VST_EVENT_CLOSED; for a connection of a listener that was no session yet it is
/// VST_EVENT_REFUSED.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED, also after vst_conn_close.
/// Returns VST_OK; VST_E_STATE (part of a stream); VST_E_NULL; VST_E_STALE, VST_E_KIND,
/// VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_abort(engine: *mut vst_engine, conn: vst_id) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.abort(shell.id(conn)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Takes the descriptor of a session without TLS out of the library: from then on it belongs to the
/// host, which closes it. The id is stale, and no event is reported. Bytes that the library has
/// already read from it, such as those after a PROXY header, are copied to `ahead`: they come
/// before whatever the host reads from the descriptor.
///
/// `*fd` is the descriptor, or -1 on failure; `*ahead_len` is the number of bytes. If the
/// descriptor was announced to the interest callbacks before, they are called with VST_IO_RELEASED
/// without VST_IO_CLOSING, before this returns and also within a batch (`vst_engine_batch_begin`):
/// the host removes it from its poller. If it was not, they are not called.
/// Legal on the engine's thread, for a session without TLS that has no unsent bytes and no
/// direction shut.
/// Returns VST_OK; VST_E_SPACE (`*ahead_len` is the capacity that is needed; nothing happened);
/// VST_E_STATE (TLS, unsent bytes, a direction shut, no session); VST_E_NULL; VST_E_STALE,
/// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_MODE (the engine has no interest
/// callbacks); VST_E_UNSUPPORTED (it is fed); VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `fd` points to an `int32_t`; `ahead` to `capacity`
/// writable bytes; `ahead_len` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_take_fd(
    engine: *mut vst_engine,
    conn: vst_id,
    fd: *mut i32,
    ahead: *mut c_void,
    capacity: usize,
    ahead_len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_fd = unsafe { ptr::put(fd, -1) };
    // SAFETY: the caller's contract.
    let no_len = unsafe { ptr::put(ahead_len, 0) };
    entry::call(no_fd.and(no_len).and(engine), |shell| {
        if shell.pulls_interest() {
            return Err(VST_E_MODE);
        }
        let conn = shell.id(conn)?;
        let waiting = shell.core()?.ahead(conn).map_err(status::of)?.to_vec();
        // SAFETY: the caller's contract.
        match unsafe { ptr::copy_out(&waiting, ahead.cast(), capacity, ahead_len) } {
            VST_OK => {}
            status => return Err(status),
        }
        let (taken, op) = match shell.core()?.take_fd(conn) {
            Ok(taken) => taken,
            Err(refusal) => {
                // SAFETY: written to a moment ago.
                unsafe { ptr::put(ahead_len, 0) }?;
                return Err(status::of(refusal));
            }
        };
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(fd, taken.0) }?;
        if let Some(op) = op {
            // RELEASED: nothing that could fail.
            let _ = shell.report_host_op(op);
        }
        Ok(VST_OK)
    })
}

/// Writes the host's user data for a connection.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED. On failure `*user` is NULL.
/// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `user` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_user(
    engine: *mut vst_engine,
    conn: vst_id,
    user: *mut *mut c_void,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_user = unsafe { ptr::put(user, std::ptr::null_mut()) };
    entry::call(no_user.and(engine), |shell| {
        let found = shell.core()?.user(shell.id(conn)?).map_err(status::of)?;
        let pointer = std::ptr::with_exposed_provenance_mut(found as usize);
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(user, pointer) }?;
        Ok(VST_OK)
    })
}

/// Changes the host's user data for a connection, which events about it carry.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED.
/// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_set_user(
    engine: *mut vst_engine,
    conn: vst_id,
    user: *mut c_void,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        let user = user.expose_provenance() as u64;
        shell.core()?.set_user(shell.id(conn)?, user).map_err(status::of)?;
        Ok(VST_OK)
    })
}
