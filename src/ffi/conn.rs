//! Connections, as C uses them.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::accept_config::vst_accept_config;
use super::connect_config::vst_connect_config;
use super::engine::{id, vst_id};
use super::listener::answer;
use super::ptr::{self, Sized32};
use super::shell::{self, vst_engine};
use super::status::{self, *};
use super::unusable::{Unusable, asked, element, named, needed_text};
use crate::conn::{Direction, Why};
use crate::engine::{ConnectOptions, Received, Refusal, Sent};
use crate::id::Id;
use crate::sys::{Addr, Fd};
use crate::wire::proxy::Tlv;

/// From the peer to us.
pub const VST_SHUT_READ: u32 = 1;
/// From us to the peer.
pub const VST_SHUT_WRITE: u32 = 2;
/// Both.
pub const VST_SHUT_BOTH: u32 = 3;

/// A TLV of a PROXY version 2 header.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_tlv {
    /// The type, 0 to 255.
    pub kind: u32,
    /// The length of `value` in bytes.
    pub len: u32,
    /// The bytes.
    pub value: *const u8,
}
const _: () = assert!(size_of::<vst_tlv>() == 16);

/// What one outgoing connection needs beside its configuration.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_connect {
    /// `sizeof(vst_connect)`.
    pub size: u32,
    /// How many TLVs `tlvs` points to.
    pub tlv_count: u32,
    /// The connection on whose behalf it is made: the PROXY header tells its addresses and its TLS.
    /// 0: it is made on our own behalf, and a version 2 header says LOCAL.
    pub client: vst_id,
    /// Further TLVs for a version 2 header, read during the call.
    pub tlvs: *const vst_tlv,
    /// The host's own word for the connection. The library neither reads nor frees it.
    pub user: *mut c_void,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_connect {
    const FIRST: usize = 32;
}
const _: () = assert!(size_of::<vst_connect>() == 32);

/// Takes a connection that the host accepted itself through what `config` says.
///
/// On success the descriptor belongs to the library; on failure it stays the host's. `*out` is the
/// id, or 0. VST_EVENT_SESSION tells that it is a session, VST_EVENT_CLOSED its end, whatever it
/// was. `sys_errno`, unless NULL, gets the errno behind VST_E_SYSTEM, else 0. On failure `why`, unless
/// NULL, gets a sentence, cut to `why_size` bytes with its NUL.
/// May be called from the event callback.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (it listens); VST_E_SYSTEM (no connected stream
/// socket); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// Handles are not freed; `out` points to an id; `sys_errno` is NULL or points to an int; `why`
/// to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_accept_fd(
    engine: *mut vst_engine,
    config: *const vst_accept_config,
    fd: i32,
    user: *mut c_void,
    out: *mut vst_id,
    sys_errno: *mut i32,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { ptr::put_if(sys_errno, 0) };
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    // SAFETY: the caller's contract.
    let no_out = named("out", unsafe { ptr::put(out, 0) });
    let accept = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let config = Arc::clone(&named("config", unsafe { ptr::handle(config) })?.config);
        let user = user.expose_provenance() as u64;
        let made = shell.core()?.accept_fd(Fd(fd), config, user);
        let made = listens_not(fd, made)?;
        // SAFETY: the caller's contract.
        unsafe { answer(made, "fd", out, sys_errno) }
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, accept) }
}

/// Takes a connection that is open already, as a raw session: no handler runs, and
/// VST_EVENT_READABLE is the first event.
///
/// Otherwise as `vst_accept_fd`.
///
/// # Safety
/// As `vst_accept_fd`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_adopt(
    engine: *mut vst_engine,
    fd: i32,
    user: *mut c_void,
    out: *mut vst_id,
    sys_errno: *mut i32,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { ptr::put_if(sys_errno, 0) };
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    // SAFETY: the caller's contract.
    let no_out = named("out", unsafe { ptr::put(out, 0) });
    let adopt = |shell: &vst_engine| {
        let made = shell.core()?.adopt(Fd(fd), user.expose_provenance() as u64);
        let made = listens_not(fd, made)?;
        // SAFETY: the caller's contract.
        unsafe { answer(made, "fd", out, sys_errno) }
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, adopt) }
}

/// Tells a listening descriptor from others that cannot be taken.
fn listens_not(fd: i32, made: Result<Id, Refusal>) -> Result<Result<Id, Refusal>, Unusable> {
    match made {
        Err(Refusal::Argument) => Err(Unusable::argument(format!(
            "fd: {fd} listens, and a connection is wanted: vst_listener_adopt takes it"
        ))),
        made => Ok(made),
    }
}

