//! What a connection knows about itself, as C asks for it. Everything is copied out: nothing the
//! host gets points into the library.

use std::ffi::c_char;

use super::addr::vst_addr;
use super::describe::copy_text;
use super::engine::{id, vst_id};
use super::ptr::{self, Sized32};
use super::shell::{self, vst_engine};
use super::status::{self, *};
use crate::conn::State;
use crate::tls::{Negotiated, Verified, Version};
use crate::wire::der::Certificate;
use crate::wire::proxy::{self, Addresses};

/// On its way out with nothing to report.
pub const VST_STATE_CLOSED: u32 = 0;
/// It came in and its handshakes are not done.
pub const VST_STATE_ACCEPTED: u32 = 1;
/// It goes out and its handshakes are not done.
pub const VST_STATE_CONNECTING: u32 = 2;
/// The session's bytes may move.
pub const VST_STATE_ESTABLISHED: u32 = 3;
/// It failed.
pub const VST_STATE_ERROR: u32 = 4;

/// Writes the state of a connection, VST_STATE_*.
///
/// Legal at any time before VST_EVENT_CLOSED, from any callback. On failure `*state` is
/// VST_STATE_CLOSED.
/// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `state` points to an integer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_state(
    engine: *mut vst_engine,
    conn: vst_id,
    state: *mut u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_state = unsafe { ptr::put(state, VST_STATE_CLOSED) };
    shell::call(no_state.and(engine), |shell| {
        let found = match shell.core()?.state(id(conn)?).map_err(status::of)? {
            State::Closed => VST_STATE_CLOSED,
            State::Accepted => VST_STATE_ACCEPTED,
            State::Connecting => VST_STATE_CONNECTING,
            State::Established => VST_STATE_ESTABLISHED,
            State::Error => VST_STATE_ERROR,
        };
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(state, found) }?;
        Ok(VST_OK)
    })
}

/// Writes the source and destination that a connection stands for: those that a NetScaler or else a
/// PROXY header announced, else (also for LOCAL, UNKNOWN and UNSPEC) the socket's own.
///
/// Legal at any time before VST_EVENT_CLOSED, from any callback. On failure both are
/// VST_ADDR_NONE.
/// Returns VST_OK; VST_E_STATE (the system does not know them any more); VST_E_NULL; VST_E_STALE,
/// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `source` and `destination` point to addresses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_addrs(
    engine: *mut vst_engine,
    conn: vst_id,
    source: *mut vst_addr,
    destination: *mut vst_addr,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_source = unsafe { ptr::put(source, vst_addr::NONE) };
    // SAFETY: the caller's contract.
    let no_destination = unsafe { ptr::put(destination, vst_addr::NONE) };
    shell::call(no_source.and(no_destination).and(engine), |shell| {
        let ends = shell.core()?.ends(id(conn)?).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(source, vst_addr::of(&ends.0)) }?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(destination, vst_addr::of(&ends.1)) }?;
        Ok(VST_OK)
    })
}

/// Writes both ends of the socket itself, whatever a header announced: the peer's and ours.
///
/// Otherwise as `vst_conn_addrs`.
///
/// # Safety
/// As `vst_conn_addrs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_socket_addrs(
    engine: *mut vst_engine,
    conn: vst_id,
    peer: *mut vst_addr,
    local: *mut vst_addr,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_peer = unsafe { ptr::put(peer, vst_addr::NONE) };
    // SAFETY: the caller's contract.
    let no_local = unsafe { ptr::put(local, vst_addr::NONE) };
    shell::call(no_peer.and(no_local).and(engine), |shell| {
        let ends = shell.core()?.socket_ends(id(conn)?).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(peer, vst_addr::of(&ends.0)) }?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(local, vst_addr::of(&ends.1)) }?;
        Ok(VST_OK)
    })
}

/// The header stands for no relayed connection: the socket's addresses hold.
pub const VST_PROXY_LOCAL: u32 = 0;
/// The header stands for a relayed connection.
pub const VST_PROXY_RELAYED: u32 = 1;

