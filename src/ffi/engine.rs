//! The engine, as C sees it: made with callbacks, driven with readiness and time, freed.

use std::ffi::{c_char, c_void};

use super::addr::vst_end;
use super::ptr::{self, Sized32};
use super::shell::{self, vst_engine};
use super::status::{self, *};
use crate::ctrl::Io;
use crate::cx::Trigger;
use crate::engine::{EngineOptions, WaitState};
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

/// There is work to do right now: call `vst_engine_run` before waiting.
pub const VST_WAIT_RUNNABLE: u32 = 1;
/// The call was made from inside a callback: the outermost call answers for the engine.
pub const VST_WAIT_NESTED: u32 = 2;
/// No deadline.
pub const VST_NEVER: u64 = u64::MAX;

/// What the host must know to wait well. Every drive call writes it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_wait {
    /// In: `sizeof(vst_wait)`.
    pub size: u32,
    /// `VST_WAIT_*`.
    pub flags: u32,
    /// When to call `vst_engine_run` next if nothing happens: a point of the clock that drive calls
    /// are told, in nanoseconds, or `VST_NEVER`. Possibly too early, never too late.
    pub deadline_ns: u64,
    /// Connections that exist, those that are closing among them.
    pub conns: u32,
    /// Streams that exist.
    pub streams: u32,
    /// Listeners that exist.
    pub listeners: u32,
    /// 0.
    pub _reserved: u32,
}

/// Readiness of one descriptor.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_ready {
    /// The token that came with the interest.
    pub token: vst_id,
    /// `VST_IO_*`.
    pub events: u32,
    /// 0.
    pub _reserved: u32,
}

/// An incoming connection has passed its handshakes: `id` is the session. Read, write, forward or
/// close it now or later.
pub const VST_EVENT_SESSION: u32 = 1;
/// An outgoing connection is open, its handshakes included.
pub const VST_EVENT_CONNECTED: u32 = 2;
/// A read that answered `VST_WAIT` may be tried again, and on a fresh session, the first read. Told
/// once per `VST_WAIT`.
pub const VST_EVENT_READABLE: u32 = 3;
/// A write that answered `VST_WAIT` may be tried again. Told once per `VST_WAIT`.
pub const VST_EVENT_WRITABLE: u32 = 4;
/// An incoming connection ended before it was a session; `end` says how. `id` is stale. Limited per
/// listener and kind, see `refused_per_second`.
pub const VST_EVENT_REFUSED: u32 = 5;
/// A connection has ended, whatever ended it; `end` says how. `id` is stale from here on: the last
/// event about it.
pub const VST_EVENT_CLOSED: u32 = 6;
/// A stream has ended, and its two connections with it; `end` is the client's, `end_server` the
/// server's.
pub const VST_EVENT_STREAM_END: u32 = 7;
/// A listener rests because the system ran out of something (`sys_errno`), or because a limit is
/// reached (0). It goes on by itself.
pub const VST_EVENT_PAUSED: u32 = 8;
/// A listener takes connections again.
pub const VST_EVENT_RESUMED: u32 = 9;
/// A listener is closed; `id` is stale from here on.
pub const VST_EVENT_LISTENER_CLOSED: u32 = 10;
/// Only from `vst_engine_next`, of an engine without interest callbacks: watch `fd` for `new_mask`
/// and hand `id`, its token, back with its readiness.
pub const VST_EVENT_INTEREST: u32 = 11;

/// One thing the host is told. The library's memory, valid until the callback returns, or until the
/// next call on the engine when `vst_engine_next` wrote it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_event {
    /// In, for `vst_engine_next`: `sizeof(vst_event)`.
    pub size: u32,
    /// `VST_EVENT_*`.
    pub kind: u32,
    /// What it is about.
    pub id: vst_id,
    /// The host's own word for that.
    pub user: *mut c_void,
    /// How it ended; NULL unless the kind says so.
    pub end: *const vst_end,
    /// How the server's side of a stream ended; else NULL.
    pub end_server: *const vst_end,
    /// Bytes of a stream that the server took of the client's.
    pub bytes_up: u64,
    /// Bytes of a stream that the client took of the server's.
    pub bytes_down: u64,
    /// The errno behind `VST_EVENT_PAUSED`, or 0.
    pub sys_errno: i32,
    /// The descriptor of `VST_EVENT_INTEREST`, else -1.
    pub fd: i32,
    /// What the descriptor was watched for.
    pub old_mask: u32,
    /// What it is to be watched for.
    pub new_mask: u32,
}

