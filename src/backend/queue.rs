//! The streams that wait: one queue for each server, and one for any server at all.
//!
//! All queues are linked lists in one slab. So a stream leaves from the middle at no more cost than from
//! the front, moves to another queue without its key changing, and nothing is allocated once the slab
//! has grown to the most that ever waited, which the limits bound. Because of the generation in a key,
//! leaving twice does no harm.

use super::server::ServerIndex;
use super::stats::Gauge;
use crate::slab::{Key, Slab};

/// A waiting stream, by the number that the caller gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// Where a stream waits. Once the stream has left, its place is no longer valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place(Key);

/// Which queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueId {
    /// The queue for any server.
    Any,
    /// The queue of one server.
    For(ServerIndex),
}

impl QueueId {
    const fn index(self) -> usize {
        match self {
            Self::Any => 0,
            Self::For(ServerIndex(index)) => (index as usize).saturating_add(1),
        }
    }
}

/// The end of a list.
const NONE: u32 = u32::MAX;

/// A stream that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) ticket: Ticket,
    /// The hash of its source.
    pub(super) source: Option<u64>,
    /// Its rank among the waiting streams of all queues: the lowest is served first.
    pub(super) rank: i64,
    line: QueueId,
    before: u32,
    behind: u32,
}

/// The two ends of a queue. Ranks rise from the first to the last.
#[derive(Clone, Copy, Debug)]
struct QueueEnds {
    first: u32,
    last: u32,
    limit: u32,
    length: Gauge,
}

impl QueueEnds {
    const fn new(limit: u32) -> Self {
        Self { first: NONE, last: NONE, limit, length: Gauge { now: 0, most: 0, total: 0 } }
    }
}

/// The queues of a backend.
pub(super) struct Queues {
    waiting: Slab<Waiting>,
    /// By [`QueueId::index`].
    lists: Vec<QueueEnds>,
    /// The rank of the next stream to enter at the back. Those that enter at the front get negative
    /// ranks.
    back: i64,
    front: i64,
}

impl Queues {
    /// The queue for any server, where at most `limit` may wait.
    pub(super) fn new(limit: u32) -> Self {
        Self {
            waiting: Slab::new(Key::SLOTS, 0),
            lists: vec![QueueEnds::new(limit)],
            back: 0,
            front: -1,
        }
    }

    /// Adds the queue of the next server.
    pub(super) fn add(&mut self, limit: u32) {
        self.lists.push(QueueEnds::new(limit));
    }

    /// Whether all queues are empty.
    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many wait in a queue.
    pub(super) fn length(&self, line: QueueId) -> Gauge {
        self.lists.get(line.index()).map_or_else(Gauge::default, |list| list.length)
    }

    /// The first stream in a queue.
    pub(super) fn first(&self, line: QueueId) -> Option<&Waiting> {
        self.waiting.by_slot(self.lists.get(line.index())?.first)
    }

    /// How many are in front of a stream in its queue; `None` if it has left. It takes linear time,
    /// so it is for display only.
    pub(super) fn ahead(&self, place: Place) -> Option<usize> {
        let waiting = self.waiting.get(place.0).ok()?;
        let ahead = |of: &Waiting| self.waiting.by_slot(of.before);
        Some(std::iter::successors(ahead(waiting), |of| ahead(of)).count())
    }

    /// Adds a stream to a queue, at the front or at the back; `None` if the queue is full.
    pub(super) fn enter(
        &mut self,
        line: QueueId,
        ticket: Ticket,
        source: Option<u64>,
        front: bool,
    ) -> Option<Place> {
        let list = self.lists.get(line.index())?;
        if list.length.now >= list.limit {
            return None;
        }
        let (rank, before) = if front { (self.front, NONE) } else { (self.back, list.last) };
        let waiting = Waiting { ticket, source, rank, line, before: NONE, behind: NONE };
        let key = self.waiting.insert(waiting).ok()?;
        if front {
            self.front -= 1;
        } else {
            self.back += 1;
        }
        self.link(key.slot, line, before);
        Some(Place(key))
    }

    /// Removes a stream from its queue, wherever in it the stream is; `None` if it has left already.
    pub(super) fn leave(&mut self, place: Place) -> Option<QueueId> {
        let line = self.waiting.get(place.0).ok()?.line;
        self.unlink(place.0.slot);
        self.waiting.remove(place.0).ok()?;
        Some(line)
    }

    /// Removes the first stream of a queue.
    pub(super) fn pop(&mut self, line: QueueId) -> Option<Ticket> {
        let slot = self.lists.get(line.index())?.first;
        let key = self.waiting.key_of(slot)?;
        self.unlink(slot);
        self.waiting.remove(key).ok().map(|waiting| waiting.ticket)
    }

    /// Moves every stream from the queue of a server to that for any server, each to the place that its
    /// rank requires. The limit does not apply: a stream that was admitted is not refused because its
    /// server stopped serving.
    pub(super) fn pour(&mut self, server: ServerIndex) {
        let from = QueueId::For(server);
        // The stream behind which the next one is put. Both queues are in order, so each is traversed
        // once.
        let mut before = NONE;
        while let Some(slot) = self.lists.get(from.index()).map(|list| list.first) {
            let Some(rank) = self.waiting.by_slot(slot).map(|waiting| waiting.rank) else { return };
            self.unlink(slot);
            before = self.last_below(rank, before);
            self.link(slot, QueueId::Any, before);
            before = slot;
        }
    }

    /// The last stream in the queue for any server whose rank is below `rank`, looked for from
    /// `start` on.
    fn last_below(&self, rank: i64, start: u32) -> u32 {
        let mut found = start;
        loop {
            let next = match self.waiting.by_slot(found) {
                Some(waiting) => waiting.behind,
                None => self.lists.first().map_or(NONE, |list| list.first),
            };
            match self.waiting.by_slot(next) {
                Some(waiting) if waiting.rank < rank => found = next,
                _ => return found,
            }
        }
    }

    /// Puts a stream into a queue directly behind `before`, or first if that is none.
    fn link(&mut self, slot: u32, line: QueueId, before: u32) {
        let Some(list) = self.lists.get_mut(line.index()) else { return };
        list.length.enter();
        let behind = match self.waiting.by_slot_mut(before) {
            Some(waiting) => std::mem::replace(&mut waiting.behind, slot),
            None => std::mem::replace(&mut list.first, slot),
        };
        match self.waiting.by_slot_mut(behind) {
            Some(waiting) => waiting.before = slot,
            None => list.last = slot,
        }
        if let Some(waiting) = self.waiting.by_slot_mut(slot) {
            (waiting.line, waiting.before, waiting.behind) = (line, before, behind);
        }
    }

    /// Removes a stream from its queue.
    fn unlink(&mut self, slot: u32) {
        let Some(&Waiting { line, before, behind, .. }) = self.waiting.by_slot(slot) else {
            return;
        };
        let Some(list) = self.lists.get_mut(line.index()) else { return };
        list.length.leave();
        match self.waiting.by_slot_mut(before) {
            Some(waiting) => waiting.behind = behind,
            None => list.first = behind,
        }
        match self.waiting.by_slot_mut(behind) {
            Some(waiting) => waiting.before = before,
            None => list.last = before,
        }
    }
}
