//! The clock, for entries that were given no time.
#![allow(unsafe_code)]

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
