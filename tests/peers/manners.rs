//! Peers that misbehave, and how clients are spread over servers.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;

use crate::certificates::certificates;
use crate::ends::{
    End, STOPPED, accept, at, connect, connect_narrow, listen, narrow, tls_client, tls_over,
};
use crate::running::PATIENCE;
use crate::servers::{HOSTS, backend, joined, proxy};

/// How many bytes are read one at a time.
const LONG: usize = 400_000;
/// More than the kernel's buffers between the ends can hold together.
const ENDLESS: usize = 64 << 20;
/// What a stalled stream may cost a process: a buffer or a pipe for each direction, and some room.
const STALLED: u64 = 256 * 1024;

fn words() -> Vec<u8> {
    (0..LONG).map(|i| (i % 251) as u8).collect()
}

/// All that arrives, one byte in each read.
fn byte_by_byte(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut one = [0];
    while stream.read(&mut one).expect("no reset") > 0 {
        bytes.push(one[0]);
    }
    bytes
}

#[test]
fn a_client_that_reads_a_byte_at_a_time_through_a_narrow_socket_gets_every_byte() {
    for host in HOSTS {
        let (address, server) = backend(|mut stream| {
            stream.say(&words());
            // Everything is sent and the connection is closed, with little of it read yet.
            drop(stream);
        });
        let proxy = proxy(&format!("--backend {address} --host {host} --log"));
        let mut client = connect_narrow(&proxy.ready());
        assert!(byte_by_byte(&mut client) == words());
        drop(client);
        joined(server);
        proxy.stderr.until_said("state=--");
    }
}

#[test]
fn a_server_that_reads_a_byte_at_a_time_through_a_narrow_socket_gets_every_byte() {
    for host in HOSTS {
        let listener = listen();
        narrow(&listener);
        let address = at(&listener).to_string();
        let server = thread::spawn(move || {
            let mut stream = accept(&listener);
            let got = byte_by_byte(&mut stream);
            stream.say(b"thanks");
            got
        });
        let proxy = proxy(&format!("--backend {address} --host {host} --log"));
        let mut client = connect(&proxy.ready());
        client.say(&words());
        client.finish_writing();
        assert_eq!(client.rest().expect("an orderly end"), b"thanks");
        assert!(joined(server) == words());
        proxy.stderr.until_said("state=--");
    }
}

/// Writes until nothing is taken any more, and returns how much that was.
fn write_until_stopped(stream: &mut TcpStream) -> usize {
    stream.set_write_timeout(Some(STOPPED)).expect("a socket");
    let block = [7; 64 * 1024];
    let mut sent = 0;
    while sent < ENDLESS {
        match stream.write(&block) {
            Ok(count) => sent += count,
            Err(why) if why.kind() == ErrorKind::WouldBlock => break,
            Err(why) => panic!("{why}"),
        }
    }
    sent
}

#[test]
fn a_client_that_never_reads_stops_its_server_costs_little_and_ends_nobody_else() {
    for host in HOSTS {
        let listener = listen();
        let address = at(&listener).to_string();
        let (stopped, is_stopped) = mpsc::channel();
        let server = thread::spawn(move || {
            let mut good = accept(&listener);
            assert_eq!(good.exactly(3), b"abc");
            good.say(b"abc");
            let mut flood = accept(&listener);
            stopped.send(write_until_stopped(&mut flood)).expect("the test waits");
            assert_eq!(good.exactly(3), b"def");
            good.say(b"def");
            good.finish_writing();
            // The client that never read leaves, so what remains is lost, and the server gets an error.
            assert_eq!(flood.last_words(), b"start");
        });
        let proxy = proxy(&format!("--backend {address} --host {host} --log"));
        let mut good = connect(&proxy.ready());
        good.say(b"abc");
        assert_eq!(good.exactly(3), b"abc");
        let before = proxy.written_bytes();
        let mut deaf = connect(&proxy.ready());
        deaf.say(b"start");
        let sent = is_stopped.recv_timeout(PATIENCE).expect("the server is stopped");
        assert!(sent < ENDLESS, "backpressure reaches the server");
        let cost = proxy.written_bytes().saturating_sub(before);
        assert!(cost < STALLED, "{cost} bytes for a stalled stream");
        good.say(b"def");
        assert_eq!(good.exactly(3), b"def");
        good.finish_writing();
        assert_eq!(good.rest().expect("an orderly end"), b"");
        proxy.stderr.until_said("state=--");
        drop(deaf);
        proxy.stderr.until_said("state=CD");
        joined(server);
    }
}

