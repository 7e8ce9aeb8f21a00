//! What a whole connection costs in system calls, counted by strace.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use crate::certificates::{Certificates, certificates};
use crate::ends::{End, accept, at, connect, listen, tls_client, tls_over};
use crate::running::Running;
use crate::servers::command;
use crate::support::peer;

/// How many connections are in flight: as many clients, and as many servers.
const LANES: usize = 16;

/// How many connections each client makes, one after the other.
const EACH: usize = 20;

const ALL: usize = LANES * EACH;

/// Bytes each way.
const PAYLOAD: [u8; 64] = [b'x'; 64];

const HEADER: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x04\x57\x08\xae";

/// What one connection may cost.
const RAW: f64 = 16.0;
const TLS: f64 = 22.0;

fn serve(listener: &TcpListener) {
    for _ in 0..EACH {
        let mut stream = accept(listener);
        assert_eq!(stream.exactly(PAYLOAD.len()), PAYLOAD);
        stream.say(&PAYLOAD);
        assert_eq!(stream.rest().expect("an orderly end"), b"");
    }
}

/// A client's part of a connection that is open and has sent its bytes.
fn finish(client: &mut dyn End) {
    assert_eq!(client.exactly(PAYLOAD.len()), PAYLOAD);
    client.finish_writing();
    assert_eq!(client.rest().expect("an orderly end"), b"");
}

/// The system calls of proxy per connection, by name, from the first connection to the last one's end.
fn count(words: &str, one: impl Fn(&str) + Sync) -> Option<BTreeMap<String, f64>> {
    let strace = peer("strace")?;
    let listener = listen();
    let inner = command("proxy", &format!("{words} --backend {}", at(&listener)));
    let mut traced = Command::new(strace);
    traced.args(["-D", "-f", "-qq", "-o", "/dev/stderr", "--"]);
    traced.arg(inner.get_program()).args(inner.get_args());
    let proxy = Running::spawn(&mut traced);
    let address = proxy.ready();
    thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| serve(&listener));
            scope.spawn(|| (0..EACH).for_each(|_| one(&address)));
        }
    });
    let trace = proxy.stderr.until("the last close", |text| {
        (text.matches(" close(").count() >= 2 * ALL).then(|| text.to_owned())
    });
    let mut calls = BTreeMap::new();
    // What comes before the first connection is the start of the program.
    for line in trace.lines().skip_while(|line| !line.contains(" accept4(")) {
        let call = line.split_whitespace().nth(1).unwrap_or_default();
        if let Some((name, _)) = call.split_once('(') {
            *calls.entry(name.to_owned()).or_insert(0.0) += 1.0 / ALL as f64;
        }
    }
    Some(calls)
}

fn total(name: &str, calls: &BTreeMap<String, f64>) -> f64 {
    let sum = calls.values().sum();
    println!("{name}: {sum:.2} system calls per connection");
    for (call, count) in calls {
        println!("    {call} {count:.2}");
    }
    sum
}

#[test]
fn a_raw_connection_costs_at_most_sixteen_system_calls() {
    let one = |address: &str| {
        let mut client = connect(address);
        client.say(&[HEADER, &PAYLOAD].concat());
        finish(&mut client);
    };
    for (host, most) in [("epoll", None), ("mio", None), ("epoll-et", Some(RAW))] {
        let Some(calls) = count(&format!("--accept-proxy any --host {host}"), one) else { return };
        let sum = total(&format!("raw, {host}"), &calls);
        assert!(most.is_none_or(|most| sum <= most), "{sum} calls under {host}");
    }
}

fn keys(certificates: &Certificates) -> String {
    format!("--tls {} {}", certificates.server.display(), certificates.server_key.display())
}

#[test]
fn a_tls_connection_costs_at_most_twenty_two_system_calls() {
    let Some(certificates) = certificates() else { return };
    let one = |address: &str| {
        // A new configuration has no session to resume: every handshake is a full one.
        let config = tls_client(certificates, &[&rustls::version::TLS13]);
        let mut client = tls_over(&config, connect(address));
        client.say(&PAYLOAD);
        finish(&mut client);
    };
    for (host, most) in [("epoll", None), ("mio", None), ("epoll-et", Some(TLS))] {
        let words = format!("{} --host {host}", keys(certificates));
        let Some(calls) = count(&words, one) else { return };
        let sum = total(&format!("TLS 1.3, {host}"), &calls);
        assert!(most.is_none_or(|most| sum <= most), "{sum} calls under {host}");
    }
}
