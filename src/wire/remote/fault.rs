//! Why bytes are not a frame.

use std::fmt;

use super::header::RemoteFrameType;
use super::sizes::{HOST_MAX, PAYLOAD_MAX};
use crate::sys::UNIX_PATH_MAX;

/// What is wrong with bytes that are not a frame. None of these ends well: the link they came on is to
/// be ended with [`GoawayReason::Malformed`](super::GoawayReason::Malformed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A payload longer than [`PAYLOAD_MAX`].
    TooLong,
    /// A type that does not exist.
    Type(u8),
    /// Flags of which the type does not define each.
    Flags(RemoteFrameType, u8),
    /// A frame about the link that names a channel.
    OnChannel(RemoteFrameType),
    /// A frame about a channel that names none.
    OnLink(RemoteFrameType),
    /// A channel that the side which sends such frames cannot number so: OPEN has odd ones, INCOMING
    /// even ones.
    Number(RemoteFrameType, u32),
    /// Fields that do not fit into the payload.
    Short(RemoteFrameType),
    /// More payload than fields.
    Long(RemoteFrameType),
    /// HELLO without the eight bytes that it begins with.
    Magic,
    /// A reason of GOAWAY that does not exist.
    Reason(u8),
    /// A text that must not be empty and is.
    Empty(RemoteFrameType),
    /// A text with a NUL.
    Nul(RemoteFrameType),
    /// A text that is not UTF-8.
    Utf8(RemoteFrameType),
    /// A form of address that does not exist, or does not here.
    AddressForm(RemoteFrameType, u8),
    /// An IPv6 address that stands for one of IPv4.
    Mapped(RemoteFrameType),
    /// A name of a unix socket with more than 108 bytes.
    UnixName(RemoteFrameType, u8),
    /// A target's name with 0 or more than 253 bytes.
    HostLength(u8),
    /// A target's name with port 0.
    HostPort,
    /// A version of TLS other than 1.2 and 1.3.
    TlsVersion,
    /// Flags of TLS facts of which not each is defined.
    TlsFlags(u8),
    /// A number that says nothing about the peer's certificate.
    Verified(u8),
    /// A certificate without a byte.
    EmptyCertificate,
    /// Neither a failure nor none.
    Failure(u8),
    /// A form of a failure's detail that does not exist.
    Detail(u8),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooLong => write!(f, "a frame with more than {PAYLOAD_MAX} bytes of payload"),
            Self::Type(number) => write!(f, "a frame of unknown type {number}"),
            Self::Flags(kind, flags) => {
                write!(f, "{} with an unknown flag: 0x{flags:02x}", kind.name())
            }
            Self::OnChannel(kind) => {
                write!(f, "{} on a channel: such a frame belongs to channel 0", kind.name())
            }
            Self::OnLink(kind) => {
                write!(f, "{} on channel 0: such a frame needs a channel", kind.name())
            }
            Self::Number(kind, channel) => write!(
                f,
                "{} with channel {channel}: the numbers of OPEN are odd, those of INCOMING even",
                kind.name()
            ),
            Self::Short(kind) => write!(f, "{} is shorter than its fields", kind.name()),
            Self::Long(kind) => write!(f, "{} is longer than its fields", kind.name()),
            Self::Magic => f.write_str("HELLO does not begin with vst-link"),
            Self::Reason(number) => write!(f, "GOAWAY with unknown reason {number}"),
            Self::Empty(kind) => write!(f, "{} with an empty name", kind.name()),
            Self::Nul(kind) => write!(f, "{} with a NUL in a text", kind.name()),
            Self::Utf8(kind) => write!(f, "{} with a text that is not UTF-8", kind.name()),
            Self::AddressForm(kind, form) => {
                write!(
                    f,
                    "{} with an address of form {form}, which cannot stand there",
                    kind.name()
                )
            }
            Self::Mapped(kind) => {
                write!(f, "{} with an IPv4 address written as one of IPv6", kind.name())
            }
            Self::UnixName(kind, len) => write!(
                f,
                "{} with a unix socket's name of {len} bytes; {UNIX_PATH_MAX} is the most",
                kind.name()
            ),
            Self::HostLength(len) => {
                write!(f, "OPEN to a host's name of {len} bytes; it has 1 to {HOST_MAX}")
            }
            Self::HostPort => f.write_str("OPEN to port 0 of a host"),
            Self::TlsVersion => f.write_str("TLS facts with a version other than TLS 1.2 and 1.3"),
            Self::TlsFlags(flags) => write!(f, "TLS facts with an unknown flag: 0x{flags:02x}"),
            Self::Verified(number) => {
                write!(f, "TLS facts with an unknown result of verification: {number}")
            }
            Self::EmptyCertificate => f.write_str("TLS facts with an empty certificate"),
            Self::Failure(number) => {
                write!(f, "CLOSED with {number} where 0 is no failure and 1 is one")
            }
            Self::Detail(form) => write!(f, "CLOSED with a detail of unknown form {form}"),
        }
    }
}

impl std::error::Error for Fault {}
