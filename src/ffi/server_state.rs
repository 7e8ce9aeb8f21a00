//! Servers of backends, as C changes and reads them.

use std::ffi::c_char;

use super::config_error::{ConfigError, named};
use super::engine::vst_engine;
use super::entry::{self, asked};
use super::ptr::{self, Sized32};
use super::server;
use super::status::{self, *};
use super::types::vst_id;
use super::words::text;
use crate::backend::{Admin, ServerChange, ServerIndex};
use crate::engine::Refusal;

/// The server is in normal use.
pub const VST_ADMIN_READY: u32 = 1;
/// The server gets no new streams. Those it has go on, and those that wait in its own queue are
/// served.
pub const VST_ADMIN_DRAIN: u32 = 2;
/// The server gets no streams and is not checked. Streams it has go on.
pub const VST_ADMIN_MAINTENANCE: u32 = 3;

/// Changes the weight of a server, 0 to 256. With 0 it gets no new streams. In a group it is changed for
/// all members (vst_group_new).
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_ARGUMENT (the weight, the id, a number that no server has); VST_E_NULL;
/// VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_server_set_weight(
    engine: *mut vst_engine,
    backend: vst_id,
    server: u32,
    weight: u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { set(engine, backend, server, || Ok(ServerChange::Weight(server::weight(weight)?))) }
}

/// Sets the administrative state of a server: `state` is VST_ADMIN_READY, VST_ADMIN_DRAIN or
/// VST_ADMIN_MAINTENANCE. No stream is ended by it.
///
/// A server that comes back from maintenance is up and on trial: the first failed check or attempt
/// makes it go down. In a group the state is set for all members (vst_group_new).
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_ARGUMENT (the state, the id, a number that no server has); VST_E_NULL;
/// VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_server_set_state(
    engine: *mut vst_engine,
    backend: vst_id,
    server: u32,
    state: u32,
) -> vst_status {
    let change = || match state {
        VST_ADMIN_READY => Ok(ServerChange::Admin(Admin::Ready)),
        VST_ADMIN_DRAIN => Ok(ServerChange::Admin(Admin::Drain)),
        VST_ADMIN_MAINTENANCE => Ok(ServerChange::Admin(Admin::Maintenance)),
        _ => Err(VST_E_ARGUMENT),
    };
    // SAFETY: the caller's contract.
    unsafe { set(engine, backend, server, change) }
}

/// Replaces the addresses of a server; addresses is a text as in `vst_server_options`, copied. Call
/// it after VST_EVENT_SERVER_RESOLVE, and whenever the addresses of the server's name change. NULL:
/// none, and the server gets no streams until it has an address again. Streams that it has go on.
///
/// On failure why, unless NULL, gets a sentence, cut to `why_size` bytes with its NUL.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_ARGUMENT (a text that is no address, the id, a number that no server has);
/// VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `addresses` is NULL or a NUL-terminated string; `why`
/// is NULL or points to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_server_set_addresses(
    engine: *mut vst_engine,
    backend: vst_id,
    server: u32,
    addresses: *const c_char,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    let change = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let text = unsafe { text("addresses", addresses) }?;
        let list = server::addresses(text).map_err(ConfigError::argument)?;
        let backend = named("backend", shell.id(backend))?;
        let set =
            shell.core()?.set_server(backend, ServerIndex(server), ServerChange::Addresses(list));
        set.map_err(|refusal| match refusal {
            Refusal::Argument => ConfigError::argument(format!("server: none has number {server}")),
            other => ConfigError::from(other).of("backend"),
        })?;
        Ok(VST_OK)
    };
    // SAFETY: the caller's contract.
    unsafe { asked(engine, why, why_size, change) }
}

/// # Safety
/// `engine` is NULL or an engine that is not freed.
unsafe fn set(
    engine: *mut vst_engine,
    backend: vst_id,
    server: u32,
    change: impl FnOnce() -> Result<ServerChange, vst_status>,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        let (backend, change) = (shell.id(backend)?, change()?);
        shell.core()?.set_server(backend, ServerIndex(server), change).map_err(status::of)?;
        Ok(VST_OK)
    })
}

/// The state of a server.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_server_status {
    /// In: `sizeof(vst_server_status)`. Not less than 24 bytes.
    pub size: u32,
    /// Its administrative state: VST_ADMIN_READY, VST_ADMIN_DRAIN, VST_ADMIN_MAINTENANCE.
    pub state: u32,
    /// 1 while it is up, whatever its administrative state; else 0.
    pub up: u32,
    /// Its weight.
    pub weight: u32,
    /// How many addresses it has.
    pub addresses: u32,
    /// 1 while it gets new streams: ready, up, with a weight above 0 and an address; else 0.
    pub usable: u32,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_server_status {
    const FIRST: usize = 24;
}
const _: () = assert!(size_of::<vst_server_status>() == 24);

/// Writes the state of a server.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (the id, a number that no server has);
/// VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `state` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_server_state(
    engine: *mut vst_engine,
    backend: vst_id,
    server: u32,
    state: *mut vst_server_status,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_state = unsafe { ptr::clear_sized(state) };
    entry::call(no_state.and(engine), |shell| {
        let core = shell.core()?;
        let found = core.server(shell.id(backend)?, ServerIndex(server)).map_err(status::of)?;
        let value = vst_server_status {
            size: 0,
            state: match found.admin() {
                Admin::Ready => VST_ADMIN_READY,
                Admin::Drain => VST_ADMIN_DRAIN,
                Admin::Maintenance => VST_ADMIN_MAINTENANCE,
            },
            up: found.is_up().into(),
            weight: found.weight().get().into(),
            addresses: u32::try_from(found.addresses().len()).unwrap_or(u32::MAX),
            usable: found.is_usable().into(),
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(state, &value) })
    })
}
