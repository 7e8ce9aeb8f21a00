//! An agent in an engine of its own, in the same simulated network: what the tests' engine has opened, it
//! opens.

use std::sync::Arc;

use super::poller::{Manners, Poller};
use super::rig::listening;
use crate::config::{AcceptConfig, ConnectConfig};
use crate::engine::{
    AgentOptions, AllowList, Engine, EngineOptions, Event, EventKind, LinkOptions, ListenerOptions,
    Refusal,
};
use crate::id::Id;
use crate::sim::{Random, SimNet, World};
use crate::sys::{Addr, Errno};
use crate::time::{FOREVER, Time};

/// The user data of listeners whose connections are handed over.
const OFFERED: u64 = 1;

/// Where the agent takes clients.
pub(super) fn agent_address() -> Addr {
    Addr::parse("unix:@agent").expect("an address")
}

pub(super) struct FarAgent {
    pub(super) engine: Engine<SimNet>,
    pub(super) agent: Id,
    pub(super) events: Vec<Event>,
    /// What names stand for.
    pub(super) names: Vec<(&'static str, Result<Addr, Errno>)>,
    /// The name under which sessions that are no client's are offered.
    pub(super) offers: Option<&'static str>,
    /// Why sessions were no clients.
    pub(super) refused: Vec<Refusal>,
    poller: Poller,
    listener: Option<Id>,
    /// The listener whose sessions are offered.
    offered: Option<Id>,
    random: Random,
}

impl FarAgent {
    /// An agent that allows every destination.
    pub(super) fn new(world: &World, number: u16, options: AgentOptions) -> Self {
        let mut engine = Engine::new(world.net(), number, 1, EngineOptions::default(), world.now());
        engine.begin(world.now());
        let agent = engine.add_agent(options).expect("no limit");
        let config = Arc::new(AcceptConfig::default());
        let options = ListenerOptions::default();
        let listener =
            engine.listen(&listening(&agent_address()), config, options).expect("a listener");
        let mut far = Self {
            engine,
            agent,
            events: Vec::new(),
            names: Vec::new(),
            offers: None,
            refused: Vec::new(),
            offered: None,
            poller: Poller::default(),
            listener: Some(listener),
            random: Random::new(0xfa4),
        };
        far.drain(world);
        far
    }

    /// The options of an agent that allows everything, and asks for no sign of life.
    pub(super) fn options() -> AgentOptions {
        let allow = AllowList::parse("0.0.0.0/0:*,[::]/0:*,unix:/,*.test:*").expect("a list");
        AgentOptions { allow, keepalive: FOREVER, ..AgentOptions::default() }
    }

    /// The options of a link that asks for no sign of life.
    pub(super) fn link_options() -> LinkOptions {
        LinkOptions { keepalive: FOREVER, ..LinkOptions::default() }
    }

    /// How the link is connected.
    pub(super) fn link_config() -> Arc<ConnectConfig> {
        Arc::new(ConnectConfig::default())
    }

    /// One round of its host's loop. Returns whether there was something to do.
    pub(super) fn round(&mut self, world: &World) -> bool {
        let now = world.now();
        self.engine.begin(now);
        let batch = self.poller.take(world, &mut self.random, &Manners::default());
        let state = self.engine.wait_state();
        let due = state.deadline.is_some_and(|deadline| deadline <= now);
        if batch.is_empty() && !state.runnable && !due {
            return false;
        }
        for (token, events) in batch {
            let _ = self.engine.on_ready(token, events);
        }
        if due {
            self.engine.on_deadline();
        }
        self.engine.on_turn();
        self.drain(world);
        self.poller.sample(world);
        true
    }

    /// When it has to be called next.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.engine.wait_state().deadline
    }

    /// A command of its host.
    pub(super) fn call<R>(
        &mut self,
        world: &World,
        command: impl FnOnce(&mut Engine<SimNet>) -> R,
    ) -> R {
        self.engine.begin(world.now());
        let result = command(&mut self.engine);
        self.drain(world);
        result
    }

    /// Listens at `at` for connections that are to be handed over.
    pub(super) fn listen(&mut self, world: &World, at: &Addr) {
        let config = Arc::new(AcceptConfig::default());
        let options = ListenerOptions { user: OFFERED, ..ListenerOptions::default() };
        let listens = |engine: &mut Engine<SimNet>| engine.listen(&listening(at), config, options);
        self.offered = Some(self.call(world, listens).expect("a listener"));
    }

    /// Hands no more connections over.
    pub(super) fn close_others(&mut self, world: &World) {
        if let Some(listener) = self.offered.take() {
            self.call(world, |engine| engine.close_listener(listener)).expect("it listens");
        }
    }

    /// Its process is killed: the system closes all its descriptors, with a reset where bytes are unread.
    pub(super) fn kill(&mut self, world: &World) {
        self.engine.begin(world.now());
        self.engine.abort_all();
        self.engine.close_all_fds();
    }

    /// Takes no more clients.
    pub(super) fn stop_listening(&mut self, world: &World) {
        if let Some(listener) = self.listener.take() {
            self.call(world, |engine| engine.close_listener(listener)).expect("it listens");
        }
    }

    fn drain(&mut self, world: &World) {
        loop {
            while let Some(event) = self.engine.next_event() {
                self.hear(event);
            }
            while let Some(op) = self.engine.next_host_op() {
                self.poller.apply(op, world).expect("it can be watched");
            }
            self.engine.settle();
            if !self.engine.has_host_ops() && !self.engine.has_events() {
                return;
            }
        }
    }

    fn hear(&mut self, event: Event) {
        match &event.kind {
            EventKind::Session => {
                let taken = match self.offers {
                    Some(name) if event.user == OFFERED => {
                        self.engine.offer(self.agent, event.id, name)
                    }
                    _ => self.engine.serve_client(self.agent, event.id),
                };
                if let Err(refusal) = taken {
                    self.refused.push(refusal);
                    let _ = self.engine.close(event.id);
                }
            }
            EventKind::Resolve(ticket, name, port) => {
                let found = self.names.iter().find(|(known, _)| *known == &**name);
                let found = found.map_or(Err(Errno(libc::ENOENT)), |(_, found)| found.clone());
                let found = found.map(|addr| match addr {
                    Addr::Ip(mut ip) => {
                        ip.set_port(*port);
                        Addr::Ip(ip)
                    }
                    unix @ Addr::Unix(_) => unix,
                });
                self.engine.resolved(self.agent, *ticket, found).expect("it was asked");
            }
            _ => {}
        }
        self.events.push(event);
    }

    /// Whether nothing is left of it but the agent.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.engine.wait_state();
        (state.conns, state.streams, state.listeners) == (0, 0, 0)
            && self.engine.buffers_in_use() == 0
            && self.poller.watches.is_empty()
            && self.engine.opening == 0
    }
}
