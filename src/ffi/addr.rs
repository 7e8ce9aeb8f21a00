//! Addresses and ends, as C reads them.

use std::ffi::{CStr, c_char};
use std::net::IpAddr;

use super::config_error::{ConfigError, named};
use super::panic::guard;
use super::ptr;
use super::status::*;
use super::types::vst_id;
use super::words::{explained, needed_text};
use crate::conn::{Detail, Op};
use crate::engine::Record;
use crate::rules::LogLevel;
use crate::sys::{Addr, UNIX_PATH_MAX};

/// No address is known.
pub const VST_ADDR_NONE: u16 = 0;
/// IPv4: 4 bytes.
pub const VST_ADDR_IPV4: u16 = 4;
/// IPv6: 16 bytes.
pub const VST_ADDR_IPV6: u16 = 6;
/// A unix socket: its path without a final NUL; a leading NUL for an abstract name; no bytes for an
/// unnamed socket.
pub const VST_ADDR_UNIX: u16 = 1;

/// Where one end of a connection is.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_addr {
    /// `VST_ADDR_*`.
    pub family: u16,
    /// The port, in the host's byte order; 0 for a unix socket.
    pub port: u16,
    /// How many of bytes are used.
    pub len: u32,
    /// The zone of a link-local IPv6 address, or 0.
    pub scope: u32,
    /// The address in network order, or the name of a unix socket.
    pub bytes: [u8; 108],
}
const _: () = assert!(size_of::<vst_addr>() == 120);

impl vst_addr {
    pub(super) const NONE: Self =
        Self { family: VST_ADDR_NONE, port: 0, len: 0, scope: 0, bytes: [0; 108] };

    pub(super) fn of(addr: &Addr) -> Self {
        let mut value = Self::NONE;
        let mut put = |bytes: &[u8]| {
            let len = bytes.len().min(UNIX_PATH_MAX);
            value.bytes[..len].copy_from_slice(&bytes[..len]);
            value.len = len as u32;
        };
        match addr {
            Addr::Ip(ip) => {
                match ip.ip() {
                    IpAddr::V4(v4) => put(&v4.octets()),
                    IpAddr::V6(v6) => put(&v6.octets()),
                }
                value.family = if ip.is_ipv4() { VST_ADDR_IPV4 } else { VST_ADDR_IPV6 };
                value.port = ip.port();
                if let std::net::SocketAddr::V6(v6) = ip {
                    value.scope = v6.scope_id();
                }
            }
            Addr::Unix(name) => {
                put(name);
                value.family = VST_ADDR_UNIX;
            }
        }
        value
    }

    pub(super) fn of_option(addr: Option<&Addr>) -> Self {
        addr.map_or(Self::NONE, Self::of)
    }

    /// The address, if one is known; an error if it is none.
    pub(super) fn known(&self) -> Result<Option<Addr>, vst_status> {
        match self.family {
            VST_ADDR_NONE => Ok(None),
            _ => self.read().map(Some).ok_or(VST_E_ARGUMENT),
        }
    }

    fn read(&self) -> Option<Addr> {
        let bytes = self.bytes.get(..self.len as usize)?;
        match self.family {
            VST_ADDR_IPV4 => {
                let octets: [u8; 4] = bytes.try_into().ok()?;
                Some(Addr::ip((octets, self.port).into()))
            }
            VST_ADDR_IPV6 => {
                let octets: [u8; 16] = bytes.try_into().ok()?;
                let ip = octets.into();
                Some(Addr::ip(std::net::SocketAddrV6::new(ip, self.port, 0, self.scope).into()))
            }
            VST_ADDR_UNIX => Some(Addr::Unix(bytes.into())),
            _ => None,
        }
    }
}

