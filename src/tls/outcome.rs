//! What the steps of a session answer.

use super::failure::Failure;

/// How a handshake stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// Everything received is used up; more must come.
    NeedInput,
    /// It is over: data may be decrypted, if any came along, and encrypted.
    Done,
    /// It failed, now or before.
    Failed(Failure),
}

/// What decrypting brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Bytes appended to the plaintext buffer.
    pub got: usize,
    /// The peer's close_notify has been read; nothing more will come.
    pub closed: bool,
    /// A complete record waits and the plaintext buffer has no room for it. Nothing is lost; the
    /// same call with more room goes on.
    pub no_room: bool,
}

/// How the input ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// After the peer's close_notify.
    Clean,
    /// Without one, and else where a peer may stop that does not care to send it: what it meant to
    /// say may be cut short.
    Truncated,
    /// Inside the handshake, a record or a message: no peer stops there.
    Failed(Failure),
}
