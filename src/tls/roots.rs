//! The authorities a peer's certificate is verified against, and their revocation lists.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use super::error::{LoadError, LoadFault};
use super::pem::{Due, Source, Text};
use super::sentence;
use crate::wire::der::Kind;

/// What a server's certificate is verified against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// The authorities the system trusts, from where distributions keep them. No environment
    /// variable changes the place.
    #[default]
    System,
    /// The CA certificates in these sources, and no others.
    Pem(Vec<Source>),
    /// Nothing at all: **any** certificate of any server is taken, so anybody in between can read
    /// and change everything. Only what the server signs with its own key is checked.
    DangerouslySkipVerification,
}

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

/// All CA certificates of the sources. Each must be usable.
pub(super) fn load(sources: &[Source]) -> Result<RootCertStore, LoadError> {
    let mut store = RootCertStore::empty();
    for source in sources {
        let text = Text::load(source)?;
        let before = store.len();
        for section in text.all(Kind::Certificate) {
            store.add(CertificateDer::from(section.der.clone())).map_err(|why| {
                text.error(section, LoadFault::UnusableCertificate(sentence::loading(&why)))
            })?;
        }
        if store.len() == before {
            return Err(text.lacks(Due::Certificate, None));
        }
    }
    Ok(store)
}

/// The system's authorities: the first bundle that holds any, else all files of the first directory
/// that does. What cannot be used is skipped: systems carry such certificates, and one is no reason
/// to trust nobody.
pub(super) fn system() -> Result<RootCertStore, LoadError> {
    let mut store = RootCertStore::empty();
    for file in SYSTEM_FILES {
        add_what_can_be_used(&mut store, Path::new(file));
        if !store.is_empty() {
            return Ok(store);
        }
    }
    for directory in SYSTEM_DIRECTORIES {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            add_what_can_be_used(&mut store, &entry.path());
        }
        if !store.is_empty() {
            return Ok(store);
        }
    }
    Err(LoadError::option(LoadFault::NoSystemRoots))
}

fn add_what_can_be_used(store: &mut RootCertStore, file: &Path) {
    if let Ok(text) = Text::load(&Source::File(file.to_owned())) {
        let certificates = text.all(Kind::Certificate).map(|section| section.der.clone().into());
        store.add_parsable_certificates(certificates);
    }
}

/// All revocation lists of the sources.
pub(super) fn revocation_lists(
    sources: &[Source],
) -> Result<Vec<CertificateRevocationListDer<'static>>, LoadError> {
    let mut lists = Vec::new();
    for source in sources {
        let text = Text::load(source)?;
        let before = lists.len();
        lists.extend(text.all(Kind::RevocationList).map(|section| section.der.clone().into()));
        if lists.len() == before {
            return Err(text.lacks(Due::Crl, None));
        }
    }
    Ok(lists)
}
