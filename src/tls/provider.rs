//! The cryptography behind TLS, chosen by feature, and what of it a configuration allows.

use std::sync::Arc;

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::digest;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring::digest;
use rustls::crypto::CryptoProvider;
use rustls::{NamedGroup, ProtocolVersion, SupportedProtocolVersion, version};

use super::error::{LoadError, LoadFault};
use super::options::{KeyExchange, TlsVersion};

/// The one group with ML-KEM that providers offer of themselves; ring has none.
const POST_QUANTUM: NamedGroup = NamedGroup::X25519MLKEM768;

#[cfg(feature = "aws-lc-rs")]
fn default_provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
fn default_provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// A private key to sign with.
#[cfg(feature = "aws-lc-rs")]
pub(super) use rustls::crypto::aws_lc_rs::sign::any_supported_type as signing_key;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
pub(super) use rustls::crypto::ring::sign::any_supported_type as signing_key;

/// The curves of the private keys that the provider signs with, by openssl's names.
#[cfg(feature = "aws-lc-rs")]
pub(super) const CURVES: &str = "P-256 (prime256v1), P-384 (secp384r1) and P-521 (secp521r1)";
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
pub(super) const CURVES: &str = "P-256 (prime256v1) and P-384 (secp384r1)";

/// The provider of one configuration. It is never installed as the process's default.
pub(super) fn provider(exchange: KeyExchange) -> Arc<CryptoProvider> {
    let mut provider = default_provider();
    let groups = &mut provider.kx_groups;
    match exchange {
        KeyExchange::All => groups.sort_by_key(|group| group.name() != POST_QUANTUM),
        KeyExchange::Classical => groups.retain(|group| group.name() != POST_QUANTUM),
        KeyExchange::X25519 => groups.retain(|group| group.name() == NamedGroup::X25519),
    }
    Arc::new(provider)
}

/// Which version it is; `None` for one that is not spoken.
pub(super) fn known(version: Option<ProtocolVersion>) -> Option<TlsVersion> {
    match version? {
        ProtocolVersion::TLSv1_2 => Some(TlsVersion::Tls12),
        ProtocolVersion::TLSv1_3 => Some(TlsVersion::Tls13),
        _ => None,
    }
}

/// The versions between two bounds, the newest first.
pub(super) fn versions(
    min: TlsVersion,
    max: TlsVersion,
) -> Result<&'static [&'static SupportedProtocolVersion], LoadError> {
    static NEW: &[&SupportedProtocolVersion] = &[&version::TLS13];
    static OLD: &[&SupportedProtocolVersion] = &[&version::TLS12];
    static BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
    match (min, max) {
        (TlsVersion::Tls12, TlsVersion::Tls13) => Ok(BOTH),
        (TlsVersion::Tls13, TlsVersion::Tls13) => Ok(NEW),
        (TlsVersion::Tls12, TlsVersion::Tls12) => Ok(OLD),
        (TlsVersion::Tls13, TlsVersion::Tls12) => Err(LoadError::option(LoadFault::NoVersion)),
    }
}

/// Protocol names as ALPN carries them: 1 to 255 bytes each (RFC 7301 section 3.1).
pub(super) fn alpn(protocols: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, LoadError> {
    if protocols.iter().any(|name| name.is_empty() || name.len() > 255) {
        return Err(LoadError::option(LoadFault::BadAlpn));
    }
    Ok(protocols.to_vec())
}

/// SHA-256 (FIPS 180-4).
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut name = [0; 32];
    name.copy_from_slice(digest.as_ref());
    name
}

/// SHA-1 (FIPS 180-4). It identifies a certificate and must not be relied on as proof.
pub(crate) fn sha1(bytes: &[u8]) -> Option<[u8; 20]> {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    digest.as_ref().try_into().ok()
}
