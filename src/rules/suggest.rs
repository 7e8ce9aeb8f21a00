//! Which known word a mistyped one may stand for.

/// The longest word that is compared, in bytes: comparing two takes the product of their lengths.
const LONGEST: usize = 64;

/// The word of `known` that is the fewest typing mistakes away from `word`, if these are few for its
/// length and do not make another word of a part of it: `ssl_c_i_dn` is not meant by who writes
/// `ssl_c_s_dn`. None for a word that is longer than any mistyped one.
pub(super) fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let bound = (word.len() / 3).min(3);
    known
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= bound)
        .map(|candidate| (distance(word.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|(distance, candidate)| *distance <= bound && is_typo(word, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The shortest part of a name in which a letter that is replaced is a mistake, and not another name.
const PART_LEAST: usize = 3;

/// Whether what differs can be a mistake in typing: a number is meant as it is, and so is a short part
/// where two names have as many.
fn is_typo(word: &str, candidate: &str) -> bool {
    let (word, candidate): (Vec<&str>, Vec<&str>) = (parts(word), parts(candidate));
    let is_number = |part: &&&str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !word.iter().filter(is_number).eq(candidate.iter().filter(is_number)) {
        return false;
    }
    if word.len() != candidate.len() {
        return true;
    }
    word.iter().zip(&candidate).filter(|(one, other)| one != other).all(|(one, other)| {
        let is_long = one.len() >= PART_LEAST || other.len() >= PART_LEAST;
        let differs_alone = word.len() == 1;
        is_long || differs_alone || one.len() != other.len()
    })
}

/// The parts of a name: numbers, and what is between the others and signs.
fn parts(name: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let bytes = name.as_bytes();
    for at in 1..=bytes.len() {
        let kind = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_alphanumeric());
        if at == bytes.len() || kind(bytes[at]) != kind(bytes[at - 1]) {
            parts.push(name.get(start..at).unwrap_or_default());
            start = at;
        }
    }
    parts.retain(|part| part.bytes().any(|byte| byte.is_ascii_alphanumeric()));
    parts
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
    fn another_meaning_is_never_suggested() {
        for (word, known) in [
            ("ssl_c_i_dn", "ssl_c_s_dn"),
            ("sc0_conn_cur", "sc1_conn_cur"),
            ("sc3_conn_cur", "sc_conn_cur"),
            ("sc_conn_cur", "sc0_conn_cur"),
            ("xxh", "xxh3"),
            ("a", "b"),
            ("ssl_fc_sni", "ssl_bc_sni"),
            ("xxh32", "xxh64"),
            ("gpc1", "gpc0"),
        ] {
            assert_eq!(suggest(word, [known]), None, "{word}");
        }
        for (word, known) in [
            ("sc_con_rate", "sc_conn_rate"),
            ("ssl_fc_sin", "ssl_fc_sni"),
            ("srcport", "src_port"),
            ("ssl_c_sdn", "ssl_c_s_dn"),
        ] {
            assert_eq!(suggest(word, [known]), Some(known), "{word}");
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
