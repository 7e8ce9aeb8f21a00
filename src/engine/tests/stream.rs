//! Streams: bytes both ways, resets, backpressure, silence.

use std::sync::Arc;

use super::host::{Program, silent};
use super::rig::{Rig, Setup, both, everywhere, on_sockets, yonder};
use crate::config::{AcceptConfig, ConnectConfig};
use crate::conn::Why;
use crate::engine::{EndReport, Event, EventKind};
use crate::sim::{Peer, RemoteServer};
use crate::time::{FOREVER, SECOND};

fn forward(idle: u64) -> Program {
    let config = Arc::new(ConnectConfig::default());
    Program::Forward { to: yonder(), config, stream: silent(idle) }
}

pub(super) fn pattern(n: usize, salt: u8) -> Vec<u8> {
    (0..n).map(|i| (i * 31 + i / 251) as u8 ^ salt).collect()
}

/// A stream both of whose peers the test controls.
struct Joined {
    rig: Rig,
    client: Peer,
    server: Peer,
    site: RemoteServer,
}

fn join(setup: Setup, idle: u64) -> Joined {
    let mut rig = Rig::new(setup, forward(idle));
    let site = rig.world.serve(yonder());
    rig.listen(AcceptConfig::default());
    let client = rig.peer();
    rig.settle();
    let server = site.accept().expect("it came");
    Joined { rig, client, server, site }
}

/// How the only stream ended.
#[track_caller]
pub(super) fn report(events: &[Event]) -> &EndReport {
    let mut reports = events.iter().filter_map(|event| match &event.kind {
        EventKind::StreamEnd(report) => Some(&**report),
        _ => None,
    });
    let report = reports.next().expect("an end");
    assert!(reports.next().is_none(), "one end");
    report
}

#[test]
fn a_reset_from_either_side_ends_the_stream_and_what_arrived_is_a_prefix() {
    everywhere(|setup| {
        for client_resets in [false, true] {
            for delay in [0, 20, 50, 100, 400] {
                let Joined { mut rig, client, server, .. } = join(setup, FOREVER);
                let (up, down) = (pattern(5000, 1), pattern(9000, 2));
                client.send(&up);
                server.send(&down);
                rig.run_for(delay * 1_000);
                let (resets, other) =
                    if client_resets { (&client, &server) } else { (&server, &client) };
                resets.reset();
                rig.settle();
                assert!(up.starts_with(&server.received()));
                assert!(down.starts_with(&client.received()));
                assert!(other.saw_fin() && !other.saw_reset(), "the other side hears of it");
                other.close();
                let events = rig.finish();
                let report = report(&events);
                let side = report.sides[usize::from(!client_resets)].as_ref().expect("a record");
                let cause = side.cause.as_ref().expect("a cause");
                assert_eq!(cause.why, Why::Reset, "{setup:?} {client_resets} {delay}");
            }
        }
    });
}

#[test]
fn the_first_bytes_wait_for_the_server_and_reach_it_whole() {
    everywhere(|setup| {
        let mut rig = Rig::new(setup, forward(FOREVER));
        let site = rig.world.serve(yonder());
        rig.listen(AcceptConfig::default());
        let client = rig.peer();
        client.send(b"hello");
        client.shutdown_write();
        rig.settle();
        let server = site.accept().expect("it came");
        assert_eq!(server.received(), b"hello");
        assert!(server.saw_fin());
        server.send(b"goodbye");
        server.close();
        rig.settle();
        assert_eq!(client.received(), b"goodbye");
        assert_eq!(report(&rig.finish()).moved, [5, 7]);
    });
}

#[test]
fn a_client_that_ends_after_its_request_is_answered_though_the_server_came_later() {
    everywhere(|setup| {
        for size in [1, 5] {
            let mut rig = Rig::new(setup, forward(FOREVER));
            let site = rig.world.serve(yonder());
            site.answer(crate::sim::ConnectResponse::Full);
            rig.listen(AcceptConfig::default());
            let client = rig.peer();
            client.send(&pattern(size, 0));
            client.shutdown_write();
            rig.run_for(100_000_000);
            site.answer(crate::sim::ConnectResponse::Accept);
            rig.run_for(2 * SECOND);
            let server = site.accept().expect("it came");
            assert_eq!(server.received(), pattern(size, 0));
            assert!(server.saw_fin() && !server.saw_reset());
            server.send(b"answer");
            server.close();
            rig.settle();
            assert_eq!(client.received(), b"answer");
            rig.finish();
        }
    });
}

