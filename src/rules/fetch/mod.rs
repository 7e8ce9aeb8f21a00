//! Fetches: what can be asked for. Each is a row of a table: its name, its parameters, the type of its
//! value, where it is known, and the function that reads it.

mod addresses;
mod bytes;
mod constants;
mod counters;
mod hello;
mod load;
mod server;
mod tcp;
mod tls;
mod word;

#[cfg(test)]
pub(super) use counters::Counter;
pub(super) use counters::{ARRAYS, COUNTERS, CounterArray, CounterFetch, OWNERS, STATEFUL};
pub(super) use hello::HELLO_VERSION;
pub(super) use word::FetchWord;

use super::absent_words;
use super::argument_reader::{Context, Written};
use super::arguments::Arguments;
use super::context::{EvalContext, Sample};
use super::converter;
use super::error::{LineFault, named};
use super::param::ParamKind;
use super::place::{Needs, Places};
use super::suggest::suggest;
use super::value::{Value, ValueType};
use crate::wire::client_hello;

/// Every fetch but those of counters, in groups.
const GROUPS: [&[FetchWord]; 8] = [
    addresses::WORDS,
    tcp::WORDS,
    bytes::WORDS,
    hello::WORDS,
    tls::WORDS,
    server::WORDS,
    load::WORDS,
    constants::WORDS,
];

/// Every fetch but those of counters.
pub(super) fn fetch_words() -> impl Iterator<Item = &'static FetchWord> {
    GROUPS.into_iter().flatten()
}

/// A fetch that was read from text.
#[derive(Clone, Debug)]
pub(super) enum Fetch {
    Word(&'static FetchWord, Arguments),
    Counter(CounterFetch),
}

impl Fetch {
    /// Reads a word with its arguments.
    pub(super) fn parse(written: &Written<'_>, context: Context<'_>) -> Result<Self, LineFault> {
        let name = written.word;
        let is_called = |word: &&FetchWord| word.name == name || word.also.contains(&name);
        if let Some(word) = fetch_words().find(is_called) {
            return Ok(Self::Word(word, written.read(word.params, context)?));
        }
        match CounterFetch::parse(written, context) {
            Some(counter) => counter.map(Self::Counter),
            None => Err(unknown(written)),
        }
    }

    /// Its word.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Word(word, _) => word.name.to_owned(),
            Self::Counter(counter) => counter.name(),
        }
    }

    pub(super) const fn kind(&self) -> ValueType {
        match self {
            Self::Word(word, _) => word.kind,
            Self::Counter(counter) => counter.kind(),
        }
    }

    pub(super) const fn places(&self) -> Places {
        match self {
            Self::Word(word, _) => word.seen,
            Self::Counter(_) => Places::EVERYWHERE,
        }
    }

    pub(super) const fn needs(&self) -> Needs {
        match self {
            Self::Word(word, _) => word.needs,
            Self::Counter(_) => Needs::Nothing,
        }
    }

    pub(super) fn read<'s>(&'s self, context: &'s EvalContext<'_>) -> Sample<'s> {
        match self {
            Self::Word(word, arguments) => (word.read)(context, arguments),
            Self::Counter(counter) => Sample::settled(counter.value(context)),
        }
    }

    /// The values after the first: a ClientHello names several protocols.
    pub(super) fn further<'s>(
        &self,
        context: &'s EvalContext<'_>,
    ) -> impl Iterator<Item = Value<'s>> {
        let several = match self {
            Self::Word(word, _) if word.name == hello::PROTOCOLS => match context.hello() {
                client_hello::Parsed::Hello(hello) => Some(hello.alpn().skip(1)),
                client_hello::Parsed::NotTls | client_hello::Parsed::Partial => None,
            },
            _ => None,
        };
        several.into_iter().flatten().map(Value::str)
    }

    /// Whether two of them are the same word without arguments, of one value that asking does not
    /// change.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Word(word, _), Self::Word(another, _)) => {
                word.name == another.name && word.params.is_empty() && word.name != hello::PROTOCOLS
            }
            _ => false,
        }
    }

    /// The backend or the server that it is about.
    pub(super) fn mentions(&self) -> Option<Mention<'_>> {
        let Self::Word(word, arguments) = self else { return None };
        match word.params.first()?.kind {
            ParamKind::Backend => Some(Mention::Backend(arguments.name(0))),
            ParamKind::Server => Some(Mention::Server(arguments.name(0))),
            _ => None,
        }
    }
}

/// What a fetch names outside of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mention<'a> {
    Backend(&'a str),
    Server(&'a str),
}

/// Every spelling of every word.
pub(super) fn names() -> impl Iterator<Item = String> {
    let words = fetch_words().flat_map(|word| std::iter::once(&word.name).chain(word.also));
    words.map(|word| (*word).to_owned()).chain(counters::names())
}

fn unknown(written: &Written<'_>) -> LineFault {
    let name = written.word;
    if let Some(instead) = absent_words::absent_fetch(name) {
        let problem = format!("{} is known to HAProxy and not here", named(name.as_bytes()));
        return LineFault::advising(written.span.clone(), problem, instead);
    }
    if converter::all().any(|known| known.name == name) {
        let problem = format!("`{name}` converts a value, and none is in front of it");
        return written.fault(problem, format!("a word and a comma in front, as in `src,{name}`"));
    }
    let problem = format!("{} is nothing that can be asked for", named(name.as_bytes()));
    let names: Vec<String> = names().collect();
    written
        .fault(problem, "a word such as `src` (docs/rules.md lists them)")
        .near(suggest(name, names.iter().map(String::as_str)))
}
