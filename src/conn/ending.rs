//! The one way a connection ends, whatever the reason.

use super::{Cause, CloseMode, Code, Conn, Detail, Op, OpSet, OpWord, Why};
use crate::time::Time;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything written leaves, each layer says its goodbye, the peer's end is waited for.
    Orderly,
    /// Only what the failed operation left to say leaves.
    Refused,
    /// Nothing more leaves. The peer sees a reset.
    Abort,
}

impl OpWord {
    /// Turns the word towards the end: opening operations are given up, closing ones wanted. A
    /// handshake that has begun is undone by DCLOSE, so that its alert can leave.
    pub fn end(&mut self, ending: Ending) {
        for op in self.incomplete().both(OpSet::OPENING).iter() {
            match (op, self.code(op)) {
                (_, Code::Wanted) => self.skip(op),
                (Op::TlsAccept | Op::TlsConnect, _) => {}
                _ => self.undo(op),
            }
        }
        for op in OpSet::CLOSING.iter() {
            self.want(op);
        }
        if ending == Ending::Abort {
            for op in [Op::Dshw, Op::Dshr, Op::Cshw, Op::Cshr] {
                self.finish(op);
            }
        }
    }
}

impl Conn {
    /// Ends the connection. A cause that is latched already stays. One that does not say where has the
    /// opening operation that is given up for it.
    pub(crate) fn end(&mut self, ending: Ending, cause: Option<Box<Cause>>) {
        if self.cause.is_none() {
            let stands_at = self.stands_at();
            self.cause = cause.map(|mut cause| {
                cause.at = cause.at.or(stands_at);
                cause
            });
        }
        if ending == Ending::Abort {
            self.closes(CloseMode::Reset);
        }
        self.word.end(ending);
        self.deadline = Time::NEVER;
        self.retry_at = Time::NEVER;
    }

    /// The session's bytes cannot go on. Where a protocol above the socket failed, its last word, an
    /// alert, still leaves.
    pub(crate) fn fail_session(&mut self, cause: Box<Cause>) {
        let ending = match cause.detail {
            Detail::Errno(_) => Ending::Abort,
            Detail::None | Detail::Alert(_) | Detail::Host(_) => Ending::Refused,
        };
        self.end(ending, Some(cause));
    }

    /// The session's bytes cannot be sent any more. Where the socket said so, what the peer sent
    /// before can still be read; where a protocol above it did, that is the session's end.
    pub(crate) fn fail_writing(&mut self, cause: Box<Cause>) {
        match cause.detail {
            Detail::Errno(_) => self.end_writing(cause),
            Detail::None | Detail::Alert(_) | Detail::Host(_) => self.fail_session(cause),
        }
    }

    /// The peer takes no more bytes: the write side is over without a goodbye, while what the peer
    /// sent before can still be read.
    pub(crate) fn end_writing(&mut self, cause: Box<Cause>) {
        if self.cause.is_none() {
            self.cause = Some(cause);
        }
        self.word.shut(super::Direction::Write);
        self.word.finish(Op::Dshw);
        self.word.finish(Op::Cshw);
    }

    /// The layer below ended before the data layer's own end: recorded, and else an end that nothing
    /// vouches for.
    pub(crate) fn truncated(&mut self) {
        if self.cause.is_none() {
            let text = "the peer ended the connection without TLS close_notify: more may have \
                        been meant to come";
            self.cause = Some(Box::new(Cause::new(None, Why::Truncated).because(text)));
        }
    }
}
