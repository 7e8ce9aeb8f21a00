//! Compiles text to rules, line by line. The fault that is reported is that of the first line that
//! has one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::condition::{Acl, Condition, Term};
use super::criterion::{Context, Criterion};
use super::error::{LineFault, RuleError, named};
use super::line::Line;
use super::place::{Places, RulePhase};
use super::suggest::suggest;
use super::tables::{self, DEFAULT_TABLE};
use super::token::{Token, tokens};
use super::verb::{Verb, VerbContext, unseen};
use super::{Choice, Environment, Rule, RuleSet};
use crate::table::time;

/// A kind of line, by its first word.
pub(super) struct Statement {
    pub(super) name: &'static str,
    read: fn(&mut Compiler<'_>, &mut Line<'_>) -> Result<(), LineFault>,
    pub(super) forms: &'static [SyntaxForm],
}

/// One of the forms that a line of this kind may have.
pub(super) struct SyntaxForm {
    pub(super) syntax: &'static str,
    pub(super) doc: &'static str,
    /// Where HAProxy differs; empty when it does not.
    pub(super) haproxy: &'static str,
}

/// Every kind of line.
pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        name: "acl",
        read: |compiler, line| compiler.acl(line),
        forms: &[SyntaxForm {
            syntax: "acl NAME CRITERION",
            doc: "gives a criterion a name; of several lines with one name, one has to hold",
            haproxy: "some names need no line there, such as `TRUE`",
        }],
    },
    Statement {
        name: "stick-table",
        read: |compiler, line| compiler.stick_table(line),
        forms: &[SyntaxForm {
            syntax: "stick-table [NAME] type TYPE size SIZE ...",
            doc: "a table; without a name it is called `default` and meant where none is named",
            haproxy: "no name there: a table is called like the proxy it is in",
        }],
    },
    Statement {
        name: "tcp-request",
        read: |compiler, line| compiler.tcp_request(line),
        forms: &[
            SyntaxForm {
                syntax: "tcp-request PHASE ACTION [if|unless CONDITION]",
                doc: "a rule of a phase: `accept`, `connection`, `content` or `session`",
                haproxy: "no phase `accept` there, and `connection` comes before the PROXY header",
            },
            SyntaxForm {
                syntax: "tcp-request inspect-delay TIME",
                doc: "how long `content` rules wait for bytes that may decide; without this line, \
                      not at all",
                haproxy: "",
            },
        ],
    },
    Statement {
        name: "use_backend",
        read: |compiler, line| compiler.use_backend(line),
        forms: &[SyntaxForm {
            syntax: "use_backend NAME [if|unless CONDITION]",
            doc: "the backend of the session, unless a line above has said so already",
            haproxy: "the name may be put together from values there",
        }],
    },
];

impl RuleSet {
    /// Compiles a text.
    ///
    /// # Errors
    /// What is wrong with the first line that has a fault.
    pub fn parse(text: &[u8], environment: Environment<'_>) -> Result<Arc<Self>, Box<RuleError>> {
        compile(text, environment).map(Arc::new)
    }
}

/// Reads a text.
fn compile<'a>(text: &'a [u8], environment: Environment<'a>) -> Result<RuleSet, Box<RuleError>> {
    let text = std::str::from_utf8(text).map_err(|why| not_text(text, why.valid_up_to()))?;
    let mut compiler = Compiler::new(environment);
    let lines = || (1..).zip(text.lines());
    let read: Result<(), Box<RuleError>> = lines().try_for_each(|(number, line)| {
        compiler.read(number, line).map_err(|fault| fault.at(number, line).into())
    });
    // All uses of acls are in lines above the one where reading stopped, so a fault in one of them
    // is the first of the text.
    for (number, line) in lines() {
        compiler.check(number).map_err(|fault| fault.at(number, line))?;
    }
    read?;
    Ok(compiler.set)
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
    source: &'a str,
    /// Where the first word of the line is.
    begin: Range<usize>,
    /// Named acls by their index in the set.
    names: BTreeMap<String, usize>,
    /// What each acl asks for, in addition to its tests: the word, and the places where it is known.
    asked: Vec<Vec<(String, Places)>>,
    /// Where acls are named. Later lines may still extend an acl, so what it asks for is checked
    /// last.
    uses: Vec<Use>,
}

/// A place where an acl is named.
struct Use {
    line: u32,
    token: Token,
    acl: usize,
    place: Places,
}

impl<'a> Compiler<'a> {
    fn new(environment: Environment<'a>) -> Self {
        Self {
            environment,
            set: RuleSet { tables: environment.tables.clone(), ..RuleSet::default() },
            line: 0,
            source: "",
            begin: 0..0,
            names: BTreeMap::new(),
            asked: Vec::new(),
            uses: Vec::new(),
        }
    }

