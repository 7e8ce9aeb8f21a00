//! One direction of a stream: bytes from the connection of one side to that of the other, in one
//! buffer and only while they are in flight.

use crate::buffer::{Buffer, Pool};
use crate::config::TlsTruncation;
use crate::conn::{Cause, Conn, Detail, Direction, Ending, Op};
use crate::ctrl::{self, Output};
use crate::cx::Cx;
use crate::data::{self, BULK_UNIT, Read, UNIT};
use crate::pipes::PipeId;
use crate::sys::Net;
use crate::time::Time;

/// The most bytes that one direction relays in one drive, so that a bulk transfer does not delay all
/// other connections.
const BYTES_PER_DRIVE: u64 = 256 * 1024;

/// After so many consecutive reads that fill a buffer, a transfer counts as bulk.
const FULL_READS: u8 = 2;

/// The state of the source of a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SourceState {
    /// It may have more bytes.
    #[default]
    Open,
    /// It has ended, and all its bytes have been read.
    Ended,
    /// It has failed, or ended without close_notify: the rest of its bytes is missing.
    Short,
}

/// One direction: from the connection of one side to that of the other.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    /// Bytes that were read from the source, and not taken by the destination yet.
    pub(crate) buffer: Option<Buffer>,
    source: SourceState,
    /// Bytes that the destination took.
    pub(crate) moved: u64,
    /// When the destination last took bytes.
    pub(crate) moved_at: Time,
    /// Bytes in the pipe.
    held: u32,
    /// The pipe that bulk transfers use instead of the buffer.
    pipe: Option<PipeId>,
    /// How many consecutive reads filled a buffer.
    full: u8,
    /// Whether the end was passed on: nothing is relayed any more.
    pub(crate) over: bool,
}

/// The result of relaying one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// The source is to be read when it can be.
    pub(crate) wants_read: bool,
    /// The destination is to be written when it can be.
    pub(crate) wants_write: bool,
    /// There is more to do at once, but this drive has relayed as much as one drive may.
    pub(crate) wants_turn: bool,
    /// The source brought bytes.
    pub(crate) brought: bool,
    /// The destination took bytes.
    pub(crate) took: bool,
}

impl Lane {
    /// Whether bytes wait in it.
    pub(crate) fn is_loaded(&self) -> bool {
        self.held > 0 || !self.bytes().is_empty()
    }

    /// Whether the source has ended and all its bytes were read, as far as the lane has noted.
    pub(crate) fn has_ended(&self) -> bool {
        self.source == SourceState::Ended
    }

    /// Whether bytes of the source may be missing.
    pub(crate) fn falls_short(&self) -> bool {
        self.source == SourceState::Short
    }

    /// Notes the end of a source that the lane did not read itself.
    pub(crate) fn note_source(&mut self, from: &Conn) {
        if self.source == SourceState::Open && !may_bring(from) {
            self.source =
                if from.cause.is_some() { SourceState::Short } else { SourceState::Ended };
        }
    }

    /// How many bytes wait in it.
    pub(crate) fn waiting(&self) -> usize {
        self.held as usize + self.bytes().len()
    }

