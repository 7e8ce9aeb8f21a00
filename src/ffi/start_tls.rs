//! TLS in the middle of a session, as C begins it.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::config_error::{ConfigError, named};
use super::engine::vst_engine;
use super::entry::asked;
use super::options;
use super::ptr::{self, Sized32};
use super::status::*;
use super::tls::vst_tls_server;
use super::tls_client::vst_tls_client;
use super::types::vst_id;
use super::words::text;
use crate::engine::{Refusal, StartTls};

/// The TLS to begin in the middle of a session. Zero it, then set size and either server or client.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_start_tls {
    /// `sizeof(vst_start_tls)`. Not less than 56 bytes.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// Must be 0: there are no flags yet.
    pub flags: u64,
    /// Set: the peer is the TLS client. The connection keeps its own reference: the handle may be
    /// freed at once.
    pub server: *const vst_tls_server,
    /// Set: the peer is the TLS server; needs server_name. The connection keeps its own reference:
    /// the handle may be freed at once.
    pub client: *const vst_tls_client,
    /// With client: the name that TLS asks for and that the server's certificate must be valid for,
    /// a DNS name or an IP address. Copied.
    pub server_name: *const c_char,
    /// Bytes that the host has read already and that belong to TLS; NULL with a length of 0 for
    /// none. Only for a protocol in which the host knows that they are TLS and not plaintext that
    /// somebody put after the command. Copied.
    pub early: *const c_void,
    /// The length of `early` in bytes.
    pub early_len: u64,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_start_tls {
    const FIRST: usize = 56;
}
const _: () = assert!(size_of::<vst_start_tls>() == 56);

/// Begins TLS on a session without TLS (STARTTLS), once `vst_conn_send` has taken the answer to the
/// peer's command.
///
/// Nothing can be read or written until VST_EVENT_TLS_DONE reports that the handshake is done; a
/// handshake that fails ends the connection with VST_EVENT_CLOSED. The timeout of the handshake is
/// `timeout_tls_ns` of the configuration that the connection was made with. Plaintext that came
/// after the command must not be treated as if it had come through TLS (CVE-2011-0411): a host that
/// has read any refuses the client. Bytes that nobody has read yet are taken for TLS, whose handshake then
/// fails. On failure `why`, unless NULL, gets a sentence, cut to
/// `why_size` bytes with its NUL.
/// Legal on the engine's thread, for a session.
/// Returns VST_OK; VST_E_STATE (no session; it has TLS; unsent bytes; the library holds
/// bytes that the host has not read, as after `vst_conn_peek`; part of a stream); VST_E_ARGUMENT (not
/// one of `server` and `client`; no name); VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND,
/// VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// Handles are not freed; `start` points to as many bytes as its `size` says, `early` to
/// `early_len`; `why` is NULL or points to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_start_tls(
    engine: *mut vst_engine,
    conn: vst_id,
    start: *const vst_start_tls,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = named("engine", unsafe { ptr::handle(engine) });
    let begin = |shell: &vst_engine| {
        // SAFETY: the caller's contract.
        let start = unsafe { ptr::read_sized(start) }?;
        options::check_flags(start.flags, 0, start._reserved)?;
        // SAFETY: the caller's contract.
        let server = named("server", unsafe { ptr::handle_if(start.server) })?;
        // SAFETY: as above.
        let client = named("client", unsafe { ptr::handle_if(start.client) })?;
        // SAFETY: the caller's contract.
        let name = unsafe { text("server_name", start.server_name) }?;
        let begun = match (server, client, name) {
            (Some(server), None, None) => StartTls::Server(Arc::clone(&server.tls)),
            (None, Some(client), Some(name)) => {
                StartTls::Client(Arc::clone(&client.tls), name.to_owned())
            }
            (None, Some(_), None) => {
                return Err(ConfigError::argument(
                    "server_name: it is missing, and client needs it",
                ));
            }
            (Some(_), None, Some(_)) => {
                return Err(ConfigError::argument(
                    "server_name: it belongs to client, not to server",
                ));
            }
            _ => {
                return Err(ConfigError::argument(
                    "one of server and client is needed, and not both",
                ));
            }
        };
        let len = usize::try_from(start.early_len).map_err(|_| VST_E_ARGUMENT);
        let len = named("early_len", len)?;
        // SAFETY: the caller's contract.
        let early = named("early", unsafe { ptr::bytes(start.early.cast(), len) })?;
        let begun = shell.core()?.start_tls(named("conn", shell.id(conn))?, begun, early);
        begun.map_err(|refusal| match refusal {
            Refusal::Argument => {
                ConfigError::argument("server_name: that is no DNS name and no IP address")
            }
            other => ConfigError::from(other).of("conn"),
        })?;
        Ok(VST_OK)
    };
    // SAFETY: the caller's contract.
    unsafe { asked(engine, why, why_size, begin) }
}
