//! The engine behind its pointer, and what a host decides when it makes one.
//!
//! Every entry makes only a shared reference: callbacks come back in while it lives. The engine
//! itself sits in a `RefCell`, and no borrow of it is alive when a callback runs, so that "no
//! borrow across a callback" is checked, not hoped.

use std::cell::{Cell, RefCell, RefMut};
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::clock::Clock;
use super::config_error::ConfigError;
use super::event::vst_event;
use super::options::{self, options};
use super::panic::install_hook;
use super::posts::{Shared, vst_wake_fn};
use super::ptr::Sized32;
use super::status::*;
use super::told::Told;
use super::types::{VST_NEVER, vst_id};
use crate::cx::Trigger;
use crate::engine::{A_PAIR, Engine, EngineOptions};
use crate::id::{ENGINE_NUMBERS, EngineNumber};

// The socket calls under an engine of C are the kernel's. In the tests of this folder they are
// simulated, so that the boundary itself runs under Miri.
#[cfg(not(test))]
use crate::sys::Kernel as Under;

#[cfg(test)]
use crate::sim::SimNet as Under;

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
pub const VST_ENGINE_BY_FD: u64 = 1 << 16;
/// Streams move all bytes by copying them, whatever `max_pipes` says.
pub const VST_ENGINE_NO_PIPES: u64 = 1 << 17;

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
/// Something happened. Every function may be called from here, but those that are legal outside
/// callbacks only.
pub type vst_event_fn = Option<
    unsafe extern "C" fn(data: *mut c_void, engine: *mut vst_engine, event: *const vst_event),
>;
/// A sentence for the host's log, not NUL-terminated. No function on an engine, a loop or a waker may be
/// called from here: it answers VST_E_REENTRANT.
pub type vst_log_fn =
    Option<unsafe extern "C" fn(data: *mut c_void, text: *const c_char, len: usize)>;
/// What a host decides when it makes an engine. A field that is 0 stands for its default, so that all
/// zero but `size` is the defaults; `vst_engine_options_init` says them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_engine_options {
    /// `sizeof(vst_engine_options)`.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// `VST_ENGINE_*`.
    pub flags: u64,
    /// `VST_TRIGGER_*`.
    pub trigger: u32,
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
    const FIRST: usize = 104;
}
const _: () = assert!(size_of::<vst_engine_options>() == 120);

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

/// What the options say to the core.
fn engine_options(options: &vst_engine_options) -> Result<EngineOptions, ConfigError> {
    let known = VST_ENGINE_BY_FD | VST_ENGINE_NO_PIPES;
    options::check_flags(options.flags, known, options._reserved)?;
    let trigger = match options.trigger {
        VST_TRIGGER_LEVEL => Trigger::Level,
        VST_TRIGGER_EDGE => Trigger::Edge,
        other => return Err(ConfigError::argument(format!("trigger: {other} is none"))),
    };
    let edge = trigger == Trigger::Edge;
    let (fdset, fdclr) = (options.fdset.is_some(), options.fdclr.is_some());
    let interest = options.interest.is_some();
    let too_short = options.max_prefix_bytes < PROXY_LINE_MAX;
    let wrong = [
        (fdset && !fdclr, "fdclr: it is missing, and fdset is there"),
        (fdclr && !fdset, "fdset: it is missing, and fdclr is there"),
        (fdset && interest, "interest: it stands for fdset and fdclr, which are there too"),
        (edge && fdset, "trigger: VST_TRIGGER_EDGE needs interest, since fdset tells no mask"),
        (too_short, "max_prefix_bytes: a line of PROXY version 1 has up to 107, so no less"),
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
        max_prefix_bytes: options.max_prefix_bytes,
        max_pipes: match options.flags & VST_ENGINE_NO_PIPES {
            0 => options.max_pipes,
            _ => 0,
        },
    })
}

/// No thread has driven the engine yet.
pub(super) const UNBOUND: usize = 0;

/// One thread's worth of connections. Made by `vst_engine_new`, freed by `vst_engine_free`, used by
/// the thread of its first drive call only.
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
    /// Events that the outermost call may still tell.
    pub(super) budget: Cell<u32>,
    /// The deadline the timer callback was last told.
    pub(super) told_deadline: Cell<u64>,
    /// What the last pulled event points to.
    pub(super) pulled: RefCell<Option<Box<Told>>>,
    /// What other threads reach the engine through, once somebody asked for it.
    pub(super) waker: RefCell<Option<Arc<Shared>>>,
    pub(super) core: RefCell<Engine<Under>>,
}

/// The calls of a new engine.
#[cfg(not(test))]
const fn net() -> Under {
    crate::sys::Kernel
}

/// The calls of a new engine: those of the thread's world.
#[cfg(test)]
fn net() -> Under {
    super::tests::world().net()
}

/// Makes an engine. `poller_data` is what the poller's callbacks are handed.
pub(super) fn new(
    options: &vst_engine_options,
    poller_data: *mut c_void,
) -> Result<vst_engine, ConfigError> {
    let engine_options = engine_options(options)?;
    let number = ENGINE_NUMBERS.take().ok_or_else(|| {
        ConfigError::from(VST_E_LIMIT).of("engine: as many live as can be told apart by their ids")
    })?;
    install_hook();
    let clock = Clock::new(options.now_ns);
    let core = Engine::new(net(), number.get(), number.base(), engine_options, clock.last());
    Ok(vst_engine {
        owner: AtomicUsize::new(UNBOUND),
        number: RefCell::new(number),
        depth: Cell::new(0),
        bracket: Cell::new(false),
        poisoned: Cell::new(false),
        host: *options,
        poller_data,
        clock,
        budget: Cell::new(0),
        told_deadline: Cell::new(VST_NEVER),
        pulled: RefCell::new(None),
        waker: RefCell::new(None),
        core: RefCell::new(core),
    })
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
}
