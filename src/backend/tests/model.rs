//! The backend compared with a simple model that recomputes everything.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Ask { source: Option<u64>, affinity: u32, server: u32, front: bool },
    Release(usize),
    Leave(usize, bool),
    Weight(u32, u16),
    Admin(u32, u8),
    Resolved(u32, bool),
    Connected(u32, bool),
    Wait,
    Add,
    Call,
}

fn step() -> impl Strategy<Value = Step> {
    let server = || 0..5_u32;
    prop_oneof![
        12 => (proptest::option::of(0..6_u64), 0..5_u32, server(), prop::bool::weighted(0.2))
            .prop_map(|(source, affinity, server, front)| Step::Ask { source, affinity, server, front }),
        7 => any::<usize>().prop_map(Step::Release),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(which, timed_out)| Step::Leave(which, timed_out)),
        1 => (server(), 0..4_u16).prop_map(|(server, weight)| Step::Weight(server, weight)),
        2 => (server(), 0..3_u8).prop_map(|(server, admin)| Step::Admin(server, admin)),
        1 => (server(), any::<bool>()).prop_map(|(server, found)| Step::Resolved(server, found)),
        2 => (server(), prop::bool::weighted(0.8)).prop_map(|(server, failed)| Step::Connected(server, failed)),
        1 => Just(Step::Wait),
        1 => Just(Step::Add),
        6 => Just(Step::Call),
    ]
}

fn config_of_server(index: u32) -> ServerConfig {
    ServerConfig {
        maxconn: [1, 2, u32::MAX, 3, 1][index as usize % 5],
        maxqueue: [3, 1, 2, 0, 4][index as usize % 5],
        backup: index % 4 == 3,
        health: HealthConfig { connect_errors: 2, recovery: Recovery::Trial(SECOND) },
        ..weighing(&index.to_string(), [1, 3, 2][index as usize % 3])
    }
}

/// What the model knows about a server.
struct Known {
    config: ServerConfig,
    admin: Admin,
    up: bool,
    stats: Stats,
}

/// A stream that waits: for which server, and its rank.
struct Waits {
    rank: i64,
    ticket: u64,
    line: Option<u32>,
    place: Place,
}

struct Rig {
    backend: Backend,
    config: BackendConfig,
    now: Time,
    servers: Vec<Known>,
    stats: Stats,
    waiting: Vec<Waits>,
    slots: Vec<ServerSlot>,
    asked: u64,
    /// The streams whose requests are decided: those that got a server, and those that left.
    ended: BTreeSet<u64>,
    ranks: (i64, i64),
}

impl Rig {
    fn new(config: BackendConfig, servers: u32) -> Self {
        let mut rig = Self {
            backend: Backend::new(config),
            config,
            now: NOW,
            servers: Vec::new(),
            stats: Stats::default(),
            waiting: Vec::new(),
            slots: Vec::new(),
            asked: 0,
            ended: BTreeSet::new(),
            ranks: (-1, 0),
        };
        (0..servers).for_each(|_| rig.add());
        rig
    }

    fn add(&mut self) {
        let config = config_of_server(self.servers.len() as u32);
        self.backend.add(config.clone(), self.now).unwrap();
        self.servers.push(Known { config, admin: Admin::Ready, up: true, stats: Stats::default() });
    }

    fn serves(&self, index: u32) -> bool {
        self.servers.get(index as usize).is_some_and(|server| {
            server.admin != Admin::Maintenance && server.up && !server.config.addresses.is_empty()
        })
    }

    fn usable(&self) -> Vec<u32> {
        let fit = |index: &u32| {
            let server = &self.servers[*index as usize];
            self.serves(*index) && server.admin == Admin::Ready && server.config.weight.get() > 0
        };
        let all: Vec<u32> = (0..self.servers.len() as u32).filter(fit).collect();
        let is_backup = |index: &u32| self.servers[*index as usize].config.backup;
        let normal: Vec<u32> = all.iter().copied().filter(|index| !is_backup(index)).collect();
        if normal.is_empty() { all } else { normal }
    }

    fn used(&self, index: u32) -> u32 {
        self.slots.iter().filter(|slot| slot.server().0 == index).count() as u32
    }

    fn has_room(&self, index: u32) -> bool {
        self.used(index) < self.servers[index as usize].config.maxconn
    }

