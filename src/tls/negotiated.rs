//! What a finished handshake agreed on.

use std::borrow::Cow;

use pki_types::CertificateDer;

use super::options::TlsVersion;

/// A key exchange group (IANA's registry "TLS Supported Groups").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub code: u16,
    /// Its name, such as `X25519` or `secp256r1`.
    pub name: &'static str,
}

/// What the PROXY v2 SSL block says of the certificate that a listener presented
/// (`PP2_SUBTYPE_SSL_SIG_ALG`, `PP2_SUBTYPE_SSL_KEY_ALG`). Computed once, when it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// What it is signed with; see [`Certificate::signature_algorithm`](crate::wire::der::Certificate::signature_algorithm).
    pub signature_algorithm: Cow<'static, str>,
    /// Its key; see [`Certificate::key_algorithm`](crate::wire::der::Certificate::key_algorithm).
    pub key_algorithm: String,
}

/// What is known of the peer's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// None was asked for.
    NotAsked,
    /// One was asked for, and the peer has none.
    Absent,
    /// It was verified: now or, in a resumed session, when the session began.
    Valid,
    /// It was accepted without verification, which is switched off.
    Skipped,
}

/// What a finished handshake agreed on, borrowed from its session.
#[derive(Clone, Copy, Debug)]
pub struct Negotiated<'a> {
    /// The protocol version.
    pub version: TlsVersion,
    /// The cipher suite's number (IANA's registry "TLS Cipher Suites").
    pub suite: u16,
    /// The cipher suite's name there, such as `TLS_AES_256_GCM_SHA384`.
    pub suite_name: &'static str,
    /// The group of the key exchange; none when TLS 1.2 resumed a session.
    pub group: Option<Group>,
    /// The application protocol.
    pub alpn: Option<&'a [u8]>,
    /// The host name that the client asked for; on a server in lower case.
    pub server_name: Option<&'a str>,
    /// Whether an earlier session was resumed, without its certificates being shown again.
    pub resumed: bool,
    /// What is known of the peer's certificate.
    pub verified: Verified,
    /// Facts about the certificate that we presented as a server.
    pub own: Option<&'a CertificateFacts>,
    pub(super) chain: &'a [CertificateDer<'static>],
}

impl<'a> Negotiated<'a> {
    /// The peer's certificates in DER, its own first, each further one as the peer sent it.
    pub fn peer_chain(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        self.chain.iter().map(AsRef::as_ref)
    }
}
