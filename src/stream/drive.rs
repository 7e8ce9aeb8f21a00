//! Driving a stream: both connections are driven, the bytes between them are relayed, and the states of
//! its sides follow, until all of it waits.

use std::ops::ControlFlow;

use bitflags::bitflags;

use super::{By, CLIENT, InterfaceEvent, InterfaceState, Lane, SERVER, Stream, blame, other};
use crate::agenda::List;
use crate::config::TlsTruncation;
use crate::conn::{
    self, Cause, CloseMode, Code, Conn, Direction, Ending, Op, OpSet, OpWord, Steps, Wait, Why,
};
use crate::cx::{Cx, Early, NOBODY};
use crate::id::Kind;
use crate::slab::Key;
use crate::sys::Net;
use crate::time::Time;
use crate::tls::Session;

/// The sides, in the order they are driven.
const SIDES: [u8; 2] = [CLIENT, SERVER];

/// The connections of a stream, by side.
pub(crate) type Pair<'a> = [Option<&'a mut Conn>; 2];

bitflags! {
    /// The parts of a drive's result that the engine acts on.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct StreamOutcome: u8 {
        /// The attempt to reach a server has failed: the engine is to release its connection and decide
        /// what follows. Then the stream is to be driven again.
        const ATTEMPT_FAILED = 1;
        /// The server is reached.
        const REACHED = 2;
    }
}

/// The connection of a side.
pub(super) fn on<'p>(pair: &'p mut Pair<'_>, side: u8) -> Option<&'p mut Conn> {
    pair[usize::from(side)].as_deref_mut()
}

/// The source and the destination of a lane.
pub(super) fn ends<'p>(
    pair: &'p mut Pair<'_>,
    side: u8,
) -> (Option<&'p mut Conn>, Option<&'p mut Conn>) {
    let [client, server] = pair.each_mut().map(Option::as_deref_mut);
    if side == CLIENT { (client, server) } else { (server, client) }
}

impl Stream {
    /// Drives both connections and relays the bytes between them, until all wait or the engine is to
    /// act. The result of each connection is added to `outcomes`. Unless `dials` is set, a connect that
    /// has not begun does not begin yet: the descriptor of the previous attempt is still open.
    pub(crate) fn drive<N: Net>(
        &mut self,
        pair: &mut Pair<'_>,
        cx: &mut Cx<'_, N>,
        steps: impl Steps<N>,
        dials: bool,
        outcomes: &mut [conn::Outcome; 2],
    ) -> StreamOutcome {
        let mut outcome = StreamOutcome::empty();
        let _ = self.run(pair, cx, steps, dials, outcomes, &mut outcome);
        outcome
    }

    /// Drives until all wait. Breaks off early where the engine is to act first.
    fn run<N: Net>(
        &mut self,
        pair: &mut Pair<'_>,
        cx: &mut Cx<'_, N>,
        steps: impl Steps<N>,
        dials: bool,
        outcomes: &mut [conn::Outcome; 2],
        outcome: &mut StreamOutcome,
    ) -> ControlFlow<()> {
        if self.is_flowing(pair) {
            // Mostly bytes move, and nothing else is due.
            let before = words(pair);
            self.relay(pair, cx);
            if words(pair) == before && self.is_flowing(pair) {
                return ControlFlow::Continue(());
            }
        }
        // An attempt that ended by its timeout must not count as an end of the client.
        self.follow(pair, cx, outcome)?;
        if self.side(SERVER).state() == InterfaceState::Con {
            // The client's first bytes must be in the buffer when the connect begins, to be sent with
            // it.
            self.relay(pair, cx);
        }
        loop {
            for (side, outcome) in SIDES.into_iter().zip(outcomes.iter_mut()) {
                let is_due = on(pair, side).is_some_and(|conn| dials || !is_undialed(conn));
                if is_due {
                    *outcome |= self.advance(side, pair, cx, steps);
                }
            }
            self.follow(pair, cx, outcome)?;
            let before = words(pair);
            self.relay(pair, cx);
            // Before the end is passed on: a failure may have to reset the other side.
            self.follow(pair, cx, outcome)?;
            self.take_back(pair, cx);
            if words(pair) == before {
                return ControlFlow::Continue(());
            }
        }
    }

    /// Whether both sides are open and none of their operations is due, so that only bytes can move.
    fn is_flowing(&self, pair: &Pair<'_>) -> bool {
        self.inspection.is_none()
            && SIDES.into_iter().all(|side| {
                self.side(side).state() == InterfaceState::Est
                    && pair[usize::from(side)].as_deref().is_some_and(Conn::is_at_rest)
            })
    }

