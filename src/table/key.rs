//! The keys by which a table finds its entries.

use std::net::IpAddr;

/// The longest `len` of a string or binary key, in bytes.
pub const KEY_LEN_MAX: usize = 16 * 1024;
/// The `len` of a string or binary key that is not given, in bytes.
pub const KEY_LEN_DEFAULT: usize = 32;

/// What kind of keys a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKeyKind {
    /// IPv4 addresses. An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) is
    /// treated as the IPv4 address; any other IPv6 address cannot be in the table.
    Ip,
    /// IPv6 addresses. An IPv4 address is treated as its IPv4-mapped IPv6 address.
    Ipv6,
    /// Numbers of 32 bits.
    Integer,
    /// Texts of at most `len` bytes: longer ones are cut, so that texts with the same first `len` bytes
    /// are one key. Every byte counts, NUL as well, and the empty text is a key.
    String {
        /// Between 1 and [`KEY_LEN_MAX`].
        len: usize,
    },
    /// Blocks of exactly `len` bytes: what is longer is cut, what is shorter is filled with zeros.
    Binary {
        /// Between 1 and [`KEY_LEN_MAX`].
        len: usize,
    },
}

/// What a key is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// An address.
    Ip,
    /// A number.
    Integer,
    /// Bytes.
    Text,
}

/// A key as a caller gives it. The bytes may come from an untrusted peer: any are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKey<'a> {
    /// For tables of addresses.
    Ip(IpAddr),
    /// For tables of numbers.
    Integer(u32),
    /// For tables of strings and of blocks.
    Text(&'a [u8]),
}

/// A key that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OwnedKey {
    /// Of a table of addresses.
    Ip(IpAddr),
    /// Of a table of numbers.
    Integer(u32),
    /// Of a table of strings or of blocks.
    Text(Vec<u8>),
}

impl TableKey<'_> {
    /// The key with bytes of its own, to be kept.
    #[must_use]
    pub fn to_owned_key(self) -> OwnedKey {
        match self {
            Self::Ip(ip) => OwnedKey::Ip(ip),
            Self::Integer(number) => OwnedKey::Integer(number),
            Self::Text(text) => OwnedKey::Text(text.to_vec()),
        }
    }

    /// What it is made from.
    #[must_use]
    pub const fn form(&self) -> KeyForm {
        match self {
            Self::Ip(_) => KeyForm::Ip,
            Self::Integer(_) => KeyForm::Integer,
            Self::Text(_) => KeyForm::Text,
        }
    }
}

impl OwnedKey {
    /// The key in the form that look-ups take.
    #[must_use]
    pub fn borrow(&self) -> TableKey<'_> {
        match self {
            Self::Ip(ip) => TableKey::Ip(*ip),
            Self::Integer(number) => TableKey::Integer(*number),
            Self::Text(text) => TableKey::Text(text),
        }
    }
}

impl TableKeyKind {
    /// Which keys a table of this kind can find. Any other finds nothing, so a configuration that uses
    /// one has to be reported as a mistake.
    #[must_use]
    pub const fn form(self) -> KeyForm {
        match self {
            Self::Ip | Self::Ipv6 => KeyForm::Ip,
            Self::Integer => KeyForm::Integer,
            Self::String { .. } | Self::Binary { .. } => KeyForm::Text,
        }
    }

    /// The name in definitions and dumps.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Ipv6 => "ipv6",
            Self::Integer => "integer",
            Self::String { .. } => "string",
            Self::Binary { .. } => "binary",
        }
    }

    /// The most bytes one key takes.
    pub(super) const fn width(self) -> usize {
        match self {
            Self::Ip | Self::Integer => 4,
            Self::Ipv6 => 16,
            Self::String { len } | Self::Binary { len } => len,
        }
    }

    /// The key as this kind of table stores it; `None` if it cannot be in the table. Two keys are the
    /// same if and only if their stored forms are.
    pub(super) fn stored(self, key: TableKey<'_>) -> Option<StoredKey<'_>> {
        match (self, key) {
            (Self::Ip, TableKey::Ip(ip)) => match ip.to_canonical() {
                IpAddr::V4(v4) => Some(StoredKey::short(&v4.octets())),
                IpAddr::V6(_) => None,
            },
            (Self::Ipv6, TableKey::Ip(ip)) => Some(StoredKey::short(&match ip {
                IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
                IpAddr::V6(v6) => v6.octets(),
            })),
            (Self::Integer, TableKey::Integer(number)) => {
                Some(StoredKey::short(&number.to_be_bytes()))
            }
            (Self::String { len }, TableKey::Text(text)) => {
                Some(StoredKey::Long(&text[..text.len().min(len)]))
            }
            (Self::Binary { len }, TableKey::Text(text)) => {
                // Trailing zeros are left out: the block is filled up with them anyway.
                let block = &text[..text.len().min(len)];
                let end = block.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                Some(StoredKey::Long(&block[..end]))
            }
            _ => None,
        }
    }

    /// The key that stored bytes stand for.
    pub(super) fn owned(self, stored: &[u8]) -> OwnedKey {
        let mut filled = [0; 16];
        let len = stored.len().min(filled.len());
        filled[..len].copy_from_slice(&stored[..len]);
        let [a, b, c, d, ..] = filled;
        match self {
            Self::Ip => OwnedKey::Ip(IpAddr::from([a, b, c, d])),
            Self::Ipv6 => OwnedKey::Ip(IpAddr::from(filled)),
            Self::Integer => OwnedKey::Integer(u32::from_be_bytes([a, b, c, d])),
            Self::String { .. } => OwnedKey::Text(stored.to_vec()),
            Self::Binary { len } => {
                let mut block = stored.to_vec();
                block.resize(len, 0);
                OwnedKey::Text(block)
            }
        }
    }
}

/// A key in the one form that a table stores it in.
#[derive(Clone, Copy, Debug)]
pub(super) enum StoredKey<'a> {
    /// Bytes made here, and how many of them count.
    Short([u8; 16], usize),
    /// A part of the bytes that were given.
    Long(&'a [u8]),
}

impl StoredKey<'_> {
    fn short(from: &[u8]) -> Self {
        let mut bytes = [0; 16];
        bytes[..from.len()].copy_from_slice(from);
        Self::Short(bytes, from.len())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(bytes, len) => &bytes[..*len],
            Self::Long(bytes) => bytes,
        }
    }
}
