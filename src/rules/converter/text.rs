//! Converters of text.

use std::borrow::Cow;
use std::ops::Range;

use super::word::converters;
use crate::rules::param::{PLACE, ParamKind, optional, param};
use crate::rules::pattern;
use crate::rules::value::{MADE_MAX, Value, ValueType};
use crate::rules::variable;

/// A number of bytes.
const COUNT: ParamKind = ParamKind::Number(0, i64::MAX);

converters! {
    "lower" []: Str -> Str, |value, _, _| Some(cased(value, u8::is_ascii_uppercase, |text| text.make_ascii_lowercase())),
        "letters of ASCII in lower case", "";
    "upper" []: Str -> Str, |value, _, _| Some(cased(value, u8::is_ascii_lowercase, |text| text.make_ascii_uppercase())),
        "letters of ASCII in upper case", "";
    "length" []: Str -> Int, |value, _, _| Some(Value::count(value.into_text().len() as u64)), "the number of bytes", "";
    "field" [param("index", ParamKind::Index), param("delimiters", ParamKind::Bytes), optional("count", PLACE)]: Str -> Str,
        |value, arguments, _| {
            let text = value.into_text();
            let found = field(&text, arguments.number(0)?, arguments.text(1), count(arguments.number(2)))?;
            Some(Value::Str(part(text, found)))
        },
        "the part at an index, from 1, or from the end by negative numbers, of those between delimiters, each of \
         which is a byte; with `count`, so many parts and what is between them, 0 for all that follow", "";
    "word" [param("index", ParamKind::Index), param("delimiters", ParamKind::Bytes), optional("count", PLACE)]: Str -> Str,
        |value, arguments, _| {
            let text = value.into_text();
            let found = word(&text, arguments.number(0)?, arguments.text(1), count(arguments.number(2)));
            Some(Value::Str(part(text, found.unwrap_or(0..0))))
        },
        "as `field`, with delimiters side by side taken as one; empty where there is no such part", "";
    "bytes" [param("offset", COUNT), optional("length", COUNT)]: Bin -> Bin,
        |value, arguments, _| {
            let bytes = value.into_text();
            let start = arguments.place(0).min(bytes.len());
            let end = match arguments.number(1) {
                None => bytes.len(),
                Some(_) => start.saturating_add(arguments.place(1)).min(bytes.len()),
            };
            Some(Value::Bin(part(bytes, start..end)))
        },
        "the bytes from an offset, as many as there are of `length`", "";
    "concat" [optional("start", ParamKind::Text), optional("variable", ParamKind::Variable), optional("end", ParamKind::Text)]: Str -> Str,
        |value, arguments, context| {
            let held = arguments.variable(1).and_then(|name| variable::read(context, name));
            let held = held.and_then(|held| held.cast(ValueType::Str)).map(Value::into_text);
            let parts = [&*value.into_text(), arguments.text(0), held.as_deref().unwrap_or_default(), arguments.text(2)];
            bounded(parts.concat())
        },
        "the value, `start`, the value of the variable and `end`, one behind the other", "";
    "strcmp" [param("variable", ParamKind::Variable)]: Str -> Int,
        |value, arguments, context| {
            let held = variable::read(context, arguments.name(0))?.cast(ValueType::Str)?.into_text();
            let text = value.into_text();
            let mut pairs = text.iter().zip(&*held).map(|(one, other)| i64::from(*one) - i64::from(*other));
            let length = text.len().cmp(&held.len()) as i64;
            Some(Value::Int(pairs.find(|difference| *difference != 0).unwrap_or(length)))
        },
        "0 where the value is that of the variable; negative where it sorts in front, positive where behind", "";
    "regsub" [param("expression", ParamKind::Expression), param("substitute", ParamKind::Text), optional("flags", ParamKind::Flags)]: Str -> Str,
        |value, arguments, _| {
            let text = value.into_text();
            let most = if arguments.text(2).contains(&b'g') { usize::MAX } else { 1 };
            substituted(&text, arguments.expression(0)?, arguments.text(1), most)
        },
        "the first match of the expression, or each with the flag `g`, gives way to the substitute, in which `\\0` \
         is the match, `\\1` to `\\9` are groups, and `\\xHH` is a byte; letters match in either case with `i`", "";
    "ltrim" [optional("bytes", ParamKind::Text)]: Str -> Str,
        |value, arguments, _| {
            let text = value.into_text();
            let start = text.iter().position(|byte| !arguments.text(0).contains(byte)).unwrap_or(text.len());
            let end = text.len();
            Some(Value::Str(part(text, start..end)))
        },
        "without these bytes at the beginning", "";
    "rtrim" [optional("bytes", ParamKind::Text)]: Str -> Str,
        |value, arguments, _| {
            let text = value.into_text();
            let end = text.iter().rposition(|byte| !arguments.text(0).contains(byte)).map_or(0, |last| last + 1);
            Some(Value::Str(part(text, 0..end)))
        },
        "without these bytes at the end", "";
    "iif" [param("yes", ParamKind::Text), param("no", ParamKind::Text)]: Bool -> Str,
        |value, arguments, _| Some(Value::str(arguments.text(usize::from(value == Value::Bool(false))))),
        "`yes` where the value is true, else `no`", "";
}

