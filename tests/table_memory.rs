//! The memory of an entry of a table, and that using an existing one allocates nothing: measured, so
//! that the cost of a new field shows.

#[path = "support/counting.rs"]
mod counting;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use counting::counted;
use vestibule::table::{DataType, Table, TableConfig, TableKey};
use vestibule::time::Time;

const ENTRIES: u32 = 100_000;

fn table(definition: &str) -> Arc<Table> {
    Table::new(TableConfig::parse("t", definition).expect("a definition")).expect("a table")
}

fn ip(n: u32) -> TableKey<'static> {
    TableKey::Ip(IpAddr::V4(Ipv4Addr::from_bits(n)))
}

/// Bytes per entry of a table that is full.
fn bytes_per_entry(definition: &str) -> f64 {
    let before = counted().1;
    let table = table(definition);
    for n in 0..ENTRIES {
        drop(table.track(ip(n), Time(1)));
    }
    assert_eq!(table.len(), ENTRIES as usize);
    let live = counted().1 - before;
    live as f64 / f64::from(ENTRIES)
}

/// One test, since the counts are those of the whole program.
#[test]
fn an_entry_is_small_and_using_it_allocates_nothing() {
    // 24 bytes of a head, 4 of the key, 24 of a rate, and the index; arrays that have grown are up to
    // an eighth larger than what they hold.
    for (definition, most) in [
        ("type ip size 100000 store conn_cur", 50.0),
        ("type ip size 100000 store conn_cur,conn_rate(10s)", 80.0),
        (
            "type ip size 100000 expire 10m store conn_cnt,conn_cur,conn_rate(10s),bytes_in_rate(10s)",
            115.0,
        ),
    ] {
        let bytes = bytes_per_entry(definition);
        println!("{bytes:.1} bytes per entry: {definition}");
        assert!(bytes <= most, "{bytes:.1} bytes per entry: {definition}");
    }

    let table = table("type ip size 1000 expire 10m store conn_cnt,conn_cur,conn_rate(10s)");
    drop(table.track(ip(7), Time(1)));
    let before = counted().0;
    for now in 2..1_000 {
        let held = table.track(ip(7), Time(now)).expect("it is there");
        held.bytes_in(100, Time(now));
        assert_eq!(held.get(DataType::ConnCur, Time(now)), Some(1));
        held.release(Time(now));
        assert_eq!(table.get(ip(7), DataType::ConnCnt, Time(now)), Some(now));
        assert_eq!(table.get(ip(8), DataType::ConnCnt, Time(now)), None);
    }
    assert_eq!(counted().0, before);
}
