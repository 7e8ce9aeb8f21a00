//! Why bytes are not a header.

use std::fmt;

/// Why bytes are not a header, and where that became certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong.
    pub fault: Fault,
    /// The offset, from the front, of the byte that made the header invalid whatever follows it.
    /// For [`Fault::Checksum`] that of the checksum.
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
    /// v1: no CR LF within [`V1_MAX`](super::V1_MAX) bytes.
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