    /// The servers that a stream in a queue could go to now.
    fn open(&self, line: Option<u32>) -> Vec<u32> {
        if self.slots.len() as u32 >= self.config.maxconn {
            return Vec::new();
        }
        let candidates = match line {
            Some(index) if self.serves(index) => vec![index],
            Some(_) => vec![],
            None => self.usable(),
        };
        candidates.into_iter().filter(|index| self.has_room(*index)).collect()
    }

    fn called(&self) -> Option<&Waits> {
        let could = self.waiting.iter().filter(|waits| !self.open(waits.line).is_empty());
        could.min_by_key(|waits| waits.rank)
    }

    fn length(&self, line: Option<u32>) -> u32 {
        self.waiting.iter().filter(|waits| waits.line == line).count() as u32
    }

    fn stats_of(&mut self, line: Option<u32>) -> &mut Stats {
        match line {
            Some(index) => &mut self.servers[index as usize].stats,
            None => &mut self.stats,
        }
    }

    /// Counts something that concerns a server, or none.
    fn count(&mut self, line: Option<u32>, count: impl Fn(&mut BackendCounters)) {
        if line.is_none_or(|index| (index as usize) < self.servers.len()) {
            count(&mut self.stats.counters);
            if line.is_some() {
                count(&mut self.stats_of(line).counters);
            }
        }
    }

    fn took(&mut self, slot: ServerSlot) {
        let line = Some(slot.server().0);
        self.slots.push(slot);
        self.stats_of(line).streams.total += 1;
        self.stats.streams.total += 1;
    }

    fn entered(&mut self, line: Option<u32>, n: u64) {
        self.stats_of(line).queue.total += n;
    }

    fn end(&mut self, ticket: u64) {
        assert!(self.ended.insert(ticket), "{ticket} ended twice");
    }

    /// Recomputes everything.
    fn check(&mut self) {
        let lines: Vec<Option<u32>> =
            (0..self.servers.len() as u32).map(Some).chain([None]).collect();
        for line in lines {
            let streams = line.map_or(self.slots.len() as u32, |index| self.used(index));
            let queue = self.length(line);
            let limit = line
                .map_or(self.config.maxconn, |index| self.servers[index as usize].config.maxconn);
            assert!(streams <= limit, "{streams} of {limit}");
            let known = self.stats_of(line);
            known.streams.now = streams;
            known.streams.most = known.streams.most.max(streams);
            known.queue.now = queue;
            known.queue.most = known.queue.most.max(queue);
            let known = *known;
            let reported = match line {
                Some(index) => self.backend.server_stats(ServerIndex(index)).unwrap(),
                None => self.backend.stats(),
            };
            assert_eq!(reported, known, "{line:?}");
            if let Some(index) = line {
                assert!(queue == 0 || self.serves(index), "somebody waits for nobody");
                let server = self.backend.server(ServerIndex(index)).unwrap();
                assert_eq!(server.is_up(), self.servers[index as usize].up);
                assert_eq!(server.serves(), self.serves(index));
            }
        }
        for waits in &self.waiting {
            let ahead = self
                .waiting
                .iter()
                .filter(|other| other.line == waits.line && other.rank < waits.rank);
            assert_eq!(self.backend.ahead(waits.place), Some(ahead.count()));
        }
    }

    /// Streams that waited for a server that no longer serves wait for any server.
    fn settle(&mut self) {
        let gone: Vec<u32> =
            (0..self.servers.len() as u32).filter(|index| !self.serves(*index)).collect();
        let mut moved = 0;
        for waits in &mut self.waiting {
            if waits.line.is_some_and(|index| gone.contains(&index)) {
                waits.line = None;
                moved += 1;
            }
        }
        self.entered(None, moved);
    }

