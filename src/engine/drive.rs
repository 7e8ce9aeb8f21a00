//! Inputs: readiness, time, turns. Each works on one connection until it has to wait, and then
//! notes what it waits for.

use super::custom::is_asked;
use super::rules::{self, House};
use super::{Engine, ListenerCounts, Refusal, TimerOwner, TlsCounts, steps};
use crate::conn::{
    Cause, Conn, Detail, Ending, HalfClose, Marks, News, Op, OpSet, Opening, Owner, Plan, Progress,
    Wait, Why, advance, closing,
};
use crate::ctrl::Io;
use crate::cx::Cx;
use crate::id::{Id, Kind};
use crate::slab::{Key, Slab};
use crate::stream::{Stream, other};
use crate::sys::{Fd, Net};
use crate::time::{FOREVER, Time};
use crate::tls::Session;

impl<N: Net> Engine<N> {
    /// The host's poller says that the descriptor of `token` is ready. What is due by now is done first:
    /// what has come since a deadline passed comes too late.
    ///
    /// # Errors
    /// A token of a descriptor that is gone, or no token at all: nothing happens.
    pub fn on_ready(&mut self, token: Id, events: Io) -> Result<(), Refusal> {
        if !Io::TOLD.contains(events) {
            return Err(Refusal::Argument);
        }
        if token.engine() != self.number {
            return Err(Refusal::WrongEngine);
        }
        if !matches!(token.kind(), Kind::ConnFd | Kind::ListenerFd | Kind::BellFd) {
            return Err(Refusal::WrongKind);
        }
        self.on_deadline();
        match token.kind() {
            Kind::ConnFd => self.conn_ready(token.key(), events),
            Kind::ListenerFd => self.listener_ready(token.key(), events),
            // Who hung the bell there knows what it rings for.
            _ => Ok(()),
        }
    }

