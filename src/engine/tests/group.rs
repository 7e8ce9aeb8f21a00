//! What the engines of a group tell each other of the servers they share.

use std::sync::Arc;

use super::farm::{reported, server};
use super::grouped::{Grouped, level, plain};
use crate::backend::{
    Admin, Checks, HealthConfig, Recovery, ServerChange, ServerConfig, ServerIndex, Weight,
};
use crate::config::ConnectConfig;
use crate::engine::{CheckPlan, DrainStage, ServerEvent};
use crate::sim::ConnectResponse;
use crate::time::{FOREVER, MILLISECOND, SECOND};

const FIRST: ServerIndex = ServerIndex(0);

/// A server that is checked once a second.
fn checked(i: usize) -> (ServerConfig, Option<CheckPlan>) {
    let checks = Checks { interval: SECOND, jitter: 0, rise: 2, fall: 2, ..Checks::default() };
    let health = HealthConfig { connect_errors: 3, recovery: Recovery::Checks(checks) };
    let plan = CheckPlan {
        connect: Arc::new(ConnectConfig::default()),
        address: None,
        send: b"".as_slice().into(),
        expect: b"".as_slice().into(),
    };
    (ServerConfig { health, ..server(i) }, Some(plan))
}

/// How many checks of a server passed or failed in a member.
fn checks_of(grouped: &Grouped, member: usize, server: ServerIndex) -> u64 {
    let member = &grouped.members[member];
    let stats = member.rig.engine.backend_stats(member.backend, Some(server));
    let counters = stats.expect("it is there").counters;
    counters.checks_passed + counters.checks_failed
}

fn is_up(grouped: &Grouped, member: usize) -> bool {
    let member = &grouped.members[member];
    member.rig.engine.server(member.backend, FIRST).expect("it is there").is_up()
}

fn told(grouped: &Grouped, member: usize) -> Vec<(u32, ServerEvent)> {
    reported(&grouped.members[member].rig.host.events)
}

fn set(grouped: &mut Grouped, member: usize, change: ServerChange) {
    let backend = grouped.members[member].backend;
    let set = grouped.call(member, |engine| engine.set_server(backend, FIRST, change));
    assert_eq!(set, Ok(()));
}

#[test]
fn one_member_checks_a_server_and_the_others_learn_what_it_found() {
    level(|setup| {
        let mut grouped = Grouped::new(setup, 2);
        for _ in 0..3 {
            grouped.join(vec![checked(0), plain(1)]);
        }
        grouped.run_for(10 * SECOND);
        let counts = [0, 1, 2].map(|member| checks_of(&grouped, member, FIRST));
        assert!(counts[0] >= 9 && counts[1..] == [0, 0], "{counts:?}");
        grouped.sites[0].answer(ConnectResponse::Refuse);
        grouped.run_for(4 * SECOND);
        let down = [(0, ServerEvent::Down(true))];
        (0..3).for_each(|member| assert_eq!(told(&grouped, member), down));
        // Its streams go elsewhere, in whichever engine.
        let clients: Vec<_> = (0..3).map(|member| grouped.members[member].client(b"x")).collect();
        grouped.run_for(MILLISECOND);
        assert_eq!(std::iter::from_fn(|| grouped.sites[1].accept()).count(), 3);
        grouped.sites[0].answer(ConnectResponse::Accept);
        grouped.run_for(4 * SECOND);
        let both = [down[0], (0, ServerEvent::Up(true))];
        (0..3).for_each(|member| assert_eq!(told(&grouped, member), both));
        clients.iter().for_each(crate::sim::Peer::close);
        grouped.finish();
    });
}

