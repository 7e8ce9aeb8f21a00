//! Columns: a converter with a file of `maps/`, the type of a value, the value, and what it is mapped to.

use super::{Deviation, compare, constant, value};

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        reason: "a NUL ends nothing",
        is_of: |row, _| row[0].contains("nul.map") || row[1] == "bin",
    },
    Deviation {
        reason: "a key with a sign is a negative number, not a range without its lower end",
        is_of: |row, _| row[0].contains("negrange") || row[0].contains("onlyint"),
    },
    Deviation {
        reason: "the families of addresses never meet, but for IPv4-mapped addresses",
        is_of: |row, ours| row[0].starts_with("map_ip") && !row[2].ends_with(' ') && ours != "!",
    },
    Deviation {
        reason: "text is an address as a whole or not at all",
        is_of: |row, ours| row[2].ends_with(' ') && ours == "-",
    },
    Deviation {
        reason: "a network is no address",
        is_of: |row, ours| row[0].contains("addrnet") && ours == "!",
    },
    Deviation {
        reason: "an address out of a map is cast like any other",
        is_of: |row, _| row[0] == "map_str_ip(addrs.map),concat(x)",
    },
];

#[test]
fn maps_find_the_same_value() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules/tests/haproxy/maps");
    let load =
        |name: &str| std::fs::read(format!("{folder}/{name}")).map_err(|why| why.to_string());
    compare(include_str!("maps.tsv"), DEVIATIONS, |row| {
        let expression = [&constant(row[1], row[2]), row[0].as_bytes()].join(&b',');
        value(&expression, &load)
    });
}
