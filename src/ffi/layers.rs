//! How far the layers of a connection are, as C asks for it.

use super::engine::vst_engine;
use super::entry;
use super::ptr::{self, Sized32};
use super::status::{self, *};
use super::types::vst_id;
use crate::conn::LayerState;

/// The incoming direction is shut, by either side: no further byte is delivered.
pub const VST_CONN_SHR: u32 = 1024;
/// The outgoing direction is shut: no further byte is taken.
pub const VST_CONN_SHW: u32 = 2048;
/// The connection failed or was aborted: its state is VST_STATE_ERROR until it is gone.
pub const VST_CONN_ERR: u32 = 4096;

/// Writes which directions of a connection are shut, and whether it failed: `*flags` is a mask of
/// VST_CONN_SHR, VST_CONN_SHW and VST_CONN_ERR.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED. On failure `*flags` is 0.
/// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `flags` points to an integer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_shut(
    engine: *mut vst_engine,
    conn: vst_id,
    flags: *mut u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_flags = unsafe { ptr::put(flags, 0) };
    entry::call(no_flags.and(engine), |shell| {
        let summary = shell.core()?.summary(shell.id(conn)?).map_err(status::of)?;
        let seen =
            [(VST_CONN_SHR, summary.shr), (VST_CONN_SHW, summary.shw), (VST_CONN_ERR, summary.err)];
        let found = seen.iter().filter(|(_, holds)| *holds).map(|(flag, _)| flag).sum();
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(flags, found) }?;
        Ok(VST_OK)
    })
}

/// How far one layer of a connection is; each field is 0 or 1.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_layer {
    /// The layer exists: it was set up and is not released.
    pub initialized: u32,
    /// It reaches its counterpart at the peer: the socket is connected, and where there is TLS its
    /// handshake is done.
    pub connected: u32,
    /// Its opening operations are done, and those of the layer below.
    pub handlers_done: u32,
    /// It failed. A connection that the host aborted, or that a timeout of its stream ended, has
    /// not failed in any layer.
    pub failed: u32,
    /// Its incoming direction has ended.
    pub shutr: u32,
    /// Its outgoing direction has ended.
    pub shutw: u32,
}

impl vst_layer {
    fn of(layer: LayerState) -> Self {
        Self {
            initialized: layer.initialized.into(),
            connected: layer.connected.into(),
            handlers_done: layer.handlers_done.into(),
            failed: layer.failed.into(),
            shutr: layer.shutr.into(),
            shutw: layer.shutw.into(),
        }
    }
}

/// The state of the descriptor and of the two layers of a connection.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_layers {
    /// In: `sizeof(vst_layers)`. Not less than 56 bytes.
    pub size: u32,
    /// 1 while there is a descriptor, else 0.
    pub fd_allocated: u32,
    /// The control layer: the socket, and the operations before TLS.
    pub ctrl: vst_layer,
    /// The data layer, which the session reads and writes: the bytes of the socket, or those of TLS
    /// over it.
    pub data: vst_layer,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_layers {
    const FIRST: usize = 56;
}
const _: () = assert!(size_of::<vst_layers>() == 56);

/// Writes how far each layer of a connection is, for debugging: `vst_conn_describe` has the same in
/// words.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `layers` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_layers(
    engine: *mut vst_engine,
    conn: vst_id,
    layers: *mut vst_layers,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_layers = unsafe { ptr::clear_sized(layers) };
    entry::call(no_layers.and(engine), |shell| {
        let found = shell.core()?.layers(shell.id(conn)?).map_err(status::of)?;
        let value = vst_layers {
            size: 0,
            fd_allocated: found.fd_allocated.into(),
            ctrl: vst_layer::of(found.ctrl),
            data: vst_layer::of(found.data),
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(layers, &value) })
    })
}
