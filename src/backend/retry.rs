//! What to do after an attempt that failed.

use crate::time::{FOREVER, SECOND};

/// Whether a stream may go to another server than the one it was given first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Redispatch {
    /// It stays with the first server.
    Never,
    /// The last attempt is made on another server, and so is every attempt once the first can no longer
    /// be used.
    #[default]
    Last,
}

/// How often an attempt is repeated, and on which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retries {
    /// How many attempts may follow the first.
    pub(crate) retries: u32,
    /// Whether another server may be tried.
    pub(crate) redispatch: Redispatch,
    /// The turn-around delay: how long after a failure the same server is not tried again, in
    /// nanoseconds.
    pub(crate) delay: u64,
}

impl Default for Retries {
    fn default() -> Self {
        Self { retries: 3, redispatch: Redispatch::Last, delay: turn_around(FOREVER) }
    }
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// Try the same server, this many nanoseconds later.
    SameServer(u64),
    /// Try another server, at once.
    AnotherServer,
    /// Try no server any more.
    GiveUp,
}

/// A failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FailedAttempt {
    /// Attempts made so far, this one among them.
    pub(crate) attempts: u32,
    /// Whether it failed on our side. Then another server would not help, and the failure shows nothing
    /// about this one.
    pub(crate) is_local: bool,
    /// Whether the server still takes streams that insist on it.
    pub(crate) serves: bool,
}

impl Retries {
    /// What to do after `failure`.
    #[must_use]
    pub(crate) const fn after(&self, failure: FailedAttempt) -> RetryDecision {
        if failure.attempts > self.retries {
            return RetryDecision::GiveUp;
        }
        let is_last = failure.attempts == self.retries;
        match self.redispatch {
            Redispatch::Last if !failure.serves || (is_last && !failure.is_local) => {
                RetryDecision::AnotherServer
            }
            Redispatch::Never if !failure.serves => RetryDecision::GiveUp,
            _ => RetryDecision::SameServer(self.delay),
        }
    }
}

/// The turn-around delay for a connect timeout: a second, or the timeout if that is shorter. Both are in
/// nanoseconds.
#[must_use]
pub(crate) const fn turn_around(connect_timeout: u64) -> u64 {
    if connect_timeout > SECOND { SECOND } else { connect_timeout }
}

#[cfg(test)]
mod tests {
    use super::RetryDecision::{AnotherServer, GiveUp, SameServer};
    use super::*;
    use crate::time::MILLISECOND;

    /// The decisions after each of `n` failed attempts with these properties.
    fn course(
        retries: u32,
        redispatch: Redispatch,
        is_local: bool,
        serves: bool,
    ) -> Vec<RetryDecision> {
        let policy = Retries { retries, redispatch, delay: 7 };
        (1..=retries + 1)
            .map(|attempts| policy.after(FailedAttempt { attempts, is_local, serves }))
            .collect()
    }

    #[test]
    fn the_last_attempt_is_made_on_another_server() {
        let course = |retries| course(retries, Redispatch::Last, false, true);
        assert_eq!(course(3), [SameServer(7), SameServer(7), AnotherServer, GiveUp]);
        assert_eq!(course(1), [AnotherServer, GiveUp]);
        assert_eq!(course(0), [GiveUp]);
    }

    #[test]
    fn without_redispatch_every_attempt_is_made_on_the_same_server() {
        let course = course(2, Redispatch::Never, false, true);
        assert_eq!(course, [SameServer(7), SameServer(7), GiveUp]);
    }

    #[test]
    fn a_server_that_is_gone_is_not_waited_for() {
        let gone = |redispatch| course(2, redispatch, false, false);
        assert_eq!(gone(Redispatch::Last), [AnotherServer, AnotherServer, GiveUp]);
        assert_eq!(gone(Redispatch::Never), [GiveUp, GiveUp, GiveUp]);
    }

    #[test]
    fn a_failure_on_our_side_goes_nowhere_else_and_ends_after_the_last_attempt() {
        let course = course(2, Redispatch::Last, true, true);
        assert_eq!(course, [SameServer(7), SameServer(7), GiveUp]);
    }

    #[test]
    fn attempts_beyond_all_that_were_allowed_end_it() {
        let policy = Retries { retries: 2, ..Retries::default() };
        let failure = FailedAttempt { attempts: u32::MAX, is_local: false, serves: true };
        assert_eq!(policy.after(failure), GiveUp);
    }

    #[test]
    fn the_turn_around_is_a_second_or_the_connect_timeout_if_that_is_shorter() {
        for (timeout, delay) in [
            (FOREVER, SECOND),
            (200 * MILLISECOND, 200 * MILLISECOND),
            (SECOND, SECOND),
            (9 * SECOND, SECOND),
        ] {
            assert_eq!(turn_around(timeout), delay);
        }
    }
}
