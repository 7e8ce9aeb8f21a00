//! Points in time and spans, in nanoseconds of the host's monotonic clock. The core is told the
//! time with every input and never reads a clock.

use std::ops::{Add, Sub};

/// Nanoseconds in a millisecond: the tick of the timer wheel.
pub const MILLISECOND: u64 = 1_000_000;
/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000 * MILLISECOND;

/// A point on the host's monotonic clock, in nanoseconds since an origin the host chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// Later than any point that is ever reached: "no deadline".
    pub const NEVER: Self = Self(u64::MAX);

    /// The span from `earlier` to here, in nanoseconds; 0 when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for Time {
    type Output = Self;

    /// The point `nanoseconds` later; [`Time::NEVER`] stays what it is.
    fn add(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }
}

impl Sub<u64> for Time {
    type Output = Self;

    fn sub(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_sub(nanoseconds))
    }
}
