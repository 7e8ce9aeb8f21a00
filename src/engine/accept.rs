//! Listeners: accepting connections, pausing at a limit or when a resource runs out, closing.

use std::sync::Arc;

use super::listener::{Accepting, Closing, LEAVING, Listener, ListenerEvents, ListenerOptions};
use super::{Engine, Refusal, TimerOwner};
use crate::agenda::List;
use crate::config::AcceptConfig;
use crate::conn::{Conn, Facts, Plan};
use crate::ctrl::{Ctrl, Io};
use crate::cx::Trigger;
use crate::id::{Id, Kind};
use crate::slab::Key;
use crate::sys::{Addr, Errno, Family, Fd, ListenSpec, Net, SockOpt};
use crate::time::Time;
use crate::wheel::Timer;

/// After so many failures in a row a closing listener stops accepting: a filter may leave the
/// connection that it refuses in the queue.
const FAILURES_AT_CLOSE: u32 = 64;

impl<N: Net> Engine<N> {
    /// Opens a listener.
    ///
    /// # Errors
    /// [`Refusal::State`] once a drain stops listeners; an error of the system; a limit.
    pub fn listen(
        &mut self,
        spec: &ListenSpec,
        config: Arc<AcceptConfig>,
        options: ListenerOptions,
    ) -> Result<Id, Refusal> {
        self.may_listen()?;
        let fd = self.tools.net.listen(spec).map_err(Refusal::System)?;
        let addr = self.tools.net.local(fd).unwrap_or_else(|_| spec.addr.clone());
        // For a unix socket the system reports the temporary name that it was bound to.
        let is_unix = matches!(spec.addr, Addr::Unix(_));
        let addr = if is_unix { spec.addr.clone() } else { addr };
        let path = self.tools.net.path_id(&addr);
        let added = self.add_listener(|timer| {
            let mut listener = Listener::new(fd, addr, config, options, timer);
            listener.asked = spec.addr.clone();
            listener.path = path;
            listener.backlog = u32::try_from(spec.backlog).unwrap_or(0);
            listener.shares_port = spec.reuse_port && !is_unix;
            listener
        });
        added.inspect_err(|_| self.tools.net.close(fd))
    }

    /// Takes over a listening descriptor that was opened elsewhere.
    ///
    /// # Errors
    /// [`Refusal::Argument`] when it does not listen; otherwise as [`Engine::listen`]. On an error the
    /// descriptor stays the caller's.
    pub fn adopt_listener(
        &mut self,
        fd: Fd,
        config: Arc<AcceptConfig>,
        options: ListenerOptions,
    ) -> Result<Id, Refusal> {
        self.may_listen()?;
        let nature = self.tools.net.nature(fd).map_err(Refusal::System)?;
        if !nature.listening {
            return Err(Refusal::Argument);
        }
        self.tools.net.set(fd, SockOpt::NonBlocking).map_err(Refusal::System)?;
        if nature.family != Family::Unix {
            self.tools.net.set(fd, SockOpt::NoDelay).map_err(Refusal::System)?;
        }
        let addr = self.tools.net.local(fd).map_err(Refusal::System)?;
        self.add_listener(|timer| Listener::new(fd, addr, config, options, timer))
    }

    fn add_listener(&mut self, make: impl FnOnce(Timer) -> Listener) -> Result<Id, Refusal> {
        let Self { registry, tools, .. } = self;
        let added = registry
            .listeners
            .insert_with(|key| make(tools.timers.insert(TimerOwner::Listener(key.slot).tag())));
        let key = added.map_err(|_| Refusal::Limit)?;
        self.settle_listener(key);
        Ok(self.id(Kind::Listener, key))
    }

    /// The address a listener listens at, with the port that the kernel chose.
    ///
    /// # Errors
    /// The id is not that of a listener of this engine.
    pub fn listener_addr(&self, id: Id) -> Result<Addr, Refusal> {
        Ok(self.listener(id)?.addr.clone())
    }

    /// Stops accepting. Connections that wait stay in the kernel's queue, for this listener or for
    /// another process that shares the socket.
    ///
    /// # Errors
    /// The id is not that of a listener of this engine.
    pub fn pause_listener(&mut self, id: Id) -> Result<(), Refusal> {
        let listener = self.listener_mut(id)?;
        listener.accepting = listener.accepting.paused();
        self.settle_listener(id.key());
        Ok(())
    }

