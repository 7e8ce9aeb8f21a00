//! The engine behind its pointer, and what a host decides when it makes one.
//!
//! Every entry makes only a shared reference: callbacks come back in while it lives. The engine
//! itself sits in a `RefCell`, and no borrow of it is alive when a callback runs, so that "no
//! borrow across a callback" is checked, not hoped.

use std::cell::{Cell, RefCell, RefMut};
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::checker::Checker;
use super::clock::Clock;
use super::config_error::{ConfigError, named};
use super::event::vst_event;
use super::event_value::EventDetails;
use super::fed_ask::vst_fed_ask;
use super::group::vst_group;
use super::options::{self, options};
use super::panic::install_hook;
use super::posts::{Shared, vst_wake_fn};
use super::ptr::Sized32;
use super::seal::Handle;
use super::status::*;
use super::token_users::TokenUsers;
use super::trace_options::{EngineTrace, categories_of, vst_trace_fn};
use super::types::{VST_NEVER, vst_id};
use crate::cx::Trigger;
use crate::engine::{A_PAIR, Engine, EngineOptions, FED_WINDOW};
use crate::group::EngineGroup;
use crate::id::{ENGINE_NUMBERS, EngineNumber};

// The socket calls under an engine of C are the kernel's. In the tests of this folder, which Miri runs,
// and in the fuzz target that calls all of C, they are simulated.
#[cfg(not(any(test, simulated)))]
pub(super) use crate::sys::Kernel as Under;

#[cfg(any(test, simulated))]
pub(super) use crate::sim::SimNet as Under;

/// Bytes, incoming connections or the end of the stream can be read (EPOLLIN, POLLIN).
pub const VST_IO_IN: u32 = 1;
/// Bytes can be written, or a connect has ended (EPOLLOUT, POLLOUT).
pub const VST_IO_OUT: u32 = 2;
/// The peer has ended its sending side: EPOLLRDHUP, POLLRDHUP. A poller that has no such event
/// watches nothing for it and never hands it in.
pub const VST_IO_HANGUP: u32 = 4;
/// An error, or the end of both directions: EPOLLERR, EPOLLHUP, POLLERR, POLLHUP. Not POLLNVAL,
/// which says that the number is not an open descriptor: hand nothing in for that. The host hands
/// this bit in; no mask of the library has it, since pollers report it without being asked.
pub const VST_IO_ERROR: u32 = 8;
/// In a mask from the library: this mask does not change until the descriptor is released, so the
/// descriptor may be registered edge-triggered. Only an engine made with `VST_TRIGGER_EDGE` sets
/// it, and only for connections: listeners and the descriptor of the wakers are level-triggered
/// always.
pub const VST_IO_EDGE: u32 = 16;
/// In a mask or dir from the library: the host stops watching the descriptor and forgets its token.
/// The library says nothing about this descriptor afterwards.
pub const VST_IO_RELEASED: u32 = 32;
/// Comes with `VST_IO_RELEASED`: the library closes the descriptor next, so a host that uses epoll
/// may leave out `EPOLL_CTL_DEL`. VST_IO_RELEASED without VST_IO_CLOSING comes only from
/// `vst_conn_take_fd`, where the descriptor stays open and belongs to the host, and for a descriptor
/// that an agent passes to a client, where it stays open in another process: the host removes it from
/// its poller.
pub const VST_IO_CLOSING: u32 = 64;

/// The host's poller reports readiness again and again while it lasts (epoll without `EPOLLET`,
/// poll, select, kqueue, libevent, libuv).
pub const VST_TRIGGER_LEVEL: u32 = 0;
/// The host's poller reports each change once, for descriptors whose mask has VST_IO_EDGE. Then
/// every event must be handed in.
pub const VST_TRIGGER_EDGE: u32 = 1;

/// Readiness may be handed in by descriptor number, with `vst_engine_ready_fd`, as well as by
/// token.
pub const VST_ENGINE_BY_FD: u64 = 1 << 16;
/// Streams move all bytes by copying them, whatever `max_pipes` says.
pub const VST_ENGINE_NO_PIPES: u64 = 1 << 17;
/// The library checks whether the host keeps its contract, and names what breaks it in log, which must
/// be set: a descriptor that is not watched, a release that is ignored, a clock that is another, and
/// so on, each kind at most once a second of the engine's time and with what to do. Needs no other
/// change; docs/host-contract.md lists the sentences. It looks at every announced descriptor once a
/// second, and costs a few system calls for each call: it is for development and tests. In the child
/// of a fork calls return VST_E_THREAD.
pub const VST_ENGINE_CHECKED: u64 = 1 << 60;

