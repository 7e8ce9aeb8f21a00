//! Monitors, as C describes them.

use std::ffi::{c_char, c_void};

use super::config_error::{ConfigError, element, named};
use super::engine::vst_engine;
use super::entry;
use super::options::{self, options};
use super::ptr::{self, Sized32};
use super::status::{self, *};
use super::types::vst_id;
use super::words::text;
use crate::config::{ANSWER_MAX_BYTES, Monitor, MonitorAnswer, Trust};

/// Plain text: OK, or FAIL.
pub const VST_MONITOR_ANSWER_TEXT: u32 = 1;
/// An HTTP/1.0 response: 200, or 503.
pub const VST_MONITOR_ANSWER_HTTP: u32 = 2;
/// An HTTP/1.0 response with the text of `vst_metrics_text`: always 200, also while a failure is
/// reported. The text is made for each connection and kept in memory until the peer has taken it;
/// `max_conns` of the listener bounds how many there are. In a group it comes when all members have
/// told their numbers, after one second at the latest.
pub const VST_MONITOR_ANSWER_METRICS: u32 = 3;
/// Bytes that the host chooses: well, or failing.
pub const VST_MONITOR_ANSWER_BYTES: u32 = 4;

/// The most bytes of well and of failing.
pub const VST_MONITOR_ANSWER_MAX_BYTES: u32 = 16_384;
const _: () = assert!(VST_MONITOR_ANSWER_MAX_BYTES as usize == ANSWER_MAX_BYTES);

/// Every source is a monitor: the listener has no other connections.
pub const VST_MONITOR_EVERYONE: u64 = 1 << 34;
/// Sources of `monitor_net` may be in `accept_proxy` or `accept_cip` too: no header is read from
/// them. Without this flag such an overlap is VST_E_CONFIG.
pub const VST_MONITOR_TRUSTED: u64 = 1 << 35;

/// Which sources are monitors, such as health checks of load balancers, and what is sent to them
/// before their connections are closed. Zero it, then set size and the fields that are wanted. A
/// monitor is recognised by the socket's own source address, before anything it sends is read: it
/// needs no PROXY header and gets no TLS, and never becomes a session. Its end is no event, unless
/// the host accepted the descriptor itself; it is counted in `vst_engine_counters.monitored_total`.
///
/// The answer reports a failure while `vst_listener_set_monitor_fail` is set for the listener of
/// the connection, and from the first stage of `vst_engine_drain` on. VST_MONITOR_ANSWER_TEXT and
/// VST_MONITOR_ANSWER_BYTES are sent at once. VST_MONITOR_ANSWER_HTTP and VST_MONITOR_ANSWER_METRICS are
/// sent after the first byte of the request, or the end of the peer's side, which must come within
/// `timeout_proxy_ns`; the request is not parsed. The answer must be sent within linger_ns. What
/// the peer still sends is then read and thrown away, as `drain_ns` and `drain_bytes` allow, so
/// that no reset destroys the answer.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_monitor_options {
    /// `sizeof(vst_monitor_options)`. Not less than 56 bytes.
    pub size: u32,
    /// `VST_MONITOR_ANSWER_*`. Default `VST_MONITOR_ANSWER_TEXT`.
    pub answer: u32,
    /// `VST_MONITOR_*`.
    pub flags: u64,
    /// The sources, as in `vst_accept_options.accept_proxy`; NULL with `VST_MONITOR_EVERYONE`.
    pub monitor_net: *const c_char,
    /// With VST_MONITOR_ANSWER_BYTES: what is sent while there is no failure, 1 to
    /// VST_MONITOR_ANSWER_MAX_BYTES bytes. Copied. Else NULL.
    pub well: *const c_void,
    /// Length of `well` in bytes.
    pub well_len: usize,
    /// With VST_MONITOR_ANSWER_BYTES: what is sent while there is a failure, 1 to
    /// VST_MONITOR_ANSWER_MAX_BYTES bytes. Copied. Else NULL.
    pub failing: *const c_void,
    /// Length of `failing` in bytes.
    pub failing_len: usize,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_monitor_options {
    const FIRST: usize = 56;
}
const _: () = assert!(size_of::<vst_monitor_options>() == 56);

