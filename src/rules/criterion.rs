//! What is asked for and what it has to be: `src 10.0.0.0/8`, `ssl_fc_sni -i -m end .example`.

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};

use super::argument_reader::Context;
use super::condition::Test;
use super::error::{Elsewhere, LineFault, named, printable};
use super::expression::Expression;
use super::fetch::{Fetch, HELLO_VERSION};
use super::line::Line;
use super::matcher::{Matcher, Networks};
use super::pattern::{self, Comparison, NumberForm};
use super::ranges::Ranges;
use super::suggest::suggest;
use super::token::Token;
use super::value::ValueType;
use super::word_set::{Case, NAME_DELIMITERS, PATH_DELIMITERS, Position, Words};
use super::written;

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MatchMethod {
    Found,
    Bool,
    Int,
    Ip,
    Word(Position),
    Length,
    Bytes,
    Expression,
}

/// A word behind `-m`.
pub(super) struct MethodWord {
    pub(super) name: &'static str,
    pub(super) method: MatchMethod,
    pub(super) doc: &'static str,
}

macro_rules! methods {
    ($($name:literal: $method:expr, $doc:literal;)+) => {
        &[$(MethodWord { name: $name, method: $method, doc: $doc }),+]
    };
}

/// Every word behind `-m`.
pub(super) const METHODS: &[MethodWord] = methods! {
    "found": MatchMethod::Found, "there is a value at all; any type; takes no values";
    "bool": MatchMethod::Bool, "yes; the default for bool; takes no value but `1` or `true`";
    "int": MatchMethod::Int, "one of the numbers; the default for sint";
    "ip": MatchMethod::Ip, "in one of the networks; the default for addr";
    "str": MatchMethod::Word(Position::Whole), "one of the values, byte for byte; the default for str";
    "beg": MatchMethod::Word(Position::Begin), "begins with one of the values";
    "end": MatchMethod::Word(Position::End), "ends with one of the values";
    "sub": MatchMethod::Word(Position::Inside), "has one of the values in it";
    "dir": MatchMethod::Word(Position::Between(PATH_DELIMITERS)),
        "has one of the values in it, with `/`, `?` or an end on either side";
    "dom": MatchMethod::Word(Position::Between(NAME_DELIMITERS)),
        "has one of the values in it, with `.`, `/`, `?`, `:` or an end on either side";
    "len": MatchMethod::Length, "so many bytes long";
    "bin": MatchMethod::Bytes, "the bytes that one of the values is in hexadecimal digits; the default for bin";
    "reg": MatchMethod::Expression, "one of the regular expressions finds a match in it";
};

/// A flag in front of the values.
pub(super) struct Flag {
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
}

/// Every flag.
pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "-i",
        doc: "letters of ASCII match in either case; where no letters are compared, it says nothing",
    },
    Flag { name: "-m", doc: "`-m METHOD`: how to compare" },
    Flag {
        name: "-f",
        doc: "`-f FILE`: values from a file, one in a line; may be given several times",
    },
    Flag { name: "-M", doc: "the files are maps: the first word of each line is the value" },
    Flag { name: "-n", doc: "names are not resolved, which they never are" },
    Flag { name: "--", doc: "the flags end: a value that begins with `-` may follow" },
];

impl MatchMethod {
    const fn default_for(kind: ValueType) -> Option<Self> {
        match kind {
            ValueType::Bool => Some(Self::Bool),
            ValueType::Int => Some(Self::Int),
            ValueType::Addr => Some(Self::Ip),
            ValueType::Str => Some(Self::Word(Position::Whole)),
            ValueType::Bin => Some(Self::Bytes),
            ValueType::Any => None,
        }
    }

    /// The type that it compares.
    const fn kind(self) -> ValueType {
        match self {
            Self::Found => ValueType::Any,
            Self::Bool => ValueType::Bool,
            Self::Int => ValueType::Int,
            Self::Ip => ValueType::Addr,
            Self::Word(_) | Self::Length | Self::Expression => ValueType::Str,
            Self::Bytes => ValueType::Bin,
        }
    }

    /// Whether values of this type can be compared so.
    const fn fits(self, kind: ValueType) -> bool {
        kind.casts_to(self.kind())
    }

    const fn takes_values(self) -> bool {
        !matches!(self, Self::Found | Self::Bool)
    }
}

/// A word with a method in its name.
pub(super) struct DerivedWord {
    pub(super) name: &'static str,
    /// The word of the fetch.
    fetch: &'static str,
    method: MatchMethod,
    /// It with `-m`.
    pub(super) same: &'static str,
}

