//! What an agent reports of a TLS handshake that it made.

use std::fmt;
use std::slice;

use super::sizes::LENGTH;

/// What a TLS handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts<'a> {
    /// The protocol version: 0x0303 is TLS 1.2, 0x0304 TLS 1.3.
    pub version: u16,
    /// The cipher suite (IANA's registry "TLS Cipher Suites").
    pub suite: u16,
    /// The group of the key exchange (IANA's registry "TLS Supported Groups"); 0 for none.
    pub group: u16,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// What is known of the peer's certificate: 0 none was asked for, 1 the peer has none, 2 it is
    /// valid, 3 it was not verified.
    pub verified: u8,
    /// The application protocol, at most 255 bytes; empty for none.
    pub alpn: &'a [u8],
    /// The host name that the client asked for; empty for none.
    pub server_name: &'a str,
    /// The algorithm of the signature in the certificate that the agent presented; empty for none.
    pub signature_algorithm: &'a str,
    /// The algorithm of the key in it; empty for none.
    pub key_algorithm: &'a str,
    /// The peer's certificates, its own first.
    pub certificates: CertificateList<'a>,
}

/// Certificates in DER, each a slice. Iterating borrows and allocates nothing. Two lists are equal if
/// they have the same certificates, wherever these lie.
#[derive(Clone)]
pub struct CertificateList<'a>(CertificatePlace<'a>);

#[derive(Clone)]
enum CertificatePlace<'a> {
    /// In a frame: each behind its length.
    Frame(&'a [u8]),
    /// Each in a place of its own.
    Apart(slice::Iter<'a, &'a [u8]>),
}

impl<'a> CertificateList<'a> {
    /// These certificates, for writing. None of them may be empty.
    #[must_use]
    pub fn new(ders: &'a [&'a [u8]]) -> Self {
        Self(CertificatePlace::Apart(ders.iter()))
    }

    /// Those that lie in a frame, each behind its length; `bytes` has been checked.
    pub(super) const fn in_frame(bytes: &'a [u8]) -> Self {
        Self(CertificatePlace::Frame(bytes))
    }
}

impl Default for CertificateList<'_> {
    /// No certificate.
    fn default() -> Self {
        Self::in_frame(&[])
    }
}

impl<'a> Iterator for CertificateList<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match &mut self.0 {
            CertificatePlace::Apart(ders) => ders.next().copied(),
            CertificatePlace::Frame(bytes) => {
                let (length, rest) = bytes.split_first_chunk::<LENGTH>()?;
                let (der, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
                *bytes = rest;
                Some(der)
            }
        }
    }
}

impl PartialEq for CertificateList<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.clone().eq(other.clone())
    }
}

impl Eq for CertificateList<'_> {}

impl fmt::Debug for CertificateList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
