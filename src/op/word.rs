//! The word that holds the state of all operations of a connection.

use std::fmt;

use super::{Code, Direction, Op, OpSet};

/// The state of every operation of one connection.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct OpWord(u64);

impl OpWord {
    const LOW_BITS: u64 = 0x5555_5555_5555_5555;

    /// The state of `op`.
    #[must_use]
    pub const fn code(self, op: Op) -> Code {
        match (self.0 >> (2 * op.position())) & 0b11 {
            0b00 => Code::Unwanted,
            0b10 => Code::Wanted,
            0b11 => Code::Started,
            _ => Code::Complete,
        }
    }

    /// The operations that are wanted and not complete.
    #[must_use]
    pub const fn incomplete(self) -> OpSet {
        OpSet((self.0 >> 1) & Self::LOW_BITS)
    }

    /// The operations that are at least started: what they made must still be freed.
    #[must_use]
    pub const fn started(self) -> OpSet {
        OpSet(self.0 & Self::LOW_BITS)
    }

    /// The operations that are not `00`.
    #[must_use]
    pub const fn wanted(self) -> OpSet {
        OpSet((self.0 | (self.0 >> 1)) & Self::LOW_BITS)
    }

    /// The operations that are in another state in `other`.
    #[must_use]
    pub const fn differing(self, other: Self) -> OpSet {
        let bits = self.0 ^ other.0;
        OpSet((bits | bits >> 1) & Self::LOW_BITS)
    }

    /// Whether `op` is `01`.
    #[must_use]
    pub const fn is_complete(self, op: Op) -> bool {
        matches!(self.code(op), Code::Complete)
    }

    /// Whether `op` is not `00`.
    #[must_use]
    pub const fn is_wanted(self, op: Op) -> bool {
        self.wanted().has(op)
    }

    /// Whether the whole connection is closing.
    #[must_use]
    pub const fn is_closing(self) -> bool {
        self.is_wanted(Op::Fclose)
    }

    /// Whether an opening operation is still to be completed.
    #[must_use]
    pub const fn is_opening(self) -> bool {
        !self.is_closing() && !self.incomplete().both(OpSet::OPENING).is_empty()
    }

    /// The operations that may run: they are incomplete, and so are none of their predecessors. Once
    /// the connection is closing no opening operation runs, not even one that DCLOSE is still to undo.
    #[must_use]
    pub fn runnable(self) -> OpSet {
        let candidates = self.candidates();
        candidates.iter().filter(|op| self.is_next(*op)).fold(OpSet::EMPTY, OpSet::with)
    }

    /// Whether `op` may run.
    #[must_use]
    pub const fn may_run(self, op: Op) -> bool {
        self.candidates().has(op) && self.is_next(op)
    }

    /// The operations that may run as far as the connection's beginning and end are concerned.
    const fn candidates(self) -> OpSet {
        let incomplete = self.incomplete();
        if self.is_closing() { incomplete.both(OpSet::CLOSING) } else { incomplete }
    }

    /// Whether all predecessors of `op` are complete, or not wanted.
    const fn is_next(self, op: Op) -> bool {
        self.incomplete().both(op.after()).is_empty()
    }

    /// `00 → 10`. An operation that is wanted already stays as it is.
    pub const fn want(&mut self, op: Op) {
        if matches!(self.code(op), Code::Unwanted) {
            self.set(op, 0b10);
        }
    }

    /// `10 → 11`. An operation that is started already stays as it is.
    pub const fn start(&mut self, op: Op) {
        if matches!(self.code(op), Code::Wanted) {
            self.set(op, 0b11);
        }
    }

    /// `10 | 11 → 01`.
    pub const fn finish(&mut self, op: Op) {
        if matches!(self.code(op), Code::Wanted | Code::Started) {
            self.set(op, 0b01);
        }
    }

    /// `11 | 01 → 00`, once what the operation made is freed.
    pub const fn undo(&mut self, op: Op) {
        if matches!(self.code(op), Code::Started | Code::Complete) {
            self.set(op, 0b00);
        }
    }

    /// `10 → 00`: what was never started needs no undoing.
    pub const fn skip(&mut self, op: Op) {
        if matches!(self.code(op), Code::Wanted) {
            self.set(op, 0b00);
        }
    }

    /// `from` continues at `to`: the operations between them are skipped, and `to` is wanted.
    pub fn leap(&mut self, from: Op, to: Op) {
        for op in OpSet::earlier(to).iter().filter(|op| *op > from) {
            self.skip(op);
        }
        self.want(to);
    }

    /// Wants the operations that end one direction; for the second direction, all that close the
    /// connection.
    pub fn shut(&mut self, direction: Direction) {
        let (data, ctrl, other) = match direction {
            Direction::Read => (Op::Dshr, Op::Cshr, Op::Dshw),
            Direction::Write => (Op::Dshw, Op::Cshw, Op::Dshr),
        };
        self.want(data);
        self.want(ctrl);
        if self.is_wanted(other) {
            self.want(Op::Dclose);
            self.want(Op::Cclose);
            self.want(Op::Fclose);
        }
    }

    const fn set(&mut self, op: Op, code: u64) {
        let shift = 2 * op.position();
        self.0 = (self.0 & !(0b11 << shift)) | (code << shift);
    }
}

impl fmt::Display for OpWord {
    /// Every operation that is not `00`, as `NAME=code`, in run order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, op) in self.wanted().iter().enumerate() {
            let code = (self.0 >> (2 * op.position())) & 0b11;
            write!(f, "{}{}={code:02b}", if i == 0 { "" } else { " " }, op.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for OpWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}
