//! How certificates are verified: by rustls's own rules, or because they are trusted themselves;
//! and how long the result holds.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::expiry::Expiry;
use super::pinned::Pins;

/// Verifies by `rules`, and accepts `pins` as well. A session that rests on the result ends
/// `lifetime` seconds later, or with the certificate if that is sooner.
pub(super) struct Verifier<V: ?Sized> {
    rules: Arc<V>,
    pins: Pins,
    lifetime: u32,
}

impl<V: ?Sized> Verifier<V> {
    pub(super) const fn new(rules: Arc<V>, pins: Pins, lifetime: u32) -> Self {
        Self { rules, pins, lifetime }
    }

    fn verified(&self, leaf: &CertificateDer<'_>, now: UnixTime) {
        Expiry::of(leaf, now.as_secs(), self.lifetime).set();
    }
}

impl<V: fmt::Debug + ?Sized> fmt::Debug for Verifier<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rules.fmt(f)
    }
}

/// How both kinds of verifier check the signature in a handshake: by the rules alone.
macro_rules! signatures_by_the_rules {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            leaf: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.rules.verify_tls12_signature(message, leaf, signature)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            leaf: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.rules.verify_tls13_signature(message, leaf, signature)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.rules.supported_verify_schemes()
        }
    };
}

impl<V: ClientCertVerifier + ?Sized> ClientCertVerifier for Verifier<V> {
    signatures_by_the_rules!();

    fn offer_client_auth(&self) -> bool {
        self.rules.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.rules.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.rules.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Err(refused) = self.rules.verify_client_cert(leaf, intermediates, now) {
            self.pins.take(leaf, refused)?;
        }
        self.verified(leaf, now);
        Ok(ClientCertVerified::assertion())
    }
}

impl<V: ServerCertVerifier + ?Sized> ServerCertVerifier for Verifier<V> {
    signatures_by_the_rules!();

    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Err(refused) = self.rules.verify_server_cert(leaf, intermediates, name, ocsp, now) {
            verify_server_name(&self.pins.take(leaf, refused)?, name)?;
        }
        self.verified(leaf, now);
        Ok(ServerCertVerified::assertion())
    }
}
