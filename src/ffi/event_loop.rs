//! The built-in loop, for programs that have no poller. It is a host like any other: it uses the
//! interest callback and the drive calls.

use std::ffi::c_char;

use super::bar;
use super::config_error::ConfigError;
use super::engine::{vst_engine, vst_engine_options};
#[cfg(feature = "loop")]
use super::group::group_of;
#[cfg(feature = "loop")]
use super::life;
use super::options;
use super::panic::{free, guard};
use super::ptr;
use super::seal::Handle;
use super::status::*;
use super::words::hand_out;
#[cfg(feature = "loop")]
use crate::engine::Refusal;
use crate::sys::ErrnoGuard;

/// A loop with an engine in it. It belongs to the thread that runs it; only `vst_loop_stop` may be
/// called from anywhere.
pub struct vst_loop {
    #[cfg(feature = "loop")]
    inner: hosted::Loop,
}

impl Handle for vst_loop {
    const NUMBER: u64 = 2;
}

/// Makes a loop and its engine.
///
/// options is as for vst_engine_new. event must be set; fdset, fdclr, interest, timer, wake and
/// `now_ns` must be 0, since the loop provides these; trigger is ignored. options is not kept; its
/// callbacks, and what its data points to, must stay valid until the loop is freed. `*out` is the
/// loop, or NULL on failure; free it with `vst_loop_free`. `sys_errno`, unless NULL, gets the errno
/// behind VST_E_SYSTEM, else 0. On failure `why`, unless NULL, gets a sentence, cut to `why_size`
/// bytes with its NUL.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (no event, a callback that must be 0, and
/// as `vst_engine_new`); VST_E_LIMIT (4,096 engines exist); VST_E_SYSTEM; VST_E_UNSUPPORTED (the
/// library was built without the loop, see VST_FEATURE_LOOP).
///
/// # Safety
/// `options` points to as many bytes as its `size` says; `out` to a pointer; `sys_errno` is NULL or
/// points to an `int32_t`; `why` is NULL or points to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_loop_new(
    options: *const vst_engine_options,
    out: *mut *mut vst_loop,
    sys_errno: *mut i32,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { ptr::put_if(sys_errno, 0) };
    let make = || {
        // SAFETY: the caller's contract.
        let options = unsafe { options::read(options) }?;
        loop_options(&options)?;
        #[cfg(feature = "loop")]
        {
            let poller = hosted::poller().map_err(|errno| {
                // SAFETY: the caller's contract.
                unsafe { ptr::put_if(sys_errno, errno.0) };
                Refusal::System(errno)
            })?;
            // SAFETY: the caller's contract.
            let group = unsafe { group_of(options.group) }?;
            Ok(vst_loop { inner: hosted::new(&options, poller, group)? })
        }
        #[cfg(not(feature = "loop"))]
        Err(VST_E_UNSUPPORTED.into())
    };
    // SAFETY: the caller's contract.
    unsafe { hand_out(out, why, why_size, make) }
}

/// What the loop does itself, the host leaves to it.
fn loop_options(options: &vst_engine_options) -> Result<(), ConfigError> {
    let own = [
        ("fdset", options.fdset.is_some()),
        ("fdclr", options.fdclr.is_some()),
        ("interest", options.interest.is_some()),
        ("timer", options.timer.is_some()),
        ("wake", options.wake.is_some()),
        ("now_ns", options.now_ns != 0),
    ];
    if let Some((field, _)) = own.iter().find(|(_, given)| *given) {
        return Err(ConfigError::argument(format!("{field}: that is the loop's own")));
    }
    match options.event {
        Some(_) => Ok(()),
        None => Err(ConfigError::argument("event: it is missing, and a loop has no other way")),
    }
}

/// Writes the engine of a loop, to be used with all other functions. It belongs to the loop: do not
/// call `vst_engine_free` with it.
///
/// Legal from any thread; from log, trace, wake and discard it returns VST_E_REENTRANT.
/// Returns VST_OK; VST_E_NULL; VST_E_REENTRANT; VST_E_UNSUPPORTED.
///
/// # Safety
/// `loop` is a loop that is not freed; `engine` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_loop_engine(
    r#loop: *mut vst_loop,
    engine: *mut *mut vst_engine,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(engine, std::ptr::null_mut()) }?;
        // SAFETY: the caller's contract.
        let one = unsafe { ptr::handle(r#loop) }?;
        bar::check()?;
        #[cfg(feature = "loop")]
        {
            // SAFETY: written to a moment ago.
            unsafe { ptr::put(engine, one.inner.engine()) }?;
            Ok(VST_OK)
        }
        #[cfg(not(feature = "loop"))]
        {
            let _ = one;
            Err(VST_E_UNSUPPORTED)
        }
    })
}

