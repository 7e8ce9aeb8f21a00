//! What stands in brackets behind a word: its arguments.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::Arc;

use regex::bytes::Regex;

use super::context::EvalContext;
use super::error::{LineFault, named, printable};
use super::loader::Loader;
use super::map::{self, Map, MapKind};
use super::mqtt_field::{MqttField, MqttPacketKind};
use super::pattern::{self, Case};
use super::progress::{SLOTS, TrackSlot};
use super::section::RuleSection;
use super::tables::{self, Tables};
use super::value::{Value, ValueType};
use super::variable;
use crate::table::{DataType, KeyForm, Table};

/// What an argument has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum ParamKind {
    /// A number within these.
    Number(i64, i64),
    /// A number of one byte, in decimal or in hexadecimal behind `0x`.
    Byte,
    /// A number, or a variable that holds one.
    Operand,
    /// Any bytes.
    Text,
    /// Bytes, at least one.
    Bytes,
    /// A place from 1, or from the end by a negative number.
    Index,
    /// Bytes in hexadecimal digits.
    Hex,
    /// An address of IPv4.
    Ipv4,
    /// An address of IPv6.
    Ipv6,
    /// Where the bytes of `payload_lv` begin, counted from the first one or, behind a sign, from those that tell
    /// their number.
    PayloadStart,
    /// The name of the section of the listener.
    Frontend,
    /// The name of a backend; that of the section where none is said.
    Backend,
    /// The name of a server: `BACKEND/SERVER`, or `SERVER` in the section of its backend.
    Server,
    /// A variable.
    Variable,
    /// A table of addresses.
    AddressTable,
    /// Any table, or that of the section.
    Table,
    /// A table that is named.
    Named,
    /// A table that stores this, or that of the section.
    Storing(DataType),
    /// A value of this type.
    Typed(ValueType),
    /// A slot of `track-sc`.
    Slot,
    /// A file of keys and values.
    Map(MapKind),
    /// A regular expression.
    Expression,
    /// How the expression in front is applied: `g` to all matches, `i` to letters in either case.
    Flags,
    /// How many bits of an address of a family are kept, or a mask: of 32 or of 128.
    Mask(u8),
    /// A packet of MQTT.
    MqttPacket,
    /// A field of the packet that the argument in front names.
    MqttField,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A parameter of a word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Param {
    /// What documents call it.
    pub(super) name: &'static str,
    pub(super) kind: ParamKind,
    /// Whether it may be left out.
    pub(super) optional: bool,
}

/// A parameter that has to be given.
pub(super) const fn param(name: &'static str, kind: ParamKind) -> Param {
    Param { name, kind, optional: false }
}

/// A parameter that may be left out.
pub(super) const fn optional(name: &'static str, kind: ParamKind) -> Param {
    Param { name, kind, optional: true }
}

/// Any number of 64 bits.
pub(super) const ANY_NUMBER: ParamKind = ParamKind::Number(i64::MIN, i64::MAX);
/// A place in a value, or a length.
pub(super) const PLACE: ParamKind = ParamKind::Number(0, PLACE_MAX);
/// No value is longer.
const PLACE_MAX: i64 = 1 << 20;

/// An argument.
#[derive(Clone, Debug)]
pub(super) enum Argument {
    /// It was left out.
    Absent,
    Number(i64),
    Text(Box<[u8]>),
    Address(IpAddr),
    Variable(Box<str>),
    Table(Arc<Table>),
    Slot(TrackSlot),
    Map(Arc<Map>),
    Value(Value<'static>),
    Expression(Box<Regex>),
    MqttField(MqttField),
}

/// The arguments of a word, as many as it has parameters.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments(Box<[Argument]>);

impl Arguments {
    fn get(&self, at: usize) -> &Argument {
        self.0.get(at).unwrap_or(&Argument::Absent)
    }

