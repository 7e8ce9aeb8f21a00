//! One connection: its record, the loop that drives its operations, and its end.
//!
//! - `start` makes the record. Its word wants the operations that the configuration asks for, by the
//!   table in `op`.
//! - `drive` drives it. `advance` has the loop in `operations` run every operation that may run, lowest
//!   first; the caller supplies the steps, since `handshake` is a layer above. `flow` then moves a
//!   session's bytes, unless a stream does. `settle` updates the timer, the lists of the agenda and the
//!   poller interest to what the connection waits for.
//! - What is left to the engine after a drive is its `Outcome`.
//! - `ending` holds the one function that ends a connection, whatever the reason. It latches the cause,
//!   gives up what is not complete, and wants the closing operations, whose steps are in `closing`.
//! - `facts` is the part of the record that moving bytes does not need; `handler_state` and
//!   `rule_state` are the state of custom handlers and of rules. `session` reads and writes for the
//!   host, `idle` bounds the time in which it does neither, and `rates` how fast the bytes move.

pub(crate) mod closing;
mod drive;
mod ending;
mod facts;
mod half_close;
mod handler_state;
mod idle;
mod layers;
mod operations;
mod rates;
mod record;
mod rule_state;
mod session;
mod start;
#[cfg(test)]
mod tests;
mod trace;

pub(crate) use drive::{Outcome, Steps};
pub use ending::Ending;
pub(crate) use facts::{DrainBound, Facts, Plan};
pub(crate) use half_close::HalfClose;
pub(crate) use handler_state::{HandlerPhase, HandlerState};
pub use layers::{ConnSummary, LayerState, LayerStates};
pub(crate) use operations::is_first_step;
pub use operations::{Driven, Progress, advance};
pub(crate) use rates::Rates;
pub use record::Record;
pub(crate) use rule_state::{RuleState, SetEnds};
pub use session::{Received, Sent};

pub use crate::cause::{Cause, Detail, Why};
pub use crate::op::{Code, Direction, Op, OpKind, OpSet, OpWord, TimeoutKind, Wait};

use bitflags::bitflags;

use crate::agenda::Listed;
use crate::ctrl::{Ctrl, Io};
use crate::cx::Trigger;
use crate::data::DataLayer;
use crate::time::Time;
use crate::wheel::Timer;

bitflags! {
    /// Events of a connection that are still to be reported to the host, in the order of reporting.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Events: u8 {
        /// An incoming connection has become a session.
        const SESSION = 1;
        /// An outgoing connection is open.
        const CONNECTED = 2;
        /// TLS that was begun in the middle of the session is established.
        const SECURED = 4;
        /// The engine is draining: the host should end it.
        const DRAINING = 8;
        /// A read that had to wait may be tried again.
        const READABLE = 16;
        /// A write that had to wait may be tried again.
        const WRITABLE = 32;
        /// It ended before it became a session.
        const REFUSED = 64;
        /// It has ended: the last event of the connection.
        const CLOSED = 128;
        /// The events that are not reported any more once the host has closed it.
        const ASKED_OF_HOST = Self::SESSION.bits()
            | Self::CONNECTED.bits()
            | Self::SECURED.bits()
            | Self::DRAINING.bits()
            | Self::READABLE.bits()
            | Self::WRITABLE.bits();
    }
}

bitflags! {
    /// Further state of a connection.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Flags: u8 {
        /// The host waits to read: one READABLE is to be reported.
        const READ_ARMED = 1;
        /// The host waits to write: one WRITABLE is to be reported.
        const WRITE_ARMED = 2;
        /// The host has closed it: only its end is still to be reported.
        const CLOSED_BY_HOST = 4;
        /// The host has set an idle timeout.
        const IDLE_BOUND = 8;
        /// The host has looked at what is read ahead, and waits for more than that.
        const PEEKED = 16;
        /// How fast the session's bytes may move is limited.
        const LIMITED = 32;
    }
}

/// The owner of a connection: it moves the bytes, and its end is reported to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The host, once it has the id.
    Host,
    /// A stream.
    Stream {
        /// The slot of the stream.
        slot: u32,
        /// Which of its two interfaces.
        side: u8,
    },
    /// Nobody: it was a failed attempt of a stream, which has released it.
    Nobody,
    /// The engine, for a health check of a server.
    HealthCheck,
    /// The engine: it is from a monitor, which gets an answer and no session.
    Monitor,
    /// The engine: frames of a link pass through it.
    Link {
        /// The slot of the link's session.
        slot: u32,
    },
    /// The engine, for a client of an agent.
    Channel {
        /// The slot of the channel.
        slot: u32,
    },
}

impl Owner {
    /// Whether its events and bytes concern a link or an agent, and not the host.
    pub(crate) const fn is_of_link(self) -> bool {
        matches!(self, Self::Link { .. } | Self::Channel { .. })
    }
}

