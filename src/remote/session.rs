//! One connection of a link: what either side keeps of it.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use super::budget::WindowBudget;
use crate::buffer::Buffer;
use crate::slab::Key;
use crate::sys::{Fd, Passed};
use crate::time::Time;
use crate::wheel::Timer;
use crate::wire::remote::GoawayReason;

/// A side that hears nothing for so many keepalive intervals gives the session up.
pub(crate) const SILENT_INTERVALS: u8 = 3;

/// How many channels a client begins before the agent has said how many it allows.
pub(crate) const GREETING_CHANNELS: u32 = 500;

/// Whether a client begins the channels with this number; an agent begins the others.
pub(crate) const fn is_of_client(number: u32) -> bool {
    !number.is_multiple_of(2)
}

/// Which side we are, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionRole {
    /// The client, over this link.
    Client(Key),
    /// This agent.
    Agent(Key),
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionStage {
    /// Its connection is not open yet.
    Connecting,
    /// The HELLO of the other side has not come.
    Greeting,
    /// Frames flow.
    Open,
    /// It is given up: nothing is read or sent any more.
    Over,
}

/// What the other side did wrong, or why a session ends otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkFault {
    pub(crate) reason: GoawayReason,
    pub(crate) text: Cow<'static, str>,
}

impl LinkFault {
    pub(crate) fn new(reason: GoawayReason, text: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, text: text.into() }
    }

    /// The other side broke the protocol.
    pub(crate) fn malformed(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(GoawayReason::Malformed, text)
    }
}

/// A descriptor that is to be passed.
#[derive(Debug)]
pub(crate) struct OutgoingDescriptor {
    pub(crate) fd: Fd,
    /// The frame that it goes with.
    pub(crate) frame: Vec<u8>,
    /// The number of its channel.
    pub(crate) number: u32,
}

/// One connection of a link.
#[derive(Debug)]
pub(crate) struct LinkSession {
    pub(crate) role: SessionRole,
    /// The connection that its frames pass through.
    pub(crate) conn: Key,
    pub(crate) stage: SessionStage,
    /// Whether no new channel begins on it.
    pub(crate) retires: bool,
    /// Its channels by their number on the wire.
    pub(crate) channels: HashMap<u32, Key>,
    /// Channels that have something to send, in turn.
    pub(crate) ready: VecDeque<Key>,
    /// The number of the next channel that we begin.
    pub(crate) next_number: u32,
    /// The highest number of a channel that the other side began.
    pub(crate) last_number: u32,
    /// How many channels the other side lets us have at once.
    pub(crate) channels_max: u32,
    /// What windows are left for channels.
    pub(crate) budget: WindowBudget,
    /// Whether the other side says that descriptors may be passed.
    pub(crate) passes: bool,
    /// Whether our HELLO is to be sent: a client begins with it, an agent answers with it.
    pub(crate) says_hello: bool,
    /// Whether it waits to be flushed.
    pub(crate) is_listed: bool,
    /// Bytes that came and are no whole frame yet.
    pub(crate) input: Option<Buffer>,
    /// Frames that were composed and not taken by the connection.
    pub(crate) output: Option<Buffer>,
    /// Descriptors that came with bytes whose frame was not read yet.
    pub(crate) came: VecDeque<Passed>,
    /// Descriptors that are to go out.
    pub(crate) passing: VecDeque<OutgoingDescriptor>,
    /// The names whose connections the client takes: on an agent's side.
    pub(crate) subscriptions: Vec<Box<str>>,
    /// Names whose subscription is to be sent, and whether they begin or stop.
    pub(crate) announces: VecDeque<(Box<str>, bool)>,
    /// A PING that is to be answered.
    pub(crate) pong: Option<u64>,
    /// Whether a PING is to be sent.
    pub(crate) pings: bool,
    /// The PING that was not answered yet.
    pub(crate) awaits_pong: Option<u64>,
    /// Whether a GOAWAY is to be sent, since we go.
    pub(crate) says_goaway: bool,
    /// Intervals in which nothing was heard.
    pub(crate) silent: u8,
    /// How many opens may still come, and since when: on an agent's side.
    pub(crate) opens: (u32, Time),
    pub(crate) timer: Timer,
}

impl LinkSession {
    /// A session over `conn`, before its first frame.
    pub(crate) fn new(role: SessionRole, conn: Key, budget: WindowBudget, timer: Timer) -> Self {
        let (next_number, stage) = match role {
            SessionRole::Client(_) => (1, SessionStage::Connecting),
            SessionRole::Agent(_) => (2, SessionStage::Greeting),
        };
        Self {
            role,
            conn,
            stage,
            retires: false,
            channels: HashMap::new(),
            ready: VecDeque::new(),
            next_number,
            last_number: 0,
            channels_max: u32::MAX,
            budget,
            passes: false,
            says_hello: matches!(role, SessionRole::Client(_)),
            is_listed: false,
            input: None,
            output: None,
            came: VecDeque::new(),
            passing: VecDeque::new(),
            subscriptions: Vec::new(),
            announces: VecDeque::new(),
            pong: None,
            pings: false,
            awaits_pong: None,
            says_goaway: false,
            silent: 0,
            opens: (0, Time(0)),
            timer,
        }
    }

    /// Whether the HELLO of the other side has yet to come.
    pub(crate) const fn greets(&self) -> bool {
        matches!(self.stage, SessionStage::Connecting | SessionStage::Greeting)
    }

    /// Whether another channel may begin, with at most `most` at a time.
    pub(crate) fn takes_channel(&self, most: u32) -> bool {
        let live = u32::try_from(self.channels.len()).unwrap_or(u32::MAX);
        let theirs = if self.greets() { GREETING_CHANNELS } else { self.channels_max };
        self.stage != SessionStage::Over && !self.retires && live < most.min(theirs)
    }

    /// The number of a channel that we begin. Numbers are never used again: with the last one the
    /// session retires.
    pub(crate) const fn take_number(&mut self) -> u32 {
        let number = self.next_number;
        match number.checked_add(2) {
            Some(next) => self.next_number = next,
            None => self.retires = true,
        }
        number
    }

    /// The other side begins the channel `number`, one of those that are its to begin.
    pub(crate) fn begin_number(&mut self, number: u32) -> Result<(), LinkFault> {
        if number <= self.last_number {
            return Err(LinkFault::malformed(format!("channel {number} was begun before")));
        }
        self.last_number = number;
        Ok(())
    }

    /// Whether the channel `number` was ever begun, by either side.
    pub(crate) const fn was_begun(&self, number: u32) -> bool {
        let ours = is_of_client(number) == matches!(self.role, SessionRole::Client(_));
        if ours { number < self.next_number } else { number <= self.last_number }
    }

    /// Whether it has something to send beside what its channels have.
    pub(crate) fn speaks(&self) -> bool {
        self.says_hello
            || self.pings
            || self.says_goaway
            || self.pong.is_some()
            || !self.announces.is_empty()
    }
}