    /// The host's poller says that a descriptor is ready; the host knows only its number.
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
        let conn = self.conns.get_mut(key).map_err(|_| Refusal::Stale)?;
        if !conn.ctrl.on_ready(events, self.options.trigger) {
            return Err(Refusal::Stale);
        }
        self.work(key);
        Ok(())
    }

    /// Time has passed: what is due is done.
    pub fn on_deadline(&mut self) {
        self.wheel.advance(self.tools.now);
        while let Some((tag, _)) = self.wheel.pop() {
            match TimerOwner::of(tag) {
                TimerOwner::Conn(slot) => self.conn_deadline(slot),
                TimerOwner::Stream(slot) => self.stream_deadline(slot),
                TimerOwner::Listener(slot) => self.listener_deadline(slot),
                TimerOwner::Drain => self.drain_deadline(),
                TimerOwner::Backend(slot) => self.backend_deadline(slot),
            }
        }
    }

    /// Work that waits for no event gets one turn each.
    pub fn on_turn(&mut self) {
        for _ in 0..self.run.len() {
            let Some(id) = self.run.pop_front() else { return };
            if id.kind() == Kind::Conn {
                if let Ok(conn) = self.conns.get_mut(id.key()) {
                    conn.marks.remove(Marks::QUEUED);
                    self.work(id.key());
                }
            } else if let Ok(listener) = self.listeners.get_mut(id.key()) {
                listener.queued = false;
                self.work_listener(id.key());
            }
        }
    }

    fn conn_deadline(&mut self, slot: u32) {
        let Some(key) = self.conns.key_of(slot) else { return };
        let Ok(conn) = self.conns.get_mut(key) else { return };
        if conn.deadline > self.tools.now {
            // It was early.
        } else if conn.half_close == HalfClose::Held {
            conn.fell_silent();
        } else {
            conn.deadline = Time::NEVER;
            expire(conn, &mut self.tools.cx(&[]));
        }
        self.work(key);
    }

    /// Drives one connection, with the stream it belongs to, until it waits.
    pub(super) fn work(&mut self, key: Key) {
        let Ok(conn) = self.conns.get(key) else { return };
        if let Some(seat) = conn.seat() {
            return self.work_stream(seat.stream);
        }
        let checks = conn.owner == Owner::HealthCheck;
        self.advance(key);
        self.flow(key);
        if checks {
            self.attend_check(key);
        }
        self.settle_conn(key);
    }

    /// Runs the operations of one connection.
    pub(super) fn advance(&mut self, key: Key) {
        self.run_ops(key);
        if self.conns.get(key).is_ok_and(|conn| conn.waits.contains(Wait::ANSWER)) {
            self.compose_answer(key);
            self.run_ops(key);
        }
        let Ok(conn) = self.conns.get_mut(key) else { return };
        if conn.opening == Opening::Tls && !conn.word.is_opening() {
            conn.opening = Opening::Nothing;
            conn.facts.in_op = self.tools.now.since(conn.facts.op_since);
            if !conn.word.is_closing() {
                conn.deadline = Time::NEVER;
                conn.news.insert(News::SECURED);
                // It is told of its first bytes without having asked, as a fresh session is.
                conn.marks.insert(Marks::READ_ARMED);
            }
        }
        let handled = conn.facts.rare.as_ref().is_some_and(|rare| rare.asking.is_some());
        if conn.opening == Opening::Connection && !conn.word.is_opening() {
            conn.opening = Opening::Nothing;
            self.opened(key);
        }
        if handled {
            self.drop_asking(key);
        }
    }

    fn run_ops(&mut self, key: Key) {
        let Self { conns, streams, listeners, backends, tools, ops, handshakes, .. } = self;
        let Ok(conn) = conns.get_mut(key) else { return };
        let house = House { listeners, backends };
        let mut seat = seat_of(conn, streams);
        let early = match &seat {
            Some((stream, side)) if sends_early(conn) => {
                stream.lanes[usize::from(other(*side))].bytes()
            }
            _ => &[],
        };
        let mut cx = tools.cx(early);
        conn.waits = advance(conn, |conn, op| {
            let progress = steps::step(conn, &mut cx, &house, op);
            if matches!(progress, Progress::Done | Progress::End) {
                ops.pass(op);
                count_handshake(conn, op, handshakes);
            }
            progress
        });
        let taken = cx.early_taken;
        if let Some((stream, side)) = &mut seat
            && taken > 0
        {
            stream.lanes[usize::from(other(*side))].taken(taken, &mut tools.pool);
            stream.took(*side, tools.now);
        }
    }

    /// An opening is over, one way or the other.
    fn opened(&mut self, key: Key) {
        let lets_end = self.lets_end();
        let Ok(conn) = self.conns.get_mut(key) else { return };
        let failed = conn.word.is_closing();
        conn.facts.in_op = self.tools.now.since(conn.facts.op_since);
        if conn.cause.as_ref().is_some_and(|cause| by_limit(cause)) {
            self.counters.limited += 1;
        }
        if !failed {
            conn.deadline = Time::NEVER;
            conn.news.set(News::DRAINING, lets_end);
        }
        let listener = conn.facts.listener.and_then(|from| self.listeners.get_mut(from).ok());
        match &conn.facts.plan {
            Plan::Outgoing(_) if failed => self.counters.connect_failures += 1,
            Plan::Outgoing(_) => {
                conn.news.insert(News::CONNECTED);
                // A fresh session is told of its first bytes without having asked.
                conn.marks.insert(Marks::READ_ARMED);
            }
            Plan::Incoming(_) | Plan::Adopted => {
                self.opening = self.opening.saturating_sub(1);
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
                    if let Some(visit) = conn.facts.visit() {
                        visit.session(self.tools.now);
                    }
                    conn.facts.leave_opening();
                    // A fresh session is told of its first bytes without having asked.
                    conn.marks.insert(Marks::READ_ARMED);
                }
                self.wake_full_listeners();
            }
        }
    }

    /// Moves what a session of the host's has waiting, and notes what it waits for.
    fn flow(&mut self, key: Key) {
        let Ok(conn) = self.conns.get_mut(key) else { return };
        conn.flow = Wait::empty();
        if conn.word.is_opening() || conn.word.is_closing() {
            self.flush_opening(key);
            return;
        }
        let mut cx = self.tools.cx(&[]);
        if conn.ctrl.has_unsent() {
            match conn.ctrl.flush(&mut cx) {
                Ok(true) => {}
                Ok(false) => conn.flow |= Wait::WRITE,
                Err(errno) => conn.end_writing(Box::new(Cause::system(None, errno))),
            }
        }
        if conn.word.is_wanted(Op::Dshr) {
            let waits = closing::discard_session(conn, &mut cx);
            conn.flow |= waits;
        } else if conn.marks.contains(Marks::READ_ARMED) {
            if conn.data.has_input() || conn.ctrl.is_readable() {
                conn.marks.remove(Marks::READ_ARMED);
                conn.news.insert(News::READABLE);
            } else {
                conn.flow |= Wait::READ;
            }
        }
        if conn.marks.contains(Marks::WRITE_ARMED) {
            if conn.ctrl.is_writable() && !conn.ctrl.has_unsent() {
                conn.marks.remove(Marks::WRITE_ARMED);
                conn.news.insert(News::WRITABLE);
            } else {
                conn.flow |= Wait::WRITE;
            }
        }
        if conn.word.is_closing() {
            self.advance(key);
        }
    }

    /// A handshake's bytes leave at the end of the drive when nothing followed that would take
    /// them along.
    fn flush_opening(&mut self, key: Key) {
        let Ok(conn) = self.conns.get_mut(key) else { return };
        let connecting = conn.word.incomplete().has(Op::CtrlConnect);
        if !conn.word.is_opening() || connecting || !conn.ctrl.has_unsent() {
            return;
        }
        let mut cx = self.tools.cx(&[]);
        match conn.ctrl.flush(&mut cx) {
            Ok(true) => {}
            Ok(false) => conn.flow |= Wait::WRITE,
            Err(errno) => {
                let at = conn.word.incomplete().both(OpSet::OPENING).first();
                conn.end(Ending::Abort, Some(Box::new(Cause::system(at, errno))));
                self.advance(key);
            }
        }
    }

    /// Notes what a connection waits for: interest, turn, timer, news; and its end.
    pub(super) fn settle_conn(&mut self, key: Key) {
        let id = self.id(Kind::Conn, key);
        let Ok(conn) = self.conns.get_mut(key) else { return };
        conn.count_bytes(self.tools.now);
        if conn.word.is_complete(Op::Fclose) && !conn.is_told_as_ended() {
            self.end_visit(key);
            self.ended(key);
            return;
        }
        let waits = conn.waits | conn.flow;
        let mut wanted = Io::empty();
        wanted.set(Io::IN, waits.contains(Wait::READ));
        wanted.set(Io::OUT, waits.contains(Wait::WRITE));
        let due = conn.ctrl.wants(wanted) || waits.contains(Wait::TURN);
        if due && !conn.marks.contains(Marks::QUEUED) {
            conn.marks.insert(Marks::QUEUED);
            self.run.push_back(id);
        }
        let deadline = conn.next_deadline();
        let timer = conn.timer;
        let asks = waits.contains(Wait::HOST);
        if waits.contains(Wait::ROOM) && !conn.marks.contains(Marks::STARVED) {
            conn.marks.insert(Marks::STARVED);
            self.starved.push_back(key);
        }
        if !conn.news.is_empty() && !conn.marks.contains(Marks::TELLING) {
            conn.marks.insert(Marks::TELLING);
            self.news.push_back(id);
        }
        self.wheel.set_earlier(timer, deadline);
        self.note_interest(key);
        if asks {
            self.note_question(key);
        }
    }
}

