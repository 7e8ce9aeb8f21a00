//! Lines side by side that compare one value are one look-up, which finds what they find one by one.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use proptest::prelude::*;

use super::fetches::hello;
use super::visitor::Visitor;
use super::{NOW, parse};
use crate::rules::{ListenerView, RulePhase, RuleProgress, RuleSet, Verdict};

/// A set without look-ups.
fn one_by_one(rules: &RuleSet) -> RuleSet {
    let mut rules = rules.clone();
    for lines in &mut rules.rules {
        lines.lines_mut();
    }
    rules.backends.lines_mut();
    rules
}

fn run_count(rules: &RuleSet, phase: RulePhase) -> usize {
    rules.rules[phase as usize].run_count()
}

/// Everything that happens to a connection in its session rules, and where it goes.
fn outcome(rules: &RuleSet, visitor: &Visitor) -> (Verdict, Vec<String>, Option<String>) {
    let (mut visitor, mut progress) = (visitor.clone(), RuleProgress::default());
    let verdict = rules.evaluate(RulePhase::Session, &mut progress, &mut visitor, NOW);
    let backend = rules.backend(&progress, &visitor, NOW).map(|name| name.into_owned());
    (verdict, visitor.done, backend)
}

/// A condition that lines of a run have, or that ends one.
fn condition() -> impl Strategy<Value = String> {
    let address =
        (0u8..4, 0u8..4, 24u8..=32).prop_map(|(a, b, bits)| format!("192.0.{a}.{b}/{bits}"));
    let range = (0u16..20, 0u16..20).prop_map(|(a, b)| format!("{}:{}", a.min(b), a.max(b)));
    let word = prop::sample::select(vec!["a", "A", "ab", "b", "''"]);
    prop_oneof![
        6 => address.prop_map(|network| format!("{{ src {network} }}")),
        1 => prop::sample::select(vec!["::/0", "2001:db8::/127", "::ffff:192.0.1.0/120"])
            .prop_map(|network| format!("{{ src {network} 192.0.2.3 }}")),
        4 => range.clone().prop_map(|range| format!("{{ src_port {range} }}")),
        4 => word.clone().prop_map(|word| format!("{{ so_name {word} }}")),
        2 => word.clone().prop_map(|word| format!("{{ so_name -i {word} }}")),
        1 => word.prop_map(|word| format!("{{ so_name -m beg {word} }}")),
        1 => range.prop_map(|range| format!("!{{ src_port {range} }}")),
        1 => Just("{ src 192.0.0.0/24 } { src_port 3 }".to_owned()),
        1 => Just("{ src -m str 192.0.0.1 }".to_owned()),
        1 => Just("{ var(txn.x) -m str 1 }".to_owned()),
    ]
}

fn action() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        8 => Just("reject"),
        4 => Just("accept"),
        2 => Just("silent-drop"),
        1 => Just("set-mark 1"),
        1 => Just("set-src ipv4(192.0.0.1)"),
        1 => Just("set-var(txn.x) int(1)"),
    ]
}

/// Lines with one condition many times over, of which every one has values of its own.
fn text() -> impl Strategy<Value = String> {
    let lines = prop::collection::vec((action(), condition()), 0..40);
    (lines, prop::collection::vec(condition(), 0..20)).prop_map(|(mut rules, mut choices)| {
        // Alike conditions come together, so that there are runs.
        rules.sort_by_key(|(_, condition)| condition.split(' ').nth(1).map(str::len));
        choices.sort();
        let mut text = String::new();
        for (action, condition) in rules {
            writeln!(text, "tcp-request session {action} if {condition}").expect("a string");
        }
        for (number, condition) in choices.iter().enumerate() {
            writeln!(text, "use_backend b{number} if {condition}").expect("a string");
        }
        text
    })
}

fn visitor() -> impl Strategy<Value = Visitor> {
    let source = prop_oneof![
        4 => (0u8..4, 0u8..4).prop_map(|(a, b)| format!("192.0.{a}.{b}")),
        1 => Just("2001:db8::1".to_owned()),
        1 => Just("::ffff:192.0.1.2".to_owned()),
    ];
    let name =
        prop::sample::select(vec![None, Some("a"), Some("A"), Some("aB"), Some("b"), Some("")]);
    (source, 0u16..20, name).prop_map(|(source, port, name)| {
        let mut visitor = Visitor::from(&source);
        visitor.source.as_mut().expect("an address").set_port(port);
        visitor.listener = name
            .map(|name| ListenerView { name: Some(name.as_bytes()), ..ListenerView::default() });
        visitor
    })
}

proptest! {
    #[test]
    fn a_look_up_finds_what_the_lines_find_one_by_one(
        text in text(),
        visitors in prop::collection::vec(visitor(), 1..12),
    ) {
        let rules = parse(&text);
        let lines = one_by_one(&rules);
        for visitor in visitors {
            prop_assert_eq!(outcome(&rules, &visitor), outcome(&lines, &visitor), "{}", text);
        }
    }
}

/// A thousand lines that refuse an address each.
fn thousand(kind: &str) -> Arc<RuleSet> {
    let line = |at: u32| match kind {
        "src" => {
            format!("tcp-request connection reject if {{ src 10.0.{}.{} }}\n", at / 250, at % 250)
        }
        "src_port" => format!("tcp-request connection reject if {{ src_port {at} }}\n"),
        _ => format!("tcp-request connection reject if {{ so_name name{at} }}\n"),
    };
    parse(&(1..=1_000).map(line).collect::<String>())
}

