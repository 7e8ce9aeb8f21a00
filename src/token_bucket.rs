//! A token bucket: how many bytes may move now, and when the next may.
//!
//! The arithmetic is exact. The bucket counts in units of which a byte takes as many as the period has
//! nanoseconds, so that each nanosecond brings as many units as the limit has bytes: nothing is rounded
//! away, however often the bucket is asked, and the product of two numbers of 64 bits fits one of 128.

use std::num::NonZeroU64;

use crate::time::{MILLISECOND, Time};

/// After all was spent, bytes wait for what comes in this span, in nanoseconds, so that a wake-up is worth it.
const PIECE_SPAN: u64 = 20 * MILLISECOND;
/// The most bytes that are waited for: the payload of one TLS record.
pub(crate) const PIECE_MAX: u64 = 16 * 1024;

/// How many bytes may move in how many nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    bytes: NonZeroU64,
    period: NonZeroU64,
}

impl RateLimit {
    /// So many bytes in a period of so many nanoseconds; `None` when either is 0.
    #[must_use]
    pub const fn new(bytes: u64, period: u64) -> Option<Self> {
        match (NonZeroU64::new(bytes), NonZeroU64::new(period)) {
            (Some(bytes), Some(period)) => Some(Self { bytes, period }),
            _ => None,
        }
    }

    /// The bytes of a period.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.bytes.get()
    }

    /// The period, in nanoseconds.
    #[must_use]
    pub const fn period(self) -> u64 {
        self.period.get()
    }

    /// The fewest bytes that are worth a wake-up: at most half of a period's, and at least one.
    fn piece(self) -> u64 {
        let span = PIECE_SPAN.min(self.period() / 2);
        let worth = product(self.bytes(), span) / u128::from(self.period());
        u64::try_from(worth).map_or(PIECE_MAX, |worth| worth.clamp(1, PIECE_MAX))
    }
}

/// A bucket that holds at most what the limit lets move in one period. More may be spent than it holds:
/// that is paid back before anything else moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenBucket {
    limit: RateLimit,
    /// The units that are missing from a full bucket.
    missing: u128,
    /// When that was so.
    at: Time,
    /// All was spent: no byte moves before there is a piece again.
    is_spent: bool,
}

impl TokenBucket {
    /// A bucket that holds one piece: what had no limit before does not begin with a whole period's.
    pub(crate) fn new(limit: RateLimit, now: Time) -> Self {
        let missing = product(limit.bytes() - limit.piece(), limit.period());
        Self { limit, missing, at: now, is_spent: false }
    }

    /// How many bytes may move at `now`.
    pub(crate) fn allowance(&mut self, now: Time) -> u64 {
        let passed = now.since(self.at);
        self.missing = self.missing.saturating_sub(product(passed, self.limit.bytes()));
        self.at = self.at.max(now);
        let tokens = self.tokens();
        self.is_spent = tokens == 0 || self.is_spent && tokens < self.limit.piece();
        if self.is_spent { 0 } else { tokens }
    }

    /// The limit that it keeps.
    pub(crate) const fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Whether all was spent when it was last asked.
    pub(crate) const fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// So many bytes have moved.
    pub(crate) fn spend(&mut self, bytes: u64) {
        let spent = product(bytes, self.limit.period());
        self.missing = self.missing.saturating_add(spent);
    }

    /// When bytes may move again after all was spent.
    pub(crate) fn resumes_at(&self) -> Time {
        let enough = product(self.limit.bytes() - self.limit.piece(), self.limit.period());
        let wait = self.missing.saturating_sub(enough).div_ceil(u128::from(self.limit.bytes()));
        self.at + u64::try_from(wait).unwrap_or(u64::MAX)
    }

    /// The whole bytes that the bucket held when it was last looked at.
    fn tokens(&self) -> u64 {
        let full = product(self.limit.bytes(), self.limit.period());
        let held = full.saturating_sub(self.missing) / u128::from(self.limit.period());
        // A full bucket holds as many bytes as the limit has.
        u64::try_from(held).unwrap_or(u64::MAX)
    }
}

