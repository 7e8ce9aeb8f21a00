//! Backends as the host sees them: creating and changing them, their servers, counters and events.

use std::collections::VecDeque;
use std::sync::Arc;

use super::check::CheckPlan;
use super::group::SharedServer;
use super::{Engine, Refusal, TimerOwner, Tools};
use crate::agenda::{List, Listed};
use crate::backend::{
    AttemptOutcome, Backend, BackendConfig, Check, Fall, Rise, Server, ServerChange, ServerConfig,
    ServerIndex, ServerSlot, Stats, Ticket, Transition, Work,
};
use crate::id::{Id, Kind};
use crate::rules::{Load, ServerLoad};
use crate::slab::Key;
use crate::sys::Net;
use crate::table::PerSecond;
use crate::time::Time;
use crate::wheel::Timer;

/// A backend of this engine.
pub(super) struct BackendEntry {
    pub(super) core: Backend,
    /// How long a stream may wait for a slot, in nanoseconds.
    pub(super) queue_timeout: u64,
    pub(super) timer: Timer,
    /// The health check of each server.
    pub(super) plans: Vec<Option<Arc<CheckPlan>>>,
    /// What was last reported to the host of each server.
    reported: Vec<Reported>,
    /// Servers with events to report.
    events: VecDeque<ServerIndex>,
    user: u64,
    /// The name that rules and metrics use for it.
    pub(super) name: Option<Box<str>>,
    /// Streams that came to it.
    pub(super) session_rate: PerSecond,
    /// The lists it is on.
    listed: Listed,
    /// What other members of the group are told of its servers, of the first so many.
    pub(super) shared: Vec<SharedServer>,
}

impl BackendEntry {
    fn is_up(&self, server: ServerIndex) -> bool {
        self.core.server(server).is_some_and(Server::is_up)
    }

    /// Records how an attempt to reach a server went. `key` is the key of this backend.
    pub(super) fn attempt_was<N>(
        &mut self,
        key: Key,
        server: ServerIndex,
        outcome: AttemptOutcome,
        tools: &mut Tools<N>,
    ) {
        let transition = self.core.connected(server, outcome, tools.now);
        self.note_transition(key, server, transition, tools);
        self.settle(key, tools);
    }

    /// Records how a health check of a server went. `key` is the key of this backend.
    pub(super) fn check_was<N>(
        &mut self,
        key: Key,
        server: ServerIndex,
        (check, outcome): (Check, AttemptOutcome),
        tools: &mut Tools<N>,
    ) {
        let transition = self.core.checked(server, check, outcome, tools.now);
        self.note_transition(key, server, transition, tools);
        self.settle(key, tools);
    }

    /// Takes a stream's slot back; a stream in the queue may get it now.
    pub(super) fn release<N>(&mut self, key: Key, slot: ServerSlot, tools: &mut Tools<N>) {
        self.core.release(slot);
        self.settle(key, tools);
    }

    /// Sets the timer, and queues the streams that have been given a slot.
    pub(super) fn settle<N>(&mut self, key: Key, tools: &mut Tools<N>) {
        while let Some((Ticket(ticket), slot)) = self.core.next() {
            tools.called.push_back((Key::from_bits(ticket), key, slot));
        }
        tools.timers.set(self.timer, self.core.due());
    }

    fn note_transition<N>(
        &mut self,
        key: Key,
        server: ServerIndex,
        transition: Option<Transition>,
        tools: &mut Tools<N>,
    ) {
        let Some(transition) = transition else { return };
        self.tell_transition(server, transition, tools);
        self.note_learned(key, server, transition, tools);
    }

    /// Notes a transition that the other members know of.
    pub(super) fn note_learned<N>(
        &mut self,
        key: Key,
        server: ServerIndex,
        transition: Transition,
        tools: &mut Tools<N>,
    ) {
        if let Some(reported) = self.reported.get_mut(server.0 as usize) {
            reported.by_checks =
                matches!(transition, Transition::Up(Rise::Checks) | Transition::Down(Fall::Checks));
        }
        self.note_server(key, server, tools);
    }