    /// Runs the operations of a side's connection.
    fn advance<N: Net>(
        &mut self,
        side: u8,
        pair: &mut Pair<'_>,
        cx: &mut Cx<'_, N>,
        steps: impl Steps<N>,
    ) -> conn::Outcome {
        let Some(conn) = on(pair, side) else { return conn::Outcome::empty() };
        cx.at_work = self.side(side).conn.unwrap_or(NOBODY);
        if !sends_early(conn) {
            return conn.advance(cx, steps);
        }
        let lane = &mut self.lanes[usize::from(other(side))];
        let held = lane.bytes().len();
        let is_last = lane.has_ended();
        cx.early = lane.buffer.take().map(|bytes| Early { bytes, is_last });
        let outcome = conn.advance(cx, steps);
        lane.buffer = cx.early.take().map(|early| early.bytes);
        let taken = held - lane.bytes().len();
        if taken > 0 {
            lane.note_taken(taken, cx.pool);
            conn.spend(Direction::Write, taken);
            self.took(side, cx.now);
        }
        outcome
    }

    /// Updates the states of the sides from their connections.
    fn follow<N: Net>(
        &mut self,
        pair: &mut Pair<'_>,
        cx: &mut Cx<'_, N>,
        outcome: &mut StreamOutcome,
    ) -> ControlFlow<()> {
        for side in SIDES {
            let state = self.side(side).state();
            let Some(conn) = on(pair, side) else { continue };
            let (opening, closing) = (conn.word.is_opening(), conn.word.is_closing());
            if conn.cause.is_some() && state != InterfaceState::Con {
                self.note_failure(side, pair, cx);
            }
            match state {
                // The attempt was cancelled with the stream.
                InterfaceState::Con if closing && self.end.is_some() => {
                    self.side_mut(side).on(InterfaceEvent::Leave);
                }
                InterfaceState::Con if closing => {
                    self.side_mut(side).on(InterfaceEvent::Fail);
                    *outcome |= StreamOutcome::ATTEMPT_FAILED;
                    return ControlFlow::Break(());
                }
                InterfaceState::Con if !opening => {
                    self.move_side(side, InterfaceEvent::Open, cx.now);
                    self.reached_at = cx.now;
                    *outcome |= StreamOutcome::REACHED;
                }
                InterfaceState::Est if closing => {
                    self.move_side(side, InterfaceEvent::Leave, cx.now)
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn move_side(&mut self, side: u8, event: InterfaceEvent, now: Time) {
        let side = self.side_mut(side);
        side.on(event);
        side.active_at = now;
    }

    /// Latches the failure of one side as what ended the stream, unless there is a cause already. Where
    /// an end without close_notify must not be passed on, the other side is reset too.
    fn note_failure<N: Net>(&mut self, side: u8, pair: &mut Pair<'_>, cx: &mut Cx<'_, N>) {
        // A server that fails has not ended in order before.
        let server_ended = side == CLIENT && server_ended(pair);
        let is_reset = |conn: &Conn| conn.close_mode >= CloseMode::Reset;
        let other_is_reset = on(pair, other(side)).is_none_or(|conn| is_reset(conn));
        let Some(conn) = on(pair, side) else { return };
        let Some(cause) = conn.cause.as_deref() else { return };
        let by = blame(side, cause.why);
        let falls_short = conn.word.is_closing() && !self.lanes[usize::from(side)].has_ended();
        let aborts = falls_short && aborts_with_tls(conn) && !other_is_reset;
        if self.end.is_none() {
            let phase = self.phase(server_ended);
            self.ended_by(by, phase, Some(cause.clone()));
        }
        if aborts {
            let cause = cause.clone();
            self.cut(pair, cx, Ending::Abort, by, cause);
        }
    }

    /// Ends the stream of a client that ended before a server was reached without having sent a byte,
    /// or that failed: it needs no server any more.
    fn take_back<N: Net>(&mut self, pair: &mut Pair<'_>, cx: &mut Cx<'_, N>) {
        let state = self.side(SERVER).state();
        let attempted = state == InterfaceState::Con
            && on(pair, SERVER).is_some_and(|conn| !conn.word.is_closing());
        if !state.is_seeking() && !attempted {
            return;
        }
        let client = on(pair, CLIENT).map(|conn| &*conn);
        let failed = client.is_none_or(|conn| conn.word.is_closing());
        let ended = client.is_none_or(|conn| conn.word.is_wanted(Op::Dshr));
        let lane = &self.lanes[usize::from(CLIENT)];
        let silent = lane.moved == 0 && !lane.is_loaded();
        // While unread bytes wait, only the poller's hang-up event shows the end.
        let hung_up = client.is_some_and(|conn| conn.ctrl.hung_up());
        let takes_back = self.config.abort_on_close && (ended || hung_up);
        if !(failed || ended && silent || takes_back) {
            return;
        }
        let cause = client.and_then(|conn| conn.cause.as_deref().cloned()).unwrap_or_else(|| {
            Cause::new(None, Why::Empty).because("the client ended before a server was reached")
        });
        self.cut(pair, cx, Ending::Orderly, By::Client, cause);
    }

    /// Ends both sides. Bytes that wait between them are lost.
    pub(crate) fn cut<N: Net>(
        &mut self,
        pair: &mut Pair<'_>,
        cx: &mut Cx<'_, N>,
        ending: Ending,
        by: By,
        cause: Cause,
    ) {
        let phase = self.phase(server_ended(pair));
        self.ended_by(by, phase, Some(cause));
        if let Some(selection) = &mut self.selection {
            selection.until = Time::NEVER;
        }
        let loses = self.lanes.each_ref().map(Lane::is_loaded);
        for lane in &mut self.lanes {
            lane.cut(cx);
        }
        for side in SIDES {
            if self.side(side).state().is_seeking() {
                self.side_mut(side).on(InterfaceEvent::GiveUp);
            }
            let Some(conn) = on(pair, side) else { continue };
            if !conn.word.is_closing() || ending == Ending::Abort {
                if loses[usize::from(other(side))] {
                    // Its peer would take close_notify as a proof that no bytes are missing.
                    conn.closes(CloseMode::Curt);
                }
                conn.end(ending, None);
            }
        }
    }

    /// Updates its timer, and lists it for its event once it has ended.
    pub(crate) fn settle<N: Net>(&mut self, key: Key, pair: &mut Pair<'_>, cx: &mut Cx<'_, N>) {
        if !self.is_over() {
            let due = self.next_due(pair.each_ref().map(Option::as_deref));
            cx.timers.set_earlier(self.timer, due);
        } else {
            for lane in &mut self.lanes {
                lane.cut(cx);
            }
            cx.timers.set(self.timer, Time::NEVER);
            cx.agenda.add(List::Events, Kind::Stream, key, &mut self.listed);
        }
    }

    /// The earliest time at which it is to be driven without an event.
    pub(crate) fn next_due(&self, pair: [Option<&Conn>; 2]) -> Time {
        let waits = self.selection.as_ref().map_or(Time::NEVER, |selection| selection.until);
        waits.min(self.next_silence(pair).map_or(Time::NEVER, |(due, ..)| due))
    }

    /// The earliest silence timeout: when, of which side, and the text of the cause. Only a side that
    /// is waited for counts: if neither is blocked, the one whose turn it is to answer. While a limit
    /// holds bytes back, neither counts: one may not move them, and the other waits for them.
    pub(crate) fn next_silence(
        &self,
        pair: [Option<&Conn>; 2],
    ) -> Option<(Time, u8, &'static str)> {
        let waits = pair.iter().flatten().fold(Wait::empty(), |waits, conn| waits | conn.flow);
        if waits.contains(Wait::TIMER) {
            return None;
        }
        let dues = SIDES.map(|index| {
            let side = self.side(index);
            let conn = pair[usize::from(index)]?;
            let waited_for =
                side.state() == InterfaceState::Est && conn.flow.intersects(Wait::PEER);
            let (tolerance, text) = self.tolerance(index, conn);
            let due = side.active_at + tolerance;
            (waited_for && due < Time::NEVER).then_some((due, index, text))
        });
        let answers =
            self.turn.filter(|_| !waits.contains(Wait::WRITE)).map(|side| dues[usize::from(side)]);
        answers.flatten().or_else(|| dues.into_iter().flatten().min())
    }
}

/// The progress of each connection: another round is needed while it changes.
fn words(pair: &Pair<'_>) -> [Option<OpWord>; 2] {
    pair.each_ref().map(|conn| conn.as_deref().map(|conn| conn.word))
}

/// Whether a connect has not begun.
fn is_undialed(conn: &Conn) -> bool {
    conn.word.code(Op::CtrlConnect) == Code::Wanted
}

/// Whether the server has ended its side.
fn server_ended(pair: &Pair<'_>) -> bool {
    pair[usize::from(SERVER)].as_deref().is_none_or(|conn| {
        conn.ctrl.at_eof() || conn.data.tls().is_some_and(Session::is_peer_closed)
    })
}

/// Whether an end of this connection without close_notify must not be passed on.
fn aborts_with_tls(conn: &Conn) -> bool {
    let truncation = conn.facts.close_options().tls_truncation;
    conn.data.is_protected() && truncation == TlsTruncation::Abort
}

/// Whether a connect may send the session's bytes in one call with the header: they are not encrypted,
/// and no other opening operation comes first.
fn sends_early(conn: &Conn) -> bool {
    const ALONE: OpSet = OpSet::EMPTY.with(Op::CtrlConnect).with(Op::SendProxy);
    let opening = conn.word.wanted().both(OpSet::OPENING);
    conn.word.is_opening() && opening.both(ALONE) == opening
}
