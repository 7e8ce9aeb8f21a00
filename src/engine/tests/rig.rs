//! An engine over the simulated network with a host's loop around it, a clock that jumps, and checks
//! that fail a run that spins, stalls or leaks.

use std::sync::Arc;

use super::bridge::Bridge;
use super::far_agent::{FarAgent, agent_address};
use super::host::{Host, Program, Script};
use super::poller::{Manners, Poller};
pub(super) use super::setup::{
    Carrier, Context, Setup, Weather, both, both_here, everywhere, everywhere_here, on_sockets,
    on_sockets_everywhere, third,
};
use crate::config::{AcceptConfig, LiveRules};
use crate::ctrl::Io;
use crate::engine::{Engine, EngineOptions, Event, EventKind, ListenerOptions, Record};
use crate::id::Id;
use crate::sim::{Knobs, Peer, Random, SimNet, World};
use crate::sys::{Addr, ListenSpec};
use crate::time::{MILLISECOND, Time};

/// Rounds in a row in which nothing happened.
const FRUITLESS: u32 = 300;
/// Fruitless rounds that are this far apart, in nanoseconds, are no spin.
const PATIENCE: u64 = 40 * MILLISECOND;
/// Rounds of one run: more are a spin in which something happens each time.
const ROUNDS: u32 = 2_000_000;
/// Host requests and events of one drain.
const NEWS: u32 = 100_000;

/// Something outside the engine that acts whenever it can, and returns whether it did.
pub(super) type Actor = Box<dyn FnMut() -> bool>;

pub(super) struct Rig {
    pub(super) world: World,
    pub(super) engine: Engine<SimNet>,
    pub(super) host: Host,
    pub(super) manners: Manners,
    pub(super) poller: Poller,
    pub(super) bridge: Bridge,
    /// The agent, where one opens the connections.
    pub(super) far: Option<FarAgent>,
    /// An agent that was replaced.
    pub(super) retired: Option<FarAgent>,
    pub(super) actors: Vec<Actor>,
    /// The random choices of the host's loop.
    random: Random,
    setup: Setup,
    fruitless: u32,
    fruitless_at: Time,
    seen: Seen,
    peers: u16,
    /// The rules of every listener there was.
    pub(super) rules: Vec<Arc<LiveRules>>,
}

/// What shows that a round changed something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    succeeded: u64,
    reported: usize,
    alive: u32,
}

impl Rig {
    pub(super) fn new(setup: Setup, program: Program) -> Self {
        Self::with(setup, program, EngineOptions::default())
    }

    pub(super) fn with(setup: Setup, program: Program, options: EngineOptions) -> Self {
        Self::in_world(setup, program, options, Knobs::default())
    }

    /// In a world with these knobs from the beginning.
    pub(super) fn in_world(
        setup: Setup,
        program: Program,
        options: EngineOptions,
        knobs: Knobs,
    ) -> Self {
        let world = World::new(setup.seed);
        world.tune(|given| *given = knobs);
        Self::beside(world, 1, setup, program, options)
    }

    /// In a world that others are in too, with an engine of this number.
    pub(super) fn beside(
        world: World,
        number: u16,
        setup: Setup,
        program: Program,
        options: EngineOptions,
    ) -> Self {
        let options = EngineOptions { trigger: setup.trigger, ..options };
        let manners = setup.imposed_on(&world);
        let mut engine = Engine::new(world.net(), number, 1, options, world.now());
        engine.feeds_all = setup.transport == Carrier::Fed;
        let far = (setup.transport == Carrier::Agent).then(|| {
            let far = FarAgent::new(&world, 2, FarAgent::options());
            let link = engine
                .open_link(agent_address(), FarAgent::link_config(), FarAgent::link_options())
                .expect("no limit");
            engine.links_all = Some(link);
            far
        });
        let mut rig = Self {
            far,
            retired: None,
            engine,
            bridge: Bridge::new(&world, setup.seed, setup.sloth()),
            world,
            host: Host::new(program),
            manners,
            poller: Poller::default(),
            actors: Vec::new(),
            random: Random::new(setup.seed ^ 0x5eed),
            setup,
            fruitless: 0,
            fruitless_at: Time(0),
            seen: Seen::default(),
            peers: 0,
            rules: Vec::new(),
        };
        if rig.far.is_some() {
            rig.settle();
            rig.host.events.clear();
        }
        rig
    }

    // What tests do.

    /// A listener at [`here`], all of whose refusals are reported.
    pub(super) fn listen(&mut self, config: AcceptConfig) -> Id {
        let options =
            ListenerOptions { refused_per_second: u32::MAX, ..ListenerOptions::default() };
        self.listen_at(&here(), config, options)
    }

