//! Listeners when a resource is used up: descriptors, memory, configured limits; and how they close.

use super::header::proxied;
use super::host::{Program, silent};
use std::sync::Arc;

use super::rig::{
    Rig, both, both_here, everywhere, everywhere_here, here, on_sockets, on_sockets_everywhere,
    refusal, yonder,
};
use crate::config::{AcceptConfig, ConnectConfig};
use crate::conn::{Op, Why};
use crate::engine::{ConnectOptions, EngineOptions, Event, EventKind, ListenerOptions};
use crate::sim::{CallKind, Knobs, Peer};
use crate::sys::{Addr, Errno, Fd};
use crate::time::{FOREVER, MILLISECOND, SECOND};

fn pauses(events: &[Event]) -> Vec<Option<Option<i32>>> {
    let kind = |event: &Event| match &event.kind {
        EventKind::Paused(errno) => Some(Some(errno.map(|errno| errno.0))),
        EventKind::Resumed => Some(None),
        _ => None,
    };
    events.iter().filter_map(kind).collect()
}

#[test]
fn without_descriptors_a_listener_pauses_and_goes_on_when_one_is_free() {
    on_sockets_everywhere(|setup| {
        let options = EngineOptions { reserve_fds: 0, ..EngineOptions::default() };
        let mut rig = Rig::with(setup, Program::Echo, options);
        rig.listen(AcceptConfig::default());
        let first = rig.peer();
        rig.settle();
        rig.world.tune(|knobs| knobs.fd_limit = Fd(5));
        let second = rig.peer();
        second.send(b"hello");
        rig.run_for(SECOND);
        assert!(rig.world.calls_of(CallKind::Accept) < 40, "no spin");
        assert_eq!(second.received(), b"");
        first.close();
        rig.run_for(300 * MILLISECOND);
        assert_eq!(second.received(), b"hello");
        second.close();
        rig.settle();
        let reported = pauses(&rig.finish());
        assert_eq!(reported[..2], [Some(Some(libc::EMFILE)), None]);
        assert_eq!(reported.last(), Some(&None));
    });
}

#[test]
fn at_every_limit_of_descriptors_nothing_spins_and_enough_of_them_mend_all() {
    everywhere(|setup| {
        // The listener has one, and each of three streams wants two.
        for limit in 4..=10 {
            let config = Arc::new(ConnectConfig::default());
            let program = Program::Forward { to: yonder(), config, stream: silent(FOREVER) };
            let mut rig = Rig::new(setup, program);
            let site = rig.world.serve(yonder());
            rig.actors.push(Box::new(move || {
                let Some(server) = site.accept() else { return false };
                server.send(b"answer");
                server.shutdown_write();
                true
            }));
            rig.listen(AcceptConfig::default());
            rig.world.tune(|knobs| knobs.fd_limit = Fd(limit));
            let come = |rig: &mut Rig| {
                let client = rig.peer();
                client.send(b"request");
                client.shutdown_write();
                client
            };
            let clients = [(); 3].map(|()| come(&mut rig));
            rig.run_for(SECOND);
            assert!(rig.world.calls_of(CallKind::Accept) < 60, "no spin");
            rig.world.tune(|knobs| knobs.fd_limit = Fd(1024));
            let last = come(&mut rig);
            rig.run();
            assert_eq!(last.received(), b"answer", "limit {limit}");
            for client in clients {
                let got = client.received();
                assert!(got.is_empty() || got == b"answer", "limit {limit}");
                assert!(client.saw_fin() || client.saw_reset(), "limit {limit}");
            }
            rig.finish();
        }
    });
}

#[test]
fn where_only_few_pairs_fit_every_client_waits_for_one_and_none_is_dropped() {
    on_sockets_everywhere(|setup| {
        // The listener has one; from too few for any to enough for all.
        for limit in 6..=9 {
            let config = Arc::new(ConnectConfig::default());
            let program = Program::Forward { to: yonder(), config, stream: silent(FOREVER) };
            let knobs = Knobs { fd_limit: Fd(limit), ..Knobs::default() };
            let mut rig = Rig::in_world(setup, program, EngineOptions::default(), knobs);
            let site = rig.world.serve(yonder());
            rig.actors.push(Box::new(move || {
                let Some(server) = site.accept() else { return false };
                server.send(b"answer");
                server.shutdown_write();
                true
            }));
            rig.listen(AcceptConfig::default());
            let clients = [(); 12].map(|()| {
                let client = rig.peer();
                client.send(b"request");
                client.shutdown_write();
                client
            });
            rig.run_for(20 * SECOND);
            for client in &clients {
                assert_eq!(client.received(), b"answer", "limit {limit}");
                assert!(client.saw_fin() && !client.saw_reset(), "limit {limit}");
            }
            rig.finish();
        }
    });
}

