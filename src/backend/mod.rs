//! Which server a stream gets, which streams wait for one, and which servers are healthy. These are
//! decisions only: there is no socket, and the caller passes the time.
//!
//! With [`ask`](Backend::ask) a stream requests a server, and is assigned a [`ServerSlot`], queued or
//! refused. A slot is given back exactly once, since giving it back consumes it. After everything that
//! may have made room for a waiting stream, the caller calls [`next`](Backend::next) until it returns
//! `None`.
//!
//! Streams that wait for one server and those that wait for any are served in the order in which they
//! began to wait. Whether a server takes streams is computed from its administrative state, health,
//! weight and addresses, and is stored nowhere.

mod balance;
mod choice;
mod health;
mod queue;
mod request;
mod retry;
mod server;
mod stats;
#[cfg(test)]
mod tests;

pub(crate) use balance::BalanceMethod;
pub(crate) use health::{
    AttemptOutcome, Check, Checks, Fall, HealthConfig, HealthVerdict, Recovery, Rise, Transition,
    Work,
};
pub(crate) use queue::{Place, Ticket};
pub(crate) use request::{Affinity, Assignment, Leave, Request, Unassigned};
pub(crate) use retry::{Redispatch, Retries, RetryDecision};
pub(crate) use server::{Admin, Server, ServerConfig, ServerIndex, ServerSlot, Weight};
pub(crate) use stats::{BackendCounters, Gauge, Stats};

use balance::Balance;
use queue::{QueueId, Queues};
use retry::FailedAttempt;

use crate::sys::Addr;
use crate::time::Time;

/// The configuration of a backend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackendConfig {
    /// How streams are spread over the servers.
    pub(crate) method: BalanceMethod,
    /// How many streams it carries at a time, over all servers; 0 is no limit.
    pub(crate) maxconn: u32,
    /// How many streams may wait for any server.
    pub(crate) maxqueue: u32,
    /// How often an attempt is repeated, and where.
    pub(crate) retries: Retries,
    /// The seed of all random choices and of the hash of sources. Engines that are to send a source to
    /// the same server have the same seed.
    pub(crate) seed: u64,
}

/// What may be changed of a server at any time.
#[derive(Clone, Debug)]
pub(crate) enum ServerChange {
    /// Its weight.
    Weight(Weight),
    /// Its administrative state.
    Admin(Admin),
    /// Its addresses.
    Addresses(Vec<Addr>),
}

/// The backend has no such server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoSuchServer;

/// A server of the backend has this name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameTaken;

/// Servers of which any can serve a stream.
pub(crate) struct Backend {
    config: BackendConfig,
    servers: Vec<Server>,
    balance: Balance,
    queues: Queues,
    streams: Gauge,
    counters: BackendCounters,
}

impl Backend {
    /// A backend without servers.
    #[must_use]
    pub(crate) fn new(config: BackendConfig) -> Self {
        Self {
            config,
            servers: Vec::new(),
            balance: Balance::new(config.method, config.seed),
            queues: Queues::new(config.maxqueue),
            streams: Gauge::default(),
            counters: BackendCounters::default(),
        }
    }

    /// Adds a server, ready and up.
    ///
    /// # Errors
    /// [`NameTaken`]; nothing is added.
    pub(crate) fn add(
        &mut self,
        config: ServerConfig,
        now: Time,
    ) -> Result<ServerIndex, NameTaken> {
        if self.servers.iter().any(|server| server.name == config.name) {
            return Err(NameTaken);
        }
        let index = ServerIndex(self.servers.len() as u32);
        self.queues.add(config.maxqueue);
        self.servers.push(Server::new(config, self.config.seed, now));
        Ok(index)
    }

    /// Changes a server. One that leaves maintenance is up, and on trial: the first failure of any kind
    /// makes it go down.
    ///
    /// # Errors
    /// [`NoSuchServer`].
    pub(crate) fn set(
        &mut self,
        index: ServerIndex,
        change: ServerChange,
        now: Time,
    ) -> Result<(), NoSuchServer> {
        let server = self.server_mut(index).ok_or(NoSuchServer)?;
        match change {
            ServerChange::Weight(weight) => server.weight = weight,
            ServerChange::Addresses(addresses) => server.addresses = addresses,
            ServerChange::Admin(admin) if admin == server.admin => {}
            ServerChange::Admin(admin) => {
                server.set_admin(admin, now);
                self.count(index, |counters| counters.last_change = now);
            }
        }
        self.settle(index);
        Ok(())
    }

    /// Makes the checks of a server here or not: another engine may make them for this one.
    pub(crate) fn check_here(&mut self, index: ServerIndex, here: bool, now: Time) {
        let Some(server) = self.server_mut(index) else { return };
        let is_paused = server.admin == Admin::Maintenance;
        match here {
            true => server.health.check_here(is_paused, now),
            false => server.health.check_elsewhere(),
        }
    }

    /// Another engine has found the server up or down. It is not counted here.
    pub(crate) fn learn(
        &mut self,
        index: ServerIndex,
        verdict: HealthVerdict,
        now: Time,
    ) -> Option<Transition> {
        let transition = self.server_mut(index)?.health.learn(verdict, now)?;
        self.count(index, |counters| counters.last_change = now);
        self.settle(index);
        Some(transition)
    }

    /// The server of an index.
    #[must_use]
    pub(crate) fn server(&self, index: ServerIndex) -> Option<&Server> {
        self.servers.get(index.0 as usize)
    }

    /// Every server, in the order they were added.
    pub(crate) fn servers(&self) -> impl Iterator<Item = (ServerIndex, &Server)> {
        (0..).map(ServerIndex).zip(&self.servers)
    }

