//! Stick tables: what is remembered about a key, such as the address of a client, from one connection to
//! the next. A table is shared between engines in different threads; it does not know connections and
//! reads no clock.
//!
//! A table is divided into shards by the hash of the keys, which is seeded anew for every table, since
//! untrusted peers choose the keys. Every operation locks one shard for one look-up. The size bounds the
//! whole table and not each shard: entries are counted together, and a shard holds all that its part of
//! the hashes selects. When the table is full, the entry that has been unused for longest *in the shard
//! of the new key* is removed, or, if all entries there are held, the longest unused entry of another
//! shard. A table of fewer than 2,048 entries is a single shard, so that its oldest is the oldest of
//! all.
//!
//! An expired entry is never returned, and its place is freed when entries are added: every new entry
//! first removes a few expired ones of its shard. So a table holds hardly more than the live entries, no
//! operation takes longer than a look-up, and no regular clean-up has to be run. A table to which no
//! entries are added does not grow.

mod config;
mod data;
mod definition;
mod entries;
mod key;
mod places;
mod rate;
mod shard;
mod snapshot;
#[cfg(test)]
mod tests;
mod tracked;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use config::{SIZE_MAX, TableConfig, TableError};
pub use data::{DataType, GPC_MAX, HTTP_NAMES, Stored};
pub use definition::{DefinitionError, DefinitionFault};
pub(crate) use definition::{size, time};
pub use key::{KEY_LEN_DEFAULT, KEY_LEN_MAX, KeyForm, OwnedKey, TableKey, TableKeyKind};
pub(crate) use rate::PerSecond;
pub use snapshot::{Row, Snapshot};
pub use tracked::Tracked;

use crate::time::Time;
use data::Layout;
use entries::{Entries, EntryIndex};
use places::EntryPlaces;
use shard::{Open, Shard};

/// Entries per shard of a full table: few enough that growing one takes some ten microseconds with the
/// keys of addresses. Above [`SHARDS_MAX`] times as many, shards hold more.
const SHARD_ENTRIES: usize = 1_024;
const SHARDS_MAX: usize = 1 << 14;

/// How many entries are removed or copied while the lock of a shard is held once.
const BATCH: usize = 64;

/// How many expired entries are removed for each that is added: more than one, so that after a time with
/// very many keys the table shrinks to the live ones.
const GONE_FOR_ONE: usize = 2;

/// The result of removing an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It was removed.
    Removed,
    /// A connection holds it: it stays.
    Held,
    /// There was no entry.
    Absent,
}

/// Why a datum was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetError {
    /// The table cannot hold such a key.
    Key,
    /// The table does not store it.
    NotStored,
    /// It is the number of connections that hold the entry, which cannot be set.
    Counted,
    /// The table is full and no entry may be removed.
    Full,
}

/// A stick table; see the documentation of this module.
#[derive(Debug)]
pub struct Table {
    config: TableConfig,
    layout: Layout,
    hasher: RandomState,
    shards: Box<[Shard]>,
    places: EntryPlaces,
    refused: AtomicU64,
    purged: AtomicU64,
}

impl Table {
    /// An empty table.
    pub fn new(config: TableConfig) -> Result<Arc<Self>, TableError> {
        config.check()?;
        let layout = Layout::of(&config.store);
        let hasher = RandomState::new();
        let places = EntryPlaces::new(config.size);
        let count = (config.size / SHARD_ENTRIES).clamp(1, SHARDS_MAX).next_power_of_two();
        let width = config.kind.width();
        let shard = || Shard::new(Entries::new(hasher.clone(), width, layout.words()));
        let shards = std::iter::repeat_with(shard).take(count).collect();
        Ok(Arc::new(Self {
            config,
            layout,
            hasher,
            shards,
            places,
            refused: AtomicU64::new(0),
            purged: AtomicU64::new(0),
        }))
    }

    /// What it was made from.
    #[must_use]
    pub const fn config(&self) -> &TableConfig {
        &self.config
    }

    /// Whether `data` is stored.
    #[must_use]
    pub fn stores(&self, data: DataType) -> bool {
        self.layout.has(data)
    }

    /// What is known of a key. `None` if there is no entry or `data` is not stored. Reading does
    /// not count as a use: it does not postpone the expiry.
    #[must_use]
    pub fn get(&self, key: TableKey<'_>, data: DataType, now: Time) -> Option<u64> {
        let (shard, hash, key) = self.locate(key)?;
        let open = self.shards[shard].open();
        let slot = open.find(hash, key.bytes())?;
        if self.has_expired(&open, slot, now) { None } else { self.read(&open, slot, data, now) }
    }

