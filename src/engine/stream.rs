//! Streams: the commands that join, drive, bound and end them.

use std::sync::Arc;

use super::traffic::{moved, server_of};
use super::{Engine, Refusal, TimerOwner};
use crate::agenda::Listed;
use crate::config::StreamConfig;
use crate::conn::{Cause, Conn, Ending, Events, Flags, Outcome, Owner, Seat, Wait, Why};
use crate::cx::NOBODY;
use crate::handshake;
use crate::id::{Id, Kind};
use crate::slab::Key;
use crate::stream::{
    self, By, CLIENT, InspectionStage, InterfaceEvent, InterfaceState, Lane, ResponseInspection,
    SERVER, ServerSelection, Side, Stream, Termination, blame,
};
use crate::sys::Net;
use crate::time::Time;

impl<N: Net> Engine<N> {
    /// Joins two connections: from now on the engine relays the bytes between them, and the host gets
    /// no event of either until the stream ends. The server's connection may still be opening. Without
    /// `config` the default bounds apply.
    ///
    /// # Errors
    /// [`Refusal::State`] when one of them is closing or in a stream, or the client's is not a session
    /// yet; [`Refusal::Argument`] when both are one connection.
    pub fn forward(
        &mut self,
        client: Id,
        server: Id,
        config: Option<Arc<StreamConfig>>,
        user: u64,
    ) -> Result<Id, Refusal> {
        let (joining, reached) = (self.conn(client)?, self.conn(server)?);
        if client == server {
            return Err(Refusal::Argument);
        }
        if !may_join(joining) || joining.word.is_opening() || !may_join(reached) {
            return Err(Refusal::State);
        }
        let key = self.add_stream(config, None, user)?;
        self.seat(key, CLIENT, client.key());
        self.seat(key, SERVER, server.key());
        self.work_stream(key.slot);
        Ok(self.id(Kind::Stream, key))
    }

    pub(super) fn add_stream(
        &mut self,
        config: Option<Arc<StreamConfig>>,
        selection: Option<Box<ServerSelection>>,
        user: u64,
    ) -> Result<Key, Refusal> {
        let config = config.unwrap_or_else(|| Arc::clone(&self.default_stream));
        let now = self.tools.now;
        let Self { streams, tools, .. } = self;
        let added = streams.insert_with(|key| Stream {
            sides: [Side::new(now), Side::new(now)],
            inspection: None,
            lanes: [Lane::default(), Lane::default()],
            selection,
            end: None,
            turn: None,
            config,
            opened_at: now,
            reached_at: Time::NEVER,
            timer: tools.timers.insert(TimerOwner::Stream(key.slot).tag()),
            user,
            listed: Listed::empty(),
        });
        added.map_err(|_| Refusal::Limit)
    }

    /// Makes a connection one side of a stream.
    pub(super) fn seat(&mut self, key: Key, side: u8, conn_key: Key) {
        let (Ok(conn), Ok(stream)) = (self.conns.get_mut(conn_key), self.streams.get_mut(key))
        else {
            return;
        };
        if side == CLIENT {
            let chosen = stream.selection.as_ref().map(|selection| selection.backend);
            let entry = chosen.and_then(|backend| self.registry.backends.get(backend).ok());
            stream.inspection = inspection(conn, entry.and_then(|entry| entry.name.as_deref()));
        }
        conn.owner = Owner::Stream { slot: key.slot, side };
        conn.flags.remove(Flags::READ_ARMED | Flags::WRITE_ARMED);
        // The stream has timeouts of its own.
        conn.bound_idle_time(self.tools.now, None);
        conn.events = Events::empty();
        let seat = stream.side_mut(side);
        seat.conn = Some(conn_key);
        let open = !conn.word.is_opening();
        seat.on(if open { InterfaceEvent::Join } else { InterfaceEvent::Dial });
        if open && side == SERVER {
            stream.reached_at = self.tools.now;
        }
    }

    /// Ends a stream at once: both peers see a reset.
    ///
    /// # Errors
    /// The id is not that of a stream of this engine.
    pub fn abort_stream(&mut self, id: Id) -> Result<(), Refusal> {
        self.stream(id)?;
        let key = id.key();
        let text = "the host gave the stream up";
        let cause = Cause::new(None, Why::Aborted).because(text);
        self.cut_stream(key, Ending::Abort, By::Host, cause);
        self.work_stream(key.slot);
        Ok(())
    }

    /// Ends both sides. Bytes that wait between them are lost.
    pub(super) fn cut_stream(&mut self, key: Key, ending: Ending, by: By, cause: Cause) {
        let Self { conns, streams, tools, registry, .. } = self;
        let Ok(stream) = streams.get_mut(key) else { return };
        let mut pair = conns.pair_mut(stream.conns());
        stream.cut(&mut pair, &mut tools.cx(registry, NOBODY), ending, by, cause);
    }