    fn ask(&mut self, source: Option<u64>, affinity: u32, server: u32, front: bool) {
        let affinity = match affinity {
            0 | 1 => Affinity::Any,
            2 => Affinity::Same(ServerIndex(server)),
            3 => Affinity::Sticky(ServerIndex(server)),
            _ => Affinity::Other(ServerIndex(server)),
        };
        match affinity {
            Affinity::Any | Affinity::Sticky(_) => {}
            Affinity::Same(_) => self.count(Some(server), |counters| counters.retries += 1),
            Affinity::Other(_) => self.count(Some(server), |counters| counters.redispatches += 1),
        }
        let ticket = self.asked;
        self.asked += 1;
        let somebody_is_called = self.called().is_some();
        let usable = self.usable();
        let insists =
            matches!(affinity, Affinity::Same(_) | Affinity::Sticky(_)) && self.serves(server);
        // Where it may wait, and what it may get. A bound source has one server which only the balance
        // knows, so any usable one is accepted here.
        let is_bound = self.config.method == BalanceMethod::SourceHash && source.is_some();
        let lines: Vec<Option<u32>> = match () {
            () if insists => vec![Some(server)],
            () if is_bound => usable.iter().copied().map(Some).collect(),
            () if usable.is_empty() => vec![],
            () => vec![None],
        };
        let answer = self.backend.ask(Request { ticket: Ticket(ticket), source, affinity, front });
        match answer {
            Assignment::Assigned(slot) => {
                let got = slot.server().0;
                assert!(front || !somebody_is_called, "somebody was overtaken");
                let open: Vec<u32> = lines.iter().flat_map(|line| self.open(*line)).collect();
                assert!(open.contains(&got), "{got} is not among {open:?}");
                if let Affinity::Other(other) = affinity {
                    let others = if is_bound { &usable } else { &open };
                    assert!(got != other.0 || others.as_slice() == [got], "it wanted another one");
                }
                self.took(slot);
                self.end(ticket);
            }
            Assignment::Queued(place) => {
                let grown = |line: &Option<u32>| {
                    let now = match line {
                        Some(index) => {
                            self.backend.server_stats(ServerIndex(*index)).unwrap().queue
                        }
                        None => self.backend.stats().queue,
                    };
                    now.now > self.length(*line)
                };
                let line = lines.into_iter().find(grown).expect("the queue it may wait in");
                assert!((!front && somebody_is_called) || self.open(line).is_empty());
                let rank = if front { self.ranks.0 } else { self.ranks.1 };
                if front {
                    self.ranks.0 -= 1
                } else {
                    self.ranks.1 += 1
                }
                self.waiting.push(Waits { rank, ticket, line, place });
                self.entered(line, 1);
            }
            Assignment::Refused(Unassigned::NoServer) => {
                assert!(lines.is_empty());
                self.end(ticket);
            }
            Assignment::Refused(Unassigned::QueueFull) => {
                let is_full = |line: &Option<u32>| {
                    let limit = line.map_or(self.config.maxqueue, |index| {
                        self.servers[index as usize].config.maxqueue
                    });
                    let reported = match line {
                        Some(index) => self.backend.server_stats(ServerIndex(*index)).unwrap(),
                        None => self.backend.stats(),
                    };
                    let before =
                        line.map_or(self.stats, |index| self.servers[index as usize].stats);
                    reported.counters.queue_full > before.counters.queue_full
                        && self.length(*line) >= limit
                };
                let line = lines.into_iter().find(is_full).expect("a queue that is full");
                assert!((!front && somebody_is_called) || self.open(line).is_empty());
                self.count(line, |counters| counters.queue_full += 1);
                self.end(ticket);
            }
        }
    }

    fn call(&mut self) {
        loop {
            let expected = self.called().map(|waits| (waits.ticket, self.open(waits.line)));
            let reported = self.backend.next();
            let Some((expected, open)) = expected else {
                assert!(reported.is_none());
                return;
            };
            let (ticket, slot) = reported.expect("somebody could go");
            assert_eq!(ticket.0, expected);
            assert!(open.contains(&slot.server().0));
            self.waiting.retain(|waits| waits.ticket != expected);
            self.took(slot);
            self.end(expected);
        }
    }

    fn changed(&mut self, index: u32, transition: Transition) {
        let (now, is_down) = (self.now, matches!(transition, Transition::Down(_)));
        self.servers[index as usize].up = !is_down;
        self.count(Some(index), |counters| {
            counters.last_change = now;
            counters.downs += u64::from(is_down);
        });
    }

