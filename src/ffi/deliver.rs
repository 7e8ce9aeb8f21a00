//! How the host is called: changed interest, events, deadlines, questions to its handlers, its log. Its
//! functions are called from here, from `step`, and, on whichever thread posts, from `posts`, and no
//! borrow of the engine is alive then.

use std::ffi::c_char;

use super::bar::Bar;
use super::engine::{Under, vst_engine};
use super::event::{VST_EVENT_DRAINED, VST_EVENT_WOKEN, vst_event};
use super::event_value::{EventDetails, blank, value_of};
use super::fed_ask::vst_fed_ask;
use super::panic::outside;
use super::status::{VST_E_REENTRANT, VST_E_STATE, VST_OK, vst_status};
use super::step;
use super::types::VST_NEVER;
use crate::ctrl::Io;
use crate::engine::{Engine, HostOp};
use crate::sys::Errno;

impl vst_engine {
    /// Asks every handler that is to be asked, and lets those that are through free what they have.
    fn ask_handlers(&self) -> Result<(), vst_status> {
        loop {
            self.discard_spent()?;
            let Some(question) = self.core()?.next_question() else { return Ok(()) };
            self.trace_question(&question);
            step::ask(self, question)?;
        }
    }

    /// Lets those that are through free what they have.
    pub(super) fn discard_spent(&self) -> Result<(), vst_status> {
        loop {
            let Some(spent) = self.core()?.next_spent() else { return Ok(()) };
            step::discard(self, &spent);
        }
    }

    /// Tells the host everything there is, until nothing is left. Only the outermost call does.
    pub(super) fn drain(&self) -> Result<(), vst_status> {
        loop {
            self.ask_handlers()?;
            // Events first: what the host does in them changes interest once more, and it is told
            // once.
            self.report_events()?;
            if !self.bracket.get() {
                self.report_interest()?;
            }
            self.report_asks()?;
            let mut core = self.core()?;
            if self.bracket.get() || self.pulls_interest() {
                core.begin_fresh();
            } else {
                core.settle();
            }
            let interest = core.has_host_ops() && !self.bracket.get() && !self.pulls_interest();
            let has_events = core.has_events() || self.has_own_event(&core);
            let events = has_events && self.host.event.is_some() && self.budget.get() > 0;
            let asks = core.has_asks() && self.host.fed.is_some();
            let rests = !interest && !events && !asks && !core.has_questions();
            drop(core);
            self.wake_members()?;
            // What the host does when it is told the deadline is to be told in turn.
            if rests && !self.report_deadline()? {
                return Ok(());
            }
        }
    }

    /// Wakes the other members of the group that something was told.
    fn wake_members(&self) -> Result<(), vst_status> {
        let wakes = self.core()?.next_wakes();
        wakes.iter().for_each(|member| member.wake());
        Ok(())
    }

    /// Tells every interest change.
    pub(super) fn report_interest(&self) -> Result<(), vst_status> {
        if self.pulls_interest() {
            return Ok(());
        }
        loop {
            let Some(op) = self.core()?.next_host_op() else { return Ok(()) };
            if let Err((watched, errno)) = self.report_host_op(op) {
                self.forget_unwatched(op, watched);
                self.check_unwatched(&op, watched);
                self.core()?.watch_failed(op, watched, errno);
            }
        }
    }

    /// Tells one change, by whichever callbacks the host gave.
    ///
    /// # Errors
    /// What is watched instead, and why.
    pub(super) fn report_host_op(&self, op: HostOp) -> Result<(), (Io, Errno)> {
        self.trace_interest(op);
        self.check_interest(&op);
        let HostOp::Interest { fd, token, old, new, .. } = op;
        let data = self.poller_data;
        let user = self.token_user(token, new);
        if let Some(interest) = self.host.interest {
            let masks = (u32::from(old.bits()), u32::from(new.bits()));
            let call = || {
                // SAFETY: the host's function and data, which it keeps valid for the engine's life;
                // no borrow of the engine is alive.
                unsafe { interest(data, fd.0, token.bits(), masks.0, masks.1, user) }
            };
            return watched(self.timed("interest", call), old, new);
        }
        let (Some(fdset), Some(fdclr)) = (self.host.fdset, self.host.fdclr) else { return Ok(()) };
        if new.contains(Io::RELEASED) {
            // SAFETY: as above.
            self.timed("fdclr", || unsafe {
                fdclr(data, fd.0, u32::from(new.bits()), token.bits(), user);
            });
            return Ok(());
        }
        let mut now = old;
        for dir in [Io::IN, Io::OUT, Io::HANGUP] {
            // The callback about another direction may have taken the descriptor away: nothing is said
            // of it after its release.
            if now != old && !self.core().is_ok_and(|core| core.is_watched(token)) {
                return Ok(());
            }
            let bits = u32::from(dir.bits());
            // The first of these calls may have set the pointer.
            let user = self.token_user(token, new);
            match (old.contains(dir), new.contains(dir)) {
                (true, false) => {
                    // SAFETY: as above.
                    let call = || unsafe { fdclr(data, fd.0, bits, token.bits(), user) };
                    self.timed("fdclr", call);
                }
                (false, true) => {
                    // SAFETY: as above.
                    let call = || unsafe { fdset(data, fd.0, bits, token.bits(), user) };
                    watched(self.timed("fdset", call), now, new)?;
                }
                _ => {}
            }
            now = now & !dir | new & dir;
        }
        Ok(())
    }