    /// Accepts connections again.
    ///
    /// # Errors
    /// The id is not that of a listener of this engine; [`Refusal::State`] once a drain stops
    /// listeners.
    pub fn resume_listener(&mut self, id: Id) -> Result<(), Refusal> {
        self.listener(id)?;
        self.may_listen()?;
        self.listener_mut(id)?.go_on();
        self.settle_listener(id.key());
        Ok(())
    }

    /// Accepts the connections that already wait, since closing would reset them, and closes. Where others
    /// share the port, the system would reset those too whose handshakes are under way: so no new one
    /// begins here from now on, and it closes a moment later.
    ///
    /// # Errors
    /// The id is not that of a listener of this engine.
    pub fn close_listener(&mut self, id: Id) -> Result<(), Refusal> {
        let key = id.key();
        let listener = self.listener_mut(id)?;
        let fd = listener.fd.filter(|_| listener.shares_port);
        let drops_syns = fd.is_some_and(|fd| self.tools.net.drop_syns(fd).is_ok());
        if !drops_syns {
            self.finish_closing(key);
            return Ok(());
        }
        self.take_waiting(key);
        let closes_at = self.tools.now + LEAVING;
        if let Ok(listener) = self.registry.listeners.get_mut(key) {
            listener.closing = Closing::At(closes_at);
            listener.go_on();
            self.tools.timers.set(listener.timer, closes_at);
        }
        self.settle_listener(key);
        Ok(())
    }

    /// Accepts what waits a last time, and closes.
    pub(super) fn finish_closing(&mut self, key: Key) {
        self.take_waiting(key);
        if let Ok(listener) = self.registry.listeners.get_mut(key) {
            listener.closing = Closing::Now;
            self.tools.timers.set(listener.timer, Time::NEVER);
        }
        self.settle_listener(key);
    }

    /// Accepts the connections that wait. More that arrive meanwhile could go on for ever, so it accepts
    /// at most a full queue.
    fn take_waiting(&mut self, key: Key) {
        // Linux queues one connection more than the backlog says.
        let waiting = self.registry.listeners.get(key).map_or(0, |listener| listener.backlog + 1);
        let mut failures = 0;
        for _ in 0..waiting {
            match self.take_connection(key) {
                AcceptOutcome::One => failures = 0,
                AcceptOutcome::Failed if failures < FAILURES_AT_CLOSE => failures += 1,
                AcceptOutcome::Failed | AcceptOutcome::None | AcceptOutcome::Stopped => break,
            }
        }
    }

    pub(super) fn listener_ready(&mut self, key: Key, events: Io) -> Result<(), Refusal> {
        let listener = self.registry.listeners.get_mut(key).map_err(|_| Refusal::Stale)?;
        if listener.gives_back() {
            // Its time may have come in this very call.
            return if listener.watch.is_known() { Ok(()) } else { Err(Refusal::Stale) };
        }
        listener.watch.hear(events, Trigger::Level);
        self.work_listener(key);
        Ok(())
    }

    /// One drive of a listener. It stops at its burst, since the poller reports readiness again while
    /// more connections wait.
    pub(super) fn work_listener(&mut self, key: Key) {
        let Ok(listener) = self.registry.listeners.get(key) else { return };
        let mut taken = 0;
        let mut dry = false;
        if listener.accepting.takes() && !listener.gives_back() {
            let burst = listener.burst();
            while taken < burst {
                // A client whose server connection would find no descriptor is better left in the
                // kernel's queue.
                if !self.has_pair(taken as usize) {
                    self.counters.starved += 1;
                    self.stop_listener(key, Accepting::Starved(Errno(libc::EMFILE)));
                    break;
                }
                match self.take_connection(key) {
                    AcceptOutcome::One | AcceptOutcome::Failed => taken += 1,
                    AcceptOutcome::None => {
                        dry = true;
                        break;
                    }
                    AcceptOutcome::Stopped => break,
                }
            }
            if let Ok(listener) = self.registry.listeners.get_mut(key) {
                listener.burst_was(taken, dry);
            }
        }
        self.settle_listener(key);
    }

