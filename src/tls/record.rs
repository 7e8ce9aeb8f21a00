//! Record protection, with the keys that the handshake made: RFC 8446 section 5.2, and
//! RFC 5246 section 6.2.3.3 with the cipher suites of RFC 5288 (AES-GCM) and RFC 7905 (ChaCha20).
//!
//! rustls would do this as well, but keeps a connection two kibibytes large for it and allocates for
//! every record.

use rustls::{ConnectionTrafficSecrets, Error, Tls13CipherSuite};
use zeroize::Zeroizing;

use super::cipher::{Cipher, Number, TAG};
use super::failure::Failure;
use super::options::TlsVersion;
use super::secrets::Secret;
use crate::buffer::Buffer;

/// Header of a record (RFC 8446 section 5.1): type, version, length.
pub(super) const HEADER: usize = 5;
/// The most plaintext in one record (RFC 8446 section 5.1).
pub(crate) const PLAINTEXT_MAX: usize = 1 << 14;
/// What protection may add to it in TLS 1.3 (RFC 8446 section 5.2). TLS 1.2 would allow 2,048, but
/// its cipher suites here add 24.
const EXPANSION_MAX: usize = 256;
/// The most bytes that one record takes on the wire.
pub(crate) const RECORD_MAX: usize = HEADER + PLAINTEXT_MAX + EXPANSION_MAX;
/// The part of a nonce that stands in a record of AES-GCM in TLS 1.2 (RFC 5288 section 3).
const EXPLICIT_NONCE: usize = 8;
/// The additional data that TLS 1.2 authenticates: sequence number, type, version, length.
const AAD_TLS12: usize = 13;

/// Record types (RFC 8446 section 5.1).
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;
/// The longest key of a cipher: AES-256 and ChaCha20.
const KEY_MAX: usize = 32;
const MAJOR_VERSION: u8 = 3;

/// Alerts (RFC 8446 section 6).
pub(super) const UNEXPECTED_MESSAGE: u8 = 10;
pub(super) const BAD_RECORD_MAC: u8 = 20;
pub(super) const RECORD_OVERFLOW: u8 = 22;
pub(super) const DECODE_ERROR: u8 = 50;

/// How a record looks around what is protected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RecordForm {
    /// The true type is protected too, and every record looks like application data.
    Tls13,
    /// The type is in the clear, and eight of the nonce's twelve bytes stand in front of the
    /// ciphertext.
    Tls12Explicit,
    /// The type is in the clear, the nonce is not sent.
    Tls12Implicit,
}

impl RecordForm {
    const fn explicit_nonce(self) -> usize {
        match self {
            Self::Tls12Explicit => EXPLICIT_NONCE,
            Self::Tls13 | Self::Tls12Implicit => 0,
        }
    }

    const fn inner_type(self) -> usize {
        match self {
            Self::Tls13 => 1,
            Self::Tls12Explicit | Self::Tls12Implicit => 0,
        }
    }
}

/// The protection of one direction.
pub(super) struct Protection {
    cipher: Cipher,
    mask: Zeroizing<Number>,
    form: RecordForm,
    /// How many records these keys have protected.
    sequence: u64,
}

impl Protection {
    /// Protection by `secrets`, under which `sequence` records have been protected already.
    pub(super) fn new(
        version: TlsVersion,
        (sequence, secrets): (u64, ConnectionTrafficSecrets),
    ) -> Result<Self, Error> {
        let (cipher, mask, explicit) = Cipher::new(&secrets)?;
        let form = match version {
            TlsVersion::Tls13 => RecordForm::Tls13,
            TlsVersion::Tls12 if explicit => RecordForm::Tls12Explicit,
            TlsVersion::Tls12 => RecordForm::Tls12Implicit,
        };
        Ok(Self { cipher, mask: mask.into(), form, sequence })
    }

    /// The protection after a KeyUpdate, with a key and an IV derived from the next `secret`.
    pub(super) fn next(&self, secret: &mut Secret, suite: &Tls13CipherSuite) -> Option<Self> {
        let (mut key, mut mask) = (Zeroizing::new([0; KEY_MAX]), Zeroizing::new(Number::default()));
        let key = key.get_mut(..self.cipher.key_len())?;
        secret.next(suite, key, &mut *mask).ok()?;
        let cipher = self.cipher.with_key(key).ok()?;
        Some(Self { cipher, mask, form: self.form, sequence: 0 })
    }

    pub(super) const fn sequence(&self) -> u64 {
        self.sequence
    }

