//! Our own certificates with their keys.

use std::borrow::Cow;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};

use super::error::{LoadError, LoadFault};
use super::found::{Due, Found};
use super::negotiated::CertificateFacts;
use super::pem::{PemText, Section};
use super::source::CertificateSource;
use super::{chain, provider};
use crate::time::Date;
use crate::wire::der::{Certificate, DerKind, KeyKind};

/// A chain that is loaded and fits its key.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct OwnCertificate {
    pub(super) key: Arc<CertifiedKey>,
    pub(super) facts: CertificateFacts,
    /// The names that the certificate is for, in lower case: its DNS names, or its common name when
    /// it has none.
    pub(super) names: Vec<String>,
    /// The first and the last second at which it is valid, since 1970.
    pub(super) validity: (u64, u64),
    /// The file or other source it was read from, for messages.
    pub(super) place: String,
}

impl OwnCertificate {
    /// Loads a chain. The chain is only presented; verifying it is the peer's task. So the
    /// certificate may have expired, may not be valid yet, may be an authority's, or may have a
    /// version that we accept from no peer.
    pub(super) fn load(source: &CertificateSource) -> Result<Self, LoadError> {
        match source {
            CertificateSource::Pem { chain, key } => {
                let chain = PemText::load(chain)?;
                match key {
                    Some(key) => Self::from_text(&chain, &PemText::load(key)?, None),
                    None => Self::from_text(&chain, &chain, Some(DerKind::Certificate)),
                }
            }
            CertificateSource::Der { chain, key } => {
                let place = "certificate in memory";
                let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
                let made = signing_key(&key.0).and_then(|key| Self::assemble(place, chain, key));
                made.map_err(|fault| LoadError::within(place, fault))
            }
        }
    }

    /// `beside` is the kind of section that may accompany the private key in `key`.
    fn from_text(
        chain: &PemText,
        key: &PemText,
        beside: Option<DerKind>,
    ) -> Result<Self, LoadError> {
        let mut ders: Vec<CertificateDer<'static>> = Vec::new();
        for section in chain.all(DerKind::Certificate) {
            Certificate::parse(&section.der).map_err(|why| {
                let why = format!("{why}; was the file cut short or damaged?");
                chain.error(section, LoadFault::UnusableCertificate(why.into()))
            })?;
            ders.push(CertificateDer::from(section.der.to_vec()));
        }
        let Some(first) = chain.all(DerKind::Certificate).next() else {
            return Err(chain.lacks(Due::Certificate, None));
        };
        let at = private_key(key, beside)?;
        let made = signing_key(&at.der).and_then(|key| Self::assemble(&chain.place, ders, key));
        made.map_err(|fault| match fault {
            LoadFault::UnusableCertificate(_) => chain.error(first, fault),
            _ => key.error(at, fault),
        })
    }

    fn assemble(
        place: &str,
        chain: Vec<CertificateDer<'static>>,
        key: Arc<dyn SigningKey>,
    ) -> Result<Self, LoadFault> {
        let public = key.public_key();
        let chain = chain::in_order(chain, public.as_ref().map(AsRef::as_ref))?;
        let leaf = chain.first().ok_or(LoadFault::NoCertificate)?;
        let leaf = Certificate::parse(leaf)
            .map_err(|why| LoadFault::UnusableCertificate(why.to_string().into()))?;
        let facts = CertificateFacts {
            signature_algorithm: leaf.signature_algorithm().into(),
            key_algorithm: leaf.key_algorithm().into_owned(),
        };
        let (names, validity) = (names(&leaf), validity(&leaf)?);
        drop(public);
        let key = Arc::new(CertifiedKey::new(chain, key));
        Ok(Self { key, facts, names, validity, place: place.to_owned() })
    }

    /// A warning about a certificate that can be used all the same but, at `now` in seconds since
    /// 1970, has expired or is not valid yet.
    pub(super) fn note(&self, now: u64) -> Option<String> {
        let (first, last) = self.validity;
        let name = self.names.first().map_or("no name", String::as_str);
        let what = if now > last {
            format!("expired on {}", Date(last))
        } else if now < first {
            format!("is not valid before {}", Date(first))
        } else {
            return None;
        };
        Some(format!("{}: the certificate for {name:?} {what}: peers will refuse it", self.place))
    }
}