/// The place of a connection in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The slot of the stream.
    pub(crate) stream: u32,
    /// Which of its two interfaces.
    pub(crate) side: u8,
}

/// What the opening operations are for, until their end has been accounted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Nothing: their end has been accounted for.
    Nothing,
    /// The connection itself.
    Connection,
    /// TLS that begins in the middle of the session.
    Tls,
}

/// How a connection closes. Later variants are more abrupt and take precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CloseMode {
    /// Gracefully: each layer ends in order.
    Orderly,
    /// Writing ends without close_notify, which would vouch that no bytes are missing: their source may
    /// have had more.
    Curt,
    /// With a reset.
    Reset,
    /// Without sending the peer anything.
    Vanish,
}

/// The state of a connection as it is reported: computed, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is closing without a failure, or closed.
    Closed,
    /// It is incoming, and its handshakes are not completed.
    Accepted,
    /// It is outgoing, and its handshakes are not completed.
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
    pub(crate) data: DataLayer,
    /// Why it failed; the first cause stays.
    pub(crate) cause: Option<Box<Cause>>,
    /// The rarely used part of the record.
    pub(crate) facts: Box<Facts>,
    /// When the operation that waits times out.
    pub(crate) deadline: Time,
    /// When an operation is to be run again without an event.
    pub(crate) retry_at: Time,
    /// Its timer in the wheel.
    pub(crate) timer: Timer,
    /// The owner.
    pub(crate) owner: Owner,
    /// The host's user data for it.
    pub(crate) user: u64,
    /// What its operations wait for.
    pub(crate) waits: Wait,
    /// What moving the session's bytes waits for.
    pub(crate) flow: Wait,
    /// Events that are still to be reported to the host.
    pub(crate) events: Events,
    /// Whether its half-close is held back.
    pub(crate) half_close: HalfClose,
    /// What its opening operations are for.
    pub(crate) opening: Opening,
    /// How it closes.
    pub(crate) close_mode: CloseMode,
    /// Further state.
    pub(crate) flags: Flags,
    /// The lists it is on.
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

    /// Its place in a stream, if it is part of one.
    pub(crate) const fn seat(&self) -> Option<Seat> {
        match self.owner {
            Owner::Stream { slot, side } => Some(Seat { stream: slot, side }),
            Owner::Host
            | Owner::Nobody
            | Owner::HealthCheck
            | Owner::Monitor
            | Owner::Link { .. }
            | Owner::Channel { .. } => None,
        }
    }

    /// Whether it has not failed, and none of its operations is wanted that is not complete.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.cause.is_none()
            && self.opening == Opening::Nothing
            && self.word.incomplete().is_empty()
            && self.waits.is_empty()
    }

    /// Closes it in this way, or in a more abrupt one that was set before.
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

    /// Whether the host has its id. For a connection that a listener accepted, that is once it is a
    /// session.
    pub(crate) const fn is_known(&self) -> bool {
        self.facts.listener.is_none() || self.was_session()
    }

    /// Whether its end is counted and waits to be reported.
    pub(crate) const fn is_reported_as_ended(&self) -> bool {
        self.events.intersects(Events::REFUSED.union(Events::CLOSED))
    }

    /// Whether it was refused before it was a session, and nothing was ever sent to its peer: then no
    /// FIN is needed, and the peer's end is not waited for.
    pub(crate) const fn is_unheard(&self) -> bool {
        self.ctrl.bytes_out() == 0 && !self.was_session()
    }

    /// What the host's poller should watch.
    pub(crate) fn target(&self, trigger: Trigger) -> Io {
        // No other event would reveal to a connection that waits for the host that its peer is gone. A
        // connection in its handshakes, or closing, finds the end by what it waits for.
        let heeds_end = self.waits.contains(Wait::HOST);
        let passing = self.word.is_opening() || self.word.is_closing();
        self.ctrl.target(trigger, heeds_end, passing)
    }

    /// The earliest time at which it is to be driven without an event.
    pub(crate) fn next_deadline(&self) -> Time {
        let next = self.deadline.min(self.retry_at);
        if self.is_held_back() { next.min(self.resumes_at()) } else { next }
    }

    /// Sets the deadline of an opening operation, at most that of all of them together.
    pub(crate) fn arm_opening(&mut self, now: Time, nanoseconds: u64) {
        self.arm(now, nanoseconds);
        self.deadline = self.deadline.min(self.opened_until());
    }

    /// The deadline of all opening operations together.
    pub(crate) fn opened_until(&self) -> Time {
        self.facts.opened_at + self.facts.timeouts().total
    }

    /// Sets the deadline of the current operation to `nanoseconds` from now.
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
