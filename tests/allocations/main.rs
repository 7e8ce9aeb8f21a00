//! What steady work allocates, counted on the thread that does it: nothing.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, reason = "a test has a clock of its own")]

mod abi;
#[path = "../support/counting.rs"]
mod counting;
mod host;

use std::ffi::CString;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

use abi::*;
use counting::counted;
use host::{Host, Program};

const PATIENCE: Duration = Duration::from_secs(60);

/// Rounds before the counting begins: pools fill, lists grow to their size, tickets are sent.
const WARM_UP: usize = 20;
const ROUNDS: usize = 1_000;
const BULK_ROUNDS: usize = 4;
const PING: usize = 64;
/// More than the sockets and buffers of a chain hold together.
const BULK: usize = 16 << 20;

const TRIGGERS: [u32; 2] = [TRIGGER_LEVEL, TRIGGER_EDGE];

/// A client, engines one behind the other, and the far end to which the last one connects: the client
/// again if the last one echoes. All of it in one thread, which never blocks.
struct Chain {
    hosts: Vec<Box<Host>>,
    client: TcpStream,
    server: Option<TcpStream>,
    space: Box<[u8]>,
}

impl Chain {
    /// The hosts in the order in which bytes of the client pass them.
    fn open(hosts: Vec<Box<Host>>, backend: Option<&TcpListener>) -> Self {
        let front = SocketAddr::from(([127, 0, 0, 1], hosts[0].port.get()));
        let client = TcpStream::connect(front).expect("the engine listens");
        quick(&client);
        let mut chain = Self { hosts, client, server: None, space: vec![0; 65_536].into() };
        if let Some(listener) = backend {
            listener.set_nonblocking(true).expect("a socket");
            let mut accepted = None;
            chain.until(|_| {
                accepted = listener.accept().ok();
                accepted.is_some()
            });
            let (server, _) = accepted.expect("it came");
            quick(&server);
            chain.server = Some(server);
        }
        chain
    }

    fn until(&mut self, mut holds: impl FnMut(&mut Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < PATIENCE, "it never came");
            for host in &self.hosts {
                host.turn();
            }
        }
    }

    /// Carries this many bytes from one end to the other.
    fn carry(&mut self, up: bool, bytes: usize) {
        let (mut unsent, mut missing) = (bytes, bytes);
        self.until(|chain| {
            let server = chain.server.as_ref().unwrap_or(&chain.client);
            let (mut from, mut to) =
                if up { (&chain.client, server) } else { (server, &chain.client) };
            let space = &mut chain.space;
            let most = unsent.min(space.len());
            unsent -= now(from.write(&space[..most]));
            // More bytes than are missing would be bytes that were never sent.
            while missing > 0 {
                match now(to.read(space)) {
                    0 => break,
                    n => missing -= n,
                }
            }
            missing == 0
        });
    }

    /// Carries bytes to the far end and back.
    fn round(&mut self, bytes: usize) {
        self.carry(true, bytes);
        if self.server.is_some() {
            self.carry(false, bytes);
        }
    }

    /// How many allocations rounds make after the warm-up.
    fn allocations(&mut self, rounds: usize, bytes: usize) -> usize {
        let before = counted().0;
        (0..rounds).for_each(|_| self.round(bytes));
        counted().0 - before
    }
}

fn quick(socket: &TcpStream) {
    socket.set_nodelay(true).expect("a socket");
    socket.set_nonblocking(true).expect("a socket");
}

/// How many bytes could be moved without waiting.
fn now(moved: std::io::Result<usize>) -> usize {
    match moved {
        Ok(n) => n,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => panic!("{error}"),
    }
}

fn at(port: u16) -> CString {
    CString::new(format!("127.0.0.1:{port}")).expect("no NUL")
}

/// A configuration for outgoing connections, freed when the test is over.
struct Connecting(*mut Handle);

