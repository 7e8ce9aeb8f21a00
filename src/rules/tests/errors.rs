//! The exact messages for texts that are no rules: `errors.txt` has each text behind `> ` and its
//! message below. `VST_BLESS=1` rewrites the messages.

use std::fmt::Write;

use proptest::prelude::*;

use super::visitor::Visitor;
use super::{read, read_bytes};
use crate::rules::{RuleError, RulePhase, RuleProgress, Verdict, converter, fetch};

const KNOWN: &str = include_str!("errors.txt");

/// Files of which most have something wrong.
fn files(name: &str) -> Result<Vec<u8>, String> {
    match name {
        "nets" => Ok(b"# ours\n10.0.0.0/8\n\n 192.0.2.0/33\r\n".to_vec()),
        "expressions" => Ok(b"^a\n^(b\n".to_vec()),
        "fine.map" => Ok(b"a 1\n".to_vec()),
        "nets.map" => Ok(b"10.0.0.0/8 a\n10.0.0.0/33 b\n".to_vec()),
        "numbers.map" => Ok(b"1:5 a\n5:1 b\n".to_vec()),
        "words.map" => Ok(b"a 1\nb  two\n".to_vec()),
        "regs.map" => Ok(b"^a x\n(b y\n".to_vec()),
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
    assert_eq!(*why.source, *text);
}

/// Words of the language and pieces of it, so that random texts of them are parsed far.
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
    "gpc0",
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
    "sc0_inc_gpc0",
    "sc_get_gpc(1,0,a)",
    "-m",
    "-i",
    "-f",
    "-M",
    "-n",
    "--",
    "nets",
    "reg",
    "beg",
    "dom",
    "bin",
    "len",
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
    "default_backend",
    "%[src]",
    "%[",
    "]",
    "inspect-delay",
    "5s",
    "set-var(txn.a)",
    "unset-var(proc.a)",
    "var(txn.a)",
    "\\n",
    "\\x1b",
    "(\\x07)",
    "req.ssl_sni",
    "payload(0,5)",
    "payload_lv(0,2,+1)",
    "backend",
    "frontend",
    "listen",
    "defaults",
    "stick",
    "on",
    "match",
    "store-request",
    "filter",
    "bwlim-in",
    "default-limit",
    "default-period",
    "set-bandwidth-limit",
    "limit",
    "capture",
    "len 5",
    "set-log-level",
    "silent",
    "expect-proxy",
    "layer4",
    "HTTP",
    "WAIT_END",
    "TRUE",
    "src,map_ip(fine.map)",
    "src,map_ip(nets.map,d)",
    ",add(txn.a)",
    ",field(1,.)",
    ",regsub(a,b,g)",
    ",in_table(a)",
    ",ipmask(24,64)",
    "ssl_c_s_dn(cn,-1)",
    "be_conn(a)",
    "srv_is_up(a/b)",
    "\n",
    "\r\n",
    "\u{e9}",
    "\t",
];

/// Whether it is a sentence, a line and a caret, without a control character inside.
fn is_laid_out(said: &str) -> bool {
    said.lines().count() == 3 && !said.chars().any(|c| c.is_control() && c != '\n')
}

#[test]
fn words_of_any_bytes_and_any_length_make_a_message_of_three_short_lines() {
    let long = "x".repeat(100_000);
    for word in [r"a\n\x00\x1b[31m", "\"a\u{85}b\"", &long] {
        for text in [
            format!("tcp-request connection reject if {word}"),
            format!("tcp-request connection reject if {{ src {word} }}"),
            format!("tcp-request connection track-sc0 src table {word}"),
            format!("tcp-request connection reject if {{ src_conn_cnt({word}) 1 }}"),
            format!("tcp-request connection reject if {{ src({word}) 10.0.0.1 }}"),
            format!("tcp-request connection accept({word})"),
            format!("stick-table type ip size {word}"),
            format!("backend {word} {word}"),
            format!("acl a src,map_ip({word}) 5"),
            format!("acl a var({word}) -m found"),
            format!("acl a src,{word} 5"),
            format!("use_backend %[{word}]"),
            format!("tcp-request content set-log-level {word}"),
            format!("filter bwlim-in {word} {word}"),
            format!("stick on src table {word}"),
            format!("acl a so_name -f {word}"),
            format!("acl a so_name -m reg ({word}"),
            format!("use_backend {word} {word}"),
            word.to_owned(),
        ] {
            let said = error(&text).expect("a mistake").to_string();
            assert!(is_laid_out(&said), "{said:?}");
            assert!(said.len() < 1_000, "{}", said.len());
        }
    }
}

#[test]
fn a_name_that_is_there_twice_does_not_become_a_long_sentence() {
    let name = "x".repeat(100_000);
    let text = format!("backend {name}\nstick-table type ip size 10\n").repeat(2);
    assert!(error(&text).expect("a mistake").to_string().len() < 1_000);
}