/// Starts watching one direction of a descriptor: `dir` is one of `VST_IO_IN`, `VST_IO_OUT`,
/// `VST_IO_HANGUP`. Calling it again changes nothing.
pub type vst_fdset_fn =
    Option<unsafe extern "C" fn(data: *mut c_void, fd: i32, dir: u32, token: vst_id)>;
/// Stops watching one direction, or, with `VST_IO_RELEASED` in `dir`, forgets the descriptor.
pub type vst_fdclr_fn =
    Option<unsafe extern "C" fn(data: *mut c_void, fd: i32, dir: u32, token: vst_id)>;
/// Watches a descriptor for `new_mask` instead of `old_mask`. 0 is "not now": an epoll host removes
/// the descriptor then, since an empty mask still reports a reset, for ever. `VST_IO_RELEASED` is
/// told once for every descriptor that was ever announced, as the last word about it.
pub type vst_interest_fn = Option<
    unsafe extern "C" fn(data: *mut c_void, fd: i32, token: vst_id, old_mask: u32, new_mask: u32),
>;
/// The next deadline has moved earlier, to `deadline_ns`. It is never told that one moved later:
/// driving too early does no harm.
pub type vst_timer_fn = Option<unsafe extern "C" fn(data: *mut c_void, deadline_ns: u64)>;
/// Something happened. Every function may be called from here, but `vst_engine_free`.
pub type vst_event_fn = Option<
    unsafe extern "C" fn(data: *mut c_void, engine: *mut vst_engine, event: *const vst_event),
>;
/// A sentence for the host's log, not NUL-terminated. No function may be called from here.
pub type vst_log_fn =
    Option<unsafe extern "C" fn(data: *mut c_void, text: *const c_char, len: usize)>;

/// What a host decides when it makes an engine. `vst_engine_options_init` fills in the defaults.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_engine_options {
    /// `sizeof(vst_engine_options)`.
    pub size: u32,
    /// `VST_TRIGGER_*`.
    pub trigger: u32,
    /// `VST_ENGINE_*`.
    pub flags: u32,
    /// The most connections of all kinds; 0 is no bound. Listeners rest while it is reached.
    pub max_conns: u32,
    /// The most incoming connections that are not sessions yet; 0 is no bound. Listeners rest while
    /// it is reached.
    pub max_opening: u32,
    /// TLS handshake steps with asymmetric cryptography per drive call; the others wait a turn.
    /// 0 takes the default, 4.
    pub heavy_per_drive: u32,
    /// Events told per outermost call; what is left makes the engine RUNNABLE. 0 is no bound.
    pub events_per_drive: u32,
    /// 0.
    pub _reserved: u32,
    /// Handed to every callback below. The library neither reads nor frees it.
    pub data: *mut c_void,
    /// The poller, one direction at a time. With `fdclr`, and without `interest`.
    pub fdset: vst_fdset_fn,
    /// See `fdset`.
    pub fdclr: vst_fdclr_fn,
    /// The poller, one call per change. Needed for `VST_TRIGGER_EDGE`. Without any of the three,
    /// interest comes from `vst_engine_next`.
    pub interest: vst_interest_fn,
    /// Optional: hosts that look at `vst_wait` after every drive call need none.
    pub timer: vst_timer_fn,
    /// What happens. Without it events come from `vst_engine_next`.
    pub event: vst_event_fn,
    /// Optional: failures inside the library.
    pub log: vst_log_fn,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_wait {
    const FIRST: usize = 32;
}
// SAFETY: as above.
unsafe impl Sized32 for vst_event {
    const FIRST: usize = 72;
}
// SAFETY: as above; a zero function pointer is None.
unsafe impl Sized32 for vst_engine_options {
    const FIRST: usize = 88;
}
const _: () = assert!(size_of::<vst_wait>() == 32);
const _: () = assert!(size_of::<vst_event>() == 72);
const _: () = assert!(size_of::<vst_engine_options>() == 88);
const _: () = assert!(size_of::<vst_ready>() == 16);

const DEFAULTS: vst_engine_options = vst_engine_options {
    size: 0,
    trigger: VST_TRIGGER_LEVEL,
    flags: 0,
    max_conns: 0,
    max_opening: 0,
    heavy_per_drive: 4,
    events_per_drive: 0,
    _reserved: 0,
    data: std::ptr::null_mut(),
    fdset: None,
    fdclr: None,
    interest: None,
    timer: None,
    event: None,
    log: None,
};

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
    unsafe { ptr::init_sized(options, size, &DEFAULTS) }
}

