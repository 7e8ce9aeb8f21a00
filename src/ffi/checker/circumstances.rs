//! What every check looks at: the time, the kernel, how often the host has polled, and where to report.

use std::fmt::Display;

use super::report::Log;
use super::violation::Violation;
use crate::sys::Inspection;
use crate::time::Time;

/// The circumstances of a check.
#[derive(Debug)]
pub(super) struct Circumstances {
    /// Now, by the engine's clock.
    pub(super) now: Time,
    /// How often the host has polled at least.
    pub(super) polls: u64,
    pub(super) kernel: Box<dyn Inspection>,
    pub(super) log: Log,
}

impl Circumstances {
    pub(super) fn new(now: Time, kernel: Box<dyn Inspection>) -> Self {
        Self { now, polls: 0, kernel, log: Log::new() }
    }

    pub(super) fn report(&mut self, violation: Violation, values: &[(&str, &dyn Display)]) {
        self.log.add(self.now, violation, values);
    }
}