options!(vst_monitor_options { answer } vst_monitor_options {
    size: 0,
    answer: VST_MONITOR_ANSWER_TEXT,
    flags: 0,
    monitor_net: std::ptr::null(),
    well: std::ptr::null(),
    well_len: 0,
    failing: std::ptr::null(),
    failing_len: 0,
});

/// Reads what the host says of monitors. `trusted` are the sources that may announce addresses, each list
/// with the name of its option.
///
/// # Safety
/// `options` is NULL or points to as many bytes as its `size` says, its texts to what they say.
pub(super) unsafe fn read(
    options: *const vst_monitor_options,
    trusted: [(&str, &Option<Trust>); 2],
) -> Result<Option<Monitor>, ConfigError> {
    if options.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's contract.
    let options = unsafe { options::read(options) }?;
    if options.flags & !(VST_MONITOR_EVERYONE | VST_MONITOR_TRUSTED) != 0 {
        return Err(ConfigError::argument("monitor: an unknown flag"));
    }
    // SAFETY: the caller's contract.
    let net = unsafe { text("monitor_net", options.monitor_net) }?;
    let sources = sources(&options, net, trusted).map_err(ConfigError::config)?;
    // SAFETY: the caller's contract.
    let well = named("well", unsafe { ptr::bytes(options.well.cast(), options.well_len) })?;
    // SAFETY: the caller's contract.
    let failing = unsafe { ptr::bytes(options.failing.cast(), options.failing_len) };
    let failing = named("failing", failing)?;
    let answer = answer(options.answer, well, failing).ok_or_else(|| {
        ConfigError::argument("monitor: an unknown answer, or bytes that do not belong to it")
    })?;
    Ok(Some(Monitor { sources, answer }))
}

fn sources(
    options: &vst_monitor_options,
    net: Option<&str>,
    trusted: [(&str, &Option<Trust>); 2],
) -> Result<Trust, String> {
    let everyone = options.flags & VST_MONITOR_EVERYONE != 0;
    let net = match (net, everyone) {
        (None, true) => return Ok(Trust::everyone()),
        (Some(net), false) => net,
        (None, false) => return Err("monitor_net: it is missing".to_owned()),
        (Some(_), true) => {
            return Err("monitor_net: every source is a monitor's already".to_owned());
        }
    };
    let sources = Trust::parse(net)
        .map_err(|wrong| format!("{}: {wrong}", element("monitor_net", wrong.index)))?;
    let meant = options.flags & VST_MONITOR_TRUSTED != 0;
    let overlaps =
        |list: &&Option<Trust>| list.as_ref().is_some_and(|list| list.overlaps(&sources));
    match trusted.iter().find(|(_, list)| overlaps(list)) {
        Some((name, _)) if !meant => Err(format!(
            "monitor_net: a source in it is in {name} too, and its header would not be read; \
             VST_MONITOR_TRUSTED says that this is meant"
        )),
        _ => Ok(sources),
    }
}

fn answer(kind: u32, well: &[u8], failing: &[u8]) -> Option<MonitorAnswer> {
    let fits = |bytes: &[u8]| (1..=ANSWER_MAX_BYTES).contains(&bytes.len());
    let answer = match kind {
        VST_MONITOR_ANSWER_BYTES if fits(well) && fits(failing) => {
            return Some(MonitorAnswer::Bytes { well: well.into(), failing: failing.into() });
        }
        VST_MONITOR_ANSWER_TEXT => MonitorAnswer::Text,
        VST_MONITOR_ANSWER_HTTP => MonitorAnswer::Http,
        VST_MONITOR_ANSWER_METRICS => MonitorAnswer::Metrics,
        _ => return None,
    };
    (well.is_empty() && failing.is_empty()).then_some(answer)
}