/// The header announced no addresses: LOCAL, UNKNOWN, UNSPEC.
pub const VST_PROXY_NO_ADDRESSES: u32 = 0;
/// TCP over IPv4 or IPv6.
pub const VST_PROXY_TCP: u32 = 1;
/// UDP over IPv4 or IPv6.
pub const VST_PROXY_UDP: u32 = 2;
/// A unix stream socket.
pub const VST_PROXY_UNIX_STREAM: u32 = 3;
/// A unix datagram socket.
pub const VST_PROXY_UNIX_DATAGRAM: u32 = 4;

/// The PROXY header that a connection came with.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_proxy_header {
    /// In: `sizeof(vst_proxy_header)`.
    pub size: u32,
    /// 1 or 2.
    pub version: u32,
    /// `VST_PROXY_LOCAL` or `VST_PROXY_RELAYED`.
    pub command: u32,
    /// `VST_PROXY_TCP` and so on.
    pub transport: u32,
    /// How many TLVs it had.
    pub tlv_count: u32,
    /// 0.
    pub _reserved: u32,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_proxy_header {
    const FIRST: usize = 24;
}
const _: () = assert!(size_of::<vst_proxy_header>() == 24);

/// Writes what the PROXY header of a connection said.
///
/// Legal at any time before VST_EVENT_CLOSED, from any callback.
/// Returns VST_OK; VST_NONE (it came without one); VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND,
/// VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `header` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_proxy_header(
    engine: *mut vst_engine,
    conn: vst_id,
    header: *mut vst_proxy_header,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_header = unsafe { ptr::clear_sized(header) };
    shell::call(no_header.and(engine), |shell| {
        let core = shell.core()?;
        let found = core.header(id(conn)?).map_err(status::of)?;
        let value = vst_proxy_header {
            size: 0,
            version: found.map_or(0, |found| match found.version {
                proxy::Version::V1 => 1,
                proxy::Version::V2 => 2,
            }),
            command: found.map_or(0, |found| match found.command {
                proxy::Command::Local => VST_PROXY_LOCAL,
                proxy::Command::Proxy => VST_PROXY_RELAYED,
            }),
            transport: found.map_or(0, |found| match &found.addresses {
                Addresses::None => VST_PROXY_NO_ADDRESSES,
                Addresses::Tcp { .. } => VST_PROXY_TCP,
                Addresses::Udp { .. } => VST_PROXY_UDP,
                Addresses::Unix { stream: true, .. } => VST_PROXY_UNIX_STREAM,
                Addresses::Unix { stream: false, .. } => VST_PROXY_UNIX_DATAGRAM,
            }),
            tlv_count: found.map_or(0, |found| found.tlvs().count() as u32),
            _reserved: 0,
        };
        // SAFETY: the caller's contract.
        match unsafe { ptr::write_sized(header, &value) } {
            VST_OK => Ok(if found.is_some() { VST_OK } else { VST_NONE }),
            status => Err(status),
        }
    })
}

/// Copies the TLV at `index`, from 0, of the PROXY header of a connection, as it came: its type to
/// `*kind`, its value as bytes and length, which may hold anything, a NUL among it.
///
/// Legal at any time before VST_EVENT_CLOSED, from any callback. `*len` is the length of the
/// value, also when `capacity` does not suffice, and 0 when there is none.
/// Returns VST_OK; VST_NONE (no header, or fewer TLVs); VST_E_SPACE; VST_E_NULL; VST_E_STALE,
/// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `kind` points to an integer, `value` to `capacity`
/// writable bytes, `len` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_proxy_tlv(
    engine: *mut vst_engine,
    conn: vst_id,
    index: u32,
    kind: *mut u32,
    value: *mut u8,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_kind = unsafe { ptr::put(kind, 0) };
    // SAFETY: the caller's contract.
    let no_len = unsafe { ptr::put(len, 0) };
    shell::call(no_kind.and(no_len).and(engine), |shell| {
        let core = shell.core()?;
        let header = core.header(id(conn)?).map_err(status::of)?;
        let tlv = header.and_then(|header| header.tlvs().nth(index as usize));
        let Some(tlv) = tlv else { return Ok(VST_NONE) };
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(kind, u32::from(tlv.kind)) }?;
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(tlv.value, value, capacity, len) })
    })
}

