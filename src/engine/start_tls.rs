//! TLS that begins in the middle of a session (STARTTLS).

use std::sync::Arc;

use super::{Engine, Refusal};
use crate::conn::{Events, Op, Opening};
use crate::id::Id;
use crate::slab::Key;
use crate::sys::Net;
use crate::tls::{ClientTls, ServerTls, Session};

/// The role of the session in TLS.
#[derive(Clone, Debug)]
pub enum StartTls {
    /// The server: it accepts the handshake.
    Server(Arc<ServerTls>),
    /// The client, to a server whose certificate must be valid for this name.
    Client(Arc<ClientTls>, String),
}

impl<N: Net> Engine<N> {
    /// Begins TLS on a raw session. Until it is established nothing can be read or written. `early` are
    /// bytes of the peer's first flight that the host has read already.
    ///
    /// # Errors
    /// [`Refusal::State`] as for [`Engine::recv`], when TLS is in use already, while bytes wait to be
    /// sent, and when there are received bytes that were not read: they are plaintext that an attacker
    /// may have injected. [`Refusal::Argument`] when the name is invalid.
    pub fn start_tls(&mut self, id: Id, start: StartTls, early: &[u8]) -> Result<(), Refusal> {
        self.session(id)?;
        self.begin_tls(id.key(), start, early)
    }

    /// The same for any session, also one of an agent.
    pub(super) fn begin_tls(
        &mut self,
        key: Key,
        start: StartTls,
        early: &[u8],
    ) -> Result<(), Refusal> {
        let Self { conns, tools, registry, .. } = self;
        let conn = conns.get_mut(key).map_err(|_| Refusal::Stale)?;
        let mut cx = tools.cx(registry, key);
        let busy = conn.word.is_closing() || conn.ctrl.is_backed_up() || conn.data.has_ahead();
        if busy || conn.data.is_protected() || !conn.word.incomplete().is_empty() {
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
            // Readiness of the raw session says nothing about the TLS session, so it is not reported.
            conn.events.remove(Events::READABLE | Events::WRITABLE);
            conn.opening = Opening::Tls;
            conn.word.want(op);
            conn.word.start(op);
            conn.facts.op_since = cx.now;
            conn.arm(cx.now, timeouts.tls);
        }
        self.work(key);
        Ok(())
    }
}
