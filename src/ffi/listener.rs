//! Listeners, as C opens them.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::accept_config::vst_accept_config;
use super::addr::vst_addr;
use super::config_error::{ConfigError, named};
use super::engine::vst_engine;
use super::entry::{self, asked};
use super::options::{self, options};
use super::ptr::{self, Sized32};
use super::status::{self, *};
use super::types::vst_id;
use super::words::needed_text;
use crate::engine::{ListenerOptions, Refusal};
use crate::id::Kind;
use crate::sys::{Addr, Fd, ListenSpec};

/// Several sockets, of this and other processes, share the port (`SO_REUSEPORT`). Linux resets the
/// connections in a handshake with a socket when that is closed. So such a listener, when it is closed,
/// drops every new SYN, accepts for 200 ms more, and only then closes; a client whose SYN was dropped
/// sends it again after a second, and one of the other sockets gets it. Do not hand the descriptor of
/// such a listener to another process: the SYNs would be dropped there too.
pub const VST_LISTENER_REUSEPORT: u64 = 1 << 18;
/// An IPv6 listener takes no IPv4 connections (`IPV6_V6ONLY`).
pub const VST_LISTENER_V6ONLY: u64 = 1 << 19;
/// `mode` is used.
pub const VST_LISTENER_MODE: u64 = 1 << 20;
/// `uid` and `gid` are used.
pub const VST_LISTENER_OWNER: u64 = 1 << 21;
/// A unix path at which a process listens is not taken over: `vst_listener_open` returns
/// VST_E_SYSTEM with EADDRINUSE instead. It checks this by a connection that it closes at once; two
/// processes that open the path at the same moment may still both succeed.
pub const VST_LISTENER_UNIX_EXCLUSIVE: u64 = 1 << 22;
/// No VST_EVENT_REFUSED is reported, whatever `refused_per_second` says: refusals are only counted.
pub const VST_LISTENER_NO_REFUSED: u64 = 1 << 23;

/// How a listener is opened. A field that is 0 stands for its default, so that all zero but `size`
/// is the defaults; `vst_listener_options_init` writes them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_listener_options {
    /// `sizeof(vst_listener_options)`. Not less than 56 bytes.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// `VST_LISTENER_*`.
    pub flags: u64,
    /// The backlog of listen: the most connections that wait in the kernel's queue. Default 1024;
    /// the kernel takes no more than net.core.somaxconn.
    pub backlog: u32,
    /// TCP_DEFER_ACCEPT in seconds: the kernel hands a connection out when its first bytes have
    /// come. 0, the default: off.
    pub defer_accept_s: u32,
    /// The most connections of this listener that exist at once. Default UINT32_MAX: no bound.
    pub max_conns: u32,
    /// The most VST_EVENT_REFUSED that are reported per second, listener, operation and reason;
    /// further refusals are only counted. Default 10; UINT32_MAX is no bound.
    /// VST_LISTENER_NO_REFUSED reports none.
    pub refused_per_second: u32,
    /// Permission bits of a unix socket's path, with VST_LISTENER_MODE.
    pub mode: u32,
    /// Owner of a unix socket's path, with VST_LISTENER_OWNER.
    pub uid: u32,
    /// Group of a unix socket's path, with VST_LISTENER_OWNER.
    pub gid: u32,
    /// How many ends of sessions and streams a log should take per second, listener, operation and
    /// reason. VST_EVENT_CLOSED and VST_EVENT_STREAM_END are reported for all: those above this
    /// number have quiet set in their end, and suppressed of the next one without quiet counts
    /// them. Default UINT32_MAX: no bound.
    pub ends_per_second: u32,
    /// The host's user data for the listener and, until it is changed, for its connections. The
    /// library neither reads nor frees it.
    pub user: *mut c_void,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_listener_options {
    const FIRST: usize = 56;
}
const _: () = assert!(size_of::<vst_listener_options>() == 56);

const DEFAULTS: vst_listener_options = vst_listener_options {
    size: 0,
    _reserved: 0,
    flags: 0,
    backlog: 1024,
    defer_accept_s: 0,
    max_conns: u32::MAX,
    refused_per_second: 10,
    mode: 0,
    uid: 0,
    gid: 0,
    ends_per_second: u32::MAX,
    user: std::ptr::null_mut(),
};
options!(vst_listener_options { backlog, max_conns, refused_per_second, ends_per_second } DEFAULTS);

/// Fills `options` with the defaults. `size` is `sizeof(vst_listener_options)`.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_listener_options_init(
    options: *mut vst_listener_options,
    size: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { options::init(options, size) }
}