/// Makes an engine: one thread's worth of descriptors, connections and timers.
///
/// `options` is read and not kept; what its pointers point to stays the host's and must outlive the
/// engine. `*out` is the engine, or NULL on failure; free it with `vst_engine_free`. It belongs to
/// the thread of its first drive call. Engines share nothing but configurations.
/// Legal at any time, from any thread, in any callback of another engine.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or trigger, `fdset` without
/// `fdclr`, edges without `interest`); VST_E_LIMIT (4,096 engines live).
///
/// # Safety
/// `options` points to as many bytes as its `size` says; `out` to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_new(
    options: *const vst_engine_options,
    out: *mut *mut vst_engine,
) -> vst_status {
    super::guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(out, std::ptr::null_mut()) }?;
        // SAFETY: the caller's contract.
        let options = unsafe { ptr::read_sized(options) }?;
        let engine = Box::into_raw(shell::new(&options, options.data)?);
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(out, engine) }?;
        Ok(VST_OK)
    })
}

pub(super) fn engine_options(options: &vst_engine_options) -> Result<EngineOptions, vst_status> {
    let trigger = match options.trigger {
        VST_TRIGGER_LEVEL => Trigger::Level,
        VST_TRIGGER_EDGE => Trigger::Edge,
        _ => return Err(VST_E_ARGUMENT),
    };
    let unpaired = options.fdset.is_some() != options.fdclr.is_some();
    let blind_edge =
        trigger == Trigger::Edge && options.interest.is_none() && options.fdset.is_some();
    let unknown = options.flags & !VST_ENGINE_BY_FD != 0 || options._reserved != 0;
    if unpaired || blind_edge || unknown {
        return Err(VST_E_ARGUMENT);
    }
    Ok(EngineOptions {
        trigger,
        by_fd: options.flags & VST_ENGINE_BY_FD != 0,
        max_conns: options.max_conns,
        max_opening: options.max_opening,
        heavy_per_drive: match options.heavy_per_drive {
            0 => DEFAULTS.heavy_per_drive,
            n => n,
        },
    })
}

/// Frees an engine at any moment outside a callback: connections are reset, descriptors released
/// and closed; the interest callback is told RELEASED, no event is told. NULL is fine.
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

fn io(events: u32) -> Result<Io, vst_status> {
    let bits = u8::try_from(events).map_err(|_| VST_E_ARGUMENT)?;
    Io::from_bits(bits).filter(|io| Io::TOLD.contains(*io)).ok_or(VST_E_ARGUMENT)
}

pub(super) fn id(bits: vst_id) -> Result<Id, vst_status> {
    Id::from_bits(bits).ok_or(VST_E_ARGUMENT)
}

pub(super) fn wait_of(state: &WaitState, nested: bool, more: bool) -> vst_wait {
    let mut flags = 0;
    if state.runnable || more {
        flags |= VST_WAIT_RUNNABLE;
    }
    if nested {
        flags |= VST_WAIT_NESTED;
    }
    vst_wait {
        size: 0,
        flags,
        deadline_ns: state.deadline.map_or(VST_NEVER, |deadline| deadline.0),
        conns: state.conns,
        streams: state.streams,
        listeners: state.listeners,
        _reserved: 0,
    }
}

