//! Why a configuration cannot be made.

use std::borrow::Cow;
use std::fmt;

use super::found::{Due, Found};
use crate::cause::is_plain;

/// The longest that a session is kept, in seconds: seven days, as RFC 8446 section 4.6.1 demands of
/// servers, in what they say of a ticket, and of clients.
pub(super) const LIFETIME_MAX: u32 = 7 * 24 * 3600;

/// What is wrong with a configuration, and where: one sentence for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The file, or what else the text came from; empty when it is an option that is wrong.
    pub place: String,
    /// The line within it, from 1, when there is one.
    pub line: Option<u32>,
    /// What is wrong there.
    pub fault: LoadFault,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadFault {
    /// The file cannot be read; what the system said.
    Unreadable(String),
    /// It is larger than any certificate, key or revocation list that is accepted.
    TooLarge,
    /// The file holds no byte.
    Empty,
    /// No certificate is configured at all.
    NoCertificates,
    /// There are more certificates than one configuration takes; how many it takes.
    TooManyCertificates(usize),
    /// There is no `CERTIFICATE` section.
    NoCertificate,
    /// There is no private key section.
    NoKey,
    /// There is a second private key; the line of the first.
    SecondKey(u32),
    /// There is no `X509 CRL` section.
    NoCrl,
    /// Something else stands where a certificate, a key or a revocation list was expected.
    Instead {
        /// What was expected.
        due: Due,
        /// What was found.
        found: Found,
    },
    /// A line looks like a BEGIN or END line and is malformed.
    Marker,
    /// A PEM section has no END line.
    Unended,
    /// The END line names another section than the BEGIN line.
    OtherEnd,
    /// A line of a PEM section is not base64.
    NotBase64,
    /// The private key needs a passphrase.
    EncryptedKey,
    /// The private key cannot be used; why.
    UnusableKey(Cow<'static, str>),
    /// The private key belongs to another certificate.
    KeyMismatch,
    /// The certificate cannot be used; why.
    UnusableCertificate(Cow<'static, str>),
    /// The revocation list cannot be used; why.
    UnusableCrl(Cow<'static, str>),
    /// Client certificates are to be verified, but no authorities are given to verify them against.
    NoClientRoots,
    /// The system's own authorities were found in none of the usual places.
    NoSystemRoots,
    /// The lowest version is above the highest.
    NoVersion,
    /// Sessions would be kept for longer than RFC 8446 section 4.6.1 allows.
    LongLifetime {
        /// The option that says so.
        option: &'static str,
        /// What it says.
        seconds: u32,
    },
    /// A protocol name is empty or longer than 255 bytes.
    BadAlpn,
    /// A name that no certificate can be made for; which.
    BadName(String),
    /// The cryptography refused; why.
    Crypto(Cow<'static, str>),
    /// This build has no TLS.
    NoTls,
}

impl LoadError {
    #[cfg(feature = "tls")]
    pub(super) fn at(place: &str, line: u32, fault: LoadFault) -> Self {
        Self { place: place.to_owned(), line: Some(line), fault }
    }

    #[cfg(feature = "tls")]
    pub(super) fn within(place: &str, fault: LoadFault) -> Self {
        Self { place: place.to_owned(), line: None, fault }
    }

    pub(super) const fn option(fault: LoadFault) -> Self {
        Self { place: String::new(), line: None, fault }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            f.write_str(&self.place)?;
            if let Some(line) = self.line {
                write!(f, ", line {line}")?;
            }
            f.write_str(": ")?;
        }
        let fault = self.fault.to_string();
        debug_assert!(is_plain(&fault), "a debug form for a person to read: {fault}");
        f.write_str(&fault)
    }
}

impl fmt::Display for LoadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Self::TooLarge => f.write_str("is larger than 256 MiB, which no certificate is"),
            Self::Empty => f.write_str("is empty"),
            Self::NoCertificates => f.write_str("no certificate is configured"),
            Self::TooManyCertificates(most) => {
                write!(f, "more than {most} certificates; divide them between configurations")
            }
            Self::NoCertificate => f.write_str("no certificate in it"),
            Self::NoKey => f.write_str("no private key in it"),
            Self::SecondKey(first) => write!(
                f,
                "a second private key, the first is in line {first}; leave the one that belongs to \
                 the certificate"
            ),
            Self::NoCrl => f.write_str("no revocation list (X509 CRL) in it"),
            Self::Instead { due, found } => f.write_str(&found.instead(*due)),
            Self::Marker => f.write_str(
                "a BEGIN or END line that is none: it has five hyphens on either side, as \
                 -----BEGIN CERTIFICATE-----",
            ),
            Self::Unended => f.write_str(
                "the PEM section that begins here has no END line; was the file cut short?",
            ),
            Self::OtherEnd => f.write_str("END of another section than the one that began"),
            Self::NotBase64 => f.write_str(
                "not base64, which is all that may stand between BEGIN and END, or cut short",
            ),
            Self::EncryptedKey => {
                f.write_str(
                    "the private key is encrypted under a passphrase; decrypt it: openssl pkey -in \
                     FILE -out FILE.pem",
                )
            }
            Self::UnusableKey(why) => write!(f, "the private key cannot be used: {why}"),
            Self::KeyMismatch => f.write_str(
                "the private key does not match any certificate given with it; compare openssl pkey \
                 -in KEY -pubout with openssl x509 -in CERTIFICATE -noout -pubkey",
            ),
            Self::UnusableCertificate(why) => write!(f, "the certificate cannot be used: {why}"),
            Self::UnusableCrl(why) => write!(f, "the revocation list cannot be used: {why}"),
            Self::NoClientRoots => {
                f.write_str("client certificates are asked for, and no CA to verify them is given")
            }
            Self::NoSystemRoots => {
                f.write_str("no certificate authorities found on this system; give a CA file")
            }
            Self::NoVersion => f.write_str("the lowest TLS version is above the highest"),
            Self::LongLifetime { option, seconds } => write!(
                f,
                "{option} is {seconds} s; sessions are kept for {LIFETIME_MAX} s (7 days) at most \
                 (RFC 8446 section 4.6.1)"
            ),
            Self::BadAlpn => f.write_str("an ALPN protocol name must have 1 to 255 bytes"),
            Self::BadName(name) => write!(f, "no certificate can be made for {name:?}"),
            Self::Crypto(why) => write!(f, "the cryptography refused: {why}"),
            Self::NoTls => f.write_str("this build of the library has no TLS"),
        }
    }
}

impl std::error::Error for LoadError {}
