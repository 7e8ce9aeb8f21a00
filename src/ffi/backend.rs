//! Backends, as C makes them and asks after them.

use std::ffi::{c_char, c_void};

use super::config_error::{ConfigError, named};
use super::engine::vst_engine;
use super::entry::{self, asked};
use super::listener::{answer, set_name};
use super::options::{self, options};
use super::ptr::{self, Sized32};
use super::status::{self, *};
use super::types::{id, vst_id};
use crate::backend::{BackendConfig, Method, Redispatch, Retries, ServerIndex, Stats};
use crate::engine::BackendOptions;
use crate::id::Kind;
use crate::time::SECOND;

/// One server after the other, heavier ones more often.
pub const VST_BALANCE_ROUND_ROBIN: u32 = 0;
/// The server with the fewest streams for its weight.
pub const VST_BALANCE_LEAST_CONNECTIONS: u32 = 1;
/// By the client's address, without its port: a client keeps its server, and when servers come or go
/// only the clients move that must. It is the one announced by a header, where one came.
/// Clients without an address, those of unix sockets, go round robin.
pub const VST_BALANCE_SOURCE: u32 = 2;
/// Two servers are drawn, and the one with fewer streams for its weight is taken: nearly as even as
/// the fewest streams, also where several engines share the servers and know nothing of each other.
pub const VST_BALANCE_RANDOM: u32 = 3;

/// A stream goes to no other server than the one it was given first. Without it the last attempt is
/// made on another one, and so is any when the server is taken to be down.
pub const VST_BACKEND_NO_REDISPATCH: u64 = 1 << 46;
/// No attempt is repeated, whatever `retries` says.
pub const VST_BACKEND_NO_RETRIES: u64 = 1 << 47;
/// No stream waits for any server, whatever `maxqueue` says: it is ended where there is no room.
pub const VST_BACKEND_NO_QUEUE: u64 = 1 << 48;

/// How a backend works. A field that is 0 stands for its default, so that all zero but `size` is
/// the defaults; `vst_backend_options_init` writes them.
///
/// Limits and queues are of this one backend of this one engine: a program with several engines
/// divides what its servers can bear by their number.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_backend_options {
    /// `sizeof(vst_backend_options)`. Not less than 64 bytes.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// `VST_BACKEND_*`.
    pub flags: u64,
    /// `VST_BALANCE_*`. Default `VST_BALANCE_ROUND_ROBIN`.
    pub balance: u32,
    /// The most streams over all servers at once; others wait. Default UINT32_MAX: no bound.
    pub maxconn: u32,
    /// The most streams that may wait for any server; one more is ended. Default 1024; UINT32_MAX is no
    /// bound, and `VST_BACKEND_NO_QUEUE` lets none wait.
    pub maxqueue: u32,
    /// Attempts beside the first. Only attempts whose server took no byte are repeated. Default 3;
    /// UINT32_MAX is no bound, and `VST_BACKEND_NO_RETRIES` repeats none.
    pub retries: u32,
    /// How long a stream waits for a server with room, in nanoseconds; VST_NEVER is no bound. Default
    /// 5 s.
    pub queue_timeout_ns: u64,
    /// How long after a failed attempt the same server is left alone, in nanoseconds. Default 1 s; a
    /// connect timeout that is shorter is the better choice.
    pub turn_around_ns: u64,
    /// Where all chance comes from: the spread of checks over time, what is drawn for
    /// `VST_BALANCE_RANDOM`, and which address belongs to which server for `VST_BALANCE_SOURCE`.
    /// Engines and processes that are to send a client to the same server have the same one here, and
    /// the same names of servers. 0, the default, takes a random number.
    pub seed: u64,
    /// The host's user data for the backend: it comes with VST_EVENT_SERVER_*. The library neither
    /// reads nor frees it.
    pub user: *mut c_void,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_backend_options {
    const FIRST: usize = 64;
}
const _: () = assert!(size_of::<vst_backend_options>() == 64);

