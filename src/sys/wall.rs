//! The time of day, which only certificates and session tickets ask for.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

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
