//! Moving the bytes of a stream.

use super::{Engine, Tools};
use crate::conn::Direction;
use crate::conn::{Cause, CloseMode, Conn, Ending, News, Op, Wait, closing};
use crate::slab::{Key, Slab};
use crate::stream::{CLIENT, Lane, Moved, SERVER, Stream, may_bring, other};
use crate::sys::Net;

/// Who is at one end of a lane.
#[derive(Clone, Copy)]
enum Party {
    /// This connection, open or not yet.
    Conn(Key),
    /// One that is still being looked for.
    Sought,
    /// Nobody any more.
    Gone,
}

impl<N: Net> Engine<N> {
    /// Moves what can be moved both ways, and notes in each connection what that waits for.
    pub(super) fn pump(&mut self, key: Key) {
        let Self { conns, streams, tools, .. } = self;
        let Ok(stream) = streams.get_mut(key) else { return };
        let keys = stream.conns();
        let mut waited = [false; 2];
        for (waited, conn) in waited.iter_mut().zip(keys) {
            if let Some(conn) = conn.and_then(|key| conns.get_mut(key).ok()) {
                *waited = conn.flow.intersects(Wait::PEER);
                conn.flow = Wait::empty();
                conn.news = News::empty();
            }
        }
        for side in [CLIENT, SERVER] {
            let [own, others] = [side, other(side)].map(|side| keys[usize::from(side)]);
            let (from, to) = (party(stream, side), party(stream, other(side)));
            let moved = pump_lane(&mut stream.lanes[usize::from(side)], conns, from, to, tools);
            note(conns, own, moved.wants_read, Wait::READ);
            note(conns, others, moved.wants_write, Wait::WRITE);
            note(conns, own, moved.wants_turn, Wait::TURN);
            if moved.brought {
                stream.side_mut(side).active_at = tools.now;
                if let Some(conn) = own.and_then(|key| conns.get_mut(key).ok()) {
                    conn.heard(tools.now);
                }
            }
            if moved.took {
                stream.took(other(side), tools.now);
            }
        }
        for (index, conn) in keys.into_iter().enumerate() {
            let Some(conn) = conn.and_then(|key| conns.get_mut(key).ok()) else { continue };
            tidy(conn, tools);
            // Silence counts from when it begins to matter.
            if !waited[index] && conn.flow.intersects(Wait::PEER) {
                stream.sides[index].active_at = tools.now;
                conn.heard(tools.now);
            }
        }
    }
}

fn party(stream: &Stream, side: u8) -> Party {
    match stream.side(side).conn {
        Some(conn) => Party::Conn(conn),
        None if stream.side(side).state().is_seeking() => Party::Sought,
        None => Party::Gone,
    }
}

fn note(conns: &mut Slab<Conn>, key: Option<Key>, wants: bool, wait: Wait) {
    if wants
        && let Some(key) = key
        && let Ok(conn) = conns.get_mut(key)
    {
        conn.flow |= wait;
    }
}

/// Moves one lane: what it holds goes out before the next bytes come in.
fn pump_lane<N: Net>(
    lane: &mut Lane,
    conns: &mut Slab<Conn>,
    from: Party,
    to: Party,
    tools: &mut Tools<N>,
) -> Moved {
    let mut moved = Moved::default();
    let moved_before = lane.moved;
    let mut cx = tools.cx(&[]);
    while !lane.over {
        if let Some(from) = connection(conns, from) {
            lane.note_source(from);
        }
        let (ready, raw) = match connection(conns, to) {
            Some(to) if to.word.is_wanted(Op::Dshw) => {
                lane.cut(&mut cx);
                break;
            }
            Some(to) => {
                let raw = to.data.tls().is_none() && !to.ctrl.has_unsent();
                (to.may_write(), raw && to.may_write())
            }
            None if matches!(to, Party::Sought) => (false, false),
            None => {
                lane.cut(&mut cx);
                break;
            }
        };
        if lane.is_loaded() {
            let offered = match connection(conns, to) {
                Some(to) if ready => lane.offer(to, &mut cx, &mut moved),
                _ => false,
            };
            if !offered {
                return moved;
            }
        }
        let source = connection(conns, from);
        let Some(from_conn) = source.filter(|from| may_bring(from)) else {
            if !ready || matches!(from, Party::Sought) {
                // A FIN on a socket that still connects takes the attempt back, and one inside a
                // handshake breaks it: the end waits until the server is reached. Who is not found
                // yet has not ended either.
                return moved;
            }
            // The source brings nothing more, and what it brought is through: its end is passed on.
            lane.cut(&mut cx);
            if let Some(to) = connection(conns, to) {
                if lane.falls_short() {
                    to.closes(CloseMode::Curt);
                }
                to.word.shut(Direction::Write);
            }
            return moved;
        };
        if !from_conn.may_read() {
            return moved;
        }
        if lane.is_sated(moved_before) {
            moved.wants_turn = true;
            return moved;
        }
        if !lane.load(from_conn, &mut cx, raw, &mut moved) && may_bring(from_conn) {
            return moved;
        }
    }
    // Nobody takes what the source still brings.
    if let Some(from) = connection(conns, from)
        && may_bring(from)
        && !from.word.is_opening()
    {
        from.word.shut(Direction::Read);
    }
    moved
}

fn connection(conns: &mut Slab<Conn>, party: Party) -> Option<&mut Conn> {
    match party {
        Party::Conn(key) => conns.get_mut(key).ok(),
        Party::Sought | Party::Gone => None,
    }
}

/// What is left to do for a connection beside the lanes: bytes of its own protocol leave, what
/// arrives on a shut read side is thrown away, and a reset is seen though nobody reads.
fn tidy<N: Net>(conn: &mut Conn, tools: &mut Tools<N>) {
    if conn.word.is_closing() || conn.word.incomplete().has(Op::CtrlConnect) {
        return;
    }
    let mut cx = tools.cx(&[]);
    if conn.ctrl.has_unsent() {
        match conn.ctrl.flush(&mut cx) {
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
        let waits = closing::discard_session(conn, &mut cx);
        conn.flow |= waits;
    }
    if !conn.flow.contains(Wait::READ)
        && !conn.word.is_closing()
        && let Err(errno) = conn.ctrl.check(&mut cx)
    {
        conn.fail_session(Box::new(Cause::system(None, errno)));
    }
}
