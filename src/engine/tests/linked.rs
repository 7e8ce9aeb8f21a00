//! An engine with a link, and the agent at the other end of it: what the tests of links begin with.

use std::sync::Arc;

use super::far_agent::{FarAgent, agent_address};
use super::host::Program;
use super::rig::{Carrier, Rig, Setup, yonder};
use super::setup::FED;
use crate::config::{ConnectConfig, RemotePlan, TransportKind};
use crate::conn::State;
use crate::engine::{AgentOptions, ConnectOptions, EventKind, LinkOptions, Received};
use crate::id::Id;
use crate::sim::{Peer, RemoteServer};

pub(super) const SOCKETS: Setup = Setup { transport: Carrier::Socket, ..FED };

/// An engine with a link, and the agent at the other end of it.
pub(super) struct Linked {
    pub(super) rig: Rig,
    pub(super) link: Id,
}

impl Linked {
    pub(super) fn new() -> Self {
        Self::with(FarAgent::options(), FarAgent::link_options())
    }

    pub(super) fn with(agent: AgentOptions, link: LinkOptions) -> Self {
        let mut rig = Rig::new(SOCKETS, Program::Idle);
        rig.far = Some(FarAgent::new(&rig.world, 2, agent));
        let config = FarAgent::link_config();
        let link = rig.call(|engine| engine.open_link(agent_address(), config, link));
        let link = link.expect("no limit");
        rig.settle();
        assert!(
            matches!(rig.host.events[..], [ref event] if matches!(event.kind, EventKind::LinkUp))
        );
        rig.host.events.clear();
        Self { rig, link }
    }

    pub(super) fn plan(&self) -> RemotePlan {
        RemotePlan { link: self.link, name: None, tls: None, takes_descriptor: false }
    }

    pub(super) fn connect(&mut self, plan: RemotePlan) -> Id {
        let transport = TransportKind::Link(Box::new(plan));
        let config = Arc::new(ConnectConfig { transport, ..ConnectConfig::default() });
        let asked =
            self.rig.call(|engine| engine.connect(yonder(), config, &ConnectOptions::default()));
        asked.expect("no limit")
    }

    /// A connection that the agent has opened, the server's end of it, and where the server takes others.
    pub(super) fn open(&mut self) -> (Id, Peer, RemoteServer) {
        let site = self.rig.world.serve(yonder());
        let plan = self.plan();
        let id = self.connect(plan);
        self.rig.settle();
        let server = site.accept().expect("the agent connects");
        (id, server, site)
    }

    pub(super) fn far(&mut self) -> &mut FarAgent {
        self.rig.far.as_mut().expect("an agent")
    }

    pub(super) fn recv(&mut self, id: Id) -> (Vec<u8>, Received) {
        let mut got = Vec::new();
        loop {
            let mut space = [0; 4096];
            match self.rig.call(|engine| engine.recv(id, &mut space)).expect("a session") {
                Received::Bytes(n) => got.extend(&space[..n]),
                end => return (got, end),
            }
        }
    }

    /// The cause of the end of `id`.
    #[track_caller]
    pub(super) fn cause(&self, id: Id) -> crate::conn::Cause {
        let end = self.rig.host.events.iter().find_map(|event| match &event.kind {
            EventKind::Closed(record) if event.id == id => Some(record.cause.clone()),
            _ => None,
        });
        end.expect("its end").expect("a cause")
    }

    /// Ends the link and what is behind it, and checks that nothing is left on either side.
    pub(super) fn finish(mut self) {
        let link = self.link;
        self.rig.call(|engine| engine.close_link(link)).expect("it is open");
        let world = self.rig.world.clone();
        self.far().stop_listening(&world);
        self.rig.run();
        let state = self.rig.engine.wait_state();
        assert_eq!((state.conns, state.streams), (0, 0), "{:?}", self.rig.host.events);
        assert_eq!(self.rig.engine.buffers_in_use(), 0);
        assert!(self.far().is_idle(), "something is left at the agent");
        assert!(self.rig.world.open_fds().is_empty(), "{:?}", self.rig.world.open_fds());
    }
}

pub(super) fn state(linked: &Linked, id: Id) -> State {
    linked.rig.engine.state(id).expect("it is there")
}
