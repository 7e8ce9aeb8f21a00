//! Server selection: a stream asks its backend for a server, waits, connects, and tries again.

use std::sync::Arc;

use super::backend::BackendEntry;
use super::stream::may_join;
use super::{ConnectOptions, Engine, Refusal, Tools};
use crate::backend::{
    Affinity, Assignment, AttemptOutcome, Leave, Request, RetryDecision, ServerIndex, ServerSlot,
    Ticket, Unassigned,
};
use crate::config::{ConnectConfig, StreamConfig};
use crate::conn::{Cause, Conn, Record, Why};
use crate::handshake;
use crate::id::{Id, Kind};
use crate::random::mix;
use crate::slab::Key;
use crate::stream::{
    self, By, CLIENT, EndPhase, InterfaceEvent, InterfaceState, SERVER, ServerSelection, Stream,
    blame,
};
use crate::sys::{Addr, Net};
use crate::time::Time;

/// A stream in server selection, with what takes part in that.
struct Search<'a, N> {
    key: Key,
    stream: &'a mut Stream,
    client: Option<&'a Conn>,
    backend: Key,
    entry: &'a mut BackendEntry,
    tools: &'a mut Tools<N>,
}

/// A server that is to be connected to.
struct Attempt {
    address: Option<Addr>,
    connect: Arc<ConnectConfig>,
    client: Option<Id>,
}

impl<N: Net> Engine<N> {
    /// Joins a session and a server of the backend in a stream. The backend decides which server, and
    /// how many attempts are made.
    ///
    /// # Errors
    /// [`Refusal::State`] when the client is closing, in a stream, or no session yet.
    pub(crate) fn forward_to(
        &mut self,
        client: Id,
        backend: Id,
        config: Option<Arc<StreamConfig>>,
        user: u64,
    ) -> Result<Id, Refusal> {
        let conn = self.conn(client)?;
        self.backend(backend)?;
        if !may_join(conn) || conn.word.is_opening() {
            return Err(Refusal::State);
        }
        let name = self.backend(backend)?.name.clone();
        let affinity =
            self.remembered(client, name.as_deref())?.map_or(Affinity::Any, Affinity::Sticky);
        let selection = Some(Box::new(ServerSelection::new(backend.key(), affinity)));
        let key = self.add_stream(config, selection, user)?;
        self.backend(backend)?.session_rate.count(self.tools.now);
        self.seat(key, CLIENT, client.key());
        let attempt = self.search(key).and_then(|mut search| {
            search.stream.side_mut(SERVER).on(InterfaceEvent::Ask);
            search.ask()
        });
        self.attempt(key, attempt);
        self.work_stream(key.slot);
        Ok(self.id(Kind::Stream, key))
    }

    /// The server that tables remember for a session that goes to the backend of this name: those of
    /// `stick` lines first, then those that track it.
    fn remembered(
        &mut self,
        client: Id,
        backend: Option<&str>,
    ) -> Result<Option<ServerIndex>, Refusal> {
        let (conn, mut cx) = self.conn_mut(client)?;
        let entries = handshake::rules::stick_entries(conn, &mut cx, backend);
        let now = cx.now;
        let sought = entries.iter().filter(|entry| entry.matches);
        let mut found = sought.filter_map(|entry| entry.table.server(entry.key.borrow(), now));
        let number = found.next();
        let Some(rule_state) = conn.facts.rule_state_mut() else { return Ok(None) };
        rule_state.sticks = entries;
        let number = number.or_else(|| rule_state.progress.tracks.server());
        // There, the first server is number 1.
        Ok(number.map(|number| ServerIndex(number.get() - 1)))
    }

