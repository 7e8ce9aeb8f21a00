//! What no peer may do during the handshake or directly after it, and which alert it then gets: the
//! cases of tlsfuzzer, in memory.

use super::records::record;
use super::rig::*;
use crate::buffer::Buffer;
use crate::tls::record::{ALERT, APPLICATION_DATA, HANDSHAKE, PLAINTEXT_MAX};
use crate::tls::*;

const CHANGE_CIPHER_SPEC: u8 = 20;
/// Handshake messages (RFC 8446 section 4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE_REQUEST: u8 = 13;
/// Alerts (RFC 8446 section 6).
const UNEXPECTED_MESSAGE: u8 = 10;
const BAD_RECORD_MAC: u8 = 20;
const DECODE_ERROR: u8 = 50;

fn fresh_server() -> Side {
    Side::new(Session::server(&configurations(TlsVersion::Tls13).1))
}

/// A client that has sent its ClientHello, and that ClientHello.
fn greeted(version: TlsVersion) -> (Pair, Vec<u8>) {
    let (client, server) = configurations(version);
    let mut pair = Pair::new(&client, &server, "a.test");
    let hello = pair.client.take();
    (pair, hello)
}

/// It failed because of the peer, and an alert in the clear reports it.
fn assert_alerted(side: &Side, alert: u8, what: &str) {
    let failure = side.failure.as_ref().unwrap_or_else(|| panic!("{what}: taken"));
    assert_eq!((failure.why, failure.alert), (FailureKind::PeerMisbehaved, Some(alert)), "{what}");
    assert_eq!(side.out.bytes(), [ALERT, 3, 3, 0, 2, 2, alert], "{what}");
}

#[test]
fn handshake_records_without_a_byte_are_refused_wherever_they_come() {
    let empty = record(HANDSHAKE, &[]);
    let mut first = fresh_server();
    first.receive(&empty);
    assert_alerted(&first, DECODE_ERROR, "first");

    let (mut pair, hello) = greeted(TlsVersion::Tls13);
    let (half, _) = hello.split_at(hello.len() / 2);
    pair.server.receive(&record(HANDSHAKE, &half[5..]));
    pair.server.receive(&empty);
    assert_alerted(&pair.server, DECODE_ERROR, "in a message");
}

#[test]
fn messages_out_of_order_are_refused_on_either_side() {
    for kind in 0..=24 {
        let message = record(HANDSHAKE, &[kind, 0, 0, 0]);
        for version in VERSIONS {
            let (mut pair, _) = greeted(version);
            pair.client.receive(&message);
            pair.server.receive(&message);
            assert!(pair.client.failure.is_some(), "{version:?} {kind}");
            if kind != SERVER_HELLO {
                assert_eq!(pair.client.why(), FailureKind::PeerMisbehaved, "{version:?} {kind}");
            }
            let due = if kind == CLIENT_HELLO { DECODE_ERROR } else { UNEXPECTED_MESSAGE };
            let given = pair.server.failure.as_ref().and_then(|failure| failure.alert);
            assert!(
                given == Some(due) || given == Some(DECODE_ERROR),
                "{version:?} {kind} {given:?}"
            );
        }
    }
}

#[test]
fn data_before_the_handshake_is_over_is_refused() {
    let data = record(APPLICATION_DATA, b"too early");
    let mut first = fresh_server();
    first.receive(&data);
    assert_alerted(&first, UNEXPECTED_MESSAGE, "before the hello");
    for version in VERSIONS {
        let (mut pair, hello) = greeted(version);
        pair.client.receive(&data);
        assert_alerted(&pair.client, UNEXPECTED_MESSAGE, "instead of a server's hello");
        pair.server.receive(&record(HANDSHAKE, &hello[5..40]));
        pair.server.receive(&data);
        assert_eq!(pair.server.why(), FailureKind::PeerMisbehaved, "in the middle of a hello");
    }
}

#[test]
fn an_alert_that_is_none_is_refused_during_the_handshake() {
    for payload in [&[][..], &[2], &[2, 40, 0], &[2, 40, 2, 40]] {
        let mut side = fresh_server();
        side.receive(&record(ALERT, payload));
        assert_alerted(&side, DECODE_ERROR, &format!("{payload:?}"));
    }
}

