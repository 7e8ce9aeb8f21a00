//! Half-close over TLS 1.2, where close_notify ends both directions (RFC 5246 section 7.2.1).

use super::{Conn, Op, Wait};
use crate::config::Tls12HalfClose;
use crate::time::Time;

/// The state of a half-close over TLS 1.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HalfClose {
    /// It is not held back.
    #[default]
    Free,
    /// It is held back; the deadline is that of the peer's silence.
    Held,
    /// The hold has ended: its time has passed, or it is no longer needed.
    Due,
}

impl Conn {
    /// Whether the end of the outgoing direction is held back, because the protocol would take it for
    /// the end of both.
    pub(super) fn holds_half_close(&mut self, now: Time) -> bool {
        let close_options = self.facts.close_options();
        let is_half = !self.word.is_wanted(Op::Dshr) && !self.data.half_closes();
        let may_hold = close_options.tls12_half_close == Tls12HalfClose::Hold;
        match self.half_close {
            HalfClose::Free if is_half && may_hold => {
                self.half_close = HalfClose::Held;
                self.deadline = now + close_options.tls12_half_close_hold;
            }
            HalfClose::Held if !is_half => self.release_half_close(now),
            _ => {}
        }
        self.half_close == HalfClose::Held
    }

    /// Ends the hold. Sending the end then gets a deadline of its own.
    fn release_half_close(&mut self, now: Time) {
        self.half_close = HalfClose::Due;
        self.rest(now);
    }

    /// Whether the outgoing direction ends as soon as that is wanted.
    pub(crate) fn ends_at_once(&self) -> bool {
        self.word.is_wanted(Op::Dshr) || self.data.half_closes()
    }

    /// Whether the half-close is held back.
    pub(crate) const fn holds(&self) -> bool {
        matches!(self.half_close, HalfClose::Held)
    }

    /// The peer sent something, or is waited for from now on: the time of silence starts again.
    pub(crate) fn heard(&mut self, now: Time) {
        if self.half_close == HalfClose::Held {
            self.deadline = now + self.facts.close_options().tls12_half_close_hold;
        }
    }

    /// The peer has been silent for the whole hold. That counts only while the connection reads;
    /// otherwise the time starts again with the next read.
    pub(crate) fn fell_silent(&mut self, now: Time) {
        if self.flow.contains(Wait::READ) {
            self.release_half_close(now);
        } else {
            self.deadline = Time::NEVER;
        }
    }
}
