//! Version 1, the text line of section 2.1: `PROXY TCP4 192.0.2.1 192.0.2.2 4242 443\r\n`.
//!
//! One grammar decides everything: [`read`], over `ppp`, on a whole line. Whether a line that is
//! not whole can still become valid is answered by trying: a beginning is worth waiting for exactly
//! if one of a few endings makes `read` accept it.
//!
//! Where the text of the section leaves room:
//! - an IPv6 address may end in a dotted IPv4 address: RFC 5952 section 5 calls that the canonical
//!   text of a mapped address, and it is what `inet_ntop` gives to every sender;
//! - `UNKNOWN` is a word, so a space or the CR LF follows it; behind that space any byte but the
//!   CR LF itself is "ignored", be it NUL, a lone CR or a lone LF.

use std::net::SocketAddr;

use ppp::v1;

use super::fault::{Fault, Malformed};
use super::header::{Addresses, Command, Header, Parsed, Version};

/// The longest line, CR LF included ("not found in the first 107 characters").
pub(super) const LINE_MAX: usize = 107;
/// The length of the shortest line, `PROXY UNKNOWN\r\n`.
pub(super) const SHORTEST: usize = PREFIX.len() + UNKNOWN_LINE.len();

const PREFIX: &[u8] = b"PROXY ";
const CRLF: &[u8] = b"\r\n";
const UNKNOWN: &[u8] = b"PROXY UNKNOWN";
const UNKNOWN_LINE: &[u8] = b"UNKNOWN\r\n";
/// The shortest lines of every protocol, without [`PREFIX`].
const LINES: [&[u8]; 3] = [UNKNOWN_LINE, b"TCP6 :: :: 0 0\r\n", b"TCP4 0.0.0.0 0.0.0.0 0 0\r\n"];

/// Endings of which one, behind the beginning of an address of either family, gives an address
/// whenever any ending does.
const ADDRESS_ENDINGS: [&[u8]; 10] =
    [b"", b"0", b":", b"::", b".0", b"0.0", b".0.0", b"0.0.0", b".0.0.0", b"0.0.0.0"];
/// Endings of which one, behind the beginning of a port, gives a port whenever any ending does.
const PORT_ENDINGS: [&[u8]; 2] = [b"", b"0"];

pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let window = &bytes[..bytes.len().min(LINE_MAX)];
    let Some(end) = window.windows(CRLF.len()).position(|pair| pair == CRLF) else {
        return shortest(window).map_or_else(|| bad(window), |need| Parsed::Partial { need });
    };
    let line = &window[..end + CRLF.len()];
    read(line).map_or_else(
        || bad(line),
        |addresses| Parsed::Whole {
            header: Header {
                version: Version::V1,
                command: Command::Proxy,
                addresses,
                tlvs: Box::default(),
            },
            len: line.len(),
        },
    )
}

/// The addresses of a line that ends in its first CR LF and is at most [`LINE_MAX`] long.
fn read(line: &[u8]) -> Option<Addresses> {
    let text = line.strip_suffix(CRLF)?;
    if text.strip_prefix(UNKNOWN).is_some_and(|rest| matches!(rest.first(), None | Some(b' '))) {
        return Some(Addresses::None);
    }
    // `ppp` takes CR for a space, in one place LF alone for the end, and `+80` for a port.
    if text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | b'+')) {
        return None;
    }
    let (source, destination) = match v1::Header::try_from(line).ok()?.addresses {
        v1::Addresses::Tcp4(ends) => (
            SocketAddr::from((ends.source_address, ends.source_port)),
            SocketAddr::from((ends.destination_address, ends.destination_port)),
        ),
        v1::Addresses::Tcp6(ends) => (
            SocketAddr::from((ends.source_address, ends.source_port)),
            SocketAddr::from((ends.destination_address, ends.destination_port)),
        ),
        v1::Addresses::Unknown => return None,
    };
    Some(Addresses::Tcp { source, destination })
}

