//! The sentences that wait for the log, each kind at most once a second.

use std::fmt::Display;

use super::violation::{Violation, fill};
use crate::time::{SECOND, Time};

/// The time between two sentences of one kind.
const AT_MOST_EVERY: u64 = SECOND;

#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    /// When one of the kind was reported last.
    last: Option<Time>,
    /// How many were not since.
    suppressed: u64,
}

/// What there is to report.
#[derive(Debug)]
pub(super) struct Log {
    kinds: [Kept; Violation::COUNT],
    waiting: Vec<String>,
}

impl Log {
    pub(super) const fn new() -> Self {
        Self { kinds: [Kept { last: None, suppressed: 0 }; Violation::COUNT], waiting: Vec::new() }
    }

    /// Reports a violation, or counts it if one of its kind was reported a moment ago.
    pub(super) fn add(&mut self, now: Time, violation: Violation, values: &[(&str, &dyn Display)]) {
        let kept = &mut self.kinds[violation as usize];
        if kept.last.is_some_and(|last| now.since(last) < AT_MOST_EVERY) {
            kept.suppressed += 1;
            return;
        }
        kept.last = Some(now);
        let mut text = fill(violation, values);
        match std::mem::take(&mut kept.suppressed) {
            0 => {}
            n => text += &format!(" ({n} more of this kind before)"),
        }
        self.waiting.push(text);
    }

    /// What is to be written into the host's log.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.waiting)
    }
}
