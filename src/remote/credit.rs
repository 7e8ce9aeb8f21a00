//! How many bytes may be sent on a channel. Limits are totals since its beginning, as in QUIC (RFC 9000
//! section 4.1): naming one twice changes nothing.

/// What a sender may still send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SendCredit {
    sent: u64,
    limit: u64,
}

impl SendCredit {
    /// The receiver allows so many bytes in all. Returns whether more may be sent than before; `None` when it
    /// would be fewer, and nothing has changed.
    pub(crate) const fn raise(&mut self, limit: u64) -> Option<bool> {
        if limit < self.limit {
            return None;
        }
        let more = limit > self.limit;
        self.limit = limit;
        Some(more)
    }

    /// How many bytes may be sent now.
    pub(crate) fn left(self) -> usize {
        usize::try_from(self.limit - self.sent).unwrap_or(usize::MAX)
    }

    /// So many of [`left`](Self::left) were sent.
    pub(crate) fn spend(&mut self, n: usize) {
        debug_assert!(n <= self.left(), "more was sent than is allowed");
        self.sent = self.limit.min(self.sent + n as u64);
    }
}

/// What a receiver has allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReceiveCredit {
    received: u64,
    limit: u64,
}

impl ReceiveCredit {
    /// So many bytes are allowed from the beginning.
    pub(crate) const fn new(window: u32) -> Self {
        Self { received: 0, limit: window as u64 }
    }

    /// Bytes came. Returns whether they were allowed.
    pub(crate) const fn take(&mut self, n: usize) -> bool {
        let received = self.received + n as u64;
        let allowed = received <= self.limit;
        if allowed {
            self.received = received;
        }
        allowed
    }

    /// There is room for `room` bytes behind those that came. Returns the new limit once it is higher
    /// by half a `window` at least, so that not every byte that is taken costs a frame.
    pub(crate) const fn grant(&mut self, room: usize, window: u32) -> Option<u64> {
        let limit = self.received + room as u64;
        if limit < self.limit + (window as u64).div_ceil(2) {
            return None;
        }
        self.limit = limit;
        Some(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// A receiver that holds at most a window, a sender that sends whenever it may, and frames that are
    /// late: whatever the order, no byte is refused, none is held beyond the window, and all arrive.
    #[test]
    fn whatever_is_late_no_byte_comes_that_was_not_allowed_and_none_waits_for_ever() {
        for seed in 0..500 {
            let mut random = Random::new(seed);
            let window = 1 + random.below(40) as u32;
            let total = 1 + random.below(400);
            let (mut sending, mut receiving) = (SendCredit::default(), ReceiveCredit::new(window));
            assert_eq!(sending.raise(window.into()), Some(true));
            let (mut unsent, mut held, mut read) = (total, 0_u64, 0_u64);
            let mut data: std::collections::VecDeque<usize> = [].into();
            let mut limits: std::collections::VecDeque<u64> = [].into();
            let mut idle = 0;
            while read < total {
                idle += 1;
                assert!(idle < 10_000, "nothing moves any more (seed {seed})");
                match random.below(4) {
                    0 => {
                        let most =
                            sending.left().min(usize::try_from(unsent).unwrap_or(usize::MAX));
                        let n = if most == 0 { 0 } else { 1 + random.below(most as u64) as usize };
                        if n > 0 {
                            sending.spend(n);
                            unsent -= n as u64;
                            data.push_back(n);
                        }
                    }
                    1 => {
                        if let Some(n) = data.pop_front() {
                            assert!(receiving.take(n), "a byte came that was not allowed");
                            held += n as u64;
                            assert!(held <= window.into(), "more is held than a window");
                        }
                    }
                    2 => {
                        let n = random.below(held + 1);
                        held -= n;
                        read += n;
                        let room = usize::try_from(u64::from(window) - held).unwrap_or(0);
                        limits.extend(receiving.grant(room, window));
                    }
                    _ => {
                        if let Some(limit) = limits.pop_front() {
                            assert_eq!(
                                sending.raise(limit),
                                Some(true),
                                "a grant that grants nothing"
                            );
                        }
                    }
                }
            }
            assert_eq!(read, total);
        }
    }

    #[test]
    fn one_byte_beyond_the_limit_is_refused_and_changes_nothing() {
        let mut receiving = ReceiveCredit::new(8);
        assert!(receiving.take(5));
        assert!(!receiving.take(4));
        assert!(receiving.take(3));
        assert!(!receiving.take(1));
    }

    #[test]
    fn a_limit_that_is_named_twice_changes_nothing_and_none_goes_down() {
        let mut sending = SendCredit::default();
        assert_eq!(sending.raise(10), Some(true));
        sending.spend(6);
        assert_eq!((sending.raise(10), sending.raise(9)), (Some(false), None));
        assert_eq!(sending.left(), 4);
    }
}
