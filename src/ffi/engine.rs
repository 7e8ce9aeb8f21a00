//! The engine, as C sees it: made with callbacks, asked for its counts, freed.

use std::ffi::{c_char, c_void};

use super::event::{
    vst_event_fn, vst_fdclr_fn, vst_fdset_fn, vst_interest_fn, vst_log_fn, vst_timer_fn,
};
use super::options::{self, options};
use super::ptr::{self, Sized32};
use super::shell::{self, vst_engine};
use super::status::*;
use super::unusable::{Unusable, hand_out};
use super::waker::vst_wake_fn;
use crate::cx::Trigger;
use crate::engine::{A_PAIR, EngineOptions};
use crate::id::Id;

/// A 64-bit id of a connection, listener or stream, or the token of a descriptor. 0 is never one.
/// It may be stored anywhere 64 bits fit: `epoll_data.u64`, io_uring user data, an integer of
/// Python. An id of something that is gone is answered with `VST_E_STALE`, never with harm.
pub type vst_id = u64;

/// Bytes, connections or the end can be read.
pub const VST_IO_IN: u32 = 1;
/// Bytes can be written.
pub const VST_IO_OUT: u32 = 2;
/// The peer has ended its side (`EPOLLRDHUP`, `POLLRDHUP`). A poller without it never tells it.
pub const VST_IO_HANGUP: u32 = 4;
/// An error, or the end of both sides (`EPOLLERR`, `EPOLLHUP`, `POLLNVAL` not among them). It is
/// only told to the library, never asked for.
pub const VST_IO_ERROR: u32 = 8;
/// The mask stands for the descriptor's whole life and may be registered edge-triggered. Only an
/// engine made with `VST_TRIGGER_EDGE` says so, and never of a listener: those stay level-triggered.
pub const VST_IO_EDGE: u32 = 16;
/// The poller must forget the descriptor: the last word about it.
pub const VST_IO_RELEASED: u32 = 32;
/// With `VST_IO_RELEASED`: the library closes the number next, so an epoll host may leave out
/// `EPOLL_CTL_DEL`.
pub const VST_IO_CLOSING: u32 = 64;

/// The host's poller tells readiness again and again while it lasts (epoll without `EPOLLET`, poll,
/// select, kqueue, libevent, libuv).
pub const VST_TRIGGER_LEVEL: u32 = 0;
/// The host's poller tells each change once, for descriptors whose mask has `VST_IO_EDGE`.
pub const VST_TRIGGER_EDGE: u32 = 1;

/// Readiness may be told by descriptor number, with `vst_engine_ready_fd`.
pub const VST_ENGINE_BY_FD: u32 = 1;
/// Streams move all bytes by copying them, whatever `max_pipes` says.
pub const VST_ENGINE_NO_PIPES: u32 = 2;

