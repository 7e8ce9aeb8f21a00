//! How often something happened within the last period, computed from three numbers.
//!
//! Time is divided into periods that follow each other, the first one beginning with the first event.
//! Two counts are kept: of the current period and of the one before. A window one period long that ends
//! now covers all of the current period and a part of the previous one, so the rate is
//!
//! ```text
//! current + previous × (period − elapsed) / period        (rounded down)
//! ```
//!
//! where `elapsed` is how much of the current period has passed. The events of the previous period are
//! taken as spread evenly over it: the result is exact while they were, and off by at most `previous`.
//!
//! One case is not scaled: a single event in the previous period and none since counts as one until that
//! whole period is outside the window. Scaled it would be zero at once, and a rule for a rate above zero
//! would apply for a moment only.

use std::cell::Cell;

use crate::time::{SECOND, Time};

/// How many words of an entry a rate takes.
pub(super) const WORDS: usize = 3;

/// The three words of one rate, as they are stored in an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    /// When the current period began.
    start: Time,
    /// What was counted since.
    current: u64,
    /// What was counted in the previous period.
    previous: u64,
}

impl Rate {
    /// The rate from the words of an entry.
    pub(super) const fn of(words: [u64; WORDS]) -> Self {
        Self { start: Time(words[0]), current: words[1], previous: words[2] }
    }

    /// The words to be stored in an entry.
    pub(super) const fn words(self) -> [u64; WORDS] {
        [self.start.0, self.current, self.previous]
    }

    /// A rate that is `count` now.
    pub(super) const fn starting(count: u64, now: Time) -> Self {
        Self { start: now, current: count, previous: 0 }
    }

    /// The rate with `count` more events at `now`.
    pub(super) fn plus(self, count: u64, now: Time, period: u64) -> Self {
        if count == 0 {
            return self;
        }
        let mut rate = self.at(now, period);
        rate.current = rate.current.saturating_add(count);
        rate
    }

    /// Events within the period that ends at `now`.
    pub(super) fn read(self, now: Time, period: u64) -> u64 {
        let Self { start, current, previous } = self.at(now, period);
        if current == 0 && previous <= 1 {
            return previous;
        }
        let left = period.saturating_sub(now.since(start));
        let scaled = u128::from(previous) * u128::from(left) / u128::from(period.max(1));
        // At most `previous`, since no more than the period is left of it.
        current.saturating_add(scaled as u64)
    }

    /// This rate, moved on to the period that is current at `now`.
    fn at(self, now: Time, period: u64) -> Self {
        let elapsed = now.since(self.start);
        let is_idle = self.current == 0 && self.previous == 0;
        if is_idle || elapsed / 2 >= period {
            Self::starting(0, now)
        } else if elapsed >= period {
            Self { start: self.start + period, current: 0, previous: self.current }
        } else {
            self
        }
    }
}

/// How often something happened within the last second.
#[derive(Debug, Default)]
pub(crate) struct PerSecond(Cell<Rate>);

impl PerSecond {
    /// It happens once more.
    pub(crate) fn count(&self, now: Time) {
        self.0.set(self.0.get().plus(1, now, SECOND));
    }

    /// How often it happened within the second that ends now.
    pub(crate) fn get(&self, now: Time) -> u64 {
        self.0.get().read(now, SECOND)
    }
}
