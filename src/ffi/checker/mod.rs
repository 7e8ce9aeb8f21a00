//! Whether the host keeps its contract (VST_ENGINE_CHECKED): what it does is noted where it enters and where
//! it is called, and what breaks the contract is written into its log, in a sentence that says what to do.
//!
//! An engine without the flag has no checker: every function here is one branch then. Every bound counts the
//! engine's own time, so that a host with a clock of its own moves them. A host that is merely busy, and
//! readiness that is late, repeated, spurious or out of order, break nothing.

mod circumstances;
mod clock;
mod descriptors;
mod neglect;
mod report;
mod sessions;
mod statuses;
#[cfg(test)]
mod tests;
mod text;
mod violation;

use std::cell::{Cell, RefCell};

use self::circumstances::Circumstances;
use self::clock::Times;
use self::descriptors::Announced;
use self::neglect::{Neglect, WhatIsDue};
use self::sessions::{Task, Tasks};
use self::statuses::Statuses;
pub(super) use self::text::Handle;
use self::text::Span;
use self::violation::{Violation, fill};
use super::engine::vst_engine;
use super::event::{VST_EVENT_READABLE, VST_EVENT_WRITABLE};
use super::panic::{guard, outside};
use super::status::*;
use crate::ctrl::Io;
use crate::engine::{HostOp, WaitState};
use crate::id::Id;
use crate::sys::{Inspection, KernelInspection, process_id};
use crate::time::{SECOND, Time};

/// How long a callback may take.
const CALLBACK_MOST: u64 = SECOND;
/// The time between two looks at what is announced and what is open.
const LOOK_EVERY: u64 = SECOND;

/// What is noted of a host.
#[derive(Debug)]
pub(super) struct Checker {
    /// The process that made the engine.
    process: u32,
    /// Whether another process was refused.
    has_forked: Cell<bool>,
    notes: RefCell<Notes>,
}

#[derive(Debug)]
struct Notes {
    cx: Circumstances,
    descriptors: Announced,
    times: Times,
    neglect: Neglect,
    tasks: Tasks,
    statuses: Statuses,
    last_look: Time,
}

impl Checker {
    /// The checker of an engine whose clock stands at `now`.
    pub(super) fn new(now: Time, is_own_clock: bool) -> Box<Self> {
        Self::with(now, is_own_clock, Box::new(KernelInspection))
    }

    fn with(now: Time, is_own_clock: bool, kernel: Box<dyn Inspection>) -> Box<Self> {
        Box::new(Self {
            process: process_id(),
            has_forked: Cell::new(false),
            notes: RefCell::new(Notes {
                cx: Circumstances::new(now, kernel),
                descriptors: Announced::default(),
                times: Times::new(is_own_clock),
                neglect: Neglect::new(),
                tasks: Tasks::default(),
                statuses: Statuses::default(),
                last_look: now,
            }),
        })
    }

    /// Notes something at `now`. Not noted is what happens inside of a note: there is no such thing.
    fn note(&self, now: Time, note: impl FnOnce(&mut Notes)) {
        let Ok(mut notes) = self.notes.try_borrow_mut() else { return };
        notes.cx.now = now;
        note(&mut notes);
    }
}

impl vst_engine {
    /// Whether this process made the engine. In a child its sockets are the parent's.
    #[inline]
    pub(super) fn check_process(&self) -> Result<(), vst_status> {
        let Some(checker) = &self.checker else { return Ok(()) };
        if process_id() == checker.process {
            return Ok(());
        }
        if !checker.has_forked.replace(true) {
            self.log(&fill(Violation::Forked, &[]));
        }
        Err(VST_E_THREAD)
    }

    /// A drive call is given this time.
    #[inline]
    pub(super) fn check_time(&self, now_ns: u64) {
        // In a callback it may be a newer one than that of the call outside.
        if self.depth.get() == 1 {
            self.noted(|notes| notes.times.told(&mut notes.cx, now_ns));
        }
    }

    /// A drive call begins at this point of the engine's clock.
    #[inline]
    pub(super) fn check_deadline(&self, now: Time) {
        if self.checker.is_none() || self.depth.get() > 1 {
            return;
        }
        let next = self.core().ok().and_then(|core| core.wait_state().deadline);
        self.noted(|notes| notes.times.begins(&mut notes.cx, now, next));
    }