/// Writes an address as text: `192.0.2.1:80`, `[2001:db8::1]:80`, `unix:/path`, `unix:@abstract`,
/// `unix:` for an unnamed socket, with bytes that are not printable ASCII escaped, and `-` for no address.
///
/// The text has no NUL; `*len` is its length, also when `capacity` does not suffice. 512 bytes
/// always do.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_SPACE; VST_E_ARGUMENT (no such address); VST_E_NULL.
///
/// # Safety
/// `addr` points to an address; `text` to `capacity` writable bytes; `len` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_addr_text(
    addr: *const vst_addr,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(len, 0) }?;
        // SAFETY: the caller's contract; NULL becomes None.
        let addr = unsafe { addr.as_ref() }.ok_or(VST_E_NULL)?;
        let written = match addr.family {
            VST_ADDR_NONE => "-".to_owned(),
            _ => addr.read().ok_or(VST_E_ARGUMENT)?.to_string(),
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(written.as_bytes(), text.cast(), capacity, len) })
    })
}

/// Reads an address from text: `192.0.2.1:80`, `[2001:db8::1]:80`, `unix:/path`, `unix:@abstract`; :80 and
/// *:80 are 0.0.0.0. Names of hosts are not looked up. `*addr` is VST_ADDR_NONE unless VST_OK. On
/// failure `why`, unless NULL, gets a sentence, cut to `why_size` bytes with its NUL.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_ARGUMENT (no address, or not UTF-8); VST_E_NULL.
///
/// # Safety
/// `text` is a NUL-terminated string; `addr` points to an address; `why` is NULL or points to
/// `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_addr_parse(
    text: *const c_char,
    addr: *mut vst_addr,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    let parse = || {
        // SAFETY: the caller's contract.
        named("addr", unsafe { ptr::put(addr, vst_addr::NONE) })?;
        // SAFETY: the caller's contract.
        let text = unsafe { needed_text("text", text) }?;
        let read =
            Addr::parse(text).map_err(|wrong| ConfigError::argument(format!("text: {wrong}")))?;
        // SAFETY: written to a moment ago.
        named("addr", unsafe { ptr::put(addr, vst_addr::of(&read)) })
    };
    let answer = |report: &mut dyn FnMut(ConfigError) -> vst_status| {
        guard(|| parse().map_or_else(|wrong| Err(report(wrong)), |()| Ok(VST_OK)))
    };
    // SAFETY: the caller's contract.
    unsafe { explained(why, why_size, answer) }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_end {
    /// `sizeof(vst_end)` of the library.
    pub size: u32,
    /// The operation that failed: VST_OP_*. 0 when it ended as it should, and when it failed while
    /// the session's own bytes moved; why is 0 only in the first case.
    pub at: u32,
    /// Why: `VST_WHY_*`, or 0 when it ended as it should.
    pub why: u32,
    /// The errno of the system, or 0.
    pub sys_errno: i32,
    /// The TLS alert that was sent or received (RFC 8446 section 6), or -1.
    pub alert: i32,
    /// 1 when a host may leave this end out of its log: one of a session or a stream above
    /// ends_per_second of its listener, or of a connection that a rule has made silent
    /// (set-log-level). Else 0.
    pub quiet: u32,
    /// The connection. This id is stale.
    pub conn: vst_id,
    /// The listener it came from, or 0.
    pub listener: vst_id,
    /// Bytes read from the wire.
    pub bytes_in: u64,
    /// Bytes the kernel took for the wire.
    pub bytes_out: u64,
    /// Of bytes_in: how many were thrown away while closing.
    pub discarded: u64,
    /// Bytes written that did not reach the peer as far as is known, where closing was cut short
    /// (at is VST_OP_DSHW or VST_OP_CCLOSE then): those that the library still held, and those that
    /// the system held and the peer had not acknowledged. A peer may have had some that it did not
    /// acknowledge before it reset the connection.
    pub lost: u64,
    /// From its beginning to its end, in nanoseconds.
    pub lasted_ns: u64,
    /// From the beginning of the operation that failed, in nanoseconds, or 0.
    pub in_op_ns: u64,
    /// With VST_EVENT_REFUSED: how many refusals of the same listener, operation and reason were
    /// counted but not reported since the last reported one. With other events: how many such ends
    /// were quiet for being above ends_per_second since the last one that was not.
    pub suppressed: u64,
    /// The operation, the reason and a sentence, in English, NUL-terminated, valid as long as the
    /// event. Bytes that came from a peer are escaped in it.
    pub text: *const c_char,
    /// The length of `text`, without the NUL.
    pub text_len: u64,
    /// The other end of the socket.
    pub peer: vst_addr,
    /// Our end of the socket, if it was asked for while the connection was open; otherwise
    /// VST_ADDR_NONE.
    pub local: vst_addr,
    /// The source that a header announced or a rule set; VST_ADDR_NONE where neither did.
    pub announced_source: vst_addr,
    /// The same of the destination.
    pub announced_destination: vst_addr,
    /// The code of the `vst_step` or `vst_conn_handler_done` with which a handler failed the
    /// connection, or 0.
    pub host_code: i32,
    /// 1 when it failed at the agent behind its link (see vst_link_open), and not here. Else 0.
    pub remote: u32,
    /// What rules have captured of the connection: a text for each capture line of the rules, in
    /// their order, - where it captured nothing, with | between, NUL-terminated, valid as long as the
    /// event; empty where none captured anything. Bytes that came from a peer are escaped, `|` and a
    /// `-` that stands alone among them.
    pub captures: *const c_char,
    /// The length of `captures`, without the NUL.
    pub captures_len: u64,
    /// The severity (RFC 5424 section 6.2.1) that a rule has set for it, 0 to 7; -1 where none has.
    pub log_level: i32,
    /// 0.
    pub _reserved: u32,
}
const _: () = assert!(size_of::<vst_end>() == 624);

