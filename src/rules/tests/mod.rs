//! Tests of the rule language as a whole.

mod absent;
mod effects;
mod errors;
mod fetches;
mod language;
mod manual;
mod mutation;
mod tables;
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

/// The verdict of the rules of a phase on a connection for which no rules were evaluated before.
fn verdict(rules: &RuleSet, phase: RulePhase, visitor: &mut Visitor) -> Verdict {
    rules.evaluate(phase, &mut RuleProgress::default(), visitor, NOW)
}

/// Whether a session rule with this condition refuses.
fn holds(condition: &str, visitor: &Visitor) -> bool {
    let rules = parse(&format!("tcp-request session reject if {condition}"));
    verdict(&rules, RulePhase::Session, &mut visitor.clone()) == Verdict::Reject { line: 1 }
}