    fn take_connection(&mut self, key: Key) -> AcceptOutcome {
        if self.is_full(key) {
            self.counters.limited += 1;
            self.stop_listener(key, Accepting::Full);
            return AcceptOutcome::Stopped;
        }
        let Ok(listener) = self.registry.listeners.get_mut(key) else { return AcceptOutcome::None };
        let Some(fd) = listener.fd else { return AcceptOutcome::None };
        let accepted = self.tools.net.accept(fd);
        let starved = accepted
            .as_ref()
            .is_err_and(|&errno| !errno.is_again() && !is_of_one_connection(errno));
        if !starved {
            listener.accepts();
        }
        let (fd, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(errno) if errno.is_again() => return AcceptOutcome::None,
            Err(errno) if is_of_one_connection(errno) => {
                self.counters.accept_errors += 1;
                return AcceptOutcome::Failed;
            }
            // Any errno that is not of one connection counts as exhaustion: an immediate retry would
            // spin.
            Err(errno) => {
                self.counters.starved += 1;
                self.tools.descriptors.ran_out();
                // Idle pipes hold descriptors that this listener could use.
                self.tools.pipes.close_idle(&mut self.tools.net);
                self.stop_listener(key, Accepting::Starved(errno));
                return AcceptOutcome::Stopped;
            }
        };
        self.tools.descriptors.took(&mut self.tools.net, fd);
        let at_once = listener.reads_at_once();
        let config = Arc::clone(&listener.config);
        let user = listener.options.user;
        listener.conns += 1;
        listener.counts.accepted += 1;
        self.counters.accepted += 1;
        // What fails here fails because the peer is gone already: the first read finds that.
        let _ = config.socket.apply(&mut self.tools.net, fd, &peer);
        let ctrl = self.ctrl_over(fd, at_once);
        match self.incoming(ctrl, peer, config, Some(key), user) {
            Ok(conn) => {
                #[cfg(test)]
                self.note_fed_fd(conn, fd);
                self.work(conn);
                if at_once {
                    self.note_hit(key, conn);
                }
            }
            Err(_) => {
                // The limit was checked above; a slab that cannot grow is the only other reason.
                self.tools.net.close(fd);
                self.tools.descriptors.gave();
                self.counters.refused += 1;
                if let Ok(listener) = self.registry.listeners.get_mut(key) {
                    listener.conns -= 1;
                    listener.counts.refused += 1;
                }
            }
        }
        AcceptOutcome::One
    }

    /// The control layer of a connection that was accepted.
    fn ctrl_over(&mut self, fd: Fd, read_at_once: bool) -> Ctrl {
        #[cfg(test)]
        if self.feeds_all {
            let local = self.tools.net.local(fd).ok();
            let origin = crate::cx::FedOrigin { local, ..Default::default() };
            return Ctrl::fed(crate::ctrl::Mover::Host, origin, self.tools.limits.fed);
        }
        Ctrl::new(fd, read_at_once)
    }

    /// Remembers whether the first bytes were there when a connection was accepted.
    fn note_hit(&mut self, listener: Key, conn: Key) {
        let hit = self
            .conns
            .get(conn)
            .map_or(true, |conn| conn.ctrl.bytes_in() > 0 || conn.ctrl.is_readable());
        if let Ok(listener) = self.registry.listeners.get_mut(listener) {
            listener.read_at_once_was(hit);
        }
    }

    /// Makes the record of an incoming connection, with the operations that it is to go through.
    pub(super) fn incoming(
        &mut self,
        ctrl: Ctrl,
        peer: Addr,
        config: Arc<AcceptConfig>,
        listener: Option<Key>,
        user: u64,
    ) -> Result<Key, Refusal> {
        let mut facts = Facts::new(Plan::Incoming(config), peer, self.tools.now);
        facts.listener = listener;
        // The socket was bound under a temporary name, which the kernel goes on reporting.
        let path = self
            .registry
            .listener(listener)
            .map(|listener| &listener.addr)
            .filter(|addr| matches!(addr, Addr::Unix(_)));
        if let Some(path) = path {
            facts.rare_mut().local = Some(path.clone());
        }
        let key = self.add_conn(ctrl, facts, user)?;
        self.opening += 1;
        Ok(key)
    }

    /// Puts a record in the slab and gives it a timer.
    pub(super) fn add_conn(&mut self, ctrl: Ctrl, facts: Facts, user: u64) -> Result<Key, Refusal> {
        let Self { conns, tools, .. } = self;
        let is_fed = ctrl.is_fed();
        let added = conns.insert_with(|key| {
            let timer = tools.timers.insert(TimerOwner::Conn(key.slot).tag());
            Conn::new(ctrl, facts, timer, user)
        });
        self.fed += u32::from(is_fed && added.is_ok());
        added.map_err(|_| {
            self.counters.limited += 1;
            Refusal::Limit
        })
    }