/// What a host decides when it makes an engine. A field that is 0 stands for its default, so that all
/// zero but `size` is the defaults; `vst_engine_options_init` says them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_engine_options {
    /// `sizeof(vst_engine_options)`.
    pub size: u32,
    /// `VST_TRIGGER_*`.
    pub trigger: u32,
    /// `VST_ENGINE_*`.
    pub flags: u32,
    /// The most connections of all kinds. Listeners rest while it is reached. Default UINT32_MAX: no
    /// bound.
    pub max_conns: u32,
    /// The most incoming connections that are not sessions yet. Listeners rest while it is reached.
    /// Default UINT32_MAX: no bound.
    pub max_opening: u32,
    /// TLS handshake steps with asymmetric cryptography per drive call; the others wait a turn.
    /// Default 4; UINT32_MAX is no bound.
    pub heavy_per_drive: u32,
    /// Events told per outermost call; what is left makes the engine RUNNABLE. Default UINT32_MAX: no
    /// bound.
    pub events_per_drive: u32,
    /// Descriptors of the process (below `RLIMIT_NOFILE`) that are kept for clients and the servers of
    /// their streams. A listener takes a client only while so many are left, as far as the engine can
    /// tell, and rests else (VST_EVENT_PAUSED, EMFILE). Pipes, and connections that are not part of a
    /// stream when they begin, take none of them: such a connect ends with `VST_WHY_LOCAL_LIMIT`.
    /// Default 2, which is a client and its server; UINT32_MAX keeps none.
    pub reserve_fds: u32,
    /// The longest PROXY header that is taken, in bytes: 107, the longest line of version 1, or more.
    /// A longer one is refused with `VST_WHY_TOO_LARGE`. Default UINT32_MAX: all that the protocol
    /// allows.
    pub max_prefix_bytes: u32,
    /// The most pipes through which streams without TLS move bytes in bulk (`splice`), two
    /// descriptors each. Default 64. `VST_ENGINE_NO_PIPES` has all bytes copied.
    pub max_pipes: u32,
    /// Handed to every callback below. The library neither reads nor frees it.
    pub data: *mut c_void,
    /// The poller, one direction at a time. With `fdclr`, and without `interest`.
    pub fdset: vst_fdset_fn,
    /// See `fdset`.
    pub fdclr: vst_fdclr_fn,
    /// The poller, one call per change. Without any of the three, interest comes from
    /// `vst_engine_next`. `VST_TRIGGER_EDGE` works with this and with that, not with `fdset`.
    pub interest: vst_interest_fn,
    /// Optional: hosts that look at `vst_wait` after every drive call need none.
    pub timer: vst_timer_fn,
    /// What happens. Without it events come from `vst_engine_next`.
    pub event: vst_event_fn,
    /// Optional: failures inside the library, and jumps of the host's own clock.
    pub log: vst_log_fn,
    /// Optional: how other threads wake this one (`vst_waker_post`). Without it the poller watches a
    /// descriptor more.
    pub wake: vst_wake_fn,
    /// Where the host's own clock stands, in nanoseconds: for hosts whose drive calls tell another one
    /// than CLOCK_MONOTONIC, and always that one. What goes back with it stands still until it is where
    /// it was; a jump by more than an hour is told to `log`. 0: the clock is CLOCK_MONOTONIC.
    pub now_ns: u64,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero: a zero function
// pointer is None.
unsafe impl Sized32 for vst_engine_options {
    const FIRST: usize = 96;
}
const _: () = assert!(size_of::<vst_engine_options>() == 112);

/// The longest line of PROXY version 1, in bytes (the specification's section 2.1).
const PROXY_LINE_MAX: u32 = 107;

const DEFAULTS: vst_engine_options = vst_engine_options {
    size: 0,
    trigger: VST_TRIGGER_LEVEL,
    flags: 0,
    max_conns: u32::MAX,
    max_opening: u32::MAX,
    heavy_per_drive: 4,
    events_per_drive: u32::MAX,
    reserve_fds: A_PAIR,
    max_prefix_bytes: u32::MAX,
    max_pipes: 64,
    data: std::ptr::null_mut(),
    fdset: None,
    fdclr: None,
    interest: None,
    timer: None,
    event: None,
    log: None,
    wake: None,
    now_ns: 0,
};
options!(vst_engine_options {
    max_conns,
    max_opening,
    heavy_per_drive,
    events_per_drive,
    reserve_fds,
    max_prefix_bytes,
    max_pipes,
} DEFAULTS);

/// Fills `options` with the defaults. `size` is `sizeof(vst_engine_options)`.
///
/// Legal at any time, from any thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_options_init(
    options: *mut vst_engine_options,
    size: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { options::init(options, size) }
}

/// Makes an engine: one thread's worth of descriptors, connections and timers.
///
/// `options` is read and not kept; what its pointers point to stays the host's and must outlive the
/// engine. `*out` is the engine, or NULL on failure; free it with `vst_engine_free`. It belongs to
/// the thread of its first drive call. Engines share nothing but configurations. On failure `why`,
/// unless NULL, gets a sentence, cut to `why_size` bytes with its NUL.
/// Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or trigger, `fdset` without
/// `fdclr` or with `interest`, edges with `fdset`, `max_prefix_bytes` below 107); VST_E_LIMIT
/// (4,096 engines live).
///
/// # Safety
/// `options` points to as many bytes as its `size` says; `out` to a pointer; `why` to `why_size`
/// writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_new(
    options: *const vst_engine_options,
    out: *mut *mut vst_engine,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    let make = || {
        // SAFETY: the caller's contract.
        let options = unsafe { options::read(options) }?;
        shell::new(&options, options.data)
    };
    // SAFETY: the caller's contract.
    unsafe { hand_out(out, why, why_size, make) }
}