#[test]
fn a_client_that_came_first_and_waits_for_a_descriptor_gets_the_one_that_is_closed() {
    on_sockets(|setup| {
        let config = Arc::new(ConnectConfig::default());
        let program = Program::Forward { to: yonder(), config, stream: silent(FOREVER) };
        let mut rig = Rig::new(setup, program);
        let site = rig.world.serve(yonder());
        rig.listen(AcceptConfig::default());
        let first = rig.peer();
        rig.settle();
        // Another part of the process takes what was left.
        rig.world.tune(|knobs| knobs.fd_limit = Fd(6));
        let [second, third] = [(); 2].map(|()| {
            let client = rig.peer();
            client.send(b"request");
            client
        });
        rig.run_for(50 * MILLISECOND);
        let server = site.accept().expect("that of the first");
        assert!(site.accept().is_none());
        first.close();
        server.close();
        rig.run_for(5 * MILLISECOND);
        assert_eq!(site.accept().map(|server| server.received()), Some(b"request".to_vec()));
        assert_eq!(rig.engine.counters().connect_failures, 0);
        for client in [second, third] {
            client.close();
        }
        rig.run_for(SECOND);
        while let Some(server) = site.accept() {
            server.close();
        }
        rig.world.tune(|knobs| knobs.fd_limit = Fd(1_024));
        rig.run_for(SECOND);
        while let Some(server) = site.accept() {
            server.close();
        }
        rig.run();
    });
}

#[test]
fn every_error_of_accept_lets_the_listener_go_on_without_spinning() {
    let skipped = [libc::ECONNABORTED, libc::EPROTO, libc::EPERM, libc::ENETDOWN];
    let resting = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EINVAL];
    both(|setup| {
        for errno in skipped.into_iter().chain(resting) {
            for ever_after in [false, true] {
                let mut rig = Rig::new(setup, Program::Echo);
                rig.listen(AcceptConfig::default());
                rig.world.fail_nth(CallKind::Accept, 1, Errno(errno), ever_after);
                let peer = rig.peer();
                peer.send(b"hello");
                peer.shutdown_write();
                if ever_after && skipped.contains(&errno) {
                    // Each of these errors belongs to one connection, so it cannot occur for ever.
                    continue;
                }
                rig.run_for(SECOND);
                assert_eq!(peer.received().is_empty(), ever_after, "{errno}");
                assert!(rig.world.calls_of(CallKind::Accept) < 40, "no spin: {errno}");
                rig.world.heal();
                rig.run_for(SECOND);
                assert_eq!(peer.received(), b"hello", "{errno}");
                rig.finish();
            }
        }
    });
}

#[test]
fn a_full_listener_that_the_host_resumes_says_so() {
    both(|setup| {
        for pauses_first in [false, true] {
            let mut rig = Rig::new(setup, Program::Echo);
            let options = ListenerOptions { max_conns: 1, ..ListenerOptions::default() };
            let id = rig.listen_at(&here(), AcceptConfig::default(), options);
            let [first, second] = [(); 2].map(|()| rig.peer());
            rig.settle();
            assert_eq!(pauses(&rig.host.events), [Some(None)]);
            if pauses_first {
                rig.call(|engine| engine.pause_listener(id)).expect("it is there");
                rig.settle();
            }
            rig.call(|engine| engine.resume_listener(id)).expect("it is there");
            rig.settle();
            // It accepts again, and finds itself full again.
            assert_eq!(pauses(&rig.host.events), [Some(None), None, Some(None)]);
            first.close();
            second.close();
            rig.run();
            assert_eq!(pauses(&rig.finish()).last(), Some(&None));
        }
    });
}

