//! Tests of the rule language as a whole.

mod absent;
mod actions;
mod backends;
mod effects;
mod errors;
mod expressions;
mod fetches;
mod haproxy;
mod language;
mod manual;
mod maps;
mod mutation;
mod notes;
mod responses;
mod runs;
mod sections;
mod tables;
mod variables;
mod visitor;
mod waiting;

use std::sync::Arc;

use super::{Environment, Loader, RuleError, RulePhase, RuleProgress, RuleSet, Tables, Verdict};
use crate::time::Time;
use visitor::Visitor;

pub(super) const NOW: Time = Time(1_000_000_000);

/// A text that names no file.
fn parse(text: &str) -> Arc<RuleSet> {
    read(text, &|_| Err("there are no files".to_owned())).unwrap_or_else(|why| panic!("{why}"))
}

fn read(text: &str, load: &Loader<'_>) -> Result<Arc<RuleSet>, Box<RuleError>> {
    read_bytes(text.as_bytes(), load)
}

fn read_bytes(text: &[u8], load: &Loader<'_>) -> Result<Arc<RuleSet>, Box<RuleError>> {
    RuleSet::parse(text, Environment { tables: &Tables::default(), before: None, load })
}

/// The error of a text that is no set of rules.
fn mistake(text: &str) -> Box<RuleError> {
    match read(text, &|_| Err("there are no files".to_owned())) {
        Ok(_) => panic!("it is fine: {text}"),
        Err(why) => why,
    }
}

/// The verdict of the rules of a phase on a connection for which no rules were evaluated before.
fn verdict(rules: &RuleSet, phase: RulePhase, visitor: &mut Visitor) -> Verdict {
    rules.evaluate(phase, &mut RuleProgress::default(), visitor, NOW)
}

/// Whether a session rule with this condition refuses.
fn holds(condition: &str, visitor: &Visitor) -> bool {
    let rules = parse(&format!("tcp-request session reject if {condition}"));
    verdict(&rules, RulePhase::Session, &mut visitor.clone()) == Verdict::Reject { line: 1 }
}

/// Whether a content rule with this condition refuses a connection from which no more bytes come.
fn holds_in_content(condition: &str, visitor: &Visitor) -> bool {
    let text = format!("tcp-request content reject if {condition}\ntcp-request inspect-delay 5s");
    let visitor = &mut Visitor { may_grow: false, ..visitor.clone() };
    verdict(&parse(&text), RulePhase::Content, visitor) == Verdict::Reject { line: 1 }
}
