//! Sets of ordered values, kept as the few ranges they consist of: numbers, and networks, since a
//! network is a range of addresses.

use std::ops::RangeInclusive;

/// A set that answers in logarithmic time.
///
/// Invariant: each range begins behind the end of the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges<T> {
    sorted: Box<[(T, T)]>,
}

impl<T: Ord + Copy> Ranges<T> {
    /// The union of `ranges`, empty ones among them or not.
    pub(super) fn new(ranges: impl IntoIterator<Item = RangeInclusive<T>>) -> Self {
        let mut all: Vec<(T, T)> = ranges
            .into_iter()
            .filter(|range| !range.is_empty())
            .map(RangeInclusive::into_inner)
            .collect();
        all.sort_unstable();
        let mut sorted: Vec<(T, T)> = Vec::with_capacity(all.len());
        for (start, end) in all {
            match sorted.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => sorted.push((start, end)),
            }
        }
        Self { sorted: sorted.into() }
    }

    /// The ranges, in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (T, T)> {
        self.sorted.iter().copied()
    }

    /// Whether `value` is in one of the ranges.
    pub(super) fn contains(&self, value: T) -> bool {
        let behind = self.sorted.partition_point(|(start, _)| *start <= value);
        behind.checked_sub(1).is_some_and(|last| value <= self.sorted[last].1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Ranges;

    proptest! {
        #[test]
        fn a_value_is_in_the_set_when_it_is_in_one_of_its_ranges(
            ranges in prop::collection::vec((0u8..40, 0u8..40), 0..8),
        ) {
            let set = Ranges::new(ranges.iter().map(|(start, end)| *start..=*end));
            for value in 0..=41 {
                let is_in = ranges.iter().any(|(start, end)| (*start..=*end).contains(&value));
                prop_assert_eq!(set.contains(value), is_in, "{}", value);
            }
        }
    }

    #[test]
    fn the_ends_of_the_type_are_values_like_others() {
        let all = Ranges::new([0..=u64::MAX]);
        assert!(all.contains(0) && all.contains(u64::MAX));
        let last = Ranges::new([u64::MAX..=u64::MAX, 3..=3]);
        assert!(last.contains(u64::MAX) && !last.contains(u64::MAX - 1) && last.contains(3));
    }
}
