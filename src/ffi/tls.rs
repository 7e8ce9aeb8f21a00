//! How incoming connections speak TLS, as C makes it, and what it has in common with outgoing ones.

use std::ffi::c_char;
use std::sync::Arc;

use super::config_error::{ConfigError, element, named};
use super::identity::{NO_PEM, identity, pem, vst_identity, vst_pem};
use super::options::{self, options};
use super::panic::{free, guard};
use super::ptr::{self, Sized32};
use super::seal::Handle;
use super::status::*;
use super::words::{hand_out, hand_out_noted, needed_text, text};
use crate::sys::WallClock;
use crate::tls::{ClientAuth, LoadError, LoadFault, ServerOptions, ServerTls, TlsVersion};

/// The TLS of incoming connections. Any number of configurations, engines and threads may use it.
/// It never changes. Ticket keys and kept sessions are not shared with any other vst_tls_server.
pub struct vst_tls_server {
    pub(super) tls: Arc<ServerTls>,
}

impl Handle for vst_tls_server {
    const NUMBER: u64 = 10;
}

impl vst_tls_server {
    const fn new(tls: Arc<ServerTls>) -> Self {
        Self { tls }
    }
}

/// Clients are not asked for a certificate.
pub const VST_CLIENT_AUTH_NONE: u32 = 0;
/// Clients are asked for a certificate and may send none; a certificate that is sent must verify.
pub const VST_CLIENT_AUTH_OPTIONAL: u32 = 1;
/// Clients are asked for a certificate; those without one that verifies are refused.
pub const VST_CLIENT_AUTH_REQUIRED: u32 = 2;

/// Clients that send no server name (SNI), or one that no certificate has, are refused (RFC 6066
/// section 3). Without this flag they get the first certificate.
pub const VST_TLS_SERVER_STRICT_SNI: u64 = 1 << 37;
/// No ticket carries a session: only sessions that the library keeps (`session_cache`) are resumed.
/// A TLS 1.3 client still gets a ticket, which only holds the number of its session (RFC 8446
/// section 4.6.1).
pub const VST_TLS_SERVER_NO_TICKETS: u64 = 1 << 38;
/// The secrets of every connection are kept for `vst_tls_server_take_key_log`: with them everything
/// can be decrypted.
pub const VST_TLS_SERVER_KEY_LOG: u64 = 1 << 39;
/// No sessions are kept, whatever `session_cache` says.
pub const VST_TLS_SERVER_NO_SESSION_CACHE: u64 = 1 << 40;

/// The most that `session_cache` may be. A `vst_tls_server` allocates the index of so many sessions
/// as `session_cache` says when it is made; a `vst_tls_client` allocates memory as sessions come.
pub const VST_TLS_SESSIONS_MAX: u64 = 1_048_576;

/// TLS 1.2, for `min_version` and max_version.
pub const VST_TLS_1_2: u32 = 0x0303;
/// TLS 1.3, for `min_version` and max_version.
pub const VST_TLS_1_3: u32 = 0x0304;

