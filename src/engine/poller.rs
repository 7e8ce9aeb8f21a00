//! Requests to the host's poller, and the descriptors it has released.

use super::Engine;
use super::listener::Accepting;
use crate::agenda::{List, Listed};
use crate::conn::{Cause, Ending, Op, Wait, closing};
use crate::ctrl::{Io, Watch};
use crate::id::{Id, Kind};
use crate::slab::Key;
use crate::sys::{Errno, Fd, Net};

/// The key in the token of the wake-up descriptor: an engine has at most one.
pub(super) const WAKE_KEY: Key = Key { generation: 0, slot: 0 };

/// One request to the host's poller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostOp {
    /// Watch `fd` for `new` instead of `old`, and hand `token` back with its readiness.
    Interest {
        /// The descriptor to watch.
        fd: Fd,
        /// The token to report its readiness with.
        token: Id,
        /// What was watched so far.
        old: Io,
        /// What is to be watched now; [`Io::RELEASED`] when the poller must not watch it any more.
        new: Io,
        /// Whether it is the first request about the descriptor.
        is_first: bool,
    },
}

impl<N: Net> Engine<N> {
    /// The next request to the host's poller. Several changes of one descriptor are one request.
    pub fn next_host_op(&mut self) -> Option<HostOp> {
        self.tools.net.settle_signals();
        if let Some(released) = self.remote.to_pass.pop_front() {
            return Some(self.released_for_client(released));
        }
        while let Some(id) = self.tools.agenda.take(List::Interest) {
            let op = match id.kind() {
                Kind::ConnFd => self.conn_interest(id),
                Kind::WakeFd => self.wake_fd_interest(id),
                _ => self.listener_interest(id),
            };
            if op.is_some() {
                return op;
            }
        }
        None
    }

    /// Whether the host's poller has yet to release the descriptor of `token`, about which it was told.
    #[must_use]
    pub fn is_watched(&self, token: Id) -> bool {
        let key = token.key();
        match token.kind() {
            Kind::ConnFd => self.conns.get(key).is_ok_and(|conn| conn.ctrl.watch().is_known()),
            Kind::ListenerFd => {
                self.registry.listeners.get(key).is_ok_and(|listener| listener.watch.is_known())
            }
            _ => self.wake_fd.is_some(),
        }
    }

    /// The host's poller could not do what `op` asked, because of `errno`, and watches `instead`. A
    /// connection that is not watched would never go on, so it ends; a listener tries again later.
    pub fn watch_failed(&mut self, op: HostOp, instead: Io, errno: Errno) {
        let HostOp::Interest { token, is_first, .. } = op;
        let key = token.key();
        match token.kind() {
            Kind::ConnFd => {
                let Ok(conn) = self.conns.get_mut(key) else { return };
                conn.ctrl.watch_mut().refuse(instead, is_first);
                let text = format!("the host's poller cannot watch the descriptor: {errno}");
                let cause = Cause::system(None, errno).because(text);
                conn.end(Ending::Abort, Some(Box::new(cause)));
                self.work(key);
            }
            Kind::ListenerFd => {
                let Ok(listener) = self.registry.listeners.get_mut(key) else { return };
                listener.watch.refuse(instead, is_first);
                self.counters.starved += 1;
                self.stop_listener(key, Accepting::Starved(errno));
                self.settle_listener(key);
            }
            _ => {
                if let Some((_, watch)) = &mut self.wake_fd {
                    watch.refuse(instead, is_first);
                }
            }
        }
    }

    /// Ends an outermost call: closes descriptors that the poller has released, begins connections
    /// requested in this call, and has listeners that may accept again do so.
    pub fn settle(&mut self) {
        self.close_released();
        self.begin_fresh();
    }

    /// Begins the connections that were requested in this call, and serves the streams that were given
    /// a slot.
    pub fn begin_fresh(&mut self) {
        while !self.fresh.is_empty() || !self.tools.called.is_empty() || self.has_link_work() {
            while let Some(key) = self.fresh.pop_front() {
                self.work(key);
            }
            self.serve_called();
            self.serve_links();
        }
        self.tools.net.settle_signals();
    }

    /// Whether there are requests to the host's poller.
    pub fn has_host_ops(&self) -> bool {
        !self.tools.agenda.is_empty(List::Interest) || !self.remote.to_pass.is_empty()
    }

    /// Closes the descriptors that the host's poller has released, and passes those that are to be passed.
    pub fn close_released(&mut self) {
        self.pass_released();
        while let Some(token) = self.released.pop() {
            if token.kind() == Kind::ListenerFd {
                self.listener_released(token.key());
                continue;
            }
            self.released(token.key());
            // Connections that were accepted already have priority over those still in a listener's
            // queue.
            self.serve_starved();
            self.retry_starved_listeners();
        }
    }

    /// What a connection stood on was released: it is closed, and so is the connection.
    pub(super) fn released(&mut self, key: Key) {
        let Self { conns, tools, .. } = self;
        let Ok(conn) = conns.get_mut(key) else { return };
        closing::give_fd_back(conn, &mut tools.net, &mut tools.descriptors);
        conn.word.finish(Op::Fclose);
        conn.waits = Wait::empty();
        self.work(key);
    }

    fn conn_interest(&mut self, token: Id) -> Option<HostOp> {
        let conn = self.conns.get_mut(token.key()).ok()?;
        conn.listed.leave(List::Interest);
        let fd = conn.ctrl.descriptor()?;
        let target = conn.target(self.options.trigger);
        let watch = conn.ctrl.watch_mut();
        let is_first = !watch.is_known();
        let (old, new) = if conn.waits.contains(Wait::RELEASE) {
            self.released.push(token);
            (watch.release(), Io::RELEASED | Io::CLOSING)
        } else {
            let old = watch.announce(target)?;
            if is_first {
                self.remember_fd(fd, token);
            }
            (old, target)
        };
        Some(HostOp::Interest { fd, token, old, new, is_first })
    }

    /// Has the host's poller watch `fd`, by which other threads wake the engine. To be called once per
    /// engine; the engine closes `fd` in the end.
    pub fn watch_wake_fd(&mut self, fd: Fd) {
        debug_assert!(self.wake_fd.is_none(), "one wake_fd is enough");
        self.wake_fd = Some((fd, Watch::default()));
        let mut listed = Listed::empty();
        self.tools.agenda.add(List::Interest, Kind::WakeFd, WAKE_KEY, &mut listed);
    }

    fn wake_fd_interest(&mut self, token: Id) -> Option<HostOp> {
        let (fd, watch) = self.wake_fd.as_mut()?;
        let (fd, new, is_first) = (*fd, Io::IN, true);
        let old = watch.announce(new)?;
        self.remember_fd(fd, token);
        Some(HostOp::Interest { fd, token, old, new, is_first })
    }

    fn listener_interest(&mut self, token: Id) -> Option<HostOp> {
        let listener = self.registry.listeners.get_mut(token.key()).ok()?;
        listener.listed.leave(List::Interest);
        let fd = listener.fd?;
        let gives_back = listener.gives_back();
        let watch = &mut listener.watch;
        let is_first = !watch.is_known();
        let (old, new) = if gives_back {
            self.released.push(token);
            // A poller that never watched it has nothing to release.
            if !watch.is_known() {
                return None;
            }
            (watch.release(), Io::RELEASED | Io::CLOSING)
        } else {
            let target = watch.level_target(false);
            let old = watch.announce(target)?;
            self.remember_fd(fd, token);
            (old, target)
        };
        Some(HostOp::Interest { fd, token, old, new, is_first })
    }
}
