//! Backends, as C makes them and asks after them.

use std::ffi::{c_char, c_void};

use super::config_error::{ConfigError, named};
use super::engine::vst_engine;
use super::entry::{self, asked};
use super::listener::{answer, set_name};
use super::options::{self, options};
use super::ptr::{self, Sized32};
use super::status::{self, *};
use super::types::vst_id;
use crate::backend::{BackendConfig, BalanceMethod, Redispatch, Retries, ServerIndex, Stats};
use crate::engine::BackendOptions;
use crate::id::Kind;
use crate::time::SECOND;

/// Round robin: one server after the other, those with more weight more often.
pub const VST_BALANCE_ROUND_ROBIN: u32 = 0;
/// Least connections: the server with the fewest streams in proportion to its weight.
pub const VST_BALANCE_LEAST_CONNECTIONS: u32 = 1;
/// By a hash of the client's address, without its port: a client gets the same server each time,
/// and when servers are added, go down or come up, only those clients get another server that must.
/// The address is the one announced by a header, where one came. Clients without an address, those
/// of unix sockets, are spread round robin.
pub const VST_BALANCE_SOURCE: u32 = 2;
/// Two servers are chosen at random, and of these the one with fewer streams in proportion to its
/// weight is taken. Nearly as even as VST_BALANCE_LEAST_CONNECTIONS, also where several engines use
/// the same servers without knowing each other's streams.
pub const VST_BALANCE_RANDOM: u32 = 3;

/// All attempts of a stream are made on the server that it was given first; the stream ends when
/// that server goes down. Without this flag the last attempt is made on another server, and so is
/// every attempt after the server went down.
pub const VST_BACKEND_NO_REDISPATCH: u64 = 1 << 46;
/// A failed attempt is not repeated, whatever retries says.
pub const VST_BACKEND_NO_RETRIES: u64 = 1 << 47;
/// No stream waits until any server has room, whatever maxqueue says: the stream is ended instead.
pub const VST_BACKEND_NO_QUEUE: u64 = 1 << 48;

/// The options of a backend. A field that is 0 stands for its default, so that all zero but size is
/// the defaults; `vst_backend_options_init` writes them.
///
/// Limits and queues belong to this backend of this engine, also in a group (vst_group_new): a program
/// with several engines divides what its servers can carry by the number of engines.
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
    /// The most streams that all servers together carry at once; further ones wait in the queue.
    /// Default UINT32_MAX: no bound.
    pub maxconn: u32,
    /// The most streams that may wait in the backend's queue, for whichever server has room first;
    /// one more is ended. Default 1024; UINT32_MAX is no bound, and `VST_BACKEND_NO_QUEUE` lets
    /// none wait.
    pub maxqueue: u32,
    /// The most attempts after the first. An attempt is repeated only when its server took no byte
    /// of the client. Default 3; UINT32_MAX is no bound, and `VST_BACKEND_NO_RETRIES` repeats none.
    pub retries: u32,
    /// How long a stream waits in a queue, that of the backend or that of a server, in nanoseconds;
    /// VST_NEVER is no bound. Default 5 s.
    pub queue_timeout_ns: u64,
    /// How long a stream waits after a failed attempt before the next one on the same server, in
    /// nanoseconds. Default 1 s. Where `timeout_connect_ns` is shorter than that, set this to the
    /// same.
    pub turn_around_ns: u64,
    /// The seed of random choices: the spread of checks over time, the servers for
    /// VST_BALANCE_RANDOM, and which address belongs to which server for VST_BALANCE_SOURCE.
    /// Engines and processes that are to send a client to the same server need the same seed and
    /// the same names of servers. 0, the default: the library takes a random number.
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
        VST_BALANCE_ROUND_ROBIN => BalanceMethod::RoundRobin,
        VST_BALANCE_LEAST_CONNECTIONS => BalanceMethod::LeastConnections,
        VST_BALANCE_SOURCE => BalanceMethod::SourceHash,
        VST_BALANCE_RANDOM => BalanceMethod::RandomOfTwo,
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
                0 => {
                    named("seed: no random number", crate::sys::random().map_err(|_| VST_E_SYSTEM))?
                }
                seed => seed,
            },
        },
        queue_timeout: options.queue_timeout_ns,
        user: options.user.expose_provenance() as u64,
    })
}

