//! What a value has to be for a condition to be true.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use regex::bytes::Regex;

use super::facts::Value;
use super::ranges::Ranges;
use super::words::Words;

/// What a value has to be.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    /// It is true.
    Yes,
    /// It is present at all.
    Found,
    /// One of these numbers.
    Numbers(Ranges<u64>),
    /// In one of these networks.
    Networks(Networks),
    /// Made of one of these words.
    Words(Words),
    /// Something one of these expressions finds a match in.
    Expressions(Box<[Regex]>),
}

impl Matcher {
    /// Whether `value` fulfils this.
    pub(super) fn matches(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Found, _) => true,
            (Self::Yes, Value::Truth(truth)) => *truth,
            (Self::Numbers(numbers), Value::Number(number)) => numbers.contains(*number),
            (Self::Networks(networks), Value::Address(address)) => networks.contain(*address),
            (Self::Words(words), Value::Bytes(bytes)) => words.are_in(bytes),
            (Self::Expressions(expressions), Value::Bytes(bytes)) => {
                expressions.iter().any(|expression| expression.is_match(bytes))
            }
            // The compiler combines only matchers and values that fit each other.
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
}