/// The TLS of incoming connections. A field that is 0 stands for its default, so that all zero but
/// size and the certificates is the defaults; `vst_tls_server_options_init` writes them.
///
/// The group of the key exchange is the first in the client's list that the library has:
/// X25519MLKEM768 (not in a build with ring), X25519, P-256 or P-384.
///
/// TLS 1.2 cannot change its keys, and a key of AES-GCM may protect 2^24 records: a connection that
/// has sent so many (256 GiB in full records) sends `close_notify` and ends with VST_WHY_KEY_LIMIT.
/// TLS 1.3 changes its keys without an interruption.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_tls_server_options {
    /// `sizeof(vst_tls_server_options)`. Not less than 112 bytes.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// `VST_TLS_SERVER_*`.
    pub flags: u64,
    /// How many certificates `identities` points to, from 1 to 65,536.
    pub identity_count: u32,
    /// `VST_CLIENT_AUTH_*`.
    pub client_auth: u32,
    /// The lowest protocol version: VST_TLS_1_2 or VST_TLS_1_3; 0 is VST_TLS_1_2.
    pub min_version: u32,
    /// The highest protocol version: VST_TLS_1_2 or VST_TLS_1_3; 0 is VST_TLS_1_3.
    pub max_version: u32,
    /// How long a session can be resumed, in seconds; each resumption starts the time again.
    /// Default 43,200; at most 604,800, which is seven days (RFC 8446 section 4.6.1).
    pub ticket_lifetime_s: u32,
    /// How long the verification of a client's certificate is relied on, in seconds: later, and
    /// when the certificate has expired, its session is not resumed, and the client makes a full
    /// handshake. Where clients are asked for a certificate, the shorter of this time and
    /// `ticket_lifetime_s` counts. Default 3,600.
    pub client_ticket_lifetime_s: u32,
    /// Our certificates, which the library sends and does not verify. A client gets the one with
    /// the server name (SNI) that it sends: an exact match, else a wildcard, else the first. Read
    /// during the call.
    pub identities: *const vst_identity,
    /// The certificates of the authorities that client certificates are verified against. A client
    /// that sends one of these certificates as its own (a self-signed one, such as openssl req
    /// -x509 makes) is accepted while that is valid.
    pub client_ca: vst_pem,
    /// The revocation lists (CRL) of these authorities; all zero: none.
    pub client_crl: vst_pem,
    /// Application protocols (ALPN), the preferred first, separated by commas: h2,http/1.1. A
    /// client that offers protocols, but none of these, is refused (RFC 7301 section 3.2). NULL:
    /// ALPN is not used. Copied.
    pub alpn: *const c_char,
    /// The most sessions that are kept for clients that take no ticket, or for all clients with
    /// VST_TLS_SERVER_NO_TICKETS. Default 256, at most VST_TLS_SESSIONS_MAX;
    /// VST_TLS_SERVER_NO_SESSION_CACHE keeps none.
    pub session_cache: u64,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_tls_server_options {
    const FIRST: usize = 112;
}
const _: () = assert!(size_of::<vst_tls_server_options>() == 112);

fn server_defaults() -> vst_tls_server_options {
    let known = ServerOptions::default();
    vst_tls_server_options {
        size: 0,
        _reserved: 0,
        flags: 0,
        identity_count: 0,
        client_auth: VST_CLIENT_AUTH_NONE,
        min_version: 0,
        max_version: 0,
        ticket_lifetime_s: known.ticket_lifetime,
        client_ticket_lifetime_s: known.client_ticket_lifetime,
        identities: std::ptr::null(),
        client_ca: NO_PEM,
        client_crl: NO_PEM,
        alpn: std::ptr::null(),
        session_cache: known.session_cache as u64,
    }
}
options!(vst_tls_server_options { ticket_lifetime_s, client_ticket_lifetime_s, session_cache } server_defaults());

/// Fills `options` with the defaults. `size` is `sizeof(vst_tls_server_options)`.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_tls_server_options_init(
    options: *mut vst_tls_server_options,
    size: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { options::init(options, size) }
}

/// Makes the TLS of incoming connections: reads every file and checks everything that can be
/// checked before a client comes.
///
/// `options` is read and not kept. `*out` is the object, or NULL on failure; free it with
/// vst_tls_server_free. On failure why, unless NULL, gets a sentence that names the file, the line,
/// what is wrong and what to do about it, cut to `why_size` bytes with its NUL. On success it is
/// empty, or a note: that a certificate has expired, or is not valid yet.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (an unknown flag or number, no chain, a
/// `vst_pem` with file and bytes, a name in alpn that has not 1 to 255 bytes); VST_E_CONFIG (a
/// file, certificate, key or list cannot be used); VST_E_UNSUPPORTED (a build without VST_FEATURE_TLS).
///
/// # Safety
/// `options` points to as many bytes as its `size` says, and its texts, files and memory to what
/// their fields say; `out` to a pointer; `why` is NULL or points to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_tls_server_new(
    options: *const vst_tls_server_options,
    out: *mut *mut vst_tls_server,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let make = || unsafe { server(options) };
    // SAFETY: the caller's contract.
    unsafe { hand_out_noted(out, why, why_size, make, |made| made.tls.notes()) }
}