/// Makes a backend, a group of servers of which `vst_conn_forward_to` chooses one for each stream.
/// It has no servers yet: `vst_backend_add_server` adds them.
///
/// options is read and not kept. `*out` is the backend's id, or 0 on failure. The backend belongs to
/// the engine and is freed with it. On failure `why`, unless NULL, gets a sentence, cut to
/// `why_size` bytes with its NUL.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or balance); VST_E_SYSTEM
/// (no random number for `seed`); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `options` points to as many bytes as its `size` says;
/// `out` to an id; `why` is NULL or points to `why_size` writable bytes.
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

/// Gives a backend a name, which rules (`use_backend`, `be_conn`) and metrics use: UTF-8,
/// NUL-terminated, copied. A second call replaces the name. Names are not compared: of several backends with
/// one name, rules use one. In a group, backends of several engines with one name are the same backend
/// (vst_group_new).
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (the name is not UTF-8, the id); VST_E_STALE,
/// VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// engine is an engine that is not freed; name is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_backend_set_name(
    engine: *mut vst_engine,
    backend: vst_id,
    name: *const c_char,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    entry::call(engine, |shell| unsafe { set_name(shell, Kind::Backend, backend, name) })
}

/// The counters of a backend, or of one of its servers.
///
/// A backend's counters are the sums of its servers', plus what belongs to no server. The backend's
/// queue is for streams that any server may take; each server has a queue of its own for streams
/// that must go to it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_backend_counters {
    /// In: `sizeof(vst_backend_counters)`. Not less than 128 bytes.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// Streams that count towards maxconn now: from the beginning of an attempt to its failure, or
    /// to the end of the server's connection.
    pub streams: u32,
    /// The most there were at once.
    pub streams_most: u32,
    /// How many there were in all: every attempt counts as one.
    pub streams_total: u64,
    /// Streams that wait in the queue now.
    pub queued: u32,
    /// The most that waited at once.
    pub queued_most: u32,
    /// How many waited in all. A stream that went on to another queue, since its server went down,
    /// counts twice.
    pub queued_total: u64,
    /// Attempts that failed, without those that failed because of this process or machine
    /// (VST_WHY_LOCAL_LIMIT).
    pub connect_errors_total: u64,
    /// Attempts that were repeated on the same server.
    pub retries_total: u64,
    /// Attempts that were repeated on another server, after one on this server failed.
    pub redispatches_total: u64,
    /// Streams that were ended because the queue was full.
    pub queue_full_total: u64,
    /// Streams that were ended because they waited too long.
    pub queue_timeouts_total: u64,
    /// Health checks that passed.
    pub checks_passed_total: u64,
    /// Health checks that failed, without those that failed because of this process or machine.
    pub checks_failed_total: u64,
    /// How often a server went down, as this engine found out: not where another of its group did.
    pub downs_total: u64,
    /// When a server last went up or down or was given another administrative state: a time of the
    /// engine's clock, in nanoseconds. 0: never.
    pub last_change_ns: u64,
    /// Bytes that were read from the servers of streams, those of present connections included, as
    /// they were on the wire.
    pub bytes_in_total: u64,
    /// Bytes that were written to them, likewise.
    pub bytes_out_total: u64,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_backend_counters {
    const FIRST: usize = 128;
}
const _: () = assert!(size_of::<vst_backend_counters>() == 128);

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
            bytes_in_total: counters.bytes[0],
            bytes_out_total: counters.bytes[1],
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
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_counters = unsafe { ptr::clear_sized(counters) };
    entry::call(no_counters.and(engine), |shell| {
        // SAFETY: the caller's contract.
        unsafe { write_stats(shell, backend, None, counters) }
    })
}

/// Writes the counters of one server: server is its number, from vst_backend_add_server.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT
/// (the id, a number that no server has); VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// engine is an engine that is not freed; counters points to as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_server_get_counters(
    engine: *mut vst_engine,
    backend: vst_id,
    server: u32,
    counters: *mut vst_backend_counters,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_counters = unsafe { ptr::clear_sized(counters) };
    entry::call(no_counters.and(engine), |shell| {
        // SAFETY: the caller's contract.
        unsafe { write_stats(shell, backend, Some(ServerIndex(server)), counters) }
    })
}

/// # Safety
/// counters points to as many bytes as its size says.
unsafe fn write_stats(
    shell: &vst_engine,
    backend: vst_id,
    server: Option<ServerIndex>,
    counters: *mut vst_backend_counters,
) -> Result<vst_status, vst_status> {
    let found = shell.core()?.backend_stats(shell.id(backend)?, server).map_err(status::of)?;
    // SAFETY: the caller's contract.
    Ok(unsafe { ptr::write_sized(counters, &vst_backend_counters::of(&found)) })
}
