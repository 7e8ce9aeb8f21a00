//! What outgoing connections go through, as C makes it.

use std::ffi::c_char;
use std::sync::Arc;

use super::config_error::ConfigError;
use super::handler::{self, vst_handler};
use super::options::{self, options};
use super::panic::free;
use super::ptr::Sized32;
use super::socks::{self, VST_SOCKS_NONE};
use super::status::*;
use super::tls_client::vst_tls_client;
use super::words::{hand_out, text};
use crate::config::{
    CloseOptions, ConnectConfig, ConnectTls, OpeningTimeouts, ProxyTlvs, SendProxy, Tls12HalfClose,
    TlsTruncation,
};
use crate::sys::Addr;

/// What outgoing connections go through. Shared: any number of engines may use it.
pub struct vst_connect_config {
    pub(super) config: Arc<ConnectConfig>,
}

/// On TLS 1.2, where the end of one side ends both, a half-close is sent at once. Without it a
/// half-close is held back until the peer has ended its own side, or, once bytes of the peer are
/// waited for, has sent none for `tls12_half_close_hold_ns`, since a server that is told of an end
/// may stop answering.
pub const VST_CONNECT_TLS12_HALF_CLOSE_SEND: u64 = 1 << 27;
/// As `VST_ACCEPT_TLS_TRUNCATION_ABORT`.
pub const VST_CONNECT_TLS_TRUNCATION_ABORT: u64 = 1 << 28;

/// No PROXY header goes out.
pub const VST_SEND_PROXY_NONE: u32 = 0;
/// The PROXY header of version 1: a line of text.
pub const VST_SEND_PROXY_V1: u32 = 1;
/// The PROXY header of version 2: binary, with TLVs.
pub const VST_SEND_PROXY_V2: u32 = 2;

/// A version 2 header carries the application protocol that the client negotiated.
pub const VST_PROXY_TLV_ALPN: u64 = 1 << 29;
/// A version 2 header carries the server name that the client asked for.
pub const VST_PROXY_TLV_AUTHORITY: u64 = 1 << 30;
/// A version 2 header carries the client's TLS: version, certificate name, cipher, algorithms.
pub const VST_PROXY_TLV_SSL: u64 = 1 << 31;
/// A version 2 header carries a checksum over itself.
pub const VST_PROXY_TLV_CRC32C: u64 = 1 << 32;
/// A version 2 header carries a name for this one connection, made by the engine.
pub const VST_PROXY_TLV_UNIQUE_ID: u64 = 1 << 33;

/// What outgoing connections go through. A field that is 0 stands for its default, so that all zero
/// but `size` is the defaults; `vst_connect_options_init` writes them. In spans of time VST_NEVER
/// is no bound.
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
    /// Where set, TLS. The configuration keeps its own reference: the handle may be freed at once.
    /// Needs `server_name`.
    pub tls: *const vst_tls_client,
    /// The name that TLS asks for and that the server's certificate must be valid for: a DNS name or
    /// an IP address. Copied.
    pub server_name: *const c_char,
    /// The source address, `192.0.2.1:0`, or NULL. Copied.
    pub source: *const c_char,
    /// For the connection and the PROXY header, in nanoseconds. Default 5 s.
    pub timeout_connect_ns: u64,
    /// For the TLS handshake, in nanoseconds from its beginning. Default 10 s.
    pub timeout_tls_ns: u64,
    /// For everything before the connection is open, in nanoseconds. Default 30 s.
    pub timeout_opening_ns: u64,
    /// As in `vst_accept_options`.
    pub linger_ns: u64,
    /// As in `vst_accept_options`.
    pub drain_ns: u64,
    /// As in `vst_accept_options`.
    pub drain_bytes: u64,
    /// As in `vst_accept_options`.
    pub handlers: *const vst_handler,
    /// As in `vst_accept_options`.
    pub handler_count: u64,
    /// `VST_SOCKS_*`: where not NONE, the target of the connection is a SOCKS server, and is asked to
    /// connect to `socks_destination` before TLS and the session. Its answer counts towards
    /// `timeout_connect_ns`; a refusal ends the connection with `VST_WHY_REFUSED` and its reason in words.
    pub socks: u32,
    /// Must be 0.
    pub _reserved: u32,
    /// `192.0.2.1:80`, `[2001:db8::1]:80` or `example.net:80`, as far as the version has it. A name is
    /// resolved by the server. Copied.
    pub socks_destination: *const c_char,
    /// The user: in versions 4 and 4a a claim of at most 255 bytes; in version 5, with a password, 1 to
    /// 255 bytes (RFC 1929), sent if the server asks for them. Or NULL. Copied.
    pub socks_user: *const c_char,
    /// The password, in version 5 only: 1 to 255 bytes, or NULL. It is sent in the clear. Copied.
    pub socks_password: *const c_char,
    /// As in `vst_accept_options`; here a half-close is held back unless
    /// `VST_CONNECT_TLS12_HALF_CLOSE_SEND` says otherwise.
    pub tls12_half_close_hold_ns: u64,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_connect_options {
    const FIRST: usize = 96;
}
const _: () = assert!(size_of::<vst_connect_options>() == 152);

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
        _reserved: 0,
        socks_destination: std::ptr::null(),
        socks_user: std::ptr::null(),
        socks_password: std::ptr::null(),
        tls12_half_close_hold_ns: close_options.tls12_half_close_hold,
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

/// Makes a connect configuration: what outgoing connections go through.
///
/// Otherwise as `vst_accept_config_new`; free it with `vst_connect_config_free`.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or number, TLVs without
/// version 2, SOCKS texts without a version); VST_E_CONFIG (`source` or `socks_destination` cannot be
/// read, `server_name` or `socks_destination` is missing, or the version of SOCKS cannot say what is
/// asked).
///
/// # Safety
/// As `vst_accept_config_new`.
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
    let known = VST_CONNECT_TLS12_HALF_CLOSE_SEND | VST_CONNECT_TLS_TRUNCATION_ABORT;
    options::check_flags(options.flags, known, options._reserved)?;
    // SAFETY: the caller's contract.
    let source = match unsafe { text("source", options.source) }? {
        Some(source) => Some(
            Addr::parse(source).map_err(|wrong| ConfigError::config(format!("source: {wrong}")))?,
        ),
        None => None,
    };
    // SAFETY: the caller's contract.
    let server_name = unsafe { text("server_name", options.server_name) }?;
    // SAFETY: the caller's contract.
    let tls = match unsafe { options.tls.as_ref() } {
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
    let config = ConnectConfig {
        customs,
        send_proxy,
        socks,
        tls,
        source,
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

fn connect_tls(tls: &vst_tls_client, name: Option<&str>) -> Result<ConnectTls, ConfigError> {
    let name = name.ok_or_else(|| ConfigError::config("server_name: TLS needs one"))?;
    if !crate::tls::is_server_name(name) {
        return Err(ConfigError::config("server_name: that is no DNS name and no IP address"));
    }
    Ok(ConnectTls { tls: Arc::clone(&tls.tls), server_name: name.to_owned() })
}

/// Frees a handle, as `vst_accept_config_free` does.
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
