//! Content rules that wait for bytes.

use super::fetches::hello;
use super::visitor::Visitor;
use super::{NOW, parse};
use crate::rules::{RulePhase, RuleProgress, RuleSet, Value, Verdict};

const BY_NAME: &str = "tcp-request inspect-delay 5s\n\
     tcp-request content reject if { req.ssl_sni -i bad.test }\n\
     tcp-request content accept if { req.ssl_hello_type 1 }\n\
     tcp-request content silent-drop";

fn ask(rules: &RuleSet, progress: &mut RuleProgress, bytes: &[u8], may_grow: bool) -> Verdict {
    let mut visitor = Visitor { prefix: bytes.to_vec(), may_grow, ..Visitor::default() };
    rules.evaluate(RulePhase::Content, progress, &mut visitor, NOW)
}

#[test]
fn rules_wait_until_the_bytes_decide() {
    let rules = parse(BY_NAME);
    for (name, verdict) in
        [("bad.test", Verdict::Reject { line: 2 }), ("good.test", Verdict::Accept)]
    {
        let bytes = hello(name, &["h2"]);
        let mut progress = RuleProgress::default();
        for cut in 0..bytes.len() {
            assert_eq!(ask(&rules, &mut progress, &bytes[..cut], true), Verdict::Wait, "{cut}");
        }
        assert_eq!(ask(&rules, &mut progress, &bytes, true), verdict);
        assert_eq!(ask(&rules, &mut RuleProgress::default(), &bytes, true), verdict, "at once");
    }
}

#[test]
fn what_cannot_become_a_hello_is_not_waited_for() {
    let rules = parse(BY_NAME);
    let verdict = ask(&rules, &mut RuleProgress::default(), b"G", true);
    assert_eq!(verdict, Verdict::SilentDrop { line: 4 });
}

#[test]
fn at_the_end_of_the_bytes_or_the_delay_what_is_not_there_is_absent() {
    let rules = parse(BY_NAME);
    let bytes = hello("bad.test", &["h2"]);
    let mut progress = RuleProgress::default();
    assert_eq!(ask(&rules, &mut progress, &bytes[..20], true), Verdict::Wait);
    let verdict = ask(&rules, &mut progress, &bytes[..20], false);
    assert_eq!(verdict, Verdict::SilentDrop { line: 4 });
}

#[test]
fn without_an_inspect_delay_a_rule_that_looks_at_bytes_is_a_mistake() {
    let why = super::mistake("tcp-request content reject unless { req.ssl_hello_type 1 }");
    assert_eq!(why.problem, "`req.ssl_hello_type` looks at bytes that nothing waits for");
    parse("tcp-request content reject unless { src 192.0.2.1 }");
}

#[test]
fn what_was_done_before_the_wait_is_done_once() {
    let rules = parse(
        "tcp-request inspect-delay 5s\n\
         stick-table type ip size 10 store gpc0\n\
         tcp-request content track-sc0 src\n\
         tcp-request content sc-inc-gpc0(0)\n\
         tcp-request content set-mark 1\n\
         tcp-request content accept if { req.len ge 2 } { sc0_get_gpc0 1 }",
    );
    let mut visitor = Visitor { may_grow: true, ..Visitor::from("192.0.2.1") };
    let mut progress = RuleProgress::default();
    for bytes in [b"" as &[u8], b"a", b"a"] {
        visitor.prefix = bytes.to_vec();
        let verdict = rules.evaluate(RulePhase::Content, &mut progress, &mut visitor, NOW);
        assert_eq!(verdict, Verdict::Wait);
    }
    visitor.prefix = b"ab".to_vec();
    let verdict = rules.evaluate(RulePhase::Content, &mut progress, &mut visitor, NOW);
    assert_eq!(verdict, Verdict::Accept);
    assert_eq!(visitor.done, ["mark 1"]);
}

