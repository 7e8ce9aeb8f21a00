//! What a header says, and what the bytes at the front of a connection are.

use std::net::SocketAddr;

use super::fault::Malformed;
use super::tlv::{self, Ssl, Tlvs};
use crate::sys::Addr;

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

/// A valid header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The format it came in.
    pub version: Version,
    /// Who the connection is from.
    pub command: Command,
    /// The ends it announces.
    pub addresses: Addresses,
    /// The bytes of its TLVs: empty, or verified by [`parse`](super::parse).
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
    /// No addresses to use: LOCAL, `UNKNOWN`, or a family or protocol left unspecified. The
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
