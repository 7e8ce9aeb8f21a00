//! What the steps of a session return.

use super::failure::Failure;

/// How a handshake stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// Everything received has been consumed; more must arrive.
    NeedInput,
    /// It is over: data may be decrypted, if any came along, and encrypted.
    Done,
    /// It failed, in this call or an earlier one.
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
pub enum InputEnd {
    /// After the peer's close_notify.
    Clean,
    /// Without one, but after the handshake and between records, where a peer that omits
    /// close_notify may stop: the data may be truncated.
    Truncated,
    /// Inside the handshake, a record or a handshake message, where no peer stops on purpose.
    Failed(Failure),
}
