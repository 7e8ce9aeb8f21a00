//! How streams end: which side is the cause, when, and which is not.

use std::sync::Arc;

use super::host::Program;
use super::rig::{Rig, Setup, both, everywhere, yonder};
use super::stream::report;
use crate::config::{AcceptConfig, CloseOptions, ConnectConfig, StreamConfig};
use crate::conn::Why;
use crate::engine::InterfaceState;
use crate::sim::{ConnectResponse, Peer, RemoteServer};
use crate::time::{FOREVER, MILLISECOND, SECOND};

/// A stream whose client has connected, and perhaps its server.
struct Joined {
    rig: Rig,
    client: Peer,
    site: RemoteServer,
}

fn begin(setup: Setup, answer: ConnectResponse, stream: StreamConfig) -> Joined {
    let connect = Arc::new(ConnectConfig::default());
    let program = Program::Forward { to: yonder(), config: connect, stream: Arc::new(stream) };
    let mut rig = Rig::new(setup, program);
    let site = rig.world.serve(yonder());
    site.answer(answer);
    rig.listen(AcceptConfig::default());
    let client = rig.peer();
    Joined { rig, client, site }
}

#[track_caller]
fn assert_ended(rig: Rig, letters: &[u8; 2], why: Option<Why>, lasted: std::ops::Range<u64>) {
    let events = rig.finish();
    let report = report(&events);
    let found = report.termination.letters();
    assert_eq!(found, *letters, "{}: {:?}", report.termination, report.cause);
    assert_eq!(report.cause.as_ref().map(|cause| cause.why), why);
    assert!(lasted.contains(&report.lasted), "{} ns", report.lasted);
}

/// Bounds that are all different, so that none is mistaken for another.
fn bounds() -> StreamConfig {
    StreamConfig {
        client: 10 * SECOND,
        server: 20 * SECOND,
        tunnel: 0,
        client_fin: 3 * SECOND,
        server_fin: 4 * SECOND,
        abort_on_close: false,
    }
}

/// The bound, and the time in which the end of a silent peer is waited for.
fn about(span: u64) -> std::ops::Range<u64> {
    span..span + 2500 * MILLISECOND
}

#[test]
fn a_client_that_leaves_without_a_word_before_a_server_is_reached_wants_none() {
    everywhere(|setup| {
        let Joined { mut rig, client, site } = begin(setup, ConnectResponse::Silent, bounds());
        rig.run_for(100 * MILLISECOND);
        client.shutdown_write();
        rig.run_for(100 * MILLISECOND);
        assert!(client.saw_fin() || client.saw_reset(), "it is told at once");
        assert!(site.accept().is_none());
        client.close();
        rig.run();
        assert_ended(rig, b"CC", Some(Why::Empty), 0..SECOND);
    });
}

#[test]
fn a_client_that_ends_after_a_request_takes_it_back_only_where_that_is_configured() {
    everywhere(|setup| {
        for abort_on_close in [false, true] {
            let config = StreamConfig { abort_on_close, ..bounds() };
            let Joined { mut rig, client, .. } = begin(setup, ConnectResponse::Silent, config);
            client.send(b"request");
            client.shutdown_write();
            rig.run();
            client.close();
            rig.run();
            if abort_on_close {
                assert_ended(rig, b"CC", Some(Why::Empty), 0..SECOND);
            } else {
                let span = ConnectConfig::default().timeouts.connect;
                assert_ended(rig, b"sC", Some(Why::TimedOut), about(span));
            }
        }
    });
}

#[test]
fn a_client_that_resets_while_the_server_is_reached_ends_the_attempt_at_once() {
    everywhere(|setup| {
        for request in [&b""[..], b"request"] {
            let Joined { mut rig, client, .. } = begin(setup, ConnectResponse::Silent, bounds());
            client.send(request);
            rig.run_for(100 * MILLISECOND);
            client.reset();
            rig.run();
            assert_ended(rig, b"CC", Some(Why::Reset), 0..SECOND);
        }
    });
}

#[test]
fn a_reset_is_seen_though_the_other_side_takes_nothing() {
    everywhere(|setup| {
        for client_resets in [true, false] {
            let Joined { mut rig, client, site } = begin(setup, ConnectResponse::Accept, bounds());
            rig.settle();
            let server = site.accept().expect("it came");
            let (resets, stalls) =
                if client_resets { (&client, &server) } else { (&server, &client) };
            stalls.stall(true);
            resets.send(&vec![7; 400_000]);
            rig.run_for(SECOND);
            resets.reset();
            rig.run_for(SECOND);
            stalls.stall(false);
            stalls.close();
            rig.run();
            let letters = if client_resets { b"CD" } else { b"SD" };
            assert_ended(rig, letters, Some(Why::Reset), 0..4 * SECOND);
        }
    });
}

