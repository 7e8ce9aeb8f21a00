//! The frames as values, which borrow texts and bytes from where they lie.

use super::facts::TlsFacts;
use super::header::RemoteFrameType;
use crate::sys::Addr;

/// A frame. `docs/remote-protocol.md` says what each means and when it may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteFrame<'a> {
    /// The first frame of each side.
    Hello(RemoteHello),
    /// Asks for a PONG with the same token.
    Ping(u64),
    /// The answer to PING, with its token.
    Pong(u64),
    /// The sender takes no further channel or, unless for a restart, ends the link.
    Goaway {
        /// Why.
        reason: GoawayReason,
        /// A message for a person.
        text: &'a str,
    },
    /// The client wants the connections of a listener of the agent's.
    Listen {
        /// The listener's name; not empty.
        name: &'a str,
        /// Whether it wants them no longer.
        stop: bool,
    },
    /// The client asks for a connection.
    Open(RemoteOpen<'a>),
    /// The connection that was asked for is there.
    Opened(RemoteOpened),
    /// The client asks for TLS on the connection.
    Secure {
        /// The name of a profile in the agent's configuration; not empty.
        profile: &'a str,
        /// The name that the server's certificate must have; not empty.
        server_name: &'a str,
    },
    /// TLS is there.
    Secured(TlsFacts<'a>),
    /// A connection that the agent has accepted.
    Incoming(RemoteIncoming<'a>),
    /// Bytes of the connection: 1 to [`PAYLOAD_MAX`](super::PAYLOAD_MAX).
    Data(&'a [u8]),
    /// How many bytes of DATA the other side may have sent on this channel in all.
    Credit(u64),
    /// The sender's bytes end here.
    End {
        /// Whether they end without the end that TLS has (`close_notify`).
        truncated: bool,
    },
    /// The client is done with the connection.
    Close,
    /// The client wants the connection reset.
    Reset,
    /// The connection is over: the agent's last frame on the channel.
    Closed(RemoteClosed<'a>),
}

impl RemoteFrame<'_> {
    /// The type that stands in the header.
    #[must_use]
    pub const fn frame_type(&self) -> RemoteFrameType {
        match self {
            Self::Hello(_) => RemoteFrameType::Hello,
            Self::Ping(_) => RemoteFrameType::Ping,
            Self::Pong(_) => RemoteFrameType::Pong,
            Self::Goaway { .. } => RemoteFrameType::Goaway,
            Self::Listen { .. } => RemoteFrameType::Listen,
            Self::Open(_) => RemoteFrameType::Open,
            Self::Opened(_) => RemoteFrameType::Opened,
            Self::Secure { .. } => RemoteFrameType::Secure,
            Self::Secured(_) => RemoteFrameType::Secured,
            Self::Incoming(_) => RemoteFrameType::Incoming,
            Self::Data(_) => RemoteFrameType::Data,
            Self::Credit(_) => RemoteFrameType::Credit,
            Self::End { .. } => RemoteFrameType::End,
            Self::Close => RemoteFrameType::Close,
            Self::Reset => RemoteFrameType::Reset,
            Self::Closed(_) => RemoteFrameType::Closed,
        }
    }
}

/// What each side says of itself first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteHello {
    /// The lowest version that the client speaks; the one that the agent has chosen.
    pub lowest: u16,
    /// The highest version that the client speaks; the same one again.
    pub highest: u16,
    /// How many channels the sender lets the other side have open at once.
    pub channels: u32,
    /// Whether descriptors may be passed over this link.
    pub passes: bool,
}

/// Why a side takes no further channel or ends the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoawayReason {
    /// It is being restarted: the channels that exist go on.
    Restart,
    /// The two sides have no version in common.
    Version,
    /// What was received is no frame, or none that may stand there.
    Malformed,
    /// More DATA was received than was allowed.
    Credit,
    /// More channels were opened than HELLO allows, or something else is used up.
    Limit,
    /// The other side may not use this link.
    Denied,
    /// Nothing was received for too long.
    Timeout,
}

impl GoawayReason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::Restart,
        Self::Version,
        Self::Malformed,
        Self::Credit,
        Self::Limit,
        Self::Denied,
        Self::Timeout,
    ];

    /// The number that stands in the frame.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Restart => 0,
            Self::Version => 1,
            Self::Malformed => 2,
            Self::Credit => 3,
            Self::Limit => 4,
            Self::Denied => 5,
            Self::Timeout => 6,
        }
    }

    /// The reason with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.number() == number)
    }

    /// The name, as it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Version => "version",
            Self::Malformed => "malformed",
            Self::Credit => "credit",
            Self::Limit => "limit",
            Self::Denied => "denied",
            Self::Timeout => "timeout",
        }
    }
}

/// Where the agent is to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteTarget<'a> {
    /// An address.
    Addr(Addr),
    /// A name that the agent is to resolve.
    Name {
        /// The name: 1 to 253 bytes.
        host: &'a str,
        /// The port, which is not 0.
        port: u16,
    },
}

/// A connection that the client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteOpen<'a> {
    /// How many bytes of DATA the agent may send before the client's first CREDIT.
    pub window: u32,
    /// Where to.
    pub target: RemoteTarget<'a>,
    /// The address to connect from; without one the agent's system chooses.
    pub source: Option<Addr>,
    /// Whether the client would take the connection's descriptor instead of its bytes.
    pub takes_descriptor: bool,
}

/// The connection that was asked for is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteOpened {
    /// How many bytes of DATA the client may send before the agent's first CREDIT.
    pub window: u32,
    /// The agent's own end of the connection.
    pub local: Option<Addr>,
    /// The server's end.
    pub peer: Option<Addr>,
    /// Whether the descriptor comes with the first byte of this frame; then the channel is over.
    pub descriptor: bool,
}

/// A connection that the agent has accepted for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteIncoming<'a> {
    /// How many bytes of DATA the client may send before the agent's first CREDIT.
    pub window: u32,
    /// The name of the listener.
    pub name: &'a str,
    /// The end of whoever connected.
    pub peer: Option<Addr>,
    /// The agent's own end of the connection.
    pub local: Option<Addr>,
    /// A whole PROXY protocol header as it was received; empty for none.
    pub proxy_header: &'a [u8],
    /// What TLS agreed on, where the agent has done it.
    pub tls: Option<TlsFacts<'a>>,
    /// Whether the descriptor comes with the first byte of this frame; then the channel is over.
    pub descriptor: bool,
}

/// How a connection ended, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteClosed<'a> {
    /// Whether anything was done about OPEN; if not, it may be repeated elsewhere.
    pub begun: bool,
    /// What went wrong; none after an orderly end.
    pub failure: Option<RemoteFailure<'a>>,
}

/// What went wrong with a connection at the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteFailure<'a> {
    /// The number of the operation that failed, as in C; 0 for none.
    pub op: u8,
    /// The number of the reason, as in C.
    pub why: u8,
    /// The detail from the layer below.
    pub detail: RemoteDetail,
    /// A message for a person.
    pub text: &'a str,
}

/// The detail of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteDetail {
    /// None.
    None,
    /// An errno of the agent's system.
    Errno(i32),
    /// The TLS alert that was sent or received (RFC 8446 section 6).
    Alert(u8),
    /// The code of a handler of the agent's host.
    Handler(i32),
}
