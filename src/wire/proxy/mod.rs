//! The PROXY protocol, versions 1 and 2: the header a proxy puts before the bytes it relays, to say
//! whose bytes they are.
//!
//! The published specification (`proxy-protocol.txt`) is the judge; "section" means a section of
//! it. [`parse`] reads, [`write_v1`] and [`Outgoing`] write. Two promises hold for every input:
//!
//! - the verdict on a header is the same whether its bytes come at once or one by one, and nothing
//!   is accepted before its last byte;
//! - what no further byte can make valid is [`Parsed::Bad`] at once ("abort the connection as soon
//!   as possible", section 2.1). One exception: a checksum is compared when the header is whole.

use std::fmt;
use std::net::SocketAddr;

use crate::sys::Addr;

mod build;
#[cfg(test)]
mod tests;
pub mod tlv;
mod v1;
mod v2;

pub use build::{Origin, Outgoing, TooLong, write_v1};
pub use tlv::{Ssl, Tlv, Tlvs};

/// The longest version 1 header, its CR LF included, in bytes (section 2.1).
pub const V1_MAX: usize = v1::LINE_MAX;
/// What every version 2 header begins with (section 2.2).
pub const SIGNATURE: &[u8] = ppp::v2::PROTOCOL_PREFIX;
/// The longest version 2 header in bytes: the fixed part and the longest block (section 2.2).
pub const V2_MAX: usize = v2::FIXED + u16::MAX as usize;

/// What the bytes at the front of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The beginning of a valid header.
    Partial {
        /// No valid header that begins like this is shorter, in bytes from the front; exact once
        /// the 16 fixed bytes of version 2 are there. For sizing memory only: fewer bytes may
        /// already make it [`Parsed::Bad`], so parse again whenever some came.
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
    Bad(Malformed),
}

/// Reads the header at the front of `bytes`; what follows it may be there already.
///
/// A parse costs at most linear time in the header, and allocates only for a whole header that
/// has TLVs or unix addresses.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed {
    match bytes.first() {
        None => Parsed::Partial { need: v1::SHORTEST },
        Some(b'P') => v1::parse(bytes),
        Some(b'\r') => v2::parse(bytes),
        Some(_) => Parsed::Bad(Malformed { fault: Fault::NotProxy, at: 0 }),
    }
}

/// A valid header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The format it came in.
    pub version: Version,
    /// Who the connection is from.
    pub command: Command,
    /// The ends it announces.
    pub addresses: Addresses,
    /// The bytes of its TLVs: empty, or verified by [`parse`].
    pub tlvs: Box<[u8]>,
}

impl Header {
    /// Source and destination to use in place of the socket's own; none when the socket's own are
    /// the ones to use ([`Addresses::None`]). IPv4-mapped addresses are IPv4 here.
    #[must_use]
    pub fn ends(&self) -> Option<(Addr, Addr)> {
        match &self.addresses {
            Addresses::None => None,
            Addresses::Tcp { source, destination } | Addresses::Udp { source, destination } => {
                Some((Addr::ip(*source), Addr::ip(*destination)))
            }
            Addresses::Unix { source, destination, .. } => {
                Some((Addr::Unix(source.clone()), Addr::Unix(destination.clone())))
            }
        }
    }

    /// Its TLVs, in their order.
    #[must_use]
    pub const fn tlvs(&self) -> Tlvs<'_> {
        Tlvs::new(&self.tlvs)
    }

    /// The value of its first TLV of this [`tlv::kind`].
    #[must_use]
    pub fn tlv(&self, kind: u8) -> Option<&[u8]> {
        self.tlvs().find(kind)
    }

    /// Its SSL TLV, taken apart.
    #[must_use]
    pub fn ssl(&self) -> Option<Ssl<'_>> {
        self.tlv(tlv::kind::SSL).and_then(Ssl::parse)
    }
}

/// The format of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The text line of section 2.1.
    V1,
    /// The binary block of section 2.2.
    V2,
}

/// Who a connection is from. Version 1 knows only [`Command::Proxy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// From the proxy itself, a health check for one: its addresses are the socket's.
    Local,
    /// Relayed on behalf of somebody else.
    Proxy,
}

