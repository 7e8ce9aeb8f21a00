//! The TLVs behind the addresses of a version 2 header, and the second level of them inside the
//! SSL TLV (sections 2.2.1 to 2.2.8). Values are bytes: none need be text, and NUL is a byte.
//!
//! There are two levels and no third: an SSL TLV among the sub-TLVs is a type that is not assigned
//! there and stays unread, so nesting costs neither stack nor time.

use std::ops::RangeInclusive;

use super::fault::Fault;

/// The types of TLVs.
pub mod kind {
    use std::ops::RangeInclusive;

    /// The protocol negotiated by ALPN.
    pub const ALPN: u8 = 0x01;
    /// The host name the client asked for, SNI under TLS.
    pub const AUTHORITY: u8 = 0x02;
    /// The checksum of the header.
    pub const CRC32C: u8 = 0x03;
    /// Padding.
    pub const NOOP: u8 = 0x04;
    /// An identifier of the connection, at most [`super::UNIQUE_ID_MAX`] bytes.
    pub const UNIQUE_ID: u8 = 0x05;
    /// What is known of the client's TLS: [`super::Ssl`].
    pub const SSL: u8 = 0x20;
    /// Inside SSL: the version of TLS.
    pub const SSL_VERSION: u8 = 0x21;
    /// Inside SSL: the common name of the client's certificate.
    pub const SSL_CN: u8 = 0x22;
    /// Inside SSL: the cipher.
    pub const SSL_CIPHER: u8 = 0x23;
    /// Inside SSL: the algorithm our certificate was signed with.
    pub const SSL_SIG_ALG: u8 = 0x24;
    /// Inside SSL: the algorithm of the key of our certificate.
    pub const SSL_KEY_ALG: u8 = 0x25;
    /// Inside SSL: the group of the key exchange.
    pub const SSL_GROUP: u8 = 0x26;
    /// Inside SSL: the signature scheme of the handshake.
    pub const SSL_SIG_SCHEME: u8 = 0x27;
    /// Inside SSL: the client's certificate, in DER.
    pub const SSL_CLIENT_CERT: u8 = 0x28;
    /// The name of the network namespace.
    pub const NETNS: u8 = 0x30;
    /// For applications; the protocol will never use them.
    pub const CUSTOM: RangeInclusive<u8> = 0xe0..=0xef;
    /// For experiments, never for production.
    pub const EXPERIMENT: RangeInclusive<u8> = 0xf0..=0xf7;
    /// For extensions of the protocol.
    pub const FUTURE: RangeInclusive<u8> = 0xf8..=0xff;
}

/// The bits of [`Ssl::client`].
pub mod client {
    /// The client came over TLS.
    pub const SSL: u8 = 0x01;
    /// It gave a certificate on this connection.
    pub const CERT_CONN: u8 = 0x02;
    /// It gave a certificate at least once in this TLS session.
    pub const CERT_SESS: u8 = 0x04;
}

/// The longest unique ID in bytes (section 2.2.5).
pub const UNIQUE_ID_MAX: usize = 128;
/// The bytes every header of version 2 begins with, and TLVs come behind: signature, version and
/// command, family, length.
pub(super) const FIXED: usize = 16;
/// What comes before a value: the type and the length.
pub(super) const HEAD: usize = 3;
/// The value of a CRC32C TLV.
pub(super) const CHECKSUM_SIZE: usize = 4;
/// What comes before the sub-TLVs in the value of an SSL TLV: the client bits and `verify`.
pub(super) const SSL_FIXED: usize = 5;

/// One type, length, value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Its type, a [`kind`].
    pub kind: u8,
    /// Its bytes.
    pub value: &'a [u8],
}

/// A walk over a chain of TLVs.
#[derive(Clone, Copy, Debug)]
pub struct Tlvs<'a> {
    rest: &'a [u8],
}

