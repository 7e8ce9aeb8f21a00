//! What the host was told of sessions and asked by handlers, and whether it goes on.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::circumstances::Circumstances;
use super::text::{ConnectionName, Span};
use super::violation::Violation;
use crate::time::{SECOND, Time};

/// How long a session may be left unread after READABLE, or unwritten after WRITABLE: both may be meant.
pub(super) const LEFT_SPAN: u64 = 60 * SECOND;
/// How long an answer may take that was announced with VST_NEXT_LATER. It is less than the default of
/// timeout_opening_ns, which would end the connection.
pub(super) const ANSWER_SPAN: u64 = 20 * SECOND;

/// Something that the host is to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ffi) enum Task {
    Read,
    Write,
    /// To answer, with this ticket.
    Answer(u32),
}

impl Task {
    const fn most(self) -> u64 {
        match self {
            Self::Read | Self::Write => LEFT_SPAN,
            Self::Answer(_) => ANSWER_SPAN,
        }
    }

    const fn violation(self) -> Violation {
        match self {
            Self::Read => Violation::NobodyReads,
            Self::Write => Violation::NobodyWrites,
            Self::Answer(_) => Violation::NeverAnswered,
        }
    }
}

/// The tasks of a host, each with when it got it and how far it was then.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    open: BTreeMap<(u64, Task), (Time, Option<u64>)>,
}

impl Tasks {
    pub(super) fn add(&mut self, now: Time, connection: u64, task: Task) {
        self.open.insert((connection, task), (now, None));
    }

    /// Drops what is done. `progress` tells how far the host is with a task, `None` when there is no such task
    /// any more.
    pub(super) fn look(
        &mut self,
        cx: &mut Circumstances,
        progress: impl Fn(u64, Task) -> Option<u64>,
    ) {
        self.open.retain(|&(connection, task), (since, before)| {
            let Some(now) = progress(connection, task) else { return false };
            if *before.get_or_insert(now) != now {
                return false;
            }
            let span = cx.now.since(*since);
            if span <= task.most() {
                return true;
            }
            let ticket = if let Task::Answer(ticket) = task { ticket } else { 0 };
            let values: [(&str, &dyn Display); 3] = [
                ("connection", &ConnectionName(connection)),
                ("span", &Span(span)),
                ("count", &ticket),
            ];
            cx.report(task.violation(), &values);
            false
        });
    }
}