#[test]
fn a_group_is_decided_by_its_first_term_that_is_not_true() {
    let known = "{ src 192.0.2.1 }";
    let unknown = "{ req.len ge 5 }";
    let reject = Verdict::Reject { line: 2 };
    for (condition, verdict) in [
        (format!("if {known} {unknown}"), Verdict::Wait),
        (format!("if !{known} {unknown}"), Verdict::Accept),
        (format!("if {unknown} !{known}"), Verdict::Wait),
        (format!("if {known} or {unknown}"), reject),
        (format!("if {unknown} or {known}"), reject),
        (format!("if !{known} or {unknown}"), Verdict::Wait),
        (format!("if !{unknown}"), Verdict::Wait),
        (format!("unless {unknown}"), Verdict::Wait),
        (format!("unless {unknown} or {known}"), Verdict::Accept),
        (format!("unless !{known} {unknown}"), reject),
        (format!("unless {unknown} !{known}"), Verdict::Wait),
    ] {
        let rules =
            parse(&format!("tcp-request inspect-delay 1s\ntcp-request content reject {condition}"));
        let mut visitor = Visitor { may_grow: true, ..Visitor::from("192.0.2.1") };
        let asked =
            rules.evaluate(RulePhase::Content, &mut RuleProgress::default(), &mut visitor, NOW);
        assert_eq!(asked, verdict, "{condition}");
    }
}

#[test]
fn keys_and_variables_out_of_the_bytes_are_waited_for() {
    for action in ["set-var(sess.name) req.ssl_sni", "track-sc0 req.ssl_sni"] {
        let rules = parse(&format!(
            "tcp-request inspect-delay 1s\nstick-table type string len 64 size 10 store conn_cur\n\
             tcp-request content {action}\n\
             tcp-request content reject"
        ));
        let bytes = hello("a.test", &["h2"]);
        let mut progress = RuleProgress::default();
        assert_eq!(ask(&rules, &mut progress, &bytes[..9], true), Verdict::Wait, "{action}");
        let verdict = ask(&rules, &mut progress, &bytes, true);
        assert_eq!(verdict, Verdict::Reject { line: 4 }, "{action}");
        let tracked = usize::from(action.starts_with("track"));
        assert_eq!(progress.tracks.iter().count(), tracked, "{action}");
    }
}

/// The verdict on a content rule with this condition, which refuses.
fn asks(condition: &str, bytes: &[u8], may_grow: bool) -> Verdict {
    let rules =
        parse(&format!("tcp-request content reject if {condition}\ntcp-request inspect-delay 1s"));
    ask(&rules, &mut RuleProgress::default(), bytes, may_grow)
}

const REFUSED: Verdict = Verdict::Reject { line: 1 };

#[test]
fn bytes_are_waited_for_until_they_are_there_or_cannot_come() {
    for (condition, bytes, now, then) in [
        // All that is there counts at once, and what it is not may still come.
        ("{ req.payload(0,0) -m found }", b"" as &[u8], REFUSED, REFUSED),
        ("{ req.payload(0,0) -m str ab }", b"ab", REFUSED, REFUSED),
        ("{ req.payload(0,0) -m str abc }", b"ab", Verdict::Wait, Verdict::Accept),
        ("{ req.payload(1,0) -m str b }", b"ab", REFUSED, REFUSED),
        ("{ req.payload(2,0) -m len 0 }", b"ab", REFUSED, REFUSED),
        ("{ req.payload(3,0) -m found }", b"ab", Verdict::Wait, Verdict::Accept),
        ("{ req.payload(0,2) -m bin 6162 }", b"ab", REFUSED, REFUSED),
        ("{ req.payload(0,2) -m bin 6163 }", b"ab", Verdict::Accept, Verdict::Accept),
        ("{ req.payload(0,3) -m found }", b"ab", Verdict::Wait, Verdict::Accept),
        ("!{ req.payload(0,3) -m found }", b"ab", Verdict::Wait, REFUSED),
        ("{ req.payload_lv(0,1) -m found }", b"", Verdict::Wait, Verdict::Accept),
        ("{ req.payload_lv(0,1) -m found }", b"\x02a", Verdict::Wait, Verdict::Accept),
        ("{ req.payload_lv(0,1) -m str ab }", b"\x02ab", REFUSED, REFUSED),
        ("{ req.payload_lv(0,1) -m found }", b"\0ab", Verdict::Accept, Verdict::Accept),
        ("{ req.len lt 9 }", b"ab", REFUSED, REFUSED),
        ("{ req.len ge 9 }", b"ab", Verdict::Wait, Verdict::Accept),
        ("HTTP", b"G", Verdict::Wait, Verdict::Accept),
        ("!HTTP", b"GET / HTTP/1.1", Verdict::Wait, REFUSED),
        ("HTTP", b"GET / HTTP/1.1\r\n", REFUSED, REFUSED),
        ("HTTP", b"\x16\x03", Verdict::Accept, Verdict::Accept),
        ("RDP_COOKIE", b"\x03\0\0\x2c\x27\xe0", Verdict::Wait, Verdict::Accept),
        ("RDP_COOKIE", b"\x16\x03", Verdict::Accept, Verdict::Accept),
        ("WAIT_END", b"ab", Verdict::Wait, REFUSED),
        ("!WAIT_END", b"ab", Verdict::Wait, Verdict::Accept),
        ("REQ_CONTENT", b"", Verdict::Wait, Verdict::Accept),
        ("FALSE WAIT_END", b"", Verdict::Accept, Verdict::Accept),
        ("WAIT_END or TRUE", b"", REFUSED, REFUSED),
        ("{ req.ssl_sni -m found } or WAIT_END", b"GET", Verdict::Wait, REFUSED),
        ("{ req.ssl_ver 3.3 }", b"\x16\x03", Verdict::Wait, Verdict::Accept),
    ] {
        assert_eq!(asks(condition, bytes, true), now, "{condition} {bytes:?}");
        assert_eq!(asks(condition, bytes, false), then, "{condition} {bytes:?} at the end");
    }
}

