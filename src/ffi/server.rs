//! Servers of backends, as C adds them.

use std::ffi::c_char;
use std::sync::Arc;

use super::backend::MAXQUEUE;
use super::config_error::{ConfigError, element, named};
use super::connect_config::vst_connect_config;
use super::engine::vst_engine;
use super::entry::asked;
use super::options::{self, options};
use super::ptr::{self, Sized32};
use super::status::*;
use super::types::{VST_NO_SERVER, vst_id};
use super::words::{needed_text, text};
use crate::backend::{Checks, HealthConfig, Recovery, ServerConfig, ServerIndex, Weight};
use crate::config::ConnectConfig;
use crate::engine::{CheckPlan, Refusal};
use crate::sys::Addr;
use crate::time::SECOND;

/// A backup: the server gets streams only while no server without this flag is usable.
pub const VST_SERVER_BACKUP: u64 = 1 << 49;
/// The server has health checks: the `check_*` fields are used.
pub const VST_SERVER_CHECK: u64 = 1 << 50;
/// The server's weight is 0, whatever weight says: it gets no new streams until
/// `vst_server_set_weight` changes that.
pub const VST_SERVER_NO_WEIGHT: u64 = 1 << 51;
/// No stream waits in this server's own queue, whatever maxqueue says.
pub const VST_SERVER_NO_QUEUE: u64 = 1 << 52;
/// The interval of checks is exact, whatever `check_jitter` says.
pub const VST_SERVER_NO_JITTER: u64 = 1 << 53;

/// The options of a server of a backend. A field that is 0 stands for its default, so that all zero
/// but `size` and `name` is the defaults; `vst_server_options_init` writes them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_server_options {
    /// `sizeof(vst_server_options)`. Not less than 144 bytes.
    pub size: u32,
    /// Its share of the streams, in proportion to the weights of the other servers, 1 to 256.
    /// Default 1; with VST_SERVER_NO_WEIGHT it is 0.
    pub weight: u32,
    /// `VST_SERVER_*`.
    pub flags: u64,
    /// Its name, not empty, which no other server of the backend has. Copied.
    pub name: *const c_char,
    /// Its addresses, one or several separated by commas, which the attempts of a stream use in
    /// turn: `192.0.2.1:80`, `[2001:db8::1]:80`, `unix:/path`, `unix:@abstract`. Copied. NULL:
    /// VST_EVENT_SERVER_RESOLVE asks the host to look them up.
    pub addresses: *const c_char,
    /// The configuration of its connections. NULL: TCP without headers or TLS, with the defaults of
    /// vst_connect_options. The server keeps its own reference: the handle may be freed at once.
    pub connect: *const vst_connect_config,
    /// The most streams that it carries at once; further ones wait or go to other servers. Default
    /// UINT32_MAX: no bound.
    pub maxconn: u32,
    /// The most streams that may wait in the server's own queue. Default 1024; UINT32_MAX is no
    /// bound, and `VST_SERVER_NO_QUEUE` lets none wait.
    pub maxqueue: u32,
    /// Without VST_SERVER_CHECK: how long the server stays down, in nanoseconds. Then it is on
    /// trial: it gets streams, and the first failure makes it go down again. Default 10 s; with
    /// VST_NEVER it stays down until vst_server_set_state.
    pub trial_ns: u64,
    /// The configuration of the connections of checks. NULL: TCP without headers or TLS. The server
    /// keeps its own reference: the handle may be freed at once.
    pub check_connect: *const vst_connect_config,
    /// The address to check; NULL: the server's first address. Copied.
    pub check_address: *const c_char,
    /// What is sent once the connection of a check is open. Copied. May be NULL with a length of 0.
    pub check_send: *const u8,
    /// The length of `check_send`.
    pub check_send_len: usize,
    /// What the server's response must begin with. Copied. NULL with a length of 0: the check
    /// passes once the connection is open and `check_send` is sent.
    pub check_expect: *const u8,
    /// The length of `check_expect`.
    pub check_expect_len: usize,
    /// From the beginning of one check to the beginning of the next, in nanoseconds; less than a
    /// millisecond counts as one millisecond. Default 2 s.
    pub check_interval_ns: u64,
    /// The interval while the server is down, in nanoseconds; 0, the default: check_interval_ns.
    pub check_down_interval_ns: u64,
    /// How long a check may take, in nanoseconds; VST_NEVER is no bound. Default 2 s.
    pub check_timeout_ns: u64,
    /// By how many percent an interval is made longer or shorter at random, so that not all checks
    /// are made at the same moment; 1 to 100. Default 10; with VST_SERVER_NO_JITTER it is 0.
    pub check_jitter: u32,
    /// How many checks in a row must pass until a server that is down is up. Default 2.
    pub check_rise: u32,
    /// How many checks in a row must fail until a server that is up is down. Default 3.
    pub check_fall: u32,
    /// How many attempts of streams in a row must fail until the server is down, also without
    /// checks. Default UINT32_MAX: failed attempts never make it go down.
    pub connect_errors: u32,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_server_options {
    const FIRST: usize = 144;
}
const _: () = assert!(size_of::<vst_server_options>() == 144);

