//! Randomised runs: everything follows from a seed, which is printed when a run fails.

use std::sync::Arc;

use super::far_end::{FarEnd, Taken, take_all};
use super::header::proxied;
use super::host::{Program, silent};
use super::rig::{Context, FIRST_CLIENT, Rig, Setup, Weather, third, yonder};
use super::tls::connecting;
use super::tls_peer::pair;
use crate::config::{AcceptConfig, ConnectConfig, SendProxy};
use crate::cx::Trigger;
use crate::engine::{Event, EventKind, Record};
use crate::sim::{ConnectResponse, Random};
use crate::time::{MILLISECOND, SECOND};
use crate::tls::TlsVersion;

/// Seeds of an ordinary test run.
const SEEDS: u64 = 3_000;
/// Each side of the engine has TLS in one run of so many.
const TLS_ONE_IN: u64 = 3;
const HEADER: &[u8] = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\n";

#[allow(clippy::disallowed_methods)] // The library reads no environment; its tests may.
fn seeds() -> u64 {
    std::env::var("VST_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

/// A client or server of a run, and what it has sent.
struct Player {
    end: FarEnd,
    said: Vec<u8>,
    /// In the bytes it sends: shows which player sent them.
    tag: u8,
    /// A header comes before what is sent to it.
    headed: bool,
    /// It may still send something.
    open: bool,
    /// It left without waiting for what is sent to it.
    gone: bool,
}

/// Tags of servers begin here.
const SERVERS: u8 = 8;
/// The bits of a byte that are the tag of its sender; the others are its place.
const TAG: u8 = 15;

impl Player {
    const fn new(end: FarEnd, tag: u8, headed: bool) -> Self {
        Self { end, said: Vec::new(), tag, headed, open: true, gone: false }
    }

    fn say(&mut self, n: usize) {
        // A prime period that is no power of two, so that a piece in the wrong place shows.
        let from = self.said.len();
        let bytes: Vec<u8> = (from..from + n).map(|at| self.tag | ((at % 13) as u8) << 4).collect();
        self.end.say(&bytes);
        self.said.extend(bytes);
    }

    /// What it received, behind the header if one came in the clear.
    fn heard(&self) -> Vec<u8> {
        let mut heard = self.end.heard();
        if self.headed {
            let line = heard.iter().position(|byte| *byte == b'\n');
            heard.drain(..line.map_or(heard.len(), |at| at + 1));
        }
        heard
    }
}

/// What the clients and servers of a run do next.
fn misbehave(players: &mut [Player], random: &mut Random) {
    let i = random.below(players.len() as u64) as usize;
    let player = &mut players[i];
    match random.below(8) {
        0..=3 if player.open => player.say(1 + random.below(3_000) as usize),
        4 if player.open => {
            player.open = false;
            player.end.end();
        }
        5 if random.one_in(4) => {
            (player.open, player.gone) = (false, true);
            player.end.reset();
        }
        6 => player.end.peer().stall(random.one_in(2)),
        7 if random.one_in(3) => {
            (player.open, player.gone) = (false, true);
            player.end.close();
        }
        _ => {}
    }
}

/// Adds servers that were reached since the last time.
fn join(players: &mut Vec<Player>, taken: &Taken, headed: bool) {
    let servers = players.iter().filter(|player| player.tag >= SERVERS).count();
    for (i, end) in taken.borrow().iter().enumerate().skip(servers) {
        players.push(Player::new(end.clone(), SERVERS + i as u8, headed));
    }
}

/// A player that received something received the beginning of what one other sent, and no other player
/// receives that. Returns each player's source: `echoes` are their own.
fn sources(players: &[Player], echoes: bool) -> Vec<Option<usize>> {
    let mut sources = Vec::new();
    for player in players {
        let heard = player.heard();
        let source = heard.first().map(|first| {
            let tag = first & TAG;
            let source = players.iter().position(|other| other.tag == tag);
            source.expect("somebody said it")
        });
        if let Some(source) = source {
            let from = &players[source];
            assert!(from.said.starts_with(&heard), "{} heard what nobody said", player.tag);
            let is_server = |player: &Player| player.tag >= SERVERS;
            let own = from.tag == player.tag;
            assert!(if echoes { own } else { is_server(from) != is_server(player) });
            assert!(!sources.contains(&Some(source)), "two heard {}", from.tag);
        }
        sources.push(source);
    }
    sources
}

/// If there was no fault every byte arrived: `client` is a client's number, `moved` what the engine
/// counted of it, up and down.
fn check_whole(players: &[Player], sources: &[Option<usize>], client: usize, moved: [u64; 2]) {
    // A player that has left may have received nothing, so the pair is identified by either of the two.
    let hears_client = sources.iter().position(|source| *source == Some(client));
    let server = sources[client].or(hears_client);
    let said = |player: Option<usize>| player.map_or(0, |i| players[i].said.len());
    if server.is_some() {
        let counted = [said(Some(client)), said(server)].map(|n| n as u64);
        assert_eq!(moved, counted, "what was said and moved of client {client}");
    }
    for (player, other) in [(Some(client), server), (server, Some(client))] {
        let stayed = player.map(|i| &players[i]).filter(|player| !player.gone);
        if let Some(player) = stayed {
            assert_eq!(player.heard().len(), said(other), "{} misses something", player.tag);
        }
    }
}

/// The number of the client at the other end of a record.
fn client_of(record: &Record) -> usize {
    let port = record.peer.as_ip().map_or(0, |at| at.port());
    usize::from(port - FIRST_CLIENT)
}

/// Compares what was received with what was sent, and with what was reported to the host. Returns for
/// how many clients every byte was accounted for.
fn check(players: &[Player], events: &[Event], echoes: bool) -> usize {
    let sources = sources(players, echoes);
    let mut whole = 0;
    for event in events {
        match &event.kind {
            EventKind::Closed(record) if echoes && record.cause.is_none() => {
                let client = client_of(record);
                let player = &players[client];
                let all = player.gone || player.heard() == player.said;
                assert!(all, "the echo of {client} misses something");
                whole += 1;
            }
            EventKind::StreamEnd(report) if report.cause.is_none() => {
                let [Some(client), Some(server)] = &report.sides else { continue };
                if client.cause.is_none() && server.cause.is_none() {
                    check_whole(players, &sources, client_of(client), report.moved);
                    whole += 1;
                }
            }
            _ => {}
        }
    }
    whole
}

/// One run. Returns all calls that were made, and for how many clients nothing was lost.
fn run(seed: u64) -> (String, usize) {
    let context = Context(format!("VST seed {seed}"));
    let mut random = Random::new(seed);
    let trigger = if random.one_in(2) { Trigger::Level } else { Trigger::Edge };
    let weather = match random.below(4) {
        0 => Weather::Calm,
        1 => Weather::Narrow,
        _ => Weather::Rough,
    };
    let version = if random.one_in(2) { TlsVersion::Tls12 } else { TlsVersion::Tls13 };
    let mut tls = || random.one_in(TLS_ONE_IN).then_some(version);
    let (front, behind) = (tls(), tls());
    let send_proxy = random.one_in(2).then_some(SendProxy::V1);
    let idle = if random.one_in(2) { 5 * SECOND } else { 60 * SECOND };
    let config = behind.map_or_else(ConnectConfig::default, connecting);
    let config = Arc::new(ConnectConfig { send_proxy, ..config });
    let forwards = random.one_in(2);
    let program = if forwards {
        Program::Forward { to: yonder(), config, stream: silent(idle) }
    } else {
        Program::Echo
    };
    let mut rig = Rig::new(Setup { seed, trigger, weather, transport: third(seed) }, program);
    if random.one_in(3) {
        rig.world.tune(|knobs| {
            knobs.send_buffer = 3_000;
            knobs.receive_buffer = 2_000;
        });
    }
    let site = rig.world.serve(yonder());
    if random.one_in(5) {
        site.answer(
            [ConnectResponse::Refuse, ConnectResponse::Unreachable][random.below(2) as usize],
        );
    }
    let taken = take_all(&mut rig, site, behind, send_proxy.is_some(), |_| {});
    let headed = send_proxy.is_some() && behind.is_none();
    let proxy = random.one_in(2);
    let config = if proxy { proxied() } else { AcceptConfig::default() };
    rig.listen(AcceptConfig { tls: front.map(|version| pair(version).1), ..config });
    let mut players = Vec::new();
    for tag in 0..1 + random.below(4) as u8 {
        let header = if proxy && !random.one_in(8) { HEADER } else { b"" };
        players.push(Player::new(FarEnd::client(&mut rig, front, header), tag, false));
    }
    for _ in 0..5 + random.below(40) {
        join(&mut players, &taken, headed);
        misbehave(&mut players, &mut random);
        rig.run_for(random.below(2 * MILLISECOND));
        if random.one_in(20) {
            rig.run_for(random.below(4 * SECOND));
        }
    }
    join(&mut players, &taken, headed);
    // In the end all of them end in order, and then leave.
    for player in &players {
        player.end.peer().stall(false);
        if player.open {
            player.end.end();
        }
    }
    rig.run_for(4 * SECOND);
    for end in taken.borrow().iter() {
        end.end();
    }
    rig.run_for(4 * SECOND);
    for player in &players {
        player.end.close();
    }
    for end in taken.borrow().iter() {
        end.close();
    }
    rig.run();
    join(&mut players, &taken, headed);
    let world = rig.world.clone();
    let events = rig.finish();
    let whole = check(&players, &events, !forwards);
    drop(context);
    (world.trace(), whole)
}

#[test]
fn any_schedule_ends_with_nothing_lost_and_nothing_left() {
    let whole: usize = (0..seeds()).map(|seed| run(seed).1).sum();
    println!("nothing was lost of {whole} clients");
    assert!(whole as u64 > seeds() / 4, "in few runs could anything be lost: {whole}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..50 {
        assert!(run(seed) == run(seed), "seed {seed}");
    }
}
