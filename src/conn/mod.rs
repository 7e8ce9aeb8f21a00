//! One connection: its record, the loop that drives its operations, and the one way it ends.

mod asking;
pub(crate) mod closing;
mod driver;
mod ending;
mod facts;
mod half_close;
mod layers;
mod record;
#[cfg(test)]
mod tests;
mod visit;

pub(crate) use asking::{Asking, Phase};
pub(crate) use driver::is_first_step;
pub use driver::{Driven, Progress, Wait, advance};
pub use ending::Ending;
pub(crate) use facts::{Drain, Facts, Plan};
pub(crate) use half_close::HalfClose;
pub use layers::{Layer, Layers, Outside};
pub use record::Record;
pub(crate) use visit::Visit;

pub use crate::cause::{Cause, Detail, Why};
pub use crate::op::{Clock, Code, Direction, Op, OpSet, OpWord, Side};

use bitflags::bitflags;

use crate::ctrl::Ctrl;
use crate::data::Data;
use crate::time::Time;
use crate::wheel::Timer;

bitflags! {
    /// What the host is still to be told of a connection, in the order it is told.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct News: u8 {
        /// An incoming connection has become a session.
        const SESSION = 1;
        /// An outgoing connection is open.
        const CONNECTED = 2;
        /// TLS that was begun in the middle of the session is there.
        const SECURED = 4;
        /// The engine is being emptied: the host should end it.
        const DRAINING = 8;
        /// A read that had to wait may be tried again.
        const READABLE = 16;
        /// A write that had to wait may be tried again.
        const WRITABLE = 32;
        /// It ended before it became a session.
        const REFUSED = 64;
        /// It has ended: the last word about it.
        const CLOSED = 128;
        /// All that is no news any more once the host has closed it.
        const ASKED_OF_HOST = Self::SESSION.bits()
            | Self::CONNECTED.bits()
            | Self::SECURED.bits()
            | Self::DRAINING.bits()
            | Self::READABLE.bits()
            | Self::WRITABLE.bits();
    }
}

bitflags! {
    /// Facts about a connection that no other field tells.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Marks: u32 {
        /// The host waits to read: tell it once.
        const READ_ARMED = 1;
        /// The host waits to write: tell it once.
        const WRITE_ARMED = 2;
        /// The host knows the id: its end is told whatever happened before.
        const KNOWN = 4;
        /// It closes with a reset.
        const RESET = 8;
        /// It stands on the run list.
        const QUEUED = 16;
        /// It stands on the list of changed interest.
        const CHANGED = 32;
        /// An event arrived for a direction that nobody wants.
        const DISTURBED = 64;
        /// The host has closed it: only its end is still to be told.
        const CLOSED_BY_HOST = 128;
        /// It stands on the list of news.
        const TELLING = 256;
        /// Its end has been counted and recorded.
        const ENDED = 512;
        /// Its opening has not been accounted for as over.
        const OPENING = 1024;
        /// Its end is told with the end of the stream it was part of.
        const UNTOLD = 2048;
        /// It is the engine's own, to see whether a server is well.
        const ERRAND = 4096;
        /// It is a monitor's: it gets an answer and no session, and is no news.
        const MONITOR = 8192;
        /// It stands on the list of questions to handlers of the host's own.
        const ASKING = 16384;
        /// Such a handler may have something to free.
        const HANDLED = 32768;
        /// TLS begins in the middle of the session.
        const SECURING = 65536;
        /// It closes without a word to its peer.
        const VANISHES = 1 << 17;
        /// It is counted in entries of tables.
        const COUNTED = 1 << 18;
        /// Its writing ends without a goodbye: who was to bring bytes for it may have had more.
        const CURT = 1 << 19;
        /// It stands on the list of those that wait for a descriptor.
        const STARVED = 1 << 20;
    }
}

/// Which interface of which stream a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The slot of the stream.
    pub(crate) stream: u32,
    /// Which of its two interfaces.
    pub(crate) side: u8,
}

/// The state of a connection as it is told outside: computed, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is on its way out with nothing to report, or gone.
    Closed,
    /// It came in and its handshakes are not done.
    Accepted,
    /// It goes out and its handshakes are not done.
    Connecting,
    /// The session's bytes may move.
    Established,
    /// It failed.
    Error,
}

