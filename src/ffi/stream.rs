//! Streams, as C makes and ends them.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::describe::copy_text;
use super::engine::vst_engine;
use super::entry;
use super::listener::answer;
use super::options::{self, options};
use super::panic::free;
use super::ptr::{self, Sized32};
use super::seal::Handle;
use super::status::{self, *};
use super::types::vst_id;
use super::words::hand_out;
use crate::config::StreamConfig;

/// The timeouts and flags of streams. Any number of streams and engines, also in several threads,
/// may use it. It never changes.
pub struct vst_stream_config {
    config: Arc<StreamConfig>,
}

impl Handle for vst_stream_config {
    const NUMBER: u64 = 6;
}

/// When a client ends its side before a server is reached, the stream ends, even when the client
/// has sent bytes. Without this flag such a client is taken to wait for a response.
pub const VST_STREAM_ABORT_ON_CLOSE: u64 = 1 << 45;

/// The options of streams. A field that is 0 stands for its default, so that all zero but size is
/// the defaults; `vst_stream_options_init` writes them. In spans of time VST_NEVER is no bound.
///
/// The timeout of a side runs only while something is expected of it: that it sends, or that it
/// takes the bytes that are there for it. It does not run for a side that cannot send or receive
/// because of the other (backpressure). When both could send, only the timeout of the side that
/// received bytes last runs, since the next bytes are expected of it; where that side has no
/// timeout, that of the other runs.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_stream_options {
    /// `sizeof(vst_stream_options)`. Not less than 56 bytes.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// `VST_STREAM_*`.
    pub flags: u64,
    /// The longest time without a byte from or to the client, in nanoseconds. Default 300 s.
    pub timeout_client_ns: u64,
    /// The same for the server, in nanoseconds. Default 300 s.
    pub timeout_server_ns: u64,
    /// Once bytes have gone both ways: the same for either, instead of the two above, in
    /// nanoseconds. 0, the default: the two above stay in force.
    pub timeout_tunnel_ns: u64,
    /// Once the server has ended its side: the same for the client, in nanoseconds. 0, the default:
    /// the timeouts above stay in force.
    pub timeout_client_fin_ns: u64,
    /// Once the client has ended its side, also where the half-close of TLS 1.2 is held back: the
    /// same for the server, in nanoseconds. 0, the default: the timeouts above stay in force.
    pub timeout_server_fin_ns: u64,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_stream_options {
    const FIRST: usize = 56;
}
const _: () = assert!(size_of::<vst_stream_options>() == 56);

fn defaults() -> vst_stream_options {
    let config = StreamConfig::default();
    vst_stream_options {
        size: 0,
        _reserved: 0,
        flags: 0,
        timeout_client_ns: config.client,
        timeout_server_ns: config.server,
        timeout_tunnel_ns: config.tunnel,
        timeout_client_fin_ns: config.client_fin,
        timeout_server_fin_ns: config.server_fin,
    }
}
options!(vst_stream_options {
    timeout_client_ns,
    timeout_server_ns,
} defaults());

/// Fills `options` with the defaults. `size` is `sizeof(vst_stream_options)`.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_stream_options_init(
    options: *mut vst_stream_options,
    size: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { options::init(options, size) }
}

/// Makes the configuration of streams.
///
/// `options` is read and not kept. `*out` is the configuration, or NULL on failure; free it with
/// `vst_stream_config_free`. On failure `why`, unless NULL, gets a sentence, cut to `why_size` bytes
/// with its NUL.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag).
///
/// # Safety
/// `options` points to as many bytes as its `size` says; `out` to a pointer; `why` is NULL or
/// points to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_stream_config_new(
    options: *const vst_stream_options,
    out: *mut *mut vst_stream_config,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    let make = || {
        // SAFETY: the caller's contract.
        let options = unsafe { options::read(options) }?;
        let known = VST_STREAM_ABORT_ON_CLOSE;
        options::check_flags(options.flags, known, options._reserved)?;
        let config = StreamConfig {
            client: options.timeout_client_ns,
            server: options.timeout_server_ns,
            tunnel: options.timeout_tunnel_ns,
            client_fin: options.timeout_client_fin_ns,
            server_fin: options.timeout_server_fin_ns,
            abort_on_close: options.flags & VST_STREAM_ABORT_ON_CLOSE != 0,
        };
        Ok(vst_stream_config { config: Arc::new(config) })
    };
    // SAFETY: the caller's contract.
    unsafe { hand_out(out, why, why_size, make) }
}

/// Frees a handle. Streams that use the configuration keep it. NULL does nothing.
///
/// Legal from any thread and any callback.
///
/// # Safety
/// `config` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_stream_config_free(config: *mut vst_stream_config) {
    // SAFETY: the caller's contract.
    unsafe { free(config) };
}

