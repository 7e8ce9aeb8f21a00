//! What is asked for and what it has to be: `src 10.0.0.0/8`, `ssl_fc_sni -i -m end .example`.

use std::ops::{Range, RangeInclusive};

use super::Loader;
use super::condition::Test;
use super::error::{Elsewhere, LineFault, named, printable};
use super::keyword::{Asked, ValueKind};
use super::line::Line;
use super::matcher::{Matcher, Networks};
use super::pattern::{self, Comparison};
use super::place::Places;
use super::ranges::Ranges;
use super::suggest::suggest;
use super::tables::Tables;
use super::token::Token;
use super::words::{Case, Position, Words};

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MatchMethod {
    Found,
    Bool,
    Int,
    Ip,
    Word(Position),
    Expression,
}

/// A word behind `-m`.
pub(super) struct MethodWord {
    pub(super) name: &'static str,
    pub(super) method: MatchMethod,
    pub(super) doc: &'static str,
}

/// Every word behind `-m`.
pub(super) const METHODS: &[MethodWord] = &[
    MethodWord {
        name: "found",
        method: MatchMethod::Found,
        doc: "there is a value at all; any kind; takes no values",
    },
    MethodWord {
        name: "bool",
        method: MatchMethod::Bool,
        doc: "yes; the default for yes or no; takes no values",
    },
    MethodWord {
        name: "int",
        method: MatchMethod::Int,
        doc: "one of the numbers; the default for numbers",
    },
    MethodWord {
        name: "ip",
        method: MatchMethod::Ip,
        doc: "in one of the networks; the default for IPs",
    },
    MethodWord {
        name: "str",
        method: MatchMethod::Word(Position::Whole),
        doc: "one of the values, byte for byte; the default for bytes",
    },
    MethodWord {
        name: "beg",
        method: MatchMethod::Word(Position::Begin),
        doc: "begins with one of the values",
    },
    MethodWord {
        name: "end",
        method: MatchMethod::Word(Position::End),
        doc: "ends with one of the values",
    },
    MethodWord {
        name: "sub",
        method: MatchMethod::Word(Position::Inside),
        doc: "has one of the values in it",
    },
    MethodWord {
        name: "reg",
        method: MatchMethod::Expression,
        doc: "one of the regular expressions finds a match in it",
    },
];

/// A flag in front of the values.
pub(super) struct Flag {
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
}

/// Every flag.
pub(super) const FLAGS: &[Flag] = &[
    Flag { name: "-i", doc: "letters of ASCII match in either case; for bytes" },
    Flag { name: "-m", doc: "`-m METHOD`: how to compare" },
    Flag {
        name: "-f",
        doc: "`-f FILE`: values from a file, one in a line; may be given several times",
    },
    Flag { name: "--", doc: "the flags end: a value that begins with `-` may follow" },
];

impl MatchMethod {
    const fn default_for(kind: ValueKind) -> Self {
        match kind {
            ValueKind::Truth => Self::Bool,
            ValueKind::Number => Self::Int,
            ValueKind::Address => Self::Ip,
            ValueKind::Bytes => Self::Word(Position::Whole),
        }
    }

    /// Whether values of this kind can be compared so.
    const fn fits(self, kind: ValueKind) -> bool {
        match self {
            Self::Found => true,
            Self::Bool => matches!(kind, ValueKind::Truth),
            Self::Int => matches!(kind, ValueKind::Number),
            Self::Ip => matches!(kind, ValueKind::Address),
            Self::Word(_) | Self::Expression => matches!(kind, ValueKind::Bytes),
        }
    }

    const fn takes_values(self) -> bool {
        !matches!(self, Self::Found | Self::Bool)
    }
}

/// What a criterion may refer to.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) tables: &'a Tables,
    pub(super) load: &'a Loader<'a>,
}

/// A criterion that was read.
pub(super) struct Criterion<'a> {
    pub(super) test: Test,
    /// The word of its fetch.
    pub(super) word: &'a Token,
    /// The places where the fetch is known.
    pub(super) seen: Places,
}

