//! Fed connections, as C moves their bytes.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::accept_config::vst_accept_config;
use super::addr::vst_addr;
use super::config_error::{ConfigError, named};
use super::engine::vst_engine;
use super::entry::{self, asked};
use super::fed_ask::vst_fed_ask;
use super::listener::answer;
use super::options;
use super::ptr::{self, Sized32};
use super::status::{self, *};
use super::types::vst_id;
use crate::engine::FedOrigin;
use crate::sys::{Addr, Credentials, Errno};

/// `peer_uid` and `peer_gid` of vst_feed_args are known.
pub const VST_FEED_PEER_CREDENTIALS: u64 = 1 << 54;

/// What is known of a connection that the host hands over to be fed.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_feed_args {
    /// `sizeof(vst_feed_args)`. Not less than 56 bytes.
    pub size: u32,
    /// Has to be 0.
    pub _reserved: u32,
    /// `VST_FEED_*`.
    pub flags: u64,
    /// The user id of the process at the other end, as SO_PEERCRED would tell it. Only with
    /// VST_FEED_PEER_CREDENTIALS.
    pub peer_uid: u32,
    /// Its group id. Only with VST_FEED_PEER_CREDENTIALS.
    pub peer_gid: u32,
    /// The other end. NULL or VST_ADDR_NONE: it has no address, and counts as an unnamed unix socket: a
    /// list of trusted sources (`accept_proxy`) trusts it where it has the word unix.
    pub peer: *const vst_addr,
    /// Our end. NULL or VST_ADDR_NONE: it has no address; then vst_conn_addrs and vst_conn_socket_addrs
    /// return VST_E_STATE, and a PROXY header that is sent on behalf of the connection names no address.
    pub local: *const vst_addr,
    /// The host's user data for the connection. The library neither reads nor frees it.
    pub user: *mut c_void,
    /// The host's data for what is below: it comes with every ask. The library neither reads nor frees
    /// it.
    pub data: *mut c_void,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_feed_args {
    const FIRST: usize = 56;
}
const _: () = assert!(size_of::<vst_feed_args>() == 56);

/// Takes a connection that is open below, and whose bytes the host moves. It goes through what `config`
/// (not NULL) says: headers, rules, handlers, TLS. `args` may be NULL: nothing is known of the connection.
///
/// `*out` is the id, or 0. It asks with the callback `fed` of the engine or through vst_fed_next.
/// VST_EVENT_SESSION is reported when it is a session, and VST_EVENT_CLOSED when it has ended, also if
/// it never was a session. On failure `why`, unless NULL, gets a sentence, cut to `why_size` bytes with
/// its NUL.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (an unknown flag, an address that is none);
/// VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// Handles are not freed; `args` is NULL or points to as many bytes as its `size` says, and its
/// addresses are NULL or addresses; `out` points to an id; `why` is NULL or points to `why_size`
/// writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_feed(
    engine: *mut vst_engine,
    config: *const vst_accept_config,
    args: *const vst_feed_args,
    out: *mut vst_id,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    // SAFETY: the caller's contract.
    let no_out = named("out", unsafe { ptr::put(out, 0) });
    let feed = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let config = Arc::clone(&named("config", unsafe { ptr::handle(config) })?.config);
        // SAFETY: the caller's contract.
        let (peer, origin, user) = unsafe { read_args(args) }?;
        let made = shell.core()?.feed(peer, origin, config, user);
        // SAFETY: the caller's contract.
        unsafe { answer(made, "args", out, std::ptr::null_mut()) }
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, feed) }
}

/// # Safety
/// As [`vst_conn_feed`].
unsafe fn read_args(args: *const vst_feed_args) -> Result<(Addr, FedOrigin, u64), ConfigError> {
    if args.is_null() {
        return Ok((unnamed(), FedOrigin::default(), 0));
    }
    // SAFETY: the caller's contract.
    let args = unsafe { ptr::read_sized(args) }?;
    options::check_flags(args.flags, VST_FEED_PEER_CREDENTIALS, args._reserved)?;
    // SAFETY: the caller's contract.
    let peer = unsafe { addr("peer", args.peer) }?;
    // SAFETY: the caller's contract.
    let local = unsafe { addr("local", args.local) }?;
    let credentials = Credentials { uid: args.peer_uid, gid: args.peer_gid };
    let is_known = args.flags & VST_FEED_PEER_CREDENTIALS != 0;
    let data = args.data.expose_provenance() as u64;
    let origin = FedOrigin { local, peer: is_known.then_some(credentials), data };
    Ok((peer.unwrap_or_else(unnamed), origin, args.user.expose_provenance() as u64))
}

/// The address of an end that has none.
fn unnamed() -> Addr {
    Addr::Unix(Box::default())
}

