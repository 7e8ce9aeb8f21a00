//! The PROXY header that a connection came with, as C asks for it.

use super::engine::vst_engine;
use super::entry;
use super::ptr::{self, Sized32};
use super::status::{self, *};
use super::types::vst_id;
use crate::wire::proxy::{self, Addresses};

/// LOCAL: the proxy connected for itself, and announces no client.
pub const VST_PROXY_COMMAND_LOCAL: u32 = 0;
/// PROXY: the proxy connected for a client.
pub const VST_PROXY_COMMAND_RELAYED: u32 = 1;

/// The header announced no addresses: LOCAL, UNKNOWN, UNSPEC.
pub const VST_PROXY_TRANSPORT_NONE: u32 = 0;
/// TCP over IPv4 or IPv6.
pub const VST_PROXY_TRANSPORT_TCP: u32 = 1;
/// UDP over IPv4 or IPv6.
pub const VST_PROXY_TRANSPORT_UDP: u32 = 2;
/// A unix stream socket.
pub const VST_PROXY_TRANSPORT_UNIX_STREAM: u32 = 3;
/// A unix datagram socket.
pub const VST_PROXY_TRANSPORT_UNIX_DATAGRAM: u32 = 4;

/// The PROXY header that a connection came with.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_proxy_header {
    /// In: `sizeof(vst_proxy_header)`. Not less than 24 bytes.
    pub size: u32,
    /// 1 or 2.
    pub version: u32,
    /// `VST_PROXY_COMMAND_LOCAL` or `VST_PROXY_COMMAND_RELAYED`.
    pub command: u32,
    /// VST_PROXY_TRANSPORT_*.
    pub transport: u32,
    /// How many TLVs it had; 0 for a header that says LOCAL, whose TLVs are passed over.
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
/// Legal on the engine's thread, before VST_EVENT_CLOSED.
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
    entry::call(no_header.and(engine), |shell| {
        let core = shell.core()?;
        let found = core.header(shell.id(conn)?).map_err(status::of)?;
        let value = vst_proxy_header {
            size: 0,
            version: found.map_or(0, |found| match found.version {
                proxy::Version::V1 => 1,
                proxy::Version::V2 => 2,
            }),
            command: found.map_or(0, |found| match found.command {
                proxy::Command::Local => VST_PROXY_COMMAND_LOCAL,
                proxy::Command::Proxy => VST_PROXY_COMMAND_RELAYED,
            }),
            transport: found.map_or(0, |found| match &found.addresses {
                Addresses::None => VST_PROXY_TRANSPORT_NONE,
                Addresses::Tcp { .. } => VST_PROXY_TRANSPORT_TCP,
                Addresses::Udp { .. } => VST_PROXY_TRANSPORT_UDP,
                Addresses::Unix { stream: true, .. } => VST_PROXY_TRANSPORT_UNIX_STREAM,
                Addresses::Unix { stream: false, .. } => VST_PROXY_TRANSPORT_UNIX_DATAGRAM,
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
/// `*kind`, its bytes to value and their length to `*len`. The bytes may be any, NUL too.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED. `*len` is the length of the value, also
/// when `capacity` does not suffice, and 0 when there is none.
/// Returns VST_OK; VST_NONE (no header, fewer TLVs, or a header that says LOCAL, whose
/// TLVs are passed over); VST_E_SPACE; VST_E_NULL; VST_E_STALE,
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
    entry::call(no_kind.and(no_len).and(engine), |shell| {
        let core = shell.core()?;
        let header = core.header(shell.id(conn)?).map_err(status::of)?;
        let tlv = header.and_then(|header| header.tlvs().nth(index as usize));
        let Some(tlv) = tlv else { return Ok(VST_NONE) };
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(kind, u32::from(tlv.kind)) }?;
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(tlv.value, value, capacity, len) })
    })
}
