//! A stream: two connections and the bytes between them.

mod drive;
mod interface;
mod lane;
mod relay;
mod termination;

use std::sync::Arc;

pub(crate) use drive::StreamOutcome;
pub(crate) use interface::Event;
pub use interface::State;
pub(crate) use lane::{Lane, Moved, may_bring};
pub use termination::{By, EndPhase, Termination};

use crate::agenda::Listed;
use crate::backend::{Affinity, Place, ServerIndex, ServerSlot};
use crate::config::StreamConfig;
use crate::conn::{Cause, Conn, Op, Record, Why};
use crate::slab::Key;
use crate::time::Time;
use crate::wheel::Timer;

/// The side of the client, where a side is an index.
pub(crate) const CLIENT: u8 = 0;
/// The side of the server.
pub(crate) const SERVER: u8 = 1;

/// The other side.
pub(crate) const fn other(side: u8) -> u8 {
    1 - side
}

/// One side of a stream.
#[derive(Debug)]
pub(crate) struct Side {
    state: State,
    /// The connection; `None` before there is one and after it is gone.
    pub(crate) conn: Option<Key>,
    /// How the connection ended.
    pub(crate) record: Option<Box<Record>>,
    /// When it last brought or took a byte, or was last left alone.
    pub(crate) active_at: Time,
}

impl Side {
    /// A side that nothing has happened to.
    pub(crate) const fn new(now: Time) -> Self {
        Self { state: State::Ini, conn: None, record: None, active_at: now }
    }

    /// How far it is.
    pub(crate) const fn state(&self) -> State {
        self.state
    }

    /// Moves it. An event that has no place in its state changes nothing, and is a mistake of ours.
    pub(crate) fn on(&mut self, event: Event) {
        let next = self.state.after(event);
        debug_assert!(next.is_some(), "{event:?} in {}", self.state);
        self.state = next.unwrap_or(self.state);
    }
}

/// What ended a stream other than both sides' ends in order.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) termination: Termination,
    pub(crate) cause: Option<Cause>,
}

/// What a stream knows of its search for a server.
#[derive(Debug)]
pub(crate) struct ServerSelection {
    pub(crate) backend: Key,
    /// The server that was assigned last.
    pub(crate) server: Option<ServerIndex>,
    /// Its place there, while it has one.
    pub(crate) slot: Option<ServerSlot>,
    /// Where it waits, while it does.
    pub(crate) place: Option<Place>,
    /// How many times it was assigned a server.
    pub(crate) attempts: u32,
    /// Which server it would have next.
    pub(crate) affinity: Affinity,
    /// When its waiting, for a place or for the next attempt, is over.
    pub(crate) until: Time,
    /// When it last began to wait for a place.
    pub(crate) queued_at: Time,
    /// How long it waited for one in all, in nanoseconds.
    pub(crate) queued: u64,
}

impl ServerSelection {
    /// A search that begins with an affinity.
    pub(crate) const fn new(backend: Key, affinity: Affinity) -> Self {
        Self {
            backend,
            server: None,
            slot: None,
            place: None,
            attempts: 0,
            affinity,
            until: Time::NEVER,
            queued_at: Time::NEVER,
            queued: 0,
        }
    }
}

/// Two connections joined.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The client's side, then the server's.
    pub(crate) sides: [Side; 2],
    /// The directions, by the side they come from.
    pub(crate) lanes: [Lane; 2],
    /// Its search for a server, where a backend chooses that.
    pub(crate) selection: Option<Box<ServerSelection>>,
    /// What ended it first.
    pub(crate) end: Option<Box<End>>,
    /// The side that last took bytes: it is its turn to answer.
    pub(crate) turn: Option<u8>,
    /// What bounds it.
    pub(crate) config: Arc<StreamConfig>,
    /// When it began.
    pub(crate) opened_at: Time,
    /// When its server was reached; [`Time::NEVER`] before.
    pub(crate) reached_at: Time,
    /// Its place in the timer wheel.
    pub(crate) timer: Timer,
    /// The host's user data for it.
    pub(crate) user: u64,
    /// The lists it stands on.
    pub(crate) listed: Listed,
}

impl Stream {
    /// The side with this index.
    pub(crate) const fn side(&self, side: u8) -> &Side {
        &self.sides[side as usize]
    }

    /// The same, to be changed.
    pub(crate) const fn side_mut(&mut self, side: u8) -> &mut Side {
        &mut self.sides[side as usize]
    }

    /// The connections, client's first.
    pub(crate) const fn conns(&self) -> [Option<Key>; 2] {
        [self.sides[0].conn, self.sides[1].conn]
    }

    /// Whether nothing is left but to tell its end.
    pub(crate) fn is_over(&self) -> bool {
        self.sides.iter().all(|side| side.state == State::Clo)
    }

    /// What it is about now. `server_ended` says that the server brings nothing more.
    pub(crate) const fn phase(&self, server_ended: bool) -> EndPhase {
        match self.side(SERVER).state() {
            State::Que => EndPhase::Queue,
            State::Ini | State::Req | State::Tar | State::Ass | State::Con | State::Cer => {
                EndPhase::Connect
            }
            State::Est if !server_ended => EndPhase::Data,
            State::Est | State::Dis | State::Clo => EndPhase::Last,
        }
    }

    /// Latches what ended it; the first stays.
    pub(crate) fn ended_by(&mut self, by: By, phase: EndPhase, cause: Option<Cause>) {
        self.end
            .get_or_insert_with(|| Box::new(End { termination: Termination { by, phase }, cause }));
    }

    /// `side` took bytes that the other had brought.
    pub(crate) const fn took(&mut self, side: u8, now: Time) {
        self.lanes[other(side) as usize].moved_at = now;
        self.sides[side as usize].active_at = now;
        self.turn = Some(side);
    }

    /// The longest silence that is borne of `conn` on `side`, in nanoseconds, and
    /// what is said when it was longer.
    pub(crate) fn tolerance(&self, side: u8, conn: &Conn) -> (u64, &'static str) {
        let config = &self.config;
        let tunnel = config.tunnel > 0 && self.lanes.iter().all(|lane| lane.moved > 0);
        // Also where TLS 1.2 holds the end back: nothing else would bound who waits for nobody.
        let other_ended = conn.word.is_wanted(Op::Dshw);
        match side {
            CLIENT if other_ended && config.client_fin > 0 => {
                (config.client_fin, "the client did not end for too long after the server had")
            }
            SERVER if other_ended && config.server_fin > 0 => {
                (config.server_fin, "the server did not end for too long after the client had")
            }
            _ if tunnel => (config.tunnel, "no byte came through the tunnel for too long"),
            CLIENT => (config.client, "the client was silent for too long"),
            _ => (config.server, "the server was silent for too long"),
        }
    }
}

/// Who is to blame when the connection of `side` fails for this reason.
pub(crate) const fn blame(side: u8, why: Why) -> By {
    match (why, side) {
        (Why::Aborted, _) => By::Host,
        (Why::LocalLimit | Why::KeysWorn, _) => By::Resources,
        (Why::TimedOut, CLIENT) => By::ClientTimeout,
        (Why::TimedOut, _) => By::ServerTimeout,
        (_, CLIENT) => By::Client,
        _ => By::Server,
    }
}