/// What the host wants of a listener, `options` NULL being the defaults.
///
/// # Safety
/// `options` is NULL or points to as many bytes as its `size` says.
unsafe fn read(
    options: *const vst_listener_options,
) -> Result<(vst_listener_options, ListenerOptions), ConfigError> {
    // SAFETY: the caller's contract.
    let options = unsafe { options::read_or_defaults(options) }?;
    let known = VST_LISTENER_REUSEPORT
        | VST_LISTENER_V6ONLY
        | VST_LISTENER_MODE
        | VST_LISTENER_OWNER
        | VST_LISTENER_UNIX_EXCLUSIVE
        | VST_LISTENER_NO_REFUSED;
    options::check_flags(options.flags, known, options._reserved)?;
    let listener = ListenerOptions {
        max_conns: options.max_conns,
        user: options.user.expose_provenance() as u64,
        refused_per_second: match options.flags & VST_LISTENER_NO_REFUSED {
            0 => options.refused_per_second,
            _ => 0,
        },
        ends_per_second: options.ends_per_second,
        deferred: options.defer_accept_s > 0,
    };
    Ok((options, listener))
}

/// Opens a listener.
///
/// `address` is `192.0.2.1:80`, `[2001:db8::1]:80`, `unix:/path` or `unix:@abstract`; `:80` and
/// `*:80` are any IPv4 address, `[::]:80` any IPv6 or IPv4 address (only IPv6 with
/// VST_LISTENER_V6ONLY). A zone is the number of an interface, as in `[fe80::1%2]:80`. Names of
/// hosts are not resolved. With port 0 the kernel chooses the port, and `vst_listener_addr` writes
/// it. A socket that is at a unix path already is replaced, also when a process still listens at
/// it, which then gets no more connections; with VST_LISTENER_UNIX_EXCLUSIVE it is not. The path is
/// removed when the listener closes, unless another socket has replaced it.
///
/// The handle config may be freed at once. options may be NULL: the defaults. `*out` is the id, or 0
/// on failure; `sys_errno`, unless NULL, gets the errno behind VST_E_SYSTEM, else 0. On failure
/// `why`, unless NULL, gets a sentence, cut to `why_size` bytes with its NUL. VST_EVENT_SESSION
/// reports each connection once it is a session.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (address, flag); VST_E_STATE (after
/// VST_DRAIN_PAUSE or VST_DRAIN_CLOSE); VST_E_SYSTEM; VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// Handles are not freed; `address` is a NUL-terminated string; `options` is NULL or points to as
/// many bytes as its `size` says; `out` points to an id; `sys_errno` is NULL or points to an
/// `int32_t`; `why` is NULL or points to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_listener_open(
    engine: *mut vst_engine,
    address: *const c_char,
    config: *const vst_accept_config,
    options: *const vst_listener_options,
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
    let open = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let (options, listener) = unsafe { read(options) }?;
        // SAFETY: the caller's contract.
        let address = unsafe { needed_text("address", address) }?;
        // SAFETY: the caller's contract.
        let config = named("config", unsafe { ptr::handle(config) })?;
        let spec = ListenSpec {
            addr: Addr::parse(address)
                .map_err(|wrong| ConfigError::argument(format!("address: {wrong}")))?,
            backlog: i32::try_from(options.backlog).unwrap_or(i32::MAX),
            reuse_port: options.flags & VST_LISTENER_REUSEPORT != 0,
            v6_only: options.flags & VST_LISTENER_V6ONLY != 0,
            defer_accept: options.defer_accept_s,
            mode: (options.flags & VST_LISTENER_MODE != 0).then_some(options.mode),
            owner: (options.flags & VST_LISTENER_OWNER != 0).then_some((options.uid, options.gid)),
            exclusive: options.flags & VST_LISTENER_UNIX_EXCLUSIVE != 0,
        };
        let opened = shell.core()?.listen(&spec, Arc::clone(&config.config), listener);
        // SAFETY: the caller's contract.
        unsafe { answer(opened, &format!("address: \"{}\"", spec.addr), out, sys_errno) }
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, open) }
}

/// Takes over a listening descriptor that another program opened, as in socket activation or after
/// an exec.
///
/// On success the descriptor belongs to the library, which makes it non-blocking and closes it; on
/// failure it stays the host's. The path of a unix socket is not removed. Of options only
/// `max_conns`, `refused_per_second`, `ends_per_second`, user and VST_LISTENER_NO_REFUSED take
/// effect, and a `defer_accept_s` above 0 says that TCP_DEFER_ACCEPT is set on the descriptor, so
/// that first bytes are read at once. The handle config may be freed at once. options may be NULL:
/// the defaults. `*out` is the id, or 0 on failure; `sys_errno`, unless NULL, gets the errno behind
/// VST_E_SYSTEM, else 0. On failure why, unless NULL, gets a sentence, cut to `why_size` bytes with
/// its NUL. VST_EVENT_SESSION reports each connection once it is a session.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (the descriptor does not listen, a flag);
/// VST_E_STATE (after VST_DRAIN_PAUSE or VST_DRAIN_CLOSE); VST_E_SYSTEM; VST_E_LIMIT; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// Handles are not freed; options is NULL or points to as many bytes as its size says; out points
/// to an id; `sys_errno` is NULL or points to an `int32_t`; why is NULL or points to `why_size`
/// writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_listener_adopt(
    engine: *mut vst_engine,
    fd: i32,
    config: *const vst_accept_config,
    options: *const vst_listener_options,
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
        // SAFETY: the caller's contract.
        let (_, listener) = unsafe { read(options) }?;
        // SAFETY: the caller's contract.
        let config = named("config", unsafe { ptr::handle(config) })?;
        let config = Arc::clone(&config.config);
        let adopted = shell.core()?.adopt_listener(Fd(fd), config, listener);
        if matches!(adopted, Err(Refusal::Argument)) {
            return Err(ConfigError::argument(format!("fd: {fd} does not listen")));
        }
        // SAFETY: the caller's contract.
        unsafe { answer(adopted, "fd", out, sys_errno) }
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, adopt) }
}

