//! How connections and streams ended, for the host and its access log.

use crate::conn::{Cause, Conn, Record, RuleState};
use crate::id::{Id, Kind};
use crate::rules::LogLevel;
use crate::slab::Key;
use crate::stream::Termination;
use crate::sys::Net;

use super::listener::Alike;
use super::{Engine, Tools};

/// How both sides of a stream ended.
#[derive(Clone, Debug)]
pub struct EndReport {
    /// The record of the client's side and of the server's. A side that did not end the stream has the
    /// stream's reason.
    pub sides: [Option<Box<Record>>; 2],
    /// Bytes that the server took from the client, and the client from the server.
    pub moved: [u64; 2],
    /// Who ended it, and when.
    pub termination: Termination,
    /// Why it was cut off, or what failed first; `None` when both sides ended in order.
    pub cause: Option<Cause>,
    /// From its beginning to its end, in nanoseconds.
    pub lasted: u64,
    /// From its beginning until its server was reached, in nanoseconds; `None` when it never was.
    pub reached: Option<u64>,
    /// From its beginning until the last byte of each direction was taken, in nanoseconds; 0 when
    /// none was.
    pub last_moved: [u64; 2],
    /// The backend that chose the server, where one did.
    pub backend: Option<Id>,
    /// The server that was assigned to it last.
    pub server: Option<u32>,
    /// How many times a server was assigned to it.
    pub attempts: u32,
    /// How long it waited for a slot, in nanoseconds.
    pub queued: u64,
}

impl<N> Tools<N> {
    /// The record of a connection in its present state.
    pub(super) fn record(&self, key: Key, conn: &Conn) -> Record {
        let facts = &conn.facts;
        let now = self.now;
        let failed_op = conn.cause.as_ref().and_then(|cause| cause.at);
        let log_level = facts.rule_state().and_then(|rule_state| rule_state.log_level);
        Record {
            conn: self.agenda.id(Kind::Conn, key),
            listener: facts.listener.map(|key| self.agenda.id(Kind::Listener, key)),
            cause: conn.cause.as_deref().cloned(),
            peer: facts.peer.clone(),
            local: facts.local().cloned(),
            announced: facts.announced_or_set(),
            bytes_in: conn.ctrl.bytes_in(),
            bytes_out: conn.ctrl.bytes_out(),
            discarded: facts.discarded,
            lost: facts.lost.into(),
            lasted: now.since(facts.opened_at),
            in_op: failed_op.map_or(0, |_| facts.in_op),
            quiet: log_level == Some(LogLevel::Silent),
            captures: facts.rule_state().and_then(RuleState::captured),
            log_level,
            suppressed: 0,
        }
    }
}

impl<N: Net> Engine<N> {
    /// Counts the end of a session or a stream against its listener's bound for the log, and notes in
    /// the record whether it is for the log.
    pub(super) fn bound_log(&mut self, record: &mut Record, alike: Alike) {
        let now = self.tools.now;
        let listener = self.registry.listener_mut(record.listener.map(Id::key));
        let Some(listener) = listener else { return };
        match listener.ends.admit(alike, now, listener.options.ends_per_second) {
            Some(suppressed) => record.suppressed = suppressed,
            None => record.quiet = true,
        }
    }
}
