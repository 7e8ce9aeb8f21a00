//! What the test uses of the C interface, laid out as in `include/vestibule.h`. Every struct is filled
//! by its `_init` function, which refuses one of another size.

use std::ffi::{c_char, c_void};

// Naming the crate makes the linker search it for the functions.
use vestibule as _;

pub(crate) const IO_IN: u32 = 1;
pub(crate) const IO_OUT: u32 = 2;
pub(crate) const IO_HANGUP: u32 = 4;
pub(crate) const IO_ERROR: u32 = 8;
pub(crate) const IO_EDGE: u32 = 16;
pub(crate) const IO_RELEASED: u32 = 32;
pub(crate) const TRIGGER_LEVEL: u32 = 0;
pub(crate) const TRIGGER_EDGE: u32 = 1;
pub(crate) const EVENT_SESSION: u32 = 1;
pub(crate) const EVENT_READABLE: u32 = 3;
pub(crate) const EVENT_WRITABLE: u32 = 4;
pub(crate) const EVENT_CLOSED: u32 = 6;
pub(crate) const EVENT_STREAM_END: u32 = 7;
pub(crate) const WAIT_RUNNABLE: u32 = 128;
#[cfg(feature = "self-signed")]
pub(crate) const TLS_SKIP_VERIFICATION: u64 = 1 << 41;
pub(crate) const OK: i32 = 0;

/// A handle of the library's.
#[repr(C)]
pub(crate) struct Handle {
    _private: [u8; 0],
}

#[repr(C)]
pub(crate) struct EngineOptions {
    pub(crate) size: u32,
    _reserved: u32,
    flags: u64,
    pub(crate) trigger: u32,
    max_conns: u32,
    max_opening: u32,
    heavy_per_drive: u32,
    events_per_drive: u32,
    reserve_fds: u32,
    max_proxy_header_bytes: u32,
    max_pipes: u32,
    pub(crate) data: *mut c_void,
    fdset: usize,
    fdclr: usize,
    pub(crate) interest:
        Option<unsafe extern "C" fn(*mut c_void, i32, u64, u32, u32, *mut c_void) -> i32>,
    timer: usize,
    pub(crate) event: Option<unsafe extern "C" fn(*mut c_void, *mut Handle, *const Event)>,
    log: usize,
}

#[repr(C)]
pub(crate) struct AcceptOptions {
    pub(crate) size: u32,
    cip_magic: u32,
    flags: u64,
    accept_proxy: *const c_char,
    pub(crate) tls: *const Handle,
    spans: [u64; 6],
    monitor: usize,
}

#[repr(C)]
pub(crate) struct ConnectOptions {
    pub(crate) size: u32,
    send_proxy: u32,
    flags: u64,
    proxy_tlvs: u64,
    pub(crate) tls: *const Handle,
    pub(crate) server_name: *const c_char,
    source: *const c_char,
    spans: [u64; 6],
}

#[cfg(feature = "self-signed")]
#[repr(C)]
pub(crate) struct TlsClientOptions {
    pub(crate) size: u32,
    session_lifetime_s: u32,
    pub(crate) flags: u64,
    versions: [u32; 2],
    /// Two texts of PEM: a file, bytes and a length each.
    pem: [usize; 6],
    identity: usize,
    alpn: *const c_char,
    session_cache: u64,
}

/// The beginning of an event: the rest is not read.
#[repr(C)]
pub(crate) struct Event {
    size: u32,
    pub(crate) kind: u32,
    pub(crate) id: u64,
}

#[repr(C)]
pub(crate) struct Wait {
    size: u32,
    pub(crate) flags: u32,
    deadline_ns: u64,
    conns: u32,
    streams: u32,
    listeners: u32,
    _reserved: u32,
}

impl Wait {
    pub(crate) fn new() -> Self {
        Self { size: size_of::<Self>() as u32, ..Self::zero() }
    }
}

#[repr(C)]
pub(crate) struct Address {
    family: u16,
    pub(crate) port: u16,
    len: u32,
    scope: u32,
    bytes: [u8; 108],
}

