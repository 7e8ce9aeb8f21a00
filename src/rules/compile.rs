//! Compiles text to rules, line by line. The fault that is reported is that of the first line that has
//! one; tables, which lines of sections above may name, come before all lines.

mod terms;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::absent_words;
use super::action::Action;
use super::action_word::{ActionContext, ActionWord};
use super::argument_reader::Context;
use super::backend_name::BackendName;
use super::condition::Acl;
use super::criterion::Criterion;
use super::error::{LineFault, RuleError, named};
use super::filter::Filters;
use super::line::Line;
use super::place::{Places, RulePhase};
use super::section::{RuleSection, name_of};
use super::stick::{self, STICK, Stick, StickPurpose};
use super::suggest::suggest;
use super::tables;
use super::token::{Token, not_a_time, tokens};
use super::usage::{Asked, Usage};
use super::written;
use super::{Choice, Environment, Rule, RuleSet, SectionRules};
use crate::table::{DataType, time};

/// A kind of line, by its first word.
pub(super) struct Statement {
    pub(super) name: &'static str,
    read: fn(&mut Compiler<'_>, &mut Line<'_>) -> Result<(), LineFault>,
    /// Whether it is a rule of the listener, which a `backend` has none of.
    is_front: bool,
    pub(super) forms: &'static [SyntaxForm],
}

/// One of the forms that a line of this kind may have.
pub(super) struct SyntaxForm {
    pub(super) syntax: &'static str,
    pub(super) doc: &'static str,
    /// Where HAProxy differs; empty when it does not.
    pub(super) haproxy: &'static str,
}

macro_rules! statements {
    ($($name:expr, $is_front:literal, $read:expr; $($syntax:literal, $doc:literal, $haproxy:literal);+ => )+) => {
        &[$(Statement {
            name: $name,
            read: $read,
            is_front: $is_front,
            forms: &[$(SyntaxForm { syntax: $syntax, doc: $doc, haproxy: $haproxy }),+],
        }),+]
    };
}

/// Every kind of line.
pub(super) const STATEMENTS: &[Statement] = statements! {
    "acl", false, |compiler, line| compiler.acl(line);
        "acl NAME CRITERION", "gives a criterion a name, for lines of its section; of several lines with one name, \
         one has to hold", "" =>
    "default_backend", true, |compiler, line| compiler.default_backend(line);
        "default_backend NAME", "the backend of sessions for which no `use_backend` line applies", "" =>
    "filter", true, |compiler, line| compiler.filters.read(line);
        "filter bwlim-in NAME default-limit SIZE default-period TIME",
        "a limit of so many bytes from the client in each period, for `set-bandwidth-limit`", "in 2.7 and later";
        "filter bwlim-out NAME default-limit SIZE default-period TIME", "the same for bytes to the client",
        "in 2.7 and later" =>
    STICK, false, |compiler, line| compiler.stick(line);
        "stick on|match|store-request|store-response VALUE [table NAME] [if|unless CONDITION]",
        "the server of a session is found in a table, remembered in it, or both", "" =>
    "stick-table", false, |_, line| { line.rest_span(); Ok(()) };
        "stick-table type TYPE size SIZE ...", "the table of its section, called as the section, or `default` in \
         front of the first section; meant by lines of the section that name none", "" =>
    TCP_REQUEST, false, |compiler, line| compiler.tcp_request(line);
        "tcp-request PHASE ACTION [if|unless CONDITION]",
        "a rule of a phase: `accept`, `connection`, `session` or `content`. In a `backend` section, which has only \
         `content`, it is for connections that the lines of the listener send to that backend, and comes behind these",
        "no phase `accept` there, and `connection` comes before the PROXY header";
        "tcp-request inspect-delay TIME", "how long the `content` rules of the section wait for bytes that may decide",
        "" =>
    "tcp-response", false, |compiler, line| compiler.tcp_response(line);
        "tcp-response content ACTION [if|unless CONDITION]",
        "a rule about the first bytes of the server: of any, or in a `backend` section of the servers of that backend. \
         While it waits, nothing of the server is passed on", "";
        "tcp-response inspect-delay TIME", "how long the `tcp-response` lines of the section wait for bytes", "" =>
    "use_backend", true, |compiler, line| compiler.use_backend(line);
        "use_backend NAME [if|unless CONDITION]",
        "the backend of the session, unless a line above has said so already. In NAME, `%[EXPRESSION]` is the value \
         of an expression, empty where it is not there; where no backend is called so, that of `default_backend` \
         is meant",
        "" =>
};

