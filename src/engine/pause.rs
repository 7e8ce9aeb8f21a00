//! Pausing listeners at a limit or when a resource runs out, and resuming them.

use super::Engine;
use super::listener::{Accepting, PAUSE};
use crate::agenda::List;
use crate::conn::Wait;
use crate::slab::Key;
use crate::sys::Net;

impl<N: Net> Engine<N> {
    pub(super) fn is_full(&self, key: Key) -> bool {
        let options = &self.options;
        let Ok(listener) = self.registry.listeners.get(key) else { return true };
        self.conns.len() as u32 >= options.max_conns
            || self.opening >= options.max_opening
            || listener.conns >= listener.options.max_conns
    }

    /// Whether there are descriptors for a client and its server, beside those for the connections that
    /// wait for one and for the `fresh` clients accepted in this drive.
    pub(super) fn has_pair(&mut self, fresh: usize) -> bool {
        let kept = self.options.reserve_fds as usize;
        let taken = fresh + self.fresh.len();
        kept == 0 || !self.is_starved() && self.tools.descriptors.left() as usize >= kept + taken
    }

    /// [`Self::has_pair`], found out by a call where the count says no: other code of the process may
    /// have closed descriptors.
    fn finds_pair(&mut self) -> bool {
        if self.is_starved() || self.has_pair(0) {
            return self.has_pair(0);
        }
        // Creating a pipe takes two descriptors or fails, so success shows that a pair is free.
        let Ok(pipe) = self.tools.net.pipe() else { return false };
        self.tools.net.close_pipe(pipe);
        self.tools.descriptors.suppose(self.options.reserve_fds);
        true
    }

    /// Whether a connection waits for a descriptor.
    fn is_starved(&mut self) -> bool {
        while let Some(id) = self.tools.agenda.first(List::Starved) {
            let conn = self.conns.get_mut(id.key());
            if conn.as_ref().is_ok_and(|conn| conn.waits.contains(Wait::ROOM)) {
                return true;
            }
            if let Ok(conn) = conn {
                conn.listed.leave(List::Starved);
            }
            self.tools.agenda.take(List::Starved);
        }
        false
    }

    /// A descriptor was closed: the connection that has waited longest for one tries again.
    pub(super) fn serve_starved(&mut self) {
        if !self.is_starved() {
            return;
        }
        let Some(id) = self.tools.agenda.take(List::Starved) else { return };
        if let Ok(conn) = self.conns.get_mut(id.key()) {
            conn.listed.leave(List::Starved);
            conn.retry_at = self.tools.now;
            self.work(id.key());
        }
    }

    pub(super) fn stop_listener(&mut self, key: Key, why: Accepting) {
        let Ok(listener) = self.registry.listeners.get_mut(key) else { return };
        listener.stop(why);
        if matches!(listener.accepting, Accepting::Starved(_)) {
            let again = self.tools.now + PAUSE;
            self.tools.timers.set(listener.timer, again.min(listener.closes_at()));
        }
    }

    /// A listener that was paused by a limit or for lack of a resource tries again.
    fn retry_listener(&mut self, key: Key) {
        let Ok(listener) = self.registry.listeners.get_mut(key) else { return };
        if matches!(listener.accepting, Accepting::Full | Accepting::Starved(_)) {
            listener.go_on();
            self.tools.timers.set(listener.timer, listener.closes_at());
            self.settle_listener(key);
        }
    }

    pub(super) fn listener_deadline(&mut self, slot: u32) {
        let Some((key, listener)) = self.registry.listeners.entry_of_mut(slot) else { return };
        let (timer, accepting) = (listener.timer, listener.accepting);
        let closes_at = listener.closes_at();
        if closes_at <= self.tools.now {
            return self.finish_closing(key);
        }
        if matches!(accepting, Accepting::Starved(_)) && !self.finds_pair() {
            return self.tools.timers.set(timer, closes_at.min(self.tools.now + PAUSE));
        }
        self.retry_listener(key);
    }

    /// A connection became a session or ended: a listener that was full may not be any more.
    pub(super) fn wake_full_listeners(&mut self) {
        self.retry_where(|accepting| accepting == Accepting::Full);
    }

    /// A descriptor was closed: a listener that had none left may try again.
    pub(super) fn retry_starved_listeners(&mut self) {
        if self.has_pair(0) {
            self.retry_where(|accepting| matches!(accepting, Accepting::Starved(_)));
        }
    }

    fn retry_where(&mut self, kept: impl Fn(Accepting) -> bool) {
        let found = self.registry.listeners.iter().filter(|(_, listener)| kept(listener.accepting));
        let keys: Vec<Key> = found.map(|(key, _)| key).collect();
        for key in keys {
            if !self.is_full(key) {
                self.retry_listener(key);
            }
        }
    }
}
