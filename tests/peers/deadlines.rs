//! Peers that send nothing, on either side, and the deadlines that end them.

use std::thread;
use std::time::{Duration, Instant};

use crate::certificates::certificates;
use crate::ends::{End, connect, listen, tls_client, tls_over};
use crate::running::PATIENCE;
use crate::servers::{HOSTS, echo_server, proxy};

/// For what no event reports: checks again and again until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::park_timeout(Duration::from_millis(1));
    }
}

/// The time that the programs under test allow for a handshake.
const HANDSHAKE: Duration = Duration::from_millis(300);

/// Clients that never send what they should send first.
const SILENT: usize = 100;

#[test]
fn silent_peers_are_cut_at_the_deadline_while_a_good_one_is_served() {
    let backend = echo_server();
    let made = certificates();
    for host in HOSTS {
        for with_tls in [false, true] {
            let mut words = "--accept-proxy any".to_owned();
            if with_tls {
                let Some(made) = made else { continue };
                let (chain, key) = (made.server.display(), made.server_key.display());
                words = format!("--tls {chain} {key}");
            }
            let proxy = proxy(&format!(
                "{words} --timeout-handshake {} --backend {backend} --host {host}",
                HANDSHAKE.as_millis(),
            ));
            let address = proxy.ready();
            let start = Instant::now();
            let silent: Vec<_> = (0..SILENT)
                .map(|number| {
                    let mut silent = connect(&address);
                    // Bytes that go on arriving and never complete the header do not move the deadline.
                    if number % 2 == 1 && !with_tls {
                        silent.say(b"PROXY TCP4 ");
                    }
                    silent
                })
                .collect();
            let stream = connect(&address);
            match made.filter(|_| with_tls) {
                Some(made) => {
                    let config = tls_client(made, rustls::ALL_VERSIONS);
                    let mut good = tls_over(&config, stream);
                    good.say(b"abc");
                    assert_eq!(good.exactly(3), b"abc");
                }
                None => {
                    let mut good = stream;
                    good.say(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nabc");
                    assert_eq!(good.exactly(3), b"abc");
                }
            }
            for mut silent in silent {
                // TLS may send the reason as an alert; nothing else is ever sent.
                let got = silent.last_words();
                assert!(got.is_empty() || (with_tls && got[0] == 0x15), "{got:?}");
            }
            assert!(start.elapsed() >= HANDSHAKE, "none is cut before its deadline");
        }
    }
}

#[test]
fn a_server_silent_in_its_handshake_ends_the_client_at_the_deadline() {
    let Some(certificates) = certificates() else { return };
    for host in HOSTS {
        let silent = listen();
        let proxy = proxy(&format!(
            "--backend {} --backend-tls {} --sni localhost --timeout-handshake {} --log \
             --host {host}",
            crate::ends::at(&silent),
            certificates.ca.display(),
            HANDSHAKE.as_millis(),
        ));
        let mut client = connect(&proxy.ready());
        client.say(b"abc");
        let start = Instant::now();
        assert_eq!(client.last_words(), b"");
        assert!(start.elapsed() < PATIENCE);
        proxy.stderr.until_said("TLS_CONNECT");
    }
}

#[test]
fn an_idle_stream_ends_at_its_deadline_on_both_sides() {
    for host in HOSTS {
        let (address, server) = crate::servers::backend(|mut stream| {
            let got = stream.exactly(3);
            stream.say(&got);
            stream.last_words()
        });
        let proxy = proxy(&format!("--backend {address} --timeout-idle 300 --host {host}"));
        let mut client = connect(&proxy.ready());
        client.say(b"abc");
        assert_eq!(client.exactly(3), b"abc");
        assert_eq!(client.last_words(), b"");
        assert_eq!(crate::servers::joined(server), b"");
    }
}
