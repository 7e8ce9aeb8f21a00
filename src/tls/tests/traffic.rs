//! Messages and records on an open connection that rustls does not send: what a peer may do, and
//! what it may not.

use super::rig::*;
use crate::tls::record::{ALERT, APPLICATION_DATA, HANDSHAKE, PLAINTEXT_MAX};
use crate::tls::*;

/// Messages (RFC 8446 section 4).
const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 0];
const KEY_UPDATE_REQUESTED: [u8; 5] = [24, 0, 0, 1, 1];

impl Side {
    /// A record of any kind, protected as it should be.
    fn forge(&mut self, kind: u8, plain: &[u8]) -> Vec<u8> {
        let mut out = crate::buffer::Buffer::default();
        self.session.traffic().forge(kind, plain, &mut out);
        out.bytes().to_vec()
    }
}

fn assert_refused(side: &Side, alert: u8, what: &str) {
    let failure = side.failure.as_ref().unwrap_or_else(|| panic!("{what}: taken"));
    assert_eq!((failure.why, failure.alert), (FailureKind::PeerMisbehaved, Some(alert)), "{what}");
    assert!(!side.out.is_empty(), "{what}: an alert leaves");
}

#[test]
fn padding_is_taken_off() {
    let mut pair = established(TlsVersion::Tls13);
    for padding in [0, 1, 300] {
        let mut inner = b"text".to_vec();
        inner.push(APPLICATION_DATA);
        inner.extend(vec![0; padding]);
        let last = inner.pop().unwrap();
        let record = pair.client.forge(last, &inner);
        pair.server.receive(&record);
    }
    assert_eq!(pair.server.failure, None);
    assert_eq!(pair.server.got, b"texttexttext");
}

#[test]
fn a_record_of_padding_only_is_refused() {
    let mut pair = established(TlsVersion::Tls13);
    let record = pair.client.forge(0, &[0; 40]);
    pair.server.receive(&record);
    assert_refused(&pair.server, 10, "padding");
}

#[test]
fn what_never_becomes_a_record_is_refused_at_its_header() {
    for (version, header, alert) in [
        (TlsVersion::Tls13, [23, 3, 3, 0x41, 1], 22),
        (TlsVersion::Tls12, [23, 3, 3, 0x41, 1], 22),
        (TlsVersion::Tls13, [23, 2, 3, 0, 40], 50),
        (TlsVersion::Tls12, [23, 2, 3, 0, 40], 50),
        (TlsVersion::Tls13, [22, 3, 3, 0, 40], 10),
        (TlsVersion::Tls13, [20, 3, 3, 0, 1], 10),
        (TlsVersion::Tls12, [20, 3, 3, 0, 1], 10),
        (TlsVersion::Tls12, [24, 3, 3, 0, 40], 10),
    ] {
        let mut pair = established(version);
        pair.server.receive(&header);
        assert_refused(&pair.server, alert, &format!("{version:?} {header:?}"));
        let alert_record = pair.server.take();
        pair.client.receive(&alert_record);
        assert_eq!(pair.client.why(), FailureKind::AlertReceived(alert));
    }
}

#[test]
fn plaintext_longer_than_a_record_may_hold_is_refused() {
    for version in VERSIONS {
        let mut pair = established(version);
        let record = pair.client.forge(APPLICATION_DATA, &[1; PLAINTEXT_MAX + 1]);
        pair.server.receive(&record);
        assert_refused(&pair.server, 22, "too long");
        assert!(pair.server.got.is_empty());
    }
}

#[test]
fn padding_may_fill_a_record_and_not_more() {
    for (len, is_taken) in [(PLAINTEXT_MAX, true), (PLAINTEXT_MAX + 1, false)] {
        let mut pair = established(TlsVersion::Tls13);
        let mut inner = vec![0; len];
        inner[..2].copy_from_slice(&[b'x', APPLICATION_DATA]);
        let record = pair.client.forge(0, &inner);
        pair.server.receive(&record);
        if is_taken {
            assert_eq!((&pair.server.got[..], &pair.server.failure), (&b"x"[..], &None));
        } else {
            assert_refused(&pair.server, 22, "too much padding");
        }
    }
}

