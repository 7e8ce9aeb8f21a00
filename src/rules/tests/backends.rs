//! Content rules of backends.

use super::visitor::Visitor;
use super::{NOW, mistake, parse};
use crate::rules::{RulePhase, RuleProgress, RuleSet, Verdict};

const SECOND: u64 = 1_000_000_000;

const NAMED: &str = "tcp-request inspect-delay 1s\n\
    tcp-request content reject if { src 192.0.2.9 }\n\
    use_backend ours if { src 192.0.2.0/24 }\n\
    default_backend guests\n\
    backend ours\n\
    tcp-request inspect-delay 2s\n\
    tcp-request content reject if { req.payload(0,4) -m str evil }\n\
    tcp-request content set-var(sess.kind) str(ours)\n\
    backend guests\n\
    tcp-request content silent-drop unless { dst_port 443 }\n\
    backend others";

/// The verdict of the rules of the listener, and then that of the backend's where it has any.
fn verdicts(rules: &RuleSet, visitor: &mut Visitor) -> (Verdict, Option<Verdict>) {
    let progress = &mut RuleProgress::default();
    let listener = rules.evaluate(RulePhase::Content, progress, visitor, NOW);
    let is_next = listener == Verdict::Accept && rules.enter_backend(progress, visitor, NOW);
    (listener, is_next.then(|| rules.evaluate(RulePhase::Content, progress, visitor, NOW)))
}

#[test]
fn the_rules_of_the_chosen_backend_come_behind_those_of_the_listener() {
    let rules = parse(NAMED);
    let from = |source: &str, bytes: &[u8]| {
        let prefix = bytes.to_vec();
        let visitor = &mut Visitor { prefix, may_grow: true, ..Visitor::from(source) };
        (verdicts(&rules, visitor), std::mem::take(&mut visitor.done))
    };
    let (verdict, done) = from("192.0.2.1", b"fine");
    assert_eq!(verdict, (Verdict::Accept, Some(Verdict::Accept)));
    assert_eq!(done, ["sess.kind = Str([111, 117, 114, 115])"]);
    assert_eq!(from("192.0.2.1", b"evil").0.1, Some(Verdict::Reject { line: 7 }));
    assert_eq!(from("192.0.2.1", b"ev").0.1, Some(Verdict::Wait));
    assert_eq!(from("192.0.2.9", b"fine").0.0, Verdict::Reject { line: 2 });
    assert_eq!(from("198.51.100.1", b"").0.1, Some(Verdict::SilentDrop { line: 10 }));
}

#[test]
fn each_section_has_a_delay_of_its_own() {
    let rules = parse(NAMED);
    let mut progress = RuleProgress::default();
    assert_eq!(rules.inspect_delay(&progress), SECOND);
    let visitor = &mut Visitor { may_grow: true, ..Visitor::from("192.0.2.1") };
    assert!(rules.enter_backend(&mut progress, visitor, NOW));
    assert_eq!(rules.inspect_delay(&progress), 2 * SECOND);
    assert!(!rules.enter_backend(&mut progress, visitor, NOW), "it is in one");
    let mut progress = RuleProgress::default();
    assert!(rules.enter_backend(&mut progress, &Visitor::from("198.51.100.1"), NOW));
    assert_eq!(rules.inspect_delay(&progress), 0);
}

#[test]
fn a_backend_whose_rules_were_evaluated_stays_the_one() {
    let rules = parse(
        "use_backend a if { src 192.0.2.1 }\nuse_backend b\n\
         backend a\ntcp-request content set-src ipv4(192.0.2.2)",
    );
    let visitor = &mut Visitor::from("192.0.2.1");
    let mut progress = RuleProgress::default();
    assert!(rules.enter_backend(&mut progress, visitor, NOW));
    rules.evaluate(RulePhase::Content, &mut progress, visitor, NOW);
    assert_eq!(visitor.done.len(), 1);
    visitor.source = "192.0.2.2:5000".parse().ok();
    assert_eq!(rules.backend(&progress, visitor, NOW).as_deref(), Some("a"));
}

#[test]
fn a_connection_that_no_line_sends_anywhere_has_no_rules_of_backends() {
    let text = "use_backend a if { src 192.0.2.1 }\nbackend a\ntcp-request content reject";
    let rules = parse(text);
    assert!(rules.has(RulePhase::Content));
    let verdicts = |source: &str| verdicts(&rules, &mut Visitor::from(source)).1;
    assert_eq!(verdicts("192.0.2.1"), Some(Verdict::Reject { line: 3 }));
    assert_eq!(verdicts("192.0.2.2"), None);
}

#[test]
fn rules_of_a_backend_see_what_those_of_the_listener_have_tracked_and_waited_for() {
    parse(
        "stick-table type ip size 10 store conn_cnt\n\
         backend a\n\
         tcp-request content reject if { sc0_conn_cnt gt 5 } or { req.ssl_sni -m found }\n\
         frontend f\n\
         tcp-request inspect-delay 5s\n\
         tcp-request content track-sc0 src table default\n\
         tcp-request content accept if { req.ssl_hello_type 1 }\n\
         default_backend a",
    );
    // What chooses its server is asked behind its own rules.
    let stick = "default_backend a\nbackend a\nstick-table type string len 64 size 10\n\
        stick on req.rdp_cookie(mstshash)";
    let waits = "tcp-request inspect-delay 5s\ntcp-request content accept if RDP_COOKIE";
    parse(&format!("{stick}\n{waits}"));
    assert!(mistake(stick).problem.contains("looks at bytes that no rule waits for"));
    // The name of the backend may be left out in its section.
    for condition in ["be_conn gt 5", "srv_conn(one) gt 5", "be_conn() gt 5"] {
        let reject = format!("tcp-request content reject if {{ {condition} }}");
        parse(&format!("default_backend a\nbackend a\n{reject}"));
        mistake(&reject);
    }
}
