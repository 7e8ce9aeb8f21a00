//! Inputs: readiness, time, turns. Each finds the connection or stream, drives it, and applies the
//! outcome to the engine.

use super::{Engine, ListenerCounts, Refusal, TimerOwner};
use crate::agenda::List;
use crate::conn::{Cause, Conn, Detail, Events, Flags, Outcome, Owner, Plan, Why};
use crate::ctrl::Io;
use crate::cx::Cx;
use crate::handshake;
use crate::id::{Id, Kind};
use crate::slab::Key;
use crate::sys::{Fd, Net};

impl<N: Net> Engine<N> {
    /// The host's poller reports that the descriptor of `token` is ready. What is due by now is done
    /// first, so that what arrived after a deadline does not count as in time.
    ///
    /// # Errors
    /// The token is of a closed descriptor, or is no token: then nothing happens.
    pub fn on_ready(&mut self, token: Id, events: Io) -> Result<(), Refusal> {
        if !Io::REPORTED.contains(events) {
            return Err(Refusal::Argument);
        }
        if token.engine() != self.number {
            return Err(Refusal::WrongEngine);
        }
        if !matches!(token.kind(), Kind::ConnFd | Kind::ListenerFd | Kind::WakeFd) {
            return Err(Refusal::WrongKind);
        }
        self.on_deadline();
        match token.kind() {
            Kind::ConnFd => self.conn_ready(token.key(), events),
            Kind::ListenerFd => self.listener_ready(token.key(), events),
            // The thread that woke the engine has put its work into a list of its own.
            _ => Ok(()),
        }
    }

    /// The host's poller reports that a descriptor is ready; the host knows only its number.
    ///
    /// # Errors
    /// [`Refusal::Mode`] unless the engine was made for it; [`Refusal::Stale`] when the number is
    /// of no descriptor of this engine.
    pub fn on_ready_fd(&mut self, fd: Fd, events: Io) -> Result<(), Refusal> {
        if !self.options.by_fd {
            return Err(Refusal::Mode);
        }
        let index = usize::try_from(fd.0).map_err(|_| Refusal::Argument)?;
        let token = self.by_fd.get(index).copied().flatten().ok_or(Refusal::Stale)?;
        self.on_ready(token, events)
    }

    fn conn_ready(&mut self, key: Key, events: Io) -> Result<(), Refusal> {
        let Self { conns, tools, registry, .. } = self;
        let conn = conns.get_mut(key).map_err(|_| Refusal::Stale)?;
        let mut cx = tools.cx(registry, key);
        if !conn.on_ready(events, &cx) {
            return Err(Refusal::Stale);
        }
        match conn.seat() {
            Some(seat) => self.work_stream(seat.stream),
            None => {
                // One that waits to read finds a failure behind the bytes.
                let reads = conn.flags.contains(Flags::READ_ARMED);
                if matches!(conn.owner, Owner::Channel { .. }) && !reads {
                    conn.notice_failure(&mut cx);
                }
                let outcome = drive(conn, key, &mut cx);
                self.apply(key, outcome);
            }
        }
        Ok(())
    }

    /// Time has passed: what is due is done.
    pub fn on_deadline(&mut self) {
        self.tools.timers.advance(self.tools.now);
        while let Some((tag, _)) = self.tools.timers.pop() {
            match TimerOwner::of(tag) {
                TimerOwner::Conn(slot) => self.conn_deadline(slot),
                TimerOwner::Stream(slot) => self.stream_deadline(slot),
                TimerOwner::Listener(slot) => self.listener_deadline(slot),
                TimerOwner::Drain => self.drain_deadline(),
                TimerOwner::Backend(slot) => self.backend_deadline(slot),
                TimerOwner::Link(slot) => self.link_deadline(slot),
                TimerOwner::LinkSession(slot) => self.session_deadline(slot),
                TimerOwner::Group => self.group_deadline(),
            }
        }
    }

    /// Runs what waits for no event, one turn each.
    pub fn on_turn(&mut self) {
        for _ in 0..self.tools.agenda.len(List::Run) {
            let Some(id) = self.tools.agenda.take(List::Run) else { return };
            if let Ok(conn) = self.conns.get_mut(id.key()) {
                conn.listed.leave(List::Run);
                self.work(id.key());
            }
        }
    }