fn defaults() -> vst_server_options {
    let checks = Checks::default();
    vst_server_options {
        size: 0,
        weight: Weight::default().get().into(),
        flags: 0,
        name: std::ptr::null(),
        addresses: std::ptr::null(),
        connect: std::ptr::null(),
        maxconn: u32::MAX,
        maxqueue: MAXQUEUE,
        trial_ns: TRIAL,
        check_connect: std::ptr::null(),
        check_address: std::ptr::null(),
        check_send: std::ptr::null(),
        check_send_len: 0,
        check_expect: std::ptr::null(),
        check_expect_len: 0,
        check_interval_ns: checks.interval,
        check_down_interval_ns: 0,
        check_timeout_ns: checks.timeout,
        check_jitter: checks.jitter.into(),
        check_rise: checks.rise,
        check_fall: checks.fall,
        connect_errors: u32::MAX,
    }
}
options!(vst_server_options {
    weight,
    maxconn,
    maxqueue,
    connect_errors,
    trial_ns,
    check_interval_ns,
    check_timeout_ns,
    check_jitter,
    check_rise,
    check_fall,
} defaults());

/// Fills `options` with the defaults. `size` is `sizeof(vst_server_options)`.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_server_options_init(
    options: *mut vst_server_options,
    size: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { options::init(options, size) }
}

/// How long a server stays down that nothing else brings back.
const TRIAL: u64 = 10 * SECOND;

/// A share.
pub(super) fn weight(weight: u32) -> Result<Weight, vst_status> {
    u16::try_from(weight).ok().and_then(Weight::new).ok_or(VST_E_ARGUMENT)
}

/// A list of addresses; the one that is none is named.
pub(super) fn addresses(text: Option<&str>) -> Result<Vec<Addr>, String> {
    let words = text.into_iter().flat_map(|text| text.split(',')).map(str::trim);
    let target = |(index, word)| {
        Addr::parse_target(word)
            .map_err(|wrong| format!("{}: {wrong}", element("addresses", index)))
    };
    words.enumerate().map(target).collect()
}

fn health(options: &vst_server_options) -> Result<HealthConfig, ConfigError> {
    let recovery = if options.flags & VST_SERVER_CHECK == 0 {
        Recovery::Trial(options.trial_ns)
    } else {
        let jitter = u8::try_from(options.check_jitter).ok().filter(|percent| *percent <= 100);
        let jitter =
            jitter.ok_or_else(|| ConfigError::argument("check_jitter: it is more than 100"))?;
        Recovery::Checks(Checks {
            interval: options.check_interval_ns,
            down_interval: match options.check_down_interval_ns {
                0 => None,
                interval => Some(interval),
            },
            jitter: match options.flags & VST_SERVER_NO_JITTER {
                0 => jitter,
                _ => 0,
            },
            timeout: options.check_timeout_ns,
            rise: options.check_rise,
            fall: options.check_fall,
        })
    };
    Ok(HealthConfig { connect_errors: options.connect_errors, recovery })
}

/// What connections go through, NULL being nothing but TCP.
///
/// # Safety
/// `config` is NULL or a handle that is not freed.
unsafe fn connect_config(
    name: &str,
    config: *const vst_connect_config,
) -> Result<Arc<ConnectConfig>, ConfigError> {
    // SAFETY: the caller's contract.
    let config = named(name, unsafe { ptr::handle_if(config) })?;
    Ok(config.map_or_else(Arc::default, |config| Arc::clone(&config.config)))
}

