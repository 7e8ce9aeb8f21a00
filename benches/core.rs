//! What the core costs without the kernel: the word of operations, the driver that runs them, one
//! whole accepted connection over a network that is all memory, and a connection in a table.

use std::collections::HashMap;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use vestibule::config::{AcceptConfig, AcceptProxy, Trust, Untrusted};
use vestibule::conn::{
    Cause, Code, Direction, Driven, Ending, Op, OpWord, Progress, Wait, advance,
};
use vestibule::ctrl::Io;
use vestibule::engine::{
    Engine, EngineOptions, EventKind, HostOp, ListenerOptions, Received, Sent,
};
use vestibule::id::Id;
use vestibule::sim::{Peer, SimNet, World};
use vestibule::sys::{Addr, Fd, ListenSpec};
use vestibule::table::{Data, Key, Table, TableConfig};
use vestibule::time::Time;

const SEED: u64 = 1;
const HEADER: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";
const PAYLOAD: &[u8] = &[7; 64];
/// Each connection is handed to a fresh engine; so many are prepared at once.
const ROUNDS_PER_BATCH: u64 = 32;

fn addr(text: &str) -> Addr {
    Addr::parse(text).expect("an address")
}

/// Takes a word through its whole life: opened, both directions ended, every operation run.
fn live(mut word: OpWord) -> OpWord {
    loop {
        let Some(op) = word.runnable().first() else {
            if word.is_closing() {
                return word;
            }
            word.shut(Direction::Read);
            word.shut(Direction::Write);
            continue;
        };
        word.start(op);
        word.finish(op);
    }
}

fn wanted(ops: &[Op]) -> OpWord {
    let mut word = OpWord::default();
    for op in ops {
        word.want(*op);
    }
    word
}

fn words(criterion: &mut Criterion) {
    let incoming = wanted(&[Op::AcceptProxy, Op::TlsAccept, Op::AcceptSession]);
    let mut group = criterion.benchmark_group("word");
    group.bench_function("runnable", |b| b.iter(|| black_box(incoming).runnable()));
    group.bench_function("whole life", |b| b.iter(|| live(black_box(incoming))));
    group.finish();
}

/// A connection of which nothing is there but its operations.
struct Bare(OpWord);

impl Driven for Bare {
    fn word(&mut self) -> &mut OpWord {
        &mut self.0
    }

    fn fail(&mut self, _: Box<Cause>) {
        self.0.end(Ending::Refused);
    }

    fn leave(&mut self) {
        self.0.end(Ending::Orderly);
    }
}

/// Opens and closes a connection whose steps have this to say, driving it as often as it takes.
fn drive(word: OpWord, step: impl Fn(&mut Bare, Op) -> Progress) -> OpWord {
    let mut bare = Bare(word);
    while bare.0.is_opening() {
        advance(&mut bare, &step);
    }
    bare.0.end(Ending::Orderly);
    while !bare.0.is_complete(Op::Fclose) {
        advance(&mut bare, &step);
    }
    bare.0
}

fn drives(criterion: &mut Criterion) {
    let incoming = wanted(&[Op::AcceptProxy, Op::TlsAccept, Op::AcceptSession]);
    let outgoing = wanted(&[Op::CtrlConnect, Op::SendProxy, Op::TlsConnect]);
    let mut group = criterion.benchmark_group("driver, opening and closing");
    for (name, word) in [("incoming", incoming), ("outgoing", outgoing)] {
        group.bench_function(format!("{name}, at once"), |b| {
            b.iter(|| drive(black_box(word), |_, _| Progress::Done));
        });
        group.bench_function(format!("{name}, each operation waits once"), |b| {
            b.iter(|| {
                drive(black_box(word), |bare, op| match bare.0.code(op) {
                    Code::Wanted => Progress::Wait(Wait::READ),
                    _ => Progress::Done,
                })
            });
        });
    }
    group.finish();
}

