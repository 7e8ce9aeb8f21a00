//! TLS that begins in the middle of a session (STARTTLS).

use std::sync::Arc;

use super::{Engine, Refusal};
use crate::conn::{Events, Op, Opening};
use crate::id::Id;
use crate::sys::Net;
use crate::tls::{ClientTls, ServerTls, Session};

/// Which side of TLS the session takes.
#[derive(Clone, Debug)]
pub enum StartTls {
    /// The accepting one.
    Server(Arc<ServerTls>),
    /// The connecting one, to a server that must prove to have this name.
    Client(Arc<ClientTls>, String),
}

impl<N: Net> Engine<N> {
    /// Begins TLS on a raw session. Until it is there nothing can be read or written. `early` is what
    /// was read of the peer's first flight already.
    ///
    /// # Errors
    /// [`Refusal::State`] where [`Engine::recv`] says so, when TLS is there already, while bytes wait
    /// to leave, and when bytes came that nobody has read: they are plaintext that somebody on the way
    /// may have put there. [`Refusal::Argument`] when the name is none.
    pub fn start_tls(&mut self, id: Id, start: StartTls, early: &[u8]) -> Result<(), Refusal> {
        let (conn, mut cx) = self.session_mut(id)?;
        let busy = conn.word.is_closing() || conn.ctrl.has_unsent() || conn.data.has_ahead();
        if busy || conn.data.tls().is_some() || !conn.word.incomplete().is_empty() {
            return Err(Refusal::State);
        }
        let (op, session) = match start {
            StartTls::Server(tls) => (Op::TlsAccept, Session::server(&tls)),
            StartTls::Client(tls, name) => {
                let session = Session::client(&tls, &name).map_err(|_| Refusal::Argument)?;
                (Op::TlsConnect, session)
            }
        };
        let timeouts = conn.facts.timeouts();
        if !early.is_empty() {
            let mut ahead = cx.pool.take();
            ahead.extend(early);
            conn.data.ahead = Some(ahead);
        }
        if let Err(failure) = conn.data.put_tls(Box::new(session), &mut cx) {
            conn.fail_session(failure);
        } else {
            // Readiness of the session as it was is no news any more.
            conn.events.remove(Events::READABLE | Events::WRITABLE);
            conn.opening = Opening::Tls;
            conn.word.want(op);
            conn.word.start(op);
            conn.facts.op_since = cx.now;
            conn.arm(cx.now, timeouts.tls);
        }
        self.work(id.key());
        Ok(())
    }
}
