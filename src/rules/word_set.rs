//! Sets of words that are looked for in a value: as the whole of it, at its beginning, at its end or
//! anywhere inside.

use std::cmp::Ordering;

/// Where in a value a word has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// It is the value.
    Whole,
    /// The value begins with it.
    Begin,
    /// The value ends with it.
    End,
    /// The value holds it.
    Inside,
    /// The value holds it, with one of these bytes or an end of the value on either side.
    Between(&'static [u8]),
}

/// What parts a path.
pub(super) const PATH_DELIMITERS: &[u8] = b"/?";
/// What parts a host name, also in a URL.
pub(super) const NAME_DELIMITERS: &[u8] = b"/?.:";

/// Whether `A` and `a` are the same letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// `A` and `a` differ.
    Exact,
    /// `A` and `a` are equal; bytes outside of ASCII are compared as they are.
    Ignored,
}

/// A set of words. A look-up takes logarithmic time in their number; [`Position::Inside`] makes one
/// look-up for each byte of the value.
///
/// Invariant: sorted in the order of [`Words::order`] and without duplicates. Where a beginning, an end or the
/// inside of a value is compared, no word begins with another one, which would match wherever it does.
#[derive(Clone, Debug)]
pub(super) struct Words {
    position: Position,
    case: Case,
    /// Backwards for [`Position::End`], so that an end is a beginning.
    sorted: Box<[Box<[u8]>]>,
}

impl Words {
    /// The set of `words`.
    pub(super) fn new(position: Position, case: Case, words: Vec<Vec<u8>>) -> Self {
        let mut words = words;
        for word in &mut words {
            if position == Position::End {
                word.reverse();
            }
            if let Position::Between(delimiters) = position {
                *word = trimmed(word, delimiters).to_vec();
            }
            if case == Case::Ignored {
                word.make_ascii_lowercase();
            }
        }
        words.sort_unstable();
        words.dedup();
        if matches!(position, Position::Begin | Position::End | Position::Inside) {
            words.dedup_by(|later, kept| later.starts_with(kept));
        }
        Self { position, case, sorted: words.into_iter().map(Vec::into_boxed_slice).collect() }
    }

    /// The words, as they are compared.
    pub(super) const fn all(&self) -> &[Box<[u8]>] {
        &self.sorted
    }

    /// Whether whole values are compared.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.position, Position::Whole)
    }

    pub(super) const fn case(&self) -> Case {
        self.case
    }

    /// Whether one of the words is where it has to be in `value`.
    pub(super) fn are_in(&self, value: &[u8]) -> bool {
        match self.position {
            Position::Whole => {
                let found = self.sorted.binary_search_by(|word| self.order(word, value.iter()));
                found.is_ok()
            }
            Position::Begin => self.begin(value.iter()),
            Position::End => self.begin(value.iter().rev()),
            Position::Inside => (0..=value.len()).any(|start| self.begin(value[start..].iter())),
            Position::Between(delimiters) => {
                self.sorted.iter().any(|word| self.is_between(word, value, delimiters))
            }
        }
    }

    /// Whether `value` holds `word` with delimiters around it.
    fn is_between(&self, word: &[u8], value: &[u8], delimiters: &[u8]) -> bool {
        let is_delimiter = |byte: &u8| delimiters.contains(byte);
        (0..=value.len()).any(|start| {
            let begins = start == 0 || is_delimiter(&value[start - 1]);
            let rest = &value[start..];
            begins
                && rest.len() >= word.len()
                && self.order(word, rest[..word.len()].iter()).is_eq()
                && rest.get(word.len()).is_none_or(is_delimiter)
        })
    }

    /// Whether `value` begins with one of the words. Between a word and what begins with it only
    /// words can lie that begin with it too, and there are none: the last word that is not greater
    /// than the value is the only candidate.
    fn begin<'a>(&self, value: impl Iterator<Item = &'a u8> + Clone) -> bool {
        let behind = self.sorted.partition_point(|word| self.order(word, value.clone()).is_le());
        behind.checked_sub(1).is_some_and(|last| {
            let word = &self.sorted[last];
            self.order(word, value.take(word.len())).is_eq()
        })
    }

    fn order<'a>(&self, word: &[u8], value: impl Iterator<Item = &'a u8>) -> Ordering {
        let word = word.iter().copied();
        match self.case {
            Case::Exact => word.cmp(value.copied()),
            Case::Ignored => word.cmp(value.map(u8::to_ascii_lowercase)),
        }
    }
}

/// `word` without delimiters around it.
fn trimmed<'a>(word: &'a [u8], delimiters: &[u8]) -> &'a [u8] {
    let is_other = |byte: &u8| !delimiters.contains(byte);
    let Some(start) = word.iter().position(is_other) else { return &[] };
    let end = word.iter().rposition(is_other).map_or(start, |last| last + 1);
    &word[start..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Case, PATH_DELIMITERS, Position, Words};

    const POSITIONS: [Position; 5] = [
        Position::Whole,
        Position::Begin,
        Position::End,
        Position::Inside,
        Position::Between(PATH_DELIMITERS),
    ];

    fn naive(position: Position, word: &[u8], value: &[u8]) -> bool {
        match position {
            Position::Whole => value == word,
            Position::Begin => value.starts_with(word),
            Position::End => value.ends_with(word),
            Position::Inside => {
                word.is_empty() || value.windows(word.len()).any(|part| part == word)
            }
            Position::Between(delimiters) => {
                let is_delimiter = |byte: &u8| delimiters.contains(byte);
                let start = word.iter().position(|byte| !is_delimiter(byte)).unwrap_or(word.len());
                let end =
                    word.iter().rposition(|byte| !is_delimiter(byte)).map_or(start, |at| at + 1);
                let word = &word[start..end];
                let value = [b"/", value, b"/"].concat();
                value.windows(word.len() + 2).any(|part| {
                    let [first, inside @ .., last] = part else { return false };
                    is_delimiter(first) && inside == word && is_delimiter(last)
                })
            }
        }
    }

    fn letters(most: usize) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(b"abAB/?\xff".to_vec()), 0..most)
    }

    proptest! {
        #[test]
        fn a_value_matches_when_one_of_the_words_does(
            words in prop::collection::vec(letters(4), 0..6),
            value in letters(7),
        ) {
            for position in POSITIONS {
                let set = Words::new(position, Case::Exact, words.clone());
                let matches = words.iter().any(|word| naive(position, word, &value));
                prop_assert_eq!(set.are_in(&value), matches, "{:?}", position);
                let set = Words::new(position, Case::Ignored, words.clone());
                let lower = value.to_ascii_lowercase();
                let matches =
                    words.iter().any(|word| naive(position, &word.to_ascii_lowercase(), &lower));
                prop_assert_eq!(set.are_in(&value), matches, "{:?} without case", position);
            }
        }
    }
}
