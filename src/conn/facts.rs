//! The parts of a connection's record that moving bytes does not need.

use std::borrow::Cow;
use std::sync::Arc;

use crate::config::{AcceptConfig, CloseOptions, ConnectConfig, Custom, OpeningTimeouts};
use crate::slab::Key;
use crate::sys::{Addr, Net};
use crate::time::Time;
use crate::tls::RemoteTls;
use crate::wire::cip;
use crate::wire::proxy;
use crate::wire::socks;

use super::{Cause, Conn, HandlerState, Op, Rates, RuleState};

/// What a connection is to go through.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// It was accepted, with this configuration.
    Incoming(Arc<AcceptConfig>),
    /// It was requested, with this configuration.
    Outgoing(Arc<ConnectConfig>),
    /// It was open already when the host handed it over.
    Adopted,
}

/// The rarely used part of a connection's record.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Its origin, with the configuration that it follows.
    pub(crate) plan: Plan,
    /// The listener that accepted it.
    pub(crate) listener: Option<Key>,
    /// The other end of the socket; for an outgoing connection, the address it connects to.
    pub(crate) peer: Addr,
    /// Fields that only some connections need.
    pub(crate) rare: Option<Box<Rare>>,
    /// When it was accepted or requested.
    pub(crate) opened_at: Time,
    /// When the operation that runs now began.
    pub(crate) op_since: Time,
    /// How long the last opening operation took, or took to fail, in nanoseconds.
    pub(crate) in_op: u64,
    /// The next pause of a connect that is repeated by timer, in nanoseconds.
    pub(crate) retry_pause: u32,
    /// Bytes that were read and discarded.
    pub(crate) discarded: u64,
    /// Bytes of ours that the peer had not acknowledged when they were given up.
    pub(crate) lost: u32,
    /// What bounds the wait for the peer's end.
    pub(crate) drain: DrainBound,
}

/// What bounds the wait for the peer's end after ours was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DrainBound {
    /// The peer must go on acknowledging: so many bytes of ours were unacknowledged when last asked.
    Ours(u32),
    /// All of ours is acknowledged: `drain_time` applies, and so many bytes may still be discarded.
    Theirs(u32),
}

/// Fields that only some connections need.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    /// Our end of the socket, once it was asked for.
    pub(crate) local: Option<Addr>,
    /// The PROXY header that it began with.
    pub(crate) header: Option<proxy::Header>,
    /// The NetScaler header behind the PROXY header, or at the beginning.
    pub(crate) cip: Option<cip::Header>,
    /// Which answer of a SOCKS server is expected, once it has sent one.
    pub(crate) socks: Option<socks::Turn>,
    /// The state of its custom handlers, while they run.
    pub(crate) handler_state: Option<HandlerState>,
    /// The state of its rules.
    pub(crate) rule_state: Option<Box<RuleState>>,
    /// The last question's ticket.
    pub(crate) ticket: u32,
    /// How many refusals of the same kind were not reported before it.
    pub(crate) suppressed: u64,
    /// What failed at the agent, until the errno is met that stands for it.
    pub(crate) remote_cause: Option<Box<Cause>>,
    /// What the agent's TLS agreed on, until the operation that waits for it goes on.
    pub(crate) remote_tls: Option<Box<RemoteTls>>,
    /// The idle timeout that the host has set, in nanoseconds.
    pub(crate) idle_timeout: Option<u64>,
    /// How fast the session's bytes may move.
    pub(crate) rates: Option<Box<Rates>>,
    /// Until when bytes of the session are held back, when they last were.
    pub(crate) held_until: Option<Time>,
}

impl Rare {
    const fn is_empty(&self) -> bool {
        matches!(
            self,
            Self {
                local: None,
                header: None,
                cip: None,
                socks: None,
                handler_state: None,
                rule_state: None,
                ticket: 0,
                suppressed: 0,
                remote_cause: None,
                remote_tls: None,
                idle_timeout: None,
                rates: None,
                held_until: None,
            }
        )
    }
}

/// Every idle connection has one. malloc's next smaller size class would not hold more than 120 bytes.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Facts>() <= 120);

impl Facts {
    /// The facts of a new connection.
    pub(crate) const fn new(plan: Plan, peer: Addr, now: Time) -> Self {
        Self {
            plan,
            listener: None,
            peer,
            rare: None,
            opened_at: now,
            op_since: now,
            in_op: 0,
            retry_pause: crate::config::UNIX_RETRY_FIRST as u32,
            discarded: 0,
            lost: 0,
            drain: DrainBound::Ours(u32::MAX),
        }
    }

    /// The fields that only some connections need, created on first use.
    pub(crate) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The PROXY header that it began with.
    pub(crate) fn header(&self) -> Option<&proxy::Header> {
        self.rare.as_ref()?.header.as_ref()
    }

    /// The client's address for all uses: as a rule has set it, else [`Self::found_source`].
    pub(crate) fn source(&self) -> Addr {
        let found = self.found_source();
        let Some(rule_state) = self.rule_state() else { return found.into_owned() };
        match rule_state.ends.source(found.as_ip().copied()) {
            Some(source) => Addr::ip(source),
            None => found.into_owned(),
        }
    }

