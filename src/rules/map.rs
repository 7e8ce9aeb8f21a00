//! Maps: files of keys and values, in which converters look a value up.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use ipnet::IpNet;
use regex::bytes::Regex;

use super::error::{Elsewhere, LineFault, named, printable};
use super::loader::Loader;
use super::matcher::numbered;
use super::pattern::{self, Case, Comparison, NumberForm};
use super::segments::{Segments, unsigned};
use super::value::{Value, ValueType};
use super::word_set::{NAME_DELIMITERS, PATH_DELIMITERS, Position, Words};

/// How a value is compared with the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyMatch {
    /// It is the key; of several that are the same, the first counts.
    Whole,
    /// It begins with the key; the longest counts.
    Begin,
    /// Where the key has to be in it; the first that is there counts.
    At(Position),
    /// The key is an expression that finds a match; the first counts.
    Expression,
    /// The key is a number or a range of numbers; the first counts.
    Number,
    /// The key is an address or a network; the smallest counts.
    Address,
}

impl KeyMatch {
    pub(super) const END: Self = Self::At(Position::End);
    pub(super) const INSIDE: Self = Self::At(Position::Inside);
    pub(super) const DIRECTORY: Self = Self::At(Position::Between(PATH_DELIMITERS));
    pub(super) const DOMAIN: Self = Self::At(Position::Between(NAME_DELIMITERS));
}

/// The kind of a map: how keys are compared, and the type of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MapKind {
    pub(super) keys: KeyMatch,
    pub(super) values: ValueType,
}

/// A map that was read.
#[derive(Debug)]
pub(super) struct Map {
    keys: MapKeys,
    values: Vec<Value<'static>>,
}

/// The keys, by which the place of a value is found.
#[derive(Debug)]
enum MapKeys {
    Whole(HashMap<Box<[u8]>, usize>),
    /// With the lengths of keys, the longest first.
    Begin(Vec<usize>, HashMap<Box<[u8]>, usize>),
    Words(Vec<Words>),
    Expressions(Vec<Regex>),
    Numbers(Segments),
    /// Of IPv4 and of IPv6.
    Addresses(Box<[Segments<NetworkRank>; 2]>),
}

/// A line of a file: its number, and its parts.
struct MapLine<'a> {
    line: u32,
    text: &'a [u8],
    key: &'a [u8],
    value: &'a [u8],
}

impl Map {
    /// Reads a file.
    pub(super) fn load(
        kind: MapKind,
        name: &str,
        span: &Range<usize>,
        load: &Loader<'_>,
    ) -> Result<Arc<Self>, LineFault> {
        let content = load(name).map_err(|why| {
            let problem = format!("{} cannot be read: {}", named(name.as_bytes()), printable(&why));
            LineFault::new(span.clone(), problem, "a file of keys and values")
        })?;
        let entries: Vec<MapLine<'_>> = entries(&content).collect();
        let fault = |entry: &MapLine<'_>, part: &[u8], problem: &str, expected: &str| {
            let start = part.as_ptr().addr() - entry.text.as_ptr().addr();
            let elsewhere = Elsewhere {
                file: name.to_owned(),
                line: entry.line,
                start,
                source: String::from_utf8_lossy(entry.text).into_owned(),
            };
            let fault = LineFault::new(span.clone(), problem, expected);
            LineFault { elsewhere: Some(Box::new(elsewhere)), ..fault }
        };
        let value = |entry: &MapLine<'_>| {
            value_of(kind.values, entry.value).ok_or_else(|| {
                let problem = format!("{} is no value of this map", named(entry.value));
                fault(entry, entry.value, &problem, type_of(kind.values))
            })
        };
        let values: Result<Vec<_>, _> = entries.iter().map(value).collect();
        let keys = MapKeys::read(kind.keys, &entries).map_err(|(entry, expected)| {
            let problem = format!("{} is no key of this map", named(entry.key));
            fault(entry, entry.key, &problem, expected)
        })?;
        Ok(Arc::new(Self { keys, values: values? }))
    }

    /// The value of the key that fits, as long as the map is borrowed.
    pub(super) fn look_up(&self, value: &Value<'_>) -> Option<Value<'_>> {
        let at = match value {
            Value::Str(text) => self.keys.of_text(text),
            Value::Int(number) => self.keys.of_number(*number),
            Value::Addr(address) => self.keys.of_address(*address),
            Value::Bool(_) | Value::Bin(_) => None,
        };
        Some(self.values.get(at?)?.borrowed())
    }
}

/// The value of this type that is written so.
pub(super) fn value_of(kind: ValueType, text: &[u8]) -> Option<Value<'static>> {
    match kind {
        // Nothing at all is 0.
        ValueType::Int if text.is_empty() => Some(Value::Int(0)),
        ValueType::Int => pattern::saturated(std::str::from_utf8(text).ok()?).map(Value::Int),
        kind => Value::str(text).cast(kind).map(Value::into_owned),
    }
}