impl vst_end {
    /// The end as C reads it, which points to `text` and into `record`.
    pub(super) fn of(record: &Record, text: &CStr) -> Self {
        let cause = record.cause.as_ref();
        let (sys_errno, alert, host_code) = match cause.map(|cause| cause.detail) {
            Some(Detail::Errno(errno)) => (errno.0, -1, 0),
            Some(Detail::Alert(alert)) => (0, i32::from(alert), 0),
            Some(Detail::Host(code)) => (0, -1, code),
            Some(Detail::None) | None => (0, -1, 0),
        };
        let captures = record.captures.as_deref().unwrap_or_default();
        let [source, destination] = record.announced.each_ref().map(Option::as_ref);
        Self {
            size: size_of::<Self>() as u32,
            at: cause.and_then(|cause| cause.at).map_or(0, |op: Op| u32::from(op.number())),
            why: cause.map_or(0, |cause| u32::from(cause.why.number())),
            sys_errno,
            alert,
            quiet: u32::from(record.quiet),
            conn: record.conn.bits(),
            listener: record.listener.map_or(0, |listener| listener.bits()),
            bytes_in: record.bytes_in,
            bytes_out: record.bytes_out,
            discarded: record.discarded,
            lost: record.lost,
            lasted_ns: record.lasted,
            in_op_ns: record.in_op,
            suppressed: record.suppressed,
            text: text.as_ptr(),
            text_len: text.count_bytes() as u64,
            peer: vst_addr::of(&record.peer),
            local: vst_addr::of_option(record.local.as_ref()),
            announced_source: vst_addr::of_option(source),
            announced_destination: vst_addr::of_option(destination),
            host_code,
            remote: cause.map_or(0, |cause| u32::from(cause.remote)),
            captures: captures.as_ptr(),
            captures_len: captures.count_bytes() as u64,
            log_level: match record.log_level {
                Some(LogLevel::Severity(severity)) => severity.into(),
                Some(LogLevel::Silent) | None => -1,
            },
            _reserved: 0,
        }
    }
}
