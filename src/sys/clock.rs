//! The monotonic clock, for calls of the host that give no time, and the time of day, which only
//! certificates and session tickets ask for.
#![allow(unsafe_code)]

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::time::{SECOND, Time};

/// Now, by CLOCK_MONOTONIC.
#[must_use]
pub fn monotonic() -> Time {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local that outlives the call.
    let _always_0 = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    // Neither part is ever negative: the clock starts at boot.
    Time(now.tv_sec.cast_unsigned() * SECOND + now.tv_nsec.cast_unsigned())
}

/// Where the time of day comes from: [`WallClock`] in production, a number in tests.
pub trait WallTime: fmt::Debug + Send + Sync {
    /// Seconds since 1970-01-01 00:00 UTC.
    fn unix_seconds(&self) -> u64;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

impl WallTime for WallClock {
    /// A clock set before 1970 reads as 0.
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that asks the system for the time of day"
    )]
    fn unix_seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_and_never_back() {
        let start = monotonic();
        assert!(start > Time(0));
        let mut before = start;
        while before == start {
            let now = monotonic();
            assert!(now >= before);
            before = now;
        }
    }
}
