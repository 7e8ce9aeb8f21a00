//! How the backend decides: the queue of a stream, a server with room, and the consequences of a change
//! of health.

use super::Backend;
use super::health::Transition;
use super::queue::QueueId;
use super::request::{Affinity, Request};
use super::server::ServerSlot;
use super::server::{Server, ServerIndex};
use super::stats::BackendCounters;
use crate::time::Time;

impl Backend {
    pub(super) fn server_mut(&mut self, index: ServerIndex) -> Option<&mut Server> {
        self.servers.get_mut(index.0 as usize)
    }

    /// The queue in which a stream would wait: that of one server, or the one for any server. `None` if
    /// no server is usable.
    pub(super) fn line(&self, request: &Request) -> Option<QueueId> {
        if let Some(index) = request.affinity.insists()
            && self.server(index).is_some_and(Server::serves)
        {
            return Some(QueueId::For(index));
        }
        let backup = self.backup()?;
        let usable = |server: &Server| server.is_usable() && server.backup == backup;
        let home = |other| {
            self.balance.home(&self.servers, request.source, |index, server| {
                Some(index) != other && usable(server)
            })
        };
        let home = home(request.affinity.other()).or_else(|| home(None));
        Some(home.map_or(QueueId::Any, QueueId::For))
    }

    /// The queue whose first stream may go now: of several, the one whose first has waited longest.
    pub(super) fn called(&self) -> Option<QueueId> {
        if self.queues.is_empty() {
            return None;
        }
        let own = self.servers().map(|(index, _)| QueueId::For(index));
        own.chain([QueueId::Any])
            .filter_map(|line| Some((self.queues.first(line)?.rank, line)))
            .filter(|(_, line)| self.has_room(*line))
            .min_by_key(|(rank, _)| *rank)
            .map(|(_, line)| line)
    }

    /// A server with a free slot for the first stream of a queue, or for one that would be first in
    /// it.
    pub(super) fn free(
        &mut self,
        line: QueueId,
        source: Option<u64>,
        affinity: Affinity,
    ) -> Option<ServerIndex> {
        if !self.has_room(line) {
            return None;
        }
        let backup = match line {
            QueueId::For(index) => return Some(index),
            QueueId::Any => self.backup()?,
        };
        let mut pick = |other| {
            self.balance.pick(&mut self.servers, source, |index, server| {
                Some(index) != other && takes(server, backup)
            })
        };
        pick(affinity.other()).or_else(|| pick(None))
    }

    /// Counts a stream on a server.
    pub(super) fn take(&mut self, index: ServerIndex) -> ServerSlot {
        self.streams.enter();
        if let Some(server) = self.server_mut(index) {
            server.streams.enter();
        }
        ServerSlot::of(index)
    }

    /// Counts a change of health, and moves the streams that waited for a server that no longer
    /// serves.
    pub(super) fn changed(
        &mut self,
        index: ServerIndex,
        transition: Transition,
        now: Time,
    ) -> Transition {
        self.count(index, |counters| {
            counters.last_change = now;
            counters.downs += u64::from(matches!(transition, Transition::Down(_)));
        });
        self.settle(index);
        transition
    }

    /// Streams that wait for a server that no longer serves wait for any server, still in the order in
    /// which they began to wait.
    pub(super) fn settle(&mut self, index: ServerIndex) {
        if self.server(index).is_some_and(|server| !server.serves()) {
            self.queues.pour(index);
        }
    }

    /// Counts something that concerns a server.
    pub(super) fn count(&mut self, index: ServerIndex, count: impl Fn(&mut BackendCounters)) {
        if let Some(server) = self.server_mut(index) {
            count(&mut server.counters);
            count(&mut self.counters);
        }
    }

    /// Counts something that concerns a queue.
    pub(super) fn count_in(&mut self, line: QueueId, count: impl Fn(&mut BackendCounters)) {
        match line {
            QueueId::For(index) => self.count(index, count),
            QueueId::Any => count(&mut self.counters),
        }
    }

    /// Whether the first stream of a queue, or one that would be first in it, could go now.
    fn has_room(&self, line: QueueId) -> bool {
        if self.streams.now >= self.config.maxconn {
            return false;
        }
        match line {
            QueueId::For(index) => {
                self.server(index).is_some_and(|server| server.serves() && server.has_room())
            }
            QueueId::Any => {
                let backup = self.backup();
                self.servers.iter().any(|server| backup.is_some_and(|backup| takes(server, backup)))
            }
        }
    }

    /// Whether new streams go to backup servers: they do while no other is usable. `None` if none
    /// at all is.
    fn backup(&self) -> Option<bool> {
        self.servers.iter().filter(|server| server.is_usable()).map(|server| server.backup).min()
    }
}

/// Whether a new stream may go to a server now; `backup` is set if the backup servers are in use.
fn takes(server: &Server, backup: bool) -> bool {
    server.is_usable() && server.backup == backup && server.has_room()
}