/// Runs the loop: with `most_ns` VST_NEVER until `vst_loop_stop` is called or a drain is done, else for
/// one round of waiting and handling.
///
/// `most_ns` is the longest wait of one round, in nanoseconds; with 0 it handles what is ready and
/// does not wait. If `vst_loop_stop` was called before, it returns VST_OK after one round.
/// Legal on the loop's thread, outside callbacks.
/// Returns VST_OK (stopped); VST_WAIT (the round is over); VST_END (a drain is done); VST_E_SYSTEM;
/// VST_E_NULL; VST_E_THREAD; VST_E_REENTRANT; VST_E_PANIC; VST_E_POISONED; VST_E_UNSUPPORTED.
///
/// # Safety
/// `loop` is a loop that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_loop_run(r#loop: *mut vst_loop, most_ns: u64) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        let one = unsafe { ptr::handle(r#loop) }?;
        #[cfg(feature = "loop")]
        return one.inner.run(most_ns);
        #[cfg(not(feature = "loop"))]
        {
            let _ = (one, most_ns);
            Err(VST_E_UNSUPPORTED)
        }
    })
}

/// Makes `vst_loop_run` return VST_OK, now or when it is called next.
///
/// Legal from any thread, any callback and any signal handler.
/// Returns VST_OK; VST_E_NULL; VST_E_SYSTEM; VST_E_UNSUPPORTED.
///
/// # Safety
/// `loop` is a loop that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_loop_stop(r#loop: *mut vst_loop) -> vst_status {
    // No guard: what is called here neither panics nor allocates, and a signal handler may be in
    // the middle of anything, a look at `errno` among it.
    let _errno = ErrnoGuard::new();
    // SAFETY: the caller's contract.
    match unsafe { ptr::handle(r#loop) } {
        #[cfg(feature = "loop")]
        Ok(one) => one.inner.stop(),
        #[cfg(not(feature = "loop"))]
        Ok(_) => VST_E_UNSUPPORTED,
        Err(status) => status,
    }
}

