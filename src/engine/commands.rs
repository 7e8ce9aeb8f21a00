//! Commands on a connection: they act at once and answer at once.

use std::sync::Arc;

use super::interest::BELL;
use super::{Engine, Refusal};
use crate::config::{ConnectConfig, SendProxy};
use crate::conn::{
    Cause, CloseMode, Conn, Direction, Ending, Facts, Marks, News, Op, OpWord, Opening, Plan, Wait,
    Why, closing,
};
use crate::ctrl::{Ctrl, Io, Output};
use crate::data::Read;
use crate::handshake::{Client, compose};
use crate::id::{Id, Kind};
use crate::slab::Key;
use crate::sys::{Addr, Fd, Net};
use crate::time::Time;
use crate::wire::proxy::Tlv;

/// What a read came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// So many bytes, at least one.
    Bytes(usize),
    /// None now: READABLE will be told.
    Wait,
    /// The peer has ended its side, and everything before that has been read.
    End,
    /// The connection below ended before TLS did: bytes may be missing.
    Truncated,
    /// It failed, for this reason; CLOSED will be told.
    Failed(Why),
}

/// What a write came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// So many bytes are taken, at least one of an offer that had any.
    Bytes(usize),
    /// None now: WRITABLE will be told.
    Wait,
    /// The peer takes no more, for this reason.
    Failed(Why),
}

/// What a connect needs beside its configuration.
#[derive(Debug, Default)]
pub struct ConnectOptions<'a> {
    /// The connection on whose behalf it is made: a PROXY header tells its addresses.
    pub client: Option<Id>,
    /// Further TLVs for a version 2 header.
    pub tlvs: &'a [Tlv<'a>],
    /// The host's own word for it.
    pub user: u64,
}

impl<N: Net> Engine<N> {
    /// Asks for a connection to `target`. It is begun when the outermost call ends, or when it is
    /// made part of a stream.
    ///
    /// # Errors
    /// A stale client; a limit; [`Refusal::Argument`] when the TLVs do not fit a header.
    pub fn connect(
        &mut self,
        target: Addr,
        config: Arc<ConnectConfig>,
        options: &ConnectOptions<'_>,
    ) -> Result<Id, Refusal> {
        // What goes ahead of any other byte.
        let mut first = match config.send_proxy {
            Some(version) => self.proxy_header(version, options)?,
            None => Vec::new(),
        };
        let mut word = OpWord::default();
        word.want(Op::CtrlConnect);
        if config.send_proxy.is_some() {
            word.want(Op::SendProxy);
        }
        if let Some(socks) = &config.socks {
            word.want(Op::SocksSend);
            word.want(Op::SocksRecv);
            first.extend_from_slice(socks.opening());
        }
        if config.tls.is_some() {
            word.want(Op::TlsConnect);
        }
        for custom in &config.customs {
            word.want(if custom.behind_tls { Op::CustomClearOut } else { Op::CustomRawOut });
        }
        let facts = Facts::new(Plan::Outgoing(config), target, self.tools.now);
        let key = self.add_conn(word, Ctrl::default(), facts, options.user)?;
        self.counters.connects += 1;
        if let Ok(conn) = self.conns.get_mut(key) {
            conn.opening = Opening::Connection;
            if !first.is_empty() {
                let mut out = self.tools.pool.take();
                out.extend(&first);
                conn.ctrl.begin_with(out);
            }
        }
        self.fresh.push_back(key);
        Ok(self.id(Kind::Conn, key))
    }

