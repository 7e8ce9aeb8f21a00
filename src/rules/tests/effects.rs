//! What each action does, and its effect on later rules.

use std::sync::Arc;

use super::visitor::Visitor;
use super::{NOW, parse};
use crate::rules::{RulePhase, RuleProgress, RuleSet, Value, Verdict};

const SESSION: RulePhase = RulePhase::Session;

fn done(line: &str) -> Vec<String> {
    let mut visitor = Visitor::known();
    let rules = parse(&format!("tcp-request session {line}"));
    let verdict = rules.evaluate(SESSION, &mut RuleProgress::default(), &mut visitor, NOW);
    assert_eq!(verdict, Verdict::Accept, "{line}");
    visitor.done
}

#[test]
fn marks_and_tos_reach_the_socket() {
    assert_eq!(done("set-mark 7"), ["mark 7"]);
    assert_eq!(done("set-mark 0xffffffff"), ["mark 4294967295"]);
    assert_eq!(done("set-tos 0x10"), ["tos 16"]);
    assert_eq!(done("set-tos 255 if { src 192.0.2.7 }"), ["tos 255"]);
    assert_eq!(done("set-tos 255 if { src 192.0.2.8 }"), [""; 0]);
}

#[test]
fn variables_hold_values_of_every_kind() {
    assert_eq!(done("set-var(sess.a) src"), ["sess.a = Addr(192.0.2.7)"]);
    assert_eq!(done("set-var(sess.a) src_port"), ["sess.a = Int(40000)"]);
    assert_eq!(done("set-var(sess.a) ssl_fc"), ["sess.a = Bool(true)"]);
    let bytes = done("set-var(txn.tlv) fc_pp_tlv(224)");
    assert_eq!(bytes, [r"txn.tlv = Str([97, 0, 98, 255])"]);
}

#[test]
fn a_source_that_was_set_is_the_source_from_then_on() {
    let rules = parse(
        "tcp-request connection reject if { src 10.0.0.2 }\n\
         tcp-request connection set-src fc_src\n\
         tcp-request connection silent-drop if { src 10.0.0.2 } { src_port 40000 }",
    );
    let mut visitor = Visitor::known();
    let verdict =
        rules.evaluate(RulePhase::Connection, &mut RuleProgress::default(), &mut visitor, NOW);
    assert_eq!(verdict, Verdict::SilentDrop { line: 3 });
    assert_eq!(visitor.done, ["source 10.0.0.2"]);
}

#[test]
fn effects_come_in_the_order_of_the_rules_and_not_behind_a_decision() {
    let rules = parse(
        "tcp-request session set-mark 1\ntcp-request session set-tos 2\n\
         tcp-request session accept\ntcp-request session set-mark 3",
    );
    let mut visitor = Visitor::known();
    rules.evaluate(SESSION, &mut RuleProgress::default(), &mut visitor, NOW);
    assert_eq!(visitor.done, ["mark 1", "tos 2"]);
}

/// A connection from `source` is accepted and stays open.
fn comes(rules: &Arc<RuleSet>, source: &str) -> (Verdict, RuleProgress) {
    let mut progress = RuleProgress::default();
    let verdict = rules.evaluate(SESSION, &mut progress, &mut Visitor::from(source), NOW);
    (verdict, progress)
}

const REFUSED: Verdict = Verdict::Reject { line: 3 };

#[test]
fn tracking_counts_connections_for_as_long_as_they_exist() {
    for slot in 0..3 {
        let rules = parse(&format!(
            "stick-table type ip size 10 store conn_cur,conn_cnt\n\
             tcp-request session track-sc{slot} src\n\
             tcp-request session reject if {{ sc{slot}_conn_cur gt 2 }}\n"
        ));
        let first = comes(&rules, "192.0.2.1");
        let second = comes(&rules, "192.0.2.1");
        assert_eq!((first.0, second.0), (Verdict::Accept, Verdict::Accept));
        assert_eq!(comes(&rules, "192.0.2.1").0, REFUSED);
        assert_eq!(comes(&rules, "192.0.2.2").0, Verdict::Accept);
        drop(first);
        assert_eq!(comes(&rules, "192.0.2.1").0, Verdict::Accept);
    }
}

#[test]
fn what_is_tracked_first_stays() {
    let rules = parse(
        "stick-table type ip size 10 store conn_cur\n\
         tcp-request session track-sc0 src\n\
         tcp-request session track-sc0 src table other\n\
         tcp-request session reject if { src_conn_cur(other) gt 0 }\n\
         tcp-request session silent-drop if { src_conn_cur gt 0 } { src_conn_cur(default) eq 1 }\n\
         backend other\nstick-table type ip size 10 store conn_cur",
    );
    assert_eq!(comes(&rules, "192.0.2.1").0, Verdict::SilentDrop { line: 5 });
}

