//! Agents, as C makes them and feeds them with clients.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::addr::vst_addr;
use super::config_error::{ConfigError, named};
use super::connect_config::vst_connect_config;
use super::describe::copy_text;
use super::engine::vst_engine;
use super::entry::{self, asked};
use super::listener::answer;
use super::options::{self, options};
use super::ptr::{self, Sized32};
use super::status::{self, *};
use super::tls_client::vst_tls_client;
use super::types::vst_id;
use super::words::text;
use crate::config::TransportKind;
use crate::engine::{AgentOptions, AllowList};
use crate::sys::Errno;

/// The agent passes no descriptors to its clients: all bytes go through it.
pub const VST_AGENT_NO_DESCRIPTORS: u64 = 1 << 58;
/// Clients may choose the source address of the connections that they have opened.
pub const VST_AGENT_ALLOW_SOURCE: u64 = 1 << 59;

/// The options of an agent. A field that is 0 stands for its default, so that all zero but `size` is the
/// defaults; `vst_agent_options_init` writes them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_agent_options {
    /// `sizeof(vst_agent_options)`. Not less than 96 bytes.
    pub size: u32,
    /// How many connections one connection of a client's link carries at once, those that are handed over
    /// among them. A client may make several: `max_conns` of their listener bounds those. Default 10,000.
    pub channels_max: u32,
    /// `VST_AGENT_*`.
    pub flags: u64,
    /// Where clients may have connections opened to: words separated by commas, each 192.0.2.1:80,
    /// 10.0.0.0/8:443, `[2001:db8::]/32:443`, example.net:443, `*.example.net:443` (all names below one),
    /// each also with `*` as the port, or unix:/path, where a path with a slash at its end stands for all
    /// below it. An allowed name may turn out to have any address. NULL: nowhere. Copied.
    pub allow: *const c_char,
    /// The user ids whose processes may be clients. Where there are none here and none in `gids`, every
    /// peer may be one.
    pub uids: *const u32,
    /// How many there are.
    pub uid_count: u64,
    /// The group ids whose processes may be clients, beside those of `uids`.
    pub gids: *const u32,
    /// How many there are.
    pub gid_count: u64,
    /// How many bytes that came over one connection of a client's link are held and not sent on. Default
    /// 64 MiB.
    pub window_bytes: u64,
    /// After so many nanoseconds in which nothing came from a client it is asked for a sign of life; after
    /// three times as many in all, it is given up. Default 10 s; VST_NEVER does not ask.
    pub keepalive_ns: u64,
    /// How the connections of clients are opened: source address, timeouts, closing. Headers, SOCKS, TLS and
    /// handlers of it are the clients' business and must not be set. NULL: the defaults. The agent keeps
    /// its own reference: the handle may be freed at once.
    pub connect: *const vst_connect_config,
    /// The host's user data for the agent and for the connections that it opens. The library neither reads
    /// nor frees it.
    pub user: *mut c_void,
    /// How many bytes of one connection are held and not sent on at most. Default 64 KiB.
    pub channel_window_bytes: u32,
    /// How many connections may be opened in a second over one connection of a client's link. Those above
    /// that are refused with VST_WHY_LOCAL_LIMIT, and asked for again by the client until its timeout.
    /// Default UINT32_MAX: no bound.
    pub opens_per_second: u32,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_agent_options {
    const FIRST: usize = 96;
}
const _: () = assert!(size_of::<vst_agent_options>() == 96);

fn agent_defaults() -> vst_agent_options {
    let defaults = AgentOptions::default();
    vst_agent_options {
        size: 0,
        channels_max: defaults.channels_max,
        flags: 0,
        allow: std::ptr::null(),
        uids: std::ptr::null(),
        uid_count: 0,
        gids: std::ptr::null(),
        gid_count: 0,
        window_bytes: defaults.window_bytes,
        keepalive_ns: defaults.keepalive,
        connect: std::ptr::null(),
        user: std::ptr::null_mut(),
        channel_window_bytes: defaults.channel_window_bytes,
        opens_per_second: defaults.opens_per_second,
    }
}
options!(vst_agent_options {
    channels_max,
    window_bytes,
    keepalive_ns,
    channel_window_bytes,
    opens_per_second,
} agent_defaults());

/// Fills `options` with the defaults. `size` is `sizeof(vst_agent_options)`.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_agent_options_init(
    options: *mut vst_agent_options,
    size: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { options::init(options, size) }
}