    /// Takes a connection that the host accepted itself. The host has its id, so its end is always
    /// reported.
    ///
    /// # Errors
    /// [`Refusal::Argument`] when it is not a connected stream socket; a limit. On an error the
    /// descriptor stays the caller's.
    pub fn accept_fd(
        &mut self,
        fd: Fd,
        config: Arc<AcceptConfig>,
        user: u64,
    ) -> Result<Id, Refusal> {
        let peer = self.check_connected(fd)?;
        config.socket.apply(&mut self.tools.net, fd, &peer).map_err(Refusal::System)?;
        let ctrl = self.ctrl_over(fd, config.reads_first());
        let key = self.incoming(ctrl, peer, config, None, user)?;
        #[cfg(test)]
        self.note_fed_fd(key, fd);
        self.fresh.push_back(key);
        Ok(self.id(Kind::Conn, key))
    }

    /// Takes a connection that is already open, as a raw session.
    ///
    /// # Errors
    /// As [`Engine::accept_fd`].
    pub fn adopt(&mut self, fd: Fd, user: u64) -> Result<Id, Refusal> {
        let peer = self.check_connected(fd)?;
        let facts = Facts::new(Plan::Adopted, peer, self.tools.now);
        let ctrl = Ctrl::new(fd, false);
        let key = self.add_conn(ctrl, facts, user)?;
        self.fresh.push_back(key);
        Ok(self.id(Kind::Conn, key))
    }

    pub(super) fn check_connected(&mut self, fd: Fd) -> Result<Addr, Refusal> {
        let nature = self.tools.net.nature(fd).map_err(Refusal::System)?;
        if nature.listening {
            return Err(Refusal::Argument);
        }
        let peer = self.tools.net.peer(fd).map_err(Refusal::System)?;
        self.tools.net.set(fd, SockOpt::NonBlocking).map_err(Refusal::System)?;
        if matches!(peer, Addr::Ip(_)) {
            self.tools.net.set(fd, SockOpt::NoDelay).map_err(Refusal::System)?;
        }
        Ok(peer)
    }

    /// Updates what a listener is listed for: the host's poller interest and its events.
    pub(super) fn settle_listener(&mut self, key: Key) {
        let Ok(listener) = self.registry.listeners.get_mut(key) else { return };
        let gives_back = listener.gives_back();
        let takes = listener.accepting.takes() && !gives_back;
        let watch = &mut listener.watch;
        watch.want(if takes { Io::IN } else { Io::empty() });
        if !takes {
            // Interest must be withdrawn at once here: waiting connections would wake the host again
            // and again.
            watch.disturb();
        }
        let target = watch.level_target(false);
        let changes = watch.differs(target) || gives_back;
        let agenda = &mut self.tools.agenda;
        if changes {
            agenda.add(List::Interest, Kind::ListenerFd, key, &mut listener.listed);
        }
        if !listener.events.is_empty() {
            agenda.add(List::Events, Kind::Listener, key, &mut listener.listed);
        }
    }

    /// The host's poller has released the descriptor of a closing listener.
    pub(super) fn listener_released(&mut self, key: Key) {
        let Ok(listener) = self.registry.listeners.get_mut(key) else { return };
        if let Some(fd) = listener.fd.take() {
            // If another process has bound the path since, the path is that process's.
            let net = &mut self.tools.net;
            if listener.path.is_some() && net.path_id(&listener.addr) == listener.path {
                net.unlink(&listener.addr);
            }
            self.tools.net.close(fd);
            self.tools.descriptors.gave();
        }
        self.tools.timers.set(listener.timer, Time::NEVER);
        listener.events = ListenerEvents::CLOSED;
        self.settle_listener(key);
    }

    /// How the host's poller reports readiness.
    pub const fn trigger(&self) -> Trigger {
        self.options.trigger
    }
}

/// Whether an errno of `accept` concerns one connection, which failed in the queue or was filtered: the
/// next one may succeed (accept(2), "Error handling").
const fn is_of_one_connection(errno: Errno) -> bool {
    matches!(
        errno.0,
        libc::ECONNABORTED
            | libc::EPROTO
            | libc::EPERM
            | libc::ENETDOWN
            | libc::ENOPROTOOPT
            | libc::EHOSTDOWN
            | libc::ENONET
            | libc::EHOSTUNREACH
            | libc::EOPNOTSUPP
            | libc::ENETUNREACH
            | libc::ETIMEDOUT
    )
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AcceptOutcome {
    One,
    /// A connection that had already failed.
    Failed,
    None,
    Stopped,
}
