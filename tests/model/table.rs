//! A stick table: its entries are counted together while each shard has a lock of its own.

#[path = "../../src/table/places.rs"]
mod places;
#[path = "../../src/table/shard.rs"]
mod shard;

use crate::in_every_order;
use crate::sync::Arc;
use crate::time::Time;
use entries::Entries;
use places::EntryPlaces;
use shard::Shard;

/// Entries, as far as a shard looks at them: when each was used last.
mod entries {
    use crate::time::Time;

    #[derive(Debug, Default)]
    pub(super) struct Entries(pub(super) Vec<Time>);

    impl Entries {
        /// The oldest, with its number.
        pub(super) fn oldest(&self) -> Option<(usize, Time)> {
            let used = self.0.iter().copied().enumerate();
            used.min_by_key(|(_, used)| *used)
        }
    }
}

/// A table of two shards, as far as places and locks go.
struct Table {
    places: EntryPlaces,
    shards: [Shard; 2],
}

impl Table {
    fn new(size: usize) -> Arc<Self> {
        let shards = std::array::from_fn(|_| Shard::new(Entries::default()));
        Arc::new(Self { places: EntryPlaces::new(size), shards })
    }

    /// Makes an entry in a shard: in a free place, in that of the oldest of the shard, or in that of the
    /// oldest of another. Returns whether there was one.
    fn create(&self, shard: usize, now: Time) -> bool {
        let mut open = self.shards[shard].open();
        if !self.places.take() && !Self::make_room(&mut open) {
            // Two locks are never held at once.
            drop(open);
            let found = self
                .shards
                .iter()
                .any(|shard| shard.oldest().is_some() && Self::make_room(&mut shard.open()));
            if !found {
                return false;
            }
            open = self.shards[shard].open();
        }
        open.0.push(now);
        true
    }

    fn make_room(entries: &mut Entries) -> bool {
        let Some((at, _)) = entries.oldest() else { return false };
        entries.0.remove(at);
        true
    }

    fn remove(&self, shard: usize) {
        let mut open = self.shards[shard].open();
        if open.0.pop().is_some() {
            self.places.leave(1);
        }
    }

    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.open().0.len()).sum()
    }
}

#[test]
fn a_full_table_never_has_more_entries_than_places_and_loses_none() {
    in_every_order(|| {
        let table = Table::new(1);
        let thread = {
            let table = Arc::clone(&table);
            loom::thread::spawn(move || {
                let made = table.create(1, Time(2));
                assert!(table.len() <= 1, "there are more entries than places");
                made
            })
        };
        let made = table.create(0, Time(1));
        let theirs = thread.join().expect("it returns");
        assert!(made || theirs);
        assert_eq!(table.places.taken(), table.len(), "places and entries differ");
        assert_eq!(table.len(), 1);
    });
}

#[test]
fn a_place_given_back_while_others_look_for_one_is_neither_lost_nor_had_twice() {
    in_every_order(|| {
        let table = Table::new(1);
        assert!(table.create(0, Time(1)));
        let thread = {
            let table = Arc::clone(&table);
            loom::thread::spawn(move || table.create(1, Time(2)))
        };
        table.remove(0);
        thread.join().expect("it returns");
        assert_eq!(table.places.taken(), table.len());
        assert!(table.len() <= 1);
    });
}

#[test]
fn the_hint_at_the_oldest_entry_of_a_shard_is_right_once_nobody_has_the_shard_open() {
    in_every_order(|| {
        let table = Table::new(2);
        let thread = {
            let table = Arc::clone(&table);
            loom::thread::spawn(move || table.create(0, Time(3)))
        };
        table.create(0, Time(2));
        table.remove(0);
        thread.join().expect("it returns");
        let oldest = table.shards[0].open().oldest().map(|(_, used)| used);
        assert_eq!(table.shards[0].oldest(), oldest);
    });
}
