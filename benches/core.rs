//! What the core costs without the kernel: the word of operations, the driver that runs them, one whole
//! accepted connection over a network in memory, and a connection in a table.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;

mod rig;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use vestibule::config::{AcceptConfig, AcceptProxy, Trust, Untrusted};
use vestibule::conn::{
    Cause, Code, Direction, Driven, Ending, Op, OpWord, Progress, Wait, advance,
};
use vestibule::table::{DataType, Table, TableConfig, TableKey};
use vestibule::time::Time;

use rig::{PAYLOAD, Rig};

const HEADER: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";
/// Each connection is handed to a fresh engine; this many are prepared at once.
const ROUNDS_PER_BATCH: u64 = 32;

/// Takes a word through all its states: opened, both directions ended, every operation run.
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

/// A connection that consists of its operations only.
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

/// Opens and closes a connection whose steps return what `step` returns, driving it as often as it
/// takes.
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

fn connections(criterion: &mut Criterion) {
    let trust = Trust::parse("any").expect("a word of trust");
    let proxy = AcceptProxy { trust, untrusted: Untrusted::Refuse };
    let proxied = AcceptConfig { proxy: Some(proxy), ..AcceptConfig::default() };
    let mut group = criterion.benchmark_group("accepted connection, simulated");
    for (name, config, header) in
        [("raw", AcceptConfig::default(), &b""[..]), ("accept-proxy", proxied, HEADER)]
    {
        let config = Arc::new(config);
        let done = Rig::new(&config, header).run();
        assert_eq!(done.peer.received(), PAYLOAD, "the echo came back");
        group.bench_function(name, |b| {
            b.iter_batched(
                || Rig::new(&config, header),
                Rig::run,
                BatchSize::NumIterations(ROUNDS_PER_BATCH),
            );
        });
    }
    group.finish();
}

/// The clients of a full table, each of which connects again.
const CLIENTS: u32 = 100_000;

fn tables(criterion: &mut Criterion) {
    let definition = "type ip size 100000 expire 10m store conn_cnt,conn_cur,conn_rate(10s)";
    let config = TableConfig::parse("clients", definition).expect("a definition");
    let table = Table::new(config).expect("a table");
    let client = |n: u32| TableKey::Ip(Ipv4Addr::from_bits(n).into());
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
        b.iter(|| table.get(client(black_box(n)), DataType::ConnRate, Time(5)));
    });
    group.finish();
}

criterion_group!(benches, words, drives, connections, tables);
criterion_main!(benches);
