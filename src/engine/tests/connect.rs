//! Reaching servers: every answer there is, and the PROXY header that is sent first.

use std::sync::Arc;

use super::host::Program;
use super::rig::{Rig, Setup, both_here, closed, everywhere, on_sockets_everywhere, yonder};
use crate::config::{ConnectConfig, ProxyTlvs, SendProxy, SourcePool};
use crate::conn::{Op, Why};
use crate::engine::{ConnectOptions, EngineOptions, EventKind, Record, Refusal};
use crate::id::Id;
use crate::sim::{CallKind, ConnectResponse, Peer};
use crate::sys::{Addr, Errno};
use crate::time::{MILLISECOND, SECOND};

const V1: SendProxy = SendProxy::V1;
const V2: SendProxy = SendProxy::V2(ProxyTlvs {
    alpn: false,
    authority: false,
    ssl: false,
    crc32c: true,
    unique_id: false,
});

fn plain(send_proxy: Option<SendProxy>) -> ConnectConfig {
    ConnectConfig { send_proxy, ..ConnectConfig::default() }
}

fn connect(rig: &mut Rig, to: &Addr, config: ConnectConfig) -> Id {
    let config = Arc::new(config);
    rig.call(|engine| engine.connect(to.clone(), config, &ConnectOptions::default()))
        .expect("asked for")
}

fn fails(setup: Setup, to: &Addr, send: Option<SendProxy>, prepare: impl Fn(&mut Rig)) -> Record {
    let mut rig = Rig::new(setup, Program::Idle);
    prepare(&mut rig);
    connect(&mut rig, to, plain(send));
    rig.run();
    assert_eq!(rig.engine.counters().connect_failures, 1);
    let events = rig.finish();
    assert!(!events.iter().any(|event| matches!(event.kind, EventKind::Connected)));
    closed(&events).clone()
}

#[test]
fn a_server_that_cannot_be_reached_is_told_with_the_reason() {
    everywhere(|setup| {
        for send in [None, Some(V1), Some(V2)] {
            for (answer, expected) in [
                (ConnectResponse::Refuse, Why::Refused),
                (ConnectResponse::Unreachable, Why::Unreachable),
                (ConnectResponse::NoRoute, Why::Unreachable),
            ] {
                let record = fails(setup, &yonder(), send, |rig| {
                    rig.world.serve(yonder()).answer(answer);
                });
                let cause = record.cause.expect("a cause");
                assert_eq!((cause.at, cause.why), (Some(Op::CtrlConnect), expected), "{answer:?}");
                assert!(record.lasted < SECOND);
            }
        }
    });
}

#[test]
fn a_silent_server_costs_its_deadline_and_no_more() {
    everywhere(|setup| {
        for send in [None, Some(V1)] {
            for answer in [ConnectResponse::Silent, ConnectResponse::Full] {
                let record = fails(setup, &yonder(), send, |rig| {
                    rig.world.serve(yonder()).answer(answer);
                });
                let cause = record.cause.expect("a cause");
                assert_eq!((cause.at, cause.why), (Some(Op::CtrlConnect), Why::TimedOut));
                let span = ConnectConfig::default().timeouts.connect;
                let lasted = record.lasted;
                assert!((span..span + 10 * MILLISECOND).contains(&lasted), "{lasted} {send:?}");
            }
        }
    });
}

#[test]
fn a_full_unix_backlog_is_asked_again_until_there_is_room_or_no_time() {
    let at = Addr::parse("unix:/run/server").expect("a path");
    on_sockets_everywhere(|setup| {
        for send in [None, Some(V1)] {
            let mut rig = Rig::new(setup, Program::Idle);
            let server = rig.world.serve(at.clone());
            server.answer(ConnectResponse::Full);
            connect(&mut rig, &at, plain(send));
            rig.run_for(SECOND);
            assert!(rig.host.sessions().is_empty());
            assert!(rig.world.calls_of(CallKind::Connect) < 40);
            server.answer(ConnectResponse::Accept);
            rig.run_for(100 * MILLISECOND);
            let id = rig.host.sessions()[0];
            assert_eq!(server.accept().expect("it came").received().is_empty(), send.is_none());
            rig.call(|engine| engine.close(id)).expect("it is open");
            rig.finish();

            let record = fails(setup, &at, send, |rig| {
                rig.world.serve(at.clone()).answer(ConnectResponse::Full);
            });
            let cause = record.cause.expect("a cause");
            assert_eq!((cause.at, cause.why), (Some(Op::CtrlConnect), Why::TimedOut));
            assert!(record.lasted < 6 * SECOND, "{}", record.lasted);
        }
    });
}