impl RuleSet {
    /// Compiles a text.
    ///
    /// # Errors
    /// What is wrong with the first line that has a fault.
    pub fn parse(text: &[u8], environment: Environment<'_>) -> Result<Arc<Self>, Box<RuleError>> {
        compile(text, environment).map(Arc::new)
    }
}

/// The mark that editors put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a text.
fn compile<'a>(text: &'a [u8], environment: Environment<'a>) -> Result<RuleSet, Box<RuleError>> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let text = std::str::from_utf8(text).map_err(|why| not_text(text, why.valid_up_to()))?;
    let mut compiler = Compiler::new(environment);
    let lines = || (1..).zip(text.lines());
    compiler.tables(text)?;
    let read = lines().try_for_each(|(number, line)| {
        compiler.read(number, line).map_err(|fault| Box::new(fault.at(number, line)))
    });
    // What a line needs may stand further down, so it is checked last. All of it is in lines above
    // the one where reading stopped, so a fault in one of them comes before that.
    let is_whole = read.is_ok();
    for (number, line) in lines() {
        let checked = compiler.usage.check(number, is_whole, &compiler.set);
        checked.map_err(|fault| fault.at(number, line))?;
    }
    read?;
    Ok(compiler.finish(text))
}

fn not_text(text: &[u8], at: usize) -> Box<RuleError> {
    let line = text[..at].iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
    let start = text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let source = String::from_utf8_lossy(&text[start..]);
    let source = source.lines().next().unwrap_or_default();
    let before = at - start;
    let problem = format!("byte 0x{:02x} is no UTF-8", text[at]);
    let replaced = before..(before + char::REPLACEMENT_CHARACTER.len_utf8()).min(source.len());
    Box::new(LineFault::new(replaced, problem, "UTF-8, or `\\xHH` for a byte").at(line, source))
}

struct Compiler<'a> {
    environment: Environment<'a>,
    set: RuleSet,
    /// The line that is being read.
    line: u32,
    section: RuleSection,
    /// Whether lines of the listener have come, which one section has.
    has_front: bool,
    filters: Filters,
    /// Named acls of the section by their index in the set.
    names: BTreeMap<String, usize>,
    usage: Usage,
}

impl<'a> Compiler<'a> {
    fn new(environment: Environment<'a>) -> Self {
        let process = environment.before.map(|before| before.process.clone());
        Self {
            environment,
            set: RuleSet {
                tables: environment.tables.clone(),
                process: process.unwrap_or_default(),
                ..RuleSet::default()
            },
            line: 0,
            section: RuleSection::Top,
            has_front: false,
            filters: Filters::default(),
            names: BTreeMap::new(),
            usage: Usage::default(),
        }
    }

