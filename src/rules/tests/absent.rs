//! Values that are not there: no condition on one is true, and no action needs one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::visitor::Visitor;
use super::{NOW, parse};
use crate::rules::action_word::ACTION_WORDS;
use crate::rules::fetch::{COUNTERS, FetchWord, OWNERS, fetch_words};
use crate::rules::place::{Needs, Places};
use crate::rules::value::ValueType;
use crate::rules::{RulePhase, RuleProgress, RuleSet, Verdict};
use crate::table::{DataType, TableKey};

/// Tables, a filter and a delay; seven lines.
const FRONT: &str = "stick-table type ip size 10 store gpc0,gpc1,gpt0\n\
     filter bwlim-in f default-limit 1k default-period 1s\n\
     tcp-request inspect-delay 1s\n";
/// Below: lines of other sections. A slot is tracked in it by none.
const BACK: &str = "backend numbers\nstick-table type integer size 10 store gpc0,gpt0\n\
     backend texts\nstick-table type string len 64 size 10 store gpc0,gpt0\n\
     backend bytes\nstick-table type binary len 64 size 10 store gpc0,gpt0\n\
     backend all\nstick-table type ip size 10 store conn_cnt,conn_cur,conn_rate(1s),sess_cnt,\
     sess_rate(1s),bytes_in_cnt,bytes_in_rate(1s),bytes_out_cnt,bytes_out_rate(1s),gpc0,gpc1,\
     gpc0_rate(1s),gpt0,http_req_cnt,http_req_rate(1s),http_err_cnt,http_err_rate(1s),\
     http_fail_cnt,http_fail_rate(1s)\n";

/// Words that always have a value.
const ALWAYS: [&str; 16] = [
    "table_cnt",
    "table_avl",
    "ssl_fc",
    "src_is_local",
    "fc_src_is_local",
    "fc_rcvd_proxy",
    "req.len",
    "wait_end",
    "always_true",
    "always_false",
    "bool",
    "int",
    "str",
    "bin",
    "ipv4",
    "ipv6",
];

/// Every word that may have no value, with arguments where it takes some, its type, and a phase that
/// knows it.
fn asked() -> Vec<(String, ValueType, RulePhase)> {
    let mut all = Vec::new();
    let asked = |word: &&FetchWord| !ALWAYS.contains(&word.name) && word.seen != Places::RESPONSE;
    for word in fetch_words().filter(asked) {
        let argument = match word.name {
            "fc_pp_tlv" => "(0xe1)",
            "req.payload" | "req.payload_lv" | "payload" | "payload_lv" => "(0,1)",
            "var" => "(txn.nosuch),concat()",
            name if name.starts_with("srv_") => "(nowhere/a)",
            name if name.starts_with("be_") => "(nowhere)",
            "connslots" | "queue" | "avg_queue" | "nbsrv" => "(nowhere)",
            _ => "",
        };
        let kind = if word.name == "var" { ValueType::Str } else { word.kind };
        let phase = RulePhase::ALL.into_iter().find(|phase| word.seen.contains(phase.place()));
        all.push((format!("{}{argument}", word.name), kind, phase.expect("a phase")));
    }
    for (owner, _) in OWNERS.iter().filter(|(owner, _)| *owner != "src_") {
        for counter in COUNTERS {
            let argument = if *owner == "sc_" { "(1)" } else { "" };
            let word = format!("{owner}{}{argument}", counter.name);
            all.push((word, ValueType::Int, RulePhase::Session));
        }
    }
    all
}

/// A line that tracks what is not there by every slot, so that a word of a slot is no mistake.
fn tracks(word: &str, phase: RulePhase) -> String {
    let slot = match word {
        word if word.starts_with("sc0_") => 0,
        word if word.starts_with("sc1_") || word.starts_with("sc_") => 1,
        word if word.starts_with("sc2_") => 2,
        _ => return "# nothing has to be tracked".to_owned(),
    };
    format!("tcp-request {} track-sc{slot} dst table all", phase.name())
}