/// How many streams may wait, where the host says nothing.
pub(super) const MAXQUEUE: u32 = 1024;
const QUEUE_TIMEOUT: u64 = 5 * SECOND;

fn defaults() -> vst_backend_options {
    let retries = Retries::default();
    vst_backend_options {
        size: 0,
        _reserved: 0,
        flags: 0,
        balance: VST_BALANCE_ROUND_ROBIN,
        maxconn: u32::MAX,
        maxqueue: MAXQUEUE,
        retries: retries.retries,
        queue_timeout_ns: QUEUE_TIMEOUT,
        turn_around_ns: retries.delay,
        seed: 0,
        user: std::ptr::null_mut(),
    }
}
options!(vst_backend_options {
    maxconn,
    maxqueue,
    retries,
    queue_timeout_ns,
    turn_around_ns,
} defaults());

/// Fills `options` with the defaults. `size` is `sizeof(vst_backend_options)`.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_backend_options_init(
    options: *mut vst_backend_options,
    size: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { options::init(options, size) }
}

/// What the host wants of a backend.
fn backend_options(options: &vst_backend_options) -> Result<BackendOptions, ConfigError> {
    let known = VST_BACKEND_NO_REDISPATCH | VST_BACKEND_NO_RETRIES | VST_BACKEND_NO_QUEUE;
    options::check_flags(options.flags, known, options._reserved)?;
    let unless = |flag: u64, most: u32| if options.flags & flag != 0 { 0 } else { most };
    let method = match options.balance {
        VST_BALANCE_ROUND_ROBIN => Method::RoundRobin,
        VST_BALANCE_LEAST_CONNECTIONS => Method::LeastConnections,
        VST_BALANCE_SOURCE => Method::SourceHash,
        VST_BALANCE_RANDOM => Method::RandomOfTwo,
        other => return Err(ConfigError::argument(format!("balance: {other} is none"))),
    };
    let redispatch = if options.flags & VST_BACKEND_NO_REDISPATCH != 0 {
        Redispatch::Never
    } else {
        Redispatch::Last
    };
    let retries = unless(VST_BACKEND_NO_RETRIES, options.retries);
    Ok(BackendOptions {
        config: BackendConfig {
            method,
            maxconn: options.maxconn,
            maxqueue: unless(VST_BACKEND_NO_QUEUE, options.maxqueue),
            retries: Retries { retries, redispatch, delay: options.turn_around_ns },
            seed: match options.seed {
                0 => named("seed: no random number", crate::tls::random().ok_or(VST_E_SYSTEM))?,
                seed => seed,
            },
        },
        queue_timeout: options.queue_timeout_ns,
        user: options.user.expose_provenance() as u64,
    })
}

/// Makes a backend: servers that stand for each other, among which `vst_conn_forward_to` chooses.
///
/// `options` is read and not kept. It has no servers yet: `vst_backend_add_server`. `*out` is its id,
/// or 0. It belongs to the engine and is freed with it. On failure `why`, unless NULL, gets a sentence,
/// cut to `why_size` bytes with its NUL.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or balance); VST_E_SYSTEM
/// (no random number for `seed`); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `options` points to as many bytes as its `size` says;
/// `out` to an id; `why` to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_backend_new(
    engine: *mut vst_engine,
    options: *const vst_backend_options,
    out: *mut vst_id,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    // SAFETY: the caller's contract.
    let no_out = named("out", unsafe { ptr::put(out, 0) });
    let add = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let options = backend_options(&unsafe { options::read(options) }?)?;
        let made = shell.core()?.add_backend(options);
        // SAFETY: the caller's contract.
        unsafe { answer(made, "backend", out, std::ptr::null_mut()) }
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, add) }
}