    /// Requests a server for a stream.
    pub(crate) fn ask(&mut self, request: Request) -> Assignment {
        match request.affinity {
            Affinity::Any | Affinity::Sticky(_) => {}
            Affinity::Same(server) => self.count(server, |counters| counters.retries += 1),
            Affinity::Other(server) => self.count(server, |counters| counters.redispatches += 1),
        }
        let Some(line) = self.line(&request) else {
            return Assignment::Refused(Unassigned::NoServer);
        };
        // A stream that could get a server now goes first, whichever queue it is in.
        if (request.front || self.called().is_none())
            && let Some(server) = self.free(line, request.source, request.affinity)
        {
            return Assignment::Assigned(self.take(server));
        }
        match self.queues.enter(line, request.ticket, request.source, request.front) {
            Some(place) => Assignment::Queued(place),
            None => {
                self.count_in(line, |counters| counters.queue_full += 1);
                Assignment::Refused(Unassigned::QueueFull)
            }
        }
    }

    /// Gives a slot back, once the stream or the attempt has ended.
    pub(crate) fn release(&mut self, slot: ServerSlot) {
        if let Some(server) = self.server_mut(slot.server()) {
            server.streams.leave();
            self.streams.leave();
        }
    }

    /// Assigns a server to the next waiting stream that can have one. To be called until it returns
    /// `None`, after a slot was given back, or a server was added, was changed or went up.
    pub(crate) fn next(&mut self) -> Option<(Ticket, ServerSlot)> {
        let line = self.called()?;
        let source = self.queues.first(line)?.source;
        let server = self.free(line, source, Affinity::Any)?;
        let ticket = self.queues.pop(line)?;
        Some((ticket, self.take(server)))
    }

    /// Removes a stream from its queue, and returns whether it waited.
    pub(crate) fn leave(&mut self, place: Place, why: Leave) -> bool {
        let Some(line) = self.queues.leave(place) else { return false };
        if why == Leave::TimedOut {
            self.count_in(line, |counters| counters.queue_timeouts += 1);
        }
        true
    }

    /// How many streams are in front of a stream in its queue, for display only; `None` if it does not
    /// wait.
    #[must_use]
    pub(crate) fn ahead(&self, place: Place) -> Option<usize> {
        self.queues.ahead(place)
    }

    /// Records the outcome of an attempt to reach a server. If it failed, the slot is given back
    /// separately.
    pub(crate) fn connected(
        &mut self,
        index: ServerIndex,
        outcome: AttemptOutcome,
        now: Time,
    ) -> Option<Transition> {
        if outcome == AttemptOutcome::Failed {
            self.count(index, |counters| counters.connect_errors += 1);
        }
        let server = self.server_mut(index)?;
        if server.admin == Admin::Maintenance {
            return None;
        }
        let transition = server.health.connected(outcome, now)?;
        Some(self.changed(index, transition, now))
    }

    /// What to do after the failed attempt number `attempts`, counted from 1.
    #[must_use]
    pub(crate) fn retry(
        &self,
        index: ServerIndex,
        attempts: u32,
        outcome: AttemptOutcome,
    ) -> RetryDecision {
        let serves = self.server(index).is_some_and(Server::serves);
        let is_local = outcome == AttemptOutcome::Local;
        self.config.retries.after(FailedAttempt { attempts, is_local, serves })
    }

    /// When [`Backend::run`] has something to do; [`Time::NEVER`] if nothing is scheduled.
    #[must_use]
    pub(crate) fn due(&self) -> Time {
        self.servers.iter().map(|server| server.health.due()).min().unwrap_or(Time::NEVER)
    }

    /// What is to be done about the health of a server at `now`. To be called until it returns `None`.
    pub(crate) fn run(&mut self, now: Time) -> Option<(ServerIndex, Work)> {
        let work = |(index, server): (u32, &mut Server)| {
            server.health.run(now).map(|work| (ServerIndex(index), work))
        };
        let (index, work) = (0..).zip(&mut self.servers).find_map(work)?;
        if let Work::Changed(transition) = work {
            self.changed(index, transition, now);
        }
        Some((index, work))
    }

    /// Records the result of a check. One from before a maintenance is ignored.
    pub(crate) fn checked(
        &mut self,
        index: ServerIndex,
        check: Check,
        outcome: AttemptOutcome,
        now: Time,
    ) -> Option<Transition> {
        if !self.server(index)?.health.awaits(&check) {
            return None;
        }
        match outcome {
            AttemptOutcome::Succeeded => self.count(index, |counters| counters.checks_passed += 1),
            AttemptOutcome::Failed => self.count(index, |counters| counters.checks_failed += 1),
            AttemptOutcome::Local => {}
        }
        let transition = self.server_mut(index)?.health.checked(&check, outcome, now)?;
        Some(self.changed(index, transition, now))
    }

    /// Counts the bytes, read and written, of a connection to a server.
    pub(crate) fn moved(&mut self, index: ServerIndex, bytes: [u64; 2]) {
        self.count(index, |counters| {
            counters.bytes = [0, 1].map(|way: usize| counters.bytes[way] + bytes[way]);
        });
    }

    /// The counters of the whole backend.
    #[must_use]
    pub(crate) fn stats(&self) -> Stats {
        let queue = self.queues.length(QueueId::Any);
        Stats { streams: self.streams, queue, counters: self.counters }
    }

    /// The counters of a server.
    #[must_use]
    pub(crate) fn server_stats(&self, index: ServerIndex) -> Option<Stats> {
        let Server { streams, counters, .. } = *self.server(index)?;
        Some(Stats { streams, queue: self.queues.length(QueueId::For(index)), counters })
    }
}
