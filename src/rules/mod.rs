//! The `tcp-request` rules: what a connection has to be to come in, and what is done with it on the
//! way. The language is HAProxy's, or a part of it: docs/rules.md.
//!
//! A [`RuleSet`] is compiled once and never changed. It knows no connection: what it asks comes
//! through [`ConnView`], what it does goes through [`Effects`], and what it decides is a [`Verdict`].
//! What it has begun with a connection, that connection keeps as its [`RuleProgress`].
//!
//! An expression is a fetch with converters behind it, and has a type; `fetch` and `converter` have
//! a table with a row for each word.
//!
//! Nothing is allocated when rules are evaluated, with these exceptions: variables and captures,
//! values that have to be put together (names and digest of a certificate, a ClientHello out of
//! several records, what a converter makes), and the working memory of a regular expression, which
//! the expression keeps: it grows up to a bound as values of new kinds come.

mod absent_words;
mod action;
mod action_word;
mod argument_reader;
mod arguments;
mod backend_name;
mod compile;
mod condition;
mod context;
mod converter;
mod criterion;
mod error;
mod expression;
mod facts;
mod fetch;
mod filter;
mod key;
mod line;
mod loader;
mod map;
mod matcher;
mod mention;
mod mqtt_field;
mod param;
mod pattern;
mod place;
mod predefined;
mod process;
mod progress;
mod ranges;
mod reference;
mod rule_list;
mod section;
mod segments;
mod stick;
mod suggest;
mod tables;
mod template;
#[cfg(test)]
mod tests;
mod token;
mod usage;
mod value;
mod variable;
mod word_set;
mod written;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use error::RuleError;
pub use facts::{
    ConnView, Effects, LimitedDirection, ListenerView, Load, LogLevel, Prefix, ServerLoad, TcpInfo,
    Tls,
};
pub use loader::Loader;
pub use place::RulePhase;
pub use progress::{RuleProgress, SLOTS, Tracks};
pub use reference::reference;
pub use stick::StickEntry;
pub use tables::{DEFAULT_TABLE, Tables};
pub use value::Value;
pub use variable::is_variable_of_connection;

use crate::time::Time;
use action::{Action, Decided};
use backend_name::BackendName;
use condition::{Acl, Condition, Truth};
use context::EvalContext;
use mention::{MentionLine, MentionedName};
use place::Places;
use process::ProcessVariables;
use progress::ChosenBackend;
use rule_list::{RuleLine, RuleList};
use stick::Stick;

/// Rules, compiled.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// By phase, in the order they were written.
    rules: [RuleList<Rule>; RulePhase::ALL.len()],
    backends: RuleList<Choice>,
    /// With its line.
    default_backend: Option<(Box<str>, u32)>,
    sticks: Vec<Stick>,
    /// The lines `tcp-request` of backends.
    requests: Vec<SectionRules>,
    /// The lines `tcp-response`.
    responses: Vec<SectionRules>,
    acls: Vec<Acl>,
    tables: Tables,
    process: ProcessVariables,
    /// How long content rules wait, in nanoseconds; 0: not at all.
    inspect_delay: u64,
    /// What the host is to know.
    notes: Vec<RuleError>,
    /// The names of backends and servers that the host has to have, each once.
    mentions: Vec<MentionLine>,
    /// The first line that looks for a ClientHello, as an error where none can be seen.
    hello: Option<Box<RuleError>>,
    /// How many lines capture something.
    captures: usize,
    /// How often a name that was put together was that of no backend.
    unknown_backends: Arc<AtomicU64>,
}

/// A line `tcp-request`.
#[derive(Clone, Debug)]
struct Rule {
    action: Action,
    condition: Option<Condition>,
    line: u32,
}

/// Content rules of a section, about what a client or a server sends.
#[derive(Clone, Debug, Default)]
struct SectionRules {
    /// The backend that they are for; none for all.
    backend: Option<Box<str>>,
    rules: RuleList<Rule>,
    /// How long they wait, in nanoseconds; 0: not at all.
    inspect_delay: u64,
}

/// A line `use_backend`.
#[derive(Clone, Debug)]
struct Choice {
    backend: BackendName,
    condition: Option<Condition>,
    line: u32,
}

impl RuleLine for Rule {
    fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    fn is_last(&self) -> bool {
        self.action.is_last()
    }
}

impl Choice {
    const fn is_fixed(&self) -> bool {
        matches!(self.backend, BackendName::Fixed(_))
    }
}

impl RuleLine for Choice {
    fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    fn is_last(&self) -> bool {
        true
    }
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

/// What a text of rules finds outside of itself.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// Tables that its lines can name in addition to those it defines.
    pub tables: &'a Tables,
    /// The set that it replaces: a table that both define alike is one and the same, and keeps its
    /// entries; variables of the process are kept.
    pub before: Option<&'a RuleSet>,
    /// Reads the files it names.
    pub load: &'a Loader<'a>,
}

