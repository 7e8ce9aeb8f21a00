//! A stream: two connections and the bytes between them.

mod drive;
mod inspection;
mod interface;
mod lane;
mod relay;
mod termination;

use std::num::NonZeroU32;
use std::sync::Arc;

pub(crate) use drive::StreamOutcome;
pub(crate) use interface::InterfaceEvent;
pub use interface::InterfaceState;
pub(crate) use lane::{Lane, Moved, may_bring};
pub use termination::{By, EndPhase, Termination};

use crate::agenda::Listed;
use crate::backend::{Affinity, Place, ServerIndex, ServerSlot};
use crate::config::StreamConfig;
use crate::conn::{Cause, Conn, Op, Record, Why};
use crate::slab::Key;
use crate::time::Time;
use crate::wheel::Timer;

/// The index of the client's side.
pub(crate) const CLIENT: u8 = 0;
/// The index of the server's side.
pub(crate) const SERVER: u8 = 1;

/// The other side.
pub(crate) const fn other(side: u8) -> u8 {
    1 - side
}

/// One side of a stream.
#[derive(Debug)]
pub(crate) struct Side {
    state: InterfaceState,
    /// The connection; `None` before there is one and after it has ended.
    pub(crate) conn: Option<Key>,
    /// How the connection ended.
    pub(crate) record: Option<Box<Record>>,
    /// When it last brought or took a byte, or when waiting for it began.
    pub(crate) active_at: Time,
}

impl Side {
    /// A side in its first state.
    pub(crate) const fn new(now: Time) -> Self {
        Self { state: InterfaceState::Ini, conn: None, record: None, active_at: now }
    }

    /// Its state.
    pub(crate) const fn state(&self) -> InterfaceState {
        self.state
    }

    /// Moves it to the next state. An event that its state does not allow is a bug: it changes nothing.
    pub(crate) fn on(&mut self, event: InterfaceEvent) {
        let next = self.state.after(event);
        debug_assert!(next.is_some(), "{event:?} in {}", self.state);
        self.state = next.unwrap_or(self.state);
    }
}

/// What ended a stream, other than orderly ends of both sides.
#[derive(Clone, Debug)]
pub(crate) struct StreamEnd {
    pub(crate) termination: Termination,
    pub(crate) cause: Option<Cause>,
}

/// The state of a stream's server selection.
#[derive(Debug)]
pub(crate) struct ServerSelection {
    pub(crate) backend: Key,
    /// The server that was assigned last.
    pub(crate) server: Option<ServerIndex>,
    /// The slot that it holds there.
    pub(crate) slot: Option<ServerSlot>,
    /// Its place in a queue.
    pub(crate) place: Option<Place>,
    /// How many times a server was assigned to it.
    pub(crate) attempts: u32,
    /// Which server it prefers next.
    pub(crate) affinity: Affinity,
    /// When its wait for a slot, or its pause before the next attempt, ends.
    pub(crate) until: Time,
    /// When it last began to wait for a slot.
    pub(crate) queued_at: Time,
    /// How long it has waited for slots, in nanoseconds.
    pub(crate) queued: u64,
}

impl ServerSelection {
    /// The number by which tables remember the server that was assigned last; the first server is 1.
    pub(crate) fn number(&self) -> Option<NonZeroU32> {
        self.server.map(|server| NonZeroU32::MIN.saturating_add(server.0))
    }

    /// Server selection that begins with an affinity.
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

/// The rules of the client have still to be asked about the first bytes of the server.
#[derive(Debug)]
pub(crate) struct ResponseInspection {
    /// The name of the backend that the server is of.
    pub(crate) backend: Option<Box<str>>,
    /// The server is remembered by its first bytes, so these are waited for.
    pub(crate) stores: bool,
    /// How long the rules may wait for them, in nanoseconds; 0: not at all.
    pub(crate) delay: u64,
    pub(crate) stage: InspectionStage,
}

/// What an inspection waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InspectionStage {
    /// The server is to be reached.
    Connect,
    /// The rules are to decide, until then at the latest.
    Rules { until: Time },
    /// The rules have accepted, and the server is to send what it is remembered by.
    FirstBytes,
}

