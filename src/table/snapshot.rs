//! The contents of a table: a copy of a few entries at a time, and text made from it.

use std::fmt;
use std::hash::RandomState;
use std::sync::Arc;

use super::data::{DataType, Stored};
use super::entries::{Entries, EntryIndex};
use super::key::{OwnedKey, TableKeyKind};
use super::{BATCH, Table};
use crate::time::{MILLISECOND, Time};

/// The entries of a table, one after the other. A shard is copied a few slots at a time; it is locked
/// for no more than that, and nothing is allocated under the lock. An entry keeps its slot, so no entry
/// moves from one part to another between two copies.
#[derive(Debug)]
pub struct Snapshot {
    table: Arc<Table>,
    now: Time,
    copy: Entries,
    /// The number of the entry in the first slot of the copy.
    first: u64,
    /// The slot of the copy that is looked at next.
    next: EntryIndex,
    /// The shard and the slot in it that are copied next.
    behind: (usize, EntryIndex),
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which entry it is: no other of the table has the number as long as the entry exists.
    pub number: u64,
    /// The kind of the key.
    pub kind: TableKeyKind,
    /// The key.
    pub key: OwnedKey,
    /// How many connections hold it.
    pub holders: u32,
    /// How long until it expires if it is not used, in nanoseconds; `None` if it does not.
    pub expires_in: Option<u64>,
    /// What is stored and its value, in the order of dumps, each counter separately.
    pub values: Vec<(Stored, DataType, u64)>,
}

impl Table {
    /// The entries as they are, a few at a time. An entry that exists all the time is returned
    /// once; one that is added or removed meanwhile may be returned or not. Where a key is removed
    /// and added again, both entries may be returned.
    #[must_use]
    pub fn snapshot(self: &Arc<Self>, now: Time) -> Snapshot {
        Snapshot::new(self.clone(), now)
    }

    /// The table as text, in the form of HAProxy's `show table`: a line about the table, then one
    /// about each entry.
    #[must_use]
    pub fn dump(self: &Arc<Self>, now: Time) -> String {
        let mut text = format!("{}\n", Title(self));
        for row in self.snapshot(now) {
            text += &format!("{row}\n");
        }
        text
    }
}

impl Snapshot {
    fn new(table: Arc<Table>, now: Time) -> Self {
        let width = table.config.kind.width();
        let mut copy = Entries::new(RandomState::new(), width, table.layout.words());
        copy.reserve(BATCH);
        Self { table, now, copy, first: 0, next: 0, behind: (0, 0) }
    }

    /// The next slot with an entry, in the copy that is current then.
    fn advance(&mut self) -> Option<EntryIndex> {
        loop {
            if let Some(slot) = self.copy.entry_from(self.next) {
                self.next = slot + 1;
                return Some(slot);
            }
            self.copy_next()?;
        }
    }

    /// Copies the next few slots; `None` after the last shard.
    fn copy_next(&mut self) -> Option<()> {
        let (shard, slot) = self.behind;
        let copied = self.table.shards.get(shard)?.open().copy_to(&mut self.copy, slot, BATCH);
        self.behind = match copied {
            BATCH => (shard, slot + BATCH as EntryIndex),
            _ => (shard + 1, 0),
        };
        self.first = (shard as u64 + 1) << 32 | u64::from(slot);
        self.next = 0;
        Some(())
    }

    fn row(&self, slot: EntryIndex) -> Row {
        let Self { table, copy, now, .. } = self;
        let kind = table.config.kind;
        let mut values = Vec::new();
        for stored in table.layout.stored() {
            let indices = if let Stored::Gpc(count) = stored { count } else { 1 };
            for index in 0..indices {
                let data = match stored {
                    Stored::Gpc(_) => DataType::Gpc(index),
                    _ => stored.data(),
                };
                let value = table.read(copy, slot, data, *now).unwrap_or_default();
                values.push((stored, data, value));
            }
        }
        Row {
            number: self.first + u64::from(slot),
            kind,
            key: kind.owned(copy.key(slot)),
            holders: copy.holders(slot),
            expires_in: table.config.expire.map(|expire| (copy.used(slot) + expire).since(*now)),
            values,
        }
    }
}

impl Iterator for Snapshot {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            let slot = self.advance()?;
            if !self.table.has_expired(&self.copy, slot, self.now) {
                return Some(self.row(slot));
            }
        }
    }
}

/// The line about the table.
struct Title<'a>(&'a Table);

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.0.config();
        let (name, kind) = (config.name.as_bytes().escape_ascii(), config.kind.name());
        write!(f, "# table: {name}, type: {kind}, size:{}, used:{}", config.size, self.0.len())
    }
}

impl fmt::Display for Row {
    /// The line about the entry. Keys are escaped: none can end the line or look like the fields behind
    /// it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}: key=", self.number)?;
        match (&self.key, self.kind) {
            (OwnedKey::Ip(ip), _) => write!(f, "{ip}")?,
            (OwnedKey::Integer(number), _) => write!(f, "{number}")?,
            (OwnedKey::Text(block), TableKeyKind::Binary { .. }) => {
                block.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
            }
            (OwnedKey::Text(text), _) => {
                for byte in text {
                    match byte {
                        b' ' => f.write_str("\\ ")?,
                        byte => write!(f, "{}", byte.escape_ascii())?,
                    }
                }
            }
        }
        let expires = self.expires_in.unwrap_or(0).div_ceil(MILLISECOND);
        write!(f, " use={} exp={expires}", self.holders)?;
        for (stored, data, value) in &self.values {
            write!(f, " {}", data.name())?;
            if let DataType::Gpc(index) = data {
                write!(f, "{index}")?;
            }
            if let Some(period) = stored.period() {
                write!(f, "({})", period.div_ceil(MILLISECOND))?;
            }
            write!(f, "={value}")?;
        }
        Ok(())
    }
}
