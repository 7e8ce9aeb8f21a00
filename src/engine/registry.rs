//! What an engine holds beside connections and streams.

use super::backend::BackendEntry;
use super::listener::Listener;
use crate::cx::Directory;
use crate::rules::{ListenerView, Load, ServerLoad};
use crate::slab::{Key, Slab};
use crate::time::Time;

/// Listeners and backends.
pub(super) struct Registry {
    pub(super) listeners: Slab<Listener>,
    pub(super) backends: Slab<BackendEntry>,
}

impl Registry {
    /// The backend with this name, and its key.
    pub(super) fn backend_called(&self, name: &str) -> Option<(Key, &BackendEntry)> {
        self.backends.iter().find(|(_, entry)| entry.name.as_deref() == Some(name))
    }

    /// Whether this backend is the one that a name stands for.
    pub(super) fn is_first_called(&self, key: Key, name: &str) -> bool {
        self.backend_called(name).is_some_and(|(first, _)| first == key)
    }

    /// The listener that accepted a connection, while it exists.
    pub(super) fn listener(&self, from: Option<Key>) -> Option<&Listener> {
        self.listeners.get(from?).ok()
    }

    /// The listener that accepted a connection, mutably, while it exists.
    pub(super) fn listener_mut(&mut self, from: Option<Key>) -> Option<&mut Listener> {
        self.listeners.get_mut(from?).ok()
    }
}

impl Directory for Registry {
    fn listener(&self, listener: Key, now: Time) -> Option<ListenerView<'_>> {
        let found = self.listeners.get(listener).ok()?;
        Some(ListenerView {
            name: found.name.as_deref().map(str::as_bytes),
            number: listener.slot.saturating_add(1),
            connections: found.conns.into(),
            session_rate: found.session_rate.get(now),
        })
    }

    fn count_session(&self, listener: Key, now: Time) {
        if let Ok(found) = self.listeners.get(listener) {
            found.session_rate.count(now);
        }
    }

    fn load(&self, backend: &str, now: Time) -> Option<Load> {
        self.backend_called(backend).map(|(_, entry)| entry.load(now))
    }

    fn server_load(&self, name: &str) -> Option<ServerLoad> {
        let (backend, server) = name.split_once('/')?;
        self.backend_called(backend)?.1.server_load(server)
    }
}
