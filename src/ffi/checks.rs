//! Where the host enters and where it is called, for the checker (`ffi/checker`). An engine without
//! VST_ENGINE_CHECKED has none: every function here is one branch then.

use super::checker::{Handle, Notes, Task, WhatIsDue};
use super::engine::vst_engine;
use super::event::{VST_EVENT_READABLE, VST_EVENT_WRITABLE};
use super::panic::{guard, outside};
use super::status::*;
use crate::ctrl::Io;
use crate::engine::{HostOp, WaitState};
use crate::id::Id;
use crate::sys::monotonic;
use crate::time::Time;

impl vst_engine {
    /// Whether this process made the engine. In a child its sockets are the parent's.
    #[inline]
    pub(super) fn check_process(&self) -> Result<(), vst_status> {
        if self.checker.is_none() { Ok(()) } else { self.compare_process() }
    }

    #[cold]
    #[inline(never)]
    fn compare_process(&self) -> Result<(), vst_status> {
        match &self.checker {
            Some(checker) if !checker.is_own_process() => {
                if let Some(sentence) = checker.forked() {
                    self.log(&sentence);
                }
                Err(VST_E_THREAD)
            }
            _ => Ok(()),
        }
    }

    /// A drive call is given this time. In a callback it may be a newer one than that of the call outside.
    #[inline]
    pub(super) fn check_time(&self, now_ns: u64) {
        if self.depth.get() == 1 {
            self.noted(|notes| notes.told(now_ns));
        }
    }

    /// A drive call begins at this point of the engine's clock.
    #[inline]
    pub(super) fn check_deadline(&self, now: Time) {
        if self.depth.get() == 1 {
            self.noted(|notes| {
                let next = self.core().ok().and_then(|core| core.wait_state().deadline);
                notes.begins(now, next);
            });
        }
    }

    /// A drive call that comes once for each poll: `vst_engine_run`, if it `runs`, or another.
    #[inline]
    pub(super) fn check_poll(&self, runs: bool) {
        self.noted(|notes| {
            if self.depth.get() == 1 {
                notes.polled();
            }
            if runs {
                notes.runs();
            }
        });
    }

    /// The host asks until when it may wait, which it does before each poll.
    #[inline]
    pub(super) fn check_wait(&self) {
        if self.checker.is_some() {
            self.check_poll(false);
            self.check_deadline(self.time_of_checks());
        }
    }

    /// Readiness is handed in, and was not refused.
    #[inline]
    pub(super) fn check_ready(&self, handle: Handle, events: Io) {
        self.noted(|notes| {
            let moved = |token| match (Id::from_bits(token), self.core()) {
                (Some(token), Ok(core)) => core.moved_by(token),
                _ => 0,
            };
            notes.ready(handle, events, moved);
        });
    }

    /// Readiness is handed in with bits that are none of ours.
    #[inline]
    pub(super) fn check_bits(&self, handle: Handle, bits: u32) {
        self.noted(|notes| notes.bits(handle, bits));
    }

    /// The host is told an interest.
    #[inline]
    pub(super) fn check_interest(&self, op: &HostOp) {
        let HostOp::Interest { fd, token, new, .. } = *op;
        self.noted(|notes| notes.interest(fd, token, new));
    }

    /// The host cannot watch what it was told to, but only this.
    #[inline]
    pub(super) fn check_unwatched(&self, op: &HostOp, watched: Io) {
        let HostOp::Interest { fd, token, is_first, .. } = *op;
        // No call about it follows where nothing is watched at all.
        let mask = if is_first && watched.is_empty() { Io::RELEASED } else { watched };
        self.noted(|notes| notes.interest(fd, token, mask));
    }

    /// The host is told an event.
    #[inline]
    pub(super) fn check_event(&self, kind: u32, id: u64) {
        let task = match kind {
            VST_EVENT_READABLE => Task::Read,
            VST_EVENT_WRITABLE => Task::Write,
            _ => return,
        };
        self.noted(|notes| notes.task(id, task));
    }

    /// A handler has announced that its answer comes later.
    #[inline]
    pub(super) fn check_later(&self, conn: Id, ticket: u32) {
        self.noted(|notes| notes.task(conn.bits(), Task::Answer(ticket)));
    }

    /// The host takes its events.
    #[inline]
    pub(super) fn check_next(&self) {
        self.noted(Notes::takes_events);
    }

    /// The host takes the asks of fed connections.
    #[inline]
    pub(super) fn check_asks(&self) {
        self.noted(Notes::takes_asks);
    }

    /// Runs a callback of the host.
    #[inline]
    pub(super) fn timed<R>(&self, callback: &'static str, call: impl FnOnce() -> R) -> R {
        if self.checker.is_none() { outside(call) } else { self.measured(callback, call) }
    }

    #[cold]
    #[inline(never)]
    fn measured<R>(&self, callback: &'static str, call: impl FnOnce() -> R) -> R {
        let began = self.time_of_checks();
        let result = outside(call);
        let took = self.time_of_checks().since(began);
        self.noted(|notes| notes.callback(callback, took));
        result
    }

    /// An outermost drive call has ended: what there is to say is said.
    #[inline]
    pub(super) fn check_driven(&self, status: vst_status, wait: &WaitState) {
        if self.checker.is_some() && self.depth.get() == 0 {
            self.report_violations(status, wait);
        }
    }

    #[cold]
    #[inline(never)]
    fn report_violations(&self, status: vst_status, wait: &WaitState) {
        guard(|| {
            for sentence in self.violations(status, wait) {
                self.log(&sentence);
            }
            Ok(VST_OK)
        });
    }

    /// What there is to say after a drive call.
    fn violations(&self, status: vst_status, wait: &WaitState) -> Vec<String> {
        let mut sentences = Vec::new();
        let Ok(core) = self.core.try_borrow() else { return sentences };
        let has_interest = self.pulls_interest() && core.has_host_ops();
        let has_events = core.has_events() || self.has_own_event(&core);
        let due = WhatIsDue {
            runnable: wait.runnable || has_events,
            events: has_interest || has_events && self.host.event.is_none(),
            asks: self.host.fed.is_none() && core.has_asks(),
            batch: self.bracket.get(),
        };
        let progress = |conn, task| {
            let conn = Id::from_bits(conn)?;
            match task {
                Task::Read => core.read_of(conn),
                Task::Write => core.written_of(conn),
                Task::Answer(ticket) => core.awaits_answer(conn, ticket).then_some(0),
            }
        };
        self.noted(|notes| sentences = notes.driven(status, wait.deadline, due, progress));
        sentences
    }

    /// Notes something, if the host is checked.
    #[inline]
    fn noted(&self, note: impl FnOnce(&mut Notes)) {
        if self.checker.is_some() {
            self.note(note);
        }
    }

    // Out of the way of an engine that has no checker.
    #[cold]
    #[inline(never)]
    fn note(&self, note: impl FnOnce(&mut Notes)) {
        if let Some(checker) = &self.checker {
            checker.note(self.time_of_checks(), note);
        }
    }

    /// The time that bounds count: the host's own, or else that of the system, also inside of a call.
    fn time_of_checks(&self) -> Time {
        match self.host.now_ns {
            0 => monotonic(),
            _ => self.clock.last(),
        }
    }
}
