//! Our own certificates with their keys.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::error::{LoadError, LoadFault};
use super::pem::{Section, Source, Text};
use crate::wire::der::Certificate;

/// A certificate chain and its private key, as the host gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// PEM text. The chain begins with our own certificate, each further one issues the one before.
    /// Without `key` the key is looked for where the chain is.
    Pem {
        /// The chain.
        chain: Source,
        /// The private key (PKCS #8, PKCS #1 or SEC 1), when it is elsewhere.
        key: Option<Source>,
    },
    /// DER in memory.
    Der {
        /// The chain, our own certificate first.
        chain: Vec<Vec<u8>>,
        /// The private key (PKCS #8, PKCS #1 or SEC 1).
        key: SecretDer,
    },
}

/// A private key in DER, which no debug output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretDer(pub Vec<u8>);

impl std::fmt::Debug for SecretDer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretDer({})", self.0.len())
    }
}

impl CertificateSource {
    /// A chain with its key in one file.
    #[must_use]
    pub fn file(path: impl Into<std::path::PathBuf>) -> Self {
        Self::Pem { chain: Source::File(path.into()), key: None }
    }

    /// A chain with its key in one piece of PEM text.
    #[must_use]
    pub fn pem(text: impl Into<Vec<u8>>) -> Self {
        Self::Pem { chain: Source::Bytes(text.into()), key: None }
    }
}

/// What the PROXY v2 SSL block says of the certificate that a listener presented
/// (`PP2_SUBTYPE_SSL_SIG_ALG`, `PP2_SUBTYPE_SSL_KEY_ALG`). Computed once, when it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// What it is signed with; see [`Certificate::signature_algorithm`].
    pub signature_algorithm: &'static str,
    /// Its key; see [`Certificate::key_algorithm`].
    pub key_algorithm: String,
}

/// A chain that is loaded and fits its key.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct OwnCertificate {
    pub(super) key: Arc<CertifiedKey>,
    pub(super) facts: CertificateFacts,
    /// The names it is for, in lower case: its DNS names, or its common name when it has none.
    pub(super) names: Vec<String>,
}

impl OwnCertificate {
    /// Loads a chain. It is presented and not verified, which is the peer's to do: it may not be valid
    /// yet or any more, be an authority's, or be of a version that we take from nobody.
    pub(super) fn load(
        source: &CertificateSource,
        provider: &CryptoProvider,
    ) -> Result<Self, LoadError> {
        match source {
            CertificateSource::Pem { chain, key } => {
                let chain = Text::load(chain)?;
                match key {
                    Some(key) => Self::from_text(&chain, &Text::load(key)?, provider),
                    None => Self::from_text(&chain, &chain, provider),
                }
            }
            CertificateSource::Der { chain, key } => {
                let place = "certificate in memory";
                let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
                let key = PrivateKeyDer::try_from(key.0.as_slice())
                    .map_err(|why| LoadFault::UnusableKey(why.to_owned()))
                    .map(|key| key.clone_key());
                key.and_then(|key| Self::assemble(chain, key, provider))
                    .map_err(|fault| LoadError::within(place, fault))
            }
        }
    }

    fn from_text(chain: &Text, key: &Text, provider: &CryptoProvider) -> Result<Self, LoadError> {
        let mut ders = Vec::new();
        for section in chain.certificates() {
            Certificate::parse(&section.der).map_err(|why| {
                chain.error(section, LoadFault::UnusableCertificate(why.to_string()))
            })?;
            ders.push(CertificateDer::from(section.der.clone()));
        }
        let Some(first) = chain.certificates().next() else {
            return Err(LoadError::within(&chain.place, LoadFault::NoCertificate));
        };
        let (at, der) = private_key(key)?;
        Self::assemble(ders, der, provider).map_err(|fault| match fault {
            LoadFault::UnusableCertificate(_) => chain.error(first, fault),
            _ => key.error(at, fault),
        })
    }

    fn assemble(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        provider: &CryptoProvider,
    ) -> Result<Self, LoadFault> {
        let leaf = chain.first().ok_or(LoadFault::NoCertificate)?;
        let leaf = Certificate::parse(leaf)
            .map_err(|why| LoadFault::UnusableCertificate(why.to_string()))?;
        let facts = CertificateFacts {
            signature_algorithm: leaf.signature_algorithm(),
            key_algorithm: leaf.key_algorithm().into_owned(),
        };
        let names = names(&leaf);
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|why| LoadFault::UnusableKey(why.to_string()))?;
        // A key that cannot tell its public half is taken at its word.
        if key.public_key().is_some_and(|public| !leaf.has_key(&public)) {
            return Err(LoadFault::KeyMismatch);
        }
        Ok(Self { key: Arc::new(CertifiedKey::new(chain, key)), facts, names })
    }
}

fn private_key(text: &Text) -> Result<(&Section, PrivateKeyDer<'static>), LoadError> {
    let mut keys = text.sections.iter().filter(|section| {
        matches!(
            section.kind,
            SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey
        )
    });
    let none = || LoadError::within(&text.place, LoadFault::NoKey);
    let section = keys.next().ok_or_else(none)?;
    if let Some(second) = keys.next() {
        return Err(text.error(second, LoadFault::SecondKey));
    }
    let key = PrivateKeyDer::from_pem(section.kind, section.der.clone()).ok_or_else(none)?;
    Ok((section, key))
}

fn names(leaf: &Certificate<'_>) -> Vec<String> {
    let lower = |name: &[u8]| std::str::from_utf8(name).ok().map(str::to_ascii_lowercase);
    let names: Vec<_> = leaf.dns_names().filter_map(lower).collect();
    if names.is_empty() {
        return leaf.common_name().and_then(|name| lower(&name)).into_iter().collect();
    }
    names
}