    pub(super) fn listen_at(
        &mut self,
        at: &Addr,
        config: AcceptConfig,
        options: ListenerOptions,
    ) -> Id {
        self.rules.extend(config.rules.clone());
        let listens =
            |engine: &mut Engine<SimNet>| engine.listen(&listening(at), Arc::new(config), options);
        self.call(listens).expect("a listener")
    }

    /// A new peer that connects to [`here`].
    pub(super) fn peer(&mut self) -> Peer {
        let port = FIRST_CLIENT + self.peers;
        self.peers += 1;
        let from = Addr::parse(&format!("198.51.100.7:{port}"));
        self.world.connect(&here(), from.expect("an address"))
    }

    /// A command of the host.
    pub(super) fn call<R>(&mut self, command: impl FnOnce(&mut Engine<SimNet>) -> R) -> R {
        self.engine.begin(self.world.now());
        let result = command(&mut self.engine);
        self.drain();
        while self.bridge.turn(&mut self.engine, &self.world) {
            self.drain();
        }
        self.poller.sample(&self.world);
        result
    }

    /// Runs as long as something happens. Deadlines alone are not waited for.
    pub(super) fn settle(&mut self) {
        while self
            .world
            .next_event()
            .is_some_and(|next| next.since(self.world.now()) < 500 * MILLISECOND)
            || !self.is_quiet()
        {
            let next = self.world.next_event().unwrap_or(self.world.now());
            self.round(next.max(self.world.now()));
        }
    }

    fn is_quiet(&mut self) -> bool {
        let now = self.world.now();
        !self.round(now)
    }

    /// Runs for this long.
    pub(super) fn run_for(&mut self, nanoseconds: u64) {
        let until = self.world.now() + nanoseconds;
        self.run_until(until);
        self.world.advance_to(until);
    }

    /// Runs until nothing can happen any more.
    pub(super) fn run(&mut self) {
        self.run_until(Time::NEVER);
    }

    fn run_until(&mut self, until: Time) {
        for _ in 0..ROUNDS {
            if !self.round(until) {
                return;
            }
        }
        self.fail("the run does not end");
    }

    /// Closes the listeners, lets everything end, and checks that nothing is left.
    pub(super) fn finish(mut self) -> Vec<Event> {
        self.close_listeners();
        self.run();
        self.leave_agent();
        self.check_empty();
        self.host.events
    }

    pub(super) fn close_listeners(&mut self) {
        let listeners: Vec<Id> = self
            .engine
            .registry
            .listeners
            .iter()
            .filter(|(_, listener)| listener.is_open())
            .map(|(key, _)| self.engine.id(crate::id::Kind::Listener, key))
            .collect();
        for listener in listeners {
            self.call(|engine| engine.close_listener(listener)).expect("it is open");
        }
    }

    /// Closes the link, and checks that nothing is left at the agent.
    fn leave_agent(&mut self) {
        let Some(link) = self.engine.links_all.take() else { return };
        let before = self.host.events.len();
        self.call(|engine| engine.close_link(link)).expect("it is open");
        if let Some(far) = &mut self.far {
            far.stop_listening(&self.world);
        }
        self.run();
        self.host.events.truncate(before);
        if self.far.as_ref().is_some_and(|far| !far.is_idle()) {
            self.fail("something is left at the agent");
        }
    }

    /// Checks that nothing is left.
    pub(super) fn check_empty(&mut self) {
        let state = self.engine.wait_state();
        let left = (state.conns, state.streams, state.listeners);
        if left != (0, 0, 0) {
            self.fail(&format!("connections, streams, listeners left: {left:?}"));
        }
        let fds = self.world.open_fds();
        if !fds.is_empty() {
            self.fail(&format!("descriptors left: {fds:?}"));
        }
        let buffers = self.engine.buffers_in_use();
        if buffers > 0 {
            self.fail(&format!("buffers left: {buffers}"));
        }
        if !self.poller.watches.is_empty() || !self.bridge.is_empty() {
            self.fail("interest is left");
        }
        if state.deadline.is_some() || state.runnable {
            self.fail(&format!("something is still to be done: {state:?}"));
        }
        self.check_counts();
        self.check_gauges();
        self.check_tables();
        if self.engine.opening != 0 {
            self.fail(&format!("openings are miscounted: {}", self.engine.opening));
        }
    }

