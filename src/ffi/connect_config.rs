//! What outgoing connections go through, as C makes it.

use std::ffi::c_char;
use std::sync::Arc;

use super::config_error::{ConfigError, named};
use super::handler::{self, vst_handler};
use super::options::{self, options};
use super::panic::free;
use super::ptr::{self, Sized32};
use super::seal::Handle;
use super::socket_options::{VST_NODELAY_ON, socket_options};
use super::socks::{self, VST_SOCKS_NONE};
use super::status::*;
use super::tls_client::vst_tls_client;
use super::types::{id, vst_id};
use super::words::{hand_out, text};
use crate::config::{
    CloseOptions, ConnectConfig, ConnectTls, OpeningTimeouts, ProxyTlvs, RemotePlan, RemoteTlsPlan,
    SendProxy, SourcePool, Tls12HalfClose, TlsTruncation, TransportKind,
};
use crate::id::Kind;
use crate::sys::{Addr, Shown};
use crate::wire::socks::Destination;

/// A connect configuration: what is done with outgoing connections. Any number of engines, also in
/// several threads, may use it. It never changes.
pub struct vst_connect_config {
    pub(super) config: Arc<ConnectConfig>,
}

impl Handle for vst_connect_config {
    const NUMBER: u64 = 5;
}

/// With TLS 1.2, where a `close_notify` ends both directions, a half-close (`vst_conn_shutdown`, or
/// that of a stream) is sent at once. Without this flag a half-close is held back until the peer
/// has ended its own side, or, once bytes of the peer are waited for, has sent none for
/// `tls12_half_close_hold_ns`, since a server that gets a `close_notify` may stop sending its
/// response.
pub const VST_CONNECT_TLS12_HALF_CLOSE_SEND: u64 = 1 << 27;
/// In a stream, the end of a TLS connection without `close_notify` resets both sides: as
/// VST_ACCEPT_TLS_TRUNCATION_ABORT, for the server's connection.
pub const VST_CONNECT_TLS_TRUNCATION_ABORT: u64 = 1 << 28;
/// The host opens the connection and moves its bytes: VST_FED_OPEN is asked instead of a socket being
/// connected. See the section on fed connections.
pub const VST_CONNECT_FED: u64 = 1 << 55;

/// Where the connection goes over a link: the agent may not answer with its descriptor, so that all bytes go
/// through the agent.
pub const VST_CONNECT_NO_DESCRIPTOR: u64 = 1 << 56;

/// No PROXY header is sent.
pub const VST_SEND_PROXY_NONE: u32 = 0;
/// The PROXY header of version 1: a line of text.
pub const VST_SEND_PROXY_V1: u32 = 1;
/// The PROXY header of version 2: binary, with TLVs.
pub const VST_SEND_PROXY_V2: u32 = 2;

/// A version 2 header carries the application protocol of the client's TLS (PP2_TYPE_ALPN).
pub const VST_PROXY_TLV_ALPN: u64 = 1 << 29;
/// A version 2 header carries the server name that the client's TLS asked for (PP2_TYPE_AUTHORITY).
pub const VST_PROXY_TLV_AUTHORITY: u64 = 1 << 30;
/// A version 2 header carries facts of the client's TLS (PP2_TYPE_SSL): version, certificate name,
/// cipher, algorithms.
pub const VST_PROXY_TLV_SSL: u64 = 1 << 31;
/// A version 2 header carries a checksum of itself (PP2_TYPE_CRC32C).
pub const VST_PROXY_TLV_CRC32C: u64 = 1 << 32;
/// A version 2 header carries an identifier of this one connection (PP2_TYPE_UNIQUE_ID), made by
/// the engine.
pub const VST_PROXY_TLV_UNIQUE_ID: u64 = 1 << 33;

