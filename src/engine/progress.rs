//! How far a host has come with what it was told of, for who checks that it goes on. Nothing here changes
//! anything.

use super::Engine;
use crate::conn::{Flags, Op};
use crate::id::{Id, Kind};
use crate::sys::Net;

impl<N: Net> Engine<N> {
    /// The bytes that the host has read of a session for which READABLE was reported, while it is to read
    /// on: `None` once a read had to wait, when the direction or the session has ended, and for what is no
    /// session of the host's.
    pub fn read_of(&self, session: Id) -> Option<u64> {
        let conn = self.session(session).ok()?;
        if conn.flags.contains(Flags::READ_ARMED) || conn.word.is_wanted(Op::Dshr) {
            return None;
        }
        let ahead = conn.data.ahead.as_ref().map_or(0, |ahead| ahead.len() as u64);
        Some(conn.ctrl.bytes_in().saturating_sub(ahead))
    }

    /// The same for the bytes that the host has written, and WRITABLE.
    pub fn written_of(&self, session: Id) -> Option<u64> {
        let conn = self.session(session).ok()?;
        if conn.flags.contains(Flags::WRITE_ARMED) || conn.word.is_wanted(Op::Dshw) {
            return None;
        }
        Some(conn.ctrl.bytes_out() + conn.ctrl.unsent() as u64)
    }

    /// Whether a handler still owes the answer that it announced with this ticket.
    pub fn awaits_answer(&self, conn: Id, ticket: u32) -> bool {
        self.conn(conn).is_ok_and(|conn| {
            let is_last = conn.facts.rare.as_ref().is_some_and(|rare| rare.ticket == ticket);
            is_last && conn.is_asked()
        })
    }

    /// The bytes that a connection has received and sent, by the token of its descriptor.
    pub fn moved_by(&self, token: Id) -> u64 {
        match self.conns.get(token.key()) {
            Ok(conn) if token.kind() == Kind::ConnFd => {
                conn.ctrl.bytes_in() + conn.ctrl.bytes_out()
            }
            _ => 0,
        }
    }
}