#[test]
fn counters_and_tags_stay_in_the_entry() {
    let rules = parse(
        "stick-table type ip size 10 store gpc0,gpt0\n\
         tcp-request session track-sc1 src\n\
         tcp-request session reject if { sc1_get_gpt0 7 }\n\
         tcp-request session silent-drop if { sc_get_gpc0(1) ge 1 } { src_gpc0 1 }\n\
         tcp-request session sc-inc-gpc0(1)\n\
         tcp-request session sc-set-gpt0(1) 7 if { src 192.0.2.2 }",
    );
    assert_eq!(comes(&rules, "192.0.2.1").0, Verdict::Accept);
    assert_eq!(comes(&rules, "192.0.2.1").0, Verdict::SilentDrop { line: 4 });
    assert_eq!(comes(&rules, "192.0.2.2").0, Verdict::Accept);
    assert_eq!(comes(&rules, "192.0.2.2").0, REFUSED);
}

#[test]
fn a_source_that_a_table_has_never_seen_counts_nothing() {
    let rules = parse(
        "stick-table type ip size 10 store conn_cnt\n\
         tcp-request session accept if { src 192.0.2.2 } { src_conn_cnt 0 }\n\
         tcp-request session reject if { src_conn_cnt 0 }\n\
         tcp-request session silent-drop",
    );
    assert_eq!(comes(&rules, "192.0.2.1").0, REFUSED);
    assert_eq!(comes(&rules, "192.0.2.2").0, Verdict::Accept);
}

/// The numbers that `words` are in turn, with a table of everything and another one.
fn counted(words: &[&str]) -> Vec<Option<i64>> {
    let lines: String = words
        .iter()
        .enumerate()
        .map(|(at, word)| format!("tcp-request session set-var(sess.v{at}) {word}\n"))
        .collect();
    let rules = parse(&format!(
        "stick-table type ip size 10 store gpc(3),gpc0_rate(10s),conn_cnt,conn_cur\n\
         tcp-request session track-sc0 src\n{lines}\
         backend other\nstick-table type ip size 10 store gpc(2),conn_cnt\n\
         backend plain\nstick-table type ip size 10"
    ));
    let mut visitor = Visitor::from("192.0.2.1");
    rules.evaluate(SESSION, &mut RuleProgress::default(), &mut visitor, NOW);
    let value = |at: usize| {
        visitor.variables.iter().find(|(name, _)| *name == format!("sess.v{at}")).map(
            |(_, value)| match value {
                Value::Int(number) => *number,
                other => panic!("{other:?}"),
            },
        )
    };
    (0..words.len()).map(value).collect()
}

#[test]
fn a_counter_that_counts_when_it_is_asked_says_what_it_is_then() {
    let words = [
        "sc0_inc_gpc0",
        "sc0_inc_gpc0",
        "sc0_get_gpc0",
        "sc0_gpc0_rate",
        "sc0_inc_gpc1",
        "sc_inc_gpc(2,0)",
    ];
    assert_eq!(counted(&words), [1, 2, 2, 2, 1, 1].map(Some));
}

#[test]
fn a_counter_that_is_cleared_says_what_it_was() {
    let words = [
        "sc0_inc_gpc0",
        "sc0_inc_gpc0",
        "sc0_clr_gpc0",
        "sc0_get_gpc0",
        "sc0_clr_gpc0",
        "sc_clr_gpc(2,0)",
    ];
    assert_eq!(counted(&words), [1, 2, 2, 0, 0, 0].map(Some));
}

#[test]
fn counting_for_a_source_makes_an_entry() {
    let words = [
        "src_inc_gpc0(other)",
        "src_inc_gpc0(other)",
        "src,in_table(other),add(0)",
        "src_clr_gpc0(other)",
        "src_get_gpc0(other)",
        "src_updt_conn_cnt(other)",
        "src_updt_conn_cnt(other)",
        "src_inc_gpc(1,other)",
    ];
    assert_eq!(counted(&words), [1, 2, 1, 2, 0, 1, 2, 1].map(Some));
}

#[test]
fn what_is_only_asked_makes_no_entry() {
    let words = [
        "src_get_gpc0(other)",
        "src_conn_cnt(other)",
        "sc0_get_gpc0(other)",
        "src,table_gpc0(other)",
        "src,in_table(other),add(0)",
        "src,table_trackers(other)",
    ];
    assert_eq!(counted(&words), [0, 0, 0, 0, 0, 0].map(Some));
}

#[test]
fn a_counter_of_another_table_is_that_of_the_same_key() {
    let words = [
        "src_inc_gpc1(other)",
        "sc0_get_gpc1(other)",
        "sc_get_gpc1(0,other)",
        "sc0_get_gpc1",
        "sc0_tracked(other),add(0)",
        "sc0_tracked(plain),add(0)",
    ];
    assert_eq!(counted(&words), [1, 1, 1, 0, 1, 0].map(Some));
}

#[test]
fn an_entry_knows_how_many_connections_it_counts_now() {
    let words = [
        "sc0_trackers",
        "sc0_tracked,add(0)",
        "src,table_trackers(default)",
        "src,table_conn_cur(default)",
    ];
    assert_eq!(counted(&words), [1, 1, 1, 1].map(Some));
}

#[test]
fn what_can_be_no_key_of_a_table_is_in_none() {
    let words = [
        "str(x),table_gpc0(other)",
        "ipv6(2001:db8::1),table_gpc0(other)",
        "str(192.0.2.9),table_gpc0(other)",
    ];
    assert_eq!(counted(&words), [None, None, Some(0)]);
}
