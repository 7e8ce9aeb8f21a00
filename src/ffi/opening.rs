//! How connections come into an engine: their descriptors are handed over, or they are asked for.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::accept_config::vst_accept_config;
use super::config_error::{ConfigError, element, named};
use super::connect_config::vst_connect_config;
use super::engine::vst_engine;
use super::entry::asked;
use super::listener::answer;
use super::ptr::{self, Sized32};
use super::status::*;
use super::types::vst_id;
use super::words::needed_text;
use crate::engine::{ConnectOptions, Refusal};
use crate::id::Id;
use crate::sys::{Addr, Fd};
use crate::wire::proxy::Tlv;

/// A TLV of a PROXY version 2 header.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_tlv {
    /// The type, 0 to 255.
    pub kind: u32,
    /// The length of `value` in bytes.
    pub len: u32,
    /// The bytes.
    pub value: *const u8,
}
const _: () = assert!(size_of::<vst_tlv>() == 16);

/// What one outgoing connection needs besides its configuration. Zero it, then set size and the
/// fields that are wanted.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_connect_args {
    /// `sizeof(vst_connect_args)`. Not less than 32 bytes.
    pub size: u32,
    /// How many TLVs `tlvs` points to.
    pub tlv_count: u32,
    /// The client's connection for which this one is made: the PROXY header carries its addresses
    /// and its TLS. 0: it is made for nobody else, and a version 2 header says LOCAL.
    pub client: vst_id,
    /// Further TLVs for a version 2 header, read during the call. Receivers may pass over the TLVs of a
    /// header that says LOCAL.
    pub tlvs: *const vst_tlv,
    /// The host's user data for the connection. The library neither reads nor frees it.
    pub user: *mut c_void,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_connect_args {
    const FIRST: usize = 32;
}
const _: () = assert!(size_of::<vst_connect_args>() == 32);

/// Takes over a connection that the host accepted itself, and does what config says: headers,
/// rules, handlers, TLS. user is the host's user data for it.
///
/// On success the descriptor belongs to the library; on failure it stays the host's. `*out` is the
/// id, or 0. VST_EVENT_SESSION reports that it is a session; VST_EVENT_CLOSED reports its end, also
/// if it never was a session (there is no VST_EVENT_REFUSED). The handle config may be freed at
/// once. `sys_errno`, unless NULL, gets the errno behind VST_E_SYSTEM, else 0. On failure `why`,
/// unless NULL, gets a sentence, cut to `why_size` bytes with its NUL. Its timeouts count from the time
/// of the last drive call, where that was given one: a host that tells the time and has waited long
/// makes a drive call first.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (the descriptor listens); VST_E_SYSTEM (it is no
/// connected stream socket; with ENOTCONN it may have been one whose peer has reset it, which is no
/// mistake of anybody's); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// Handles are not freed; `out` points to an id; `sys_errno` is NULL or points to an `int32_t`;
/// `why` is NULL or points to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_accept_fd(
    engine: *mut vst_engine,
    config: *const vst_accept_config,
    fd: i32,
    user: *mut c_void,
    out: *mut vst_id,
    sys_errno: *mut i32,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { ptr::put_if(sys_errno, 0) };
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    // SAFETY: the caller's contract.
    let no_out = named("out", unsafe { ptr::put(out, 0) });
    let accept = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let config = Arc::clone(&named("config", unsafe { ptr::handle(config) })?.config);
        let user = user.expose_provenance() as u64;
        let made = shell.core()?.accept_fd(Fd(fd), config, user);
        let made = listens_not(fd, made)?;
        // SAFETY: the caller's contract.
        unsafe { answer(made, "fd", out, sys_errno) }
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, accept) }
}

/// Takes over a connected socket as a session without TLS: no rules, handlers or handshakes run,
/// and VST_EVENT_READABLE is the first event. user is the host's user data for it.
///
/// On success the descriptor belongs to the library; on failure it stays the host's. `*out` is the
/// id, or 0. `sys_errno`, unless NULL, gets the errno behind VST_E_SYSTEM, else 0. On failure why,
/// unless NULL, gets a sentence, cut to `why_size` bytes with its NUL.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (the descriptor listens); VST_E_SYSTEM (it is no
/// connected stream socket); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// engine is an engine that is not freed; out points to an id; `sys_errno` is NULL or points to an
/// `int32_t`; why is NULL or points to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_adopt(
    engine: *mut vst_engine,
    fd: i32,
    user: *mut c_void,
    out: *mut vst_id,
    sys_errno: *mut i32,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { ptr::put_if(sys_errno, 0) };
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    // SAFETY: the caller's contract.
    let no_out = named("out", unsafe { ptr::put(out, 0) });
    let adopt = |shell: &vst_engine| {
        let made = shell.core()?.adopt(Fd(fd), user.expose_provenance() as u64);
        let made = listens_not(fd, made)?;
        // SAFETY: the caller's contract.
        unsafe { answer(made, "fd", out, sys_errno) }
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, adopt) }
}

