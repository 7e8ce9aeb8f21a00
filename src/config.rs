//! What a host decides once and many connections follow: shared, immutable, counted.

mod custom;
mod monitor;
mod rules;
mod trust;

pub use custom::Custom;
pub use monitor::{ANSWER_MOST, Monitor, MonitorAnswer};
pub use rules::LiveRules;
pub use trust::{Trust, TrustError};

use std::sync::Arc;

use crate::sys::Addr;
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

/// What a listener expects of PROXY headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptProxy {
    /// Who may announce addresses.
    pub trust: Trust,
    /// What happens to others.
    pub untrusted: Untrusted,
}

/// What a listener expects of the headers that a NetScaler inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptCip {
    /// Who may announce addresses.
    pub trust: Trust,
    /// What happens to others.
    pub untrusted: Untrusted,
    /// The magic number that was agreed on.
    pub magic: u32,
}

/// The timeouts that bound the opening of a connection, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningTimeouts {
    /// For the PROXY header, and again for a NetScaler's. The specification of the former asks for at
    /// least 3 seconds.
    pub proxy: u64,
    /// For the connection to a server, the PROXY header to it, and where it is a SOCKS server what it
    /// connects to.
    pub connect: u64,
    /// For a TLS handshake.
    pub tls: u64,
    /// For all of it, from accept or from the command to connect.
    pub total: u64,
}

impl Default for OpeningTimeouts {
    fn default() -> Self {
        Self { proxy: 5 * SECOND, connect: 5 * SECOND, tls: 10 * SECOND, total: 30 * SECOND }
    }
}

/// What a half-close means on TLS 1.2, whose close_notify ends both sides (RFC 5246 section 7.2.1).
/// Towards a client it is sent: a client that reads until the end would else wait for ever. Towards
/// a server it is held: a server that is told of an end may stop answering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls12HalfClose {
    /// It waits until the peer has ended its side, or is waited for and has said nothing for
    /// [`CloseOptions::tls12_half_close_hold`]: it may wait for the end itself.
    #[default]
    Hold,
    /// It is sent at once; the peer may answer by ending its side too.
    Send,
}

/// What the end of a TLS connection without close_notify does to its stream: what came may have been
/// cut short by somebody on the way. Such an end, or a failure, be it a reset, a record that does not
/// decrypt or one whose rest never comes, is never passed on as an end that TLS vouches for, and it is
/// what the stream's record gives as its reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsTruncation {
    /// The other side gets every byte that came, and then the end of its connection: where it speaks
    /// TLS, without close_notify.
    #[default]
    Pass,
    /// It resets both sides, and so does a failure, also of a side that is closing.
    Abort,
}

/// How a connection leaves. Spans in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseOptions {
    /// How long the last bytes may wait for room; every byte the kernel takes restarts it.
    pub linger: u64,
    /// How long the peer's end is waited for.
    pub drain_time: u64,
    /// How many bytes are read and thrown away meanwhile.
    pub drain_bytes: u64,
    /// What a half-close does on TLS 1.2.
    pub tls12_half_close: Tls12HalfClose,
    /// How long a peer may be silent before a half-close that is held back is sent; [`u64::MAX`] is for
    /// ever.
    pub tls12_half_close_hold: u64,
    /// What an end without close_notify does.
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

/// What bounds a stream. Spans in nanoseconds. Silence counts only while somebody
/// waits for the side that is silent: a side that is held up by the other is never blamed, and of two
/// that could speak the one is waited for that was told something last, if it has a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamConfig {
    /// The longest silence of the client.
    pub client: u64,
    /// The longest silence of the server.
    pub server: u64,
    /// The longest silence of either once bytes have gone both ways; 0: as before.
    pub tunnel: u64,
    /// The longest silence of a client once the server has ended; 0: as before that.
    pub client_fin: u64,
    /// The longest silence of a server once the client has ended, told or not; 0: as before that.
    pub server_fin: u64,
    /// A client that ends its side before a server is reached takes its request back, even when it
    /// has sent some bytes.
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
    /// Before all else, sources that are answered instead, where set.
    pub monitor: Option<Monitor>,
    /// The rules that are asked on the way, where set.
    pub rules: Option<Arc<LiveRules>>,
    /// A PROXY header first, where set.
    pub proxy: Option<AcceptProxy>,
    /// Then a NetScaler's header, where set.
    pub cip: Option<AcceptCip>,
    /// Then TLS, where set.
    pub tls: Option<Arc<ServerTls>>,
    /// Handlers of the host's own, on either side of TLS, in the order they are asked.
    pub customs: Vec<Custom>,
    /// The bounds of it.
    pub timeouts: OpeningTimeouts,
    /// How it leaves.
    pub close_options: CloseOptions,
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
        }
    }
}

impl AcceptConfig {
    /// Whether the first thing that happens to a connection is that it is read.
    #[must_use]
    pub const fn reads_first(&self) -> bool {
        self.proxy.is_some() || self.cip.is_some() || self.tls.is_some()
    }
}

/// Which PROXY header goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendProxy {
    /// The line of text.
    V1,
    /// The binary header, with what [`ProxyTlvs`] asks for.
    V2(ProxyTlvs),
}

/// What a version 2 header carries beside the addresses.
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
    /// A name for this one connection, made by the engine.
    pub unique_id: bool,
}

/// TLS towards a server.
#[derive(Clone, Debug)]
pub struct ConnectTls {
    /// Roots, certificate, versions.
    pub tls: Arc<ClientTls>,
    /// The name that is asked for and that the certificate must be valid for: a DNS name or an IP
    /// address.
    pub server_name: String,
}

/// What an outgoing connection goes through before it is open.
#[derive(Clone, Debug, Default)]
pub struct ConnectConfig {
    /// The PROXY header that goes first, where set.
    pub send_proxy: Option<SendProxy>,
    /// Then, where set, what is said to a SOCKS server, which is the target, to reach somebody else.
    pub socks: Option<Dialogue>,
    /// Then TLS, where set.
    pub tls: Option<ConnectTls>,
    /// Handlers of the host's own, on either side of TLS, in the order they are asked.
    pub customs: Vec<Custom>,
    /// The source address, where it matters.
    pub source: Option<Addr>,
    /// The bounds of it.
    pub timeouts: OpeningTimeouts,
    /// How it leaves.
    pub close_options: CloseOptions,
}

/// The pause before a connect that this machine had no descriptor, memory or port for is tried again,
/// unless a descriptor is closed before.
pub const ROOM_RETRY: u64 = 100 * MILLISECOND;
/// The first pause before a unix connect whose backlog was full is tried again.
pub const UNIX_RETRY_FIRST: u64 = MILLISECOND;
/// The longest such pause.
pub const UNIX_RETRY_LONGEST: u64 = 50 * MILLISECOND;
