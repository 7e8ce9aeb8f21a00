//! When entries are removed, and that none is removed while a connection holds it.

use super::*;

#[test]
fn an_entry_expires_after_its_last_use_and_asking_is_no_use() {
    let table = table(10);
    drop(table.track(ip(1), at(0)));
    assert!(table.get(ip(1), DataType::ConnCnt, at(59)).is_some());
    assert!(table.get(ip(1), DataType::ConnCnt, at(60)).is_none());
    table.set(ip(1), DataType::Gpt0, 1, at(60)).expect("room");
    assert!(table.contains(ip(1), at(119)));
    assert_eq!(table.get(ip(1), DataType::ConnCnt, at(119)), Some(0), "it is another entry");
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
    drop(table.track(ip(2), Time(u64::MAX - 1)));
    assert_eq!(table.len(), 2);
    assert!(table.contains(ip(1), Time(u64::MAX - 1)));
}

#[test]
fn an_entry_that_is_held_never_expires_and_is_kept_for_its_time_afterwards() {
    let table = table(10);
    let held = table.track(ip(1), at(0)).expect("room");
    drop(table.track(ip(2), at(1_000)));
    assert_eq!(table.get(ip(1), DataType::ConnCur, at(1_000)), Some(1));
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
fn what_has_expired_goes_as_others_come_and_what_lives_stays() {
    let table = table(5_000);
    for n in 0..3_000 {
        drop(table.track(ip(n), at(0)));
    }
    for n in 3_000..4_000 {
        drop(table.track(ip(n), at(30)));
    }
    assert_eq!(table.len(), 4_000);
    drop(table.track(ip(10_000), at(59)));
    assert_eq!(table.len(), 4_001, "nothing has expired");
    drop(table.track(ip(10_001), at(60)));
    assert_eq!(table.len(), 4_000, "two of them for one that comes");
    for n in 11_000..14_000 {
        drop(table.track(ip(n), at(60)));
    }
    assert_eq!((table.len(), table.purged()), (4_002, 0));
    assert!((3_000..4_000).all(|n| table.contains(ip(n), at(60))));
}

#[test]
fn a_table_that_is_larger_than_it_need_be_holds_hardly_more_than_lives() {
    // One new client every second, each entry lives for a minute, and the table has room for many more.
    let table = table(1_000);
    for n in 0..10_000_u32 {
        drop(table.track(ip(n), at(u64::from(n))));
        assert!(table.len() <= 61, "{} after {n} seconds", table.len());
    }
    // After many keys at once the table shrinks to the live entries again.
    for n in 20_000..20_900 {
        drop(table.track(ip(n), at(10_000)));
    }
    assert!(table.len() > 900);
    for n in 10_060..11_060_u32 {
        drop(table.track(ip(n), at(u64::from(n))));
    }
    assert!(table.len() <= 61);
}

#[test]
fn every_order_of_holding_letting_go_expiring_and_purging_keeps_what_is_held() {
    // Every sequence of six steps over two keys and one place too few.
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
                2 if key == 0 => drop(table.track(ip(2), now)),
                2 => now = now + 40 * SECOND,
                _ if key == 0 => drop(table.clear()),
                _ => drop(table.remove(ip(0), now)),
            }
            for (key, held) in (0..).zip(&held) {
                let due = (!held.is_empty()).then_some(held.len() as u64);
                let is = table.get(ip(key), DataType::ConnCur, now);
                assert_eq!(is.filter(|count| *count > 0), due);
                assert!(held.iter().all(|one| one.get(DataType::ConnCur, now) == due));
            }
            assert!(table.len() <= 1);
        }
    }
}