/// Asks for a connection to `address` (as in `vst_listener_open`, but with a port, and not any address).
///
/// It is begun when the outermost call ends, or when `vst_conn_forward` makes it part of a stream,
/// whose first bytes then leave with the PROXY header. VST_EVENT_CONNECTED tells that it is open,
/// VST_EVENT_CLOSED its end, a failure among them. `connect` may be NULL. `*out` is the id, or 0.
/// On failure `why`, unless NULL, gets a sentence, cut to `why_size` bytes with its NUL.
/// May be called from the event callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (address; TLVs that do not fit a header);
/// VST_E_STALE, VST_E_KIND, VST_E_ENGINE (the client); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// Handles are not freed; `address` is a NUL-terminated string; `connect` is NULL or points to as
/// many bytes as its `size` says, and its TLVs to theirs; `out` points to an id; `why` to `why_size`
/// writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_connect(
    engine: *mut vst_engine,
    address: *const c_char,
    config: *const vst_connect_config,
    connect: *const vst_connect,
    out: *mut vst_id,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    // SAFETY: the caller's contract.
    let no_out = named("out", unsafe { ptr::put(out, 0) });
    let ask = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let address = unsafe { needed_text("address", address) }?;
        let target = Addr::parse_target(address)
            .map_err(|wrong| Unusable::argument(format!("address: {wrong}")))?;
        // SAFETY: the caller's contract.
        let config = Arc::clone(&named("config", unsafe { ptr::handle(config) })?.config);
        let mut options = ConnectOptions::default();
        let mut tlvs = Vec::new();
        if !connect.is_null() {
            // SAFETY: the caller's contract.
            let connect = unsafe { ptr::read_sized(connect) }?;
            // SAFETY: the caller's contract.
            let list = unsafe { ptr::items(connect.tlvs, connect.tlv_count as usize) };
            for (index, tlv) in named("tlvs", list)?.iter().enumerate() {
                // SAFETY: the caller's contract.
                let value = unsafe { read_tlv(tlv) };
                tlvs.push(value.map_err(|wrong| wrong.of(&element("tlvs", index)))?);
            }
            options.client = match connect.client {
                0 => None,
                bits => Some(named("client", id(bits))?),
            };
            options.user = connect.user.expose_provenance() as u64;
        }
        options.tlvs = &tlvs;
        let made = shell.core()?.connect(target, config, &options);
        let made = match made {
            Err(Refusal::Argument) => {
                return Err(Unusable::argument("tlvs: they do not fit a header of 64 KiB"));
            }
            Err(refusal @ (Refusal::Stale | Refusal::WrongKind | Refusal::WrongEngine)) => {
                return Err(Unusable::from(refusal).of("client"));
            }
            made => made,
        };
        // SAFETY: the caller's contract.
        unsafe { answer(made, "address", out, std::ptr::null_mut()) }
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, ask) }
}

/// # Safety
/// The value of `tlv` is as long as it says.
unsafe fn read_tlv(tlv: &vst_tlv) -> Result<Tlv<'_>, Unusable> {
    // SAFETY: the caller's contract.
    let value = named("value", unsafe { ptr::bytes(tlv.value, tlv.len as usize) })?;
    let kind = u8::try_from(tlv.kind)
        .map_err(|_| Unusable::argument(format!("kind: {} is more than 255", tlv.kind)))?;
    Ok(Tlv { kind, value })
}

/// Reads bytes of a session into `buffer`, at least one, at most `size`.
///
/// `*got` is how many, 0 unless VST_OK. VST_WAIT: none now, VST_EVENT_READABLE will be told, once.
/// Until it answers VST_WAIT more may be there without any further event. Nothing is read ahead of
/// the host, so a host that does not read slows its peer down.
/// Legal on a session, also after VST_EVENT_SESSION's own callback, and from any callback.
/// Returns VST_OK; VST_WAIT; VST_END; VST_E_TRUNCATED (an end without TLS's own: bytes may be
/// missing); VST_E_RESET and VST_E_FAILED (VST_EVENT_CLOSED follows); VST_E_STATE (no session yet,
/// closed by the host, inside a stream); VST_E_ARGUMENT (`size` 0); VST_E_NULL; VST_E_STALE,
/// VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
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
    shell::call(no_got.and(engine), |shell| {
        // SAFETY: the caller's contract.
        let to = unsafe { ptr::space(buffer.cast(), size) }?;
        let received = shell.core()?.recv(id(conn)?, to).map_err(status::of)?;
        Ok(match received {
            Received::Bytes(n) => {
                // SAFETY: written to a moment ago.
                unsafe { ptr::put(got, n) }?;
                VST_OK
            }
            Received::Wait => VST_WAIT,
            Received::End => VST_END,
            Received::Truncated => VST_E_TRUNCATED,
            Received::Failed(why) => failed(why),
        })
    })
}

