//! Random farms: a backend, its servers and its clients act at random. Everything follows from a seed,
//! and a run that fails is reduced to the steps that matter.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::bulk::broad;
use super::far_end::{FarEnd, Taken, take_all};
use super::farm_steps::{Step, steps};
use super::host::Program;
use super::rig::{Rig, Setup, Weather, third};
use super::rules::ruled;
use super::sticky::STICKY;
use super::tls::{accepting, connecting};
use crate::backend::{
    Admin, BackendConfig, BalanceMethod, HealthConfig, Recovery, Redispatch, Retries, ServerChange,
    ServerConfig, ServerIndex, Weight,
};
use crate::config::{AcceptConfig, ConnectConfig, SendProxy, StreamConfig};
use crate::cx::Trigger;
use crate::engine::{BackendOptions, EngineOptions, EventKind};
use crate::id::Id;
use crate::random::Random;
use crate::sim::{CallKind, ConnectResponse, RemoteServer};
use crate::stream::{InterfaceState, SERVER};
use crate::sys::{Addr, Errno};
use crate::time::{FOREVER, SECOND};
use crate::tls::TlsVersion;

/// Seeds of an ordinary test run, in as many tests as there are parts.
const SEEDS: u64 = 10_000;
const PARTS: u64 = 4;
/// Every peer sends its name first, which has this length.
const NAME: usize = 4;
/// Each side of the engine has TLS in one run of so many.
const TLS_ONE_IN: u64 = 6;
/// In one run of so many in which no side has TLS, every peer sends so many times as much.
const BULK_ONE_IN: u64 = 4;
const BULK: usize = 40;

/// A client or a server's end, and what it has sent.
struct Player {
    end: FarEnd,
    name: [u8; NAME],
    said: Vec<u8>,
    open: bool,
    broken: bool,
}

impl Player {
    fn new(end: FarEnd, name: [u8; NAME]) -> Self {
        Self { end, name, said: Vec::new(), open: true, broken: false }
    }

    fn say(&mut self, n: usize) {
        let mut words = if self.said.is_empty() { self.name.to_vec() } else { Vec::new() };
        let from = self.said.len();
        words.extend((from..from + n).map(|i| (i % 251) as u8 ^ self.name[3]));
        self.end.say(&words);
        self.said.extend(words);
    }
}

/// A server of the backend, and its connections.
struct Site {
    server: RemoteServer,
    taken: Taken,
    met: usize,
}

/// What a seed decides apart from the steps.
struct Farm {
    rig: Rig,
    backend: Id,
    sites: Vec<Site>,
    clients: Vec<Player>,
    servers: Vec<Player>,
    /// What protects the bytes of the clients.
    front: Option<TlsVersion>,
    /// A header is sent ahead of what servers receive.
    headed: bool,
    /// What is sent is so many times as long.
    times: usize,
    maxconn: Vec<u32>,
}

fn address(i: usize) -> Addr {
    Addr::parse(&format!("203.0.113.{}:443", 10 + i)).expect("an address")
}

/// A number below `most`, or no bound.
fn bound(random: &mut Random, most: u64) -> u32 {
    match random.below(most) as u32 {
        0 => u32::MAX,
        number => number,
    }
}