/// Every word with a method in its name.
pub(super) const DERIVED: &[DerivedWord] = &[
    DerivedWord {
        name: "ssl_fc_sni_end",
        fetch: "ssl_fc_sni",
        method: MatchMethod::Word(Position::End),
        same: "ssl_fc_sni -m end",
    },
    DerivedWord {
        name: "ssl_fc_sni_reg",
        fetch: "ssl_fc_sni",
        method: MatchMethod::Expression,
        same: "ssl_fc_sni -m reg",
    },
];

/// The values that a truth may be compared with.
const YES: [&str; 2] = ["1", "true"];

/// A criterion that was read.
pub(super) struct Criterion<'a> {
    pub(super) test: Test,
    /// The word of its expression.
    pub(super) word: Cow<'a, Token>,
}

impl<'a> Criterion<'a> {
    /// Reads all that is left of a line.
    pub(super) fn parse(line: &mut Line<'a>, context: Context<'_>) -> Result<Self, LineFault> {
        let word = line.expression()?;
        let derived = DERIVED.iter().find(|derived| word.is(derived.name));
        let expression = match derived {
            None => written::expression(&word, context)?,
            Some(derived) => {
                let fetch = derived.fetch.as_bytes().to_vec();
                written::expression(&Token { word: fetch, ..Token::clone(&word) }, context)?
            }
        };
        let derived = derived.map(|derived| derived.method);
        let options = CriterionFlags::parse(line, &word, &expression, derived)?;
        let values = Values::load(line.rest(), &options, context)?;
        let mut superfluous = values.line.words().iter();
        // That a truth is to be so says nothing more.
        let is_yes = |value: &Token| YES.iter().any(|yes| value.is(yes));
        let says_more = |value: &&Token| options.method != MatchMethod::Bool || !is_yes(value);
        if let (false, Some(value)) = (options.method.takes_values(), superfluous.find(says_more)) {
            let problem = format!("{} has nothing to be compared with here", named(&word.word));
            let expected = match options.method {
                MatchMethod::Bool => "no value, or `!` in front where it is to be no",
                _ => "no value",
            };
            return Err(LineFault::new(value.span.clone(), problem, expected));
        }
        if options.method.takes_values() && values.line.peek().is_none() && values.files.is_empty()
        {
            // Nothing is left, so this is a fault, placed at the end of the line.
            line.next(&format!("what {} has to be", named(&word.word)))?;
        }
        let matcher = values.matcher(&options)?;
        Ok(Self { test: Test { expression, matcher }, word })
    }
}

/// The flags of a criterion.
struct CriterionFlags<'a> {
    method: MatchMethod,
    case: Case,
    form: NumberForm,
    files: Vec<&'a Token>,
    are_maps: bool,
}

impl<'a> CriterionFlags<'a> {
    fn parse(
        line: &mut Line<'a>,
        word: &Token,
        expression: &Expression,
        derived: Option<MatchMethod>,
    ) -> Result<Self, LineFault> {
        let kind = expression.kind;
        let (mut method, mut files, mut are_maps) = (None, Vec::new(), false);
        let mut case = Case::Exact;
        let is_flag = |token: &Token| !token.quoted && token.word.first() == Some(&b'-');
        while let Some(flag) = line.next_if(is_flag) {
            match &*flag.word {
                b"-i" => case = Case::Ignored,
                b"-f" => files.push(line.next("the name of a file")?),
                b"-M" => are_maps = true,
                b"-n" => {}
                b"-m" => method = Some(self::method(line.next("how to compare")?, kind)?),
                b"--" => break,
                _ => return Err(unknown_flag(flag)),
            }
        }
        let form = match &expression.fetch {
            Fetch::Word(word, _) if word.name == HELLO_VERSION && method.is_none() => {
                NumberForm::Dotted
            }
            _ => NumberForm::Plain,
        };
        let default = || derived.or_else(|| MatchMethod::default_for(kind));
        let method = method.or_else(default).ok_or_else(|| {
            let problem = format!("{} can be compared in several ways", named(&word.word));
            LineFault::new(word.span.clone(), problem, format!("`-m` and one of {}", fitting(kind)))
        })?;
        Ok(Self { method, case, form, files, are_maps })
    }
}

/// The names of the methods by which a value of this type can be compared.
fn fitting(kind: ValueType) -> String {
    let names = METHODS.iter().filter(|word| word.method.fits(kind)).map(|word| word.name);
    names.collect::<Vec<_>>().join(", ")
}

fn method(token: &Token, kind: ValueType) -> Result<MatchMethod, LineFault> {
    let Some(word) = METHODS.iter().find(|word| token.is(word.name)) else {
        let problem = format!("{} is no way to compare", named(&token.word));
        let known = METHODS.iter().map(|word| word.name);
        return Err(LineFault::new(token.span.clone(), problem, fitting(kind))
            .near(suggest(token.text().unwrap_or_default(), known)));
    };
    if !word.method.fits(kind) {
        let problem = format!("`-m {}` does not compare values of type {}", word.name, kind.name());
        return Err(LineFault::new(token.span.clone(), problem, fitting(kind)));
    }
    Ok(word.method)
}

