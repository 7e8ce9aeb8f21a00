//! Handlers of the host's own: what they are asked, what they answer, and what they may do meanwhile.

use std::any::Any;
use std::sync::Arc;

use super::{Engine, Refusal, Sent};
use crate::agenda::List;
use crate::conn::{Cause, Conn, Detail, HandlerPhase, HandlerState, Op, Why};
use crate::ctrl::Output;
use crate::id::Id;
use crate::slab::Key;
use crate::sys::Net;

/// A handler is to say what is next.
#[derive(Debug)]
pub struct Question {
    /// The connection.
    pub conn: Id,
    /// The host's user data for the connection.
    pub user: u64,
    /// What the owner knows the handler by.
    pub owner: Arc<dyn Any + Send + Sync>,
    /// The host's user data for the connection in this handler; 0 is none. Whoever asks has it until
    /// the answer gives it back.
    pub state: u64,
    /// What an answer brings back. No two questions of a connection have the same.
    pub ticket: u32,
    /// Whether the peer has ended its side.
    pub ended: bool,
    /// Which of the connection's handlers.
    place: (Op, usize),
}

/// What a handler says.
#[derive(Debug, PartialEq, Eq)]
pub enum HandlerAnswer {
    /// It is done with the connection.
    Done,
    /// It wants to be asked again when bytes, or the end, have come.
    Read,
    /// It wants to be asked again when there is room to send.
    Write,
    /// It will say later, with the ticket.
    Later,
    /// It will not have the connection, with a code and a sentence of the host's.
    Fail(i32, String),
}

/// The host's user data for a connection in a handler that is through with it.
#[derive(Debug)]
pub struct Spent {
    /// What the owner knows the handler by.
    pub owner: Arc<dyn Any + Send + Sync>,
    /// The word.
    pub state: u64,
}

impl<N: Net> Engine<N> {
    /// The next question to a handler. It must be answered by [`Engine::answered`].
    pub fn next_question(&mut self) -> Option<Question> {
        while let Some(id) = self.tools.agenda.take(List::Questions) {
            let Ok(conn) = self.conns.get_mut(id.key()) else { continue };
            conn.listed.leave(List::Questions);
            let user = conn.user;
            let Some(handler_state) = conn.handler_state_mut() else { continue };
            if !matches!(handler_state.phase, HandlerPhase::Due) {
                continue;
            }
            handler_state.phase = HandlerPhase::Asked;
            let (place @ (op, index), ended) =
                ((handler_state.op, handler_state.index), handler_state.ended);
            let state = std::mem::take(&mut handler_state.state);
            let rare = conn.facts.rare_mut();
            rare.ticket = rare.ticket.wrapping_add(1);
            let ticket = rare.ticket;
            let Some(custom) = conn.facts.customs(op).nth(index) else { continue };
            let owner = Arc::clone(&custom.owner);
            return Some(Question { conn: id, user, owner, state, ticket, ended, place });
        }
        None
    }

    /// The answer to a question that was just asked, and the word for the connection that the
    /// handler has by now.
    pub fn answered(&mut self, question: Question, answer: HandlerAnswer) {
        let Question { conn: id, owner, state, ticket, place, .. } = question;
        match self.asker(id, ticket, place) {
            Some(handler_state) => handler_state.state = state,
            // The connection has gone on, or is gone: what it left is the handler's to free.
            None => self.spend(Some(owner), state),
        }
        if answer != HandlerAnswer::Later {
            // One that was given in the handler's own step counts, and this is one too many then.
            let _ = self.answer(id, ticket, answer);
        }
    }

    /// The handler that the last question, which has this ticket, was put to, if it is not through: it
    /// may have been answered since, by a call.
    fn asker(&mut self, id: Id, ticket: u32, place: (Op, usize)) -> Option<&mut HandlerState> {
        let (conn, _) = self.conn_mut(id).ok()?;
        let rare = conn.facts.rare.as_mut().filter(|rare| rare.ticket == ticket)?;
        rare.handler_state
            .as_mut()
            .filter(|handler_state| (handler_state.op, handler_state.index) == place)
    }

