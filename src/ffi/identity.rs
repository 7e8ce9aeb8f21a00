//! Certificates, keys and lists of authorities, as C hands them in.

use std::ffi::c_char;

use super::config_error::{ConfigError, named};
use super::ptr;
use super::words::text;
use crate::tls::{CertificateSource, PemSource};

/// PEM text, from a file or from memory. Set file, or bytes and len; both is VST_E_ARGUMENT.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_pem {
    /// A file, read during the call and not again; NULL for memory, or for none at all.
    pub file: *const c_char,
    /// The text, read during the call.
    pub bytes: *const u8,
    /// The length of `bytes`.
    pub len: u64,
}

/// A certificate chain and its key.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_identity {
    /// The chain, our own certificate first.
    pub chain: vst_pem,
    /// The private key (PKCS #8, PKCS #1 or SEC 1), without a passphrase. All zero: the key is in
    /// chain.
    pub key: vst_pem,
}

/// No text at all.
pub(super) const NO_PEM: vst_pem =
    vst_pem { file: std::ptr::null(), bytes: std::ptr::null(), len: 0 };

/// What the `vst_pem` of a field names, if anything.
///
/// # Safety
/// The file is NULL or a NUL-terminated string, and the memory as long as it says.
pub(super) unsafe fn pem(field: &str, given: &vst_pem) -> Result<Option<PemSource>, ConfigError> {
    // SAFETY: the caller's contract.
    let file = unsafe { text(&format!("{field}.file"), given.file) }?;
    let len = usize::try_from(given.len).unwrap_or(usize::MAX);
    // SAFETY: the caller's contract.
    let bytes = named(&format!("{field}.bytes"), unsafe { ptr::bytes(given.bytes, len) })?;
    match (file, bytes) {
        (Some(path), []) => Ok(Some(PemSource::File(path.into()))),
        (None, []) => Ok(None),
        (None, bytes) => Ok(Some(PemSource::Bytes(bytes.to_vec()))),
        (Some(_), _) => Err(ConfigError::argument(format!("{field}: file or bytes, and not both"))),
    }
}

/// A chain and its key.
///
/// # Safety
/// As [`pem`], for both.
pub(super) unsafe fn identity(given: &vst_identity) -> Result<CertificateSource, ConfigError> {
    // SAFETY: the caller's contract.
    let chain = unsafe { pem("chain", &given.chain) }?
        .ok_or_else(|| ConfigError::argument("chain: it is missing"))?;
    // SAFETY: the caller's contract.
    let key = unsafe { pem("key", &given.key) }?;
    Ok(CertificateSource::Pem { chain, key })
}
