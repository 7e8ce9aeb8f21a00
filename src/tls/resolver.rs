//! Which of our certificates a client gets.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::OwnCertificate;
use super::resolver_slot;

/// The most certificates: as many as an index of 16 bits can tell apart.
pub(super) const CERTIFICATES_MAX: usize = 1 << u16::BITS;

/// Our certificates by name. The first one is the default.
#[derive(Debug)]
pub(super) struct Resolver {
    certificates: Vec<OwnCertificate>,
    exact: HashMap<String, Vec<u16>>,
    /// By the part of the name behind `*.`.
    wildcard: HashMap<String, Vec<u16>>,
    strict: bool,
}

impl Resolver {
    /// `certificates` is not empty and has at most [`CERTIFICATES_MAX`]. With `strict`, a client
    /// that asks for none of the names, or for no name, is refused.
    pub(super) fn new(certificates: Vec<OwnCertificate>, strict: bool) -> Self {
        let mut exact = HashMap::<_, Vec<_>>::new();
        let mut wildcard = HashMap::<_, Vec<_>>::new();
        for (own, index) in certificates.iter().zip(0..=u16::MAX) {
            for name in &own.names {
                let (map, name) = match name.strip_prefix("*.") {
                    Some(parent) => (&mut wildcard, parent),
                    None => (&mut exact, name.as_str()),
                };
                map.entry(name.to_owned()).or_default().push(index);
            }
        }
        Self { certificates, exact, wildcard, strict }
    }

    pub(super) fn certificate(&self, index: u16) -> Option<&OwnCertificate> {
        self.certificates.get(usize::from(index))
    }

    /// The exact name, then a wildcard for its first label (RFC 6125 section 6.4.3), then the
    /// default. Of several certificates for a name, the first whose key can sign in a way the
    /// client knows; if none can, the first, so that the handshake fails for that reason.
    pub(super) fn choose(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<u16> {
        let usable = |index: &u16| {
            self.certificate(*index).is_some_and(|own| own.key.key.choose_scheme(schemes).is_some())
        };
        let parent = name.and_then(|name| name.split_once('.')).map(|(_, parent)| parent);
        let exact = name.and_then(|name| self.exact.get(name));
        let named = [exact, parent.and_then(|parent| self.wildcard.get(parent))];
        let named = || named.iter().copied().flatten().flatten().copied();
        if let Some(index) = named().find(usable) {
            return Some(index);
        }
        if self.strict {
            return named().next();
        }
        let mut all = (0..=u16::MAX).take(self.certificates.len());
        all.find(usable).or_else(|| named().next()).or(Some(0))
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls has lowered the case; a trailing dot names the same host.
        let name = hello.server_name().map(|name| name.trim_end_matches('.'));
        let chosen = self.choose(name, hello.signature_schemes());
        resolver_slot::write(chosen, name);
        chosen.and_then(|index| self.certificate(index)).map(|own| Arc::clone(&own.key))
    }
}