/// How incoming connections speak TLS, as `options` say.
///
/// # Safety
/// As `vst_tls_server_new`.
unsafe fn server(options: *const vst_tls_server_options) -> Result<vst_tls_server, ConfigError> {
    // SAFETY: the caller's contract.
    let given = unsafe { options::read(options) }?;
    let known = VST_TLS_SERVER_STRICT_SNI
        | VST_TLS_SERVER_NO_TICKETS
        | VST_TLS_SERVER_KEY_LOG
        | VST_TLS_SERVER_NO_SESSION_CACHE;
    options::check_flags(given.flags, known, given._reserved)?;
    // SAFETY: the caller's contract.
    let list = unsafe { ptr::items(given.identities, given.identity_count as usize) };
    let list = named("identities", list)?;
    let mut certificates = Vec::with_capacity(list.len());
    for (index, one) in list.iter().enumerate() {
        // SAFETY: the caller's contract.
        let one = unsafe { identity(one) };
        certificates.push(one.map_err(|wrong| wrong.of(&element("identities", index)))?);
    }
    let options = ServerOptions {
        certificates,
        strict_sni: given.flags & VST_TLS_SERVER_STRICT_SNI != 0,
        client_auth: match given.client_auth {
            VST_CLIENT_AUTH_NONE => ClientAuth::None,
            VST_CLIENT_AUTH_OPTIONAL => ClientAuth::Optional,
            VST_CLIENT_AUTH_REQUIRED => ClientAuth::Required,
            _ => return Err(ConfigError::argument("client_auth: an unknown one")),
        },
        // SAFETY: the caller's contract.
        client_roots: unsafe { pem("client_ca", &given.client_ca) }?.into_iter().collect(),
        // SAFETY: the caller's contract.
        client_crls: unsafe { pem("client_crl", &given.client_crl) }?.into_iter().collect(),
        // SAFETY: the caller's contract.
        alpn: unsafe { alpn(given.alpn) }?,
        min_version: version("min_version", given.min_version, TlsVersion::Tls12)?,
        max_version: version("max_version", given.max_version, TlsVersion::Tls13)?,
        tickets: given.flags & VST_TLS_SERVER_NO_TICKETS == 0,
        session_cache: session_cache(
            given.flags & VST_TLS_SERVER_NO_SESSION_CACHE != 0,
            given.session_cache,
        )?,
        ticket_lifetime: given.ticket_lifetime_s,
        client_ticket_lifetime: given.client_ticket_lifetime_s,
        key_log: given.flags & VST_TLS_SERVER_KEY_LOG != 0,
        ..ServerOptions::default()
    };
    let made = ServerTls::new(&options, Arc::new(WallClock));
    made.map(vst_tls_server::new).map_err(unloadable)
}

/// Makes the TLS of incoming connections with a new self-signed certificate for names (DNS names
/// and IP addresses, separated by commas). No client trusts it, and its key exists only in memory.
/// For development.
///
/// `*out` is the object, or NULL on failure; free it with vst_tls_server_free. On failure why, unless
/// NULL, gets a sentence, cut to `why_size` bytes with its NUL.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (names is not UTF-8); VST_E_CONFIG (a name that no
/// certificate can have); VST_E_UNSUPPORTED (the library was built without it, see
/// VST_FEATURE_SELF_SIGNED).
///
/// # Safety
/// `names` is a NUL-terminated string; `out` points to a pointer; `why` is NULL or points to
/// `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_tls_server_self_signed(
    names: *const c_char,
    out: *mut *mut vst_tls_server,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    let make = || {
        // SAFETY: the caller's contract.
        let names = unsafe { needed_text("names", names) }?;
        Ok(vst_tls_server::new(self_signed(names)?))
    };
    // SAFETY: the caller's contract.
    unsafe { hand_out(out, why, why_size, make) }
}

#[cfg(feature = "self-signed")]
fn self_signed(names: &str) -> Result<Arc<ServerTls>, ConfigError> {
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    let certificates = vec![crate::tls::self_signed(&names).map_err(unloadable)?];
    let options = ServerOptions { certificates, ..ServerOptions::default() };
    ServerTls::new(&options, Arc::new(WallClock)).map_err(unloadable)
}

#[cfg(not(feature = "self-signed"))]
fn self_signed(_: &str) -> Result<Arc<ServerTls>, ConfigError> {
    Err(VST_E_UNSUPPORTED.into())
}