fn count(given: Option<i64>) -> usize {
    // One part where none is said; all of them for 0.
    match given {
        None => 1,
        Some(0) => usize::MAX,
        Some(count) => usize::try_from(count).unwrap_or(1),
    }
}

/// A part of bytes, which stay borrowed if they were.
fn part(bytes: Cow<'_, [u8]>, range: Range<usize>) -> Cow<'_, [u8]> {
    match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[range]),
        Cow::Owned(mut bytes) => {
            bytes.truncate(range.end);
            bytes.drain(..range.start);
            Cow::Owned(bytes)
        }
    }
}

fn cased<'s>(value: Value<'s>, other: fn(&u8) -> bool, change: fn(&mut [u8])) -> Value<'s> {
    let text = value.into_text();
    if !text.iter().any(other) {
        return Value::Str(text);
    }
    let mut text = text.into_owned();
    change(&mut text);
    Value::Str(Cow::Owned(text))
}

fn bounded<'s>(text: Vec<u8>) -> Option<Value<'s>> {
    (text.len() <= MADE_MAX).then_some(Value::Str(Cow::Owned(text)))
}

/// The ranges between delimiters.
fn fields<'t>(
    text: &'t [u8],
    delimiters: &'t [u8],
) -> impl Iterator<Item = Range<usize>> + Clone + 't {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let length = text[start..].iter().position(|byte| delimiters.contains(byte));
        next = length.map(|length| start + length + 1);
        Some(start..length.map_or(text.len(), |length| start + length))
    })
}

fn field(text: &[u8], index: i64, delimiters: &[u8], count: usize) -> Option<Range<usize>> {
    chosen(fields(text, delimiters), index, count)
}

fn word(text: &[u8], index: i64, delimiters: &[u8], count: usize) -> Option<Range<usize>> {
    chosen(fields(text, delimiters).filter(|range| !range.is_empty()), index, count)
}

/// From the part at `index` on, `count` parts: from a negative index on towards the beginning.
fn chosen(
    parts: impl Iterator<Item = Range<usize>> + Clone,
    index: i64,
    count: usize,
) -> Option<Range<usize>> {
    let place = usize::try_from(index.unsigned_abs()).ok()?.checked_sub(1)?;
    let (first, count) = if index > 0 {
        (place, count)
    } else {
        // As many parts as there are up to the last one that is meant, which is counted from the end.
        let up_to = parts.clone().count().checked_sub(place)?;
        (up_to.saturating_sub(count), count.min(up_to))
    };
    let mut chosen = parts.skip(first).take(count);
    let first = chosen.next()?;
    let end = chosen.last().map_or(first.end, |last| last.end);
    Some(first.start..end)
}

fn substituted<'s>(
    text: &[u8],
    expression: &regex::bytes::Regex,
    substitute: &[u8],
    most: usize,
) -> Option<Value<'s>> {
    let mut out = Vec::new();
    let mut rest = 0;
    for found in expression.captures_iter(text).take(most) {
        let whole = found.get(0)?;
        out.extend_from_slice(&text[rest..whole.start()]);
        let mut bytes = substitute.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            match bytes.peek() {
                Some(digit) if byte == b'\\' && digit.is_ascii_digit() => {
                    let group = usize::from(digit - b'0');
                    bytes.next();
                    out.extend_from_slice(found.get(group).map_or(&[], |group| group.as_bytes()));
                }
                Some(b'x') if byte == b'\\' => {
                    bytes.next();
                    let rest: Vec<u8> = bytes.clone().take(2).collect();
                    let written = pattern::hex(&rest).filter(|written| written.len() == 1);
                    match written {
                        Some(written) => {
                            out.extend(written);
                            bytes.nth(1);
                        }
                        None => out.push(b'x'),
                    }
                }
                Some(escaped) if byte == b'\\' => {
                    out.push(*escaped);
                    bytes.next();
                }
                _ => out.push(byte),
            }
        }
        rest = whole.end();
        if out.len() > MADE_MAX {
            return None;
        }
    }
    out.extend_from_slice(&text[rest..]);
    bounded(out)
}
