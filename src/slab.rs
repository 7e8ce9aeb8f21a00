//! Slabs: records found by slot and generation. The key of a removed record is an error; it never
//! returns another record.

use std::fmt;
use std::mem;

/// The slot of a record, and its generation among the records that were in that slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// How many records were in the slot before, counted from the base of the slab; below
    /// [`Key::GENERATIONS`].
    pub generation: u32,
    /// The index of the slot; below [`Key::SLOTS`].
    pub slot: u32,
}

impl Key {
    /// The width of a generation, in bits.
    pub const GENERATION_BITS: u32 = 24;
    /// The width of a slot, in bits.
    pub const SLOT_BITS: u32 = 24;
    /// How many generations there are.
    pub const GENERATIONS: u32 = 1 << Self::GENERATION_BITS;
    /// How many slots there are.
    pub const SLOTS: u32 = 1 << Self::SLOT_BITS;

    /// Slot and generation in one number.
    #[must_use]
    pub const fn bits(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    /// The key whose [`Key::bits`] these are.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self { generation: (bits >> 32) as u32, slot: bits as u32 }
    }
}

/// No record of this slab has the key, or the record was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale;

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record is gone")
    }
}

impl std::error::Error for Stale {}

/// The slab holds as many records as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room for another record")
    }
}

impl std::error::Error for Full {}

/// Entries per allocation.
const CHUNK: usize = 64;

/// The end of the free list.
const NO_SLOT: u32 = u32::MAX;

/// A vacant entry holds the generation of its next record. One whose generations are used up stays
/// vacant: it is never put on the free list.
enum Entry<T> {
    Vacant { generation: u32, next: u32 },
    Occupied { generation: u32, value: T },
}

impl<T> Entry<T> {
    /// The record, if its key is `key`.
    fn of_mut(&mut self, key: Key) -> Option<&mut T> {
        match self {
            Self::Occupied { generation, value } if *generation == key.generation => Some(value),
            _ => None,
        }
    }
}

/// Records that never move: memory grows in chunks and is kept. An entry costs 8 bytes more than its
/// record (or the record's alignment, where that is larger).
///
/// `GENERATIONS` is how many records a slot has, one after the other. Then the slot is retired: it stays
/// vacant.
pub struct Slab<T, const GENERATIONS: u32 = { Key::GENERATIONS }> {
    /// Every chunk has room for [`CHUNK`] entries from the beginning, and all but the last are
    /// full: a chunk never reallocates, so an entry never moves.
    chunks: Vec<Vec<Entry<T>>>,
    /// How many entries there are in all chunks.
    slots: u32,
    /// The first slot of the free list.
    free: u32,
    /// How many entries are occupied.
    len: u32,
    limit: u32,
    base: u32,
    next_generation: u32,
}

impl<T, const GENERATIONS: u32> Slab<T, GENERATIONS> {
    /// An empty slab for at most `limit` records at a time, whose slots begin with the generation
    /// `base`. Retired slots do not count towards `limit`.
    #[must_use]
    pub const fn new(limit: u32, base: u32) -> Self {
        const { assert!(GENERATIONS <= Key::GENERATIONS, "an id holds no such generation") };
        Self {
            chunks: Vec::new(),
            slots: 0,
            free: NO_SLOT,
            len: 0,
            limit,
            base,
            next_generation: base,
        }
    }

    /// How many slots there are, vacant ones included.
    #[must_use]
    pub const fn slots(&self) -> u32 {
        self.slots
    }

    /// How many records there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The lowest generation above those of all keys of this slab: the base for a slab whose keys must
    /// not be mistaken for keys of this one.
    #[must_use]
    pub const fn next_generation(&self) -> u32 {
        self.next_generation
    }

    /// Adds a record.
    ///
    /// # Errors
    /// [`Full`] at the limit, or when every slot is occupied or retired; the record is dropped.
    pub fn insert(&mut self, value: T) -> Result<Key, Full> {
        self.insert_with(|_| value)
    }

    /// Adds the record that `make` builds. `make` gets the key of the record, and is called only if
    /// there is room.
    ///
    /// # Errors
    /// As [`Slab::insert`].
    pub fn insert_with(&mut self, make: impl FnOnce(Key) -> T) -> Result<Key, Full> {
        let key = self.vacancy().ok_or(Full)?;
        let Key { generation, slot } = key;
        // Nothing has changed before this call, so a panic in it does not lose the slot.
        let entry = Entry::Occupied { generation, value: make(key) };
        match self.entry_mut(slot) {
            Some(place) => {
                if let Entry::Vacant { next, .. } = mem::replace(place, entry) {
                    self.free = next;
                }
            }
            None => self.push(entry),
        }
        self.len += 1;
        self.next_generation = self.next_generation.max(generation + 1);
        Ok(key)
    }

    /// The record of `key`.
    ///
    /// # Errors
    /// [`Stale`] if it was removed or never existed.
    pub fn get(&self, key: Key) -> Result<&T, Stale> {
        match self.entry(key.slot) {
            Some(Entry::Occupied { generation, value }) if *generation == key.generation => {
                Ok(value)
            }
            _ => Err(Stale),
        }
    }

