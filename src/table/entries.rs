//! The entries of one shard: where each is, what it holds, and which has been unused for longest.
//!
//! An entry is a slot in three arrays (a head, the bytes of its key, its words) and a number in the
//! index. So it costs no allocation of its own, and a slot that is held stays where it is.
//!
//! Invariant: an entry is on the idle list if and only if nothing holds it. So the entry to be removed,
//! for room or because it expired, is always the head of the list, and held entries are never looked at.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use crate::time::Time;

/// Where an entry is among those of its shard.
pub(super) type EntryIndex = u32;

/// No slot: the end of a list.
const NONE: EntryIndex = EntryIndex::MAX;

/// The arrays grow by this part of what they hold, and by no fewer entries than this.
const GROWTH_PART: usize = 8;
const GROWTH_LEAST: usize = 16;

/// What every entry has.
#[derive(Clone, Copy, Debug)]
struct EntryHead {
    /// When it was last created, held, released or set.
    used: Time,
    /// How many connections hold it.
    holders: u32,
    /// How many of the bytes of the key are its own; [`NONE`] in a slot without an entry.
    key_len: u32,
    /// On the idle list, the neighbour that became idle later; in a free slot, the next free slot.
    newer: EntryIndex,
    /// On the idle list, the neighbour that became idle earlier.
    older: EntryIndex,
}

/// The entries of one shard; see the documentation of this module.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    index: HashTable<EntryIndex>,
    hasher: RandomState,
    heads: Vec<EntryHead>,
    keys: Vec<u8>,
    words: Vec<u64>,
    key_width: usize,
    word_count: usize,
    /// The idle entry that has been so for longest, and the one that became so last.
    oldest: EntryIndex,
    newest: EntryIndex,
    free: EntryIndex,
}

impl Entries {
    /// No entries, of keys of at most `key_width` bytes and with `word_count` words.
    pub(super) const fn new(hasher: RandomState, key_width: usize, word_count: usize) -> Self {
        Self {
            index: HashTable::new(),
            hasher,
            heads: Vec::new(),
            keys: Vec::new(),
            words: Vec::new(),
            key_width,
            word_count,
            oldest: NONE,
            newest: NONE,
            free: NONE,
        }
    }

    /// The entry of a key.
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<EntryIndex> {
        self.index.find(hash, |slot| self.key(*slot) == key).copied()
    }

    /// Makes an idle entry for a key that has none.
    pub(super) fn create(&mut self, hash: u64, key: &[u8], now: Time) -> EntryIndex {
        let slot = self.take_slot();
        let at = slot as usize * self.key_width;
        self.keys[at..at + key.len()].copy_from_slice(key);
        self.words_mut(slot).fill(0);
        // A key is at most as wide as a kind allows, which fits.
        let key_len = key.len() as u32;
        *self.head_mut(slot) =
            EntryHead { used: now, holders: 0, key_len, newer: NONE, older: NONE };
        let Self { index, heads, keys, hasher, key_width, .. } = self;
        let width = *key_width;
        index
            .insert_unique(hash, slot, |other| hasher.hash_one(key_in(heads, keys, width, *other)));
        self.link(slot);
        slot
    }

    /// Removes an idle entry.
    pub(super) fn discard(&mut self, slot: EntryIndex) {
        debug_assert_eq!(self.holders(slot), 0, "an entry that is held is not discarded");
        let hash = self.hasher.hash_one(self.key(slot));
        if let Ok(found) = self.index.find_entry(hash, |other| *other == slot) {
            found.remove();
        }
        self.unlink(slot);
        let free = self.free;
        let head = self.head_mut(slot);
        head.newer = free;
        head.key_len = NONE;
        self.free = slot;
    }

    /// Adds a holder to an entry.
    pub(super) fn hold(&mut self, slot: EntryIndex, now: Time) {
        if self.holders(slot) == 0 {
            self.unlink(slot);
        }
        let head = self.head_mut(slot);
        head.holders += 1;
        head.used = head.used.max(now);
    }

    /// Removes a holder from an entry.
    pub(super) fn let_go(&mut self, slot: EntryIndex) {
        let head = self.head_mut(slot);
        head.holders -= 1;
        if head.holders == 0 {
            self.link(slot);
        }
    }

    /// Records that an entry was used at `now`.
    pub(super) fn touch(&mut self, slot: EntryIndex, now: Time) {
        let head = self.head_mut(slot);
        head.used = head.used.max(now);
        if head.holders == 0 {
            self.unlink(slot);
            self.link(slot);
        }
    }