    /// The bytes that wait in the buffer.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.as_ref().map_or(&[], Buffer::bytes)
    }

    /// Drops the bytes that wait, and stops relaying.
    pub(crate) fn cut<N: Net>(&mut self, cx: &mut Cx<'_, N>) {
        if let Some(buffer) = self.buffer.take() {
            cx.pool.give(buffer);
        }
        self.give_pipe(cx);
        self.over = true;
    }

    /// Returns the pipe; bytes in it are lost.
    pub(crate) fn give_pipe<N: Net>(&mut self, cx: &mut Cx<'_, N>) {
        if let Some(pipe) = self.pipe.take() {
            cx.pipes.give(cx.net, pipe, self.held > 0);
            self.held = 0;
        }
    }

    /// The destination took `n` of the bytes that wait.
    pub(crate) fn taken(&mut self, n: usize, pool: &mut Pool) {
        if let Some(buffer) = &mut self.buffer {
            buffer.consume(n);
        }
        self.note_taken(n, pool);
    }

    /// The destination took `n` of the bytes that waited, which are consumed already.
    pub(crate) fn note_taken(&mut self, n: usize, pool: &mut Pool) {
        self.moved += n as u64;
        pool.give_empty(&mut self.buffer);
    }

    /// Offers the bytes that wait to the destination, as fast as its limit allows. Returns whether the
    /// lane is empty afterwards.
    pub(crate) fn offer<N: Net>(
        &mut self,
        to: &mut Conn,
        cx: &mut Cx<'_, N>,
        moved: &mut Moved,
    ) -> bool {
        // The end is passed on as soon as these bytes are taken, so that they can leave with it.
        let has_last = self.has_ended() && to.ends_at_once();
        while !self.bytes().is_empty() {
            let (mut piece, mut is_last) = (self.bytes(), has_last);
            if to.is_limited() {
                let allowed = to.allowance(Direction::Write, cx.now);
                if allowed == 0 {
                    return false;
                }
                is_last &= allowed >= piece.len();
                piece = &piece[..piece.len().min(allowed)];
            }
            let sent = if is_last {
                to.data.send_last(&mut to.ctrl, cx, piece)
            } else {
                to.data.send(&mut to.ctrl, cx, piece)
            };
            match sent {
                Ok(Output::Bytes(0)) | Ok(Output::Wait) => {
                    moved.wants_write = true;
                    return false;
                }
                Ok(Output::Bytes(n)) => {
                    self.taken(n, cx.pool);
                    to.spend(Direction::Write, n);
                    moved.took = true;
                }
                Err(cause) => {
                    self.cut(cx);
                    to.fail_writing(cause);
                    return true;
                }
            }
        }
        self.pour(to, cx, moved)
    }

    /// Offers the bytes in the pipe to the destination. Returns whether the pipe is empty afterwards.
    fn pour<N: Net>(&mut self, to: &mut Conn, cx: &mut Cx<'_, N>, moved: &mut Moved) -> bool {
        while let Some(pipe) = self.pipe.filter(|_| self.held > 0) {
            let allowed = to.allowance(Direction::Write, cx.now);
            if allowed == 0 {
                return false;
            }
            match to.ctrl.pour(cx, pipe, allowed.min(self.held as usize)) {
                Ok(Output::Bytes(0) | Output::Wait) => {
                    moved.wants_write = true;
                    return false;
                }
                Ok(Output::Bytes(n)) => {
                    self.held -= n as u32;
                    self.moved += n as u64;
                    to.spend(Direction::Write, n);
                    moved.took = true;
                }
                Err(errno) => {
                    self.cut(cx);
                    to.end_writing(data::system(errno));
                }
            }
        }
        true
    }

    /// Reads the next piece from the source into the buffer or a pipe, about `most` bytes at most. `raw`
    /// is set if the destination is a socket and sends bytes unchanged. Returns whether the lane is loaded
    /// afterwards.
    pub(crate) fn load<N: Net>(
        &mut self,
        from: &mut Conn,
        cx: &mut Cx<'_, N>,
        raw: bool,
        most: usize,
        moved: &mut Moved,
    ) -> bool {
        let brought = match self.borrow_pipe(from, cx, raw) {
            Some(pipe) => self.fill(from, cx, pipe, most),
            None => self.read(from, cx, most),
        };
        if let Ok(Read::Bytes(n)) = brought {
            from.spend(Direction::Read, n);
            moved.brought = true;
            self.read_end(from, cx, most.saturating_sub(n), moved);
            return true;
        }
        self.note_read(from, moved, brought);
        // Nothing arrives for now, so the pipe is returned for a lane that has bytes.
        self.give_pipe(cx);
        false
    }

    /// Reads the end behind the bytes in the buffer, where it is known to be there, and at most `most`
    /// bytes before it.
    fn read_end<N: Net>(
        &mut self,
        from: &mut Conn,
        cx: &mut Cx<'_, N>,
        mut most: usize,
        moved: &mut Moved,
    ) {
        while let Some(buffer) = &mut self.buffer
            && let Some(read) = from.data.recv_end(&mut from.ctrl, cx, buffer, most)
        {
            let Ok(Read::Bytes(n)) = read else { return self.note_read(from, moved, read) };
            from.spend(Direction::Read, n);
            most = most.saturating_sub(n);
        }
    }

    /// Notes what a read came to: where it did not bring bytes, whether the source has more.
    fn note_read(&mut self, from: &mut Conn, moved: &mut Moved, read: Result<Read, Box<Cause>>) {
        match read {
            Ok(Read::Bytes(_)) => {}
            Ok(Read::Wait) => moved.wants_read = true,
            Ok(Read::End) => {
                // After a write has failed with a reset, the socket reads as ended: that is no end in
                // order.
                if from.data.tls().is_some() || !is_reset(from) {
                    self.source = SourceState::Ended;
                }
                from.word.shut(Direction::Read);
            }
            Ok(Read::Truncated) => {
                from.truncated();
                match from.facts.close_options().tls_truncation {
                    TlsTruncation::Pass => from.word.shut(Direction::Read),
                    TlsTruncation::Abort => from.end(Ending::Abort, None),
                }
            }
            Err(cause) => from.fail_session(cause),
        }
    }

    /// A pipe, for a bulk transfer whose bytes neither side changes.
    fn borrow_pipe<N: Net>(
        &mut self,
        from: &Conn,
        cx: &mut Cx<'_, N>,
        raw: bool,
    ) -> Option<PipeId> {
        let unchanged = raw && from.data.tls().is_none() && !from.data.has_ahead();
        if !unchanged || !self.is_bulk() || !from.ctrl.can_splice() {
            return None;
        }
        if self.pipe.is_none() {
            self.pipe = cx.pipes.take(cx.net, cx.limits.outgoing_fds);
        }
        self.pipe
    }

    fn fill<N: Net>(
        &mut self,
        from: &mut Conn,
        cx: &mut Cx<'_, N>,
        pipe: PipeId,
        most: usize,
    ) -> Result<Read, Box<Cause>> {
        let filled = match from.ctrl.fill(cx, pipe, most) {
            // Nothing was moved, so the bytes are copied; no lane of the engine splices any more.
            Err(errno) if ctrl::is_of_splice(errno) => {
                self.give_pipe(cx);
                cx.pipes.forbid();
                return self.read(from, cx, most);
            }
            other => Read::from(other.map_err(data::system)?),
        };
        if let Read::Bytes(n) = filled {
            self.held = n as u32;
            if n < UNIT.min(most) {
                // The transfer counts as bulk again only after two more full buffers.
                self.full = 0;
            }
        }
        Ok(filled)
    }

    fn read<N: Net>(
        &mut self,
        from: &mut Conn,
        cx: &mut Cx<'_, N>,
        most: usize,
    ) -> Result<Read, Box<Cause>> {
        let limit = most.min(if self.is_bulk() { BULK_UNIT } else { UNIT });
        let read = from.data.recv_buffer(&mut from.ctrl, cx, &mut self.buffer, limit)?;
        // A wait leaves the count as it is: with level-triggered readiness, each read is followed by
        // one. So does a piece that a limit made short.
        match read {
            Read::Bytes(n) if n >= UNIT => self.full = self.full.saturating_add(1),
            Read::Bytes(n) if n < most => self.full = 0,
            _ => {}
        }
        Ok(read)
    }

    /// Whether the transfer is bulk, so that larger pieces justify the memory they need.
    const fn is_bulk(&self) -> bool {
        self.full >= FULL_READS
    }

    /// Whether this drive has relayed as much of the lane as one drive may; `moved_before` is the count
    /// at its start.
    pub(crate) const fn is_sated(&self, moved_before: u64) -> bool {
        self.moved - moved_before >= BYTES_PER_DRIVE
    }
}

/// Whether a write has failed because of a reset. EPIPE means that the peer's FIN had arrived before
/// it.
fn is_reset(conn: &Conn) -> bool {
    let errno = conn.cause.as_ref().map(|cause| cause.detail);
    matches!(errno, Some(Detail::Errno(errno)) if errno.0 != libc::EPIPE)
}

/// Whether the source of a lane can still bring bytes.
pub(crate) const fn may_bring(from: &Conn) -> bool {
    !from.word.is_wanted(Op::Dshr)
}
