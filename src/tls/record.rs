//! Record protection in place, with the keys that the handshake made: RFC 8446 section 5.2, and
//! RFC 5246 section 6.2.3.3 with the cipher suites of RFC 5288 (AES-GCM) and RFC 7905 (ChaCha20).
//!
//! rustls would do this as well, but keeps a connection two kibibytes large for it and allocates for
//! every record.

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::aead;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring::aead;

use aead::{Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rustls::{ConnectionTrafficSecrets, Error};

use super::failure::Failure;
use super::provider::Version;
use crate::buffer::Buffer;

/// Header of a record (RFC 8446 section 5.1): type, version, length.
pub(super) const HEADER: usize = 5;
/// The most plaintext in one record (RFC 8446 section 5.1).
pub(super) const PLAINTEXT_MAX: usize = 1 << 14;
/// What protection may add to it in TLS 1.3 (RFC 8446 section 5.2). TLS 1.2 would allow 2,048, but
/// its cipher suites here add 24.
const EXPANSION_MAX: usize = 256;
/// The length of the tag, the same for every cipher here.
const TAG: usize = 16;
/// The part of a nonce that stands in a record of AES-GCM in TLS 1.2 (RFC 5288 section 3).
const EXPLICIT_NONCE: usize = 8;
/// What is authenticated beside the plaintext in TLS 1.2: sequence number, type, version, length.
const AAD_TLS12: usize = 13;

/// Record types (RFC 8446 section 5.1).
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;
const MAJOR_VERSION: u8 = 3;

/// Alerts (RFC 8446 section 6).
pub(super) const UNEXPECTED_MESSAGE: u8 = 10;
pub(super) const BAD_RECORD_MAC: u8 = 20;
pub(super) const RECORD_OVERFLOW: u8 = 22;
pub(super) const DECODE_ERROR: u8 = 50;

/// How a record looks around what is protected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The true type is protected too, and every record looks like application data.
    Tls13,
    /// The type is in the clear, half the nonce in front of the ciphertext.
    Tls12Explicit,
    /// The type is in the clear, the nonce is not sent.
    Tls12Implicit,
}

impl Form {
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
    key: LessSafeKey,
    iv: [u8; NONCE_LEN],
    form: Form,
    /// How many records these keys have protected.
    sequence: u64,
}