/// Starts watching one direction of a descriptor: `dir` is one of `VST_IO_IN`, `VST_IO_OUT`,
/// `VST_IO_HANGUP`. `token` is handed back with the readiness (`vst_engine_ready`). `data` is that
/// of the options, user the host's pointer for this descriptor (`vst_token_set_user`), at first NULL.
///
/// Returns 0, or the errno because of which the direction is not watched, as vst_interest_fn does.
/// Directions of the descriptor that are watched already stay watched.
pub type vst_fdset_fn = Option<
    unsafe extern "C" fn(
        data: *mut c_void,
        fd: i32,
        dir: u32,
        token: vst_id,
        user: *mut c_void,
    ) -> i32,
>;
/// Stops watching. `user` is the host's pointer for this descriptor. `dir` is one direction, `VST_IO_IN`,
/// `VST_IO_OUT` or `VST_IO_HANGUP`; or it has `VST_IO_RELEASED`, alone or with `VST_IO_CLOSING`.
///
/// VST_IO_RELEASED comes once for a descriptor, in one call for all directions: directions that are
/// still watched are not cleared one by one before, and there may be none. The host then stops
/// watching the descriptor in every direction, and forgets the token.
pub type vst_fdclr_fn = Option<
    unsafe extern "C" fn(data: *mut c_void, fd: i32, dir: u32, token: vst_id, user: *mut c_void),
>;
/// Watches a descriptor for `new_mask` instead of `old_mask`, both masks of VST_IO_*. `token` is
/// handed back with the readiness (`vst_engine_ready`). `data` is that of the options, user the
/// host's pointer for this descriptor (`vst_token_set_user`), at first NULL.
///
/// A `new_mask` of 0 means that nothing is to be watched now; it may change again. A host that uses
/// epoll removes the descriptor then, since epoll reports errors and resets also for an empty mask,
/// again and again. `new_mask` has VST_IO_RELEASED once for every descriptor that was announced
/// before, and nothing about it follows; `old_mask` may be 0 then.
///
/// Returns 0, or the errno because of which the descriptor is not watched for `new_mask`: ENOSPC of
/// epoll_ctl, EMFILE where a set is full. A connection then ends, with this errno in its end, and a
/// listener is paused and tries again (VST_EVENT_PAUSED). The descriptor counts as watched for
/// `old_mask`; when the first call about it fails, no call about it follows, and none with
/// VST_IO_RELEASED. What is returned for VST_IO_RELEASED is not looked at.
pub type vst_interest_fn = Option<
    unsafe extern "C" fn(
        data: *mut c_void,
        fd: i32,
        token: vst_id,
        old_mask: u32,
        new_mask: u32,
        user: *mut c_void,
    ) -> i32,
>;
/// The next deadline is `deadline_ns`, a point of the engine's clock in nanoseconds: call
/// `vst_engine_run` then. Called when the deadline is earlier than that of the last call, and again
/// after each `vst_engine_run`; not when a deadline moved later, since a `vst_engine_run` too early
/// does no harm. An engine that is RUNNABLE has the present time as its deadline here, so that a host
/// with this callback and vst_engine_run need not look at vst_wait.
///
/// `deadline_ns` may be a time that has passed, and then is due at once. 0 is such a time too,
/// possible with a clock of the host's own; it never means that there is no deadline. A timerfd
/// takes a time of 0 as disarmed: set it to 1 ns instead. data is that of the options.
pub type vst_timer_fn = Option<unsafe extern "C" fn(data: *mut c_void, deadline_ns: u64)>;
/// An event. event and what it points to are valid until the callback returns. data is that of the
/// options. Which functions may be called from here: see Callbacks at the top of this header.
pub type vst_event_fn = Option<
    unsafe extern "C" fn(data: *mut c_void, engine: *mut vst_engine, event: *const vst_event),
>;
/// An ask of a fed connection. `ask` is valid until the callback returns. The callback may make any
/// call on the engine, reports among them. `data` is that of the engine's options.
pub type vst_fed_fn = Option<
    unsafe extern "C" fn(data: *mut c_void, engine: *mut vst_engine, ask: *const vst_fed_ask),