/// The options of a connect configuration. A field that is 0 stands for its default, so that all
/// zero but `size` is the defaults; `vst_connect_options_init` writes them. In spans of time
/// VST_NEVER is no bound.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_connect_options {
    /// `sizeof(vst_connect_options)`. Not less than 96 bytes.
    pub size: u32,
    /// `VST_SEND_PROXY_*`.
    pub send_proxy: u32,
    /// `VST_CONNECT_*`.
    pub flags: u64,
    /// `VST_PROXY_TLV_*`, for version 2.
    pub proxy_tlvs: u64,
    /// Where set, the connection uses TLS. Needs server_name. NULL: no TLS. The configuration keeps
    /// its own reference: the handle may be freed at once.
    pub tls: *const vst_tls_client,
    /// The name that TLS asks for and that the server's certificate must be valid for: a DNS name or
    /// an IP address. Copied.
    pub server_name: *const c_char,
    /// The source address, 192.0.2.1:0, or several separated by commas, or NULL: the system chooses.
    /// Of several, those of the destination's family are used in turn, and the next one where no port
    /// of one is left (EADDRNOTAVAIL). Copied.
    pub source: *const c_char,
    /// Timeout of the connect, the PROXY header and SOCKS together, in nanoseconds. Default 5 s.
    pub timeout_connect_ns: u64,
    /// Timeout of the TLS handshake, in nanoseconds from its beginning. Default 10 s.
    pub timeout_tls_ns: u64,
    /// Timeout of everything before the connection is open, in nanoseconds. Default 30 s.
    pub timeout_opening_ns: u64,
    /// While closing: how long unsent bytes may wait without progress, in nanoseconds, as in
    /// `vst_accept_options`. Default 30 s.
    pub linger_ns: u64,
    /// While closing: how long the peer's FIN is waited for once the peer has all our bytes, in
    /// nanoseconds, as in `vst_accept_options`. Default 2 s.
    pub drain_ns: u64,
    /// While closing: how many bytes of the peer are read and thrown away until its FIN, as in
    /// `vst_accept_options`. Default 1 MiB.
    pub drain_bytes: u64,
    /// The host's own handlers, before or after TLS, called in this order. Copied.
    pub handlers: *const vst_handler,
    /// How many there are.
    pub handler_count: u64,
    /// VST_SOCKS_*. Where it is not VST_SOCKS_NONE, the address of the connection is that of a
    /// SOCKS server, which is asked to connect to `socks_destination` before TLS and the session.
    /// Its answer must come within `timeout_connect_ns`; a refusal ends the connection with
    /// VST_WHY_REFUSED and the server's reason in text of vst_end.
    pub socks: u32,
    /// The first port that the system may choose for a source address without one, or without a source
    /// address. Both ports 0: any of its own range, net.ipv4.ip_local_port_range. They must lie within
    /// that range to have an effect (`IP_LOCAL_PORT_RANGE`, Linux 6.3).
    pub source_port_first: u16,
    /// The last one, not less than `source_port_first`.
    pub source_port_last: u16,
    /// With SOCKS: the destination, 192.0.2.1:80, `[2001:db8::1]:80` or example.net:80, as far as the
    /// version has it. The server resolves a name. Copied.
    pub socks_destination: *const c_char,
    /// With SOCKS: the name of the user, or NULL. In versions 4 and 4a at most 255 bytes, without a
    /// password. In version 5 1 to 255 bytes with `socks_password` (RFC 1929), sent if the server
    /// asks for both. Copied.
    pub socks_user: *const c_char,
    /// With SOCKS version 5: the password of `socks_user`, 1 to 255 bytes, or NULL. It is sent
    /// without encryption. Copied.
    pub socks_password: *const c_char,
    /// With TLS 1.2: how long a peer may be silent before a half-close that is held back (without
    /// VST_CONNECT_TLS12_HALF_CLOSE_SEND) is sent, in nanoseconds. VST_NEVER: it waits for the
    /// peer's own end. Default 1 s.
    pub tls12_half_close_hold_ns: u64,
    /// A link (vst_link_open): the agent that it leads to opens the connection. The configuration is then of
    /// use only with the engine of the link. 0: no link.
    pub link: vst_id,
    /// With a link: the destination as example.net:443, which the agent looks up; the address of the
    /// connection is not used then. NULL: the address. Copied.
    pub link_destination: *const c_char,
    /// With a link: the agent connects with TLS, as its profile of this name says (`vst_agent_add_tls`), and
    /// the server's certificate must be valid for `server_name`. Not together with `tls`. NULL: the bytes
    /// are sent as they are. Copied.
    pub link_tls: *const c_char,
    /// After how long a silence of the peer TCP probes it, in nanoseconds, in whole seconds rounded up;
    /// a peer that does not answer fails the connection as the system has it. Default 0: no peer is
    /// probed.
    pub keepalive_ns: u64,
    /// How long TCP waits for bytes to be acknowledged before the connection fails with ETIMEDOUT
    /// (TCP_USER_TIMEOUT, RFC 5482), in nanoseconds, in whole milliseconds rounded up. Default 0: as
    /// the system has it.
    pub user_timeout_ns: u64,
    /// The class of the packets (DSCP, RFC 2474): 0 to 63. Default 0. A rule may set another.
    pub dscp: u32,
    /// VST_NODELAY_*.
    pub nodelay: u32,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_connect_options {
    const FIRST: usize = 96;
}
const _: () = assert!(size_of::<vst_connect_options>() == 200);

