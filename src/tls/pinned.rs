//! Certificates that are trusted themselves, not only as issuers of others.
//!
//! An operator who gives the certificate of `openssl req -x509` as an authority means the server
//! that shows this very certificate. It is marked as an authority's, and so webpki accepts it from
//! no server.

use std::collections::HashSet;

use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error};

use super::provider::sha256;

/// Certificates, by their SHA-256.
#[derive(Clone, Debug, Default)]
pub(super) struct Pins(HashSet<[u8; 32]>);

impl Pins {
    pub(super) fn add(&mut self, certificate: &[u8]) {
        self.0.insert(sha256(certificate));
    }

    /// The certificate that was `shown`, if it is one of these and was refused for its issuer
    /// alone, which does not matter for a pinned one. webpki has checked the dates before that; a
    /// revocation list applies only where the issuer is known.
    ///
    /// # Errors
    /// What it was refused for.
    pub(super) fn take<'a>(
        &self,
        shown: &'a CertificateDer<'a>,
        refused: Error,
    ) -> Result<ParsedCertificate<'a>, Error> {
        let for_its_issuer = matches!(
            refused,
            // `Other` is an authority used as an end-entity certificate (`CaUsedAsEndEntity`).
            Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_))
        );
        if for_its_issuer && self.0.contains(&sha256(shown)) {
            return ParsedCertificate::try_from(shown);
        }
        Err(refused)
    }
}