/// A host without a poller: what the network is ready for is told at once.
struct Rig {
    world: World,
    engine: Engine<SimNet>,
    watched: HashMap<Id, (Fd, Io)>,
    peer: Peer,
    greeted: bool,
}

impl Rig {
    /// An engine that listens, and a peer that has said what it has to say.
    fn new(expects_header: bool) -> Self {
        let world = World::new(SEED);
        let mut engine = Engine::new(world.net(), 1, 1, EngineOptions::default(), world.now());
        let trust = Trust::parse("any").expect("a word of trust");
        let proxy = AcceptProxy { trust, untrusted: Untrusted::Refuse };
        let config =
            AcceptConfig { proxy: expects_header.then_some(proxy), ..AcceptConfig::default() };
        let here = addr("192.0.2.9:80");
        let spec = ListenSpec {
            addr: here.clone(),
            backlog: 16,
            reuse_port: false,
            v6_only: false,
            defer_accept: 0,
            mode: None,
            owner: None,
        };
        engine
            .listen(&spec, Arc::new(config), ListenerOptions::default())
            .expect("the address is free");
        let peer = world.connect(&here, addr("192.0.2.7:40000"));
        world.settle();
        if expects_header {
            peer.send(HEADER);
        }
        peer.send(PAYLOAD);
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

    /// Echoes what comes, and ends when the peer does.
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
            let mut told = Io::empty();
            told.set(Io::IN, is.read && wanted.contains(Io::IN));
            told.set(Io::OUT, is.write && wanted.contains(Io::OUT));
            told.set(Io::HANGUP, is.rdhup && wanted.contains(Io::HANGUP));
            told.set(Io::ERROR, is.hup || is.err);
            if !told.is_empty() {
                ready.push((token, told));
            }
        }
        ready
    }

    /// Accept, echo, orderly close.
    fn run(mut self) -> Self {
        while self.engine.counters().accepted == 0 || self.engine.wait_state().conns > 0 {
            self.engine.begin(self.world.now());
            for (token, told) in self.ready() {
                self.engine.on_ready(token, told).expect("a token of the engine's");
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

fn connections(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("accepted connection, simulated");
    for (name, expects_header) in [("raw", false), ("accept-proxy", true)] {
        let done = Rig::new(expects_header).run();
        assert_eq!(done.peer.received(), PAYLOAD, "the echo came back");
        group.bench_function(name, |b| {
            b.iter_batched(
                || Rig::new(expects_header),
                Rig::run,
                BatchSize::NumIterations(ROUNDS_PER_BATCH),
            );
        });
    }
    group.finish();
}

/// A full table of so many clients, each of whom comes again.
const CLIENTS: u32 = 100_000;

fn tables(criterion: &mut Criterion) {
    let definition = "type ip size 100000 expire 10m store conn_cnt,conn_cur,conn_rate(10s)";
    let config = TableConfig::parse("clients", definition).expect("a definition");
    let table = Table::new(config).expect("a table");
    let client = |n: u32| Key::Ip(Ipv4Addr::from_bits(n).into());
    for n in 0..CLIENTS {
        drop(table.track(client(n), Time(1)));
    }
    let mut group = criterion.benchmark_group("table");
    let mut n = 0;
    group.bench_function("track and release", |b| {
        b.iter(|| {
            n = (n + 1) % CLIENTS;
            let held = table.track(client(black_box(n)), Time(2)).expect("it is there");
            held.release(Time(3));
        });
    });
    group.bench_function("track where another makes room", |b| {
        b.iter(|| {
            n = n.wrapping_add(1);
            drop(table.track(client(black_box(n)), Time(4)));
        });
    });
    group.bench_function("get", |b| {
        b.iter(|| table.get(client(black_box(n)), Data::ConnRate, Time(5)));
    });
    group.finish();
}

criterion_group!(benches, words, drives, connections, tables);
criterion_main!(benches);