#[test]
fn a_client_that_never_reads_is_ended_when_it_was_idle_for_too_long() {
    for host in HOSTS {
        let (address, server) = backend(|mut stream| {
            let block = [7; 64 * 1024];
            // Until the stream is cut.
            while stream.write_all(&block).is_ok() {}
        });
        let bounds = "--timeout-idle 400 --timeout-linger 400";
        let proxy = proxy(&format!("--backend {address} {bounds} --host {host} --log"));
        let _deaf = connect(&proxy.ready());
        proxy.stderr.until_said("state=cD");
        joined(server);
    }
}

#[test]
fn a_server_that_half_closes_at_once_still_gets_all_that_the_client_says() {
    for host in HOSTS {
        let (address, server) = backend(|mut stream| {
            stream.finish_writing();
            stream.rest().expect("an orderly end")
        });
        let proxy = proxy(&format!("--backend {address} --host {host} --log"));
        let mut client = connect(&proxy.ready());
        assert_eq!(client.rest().expect("an orderly end"), b"");
        client.say(&words());
        client.finish_writing();
        assert!(joined(server) == words());
        proxy.stderr.until_said("state=--");
    }
}

#[test]
fn a_tls_client_that_ends_without_close_notify_is_answered_and_logged_as_truncated() {
    let Some(made) = certificates() else { return };
    for host in HOSTS {
        let (address, server) = backend(|mut stream| {
            let request = stream.rest().expect("an end");
            stream.say(b"answer");
            request
        });
        let (chain, key) = (made.server.display(), made.server_key.display());
        let proxy = proxy(&format!("--backend {address} --host {host} --tls {chain} {key} --log"));
        let config = tls_client(made, &[&rustls::version::TLS13]);
        let mut client = tls_over(&config, connect(&proxy.ready()));
        client.say(b"request");
        // The socket ends, without close_notify.
        client.sock.finish_writing();
        assert_eq!(client.exactly(6), b"answer");
        assert_eq!(joined(server), b"request");
        proxy.stderr.until_said("state=CD");
        assert!(proxy.stderr.so_far().contains("SESSION TRUNCATED"));
    }
}

/// A server that sends its name to every client and stays until the client leaves.
fn named(name: &'static [u8]) -> String {
    let listener = listen();
    let address = at(&listener).to_string();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            thread::spawn(move || {
                stream.say(name);
                // The client may leave by a reset.
                let _ = stream.read(&mut [0]);
            });
        }
    });
    address
}

/// A client that stays, and the name it received.
fn visitor(front: &str) -> (TcpStream, Vec<u8>) {
    let mut client = connect(front);
    client.say(b"x");
    let name = client.exactly(1);
    (client, name)
}

#[test]
fn the_server_with_the_fewest_streams_is_next() {
    let words = format!("--backend {} --backend {}", named(b"A"), named(b"B"));
    let proxy = proxy(&format!("{words} --balance leastconn --log"));
    let front = proxy.ready();
    let (first, name) = visitor(&front);
    let (_second, other) = visitor(&front);
    assert_ne!(name, other);
    drop(first);
    proxy.stderr.until_said("state=");
    let (_third, again) = visitor(&front);
    assert_eq!(again, name, "the one that was left");
}

#[test]
fn a_source_keeps_its_server_and_chance_spares_none() {
    for (balance, alone) in [("source", true), ("random", false)] {
        let words = format!("--backend {} --backend {}", named(b"A"), named(b"B"));
        let proxy = proxy(&format!("{words} --balance {balance}"));
        let front = proxy.ready();
        let mut names: Vec<Vec<u8>> = (0..40).map(|_| visitor(&front).1).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), if alone { 1 } else { 2 }, "{balance}");
    }
}