#[test]
fn any_number_of_marks_negates() {
    let marks = "! ".repeat(200_000);
    let rules = |marks: &str| {
        read(&format!("tcp-request connection reject if {marks}{{ src 192.0.2.1 }}"), &files)
            .expect("rules")
    };
    for (marks, line) in [(marks.clone(), true), (format!("!{marks}"), false)] {
        let mut visitor = Visitor::from("192.0.2.1");
        let verdict = super::verdict(&rules(&marks), RulePhase::Connection, &mut visitor);
        assert_eq!(verdict == Verdict::Reject { line: 1 }, line);
    }
    let why = error(&format!("tcp-request connection reject if {marks}")).expect("a mistake");
    assert_eq!(why.expected, "what is negated");
}

#[test]
fn a_suggestion_is_the_same_every_time() {
    let text = "acl friend_a src 10.0.0.1\nacl friend_b src 10.0.0.1\n\
        tcp-request connection reject if friend_";
    for _ in 0..50 {
        assert_eq!(error(text).expect("a mistake").suggest.as_deref(), Some("friend_a"));
    }
}

#[test]
fn what_is_too_long_for_a_typing_mistake_suggests_nothing() {
    let name = "x".repeat(65);
    let suggested = |named: &str| {
        let text = format!("acl {named} src 10.0.0.1\ntcp-request connection reject if {named}y");
        error(&text).expect("a mistake").suggest
    };
    assert_eq!(suggested(&name[..63]).as_deref(), Some(&name[..63]));
    assert_eq!(suggested(&name), None);
}

#[test]
fn an_expression_that_would_take_much_memory_is_refused() {
    let why = error("acl a so_name -m reg (?:a{200}){200}").expect("a mistake");
    assert!(why.problem.contains("size limit"), "{why}");
}

/// An argument of any kind.
fn argument() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "",
        "0",
        "1",
        "-1",
        "2",
        "8",
        "9",
        "32",
        "16384",
        "9223372036854775807",
        "-9223372036854775808",
        "0xff",
        ".",
        "a",
        "g",
        "i",
        "txn.a",
        "txn.number",
        "default",
        "fine.map",
        "a*",
        "(a)|(b)",
        "\\\\1x",
        "us",
        "1.2.3.4",
        "::1",
        "00ff",
        "farm",
        "farm/a",
        "cn",
        "true",
        "+1",
    ]);
    known.prop_map(str::to_owned)
}

/// A word with arguments of any kind.
fn call(names: Vec<String>) -> impl Strategy<Value = String> {
    let name = prop::sample::select(names);
    (name, prop::collection::vec(argument(), 0..4)).prop_map(|(name, arguments)| {
        if arguments.is_empty() { name } else { format!("{name}({})", arguments.join(",")) }
    })
}

fn expression() -> impl Strategy<Value = String> {
    let fetches: Vec<String> = fetch::names().collect();
    let converters = converter::all().map(|converter| converter.name.to_owned()).collect();
    (call(fetches), prop::collection::vec(call(converters), 0..4)).prop_map(
        |(fetch, converters)| {
            std::iter::once(fetch).chain(converters).collect::<Vec<_>>().join(",")
        },
    )
}

proptest! {
    // Most are mistakes.
    #![proptest_config(ProptestConfig::with_cases(2_048))]
    #[test]
    fn no_expression_panics_whatever_it_is_made_of_and_asked_about(
        expression in expression(),
        bytes in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let text = format!(
            "stick-table type ip size 10 store gpc0,gpc1,conn_cnt,conn_cur\n\
             tcp-request inspect-delay 5s\n\
             tcp-request content track-sc0 src\ntcp-request content track-sc1 src\n\
             tcp-request content accept if {{ req.ssl_hello_type 7 }}\n\
             tcp-request content set-var(txn.a) {expression}\n\
             tcp-request content accept if {{ {expression} -m str a }} or {{ {expression} -m found }}\n\
             use_backend %[{expression}]"
        );
        if let Ok(rules) = read(&text, &files) {
            for may_grow in [true, false] {
                for base in [Visitor::known(), Visitor::default()] {
                    let mut visitor = Visitor { prefix: bytes.clone(), may_grow, ..base };
                    let mut progress = RuleProgress::default();
                    rules.evaluate(RulePhase::Content, &mut progress, &mut visitor, super::NOW);
                    let _ = rules.backend(&progress, &visitor, super::NOW);
                }
            }
        }
    }

}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let why = read_bytes(&bytes, &files).err();
        prop_assert!(why.is_none_or(|why| is_laid_out(&why.to_string())));
    }

    #[test]
    fn no_words_make_the_parser_panic_and_every_error_points_into_its_line(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..24),
        glued in any::<bool>(),
    ) {
        let text = words.join(if glued { "" } else { " " });
        if let Some(why) = error(&text) {
            prop_assert!(is_laid_out(&why.to_string()), "{:?}", why.to_string());
            prop_assert!(why.column as usize <= why.source.chars().count() + 1, "{}", why);
            if why.file.is_none() {
                let line = text.lines().nth(why.line as usize - 1);
                prop_assert_eq!(line, Some(&*why.source));
            }
        }
    }
}