#[test]
fn a_server_that_refuses_ends_the_stream_and_the_client() {
    everywhere(|setup| {
        let mut rig = Rig::new(setup, forward(FOREVER));
        rig.world.serve(yonder()).answer(crate::sim::ConnectResponse::Refuse);
        rig.listen(AcceptConfig::default());
        let client = rig.peer();
        client.send(b"hello");
        rig.settle();
        assert!(client.saw_fin() || client.saw_reset());
        client.close();
        let events = rig.finish();
        let server = report(&events).sides[1].as_ref().expect("a record");
        assert_eq!(server.cause.as_ref().map(|cause| cause.why), Some(Why::Refused));
    });
}

#[test]
fn a_stalled_peer_costs_one_buffer_each_way_and_its_source_is_not_read() {
    on_sockets(|setup| {
        let Joined { mut rig, client, server, .. } = join(setup, FOREVER);
        client.stall(true);
        server.stall(true);
        let bytes = pattern(1 << 20, 7);
        client.send(&bytes);
        server.send(&bytes);
        rig.run_for(10 * SECOND);
        assert!(rig.engine.buffers_in_use() <= 2, "{}", rig.engine.buffers_in_use());
        assert!(client.unsent() > 0 && server.unsent() > 0);
        let calls = rig.world.calls();
        rig.run_for(10 * SECOND);
        assert_eq!(rig.world.calls(), calls, "nothing happens while both are stalled");
        client.stall(false);
        server.stall(false);
        client.shutdown_write();
        server.shutdown_write();
        rig.settle();
        assert_eq!(client.received(), bytes);
        assert_eq!(server.received(), bytes);
        rig.finish();
    });
}

#[test]
fn an_end_behind_a_full_buffer_wakes_nobody_and_arrives_behind_the_last_byte() {
    on_sockets(|setup| {
        let Joined { mut rig, client, server, .. } = join(setup, FOREVER);
        let words = pattern(500_000, 1);
        server.stall(true);
        client.send(&words);
        client.shutdown_write();
        rig.run_for(SECOND);
        let calls = rig.world.calls();
        rig.run_for(20 * SECOND);
        assert_eq!(rig.world.calls(), calls, "nothing can be done");
        server.stall(false);
        rig.run();
        assert!(server.received() == words && server.saw_fin());
        server.close();
        rig.finish();
    });
}

#[test]
fn a_slow_reader_gets_every_byte_on_an_orderly_end() {
    both(|setup| {
        let Joined { mut rig, client, server, .. } = join(setup, FOREVER);
        client.set_window(1000);
        client.stall(true);
        let bytes = pattern(200_000, 3);
        server.send(&bytes);
        server.close();
        client.shutdown_write();
        for _ in 0..400 {
            rig.run_for(SECOND);
            client.read_slowly(600);
        }
        rig.settle();
        assert!(client.received() == bytes, "{} of {}", client.received().len(), bytes.len());
        assert!(client.saw_fin() && !client.saw_reset());
        assert!(report(&rig.finish()).cause.is_none());
    });
}

#[test]
fn silence_ends_a_stream_once_and_bytes_put_it_off() {
    everywhere(|setup| {
        let Joined { mut rig, client, server, .. } = join(setup, 3 * SECOND);
        for i in 0..4 {
            rig.run_for(2 * SECOND);
            if i % 2 == 0 {
                client.send(b"x")
            } else {
                server.send(b"y")
            }
            rig.settle();
        }
        rig.run_for(4 * SECOND);
        assert!(client.saw_fin() && server.saw_fin());
        rig.run();
        let events = rig.finish();
        let report = report(&events);
        assert_eq!(report.cause.as_ref().map(|cause| cause.why), Some(Why::TimedOut));
        assert_eq!(report.moved, [2, 2]);
        let lasted = report.lasted / SECOND;
        assert!((11..=14).contains(&lasted), "{lasted}");
    });
}

#[test]
fn a_stream_that_is_aborted_resets_both_sides() {
    everywhere(|setup| {
        let Joined { mut rig, client, server, site } = join(setup, FOREVER);
        client.send(&pattern(1000, 0));
        rig.settle();
        let stream = rig.host.streams[0];
        rig.call(|engine| engine.abort_stream(stream)).expect("it is there");
        rig.settle();
        assert!(client.saw_reset() && server.saw_reset());
        assert!(site.accept().is_none());
        let events = rig.finish();
        assert_eq!(report(&events).cause.as_ref().map(|cause| cause.why), Some(Why::Aborted));
    });
}