    /// Lists a server for an event, if its state differs from what was last reported.
    fn note_server<N>(&mut self, key: Key, server: ServerIndex, tools: &mut Tools<N>) {
        let up = self.is_up(server);
        let Some(reported) = self.reported.get_mut(server.0 as usize) else { return };
        if (reported.up == up && !reported.resolve) || reported.queued {
            return;
        }
        reported.queued = true;
        self.events.push_back(server);
        tools.agenda.add(List::Events, Kind::Backend, key, &mut self.listed);
    }

    /// Changes a server, and lists it for an event if that changes its health.
    pub(super) fn change<N>(
        &mut self,
        key: Key,
        server: ServerIndex,
        change: ServerChange,
        tools: &mut Tools<N>,
    ) -> Result<(), Refusal> {
        let was_up = self.is_up(server);
        self.core.set(server, change, tools.now).map_err(|_| Refusal::Argument)?;
        if was_up != self.is_up(server)
            && let Some(reported) = self.reported.get_mut(server.0 as usize)
        {
            reported.by_checks = false;
        }
        self.note_server(key, server, tools);
        Ok(())
    }

    /// How busy it is.
    pub(super) fn load(&self, now: Time) -> Load {
        let stats = self.core.stats();
        let servers = || self.core.servers().map(|(index, server)| (server, self.queued(index)));
        let queued = servers().map(|(_, queued)| queued).sum::<u64>();
        let usable = || servers().map(|(server, _)| server).filter(|server| server.is_usable());
        Load {
            connections: stats.streams.now.into(),
            queued: queued + u64::from(stats.queue.now),
            servers: usable().count() as u64,
            // None where one of them has no limit.
            free: usable().map(Server::room).try_fold(0, |sum, room| Some(sum + room?)),
            session_rate: self.session_rate.get(now),
        }
    }

    /// How busy a server is.
    pub(super) fn server_load(&self, name: &str) -> Option<ServerLoad> {
        let (index, server) = self.server_called(name)?;
        Some(ServerLoad {
            is_up: server.serves(),
            connections: server.streams().into(),
            queued: self.queued(index),
            free: server.room(),
        })
    }

    /// The server of this name, or that of this place in the backend: `farm-2` is the second of `farm`.
    fn server_called(&self, name: &str) -> Option<(ServerIndex, &Server)> {
        let by_name = self.core.servers().find(|(_, server)| server.name() == name);
        by_name.or_else(|| {
            let place = name.strip_prefix(self.name.as_deref()?)?.strip_prefix('-')?;
            let place: usize = place.parse().ok().filter(|place| *place > 0)?;
            self.core.servers().nth(place - 1)
        })
    }

    /// How many streams wait for a server.
    fn queued(&self, server: ServerIndex) -> u64 {
        self.core.server_stats(server).map_or(0, |stats| stats.queue.now.into())
    }
}

#[derive(Clone, Copy, Debug)]
struct Reported {
    up: bool,
    by_checks: bool,
    queued: bool,
    resolve: bool,
}

/// What a host decides when it makes a backend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackendOptions {
    pub(crate) config: BackendConfig,
    pub(crate) queue_timeout: u64,
    pub(crate) user: u64,
}

/// What happened to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// Its health is good: checks passed, or (`false`) it is given another chance.
    Up(bool),
    /// Its health is bad: checks failed, or (`false`) attempts to reach it did.
    Down(bool),
    /// It has no address: the host is to resolve its name.
    Resolve,
}

impl<N: Net> Engine<N> {
    /// Makes a backend without servers.
    pub(crate) fn add_backend(&mut self, options: BackendOptions) -> Result<Id, Refusal> {
        let Self { registry, tools, .. } = self;
        let added = registry.backends.insert_with(|key| BackendEntry {
            core: Backend::new(options.config),
            queue_timeout: options.queue_timeout,
            timer: tools.timers.insert(TimerOwner::Backend(key.slot).tag()),
            plans: Vec::new(),
            reported: Vec::new(),
            events: VecDeque::new(),
            user: options.user,
            name: None,
            session_rate: PerSecond::default(),
            listed: Listed::empty(),
            shared: Vec::new(),
        });
        let key = added.map_err(|_| Refusal::Limit)?;
        Ok(self.id(Kind::Backend, key))
    }

