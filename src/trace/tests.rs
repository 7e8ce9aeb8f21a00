//! docs/trace.md has every kind of line, and lines keep to the form that it describes.

use super::*;
use crate::cause::Why;
use crate::id::Kind;
use crate::op::Op;

const PAGE: &str = include_str!("../../docs/trace.md");

/// The words of a line, or `None` if it is not of the form.
pub(crate) fn words(line: &str) -> Option<Vec<(&str, String)>> {
    let mut words = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let is_key = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
        if key.is_empty() || !key.chars().all(is_key) {
            return None;
        }
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let end = closing_quote(quoted)?;
                (quoted[..end].to_owned(), &quoted[end + 1..])
            }
            None => {
                let end = after.find(' ').unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            }
        };
        if value.contains(char::is_control) {
            return None;
        }
        words.push((key, value));
        rest = match after.strip_prefix(' ') {
            Some(more) if !more.is_empty() => more,
            None if after.is_empty() => after,
            _ => return None,
        };
    }
    Some(words)
}

/// Where the first quote is that no backslash precedes.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })
}

/// Categories, kind and example of each row of the page.
fn rows() -> Vec<(Vec<&'static str>, &'static str, &'static str)> {
    let (_, kinds) = PAGE.split_once("## The kinds").expect("the section");
    let rows = kinds.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [categories, kind, _, example] = cells[..] else { panic!("four cells: {row}") };
        let categories = categories.split(", ").map(|word| word.trim_matches('`')).collect();
        (categories, kind.trim_matches('`'), example.trim_matches('`'))
    })
    .collect()
}

#[test]
fn the_page_has_every_kind_of_line_in_order_and_no_other() {
    let named: Vec<_> = rows().iter().map(|row| row.1).collect();
    let known: Vec<_> = TraceKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(named, known);
}

#[test]
fn every_example_of_the_page_is_of_the_form_it_describes() {
    for (categories, kind, example) in rows() {
        let words = words(example).unwrap_or_else(|| panic!("{example}"));
        let keys: Vec<_> = words.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys[..3], ["t", "cat", "kind"], "{example}");
        assert!(words[0].1.parse::<u64>().is_ok(), "{example}");
        assert!(categories.contains(&&*words[1].1), "{example}");
        assert_eq!(words[2].1, kind, "{example}");
    }
    for wrong in ["a", "a= b=1 ", "a=\"b", "A=1", "a=\"\"b=1", "a=1\n"] {
        assert!(words(wrong).is_none(), "{wrong:?}");
    }
}

fn conn(slot: u32) -> Id {
    Id::new(Kind::Conn, 1, Key { generation: 1, slot })
}

#[test]
fn a_text_of_a_peer_neither_ends_its_value_nor_its_line() {
    let mut trace = Trace::default();
    trace.set(TraceCategories::all());
    let rude = "www\" cat=call\n\\\u{1b}[31m";
    let agreed = AgreedTls {
        version: "TLSv1.3",
        suite: "TLS_AES_128_GCM_SHA256",
        alpn: Some((*b"h\"\n\xff").into()),
        server_name: Some(rude.into()),
        resumed: false,
    };
    let details = TraceDetails::Handshake(Box::new(agreed));
    trace.add(Time(1), TraceCategories::TLS, TraceKind::Handshake, Some(conn(1)), details);
    let cause = Cause::new(Some(Op::TlsAccept), Why::Denied).in_words_of_others(rude);
    trace.add_op(Time(1), TraceKind::Failed, conn(1), TraceDetails::Cause(Box::new(cause)));
    let lines = trace.take(Time(1));
    assert_eq!(lines.len(), 2);
    for line in lines {
        let line = line.to_string();
        let words = words(&line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(words.iter().filter(|(key, _)| *key == "cat").count(), 1, "{line}");
    }
}

#[test]
fn lines_that_find_no_room_are_counted_in_a_line_of_their_own() {
    let mut trace = Trace::default();
    trace.set(TraceCategories::BYTES);
    for _ in 0..LINES_MAX + 3 {
        let details = TraceDetails::Bytes(1);
        trace.add(Time(1), TraceCategories::BYTES, TraceKind::Read, None, details);
    }
    let lines = trace.take(Time(2));
    assert_eq!(lines.len(), LINES_MAX + 1);
    let last = lines.back().expect("the last");
    assert_eq!(last.to_string(), "t=2 cat=trace kind=lost lines=3");
    assert!(trace.take(Time(3)).is_empty(), "told once");
}

#[test]
fn what_is_not_traced_takes_no_memory() {
    let mut trace = Trace::default();
    trace.set(TraceCategories::BYTES);
    trace.add(Time(1), TraceCategories::TLS, TraceKind::KeysSent, None, TraceDetails::None);
    assert!(trace.take(Time(1)).is_empty());
    trace.set(TraceCategories::OPERATIONS);
    let peer = Addr::parse("192.0.2.7:4000").expect("an address");
    trace.compare(Time(1), conn(9), &peer, OpWord::default(), None);
    assert_eq!(trace.compared.len(), 10);
    trace.set(TraceCategories::empty());
    assert_eq!((trace.compared.capacity(), trace.lines.capacity()), (0, 0));
}

#[test]
fn a_new_connection_in_a_slot_begins_anew() {
    let mut trace = Trace::default();
    trace.set(TraceCategories::OPERATIONS);
    let peer = Addr::parse("192.0.2.7:4000").expect("an address");
    let mut word = OpWord::default();
    word.want(Op::TlsAccept);
    let kinds = |trace: &mut Trace| -> Vec<&str> {
        trace.take(Time(1)).iter().map(|line| line.kind.name()).collect()
    };
    for generation in [1, 2] {
        let conn = Id::new(Kind::Conn, 1, Key { generation, slot: 0 });
        for due in [&["first", "wanted"][..], &[]] {
            trace.compare(Time(1), conn, &peer, word, None);
            assert_eq!(kinds(&mut trace), due);
        }
    }
}
