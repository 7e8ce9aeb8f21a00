//! Why the TLS of a connection failed.

use std::borrow::Cow;
use std::fmt;

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The peer broke the protocol, or does not speak it.
    PeerMisbehaved,
    /// The peer ended the connection with this alert.
    AlertReceived(u8),
    /// A certificate was not accepted, or not sent.
    Certificate,
    /// There is no version, cipher, group, signature, name or protocol that both sides take.
    NoCommonParameters,
    /// A handshake message is longer than we keep.
    TooLarge,
    /// The keys have protected as many records as they may, and cannot be changed (TLS 1.2).
    KeyLimit,
    /// The peer ended the connection without close_notify.
    Truncated,
    /// Our own fault.
    Internal,
}

/// The end of a connection's TLS, before or instead of a clean close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of thing went wrong.
    pub why: FailureKind,
    /// The alert (RFC 8446 section 6) that was received, or that we sent. Where rustls sent it
    /// encrypted, it is derived from the error.
    pub alert: Option<u8>,
    /// A sentence for a log.
    pub text: Cow<'static, str>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}
