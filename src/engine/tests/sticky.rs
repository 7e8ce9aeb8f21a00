//! Clients keep their servers: tables remember which server each has.

use std::sync::Arc;

use super::farm::{DELAY, Farm, address, close_all, options, reports, server};
use super::rig::{Setup, both, everywhere, here};
use super::rules::{client_key, ruled, table};
use crate::backend::{Admin, ServerChange, ServerConfig};
use crate::config::AcceptConfig;
use crate::sim::{ConnectResponse, Peer};
use crate::sys::Addr;
use crate::table::{DataType, Table, TableKey};
use crate::time::SECOND;

/// A client has the same server until it has not connected for a minute.
pub(super) const STICKY: &str = "stick-table type ip size 100 expire 1m store server_id\n\
    tcp-request connection track-sc0 src";

/// A farm whose clients are remembered, and the table they are in.
fn sticky(setup: Setup, text: &str, servers: Vec<ServerConfig>) -> (Farm, Arc<Table>) {
    let config = ruled(AcceptConfig::default(), text);
    let table = table(&config);
    let servers = servers.into_iter().map(|server| (server, None)).collect();
    (Farm::behind(config, setup, options(), servers), table)
}

fn three() -> Vec<ServerConfig> {
    (0..3).map(server).collect()
}

/// The server that is remembered for the client, the first counted as 1.
fn remembered(farm: &Farm, table: &Table) -> Option<u64> {
    table.get(TableKey::Ip(client_key()), DataType::ServerId, farm.rig.world.now())
}

/// The next of the client's visits reaches the server `site`, and ends.
#[track_caller]
fn visits(farm: &mut Farm, site: usize) {
    let client = farm.client(b"again");
    let peer = farm.sites[site].accept().expect("its server");
    assert_eq!(peer.received(), b"again");
    close_all(&[client, peer]);
    farm.rig.run_for(3 * SECOND);
}

#[test]
fn a_client_that_comes_back_gets_its_server_whatever_the_balance_says() {
    everywhere(|setup| {
        let (mut farm, table) = sticky(setup, STICKY, three());
        let peers: Vec<Peer> = (0..4).map(|_| farm.client(b"word")).collect();
        let met: Vec<Peer> = std::iter::from_fn(|| farm.sites[0].accept()).collect();
        assert_eq!(met.len(), 4, "all of one source");
        // Another source goes to another server.
        let from = Addr::parse("198.51.100.8:1").expect("an address");
        let other = farm.rig.world.connect(&here(), from);
        farm.rig.settle();
        let elsewhere = farm.sites[1].accept().expect("its turn");
        assert_eq!(remembered(&farm, &table), Some(1));
        close_all(&peers);
        close_all(&met);
        close_all(&[other, elsewhere]);
        farm.rig.run_for(10 * SECOND);
        visits(&mut farm, 0);
        farm.rig.run_for(61 * SECOND);
        visits(&mut farm, 2);
        assert_eq!(remembered(&farm, &table), Some(3), "the first was forgotten");
        let events = farm.finish();
        assert!(reports(&events).iter().all(|report| report.attempts == 1));
    });
}

#[test]
fn a_remembered_server_that_is_full_is_waited_for_and_no_retry_is_counted() {
    everywhere(|setup| {
        let servers = (0..2).map(|i| ServerConfig { maxconn: 1, ..server(i) }).collect();
        let (mut farm, _) = sticky(setup, STICKY, servers);
        let [one, two] = [farm.client(b"first"), farm.client(b"second")];
        let first = farm.sites[0].accept().expect("it came");
        assert!(farm.sites[0].accept().is_none() && farm.sites[1].accept().is_none());
        close_all(&[one, first]);
        farm.rig.settle();
        let second = farm.sites[0].accept().expect("the place is free");
        assert_eq!(second.received(), b"second");
        let all = farm.rig.engine.backend_stats(farm.backend, None).expect("it is there");
        assert_eq!((all.counters.retries, all.counters.redispatches), (0, 0));
        close_all(&[two, second]);
        farm.finish();
    });
}