/// Every action that does something, on an address that is there and is not the one of `word`, and in a
/// slot that is not the one of `word`.
fn actions(word: &str, phase: RulePhase) -> Vec<String> {
    let key = there_beside(word);
    let slot = slot_beside(word);
    let verbs = ACTION_WORDS.iter().filter(|word| word.seen.contains(phase.place()));
    // Before the test no variable is set, and no rule of a set-var comes first.
    let all = verbs.filter(|word| word.name != "unset-var").map(|word| {
        let name = word.name;
        match name {
            "sc-inc-gpc" => format!("{name}(0,{slot})"),
            "sc-inc-gpc0" | "sc-inc-gpc1" => format!("{name}({slot})"),
            "sc-set-gpt0" => format!("{name}({slot}) 1"),
            "set-mark" | "set-tos" => format!("{name} 1"),
            "set-src" | "set-dst" => format!("{name} {key}"),
            "set-src-port" | "set-dst-port" => format!("{name} int(80)"),
            "set-var" => format!("{name}(sess.x) {key}"),
            "set-var-fmt" => format!("{name}(sess.x) %[{key}]"),
            "capture" => format!("{name} {key} len 10"),
            "set-log-level" => format!("{name} silent"),
            "expect-proxy" => format!("{name} layer4"),
            "set-bandwidth-limit" => format!("{name} f"),
            name if name.starts_with("track-sc") => format!("{name} {key} table default"),
            name => name.to_owned(),
        }
    });
    let slot_of_word = |action: &str| {
        action.strip_prefix("track-").is_some_and(|slot| word.starts_with(&slot[..3]))
    };
    all.filter(|action| !slot_of_word(action)).collect()
}

fn there_beside(word: &str) -> &'static str {
    if word == "fc_src" { "fc_dst" } else { "fc_src" }
}

fn slot_beside(word: &str) -> usize {
    if word.starts_with("sc2_") { 0 } else { 2 }
}

fn values(kind: ValueType) -> Vec<&'static str> {
    let found = "-m found";
    match kind {
        ValueType::Bool => vec!["-m int 0:", found],
        ValueType::Int => vec!["0:", "le 0", "-m str \"\"", found],
        ValueType::Addr => vec!["0.0.0.0/0 ::/0", "-m len 0:", found],
        ValueType::Str | ValueType::Bin | ValueType::Any => vec![
            "-m str \"\"",
            "-m beg \"\"",
            "-m end \"\"",
            "-m sub \"\"",
            "-m dir \"\"",
            "-m dom \"\"",
            "-m len 0:",
            "-m reg .*",
            found,
        ],
    }
}

/// A connection of which nothing is known.
fn nobody() -> Visitor {
    Visitor::default()
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// A connection of which only the address that is [`there_beside`] a word is known. What only a socket
/// of the other family, or the other end of it, has is still not there.
fn nobody_but_beside(word: &str) -> Visitor {
    let end = Some(SocketAddr::new(HERE, 1));
    match there_beside(word) {
        "fc_src" => Visitor { socket_source: end, ..nobody() },
        _ => Visitor { socket_destination: end, ..nobody() },
    }
}

/// Words that are there with what [`nobody_but_beside`] knows.
const THERE: [&str; 2] = ["fc_src_port", "fc_fam"];

fn run(rules: &RuleSet, phase: RulePhase, visitor: &mut Visitor) -> (Verdict, usize) {
    let mut progress = RuleProgress::default();
    let verdict = rules.evaluate(phase, &mut progress, visitor, NOW);
    (verdict, progress.tracks.iter().count())
}

/// The effects of an action.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    verdict: Verdict,
    tracks: usize,
    done: Vec<String>,
    /// `gpc0`, `gpc1` and `gpt0` of the entry.
    entry: [Option<u64>; 3],
}

/// The effects of `action` if its rule has this condition and the rule behind it, in the seventh line,
/// refuses.
fn traces(word: &str, phase: RulePhase, action: &str, condition: &str) -> Traces {
    let begin = format!("tcp-request {}", phase.name());
    let is_counted = action.starts_with("sc-");
    let first = match is_counted {
        true => format!("{begin} track-sc{} {}", slot_beside(word), there_beside(word)),
        false => "# nothing is counted before".to_owned(),
    };
    let tracks = tracks(word, phase);
    let text =
        format!("{FRONT}{first}\n{tracks}\n{begin} {action} {condition}\n{begin} reject\n{BACK}");
    let rules = parse(&text);
    let mut visitor = nobody_but_beside(word);
    let (verdict, tracks) = run(&rules, phase, &mut visitor);
    let table = rules.tables().get("default").expect("a table");
    let entry = [DataType::Gpc(0), DataType::Gpc(1), DataType::Gpt0]
        .map(|data| table.get(TableKey::Ip(HERE), data, NOW));
    Traces { verdict, tracks, done: visitor.done, entry }
}

