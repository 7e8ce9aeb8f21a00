//! The digests by which certificates are known.

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::digest;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring::digest;

/// SHA-256 (FIPS 180-4).
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut name = [0; 32];
    name.copy_from_slice(digest.as_ref());
    name
}

/// SHA-1 (FIPS 180-4). It identifies a certificate and must not be relied on as proof.
pub(crate) fn sha1(bytes: &[u8]) -> [u8; 20] {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let mut name = [0; 20];
    name.copy_from_slice(digest.as_ref());
    name
}
