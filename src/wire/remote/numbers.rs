//! The numbers that stand in frames, apart from those of the types of frames.

/// What HELLO begins with: whoever sends something else speaks another protocol.
pub(super) const MAGIC: [u8; 8] = *b"vst-link";

/// The flags, by the type that defines them.
pub(super) mod flag {
    pub(in super::super) const HELLO_PASSES: u8 = 1;
    pub(in super::super) const LISTEN_STOP: u8 = 1;
    pub(in super::super) const OPEN_DESCRIPTOR: u8 = 1;
    pub(in super::super) const OPENED_DESCRIPTOR: u8 = 1;
    pub(in super::super) const INCOMING_DESCRIPTOR: u8 = 1;
    pub(in super::super) const INCOMING_TLS: u8 = 2;
    pub(in super::super) const END_TRUNCATED: u8 = 1;
    pub(in super::super) const CLOSED_NOT_BEGUN: u8 = 1;
}

/// The forms of an address or a target.
pub(super) mod form {
    pub(in super::super) const NONE: u8 = 0;
    pub(in super::super) const UNIX: u8 = 1;
    pub(in super::super) const NAME: u8 = 3;
    pub(in super::super) const V4: u8 = 4;
    pub(in super::super) const V6: u8 = 6;
}

/// Whether CLOSED has a failure, and the forms of the failure's detail.
pub(super) mod failure {
    pub(in super::super) const ABSENT: u8 = 0;
    pub(in super::super) const PRESENT: u8 = 1;
    pub(in super::super) const NO_DETAIL: u8 = 0;
    pub(in super::super) const ERRNO: u8 = 1;
    pub(in super::super) const ALERT: u8 = 2;
    pub(in super::super) const HANDLER: u8 = 3;
}

/// The values of TLS facts.
pub(super) mod tls {
    /// TLS 1.2 and TLS 1.3 (RFC 5246 section 7.4.1.2, RFC 8446 section 4.2.1).
    pub(in super::super) const VERSIONS: [u16; 2] = [0x0303, 0x0304];
    pub(in super::super) const RESUMED: u8 = 1;
    /// Not asked, absent, valid, skipped.
    pub(in super::super) const VERIFIED_MAX: u8 = 3;
}