impl<'a> Tlvs<'a> {
    /// Walks `bytes`; ends before the first TLV that is not whole.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The value of the next TLV of this [`kind`].
    #[must_use]
    pub fn find(mut self, kind: u8) -> Option<&'a [u8]> {
        self.by_ref().find(|tlv| tlv.kind == kind).map(|tlv| tlv.value)
    }
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let (&[kind, high, low], rest) = self.rest.split_first_chunk::<HEAD>()?;
        let (value, rest) = rest.split_at_checked(u16::from_be_bytes([high, low]).into())?;
        self.rest = rest;
        Some(Tlv { kind, value })
    }
}

/// What a proxy knows of the TLS of its client (section 2.2.6). Absent parts are not in the TLV.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ssl<'a> {
    /// What is present: bits of [`client`]; others are kept.
    pub client: u8,
    /// Zero if the client gave a certificate and it was verified.
    pub verify: u32,
    /// The version of TLS: `TLSv1.3`.
    pub version: Option<&'a [u8]>,
    /// The common name of the client's certificate.
    pub cn: Option<&'a [u8]>,
    /// The cipher: `ECDHE-RSA-AES128-GCM-SHA256`.
    pub cipher: Option<&'a [u8]>,
    /// What the certificate shown to the client was signed with: `RSA-SHA256`.
    pub sig_alg: Option<&'a [u8]>,
    /// The key of the certificate shown to the client: `RSA2048`.
    pub key_alg: Option<&'a [u8]>,
    /// The group of the key exchange: `secp256r1`.
    pub group: Option<&'a [u8]>,
    /// The signature scheme of the handshake.
    pub sig_scheme: Option<&'a [u8]>,
    /// The client's certificate, in DER.
    pub client_cert: Option<&'a [u8]>,
}

impl<'a> Ssl<'a> {
    /// Takes the value of an SSL TLV apart; of several sub-TLVs of one type the first counts. None
    /// when the value is too short to be one.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let (&[client, verify @ ..], subs) = value.split_first_chunk::<SSL_FIXED>()?;
        let mut ssl = Self { client, verify: u32::from_be_bytes(verify), ..Self::default() };
        for tlv in Tlvs::new(subs) {
            let part = match tlv.kind {
                kind::SSL_VERSION => &mut ssl.version,
                kind::SSL_CN => &mut ssl.cn,
                kind::SSL_CIPHER => &mut ssl.cipher,
                kind::SSL_SIG_ALG => &mut ssl.sig_alg,
                kind::SSL_KEY_ALG => &mut ssl.key_alg,
                kind::SSL_GROUP => &mut ssl.group,
                kind::SSL_SIG_SCHEME => &mut ssl.sig_scheme,
                kind::SSL_CLIENT_CERT => &mut ssl.client_cert,
                _ => continue,
            };
            part.get_or_insert(tlv.value);
        }
        Some(ssl)
    }

    /// The parts that are there, as sub-TLVs in the order of their types.
    pub(super) fn parts(&self) -> impl Iterator<Item = Tlv<'a>> {
        [
            (kind::SSL_VERSION, self.version),
            (kind::SSL_CN, self.cn),
            (kind::SSL_CIPHER, self.cipher),
            (kind::SSL_SIG_ALG, self.sig_alg),
            (kind::SSL_KEY_ALG, self.key_alg),
            (kind::SSL_GROUP, self.group),
            (kind::SSL_SIG_SCHEME, self.sig_scheme),
            (kind::SSL_CLIENT_CERT, self.client_cert),
        ]
        .into_iter()
        .filter_map(|(kind, value)| Some(Tlv { kind, value: value? }))
    }
}

/// A chain of TLVs without fault.
#[derive(Clone, Copy)]
pub(super) struct TlvChain {
    /// Where it begins in the header.
    pub(super) start: usize,
    /// Where in the header the value of its checksum is.
    pub(super) checksum: Option<usize>,
}