/// Joins two connections into a stream: from here on the library moves the bytes between them, with
/// backpressure, and passes the half-close of each side on to the other.
///
/// client is a session; server may be open or still connecting. From then on both ids work only
/// with functions that read, such as `vst_conn_describe`, and VST_EVENT_STREAM_END is the one event
/// that follows. The stream keeps its own reference to `config`: the handle may be freed at once;
/// NULL: the defaults. user is the host's user data for the stream, which comes with the event.
/// `*out` is the stream's id, or 0.
/// Legal on the engine's thread; best in the callback of VST_EVENT_SESSION, right after
/// `vst_conn_connect`: then the client's first bytes leave with the PROXY header.
/// Returns VST_OK; VST_E_STATE (one is closing or part of a stream, or client is no session yet);
/// VST_E_ARGUMENT (both are the same connection); VST_E_NULL; VST_E_STALE, VST_E_KIND,
/// VST_E_ENGINE; VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `config` is NULL or a handle that is not freed; `out`
/// points to an id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_forward(
    engine: *mut vst_engine,
    client: vst_id,
    server: vst_id,
    config: *const vst_stream_config,
    user: *mut c_void,
    out: *mut vst_id,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_out = unsafe { ptr::put(out, 0) };
    // SAFETY: the caller's contract.
    let config = unsafe { ptr::handle_if(config) };
    entry::call(no_out.and(engine), |shell| {
        let config = config?.map(|config| Arc::clone(&config.config));
        let user = user.expose_provenance() as u64;
        let (client, server) = (shell.id(client)?, shell.id(server)?);
        let made = shell.core()?.forward(client, server, config, user);
        // SAFETY: the caller's contract.
        Ok(unsafe { answer(made, "stream", out, std::ptr::null_mut()) }?)
    })
}

/// Makes a session the client's side of a stream whose other side is a server of backend. The
/// backend chooses the server; queues and repeated attempts are as in vst_backend_options.
///
/// Where a stick table with `server_id` remembers a server for the client, that server is tried
/// first; the server that is reached is stored there (docs/tables.md).
///
/// Each attempt uses the server's own connect configuration; a PROXY header carries the client's
/// addresses. The client's bytes are kept until a server has taken the first of them, so that every
/// attempt sends the same. VST_EVENT_STREAM_END is the one event that follows, also when no server
/// can be reached; `vst_stream_end` says which server it was and how long it took. From then on
/// client works only with functions that read, such as vst_conn_describe. The stream keeps its own
/// reference to config: the handle may be freed at once; NULL: the defaults. user is the host's
/// user data for the stream, which comes with the event. `*out` is the stream's id, or 0.
/// Legal on the engine's thread; best in the callback of VST_EVENT_SESSION.
/// Returns VST_OK; VST_E_STATE (client is closing, part of a stream, or no session yet);
/// VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (an id); VST_E_LIMIT;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `config` is NULL or a handle that is not freed; `out`
/// points to an id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_forward_to(
    engine: *mut vst_engine,
    client: vst_id,
    backend: vst_id,
    config: *const vst_stream_config,
    user: *mut c_void,
    out: *mut vst_id,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_out = unsafe { ptr::put(out, 0) };
    // SAFETY: the caller's contract.
    let config = unsafe { ptr::handle_if(config) };
    entry::call(no_out.and(engine), |shell| {
        let config = config?.map(|config| Arc::clone(&config.config));
        let user = user.expose_provenance() as u64;
        let (client, backend) = (shell.id(client)?, shell.id(backend)?);
        let made = shell.core()?.forward_to(client, backend, config, user);
        // SAFETY: the caller's contract.
        Ok(unsafe { answer(made, "stream", out, std::ptr::null_mut()) }?)
    })
}

/// Ends a stream at once: both peers get a reset. VST_EVENT_STREAM_END follows.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_stream_abort(engine: *mut vst_engine, stream: vst_id) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        shell.core()?.abort_stream(shell.id(stream)?).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// Copies the state of a stream as one line of name=value, for a log or for debugging: the states
/// of both sides, bytes, the choice of a server, what it waits for, and how it ends.
///
/// The text has no NUL; `*len` is its length, also when `capacity` does not suffice. 1,024 bytes
/// mostly do.
/// Legal on the engine's thread, before VST_EVENT_STREAM_END.
/// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `text` points to `capacity` writable bytes; `len` to a
/// size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_stream_describe(
    engine: *mut vst_engine,
    stream: vst_id,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe {
        copy_text(engine, text, capacity, len, |shell| {
            shell.core()?.describe_stream(shell.id(stream)?).map_err(status::of)
        })
    }
}
