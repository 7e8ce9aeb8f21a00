//! Whether a server is up, concluded from checks and connection attempts.

use crate::random::Random;
use crate::time::{MILLISECOND, SECOND, Time};

/// How a server is checked. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checks {
    /// From the beginning of one check to the beginning of the next, at least a millisecond. A
    /// check that takes longer delays the next one.
    pub(crate) interval: u64,
    /// The interval while the server is down, if it differs.
    pub(crate) down_interval: Option<u64>,
    /// By how many percent an interval may be longer or shorter, so that many servers, or many
    /// programs with one server, do not check at the same moment. At most 100.
    pub(crate) jitter: u8,
    /// How long a check may take.
    pub(crate) timeout: u64,
    /// How many checks in a row must pass for a server that is down to go up; at least 1.
    pub(crate) rise: u32,
    /// How many checks in a row must fail for a server that is up to go down; at least 1.
    pub(crate) fall: u32,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            interval: 2 * SECOND,
            down_interval: None,
            jitter: 10,
            timeout: 2 * SECOND,
            rise: 2,
            fall: 3,
        }
    }
}

/// What makes a server that is down go up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// Checks, which also make it go down.
    Checks(Checks),
    /// Time: after this many nanoseconds it is tried with real streams, and the first failure makes it
    /// go down again.
    Trial(u64),
}

/// How the health of a server is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HealthConfig {
    /// How many connection attempts in a row must fail for the server to go down; with `u32::MAX` no
    /// number of them does.
    pub(crate) connect_errors: u32,
    /// What makes it go up again.
    pub(crate) recovery: Recovery,
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self { connect_errors: u32::MAX, recovery: Recovery::Trial(10 * SECOND) }
    }
}

/// The outcome of a check or a connection attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// It succeeded.
    Succeeded,
    /// It failed because of the server or the network path to it.
    Failed,
    /// It failed on our side (for example because no descriptor was left), which shows nothing about the
    /// server.
    Local,
}

/// Why a server went up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rise {
    /// Enough checks passed.
    Checks,
    /// It has been down long enough to be tried.
    Trial,
}

/// Why a server went down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fall {
    /// Enough checks failed.
    Checks,
    /// Enough connection attempts failed.
    ConnectErrors,
}

/// A change of health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    /// The server is up now.
    Up(Rise),
    /// The server is down now.
    Down(Fall),
}

/// What an engine has found of the health of a server, for the others of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HealthVerdict {
    /// Whether the server is up.
    pub(crate) up: bool,
    /// Whether checks have found that.
    pub(crate) by_checks: bool,
}

impl From<Transition> for HealthVerdict {
    fn from(transition: Transition) -> Self {
        match transition {
            Transition::Up(rise) => Self { up: true, by_checks: rise == Rise::Checks },
            Transition::Down(fall) => Self { up: false, by_checks: fall == Fall::Checks },
        }
    }
}

impl From<HealthVerdict> for Transition {
    fn from(verdict: HealthVerdict) -> Self {
        match (verdict.up, verdict.by_checks) {
            (true, true) => Self::Up(Rise::Checks),
            (true, false) => Self::Up(Rise::Trial),
            (false, true) => Self::Down(Fall::Checks),
            (false, false) => Self::Down(Fall::ConnectErrors),
        }
    }
}

/// A check that was begun. Its result is reported together with it; only the first report counts.
#[derive(Debug)]
#[must_use = "no other check begins before this one's result is told"]
pub(crate) struct Check {
    round: u32,
    /// When the check has failed if there is no result; [`Time::NEVER`] if it has no timeout.
    pub(crate) deadline: Time,
}

/// What is to be done about the health of a server.
#[derive(Debug)]
pub(crate) enum Work {
    /// A check is to be made.
    Check(Check),
    /// The health has changed because of the time alone.
    Changed(Transition),
}

/// The health of one server.
#[derive(Debug)]
pub(crate) struct Health {
    config: HealthConfig,
    up: bool,
    /// How many checks in a row contradicted `up`.
    against: u32,
    /// How many connection attempts in a row failed.
    errors: u32,
    /// When something is to be done.
    due: Time,
    /// Whether another engine makes the checks, and this one learns what they say.
    checked_elsewhere: bool,
    /// When the check that is in progress began.
    begun: Option<Time>,
    /// The number of the current check: the result of an older one is ignored.
    round: u32,
    random: Random,
}

impl Health {
    /// A server is up until checks or connection attempts make it go down. The jitter comes from `seed`.
    pub(super) fn new(config: HealthConfig, seed: u64, now: Time) -> Self {
        let random = Random::new(seed);
        let mut health = Self {
            config,
            up: true,
            against: 0,
            errors: 0,
            due: Time::NEVER,
            checked_elsewhere: false,
            begun: None,
            round: 0,
            random,
        };
        health.schedule_first(now);
        health
    }

    pub(super) const fn is_up(&self) -> bool {
        self.up
    }

    /// Whether checks decide, wherever they are made.
    pub(super) const fn is_checked(&self) -> bool {
        matches!(self.config.recovery, Recovery::Checks(_))
    }

    /// Another engine makes the checks from now on: those of this one stop, without a result.
    pub(super) const fn check_elsewhere(&mut self) {
        self.checked_elsewhere = true;
        if self.is_checked() {
            self.pause();
        }
    }

    /// This engine makes the checks from now on, unless they are paused.
    pub(super) fn check_here(&mut self, is_paused: bool, now: Time) {
        self.checked_elsewhere = false;
        if !is_paused {
            self.schedule_first(now);
        }
    }

