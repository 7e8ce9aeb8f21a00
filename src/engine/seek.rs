//! A stream that looks for a server: asks its backend, waits, tries, and tries again.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::{ConnectOptions, Engine, Refusal};
use crate::backend::{
    Answer, Leave, Next, Outcome, Refusal as No, Request, ServerIndex, Slot, Ticket, Wish,
};
use crate::config::StreamConfig;
use crate::conn::{Cause, Record, Why};
use crate::id::{Id, Kind};
use crate::random::mix;
use crate::rules::Tracks;
use crate::slab::Key;
use crate::stream::{self, By, CLIENT, Event, Phase, SERVER, Seek, State, blame};
use crate::sys::{Addr, Net};
use crate::time::Time;

impl<N: Net> Engine<N> {
    /// Makes a session one side of a stream whose other side is a server of the backend's: which,
    /// and after which attempts, is the backend's to say.
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
        let client = self.conn_key(client)?;
        let backend = self.backend_key(backend)?;
        self.may_join(client, false)?;
        let config = config.unwrap_or_else(|| Arc::clone(&self.default_stream));
        let key = self.add_stream(config, user)?;
        self.seat(key, CLIENT, client);
        let wish = self.remembered(client).map_or(Wish::Any, Wish::Sticky);
        if let Ok(stream) = self.streams.get_mut(key) {
            stream.seek = Some(Box::new(Seek::new(backend, wish)));
            stream.side_mut(SERVER).on(Event::Ask);
        }
        self.seek(key);
        self.work_stream(key.slot);
        Ok(self.id(Kind::Stream, key))
    }

    /// The entries that a client is counted in.
    fn tracks(&self, client: Key) -> Option<&Tracks> {
        Some(&self.conns.get(client).ok()?.facts.visit()?.passage.tracks)
    }

    /// The server that the tables which count a client remember for it, the first counted as 1.
    fn remembered(&self, client: Key) -> Option<ServerIndex> {
        let number = self.tracks(client)?.server()?;
        Some(ServerIndex(number.get() - 1))
    }

    /// The client's address as a number, the same for all its connections.
    fn source_hash(&self, client: Key) -> Option<u64> {
        match self.conns.get(client).ok()?.facts.source() {
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

    /// Asks the backend for a server: the state is REQ.
    fn seek(&mut self, key: Key) {
        let client = self.streams.get(key).ok().and_then(|stream| stream.side(CLIENT).conn);
        let source = client.and_then(|client| self.source_hash(client));
        let Self { streams, registry, .. } = self;
        let Ok(stream) = streams.get_mut(key) else { return };
        let Some(seek) = &mut stream.seek else { return };
        let Ok(entry) = registry.backends.get_mut(seek.backend) else { return };
        let request = Request {
            ticket: Ticket(key.bits()),
            source,
            wish: seek.wish,
            front: seek.attempts > 0,
        };
        match entry.core.ask(request) {
            Answer::Assigned(slot) => self.assigned(key, slot),
            Answer::Queued(place) => {
                seek.place = Some(place);
                let backend = seek.backend;
                seek.queued_at = self.tools.now;
                stream.side_mut(SERVER).on(Event::Wait);
                self.seek_until(key, self.queue_deadline(backend));
            }
            Answer::Refused(No::NoServer) => {
                let text = "no server of the backend can be used";
                self.give_up(key, By::Server, Phase::Connect, Why::Unreachable, text);
            }
            Answer::Refused(No::QueueFull) => {
                let text = "as many streams as may wait for a server do already";
                self.give_up(key, By::Limit, Phase::Queue, Why::LocalLimit, text);
            }
        }
    }

    /// A server has a place for the stream: it is tried.
    fn assigned(&mut self, key: Key, slot: Slot) {
        let Self { streams, registry, .. } = self;
        let Ok(stream) = streams.get_mut(key) else { return };
        let Some(seek) = &mut stream.seek else { return };
        let server = slot.server();
        let attempt = seek.attempts;
        seek.attempts += 1;
        seek.place = None;
        seek.server = Some(server);
        seek.slot = Some(slot);
        seek.until = Time::NEVER;
        // One that was in no queue this time has waited in none.
        let queued_at = std::mem::replace(&mut seek.queued_at, Time::NEVER);
        seek.queued += self.tools.now.since(queued_at);
        let backend = seek.backend;
        let client = stream.side(CLIENT).conn;
        stream.side_mut(SERVER).on(Event::Assign);
        let Ok(entry) = registry.backends.get_mut(backend) else { return };
        let Some(found) = entry.core.server(server) else { return };
        let (address, connect) = (found.address(attempt).cloned(), Arc::clone(found.connect()));
        let options = ConnectOptions {
            client: client.map(|key| self.id(Kind::Conn, key)),
            ..ConnectOptions::default()
        };
        let asked = address.ok_or(Refusal::Argument);
        match asked.and_then(|address| self.connect(address, connect, &options)) {
            Ok(id) => {
                self.seat(key, SERVER, id.key());
            }
            Err(_) => {
                if let Ok(stream) = self.streams.get_mut(key) {
                    stream.side_mut(SERVER).on(Event::Fail);
                }
                let text = "a limit left no room for a connection to the server";
                let cause = Cause::new(None, Why::LocalLimit).because(text);
                self.decide(key, Some(cause), false);
            }
        }
    }

    /// An attempt failed, and its connection is let go of: the state is CER.
    pub(super) fn attempt_ended(&mut self, key: Key, record: &Record) {
        self.decide(key, record.cause.clone(), record.bytes_out > 0);
    }

    /// What comes after a failed attempt. A server that `took` a byte may have acted on it: then
    /// there is no other.
    fn decide(&mut self, key: Key, cause: Option<Cause>, took: bool) {
        let why = cause.as_ref().map_or(Why::Refused, |cause| cause.why);
        let outcome = if why == Why::LocalLimit { Outcome::Local } else { Outcome::Failed };
        let Ok(stream) = self.streams.get_mut(key) else { return };
        let Some((backend, server, attempts)) =
            stream.seek.as_ref().and_then(|seek| Some((seek.backend, seek.server?, seek.attempts)))
        else {
            return self.no_more(key, blame(SERVER, why), cause);
        };
        self.free_slot(key);
        self.attempt_was(backend, server, outcome);
        let next = match self.registry.backends.get(backend) {
            Ok(entry) if !took => entry.core.retry(server, attempts, outcome),
            _ => Next::GiveUp,
        };
        match next {
            Next::SameServer(pause) => {
                self.wish(key, Wish::Same(server), Event::Pause);
                self.seek_until(key, self.tools.now + pause);
            }
            Next::AnotherServer => {
                self.wish(key, Wish::Other(server), Event::Ask);
                self.seek(key);
            }
            Next::GiveUp => self.no_more(key, blame(SERVER, why), cause),
        }
    }

    fn wish(&mut self, key: Key, wish: Wish, event: Event) {
        let Ok(stream) = self.streams.get_mut(key) else { return };
        stream.side_mut(SERVER).on(event);
        if let Some(seek) = &mut stream.seek {
            seek.wish = wish;
        }
    }

    fn seek_until(&mut self, key: Key, until: Time) {
        let Ok(stream) = self.streams.get_mut(key) else { return };
        let timer = stream.timer;
        if let Some(seek) = &mut stream.seek {
            seek.until = until;
            self.tools.timers.set_earlier(timer, until);
        }
    }

    /// The time of waiting is over: for a place, or between two attempts.
    pub(super) fn seek_deadline(&mut self, key: Key) {
        let Ok(stream) = self.streams.get_mut(key) else { return };
        let state = stream.side(SERVER).state();
        match state {
            State::Tar => {
                stream.side_mut(SERVER).on(Event::Ask);
                if let Some(seek) = &mut stream.seek {
                    seek.until = Time::NEVER;
                }
                self.seek(key);
            }
            State::Que => {
                self.leave_queue(key, Leave::TimedOut);
                let text = "no server had a place free in time";
                self.give_up(key, By::ServerTimeout, Phase::Queue, Why::TimedOut, text);
            }
            _ => {}
        }
        self.work_stream(key.slot);
    }

    /// Takes a stream out of the queue it waits in.
    pub(super) fn leave_queue(&mut self, key: Key, why: Leave) {
        let Self { streams, registry, .. } = self;
        let Ok(stream) = streams.get_mut(key) else { return };
        let Some(seek) = &mut stream.seek else { return };
        if let Some(place) = seek.place.take()
            && let Ok(entry) = registry.backends.get_mut(seek.backend)
        {
            seek.queued += self.tools.now.since(seek.queued_at);
            entry.core.leave(place, why);
        }
        seek.until = Time::NEVER;
    }

    /// Gives back the place that a stream holds at its server.
    pub(super) fn free_slot(&mut self, key: Key) {
        let Ok(stream) = self.streams.get_mut(key) else { return };
        let Some(seek) = &mut stream.seek else { return };
        if let Some(slot) = seek.slot.take() {
            let backend = seek.backend;
            self.release_slot(backend, slot);
        }
    }

    /// Does what a drive of a stream left to its search: the server was reached, or the place that it
    /// waits in or holds at a server is given back, as it is wanted no more.
    pub(super) fn apply_to_seek(&mut self, key: Key, outcome: stream::Outcome) {
        if outcome.contains(stream::Outcome::REACHED) {
            self.reached(key);
        }
        let Ok(stream) = self.streams.get(key) else { return };
        let Some(seek) = &stream.seek else { return };
        let state = stream.side(SERVER).state();
        if seek.place.is_some() && state != State::Que {
            self.leave_queue(key, Leave::Gone);
        } else if seek.slot.is_some() && matches!(state, State::Dis | State::Clo) {
            self.free_slot(key);
        }
    }

    /// The server was reached.
    pub(super) fn reached(&mut self, key: Key) {
        let Ok(stream) = self.streams.get(key) else { return };
        let Some(seek) = &stream.seek else { return };
        let (backend, client) = (seek.backend, stream.side(CLIENT).conn);
        let Some(server) = seek.server else { return };
        self.attempt_was(backend, server, Outcome::Succeeded);
        if let Some(tracks) = client.and_then(|client| self.tracks(client)) {
            tracks.set_server(NonZeroU32::MIN.saturating_add(server.0));
        }
    }

    fn give_up(&mut self, key: Key, by: By, phase: Phase, why: Why, text: &'static str) {
        let Ok(stream) = self.streams.get_mut(key) else { return };
        stream.side_mut(SERVER).on(Event::GiveUp);
        stream.ended_by(by, phase, Some(Cause::new(None, why).because(text)));
    }

    fn no_more(&mut self, key: Key, by: By, cause: Option<Cause>) {
        let Ok(stream) = self.streams.get_mut(key) else { return };
        stream.side_mut(SERVER).on(Event::GiveUp);
        stream.ended_by(by, Phase::Connect, cause);
    }

    /// Serves the streams that a place has come free for.
    pub(super) fn serve_called(&mut self) {
        while let Some((key, backend, slot)) = self.called.pop_front() {
            let state = self.streams.get(key).map(|stream| stream.side(SERVER).state());
            if state == Ok(State::Que) {
                self.assigned(key, slot);
                self.work_stream(key.slot);
            } else {
                // It has left since it was called.
                self.release_slot(backend, slot);
            }
        }
    }
}
