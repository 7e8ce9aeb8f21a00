//! The header that a NetScaler puts before the bytes it relays, to say whose bytes they are ("client
//! IP insertion"): the IP and TCP headers of the client's own packet behind a number that both ends
//! have agreed on.
//!
//! Source: HAProxy's `netscaler-client-ip-insertion-protocol.txt`. Two layouts exist, all numbers in
//! network byte order, and the byte behind the first eight tells them apart:
//!
//! - legacy (before NetScaler 10.5): magic 4, length 4, packet headers;
//! - standard: magic 4, total length 4, type 2 (always 1), length 2, packet headers.
//!
//! The verdict is the same whether the bytes come at once or one by one, nothing is accepted before
//! its last byte, and what no further byte can make valid is [`Parsed::Bad`] at once.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::sys::Addr;

#[cfg(test)]
mod tests;

/// The magic number of both ends unless they agree on another.
pub const MAGIC: u32 = 0xCAFE_BABE;
/// The longest header in bytes: the longer layout around the longest packet headers.
pub const LONGEST: usize = STANDARD + PACKET_MAX;

/// The bytes in front of the packet headers, in each layout.
const LEGACY: usize = 4 + 4;
const STANDARD: usize = 4 + 4 + 2 + 2;
/// The only type of a standard header.
const TYPE_CLIENT: u16 = 1;

/// RFC 791 section 3.1: at least 20 bytes, at most 15 words of 4.
const IPV4_MIN: usize = 20;
const IPV4_PROTOCOL: usize = 9;
const IPV4_ADDRESSES: usize = 12;
/// RFC 8200 section 3.
const IPV6_SIZE: usize = 40;
const IPV6_NEXT_HEADER: usize = 6;
const IPV6_ADDRESSES: usize = 8;
/// RFC 9293 section 3.1: at least 20 bytes, at most 15 words of 4.
const TCP_MIN: usize = 20;
const TCP_OFFSET: usize = 12;
const WORDS_MAX: usize = 15 * 4;
const PROTOCOL_TCP: u8 = 6;
/// The shortest and the longest pair of packet headers.
const PACKET_MIN: usize = IPV4_MIN + TCP_MIN;
const PACKET_MAX: usize = WORDS_MAX + WORDS_MAX;

/// What the bytes at the front of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The beginning of a valid header.
    Partial {
        /// No valid header that begins like this is shorter, in bytes from the front. For sizing
        /// memory only: fewer bytes may already make it [`Parsed::Bad`].
        need: usize,
    },
    /// A whole, valid header.
    Whole {
        /// What it says.
        header: Header,
        /// How many bytes it has. Everything behind them is payload and was not looked at.
        len: usize,
    },
    /// No header, and no further byte can make it one.
    Bad(Fault),
}

/// A valid header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Where the client connects from.
    pub source: SocketAddr,
    /// Where it connected to.
    pub destination: SocketAddr,
}

impl Header {
    /// Source and destination to use in place of the socket's own. IPv4-mapped addresses are IPv4
    /// here.
    #[must_use]
    pub fn ends(&self) -> (Addr, Addr) {
        (Addr::ip(self.source), Addr::ip(self.destination))
    }
}

/// What is wrong with bytes that are not a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another magic number.
    Magic,
    /// Neither a packet of IPv4 or IPv6 nor the type of the standard layout.
    Layout,
    /// A length that the packet headers cannot have.
    Length,
    /// Two lengths that contradict each other.
    Lengths,
    /// No IPv4 or IPv6 header where one must be.
    IpHeader,
    /// A packet of another protocol than TCP.
    NotTcp,
    /// No TCP header that fits into the length.
    TcpHeader,
}

impl Fault {
    /// What is wrong, as a clause.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Magic => "NetScaler CIP: another magic number",
            Self::Layout => "NetScaler CIP: neither the legacy layout nor the standard one",
            Self::Length => "NetScaler CIP: a length that IP and TCP headers cannot have",
            Self::Lengths => "NetScaler CIP: the two lengths contradict each other",
            Self::IpHeader => "NetScaler CIP: malformed IP header",
            Self::NotTcp => "NetScaler CIP: the packet is not one of TCP",
            Self::TcpHeader => "NetScaler CIP: malformed TCP header",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why())
    }
}

impl std::error::Error for Fault {}

/// Reads the header at the front of `bytes`; what follows it may be there already. It costs at most
/// constant time and allocates nothing.
#[must_use]
pub fn parse(magic: u32, bytes: &[u8]) -> Parsed {
    match read(magic, bytes) {
        Ok((header, len)) => Parsed::Whole { header, len },
        Err(Stop::Short(need)) => Parsed::Partial { need },
        Err(Stop::Fault(fault)) => Parsed::Bad(fault),
    }
}

