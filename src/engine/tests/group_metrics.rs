//! The metrics of a group are the sums over its members.

use super::farm::server;
use super::grouped::{Grouped, NAME, level, plain};
use super::metrics::samples;
use crate::backend::{Admin, ServerChange, ServerIndex};
use crate::config::{AcceptConfig, Monitor, MonitorAnswer, Trust};
use crate::sim::Peer;
use crate::sys::Addr;
use crate::time::{MILLISECOND, SECOND};

const LISTENER: &str = "{listener=\"front\",number=\"0\"}";

/// Asks a member, waits, and asks again.
fn text_of(grouped: &mut Grouped, member: usize, wait: u64) -> String {
    let first = grouped.call(member, |engine| engine.metrics_of_group());
    assert_eq!(first, None, "others are to be asked");
    grouped.run_for(wait);
    grouped.call(member, |engine| {
        assert!(engine.take_metrics_news() && !engine.take_metrics_news(), "told once");
        let text = engine.metrics_of_group().expect("all have told");
        // It is the same for who had too little space.
        assert_eq!(engine.metrics_of_group().as_ref(), Some(&text));
        engine.metrics_fetched();
        text
    })
}

fn serve(grouped: &mut Grouped, member: usize, clients: usize) -> Vec<Peer> {
    let clients = (0..clients).map(|_| grouped.members[member].client(b"x")).collect();
    grouped.run_for(MILLISECOND);
    clients
}

