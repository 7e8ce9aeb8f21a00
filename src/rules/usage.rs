//! What the lines of a text ask for, and whether that can ever be there.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::action::Action;
use super::error::{LineFault, named};
use super::expression::Expression;
use super::fetch::{CounterFetch, Fetch, Mention};
use super::mention::{MentionLine, MentionedName};
use super::place::{Needs, Places, RulePhase};
use super::progress::TrackSlot;
use super::tables;
use super::{Rule, RuleSet, SectionRules};
use crate::table::{DataType, Table};

/// What an expression asks for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// It, as a sentence names it.
    word: String,
    seen: Places,
    needs: Needs,
    counter: Option<CounterFetch>,
    mention: Option<MentionedName>,
}

impl Asked {
    pub(super) fn of(expression: &Expression, word: &str) -> Self {
        Self {
            word: word.to_owned(),
            seen: expression.places(),
            needs: expression.needs(),
            counter: match &expression.fetch {
                Fetch::Counter(counter) => Some(counter.clone()),
                Fetch::Word(..) => None,
            },
            mention: expression.fetch.mentions().map(|mention| match mention {
                Mention::Backend(name) => MentionedName::Backend(name.to_owned()),
                Mention::Server(name) => MentionedName::Server(name.to_owned()),
            }),
        }
    }
}

/// Where something is asked for.
#[derive(Clone, Debug)]
struct Use {
    line: u32,
    span: Range<usize>,
    place: Places,
    /// The backend in whose section the line is.
    section: Option<Arc<str>>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// What an acl asks for, which later lines may extend.
    Acl(usize),
    Asked(Box<Asked>),
    /// This datum of the entry in a slot is changed.
    Change(TrackSlot, DataType),
    Backend(Box<str>),
    /// The line is for connections that another sends to the backend of this name.
    Choice(Box<str>),
}

/// A line that tracks.
#[derive(Clone, Debug)]
struct TrackLine {
    slot: TrackSlot,
    phase: RulePhase,
    section: Option<Arc<str>>,
    line: u32,
    table: Arc<Table>,
}

/// What all lines ask for, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    uses: Vec<Use>,
    /// By acl.
    asked: Vec<Vec<Asked>>,
    tracks: Vec<TrackLine>,
    /// The backend in whose section the next lines are.
    section: Option<Arc<str>>,
    /// What content rules wait for, once the text is whole.
    awaited: OnceCell<Awaited>,
}

/// What content rules wait for.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    bytes: bool,
    hello: bool,
}

impl Awaited {
    fn has(self, needs: Needs) -> bool {
        if needs == Needs::Hello { self.hello } else { self.bytes }
    }
}

impl Usage {
    /// The section of a backend begins, or one that is none.
    pub(super) fn enter(&mut self, backend: Option<Box<str>>) {
        self.section = backend.map(Arc::from);
    }

    fn add(&mut self, what: What, place: Places, line: u32, span: Range<usize>) {
        self.uses.push(Use { line, span, place, section: self.section.clone(), what });
    }

    pub(super) fn ask(&mut self, asked: Asked, place: Places, line: u32, span: Range<usize>) {
        self.add(What::Asked(Box::new(asked)), place, line, span);
    }

    pub(super) fn ask_acl(&mut self, acl: usize, place: Places, line: u32, span: Range<usize>) {
        self.add(What::Acl(acl), place, line, span);
    }

    pub(super) fn extend_acl(&mut self, acl: usize, asked: Asked) {
        if self.asked.len() <= acl {
            self.asked.resize_with(acl + 1, Vec::new);
        }
        self.asked[acl].push(asked);
    }

    pub(super) fn change(
        &mut self,
        (slot, data): (TrackSlot, DataType),
        place: Places,
        line: u32,
        span: Range<usize>,
    ) {
        self.add(What::Change(slot, data), place, line, span);
    }

    pub(super) fn name_backend(&mut self, name: &str, line: u32, span: Range<usize>) {
        self.add(What::Backend(name.into()), Places::BACKEND, line, span);
    }

