//! The end of one direction where the protocol has no word for it: TLS 1.2 takes the end of one side
//! for that of both (RFC 5246 section 7.2.1).

use super::{Conn, Op, Wait};
use crate::config::Tls12HalfClose;
use crate::time::Time;

/// A half-close that TLS 1.2 has no word for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HalfClose {
    /// It is not held back.
    #[default]
    Free,
    /// It is held back, and the deadline is that of the peer's silence.
    Held,
    /// It was held back for long enough, or needs to be no more.
    Due,
}

impl Conn {
    /// Whether the end of the outgoing side is held back, as the end of one side that the protocol
    /// takes for that of both.
    pub(super) fn holds_half_close(&mut self, now: Time) -> bool {
        let close_options = self.facts.close_options();
        let is_half = !self.word.is_wanted(Op::Dshr) && !self.data.half_closes();
        let may_hold = close_options.tls12_half_close == Tls12HalfClose::Hold;
        match self.half_close {
            HalfClose::Free if is_half && may_hold => {
                self.half_close = HalfClose::Held;
                self.deadline = now + close_options.tls12_half_close_hold;
            }
            HalfClose::Held if !is_half => self.release_half_close(),
            _ => {}
        }
        self.half_close == HalfClose::Held
    }

    /// What was held back is sent, with a deadline of its own.
    const fn release_half_close(&mut self) {
        self.half_close = HalfClose::Due;
        self.deadline = Time::NEVER;
    }

    /// The peer has said something, or is waited for from now on: it is not silent.
    pub(crate) fn heard(&mut self, now: Time) {
        if self.half_close == HalfClose::Held {
            self.deadline = now + self.facts.close_options().tls12_half_close_hold;
        }
    }

    /// The peer has been silent for as long as a half-close is held back for that. As long as nobody
    /// reads from it that says nothing: the time begins when somebody does.
    pub(crate) fn fell_silent(&mut self) {
        if self.flow.contains(Wait::READ) {
            self.release_half_close();
        } else {
            self.deadline = Time::NEVER;
        }
    }
}