    /// Reads a line.
    fn read(&mut self, number: u32, source: &'a str) -> Result<(), LineFault> {
        let words = tokens(source)?;
        let mut line = Line::new(&words);
        let Some(first) = line.next_if(|_| true) else { return Ok(()) };
        (self.line, self.source, self.begin) = (number, source, first.span.clone());
        let Some(statement) = STATEMENTS.iter().find(|statement| first.is(statement.name)) else {
            let known = STATEMENTS.iter().map(|statement| statement.name);
            let problem = format!("{} begins no line", named(&first.word));
            let expected = known.clone().collect::<Vec<_>>().join(", ");
            return Err(LineFault::new(first.span.clone(), problem, expected)
                .near(suggest(first.text().unwrap_or_default(), known)));
        };
        (statement.read)(self, &mut line)?;
        end(&line, "the end of the line")
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

    fn stick_table(&mut self, line: &mut Line<'_>) -> Result<(), LineFault> {
        let (name, written) = match line.next_if(|token| !token.is("type")) {
            Some(token) => (name_of(token)?.to_owned(), token.span.clone()),
            None => (DEFAULT_TABLE.to_owned(), self.begin.clone()),
        };
        let span = line.rest_span();
        let definition = self.source.get(span.clone()).unwrap_or_default();
        let before = self.environment.before.map(|before| &before.tables);
        let table = tables::defined(&name, definition, span.start, before)?;
        if self.set.tables.add(table) {
            return Ok(());
        }
        let problem = format!("there is a table {} already", named(name.as_bytes()));
        Err(LineFault::new(written, problem, "one definition of each table"))
    }

    fn tcp_request(&mut self, line: &mut Line<'_>) -> Result<(), LineFault> {
        let phases = RulePhase::ALL.iter().map(|phase| phase.name());
        let known = phases.chain([INSPECT_DELAY]);
        let expected = known.clone().collect::<Vec<_>>().join(", ");
        let token = line.next(&expected)?;
        if token.is(INSPECT_DELAY) {
            return self.inspect_delay(line);
        }
        let Some(phase) = RulePhase::ALL.into_iter().find(|phase| token.is(phase.name())) else {
            let problem = format!("{} is no phase", named(&token.word));
            return Err(LineFault::new(token.span.clone(), problem, expected)
                .near(suggest(token.text().unwrap_or_default(), known)));
        };
        let scene = VerbContext { tables: &self.set.tables, place: phase.place() };
        let action = Verb::parse(line, scene)?;
        let condition = self.condition(line, phase.place())?;
        let rule = Rule { action, condition, line: self.line };
        self.set.rules[phase as usize].push(rule);
        Ok(())
    }

    fn inspect_delay(&mut self, line: &mut Line<'_>) -> Result<(), LineFault> {
        let token = line.next("a time")?;
        let span = token.text().and_then(time);
        self.set.inspect_delay = span.ok_or_else(|| {
            let problem = format!("{} is no time", named(&token.word));
            let expected = "a number with ms, s, m, h or d behind it, of at least a millisecond";
            LineFault::new(token.span.clone(), problem, expected)
        })?;
        Ok(())
    }

    fn use_backend(&mut self, line: &mut Line<'_>) -> Result<(), LineFault> {
        let token = line.next("the name of a backend")?;
        let backend = name_of(token)?.into();
        let condition = self.condition(line, Places::BACKEND)?;
        self.set.backends.push(Choice { backend, condition, line: self.line });
        Ok(())
    }

    /// Reads `if ...` or `unless ...`, up to the end of the line.
    fn condition(
        &mut self,
        line: &mut Line<'_>,
        place: Places,
    ) -> Result<Option<Condition>, LineFault> {
        let Some(word) = line.next_if(|token| token.is("if") || token.is("unless")) else {
            end(line, "`if`, `unless`, or the end of the line")?;
            return Ok(None);
        };
        let mut any_of = Vec::new();
        let mut group = Vec::new();
        loop {
            let token = line.next("the name of an acl, or `{`")?;
            if is_or(token) {
                let problem = format!("nothing is in front of {}", named(&token.word));
                return Err(LineFault::new(
                    token.span.clone(),
                    problem,
                    "a condition on either side",
                ));
            }
            group.push(self.term(token, line, place)?);
            match line.next_if(is_or) {
                Some(_) => any_of.push(std::mem::take(&mut group).into()),
                None if line.peek().is_none() => break,
                None => {}
            }
        }
        any_of.push(group.into());
        Ok(Some(Condition { negated: word.is("unless"), any_of: any_of.into() }))
    }

    /// Reads a term that begins with `token`.
    fn term<'l>(
        &mut self,
        token: &'l Token,
        line: &mut Line<'l>,
        place: Places,
    ) -> Result<Term, LineFault> {
        let (mut token, mut marks) = (token, negations(token));
        let mut negated = marks % 2 == 1;
        // A `!` that stands alone negates what follows it.
        while marks > 0 && marks == token.word.len() {
            token = line.next("what is negated")?;
            marks = negations(token);
            negated ^= marks % 2 == 1;
        }
        let subject = Token {
            word: token.word[marks..].to_vec(),
            span: token.span.start + marks..token.span.end,
            quoted: token.quoted,
        };
        let acl = if subject.is("{") {
            self.inline(&subject, line, place)?
        } else {
            self.named(subject, place)?
        };
        Ok(Term { negated, acl })
    }

