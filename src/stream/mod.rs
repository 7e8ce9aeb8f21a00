//! A stream: two connections and the bytes between them, one buffer per direction and only while
//! bytes are in flight.

use crate::buffer::{Buffer, Pool};
use crate::conn::{Cause, Conn, Direction, Op, Record};
use crate::ctrl::{Input, Output};
use crate::cx::Cx;
use crate::slab::Key;
use crate::sys::Net;
use crate::time::Time;
use crate::wheel::Timer;

/// The most bytes one direction moves in one drive, so that a bulk transfer leaves room for others.
const BYTES_PER_DRIVE: u64 = 256 * 1024;

/// The interface towards the client, and the one towards the server.
pub(crate) const CLIENT: u8 = 0;
/// See [`CLIENT`].
pub(crate) const SERVER: u8 = 1;

/// How the two interfaces are told apart where a side is an index.
pub(crate) const fn other(side: u8) -> u8 {
    1 - side
}

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

/// Two connections joined.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The connections, client's first; `None` once one is gone.
    pub(crate) conns: [Option<Key>; 2],
    /// The directions, by the side they come from.
    pub(crate) lanes: [Lane; 2],
    /// How each side ended.
    pub(crate) ends: [Option<Box<Record>>; 2],
    /// Why the stream as a whole was cut, where it was.
    pub(crate) cause: Option<Box<Cause>>,
    /// The longest silence in nanoseconds; 0 is no bound.
    pub(crate) idle: u64,
    /// When a byte last moved.
    pub(crate) active_at: Time,
    /// When it began.
    pub(crate) opened_at: Time,
    /// Its place in the timer wheel.
    pub(crate) timer: Timer,
    /// The host's own word for it.
    pub(crate) user: u64,
    /// Whether its end waits to be told.
    pub(crate) told: bool,
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
    /// Bytes moved or an end was passed on.
    pub(crate) progressed: bool,
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
                    moved.progressed = true;
                }
                Err(cause) => {
                    self.cut(cx.pool);
                    to.end_writing(cause);
                    moved.progressed = true;
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
                moved.progressed = true;
                return true;
            }
            Ok(Input::Wait) => moved.wants_read = true,
            Ok(Input::End) => {
                from.word.shut(Direction::Read);
                moved.progressed = true;
            }
            Ok(Input::Truncated) => {
                from.truncated();
                from.word.shut(Direction::Read);
                moved.progressed = true;
            }
            Err(cause) => {
                from.fail_session(cause);
                moved.progressed = true;
            }
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