impl RuleSet {
    /// Whether there are rules for a phase.
    #[must_use]
    pub fn has(&self, phase: RulePhase) -> bool {
        let in_backends = phase == RulePhase::Content && !self.requests.is_empty();
        in_backends || !self.rules[phase as usize].is_empty()
    }

    /// Whether there are lines that choose a backend.
    #[must_use]
    pub fn chooses_backends(&self) -> bool {
        !self.backends.is_empty() || self.default_backend.is_some()
    }

    /// Whether there are rules about what servers send.
    #[must_use]
    pub fn looks_at_responses(&self) -> bool {
        let is_of_response = |stick: &Stick| stick.purpose.place == Places::RESPONSE;
        !self.responses.is_empty() || self.sticks.iter().any(is_of_response)
    }

    /// Whether there are lines that remember servers.
    #[must_use]
    pub const fn remembers_servers(&self) -> bool {
        !self.sticks.is_empty()
    }

    /// The names of backends that lines choose, each once, in the order of the lines; without those
    /// that are put together.
    pub fn backends(&self) -> impl Iterator<Item = &str> {
        let mut seen = BTreeSet::new();
        self.chosen().filter(move |name| seen.insert(*name))
    }

    /// The same, with repetitions.
    fn chosen(&self) -> impl Iterator<Item = &str> {
        let names = self.backends.iter().filter_map(|choice| match &choice.backend {
            BackendName::Fixed(name) => Some(&**name),
            BackendName::Made(_) => None,
        });
        names.chain(self.default_backend.as_ref().map(|(name, _)| &**name))
    }

    /// Whether lines may send a connection to the backend of this name.
    fn may_choose(&self, name: &str) -> bool {
        !self.backends.iter().all(Choice::is_fixed) || self.chosen().any(|chosen| chosen == name)
    }

    /// What is to be known of the lines, although they are no mistake, in the order of the lines.
    #[must_use]
    pub fn notes(&self) -> &[RuleError] {
        &self.notes
    }

    /// Checks that the host has every backend and every server that a line names.
    ///
    /// # Errors
    /// The first that it has not.
    pub fn check_names(
        &self,
        has_backend: impl Fn(&str) -> bool,
        has_server: impl Fn(&str) -> bool,
    ) -> Result<(), &RuleError> {
        let is_there = |mention: &&MentionLine| match &mention.name {
            MentionedName::Backend(name) => has_backend(name),
            MentionedName::Server(name) => has_server(name),
        };
        let missing = self.mentions.iter().filter(|mention| !is_there(mention));
        match missing.min_by_key(|mention| (mention.error.line, mention.error.column)) {
            Some(mention) => Err(&mention.error),
            None => Ok(()),
        }
    }

    /// Checks that the rules can be those of a listener where TLS ends: the ClientHello is not seen
    /// there.
    ///
    /// # Errors
    /// The first line that looks for one.
    pub fn check_tls(&self) -> Result<(), &RuleError> {
        self.hello.as_deref().map_or(Ok(()), Err)
    }

    /// How often a `use_backend` line came to a name that no backend has.
    #[must_use]
    pub fn unknown_backends(&self) -> u64 {
        self.unknown_backends.load(Ordering::Relaxed)
    }

    /// How long the content rules that come next for a connection may wait for bytes, in nanoseconds; 0:
    /// not at all.
    #[must_use]
    pub fn inspect_delay(&self, progress: &RuleProgress) -> u64 {
        match &progress.chosen {
            None => self.inspect_delay,
            Some(chosen) => self.request(chosen).map_or(0, |section| section.inspect_delay),
        }
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
        if let Some(chosen) = &progress.chosen {
            let Some(section) = self.request(chosen) else { return Verdict::Accept };
            return self.run(&section.rules, section.inspect_delay > 0, progress, connection, now);
        }
        let rules = &self.rules[phase as usize];
        self.run(rules, self.inspect_delay > 0, progress, connection, now)
    }

    /// How many lines capture something.
    pub(crate) const fn captures(&self) -> usize {
        self.captures
    }

    /// Chooses the backend of a connection that the content rules of the listener have accepted. Returns whether
    /// that backend has content rules, which [`Self::evaluate`] evaluates from then on, with a delay of their
    /// own.
    pub fn enter_backend(
        &self,
        progress: &mut RuleProgress,
        connection: &dyn ConnView,
        now: Time,
    ) -> bool {
        if self.requests.is_empty() || progress.chosen.is_some() {
            return false;
        }
        let name = self.backend(progress, connection, now).map(|name| name.into());
        let chosen = progress.chosen.insert(ChosenBackend { name });
        self.request(chosen).is_some()
    }

    /// The content rules of a backend about what clients send.
    fn request(&self, chosen: &ChosenBackend) -> Option<&SectionRules> {
        let name = chosen.name.as_deref()?;
        self.requests.iter().find(|section| section.backend.as_deref() == Some(name))
    }

