//! The engine behind its pointer: who owns it, whether it still works, and the one place from which
//! the host's callbacks are called.
//!
//! Every entry makes only a shared reference: callbacks come back in while it lives. The engine
//! itself sits in a `RefCell`, and no borrow of it is alive when a callback runs, so that "no
//! borrow across a callback" is checked, not hoped.

use std::cell::{Cell, RefCell, RefMut};
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::bar::{self, Bar};
use super::clock::Clock;
use super::drive::{VST_NEVER, vst_wait, wait_of};
use super::engine::{engine_options, vst_engine_options};
use super::event::*;
use super::guard;
use super::handler;
use super::panic::outside;
use super::status::*;
use super::told::{Told, blank, point, told};
use super::under::{Under, net};
use super::unusable::Unusable;
use super::waker::{Post, Shared};
use crate::ctrl::Io;
use crate::engine::{Engine, HostOp, WaitState};
use crate::id::{ENGINE_NUMBERS, EngineNumber};
use crate::sys::thread_token;

/// No thread has driven the engine yet.
const UNBOUND: usize = 0;

/// One thread's worth of connections. Made by `vst_engine_new`, freed by `vst_engine_free`, used by
/// the thread of its first drive call only.
#[allow(non_camel_case_types)]
pub struct vst_engine {
    owner: AtomicUsize,
    number: RefCell<EngineNumber>,
    depth: Cell<u32>,
    bracket: Cell<bool>,
    poisoned: Cell<bool>,
    host: vst_engine_options,
    /// The host's, or the built-in loop's.
    poller_data: *mut c_void,
    clock: Clock,
    /// Events that the outermost call may still tell.
    budget: Cell<u32>,
    /// The deadline the timer callback was last told.
    told_deadline: Cell<u64>,
    /// What the last pulled event points to.
    pulled: RefCell<Option<Box<Told>>>,
    /// What other threads reach the engine through, once somebody asked for it.
    waker: RefCell<Option<Arc<Shared>>>,
    core: RefCell<Engine<Under>>,
}

/// Makes an engine. `poller_data` is what the poller's callbacks are handed.
pub(super) fn new(
    options: &vst_engine_options,
    poller_data: *mut c_void,
) -> Result<vst_engine, Unusable> {
    let engine_options = engine_options(options)?;
    let number = ENGINE_NUMBERS.take().ok_or_else(|| {
        Unusable::from(VST_E_LIMIT).of("engine: as many live as can be told apart by their ids")
    })?;
    super::panic::install_hook();
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

/// Frees an engine.
///
/// # Safety
/// `engine` is NULL or an engine that is not freed.
pub(super) unsafe fn free(engine: *mut vst_engine) -> vst_status {
    // SAFETY: the caller's contract; NULL becomes None.
    let Some(shell) = (unsafe { engine.as_ref() }) else { return VST_OK };
    if let Err(status) = bar::check().and_then(|()| shell.check_owner(false)) {
        return status;
    }
    if shell.depth.get() > 0 {
        return VST_E_REENTRANT;
    }
    // What a callback made of it now nobody would end.
    let _bar = Bar::new();
    shell.depth.set(1);
    if let Some(waker) = shell.waker.borrow().as_deref() {
        waker.close();
    }
    let released = guard(|| {
        shell.bracket.set(false);
        if !shell.poisoned.get() {
            shell.core()?.abort_all();
            shell.tell_interest()?;
            shell.core()?.close_released();
            shell.discard_spent()?;
        }
        // What is left is left by a failure inside: the poller lets go of it all the same.
        loop {
            let Some(op) = shell.core()?.next_left_over() else { break };
            shell.tell_host_op(op);
        }
        Ok(VST_OK)
    });
    let dropped = guard(|| {
        let mut core = shell.core()?;
        core.close_all_fds();
        shell.number.borrow_mut().hand_on(core.next_generation());
        Ok(VST_OK)
    });
    if released == VST_OK && dropped == VST_OK {
        // SAFETY: made by Box::into_raw in vst_engine_new, and not freed (the caller's contract);
        // depth is 0, so no callback of it is running; `shell` is not used any more.
        let owned = unsafe { Box::from_raw(engine) };
        // A drop that panics leaks what it could not drop, after its descriptors are closed.
        guard(move || {
            drop(owned);
            Ok(VST_OK)
        });
    }
    VST_OK
}

/// What a drive call came to.
pub(super) struct Driven {
    status: vst_status,
    wait: vst_wait,
}

impl Driven {
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
) -> Driven {
    let nothing = WaitState { deadline: None, runnable: false, conns: 0, streams: 0, listeners: 0 };
    let mut wait = wait_of(&nothing, false, false);
    let status = enter(engine, true, |shell| {
        f(shell)?;
        Ok(VST_OK)
    });
    if let Ok(shell) = engine
        && bar::check().and_then(|()| shell.check_owner(true)).is_ok()
        && let Ok(core) = shell.core.try_borrow()
    {
        wait = wait_of(&core.wait_state(), shell.depth.get() > 0, false);
    }
    Driven { status, wait }
}

/// Runs `f` as any other call.
pub(super) fn call(
    engine: Result<&vst_engine, vst_status>,
    f: impl FnOnce(&vst_engine) -> Result<vst_status, vst_status>,
) -> vst_status {
    enter(engine, false, f)
}

fn enter(
    engine: Result<&vst_engine, vst_status>,
    drives: bool,
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
            return f(shell);
        }
        shell.begin(drives)?;
        let status = f(shell);
        shell.drain()?;
        status
    });
    if status == VST_E_PANIC {
        // Still inside: the log callback may not free the engine.
        shell.poison();
    }
    shell.depth.set(depth);
    status
}