    fn conn_deadline(&mut self, slot: u32) {
        let Self { conns, tools, registry, .. } = self;
        if let Some((key, conn)) = conns.entry_of_mut(slot) {
            conn.on_deadline(&mut tools.cx(registry, key));
            self.work(key);
        }
    }

    /// Drives one connection, or the stream it belongs to, until it waits.
    pub(super) fn work(&mut self, key: Key) {
        let Self { conns, tools, registry, .. } = self;
        let Ok(conn) = conns.get_mut(key) else { return };
        match conn.seat() {
            Some(seat) => self.work_stream(seat.stream),
            None => {
                let outcome = drive(conn, key, &mut tools.cx(registry, key));
                self.apply(key, outcome);
            }
        }
    }

    /// Applies the outcome of driving a connection to the engine.
    pub(super) fn apply(&mut self, key: Key, outcome: Outcome) {
        if outcome.is_empty() {
            return;
        }
        if outcome.contains(Outcome::OPENED) {
            self.opened(key);
        }
        if outcome.contains(Outcome::HANDLED) {
            self.drop_handler_state(key);
        }
        if outcome.contains(Outcome::ANSWER) {
            if self.compose_answer(key) {
                return self.work(key);
            }
            return self.await_answer(key);
        }
        if outcome.contains(Outcome::CHECK) {
            self.attend_check(key);
        }
        if outcome.contains(Outcome::ENDED) {
            self.ended(key);
        }
    }

    /// The answer to a monitor is not there yet: what it waits for is nothing of its own.
    fn await_answer(&mut self, key: Key) {
        let Self { conns, tools, registry, .. } = self;
        let Ok(conn) = conns.get_mut(key) else { return };
        let outcome = conn.settle(key, &mut tools.cx(registry, key));
        self.apply(key, outcome);
    }

    /// The opening of a connection has completed or failed.
    fn opened(&mut self, key: Key) {
        let lets_end = self.lets_end();
        let Ok(conn) = self.conns.get_mut(key) else { return };
        let failed = conn.word.is_closing();
        if conn.cause.as_ref().is_some_and(|cause| by_limit(cause)) {
            self.counters.limited += 1;
        }
        if conn.owner == Owner::Host {
            conn.events.set(Events::DRAINING, !failed && lets_end);
        }
        match &conn.facts.plan {
            Plan::Outgoing(_) => self.counters.connect_failures += u64::from(failed),
            Plan::Incoming(_) | Plan::Adopted => {
                self.opening = self.opening.saturating_sub(1);
                let listener = self.registry.listener_mut(conn.facts.listener);
                let mut unlisted = ListenerCounts::default();
                let counts = listener.map_or(&mut unlisted, |listener| &mut listener.counts);
                if conn.owner == Owner::Monitor {
                    self.counters.monitored += 1;
                    counts.monitored += 1;
                } else if failed {
                    self.counters.refused += 1;
                    counts.refused += 1;
                } else {
                    self.counters.sessions += 1;
                    counts.sessions += 1;
                }
                self.wake_full_listeners();
            }
        }
    }
}

/// Drives a connection that is part of no stream, and updates its timer and lists.
pub(super) fn drive<N: Net>(conn: &mut Conn, key: Key, cx: &mut Cx<'_, N>) -> Outcome {
    let mut outcome = conn.drive(cx, handshake::step);
    if conn.owner == Owner::HealthCheck {
        outcome |= Outcome::CHECK;
    } else if !outcome.contains(Outcome::ANSWER) {
        outcome |= conn.settle(key, cx);
    }
    // The client of an agent learns of a failure before the connection is closed.
    let has_failed = conn.cause.is_some() && conn.word.is_closing();
    if has_failed && matches!(conn.owner, Owner::Channel { .. }) {
        cx.agenda.add(List::Links, Kind::Conn, key, &mut conn.listed);
    }
    outcome
}

/// Whether a configured limit, not the system, ended an opening.
fn by_limit(cause: &Cause) -> bool {
    cause.detail == Detail::None && matches!(cause.why, Why::LocalLimit | Why::TooLarge)
}