    /// Adds a server. For one without an address, [`ServerEvent::Resolve`] asks the host to resolve its
    /// name.
    pub(crate) fn add_server(
        &mut self,
        backend: Id,
        config: ServerConfig,
        plan: Option<CheckPlan>,
    ) -> Result<ServerIndex, Refusal> {
        let (entry, tools) = self.backend_mut(backend)?;
        let nameless = config.addresses.is_empty();
        let index = entry.core.add(config, tools.now).map_err(|_| Refusal::Argument)?;
        entry.plans.push(plan.map(Arc::new));
        entry.reported.push(Reported {
            up: true,
            by_checks: false,
            queued: false,
            resolve: nameless,
        });
        if nameless {
            entry.note_server(backend.key(), index, tools);
        }
        entry.settle(backend.key(), tools);
        self.share(backend.key());
        Ok(index)
    }

    /// Changes a server while it runs.
    pub(crate) fn set_server(
        &mut self,
        backend: Id,
        server: ServerIndex,
        change: ServerChange,
    ) -> Result<(), Refusal> {
        let (entry, tools) = self.backend_mut(backend)?;
        let was = entry.core.server(server).map(Server::admin);
        entry.change(backend.key(), server, change.clone(), tools)?;
        entry.tell_change(server, &change, was, tools);
        entry.settle(backend.key(), tools);
        Ok(())
    }

    /// The counters of a backend, or of one of its servers.
    pub(crate) fn backend_stats(
        &self,
        backend: Id,
        server: Option<ServerIndex>,
    ) -> Result<Stats, Refusal> {
        let entry = self.backend(backend)?;
        let stats = match server {
            None => entry.core.stats(),
            Some(index) => entry.core.server_stats(index).ok_or(Refusal::Argument)?,
        };
        Ok(self.live_bytes().of_backend(backend.key(), server, stats))
    }

    /// A server of a backend.
    pub(crate) fn server(&self, backend: Id, server: ServerIndex) -> Result<&Server, Refusal> {
        self.backend(backend)?.core.server(server).ok_or(Refusal::Argument)
    }

    /// A health check, or another change of the health of servers, is due.
    pub(super) fn backend_deadline(&mut self, slot: u32) {
        let Self { registry, tools, .. } = self;
        let Some((key, entry)) = registry.backends.entry_of_mut(slot) else { return };
        let mut checks = Vec::new();
        while let Some((server, work)) = entry.core.run(tools.now) {
            match work {
                Work::Check(check) => checks.push((server, check)),
                Work::Changed(transition) => {
                    entry.note_transition(key, server, Some(transition), tools);
                }
            }
        }
        entry.settle(key, tools);
        for (server, check) in checks {
            self.begin_check(key, server, check);
        }
    }

    /// The next event of a backend's servers, and whether there are more.
    pub(super) fn server_event(&mut self, id: Id) -> (Option<super::Event>, bool) {
        let Ok(entry) = self.registry.backends.get_mut(id.key()) else { return (None, false) };
        let mut found = None;
        while found.is_none()
            && let Some(server) = entry.events.pop_front()
        {
            let up = entry.is_up(server);
            let Some(reported) = entry.reported.get_mut(server.0 as usize) else { continue };
            let news = match (std::mem::take(&mut reported.resolve), reported.up == up, up) {
                (true, ..) => Some(ServerEvent::Resolve),
                // The change was reverted before it could be reported.
                (false, true, _) => None,
                (false, false, true) => Some(ServerEvent::Up(reported.by_checks)),
                (false, false, false) => Some(ServerEvent::Down(reported.by_checks)),
            };
            // A request to resolve is reported first; a change of health follows as the next event.
            let again = news == Some(ServerEvent::Resolve) && reported.up != up;
            reported.queued = again;
            if again {
                entry.events.push_back(server);
            } else {
                reported.up = up;
            }
            found = news.map(|news| super::EventKind::Server(server.0, news));
        }
        let user = entry.user;
        let more = !entry.events.is_empty();
        if !more {
            entry.listed.leave(List::Events);
        }
        (found.map(|kind| super::Event { id, user, kind }), more)
    }
}