impl Farm {
    fn new(seed: u64, random: &mut Random) -> Self {
        let trigger = if random.one_in(2) { Trigger::Level } else { Trigger::Edge };
        let weather = [Weather::Calm, Weather::Calm, Weather::Narrow, Weather::Rough];
        let weather = weather[random.below(4) as usize];
        let setup = Setup { seed, trigger, weather, transport: third(seed) };
        let mut rig = Rig::with(setup, Program::Idle, EngineOptions::default());
        if random.one_in(3) {
            rig.world.tune(|knobs| {
                knobs.send_buffer = 3_000;
                knobs.receive_buffer = 2_000;
            });
        }
        let methods = [
            BalanceMethod::RoundRobin,
            BalanceMethod::LeastConnections,
            BalanceMethod::SourceHash,
            BalanceMethod::RandomOfTwo,
        ];
        let options = BackendOptions {
            config: BackendConfig {
                method: methods[random.below(4) as usize],
                maxconn: bound(random, 4),
                maxqueue: random.below(6) as u32,
                retries: Retries {
                    retries: random.below(4) as u32,
                    redispatch: [Redispatch::Never, Redispatch::Last][random.below(2) as usize],
                    delay: random.below(SECOND),
                },
                seed,
            },
            queue_timeout: match random.below(3) {
                0 => FOREVER,
                seconds => seconds * SECOND,
            },
            user: 0,
        };
        let backend = rig.call(|engine| engine.add_backend(options)).expect("there is room");
        let version = if random.one_in(2) { TlsVersion::Tls12 } else { TlsVersion::Tls13 };
        let mut tls = || random.one_in(TLS_ONE_IN).then_some(version);
        let (front, behind) = (tls(), tls());
        let fit = front.is_none() && behind.is_none() && setup.weather != Weather::Narrow;
        let times = if fit && random.one_in(BULK_ONE_IN) { BULK } else { 1 };
        if times > 1 {
            rig.world.tune(broad);
        }
        let headed = random.one_in(2);
        let connect = Arc::new(ConnectConfig {
            send_proxy: headed.then_some(SendProxy::V1),
            ..behind.map_or_else(ConnectConfig::default, connecting)
        });
        let (mut sites, mut maxconn) = (Vec::new(), Vec::new());
        for i in 0..1 + random.below(3) as usize {
            let config = ServerConfig {
                name: format!("s{i}").into(),
                addresses: vec![address(i)],
                weight: Weight::default(),
                backup: i > 0 && random.one_in(4),
                maxconn: bound(random, 3),
                maxqueue: random.below(6) as u32,
                connect: Arc::clone(&connect),
                health: HealthConfig {
                    connect_errors: bound(random, 3),
                    recovery: Recovery::Trial(1 + random.below(5 * SECOND)),
                },
            };
            maxconn.push(config.maxconn);
            let server = rig.world.serve(address(i));
            let taken = take_all(&mut rig, server.clone(), behind, headed, |_| {});
            sites.push(Site { server, taken, met: 0 });
            rig.call(|engine| engine.add_server(backend, config, None)).expect("a new name");
        }
        let stream = StreamConfig {
            client: 600 * SECOND,
            server: 600 * SECOND,
            client_fin: 0,
            server_fin: 0,
            tunnel: 0,
            abort_on_close: random.one_in(4),
        };
        rig.host.program = Program::ForwardTo { backend, stream: Arc::new(stream) };
        let config = front.map_or_else(AcceptConfig::default, accepting);
        rig.listen(if random.one_in(3) { ruled(config, STICKY) } else { config });
        // Before TLS it is read by the TLS peer.
        let headed = headed && behind.is_none();
        let (clients, servers) = (vec![], vec![]);
        Self { rig, backend, sites, clients, servers, front, headed, times, maxconn }
    }