#[test]
fn what_this_machine_lacks_is_a_local_limit() {
    both_here(|setup| {
        for (call, errno) in [
            (CallKind::Socket, libc::EMFILE),
            (CallKind::Socket, libc::ENFILE),
            (CallKind::Socket, libc::ENOBUFS),
            (CallKind::Connect, libc::ENOBUFS),
            (CallKind::Connect, libc::EADDRNOTAVAIL),
        ] {
            for send in [None, Some(V1)] {
                let record = fails(setup, &yonder(), send, |rig| {
                    let _ = rig.world.serve(yonder());
                    rig.world.fail_nth(call, 1, Errno(errno), true);
                });
                let cause = record.cause.expect("a cause");
                let expected = (Some(Op::CtrlConnect), Why::LocalLimit);
                assert_eq!((cause.at, cause.why), expected, "{call:?} {errno}");
            }
        }
    });
}

#[test]
fn a_header_goes_ahead_of_everything_and_alone_when_the_server_speaks_first() {
    everywhere(|setup| {
        for send in [V1, V2] {
            let mut rig = Rig::new(setup, Program::Idle);
            let server = rig.world.serve(yonder());
            let id = connect(&mut rig, &yonder(), plain(Some(send)));
            rig.settle();
            let peer = server.accept().expect("it came");
            let header = peer.received();
            match send {
                SendProxy::V1 => assert_eq!(header, b"PROXY UNKNOWN\r\n"),
                SendProxy::V2(_) => assert_eq!(&header[..6], b"\r\n\r\n\0\r"),
            }
            assert!(matches!(
                rig.host.events[..],
                [crate::engine::Event { kind: EventKind::Connected, .. }]
            ));
            peer.send(b"220 hello\r\n");
            rig.settle();
            let mut space = [0; 64];
            let n = rig.call(|engine| engine.recv(id, &mut space));
            assert!(matches!(n, Ok(crate::engine::Received::Bytes(_))), "{n:?}");
            rig.call(|engine| engine.close(id)).expect("it is open");
            rig.settle();
            assert_eq!(peer.received(), header, "the header alone");
            rig.finish();
        }
    });
}

#[test]
fn a_server_that_takes_no_byte_of_the_header_is_given_up_at_the_deadline() {
    both_here(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.world.tune(|knobs| {
            knobs.receive_buffer = 0;
            knobs.send_buffer = 4;
        });
        let server = rig.world.serve(yonder());
        connect(&mut rig, &yonder(), plain(Some(V1)));
        rig.settle();
        let peer = server.accept().expect("it came");
        peer.stall(true);
        rig.run();
        let events = rig.finish();
        let record = closed(&events);
        let cause = record.cause.clone().expect("a cause");
        assert_eq!((cause.at, cause.why), (Some(Op::SendProxy), Why::TimedOut));
    });
}

