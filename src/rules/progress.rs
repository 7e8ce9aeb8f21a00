//! What a connection keeps between two evaluations of its rules.

use std::num::NonZeroU32;

use crate::table::Tracked;
use crate::time::Time;

/// How many entries of tables a connection may be counted in: `sc0` to `sc2`.
pub const SLOTS: usize = 3;

/// One of the entries a connection may be counted in; below [`SLOTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TrackSlot(u8);

impl TrackSlot {
    /// All of them, by number.
    pub(super) const ALL: [Self; SLOTS] = [Self(0), Self(1), Self(2)];

    /// The slot of a number, if there is one.
    pub(super) fn new(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Its number.
    pub(super) const fn number(self) -> u8 {
        self.0
    }

    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The entries a connection is counted in. Dropping it is the end of the connection for all of them.
#[derive(Debug, Default)]
pub struct Tracks([Option<Tracked>; SLOTS]);

impl Tracks {
    pub(super) const fn get(&self, slot: TrackSlot) -> Option<&Tracked> {
        self.0[slot.index()].as_ref()
    }

    /// Counts the connection in an entry. A slot that is taken keeps its entry.
    pub(super) fn set(&mut self, slot: TrackSlot, tracked: Tracked) {
        self.0[slot.index()].get_or_insert(tracked);
    }

    /// The server remembered by the first entry that remembers one.
    pub fn server(&self) -> Option<NonZeroU32> {
        self.iter().find_map(Tracked::server)
    }

    /// Remembers a server in every entry that has a place for it.
    pub fn set_server(&self, server: NonZeroU32) {
        for tracked in self.iter() {
            // A table that stores no server is not asked for one either.
            let _ = tracked.set_server(server);
        }
    }

    /// Releases all entries at the end of the connection.
    pub fn release(self, now: Time) {
        self.0.into_iter().flatten().for_each(|tracked| tracked.release(now));
    }

    /// Whether it is counted nowhere.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The entries by slot, `None` where none is held.
    pub fn slots(&self) -> impl Iterator<Item = Option<&Tracked>> {
        self.0.iter().map(Option::as_ref)
    }

    /// The entries that are held, for bytes and sessions to be counted in.
    pub fn iter(&self) -> impl Iterator<Item = &Tracked> {
        self.0.iter().flatten()
    }
}

/// What a connection keeps between two evaluations of its rules.
#[derive(Debug, Default)]
pub struct RuleProgress {
    /// The entries it is counted in.
    pub tracks: Tracks,
    /// The content rule that waits for bytes: those in front of it have been passed.
    pub(super) resume: usize,
    /// The backend it is for, once its turn comes to the content rules of that.
    pub(super) chosen: Option<ChosenBackend>,
}

/// The backend of a connection.
#[derive(Debug)]
pub(super) struct ChosenBackend {
    /// `None` where no line chooses one.
    pub(super) name: Option<Box<str>>,
}
