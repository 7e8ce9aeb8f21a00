//! What monitors are answered.

use super::{Engine, ListenerCounts, Refusal};
use crate::conn::{Owner, Plan};
use crate::id::Id;
use crate::slab::Key;
use crate::sys::Net;

impl<N: Net> Engine<N> {
    /// Sets or takes away the condition under which the monitors of a listener are told of a
    /// failure. It holds for answers that are not composed yet.
    ///
    /// # Errors
    /// An id that is none of a listener here.
    pub fn set_monitor_fail(&mut self, id: Id, fails: bool) -> Result<(), Refusal> {
        let key = self.listener_key(id)?;
        self.registry.listeners.get_mut(key).map_err(|_| Refusal::Stale)?.monitor_fails = fails;
        Ok(())
    }

    /// What became of the connections of a listener, and how many there are.
    ///
    /// # Errors
    /// An id that is none of a listener here.
    pub fn listener_counts(&self, id: Id) -> Result<(ListenerCounts, u32), Refusal> {
        let key = self.listener_key(id)?;
        let listener = self.registry.listeners.get(key).map_err(|_| Refusal::Stale)?;
        Ok((listener.counts, listener.conns))
    }

    /// Composes what a monitor is to get.
    pub(super) fn compose_answer(&mut self, key: Key) {
        let fails = self.monitor_fails(key);
        let Ok(conn) = self.conns.get(key) else { return };
        let Plan::Incoming(config) = &conn.facts.plan else { return };
        if conn.owner != Owner::Monitor {
            return;
        }
        let Some(monitor) = &config.monitor else { return };
        let mut out = self.tools.pool.take();
        match monitor.answer.fixed(fails) {
            Some(bytes) => out.extend(bytes),
            None => out.extend(self.metrics_response().as_bytes()),
        }
        if let Ok(conn) = self.conns.get_mut(key) {
            conn.ctrl.begin_with(out);
        }
    }

    /// Whether the monitors of where a connection came from are to be told of a failure: the host
    /// says so, or the engine is on its way out.
    fn monitor_fails(&self, key: Key) -> bool {
        let from = self.conns.get(key).ok().and_then(|conn| conn.facts.listener);
        let listener = from.and_then(|from| self.registry.listeners.get(from).ok());
        self.draining.is_some() || listener.is_some_and(|listener| listener.monitor_fails)
    }
}
