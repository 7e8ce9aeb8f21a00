//! Links to agents, as C opens and closes them.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::accept_config::vst_accept_config;
use super::config_error::{ConfigError, named};
use super::connect_config::vst_connect_config;
use super::describe::copy_text;
use super::engine::vst_engine;
use super::entry::{self, asked};
use super::listener::answer;
use super::options::{self, options};
use super::ptr::{self, Sized32};
use super::status::{self, *};
use super::types::vst_id;
use super::words::needed_text;
use crate::config::TransportKind;
use crate::engine::LinkOptions;
use crate::sys::Addr;

/// No agent may pass descriptors over the link: all bytes go through it.
pub const VST_LINK_NO_DESCRIPTORS: u64 = 1 << 57;

/// The options of a link. A field that is 0 stands for its default, so that all zero but `size` is the
/// defaults; `vst_link_options_init` writes them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_link_options {
    /// `sizeof(vst_link_options)`. Not less than 40 bytes.
    pub size: u32,
    /// How many connections one connection to the agent carries: more connections to it are made where
    /// there are more. 1: each has a connection of its own, which closes with it. Default 10,000, and never
    /// more than the agent takes.
    pub channels_per_conn: u32,
    /// `VST_LINK_*`.
    pub flags: u64,
    /// How many bytes that came over one connection to the agent are held and not read, of all connections
    /// that it carries together. Each holds at most `fed_inbox_bytes`, and less where little is left.
    /// Default 64 MiB.
    pub window_bytes: u64,
    /// After so many nanoseconds in which nothing came from the agent it is asked for a sign of life; after
    /// three times as many in all, the connection to it counts as broken. Default 10 s; VST_NEVER does
    /// not ask.
    pub keepalive_ns: u64,
    /// The host's user data for the link. The library neither reads nor frees it.
    pub user: *mut c_void,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_link_options {
    const FIRST: usize = 40;
}
const _: () = assert!(size_of::<vst_link_options>() == 40);

fn link_defaults() -> vst_link_options {
    let defaults = LinkOptions::default();
    vst_link_options {
        size: 0,
        channels_per_conn: defaults.channels_per_conn,
        flags: 0,
        window_bytes: defaults.window_bytes,
        keepalive_ns: defaults.keepalive,
        user: std::ptr::null_mut(),
    }
}
options!(vst_link_options { channels_per_conn, window_bytes, keepalive_ns } link_defaults());

/// Fills `options` with the defaults. `size` is `sizeof(vst_link_options)`.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_link_options_init(
    options: *mut vst_link_options,
    size: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { options::init(options, size) }
}

/// Opens a link to the agent that listens at `address`: `unix:/path`, `unix:@abstract`, `192.0.2.1:80` or
/// `[2001:db8::1]:80`. Connections whose configuration names it (`link` of vst_connect_options) are opened
/// by the agent.
///
/// The connection to the agent is made at the end of the outermost call as `config` says: TLS with a
/// client certificate, for example; NULL stands for the defaults. VST_EVENT_LINK_UP reports that the agent
/// answers, VST_EVENT_LINK_DOWN that none does any more. A connection that breaks is made again at once,
/// and then after pauses of up to a second, for ever; connections that are to be opened wait for it until
/// their own timeouts. The handle config may be freed at once. options may be NULL: the defaults. `*out`
/// is the id, or 0. On failure `why`, unless NULL, gets a sentence, cut to `why_size` bytes with its NUL.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (address, flag); VST_E_CONFIG (the connections of
/// `config` are fed, or use a link themselves); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// Handles are not freed; `address` is a NUL-terminated string; `config` is NULL or a handle; `options` is
/// NULL or points to as many bytes as its `size` says; `out` points to an id; `why` is NULL or points to
/// `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_link_open(
    engine: *mut vst_engine,
    address: *const c_char,
    config: *const vst_connect_config,
    options: *const vst_link_options,
    out: *mut vst_id,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    // SAFETY: the caller's contract.
    let no_out = named("out", unsafe { ptr::put(out, 0) });
    let open = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let options = unsafe { options::read_or_defaults(options) }?;
        options::check_flags(options.flags, VST_LINK_NO_DESCRIPTORS, 0)?;
        // SAFETY: the caller's contract.
        let address = unsafe { needed_text("address", address) }?;
        let target = Addr::parse_target(address)
            .map_err(|wrong| ConfigError::argument(format!("address: {wrong}")))?;
        // SAFETY: the caller's contract; NULL becomes None.
        let config = named("config", unsafe { ptr::handle_if(config) })?;
        let config = config.map(|config| Arc::clone(&config.config));
        let config = config.unwrap_or_default();
        if config.transport != TransportKind::Socket {
            return Err(ConfigError::config("config: a link is connected by a socket"));
        }
        let link = LinkOptions {
            channels_per_conn: options.channels_per_conn,
            window_bytes: options.window_bytes,
            keepalive: options.keepalive_ns,
            takes_descriptors: options.flags & VST_LINK_NO_DESCRIPTORS == 0,
            user: options.user.expose_provenance() as u64,
        };
        let made = shell.core()?.open_link(target, config, link);
        // SAFETY: the caller's contract.
        unsafe { answer(made, "address", out, std::ptr::null_mut()) }
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, open) }
}

