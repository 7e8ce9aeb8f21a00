//! What a value has to be for a condition to be true.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use regex::bytes::Regex;

use super::ranges::Ranges;
use super::value::{Value, ValueType};
use super::word_set::Words;

/// What a value has to be.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    /// It is true.
    Yes,
    /// It is present at all.
    Found,
    /// One of these numbers.
    Numbers(Ranges<i64>),
    /// In one of these networks.
    Networks(Networks),
    /// Text made of one of these words.
    Words(Words),
    /// One of these sequences of bytes.
    Bytes(Words),
    /// So many bytes long.
    Lengths(Ranges<i64>),
    /// Something one of these expressions finds a match in.
    Expressions(Box<[Regex]>),
}

impl Matcher {
    /// The type that a value is compared as.
    const fn kind(&self) -> ValueType {
        match self {
            Self::Yes => ValueType::Bool,
            Self::Found => ValueType::Any,
            Self::Numbers(_) => ValueType::Int,
            Self::Networks(_) => ValueType::Addr,
            Self::Words(_) | Self::Lengths(_) | Self::Expressions(_) => ValueType::Str,
            Self::Bytes(_) => ValueType::Bin,
        }
    }

    /// Whether `value` fulfils this.
    pub(super) fn matches(&self, value: Value<'_>) -> bool {
        let Some(value) = value.cast(self.kind()) else { return false };
        match (self, &value) {
            (Self::Found, _) => true,
            (Self::Yes, Value::Bool(truth)) => *truth,
            (Self::Numbers(numbers), Value::Int(number)) => numbers.contains(*number),
            (Self::Networks(networks), Value::Addr(address)) => networks.contain(*address),
            (Self::Words(words), Value::Str(text)) => words.are_in(text),
            (Self::Bytes(words), Value::Bin(bytes)) => words.are_in(bytes),
            (Self::Lengths(lengths), Value::Str(text)) => {
                i64::try_from(text.len()).is_ok_and(|length| lengths.contains(length))
            }
            (Self::Expressions(expressions), Value::Str(text)) => {
                expressions.iter().any(|expression| expression.is_match(text))
            }
            // A value of another type is no value of the type that it was cast to.
            _ => false,
        }
    }
}

/// A set of networks. An IPv4-mapped IPv6 address is the IPv4 address it stands for; apart from
/// that, no IPv6 network holds an IPv4 address.
#[derive(Clone, Debug)]
pub(super) struct Networks {
    v4: Ranges<Ipv4Addr>,
    v6: Ranges<Ipv6Addr>,
}

impl Networks {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        let v4 = networks.iter().filter_map(|network| match network {
            IpNet::V4(v4) => Some(v4.network()..=v4.broadcast()),
            IpNet::V6(_) => None,
        });
        let v6 = networks.iter().filter_map(|network| match network {
            IpNet::V4(_) => None,
            IpNet::V6(v6) => Some(v6.network()..=v6.broadcast()),
        });
        Self { v4: Ranges::new(v4), v6: Ranges::new(v6) }
    }

    pub(super) fn contain(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(v4) => self.v4.contains(v4),
            IpAddr::V6(v6) => self.v6.contains(v6),
        }
    }

    /// The ranges of addresses, those of IPv4 and those of IPv6, as numbers.
    pub(super) fn ranges(&self) -> [Vec<(u128, u128)>; 2] {
        let v4 = self.v4.iter().map(|(start, end)| (start.to_bits().into(), end.to_bits().into()));
        let v6 = self.v6.iter().map(|(start, end)| (start.to_bits(), end.to_bits()));
        [v4.collect(), v6.collect()]
    }
}

/// The family of an address, 0 for IPv4 and 1 for IPv6, and its number. IPv4-mapped IPv6 addresses are
/// of IPv4.
pub(super) fn numbered(address: IpAddr) -> (usize, u128) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (0, v4.to_bits().into()),
        IpAddr::V6(v6) => (1, v6.to_bits()),
    }
}
