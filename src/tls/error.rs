//! Why a configuration cannot be made.

use std::fmt;

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
    /// There is a second private key.
    SecondKey,
    /// There is no `X509 CRL` section.
    NoCrl,
    /// A PEM section begins and is not ended.
    Unended,
    /// A line of a PEM section is not base64.
    NotBase64,
    /// The private key needs a passphrase.
    EncryptedKey,
    /// The private key cannot be used; why.
    UnusableKey(String),
    /// The private key belongs to another certificate.
    KeyMismatch,
    /// The certificate cannot be used; why.
    UnusableCertificate(String),
    /// The revocation list cannot be used; why.
    UnusableCrl(String),
    /// Client certificates are to be verified and nothing says against which authorities.
    NoClientRoots,
    /// The system's own authorities were found in none of the usual places.
    NoSystemRoots,
    /// The lowest version is above the highest.
    NoVersion,
    /// A protocol name is empty or longer than 255 bytes.
    BadAlpn,
    /// A name that no certificate can be made for; which.
    BadName(String),
    /// The cryptography refused; why.
    Crypto(String),
}

impl LoadError {
    pub(super) fn at(place: &str, line: u32, fault: LoadFault) -> Self {
        Self { place: place.to_owned(), line: Some(line), fault }
    }

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
        write!(f, "{}", self.fault)
    }
}

impl fmt::Display for LoadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Self::Empty => f.write_str("is empty"),
            Self::NoCertificates => f.write_str("no certificate is configured"),
            Self::TooManyCertificates(most) => {
                write!(f, "more than {most} certificates; divide them between configurations")
            }
            Self::NoCertificate => f.write_str("no CERTIFICATE section in it"),
            Self::NoKey => f.write_str("no private key in it"),
            Self::SecondKey => f.write_str("a second private key; one belongs to a chain"),
            Self::NoCrl => f.write_str("no X509 CRL section in it"),
            Self::Unended => f.write_str("the PEM section that begins here has no end"),
            Self::NotBase64 => f.write_str("not base64"),
            Self::EncryptedKey => {
                f.write_str("the private key is encrypted; store it without a passphrase")
            }
            Self::UnusableKey(why) => write!(f, "the private key cannot be used: {why}"),
            Self::KeyMismatch => f.write_str("the private key does not match the certificate"),
            Self::UnusableCertificate(why) => write!(f, "the certificate cannot be used: {why}"),
            Self::UnusableCrl(why) => write!(f, "the revocation list cannot be used: {why}"),
            Self::NoClientRoots => {
                f.write_str("client certificates are asked for, and no CA to verify them is given")
            }
            Self::NoSystemRoots => {
                f.write_str("no certificate authorities found on this system; give a CA file")
            }
            Self::NoVersion => f.write_str("the lowest TLS version is above the highest"),
            Self::BadAlpn => f.write_str("an ALPN protocol name must have 1 to 255 bytes"),
            Self::BadName(name) => write!(f, "no certificate can be made for {name:?}"),
            Self::Crypto(why) => write!(f, "the cryptography refused: {why}"),
        }
    }
}

impl std::error::Error for LoadError {}
