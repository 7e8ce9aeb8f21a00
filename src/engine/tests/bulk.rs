//! Bytes in bulk: streams that change from copying to splicing, and everything that can happen in
//! between.

use std::sync::Arc;

use super::host::{Program, silent};
use super::rig::{
    Carrier, Context, Rig, Setup, Weather, both, everywhere, on_sockets, on_sockets_everywhere,
    yonder,
};
use super::stream::{pattern, report};
use crate::config::{AcceptConfig, ConnectConfig, SendProxy};
use crate::cx::Trigger;
use crate::data::UNIT;
use crate::engine::EngineOptions;
use crate::sim::{CallKind, Knobs, Peer, Random};
use crate::sys::Errno;
use crate::time::{FOREVER, SECOND};

const BULK: usize = 600_000;
/// Random runs.
const RUNS: u64 = 400;

fn program(send_proxy: Option<SendProxy>) -> Program {
    let config = Arc::new(ConnectConfig { send_proxy, ..ConnectConfig::default() });
    Program::Forward { to: yonder(), config, stream: silent(FOREVER) }
}

/// A network whose reads fill buffers.
pub(super) fn broad(knobs: &mut Knobs) {
    knobs.send_buffer = 256 * 1024;
    knobs.receive_buffer = 256 * 1024;
    knobs.max_segment = knobs.max_segment.max(2_000);
}

struct Joined {
    rig: Rig,
    client: Peer,
    server: Peer,
}

fn join(setup: Setup, options: EngineOptions, tune: impl Fn(&mut Knobs)) -> Joined {
    let mut rig = Rig::with(setup, program(None), options);
    rig.world.tune(broad);
    rig.world.tune(tune);
    let site = rig.world.serve(yonder());
    rig.listen(AcceptConfig::default());
    let client = rig.peer();
    rig.settle();
    let server = site.accept().expect("it came");
    Joined { rig, client, server }
}

fn splices(rig: &Rig) -> u64 {
    rig.world.calls_of(CallKind::SpliceOut)
}

#[test]
fn a_bulk_transfer_each_way_is_spliced_and_arrives_as_it_was() {
    on_sockets(|setup| {
        let Joined { mut rig, client, server } = join(setup, EngineOptions::default(), |_| {});
        let (up, down) = (pattern(BULK, 1), pattern(BULK, 2));
        client.send(&up);
        server.send(&down);
        rig.run_for(SECOND);
        // An end that is reported would keep a descriptor ready, and what splices must not need one.
        assert!(splices(&rig) > 8, "{}", splices(&rig));
        client.shutdown_write();
        rig.run_for(SECOND);
        assert!(server.saw_fin() && !client.saw_fin(), "a half-close goes behind the last byte");
        server.shutdown_write();
        rig.run();
        assert!(server.received() == up && client.received() == down);
        let copies = rig.world.calls_of(CallKind::Recv);
        let all = (2 * BULK / UNIT) as u64;
        assert!(copies < all * 2 / 3, "most of the bulk was not copied: {copies} of {all}");
        assert_eq!(report(&rig.finish()).moved, [BULK as u64; 2]);
    });
}

#[test]
fn in_any_weather_and_through_any_pipe_every_byte_arrives_once() {
    on_sockets_everywhere(|setup| {
        // With fewer than sixteen slots a pipe is too small to be used.
        for (slots, bytes) in [(16, 4096), (16, 100), (256, 256), (64, 1)] {
            let Joined { mut rig, client, server } =
                join(setup, EngineOptions::default(), |knobs| {
                    knobs.pipe_slots = slots;
                    knobs.slot_bytes = bytes;
                });
            // Where a byte comes at a time there is no bulk.
            let most = if setup.weather == Weather::Narrow { 2_000 } else { 80_000 };
            let (up, down) = (pattern(most, 1), pattern(most + most / 2, 2));
            client.send(&up);
            server.send(&down);
            server.stall(true);
            rig.run_for(SECOND);
            server.stall(false);
            client.shutdown_write();
            server.shutdown_write();
            rig.run();
            assert!(server.received() == up && client.received() == down, "{slots} {bytes}");
            assert_eq!(splices(&rig) > 0, setup.weather != Weather::Narrow, "{slots} {bytes}");
            rig.finish();
        }
    });
}

#[test]
fn a_stalled_peer_costs_one_pipe_each_way_at_most() {
    on_sockets(|setup| {
        let Joined { mut rig, client, server } = join(setup, EngineOptions::default(), |_| {});
        client.send(&pattern(BULK, 1));
        rig.run_for(SECOND);
        server.stall(true);
        client.send(&pattern(8 * BULK, 1));
        rig.run_for(10 * SECOND);
        assert!(rig.engine.buffers_in_use() <= 1);
        assert!(rig.world.open_fds().len() <= 3 + 4, "two sockets and at most two pipes");
        let calls = rig.world.calls();
        rig.run_for(10 * SECOND);
        assert_eq!(rig.world.calls(), calls, "nothing happens while it is stalled");
        server.stall(false);
        client.shutdown_write();
        server.shutdown_write();
        rig.run();
        assert_eq!(server.received().len(), 9 * BULK);
        rig.finish();
    });
}

#[test]
fn a_reset_with_bytes_in_the_pipe_leaves_no_pipe_behind() {
    everywhere(|setup| {
        for server_resets in [false, true] {
            let Joined { mut rig, client, server } = join(setup, EngineOptions::default(), |_| {});
            server.stall(true);
            let most = if setup.weather == Weather::Narrow { 5_000 } else { 2 * BULK };
            client.send(&pattern(most, 1));
            rig.run_for(SECOND);
            server.stall(false);
            let (resets, other) =
                if server_resets { (&server, &client) } else { (&client, &server) };
            resets.reset();
            rig.run_for(SECOND);
            other.close();
            rig.run();
            assert!(server_resets || pattern(2 * BULK, 1).starts_with(&server.received()));
            rig.finish();
        }
    });
}