#[test]
fn a_thousand_lines_with_an_address_a_number_or_a_word_each_are_one_look_up() {
    for kind in ["src", "src_port", "so_name"] {
        assert_eq!(run_count(&thousand(kind), RulePhase::Connection), 1, "{kind}");
    }
    let rules = thousand("src");
    for (source, verdict) in [
        ("10.0.0.1", Verdict::Reject { line: 1 }),
        ("10.0.4.0", Verdict::Reject { line: 1_000 }),
        ("10.0.4.1", Verdict::Accept),
        ("10.0.2.7", Verdict::Reject { line: 507 }),
    ] {
        let found = super::verdict(&rules, RulePhase::Connection, &mut Visitor::from(source));
        assert_eq!(found, verdict, "{source}");
    }
}

#[test]
fn lines_that_change_something_are_in_no_look_up() {
    let rules = parse(&"tcp-request connection set-mark 1 if { src 10.0.0.1 }\n".repeat(20));
    assert_eq!(run_count(&rules, RulePhase::Connection), 0);
    let counts = "tcp-request connection reject if { src_inc_gpc0 gt 5 }\n".repeat(20);
    let rules = parse(&format!("stick-table type ip size 10 store gpc0\n{counts}"));
    assert_eq!(run_count(&rules, RulePhase::Connection), 0);
    for (line, verdict) in [(1, Verdict::Reject { line: 7 }), (7, Verdict::Reject { line: 2 })] {
        let mut visitor = Visitor::from("192.0.2.1");
        let found = super::verdict(&rules, RulePhase::Connection, &mut visitor);
        assert_eq!(found, verdict, "at {line}");
    }
}

#[test]
fn a_look_up_of_a_name_waits_for_the_name() {
    let lines: String = (0..50)
        .map(|at| format!("tcp-request content reject if {{ req.ssl_sni name{at}.test }}\n"))
        .collect();
    let rules = parse(&format!("tcp-request inspect-delay 5s\n{lines}"));
    assert_eq!(run_count(&rules, RulePhase::Content), 1);
    let bytes = hello("name33.test", &["h2"]);
    let mut progress = RuleProgress::default();
    let mut visitor = Visitor { may_grow: true, ..Visitor::default() };
    for cut in [0, 1, bytes.len() - 1] {
        visitor.prefix = bytes[..cut].to_vec();
        let verdict = rules.evaluate(RulePhase::Content, &mut progress, &mut visitor, NOW);
        assert_eq!(verdict, Verdict::Wait, "{cut}");
    }
    visitor.prefix = bytes;
    let verdict = rules.evaluate(RulePhase::Content, &mut progress, &mut visitor, NOW);
    assert_eq!(verdict, Verdict::Reject { line: 35 });
}

#[test]
fn what_lies_between_two_look_ups_is_not_passed_over() {
    let lines = |first: u8, last: u8| -> String {
        (first..=last)
            .map(|at| format!("tcp-request connection reject if {{ src 192.0.2.{at} }}\n"))
            .collect()
    };
    let text = format!(
        "{}tcp-request connection set-src ipv4(192.0.2.20) if {{ src 192.0.2.9 }}\n{}",
        lines(1, 5),
        lines(20, 25)
    );
    let rules = parse(&text);
    assert_eq!(run_count(&rules, RulePhase::Connection), 2);
    for (source, verdict) in [
        ("192.0.2.5", Verdict::Reject { line: 5 }),
        ("192.0.2.9", Verdict::Reject { line: 7 }),
        ("192.0.2.25", Verdict::Reject { line: 12 }),
        ("192.0.2.19", Verdict::Accept),
    ] {
        let found = super::verdict(&rules, RulePhase::Connection, &mut Visitor::from(source));
        assert_eq!(found, verdict, "{source}");
    }
}

#[test]
fn an_address_of_a_unix_socket_is_in_no_line_of_a_look_up() {
    let mut visitor = Visitor { source: None::<SocketAddr>, ..Visitor::default() };
    assert_eq!(
        super::verdict(&thousand("src"), RulePhase::Connection, &mut visitor),
        Verdict::Accept
    );
}

/// The shortest time of three in which a text of so many lines is read.
#[allow(clippy::disallowed_methods)] // The library reads no clock; its tests may.
fn time(line: fn(usize) -> String, count: usize) -> f64 {
    let text: String = (0..count).map(line).chain([last_line()]).collect();
    let once = || {
        let start = Instant::now();
        parse(&text);
        start.elapsed().as_secs_f64()
    };
    (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
}

fn last_line() -> String {
    "tcp-request content accept if { req.ssl_hello_type 1 }\ntcp-request inspect-delay 1s\n"
        .to_owned()
}

#[test]
fn ten_times_the_lines_take_about_ten_times_as_long_to_read() {
    let shapes: [fn(usize) -> String; 6] = [
        |at| format!("tcp-request connection reject if {{ src 10.{}.{}.1 }}\n", at / 256, at % 256),
        |at| format!("acl name{at} src 10.0.0.1\ntcp-request connection accept if name{at}\n"),
        |at| format!("use_backend b{at} if {{ req.ssl_sni name{at}.test }}\n"),
        |at| format!("tcp-request session set-var(txn.a) int({at}),add(1)\n"),
        |at| format!("tcp-request session reject if {{ src_port {at} }} !{{ dst_port {at} }}\n"),
        |at| format!("tcp-request content set-mark 1 if {{ req.len {at} }}\n"),
    ];
    for (number, line) in shapes.into_iter().enumerate() {
        let (small, large) = (time(line, 1_000), time(line, 10_000));
        assert!(large < 40.0 * small + 0.1, "shape {number}: {small} {large}");
    }
}