    /// A drive call that comes once for each poll: `vst_engine_run`, if it `runs`, or another.
    #[inline]
    pub(super) fn check_poll(&self, runs: bool) {
        self.noted(|notes| {
            notes.cx.polls += u64::from(self.depth.get() == 1);
            if runs {
                notes.neglect.run.done();
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
            notes.descriptors.handed_in(&mut notes.cx, handle, events, moved);
        });
    }

    /// Readiness is handed in with bits that are none of ours.
    #[inline]
    pub(super) fn check_bits(&self, handle: Handle, bits: u32) {
        self.noted(|notes| notes.descriptors.refused(&mut notes.cx, handle, bits));
    }

    /// The host is told an interest.
    #[inline]
    pub(super) fn check_interest(&self, op: &HostOp) {
        let HostOp::Interest { fd, token, new, .. } = *op;
        self.noted(|notes| notes.descriptors.announce(&mut notes.cx, fd, token, new));
    }

    /// The host is told an event.
    #[inline]
    pub(super) fn check_event(&self, kind: u32, id: u64) {
        let task = match kind {
            VST_EVENT_READABLE => Task::Read,
            VST_EVENT_WRITABLE => Task::Write,
            _ => return,
        };
        self.noted(|notes| notes.tasks.add(notes.cx.now, id, task));
    }

    /// A handler has announced that its answer comes later.
    #[inline]
    pub(super) fn check_later(&self, conn: Id, ticket: u32) {
        self.noted(|notes| notes.tasks.add(notes.cx.now, conn.bits(), Task::Answer(ticket)));
    }

    /// The host takes its events.
    #[inline]
    pub(super) fn check_next(&self) {
        self.noted(|notes| notes.neglect.next.done());
    }

    /// The host takes the asks of fed connections.
    #[inline]
    pub(super) fn check_asks(&self) {
        self.noted(|notes| notes.neglect.asks.done());
    }

    /// Runs a callback of the host.
    #[inline]
    pub(super) fn timed<R>(&self, callback: &'static str, call: impl FnOnce() -> R) -> R {
        if self.checker.is_none() {
            return outside(call);
        }
        let began = self.time_of_checks();
        let result = outside(call);
        let took = self.time_of_checks().since(began);
        if took > CALLBACK_MOST {
            self.noted(|notes| {
                let span = Span(took);
                notes
                    .cx
                    .report(Violation::SlowCallback, &[("callback", &callback), ("span", &span)]);
            });
        }
        result
    }

    /// An outermost drive call has ended: what there is to say is said.
    #[inline]
    pub(super) fn check_driven(&self, status: vst_status, wait: &WaitState) {
        if self.checker.is_some() && self.depth.get() == 0 {
            guard(|| {
                self.look(status, wait);
                Ok(VST_OK)
            });
        }
    }

    #[cold]
    fn look(&self, status: vst_status, wait: &WaitState) {
        let mut sentences = Vec::new();
        if let Ok(core) = self.core.try_borrow() {
            let has_interest = self.pulls_interest() && core.has_host_ops();
            let state = WhatIsDue {
                runnable: wait.runnable,
                events: self.host.event.is_none() && (core.has_events() || has_interest),
                asks: self.host.fed.is_none() && core.has_asks(),
                batch: self.bracket.get(),
            };
            self.noted(|notes| {
                let cx = &mut notes.cx;
                notes.times.ends(wait.deadline);
                notes.statuses.look(cx, status);
                notes.neglect.look(cx, state);
                if cx.now.since(notes.last_look) >= LOOK_EVERY {
                    notes.last_look = cx.now;
                    notes.descriptors.look(cx);
                    notes.tasks.look(cx, |conn, task| {
                        let conn = Id::from_bits(conn)?;
                        match task {
                            Task::Read => core.read_of(conn),
                            Task::Write => core.written_of(conn),
                            Task::Answer(ticket) => core.awaits_answer(conn, ticket).then_some(0),
                        }
                    });
                }
                sentences = cx.log.take();
            });
        }
        for sentence in sentences {
            self.log(&sentence);
        }
    }

    /// Notes something, if the host is checked.
    #[inline]
    fn noted(&self, note: impl FnOnce(&mut Notes)) {
        if let Some(checker) = &self.checker {
            checker.note(self.time_of_checks(), note);
        }
    }

    /// The time that bounds count: the host's own, or else that of the system, also inside of a call.
    fn time_of_checks(&self) -> Time {
        match self.host.now_ns {
            0 => crate::sys::monotonic(),
            _ => self.clock.last(),
        }
    }
}
