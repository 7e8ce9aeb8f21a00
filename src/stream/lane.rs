//! One direction of a stream: bytes from the connection of one side to that of the other, in one
//! buffer and only while they are in flight.

use crate::buffer::{Buffer, Pool};
use crate::config::TlsTruncation;
use crate::conn::{Conn, Direction, Ending, Op};
use crate::ctrl::{Input, Output};
use crate::cx::Cx;
use crate::sys::Net;

/// The most bytes one direction moves in one drive, so that a bulk transfer leaves room for others.
const BYTES_PER_DRIVE: u64 = 256 * 1024;

/// One direction: from the connection of one side to that of the other.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    /// Bytes read from the source that the destination has not taken.
    pub(crate) buffer: Option<Buffer>,
    /// Bytes the destination took.
    pub(crate) moved: u64,
    /// Whether the end was passed on: nothing moves any more.
    pub(crate) over: bool,
}

/// What moving one lane came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// The source is to be read when it can be.
    pub(crate) wants_read: bool,
    /// The destination is to be written when it can be.
    pub(crate) wants_write: bool,
    /// There is more to do at once, but this drive's share is used up.
    pub(crate) wants_turn: bool,
    /// The source brought bytes.
    pub(crate) brought: bool,
    /// The destination took bytes.
    pub(crate) took: bool,
}

impl Lane {
    /// Whether bytes wait in it.
    pub(crate) fn is_loaded(&self) -> bool {
        self.buffer.as_ref().is_some_and(|buffer| !buffer.is_empty())
    }

    /// The bytes that wait.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.as_ref().map_or(&[], Buffer::bytes)
    }

    /// Drops what waits, and nothing moves any more.
    pub(crate) fn cut(&mut self, pool: &mut Pool) {
        if let Some(buffer) = self.buffer.take() {
            pool.give(buffer);
        }
        self.over = true;
    }

    /// The destination took `n` of the bytes that wait.
    pub(crate) fn taken(&mut self, n: usize, pool: &mut Pool) {
        if let Some(buffer) = &mut self.buffer {
            buffer.consume(n);
            self.moved += n as u64;
        }
        pool.give_empty(&mut self.buffer);
    }

    /// Offers what waits to the destination. Tells whether the lane is empty afterwards.
    pub(crate) fn offer<N: Net>(
        &mut self,
        to: &mut Conn,
        cx: &mut Cx<'_, N>,
        moved: &mut Moved,
    ) -> bool {
        while self.is_loaded() {
            match to.data.send(&mut to.ctrl, cx, self.bytes()) {
                Ok(Output::Bytes(0)) | Ok(Output::Wait) => {
                    moved.wants_write = true;
                    return false;
                }
                Ok(Output::Bytes(n)) => {
                    self.taken(n, cx.pool);
                    moved.took = true;
                }
                Err(cause) => {
                    self.cut(cx.pool);
                    to.end_writing(cause);
                    return true;
                }
            }
        }
        true
    }

    /// Reads the next buffer from the source. Tells whether the lane is loaded afterwards.
    pub(crate) fn load<N: Net>(
        &mut self,
        from: &mut Conn,
        cx: &mut Cx<'_, N>,
        limit: usize,
        moved: &mut Moved,
    ) -> bool {
        match from.data.recv_buffer(&mut from.ctrl, cx, &mut self.buffer, limit) {
            Ok(Input::Bytes(_)) => {
                moved.brought = true;
                return true;
            }
            Ok(Input::Wait) => moved.wants_read = true,
            Ok(Input::End) => from.word.shut(Direction::Read),
            Ok(Input::Truncated) => {
                from.truncated();
                match from.facts.farewell().tls_truncation {
                    TlsTruncation::Pass => from.word.shut(Direction::Read),
                    TlsTruncation::Abort => from.end(Ending::Abort, None),
                }
            }
            Err(cause) => from.fail_session(cause),
        }
        false
    }

    /// Whether this drive has used up the lane's share, `moved_before` bytes ago.
    pub(crate) const fn is_sated(&self, moved_before: u64) -> bool {
        self.moved - moved_before >= BYTES_PER_DRIVE
    }
}

/// Whether the source of a lane can still bring bytes.
pub(crate) const fn may_bring(from: &Conn) -> bool {
    !from.word.is_wanted(Op::Dshr)
}