    /// Whether there is an entry for a key.
    #[must_use]
    pub fn contains(&self, key: TableKey<'_>, now: Time) -> bool {
        self.locate(key).is_some_and(|(shard, hash, key)| {
            let open = self.shards[shard].open();
            let found = open.find(hash, key.bytes());
            found.is_some_and(|slot| !self.has_expired(&open, slot, now))
        })
    }

    /// Sets a datum of a key, whose entry is made if there is none. It counts as a use of the entry. For
    /// a rate, a new period begins with the value.
    pub fn set(
        &self,
        key: TableKey<'_>,
        data: DataType,
        value: u64,
        now: Time,
    ) -> Result<(), SetError> {
        if !self.stores(data) {
            return Err(SetError::NotStored);
        }
        if data == DataType::ConnCur {
            return Err(SetError::Counted);
        }
        let (shard, hash, key) = self.locate(key).ok_or(SetError::Key)?;
        let found = self.entry(shard, hash, key.bytes(), now);
        let (mut open, slot) = found.ok_or(SetError::Full)?;
        open.touch(slot, now);
        self.layout.put(open.words_mut(slot), data, value, now).ok_or(SetError::NotStored)
    }

    /// Counts one in a counter of a key, whose entry is made if there is none; what the counter is then,
    /// `None` if it is not stored or the table has no place for the key.
    pub fn increment_gpc(&self, key: TableKey<'_>, index: u8, now: Time) -> Option<u64> {
        self.change(key, now, |layout, words| {
            if index == 0 {
                layout.add(words, DataType::Gpc0Rate, 1, now);
            }
            layout.add(words, DataType::Gpc(index), 1, now)
        })
    }

    /// Sets a counter of a key to 0, whose entry is made if there is none; what the counter was.
    pub fn clear_gpc(&self, key: TableKey<'_>, index: u8, now: Time) -> Option<u64> {
        self.change(key, now, |layout, words| {
            let was = layout.read(words, DataType::Gpc(index), now);
            layout.put(words, DataType::Gpc(index), 0, now).and(was)
        })
    }

    /// Counts a connection of a key that does not hold its entry, which is made if there is none; how many
    /// there were then.
    pub fn count_connection(&self, key: TableKey<'_>, now: Time) -> Option<u64> {
        self.change(key, now, |layout, words| {
            layout.add(words, DataType::ConnRate, 1, now);
            layout.add(words, DataType::ConnCnt, 1, now)
        })
    }

    /// The server that the entry of a key remembers.
    #[must_use]
    pub fn server(&self, key: TableKey<'_>, now: Time) -> Option<NonZeroU32> {
        let number = self.get(key, DataType::ServerId, now)?;
        NonZeroU32::new(u32::try_from(number).ok()?)
    }

    /// Remembers a server in the entry of a key, which is made if there is none.
    pub fn set_server(
        &self,
        key: TableKey<'_>,
        server: NonZeroU32,
        now: Time,
    ) -> Result<(), SetError> {
        self.set(key, DataType::ServerId, server.get().into(), now)
    }

    /// How many connections hold the entry of a key; `None` without one.
    pub fn holders(&self, key: TableKey<'_>, now: Time) -> Option<u64> {
        let (shard, hash, key) = self.locate(key)?;
        let open = self.shards[shard].open();
        let slot = open.find(hash, key.bytes())?;
        (!self.has_expired(&open, slot, now)).then(|| open.holders(slot).into())
    }

    /// Changes the words of the entry of a key, which is made if there is none.
    fn change(
        &self,
        key: TableKey<'_>,
        now: Time,
        change: impl FnOnce(&Layout, &mut [u64]) -> Option<u64>,
    ) -> Option<u64> {
        let (shard, hash, key) = self.locate(key)?;
        let (mut open, slot) = self.entry(shard, hash, key.bytes(), now)?;
        open.touch(slot, now);
        change(&self.layout, open.words_mut(slot))
    }

    /// Removes the entry of a key, unless a connection holds it.
    pub fn remove(&self, key: TableKey<'_>, now: Time) -> Removal {
        let Some((shard, hash, key)) = self.locate(key) else { return Removal::Absent };
        let mut open = self.shards[shard].open();
        let Some(slot) = open.find(hash, key.bytes()) else { return Removal::Absent };
        if open.holders(slot) > 0 {
            return Removal::Held;
        }
        let had_expired = self.has_expired(&open, slot, now);
        open.discard(slot);
        self.places.leave(1);
        if had_expired { Removal::Absent } else { Removal::Removed }
    }

