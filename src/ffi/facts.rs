//! What a connection knows about itself, as C asks for it. Everything is copied out: nothing the
//! host gets points into the library.

use super::addr::vst_addr;
use super::engine::vst_engine;
use super::entry;
use super::ptr;
use super::status::{self, *};
use super::types::vst_id;
use crate::conn::State;

/// It is closing, without a failure.
pub const VST_STATE_CLOSED: u32 = 0;
/// An incoming connection whose handshakes are not done.
pub const VST_STATE_ACCEPTED: u32 = 1;
/// An outgoing connection whose handshakes are not done.
pub const VST_STATE_CONNECTING: u32 = 2;
/// The handshakes are done: bytes may be read and written.
pub const VST_STATE_ESTABLISHED: u32 = 3;
/// It failed or was aborted.
pub const VST_STATE_ERROR: u32 = 4;

pub(super) const fn number_of(state: State) -> u32 {
    match state {
        State::Closed => VST_STATE_CLOSED,
        State::Accepted => VST_STATE_ACCEPTED,
        State::Connecting => VST_STATE_CONNECTING,
        State::Established => VST_STATE_ESTABLISHED,
        State::Error => VST_STATE_ERROR,
    }
}

/// Writes the state of a connection, VST_STATE_*.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED. On failure `*state` is VST_STATE_CLOSED.
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
    entry::call(no_state.and(engine), |shell| {
        let found = number_of(shell.core()?.state(shell.id(conn)?).map_err(status::of)?);
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(state, found) }?;
        Ok(VST_OK)
    })
}

/// Writes the user id and the group id of the process at the other end of a connection: of a unix socket
/// as SO_PEERCRED tells them, of a fed connection as vst_feed_args did. `gid` may be NULL. Both are
/// UINT32_MAX unless VST_OK.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED.
/// Returns VST_OK; VST_NONE (they are not known, as over TCP); VST_E_NULL; VST_E_STALE, VST_E_KIND,
/// VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `uid` points to an integer; `gid` is NULL or points to one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_peer_credentials(
    engine: *mut vst_engine,
    conn: vst_id,
    uid: *mut u32,
    gid: *mut u32,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_uid = unsafe { ptr::put(uid, u32::MAX) };
    // SAFETY: the caller's contract.
    unsafe { ptr::put_if(gid, u32::MAX) };
    entry::call(no_uid.and(engine), |shell| {
        let found = shell.core()?.peer_credentials(shell.id(conn)?).map_err(status::of)?;
        let Some(found) = found else { return Ok(VST_NONE) };
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(uid, found.uid) }?;
        // SAFETY: written to a moment ago, unless NULL.
        unsafe { ptr::put_if(gid, found.gid) };
        Ok(VST_OK)
    })
}

/// Writes the source and destination that a connection stands for: those announced by a PROXY or
/// NetScaler header, else the socket's own, and what rules have set of them (set-src). They are what
/// tables and VST_BALANCE_SOURCE go by, and what a PROXY header tells the server.
///
/// Where both headers came, the NetScaler's counts. A PROXY header that says LOCAL, UNKNOWN or
/// UNSPEC announces nothing.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED. On failure both are VST_ADDR_NONE.
/// Returns VST_OK; VST_E_STATE (the system does not know them any longer); VST_E_NULL; VST_E_STALE,
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
    entry::call(no_source.and(no_destination).and(engine), |shell| {
        let ends = shell.core()?.ends(shell.id(conn)?).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(source, vst_addr::of(&ends.0)) }?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(destination, vst_addr::of(&ends.1)) }?;
        Ok(VST_OK)
    })
}

/// Writes the addresses of both ends of the socket, whatever was announced by a header: the peer's
/// and ours.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED. On failure both are VST_ADDR_NONE.
/// Returns VST_OK; VST_E_STATE (the system does not know them any longer); VST_E_NULL; VST_E_STALE,
/// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// engine is an engine that is not freed; peer and local point to addresses.
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
    entry::call(no_peer.and(no_local).and(engine), |shell| {
        let ends = shell.core()?.socket_ends(shell.id(conn)?).map_err(status::of)?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(peer, vst_addr::of(&ends.0)) }?;
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(local, vst_addr::of(&ends.1)) }?;
        Ok(VST_OK)
    })
}
