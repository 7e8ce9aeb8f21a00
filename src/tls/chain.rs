//! The order of a chain: ours first, then who issued it, and who issued that.

use rustls::pki_types::CertificateDer;

use super::error::LoadFault;
use crate::wire::der::Certificate;

/// `chain` without repetitions, our own certificate first: the first one that `key` (a
/// SubjectPublicKeyInfo) belongs to, or the first of all when that cannot be told. Each further one
/// issued the one before it, as TLS 1.2 demands (RFC 5246 section 7.4.2). Certificates that issued
/// none of these come last.
pub(super) fn in_order(
    chain: Vec<CertificateDer<'static>>,
    key: Option<&[u8]>,
) -> Result<Vec<CertificateDer<'static>>, LoadFault> {
    let mut rest: Vec<(CertificateDer<'static>, Certificate<'_>)> = Vec::new();
    for der in &chain {
        let parsed = Certificate::parse(der)
            .map_err(|why| LoadFault::UnusableCertificate(why.to_string().into()))?;
        if !rest.iter().any(|(other, _)| other == der) {
            rest.push((der.clone(), parsed));
        }
    }
    let own = |(_, one): &(_, Certificate<'_>)| key.is_none_or(|key| one.has_key(key));
    let mut next = if rest.is_empty() {
        None
    } else {
        Some(rest.iter().position(own).ok_or(LoadFault::KeyMismatch)?)
    };
    let mut ordered = Vec::with_capacity(rest.len());
    while let Some(at) = next {
        let (der, issued) = rest.remove(at);
        ordered.push(der);
        next = rest.iter().position(|(_, other)| issued.is_issued_by(other));
    }
    ordered.extend(rest.into_iter().map(|(der, _)| der));
    Ok(ordered)
}
