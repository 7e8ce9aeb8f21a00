//! What incoming connections go through, as C makes it.

use std::ffi::c_char;
use std::sync::Arc;

use super::config_error::{ConfigError, element, named};
use super::handler::{self, vst_handler};
use super::monitor::vst_monitor_options;
use super::options::{self, options};
use super::panic::free;
use super::ptr::{self, Sized32};
use super::rules::vst_rules;
use super::seal::Handle;
use super::socket_options::{VST_NODELAY_ON, socket_options};
use super::status::*;
use super::tls::vst_tls_server;
use super::words::{hand_out, text};
use crate::config::{
    AcceptCip, AcceptConfig, AcceptProxy, CloseOptions, OpeningTimeouts, Tls12HalfClose,
    TlsTruncation, Trust, Untrusted,
};
use crate::wire::cip;

/// An accept configuration: what is done with incoming connections. Any number of listeners and
/// engines, also in several threads, may use it. It never changes.
pub struct vst_accept_config {
    pub(super) config: Arc<AcceptConfig>,
}

impl Handle for vst_accept_config {
    const NUMBER: u64 = 4;
}

/// Connections from sources outside `accept_proxy` or `accept_cip` are not refused: they go on
/// without that header, and all that they send belongs to what follows, TLS or the session.
pub const VST_ACCEPT_UNTRUSTED_DIRECT: u64 = 1 << 24;
/// With TLS 1.2, where a `close_notify` ends both directions, a half-close (`vst_conn_shutdown`, or
/// that of a stream) is held back until the peer has ended its own side, or, once bytes of the peer
/// are waited for, has sent none for tls12_half_close_hold_ns. Without this flag a half-close is
/// sent at once, since a client that reads until the end would otherwise never finish.
pub const VST_ACCEPT_TLS12_HALF_CLOSE_HOLD: u64 = 1 << 25;
/// In a stream, the end of a TLS connection without `close_notify` resets both sides, and so does
/// its failure, also while it closes. Without this flag the other side gets the bytes that came,
/// and then the end of its connection; where it uses TLS, it gets no `close_notify`, which would
/// say that the bytes are complete. Either way `vst_stream_end` and `vst_end` have
/// VST_WHY_TRUNCATED, or the reason of the failure.
pub const VST_ACCEPT_TLS_TRUNCATION_ABORT: u64 = 1 << 26;

