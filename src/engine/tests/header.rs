//! Accepting a header that announces addresses, PROXY's or a NetScaler's: every way it can arrive, and
//! every way it can be wrong.

use super::host::Program;
use super::rig::{Rig, Setup, both, closed, everywhere, here, refusal};
use crate::config::{AcceptCip, AcceptConfig, AcceptProxy, Trust, Untrusted};
use crate::conn::{Op, Why};
use crate::engine::EventKind;
use crate::sys::Addr;
use crate::time::{MILLISECOND, SECOND};
use crate::wire::cip::MAGIC;
use crate::wire::proxy::{Origin, OutgoingHeader};

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
    OutgoingHeader::new(origin).write_v2(&mut header).expect("it fits");
    header
}

/// The packet headers of the same client, and what a NetScaler puts in front of them.
fn cip(standard: bool) -> Vec<u8> {
    let mut packet = vec![0; 40];
    packet[0] = 0x45;
    packet[9] = 6;
    packet[12..20].copy_from_slice(&[192, 0, 2, 33, 198, 51, 100, 1]);
    packet[20..22].copy_from_slice(&1234_u16.to_be_bytes());
    packet[22..24].copy_from_slice(&443_u16.to_be_bytes());
    packet[32] = 0x50;
    let lengths: &[u8] = if standard { &[0, 0, 0, 52, 0, 1, 0, 40] } else { &[0, 0, 0, 40] };
    [&MAGIC.to_be_bytes(), lengths, &packet].concat()
}

/// A way to announce the ends.
struct Form {
    header: Vec<u8>,
    /// None of its first so many bytes can be different.
    fixed: usize,
    op: Op,
}

fn forms() -> [Form; 4] {
    let proxy = |header: Vec<u8>, fixed| Form { header, fixed, op: Op::AcceptProxy };
    let cip = |standard| Form { header: cip(standard), fixed: 4, op: Op::AcceptCip };
    [proxy(V1.to_vec(), V1.len()), proxy(v2(), SIGNATURE + 1), cip(false), cip(true)]
}

/// A configuration that expects a header of this operation from these sources.
fn expecting(op: Op, trust: Trust, untrusted: Untrusted) -> AcceptConfig {
    if op == Op::AcceptCip {
        let cip = AcceptCip { trust, untrusted, magic: MAGIC };
        AcceptConfig { cip: Some(cip), ..AcceptConfig::default() }
    } else {
        let proxy = AcceptProxy { trust, untrusted };
        AcceptConfig { proxy: Some(proxy), ..AcceptConfig::default() }
    }
}

fn everyone(op: Op) -> AcceptConfig {
    expecting(op, Trust::parse("any, unix").expect("two words"), Untrusted::Refuse)
}

pub(super) fn proxied() -> AcceptConfig {
    everyone(Op::AcceptProxy)
}

/// The PROXY header of a relay in front of a NetScaler.
const RELAY: &[u8] = b"PROXY TCP4 203.0.113.5 203.0.113.6 5 6\r\n";

/// A configuration that expects both headers.
pub(super) fn twice() -> AcceptConfig {
    AcceptConfig { cip: everyone(Op::AcceptCip).cip, ..proxied() }
}

/// Both headers.
pub(super) fn relayed_twice() -> Vec<u8> {
    [RELAY, &cip(true)].concat()
}

fn echoes(setup: Setup, config: AcceptConfig, pieces: &[&[u8]]) {
    let mut rig = Rig::new(setup, Program::Echo);
    rig.listen(config);
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
    assert_eq!(
        (record.announced.clone(), &record.cause),
        (<[_; 2]>::from(ends()).map(Some), &None)
    );
    assert_eq!(record.bytes_out, PAYLOAD.len() as u64);
}

#[test]
fn a_header_cut_at_every_byte_opens_the_same_session() {
    everywhere(|setup| {
        for Form { header, op, .. } in forms() {
            let bytes = [&header, PAYLOAD].concat();
            for cut in 0..=bytes.len() {
                echoes(setup, everyone(op), &[&bytes[..cut], &bytes[cut..]]);
            }
        }
    });
}

#[test]
fn a_header_that_pauses_after_every_byte_opens_the_same_session() {
    everywhere(|setup| {
        for Form { header, op, .. } in forms() {
            let bytes = [&header, PAYLOAD].concat();
            echoes(setup, everyone(op), &bytes.chunks(1).collect::<Vec<_>>());
        }
    });
}