/// Sets whether a failure is reported to the monitors of a listener: fail is 0 or 1. It applies to
/// answers from now on, and changes nothing else.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (neither 0 nor 1, the id); VST_E_STALE, VST_E_KIND,
/// VST_E_ENGINE (the id); VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_listener_set_monitor_fail(
    engine: *mut vst_engine,
    listener: vst_id,
    fail: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        if fail > 1 {
            return Err(VST_E_ARGUMENT);
        }
        shell.core()?.set_monitor_fail(shell.id(listener)?, fail == 1).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// The counters of a listener.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_listener_counters {
    /// In: `sizeof(vst_listener_counters)`. Not less than 56 bytes.
    pub size: u32,
    /// Connections that exist now.
    pub conns: u32,
    /// Connections accepted.
    pub accepted_total: u64,
    /// Connections that became sessions.
    pub sessions_total: u64,
    /// Connections that ended before they were sessions, without those of monitors.
    pub refused_total: u64,
    /// Connections of monitors, which count neither as sessions nor as refused.
    pub monitored_total: u64,
    /// Bytes that its connections have read, those that exist included, as they were on the wire.
    pub bytes_in_total: u64,
    /// Bytes that its connections have written, likewise.
    pub bytes_out_total: u64,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_listener_counters {
    const FIRST: usize = 56;
}
const _: () = assert!(size_of::<vst_listener_counters>() == 56);

/// Writes the counters of a listener. All connections of the engine are looked at once, for the bytes
/// of those that exist.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the
/// id); VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `counters` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_listener_get_counters(
    engine: *mut vst_engine,
    listener: vst_id,
    counters: *mut vst_listener_counters,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_counters = unsafe { ptr::clear_sized(counters) };
    entry::call(no_counters.and(engine), |shell| {
        let (counts, conns) =
            shell.core()?.listener_counts(shell.id(listener)?).map_err(status::of)?;
        let value = vst_listener_counters {
            size: 0,
            conns,
            accepted_total: counts.accepted,
            sessions_total: counts.sessions,
            refused_total: counts.refused,
            monitored_total: counts.monitored,
            bytes_in_total: counts.bytes[0],
            bytes_out_total: counts.bytes[1],
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(counters, &value) })
    })
}

/// Copies everything the engine counts as text, in the exposition format that Prometheus reads
/// (version 0.0.4): engine, listeners, backends and servers, operations, TLS, and the tables that
/// rules of its listeners can name. Listeners and backends have two labels: a name and a number.
/// The name is that of `vst_listener_set_name` or `vst_backend_set_name`; without one it is the
/// address that was asked for (port 0 stays 0), or for a backend its number. The number of a closed
/// one is used again. Tables are labelled with their name, and a number that distinguishes tables
/// of the same name.
///
/// The text has no NUL; `*len` is its length, also with VST_E_SPACE. It grows with the listeners,
/// servers and tables, not with the connections.
/// In a group (vst_group_new) the numbers are those of all members: sums, and where a sum means nothing
/// what docs/operating.md says. The other members are asked, and VST_WAIT is returned until all have
/// told theirs, or one second is over and the last that they told count. VST_EVENT_WOKEN says when:
/// the next call then has the text, the same until one returns VST_OK. `*len` is 0 with VST_WAIT. There
/// the number of a listener or backend is how many of the same name the engine has before it.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_WAIT (only in a group); VST_E_SPACE; VST_E_NULL; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `text` points to `capacity` writable bytes; `len` to a
/// size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_metrics_text(
    engine: *mut vst_engine,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_len = unsafe { ptr::put(len, 0) };
    entry::call(no_len.and(engine), |shell| {
        let Some(made) = shell.core()?.metrics_of_group() else { return Ok(VST_WAIT) };
        // SAFETY: the caller's contract.
        let status = unsafe { ptr::copy_out(made.as_bytes(), text.cast(), capacity, len) };
        if status == VST_OK {
            shell.core()?.metrics_fetched();
        }
        Ok(status)
    })
}
