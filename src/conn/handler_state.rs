//! Where a connection stands with the handlers of the host's own.

use super::{Cause, Conn, Op, OpSet};

/// How far the handler is that is asked now.
#[derive(Debug)]
pub(crate) enum HandlerPhase {
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
pub(crate) struct HandlerState {
    /// The operation they are.
    pub(crate) op: Op,
    /// Which of them.
    pub(crate) index: usize,
    /// How far it is.
    pub(crate) phase: HandlerPhase,
    /// The host's user data for this connection in this handler; 0 is none.
    pub(crate) state: u64,
    /// The peer's end has been read.
    pub(crate) ended: bool,
}

impl HandlerState {
    /// The first of them is to be asked.
    pub(crate) const fn new(op: Op) -> Self {
        Self { op, index: 0, phase: HandlerPhase::Due, state: 0, ended: false }
    }
}

/// The operations that handlers of the host's own are.
const CUSTOM: OpSet = OpSet::EMPTY
    .with(Op::CustomRaw)
    .with(Op::CustomClear)
    .with(Op::CustomRawOut)
    .with(Op::CustomClearOut);

impl Conn {
    /// Where it stands with handlers of the host's own.
    pub(crate) fn handler_state(&self) -> Option<&HandlerState> {
        self.facts.rare.as_ref()?.handler_state.as_ref()
    }

    /// The same, to be changed.
    pub(crate) fn handler_state_mut(&mut self) -> Option<&mut HandlerState> {
        self.facts.rare.as_mut()?.handler_state.as_mut()
    }

    /// Whether the answer of a handler is waited for.
    pub(crate) fn is_asked(&self) -> bool {
        self.handler_state()
            .is_some_and(|handler_state| matches!(handler_state.phase, HandlerPhase::Asked))
    }

    /// Whether a handler is to be asked.
    pub(crate) fn has_question(&self) -> bool {
        self.handler_state()
            .is_some_and(|handler_state| matches!(handler_state.phase, HandlerPhase::Due))
    }

    /// Whether handlers were asked, and none is to be any more.
    pub(crate) fn has_done_handlers(&self) -> bool {
        self.handler_state().is_some() && self.word.incomplete().both(CUSTOM).is_empty()
    }
}
