//! What a finished handshake of ours agreed on, kept so that it can be asked for.

use rustls::{CommonState, HandshakeKind, NamedGroup, SupportedCipherSuite};

use super::options::TlsVersion;
use super::peer_chains::{CertificateChain, Chains};
use super::provider;

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
            version: provider::known(common.protocol_version())?,
            suite: common.negotiated_cipher_suite()?,
            group: common.negotiated_key_exchange_group().map(|group| group.name()),
            alpn: common.alpn_protocol().map(Into::into),
            resumed: common.handshake_kind() == Some(HandshakeKind::Resumed),
            chain: chains.share(common.peer_certificates().unwrap_or_default()),
        })
    }
}
