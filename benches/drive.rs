//! What the engine itself costs, in instructions: over socket calls that do nothing, so that neither the
//! kernel nor the simulated network is in the figures.
//!
//! Without arguments it runs itself under `valgrind --tool=callgrind` for every case and prints a
//! table. Each figure is the difference of two runs that differ in how often the thing is done.

#[path = "support/callgrind.rs"]
mod callgrind;

use std::hint::black_box;
use std::io::IoSlice;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callgrind::Steps;
use vestibule::config::{AcceptConfig, ConnectConfig};
use vestibule::ctrl::Io;
use vestibule::engine::{
    ConnectOptions, Engine, EngineOptions, EventKind, HostOp, ListenerOptions, Received, Sent,
};
use vestibule::id::Id;
use vestibule::sys::{
    Addr, Credentials, Errno, Family, Fd, ListenSpec, Nature, Net, Passed, PathId, Pipe, SockOpt,
};
use vestibule::time::Time;
use vestibule::{TraceCategories, Trigger};

/// The steps of the shorter run, and of the longer one.
const FEW: u64 = 100;
const MANY: u64 = 1_100;

const PAYLOAD: usize = 64;
const FD_LIMIT: i32 = 1 << 20;
const EAGAIN: Errno = Errno(libc::EAGAIN);

/// Socket calls that answer at once.
struct Idle {
    /// The address of every peer.
    peer: Addr,
    next_fd: i32,
    /// Connections that wait to be accepted.
    waiting: u64,
    /// Bytes that wait to be read, by descriptor.
    input: Vec<usize>,
}

impl Idle {
    fn open(&mut self) -> Fd {
        self.next_fd += 1;
        Fd(self.next_fd)
    }

    fn input(&mut self, fd: Fd) -> &mut usize {
        let index = fd.0 as usize;
        if self.input.len() <= index {
            self.input.resize(index + 1, 0);
        }
        &mut self.input[index]
    }
}

impl Net for Idle {
    fn socket(&mut self, _: Family) -> Result<Fd, Errno> {
        Ok(self.open())
    }

    fn bind(&mut self, _: Fd, _: &Addr) -> Result<(), Errno> {
        Ok(())
    }

    fn listen(&mut self, _: &ListenSpec) -> Result<Fd, Errno> {
        Ok(self.open())
    }

    fn accept(&mut self, _: Fd) -> Result<(Fd, Addr), Errno> {
        self.waiting = self.waiting.checked_sub(1).ok_or(EAGAIN)?;
        Ok((self.open(), self.peer.clone()))
    }

    fn connect(&mut self, _: Fd, _: &Addr) -> Result<(), Errno> {
        Ok(())
    }

    fn recv(&mut self, fd: Fd, buf: &mut [u8]) -> Result<usize, Errno> {
        let waiting = self.input(fd);
        let n = buf.len().min(*waiting);
        *waiting -= n;
        if n == 0 { Err(EAGAIN) } else { Ok(n) }
    }

