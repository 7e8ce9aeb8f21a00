//! Health checks under simulation.

use std::sync::Arc;

use super::farm::{Farm, close_all, options, reported, server};
use super::rig::{both, both_here, everywhere};
use crate::backend::{Checks, HealthConfig, Recovery, ServerConfig, ServerIndex};
use crate::config::ConnectConfig;
use crate::engine::{CheckPlan, DrainStage, ServerEvent};
use crate::sim::{CallKind, ConnectResponse, Peer};
use crate::sys::Errno;
use crate::time::{FOREVER, MILLISECOND, SECOND};

fn checks() -> HealthConfig {
    let checks = Checks {
        interval: SECOND,
        down_interval: None,
        jitter: 0,
        timeout: SECOND,
        rise: 2,
        fall: 2,
    };
    HealthConfig { connect_errors: u32::MAX, recovery: Recovery::Checks(checks) }
}

fn plan(send: &[u8], expect: &[u8]) -> CheckPlan {
    CheckPlan {
        connect: Arc::new(ConnectConfig::default()),
        address: None,
        send: send.into(),
        expect: expect.into(),
    }
}

#[test]
fn checks_that_fail_bring_a_server_down_and_checks_that_pass_bring_it_back() {
    both(|setup| {
        for answer in [ConnectResponse::Refuse, ConnectResponse::Silent] {
            let one = ServerConfig { health: checks(), ..server(0) };
            let mut farm = Farm::checked(
                setup,
                options(),
                vec![(one, Some(plan(b"", b""))), (server(1), None)],
            );
            farm.rig.run_for(3 * SECOND);
            assert!(reported(&farm.rig.host.events).is_empty());
            farm.sites[0].answer(answer);
            farm.rig.run_for(5 * SECOND);
            assert_eq!(reported(&farm.rig.host.events), [(0, ServerEvent::Down(true))]);
            let clients: Vec<Peer> = (0..2).map(|_| farm.client(b"x")).collect();
            let served: Vec<Peer> = std::iter::from_fn(|| farm.sites[1].accept()).collect();
            assert_eq!(served.len(), 2);
            farm.sites[0].answer(ConnectResponse::Accept);
            farm.rig.run_for(4 * SECOND);
            assert_eq!(reported(&farm.rig.host.events)[1..], [(0, ServerEvent::Up(true))]);
            close_all(&clients);
            close_all(&served);
            farm.finish();
        }
    });
}

#[test]
fn a_check_that_asks_wants_the_answer_it_was_told() {
    everywhere(|setup| {
        for (answer, passes) in [
            (&b"PONG and more"[..], true),
            (b"PONG", true),
            (b"PON", false),
            (b"WRONG", false),
            (b"", false),
        ] {
            let one = ServerConfig { health: checks(), ..server(0) };
            let mut farm =
                Farm::checked(setup, options(), vec![(one, Some(plan(b"PING\r\n", b"PONG")))]);
            let mut asked = 0;
            for _ in 0..60 {
                farm.rig.run_for(100 * MILLISECOND);
                while let Some(peer) = farm.sites[0].accept() {
                    farm.rig.settle();
                    assert_eq!(peer.received(), b"PING\r\n");
                    asked += 1;
                    peer.send(answer);
                    if answer.len() < 4 {
                        peer.shutdown_write();
                    }
                }
            }
            assert!(asked >= 3, "{asked}");
            let down = reported(&farm.rig.host.events).contains(&(0, ServerEvent::Down(true)));
            assert_eq!(down, !passes, "{answer:?}");
            let stats = farm.rig.engine.backend_stats(farm.backend, Some(ServerIndex(0)));
            let counters = stats.expect("it is there").counters;
            assert!(if passes { counters.checks_failed == 0 } else { counters.checks_passed == 0 });
            farm.finish();
        }
    });
}

#[test]
fn an_engine_that_is_emptied_gives_up_its_checks_and_begins_no_more() {
    both_here(|setup| {
        let patient = Checks {
            interval: SECOND,
            jitter: 0,
            timeout: FOREVER,
            rise: 1,
            fall: 1,
            ..Checks::default()
        };
        let health = HealthConfig { connect_errors: u32::MAX, recovery: Recovery::Checks(patient) };
        let one = ServerConfig { health, ..server(0) };
        let mut farm = Farm::checked(setup, options(), vec![(one, Some(plan(b"PING", b"PONG")))]);
        farm.rig.run_for(100 * MILLISECOND);
        let asked = farm.sites[0].accept().expect("a check, which nobody answers");
        assert_eq!(farm.rig.engine.wait_state().conns, 1);
        farm.rig.call(|engine| engine.drain(DrainStage::Close, FOREVER)).expect("it begins");
        farm.rig.settle();
        assert_eq!(farm.rig.engine.wait_state().conns, 0);
        assert!(asked.saw_reset());
        farm.rig.run_for(3 * SECOND);
        assert!(farm.sites[0].accept().is_none());
        let stats = farm.rig.engine.backend_stats(farm.backend, Some(ServerIndex(0)));
        let counters = stats.expect("it is there").counters;
        assert_eq!((counters.checks_failed, counters.downs), (0, 0));
        farm.finish();
    });
}

#[test]
fn a_check_that_this_machine_has_no_descriptor_for_says_nothing_of_the_server() {
    both_here(|setup| {
        let one = ServerConfig { health: checks(), ..server(0) };
        let mut farm = Farm::checked(setup, options(), vec![(one, Some(plan(b"", b"")))]);
        farm.rig.run_for(1500 * MILLISECOND);
        let next = farm.rig.world.calls_of(CallKind::Socket) + 1;
        farm.rig.world.fail_nth(CallKind::Socket, next, Errno(libc::EMFILE), true);
        farm.rig.run_for(20 * SECOND);
        farm.rig.world.heal();
        farm.rig.run_for(5 * SECOND);
        let stats = farm.rig.engine.backend_stats(farm.backend, Some(ServerIndex(0)));
        assert_eq!(stats.expect("it is there").counters.checks_failed, 0);
        assert_eq!(reported(&farm.finish()), []);
    });
}
