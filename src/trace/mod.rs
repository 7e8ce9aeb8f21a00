//! The trace: what an engine does, one line for each thing. The core calls nobody, so its lines are kept
//! as values, at most [`LINES_MAX`] of them, until the boundary fetches, writes and delivers them.

mod kind;
mod line;
#[cfg(test)]
pub(crate) mod tests;

pub use kind::{TraceCategories, TraceKind};
pub use line::TraceLine;
pub(crate) use line::{AgreedTls, ConnEnd, RelayedEnd, TraceDetails};

use std::collections::VecDeque;

use crate::cause::{Cause, Detail};
use crate::id::Id;
use crate::op::{Code, OpWord};
use crate::slab::Key;
use crate::sys::Addr;
use crate::time::Time;

/// The most lines that wait to be fetched.
pub(crate) const LINES_MAX: usize = 4096;

/// The operations of a connection as they were last looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Compared {
    /// That of the connection; none before there was one.
    generation: Option<u32>,
    word: OpWord,
    failed: bool,
}

/// What is traced, and the lines that wait to be fetched.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    on: TraceCategories,
    lines: VecDeque<TraceLine>,
    /// How many lines found no room.
    lost: u64,
    /// By the slot of the connection. Connections keep nothing themselves, so that a trace that is off
    /// costs them no memory.
    compared: Vec<Compared>,
}

impl Trace {
    /// Whether one of these is traced.
    pub(crate) const fn is_on(&self, categories: TraceCategories) -> bool {
        self.on.intersects(categories)
    }

    /// Whether the operations of connections are to be compared.
    pub(crate) const fn compares(&self) -> bool {
        self.is_on(TraceCategories::COMPARED)
    }

    /// Traces these from now on.
    pub(crate) fn set(&mut self, categories: TraceCategories) {
        self.on = categories;
        if !self.compares() {
            self.compared = Vec::new();
        }
        if categories.is_empty() {
            self.lines = VecDeque::new();
        }
    }

    /// The lines that wait. The last one says how many were lost.
    pub(crate) fn take(&mut self, now: Time) -> VecDeque<TraceLine> {
        let mut lines = std::mem::take(&mut self.lines);
        let lost = std::mem::take(&mut self.lost);
        if lost > 0 {
            lines.push_back(TraceLine {
                category: TraceCategories::empty(),
                at: now,
                kind: TraceKind::Lost,
                about: None,
                details: TraceDetails::Lost(lost),
            });
        }
        lines
    }

    /// Keeps a line, if its category is traced.
    pub(crate) fn add(
        &mut self,
        at: Time,
        category: TraceCategories,
        kind: TraceKind,
        about: Option<Id>,
        details: TraceDetails,
    ) {
        if !self.is_on(category) {
            return;
        }
        if self.lines.len() >= LINES_MAX {
            self.lost += 1;
            return;
        }
        self.lines.push_back(TraceLine { category, at, kind, about, details });
    }

    /// Keeps a line about an operation.
    pub(crate) fn add_op(&mut self, at: Time, kind: TraceKind, conn: Id, details: TraceDetails) {
        let category = match &details {
            TraceDetails::Op(op) | TraceDetails::Waits(op, _) => TraceCategories::of(*op),
            TraceDetails::Cause(cause) => {
                cause.at.map_or(TraceCategories::OPERATIONS, TraceCategories::of)
            }
            _ => TraceCategories::OPERATIONS,
        };
        self.add(at, category, kind, Some(conn), details);
    }

    /// Keeps a line for everything that has changed in the operations of a connection since they were
    /// last compared: that it fails, then what became of each operation, in the order they run.
    pub(crate) fn compare(
        &mut self,
        at: Time,
        conn: Id,
        peer: &Addr,
        word: OpWord,
        cause: Option<&Cause>,
    ) {
        let Key { slot, generation } = conn.key();
        let slot = slot as usize;
        if self.compared.len() <= slot {
            self.compared.resize(slot + 1, Compared::default());
        }
        let failed = cause.is_some();
        let now = Compared { generation: Some(generation), word, failed };
        let is_first = self.compared[slot].generation != now.generation;
        let before = std::mem::replace(&mut self.compared[slot], now);
        let before = if is_first { Compared::default() } else { before };
        if is_first {
            self.add_op(at, TraceKind::First, conn, TraceDetails::Peer(peer.clone()));
        }
        if let Some(cause) = cause.filter(|_| !before.failed) {
            let details = TraceDetails::Cause(Box::new(cause.clone()));
            self.add_op(at, TraceKind::Failed, conn, details);
            if let Detail::Alert(alert) = cause.detail {
                let kind = if cause.is_received_alert() {
                    TraceKind::AlertReceived
                } else {
                    TraceKind::AlertSent
                };
                let details = TraceDetails::Alert(alert);
                self.add(at, TraceCategories::TLS, kind, Some(conn), details);
            }
        }
        for op in before.word.differing(word).iter() {
            let kind = match (before.word.code(op), word.code(op)) {
                (_, Code::Wanted) => TraceKind::Wanted,
                (_, Code::Started) => TraceKind::Started,
                (_, Code::Complete) => TraceKind::Done,
                (Code::Wanted, Code::Unwanted) => TraceKind::Skipped,
                (_, Code::Unwanted) => TraceKind::Undone,
            };
            self.add_op(at, kind, conn, TraceDetails::Op(op));
        }
    }
}
