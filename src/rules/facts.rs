//! What rules ask of a connection, and what they change of it.

use std::net::{IpAddr, SocketAddr};

use super::value::Value;
pub use crate::sys::TcpInfo;
use crate::wire::proxy;

/// What rules may ask of a connection. Each question is cheap, or asked only by a rule that needs
/// it. What is absent is `None`, and a condition on it is false.
pub trait ConnView {
    /// Where the client is: as announced by a header, else the socket's peer; or as a rule has set it.
    /// `None` for a unix socket.
    fn source(&self) -> Option<SocketAddr>;
    /// What the client connected to: as announced by a header, else the socket's own address; or as a
    /// rule has set it.
    fn destination(&self) -> Option<SocketAddr>;
    /// The socket's peer, whatever was announced.
    fn socket_source(&self) -> Option<SocketAddr>;
    /// The socket's own address, whatever was announced.
    fn socket_destination(&self) -> Option<SocketAddr>;
    /// Whether an address is one of this machine.
    fn is_local(&self, address: IpAddr) -> bool;
    /// Whether the client is at the other end of a unix socket.
    fn is_unix(&self) -> bool;
    /// The listener it came from.
    fn listener(&self) -> Option<ListenerView<'_>>;
    /// The PROXY header that came first.
    fn proxy(&self) -> Option<&proxy::Header>;
    /// The first bytes of the client that were read and not consumed, after TLS as it decrypted them; for rules
    /// about responses those of the server.
    fn prefix(&self) -> Prefix<'_>;
    /// What the handshake with the client agreed on.
    fn tls(&self) -> Option<Tls<'_>>;
    /// The SHA-1 of the client's certificate in DER.
    fn certificate_sha1(&self) -> Option<[u8; 20]>;
    /// The certificates that the client has shown, in DER one behind the other, its own first.
    fn certificate_chain(&self) -> Option<Vec<u8>>;
    /// Our end of the connection to the server, for lines about what the server sends.
    fn server_source(&self) -> Option<SocketAddr>;
    /// The server's end of it.
    fn server_destination(&self) -> Option<SocketAddr>;
    /// What the handshake with the server agreed on.
    fn server_tls(&self) -> Option<Tls<'_>>;
    /// What the system measures of the client's TCP.
    fn tcp(&self) -> Option<TcpInfo>;
    /// The load of the backend of this name.
    fn backend(&self, name: &str) -> Option<Load>;
    /// The load of a server, named `BACKEND/SERVER`.
    fn server(&self, name: &str) -> Option<ServerLoad>;
    /// The variable of this name, with its scope in front: `txn.name`.
    fn variable(&self, name: &str) -> Option<&Value<'static>>;
}

/// What rules do to a connection other than end it.
pub trait Effects: ConnView {
    /// From now on the connection is from `address`; the port stays.
    fn set_source(&mut self, address: IpAddr);
    /// From now on the connection is from this port; the address stays.
    fn set_source_port(&mut self, port: u16);
    /// From now on the connection is to `address`; the port stays.
    fn set_destination(&mut self, address: IpAddr);
    /// From now on the connection is to this port; the address stays.
    fn set_destination_port(&mut self, port: u16);
    /// The socket's packets are marked with `mark` (`SO_MARK`).
    fn set_mark(&mut self, mark: u32);
    /// The socket's packets carry `tos` in the IPv4 field of this name, or as IPv6 traffic class.
    fn set_tos(&mut self, tos: u8);
    /// The variable `name` of the connection holds `value`, or none.
    fn set_variable(&mut self, name: &str, value: Option<Value<'static>>);
    /// The capture of this number holds `value`.
    fn capture(&mut self, number: usize, value: Vec<u8>);
    /// How loud the host is to be about the end of the connection.
    fn set_log_level(&mut self, level: LogLevel);
    /// A PROXY header is to be read before anything else.
    fn expect_proxy(&mut self);
    /// Bytes from the client (`Incoming`) or to it are limited.
    fn limit(&mut self, direction: LimitedDirection, bytes: u64, period: u64);
}

/// The direction of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitedDirection {
    /// Bytes from the client.
    Incoming,
    /// Bytes to the client.
    Outgoing,
}

/// A level of syslog (RFC 5424 section 6.2.1), or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Not to be logged.
    Silent,
    /// `emerg`, 0, to `debug`, 7.
    Severity(u8),
}

/// A listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenerView<'a> {
    /// Its name.
    pub name: Option<&'a [u8]>,
    /// Its number within its engine.
    pub number: u32,
    /// Its connections, this one among them.
    pub connections: u64,
    /// Sessions within the last second, this one among them once its session rules are evaluated.
    pub session_rate: u64,
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

/// What a handshake agreed on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tls<'a> {
    /// The version: `TLSv1.3`.
    pub version: &'a str,
    /// The cipher suite by IANA's name: `TLS_AES_128_GCM_SHA256`.
    pub cipher: &'a str,
    /// The name that the client, or we as a client, asked for.
    pub server_name: Option<&'a [u8]>,
    /// The application protocol.
    pub alpn: Option<&'a [u8]>,
    /// Whether it goes on with what an earlier handshake agreed on.
    pub is_resumed: bool,
    /// The number of the failure of the peer's certificate (X.509 `X509_V_ERR_*`); 0 without one.
    pub verify: u32,
    /// The peer's certificate in DER.
    pub certificate: Option<&'a [u8]>,
}

/// How busy a backend is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Its streams.
    pub connections: u64,
    /// The streams that wait for it or one of its servers.
    pub queued: u64,
    /// The servers that can be used.
    pub servers: u64,
    /// How many more streams its servers may take at once; `None` where one has no limit.
    pub free: Option<u64>,
    /// Streams within the last second.
    pub session_rate: u64,
}

/// How busy a server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerLoad {
    /// Whether it can be used.
    pub is_up: bool,
    /// Its streams.
    pub connections: u64,
    /// The streams that wait for it.
    pub queued: u64,
    /// How many more streams it may take at once; `None` without a limit.
    pub free: Option<u64>,
}