/// Makes an agent: it opens connections for clients, and hands connections over to them, over links
/// (docs/remote-protocol.md). Clients are sessions that the host gives it with vst_agent_serve.
///
/// options is read and not kept. `*out` is the id, or 0. On failure `why`, unless NULL, gets a sentence, cut
/// to `why_size` bytes with its NUL.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (a flag); VST_E_CONFIG (`allow` cannot be
/// parsed, or `connect` says more than it may); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `options` points to as many bytes as its `size` says, its text to
/// a NUL-terminated string, its numbers to as many as are said, its handle is not freed; `out` points to an
/// id; `why` is NULL or points to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_agent_new(
    engine: *mut vst_engine,
    options: *const vst_agent_options,
    out: *mut vst_id,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    // SAFETY: the caller's contract.
    let no_out = named("out", unsafe { ptr::put(out, 0) });
    let make = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let options = unsafe { read(options) }?;
        let made = shell.core()?.add_agent(options);
        // SAFETY: the caller's contract.
        unsafe { answer(made, "options", out, std::ptr::null_mut()) }
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, make) }
}

/// # Safety
/// As [`vst_agent_new`].
unsafe fn read(from: *const vst_agent_options) -> Result<AgentOptions, ConfigError> {
    // SAFETY: the caller's contract.
    let options = unsafe { options::read(from) }?;
    let known = VST_AGENT_NO_DESCRIPTORS | VST_AGENT_ALLOW_SOURCE;
    options::check_flags(options.flags, known, 0)?;
    // SAFETY: the caller's contract.
    let allow = match unsafe { text("allow", options.allow) }? {
        Some(list) => AllowList::parse(list)
            .map_err(|wrong| ConfigError::config(format!("allow: {wrong}")))?,
        None => AllowList::default(),
    };
    // SAFETY: the caller's contract; NULL becomes None.
    let connect = named("connect", unsafe { ptr::handle_if(options.connect) })?;
    let connect = connect.map(|config| Arc::clone(&config.config));
    let connect = connect.unwrap_or_default();
    let plain = connect.send_proxy.is_none()
        && connect.socks.is_none()
        && connect.tls.is_none()
        && connect.customs.is_empty()
        && connect.transport == TransportKind::Socket;
    if !plain {
        let text = "connect: headers, SOCKS, TLS, handlers and transport are the clients' business";
        return Err(ConfigError::config(text));
    }
    // SAFETY: the caller's contract.
    let uids = named("uids", unsafe { ptr::items(options.uids, count(options.uid_count)) })?;
    // SAFETY: the caller's contract.
    let gids = named("gids", unsafe { ptr::items(options.gids, count(options.gid_count)) })?;
    Ok(AgentOptions {
        allow,
        uids: uids.to_vec(),
        gids: gids.to_vec(),
        channels_max: options.channels_max,
        window_bytes: options.window_bytes,
        channel_window_bytes: options.channel_window_bytes,
        opens_per_second: options.opens_per_second,
        keepalive: options.keepalive_ns,
        passes_descriptors: options.flags & VST_AGENT_NO_DESCRIPTORS == 0,
        allows_source: options.flags & VST_AGENT_ALLOW_SOURCE != 0,
        connect,
        user: options.user.expose_provenance() as u64,
    })
}