impl Protection {
    /// Protection by `secrets`, under which `sequence` records have gone already.
    pub(super) fn new(
        version: Version,
        (sequence, secrets): (u64, ConnectionTrafficSecrets),
    ) -> Result<Self, Error> {
        let (algorithm, key, iv) = match &secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&aead::AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&aead::AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (&aead::CHACHA20_POLY1305, key, iv)
            }
            _ => return Err(Error::General("a cipher that is not known".to_owned())),
        };
        let form = match version {
            Version::Tls13 => Form::Tls13,
            Version::Tls12 if *algorithm == aead::CHACHA20_POLY1305 => Form::Tls12Implicit,
            Version::Tls12 => Form::Tls12Explicit,
        };
        let wrong = || Error::General("keys of a wrong length".to_owned());
        let key = UnboundKey::new(algorithm, key.as_ref()).map_err(|_| wrong())?;
        let iv = iv.as_ref().try_into().map_err(|_| wrong())?;
        Ok(Self { key: LessSafeKey::new(key), iv, form, sequence })
    }

    pub(super) const fn sequence(&self) -> u64 {
        self.sequence
    }

    #[cfg(test)]
    pub(super) const fn wear(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    /// Appends one record of `kind` with `plain`, at most [`PLAINTEXT_MAX`] bytes, to `out`.
    pub(super) fn seal(&mut self, kind: u8, plain: &[u8], out: &mut Buffer) -> Result<(), Failure> {
        let explicit = self.form.explicit_nonce();
        let len = explicit + plain.len() + self.form.inner_type() + TAG;
        out.reserve(HEADER + len);
        let (header, body) = out.space()[..HEADER + len].split_at_mut(HEADER);
        let outer = if self.form == Form::Tls13 { APPLICATION_DATA } else { kind };
        let [_, _, .., high, low] = len.to_be_bytes();
        header.copy_from_slice(&[outer, MAJOR_VERSION, 3, high, low]);

        let nonce = self.nonce();
        let (sent_nonce, body) = body.split_at_mut(explicit);
        sent_nonce.copy_from_slice(&nonce[NONCE_LEN - explicit..]);
        let (sealed, tag) = body.split_at_mut(body.len() - TAG);
        let (text, inner_type) = sealed.split_at_mut(plain.len());
        text.copy_from_slice(plain);
        inner_type.fill(kind);
        let (aad, aad_len) = self.authenticated(header, plain.len());
        let made = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&aad[..aad_len]),
                sealed,
            )
            .map_err(|_| Failure::misuse("a record could not be encrypted"))?;
        tag.copy_from_slice(made.as_ref());
        self.sequence += 1;
        out.commit(HEADER + len);
        Ok(())
    }

    /// Whether a record may begin like this, so that what never becomes one is refused before it is
    /// there.
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
            (Form::Tls12Explicit | Form::Tls12Implicit, ALERT | HANDSHAKE) => Ok(()),
            _ => Err(Failure::of_peer(
                UNEXPECTED_MESSAGE,
                "the peer sent an unprotected record on an open connection",
            )),
        }
    }

    /// Opens `record`, one whole record that [`Protection::accepts`], in place. Answers its type and
    /// its plaintext.
    pub(super) fn open<'r>(&mut self, record: &'r mut [u8]) -> Result<(u8, &'r [u8]), Failure> {
        const FORGED: Failure =
            Failure::of_peer(BAD_RECORD_MAC, "the peer sent a record that does not decrypt");
        let explicit = self.form.explicit_nonce();
        let Some((header, body)) = record.split_at_mut_checked(HEADER) else {
            return Err(FORGED);
        };
        let Some(plain_len) = body.len().checked_sub(explicit + TAG) else {
            return Err(FORGED);
        };
        let (sent_nonce, sealed) = body.split_at_mut(explicit);
        let mut nonce = self.nonce();
        nonce[NONCE_LEN - explicit..].copy_from_slice(sent_nonce);
        let (aad, aad_len) = self.authenticated(header, plain_len);
        let plain = self
            .key
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(&aad[..aad_len]), sealed)
            .map_err(|_| FORGED)?;
        self.sequence += 1;
        let (kind, plain) = match self.form {
            Form::Tls13 => inner(plain)?,
            Form::Tls12Explicit | Form::Tls12Implicit => (header[0], &*plain),
        };
        if plain.len() > PLAINTEXT_MAX {
            return Err(Failure::of_peer(RECORD_OVERFLOW, "the peer sent too large a record"));
        }
        Ok((kind, plain))
    }

    /// The next record's nonce: the sequence number over the end of the vector (RFC 8446 section
    /// 5.3, RFC 7905 section 2). AES-GCM in TLS 1.2 asks only that none comes twice, which the same
    /// construction gives.
    fn nonce(&self) -> [u8; NONCE_LEN] {
        let mut nonce = self.iv;
        let (_, end) = nonce.split_at_mut(NONCE_LEN - size_of::<u64>());
        for (byte, count) in end.iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= count;
        }
        nonce
    }

    /// What the tag covers beside the plaintext: the header; in TLS 1.2 with the sequence number,
    /// and with the length of what it protects (RFC 5246 section 6.2.3.3).
    fn authenticated(&self, header: &[u8], plain_len: usize) -> ([u8; AAD_TLS12], usize) {
        let mut aad = [0; AAD_TLS12];
        if self.form == Form::Tls13 {
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

/// The type and the plaintext of an opened record of TLS 1.3: the type is the last byte that is not
/// padding (RFC 8446 section 5.4).
fn inner(opened: &[u8]) -> Result<(u8, &[u8]), Failure> {
    match opened.iter().rposition(|&byte| byte != 0) {
        Some(last) => Ok((opened[last], &opened[..last])),
        None => Err(Failure::of_peer(UNEXPECTED_MESSAGE, "the peer sent a record of padding only")),
    }
}