#[test]
fn what_is_captured_or_counted_waits_until_it_changes_no_more() {
    let done = |line: &str, bytes: &[u8], may_grow: bool| {
        let rules = parse(&format!("tcp-request inspect-delay 1s\ntcp-request content {line}"));
        let mut visitor = Visitor { prefix: bytes.to_vec(), may_grow, ..Visitor::default() };
        let verdict =
            rules.evaluate(RulePhase::Content, &mut RuleProgress::default(), &mut visitor, NOW);
        (verdict, visitor.done)
    };
    let capture = "capture req.payload(0,0) len 5";
    assert_eq!(done(capture, b"a", true), (Verdict::Wait, vec![]));
    assert_eq!(done(capture, b"a", false), (Verdict::Accept, vec!["capture 0 = a".to_owned()]));
    let variable = "set-var(txn.x) req.len";
    assert_eq!(done(variable, b"a", true), (Verdict::Accept, vec!["txn.x = Int(1)".to_owned()]));
    let variable = "set-var(txn.x) req.payload(0,2)";
    assert_eq!(done(variable, b"a", true), (Verdict::Wait, vec![]));
    assert_eq!(done(variable, b"a", false), (Verdict::Accept, vec![]));
    let text = "set-var-fmt(txn.x) n=%[req.len],%[req.payload(0,2)]";
    let made = |text: &str| (Verdict::Accept, vec![format!("txn.x = {:?}", Value::text(text))]);
    assert_eq!(done(text, b"a", true), (Verdict::Wait, vec![]));
    assert_eq!(done(text, b"a", false), made("n=1,"));
    assert_eq!(done(text, b"abc", true), made("n=3,ab"));
}

#[test]
fn a_backend_is_chosen_by_what_is_there() {
    let rules = parse(
        "tcp-request inspect-delay 1s\ntcp-request content accept if { req.len gt 0 }\n\
         use_backend a if { req.len ge 5 }\nuse_backend b if !{ payload(0,5) -m found }",
    );
    let mut visitor = Visitor { may_grow: true, ..Visitor::default() };
    let chosen = |visitor: &Visitor| {
        let progress = RuleProgress::default();
        let name = rules.backend(&progress, visitor, NOW);
        name.map(|name| name.into_owned())
    };
    assert_eq!(chosen(&visitor).as_deref(), Some("b"));
    visitor.prefix = b"12345".to_vec();
    assert_eq!(chosen(&visitor).as_deref(), Some("a"));
}
