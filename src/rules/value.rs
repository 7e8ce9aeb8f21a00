//! What rules find out about a connection: values, their types, and how one type becomes another.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

/// The longest text that is put together of values, in bytes: as long as the first bytes of a connection.
pub(super) const MADE_MAX: usize = 16 * 1024;
/// The longest value that a variable keeps, in bytes. A variable of the process that is made of itself would
/// grow with every connection.
pub(super) const KEPT_MAX: usize = 64 * 1024;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Yes or no.
    Bool(bool),
    /// A number.
    Int(i64),
    /// An IP address.
    Addr(IpAddr),
    /// Text. It may come from a peer, so any bytes may be in it.
    Str(Cow<'a, [u8]>),
    /// Bytes that are no text.
    Bin(Cow<'a, [u8]>),
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    Bool,
    Int,
    Addr,
    Str,
    Bin,
    /// The type of a variable, which is known when it is read.
    Any,
}

impl ValueType {
    /// HAProxy's name for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "sint",
            Self::Addr => "addr",
            Self::Str => "str",
            Self::Bin => "bin",
            Self::Any => "any",
        }
    }

    /// Whether a value of this type can become one of another type. That it does depends on the value.
    pub(super) const fn casts_to(self, to: Self) -> bool {
        match (self, to) {
            (_, Self::Any) | (Self::Any | Self::Str, _) => true,
            (Self::Bool, Self::Bool | Self::Int | Self::Str | Self::Bin) => true,
            (Self::Int, _) => true,
            (Self::Addr, _) => true,
            (Self::Bin, Self::Bin | Self::Str) => true,
            (Self::Bool | Self::Bin, _) => false,
        }
    }
}

impl<'a> Value<'a> {
    pub(super) const fn str(bytes: &'a [u8]) -> Self {
        Self::Str(Cow::Borrowed(bytes))
    }

    pub(super) const fn text(text: &'a str) -> Self {
        Self::Str(Cow::Borrowed(text.as_bytes()))
    }

    pub(super) const fn bin(bytes: &'a [u8]) -> Self {
        Self::Bin(Cow::Borrowed(bytes))
    }

    /// How many bytes of its own it has: those of a text.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bool(_) | Self::Int(_) | Self::Addr(_) => 0,
            Self::Str(bytes) | Self::Bin(bytes) => bytes.len(),
        }
    }

    pub(super) fn count(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// The value with bytes of its own, to be kept.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Bool(truth) => Value::Bool(truth),
            Self::Int(number) => Value::Int(number),
            Self::Addr(address) => Value::Addr(address),
            Self::Str(bytes) => Value::Str(Cow::Owned(bytes.into_owned())),
            Self::Bin(bytes) => Value::Bin(Cow::Owned(bytes.into_owned())),
        }
    }

    /// The value, as long as `self` is borrowed.
    pub(super) fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Int(number) => Value::Int(*number),
            Self::Addr(address) => Value::Addr(*address),
            Self::Str(bytes) => Value::str(bytes),
            Self::Bin(bytes) => Value::bin(bytes),
        }
    }

    /// The value as one of another type; `None` where it cannot be one.
    pub(super) fn cast(self, to: ValueType) -> Option<Self> {
        Some(match (self, to) {
            (value, ValueType::Any) => value,
            (value, ValueType::Bool) => Self::Bool(value.truth()?),
            (value, ValueType::Int) => Self::Int(value.int()?),
            (value, ValueType::Addr) => Self::Addr(value.addr()?),
            (value, ValueType::Str) => Self::Str(value.into_text()),
            (Self::Str(bytes) | Self::Bin(bytes), ValueType::Bin) => Self::Bin(bytes),
            (Self::Int(number), ValueType::Bin) => {
                Self::Bin(Cow::Owned(number.to_be_bytes().to_vec()))
            }
            (Self::Addr(IpAddr::V4(v4)), ValueType::Bin) => {
                Self::Bin(Cow::Owned(v4.octets().to_vec()))
            }
            (Self::Addr(IpAddr::V6(v6)), ValueType::Bin) => {
                Self::Bin(Cow::Owned(v6.octets().to_vec()))
            }
            (Self::Bool(truth), ValueType::Bin) => {
                Self::Bin(Cow::Owned(i64::from(truth).to_be_bytes().to_vec()))
            }
        })
    }

    fn truth(self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(truth),
            Self::Int(number) => Some(number != 0),
            Self::Str(text) => number(&text).map(|number| number != 0),
            Self::Addr(IpAddr::V4(v4)) => Some(!v4.is_unspecified()),
            Self::Addr(IpAddr::V6(_)) | Self::Bin(_) => None,
        }
    }

    fn int(self) -> Option<i64> {
        match self {
            Self::Bool(truth) => Some(truth.into()),
            Self::Int(number) => Some(number),
            Self::Addr(IpAddr::V4(v4)) => Some(v4.to_bits().into()),
            Self::Str(text) => number(&text),
            Self::Addr(IpAddr::V6(_)) | Self::Bin(_) => None,
        }
    }

    fn addr(self) -> Option<IpAddr> {
        match self {
            Self::Addr(address) => Some(address),
            Self::Int(number) => {
                // The lowest 32 bits, as a number that was an address has them.
                Some(IpAddr::V4(Ipv4Addr::from_bits(number as u32)))
            }
            Self::Str(text) => std::str::from_utf8(&text).ok()?.parse().ok(),
            Self::Bool(_) | Self::Bin(_) => None,
        }
    }

    /// The value as text, or its bytes as they are.
    #[must_use]
    pub fn into_text(self) -> Cow<'a, [u8]> {
        let owned = |text: String| Cow::Owned(text.into_bytes());
        match self {
            Self::Bool(truth) => Cow::Borrowed(if truth { b"1" } else { b"0" }),
            Self::Int(number) => owned(number.to_string()),
            Self::Addr(address) => owned(address.to_string()),
            Self::Str(bytes) | Self::Bin(bytes) => bytes,
        }
    }
}

/// The number that a text begins with, as a sign and digits: 0 where it begins with none, and none where
/// it is empty. What is out of range is the largest or smallest number.
pub(super) fn number(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text {
        [] => return None,
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0i64, |number, digit| {
        let digit = i64::from(digit - b'0');
        let shifted = number.saturating_mul(10);
        if is_negative { shifted.saturating_sub(digit) } else { shifted.saturating_add(digit) }
    }))
}
