//! The beginning of a connection: its record, and the operations that it is to go through.

use super::{
    CloseMode, Conn, Events, Facts, Flags, HalfClose, Op, OpWord, Opening, Owner, Plan, RuleState,
    Wait,
};
use crate::agenda::Listed;
use crate::config::{AcceptConfig, ConnectConfig};
use crate::ctrl::Ctrl;
use crate::data::DataLayer;
use crate::op::every_op;
use crate::rules::{RulePhase, RuleSet};
use crate::sys::Addr;
use crate::time::Time;
use crate::wheel::Timer;

/// What decides which operations a connection goes through.
struct Start<'a> {
    plan: &'a Plan,
    peer: &'a Addr,
    rules: Option<&'a RuleSet>,
}

impl Start<'_> {
    /// Whether it is incoming, with a configuration for which this holds.
    fn accepts(&self, holds: impl FnOnce(&AcceptConfig) -> bool) -> bool {
        match self.plan {
            Plan::Incoming(config) => holds(config),
            Plan::Outgoing(_) | Plan::Adopted => false,
        }
    }

    /// Whether it is outgoing, with a configuration for which this holds.
    fn connects(&self, holds: impl FnOnce(&ConnectConfig) -> bool) -> bool {
        match self.plan {
            Plan::Outgoing(config) => holds(config),
            Plan::Incoming(_) | Plan::Adopted => false,
        }
    }

    /// Whether it comes from a monitor.
    fn is_monitor(&self) -> bool {
        let covers = |config: &AcceptConfig| {
            config.monitor.as_ref().is_some_and(|by| by.sources.covers(self.peer))
        };
        self.accepts(covers)
    }

    /// Whether it is incoming, with rules of this phase.
    fn has_rules(&self, phase: RulePhase) -> bool {
        self.rules.is_some_and(|rules| rules.has(phase))
    }
}

macro_rules! wanted {
    ($($(#[$doc:meta])+ $op:ident = $number:literal, $name:literal, $kind:ident, $timeout_kind:ident,
        after $after:tt, when $when:expr, step $step:path;)+) => {
        impl Start<'_> {
            /// The word of operations of a new connection.
            fn word(&self) -> OpWord {
                let mut word = OpWord::default();
                $(
                    let is_wanted: fn(&Start<'_>) -> bool = $when;
                    if is_wanted(self) {
                        word.want(Op::$op);
                    }
                )+
                word
            }
        }
    };
}

every_op!(wanted);

impl Conn {
    /// The record of a connection over `ctrl`, before its first operation.
    pub(crate) fn new(ctrl: Ctrl, mut facts: Facts, timer: Timer, user: u64) -> Self {
        let rules = match &facts.plan {
            Plan::Incoming(config) => config.rules.as_ref().map(|rules| rules.current()),
            Plan::Outgoing(_) | Plan::Adopted => None,
        };
        let start = Start { plan: &facts.plan, peer: &facts.peer, rules: rules.as_deref() };
        let word = start.word();
        if let Some(rules) = rules {
            facts.rare_mut().rule_state = Some(Box::new(RuleState::new(rules)));
        }
        let (opening, flags) = match facts.plan {
            // The first bytes are reported without a read that had to wait.
            Plan::Adopted => (Opening::Nothing, Flags::READ_ARMED),
            Plan::Incoming(_) | Plan::Outgoing(_) => (Opening::Connection, Flags::empty()),
        };
        Self {
            word,
            ctrl,
            data: DataLayer::raw(),
            cause: None,
            facts: Box::new(facts),
            deadline: Time::NEVER,
            retry_at: Time::NEVER,
            timer,
            owner: if word.is_wanted(Op::MonitorIn) { Owner::Monitor } else { Owner::Host },
            user,
            waits: Wait::empty(),
            flow: Wait::empty(),
            events: Events::empty(),
            half_close: HalfClose::Free,
            opening,
            close_mode: CloseMode::Orderly,
            flags,
            listed: Listed::empty(),
        }
    }
}
