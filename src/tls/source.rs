//! Certificates, keys and lists, as the host gives them.

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroize as _;

/// Where PEM text comes from. Text in memory is wiped when it is dropped, since it may be a key.
#[derive(Clone, PartialEq, Eq)]
pub enum PemSource {
    /// A file, read when the configuration is made and not again.
    File(PathBuf),
    /// The text itself.
    Bytes(Vec<u8>),
}

impl Drop for PemSource {
    fn drop(&mut self) {
        if let Self::Bytes(text) = self {
            text.zeroize();
        }
    }
}

impl fmt::Debug for PemSource {
    /// The bytes are left out: they may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Bytes(text) => write!(f, "Bytes({})", text.len()),
        }
    }
}

/// A certificate chain and its private key, as the host gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// PEM text. Our own certificate is the one that the key belongs to, whatever the order; those
    /// that issued it follow. Without `key` the key is looked for where the chain is.
    Pem {
        /// The chain.
        chain: PemSource,
        /// The private key (PKCS #8, PKCS #1 or SEC 1), when it is elsewhere.
        key: Option<PemSource>,
    },
    /// DER in memory.
    Der {
        /// The chain, our own certificate first.
        chain: Vec<Vec<u8>>,
        /// The private key (PKCS #8, PKCS #1 or SEC 1).
        key: SecretDer,
    },
}

/// A private key in DER, which no debug output shows and which is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretDer(pub Vec<u8>);

impl Drop for SecretDer {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretDer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretDer({})", self.0.len())
    }
}

impl CertificateSource {
    /// A chain with its key in one file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::Pem { chain: PemSource::File(path.into()), key: None }
    }

    /// A chain with its key in one piece of PEM text.
    #[must_use]
    pub fn pem(text: impl Into<Vec<u8>>) -> Self {
        Self::Pem { chain: PemSource::Bytes(text.into()), key: None }
    }
}
