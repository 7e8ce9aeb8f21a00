//! The hosts over io_uring: one polls the library's sockets, the other moves the bytes of its connections itself.

use std::io::Write;
use std::thread;

use crate::bulk::{bounded, receive, send};
use crate::certificates::certificates;
use crate::deadlines::until;
use crate::ends::{End, STOPPED, connect, connect_narrow, reset, tls_client, tls_over};
use crate::hosts::host;
use crate::running::Running;
use crate::servers::{command, joined};

/// More than any buffer between the ends holds.
const LARGE: usize = 64 << 20;

/// How many connections are open at once.
const CROWD: usize = 500;

/// The two hosts over io_uring, for sockets that are polled and connections that are fed. Empty where they
/// cannot be built, or the kernel has no io_uring for them.
fn urings(words: &str) -> Vec<(Running, String)> {
    let start = |name: &str| {
        host(name, "liburing-dev")?;
        let program = Running::spawn(&mut command(&format!("hosts/{name}"), words));
        let address = program.ready();
        Some((program, address))
    };
    ["uring", "uring_fed"].into_iter().filter_map(start).collect()
}

#[test]
fn both_kinds_of_connections_tell_who_they_are_and_echo_until_the_client_ends() {
    let Some(certificates) = certificates() else { return };
    let (chain, key) = (certificates.server.display(), certificates.server_key.display());
    for tls in [false, true] {
        let words = if tls { format!("--tls {chain} {key}") } else { String::new() };
        for (_program, address) in urings(&words) {
            let stream = connect(&address);
            let own = stream.local_addr().expect("a socket").port();
            let port = address.rsplit_once(':').expect("an address").1;
            let mut client: Box<dyn End> = if tls {
                Box::new(tls_over(&tls_client(certificates, rustls::ALL_VERSIONS), stream))
            } else {
                Box::new(stream)
            };
            client.say(b"an echo");
            assert_eq!(client.line(), format!("127.0.0.1 {own} 127.0.0.1 {port}\n"));
            assert_eq!(client.exactly(7), b"an echo");
            client.say(b" and one behind it");
            client.finish_writing();
            assert_eq!(client.rest().expect("an orderly end"), b" and one behind it");
        }
    }
}

#[test]
fn many_connections_at_once_are_served_and_leave_nothing_however_they_end() {
    for (program, address) in urings("") {
        let before = program.descriptors();
        let mut clients: Vec<_> = (0..CROWD).map(|_| connect(&address)).collect();
        for client in &mut clients {
            client.line();
        }
        for (number, client) in clients.iter_mut().enumerate() {
            client.say(format!("{number:08}").as_bytes());
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.exactly(8), format!("{number:08}").as_bytes());
        }
        for (number, mut client) in clients.into_iter().enumerate() {
            if number % 2 == 0 {
                client.finish_writing();
                assert_eq!(client.rest().expect("an orderly end"), b"");
            } else {
                reset(client);
            }
        }
        until("every descriptor is closed", || program.descriptors() <= before);
    }
}

#[test]
fn bulk_comes_back_as_it_was_while_others_stall() {
    for (program, address) in urings("") {
        let mut stalled = connect_narrow(&address);
        stalled.set_write_timeout(Some(STOPPED)).expect("a socket");
        let flood = vec![b'x'; 1 << 20];
        let mut sent = 0;
        while let Ok(count) = stalled.write(&flood) {
            sent += count;
            assert!(sent < 1 << 30, "nobody says stop");
        }
        let mut client = connect(&address);
        client.line();
        let mut writer = client.try_clone().expect("a socket");
        let sums = thread::spawn(move || send(&mut writer, LARGE));
        assert_eq!(receive(&mut client), (LARGE, joined(sums)));
        bounded(&program);
        stalled.line();
        stalled.finish_writing();
        assert_eq!(receive(&mut stalled).0, sent, "late, but all of it");
    }
}