    /// Another engine has found the server up or down, by checks or not.
    pub(super) fn learn(&mut self, verdict: HealthVerdict, now: Time) -> Option<Transition> {
        if verdict.up == self.up {
            return None;
        }
        match (verdict.up, verdict.by_checks) {
            (true, false) => self.try_again(),
            (up, _) => (self.up, self.against, self.errors) = (up, 0, 0),
        }
        if let Recovery::Checks(checks) = self.config.recovery {
            self.check_sooner(&checks, now);
        }
        Some(verdict.into())
    }

    /// When [`Health::run`] has something to do; [`Time::NEVER`] if nothing is scheduled.
    pub(super) const fn due(&self) -> Time {
        self.due
    }

    /// What is to be done at `now`, if anything.
    pub(super) fn run(&mut self, now: Time) -> Option<Work> {
        if now < self.due {
            return None;
        }
        self.due = Time::NEVER;
        match self.config.recovery {
            Recovery::Checks(checks) => Some(Work::Check(self.begin(&checks, now))),
            Recovery::Trial(_) => {
                self.try_again();
                Some(Work::Changed(Transition::Up(Rise::Trial)))
            }
        }
    }

    /// Whether the result of a check is expected. It is not if the check began before [`Health::pause`].
    pub(super) fn awaits(&self, check: &Check) -> bool {
        self.begun.is_some() && check.round == self.round
    }

    /// Records the result of a check. One that is not expected is ignored.
    pub(super) fn checked(
        &mut self,
        check: &Check,
        outcome: AttemptOutcome,
        now: Time,
    ) -> Option<Transition> {
        let Recovery::Checks(checks) = self.config.recovery else { return None };
        let begun = self.begun.filter(|_| self.awaits(check))?;
        self.begun = None;
        let transition = self.judge(&checks, outcome);
        // The interval is the one for the state after this result.
        self.due = (begun + self.interval(&checks)).max(now);
        transition
    }

    /// Records the outcome of a connection attempt. A success does not make a server go up: the attempt
    /// may have begun long before the server went down.
    pub(super) fn connected(&mut self, outcome: AttemptOutcome, now: Time) -> Option<Transition> {
        match outcome {
            AttemptOutcome::Local => return None,
            AttemptOutcome::Succeeded => {
                self.errors = 0;
                return None;
            }
            AttemptOutcome::Failed => self.errors = self.errors.saturating_add(1),
        }
        let limit = self.config.connect_errors;
        if !self.up || limit == u32::MAX || self.errors < limit {
            return None;
        }
        (self.up, self.against) = (false, 0);
        match self.config.recovery {
            Recovery::Trial(after) => self.due = now + after,
            Recovery::Checks(checks) => self.check_sooner(&checks, now),
        }
        Some(Transition::Down(Fall::ConnectErrors))
    }

    /// Stops the checks, and ignores results until [`Health::resume`].
    pub(super) const fn pause(&mut self) {
        self.begun = None;
        self.due = Time::NEVER;
    }

    /// The server is up again, on trial.
    pub(super) fn resume(&mut self, now: Time) {
        self.try_again();
        self.schedule_first(now);
    }

    /// Up, but the first failure of any kind makes it go down.
    fn try_again(&mut self) {
        self.up = true;
        self.errors = self.config.connect_errors.saturating_sub(1);
        self.against = match self.config.recovery {
            Recovery::Checks(checks) => checks.fall.saturating_sub(1),
            Recovery::Trial(_) => 0,
        };
    }

    /// The next check comes at the interval of the present state. If a check is in progress, its result
    /// sets that time; if none is scheduled, none is made here.
    fn check_sooner(&mut self, checks: &Checks, now: Time) {
        if self.begun.is_none() && self.due != Time::NEVER {
            self.due = self.due.min(now + self.interval(checks));
        }
    }

    /// Schedules the first check: at once, with the jitter added.
    fn schedule_first(&mut self, now: Time) {
        if let Recovery::Checks(checks) = self.config.recovery
            && !self.checked_elsewhere
        {
            self.due = now + self.random.below(spread(&checks, checks.interval).saturating_add(1));
        }
    }

    fn begin(&mut self, checks: &Checks, now: Time) -> Check {
        self.begun = Some(now);
        self.round = self.round.wrapping_add(1);
        Check { round: self.round, deadline: now + checks.timeout }
    }

    fn judge(&mut self, checks: &Checks, outcome: AttemptOutcome) -> Option<Transition> {
        let (speaks_against, enough) = match (outcome, self.up) {
            (AttemptOutcome::Local, _) => return None,
            (AttemptOutcome::Failed, up) => (up, checks.fall),
            (AttemptOutcome::Succeeded, up) => (!up, checks.rise),
        };
        self.against = if speaks_against { self.against.saturating_add(1) } else { 0 };
        if self.against < enough.max(1) {
            return None;
        }
        (self.up, self.against, self.errors) = (!self.up, 0, 0);
        Some(if self.up { Transition::Up(Rise::Checks) } else { Transition::Down(Fall::Checks) })
    }

    /// The interval that applies now, with the jitter.
    fn interval(&mut self, checks: &Checks) -> u64 {
        let interval = match checks.down_interval {
            Some(interval) if !self.up => interval,
            _ => checks.interval,
        };
        let spread = spread(checks, interval);
        let jittered = (interval - spread)
            .saturating_add(self.random.below(spread.saturating_mul(2).saturating_add(1)));
        jittered.max(MILLISECOND)
    }
}

/// By how much an interval may deviate, in nanoseconds.
fn spread(checks: &Checks, interval: u64) -> u64 {
    interval / 100 * u64::from(checks.jitter.min(100))
}
