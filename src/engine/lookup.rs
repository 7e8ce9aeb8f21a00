//! From the host's ids to the records they name.

use super::backend::BackendEntry;
use super::listener::Listener;
use super::{Engine, Refusal, Tools};
use crate::conn::{Conn, Flags};
use crate::cx::Cx;
use crate::id::{Id, Kind};
use crate::slab::Key;
use crate::stream::Stream;
use crate::sys::Net;

impl<N: Net> Engine<N> {
    /// The key behind an id, if it is of this engine and `kind`.
    pub(super) fn key(&self, kind: Kind, id: Id) -> Result<Key, Refusal> {
        if id.engine() != self.number {
            return Err(Refusal::WrongEngine);
        }
        if id.kind() == kind { Ok(id.key()) } else { Err(Refusal::WrongKind) }
    }

    /// Whether a token is of a descriptor that is not closed.
    ///
    /// # Errors
    /// It is not, or it is no token.
    pub fn check_token(&self, token: Id) -> Result<(), Refusal> {
        if token.engine() != self.number {
            return Err(Refusal::WrongEngine);
        }
        let key = token.key();
        let lives = match token.kind() {
            Kind::ConnFd => self.conns.get(key).is_ok_and(|conn| conn.ctrl.descriptor().is_some()),
            Kind::ListenerFd => {
                self.registry.listeners.get(key).is_ok_and(|listener| listener.fd.is_some())
            }
            Kind::WakeFd => self.wake_fd.is_some(),
            _ => return Err(Refusal::WrongKind),
        };
        if lives { Ok(()) } else { Err(Refusal::Stale) }
    }

    /// The connection that the descriptor of a token belongs to.
    ///
    /// # Errors
    /// The token is stale, or of no connection.
    pub fn conn_of(&self, token: Id) -> Result<Id, Refusal> {
        self.check_token(token)?;
        match token.kind() {
            Kind::ConnFd => Ok(self.id(Kind::Conn, token.key())),
            _ => Err(Refusal::WrongKind),
        }
    }

    /// A connection.
    pub(super) fn conn(&self, id: Id) -> Result<&Conn, Refusal> {
        self.conns.get(self.key(Kind::Conn, id)?).map_err(|_| Refusal::Stale)
    }

    /// A connection, mutably, and the context that its steps need.
    pub(super) fn conn_mut(&mut self, id: Id) -> Result<(&mut Conn, Cx<'_, N>), Refusal> {
        let key = self.key(Kind::Conn, id)?;
        let Self { conns, tools, registry, .. } = self;
        let conn = conns.get_mut(key).map_err(|_| Refusal::Stale)?;
        Ok((conn, tools.cx(registry, key)))
    }

    /// A connection that is a session of the host's.
    pub(super) fn session(&self, id: Id) -> Result<&Conn, Refusal> {
        let conn = self.conn(id)?;
        if is_session(conn) { Ok(conn) } else { Err(Refusal::State) }
    }

    /// A session of the host's, mutably, and the context that its steps need.
    pub(super) fn session_mut(&mut self, id: Id) -> Result<(&mut Conn, Cx<'_, N>), Refusal> {
        let (conn, cx) = self.conn_mut(id)?;
        if is_session(conn) { Ok((conn, cx)) } else { Err(Refusal::State) }
    }

    /// A stream.
    pub(super) fn stream(&self, id: Id) -> Result<&Stream, Refusal> {
        self.streams.get(self.key(Kind::Stream, id)?).map_err(|_| Refusal::Stale)
    }

    /// A listener that is not closed.
    pub(super) fn listener(&self, id: Id) -> Result<&Listener, Refusal> {
        let listener = self.registry.listeners.get(self.key(Kind::Listener, id)?);
        listener.ok().filter(|listener| listener.is_open()).ok_or(Refusal::Stale)
    }

    /// A listener that is not closed, mutably.
    pub(super) fn listener_mut(&mut self, id: Id) -> Result<&mut Listener, Refusal> {
        let key = self.key(Kind::Listener, id)?;
        let listener = self.registry.listeners.get_mut(key);
        listener.ok().filter(|listener| listener.is_open()).ok_or(Refusal::Stale)
    }

    /// A backend.
    pub(super) fn backend(&self, id: Id) -> Result<&BackendEntry, Refusal> {
        self.registry.backends.get(self.key(Kind::Backend, id)?).map_err(|_| Refusal::Stale)
    }

    /// A backend, mutably, and the tools that its changes need.
    pub(super) fn backend_mut(
        &mut self,
        id: Id,
    ) -> Result<(&mut BackendEntry, &mut Tools<N>), Refusal> {
        let key = self.key(Kind::Backend, id)?;
        let Self { registry, tools, .. } = self;
        Ok((registry.backends.get_mut(key).map_err(|_| Refusal::Stale)?, tools))
    }
}

/// Whether the host reads and writes it. One that never became a session has no bytes to read.
fn is_session(conn: &Conn) -> bool {
    let refused = conn.word.is_closing() && !conn.was_session();
    let closed = conn.flags.contains(Flags::CLOSED_BY_HOST);
    let is_free = conn.seat().is_none() && !conn.owner.is_of_link();
    !conn.word.is_opening() && is_free && !closed && !refused
}
