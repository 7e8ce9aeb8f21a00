//! Columns: the type of a value, with converters behind a comma, the value, flags and patterns, and
//! whether one of them matches.

use super::{Deviation, TABLES, compare, constant, unescaped, visitor, word};
use crate::rules::tests::{read, verdict};
use crate::rules::{RulePhase, Verdict};

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        reason: "a number with a sign is a negative number, not a range without its lower end",
        is_of: |row, _| {
            is_of_any(row[2], &[" -", "ge -", "lt -", "le -", "eq -", ":-"]) || row[2] == "ge -6"
        },
    },
    Deviation {
        reason: "a criterion without values never matches, so it is a mistake",
        is_of: |row, ours| ours == "!" && has_no_value(row[2]),
    },
    Deviation {
        reason: "a value for which nothing is compared is a mistake: `0` does not mean that it is false",
        is_of: |row, ours| {
            ours == "!"
                && (row[2].ends_with("found x") || row[2].ends_with('0'))
                && !row[2].contains("int")
        },
    },
    Deviation {
        reason: "an operator counts, so it has no place in front of a range, and `ne` is none",
        is_of: |row, ours| ours == "!" && is_of_any(row[2], &["ge 1:5", "ge 3.1", "ne 0"]),
    },
    Deviation {
        reason: "networks have an address in full and a prefix, and names are not resolved",
        is_of: |row, ours| ours == "!" && row[2].starts_with("-m ip "),
    },
    Deviation {
        reason: "the families of addresses never meet, but for IPv4-mapped addresses",
        is_of: |row, ours| {
            ours == "false" && is_of_any(row[2], &["/", "192.0.2.1"]) && !row[1].ends_with(' ')
        },
    },
    Deviation {
        reason: "text is an address as a whole or not at all",
        is_of: |row, ours| ours == "false" && row[2].starts_with("-m ip") && row[1].ends_with(' '),
    },
    Deviation {
        reason: "there is one type of addresses, so one of IPv6 has no number instead of a mistake",
        is_of: |row, ours| row[0] == "ipv6" && row[3] == "!" && ours == "false",
    },
    Deviation {
        reason: "a NUL ends nothing",
        is_of: |row, _| row[0] == "bin" && row[2].starts_with("-m "),
    },
    Deviation {
        reason: "bytes are compared with bytes where no method is named",
        is_of: |row, _| row[3] == "!" && !row[2].starts_with('-'),
    },
    Deviation {
        reason: "a pattern of delimiters alone is the part in front of the first one as well",
        is_of: |row, ours| row[2].starts_with("-m dir") && row[2].ends_with('/') && ours == "true",
    },
    Deviation {
        reason: "an IPv4-compatible address is written like any other of IPv6",
        is_of: |row, _| row[1] == "::192.0.2.1" && row[2].starts_with("-m len"),
    },
];

fn is_of_any(patterns: &str, known: &[&str]) -> bool {
    known.iter().any(|known| patterns.contains(known))
}

fn has_no_value(patterns: &str) -> bool {
    let mut words = patterns.split(' ').filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        match word {
            "-m" => drop(words.next()),
            "-i" | "lt" => {}
            _ => return false,
        }
    }
    true
}

/// The words of a column, of which those with blanks and empty ones stand in double quotes.
fn words(column: &str) -> String {
    let mut words = Vec::new();
    let mut rest = column;
    while !rest.is_empty() {
        let (token, after) = match rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some((token, after)) => (token, after),
            None => rest.split_at(rest.find(' ').unwrap_or(rest.len())),
        };
        words.push(word(&unescaped(token)));
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    words.join(" ")
}

#[test]
fn patterns_match_the_same_values() {
    compare(include_str!("matches.tsv"), DEVIATIONS, |row| {
        let (kind, converters) = row[0].split_once(',').unwrap_or((row[0], ""));
        let mut expression = constant(kind, row[1]);
        if !converters.is_empty() {
            expression = [&*expression, converters.as_bytes()].join(&b',');
        }
        let line = format!(
            "tcp-request content reject if {{ {} {} }}\n{TABLES}",
            word(&expression),
            words(row[2])
        );
        let load = |_: &str| Err("there are no files".to_owned());
        match read(&line, &load).map(|rules| verdict(&rules, RulePhase::Content, &mut visitor())) {
            Ok(Verdict::Reject { line: 1 }) => "true".to_owned(),
            Ok(_) => "false".to_owned(),
            Err(_) => "!".to_owned(),
        }
    });
}