/// Writes bytes of a session: all or a part, at least one.
///
/// `*taken` is how many, 0 unless VST_OK; they need not be kept. VST_WAIT: none can be taken now,
/// VST_EVENT_WRITABLE will be told, once. `size` 0 takes none and is fine.
/// Legal on a session, from any callback.
/// Returns VST_OK; VST_WAIT; VST_E_RESET and VST_E_FAILED (the peer takes no more; what it sent
/// before can still be read: read on while it answers VST_OK, or close, since no event asks for it);
/// VST_E_STATE (no session yet, its write side shut, closed by the host, inside a stream); VST_E_NULL;
/// VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
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
    shell::call(no_taken.and(engine), |shell| {
        // SAFETY: the caller's contract.
        let from = unsafe { ptr::bytes(bytes.cast(), size) }?;
        let sent = shell.core()?.send(id(conn)?, from).map_err(status::of)?;
        Ok(match sent {
            Sent::Bytes(n) => {
                // SAFETY: written to a moment ago.
                unsafe { ptr::put(taken, n) }?;
                VST_OK
            }
            Sent::Wait => VST_WAIT,
            Sent::Failed(why) => failed(why),
        })
    })
}

const fn failed(why: Why) -> vst_status {
    match why {
        Why::Reset => VST_E_RESET,
        Why::Truncated => VST_E_TRUNCATED,
        _ => VST_E_FAILED,
    }
}

/// Ends one direction of a session, VST_SHUT_*. Writing: what was written leaves, then TLS's own
/// end, then the FIN. Reading: no further byte is delivered, and what still comes is thrown away.
/// When both are ended, by whichever side, the connection closes and VST_EVENT_CLOSED follows.
///
/// Legal on a session, from any callback; twice changes nothing.
/// Returns VST_OK; VST_E_STATE; VST_E_ARGUMENT; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE;
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
    shell::call(engine, |shell| {
        let conn = id(conn)?;
        let directions: &[Direction] = match direction {
            VST_SHUT_READ => &[Direction::Read],
            VST_SHUT_WRITE => &[Direction::Write],
            VST_SHUT_BOTH => &[Direction::Read, Direction::Write],
            _ => return Err(VST_E_ARGUMENT),
        };
        for direction in directions {
            shell.core()?.shutdown(conn, *direction).map_err(status::of)?;
        }
        Ok(VST_OK)
    })
}

/// Ends a connection in order: what was written leaves, each layer says its goodbye, the peer's end
/// is waited for within bounds. One that is still opening is given up. From here on the id accepts
/// `vst_conn_abort` and what asks facts of it, such as `vst_conn_describe`, and VST_EVENT_CLOSED is
/// its only and last event; of an incoming one that was no session yet, VST_EVENT_REFUSED.
///
/// Legal at any time before VST_EVENT_CLOSED, from any callback.
/// Returns VST_OK; VST_E_STATE (closed before, inside a stream); VST_E_NULL; VST_E_STALE, VST_E_KIND,
/// VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_close(engine: *mut vst_engine, conn: vst_id) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    shell::call(engine, |shell| {
        shell.core()?.close(id(conn)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Ends a connection at once: nothing more leaves, and the peer sees a reset.
///
/// Otherwise as `vst_conn_close`; also after it.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_abort(engine: *mut vst_engine, conn: vst_id) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    shell::call(engine, |shell| {
        shell.core()?.abort(id(conn)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Takes a raw session's descriptor out of the library: it belongs to the host from here on, and the
/// id is stale without any event. Bytes that were read already, behind a PROXY header, come first:
/// they are copied to `ahead`.
///
/// `*fd` is the descriptor, or -1; `*ahead_len` the number of bytes. The interest callback is told
/// VST_IO_RELEASED, without VST_IO_CLOSING, before this returns.
/// Legal on a session without TLS that has nothing unsent, from any callback.
/// Returns VST_OK; VST_E_SPACE (`*ahead_len` is what is needed, and nothing happened); VST_E_STATE;
/// VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_MODE (interest is pulled);
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `fd` points to an int; `ahead` to `capacity` writable
/// bytes; `ahead_len` to a size.
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
    shell::call(no_fd.and(no_len).and(engine), |shell| {
        if shell.pulls_interest() {
            return Err(VST_E_MODE);
        }
        let conn = id(conn)?;
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
            shell.tell_host_op(op);
        }
        Ok(VST_OK)
    })
}

/// Writes the host's own word for a connection.
///
/// Legal at any time before VST_EVENT_CLOSED. On failure `*user` is NULL.
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
    shell::call(no_user.and(engine), |shell| {
        let found = shell.core()?.user(id(conn)?).map_err(status::of)?;
        let pointer = std::ptr::with_exposed_provenance_mut(found as usize);
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(user, pointer) }?;
        Ok(VST_OK)
    })
}

/// Changes the host's own word for a connection, which events about it carry.
///
/// Otherwise as `vst_conn_user`.
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
    shell::call(engine, |shell| {
        let user = user.expose_provenance() as u64;
        shell.core()?.set_user(id(conn)?, user).map_err(status::of)?;
        Ok(VST_OK)
    })
}