fn unknown_flag(flag: &Token) -> LineFault {
    let problem = format!("{} is no flag", named(&flag.word));
    if flag.is("-u") {
        let advice = "lists have no number, since nothing changes them but a reload";
        return LineFault::advising(flag.span.clone(), problem, advice);
    }
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
    is_map: bool,
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
        context: Context<'_>,
    ) -> Result<Self, LineFault> {
        let mut files = Vec::new();
        for token in &options.files {
            let name = token.text().unwrap_or_default().to_owned();
            let content = (context.load)(&name).map_err(|why| {
                let problem = format!("{} cannot be read: {}", named(&token.word), printable(&why));
                LineFault::new(token.span.clone(), problem, "a file of values")
            })?;
            files.push(File { token, name, content, is_map: options.are_maps });
        }
        Ok(Self { line, files })
    }

    fn matcher(&self, options: &CriterionFlags<'_>) -> Result<Matcher, LineFault> {
        Ok(match options.method {
            MatchMethod::Found => Matcher::Found,
            MatchMethod::Bool => Matcher::Yes,
            MatchMethod::Int => Matcher::Numbers(Ranges::new(self.numbers(options.form)?)),
            MatchMethod::Length => Matcher::Lengths(Ranges::new(self.numbers(NumberForm::Plain)?)),
            MatchMethod::Ip => Matcher::Networks(Networks::new(&self.each(network)?)),
            MatchMethod::Word(position) => {
                let words = self.each(|word| Ok(word.to_vec()))?;
                Matcher::Words(Words::new(position, options.case, words))
            }
            MatchMethod::Bytes => {
                Matcher::Bytes(Words::new(Position::Whole, Case::Exact, self.each(bytes)?))
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
                let Some(value) = value_of(line, file.is_map) else { continue };
                let read = read(&line[value.start..value.end]);
                let wrong = |wrong: Wrong| wrong.of(file, number, &line[..value.end], value.start);
                all.push(read.map_err(wrong)?);
            }
        }
        Ok(())
    }

    /// Numbers, with comparisons in front of them that count up to the next one.
    fn numbers(&self, form: NumberForm) -> Result<Vec<RangeInclusive<i64>>, LineFault> {
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
                    let read = numbers(&token.word, comparison, form);
                    all.push(read.map_err(|wrong| wrong.at(token))?);
                }
            }
        }
        let in_file = |wrong: Wrong| match form {
            NumberForm::Plain => Wrong {
                expected: "a number in decimal, or a range such as `1:10` or `10:`; a file has no \
                           comparisons",
                ..wrong
            },
            NumberForm::Dotted => wrong,
        };
        let read = |word: &[u8]| numbers(word, Comparison::Equal, form).map_err(in_file);
        self.each_of_files(&mut all, read)?;
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
/// the first column. In a map it ends with the first word.
fn value_of(line: &[u8], is_map: bool) -> Option<Range<usize>> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let start = line.len() - line.trim_ascii_start().len();
    if start == line.len() || line.first() == Some(&b'#') {
        return None;
    }
    let word = line[start..].iter().position(u8::is_ascii_whitespace);
    let end = word.filter(|_| is_map).map_or(line.len(), |length| start + length);
    Some(start..end)
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

fn bytes(word: &[u8]) -> Result<Vec<u8>, Wrong> {
    pattern::hex(word.trim_ascii_end()).ok_or_else(|| Wrong {
        problem: format!("{} is not bytes", named(word)),
        expected: "pairs of hexadecimal digits",
    })
}

fn numbers(
    word: &[u8],
    comparison: Comparison,
    form: NumberForm,
) -> Result<RangeInclusive<i64>, Wrong> {
    comparison.numbers(text(word), form).ok_or_else(|| Wrong {
        problem: match comparison {
            Comparison::Equal => format!("{} is neither a number nor a range", named(word)),
            _ => format!("no number is `{}` {}", comparison.name(), named(word)),
        },
        expected: match form {
            NumberForm::Plain => {
                "a number in decimal, a range such as `1:10` or `10:`, or one of eq, ge, gt, le, lt \
                 in front of a number"
            }
            NumberForm::Dotted => "a version such as `3.3`, which is that of TLS 1.2, or a range",
        },
    })
}

fn expression(word: &[u8], case: Case) -> Result<regex::bytes::Regex, Wrong> {
    let wrong = |why: &str| Wrong {
        problem: format!("{} is no regular expression: {why}", named(word)),
        expected: "an expression in the syntax of the Rust crate `regex`",
    };
    let text = std::str::from_utf8(word).map_err(|_| wrong("it is no UTF-8"))?;
    pattern::expression(text, case).map_err(|why| wrong(&printable(&pattern::short_reason(&why))))
}