/// The options of an accept configuration. A field that is 0 stands for its default, so that all
/// zero but size is the defaults; `vst_accept_options_init` writes them. In spans of time VST_NEVER
/// is no bound.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_accept_options {
    /// `sizeof(vst_accept_options)`. Not less than 80 bytes.
    pub size: u32,
    /// The magic number that the header of `accept_cip` begins with. Default 0xCAFEBABE.
    pub cip_magic: u32,
    /// `VST_ACCEPT_*`.
    pub flags: u64,
    /// Where set, a PROXY header (version 1 or 2) must come first, and only from these sources: a
    /// list separated by commas of networks (10.0.0.0/8), addresses, any (all of IP) and unix (all
    /// unix sockets). Connections from other sources are refused, unless
    /// VST_ACCEPT_UNTRUSTED_DIRECT is set. NULL: no header is read; one that comes is taken for TLS
    /// or bytes of the session. Read and not kept.
    pub accept_proxy: *const c_char,
    /// Where set, TLS follows the headers. NULL: no TLS. The configuration keeps its own reference:
    /// the handle may be freed at once.
    pub tls: *const vst_tls_server,
    /// Timeout of the PROXY header, in nanoseconds from accept, and again of the NetScaler's header
    /// after it. Default 5 s.
    pub timeout_proxy_ns: u64,
    /// Timeout of the TLS handshake, in nanoseconds from its beginning. Default 10 s.
    pub timeout_tls_ns: u64,
    /// Timeout of everything before the session, in nanoseconds from accept: whoever is no session by
    /// then is refused, also while rules wait for bytes (inspect-delay). Default 30 s.
    pub timeout_opening_ns: u64,
    /// While closing: how long unsent bytes may wait without progress, in nanoseconds. The time
    /// starts again whenever the kernel takes bytes, and, once it has them all, whenever the peer
    /// acknowledges some (TCP). Then the connection is reset and those bytes are lost: `vst_end`
    /// has VST_WHY_TIMED_OUT at VST_OP_DSHW or VST_OP_CCLOSE, and their number in `lost`. Default
    /// 30 s.
    pub linger_ns: u64,
    /// While closing: how long the peer's FIN is waited for once the peer has all our bytes, in
    /// nanoseconds. If the peer sent nothing meanwhile, the connection counts as ended in order; a
    /// peer that went on sending is cut off, with VST_WHY_TIMED_OUT at VST_OP_CCLOSE. Default 2 s.
    pub drain_ns: u64,
    /// While closing: how many bytes of the peer are read and thrown away until its FIN. A peer
    /// that sends more is cut off, with `VST_WHY_TOO_LARGE` at `VST_OP_CCLOSE`. Default 1 MiB; more
    /// than 4 GiB is taken as that.
    pub drain_bytes: u64,
    /// Where set, the sources of monitors, such as health checks of load balancers, whose
    /// connections are answered and closed before any of the above. Read and not kept.
    pub monitor: *const vst_monitor_options,
    /// The host's own handlers, before or after TLS, called in this order. Copied.
    pub handlers: *const vst_handler,
    /// How many there are.
    pub handler_count: u64,
    /// Where set, the rules that decide about the connections. The configuration keeps its own
    /// reference, so the handle may be freed at once; but `vst_rules_replace` needs it.
    pub rules: *const vst_rules,
    /// Where set, the header that a NetScaler inserts ("client IP insertion", legacy or standard)
    /// must come next, after the PROXY header if there is one, and only from these sources: a list
    /// as in `accept_proxy`, compared with the socket's own source address. The client's addresses
    /// are those in the header. NULL: no header is read. Read and not kept.
    pub accept_cip: *const c_char,
    /// With TLS 1.2: how long a peer may be silent before a half-close that is held back
    /// (`VST_ACCEPT_TLS12_HALF_CLOSE_HOLD`) is sent, in nanoseconds. VST_NEVER: it waits for the
    /// peer's own end. Default 1 s.
    pub tls12_half_close_hold_ns: u64,
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
unsafe impl Sized32 for vst_accept_options {
    const FIRST: usize = 80;
}
const _: () = assert!(size_of::<vst_accept_options>() == 152);

fn accept_defaults() -> vst_accept_options {
    let (timeouts, close_options) = (OpeningTimeouts::default(), CloseOptions::default());
    vst_accept_options {
        size: 0,
        cip_magic: cip::MAGIC,
        flags: 0,
        accept_proxy: std::ptr::null(),
        tls: std::ptr::null(),
        timeout_proxy_ns: timeouts.proxy,
        timeout_tls_ns: timeouts.tls,
        timeout_opening_ns: timeouts.total,
        linger_ns: close_options.linger,
        drain_ns: close_options.drain_time,
        drain_bytes: close_options.drain_bytes,
        handlers: std::ptr::null(),
        handler_count: 0,
        rules: std::ptr::null(),
        monitor: std::ptr::null(),
        accept_cip: std::ptr::null(),
        tls12_half_close_hold_ns: close_options.tls12_half_close_hold,
        keepalive_ns: 0,
        user_timeout_ns: 0,
        dscp: 0,
        nodelay: VST_NODELAY_ON,
    }
}
options!(vst_accept_options {
    timeout_proxy_ns,
    timeout_tls_ns,
    timeout_opening_ns,
    linger_ns,
    drain_ns,
    drain_bytes,
    cip_magic,
    tls12_half_close_hold_ns,
} accept_defaults());

/// Fills `options` with the defaults. `size` is `sizeof(vst_accept_options)`.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_accept_options_init(
    options: *mut vst_accept_options,
    size: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { options::init(options, size) }
}

/// Makes an accept configuration: what is done with incoming connections.
///
/// `options` is read and not kept. `*out` is the configuration, or NULL on failure; free it with
/// `vst_accept_config_free`. On failure `why`, unless NULL, gets a sentence, cut to `why_size` bytes
/// with its NUL.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (an unknown flag; of
/// `vst_monitor_options` an unknown answer, or well or failing missing, too long or not wanted);
/// VST_E_CONFIG (`accept_proxy`, `accept_cip` or `monitor_net` cannot be parsed, `monitor_net` overlaps
/// one of the others, or with `tls` a line of rules looks for a ClientHello, as req.ssl_sni does).
///
/// # Safety
/// options points to as many bytes as its size says, its texts to NUL-terminated strings, its
/// handles are not freed; out points to a pointer; why to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_accept_config_new(
    options: *const vst_accept_options,
    out: *mut *mut vst_accept_config,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let make = || unsafe { accept_config(options) };
    // SAFETY: the caller's contract.
    unsafe { hand_out(out, why, why_size, make) }
}