fn connect_defaults() -> vst_connect_options {
    let (timeouts, close_options) = (OpeningTimeouts::default(), CloseOptions::default());
    vst_connect_options {
        size: 0,
        send_proxy: VST_SEND_PROXY_NONE,
        flags: 0,
        proxy_tlvs: 0,
        tls: std::ptr::null(),
        server_name: std::ptr::null(),
        source: std::ptr::null(),
        timeout_connect_ns: timeouts.connect,
        timeout_tls_ns: timeouts.tls,
        timeout_opening_ns: timeouts.total,
        linger_ns: close_options.linger,
        drain_ns: close_options.drain_time,
        drain_bytes: close_options.drain_bytes,
        handlers: std::ptr::null(),
        handler_count: 0,
        socks: VST_SOCKS_NONE,
        source_port_first: 0,
        source_port_last: 0,
        socks_destination: std::ptr::null(),
        socks_user: std::ptr::null(),
        socks_password: std::ptr::null(),
        tls12_half_close_hold_ns: close_options.tls12_half_close_hold,
        link: 0,
        link_destination: std::ptr::null(),
        link_tls: std::ptr::null(),
        keepalive_ns: 0,
        user_timeout_ns: 0,
        dscp: 0,
        nodelay: VST_NODELAY_ON,
    }
}
options!(vst_connect_options {
    timeout_connect_ns,
    timeout_tls_ns,
    timeout_opening_ns,
    linger_ns,
    drain_ns,
    drain_bytes,
    tls12_half_close_hold_ns,
} connect_defaults());

/// Fills `options` with the defaults. `size` is `sizeof(vst_connect_options)`.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_connect_options_init(
    options: *mut vst_connect_options,
    size: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { options::init(options, size) }
}

/// Makes a connect configuration: what is done with outgoing connections.
///
/// options is read and not kept. `*out` is the configuration, or NULL on failure; free it with
/// vst_connect_config_free. On failure why, unless NULL, gets a sentence, cut to `why_size` bytes
/// with its NUL.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (an unknown flag or number, a `dscp` above 63,
/// source ports that are no range, or with VST_CONNECT_FED or `link`, `proxy_tlvs` without version 2,
/// SOCKS texts with VST_SOCKS_NONE, `link` is no id, `link_destination` or `link_tls` without `link`,
/// `link` with VST_CONNECT_FED, `link_tls` with `tls`); VST_E_CONFIG (source or `socks_destination`
/// cannot be parsed, `server_name` is missing or no DNS name and no IP address, `socks_destination` is
/// missing, the version of SOCKS cannot express the destination, user or password, `link_destination` is
/// no name and port, or `link_tls` is empty); VST_E_KIND (`link` is the id of something else);
/// VST_E_UNSUPPORTED (source ports, which this system does not have).
///
/// # Safety
/// options points to as many bytes as its size says, its texts to NUL-terminated strings, its
/// handles are not freed; out points to a pointer; why to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_connect_config_new(
    options: *const vst_connect_options,
    out: *mut *mut vst_connect_config,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let make = || unsafe { connect_config(options) };
    // SAFETY: the caller's contract.
    unsafe { hand_out(out, why, why_size, make) }
}

