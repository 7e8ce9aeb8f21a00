//! How a call from C enters: on the engine's own thread, with panics caught, and what there is to tell
//! told when the outermost call ends.

use std::ffi::c_char;
use std::fmt::Write;
use std::sync::atomic::Ordering;

use super::bar;
use super::config_error::ConfigError;
use super::engine::{UNBOUND, Under, vst_engine};
use super::panic::{guard, take_text};
use super::posts::{Post, Shared};
use super::status::*;
use super::types::{vst_wait, wait_of};
use super::words::explained;
use crate::engine::{Engine, WaitState};
use crate::sys::thread_token;
use crate::trace::TraceKind;

/// What a drive call came to.
pub(super) struct DriveOutcome {
    status: vst_status,
    wait: vst_wait,
}

impl DriveOutcome {
    /// Writes the wait state and answers.
    pub(super) fn finish(self, put: impl FnOnce(&vst_wait) -> vst_status) -> vst_status {
        match put(&self.wait) {
            VST_OK => self.status,
            status => status,
        }
    }
}

/// Runs `f` as a drive call: it may be the first, which binds the engine to the thread.
pub(super) fn drive(
    engine: Result<&vst_engine, vst_status>,
    f: impl FnOnce(&vst_engine) -> Result<(), vst_status>,
) -> DriveOutcome {
    let nothing = WaitState { deadline: None, runnable: false, conns: 0, streams: 0, listeners: 0 };
    let mut wait = wait_of(&nothing, false, false);
    let status = enter(engine, true, name_of(&f), |shell| {
        f(shell)?;
        Ok(VST_OK)
    });
    if let Ok(shell) = engine
        && bar::check().and_then(|()| shell.check_owner(true)).is_ok()
        && let Ok(core) = shell.core.try_borrow()
    {
        let state = core.wait_state();
        wait = wait_of(&state, shell.depth.get() > 0, shell.has_more(&core));
        drop(core);
        shell.check_driven(status, &state);
    }
    DriveOutcome { status, wait }
}

/// Runs `f` as any other call.
pub(super) fn call(
    engine: Result<&vst_engine, vst_status>,
    f: impl FnOnce(&vst_engine) -> Result<vst_status, vst_status>,
) -> vst_status {
    let name = name_of(&f);
    enter(engine, false, name, f)
}

/// The name of the code that is to run, for the trace.
fn name_of<F>(_: &F) -> fn() -> &'static str {
    std::any::type_name::<F>
}

fn enter(
    engine: Result<&vst_engine, vst_status>,
    drives: bool,
    name: fn() -> &'static str,
    f: impl FnOnce(&vst_engine) -> Result<vst_status, vst_status>,
) -> vst_status {
    let shell = match engine {
        Ok(shell) => shell,
        Err(status) => return status,
    };
    if let Err(status) = bar::check().and_then(|()| shell.check_owner(drives)) {
        return status;
    }
    if shell.poisoned.get() {
        return VST_E_POISONED;
    }
    let depth = shell.depth.get();
    shell.depth.set(depth + 1);
    let status = guard(|| {
        if depth > 0 {
            return shell.traced(name, f);
        }
        shell.begin(drives)?;
        let status = shell.traced(name, f);
        let drained = shell.drain();
        shell.deliver_trace();
        drained.and(status)
    });
    if status == VST_E_PANIC {
        // Still inside: the log callback may not free the engine.
        shell.poison();
    }
    shell.depth.set(depth);
    status
}

/// Runs `f` on the engine, as `call` does, and writes why it failed.
///
/// # Safety
/// `why` is NULL or points to `why_size` writable bytes.
pub(super) unsafe fn asked(
    engine: Result<&vst_engine, ConfigError>,
    why: *mut c_char,
    why_size: usize,
    f: impl FnOnce(&vst_engine) -> Result<vst_status, ConfigError>,
) -> vst_status {
    let name = name_of(&f);
    let call = |report: &mut dyn FnMut(ConfigError) -> vst_status| match engine {
        Ok(engine) => enter(Ok(engine), false, name, |shell| f(shell).map_err(report)),
        Err(unusable) => report(unusable),
    };
    // SAFETY: the caller's contract.
    unsafe { explained(why, why_size, call) }
}

impl vst_engine {
    /// Whether this thread may use the engine. The first drive call decides which one does.
    #[inline]
    pub(super) fn check_owner(&self, drives: bool) -> Result<(), vst_status> {
        let me = thread_token();
        let owner = if drives {
            match self.owner.compare_exchange(UNBOUND, me, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => me,
                Err(owner) => owner,
            }
        } else {
            self.owner.load(Ordering::Acquire)
        };
        if owner == me || owner == UNBOUND { self.check_process() } else { Err(VST_E_THREAD) }
    }

    /// An outermost call begins.
    fn begin(&self, drives: bool) -> Result<(), vst_status> {
        self.budget.set(self.host.events_per_drive);
        if self.pulls_interest() {
            *self.pulled.borrow_mut() = None;
            if !self.bracket.get() {
                self.core()?.close_released();
            }
        }
        // A command's deadlines count from here, not from the last drive call.
        if !drives && let Some(now) = self.clock.command() {
            self.core()?.begin(now);
        }
        Ok(())
    }

    /// A drive call begins at this point of the engine's clock, which with 0 is read.
    pub(super) fn begin_at(&self, now_ns: u64) -> Result<(), vst_status> {
        self.check_time(now_ns);
        let (now, jump) = self.clock.drive(now_ns)?;
        self.check_deadline(now);
        self.core()?.begin(now);
        if let Some(jump) = jump {
            self.log(&jump.to_string());
        }
        self.take_posts()
    }

    /// Takes the answers that other threads have brought.
    fn take_posts(&self) -> Result<(), vst_status> {
        let waiting = self.waker.borrow().as_deref().map(Shared::take).unwrap_or_default();
        if waiting.wakes {
            self.woken.set(true);
        }
        if waiting.group {
            self.core()?.on_group();
        }
        if waiting.wakes || !waiting.posts.is_empty() {
            let answers = waiting.posts.len();
            self.trace_told(TraceKind::Woken, None, |line| write!(line, " answers={answers}"));
        }
        for Post { conn, ticket, answer } in waiting.posts {
            // A connection that is gone by now needs none.
            let _ = self.core()?.answer(conn, ticket, answer);
        }
        Ok(())
    }

    /// Whether there is something to report or to pull that the core does not count as work.
    pub(super) fn has_more(&self, core: &Engine<Under>) -> bool {
        self.has_own_event(core) || self.pulls_interest() && core.has_host_ops()
    }

    /// The library failed inside: nothing but freeing works from here on.
    fn poison(&self) {
        self.poisoned.set(true);
        self.log(&take_text());
    }
}