/// Writes when a certificate of ours expires: that of `identities[index]`. *`not_after` is the last
/// second in which it is valid, in seconds since 1970-01-01 00:00 UTC.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (no certificate has this index: `*not_after` is 0).
///
/// # Safety
/// `tls` is a handle that is not freed; `not_after` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_tls_server_not_after(
    tls: *const vst_tls_server,
    index: u32,
    not_after: *mut u64,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(not_after, 0) }?;
        // SAFETY: the caller's contract.
        let tls = unsafe { ptr::handle(tls) }?;
        let end = tls.tls.not_after(index as usize).ok_or(VST_E_ARGUMENT)?;
        // SAFETY: the caller's contract.
        unsafe { ptr::put(not_after, end) }?;
        Ok(VST_OK)
    })
}

/// Copies the secrets of the connections since the last call, and forgets them, as lines of the NSS
/// key log format that protocol analysers read (SSLKEYLOGFILE). Without VST_TLS_SERVER_KEY_LOG the
/// text is empty. While more than 1 MiB waits to be copied, further secrets are dropped.
///
/// The text has no NUL; `*len` is its length. With VST_E_SPACE nothing is copied or forgotten, and
/// `*len` is the capacity that is needed.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_SPACE; VST_E_NULL.
///
/// # Safety
/// `tls` is a handle that is not freed; `text` points to `capacity` writable bytes; `len` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_tls_server_take_key_log(
    tls: *const vst_tls_server,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(len, 0) }?;
        // SAFETY: the caller's contract.
        let tls = unsafe { ptr::handle(tls) }?;
        let room = if text.is_null() { 0 } else { capacity };
        let taken = tls.tls.take_key_log(room);
        // SAFETY: the caller's contract.
        unsafe { put_lines(taken, text, capacity, len) }
    })
}

/// Frees a handle. Configurations and connections that use the object keep it. NULL does nothing.
///
/// Legal from any thread and any callback.
///
/// # Safety
/// `tls` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_tls_server_free(tls: *mut vst_tls_server) {
    // SAFETY: the caller's contract.
    unsafe { free(tls) };
}

/// Copies the lines out, or tells how much room they need.
///
/// # Safety
/// len points to a size; text is NULL or points to capacity writable bytes.
pub(super) unsafe fn put_lines(
    taken: Result<String, usize>,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> Result<vst_status, vst_status> {
    match taken {
        // SAFETY: the caller's contract.
        Ok(lines) => Ok(unsafe { ptr::copy_out(lines.as_bytes(), text.cast(), capacity, len) }),
        Err(needed) => {
            // SAFETY: the caller's contract.
            unsafe { ptr::put(len, needed) }?;
            Err(VST_E_SPACE)
        }
    }
}

/// How many sessions are kept: none, or up to `most`.
pub(super) fn session_cache(none: bool, most: u64) -> Result<usize, ConfigError> {
    if none {
        return Ok(0);
    }
    let kept = usize::try_from(most).ok().filter(|_| most <= VST_TLS_SESSIONS_MAX);
    kept.ok_or_else(|| ConfigError::argument("session_cache: at most 1,048,576 sessions are kept"))
}

pub(super) fn unloadable(error: LoadError) -> ConfigError {
    match error.fault {
        LoadFault::NoTls => ConfigError::unsupported(error.to_string()),
        _ => ConfigError::config(error.to_string()),
    }
}

/// The protocols of a list.
///
/// # Safety
/// `list` is NULL or a NUL-terminated string.
pub(super) unsafe fn alpn(list: *const c_char) -> Result<Vec<Vec<u8>>, ConfigError> {
    // SAFETY: the caller's contract.
    let Some(list) = unsafe { text("alpn", list) }? else { return Ok(Vec::new()) };
    let protocols: Vec<Vec<u8>> = list.split(',').map(|one| one.trim().into()).collect();
    // RFC 7301 section 3.1: a protocol name is 1 to 255 bytes.
    match protocols.iter().position(|one| !(1..=255).contains(&one.len())) {
        None => Ok(protocols),
        Some(index) => {
            let wrong = ConfigError::argument("a name of a protocol has 1 to 255 bytes");
            Err(wrong.of(&element("alpn", index)))
        }
    }
}

pub(super) fn version(
    field: &str,
    number: u32,
    default: TlsVersion,
) -> Result<TlsVersion, ConfigError> {
    match number {
        0 => Ok(default),
        VST_TLS_1_2 => Ok(TlsVersion::Tls12),
        VST_TLS_1_3 => Ok(TlsVersion::Tls13),
        _ => Err(ConfigError::argument(format!(
            "{field}: {number:#06x} is neither VST_TLS_1_2 nor VST_TLS_1_3"
        ))),
    }
}
