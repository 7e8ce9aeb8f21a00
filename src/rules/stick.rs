//! `stick` lines: which server a connection had before is remembered in a table.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::condition::{Acl, Condition, Truth};
use super::context::EvalContext;
use super::error::{LineFault, named};
use super::expression::Expression;
use super::key;
use super::line::Line;
use super::place::Places;
use super::section::RuleSection;
use super::token::tokens;
use crate::table::{OwnedKey, Table};

/// The word that such a line begins with.
pub(super) const STICK: &str = "stick";

/// A line `stick`.
#[derive(Clone, Debug)]
pub(super) struct Stick {
    /// The backend it is for; none for all.
    pub(super) backend: Option<Box<str>>,
    pub(super) purpose: StickPurpose,
    pub(super) expression: Expression,
    pub(super) table: Arc<Table>,
    pub(super) condition: Option<Condition>,
}

/// What a `stick` line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StickPurpose {
    matches: bool,
    stores: bool,
    /// Where its value is looked for.
    pub(super) place: Places,
}

const LOOKED_FOR: StickPurpose =
    StickPurpose { matches: true, stores: false, place: Places::BACKEND };

/// An entry of a table in which the server of a connection is looked for or remembered.
#[derive(Clone, Debug)]
pub struct StickEntry {
    /// The table.
    pub table: Arc<Table>,
    /// The key.
    pub key: OwnedKey,
    /// The server it remembers is the connection's, if it can be used.
    pub matches: bool,
    /// It is to remember the server of the connection.
    pub stores: bool,
}

/// A word behind `stick`.
pub(super) struct StickWord {
    pub(super) name: &'static str,
    purpose: StickPurpose,
    pub(super) doc: &'static str,
}

/// Every word behind `stick`.
pub(super) const STICK_WORDS: &[StickWord] = &[
    StickWord {
        name: "on",
        purpose: StickPurpose { stores: true, ..LOOKED_FOR },
        doc: "both of those below",
    },
    StickWord {
        name: "match",
        purpose: LOOKED_FOR,
        doc: "the server that the entry of VALUE remembers is taken, if it can be used",
    },
    StickWord {
        name: "store-request",
        purpose: StickPurpose { matches: false, stores: true, place: Places::BACKEND },
        doc: "the entry of VALUE remembers the server that was reached",
    },
    StickWord {
        name: "store-response",
        purpose: StickPurpose { matches: false, stores: true, place: Places::RESPONSE },
        doc: "the entry of VALUE, which is found in the first bytes of the server, remembers that server. They are \
              looked at once `tcp-response` lines have accepted them, which may wait for more",
    },
];

impl StickPurpose {
    /// Reads the word behind `stick`.
    pub(super) fn parse(line: &mut Line<'_>) -> Result<Self, LineFault> {
        let known = STICK_WORDS.iter().map(|word| word.name).collect::<Vec<_>>().join(", ");
        let token = line.next(&known)?;
        let word = STICK_WORDS.iter().find(|word| token.is(word.name));
        word.map(|word| word.purpose).ok_or_else(|| {
            let problem = format!("{} is nothing that `stick` does", named(&token.word));
            LineFault::new(token.span.clone(), problem, known)
        })
    }
}

/// The tables that `stick` lines name, in which servers are remembered.
pub(super) fn remembering(text: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let mut section = RuleSection::Top;
    for source in text.lines() {
        let Ok(words) = tokens(source) else { continue };
        let mut line = Line::new(&words);
        let Some(first) = line.next_if(|_| true) else { continue };
        if let Some(word) = RuleSection::begun_by(first) {
            section = RuleSection::parse(word, &mut line).unwrap_or(section);
        } else if first.is(STICK) {
            let table = named_table(&mut line).unwrap_or_else(|| section.table());
            named.insert(table.to_owned());
        }
    }
    named
}

/// The table that a `stick` line names behind its purpose and its value.
fn named_table<'l>(line: &mut Line<'l>) -> Option<&'l str> {
    line.next_if(|_| true)?;
    line.expression().ok()?;
    line.next_if(|token| token.is("table"))?;
    line.next_if(|_| true)?.text()
}

impl Stick {
    /// The entry it is about, where it applies to a connection.
    pub(super) fn entry(&self, acls: &[Acl], context: &EvalContext<'_>) -> Option<StickEntry> {
        let holds = |condition: &Condition| condition.holds(acls, context) == Truth::True;
        if !self.condition.as_ref().is_none_or(holds) {
            return None;
        }
        let value = key::cast(self.expression.read(context).value?, self.table.config().kind)?;
        let key = key::of(&value)?.to_owned_key();
        let StickPurpose { matches, stores, .. } = self.purpose;
        Some(StickEntry { table: Arc::clone(&self.table), key, matches, stores })
    }
}