    /// Makes the tables of all sections.
    fn tables(&mut self, text: &str) -> Result<(), Box<RuleError>> {
        let before = self.environment.before.map(|before| &before.tables);
        let servers = stick::remembering(text);
        let mut section = RuleSection::Top;
        for (number, source) in (1..).zip(text.lines()) {
            // A line with another fault is reported when it is read.
            let Ok(words) = tokens(source) else { continue };
            let mut line = Line::new(&words);
            let Some(first) = line.next_if(|_| true) else { continue };
            if let Some(word) = RuleSection::begun_by(first) {
                section = RuleSection::parse(word, &mut line).unwrap_or(section);
            }
            if !first.is(STICK_TABLE) || section == RuleSection::Defaults {
                continue;
            }
            let span = line.rest_span();
            let definition = source.get(span.clone()).unwrap_or_default();
            let name = section.table();
            let remembers = servers.contains(name);
            let table = tables::defined(name, definition, span.start, remembers, before)
                .map_err(|fault| fault.at(number, source))?;
            for data in table.config().store.iter().filter(|stored| stored.is_of_http()) {
                let named = data.data().name();
                let problem = format!("`{named}` stays 0, since HTTP is not spoken here");
                let start = definition.find(named).unwrap_or(0) + span.start;
                let note = LineFault::new(start..start + named.len(), problem, "");
                self.set.notes.push(note.at(number, source));
            }
            if !self.set.tables.add(table) {
                let problem = format!("there is a table {} already", named(name.as_bytes()));
                let fault =
                    LineFault::new(first.span.clone(), problem, "one table in each section");
                return Err(Box::new(fault.at(number, source)));
            }
        }
        Ok(())
    }

    /// Reads a line.
    fn read(&mut self, number: u32, source: &'a str) -> Result<(), LineFault> {
        let words = tokens(source)?;
        let mut line = Line::new(&words);
        let Some(first) = line.next_if(|_| true) else { return Ok(()) };
        self.line = number;
        if let Some(word) = RuleSection::begun_by(first) {
            self.section = RuleSection::parse(word, &mut line)?;
            self.usage.enter(self.section.backend());
            self.names.clear();
            end(&line, "the end of the line")?;
            if self.section.is_front() {
                self.front(first)?;
            }
            return Ok(());
        }
        let Some(statement) = STATEMENTS.iter().find(|statement| first.is(statement.name)) else {
            return Err(unknown(first));
        };
        if self.section == RuleSection::Defaults {
            let problem = format!("{} has no place in `defaults`", named(&first.word));
            return Err(LineFault::new(first.span.clone(), problem, "it in the section it is for"));
        }
        if statement.is_front && !self.section.is_front() {
            let problem = format!("{} is about connections that come in", named(&first.word));
            let advice = "it belongs in front of the first section, or in a `frontend`";
            return Err(LineFault::advising(first.span.clone(), problem, advice));
        }
        if self.section.is_front() {
            self.has_front |= statement.is_front || first.is(TCP_REQUEST);
        }
        (statement.read)(self, &mut line)?;
        end(&line, "the end of the line")
    }

    /// A section with rules of the listener begins.
    fn front(&mut self, first: &Token) -> Result<(), LineFault> {
        if std::mem::replace(&mut self.has_front, true) {
            let problem = "there are rules of another listener above";
            let advice = "each listener has a set of rules of its own, from a text of its own";
            return Err(LineFault::advising(first.span.clone(), problem, advice));
        }
        Ok(())
    }

    fn acl(&mut self, line: &mut Line<'_>) -> Result<(), LineFault> {
        let token = line.next("a name")?;
        let name = name_of(token)?;
        let criterion = Criterion::parse(line, self.context())?;
        let index = match self.names.get(name) {
            Some(index) => *index,
            None => {
                let index = self.new_acl();
                self.names.insert(name.to_owned(), index);
                index
            }
        };
        self.add(index, criterion);
        Ok(())
    }

