//! What another process agreed on that runs TLS for a connection of ours.

use pki_types::CertificateDer;

use super::names;
use super::negotiated::{CertificateFacts, Negotiated, Verified};
use super::options::TlsVersion;

/// What a finished handshake agreed on that another process made.
#[derive(Debug)]
pub struct RemoteTls {
    /// The protocol version.
    pub version: TlsVersion,
    /// The cipher suite's number (IANA's registry "TLS Cipher Suites").
    pub suite: u16,
    /// The number of the key exchange's group (IANA's registry "TLS Supported Groups"), if there was one.
    pub group: Option<u16>,
    /// The application protocol.
    pub alpn: Option<Box<[u8]>>,
    /// The host name that the client asked for.
    pub server_name: Option<Box<str>>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// What is known of the peer's certificate.
    pub verified: Verified,
    /// Facts about the certificate that the other process presented as a server.
    pub own: Option<CertificateFacts>,
    chain: Vec<CertificateDer<'static>>,
}

impl RemoteTls {
    /// With no more than a version, a cipher suite and the peer's certificates, its own first.
    #[must_use]
    pub fn new<'a>(
        version: TlsVersion,
        suite: u16,
        chain: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        Self {
            version,
            suite,
            group: None,
            alpn: None,
            server_name: None,
            resumed: false,
            verified: Verified::NotAsked,
            own: None,
            chain: chain.into_iter().map(|der| CertificateDer::from(der.to_vec())).collect(),
        }
    }

    /// The same as of a handshake of our own.
    #[must_use]
    pub fn negotiated(&self) -> Negotiated<'_> {
        Negotiated {
            version: self.version,
            suite: self.suite,
            suite_name: names::suite(self.suite),
            group: self.group.map(names::group),
            alpn: self.alpn.as_deref(),
            server_name: self.server_name.as_deref(),
            resumed: self.resumed,
            verified: self.verified,
            own: self.own.as_ref(),
            chain: &self.chain,
        }
    }
}