#[test]
fn a_change_of_ciphers_has_one_byte_and_its_place() {
    for payload in [&[][..], &[0], &[1, 1]] {
        let (mut pair, _) = greeted(TlsVersion::Tls13);
        pair.client.receive(&record(CHANGE_CIPHER_SPEC, payload));
        assert!(pair.client.failure.is_some(), "{payload:?}");
    }
    let mut side = fresh_server();
    side.receive(&record(CHANGE_CIPHER_SPEC, &[1]));
    assert_alerted(&side, UNEXPECTED_MESSAGE, "before the hello");
}

#[test]
fn what_comes_with_a_hello_in_its_record_is_refused() {
    let (mut pair, hello) = greeted(TlsVersion::Tls13);
    let mut both = hello[5..].to_vec();
    both.extend([CLIENT_HELLO, 0, 0, 1]);
    pair.server.receive(&record(HANDSHAKE, &both));
    assert_eq!(pair.server.why(), FailureKind::PeerMisbehaved);
}

#[test]
fn a_record_longer_than_any_is_refused_at_its_header_during_the_handshake() {
    let longest = u16::try_from(PLAINTEXT_MAX).unwrap() + 2048;
    let [high, low] = (longest + 1).to_be_bytes();
    for version in VERSIONS {
        let (mut pair, _) = greeted(version);
        for side in [&mut pair.client, &mut pair.server] {
            side.receive(&[HANDSHAKE, 3, 3, high, low]);
            assert_eq!(side.why(), FailureKind::PeerMisbehaved, "{version:?}");
        }
    }
}

/// A ClientHello that also requests early data (RFC 8446 section 4.2.10).
fn asking_for_early_data(hello: &[u8]) -> Vec<u8> {
    const EARLY_DATA: [u8; 4] = [0, 42, 0, 0];
    let mut message = hello[5..].to_vec();
    // Behind type, length, version and random: the session id, the suites, the compression.
    let mut at = 4 + 2 + 32;
    at += 1 + usize::from(message[at]);
    at += 2 + usize::from(u16::from_be_bytes([message[at], message[at + 1]]));
    at += 1 + usize::from(message[at]);
    let extensions = u16::from_be_bytes([message[at], message[at + 1]]) + 4;
    message[at..at + 2].copy_from_slice(&extensions.to_be_bytes());
    message.splice(at + 2..at + 2, EARLY_DATA);
    let len = u32::try_from(message.len() - 4).unwrap().to_be_bytes();
    message[1..4].copy_from_slice(&len[1..]);
    record(HANDSHAKE, &message)
}

#[test]
fn early_data_is_not_taken_and_what_comes_of_it_is_bounded() {
    let (mut pair, hello) = greeted(TlsVersion::Tls13);
    pair.server.receive(&asking_for_early_data(&hello));
    assert_eq!(pair.server.failure, None, "who asks for it is not refused");
    assert!(!pair.server.take().is_empty(), "the handshake goes on");
    let early = record(APPLICATION_DATA, &[7; 1000]);
    for _ in 0..100 {
        pair.server.receive(&early);
    }
    assert_eq!(pair.server.why(), FailureKind::PeerMisbehaved);
    assert!(pair.server.got.is_empty());
}

#[test]
fn a_client_is_never_asked_for_its_certificate_behind_the_handshake() {
    // A context of one byte, and extensions with one scheme of signatures, ed25519.
    let body = [1, 9, 0, 8, 0, 13, 0, 4, 0, 2, 8, 7];
    let request = [&[CERTIFICATE_REQUEST, 0, 0, body.len() as u8][..], &body].concat();
    let mut pair = established(TlsVersion::Tls13);
    let mut bytes = Buffer::default();
    pair.server.session.forge(HANDSHAKE, &request, &mut bytes);
    pair.client.receive(bytes.bytes());
    let failure = pair.client.failure.as_ref().expect("it is refused");
    assert_eq!(
        (failure.why, failure.alert),
        (FailureKind::PeerMisbehaved, Some(UNEXPECTED_MESSAGE))
    );
}

#[test]
fn records_under_keys_that_were_given_up_do_not_decrypt() {
    let mut pair = established(TlsVersion::Tls13);
    let mut bytes = Buffer::default();
    pair.client.session.forge(HANDSHAKE, &[24, 0, 0, 1, 0], &mut bytes);
    pair.client.session.forge(APPLICATION_DATA, b"old keys", &mut bytes);
    pair.server.receive(bytes.bytes());
    let failure = pair.server.failure.as_ref().expect("it is refused");
    assert_eq!((failure.why, failure.alert), (FailureKind::PeerMisbehaved, Some(BAD_RECORD_MAC)));
    assert!(pair.server.got.is_empty());
}
