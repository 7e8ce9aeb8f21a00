use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::ProptestConfig;

use super::*;
use crate::config::ConnectConfig;
use crate::time::SECOND;

mod balance;
mod health;
mod model;
mod queue;
mod scenes;

const NOW: Time = Time(SECOND);

fn proptests() -> ProptestConfig {
    let cases = if cfg!(miri) { 3 } else { 512 };
    ProptestConfig { cases, failure_persistence: None, ..Default::default() }
}

fn address(port: u16) -> Addr {
    Addr::ip(std::net::SocketAddr::from(([127, 0, 0, 1], port)))
}

fn server(name: &str) -> ServerConfig {
    ServerConfig {
        name: name.into(),
        addresses: vec![address(80)],
        weight: Weight::default(),
        backup: false,
        maxconn: u32::MAX,
        maxqueue: 10,
        connect: Arc::new(ConnectConfig::default()),
        health: HealthConfig::default(),
    }
}

fn weighing(name: &str, weight: u16) -> ServerConfig {
    ServerConfig { weight: Weight::new(weight).unwrap(), ..server(name) }
}

fn at_most(name: &str, maxconn: u32) -> ServerConfig {
    ServerConfig { maxconn, ..server(name) }
}

fn config(method: BalanceMethod) -> BackendConfig {
    BackendConfig { method, maxconn: u32::MAX, maxqueue: 10, retries: Retries::default(), seed: 7 }
}

fn backend_of(config: BackendConfig, servers: impl IntoIterator<Item = ServerConfig>) -> Backend {
    let mut backend = Backend::new(config);
    for server in servers {
        backend.add(server, NOW).unwrap();
    }
    backend
}

fn backend(method: BalanceMethod, servers: impl IntoIterator<Item = ServerConfig>) -> Backend {
    backend_of(config(method), servers)
}

const fn request(ticket: u64) -> Request {
    Request { ticket: Ticket(ticket), source: None, affinity: Affinity::Any, front: false }
}

const fn from(source: u64) -> Request {
    Request { source: Some(source), ..request(0) }
}

#[track_caller]
fn assigned(answer: Assignment) -> ServerSlot {
    match answer {
        Assignment::Assigned(slot) => slot,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn queued(answer: Assignment) -> Place {
    match answer {
        Assignment::Queued(place) => place,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(answer: Assignment) -> Unassigned {
    match answer {
        Assignment::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn name_of<'a>(backend: &'a Backend, slot: &ServerSlot) -> &'a str {
    backend.server(slot.server()).unwrap().name()
}

/// The names of the servers that `n` streams get, of which none ends.
fn sequence(backend: &mut Backend, n: usize) -> String {
    let mut names = String::new();
    for _ in 0..n {
        let slot = assigned(backend.ask(request(0)));
        names += name_of(backend, &slot);
    }
    names
}

/// How many of `n` streams each server gets if each leaves before the next one enters.
fn shares(
    backend: &mut Backend,
    requests: impl Iterator<Item = Request>,
) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for request in requests {
        let slot = assigned(backend.ask(request));
        *shares.entry(name_of(backend, &slot).to_owned()).or_default() += 1;
        backend.release(slot);
    }
    shares
}

/// The tickets that get a server until there is none, each with the name of its server. The slots are
/// not given back.
fn called(backend: &mut Backend) -> Vec<(u64, String)> {
    std::iter::from_fn(|| {
        let (ticket, slot) = backend.next()?;
        Some((ticket.0, name_of(backend, &slot).to_owned()))
    })
    .collect()
}

fn set(backend: &mut Backend, index: u32, change: ServerChange) {
    backend.set(ServerIndex(index), change, NOW).unwrap();
}
