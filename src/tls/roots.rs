//! The authorities a peer's certificate is verified against, and their revocation lists.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use super::error::{LoadError, LoadFault};
use super::found::Due;
use super::pem::PemText;
use super::pinned::Pins;
use super::sentence;
use super::source::PemSource;
use crate::wire::der::DerKind;

/// Bundles of the distributions: Debian and Arch, Fedora and RHEL, SUSE, Alpine and the BSDs.
const SYSTEM_FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Directories of single certificates, where there is no bundle.
const SYSTEM_DIRECTORIES: &[&str] = &["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// The trust anchors, and the certificates from which they were read.
pub(super) struct Trusted {
    pub(super) store: RootCertStore,
    pub(super) pins: Pins,
}

impl Trusted {
    fn nobody() -> Self {
        Self { store: RootCertStore::empty(), pins: Pins::default() }
    }

    fn add(&mut self, certificate: &[u8]) -> Result<(), rustls::Error> {
        self.store.add(CertificateDer::from(certificate))?;
        self.pins.add(certificate);
        Ok(())
    }
}

/// All CA certificates of the sources. Each must be usable.
pub(super) fn load(sources: &[PemSource]) -> Result<Trusted, LoadError> {
    let mut trusted = Trusted::nobody();
    for source in sources {
        let text = PemText::load(source)?;
        let before = trusted.store.len();
        for section in text.all(DerKind::Certificate) {
            trusted.add(&section.der).map_err(|why| {
                text.error(section, LoadFault::UnusableCertificate(sentence::loading(&why)))
            })?;
        }
        if trusted.store.len() == before {
            return Err(text.lacks(Due::Certificate, None));
        }
    }
    Ok(trusted)
}

/// The system's authorities: the first bundle that holds any, else all files of the first directory
/// that does. What cannot be used is skipped: systems carry such certificates, and one is no reason
/// to trust nobody.
pub(super) fn system() -> Result<Trusted, LoadError> {
    let mut trusted = Trusted::nobody();
    for file in SYSTEM_FILES {
        add_what_can_be_used(&mut trusted, Path::new(file));
        if !trusted.store.is_empty() {
            return Ok(trusted);
        }
    }
    for directory in SYSTEM_DIRECTORIES {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            add_what_can_be_used(&mut trusted, &entry.path());
        }
        if !trusted.store.is_empty() {
            return Ok(trusted);
        }
    }
    Err(LoadError::option(LoadFault::NoSystemRoots))
}

fn add_what_can_be_used(trusted: &mut Trusted, file: &Path) {
    if let Ok(text) = PemText::load(&PemSource::File(file.to_owned())) {
        for section in text.all(DerKind::Certificate) {
            drop(trusted.add(&section.der));
        }
    }
}

/// All revocation lists of the sources.
pub(super) fn revocation_lists(
    sources: &[PemSource],
) -> Result<Vec<CertificateRevocationListDer<'static>>, LoadError> {
    let mut lists = Vec::new();
    for source in sources {
        let text = PemText::load(source)?;
        let before = lists.len();
        lists.extend(text.all(DerKind::RevocationList).map(|section| section.der.to_vec().into()));
        if lists.len() == before {
            return Err(text.lacks(Due::Crl, None));
        }
    }
    Ok(lists)
}
