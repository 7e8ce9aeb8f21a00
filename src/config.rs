//! Configurations: made once by the host and shared by many connections, immutable and
//! reference-counted.

mod monitor;
mod socket;
mod source;
mod trust;

pub use monitor::{ANSWER_MAX_BYTES, Monitor, MonitorAnswer};
pub use socket::SocketOptions;
pub use source::SourcePool;
pub use trust::{Trust, TrustError};

use std::any::Any;
use std::sync::{Arc, PoisonError, RwLock};

use crate::id::Id;
use crate::rules::{RuleError, RuleSet};
use crate::time::{MILLISECOND, SECOND};
use crate::tls::{ClientTls, ServerTls};
use crate::wire::socks::Dialogue;

/// What happens to a connection whose source may not announce addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Untrusted {
    /// It is refused.
    #[default]
    Refuse,
    /// It goes on without a header: what it sends is payload, and its addresses are the socket's.
    Direct,
}

/// The PROXY headers that a listener expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptProxy {
    /// Who may announce addresses.
    pub trust: Trust,
    /// What happens to connections from other sources.
    pub untrusted: Untrusted,
}

/// The NetScaler headers that a listener expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptCip {
    /// Who may announce addresses.
    pub trust: Trust,
    /// What happens to connections from other sources.
    pub untrusted: Untrusted,
    /// The magic number that was agreed on with the NetScaler.
    pub magic: u32,
}

/// The timeouts that bound the opening of a connection, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningTimeouts {
    /// For the PROXY header, and again for a NetScaler header. The PROXY protocol specification asks
    /// for at least 3 seconds.
    pub proxy: u64,
    /// For connecting to a server, sending the PROXY header, and, through a SOCKS server, reaching the
    /// destination.
    pub connect: u64,
    /// For a TLS handshake.
    pub tls: u64,
    /// For all of it, from the accept or from the connect command.
    pub total: u64,
}

impl Default for OpeningTimeouts {
    fn default() -> Self {
        Self { proxy: 5 * SECOND, connect: 5 * SECOND, tls: 10 * SECOND, total: 30 * SECOND }
    }
}

/// What a half-close does on TLS 1.2, whose close_notify ends both directions (RFC 5246 section 7.2.1).
/// Towards a client it is sent: a client that reads until the end would wait for ever otherwise.
/// Towards a server it is held back: a server that gets an end may stop sending its response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls12HalfClose {
    /// It waits until the peer has ended its side, or has been silent for
    /// [`CloseOptions::tls12_half_close_hold`] while it was waited for, since it may itself wait for
    /// the end.
    #[default]
    Hold,
    /// It is sent at once. The peer may respond by ending its side too.
    Send,
}

/// What the end of a TLS connection without close_notify does to its stream: an attacker may have cut
/// the bytes short. Such an end, or a failure, be it a reset, a record that does not decrypt or one
/// that is incomplete, is never passed on as an end with close_notify, and it is the cause in the
/// stream's record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsTruncation {
    /// The other side gets every byte that arrived, and then the end of its connection; if that is TLS,
    /// without close_notify.
    #[default]
    Pass,
    /// It resets both sides. So does a failure, also of a side that is closing.
    Abort,
}

/// How a connection closes. Timeouts in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseOptions {
    /// How long the last bytes may wait to be sent; every byte that the kernel takes restarts it.
    pub linger: u64,
    /// How long the peer's end is waited for.
    pub drain_time: u64,
    /// How many bytes are read and discarded meanwhile.
    pub drain_bytes: u64,
    /// What a half-close does on TLS 1.2.
    pub tls12_half_close: Tls12HalfClose,
    /// How long a peer may be silent before a half-close that is held back is sent; [`u64::MAX`] is
    /// without bound.
    pub tls12_half_close_hold: u64,
    /// What an end of TLS without close_notify does.
    pub tls_truncation: TlsTruncation,
}

impl Default for CloseOptions {
    fn default() -> Self {
        Self {
            linger: 30 * SECOND,
            drain_time: 2 * SECOND,
            drain_bytes: 1 << 20,
            tls12_half_close: Tls12HalfClose::Hold,
            tls12_half_close_hold: SECOND,
            tls_truncation: TlsTruncation::Pass,
        }
    }
}

