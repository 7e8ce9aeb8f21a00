//! The text that defines a table: what follows `stick-table` in a configuration.
//!
//! ```text
//! type ip|ipv6|integer|string [len N]|binary [len N]  size N[k|m|g]
//!     [expire TIME] [nopurge] [store DATUM[,DATUM]...]...
//! ```
//!
//! The words come in any order, except that `len` follows its type. A time is a number followed by `us`,
//! `ms`, `s`, `m`, `h` or `d`; a number alone is in milliseconds.

use std::fmt;

use super::{
    GPC_MAX, HTTP_NAMES, KEY_LEN_DEFAULT, KEY_LEN_MAX, SIZE_MAX, Stored, TableConfig, TableError,
    TableKeyKind,
};
use crate::time::{MILLISECOND, SECOND};

/// What is wrong with a definition, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionError {
    /// Where the word begins, in bytes from 1; one more than the length of the text if something is
    /// missing.
    pub column: usize,
    /// The word that is wrong; empty if something is missing.
    pub word: String,
    /// What is wrong with it.
    pub fault: DefinitionFault,
}

/// What is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefinitionFault {
    /// Something else belongs here; what.
    Expected(&'static str),
    /// A word that may occur once occurs again.
    Again,
    /// HAProxy has it and it is not supported here; what to do instead.
    Unsupported(&'static str),
    /// No table can have this definition.
    Table(TableError),
}

const WORDS: &str = "type, size, expire, nopurge or store";
const TYPES: &str = "ip, ipv6, integer, string or binary";
const SIZE: &str = "a number of entries, such as 100k, up to 2g";
const LEN: &str = "a number of bytes, 1 to 16384";
const TIME: &str = "a time, such as 30s or 10m, of at least a millisecond";
const PERIOD: &str = "a period in parentheses, such as (10s), of at least a millisecond";
const COUNT: &str = "a number of counters in parentheses, 1 to 100, such as gpc(2)";
const PLAIN: &str = "nothing in parentheses behind this name";
const DATA: &str = "server_id, gpt0, gpc0, gpc(N), gpc0_rate(T), conn_cnt, conn_rate(T), conn_cur, \
                    sess_cnt, sess_rate(T), bytes_in_cnt, bytes_in_rate(T), bytes_out_cnt or \
                    bytes_out_rate(T)";

const NO_PEERS: &str = "tables are not sent to other processes; share one between engines";
const NO_SERVER_KEY: &str = "a server is remembered by its place in its backend";
const USE_GPT0: &str = "there is one tag, gpt0";
const USE_GPC0_RATE: &str = "the first counter alone has a rate, gpc0_rate(T)";

/// A part of the text, and where it begins.
#[derive(Clone, Copy, Debug)]
struct Word<'a> {
    /// The offset in bytes, from 0.
    at: usize,
    text: &'a str,
}

impl<'a> Word<'a> {
    fn wrong(self, fault: DefinitionFault) -> DefinitionError {
        DefinitionError { column: self.at + 1, word: self.text.to_owned(), fault }
    }

    fn expected(self, what: &'static str) -> DefinitionError {
        self.wrong(DefinitionFault::Expected(what))
    }

    /// The parts between commas that stand in no parentheses.
    fn items(self) -> impl Iterator<Item = Self> {
        let mut at = self.at;
        let mut is_inside = false;
        let parts = self.text.split(move |c| {
            match c {
                '(' => is_inside = true,
                ')' => is_inside = false,
                _ => {}
            }
            c == ',' && !is_inside
        });
        parts.map(move |text| {
            let item = Word { at, text };
            at += text.len() + 1;
            item
        })
    }

    /// The name, and what follows it in parentheses.
    fn call(self) -> (&'a str, Option<&'a str>) {
        match self.text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((name, argument)) => (name, Some(argument)),
            None => (self.text, None),
        }
    }
}

