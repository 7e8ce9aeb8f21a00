//! The headers we send. A receiver sees the families never mixed: where they differ, both addresses
//! are written as IPv6.

use std::fmt::{self, Display};
use std::io::Write as _;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use ppp::{v1, v2};

use super::tlv::{self, CHECKSUM_SIZE, FIXED, HEAD, SSL_FIXED, Ssl, Tlv, kind};
use super::v2::{INET_SIZE, INET6_SIZE, UNIX_SIZE};
use crate::sys::{Addr, UNIX_PATH_MAX};

/// Appends a version 1 line. `ends` are source and destination of the relayed connection; without
/// them, or with a unix socket among them, the line is `PROXY UNKNOWN`, which some receivers
/// refuse. Version 1 has no LOCAL: for a health check section 2.1 recommends the socket's own
/// addresses.
pub fn write_v1(out: &mut Vec<u8>, ends: Option<(&Addr, &Addr)>) {
    // Writing to a `Vec` does not fail.
    let _ = match ends.map_or(Ends::Unspecified, Ends::of) {
        Ends::V4(source, destination) => write!(
            out,
            "{}",
            v1::Addresses::new_tcp4(
                *source.ip(),
                *destination.ip(),
                source.port(),
                destination.port()
            )
        ),
        Ends::V6(source, destination) => write!(
            out,
            "{} {} {} {} {} {}\r\n",
            v1::PROTOCOL_PREFIX,
            v1::TCP6,
            Hexadecimal(*source.ip()),
            Hexadecimal(*destination.ip()),
            source.port(),
            destination.port()
        ),
        Ends::Unix(..) | Ends::Unspecified => write!(out, "{}", v1::Addresses::Unknown),
    };
}

/// An IPv6 address in hexadecimal digits and colons alone, as section 2.1 has it: no dotted end.
struct Hexadecimal(Ipv6Addr);

impl Display for Hexadecimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [.., high, low] = self.0.segments();
        match self.0.to_ipv4_mapped() {
            Some(_) => write!(f, "::ffff:{high:x}:{low:x}"),
            None => self.0.fmt(f),
        }
    }
}

/// Whose connection a header is sent on.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// The proxy's own, a health check for one: LOCAL. Receivers must accept it.
    Local,
    /// Relayed, and its ends are not known: PROXY and `AF_UNSPEC`, which is what section 2.2 has
    /// for "an unknown, unspecified or unsupported protocol". Receivers may refuse it, and some do:
    /// a caller who must get through says [`Origin::Local`] instead.
    Unknown,
    /// Relayed between these ends, source and destination, over a stream protocol. A unix socket at
    /// one end only is an unknown origin.
    Ends(&'a Addr, &'a Addr),
}

/// A version 2 header to send.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingHeader<'a> {
    /// Whose connection it is.
    pub origin: Origin<'a>,
    /// TLVs in their order, those of a received header for instance: a CRC32C among them is left
    /// out, being that of another header, and so is an SSL one if `ssl` is given. The value of an
    /// SSL one that is passed on must be valid.
    pub tlvs: &'a [Tlv<'a>],
    /// The SSL TLV.
    pub ssl: Option<Ssl<'a>>,
    /// Whether a checksum comes last.
    pub crc32c: bool,
}

/// A value does not fit its field: a unix name over 108 bytes, a unique ID over 128, or a TLV or
/// all of them over 65,535.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the PROXY v2 header does not fit its length fields")
    }
}

impl std::error::Error for TooLong {}

impl<'a> OutgoingHeader<'a> {
    /// A header without TLVs.
    #[must_use]
    pub const fn new(origin: Origin<'a>) -> Self {
        Self { origin, tlvs: &[], ssl: None, crc32c: false }
    }

    /// Appends the header, all of it or, with an error, nothing.
    ///
    /// # Errors
    /// [`TooLong`]; `out` is as it was.
    pub fn write_v2(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let (command, ends) = match self.origin {
            Origin::Local => (v2::Command::Local, Ends::Unspecified),
            Origin::Unknown => (v2::Command::Proxy, Ends::Unspecified),
            Origin::Ends(source, destination) => {
                (v2::Command::Proxy, Ends::of((source, destination)))
            }
        };
        // All that can fail is done before the first byte is written.
        let size = ends.size()? + self.tlvs_size()?;
        let length = u16::try_from(size).map_err(|_| TooLong)?;

        out.reserve(FIXED + size);
        let start = out.len();
        out.extend_from_slice(v2::PROTOCOL_PREFIX);
        out.extend_from_slice(&[v2::Version::Two | command, ends.family_protocol()]);
        out.extend_from_slice(&length.to_be_bytes());
        ends.write(out);
        for tlv in self.passed_on() {
            write_head(out, tlv.kind, tlv.value.len());
            out.extend_from_slice(tlv.value);
        }
        if let Some(ssl) = &self.ssl {
            write_head(out, kind::SSL, ssl_size(ssl));
            out.push(ssl.client);
            out.extend_from_slice(&ssl.verify.to_be_bytes());
            for part in ssl.parts() {
                write_head(out, part.kind, part.value.len());
                out.extend_from_slice(part.value);
            }
        }
        if self.crc32c {
            write_head(out, kind::CRC32C, CHECKSUM_SIZE);
            let field = out.len();
            out.extend_from_slice(&[0; CHECKSUM_SIZE]);
            let sum = crc32c::crc32c(&out[start..]);
            out[field..].copy_from_slice(&sum.to_be_bytes());
        }
        debug_assert_eq!(
            out.len() - start,
            FIXED + size,
            "the announced length is the written one"
        );
        Ok(())
    }

