//! Ending a connection: the one function for it, whatever the reason.

use super::{Cause, CloseMode, Code, Conn, Detail, Op, OpSet, OpWord, Why};
use crate::time::Time;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Written bytes are sent, each layer ends in order, the peer's end is waited for.
    Orderly,
    /// Only what the failed operation still has to send is sent, such as a TLS alert.
    Refused,
    /// Nothing more is sent. The peer sees a reset.
    Abort,
}

impl OpWord {
    /// Gives up the opening operations, and wants the closing ones. A handshake that has begun is
    /// undone by DCLOSE, so that its alert can be sent.
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
    /// Ends the connection. A cause that is latched already stays. A cause without an operation gets
    /// the opening operation that was under way.
    pub(crate) fn end(&mut self, ending: Ending, cause: Option<Box<Cause>>) {
        if self.cause.is_none() {
            let stands_at = self.stands_at();
            self.cause = cause.map(|cause| {
                let mut cause = self.attributed(cause);
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

    /// The cause as the agent has reported it, where an errno stands for that.
    pub(crate) fn attributed(&mut self, cause: Box<Cause>) -> Box<Cause> {
        if !matches!(cause.detail, Detail::Errno(_)) {
            return cause;
        }
        match self.facts.rare.as_mut().and_then(|rare| rare.remote_cause.take()) {
            Some(remote) => Box::new(Cause { at: cause.at.or(remote.at), ..*remote }),
            None => cause,
        }
    }

    /// The session's bytes cannot move any more. Where a protocol above the socket failed, its alert is
    /// still sent.
    pub(crate) fn fail_session(&mut self, cause: Box<Cause>) {
        let ending = match cause.detail {
            Detail::Errno(_) => Ending::Abort,
            Detail::None | Detail::Alert(_) | Detail::Host(_) => Ending::Refused,
        };
        self.end(ending, Some(cause));
    }

    /// The session's bytes cannot be sent any more. After an error of the socket, what the peer sent
    /// before can still be read; after one of a protocol above it, the session ends.
    pub(crate) fn fail_writing(&mut self, cause: Box<Cause>) {
        match cause.detail {
            Detail::Errno(_) => self.end_writing(cause),
            Detail::None | Detail::Alert(_) | Detail::Host(_) => self.fail_session(cause),
        }
    }

    /// The peer takes no more bytes: the write side ends without close_notify, while what the peer sent
    /// before can still be read.
    pub(crate) fn end_writing(&mut self, cause: Box<Cause>) {
        if self.cause.is_none() {
            self.cause = Some(self.attributed(cause));
        }
        self.word.shut(super::Direction::Write);
        self.word.finish(Op::Dshw);
        self.word.finish(Op::Cshw);
    }

    /// The layer below ended before the data layer's own end. That is recorded unless there is a cause
    /// already; bytes may be missing.
    pub(crate) fn truncated(&mut self) {
        if self.cause.is_none() {
            let text = "the peer ended the connection without TLS close_notify: more may have \
                        been meant to come";
            self.cause = Some(Box::new(Cause::new(None, Why::Truncated).because(text)));
        }
    }
}
