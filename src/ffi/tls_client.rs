//! How outgoing connections speak TLS, as C makes it.

use std::ffi::c_char;
use std::sync::Arc;

use super::config_error::ConfigError;
use super::identity::{NO_PEM, identity, pem, vst_identity, vst_pem};
use super::options::{self, options};
use super::panic::{free, guard};
use super::ptr::{self, Sized32};
use super::seal::Handle;
use super::status::*;
use super::tls::{alpn, put_lines, session_cache, unloadable, version};
use super::words::hand_out_noted;
use crate::sys::WallClock;
use crate::tls::{ClientOptions, ClientTls, KeyExchange, Roots, TlsVersion};

/// The TLS of outgoing connections. Any number of configurations, engines and threads may use it.
/// It never changes. Kept sessions are not shared with any other vst_tls_client.
pub struct vst_tls_client {
    pub(super) tls: Arc<ClientTls>,
}

impl Handle for vst_tls_client {
    const NUMBER: u64 = 11;
}

impl vst_tls_client {
    const fn new(tls: Arc<ClientTls>) -> Self {
        Self { tls }
    }
}

/// Dangerous: any certificate of any server is accepted, so that anybody between can read and
/// change everything.
pub const VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION: u64 = 1 << 41;
/// X25519MLKEM768 is not offered to servers. Without this flag it is offered first (not in a build
/// with ring), so that a recorded connection stays secret from a later quantum computer. The
/// ClientHello then has about 1,450 bytes instead of 230, which some old middleboxes do not
/// forward.
pub const VST_TLS_CLIENT_NO_POST_QUANTUM: u64 = 1 << 42;
/// The secrets of every connection are kept for `vst_tls_client_take_key_log`: with them everything
/// can be decrypted.
pub const VST_TLS_CLIENT_KEY_LOG: u64 = 1 << 43;
/// No sessions are kept, whatever `session_cache` says.
pub const VST_TLS_CLIENT_NO_SESSION_CACHE: u64 = 1 << 44;

/// The TLS of outgoing connections. A field that is 0 stands for its default, so that all zero but
/// size is the defaults; `vst_tls_client_options_init` writes them.
///
/// The groups X25519MLKEM768 (not in a build with ring), X25519, P-256 and P-384 are offered in
/// this order; see VST_TLS_CLIENT_NO_POST_QUANTUM. A connection with TLS 1.2 and AES-GCM ends with
/// VST_WHY_KEY_LIMIT after 2^24 records, as in vst_tls_server_options.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_tls_client_options {
    /// `sizeof(vst_tls_client_options)`. Not less than 96 bytes.
    pub size: u32,
    /// How long the verification of a server's certificate is relied on, in seconds: later, and
    /// when the certificate has expired, its session is not resumed. The default, 604,800, which is
    /// seven days, is also the most (RFC 8446 section 4.6.1).
    pub session_lifetime_s: u32,
    /// `VST_TLS_CLIENT_*`.
    pub flags: u64,
    /// The lowest protocol version: VST_TLS_1_2 or VST_TLS_1_3; 0 is VST_TLS_1_2.
    pub min_version: u32,
    /// The highest protocol version: VST_TLS_1_2 or VST_TLS_1_3; 0 is VST_TLS_1_3.
    pub max_version: u32,
    /// The certificates of the authorities that servers are verified against. All zero: those that
    /// the system trusts, from the files where distributions keep them; no environment variable is
    /// read. A server that sends one of the certificates given here as its own (a self-signed one,
    /// such as openssl req -x509 makes) is accepted for the names in its subjectAltName while it is
    /// valid.
    pub ca: vst_pem,
    /// The revocation lists (CRL) of these authorities; all zero: none.
    pub crl: vst_pem,
    /// Our certificate, for servers that ask for one, or NULL. Read during the call.
    pub identity: *const vst_identity,
    /// Application protocols (ALPN) to offer, the preferred first, separated by commas:
    /// h2,http/1.1. NULL: ALPN is not used. Copied.
    pub alpn: *const c_char,
    /// The most sessions that are kept for resumption, at most 8 for each server name. Default 256,
    /// at most `VST_TLS_SESSIONS_MAX`; `VST_TLS_CLIENT_NO_SESSION_CACHE` keeps none.
    pub session_cache: u64,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_tls_client_options {
    const FIRST: usize = 96;
}
const _: () = assert!(size_of::<vst_tls_client_options>() == 96);

fn client_defaults() -> vst_tls_client_options {
    let known = ClientOptions::default();
    vst_tls_client_options {
        size: 0,
        session_lifetime_s: known.session_lifetime,
        flags: 0,
        min_version: 0,
        max_version: 0,
        ca: NO_PEM,
        crl: NO_PEM,
        identity: std::ptr::null(),
        alpn: std::ptr::null(),
        session_cache: known.session_cache as u64,
    }
}
options!(vst_tls_client_options { session_cache, session_lifetime_s } client_defaults());

/// Fills `options` with the defaults. `size` is `sizeof(vst_tls_client_options)`.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_tls_client_options_init(
    options: *mut vst_tls_client_options,
    size: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { options::init(options, size) }
}

