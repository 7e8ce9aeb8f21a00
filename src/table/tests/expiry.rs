//! When entries go, and that none goes while a connection holds it.

use super::*;
use crate::random::Random;

#[test]
fn an_entry_expires_after_its_last_use_and_asking_is_no_use() {
    let table = table(10);
    drop(table.track(ip(1), at(0)));
    assert!(table.get(ip(1), Data::ConnCnt, at(59)).is_some());
    assert!(table.get(ip(1), Data::ConnCnt, at(60)).is_none());
    table.set(ip(1), Data::Gpt0, 1, at(60)).expect("room");
    assert!(table.contains(ip(1), at(119)));
    assert_eq!(table.get(ip(1), Data::ConnCnt, at(119)), Some(0), "it is another entry");
    drop(table.track(ip(1), at(119)));
    assert!(table.contains(ip(1), at(178)));
    assert!(!table.contains(ip(1), at(179)));
    assert_eq!(table.remove(ip(1), at(179)), Removal::Absent);
    assert!(table.is_empty());
}

#[test]
fn without_a_time_to_expire_entries_stay() {
    let table = Table::new(TableConfig { expire: None, ..config(10) }).expect("a table");
    drop(table.track(ip(1), at(0)));
    assert_eq!(table.expire(Time(u64::MAX - 1), 100), None);
    assert!(table.contains(ip(1), Time(u64::MAX - 1)));
}

#[test]
fn an_entry_that_is_held_never_expires_and_is_kept_for_its_time_afterwards() {
    let table = table(10);
    let held = table.track(ip(1), at(0)).expect("room");
    table.expire(at(1_000), 100);
    assert_eq!(table.get(ip(1), Data::ConnCur, at(1_000)), Some(1));
    held.release(at(1_000));
    assert!(table.contains(ip(1), at(1_059)));
    assert!(!table.contains(ip(1), at(1_060)));
}

#[test]
fn dropped_without_a_time_an_entry_counts_from_its_last_use() {
    let table = table(10);
    let held = table.track(ip(1), at(0)).expect("room");
    held.bytes_in(1, at(100));
    drop(held);
    assert!(table.contains(ip(1), at(159)));
    assert!(!table.contains(ip(1), at(160)));
}

#[test]
fn the_sweep_frees_what_has_expired_within_its_budget() {
    let table = table(5_000);
    for n in 0..3_000 {
        drop(table.track(ip(n), at(0)));
    }
    for n in 3_000..4_000 {
        drop(table.track(ip(n), at(30)));
    }
    table.expire(at(59), usize::MAX);
    assert_eq!(table.len(), 4_000);
    table.expire(at(60), 100);
    assert_eq!(table.len(), 3_900);
    table.expire(at(60), usize::MAX);
    assert_eq!(table.len(), 1_000);
    assert!((3_000..4_000).all(|n| table.contains(ip(n), at(60))));
    table.expire(at(90), usize::MAX);
    assert!(table.is_empty());
}

#[test]
fn the_sweep_never_asks_to_run_again_at_once() {
    let table = table(5_000);
    assert_eq!(table.expire(at(0), 10), None, "nothing can expire");
    let mut random = Random::new(1);
    let mut held = Vec::new();
    for n in 0..4_000 {
        held.extend(table.track(ip(n), at(random.below(100))));
        if random.one_in(2) {
            held.pop();
        }
    }
    let mut now = at(0);
    let mut rounds = 0;
    while let Some(next) = table.expire(now, random.below(64) as usize) {
        assert!(next >= now + SWEEP_PAUSE_UNFINISHED);
        now = next;
        rounds += 1;
        assert!(rounds < 4_000, "the sweep gets nowhere");
    }
    // Every key came once, so each that is held has an entry of its own.
    assert_eq!(table.len(), held.len());
    drop(held);
    assert!(table.expire(now, 0).is_some(), "what was let go can expire");
    while let Some(next) = table.expire(now, 64) {
        now = next;
    }
    assert!(table.is_empty());
}

#[test]
fn every_order_of_holding_letting_go_expiring_and_purging_keeps_what_is_held() {
    // Every sequence of seven steps over two keys and one place too few.
    const STEPS: usize = 8;
    const LENGTH: u32 = 6;
    for mut order in 0..STEPS.pow(LENGTH) {
        let table = table(1);
        let mut held = [const { Vec::new() }; 2];
        let mut now = at(0);
        for _ in 0..LENGTH {
            let step = order % STEPS;
            order /= STEPS;
            let key = step % 2;
            match step / 2 {
                0 => held[key].extend(table.track(ip(key as u32), now)),
                1 => drop(held[key].pop()),
                2 if key == 0 => drop(table.expire(now, 1)),
                2 => now = now + 40 * SECOND,
                _ if key == 0 => drop(table.clear()),
                _ => drop(table.remove(ip(0), now)),
            }
            for (key, held) in (0..).zip(&held) {
                let due = (!held.is_empty()).then_some(held.len() as u64);
                let is = table.get(ip(key), Data::ConnCur, now);
                assert_eq!(is.filter(|count| *count > 0), due);
                assert!(held.iter().all(|one| one.get(Data::ConnCur, now) == due));
            }
            assert!(table.len() <= 1);
        }
    }
}
