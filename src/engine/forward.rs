//! Joining two connections into a stream, and driving it.

use super::{Engine, Owner, Refusal};
use crate::conn::{Cause, Conn, Direction, Ending, Marks, News, Op, Seat, Wait, Why, closing};
use crate::id::{Id, Kind};
use crate::slab::{Key, Slab};
use crate::stream::{CLIENT, Lane, Moved, SERVER, Stream, may_bring, other};
use crate::sys::Net;
use crate::time::Time;

impl<N: Net> Engine<N> {
    /// Joins two connections: from now on the engine moves the bytes between them, and the host
    /// hears of neither until the stream ends. The server's may still be on its way.
    ///
    /// # Errors
    /// [`Refusal::State`] when one of them is closing or in a stream, or the client's is no session
    /// yet; [`Refusal::Argument`] when they are the same.
    pub fn forward(&mut self, client: Id, server: Id, idle: u64, user: u64) -> Result<Id, Refusal> {
        let client = self.conn_key(client)?;
        let server = self.conn_key(server)?;
        if client == server {
            return Err(Refusal::Argument);
        }
        for key in [client, server] {
            let conn = self.conns.get(key).map_err(|_| Refusal::Stale)?;
            let opening = conn.word.is_opening() && key == client;
            if conn.seat.is_some() || conn.word.is_closing() || opening {
                return Err(Refusal::State);
            }
        }
        let now = self.tools.now;
        let Self { streams, wheel, .. } = self;
        let added = streams.insert_with(|key| Stream {
            conns: [Some(client), Some(server)],
            lanes: [Lane::default(), Lane::default()],
            ends: [None, None],
            cause: None,
            idle,
            active_at: now,
            opened_at: now,
            timer: wheel.insert(Owner::Stream(key.slot).tag()),
            user,
            told: false,
        });
        let key = added.map_err(|_| Refusal::Limit)?;
        for (side, conn) in [(CLIENT, client), (SERVER, server)] {
            if let Ok(conn) = self.conns.get_mut(conn) {
                conn.seat = Some(Seat { stream: key.slot, side });
                conn.marks.remove(Marks::READ_ARMED | Marks::WRITE_ARMED);
                conn.news = News::empty();
            }
        }
        self.work_stream(key.slot);
        Ok(self.id(Kind::Stream, key))
    }

    /// Ends a stream at once: both peers see a reset.
    ///
    /// # Errors
    /// An id that is none of a stream here.
    pub fn abort_stream(&mut self, id: Id) -> Result<(), Refusal> {
        let key = self.key(Kind::Stream, id)?;
        self.streams.get(key).map_err(|_| Refusal::Stale)?;
        let text = "the host gave the stream up";
        self.cut_stream(key, Ending::Abort, Cause::new(None, Why::Aborted).because(text));
        Ok(())
    }

    fn cut_stream(&mut self, key: Key, ending: Ending, cause: Cause) {
        let Ok(stream) = self.streams.get_mut(key) else { return };
        if stream.cause.is_none() {
            stream.cause = Some(Box::new(cause));
        }
        for lane in &mut stream.lanes {
            lane.cut(&mut self.tools.pool);
        }
        for conn in stream.conns.into_iter().flatten() {
            if let Ok(conn) = self.conns.get_mut(conn)
                && (!conn.word.is_closing() || ending == Ending::Abort)
            {
                conn.end(ending, None);
            }
        }
        self.work_stream(key.slot);
    }

    /// Nothing has moved for too long, or the timer was early.
    pub(super) fn stream_deadline(&mut self, slot: u32) {
        let Some(key) = self.streams.key_of(slot) else { return };
        let Ok(stream) = self.streams.get(key) else { return };
        if stream.idle == 0 || stream.cause.is_some() {
            return;
        }
        let due = stream.active_at + stream.idle;
        if due > self.tools.now {
            self.wheel.set(stream.timer, due);
            return;
        }
        let text = "no byte moved for the configured time";
        let cause = Cause::new(None, Why::TimedOut).because(text);
        self.cut_stream(key, Ending::Orderly, cause);
    }

    /// Drives both connections of a stream and the bytes between them, until all wait.
    pub(super) fn work_stream(&mut self, slot: u32) {
        let Some(key) = self.streams.key_of(slot) else { return };
        let Ok(stream) = self.streams.get(key) else { return };
        let conns = stream.conns;
        if self.is_connecting(conns[usize::from(SERVER)]) {
            // The client's first bytes are to be at hand when the connection is asked for.
            self.pump(key);
        }
        loop {
            for conn in conns.into_iter().flatten() {
                self.advance(conn);
            }
            let words = self.words(conns);
            let moved = self.pump(key);
            if moved && let Ok(stream) = self.streams.get_mut(key) {
                stream.active_at = self.tools.now;
            }
            if self.words(conns) == words {
                break;
            }
        }
        for conn in conns.into_iter().flatten() {
            self.settle_conn(conn);
        }
        self.settle_stream(key);
    }