>;
/// A sentence for the host's log: `len` bytes at `text` in UTF-8, without a NUL at the end, valid
/// until the callback returns. data is that of the options. No function on an engine, a loop or a
/// waker may be called from here: it returns VST_E_REENTRANT.
pub type vst_log_fn =
    Option<unsafe extern "C" fn(data: *mut c_void, text: *const c_char, len: usize)>;
/// The options of an engine. A field that is 0 stands for its default, so that all zero but size is
/// the defaults; `vst_engine_options_init` writes them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_engine_options {
    /// `sizeof(vst_engine_options)`. Not less than 104 bytes.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// `VST_ENGINE_*`.
    pub flags: u64,
    /// `VST_TRIGGER_*`.
    pub trigger: u32,
    /// The most connections of all kinds. Listeners accept nothing while it is reached. Default
    /// UINT32_MAX: no bound.
    pub max_conns: u32,
    /// The most incoming connections that are not sessions yet. Listeners accept nothing while it
    /// is reached. Default UINT32_MAX: no bound.
    pub max_opening: u32,
    /// The most TLS handshake steps with asymmetric cryptography in one drive call; further ones
    /// wait for the next `vst_engine_run`, and the engine is RUNNABLE. Default 4; UINT32_MAX is no
    /// bound.
    pub heavy_per_drive: u32,
    /// The most events that one outermost call reports; those that are left make the engine
    /// RUNNABLE. Default UINT32_MAX: no bound.
    pub events_per_drive: u32,
    /// Descriptors of the process (below RLIMIT_NOFILE) that are kept free for clients and the
    /// servers of their streams. A listener accepts a client only while so many are free, as far as
    /// the engine knows, and is paused otherwise (VST_EVENT_PAUSED, EMFILE). Pipes, and connections
    /// that are not part of a stream when they begin, take none of them: such a connect ends with
    /// `VST_WHY_LOCAL_LIMIT`. Default 2, which is a client and its server; UINT32_MAX keeps none.
    pub reserve_fds: u32,
    /// The longest PROXY header that is accepted, in bytes: 107, the longest line of version 1, or
    /// more. A connection with a longer one is refused with VST_WHY_TOO_LARGE. Default UINT32_MAX:
    /// all that the protocol allows.
    pub max_proxy_header_bytes: u32,
    /// The most pipes through which streams without TLS move bytes in bulk (splice), two
    /// descriptors each. Default 64. With VST_ENGINE_NO_PIPES all bytes are copied.
    pub max_pipes: u32,
    /// Handed to every callback below. The library neither reads nor frees it.
    pub data: *mut c_void,
    /// Interest callback, one direction per call. Needs `fdclr`, and excludes `interest` and
    /// `VST_TRIGGER_EDGE`.
    pub fdset: vst_fdset_fn,
    /// Interest callback for the end of watching. Needs `fdset`.
    pub fdclr: vst_fdclr_fn,
    /// Interest callback, one call per change of a descriptor. Excludes `fdset` and `fdclr`. An
    /// engine that has none of the three reports VST_EVENT_INTEREST through vst_engine_next.
    pub interest: vst_interest_fn,
    /// Optional: a host that reads `vst_wait` after every drive call does not need it.
    pub timer: vst_timer_fn,
    /// Event callback. An engine without it reports its events through vst_engine_next.
    pub event: vst_event_fn,
    /// Optional: called with a sentence about an internal failure of the library, about a jump of a
    /// clock of the host's own, or about what VST_ENGINE_CHECKED has found.
    pub log: vst_log_fn,
    /// Optional: called by `vst_waker_post` so that the host wakes the engine's thread. Without it
    /// the library opens a descriptor for that, which the host's poller watches like any other.
    pub wake: vst_wake_fn,
    /// 0: the clock is CLOCK_MONOTONIC. Else the present time of a clock of the host's own, in
    /// nanoseconds; every drive call is then given the time of that clock, which is never 0. When
    /// the clock goes back, the engine's time stands still until the clock has caught up; a jump by
    /// more than an hour is reported to log.
    pub now_ns: u64,
    /// Optional: called with what fed connections ask (vst_conn_feed, VST_CONNECT_FED). Without it the
    /// host calls vst_fed_next.
    pub fed: vst_fed_fn,
    /// The most bytes that a fed connection holds of those that the host has reported as received.
    /// Default 65,536.
    pub fed_inbox_bytes: u32,
    /// The most bytes that a fed connection without TLS holds of those that the host has not reported as
    /// sent. With TLS it holds at most 68 KiB, whatever this says. Default 65,536.
    pub fed_outbox_bytes: u32,
    /// Optional: called with each line of the trace.
    pub trace: vst_trace_fn,
    /// What is traced from the beginning: a mask of `VST_TRACE_*`, which needs trace. See
    /// vst_engine_trace.
    pub trace_categories: u32,
    /// 0.
    pub _reserved2: u32,
    /// Optional: the group that the engine is a member of until it is freed (vst_group_new). The engine
    /// keeps it. Without wake the host's poller watches one more descriptor from the beginning, as for a
    /// waker.
    pub group: *mut vst_group,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero: a zero function
