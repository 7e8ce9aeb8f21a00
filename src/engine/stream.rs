//! Streams as commands and inputs see them: joined, driven, bounded, ended.

use std::sync::Arc;

use super::{Engine, Refusal, TimerOwner};
use crate::backend::Leave;
use crate::config::{StreamConfig, TlsTruncation};
use crate::conn::{
    Cause, CloseMode, Conn, Ending, Marks, News, Op, OpWord, Owner, Record, Wait, Why,
};
use crate::id::{Id, Kind};
use crate::slab::Key;
use crate::stream::{
    By, CLIENT, Event, Lane, SERVER, Side, State, Stream, Termination, blame, other,
};
use crate::sys::Net;
use crate::time::Time;
use crate::tls::Session;

const SIDES: [u8; 2] = [CLIENT, SERVER];

impl<N: Net> Engine<N> {
    /// Joins two connections: from now on the engine moves the bytes between them, and the host
    /// hears of neither until the stream ends. The server's may still be on its way. Without `config`
    /// the defaults bound it.
    ///
    /// # Errors
    /// [`Refusal::State`] when one of them is closing or in a stream, or the client's is no session
    /// yet; [`Refusal::Argument`] when they are the same.
    pub fn forward(
        &mut self,
        client: Id,
        server: Id,
        config: Option<Arc<StreamConfig>>,
        user: u64,
    ) -> Result<Id, Refusal> {
        let client = self.conn_key(client)?;
        let server = self.conn_key(server)?;
        if client == server {
            return Err(Refusal::Argument);
        }
        self.may_join(client, false)?;
        self.may_join(server, true)?;
        let config = config.unwrap_or_else(|| Arc::clone(&self.default_stream));
        let key = self.add_stream(config, user)?;
        self.seat(key, CLIENT, client);
        self.seat(key, SERVER, server);
        self.work_stream(key.slot);
        Ok(self.id(Kind::Stream, key))
    }

    /// Whether a connection may become a side of a stream; `opening` says that it need not be open.
    pub(super) fn may_join(&self, key: Key, opening: bool) -> Result<(), Refusal> {
        let conn = self.conns.get(key).map_err(|_| Refusal::Stale)?;
        let open = opening || !conn.word.is_opening();
        if conn.seat().is_none() && !conn.word.is_closing() && open {
            Ok(())
        } else {
            Err(Refusal::State)
        }
    }

    pub(super) fn add_stream(
        &mut self,
        config: Arc<StreamConfig>,
        user: u64,
    ) -> Result<Key, Refusal> {
        let now = self.tools.now;
        let Self { streams, wheel, .. } = self;
        let added = streams.insert_with(|key| Stream {
            sides: [Side::new(now), Side::new(now)],
            lanes: [Lane::default(), Lane::default()],
            seek: None,
            end: None,
            turn: None,
            config,
            opened_at: now,
            reached_at: Time::NEVER,
            timer: wheel.insert(TimerOwner::Stream(key.slot).tag()),
            user,
            told: false,
        });
        added.map_err(|_| Refusal::Limit)
    }

    /// Gives a side of a stream its connection.
    pub(super) fn seat(&mut self, key: Key, side: u8, conn_key: Key) {
        let (Ok(conn), Ok(stream)) = (self.conns.get_mut(conn_key), self.streams.get_mut(key))
        else {
            return;
        };
        conn.owner = Owner::Stream { slot: key.slot, side };
        conn.marks.remove(Marks::READ_ARMED | Marks::WRITE_ARMED);
        conn.news = News::empty();
        let seat = stream.side_mut(side);
        seat.conn = Some(conn_key);
        let open = !conn.word.is_opening();
        seat.on(if open { Event::Join } else { Event::Dial });
        if open && side == SERVER {
            stream.reached_at = self.tools.now;
        }
    }

    /// Ends a stream at once: both peers see a reset.
    ///
    /// # Errors
    /// An id that is none of a stream here.
    pub fn abort_stream(&mut self, id: Id) -> Result<(), Refusal> {
        let key = self.key(Kind::Stream, id)?;
        self.streams.get(key).map_err(|_| Refusal::Stale)?;
        let text = "the host gave the stream up";
        let cause = Cause::new(None, Why::Aborted).because(text);
        self.cut_stream(key, Ending::Abort, By::Host, cause);
        self.work_stream(key.slot);
        Ok(())
    }