/// What outgoing connections go through, as `options` say.
///
/// # Safety
/// As `vst_connect_config_new`.
unsafe fn connect_config(
    options: *const vst_connect_options,
) -> Result<vst_connect_config, ConfigError> {
    // SAFETY: the caller's contract.
    let options = unsafe { options::read(options) }?;
    let send_proxy = send_proxy(&options)?;
    let known = VST_CONNECT_TLS12_HALF_CLOSE_SEND
        | VST_CONNECT_TLS_TRUNCATION_ABORT
        | VST_CONNECT_FED
        | VST_CONNECT_NO_DESCRIPTOR;
    options::check_flags(options.flags, known, 0)?;
    // SAFETY: the caller's contract.
    let source = unsafe { text("source", options.source) }?;
    let source = sources(&options, source)?;
    // SAFETY: the caller's contract.
    let server_name = unsafe { text("server_name", options.server_name) }?;
    // SAFETY: the caller's contract.
    let tls = match named("tls", unsafe { ptr::handle_if(options.tls) })? {
        Some(tls) => Some(connect_tls(tls, server_name)?),
        None => None,
    };
    // SAFETY: the caller's contract.
    let customs = unsafe { handler::read(options.handlers, options.handler_count) }?;
    // SAFETY: the caller's contract.
    let socks = unsafe {
        socks::read(
            options.socks,
            options.socks_destination,
            options.socks_user,
            options.socks_password,
        )
    }?;
    // SAFETY: the caller's contract.
    let transport = unsafe { transport(&options, server_name, tls.is_some()) }?;
    if source.ports.is_some() && transport != TransportKind::Socket {
        let text = "source_port_first: the port is chosen by who opens the connection";
        return Err(ConfigError::argument(text));
    }
    let socket = socket_options(
        options.keepalive_ns,
        options.user_timeout_ns,
        options.dscp,
        options.nodelay,
    )?;
    let config = ConnectConfig {
        socket,
        customs,
        send_proxy,
        socks,
        tls,
        source,
        transport,
        timeouts: OpeningTimeouts {
            connect: options.timeout_connect_ns,
            tls: options.timeout_tls_ns,
            total: options.timeout_opening_ns,
            ..OpeningTimeouts::default()
        },
        close_options: CloseOptions {
            linger: options.linger_ns,
            drain_time: options.drain_ns,
            drain_bytes: options.drain_bytes,
            tls12_half_close: if options.flags & VST_CONNECT_TLS12_HALF_CLOSE_SEND != 0 {
                Tls12HalfClose::Send
            } else {
                Tls12HalfClose::Hold
            },
            tls12_half_close_hold: options.tls12_half_close_hold_ns,
            tls_truncation: if options.flags & VST_CONNECT_TLS_TRUNCATION_ABORT != 0 {
                TlsTruncation::Abort
            } else {
                TlsTruncation::Pass
            },
        },
    };
    Ok(vst_connect_config { config: Arc::new(config) })
}

/// Where the connections come from, if `addresses` are those of `options`.
fn sources(
    options: &vst_connect_options,
    addresses: Option<&str>,
) -> Result<SourcePool, ConfigError> {
    let read =
        |text| Addr::parse(text).map_err(|wrong| ConfigError::config(format!("source: {wrong}")));
    let addresses = addresses.map_or(Ok(vec![]), |list| list.split(',').map(read).collect())?;
    let ports = match (options.source_port_first, options.source_port_last) {
        (0, 0) => None,
        (first, last) if first > last || first == 0 => {
            let text = format!("source_port_first: {first} to {last} is no range of ports");
            return Err(ConfigError::argument(text));
        }
        _ if !crate::sys::has_port_ranges() => {
            let text = "source_port_first: the system has no IP_LOCAL_PORT_RANGE (Linux 6.3)";
            return Err(ConfigError::unsupported(text));
        }
        range => Some(range),
    };
    Ok(SourcePool { addresses, ports })
}