/// The words of a text, one after the other, with a look at the next one.
struct WordCursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> WordCursor<'a> {
    fn peek(&self) -> Option<Word<'a>> {
        let rest = self.text.get(self.at..)?;
        let at = self.at + (rest.len() - rest.trim_start().len());
        let text = rest.split_whitespace().next()?;
        Some(Word { at, text })
    }

    fn next(&mut self) -> Option<Word<'a>> {
        let word = self.peek()?;
        self.at = word.at + word.text.len();
        Some(word)
    }

    /// The next word, which must be there.
    fn demand(&mut self, what: &'static str) -> Result<Word<'a>, DefinitionError> {
        self.next().ok_or(self.missing(what))
    }

    fn missing(&self, what: &'static str) -> DefinitionError {
        let column = self.text.len() + 1;
        DefinitionError { column, word: String::new(), fault: DefinitionFault::Expected(what) }
    }
}

impl TableConfig {
    /// Reads the definition of the table `name`.
    pub fn parse(name: &str, text: &str) -> Result<Self, DefinitionError> {
        let mut words = WordCursor { text, at: 0 };
        let (mut kind, mut size, mut expire, mut nopurge) = (None, None, None, None);
        let mut store: Vec<Stored> = Vec::new();
        while let Some(word) = words.next() {
            match word.text {
                "type" => once(&mut kind, word, key_kind(&mut words)?)?,
                "size" => {
                    let given = words.demand(SIZE)?;
                    let count = entries(given.text).ok_or_else(|| given.expected(SIZE))?;
                    once(&mut size, word, count)?;
                }
                "expire" => {
                    let given = words.demand(TIME)?;
                    let span = time(given.text).ok_or_else(|| given.expected(TIME))?;
                    once(&mut expire, word, span)?;
                }
                "nopurge" => once(&mut nopurge, word, ())?,
                "store" => {
                    for item in words.demand(DATA)?.items() {
                        add_stored(&mut store, item)?;
                    }
                }
                "srvkey" => {
                    return Err(word.wrong(DefinitionFault::Unsupported(NO_SERVER_KEY)));
                }
                "peers" | "write-to" | "recv-only" => {
                    return Err(word.wrong(DefinitionFault::Unsupported(NO_PEERS)));
                }
                _ => return Err(word.expected(WORDS)),
            }
        }
        Ok(Self {
            name: name.to_owned(),
            kind: kind.ok_or_else(|| words.missing("type, and what the keys are"))?,
            size: size.ok_or_else(|| words.missing("size, and how many entries at most"))?,
            expire,
            nopurge: nopurge.is_some(),
            store,
        })
    }
}

fn once<T>(place: &mut Option<T>, word: Word<'_>, value: T) -> Result<(), DefinitionError> {
    if place.is_some() {
        return Err(word.wrong(DefinitionFault::Again));
    }
    *place = Some(value);
    Ok(())
}

fn key_kind(words: &mut WordCursor<'_>) -> Result<TableKeyKind, DefinitionError> {
    let word = words.demand(TYPES)?;
    Ok(match word.text {
        "ip" => TableKeyKind::Ip,
        "ipv6" => TableKeyKind::Ipv6,
        "integer" => TableKeyKind::Integer,
        "string" => TableKeyKind::String { len: key_len(words)? },
        "binary" => TableKeyKind::Binary { len: key_len(words)? },
        _ => return Err(word.expected(TYPES)),
    })
}

fn key_len(words: &mut WordCursor<'_>) -> Result<usize, DefinitionError> {
    if words.peek().is_none_or(|word| word.text != "len") {
        return Ok(KEY_LEN_DEFAULT);
    }
    words.next();
    let word = words.demand(LEN)?;
    let len = number(word.text).and_then(|len| usize::try_from(len).ok());
    len.filter(|len| (1..=KEY_LEN_MAX).contains(len)).ok_or_else(|| word.expected(LEN))
}

fn add_stored(store: &mut Vec<Stored>, item: Word<'_>) -> Result<(), DefinitionError> {
    let stored = stored(item)?;
    let held = store.iter_mut().find(|held| held.data() == stored.data());
    match (held, stored) {
        (None, _) => store.push(stored),
        // The counters are one array: what is named of it is the most of its length.
        (Some(Stored::Gpc(held)), Stored::Gpc(count)) if *held != count => {
            *held = count.max(*held);
        }
        _ => return Err(item.wrong(DefinitionFault::Table(TableError::Twice(stored.data())))),
    }
    Ok(())
}