#[test]
fn another_member_checks_once_the_one_that_did_is_freed_or_drains() {
    level(|setup| {
        for drains in [false, true] {
            let mut grouped = Grouped::new(setup, 1);
            for _ in 0..3 {
                grouped.join(vec![checked(0)]);
            }
            grouped.sites[0].answer(ConnectResponse::Refuse);
            grouped.run_for(5 * SECOND);
            let before = checks_of(&grouped, 0, FIRST);
            let rest = if drains {
                grouped
                    .call(0, |engine| engine.drain(DrainStage::Pause, FOREVER))
                    .expect("it drains");
                1
            } else {
                grouped.leave(0);
                0
            };
            grouped.run_for(5 * SECOND);
            let counts = [0, 1].map(|member| checks_of(&grouped, rest + member, FIRST));
            assert!(counts.contains(&0) && counts.iter().any(|count| *count >= 4), "{counts:?}");
            assert!(!drains || checks_of(&grouped, 0, FIRST) == before);
            // It knows that the server is down, and finds out that it is up.
            grouped.sites[0].answer(ConnectResponse::Accept);
            grouped.run_for(3 * SECOND);
            let heard = [(0, ServerEvent::Down(true)), (0, ServerEvent::Up(true))];
            (0..grouped.members.len()).for_each(|member| assert_eq!(told(&grouped, member), heard));
            grouped.finish();
        }
    });
}

#[test]
fn a_member_that_joins_late_has_what_the_others_know() {
    level(|setup| {
        let mut grouped = Grouped::new(setup, 1);
        grouped.join(vec![checked(0)]);
        grouped.sites[0].answer(ConnectResponse::Refuse);
        grouped.run_for(4 * SECOND);
        set(&mut grouped, 0, ServerChange::Weight(Weight::new(7).expect("a weight")));
        let late = grouped.join(vec![checked(0)]);
        let server = |grouped: &Grouped, change: ServerChange| {
            let member = &grouped.members[late];
            let server = member.rig.engine.server(member.backend, FIRST).expect("it is there");
            match change {
                ServerChange::Weight(weight) => server.weight() == weight,
                ServerChange::Admin(admin) => server.admin() == admin,
                ServerChange::Addresses(_) => false,
            }
        };
        assert!(server(&grouped, ServerChange::Weight(Weight::new(7).expect("a weight"))));
        assert_eq!(told(&grouped, late), [(0, ServerEvent::Down(true))]);
        set(&mut grouped, late, ServerChange::Admin(Admin::Drain));
        let third = grouped.join(vec![checked(0)]);
        let member = &grouped.members[third];
        let known = member.rig.engine.server(member.backend, FIRST).expect("it is there");
        assert_eq!((known.admin(), known.is_up()), (Admin::Drain, false));
        grouped.finish();
    });
}

#[test]
fn what_the_host_sets_in_one_member_counts_in_all() {
    level(|setup| {
        let mut grouped = Grouped::new(setup, 1);
        for _ in 0..2 {
            grouped.join(vec![checked(0)]);
        }
        grouped.run_for(SECOND);
        let known = |grouped: &Grouped, member: usize| {
            let member = &grouped.members[member];
            let server = member.rig.engine.server(member.backend, FIRST).expect("it is there");
            (server.admin(), server.weight().get(), server.is_up())
        };
        set(&mut grouped, 1, ServerChange::Admin(Admin::Maintenance));
        set(&mut grouped, 1, ServerChange::Weight(Weight::new(9).expect("a weight")));
        assert_eq!(known(&grouped, 0), (Admin::Ready, 1, true), "it was not woken yet");
        grouped.run_for(MILLISECOND);
        assert_eq!(known(&grouped, 0), (Admin::Maintenance, 9, true));
        let before = checks_of(&grouped, 0, FIRST);
        grouped.run_for(5 * SECOND);
        assert_eq!(checks_of(&grouped, 0, FIRST), before, "it is checked in maintenance");
        // From maintenance it comes back on trial: one check that fails brings it down.
        grouped.sites[0].answer(ConnectResponse::Refuse);
        set(&mut grouped, 1, ServerChange::Admin(Admin::Ready));
        grouped.run_for(500 * MILLISECOND);
        assert_eq!(known(&grouped, 0), (Admin::Ready, 9, false));
        assert_eq!(known(&grouped, 1), (Admin::Ready, 9, false));
        // And it is up when it comes back, also where checks had it down.
        for member in [0, 1] {
            set(&mut grouped, member, ServerChange::Admin(Admin::Maintenance));
            grouped.run_for(MILLISECOND);
            grouped.sites[0].answer(ConnectResponse::Accept);
            set(&mut grouped, 1 - member, ServerChange::Admin(Admin::Ready));
            grouped.run_for(MILLISECOND);
            assert_eq!([0, 1].map(|member| known(&grouped, member)), [(Admin::Ready, 9, true); 2]);
        }
        grouped.finish();
    });
}

