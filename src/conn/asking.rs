//! Where a connection stands with the handlers of the host's own.

use super::{Cause, Op};

/// How far the handler is that is asked now.
#[derive(Debug)]
pub(crate) enum Phase {
    /// It is to be asked.
    Due,
    /// Its answer is waited for.
    Asked,
    /// It waits for bytes, or the end, from the peer.
    Read,
    /// It waits for room for bytes to the peer.
    Write,
    /// It is done: the next one's turn.
    Done,
    /// It will not have the connection.
    Failed(Box<Cause>),
}

/// The handlers of one side of TLS, of which one at a time is asked.
#[derive(Debug)]
pub(crate) struct Asking {
    /// The operation they are.
    pub(crate) op: Op,
    /// Which of them.
    pub(crate) index: usize,
    /// How far it is.
    pub(crate) phase: Phase,
    /// The host's own word for this connection in this handler; 0 is none.
    pub(crate) state: u64,
    /// The peer's end has been read.
    pub(crate) ended: bool,
}

impl Asking {
    /// The first of them is to be asked.
    pub(crate) const fn new(op: Op) -> Self {
        Self { op, index: 0, phase: Phase::Due, state: 0, ended: false }
    }
}
