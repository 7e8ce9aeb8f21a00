//! The state of a connection's custom handlers.

use super::{Cause, Conn, Op, OpSet};

/// The state of the handler whose turn it is.
#[derive(Debug)]
pub(crate) enum HandlerPhase {
    /// Its question is to be put.
    Due,
    /// Its answer is waited for.
    Asked,
    /// It waits for bytes, or the end, from the peer.
    Read,
    /// It waits for room for bytes to the peer.
    Write,
    /// It is done: the next one's turn.
    Done,
    /// It refused the connection, or failed.
    Failed(Box<Cause>),
}

/// The custom handlers on one side of TLS, of which one runs at a time.
#[derive(Debug)]
pub(crate) struct HandlerState {
    /// The operation that runs them.
    pub(crate) op: Op,
    /// The index of the current handler.
    pub(crate) index: usize,
    /// The state of the current handler.
    pub(crate) phase: HandlerPhase,
    /// The host's user data for this connection in this handler; 0 is none.
    pub(crate) state: u64,
    /// Whether the peer's end has been read.
    pub(crate) ended: bool,
}

impl HandlerState {
    /// The state before the first question to the first handler.
    pub(crate) const fn new(op: Op) -> Self {
        Self { op, index: 0, phase: HandlerPhase::Due, state: 0, ended: false }
    }
}

/// The operations that run custom handlers.
const CUSTOM: OpSet = OpSet::EMPTY
    .with(Op::CustomRaw)
    .with(Op::CustomClear)
    .with(Op::CustomRawOut)
    .with(Op::CustomClearOut);

impl Conn {
    /// The state of its custom handlers.
    pub(crate) fn handler_state(&self) -> Option<&HandlerState> {
        self.facts.rare.as_ref()?.handler_state.as_ref()
    }

    /// The state of its custom handlers, mutably.
    pub(crate) fn handler_state_mut(&mut self) -> Option<&mut HandlerState> {
        self.facts.rare.as_mut()?.handler_state.as_mut()
    }

    /// Whether the answer of a handler is waited for.
    pub(crate) fn is_asked(&self) -> bool {
        self.handler_state()
            .is_some_and(|handler_state| matches!(handler_state.phase, HandlerPhase::Asked))
    }

    /// Whether a question to a handler is to be put.
    pub(crate) fn has_question(&self) -> bool {
        self.handler_state()
            .is_some_and(|handler_state| matches!(handler_state.phase, HandlerPhase::Due))
    }

    /// Whether it had custom handlers, and all of them have finished.
    pub(crate) fn has_done_handlers(&self) -> bool {
        self.handler_state().is_some() && self.word.incomplete().both(CUSTOM).is_empty()
    }
}
