//! The language, whole.

mod absent;
mod effects;
mod errors;
mod fetches;
mod language;
mod mutation;
mod visitor;
mod waiting;

use std::sync::Arc;

use super::{Passage, Phase, RuleSet, Tables, Verdict};
use crate::time::Time;
use visitor::Visitor;

pub(super) const NOW: Time = Time(1_000_000_000);

/// A text that names no file.
fn parse(text: &str) -> Arc<RuleSet> {
    RuleSet::parse(text.as_bytes(), Tables::default(), &no_files)
        .unwrap_or_else(|why| panic!("{why}"))
}

fn no_files(_: &str) -> Result<Vec<u8>, String> {
    Err("there are no files".to_owned())
}

/// What the rules of a phase come to for somebody who has not met rules before.
fn verdict(rules: &RuleSet, phase: Phase, visitor: &mut Visitor) -> Verdict {
    rules.evaluate(phase, &mut Passage::default(), visitor, NOW)
}

/// Whether a session rule with this condition refuses.
fn holds(condition: &str, visitor: &Visitor) -> bool {
    let rules = parse(&format!("tcp-request session reject if {condition}"));
    verdict(&rules, Phase::Session, &mut visitor.clone()) == Verdict::Reject { line: 1 }
}