impl State {
    /// The name, as it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Accepted => "ACCEPTED",
            Self::Connecting => "CONNECTING",
            Self::Established => "ESTABLISHED",
            Self::Error => "ERROR",
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Conn {
    /// The state of its operations.
    pub(crate) word: OpWord,
    /// The socket.
    pub(crate) ctrl: Ctrl,
    /// What the session reads and writes.
    pub(crate) data: Data,
    /// Why it fails, once it does; the first cause stays.
    pub(crate) cause: Option<Box<Cause>>,
    /// What rarely changes and is rarely read.
    pub(crate) facts: Box<Facts>,
    /// When the operation that waits is given up.
    pub(crate) deadline: Time,
    /// When an operation wants to be run again without an event.
    pub(crate) retry_at: Time,
    /// Its place in the timer wheel.
    pub(crate) timer: Timer,
    /// The stream it belongs to.
    pub(crate) seat: Option<Seat>,
    /// The host's own word for it.
    pub(crate) user: u64,
    /// What its operations wait for.
    pub(crate) waits: Wait,
    /// What moving the session's bytes waits for.
    pub(crate) flow: Wait,
    /// What the host is to be told.
    pub(crate) news: News,
    /// Whether its half-close is held back.
    pub(crate) half_close: HalfClose,
    /// What else is true of it.
    pub(crate) marks: Marks,
}

impl Conn {
    /// The state, computed from the word and the cause.
    pub(crate) const fn state(&self) -> State {
        if self.word.is_complete(Op::Fclose) || (self.word.is_closing() && self.cause.is_none()) {
            State::Closed
        } else if self.cause.is_some() {
            State::Error
        } else if self.word.is_opening() {
            match self.facts.plan {
                Plan::Incoming(_) | Plan::Adopted => State::Accepted,
                Plan::Outgoing(_) => State::Connecting,
            }
        } else {
            State::Established
        }
    }

    /// Whether the session may read: it is open and its read side is not shut.
    pub(crate) const fn may_read(&self) -> bool {
        !self.word.is_opening() && !self.word.is_wanted(Op::Dshr)
    }

    /// Whether the session may write: it is open and its write side is not shut.
    pub(crate) const fn may_write(&self) -> bool {
        !self.word.is_opening() && !self.word.is_wanted(Op::Dshw)
    }

    /// Whether it has been a session, or an open connection to a server.
    pub(crate) const fn was_session(&self) -> bool {
        match self.facts.plan {
            Plan::Incoming(_) => self.word.is_complete(Op::AcceptSession),
            Plan::Outgoing(_) => self.word.is_complete(Op::CtrlConnect),
            Plan::Adopted => true,
        }
    }

    /// Whether it was refused before it was a session, and its peer never heard a byte: there is no
    /// end to tell it and none to wait for.
    pub(crate) const fn is_unheard(&self) -> bool {
        self.ctrl.bytes_out == 0 && !self.was_session()
    }

    /// The earliest point at which time alone makes it move.
    pub(crate) fn next_deadline(&self) -> Time {
        self.deadline.min(self.retry_at)
    }

    /// The same of an opening operation: all of them together are bounded from the beginning.
    pub(crate) fn arm_opening(&mut self, now: Time, nanoseconds: u64) {
        self.arm(now, nanoseconds);
        self.deadline = self.deadline.min(self.opened_until());
    }

    /// When the time of all opening operations together is over.
    pub(crate) fn opened_until(&self) -> Time {
        self.facts.opened_at + self.facts.spans().total
    }

    /// Starts the span `nanoseconds` of the operation that runs now.
    pub(crate) fn arm(&mut self, now: Time, nanoseconds: u64) {
        self.deadline = now + nanoseconds;
    }
}

impl Driven for Conn {
    fn word(&mut self) -> &mut OpWord {
        &mut self.word
    }

    fn fail(&mut self, cause: Box<Cause>) {
        let refused = self.word.is_opening() && !self.marks.contains(Marks::VANISHES);
        let ending = if refused { Ending::Refused } else { Ending::Abort };
        self.end(ending, Some(cause));
    }

    fn leave(&mut self) {
        self.end(Ending::Orderly, None);
    }
}
