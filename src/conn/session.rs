//! A session whose bytes the host itself reads and writes.

use std::io::IoSlice;

use super::{Cause, Conn, Direction, Flags, Op, Wait, Why};
use crate::ctrl::Output;
use crate::cx::Cx;
use crate::data::{Ahead, Read, system};
use crate::sys::{Net, Passed};
use crate::time::Time;

/// The result of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// So many bytes were read, at least one.
    Bytes(usize),
    /// None now: READABLE will be reported.
    Wait,
    /// The peer has ended its side, and everything before that has been read.
    End,
    /// The connection below ended before TLS did: bytes may be missing.
    Truncated,
    /// It failed, for this reason; CLOSED will be reported.
    Failed(Why),
}

/// The result of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// So many bytes were taken, at least one of an offer that had any.
    Bytes(usize),
    /// None now: WRITABLE will be reported.
    Wait,
    /// The peer takes no more, for this reason.
    Failed(Why),
}

impl Conn {
    /// Reads bytes of the session into `to`, which is not empty.
    pub(crate) fn recv<N: Net>(&mut self, cx: &mut Cx<'_, N>, to: &mut [u8]) -> Received {
        if self.word.is_wanted(Op::Dshr) {
            return match self.cause.as_deref() {
                Some(Cause { why: Why::Truncated, .. }) => Received::Truncated,
                Some(cause) if self.word.is_closing() => Received::Failed(cause.why),
                _ => Received::End,
            };
        }
        self.flags.remove(Flags::PEEKED);
        if self.is_limited() {
            return self.recv_limited(cx, to);
        }
        let read = self.data.recv(&mut self.ctrl, cx, to);
        self.received(cx.now, read)
    }

    /// [`Self::recv`] of no more than a limit allows.
    #[cold]
    fn recv_limited<N: Net>(&mut self, cx: &mut Cx<'_, N>, to: &mut [u8]) -> Received {
        let read = match self.allowance(Direction::Read, cx.now).min(to.len()) {
            0 => Ok(Read::Wait),
            n => self.data.recv(&mut self.ctrl, cx, &mut to[..n]),
        };
        if let Ok(Read::Bytes(n)) = read {
            self.spend(Direction::Read, n);
        }
        self.received(cx.now, read)
    }