impl Connecting {
    fn new(tls: *const Handle) -> Self {
        let mut options = ConnectOptions::zero();
        // SAFETY: the struct has the size that is passed.
        let filled = unsafe {
            vst_connect_options_init(&raw mut options, size_of::<ConnectOptions>() as u32)
        };
        assert_eq!(filled, OK);
        options.tls = tls;
        options.server_name = if tls.is_null() { null() } else { c"a.test".as_ptr() };
        let mut config = null_mut();
        // SAFETY: the options are filled in; no sentence is requested.
        let made =
            unsafe { vst_connect_config_new(&raw const options, &raw mut config, null_mut(), 0) };
        assert_eq!(made, OK);
        Self(config)
    }

    fn to(&self, port: u16) -> Program {
        Program::Forward { to: at(port), connect: self.0 }
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and whatever uses the configuration keeps it.
        unsafe { vst_connect_config_free(self.0) };
    }
}

fn backend() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback is there");
    let port = listener.local_addr().expect("it is bound").port();
    (listener, port)
}

/// The count of 0 proves something only if allocations are counted at all.
fn assert_that_the_opening_was_counted(before: usize) {
    assert!(counted().0 > before, "an engine and a connection are made of memory");
}

fn allocates_nothing(mut chain: Chain) {
    chain.allocations(WARM_UP, PING);
    assert_eq!(chain.allocations(ROUNDS, PING), 0, "for a ping and its answer");
    chain.allocations(1, BULK);
    assert_eq!(chain.allocations(BULK_ROUNDS, BULK), 0, "for bytes in bulk");
    assert_eq!(chain.allocations(ROUNDS, PING), 0, "and afterwards");
}

#[test]
fn a_raw_stream_allocates_nothing_once_it_stands() {
    for trigger in TRIGGERS {
        let before = counted().0;
        let (listener, port) = backend();
        let connecting = Connecting::new(null());
        let hosts = vec![Host::new(trigger, null(), connecting.to(port))];
        let chain = Chain::open(hosts, Some(&listener));
        assert_that_the_opening_was_counted(before);
        allocates_nothing(chain);
    }
}

#[test]
fn a_raw_session_allocates_nothing_once_it_stands() {
    for trigger in TRIGGERS {
        let before = counted().0;
        let chain = Chain::open(vec![Host::new(trigger, null(), Program::Echo)], None);
        assert_that_the_opening_was_counted(before);
        allocates_nothing(chain);
    }
}

/// One engine connects with TLS to the other, so a round is two records, each sealed and opened.
#[cfg(feature = "self-signed")]
#[test]
fn a_stream_over_tls_allocates_nothing_once_it_stands() {
    let (mut server, mut client) = (null_mut(), null_mut());
    // SAFETY: the text has its NUL; no sentence is requested.
    let made =
        unsafe { vst_tls_server_self_signed(c"a.test".as_ptr(), &raw mut server, null_mut(), 0) };
    assert_eq!(made, OK);
    let mut options = TlsClientOptions::zero();
    let size = size_of::<TlsClientOptions>() as u32;
    // SAFETY: the struct has the size that is passed.
    let filled = unsafe { vst_tls_client_options_init(&raw mut options, size) };
    assert_eq!(filled, OK);
    options.flags = TLS_SKIP_VERIFICATION;
    // SAFETY: the options are filled in; no sentence is requested.
    let made = unsafe { vst_tls_client_new(&raw const options, &raw mut client, null_mut(), 0) };
    assert_eq!(made, OK);
    for trigger in TRIGGERS {
        let (listener, port) = backend();
        let (plain, protected) = (Connecting::new(null()), Connecting::new(client));
        let inner = Host::new(trigger, server, plain.to(port));
        let outer = Host::new(trigger, null(), protected.to(inner.port.get()));
        let chain = Chain::open(vec![outer, inner], Some(&listener));
        allocates_nothing(chain);
    }
    // SAFETY: the handle is ours, and whatever uses the configuration keeps it.
    unsafe { vst_tls_server_free(server) };
    // SAFETY: as above.
    unsafe { vst_tls_client_free(client) };
}
