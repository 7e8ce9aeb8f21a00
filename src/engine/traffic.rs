//! Bytes of listeners and of servers. A connection's bytes are added to theirs when it ends; those of the
//! connections that exist are added up when somebody asks, so that moving bytes counts nothing but itself.

use std::collections::HashMap;

use super::Engine;
use super::listener::ListenerCounts;
use crate::backend::{ServerIndex, Stats};
use crate::conn::Conn;
use crate::slab::Key;
use crate::stream::{SERVER, Stream};
use crate::sys::Net;

/// Bytes read, and bytes written.
pub(super) type BytesInOut = [u64; 2];

/// What a connection has read and written so far.
pub(super) const fn moved(conn: &Conn) -> BytesInOut {
    [conn.ctrl.bytes_in(), conn.ctrl.bytes_out()]
}

/// Adds `more` to `bytes`.
pub(super) const fn add(bytes: &mut BytesInOut, more: BytesInOut) {
    bytes[0] += more[0];
    bytes[1] += more[1];
}

/// The server of a backend to which a side of a stream leads.
pub(super) fn server_of(stream: &Stream, side: u8) -> Option<(Key, ServerIndex)> {
    let selection = stream.selection.as_deref().filter(|_| side == SERVER)?;
    Some((selection.backend, selection.server?))
}

/// The bytes of connections that exist.
pub(super) struct LiveBytes {
    listeners: HashMap<Key, BytesInOut>,
    servers: HashMap<(Key, ServerIndex), BytesInOut>,
}

impl LiveBytes {
    /// The counts of a listener with what its connections have moved so far.
    pub(super) fn of_listener(&self, key: Key, mut counts: ListenerCounts) -> ListenerCounts {
        add(&mut counts.bytes, self.listeners.get(&key).copied().unwrap_or_default());
        counts
    }

    /// The counters of a server, or of all servers of a backend, with what their connections have moved so
    /// far.
    pub(super) fn of_backend(
        &self,
        key: Key,
        server: Option<ServerIndex>,
        mut stats: Stats,
    ) -> Stats {
        for ((backend, index), bytes) in &self.servers {
            if *backend == key && server.is_none_or(|server| server == *index) {
                add(&mut stats.counters.bytes, *bytes);
            }
        }
        stats
    }
}

impl<N: Net> Engine<N> {
    /// Adds up what the connections that exist have moved so far.
    pub(super) fn live_bytes(&self) -> LiveBytes {
        let mut live = LiveBytes { listeners: HashMap::new(), servers: HashMap::new() };
        for (_, conn) in self.conns.iter() {
            if let Some(listener) = conn.facts.listener {
                add(live.listeners.entry(listener).or_default(), moved(conn));
            }
            let stream = conn.seat().and_then(|seat| {
                let stream = self.streams.by_slot(seat.stream)?;
                server_of(stream, seat.side)
            });
            if let Some(server) = stream {
                add(live.servers.entry(server).or_default(), moved(conn));
            }
        }
        live
    }

    /// Counts the bytes of a connection that leaves its stream.
    pub(super) fn count_server_bytes(
        &mut self,
        backend: Key,
        server: ServerIndex,
        bytes: BytesInOut,
    ) {
        if let Ok(entry) = self.registry.backends.get_mut(backend) {
            entry.core.moved(server, bytes);
        }
    }
}