    /// The number at a place.
    pub(super) fn number(&self, at: usize) -> Option<i64> {
        match self.get(at) {
            Argument::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The length or place at a place; 0 where it was left out.
    pub(super) fn place(&self, at: usize) -> usize {
        self.number(at).and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
    }

    /// The bytes at a place; none where they were left out.
    pub(super) fn text(&self, at: usize) -> &[u8] {
        match self.get(at) {
            Argument::Text(text) => text,
            _ => &[],
        }
    }

    /// The name at a place, which is text.
    pub(super) fn name(&self, at: usize) -> &str {
        match self.get(at) {
            Argument::Text(text) => std::str::from_utf8(text).unwrap_or_default(),
            Argument::Variable(name) => name,
            _ => "",
        }
    }

    pub(super) fn address(&self, at: usize) -> Option<IpAddr> {
        match self.get(at) {
            Argument::Address(address) => Some(*address),
            _ => None,
        }
    }

    pub(super) fn value(&self, at: usize) -> Option<Value<'_>> {
        match self.get(at) {
            Argument::Value(value) => Some(value.borrowed()),
            _ => None,
        }
    }

    pub(super) fn is_given(&self, at: usize) -> bool {
        !matches!(self.get(at), Argument::Absent)
    }

    pub(super) fn variable(&self, at: usize) -> Option<&str> {
        match self.get(at) {
            Argument::Variable(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn table(&self, at: usize) -> Option<&Arc<Table>> {
        match self.get(at) {
            Argument::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(super) fn slot(&self, at: usize) -> Option<TrackSlot> {
        match self.get(at) {
            Argument::Slot(slot) => Some(*slot),
            _ => None,
        }
    }

    pub(super) fn map(&self, at: usize) -> Option<&Map> {
        match self.get(at) {
            Argument::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn mqtt_field(&self, at: usize) -> Option<MqttField> {
        match self.get(at) {
            Argument::MqttField(field) => Some(*field),
            _ => None,
        }
    }

    pub(super) fn expression(&self, at: usize) -> Option<&Regex> {
        match self.get(at) {
            Argument::Expression(expression) => Some(expression),
            _ => None,
        }
    }
}

/// What arguments may refer to.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) tables: &'a Tables,
    /// The section that the line is in.
    pub(super) section: &'a RuleSection,
    pub(super) load: &'a Loader<'a>,
}

/// An argument as it is written, with its place in the line.
pub(super) type WrittenArgument = (Vec<u8>, Range<usize>);

/// What the other arguments of a word say about how one is read.
#[derive(Clone, Copy)]
struct Others {
    case: Case,
    packet: Option<MqttPacketKind>,
    /// Where the bytes end that tell the number of those of `payload_lv`.
    counted_end: i64,
}

/// A word with what is written in brackets behind it.
#[derive(Clone, Debug)]
pub(super) struct Written<'a> {
    /// The word.
    pub(super) word: &'a str,
    /// The word with its brackets.
    pub(super) span: Range<usize>,
    pub(super) arguments: Vec<WrittenArgument>,
}

impl Written<'_> {
    pub(super) fn fault(
        &self,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> LineFault {
        LineFault::new(self.span.clone(), problem, expected)
    }

    /// The arguments for `params`.
    pub(super) fn read(
        &self,
        params: &[Param],
        context: Context<'_>,
    ) -> Result<Arguments, LineFault> {
        // Empty brackets are as good as none where nothing is taken.
        let is_empty = |(text, _): &WrittenArgument| params.is_empty() && text.is_empty();
        if let Some((_, span)) = self.arguments.get(params.len()).filter(|it| !is_empty(it)) {
            let problem = match params.len() {
                0 => format!("`{}` takes nothing in brackets", self.word),
                1 => format!("`{}` takes one argument", self.word),
                count => format!("`{}` takes at most {count} arguments", self.word),
            };
            return Err(LineFault::new(span.clone(), problem, self.usage(params)));
        }
        let others = self.others(params);
        let read = |(at, param): (usize, &Param)| match self.arguments.get(at) {
            Some((text, span))
                if !text.is_empty()
                    || matches!(param.kind, ParamKind::Text | ParamKind::Typed(_)) =>
            {
                one(self.word, param, text, span, others, context)
            }
            _ if matches!(
                param.kind,
                ParamKind::AddressTable | ParamKind::Table | ParamKind::Storing(_)
            ) =>
            {
                let table = context.tables.find(None, context.section.table(), &self.span)?;
                fitting_table(param, table, &self.span)
            }
            _ if param.optional => Ok(Argument::Absent),
            _ => {
                if let (ParamKind::Backend, Some(own)) = (param.kind, context.section.backend()) {
                    return Ok(Argument::Text(own.as_bytes().into()));
                }
                let problem = format!("`{}` needs {} in brackets", self.word, what(param));
                Err(self.fault(problem, self.usage(params)))
            }
        };
        let all: Result<Vec<_>, _> = params.iter().enumerate().map(read).collect();
        Ok(Arguments(all?.into()))
    }

    fn others(&self, params: &[Param]) -> Others {
        let text_of = |is_it: fn(ParamKind) -> bool| {
            let at = params.iter().position(|param| is_it(param.kind))?;
            self.arguments.get(at).map(|(text, _)| text)
        };
        let flags = text_of(|kind| matches!(kind, ParamKind::Flags));
        let ignores = flags.is_some_and(|text| text.contains(&b'i'));
        let packet = text_of(|kind| matches!(kind, ParamKind::MqttPacket));
        Others {
            case: if ignores { Case::Ignored } else { Case::Exact },
            packet: packet.and_then(|text| MqttPacketKind::named(text)),
            counted_end: self.counted_end(params),
        }
    }

    /// The sum of the arguments `offset` and `length`, where there are such.
    fn counted_end(&self, params: &[Param]) -> i64 {
        let is_counted = |param: &Param| matches!(param.kind, ParamKind::PayloadStart);
        let Some(at) = params.iter().position(is_counted) else { return 0 };
        // One that is too large is refused where it stands.
        let place = |(text, _): &WrittenArgument| place(str::from_utf8(text).ok()?);
        self.arguments.iter().take(at).filter_map(place).sum()
    }

    fn usage(&self, params: &[Param]) -> String {
        format!("`{}{}`", self.word, usage(params))
    }
}

/// Parameters as documents write them: `(off,len[,flags])`.
pub(super) fn usage(params: &[Param]) -> String {
    if params.is_empty() {
        return String::new();
    }
    let mut text = String::from("(");
    let mut closing = String::new();
    for (at, param) in params.iter().enumerate() {
        if param.optional {
            text.push('[');
            closing.push(']');
        }
        if at > 0 {
            text.push(',');
        }
        text.push_str(param.name);
    }
    if params[0].optional {
        // All of it may be left out, with the brackets.
        return format!("[({}{})]", &text[2..], &closing[1..]);
    }
    format!("{text}{closing})")
}

fn what(param: &Param) -> String {
    match param.kind {
        ParamKind::Number(least, most) if least == i64::MIN && most == i64::MAX => {
            "a number".to_owned()
        }
        ParamKind::Number(least, most) => format!("a number from {least} to {most}"),
        ParamKind::Byte => "a number from 0 to 255".to_owned(),
        ParamKind::Operand => "a number, or a variable such as `txn.name`".to_owned(),
        ParamKind::Text => "a text".to_owned(),
        ParamKind::Bytes => "a text that is not empty".to_owned(),
        ParamKind::Index => "a number other than 0".to_owned(),
        ParamKind::Hex => "pairs of hexadecimal digits".to_owned(),
        ParamKind::Ipv4 => "an address of IPv4".to_owned(),
        ParamKind::Ipv6 => "an address of IPv6".to_owned(),
        ParamKind::PayloadStart => {
            "a number, or one behind `+` or `-`, that leads no further back than to 0".to_owned()
        }
        ParamKind::Frontend => "the name of this section".to_owned(),
        ParamKind::Backend => "the name of a backend".to_owned(),
        ParamKind::Server => "a server as `BACKEND/SERVER`".to_owned(),
        ParamKind::Variable => "a variable".to_owned(),
        ParamKind::AddressTable | ParamKind::Table | ParamKind::Named | ParamKind::Storing(_) => {
            "the name of a table".to_owned()
        }
        ParamKind::Typed(kind) => format!("a value of type {}", kind.name()),
        ParamKind::Slot => "0, 1 or 2".to_owned(),
        ParamKind::Map(_) => "the name of a file".to_owned(),
        ParamKind::Expression => "a regular expression".to_owned(),
        ParamKind::Flags => "`g`, `i` or `gi`".to_owned(),
        ParamKind::Mask(bits) => format!("a length of 0 to {bits} or a mask"),
        ParamKind::MqttPacket => "connect or connack".to_owned(),
        ParamKind::MqttField => "a field of the packet".to_owned(),
        ParamKind::Word(words) => words.join(" or "),
    }
}

fn one(
    word: &str,
    param: &Param,
    text: &[u8],
    span: &Range<usize>,
    others: Others,
    context: Context<'_>,
) -> Result<Argument, LineFault> {
    let wrong = || {
        let problem = format!("{} is not what `{word}` takes here", named(text));
        LineFault::new(span.clone(), problem, what(param))
    };
    let as_text = std::str::from_utf8(text).map_err(|_| wrong());
    match param.kind {
        ParamKind::Number(least, most) => {
            let number = as_text.ok().and_then(pattern::saturated);
            let fits = |number: &i64| (least..=most).contains(number);
            number.filter(fits).map(Argument::Number).ok_or_else(wrong)
        }
        ParamKind::Byte => {
            let number = as_text.ok().and_then(pattern::number_or_hex);
            let byte = number.and_then(|number| u8::try_from(number).ok());
            byte.map(|byte| Argument::Number(byte.into())).ok_or_else(wrong)
        }
        ParamKind::Operand => match as_text.ok().and_then(pattern::saturated) {
            Some(number) => Ok(Argument::Number(number)),
            None => variable::name(text, span).map(Argument::Variable).map_err(|_| wrong()),
        },
        ParamKind::Text | ParamKind::Bytes => Ok(Argument::Text(text.into())),
        ParamKind::Index => {
            let number = as_text.ok().and_then(pattern::saturated);
            number.filter(|number| *number != 0).map(Argument::Number).ok_or_else(wrong)
        }
        ParamKind::Typed(kind) => map::value_of(kind, text).map(Argument::Value).ok_or_else(wrong),
        ParamKind::Hex => {
            let bytes = pattern::hex(text).map(|bytes| Argument::Text(bytes.into()));
            bytes.ok_or_else(wrong)
        }
        ParamKind::Ipv4 => {
            let address = as_text?.parse().map(IpAddr::V4);
            address.map(Argument::Address).map_err(|_| wrong())
        }
        ParamKind::Ipv6 => {
            let address = as_text?.parse().map(IpAddr::V6);
            address.map(Argument::Address).map_err(|_| wrong())
        }
        ParamKind::PayloadStart => {
            let start = payload_start(as_text?, others.counted_end);
            start.map(Argument::Number).ok_or_else(wrong)
        }
        ParamKind::Frontend => {
            if matches!(context.section, RuleSection::Front(own) if own.as_bytes() == text) {
                return Ok(Argument::Text(text.into()));
            }
            let problem = format!("{} is not the listener of these rules", named(text));
            let advice = "rules know their own listener, which is meant without brackets";
            Err(LineFault::advising(span.clone(), problem, advice))
        }
        ParamKind::Backend => {
            let name = as_text?;
            if name.contains(char::is_whitespace) {
                Err(wrong())
            } else {
                Ok(Argument::Text(text.into()))
            }
        }
        ParamKind::Server => match (as_text?.split_once('/'), context.section.backend()) {
            (Some((backend, server)), _) if !backend.is_empty() && !server.is_empty() => {
                Ok(Argument::Text(text.into()))
            }
            (None, Some(own)) => Ok(Argument::Text([own.as_bytes(), b"/", text].concat().into())),
            _ => Err(wrong()),
        },
        ParamKind::Variable => variable::name(text, span).map(Argument::Variable),
        ParamKind::AddressTable | ParamKind::Table | ParamKind::Named | ParamKind::Storing(_) => {
            let table = context.tables.find(Some(as_text?), context.section.table(), span)?;
            fitting_table(param, table, span)
        }
        ParamKind::Slot => {
            let number = as_text.ok().and_then(pattern::number);
            number.and_then(TrackSlot::new).map(Argument::Slot).ok_or_else(|| {
                let last = SLOTS - 1;
                let problem = format!("there is no slot {}", named(text));
                LineFault::new(span.clone(), problem, format!("0 to {last}"))
            })
        }
        ParamKind::Map(kind) => Map::load(kind, as_text?, span, context.load).map(Argument::Map),
        ParamKind::Expression => {
            let expression = pattern::expression(as_text?, others.case).map_err(|why| {
                let why = printable(&pattern::short_reason(&why));
                let problem = format!("{} is no regular expression: {why}", named(text));
                LineFault::new(
                    span.clone(),
                    problem,
                    "an expression in the syntax of the Rust crate `regex`",
                )
            })?;
            Ok(Argument::Expression(Box::new(expression)))
        }
        ParamKind::Flags => {
            let is_flag = |byte: &u8| matches!(byte, b'g' | b'i');
            if text.iter().all(is_flag) { Ok(Argument::Text(text.into())) } else { Err(wrong()) }
        }
        ParamKind::Mask(bits) => mask(as_text?, bits).map(Argument::Address).ok_or_else(wrong),
        ParamKind::MqttPacket => {
            MqttPacketKind::named(text).map(|_| Argument::Text(text.into())).ok_or_else(wrong)
        }
        ParamKind::MqttField => {
            let field = others.packet.and_then(|packet| packet.field(text));
            field.map(Argument::MqttField).ok_or_else(|| match others.packet {
                Some(packet) => LineFault { expected: packet.fields(), ..wrong() },
                None => wrong(),
            })
        }
        ParamKind::Word(words) => {
            if words.iter().any(|known| known.as_bytes() == text) {
                Ok(Argument::Text(text.into()))
            } else {
                Err(wrong())
            }
        }
    }
}

fn place(digits: &str) -> Option<i64> {
    let place = i64::try_from(pattern::number(digits)?).ok()?;
    Some(place).filter(|place| *place <= PLACE_MAX)
}

/// The place of a byte that is written so, with a sign in front or none.
fn payload_start(text: &str, counted_end: i64) -> Option<i64> {
    if let Some(digits) = text.strip_prefix('+') {
        return Some(counted_end + place(digits)?);
    }
    match text.strip_prefix('-') {
        Some(digits) => Some(counted_end - place(digits)?).filter(|start| *start >= 0),
        None => place(text),
    }
}

/// The mask of this many bits that is given as such or by the length of a prefix.
fn mask(text: &str, bits: u8) -> Option<IpAddr> {
    const BITS4: u32 = 32;
    const BITS6: u32 = 128;
    let is_of_v4 = u32::from(bits) == BITS4;
    let Some(length) = pattern::number(text) else {
        return text.parse().ok().filter(|mask: &IpAddr| mask.is_ipv4() == is_of_v4);
    };
    let length = u32::try_from(length).ok().filter(|length| *length <= bits.into())?;
    Some(if is_of_v4 {
        Ipv4Addr::from_bits(u32::MAX.checked_shl(BITS4 - length).unwrap_or(0)).into()
    } else {
        Ipv6Addr::from_bits(u128::MAX.checked_shl(BITS6 - length).unwrap_or(0)).into()
    })
}

fn fitting_table(
    param: &Param,
    table: Arc<Table>,
    span: &Range<usize>,
) -> Result<Argument, LineFault> {
    let config = table.config();
    if matches!(param.kind, ParamKind::AddressTable) && config.kind.form() != KeyForm::Ip {
        let (name, kind) = (named(config.name.as_bytes()), config.kind.name());
        let problem = format!("table {name} has keys of type {kind}, and a source is an address");
        return Err(LineFault::new(span.clone(), problem, "a table of type ip or ipv6"));
    }
    if let ParamKind::Storing(data) = param.kind
        && !table.stores(data)
    {
        return Err(tables::not_stored(&table, data, span.clone()));
    }
    Ok(Argument::Table(table))
}

/// The number that an operand stands for.
pub(super) fn operand(arguments: &Arguments, at: usize, context: &EvalContext<'_>) -> Option<i64> {
    match arguments.number(at) {
        Some(number) => Some(number),
        None => {
            let held = variable::read(context, arguments.variable(at)?)?;
            match held.cast(ValueType::Int)? {
                Value::Int(number) => Some(number),
                _ => None,
            }
        }
    }
}
