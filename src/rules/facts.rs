//! What rules ask of a connection, and what they change of it.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use crate::wire::proxy;

/// What rules may ask of a connection. Each question is cheap, or asked only by a rule that needs
/// it. What is absent is `None`, and a condition on it is false.
pub trait ConnView {
    /// Where the client is: as announced by a header, else the socket's peer. `None` for a unix socket.
    fn source(&self) -> Option<SocketAddr>;
    /// What the client connected to: as announced by a header, else the socket's own address.
    fn destination(&self) -> Option<SocketAddr>;
    /// The socket's peer, whatever was announced.
    fn socket_source(&self) -> Option<SocketAddr>;
    /// The socket's own address, whatever was announced.
    fn socket_destination(&self) -> Option<SocketAddr>;
    /// Whether [`ConnView::source`] is an address of this machine; a unix socket's always is.
    fn source_is_local(&self) -> Option<bool>;
    /// The name of the listener it came from.
    fn listener(&self) -> Option<&[u8]>;
    /// The PROXY header that came first.
    fn proxy(&self) -> Option<&proxy::Header>;
    /// What has been read of the connection and has not been consumed.
    fn prefix(&self) -> Prefix<'_>;
    /// What the handshake with the client agreed on.
    fn tls(&self) -> Option<Tls<'_>>;
    /// The SHA-1 of the client's certificate in DER.
    fn certificate_sha1(&self) -> Option<[u8; 20]>;
    /// The load of the backend of this name.
    fn backend(&self, name: &str) -> Option<Load>;
}

/// What rules do to a connection other than end it.
pub trait Effects: ConnView {
    /// From now on the connection is from `address`; the port stays.
    fn set_source(&mut self, address: IpAddr);
    /// The socket's packets are marked with `mark` (`SO_MARK`).
    fn set_mark(&mut self, mark: u32);
    /// The socket's packets carry `tos` in the IPv4 field of this name, or as IPv6 traffic class.
    fn set_tos(&mut self, tos: u8);
    /// The variable `name` of the connection holds `value`, instead of what it held.
    fn set_variable(&mut self, name: &str, value: Value<'static>);
}

/// The first bytes of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prefix<'a> {
    /// Those that have come, up to as many as there is room for.
    pub bytes: &'a [u8],
    /// Whether more may come: neither has the peer ended, nor is the room full, nor the inspect delay
    /// over.
    pub may_grow: bool,
}

/// What a handshake with a client agreed on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tls<'a> {
    /// The version: `TLSv1.3`.
    pub version: &'a str,
    /// The cipher suite by IANA's name: `TLS_AES_128_GCM_SHA256`.
    pub cipher: &'a str,
    /// The name the client asked for.
    pub server_name: Option<&'a [u8]>,
    /// The application protocol.
    pub alpn: Option<&'a [u8]>,
    /// The number of the failure of the client's certificate (X.509 `X509_V_ERR_*`); 0 without one.
    pub verify: u32,
    /// The client's certificate in DER.
    pub certificate: Option<&'a [u8]>,
}

/// How busy a backend is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Its streams.
    pub connections: u64,
    /// The streams that wait for it or one of its servers.
    pub queued: u64,
}

/// What a rule finds out about a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Yes or no.
    Truth(bool),
    /// A number.
    Number(u64),
    /// An IP address.
    Address(IpAddr),
    /// Bytes: text mostly, but any may be there.
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Value<'a> {
    pub(super) const fn bytes(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }

    /// The value with bytes of its own, to be kept.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Truth(truth) => Value::Truth(truth),
            Self::Number(number) => Value::Number(number),
            Self::Address(address) => Value::Address(address),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
        }
    }
}