    /// Turns both sides towards their end. What waited between them is lost.
    pub(super) fn cut_stream(&mut self, key: Key, ending: Ending, by: By, cause: Cause) {
        let server_ended = self.server_ended(key);
        self.leave_queue(key, Leave::Gone);
        let Ok(stream) = self.streams.get_mut(key) else { return };
        let phase = stream.phase(server_ended);
        stream.ended_by(by, phase, Some(cause));
        let loses = stream.lanes.each_ref().map(Lane::is_loaded);
        let mut cx = self.tools.cx(&[]);
        for lane in &mut stream.lanes {
            lane.cut(&mut cx);
        }
        for side in SIDES {
            let misses = loses[usize::from(other(side))];
            let side = stream.side_mut(side);
            if side.state().is_seeking() {
                side.on(Event::GiveUp);
            }
            if let Some(conn) = side.conn
                && let Ok(conn) = self.conns.get_mut(conn)
                && (!conn.word.is_closing() || ending == Ending::Abort)
            {
                if misses {
                    // Its peer would take a goodbye for the end of all there was.
                    conn.closes(CloseMode::Curt);
                }
                conn.end(ending, None);
            }
        }
    }

    /// A side has been silent for too long, a wait is over, or the timer was early.
    pub(super) fn stream_deadline(&mut self, slot: u32) {
        let now = self.tools.now;
        let Some(key) = self.streams.key_of(slot) else { return };
        let due = self.next_due(key);
        let Ok(stream) = self.streams.get(key) else { return };
        if due > now {
            return self.wheel.set(stream.timer, due);
        }
        if stream.seek.as_ref().is_some_and(|seek| seek.until <= now) {
            return self.seek_deadline(key);
        }
        let Some((_, side, text)) = self.next_silence(key) else { return };
        let by = blame(side, Why::TimedOut);
        self.cut_stream(key, Ending::Orderly, by, Cause::new(None, Why::TimedOut).because(text));
        self.work_stream(slot);
    }

    /// When time alone changes something.
    pub(super) fn next_due(&self, key: Key) -> Time {
        let seek = self.streams.get(key).ok().and_then(|stream| stream.seek.as_ref());
        let waits = seek.map_or(Time::NEVER, |seek| seek.until);
        waits.min(self.next_silence(key).map_or(Time::NEVER, |(due, ..)| due))
    }

    /// When which side will have been silent for too long, and what is said then. Only a side that is
    /// waited for counts: of two that take what there is, the one whose turn it is to answer.
    fn next_silence(&self, key: Key) -> Option<(Time, u8, &'static str)> {
        let stream = self.streams.get(key).ok()?;
        let mut is_held_up = false;
        let dues = SIDES.map(|index| {
            let side = stream.side(index);
            let conn = self.conns.get(side.conn?).ok()?;
            let waited_for = side.state() == State::Est && conn.flow.intersects(Wait::PEER);
            is_held_up |= conn.flow.contains(Wait::WRITE);
            let (patience, text) = stream.patience(index, conn);
            let due = side.active_at + patience;
            (waited_for && due < Time::NEVER).then_some((due, index, text))
        });
        let answers = stream.turn.filter(|_| !is_held_up).map(|side| dues[usize::from(side)]);
        answers.flatten().or_else(|| dues.into_iter().flatten().min())
    }

    /// Drives both connections of a stream and the bytes between them, until all wait.
    pub(super) fn work_stream(&mut self, slot: u32) {
        let Some(key) = self.streams.key_of(slot) else { return };
        // The end of an attempt that was not answered in time is none for the client.
        self.follow(key);
        let Ok(stream) = self.streams.get(key) else { return };
        if stream.side(SERVER).state() == State::Con {
            // The client's first bytes are to be at hand when the connection is asked for.
            self.pump(key);
        }
        loop {
            for conn in self.conns_of(key).into_iter().flatten() {
                self.advance(conn);
            }
            self.follow(key);
            let words = self.words(key);
            self.pump(key);
            // Before what moved is passed on: a failure may be another side's reset.
            self.follow(key);
            self.take_back(key);
            if self.words(key) == words {
                break;
            }
        }
        for conn in self.conns_of(key).into_iter().flatten() {
            self.settle_conn(conn);
        }
        self.settle_stream(key);
    }

