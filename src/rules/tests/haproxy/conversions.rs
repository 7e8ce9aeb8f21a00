//! Columns: the type of a value, the value, converters, and what they make of it.

use super::{Deviation, compare, constant, converters, value};

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        reason: "a NUL ends nothing",
        is_of: |row, ours| {
            let is_text = row[2] == "b64dec,length" && ours != "-";
            (row[0] == "bin" || row[2].contains("txn.raw") || is_text)
                && ["lower", "upper", "length", "concat", "strcmp", "b64dec"]
                    .iter()
                    .any(|word| row[2].starts_with(word))
        },
    },
    Deviation {
        reason: "what is no Base64 of its kind, whole and without padding for URLs, is not there",
        is_of: |row, ours| row[2].contains("b64dec") && ours == "-",
    },
    Deviation {
        reason: "delimiters in front of the first word and behind the last are no part of words",
        is_of: |row, _| row[2].starts_with("word("),
    },
    Deviation {
        reason: "an offset or a length is not negative",
        is_of: |row, ours| row[2].starts_with("bytes(") && ours == "!",
    },
    Deviation {
        reason: "an empty argument that may be left out is as good as none",
        is_of: |row, _| row[2] == "bytes(0,)",
    },
    Deviation {
        reason: "a number is given to `add`",
        is_of: |row, ours| ["add", "add()"].contains(&row[2]) && ours == "!",
    },
    Deviation {
        reason: "the sum of two negative numbers is negative",
        is_of: |row, _| {
            row[0] == "int" && (row[2].starts_with("add(") || row[2].starts_with("sub("))
        },
    },
    Deviation {
        reason: "an address is cast to a truth like any other value",
        is_of: |row, _| row[0] == "ipv4" && row[2].starts_with("iif("),
    },
    Deviation {
        reason: "there is one type of addresses, so one of IPv6 has no number instead of a mistake",
        is_of: |row, ours| row[0] == "ipv6" && row[3] == "!" && ours == "-",
    },
    Deviation {
        reason: "an IPv4-compatible address is written like any other of IPv6",
        is_of: |row, _| row[0] == "ipv6" && row[1] == "::192.0.2.1",
    },
    Deviation {
        reason: "text is an address as a whole or not at all",
        is_of: |row, ours| row[0] == "str" && row[2].starts_with("ipmask(") && ours == "-",
    },
    Deviation {
        reason: "nothing is found right behind a match, where it would be empty",
        is_of: |row, _| row[2] == "regsub($,x,g)" || row[2].starts_with("regsub('.*'"),
    },
    Deviation {
        reason: "pieces have one byte where nothing is said, and any number but 0 cuts the last one",
        is_of: |row, _| row[2] == "be2hex(:)" || row[2] == "be2dec(.,2,2)",
    },
];

#[test]
fn converters_make_the_same_of_a_value() {
    compare(include_str!("converters.tsv"), DEVIATIONS, |row| {
        let expression = [&constant(row[0], row[1]), &*converters(row[2])].join(&b',');
        value(&expression, &|_| Ok(Vec::new()))
    });
}