/// The one private key of a text.
fn private_key(text: &PemText, beside: Option<DerKind>) -> Result<&Section, LoadError> {
    let mut keys = text.sections.iter().filter(|section| section.is_key());
    let section = keys.next().ok_or_else(|| text.lacks(Due::Key, beside))?;
    if let Some(second) = keys.next() {
        return Err(text.error(second, LoadFault::SecondKey(section.line)));
    }
    let fault = match &section.found {
        Found::Pem(DerKind::PrivateKey) => return Ok(section),
        Found::Pem(DerKind::EncryptedKey) => LoadFault::EncryptedKey,
        other => LoadFault::Instead { due: Due::Key, found: other.clone() },
    };
    Err(text.error(section, fault))
}

/// The DER is borrowed, so that no second copy of the private key stays in memory.
fn signing_key(der: &[u8]) -> Result<Arc<dyn SigningKey>, LoadFault> {
    let key = PrivateKeyDer::try_from(der)
        .map_err(|_| LoadFault::UnusableKey("it is no private key, or it was cut short".into()))?;
    // The provider accepts some curves given by explicit parameters, but then the certificate has
    // such parameters as well, and few clients accept that.
    if KeyKind::of(der) == Some(KeyKind::ExplicitCurve) {
        return Err(LoadFault::UnusableKey(unusable(der)));
    }
    provider::signing_key(&key).map_err(|_| LoadFault::UnusableKey(unusable(der)))
}

/// Why a private key is refused, told by the kind of key it is.
fn unusable(der: &[u8]) -> Cow<'static, str> {
    /// The sizes in bits of the RSA keys that the provider signs with.
    const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
    let supported = format!("supported are RSA, Ed25519 and EC on {}", provider::CURVES);
    match KeyKind::of(der) {
        Some(KeyKind::Rsa(bits)) if !RSA_BITS.contains(&bits) => format!(
            "it is an RSA key of {bits} bits, and has to have 2048 to 8192: openssl genpkey \
             -algorithm RSA -pkeyopt rsa_keygen_bits:2048"
        )
        .into(),
        Some(KeyKind::Rsa(_)) => {
            "it is an RSA key whose numbers do not fit each other; was it damaged?".into()
        }
        Some(KeyKind::RsaPss) => {
            "it is an RSA key for PSS signatures alone (RSASSA-PSS), which is not supported; take a \
             plain one: openssl genpkey -algorithm RSA"
                .into()
        }
        Some(KeyKind::ExplicitCurve) => {
            "its curve is written out in numbers (explicit parameters), which hardly anybody takes; \
             name it: openssl ec -in FILE -param_enc named_curve, and issue its certificate anew"
                .into()
        }
        Some(KeyKind::Curve(curve)) if provider::CURVES.contains(&*curve) => {
            format!("it is a damaged EC key on {curve}").into()
        }
        Some(KeyKind::Curve(curve)) => format!("it is an EC key on {curve}; {supported}").into(),
        Some(KeyKind::Other(name)) => format!("it is a key for {name}; {supported}").into(),
        None => format!("it is damaged, or of a kind that is not known; {supported}").into(),
    }
}

fn validity(leaf: &Certificate<'_>) -> Result<(u64, u64), LoadFault> {
    leaf.not_before().zip(leaf.not_after()).ok_or_else(|| {
        LoadFault::UnusableCertificate("its validity is no time (RFC 5280 section 4.1.2.5)".into())
    })
}

fn names(leaf: &Certificate<'_>) -> Vec<String> {
    let lower = |name: &[u8]| std::str::from_utf8(name).ok().map(str::to_ascii_lowercase);
    let names: Vec<_> = leaf.dns_names().filter_map(lower).collect();
    if names.is_empty() {
        return leaf.common_name().and_then(|name| lower(&name)).into_iter().collect();
    }
    names
}
