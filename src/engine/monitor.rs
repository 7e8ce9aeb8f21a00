//! What monitors get as an answer.

use std::sync::Arc;

use super::{Engine, ListenerCounts, Refusal};
use crate::conn::{Owner, Plan, Wait};
use crate::id::Id;
use crate::slab::Key;
use crate::sys::Net;

impl<N: Net> Engine<N> {
    /// Sets or clears the condition under which the monitors of a listener get a failure. Answers that
    /// are composed already do not change.
    ///
    /// # Errors
    /// The id is not that of a listener of this engine.
    pub fn set_monitor_fail(&mut self, id: Id, fails: bool) -> Result<(), Refusal> {
        self.listener_mut(id)?.monitor_fails = fails;
        Ok(())
    }

    /// What became of the connections of a listener, and how many are open.
    ///
    /// # Errors
    /// The id is not that of a listener of this engine.
    pub fn listener_counts(&self, id: Id) -> Result<(ListenerCounts, u32), Refusal> {
        let listener = self.listener(id)?;
        Ok((self.live_bytes().of_listener(id.key(), listener.counts), listener.conns))
    }

    /// Composes the answer to a monitor, and returns whether it is there: that of a whole group waits for
    /// the other members. It is a failure where the host has set that, and during a drain.
    pub(super) fn compose_answer(&mut self, key: Key) -> bool {
        let Ok(conn) = self.conns.get(key) else { return false };
        let Plan::Incoming(config) = &conn.facts.plan else { return false };
        let config = Arc::clone(config);
        let Some(monitor) = config.monitor.as_ref().filter(|_| conn.owner == Owner::Monitor) else {
            return false;
        };
        let from = self.registry.listener(conn.facts.listener);
        let fails = self.draining.is_some() || from.is_some_and(|from| from.monitor_fails);
        if let Some(bytes) = monitor.answer.fixed(fails) {
            self.answer_monitor(key, bytes);
            return true;
        }
        let Some(response) = self.metrics_response(key) else { return false };
        self.answer_monitor(key, response.as_bytes());
        true
    }

    /// Gives a monitor its answer, if it still waits for one.
    pub(super) fn answer_monitor(&mut self, key: Key, answer: &[u8]) {
        let Ok(conn) = self.conns.get_mut(key) else { return };
        if conn.waits.contains(Wait::ANSWER) {
            let mut out = self.tools.pool.take();
            out.extend(answer);
            conn.ctrl.begin_with(out);
        }
    }
}