impl<'a> Criterion<'a> {
    /// Reads all that is left of a line.
    pub(super) fn parse(line: &mut Line<'a>, context: Context<'_>) -> Result<Self, LineFault> {
        let word = line.next("what is asked for, such as `src`")?;
        let asked = Asked::parse(word, context.tables)?;
        let options = CriterionFlags::parse(line, asked.kind)?;
        let values = Values::load(line.rest(), &options, context.load)?;
        if let (false, Some(value)) = (options.method.takes_values(), values.line.peek()) {
            let problem = format!("{} has nothing to be compared with here", named(&word.word));
            return Err(LineFault::new(value.span.clone(), problem, "no value"));
        }
        if options.method.takes_values() && values.line.peek().is_none() && values.files.is_empty()
        {
            // Nothing is left, so this is a fault, placed at the end of the line.
            line.next(&format!("what {} has to be", named(&word.word)))?;
        }
        let matcher = values.matcher(&options)?;
        Ok(Self { test: Test { fetch: asked.fetch, matcher }, word, seen: asked.seen })
    }
}

/// The flags of a criterion.
struct CriterionFlags<'a> {
    method: MatchMethod,
    case: Case,
    files: Vec<&'a Token>,
}

impl<'a> CriterionFlags<'a> {
    fn parse(line: &mut Line<'a>, kind: ValueKind) -> Result<Self, LineFault> {
        let mut options =
            Self { method: MatchMethod::default_for(kind), case: Case::Exact, files: Vec::new() };
        let mut folded = None;
        let is_flag = |token: &Token| !token.quoted && token.word.first() == Some(&b'-');
        while let Some(flag) = line.next_if(is_flag) {
            match &*flag.word {
                b"-i" => folded = Some(flag),
                b"-f" => options.files.push(line.next("the name of a file")?),
                b"-m" => options.method = method(line.next("how to compare")?, kind)?,
                b"--" => break,
                _ => return Err(unknown_flag(flag)),
            }
        }
        if let Some(flag) = folded {
            if !matches!(options.method, MatchMethod::Word(_) | MatchMethod::Expression) {
                let problem = "`-i` is about letters, and none are compared here";
                return Err(LineFault::new(flag.span.clone(), problem, "no `-i`"));
            }
            options.case = Case::Ignored;
        }
        Ok(options)
    }
}

fn method(token: &Token, kind: ValueKind) -> Result<MatchMethod, LineFault> {
    let fitting = || {
        let names = METHODS.iter().filter(|word| word.method.fits(kind)).map(|word| word.name);
        names.collect::<Vec<_>>().join(", ")
    };
    let Some(word) = METHODS.iter().find(|word| token.is(word.name)) else {
        let problem = format!("{} is no way to compare", named(&token.word));
        let known = METHODS.iter().map(|word| word.name);
        return Err(LineFault::new(token.span.clone(), problem, fitting())
            .near(suggest(token.text().unwrap_or_default(), known)));
    };
    if !word.method.fits(kind) {
        let problem = format!("`-m {}` does not compare values of kind {}", word.name, kind.name());
        return Err(LineFault::new(token.span.clone(), problem, fitting()));
    }
    Ok(word.method)
}

fn unknown_flag(flag: &Token) -> LineFault {
    let problem = format!("{} is no flag", named(&flag.word));
    let expected = "`-i`, `-m METHOD`, `-f FILE`, or `--` in front of values that begin with `-`";
    LineFault::new(flag.span.clone(), problem, expected)
}

/// The values to compare with.
struct Values<'a> {
    /// The values written in the line.
    line: Line<'a>,
    files: Vec<File<'a>>,
}

/// A file of values.
struct File<'a> {
    token: &'a Token,
    name: String,
    content: Vec<u8>,
}

/// Why something is no valid value.
struct Wrong {
    problem: String,
    expected: &'static str,
}

impl<'a> Values<'a> {
    fn load(
        line: Line<'a>,
        options: &CriterionFlags<'a>,
        load: &Loader<'_>,
    ) -> Result<Self, LineFault> {
        let mut files = Vec::new();
        for token in &options.files {
            let name = token.text().unwrap_or_default().to_owned();
            let content = load(&name).map_err(|why| {
                let problem = format!("{} cannot be read: {}", named(&token.word), printable(&why));
                LineFault::new(token.span.clone(), problem, "a file of values")
            })?;
            files.push(File { token, name, content });
        }
        Ok(Self { line, files })
    }

    fn matcher(&self, options: &CriterionFlags<'_>) -> Result<Matcher, LineFault> {
        Ok(match options.method {
            MatchMethod::Found => Matcher::Found,
            MatchMethod::Bool => Matcher::Yes,
            MatchMethod::Int => Matcher::Numbers(Ranges::new(self.numbers()?)),
            MatchMethod::Ip => Matcher::Networks(Networks::new(&self.each(network)?)),
            MatchMethod::Word(position) => {
                let words = self.each(|word| Ok(word.to_vec()))?;
                Matcher::Words(Words::new(position, options.case, words))
            }
            MatchMethod::Expression => {
                let expressions = self.each(|word| expression(word, options.case))?;
                Matcher::Expressions(expressions.into())
            }
        })
    }

