//! The AEAD of one direction. It works from one buffer into another, so that protecting a record
//! and copying it are one pass.

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::aead;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring::aead;

use aead::{Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rustls::{ConnectionTrafficSecrets, Error};

/// The length of the tag, the same for every cipher here.
pub(super) const TAG: usize = 16;

/// A nonce: it must never be used twice under one key.
pub(super) type Number = [u8; NONCE_LEN];

/// The AEAD refused: authentication failed, or a limit of the cipher was exceeded.
pub(super) struct Refused;

/// A key in use.
pub(super) struct Cipher(LessSafeKey);

impl Cipher {
    /// The cipher of `secrets`, the IV that its nonces are made from, and whether TLS 1.2 sends a
    /// part of each nonce in the record, which it does for AES-GCM alone (RFC 5288 section 3, RFC
    /// 7905 section 2).
    pub(super) fn new(secrets: &ConnectionTrafficSecrets) -> Result<(Self, Number, bool), Error> {
        let (algorithm, key, iv) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&aead::AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&aead::AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (&aead::CHACHA20_POLY1305, key, iv)
            }
            _ => return Err(Error::General("a cipher that is not known".to_owned())),
        };
        let wrong = || Error::General("keys of a wrong length".to_owned());
        let key = UnboundKey::new(algorithm, key.as_ref()).map_err(|_| wrong())?;
        let iv = iv.as_ref().try_into().map_err(|_| wrong())?;
        Ok((Self(LessSafeKey::new(key)), iv, *algorithm != aead::CHACHA20_POLY1305))
    }

    pub(super) fn key_len(&self) -> usize {
        self.0.algorithm().key_len()
    }

    /// A cipher of this algorithm with another key, of [`Cipher::key_len`] bytes.
    pub(super) fn with_key(&self, key: &[u8]) -> Result<Self, Refused> {
        let key = UnboundKey::new(self.0.algorithm(), key).map_err(|_| Refused)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Encrypts `plain`, and `extra` behind it, into `out`, which has room for both and the tag
    /// behind them, and for nothing else.
    #[cfg(feature = "aws-lc-rs")]
    pub(super) fn seal(
        &self,
        number: Number,
        aad: &[u8],
        plain: &[u8],
        extra: &[u8],
        out: &mut [u8],
    ) -> Result<(), Refused> {
        let (text, rest) = out.split_at_mut(plain.len());
        let number = Nonce::assume_unique_for_key(number);
        self.0
            .seal_out_of_place_scatter(number, Aad::from(aad), plain, text, extra, rest)
            .map_err(|_| Refused)
    }

    /// Decrypts `sealed`, which ends with its tag, into `out`, which is shorter by the tag. On
    /// refusal there may be anything in `out`.
    #[cfg(feature = "aws-lc-rs")]
    pub(super) fn open(
        &self,
        number: Number,
        aad: &[u8],
        sealed: &mut [u8],
        out: &mut [u8],
    ) -> Result<(), Refused> {
        let (text, tag) = sealed.split_at(sealed.len() - TAG);
        let number = Nonce::assume_unique_for_key(number);
        self.0.open_separate_gather(number, Aad::from(aad), text, tag, out).map_err(|_| Refused)
    }

    /// Encrypts `plain`, and `extra` behind it, into `out`, with the tag behind them. ring works in
    /// place only, so the plaintext is copied there first.
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    pub(super) fn seal(
        &self,
        number: Number,
        aad: &[u8],
        plain: &[u8],
        extra: &[u8],
        out: &mut [u8],
    ) -> Result<(), Refused> {
        let (text, tag) = out.split_at_mut(plain.len() + extra.len());
        text[..plain.len()].copy_from_slice(plain);
        text[plain.len()..].copy_from_slice(extra);
        let number = Nonce::assume_unique_for_key(number);
        let made = self.0.seal_in_place_separate_tag(number, Aad::from(aad), text);
        tag.copy_from_slice(made.map_err(|_| Refused)?.as_ref());
        Ok(())
    }

    /// Decrypts `sealed`, which ends with its tag, into `out`. ring works in place only, so
    /// `sealed` is overwritten as well.
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    pub(super) fn open(
        &self,
        number: Number,
        aad: &[u8],
        sealed: &mut [u8],
        out: &mut [u8],
    ) -> Result<(), Refused> {
        let number = Nonce::assume_unique_for_key(number);
        let plain = self.0.open_in_place(number, Aad::from(aad), sealed).map_err(|_| Refused)?;
        out.copy_from_slice(plain);
        Ok(())
    }
}