#[test]
fn a_change_of_keys_may_come_in_pieces_but_not_with_anything_behind_or_between() {
    let mut pair = established(TlsVersion::Tls13);
    let mut pieces = pair.client.forge(HANDSHAKE, &KEY_UPDATE[..2]);
    pieces.extend(pair.client.forge(HANDSHAKE, &KEY_UPDATE[2..]));
    pair.server.receive(&pieces);
    assert_eq!(pair.server.failure, None);

    let mut pair = established(TlsVersion::Tls13);
    let behind = pair.client.forge(HANDSHAKE, &[KEY_UPDATE, KEY_UPDATE].concat());
    pair.server.receive(&behind);
    assert_refused(&pair.server, 10, "behind");

    for between in [APPLICATION_DATA, ALERT] {
        let mut pair = established(TlsVersion::Tls13);
        let mut pieces = pair.client.forge(HANDSHAKE, &KEY_UPDATE[..3]);
        pieces.extend(pair.client.forge(between, &[1, 0]));
        pair.server.receive(&pieces);
        assert_refused(&pair.server, 10, "between");
    }
}

#[test]
fn a_change_of_keys_must_say_one_of_two_things() {
    for (message, alert) in
        [(&[24, 0, 0, 1, 2][..], 47), (&[24, 0, 0, 0], 50), (&[24, 0, 0, 2, 0, 0], 50)]
    {
        let mut pair = established(TlsVersion::Tls13);
        let record = pair.client.forge(HANDSHAKE, message);
        pair.server.receive(&record);
        assert_refused(&pair.server, alert, &format!("{message:?}"));
    }
}

#[test]
fn keys_changed_for_ever_without_data_are_refused_and_cost_one_answer() {
    for message in [KEY_UPDATE, KEY_UPDATE_REQUESTED] {
        let mut pair = established(TlsVersion::Tls13);
        for _ in 0..32 {
            let record = pair.client.forge(HANDSHAKE, &message);
            pair.client.session.traffic().forge_keys();
            pair.server.receive(&record);
            assert_eq!(pair.server.failure, None);
            assert!(pair.server.out.is_empty(), "the answer waits for something to say");
        }
        let record = pair.client.forge(HANDSHAKE, &message);
        pair.server.receive(&record);
        assert_refused(&pair.server, 10, "the 33rd");
    }
    // With data between them it may go on.
    let mut pair = established(TlsVersion::Tls13);
    for _ in 0..100 {
        let record = pair.client.forge(HANDSHAKE, &KEY_UPDATE_REQUESTED);
        pair.client.session.traffic().forge_keys();
        pair.server.receive(&record);
        pair.client.send(b"x");
        pair.run();
    }
    assert_eq!(pair.server.failure, None);
    pair.server.send(b"answered once");
    pair.run();
    assert_eq!(pair.client.got, b"answered once");
    pair.assert_established();
}

#[test]
fn records_without_data_are_no_data_between_changes_of_keys() {
    let mut pair = established(TlsVersion::Tls13);
    let change = |pair: &mut Pair| {
        let mut flight = pair.client.forge(HANDSHAKE, &KEY_UPDATE);
        pair.client.session.traffic().forge_keys();
        flight.extend(pair.client.forge(APPLICATION_DATA, &[]));
        pair.server.receive(&flight);
    };
    (0..32).for_each(|_| change(&mut pair));
    assert_eq!(pair.server.failure, None);
    change(&mut pair);
    assert_refused(&pair.server, 10, "the 33rd");
}

#[test]
fn records_without_data_are_refused_when_they_go_on_and_borne_between_data() {
    for version in VERSIONS {
        let mut pair = established(version);
        for _ in 0..3 {
            for _ in 0..32 {
                let record = pair.client.forge(APPLICATION_DATA, &[]);
                pair.server.receive(&record);
            }
            pair.client.send(b"x");
            pair.run();
        }
        assert_eq!((&pair.server.got[..], &pair.server.failure), (&b"xxx"[..], &None));
        for _ in 0..33 {
            assert_eq!(pair.server.failure, None);
            let record = pair.client.forge(APPLICATION_DATA, &[]);
            pair.server.receive(&record);
        }
        assert_refused(&pair.server, 10, "the 33rd");
    }
}