/// Walks the chain from `start` to `end`, of which `header` may still lack bytes: a fault is one
/// that they could not mend, and comes with the offset of the byte that made it certain.
pub(super) fn check(header: &[u8], start: usize, end: usize) -> Result<TlvChain, (Fault, usize)> {
    let mut chain = TlvChain { start, checksum: None };
    let mut at = start;
    while let Some(head) = next(header, at, end, |kind| lengths(kind, chain.checksum))? {
        match head.kind {
            kind::CRC32C => chain.checksum = Some(head.value),
            kind::SSL => {
                let mut sub = head.value + SSL_FIXED;
                while let Some(head) = next(header, sub, head.end, |_| &ANY)? {
                    sub = head.end;
                }
            }
            _ => {}
        }
        at = head.end;
    }
    Ok(chain)
}

/// The type of a TLV and where in the header its value begins and ends.
struct TlvHead {
    kind: u8,
    value: usize,
    end: usize,
}

/// The possible lengths of a value, as ranges.
type Lengths = &'static [RangeInclusive<usize>];

const ANY: [RangeInclusive<usize>; 1] = [0..=u16::MAX as usize];

/// The possible lengths of a value on the first level, behind a `checksum` if there is one: a
/// second checksum has no possible length.
const fn lengths(kind: u8, checksum: Option<usize>) -> Lengths {
    match kind {
        kind::CRC32C if checksum.is_some() => &[],
        kind::CRC32C => &[CHECKSUM_SIZE..=CHECKSUM_SIZE],
        kind::UNIQUE_ID => &[0..=UNIQUE_ID_MAX],
        // Without a sub-TLV, or with at least a head of one.
        kind::SSL => &[SSL_FIXED..=SSL_FIXED, SSL_FIXED + HEAD..=u16::MAX as usize],
        _ => &ANY,
    }
}

/// The TLV at `at` in a container that ends at `end`; none at its end, or while the head is not
/// there whole.
fn next(
    header: &[u8],
    at: usize,
    end: usize,
    lengths: impl Fn(u8) -> Lengths,
) -> Result<Option<TlvHead>, (Fault, usize)> {
    match end.saturating_sub(at) {
        0 => return Ok(None),
        // Only the first TLV of a block can fail here: the room behind any other was checked with
        // its header.
        1..HEAD => return Err((Fault::TlvLeftover, FIXED - 1)),
        _ => {}
    }
    let value = at + HEAD;
    let room = end - value;
    let have = header.get(at..).unwrap_or_default();
    let Some(&kind) = have.first() else { return Ok(None) };
    let lengths = lengths(kind);
    if let &[_, high, low, ..] = have {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if fit(lengths, &(length..=length), room).is_ok() {
            return Ok(Some(TlvHead { kind, value, end: value + length }));
        }
    }
    // Not whole, or with a fault. The length becomes known a byte at a time, and the fault counts
    // from the first byte that left no length that fits.
    let mut known = 0..=usize::from(u16::MAX);
    for (nth, byte) in have.iter().take(HEAD).enumerate() {
        known = match nth {
            0 => known,
            1 => {
                let high = usize::from(*byte) << 8;
                high..=high | 0xff
            }
            _ => {
                let length = known.start() | usize::from(*byte);
                length..=length
            }
        };
        fit(lengths, &known, room).map_err(|fault| (fault, at + nth))?;
    }
    Ok(None)
}

/// Whether one of the `possible` lengths is among the `known` ones and leaves of `room` nothing or
/// enough for another TLV.
fn fit(
    possible: &[RangeInclusive<usize>],
    known: &RangeInclusive<usize>,
    room: usize,
) -> Result<(), Fault> {
    let mut shortest = None;
    for range in possible {
        let (low, high) = (*range.start().max(known.start()), *range.end().min(known.end()));
        if low > high {
            continue;
        }
        if (low..=high).contains(&room) || low + HEAD <= room {
            return Ok(());
        }
        shortest.get_or_insert(low);
    }
    Err(match shortest {
        None if possible.is_empty() => Fault::SecondChecksum,
        None => Fault::TlvLength,
        Some(low) if low > room => Fault::TlvPastEnd,
        Some(_) => Fault::TlvLeftover,
    })
}