/// Two connections joined.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The client's side, then the server's.
    pub(crate) sides: [Side; 2],
    /// What rules have still to say of the first bytes of the server, where there are such rules.
    pub(crate) inspection: Option<Box<ResponseInspection>>,
    /// The directions, by the side of their source.
    pub(crate) lanes: [Lane; 2],
    /// Its server selection, where a backend chooses the server.
    pub(crate) selection: Option<Box<ServerSelection>>,
    /// What ended it first.
    pub(crate) end: Option<Box<StreamEnd>>,
    /// The side that last took bytes, and is expected to answer.
    pub(crate) turn: Option<u8>,
    /// Its timeouts and options.
    pub(crate) config: Arc<StreamConfig>,
    /// When it began.
    pub(crate) opened_at: Time,
    /// When its server was reached; [`Time::NEVER`] before.
    pub(crate) reached_at: Time,
    /// Its timer in the wheel.
    pub(crate) timer: Timer,
    /// The host's user data for it.
    pub(crate) user: u64,
    /// The lists it is on.
    pub(crate) listed: Listed,
}

impl Stream {
    /// The side with this index.
    pub(crate) const fn side(&self, side: u8) -> &Side {
        &self.sides[side as usize]
    }

    /// The side with this index, mutably.
    pub(crate) const fn side_mut(&mut self, side: u8) -> &mut Side {
        &mut self.sides[side as usize]
    }

    /// The connections, client's first.
    pub(crate) const fn conns(&self) -> [Option<Key>; 2] {
        [self.sides[0].conn, self.sides[1].conn]
    }

    /// Whether it has ended, and only its event remains.
    pub(crate) fn is_over(&self) -> bool {
        self.sides.iter().all(|side| side.state == InterfaceState::Clo)
    }

    /// Its present phase. `server_ended` says that the server sends nothing more.
    pub(crate) const fn phase(&self, server_ended: bool) -> EndPhase {
        match self.side(SERVER).state() {
            InterfaceState::Que => EndPhase::Queue,
            InterfaceState::Ini
            | InterfaceState::Req
            | InterfaceState::Tar
            | InterfaceState::Ass
            | InterfaceState::Con
            | InterfaceState::Cer => EndPhase::Connect,
            InterfaceState::Est if !server_ended => EndPhase::Data,
            InterfaceState::Est | InterfaceState::Dis | InterfaceState::Clo => EndPhase::Last,
        }
    }

    /// Latches what ended it, unless something is latched already.
    pub(crate) fn ended_by(&mut self, by: By, phase: EndPhase, cause: Option<Cause>) {
        self.end.get_or_insert_with(|| {
            Box::new(StreamEnd { termination: Termination { by, phase }, cause })
        });
    }

    /// `side` took bytes that the other had brought.
    pub(crate) const fn took(&mut self, side: u8, now: Time) {
        self.lanes[other(side) as usize].moved_at = now;
        self.sides[side as usize].active_at = now;
        self.turn = Some(side);
    }

    /// The silence timeout of `conn` on `side`, in nanoseconds, and the text of the cause when it
    /// passes.
    pub(crate) fn tolerance(&self, side: u8, conn: &Conn) -> (u64, &'static str) {
        let config = &self.config;
        let tunnel = config.tunnel > 0 && self.lanes.iter().all(|lane| lane.moved > 0);
        // This includes a half-close that TLS 1.2 holds back, since no other timeout would bound the
        // side.
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

/// What ended a stream, if the connection of `side` fails for this reason.
pub(crate) const fn blame(side: u8, why: Why) -> By {
    match (why, side) {
        (Why::Aborted, _) => By::Host,
        (Why::LocalLimit | Why::KeyLimit, _) => By::Resources,
        (Why::TimedOut, CLIENT) => By::ClientTimeout,
        (Why::TimedOut, _) => By::ServerTimeout,
        (_, CLIENT) => By::Client,
        _ => By::Server,
    }
}