pub(super) fn engine_options(options: &vst_engine_options) -> Result<EngineOptions, Unusable> {
    let trigger = match options.trigger {
        VST_TRIGGER_LEVEL => Trigger::Level,
        VST_TRIGGER_EDGE => Trigger::Edge,
        other => return Err(Unusable::argument(format!("trigger: {other} is none"))),
    };
    let edge = trigger == Trigger::Edge;
    let (fdset, fdclr) = (options.fdset.is_some(), options.fdclr.is_some());
    let interest = options.interest.is_some();
    let too_short = options.max_prefix_bytes < PROXY_LINE_MAX;
    let unknown = options.flags & !(VST_ENGINE_BY_FD | VST_ENGINE_NO_PIPES) != 0;
    let wrong = [
        (fdset && !fdclr, "fdclr: it is missing, and fdset is there"),
        (fdclr && !fdset, "fdset: it is missing, and fdclr is there"),
        (fdset && interest, "interest: it stands for fdset and fdclr, which are there too"),
        (edge && fdset, "trigger: VST_TRIGGER_EDGE needs interest, since fdset tells no mask"),
        (unknown, "flags: an unknown one"),
        (too_short, "max_prefix_bytes: a line of PROXY version 1 has up to 107, so no less"),
    ];
    if let Some((_, sentence)) = wrong.iter().find(|(is, _)| *is) {
        return Err(Unusable::argument(*sentence));
    }
    Ok(EngineOptions {
        trigger,
        by_fd: options.flags & VST_ENGINE_BY_FD != 0,
        max_conns: options.max_conns,
        max_opening: options.max_opening,
        heavy_per_drive: options.heavy_per_drive,
        reserve_fds: match options.reserve_fds {
            u32::MAX => 0,
            n => n,
        },
        max_prefix_bytes: options.max_prefix_bytes,
        max_pipes: match options.flags & VST_ENGINE_NO_PIPES {
            0 => options.max_pipes,
            _ => 0,
        },
    })
}

/// Frees an engine at any moment outside a callback: connections are reset, descriptors released
/// and closed; the interest callback is told RELEASED, no event is told. Whatever it calls may call
/// nothing: that answers VST_E_REENTRANT. NULL is fine.
///
/// Every id and token of the engine is stale afterwards. Configurations stay.
/// Legal from the engine's thread; also after VST_E_PANIC. Not from a callback of this engine.
/// Returns VST_OK; VST_E_REENTRANT and VST_E_THREAD (then nothing happens).
///
/// # Safety
/// `engine` is NULL or an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_free(engine: *mut vst_engine) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { shell::free(engine) }
}

pub(super) fn id(bits: vst_id) -> Result<Id, vst_status> {
    Id::from_bits(bits).ok_or(VST_E_ARGUMENT)
}

/// What an engine has counted since it was made.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_counters {
    /// In: `sizeof(vst_counters)`.
    pub size: u32,
    /// Pooled buffers that hold bytes in flight now.
    pub buffers_in_use: u32,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections that became sessions.
    pub sessions: u64,
    /// Connections that ended before that.
    pub refused: u64,
    /// Refusals that were counted and not told.
    pub suppressed: u64,
    /// `accept` calls that failed for one connection.
    pub accept_errors: u64,
    /// Times a listener had to rest because the system ran out of something.
    pub starved: u64,
    /// Times a limit turned a connection away or made a listener rest.
    pub limited: u64,
    /// Outgoing connections asked for.
    pub connects: u64,
    /// Outgoing connections that failed before they were open.
    pub connect_failures: u64,
    /// Bytes read and thrown away while closing.
    pub discarded: u64,
    /// Connections of monitors, which neither became sessions nor are counted as refused.
    pub monitored: u64,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_counters {
    const FIRST: usize = 88;
}
const _: () = assert!(size_of::<vst_counters>() == 96);

/// Writes what the engine has counted.
///
/// Legal at any time.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `counters` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_counters(
    engine: *mut vst_engine,
    counters: *mut vst_counters,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_counters = unsafe { ptr::clear_sized(counters) };
    shell::call(no_counters.and(engine), |shell| {
        let core = shell.core()?;
        let counted = core.counters();
        let value = vst_counters {
            size: 0,
            buffers_in_use: u32::try_from(core.buffers_in_use()).unwrap_or(u32::MAX),
            accepted: counted.accepted,
            sessions: counted.sessions,
            refused: counted.refused,
            suppressed: counted.suppressed,
            accept_errors: counted.accept_errors,
            starved: counted.starved,
            limited: counted.limited,
            connects: counted.connects,
            connect_failures: counted.connect_failures,
            discarded: counted.discarded,
            monitored: counted.monitored,
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(counters, &value) })
    })
}
