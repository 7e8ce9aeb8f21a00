//! Accepting a PROXY header: every way it can come, and every way it can fail to.

use super::host::Program;
use super::rig::{Rig, Setup, both, closed, everywhere, here, refusal};
use crate::config::{AcceptConfig, AcceptProxy, Trust, Untrusted};
use crate::conn::{Op, Why};
use crate::engine::EventKind;
use crate::sys::Addr;
use crate::time::{MILLISECOND, SECOND};
use crate::wire::proxy::{Origin, Outgoing};

const V1: &[u8] = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\n";
const PAYLOAD: &[u8] = b"GET / HTTP/1.0\r\n\r\n";
/// The bytes that make a version 2 header one (section 2.2).
const SIGNATURE: usize = 12;

fn ends() -> (Addr, Addr) {
    let addr = |text| Addr::parse(text).expect("an address");
    (addr("192.0.2.33:1234"), addr("198.51.100.1:443"))
}

fn v2() -> Vec<u8> {
    let (source, destination) = ends();
    let mut header = Vec::new();
    let origin = Origin::Ends(&source, &destination);
    Outgoing::new(origin).write_v2(&mut header).expect("it fits");
    header
}

fn headers() -> [Vec<u8>; 2] {
    [V1.to_vec(), v2()]
}

pub(super) fn proxied() -> AcceptConfig {
    let trust = Trust::parse("any, unix").expect("two words");
    let proxy = AcceptProxy { trust, untrusted: Untrusted::Refuse };
    AcceptConfig { proxy: Some(proxy), ..AcceptConfig::default() }
}

fn echoes(setup: Setup, pieces: &[&[u8]]) {
    let mut rig = Rig::new(setup, Program::Echo);
    rig.listen(proxied());
    let peer = rig.peer();
    for piece in pieces {
        peer.send(piece);
        rig.settle();
    }
    peer.shutdown_write();
    rig.settle();
    assert_eq!(peer.received(), PAYLOAD, "{setup:?}");
    assert!(peer.saw_fin() && !peer.saw_reset());
    let events = rig.finish();
    let record = closed(&events);
    assert_eq!((record.announced.clone(), &record.cause), (Some(ends()), &None));
    assert_eq!(record.bytes_out, PAYLOAD.len() as u64);
}

#[test]
fn a_header_cut_at_every_byte_opens_the_same_session() {
    everywhere(|setup| {
        for header in headers() {
            let bytes = [&header, PAYLOAD].concat();
            for cut in 0..=bytes.len() {
                echoes(setup, &[&bytes[..cut], &bytes[cut..]]);
            }
        }
    });
}

#[test]
fn a_header_that_pauses_after_every_byte_opens_the_same_session() {
    everywhere(|setup| {
        for header in headers() {
            let bytes = [&header, PAYLOAD].concat();
            echoes(setup, &bytes.chunks(1).collect::<Vec<_>>());
        }
    });
}

/// A peer that sends `bytes` and then does something, and how it is refused.
fn refused(setup: Setup, bytes: &[u8], then: impl Fn(&crate::sim::Peer)) -> crate::engine::Record {
    let mut rig = Rig::new(setup, Program::Idle);
    rig.listen(proxied());
    let peer = rig.peer();
    peer.send(bytes);
    rig.settle();
    then(&peer);
    rig.run();
    assert_eq!(peer.received(), b"", "a refused connection says nothing");
    assert!(!peer.is_connected() || peer.saw_fin());
    assert_eq!(rig.engine.counters().refused, 1);
    let record = refusal(&rig.finish()).clone();
    assert_eq!(record.bytes_out, 0);
    record
}

fn why(record: &crate::engine::Record) -> (Option<Op>, Why) {
    let cause = record.cause.as_ref().expect("refused for a reason");
    (cause.at, cause.why)
}

