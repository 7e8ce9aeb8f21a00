//! A backend of a few servers under simulation, and clients that are joined with it.

use std::sync::Arc;

use super::host::{Program, silent};
use super::rig::{Rig, Setup};
use crate::backend::{
    Admin, BackendConfig, BalanceMethod, HealthConfig, Redispatch, Retries, ServerChange,
    ServerConfig, ServerIndex, Weight,
};
use crate::config::{AcceptConfig, ConnectConfig};
use crate::engine::{
    BackendOptions, CheckPlan, EndReport, EngineOptions, Event, EventKind, ServerEvent,
};
use crate::id::Id;
use crate::sim::{Peer, RemoteServer};
use crate::sys::Addr;
use crate::time::SECOND;

pub(super) const DELAY: u64 = SECOND;

pub(super) fn options() -> BackendOptions {
    BackendOptions {
        config: BackendConfig {
            method: BalanceMethod::RoundRobin,
            maxconn: u32::MAX,
            maxqueue: 100,
            retries: Retries { retries: 3, redispatch: Redispatch::Last, delay: DELAY },
            seed: 7,
        },
        queue_timeout: 5 * SECOND,
        user: 0,
    }
}

pub(super) fn address(i: usize) -> Addr {
    Addr::parse(&format!("203.0.113.{}:443", 10 + i)).expect("an address")
}

pub(super) fn server(i: usize) -> ServerConfig {
    ServerConfig {
        name: format!("s{i}").into(),
        addresses: vec![address(i)],
        weight: Weight::default(),
        backup: false,
        maxconn: u32::MAX,
        maxqueue: 100,
        connect: Arc::new(ConnectConfig::default()),
        health: HealthConfig::default(),
    }
}

/// A backend of some servers, and clients that are joined with it.
pub(super) struct Farm {
    pub(super) rig: Rig,
    pub(super) backend: Id,
    pub(super) sites: Vec<RemoteServer>,
}

impl Farm {
    pub(super) fn new(setup: Setup, options: BackendOptions, servers: Vec<ServerConfig>) -> Self {
        Self::checked(setup, options, servers.into_iter().map(|server| (server, None)).collect())
    }

    pub(super) fn checked(
        setup: Setup,
        options: BackendOptions,
        servers: Vec<(ServerConfig, Option<CheckPlan>)>,
    ) -> Self {
        Self::behind(AcceptConfig::default(), setup, options, servers)
    }

    /// A farm whose clients are accepted as `config` requires.
    pub(super) fn behind(
        config: AcceptConfig,
        setup: Setup,
        options: BackendOptions,
        servers: Vec<(ServerConfig, Option<CheckPlan>)>,
    ) -> Self {
        let mut rig = Rig::with(setup, Program::Idle, EngineOptions::default());
        let backend = rig.call(|engine| engine.add_backend(options)).expect("there is room");
        let mut sites = Vec::new();
        for (i, (server, plan)) in servers.into_iter().enumerate() {
            sites.push(rig.world.serve(address(i)));
            let added = rig.call(|engine| engine.add_server(backend, server, plan));
            assert_eq!(added, Ok(ServerIndex(i as u32)));
        }
        rig.host.program = Program::ForwardTo { backend, stream: silent(60 * SECOND) };
        rig.listen(config);
        Self { rig, backend, sites }
    }

    /// A client that has sent a text.
    pub(super) fn client(&mut self, word: &[u8]) -> Peer {
        let client = self.rig.peer();
        client.send(word);
        self.rig.settle();
        client
    }

    pub(super) fn set(&mut self, server: usize, change: ServerChange) {
        let (backend, index) = (self.backend, ServerIndex(server as u32));
        self.rig
            .call(|engine| engine.set_server(backend, index, change))
            .expect("there is such a server");
    }

    /// Everything ends, every slot is given back, and the counters have the right values.
    pub(super) fn finish(mut self) -> Vec<Event> {
        for i in 0..self.sites.len() {
            // Checks that never stop would never let the run end.
            self.set(i, ServerChange::Admin(Admin::Maintenance));
        }
        for site in &self.sites {
            while let Some(peer) = site.accept() {
                peer.close();
            }
        }
        self.rig.run();
        let all = self.rig.engine.backend_stats(self.backend, None).expect("it is there");
        assert_eq!((all.streams.now, all.queue.now), (0, 0), "a place or a ticket is lost");
        for i in 0..self.sites.len() {
            let index = Some(ServerIndex(i as u32));
            let one = self.rig.engine.backend_stats(self.backend, index).expect("it is there");
            assert_eq!((one.streams.now, one.queue.now), (0, 0));
        }
        self.rig.finish()
    }
}

pub(super) fn reports(events: &[Event]) -> Vec<&EndReport> {
    let report = |event| match event {
        &Event { kind: EventKind::StreamEnd(ref report), .. } => Some(&**report),
        _ => None,
    };
    events.iter().filter_map(report).collect()
}

#[track_caller]
pub(super) fn the_report(events: &[Event]) -> &EndReport {
    let [report] = reports(events)[..] else { panic!("one end") };
    report
}

pub(super) fn reported(events: &[Event]) -> Vec<(u32, ServerEvent)> {
    let news = |event: &Event| match event.kind {
        EventKind::Server(server, news) => Some((server, news)),
        _ => None,
    };
    events.iter().filter_map(news).collect()
}

pub(super) fn close_all(peers: &[Peer]) {
    peers.iter().for_each(Peer::close);
}
