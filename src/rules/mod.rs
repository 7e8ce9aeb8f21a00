//! The `tcp-request` rules: what a connection has to be to come in, and what is done with it on the
//! way. The language is HAProxy's, or a part of it: docs/rules.md.
//!
//! A [`RuleSet`] is compiled once and never changed. It knows no connection: what it asks comes
//! through [`ConnView`], what it does goes through [`Effects`], and what it decides is a [`Verdict`].
//! What it has begun with a connection, that connection keeps as its [`RuleProgress`].
//!
//! Nothing is allocated when rules are evaluated, with these exceptions: variables, values that
//! have to be put together (names and digest of a certificate, a ClientHello out of several
//! records), and the working memory of a regular expression, which the expression keeps: it grows
//! up to a bound as values of new kinds come.

mod action;
mod argument;
mod compile;
mod condition;
mod criterion;
mod error;
mod facts;
mod fetch;
mod keyword;
mod line;
mod matcher;
mod pattern;
mod place;
mod progress;
mod ranges;
mod reference;
mod suggest;
mod tables;
#[cfg(test)]
mod tests;
mod token;
mod verb;
mod words;

pub use error::RuleError;
pub use facts::{ConnView, Effects, Load, Prefix, Tls, Value};
pub use place::RulePhase;
pub use progress::{RuleProgress, Tracks};
pub use reference::reference;
pub use tables::{DEFAULT_TABLE, Tables};

use crate::time::Time;
use action::{Action, Decided};
use condition::{Acl, Condition, Truth};
use fetch::EvalContext;

/// Rules, compiled.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// By phase, in the order they were written.
    rules: [Vec<Rule>; RulePhase::ALL.len()],
    backends: Vec<Choice>,
    acls: Vec<Acl>,
    tables: Tables,
    /// How long content rules wait, in nanoseconds; 0: not at all.
    inspect_delay: u64,
}

/// A line `tcp-request`.
#[derive(Clone, Debug)]
struct Rule {
    action: Action,
    condition: Option<Condition>,
    line: u32,
}

/// A line `use_backend`.
#[derive(Clone, Debug)]
struct Choice {
    backend: Box<str>,
    condition: Option<Condition>,
    line: u32,
}

/// The result of the rules of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The connection goes on.
    Accept,
    /// It is closed, by the rule of this line.
    Reject {
        /// Counted from 1.
        line: u32,
    },
    /// It is dropped without a notice to the peer, by the rule of this line.
    SilentDrop {
        /// Counted from 1.
        line: u32,
    },
    /// More bytes may decide: the rules are to be evaluated again when bytes arrive, when the input
    /// ends, and after [`RuleSet::inspect_delay`]. Only [`RulePhase::Content`] waits.
    Wait,
}

/// Reads the files that rules name with `-f`: takes the name as it is written, and returns the
/// content or why there is none.
pub type Loader<'a> = dyn Fn(&str) -> Result<Vec<u8>, String> + 'a;

/// What a text of rules finds outside of itself.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// Tables that its lines can name in addition to those it defines.
    pub tables: &'a Tables,
    /// The set that it replaces: a table that both define alike is one and the same, and keeps its
    /// entries.
    pub before: Option<&'a RuleSet>,
    /// Reads the files it names.
    pub load: &'a Loader<'a>,
}

impl RuleSet {
    /// Whether there are rules for a phase.
    #[must_use]
    pub fn has(&self, phase: RulePhase) -> bool {
        !self.rules[phase as usize].is_empty()
    }

    /// Whether there are lines that choose a backend.
    #[must_use]
    pub const fn chooses_backends(&self) -> bool {
        !self.backends.is_empty()
    }

    /// The backends that lines choose, each with its line, counted from 1.
    pub fn backends(&self) -> impl Iterator<Item = (u32, &str)> {
        self.backends.iter().map(|choice| (choice.line, &*choice.backend))
    }

    /// How long content rules may wait for bytes, in nanoseconds; 0: not at all.
    #[must_use]
    pub const fn inspect_delay(&self) -> u64 {
        self.inspect_delay
    }

    /// The tables that its lines can name.
    #[must_use]
    pub const fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Evaluates the rules of a phase, from the first on, or from the one that waited. Those that
    /// apply take effect in their order; the first that accepts or refuses ends the phase, as does
    /// the end of the rules.
    pub fn evaluate(
        &self,
        phase: RulePhase,
        progress: &mut RuleProgress,
        connection: &mut dyn Effects,
        now: Time,
    ) -> Verdict {
        let rules = &self.rules[phase as usize];
        let waits = self.inspect_delay > 0;
        let mut at = std::mem::take(&mut progress.resume);
        loop {
            let (rule, decided) = {
                let context = EvalContext::new(&*connection, &progress.tracks, now, waits);
                match self.first(rules, at, &context) {
                    None => return Verdict::Accept,
                    Some((rule, Truth::Unknown)) => (rule, Decided::Wait),
                    Some((rule, _)) => (rule, rules[rule].action.decide(&context)),
                }
            };
            let line = rules[rule].line;
            match decided {
                Decided::Accept => return Verdict::Accept,
                Decided::Reject => return Verdict::Reject { line },
                Decided::SilentDrop => return Verdict::SilentDrop { line },
                Decided::Wait => {
                    progress.resume = rule;
                    return Verdict::Wait;
                }
                Decided::Go(change) => {
                    if let Some(change) = change {
                        change.make(&mut progress.tracks, connection);
                    }
                    at = rule + 1;
                }
            }
        }
    }

    /// The backend named by the first `use_backend` line that applies. Data that has not arrived is
    /// not waited for.
    #[must_use]
    pub fn backend(
        &self,
        progress: &RuleProgress,
        connection: &dyn ConnView,
        now: Time,
    ) -> Option<&str> {
        let context = EvalContext::new(connection, &progress.tracks, now, false);
        let chosen = self.backends.iter().find(|choice| {
            choice
                .condition
                .as_ref()
                .is_none_or(|condition| condition.holds(&self.acls, &context) == Truth::True)
        });
        chosen.map(|choice| &*choice.backend)
    }

    /// The first of the rules from `from` on that may apply.
    fn first(
        &self,
        rules: &[Rule],
        from: usize,
        context: &EvalContext<'_>,
    ) -> Option<(usize, Truth)> {
        let holds = |rule: &Rule| match &rule.condition {
            None => Truth::True,
            Some(condition) => condition.holds(&self.acls, context),
        };
        let mut truths = rules.iter().enumerate().skip(from).map(|(at, rule)| (at, holds(rule)));
        truths.find(|(_, truth)| *truth != Truth::False)
    }
}
