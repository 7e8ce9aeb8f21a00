//! The times that drive calls are given, and the deadlines that they come after.

use std::fmt::Display;

use super::circumstances::Circumstances;
use super::text::Span;
use super::violation::Violation;
use crate::time::{MILLISECOND, SECOND, Time};

/// How late a deadline may be served: hosts are busy, and stopped by debuggers.
pub(super) const DEADLINE_LATE: u64 = 5 * SECOND;
/// How far ahead of CLOCK_MONOTONIC a time may be. Nobody can have read a later one.
pub(super) const AHEAD: u64 = 100 * MILLISECOND;
/// How far behind: a host may read the clock once for a batch that takes long.
pub(super) const BEHIND: u64 = 10 * SECOND;
/// How far one time may be before the last: those in one batch may be read before it and in it.
pub(super) const BACK: u64 = SECOND;

/// What the host was told, and has told.
#[derive(Debug)]
pub(super) struct Times {
    is_own: bool,
    last: Option<Time>,
    deadline: Option<Time>,
}

impl Times {
    pub(super) const fn new(is_own: bool) -> Self {
        Self { is_own, last: None, deadline: None }
    }

    /// A drive call is given this time.
    pub(super) fn told(&mut self, cx: &mut Circumstances, now_ns: u64) {
        if now_ns == 0 {
            if self.is_own {
                cx.report(Violation::NoTime, &[]);
            }
            return;
        }
        let time = Time(now_ns);
        if !self.is_own {
            check_clock(cx, time);
        }
        let back = self.last.map_or(0, |last| last.since(time));
        self.last = Some(time);
        if back > BACK {
            cx.report(Violation::ClockBack, &[("span", &Span(back))]);
        }
    }

    /// A drive call begins at `now`; `next` is the engine's deadline, which calls of the host may have moved
    /// since it was told.
    pub(super) fn begins(&mut self, cx: &mut Circumstances, now: Time, next: Option<Time>) {
        let (Some(told), Some(next)) = (self.deadline.take(), next) else { return };
        let late = now.since(told.max(next));
        if late > DEADLINE_LATE {
            cx.report(Violation::DeadlineMissed, &[("span", &Span(late))]);
        }
    }

    /// A drive call has told the host this deadline.
    pub(super) const fn ends(&mut self, deadline: Option<Time>) {
        self.deadline = deadline;
    }
}

fn check_clock(cx: &mut Circumstances, time: Time) {
    let true_time = cx.kernel.monotonic();
    let (ahead, behind) = (time.since(true_time), true_time.since(time));
    let (span, side) = match ahead > behind {
        true => (ahead, "ahead of"),
        false => (behind, "behind"),
    };
    if ahead > AHEAD || behind > BEHIND {
        let values: [(&str, &dyn Display); 2] = [("span", &Span(span)), ("side", &side)];
        cx.report(Violation::OtherClock, &values);
    }
}
