//! What a fed connection costs beside a socket's, in instructions: an echo between a client and a server
//! in one engine, raw and over TLS, small and large. The socket calls copy bytes in memory, so that the
//! kernel is not in the figures.
//!
//! Without arguments it runs itself under `valgrind --tool=callgrind` for every case and prints a
//! table. Each figure is the difference of two runs that differ in how often the echo is made.

#[path = "support/callgrind.rs"]
mod callgrind;

use std::collections::{HashMap, VecDeque};
use std::io::IoSlice;
use std::net::IpAddr;
use std::sync::Arc;

use callgrind::Steps;
use vestibule::Trigger;
use vestibule::config::{AcceptConfig, ConnectConfig, ConnectTls, TransportKind};
use vestibule::ctrl::Io;
use vestibule::engine::{
    ConnectOptions, Engine, EngineOptions, EventKind, FedAsks, FedOrigin, HostOp, Received, Sent,
};
use vestibule::id::Id;
use vestibule::sys::{
    Addr, Credentials, Errno, Family, Fd, ListenSpec, Nature, Net, Passed, PathId, Pipe, SockOpt,
    WallClock,
};
use vestibule::time::Time;
use vestibule::tls::{ClientOptions, ClientTls, Roots, ServerOptions, ServerTls, self_signed};

/// The echoes of the shorter run, and of the longer one.
const FEW: u64 = 20;
const MANY: u64 = 120;

const EAGAIN: Errno = Errno(libc::EAGAIN);
const CLIENT: Fd = Fd(5);
const SERVER: Fd = Fd(6);

/// Two sockets that are each other's peer.
#[derive(Default)]
struct Wire {
    /// Bytes on their way to the client, and to the server.
    input: [VecDeque<u8>; 2],
}

impl Net for Wire {
    fn socket(&mut self, _: Family) -> Result<Fd, Errno> {
        Ok(CLIENT)
    }

    fn bind(&mut self, _: Fd, _: &Addr) -> Result<(), Errno> {
        Ok(())
    }

    fn listen(&mut self, _: &ListenSpec) -> Result<Fd, Errno> {
        Err(EAGAIN)
    }

    fn accept(&mut self, _: Fd) -> Result<(Fd, Addr), Errno> {
        Err(EAGAIN)
    }

    fn connect(&mut self, _: Fd, _: &Addr) -> Result<(), Errno> {
        Ok(())
    }

    fn recv(&mut self, fd: Fd, buf: &mut [u8]) -> Result<usize, Errno> {
        let input = &mut self.input[usize::from(fd == SERVER)];
        let (front, back) = input.as_slices();
        let part = if front.is_empty() { back } else { front };
        let n = part.len().min(buf.len());
        if n == 0 {
            return Err(EAGAIN);
        }
        buf[..n].copy_from_slice(&part[..n]);
        input.drain(..n);
        Ok(n)
    }

