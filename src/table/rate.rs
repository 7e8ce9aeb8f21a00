//! How often something happened within the last period, out of three numbers.
//!
//! Time is cut into periods that follow each other, the first one beginning with the first event.
//! Two counts are kept: of the period that runs and of the one before. A window one period long that
//! ends now covers all of the first and a part of the second, so the rate is
//!
//! ```text
//! current + previous × (period − elapsed) / period        (rounded down)
//! ```
//!
//! where `elapsed` is how far the running period is in. The events of the period before are taken as
//! spread evenly over it: the figure is exact while they were, and off by at most `previous`.
//!
//! One case is not scaled: a single event in the period before and none since counts as one until
//! its whole period has left the window. Scaled down it would be zero at once, and a rule that asks
//! for more than none would see it come and go.

use crate::time::Time;

/// How many words of an entry a rate takes.
pub(super) const WORDS: usize = 3;

/// The three words of one rate, as they are stored in an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// When the running period began.
    start: Time,
    /// What was counted since.
    current: u64,
    /// What was counted in the period before.
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

    /// This rate, moved on to the period that runs at `now`.
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