/// What bounds a stream. Timeouts in nanoseconds. Silence counts only while the silent side is waited
/// for: a side that the other one blocks does not time out. If both are waited for, the side that took
/// bytes last is to answer, and its timeout counts where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamConfig {
    /// The longest silence of the client.
    pub client: u64,
    /// The longest silence of the server.
    pub server: u64,
    /// The longest silence of either once bytes have been relayed both ways; 0 leaves the other
    /// timeouts in place.
    pub tunnel: u64,
    /// The longest silence of a client once the server has ended; 0 leaves `client` or `tunnel` in
    /// place.
    pub client_fin: u64,
    /// The longest silence of a server once the client has ended, even if that end is held back; 0
    /// leaves `server` or `tunnel` in place.
    pub server_fin: u64,
    /// A client that ends its side before a server is reached cancels its request, even when it has
    /// sent some bytes.
    pub abort_on_close: bool,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            client: 300 * SECOND,
            server: 300 * SECOND,
            tunnel: 0,
            client_fin: 0,
            server_fin: 0,
            abort_on_close: false,
        }
    }
}

/// What an incoming connection goes through before it is a session.
#[derive(Clone, Debug)]
pub struct AcceptConfig {
    /// First, the sources that are monitors, where set.
    pub monitor: Option<Monitor>,
    /// The rules that are evaluated meanwhile, where set.
    pub rules: Option<Arc<LiveRules>>,
    /// Then a PROXY header, where set.
    pub proxy: Option<AcceptProxy>,
    /// Then a NetScaler header, where set.
    pub cip: Option<AcceptCip>,
    /// Then TLS, where set.
    pub tls: Option<Arc<ServerTls>>,
    /// Custom handlers, ahead of TLS or behind it, in the order of their questions.
    pub customs: Vec<Custom>,
    /// The timeouts of the opening.
    pub timeouts: OpeningTimeouts,
    /// The options for closing it.
    pub close_options: CloseOptions,
    /// The options of its socket.
    pub socket: SocketOptions,
}

impl Default for AcceptConfig {
    fn default() -> Self {
        let close_options =
            CloseOptions { tls12_half_close: Tls12HalfClose::Send, ..CloseOptions::default() };
        Self {
            monitor: None,
            rules: None,
            proxy: None,
            cip: None,
            tls: None,
            customs: Vec::new(),
            timeouts: OpeningTimeouts::default(),
            close_options,
            socket: SocketOptions::default(),
        }
    }
}

impl AcceptConfig {
    /// Whether reading comes first in the opening of a connection.
    #[must_use]
    pub const fn reads_first(&self) -> bool {
        self.proxy.is_some() || self.cip.is_some() || self.tls.is_some()
    }
}

/// Which PROXY header is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendProxy {
    /// Version 1: a line of text.
    V1,
    /// Version 2: the binary header, with the TLVs that [`ProxyTlvs`] selects.
    V2(ProxyTlvs),
}

/// What a version 2 header carries in addition to the addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProxyTlvs {
    /// The application protocol the client negotiated.
    pub alpn: bool,
    /// The server name the client asked for.
    pub authority: bool,
    /// The client's TLS: version, certificate name, cipher, algorithms.
    pub ssl: bool,
    /// A checksum over the header.
    pub crc32c: bool,
    /// An identifier of this one connection, made by the engine.
    pub unique_id: bool,
}

/// TLS towards a server.
#[derive(Clone, Debug)]
pub struct ConnectTls {
    /// Roots, certificate, versions.
    pub tls: Arc<ClientTls>,
    /// The DNS name or IP address that the certificate must be valid for; a DNS name is sent as SNI.
    pub server_name: String,
}

/// What an outgoing connection goes through before it is open.
#[derive(Clone, Debug, Default)]
pub struct ConnectConfig {
    /// The PROXY header that goes first, where set.
    pub send_proxy: Option<SendProxy>,
    /// Then, where set, the dialogue with a SOCKS server, which is the target, to reach the
    /// destination.
    pub socks: Option<Dialogue>,
    /// Then TLS, where set.
    pub tls: Option<ConnectTls>,
    /// Custom handlers, ahead of TLS or behind it, in the order of their questions.
    pub customs: Vec<Custom>,
    /// Its local address and port.
    pub source: SourcePool,
    /// What carries the bytes.
    pub transport: TransportKind,
    /// The timeouts of the opening.
    pub timeouts: OpeningTimeouts,
    /// The options for closing it.
    pub close_options: CloseOptions,
    /// The options of its socket.
    pub socket: SocketOptions,
}