    /// How long rules about what a server of this backend sends may wait for it, in nanoseconds; `None`
    /// where nothing looks at it.
    #[must_use]
    pub fn response_delay(&self, backend: Option<&str>) -> Option<u64> {
        match self.response(backend) {
            Some(response) => Some(response.inspect_delay),
            None => self.stores_response(backend).then_some(0),
        }
    }

    /// Whether a server of this backend is remembered by what it sends.
    #[must_use]
    pub fn stores_response(&self, backend: Option<&str>) -> bool {
        self.sticks_of(backend, Places::RESPONSE).next().is_some()
    }

    /// The `stick` lines for a backend whose value is looked for in this place.
    fn sticks_of<'a>(
        &'a self,
        backend: Option<&'a str>,
        place: Places,
    ) -> impl Iterator<Item = &'a Stick> {
        self.sticks.iter().filter(move |stick| {
            stick.purpose.place == place
                && (stick.backend.is_none() || stick.backend.as_deref() == backend)
        })
    }

    /// Evaluates the rules about what a server of this backend sends, which is what the view has as
    /// [`ConnView::prefix`]; as [`Self::evaluate`].
    pub fn evaluate_response(
        &self,
        backend: Option<&str>,
        progress: &mut RuleProgress,
        connection: &mut dyn Effects,
        now: Time,
    ) -> Verdict {
        let Some(response) = self.response(backend) else { return Verdict::Accept };
        self.run(&response.rules, response.inspect_delay > 0, progress, connection, now)
    }

    /// The rules about what a server of this backend sends: its own, or else those for all.
    fn response(&self, backend: Option<&str>) -> Option<&SectionRules> {
        let own = |response: &&SectionRules| {
            response.backend.is_some() && response.backend.as_deref() == backend
        };
        let for_all = |response: &&SectionRules| response.backend.is_none();
        let all = || self.responses.iter().filter(|response| !response.rules.is_empty());
        all().find(own).or_else(|| all().find(for_all))
    }

    fn run(
        &self,
        rules: &RuleList<Rule>,
        waits: bool,
        progress: &mut RuleProgress,
        connection: &mut dyn Effects,
        now: Time,
    ) -> Verdict {
        let mut at = std::mem::take(&mut progress.resume);
        loop {
            let (rule, decided) = {
                let context =
                    EvalContext::new(&*connection, &progress.tracks, &self.process, now, waits);
                match rules.first(at, &self.acls, &context) {
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
                        change.make(&mut progress.tracks, &self.process, connection);
                    }
                    at = rule + 1;
                }
            }
        }
    }

    /// The backend named by the first `use_backend` line that applies, or else by `default_backend`.
    /// Data that has not arrived is not waited for. One whose rules were evaluated remains the one.
    #[must_use]
    pub fn backend<'a>(
        &'a self,
        progress: &'a RuleProgress,
        connection: &dyn ConnView,
        now: Time,
    ) -> Option<Cow<'a, str>> {
        if let Some(chosen) = &progress.chosen {
            return chosen.name.as_deref().map(Cow::Borrowed);
        }
        let context = EvalContext::new(connection, &progress.tracks, &self.process, now, false);
        let default = || self.default_backend.as_ref().map(|(name, _)| Cow::Borrowed(&**name));
        let Some((chosen, _)) = self.backends.first(0, &self.acls, &context) else {
            return default();
        };
        let choice = &self.backends[chosen];
        let name = choice.backend.read(&context);
        if choice.is_fixed() {
            return name;
        }
        let known = name.filter(|name| connection.backend(name).is_some());
        if known.is_none() {
            self.unknown_backends.fetch_add(1, Ordering::Relaxed);
        }
        known.or_else(default)
    }

    /// The entries in which `stick` lines for a backend look for the server of a connection, or
    /// remember it, in the order of the lines.
    pub fn stick_entries(
        &self,
        backend: Option<&str>,
        progress: &RuleProgress,
        connection: &dyn ConnView,
        now: Time,
    ) -> Vec<StickEntry> {
        self.entries(backend, Places::BACKEND, progress, connection, now)
    }

    /// The same, of those by what a server has sent, which is what the view has as [`ConnView::prefix`].
    pub fn response_entries(
        &self,
        backend: Option<&str>,
        progress: &RuleProgress,
        connection: &dyn ConnView,
        now: Time,
    ) -> Vec<StickEntry> {
        self.entries(backend, Places::RESPONSE, progress, connection, now)
    }

    fn entries(
        &self,
        backend: Option<&str>,
        place: Places,
        progress: &RuleProgress,
        connection: &dyn ConnView,
        now: Time,
    ) -> Vec<StickEntry> {
        let context = EvalContext::new(connection, &progress.tracks, &self.process, now, false);
        let sticks = self.sticks_of(backend, place);
        sticks.filter_map(|stick| stick.entry(&self.acls, &context)).collect()
    }
}