impl vst_engine {
    /// Whether this thread may use the engine. The first drive call decides which one does.
    fn check_owner(&self, drives: bool) -> Result<(), vst_status> {
        let me = thread_token();
        let owner = if drives {
            match self.owner.compare_exchange(UNBOUND, me, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => me,
                Err(owner) => owner,
            }
        } else {
            self.owner.load(Ordering::Acquire)
        };
        if owner == me || owner == UNBOUND { Ok(()) } else { Err(VST_E_THREAD) }
    }

    /// The engine. No callback may run while the borrow lives.
    pub(super) fn core(&self) -> Result<RefMut<'_, Engine<Under>>, vst_status> {
        self.core.try_borrow_mut().map_err(|_| VST_E_REENTRANT)
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
        let (now, jump) = self.clock.drive(now_ns)?;
        self.core()?.begin(now);
        if let Some(jump) = jump {
            self.log(&jump.to_string());
        }
        self.take_posts()
    }

    /// Takes the answers that other threads have brought.
    fn take_posts(&self) -> Result<(), vst_status> {
        let posts = self.waker.borrow().as_deref().map(Shared::take).unwrap_or_default();
        for Post { conn, ticket, answer } in posts {
            // A connection that is gone by now needs none.
            let _ = self.core()?.answer(conn, ticket, answer);
        }
        Ok(())
    }

    /// What wakers of this engine share.
    pub(super) fn waker(&self) -> Result<Arc<Shared>, vst_status> {
        if let Some(shared) = self.waker.borrow().as_ref() {
            return Ok(Arc::clone(shared));
        }
        let shared = Arc::new(Shared::new(self.host.wake, self.host.data)?);
        if let Some(bell) = shared.bell() {
            self.core()?.hang_bell(bell);
        }
        *self.waker.borrow_mut() = Some(Arc::clone(&shared));
        Ok(shared)
    }

    /// Asks every handler that is to be asked, and lets those that are through free what they have.
    fn ask_handlers(&self) -> Result<(), vst_status> {
        loop {
            self.discard_spent()?;
            let Some(question) = self.core()?.next_question() else { return Ok(()) };
            handler::ask(self, question)?;
        }
    }

    fn discard_spent(&self) -> Result<(), vst_status> {
        loop {
            let Some(spent) = self.core()?.next_spent() else { return Ok(()) };
            handler::discard(&spent);
        }
    }

    /// Tells the host everything there is, until nothing is left. Only the outermost call does.
    fn drain(&self) -> Result<(), vst_status> {
        loop {
            self.ask_handlers()?;
            // Events first: what the host does in them changes interest once more, and it is told
            // once.
            self.tell_events()?;
            if !self.bracket.get() {
                self.tell_interest()?;
            }
            let mut core = self.core()?;
            if self.bracket.get() || self.pulls_interest() {
                core.begin_fresh();
            } else {
                core.settle();
            }
            let interest = core.has_host_ops() && !self.bracket.get() && !self.pulls_interest();
            let events = core.has_events() && self.host.event.is_some() && self.budget.get() > 0;
            let rests = !interest && !events && !core.has_questions();
            drop(core);
            // What the host does when it is told the deadline is to be told in turn.
            if rests && !self.tell_deadline()? {
                return Ok(());
            }
        }
    }

    /// Tells every interest change.
    fn tell_interest(&self) -> Result<(), vst_status> {
        if self.pulls_interest() {
            return Ok(());
        }
        loop {
            let Some(op) = self.core()?.next_host_op() else { return Ok(()) };
            self.tell_host_op(op);
        }
    }

    /// Tells one change, by whichever callbacks the host gave.
    pub(super) fn tell_host_op(&self, op: HostOp) {
        let HostOp::Interest { fd, token, old, new } = op;
        let data = self.poller_data;
        if let Some(interest) = self.host.interest {
            let (old, new) = (u32::from(old.bits()), u32::from(new.bits()));
            // SAFETY: the host's function and data, which it keeps valid for the engine's life; no
            // borrow of the engine is alive.
            outside(|| unsafe { interest(data, fd.0, token.bits(), old, new) });
            return;
        }
        let (Some(fdset), Some(fdclr)) = (self.host.fdset, self.host.fdclr) else { return };
        if new.contains(Io::RELEASED) {
            // SAFETY: as above.
            outside(|| unsafe { fdclr(data, fd.0, u32::from(new.bits()), token.bits()) });
            return;
        }
        for dir in [Io::IN, Io::OUT, Io::HANGUP] {
            let bits = u32::from(dir.bits());
            match (old.contains(dir), new.contains(dir)) {
                // SAFETY: as above.
                (true, false) => outside(|| unsafe { fdclr(data, fd.0, bits, token.bits()) }),
                // SAFETY: as above.
                (false, true) => outside(|| unsafe { fdset(data, fd.0, bits, token.bits()) }),
                _ => {}
            }
        }
    }

    /// Tells every event there is, as far as the budget goes.
    pub(super) fn tell_events(&self) -> Result<(), vst_status> {
        while self.tell_event()? {}
        Ok(())
    }

    /// Tells one event, and whether there was one to tell.
    fn tell_event(&self) -> Result<bool, vst_status> {
        // Events of nested calls are told by the outermost one.
        let Some(callback) = self.host.event.filter(|_| self.depth.get() == 1) else {
            return Ok(false);
        };
        let left = self.budget.get();
        if left == 0 {
            return Ok(false);
        }
        let Some(event) = self.core()?.next_event() else { return Ok(false) };
        self.budget.set(left - 1);
        let (told, value) = told(event);
        let value = point(value, &told);
        let engine = std::ptr::from_ref(self).cast_mut();
        // SAFETY: the host's function and data, which it keeps valid for the engine's life; no
        // borrow of the engine is alive, and `engine` is only used through shared references.
        outside(|| unsafe { callback(self.host.data, engine, &raw const value) });
        Ok(true)
    }

    /// Tells the deadline if it moved earlier, and whether it did.
    fn tell_deadline(&self) -> Result<bool, vst_status> {
        let Some(timer) = self.host.timer else { return Ok(false) };
        let state = self.core()?.wait_state();
        let deadline = state.deadline.map_or(VST_NEVER, |deadline| deadline.0);
        if deadline >= self.told_deadline.get() {
            return Ok(false);
        }
        self.told_deadline.set(deadline);
        // SAFETY: the host's function and data, which it keeps valid for the engine's life; no
        // borrow of the engine is alive.
        outside(|| unsafe { timer(self.host.data, deadline) });
        Ok(true)
    }

    /// What was due has been done: the next deadline is told anew.
    pub(super) fn ran(&self) {
        self.told_deadline.set(VST_NEVER);
    }

    /// Begins or ends a batch of a host that knows only descriptor numbers.
    pub(super) fn bracket(&self, begins: bool) -> Result<vst_status, vst_status> {
        if self.depth.get() > 1 {
            return Err(VST_E_REENTRANT);
        }
        if self.bracket.get() == begins {
            return Err(VST_E_STATE);
        }
        self.bracket.set(begins);
        Ok(VST_OK)
    }

    /// The next event of an engine whose host pulls.
    pub(super) fn pull(&self) -> Result<Option<vst_event>, vst_status> {
        // What was pulled last may still be looked at further out.
        if self.depth.get() > 1 {
            return Err(VST_E_REENTRANT);
        }
        if self.host.event.is_some() {
            return Err(VST_E_MODE);
        }
        if self.pulls_interest()
            && let Some(op) = self.core()?.next_host_op()
        {
            let HostOp::Interest { fd, token, old, new } = op;
            let mut value = blank(VST_EVENT_INTEREST, token.bits(), std::ptr::null_mut());
            value.fd = fd.0;
            value.old_mask = u32::from(old.bits());
            value.new_mask = u32::from(new.bits());
            return Ok(Some(value));
        }
        let Some(event) = self.core()?.next_event() else { return Ok(None) };
        let (told, value) = told(event);
        let told = Box::new(told);
        let value = point(value, &told);
        *self.pulled.borrow_mut() = Some(told);
        Ok(Some(value))
    }

    /// Whether interest changes come from `vst_engine_next`.
    pub(super) const fn pulls_interest(&self) -> bool {
        self.host.interest.is_none() && self.host.fdset.is_none()
    }

    /// The library failed inside: nothing but freeing works from here on.
    fn poison(&self) {
        self.poisoned.set(true);
        self.log(&super::panic::take_text());
    }

    /// Writes a sentence into the host's log.
    fn log(&self, text: &str) {
        let Some(log) = self.host.log else { return };
        let _bar = Bar::new();
        // SAFETY: the host's function and data, which it keeps valid for the engine's life; the
        // text outlives the call.
        outside(|| unsafe { log(self.host.data, text.as_ptr().cast::<c_char>(), text.len()) });
    }
}
