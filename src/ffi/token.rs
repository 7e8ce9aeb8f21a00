//! Tokens of descriptors: whose they are, and the host's own pointer for each.

use std::ffi::c_void;

use super::engine::vst_engine;
use super::entry;
use super::ptr;
use super::status::{self, *};
use super::types::vst_id;
use crate::ctrl::Io;
use crate::engine::HostOp;
use crate::id::Id;

impl vst_engine {
    /// The host's pointer for a descriptor whose interest becomes `new`. The slot of one that is released
    /// is another descriptor's next.
    pub(super) fn token_user(&self, token: Id, new: Io) -> *mut c_void {
        let mut users = self.token_users.borrow_mut();
        let user = users.get(token);
        if new.contains(Io::RELEASED) {
            users.set(token, 0);
        }
        std::ptr::with_exposed_provenance_mut(user)
    }

    /// Forgets the pointer of a descriptor that the host could not begin to watch: no call about it follows.
    pub(super) fn forget_unwatched(&self, op: HostOp, watched: Io) {
        let HostOp::Interest { token, is_first, .. } = op;
        if is_first && watched.is_empty() {
            self.token_users.borrow_mut().set(token, 0);
        }
    }
}

/// Writes the connection that a token's descriptor belongs to.
///
/// `*conn` is its id, or 0 on failure. A connection of a stream and one that is closing have an id
/// too, with which functions that only read work.
/// Legal on the engine's thread, until the descriptor is released.
/// Returns VST_OK; VST_E_KIND (the token is of a listener or of the wakers); VST_E_STALE (the
/// descriptor is released); VST_E_ENGINE, VST_E_ARGUMENT (the token); VST_E_NULL; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `conn` points to an id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_token_conn(
    engine: *mut vst_engine,
    token: vst_id,
    conn: *mut vst_id,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_conn = unsafe { ptr::put(conn, 0) };
    entry::call(no_conn.and(engine), |shell| {
        let found = shell.core()?.conn_of(shell.id(token)?).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(conn, found.bits()) }?;
        Ok(VST_OK)
    })
}

/// Sets the host's own pointer for a descriptor, such as its libevent or libuv handle: the interest
/// callbacks and VST_EVENT_INTEREST bring it with every further change, VST_IO_RELEASED last. The
/// library neither reads nor frees what it points to.
///
/// Legal on the engine's thread, until the descriptor is released; best in the first interest
/// callback about it.
/// Returns VST_OK; VST_E_STALE (the descriptor is released); VST_E_KIND, VST_E_ENGINE,
/// VST_E_ARGUMENT (the token); VST_E_NULL (engine); VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_token_set_user(
    engine: *mut vst_engine,
    token: vst_id,
    user: *mut c_void,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        let token = shell.id(token)?;
        shell.core()?.check_token(token).map_err(status::of)?;
        shell.token_users.borrow_mut().set(token, user.expose_provenance());
        Ok(VST_OK)
    })
}