#[test]
fn closing_a_listener_takes_as_many_as_had_room_to_wait_and_no_more() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        let id = rig.listen(AcceptConfig::default());
        let peers: Vec<Peer> = (0..10).map(|_| rig.peer()).collect();
        while !peers.iter().all(Peer::is_connected) {
            let next = rig.world.next_event().expect("they are on their way");
            rig.world.advance_to(next);
        }
        // A backlog of 3: the other peers are as if they had connected meanwhile.
        rig.engine.registry.listeners.get_mut(id.key()).expect("it is there").backlog = 3;
        rig.call(|engine| engine.close_listener(id)).expect("it is open");
        assert_eq!(rig.engine.counters().accepted, 4);
        peers.iter().for_each(Peer::close);
        rig.run();
        rig.finish();
    });
}

#[test]
fn closing_a_listener_whose_accept_fails_for_ever_ends() {
    both(|setup| {
        for errno in [libc::ECONNABORTED, libc::EPERM, libc::EINVAL, libc::EMFILE] {
            let mut rig = Rig::new(setup, Program::Echo);
            let id = rig.listen(AcceptConfig::default());
            let peer = rig.peer();
            while !peer.is_connected() {
                let next = rig.world.next_event().expect("it is on its way");
                rig.world.advance_to(next);
            }
            rig.world.fail_nth(CallKind::Accept, 1, Errno(errno), true);
            rig.call(|engine| engine.close_listener(id)).expect("it is open");
            rig.run();
            rig.finish();
        }
    });
}

#[test]
fn a_limit_of_connections_pauses_and_resumes_the_listener() {
    everywhere_here(|setup| {
        for of_engine in [false, true] {
            let [all, own] = if of_engine { [2, u32::MAX] } else { [u32::MAX, 2] };
            let options = EngineOptions { max_conns: all, ..EngineOptions::default() };
            let mut rig = Rig::with(setup, Program::Echo, options);
            let options = ListenerOptions { max_conns: own, ..ListenerOptions::default() };
            rig.listen_at(&here(), AcceptConfig::default(), options);
            let peers: Vec<Peer> = (0..6).map(|_| rig.peer()).collect();
            rig.settle();
            let (mut served, mut asked) = (0, 0);
            while served < peers.len() {
                let state = rig.engine.wait_state();
                assert!(state.conns <= 2, "{}", state.conns);
                for peer in peers.iter().skip(asked).take(2) {
                    peer.send(b"hello");
                    peer.shutdown_write();
                }
                asked = (asked + 2).min(peers.len());
                rig.settle();
                served = peers.iter().filter(|peer| peer.saw_fin()).count();
            }
            assert!(peers.iter().all(|peer| peer.received() == b"hello"));
            let reported = pauses(&rig.finish());
            assert_eq!(reported.first(), Some(&Some(None)));
            assert_eq!(reported.last(), Some(&None), "resumed in the end: {reported:?}");
        }
    });
}

