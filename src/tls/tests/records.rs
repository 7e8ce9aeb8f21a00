//! Records that no correct peer sends, at the beginning and on an established connection.

use super::rig::*;
use crate::buffer::{BUFFER_SIZE, Buffer};
use crate::tls::*;

pub(super) fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 3, 3];
    bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A session at one point of its life, on either side of either version.
fn at_every_point(mut test: impl FnMut(&str, Side)) {
    for version in VERSIONS {
        let (client, server) = configurations(version);
        test("server, at the start", Side::new(Session::server(&server)));
        let mut pair = Pair::new(&client, &server, "a.test");
        test("client, hello sent", std::mem::replace(&mut pair.client, dummy(&client)));
        let mut pair = Pair::new(&client, &server, "a.test");
        let hello = pair.client.take();
        pair.server.receive(&hello);
        test("server, flight sent", pair.server);
        let pair = established(version);
        test("server, established", pair.server);
        test("client, established", pair.client);
    }
}

fn dummy(client: &std::sync::Arc<ClientTls>) -> Side {
    Side::new(Session::client(client, "a.test").unwrap())
}

/// Whatever arrived: a session that failed stays failed, reports why, and holds nothing.
fn assert_sound(point: &str, mut side: Side) {
    if let Some(failure) = side.failure.clone() {
        assert!(!failure.text.is_empty());
        assert_eq!(side.pool.in_use(), 0, "{point}: {failure:?}");
        side.out.clear();
        let before = failure.clone();
        assert_eq!(
            side.session.handshake(&mut side.out, &mut side.pool),
            Handshake::Failed(before.clone())
        );
        assert_eq!(side.session.input(&mut side.pool).err(), Some(before.clone()));
        assert_eq!(side.session.encrypt(b"x", &mut side.out), Err(before.clone()));
        let mut plain = Buffer::with_size(BUFFER_SIZE);
        let again = side.session.decrypt(&mut plain, &mut side.out, &mut side.pool);
        assert_eq!(again, Err(before));
        side.session.close_notify(&mut side.out);
        assert!(side.out.is_empty(), "{point}: nothing leaves after a failure");
    }
    side.session.give_back(&mut side.pool);
    assert_eq!(side.pool.in_use(), 0);
}

#[test]
fn every_record_type_is_survived_at_every_point() {
    for kind in 0..=255 {
        at_every_point(|point, mut side| {
            side.receive(&record(kind, &[1; 40]));
            side.receive(&record(kind, &[1; 40]));
            assert_sound(point, side);
        });
    }
}

#[test]
fn every_alert_at_both_levels_is_survived_at_every_point() {
    for code in 0..=255 {
        for level in [1, 2] {
            at_every_point(|point, mut side| {
                for _ in 0..6 {
                    side.receive(&record(21, &[level, code]));
                }
                assert_sound(point, side);
            });
        }
    }
}

#[test]
fn a_fatal_alert_during_the_handshake_is_told_with_its_code() {
    for code in [0, 40, 42, 48, 112, 200, 255] {
        let (_, server) = configurations(TlsVersion::Tls13);
        let mut side = Side::new(Session::server(&server));
        side.receive(&record(21, &[2, code]));
        assert_eq!(side.why(), FailureKind::AlertReceived(code));
        assert_eq!(side.failure.unwrap().alert, Some(code));
        assert!(side.out.is_empty(), "an alert is not answered");
    }
}

#[test]
fn garbage_of_every_first_byte_is_refused_or_waited_for() {
    for first in 0..=255u8 {
        at_every_point(|point, mut side| {
            side.receive(&[first; 64]);
            assert_sound(point, side);
        });
    }
}

#[test]
fn plain_text_on_a_tls_port_is_refused_after_five_bytes_with_an_alert() {
    let (_, server) = configurations(TlsVersion::Tls13);
    let mut side = Side::new(Session::server(&server));
    side.receive(b"GET /");
    assert_eq!(side.why(), FailureKind::PeerMisbehaved);
    assert_eq!(side.out.bytes(), [21, 3, 3, 0, 2, 2, 50]);
    assert_eq!(side.failure.unwrap().alert, Some(50));
}

