//! Certificates that are trusted themselves, and not only for what they have signed.
//!
//! Whoever gives the certificate of `openssl req -x509` as an authority means the server that shows this
//! very certificate. It says of itself that it is an authority, and so webpki takes it from no server.

use std::collections::HashSet;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::digest::sha256;

/// Certificates, by their SHA-256.
#[derive(Clone, Debug, Default)]
pub(super) struct Pins(HashSet<[u8; 32]>);

impl Pins {
    pub(super) fn add(&mut self, certificate: &[u8]) {
        self.0.insert(sha256(certificate));
    }
}

/// A verifier that takes these certificates as well.
#[derive(Debug)]
pub(super) struct Pinned<V: ?Sized> {
    pins: Pins,
    verifier: Arc<V>,
}

impl<V: ?Sized> Pinned<V> {
    pub(super) const fn new(pins: Pins, verifier: Arc<V>) -> Self {
        Self { pins, verifier }
    }

    /// The certificate that was `shown`, if it is one of ours and was refused for its issuer alone, of
    /// which it has no need. webpki looks at the dates before; to revoke it, its issuer must be known.
    fn pinned<'a>(
        &self,
        shown: &'a CertificateDer<'a>,
        error: Error,
    ) -> Result<ParsedCertificate<'a>, Error> {
        let for_its_issuer = matches!(
            error,
            // The second: an authority that is at the wrong end of a chain (`CaUsedAsEndEntity`).
            Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_))
        );
        if for_its_issuer && self.pins.0.contains(&sha256(shown)) {
            return ParsedCertificate::try_from(shown);
        }
        Err(error)
    }
}

impl<V: ServerCertVerifier + ?Sized> ServerCertVerifier for Pinned<V> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now).or_else(
            |error| {
                verify_server_name(&self.pinned(end_entity, error)?, name)?;
                Ok(ServerCertVerified::assertion())
            },
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

impl<V: ClientCertVerifier + ?Sized> ClientCertVerifier for Pinned<V> {
    fn client_auth_mandatory(&self) -> bool {
        self.verifier.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verifier.verify_client_cert(end_entity, intermediates, now).or_else(|error| {
            self.pinned(end_entity, error)?;
            Ok(ClientCertVerified::assertion())
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