#[test]
fn the_silent_side_that_is_waited_for_is_the_one_to_blame() {
    both(|setup| {
        // Both are silent: the shorter tolerance ends first.
        for (client_span, letters, span) in [(10, b"cD", 10 * SECOND), (30, b"sD", 20 * SECOND)] {
            let config = StreamConfig { client: client_span * SECOND, ..bounds() };
            let Joined { mut rig, client, site } = begin(setup, ConnectResponse::Accept, config);
            rig.run_for(40 * SECOND);
            client.close();
            site.accept().expect("it came").close();
            rig.run();
            assert_ended(rig, letters, Some(Why::TimedOut), about(span));
        }
        // The server takes nothing, and the client waits for it.
        let Joined { mut rig, client, site } = begin(setup, ConnectResponse::Accept, bounds());
        rig.settle();
        let server = site.accept().expect("it came");
        server.stall(true);
        client.send(&vec![7; 400_000]);
        rig.run_for(60 * SECOND);
        client.close();
        server.stall(false);
        server.close();
        rig.run();
        // What the system holds for it may still be taken.
        let span = 20 * SECOND + CloseOptions::default().linger;
        assert_ended(rig, b"sD", Some(Why::TimedOut), about(span));
    });
}

#[test]
fn the_side_whose_turn_it_is_is_the_one_that_is_waited_for() {
    both(|setup| {
        for (client_span, server_span) in [(10, 10), (5, 10), (10, 5)] {
            for answered in [false, true] {
                let config = StreamConfig {
                    client: client_span * SECOND,
                    server: server_span * SECOND,
                    ..bounds()
                };
                let Joined { mut rig, client, site } =
                    begin(setup, ConnectResponse::Accept, config);
                client.send(b"a request");
                rig.settle();
                let server = site.accept().expect("it came");
                if answered {
                    server.send(b"an answer");
                }
                rig.run_for(40 * SECOND);
                client.close();
                server.close();
                rig.run();
                let (letters, span) =
                    if answered { (b"cD", client_span) } else { (b"sD", server_span) };
                assert_ended(rig, letters, Some(Why::TimedOut), about(span * SECOND));
            }
        }
    });
}

#[test]
fn where_the_side_whose_turn_it_is_has_no_bound_that_of_the_other_holds() {
    both(|setup| {
        let config = StreamConfig { client: 10 * SECOND, server: FOREVER, ..bounds() };
        let Joined { mut rig, client, site } = begin(setup, ConnectResponse::Accept, config);
        client.send(b"a request");
        rig.run_for(20 * SECOND);
        client.close();
        site.accept().expect("it came").close();
        rig.run();
        assert_ended(rig, b"cD", Some(Why::TimedOut), about(10 * SECOND));
    });
}

#[test]
fn a_tunnel_has_a_patience_of_its_own_once_both_have_spoken() {
    both(|setup| {
        let config = StreamConfig { tunnel: 60 * SECOND, ..bounds() };
        let Joined { mut rig, client, site } = begin(setup, ConnectResponse::Accept, config);
        client.send(b"x");
        rig.settle();
        let server = site.accept().expect("it came");
        server.send(b"y");
        rig.run_for(90 * SECOND);
        client.close();
        server.close();
        rig.run();
        assert_ended(rig, b"cD", Some(Why::TimedOut), about(60 * SECOND));
    });
}

#[test]
fn a_side_that_was_told_the_end_has_a_patience_of_its_own() {
    both(|setup| {
        for (client_ends, letters, span) in [(true, b"sD", 4 * SECOND), (false, b"cL", 3 * SECOND)]
        {
            let Joined { mut rig, client, site } = begin(setup, ConnectResponse::Accept, bounds());
            client.send(b"x");
            rig.settle();
            let server = site.accept().expect("it came");
            let ends = if client_ends { &client } else { &server };
            ends.shutdown_write();
            rig.run_for(30 * SECOND);
            client.close();
            server.close();
            rig.run();
            assert_ended(rig, letters, Some(Why::TimedOut), about(span));
        }
    });
}

#[test]
fn a_server_that_is_not_reached_is_told_with_its_reason() {
    everywhere(|setup| {
        for (answer, letters, why) in [
            (ConnectResponse::Refuse, b"SC", Why::Refused),
            (ConnectResponse::NoRoute, b"SC", Why::Unreachable),
            (ConnectResponse::Silent, b"sC", Why::TimedOut),
        ] {
            let Joined { mut rig, client, .. } = begin(setup, answer, bounds());
            client.send(b"request");
            rig.run_for(9 * SECOND);
            assert!(client.saw_fin() || client.saw_reset(), "the client is told");
            client.close();
            rig.run();
            assert_ended(rig, letters, Some(why), 0..8 * SECOND);
        }
    });
}

#[test]
fn an_end_in_order_blames_nobody_and_the_host_is_named_when_it_was_the_host() {
    everywhere(|setup| {
        for host in [false, true] {
            let Joined { mut rig, client, site } = begin(setup, ConnectResponse::Accept, bounds());
            client.send(b"x");
            rig.settle();
            let server = site.accept().expect("it came");
            let stream = rig.host.streams[0];
            let (states, _) = rig.engine.stream_states(stream).expect("it is there");
            assert_eq!(states, [InterfaceState::Est; 2]);
            if host {
                rig.call(|engine| engine.abort_stream(stream)).expect("it is there");
            }
            client.close();
            server.close();
            rig.run();
            rig.run_for(MILLISECOND);
            let events = rig.host.events.clone();
            let report = report(&events);
            let reached = report.reached.expect("it was reached");
            assert!(reached > 0 && reached <= report.last_moved[0]);
            assert!(report.last_moved[0] < report.lasted && report.last_moved[1] == 0);
            let (letters, why) = if host { (b"KD", Some(Why::Aborted)) } else { (b"--", None) };
            assert_ended(rig, letters, why, 0..SECOND);
        }
    });
}
