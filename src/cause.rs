//! Why a connection ended: where (the operation) and why, with the detail from the layer below, and a
//! message for the log.

use std::borrow::Cow;
use std::fmt;

mod plain;

pub(crate) use plain::is_plain;

use crate::op::Op;
use crate::sys::Errno;

macro_rules! whys {
    ($($(#[doc = $doc:literal])+ $why:ident = $number:literal, $name:literal;)+) => {
        /// Why an operation failed or ended the connection.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Why { $($(#[doc = $doc])+ $why),+ }

        impl Why {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$why),+];

            /// The number of the reason at the C boundary: stable, and never used for another reason.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self { $(Self::$why => $number),+ }
            }

            /// The name of the reason, as it is printed.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$why => $name),+ }
            }

            /// The reason with this number, if there is one.
            #[must_use]
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|why| why.number() == number)
            }

            /// What the reason means, in one sentence.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$why => concat!($($doc),+).trim_ascii()),+ }
            }
        }
    };
}

whys! {
    /// The peer ended its side before the first expected byte.
    Empty = 1, "EMPTY";
    /// The peer ended its side before everything that was expected had arrived.
    Truncated = 2, "TRUNCATED";
    /// The host aborted the connection.
    Aborted = 3, "ABORTED";
    /// The deadline of the operation passed.
    TimedOut = 4, "TIMED_OUT";
    /// What the peer sent breaks the protocol.
    Malformed = 5, "MALFORMED";
    /// The peer, or its system, refused.
    Refused = 6, "REFUSED";
    /// The connection was reset by the peer or by the network in between.
    Reset = 7, "RESET";
    /// Our configuration does not accept the peer.
    Denied = 8, "DENIED";
    /// There is no route to the peer.
    Unreachable = 9, "UNREACHABLE";
    /// A resource of this process or machine is used up.
    LocalLimit = 10, "LOCAL_LIMIT";
    /// What the peer sent is larger than we accept.
    TooLarge = 11, "TOO_LARGE";
    /// The system refused a call for another reason.
    System = 12, "SYSTEM";
    /// The keys of the connection have protected as many records as they may.
    KeyLimit = 13, "KEY_LIMIT";
    /// No byte was read or written for the time that the host allows a session.
    Idle = 14, "IDLE";
}

/// The detail from the layer below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// None.
    None,
    /// An errno of the system.
    Errno(Errno),
    /// The TLS alert that was sent or received (RFC 8446 section 6).
    Alert(u8),
    /// The code of a custom handler.
    Host(i32),
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The operation that ended it; `None` while the session's own bytes moved.
    pub at: Option<Op>,
    /// The reason.
    pub why: Why,
    /// The detail from the layer below.
    pub detail: Detail,
    /// A message that a person can act on. Bytes of the peer are escaped in it.
    pub text: Cow<'static, str>,
    /// Whether it happened at the agent, to which there is a link, and not here.
    pub remote: bool,
}

impl Cause {
    /// A cause with the message of its reason.
    #[must_use]
    pub const fn new(at: Option<Op>, why: Why) -> Self {
        Self { at, why, detail: Detail::None, text: Cow::Borrowed(why.doc()), remote: false }
    }

    /// Replaces the message by a more precise one, in which text from the peer or the host is quoted.
    #[must_use]
    pub fn because(self, text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        debug_assert!(is_plain(&text), "a debug form for a person to read: {text}");
        self.in_words_of_others(text)
    }

    /// Replaces the message by a text of the host or the system, which may have any content.
    #[must_use]
    pub fn in_words_of_others(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.text = text.into();
        self
    }

    /// Marks what happened at the agent.
    #[must_use]
    pub const fn at_agent(mut self) -> Self {
        self.remote = true;
        self
    }

    /// Sets the detail from the layer below.
    #[must_use]
    pub const fn with(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }

    /// Whether it is an alert that the peer sent; another alert is ours.
    pub(crate) const fn is_received_alert(&self) -> bool {
        matches!((self.why, self.detail), (Why::Refused, Detail::Alert(_)))
    }

    /// The cause for an errno of a socket call.
    #[must_use]
    pub fn system(at: Option<Op>, errno: Errno) -> Self {
        let why = match errno.0 {
            _ if errno.is_reset() => Why::Reset,
            _ if errno.is_local_limit() => Why::LocalLimit,
            libc::ECONNREFUSED | libc::ENOENT => Why::Refused,
            libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EHOSTDOWN | libc::ENETDOWN => {
                Why::Unreachable
            }
            libc::ETIMEDOUT => Why::TimedOut,
            libc::EACCES | libc::EPERM => Why::Denied,
            _ => Why::System,
        };
        Self::new(at, why).with(Detail::Errno(errno)).in_words_of_others(errno.to_string())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.map_or("SESSION", Op::name);
        write!(f, "{at} {}", self.why.name())?;
        match self.detail {
            Detail::None => {}
            Detail::Errno(errno) => write!(f, " errno {}", errno.0)?,
            Detail::Alert(alert) => write!(f, " alert {alert}")?,
            Detail::Host(code) => write!(f, " code {code}")?,
        }
        if self.remote {
            f.write_str(" remote")?;
        }
        write!(f, ": {}", self.text)
    }
}