fn stored(item: Word<'_>) -> Result<Stored, DefinitionError> {
    let (name, argument) = item.call();
    let plain = |stored| match argument {
        None => Ok(stored),
        Some(_) => Err(item.expected(PLAIN)),
    };
    let rate = |stored: fn(u64) -> Stored| {
        argument.and_then(time).map(stored).ok_or_else(|| item.expected(PERIOD))
    };
    let unsupported = |instead| Err(item.wrong(DefinitionFault::Unsupported(instead)));
    match name {
        "server_id" => plain(Stored::ServerId),
        "gpt0" => plain(Stored::Gpt0),
        "gpc0" => plain(Stored::Gpc(1)),
        "gpc" => {
            let count = argument.and_then(number).and_then(|count| u8::try_from(count).ok());
            let count = count.filter(|count| (1..=GPC_MAX).contains(count));
            count.map(Stored::Gpc).ok_or_else(|| item.expected(COUNT))
        }
        "gpc0_rate" => rate(Stored::Gpc0Rate),
        "conn_cnt" => plain(Stored::ConnCnt),
        "conn_rate" => rate(Stored::ConnRate),
        "conn_cur" => plain(Stored::ConnCur),
        "sess_cnt" => plain(Stored::SessCnt),
        "sess_rate" => rate(Stored::SessRate),
        "bytes_in_cnt" => plain(Stored::BytesInCnt),
        "bytes_in_rate" => rate(Stored::BytesInRate),
        "bytes_out_cnt" => plain(Stored::BytesOutCnt),
        "bytes_out_rate" => rate(Stored::BytesOutRate),
        "gpc1" => plain(Stored::Gpc(2)),
        "gpc1_rate" | "gpc_rate" => unsupported(USE_GPC0_RATE),
        "gpt" => unsupported(USE_GPT0),
        _ => match HTTP_NAMES.iter().position(|known| *known == name) {
            None => Err(item.expected(DATA)),
            Some(which) if name.ends_with("_cnt") => plain(Stored::Http(which as u8)),
            Some(which) => {
                let period = argument.and_then(time).ok_or_else(|| item.expected(PERIOD));
                period.map(|_| Stored::Http(which as u8))
            }
        },
    }
}

/// Digits alone: no sign, no space.
fn number(text: &str) -> Option<u64> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits { text.parse().ok() } else { None }
}

/// A number and the unit that follows it.
fn measured(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    Some((number(digits)?, unit))
}

/// A count, with `k`, `m` or `g` behind it or none.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (count, unit) = measured(text)?;
    let shift = match unit {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        _ => return None,
    };
    count.checked_mul(1 << shift)
}

fn entries(text: &str) -> Option<usize> {
    let count = usize::try_from(size(text)?).ok()?;
    (1..=SIZE_MAX).contains(&count).then_some(count)
}

/// A time in nanoseconds; at least a millisecond.
pub(crate) fn time(text: &str) -> Option<u64> {
    let (count, unit) = measured(text)?;
    let unit = match unit {
        "us" => MILLISECOND / 1_000,
        "" | "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3_600 * SECOND,
        "d" => 86_400 * SECOND,
        _ => return None,
    };
    count.checked_mul(unit).filter(|span| *span >= MILLISECOND)
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}", self.column)?;
        if !self.word.is_empty() {
            write!(f, ", {:?}", self.word)?;
        }
        match &self.fault {
            DefinitionFault::Expected(what) => write!(f, ": expected {what}"),
            DefinitionFault::Again => f.write_str(": it was said before"),
            DefinitionFault::Unsupported(instead) => write!(f, ": not supported; {instead}"),
            DefinitionFault::Table(error) => write!(f, ": {error}"),
        }
    }
}

impl std::error::Error for DefinitionError {}