    /// The record of `key`, mutably.
    ///
    /// # Errors
    /// [`Stale`] if it was removed or never existed.
    pub fn get_mut(&mut self, key: Key) -> Result<&mut T, Stale> {
        self.entry_mut(key.slot).and_then(|entry| entry.of_mut(key)).ok_or(Stale)
    }

    /// Removes the record of `key`; from now on its key is stale.
    ///
    /// # Errors
    /// [`Stale`] if it was removed or never existed.
    pub fn remove(&mut self, key: Key) -> Result<T, Stale> {
        let generation = key.generation.saturating_add(1);
        let vacant = Entry::Vacant { generation, next: self.free };
        let place = self.entry_mut(key.slot).ok_or(Stale)?;
        match mem::replace(place, vacant) {
            Entry::Occupied { generation, value } if generation == key.generation => {
                if generation + 1 < GENERATIONS {
                    self.free = key.slot;
                }
                self.len -= 1;
                Ok(value)
            }
            other => {
                *place = other;
                Err(Stale)
            }
        }
    }

    /// The record in `slot`, if there is one, whatever its generation.
    #[must_use]
    pub fn by_slot(&self, slot: u32) -> Option<&T> {
        match self.entry(slot) {
            Some(Entry::Occupied { value, .. }) => Some(value),
            _ => None,
        }
    }

    /// The record in `slot`, mutably, if there is one, whatever its generation.
    pub fn by_slot_mut(&mut self, slot: u32) -> Option<&mut T> {
        match self.entry_mut(slot) {
            Some(Entry::Occupied { value, .. }) => Some(value),
            _ => None,
        }
    }

    /// The key of the record in `slot`, if there is one.
    #[must_use]
    pub fn key_of(&self, slot: u32) -> Option<Key> {
        match self.entry(slot) {
            Some(Entry::Occupied { generation, .. }) => Some(Key { generation: *generation, slot }),
            _ => None,
        }
    }

    /// The record in `slot` and its key, mutably, if there is one.
    pub fn entry_of_mut(&mut self, slot: u32) -> Option<(Key, &mut T)> {
        match self.entry_mut(slot) {
            Some(Entry::Occupied { generation, value }) => {
                Some((Key { generation: *generation, slot }, value))
            }
            _ => None,
        }
    }

    /// The records of two keys at once, mutably: `None` for a key that is missing or stale, and for
    /// both keys if they have one slot.
    pub fn pair_mut(&mut self, keys: [Option<Key>; 2]) -> [Option<&mut T>; 2] {
        let [Some(first), Some(second)] = keys else {
            let [first, second] = keys;
            // At most one of the keys is present.
            let only = first.or(second).and_then(|key| self.get_mut(key).ok());
            return if first.is_some() { [only, None] } else { [None, only] };
        };
        let [one, two] = [first.slot, second.slot].map(|slot| slot as usize);
        let chunks = [one, two].map(|slot| slot / CHUNK);
        let entries = if chunks[0] == chunks[1] {
            let chunk = self.chunks.get_mut(chunks[0]);
            let pair =
                chunk.and_then(|chunk| chunk.get_disjoint_mut([one % CHUNK, two % CHUNK]).ok());
            pair.map_or([None, None], |pair| pair.map(Some))
        } else {
            let pair = self.chunks.get_disjoint_mut(chunks).ok();
            pair.map_or([None, None], |[a, b]| [a.get_mut(one % CHUNK), b.get_mut(two % CHUNK)])
        };
        let [one, two] = entries;
        [one.and_then(|entry| entry.of_mut(first)), two.and_then(|entry| entry.of_mut(second))]
    }

    /// Every record and its key, by ascending slot.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        (0..).zip(self.chunks.iter().flatten()).filter_map(|(slot, entry)| match entry {
            Entry::Occupied { generation, value } => {
                Some((Key { generation: *generation, slot }, value))
            }
            Entry::Vacant { .. } => None,
        })
    }

    /// Every record and its key, mutably, by ascending slot.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut T)> {
        (0..).zip(self.chunks.iter_mut().flatten()).filter_map(|(slot, entry)| match entry {
            Entry::Occupied { generation, value } => {
                Some((Key { generation: *generation, slot }, value))
            }
            Entry::Vacant { .. } => None,
        })
    }

    /// The key the next record will have.
    fn vacancy(&self) -> Option<Key> {
        if self.len >= self.limit {
            return None;
        }
        match self.entry(self.free) {
            Some(Entry::Vacant { generation, .. }) => {
                Some(Key { generation: *generation, slot: self.free })
            }
            _ if self.slots < Key::SLOTS && self.base < GENERATIONS => {
                Some(Key { generation: self.base, slot: self.slots })
            }
            _ => None,
        }
    }

    fn push(&mut self, entry: Entry<T>) {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(entry),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(entry);
                self.chunks.push(chunk);
            }
        }
        self.slots += 1;
    }

    fn entry(&self, slot: u32) -> Option<&Entry<T>> {
        self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)
    }

    fn entry_mut(&mut self, slot: u32) -> Option<&mut Entry<T>> {
        self.chunks.get_mut(slot as usize / CHUNK)?.get_mut(slot as usize % CHUNK)
    }
}

#[cfg(test)]
mod tests;