    fn conns_of(&self, key: Key) -> [Option<Key>; 2] {
        self.streams.get(key).map_or([None, None], Stream::conns)
    }

    /// What tells whether another round is worth it: who there is, and how far each is.
    fn words(&self, key: Key) -> [Option<(Key, OpWord)>; 2] {
        self.conns_of(key).map(|conn| Some((conn?, self.conns.get(conn?).ok()?.word)))
    }

    /// Moves the sides as their connections have moved.
    fn follow(&mut self, key: Key) {
        for side in SIDES {
            let Ok(stream) = self.streams.get(key) else { return };
            let state = stream.side(side).state();
            let Some(conn_key) = stream.side(side).conn else { continue };
            let Ok(conn) = self.conns.get(conn_key) else { continue };
            let (opening, closing) = (conn.word.is_opening(), conn.word.is_closing());
            self.note_failure(key, side, conn_key);
            match state {
                State::Con if closing => self.attempt_failed(key, conn_key),
                State::Con if !opening => {
                    self.move_side(key, side, Event::Open);
                    self.reached(key);
                }
                State::Est if closing => {
                    self.move_side(key, side, Event::Leave);
                    if side == SERVER {
                        self.free_slot(key);
                    }
                }
                _ => {}
            }
        }
    }

    fn move_side(&mut self, key: Key, side: u8, event: Event) {
        let now = self.tools.now;
        if let Ok(stream) = self.streams.get_mut(key) {
            stream.side_mut(side).on(event);
            stream.side_mut(side).active_at = now;
            if event == Event::Open {
                stream.reached_at = now;
            }
        }
    }

    /// Latches the failure of one side as what ended the stream, if nothing else has. Where an end that
    /// TLS did not vouch for is not to be passed on, it takes the other side along.
    fn note_failure(&mut self, key: Key, side: u8, conn: Key) {
        let (Ok(conn), Ok(stream)) = (self.conns.get(conn), self.streams.get(key)) else { return };
        let Some(cause) = conn.cause.as_deref() else { return };
        if stream.side(side).state() == State::Con {
            return;
        }
        let (by, cause) = (blame(side, cause.why), cause.clone());
        let falls_short = conn.word.is_closing() && !stream.lanes[usize::from(side)].has_ended();
        let aborts = falls_short && aborts_with_tls(conn) && !self.is_reset(key, other(side));
        // A server that fails has not ended before.
        let server_ended = side == CLIENT && self.server_ended(key);
        let Ok(stream) = self.streams.get_mut(key) else { return };
        if stream.end.is_none() {
            let phase = stream.phase(server_ended);
            stream.ended_by(by, phase, Some(cause.clone()));
        }
        if aborts {
            self.cut_stream(key, Ending::Abort, by, cause);
        }
    }

    /// Whether the connection of a side is reset already, or gone.
    fn is_reset(&self, key: Key, side: u8) -> bool {
        let conn = self.conns_of(key)[usize::from(side)];
        conn.and_then(|conn| self.conns.get(conn).ok())
            .is_none_or(|conn| conn.close_mode >= CloseMode::Reset)
    }

    /// The server was not reached.
    fn attempt_failed(&mut self, key: Key, conn_key: Key) {
        let Ok(stream) = self.streams.get_mut(key) else { return };
        if stream.end.is_some() {
            // The attempt was given up with the stream.
            stream.side_mut(SERVER).on(Event::Leave);
            return self.free_slot(key);
        }
        stream.side_mut(SERVER).on(Event::Fail);
        if let Some(record) = self.unseat(key, SERVER, conn_key) {
            self.attempt_ended(key, &record);
        }
    }

    /// Lets a connection close by itself: it is part of the stream no longer.
    fn unseat(&mut self, key: Key, side: u8, conn_key: Key) -> Option<Record> {
        let id = self.id(Kind::Conn, conn_key);
        let record = self.record(id, self.conns.get(conn_key).ok()?);
        if let Ok(conn) = self.conns.get_mut(conn_key) {
            conn.owner = Owner::Nobody;
            conn.flow = Wait::empty();
        }
        let side = self.streams.get_mut(key).ok()?.side_mut(side);
        side.conn = None;
        side.record = Some(Box::new(record.clone()));
        self.work(conn_key);
        Some(record)
    }

