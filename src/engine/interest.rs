//! What the host's poller is to be told, and the descriptors it has let go of.

use super::Engine;
use crate::conn::{Conn, Marks, Op, Wait, closing};
use crate::ctrl::{FdEntry, Io};
use crate::cx::Trigger;
use crate::id::{Id, Kind};
use crate::slab::Key;
use crate::sys::{Fd, Net};

/// There is one at most.
pub(super) const BELL: Key = Key { generation: 0, slot: 0 };

/// One thing the host's poller must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostOp {
    /// Watch `fd` for `new` instead of `old`, and hand `token` back with its readiness.
    Interest {
        /// The descriptor.
        fd: Fd,
        /// What to hand back.
        token: Id,
        /// What was watched so far.
        old: Io,
        /// What is to be watched now; [`Io::RELEASED`] when nothing ever again.
        new: Io,
    },
}

impl<N: Net> Engine<N> {
    /// The next thing the host's poller must do. Changes of one descriptor are told as one.
    pub fn next_host_op(&mut self) -> Option<HostOp> {
        self.tools.net.settle_signals();
        while let Some(id) = self.changed.pop_front() {
            let op = match id.kind() {
                Kind::ConnFd => self.conn_interest(id),
                Kind::BellFd => self.bell_interest(id),
                _ => self.listener_interest(id),
            };
            if op.is_some() {
                return op;
            }
        }
        None
    }

    /// The end of an outermost call: descriptors the poller has let go of are closed, connections
    /// asked for in this call are begun, and listeners that may take connections again do.
    pub fn settle(&mut self) {
        self.close_released();
        self.begin_fresh();
    }

    /// Begins the connections that were asked for in this call, and serves the streams that a place
    /// has come free for.
    pub fn begin_fresh(&mut self) {
        while !self.fresh.is_empty() || !self.called.is_empty() {
            while let Some(key) = self.fresh.pop_front() {
                self.work(key);
            }
            self.serve_called();
        }
        self.tools.net.settle_signals();
    }

    /// Whether the host's poller may have something to do.
    pub fn has_host_ops(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Closes what the host's poller has let go of.
    pub fn close_released(&mut self) {
        while let Some(token) = self.released.pop() {
            if token.kind() == Kind::ListenerFd {
                self.listener_released(token.key());
                continue;
            }
            let key = token.key();
            if let Ok(conn) = self.conns.get_mut(key) {
                let tools = &mut self.tools;
                closing::give_fd_back(conn, &mut tools.net, &mut tools.descriptors);
                conn.word.finish(Op::Fclose);
                conn.waits = Wait::empty();
                self.work(key);
            }
            // Who was let in already comes before who waits to be.
            self.serve_starved();
            self.retry_starved_listeners();
        }
    }

    /// Puts the descriptor of a connection on the list if its interest may have changed.
    pub(super) fn note_interest(&mut self, key: Key) {
        let token = self.id(Kind::ConnFd, key);
        let trigger = self.options.trigger;
        let Ok(conn) = self.conns.get_mut(key) else { return };
        if conn.marks.contains(Marks::CHANGED) || conn.ctrl.fd.get().is_none() {
            return;
        }
        let releases = conn.waits.contains(Wait::RELEASE);
        if releases || target(conn, trigger) != conn.ctrl.fd.announced {
            conn.marks.insert(Marks::CHANGED);
            self.changed.push_back(token);
        } else {
            conn.disturbed = false;
        }
    }

    fn conn_interest(&mut self, token: Id) -> Option<HostOp> {
        let trigger = self.options.trigger;
        let conn = self.conns.get_mut(token.key()).ok()?;
        conn.marks.remove(Marks::CHANGED);
        let fd = conn.ctrl.fd.get()?;
        let old = conn.ctrl.fd.announced;
        let new = if conn.waits.contains(Wait::RELEASE) {
            Io::RELEASED | Io::CLOSING
        } else {
            target(conn, trigger)
        };
        conn.disturbed = false;
        if new.contains(Io::RELEASED) {
            conn.ctrl.fd.announced = Io::empty();
            conn.ctrl.fd.known = false;
            self.released.push(token);
        } else if new == old {
            return None;
        } else {
            conn.ctrl.fd.announced = new;
            if !conn.ctrl.fd.known {
                conn.ctrl.fd.known = true;
                self.remember_fd(fd, token);
            }
        }
        Some(HostOp::Interest { fd, token, old, new })
    }

    /// Has the host's poller watch `fd`, by which other threads wake the engine. Once in the life of an
    /// engine, which closes it in the end.
    pub fn hang_bell(&mut self, fd: Fd) {
        debug_assert!(self.bell.is_none(), "one bell is enough");
        self.bell = Some(FdEntry::listener(fd));
        self.changed.push_back(self.id(Kind::BellFd, BELL));
    }

    fn bell_interest(&mut self, token: Id) -> Option<HostOp> {
        let bell = self.bell.as_mut()?;
        let fd = bell.get()?;
        bell.known = true;
        bell.announced = Io::IN;
        self.remember_fd(fd, token);
        Some(HostOp::Interest { fd, token, old: Io::empty(), new: Io::IN })
    }

    fn listener_interest(&mut self, token: Id) -> Option<HostOp> {
        let listener = self.listeners.get_mut(token.key()).ok()?;
        listener.changed = false;
        let FdEntry { announced: old, .. } = listener.fd;
        let fd = listener.fd.get()?;
        let new = if listener.closing {
            Io::RELEASED | Io::CLOSING
        } else {
            listener.fd.level_target(listener.disturbed)
        };
        listener.disturbed = false;
        if listener.closing {
            listener.fd.announced = Io::empty();
            self.released.push(token);
            // A poller that never knew of it has nothing to let go of.
            let known = std::mem::take(&mut listener.fd.known);
            return known.then_some(HostOp::Interest { fd, token, old, new });
        }
        if new == old {
            return None;
        }
        listener.fd.announced = new;
        listener.fd.known = true;
        self.remember_fd(fd, token);
        Some(HostOp::Interest { fd, token, old, new })
    }
}

fn target(conn: &Conn, trigger: Trigger) -> Io {
    // Nothing else would tell a connection that waits for the host that its peer is gone.
    let heeds_end = conn.waits.contains(Wait::HOST);
    let fd = &conn.ctrl.fd;
    match trigger {
        Trigger::Edge => fd.edge_target(heeds_end),
        // A connection in its handshakes, or on its way out, hears of the end by what it waits for.
        Trigger::Level => {
            let target = fd.level_target(conn.disturbed);
            let passing = conn.word.is_opening() || conn.word.is_closing();
            if passing && fd.wanted.is_empty() && !heeds_end {
                target.difference(Io::HANGUP)
            } else {
                target
            }
        }
    }
}
