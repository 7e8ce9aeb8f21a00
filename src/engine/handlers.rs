//! Custom handlers: the questions to them, their answers, and what they may do meanwhile.

use std::any::Any;
use std::sync::Arc;

use super::{Engine, Refusal, Sent};
use crate::agenda::List;
use crate::conn::{Cause, Conn, Detail, HandlerPhase, HandlerState, Op, Why};
use crate::ctrl::Output;
use crate::id::Id;
use crate::slab::Key;
use crate::sys::Net;

/// A question to a handler: what is it to do next?
#[derive(Debug)]
pub struct Question {
    /// The connection.
    pub conn: Id,
    /// The host's user data for the connection.
    pub user: u64,
    /// The value by which the owner of the handler identifies it.
    pub owner: Arc<dyn Any + Send + Sync>,
    /// The host's user data for the connection in this handler; 0 is none. The question holds it until
    /// the answer gives it back.
    pub state: u64,
    /// What a later answer must carry. No two questions of a connection have the same.
    pub ticket: u32,
    /// Whether the peer has ended its side.
    pub ended: bool,
    /// Which of the connection's handlers.
    place: (Op, usize),
}

/// The answer of a handler.
#[derive(Debug, PartialEq, Eq)]
pub enum HandlerAnswer {
    /// It is done with the connection.
    Done,
    /// It wants to be asked again when bytes, or the end, have arrived.
    Read,
    /// It wants to be asked again when there is room to send.
    Write,
    /// It answers later, with the ticket.
    Later,
    /// It refuses the connection, with a code and a text of the host's.
    Fail(i32, String),
}

/// The user data of a connection in a handler that has finished with it, to be freed.
#[derive(Debug)]
pub struct Spent {
    /// The value by which the owner of the handler identifies it.
    pub owner: Arc<dyn Any + Send + Sync>,
    /// The user data.
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

    /// Takes the answer to a question that was just asked, with the user data that the handler now has
    /// for the connection.
    pub fn answered(&mut self, question: Question, answer: HandlerAnswer) {
        let Question { conn: id, owner, state, ticket, place, .. } = question;
        match self.asker(id, ticket, place) {
            Some(handler_state) => handler_state.state = state,
            // The connection has gone on or ended: the handler is to free the user data.
            None => self.spend(Some(owner), state),
        }
        if answer != HandlerAnswer::Later {
            // An answer given during the handler's call has priority; this one is then refused as
            // stale.
            let _ = self.answer(id, ticket, answer);
        }
    }

    /// The handler that the last question (with this ticket) was put to, unless it has finished: a call
    /// may have answered the question meanwhile.
    fn asker(&mut self, id: Id, ticket: u32, place: (Op, usize)) -> Option<&mut HandlerState> {
        let (conn, _) = self.conn_mut(id).ok()?;
        let rare = conn.facts.rare.as_mut().filter(|rare| rare.ticket == ticket)?;
        rare.handler_state
            .as_mut()
            .filter(|handler_state| (handler_state.op, handler_state.index) == place)
    }

    /// Takes an answer that was announced as [`HandlerAnswer::Later`].
    ///
    /// # Errors
    /// [`Refusal::Stale`] when the connection has ended or no question with this ticket is open;
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

    /// Copies the first bytes that arrived for a handler into `to`, and returns how many there are.
    ///
    /// # Errors
    /// [`Refusal::State`] when no question to a handler of the connection is open.
    pub fn handler_peek(&self, id: Id, to: &mut [u8]) -> Result<usize, Refusal> {
        let conn = self.conn(id)?;
        if !conn.is_asked() {
            return Err(Refusal::State);
        }
        let bytes = conn.data.ahead.as_ref().map_or(&[][..], |ahead| ahead.bytes());
        let n = bytes.len().min(to.len());
        to[..n].copy_from_slice(&bytes[..n]);
        Ok(bytes.len())
    }

    /// Drops the first `n` bytes that arrived for a handler: the next layer does not see them.
    ///
    /// # Errors
    /// [`Refusal::State`] when no question to a handler of the connection is open;
    /// [`Refusal::Argument`] when there are fewer bytes.
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
    /// [`Refusal::State`] when no question to a handler of the connection is open.
    pub fn handler_send(&mut self, id: Id, from: &[u8]) -> Result<Sent, Refusal> {
        let (conn, mut cx) = self.conn_mut(id)?;
        if !conn.is_asked() {
            return Err(Refusal::State);
        }
        match conn.data.send(&mut conn.ctrl, &mut cx, from) {
            Ok(output) => {
                // What the kernel had no room for is sent when there is some, whatever the handler
                // does.
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

    /// Whether there is a question to a handler, or user data for one to free.
    pub fn has_questions(&self) -> bool {
        !self.tools.agenda.is_empty(List::Questions) || !self.spent.is_empty()
    }

    /// The next user data that a handler is to free.
    pub fn next_spent(&mut self) -> Option<Spent> {
        self.spent.pop_front()
    }

    /// Takes the handlers off a connection that has finished with them, for whatever reason.
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

    /// The connection whose question with this ticket waits for an answer.
    fn asked(&mut self, id: Id, ticket: u32) -> Result<&mut Conn, Refusal> {
        let (conn, _) = self.conn_mut(id)?;
        let current = conn.facts.rare.as_ref().is_some_and(|rare| rare.ticket == ticket);
        if current && conn.is_asked() { Ok(conn) } else { Err(Refusal::Stale) }
    }
}