#[test]
fn a_checked_server_that_one_member_cannot_reach_is_down_in_all_until_checks_pass() {
    level(|setup| {
        let mut grouped = Grouped::new(setup, 1);
        for _ in 0..2 {
            grouped.join(vec![checked(0)]);
        }
        grouped.run_for(500 * MILLISECOND);
        grouped.sites[0].answer(ConnectResponse::Refuse);
        let clients: Vec<_> = (0..3).map(|_| grouped.members[1].client(b"x")).collect();
        grouped.run_for(100 * MILLISECOND);
        assert_eq!(told(&grouped, 1), [(0, ServerEvent::Down(false))]);
        assert_eq!(told(&grouped, 0), [(0, ServerEvent::Down(false))]);
        grouped.sites[0].answer(ConnectResponse::Accept);
        grouped.run_for(3 * SECOND);
        assert!(is_up(&grouped, 0) && is_up(&grouped, 1));
        clients.iter().for_each(crate::sim::Peer::close);
        grouped.finish();
    });
}

#[test]
fn a_server_without_checks_is_down_where_it_was_not_reached_alone() {
    level(|setup| {
        let trial = || {
            let health = HealthConfig { connect_errors: 1, recovery: Recovery::Trial(10 * SECOND) };
            vec![(ServerConfig { health, ..server(0) }, None)]
        };
        let mut grouped = Grouped::new(setup, 1);
        for _ in 0..2 {
            grouped.join(trial());
        }
        grouped.sites[0].answer(ConnectResponse::Refuse);
        let client = grouped.members[1].client(b"x");
        grouped.run_for(100 * MILLISECOND);
        assert!(is_up(&grouped, 0) && !is_up(&grouped, 1));
        grouped.run_for(11 * SECOND);
        assert!(is_up(&grouped, 1));
        client.close();
        grouped.finish();
    });
}

#[test]
fn backends_of_other_names_share_nothing() {
    level(|setup| {
        let mut grouped = Grouped::new(setup, 1);
        grouped.join_as("one", vec![checked(0)]);
        grouped.join_as("other", vec![checked(0)]);
        grouped.run_for(5 * SECOND);
        set(&mut grouped, 0, ServerChange::Admin(Admin::Drain));
        grouped.run_for(MILLISECOND);
        let member = &grouped.members[1];
        let known = member.rig.engine.server(member.backend, FIRST).expect("it is there");
        assert_eq!(known.admin(), Admin::Ready);
        assert!([0, 1].iter().all(|member| checks_of(&grouped, *member, FIRST) >= 4));
        // By another name it is another server: that of the first, which checks.
        let backend = grouped.members[1].backend;
        grouped.call(1, |engine| engine.set_name(backend, "one")).expect("a backend");
        grouped.run_for(MILLISECOND);
        let before = checks_of(&grouped, 1, FIRST);
        grouped.run_for(5 * SECOND);
        assert_eq!(checks_of(&grouped, 1, FIRST), before);
        let member = &grouped.members[1];
        let known = member.rig.engine.server(member.backend, FIRST).expect("it is there");
        assert_eq!(known.admin(), Admin::Drain);
        grouped.finish();
    });
}