    /// The idle entry that has been so for longest, and when it was last used.
    pub(super) fn oldest(&self) -> Option<(EntryIndex, Time)> {
        (self.oldest != NONE).then(|| (self.oldest, self.used(self.oldest)))
    }

    /// How many hold an entry.
    pub(super) fn holders(&self, slot: EntryIndex) -> u32 {
        self.heads[slot as usize].holders
    }

    /// When an entry was last used.
    pub(super) fn used(&self, slot: EntryIndex) -> Time {
        self.heads[slot as usize].used
    }

    /// The stored bytes of an entry's key.
    pub(super) fn key(&self, slot: EntryIndex) -> &[u8] {
        key_in(&self.heads, &self.keys, self.key_width, slot)
    }

    /// The words of an entry.
    pub(super) fn words(&self, slot: EntryIndex) -> &[u64] {
        let at = slot as usize * self.word_count;
        &self.words[at..at + self.word_count]
    }

    /// The words of an entry.
    pub(super) fn words_mut(&mut self, slot: EntryIndex) -> &mut [u64] {
        let at = slot as usize * self.word_count;
        &mut self.words[at..at + self.word_count]
    }

    /// The first slot with an entry that is not before `slot`.
    pub(super) fn entry_from(&self, slot: EntryIndex) -> Option<EntryIndex> {
        let later = self.heads.iter().zip(0..).skip(slot as usize);
        later.filter(|(head, _)| head.key_len != NONE).map(|(_, slot)| slot).next()
    }

    /// Copies at most `most` slots, from `from` on, and returns how many there were. In the copy
    /// they begin at 0, and `entry_from`, `key`, `words`, `used` and `holders` answer for them;
    /// look-ups by key find nothing in it. A copy with enough capacity is not reallocated.
    pub(super) fn copy_to(&self, copy: &mut Self, from: EntryIndex, most: usize) -> usize {
        let from = (from as usize).min(self.heads.len());
        let to = (from + most).min(self.heads.len());
        let (width, count) = (self.key_width, self.word_count);
        copy.heads.clear();
        copy.heads.extend_from_slice(&self.heads[from..to]);
        copy.keys.clear();
        copy.keys.extend_from_slice(&self.keys[from * width..to * width]);
        copy.words.clear();
        copy.words.extend_from_slice(&self.words[from * count..to * count]);
        to - from
    }

    /// Reserves capacity for `more` slots.
    pub(super) fn reserve(&mut self, more: usize) {
        self.heads.reserve_exact(more);
        self.keys.reserve_exact(more * self.key_width);
        self.words.reserve_exact(more * self.word_count);
    }

    fn head_mut(&mut self, slot: EntryIndex) -> &mut EntryHead {
        &mut self.heads[slot as usize]
    }

    /// A slot without an entry.
    fn take_slot(&mut self) -> EntryIndex {
        if self.free != NONE {
            let slot = self.free;
            self.free = self.heads[slot as usize].newer;
            return slot;
        }
        let len = self.heads.len();
        if len == self.heads.capacity() {
            self.reserve((len / GROWTH_PART).max(GROWTH_LEAST));
        }
        let unused =
            EntryHead { used: Time(0), holders: 0, key_len: NONE, newer: NONE, older: NONE };
        self.heads.push(unused);
        self.keys.resize((len + 1) * self.key_width, 0);
        self.words.resize((len + 1) * self.word_count, 0);
        // A table has fewer entries than a slot has numbers.
        len as EntryIndex
    }

    /// Adds an entry at the newer end of the idle list.
    fn link(&mut self, slot: EntryIndex) {
        let older = self.newest;
        let head = self.head_mut(slot);
        head.newer = NONE;
        head.older = older;
        self.newest = slot;
        if older == NONE {
            self.oldest = slot;
        } else {
            self.head_mut(older).newer = slot;
        }
    }

    /// Removes an entry from the idle list.
    fn unlink(&mut self, slot: EntryIndex) {
        let EntryHead { newer, older, .. } = self.heads[slot as usize];
        if newer == NONE {
            self.newest = older;
        } else {
            self.head_mut(newer).older = older;
        }
        if older == NONE {
            self.oldest = newer;
        } else {
            self.head_mut(older).newer = newer;
        }
    }
}

fn key_in<'a>(heads: &[EntryHead], keys: &'a [u8], width: usize, slot: EntryIndex) -> &'a [u8] {
    let slot = slot as usize;
    let at = slot * width;
    // A slot without an entry has no key.
    let len = (heads[slot].key_len as usize).min(width);
    &keys[at..at + len]
}
