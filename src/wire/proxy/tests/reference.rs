//! A second parser, written from the text of the specification and sharing nothing with the first: one
//! state for every length, no library for addresses, ports or checksums. It decides one beginning at a
//! time and is slow.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Addresses, BLOCK, LOCAL, PROXY, SIGNATURE, V1_MAX};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Partial,
    Whole { len: usize, addresses: Addresses, tlvs: Vec<u8> },
    Bad,
}

/// The verdict on `bytes`, none of whose shorter beginnings is decided.
pub(super) fn decide(bytes: &[u8]) -> Verdict {
    match bytes.first() {
        None => Verdict::Partial,
        Some(b'P') => line(bytes),
        Some(b'\r') => block(bytes),
        Some(_) => Verdict::Bad,
    }
}

/// The verdict on `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Verdict {
    let beginnings = (0..=bytes.len()).map(|n| decide(&bytes[..n]));
    beginnings.into_iter().find(|verdict| *verdict != Verdict::Partial).unwrap_or(Verdict::Partial)
}

fn whole(len: usize, addresses: Addresses) -> Verdict {
    Verdict::Whole { len, addresses, tlvs: Vec::new() }
}

fn partial_if(hope: bool) -> Verdict {
    if hope { Verdict::Partial } else { Verdict::Bad }
}

fn line(bytes: &[u8]) -> Verdict {
    let Some(rest) = bytes.strip_prefix(b"PROXY ") else {
        return partial_if(b"PROXY ".starts_with(bytes));
    };
    if rest == b"UNKNOWN\r\n" || (rest.starts_with(b"UNKNOWN ") && rest.ends_with(b"\r\n")) {
        return whole(bytes.len(), Addresses::None);
    }
    if rest.starts_with(b"UNKNOWN ") {
        let missing = if rest.ends_with(b"\r") { 1 } else { 2 };
        return partial_if(bytes.len() + missing <= V1_MAX);
    }
    if b"UNKNOWN\r\n".starts_with(rest) || b"TCP4 ".starts_with(rest) || b"TCP6 ".starts_with(rest)
    {
        return Verdict::Partial;
    }
    let (v4, fields) = match (rest.strip_prefix(b"TCP4 "), rest.strip_prefix(b"TCP6 ")) {
        (Some(fields), _) => (true, fields),
        (_, Some(fields)) => (false, fields),
        _ => return Verdict::Bad,
    };
    // CR, LF and what is not ASCII: nowhere but at the end, and there only together.
    let (fields, line_end) = match fields {
        [fields @ .., b'\r', b'\n'] => (fields, 2),
        [fields @ .., b'\r'] => (fields, 1),
        fields => (fields, 0),
    };
    let Ok(text) = std::str::from_utf8(fields) else { return Verdict::Bad };
    if text.contains(['\r', '\n']) {
        return Verdict::Bad;
    }
    let words: Vec<&str> = text.split(' ').collect();
    if words.len() > 4 || (line_end > 0 && words.len() < 4) {
        return Verdict::Bad;
    }
    // How many more bytes each field and what follows it take at least.
    let empty = if v4 { 7 } else { 2 };
    let mut missing = 0;
    let mut ends = (Vec::new(), Vec::new());
    for (nth, word) in words.iter().enumerate() {
        let lacks = match (nth, v4) {
            (0 | 1, true) => inet(word).map(|(value, lacks)| {
                ends.0.push(value.map(|octets| Ipv4Addr::from(octets).into()));
                lacks
            }),
            (0 | 1, false) => inet6(word).map(|(value, lacks)| {
                ends.0.push(value.map(|groups| Ipv6Addr::from(groups).into()));
                lacks
            }),
            _ => port(word).map(|(value, lacks)| {
                ends.1.push(value);
                lacks
            }),
        };
        let Some(lacks) = lacks else { return Verdict::Bad };
        let last = nth + 1 == words.len();
        if lacks > 0 && (!last || line_end > 0) {
            return Verdict::Bad;
        }
        missing = lacks;
    }
    missing += match words.len() {
        1 => 1 + empty + 6,
        2 => 6,
        3 => 4,
        _ => 2 - line_end,
    };
    if line_end < 2 {
        return partial_if(bytes.len() + missing <= V1_MAX);
    }
    let address = |nth: usize| -> std::net::IpAddr { ends.0[nth].expect("nothing lacks") };
    let port = |nth: usize| ends.1[nth].expect("nothing lacks");
    whole(
        bytes.len(),
        Addresses::Tcp {
            source: SocketAddr::new(address(0), port(0)),
            destination: SocketAddr::new(address(1), port(1)),
        },
    )
}

