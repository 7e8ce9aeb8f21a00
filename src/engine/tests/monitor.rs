//! Monitors: answered whatever they send, closed, and never reported.

use super::host::Program;
use super::rig::{
    Rig, Setup, both, both_here, closed, everywhere, everywhere_here, here, on_sockets,
};
use super::session::met;
use crate::config::{AcceptConfig, AcceptProxy, Monitor, MonitorAnswer, Trust, Untrusted};
use crate::engine::{DrainStage, EventKind, ListenerOptions};
use crate::sim::{CallKind, Knobs, Peer};
use crate::sys::{Addr, Errno};
use crate::time::SECOND;

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a.test\r\n\r\n";
const HEADER: &[u8] = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\n";

fn own() -> MonitorAnswer {
    MonitorAnswer::Bytes {
        well: b"all is well\n".as_slice().into(),
        failing: b"it is not\n".as_slice().into(),
    }
}

/// Every kind of answer for a monitor.
fn answers() -> [MonitorAnswer; 4] {
    [MonitorAnswer::Text, MonitorAnswer::Http, MonitorAnswer::Metrics, own()]
}

/// A listener whose clients must announce themselves, and whose monitors are these sources.
fn monitored(sources: &str, answer: MonitorAnswer) -> AcceptConfig {
    let trust = Trust::parse("any").expect("a word of trust");
    let sources = Trust::parse(sources).expect("networks");
    AcceptConfig {
        monitor: Some(Monitor { sources, answer }),
        proxy: Some(AcceptProxy { trust, untrusted: Untrusted::Refuse }),
        ..AcceptConfig::default()
    }
}

/// The network of the rig's peers.
fn ours(answer: MonitorAnswer) -> AcceptConfig {
    monitored("203.0.113.0/24,198.51.100.0/24", answer)
}

/// Whether the bytes are this answer, for the state good or bad.
#[track_caller]
fn check(answer: &MonitorAnswer, fails: bool, heard: &[u8]) {
    match answer.fixed(fails) {
        Some(expected) => assert_eq!(heard, expected, "{answer:?}"),
        None => {
            let text = std::str::from_utf8(heard).expect("text");
            let (head, body) = text.split_once("\r\n\r\n").expect("a head");
            assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
            assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
            assert!(body.contains("\nvestibule_connections 1\n"), "{body}");
            assert_eq!(body.contains("\nvestibule_draining 1\n"), fails, "{body}");
        }
    }
}

/// No event reports a monitor, and it is neither a session nor refused.
#[track_caller]
fn is_no_news(rig: Rig, monitors: u64) {
    let counted = rig.engine.counters();
    assert_eq!((counted.accepted, counted.monitored), (monitors, monitors));
    assert_eq!((counted.sessions, counted.refused), (0, 0));
    let events = rig.finish();
    let quiet = events.iter().all(|event| matches!(event.kind, EventKind::ListenerClosed));
    assert!(quiet, "{events:?}");
}

#[test]
fn a_monitor_gets_its_answer_and_an_end_whatever_the_weather() {
    everywhere_here(|setup| {
        for answer in answers() {
            let mut rig = Rig::new(setup, Program::Idle);
            rig.listen(ours(answer.clone()));
            let peer = rig.peer();
            peer.send(REQUEST);
            rig.settle();
            check(&answer, false, &peer.received());
            assert!(peer.saw_fin() && !peer.saw_reset(), "{setup:?} {answer:?}");
            peer.close();
            rig.run();
            is_no_news(rig, 1);
        }
    });
}

#[test]
fn an_answer_is_whole_under_a_short_write_at_every_byte() {
    both(|setup| {
        for answer in [MonitorAnswer::Text, MonitorAnswer::Http, own()] {
            let length = answer.fixed(false).map_or(0, <[u8]>::len) as u64;
            for cut in 0..=length {
                let knobs = Knobs { split_writes_at: Some(cut), ..Knobs::default() };
                let mut rig = Rig::in_world(setup, Program::Idle, Default::default(), knobs);
                rig.listen(ours(answer.clone()));
                let peer = rig.peer();
                peer.send(REQUEST);
                rig.settle();
                check(&answer, false, &peer.received());
                assert!(peer.saw_fin() && !peer.saw_reset(), "at {cut}");
                peer.close();
                rig.run();
                is_no_news(rig, 1);
            }
        }
    });
}