    pub(super) fn need_choice(&mut self, name: &str, line: u32, span: Range<usize>) {
        self.add(What::Choice(name.into()), Places::CONTENT, line, span);
    }

    pub(super) fn track(
        &mut self,
        slot: TrackSlot,
        phase: RulePhase,
        line: u32,
        table: Arc<Table>,
    ) {
        self.tracks.push(TrackLine { slot, phase, section: self.section.clone(), line, table });
    }

    /// Checks that what a line asks for can be there; whether another line makes it so is known once
    /// the text `is_whole`.
    pub(super) fn check(&self, line: u32, is_whole: bool, set: &RuleSet) -> Result<(), LineFault> {
        let from = self.uses.partition_point(|it| it.line < line);
        for it in self.uses[from..].iter().take_while(|it| it.line == line) {
            match &it.what {
                What::Acl(_) | What::Asked(_) => {
                    for asked in self.asked_by(it) {
                        self.check_asked(it, asked, is_whole, set)?;
                    }
                }
                What::Change(slot, data) if is_whole => {
                    let all: Vec<&Arc<Table>> = self.tracked(*slot, it)?.collect();
                    if let [first, ..] = &*all
                        && !all.iter().any(|table| table.stores(*data))
                    {
                        return Err(tables::not_stored(first, *data, it.span.clone()));
                    }
                }
                What::Change(..) | What::Backend(_) | What::Choice(_) => {}
            }
        }
        Ok(())
    }

    fn check_asked(
        &self,
        it: &Use,
        asked: &Asked,
        is_whole: bool,
        set: &RuleSet,
    ) -> Result<(), LineFault> {
        if !asked.seen.contains(it.place) {
            let problem = format!("{}, which this acl asks for, is not known here", asked.word);
            let expected = format!("it in {}", asked.seen.lines());
            return Err(LineFault::new(it.span.clone(), problem, expected));
        }
        if !is_whole {
            return Ok(());
        }
        if let Some(counter) = &asked.counter
            && let Some(slot) = counter.slot()
        {
            let mut tables = self.tracked(slot, it)?;
            if counter.asks_tracked()
                && !tables.any(|table| counter.is_stored_in(table))
                && let Some(table) = self.tracked(slot, it)?.next()
            {
                counter.check(table, it.span.clone())?;
            }
        }
        match (asked.needs, it.place) {
            (needs @ (Needs::Bytes | Needs::Hello), Places::CONTENT)
                if delay(set, it) == 0 && (it.section.is_none() || !self.waits_for(needs)) =>
            {
                Err(unawaited(asked, it, "tcp-request"))
            }
            (Needs::Bytes | Needs::Hello, Places::RESPONSE)
                if !waits_for_response(set, it.line) =>
            {
                Err(unawaited(asked, it, "tcp-response"))
            }
            (needs @ (Needs::Bytes | Needs::Hello), Places::BACKEND)
                if !self.waits_for(needs) && !self.waits_in(it.section.as_ref(), needs) =>
            {
                let problem = format!("{} looks at bytes that no rule waits for", asked.word);
                let advice = match needs {
                    Needs::Hello => {
                        "`tcp-request content accept if { req.ssl_hello_type 1 }` and \
                                     `tcp-request inspect-delay 5s` wait for the ClientHello"
                    }
                    _ => {
                        "`tcp-request content accept if { req.len gt 0 }` and `tcp-request \
                          inspect-delay 5s` wait for bytes"
                    }
                };
                Err(LineFault::advising(it.span.clone(), problem, advice))
            }
            _ => Ok(()),
        }
    }

    /// Whether a content rule of the listener waits for bytes of this kind.
    fn waits_for(&self, needs: Needs) -> bool {
        let awaited = self.awaited.get_or_init(|| self.awaited_in(None));
        awaited.has(needs)
    }

    /// The same, of the content rules of a backend.
    fn waits_in(&self, section: Option<&Arc<str>>, needs: Needs) -> bool {
        section.is_some() && self.awaited_in(section).has(needs)
    }