    /// The client or server with this number.
    fn player(&mut self, number: usize) -> Option<&mut Player> {
        let all = self.clients.len() + self.servers.len();
        self.clients.iter_mut().chain(&mut self.servers).nth(number.checked_rem(all)?)
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Come => {
                let end = FarEnd::client(&mut self.rig, self.front, &[]);
                let number = self.clients.len() as u8;
                self.clients.push(Player::new(end, [b'c', b'l', b'#', number]));
            }
            Step::Say(who, n) => {
                let n = n * self.times;
                if let Some(player) = self.player(who).filter(|player| player.open) {
                    player.say(n);
                }
            }
            Step::End(who) => {
                if let Some(player) = self.player(who) {
                    player.open = false;
                    player.end.end();
                }
            }
            Step::Reset(who) => {
                if let Some(player) = self.player(who) {
                    (player.open, player.broken) = (false, true);
                    player.end.reset();
                }
            }
            Step::Stall(who, stalled) => {
                if let Some(player) = self.player(who) {
                    player.end.peer().stall(stalled);
                }
            }
            Step::Window(who, bytes) => {
                if let Some(player) = self.player(who) {
                    player.end.peer().set_window(bytes);
                }
            }
            Step::Answer(which, answer) => {
                self.sites[which % self.sites.len()].server.answer(answer);
            }
            Step::Set(which, admin) => self.change(which, ServerChange::Admin(admin)),
            Step::Weigh(which, weight) => {
                self.change(which, ServerChange::Weight(Weight::new(weight).expect("a small one")));
            }
            Step::Abort(which) => {
                let streams = &self.rig.host.streams;
                if let Some(&id) = which.checked_rem(streams.len()).and_then(|i| streams.get(i)) {
                    // It may have ended, and its end not been reported yet.
                    let _ = self.rig.call(|engine| engine.abort_stream(id));
                    self.clients.iter_mut().chain(&mut self.servers).for_each(|player| {
                        // Which connection it was is not determined.
                        player.broken = true;
                    });
                }
            }
            Step::Fail(call, errno) => self.rig.world.fail_nth(call, 1, Errno(errno), false),
            Step::Wait(span) => self.rig.run_for(span),
        }
        self.meet();
    }

    fn change(&mut self, which: usize, change: ServerChange) {
        let (backend, index) = (self.backend, ServerIndex((which % self.sites.len()) as u32));
        self.rig
            .call(|engine| engine.set_server(backend, index, change))
            .expect("there is such a server");
    }

    /// Adds the servers' ends that are new.
    fn meet(&mut self) {
        for site in &mut self.sites {
            let taken = site.taken.borrow();
            for end in &taken[site.met..] {
                let number = self.servers.len() as u8;
                self.servers.push(Player::new(end.clone(), [b's', b'v', b'#', number]));
            }
            site.met = taken.len();
        }
    }

    /// What a server received behind the header.
    fn heard(&self, player: &Player, by_server: bool) -> Vec<u8> {
        let mut heard = player.end.heard();
        if by_server && self.headed {
            let line = heard.iter().position(|byte| *byte == b'\n');
            heard.drain(..line.map_or(heard.len(), |at| at + 1));
        }
        heard
    }

    /// No peer receives what was not sent to it: each receives the beginning of what one other sent.
    fn check_bytes(&self) {
        for (hearers, sayers, by_server) in
            [(&self.clients, &self.servers, false), (&self.servers, &self.clients, true)]
        {
            for hearer in hearers {
                let heard = self.heard(hearer, by_server);
                let Some(name) = heard.get(..NAME) else { continue };
                let sayer = sayers.iter().find(|sayer| sayer.name == name);
                let said = &sayer.expect("somebody said it").said;
                assert!(said.starts_with(&heard), "{:?} heard what nobody said", hearer.name);
            }
        }
    }

    /// Slots and tickets are those that the streams hold, and no more than the limits allow.
    fn check_places(&self) {
        let engine = &self.rig.engine;
        let mut used = vec![0; self.sites.len()];
        let mut waiting = 0;
        for (_, stream) in engine.streams.iter() {
            let Some(selection) = &stream.selection else { continue };
            let state = stream.side(SERVER).state();
            let holds =
                matches!(state, InterfaceState::Ass | InterfaceState::Con | InterfaceState::Est);
            assert_eq!(selection.slot.is_some(), holds, "a place in {state}");
            assert_eq!(
                selection.place.is_some(),
                state == InterfaceState::Que,
                "a ticket in {state}"
            );
            if let Some(slot) = &selection.slot {
                used[slot.server().0 as usize] += 1;
            }
            waiting += u32::from(selection.place.is_some());
        }
        let stats = |server| engine.backend_stats(self.backend, server).expect("it is there");
        assert_eq!(stats(None).streams.now, used.iter().sum::<u32>());
        let mut queued = stats(None).queue.now;
        for (i, (&used, &most)) in used.iter().zip(&self.maxconn).enumerate() {
            let one = stats(Some(ServerIndex(i as u32)));
            assert_eq!(one.streams.now, used);
            assert!(used <= most, "{used} streams on a server for {most}");
            queued += one.queue.now;
        }
        assert_eq!(queued, waiting);
    }

    /// All peers end, everything ends, and nothing is left. Returns whether bytes went through a pipe.
    fn finish(mut self) -> bool {
        for i in 0..self.sites.len() {
            self.sites[i].server.answer(ConnectResponse::Accept);
            self.change(i, ServerChange::Admin(Admin::Ready));
            self.change(i, ServerChange::Weight(Weight::default()));
        }
        for round in 0..4 {
            self.meet();
            for player in self.clients.iter_mut().chain(&mut self.servers) {
                let peer = player.end.peer();
                peer.set_window(100_000);
                peer.stall(false);
                player.open = false;
                player.end.end();
            }
            self.rig.run_for(if round == 0 { 5 * SECOND } else { 30 * SECOND });
        }
        self.rig.run();
        self.meet();
        self.check_bytes();
        self.check_places();
        self.check_whole();
        assert!(self.rig.engine.tools.called.is_empty());
        let spliced = self.rig.world.calls_of(CallKind::SpliceOut) > 0;
        self.rig.finish();
        spliced
    }

    /// If no peer stopped early, everything that was sent arrived.
    fn check_whole(&self) {
        let reports = self.rig.host.events.iter().filter_map(|event| match &event.kind {
            EventKind::StreamEnd(report) => Some(report),
            _ => None,
        });
        let moved: u64 = reports.map(|report| report.moved.iter().sum::<u64>()).sum();
        let everybody = || self.clients.iter().chain(&self.servers);
        if everybody().any(|player| player.broken) {
            return;
        }
        for (hearers, sayers, by_server) in
            [(&self.clients, &self.servers, false), (&self.servers, &self.clients, true)]
        {
            for hearer in hearers {
                let heard = self.heard(hearer, by_server);
                let Some(name) = heard.get(..NAME) else { continue };
                let said = sayers.iter().find(|sayer| sayer.name == name).map(|one| one.said.len());
                assert_eq!(Some(heard.len()), said, "{:?} misses something", hearer.name);
            }
        }
        let heard = |players: &[Player], by_server| {
            players.iter().map(|one| self.heard(one, by_server).len() as u64).sum::<u64>()
        };
        assert_eq!(moved, heard(&self.clients, false) + heard(&self.servers, true));
    }
}