/// Closes a link. Connections that the agent has opened go on; those that wait for it, and new ones, fail.
/// VST_EVENT_LINK_CLOSED, after the last of them, is the last event about it; until then its id works with
/// `vst_link_describe`.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_STATE (it was closed before); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE,
/// VST_E_ARGUMENT (the id); VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_link_close(engine: *mut vst_engine, link: vst_id) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.close_link(shell.id(link)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Takes the connections that the agent accepts and hands over under `name` (`vst_agent_offer`): UTF-8,
/// 1 to 255 bytes, copied. Each goes through what `config` (not NULL) says, as if it had been accepted here:
/// VST_EVENT_SESSION reports that it is a session, VST_EVENT_CLOSED its end, also if it never was one. What
/// the agent knows of it is known here: its addresses, the PROXY header that it began with, and what the
/// agent's TLS agreed on.
///
/// The handle config may be freed at once. `user` is the host's user data for the connections. On failure
/// `why`, unless NULL, gets a sentence, cut to `why_size` bytes with its NUL.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_STATE (the name is taken already, or the link is closing); VST_E_NULL;
/// VST_E_ARGUMENT (the name is empty, too long or not UTF-8; the id); VST_E_STALE, VST_E_KIND, VST_E_ENGINE;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// Handles are not freed; `name` is a NUL-terminated string; `why` is NULL or points to `why_size` writable
/// bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_link_accept(
    engine: *mut vst_engine,
    link: vst_id,
    name: *const c_char,
    config: *const vst_accept_config,
    user: *mut c_void,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    let accept = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let name = unsafe { needed_text("name", name) }?;
        // SAFETY: the caller's contract.
        let config = Arc::clone(&named("config", unsafe { ptr::handle(config) })?.config);
        let link = named("link", shell.id(link))?;
        let user = user.expose_provenance() as u64;
        shell.core()?.accept_from_link(link, name, config, user)?;
        Ok(VST_OK)
    };
    // SAFETY: the caller's contract.
    unsafe { asked(engine, why, why_size, accept) }
}

/// Takes no more connections under `name`. Those that were taken go on.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_STATE (none are taken under it); VST_E_NULL; VST_E_ARGUMENT (the name is not UTF-8;
/// the id); VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_link_stop_accepting(
    engine: *mut vst_engine,
    link: vst_id,
    name: *const c_char,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        // SAFETY: the caller's contract.
        let name = unsafe { ptr::text(name) }?.ok_or(VST_E_NULL)?;
        shell.core()?.refuse_from_link(shell.id(link)?, name).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Copies the state of a link as one line of name=value, for a log or for debugging: the agent's address,
/// whether it answers, the connections to it, those that it carries and those that wait, and why it was not
/// reached.
///
/// The text has no NUL; `*len` is its length, also when `capacity` does not suffice. 1,024 bytes mostly do.
/// Legal on the engine's thread, before VST_EVENT_LINK_CLOSED.
/// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `text` points to `capacity` writable bytes; `len` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_link_describe(
    engine: *mut vst_engine,
    link: vst_id,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe {
        copy_text(engine, text, capacity, len, |shell| {
            shell.core()?.describe_link(shell.id(link)?).map_err(status::of)
        })
    }
}