    fn awaited_in(&self, section: Option<&Arc<str>>) -> Awaited {
        let is_meant = |it: &&Use| it.place == Places::CONTENT && it.section.as_ref() == section;
        let all = self.uses.iter().filter(is_meant);
        let needs: Vec<Needs> =
            all.flat_map(|it| self.asked_by(it)).map(|asked| asked.needs).collect();
        let hello = needs.contains(&Needs::Hello) || needs.contains(&Needs::End);
        Awaited { hello, bytes: hello || needs.contains(&Needs::Bytes) }
    }

    /// What a use asks for.
    fn asked_by<'u>(&'u self, it: &'u Use) -> &'u [Asked] {
        match &it.what {
            What::Acl(acl) => self.asked.get(*acl).map_or(&[], Vec::as_slice),
            What::Asked(asked) => std::slice::from_ref(&**asked),
            What::Change(..) | What::Backend(_) | What::Choice(_) => &[],
        }
    }

    /// The tables of the lines in front that track by a slot; a fault where there is none.
    fn tracked(
        &self,
        slot: TrackSlot,
        it: &Use,
    ) -> Result<impl Iterator<Item = &Arc<Table>>, LineFault> {
        // Where content rules are those of a backend, they come behind those of the listener, and a line
        // that chooses a backend comes between these.
        let phase = RulePhase::ALL.into_iter().find(|phase| phase.place() == it.place);
        let (line, section) = (it.line, it.section.clone());
        let is_in_front = move |track: &&TrackLine| {
            track.slot == slot
                && match (&track.section, phase) {
                    (None, None) => true,
                    (None, Some(phase)) => {
                        let is_same = track.phase == phase && section.is_none();
                        if is_same { track.line < line } else { track.phase <= phase }
                    }
                    (Some(_), None) => track.section == section,
                    (Some(_), Some(_)) => track.section == section && track.line < line,
                }
        };
        let mut tables =
            self.tracks.iter().filter(is_in_front).map(|track| &track.table).peekable();
        if tables.peek().is_some() {
            return Ok(tables);
        }
        let number = slot.number();
        if let Some(later) = self.tracks.iter().find(|track| track.slot == slot) {
            let problem = format!("sc{number} is tracked later, by line {}", later.line);
            let expected = "a line in front, of the same phase or of one that comes earlier: \
                            `connection` comes before `session`, and that before `content`";
            return Err(LineFault::new(it.span.clone(), problem, expected));
        }
        let problem = format!("nothing is tracked as sc{number} in front of this");
        let expected = format!("a line `tcp-request ... track-sc{number} ...` that comes first");
        Err(LineFault::new(it.span.clone(), problem, expected))
    }

    /// Adds to a set what the host is to know of its lines.
    pub(super) fn note(self, set: &mut RuleSet, text: &str) {
        let sources = LineSources::new(text);
        let source = |line: u32| sources.of(line);
        let mut mentions: BTreeMap<MentionedName, &Use> = BTreeMap::new();
        // Uses are in the order of their lines: the first is that of the lowest.
        let mut mention = |name: MentionedName, it| {
            mentions.entry(name).or_insert(it);
        };
        for it in &self.uses {
            if let What::Choice(name) = &it.what
                && !set.may_choose(name)
            {
                let name = named(name.as_bytes());
                let problem =
                    format!("no line sends a connection to {name}, so this is for nobody");
                let fault = LineFault::new(it.span.clone(), problem, "");
                set.notes.push(fault.at(it.line, source(it.line)));
            }
            if let What::Backend(name) = &it.what {
                mention(MentionedName::Backend((**name).to_owned()), it);
            }
            for asked in self.asked_by(it) {
                if let Some(name) = asked.mention.clone() {
                    mention(name, it);
                }
                if asked.needs == Needs::Hello
                    && it.place != Places::RESPONSE
                    && set.hello.is_none()
                {
                    let problem = format!(
                        "{} looks for a ClientHello, and TLS ends on this listener",
                        asked.word
                    );
                    let advice = "`ssl_fc_sni` and `ssl_fc_alpn` are what the client asked for";
                    let fault = LineFault::advising(it.span.clone(), problem, advice);
                    set.hello = Some(Box::new(fault.at(it.line, source(it.line))));
                }
            }
        }
        set.mentions = mentions
            .into_iter()
            .map(|(name, first)| mention_line(name, first, source(first.line)))
            .collect();
        unreachable(set, source);
    }
}

