//! One connection: its record, the loop that drives its operations, and the one way it ends.
//!
//! - `start` makes the record. Its word has those operations wanted that the configuration asks for,
//!   by the table in `op`.
//! - `drive` is how it goes on. `advance` has the loop in `operations` run every operation that may run,
//!   lowest first; what one step of each is, the caller brings along (`handshake` stands above).
//!   `flow` then moves what a session has waiting, unless a stream does. `settle` notes what the
//!   connection waits for: in its timer, on the lists of the agenda, and for the poller.
//! - What a drive came to beyond the connection is its `Outcome`, for the engine to act on.
//! - `ending` holds the one function that turns it to its end, whatever the reason. It latches the
//!   cause, gives up what is not complete, and wants the operations of which `closing` has the steps.
//! - `facts` is the part of the record that steady work does not touch; `handler_state` and
//!   `rule_state` are where it stands with handlers of the host's and with rules. `session` reads and
//!   writes for the host.

pub(crate) mod closing;
mod drive;
mod ending;
mod facts;
mod half_close;
mod handler_state;
mod layers;
mod operations;
mod record;
mod rule_state;
mod session;
mod start;
#[cfg(test)]
mod tests;

pub(crate) use drive::{Outcome, Steps};
pub use ending::Ending;
pub(crate) use facts::{Drain, Facts, Plan};
pub(crate) use half_close::HalfClose;
pub(crate) use handler_state::{HandlerPhase, HandlerState};
pub use layers::{Layer, Layers, Outside};
pub(crate) use operations::is_first_step;
pub use operations::{Driven, Progress, Wait, advance};
pub use record::Record;
pub(crate) use rule_state::RuleState;
pub use session::{Received, Sent};

pub use crate::cause::{Cause, Detail, Why};
pub use crate::op::{Clock, Code, Direction, Op, OpSet, OpWord, Side};

use bitflags::bitflags;

use crate::agenda::Listed;
use crate::ctrl::{Ctrl, Io};
use crate::cx::Trigger;
use crate::data::Data;
use crate::time::Time;
use crate::wheel::Timer;

bitflags! {
    /// What the host is still to be told of a connection, in the order it is told.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Events: u8 {
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
    pub(crate) struct Flags: u8 {
        /// The host waits to read: tell it once.
        const READ_ARMED = 1;
        /// The host waits to write: tell it once.
        const WRITE_ARMED = 2;
        /// The host has closed it: only its end is still to be told.
        const CLOSED_BY_HOST = 4;
    }
}

/// Who a connection belongs to: who moves its bytes, and hears of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The host, once it knows of it.
    Host,
    /// A stream.
    Stream {
        /// The slot of the stream.
        slot: u32,
        /// Which of its two interfaces.
        side: u8,
    },
    /// Nobody: a stream that did not reach its server by it has let it go.
    Nobody,
    /// The engine, which sees by it whether a server is well.
    HealthCheck,
    /// A monitor: it gets an answer and no session.
    Monitor,
}

/// Which interface of which stream a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The slot of the stream.
    pub(crate) stream: u32,
    /// Which of its two interfaces.
    pub(crate) side: u8,
}

/// What the opening operations are for, until they are accounted for as over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// They are.
    Nothing,
    /// The connection itself.
    Connection,
    /// TLS that begins in the middle of the session.
    Tls,
}

/// How a connection closes, each way with less of a goodbye than those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CloseMode {
    /// Each layer says its goodbye.
    Orderly,
    /// Its writing ends without a goodbye: who was to bring bytes for it may have had more.
    Curt,
    /// With a reset.
    Reset,
    /// Without a word to its peer.
    Vanish,
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
    /// Who it belongs to.
    pub(crate) owner: Owner,
    /// The host's user data for it.
    pub(crate) user: u64,
    /// What its operations wait for.
    pub(crate) waits: Wait,
    /// What moving the session's bytes waits for.
    pub(crate) flow: Wait,
    /// What the host is to be told.
    pub(crate) events: Events,
    /// Whether its half-close is held back.
    pub(crate) half_close: HalfClose,
    /// What it is opened for.
    pub(crate) opening: Opening,
    /// How it closes.
    pub(crate) close_mode: CloseMode,
    /// What else is true of it.
    pub(crate) flags: Flags,
    /// The lists it stands on.
    pub(crate) listed: Listed,
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

    /// Where it is in a stream, if it is part of one.
    pub(crate) const fn seat(&self) -> Option<Seat> {
        match self.owner {
            Owner::Stream { slot, side } => Some(Seat { stream: slot, side }),
            Owner::Host | Owner::Nobody | Owner::HealthCheck | Owner::Monitor => None,
        }
    }

    /// Whether it is to close in this way, or with less of a goodbye.
    pub(crate) fn closes(&mut self, mode: CloseMode) {
        self.close_mode = self.close_mode.max(mode);
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

    /// Whether the host has its id: from one that comes in by a listener it gets it with the session.
    pub(crate) const fn is_known(&self) -> bool {
        self.facts.listener.is_none() || self.was_session()
    }

    /// Whether its end is counted and waits to be told.
    pub(crate) const fn is_told_as_ended(&self) -> bool {
        self.events.intersects(Events::REFUSED.union(Events::CLOSED))
    }

    /// Whether it was refused before it was a session, and its peer never heard a byte: there is no
    /// end to tell it and none to wait for.
    pub(crate) const fn is_unheard(&self) -> bool {
        self.ctrl.bytes_out() == 0 && !self.was_session()
    }

    /// What the host's poller should watch.
    pub(crate) fn target(&self, trigger: Trigger) -> Io {
        // Nothing else would tell a connection that waits for the host that its peer is gone. One in its
        // handshakes, or on its way out, hears of the end by what it waits for.
        let heeds_end = self.waits.contains(Wait::HOST);
        let passing = self.word.is_opening() || self.word.is_closing();
        self.ctrl.target(trigger, heeds_end, passing)
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
        self.facts.opened_at + self.facts.timeouts().total
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
        let refused = self.word.is_opening() && self.close_mode != CloseMode::Vanish;
        let ending = if refused { Ending::Refused } else { Ending::Abort };
        self.end(ending, Some(cause));
    }

    fn leave(&mut self) {
        self.end(Ending::Orderly, None);
    }
}
