//! TLS handshakes on both sides of the engine: cut, paused, ended and reset at every byte.

use std::sync::Arc;

use super::header::proxied;
use super::host::{Program, silent};
use super::rig::{Carrier, Rig, Setup, both, closed, everywhere, here, refusal, yonder};
use super::tls_peer::{Shared, Then, TlsPeer, pair, play, serve};
use crate::config::{AcceptConfig, CloseOptions, ConnectConfig, ConnectTls, Tls12HalfClose};
use crate::conn::{Direction, Op, Why};
use crate::engine::{ConnectOptions, Received, Record, Sent};
use crate::time::{FOREVER, SECOND};
use crate::tls::TlsVersion;

const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];
const HEADER: &[u8] = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\n";
/// No server's handshake is shorter, in bytes: a certificate alone is longer.
const SHORTEST_FLIGHT: usize = 400;
const WORDS: &[u8] = b"a few words that are protected";

pub(super) fn accepting(version: TlsVersion) -> AcceptConfig {
    AcceptConfig { tls: Some(pair(version).1), ..AcceptConfig::default() }
}

pub(super) fn connecting(version: TlsVersion) -> ConnectConfig {
    let tls = ConnectTls { tls: pair(version).0, server_name: "a.test".to_owned() };
    ConnectConfig { tls: Some(tls), ..ConnectConfig::default() }
}

pub(super) fn client(rig: &mut Rig, version: TlsVersion, prefix: &[u8]) -> Shared {
    let peer = rig.peer();
    let shared = TlsPeer::client(peer, &pair(version).0, prefix);
    rig.actors.push(play(&shared));
    shared
}

/// An echo over TLS that pauses after `cut` bytes of the client's wire. Returns how many there were.
fn accepts(setup: Setup, version: TlsVersion, proxy: bool, cut: Option<usize>) -> usize {
    let mut rig = Rig::new(setup, Program::Echo);
    let config = if proxy { proxied() } else { AcceptConfig::default() };
    rig.listen(AcceptConfig { tls: Some(pair(version).1), ..config });
    let peer = client(&mut rig, version, if proxy { HEADER } else { &[] });
    peer.borrow_mut().say(WORDS);
    peer.borrow_mut().end();
    if let Some(cut) = cut {
        peer.borrow_mut().pause_at(cut);
        rig.settle();
        peer.borrow_mut().go_on();
    }
    rig.settle();
    let events = rig.finish();
    let peer = peer.borrow();
    assert_eq!(peer.got, WORDS, "{setup:?} {version:?} {cut:?} {:?}", peer.failure);
    assert!(peer.closed && peer.peer.saw_fin() && !peer.peer.saw_reset());
    let record = closed(&events);
    assert_eq!(record.cause, None);
    assert_eq!(record.announced.each_ref().map(Option::is_some), [proxy; 2]);
    peer.sent
}

#[test]
fn a_client_that_pauses_at_any_byte_gets_its_session() {
    for version in VERSIONS {
        for proxy in [false, true] {
            both(|setup| {
                let whole = accepts(setup, version, proxy, None);
                for cut in 0..whole {
                    accepts(setup, version, proxy, Some(cut));
                }
            });
            everywhere(|setup| {
                accepts(setup, version, proxy, None);
            });
        }
    }
}

/// A client whose wire ends after `cut` bytes.
fn refused(setup: Setup, version: TlsVersion, cut: usize, then: Then) -> Record {
    let mut rig = Rig::new(setup, Program::Idle);
    rig.listen(accepting(version));
    let peer = client(&mut rig, version, &[]);
    peer.borrow_mut().limit = Some((cut, then));
    rig.run();
    refusal(&rig.finish()).clone()
}

#[test]
fn a_client_that_stops_ends_or_resets_at_any_byte_of_a_handshake_is_refused() {
    for version in VERSIONS {
        both(|setup| {
            let flights = handshake_of_a_client(setup, version);
            for cut in 0..flights {
                for (then, expected) in [
                    (Then::Stop, Why::TimedOut),
                    (Then::End, if cut == 0 { Why::Empty } else { Why::Truncated }),
                    (Then::Reset, Why::Reset),
                ] {
                    let record = refused(setup, version, cut, then);
                    let cause = record.cause.expect("a cause");
                    assert_eq!((cause.at, cause.why), (Some(Op::TlsAccept), expected), "{cut}");
                    // A reset destroys what is still in flight.
                    assert!(record.bytes_in <= cut as u64);
                    assert!(then == Then::Reset || record.bytes_in == cut as u64);
                    if then == Then::Stop {
                        let tls = AcceptConfig::default().timeouts.tls;
                        assert!((tls..tls + SECOND).contains(&record.in_op), "{}", record.in_op);
                    }
                }
            }
        });
    }
}