    /// The server selection of a stream, where a backend chooses its server.
    fn search(&mut self, key: Key) -> Option<Search<'_, N>> {
        let Self { conns, streams, registry, tools, .. } = self;
        let stream = streams.get_mut(key).ok()?;
        let backend = stream.selection.as_ref()?.backend;
        let entry = registry.backends.get_mut(backend).ok()?;
        let client = stream.side(CLIENT).conn.and_then(|key| conns.get(key).ok());
        Some(Search { key, stream, client, backend, entry, tools })
    }

    /// Connects to the selected server, where there is one.
    fn attempt(&mut self, key: Key, mut attempt: Option<Attempt>) {
        while let Some(Attempt { address, connect, client }) = attempt {
            let options = ConnectOptions { client, ..ConnectOptions::default() };
            let asked = address.ok_or(Refusal::Argument);
            match asked.and_then(|address| self.connect(address, connect, &options)) {
                Ok(id) => return self.seat(key, SERVER, id.key()),
                Err(_) => {
                    let text = "a limit left no room for a connection to the server";
                    let cause = Cause::new(None, Why::LocalLimit).because(text);
                    attempt = self.search(key).and_then(|mut search| {
                        search.stream.side_mut(SERVER).on(InterfaceEvent::Fail);
                        search.decide(Some(cause), false)
                    });
                }
            }
        }
    }

    /// An attempt failed, and its connection is no longer part of the stream: the state is CER.
    pub(super) fn attempt_ended(&mut self, key: Key, record: &Record) {
        let cause = record.cause.clone();
        match self.search(key) {
            Some(mut search) => {
                let next = search.decide(cause, record.bytes_out > 0);
                self.attempt(key, next);
            }
            None => {
                if let Ok(stream) = self.streams.get_mut(key) {
                    let why = cause.as_ref().map_or(Why::Refused, |cause| cause.why);
                    give_up(stream, blame(SERVER, why), EndPhase::Connect, cause);
                }
            }
        }
    }

    /// The wait for a slot, or the pause between two attempts, has ended.
    pub(super) fn selection_deadline(&mut self, key: Key) {
        let Some(mut search) = self.search(key) else { return };
        let mut next = None;
        match search.stream.side(SERVER).state() {
            InterfaceState::Tar => {
                search.stream.side_mut(SERVER).on(InterfaceEvent::Ask);
                search.wait_until(Time::NEVER);
                next = search.ask();
            }
            InterfaceState::Que => {
                search.leave_queue(Leave::TimedOut);
                let text = "no server had a place free in time";
                let cause = Cause::new(None, Why::TimedOut).because(text);
                give_up(search.stream, By::ServerTimeout, EndPhase::Queue, Some(cause));
            }
            _ => {}
        }
        self.attempt(key, next);
        self.work_stream(key.slot);
    }

    /// Applies the outcome of driving a stream to its server selection: the server was reached, or the
    /// place in a queue or the slot at a server is given back, as it is no longer needed.
    pub(super) fn apply_to_search(&mut self, key: Key, outcome: stream::StreamOutcome) {
        let Some(mut search) = self.search(key) else { return };
        if outcome.contains(stream::StreamOutcome::REACHED) {
            search.reached();
        }
        let state = search.stream.side(SERVER).state();
        if state != InterfaceState::Que {
            search.leave_queue(Leave::Gone);
        }
        if matches!(state, InterfaceState::Dis | InterfaceState::Clo) {
            search.free_slot();
        }
    }

    /// Serves the streams that were given a slot.
    pub(super) fn serve_called(&mut self) {
        while let Some((key, backend, slot)) = self.tools.called.pop_front() {
            let search = self.search(key);
            let waits =
                |search: &Search<'_, N>| search.stream.side(SERVER).state() == InterfaceState::Que;
            if let Some(mut search) = search.filter(waits) {
                let next = search.assign(slot);
                self.attempt(key, next);
                self.work_stream(key.slot);
            } else if let Ok(entry) = self.registry.backends.get_mut(backend) {
                // It left the queue after it was given the slot.
                entry.release(backend, slot, &mut self.tools);
            }
        }
    }
}