#[test]
fn worn_keys_are_changed_and_the_peer_follows() {
    let mut pair = established(TlsVersion::Tls13);
    pair.client.session.traffic().wear(0);
    pair.server.session.traffic().wear_received(0);
    for _ in 0..3 {
        pair.client.send(b"on");
    }
    pair.run();
    assert_eq!(pair.server.got, b"ononon");
    pair.assert_established();
}

#[test]
fn worn_keys_that_cannot_change_end_a_tls_1_2_connection_with_close_notify() {
    let mut pair = established(TlsVersion::Tls12);
    pair.client.session.traffic().wear(1);
    pair.server.session.traffic().wear_received(1);
    pair.client.send(b"the last");
    let side = &mut pair.client;
    for _ in 0..2 {
        let failure = side.session.encrypt(b"one more", &mut side.out).unwrap_err();
        assert_eq!((failure.why, failure.alert), (FailureKind::KeyLimit, None));
        assert!(failure.text.contains("TLS 1.2"), "{failure}");
    }
    pair.run();
    assert_eq!(pair.server.got, b"the last");
    assert_eq!((&pair.server.failure, pair.server.closed), (&None, true));
    assert_eq!(pair.server.session.eof(), InputEnd::Clean);
}

#[test]
fn a_wish_to_negotiate_again_is_declined_once_and_then_refused() {
    let hello = |kind: u8| [kind, 0, 0, 0];
    let mut pair = established(TlsVersion::Tls12);
    let record = pair.client.forge(HANDSHAKE, &hello(1));
    pair.server.receive(&record);
    assert_eq!(pair.server.failure, None);
    let warning = pair.server.take();
    assert!(!warning.is_empty(), "a warning says no");
    pair.client.receive(&warning);
    pair.assert_works();

    let mut pair = established(TlsVersion::Tls12);
    for _ in 0..2 {
        let record = pair.server.forge(HANDSHAKE, &hello(0));
        pair.client.receive(&record);
    }
    assert_eq!(pair.client.why(), FailureKind::PeerMisbehaved);
}

#[test]
fn messages_that_have_no_place_on_an_open_connection_are_refused() {
    for version in VERSIONS {
        for kind in 0..=255u8 {
            let mut pair = established(version);
            let record = pair.client.forge(HANDSHAKE, &[kind, 0, 0, 0]);
            pair.server.receive(&record);
            let declined = version == TlsVersion::Tls12 && kind == 1;
            assert_eq!(pair.server.failure.is_none(), declined, "{version:?} {kind}");
        }
        let mut pair = established(version);
        let record = pair.client.forge(HANDSHAKE, &[]);
        pair.server.receive(&record);
        assert_refused(&pair.server, 10, "an empty handshake record");
    }
}

/// Sends the head of a handshake message, whose body never arrives, to the server or the client.
fn head(pair: &mut Pair, to_server: bool, head: [u8; 4]) -> &Side {
    let (from, to) = match to_server {
        true => (&mut pair.client, &mut pair.server),
        false => (&mut pair.server, &mut pair.client),
    };
    let record = from.forge(HANDSHAKE, &head);
    to.receive(&record);
    to
}