/// Counts a handshake that `op` has completed, if that is what it did.
fn count_handshake(conn: &Conn, op: Op, counts: &mut TlsCounts) {
    if matches!(op, Op::TlsAccept | Op::TlsConnect)
        && let Some(negotiated) = conn.data.tls().and_then(Session::negotiated)
    {
        counts.add(op == Op::TlsConnect, &negotiated);
    }
}

/// Whether a configured limit ended an opening, and not the system.
fn by_limit(cause: &Cause) -> bool {
    cause.detail == Detail::None && matches!(cause.why, Why::LocalLimit | Why::TooLarge)
}

/// The stream that `conn` is part of, and which side it is.
fn seat_of<'a>(conn: &Conn, streams: &'a mut Slab<Stream>) -> Option<(&'a mut Stream, u8)> {
    let seat = conn.seat()?;
    let key = streams.key_of(seat.stream)?;
    Some((streams.get_mut(key).ok()?, seat.side))
}

/// Whether a connect may send the session's bytes right behind the header: nothing encrypts them, and
/// nobody else is to be spoken to first.
fn sends_early(conn: &Conn) -> bool {
    match &conn.facts.plan {
        Plan::Outgoing(config) => {
            let is_bare = config.socks.is_none() && config.tls.is_none();
            conn.word.is_opening() && is_bare && config.customs.is_empty()
        }
        Plan::Incoming(_) | Plan::Adopted => false,
    }
}

/// The deadline of the operation that runs has passed.
fn expire<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) {
    let now = cx.now;
    let waiting = conn.word.runnable().first();
    match waiting {
        // A last try says what this machine lacks.
        Some(Op::CtrlConnect) if conn.waits.contains(Wait::ROOM) => {
            conn.deadline = now;
            conn.retry_at = now;
        }
        // Rules that wait for bytes go on without them, as long as there is time to open at all.
        Some(Op::Inspect) if now < conn.opened_until() => {
            rules::settle(conn);
            conn.arm_opening(now, FOREVER);
        }
        // Last bytes that were not taken in time would not be taken by waiting once more.
        Some(op) if OpSet::OPENING.has(op) && op != Op::SendLastChunk => {
            let text = if is_asked(conn) {
                "a handler did not answer in time"
            } else {
                "the peer did not finish in time"
            };
            let cause = Cause::new(Some(op), Why::TimedOut).because(text);
            conn.end(Ending::Refused, Some(Box::new(cause)));
        }
        Some(op) => closing::expire(conn, cx, op),
        None => {}
    }
}