/// Writes an id, or the errno behind a refusal of `subject`.
///
/// # Safety
/// `out` points to an id; `sys_errno` is NULL or points to an `int32_t`.
pub(super) unsafe fn answer(
    made: Result<crate::id::Id, Refusal>,
    subject: &str,
    out: *mut vst_id,
    sys_errno: *mut i32,
) -> Result<vst_status, ConfigError> {
    match made {
        Ok(id) => {
            // SAFETY: the caller's contract.
            unsafe { ptr::put(out, id.bits()) }?;
            Ok(VST_OK)
        }
        Err(refusal) => {
            if let Refusal::System(errno) = refusal {
                // SAFETY: the caller's contract.
                unsafe { ptr::put_if(sys_errno, errno.0) };
            }
            Err(ConfigError::from(refusal).of(subject))
        }
    }
}

/// Writes the address of a listener, with the port that the kernel chose.
///
/// Legal on the engine's thread. On failure `*addr` is VST_ADDR_NONE.
/// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id);
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `addr` points to an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_listener_addr(
    engine: *mut vst_engine,
    listener: vst_id,
    addr: *mut vst_addr,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_addr = unsafe { ptr::put(addr, vst_addr::NONE) };
    entry::call(no_addr.and(engine), |shell| {
        let found = shell.core()?.listener_addr(shell.id(listener)?).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(addr, vst_addr::of(&found)) }?;
        Ok(VST_OK)
    })
}

/// Stops accepting connections. Those that come stay in the kernel's queue, for
/// `vst_listener_resume` or for another process that holds the socket. No event is reported.
///
/// Legal on the engine's thread; a second call changes nothing.
/// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id);
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_listener_pause(
    engine: *mut vst_engine,
    listener: vst_id,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.pause_listener(shell.id(listener)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Accepts connections again, after vst_listener_pause.
///
/// Legal on the engine's thread; a second call changes nothing.
/// Returns VST_OK; VST_E_STATE (after VST_DRAIN_PAUSE or VST_DRAIN_CLOSE); VST_E_NULL; VST_E_STALE,
/// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_listener_resume(
    engine: *mut vst_engine,
    listener: vst_id,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.resume_listener(shell.id(listener)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Closes a listener, after accepting the connections that wait in the kernel's queue, since
/// closing would reset them. Its connections go on. VST_EVENT_LISTENER_CLOSED is the last event
/// about it, 200 ms later with VST_LISTENER_REUSEPORT; until then the id works only with
/// `vst_listener_describe`, and a second close returns VST_E_STALE.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id);
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_listener_close(
    engine: *mut vst_engine,
    listener: vst_id,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.close_listener(shell.id(listener)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Gives a listener a name, which rules (`so_name`) and metrics use: UTF-8, NUL-terminated, copied.
/// A second call replaces the name.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (the name is not UTF-8, the id); VST_E_STALE,
/// VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_listener_set_name(
    engine: *mut vst_engine,
    listener: vst_id,
    name: *const c_char,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    entry::call(engine, |shell| unsafe { set_name(shell, Kind::Listener, listener, name) })
}

/// Gives what `named` is of the name `name`, if it is of `kind`.
///
/// # Safety
/// `name` is a NUL-terminated string.
pub(super) unsafe fn set_name(
    shell: &vst_engine,
    kind: Kind,
    named: vst_id,
    name: *const c_char,
) -> Result<vst_status, vst_status> {
    // SAFETY: the caller's contract.
    let name = unsafe { ptr::text(name) }?.ok_or(VST_E_NULL)?;
    let named = shell.id(named)?;
    // Whose it is is answered before what it is of, as everywhere.
    if named.engine() == shell.number.borrow().get() && named.kind() != kind {
        return Err(VST_E_KIND);
    }
    shell.core()?.set_name(named, name).map_err(status::of)?;
    Ok(VST_OK)
}