/// Tells a listening descriptor from others that cannot be taken.
fn listens_not(fd: i32, made: Result<Id, Refusal>) -> Result<Result<Id, Refusal>, ConfigError> {
    match made {
        Err(Refusal::Argument) => Err(ConfigError::argument(format!(
            "fd: {fd} listens, and a connection is wanted: vst_listener_adopt takes it"
        ))),
        made => Ok(made),
    }
}

/// Opens a connection to address: `192.0.2.1:80`, `[2001:db8::1]:80`, `unix:/path` or
/// `unix:@abstract`. Port 0 and the addresses 0.0.0.0 and :: are errors. Names of hosts are not
/// resolved.
///
/// It begins when the outermost call ends, or when `vst_conn_forward` makes it part of a stream,
/// whose first bytes then leave with the PROXY header. VST_EVENT_CONNECTED reports that it is open,
/// VST_EVENT_CLOSED its end, also when it could not be opened. The handle config may be freed at
/// once, but must not be NULL; `connect` may be NULL. `*out` is the id, or 0. On failure `why`, unless
/// NULL, gets a sentence, cut to `why_size` bytes with its NUL.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (address; TLVs that do not fit a header,
/// or a kind above 255); VST_E_STALE, VST_E_KIND, VST_E_ENGINE (the client); VST_E_ENGINE (the
/// link of config); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// Handles are not freed; `address` is a NUL-terminated string; `connect` is NULL or points to as
/// many bytes as its `size` says, and its TLVs to theirs; `out` points to an id; `why` is NULL or
/// points to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_connect(
    engine: *mut vst_engine,
    address: *const c_char,
    config: *const vst_connect_config,
    connect: *const vst_connect_args,
    out: *mut vst_id,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    // SAFETY: the caller's contract.
    let no_out = named("out", unsafe { ptr::put(out, 0) });
    let ask = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let address = unsafe { needed_text("address", address) }?;
        let target = Addr::parse_target(address)
            .map_err(|wrong| ConfigError::argument(format!("address: {wrong}")))?;
        // SAFETY: the caller's contract.
        let config = Arc::clone(&named("config", unsafe { ptr::handle(config) })?.config);
        let mut options = ConnectOptions::default();
        let mut tlvs = Vec::new();
        if !connect.is_null() {
            // SAFETY: the caller's contract.
            let connect = unsafe { ptr::read_sized(connect) }?;
            // SAFETY: the caller's contract.
            let list = unsafe { ptr::items(connect.tlvs, connect.tlv_count as usize) };
            for (index, tlv) in named("tlvs", list)?.iter().enumerate() {
                // SAFETY: the caller's contract.
                let value = unsafe { read_tlv(tlv) };
                tlvs.push(value.map_err(|wrong| wrong.of(&element("tlvs", index)))?);
            }
            options.client = match connect.client {
                0 => None,
                bits => Some(named("client", shell.id(bits))?),
            };
            options.user = connect.user.expose_provenance() as u64;
        }
        options.tlvs = &tlvs;
        let made = shell.core()?.connect(target, config, &options);
        let made = match made {
            Err(Refusal::Argument) => {
                return Err(ConfigError::argument("tlvs: they do not fit a header of 64 KiB"));
            }
            Err(refusal @ (Refusal::Stale | Refusal::WrongKind | Refusal::WrongEngine)) => {
                let of = if options.client.is_some() { "client" } else { "config: link" };
                return Err(ConfigError::from(refusal).of(of));
            }
            made => made,
        };
        // SAFETY: the caller's contract.
        unsafe { answer(made, "address", out, std::ptr::null_mut()) }
    };
    // SAFETY: the caller's contract.
    unsafe { asked(no_out.and(engine), why, why_size, ask) }
}

/// # Safety
/// The value of `tlv` is as long as it says.
unsafe fn read_tlv(tlv: &vst_tlv) -> Result<Tlv<'_>, ConfigError> {
    // SAFETY: the caller's contract.
    let value = named("value", unsafe { ptr::bytes(tlv.value, tlv.len as usize) })?;
    let kind = u8::try_from(tlv.kind)
        .map_err(|_| ConfigError::argument(format!("kind: {} is more than 255", tlv.kind)))?;
    Ok(Tlv { kind, value })
}