/// Frees a loop and its engine, as `vst_engine_free` does: connections are reset, and no event is
/// reported. NULL does nothing.
///
/// Legal on the loop's thread, outside callbacks; also after VST_E_PANIC.
/// Returns VST_OK; VST_E_REENTRANT and VST_E_THREAD (then nothing happens).
///
/// # Safety
/// `loop` is NULL or a loop that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_loop_free(r#loop: *mut vst_loop) -> vst_status {
    #[cfg(feature = "loop")]
    // SAFETY: the caller's contract.
    if let Ok(Some(one)) = unsafe { ptr::handle_if(r#loop) } {
        // SAFETY: made with the loop, and freed only here.
        let status = unsafe { life::free(one.inner.engine()) };
        if status != VST_OK {
            return status;
        }
    }
    // SAFETY: the caller's contract.
    unsafe { free(r#loop) };
    VST_OK
}

#[cfg(feature = "loop")]
mod hosted {
    use std::ffi::c_void;
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::config_error::ConfigError;
    use super::super::drive::{vst_engine_ready, vst_engine_run, vst_engine_wait};
    use super::super::engine::{self, VST_TRIGGER_EDGE, vst_engine, vst_engine_options};
    use super::super::seal::seal;
    use super::super::status::*;
    use super::super::types::{VST_NEVER, VST_WAIT_NESTED, VST_WAIT_RUNNABLE, vst_id, vst_wait};
    use crate::ctrl::Io;
    use crate::group::EngineGroup;
    use crate::host::Poller;
    use crate::id::Id;
    use crate::sys::{Errno, Fd, monotonic};

    pub(super) struct Loop {
        engine: *mut vst_engine,
        /// Boxed: the engine's interest callback has its address.
        poller: Box<Poller>,
    }

    pub(super) fn poller() -> Result<Poller, Errno> {
        Poller::new().map_err(|error| Errno(error.raw_os_error().unwrap_or_default()))
    }

    pub(super) fn new(
        options: &vst_engine_options,
        poller: Poller,
        group: Option<Arc<EngineGroup>>,
    ) -> Result<Loop, ConfigError> {
        let poller = Box::new(poller);
        let mut options = *options;
        options.trigger = VST_TRIGGER_EDGE;
        options.interest = Some(watch);
        let poller_data = std::ptr::from_ref(&*poller).cast_mut().cast();
        Ok(Loop { engine: seal(engine::new(&options, poller_data, group)?), poller })
    }

    /// The interest callback of the loop's engine.
    unsafe extern "C" fn watch(
        data: *mut c_void,
        fd: i32,
        token: vst_id,
        old: u32,
        new: u32,
        _: *mut c_void,
    ) -> i32 {
        // SAFETY: `data` is the poller, which outlives the engine and is only used as shared.
        let poller = unsafe { data.cast::<Poller>().as_ref() };
        let io = |bits: u32| Io::from_bits_truncate(bits as u8);
        let (Some(poller), Some(token)) = (poller, Id::from_bits(token)) else { return 0 };
        match poller.watch(Fd(fd), token, io(old), io(new)) {
            Ok(()) => 0,
            Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
        }
    }

    impl Loop {
        pub(super) const fn engine(&self) -> *mut vst_engine {
            self.engine
        }

        pub(super) fn stop(&self) -> vst_status {
            if self.poller.wake().is_ok() { VST_OK } else { VST_E_SYSTEM }
        }

        pub(super) fn run(&self, most_ns: u64) -> Result<vst_status, vst_status> {
            let mut wait = vst_wait {
                size: size_of::<vst_wait>() as u32,
                flags: 0,
                deadline_ns: VST_NEVER,
                conns: 0,
                streams: 0,
                listeners: 0,
                _reserved: 0,
            };
            // SAFETY: the engine lives as long as the loop; `wait` is a local of the size it says.
            let status = unsafe { vst_engine_wait(self.engine, &raw mut wait) };
            let mut status = check(status)?;
            if wait.flags & VST_WAIT_NESTED != 0 {
                return Err(VST_E_REENTRANT);
            }
            loop {
                // Before the wait, since nothing would end it.
                // SAFETY: the engine lives as long as the loop.
                if unsafe { &*self.engine }.drained.get() {
                    return Ok(VST_END);
                }
                let most = timeout(&wait, most_ns);
                let ready = self.poller.wait(most).map_err(|_| VST_E_SYSTEM)?;
                let stopped = self.poller.take_stopped();
                let now = monotonic().0;
                for (token, events) in ready {
                    let bits = u32::from(events.bits());
                    // SAFETY: as above.
                    let reported = unsafe {
                        vst_engine_ready(self.engine, token.bits(), bits, now, &raw mut wait)
                    };
                    if reported != VST_E_STALE {
                        status = check(reported)?;
                    }
                    self.poller.dealt_with(token).map_err(|_| VST_E_SYSTEM)?;
                }
                // Only now: an edge that came along is not told again.
                if stopped {
                    return Ok(status);
                }
                if wait.flags & VST_WAIT_RUNNABLE != 0 || wait.deadline_ns <= monotonic().0 {
                    // SAFETY: as above.
                    let ran = unsafe { vst_engine_run(self.engine, now, &raw mut wait) };
                    status = check(ran)?;
                }
                if most_ns != VST_NEVER {
                    return Ok(VST_WAIT);
                }
            }
        }
    }

    const fn check(status: vst_status) -> Result<vst_status, vst_status> {
        if status < 0 { Err(status) } else { Ok(status) }
    }

    /// How long to wait: until the deadline, not at all when there is work, and no longer than
    /// the caller allows.
    fn timeout(wait: &vst_wait, most_ns: u64) -> Option<Duration> {
        let left = if wait.flags & VST_WAIT_RUNNABLE != 0 {
            0
        } else if wait.deadline_ns == VST_NEVER {
            VST_NEVER
        } else {
            wait.deadline_ns.saturating_sub(monotonic().0)
        };
        let left = left.min(most_ns);
        (left != VST_NEVER).then(|| Duration::from_nanos(left))
    }
}