    /// A client that ends before a server is reached, without having sent a byte, wants nothing any
    /// more; one that failed neither.
    fn take_back(&mut self, key: Key) {
        let Ok(stream) = self.streams.get(key) else { return };
        let server = stream.side(SERVER);
        let attempt = server.conn.and_then(|key| self.conns.get(key).ok());
        let attempted =
            server.state() == State::Con && attempt.is_some_and(|conn| !conn.word.is_closing());
        if !server.state().is_seeking() && !attempted {
            return;
        }
        let client = stream.side(CLIENT).conn.and_then(|key| self.conns.get(key).ok());
        let failed = client.is_none_or(|conn| conn.word.is_closing());
        let ended = client.is_none_or(|conn| conn.word.is_wanted(Op::Dshr));
        let lane = &stream.lanes[usize::from(CLIENT)];
        let silent = lane.moved == 0 && !lane.is_loaded();
        // Behind bytes that wait, an end is known by the poller's word alone.
        let hung_up = client.is_some_and(|conn| conn.ctrl.hung_up());
        let takes_back = stream.config.abort_on_close && (ended || hung_up);
        if !(failed || ended && silent || takes_back) {
            return;
        }
        let cause = client.and_then(|conn| conn.cause.as_deref().cloned()).unwrap_or_else(|| {
            Cause::new(None, Why::Empty).because("the client ended before a server was reached")
        });
        self.cut_stream(key, Ending::Orderly, By::Client, cause);
    }

    /// Whether the server has ended its side.
    fn server_ended(&self, key: Key) -> bool {
        let conn = self.conns_of(key)[usize::from(SERVER)];
        conn.and_then(|conn| self.conns.get(conn).ok()).is_none_or(|conn| {
            conn.ctrl.at_eof() || conn.data.tls().is_some_and(Session::is_peer_closed)
        })
    }

    /// The connection of a stream has given its descriptor back.
    pub(super) fn leave_stream(&mut self, key: Key) {
        let id = self.id(Kind::Conn, key);
        let Ok(conn) = self.conns.get(key) else { return };
        let Some(seat) = conn.seat() else { return };
        let record = Box::new(self.record(id, conn));
        self.remove_conn(key);
        let Some(stream_key) = self.streams.key_of(seat.stream) else { return };
        if let Ok(stream) = self.streams.get_mut(stream_key) {
            let side = stream.side_mut(seat.side);
            side.conn = None;
            side.record = Some(record);
            side.on(Event::Gone);
            if stream.side(other(seat.side)).conn.is_some() {
                self.work_stream(seat.stream);
            }
        }
        self.settle_stream(stream_key);
    }

    fn settle_stream(&mut self, key: Key) {
        let id = self.id(Kind::Stream, key);
        let Ok(stream) = self.streams.get_mut(key) else { return };
        let timer = stream.timer;
        if !stream.is_over() {
            let due = self.next_due(key);
            self.wheel.set_earlier(timer, due);
        } else if !stream.told {
            stream.told = true;
            let mut cx = self.tools.cx(&[]);
            for lane in &mut stream.lanes {
                lane.cut(&mut cx);
            }
            self.wheel.set(timer, Time::NEVER);
            self.news.push_back(id);
        }
    }

    /// How far both sides of a stream are, client first, and what ended it so far.
    ///
    /// # Errors
    /// An id that is none of a stream here.
    pub fn stream_states(&self, id: Id) -> Result<([State; 2], Termination), Refusal> {
        let stream = self.streams.get(self.key(Kind::Stream, id)?).map_err(|_| Refusal::Stale)?;
        let end = stream.end.as_ref().map_or_else(Termination::default, |end| end.termination);
        Ok(([stream.side(CLIENT).state(), stream.side(SERVER).state()], end))
    }
}

/// Whether nothing is to pass as an end of this connection that TLS did not vouch for.
fn aborts_with_tls(conn: &Conn) -> bool {
    let truncation = conn.facts.farewell().tls_truncation;
    conn.data.is_protected() && truncation == TlsTruncation::Abort
}
