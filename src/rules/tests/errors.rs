//! What is said of texts that are no rules, word for word: `errors.txt` has each text behind `> `
//! and what is said of it below. `VST_BLESS=1` rewrites what is said.

use std::fmt::Write;

use proptest::prelude::*;

use super::{read, read_bytes};
use crate::rules::RuleError;

const KNOWN: &str = include_str!("errors.txt");

/// Three files: networks of which one is wrong, numbers, and expressions of which one is wrong.
fn files(name: &str) -> Result<Vec<u8>, String> {
    match name {
        "nets" => Ok(b"# ours\n10.0.0.0/8\n\n 192.0.2.0/33\r\n".to_vec()),
        "expressions" => Ok(b"^a\n^(b\n".to_vec()),
        _ => Err("no such file".to_owned()),
    }
}

fn error(text: &str) -> Option<Box<RuleError>> {
    read(text, &files).err()
}

#[test]
fn every_mistake_is_named_with_its_place_and_what_was_expected() {
    let mut said = String::new();
    for case in KNOWN.split("\n\n").filter(|case| !case.trim().is_empty()) {
        let lines = case.lines().filter_map(|line| line.strip_prefix("> "));
        let text: Vec<&str> = lines.collect();
        let why = error(&text.join("\n")).unwrap_or_else(|| panic!("{text:?} is fine"));
        for line in text {
            writeln!(said, "> {line}").expect("a string");
        }
        writeln!(said, "{why}\n").expect("a string");
    }
    if std::env::var_os("VST_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules/tests/errors.txt");
        return std::fs::write(path, said).expect("the file");
    }
    assert_eq!(KNOWN, said, "VST_BLESS=1 rewrites errors.txt");
}

#[test]
fn bytes_that_are_no_text_have_a_place_too() {
    let text = b"# fine\nacl a so_name x\xff y\n";
    let why = read_bytes(text, &files).expect_err("no text");
    assert_eq!(
        why.to_string(),
        "line 2, column 16: byte 0xff is no UTF-8; expected UTF-8, or `\\xHH` for a byte\n \
         2 | acl a so_name x\u{fffd} y\n   |                ^"
    );
}

#[test]
fn a_long_line_is_cut_around_its_mistake() {
    let text =
        format!("acl a src {} 10.0.0.0/33 {}", "10.0.0.1 ".repeat(100), "10.0.0.1 ".repeat(100));
    let why = error(&text).expect("a mistake");
    let shown = why.to_string();
    let mut lines = shown.lines().skip(1);
    let line = lines.next().expect("the line");
    let caret = lines.next().expect("the caret");
    assert!(line.chars().count() < 140, "{line}");
    let at = caret.find('^').expect("a caret");
    assert!(line[at..].starts_with("10.0.0.0/33"), "{shown}");
    assert_eq!(why.source, text);
}

/// Words of the language and pieces of it, so that what is put together comes far.
const WORDS: &[&str] = &[
    "acl",
    "a",
    "stick-table",
    "type",
    "ip",
    "string",
    "size",
    "1k",
    "store",
    "conn_rate(1s)",
    "tcp-request",
    "accept",
    "connection",
    "content",
    "session",
    "reject",
    "track-sc0",
    "table",
    "if",
    "unless",
    "{",
    "}",
    "!",
    "!a",
    "or",
    "src",
    "src_port",
    "src_conn_rate(a)",
    "sc0_gpc0",
    "-m",
    "-i",
    "-f",
    "nets",
    "reg",
    "beg",
    "(",
    "^a(b)",
    "10.0.0.0/8",
    "1:5",
    "gt",
    "\"",
    "'",
    "\\x",
    "\\x00",
    "#",
    "use_backend",
    "inspect-delay",
    "set-var(a)",
    "req.ssl_sni",
    "\n",
    "\r\n",
    "\u{e9}",
    "\t",
];

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let why = read_bytes(&bytes, &files).err();
        prop_assert!(why.is_none_or(|why| !why.to_string().is_empty()));
    }

    #[test]
    fn no_words_make_the_parser_panic_and_every_error_points_into_its_line(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..24),
        glued in any::<bool>(),
    ) {
        let text = words.join(if glued { "" } else { " " });
        if let Some(why) = error(&text) {
            prop_assert!(why.column as usize <= why.source.chars().count() + 1, "{}", why);
            if why.file.is_none() {
                let line = text.lines().nth(why.line as usize - 1);
                prop_assert_eq!(line, Some(&*why.source));
            }
        }
    }
}
