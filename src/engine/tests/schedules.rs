//! Randomised runs: everything follows from a seed, which is printed when a run fails.

use std::sync::Arc;

use super::header::proxied;
use super::host::{Program, silent};
use super::rig::{Context, Rig, Setup, Weather, yonder};
use crate::config::{AcceptConfig, ConnectConfig, SendProxy};
use crate::cx::Trigger;
use crate::sim::{Answer, Peer, Random};
use crate::time::{MILLISECOND, SECOND};

/// Seeds of an ordinary test run.
const SEEDS: u64 = 400;
const HEADER: &[u8] = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\n";

#[allow(clippy::disallowed_methods)] // The library reads no environment; its tests may.
fn seeds() -> u64 {
    std::env::var("VST_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

/// What the clients and servers of a run do next.
fn misbehave(peers: &[Peer], open: &mut [bool], random: &mut Random) {
    let i = random.below(peers.len() as u64) as usize;
    let peer = &peers[i];
    match random.below(8) {
        0..=3 if open[i] => {
            let n = 1 + random.below(3_000) as usize;
            peer.send(&vec![i as u8; n]);
        }
        4 if open[i] => {
            open[i] = false;
            peer.shutdown_write();
        }
        5 if random.one_in(4) => {
            open[i] = false;
            peer.reset();
        }
        6 => peer.stall(random.one_in(2)),
        7 if random.one_in(3) => {
            open[i] = false;
            peer.close();
        }
        _ => {}
    }
}

/// One run. Tells all calls that were made.
fn run(seed: u64) -> String {
    let context = Context(format!("VST seed {seed}"));
    let mut random = Random::new(seed);
    let trigger = if random.one_in(2) { Trigger::Level } else { Trigger::Edge };
    let weather = match random.below(4) {
        0 => Weather::Calm,
        1 => Weather::Narrow,
        _ => Weather::Rough,
    };
    let send_proxy = random.one_in(2).then_some(SendProxy::V1);
    let idle = if random.one_in(2) { 5 * SECOND } else { 60 * SECOND };
    let config = Arc::new(ConnectConfig { send_proxy, ..ConnectConfig::default() });
    let forwards = random.one_in(2);
    let program = if forwards {
        Program::Forward { to: yonder(), config, stream: silent(idle) }
    } else {
        Program::Echo
    };
    let mut rig = Rig::new(Setup { seed, trigger, weather }, program);
    if random.one_in(3) {
        rig.world.tune(|knobs| {
            knobs.send_buffer = 3_000;
            knobs.receive_buffer = 2_000;
        });
    }
    let site = rig.world.serve(yonder());
    if random.one_in(5) {
        site.answer([Answer::Refuse, Answer::Unreachable][random.below(2) as usize]);
    }
    let proxy = random.one_in(2);
    rig.listen(if proxy { proxied() } else { AcceptConfig::default() });
    let mut peers = Vec::new();
    let mut open = Vec::new();
    for _ in 0..1 + random.below(4) {
        let peer = rig.peer();
        if proxy && !random.one_in(8) {
            peer.send(HEADER);
        }
        peers.push(peer);
        open.push(true);
    }
    for _ in 0..5 + random.below(40) {
        while let Some(server) = site.accept() {
            peers.push(server);
            open.push(true);
        }
        misbehave(&peers, &mut open, &mut random);
        rig.run_for(random.below(2 * MILLISECOND));
        if random.one_in(20) {
            rig.run_for(random.below(4 * SECOND));
        }
    }
    while let Some(server) = site.accept() {
        peers.push(server);
        open.push(true);
    }
    for peer in &peers {
        peer.stall(false);
        peer.close();
    }
    rig.run();
    let world = rig.world.clone();
    rig.finish();
    drop(context);
    world.trace()
}

#[test]
fn any_schedule_ends_with_nothing_lost_and_nothing_left() {
    for seed in 0..seeds() {
        run(seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..50 {
        assert!(run(seed) == run(seed), "seed {seed}");
    }
}
