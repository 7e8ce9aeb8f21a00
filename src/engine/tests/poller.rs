//! The host's poller, as adversarial as a correct one may be: it turns what is true of descriptors into
//! events in any order, late, more than once, and sometimes without a reason.

use std::collections::BTreeMap;

use crate::ctrl::Io;
use crate::engine::HostOp;
use crate::id::Id;
use crate::sim::{Random, World};
use crate::sys::{Errno, Fd};

/// How often the poller misbehaves. `None` is never, `Some(n)` one time in `n`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manners {
    /// An event of something that is not true.
    pub(super) spurious: Option<u64>,
    /// The same event twice.
    pub(super) repeated: Option<u64>,
    /// An event that is reported a round later.
    pub(super) late: Option<u64>,
}

/// One announced descriptor.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) fd: Fd,
    pub(super) token: Id,
    pub(super) mask: Io,
    /// Edge-triggered: what was reported and is still true.
    reported: Io,
}

impl Watch {
    /// What `epoll_wait` would report of it if it were level-triggered.
    fn truth(&self, world: &World) -> Io {
        if self.mask.is_empty() {
            return Io::empty();
        }
        let ready = world.readiness(self.fd);
        let mut io = Io::empty();
        io.set(Io::IN, ready.read);
        io.set(Io::OUT, ready.write);
        io.set(Io::HANGUP, ready.rdhup);
        // What epoll reports even if it is not in the mask.
        (io & self.mask) | if ready.hup || ready.err { Io::ERROR } else { Io::empty() }
    }
}

#[derive(Debug, Default)]
pub(super) struct Poller {
    pub(super) watches: BTreeMap<u64, Watch>,
    /// Tokens of descriptors that were released.
    pub(super) dead: Vec<Id>,
    /// Whether the last round kept something back.
    pub(super) keeps: bool,
    /// Whether the last round reported nothing that was true.
    pub(super) lied: bool,
    /// How many requests to come it cannot meet.
    pub(super) fails: u32,
}

fn happens(random: &mut Random, chance: Option<u64>) -> bool {
    chance.is_some_and(|n| random.one_in(n))
}

impl Poller {
    /// Does what the engine requests, and checks that it may request it.
    ///
    /// # Errors
    /// What is watched instead, and why.
    pub(super) fn apply(&mut self, op: HostOp, world: &World) -> Result<(), (Io, Errno)> {
        let HostOp::Interest { fd, token, old, new, .. } = op;
        assert!(world.open_fds().contains(&fd), "interest in {fd:?}, which is closed");
        assert_ne!(old, new, "a change that is none, of {fd:?}");
        let known = self.watches.get(&token.bits()).map_or(Io::empty(), |watch| watch.mask);
        assert_eq!(old, known, "what was told of {fd:?} is remembered wrongly");
        assert!(!self.dead.contains(&token), "interest in {fd:?} after its release");
        if new.contains(Io::RELEASED) {
            let watch = self.watches.remove(&token.bits());
            assert!(watch.is_some(), "{fd:?} is released and was never announced");
            self.dead.push(token);
            return Ok(());
        }
        if let Some(left) = self.fails.checked_sub(1) {
            self.fails = left;
            return Err((old, Errno(libc::ENOSPC)));
        }
        let twice = self.watches.values().find(|watch| watch.fd == fd && watch.token != token);
        assert!(twice.is_none(), "{fd:?} is announced under two tokens");
        if known.contains(Io::EDGE) {
            panic!("an edge-triggered interest of {fd:?} changes from {old:?} to {new:?}");
        }
        let watch = Watch { fd, token, mask: new, reported: Io::empty() };
        self.watches.insert(token.bits(), watch);
        Ok(())
    }

    /// Removes from the reported edges what is not true any more. To be called before time passes.
    pub(super) fn sample(&mut self, world: &World) {
        for owed in world.take_owed() {
            for watch in self.watches.values_mut().filter(|watch| watch.fd == owed) {
                watch.reported = Io::empty();
            }
        }
        for watch in self.watches.values_mut() {
            watch.reported &= watch.truth(world);
        }
    }

    /// The events of one round.
    pub(super) fn take(
        &mut self,
        world: &World,
        random: &mut Random,
        manners: &Manners,
    ) -> Vec<(Id, Io)> {
        let mut events = Vec::new();
        self.keeps = false;
        self.lied = true;
        // Among many descriptors a single one is reported wrongly less often, or no round would be
        // correct.
        let spurious = manners.spurious.map(|n| n * (self.watches.len() as u64).div_ceil(4));
        for watch in self.watches.values_mut() {
            let truth = watch.truth(world);
            let edge = watch.mask.contains(Io::EDGE);
            let fresh = if edge { truth.difference(watch.reported) } else { truth };
            if fresh.is_empty() {
                if !watch.mask.is_empty() && happens(random, spurious) {
                    let dir = if random.one_in(2) { Io::IN } else { Io::OUT };
                    events.push((watch.token, watch.mask & dir));
                }
                continue;
            }
            if happens(random, manners.late) {
                self.keeps = true;
                continue;
            }
            watch.reported = truth;
            self.lied = false;
            events.push((watch.token, truth));
            if happens(random, manners.repeated) {
                events.push((watch.token, truth));
            }
        }
        for i in (1..events.len()).rev() {
            events.swap(i, random.below(i as u64 + 1) as usize);
        }
        events
    }
}
