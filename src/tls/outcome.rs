//! What the steps of a session return, and what happens in them beside data.

use bitflags::bitflags;

use super::failure::Failure;

bitflags! {
    /// What happens beside data.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct TlsNotices: u8 {
        /// The peer has changed its keys.
        const KEYS_RECEIVED = 1;
        /// Our keys have changed.
        const KEYS_SENT = 2;
        /// An alert came that is only a warning.
        const WARNING_RECEIVED = 4;
        /// A renegotiation was declined, by a warning.
        const WARNING_SENT = 8;
        /// The peer's close_notify came.
        const CLOSE_RECEIVED = 16;
        /// Our close_notify was composed.
        const CLOSE_SENT = 32;
    }
}

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
