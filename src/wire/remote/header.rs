//! The header of a frame, and what each type of frame demands of it.

use super::numbers::flag;
use super::sizes::{
    ADDRESS, CLOSED, FACTS, LONG_BYTES, NAME, NOTHING, PAYLOAD_MAX, Sizes, TARGET, TEXT,
};

/// The version of the protocol that this module reads and writes.
pub const VERSION: u16 = 1;
/// The bytes of a frame's header: the length of the payload (2), the type, the flags, the channel (4).
pub const HEADER: usize = 8;

/// Where the type stands in the header, and where what follows it does.
pub(super) const TYPE: usize = 2;
pub(super) const FLAGS: usize = 3;
pub(super) const CHANNEL: usize = 4;

/// The type of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RemoteFrameType {
    /// The first frame of each side.
    Hello = 1,
    /// Asks for a PONG.
    Ping = 2,
    /// The answer to PING.
    Pong = 3,
    /// Its sender takes no further channel, or ends the link.
    Goaway = 4,
    /// The client wants the connections of a listener, or wants them no longer.
    Listen = 5,
    /// The client asks for a connection.
    Open = 16,
    /// The connection is there.
    Opened = 17,
    /// The client asks for TLS on the connection.
    Secure = 18,
    /// TLS is there.
    Secured = 19,
    /// A connection that the agent has accepted.
    Incoming = 20,
    /// Bytes of the connection.
    Data = 21,
    /// How many bytes the other side may send in all.
    Credit = 22,
    /// The sender's bytes end here.
    End = 23,
    /// The client is done with the connection.
    Close = 24,
    /// The client wants the connection reset.
    Reset = 25,
    /// The connection is over.
    Closed = 26,
}

impl RemoteFrameType {
    /// Every type.
    pub const ALL: &'static [Self] = &[
        Self::Hello,
        Self::Ping,
        Self::Pong,
        Self::Goaway,
        Self::Listen,
        Self::Open,
        Self::Opened,
        Self::Secure,
        Self::Secured,
        Self::Incoming,
        Self::Data,
        Self::Credit,
        Self::End,
        Self::Close,
        Self::Reset,
        Self::Closed,
    ];

    /// The number that stands in the header.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The type with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }

    /// The name, as it is printed: that of `docs/remote-protocol.md`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hello => "HELLO",
            Self::Ping => "PING",
            Self::Pong => "PONG",
            Self::Goaway => "GOAWAY",
            Self::Listen => "LISTEN",
            Self::Open => "OPEN",
            Self::Opened => "OPENED",
            Self::Secure => "SECURE",
            Self::Secured => "SECURED",
            Self::Incoming => "INCOMING",
            Self::Data => "DATA",
            Self::Credit => "CREDIT",
            Self::End => "END",
            Self::Close => "CLOSE",
            Self::Reset => "RESET",
            Self::Closed => "CLOSED",
        }
    }

    /// Whether such a frame is about the link itself: its channel is 0, and no other frame's is.
    #[must_use]
    pub const fn is_of_link(self) -> bool {
        matches!(self, Self::Hello | Self::Ping | Self::Pong | Self::Goaway | Self::Listen)
    }

    /// The flags that the type defines.
    pub(super) const fn flags(self) -> u8 {
        match self {
            Self::Hello => flag::HELLO_PASSES,
            Self::Listen => flag::LISTEN_STOP,
            Self::Open => flag::OPEN_DESCRIPTOR,
            Self::Opened => flag::OPENED_DESCRIPTOR,
            Self::Incoming => flag::INCOMING_DESCRIPTOR | flag::INCOMING_TLS,
            Self::End => flag::END_TRUNCATED,
            Self::Closed => flag::CLOSED_NOT_BEGUN,
            _ => 0,
        }
    }

    /// The sizes that the payload can have, with these flags.
    pub(super) const fn sizes(self, flags: u8) -> Sizes {
        match self {
            Self::Hello => Sizes::exactly(8 + 2 + 2 + 4),
            Self::Ping | Self::Pong | Self::Credit => Sizes::exactly(8),
            Self::Goaway => Sizes::exactly(1).then(TEXT),
            Self::Listen => NAME,
            Self::Open => Sizes::exactly(4).then(TARGET).then(ADDRESS),
            Self::Opened => Sizes::exactly(4).then(ADDRESS).then(ADDRESS),
            Self::Secure => NAME.then(NAME),
            Self::Secured => FACTS,
            Self::Incoming => Sizes::exactly(4).then(TEXT).then(incoming_behind_name(flags)),
            Self::Data => Sizes::range(1, PAYLOAD_MAX),
            Self::End | Self::Close | Self::Reset => NOTHING,
            Self::Closed => CLOSED,
        }
    }
}

/// The two addresses of INCOMING, the PROXY header, and with TLS its facts.
pub(super) const fn incoming_behind_name(flags: u8) -> Sizes {
    ADDRESS.then(ADDRESS).then(LONG_BYTES).then(incoming_tls(flags))
}

/// The TLS facts of INCOMING, where it has them.
pub(super) const fn incoming_tls(flags: u8) -> Sizes {
    if flags & flag::INCOMING_TLS != 0 { FACTS } else { NOTHING }
}

/// The header of a DATA frame with `len` bytes, 1 to [`PAYLOAD_MAX`], of a channel: for whoever sends
/// the bytes from where they lie. It is what [`write`](super::write()) puts in front of them.
#[must_use]
pub const fn data_header(channel: u32, len: usize) -> [u8; HEADER] {
    debug_assert!(len >= 1 && len <= PAYLOAD_MAX);
    header(len, RemoteFrameType::Data, 0, channel)
}

/// The header of a frame with `len` bytes of payload, at most [`PAYLOAD_MAX`].
pub(super) const fn header(
    len: usize,
    kind: RemoteFrameType,
    flags: u8,
    channel: u32,
) -> [u8; HEADER] {
    let [high, low] = (len as u16).to_be_bytes();
    let [a, b, c, d] = channel.to_be_bytes();
    [high, low, kind.number(), flags, a, b, c, d]
}
