//! Driving a connection: events from the poller, deadlines, its operations, the session's bytes, and
//! then what it waits for.

use bitflags::bitflags;

use super::{
    Cause, Conn, Direction, Ending, Events, Flags, HalfClose, Op, OpSet, Opening, Plan, Progress,
    Wait, Why, closing, operations,
};
use crate::agenda::List;
use crate::ctrl::{Io, Output};
use crate::cx::Cx;
use crate::id::Kind;
use crate::slab::Key;
use crate::sys::{Errno, Net};
use crate::time::{FOREVER, Time};
use crate::trace::TraceCategories;

bitflags! {
    /// The parts of a drive's result that the engine acts on.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Outcome: u8 {
        /// Its opening has completed or failed.
        const OPENED = 1;
        /// The engine is to compose what it sends, and to drive it again.
        const ANSWER = 2;
        /// Its custom handlers have finished, and may have left user data to free.
        const HANDLED = 4;
        /// Its descriptor is closed: its end is to be reported.
        const ENDED = 8;
        /// It belongs to a health check, which is to be driven.
        const CHECK = 16;
    }
}

/// A function that runs one step of any operation.
pub(crate) trait Steps<N>: Copy + Fn(&mut Conn, &mut Cx<'_, N>, Op) -> Progress {}

impl<N, F: Copy + Fn(&mut Conn, &mut Cx<'_, N>, Op) -> Progress> Steps<N> for F {}

impl Conn {
    /// The host's poller reports that its descriptor is ready. Returns whether it has one.
    pub(crate) fn on_ready<N>(&mut self, events: Io, cx: &Cx<'_, N>) -> bool {
        self.ctrl.on_ready(events, cx.trigger)
    }

    /// Its timer has expired, possibly early.
    pub(crate) fn on_deadline<N: Net>(&mut self, cx: &mut Cx<'_, N>) {
        if self.deadline > cx.now {
            // Early: the deadline was moved since, or `retry_at` was due.
        } else if self.half_close == HalfClose::Held {
            self.fell_silent(cx.now);
        } else {
            self.deadline = Time::NEVER;
            self.expire(cx);
        }
    }

    /// Runs its operations and moves the session's bytes until everything waits. Not for a connection
    /// in a stream, whose bytes the stream relays.
    pub(crate) fn drive<N: Net>(&mut self, cx: &mut Cx<'_, N>, steps: impl Steps<N>) -> Outcome {
        let mut outcome = self.advance(cx, steps);
        if !outcome.contains(Outcome::ANSWER) {
            let closing = self.word.is_closing();
            self.flow(cx);
            if self.word.is_closing() != closing {
                outcome |= self.advance(cx, steps);
            }
        }
        outcome
    }

    /// Runs its operations.
    pub(crate) fn advance<N: Net>(&mut self, cx: &mut Cx<'_, N>, steps: impl Steps<N>) -> Outcome {
        self.waits = operations::advance(self, |conn, op| {
            let traced = cx.telemetry.trace.compares();
            if traced {
                conn.trace_changes(cx);
            }
            let progress = steps(conn, cx, op);
            if traced {
                conn.trace_step(cx, op, &progress);
            }
            if matches!(progress, Progress::Done | Progress::End) {
                cx.telemetry.ops.pass(op);
                conn.count_handshake(cx, op);
            }
            progress
        });
        let mut outcome = Outcome::empty();
        if self.waits.contains(Wait::ANSWER) {
            return Outcome::ANSWER;
        }
        outcome.set(Outcome::HANDLED, self.has_done_handlers());
        outcome
            .set(Outcome::OPENED, self.opening == Opening::Connection && !self.word.is_opening());
        if self.opening != Opening::Nothing && !self.word.is_opening() {
            self.opened(cx.now);
        }
        outcome
    }

    /// Counts the TLS handshake that `op` has completed, if it is one.
    fn count_handshake<N>(&self, cx: &mut Cx<'_, N>, op: Op) {
        if matches!(op, Op::TlsAccept | Op::TlsConnect)
            && let Some(negotiated) = self.data.negotiated()
        {
            cx.telemetry.handshakes.add(op == Op::TlsConnect, &negotiated);
            if cx.telemetry.trace.is_on(TraceCategories::TLS) {
                self.trace_handshake(cx);
            }
        }
    }

    /// Its opening has completed or failed.
    fn opened(&mut self, now: Time) {
        let opened = std::mem::replace(&mut self.opening, Opening::Nothing);
        self.facts.in_op = now.since(self.facts.op_since);
        if self.word.is_closing() {
            return;
        }
        self.rest(now);
        match (opened, &self.facts.plan) {
            (Opening::Tls, _) => self.events.insert(Events::SECURED),
            (_, Plan::Outgoing(_)) => self.events.insert(Events::CONNECTED),
            (_, Plan::Incoming(_) | Plan::Adopted) => {
                if let Some(rule_state) = self.facts.rule_state_mut() {
                    rule_state.count_session(now);
                }
                self.facts.leave_opening();
            }
        }
        // The first bytes are reported without a read that had to wait.
        self.flags.insert(Flags::READ_ARMED);
    }

    /// Sends and receives what a session of the host's has waiting, and notes what it waits for.
    fn flow<N: Net>(&mut self, cx: &mut Cx<'_, N>) {
        self.flow = Wait::empty();
        if self.word.is_opening() {
            return self.flush_opening(cx);
        }
        if self.word.is_closing() {
            return;
        }
        if self.ctrl.has_unsent() {
            match self.ctrl.flush(cx) {
                Ok(true) => {}
                Ok(false) => self.flow |= Wait::WRITE,
                Err(errno) => self.end_writing(Box::new(Cause::system(None, errno))),
            }
        }
        if self.word.is_wanted(Op::Dshr) {
            let waits = closing::discard_session(self, cx);
            self.flow |= waits;
        } else if self.flags.contains(Flags::READ_ARMED)
            && self.allowance(Direction::Read, cx.now) > 0
        {
            if self.has_news() {
                self.flags.remove(Flags::READ_ARMED);
                self.events.insert(Events::READABLE);
            } else {
                self.flow |= Wait::READ;
            }
        }
        if self.flags.contains(Flags::WRITE_ARMED) && self.allowance(Direction::Write, cx.now) > 0 {
            // TLS writes its next record once the last one has left.
            let has_room = match self.data.tls() {
                Some(_) => self.ctrl.is_writable() && !self.ctrl.has_unsent(),
                None => self.ctrl.has_room(),
            };
            if has_room {
                self.flags.remove(Flags::WRITE_ARMED);
                self.events.insert(Events::WRITABLE);
            } else {
                self.flow |= Wait::WRITE;
            }
        }
    }

    /// Sends the bytes of a handshake at the end of the drive, if no payload followed that they could
    /// be sent with.
    fn flush_opening<N: Net>(&mut self, cx: &mut Cx<'_, N>) {
        let connecting = self.word.incomplete().has(Op::CtrlConnect);
        if connecting || !self.ctrl.has_unsent() {
            return;
        }
        match self.ctrl.flush(cx) {
            Ok(true) => {}
            Ok(false) => self.flow |= Wait::WRITE,
            Err(errno) => self.end(Ending::Abort, Some(Box::new(Cause::system(None, errno)))),
        }
    }

    /// Sends what waits to be sent, and the session's first bytes in the same call.
    pub(crate) fn send_early<N: Net>(&mut self, cx: &mut Cx<'_, N>) -> Result<Output, Errno> {
        let Some(mut early) = cx.early.take() else { return self.ctrl.send(cx, &[]) };
        let sent = self.ctrl.send_first(cx, early.bytes.bytes(), early.is_last);
        if let Ok(Output::Bytes(taken)) = sent {
            early.bytes.consume(taken);
        }
        cx.early = Some(early);
        sent
    }

    /// Updates its lists, timer and poller interest. The outcome says whether its end is to be
    /// reported.
    pub(crate) fn settle<N>(&mut self, key: Key, cx: &mut Cx<'_, N>) -> Outcome {
        self.count_bytes(cx.now);
        if cx.telemetry.trace.compares() {
            cx.at_work = key;
            self.trace_changes(cx);
        }
        if self.word.is_complete(Op::Fclose) && !self.is_reported_as_ended() {
            if cx.telemetry.trace.is_on(TraceCategories::CLOSING) {
                self.trace_end(cx);
            }
            self.end_rules(cx.now);
            return Outcome::ENDED;
        }
        let waits = self.waits | self.flow;
        let mut wanted = Io::empty();
        wanted.set(Io::IN, waits.contains(Wait::READ));
        wanted.set(Io::OUT, waits.contains(Wait::WRITE));
        if self.ctrl.wants(wanted) || waits.contains(Wait::TURN) {
            cx.agenda.add(List::Run, Kind::Conn, key, &mut self.listed);
        }
        // What a host lacks that opens connections itself is no descriptor of this process.
        if waits.contains(Wait::ROOM) && self.ctrl.open_failure().is_none() {
            cx.agenda.add(List::Starved, Kind::Conn, key, &mut self.listed);
        }
        if !self.events.is_empty() {
            cx.agenda.add(self.events_list(), Kind::Conn, key, &mut self.listed);
        }
        if waits.contains(Wait::HOST) && self.has_question() {
            cx.agenda.add(List::Questions, Kind::Conn, key, &mut self.listed);
        }
        cx.timers.set_earlier(self.timer, self.next_deadline());
        if self.ctrl.has_ask() {
            let list = if self.ctrl.is_linked() { List::Links } else { List::Asks };
            cx.agenda.add(list, Kind::Conn, key, &mut self.listed);
        }
        if self.ctrl.descriptor().is_some() {
            let target = self.target(cx.trigger);
            if self.ctrl.watch_mut().differs(target) || self.waits.contains(Wait::RELEASE) {
                cx.agenda.add(List::Interest, Kind::ConnFd, key, &mut self.listed);
            }
        }
        Outcome::empty()
    }

    /// The list on which it waits with its events.
    pub(crate) const fn events_list(&self) -> List {
        if self.owner.is_of_link() { List::Links } else { List::Events }
    }

    /// The deadline of the operation that runs has passed.
    fn expire<N: Net>(&mut self, cx: &mut Cx<'_, N>) {
        let now = cx.now;
        match self.word.runnable().first() {
            // The cause names the resource that this machine lacks: as it was reported, or as one last
            // attempt finds out.
            Some(op @ Op::CtrlConnect) if self.waits.contains(Wait::ROOM) => {
                if let Some(errno) = self.ctrl.open_failure() {
                    let cause = Cause::system(Some(op), errno);
                    return self.end(Ending::Refused, Some(Box::new(cause)));
                }
                self.deadline = now;
                self.retry_at = now;
            }
            // Rules that wait for bytes run without them, as long as the time to open has not passed.
            Some(Op::Inspect) if now < self.opened_until() => {
                self.settle_rules();
                self.arm_opening(now, FOREVER);
            }
            // SEND_LAST_CHUNK is excluded: ending it gracefully would only wait again for the same
            // bytes.
            Some(op) if OpSet::OPENING.has(op) && op != Op::SendLastChunk => {
                let text = if self.is_asked() {
                    "a handler did not answer in time"
                } else {
                    "the peer did not finish in time"
                };
                let mut cause = Cause::new(Some(op), Why::TimedOut).because(text);
                // Why the link has not led to the agent so far.
                if let Some(link) = self.facts.rare_mut().remote_cause.take() {
                    cause = Cause { text: link.text, remote: true, ..cause };
                }
                self.end(Ending::Refused, Some(Box::new(cause)));
            }
            Some(op) => closing::expire(self, cx, op),
            None if self.is_held_back() => self.was_active(now),
            None if self.flags.contains(Flags::IDLE_BOUND) => self.was_idle(),
            None => {}
        }
    }
}
