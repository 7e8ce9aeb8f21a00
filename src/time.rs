//! Points in time and spans, in nanoseconds of the host's monotonic clock. The engine gets the time
//! with every input and never reads a clock.

use std::fmt;
use std::ops::{Add, Sub};

/// Nanoseconds in a millisecond: the tick of the timer wheel.
pub const MILLISECOND: u64 = 1_000_000;
/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000 * MILLISECOND;

/// A span that never ends, in nanoseconds: no bound.
pub const FOREVER: u64 = u64::MAX;

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

    /// The point `nanoseconds` later. It saturates: [`Time::NEVER`] stays, and [`FOREVER`] gives
    /// [`Time::NEVER`].
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

/// A second of the calendar, since 1970 in UTC; displayed as `2033-05-18 03:33:20 UTC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub u64);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PER_DAY: u64 = 24 * 60 * 60;
        /// From 0000-03-01 to 1970-01-01. With years that begin in March the leap day is the last.
        const DAYS_TO_EPOCH: u64 = 719_468;
        /// The calendar repeats after 400 years, of which 97 have a leap day.
        const PER_ERA: u64 = 400 * 365 + 97;
        const PER_CENTURY: u64 = 100 * 365 + 24;
        const PER_LEAP: u64 = 4 * 365 + 1;
        let days = self.0 / PER_DAY + DAYS_TO_EPOCH;
        let (era, day) = (days / PER_ERA, days % PER_ERA);
        let year = (day - day / (PER_LEAP - 1) + day / PER_CENTURY - day / (PER_ERA - 1)) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        // From March on, months have 31, 30, 31, 30, 31 days in turn: 153 in five.
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = 400 * era + year + carry;
        let second = self.0 % PER_DAY;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_since_1970_are_shown_as_a_date_of_the_calendar() {
        for (seconds, shown) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_799, "2000-02-29 23:59:59 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (2_000_000_000, "2033-05-18 03:33:20 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (4_107_542_399, "2100-02-28 23:59:59 UTC"),
            (253_402_300_799, "9999-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(Date(seconds).to_string(), shown);
        }
    }
}