/// # Safety
/// `from` is NULL or points to an address.
unsafe fn addr(name: &str, from: *const vst_addr) -> Result<Option<Addr>, ConfigError> {
    // SAFETY: the caller's contract; NULL becomes None.
    let Some(from) = (unsafe { from.as_ref() }) else { return Ok(None) };
    from.known().map_err(|_| ConfigError::argument(format!("{name}: that is no address")))
}

/// Writes the next ask of a fed connection, of an engine that was made without the callback `fed`. A
/// host calls it until it returns VST_NONE, at the latest before it waits: VST_WAIT_RUNNABLE is set
/// while there are asks. All bytes of `ask` but its size are 0 unless VST_OK.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_NONE (nothing is asked); VST_E_MODE (the engine has the callback); VST_E_NULL;
/// VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `ask` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_fed_next(
    engine: *mut vst_engine,
    ask: *mut vst_fed_ask,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_ask = unsafe { ptr::clear_sized(ask) };
    entry::call(no_ask.and(engine), |shell| {
        if shell.host.fed.is_some() {
            return Err(VST_E_MODE);
        }
        shell.check_asks();
        let next = shell.core()?.next_ask();
        match next {
            Some(next) => {
                shell.trace_ask(&next);
                // SAFETY: the caller's contract.
                Ok(unsafe { ptr::write_sized(ask, &vst_fed_ask::of(&next)) })
            }
            None => Ok(VST_NONE),
        }
    })
}

/// Changes the host's data for what is below a connection; `data` comes with every later ask of it.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_UNSUPPORTED (it is not fed); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE,
/// VST_E_ARGUMENT (the id); VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_fed_set_data(
    engine: *mut vst_engine,
    conn: vst_id,
    data: *mut c_void,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        let data = data.expose_provenance() as u64;
        shell.core()?.set_fed_data(shell.id(conn)?, data).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Copies bytes that wait to be sent into `buffer`: at most `size`, beginning `offset` bytes behind the
/// oldest one. They stay until vst_fed_sent reports that what is below has taken them. A host that sends
/// in the background passes as `offset` how many of them it has copied before.
///
/// `*got` is how many were copied: 0 where no more wait, also when they were dropped because the
/// connection failed or was aborted.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_ARGUMENT (the id); VST_E_UNSUPPORTED (it is not fed); VST_E_NULL; VST_E_STALE
/// (drop what was copied of it), VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `buffer` points to `size` writable bytes; `got` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_fed_copy_unsent(
    engine: *mut vst_engine,
    conn: vst_id,
    offset: usize,
    buffer: *mut c_void,
    size: usize,
    got: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_got = unsafe { ptr::put(got, 0) };
    entry::call(no_got.and(engine), |shell| {
        let to = match size {
            0 => &mut [],
            // SAFETY: the caller's contract.
            _ => unsafe { ptr::space(buffer.cast(), size) }?,
        };
        let core = shell.core()?;
        let unsent = core.fed_unsent(shell.id(conn)?).map_err(status::of)?;
        let from = unsent.get(offset..).unwrap_or(&[]);
        let n = from.len().min(to.len());
        to[..n].copy_from_slice(&from[..n]);
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(got, n) }?;
        Ok(VST_OK)
    })
}

/// Reports that the connection is open, as VST_FED_OPEN asked. `local` is our end; NULL or
/// VST_ADDR_NONE: it has no address.
///
/// Deadlines that have passed by then are handled first, as for every report, and the connection goes
/// on. It counts as reached, for the connect timeout and for a stream, once the first byte that waits
/// for it is reported as sent, if any waits. Where a report is made outside of a callback, callbacks
/// run before it returns, `fed` among them: the connection may have been closed and the host's data for
/// it freed by then.
/// Legal on the engine's thread.
/// Returns VST_OK (also when the connection was given up in the meantime: VST_FED_CLOSE or
/// VST_FED_RESET was asked, or is asked next); VST_E_STATE (it did not ask); VST_E_UNSUPPORTED (it is
/// not fed); VST_E_ARGUMENT (`local` is no address; the id); VST_E_NULL; VST_E_STALE (it is gone: close
/// what is below), VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `local` is NULL or points to an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_fed_opened(
    engine: *mut vst_engine,
    conn: vst_id,
    local: *const vst_addr,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        // SAFETY: the caller's contract.
        let local = unsafe { addr("local", local) }.map_err(|_| VST_E_ARGUMENT)?;
        shell.core()?.fed_opened(shell.id(conn)?, local).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Reports that the connection could not be opened, and that nothing is below it. `sys_errno` says why,
