//! Commands on a connection: they act at once and return their result.

use std::sync::Arc;

use super::listener::Closing;
use super::poller::WAKE_KEY;
use super::{Engine, Refusal};
use crate::config::{ConnectConfig, SendProxy, TransportKind};
use crate::conn::{
    Cause, CloseMode, Direction, Ending, Events, Facts, Flags, Op, Plan, Received, Sent, Why,
    closing,
};
use crate::ctrl::{Ctrl, Io, Mover};
use crate::handshake::{self, Client, compose};
use crate::id::{Id, Kind};
use crate::slab::Key;
use crate::sys::{Addr, Fd, Net};
use crate::time::Time;
use crate::wire::proxy::Tlv;

/// What a connect needs in addition to its configuration.
#[derive(Debug, Default)]
pub struct ConnectOptions<'a> {
    /// The client on whose behalf it is made: a PROXY header carries its addresses.
    pub client: Option<Id>,
    /// Further TLVs for a version 2 header.
    pub tlvs: &'a [Tlv<'a>],
    /// The host's user data for it.
    pub user: u64,
}

impl<N: Net> Engine<N> {
    /// Requests a connection to `target`. Connecting begins when the outermost call ends, or when the
    /// connection is made part of a stream.
    ///
    /// # Errors
    /// A stale client; [`Refusal::WrongEngine`] when it leads over a link of another engine; a limit;
    /// [`Refusal::Argument`] when the TLVs do not fit a header.
    pub fn connect(
        &mut self,
        target: Addr,
        config: Arc<ConnectConfig>,
        options: &ConnectOptions<'_>,
    ) -> Result<Id, Refusal> {
        #[cfg(test)]
        let config = self.linked(config);
        if let Some(plan) = config.remote() {
            // The slot of another engine's link may be that of one of ours.
            self.key(Kind::Link, plan.link)?;
        }
        let mut first = match config.send_proxy {
            Some(version) => self.proxy_header(version, options)?,
            None => Vec::new(),
        };
        first.extend_from_slice(handshake::says_first(&config));
        let ctrl = self.outgoing(&config);
        let facts = Facts::new(Plan::Outgoing(config), target, self.tools.now);
        let key = self.add_conn(ctrl, facts, options.user)?;
        let Self { conns, tools, .. } = self;
        if !first.is_empty()
            && let Ok(conn) = conns.get_mut(key)
        {
            let mut out = tools.pool.take();
            out.extend(&first);
            conn.ctrl.begin_with(out);
        }
        self.counters.connects += 1;
        self.fresh.push_back(key);
        Ok(self.id(Kind::Conn, key))
    }

    /// The configuration with which the connections of a test are opened.
    #[cfg(test)]
    fn linked(&self, config: Arc<ConnectConfig>) -> Arc<ConnectConfig> {
        match (self.links_all, &config.transport) {
            (Some(link), TransportKind::Socket) if !self.is_of_link(link, &config) => {
                let plan = crate::config::RemotePlan {
                    link,
                    name: None,
                    tls: None,
                    takes_descriptor: false,
                };
                let transport = TransportKind::Link(Box::new(plan));
                Arc::new(ConnectConfig { transport, ..(*config).clone() })
            }
            _ => config,
        }
    }

    /// The control layer of a connection that is requested.
    fn outgoing(&self, config: &ConnectConfig) -> Ctrl {
        let windows = self.tools.limits.fed;
        match &config.transport {
            #[cfg(test)]
            TransportKind::Socket if self.feeds_all => Ctrl::fed_outgoing(Mover::Host, windows),
            TransportKind::Socket => Ctrl::default(),
            TransportKind::Fed => Ctrl::fed_outgoing(Mover::Host, windows),
            TransportKind::Link(plan) => Ctrl::fed_outgoing(Mover::Link(plan.link.key()), windows),
        }
    }

    /// The PROXY header for a connection that is requested.
    fn proxy_header(
        &mut self,
        version: SendProxy,
        options: &ConnectOptions<'_>,
    ) -> Result<Vec<u8>, Refusal> {
        let unique = unique_id(self.number, self.tools.now, self.counters.connects);
        let client = match options.client {
            Some(id) => {
                let (conn, cx) = self.conn_mut(id)?;
                let ends = conn.ends(cx.net);
                let tls = conn.data.negotiated();
                Some(Client { ends, tls })
            }
            None => None,
        };
        compose(version, client.as_ref(), options.tlvs, &unique).map_err(|_| Refusal::Argument)
    }