#[test]
fn an_answer_of_text_waits_for_nothing_and_one_of_http_for_its_request() {
    everywhere_here(|setup| {
        for answer in answers() {
            let mut rig = Rig::new(setup, Program::Idle);
            rig.listen(ours(answer.clone()));
            let peer = rig.peer();
            rig.settle();
            assert_eq!(peer.received().is_empty(), answer.is_asked(), "{answer:?}");
            peer.send(&REQUEST[..1]);
            rig.settle();
            check(&answer, false, &peer.received());
            assert!(peer.saw_fin());
            peer.close();
            rig.run();
            is_no_news(rig, 1);
        }
    });
}

#[test]
fn a_monitor_that_asks_nothing_is_answered_at_its_end_or_let_go_in_time() {
    everywhere(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(ours(MonitorAnswer::Http));
        let (ends, stays) = (rig.peer(), rig.peer());
        ends.shutdown_write();
        rig.settle();
        check(&MonitorAnswer::Http, false, &ends.received());
        assert!(!stays.saw_fin());
        rig.run_for(6 * SECOND);
        assert!(stays.received().is_empty());
        assert!(stays.saw_fin() || stays.saw_reset());
        rig.run();
        is_no_news(rig, 2);
    });
}

#[test]
fn a_monitor_is_answered_with_a_proxy_header_pending() {
    everywhere(|setup| {
        for cut in 0..=HEADER.len() {
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(ours(MonitorAnswer::Text));
            let peer = rig.peer();
            peer.send(&HEADER[..cut]);
            rig.settle();
            check(&MonitorAnswer::Text, false, &peer.received());
            assert!(peer.saw_fin() && !peer.saw_reset(), "at {cut}");
            peer.close();
            rig.run();
            is_no_news(rig, 1);
        }
    });
}

#[test]
fn a_monitor_is_answered_in_the_clear_where_others_get_tls() {
    use super::tls_peer::{TlsPeer, pair, play};
    use crate::tls::TlsVersion;
    everywhere(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        let tls = Some(pair(TlsVersion::Tls13).1);
        rig.listen(AcceptConfig {
            proxy: None,
            tls,
            ..monitored("198.51.100.8", MonitorAnswer::Text)
        });
        let from = Addr::parse("198.51.100.8:1").expect("an address");
        let monitor = rig.world.connect(&here(), from);
        monitor.send(&[22, 3, 1]);
        rig.settle();
        check(&MonitorAnswer::Text, false, &monitor.received());
        assert!(monitor.saw_fin() && !monitor.saw_reset());
        monitor.close();
        let other = TlsPeer::client(rig.peer(), &pair(TlsVersion::Tls13).0, &[]);
        other.borrow_mut().say(b"hello");
        other.borrow_mut().end();
        rig.actors.push(play(&other));
        rig.settle();
        assert_eq!(other.borrow().got, b"hello");
        let counted = rig.engine.counters();
        assert_eq!((counted.sessions, counted.monitored), (1, 1));
        rig.finish();
    });
}

#[test]
fn the_address_a_header_announces_makes_nobody_a_monitor() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(monitored("192.0.2.33", MonitorAnswer::Text));
        let peer = rig.peer();
        peer.send(&[HEADER, b"hello"].concat());
        peer.shutdown_write();
        rig.settle();
        assert_eq!(peer.received(), b"hello");
        assert_eq!((rig.engine.counters().monitored, rig.engine.counters().sessions), (0, 1));
        closed(&rig.finish());
    });
}