#[test]
fn what_comes_where_tls_was_due_is_named_on_both_sides() {
    let (client, server) = configurations(TlsVersion::Tls13);
    let v2 = [crate::wire::proxy::SIGNATURE, b"\x21\x11\0\x0c"].concat();
    let cases: [(&[u8], &str); 5] = [
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "a PROXY header where TLS was due"),
        (&v2, "a PROXY header where TLS was due"),
        (b"GET / HTTP/1.1\r\n", "HTTP without TLS where TLS was due"),
        (b"SSH-2.0-x\r\n", "SSH where TLS was due"),
        (b"\xff\xff\xff\xff\xff", "what the peer sent is no TLS record"),
    ];
    for (bytes, due) in cases {
        for pieces in [bytes.len(), 5] {
            let mut side = Side::new(Session::server(&server));
            bytes.chunks(pieces).for_each(|piece| side.receive(piece));
            let text = side.failure.expect("it failed").text;
            assert!(text.starts_with(due), "{text}");
        }
    }
    let mut side = Side::new(Session::client(&client, "a.test").unwrap());
    side.drive();
    side.receive(b"220 mail.test ESMTP\r\n");
    let text = side.failure.expect("it failed").text;
    assert!(text.contains("begins without TLS where TLS was due"), "{text}");
}

#[test]
fn a_changed_byte_anywhere_in_a_record_fails_with_an_alert_the_peer_understands() {
    for version in VERSIONS {
        for at in 5..30 {
            let mut pair = established(version);
            pair.client.send(b"the quick brown fox");
            let mut flight = pair.client.take();
            flight[at] ^= 0x40;
            pair.server.receive(&flight);
            assert_eq!(pair.server.why(), FailureKind::PeerMisbehaved);
            assert_eq!(pair.server.failure.as_ref().unwrap().alert, Some(20));
            let alert = pair.server.take();
            pair.client.receive(&alert);
            assert_eq!(pair.client.why(), FailureKind::AlertReceived(20));
            assert!(pair.server.got.is_empty());
        }
    }
}

#[test]
fn garbage_after_our_close_notify_fails_in_silence() {
    for version in VERSIONS {
        let mut pair = established(version);
        pair.server.session.close_notify(&mut pair.server.out);
        pair.server.take();
        pair.server.receive(&record(23, &[9; 100]));
        assert_eq!(pair.server.why(), FailureKind::PeerMisbehaved);
        assert!(pair.server.out.is_empty(), "nothing follows a close_notify");
        assert_sound("after the close", pair.server);
    }
}

#[test]
fn what_came_before_a_bad_record_is_delivered() {
    let mut pair = established(TlsVersion::Tls13);
    pair.client.send(b"genuine");
    let mut flight = pair.client.take();
    flight.extend(record(23, &[9; 40]));
    pair.server.receive(&flight);
    assert_eq!(pair.server.got, b"genuine");
    assert_eq!(pair.server.why(), FailureKind::PeerMisbehaved);
}

#[test]
fn mutated_handshakes_never_panic_and_never_leak_a_buffer() {
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    for version in VERSIONS {
        let (client, server) = configurations(version);
        for _ in 0..400 {
            let mut pair = Pair::new(&client, &server, "a.test");
            for _ in 0..6 {
                for to_server in [true, false] {
                    let (from, to) = match to_server {
                        true => (&mut pair.client, &mut pair.server),
                        false => (&mut pair.server, &mut pair.client),
                    };
                    let mut flight = from.take();
                    if !flight.is_empty() && random() % 3 == 0 {
                        let at = random() % flight.len();
                        match random() % 3 {
                            0 => flight[at] = random() as u8,
                            1 => flight.truncate(at),
                            _ => flight.insert(at, random() as u8),
                        }
                    }
                    for piece in flight.chunks(1 + random() % 300) {
                        to.receive(piece);
                    }
                }
            }
            assert_sound("client", pair.client);
            assert_sound("server", pair.server);
        }
    }
}
