//! How a simulated run is set up: the parameters of the host, the network and the poller.

use super::poller::Manners;
use crate::cx::Trigger;
use crate::sim::World;

/// How a run is set up: everything it does follows from this.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) seed: u64,
    pub(super) trigger: Trigger,
    pub(super) weather: Weather,
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

/// Every combination of trigger and weather, with a seed each.
pub(super) fn everywhere(run: impl Fn(Setup)) {
    let weathers =
        [(1, Weather::Calm), (2, Weather::Narrow), (3, Weather::Rough), (4, Weather::Rough)];
    for (seed, weather) in weathers {
        for trigger in [Trigger::Level, Trigger::Edge] {
            run(Setup { seed, trigger, weather });
        }
    }
}

/// Both triggers in calm weather.
pub(super) fn both(run: impl Fn(Setup)) {
    for trigger in [Trigger::Level, Trigger::Edge] {
        run(Setup { seed: 1, trigger, weather: Weather::Calm });
    }
}

/// The description of a run: printed when it fails.
pub(super) struct Context(pub(super) String);

impl Drop for Context {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in the run of {}", self.0);
        }
    }
}