    /// Reports everything that fed connections ask for.
    pub(super) fn report_asks(&self) -> Result<(), vst_status> {
        let Some(fed) = self.host.fed else { return Ok(()) };
        loop {
            let Some(ask) = self.core()?.next_ask() else { return Ok(()) };
            self.trace_ask(&ask);
            let value = vst_fed_ask::of(&ask);
            let engine = std::ptr::from_ref(self).cast_mut();
            // SAFETY: the host's function and data, which it keeps valid for the engine's life; no
            // borrow of the engine is alive, and `engine` is only used through shared references.
            self.timed("fed", || unsafe { fed(self.host.data, engine, &raw const value) });
        }
    }

    /// Tells every event there is, as far as the budget goes.
    pub(super) fn report_events(&self) -> Result<(), vst_status> {
        while self.report_event()? {}
        Ok(())
    }

    /// Tells one event, and whether there was one to tell.
    fn report_event(&self) -> Result<bool, vst_status> {
        // Events of nested calls are told by the outermost one.
        let Some(callback) = self.host.event.filter(|_| self.depth.get() == 1) else {
            return Ok(false);
        };
        let left = self.budget.get();
        if left == 0 {
            return Ok(false);
        }
        let mut details = EventDetails::default();
        let Some(value) = self.next_value(&mut details)? else { return Ok(false) };
        self.budget.set(left - 1);
        self.trace_event(&value);
        self.check_event(value.kind, value.id);
        let engine = std::ptr::from_ref(self).cast_mut();
        // SAFETY: the host's function and data, which it keeps valid for the engine's life; no
        // borrow of the engine is alive, and `engine` is only used through shared references.
        self.timed("event", || unsafe { callback(self.host.data, engine, &raw const value) });
        Ok(true)
    }

    /// The next event for the host: first that it was woken, then those of the core, and last that a drain
    /// is done. It points into `details`, which are empty.
    pub(super) fn next_value(
        &self,
        details: &mut EventDetails,
    ) -> Result<Option<vst_event>, vst_status> {
        let own = |kind| Some(blank(kind, 0, std::ptr::null_mut()));
        let mut core = self.core()?;
        if self.woken.take() | core.take_metrics_news() {
            return Ok(own(VST_EVENT_WOKEN));
        }
        if let Some(event) = core.next_event() {
            return Ok(Some(value_of(event, details)));
        }
        let was_told = self.drained.replace(core.is_drained());
        Ok(own(VST_EVENT_DRAINED).filter(|_| self.drained.get() && !was_told))
    }

    /// Whether there is an event for the host that is not of the core.
    pub(super) fn has_own_event(&self, core: &Engine<Under>) -> bool {
        self.woken.get() || core.has_metrics_news() || !self.drained.get() && core.is_drained()
    }

    /// Tells the deadline if it moved earlier, and whether it did.
    fn report_deadline(&self) -> Result<bool, vst_status> {
        let Some(timer) = self.host.timer else { return Ok(false) };
        let core = self.core()?;
        let state = core.wait_state();
        let deadline = if state.runnable || self.has_more(&core) {
            core.now().0
        } else {
            state.deadline.map_or(VST_NEVER, |deadline| deadline.0)
        };
        drop(core);
        if deadline >= self.reported_deadline.get() {
            return Ok(false);
        }
        self.reported_deadline.set(deadline);
        self.trace_deadline(deadline);
        // SAFETY: the host's function and data, which it keeps valid for the engine's life; no
        // borrow of the engine is alive.
        self.timed("timer", || unsafe { timer(self.host.data, deadline) });
        Ok(true)
    }

    /// What was due has been done: the next deadline is told anew.
    pub(super) fn ran(&self) {
        self.reported_deadline.set(VST_NEVER);
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

    /// Writes a sentence into the host's log.
    pub(super) fn log(&self, text: &str) {
        let Some(log) = self.host.log else { return };
        let _bar = Bar::new();
        // SAFETY: the host's function and data, which it keeps valid for the engine's life; the
        // text outlives the call.
        outside(|| unsafe { log(self.host.data, text.as_ptr().cast::<c_char>(), text.len()) });
    }
}

/// What an interest callback returned: 0, or the errno because of which the descriptor is watched for `old`
/// and not for `new`. That a poller cannot release a descriptor helps nobody to know.
fn watched(returned: i32, old: Io, new: Io) -> Result<(), (Io, Errno)> {
    if returned == 0 || new.contains(Io::RELEASED) { Ok(()) } else { Err((old, Errno(returned))) }
}