/// Gives a backend the name by which rules (`use_backend`, `be_conn`) and metrics know it.
///
/// Otherwise as `vst_listener_set_name`.
///
/// # Safety
/// As `vst_listener_set_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_backend_set_name(
    engine: *mut vst_engine,
    backend: vst_id,
    name: *const c_char,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { set_name(engine, Kind::Backend, backend, name) }
}

/// What was counted of a backend, or of one of its servers.
///
/// A backend's counters are the sums of its servers', with what concerns none of them. Its queue is
/// that in which streams wait for any server; a server has one for the streams that want it alone.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_backend_counters {
    /// In: `sizeof(vst_backend_counters)`. Not less than 112 bytes.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// Streams that have a place at a server now: from the beginning of an attempt to its failure or
    /// to the end of the server's connection.
    pub streams: u32,
    /// The most there were at once.
    pub streams_most: u32,
    /// How many there were in all: every attempt is one.
    pub streams_total: u64,
    /// Streams that wait in the queue now.
    pub queued: u32,
    /// The most that waited at once.
    pub queued_most: u32,
    /// How many waited in all. One whose server went away waited in two queues.
    pub queued_total: u64,
    /// Attempts that failed, but for those that failed on our side.
    pub connect_errors_total: u64,
    /// Streams that asked again for the same server.
    pub retries_total: u64,
    /// Streams that asked for another server than this one.
    pub redispatches_total: u64,
    /// Streams that were ended because the queue was full.
    pub queue_full_total: u64,
    /// Streams that were ended because they waited too long.
    pub queue_timeouts_total: u64,
    /// Health checks that passed.
    pub checks_passed_total: u64,
    /// Health checks that failed, but for those that failed on our side.
    pub checks_failed_total: u64,
    /// How often a server went down.
    pub downs_total: u64,
    /// When a server last went up or down or was given another state, of the clock that drive calls
    /// are told, in nanoseconds; 0: never.
    pub last_change_ns: u64,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_backend_counters {
    const FIRST: usize = 112;
}
const _: () = assert!(size_of::<vst_backend_counters>() == 112);

impl vst_backend_counters {
    fn of(stats: &Stats) -> Self {
        let Stats { streams, queue, counters } = stats;
        Self {
            size: 0,
            _reserved: 0,
            streams: streams.now,
            streams_most: streams.most,
            streams_total: streams.total,
            queued: queue.now,
            queued_most: queue.most,
            queued_total: queue.total,
            connect_errors_total: counters.connect_errors,
            retries_total: counters.retries,
            redispatches_total: counters.redispatches,
            queue_full_total: counters.queue_full,
            queue_timeouts_total: counters.queue_timeouts,
            checks_passed_total: counters.checks_passed,
            checks_failed_total: counters.checks_failed,
            downs_total: counters.downs,
            last_change_ns: counters.last_change.0,
        }
    }
}

/// Writes what a backend has counted.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the
/// id); VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `counters` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_backend_get_counters(
    engine: *mut vst_engine,
    backend: vst_id,
    counters: *mut vst_backend_counters,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { stats(engine, backend, None, counters) }
}

/// Writes what one server has counted: `server` is its number, from `vst_backend_add_server`.
///
/// Otherwise as `vst_backend_get_counters`; VST_E_ARGUMENT also for a number that no server has.
///
/// # Safety
/// As `vst_backend_get_counters`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_server_get_counters(
    engine: *mut vst_engine,
    backend: vst_id,
    server: u32,
    counters: *mut vst_backend_counters,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { stats(engine, backend, Some(ServerIndex(server)), counters) }
}

/// # Safety
/// As `vst_backend_get_counters`.
unsafe fn stats(
    engine: *mut vst_engine,
    backend: vst_id,
    server: Option<ServerIndex>,
    counters: *mut vst_backend_counters,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_counters = unsafe { ptr::clear_sized(counters) };
    entry::call(no_counters.and(engine), |shell| {
        let found = shell.core()?.backend_stats(id(backend)?, server).map_err(status::of)?;
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(counters, &vst_backend_counters::of(&found)) })
    })
}
