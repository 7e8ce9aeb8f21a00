//! What TLS agreed on with a peer, as C asks for it.

use std::ffi::c_char;

use super::engine::vst_engine;
use super::entry;
use super::ptr::{self, Sized32};
use super::status::{self, *};
use super::types::vst_id;
use crate::tls::{Negotiated, TlsVersion, Verified};
use crate::wire::der::Certificate;

/// The peer was not asked for a certificate.
pub const VST_VERIFIED_NOT_ASKED: u32 = 0;
/// The peer was asked for a certificate and sent none.
pub const VST_VERIFIED_ABSENT: u32 = 1;
/// The peer's certificate was verified, now or when the resumed session began.
pub const VST_VERIFIED_VALID: u32 = 2;
/// The peer's certificate was not looked at: verification is switched off.
pub const VST_VERIFIED_SKIPPED: u32 = 3;

/// What TLS agreed on.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_tls_info {
    /// In: `sizeof(vst_tls_info)`. Not less than 32 bytes.
    pub size: u32,
    /// The protocol version: 0x0303 for TLS 1.2, 0x0304 for TLS 1.3.
    pub version: u32,
    /// The number of the cipher suite (IANA, "TLS Cipher Suites").
    pub cipher: u32,
    /// The number of the key exchange's group (IANA, "TLS Supported Groups"), or 0 when a resumed
    /// session needed none.
    pub group: u32,
    /// 1 when an earlier TLS session was resumed, else 0.
    pub resumed: u32,
    /// VST_VERIFIED_*.
    pub verified: u32,
    /// How many certificates the peer sent.
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
/// Legal on the engine's thread, before VST_EVENT_CLOSED.
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
    entry::call(no_info.and(engine), |shell| {
        let core = shell.core()?;
        let found = core.negotiated(shell.id(conn)?).map_err(status::of)?;
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
                TlsVersion::Tls12 => 0x0303,
                TlsVersion::Tls13 => 0x0304,
            };
            value.cipher = u32::from(tls.suite);
            value.group = tls.group.map_or(0, |group| u32::from(group.code));
            value.resumed = u32::from(tls.resumed);
            value.verified = match tls.verified {
                Verified::NotAsked => VST_VERIFIED_NOT_ASKED,
                Verified::Absent => VST_VERIFIED_ABSENT,
                Verified::Valid => VST_VERIFIED_VALID,
                Verified::Skipped => VST_VERIFIED_SKIPPED,
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

/// The protocol version, such as TLSv1.3.
pub const VST_TLS_TEXT_VERSION: u32 = 1;
/// The cipher suite by its IANA name, such as TLS_AES_256_GCM_SHA384.
pub const VST_TLS_TEXT_CIPHER: u32 = 2;
/// The group of the key exchange, such as X25519.
pub const VST_TLS_TEXT_GROUP: u32 = 3;
/// The application protocol (ALPN), as bytes, such as h2.
pub const VST_TLS_TEXT_ALPN: u32 = 4;
/// The server name the client asked for.
pub const VST_TLS_TEXT_SNI: u32 = 5;
/// The common name in the peer's certificate, as bytes.
pub const VST_TLS_TEXT_PEER_CN: u32 = 6;
/// The subject of the peer's certificate.
pub const VST_TLS_TEXT_PEER_SUBJECT: u32 = 7;
/// The issuer of the peer's certificate.
pub const VST_TLS_TEXT_PEER_ISSUER: u32 = 8;

/// Copies one text of what TLS agreed on, as bytes and length: what is VST_TLS_TEXT_*. The text has
/// no NUL at its end, and may have any bytes, NUL too, since names come from the peer.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED. `*len` is its length, also when
/// `capacity` does not suffice, and 0 when there is none.
/// Returns VST_OK; VST_NONE (no TLS, or there is no such text); VST_E_SPACE; VST_E_NULL;
/// VST_E_ARGUMENT; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
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
    entry::call(no_len.and(engine), |shell| {
        let core = shell.core()?;
        let found = core.negotiated(shell.id(conn)?).map_err(status::of)?;
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

/// Copies the certificate at index of those that the peer sent, in DER: 0 is the peer's own.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED. `*len` is its length, also when capacity
/// does not suffice, and 0 when there is none.
/// Returns VST_OK; VST_NONE (no TLS, or fewer certificates); VST_E_SPACE; VST_E_NULL;
/// VST_E_ARGUMENT; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// engine is an engine that is not freed; der points to capacity writable bytes; len to a size.
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
    entry::call(no_len.and(engine), |shell| {
        let core = shell.core()?;
        let found = core.negotiated(shell.id(conn)?).map_err(status::of)?;
        let certificate = found.and_then(|tls| tls.peer_chain().nth(index as usize));
        let Some(bytes) = certificate else { return Ok(VST_NONE) };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(bytes, der, capacity, len) })
    })
}
