//! Which clock an engine has, and what its host tells of it.

use std::cell::Cell;

use super::status::{VST_E_MODE, vst_status};
use crate::sys::monotonic;
use crate::time::{SECOND, Time};

/// Two readings of one clock, one after the other, that lie further apart than this are remarkable, in
/// nanoseconds. No host takes so long from reading its clock to telling it.
const JUMP: u64 = 3600 * SECOND;

/// The clock of an engine: CLOCK_MONOTONIC, which the host tells or has us read, or one of the host's
/// own, which it always tells.
pub(super) struct Clock {
    is_own: bool,
    /// Whether the last drive call told no time, so that commands have it read as well.
    reads: Cell<bool>,
    /// The last point there was.
    last: Cell<Time>,
}

/// By how much a clock moved at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jump {
    Ahead(u64),
    Back(u64),
}

impl Clock {
    /// A clock of the host's own that stands at `now_ns`, or, with 0, CLOCK_MONOTONIC.
    pub(super) fn new(now_ns: u64) -> Self {
        let is_own = now_ns != 0;
        let now = if is_own { Time(now_ns) } else { monotonic() };
        Self { is_own, reads: Cell::new(!is_own), last: Cell::new(now) }
    }

    /// The last point there was.
    pub(super) const fn last(&self) -> Time {
        self.last.get()
    }

    /// The point of a command; `None` while that of the last drive call holds.
    pub(super) fn command(&self) -> Option<Time> {
        self.reads.get().then(|| {
            self.last.set(monotonic());
            self.last.get()
        })
    }

    /// The point of a drive call that tells `now_ns`, and whether an own clock jumped.
    ///
    /// # Errors
    /// The engine has another clock than this.
    pub(super) fn drive(&self, now_ns: u64) -> Result<(Time, Option<Jump>), vst_status> {
        if now_ns == 0 {
            if self.is_own {
                return Err(VST_E_MODE);
            }
            self.reads.set(true);
            self.last.set(monotonic());
            return Ok((self.last.get(), None));
        }
        let now = Time(now_ns);
        let jump = jump(self.last.get(), now);
        if jump.is_some() && !self.is_own && self::jump(monotonic(), now).is_some() {
            return Err(VST_E_MODE);
        }
        self.reads.set(false);
        self.last.set(now);
        Ok((now, jump.filter(|_| self.is_own)))
    }
}

const fn jump(from: Time, to: Time) -> Option<Jump> {
    let (ahead, back) = (to.since(from), from.since(to));
    if ahead > JUMP {
        Some(Jump::Ahead(ahead))
    } else if back > JUMP {
        Some(Jump::Back(back))
    } else {
        None
    }
}

impl std::fmt::Display for Jump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (by, what) = match *self {
            Self::Ahead(by) => (by, "went ahead by"),
            Self::Back(by) => (by, "went back by"),
        };
        write!(f, "the clock that drive calls tell {what} {} s at once", by / SECOND)?;
        match self {
            Self::Ahead(_) => f.write_str(": every deadline in between is over"),
            Self::Back(_) => f.write_str(": no deadline comes until it is where it was"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = JUMP;

    #[test]
    fn the_system_s_clock_may_be_told_or_read_in_turn() {
        let clock = Clock::new(0);
        let now = monotonic().0;
        assert_eq!(clock.drive(now), Ok((Time(now), None)));
        assert!(clock.drive(0).is_ok_and(|(at, jump)| at.0 >= now && jump.is_none()));
        assert_eq!(clock.drive(now), Ok((Time(now), None)));
        assert_eq!(clock.drive(now + HOUR), Ok((Time(now + HOUR), None)));
    }

    #[test]
    fn another_clock_than_the_system_s_is_refused_and_changes_nothing() {
        let clock = Clock::new(0);
        let since_1970 = 1_800_000_000 * SECOND;
        assert_eq!(clock.drive(since_1970), Err(VST_E_MODE));
        assert!(clock.command().is_some_and(|at| at < Time(since_1970)));
        assert!(clock.drive(0).is_ok());
        assert_eq!(clock.drive(since_1970), Err(VST_E_MODE));
    }

    #[test]
    fn a_clock_of_the_host_s_own_is_never_read_for_it() {
        let clock = Clock::new(SECOND);
        assert_eq!(clock.command(), None);
        assert_eq!(clock.drive(0), Err(VST_E_MODE));
        assert_eq!(clock.drive(2 * SECOND), Ok((Time(2 * SECOND), None)));
        assert_eq!(clock.drive(0), Err(VST_E_MODE));
        assert_eq!(clock.command(), None);
    }

    #[test]
    fn a_jump_of_more_than_an_hour_is_told_once() {
        let clock = Clock::new(SECOND);
        let jump = |now| clock.drive(now).expect("its own clock").1;
        assert_eq!(jump(SECOND + HOUR), None);
        assert_eq!(jump(SECOND + 2 * HOUR + 1), Some(Jump::Ahead(HOUR + 1)));
        assert_eq!(jump(SECOND + 2 * HOUR + 2), None);
        assert_eq!(jump(SECOND), Some(Jump::Back(2 * HOUR + 2)));
        assert_eq!(jump(SECOND + 1), None);
        let text = Jump::Ahead(2 * HOUR).to_string();
        assert!(text.starts_with("the clock that drive calls tell went ahead by 7200 s"), "{text}");
    }
}