    fn send(&mut self, fd: Fd, bufs: &[IoSlice<'_>], _: bool) -> Result<usize, Errno> {
        let input = &mut self.input[usize::from(fd == CLIENT)];
        bufs.iter().for_each(|buf| input.extend(&**buf));
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
        Ok(somewhere())
    }

    fn peer(&mut self, _: Fd) -> Result<Addr, Errno> {
        Ok(somewhere())
    }

    fn peer_credentials(&mut self, _: Fd) -> Result<Credentials, Errno> {
        Err(EAGAIN)
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
        Fd(1 << 20)
    }

    fn unlink(&mut self, _: &Addr) {}

    fn unsent(&mut self, _: Fd) -> Result<usize, Errno> {
        Ok(0)
    }

    fn pipe(&mut self) -> Result<Pipe, Errno> {
        Err(EAGAIN)
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

fn somewhere() -> Addr {
    Addr::parse("192.0.2.7:40000").expect("an address")
}

/// A client and a server in one engine, joined by sockets or by their host.
struct Host {
    engine: Engine<Wire>,
    /// The client's connection, and the server's.
    ends: [Id; 2],
    tokens: HashMap<i32, Id>,
    open: usize,
}

impl Host {
    fn new(is_fed: bool, tls: bool) -> Self {
        let options = EngineOptions { trigger: Trigger::Edge, ..EngineOptions::default() };
        let mut engine = Engine::new(Wire::default(), 1, 1, options, Time(1));
        let server_tls = || {
            let certificates = vec![self_signed(&["a.test"]).expect("a certificate")];
            let options = ServerOptions { certificates, ..ServerOptions::default() };
            ServerTls::new(&options, Arc::new(WallClock)).expect("a configuration")
        };
        let client_tls = || {
            let roots = Roots::DangerouslySkipVerification;
            let options = ClientOptions { roots, ..ClientOptions::default() };
            let tls = ClientTls::new(&options, Arc::new(WallClock)).expect("a configuration");
            ConnectTls { tls, server_name: "a.test".to_owned() }
        };
        let accept = AcceptConfig { tls: tls.then(server_tls), ..AcceptConfig::default() };
        let accept = Arc::new(accept);
        let transport = if is_fed { TransportKind::Fed } else { TransportKind::Socket };
        let connect =
            ConnectConfig { transport, tls: tls.then(client_tls), ..ConnectConfig::default() };
        let options = ConnectOptions::default();
        let client = engine.connect(somewhere(), Arc::new(connect), &options).expect("room");
        let server = if is_fed {
            engine.feed(somewhere(), FedOrigin::default(), accept, 0)
        } else {
            engine.accept_fd(SERVER, accept, 0)
        };
        let ends = [client, server.expect("room")];
        let mut host = Self { engine, ends, tokens: HashMap::new(), open: 0 };
        // A run ends as soon as one of them has something to read.
        for _ in 0..10 {
            if host.open < 2 {
                host.run();
            }
        }
        assert_eq!(host.open, 2, "both handshakes are done");
        host
    }

    /// Moves bytes and fetches everything, until nothing is left to do.
    fn run(&mut self) {
        loop {
            self.engine.begin(Time(1));
            if self.engine.wait_state().runnable {
                self.engine.on_turn();
            }
            for (fd, index) in [(CLIENT, 0), (SERVER, 1)] {
                if !self.engine.net().input[index].is_empty()
                    && let Some(&token) = self.tokens.get(&fd.0)
                {
                    self.engine.on_ready(token, Io::IN).expect("a token");
                }
            }
            while let Some(event) = self.engine.next_event() {
                match event.kind {
                    EventKind::Session | EventKind::Connected => self.open += 1,
                    EventKind::Readable => return self.fetch(),
                    _ => {}
                }
            }
            self.fetch();
            let idle = self.engine.net().input.iter().all(VecDeque::is_empty);
            if idle && !self.engine.wait_state().runnable {
                return;
            }
        }
    }

    fn fetch(&mut self) {
        while let Some(HostOp::Interest { fd, token, .. }) = self.engine.next_host_op() {
            self.tokens.insert(fd.0, token);
        }
        while let Some(ask) = self.engine.next_ask() {
            let other = self.ends[usize::from(ask.conn == self.ends[0])];
            if ask.asks.contains(FedAsks::OPEN) {
                self.engine.fed_opened(ask.conn, None).expect("it asked");
            }
            if ask.asks.contains(FedAsks::SEND) {
                let unsent = self.engine.fed_unsent(ask.conn).expect("it is fed").to_vec();
                let taken = self.engine.fed_received(other, &unsent).expect("it is open");
                self.engine.fed_sent(ask.conn, taken).expect("so many wait");
            }
        }
        self.engine.settle();
    }

    /// `payload` goes from one end to the other.
    fn carry(&mut self, from: usize, payload: &[u8], to: &mut [u8]) {
        let (from, other) = (self.ends[from], self.ends[1 - from]);
        assert_eq!(self.engine.send(from, payload), Ok(Sent::Bytes(payload.len())));
        self.fetch();
        let mut got = 0;
        while got < payload.len() {
            match self.engine.recv(other, &mut to[got..]) {
                Ok(Received::Bytes(n)) => got += n,
                Ok(Received::Wait) => self.run(),
                ended => panic!("{ended:?}"),
            }
        }
    }
}

/// Each case by its name: whether fed, whether over TLS, and how many bytes.
const CASES: [(&str, bool, bool, usize); 8] = [
    ("echo of 64 bytes, raw, sockets", false, false, 64),
    ("echo of 64 bytes, raw, fed", true, false, 64),
    ("echo of 16 KiB, raw, sockets", false, false, 16 * 1024),
    ("echo of 16 KiB, raw, fed", true, false, 16 * 1024),
    ("echo of 64 bytes, TLS, sockets", false, true, 64),
    ("echo of 64 bytes, TLS, fed", true, true, 64),
    ("echo of 16 KiB, TLS, sockets", false, true, 16 * 1024),
    ("echo of 16 KiB, TLS, fed", true, true, 16 * 1024),
];

#[inline(never)]
fn counted(mut steps: impl FnMut()) {
    steps();
}

fn echo(case: usize, times: u64) {
    let (_, is_fed, tls, size) = CASES[case];
    let mut host = Host::new(is_fed, tls);
    let (payload, mut to) = (vec![7; size], vec![0; size]);
    host.carry(0, &payload, &mut to);
    counted(|| {
        for _ in 0..times {
            host.carry(0, &payload, &mut to);
            host.carry(1, &payload, &mut to);
        }
    });
}

fn main() {
    let steps = Steps { few: FEW, many: MANY };
    callgrind::main(&CASES.map(|(name, ..)| name), "*counted*", steps, echo);
}
