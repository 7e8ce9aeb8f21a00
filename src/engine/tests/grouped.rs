//! Engines of one group in one simulated network, each with a host of its own, and the servers they share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::farm::{options, server};
use super::host::{Program, silent};
use super::rig::{Carrier, Rig, Setup};
use super::setup::FED;
use crate::backend::{ServerConfig, ServerIndex};
use crate::config::AcceptConfig;
use crate::cx::Trigger;
use crate::engine::{CheckPlan, EngineOptions};
use crate::group::{EngineGroup, Wake};
use crate::id::Id;
use crate::sim::{Peer, RemoteServer, World};
use crate::sys::Addr;
use crate::time::SECOND;

/// The name of the backend.
pub(super) const NAME: &str = "shared";

/// How a member is woken: its loop looks here.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One engine of the group.
pub(super) struct Member {
    pub(super) rig: Rig,
    pub(super) backend: Id,
    flag: Arc<Flag>,
    at: Addr,
    clients: u16,
    /// Its thread does nothing.
    pub(super) hangs: bool,
}

impl Member {
    /// Calls from outside, as the host does, with what follows.
    pub(super) fn wake_others(&mut self) {
        self.rig.engine.next_wakes().iter().for_each(|member| member.wake());
    }

    /// One round of its loop, as long as something happens now.
    fn turn(&mut self) -> bool {
        if self.hangs {
            return false;
        }
        let woken = self.flag.0.swap(false, Ordering::Relaxed);
        if woken {
            self.rig.call(|engine| engine.on_group());
        }
        let acted = self.rig.round(self.rig.world.now());
        self.wake_others();
        woken || acted
    }

    /// A client of this engine that has sent a text.
    pub(super) fn client(&mut self, word: &[u8]) -> Peer {
        self.clients += 1;
        let from = Addr::parse(&format!("198.51.100.7:{}", 20_000 + self.clients));
        let client = self.rig.world.connect(&self.at, from.expect("an address"));
        client.send(word);
        client
    }
}

/// A group, the members that are left of it, and the servers.
pub(super) struct Grouped {
    setup: Setup,
    pub(super) world: World,
    pub(super) group: Arc<EngineGroup>,
    pub(super) members: Vec<Member>,
    pub(super) sites: Vec<RemoteServer>,
}

impl Grouped {
    pub(super) fn new(setup: Setup, sites: usize) -> Self {
        let world = World::new(setup.seed);
        let sites = (0..sites).map(|i| world.serve(super::farm::address(i))).collect();
        Self { setup, world, group: EngineGroup::new(), members: Vec::new(), sites }
    }

    /// A new member that has the servers; its number in `members`.
    pub(super) fn join(&mut self, servers: Vec<(ServerConfig, Option<CheckPlan>)>) -> usize {
        self.join_as(NAME, servers)
    }

    /// The same, with another name for the backend.
    pub(super) fn join_as(
        &mut self,
        name: &str,
        servers: Vec<(ServerConfig, Option<CheckPlan>)>,
    ) -> usize {
        let index = self.members.len();
        let number = 10 + index as u16;
        let world = self.world.clone();
        let mut rig =
            Rig::beside(world, number, self.setup, Program::Idle, EngineOptions::default());
        let flag = Arc::new(Flag::default());
        rig.engine.join(Arc::clone(&self.group), Arc::clone(&flag) as Arc<dyn Wake>);
        let backend = rig.call(|engine| engine.add_backend(options())).expect("there is room");
        // Servers may be there before the name, or after it.
        let name_first = index.is_multiple_of(2);
        if name_first {
            rig.call(|engine| engine.set_name(backend, name)).expect("a backend");
        }
        for (i, (server, plan)) in servers.into_iter().enumerate() {
            let added = rig.call(|engine| engine.add_server(backend, server, plan));
            assert_eq!(added, Ok(ServerIndex(i as u32)));
        }
        if !name_first {
            rig.call(|engine| engine.set_name(backend, name)).expect("a backend");
        }
        rig.host.program = Program::ForwardTo { backend, stream: silent(60 * SECOND) };
        let at = Addr::parse(&format!("192.0.2.1:{}", 80 + index)).expect("an address");
        let listener = rig.listen_at(&at, AcceptConfig::default(), Default::default());
        rig.call(|engine| engine.set_name(listener, "front")).expect("a listener");
        let mut member = Member { rig, backend, flag, at, clients: 0, hangs: false };
        member.wake_others();
        self.members.push(member);
        index
    }

    /// A member is freed.
    pub(super) fn leave(&mut self, index: usize) {
        let mut member = self.members.remove(index);
        member.rig.engine.leave(false).iter().for_each(|member| member.wake());
        member.rig.call(crate::engine::Engine::abort_all);
    }

    /// A command of the host of a member.
    pub(super) fn call<R>(
        &mut self,
        index: usize,
        command: impl FnOnce(&mut crate::engine::Engine<crate::sim::SimNet>) -> R,
    ) -> R {
        let result = self.members[index].rig.call(command);
        self.members[index].wake_others();
        result
    }

    /// Runs all members for this long.
    pub(super) fn run_for(&mut self, nanoseconds: u64) {
        let until = self.world.now() + nanoseconds;
        loop {
            let mut acted = false;
            for member in &mut self.members {
                acted |= member.turn();
            }
            if acted {
                continue;
            }
            let living = self.members.iter().filter(|member| !member.hangs);
            let deadlines = living.filter_map(|member| member.rig.engine.wait_state().deadline);
            let next = deadlines.chain(self.world.next_event()).min();
            match next.filter(|next| *next <= until) {
                Some(next) => self.world.advance_to(next),
                None => break,
            }
        }
        self.world.advance_to(until);
    }

    /// Everything ends, and nothing is left.
    pub(super) fn finish(mut self) {
        for index in 0..self.members.len() {
            let backend = self.members[index].backend;
            for server in 0..self.sites.len() as u32 {
                // Checks that never stop would never let the run end.
                let rest = crate::backend::ServerChange::Admin(crate::backend::Admin::Maintenance);
                let set = |engine: &mut crate::engine::Engine<_>| {
                    engine.set_server(backend, ServerIndex(server), rest)
                };
                let _ = self.call(index, set);
            }
            self.members[index].rig.close_listeners();
        }
        for site in &self.sites {
            while let Some(peer) = site.accept() {
                peer.close();
            }
        }
        self.run_for(120 * SECOND);
        while !self.members.is_empty() {
            self.leave(0);
        }
        let left = self.world.open_fds();
        assert!(left.is_empty(), "descriptors are left: {left:?}");
    }
}

/// What servers of these tests are like.
pub(super) fn plain(i: usize) -> (ServerConfig, Option<CheckPlan>) {
    (server(i), None)
}

/// Sockets and fed connections in calm weather.
pub(super) fn level(run: impl Fn(Setup)) {
    run(Setup { trigger: Trigger::Level, transport: Carrier::Socket, ..FED });
    run(FED);
}
