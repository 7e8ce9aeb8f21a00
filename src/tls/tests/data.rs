//! Data on established connections.

use super::rig::*;
use crate::buffer::{BUFFER_SIZE, BULK_SIZE, Buffer};
use crate::tls::*;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 % 251) as u8).collect()
}

#[test]
fn a_mebibyte_each_way_in_odd_sizes_arrives_as_it_was() {
    let data = pattern(1 << 20);
    for version in VERSIONS {
        let mut pair = established(version);
        let mut rest = (&data[..], &data[..]);
        for size in [1, 7, 1000, 16_383, 16_384, 16_385, 40_001].iter().cycle() {
            let (head, tail) = rest.0.split_at(*size.min(&rest.0.len()));
            pair.client.send(head);
            rest.0 = tail;
            let (head, tail) = rest.1.split_at((size * 3).min(rest.1.len()));
            pair.server.send(head);
            rest.1 = tail;
            pair.run();
            if rest.0.is_empty() && rest.1.is_empty() {
                break;
            }
        }
        assert!(pair.server.got == data && pair.client.got == data);
        pair.assert_established();
    }
}

#[test]
fn one_call_makes_one_record_of_at_most_16384_bytes() {
    for version in VERSIONS {
        let mut pair = established(version);
        let side = &mut pair.client;
        assert_eq!(side.session.encrypt(&[1; 40_000], &mut side.out), Ok(16_384));
        assert_eq!(side.session.encrypt(&[], &mut side.out), Ok(0));
        let header: [u8; 5] = side.out.bytes()[..5].try_into().unwrap();
        let len = usize::from(u16::from_be_bytes([header[3], header[4]]));
        assert_eq!(side.out.len(), 5 + len);
    }
}

#[test]
fn without_room_nothing_is_read_and_nothing_is_lost() {
    for version in VERSIONS {
        let mut pair = established(version);
        let data = pattern(9000);
        for piece in data.chunks(3000) {
            pair.client.send(piece);
        }
        let flight = pair.client.take();
        let Side { session, out, pool, .. } = &mut pair.server;
        session.input(pool).unwrap().extend(&flight);
        let mut none = Buffer::with_size(2000);
        let reading = session.decrypt(&mut none, out, pool).unwrap();
        assert_eq!(reading, Reading { got: 0, closed: false, no_room: true });
        assert!(session.has_record());
        // A blocked reader does not stop the writer.
        assert_eq!(session.encrypt(b"meanwhile", out), Ok(9));
        let mut some = Buffer::with_size(4000);
        let reading = session.decrypt(&mut some, out, pool).unwrap();
        assert_eq!((reading.got, reading.no_room), (3000, true));
        let mut rest = Buffer::with_size(8000);
        let reading = session.decrypt(&mut rest, out, pool).unwrap();
        assert_eq!((reading.got, reading.no_room), (6000, false));
        assert_eq!([some.bytes(), rest.bytes()].concat(), data);
        pair.run();
        assert_eq!(pair.client.got, b"meanwhile");
        pair.assert_established();
    }
}

#[test]
fn a_record_cut_at_every_byte_lets_the_other_direction_go_on() {
    for version in VERSIONS {
        let mut pair = established(version);
        pair.client.send(&pattern(60));
        let flight = pair.client.take();
        for byte in &flight {
            pair.server.receive(&[*byte]);
            pair.server.send(b".");
        }
        pair.run();
        assert_eq!(pair.server.got, pattern(60));
        assert_eq!(pair.client.got.len(), flight.len());
        pair.assert_established();
    }
}

#[test]
fn an_output_buffer_without_room_grows() {
    let mut pair = established(TlsVersion::Tls13);
    pair.client.out = Buffer::with_size(3);
    pair.client.send(&[5; 30_000]);
    pair.run();
    assert_eq!(pair.server.got, [5; 30_000]);
}

#[test]
fn a_record_that_does_not_come_whole_is_no_reason_to_hold_a_buffer_for_bulk() {
    for version in VERSIONS {
        let mut pair = established(version);
        let data = pattern(3 * 16_384);
        pair.client.send(&data);
        let flight = pair.client.take();
        let (now, later) = flight.split_at(flight.len() - 100);
        let Side { session, out, pool, .. } = &mut pair.server;
        session.expect(BULK_SIZE, pool);
        let input = session.input(pool).unwrap();
        assert_eq!(input.capacity(), BULK_SIZE);
        input.extend(now);
        let mut plain = Buffer::with_size(BULK_SIZE);
        assert_eq!(session.decrypt(&mut plain, out, pool).unwrap().got, 2 * 16_384);
        session.rest(pool);
        let input = session.input(pool).unwrap();
        assert_eq!(input.capacity(), BUFFER_SIZE);
        input.extend(later);
        assert_eq!(session.decrypt(&mut plain, out, pool).unwrap().got, 16_384);
        assert!(plain.bytes() == data && session.held() == 0);
        session.rest(pool);
        assert_eq!(pool.in_use(), 0);
    }
}