#[test]
fn a_handshake_message_larger_than_its_kind_is_refused_at_its_length() {
    // Type, the most bytes it may have, and who may be sent it (RFC 8446 section 4.6, RFC 5246
    // section 7.4.1).
    for (version, kind, most, to_server) in [
        (TlsVersion::Tls13, 4, 16_384, false),
        (TlsVersion::Tls13, 24, 1, false),
        (TlsVersion::Tls13, 24, 1, true),
        (TlsVersion::Tls12, 0, 0, false),
        (TlsVersion::Tls12, 1, 16_384, true),
    ] {
        let [.., high, middle, low] = u32::to_be_bytes(most);
        let taken =
            head(&mut established(version), to_server, [kind, high, middle, low]).failure.clone();
        assert_eq!(taken, None, "{version:?} {kind} of {most}");
        for len in [most + 1, 0xffff, 0x1_0000, 0xff_ffff] {
            let [.., high, middle, low] = u32::to_be_bytes(len);
            let mut pair = established(version);
            let side = head(&mut pair, to_server, [kind, high, middle, low]);
            assert_refused(side, 50, &format!("{version:?} {kind} of {len}"));
        }
    }
}

#[test]
fn a_handshake_message_that_has_no_place_is_refused_before_its_body_comes() {
    for version in VERSIONS {
        for to_server in [false, true] {
            for kind in 0..=255u8 {
                let has_place = match (version, to_server) {
                    (TlsVersion::Tls13, false) => kind == 4 || kind == 24,
                    (TlsVersion::Tls13, true) => kind == 24,
                    (TlsVersion::Tls12, false) => kind == 0,
                    (TlsVersion::Tls12, true) => kind == 1,
                };
                if !has_place {
                    let mut pair = established(version);
                    let side = head(&mut pair, to_server, [kind, 0, 0xff, 0xff]);
                    assert_refused(side, 10, &format!("{version:?} {kind}"));
                }
            }
        }
    }
}

#[test]
fn a_ticket_may_come_in_pieces_of_one_byte() {
    let mut pair = established(TlsVersion::Tls13);
    // Lifetime, age_add, a nonce of one byte, a ticket of two, no extensions (RFC 8446 section 4.6.1).
    let ticket = [4, 0, 0, 16, 0, 0, 1, 0, 1, 2, 3, 4, 1, 9, 0, 2, 7, 7, 0, 0];
    for byte in ticket {
        let record = pair.server.forge(HANDSHAKE, &[byte]);
        pair.client.receive(&record);
        assert_eq!(pair.client.failure, None);
    }
    pair.assert_works();
}

#[test]
fn few_warnings_are_let_pass_and_many_are_not() {
    for (version, code) in
        [(TlsVersion::Tls13, 90), (TlsVersion::Tls12, 90), (TlsVersion::Tls12, 46)]
    {
        let mut pair = established(version);
        for _ in 0..4 {
            let record = pair.client.forge(ALERT, &[1, code]);
            pair.server.receive(&record);
            assert_eq!(pair.server.failure, None);
        }
        let record = pair.client.forge(ALERT, &[1, code]);
        pair.server.receive(&record);
        assert_refused(&pair.server, 10, "the fifth");
    }
}

#[test]
fn an_alert_ends_the_connection_with_its_code_and_a_broken_one_is_refused() {
    for version in VERSIONS {
        let mut pair = established(version);
        let record = pair.client.forge(ALERT, &[2, 49]);
        pair.server.receive(&record);
        assert_eq!(pair.server.why(), FailureKind::AlertReceived(49));
        assert!(pair.server.out.is_empty(), "an alert is not answered");
        for (payload, alert) in [(&[1][..], 50), (&[], 10), (&[1, 0, 0], 50), (&[3, 0], 47)] {
            let mut pair = established(version);
            let record = pair.client.forge(ALERT, payload);
            pair.server.receive(&record);
            assert_refused(&pair.server, alert, &format!("{payload:?}"));
        }
    }
}

#[test]
fn a_warning_ends_a_tls_1_3_connection_with_its_code_and_is_answered() {
    let mut pair = established(TlsVersion::Tls13);
    let record = pair.client.forge(ALERT, &[1, 46]);
    pair.server.receive(&record);
    assert_eq!(pair.server.why(), FailureKind::AlertReceived(46));
    let answer = pair.server.take();
    pair.client.receive(&answer);
    assert_eq!(
        pair.client.why(),
        FailureKind::AlertReceived(50),
        "decode_error, as rustls and BoringSSL"
    );
}