    /// Removes every entry that no connection holds, and returns how many.
    pub fn clear(&self) -> usize {
        let mut cleared = 0;
        for shard in &self.shards {
            loop {
                let gone = self.discard_idle(&mut shard.open(), BATCH, |_| true);
                cleared += gone;
                if gone < BATCH {
                    break;
                }
            }
        }
        cleared
    }

    /// How many entries there are, expired ones that are not yet removed among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.taken()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often a key was not tracked or set because the table was full.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many entries were removed for others before they expired.
    #[must_use]
    pub fn purged(&self) -> u64 {
        self.purged.load(Ordering::Relaxed)
    }

    /// The shard of a key, its hash, and how it is stored.
    fn locate<'a>(&self, key: TableKey<'a>) -> Option<(usize, u64, key::StoredKey<'a>)> {
        let key = self.config.kind.stored(key)?;
        let hash = self.hasher.hash_one(key.bytes());
        // The index of a shard uses the lowest and the highest bits of the hash, so the shard is chosen
        // by other bits.
        let shard = (hash >> 32) as usize & (self.shards.len() - 1);
        Some((shard, hash, key))
    }

    /// The entry of a key, made if there is none or it has expired.
    fn entry(
        &self,
        shard: usize,
        hash: u64,
        key: &[u8],
        now: Time,
    ) -> Option<(Open<'_>, EntryIndex)> {
        let mut open = self.shards[shard].open();
        if let Some(slot) = open.find(hash, key) {
            if self.has_expired(&open, slot, now) {
                open.words_mut(slot).fill(0);
                open.touch(slot, now);
            }
            return Some((open, slot));
        }
        if let Some(expire) = self.config.expire {
            self.discard_idle(&mut open, GONE_FOR_ONE, |used| now.since(used) >= expire);
        }
        if !self.places.take() && !self.make_room(&mut open, now) {
            drop(open);
            if !self.make_room_elsewhere(now) {
                self.refused.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            open = self.shards[shard].open();
            // Another thread may have made the entry meanwhile.
            if let Some(slot) = open.find(hash, key) {
                self.places.leave(1);
                return Some((open, slot));
            }
        }
        let slot = open.create(hash, key, now);
        Some((open, slot))
    }

    /// Frees a place in the first shard that has an entry to remove; the place is the caller's.
    fn make_room_elsewhere(&self, now: Time) -> bool {
        if self.config.nopurge && self.config.expire.is_none() {
            return false;
        }
        self.shards.iter().any(|shard| {
            shard.oldest().is_some_and(|used| self.may_go(used, now))
                && self.make_room(&mut shard.open(), now)
        })
    }

    /// Frees the place of the entry that has been idle for longest; the place is the caller's.
    fn make_room(&self, open: &mut Open<'_>, now: Time) -> bool {
        let Some((slot, used)) = open.oldest().filter(|(_, used)| self.may_go(*used, now)) else {
            return false;
        };
        open.discard(slot);
        let was_expired = self.config.expire.is_some_and(|expire| now.since(used) >= expire);
        self.purged.fetch_add(u64::from(!was_expired), Ordering::Relaxed);
        true
    }

    /// Whether an idle entry that was last used at `used` may be removed.
    fn may_go(&self, used: Time, now: Time) -> bool {
        !self.config.nopurge || self.config.expire.is_some_and(|expire| now.since(used) >= expire)
    }

    /// Removes entries from the oldest of the idle on, while they `may_go`, and returns how many.
    fn discard_idle(
        &self,
        open: &mut Open<'_>,
        most: usize,
        may_go: impl Fn(Time) -> bool,
    ) -> usize {
        let mut gone = 0;
        while gone < most
            && let Some((slot, used)) = open.oldest()
            && may_go(used)
        {
            open.discard(slot);
            gone += 1;
        }
        self.places.leave(gone);
        gone
    }

    fn has_expired(&self, entries: &Entries, slot: EntryIndex, now: Time) -> bool {
        let is_idle = entries.holders(slot) == 0;
        is_idle && self.config.expire.is_some_and(|e| now.since(entries.used(slot)) >= e)
    }

    fn read(&self, entries: &Entries, slot: EntryIndex, data: DataType, now: Time) -> Option<u64> {
        match data {
            DataType::ConnCur => self.stores(data).then(|| entries.holders(slot).into()),
            _ => self.layout.read(entries.words(slot), data, now),
        }
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "the table has no place for such a key",
            Self::NotStored => "the table does not store it",
            Self::Counted => "connections that exist are counted and cannot be set",
            Self::Full => "the table is full",
        })
    }
}

impl std::error::Error for SetError {}
