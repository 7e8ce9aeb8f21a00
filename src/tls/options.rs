//! How TLS is spoken: what a configuration is made from.

use super::error::LIFETIME_MAX;
use super::source::{CertificateSource, PemSource};

/// A protocol version. Nothing older is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246), with AEAD cipher suites and ECDHE only.
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// The name as OpenSSL and the PROXY v2 SSL block write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }
}

/// Which groups the key exchange offers, and accepts.
///
/// A client offers them in this order; a server takes the first group in the client's order that it
/// knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyExchange {
    /// All the provider has. `X25519MLKEM768` comes first where there is one, so that what is recorded
    /// today stays secret from a quantum computer (draft-ietf-tls-ecdhe-mlkem); `X25519`, which is
    /// offered beside it with a key of its own, costs a server that does not know it no round trip.
    #[default]
    All,
    /// Elliptic curves alone, without ML-KEM: a ClientHello that fits into one packet.
    Classical,
    /// X25519 alone: every handshake has the same lengths, which a simulation needs.
    X25519,
}

/// Whether clients show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// They are not asked.
    #[default]
    None,
    /// They are asked and may decline; one that is shown must verify.
    Optional,
    /// They are refused without one that verifies.
    Required,
}

/// How a listener speaks TLS.
///
/// TLS 1.2 cannot change its keys, and those of AES-GCM may protect 2^24 records: a connection that
/// has sent so many sends close_notify and ends
/// ([`FailureKind::KeyLimit`](super::FailureKind::KeyLimit)). TLS 1.3 updates its keys while data
/// flows.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Our certificates, at most 65,536; the first is the default.
    pub certificates: Vec<CertificateSource>,
    /// Refuse clients that ask for no name, or one that no certificate has, with the alert
    /// `unrecognized_name` (RFC 6066 section 3).
    pub strict_sni: bool,
    /// Whether clients show a certificate.
    pub client_auth: ClientAuth,
    /// The authorities that client certificates are verified against. One of these certificates that
    /// a client itself presents is accepted while it is valid.
    pub client_roots: Vec<PemSource>,
    /// Their revocation lists. With any, every certificate of a chain must be covered by a list
    /// that is not out of date, as with OpenSSL's `CRL_CHECK_ALL`.
    pub client_crls: Vec<PemSource>,
    /// Application protocols, the preferred first. A client that offers protocols and none of
    /// these is refused (RFC 7301 section 3.2); one that offers none is not.
    pub alpn: Vec<Vec<u8>>,
    /// The lowest version spoken.
    pub min_version: TlsVersion,
    /// The highest version spoken.
    pub max_version: TlsVersion,
    /// The groups of the key exchange; the first of the client's that is among them is taken.
    pub key_exchange: KeyExchange,
    /// Hand out tickets, so that a client can resume without anything being kept here.
    pub tickets: bool,
    /// Sessions kept here for clients that can take no ticket, or all when there are no tickets;
    /// 0 for none.
    pub session_cache: usize,
    /// How long a session can be resumed, in seconds; each resumption begins it anew. At most
    /// 604,800, seven days (RFC 8446 section 4.6.1).
    pub ticket_lifetime: u32,
    /// How long a client's certificate holds after it was verified, in seconds: no resumption takes
    /// a session beyond that, nor beyond the end of the certificate's validity. Then the client makes
    /// a full handshake. The shorter of the two times holds where clients are asked.
    pub client_ticket_lifetime: u32,
    /// Keep the secrets of every session for [`ServerTls::take_key_log`](super::ServerTls::take_key_log).
    pub key_log: bool,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            strict_sni: false,
            client_auth: ClientAuth::None,
            client_roots: Vec::new(),
            client_crls: Vec::new(),
            alpn: Vec::new(),
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            key_exchange: KeyExchange::All,
            tickets: true,
            session_cache: 256,
            ticket_lifetime: 12 * 3600,
            client_ticket_lifetime: 3600,
            key_log: false,
        }
    }
}

/// What a server's certificate is verified against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// The authorities the system trusts, from where distributions keep them. No environment
    /// variable changes the place.
    #[default]
    System,
    /// The CA certificates in these sources, and no others. One of them that the server itself
    /// presents, such as one made by `openssl req -x509`, is accepted for its names while it is
    /// valid.
    Pem(Vec<PemSource>),
    /// Nothing at all: **any** certificate of any server is taken, so an attacker on the way can
    /// read and change everything. Only what the server signs with its own key is checked.
    DangerouslySkipVerification,
}

/// How we speak TLS to a server.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// What the server's certificate is verified against.
    pub roots: Roots,
    /// Revocation lists. With any, every certificate of a chain must be covered by a list that is
    /// not out of date.
    pub crls: Vec<PemSource>,
    /// Our certificate, for servers that ask for one.
    pub certificate: Option<CertificateSource>,
    /// Application protocols to offer, the preferred first.
    pub alpn: Vec<Vec<u8>>,
    /// The lowest version spoken.
    pub min_version: TlsVersion,
    /// The highest version spoken.
    pub max_version: TlsVersion,
    /// The groups of the key exchange, in the order they are offered.
    pub key_exchange: KeyExchange,
    /// Sessions kept for resumption; up to 8 belong to one server name. 0 turns resumption off.
    pub session_cache: usize,
    /// How long a server's certificate holds after it was verified, in seconds: no resumption takes
    /// a session beyond that, nor beyond the end of the certificate's validity. At most 604,800,
    /// seven days (RFC 8446 section 4.6.1).
    pub session_lifetime: u32,
    /// Keep the secrets of every session for [`ClientTls::take_key_log`](super::ClientTls::take_key_log).
    pub key_log: bool,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            roots: Roots::System,
            crls: Vec::new(),
            certificate: None,
            alpn: Vec::new(),
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            key_exchange: KeyExchange::All,
            session_cache: 256,
            session_lifetime: LIFETIME_MAX,
            key_log: false,
        }
    }
}
