//! What stands in brackets behind a word, read by what its parameters have to be.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::Arc;

use super::arguments::{Argument, Arguments};
use super::error::{LineFault, named, printable};
use super::loader::Loader;
use super::map::{self, Map};
use super::mqtt_field::MqttPacketKind;
use super::param::{PLACE_MAX, Param, ParamKind, usage};
use super::pattern::{self, Case};
use super::progress::{SLOTS, TrackSlot};
use super::section::RuleSection;
use super::tables::{self, Tables};
use super::variable;
use crate::table::{KeyForm, Table};

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
                let problem =
                    format!("`{}` needs {} in brackets", self.word, param.kind.expected());
                Err(self.fault(problem, self.usage(params)))
            }
        };
        let all: Result<Vec<_>, _> = params.iter().enumerate().map(read).collect();
        Ok(Arguments::new(all?))
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
        LineFault::new(span.clone(), problem, param.kind.expected())
    };
    let as_text = std::str::from_utf8(text).map_err(|_| wrong());
    match param.kind {
        ParamKind::Number(..) | ParamKind::Byte | ParamKind::Index | ParamKind::PayloadStart => {
            let number = number(param.kind, as_text?, others);
            number.map(Argument::Number).ok_or_else(wrong)
        }
        ParamKind::Operand => match pattern::saturated(as_text?) {
            Some(number) => Ok(Argument::Number(number)),
            None => variable::name(text, span).map(Argument::Variable).map_err(|_| wrong()),
        },
        ParamKind::Ipv4 | ParamKind::Ipv6 | ParamKind::Mask(_) => {
            address(param.kind, as_text?).map(Argument::Address).ok_or_else(wrong)
        }
        ParamKind::Text
        | ParamKind::Bytes
        | ParamKind::Hex
        | ParamKind::Flags
        | ParamKind::Word(_)
        | ParamKind::Backend
        | ParamKind::MqttPacket => {
            bytes(param.kind, text).map(|bytes| Argument::Text(bytes.into())).ok_or_else(wrong)
        }
        ParamKind::Typed(kind) => map::value_of(kind, text).map(Argument::Value).ok_or_else(wrong),
        ParamKind::Frontend => {
            if matches!(context.section, RuleSection::Front(own) if own.as_bytes() == text) {
                return Ok(Argument::Text(text.into()));
            }
            let problem = format!("{} is not the listener of these rules", named(text));
            let advice = "rules know their own listener, which is meant without brackets";
            Err(LineFault::advising(span.clone(), problem, advice))
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
                let expected = "an expression in the syntax of the Rust crate `regex`";
                LineFault::new(span.clone(), problem, expected)
            })?;
            Ok(Argument::Expression(Box::new(expression)))
        }
        ParamKind::MqttField => {
            let field = others.packet.and_then(|packet| packet.field(text));
            field.map(Argument::MqttField).ok_or_else(|| match others.packet {
                Some(packet) => LineFault { expected: packet.fields(), ..wrong() },
                None => wrong(),
            })
        }
    }
}

fn number(kind: ParamKind, text: &str, others: Others) -> Option<i64> {
    match kind {
        ParamKind::Number(least, most) => {
            pattern::saturated(text).filter(|number| (least..=most).contains(number))
        }
        ParamKind::Byte => {
            let byte = pattern::number_or_hex(text)?;
            u8::try_from(byte).ok().map(i64::from)
        }
        ParamKind::Index => pattern::saturated(text).filter(|number| *number != 0),
        ParamKind::PayloadStart => payload_start(text, others.counted_end),
        _ => None,
    }
}

fn address(kind: ParamKind, text: &str) -> Option<IpAddr> {
    match kind {
        ParamKind::Ipv4 => text.parse().ok().map(IpAddr::V4),
        ParamKind::Ipv6 => text.parse().ok().map(IpAddr::V6),
        ParamKind::Mask(bits) => mask(text, bits),
        _ => None,
    }
}

/// The bytes of an argument that is kept as it is written, or in hexadecimal digits.
fn bytes(kind: ParamKind, text: &[u8]) -> Option<Vec<u8>> {
    let fits = match kind {
        ParamKind::Text | ParamKind::Bytes => true,
        ParamKind::Hex => return pattern::hex(text),
        ParamKind::Flags => text.iter().all(|byte| matches!(byte, b'g' | b'i')),
        ParamKind::Word(words) => words.iter().any(|known| known.as_bytes() == text),
        ParamKind::Backend => {
            std::str::from_utf8(text).is_ok_and(|name| !name.contains(char::is_whitespace))
        }
        ParamKind::MqttPacket => MqttPacketKind::named(text).is_some(),
        _ => false,
    };
    fits.then(|| text.to_vec())
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