/// A struct of the interface: zeros are a value of it.
pub(crate) trait Plain: Sized {
    /// Zeros, as C's `= {0}`.
    fn zero() -> Self {
        // SAFETY: implemented only for integers, pointers and optional functions side by side.
        unsafe { std::mem::zeroed() }
    }
}
impl Plain for EngineOptions {}
impl Plain for AcceptOptions {}
impl Plain for ConnectOptions {}
#[cfg(feature = "self-signed")]
impl Plain for TlsClientOptions {}
impl Plain for Wait {}
impl Plain for Address {}

unsafe extern "C" {
    pub(crate) fn vst_engine_options_init(options: *mut EngineOptions, size: u32) -> i32;
    pub(crate) fn vst_engine_new(
        options: *const EngineOptions,
        out: *mut *mut Handle,
        why: *mut c_char,
        why_size: usize,
    ) -> i32;
    pub(crate) fn vst_engine_free(engine: *mut Handle) -> i32;
    pub(crate) fn vst_engine_ready(
        engine: *mut Handle,
        token: u64,
        events: u32,
        now: u64,
        wait: *mut Wait,
    ) -> i32;
    pub(crate) fn vst_engine_run(engine: *mut Handle, now: u64, wait: *mut Wait) -> i32;
    pub(crate) fn vst_accept_options_init(options: *mut AcceptOptions, size: u32) -> i32;
    pub(crate) fn vst_accept_config_new(
        options: *const AcceptOptions,
        out: *mut *mut Handle,
        why: *mut c_char,
        why_size: usize,
    ) -> i32;
    pub(crate) fn vst_accept_config_free(config: *mut Handle);
    pub(crate) fn vst_connect_options_init(options: *mut ConnectOptions, size: u32) -> i32;
    pub(crate) fn vst_connect_config_new(
        options: *const ConnectOptions,
        out: *mut *mut Handle,
        why: *mut c_char,
        why_size: usize,
    ) -> i32;
    pub(crate) fn vst_connect_config_free(config: *mut Handle);
    pub(crate) fn vst_listener_open(
        engine: *mut Handle,
        address: *const c_char,
        config: *const Handle,
        options: *const c_void,
        out: *mut u64,
        errno: *mut i32,
        why: *mut c_char,
        why_size: usize,
    ) -> i32;
    pub(crate) fn vst_listener_addr(
        engine: *mut Handle,
        listener: u64,
        address: *mut Address,
    ) -> i32;
    pub(crate) fn vst_conn_connect(
        engine: *mut Handle,
        address: *const c_char,
        config: *const Handle,
        more: *const c_void,
        out: *mut u64,
        why: *mut c_char,
        why_size: usize,
    ) -> i32;
    pub(crate) fn vst_conn_forward(
        engine: *mut Handle,
        client: u64,
        server: u64,
        config: *const Handle,
        user: *mut c_void,
        out: *mut u64,
    ) -> i32;
    pub(crate) fn vst_conn_recv(
        engine: *mut Handle,
        conn: u64,
        buffer: *mut c_void,
        size: usize,
        got: *mut usize,
    ) -> i32;
    pub(crate) fn vst_conn_send(
        engine: *mut Handle,
        conn: u64,
        bytes: *const c_void,
        size: usize,
        taken: *mut usize,
    ) -> i32;
}

#[cfg(feature = "self-signed")]
unsafe extern "C" {
    pub(crate) fn vst_tls_server_self_signed(
        names: *const c_char,
        out: *mut *mut Handle,
        why: *mut c_char,
        why_size: usize,
    ) -> i32;
    pub(crate) fn vst_tls_server_free(tls: *mut Handle);
    pub(crate) fn vst_tls_client_options_init(options: *mut TlsClientOptions, size: u32) -> i32;
    pub(crate) fn vst_tls_client_new(
        options: *const TlsClientOptions,
        out: *mut *mut Handle,
        why: *mut c_char,
        why_size: usize,
    ) -> i32;
    pub(crate) fn vst_tls_client_free(tls: *mut Handle);
}