#[test]
fn without_pipes_of_full_size_or_where_none_are_wanted_bytes_are_copied() {
    both(|setup| {
        for (max_pipes, pipe_slots, fails) in [(0, 16, false), (64, 2, false), (64, 16, true)] {
            let options = EngineOptions { max_pipes, ..EngineOptions::default() };
            let Joined { mut rig, client, server } =
                join(setup, options, |knobs| knobs.pipe_slots = pipe_slots);
            if fails {
                rig.world.fail_nth(CallKind::Pipe, 1, Errno(libc::ENFILE), true);
            }
            let up = pattern(BULK, 1);
            client.send(&up);
            client.shutdown_write();
            server.shutdown_write();
            rig.run();
            assert!(server.received() == up);
            assert_eq!(splices(&rig), 0);
            assert!(rig.world.calls_of(CallKind::Pipe) <= 1, "it is not asked again and again");
            rig.finish();
        }
    });
}

#[test]
fn what_is_encrypted_on_either_side_is_never_spliced() {
    use super::far_end::{FarEnd, take_all};
    use super::orders::Layers;
    use crate::tls::TlsVersion;

    both(|setup| {
        for layers in &Layers::all(TlsVersion::Tls13)[1..] {
            let mut rig = layers.rig(setup, FOREVER);
            rig.world.tune(broad);
            let site = rig.world.serve(yonder());
            let words = pattern(200_000, 2);
            let taken = take_all(&mut rig, site, layers.behind, false, |_| {});
            let client = FarEnd::client(&mut rig, layers.front, &[]);
            rig.run_for(SECOND);
            client.say(&words);
            client.end();
            rig.run_for(SECOND);
            let server = taken.borrow()[0].clone();
            server.end();
            rig.run();
            assert!(server.heard() == words, "{layers:?}");
            assert_eq!(splices(&rig), 0, "{layers:?}");
            rig.finish();
        }
    });
}

#[test]
fn where_splicing_is_not_allowed_bytes_are_copied_and_it_is_not_tried_again() {
    on_sockets(|setup| {
        for errno in [libc::EPERM, libc::ENOSYS, libc::EINVAL] {
            let Joined { mut rig, client, server } = join(setup, EngineOptions::default(), |_| {});
            rig.world.fail_nth(CallKind::SpliceIn, 1, Errno(errno), true);
            let up = pattern(BULK, 1);
            client.send(&up);
            rig.run_for(SECOND);
            client.shutdown_write();
            server.shutdown_write();
            rig.run();
            assert!(server.received() == up);
            assert_eq!(rig.world.calls_of(CallKind::SpliceIn), 1);
            let events = rig.finish();
            assert_eq!(report(&events).termination.letters(), *b"--");
        }
    });
}

#[test]
fn random_transfers_that_splice_lose_and_double_nothing() {
    let (mut spliced, mut broken) = (0, 0);
    for seed in 0..RUNS {
        let context = Context(format!("seed {seed}"));
        let run = random_transfer(seed);
        drop(context);
        spliced += u64::from(run.spliced);
        broken += u64::from(run.broken);
    }
    assert!(spliced > RUNS / 3, "few runs were spliced: {spliced}");
    assert!(broken > RUNS / 10, "few were broken off: {broken}");
}

struct Run {
    spliced: bool,
    broken: bool,
}

/// Both send a lot and sometimes stop reading. In some runs one of them stops in the middle.
fn random_transfer(seed: u64) -> Run {
    let mut random = Random::new(seed);
    let trigger = if random.one_in(2) { Trigger::Level } else { Trigger::Edge };
    let weather = if random.one_in(2) { Weather::Calm } else { Weather::Rough };
    let (slots, bytes) = (16 + random.below(16) as usize, 1 + random.below(4096) as usize);
    let Joined { mut rig, client, server } = join(
        Setup { seed, trigger, weather, transport: Carrier::Socket },
        EngineOptions::default(),
        |knobs| {
            knobs.pipe_slots = slots;
            knobs.slot_bytes = bytes;
        },
    );
    let peers = [&client, &server];
    let mut said = [Vec::new(), Vec::new()];
    let mut gone = None;
    for _ in 0..4 + random.below(12) {
        let who = random.below(2) as usize;
        match random.below(16) {
            0..=3 => peers[who].stall(random.one_in(2)),
            4 if gone.is_none() => {
                peers[who].reset();
                gone = Some(who);
            }
            _ if gone == Some(who) => {}
            _ => {
                let words = pattern(1 + random.below(150_000) as usize, who as u8);
                peers[who].send(&words);
                said[who].extend(words);
            }
        }
        rig.run_for(random.below(SECOND / 200));
    }
    for (who, peer) in peers.iter().enumerate() {
        peer.stall(false);
        if gone != Some(who) {
            peer.shutdown_write();
        }
    }
    rig.run();
    let heard = [server.received(), client.received()];
    for (said, heard) in said.iter().zip(&heard) {
        assert!(said.starts_with(heard));
        assert!(gone.is_some() || said.len() == heard.len());
    }
    let spliced = splices(&rig) > 0;
    let events = rig.finish();
    let broken = report(&events).cause.is_some();
    assert!(gone.is_some() || !broken);
    Run { spliced, broken }
}