    #[cfg(test)]
    pub(super) const fn wear(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    /// The bytes of a record that protects `plain` bytes, without padding.
    pub(super) const fn sealed_len(&self, plain: usize) -> usize {
        HEADER + self.form.explicit_nonce() + plain + self.form.inner_type() + TAG
    }

    /// Appends one record of `kind` with `plain`, at most [`PLAINTEXT_MAX`] bytes, to `out`.
    pub(super) fn seal(&mut self, kind: u8, plain: &[u8], out: &mut Buffer) -> Result<(), Failure> {
        let explicit = self.form.explicit_nonce();
        let len = explicit + plain.len() + self.form.inner_type() + TAG;
        out.reserve(HEADER + len);
        let (header, body) = out.space()[..HEADER + len].split_at_mut(HEADER);
        let outer = if self.form == RecordForm::Tls13 { APPLICATION_DATA } else { kind };
        let [_, _, .., high, low] = len.to_be_bytes();
        header.copy_from_slice(&[outer, MAJOR_VERSION, 3, high, low]);

        let number = self.number();
        let (sent, sealed) = body.split_at_mut(explicit);
        sent.copy_from_slice(&number[number.len() - explicit..]);
        let inner_type = &[kind][..self.form.inner_type()];
        let (aad, aad_len) = self.authenticated(header, plain.len());
        self.cipher
            .seal(number, &aad[..aad_len], plain, inner_type, sealed)
            .map_err(|_| Failure::misuse("a record could not be encrypted"))?;
        self.sequence += 1;
        out.commit(HEADER + len);
        Ok(())
    }

    /// Checks the header of a record, so that bytes that can never become a record are refused
    /// before all of it has arrived.
    pub(super) fn accepts(&self, header: [u8; HEADER]) -> Result<(), Failure> {
        let [kind, major, _, high, low] = header;
        if major != MAJOR_VERSION {
            return Err(Failure::of_peer(DECODE_ERROR, "what the peer sent is no TLS record"));
        }
        if usize::from(u16::from_be_bytes([high, low])) > PLAINTEXT_MAX + EXPANSION_MAX {
            return Err(Failure::of_peer(RECORD_OVERFLOW, "the peer sent too large a record"));
        }
        match (self.form, kind) {
            (_, APPLICATION_DATA) => Ok(()),
            (RecordForm::Tls12Explicit | RecordForm::Tls12Implicit, ALERT | HANDSHAKE) => Ok(()),
            _ => Err(Failure::of_peer(
                UNEXPECTED_MESSAGE,
                "the peer sent an unprotected record on an open connection",
            )),
        }
    }

    /// Opens `record`, one whole record that [`Protection::accepts`], into the beginning of `to`,
    /// which is as long at least. Answers its type and the length of its plaintext.
    pub(super) fn open(
        &mut self,
        record: &mut [u8],
        to: &mut [u8],
    ) -> Result<(u8, usize), Failure> {
        const FORGED: Failure =
            Failure::of_peer(BAD_RECORD_MAC, "the peer sent a record that does not decrypt");
        let explicit = self.form.explicit_nonce();
        let Some((header, body)) = record.split_at_mut_checked(HEADER) else {
            return Err(FORGED);
        };
        let Some(plain_len) = body.len().checked_sub(explicit + TAG) else {
            return Err(FORGED);
        };
        let (sent, sealed) = body.split_at_mut(explicit);
        let mut number = self.number();
        let implicit = number.len() - explicit;
        number[implicit..].copy_from_slice(sent);
        let (aad, aad_len) = self.authenticated(header, plain_len);
        let plain = &mut to[..plain_len];
        self.cipher.open(number, &aad[..aad_len], sealed, plain).map_err(|_| FORGED)?;
        self.sequence += 1;
        // Padding counts towards the limit (RFC 8446 section 5.4).
        if plain_len > PLAINTEXT_MAX + self.form.inner_type() {
            return Err(Failure::of_peer(RECORD_OVERFLOW, "the peer sent too large a record"));
        }
        match self.form {
            RecordForm::Tls13 => inner(plain),
            RecordForm::Tls12Explicit | RecordForm::Tls12Implicit => Ok((header[0], plain_len)),
        }
    }

    /// The next record's nonce: the sequence number XORed into the end of the IV (RFC 8446 section
    /// 5.3, RFC 7905 section 2). AES-GCM in TLS 1.2 requires only that no nonce is used twice,
    /// which the same construction ensures.
    fn number(&self) -> Number {
        let mut number = *self.mask;
        for (byte, count) in number.iter_mut().rev().zip(self.sequence.to_le_bytes()) {
            *byte ^= count;
        }
        number
    }

    /// The additional data that the tag covers: the header; in TLS 1.2 with the sequence number, and
    /// with the length of what it protects (RFC 5246 section 6.2.3.3).
    fn authenticated(&self, header: &[u8], plain_len: usize) -> ([u8; AAD_TLS12], usize) {
        let mut aad = [0; AAD_TLS12];
        if self.form == RecordForm::Tls13 {
            aad[..HEADER].copy_from_slice(header);
            return (aad, HEADER);
        }
        let [_, _, .., high, low] = plain_len.to_be_bytes();
        aad[..8].copy_from_slice(&self.sequence.to_be_bytes());
        aad[8..11].copy_from_slice(&header[..3]);
        aad[11..].copy_from_slice(&[high, low]);
        (aad, AAD_TLS12)
    }
}

/// The type of an opened record of TLS 1.3 and the length of its plaintext: the type is the last byte
/// that is not padding (RFC 8446 section 5.4).
fn inner(opened: &[u8]) -> Result<(u8, usize), Failure> {
    match opened.iter().rposition(|&byte| byte != 0) {
        Some(last) => Ok((opened[last], last)),
        None => Err(Failure::of_peer(UNEXPECTED_MESSAGE, "the peer sent a record of padding only")),
    }
}