/// as connect(2) would (ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH); it decides how a backend counts it.
/// Resources that this machine lacks (EMFILE, ENOBUFS, EADDRNOTAVAIL) count against no server, and
/// VST_FED_OPEN is asked again after a pause. It is also an answer to VST_FED_CLOSE or VST_FED_RESET
/// that came while the connection was being opened, and then the last report about it.
///
/// Legal on the engine's thread.
/// Returns VST_OK (also when the connection was given up in the meantime); VST_E_ARGUMENT (`sys_errno`
/// is not positive; the id); VST_E_STATE (it did not ask to be opened); VST_E_UNSUPPORTED (it is not
/// fed); VST_E_NULL; VST_E_STALE (it is gone), VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_fed_failed(
    engine: *mut vst_engine,
    conn: vst_id,
    sys_errno: i32,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.fed_failed(shell.id(conn)?, errno(sys_errno)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Reports bytes from the peer: `size` bytes at `bytes`, copied before this returns.
///
/// `*taken` is how many were taken, 0 unless VST_OK. If it is less than `size`, the connection holds
/// `fed_inbox_bytes`: the host keeps the others, stops reading from what is below, and reports them
/// when VST_FED_RECEIVE is asked again.
/// Legal on the engine's thread.
/// Returns VST_OK (also when the connection is closing, which takes all and drops them); VST_E_STATE
/// (it is not open below, or its end or failure was reported); VST_E_UNSUPPORTED (it is not fed);
/// VST_E_NULL; VST_E_STALE (it is gone), VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `bytes` points to `size` readable bytes; `taken` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_fed_received(
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
        let n = shell.core()?.fed_received(shell.id(conn)?, from).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(taken, n) }?;
        Ok(VST_OK)
    })
}

/// Reports that what is below has taken the oldest `n` of the bytes that wait to be sent: its system
/// keeps them, and the host will not ask for them again. What was not reported counts as lost when the
/// connection breaks, and is sent again by another attempt of a stream to reach a server.
///
/// Legal on the engine's thread.
/// Returns VST_OK (also when the connection has failed or is closing, and the bytes were dropped);
/// VST_E_ARGUMENT (fewer bytes wait; the id); VST_E_STATE (it is not open below);
/// VST_E_UNSUPPORTED (it is not fed); VST_E_NULL; VST_E_STALE (it is gone), VST_E_KIND, VST_E_ENGINE;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_fed_sent(
    engine: *mut vst_engine,
    conn: vst_id,
    n: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.fed_sent(shell.id(conn)?, n).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Reports that the peer has ended its side, behind all bytes that were reported as received.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_STATE (it is not open below, or its end was reported); VST_E_UNSUPPORTED (it is
/// not fed); VST_E_NULL; VST_E_STALE (it is gone), VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_fed_ended(engine: *mut vst_engine, conn: vst_id) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.fed_ended(shell.id(conn)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Reports that what is below has failed, as by a reset: nothing will be received or sent any more.
/// Report it as soon as it is known, also while VST_FED_RECEIVE is not asked (a host that notices a
/// failure by reading alone reports it then), but after what was sent before: what is not reported by
/// then counts as never sent, and a stream sends it to another server. An attempt to reach a server, and
/// a client that waits for one, are not told of the failure in any other way. `sys_errno` says why
/// (ECONNRESET, EPIPE, ETIMEDOUT). A session of the host's can still read the bytes that were received
/// before, and notices the failure as over a socket, by its next read or write (VST_EVENT_READABLE is
/// reported to one that waits); then VST_FED_CLOSE or VST_FED_RESET is asked. A stream that cannot pass
/// those bytes on drops them.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_ARGUMENT (`sys_errno` is not positive; the id); VST_E_STATE (it is not open
/// below); VST_E_UNSUPPORTED (it is not fed); VST_E_NULL; VST_E_STALE (it is gone), VST_E_KIND,
/// VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_fed_hung_up(
    engine: *mut vst_engine,
    conn: vst_id,
    sys_errno: i32,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.fed_hung_up(shell.id(conn)?, errno(sys_errno)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Reports that nothing is below the connection any more: the last report about it. Where neither
/// VST_FED_CLOSE nor VST_FED_RESET was asked, that is a failure (ECONNRESET).
///
/// It is also the report for a connection that was given up while it was being opened. VST_EVENT_CLOSED, or
/// the end of the stream, follows, and the id is stale then. Where nothing was asked, a session of the
/// host's notices it as after vst_fed_hung_up, and bytes that are not read yet may be lost: after an end
/// in order report vst_fed_ended alone, and wait for VST_FED_CLOSE.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_STATE (it is still being opened: report
/// vst_fed_failed; or this was reported); VST_E_UNSUPPORTED (it is not fed); VST_E_NULL; VST_E_STALE (it
/// is gone), VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_fed_closed(engine: *mut vst_engine, conn: vst_id) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.fed_closed(shell.id(conn)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

fn errno(number: i32) -> Result<Errno, vst_status> {
    if number > 0 { Ok(Errno(number)) } else { Err(VST_E_ARGUMENT) }
}
