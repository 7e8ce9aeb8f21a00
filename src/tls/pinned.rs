//! Certificates that are trusted themselves, and not only for what they have signed.
//!
//! Whoever gives the certificate of `openssl req -x509` as an authority means the server that shows this
//! very certificate. It says of itself that it is an authority, and so webpki takes it from no server.

use std::collections::HashSet;

use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error};

use super::digest::sha256;

/// Certificates, by their SHA-256.
#[derive(Clone, Debug, Default)]
pub(super) struct Pins(HashSet<[u8; 32]>);

impl Pins {
    pub(super) fn add(&mut self, certificate: &[u8]) {
        self.0.insert(sha256(certificate));
    }

    /// The certificate that was `shown`, if it is one of these and was refused for its issuer alone, of
    /// which it has no need. webpki looks at the dates before; to revoke it, its issuer must be known.
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
            // The second: an authority that is at the wrong end of a chain (`CaUsedAsEndEntity`).
            Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_))
        );
        if for_its_issuer && self.0.contains(&sha256(shown)) {
            return ParsedCertificate::try_from(shown);
        }
        Err(refused)
    }
}
