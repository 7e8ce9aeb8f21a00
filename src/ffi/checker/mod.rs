//! Whether the host keeps its contract (VST_ENGINE_CHECKED): what it does is noted, and what breaks the
//! contract becomes a sentence for its log that says what to do. `ffi/checks.rs` is where it is noted.
//!
//! Every bound counts the engine's own time, so that a host with a clock of its own moves them. A host that
//! is merely busy, and readiness that is late, repeated, spurious or out of order, break nothing.

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
use self::neglect::Neglect;
pub(super) use self::neglect::WhatIsDue;
pub(super) use self::sessions::Task;
use self::sessions::Tasks;
use self::statuses::Statuses;
pub(super) use self::text::Handle;
use self::text::Span;
use self::violation::{Violation, fill};
use super::status::vst_status;
use crate::ctrl::Io;
use crate::id::Id;
use crate::sys::{Fd, Inspection, KernelInspection, process_id};
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

impl Checker {
    /// The checker of an engine whose clock stands at `now`.
    pub(super) fn new(now: Time, is_own_clock: bool) -> Box<Self> {
        let kernel: Box<dyn Inspection> = Box::new(KernelInspection);
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

    /// Whether this process made the engine.
    pub(super) fn is_own_process(&self) -> bool {
        process_id() == self.process
    }

    /// What is to be said to a child of that process, the first time that it calls.
    pub(super) fn forked(&self) -> Option<String> {
        (!self.has_forked.replace(true)).then(|| fill(Violation::Forked, &[]))
    }

    /// Notes something at `now`. No note is taken while another is.
    pub(super) fn note(&self, now: Time, note: impl FnOnce(&mut Notes)) {
        let Ok(mut notes) = self.notes.try_borrow_mut() else { return };
        notes.cx.now = now;
        note(&mut notes);
    }
}

/// What is noted.
#[derive(Debug)]
pub(super) struct Notes {
    cx: Circumstances,
    descriptors: Announced,
    times: Times,
    neglect: Neglect,
    tasks: Tasks,
    statuses: Statuses,
    last_look: Time,
}

impl Notes {
    /// A drive call is given this time.
    pub(super) fn told(&mut self, now_ns: u64) {
        self.times.told(&mut self.cx, now_ns);
    }

    /// A drive call begins at this point, when the next deadline is `next`.
    pub(super) fn begins(&mut self, now: Time, next: Option<Time>) {
        self.times.begins(&mut self.cx, now, next);
    }

    /// The host has polled since the last call that said so.
    pub(super) const fn polled(&mut self) {
        self.cx.polls += 1;
    }

    /// `vst_engine_run` is called.
    pub(super) const fn runs(&mut self) {
        self.neglect.run.done();
    }

    /// Events are taken.
    pub(super) const fn takes_events(&mut self) {
        self.neglect.next.done();
    }

    /// The asks of fed connections are taken.
    pub(super) const fn takes_asks(&mut self) {
        self.neglect.asks.done();
    }

    /// Readiness is handed in; `moved` tells how many bytes a connection has moved, by its token.
    pub(super) fn ready(&mut self, handle: Handle, events: Io, moved: impl FnOnce(u64) -> u64) {
        self.descriptors.handed_in(&mut self.cx, handle, events, moved);
    }

    /// Readiness is handed in with bits that are none of ours.
    pub(super) fn bits(&mut self, handle: Handle, bits: u32) {
        self.descriptors.refused(&mut self.cx, handle, bits);
    }

    /// An interest is reported.
    pub(super) fn interest(&mut self, fd: Fd, token: Id, mask: Io) {
        self.descriptors.announce(&mut self.cx, fd, token, mask);
    }

    /// The host is to do something with a connection.
    pub(super) fn task(&mut self, connection: u64, task: Task) {
        self.tasks.add(self.cx.now, connection, task);
    }

    /// A callback took so long.
    pub(super) fn callback(&mut self, callback: &'static str, took: u64) {
        if took > CALLBACK_MOST {
            let span = Span(took);
            let violation = Violation::SlowCallback;
            self.cx.report(violation, &[("callback", &callback), ("span", &span)]);
        }
    }

    /// A drive call returns this status and this deadline: what there is to say.
    pub(super) fn driven(
        &mut self,
        status: vst_status,
        deadline: Option<Time>,
        due: WhatIsDue,
        progress: impl Fn(u64, Task) -> Option<u64>,
    ) -> Vec<String> {
        let cx = &mut self.cx;
        self.times.ends(deadline);
        self.statuses.look(cx, status);
        self.neglect.look(cx, due);
        if cx.now.since(self.last_look) >= LOOK_EVERY {
            self.last_look = cx.now;
            self.descriptors.look(cx);
            self.tasks.look(cx, progress);
        }
        cx.log.take()
    }
}