/// The length of the shortest valid line that begins with `start`, which has no CR LF; none when
/// there is no such line.
fn shortest(start: &[u8]) -> Option<usize> {
    if PREFIX.starts_with(start) {
        return Some(SHORTEST);
    }
    let fields = start.strip_prefix(PREFIX)?;
    let by_word = LINES.iter().find(|line| line.starts_with(fields));
    if let Some(line) = by_word {
        return Some(PREFIX.len() + line.len());
    }
    let tail = tail(start);
    let endings: &[&[u8]] = match Field::of(start) {
        Field::Protocol => return None,
        Field::Ignored => &[b""],
        Field::Source | Field::Destination => &ADDRESS_ENDINGS,
        Field::SourcePort | Field::DestinationPort => &PORT_ENDINGS,
    };
    endings.iter().filter_map(|ending| whole([start, ending, tail])).min()
}

/// The length of the line these parts make, if they make a valid one.
fn whole(parts: [&[u8]; 3]) -> Option<usize> {
    let mut line = [0; LINE_MAX];
    let mut len = 0;
    for part in parts {
        line.get_mut(len..len + part.len())?.copy_from_slice(part);
        len += part.len();
    }
    read(&line[..len]).map(|_| len)
}

/// Where in a line its next byte is.
#[derive(Clone, Copy, PartialEq)]
enum Field {
    Protocol,
    /// What follows `UNKNOWN`.
    Ignored,
    Source,
    Destination,
    SourcePort,
    /// The destination port, or anything behind it.
    DestinationPort,
}

impl Field {
    /// The field that the byte behind `start`, which begins with [`PREFIX`], belongs to.
    fn of(start: &[u8]) -> Self {
        if start.strip_prefix(UNKNOWN).is_some_and(|rest| rest.starts_with(b" ")) {
            return Self::Ignored;
        }
        match start.iter().filter(|byte| **byte == b' ').count() {
            0 | 1 => Self::Protocol,
            2 => Self::Source,
            3 => Self::Destination,
            4 => Self::SourcePort,
            _ => Self::DestinationPort,
        }
    }
}

/// The shortest rest of a line behind the field that the byte behind `start` belongs to.
fn tail(start: &[u8]) -> &'static [u8] {
    let v4 = start.starts_with(b"PROXY TCP4");
    match Field::of(start) {
        Field::Source if v4 => b" 0.0.0.0 0 0\r\n",
        Field::Source => b" :: 0 0\r\n",
        Field::Destination => b" 0 0\r\n",
        Field::SourcePort => b" 0\r\n",
        Field::Protocol | Field::Ignored | Field::DestinationPort => {
            if start.ends_with(b"\r") {
                b"\n"
            } else {
                CRLF
            }
        }
    }
}

/// The fault of a line that cannot become valid, by its first byte after which that was certain.
fn bad(line: &[u8]) -> Parsed {
    // Every beginning of a line that can become valid can become valid itself, so a binary search
    // finds the first byte that rules it out.
    let (mut hopeful, mut hopeless) = (0, line.len());
    while hopeless - hopeful > 1 {
        let middle = hopeful.midpoint(hopeless);
        match shortest(&line[..middle]) {
            Some(_) => hopeful = middle,
            None => hopeless = middle,
        }
    }
    let at = hopeful;
    Parsed::Bad(Malformed { fault: fault(&line[..at], line[at]), at })
}

/// What is wrong with `byte` behind `start`, a beginning that could still become valid.
fn fault(start: &[u8], byte: u8) -> Fault {
    if start.len() < PREFIX.len() {
        return Fault::NotProxy;
    }
    let field = Field::of(start);
    let ends_line = matches!(byte, b'\r' | b'\n') || start.ends_with(b"\r");
    if ends_line && field != Field::Ignored {
        return Fault::LineEnd;
    }
    if start.len() + 1 + tail(start).len() > LINE_MAX {
        return Fault::LineTooLong;
    }
    match field {
        Field::Destination if byte == b'.' && is_mixed(start) => Fault::LineMixed,
        Field::Protocol => Fault::LineProtocol,
        Field::Ignored => Fault::LineTooLong,
        Field::Source => Fault::LineSource,
        Field::Destination => Fault::LineDestination,
        Field::SourcePort => Fault::LineSourcePort,
        Field::DestinationPort => Fault::LineDestinationPort,
    }
}

/// Whether a dot behind `start` makes an IPv4 address where one of IPv6 is expected.
fn is_mixed(start: &[u8]) -> bool {
    let word = start.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    start.starts_with(b"PROXY TCP6")
        && (1..=3).contains(&word.len())
        && word.iter().all(u8::is_ascii_digit)
}
