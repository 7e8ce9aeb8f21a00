//! What is not there: no condition on it is true, and no action needs it to be.

use super::visitor::Visitor;
use super::{NOW, parse};
use crate::rules::keyword::{COUNTERS, KEYWORDS, Kind, OWNERS};
use crate::rules::place::Places;
use crate::rules::verb::VERBS;
use crate::rules::{Passage, Phase, RuleSet, Verdict};

const TABLES: &str = "stick-table ips type ip size 10 store gpc0,gpt0\n\
     stick-table numbers type integer size 10 store gpc0,gpt0\n\
     stick-table texts type string len 64 size 10 store gpc0,gpt0\n";

/// Every word, with something in brackets where it needs that, its kind, and a phase that knows it.
/// Those that are always there are yes or no, a length, and what a table knows.
fn asked() -> Vec<(String, Kind, Phase)> {
    let mut all = Vec::new();
    for word in KEYWORDS.iter().filter(|word| word.kind != Kind::Truth && word.name != "req.len") {
        let argument = match word.argument {
            "TYPE" => "(0xe1)",
            "BACKEND" => "(nowhere)",
            _ => "",
        };
        let phase = Phase::ALL.into_iter().find(|phase| word.seen.contains(phase.place()));
        all.push((format!("{}{argument}", word.name), word.kind, phase.expect("a phase")));
    }
    for (owner, _) in OWNERS.iter().filter(|(owner, _)| *owner != "src_") {
        for counter in COUNTERS {
            let argument = if *owner == "sc_" { "(1)" } else { "" };
            all.push((format!("{owner}{}{argument}", counter.name), Kind::Number, Phase::Session));
        }
    }
    all
}

/// Every action, with arguments.
fn actions() -> Vec<String> {
    let all = VERBS.iter().map(|verb| match verb.arguments {
        " KEY [table NAME]" => format!("{} src table ips", verb.name),
        "(N)" => format!("{}(0)", verb.name),
        "(N) NUMBER" => format!("{}(0) 1", verb.name),
        " NUMBER" => format!("{} 1", verb.name),
        " VALUE" => format!("{} fc_src", verb.name),
        "(NAME) VALUE" => format!("{}(sess.x) fc_src", verb.name),
        _ => verb.name.to_owned(),
    });
    all.collect()
}

fn values(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Number => vec!["0:", "-m found"],
        Kind::Address => vec!["0.0.0.0/0 ::/0", "-m found"],
        Kind::Bytes => {
            vec!["\"\"", "-m beg \"\"", "-m end \"\"", "-m sub \"\"", "-m reg .*", "-m found"]
        }
        Kind::Truth => vec![],
    }
}

/// Somebody of whom nothing is known.
fn nobody() -> Visitor {
    Visitor::default()
}

fn run(rules: &RuleSet, phase: Phase, visitor: &mut Visitor) -> (Verdict, usize) {
    let mut passage = Passage::default();
    let verdict = rules.evaluate(phase, &mut passage, visitor, NOW);
    (verdict, passage.tracks.iter().count())
}

#[test]
fn a_condition_on_what_is_not_there_is_false_before_every_action() {
    for (word, kind, phase) in asked() {
        for values in values(kind) {
            for action in actions() {
                let line =
                    format!("tcp-request {} {action} if {{ {word} {values} }}", phase.name());
                let rules = parse(&format!("{TABLES}{line}"));
                let mut visitor = nobody();
                assert_eq!(run(&rules, phase, &mut visitor), (Verdict::Accept, 0), "{line}");
                assert_eq!(visitor.done, [""; 0], "{line}");
            }
            let line = format!("tcp-request {} reject if !{{ {word} {values} }}", phase.name());
            let refused = run(&parse(&line), phase, &mut nobody()).0;
            assert_eq!(refused, Verdict::Reject { line: 1 }, "{line}");
        }
    }
}

#[test]
fn an_action_on_what_is_not_there_does_nothing_and_the_next_rule_is_asked() {
    for (word, kind, phase) in asked() {
        let (name, table) = match kind {
            Kind::Address => ("set-src", "ips"),
            Kind::Number => ("", "numbers"),
            Kind::Bytes => ("", "texts"),
            Kind::Truth => continue,
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
    assert_eq!(run(&rules, Phase::Session, &mut nobody()), (Verdict::Reject { line: 3 }, 0));
}

#[test]
fn every_word_is_known_in_some_phase() {
    for word in KEYWORDS {
        assert!(!(word.seen & !Places::BACKEND).is_empty(), "{}", word.name);
    }
}