#[test]
fn closing_or_aborting_while_it_is_on_its_way_ends_it() {
    everywhere(|setup| {
        for answer in [ConnectResponse::Accept, ConnectResponse::Silent, ConnectResponse::Refuse] {
            for send in [None, Some(V1)] {
                for abort in [false, true] {
                    for micros in [0, 5, 20, 60, 100, 500] {
                        let mut rig = Rig::new(setup, Program::Idle);
                        rig.world.serve(yonder()).answer(answer);
                        let id = connect(&mut rig, &yonder(), plain(send));
                        rig.run_for(micros * 1_000);
                        let ended = rig
                            .call(|engine| if abort { engine.abort(id) } else { engine.close(id) });
                        let start = rig.world.now();
                        rig.run();
                        let span = rig.world.now().since(start);
                        let limit =
                            if answer == ConnectResponse::Silent { 128 } else { 3 } * SECOND;
                        assert!(span < limit, "{span} {answer:?} {send:?} {abort} {micros}");
                        let events = rig.finish();
                        let record = closed(&events);
                        if ended.is_ok() {
                            assert!(record.lasted < 3 * SECOND, "{}", record.lasted);
                        }
                    }
                }
            }
        }
    });
}

#[test]
fn a_connection_that_a_limit_refuses_keeps_no_buffer() {
    both_here(|setup| {
        let options = EngineOptions { max_conns: 1, ..EngineOptions::default() };
        let mut rig = Rig::with(setup, Program::Echo, options);
        let connect = || {
            let send_proxy = Some(SendProxy::V1);
            Arc::new(ConnectConfig { send_proxy, ..ConnectConfig::default() })
        };
        let asked = ConnectOptions::default();
        let id =
            rig.call(|engine| engine.connect(yonder(), connect(), &asked)).expect("room for one");
        let held = rig.engine.buffers_in_use();
        let refused = rig.call(|engine| engine.connect(yonder(), connect(), &asked));
        assert_eq!(refused, Err(Refusal::Limit));
        assert_eq!(rig.engine.buffers_in_use(), held);
        rig.call(|engine| engine.abort(id)).expect("it is there");
        rig.run();
        rig.finish();
    });
}

#[test]
fn source_addresses_take_turns_and_one_without_a_port_left_is_passed_over() {
    on_sockets_everywhere(|setup| {
        let addresses = ["192.0.2.8:0", "192.0.2.9:0"].map(|text| Addr::parse(text).expect("it"));
        let from = |peer: &Peer| peer.remote().expect("an address").as_ip().expect("IP").ip();
        let expected = addresses.each_ref().map(|addr| addr.as_ip().expect("IP").ip());
        let ports = Some((40_000, 49_999));
        let source = SourcePool { addresses: addresses.to_vec(), ports };
        let config = ConnectConfig { source, ..ConnectConfig::default() };
        let mut rig = Rig::new(setup, Program::Idle);
        let server = rig.world.serve(yonder());
        let mut came = Vec::new();
        for nth in 0..5 {
            if nth == 3 {
                let first = rig.world.calls_of(CallKind::Connect) + 1;
                rig.world.fail_nth(CallKind::Connect, first, Errno(libc::EADDRNOTAVAIL), false);
            }
            let id = connect(&mut rig, &yonder(), config.clone());
            rig.settle();
            came.push(from(&server.accept().expect("it came")));
            rig.call(|engine| engine.abort(id)).expect("it is open");
        }
        let turn = usize::from(came[0] == expected[1]);
        // The fourth passes over the one whose turn it is.
        let turns = [turn, 1 - turn, turn, turn, 1 - turn];
        assert_eq!(came, turns.map(|index| expected[index]));
        rig.run();
        rig.finish();
    });
}

#[test]
fn without_a_port_left_at_any_source_address_it_is_a_local_limit() {
    both_here(|setup| {
        let addresses = ["192.0.2.8:0", "192.0.2.9:0"].map(|text| Addr::parse(text).expect("it"));
        let source = SourcePool { addresses: addresses.to_vec(), ports: None };
        let mut rig = Rig::new(setup, Program::Idle);
        let _server = rig.world.serve(yonder());
        rig.world.fail_nth(CallKind::Connect, 1, Errno(libc::EADDRNOTAVAIL), true);
        connect(&mut rig, &yonder(), ConnectConfig { source, ..ConnectConfig::default() });
        rig.run();
        let events = rig.finish();
        let cause = closed(&events).cause.clone().expect("a cause");
        assert_eq!((cause.at, cause.why), (Some(Op::CtrlConnect), Why::LocalLimit));
    });
}
