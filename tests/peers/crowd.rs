//! Many connections at once.

use std::net::TcpStream;
use std::thread;

use crate::certificates::certificates;
use crate::deadlines::until;
use crate::ends::{End, accept, at, connect, listen, tls_client, tls_over};
use crate::running::raise_descriptors;
use crate::servers::{HOSTS, joined, proxy};

/// How many are open at once.
const CROWD: usize = 5_000;

/// Two ends here and two in proxy for each, and some for all the rest.
const DESCRIPTORS: u64 = 2 * CROWD as u64 + 500;

/// Smaller where each of the test's ends does a handshake in it.
const TLS_CROWD: usize = 500;

fn token(number: usize) -> Vec<u8> {
    format!("{number:08}").into_bytes()
}

/// A server that echoes one token on each of `count` connections, once all of them are open.
fn crowd_server(count: usize) -> (String, thread::JoinHandle<()>) {
    let listener = listen();
    let address = at(&listener).to_string();
    let server = thread::spawn(move || {
        let mut streams: Vec<TcpStream> = (0..count).map(|_| accept(&listener)).collect();
        for stream in &mut streams {
            let token = stream.exactly(8);
            stream.say(&token);
        }
        for stream in &mut streams {
            assert_eq!(stream.rest().expect("an orderly end"), b"");
        }
    });
    (address, server)
}

#[test]
fn five_thousand_connections_are_open_at_once_and_leave_nothing() {
    let limit = raise_descriptors();
    assert!(limit >= DESCRIPTORS, "this machine allows {limit} descriptors, not {DESCRIPTORS}");
    for host in HOSTS {
        let (address, server) = crowd_server(CROWD);
        let proxy = proxy(&format!("--backend {address} --host {host}"));
        let front = proxy.ready();
        let (descriptors, memory) = (proxy.descriptors(), proxy.private_bytes());
        let mut clients: Vec<TcpStream> = (0..CROWD)
            .map(|number| {
                let mut client = connect(&front);
                client.say(&token(number));
                client
            })
            .collect();
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.exactly(8), token(number));
        }
        let open = proxy.descriptors();
        assert!(open >= descriptors + 2 * CROWD, "all are open at once: {open}");
        let growth = proxy.private_bytes().saturating_sub(memory);
        println!("{host}: {} bytes of memory per idle raw connection", growth / CROWD as u64);
        for client in &mut clients {
            client.finish_writing();
        }
        for client in &mut clients {
            assert_eq!(client.rest().expect("an orderly end"), b"");
        }
        joined(server);
        until("every descriptor is closed", || proxy.descriptors() <= descriptors);
    }
}

#[test]
fn a_crowd_behind_tls_is_served_and_leaves_nothing() {
    let Some(certificates) = certificates() else { return };
    raise_descriptors();
    for host in HOSTS {
        let (address, server) = crowd_server(TLS_CROWD);
        let (chain, key) = (certificates.server.display(), certificates.server_key.display());
        let words = format!("--tls {chain} {key} --backend {address} --host {host}");
        let proxy = proxy(&words);
        let front = proxy.ready();
        let (descriptors, memory) = (proxy.descriptors(), proxy.private_bytes());
        let config = tls_client(certificates, rustls::ALL_VERSIONS);
        let mut clients: Vec<_> = (0..TLS_CROWD)
            .map(|number| {
                let mut client = tls_over(&config, connect(&front));
                client.say(&token(number));
                client
            })
            .collect();
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.exactly(8), token(number));
        }
        let growth = proxy.private_bytes().saturating_sub(memory);
        println!("{host}: {} bytes of memory per idle TLS connection", growth / TLS_CROWD as u64);
        for client in &mut clients {
            client.finish_writing();
        }
        for client in &mut clients {
            assert_eq!(client.rest().expect("an orderly end"), b"");
        }
        joined(server);
        until("every descriptor is closed", || proxy.descriptors() <= descriptors);
    }
}
