//! The list of an engine's connections, as C goes through it.

use std::ffi::c_void;

use super::addr::vst_addr;
use super::engine::vst_engine;
use super::entry;
use super::facts::number_of;
use super::ptr::{self, Sized32};
use super::status::*;
use super::types::{VST_NO_SERVER, id, vst_id};
use crate::engine::{ByteMover, ConnInfo, ConnOrigin};

/// The connection was accepted, by a listener or by the host.
pub const VST_ORIGIN_INCOMING: u32 = 1;
/// The connection was requested.
pub const VST_ORIGIN_OUTGOING: u32 = 2;
/// The connection was open when the host handed it over (`vst_conn_adopt`).
pub const VST_ORIGIN_ADOPTED: u32 = 3;

/// The host moves the bytes, or will: a session, or one that is opening or closing.
pub const VST_MOVER_HOST: u32 = 1;
/// A stream moves the bytes.
pub const VST_MOVER_STREAM: u32 = 2;
/// The engine does: for a health check or a monitor, or until a failed attempt is closed.
pub const VST_MOVER_ENGINE: u32 = 3;
/// A link or an agent does.
pub const VST_MOVER_LINK: u32 = 4;

/// What is known of a connection.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_conn_info {
    /// In: `sizeof(vst_conn_info)`. Not less than 344 bytes.
    pub size: u32,
    /// VST_ORIGIN_*.
    pub origin: u32,
    /// VST_MOVER_*.
    pub mover: u32,
    /// VST_STATE_*.
    pub state: u32,
    /// The opening operation that is under way, VST_OP_*, or 0.
    pub op: u32,
    /// Its descriptor, or -1.
    pub fd: i32,
    /// The number of the server that it leads to, or VST_NO_SERVER.
    pub server: u32,
    /// 0.
    pub _reserved: u32,
    /// Its id.
    pub id: vst_id,
    /// The host's user data for it.
    pub user: *mut c_void,
    /// The listener that accepted it, or 0.
    pub listener: vst_id,
    /// The stream that it is part of, or 0.
    pub stream: vst_id,
    /// The backend of server, or 0.
    pub backend: vst_id,
    /// Bytes read, as they were on the wire.
    pub bytes_in: u64,
    /// Bytes written, likewise.
    pub bytes_out: u64,
    /// Bytes that wait to be sent.
    pub unsent: u64,
    /// How long it has existed, in nanoseconds.
    pub age_ns: u64,
    /// The other end of the socket.
    pub peer: vst_addr,
    /// The client's address: as a header has announced it or a rule has set it, else the other end.
    pub source: vst_addr,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_conn_info {
    const FIRST: usize = 344;
}
const _: () = assert!(size_of::<vst_conn_info>() == 344);

impl vst_conn_info {
    fn of(info: &ConnInfo) -> Self {
        let bits = |id: Option<crate::id::Id>| id.map_or(0, crate::id::Id::bits);
        Self {
            size: 0,
            origin: match info.origin {
                ConnOrigin::Incoming => VST_ORIGIN_INCOMING,
                ConnOrigin::Outgoing => VST_ORIGIN_OUTGOING,
                ConnOrigin::Adopted => VST_ORIGIN_ADOPTED,
            },
            mover: match info.mover {
                ByteMover::Session => VST_MOVER_HOST,
                ByteMover::Stream => VST_MOVER_STREAM,
                ByteMover::Engine => VST_MOVER_ENGINE,
                ByteMover::Link => VST_MOVER_LINK,
            },
            state: number_of(info.state),
            op: info.op.map_or(0, |op| u32::from(op.number())),
            fd: info.fd.map_or(-1, |fd| fd.0),
            server: info.server.map_or(VST_NO_SERVER, |(_, server)| server),
            _reserved: 0,
            id: info.id.bits(),
            user: std::ptr::with_exposed_provenance_mut(info.user as usize),
            listener: bits(info.listener),
            stream: bits(info.stream),
            backend: bits(info.server.map(|(backend, _)| backend)),
            bytes_in: info.bytes[0],
            bytes_out: info.bytes[1],
            unsent: info.unsent as u64,
            age_ns: info.age,
            peer: vst_addr::of(&info.peer),
            source: vst_addr::of(&info.source),
        }
    }
}

/// Writes what is known of one connection of the engine, and of the next in the next call: `after` is
/// 0 at first, and then `id` of the last. Every connection is listed, whoever moves its bytes, those
/// that are opening or closing included.
///
/// One call looks at one connection, so that going through all of them need not stop the engine: other
/// calls may come in between. A connection that exists all the time is listed once; one that begins or
/// ends meanwhile may be left out.
/// Legal on the engine's thread. All bytes of `info` but its size are 0 unless VST_OK.
/// Returns VST_OK; VST_NONE (there is no further connection); VST_E_KIND and VST_E_ENGINE (after);
/// VST_E_ARGUMENT; VST_E_NULL; VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `info` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_next_conn(
    engine: *mut vst_engine,
    after: vst_id,
    info: *mut vst_conn_info,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_info = unsafe { ptr::clear_sized(info) };
    entry::call(no_info.and(engine), |shell| {
        let after = if after == 0 { None } else { Some(id(after)?) };
        let found = shell.core()?.next_conn(after).map_err(super::status::of)?;
        let Some(found) = found else { return Ok(VST_NONE) };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(info, &vst_conn_info::of(&found)) })
    })
}
