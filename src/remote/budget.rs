//! How much of a link's connection may be held at once: the sum of the windows of its channels.
//!
//! The windows come out of one budget, instead of one window for the link that all channels share: a
//! channel whose reader stalls keeps its own window and nothing else, and cannot stop the others.

/// The smallest window that is worth a channel: below it, frames are mostly headers.
pub(crate) const WINDOW_MIN: u32 = 4 * 1024;

/// One channel takes at most this part of what is left, so that many windows become smaller before the
/// last channels find nothing.
const SHARE: u64 = 16;

/// What is left of a budget, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowBudget(u64);

impl WindowBudget {
    pub(crate) const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// A window of at most `most` bytes; `None` when not even the smallest is left.
    pub(crate) fn take(&mut self, most: u32) -> Option<u32> {
        let least = WINDOW_MIN.min(most);
        if self.0 < least.into() {
            return None;
        }
        let share = u32::try_from(self.0 / SHARE).unwrap_or(u32::MAX);
        let window = share.clamp(least, most.max(least));
        self.0 -= u64::from(window);
        Some(window)
    }

    /// Whether a window is left.
    pub(crate) fn has_one(self) -> bool {
        self.0 >= WINDOW_MIN.into()
    }

    /// A window is free again.
    pub(crate) const fn give(&mut self, window: u32) {
        self.0 += window as u64;
    }

    /// How many bytes are left.
    #[cfg(test)]
    const fn left(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_shrink_before_there_are_none_and_never_exceed_the_budget() {
        let total = 1 << 20;
        let mut budget = WindowBudget::new(total);
        let mut taken = Vec::new();
        while let Some(window) = budget.take(64 * 1024) {
            assert!(taken.last().is_none_or(|last| window <= *last) && window >= WINDOW_MIN);
            taken.push(window);
        }
        let sum: u64 = taken.iter().copied().map(u64::from).sum();
        assert_eq!((taken[0], sum + budget.left()), (64 * 1024, total));
        assert!(taken.len() > 48, "{} channels", taken.len());
        for window in taken {
            budget.give(window);
        }
        assert_eq!(budget.left(), total);
    }
}