/// The lines of a text, each of which is copied once for all that is said of it.
struct LineSources<'t>(Vec<(&'t str, OnceCell<Arc<str>>)>);

impl<'t> LineSources<'t> {
    fn new(text: &'t str) -> Self {
        Self(text.lines().map(|line| (line, OnceCell::new())).collect())
    }

    /// The line of this number, from 1.
    fn of(&self, line: u32) -> Arc<str> {
        let held = (line as usize).checked_sub(1).and_then(|at| self.0.get(at));
        held.map_or_else(Arc::default, |(source, shared)| {
            Arc::clone(shared.get_or_init(|| Arc::from(*source)))
        })
    }
}

/// How long content rules of the section of a line wait, in nanoseconds.
fn delay(set: &RuleSet, it: &Use) -> u64 {
    let Some(name) = it.section.as_deref() else { return set.inspect_delay };
    let section = set.requests.iter().find(|section| section.backend.as_deref() == Some(name));
    section.map_or(0, |section| section.inspect_delay)
}

/// The fault of bytes that are looked at and that nothing waits for.
fn unawaited(asked: &Asked, it: &Use, line: &str) -> LineFault {
    let problem = format!("{} looks at bytes that nothing waits for", asked.word);
    let advice = format!("a line `{line} inspect-delay 5s` says how long they are waited for");
    LineFault::advising(it.span.clone(), problem, advice)
}

/// Whether a line about responses misses nothing when bytes come late. So it is where its section has a delay,
/// where all rules of the section accept, as missing bytes does too, and for `stick`, which takes what comes.
fn waits_for_response(set: &RuleSet, line: u32) -> bool {
    let has_line = |section: &&SectionRules| section.rules.iter().any(|rule| rule.line == line);
    set.responses.iter().find(has_line).is_none_or(|section| {
        let accepts = |rule: &Rule| matches!(rule.action, Action::Accept);
        section.inspect_delay > 0 || section.rules.iter().all(accepts)
    })
}

fn mention_line(name: MentionedName, it: &Use, source: Arc<str>) -> MentionLine {
    let problem = match &name {
        MentionedName::Backend(name) => {
            format!("no backend of this engine is called {}", named(name.as_bytes()))
        }
        MentionedName::Server(name) => {
            format!("no server of this engine is called {}", named(name.as_bytes()))
        }
    };
    let fault = LineFault::new(it.span.clone(), problem, "");
    MentionLine { error: fault.at(it.line, source), name }
}

/// Notes lines that no connection reaches, since one in front applies always.
fn unreachable(set: &mut RuleSet, source: impl Fn(u32) -> Arc<str>) {
    let mut notes = Vec::new();
    let mut note = |line: u32, by: u32| {
        let source = source(line);
        let start = source.len() - source.trim_start().len();
        let problem = format!("no connection comes here, since line {by} applies to all");
        let fault = LineFault::new(start..source.trim_end().len(), problem, "");
        notes.push(fault.at(line, source));
    };
    let sections = set.requests.iter().chain(&set.responses).map(|section| &section.rules);
    let all = set.rules.iter().chain(sections);
    for rules in all {
        let last = rules.iter().position(|rule| rule.condition.is_none() && rule.action.is_last());
        let Some(last) = last else { continue };
        rules[last + 1..].iter().for_each(|rule| note(rule.line, rules[last].line));
    }
    if let Some(last) = set.backends.iter().position(|choice| choice.condition.is_none()) {
        let by = set.backends[last].line;
        set.backends[last + 1..].iter().for_each(|choice| note(choice.line, by));
        if let (Some((_, line)), true) = (&set.default_backend, set.backends[last].is_fixed()) {
            note(*line, by);
        }
    }
    set.notes.extend(notes);
}
