//! The hold that a connection has on an entry.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::Table;
use super::data::DataType;
use super::entries::EntryIndex;
use super::key::{OwnedKey, TableKey};
use super::shard::Open;
use crate::time::Time;

/// One connection in one entry of a table. It cannot be copied, and dropping it takes the connection out
/// of the entry: so each connection is removed from the count once, however it ends. While it exists the
/// entry is neither removed nor does it expire.
#[derive(Debug)]
#[must_use = "a connection that is not held is counted as gone"]
pub struct Tracked {
    table: Arc<Table>,
    shard: u32,
    slot: EntryIndex,
}

impl Table {
    /// Counts a new connection with this key: its entry is found or made, and the connection holds it
    /// until the [`Tracked`] is dropped. `None` if the table cannot hold the key, or if the table is
    /// full and no entry may be removed, which is counted.
    #[must_use = "a connection that is not held is counted as gone"]
    pub fn track(self: &Arc<Self>, key: TableKey<'_>, now: Time) -> Option<Tracked> {
        let (shard, hash, key) = self.locate(key)?;
        let (mut open, slot) = self.entry(shard, hash, key.bytes(), now)?;
        open.hold(slot, now);
        let words = open.words_mut(slot);
        self.layout.add(words, DataType::ConnCnt, 1, now);
        self.layout.add(words, DataType::ConnRate, 1, now);
        drop(open);
        Some(Tracked::new(self.clone(), shard, slot))
    }
}

impl Tracked {
    const fn new(table: Arc<Table>, shard: usize, slot: EntryIndex) -> Self {
        // There are at most `SHARDS_MAX`.
        Self { table, shard: shard as u32, slot }
    }

    /// The table it is in.
    #[must_use]
    pub const fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// What the entry holds; `None` if `data` is not stored.
    #[must_use]
    pub fn get(&self, data: DataType, now: Time) -> Option<u64> {
        self.table.read(&self.open(), self.slot, data, now)
    }

    /// The connection has become a session.
    pub fn session(&self, now: Time) {
        self.count([DataType::SessCnt, DataType::SessRate], 1, now);
    }

    /// Bytes have come from the client.
    pub fn bytes_in(&self, count: u64, now: Time) {
        self.count([DataType::BytesInCnt, DataType::BytesInRate], count, now);
    }

    /// Bytes have gone to the client.
    pub fn bytes_out(&self, count: u64, now: Time) {
        self.count([DataType::BytesOutCnt, DataType::BytesOutRate], count, now);
    }

    /// Counts one in a counter of the host's own, and in the rate of the first; what the counter is
    /// then, `None` if it is not stored.
    pub fn increment_gpc(&self, index: u8, now: Time) -> Option<u64> {
        let mut open = self.open();
        let words = open.words_mut(self.slot);
        if index == 0 {
            self.table.layout.add(words, DataType::Gpc0Rate, 1, now);
        }
        self.table.layout.add(words, DataType::Gpc(index), 1, now)
    }

    /// Sets a counter of the host's own to 0; what it was, `None` if it is not stored.
    pub fn clear_gpc(&self, index: u8) -> Option<u64> {
        let mut open = self.open();
        // No rate is read, so the time does not matter.
        let was = self.table.layout.read(open.words(self.slot), DataType::Gpc(index), Time(0));
        let words = open.words_mut(self.slot);
        self.table.layout.put(words, DataType::Gpc(index), 0, Time(0)).and(was)
    }

    /// How many connections hold the entry.
    #[must_use]
    pub fn holders(&self) -> u64 {
        self.open().holders(self.slot).into()
    }

    /// The key of the entry.
    #[must_use]
    pub fn key(&self) -> OwnedKey {
        self.table.config.kind.owned(self.open().key(self.slot))
    }

    /// Sets the tag of the host's own; `None` if it is not stored.
    pub fn set_gpt0(&self, tag: u32) -> Option<()> {
        self.put(DataType::Gpt0, tag.into())
    }

    /// Remembers the server that the key's streams go to; `None` if it is not stored.
    pub fn set_server(&self, server: NonZeroU32) -> Option<()> {
        self.put(DataType::ServerId, server.get().into())
    }

    /// The server that the key's streams go to, if one is remembered.
    #[must_use]
    pub fn server(&self) -> Option<NonZeroU32> {
        if !self.table.stores(DataType::ServerId) {
            return None;
        }
        // No rate is read, so the time does not matter.
        let server = self.get(DataType::ServerId, Time(0))?;
        NonZeroU32::new(u32::try_from(server).ok()?)
    }

    /// Releases the entry at a known time, from which its expiry counts. Dropping does the same with the
    /// time of the last use that is known.
    pub fn release(self, now: Time) {
        self.open().touch(self.slot, now);
    }

    /// Adds to a number and its rate. A table that stores neither is not locked.
    fn count(&self, data: [DataType; 2], count: u64, now: Time) {
        if data.iter().any(|data| self.table.stores(*data)) {
            let mut open = self.open();
            open.touch(self.slot, now);
            for data in data {
                self.table.layout.add(open.words_mut(self.slot), data, count, now);
            }
        }
    }

    /// Sets a datum that is no rate. A table that does not store it is not locked.
    fn put(&self, data: DataType, value: u64) -> Option<()> {
        if !self.table.stores(data) {
            return None;
        }
        self.table.layout.put(self.open().words_mut(self.slot), data, value, Time(0))
    }

    fn open(&self) -> Open<'_> {
        self.table.shards[self.shard as usize].open()
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.open().let_go(self.slot);
    }
}