fn play(seed: u64, steps: &[Step]) -> bool {
    let mut random = Random::new(seed);
    let mut farm = Farm::new(seed, &mut random);
    for step in steps {
        farm.take(*step);
        farm.check_bytes();
        farm.check_places();
    }
    farm.finish()
}

fn steps_of(seed: u64) -> Vec<Step> {
    steps(&mut Random::new(seed ^ 0x57e9))
}

/// The fewest steps that still fail: smaller and smaller pieces are left out as long as the run fails.
fn shrink(mut steps: Vec<Step>, fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut piece = steps.len();
    while piece > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + piece).min(steps.len()));
            if fails(&fewer) {
                steps = fewer;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    steps
}

fn run(seed: u64) -> bool {
    let steps = steps_of(seed);
    catch_unwind(AssertUnwindSafe(|| play(seed, &steps))).unwrap_or_else(|failure| {
        let fails = |steps: &[Step]| catch_unwind(AssertUnwindSafe(|| play(seed, steps))).is_err();
        let steps = shrink(steps, fails);
        eprintln!("VST seed {seed} fails with these steps alone: {steps:#?}");
        resume_unwind(failure);
    })
}

#[allow(clippy::disallowed_methods)] // The library reads no environment; its tests may.
fn seeds() -> u64 {
    std::env::var("VST_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

fn part(number: u64) {
    let each = seeds().div_ceil(PARTS);
    let spliced = (number * each..(number + 1) * each).filter(|seed| run(*seed)).count();
    println!("of {each} farms {spliced} moved bytes through pipes");
    assert!(spliced as u64 >= each / 100, "in few farms was there bulk: {spliced} of {each}");
}

#[test]
fn any_farm_gives_every_place_back_and_loses_no_byte_1() {
    part(0);
}

#[test]
fn any_farm_gives_every_place_back_and_loses_no_byte_2() {
    part(1);
}

#[test]
fn any_farm_gives_every_place_back_and_loses_no_byte_3() {
    part(2);
}

#[test]
fn any_farm_gives_every_place_back_and_loses_no_byte_4() {
    part(3);
}

#[test]
fn a_farm_that_fails_is_cut_down_to_what_matters() {
    let steps = vec![Step::Come, Step::Wait(1), Step::Come, Step::Say(0, 7), Step::Wait(2)];
    let left = shrink(steps, |steps| steps.iter().any(|step| matches!(step, Step::Say(..))));
    assert!(matches!(left[..], [Step::Say(0, 7)]));
}