    /// Reads bytes of a session into `to`.
    ///
    /// # Errors
    /// [`Refusal::State`] before it is a session, after it was closed, or inside a stream;
    /// [`Refusal::Argument`] when `to` is empty.
    pub fn recv(&mut self, id: Id, to: &mut [u8]) -> Result<Received, Refusal> {
        let (conn, mut cx) = self.session_mut(id)?;
        if to.is_empty() {
            return Err(Refusal::Argument);
        }
        let received = conn.recv(&mut cx, to);
        if conn.yields(&received) {
            conn.settle(id.key(), &mut cx);
        } else if !matches!(received, Received::Bytes(_))
            || conn.ctrl.has_unsent()
            || conn.ctrl.has_ask()
        {
            self.work(id.key());
        }
        // A read that brought bytes changes nothing else, so the connection needs no drive.
        Ok(received)
    }

    /// Writes bytes of a session: all or a part.
    ///
    /// # Errors
    /// As [`Engine::recv`]; an empty `from` is allowed and takes none.
    pub fn send(&mut self, id: Id, from: &[u8]) -> Result<Sent, Refusal> {
        let (conn, mut cx) = self.session_mut(id)?;
        let sent = conn.send(&mut cx, from).ok_or(Refusal::State)?;
        if !matches!(sent, Sent::Bytes(_)) || conn.ctrl.has_unsent() {
            self.work(id.key());
        }
        Ok(sent)
    }

    /// Ends one direction of a session. When it is the second, the whole connection ends.
    ///
    /// # Errors
    /// As [`Engine::recv`].
    pub fn shutdown(&mut self, id: Id, direction: Direction) -> Result<(), Refusal> {
        self.session_mut(id)?.0.word.shut(direction);
        self.work(id.key());
        Ok(())
    }

    /// Closes a connection gracefully: written bytes are sent, then each layer ends in order. One that
    /// is still opening is given up.
    ///
    /// # Errors
    /// A stale id; [`Refusal::State`] inside a stream, when it belongs to a link or an agent,
    /// or when it was closed before.
    pub fn close(&mut self, id: Id) -> Result<(), Refusal> {
        let (conn, _) = self.conn_mut(id)?;
        let has_owner = conn.seat().is_some() || conn.owner.is_of_link();
        if has_owner || conn.flags.contains(Flags::CLOSED_BY_HOST) {
            return Err(Refusal::State);
        }
        conn.flags.insert(Flags::CLOSED_BY_HOST);
        conn.events.remove(Events::ASKED_OF_HOST);
        if conn.word.is_opening() {
            let text = "the host closed it while it was opening";
            let cause = Cause::new(None, Why::Aborted).because(text);
            conn.end(Ending::Refused, Some(Box::new(cause)));
        } else if !conn.word.is_closing() {
            conn.end(Ending::Orderly, None);
        }
        self.work(id.key());
        Ok(())
    }

    /// Ends a connection at once: the peer sees a reset, and nothing more is sent.
    ///
    /// # Errors
    /// A stale id; [`Refusal::State`] inside a stream, or when it belongs to a link or an agent.
    pub fn abort(&mut self, id: Id) -> Result<(), Refusal> {
        let (conn, _) = self.conn_mut(id)?;
        if conn.seat().is_some() || conn.owner.is_of_link() {
            return Err(Refusal::State);
        }
        conn.flags.insert(Flags::CLOSED_BY_HOST);
        conn.events.remove(Events::ASKED_OF_HOST);
        let cause = Cause::new(None, Why::Aborted);
        conn.end(Ending::Abort, Some(Box::new(cause)));
        self.work(id.key());
        Ok(())
    }

    /// The bytes of a session that were read before the host asked for them.
    ///
    /// # Errors
    /// As [`Engine::recv`].
    pub fn ahead(&self, id: Id) -> Result<&[u8], Refusal> {
        let conn = self.session(id)?;
        Ok(conn.data.ahead.as_ref().map_or(&[], crate::buffer::Buffer::bytes))
    }