    fn send(&mut self, _: Fd, bufs: &[IoSlice<'_>], _: bool) -> Result<usize, Errno> {
        Ok(bufs.iter().map(|buf| buf.len()).sum())
    }

    fn send_passing(&mut self, _: Fd, _: &[u8], _: Fd) -> Result<usize, Errno> {
        Err(EAGAIN)
    }

    fn recv_passed(&mut self, _: Fd, _: &mut [u8]) -> Result<(usize, Passed), Errno> {
        Err(EAGAIN)
    }

    fn shutdown_write(&mut self, _: Fd) -> Result<(), Errno> {
        Ok(())
    }

    fn close(&mut self, _: Fd) {}

    fn reset(&mut self, _: Fd) {}

    fn vanish(&mut self, _: Fd) {}

    fn is_own(&mut self, _: IpAddr) -> bool {
        false
    }

    fn take_error(&mut self, _: Fd) -> Result<Option<Errno>, Errno> {
        Ok(None)
    }

    fn local(&mut self, _: Fd) -> Result<Addr, Errno> {
        Ok(here())
    }

    fn peer(&mut self, _: Fd) -> Result<Addr, Errno> {
        Ok(self.peer.clone())
    }

    fn peer_credentials(&mut self, _: Fd) -> Result<Credentials, Errno> {
        Ok(Credentials { uid: 0, gid: 0 })
    }

    fn nature(&mut self, _: Fd) -> Result<Nature, Errno> {
        Ok(Nature { family: Family::V4, listening: false })
    }

    fn set(&mut self, _: Fd, _: SockOpt) -> Result<(), Errno> {
        Ok(())
    }

    fn drop_syns(&mut self, _: Fd) -> Result<(), Errno> {
        Ok(())
    }

    fn path_id(&mut self, _: &Addr) -> Option<PathId> {
        None
    }

    fn descriptor_limit(&mut self) -> Fd {
        Fd(FD_LIMIT)
    }

    fn unlink(&mut self, _: &Addr) {}

    fn unsent(&mut self, _: Fd) -> Result<usize, Errno> {
        Ok(0)
    }

    fn pipe(&mut self) -> Result<Pipe, Errno> {
        Err(Errno(libc::EMFILE))
    }

    fn close_pipe(&mut self, _: Pipe) {}

    fn splice_in(&mut self, _: Fd, _: &Pipe, _: usize) -> Result<usize, Errno> {
        Err(EAGAIN)
    }

    fn splice_out(&mut self, _: &Pipe, _: Fd, _: usize, _: bool) -> Result<usize, Errno> {
        Err(EAGAIN)
    }

    fn settle_signals(&mut self) {}
}

fn here() -> Addr {
    Addr::parse("192.0.2.9:80").expect("an address")
}

fn peer() -> Addr {
    Addr::parse("192.0.2.7:40000").expect("an address")
}

/// Whether everything is traced in this run.
static TRACED: AtomicBool = AtomicBool::new(false);

/// Writes the lines as the boundary does, and throws them away.
fn read_trace(engine: &mut Engine<Idle>) {
    for line in engine.trace_lines() {
        black_box(line.to_string());
    }
}

/// An engine that listens, and what the host knows about it.
struct Host {
    engine: Engine<Idle>,
    listener: Id,
    sessions: Vec<Id>,
    /// The tokens of connections that were announced, with their descriptors.
    tokens: Vec<(Id, Fd)>,
    /// What reads the trace, where everything is traced.
    read_trace: Option<fn(&mut Engine<Idle>)>,
}

impl Host {
    fn new(trigger: Trigger) -> Self {
        let net = Idle { peer: peer(), next_fd: 3, waiting: 0, input: Vec::new() };
        let options = EngineOptions { trigger, ..EngineOptions::default() };
        let mut engine = Engine::new(net, 1, 1, options, Time(1));
        let read_trace = TRACED.load(Ordering::Relaxed).then_some(read_trace as fn(&mut _));
        if read_trace.is_some() {
            engine.trace(TraceCategories::all());
        }
        let spec = ListenSpec {
            addr: here(),
            backlog: 16,
            reuse_port: false,
            v6_only: false,
            defer_accept: 0,
            mode: None,
            owner: None,
            exclusive: false,
        };
        let config = Arc::new(AcceptConfig::default());
        engine.listen(&spec, config, ListenerOptions::default()).expect("it listens");
        let Some(HostOp::Interest { token, .. }) = engine.next_host_op() else {
            panic!("a listener is announced")
        };
        Self { engine, listener: token, sessions: Vec::new(), tokens: Vec::new(), read_trace }
    }

    /// What every call ends with: requests and events are fetched.
    fn fetch(&mut self) {
        while let Some(HostOp::Interest { fd, token, .. }) = self.engine.next_host_op() {
            self.tokens.push((token, fd));
        }
        while let Some(event) = self.engine.next_event() {
            if matches!(event.kind, EventKind::Session | EventKind::Connected) {
                self.sessions.push(event.id);
            }
        }
        self.engine.settle();
        if let Some(read_trace) = self.read_trace {
            read_trace(&mut self.engine);
        }
    }

