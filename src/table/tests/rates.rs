//! Values of rates, computed by hand.

use super::*;

/// A period of ten seconds, as in the common rule "100 connections in 10 s".
const PERIOD: u64 = 10 * SECOND;

/// Counts this many events at a second.
fn events(table: &Arc<Table>, count: u64, second: u64) {
    for _ in 0..count {
        drop(table.track(ip(1), at(second)));
    }
}

fn rate(table: &Arc<Table>, second: u64) -> u64 {
    table.get(ip(1), DataType::ConnRate, at(second)).expect("the entry is there")
}

fn counting() -> Arc<Table> {
    let store = vec![Stored::ConnRate(PERIOD)];
    Table::new(TableConfig { store, expire: None, ..config(1) }).expect("a table")
}

#[test]
fn within_its_first_period_a_rate_is_a_plain_count() {
    let table = counting();
    events(&table, 3, 0);
    events(&table, 4, 9);
    assert_eq!(rate(&table, 0), 7, "an event is not forgotten by a clock that is a little behind");
    assert_eq!(rate(&table, 9), 7);
}

#[test]
fn the_period_before_counts_by_the_part_of_it_that_the_window_still_covers() {
    let table = counting();
    // Period 0 s to 10 s: 100 events.
    events(&table, 100, 0);
    // At 10 s the window covers all of it, at 12 s eight tenths, at 19 s one tenth.
    for (second, due) in [(10, 100), (12, 80), (15, 50), (19, 10)] {
        assert_eq!(rate(&table, second), due, "{second}");
    }
    // Period 10 s to 20 s: 30 events at 13 s. At 14 s: 30 + 100 × 6/10.
    events(&table, 30, 13);
    assert_eq!(rate(&table, 14), 90);
    // At 20 s the 30 are the period before; at 25 s half of them are left.
    assert_eq!(rate(&table, 20), 30);
    assert_eq!(rate(&table, 25), 15);
    // At 30 s nothing was counted for a whole period and the one before it.
    assert_eq!(rate(&table, 30), 0);
}

#[test]
fn parts_are_rounded_down() {
    let table = counting();
    // 7 × 5/10 is 3.5; 7 × 1/10 is 0.7.
    events(&table, 7, 0);
    assert_eq!(rate(&table, 15), 3);
    assert_eq!(rate(&table, 19), 0);
}

#[test]
fn a_single_event_counts_until_its_whole_period_is_out_of_the_window() {
    let table = counting();
    events(&table, 1, 0);
    assert_eq!(rate(&table, 11), 1);
    assert_eq!(rate(&table, 19), 1);
    assert_eq!(rate(&table, 20), 0);
}

#[test]
fn a_steady_rate_reads_as_what_it_is() {
    let table = counting();
    // One each second: after the first period every reading is 10 or, by rounding, one more.
    for second in 0..200 {
        events(&table, 1, second);
        if second >= 10 {
            assert!(
                (10..=11).contains(&rate(&table, second)),
                "{second}: {}",
                rate(&table, second)
            );
        }
    }
}

#[test]
fn after_two_periods_of_silence_a_rate_begins_anew_where_the_next_event_is() {
    let table = counting();
    events(&table, 50, 0);
    events(&table, 1, 25);
    assert_eq!(rate(&table, 25), 1);
    // The new period runs from 25 s to 35 s, not from 20 s.
    events(&table, 3, 34);
    assert_eq!(rate(&table, 34), 4);
    // 4 × 9/10 at 36 s.
    assert_eq!(rate(&table, 36), 3);
}

#[test]
fn bytes_are_rated_by_how_many_they_are_and_never_overflow() {
    let store = vec![Stored::BytesInRate(PERIOD), Stored::BytesInCnt];
    let table = Table::new(TableConfig { store, ..config(1) }).expect("a table");
    let held = table.track(ip(1), at(0)).expect("room");
    held.bytes_in(1 << 40, at(1));
    assert_eq!(held.get(DataType::BytesInRate, at(16)), Some(1 << 39), "half of the first period");
    held.bytes_in(u64::MAX, at(16));
    held.bytes_in(u64::MAX, at(16));
    assert_eq!(held.get(DataType::BytesInRate, at(17)), Some(u64::MAX));
    assert_eq!(held.get(DataType::BytesInCnt, at(17)), Some(u64::MAX));
    // The period from 11 s to 21 s is full; at 26 s half of it is left.
    assert_eq!(held.get(DataType::BytesInRate, at(26)), Some(u64::MAX / 2));
}
