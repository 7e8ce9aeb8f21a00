//! A client's link: the way to an agent, which outlives the connections that it consists of.

use std::collections::VecDeque;
use std::sync::Arc;

use bitflags::bitflags;

use crate::agenda::Listed;
use crate::cause::Cause;
use crate::config::{AcceptConfig, ConnectConfig};
use crate::slab::Key;
use crate::sys::Addr;
use crate::time::{MILLISECOND, SECOND, Time};
use crate::wheel::Timer;

/// The first pause before an agent that was not reached is tried again.
pub(crate) const RETRY_FIRST: u64 = 20 * MILLISECOND;
/// The longest pause before an agent that was not reached is tried again.
pub(crate) const RETRY_LONGEST: u64 = SECOND;

/// The options of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkOptions {
    /// How many channels one connection of the link carries; 1 gives each its own.
    pub channels_per_conn: u32,
    /// How many bytes of all channels of one connection may be held here.
    pub window_bytes: u64,
    /// After so many nanoseconds without a frame the agent is asked for a sign of life.
    pub keepalive: u64,
    /// Whether the agent may pass descriptors.
    pub takes_descriptors: bool,
    /// The host's user data for the link.
    pub user: u64,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self {
            channels_per_conn: 10_000,
            window_bytes: 64 << 20,
            keepalive: 10 * SECOND,
            takes_descriptors: true,
            user: 0,
        }
    }
}

bitflags! {
    /// Events of a link that are still to be reported to the host.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct LinkEvents: u8 {
        /// An agent answers.
        const UP = 1;
        /// No agent answers any more.
        const DOWN = 2;
        /// It is closed: the last event.
        const CLOSED = 4;
    }
}

/// What becomes of connections that an agent hands over under a name.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) name: Box<str>,
    pub(crate) config: Arc<AcceptConfig>,
    pub(crate) user: u64,
}

/// A client's link.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) target: Addr,
    pub(crate) config: Arc<ConnectConfig>,
    pub(crate) options: LinkOptions,
    /// Its sessions, also those that retire.
    pub(crate) sessions: Vec<Key>,
    /// Connections that wait for a channel.
    pub(crate) waiting: VecDeque<Key>,
    pub(crate) subscriptions: Vec<Subscription>,
    /// Why the agent was not reached the last time.
    pub(crate) failure: Option<Box<Cause>>,
    /// Before that nothing is tried again.
    pub(crate) retry_at: Time,
    /// The next pause.
    pub(crate) pause: u64,
    pub(crate) timer: Timer,
    /// Whether an agent answers, as it was reported.
    pub(crate) is_up: bool,
    pub(crate) is_closing: bool,
    pub(crate) events: LinkEvents,
    pub(crate) listed: Listed,
}

impl Link {
    pub(crate) fn new(
        target: Addr,
        config: Arc<ConnectConfig>,
        options: LinkOptions,
        timer: Timer,
    ) -> Self {
        Self {
            target,
            config,
            options,
            sessions: Vec::new(),
            waiting: VecDeque::new(),
            subscriptions: Vec::new(),
            failure: None,
            retry_at: Time(0),
            pause: RETRY_FIRST,
            timer,
            is_up: false,
            is_closing: false,
            events: LinkEvents::empty(),
            listed: Listed::empty(),
        }
    }

    /// The agent was not reached: it is left alone for a while.
    pub(crate) fn back_off(&mut self, now: Time) {
        self.retry_at = now + self.pause;
        self.pause = (2 * self.pause).min(RETRY_LONGEST);
    }

    /// The agent answers.
    pub(crate) fn answers(&mut self) {
        self.pause = RETRY_FIRST;
        self.failure = None;
    }
}