#[test]
fn a_monitor_that_is_gone_already_leaves_nothing_behind() {
    everywhere(|setup| {
        for answer in answers() {
            for leave in [Peer::close, Peer::reset] {
                let mut rig = Rig::new(setup, Program::Idle);
                rig.listen(ours(answer.clone()));
                let peer = rig.peer();
                leave(&peer);
                rig.run();
                assert!(rig.engine.counters().accepted <= 1);
                let counted = rig.engine.counters();
                assert_eq!((counted.monitored, counted.refused), (counted.accepted, 0));
                let events = rig.finish();
                assert!(events.iter().all(|event| matches!(event.kind, EventKind::ListenerClosed)));
            }
        }
    });
}

#[test]
fn a_monitor_that_takes_nothing_is_let_go_and_one_that_resumes_gets_all() {
    both_here(|setup| {
        for resumes in [false, true] {
            let knobs = Knobs { send_buffer: 16, ..Knobs::default() };
            let mut rig = Rig::in_world(setup, Program::Idle, Default::default(), knobs);
            rig.listen(ours(MonitorAnswer::Http));
            let peer = rig.peer();
            peer.set_window(8);
            peer.stall(true);
            peer.send(REQUEST);
            rig.settle();
            assert!(!peer.saw_fin());
            if resumes {
                peer.stall(false);
                rig.settle();
                check(&MonitorAnswer::Http, false, &peer.received());
                peer.close();
            } else {
                rig.run_for(31 * SECOND);
                assert_eq!(rig.engine.wait_state().conns, 0, "it is bounded");
            }
            rig.run();
            is_no_news(rig, 1);
        }
    });
}

#[test]
fn what_a_monitor_still_sends_does_not_destroy_its_answer() {
    everywhere(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(ours(MonitorAnswer::Http));
        let peer = rig.peer();
        peer.send(REQUEST);
        peer.send(&[b'x'; 100_000]);
        rig.settle();
        check(&MonitorAnswer::Http, false, &peer.received());
        assert!(peer.saw_fin() && !peer.saw_reset(), "{setup:?}");
        peer.close();
        rig.run();
        is_no_news(rig, 1);
    });
}

/// The answer of one more monitor.
fn ask(rig: &mut Rig) -> Vec<u8> {
    let peer = rig.peer();
    peer.send(REQUEST);
    rig.settle();
    peer.close();
    rig.settle();
    peer.received()
}

#[test]
fn a_failure_that_the_host_sets_is_told_until_it_takes_it_away() {
    both(|setup| {
        for answer in [MonitorAnswer::Text, MonitorAnswer::Http, own()] {
            let mut rig = Rig::new(setup, Program::Idle);
            let listener = rig.listen(ours(answer.clone()));
            for fails in [false, true, true, false, true] {
                rig.call(|engine| engine.set_monitor_fail(listener, fails)).expect("a listener");
                check(&answer, fails, &ask(&mut rig));
            }
            is_no_news(rig, 5);
        }
    });
}

#[test]
fn a_failure_counts_for_its_listener_from_the_moment_of_the_request() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        let one = rig.listen(ours(MonitorAnswer::Http));
        let there = Addr::parse("192.0.2.1:81").expect("an address");
        let other = rig.listen_at(&there, ours(MonitorAnswer::Http), ListenerOptions::default());
        let waits = rig.peer();
        rig.settle();
        rig.call(|engine| engine.set_monitor_fail(other, true)).expect("a listener");
        check(&MonitorAnswer::Http, false, &ask(&mut rig));
        rig.call(|engine| engine.set_monitor_fail(one, true)).expect("a listener");
        waits.send(REQUEST);
        rig.settle();
        check(&MonitorAnswer::Http, true, &waits.received());
        waits.close();
        rig.run();
        is_no_news(rig, 2);
    });
}

#[test]
fn a_lame_duck_answers_that_it_fails() {
    both_here(|setup| {
        for answer in answers() {
            let mut rig = Rig::new(setup, Program::Idle);
            rig.listen(ours(answer.clone()));
            check(&answer, false, &ask(&mut rig));
            rig.call(|engine| engine.drain(DrainStage::LameDuck, 0)).expect("the first stage");
            check(&answer, true, &ask(&mut rig));
            is_no_news_of_a_drained_engine(rig);
        }
    });
}

