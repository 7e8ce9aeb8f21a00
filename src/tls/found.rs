//! What a file or a section turned out to be, where something else was expected.

use std::fmt;

use crate::wire::der::DerKind;

/// What is expected in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A certificate.
    Certificate,
    /// A private key.
    Key,
    /// A revocation list.
    Crl,
}

/// What a file or one of its sections holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// PEM, of this kind.
    Pem(DerKind),
    /// A private key in OpenSSH's own format.
    OpensshKey,
    /// A section with another label.
    Section(String),
    /// Binary, of this kind.
    Der(DerKind),
    /// Base64 that is not between BEGIN and END, of this kind.
    Bare(DerKind),
    /// A malformed BEGIN line.
    Marker,
    /// Line breaks that are written as a backslash and a letter.
    EscapedLines,
    /// UTF-16 or UTF-32.
    Utf16,
    /// A Java keystore.
    Keystore,
    /// A public key of SSH.
    SshKey,
    /// A private key of PuTTY.
    PuttyKey,
    /// An OpenPGP key or message.
    Pgp,
    /// An HTML page.
    Html,
    /// JSON.
    Json,
    /// gzip, zip or the like.
    Compressed,
    /// What `openssl x509 -text` prints, without the certificate.
    Description,
    /// Zero bytes alone.
    Zeros,
    /// Blanks alone.
    Blank,
    /// Binary of no kind that is known.
    Binary,
    /// Text of no kind that is known.
    Text,
}

impl Due {
    const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "a certificate",
            Self::Key => "a private key",
            Self::Crl => "a revocation list (CRL)",
        }
    }
}

const fn kind_name(kind: DerKind) -> &'static str {
    match kind {
        DerKind::Certificate => "a certificate",
        DerKind::Request => "a certificate request (CSR)",
        DerKind::RevocationList => "a revocation list (CRL)",
        DerKind::PrivateKey => "a private key",
        DerKind::DsaKey => "a DSA private key",
        DerKind::EncryptedKey => "an encrypted private key",
        DerKind::PublicKey => "a public key",
        DerKind::Parameters => "parameters without a key",
        DerKind::Pkcs7 => "a PKCS #7 bundle (.p7b)",
        DerKind::Pkcs12 => "a PKCS #12 store (.p12, .pfx)",
    }
}

/// The command of openssl that turns a kind into PEM.
const fn into_pem(kind: DerKind) -> &'static str {
    match kind {
        DerKind::Certificate => "openssl x509 -inform DER -in FILE -out FILE.pem",
        DerKind::RevocationList => "openssl crl -inform DER -in FILE -out FILE.pem",
        DerKind::PrivateKey | DerKind::EncryptedKey | DerKind::DsaKey => {
            "openssl pkey -inform DER -in FILE -out FILE.pem"
        }
        DerKind::Pkcs7 => "openssl pkcs7 -inform DER -in FILE -print_certs -out FILE.pem",
        DerKind::Pkcs12 => "openssl pkcs12 -in FILE -nodes -out FILE.pem",
        DerKind::Request | DerKind::PublicKey | DerKind::Parameters => "openssl x509, openssl pkey",
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Pem(kind) => kind_name(*kind),
            Self::Der(DerKind::Pkcs12) => kind_name(DerKind::Pkcs12),
            Self::Der(kind) => return write!(f, "{} in DER (binary)", kind_name(*kind)),
            Self::Bare(kind) => {
                return write!(f, "{} in base64 without BEGIN and END lines", kind_name(*kind));
            }
            Self::Section(label) => return write!(f, "a section {label:?}"),
            Self::OpensshKey => "a private key in OpenSSH's own format",
            Self::Marker => "a BEGIN or END line that is none",
            Self::EscapedLines => "PEM whose line breaks are written \\n",
            Self::Utf16 => "text in UTF-16 or UTF-32",
            Self::Keystore => "a Java keystore (JKS)",
            Self::SshKey => "a public key of SSH",
            Self::PuttyKey => "a private key of PuTTY (.ppk)",
            Self::Pgp => "an OpenPGP key or message",
            Self::Html => "an HTML page",
            Self::Json => "JSON",
            Self::Compressed => "a compressed file",
            Self::Description => "the description of a certificate without the certificate",
            Self::Zeros => "nothing but zero bytes",
            Self::Blank => "nothing but blanks",
            Self::Binary => "binary data",
            Self::Text => "text without a BEGIN line",
        };
        f.write_str(name)
    }
}

impl Found {
    /// The sentence for an operator who gave this where `due` was expected.
    pub(in crate::tls) fn instead(&self, due: Due) -> String {
        let advice = self.advice(due);
        let joint = if advice.is_empty() { "" } else { "; " };
        format!("{self} where {} in PEM is due{joint}{advice}", due.name())
    }

    fn advice(&self, due: Due) -> String {
        let fixed = match self {
            Self::Der(kind) => return format!("to have it in PEM: {}", into_pem(*kind)),
            Self::Pem(kind) => return advice_on(*kind, due).to_owned(),
            Self::Bare(_) => {
                "put it between -----BEGIN and -----END lines, or use: openssl base64 -d, then \
                 -inform DER"
            }
            Self::OpensshKey => "to have it in PEM: ssh-keygen -p -m PKCS8 -f FILE",
            Self::PuttyKey => {
                "to have it in PEM: puttygen FILE -O private-openssh -o KEY, then ssh-keygen -p -m \
                 PKCS8 -f KEY"
            }
            Self::SshKey | Self::Pgp => "TLS uses X.509 certificates and their keys",
            Self::Marker => {
                "it is in capitals with five hyphens on either side, and begins its line: \
                 -----BEGIN CERTIFICATE-----"
            }
            Self::EscapedLines => {
                "as in JSON or an environment variable; write them as line breaks: printf %b"
            }
            Self::Utf16 => "to have it in UTF-8: iconv -f UTF-16 -t UTF-8 FILE",
            Self::Keystore => {
                "to have it in PEM: keytool -importkeystore -srckeystore FILE -destkeystore FILE.p12 \
                 -deststoretype PKCS12, then openssl pkcs12 -in FILE.p12 -nodes"
            }
            Self::Html => "was the page of an error downloaded in its place?",
            Self::Compressed => "unpack it first",
            Self::Description => "leave the option -noout of openssl out",
            Self::Zeros => "the file was lost as it was written; restore it",
            Self::Section(_) | Self::Json | Self::Blank | Self::Binary | Self::Text => "",
        };
        fixed.to_owned()
    }
}

const fn advice_on(kind: DerKind, due: Due) -> &'static str {
    match (kind, due) {
        (DerKind::Request, _) => "give the certificate that the authority issued for it",
        (DerKind::PrivateKey | DerKind::EncryptedKey | DerKind::DsaKey, Due::Certificate)
        | (DerKind::Certificate, Due::Key) => "are the files of certificate and key swapped?",
        (DerKind::DsaKey, Due::Key) => "TLS has no use for DSA; take an EC or RSA key",
        (DerKind::PublicKey, Due::Key) => "the private key is another file, and secret",
        (DerKind::Pkcs7, _) => "to have its certificates: openssl pkcs7 -in FILE -print_certs",
        (DerKind::Pkcs12, _) => "to have what is in it: openssl pkcs12 -in FILE -nodes",
        _ => "",
    }
}