/// What the host wants of a server, and what it is checked with.
///
/// # Safety
/// The pointers of `options` are as `vst_backend_add_server` needs them.
unsafe fn read(
    options: &vst_server_options,
) -> Result<(ServerConfig, Option<CheckPlan>), ConfigError> {
    let known = VST_SERVER_BACKUP
        | VST_SERVER_CHECK
        | VST_SERVER_NO_WEIGHT
        | VST_SERVER_NO_QUEUE
        | VST_SERVER_NO_JITTER;
    options::check_flags(options.flags, known, 0)?;
    let unless = |flag: u64, number: u32| if options.flags & flag != 0 { 0 } else { number };
    // SAFETY: the caller's contract.
    let name = unsafe { needed_text("name", options.name) }?;
    if name.is_empty() {
        return Err(ConfigError::config("name: it is empty"));
    }
    // SAFETY: the caller's contract.
    let addresses =
        addresses(unsafe { text("addresses", options.addresses) }?).map_err(ConfigError::config)?;
    let config = ServerConfig {
        name: name.into(),
        addresses,
        weight: weight(unless(VST_SERVER_NO_WEIGHT, options.weight))
            .map_err(|_| ConfigError::argument("weight: it is more than 256"))?,
        backup: options.flags & VST_SERVER_BACKUP != 0,
        maxconn: options.maxconn,
        maxqueue: unless(VST_SERVER_NO_QUEUE, options.maxqueue),
        // SAFETY: the caller's contract.
        connect: unsafe { connect_config("connect", options.connect) }?,
        health: health(options)?,
    };
    if options.flags & VST_SERVER_CHECK == 0 {
        return Ok((config, None));
    }
    // SAFETY: the caller's contract.
    let address = match unsafe { text("check_address", options.check_address) }? {
        Some(word) => Some(
            Addr::parse_target(word)
                .map_err(|wrong| ConfigError::config(format!("check_address: {wrong}")))?,
        ),
        None => None,
    };
    // SAFETY: the caller's contract.
    let send = unsafe { ptr::bytes(options.check_send, options.check_send_len) };
    let send = named("check_send", send)?;
    // SAFETY: the caller's contract.
    let expect = unsafe { ptr::bytes(options.check_expect, options.check_expect_len) };
    let expect = named("check_expect", expect)?;
    // SAFETY: the caller's contract.
    let connect = unsafe { connect_config("check_connect", options.check_connect) }?;
    Ok((config, Some(CheckPlan { connect, address, send: send.into(), expect: expect.into() })))
}

/// Adds a server to a backend. Its administrative state is VST_ADMIN_READY, and it is up until
/// health checks or failed attempts say otherwise.
///
/// options is read and not kept. `*out` is the server's number in the backend, from 0 in the order of
/// calls, or VST_NO_SERVER on failure. On failure `why`, unless NULL, gets a sentence, cut to
/// `why_size` bytes with its NUL. A server cannot be removed: use VST_ADMIN_MAINTENANCE instead.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL (also for `name`); VST_E_SIZE; VST_E_ARGUMENT (unknown flag, a number
/// out of its bounds, the id); VST_E_CONFIG (the name is empty or another server has it, an address
/// cannot be parsed); VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; options points to as many bytes as its size says, its
/// texts to NUL-terminated strings, its bytes to as many as their lengths say, its handles are not
/// freed; out points to a number; why to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_backend_add_server(
    engine: *mut vst_engine,
    backend: vst_id,
    options: *const vst_server_options,
    out: *mut u32,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    // SAFETY: the caller's contract.
    let no_out = named("out", unsafe { ptr::put(out, VST_NO_SERVER) });
    let add = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let options = unsafe { options::read(options) }?;
        // SAFETY: the caller's contract.
        let (config, plan) = unsafe { read(&options) }?;
        let backend = named("backend", shell.id(backend))?;
        let added = shell.core()?.add_server(backend, config, plan);
        let ServerIndex(index) = added.map_err(|refusal| match refusal {
            Refusal::Argument => ConfigError::config("name: another server has it"),
            other => ConfigError::from(other).of("backend"),
        })?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(out, index) }?;
        Ok(VST_OK)
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, add) }
}