    /// Every value, read.
    fn each<T>(&self, read: impl Fn(&[u8]) -> Result<T, Wrong>) -> Result<Vec<T>, LineFault> {
        let mut all = Vec::new();
        for token in self.line.words() {
            all.push(read(&token.word).map_err(|wrong| wrong.at(token))?);
        }
        self.each_of_files(&mut all, read)?;
        Ok(all)
    }

    fn each_of_files<T>(
        &self,
        all: &mut Vec<T>,
        read: impl Fn(&[u8]) -> Result<T, Wrong>,
    ) -> Result<(), LineFault> {
        for file in &self.files {
            for (number, line) in (1..).zip(file.content.split(|byte| *byte == b'\n')) {
                let Some(value) = value_of(line) else { continue };
                let read = read(&line[value.start..value.end]);
                let wrong = |wrong: Wrong| wrong.of(file, number, &line[..value.end], value.start);
                all.push(read.map_err(wrong)?);
            }
        }
        Ok(())
    }

    /// Numbers, with comparisons in front of them that count up to the next one.
    fn numbers(&self) -> Result<Vec<RangeInclusive<u64>>, LineFault> {
        let mut all = Vec::new();
        let mut comparison = Comparison::Equal;
        let mut words = self.line.clone();
        while let Some(token) = words.next_if(|_| true) {
            match Comparison::ALL.into_iter().find(|known| token.is(known.name())) {
                Some(known) => {
                    comparison = known;
                    if words.peek().is_none() {
                        words.next("a number")?;
                    }
                }
                None => {
                    all.push(numbers(&token.word, comparison).map_err(|wrong| wrong.at(token))?)
                }
            }
        }
        self.each_of_files(&mut all, |word| numbers(word, Comparison::Equal))?;
        Ok(all)
    }
}

impl Wrong {
    fn at(self, token: &Token) -> LineFault {
        LineFault::new(token.span.clone(), self.problem, self.expected)
    }

    /// The fault of the value that begins at `start` of a line of a file, behind blanks alone.
    fn of(self, file: &File<'_>, line: u32, source: &[u8], start: usize) -> LineFault {
        let elsewhere = Elsewhere {
            file: file.name.clone(),
            line,
            start,
            source: String::from_utf8_lossy(source.trim_ascii_end()).into_owned(),
        };
        LineFault { elsewhere: Some(Box::new(elsewhere)), ..self.at(file.token) }
    }
}

/// Where the value is in a line of a file: none in an empty line and in a comment, whose `#` is in
/// the first column.
fn value_of(line: &[u8]) -> Option<Range<usize>> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let start = line.len() - line.trim_ascii_start().len();
    (start < line.len() && line.first() != Some(&b'#')).then_some(start..line.len())
}

fn text(word: &[u8]) -> &str {
    std::str::from_utf8(word).unwrap_or_default().trim_end()
}

fn network(word: &[u8]) -> Result<ipnet::IpNet, Wrong> {
    pattern::network(text(word)).ok_or_else(|| Wrong {
        problem: format!("{} is no network", named(word)),
        expected: "an address, or one with a prefix length or mask: `10.0.0.0/8`; names are not \
                   resolved",
    })
}

fn numbers(word: &[u8], comparison: Comparison) -> Result<RangeInclusive<u64>, Wrong> {
    comparison.numbers(text(word)).ok_or_else(|| Wrong {
        problem: match comparison {
            Comparison::Equal => format!("{} is neither a number nor a range", named(word)),
            _ => format!("no number is `{}` {}", comparison.name(), named(word)),
        },
        expected: "a number in decimal, a range such as `1:10` or `10:`, or one of eq, ge, gt, le, \
                   lt in front of a number",
    })
}

fn expression(word: &[u8], case: Case) -> Result<regex::bytes::Regex, Wrong> {
    let wrong = |why: &str| Wrong {
        problem: format!("{} is no regular expression: {why}", named(word)),
        expected: "an expression in the syntax of the Rust crate `regex`",
    };
    let text = std::str::from_utf8(word).map_err(|_| wrong("it is no UTF-8"))?;
    pattern::expression(text, case).map_err(|why| {
        let why = why.to_string();
        let why = why.lines().last().unwrap_or_default();
        wrong(&printable(why.trim_start_matches("error: ")))
    })
}