/// Makes the TLS of outgoing connections: reads every file and checks everything that can be
/// checked before a connection.
///
/// options is read and not kept. `*out` is the object, or NULL on failure; free it with
/// vst_tls_client_free. On failure why, unless NULL, gets a sentence that names the file, the line,
/// what is wrong and what to do about it, cut to `why_size` bytes with its NUL. On success it is
/// empty, or a note: that a certificate has expired, or is not valid yet.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (an unknown flag or number, an identity
/// without chain, a `vst_pem` with file and bytes, a name in alpn that has not 1 to 255 bytes);
/// VST_E_CONFIG (a file, certificate, key or list cannot be used); VST_E_UNSUPPORTED (a build without
/// VST_FEATURE_TLS).
///
/// # Safety
/// options points to as many bytes as its size says, and its texts, files and memory to what their
/// fields say; out to a pointer; why to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_tls_client_new(
    options: *const vst_tls_client_options,
    out: *mut *mut vst_tls_client,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let make = || unsafe { client(options) };
    // SAFETY: the caller's contract.
    unsafe { hand_out_noted(out, why, why_size, make, |made| made.tls.notes()) }
}

/// How outgoing connections speak TLS, as `options` say.
///
/// # Safety
/// As `vst_tls_client_new`.
unsafe fn client(options: *const vst_tls_client_options) -> Result<vst_tls_client, ConfigError> {
    const FLAGS: u64 = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION
        | VST_TLS_CLIENT_KEY_LOG
        | VST_TLS_CLIENT_NO_SESSION_CACHE
        | VST_TLS_CLIENT_NO_POST_QUANTUM;
    // SAFETY: the caller's contract.
    let given = unsafe { options::read(options) }?;
    options::check_flags(given.flags, FLAGS, 0)?;
    let skip = given.flags & VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION != 0;
    // SAFETY: the caller's contract.
    let certificate = match unsafe { given.identity.as_ref() } {
        // SAFETY: the caller's contract.
        Some(one) => Some(unsafe { identity(one) }.map_err(|wrong| wrong.of("identity"))?),
        None => None,
    };
    // SAFETY: the caller's contract.
    let ca = unsafe { pem("ca", &given.ca) }?;
    let options = ClientOptions {
        roots: match ca {
            _ if skip => Roots::DangerouslySkipVerification,
            Some(source) => Roots::Pem(vec![source]),
            None => Roots::System,
        },
        // SAFETY: the caller's contract.
        crls: unsafe { pem("crl", &given.crl) }?.into_iter().collect(),
        certificate,
        key_exchange: match given.flags & VST_TLS_CLIENT_NO_POST_QUANTUM {
            0 => KeyExchange::All,
            _ => KeyExchange::Classical,
        },
        key_log: given.flags & VST_TLS_CLIENT_KEY_LOG != 0,
        // SAFETY: the caller's contract.
        alpn: unsafe { alpn(given.alpn) }?,
        min_version: version("min_version", given.min_version, TlsVersion::Tls12)?,
        max_version: version("max_version", given.max_version, TlsVersion::Tls13)?,
        session_cache: session_cache(
            given.flags & VST_TLS_CLIENT_NO_SESSION_CACHE != 0,
            given.session_cache,
        )?,
        session_lifetime: given.session_lifetime_s,
    };
    let made = ClientTls::new(&options, Arc::new(WallClock));
    made.map(vst_tls_client::new).map_err(unloadable)
}

/// Writes when the certificate that we send to servers expires. *`not_after` is the last second in
/// which it is valid, in seconds since 1970-01-01 00:00 UTC.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_STATE (there is no such certificate: `*not_after` is 0).
///
/// # Safety
/// `tls` is a handle that is not freed; `not_after` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_tls_client_not_after(
    tls: *const vst_tls_client,
    not_after: *mut u64,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(not_after, 0) }?;
        // SAFETY: the caller's contract.
        let tls = unsafe { ptr::handle(tls) }?;
        let end = tls.tls.not_after().ok_or(VST_E_STATE)?;
        // SAFETY: the caller's contract.
        unsafe { ptr::put(not_after, end) }?;
        Ok(VST_OK)
    })
}

/// Copies the secrets of the connections since the last call, and forgets them, as lines of the NSS
/// key log format that protocol analysers read (SSLKEYLOGFILE). Without VST_TLS_CLIENT_KEY_LOG the
/// text is empty. While more than 1 MiB waits to be copied, further secrets are dropped.
///
/// The text has no NUL; `*len` is its length. With VST_E_SPACE nothing is copied or forgotten, and
/// `*len` is the capacity that is needed.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_SPACE; VST_E_NULL.
///
/// # Safety
/// tls is a handle that is not freed; text points to capacity writable bytes; len to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_tls_client_take_key_log(
    tls: *const vst_tls_client,
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
pub unsafe extern "C" fn vst_tls_client_free(tls: *mut vst_tls_client) {
    // SAFETY: the caller's contract.
    unsafe { free(tls) };
}