/// Tells that one descriptor is ready.
///
/// `token` came with its interest; `events` is a mask of VST_IO_IN, OUT, HANGUP, ERROR. `now_ns` is
/// the host's monotonic clock in nanoseconds, 0 to have CLOCK_MONOTONIC read; one engine must always
/// be told the same clock. `wait` is written unless NULL. Callbacks run before this returns.
/// Legal at any time, also from the event callback (then it is nested).
/// Returns VST_OK; VST_E_STALE, VST_E_KIND, VST_E_ENGINE (then nothing happens: a late readiness
/// does no harm); VST_E_ARGUMENT; VST_E_NULL; VST_E_THREAD; VST_E_PANIC; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `wait` is NULL or points to as many bytes as its `size`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_ready(
    engine: *mut vst_engine,
    token: vst_id,
    events: u32,
    now_ns: u64,
    wait: *mut vst_wait,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    shell::drive(engine, |shell| {
        let (token, events) = (id(token)?, io(events)?);
        shell.begin_at(now_ns)?;
        shell.core()?.on_ready(token, events).map_err(status::of)
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Tells that descriptors are ready, in the order of `list`. Callbacks run after each; interest
/// changes are told after the last. A stale token in the list is passed over.
///
/// Otherwise as `vst_engine_ready`. `list` points to `count` entries, read only during the call.
/// Returns as `vst_engine_ready`, without VST_E_STALE.
///
/// # Safety
/// As `vst_engine_ready`; `list` points to `count` entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_ready_batch(
    engine: *mut vst_engine,
    list: *const vst_ready,
    count: usize,
    now_ns: u64,
    wait: *mut vst_wait,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let list = unsafe { ptr::items(list, count) };
    shell::drive(engine, |shell| {
        shell.begin_at(now_ns)?;
        for ready in list? {
            if ready._reserved != 0 {
                return Err(VST_E_ARGUMENT);
            }
            let (token, events) = (id(ready.token)?, io(ready.events)?);
            let told = shell.core()?.on_ready(token, events).map_err(status::of);
            match told {
                Ok(()) | Err(VST_E_STALE) => shell.tell_events()?,
                Err(status) => return Err(status),
            }
        }
        Ok(())
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Tells that a descriptor is ready, by its number, for hosts that know no tokens. Such a host calls
/// `vst_engine_batch_begin` before it goes through the results of one poll and
/// `vst_engine_batch_end` after, so that no number is closed, and used again, in between.
///
/// Otherwise as `vst_engine_ready`. The engine must be made with VST_ENGINE_BY_FD.
/// Returns as `vst_engine_ready`; VST_E_MODE.
///
/// # Safety
/// As `vst_engine_ready`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_ready_fd(
    engine: *mut vst_engine,
    fd: i32,
    events: u32,
    now_ns: u64,
    wait: *mut vst_wait,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    shell::drive(engine, |shell| {
        let events = io(events)?;
        shell.begin_at(now_ns)?;
        shell.core()?.on_ready_fd(crate::sys::Fd(fd), events).map_err(status::of)
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Does what is due by time and what is RUNNABLE. Call it when the deadline of `vst_wait` has come
/// and whenever VST_WAIT_RUNNABLE is set; at other times it does no harm.
///
/// Otherwise as `vst_engine_ready`.
/// Returns VST_OK; VST_E_NULL; VST_E_THREAD; VST_E_PANIC; VST_E_POISONED.
///
/// # Safety
/// As `vst_engine_ready`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_run(
    engine: *mut vst_engine,
    now_ns: u64,
    wait: *mut vst_wait,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    shell::drive(engine, |shell| {
        shell.begin_at(now_ns)?;
        shell.core()?.on_deadline();
        shell.core()?.on_turn();
        shell.ran();
        Ok(())
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Writes what the host must know to wait well, as every drive call does.
///
/// Legal at any time; from a callback it says VST_WAIT_NESTED.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// As `vst_engine_ready`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_wait(
    engine: *mut vst_engine,
    wait: *mut vst_wait,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    if wait.is_null() {
        return VST_E_NULL;
    }
    shell::drive(engine, |_| Ok(()))
        // SAFETY: the caller's contract.
        .finish(|value| unsafe { put_wait(wait, value) })
}

/// Holds back interest changes and the closing of descriptors until `vst_engine_batch_end`.
///
/// Legal outside callbacks.
/// Returns VST_OK; VST_E_STATE (begun already); VST_E_REENTRANT; VST_E_NULL; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_batch_begin(engine: *mut vst_engine) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    shell::call(engine, |shell| shell.bracket(true))
}

/// Ends what `vst_engine_batch_begin` began: interest changes are told and descriptors closed.
///
/// Legal outside callbacks.
/// Returns VST_OK; VST_E_STATE (none begun); VST_E_REENTRANT; VST_E_NULL; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_batch_end(engine: *mut vst_engine) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    shell::call(engine, |shell| shell.bracket(false))
}

/// Writes the next event, for an engine made without an event callback; without interest callbacks
/// too, interest changes come the same way. What `event` points to is valid until the next call on
/// the engine.
///
/// Legal outside callbacks.
/// Returns VST_OK; VST_NONE (no further event); VST_E_MODE (there is an event callback); VST_E_NULL;
/// VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `event` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_next(
    engine: *mut vst_engine,
    event: *mut vst_event,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    if event.is_null() {
        return VST_E_NULL;
    }
    shell::call(engine, |shell| match shell.pull()? {
        // SAFETY: the caller's contract.
        Some(value) => Ok(unsafe { ptr::write_sized(event, &value) }),
        None => Ok(VST_NONE),
    })
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
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_counters {
    const FIRST: usize = 88;
}
const _: () = assert!(size_of::<vst_counters>() == 88);

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
    shell::call(engine, |shell| {
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
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(counters, &value) })
    })
}

/// Writes the wait state where the host asked for it.
///
/// # Safety
/// `wait` is NULL or points to as many bytes as its `size` says.
unsafe fn put_wait(wait: *mut vst_wait, value: &vst_wait) -> vst_status {
    if wait.is_null() {
        return VST_OK;
    }
    // SAFETY: the caller's contract.
    unsafe { ptr::write_sized(wait, value) }
}
