//! The idle timeout of a session of the host's: how long no byte may be read or written.
//!
//! Activity only stores a time. A timer that fires before the deadline is set again by the drive after it.

use super::{Cause, Conn, Ending, Flags, Why};
use crate::time::{MILLISECOND, Time};

impl Conn {
    /// Sets the bound, in nanoseconds from now on, or ends it.
    pub(crate) fn bound_idle_time(&mut self, now: Time, timeout: Option<u64>) {
        self.flags.set(Flags::IDLE_BOUND, timeout.is_some());
        if timeout.is_some() || self.facts.rare.is_some() {
            self.facts.rare_mut().idle_timeout = timeout;
        }
        self.rest(now);
    }

    /// A byte was read or written.
    pub(crate) fn was_active(&mut self, now: Time) {
        if self.flags.contains(Flags::IDLE_BOUND) {
            self.rest(now);
        }
    }

    /// Nothing but the idle timeout bounds the session from now on. Operations have deadlines of their own.
    pub(super) fn rest(&mut self, now: Time) {
        if self.word.is_opening() || self.word.is_closing() || self.holds() {
            return;
        }
        let timeout = self.facts.rare.as_ref().and_then(|rare| rare.idle_timeout);
        self.deadline = timeout.map_or(Time::NEVER, |timeout| now + timeout);
    }

    /// The time has passed: the session ends in order, and says why.
    pub(super) fn was_idle(&mut self) {
        let timeout = self.facts.rare.as_ref().and_then(|rare| rare.idle_timeout).unwrap_or(0);
        let ms = timeout / MILLISECOND;
        let text = format!("no byte was read or written for {ms} ms, the session's timeout");
        self.end(Ending::Orderly, Some(Box::new(Cause::new(None, Why::Idle).because(text))));
    }
}