    fn tcp_request(&mut self, line: &mut Line<'_>) -> Result<(), LineFault> {
        let phases = RulePhase::ALL.iter().map(|phase| phase.name());
        let known = phases.chain([INSPECT_DELAY]);
        let expected = known.clone().collect::<Vec<_>>().join(", ");
        let token = line.next(&expected)?;
        let backend = self.section.backend();
        if token.is(INSPECT_DELAY) {
            let delay = match backend {
                None => &mut self.set.inspect_delay,
                Some(_) => &mut section_of(&mut self.set.requests, backend).inspect_delay,
            };
            *delay = inspect_delay(token, line, *delay)?;
            return Ok(());
        }
        let Some(phase) = RulePhase::ALL.into_iter().find(|phase| token.is(phase.name())) else {
            let problem = format!("{} is no phase", named(&token.word));
            return Err(LineFault::new(token.span.clone(), problem, expected)
                .near(suggest(token.text().unwrap_or_default(), known)));
        };
        if let Some(name) = &backend {
            if phase != RulePhase::Content {
                let problem = format!("{} is about connections that come in", named(&token.word));
                let advice = "it belongs in front of the first section, or in a `frontend`; a `backend` has `content`";
                return Err(LineFault::advising(token.span.clone(), problem, advice));
            }
            self.usage.need_choice(name, self.line, token.span.clone());
        }
        let rule = self.rule(line, phase.place())?;
        if let Action::Track(slot, _, table) = &rule.action {
            self.usage.track(*slot, phase, self.line, Arc::clone(table));
        }
        match backend {
            None => self.set.rules[phase as usize].push(rule),
            Some(_) => section_of(&mut self.set.requests, backend).rules.push(rule),
        }
        Ok(())
    }

    fn tcp_response(&mut self, line: &mut Line<'_>) -> Result<(), LineFault> {
        let expected = format!("{CONTENT}, {INSPECT_DELAY}");
        let token = line.next(&expected)?;
        if token.is(INSPECT_DELAY) {
            let section = section_of(&mut self.set.responses, self.section.backend());
            section.inspect_delay = inspect_delay(token, line, section.inspect_delay)?;
            return Ok(());
        }
        if !token.is(CONTENT) {
            let problem = format!("{} is no phase", named(&token.word));
            return Err(LineFault::new(token.span.clone(), problem, expected));
        }
        let rule = self.rule(line, Places::RESPONSE)?;
        section_of(&mut self.set.responses, self.section.backend()).rules.push(rule);
        Ok(())
    }

    /// Reads an action and its condition.
    fn rule(&mut self, line: &mut Line<'_>, place: Places) -> Result<Rule, LineFault> {
        let context = self.context();
        let mut it =
            ActionContext { context, filters: &self.filters, place, captures: self.set.captures };
        let word = line.peek().map_or(0..0, |word| word.span.clone());
        let action = ActionWord::parse(line, &mut it)?;
        self.use_action(&action, place, word);
        let condition = self.condition(line, place)?;
        Ok(Rule { action, condition, line: self.line })
    }

    /// Notes what an action asks for and does.
    fn use_action(&mut self, action: &Action, place: Places, word: Range<usize>) {
        match action {
            Action::IncrementGpc(slot, index) => {
                let changed = (*slot, DataType::Gpc(*index));
                self.usage.change(changed, place, self.line, word.clone());
            }
            Action::SetGpt0(slot, _) => {
                let changed = (*slot, DataType::Gpt0);
                self.usage.change(changed, place, self.line, word.clone());
            }
            Action::Capture { .. } => self.set.captures += 1,
            _ => {}
        }
        for expression in action.expressions() {
            let asked = Asked::of(expression, &word_of(expression));
            self.usage.ask(asked, place, self.line, word.clone());
        }
    }

    fn use_backend(&mut self, line: &mut Line<'_>) -> Result<(), LineFault> {
        let token = line.next("the name of a backend")?;
        let backend = BackendName::parse(token, self.context())?;
        for expression in backend.expressions() {
            let asked = Asked::of(expression, &word_of(expression));
            self.usage.ask(asked, Places::BACKEND, self.line, token.span.clone());
        }
        if let BackendName::Fixed(name) = &backend {
            self.usage.name_backend(name, self.line, token.span.clone());
        }
        let condition = self.condition(line, Places::BACKEND)?;
        self.set.backends.push(Choice { backend, condition, line: self.line });
        Ok(())
    }

    fn default_backend(&mut self, line: &mut Line<'_>) -> Result<(), LineFault> {
        let token = line.next("the name of a backend")?;
        let name = name_of(token)?;
        if self.set.default_backend.is_some() {
            let problem = "there is a default_backend above";
            return Err(LineFault::new(token.span.clone(), problem, "one of them"));
        }
        self.usage.name_backend(name, self.line, token.span.clone());
        self.set.default_backend = Some((name.into(), self.line));
        Ok(())
    }

