//! How many entries a table has, over all its shards.

use crate::sync::{AtomicUsize, Ordering};

/// The places of a table. One is taken before its entry is made, and given back after the entry is gone, so
/// that there are never more entries than places.
#[derive(Debug)]
pub(super) struct EntryPlaces {
    size: usize,
    /// Entries that exist and those that are about to be made: never above the size.
    taken: AtomicUsize,
}

impl EntryPlaces {
    pub(super) fn new(size: usize) -> Self {
        Self { size, taken: AtomicUsize::new(0) }
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes one of the free places, and returns whether there was one.
    pub(super) fn take(&self) -> bool {
        let more = |taken| (taken < self.size).then_some(taken + 1);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Gives places back.
    pub(super) fn leave(&self, places: usize) {
        self.taken.fetch_sub(places, Ordering::Relaxed);
    }
}
