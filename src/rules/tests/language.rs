//! How rules are put together: acls, negation, "and", "or", phases and their order.

use std::borrow::Cow;

use super::visitor::Visitor;
use super::{holds, parse, verdict};
use crate::rules::{ListenerView, RulePhase, RuleProgress, Verdict};
use crate::time::{MILLISECOND, SECOND};

const REJECT: Verdict = Verdict::Reject { line: 1 };

#[test]
fn a_set_without_rules_accepts_everyone() {
    for text in ["", "\n", "# nothing\n\t\n"] {
        let rules = parse(text);
        for phase in RulePhase::ALL {
            assert!(!rules.has(phase));
            assert_eq!(verdict(&rules, phase, &mut Visitor::default()), Verdict::Accept);
        }
        assert_eq!(rules.backend(&RuleProgress::default(), &Visitor::default(), super::NOW), None);
    }
}

#[test]
fn conditions_side_by_side_are_and_and_bind_before_or() {
    let (yes, no) = ("{ src 192.0.2.1 }", "{ src 192.0.2.2 }");
    let visitor = Visitor::from("192.0.2.1");
    for (condition, expected) in [
        (yes.to_owned(), true),
        (no.to_owned(), false),
        (format!("{yes} {yes}"), true),
        (format!("{yes} {no}"), false),
        (format!("{no} or {yes}"), true),
        (format!("{no} || {no}"), false),
        (format!("{no} {no} or {yes}"), true),
        (format!("{yes} or {no} {no}"), true),
        (format!("{yes} {no} or {no} {yes}"), false),
        (format!("!{no}"), true),
        (format!("! {yes}"), false),
        (format!("!!{yes}"), true),
        (format!("! !{yes}"), true),
        (format!("{yes} !{no}"), true),
        (format!("!{yes} or !{no}"), true),
    ] {
        assert_eq!(holds(&condition, &visitor), expected, "{condition}");
    }
}

#[test]
fn unless_turns_a_condition_around() {
    let rules = parse("tcp-request connection reject unless { src 192.0.2.0/24 } or { src ::1 }");
    for (source, expected) in
        [("192.0.2.9", Verdict::Accept), ("::1", Verdict::Accept), ("192.0.3.9", REJECT)]
    {
        let visitor = &mut Visitor::from(source);
        assert_eq!(verdict(&rules, RulePhase::Connection, visitor), expected, "{source}");
    }
}

#[test]
fn of_several_lines_with_one_name_one_has_to_hold_also_those_further_down() {
    let rules = parse(
        "acl bad src 192.0.2.1\n\
         tcp-request connection reject if bad\n\
         acl bad src_port 40001\n\
         acl bad src 192.0.2.3",
    );
    for (source, port, expected) in [
        ("192.0.2.1", 40_000, true),
        ("192.0.2.2", 40_000, false),
        ("192.0.2.2", 40_001, true),
        ("192.0.2.3", 40_000, true),
    ] {
        let mut visitor = Visitor::from(source);
        visitor.source.as_mut().expect("an address").set_port(port);
        let refused =
            verdict(&rules, RulePhase::Connection, &mut visitor) == Verdict::Reject { line: 2 };
        assert_eq!(refused, expected, "{source} {port}");
    }
}

#[test]
fn the_first_rule_that_decides_ends_the_phase_and_no_other_one() {
    let rules = parse(
        "tcp-request connection accept if { src 192.0.2.1 }\n\
         tcp-request connection reject if { src 192.0.2.0/24 }\n\
         tcp-request connection silent-drop\n\
         tcp-request session reject if { src 192.0.2.1 }",
    );
    for (source, connection, session) in [
        ("192.0.2.1", Verdict::Accept, Verdict::Reject { line: 4 }),
        ("192.0.2.2", Verdict::Reject { line: 2 }, Verdict::Accept),
        ("192.0.3.1", Verdict::SilentDrop { line: 3 }, Verdict::Accept),
    ] {
        let visitor = &mut Visitor::from(source);
        assert_eq!(verdict(&rules, RulePhase::Connection, visitor), connection, "{source}");
        assert_eq!(verdict(&rules, RulePhase::Session, visitor), session, "{source}");
        assert_eq!(verdict(&rules, RulePhase::Accept, visitor), Verdict::Accept, "{source}");
    }
}

#[test]
fn the_first_line_that_applies_names_the_backend() {
    let rules = parse(
        "use_backend a if { src 192.0.2.1 }\n\
         use_backend b unless { src 192.0.2.0/24 }\n\
         use_backend c if { src 192.0.2.1 192.0.2.2 }",
    );
    for (source, backend) in [
        ("192.0.2.1", Some("a")),
        ("192.0.3.1", Some("b")),
        ("192.0.2.2", Some("c")),
        ("192.0.2.3", None),
    ] {
        let visitor = Visitor::from(source);
        assert_eq!(
            rules.backend(&RuleProgress::default(), &visitor, super::NOW),
            backend.map(Cow::Borrowed),
            "{source}"
        );
    }
    let rules = parse("use_backend all");
    assert_eq!(
        rules.backend(&RuleProgress::default(), &Visitor::default(), super::NOW),
        Some(Cow::Borrowed("all"))
    );
}

#[test]
fn the_inspect_delay_has_units() {
    for (text, span) in [
        ("5s", 5 * SECOND),
        ("250", 250 * MILLISECOND),
        ("250ms", 250 * MILLISECOND),
        ("2m", 120 * SECOND),
        ("1h", 3_600 * SECOND),
        ("1d", 86_400 * SECOND),
        ("1000us", MILLISECOND),
    ] {
        let rules = parse(&format!("tcp-request inspect-delay {text}"));
        assert_eq!(rules.inspect_delay(&RuleProgress::default()), span, "{text}");
    }
    assert_eq!(parse("").inspect_delay(&RuleProgress::default()), 0);
}

#[test]
fn quoted_braces_and_keywords_are_values() {
    let mut visitor = Visitor::known();
    for name in ["}", "if", "or", "-i"] {
        visitor.listener =
            Some(ListenerView { name: Some(name.as_bytes()), ..ListenerView::default() });
        assert!(holds(&format!("{{ so_name \"{name}\" }}"), &visitor), "{name}");
        assert!(!holds(&format!("{{ so_name \"x{name}\" }}"), &visitor), "{name}");
    }
}

#[test]
fn a_set_can_be_freed_while_a_connection_is_on_its_way() {
    let rules =
        parse("stick-table type ip size 10 store conn_cur\ntcp-request connection track-sc0 src");
    let mut progress = RuleProgress::default();
    let visitor = &mut Visitor::from("192.0.2.1");
    rules.evaluate(RulePhase::Connection, &mut progress, visitor, super::NOW);
    drop(rules);
    assert_eq!(progress.tracks.iter().count(), 1);
}