    fn accept(&mut self) {
        self.engine.net().waiting += 1;
        self.ready(self.listener, Io::IN);
    }

    fn ready(&mut self, token: Id, events: Io) {
        self.engine.begin(Time(1));
        self.engine.on_ready(token, events).expect("a token");
        self.fetch();
    }

    /// A session with nothing to do, whose descriptor is announced.
    fn session(trigger: Trigger) -> (Self, Id, (Id, Fd)) {
        let mut host = Self::new(trigger);
        host.accept();
        let session = host.sessions[0];
        let mut byte = [0];
        assert_eq!(host.engine.recv(session, &mut byte), Ok(Received::Wait));
        host.fetch();
        let known = host.tokens[0];
        (host, session, known)
    }

    /// A stream of two raw connections with nothing to do: the tokens of both.
    fn stream() -> (Self, [(Id, Fd); 2]) {
        let mut host = Self::new(Trigger::Edge);
        host.accept();
        let config = Arc::new(ConnectConfig::default());
        let server = host.engine.connect(peer(), config, &ConnectOptions::default());
        let server = server.expect("a connection");
        let client = host.sessions[0];
        host.engine.forward(client, server, None, 0).expect("a stream");
        host.fetch();
        let known = [host.tokens[0], host.tokens[1]];
        (host, known)
    }
}

type Case = fn(u64);

/// Each case by its name; its steps are counted, what is set up before them is not.
const CASES: [(&str, Case); 6] = [
    ("accept, told as a session", accept),
    ("readiness of an idle session, edge", |times| idle(times, Trigger::Edge)),
    ("readiness of an idle session, level", |times| idle(times, Trigger::Level)),
    ("readiness, READABLE, recv of 64 bytes, recv that waits", read),
    ("send of 64 bytes", send),
    ("echo of 64 bytes through a stream", echo),
];

#[inline(never)]
fn counted(mut steps: impl FnMut()) {
    steps();
}

fn accept(times: u64) {
    let mut host = Host::new(Trigger::Edge);
    counted(|| (0..times).for_each(|_| host.accept()));
    assert_eq!(host.sessions.len() as u64, times);
}

fn idle(times: u64, trigger: Trigger) {
    let (mut host, _, (token, _)) = Host::session(trigger);
    counted(|| (0..times).for_each(|_| host.ready(token, Io::OUT)));
}

fn read(times: u64) {
    let (mut host, session, (token, fd)) = Host::session(Trigger::Edge);
    let mut bytes = [0; 4 * PAYLOAD];
    counted(|| {
        for _ in 0..times {
            *host.engine.net().input(fd) = PAYLOAD;
            host.ready(token, Io::IN);
            assert_eq!(host.engine.recv(session, &mut bytes), Ok(Received::Bytes(PAYLOAD)));
            assert_eq!(host.engine.recv(session, &mut bytes), Ok(Received::Wait));
            host.fetch();
        }
    });
}

fn send(times: u64) {
    let (mut host, session, _) = Host::session(Trigger::Edge);
    counted(|| {
        for _ in 0..times {
            assert_eq!(host.engine.send(session, &[7; PAYLOAD]), Ok(Sent::Bytes(PAYLOAD)));
            host.fetch();
        }
    });
}

/// What the client sends reaches the server, and what the server sends reaches the client.
fn echo(times: u64) {
    let (mut host, ends) = Host::stream();
    counted(|| {
        for _ in 0..times {
            for (token, fd) in ends {
                *host.engine.net().input(fd) = PAYLOAD;
                host.ready(token, Io::IN);
                assert_eq!(*host.engine.net().input(fd), 0);
            }
        }
    });
}

fn main() {
    let steps = Steps { few: FEW, many: MANY };
    let traced = CASES.map(|(name, _)| format!("{name}, traced"));
    let names: Vec<&str> =
        CASES.iter().map(|(name, _)| *name).chain(traced.iter().map(String::as_str)).collect();
    callgrind::main(&names, "*counted*", steps, |case, times| {
        TRACED.store(case >= CASES.len(), Ordering::Relaxed);
        CASES[case % CASES.len()].1(times)
    });
}