    /// Settles, and returns whether the session got an event by it. In calm weather the result is always
    /// false: there a session that got WAIT gets no event unless the peer acts.
    pub(super) fn will_hear(&mut self, id: Id) -> bool {
        let before = self.host.events.len();
        self.settle();
        let reported = self.host.events[before..].iter().any(|event| event.id == id);
        reported && self.setup.weather != Weather::Calm
    }

    // The host's loop.

    /// One round of the loop. False when nothing can happen up to `until`.
    pub(super) fn round(&mut self, until: Time) -> bool {
        let mut acted = false;
        for actor in &mut self.actors {
            acted |= actor();
        }
        self.engine.begin(self.world.now());
        if self.bridge.turn(&mut self.engine, &self.world) {
            self.drain();
            acted = true;
        }
        acted |= self.bridge.keeps;
        for far in [&mut self.far, &mut self.retired].into_iter().flatten() {
            acted |= far.round(&self.world);
        }
        let batch = self.poller.take(&self.world, &mut self.random, &self.manners);
        let state = self.engine.wait_state();
        let now = self.world.now();
        let due = state.deadline.is_some_and(|deadline| deadline <= now);
        if batch.is_empty() && !state.runnable && !due {
            if acted || self.poller.keeps {
                return true;
            }
            self.check_nothing_is_lost();
            let theirs = self.far.as_ref().and_then(FarAgent::deadline);
            let deadline = [state.deadline, theirs].into_iter().flatten().min();
            let next = match (self.world.next_event(), deadline) {
                (Some(event), Some(deadline)) => event.min(deadline),
                (one, other) => match one.or(other) {
                    Some(next) => next,
                    None => return false,
                },
            };
            if next > until {
                return false;
            }
            self.world.advance_to(next);
            return true;
        }
        self.engine.begin(now);
        let at_once = self.random.one_in(2);
        for (token, events) in batch {
            // A token may be of a descriptor that an earlier event of the batch released.
            let released = self.poller.dead.contains(&token);
            let result = self.engine.on_ready(token, events);
            assert!(result.is_ok() || released || !self.is_watched(token), "{result:?}");
            if at_once {
                self.drain();
            }
        }
        if due {
            self.engine.on_deadline();
        }
        if state.runnable {
            self.engine.on_turn();
        }
        self.drain();
        self.check_dead_tokens();
        self.poller.sample(&self.world);
        // If all events were wrong, nothing can follow from them.
        if !self.poller.lied || state.runnable || due {
            self.monitor();
        }
        true
    }

    fn is_watched(&self, token: Id) -> bool {
        self.poller.watches.contains_key(&token.bits())
    }

    /// The order of the boundary: events, host requests, and at the end what is to be closed.
    fn drain(&mut self) {
        for _ in 0..NEWS {
            self.ask_handlers();
            while let Some(event) = self.engine.next_event() {
                assert!(!self.world.holds_signals(), "the host is called with signals held");
                self.host.hear(&mut self.engine, event);
            }
            while let Some(op) = self.engine.next_host_op() {
                assert!(!self.world.holds_signals(), "the host is called with signals held");
                if let Err((instead, errno)) = self.poller.apply(op, &self.world) {
                    self.engine.watch_failed(op, instead, errno);
                }
            }
            for (conn, fd) in std::mem::take(&mut self.engine.fed_fds) {
                self.bridge.accepted(conn, fd);
            }
            while let Some(ask) = self.engine.next_ask() {
                self.bridge.hear(&mut self.engine, ask);
            }
            self.engine.settle();
            let asked = !self.engine.has_questions() && !self.engine.has_asks();
            if asked && !self.engine.has_host_ops() && !self.engine.has_events() {
                assert!(!self.world.holds_signals(), "the host goes on with signals held");
                return self.check_watches();
            }
        }
        self.fail("a drain does not end");
    }

    fn ask_handlers(&mut self) {
        for _ in 0..NEWS {
            while let Some(spent) = self.engine.next_spent() {
                self.host.spent.push(spent.state);
            }
            let Some(mut question) = self.engine.next_question() else { return };
            let owner = Arc::clone(&question.owner);
            let script: &Script = owner.downcast_ref().expect("a script of a test's");
            let answer = script(&mut self.engine, &mut question);
            self.engine.answered(question, answer);
        }
        self.fail("handlers are asked without end");
    }

    // Checks of every round.

    fn check_watches(&self) {
        let open = self.world.open_fds();
        for watch in self.poller.watches.values() {
            assert!(open.contains(&watch.fd), "{:?} is closed and still watched", watch.fd);
        }
    }

    fn check_dead_tokens(&mut self) {
        if self.random.one_in(4)
            && let Some(&token) = self.poller.dead.last()
        {
            assert!(self.engine.on_ready(token, Io::IN).is_err(), "a dead token works");
        }
    }