fn is_no_news_of_a_drained_engine(mut rig: Rig) {
    assert_eq!(rig.engine.counters().monitored, 2);
    rig.call(|engine| engine.drain(DrainStage::Close, SECOND)).expect("a later stage");
    rig.run_for(2 * SECOND);
    let quiet = |event: &crate::engine::Event| matches!(event.kind, EventKind::ListenerClosed);
    assert!(rig.host.events.iter().all(quiet));
    assert_eq!(rig.engine.wait_state().conns, 0);
}

#[test]
fn a_monitor_that_the_host_accepted_itself_is_told_closed_without_a_cause() {
    on_sockets(|setup| {
        let (mut rig, peer, id) = met(setup);
        let (fd, op) = rig.call(|engine| engine.take_fd(id)).expect("a raw session");
        if let Some(op) = op {
            let world = rig.world.clone();
            rig.poller.apply(op, &world).expect("it can be watched");
        }
        let config = std::sync::Arc::new(ours(MonitorAnswer::Text));
        rig.call(|engine| engine.accept_fd(fd, config, 7)).expect("a connection");
        rig.settle();
        check(&MonitorAnswer::Text, false, &peer.received());
        peer.close();
        rig.run();
        let events = rig.finish();
        let record = closed(&events);
        assert_eq!((&record.cause, record.bytes_out), (&None, 2));
    });
}

/// The errors that a call can return where a monitor is concerned.
const FAULTS: &[(CallKind, &[i32])] = &[
    (CallKind::Accept, &[libc::ECONNABORTED, libc::EMFILE, libc::EINVAL]),
    (CallKind::Recv, &[libc::ECONNRESET, libc::ETIMEDOUT, libc::ENOMEM]),
    (CallKind::Send, &[libc::ECONNRESET, libc::EPIPE, libc::ENOBUFS]),
    (CallKind::ShutdownWrite, &[libc::ENOTCONN]),
];

/// One monitor connects and is answered. Planned faults are cancelled before the host cleans up.
fn come_in(setup: Setup, answer: &MonitorAnswer, prepare: impl Fn(&Rig)) -> Rig {
    let mut rig = Rig::new(setup, Program::Idle);
    rig.listen(ours(answer.clone()));
    prepare(&rig);
    let peer = rig.peer();
    peer.send(REQUEST);
    rig.run_for(40 * SECOND);
    rig.world.heal();
    rig.run_for(40 * SECOND);
    peer.reset();
    rig.run();
    rig
}

#[test]
fn a_monitor_survives_every_fault_and_none_is_news() {
    both(|setup| {
        for answer in answers() {
            let calm = come_in(setup, &answer, |_| {});
            let counts = FAULTS.iter().map(|(call, _)| calm.world.calls_of(*call));
            let counts: Vec<u64> = counts.collect();
            is_no_news(calm, 1);
            for ((call, errnos), count) in FAULTS.iter().zip(counts) {
                for (errno, nth) in errnos.iter().flat_map(|e| (1..=count).map(move |n| (*e, n))) {
                    let fault = format!("{answer:?}: {call:?} {nth} {errno}");
                    let context = super::rig::Context(fault);
                    let rig = come_in(setup, &answer, |rig| {
                        rig.world.fail_nth(*call, nth, Errno(errno), false);
                    });
                    let counted = rig.engine.counters();
                    assert_eq!((counted.refused, counted.sessions), (0, 0));
                    assert_eq!(counted.monitored, counted.accepted);
                    let events = rig.finish();
                    let reports = |kind: &EventKind| {
                        matches!(
                            kind,
                            EventKind::Refused(_) | EventKind::Closed(_) | EventKind::Session
                        )
                    };
                    assert!(!events.iter().any(|event| reports(&event.kind)), "{events:?}");
                    drop(context);
                }
            }
        }
    });
}