const fn product(a: u64, b: u64) -> u128 {
    a as u128 * b as u128
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::SECOND;

    const KILOBYTE: u64 = 1000;

    fn limit(bytes: u64, period: u64) -> RateLimit {
        RateLimit::new(bytes, period).expect("neither is 0")
    }

    /// Moves all that is allowed, whenever it is, until `until`.
    fn drain(bucket: &mut TokenBucket, from: Time, until: Time) -> u64 {
        let (mut now, mut moved) = (from, 0);
        while now <= until {
            match bucket.allowance(now) {
                0 => now = bucket.resumes_at(),
                allowed => {
                    bucket.spend(allowed);
                    moved += allowed;
                }
            }
        }
        moved
    }

    #[test]
    fn a_limit_has_bytes_and_a_period() {
        assert_eq!(RateLimit::new(0, 1), None);
        assert_eq!(RateLimit::new(1, 0), None);
        let limit = limit(3, 5);
        assert_eq!((limit.bytes(), limit.period()), (3, 5));
    }

    #[test]
    fn a_piece_is_what_comes_in_a_short_span_and_never_more_than_a_record() {
        for (bytes, period, piece) in [
            (100 * KILOBYTE, SECOND, 2 * KILOBYTE),
            (u64::MAX, SECOND, PIECE_MAX),
            (1, SECOND, 1),
            (1, u64::MAX, 1),
            (u64::MAX, 1, 1),
            (10, MILLISECOND, 5),
        ] {
            assert_eq!(limit(bytes, period).piece(), piece, "{bytes} in {period}");
        }
    }

    #[test]
    fn it_begins_with_a_piece_and_waits_for_one_once_all_is_spent() {
        let mut bucket = TokenBucket::new(limit(100 * KILOBYTE, SECOND), Time(0));
        assert_eq!(bucket.allowance(Time(0)), 2000);
        bucket.spend(1500);
        assert_eq!(bucket.allowance(Time(0)), 500, "what is left may move");
        bucket.spend(500);
        assert_eq!(bucket.allowance(Time(0)), 0);
        let resumes_at = bucket.resumes_at();
        assert_eq!(resumes_at, Time(20 * MILLISECOND));
        assert_eq!(bucket.allowance(resumes_at - 1), 0, "a few bytes are not worth it");
        assert_eq!(bucket.allowance(resumes_at), 2000);
    }

    #[test]
    fn what_was_spent_beyond_is_paid_back_first() {
        let mut bucket = TokenBucket::new(limit(100 * KILOBYTE, SECOND), Time(0));
        bucket.spend(52_000);
        assert_eq!(bucket.allowance(Time(0)), 0);
        assert_eq!(bucket.resumes_at(), Time(SECOND / 2 + 20 * MILLISECOND));
    }

    #[test]
    fn what_is_not_used_adds_up_to_one_period_and_no_more() {
        let mut bucket = TokenBucket::new(limit(100 * KILOBYTE, SECOND), Time(0));
        assert_eq!(bucket.allowance(Time(SECOND / 2)), 52_000);
        assert_eq!(bucket.allowance(Time(3600 * SECOND)), 100 * KILOBYTE);
    }

    #[test]
    fn nothing_is_lost_by_rounding_over_a_million_pieces() {
        // Neither divides the other.
        let limit = limit(700_001, 999_999_937);
        let hours = 20 * 3600 * SECOND;
        let moved = drain(&mut TokenBucket::new(limit, Time(0)), Time(0), Time(hours));
        let exact = product(hours, limit.bytes()) / u128::from(limit.period());
        let most = u64::try_from(exact).expect("small") + limit.piece();
        assert!(moved <= most && most - moved < 2 * limit.piece(), "{moved} of {most}");
    }

    /// Small numbers, large ones, and the largest.
    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![1..100_u64, 1..10_000_000_000_u64, 1_u64.., u64::MAX - 3..=u64::MAX]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn no_numbers_overflow_and_the_time_it_names_is_exact(
            bytes in number(),
            period in number(),
            start in number(),
            steps in prop::collection::vec((number(), number()), 0..20),
        ) {
            let limit = limit(bytes, period);
            let mut now = Time(start);
            let mut bucket = TokenBucket::new(limit, now);
            for (wait, spent) in steps {
                now = now + wait;
                let allowed = bucket.allowance(now);
                prop_assert!(allowed <= bytes);
                bucket.spend(spent);
                if bucket.allowance(now) == 0 {
                    let resumes_at = bucket.resumes_at();
                    prop_assert!(resumes_at > now || now == Time::NEVER);
                    if resumes_at < Time::NEVER {
                        let [mut early, mut due] = [bucket; 2];
                        prop_assert_eq!(early.allowance(resumes_at - 1), 0);
                        prop_assert!(due.allowance(resumes_at) >= limit.piece());
                    }
                }
            }
        }

        #[test]
        fn never_more_moves_than_the_limit_since_any_time_and_one_period_at_once(
            bytes in 1..10_000_000_u64,
            period in 1..100 * SECOND,
            steps in prop::collection::vec((0..10 * SECOND, any::<u8>()), 1..60),
        ) {
            let limit = limit(bytes, period);
            let mut bucket = TokenBucket::new(limit, Time(0));
            let mut now = Time(0);
            let mut moves = vec![];
            for (wait, share) in steps {
                now = now + wait;
                let n = bucket.allowance(now) * u64::from(share) / u64::from(u8::MAX);
                bucket.spend(n);
                moves.push((now, n));
            }
            for (first, &(since, _)) in moves.iter().enumerate() {
                let mut moved = 0;
                for &(at, n) in &moves[first..] {
                    moved += n;
                    let held = if first == 0 && since == Time(0) { limit.piece() } else { bytes };
                    let brought = product(at.since(since), bytes) / u128::from(period);
                    prop_assert!(u128::from(moved) <= brought + 1 + u128::from(held));
                }
            }
        }

        #[test]
        fn who_always_has_bytes_gets_the_whole_limit(
            bytes in 1..10_000_000_u64,
            period in 1000..100 * SECOND,
            periods in 1..20_u64,
        ) {
            let limit = limit(bytes, period);
            let moved = drain(&mut TokenBucket::new(limit, Time(0)), Time(0), Time(period * periods));
            let exact = bytes * periods;
            prop_assert!(moved + limit.piece() > exact, "{} of {}", moved, exact);
            prop_assert!(moved <= exact + limit.piece(), "{} of {}", moved, exact);
        }
    }
}
