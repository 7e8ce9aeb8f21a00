//! The loop that runs the operations of a connection.

use super::{Cause, Code, Op, OpWord, Wait};

/// The result of one step of an operation. "Not yet" is a value, never an error.
#[derive(Debug)]
pub enum Progress {
    /// The operation is complete.
    Done,
    /// It cannot go on before one of these occurs.
    Wait(Wait),
    /// It is complete, and so is the connection, without a session.
    End,
    /// It failed, and the connection ends with this cause.
    Failed(Box<Cause>),
}

/// Something whose operations can be driven.
pub trait Driven {
    /// The state of its operations.
    fn word(&mut self) -> &mut OpWord;

    /// Ends it because of `cause`, which arose while it was opened or closed.
    fn fail(&mut self, cause: Box<Cause>);

    /// Ends it gracefully, without a failure.
    fn leave(&mut self);
}

/// Runs every operation that may run, in order, until a pass completes none, and returns the union of
/// what they wait for.
///
/// An operation is completed or undone at most once and a failure is latched once, so the number
/// of passes is bounded by the number of operations, twice (opening, then closing).
pub fn advance<D: Driven>(subject: &mut D, mut step: impl FnMut(&mut D, Op) -> Progress) -> Wait {
    let mut passes = 0;
    loop {
        let mut waits = Wait::empty();
        let mut changed = false;
        for op in subject.word().runnable().iter() {
            // An earlier step of this pass may have ended the connection.
            if !subject.word().may_run(op) {
                continue;
            }
            match step(subject, op) {
                Progress::Done => {
                    subject.word().finish(op);
                    changed = true;
                }
                Progress::Wait(wait) => {
                    subject.word().start(op);
                    waits |= wait;
                }
                Progress::End => {
                    subject.word().finish(op);
                    subject.leave();
                    changed = true;
                }
                Progress::Failed(cause) => {
                    subject.word().start(op);
                    subject.fail(cause);
                    changed = true;
                }
            }
        }
        if !changed {
            return waits;
        }
        passes += 1;
        debug_assert!(passes <= 2 * Op::ALL.len() + 1, "the operations run in circles");
    }
}

/// Whether this is the first step of `op`.
pub(crate) const fn is_first_step(word: OpWord, op: Op) -> bool {
    matches!(word.code(op), Code::Wanted)
}
