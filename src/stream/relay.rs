//! Relaying the bytes of a stream.

use super::drive::{Pair, ends, on};
use super::{CLIENT, Lane, Moved, SERVER, Stream, may_bring, other};
use crate::conn::{Cause, CloseMode, Conn, Direction, Ending, Events, Op, Wait, closing};
use crate::cx::{Cx, NOBODY};
use crate::slab::Key;
use crate::sys::Net;
use crate::time::Time;

/// One end of a lane.
enum Party<'a> {
    /// This connection, open or still opening.
    Conn(&'a mut Conn),
    /// None yet: server selection goes on.
    Sought,
    /// None any more.
    Gone,
}

impl<'a> Party<'a> {
    fn new(conn: Option<&'a mut Conn>, is_sought: bool) -> Self {
        match conn {
            Some(conn) => Self::Conn(conn),
            None if is_sought => Self::Sought,
            None => Self::Gone,
        }
    }

    fn conn(&mut self) -> Option<&mut Conn> {
        match self {
            Self::Conn(conn) => Some(conn),
            Self::Sought | Self::Gone => None,
        }
    }
}

impl Stream {
    /// Relays what it can in both directions, and notes in each connection what the remaining bytes wait
    /// for.
    pub(super) fn relay<N: Net>(&mut self, pair: &mut Pair<'_>, cx: &mut Cx<'_, N>) {
        let mut was_held_back = false;
        let waited = pair.each_mut().map(|conn| {
            conn.as_deref_mut().is_some_and(|conn| {
                conn.events = Events::empty();
                let waits = std::mem::take(&mut conn.flow);
                was_held_back |= waits.contains(Wait::TIMER);
                waits.intersects(Wait::PEER)
            })
        });
        let keys = self.conns().map(|key| key.unwrap_or(NOBODY));
        for side in [CLIENT, SERVER] {
            if side == SERVER && self.inspection.is_some() && !self.inspect(pair, cx) {
                continue;
            }
            let sought = [side, other(side)].map(|side| self.side(side).state().is_seeking());
            let (from, to) = ends(pair, side);
            let parties = [Party::new(from, sought[0]), Party::new(to, sought[1])];
            let keys = [side, other(side)].map(|side| keys[usize::from(side)]);
            let moved = relay_lane(&mut self.lanes[usize::from(side)], parties, keys, cx);
            let (from, to) = ends(pair, side);
            if let Some(from) = from {
                if moved.wants_read {
                    from.flow |= Wait::READ;
                }
                if moved.wants_turn {
                    from.flow |= Wait::TURN;
                }
                if moved.brought {
                    from.heard(cx.now);
                }
            }
            if let Some(to) = to
                && moved.wants_write
            {
                to.flow |= Wait::WRITE;
            }
            if moved.brought {
                self.side_mut(side).active_at = cx.now;
            }
            if moved.took {
                self.took(other(side), cx.now);
            }
        }
        for (side, waited) in [CLIENT, SERVER].into_iter().zip(waited) {
            let Some(conn) = on(pair, side) else { continue };
            cx.at_work = keys[usize::from(side)];
            tidy(conn, cx);
            // Silence counts from when the side is first waited for, and not while a limit holds bytes back.
            if (!waited || was_held_back) && conn.flow.intersects(Wait::PEER) {
                conn.heard(cx.now);
                self.side_mut(side).active_at = cx.now;
            }
        }
    }
}

/// Relays one lane: bytes that it holds are sent before more are read.
fn relay_lane<N: Net>(
    lane: &mut Lane,
    parties: [Party<'_>; 2],
    keys: [Key; 2],
    cx: &mut Cx<'_, N>,
) -> Moved {
    let [mut from, mut to] = parties;
    let mut moved = Moved::default();
    let moved_before = lane.moved;
    while !lane.over {
        if let Some(from) = from.conn() {
            lane.note_source(from);
        }
        let (ready, raw) = match &to {
            Party::Conn(to) if to.word.is_wanted(Op::Dshw) => {
                lane.cut(cx);
                break;
            }
            Party::Conn(to) => {
                let raw = to.data.tls().is_none() && !to.ctrl.has_unsent();
                (to.may_write(), raw && to.may_write() && to.ctrl.can_splice())
            }
            Party::Sought => (false, false),
            Party::Gone => {
                lane.cut(cx);
                break;
            }
        };
        if lane.is_loaded() {
            cx.at_work = keys[1];
            let offered = match to.conn() {
                Some(to) if ready => lane.offer(to, cx, &mut moved),
                _ => false,
            };
            if !offered {
                return moved;
            }
        }
        let is_sought = matches!(from, Party::Sought);
        let Some(source) = from.conn().filter(|from| may_bring(from)) else {
            if !ready || is_sought {
                // A FIN on a socket that is still connecting cancels the attempt, and one during a
                // handshake breaks it: the end waits until the server is reached. A source that is not
                // connected yet has not ended either.
                return moved;
            }
            // The source has ended and all its bytes were sent: its end is passed on.
            lane.cut(cx);
            if let Some(to) = to.conn() {
                if lane.falls_short() {
                    to.closes(CloseMode::Curt);
                }
                to.word.shut(Direction::Write);
            }
            return moved;
        };
        if !source.may_read() {
            return moved;
        }
        if lane.is_sated(moved_before) {
            moved.wants_turn = true;
            return moved;
        }
        let mut most = usize::MAX;
        if source.is_limited() || to.conn().is_some_and(|to| to.is_limited()) {
            most = allowance(source, to.conn(), cx.now);
            if most == 0 {
                lane.give_pipe(cx);
                return moved;
            }
        }
        cx.at_work = keys[0];
        if !lane.load(source, cx, raw, most, &mut moved) && may_bring(source) {
            return moved;
        }
    }
    // The destination takes no more, so the source is not read any more.
    if let Some(from) = from.conn()
        && may_bring(from)
        && !from.word.is_opening()
    {
        from.word.shut(Direction::Read);
    }
    moved
}

/// How many bytes may be read from the source. No more than the destination may take, so that none wait in
/// between.
#[cold]
fn allowance(from: &mut Conn, to: Option<&mut Conn>, now: Time) -> usize {
    let to = to.filter(|to| to.may_write());
    let room = to.map_or(usize::MAX, |to| to.allowance(Direction::Write, now));
    if room > 0 { room.min(from.allowance(Direction::Read, now)) } else { 0 }
}

/// The work on a connection that belongs to no lane: send bytes of its own protocol, discard what
/// arrives on a shut read side, and notice a reset although nothing is read.
fn tidy<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) {
    if conn.word.is_closing() || conn.word.incomplete().has(Op::CtrlConnect) {
        return;
    }
    // What waits before an end of the outgoing direction is sent with it.
    if conn.ctrl.has_unsent() && (conn.holds() || !conn.word.is_wanted(Op::Dshw)) {
        match conn.ctrl.flush(cx) {
            Ok(true) => {}
            Ok(false) => conn.flow |= Wait::WRITE,
            Err(errno) if conn.word.is_opening() => {
                conn.end(Ending::Abort, Some(Box::new(Cause::system(None, errno))));
                return;
            }
            Err(errno) => conn.end_writing(Box::new(Cause::system(None, errno))),
        }
    }
    if conn.word.is_wanted(Op::Dshr) && !conn.word.is_closing() {
        let waits = closing::discard_session(conn, cx);
        conn.flow |= waits;
    }
    if !conn.flow.contains(Wait::READ)
        && !conn.word.is_closing()
        && let Err(errno) = conn.ctrl.check(cx)
    {
        conn.fail_session(Box::new(Cause::system(None, errno)));
    }
}