// pointer is None.
unsafe impl Sized32 for vst_engine_options {
    const FIRST: usize = 104;
}
const _: () = assert!(size_of::<vst_engine_options>() == 160);

/// The longest line of PROXY version 1, in bytes (the specification's section 2.1).
const PROXY_LINE_MAX: u32 = 107;

const DEFAULTS: vst_engine_options = vst_engine_options {
    size: 0,
    _reserved: 0,
    flags: 0,
    trigger: VST_TRIGGER_LEVEL,
    max_conns: u32::MAX,
    max_opening: u32::MAX,
    heavy_per_drive: 4,
    events_per_drive: u32::MAX,
    reserve_fds: A_PAIR,
    max_proxy_header_bytes: u32::MAX,
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
    fed: None,
    fed_inbox_bytes: FED_WINDOW,
    fed_outbox_bytes: FED_WINDOW,
    trace: None,
    trace_categories: 0,
    _reserved2: 0,
    group: std::ptr::null_mut(),
};
options!(vst_engine_options {
    max_conns,
    max_opening,
    heavy_per_drive,
    events_per_drive,
    reserve_fds,
    max_proxy_header_bytes,
    max_pipes,
    fed_inbox_bytes,
    fed_outbox_bytes,
} DEFAULTS);

/// Fills `options` with the defaults. `size` is `sizeof(vst_engine_options)`.
///
/// Legal from any thread and any callback.
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

/// What the options say to the core.
fn engine_options(options: &vst_engine_options) -> Result<EngineOptions, ConfigError> {
    let known = VST_ENGINE_BY_FD | VST_ENGINE_NO_PIPES | VST_ENGINE_CHECKED;
    options::check_flags(options.flags, known, options._reserved)?;
    let trigger = match options.trigger {
        VST_TRIGGER_LEVEL => Trigger::Level,
        VST_TRIGGER_EDGE => Trigger::Edge,
        other => return Err(ConfigError::argument(format!("trigger: {other} is none"))),
    };
    let edge = trigger == Trigger::Edge;
    let (fdset, fdclr) = (options.fdset.is_some(), options.fdclr.is_some());
    let interest = options.interest.is_some();
    let no_log = options.flags & VST_ENGINE_CHECKED != 0 && options.log.is_none();
    let too_short = options.max_proxy_header_bytes < PROXY_LINE_MAX;
    let wrong = [
        (fdset && !fdclr, "fdclr: it is missing, and fdset is there"),
        (fdclr && !fdset, "fdset: it is missing, and fdclr is there"),
        (fdset && interest, "interest: it stands for fdset and fdclr, which are there too"),
        (edge && fdset, "trigger: VST_TRIGGER_EDGE needs interest, since fdset tells no mask"),
        (
            options.trace.is_none() && options.trace_categories != 0,
            "trace: it is missing, and trace_categories is not 0",
        ),
        (options._reserved2 != 0, "_reserved2: it is not 0"),
        (no_log, "log: it is missing, and VST_ENGINE_CHECKED reports there"),
        (too_short, "max_proxy_header_bytes: a line of PROXY version 1 has up to 107, so no less"),
    ];
    if let Some((_, sentence)) = wrong.iter().find(|(is, _)| *is) {
        return Err(ConfigError::argument(*sentence));
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
        max_proxy_header_bytes: options.max_proxy_header_bytes,
        max_pipes: match options.flags & VST_ENGINE_NO_PIPES {
            0 => options.max_pipes,
            _ => 0,
        },
        fed_inbox_bytes: options.fed_inbox_bytes,
        fed_outbox_bytes: options.fed_outbox_bytes,
    })
}

/// No thread has driven the engine yet.
pub(super) const UNBOUND: usize = 0;

