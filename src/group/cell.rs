//! What the members of a group tell each other of one server.

use crate::sync::{AtomicU32, Ordering};

/// Nobody makes the checks.
const NOBODY: u32 = 0;

/// A word that any member reads and changes, and who makes the checks. Members number from 1.
///
/// A member that has changed the word wakes the others, and each reads it when it is woken: whoever
/// changes it last, all end with what the word says.
#[derive(Debug)]
pub(crate) struct ServerCell {
    word: AtomicU32,
    checker: AtomicU32,
}

impl ServerCell {
    pub(crate) fn new(word: u32) -> Self {
        Self { word: AtomicU32::new(word), checker: AtomicU32::new(NOBODY) }
    }

    pub(crate) fn word(&self) -> u32 {
        self.word.load(Ordering::Acquire)
    }

    /// Sets the bits of `mask` to those of `bits`, and returns whether they were others. What another
    /// member sets of the other bits at the same time is kept.
    pub(crate) fn change(&self, mask: u32, bits: u32) -> bool {
        let changed = |word: u32| {
            let new = word & !mask | bits & mask;
            (new != word).then_some(new)
        };
        self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, changed).is_ok()
    }

    /// Whether this member makes the checks from now on: one does at a time.
    pub(crate) fn claim(&self, member: u32) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        self.checker.compare_exchange(NOBODY, member, success, failure).is_ok()
    }

    /// This member makes the checks no more, if it did; returns whether it did.
    pub(crate) fn release(&self, member: u32) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        self.checker.compare_exchange(member, NOBODY, success, failure).is_ok()
    }
}