    /// A round without bytes, states or events is fruitless. Some are caused by the poller.
    fn monitor(&mut self) {
        let state = self.engine.wait_state();
        let seen = Seen {
            succeeded: self.world.succeeded(),
            reported: self.host.events.len(),
            alive: state.conns + state.streams + state.listeners,
        };
        if seen != self.seen {
            self.seen = seen;
            self.fruitless = 0;
        } else if self.world.now().since(self.fruitless_at) > PATIENCE {
            self.fruitless = 0;
        }
        self.fruitless_at = self.world.now();
        self.fruitless += 1;
        if self.fruitless > FRUITLESS {
            self.fail("it is woken again and again, and nothing comes of it");
        }
    }

    /// Called when the host would wait: nothing may be left that could go on.
    fn check_nothing_is_lost(&self) {
        if let Some(lost) = self.bridge.is_lost(&self.world) {
            self.fail(&lost);
        }
        for (key, conn) in self.engine.conns.iter() {
            let Some(number) = conn.ctrl.descriptor() else { continue };
            let ready = self.world.readiness(number);
            let wanted = conn.ctrl.watch().wanted();
            let read = wanted.contains(Io::IN) && ready.read;
            let write = wanted.contains(Io::OUT) && ready.write;
            if read || write {
                self.fail(&format!("a wake-up of {key:?} is lost: read {read} write {write}"));
            }
        }
        for (key, listener) in self.engine.registry.listeners.iter() {
            let Some(number) = listener.fd else { continue };
            if listener.watch.wanted().contains(Io::IN) && self.world.readiness(number).read {
                self.fail(&format!("a wake-up of listener {key:?} is lost"));
            }
        }
        for (key, stream) in self.engine.streams.iter() {
            let conn = |side: usize| self.engine.conns.get(stream.conns()[side]?).ok();
            for side in [0, 1] {
                let (Some(from), Some(to)) = (conn(side), conn(1 - side)) else { continue };
                let lane = &stream.lanes[side];
                if lane.over || !to.may_write() || from.is_held_back() || to.is_held_back() {
                    continue;
                }
                let waits = if lane.is_loaded() {
                    to.ctrl.watch().wanted().contains(Io::OUT)
                } else {
                    !from.may_read() || from.ctrl.watch().wanted().contains(Io::IN)
                };
                if !waits {
                    self.fail(&format!("lane {side} of stream {key:?} waits for nothing"));
                }
            }
        }
    }

    #[track_caller]
    pub(super) fn fail(&self, what: &str) -> ! {
        let mut text = format!("{what}\nin {:?} at {:?}\n", self.setup, self.world.now());
        for (key, _) in self.engine.conns.iter() {
            let id = self.engine.id(crate::id::Kind::Conn, key);
            text += &format!("{}\n", self.engine.describe(id).unwrap_or_default());
        }
        let trace = self.world.trace();
        let lines: Vec<&str> = trace.lines().collect();
        text += &lines[lines.len().saturating_sub(40)..].join("\n");
        panic!("{text}");
    }
}

/// The port of the first client; those of the others follow.
pub(super) const FIRST_CLIENT: u16 = 20_001;

/// The options of a listener.
pub(super) fn listening(at: &Addr) -> ListenSpec {
    ListenSpec {
        addr: at.clone(),
        backlog: 4096,
        reuse_port: false,
        v6_only: false,
        defer_accept: 0,
        mode: None,
        owner: None,
        exclusive: false,
    }
}

/// The address at which the engine listens.
pub(super) fn here() -> Addr {
    Addr::parse("192.0.2.1:80").expect("an address")
}

/// The address of a server.
pub(super) fn yonder() -> Addr {
    Addr::parse("203.0.113.9:443").expect("an address")
}

/// The record of the only refusal.
#[track_caller]
pub(super) fn refusal(events: &[Event]) -> &Record {
    let mut records = events.iter().filter_map(|event| match &event.kind {
        EventKind::Refused(record) => Some(&**record),
        _ => None,
    });
    let record = records.next().expect("a refusal");
    assert!(records.next().is_none(), "one refusal");
    record
}

/// The record of the only connection that was closed.
#[track_caller]
pub(super) fn closed(events: &[Event]) -> &Record {
    let mut records = events.iter().filter_map(|event| match &event.kind {
        EventKind::Closed(record) => Some(&**record),
        _ => None,
    });
    let record = records.next().expect("an end");
    assert!(records.next().is_none(), "one end");
    record
}