    fn stick(&mut self, line: &mut Line<'_>) -> Result<(), LineFault> {
        let purpose = StickPurpose::parse(line)?;
        let (token, expression, table) = written::table_key(line, purpose.place, self.context())?;
        // Those of a text do, where a `stick` line names them.
        if !table.stores(DataType::ServerId) {
            return Err(tables::not_stored(&table, DataType::ServerId, token.span.clone()));
        }
        let asked = Asked::of(&expression, &named(&token.word));
        self.usage.ask(asked, purpose.place, self.line, token.span.clone());
        let condition = self.condition(line, purpose.place)?;
        let backend = self.section.backend();
        self.set.sticks.push(Stick { backend, purpose, expression, table, condition });
        Ok(())
    }

    fn context(&self) -> Context<'_> {
        Context { tables: &self.set.tables, section: &self.section, load: self.environment.load }
    }

    fn new_acl(&mut self) -> usize {
        self.set.acls.push(Acl::default());
        self.set.acls.len() - 1
    }

    fn add(&mut self, acl: usize, criterion: Criterion<'_>) {
        let asked = Asked::of(&criterion.test.expression, &named(&criterion.word.word));
        self.usage.extend_acl(acl, asked);
        self.set.acls[acl].0.push(criterion.test);
    }

    /// The set, once all of the text is read and checked.
    fn finish(self, text: &str) -> RuleSet {
        let Self { mut set, usage, .. } = self;
        for rules in &mut set.rules {
            rules.compile(&set.acls);
        }
        set.backends.compile(&set.acls);
        for section in set.requests.iter_mut().chain(&mut set.responses) {
            section.rules.compile(&set.acls);
        }
        usage.note(&mut set, text);
        set.notes.sort_by_key(|note| note.line);
        set
    }
}

const TCP_REQUEST: &str = "tcp-request";
const INSPECT_DELAY: &str = "inspect-delay";
const CONTENT: &str = "content";

/// The rules for a backend among those of sections.
fn section_of(sections: &mut Vec<SectionRules>, backend: Option<Box<str>>) -> &mut SectionRules {
    let known = sections.iter().position(|section| section.backend == backend);
    let at = known.unwrap_or_else(|| {
        sections.push(SectionRules { backend, ..SectionRules::default() });
        sections.len() - 1
    });
    &mut sections[at]
}

/// Reads the time behind `word`, of which there was one already unless `before` is 0.
fn inspect_delay(word: &Token, line: &mut Line<'_>, before: u64) -> Result<u64, LineFault> {
    let token = line.next("a time")?;
    if before != 0 {
        let problem = "there is an inspect-delay above";
        return Err(LineFault::new(word.span.clone(), problem, "one in a section"));
    }
    token.text().and_then(time).ok_or_else(|| not_a_time(token))
}

const STICK_TABLE: &str = "stick-table";

/// The fault of a line that begins with this word.
fn unknown(first: &Token) -> LineFault {
    let name = first.text().unwrap_or_default();
    if let Some(instead) = absent_words::elsewhere(name) {
        let problem = format!("{} is no business of rules", named(&first.word));
        return LineFault::advising(first.span.clone(), problem, instead);
    }
    let known = STATEMENTS.iter().map(|statement| statement.name);
    let problem = format!("{} begins no line", named(&first.word));
    let expected = known.clone().collect::<Vec<_>>().join(", ");
    LineFault::new(first.span.clone(), problem, expected).near(suggest(name, known))
}

/// An expression as a sentence names it: its first word.
fn word_of(expression: &super::expression::Expression) -> String {
    named(expression.fetch.name().as_bytes())
}

fn end(line: &Line<'_>, expected: &str) -> Result<(), LineFault> {
    match line.peek() {
        None => Ok(()),
        Some(token) => {
            let problem = format!("{} has no place here", named(&token.word));
            Err(LineFault::new(token.span.clone(), problem, expected))
        }
    }
}
