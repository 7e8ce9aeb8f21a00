//! An engine over a network in memory, with a minimal host.

use std::collections::HashMap;
use std::sync::Arc;

use vestibule::config::AcceptConfig;
use vestibule::ctrl::Io;
use vestibule::engine::{
    Engine, EngineOptions, EventKind, HostOp, ListenerOptions, Received, Sent,
};
use vestibule::id::Id;
use vestibule::sim::{Peer, SimNet, World};
use vestibule::sys::{Addr, Fd, ListenSpec};

const SEED: u64 = 1;

/// What the peer sends, and gets back.
pub(crate) const PAYLOAD: &[u8] = &[7; 64];

fn addr(text: &str) -> Addr {
    Addr::parse(text).expect("an address")
}

/// A host without a poller: it reports at once what the network is ready for.
pub(crate) struct Rig {
    world: World,
    engine: Engine<SimNet>,
    watched: HashMap<Id, (Fd, Io)>,
    pub(crate) peer: Peer,
    greeted: bool,
}

impl Rig {
    /// An engine that listens, and a peer that has sent `header` and a payload.
    pub(crate) fn new(config: &Arc<AcceptConfig>, header: &[u8]) -> Self {
        let world = World::new(SEED);
        let mut engine = Engine::new(world.net(), 1, 1, EngineOptions::default(), world.now());
        let here = addr("192.0.2.9:80");
        let spec = ListenSpec {
            addr: here.clone(),
            backlog: 16,
            reuse_port: false,
            v6_only: false,
            defer_accept: 0,
            mode: None,
            owner: None,
            exclusive: false,
        };
        engine
            .listen(&spec, Arc::clone(config), ListenerOptions::default())
            .expect("the address is free");
        let peer = world.connect(&here, addr("192.0.2.7:40000"));
        world.settle();
        peer.send(&[header, PAYLOAD].concat());
        world.settle();
        let mut rig = Self { world, engine, watched: HashMap::new(), peer, greeted: false };
        rig.drain();
        rig
    }

    fn drain(&mut self) {
        loop {
            while let Some(HostOp::Interest { fd, token, new, .. }) = self.engine.next_host_op() {
                if new.contains(Io::RELEASED) {
                    self.watched.remove(&token);
                } else {
                    self.watched.insert(token, (fd, new));
                }
            }
            let Some(event) = self.engine.next_event() else { break };
            self.hear(event.id, &event.kind);
        }
        self.engine.settle();
    }

    /// Echoes what arrives, and ends when the peer does.
    fn hear(&mut self, id: Id, kind: &EventKind) {
        if !matches!(kind, EventKind::Session | EventKind::Readable) {
            return;
        }
        let mut bytes = [0; 256];
        loop {
            match self.engine.recv(id, &mut bytes) {
                Ok(Received::Bytes(n)) => {
                    let sent = self.engine.send(id, &bytes[..n]);
                    assert_eq!(sent, Ok(Sent::Bytes(n)));
                }
                Ok(Received::Wait) => return,
                _ => {
                    self.engine.close(id).expect("a session");
                    return;
                }
            }
        }
    }

    fn ready(&self) -> Vec<(Id, Io)> {
        let mut ready = Vec::new();
        for (&token, &(fd, wanted)) in &self.watched {
            let is = self.world.readiness(fd);
            let mut reported = Io::empty();
            reported.set(Io::IN, is.read && wanted.contains(Io::IN));
            reported.set(Io::OUT, is.write && wanted.contains(Io::OUT));
            reported.set(Io::HANGUP, is.rdhup && wanted.contains(Io::HANGUP));
            reported.set(Io::ERROR, is.hup || is.err);
            if !reported.is_empty() {
                ready.push((token, reported));
            }
        }
        ready
    }

    /// Accept, echo, orderly close. A function of its own, so that it can be counted alone.
    #[inline(never)]
    pub(crate) fn run(mut self) -> Self {
        while self.engine.counters().accepted == 0 || self.engine.wait_state().conns > 0 {
            self.engine.begin(self.world.now());
            for (token, reported) in self.ready() {
                self.engine.on_ready(token, reported).expect("a token of the engine's");
                self.drain();
            }
            self.engine.on_deadline();
            self.engine.on_turn();
            self.drain();
            self.world.settle();
            if !self.greeted && self.peer.received().len() == PAYLOAD.len() {
                self.greeted = true;
                self.peer.close();
                self.world.settle();
            }
        }
        self
    }
}
