//! Which of several ranges that overlap a value belongs to: the one that comes first by rank.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::RangeInclusive;

/// Numbers with a sign in the order of those without.
pub(super) const fn unsigned(number: i64) -> u128 {
    (number as i128 - i64::MIN as i128) as u128
}

/// Ranges of values, each with a rank; where several hold a value, the lowest rank counts.
///
/// Invariant: segments are in ascending order and do not overlap.
#[derive(Clone, Debug)]
pub(super) struct Segments<R = usize> {
    sorted: Box<[RankedRange<R>]>,
}

#[derive(Clone, Copy, Debug)]
struct RankedRange<R> {
    start: u128,
    end: u128,
    rank: R,
}

impl<R: Copy + Ord> Segments<R> {
    /// The ranges, each with its rank.
    pub(super) fn new(ranges: impl IntoIterator<Item = (RangeInclusive<u128>, R)>) -> Self {
        let mut ranges: Vec<(RangeInclusive<u128>, R)> =
            ranges.into_iter().filter(|(range, _)| !range.is_empty()).collect();
        ranges.sort_by_key(|(range, _)| *range.start());
        // Where a range begins or has ended, the lowest rank may be another.
        let starts = ranges.iter().map(|(range, _)| *range.start());
        let ends = ranges.iter().filter_map(|(range, _)| range.end().checked_add(1));
        let mut borders: Vec<u128> = starts.chain(ends).collect();
        borders.sort_unstable();
        borders.dedup();
        let mut open: BinaryHeap<Reverse<(R, u128)>> = BinaryHeap::new();
        let mut coming = ranges.iter().peekable();
        let mut sorted: Vec<RankedRange<R>> = Vec::new();
        for (at, start) in borders.iter().enumerate() {
            while let Some((range, rank)) = coming.next_if(|(range, _)| range.start() == start) {
                open.push(Reverse((*rank, *range.end())));
            }
            while open.peek().is_some_and(|Reverse((_, end))| end < start) {
                open.pop();
            }
            let Some(Reverse((rank, _))) = open.peek() else { continue };
            let end = borders.get(at + 1).map_or(u128::MAX, |next| next - 1);
            match sorted.last_mut() {
                Some(last) if last.rank == *rank && last.end.checked_add(1) == Some(*start) => {
                    last.end = end;
                }
                _ => sorted.push(RankedRange { start: *start, end, rank: *rank }),
            }
        }
        Self { sorted: sorted.into() }
    }

    /// The lowest rank of the ranges that hold `value`.
    pub(super) fn rank(&self, value: u128) -> Option<R> {
        let behind = self.sorted.partition_point(|segment| segment.start <= value);
        let segment = &self.sorted[behind.checked_sub(1)?];
        (value <= segment.end).then_some(segment.rank)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Segments;

    proptest! {
        #[test]
        fn the_lowest_rank_of_those_that_hold_a_value_counts(
            ranges in prop::collection::vec((0u128..40, 0u128..40), 0..10),
        ) {
            let ranked = || ranges.iter().enumerate().map(|(rank, (start, end))| (*start..=*end, rank));
            let segments = Segments::new(ranked());
            for value in 0..=41 {
                let lowest = ranked().find(|(range, _)| range.contains(&value)).map(|(_, rank)| rank);
                prop_assert_eq!(segments.rank(value), lowest, "{}", value);
            }
        }
    }

    #[test]
    fn the_ends_of_the_type_are_values_like_others() {
        let segments = Segments::new([(0..=u128::MAX, 1), (u128::MAX..=u128::MAX, 0)]);
        assert_eq!(segments.rank(0), Some(1));
        assert_eq!(segments.rank(u128::MAX - 1), Some(1));
        assert_eq!(segments.rank(u128::MAX), Some(0));
        assert_eq!(Segments::<usize>::new([]).rank(0), None);
    }
}
