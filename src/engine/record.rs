//! How a connection ended, for the host and its access log. One record serves refusals, sessions
//! and streams.

use crate::conn::{Cause, Conn};
use crate::id::Id;
use crate::sys::{Addr, Net};

use super::Engine;

/// How one connection ended.
#[derive(Clone, Debug)]
pub struct Record {
    /// The connection. Stale by the time it is read.
    pub conn: Id,
    /// The listener it came from.
    pub listener: Option<Id>,
    /// Why it ended; `None` when it ended as it should.
    pub cause: Option<Cause>,
    /// The other end of the socket.
    pub peer: Addr,
    /// Our end of the socket, where it is known.
    pub local: Option<Addr>,
    /// The source and destination a PROXY header announced.
    pub announced: Option<(Addr, Addr)>,
    /// Bytes read from the wire.
    pub bytes_in: u64,
    /// Bytes the kernel took for the wire.
    pub bytes_out: u64,
    /// Bytes that were read and thrown away.
    pub discarded: u64,
    /// From its beginning to its end, in nanoseconds.
    pub lasted: u64,
    /// From the beginning of the operation that failed to the end, in nanoseconds; 0 where none
    /// failed.
    pub in_op: u64,
    /// Refusals of the same kind that were counted and not told since the last one that was.
    pub suppressed: u64,
}

/// How both sides of a stream ended.
#[derive(Clone, Debug)]
pub struct EndReport {
    /// The client's side and the server's.
    pub sides: [Option<Box<Record>>; 2],
    /// Bytes the server took of the client's, and the client of the server's.
    pub moved: [u64; 2],
    /// Why the stream was cut, where it was.
    pub cause: Option<Cause>,
    /// From its beginning to its end, in nanoseconds.
    pub lasted: u64,
}

impl<N: Net> Engine<N> {
    /// The record of a connection as it stands.
    pub(super) fn record(&self, id: Id, conn: &Conn) -> Record {
        let facts = &conn.facts;
        let now = self.tools.now;
        let failed_op = conn.cause.as_ref().and_then(|cause| cause.at);
        Record {
            conn: id,
            listener: facts.listener.map(|key| self.id(crate::id::Kind::Listener, key)),
            cause: conn.cause.as_deref().cloned(),
            peer: facts.peer.clone(),
            local: facts.local.clone(),
            announced: facts.header.as_ref().and_then(|header| header.ends()),
            bytes_in: conn.ctrl.bytes_in,
            bytes_out: conn.ctrl.bytes_out,
            discarded: facts.discarded,
            lasted: now.since(facts.opened_at),
            in_op: failed_op.map_or(0, |_| now.since(facts.op_since)),
            suppressed: 0,
        }
    }
}