#[test]
fn a_server_that_drains_keeps_its_clients_and_one_that_serves_no_more_loses_them() {
    both(|setup| {
        let (mut farm, table) = sticky(setup, STICKY, three());
        visits(&mut farm, 0);
        farm.set(0, ServerChange::Admin(Admin::Drain));
        visits(&mut farm, 0);
        farm.set(0, ServerChange::Admin(Admin::Maintenance));
        visits(&mut farm, 1);
        assert_eq!(remembered(&farm, &table), Some(2));
        farm.set(0, ServerChange::Admin(Admin::Ready));
        visits(&mut farm, 1);
        farm.set(1, ServerChange::Addresses(vec![]));
        visits(&mut farm, 2);
        farm.set(1, ServerChange::Addresses(vec![address(1)]));
        visits(&mut farm, 2);
        farm.finish();
    });
}

#[test]
fn a_remembered_server_that_is_out_of_reach_is_left_for_one_remembered_then() {
    everywhere(|setup| {
        let (mut farm, table) = sticky(setup, STICKY, (0..2).map(server).collect());
        visits(&mut farm, 0);
        farm.sites[0].answer(ConnectResponse::Refuse);
        let client = farm.client(b"request");
        assert_eq!(remembered(&farm, &table), Some(1), "nothing else was reached yet");
        farm.rig.run_for(4 * DELAY);
        let peer = farm.sites[1].accept().expect("the last attempt");
        assert_eq!(peer.received(), b"request");
        assert_eq!(remembered(&farm, &table), Some(2));
        farm.sites[0].answer(ConnectResponse::Accept);
        close_all(&[client, peer]);
        farm.rig.run_for(3 * SECOND);
        visits(&mut farm, 1);
        let events = farm.finish();
        let attempts: Vec<u32> = reports(&events).iter().map(|report| report.attempts).collect();
        assert_eq!(attempts, [1, 4, 1]);
    });
}

#[test]
fn the_host_can_send_a_client_to_a_server_and_a_number_of_none_is_no_wish() {
    both(|setup| {
        let (mut farm, table) = sticky(setup, STICKY, three());
        let set = |farm: &Farm, number| {
            let now = farm.rig.world.now();
            table
                .set(TableKey::Ip(client_key()), DataType::ServerId, number, now)
                .expect("it is stored");
        };
        set(&farm, 3);
        visits(&mut farm, 2);
        for (number, site) in [(4, 0), (u64::from(u32::MAX), 1), (u64::MAX, 2), (0, 0)] {
            set(&farm, number);
            visits(&mut farm, site);
            assert_eq!(remembered(&farm, &table), Some(site as u64 + 1), "{number}");
        }
        farm.finish();
    });
}

#[test]
fn the_first_entry_that_remembers_a_server_counts_and_every_one_remembers() {
    const TEXT: &str = "stick-table type ip size 100 expire 1m store server_id\n\
        tcp-request connection track-sc0 src table counts\n\
        tcp-request connection track-sc1 src\n\
        tcp-request connection track-sc2 dst_port table ports\n\
        backend counts\n\
        stick-table type ip size 100 store conn_cnt\n\
        backend ports\n\
        stick-table type integer size 100 store server_id";
    both(|setup| {
        let (mut farm, table) = sticky(setup, TEXT, three());
        let rules = farm.rig.rules[0].current();
        let ports = rules.tables().get("ports").expect("a table");
        let known = |farm: &Farm| {
            ports.get(TableKey::Integer(80), DataType::ServerId, farm.rig.world.now())
        };
        let set = |table: &Table, key: TableKey<'_>, number| {
            table.set(key, DataType::ServerId, number, crate::time::Time(1)).expect("it is stored");
        };
        set(&table, TableKey::Ip(client_key()), 2);
        set(ports, TableKey::Integer(80), 3);
        visits(&mut farm, 1);
        assert_eq!((remembered(&farm, &table), known(&farm)), (Some(2), Some(2)));
        set(&table, TableKey::Ip(client_key()), 0);
        set(ports, TableKey::Integer(80), 3);
        visits(&mut farm, 2);
        assert_eq!((remembered(&farm, &table), known(&farm)), (Some(3), Some(3)));
        farm.finish();
    });
}

#[test]
fn a_server_that_no_table_has_a_place_for_is_not_remembered() {
    both(|setup| {
        let text = "stick-table type ip size 100 store conn_cnt\n\
            tcp-request connection track-sc0 src";
        let (mut farm, table) = sticky(setup, text, three());
        (0..3).for_each(|site| visits(&mut farm, site));
        assert_eq!(remembered(&farm, &table), None);
        farm.finish();
    });
}
