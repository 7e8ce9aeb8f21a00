//! Values that are not there: no condition on one is true, and no action needs one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::visitor::Visitor;
use super::{NOW, parse};
use crate::rules::keyword::{COUNTERS, KEYWORDS, OWNERS, ValueKind};
use crate::rules::place::Places;
use crate::rules::verb::VERBS;
use crate::rules::{RulePhase, RuleProgress, RuleSet, Verdict};
use crate::table::{DataType, TableKey};

const TABLES: &str = "stick-table ips type ip size 10 store gpc0,gpt0\n\
     stick-table numbers type integer size 10 store gpc0,gpt0\n\
     stick-table texts type string len 64 size 10 store gpc0,gpt0\n";

/// Every keyword that may have no value, with an argument in parentheses where it takes one, its kind,
/// and a phase that knows it. Left out are those that always have one: truth values and a length.
fn asked() -> Vec<(String, ValueKind, RulePhase)> {
    let mut all = Vec::new();
    for word in
        KEYWORDS.iter().filter(|word| word.kind != ValueKind::Truth && word.name != "req.len")
    {
        let argument = match word.argument {
            "TYPE" => "(0xe1)",
            "BACKEND" => "(nowhere)",
            _ => "",
        };
        let phase = RulePhase::ALL.into_iter().find(|phase| word.seen.contains(phase.place()));
        all.push((format!("{}{argument}", word.name), word.kind, phase.expect("a phase")));
    }
    for (owner, _) in OWNERS.iter().filter(|(owner, _)| *owner != "src_") {
        for counter in COUNTERS {
            let argument = if *owner == "sc_" { "(1)" } else { "" };
            all.push((
                format!("{owner}{}{argument}", counter.name),
                ValueKind::Number,
                RulePhase::Session,
            ));
        }
    }
    all
}

/// Every action, each of which would do something: on an IP that is there and is not the one of `word`,
/// and in a slot that is not the one of `word`.
fn actions(word: &str) -> Vec<String> {
    let key = there_beside(word);
    let slot = slot_beside(word);
    let all = VERBS.iter().map(|verb| match verb.arguments {
        " KEY [table NAME]" => format!("{} {key} table ips", verb.name),
        "(N)" => format!("{}({slot})", verb.name),
        "(N) NUMBER" => format!("{}({slot}) 1", verb.name),
        " NUMBER" => format!("{} 1", verb.name),
        " VALUE" => format!("{} {key}", verb.name),
        "(NAME) VALUE" => format!("{}(sess.x) {key}", verb.name),
        _ => verb.name.to_owned(),
    });
    all.collect()
}

fn there_beside(word: &str) -> &'static str {
    if word == "fc_src" { "fc_dst" } else { "fc_src" }
}

fn slot_beside(word: &str) -> usize {
    if word.starts_with("sc2_") { 0 } else { 2 }
}

fn values(kind: ValueKind) -> Vec<&'static str> {
    match kind {
        ValueKind::Number => vec!["0:", "-m found"],
        ValueKind::Address => vec!["0.0.0.0/0 ::/0", "-m found"],
        ValueKind::Bytes => {
            vec!["\"\"", "-m beg \"\"", "-m end \"\"", "-m sub \"\"", "-m reg .*", "-m found"]
        }
        ValueKind::Truth => vec![],
    }
}

/// A connection of which nothing is known.
fn nobody() -> Visitor {
    Visitor::default()
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// A connection of which only the IP address that is [`there_beside`] a word is known.
fn nobody_but_beside(word: &str) -> Visitor {
    let end = Some(SocketAddr::new(HERE, 1));
    match there_beside(word) {
        "fc_src" => Visitor { socket_source: end, ..nobody() },
        _ => Visitor { socket_destination: end, ..nobody() },
    }
}

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
    /// `gpc0` and `gpt0` of the entry.
    entry: [Option<u64>; 2],
}

/// The effects of `action` if its rule has this condition and the rule behind it, in the sixth line,
/// refuses.
fn traces(word: &str, phase: RulePhase, action: &str, condition: &str) -> Traces {
    let begin = format!("tcp-request {}", phase.name());
    let is_counted = action.starts_with("sc-");
    let first = match is_counted {
        true => format!("{begin} track-sc{} {} table ips", slot_beside(word), there_beside(word)),
        false => "# nothing is counted before".to_owned(),
    };
    let text = format!("{TABLES}{first}\n{begin} {action} {condition}\n{begin} reject");
    let rules = parse(&text);
    let mut visitor = nobody_but_beside(word);
    let (verdict, tracks) = run(&rules, phase, &mut visitor);
    let table = rules.tables().get("ips").expect("a table");
    let entry =
        [DataType::Gpc(0), DataType::Gpt0].map(|data| table.get(TableKey::Ip(HERE), data, NOW));
    Traces { verdict, tracks, done: visitor.done, entry }
}

#[test]
fn a_condition_on_what_is_not_there_is_false_before_every_action() {
    for (word, kind, phase) in asked() {
        for values in values(kind) {
            for action in actions(&word) {
                let condition = format!("{{ {word} {values} }}");
                let is_counted = action.starts_with("sc-");
                let due = Traces {
                    verdict: Verdict::Reject { line: 6 },
                    tracks: usize::from(is_counted),
                    done: Vec::new(),
                    entry: [is_counted.then_some(0); 2],
                };
                let name = format!("{action} if {condition}");
                let found = traces(&word, phase, &action, &format!("if {condition}"));
                assert_eq!(found, due, "{name}");
                let found = traces(&word, phase, &action, &format!("if !{condition}"));
                assert_ne!(found, due, "where it is true: {name}");
            }
            let line = format!("tcp-request {} reject if !{{ {word} {values} }}", phase.name());
            let refused = run(&parse(&format!("{TABLES}{line}")), phase, &mut nobody()).0;
            assert_eq!(refused, Verdict::Reject { line: 4 }, "{line}");
        }
    }
}

#[test]
fn an_action_on_what_is_not_there_does_nothing_and_the_next_rule_is_asked() {
    for (word, kind, phase) in asked() {
        let (name, table) = match kind {
            ValueKind::Address => ("set-src", "ips"),
            ValueKind::Number => ("", "numbers"),
            ValueKind::Bytes => ("", "texts"),
            ValueKind::Truth => continue,
        };
        let mut actions = vec![
            format!("track-sc0 {word} table {table}"),
            format!("track-sc2 {word} table {table}"),
            format!("set-var(sess.x) {word}"),
        ];
        if !name.is_empty() {
            actions.push(format!("{name} {word}"));
        }
        for action in actions {
            let phase_name = phase.name();
            let rules = parse(&format!(
                "{TABLES}tcp-request {phase_name} {action}\ntcp-request {phase_name} reject"
            ));
            let mut visitor = nobody();
            let expected = (Verdict::Reject { line: 5 }, 0);
            assert_eq!(run(&rules, phase, &mut visitor), expected, "{action}");
            assert_eq!(visitor.done, [""; 0], "{action}");
        }
    }
}

#[test]
fn counting_in_an_entry_that_was_never_found_does_nothing() {
    let rules = parse(
        "tcp-request session sc-inc-gpc0(1)\ntcp-request session sc-set-gpt0(1) 5\n\
         tcp-request session reject",
    );
    assert_eq!(run(&rules, RulePhase::Session, &mut nobody()), (Verdict::Reject { line: 3 }, 0));
}

#[test]
fn every_word_is_known_in_some_phase() {
    for word in KEYWORDS {
        assert!(!(word.seen & !Places::BACKEND).is_empty(), "{}", word.name);
    }
}