    /// The PROXY header of a connection that is asked for.
    fn proxy_header(
        &mut self,
        version: SendProxy,
        options: &ConnectOptions<'_>,
    ) -> Result<Vec<u8>, Refusal> {
        let unique = unique_id(self.number, self.tools.now, self.counters.connects);
        let client = match options.client {
            Some(id) => {
                let key = self.conn_key(id)?;
                let conn = self.conns.get_mut(key).map_err(|_| Refusal::Stale)?;
                let ends = conn.ends(&mut self.tools.net);
                let tls = conn.data.tls().and_then(crate::tls::Session::negotiated);
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
        let key = self.session_key(id)?;
        if to.is_empty() {
            return Err(Refusal::Argument);
        }
        let conn = self.conns.get_mut(key).map_err(|_| Refusal::Stale)?;
        if conn.word.is_wanted(Op::Dshr) {
            return Ok(match conn.cause.as_deref() {
                Some(Cause { why: Why::Truncated, .. }) => Received::Truncated,
                Some(cause) if conn.word.is_closing() => Received::Failed(cause.why),
                _ => Received::End,
            });
        }
        let mut cx = self.tools.cx(&self.registry);
        let received = match conn.data.recv(&mut conn.ctrl, &mut cx, to) {
            Ok(Read::Bytes(n)) => {
                conn.heard(cx.now);
                Received::Bytes(n)
            }
            Ok(Read::Wait) => {
                if !conn.marks.contains(Marks::READ_ARMED) {
                    conn.marks.insert(Marks::READ_ARMED);
                    conn.heard(cx.now);
                }
                Received::Wait
            }
            Ok(Read::End) => {
                conn.word.shut(Direction::Read);
                Received::End
            }
            Ok(Read::Truncated) => {
                conn.truncated();
                conn.word.shut(Direction::Read);
                Received::Truncated
            }
            Err(cause) => {
                let why = cause.why;
                conn.fail_session(cause);
                Received::Failed(why)
            }
        };
        if received == Received::Wait && conn.ctrl.is_readable() {
            // There is more and it is the others' turn: told of at once, the host would read on.
            conn.flow |= Wait::READ;
            conn.settle(key, &mut cx);
            return Ok(received);
        }
        // A read that brought bytes changes nothing else: the next call may bring more.
        if !matches!(received, Received::Bytes(_)) || conn.ctrl.has_unsent() {
            self.work(key);
        }
        Ok(received)
    }

    /// Writes bytes of a session: all or a part.
    ///
    /// # Errors
    /// As [`Engine::recv`]; an empty `from` is fine and takes none.
    pub fn send(&mut self, id: Id, from: &[u8]) -> Result<Sent, Refusal> {
        let key = self.session_key(id)?;
        let conn = self.conns.get_mut(key).map_err(|_| Refusal::Stale)?;
        if conn.word.is_wanted(Op::Dshw) {
            return match conn.cause.as_deref() {
                Some(cause) => Ok(Sent::Failed(cause.why)),
                None => Err(Refusal::State),
            };
        }
        let mut cx = self.tools.cx(&self.registry);
        let sent = match conn.data.send(&mut conn.ctrl, &mut cx, from) {
            Ok(Output::Bytes(n)) => Sent::Bytes(n),
            Ok(Output::Wait) => Sent::Wait,
            Err(cause) => {
                let why = cause.why;
                conn.fail_writing(cause);
                Sent::Failed(why)
            }
        };
        if sent == Sent::Wait {
            conn.marks.insert(Marks::WRITE_ARMED);
        }
        if !matches!(sent, Sent::Bytes(_)) || conn.ctrl.has_unsent() {
            self.work(key);
        }
        Ok(sent)
    }

    /// Ends one direction of a session. When it is the second, the whole connection ends.
    ///
    /// # Errors
    /// As [`Engine::recv`].
    pub fn shutdown(&mut self, id: Id, direction: Direction) -> Result<(), Refusal> {
        let key = self.session_key(id)?;
        if let Ok(conn) = self.conns.get_mut(key) {
            conn.word.shut(direction);
            self.work(key);
        }
        Ok(())
    }

    /// Ends a connection in order: what was written leaves, then each layer says its goodbye. One
    /// that is still opening is given up.
    ///
    /// # Errors
    /// A stale id; [`Refusal::State`] inside a stream, or when it was closed before.
    pub fn close(&mut self, id: Id) -> Result<(), Refusal> {
        let key = self.conn_key(id)?;
        let conn = self.conns.get_mut(key).map_err(|_| Refusal::Stale)?;
        if conn.seat().is_some() || conn.marks.contains(Marks::CLOSED_BY_HOST) {
            return Err(Refusal::State);
        }
        conn.marks.insert(Marks::CLOSED_BY_HOST);
        conn.news.remove(News::ASKED_OF_HOST);
        if conn.word.is_opening() {
            let text = "the host closed it while it was opening";
            let cause = Cause::new(None, Why::Aborted).because(text);
            conn.end(Ending::Refused, Some(Box::new(cause)));
        } else if !conn.word.is_closing() {
            conn.end(Ending::Orderly, None);
        }
        self.work(key);
        Ok(())
    }

    /// Ends a connection at once: the peer sees a reset, and nothing more leaves.
    ///
    /// # Errors
    /// A stale id; [`Refusal::State`] inside a stream.
    pub fn abort(&mut self, id: Id) -> Result<(), Refusal> {
        let key = self.conn_key(id)?;
        let conn = self.conns.get_mut(key).map_err(|_| Refusal::Stale)?;
        if conn.seat().is_some() {
            return Err(Refusal::State);
        }
        conn.marks.insert(Marks::CLOSED_BY_HOST);
        conn.news.remove(News::ASKED_OF_HOST);
        let cause = Cause::new(None, Why::Aborted);
        conn.end(Ending::Abort, Some(Box::new(cause)));
        self.work(key);
        Ok(())
    }

    /// The bytes of a session that were read before anybody asked.
    ///
    /// # Errors
    /// As [`Engine::recv`].
    pub fn ahead(&self, id: Id) -> Result<&[u8], Refusal> {
        let conn = self.conns.get(self.session_key(id)?).map_err(|_| Refusal::Stale)?;
        Ok(conn.data.ahead.as_ref().map_or(&[], crate::buffer::Buffer::bytes))
    }

    /// Gives a raw session's descriptor back; bytes read ahead are dropped with the record. The id
    /// is stale afterwards and nothing more is told of it. A poller that knows the descriptor must
    /// let go of it: that is the request returned.
    ///
    /// # Errors
    /// [`Refusal::State`] unless it is a raw session with nothing unsent.
    pub fn take_fd(&mut self, id: Id) -> Result<(Fd, Option<super::HostOp>), Refusal> {
        let key = self.session_key(id)?;
        let token = self.id(Kind::ConnFd, key);
        let conn = self.conns.get_mut(key).map_err(|_| Refusal::Stale)?;
        let shut = conn.word.wanted().has(Op::Dshr) || conn.word.wanted().has(Op::Dshw);
        if conn.data.tls().is_some() || conn.ctrl.has_unsent() || shut {
            return Err(Refusal::State);
        }
        let known = conn.ctrl.watch().is_known();
        let old = conn.ctrl.watch_mut().release();
        let fd = conn.ctrl.take_over().ok_or(Refusal::State)?;
        conn.end_visit(self.tools.now);
        self.remove_conn(key);
        let new = Io::RELEASED;
        Ok((fd, known.then_some(super::HostOp::Interest { fd, token, old, new })))
    }

    /// The host's own word for a connection.
    ///
    /// # Errors
    /// A stale id.
    pub fn user(&self, id: Id) -> Result<u64, Refusal> {
        Ok(self.conn(id)?.user)
    }

    /// Changes the host's own word for a connection.
    ///
    /// # Errors
    /// A stale id.
    pub fn set_user(&mut self, id: Id, user: u64) -> Result<(), Refusal> {
        let key = self.conn_key(id)?;
        self.conns.get_mut(key).map_err(|_| Refusal::Stale)?.user = user;
        Ok(())
    }

    /// Ends everything at once: connections are reset, listeners closed, descriptors returned.
    /// Only host requests come of it, no events.
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
                listener.closing = true;
                self.settle_listener(key);
            }
        }
    }

    /// The next descriptor that the host's poller knows and must let go of, whatever state the
    /// engine is in.
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
        let bell = self.bell.iter_mut();
        let bell = bell.map(|(fd, watch)| (Id::new(Kind::BellFd, number, BELL), Some(*fd), watch));
        let mut all = conns.chain(listeners).chain(bell);
        let (token, fd, watch) = all.find(|(_, _, watch)| watch.is_known())?;
        let old = watch.release();
        let fd = fd?;
        Some(super::HostOp::Interest { fd, token, old, new: Io::RELEASED | Io::CLOSING })
    }

    /// Closes every descriptor, told or not: the last resort of an engine that failed inside.
    pub fn close_all_fds(&mut self) {
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
        if let Some((fd, _)) = self.bell.take() {
            net.close(fd);
        }
        pipes.close_all(net);
    }

    pub(super) fn conn(&self, id: Id) -> Result<&Conn, Refusal> {
        let key = self.conn_key(id)?;
        self.conns.get(key).map_err(|_| Refusal::Stale)
    }

    pub(super) fn session_key(&self, id: Id) -> Result<Key, Refusal> {
        let key = self.conn_key(id)?;
        let conn = self.conns.get(key).map_err(|_| Refusal::Stale)?;
        let closed = conn.marks.contains(Marks::CLOSED_BY_HOST);
        // Of one that never became a session nothing can be read.
        let refused = conn.word.is_closing() && !conn.was_session();
        if conn.word.is_opening() || conn.seat().is_some() || closed || refused {
            return Err(Refusal::State);
        }
        Ok(key)
    }
}

/// A name for one connection: the engine, the moment, and a count that tells apart what one moment
/// brought.
fn unique_id(engine: u16, now: Time, count: u64) -> Vec<u8> {
    [&engine.to_be_bytes()[..], &now.0.to_be_bytes(), &count.to_be_bytes()].concat()
}
