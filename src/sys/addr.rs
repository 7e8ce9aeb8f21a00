//! Addresses of both families and of unix sockets, without the libc layout: that stays in the
//! kernel's half of this layer.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The longest `sun_path`, in bytes.
pub const UNIX_PATH_MAX: usize = 108;

/// Where one end of a connection is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Addr {
    /// IPv4 or IPv6 with a port. Never an IPv4-mapped IPv6 address: those become IPv4 at entry.
    Ip(SocketAddr),
    /// The bytes of a unix socket's name: a path without its final NUL, a leading NUL for the
    /// abstract name space, empty for an unnamed socket. At most [`UNIX_PATH_MAX`] bytes.
    Unix(Box<[u8]>),
}

/// The family a socket is created for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `AF_INET`
    V4,
    /// `AF_INET6`
    V6,
    /// `AF_UNIX`
    Unix,
}

impl Addr {
    /// An IP address, with an IPv4-mapped one turned into the IPv4 address it stands for, and the
    /// flow label dropped: it is no part of where the peer is.
    #[must_use]
    pub fn ip(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
                Some(v4) => Self::Ip(SocketAddr::new(IpAddr::V4(v4), v6.port())),
                None => Self::Ip(SocketAddr::V6(std::net::SocketAddrV6::new(
                    *v6.ip(),
                    v6.port(),
                    0,
                    v6.scope_id(),
                ))),
            },
            SocketAddr::V4(_) => Self::Ip(address),
        }
    }

    /// The family of the socket that can reach it.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::Ip(SocketAddr::V4(_)) => Family::V4,
            Self::Ip(SocketAddr::V6(_)) => Family::V6,
            Self::Unix(_) => Family::Unix,
        }
    }

    /// The IP address and port, where it has them.
    #[must_use]
    pub const fn as_ip(&self) -> Option<&SocketAddr> {
        match self {
            Self::Ip(ip) => Some(ip),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Addr {
    /// The form [`Addr::parse`] reads; bytes that are not printable ASCII are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Unix(name) => {
                f.write_str("unix:")?;
                match name.split_first() {
                    Some((0, rest)) => write!(f, "@{}", rest.escape_ascii()),
                    _ => write!(f, "{}", name.escape_ascii()),
                }
            }
        }
    }
}
