//! How a simulated run is set up: the parameters of the host, the network and the poller.

use super::bridge::Sloth;
use super::poller::Manners;
use crate::cx::Trigger;
use crate::sim::World;

/// How a run is set up: everything it does follows from this.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) seed: u64,
    pub(super) trigger: Trigger,
    pub(super) weather: Weather,
    pub(super) transport: Carrier,
}

/// What carries the bytes of the connections of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// Sockets.
    Socket,
    /// The host, which feeds them.
    Fed,
    /// Sockets; those to servers are opened by an agent, over a link.
    Agent,
}

/// How the network and the poller behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    /// No adverse behaviour.
    Calm,
    /// Everything arrives and leaves a byte at a time.
    Narrow,
    /// Pieces of any size, EAGAIN without a reason, a poller that reports wrongly.
    Rough,
}

impl Setup {
    /// Makes the network behave like this, and returns how the poller behaves.
    pub(super) fn imposed_on(self, world: &World) -> Manners {
        match self.weather {
            Weather::Calm => Manners::default(),
            Weather::Narrow => {
                world.tune(|knobs| {
                    knobs.max_segment = 1;
                    knobs.max_write = 1;
                    if self.trigger == Trigger::Level {
                        // A short read means to an edge-triggered engine that no more is there.
                        knobs.max_read = 1;
                    }
                });
                Manners::default()
            }
            Weather::Rough => {
                world.tune(|knobs| {
                    knobs.random_segments = true;
                    knobs.max_segment = 700;
                    knobs.max_write = 1_000;
                    knobs.would_block_one_in = Some(4);
                });
                Manners { spurious: Some(5), repeated: Some(4), late: Some(3) }
            }
        }
    }
}

impl Setup {
    /// How whoever moves the bytes of fed connections behaves.
    pub(super) const fn sloth(self) -> Sloth {
        match self.weather {
            Weather::Calm | Weather::Narrow => Sloth { late: None, partial: false },
            Weather::Rough => Sloth { late: Some(3), partial: true },
        }
    }
}

/// Every combination of trigger and weather, with a seed each; and every weather over fed connections,
/// which have no trigger.
pub(super) fn everywhere(run: impl Fn(Setup)) {
    everywhere_here(&run);
    // Each byte passes three sockets: one calm run is that of `both`.
    for (seed, weather) in [(2, Weather::Narrow), (3, Weather::Rough)] {
        run(Setup { seed, weather, transport: Carrier::Agent, ..FED });
    }
}

/// The same without an agent: for what has no connection to a server, counts calls or connections, or sees
/// what only the agent's side sees.
pub(super) fn everywhere_here(run: impl Fn(Setup)) {
    on_sockets_everywhere(&run);
    for (seed, weather) in WEATHERS {
        run(Setup { seed, weather, ..FED });
    }
}

/// Every combination of trigger and weather, with a seed each: for what needs sockets.
pub(super) fn on_sockets_everywhere(run: impl Fn(Setup)) {
    for (seed, weather) in WEATHERS {
        for trigger in [Trigger::Level, Trigger::Edge] {
            run(Setup { seed, trigger, weather, transport: Carrier::Socket });
        }
    }
}

/// Both triggers, and fed connections, in calm weather.
pub(super) fn both(run: impl Fn(Setup)) {
    both_here(&run);
    run(Setup { transport: Carrier::Agent, ..FED });
}

/// The same without an agent, as [`everywhere_here`].
pub(super) fn both_here(run: impl Fn(Setup)) {
    on_sockets(&run);
    run(FED);
}

/// Both triggers in calm weather: for what needs sockets.
pub(super) fn on_sockets(run: impl Fn(Setup)) {
    for trigger in [Trigger::Level, Trigger::Edge] {
        let transport = Carrier::Socket;
        run(Setup { seed: 1, trigger, weather: Weather::Calm, transport });
    }
}

const WEATHERS: [(u64, Weather); 4] =
    [(1, Weather::Calm), (2, Weather::Narrow), (3, Weather::Rough), (4, Weather::Rough)];

/// The transport of a random run: a third of them is fed.
pub(super) const fn third(seed: u64) -> Carrier {
    if seed.is_multiple_of(3) { Carrier::Fed } else { Carrier::Socket }
}

/// Fed connections in calm weather.
pub(super) const FED: Setup =
    Setup { seed: 1, trigger: Trigger::Level, weather: Weather::Calm, transport: Carrier::Fed };

/// The description of a run: printed when it fails.
pub(super) struct Context(pub(super) String);

impl Drop for Context {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in the run of {}", self.0);
        }
    }
}
