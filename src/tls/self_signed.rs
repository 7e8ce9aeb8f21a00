//! A temporary certificate for development: nobody trusts it, and it is stored nowhere.

use rcgen::{CertificateParams, KeyPair};

use super::error::{LoadError, LoadFault};
use super::source::{CertificateSource, SecretDer};

/// A self-signed certificate for `names` (DNS names, wildcards, IP addresses) with a new P-256 key
/// that exists only in memory. Valid at any time of this age.
///
/// # Errors
/// No name, a name that cannot stand in a certificate, or no randomness.
pub fn self_signed(names: &[&str]) -> Result<CertificateSource, LoadError> {
    if names.is_empty() {
        return Err(LoadError::option(LoadFault::BadName(String::new())));
    }
    let crypto = |_: rcgen::Error| {
        LoadError::option(LoadFault::Crypto("it makes no key or signs nothing with it".into()))
    };
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let listed = names.join(", ");
    let params =
        CertificateParams::new(names).map_err(|_| LoadError::option(LoadFault::BadName(listed)))?;
    let key = KeyPair::generate().map_err(crypto)?;
    let certificate = params.self_signed(&key).map_err(crypto)?;
    Ok(CertificateSource::Der {
        chain: vec![certificate.der().to_vec()],
        key: SecretDer(key.serialize_der()),
    })
}
