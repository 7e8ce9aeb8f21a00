//! The cryptography behind TLS, chosen by feature, and what of it a configuration allows.

use std::sync::Arc;

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::digest;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring::digest;
use rustls::crypto::CryptoProvider;
use rustls::{NamedGroup, ProtocolVersion, SupportedProtocolVersion, version};

use super::error::{LoadError, LoadFault};

/// A protocol version. Nothing older is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246), with AEAD cipher suites and ECDHE only.
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// The name as OpenSSL and the PROXY v2 SSL block write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }

    pub(super) fn of(version: Option<ProtocolVersion>) -> Option<Self> {
        match version? {
            ProtocolVersion::TLSv1_2 => Some(Self::Tls12),
            ProtocolVersion::TLSv1_3 => Some(Self::Tls13),
            _ => None,
        }
    }
}

/// Which groups the key exchange offers, and accepts.
///
/// A client offers them in this order; a server takes the first group in the client's order that it
/// knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyExchange {
    /// All the provider has. `X25519MLKEM768` comes first where there is one, so that what is recorded
    /// today stays secret from a quantum computer (draft-ietf-tls-ecdhe-mlkem); `X25519`, which is
    /// offered beside it with a key of its own, costs a server that does not know it no round trip.
    #[default]
    All,
    /// Elliptic curves alone, without ML-KEM: a ClientHello that fits into one packet.
    Classical,
    /// X25519 alone: every handshake has the same lengths, which a simulation needs.
    X25519,
}

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

/// A number that cannot be predicted; `None` when the system gives no randomness.
#[must_use]
pub(crate) fn random() -> Option<u64> {
    let mut bytes = [0; size_of::<u64>()];
    default_provider().secure_random.fill(&mut bytes).ok()?;
    Some(u64::from_ne_bytes(bytes))
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
pub(crate) fn sha1(bytes: &[u8]) -> [u8; 20] {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let mut name = [0; 20];
    name.copy_from_slice(digest.as_ref());
    name
}