    /// An answer that was announced as coming later.
    ///
    /// # Errors
    /// [`Refusal::Stale`] when the connection is gone or its handler waits for no such ticket;
    /// [`Refusal::Argument`] for [`HandlerAnswer::Later`].
    pub fn answer(&mut self, id: Id, ticket: u32, answer: HandlerAnswer) -> Result<(), Refusal> {
        let conn = self.asked(id, ticket)?;
        let Some(handler_state) = conn.handler_state_mut() else { return Err(Refusal::Stale) };
        let over = matches!(answer, HandlerAnswer::Done | HandlerAnswer::Fail(..));
        handler_state.phase = match answer {
            HandlerAnswer::Done => HandlerPhase::Done,
            HandlerAnswer::Read => HandlerPhase::Read,
            HandlerAnswer::Write => HandlerPhase::Write,
            HandlerAnswer::Later => return Err(Refusal::Argument),
            HandlerAnswer::Fail(code, text) => {
                let cause =
                    Cause::new(Some(handler_state.op), Why::Denied).with(Detail::Host(code));
                let cause = if text.is_empty() { cause } else { cause.in_words_of_others(text) };
                HandlerPhase::Failed(Box::new(cause))
            }
        };
        if over {
            let (op, index) = (handler_state.op, handler_state.index);
            let state = std::mem::take(&mut handler_state.state);
            let owner = conn.facts.customs(op).nth(index).map(|custom| Arc::clone(&custom.owner));
            self.spend(owner, state);
        }
        self.work(id.key());
        Ok(())
    }

    /// Copies the first bytes that came for a handler into `to`, and tells how many there are.
    ///
    /// # Errors
    /// [`Refusal::State`] when no handler of the connection is asked.
    pub fn peek(&self, id: Id, to: &mut [u8]) -> Result<usize, Refusal> {
        let conn = self.conn(id)?;
        if !conn.is_asked() {
            return Err(Refusal::State);
        }
        let bytes = conn.data.ahead.as_ref().map_or(&[][..], |ahead| ahead.bytes());
        let n = bytes.len().min(to.len());
        to[..n].copy_from_slice(&bytes[..n]);
        Ok(bytes.len())
    }

    /// Drops the first `n` bytes that came for a handler: whoever comes next does not see them.
    ///
    /// # Errors
    /// [`Refusal::State`] when no handler of the connection is asked; [`Refusal::Argument`] when there
    /// are not so many.
    pub fn consume(&mut self, id: Id, n: usize) -> Result<(), Refusal> {
        let (conn, cx) = self.conn_mut(id)?;
        if !conn.is_asked() {
            return Err(Refusal::State);
        }
        match &mut conn.data.ahead {
            Some(ahead) if n <= ahead.len() => ahead.consume(n),
            _ if n == 0 => {}
            _ => return Err(Refusal::Argument),
        }
        cx.pool.give_empty(&mut conn.data.ahead);
        Ok(())
    }

    /// Sends bytes of a handler: all or a part.
    ///
    /// # Errors
    /// [`Refusal::State`] when no handler of the connection is asked.
    pub fn handler_send(&mut self, id: Id, from: &[u8]) -> Result<Sent, Refusal> {
        let (conn, mut cx) = self.conn_mut(id)?;
        if !conn.is_asked() {
            return Err(Refusal::State);
        }
        match conn.data.send(&mut conn.ctrl, &mut cx, from) {
            Ok(output) => {
                // What the kernel had no room for leaves when there is some, whatever the handler does.
                if conn.ctrl.has_unsent() {
                    self.work(id.key());
                }
                Ok(match output {
                    Output::Bytes(n) => Sent::Bytes(n),
                    Output::Wait => Sent::Wait,
                })
            }
            Err(mut cause) => {
                let why = cause.why;
                if let Some(handler_state) = conn.handler_state_mut() {
                    cause.at = Some(handler_state.op);
                    handler_state.phase = HandlerPhase::Failed(cause);
                }
                self.work(id.key());
                Ok(Sent::Failed(why))
            }
        }
    }

    /// Whether a handler is to be asked, or is to free something.
    pub fn has_questions(&self) -> bool {
        !self.tools.agenda.is_empty(List::Questions) || !self.spent.is_empty()
    }

    /// The next word that a handler is to free.
    pub fn next_spent(&mut self) -> Option<Spent> {
        self.spent.pop_front()
    }

    /// Lets go of handlers that are through with a connection, whatever way.
    pub(super) fn drop_handler_state(&mut self, key: Key) {
        let Ok(conn) = self.conns.get_mut(key) else { return };
        let handler_state = conn.facts.rare.as_mut().and_then(|rare| rare.handler_state.take());
        let Some(HandlerState { op, index, state, .. }) = handler_state else { return };
        let owner = conn.facts.customs(op).nth(index).map(|custom| Arc::clone(&custom.owner));
        self.spend(owner, state);
    }

    fn spend(&mut self, owner: Option<Arc<dyn Any + Send + Sync>>, state: u64) {
        if let Some(owner) = owner.filter(|_| state != 0) {
            self.spent.push_back(Spent { owner, state });
        }
    }

    /// The connection of which the question with this ticket waits for its answer.
    fn asked(&mut self, id: Id, ticket: u32) -> Result<&mut Conn, Refusal> {
        let (conn, _) = self.conn_mut(id)?;
        let current = conn.facts.rare.as_ref().is_some_and(|rare| rare.ticket == ticket);
        if current && conn.is_asked() { Ok(conn) } else { Err(Refusal::Stale) }
    }
}