    fn admin(&mut self, index: u32, admin: Admin) {
        let reported = self.backend.set(ServerIndex(index), ServerChange::Admin(admin), self.now);
        assert_eq!(reported.is_ok(), (index as usize) < self.servers.len());
        let Some(server) = self.servers.get_mut(index as usize) else { return };
        if server.admin == admin {
            return;
        }
        server.up |= server.admin == Admin::Maintenance;
        server.admin = admin;
        let now = self.now;
        self.count(Some(index), |counters| counters.last_change = now);
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Ask { source, affinity, server, front } => {
                self.ask(source, affinity, server, front)
            }
            Step::Release(which) => {
                if !self.slots.is_empty() {
                    let slot = self.slots.swap_remove(which % self.slots.len());
                    self.backend.release(slot);
                }
            }
            Step::Leave(which, timed_out) => {
                if !self.waiting.is_empty() {
                    let Waits { ticket, line, place, .. } =
                        self.waiting.remove(which % self.waiting.len());
                    let why = if timed_out { Leave::TimedOut } else { Leave::Gone };
                    assert!(self.backend.leave(place, why));
                    assert!(!self.backend.leave(place, why));
                    self.end(ticket);
                    if timed_out {
                        self.count(line, |counters| counters.queue_timeouts += 1);
                    }
                }
            }
            Step::Weight(index, weight) => {
                let weight = Weight::new(weight).unwrap();
                if let Some(server) = self.servers.get_mut(index as usize) {
                    server.config.weight = weight;
                    set(&mut self.backend, index, ServerChange::Weight(weight));
                }
            }
            Step::Admin(index, admin) => {
                let admin = [Admin::Ready, Admin::Drain, Admin::Maintenance][admin as usize];
                self.admin(index, admin);
            }
            Step::Resolved(index, found) => {
                let addresses = if found { vec![address(1)] } else { vec![] };
                if let Some(server) = self.servers.get_mut(index as usize) {
                    server.config.addresses.clone_from(&addresses);
                    set(&mut self.backend, index, ServerChange::Addresses(addresses));
                }
            }
            Step::Connected(index, failed) => {
                let outcome =
                    if failed { AttemptOutcome::Failed } else { AttemptOutcome::Succeeded };
                if failed {
                    self.count(Some(index), |counters| counters.connect_errors += 1);
                }
                if let Some(change) = self.backend.connected(ServerIndex(index), outcome, self.now)
                {
                    self.changed(index, change);
                }
            }
            Step::Wait => {
                self.now = self.now + SECOND;
                while let Some((index, work)) = self.backend.run(self.now) {
                    let Work::Changed(change) = work else { panic!("{work:?}") };
                    self.changed(index.0, change);
                }
            }
            Step::Add => {
                if self.servers.len() < 5 {
                    self.add();
                }
            }
            Step::Call => self.call(),
        }
        self.settle();
        self.check();
    }

    /// Makes every server serve again: then every stream must get a server.
    fn finish(mut self) {
        for index in 0..self.servers.len() as u32 {
            self.step(&Step::Resolved(index, true));
            self.step(&Step::Weight(index, 1));
            self.step(&Step::Admin(index, 2));
            self.step(&Step::Admin(index, 0));
        }
        let waiting = self.waiting.len();
        for _ in 0..=waiting {
            while !self.slots.is_empty() {
                self.step(&Step::Release(0));
            }
            self.step(&Step::Call);
        }
        assert_eq!(self.waiting.len(), 0, "of {waiting}");
        assert_eq!(self.ended.len() as u64, self.asked);
        assert_eq!(self.slots.len(), 0);
    }
}

fn method() -> impl Strategy<Value = BalanceMethod> {
    prop_oneof![
        Just(BalanceMethod::RoundRobin),
        Just(BalanceMethod::LeastConnections),
        Just(BalanceMethod::SourceHash),
        Just(BalanceMethod::RandomOfTwo),
    ]
}

proptest! {
    #![proptest_config(proptests())]

    #[test]
    fn no_slot_is_lost_nobody_is_overtaken_or_forgotten_and_every_number_is_a_recount(
        method in method(),
        (maxconn, maxqueue) in (prop_oneof![1..5_u32, Just(u32::MAX)], 0..5_u32),
        servers in 1..5_u32,
        calls_always in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut rig = Rig::new(BackendConfig { maxconn, maxqueue, ..config(method) }, servers);
        for step in steps {
            rig.step(&step);
            if calls_always {
                rig.step(&Step::Call);
            }
        }
        rig.finish();
    }
}
