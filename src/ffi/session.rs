//! Sessions beyond plain reads and writes, as C uses them: several pieces of memory at once, a look at
//! bytes, the idle timeout, limits of rates, the descriptor, the bytes so far.

use std::ffi::c_void;
use std::io::IoSlice;

use super::conn::{directions, outcome_of, outcome_of_send};
use super::engine::vst_engine;
use super::entry;
use super::ptr;
use super::status::{self, *};
use super::types::{VST_NEVER, vst_id};
use crate::engine::RateLimit;
use crate::sys::MAX_IOVECS;
use crate::time::SECOND;

/// A piece of memory, laid out as POSIX's struct iovec: a pointer to one of the two may be cast to a
/// pointer to the other.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_iovec {
    /// The bytes. They are only read where the function sends them.
    pub base: *mut c_void,
    /// How many there are.
    pub len: usize,
}
const _: () = assert!(size_of::<vst_iovec>() == 2 * size_of::<usize>());

/// Reads bytes of a session into several pieces of memory, as `vst_conn_recv` does into one: the next
/// is read into once the one before is full.
///
/// `pieces` are `count` pieces, none of length 0; `*got` is the sum of the bytes, 0 unless VST_OK.
/// Where VST_OK came with fewer bytes than there is room for, the next read may still return VST_OK.
/// Legal on the engine's thread, for a session.
/// Returns what vst_conn_recv does; VST_E_ARGUMENT also for a piece of length 0 and for no pieces.
///
/// # Safety
/// engine is an engine that is not freed; pieces points to count pieces, each to len writable bytes;
/// got to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_recvv(
    engine: *mut vst_engine,
    conn: vst_id,
    pieces: *const vst_iovec,
    count: usize,
    got: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_got = unsafe { ptr::put(got, 0) };
    entry::call(no_got.and(engine), |shell| {
        // SAFETY: the caller's contract.
        let pieces = unsafe { ptr::items(pieces, count) }?;
        // SAFETY: the caller's contract.
        let space = |piece: &vst_iovec| unsafe { ptr::space(piece.base.cast(), piece.len) };
        for piece in pieces {
            space(piece)?;
        }
        let spaces = pieces.iter().filter_map(|piece| space(piece).ok());
        let received = shell.core()?.recv_vectored(shell.id(conn)?, spaces).map_err(status::of)?;
        let (status, n) = outcome_of(&received);
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(got, n) }?;
        Ok(status)
    })
}

/// Writes bytes of a session from several pieces of memory, as `vst_conn_send` does from one: without
/// TLS in one system call, with TLS in as few records as they fit.
///
/// `pieces` are `count` pieces, of which the first 64 are looked at; `*taken` is how many of their
/// bytes were taken, from the first piece on, 0 unless VST_OK.
/// Legal on the engine's thread, for a session.
/// Returns what vst_conn_send does.
///
/// # Safety
/// engine is an engine that is not freed; pieces points to count pieces, each to len readable bytes;
/// taken to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_sendv(
    engine: *mut vst_engine,
    conn: vst_id,
    pieces: *const vst_iovec,
    count: usize,
    taken: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_taken = unsafe { ptr::put(taken, 0) };
    entry::call(no_taken.and(engine), |shell| {
        // SAFETY: the caller's contract.
        let pieces = unsafe { ptr::items(pieces, count) }?;
        let mut slices = [IoSlice::new(&[]); MAX_IOVECS];
        let n = pieces.len().min(MAX_IOVECS);
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            // SAFETY: the caller's contract.
            *slice = IoSlice::new(unsafe { ptr::bytes(piece.base.cast(), piece.len) }?);
        }
        let sent =
            shell.core()?.send_vectored(shell.id(conn)?, &slices[..n]).map_err(status::of)?;
        let (status, n) = outcome_of_send(&sent);
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(taken, n) }?;
        Ok(status)
    })
}

/// Copies the next bytes of a session to `buffer`, at most `size`, and leaves them to the next read.
///
/// `*got` is how many were copied, whatever is returned. VST_OK: buffer is full, or the library holds
/// as much as it does for this, at least 16 KiB. VST_WAIT: those are all there are now, and
/// VST_EVENT_READABLE is reported once when there are more. What is looked at is held in memory of the
/// library until it is read. When the connection breaks, the bytes that were not read are lost.
/// Legal on the engine's thread, for a session.
/// Returns VST_OK; VST_WAIT; VST_END and VST_E_TRUNCATED (as vst_conn_recv; no more will come);
/// VST_E_RESET and VST_E_FAILED (VST_EVENT_CLOSED follows); VST_E_STATE (no session yet, closed by the
/// host, part of a stream); VST_E_ARGUMENT (`size` 0); VST_E_NULL; VST_E_STALE, VST_E_KIND,
/// VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `buffer` points to `size` writable bytes; `got` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_peek(
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
        let (n, more) = shell.core()?.peek(shell.id(conn)?, to).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(got, n) }?;
        Ok(outcome_of(&more).0)
    })
}

