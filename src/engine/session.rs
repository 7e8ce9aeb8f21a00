//! Sessions of the host's: several pieces of memory at once, a look at bytes without taking them, the idle
//! timeout, the limits on their rates, the descriptor.

use std::io::IoSlice;

use super::{Engine, Refusal};
use crate::conn::{Direction, Received, Sent};
use crate::id::Id;
use crate::sys::{Fd, Net};
use crate::token_bucket::RateLimit;

impl<N: Net> Engine<N> {
    /// [`Engine::recv`] into several pieces of memory, none of them empty: the next is read into when the
    /// one before is full.
    ///
    /// # Errors
    /// As [`Engine::recv`]; [`Refusal::Argument`] when there is none.
    pub fn recv_vectored<'a>(
        &mut self,
        id: Id,
        to: impl Iterator<Item = &'a mut [u8]>,
    ) -> Result<Received, Refusal> {
        let mut got = 0;
        for space in to {
            match self.recv(id, space) {
                Ok(Received::Bytes(n)) => {
                    got += n;
                    if n < space.len() {
                        break;
                    }
                }
                // What was read is told first: the next read meets this again.
                Ok(_) | Err(_) if got > 0 => break,
                other => return other,
            }
        }
        if got == 0 { Err(Refusal::Argument) } else { Ok(Received::Bytes(got)) }
    }

    /// [`Engine::send`] of several pieces, in one system call where there is no TLS.
    ///
    /// # Errors
    /// As [`Engine::send`].
    pub fn send_vectored(&mut self, id: Id, from: &[IoSlice<'_>]) -> Result<Sent, Refusal> {
        let (conn, mut cx) = self.session_mut(id)?;
        let sent = conn.send_vectored(&mut cx, from).ok_or(Refusal::State)?;
        if !matches!(sent, Sent::Bytes(_)) || conn.ctrl.has_unsent() {
            self.work(id.key());
        }
        Ok(sent)
    }

    /// Copies the next bytes of a session into `to`, and leaves them to the next read. Returns how many, and
    /// whether more are to come: [`Received::Bytes`] when `to` is full or no more can be held.
    ///
    /// # Errors
    /// As [`Engine::recv`].
    pub fn peek(&mut self, id: Id, to: &mut [u8]) -> Result<(usize, Received), Refusal> {
        let (conn, mut cx) = self.session_mut(id)?;
        if to.is_empty() {
            return Err(Refusal::Argument);
        }
        let peeked = conn.peek(&mut cx, to);
        self.work(id.key());
        Ok(peeked)
    }

    /// Bounds the time in which no byte of a session is read or written, in nanoseconds from now on; `None`
    /// ends the bound.
    ///
    /// # Errors
    /// As [`Engine::recv`].
    pub fn set_idle_timeout(&mut self, id: Id, timeout: Option<u64>) -> Result<(), Refusal> {
        let (conn, cx) = self.session_mut(id)?;
        conn.bound_idle_time(cx.now, timeout);
        self.work(id.key());
        Ok(())
    }

    /// Limits how fast the session's bytes move in one direction from now on, also in a stream; `None`
    /// ends the limit.
    ///
    /// # Errors
    /// A stale id; [`Refusal::State`] when it belongs to a link or an agent.
    pub fn limit_rate(
        &mut self,
        id: Id,
        direction: Direction,
        limit: Option<RateLimit>,
    ) -> Result<(), Refusal> {
        let (conn, cx) = self.conn_mut(id)?;
        if conn.owner.is_of_link() {
            return Err(Refusal::State);
        }
        conn.limit_rate(direction, limit, cx.now);
        if !conn.word.is_opening() {
            self.work(id.key());
        }
        Ok(())
    }

    /// The descriptor of a connection.
    ///
    /// # Errors
    /// A stale id; [`Refusal::Unsupported`] where the host or an agent moves the bytes;
    /// [`Refusal::State`] when there is none yet, or none any more.
    pub fn descriptor(&self, id: Id) -> Result<Fd, Refusal> {
        let conn = self.conn(id)?;
        match conn.ctrl.descriptor() {
            None if conn.ctrl.is_fed() => Err(Refusal::Unsupported),
            found => found.ok_or(Refusal::State),
        }
    }

    /// The bytes of a connection so far, as they were on the wire: read and written.
    ///
    /// # Errors
    /// A stale id.
    pub fn bytes(&self, id: Id) -> Result<(u64, u64), Refusal> {
        let conn = self.conn(id)?;
        Ok((conn.ctrl.bytes_in(), conn.ctrl.bytes_out()))
    }
}