/// How many bytes a client sends until it is done.
fn handshake_of_a_client(setup: Setup, version: TlsVersion) -> usize {
    let mut rig = Rig::new(setup, Program::Echo);
    rig.listen(accepting(version));
    let peer = client(&mut rig, version, &[]);
    rig.settle();
    assert!(peer.borrow().is_established());
    let sent = peer.borrow().sent;
    peer.borrow_mut().end();
    rig.settle();
    rig.finish();
    sent
}

#[test]
fn what_is_no_client_hello_is_answered_with_an_alert_and_refused() {
    everywhere(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(accepting(TlsVersion::Tls13));
        let peer = rig.peer();
        peer.send(b"GET / HTTP/1.0\r\n\r\n");
        rig.run();
        let alert = peer.received();
        assert_eq!(alert.first(), Some(&21), "an alert record (RFC 8446 section 5.1): {alert:?}");
        let record = refusal(&rig.finish()).clone();
        assert_eq!(record.cause.map(|cause| cause.at), Some(Some(Op::TlsAccept)));
        assert_eq!(record.bytes_out, alert.len() as u64);
    });
}

/// A connection to a server that pauses after `cut` bytes of its wire.
fn connects(setup: Setup, version: TlsVersion, cut: Option<usize>) -> usize {
    let mut rig = Rig::new(setup, Program::Echo);
    let server = rig.world.serve(yonder());
    let (peers, actor) = serve(server, pair(version).1, move |peer| {
        peer.say(WORDS);
        peer.end();
        if let Some(cut) = cut {
            peer.pause_at(cut);
        }
    });
    rig.actors.push(actor);
    connect(&mut rig, version);
    rig.settle();
    for peer in peers.borrow().iter() {
        peer.borrow_mut().go_on();
    }
    rig.settle();
    let events = rig.finish();
    let peer = peers.borrow()[0].clone();
    let peer = peer.borrow();
    assert_eq!(peer.got, WORDS, "{setup:?} {version:?} {cut:?} {:?}", peer.failure);
    assert!(peer.closed && !peer.peer.saw_reset());
    assert_eq!(closed(&events).cause, None);
    peer.sent
}

fn connect(rig: &mut Rig, version: TlsVersion) {
    let config = Arc::new(connecting(version));
    rig.call(|engine| engine.connect(yonder(), config, &ConnectOptions::default()))
        .expect("asked for");
}

#[test]
fn a_server_that_pauses_at_any_byte_is_reached() {
    for version in VERSIONS {
        both(|setup| {
            let whole = connects(setup, version, None);
            for cut in 0..whole {
                connects(setup, version, Some(cut));
            }
        });
        everywhere(|setup| {
            connects(setup, version, None);
        });
    }
}

#[test]
fn a_server_that_stops_ends_or_resets_inside_the_handshake_is_told_with_its_reason() {
    for version in VERSIONS {
        both(|setup| {
            for cut in 0.. {
                for (then, expected) in [
                    (Then::Stop, Why::TimedOut),
                    (Then::End, if cut == 0 { Why::Empty } else { Why::Truncated }),
                    (Then::Reset, Why::Reset),
                ] {
                    let mut rig = Rig::new(setup, Program::Idle);
                    let server = rig.world.serve(yonder());
                    let begin = move |peer: &mut TlsPeer| peer.limit = Some((cut, then));
                    rig.actors.push(serve(server, pair(version).1, begin).1);
                    connect(&mut rig, version);
                    rig.run();
                    if rig.engine.counters().connect_failures == 0 {
                        assert!(cut > SHORTEST_FLIGHT, "{cut} bytes are no handshake");
                        return;
                    }
                    let events = rig.finish();
                    let cause = closed(&events).cause.clone().expect("a cause");
                    assert_eq!((cause.at, cause.why), (Some(Op::TlsConnect), expected), "{cut}");
                }
            }
        });
    }
}

#[test]
fn an_end_without_close_notify_is_told_as_truncated() {
    everywhere(|setup| {
        for version in VERSIONS {
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(accepting(version));
            let peer = client(&mut rig, version, &[]);
            peer.borrow_mut().say(WORDS);
            rig.settle();
            peer.borrow().peer.shutdown_write();
            rig.run();
            assert_eq!(peer.borrow().got, WORDS);
            let events = rig.finish();
            let cause = closed(&events).cause.clone().expect("a cause");
            assert_eq!((cause.at, cause.why), (None, Why::Truncated));
        }
    });
    assert!(here().as_ip().is_some());
}

