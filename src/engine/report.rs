//! Answers about a connection, for the host that asks and the person who debugs.

use std::fmt::Write;

use super::{Engine, Refusal};
use crate::conn::{Conn, Op, State, Wait};
use crate::ctrl::FdState;
use crate::id::Id;
use crate::sys::{Addr, Net};
use crate::tls::Negotiated;
use crate::wire::proxy::Header;

impl<N: Net> Engine<N> {
    /// The state of a connection.
    ///
    /// # Errors
    /// A stale id.
    pub fn state(&self, id: Id) -> Result<State, Refusal> {
        Ok(self.conn(id)?.state())
    }

    /// Both ends of the socket.
    ///
    /// # Errors
    /// A stale id; what the system answers.
    pub fn socket_ends(&mut self, id: Id) -> Result<(Addr, Addr), Refusal> {
        let key = self.conn_key(id)?;
        let conn = self.conns.get_mut(key).map_err(|_| Refusal::Stale)?;
        let peer = conn.facts.peer.clone();
        let local = conn.local(&mut self.tools.net).ok_or(Refusal::State)?;
        Ok((peer, local))
    }

    /// Source and destination the connection stands for: the announced ones, else the socket's.
    ///
    /// # Errors
    /// A stale id; what the system answers.
    pub fn ends(&mut self, id: Id) -> Result<(Addr, Addr), Refusal> {
        let key = self.conn_key(id)?;
        let conn = self.conns.get_mut(key).map_err(|_| Refusal::Stale)?;
        conn.ends(&mut self.tools.net).ok_or(Refusal::State)
    }

    /// The PROXY header that came first.
    ///
    /// # Errors
    /// A stale id.
    pub fn header(&self, id: Id) -> Result<Option<&Header>, Refusal> {
        Ok(self.conn(id)?.facts.header.as_deref())
    }

    /// What TLS negotiated; `None` on a raw connection.
    ///
    /// # Errors
    /// A stale id.
    pub fn negotiated(&self, id: Id) -> Result<Option<Negotiated<'_>>, Refusal> {
        Ok(self.conn(id)?.data.tls().and_then(crate::tls::Session::negotiated))
    }

    /// Everything about a connection, as one line of `name=value`.
    ///
    /// # Errors
    /// A stale id.
    pub fn describe(&self, id: Id) -> Result<String, Refusal> {
        let conn = self.conn(id)?;
        let mut line = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_description(id, conn, &mut line);
        Ok(line)
    }

    fn write_description(&self, id: Id, conn: &Conn, line: &mut String) -> std::fmt::Result {
        let word = conn.word;
        write!(line, "conn={:#018x} state={}", id.bits(), conn.state().name())?;
        write!(line, " shr={} shw={}", word.is_wanted(Op::Dshr), word.is_wanted(Op::Dshw))?;
        write!(line, " err={}", conn.cause.is_some())?;
        let fd = &conn.ctrl.fd;
        let fd_state = match fd.state() {
            FdState::Closed => "CLOSED",
            FdState::Listen => "LISTEN",
            FdState::Ready => "READY",
            FdState::Error => "ERROR",
        };
        write!(line, " fd={}", fd.get().map_or(-1, |fd| fd.0))?;
        write!(line, " fd_state={fd_state} peer={}", conn.facts.peer)?;
        write!(line, " wanted={:?} announced={:?}", fd.wanted.bits(), fd.announced.bits())?;
        write!(line, " ready={:?}", fd.ready.bits())?;
        let ctrl_up = !word.incomplete().has(Op::CtrlConnect) && fd.get().is_some();
        write!(line, " ctrl_connected={ctrl_up}")?;
        write!(line, " ctrl_shutr={}", word.is_complete(Op::Cshr))?;
        write!(line, " ctrl_shutw={}", word.is_complete(Op::Cshw))?;
        let layer = if conn.data.tls().is_some() { "tls" } else { "raw" };
        write!(line, " data={layer} data_connected={}", !word.is_opening())?;
        write!(line, " data_shutr={}", word.is_complete(Op::Dshr))?;
        write!(line, " data_shutw={}", word.is_complete(Op::Dshw))?;
        write!(line, " ops=[{word}]")?;
        let ahead = conn.data.ahead.as_ref().map_or(0, crate::buffer::Buffer::len);
        let unsent = conn.ctrl.out.as_ref().map_or(0, crate::buffer::Buffer::len);
        write!(line, " in={} out={}", conn.ctrl.bytes_in, conn.ctrl.bytes_out)?;
        write!(line, " ahead={ahead} unsent={unsent}")?;
        let deadline = conn.next_deadline();
        if deadline != crate::time::Time::NEVER {
            let left = deadline.since(self.tools.now) / crate::time::MILLISECOND;
            write!(line, " deadline_ms={left}")?;
        }
        write!(line, " waits={}", waits(conn))?;
        if let Some(cause) = &conn.cause {
            write!(line, " cause=\"{cause}\"")?;
        }
        Ok(())
    }
}

/// Why a connection does not go on by itself, in words.
fn waits(conn: &Conn) -> String {
    let waits = conn.waits | conn.flow;
    let names = [
        (Wait::READ, "read"),
        (Wait::WRITE, "write"),
        (Wait::TIMER, "timer"),
        (Wait::TURN, "turn"),
        (Wait::RELEASE, "release"),
    ];
    let words: Vec<_> =
        names.iter().filter(|(wait, _)| waits.contains(*wait)).map(|(_, name)| *name).collect();
    if words.is_empty() { "host".to_owned() } else { words.join("+") }
}
