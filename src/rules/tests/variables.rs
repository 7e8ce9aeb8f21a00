//! Variables: what rules set, later rules and the host find.

use super::visitor::Visitor;
use super::{NOW, holds, parse};
use crate::rules::value::{KEPT_MAX, MADE_MAX};
use crate::rules::variable::SCOPES;
use crate::rules::{Environment, RulePhase, RuleProgress, RuleSet, Tables, Value, Verdict};

const REFUSED: fn(u32) -> Verdict = |line| Verdict::Reject { line };

#[test]
fn a_variable_of_every_scope_is_read_by_later_rules_in_later_phases() {
    for (scope, _) in SCOPES {
        let rules = parse(&format!(
            "tcp-request connection set-var({scope}a.b_1) src\n\
             tcp-request session reject if {{ var({scope}a.b_1) -m ip 192.0.2.0/24 }} \
             !{{ var({scope}a) -m found }}"
        ));
        let (mut visitor, mut progress) = (Visitor::from("192.0.2.1"), RuleProgress::default());
        rules.evaluate(RulePhase::Connection, &mut progress, &mut visitor, NOW);
        let verdict = rules.evaluate(RulePhase::Session, &mut progress, &mut visitor, NOW);
        assert_eq!(verdict, REFUSED(2), "{scope}");
    }
}

#[test]
fn a_variable_keeps_the_type_of_its_value() {
    for (expression, value) in [
        ("src", Value::Addr([192, 0, 2, 7].into())),
        ("src_port", Value::Int(40_000)),
        ("ssl_fc", Value::Bool(true)),
        ("so_name,upper", Value::text("FRONT")),
        ("bin(00ff)", Value::bin(b"\x00\xff")),
        ("var(txn.number),add(1)", Value::Int(8)),
        ("var(txn.number)", Value::Int(7)),
    ] {
        let rules = parse(&format!("tcp-request session set-var(sess.x) {expression}"));
        let mut visitor = Visitor::known();
        super::verdict(&rules, RulePhase::Session, &mut visitor);
        assert_eq!(
            visitor.variables.last().map(|(_, value)| value.clone()),
            Some(value),
            "{expression}"
        );
    }
}

#[test]
fn a_variable_holds_a_text_that_is_made_of_values() {
    for (text, value) in [
        ("%[src]:%[src_port]", "192.0.2.7:40000"),
        ("\"100%% of %[so_name,regsub('f|]',F)]\"", "100% of Front"),
        ("<%[var(txn.none)]%[var(txn.number)]>", "<7>"),
        ("%[var(txn.none)]", ""),
        ("plain", "plain"),
    ] {
        let rules = parse(&format!("tcp-request session set-var-fmt(sess.x) {text}"));
        let mut visitor = Visitor::known();
        super::verdict(&rules, RulePhase::Session, &mut visitor);
        let set = visitor.variables.last().map(|(_, value)| value.clone());
        assert_eq!(set, Some(Value::text(value)), "{text}");
    }
}

#[test]
fn a_variable_that_is_made_of_itself_does_not_grow_without_end() {
    for (line, times, most) in [
        ("set-var-fmt(proc.x) %[var(proc.x)]%[var(proc.x)]ab", 30, MADE_MAX),
        ("set-var-fmt(proc.x) %[var(proc.x)],%[src]", 2_000, MADE_MAX),
        ("set-var(proc.x) var(proc.x,ab),hex", 30, KEPT_MAX),
    ] {
        let rules = parse(&format!("tcp-request session {line}"));
        for _ in 0..times {
            super::verdict(&rules, RulePhase::Session, &mut Visitor::known());
        }
        let length = rules.process.get("proc.x").expect("it is set").len();
        assert!(length > most / 3 && length <= most, "{line}: {length}");
    }
}

#[test]
fn a_variable_that_is_not_set_is_not_there() {
    let visitor = Visitor::known();
    assert!(holds(
        "!{ var(txn.none) -m found } !{ var(txn.none) -m len 0: } !{ var(txn.none) -m bool }",
        &visitor
    ));
    assert!(holds("!{ var(txn.none),add(1) 0: } { str(a),concat(b,txn.none,c) abc }", &visitor));
    assert!(holds("!{ int(1),add(txn.none) 0: } { int(1),add(txn.number) 8 }", &visitor));
    assert!(holds(
        "!{ str(a),strcmp(txn.none) -m found } { str(7),strcmp(txn.number) 0 }",
        &visitor
    ));
}

#[test]
fn a_variable_that_was_unset_is_not_there() {
    let rules = parse(
        "tcp-request session set-var(sess.a) src\n\
         tcp-request session set-var(proc.a) src\n\
         tcp-request session unset-var(sess.a)\n\
         tcp-request session unset-var(proc.a)\n\
         tcp-request session reject unless { var(sess.a) -m found } or { var(proc.a) -m found }",
    );
    let mut visitor = Visitor::known();
    assert_eq!(super::verdict(&rules, RulePhase::Session, &mut visitor), REFUSED(5));
    assert_eq!(visitor.done, ["sess.a = Addr(192.0.2.7)", "sess.a unset"]);
}

#[test]
fn a_value_that_is_not_there_leaves_a_variable_as_it_is() {
    let rules = parse(
        "tcp-request session set-var(sess.a) int(1)\n\
         tcp-request session set-var(sess.a) ssl_fc_sni\n\
         tcp-request session reject if { var(sess.a) -m int 1 }",
    );
    let mut visitor = Visitor { tls: None, ..Visitor::known() };
    assert_eq!(super::verdict(&rules, RulePhase::Session, &mut visitor), REFUSED(3));
}

const LAST: &str = "tcp-request session reject if { var(proc.seen) -m ip 192.0.2.1 }\n\
    tcp-request session set-var(proc.seen) src";

fn comes(rules: &RuleSet, source: &str) -> Verdict {
    super::verdict(rules, RulePhase::Session, &mut Visitor::from(source))
}

#[test]
fn a_variable_of_the_process_is_that_of_all_connections_and_of_the_next_set() {
    let rules = parse(LAST);
    assert_eq!(comes(&rules, "192.0.2.1"), Verdict::Accept);
    assert_eq!(comes(&rules, "192.0.2.2"), REFUSED(1));
    let load = |_: &str| Err(String::new());
    let tables = Tables::default();
    let after = |before| Environment { tables: &tables, before, load: &load };
    let next = RuleSet::parse(LAST.as_bytes(), after(Some(&rules))).expect("rules");
    assert_eq!(comes(&next, "192.0.2.3"), REFUSED(1));
    let other = RuleSet::parse(LAST.as_bytes(), after(None)).expect("rules");
    assert_eq!(comes(&other, "192.0.2.3"), Verdict::Accept);
}

#[test]
fn the_host_finds_variables_of_the_connection_and_not_those_of_the_process() {
    let rules =
        parse("tcp-request session set-var(proc.a) src\ntcp-request session set-var(txn.a) src");
    let mut visitor = Visitor::from("192.0.2.1");
    super::verdict(&rules, RulePhase::Session, &mut visitor);
    assert_eq!(visitor.done, ["txn.a = Addr(192.0.2.1)"]);
}