/// What incoming connections go through, as `options` say.
///
/// # Safety
/// As `vst_accept_config_new`.
unsafe fn accept_config(
    options: *const vst_accept_options,
) -> Result<vst_accept_config, ConfigError> {
    // SAFETY: the caller's contract.
    let options = unsafe { options::read(options) }?;
    let known = VST_ACCEPT_UNTRUSTED_DIRECT
        | VST_ACCEPT_TLS12_HALF_CLOSE_HOLD
        | VST_ACCEPT_TLS_TRUNCATION_ABORT;
    options::check_flags(options.flags, known, 0)?;
    // SAFETY: the caller's contract.
    let proxy = trust("accept_proxy", unsafe { text("accept_proxy", options.accept_proxy) }?)?;
    // SAFETY: the caller's contract.
    let relays = trust("accept_cip", unsafe { text("accept_cip", options.accept_cip) }?)?;
    let announcers = [("accept_proxy", &proxy), ("accept_cip", &relays)];
    // SAFETY: the caller's contract.
    let monitor = unsafe { super::monitor::read(options.monitor, announcers) }?;
    let untrusted = if options.flags & VST_ACCEPT_UNTRUSTED_DIRECT != 0 {
        Untrusted::Direct
    } else {
        Untrusted::Refuse
    };
    // SAFETY: the caller's contract.
    let tls = named("tls", unsafe { ptr::handle_if(options.tls) })?.map(|tls| Arc::clone(&tls.tls));
    // SAFETY: the caller's contract.
    let customs = unsafe { handler::read(options.handlers, options.handler_count) }?;
    // SAFETY: the caller's contract.
    let rules = named("rules", unsafe { ptr::handle_if(options.rules) })?;
    let rules = rules.map(|rules| Arc::clone(&rules.rules));
    let socket = socket_options(
        options.keepalive_ns,
        options.user_timeout_ns,
        options.dscp,
        options.nodelay,
    )?;
    let config = AcceptConfig {
        socket,
        customs,
        rules,
        monitor,
        proxy: proxy.map(|trust| AcceptProxy { trust, untrusted }),
        cip: relays.map(|trust| AcceptCip { trust, untrusted, magic: options.cip_magic }),
        tls,
        timeouts: OpeningTimeouts {
            proxy: options.timeout_proxy_ns,
            tls: options.timeout_tls_ns,
            total: options.timeout_opening_ns,
            ..OpeningTimeouts::default()
        },
        close_options: CloseOptions {
            linger: options.linger_ns,
            drain_time: options.drain_ns,
            drain_bytes: options.drain_bytes,
            tls12_half_close: if options.flags & VST_ACCEPT_TLS12_HALF_CLOSE_HOLD != 0 {
                Tls12HalfClose::Hold
            } else {
                Tls12HalfClose::Send
            },
            tls12_half_close_hold: options.tls12_half_close_hold_ns,
            tls_truncation: if options.flags & VST_ACCEPT_TLS_TRUNCATION_ABORT != 0 {
                TlsTruncation::Abort
            } else {
                TlsTruncation::Pass
            },
        },
    };
    // Last: rules that a refused configuration would have used are replaced as before.
    if let (Some(rules), Some(_)) = (&config.rules, &config.tls) {
        let usable = rules.use_with_tls();
        usable.map_err(|wrong| ConfigError::config(wrong.to_string()).of("rules"))?;
    }
    Ok(vst_accept_config { config: Arc::new(config) })
}

/// Frees a handle. Listeners and connections that use the configuration keep it. NULL does nothing.
///
/// Legal from any thread and any callback.
///
/// # Safety
/// `config` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_accept_config_free(config: *mut vst_accept_config) {
    // SAFETY: the caller's contract.
    unsafe { free(config) };
}

/// The sources that the option `name` lists.
fn trust(name: &str, list: Option<&str>) -> Result<Option<Trust>, ConfigError> {
    let trust = list.map(Trust::parse).transpose();
    trust.map_err(|wrong| ConfigError::config(wrong.to_string()).of(&element(name, wrong.index)))
}
