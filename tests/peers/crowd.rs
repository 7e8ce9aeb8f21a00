//! Many connections at once.

use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::certificates::certificates;
use crate::deadlines::until;
use crate::ends::{End, accept, at, connect, listen, tls_client, tls_over};
use crate::running::{Running, raise_descriptors};
use crate::servers::{HOSTS, joined, proxy};

/// How many are open at once.
const CROWD: usize = 5_000;

/// The most memory of an idle connection, both sockets' records, in bytes.
const MOST_RAW: u64 = 1_200;
const MOST_TLS: u64 = 3_600;

/// One of this many connections opens before memory is measured: the program then has what it needs for
/// any number of connections.
const FIRST_OF: usize = 10;

/// Two ends here and two in proxy for each, and some for everything else.
const DESCRIPTORS: u64 = 2 * CROWD as u64 + 500;

/// Smaller where each of the test's ends does a handshake in it.
const TLS_CROWD: usize = 1_000;

fn token(number: usize) -> Vec<u8> {
    format!("{number:08}").into_bytes()
}

/// A server that echoes one token on each of `count` connections, once all of them are open.
struct Server {
    address: String,
    thread: thread::JoinHandle<()>,
    /// Gets a message for each connection whose token has reached the server.
    reached: Receiver<()>,
}

fn crowd_server(count: usize) -> Server {
    let listener = listen();
    let address = at(&listener).to_string();
    let (report, reached) = channel();
    let meet = move || {
        let mut stream = accept(&listener);
        let token = stream.exactly(8);
        report.send(()).expect("the clients come one after the other");
        (stream, token)
    };
    let thread = thread::spawn(move || {
        let mut met: Vec<(TcpStream, Vec<u8>)> = (0..count).map(|_| meet()).collect();
        for (stream, token) in &mut met {
            stream.say(token);
        }
        for (stream, _) in &mut met {
            assert_eq!(stream.rest().expect("an orderly end"), b"");
        }
    });
    Server { address, thread, reached }
}

/// Opens this many clients with `open`; returns them, and what each but the first tenth adds to the
/// memory of `proxy`, in bytes.
///
/// One after the other, each idle before the next one comes: one that is being opened holds a buffer
/// with its first bytes, and malloc does not return the memory of many such buffers at once, so that a
/// slow server would increase what idle connections seem to cost.
fn crowd<T>(server: &Server, proxy: &Running, count: usize, open: impl Fn() -> T) -> (Vec<T>, u64)
where
    T: End,
{
    let first = count / FIRST_OF;
    let mut memory = 0;
    let client = |number| {
        if number == first {
            memory = proxy.written_bytes();
        }
        let mut client = open();
        client.say(&token(number));
        server.reached.recv().expect("the server takes all of them");
        client
    };
    let clients = (0..count).map(client).collect();
    (clients, proxy.written_bytes().saturating_sub(memory) / (count - first) as u64)
}

#[test]
fn five_thousand_connections_are_open_at_once_and_leave_nothing() {
    let limit = raise_descriptors();
    assert!(limit >= DESCRIPTORS, "this machine allows {limit} descriptors, not {DESCRIPTORS}");
    for host in HOSTS {
        let server = crowd_server(CROWD);
        let proxy = proxy(&format!("--backend {} --host {host}", server.address));
        let front = proxy.ready();
        let descriptors = proxy.descriptors();
        let (mut clients, each) = crowd(&server, &proxy, CROWD, || connect(&front));
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.exactly(8), token(number));
        }
        let open = proxy.descriptors();
        assert!(open >= descriptors + 2 * CROWD, "all are open at once: {open}");
        println!("{host}: {each} bytes of memory per idle raw connection");
        assert!(each <= MOST_RAW, "{each} bytes per connection under {host}");
        for client in &mut clients {
            client.finish_writing();
        }
        for client in &mut clients {
            assert_eq!(client.rest().expect("an orderly end"), b"");
        }
        joined(server.thread);
        until("every descriptor is closed", || proxy.descriptors() <= descriptors);
    }
}

#[test]
fn a_crowd_behind_tls_is_served_and_leaves_nothing() {
    let Some(certificates) = certificates() else { return };
    raise_descriptors();
    for host in HOSTS {
        let server = crowd_server(TLS_CROWD);
        let (chain, key) = (certificates.server.display(), certificates.server_key.display());
        let words = format!("--tls {chain} {key} --backend {} --host {host}", server.address);
        let proxy = proxy(&words);
        let front = proxy.ready();
        let descriptors = proxy.descriptors();
        let config = tls_client(certificates, rustls::ALL_VERSIONS);
        let open = || tls_over(&config, connect(&front));
        let (mut clients, each) = crowd(&server, &proxy, TLS_CROWD, open);
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.exactly(8), token(number));
        }
        println!("{host}: {each} bytes of memory per idle TLS connection");
        assert!(each <= MOST_TLS, "{each} bytes per connection under {host}");
        for client in &mut clients {
            client.finish_writing();
        }
        for client in &mut clients {
            assert_eq!(client.rest().expect("an orderly end"), b"");
        }
        joined(server.thread);
        until("every descriptor is closed", || proxy.descriptors() <= descriptors);
    }
}