/// A decimal number up to `most`: its value unless it is empty, and how many bytes it lacks.
fn number(text: &str, most: u32) -> Option<(Option<u32>, usize)> {
    if text.is_empty() {
        return Some((None, 1));
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let heading = text.len() > 1 && text.starts_with('0');
    if !digits || heading || text.len() > 5 {
        return None;
    }
    let value = text.bytes().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    (value <= most).then_some((Some(value), 0))
}

fn port(text: &str) -> Option<(Option<u16>, usize)> {
    number(text, 65535).map(|(value, lacks)| (value.map(|value| value as u16), lacks))
}

fn inet(text: &str) -> Option<(Option<[u8; 4]>, usize)> {
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() > 4 {
        return None;
    }
    let mut octets = [0; 4];
    let mut lacks = 0;
    for (nth, part) in parts.iter().enumerate() {
        let (value, missing) = number(part, 255)?;
        if missing > 0 && nth + 1 < parts.len() {
            return None;
        }
        octets[nth] = value.unwrap_or(0) as u8;
        lacks = missing;
    }
    lacks += 2 * (4 - parts.len());
    Some(((lacks == 0).then_some(octets), lacks))
}

/// One part between colons: the groups it stands for, and how many bytes it lacks; `last` may be
/// dotted.
fn part(text: &str, last: bool) -> Option<(Vec<u16>, usize)> {
    if last && text.contains('.') {
        let (value, lacks) = inet(text)?;
        let [a, b, c, d] = value.unwrap_or_default().map(u16::from);
        return Some((vec![a << 8 | b, c << 8 | d], lacks));
    }
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((vec![u16::from_str_radix(text, 16).ok()?], 0))
}

fn inet6(text: &str) -> Option<(Option<[u16; 8]>, usize)> {
    if text.is_empty() {
        return Some((None, 2));
    }
    if text == ":" {
        return Some((None, 1));
    }
    let (left, right) = match text.split_once("::") {
        Some((left, right)) => (left, Some(right)),
        None => (text, None),
    };
    let read = |text: &str, dotted: bool| -> Option<(Vec<u16>, usize, bool)> {
        // A colon at the end begins a part that is still empty.
        let (text, open) = match text.strip_suffix(':') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let mut groups = Vec::new();
        let mut lacks = 0;
        let parts: Vec<&str> = text.split(':').collect();
        for (nth, one) in parts.iter().enumerate() {
            let last = dotted && !open && nth + 1 == parts.len();
            let (values, missing) = part(one, last)?;
            groups.extend(values);
            lacks = missing;
        }
        Some((groups, lacks, open))
    };
    let Some(right) = right else {
        let dotted = left.contains('.');
        let (groups, lacks, open) = read(left, true)?;
        return match groups.len() {
            8 if !open => Some(((lacks == 0).then(|| groups.try_into().unwrap()), lacks)),
            8 => None,
            // A dotted part ends the address, so it has to be the eighth group.
            _ if dotted => None,
            9.. => None,
            _ => Some((None, if open { 1 } else { 2 })),
        };
    };
    let left = if left.is_empty() {
        Vec::new()
    } else {
        let (groups, _, open) = read(left, false)?;
        if open {
            return None;
        }
        groups
    };
    let (right, lacks, open) =
        if right.is_empty() { (Vec::new(), 0, false) } else { read(right, true)? };
    // The two colons stand for one group at least.
    if left.len() + right.len() + usize::from(open) > 7 {
        return None;
    }
    let lacks = lacks + usize::from(open);
    let mut groups = [0; 8];
    groups[..left.len()].copy_from_slice(&left);
    groups[8 - right.len()..].copy_from_slice(&right);
    Some(((lacks == 0).then_some(groups), lacks))
}

fn block(bytes: &[u8]) -> Verdict {
    for (byte, wanted) in bytes.iter().zip(SIGNATURE) {
        if byte != wanted {
            return Verdict::Bad;
        }
    }
    let Some(&command) = bytes.get(12) else { return Verdict::Partial };
    if command != LOCAL && command != PROXY {
        return Verdict::Bad;
    }
    let Some(&family) = bytes.get(13) else { return Verdict::Partial };
    if command == PROXY && (family >> 4 > 3 || family & 15 > 2) {
        return Verdict::Bad;
    }
    if bytes.len() < BLOCK {
        return Verdict::Partial;
    }
    let length = usize::from(bytes[14]) * 256 + usize::from(bytes[15]);
    let rest = &bytes[BLOCK..];
    let size = match family >> 4 {
        1 => 12,
        2 => 36,
        3 => 216,
        _ => 0,
    };
    let reported = command == PROXY && family >> 4 != 0 && family & 15 != 0;
    if reported {
        let there = rest.get(size..).unwrap_or_default();
        if length < size || !chain(there, length - size, true, false) {
            return Verdict::Bad;
        }
    }
    if rest.len() < length {
        return Verdict::Partial;
    }
    let is_chain =
        command == PROXY && length >= size && chain(&rest[size..], length - size, true, false);
    let tlvs = if is_chain { &rest[size..] } else { &[] };
    if let Some(at) = checksum_in(tlvs) {
        let mut zeroed = bytes.to_vec();
        let at = bytes.len() - tlvs.len() + at;
        zeroed[at..at + 4].fill(0);
        if crc32c(&zeroed).to_be_bytes() != bytes[at..at + 4] {
            return Verdict::Bad;
        }
    }
    let addresses = if reported { addresses(family, rest) } else { Addresses::None };
    Verdict::Whole { len: bytes.len(), addresses, tlvs: tlvs.to_vec() }
}

fn addresses(family: u8, block: &[u8]) -> Addresses {
    let port = |at: usize| u16::from(block[at]) * 256 + u16::from(block[at + 1]);
    let v4 = |at: usize| Ipv4Addr::new(block[at], block[at + 1], block[at + 2], block[at + 3]);
    let v6 = |at: usize| {
        Ipv6Addr::from(<[u8; 16]>::try_from(&block[at..at + 16]).expect("sixteen bytes"))
    };
    let (source, destination) = match family >> 4 {
        1 => (SocketAddr::from((v4(0), port(8))), SocketAddr::from((v4(4), port(10)))),
        2 => (SocketAddr::from((v6(0), port(32))), SocketAddr::from((v6(16), port(34)))),
        _ => {
            let name = |field: &[u8]| -> Box<[u8]> {
                let text = field.split(|byte| *byte == 0).next().unwrap_or_default();
                if !text.is_empty() {
                    return text.into();
                }
                let mut name = field.to_vec();
                while name.last() == Some(&0) {
                    name.pop();
                }
                name.into()
            };
            let (source, destination) = (name(&block[..108]), name(&block[108..216]));
            return Addresses::Unix { stream: family & 15 == 1, source, destination };
        }
    };
    match family & 15 {
        1 => Addresses::Tcp { source, destination },
        _ => Addresses::Udp { source, destination },
    }
}

/// Whether a chain of `size` bytes can begin with `there`, by trying every length.
fn chain(there: &[u8], size: usize, first_level: bool, summed: bool) -> bool {
    if size == 0 {
        return true;
    }
    if size < 3 {
        return false;
    }
    let Some(&kind) = there.first() else { return true };
    (0..=size - 3).any(|length| {
        let reported = [there.get(1), there.get(2)];
        let written = [(length / 256) as u8, (length % 256) as u8];
        if reported
            .iter()
            .zip(&written)
            .any(|(reported, written)| reported.is_some_and(|reported| reported != written))
        {
            return false;
        }
        let value = there.get(3..).unwrap_or_default();
        let fits = match kind {
            3 if first_level => length == 4 && !summed,
            5 if first_level => length <= 128,
            0x20 if first_level => {
                length >= 5
                    && chain(
                        value[..value.len().min(length)].get(5..).unwrap_or_default(),
                        length - 5,
                        false,
                        false,
                    )
            }
            _ => true,
        };
        let summed = summed || kind == 3;
        fits && chain(
            value.get(length..).unwrap_or_default(),
            size - 3 - length,
            first_level,
            summed,
        )
    })
}

/// Where in a chain the value of its checksum is.
fn checksum_in(chain: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < chain.len() {
        if chain[at] == 3 {
            return Some(at + 3);
        }
        at += 3 + usize::from(chain[at + 1]) * 256 + usize::from(chain[at + 2]);
    }
    None
}

/// CRC32C, bit by bit (RFC 4960 appendix B, polynomial 0x1EDC6F41 reflected).
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 }
        })
    })
}

#[test]
fn the_checksum_is_the_published_one() {
    // RFC 3720 appendix B.4: 32 bytes of zeroes, 32 bytes of ones.
    assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
}
