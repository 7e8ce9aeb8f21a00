//! Which known word a mistyped one may stand for.

/// The longest word that is compared, in bytes: comparing two takes the product of their lengths.
const LONGEST: usize = 64;

/// The word of `known` that is the fewest typing mistakes away from `word`, if these are few for its
/// length; none for a word that is longer than any mistyped one.
pub(super) fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let bound = (word.len() / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= bound)
        .map(|candidate| (distance(word.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many bytes have to be inserted, removed, replaced, or swapped with their neighbour, to turn
/// one into the other (optimal string alignment).
fn distance(from: &[u8], to: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let replaced = last[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(before_last[j - 2] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, suggest};

    #[test]
    fn a_mistake_is_an_insertion_a_removal_a_replacement_or_a_swap() {
        for (from, to, mistakes) in [
            ("src", "src", 0),
            ("scr", "src", 1),
            ("sr", "src", 1),
            ("srrc", "src", 1),
            ("srx", "src", 1),
            ("", "src", 3),
            ("acecpt", "accept", 1),
        ] {
            assert_eq!(distance(from.as_bytes(), to.as_bytes()), mistakes, "{from} {to}");
        }
    }

    #[test]
    fn what_is_far_from_everything_suggests_nothing() {
        let known = ["accept", "reject", "silent-drop"];
        assert_eq!(suggest("regect", known), Some("reject"));
        assert_eq!(suggest("silentdrop", known), Some("silent-drop"));
        assert_eq!(suggest("drop", known), None);
        assert_eq!(suggest("x", known), None);
    }
}
