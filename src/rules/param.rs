//! The parameters of a word: what has to stand in brackets behind it.

use super::map::MapKind;
use super::value::ValueType;
use crate::table::DataType;

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
pub(super) const PLACE_MAX: i64 = 1 << 20;

impl ParamKind {
    /// What an argument of this kind is, for a message.
    pub(super) fn expected(self) -> String {
        match self {
            Self::Number(least, most) if least == i64::MIN && most == i64::MAX => {
                "a number".to_owned()
            }
            Self::Number(least, most) => format!("a number from {least} to {most}"),
            Self::Byte => "a number from 0 to 255".to_owned(),
            Self::Operand => "a number, or a variable such as `txn.name`".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Bytes => "a text that is not empty".to_owned(),
            Self::Index => "a number other than 0".to_owned(),
            Self::Hex => "pairs of hexadecimal digits".to_owned(),
            Self::Ipv4 => "an address of IPv4".to_owned(),
            Self::Ipv6 => "an address of IPv6".to_owned(),
            Self::PayloadStart => {
                "a number, or one behind `+` or `-`, that leads no further back than to 0"
                    .to_owned()
            }
            Self::Frontend => "the name of this section".to_owned(),
            Self::Backend => "the name of a backend".to_owned(),
            Self::Server => "a server as `BACKEND/SERVER`".to_owned(),
            Self::Variable => "a variable".to_owned(),
            Self::AddressTable | Self::Table | Self::Named | Self::Storing(_) => {
                "the name of a table".to_owned()
            }
            Self::Typed(kind) => format!("a value of type {}", kind.name()),
            Self::Slot => "0, 1 or 2".to_owned(),
            Self::Map(_) => "the name of a file".to_owned(),
            Self::Expression => "a regular expression".to_owned(),
            Self::Flags => "`g`, `i` or `gi`".to_owned(),
            Self::Mask(bits) => format!("a length of 0 to {bits} or a mask"),
            Self::MqttPacket => "connect or connack".to_owned(),
            Self::MqttField => "a field of the packet".to_owned(),
            Self::Word(words) => words.join(" or "),
        }
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