/// A peer that sends `bytes` and then does something, and how it is refused.
fn refused(
    setup: Setup,
    config: AcceptConfig,
    bytes: &[u8],
    then: impl Fn(&crate::sim::Peer),
) -> crate::engine::Record {
    let mut rig = Rig::new(setup, Program::Idle);
    rig.listen(config);
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
        for Form { header, op, .. } in forms() {
            for cut in 0..header.len() {
                for whole in [false, true] {
                    let record = refused(setup, everyone(op), &header[..cut], |peer| {
                        if whole { peer.close() } else { peer.shutdown_write() }
                    });
                    let expected = if cut == 0 { Why::Empty } else { Why::Truncated };
                    assert_eq!(why(&record), (Some(op), expected), "at {cut}");
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
        for Form { header, op, .. } in forms() {
            for cut in 0..header.len() {
                let record = refused(setup, everyone(op), &header[..cut], crate::sim::Peer::reset);
                assert_eq!(why(&record), (Some(op), Why::Reset), "at {cut}");
                assert_eq!(record.bytes_in, cut as u64);
            }
        }
    });
}

#[test]
fn a_peer_that_falls_silent_is_refused_at_the_deadline_whatever_it_sent_before() {
    both(|setup| {
        for Form { header, op, .. } in forms() {
            for cut in 0..header.len() {
                let record = refused(setup, everyone(op), &header[..cut], |_| {});
                assert_eq!(why(&record), (Some(op), Why::TimedOut), "at {cut}");
                assert_eq!(record.bytes_in, cut as u64);
                let (timeouts, late) = (proxied().timeouts.proxy, 10 * MILLISECOND);
                assert!((timeouts..timeouts + late).contains(&record.in_op), "{}", record.in_op);
            }
        }
    });
}

#[test]
fn a_deadline_that_has_passed_holds_whatever_came_in_the_same_drive() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(proxied());
        let peer = rig.peer();
        rig.settle();
        peer.send(b"PROXY UNKNOWN\r\n");
        rig.world.settle();
        let late = rig.world.now() + proxied().timeouts.proxy + MILLISECOND;
        rig.world.advance_to(late);
        rig.run();
        assert_eq!(rig.engine.counters().sessions, 0);
        let record = refusal(&rig.finish()).clone();
        assert_eq!(why(&record), (Some(Op::AcceptProxy), Why::TimedOut));
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
        for Form { header, fixed, op } in forms() {
            for place in 0..fixed {
                let mut bytes = header.clone();
                bytes[place] = 0xff;
                let record = refused(setup, everyone(op), &bytes, |_| {});
                assert_eq!(why(&record), (Some(op), Why::Malformed), "at {place}");
                assert!(record.lasted < SECOND, "at {place}");
            }
        }
    });
}

#[test]
fn what_comes_where_a_header_was_due_is_named() {
    let cases: [(&[u8], Op, &str); 4] = [
        (b"\x16\x03\x01\x02\0\x01", Op::AcceptProxy, "TLS where a PROXY header was due"),
        (PAYLOAD, Op::AcceptProxy, "HTTP without TLS where a PROXY header was due"),
        (
            &MAGIC.to_be_bytes(),
            Op::AcceptProxy,
            "a NetScaler's header where a PROXY header was due",
        ),
        (V1, Op::AcceptCip, "a PROXY header where a NetScaler's header was due"),
    ];
    both(|setup| {
        for (bytes, op, due) in cases {
            let record = refused(setup, everyone(op), bytes, |_| {});
            assert_eq!(why(&record), (Some(op), Why::Malformed));
            let text = &record.cause.as_ref().expect("refused for a reason").text;
            assert!(text.starts_with(due), "{text}");
        }
        let strange = refused(setup, proxied(), b"\xff\xff\xff", |_| {});
        let text = &strange.cause.as_ref().expect("refused for a reason").text;
        assert_eq!(text, "neither a PROXY line nor the PROXY v2 signature");
    });
}

#[test]
fn a_source_that_is_not_trusted_is_refused_unread_or_goes_on_without_a_header() {
    everywhere(|setup| {
        let refuse = [Untrusted::Refuse, Untrusted::Direct];
        let cases = refuse.iter().flat_map(|untrusted| forms().map(|form| (*untrusted, form)));
        for (untrusted, Form { header, op, .. }) in cases {
            let trust = Trust::parse("10.0.0.0/8").expect("a network");
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(expecting(op, trust, untrusted));
            let peer = rig.peer();
            peer.send(&header);
            peer.shutdown_write();
            rig.settle();
            let received = peer.received();
            let events = rig.finish();
            if untrusted == Untrusted::Refuse {
                let record = refusal(&events);
                assert_eq!(why(record), (Some(op), Why::Denied));
                assert_eq!((record.bytes_in, received.len()), (0, 0));
            } else {
                assert_eq!(received, header);
                assert_eq!(closed(&events).announced, [None, None]);
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

#[test]
fn behind_a_proxy_header_a_netscaler_s_is_read_and_its_client_is_the_one() {
    everywhere(|setup| {
        let bytes = [&relayed_twice()[..], PAYLOAD].concat();
        for cut in 0..=bytes.len() {
            echoes(setup, twice(), &[&bytes[..cut], &bytes[cut..]]);
        }
        for (bytes, at) in [(RELAY.to_vec(), Op::AcceptCip), (cip(true), Op::AcceptProxy)] {
            let record = refused(setup, twice(), &bytes, crate::sim::Peer::close);
            assert_eq!(why(&record).0, Some(at));
        }
    });
}
