//! What an engine holds beside connections and streams.

use super::backend::BackendEntry;
use super::listener::Listener;
use crate::cx::Directory;
use crate::rules::Load;
use crate::slab::{Key, Slab};

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
    fn listener_name(&self, listener: Key) -> Option<&str> {
        self.listener(Some(listener))?.name.as_deref()
    }

    fn load(&self, backend: &str) -> Option<Load> {
        self.backend_called(backend).map(|(_, entry)| entry.load())
    }
}