impl<N> Search<'_, N> {
    /// Asks the backend for a server: the state is REQ.
    fn ask(&mut self) -> Option<Attempt> {
        let selection = self.stream.selection.as_deref_mut()?;
        let request = Request {
            ticket: Ticket(self.key.bits()),
            source: self.client.and_then(source_hash),
            affinity: selection.affinity,
            front: selection.attempts > 0,
        };
        match self.entry.core.ask(request) {
            Assignment::Assigned(slot) => return self.assign(slot),
            Assignment::Queued(place) => {
                selection.place = Some(place);
                selection.queued_at = self.tools.now;
                self.stream.side_mut(SERVER).on(InterfaceEvent::Wait);
                self.wait_until(self.tools.now + self.entry.queue_timeout);
            }
            Assignment::Refused(Unassigned::NoServer) => {
                let text = "no server of the backend can be used";
                let cause = Cause::new(None, Why::Unreachable).because(text);
                give_up(self.stream, By::Server, EndPhase::Connect, Some(cause));
            }
            Assignment::Refused(Unassigned::QueueFull) => {
                let text = "as many streams as may wait for a server do already";
                let cause = Cause::new(None, Why::LocalLimit).because(text);
                give_up(self.stream, By::Limit, EndPhase::Queue, Some(cause));
            }
        }
        None
    }

    /// The stream has a slot of a server, which is to be connected to.
    fn assign(&mut self, slot: ServerSlot) -> Option<Attempt> {
        let Some(found) = self.entry.core.server(slot.server()) else {
            self.entry.release(self.backend, slot, self.tools);
            give_up(self.stream, By::Server, EndPhase::Connect, None);
            return None;
        };
        let selection = self.stream.selection.as_deref_mut()?;
        let (address, connect) = (found.address(selection.attempts), Arc::clone(found.connect()));
        selection.attempts += 1;
        selection.place = None;
        selection.server = Some(slot.server());
        selection.slot = Some(slot);
        selection.until = Time::NEVER;
        // `queued_at` is [`Time::NEVER`] when it was in no queue this time, and then adds nothing.
        let queued_at = std::mem::replace(&mut selection.queued_at, Time::NEVER);
        selection.queued += self.tools.now.since(queued_at);
        self.stream.side_mut(SERVER).on(InterfaceEvent::Assign);
        let client = self.stream.side(CLIENT).conn;
        let client = client.map(|key| self.tools.agenda.id(Kind::Conn, key));
        Some(Attempt { address: address.cloned(), connect, client })
    }

    /// Decides what follows a failed attempt. A server that `took` a byte may have acted on it, so the
    /// request must not go to another one.
    fn decide(&mut self, cause: Option<Cause>, took: bool) -> Option<Attempt> {
        let why = cause.as_ref().map_or(Why::Refused, |cause| cause.why);
        let selection = self.stream.selection.as_deref()?;
        let Some(server) = selection.server else {
            give_up(self.stream, blame(SERVER, why), EndPhase::Connect, cause);
            return None;
        };
        let attempts = selection.attempts;
        let outcome =
            if why == Why::LocalLimit { AttemptOutcome::Local } else { AttemptOutcome::Failed };
        self.free_slot();
        self.entry.attempt_was(self.backend, server, outcome, self.tools);
        let next = if took {
            RetryDecision::GiveUp
        } else {
            self.entry.core.retry(server, attempts, outcome)
        };
        match next {
            RetryDecision::SameServer(pause) => {
                self.affinity(Affinity::Same(server), InterfaceEvent::Pause);
                self.wait_until(self.tools.now + pause);
            }
            RetryDecision::AnotherServer => {
                self.affinity(Affinity::Other(server), InterfaceEvent::Ask);
                return self.ask();
            }
            RetryDecision::GiveUp => {
                give_up(self.stream, blame(SERVER, why), EndPhase::Connect, cause)
            }
        }
        None
    }

    fn affinity(&mut self, affinity: Affinity, event: InterfaceEvent) {
        self.stream.side_mut(SERVER).on(event);
        if let Some(selection) = &mut self.stream.selection {
            selection.affinity = affinity;
        }
    }

    fn wait_until(&mut self, until: Time) {
        if let Some(selection) = &mut self.stream.selection {
            selection.until = until;
            self.tools.timers.set_earlier(self.stream.timer, until);
        }
    }

    /// Takes the stream out of the queue, if it waits in one.
    fn leave_queue(&mut self, why: Leave) {
        if let Some(selection) = &mut self.stream.selection
            && let Some(place) = selection.place.take()
        {
            selection.queued += self.tools.now.since(selection.queued_at);
            selection.until = Time::NEVER;
            self.entry.core.leave(place, why);
        }
    }

    /// Gives back the slot that the stream holds at its server, if it holds one.
    fn free_slot(&mut self) {
        if let Some(slot) =
            self.stream.selection.as_mut().and_then(|selection| selection.slot.take())
        {
            self.entry.release(self.backend, slot, self.tools);
        }
    }

    /// The server was reached.
    fn reached(&mut self) {
        let selection = self.stream.selection.as_ref();
        let Some((selection, server)) = selection.and_then(|it| Some((it, it.server?))) else {
            return;
        };
        let number = selection.number();
        self.entry.attempt_was(self.backend, server, AttemptOutcome::Succeeded, self.tools);
        let rule_state = self.client.and_then(|client| client.facts.rule_state());
        if let (Some(rule_state), Some(number)) = (rule_state, number) {
            rule_state.progress.tracks.set_server(number);
            for entry in rule_state.sticks.iter().filter(|entry| entry.stores) {
                // A table that is full remembers nothing more, which it counts.
                let _ = entry.table.set_server(entry.key.borrow(), number, self.tools.now);
            }
        }
    }
}

/// Ends server selection without a server.
fn give_up(stream: &mut Stream, by: By, phase: EndPhase, cause: Option<Cause>) {
    stream.side_mut(SERVER).on(InterfaceEvent::GiveUp);
    stream.ended_by(by, phase, cause);
}

/// A hash of the client's address, equal for all its connections.
fn source_hash(client: &Conn) -> Option<u64> {
    match client.facts.source() {
        Addr::Ip(ip) => Some(match ip.ip() {
            std::net::IpAddr::V4(v4) => mix(u64::from(v4.to_bits())),
            std::net::IpAddr::V6(v6) => {
                let bits = v6.to_bits();
                mix(mix((bits >> 64) as u64) ^ bits as u64)
            }
        }),
        Addr::Unix(_) => None,
    }
}