    fn passed_on(&self) -> impl Iterator<Item = &Tlv<'a>> {
        self.tlvs.iter().filter(|tlv| match tlv.kind {
            kind::CRC32C => false,
            kind::SSL => self.ssl.is_none(),
            _ => true,
        })
    }

    fn tlvs_size(&self) -> Result<usize, TooLong> {
        let mut size = 0;
        for tlv in self.passed_on() {
            let longest = match tlv.kind {
                kind::UNIQUE_ID => tlv::UNIQUE_ID_MAX,
                _ => u16::MAX.into(),
            };
            if tlv.value.len() > longest {
                return Err(TooLong);
            }
            size += HEAD + tlv.value.len();
        }
        if let Some(ssl) = &self.ssl {
            size += HEAD + ssl_size(ssl);
        }
        if self.crc32c {
            size += HEAD + CHECKSUM_SIZE;
        }
        Ok(size)
    }
}

/// The size of the value of an SSL TLV.
fn ssl_size(ssl: &Ssl<'_>) -> usize {
    SSL_FIXED + ssl.parts().map(|part| HEAD + part.value.len()).sum::<usize>()
}

/// Appends type and length of a TLV. The length fits: the whole block's does.
fn write_head(out: &mut Vec<u8>, kind: u8, length: usize) {
    let [.., high, low] = length.to_be_bytes();
    out.extend_from_slice(&[kind, high, low]);
}

/// Source and destination, of one family.
enum Ends<'a> {
    V4(&'a SocketAddrV4, &'a SocketAddrV4),
    V6(SocketAddrV6, SocketAddrV6),
    Unix(&'a [u8], &'a [u8]),
    Unspecified,
}

impl<'a> Ends<'a> {
    fn of((source, destination): (&'a Addr, &'a Addr)) -> Self {
        match (source, destination) {
            (Addr::Ip(SocketAddr::V4(source)), Addr::Ip(SocketAddr::V4(destination))) => {
                Self::V4(source, destination)
            }
            (Addr::Ip(source), Addr::Ip(destination)) => {
                Self::V6(as_v6(source), as_v6(destination))
            }
            (Addr::Unix(source), Addr::Unix(destination)) => Self::Unix(source, destination),
            _ => Self::Unspecified,
        }
    }

    /// The bytes its addresses take.
    const fn size(&self) -> Result<usize, TooLong> {
        match self {
            Self::V4(..) => Ok(INET_SIZE),
            Self::V6(..) => Ok(INET6_SIZE),
            Self::Unix(source, destination) => {
                if source.len() > UNIX_PATH_MAX || destination.len() > UNIX_PATH_MAX {
                    return Err(TooLong);
                }
                Ok(UNIX_SIZE)
            }
            Self::Unspecified => Ok(0),
        }
    }

    fn family_protocol(&self) -> u8 {
        match self {
            Self::V4(..) => v2::AddressFamily::IPv4 | v2::Protocol::Stream,
            Self::V6(..) => v2::AddressFamily::IPv6 | v2::Protocol::Stream,
            Self::Unix(..) => v2::AddressFamily::Unix | v2::Protocol::Stream,
            Self::Unspecified => v2::AddressFamily::Unspecified | v2::Protocol::Unspecified,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::V4(source, destination) => {
                out.extend_from_slice(&source.ip().octets());
                out.extend_from_slice(&destination.ip().octets());
                write_ports(out, source.port(), destination.port());
            }
            Self::V6(source, destination) => {
                out.extend_from_slice(&source.ip().octets());
                out.extend_from_slice(&destination.ip().octets());
                write_ports(out, source.port(), destination.port());
            }
            Self::Unix(source, destination) => {
                for name in [source, destination] {
                    let end = out.len() + UNIX_PATH_MAX;
                    out.extend_from_slice(name);
                    out.resize(end, 0);
                }
            }
            Self::Unspecified => {}
        }
    }
}

fn write_ports(out: &mut Vec<u8>, source: u16, destination: u16) {
    out.extend_from_slice(&source.to_be_bytes());
    out.extend_from_slice(&destination.to_be_bytes());
}

/// The address as IPv6, an IPv4 one mapped.
fn as_v6(address: &SocketAddr) -> SocketAddrV6 {
    match address {
        SocketAddr::V6(v6) => *v6,
        SocketAddr::V4(v4) => SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0),
    }
}