#[test]
fn an_end_inside_the_header_is_truncated_and_before_it_empty() {
    everywhere(|setup| {
        for header in headers() {
            for cut in 0..header.len() {
                for whole in [false, true] {
                    let record = refused(setup, &header[..cut], |peer| {
                        if whole { peer.close() } else { peer.shutdown_write() }
                    });
                    let expected = if cut == 0 { Why::Empty } else { Why::Truncated };
                    assert_eq!(why(&record), (Some(Op::AcceptProxy), expected), "at {cut}");
                    assert_eq!(record.bytes_in, cut as u64);
                    assert!(record.lasted < SECOND);
                }
            }
        }
    });
}

#[test]
fn a_reset_inside_the_header_is_a_reset() {
    everywhere(|setup| {
        for header in headers() {
            for cut in 0..header.len() {
                let record = refused(setup, &header[..cut], crate::sim::Peer::reset);
                assert_eq!(why(&record), (Some(Op::AcceptProxy), Why::Reset), "at {cut}");
                assert_eq!(record.bytes_in, cut as u64);
            }
        }
    });
}

#[test]
fn a_peer_that_falls_silent_is_refused_at_the_deadline_whatever_it_sent_before() {
    both(|setup| {
        for header in headers() {
            for cut in 0..header.len() {
                let record = refused(setup, &header[..cut], |_| {});
                assert_eq!(why(&record), (Some(Op::AcceptProxy), Why::TimedOut), "at {cut}");
                assert_eq!(record.bytes_in, cut as u64);
                let (spans, late) = (proxied().spans.proxy, 10 * MILLISECOND);
                assert!((spans..spans + late).contains(&record.in_op), "{}", record.in_op);
            }
        }
    });
}

#[test]
fn a_byte_now_and_then_moves_no_deadline() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(proxied());
        let peer = rig.peer();
        for byte in V1.chunks(1).take(30) {
            peer.send(byte);
            rig.run_for(200 * MILLISECOND);
        }
        let record = refusal(&rig.finish()).clone();
        assert_eq!(why(&record), (Some(Op::AcceptProxy), Why::TimedOut));
        assert!(record.in_op < 5_010 * MILLISECOND);
    });
}

#[test]
fn what_can_never_become_a_header_is_refused_at_once() {
    everywhere(|setup| {
        let [v1, v2] = headers();
        for (header, places) in [(&v1, 0..v1.len()), (&v2, 0..SIGNATURE + 1)] {
            for place in places {
                let mut bytes = header.clone();
                bytes[place] = 0xff;
                let record = refused(setup, &bytes, |_| {});
                assert_eq!(why(&record), (Some(Op::AcceptProxy), Why::Malformed), "at {place}");
                assert!(record.lasted < SECOND, "at {place}");
            }
        }
    });
}

#[test]
fn a_source_that_is_not_trusted_is_refused_unread_or_goes_on_without_a_header() {
    everywhere(|setup| {
        let trust = Trust::parse("10.0.0.0/8").expect("a network");
        for untrusted in [Untrusted::Refuse, Untrusted::Direct] {
            let proxy = AcceptProxy { trust: trust.clone(), untrusted };
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(AcceptConfig { proxy: Some(proxy), ..AcceptConfig::default() });
            let peer = rig.peer();
            peer.send(V1);
            peer.shutdown_write();
            rig.settle();
            let received = peer.received();
            let events = rig.finish();
            if untrusted == Untrusted::Refuse {
                let record = refusal(&events);
                assert_eq!(why(record), (Some(Op::AcceptProxy), Why::Denied));
                assert_eq!((record.bytes_in, received.len()), (0, 0));
            } else {
                assert_eq!(received, V1);
                assert_eq!(closed(&events).announced, None);
            }
        }
    });
}

#[test]
fn a_refusal_is_told_once_and_its_listener_goes_on() {
    everywhere(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(proxied());
        for _ in 0..3 {
            let bad = rig.peer();
            bad.send(b"hello, this is no header\r\n");
            let good = rig.peer();
            good.send(V1);
            good.send(PAYLOAD);
            good.shutdown_write();
            rig.settle();
            assert_eq!(good.received(), PAYLOAD);
        }
        let events = rig.finish();
        let refused = |event: &&crate::engine::Event| matches!(event.kind, EventKind::Refused(_));
        assert_eq!(events.iter().filter(refused).count(), 3);
        assert!(here().as_ip().is_some());
    });
}