/// The words that are not there with what [`nobody_but_beside`] knows.
fn asked_beside() -> impl Iterator<Item = (String, ValueType, RulePhase)> {
    asked().into_iter().filter(|(word, ..)| !THERE.contains(&&**word))
}

#[test]
fn a_condition_on_what_is_not_there_is_false_before_every_action() {
    for (word, _, phase) in asked_beside() {
        let condition = format!("{{ {word} -m found }}");
        for action in actions(&word, phase) {
            let is_counted = action.starts_with("sc-");
            let due = Traces {
                verdict: Verdict::Reject { line: 7 },
                tracks: usize::from(is_counted),
                done: Vec::new(),
                entry: [is_counted.then_some(0); 3],
            };
            let name = format!("{action} if {condition}");
            let found = traces(&word, phase, &action, &format!("if {condition}"));
            assert_eq!(found, due, "{name}");
            let found = traces(&word, phase, &action, &format!("if !{condition}"));
            assert_ne!(found, due, "where it is true: {name}");
        }
    }
}

#[test]
fn a_condition_on_what_is_not_there_is_false_whatever_it_is_compared_with() {
    for (word, kind, phase) in asked_beside() {
        for values in values(kind) {
            let begin = format!("tcp-request {}", phase.name());
            let condition = format!("{{ {word} {values} }}");
            for (negation, verdict) in [("", Verdict::Accept), ("!", Verdict::Reject { line: 5 })] {
                let line =
                    format!("{}\n{begin} reject if {negation}{condition}\n", tracks(&word, phase));
                let rules = parse(&format!("{FRONT}{line}{BACK}"));
                assert_eq!(run(&rules, phase, &mut nobody()).0, verdict, "{line}");
            }
        }
    }
}

#[test]
fn an_action_on_what_is_not_there_does_nothing_and_the_next_rule_is_evaluated() {
    for (word, kind, phase) in asked() {
        let track = |table: &str| {
            let slots = ["sc0", "sc1", "sc2"];
            let free = slots.into_iter().find(|slot| !word.starts_with(slot)).unwrap_or_default();
            format!("track-{free} {word} table {table}")
        };
        let mut actions = vec![format!("set-var(sess.x) {word}")];
        if phase == RulePhase::Content || phase == RulePhase::Session {
            actions.push(format!("capture {word} len 5"));
        }
        match kind {
            ValueType::Addr => actions.extend([
                track("default"),
                track("texts"),
                format!("set-src {word}"),
                format!("set-dst {word}"),
            ]),
            ValueType::Int | ValueType::Bool => actions.extend([
                track("numbers"),
                format!("set-src-port {word}"),
                format!("set-dst-port {word}"),
            ]),
            ValueType::Str => actions.extend([track("texts"), track("bytes"), track("default")]),
            ValueType::Bin | ValueType::Any => actions.extend([track("texts"), track("bytes")]),
        }
        for action in actions {
            let begin = format!("tcp-request {}", phase.name());
            let tracks = tracks(&word, phase);
            let rules =
                parse(&format!("{FRONT}{tracks}\n{begin} {action}\n{begin} reject\n{BACK}"));
            let mut visitor = nobody();
            let expected = (Verdict::Reject { line: 6 }, 0);
            assert_eq!(run(&rules, phase, &mut visitor), expected, "{action}");
            assert_eq!(visitor.done, [""; 0], "{action}");
        }
    }
}

#[test]
fn counting_in_an_entry_that_was_not_found_does_nothing() {
    let rules = parse(
        "stick-table type ip size 10 store gpc0,gpt0\n\
         tcp-request session track-sc1 dst\n\
         tcp-request session sc-inc-gpc0(1)\ntcp-request session sc-set-gpt0(1) 5\n\
         tcp-request session reject",
    );
    assert_eq!(run(&rules, RulePhase::Session, &mut nobody()), (Verdict::Reject { line: 5 }, 0));
}

#[test]
fn every_word_is_known_in_some_phase() {
    for word in fetch_words() {
        let is_seen = !(word.seen & !Places::BACKEND).is_empty();
        assert!(is_seen, "{}", word.name);
    }
}

#[test]
fn what_needs_bytes_is_known_where_bytes_are() {
    for word in fetch_words().filter(|word| word.needs != Needs::Nothing) {
        let known = [Places::PREFIX, Places::DATA, Places::RESPONSE];
        assert!(known.contains(&word.seen), "{}", word.name);
    }
}
