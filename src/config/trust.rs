//! Lists of trusted sources.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::sys::{Addr, Shown};

/// What every IPv4-mapped address begins with, `::ffff:0:0` (RFC 4291 section 2.5.5.2), in bits.
const MAPPED_PREFIX_BITS: u8 = 96;

/// Sources that are trusted: to announce a client's addresses in a PROXY header or a NetScaler header,
/// or to be monitors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    any: bool,
    unix: bool,
    networks: Vec<IpNet>,
}

/// A word in a list of sources that is not a source, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustError {
    /// Its index in the list, from 0.
    pub index: usize,
    word: Box<str>,
    fault: TrustFault,
}

/// Why a word is not a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TrustFault {
    Empty,
    Any,
    Port,
    Brackets,
    Mask,
    Bits,
    Strange,
}

impl TrustFault {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Empty => "it is empty",
            Self::Any => "the word for every IP address is any",
            Self::Port => "a network has no port",
            Self::Brackets => "a network has no brackets",
            Self::Mask => "behind its slash is the number of its bits, as in 10.0.0.0/8",
            Self::Bits => "an IPv4 network has 0 to 32 bits, and one of IPv6 0 to 128",
            Self::Strange => {
                "a source is an IP address, a network such as 10.0.0.0/8, or the word any or unix"
            }
        }
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\": {}", Shown(&self.word), self.fault.sentence())
    }
}

impl std::error::Error for TrustError {}

impl Trust {
    /// Reads a list separated by commas: networks (`10.0.0.0/8`), single addresses, `any` for
    /// every IP address, `unix` for every unix socket.
    ///
    /// # Errors
    /// The first word that is none of these.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let mut trust = Self::default();
        for (index, word) in text.split(',').map(str::trim).enumerate() {
            match word {
                "any" => trust.any = true,
                "unix" => trust.unix = true,
                _ => match network(word) {
                    Ok(network) => trust.networks.push(network),
                    Err(fault) => return Err(TrustError { index, word: word.into(), fault }),
                },
            }
        }
        Ok(trust)
    }

    /// Every source.
    #[must_use]
    pub const fn everyone() -> Self {
        Self { any: true, unix: true, networks: Vec::new() }
    }

    /// Whether some source is in both lists.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let has_ip = |trust: &Self| trust.any || !trust.networks.is_empty();
        let both_name = || {
            self.networks.iter().any(|one| {
                other.networks.iter().any(|other| one.contains(other) || other.contains(one))
            })
        };
        (self.unix && other.unix)
            || (self.any && has_ip(other))
            || (other.any && has_ip(self))
            || both_name()
    }

    /// Whether `peer` is in the list.
    #[must_use]
    pub fn covers(&self, peer: &Addr) -> bool {
        match peer {
            Addr::Ip(ip) => {
                self.any || self.networks.iter().any(|network| network.contains(&ip.ip()))
            }
            Addr::Unix(_) => self.unix,
        }
    }
}

fn network(word: &str) -> Result<IpNet, TrustFault> {
    let (address, bits) = match word.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (word, None),
    };
    let ip: IpAddr = address.parse().map_err(|_| no_address(word, address))?;
    let Some(bits) = bits else { return Ok(IpNet::from(ip.to_canonical())) };
    if bits.is_empty() || !bits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TrustFault::Mask);
    }
    let bits: u8 = bits.parse().map_err(|_| TrustFault::Bits)?;
    let network = IpNet::new(ip, bits).map_err(|_| TrustFault::Bits)?.trunc();
    // A peer with an IPv4-mapped address is compared as the IPv4 address.
    match (network.addr().to_canonical(), bits.checked_sub(MAPPED_PREFIX_BITS)) {
        (ipv4 @ IpAddr::V4(_), Some(bits)) if ip.is_ipv6() => {
            IpNet::new(ipv4, bits).map_err(|_| TrustFault::Bits)
        }
        _ => Ok(network),
    }
}

/// Why `address`, the beginning of `word`, is not an IP address.
fn no_address(word: &str, address: &str) -> TrustFault {
    match word {
        "" => TrustFault::Empty,
        "*" => TrustFault::Any,
        _ if address.parse::<SocketAddr>().is_ok() => TrustFault::Port,
        _ if address.starts_with('[') => TrustFault::Brackets,
        _ => TrustFault::Strange,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(list: &str) -> (usize, String) {
        let error = Trust::parse(list).expect_err("something in it is no source");
        (error.index, error.to_string())
    }

    #[test]
    fn a_source_that_is_none_is_named_with_what_is_wrong_with_it() {
        for (word, due) in [
            ("", "it is empty"),
            ("*", "is any"),
            ("10.0.0.1:80", "has no port"),
            ("[::1]:80", "has no port"),
            ("[::1]", "has no brackets"),
            ("10.0.0.0/255.0.0.0", "the number of its bits"),
            ("10.0.0.0/", "the number of its bits"),
            ("10.0.0.0/+8", "the number of its bits"),
            ("10.0.0.0/33", "0 to 32 bits"),
            ("::/129", "0 to 128"),
            ("::/99999", "0 to 128"),
            ("10.0.0/8", "a source is an IP address"),
            ("010.0.0.1", "a source is an IP address"),
            ("fe80::1%2", "a source is an IP address"),
            ("1:2:3", "a source is an IP address"),
            ("gateway", "a source is an IP address"),
            ("unix:/run/a", "a source is an IP address"),
        ] {
            for (list, index) in [(word.to_owned(), 0), (format!("any, {word} ,unix"), 1)] {
                let (at, said) = wrong(&list);
                assert_eq!(at, index, "{list}");
                assert!(said.starts_with(&format!("\"{word}\": ")) && said.contains(due), "{said}");
            }
        }
    }

    #[test]
    fn a_list_of_sources_covers_what_it_names() {
        let trust = Trust::parse("10.1.2.3/8, 2001:db8::/32,192.0.2.1").expect("networks");
        let covers = |text: &str| trust.covers(&Addr::parse(text).expect("an address"));
        assert!(covers("10.255.0.1:1") && covers("192.0.2.1:1") && covers("[2001:db8:1::]:1"));
        assert!(!covers("11.0.0.1:1") && !covers("192.0.2.2:1") && !covers("[2001:db9::]:1"));
        assert!(!covers("unix:/run/a"));
    }

    #[test]
    fn a_network_of_ipv4_mapped_addresses_covers_ipv4_peers() {
        for list in ["::ffff:10.0.0.0/104", "::ffff:10.0.0.7"] {
            let trust = Trust::parse(list).expect("networks");
            let covers = |text: &str| trust.covers(&Addr::parse(text).expect("an address"));
            assert!(covers("10.0.0.7:1") && !covers("11.0.0.7:1"), "{list}");
        }
    }
}
