//! The engine as a member of a group: what it tells the others of its servers, and what it learns.
//!
//! Whatever changes the state of a shared server here is written into its cell in the same call, and the
//! others are woken at the end of the call, by the host's side of the engine. So once nothing changes any
//! more, every member has what the cell says.

use std::sync::Arc;

use super::backend::BackendEntry;
use super::metrics_of_group::MetricsOfGroup;
use super::{Engine, TimerOwner, Tools};
use crate::backend::{Admin, Server, ServerChange, ServerIndex, Transition};
use crate::group::{ADMIN, EngineGroup, ServerCell, ServerState, VERDICT, WEIGHT, Wake};
use crate::slab::Key;
use crate::sys::Net;
use crate::wheel::Timer;

/// The engine's place in its group.
pub(super) struct Membership {
    pub(super) group: Arc<EngineGroup>,
    pub(super) number: u32,
    pub(super) metrics: MetricsOfGroup,
    /// Bounds the wait for the numbers of the others.
    pub(super) timer: Timer,
    /// Whether all others are to be woken.
    pub(super) wakes_all: bool,
    /// Members that are to be woken.
    pub(super) wakes: Vec<u32>,
}

/// A server that other members may have too.
pub(super) struct SharedServer {
    cell: Arc<ServerCell>,
    /// Whether this engine makes its checks.
    checks: bool,
}

impl<N: Net> Engine<N> {
    /// Makes the engine, which has no backends yet, a member of a group. `wake` has its thread call
    /// [`on_group`](Self::on_group).
    pub(crate) fn join(&mut self, group: Arc<EngineGroup>, wake: Arc<dyn Wake>) {
        let number = group.join(wake);
        let timer = self.tools.timers.insert(TimerOwner::Group.tag());
        let metrics = MetricsOfGroup::default();
        let membership =
            Membership { group, number, metrics, timer, wakes_all: false, wakes: Vec::new() };
        self.tools.membership = Some(Box::new(membership));
    }

    /// Whether it is a member of a group.
    pub(super) const fn is_member(&self) -> bool {
        self.tools.membership.is_some()
    }

    /// Ends the membership: other members take its checks over, and what it has counted stays in the sums,
    /// unless it failed inside. Returns how the members are woken that are to learn of that.
    pub(crate) fn leave(&mut self, has_failed: bool) -> Vec<Arc<dyn Wake>> {
        let Self { registry, tools, .. } = self;
        for (_, entry) in registry.backends.iter_mut() {
            entry.hand_checks_over(tools);
            entry.shared.clear();
        }
        let last = (!has_failed && self.is_member()).then(|| self.snapshot());
        let Some(mut membership) = self.tools.membership.take() else { return Vec::new() };
        self.tools.timers.remove(membership.timer);
        let done = membership.group.leave(membership.number, last.as_ref());
        membership.wakes.extend(done);
        membership.take_wakes()
    }

    /// Another member has changed something, or asks for something.
    pub(crate) fn on_group(&mut self) {
        let may_check = !self.lets_end();
        let Self { registry, tools, .. } = self;
        for (key, entry) in registry.backends.iter_mut() {
            entry.learn(key, may_check, tools);
        }
        self.tell_metrics();
    }

    /// How the members are woken that are to call [`on_group`](Self::on_group), each once. To be fetched
    /// before the call ends.
    pub(crate) fn next_wakes(&mut self) -> Vec<Arc<dyn Wake>> {
        self.tools.membership.as_deref_mut().map(Membership::take_wakes).unwrap_or_default()
    }

    /// Shares the servers of a backend that are not shared yet, if the backend has a name that no other of
    /// this engine had before.
    pub(super) fn share(&mut self, key: Key) {
        let may_check = !self.lets_end();
        let Self { registry, tools, .. } = self;
        let name = registry.backends.get(key).ok().and_then(|entry| entry.name.clone());
        let Some(name) = name.filter(|name| registry.is_first_called(key, name)) else { return };
        if let Ok(entry) = registry.backends.get_mut(key) {
            entry.share(&name, tools);
            entry.learn(key, may_check, tools);
        }
    }

    /// Lets other members make the checks that this engine made.
    pub(super) fn hand_checks_over(&mut self) {
        let Self { registry, tools, .. } = self;
        for (_, entry) in registry.backends.iter_mut() {
            entry.hand_checks_over(tools);
        }
    }
}

impl Membership {
    fn take_wakes(&mut self) -> Vec<Arc<dyn Wake>> {
        let Self { group, number, wakes_all, wakes, .. } = self;
        if !*wakes_all && wakes.is_empty() {
            return Vec::new();
        }
        let (all, some) = (std::mem::take(wakes_all), std::mem::take(wakes));
        group.wakes(|member| member != *number && (all || some.contains(&member)))
    }
}