    /// Reads bytes of the session into `to`, which is not empty, and the descriptor that came with them. Only
    /// for links, which have no limits.
    pub(crate) fn recv_passed<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        to: &mut [u8],
    ) -> (Received, Passed) {
        let plain = !self.data.is_protected() && !self.data.has_ahead();
        if !plain || self.word.is_wanted(Op::Dshr) {
            return (self.recv(cx, to), Passed::Nothing);
        }
        match self.ctrl.recv_passed(cx, to) {
            Ok((input, passed)) => (self.received(cx.now, Ok(input.into())), passed),
            Err(errno) => (self.received(cx.now, Err(system(errno))), Passed::Nothing),
        }
    }

    /// Acts on the result of a read.
    fn received(&mut self, now: Time, read: Result<Read, Box<Cause>>) -> Received {
        match read {
            Ok(Read::Bytes(n)) => {
                self.heard(now);
                self.was_active(now);
                Received::Bytes(n)
            }
            Ok(Read::Wait) => {
                if !self.flags.contains(Flags::READ_ARMED) {
                    self.flags.insert(Flags::READ_ARMED);
                    self.heard(now);
                }
                Received::Wait
            }
            Ok(Read::End) => {
                self.word.shut(Direction::Read);
                Received::End
            }
            Ok(Read::Truncated) => {
                self.truncated();
                self.word.shut(Direction::Read);
                Received::Truncated
            }
            Err(cause) => {
                let why = cause.why;
                self.fail_session(cause);
                Received::Failed(why)
            }
        }
    }

    /// Looks for a failure that the host's poller reported while the client of an agent does not read, and would
    /// miss it.
    pub(crate) fn notice_failure<N: Net>(&mut self, cx: &mut Cx<'_, N>) {
        let moves_bytes = !self.word.is_opening() && !self.word.is_closing();
        if moves_bytes && let Err(errno) = self.ctrl.check(cx) {
            self.fail_session(system(errno));
        }
    }

    /// Whether the host is to read on only in its next turn: there is more, but others have to get
    /// their share. A report at once would make the host go on.
    pub(crate) fn yields(&mut self, received: &Received) -> bool {
        let waits = *received == Received::Wait && !self.is_held_back();
        let yields = waits && self.ctrl.is_readable();
        if yields {
            self.flow |= Wait::READ;
        }
        yields
    }

    /// Takes all bytes of the session. Those for which there is no room wait with what is to be sent, so
    /// that only a caller who bounds them itself may use it. A failure is reported with the end of the
    /// connection.
    pub(crate) fn send_all<N: Net>(&mut self, cx: &mut Cx<'_, N>, from: &[u8]) {
        let mut rest = from;
        while !rest.is_empty() {
            match self.send(cx, rest) {
                Some(Sent::Bytes(n)) => rest = &rest[n..],
                Some(Sent::Wait) => break,
                Some(Sent::Failed(_)) | None => return,
            }
        }
        if let Err(cause) = self.data.queue(&mut self.ctrl, cx, rest) {
            self.fail_writing(cause);
        }
    }

    /// Takes bytes of the session, all or a part; `None` once its write side is shut.
    pub(crate) fn send<N: Net>(&mut self, cx: &mut Cx<'_, N>, from: &[u8]) -> Option<Sent> {
        if self.word.is_wanted(Op::Dshw) {
            return self.cause.as_deref().map(|cause| Sent::Failed(cause.why));
        }
        if self.is_limited() {
            return Some(self.send_limited(cx, from));
        }
        let sent = self.data.send(&mut self.ctrl, cx, from);
        Some(self.sent(cx.now, sent))
    }

    /// [`Self::send`] of several pieces.
    pub(crate) fn send_vectored<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        from: &[IoSlice<'_>],
    ) -> Option<Sent> {
        if self.word.is_wanted(Op::Dshw) {
            return self.cause.as_deref().map(|cause| Sent::Failed(cause.why));
        }
        if self.is_limited() {
            let first = from.iter().find(|piece| !piece.is_empty());
            return Some(self.send_limited(cx, first.map_or(&[], |piece| piece)));
        }
        let sent = self.data.send_vectored(&mut self.ctrl, cx, from);
        Some(self.sent(cx.now, sent))
    }

    /// [`Self::send`] of no more than a limit allows.
    #[cold]
    fn send_limited<N: Net>(&mut self, cx: &mut Cx<'_, N>, from: &[u8]) -> Sent {
        let sent = match self.allowance(Direction::Write, cx.now).min(from.len()) {
            0 if !from.is_empty() => Ok(Output::Wait),
            n => self.data.send(&mut self.ctrl, cx, &from[..n]),
        };
        if let Ok(Output::Bytes(n)) = sent {
            self.spend(Direction::Write, n);
        }
        self.sent(cx.now, sent)
    }

    /// Acts on the result of a write.
    fn sent(&mut self, now: Time, sent: Result<Output, Box<Cause>>) -> Sent {
        match sent {
            Ok(Output::Bytes(n)) => {
                self.was_active(now);
                Sent::Bytes(n)
            }
            Ok(Output::Wait) => {
                self.flags.insert(Flags::WRITE_ARMED);
                Sent::Wait
            }
            Err(cause) => {
                let why = cause.why;
                self.fail_writing(cause);
                Sent::Failed(why)
            }
        }
    }

    /// Copies the next bytes of the session into `to`, which is not empty, and leaves them to the next read.
    /// Returns how many, and whether more are to come: [`Received::Bytes`] when `to` is full or no more can
    /// be held.
    pub(crate) fn peek<N: Net>(&mut self, cx: &mut Cx<'_, N>, to: &mut [u8]) -> (usize, Received) {
        let mut read = Ok(Ahead::Full);
        if self.data.ahead_len() < to.len() && !self.word.is_wanted(Op::Dshr) {
            read = self.data.read_ahead(&mut self.ctrl, cx);
        }
        let n = self.data.copy_ahead(to);
        let more = match read {
            Ok(Ahead::Full) if n == 0 => self.recv(cx, to),
            Ok(Ahead::Full) => Received::Bytes(n),
            Ok(Ahead::Read(Read::Bytes(_))) if n == to.len() => Received::Bytes(n),
            Ok(Ahead::Read(Read::Bytes(_) | Read::Wait)) => {
                self.flags.insert(Flags::READ_ARMED | Flags::PEEKED);
                Received::Wait
            }
            // The reads meet it once they have taken these bytes.
            Ok(Ahead::Read(Read::End)) if n > 0 => Received::End,
            Ok(Ahead::Read(Read::Truncated)) if n > 0 => Received::Truncated,
            Ok(Ahead::Read(read)) => self.received(cx.now, Ok(read)),
            Err(cause) => self.received(cx.now, Err(cause)),
        };
        (n, more)
    }

    /// Whether a read would find something, or, after a peek, something more.
    pub(super) fn has_news(&self) -> bool {
        let buffered = if self.flags.contains(Flags::PEEKED) {
            self.data.has_more()
        } else {
            self.data.has_input()
        };
        buffered || self.ctrl.is_readable()
    }
}