/// How many numbers there are; more than memory holds is an error anyway.
fn count(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// Gives an agent a configuration of TLS towards servers, which clients name by `profile` (`link_tls` of
/// vst_connect_options): UTF-8, 1 to 255 bytes, copied. A second one with the same name replaces the first
/// for connections that begin later. The handle tls may be freed at once.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (the name is empty, too long or not UTF-8; the id);
/// VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// Handles are not freed; `profile` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_agent_add_tls(
    engine: *mut vst_engine,
    agent: vst_id,
    profile: *const c_char,
    tls: *const vst_tls_client,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        // SAFETY: the caller's contract.
        let profile = unsafe { ptr::text(profile) }?.ok_or(VST_E_NULL)?;
        // SAFETY: the caller's contract.
        let tls = Arc::clone(&unsafe { ptr::handle(tls) }?.tls);
        shell.core()?.add_agent_tls(shell.id(agent)?, profile, tls).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Makes the peer of a session a client of an agent: frames pass through the session from now on, and
/// vst_conn_recv, vst_conn_send and their like return VST_E_STATE. VST_EVENT_CLOSED reports its end, whose
/// text says what the client did wrong, where that ended it. The user and group of the peer are checked
/// before a byte of it is read.
///
/// Legal on the engine's thread. On failure the session stays the host's.
/// Returns VST_OK; VST_E_DENIED (`uids` and `gids` of the agent do not admit the peer, or its ids are not
/// known); VST_E_STATE (it is no session of the host's, bytes of it wait to be sent, or the agent drains);
/// VST_E_LIMIT; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (an id); VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_agent_serve(
    engine: *mut vst_engine,
    agent: vst_id,
    conn: vst_id,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.serve_client(shell.id(agent)?, shell.id(conn)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Hands a session over to a client of an agent that takes connections under `name` (`vst_link_accept`), with
/// its addresses, the PROXY header that it began with, and what its TLS agreed on. Of several clients the
/// one with the fewest connections gets it. VST_EVENT_CLOSED reports its end, or, where its descriptor was
/// passed to the client, that it is no longer here.
///
/// Legal on the engine's thread. On failure the session stays the host's.
/// Returns VST_OK; VST_NONE (no client takes it now); VST_E_STATE (it is no session of the host's, or
/// bytes of it wait to be sent); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (an
/// id; the name is not UTF-8); VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_agent_offer(
    engine: *mut vst_engine,
    agent: vst_id,
    conn: vst_id,
    name: *const c_char,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        // SAFETY: the caller's contract.
        let name = unsafe { ptr::text(name) }?.ok_or(VST_E_NULL)?;
        match shell.core()?.offer(shell.id(agent)?, shell.id(conn)?, name) {
            Ok(()) => Ok(VST_OK),
            Err(crate::engine::Refusal::Limit) => Ok(VST_NONE),
            Err(refusal) => Err(status::of(refusal)),
        }
    })
}

/// Answers VST_EVENT_AGENT_RESOLVE: `addr` is the address that the name has, whose port does not matter; NULL
/// or VST_ADDR_NONE: it has none, for the reason `sys_errno` (0: ENOENT).
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_STATE (nobody waits for this ticket any more); VST_E_ARGUMENT (`addr` is no
/// address, or `sys_errno` is negative; the id); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `addr` is NULL or points to an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_agent_resolved(
    engine: *mut vst_engine,
    agent: vst_id,
    ticket: u64,
    addr: *const vst_addr,
    sys_errno: i32,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        // SAFETY: the caller's contract; NULL becomes None.
        let known = match unsafe { addr.as_ref() } {
            Some(addr) => addr.known()?,
            None => None,
        };
        let found = match (known, sys_errno) {
            (Some(addr), _) => Ok(addr),
            (None, 0) => Err(Errno(libc::ENOENT)),
            (None, errno) if errno > 0 => Err(Errno(errno)),
            (None, _) => return Err(VST_E_ARGUMENT),
        };
        shell.core()?.resolved(shell.id(agent)?, ticket, found).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Lets an agent end in order: its clients are told to open new connections elsewhere, and those that
/// are open go on. A client's connection closes with the last of them; vst_agent_load says when there is
/// none left. Another agent may take the listening socket over meanwhile: no connection fails.
///
/// Legal on the engine's thread; a second call changes nothing.
/// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_agent_drain(engine: *mut vst_engine, agent: vst_id) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.drain_agent(shell.id(agent)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Ends an agent at once: its clients are told so, and their connections are reset. The id is stale from here
/// on; VST_EVENT_CLOSED reports the end of each connection.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_agent_close(engine: *mut vst_engine, agent: vst_id) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.remove_agent(shell.id(agent)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Writes how many clients an agent has, and how many connections they have together.
///
/// Legal on the engine's thread. On failure both are 0.
/// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `clients` and `channels` point to numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_agent_load(
    engine: *mut vst_engine,
    agent: vst_id,
    clients: *mut u32,
    channels: *mut u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_clients = unsafe { ptr::put(clients, 0) };
    // SAFETY: the caller's contract.
    let no_channels = unsafe { ptr::put(channels, 0) };
    entry::call(no_clients.and(no_channels).and(engine), |shell| {
        let load = shell.core()?.agent_load(shell.id(agent)?).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(clients, load.0) }?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(channels, load.1) }?;
        Ok(VST_OK)
    })
}

/// Copies the state of an agent as one line of name=value, for a log or for debugging: its clients and their
/// connections, the names that are looked up, and whether it drains.
///
/// The text has no NUL; `*len` is its length, also when `capacity` does not suffice. 256 bytes mostly do.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `text` points to `capacity` writable bytes; `len` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_agent_describe(
    engine: *mut vst_engine,
    agent: vst_id,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe {
        copy_text(engine, text, capacity, len, |shell| {
            shell.core()?.describe_agent(shell.id(agent)?).map_err(status::of)
        })
    }
}