    /// Reads a criterion in braces.
    fn inline(
        &mut self,
        brace: &Token,
        line: &mut Line<'_>,
        place: Places,
    ) -> Result<usize, LineFault> {
        let Some(mut inside) = line.braced() else {
            let expected = "a `}`, with a blank in front of it";
            return Err(LineFault::new(brace.span.clone(), "this brace is not closed", expected));
        };
        let criterion = Criterion::parse(&mut inside, self.context())?;
        if !criterion.seen.contains(place) {
            let word = named(&criterion.word.word);
            return Err(unseen(criterion.word, &word, criterion.seen));
        }
        let index = self.new_acl();
        self.add(index, criterion);
        Ok(index)
    }

    /// The index of the acl with the name in `token`.
    fn named(&mut self, token: Token, place: Places) -> Result<usize, LineFault> {
        let name = token.text().unwrap_or_default();
        if let Some(acl) = self.names.get(name) {
            let acl = *acl;
            self.uses.push(Use { line: self.line, token, acl, place });
            return Ok(acl);
        }
        let fault = |problem, expected| Err(LineFault::new(token.span.clone(), problem, expected));
        let problem = format!("there is no acl {}", named(&token.word));
        match name {
            "and" | "&&" => {
                fault(problem, "nothing: what stands side by side has to hold together")
            }
            _ if is_or(&token) => {
                let problem = format!("nothing is negated in front of {}", named(&token.word));
                fault(problem, "a condition behind `!`")
            }
            _ if token.is("if") || token.is("unless") => {
                let problem = format!("{} is in a condition already", named(&token.word));
                fault(problem, "`or`, or nothing: what stands side by side has to hold together")
            }
            _ if token.is("}") => fault("this brace was not opened".to_owned(), "a `{` in front"),
            _ if !token.quoted && name.starts_with('{') => fault(problem, "a blank behind `{`"),
            _ => {
                let expected = match name_of(&token) {
                    Err(_) => "the name of an acl, or a criterion in braces".to_owned(),
                    Ok(name) => {
                        let line = named(format!("acl {name} ...").as_bytes());
                        format!("a line {line} above, or a criterion in braces")
                    }
                };
                fault(problem, &*expected).map_err(|fault| {
                    fault.near(suggest(name, self.names.keys().map(String::as_str)))
                })
            }
        }
    }

    /// Checks that what the acls named in a line ask for is known there.
    fn check(&self, line: u32) -> Result<(), LineFault> {
        let from = self.uses.partition_point(|named| named.line < line);
        for named in self.uses[from..].iter().take_while(|named| named.line == line) {
            for (word, seen) in &self.asked[named.acl] {
                if !seen.contains(named.place) {
                    return Err(unseen(
                        &named.token,
                        &format!("{word}, which this acl asks for,"),
                        *seen,
                    ));
                }
            }
        }
        Ok(())
    }

    fn context(&self) -> Context<'_> {
        Context { tables: &self.set.tables, load: self.environment.load }
    }

    fn new_acl(&mut self) -> usize {
        self.set.acls.push(Acl::default());
        self.asked.push(Vec::new());
        self.set.acls.len() - 1
    }

    fn add(&mut self, acl: usize, criterion: Criterion<'_>) {
        self.set.acls[acl].0.push(criterion.test);
        self.asked[acl].push((named(&criterion.word.word), criterion.seen));
    }
}

const INSPECT_DELAY: &str = "inspect-delay";

/// How many `!` a word begins with.
fn negations(token: &Token) -> usize {
    if token.quoted { 0 } else { token.word.iter().take_while(|byte| **byte == b'!').count() }
}

fn is_or(token: &Token) -> bool {
    token.is("or") || token.is("||")
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

/// A name as HAProxy allows them: letters, digits, `-`, `_`, `.` and `:`.
fn name_of(token: &Token) -> Result<&str, LineFault> {
    let is_fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    let is_reserved =
        ["if", "unless", "or", "type"].iter().any(|word| token.word == word.as_bytes());
    match token.text() {
        Some(name) if !name.is_empty() && name.bytes().all(|b| is_fine(&b)) && !is_reserved => {
            Ok(name)
        }
        _ => {
            let problem = format!("{} is no name", named(&token.word));
            let expected =
                "ASCII letters, digits, `-`, `_`, `.` and `:`, and no word of the language";
            Err(LineFault::new(token.span.clone(), problem, expected))
        }
    }
}
