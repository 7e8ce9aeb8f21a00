//! Peers without manners, and how clients are spread over servers.

use std::io::Read;
use std::net::TcpStream;
use std::thread;

use crate::certificates::certificates;
use crate::ends::{End, at, connect, listen, tls_client, tls_over};
use crate::servers::{HOSTS, backend, joined, proxy};

#[test]
fn a_tls_client_that_ends_without_close_notify_still_has_its_answer_and_its_end_is_passed_on() {
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
        // The socket ends, and TLS said nothing.
        client.sock.finish_writing();
        assert_eq!(client.exactly(6), b"answer");
        assert_eq!(joined(server), b"request");
        proxy.stderr.until_said("state=--");
    }
}

/// A server that says its name to everybody and stays until it is left.
fn named(name: &'static [u8]) -> String {
    let listener = listen();
    let address = at(&listener).to_string();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            thread::spawn(move || {
                stream.say(name);
                // Whoever leaves may leave by a reset.
                let _ = stream.read(&mut [0]);
            });
        }
    });
    address
}

/// A client that stays, and the name it was told.
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