/// Bounds the time in which no byte of a session is read or written by the host. When idle_ns pass
/// without one, counted from this call, the session ends in order; `end` of its VST_EVENT_CLOSED has
/// VST_WHY_IDLE and no operation. 0 or VST_NEVER ends the bound.
///
/// It bounds the session only, neither its closing nor a stream that it becomes part of; TLS that
/// vst_conn_start_tls begins has a timeout of its own.
/// Legal on the engine's thread, for a session.
/// Returns VST_OK; VST_E_STATE (no session yet, closed by the host, part of a stream); VST_E_NULL;
/// VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_set_timeout(
    engine: *mut vst_engine,
    conn: vst_id,
    idle_ns: u64,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        let timeout = (!matches!(idle_ns, 0 | VST_NEVER)).then_some(idle_ns);
        shell.core()?.set_idle_timeout(shell.id(conn)?, timeout).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Limits how fast the bytes of a session move: over any time at most `bytes` in each `period_ns`, and
/// after a pause at most `bytes` at once. `direction` is VST_SHUT_*: from the peer to us, from us to
/// the peer, or both, each for itself. A limit replaces the one before, also one that a rule has set
/// (set-bandwidth-limit); `bytes` 0 or VST_NEVER ends it. A `period_ns` of 0 is a second.
///
/// The bytes that the session reads and writes count, without headers and without what TLS adds. In a
/// stream, bytes move as fast as the limits of both sides allow, and whoever sends faster has to wait
/// (backpressure). A record of TLS is read as a whole, and paid for afterwards. A session of the
/// host's gets VST_WAIT when a limit is used up, and then VST_EVENT_READABLE or VST_EVENT_WRITABLE
/// once the next piece may move: what the limit allows in 20 ms, or less. Timeouts of silence do not
/// count while a limit holds bytes back. Timers have a resolution of a millisecond, so that with a
/// period of a few milliseconds fewer bytes move than the limit allows.
/// Legal on the engine's thread, before VST_EVENT_CLOSED, also for a connection of a stream.
/// Returns VST_OK; VST_E_STATE (it belongs to a link or an agent); VST_E_ARGUMENT (the direction, the
/// id); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_limit_rate(
    engine: *mut vst_engine,
    conn: vst_id,
    direction: u32,
    bytes: u64,
    period_ns: u64,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        let conn = shell.id(conn)?;
        let period = if period_ns == 0 { SECOND } else { period_ns };
        let limit = RateLimit::new(bytes, period).filter(|_| bytes != VST_NEVER);
        for direction in directions(direction)? {
            shell.core()?.limit_rate(conn, *direction, limit).map_err(status::of)?;
        }
        Ok(VST_OK)
    })
}

/// Writes the descriptor of a connection, for its socket options (setsockopt, getsockopt) and for
/// questions about it (TCP_INFO, SO_PEERCRED).
///
/// `*fd` is the descriptor, or -1 on failure. It stays the library's: the host must not read, write,
/// shut or close it, register it with its poller, clear O_NONBLOCK, or set SO_LINGER, and it must not
/// keep the number beyond the release of the descriptor. `vst_conn_take_fd` is for having it.
/// Legal on the engine's thread, before VST_EVENT_CLOSED.
/// Returns VST_OK; VST_E_UNSUPPORTED (a fed connection, or one behind an agent, has none); VST_E_STATE
/// (there is none yet, or none any more); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE,
/// VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `fd` points to an `int32_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_fd(
    engine: *mut vst_engine,
    conn: vst_id,
    fd: *mut i32,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_fd = unsafe { ptr::put(fd, -1) };
    entry::call(no_fd.and(engine), |shell| {
        let found = shell.core()?.descriptor(shell.id(conn)?).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(fd, found.0) }?;
        Ok(VST_OK)
    })
}

/// Writes how many bytes a connection has read and written so far, as they were on the wire: with
/// headers, and with TLS in records. Also of a connection of a stream, and of one that is closing.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED. On failure both are 0.
/// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `bytes_in` and `bytes_out` point to 64 bits each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_bytes(
    engine: *mut vst_engine,
    conn: vst_id,
    bytes_in: *mut u64,
    bytes_out: *mut u64,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_in = unsafe { ptr::put(bytes_in, 0) };
    // SAFETY: the caller's contract.
    let no_out = unsafe { ptr::put(bytes_out, 0) };
    entry::call(no_in.and(no_out).and(engine), |shell| {
        let (read, written) = shell.core()?.bytes(shell.id(conn)?).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(bytes_in, read) }?;
        // SAFETY: as above.
        unsafe { ptr::put(bytes_out, written) }?;
        Ok(VST_OK)
    })
}
