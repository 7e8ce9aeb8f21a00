//! Clean closes from either side, and ends of the input without close_notify.

use super::rig::*;
use crate::buffer::Buffer;
use crate::tls::*;

/// Asserts that the end of the input is a failure, since it came inside the handshake, a record
/// or a message.
#[track_caller]
fn assert_truncated_inside(end: InputEnd) {
    let InputEnd::Failed(failure) = end else { panic!("{end:?}") };
    assert_eq!(failure.why, FailureKind::Truncated);
}

#[test]
fn the_end_of_input_is_truncated_at_every_point_but_after_close_notify() {
    for version in VERSIONS {
        let (client, server) = configurations(version);
        let mut pair = Pair::new(&client, &server, "a.test");
        assert_truncated_inside(pair.server.session.eof());
        assert_truncated_inside(pair.client.session.eof());
        pair.server.drive();
        assert_eq!(pair.server.why(), FailureKind::Truncated);

        let mut pair = established(version);
        assert_eq!(pair.client.session.eof(), InputEnd::Truncated);
        pair.client.send(b"still allowed");
        pair.run();
        assert_eq!(pair.server.got, b"still allowed");
        pair.client.session.close_notify(&mut pair.client.out);
        pair.run();
        assert_eq!(pair.server.session.eof(), InputEnd::Clean);
    }
}

#[test]
fn each_side_may_go_on_after_the_other_has_closed() {
    for version in VERSIONS {
        for client_first in [true, false] {
            let mut pair = established(version);
            let (first, second) = match client_first {
                true => (&mut pair.client, &mut pair.server),
                false => (&mut pair.server, &mut pair.client),
            };
            first.send(b"last words");
            first.session.close_notify(&mut first.out);
            let flight = first.take();
            second.receive(&flight);
            assert_eq!((&second.got[..], second.closed), (&b"last words"[..], true));
            second.assert_idle();
            for _ in 0..3 {
                second.send(&[7; 20_000]);
                let flight = second.take();
                first.receive(&flight);
            }
            assert_eq!(first.got, [7; 60_000]);
            second.session.close_notify(&mut second.out);
            let flight = second.take();
            first.receive(&flight);
            assert!(first.closed);
            first.assert_idle();
        }
    }
}

#[test]
fn close_notify_leaves_once_and_no_data_after_it() {
    for version in VERSIONS {
        let mut pair = established(version);
        let side = &mut pair.client;
        side.session.close_notify(&mut side.out);
        let len = side.out.len();
        assert!(len > 0);
        side.session.close_notify(&mut side.out);
        assert_eq!(side.out.len(), len);
        assert_eq!(
            side.session.encrypt(b"x", &mut side.out).unwrap_err().why,
            FailureKind::Internal
        );
        assert_eq!(side.out.len(), len);
        assert!(side.session.is_established(), "asking is no failure");
    }
}

#[test]
fn what_follows_the_peers_close_notify_is_dropped_unread() {
    for version in VERSIONS {
        let mut pair = established(version);
        pair.client.session.close_notify(&mut pair.client.out);
        let mut flight = pair.client.take();
        flight.extend([0; 3000]);
        pair.server.receive(&flight);
        assert!(pair.server.closed);
        assert_eq!(pair.server.failure, None);
        pair.server.assert_idle();
        assert!(pair.server.session.input(&mut pair.server.pool).is_err());
        let mut plain = Buffer::with_size(100);
        let Side { session, out, pool, .. } = &mut pair.server;
        let reading = session.decrypt(&mut plain, out, pool).unwrap();
        assert_eq!(reading, Reading { got: 0, closed: true, no_room: false });
    }
}

#[test]
fn close_notify_during_the_handshake_is_no_clean_end() {
    for version in VERSIONS {
        let (client, server) = configurations(version);
        let mut pair = Pair::new(&client, &server, "a.test");
        let hello = pair.client.take();
        pair.server.receive(&hello);
        pair.server.receive(&[21, 3, 3, 0, 2, 1, 0]);
        assert!(!pair.server.closed && !pair.server.session.is_established());
        assert!(matches!(pair.server.session.eof(), InputEnd::Failed(_)));
    }
}

#[test]
fn an_end_inside_a_record_or_a_message_is_a_failure_and_no_goodbye_follows() {
    const HANDSHAKE: u8 = 22;
    for version in VERSIONS {
        let mut pair = established(version);
        pair.client.send(b"cut short");
        let flight = pair.client.take();
        for cut in 1..flight.len() {
            let mut pair = established(version);
            pair.server.receive(&flight[..cut]);
            assert_truncated_inside(pair.server.session.eof());
            pair.server.session.close_notify(&mut pair.server.out);
            assert!(pair.server.out.is_empty() && !pair.server.session.is_established());
            pair.server.session.give_back(&mut pair.server.pool);
            pair.server.assert_idle();
        }
    }
    let mut pair = established(TlsVersion::Tls13);
    pair.client.session.forge(HANDSHAKE, &[24, 0, 0], &mut pair.client.out);
    let flight = pair.client.take();
    pair.server.receive(&flight);
    assert_truncated_inside(pair.server.session.eof());
}

#[test]
fn a_connection_that_dies_with_a_partial_record_gives_its_buffer_back() {
    let mut pair = established(TlsVersion::Tls13);
    pair.client.send(b"cut short");
    let flight = pair.client.take();
    pair.server.receive(&flight[..10]);
    assert_eq!(pair.server.pool.in_use(), 1);
    assert_truncated_inside(pair.server.session.eof());
    pair.server.session.give_back(&mut pair.server.pool);
    pair.server.assert_idle();
}