impl BackendEntry {
    /// Shares the servers that are not shared yet, by the names of backend and server.
    fn share<N>(&mut self, name: &str, tools: &mut Tools<N>) {
        let Some(membership) = tools.membership.as_deref() else { return };
        while let Some(server) = self.core.server(ServerIndex(self.shared.len() as u32)) {
            let word = ServerState::of(server).word();
            let cell = membership.group.server(name, server.name(), word);
            // Until it has claimed the checks.
            self.core.check_here(ServerIndex(self.shared.len() as u32), false, tools.now);
            self.shared.push(SharedServer { cell, checks: false });
        }
    }

    /// Its servers are its own again.
    pub(super) fn unshare<N>(&mut self, tools: &mut Tools<N>) {
        self.hand_checks_over(tools);
        for index in (0..self.shared.len() as u32).map(ServerIndex) {
            self.core.check_here(index, true, tools.now);
        }
        self.shared.clear();
    }

    /// Gives up the checks that it makes for the other members.
    fn hand_checks_over<N>(&mut self, tools: &mut Tools<N>) {
        let Some(membership) = tools.membership.as_deref_mut() else { return };
        for (index, shared) in (0..).map(ServerIndex).zip(&mut self.shared) {
            if std::mem::take(&mut shared.checks) {
                self.core.check_here(index, false, tools.now);
                shared.cell.release(membership.number);
                membership.wakes_all = true;
            }
        }
    }

    /// Learns what the other members say of its servers, and makes the checks of those that nobody checks.
    fn learn<N>(&mut self, key: Key, may_check: bool, tools: &mut Tools<N>) {
        let Some(number) = tools.membership.as_deref().map(|membership| membership.number) else {
            return;
        };
        for index in 0..self.shared.len() {
            let server = ServerIndex(index as u32);
            let shared = &mut self.shared[index];
            let state = ServerState::from_word(shared.cell.word());
            let is_checked = self.core.server(server).is_some_and(Server::is_checked);
            if is_checked && may_check && !shared.checks && shared.cell.claim(number) {
                shared.checks = true;
                self.core.check_here(server, true, tools.now);
            }
            self.follow(key, server, state, tools);
            if is_checked
                && let Some(transition) = self.core.learn(server, state.verdict, tools.now)
            {
                self.note_learned(key, server, transition, tools);
            }
        }
        self.settle(key, tools);
    }

    /// Takes the administrative state and the weight that another member has set.
    fn follow<N>(
        &mut self,
        key: Key,
        server: ServerIndex,
        state: ServerState,
        tools: &mut Tools<N>,
    ) {
        let Some(known) = self.core.server(server) else { return };
        let weight = (known.weight() != state.weight).then_some(ServerChange::Weight(state.weight));
        let admin = (known.admin() != state.admin).then_some(ServerChange::Admin(state.admin));
        for change in weight.into_iter().chain(admin) {
            // The server is there: its index is one of this backend.
            let _ = self.change(key, server, change, tools);
        }
    }

    /// Tells the other members which transition this engine has found.
    pub(super) fn tell_transition<N>(
        &self,
        server: ServerIndex,
        transition: Transition,
        tools: &mut Tools<N>,
    ) {
        // Where only time brings a server back, each engine finds out by its own connections.
        if self.core.server(server).is_some_and(Server::is_checked) {
            self.tell(server, VERDICT, Some(transition), tools);
        }
    }

    /// Tells the other members what the host has changed. A server that leaves maintenance is up.
    pub(super) fn tell_change<N>(
        &self,
        server: ServerIndex,
        change: &ServerChange,
        was: Option<Admin>,
        tools: &mut Tools<N>,
    ) {
        match change {
            ServerChange::Weight(_) => self.tell(server, WEIGHT, None, tools),
            ServerChange::Admin(now) => {
                let returns = was == Some(Admin::Maintenance) && *now != Admin::Maintenance;
                let mask = if returns { ADMIN | VERDICT } else { ADMIN };
                self.tell(server, mask, None, tools);
            }
            ServerChange::Addresses(_) => {}
        }
    }

    fn tell<N>(
        &self,
        server: ServerIndex,
        mask: u32,
        transition: Option<Transition>,
        tools: &mut Tools<N>,
    ) {
        let Some(shared) = self.shared.get(server.0 as usize) else { return };
        let (Some(known), Some(membership)) =
            (self.core.server(server), tools.membership.as_deref_mut())
        else {
            return;
        };
        let mut state = ServerState::of(known);
        state.verdict.by_checks = false;
        if let Some(transition) = transition {
            state.verdict = transition.into();
        }
        membership.wakes_all |= shared.cell.change(mask, state.word());
    }
}