#[test]
fn a_record_that_breaks_in_a_session_is_answered_with_an_alert() {
    for version in VERSIONS {
        both(|setup| {
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(accepting(version));
            let peer = client(&mut rig, version, &[]);
            peer.borrow_mut().say(WORDS);
            rig.settle();
            // A record of application data that was not encrypted with any key.
            let forged = [&[23, 3, 3, 0, 40][..], &[0; 40]].concat();
            peer.borrow().peer.send(&forged);
            rig.run();
            let failure = peer.borrow().failure.clone().expect("an alert came");
            assert!(
                matches!(failure.why, crate::tls::FailureKind::AlertReceived(_)),
                "{failure:?}"
            );
            let events = rig.finish();
            let cause = closed(&events).cause.clone().expect("a cause");
            assert_eq!((cause.at, cause.why), (None, Why::Malformed));
        });
    }
}

/// All that the host reads of its only session, and why no more came.
fn read_to_failure(rig: &mut Rig) -> (Vec<u8>, Why) {
    let id = rig.host.sessions()[0];
    let mut got = Vec::new();
    loop {
        let mut space = [0; 100];
        match rig.call(|engine| engine.recv(id, &mut space)).expect("a session") {
            Received::Bytes(n) => got.extend(&space[..n]),
            Received::Wait => rig.settle(),
            Received::Failed(why) => return (got, why),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_genuine_is_read_before_the_failure_that_came_with_it() {
    const ALERT: u8 = 21;
    const ACCESS_DENIED: [u8; 2] = [2, 49];
    for version in VERSIONS {
        for (is_alert, expected) in [(false, Why::Malformed), (true, Why::Refused)] {
            everywhere(|setup| {
                for dribbles in [false, true] {
                    let mut rig = Rig::new(setup, Program::Idle);
                    rig.listen(accepting(version));
                    let peer = client(&mut rig, version, &[]);
                    rig.settle();
                    peer.borrow_mut().say(WORDS);
                    if dribbles {
                        rig.settle();
                    } else {
                        peer.borrow_mut().encrypt();
                    }
                    peer.borrow_mut().utter(|session, out| match is_alert {
                        true => session.forge(ALERT, &ACCESS_DENIED, out),
                        false => out.extend(&[&[23, 3, 3, 0, 40][..], &[0; 40]].concat()),
                    });
                    rig.settle();
                    assert_eq!(read_to_failure(&mut rig), (WORDS.to_vec(), expected));
                    peer.borrow().peer.close();
                    rig.finish();
                }
            });
        }
    }
}

#[test]
fn last_bytes_that_nobody_takes_are_given_up_after_the_linger_time() {
    for version in VERSIONS {
        both(|setup| {
            for half_closed_first in [false, true] {
                let mut rig = Rig::new(setup, Program::Idle);
                rig.listen(accepting(version));
                let peer = client(&mut rig, version, &[]);
                rig.settle();
                let id = rig.host.sessions()[0];
                peer.borrow().peer.stall(true);
                while let Ok(Sent::Bytes(_)) = rig.call(|engine| engine.send(id, &[7; 20_000])) {
                    rig.settle();
                }
                if half_closed_first {
                    rig.call(|engine| engine.shutdown(id, Direction::Write)).expect("a session");
                    rig.run_for(SECOND);
                }
                rig.call(|engine| engine.close(id)).expect("it is open");
                let start = rig.world.now();
                rig.run();
                let span = rig.world.now().since(start);
                let linger = AcceptConfig::default().close_options.linger;
                assert!((linger - 2 * SECOND..linger + SECOND).contains(&span), "{span}");
                let events = rig.finish();
                let cause = closed(&events).cause.clone().expect("a cause");
                assert_eq!((cause.at, cause.why), (Some(Op::Dshw), Why::TimedOut));
                let lost = closed(&events).lost;
                // What the system below a fed connection has taken is not known to be lost.
                let least = if setup.transport != Carrier::Socket { 1 } else { 60_000 };
                assert!(lost >= least, "what the peer never took is told: {lost}");
            }
        });
    }
}

/// Lets the keys of the only TLS connection, which is with `peer`, protect one record more.
fn wear(rig: &mut Rig, peer: &Shared) {
    let sessions = rig.engine.conns.iter_mut().filter_map(|(_, conn)| conn.data.tls_mut());
    sessions.for_each(|session| session.wear(1));
    peer.borrow_mut().utter(|session, _| session.wear_received(1));
}

/// What a peer sees of an end with worn keys, and what is recorded of it.
fn assert_worn(peer: &Shared, got: &[u8], cause: Option<&crate::cause::Cause>) {
    let peer = peer.borrow();
    assert_eq!((&peer.got[..], &peer.failure), (got, &None));
    assert!(peer.closed && peer.peer.saw_fin() && !peer.peer.saw_reset());
    let cause = cause.expect("a cause");
    assert_eq!((cause.at, cause.why), (None, Why::KeyLimit));
    assert!(cause.text.contains("TLS 1.2"), "{cause}");
}

#[test]
fn a_session_whose_keys_are_worn_ends_with_close_notify_and_says_why() {
    everywhere(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(accepting(TlsVersion::Tls12));
        let peer = client(&mut rig, TlsVersion::Tls12, &[]);
        rig.settle();
        wear(&mut rig, &peer);
        let id = rig.host.sessions()[0];
        let mut send = || rig.call(|engine| engine.send(id, WORDS)).expect("a session");
        assert_eq!(send(), Sent::Bytes(WORDS.len()));
        assert_eq!(send(), Sent::Failed(Why::KeyLimit));
        rig.settle();
        peer.borrow_mut().end();
        rig.run();
        let events = rig.finish();
        assert_worn(&peer, WORDS, closed(&events).cause.as_ref());
    });
}

#[test]
fn a_stream_whose_keys_are_worn_ends_with_close_notify_and_says_why() {
    everywhere(|setup| {
        let config = Arc::new(ConnectConfig::default());
        let program = Program::Forward { to: yonder(), config, stream: silent(FOREVER) };
        let mut rig = Rig::new(setup, program);
        let site = rig.world.serve(yonder());
        rig.listen(accepting(TlsVersion::Tls12));
        let peer = client(&mut rig, TlsVersion::Tls12, &[]);
        peer.borrow_mut().say(b"?");
        rig.settle();
        let server = site.accept().expect("it came");
        wear(&mut rig, &peer);
        server.send(b"!");
        rig.settle();
        server.send(WORDS);
        rig.settle();
        peer.borrow_mut().end();
        server.close();
        rig.run();
        let events = rig.finish();
        let report = super::stream::report(&events);
        assert_eq!(report.termination.letters(), *b"RD");
        assert_worn(&peer, b"!", report.sides[0].as_ref().expect("a record").cause.as_ref());
    });
}

#[test]
fn a_half_close_of_a_session_that_is_held_back_is_sent_once_its_peer_is_silent() {
    both(|setup| {
        for reads in [false, true] {
            let mut rig = Rig::new(setup, Program::Idle);
            let config = accepting(TlsVersion::Tls12);
            let close_options =
                CloseOptions { tls12_half_close: Tls12HalfClose::Hold, ..config.close_options };
            rig.listen(AcceptConfig { close_options, ..config });
            let peer = client(&mut rig, TlsVersion::Tls12, &[]);
            rig.settle();
            let id = rig.host.sessions()[0];
            peer.borrow_mut().say(WORDS);
            rig.settle();
            rig.call(|engine| engine.shutdown(id, Direction::Write)).expect("a session");
            rig.run_for(3 * SECOND);
            assert!(!peer.borrow().closed, "nobody reads what the peer has said");
            let recv = |rig: &mut Rig| {
                let mut space = [0; 100];
                rig.call(|engine| engine.recv(id, &mut space)).expect("a session")
            };
            if reads {
                assert_eq!(recv(&mut rig), Received::Bytes(WORDS.len()));
                assert_eq!(recv(&mut rig), Received::Wait);
                rig.run_for(SECOND / 2);
                peer.borrow_mut().say(WORDS);
                rig.settle();
                assert_eq!(recv(&mut rig), Received::Bytes(WORDS.len()));
                assert_eq!(recv(&mut rig), Received::Wait);
                rig.run_for(3 * SECOND / 4);
                assert!(!peer.borrow().closed, "the peer has said something");
                rig.run_for(SECOND / 2);
                assert!(peer.borrow().closed);
            } else {
                rig.call(|engine| engine.close(id)).expect("a session");
                rig.settle();
                assert!(peer.borrow().closed, "now it is the end of both sides");
            }
            peer.borrow_mut().end();
            rig.run();
            if reads {
                assert_eq!(recv(&mut rig), Received::End);
            }
            rig.finish();
        }
    });
}

#[test]
fn an_end_in_the_middle_of_a_record_fails_a_session_and_is_told_as_truncated() {
    everywhere(|setup| {
        for version in VERSIONS {
            let mut rig = Rig::new(setup, Program::Idle);
            rig.listen(accepting(version));
            let peer = client(&mut rig, version, &[]);
            peer.borrow_mut().say(WORDS);
            rig.settle();
            peer.borrow().peer.send(&[23, 3, 3, 0, 40, 0]);
            peer.borrow().peer.shutdown_write();
            rig.settle();
            assert_eq!(read_to_failure(&mut rig), (WORDS.to_vec(), Why::Truncated));
            rig.settle();
            assert!(!peer.borrow().closed, "no goodbye behind that");
            peer.borrow().peer.close();
            let events = rig.finish();
            let cause = closed(&events).cause.clone().expect("a cause");
            assert_eq!((cause.at, cause.why), (None, Why::Truncated));
            assert!(cause.text.contains("in the middle of a TLS record"), "{}", cause.text);
        }
    });
}