#[test]
fn a_thousand_silent_peers_do_not_keep_out_the_next_one() {
    both_here(|setup| {
        for most in [u32::MAX, 100] {
            let options = EngineOptions { max_opening: most, ..EngineOptions::default() };
            let mut rig = Rig::with(setup, Program::Echo, options);
            rig.world.tune(|knobs| knobs.fd_limit = Fd(2_000));
            rig.listen(proxied());
            let silent: Vec<Peer> = (0..1_000).map(|_| rig.peer()).collect();
            rig.settle();
            if most != u32::MAX {
                assert_eq!(rig.engine.wait_state().conns, most);
            }
            let good = rig.peer();
            good.send(b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\nhello");
            good.shutdown_write();
            // With a bound on openings, another group is accepted each time the deadline of the group
            // before passes.
            rig.run_for(if most > 0 { 60 * SECOND } else { SECOND });
            assert_eq!(good.received(), b"hello");
            drop(silent);
            rig.run();
            rig.finish();
        }
    });
}

#[test]
fn a_header_beyond_the_bound_is_refused_when_it_says_so_whole_or_in_pieces() {
    both(|setup| {
        for (len, taken) in [(200, true), (201, false), (65_000, false)] {
            for piece in [1, 16, 70_000] {
                let options =
                    EngineOptions { max_proxy_header_bytes: 200, ..EngineOptions::default() };
                let mut rig = Rig::with(setup, Program::Echo, options);
                rig.listen(proxied());
                let peer = rig.peer();
                // LOCAL, unspecified, and TLVs of type NOOP (the specification's section 2.2).
                let mut header = b"\r\n\r\n\0\r\nQUIT\n\x20\x00".to_vec();
                let rest: u16 = len - 16;
                header.extend(rest.to_be_bytes());
                header.push(4);
                header.extend((rest - 3).to_be_bytes());
                header.resize(usize::from(len), 0);
                header.extend(b"hello");
                for piece in header.chunks(piece).take(if taken { usize::MAX } else { 17 }) {
                    peer.send(piece);
                    rig.settle();
                }
                if taken {
                    assert_eq!(peer.received(), b"hello", "{len} {piece}");
                    peer.close();
                    rig.run();
                    rig.finish();
                    continue;
                }
                rig.run();
                assert_eq!(rig.engine.counters().limited, 1);
                let cause = refusal(&rig.finish()).cause.clone().expect("a cause");
                assert_eq!((cause.at, cause.why), (Some(Op::AcceptProxy), Why::TooLarge));
            }
        }
    });
}

#[test]
fn reserved_descriptors_are_left_for_what_comes_in() {
    on_sockets_everywhere(|setup| {
        let options = EngineOptions { reserve_fds: 2, ..EngineOptions::default() };
        let knobs = Knobs { fd_limit: Fd(8), ..Knobs::default() };
        let mut rig = Rig::in_world(setup, Program::Echo, options, knobs);
        let server = rig.world.serve(yonder());
        rig.listen(AcceptConfig::default());
        let config = Arc::new(ConnectConfig::default());
        let mut left = Vec::new();
        for _ in 0..4 {
            let config = Arc::clone(&config);
            let asked = ConnectOptions::default();
            left.push(rig.call(|engine| engine.connect(yonder(), config, &asked)).expect("asked"));
        }
        rig.settle();
        let reached = std::iter::from_fn(|| server.accept()).count() as u64;
        assert!((1..4).contains(&reached));
        assert_eq!(rig.engine.counters().limited, 4 - reached);
        let peer = rig.peer();
        peer.send(b"hello");
        rig.settle();
        assert_eq!(peer.received(), b"hello", "one of the two");
        peer.close();
        for id in left {
            // Those that failed have ended already.
            let _ = rig.call(|engine| engine.abort(id));
        }
        rig.run();
        let events = rig.finish();
        let limited = events.iter().filter(|event| match &event.kind {
            EventKind::Closed(record) => {
                record.cause.as_ref().is_some_and(|cause| cause.why == Why::LocalLimit)
            }
            _ => false,
        });
        assert_eq!(limited.count() as u64, 4 - reached);
    });
}

#[test]
fn a_listener_that_closes_takes_what_waits_first() {
    everywhere_here(|setup| {
        let at = Addr::parse("unix:/run/vestibule").expect("a path");
        for addr in [here(), at] {
            let mut rig = Rig::new(setup, Program::Echo);
            let id = rig.listen_at(&addr, AcceptConfig::default(), ListenerOptions::default());
            rig.call(|engine| engine.pause_listener(id)).expect("it is open");
            let from = if addr == here() { "198.51.100.7:20001" } else { "unix:/run/client" };
            let from = Addr::parse(from).expect("an address");
            let peer = rig.world.connect(&addr, from);
            peer.send(b"hello");
            peer.shutdown_write();
            rig.settle();
            assert_eq!(peer.received(), b"");
            rig.call(|engine| engine.close_listener(id)).expect("it is open");
            rig.settle();
            assert_eq!(peer.received(), b"hello");
            assert!(!rig.world.has_path(&addr));
            let events = rig.finish();
            let closed = |event: &&Event| matches!(event.kind, EventKind::ListenerClosed);
            assert_eq!(events.iter().filter(closed).count(), 1);
        }
    });
}

#[test]
fn a_paused_listener_leaves_the_backlog_alone_until_it_is_resumed() {
    everywhere_here(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        let id = rig.listen(AcceptConfig::default());
        rig.call(|engine| engine.pause_listener(id)).expect("it is open");
        let peer = rig.peer();
        peer.send(b"hello");
        rig.run_for(SECOND);
        assert_eq!(rig.world.calls_of(CallKind::Accept), 0);
        rig.call(|engine| engine.resume_listener(id)).expect("it is open");
        rig.settle();
        assert_eq!(peer.received(), b"hello");
        peer.close();
        rig.finish();
    });
}