/// The ends of the connection that is relayed, as they were announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// Nothing to be believed: LOCAL, `UNKNOWN`, or a family or protocol left unspecified. The
    /// socket's own addresses are the ones to use.
    None,
    /// TCP over IPv4 or IPv6; both ends are of one family.
    Tcp {
        /// Where the client connects from.
        source: SocketAddr,
        /// Where it connected to.
        destination: SocketAddr,
    },
    /// UDP over IPv4 or IPv6; both ends are of one family.
    Udp {
        /// Where the client sends from.
        source: SocketAddr,
        /// Where it sent to.
        destination: SocketAddr,
    },
    /// Unix sockets; names are as in [`Addr::Unix`].
    Unix {
        /// Whether it is a stream socket; else it is a datagram socket.
        stream: bool,
        /// The client's name, mostly empty.
        source: Box<[u8]>,
        /// The name it connected to.
        destination: Box<[u8]>,
    },
}

/// Why bytes are not a header, and where that became certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong.
    pub fault: Fault,
    /// The offset of the first byte after which nothing could help, from the front. For
    /// [`Fault::Checksum`] that of the checksum.
    pub at: usize,
}

impl Malformed {
    /// What is wrong, as a clause.
    #[must_use]
    pub const fn why(self) -> &'static str {
        self.fault.why()
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (byte {})", self.why(), self.at)
    }
}

impl std::error::Error for Malformed {}

/// What is wrong with bytes that are not a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Neither `PROXY ` nor the signature of version 2.
    NotProxy,
    /// v1: not `TCP4`, `TCP6` or `UNKNOWN`.
    LineProtocol,
    /// v1: no source address of the protocol's family.
    LineSource,
    /// v1: no destination address of the protocol's family.
    LineDestination,
    /// v1: an IPv4 destination under `TCP6`.
    LineMixed,
    /// v1: no source port in 0..=65535, in decimal without sign or heading zero.
    LineSourcePort,
    /// v1: no such destination port, or something behind it.
    LineDestinationPort,
    /// v1: CR or LF before the end, or one without the other.
    LineEnd,
    /// v1: no CR LF within [`V1_MAX`] bytes.
    LineTooLong,
    /// v2: a version that is not 2.
    Version,
    /// v2: a command that is not LOCAL or PROXY.
    Command,
    /// v2: an address family that is not assigned.
    Family,
    /// v2: a transport protocol that is not assigned.
    Protocol,
    /// v2: a block shorter than the addresses it has to hold.
    ShortBlock,
    /// v2: a TLV that ends behind its container.
    TlvPastEnd,
    /// v2: one or two bytes behind the last TLV of a container.
    TlvLeftover,
    /// v2: a TLV with a length that its type cannot have.
    TlvLength,
    /// v2: a second checksum; the rule "replace the field by zeroes" allows one.
    SecondChecksum,
    /// v2: a CRC32C that is not that of the header.
    Checksum,
}

impl Fault {
    /// What is wrong, as a clause.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::NotProxy => "neither a PROXY line nor the PROXY v2 signature",
            Self::LineProtocol => "PROXY v1: the protocol is not TCP4, TCP6 or UNKNOWN",
            Self::LineSource => "PROXY v1: malformed source address",
            Self::LineDestination => "PROXY v1: malformed destination address",
            Self::LineMixed => {
                "PROXY v1: an IPv4 destination under TCP6; nginx's stream proxy sends this where it \
                 listens on IPv4 and took the client's IPv6 address from a proxy in front: let it \
                 listen on IPv6 ([::]), or relay without set_real_ip_from"
            }
            Self::LineSourcePort => "PROXY v1: malformed source port",
            Self::LineDestinationPort => "PROXY v1: malformed destination port",
            Self::LineEnd => "PROXY v1: the line does not end in CR LF behind its last field",
            Self::LineTooLong => "PROXY v1: no CR LF within 107 bytes",
            Self::Version => "PROXY v2: the version is not 2",
            Self::Command => "PROXY v2: the command is not LOCAL or PROXY",
            Self::Family => "PROXY v2: unassigned address family",
            Self::Protocol => "PROXY v2: unassigned transport protocol",
            Self::ShortBlock => "PROXY v2: the header is too short for its addresses",
            Self::TlvPastEnd => "PROXY v2: a TLV ends behind what holds it",
            Self::TlvLeftover => "PROXY v2: bytes behind the last TLV that cannot be a TLV",
            Self::TlvLength => "PROXY v2: a TLV with a length that its type cannot have",
            Self::SecondChecksum => "PROXY v2: a second CRC32C",
            Self::Checksum => "PROXY v2: the CRC32C does not match the header",
        }
    }
}