    /// A silence timeout has passed, a wait has ended, or the timer was early.
    pub(super) fn stream_deadline(&mut self, slot: u32) {
        let Self { conns, streams, tools, registry, .. } = self;
        let Some((key, stream)) = streams.entry_of_mut(slot) else { return };
        let mut pair = conns.pair_mut(stream.conns());
        let known = pair.each_ref().map(Option::as_deref);
        let due = stream.next_due(known);
        let now = tools.now;
        if due > now {
            return tools.timers.set(stream.timer, due);
        }
        if stream.selection.as_ref().is_some_and(|selection| selection.until <= now) {
            return self.selection_deadline(key);
        }
        let Some((_, side, text)) = stream.next_silence(known) else { return };
        let cause = Cause::new(None, Why::TimedOut).because(text);
        let by = blame(side, Why::TimedOut);
        stream.cut(&mut pair, &mut tools.cx(registry, NOBODY), Ending::Orderly, by, cause);
        self.work_stream(slot);
    }

    /// Drives a stream until it waits or has ended.
    pub(super) fn work_stream(&mut self, slot: u32) {
        let mut dials = true;
        loop {
            let Self { conns, streams, tools, registry, .. } = self;
            let Some((key, stream)) = streams.entry_of_mut(slot) else { return };
            let keys = stream.conns();
            let mut pair = conns.pair_mut(keys);
            let mut cx = tools.cx(registry, NOBODY);
            let mut outcomes = [Outcome::empty(); 2];
            let outcome = stream.drive(&mut pair, &mut cx, handshake::step, dials, &mut outcomes);
            let is_settled = !outcome.contains(stream::StreamOutcome::ATTEMPT_FAILED);
            if is_settled {
                for ((conn, key), outcome) in pair.iter_mut().zip(keys).zip(&mut outcomes) {
                    if let (Some(conn), Some(key)) = (conn, key) {
                        *outcome |= conn.settle(key, &mut cx);
                    }
                }
                stream.settle(key, &mut pair, &mut cx);
            }
            // Once the server is reached, its selection is of no concern until its side closes.
            let is_reached = stream.side(SERVER).state() == InterfaceState::Est;
            let selects = stream.selection.is_some() && !(is_reached && outcome.is_empty());
            let mut ended = false;
            for (conn, outcome) in keys.into_iter().zip(outcomes) {
                if let Some(conn) = conn.filter(|_| !outcome.is_empty()) {
                    ended |= outcome.contains(Outcome::ENDED);
                    self.apply(conn, outcome);
                }
            }
            if selects {
                self.apply_to_search(key, outcome);
            }
            match keys[usize::from(SERVER)] {
                Some(conn) if !is_settled => {
                    self.attempt_failed(key, conn);
                    // The next attempt begins at the end of the call, once released descriptors are
                    // closed.
                    dials = false;
                }
                _ if !ended => return,
                _ => {}
            }
        }
    }

    /// An attempt has failed: its connection leaves the stream and closes by itself, and the next step
    /// is decided.
    fn attempt_failed(&mut self, key: Key, conn_key: Key) {
        let Self { conns, streams, tools, .. } = self;
        let (Ok(conn), Ok(stream)) = (conns.get_mut(conn_key), streams.get_mut(key)) else {
            return;
        };
        let record = tools.record(conn_key, conn);
        conn.owner = Owner::Nobody;
        conn.flow = Wait::empty();
        let side = stream.side_mut(SERVER);
        side.conn = None;
        side.record = Some(Box::new(record.clone()));
        let bytes = moved(conn);
        if let Some((backend, server)) = server_of(stream, SERVER) {
            self.count_server_bytes(backend, server, bytes);
        }
        self.work(conn_key);
        self.attempt_ended(key, &record);
    }

    /// The descriptor of a stream's connection is closed: the connection leaves the stream.
    pub(super) fn leave_stream(&mut self, key: Key, seat: Seat) {
        let Some(conn) = self.remove_conn(key) else { return };
        let record = self.tools.record(key, &conn);
        if let Some(stream) = self.streams.by_slot_mut(seat.stream) {
            let side = stream.side_mut(seat.side);
            side.conn = None;
            side.record = Some(Box::new(record));
            side.on(InterfaceEvent::Gone);
            if let Some((backend, server)) = server_of(stream, seat.side) {
                self.count_server_bytes(backend, server, moved(&conn));
            }
        }
    }

    /// The state of each side of a stream, client first, and what has ended it so far.
    ///
    /// # Errors
    /// The id is not that of a stream of this engine.
    pub fn stream_states(&self, id: Id) -> Result<([InterfaceState; 2], Termination), Refusal> {
        let stream = self.stream(id)?;
        let end = stream.end.as_ref().map_or_else(Termination::default, |end| end.termination);
        Ok(([stream.side(CLIENT).state(), stream.side(SERVER).state()], end))
    }
}

/// What the rules of a client have to say of a server of the backend of this name.
fn inspection(client: &Conn, backend: Option<&str>) -> Option<Box<ResponseInspection>> {
    let rules = &client.facts.rule_state()?.rules;
    let delay = rules.response_delay(backend)?;
    let stores = rules.stores_response(backend);
    let backend = backend.map(Into::into);
    let stage = InspectionStage::Connect;
    Some(Box::new(ResponseInspection { backend, stores, delay, stage }))
}

/// Whether a connection may become a side of a stream. Whether it must be open is the caller's check.
pub(super) const fn may_join(conn: &Conn) -> bool {
    matches!(conn.owner, Owner::Host) && !conn.word.is_closing()
}