/// The peer was not asked for a certificate.
pub const VST_TLS_NOT_ASKED: u32 = 0;
/// The peer was asked for a certificate and has none.
pub const VST_TLS_ABSENT: u32 = 1;
/// The peer's certificate was verified, now or when the resumed session began.
pub const VST_TLS_VALID: u32 = 2;
/// The peer's certificate was not looked at: verification is switched off.
pub const VST_TLS_SKIPPED: u32 = 3;

/// What TLS agreed on.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_tls_info {
    /// In: `sizeof(vst_tls_info)`.
    pub size: u32,
    /// The protocol version: 0x0303 for TLS 1.2, 0x0304 for TLS 1.3.
    pub version: u32,
    /// The number of the cipher suite (IANA, "TLS Cipher Suites").
    pub cipher: u32,
    /// The number of the key exchange's group (IANA, "TLS Supported Groups"), or 0 when a resumed
    /// session needed none.
    pub group: u32,
    /// 1 when an earlier session went on.
    pub resumed: u32,
    /// `VST_TLS_VALID` and so on.
    pub verified: u32,
    /// How many certificates the peer showed.
    pub certificate_count: u32,
    /// 0.
    pub _reserved: u32,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_tls_info {
    const FIRST: usize = 32;
}
const _: () = assert!(size_of::<vst_tls_info>() == 32);

/// Writes what TLS agreed on.
///
/// Legal at any time before VST_EVENT_CLOSED, from any callback.
/// Returns VST_OK; VST_NONE (no TLS, or its handshake is not done); VST_E_NULL; VST_E_SIZE;
/// VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `info` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_tls_info(
    engine: *mut vst_engine,
    conn: vst_id,
    info: *mut vst_tls_info,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_info = unsafe { ptr::clear_sized(info) };
    shell::call(no_info.and(engine), |shell| {
        let core = shell.core()?;
        let found = core.negotiated(id(conn)?).map_err(status::of)?;
        let mut value = vst_tls_info {
            size: 0,
            version: 0,
            cipher: 0,
            group: 0,
            resumed: 0,
            verified: 0,
            certificate_count: 0,
            _reserved: 0,
        };
        if let Some(tls) = &found {
            value.version = match tls.version {
                Version::Tls12 => 0x0303,
                Version::Tls13 => 0x0304,
            };
            value.cipher = u32::from(tls.suite);
            value.group = tls.group.map_or(0, |group| u32::from(group.code));
            value.resumed = u32::from(tls.resumed);
            value.verified = match tls.verified {
                Verified::NotAsked => VST_TLS_NOT_ASKED,
                Verified::Absent => VST_TLS_ABSENT,
                Verified::Valid => VST_TLS_VALID,
                Verified::Skipped => VST_TLS_SKIPPED,
            };
            value.certificate_count = tls.peer_chain().len() as u32;
        }
        // SAFETY: the caller's contract.
        match unsafe { ptr::write_sized(info, &value) } {
            VST_OK => Ok(if found.is_some() { VST_OK } else { VST_NONE }),
            status => Err(status),
        }
    })
}

/// The protocol version: `TLSv1.3`.
pub const VST_TLS_TEXT_VERSION: u32 = 1;
/// The cipher suite: `TLS_AES_256_GCM_SHA384`.
pub const VST_TLS_TEXT_CIPHER: u32 = 2;
/// The group of the key exchange: `X25519`.
pub const VST_TLS_TEXT_GROUP: u32 = 3;
/// The application protocol, as bytes: `h2`.
pub const VST_TLS_TEXT_ALPN: u32 = 4;
/// The server name the client asked for.
pub const VST_TLS_TEXT_SNI: u32 = 5;
/// The common name in the peer's certificate, as bytes.
pub const VST_TLS_TEXT_PEER_CN: u32 = 6;
/// The subject of the peer's certificate.
pub const VST_TLS_TEXT_PEER_SUBJECT: u32 = 7;
/// The issuer of the peer's certificate.
pub const VST_TLS_TEXT_PEER_ISSUER: u32 = 8;

