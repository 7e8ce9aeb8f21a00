//! Which sizes the fields of a payload can have. The length of a frame is known before its fields are,
//! so that a field which leaves too few or too many bytes for those behind it is refused at its first
//! byte.

use crate::sys::UNIX_PATH_MAX;

/// The most bytes of a frame's payload.
pub const PAYLOAD_MAX: usize = 16 * 1024;
/// The most bytes of a text, which has a length of one byte.
pub(super) const TEXT_MAX: usize = u8::MAX as usize;
/// The most bytes of a target's name (RFC 1035 section 2.3.4: 255 on the wire, 253 as a text).
pub(super) const HOST_MAX: usize = 253;
/// The bytes of a port.
pub(super) const PORT: usize = 2;
/// The bytes of an IPv4 address with its port, behind the form.
pub(super) const V4: usize = 4 + PORT;
/// The bytes of an IPv6 address with its scope and its port, behind the form.
pub(super) const V6: usize = 16 + 4 + PORT;
/// The bytes of a length that stands in front of a certificate or a PROXY header.
pub(super) const LENGTH: usize = 2;
/// The bytes of TLS facts in front of the first that varies: version, suite, group, flags, verified.
pub(super) const FACTS_FIXED: usize = 2 + 2 + 2 + 1 + 1;

/// The sizes in bytes that fields can have together: `alone`, and everything from `least` to `most`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) alone: usize,
    pub(super) least: usize,
    pub(super) most: usize,
}

pub(super) const NOTHING: Sizes = Sizes::exactly(0);
pub(super) const TEXT: Sizes = Sizes::range(1, 1 + TEXT_MAX);
/// A text that is not empty.
pub(super) const NAME: Sizes = Sizes::range(1 + 1, 1 + TEXT_MAX);
/// No address is the shortest, that of a unix socket with the longest name the longest.
pub(super) const ADDRESS: Sizes = Sizes::range(1, 1 + 1 + UNIX_PATH_MAX);
/// That of a unix socket without a name is the shortest, the longest name of a host the longest.
pub(super) const TARGET: Sizes = Sizes::range(1 + 1, 1 + 1 + HOST_MAX + PORT);
pub(super) const LONG_BYTES: Sizes = Sizes::range(LENGTH, PAYLOAD_MAX);
/// None, or at least one of at least one byte.
pub(super) const CERTIFICATES: Sizes = Sizes { alone: 0, least: LENGTH + 1, most: PAYLOAD_MAX };
pub(super) const FACTS: Sizes = Sizes::exactly(FACTS_FIXED).then(FACTS_BEHIND_FIXED);
/// ALPN, server name, the algorithms of signature and key, certificates.
pub(super) const FACTS_BEHIND_FIXED: Sizes = TEXT.then(FACTS_BEHIND_ALPN);
pub(super) const FACTS_BEHIND_ALPN: Sizes = TEXT.then(TEXT).then(TEXT).then(CERTIFICATES);
/// A failure behind the byte that announces it: operation, reason, form of the detail, detail, message.
pub(super) const FAILURE: Sizes = Sizes::range(1 + 1 + 1 + TEXT.least, 1 + 1 + 1 + 4 + TEXT.most);
/// The byte that says whether there is a failure, with it or alone.
pub(super) const CLOSED: Sizes =
    Sizes { alone: 1, least: 1 + FAILURE.least, most: 1 + FAILURE.most };

impl Sizes {
    pub(super) const fn exactly(size: usize) -> Self {
        Self::range(size, size)
    }

    pub(super) const fn range(least: usize, most: usize) -> Self {
        Self { alone: least, least, most }
    }

    /// The sizes of these fields with others behind them. A gap of the others stays only behind fields
    /// of one size: those that vary, vary by more than any gap is wide.
    pub(super) const fn then(self, next: Self) -> Self {
        let all = self.most + next.most;
        Self {
            alone: self.least + next.alone,
            least: self.least + if self.least < self.most { next.alone } else { next.least },
            most: if all < PAYLOAD_MAX { all } else { PAYLOAD_MAX },
        }
    }

    pub(super) const fn has(self, size: usize) -> bool {
        size == self.alone || (self.least <= size && size <= self.most)
    }
}
