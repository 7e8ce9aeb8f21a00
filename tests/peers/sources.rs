//! Where the connections of proxy to its servers come from.

use std::fs;
use std::net::SocketAddr;

use vestibule::sys::has_port_ranges;

use crate::ends::{at, connect, listen};
use crate::servers::{HOSTS, proxy};
use crate::support::missing;

/// Two addresses of loopback.
const ADDRESSES: [&str; 2] = ["127.0.0.2", "127.0.0.3"];

/// Streams to look at.
const STREAMS: usize = 12;

/// Where a server sees the connections of a proxy come from, one after the other.
fn origins(words: &str, host: &str) -> Vec<SocketAddr> {
    let listener = listen();
    let source = ADDRESSES.join(",");
    let backend = at(&listener);
    let proxy = proxy(&format!("--backend {backend} --source {source} {words} --host {host}"));
    let front = proxy.ready();
    let streams = (0..STREAMS).map(|_| {
        let client = connect(&front);
        let (server, from) = listener.accept().expect("the proxy connects");
        (client, server, from)
    });
    // All at once, so that no port is free again.
    streams.collect::<Vec<_>>().into_iter().map(|(.., from)| from).collect()
}

#[test]
fn servers_are_connected_to_from_each_source_address_in_turn() {
    for host in HOSTS {
        let seen: Vec<String> =
            origins("", host).iter().map(|from| from.ip().to_string()).collect();
        let turns = ADDRESSES.repeat(STREAMS / 2);
        let shifted: Vec<_> = turns.iter().cycle().skip(1).take(STREAMS).copied().collect();
        assert!(seen == turns || seen == shifted, "{seen:?}");
    }
}

#[test]
fn the_ports_of_source_addresses_are_those_that_are_allowed() {
    let exist = has_port_ranges().then_some(()).or_else(|| missing("IP_LOCAL_PORT_RANGE"));
    let Some(()) = exist else { return };
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").expect("it is there");
    let first: u16 =
        range.split_whitespace().next().and_then(|first| first.parse().ok()).expect("a port");
    // Other programs may have some of them.
    let last = first + 199;
    for host in HOSTS {
        let seen = origins(&format!("--source-ports {first}-{last}"), host);
        let are_in_range = seen.iter().all(|from| (first..=last).contains(&from.port()));
        assert!(are_in_range, "{first} to {last}: {seen:?}");
    }
}