/// What carries the bytes of an outgoing connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TransportKind {
    /// A socket.
    #[default]
    Socket,
    /// The host, which is asked to open the connection and to move its bytes.
    Fed,
    /// An agent, to which there is a link.
    Link(Box<RemotePlan>),
}

/// What an agent is asked to do for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemotePlan {
    /// The link that leads to the agent.
    pub link: Id,
    /// The name and port that the agent is to look up, instead of being given an address.
    pub name: Option<(Box<str>, u16)>,
    /// The TLS that the agent is to begin, where set.
    pub tls: Option<RemoteTlsPlan>,
    /// Whether the agent may answer with the descriptor of the connection.
    pub takes_descriptor: bool,
}

/// The TLS that an agent is to begin towards a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteTlsPlan {
    /// The name of the configuration, at the agent.
    pub profile: Box<str>,
    /// The DNS name or IP address that the server's certificate must be valid for.
    pub server_name: Box<str>,
}

impl ConnectConfig {
    /// What an agent is asked to do, where one carries the bytes.
    #[must_use]
    pub fn remote(&self) -> Option<&RemotePlan> {
        match &self.transport {
            TransportKind::Link(plan) => Some(plan),
            TransportKind::Socket | TransportKind::Fed => None,
        }
    }

    /// The TLS that an agent is to begin, where there is some.
    #[must_use]
    pub fn remote_tls(&self) -> Option<&RemoteTlsPlan> {
        self.remote()?.tls.as_ref()
    }
}

/// The pause before a connect is tried again for which this machine had no descriptor, memory or port;
/// a closed descriptor ends it early.
pub const ROOM_RETRY: u64 = 100 * MILLISECOND;
/// The first pause before a unix connect is tried again that found the backlog full.
pub const UNIX_RETRY_FIRST: u64 = MILLISECOND;
/// The longest pause before a unix connect is tried again.
pub const UNIX_RETRY_LONGEST: u64 = 50 * MILLISECOND;

/// One custom handler. The host gets its questions and gives its answers.
#[derive(Clone, Debug)]
pub struct Custom {
    /// Whether it works on the bytes that TLS protects, instead of those on the wire.
    pub behind_tls: bool,
    /// Its timeout, from its first question, in nanoseconds.
    pub span: u64,
    /// The value by which its owner identifies it.
    pub owner: Arc<dyn Any + Send + Sync>,
}

/// A set of rules that can be replaced. A connection keeps the set that it began with.
#[derive(Debug)]
pub struct LiveRules(RwLock<UsedRules>);

#[derive(Debug)]
struct UsedRules {
    set: Arc<RuleSet>,
    /// Whether a configuration that uses it ends TLS, behind which no ClientHello is seen.
    ends_tls: bool,
}

impl LiveRules {
    /// Begins with `rules`.
    #[must_use]
    pub const fn new(rules: Arc<RuleSet>) -> Self {
        Self(RwLock::new(UsedRules { set: rules, ends_tls: false }))
    }

    /// It is used where TLS ends.
    ///
    /// # Errors
    /// The first line that looks for a ClientHello.
    pub fn use_with_tls(&self) -> Result<(), Box<RuleError>> {
        let mut used = self.0.write().unwrap_or_else(PoisonError::into_inner);
        used.set.check_tls().map_err(|wrong| Box::new(wrong.clone()))?;
        used.ends_tls = true;
        Ok(())
    }

    /// The set for connections that begin now.
    #[must_use]
    pub fn current(&self) -> Arc<RuleSet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).set)
    }

    /// Replaces the set for connections that begin from now on.
    ///
    /// # Errors
    /// A line looks for a ClientHello, and a configuration that uses the rules ends TLS.
    pub fn replace(&self, rules: Arc<RuleSet>) -> Result<(), Box<RuleError>> {
        let mut used = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if used.ends_tls {
            rules.check_tls().map_err(|wrong| Box::new(wrong.clone()))?;
        }
        used.set = rules;
        Ok(())
    }
}
