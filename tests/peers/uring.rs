//! A host whose poller is an io_uring, and that moves the bytes of half of its connections itself.

use std::io::Write;
use std::process::Command;
use std::thread;

use crate::bulk::{bounded, receive, send};
use crate::certificates::certificates;
use crate::deadlines::until;
use crate::ends::{End, STOPPED, connect, connect_narrow, reset, tls_client, tls_over};
use crate::examples::{built, example};
use crate::running::Running;
use crate::servers::{command, joined};
use crate::support::missing;

/// The exit code by which the program says that the kernel refuses.
const NO_RING: i32 = 77;

/// More than any buffer between the ends holds.
const LARGE: usize = 64 << 20;

/// How many connections are open at once.
const CROWD: usize = 500;

/// The program, and the addresses at which its connections are polled and fed.
struct Uring {
    program: Running,
    addresses: [String; 2],
}

/// `None` where the program cannot be built, or the kernel has no io_uring for it.
fn uring(words: &str) -> Option<Uring> {
    if !built().join("uring").is_file() {
        return missing("liburing-dev");
    }
    // Without its words it does nothing but make a ring.
    let tried = Command::new(example("uring")).output().expect("it runs");
    if tried.status.code() == Some(NO_RING) {
        eprintln!("cannot be tried here: {}", String::from_utf8_lossy(&tried.stderr));
        return None;
    }
    let program = Running::spawn(&mut command("uring", words));
    let polled = program.ready();
    let printed = program.stdout.so_far();
    let fed = printed.lines().find_map(|line| line.strip_prefix("fed ")).expect("a line before");
    Some(Uring { addresses: [polled, fed.to_owned()], program })
}

#[test]
fn both_kinds_of_connections_tell_who_they_are_and_echo_until_the_client_ends() {
    let Some(certificates) = certificates() else { return };
    let (chain, key) = (certificates.server.display(), certificates.server_key.display());
    for tls in [false, true] {
        let words = if tls { format!("--tls {chain} {key}") } else { String::new() };
        let Some(uring) = uring(&words) else { return };
        for address in &uring.addresses {
            let stream = connect(address);
            let own = stream.local_addr().expect("a socket");
            let mut client: Box<dyn End> = if tls {
                Box::new(tls_over(&tls_client(certificates, rustls::ALL_VERSIONS), stream))
            } else {
                Box::new(stream)
            };
            client.say(b"an echo");
            assert_eq!(client.line(), format!("{own} {address}\n"));
            assert_eq!(client.exactly(7), b"an echo");
            client.say(b" and one behind it");
            client.finish_writing();
            assert_eq!(client.rest().expect("an orderly end"), b" and one behind it");
        }
    }
}

#[test]
fn many_connections_at_once_are_served_and_leave_nothing_however_they_end() {
    let Some(uring) = uring("") else { return };
    let before = uring.program.descriptors();
    for address in &uring.addresses {
        let mut clients: Vec<_> = (0..CROWD).map(|_| connect(address)).collect();
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
        until("every descriptor is closed", || uring.program.descriptors() <= before);
    }
}

#[test]
fn bulk_comes_back_as_it_was_while_others_stall() {
    let Some(uring) = uring("") else { return };
    for address in &uring.addresses {
        let mut stalled = connect_narrow(address);
        stalled.set_write_timeout(Some(STOPPED)).expect("a socket");
        let flood = vec![b'x'; 1 << 20];
        let mut sent = 0;
        while let Ok(count) = stalled.write(&flood) {
            sent += count;
            assert!(sent < 1 << 30, "nobody says stop");
        }
        let mut client = connect(address);
        client.line();
        let mut writer = client.try_clone().expect("a socket");
        let sums = thread::spawn(move || send(&mut writer, LARGE));
        assert_eq!(receive(&mut client), (LARGE, joined(sums)));
        bounded(&uring.program);
        stalled.line();
        stalled.finish_writing();
        assert_eq!(receive(&mut stalled).0, sent, "late, but all of it");
    }
}