    fn is_connecting(&self, server: Option<Key>) -> bool {
        server.is_some_and(|key| self.conns.get(key).is_ok_and(|conn| conn.word.is_opening()))
    }

    fn words(&self, conns: [Option<Key>; 2]) -> [Option<crate::conn::OpWord>; 2] {
        conns.map(|key| Some(self.conns.get(key?).ok()?.word))
    }

    /// Moves what can be moved both ways, and notes in each connection what that waits for.
    fn pump(&mut self, key: Key) -> bool {
        let Self { conns, streams, tools, .. } = self;
        let Ok(stream) = streams.get_mut(key) else { return false };
        let keys = stream.conns;
        for conn in keys.into_iter().flatten() {
            if let Ok(conn) = conns.get_mut(conn) {
                conn.flow = Wait::empty();
                conn.news = News::empty();
            }
        }
        let mut progressed = false;
        for side in [CLIENT, SERVER] {
            let from = keys[usize::from(side)];
            let to = keys[usize::from(other(side))];
            let lane = &mut stream.lanes[usize::from(side)];
            let moved = pump_lane(lane, conns, from, to, tools);
            progressed |= moved.progressed;
            note(conns, from, moved.wants_read, Wait::READ);
            note(conns, to, moved.wants_write, Wait::WRITE);
            note(conns, from, moved.wants_turn, Wait::TURN);
        }
        for conn in keys.into_iter().flatten() {
            if let Ok(conn) = conns.get_mut(conn) {
                tidy(conn, tools);
            }
        }
        progressed
    }

    /// The connection of a stream has given its descriptor back.
    pub(super) fn leave_stream(&mut self, key: Key) {
        let id = self.id(Kind::Conn, key);
        let Ok(conn) = self.conns.get(key) else { return };
        let Some(seat) = conn.seat else { return };
        let record = Box::new(self.record(id, conn));
        self.remove_conn(key);
        let Some(stream_key) = self.streams.key_of(seat.stream) else { return };
        if let Ok(stream) = self.streams.get_mut(stream_key) {
            stream.conns[usize::from(seat.side)] = None;
            stream.ends[usize::from(seat.side)] = Some(record);
            if stream.conns.iter().any(Option::is_some) {
                self.work_stream(seat.stream);
            }
        }
        self.settle_stream(stream_key);
    }

    fn settle_stream(&mut self, key: Key) {
        let id = self.id(Kind::Stream, key);
        let Ok(stream) = self.streams.get_mut(key) else { return };
        if stream.conns == [None, None] {
            if !stream.told {
                stream.told = true;
                for lane in &mut stream.lanes {
                    lane.cut(&mut self.tools.pool);
                }
                self.wheel.set(stream.timer, Time::NEVER);
                self.news.push_back(id);
            }
        } else if stream.idle > 0 && stream.cause.is_none() {
            self.wheel.set_earlier(stream.timer, stream.active_at + stream.idle);
        }
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
    from: Option<Key>,
    to: Option<Key>,
    tools: &mut super::Tools<N>,
) -> Moved {
    let mut moved = Moved::default();
    let moved_before = lane.moved;
    let mut cx = tools.cx(&[]);
    while !lane.over {
        let Some(to_conn) = to.and_then(|key| conns.get_mut(key).ok()) else {
            lane.cut(cx.pool);
            break;
        };
        if to_conn.word.is_wanted(Op::Dshw) {
            lane.cut(cx.pool);
            break;
        }
        let ready = to_conn.may_write();
        let limit = to_conn.data.write_unit();
        if lane.is_loaded() && (!ready || !lane.offer(to_conn, &mut cx, &mut moved)) {
            return moved;
        }
        let source = from.and_then(|key| conns.get_mut(key).ok());
        let Some(from_conn) = source.filter(|from| may_bring(from)) else {
            if to.and_then(|key| conns.get(key).ok()).is_some_and(|to| to.word.is_opening()) {
                // A FIN on a socket that still connects takes the attempt back, and one inside a
                // handshake breaks it: the end waits until the server is reached.
                return moved;
            }
            // The source brings nothing more, and what it brought is through: its end is passed on.
            lane.over = true;
            moved.progressed = true;
            if let Some(to) = to.and_then(|key| conns.get_mut(key).ok()) {
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
        if !lane.load(from_conn, &mut cx, limit, &mut moved) && may_bring(from_conn) {
            return moved;
        }
    }
    // Nobody takes what the source still brings.
    if let Some(from) = from.and_then(|key| conns.get_mut(key).ok())
        && may_bring(from)
        && !from.word.is_opening()
    {
        from.word.shut(Direction::Read);
        moved.progressed = true;
    }
    moved
}

/// What is left to do for a connection beside the lanes: bytes of its own protocol leave, and what
/// arrives on a shut read side is thrown away.
fn tidy<N: Net>(conn: &mut Conn, tools: &mut super::Tools<N>) {
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
}