/// Why reading stops. The checks are made in one order, so that a fault found in few bytes is found
/// in more.
enum Stop {
    /// This many bytes are needed.
    Short(usize),
    Fault(Fault),
}

/// The bytes of a header that is at least `need` long.
struct Front<'a> {
    bytes: &'a [u8],
    need: usize,
}

impl Front<'_> {
    fn take<const N: usize>(&self, at: usize) -> Result<[u8; N], Stop> {
        let taken = self.bytes.get(at..at + N).and_then(|bytes| bytes.try_into().ok());
        taken.ok_or(Stop::Short(self.need))
    }

    fn u16(&self, at: usize) -> Result<u16, Stop> {
        self.take(at).map(u16::from_be_bytes)
    }

    fn u32(&self, at: usize) -> Result<u32, Stop> {
        self.take(at).map(u32::from_be_bytes)
    }

    fn byte(&self, at: usize) -> Result<u8, Stop> {
        self.take::<1>(at).map(|[byte]| byte)
    }
}

fn require(holds: bool, fault: Fault) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(Stop::Fault(fault)) }
}

fn read(magic: u32, bytes: &[u8]) -> Result<(Header, usize), Stop> {
    let same = bytes.iter().zip(magic.to_be_bytes()).all(|(got, want)| *got == want);
    require(same, Fault::Magic)?;
    let mut front = Front { bytes, need: LEGACY + PACKET_MIN };
    let (before, length) = layout(&front)?;
    require((PACKET_MIN..=PACKET_MAX).contains(&length), Fault::Length)?;
    front.need = before + length;
    let header = packet(&front, before, length)?;
    if bytes.len() < front.need { Err(Stop::Short(front.need)) } else { Ok((header, front.need)) }
}

/// Where the packet headers begin, and how long they are said to be.
fn layout(front: &Front<'_>) -> Result<(usize, usize), Stop> {
    let first = front.u32(4)? as usize;
    if matches!(front.byte(LEGACY)? >> 4, 4 | 6) {
        return Ok((LEGACY, first));
    }
    // The first byte of the type, which is 0.
    require(front.byte(LEGACY)? == TYPE_CLIENT.to_be_bytes()[0], Fault::Layout)?;
    require(front.u16(LEGACY)? == TYPE_CLIENT, Fault::Layout)?;
    let length = usize::from(front.u16(LEGACY + 2)?);
    // The specification does not say whether the total counts the bytes in front of the packet
    // headers.
    require((length..=length + STANDARD).contains(&first), Fault::Lengths)?;
    Ok((STANDARD, length))
}

/// The addresses in the packet headers.
fn packet(front: &Front<'_>, at: usize, length: usize) -> Result<Header, Stop> {
    let first = front.byte(at)?;
    let (ip_size, protocol) = match first >> 4 {
        4 => (usize::from(first & 0x0f) * 4, IPV4_PROTOCOL),
        6 => (IPV6_SIZE, IPV6_NEXT_HEADER),
        _ => return Err(Stop::Fault(Fault::IpHeader)),
    };
    require(ip_size >= IPV4_MIN, Fault::IpHeader)?;
    require(ip_size + TCP_MIN <= length, Fault::Length)?;
    require(front.byte(at + protocol)? == PROTOCOL_TCP, Fault::NotTcp)?;
    let (source, destination): (IpAddr, IpAddr) = if ip_size == IPV6_SIZE && first >> 4 == 6 {
        let from = at + IPV6_ADDRESSES;
        let (one, other) = (front.take::<16>(from)?, front.take::<16>(from + 16)?);
        (Ipv6Addr::from(one).into(), Ipv6Addr::from(other).into())
    } else {
        let from = at + IPV4_ADDRESSES;
        let (one, other) = (front.take::<4>(from)?, front.take::<4>(from + 4)?);
        (Ipv4Addr::from(one).into(), Ipv4Addr::from(other).into())
    };
    let tcp = at + ip_size;
    let ports = (front.u16(tcp)?, front.u16(tcp + 2)?);
    let tcp_size = usize::from(front.byte(tcp + TCP_OFFSET)? >> 4) * 4;
    require(tcp_size >= TCP_MIN && ip_size + tcp_size <= length, Fault::TcpHeader)?;
    Ok(Header {
        source: SocketAddr::new(source, ports.0),
        destination: SocketAddr::new(destination, ports.1),
    })
}
