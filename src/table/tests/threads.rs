//! A table in several threads at once.

use std::thread;

use super::*;
use crate::random::Random;

const THREADS: u64 = 8;
const ROUNDS: u64 = 5_000;

/// What one thread has counted of one key.
#[derive(Clone, Copy, Default)]
struct Count {
    conns: u64,
    bytes: u64,
    marks: u64,
}

#[test]
fn eight_threads_count_exactly() {
    const KEYS: usize = 64;
    let table = Table::new(TableConfig { expire: None, ..config(KEYS) }).expect("a table");
    let work = |seed| {
        let mut random = Random::new(seed);
        let mut counts = [Count::default(); KEYS];
        let mut held = Vec::new();
        for round in 0..ROUNDS {
            let which = random.below(KEYS as u64) as usize;
            let tracked = table.track(ip(which as u32), at(round)).expect("room for all");
            let bytes = random.below(1_000);
            tracked.bytes_in(bytes, at(round));
            tracked.increment_gpc(1, at(round));
            let count = &mut counts[which];
            *count = Count {
                conns: count.conns + 1,
                bytes: count.bytes + bytes,
                marks: count.marks + 1,
            };
            held.push(tracked);
            if random.one_in(3) {
                held.clear();
            }
        }
        counts
    };
    let work = &work;
    let mut total = [Count::default(); KEYS];
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|seed| scope.spawn(move || work(seed))).collect();
        for thread in threads {
            for (total, count) in total.iter_mut().zip(thread.join().expect("no panic")) {
                total.conns += count.conns;
                total.bytes += count.bytes;
                total.marks += count.marks;
            }
        }
    });
    for (n, count) in (0..).zip(total) {
        let get = |data| table.get(ip(n), data, at(0));
        assert_eq!(get(DataType::ConnCnt), Some(count.conns));
        assert_eq!(get(DataType::BytesInCnt), Some(count.bytes));
        assert_eq!(get(DataType::Gpc(1)), Some(count.marks));
        assert_eq!(get(DataType::ConnCur), Some(0));
    }
    assert_eq!(table.len(), KEYS);
}

#[test]
fn under_a_crowd_the_size_holds_and_nothing_that_is_held_is_lost() {
    // Several shards, every one too small for what is added.
    const SIZE: usize = 4_096;
    let table = table(SIZE);
    let work = |seed| {
        let mut random = Random::new(seed);
        let mut held = Vec::new();
        for round in 0..ROUNDS {
            let now = at(round / 25);
            let n = random.below(4 * SIZE as u64) as u32;
            held.extend(table.track(ip(n), now).map(|tracked| (n, tracked)));
            assert!(table.len() <= SIZE);
            match random.below(256) {
                0 | 1 => drop(table.remove(ip(n), now)),
                2 => {
                    // Others add and remove entries, but what is held is there all the time.
                    let mut keys: Vec<_> = table.snapshot(now).map(|row| row.key).collect();
                    keys.sort();
                    for (n, _) in &held {
                        let key = OwnedKey::Ip(Ipv4Addr::from_bits(*n).into());
                        let before = keys.partition_point(|other| *other < key);
                        let behind = keys.partition_point(|other| *other <= key);
                        assert_eq!(behind - before, 1, "{key:?}");
                    }
                }
                _ => {}
            }
            if held.len() > 400 {
                let (n, tracked) = held.swap_remove(random.below(400) as usize);
                let count = tracked.get(DataType::ConnCur, now).expect("it is stored");
                assert!(count >= 1);
                assert!(table.get(ip(n), DataType::ConnCur, now).is_some(), "its key finds it");
            }
        }
    };
    let work = &work;
    thread::scope(|scope| {
        for seed in 0..THREADS {
            scope.spawn(move || work(seed));
        }
    });
    let rows: Vec<_> = table.snapshot(at(0)).collect();
    assert!(rows.iter().all(|row| row.holders == 0));
    assert_eq!(rows.len(), table.len());
    assert_eq!(table.clear(), rows.len());
    assert!(table.is_empty());
}
