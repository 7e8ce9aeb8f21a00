//! A part of a table with a lock of its own.

use std::ops::{Deref, DerefMut};

use super::entries::Entries;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};
use crate::time::Time;

/// The latest time that is recorded as a use, so that it is not taken for [`Time::NEVER`].
const LAST: Time = Time(Time::NEVER.0 - 1);

/// A part of a table with a lock of its own.
#[derive(Debug)]
pub(super) struct Shard {
    entries: Mutex<Entries>,
    /// When the oldest of the idle entries was last used, [`Time::NEVER`] without one. The search for an
    /// entry to remove reads it without the lock, and reads the entry itself only under the lock.
    oldest: AtomicU64,
}

impl Shard {
    pub(super) fn new(entries: Entries) -> Self {
        Self { entries: Mutex::new(entries), oldest: AtomicU64::new(Time::NEVER.0) }
    }

    /// The entries, until the guard is dropped. No operation leaves them inconsistent, even if it
    /// panics.
    pub(super) fn open(&self) -> Open<'_> {
        Open { entries: lock(&self.entries), shard: self }
    }

    /// When the oldest idle entry was last used. Read without the lock, so it may be out of date.
    pub(super) fn oldest(&self) -> Option<Time> {
        let oldest = Time(self.oldest.load(Ordering::Relaxed));
        (oldest != Time::NEVER).then_some(oldest)
    }
}

/// The entries of a shard, locked.
pub(super) struct Open<'a> {
    entries: MutexGuard<'a, Entries>,
    shard: &'a Shard,
}

impl Deref for Open<'_> {
    type Target = Entries;

    fn deref(&self) -> &Entries {
        &self.entries
    }
}

impl DerefMut for Open<'_> {
    fn deref_mut(&mut self) -> &mut Entries {
        &mut self.entries
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let oldest = self.entries.oldest().map_or(Time::NEVER, |(_, used)| used.min(LAST));
        self.shard.oldest.store(oldest.0, Ordering::Relaxed);
    }
}