const fn type_of(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Int => "a number",
        ValueType::Addr => "an address",
        _ => "a text",
    }
}

/// Lines with a key, but for comments and empty ones.
fn entries(content: &[u8]) -> impl Iterator<Item = MapLine<'_>> {
    (1..).zip(content.split(|byte| *byte == b'\n')).filter_map(|(line, text)| {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let rest = text.trim_ascii();
        if rest.is_empty() || text.first() == Some(&b'#') {
            return None;
        }
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        let (key, value) = rest.split_at(end);
        Some(MapLine { line, text, key, value: value.trim_ascii_start() })
    })
}

impl MapKeys {
    /// The keys of `entries`, or the one that is none, and what it has to be.
    fn read<'e, 'a>(
        keys: KeyMatch,
        entries: &'e [MapLine<'a>],
    ) -> Result<Self, (&'e MapLine<'a>, &'static str)> {
        match keys {
            KeyMatch::Whole => Ok(Self::Whole(by_key(entries))),
            KeyMatch::Begin => {
                let mut lengths: Vec<usize> = entries.iter().map(|entry| entry.key.len()).collect();
                lengths.sort_unstable_by(|a, b| b.cmp(a));
                lengths.dedup();
                Ok(Self::Begin(lengths, by_key(entries)))
            }
            KeyMatch::At(position) => {
                let words = |entry: &MapLine<'_>| {
                    Words::new(position, Case::Exact, vec![entry.key.to_vec()])
                };
                Ok(Self::Words(entries.iter().map(words).collect()))
            }
            KeyMatch::Expression => {
                let expression = |entry: &'e MapLine<'a>| {
                    let text = std::str::from_utf8(entry.key).ok();
                    text.and_then(|text| pattern::expression(text, Case::Exact).ok())
                        .ok_or((entry, "an expression in the syntax of the Rust crate `regex`"))
                };
                entries.iter().map(expression).collect::<Result<_, _>>().map(Self::Expressions)
            }
            KeyMatch::Number => {
                let range = |(rank, entry): (usize, &'e MapLine<'a>)| {
                    let text = std::str::from_utf8(entry.key).unwrap_or_default();
                    let numbers = Comparison::Equal.numbers(text, NumberForm::Plain);
                    let numbers = numbers.ok_or((entry, "a number, or a range such as `1:10`"))?;
                    Ok((unsigned(*numbers.start())..=unsigned(*numbers.end()), rank))
                };
                let ranges: Result<Vec<_>, _> = entries.iter().enumerate().map(range).collect();
                Ok(Self::Numbers(Segments::new(ranges?)))
            }
            KeyMatch::Address => {
                let network = |entry: &'e MapLine<'a>| {
                    let text = std::str::from_utf8(entry.key).unwrap_or_default();
                    pattern::network(text).ok_or((entry, "an address or a network"))
                };
                let networks: Result<Vec<IpNet>, _> = entries.iter().map(network).collect();
                Ok(Self::Addresses(Box::new(by_network(&networks?))))
            }
        }
    }

    fn of_text(&self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Whole(keys) => keys.get(text).copied(),
            Self::Begin(lengths, keys) => {
                let mut starts = lengths.iter().filter_map(|length| text.get(..*length));
                starts.find_map(|start| keys.get(start).copied())
            }
            Self::Words(keys) => keys.iter().position(|words| words.are_in(text)),
            Self::Expressions(keys) => keys.iter().position(|key| key.is_match(text)),
            Self::Numbers(_) | Self::Addresses(_) => None,
        }
    }

    fn of_number(&self, number: i64) -> Option<usize> {
        match self {
            Self::Numbers(ranges) => ranges.rank(unsigned(number)),
            _ => None,
        }
    }

    fn of_address(&self, address: IpAddr) -> Option<usize> {
        match self {
            Self::Addresses(families) => {
                let (family, number) = numbered(address);
                families[family].rank(number).map(|(_, place)| place)
            }
            _ => None,
        }
    }
}

/// The place of each key; of those that are the same, the first.
fn by_key(entries: &[MapLine<'_>]) -> HashMap<Box<[u8]>, usize> {
    entries.iter().enumerate().rev().map(|(at, entry)| (entry.key.into(), at)).collect()
}

/// How many addresses a network has, as the bits behind its prefix, and its place in the file: the smallest
/// network counts, and of those that are alike the first.
type NetworkRank = (u8, usize);

fn by_network(networks: &[IpNet]) -> [Segments<NetworkRank>; 2] {
    let ranked = |family: usize| {
        let ranges = networks.iter().enumerate().filter_map(move |(place, network)| {
            let ((of, start), (_, end)) =
                (numbered(network.network()), numbered(network.broadcast()));
            let bits = network.max_prefix_len() - network.prefix_len();
            (of == family).then_some((start..=end, (bits, place)))
        });
        Segments::new(ranges)
    };
    [ranked(0), ranked(1)]
}
