//! Calls that a host is to make and does not, while it makes drive calls.

use std::fmt::Display;

use super::circumstances::Circumstances;
use super::text::Span;
use super::violation::Violation;
use crate::time::{SECOND, Time};

/// How long a call may be missing, and how many drive calls may come without it: those of the results of one
/// poll come in a row, and may each take their time.
pub(super) const NEGLECT_SPAN: u64 = 2 * SECOND;
pub(super) const NEGLECT_CALLS: u64 = 100;
/// The same for the end of a batch, which may be a long one.
pub(super) const BATCH_SPAN: u64 = 10 * SECOND;

/// A call that is due.
#[derive(Debug)]
pub(super) struct DueCall {
    violation: Violation,
    most: u64,
    /// Since when, and after how many drive calls.
    since: Option<(Time, u64)>,
}

impl DueCall {
    const fn new(violation: Violation, most: u64) -> Self {
        Self { violation, most, since: None }
    }

    /// The call was made.
    pub(super) const fn done(&mut self) {
        self.since = None;
    }

    fn look(&mut self, cx: &mut Circumstances, is_due: bool) {
        if !is_due {
            return self.done();
        }
        let (since, calls) = self.since.get_or_insert((cx.now, 0));
        *calls += 1;
        let span = cx.now.since(*since);
        if span > self.most && *calls > NEGLECT_CALLS {
            let values: [(&str, &dyn Display); 2] = [("span", &Span(span)), ("count", calls)];
            cx.report(self.violation, &values);
        }
    }
}

/// What is due after a drive call.
#[derive(Clone, Copy, Debug)]
pub(in crate::ffi) struct WhatIsDue {
    pub(in crate::ffi) runnable: bool,
    /// Events, or interest, that are to be pulled.
    pub(in crate::ffi) events: bool,
    pub(in crate::ffi) asks: bool,
    pub(in crate::ffi) batch: bool,
}

/// The calls that are due.
#[derive(Debug)]
pub(super) struct Neglect {
    pub(super) run: DueCall,
    pub(super) next: DueCall,
    pub(super) asks: DueCall,
    batch: DueCall,
}

impl Neglect {
    pub(super) const fn new() -> Self {
        Self {
            run: DueCall::new(Violation::NeverRun, NEGLECT_SPAN),
            next: DueCall::new(Violation::NotPulled, NEGLECT_SPAN),
            asks: DueCall::new(Violation::AsksNotTaken, NEGLECT_SPAN),
            batch: DueCall::new(Violation::BatchNotEnded, BATCH_SPAN),
        }
    }

    /// A drive call has ended.
    pub(super) fn look(&mut self, cx: &mut Circumstances, state: WhatIsDue) {
        // Events and asks that nobody takes make the engine RUNNABLE as well.
        self.run.look(cx, state.runnable && !state.events && !state.asks);
        self.next.look(cx, state.events);
        self.asks.look(cx, state.asks);
        self.batch.look(cx, state.batch);
    }
}