/// The connections, listeners, streams, backends and timers of one thread. Made by
/// `vst_engine_new`, freed by `vst_engine_free`; from its first drive call on used only by the
/// thread of that call.
#[allow(non_camel_case_types)]
pub struct vst_engine {
    pub(super) owner: AtomicUsize,
    pub(super) number: RefCell<EngineNumber>,
    pub(super) depth: Cell<u32>,
    pub(super) bracket: Cell<bool>,
    pub(super) poisoned: Cell<bool>,
    pub(super) host: vst_engine_options,
    /// The host's, or the built-in loop's.
    pub(super) poller_data: *mut c_void,
    pub(super) clock: Clock,
    /// What is noted of a host that is checked.
    pub(super) checker: Option<Box<Checker>>,
    /// Events that the outermost call may still tell.
    pub(super) budget: Cell<u32>,
    /// The deadline the timer callback was last told.
    pub(super) reported_deadline: Cell<u64>,
    /// What the last pulled event points to.
    pub(super) pulled: RefCell<Option<EventDetails>>,
    /// What other threads reach the engine through, once somebody asked for it.
    pub(super) waker: RefCell<Option<Arc<Shared>>>,
    /// Whether the host is to be told that another thread has woken it.
    pub(super) woken: Cell<bool>,
    /// Whether the host was told that a drain is done.
    pub(super) drained: Cell<bool>,
    /// The host's pointers for descriptors.
    pub(super) token_users: RefCell<TokenUsers>,
    pub(super) trace: EngineTrace,
    pub(super) core: RefCell<Engine<Under>>,
}

impl Handle for vst_engine {
    const NUMBER: u64 = 1;
}

/// The calls of a new engine.
#[cfg(not(any(test, simulated)))]
const fn net() -> Under {
    crate::sys::Kernel
}

/// The calls of a new engine: those of the thread's world.
#[cfg(any(test, simulated))]
fn net() -> Under {
    super::world::world().net()
}

/// Makes an engine. `poller_data` is what the poller's callbacks are handed.
pub(super) fn new(
    options: &vst_engine_options,
    poller_data: *mut c_void,
    group: Option<Arc<EngineGroup>>,
) -> Result<vst_engine, ConfigError> {
    let traced = categories_of(options.trace_categories)
        .map_err(|_| ConfigError::argument("trace_categories: an unknown one"))?;
    let engine_options = engine_options(options)?;
    let number = ENGINE_NUMBERS.take().ok_or_else(|| {
        ConfigError::from(VST_E_LIMIT).of("engine: as many live as can be told apart by their ids")
    })?;
    install_hook();
    let clock = Clock::new(options.now_ns);
    let mut core = Engine::new(net(), number.get(), number.base(), engine_options, clock.last());
    core.trace(traced);
    let is_checked = options.flags & VST_ENGINE_CHECKED != 0;
    let is_own_clock = options.now_ns != 0;
    let shell = vst_engine {
        checker: is_checked.then(|| Checker::new(clock.last(), is_own_clock)),
        owner: AtomicUsize::new(UNBOUND),
        number: RefCell::new(number),
        depth: Cell::new(0),
        bracket: Cell::new(false),
        poisoned: Cell::new(false),
        host: *options,
        poller_data,
        clock,
        budget: Cell::new(0),
        reported_deadline: Cell::new(VST_NEVER),
        pulled: RefCell::new(None),
        waker: RefCell::new(None),
        woken: Cell::new(false),
        drained: Cell::new(false),
        token_users: RefCell::default(),
        trace: EngineTrace::new(traced),
        core: RefCell::new(core),
    };
    if let Some(group) = group {
        named("group: it cannot be woken", shell.join_group(group))?;
    }
    Ok(shell)
}

impl vst_engine {
    /// The engine. No callback may run while the borrow lives.
    pub(super) fn core(&self) -> Result<RefMut<'_, Engine<Under>>, vst_status> {
        self.core.try_borrow_mut().map_err(|_| VST_E_REENTRANT)
    }

    /// Whether interest changes come from `vst_engine_next`.
    pub(super) const fn pulls_interest(&self) -> bool {
        self.host.interest.is_none() && self.host.fdset.is_none()
    }

    /// Whether the host asks for events and interest. One with an event callback has no way to ask for
    /// interest.
    pub(super) const fn pulls_all(&self) -> bool {
        self.pulls_interest() && self.host.event.is_none()
    }
}