#[test]
fn counters_and_gauges_of_members_add_up_and_states_do_not() {
    level(|setup| {
        let mut grouped = Grouped::new(setup, 2);
        for _ in 0..3 {
            grouped.join(vec![plain(0), plain(1)]);
        }
        let backend = grouped.members[0].backend;
        let drained = ServerChange::Admin(Admin::Drain);
        grouped
            .call(0, |engine| engine.set_server(backend, ServerIndex(1), drained))
            .expect("it is there");
        let peers: Vec<Peer> =
            (0..3).flat_map(|member| serve(&mut grouped, member, member + 1)).collect();
        let found = samples(&text_of(&mut grouped, 1, MILLISECOND));
        assert_eq!(found["vestibule_accepted_total"], 6);
        assert_eq!(found["vestibule_streams"], 6);
        assert_eq!(found[&format!("vestibule_listener_accepted_total{LISTENER}")], 6);
        let shared = format!("{{backend=\"{NAME}\",number=\"0\"}}");
        assert_eq!(found[&format!("vestibule_backend_current_streams{shared}")], 6);
        let of = |name: &str, server: usize| {
            found[&format!(
                "vestibule_server_{name}{{backend=\"{NAME}\",number=\"0\",server=\"s{server}\"}}"
            )]
        };
        assert_eq!([of("current_streams", 0), of("current_streams", 1)], [6, 0]);
        assert_eq!([of("up", 0), of("up", 1)], [1, 1]);
        assert_eq!([of("usable", 0), of("usable", 1)], [1, 0]);
        assert_eq!([of("weight", 0), of("weight", 1)], [1, 1]);
        assert_eq!(
            found[&format!("vestibule_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))],
            1
        );
        peers.iter().for_each(Peer::close);
        grouped.finish();
    });
}

#[test]
fn a_member_that_does_not_tell_is_waited_for_a_second_and_counts_as_it_was() {
    level(|setup| {
        let mut grouped = Grouped::new(setup, 1);
        for _ in 0..2 {
            grouped.join(vec![plain(0)]);
        }
        let first = serve(&mut grouped, 1, 2);
        let accepted = |text: &str| samples(text)["vestibule_accepted_total"];
        assert_eq!(accepted(&text_of(&mut grouped, 0, 0)), 2);
        let second = serve(&mut grouped, 1, 3);
        grouped.members[1].hangs = true;
        assert_eq!(grouped.call(0, |engine| engine.metrics_of_group()), None);
        grouped.run_for(900 * MILLISECOND);
        assert_eq!(grouped.call(0, |engine| engine.metrics_of_group()), None);
        grouped.run_for(200 * MILLISECOND);
        let text = grouped.call(0, |engine| engine.metrics_of_group()).expect("the time is over");
        assert_eq!(accepted(&text), 2, "what it told last");
        grouped.call(0, |engine| engine.metrics_fetched());
        grouped.members[1].hangs = false;
        assert_eq!(accepted(&text_of(&mut grouped, 0, 0)), 5);
        first.iter().chain(&second).for_each(Peer::close);
        grouped.finish();
    });
}

#[test]
fn members_that_ask_at_once_are_all_answered() {
    level(|setup| {
        let mut grouped = Grouped::new(setup, 1);
        for _ in 0..3 {
            grouped.join(vec![plain(0)]);
        }
        let peers = serve(&mut grouped, 2, 4);
        for member in 0..3 {
            assert_eq!(grouped.call(member, |engine| engine.metrics_of_group()), None);
        }
        grouped.run_for(0);
        for member in 0..3 {
            let text = grouped.call(member, |engine| engine.metrics_of_group());
            assert_eq!(samples(&text.expect("all have told"))["vestibule_accepted_total"], 4);
        }
        peers.iter().for_each(Peer::close);
        grouped.finish();
    });
}

#[test]
fn what_a_member_counted_stays_in_the_sums_once_it_is_freed_and_its_gauges_do_not() {
    level(|setup| {
        let mut grouped = Grouped::new(setup, 1);
        for _ in 0..2 {
            grouped.join(vec![plain(0)]);
        }
        let mut peers = serve(&mut grouped, 0, 2);
        peers.extend(serve(&mut grouped, 1, 3));
        assert_eq!(grouped.call(0, |engine| engine.metrics_of_group()), None);
        grouped.leave(1);
        grouped.run_for(0);
        let text =
            grouped.call(0, |engine| engine.metrics_of_group()).expect("nobody is left to ask");
        let found = samples(&text);
        assert_eq!(found["vestibule_accepted_total"], 5);
        assert_eq!(found[&format!("vestibule_listener_accepted_total{LISTENER}")], 5);
        assert_eq!(found["vestibule_connections"], 4);
        grouped.call(0, |engine| engine.metrics_fetched());
        let alone = grouped.call(0, |engine| engine.metrics_of_group()).expect("it is alone");
        assert_eq!(samples(&alone)["vestibule_accepted_total"], 5);
        peers.iter().for_each(Peer::close);
        grouped.finish();
    });
}

#[test]
fn a_table_that_members_share_counts_once_and_others_of_its_name_count_apart() {
    use super::rules::ruled;
    const TABLE: &str = "stick-table type ip size 9 store conn_cur\n\
        tcp-request connection track-sc0 src";
    level(|setup| {
        let mut grouped = Grouped::new(setup, 1);
        let shared = ruled(AcceptConfig::default(), TABLE);
        for member in 0..2 {
            grouped.join(vec![plain(0)]);
            let at = Addr::parse(&format!("192.0.2.1:{}", 90 + member)).expect("an address");
            let rig = &mut grouped.members[member].rig;
            rig.listen_at(&at, shared.clone(), Default::default());
            let at = Addr::parse(&format!("192.0.2.1:{}", 95 + member)).expect("an address");
            rig.listen_at(&at, ruled(AcceptConfig::default(), TABLE), Default::default());
        }
        let found = samples(&text_of(&mut grouped, 0, 0));
        let sizes = found.iter().filter(|(name, _)| name.starts_with("vestibule_table_size"));
        let sizes: Vec<u64> = sizes.map(|(_, size)| *size).collect();
        assert_eq!(sizes, [9; 3], "the shared one, and one of each");
        grouped.finish();
    });
}

#[test]
fn a_monitor_gets_the_metrics_of_the_group_as_soon_as_all_have_told() {
    level(|setup| {
        for hangs in [false, true] {
            let mut grouped = Grouped::new(setup, 1);
            for _ in 0..2 {
                grouped.join(vec![(server(0), None)]);
            }
            let peers = serve(&mut grouped, 1, 2);
            let there = Addr::parse("192.0.2.1:90").expect("an address");
            let monitor = Monitor { sources: Trust::everyone(), answer: MonitorAnswer::Metrics };
            let config = AcceptConfig { monitor: Some(monitor), ..Default::default() };
            grouped.members[0].rig.listen_at(&there, config, Default::default());
            grouped.members[1].hangs = hangs;
            let monitors: Vec<Peer> = (1..=3)
                .map(|port| {
                    let from = Addr::parse(&format!("198.51.100.9:{port}")).expect("an address");
                    let peer = grouped.world.connect(&there, from);
                    peer.send(b"GET /metrics HTTP/1.1\r\n\r\n");
                    peer
                })
                .collect();
            // One does not wait.
            monitors[2].reset();
            grouped.run_for(500 * MILLISECOND);
            assert_eq!(monitors[0].received().is_empty(), hangs);
            grouped.run_for(SECOND);
            for monitor in &monitors[..2] {
                let heard = String::from_utf8(monitor.received()).expect("text");
                let (_, body) = heard.split_once("\r\n\r\n").expect("a head");
                // One that has never told has nothing to count.
                let due = if hangs { 2 } else { 4 };
                assert!(samples(body)["vestibule_connections"] >= due, "{body}");
                monitor.close();
            }
            grouped.members[1].hangs = false;
            peers.iter().for_each(Peer::close);
            grouped.finish();
        }
    });
}