/// # Safety
/// As `vst_connect_config_new`.
unsafe fn transport(
    options: &vst_connect_options,
    server_name: Option<&str>,
    has_tls: bool,
) -> Result<TransportKind, ConfigError> {
    // SAFETY: the caller's contract.
    let destination = unsafe { text("link_destination", options.link_destination) }?;
    // SAFETY: the caller's contract.
    let profile = unsafe { text("link_tls", options.link_tls) }?;
    let is_fed = options.flags & VST_CONNECT_FED != 0;
    if options.link == 0 {
        if destination.is_some() || profile.is_some() {
            return Err(ConfigError::argument("link: there is none for its destination or TLS"));
        }
        return Ok(if is_fed { TransportKind::Fed } else { TransportKind::Socket });
    }
    if is_fed {
        return Err(ConfigError::argument(
            "link: a connection is not fed by an agent and the host",
        ));
    }
    let link = named("link", id(options.link))?;
    if link.kind() != Kind::Link {
        return Err(ConfigError::from(VST_E_KIND).of("link"));
    }
    let name = match destination.map(|to| (to, Destination::parse(to))) {
        None => None,
        Some((_, Some(Destination::Name(host, port)))) => Some((host, port)),
        Some((to, _)) => {
            let text = format!("link_destination: \"{}\" is no name and port", Shown(to));
            return Err(ConfigError::config(text));
        }
    };
    let tls = match profile {
        None => None,
        Some(_) if has_tls => {
            return Err(ConfigError::argument("link_tls: TLS is the agent's, or ours, not both"));
        }
        Some("") => return Err(ConfigError::config("link_tls: it is empty")),
        Some(profile) => Some(RemoteTlsPlan {
            profile: profile.into(),
            server_name: checked_name(server_name)?.into(),
        }),
    };
    let takes_descriptor = options.flags & VST_CONNECT_NO_DESCRIPTOR == 0;
    Ok(TransportKind::Link(Box::new(RemotePlan { link, name, tls, takes_descriptor })))
}

/// A name that a server's certificate can be valid for.
fn checked_name(name: Option<&str>) -> Result<&str, ConfigError> {
    let name = name.ok_or_else(|| ConfigError::config("server_name: TLS needs one"))?;
    if !crate::tls::is_server_name(name) {
        return Err(ConfigError::config("server_name: that is no DNS name and no IP address"));
    }
    Ok(name)
}

fn connect_tls(tls: &vst_tls_client, name: Option<&str>) -> Result<ConnectTls, ConfigError> {
    Ok(ConnectTls { tls: Arc::clone(&tls.tls), server_name: checked_name(name)?.to_owned() })
}

/// Frees a handle. Connections, servers and checks that use the configuration keep it. NULL does
/// nothing.
///
/// Legal from any thread and any callback.
///
/// # Safety
/// `config` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_connect_config_free(config: *mut vst_connect_config) {
    // SAFETY: the caller's contract.
    unsafe { free(config) };
}

fn send_proxy(options: &vst_connect_options) -> Result<Option<SendProxy>, ConfigError> {
    let has = |bit: u64| options.proxy_tlvs & bit != 0;
    let tlvs = ProxyTlvs {
        alpn: has(VST_PROXY_TLV_ALPN),
        authority: has(VST_PROXY_TLV_AUTHORITY),
        ssl: has(VST_PROXY_TLV_SSL),
        crc32c: has(VST_PROXY_TLV_CRC32C),
        unique_id: has(VST_PROXY_TLV_UNIQUE_ID),
    };
    let known = VST_PROXY_TLV_ALPN
        | VST_PROXY_TLV_AUTHORITY
        | VST_PROXY_TLV_SSL
        | VST_PROXY_TLV_CRC32C
        | VST_PROXY_TLV_UNIQUE_ID;
    match options.send_proxy {
        VST_SEND_PROXY_V2 if options.proxy_tlvs & !known == 0 => Ok(Some(SendProxy::V2(tlvs))),
        VST_SEND_PROXY_V1 if options.proxy_tlvs == 0 => Ok(Some(SendProxy::V1)),
        VST_SEND_PROXY_NONE if options.proxy_tlvs == 0 => Ok(None),
        VST_SEND_PROXY_NONE | VST_SEND_PROXY_V1 => {
            Err(ConfigError::argument("proxy_tlvs: only version 2 has some"))
        }
        VST_SEND_PROXY_V2 => Err(ConfigError::argument("proxy_tlvs: an unknown one")),
        _ => Err(ConfigError::argument("send_proxy: an unknown version")),
    }
}
