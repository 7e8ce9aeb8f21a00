//! What a finished handshake agreed on.

use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, CommonState, HandshakeKind, NamedGroup, SupportedCipherSuite};

use super::certificate::CertificateFacts;
use super::peer_chains::{CertificateChain, Chains};
use super::provider::TlsVersion;

/// A key exchange group (IANA's registry "TLS Supported Groups").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub code: u16,
    /// Its name, such as `X25519` or `secp256r1`.
    pub name: &'static str,
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

/// The results of a finished handshake, kept so that they can be asked for.
pub(super) struct Agreed {
    pub(super) version: TlsVersion,
    pub(super) suite: SupportedCipherSuite,
    pub(super) group: Option<NamedGroup>,
    pub(super) alpn: Option<Box<[u8]>>,
    pub(super) resumed: bool,
    pub(super) chain: CertificateChain,
}

impl Agreed {
    /// `None` while the handshake lasts.
    pub(super) fn of(common: &CommonState, chains: &Chains) -> Option<Self> {
        Some(Self {
            version: TlsVersion::of(common.protocol_version())?,
            suite: common.negotiated_cipher_suite()?,
            group: common.negotiated_key_exchange_group().map(|group| group.name()),
            alpn: common.alpn_protocol().map(Into::into),
            resumed: common.handshake_kind() == Some(HandshakeKind::Resumed),
            chain: chains.share(common.peer_certificates().unwrap_or_default()),
        })
    }
}

/// IANA's name of a suite; rustls has names of its own for those of TLS 1.3.
pub(super) fn suite_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        other => other.as_str().unwrap_or("unknown"),
    }
}

pub(super) fn group(group: NamedGroup) -> Group {
    Group { code: group.into(), name: group.as_str().unwrap_or("unknown") }
}