    /// The client's address before rules: as announced by a header, else the socket's other end.
    pub(crate) fn found_source(&self) -> Cow<'_, Addr> {
        self.announced().map_or(Cow::Borrowed(&self.peer), |(source, _)| Cow::Owned(source))
    }

    /// The source and destination that a header has announced or a rule has set, each where one has.
    pub(crate) fn announced_or_set(&self) -> [Option<Addr>; 2] {
        let (source, destination) = self.announced().unzip();
        let Some(ends) = self.rule_state().map(|rule_state| rule_state.ends) else {
            return [source, destination];
        };
        let (socket, own) = (Some(&self.peer), self.local());
        let ip = |found: Option<&Addr>| found.and_then(Addr::as_ip).copied();
        let set_source = ends.source(ip(source.as_ref().or(socket))).map(Addr::ip);
        let set_destination = ends.destination(ip(destination.as_ref().or(own))).map(Addr::ip);
        [set_source.or(source), set_destination.or(destination)]
    }

    /// The addresses announced by a header. A NetScaler header follows a PROXY header, so it was added
    /// closer to the client, and takes precedence where there are both.
    pub(crate) fn announced(&self) -> Option<(Addr, Addr)> {
        let Rare { header, cip, .. } = self.rare.as_deref()?;
        let relayed = cip.as_ref().map(cip::Header::ends);
        relayed.or_else(|| header.as_ref()?.ends())
    }

    /// How many refusals of the same kind were not reported before it.
    pub(crate) fn suppressed(&self) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.suppressed)
    }

    /// Our end of the socket, if it was asked for.
    pub(crate) fn local(&self) -> Option<&Addr> {
        self.rare.as_ref()?.local.as_ref()
    }

    /// The state of its rules.
    pub(crate) fn rule_state(&self) -> Option<&RuleState> {
        self.rare.as_ref()?.rule_state.as_deref()
    }

    /// The state of its rules, mutably.
    pub(crate) fn rule_state_mut(&mut self) -> Option<&mut RuleState> {
        self.rare.as_mut()?.rule_state.as_deref_mut()
    }

    /// Takes the state of its rules out; the caller puts it back.
    pub(crate) fn take_rule_state(&mut self) -> Option<Box<RuleState>> {
        self.rare.as_mut()?.rule_state.take()
    }

    /// The limits on how fast the session's bytes move, mutably.
    pub(super) fn rates_mut(&mut self) -> Option<&mut Rates> {
        self.rare.as_mut()?.rates.as_deref_mut()
    }

    /// It has become a session: what only its opening needed is freed.
    pub(crate) fn leave_opening(&mut self) {
        let Some(rare) = self.rare.as_deref_mut() else { return };
        rare.rule_state.take_if(|rule_state| rule_state.is_spent());
        if rare.is_empty() {
            self.rare = None;
        }
    }

    /// The custom handlers that `op` runs.
    pub(crate) fn customs(&self, op: Op) -> impl Iterator<Item = &Custom> {
        let customs: &[Custom] = match &self.plan {
            Plan::Incoming(config) => &config.customs,
            Plan::Outgoing(config) => &config.customs,
            Plan::Adopted => &[],
        };
        let behind_tls = matches!(op, Op::CustomClear | Op::CustomClearOut);
        customs.iter().filter(move |custom| custom.behind_tls == behind_tls)
    }

    /// The timeouts of its opening.
    pub(crate) fn timeouts(&self) -> OpeningTimeouts {
        match &self.plan {
            Plan::Incoming(config) => config.timeouts,
            Plan::Outgoing(config) => config.timeouts,
            Plan::Adopted => OpeningTimeouts::default(),
        }
    }

    /// The options for closing it.
    pub(crate) fn close_options(&self) -> CloseOptions {
        match &self.plan {
            Plan::Incoming(config) => config.close_options,
            Plan::Outgoing(config) => config.close_options,
            Plan::Adopted => CloseOptions::default(),
        }
    }
}

impl Conn {
    /// Our end of the socket: the system is asked once, and only when it is needed.
    pub(crate) fn local<N: Net>(&mut self, net: &mut N) -> Option<Addr> {
        if self.facts.local().is_none() {
            // The system may not know it any more once the peer has closed.
            self.facts.rare_mut().local = Some(self.ctrl.local(net)?);
        }
        self.facts.local().cloned()
    }

    /// The source and destination the connection stands for: those announced by a header, else the
    /// socket's; and what rules have set of them.
    pub(crate) fn ends<N: Net>(&mut self, net: &mut N) -> Option<(Addr, Addr)> {
        let destination = match self.facts.announced() {
            Some((_, destination)) => destination,
            None => self.local(net)?,
        };
        let set = self.facts.rule_state().map(|rule_state| rule_state.ends);
        let changed = set.and_then(|set| set.destination(destination.as_ip().copied()));
        Some((self.facts.source(), changed.map_or(destination, Addr::ip)))
    }
}