/// Copies one text of what TLS agreed on, VST_TLS_TEXT_*, as bytes and length: names come from a
/// peer's certificate and may hold anything, a NUL among it.
///
/// Legal at any time before VST_EVENT_CLOSED, from any callback. `*len` is its length, also
/// when `capacity` does not suffice, and 0 when there is none.
/// Returns VST_OK; VST_NONE (no TLS, or it has none); VST_E_SPACE; VST_E_NULL; VST_E_ARGUMENT;
/// VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `text` points to `capacity` writable bytes; `len` to a
/// size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_tls_text(
    engine: *mut vst_engine,
    conn: vst_id,
    what: u32,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_len = unsafe { ptr::put(len, 0) };
    shell::call(no_len.and(engine), |shell| {
        let core = shell.core()?;
        let found = core.negotiated(id(conn)?).map_err(status::of)?;
        if !(VST_TLS_TEXT_VERSION..=VST_TLS_TEXT_PEER_ISSUER).contains(&what) {
            return Err(VST_E_ARGUMENT);
        }
        let Some(bytes) = found.and_then(|tls| tls_text(&tls, what)) else { return Ok(VST_NONE) };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(&bytes, text.cast(), capacity, len) })
    })
}

fn tls_text(tls: &Negotiated<'_>, what: u32) -> Option<Vec<u8>> {
    let peer = || Certificate::parse(tls.peer_chain().next()?).ok();
    match what {
        VST_TLS_TEXT_VERSION => Some(tls.version.name().into()),
        VST_TLS_TEXT_CIPHER => Some(tls.suite_name.into()),
        VST_TLS_TEXT_GROUP => Some(tls.group?.name.into()),
        VST_TLS_TEXT_ALPN => Some(tls.alpn?.into()),
        VST_TLS_TEXT_SNI => Some(tls.server_name?.into()),
        VST_TLS_TEXT_PEER_CN => Some(peer()?.common_name()?.into_owned()),
        VST_TLS_TEXT_PEER_SUBJECT => Some(peer()?.subject().into_bytes()),
        _ => Some(peer()?.issuer().into_bytes()),
    }
}

/// Copies the certificate at `index`, from 0, that the peer showed, its own first, in DER.
///
/// Otherwise as `vst_conn_tls_text`.
///
/// # Safety
/// As `vst_conn_tls_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_tls_certificate(
    engine: *mut vst_engine,
    conn: vst_id,
    index: u32,
    der: *mut u8,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_len = unsafe { ptr::put(len, 0) };
    shell::call(no_len.and(engine), |shell| {
        let core = shell.core()?;
        let found = core.negotiated(id(conn)?).map_err(status::of)?;
        let certificate = found.and_then(|tls| tls.peer_chain().nth(index as usize));
        let Some(bytes) = certificate else { return Ok(VST_NONE) };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(bytes, der, capacity, len) })
    })
}

/// Copies everything about a connection as one line of `name=value`, for a log or a person: state,
/// descriptor, layers, operations, bytes, deadline, what it waits for, why it failed.
///
/// The text has no NUL; `*len` is its length, also when `capacity` does not suffice. 2,048 bytes
/// mostly do. Legal at any time before VST_EVENT_CLOSED, from any callback.
/// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `text` points to `capacity` writable bytes; `len` to a
/// size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_describe(
    engine: *mut vst_engine,
    conn: vst_id,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe {
        copy_text(engine, text, capacity, len, |shell| {
            shell.core()?.describe(id(conn)?).map_err(status::of)
        })
    }
}