    /// Hands a raw session's descriptor over to the host; bytes read ahead are dropped with the record.
    /// The id is stale afterwards, and no further event concerns it. A poller that watches the
    /// descriptor must stop watching it: that is the request returned.
    ///
    /// # Errors
    /// [`Refusal::State`] unless it is a raw session with nothing unsent; [`Refusal::Unsupported`]
    /// when its bytes are moved by the host, so that there is no descriptor.
    pub fn take_fd(&mut self, id: Id) -> Result<(Fd, Option<super::HostOp>), Refusal> {
        let key = id.key();
        let token = self.id(Kind::ConnFd, key);
        let (conn, cx) = self.session_mut(id)?;
        if conn.ctrl.descriptor().is_none() {
            return Err(Refusal::Unsupported);
        }
        let shut = conn.word.wanted().has(Op::Dshr) || conn.word.wanted().has(Op::Dshw);
        if conn.data.tls().is_some() || conn.ctrl.has_unsent() || shut {
            return Err(Refusal::State);
        }
        let known = conn.ctrl.watch().is_known();
        let old = conn.ctrl.watch_mut().release();
        conn.ctrl.end_delays(cx.net);
        let fd = conn.ctrl.take_over().ok_or(Refusal::State)?;
        conn.end_rules(cx.now);
        self.remove_conn(key);
        let new = Io::RELEASED;
        Ok((fd, known.then_some(super::HostOp::Interest { fd, token, old, new, is_first: false })))
    }

    /// The host's user data for a connection.
    ///
    /// # Errors
    /// A stale id.
    pub fn user(&self, id: Id) -> Result<u64, Refusal> {
        Ok(self.conn(id)?.user)
    }

    /// Changes the host's user data for a connection.
    ///
    /// # Errors
    /// A stale id.
    pub fn set_user(&mut self, id: Id, user: u64) -> Result<(), Refusal> {
        self.conn_mut(id)?.0.user = user;
        Ok(())
    }

    /// Ends everything at once: connections are reset, listeners closed, descriptors returned. It leads
    /// to host requests only, not to events.
    pub fn abort_all(&mut self) {
        let conns: Vec<Key> = self.conns.iter().map(|(key, _)| key).collect();
        for key in conns {
            if let Ok(conn) = self.conns.get_mut(key) {
                let cause = Cause::new(None, Why::Aborted);
                conn.end(Ending::Abort, Some(Box::new(cause)));
                self.work(key);
            }
        }
        let listeners: Vec<Key> = self.registry.listeners.iter().map(|(key, _)| key).collect();
        for key in listeners {
            if let Ok(listener) = self.registry.listeners.get_mut(key) {
                listener.closing = Closing::Now;
                self.settle_listener(key);
            }
        }
    }

    /// The next descriptor that the host's poller must stop watching, whatever state the engine is in.
    pub fn next_left_over(&mut self) -> Option<super::HostOp> {
        self.tools.net.settle_signals();
        let number = self.number;
        let conns = self.conns.iter_mut().map(|(key, conn)| {
            let fd = conn.ctrl.descriptor();
            (Id::new(Kind::ConnFd, number, key), fd, conn.ctrl.watch_mut())
        });
        let listeners = self.registry.listeners.iter_mut().map(|(key, listener)| {
            (Id::new(Kind::ListenerFd, number, key), listener.fd, &mut listener.watch)
        });
        let wake_fd = self.wake_fd.iter_mut();
        let wake_fd =
            wake_fd.map(|(fd, watch)| (Id::new(Kind::WakeFd, number, WAKE_KEY), Some(*fd), watch));
        let mut all = conns.chain(listeners).chain(wake_fd);
        let (token, fd, watch) = all.find(|(_, _, watch)| watch.is_known())?;
        let old = watch.release();
        let fd = fd?;
        let new = Io::RELEASED | Io::CLOSING;
        Some(super::HostOp::Interest { fd, token, old, new, is_first: false })
    }

    /// Closes every descriptor, watched or not: the last resort after an internal failure of the
    /// engine.
    pub fn close_all_fds(&mut self) {
        self.close_passing();
        let super::Tools { net, descriptors, pipes, .. } = &mut self.tools;
        for (_, conn) in self.conns.iter_mut() {
            conn.closes(CloseMode::Reset);
            closing::give_fd_back(conn, net, descriptors);
        }
        for (_, listener) in self.registry.listeners.iter_mut() {
            if let Some(fd) = listener.fd.take() {
                net.close(fd);
            }
        }
        if let Some((fd, _)) = self.wake_fd.take() {
            net.close(fd);
        }
        pipes.close_all(net);
    }
}

/// An identifier for one connection: the engine, the time, and a count that tells connections of the
/// same time apart.
fn unique_id(engine: u16, now: Time, count: u64) -> Vec<u8> {
    [&engine.to_be_bytes()[..], &now.0.to_be_bytes(), &count.to_be_bytes()].concat()
}
