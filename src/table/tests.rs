//! Tables under virtual time.

mod definition;
mod expiry;
mod model;
mod rates;
mod threads;

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use super::*;
use crate::time::SECOND;

/// A table of addresses of this size that stores one datum of every kind.
fn config(size: usize) -> TableConfig {
    TableConfig {
        name: "t".into(),
        kind: TableKeyKind::Ip,
        size,
        expire: Some(60 * SECOND),
        nopurge: false,
        store: vec![
            Stored::ConnCnt,
            Stored::ConnCur,
            Stored::ConnRate(10 * SECOND),
            Stored::SessCnt,
            Stored::SessRate(10 * SECOND),
            Stored::BytesInCnt,
            Stored::BytesInRate(10 * SECOND),
            Stored::BytesOutCnt,
            Stored::BytesOutRate(10 * SECOND),
            Stored::Gpc(2),
            Stored::Gpc0Rate(10 * SECOND),
            Stored::Gpt0,
            Stored::ServerId,
        ],
    }
}

fn table(size: usize) -> Arc<Table> {
    Table::new(config(size)).expect("a table")
}

fn of_kind(kind: TableKeyKind) -> Arc<Table> {
    Table::new(TableConfig { kind, ..config(16) }).expect("a table")
}

/// The `n`th address.
fn ip(n: u32) -> TableKey<'static> {
    TableKey::Ip(IpAddr::V4(Ipv4Addr::from_bits(n)))
}

fn v6(text: &str) -> TableKey<'static> {
    TableKey::Ip(IpAddr::V6(text.parse().expect("an address")))
}

const fn at(seconds: u64) -> Time {
    Time((1_000 + seconds) * SECOND)
}

#[test]
fn a_connection_counts_while_it_is_held_and_is_gone_once_it_is_not() {
    let table = table(10);
    assert_eq!(table.get(ip(1), DataType::ConnCur, at(0)), None, "nobody came yet");
    let first = table.track(ip(1), at(0)).expect("room");
    let second = table.track(ip(1), at(1)).expect("room");
    assert_eq!(first.get(DataType::ConnCur, at(1)), Some(2));
    drop(first);
    assert_eq!(table.get(ip(1), DataType::ConnCur, at(1)), Some(1));
    second.release(at(2));
    assert_eq!(table.get(ip(1), DataType::ConnCur, at(2)), Some(0));
    assert_eq!(table.get(ip(1), DataType::ConnCnt, at(2)), Some(2));
    assert_eq!(table.get(ip(1), DataType::ConnRate, at(2)), Some(2));
    assert_eq!(table.len(), 1);
}

#[test]
fn what_a_connection_does_is_counted_in_its_entry() {
    let table = table(10);
    let held = table.track(ip(1), at(0)).expect("room");
    held.session(at(0));
    held.bytes_in(100, at(0));
    held.bytes_in(11, at(0));
    held.bytes_out(7, at(0));
    assert_eq!(held.increment_gpc(0, at(0)), Some(1));
    assert_eq!(held.increment_gpc(0, at(0)), Some(2));
    assert_eq!(held.increment_gpc(1, at(0)), Some(1));
    assert_eq!(held.increment_gpc(2, at(0)), None, "there are two");
    assert_eq!(held.set_gpt0(77), Some(()));
    assert_eq!(held.server(), None);
    assert_eq!(held.set_server(NonZeroU32::MIN), Some(()));
    assert_eq!(held.server(), Some(NonZeroU32::MIN));
    let due = [
        (DataType::ConnCnt, 1),
        (DataType::ConnCur, 1),
        (DataType::ConnRate, 1),
        (DataType::SessCnt, 1),
        (DataType::SessRate, 1),
        (DataType::BytesInCnt, 111),
        (DataType::BytesInRate, 111),
        (DataType::BytesOutCnt, 7),
        (DataType::BytesOutRate, 7),
        (DataType::Gpc(0), 2),
        (DataType::Gpc(1), 1),
        (DataType::Gpc0Rate, 2),
        (DataType::Gpt0, 77),
        (DataType::ServerId, 1),
    ];
    for (data, value) in due {
        assert_eq!(held.get(data, at(0)), Some(value), "{data:?}");
        assert_eq!(table.get(ip(1), data, at(0)), Some(value), "{data:?}");
    }
}

#[test]
fn what_is_not_stored_is_neither_counted_nor_known_nor_set() {
    let store = vec![Stored::Gpt0];
    let table = Table::new(TableConfig { store, ..config(10) }).expect("a table");
    let held = table.track(ip(1), at(0)).expect("room");
    held.session(at(0));
    held.bytes_in(1, at(0));
    held.bytes_out(1, at(0));
    assert_eq!(held.increment_gpc(0, at(0)), None);
    assert_eq!(held.set_server(NonZeroU32::MIN), None);
    assert_eq!(held.server(), None);
    assert_eq!(held.set_gpt0(5), Some(()));
    for stored in config(1).store.into_iter().filter(|stored| *stored != Stored::Gpt0) {
        let data = stored.data();
        assert_eq!(held.get(data, at(0)), None, "{data:?}");
        assert_eq!(table.get(ip(1), data, at(0)), None, "{data:?}");
        assert_eq!(table.set(ip(1), data, 1, at(0)), Err(SetError::NotStored), "{data:?}");
    }
    assert_eq!(held.get(DataType::Gpt0, at(0)), Some(5));
}

#[test]
fn connections_that_exist_are_counted_and_never_set() {
    let table = table(10);
    let held = table.track(ip(1), at(0)).expect("room");
    assert_eq!(table.set(ip(1), DataType::ConnCur, 9, at(0)), Err(SetError::Counted));
    assert_eq!(held.get(DataType::ConnCur, at(0)), Some(1));
}

#[test]
fn setting_makes_the_entry_and_changes_what_is_counted_from_there() {
    let table = table(10);
    assert_eq!(table.set(ip(1), DataType::ConnCnt, 41, at(0)), Ok(()));
    assert_eq!(table.set(ip(1), DataType::ConnRate, 5, at(0)), Ok(()));
    let held = table.track(ip(1), at(0)).expect("room");
    assert_eq!(held.get(DataType::ConnCnt, at(0)), Some(42));
    assert_eq!(held.get(DataType::ConnRate, at(0)), Some(6));
    assert_eq!(table.set(v6("::1"), DataType::ConnCnt, 1, at(0)), Err(SetError::Key));
}

#[test]
fn an_address_table_takes_an_ipv6_address_only_if_it_stands_for_an_ipv4_one() {
    let table = of_kind(TableKeyKind::Ip);
    let four = TableKey::Ip("192.0.2.1".parse().expect("an address"));
    let _held = table.track(four, at(0)).expect("room");
    assert!(table.contains(v6("::ffff:192.0.2.1"), at(0)));
    // Not IPv4-mapped, though the first three contain the IPv4 address: 6to4, IPv4-compatible, NAT64.
    for other in ["2002:c000:201::", "::192.0.2.1", "64:ff9b::192.0.2.1", "2001:db8::1"] {
        assert!(table.track(v6(other), at(0)).is_none(), "{other}");
    }
    assert_eq!(table.refused(), 0, "that is no fault of the size");
}

#[test]
fn an_ipv6_table_knows_an_ipv4_address_by_the_one_that_stands_for_it() {
    let table = of_kind(TableKeyKind::Ipv6);
    let four = TableKey::Ip("192.0.2.1".parse().expect("an address"));
    let _held = table.track(four, at(0)).expect("room");
    assert!(table.contains(v6("::ffff:192.0.2.1"), at(0)));
    assert!(!table.contains(v6("::192.0.2.1"), at(0)));
}

#[test]
fn a_key_of_another_form_finds_and_makes_nothing() {
    let all = [ip(7), TableKey::Integer(7), TableKey::Text(b"7")];
    let kinds = [
        TableKeyKind::Ip,
        TableKeyKind::Ipv6,
        TableKeyKind::Integer,
        TableKeyKind::String { len: 4 },
        TableKeyKind::Binary { len: 4 },
    ];
    for kind in kinds {
        let table = of_kind(kind);
        for key in all {
            let fits = key.form() == kind.form();
            assert_eq!(table.track(key, at(0)).is_some(), fits, "{kind:?} {key:?}");
            assert_eq!(table.remove(key, at(0)) == Removal::Removed, fits, "{kind:?} {key:?}");
        }
    }
}

#[test]
fn strings_with_nul_the_empty_one_and_the_longest_are_keys_of_their_own() {
    let table = of_kind(TableKeyKind::String { len: 8 });
    let keys: [&[u8]; 9] =
        [b"", b"\0", b"\0\0", b"a", b"a\0", b"a\0b", b"a\0c", b"\xff\xfe", b"12345678"];
    for (key, value) in keys.iter().zip(1..) {
        table.set(TableKey::Text(key), DataType::Gpt0, value, at(0)).expect("room");
    }
    assert_eq!(table.len(), keys.len());
    for (key, value) in keys.iter().zip(1..) {
        assert_eq!(table.get(TableKey::Text(key), DataType::Gpt0, at(0)), Some(value), "{key:?}");
    }
    // What goes beyond the length is cut.
    assert_eq!(table.get(TableKey::Text(b"123456789"), DataType::Gpt0, at(0)), Some(9));
    assert_eq!(table.get(TableKey::Text(b"1234567"), DataType::Gpt0, at(0)), None);
}

#[test]
fn blocks_are_cut_and_filled_with_zeros() {
    let table = of_kind(TableKeyKind::Binary { len: 4 });
    table.set(TableKey::Text(b"ab"), DataType::Gpt0, 1, at(0)).expect("room");
    table.set(TableKey::Text(b""), DataType::Gpt0, 2, at(0)).expect("room");
    for same in [&b"ab"[..], b"ab\0", b"ab\0\0", b"ab\0\0x"] {
        assert_eq!(table.get(TableKey::Text(same), DataType::Gpt0, at(0)), Some(1), "{same:?}");
    }
    assert_eq!(table.get(TableKey::Text(b"\0\0\0\0"), DataType::Gpt0, at(0)), Some(2));
    assert_eq!(table.get(TableKey::Text(b"\0ab"), DataType::Gpt0, at(0)), None);
    let mut keys: Vec<_> = table.snapshot(at(0)).map(|row| row.key).collect();
    keys.sort();
    assert_eq!(keys, [OwnedKey::Text(vec![0; 4]), OwnedKey::Text(b"ab\0\0".to_vec())]);
}

#[test]
fn the_one_that_was_unused_for_longest_makes_room() {
    for size in 1..=16 {
        let table = table(size as usize);
        for n in 0..size {
            drop(table.track(ip(n), at(n.into())));
        }
        // The first is used again, so it is the last to be removed.
        drop(table.track(ip(0), at(20)));
        for n in 1..=size {
            assert_eq!(table.len(), size as usize);
            assert!(table.contains(ip(n % size), at(20)), "size {size}: {n}");
            drop(table.track(ip(100 + n), at(21)));
            assert!(!table.contains(ip(n % size), at(21)), "size {size}: {n}");
        }
        assert_eq!(table.purged(), u64::from(size));
    }
}

#[test]
fn a_table_full_of_held_entries_refuses_and_says_so() {
    for size in [1, 16, 5_000] {
        let table = table(size);
        let held: Vec<_> = (0..size as u32).filter_map(|n| table.track(ip(n), at(0))).collect();
        assert_eq!(held.len(), size, "every place can be had, whatever the hashes");
        assert!(table.track(ip(u32::MAX), at(1_000)).is_none());
        assert_eq!(table.set(ip(u32::MAX), DataType::Gpt0, 1, at(1_000)), Err(SetError::Full));
        assert_eq!(table.refused(), 2);
        assert!(table.track(ip(0), at(1_000)).is_some(), "who is known is tracked");
        assert_eq!(table.clear(), 0);
        // Any single one that is released makes room for any other.
        let mut held = held;
        drop(held.swap_remove(size / 2));
        assert!(table.track(ip(u32::MAX), at(1_000)).is_some());
        assert_eq!(table.len(), size);
    }
}

#[test]
fn without_purging_a_full_table_refuses_until_something_expires() {
    for size in [1, 16, 5_000] {
        let config = TableConfig { nopurge: true, ..config(size) };
        let table = Table::new(config).expect("a table");
        for n in 0..size as u32 {
            drop(table.track(ip(n), at(0)));
        }
        assert!(table.track(ip(u32::MAX), at(59)).is_none());
        assert_eq!((table.refused(), table.len()), (1, size));
        assert!(table.track(ip(u32::MAX), at(60)).is_some());
        // Two were removed for the one that was added, if there were two.
        assert_eq!((table.purged(), table.len()), (0, 1.max(size - 1)));
    }
}

#[test]
fn removing_spares_what_a_connection_holds() {
    let table = table(10);
    assert_eq!(table.remove(ip(1), at(0)), Removal::Absent);
    let held = table.track(ip(1), at(0)).expect("room");
    drop(table.track(ip(2), at(0)));
    drop(table.track(ip(3), at(0)));
    assert_eq!(table.remove(ip(1), at(0)), Removal::Held);
    assert_eq!(table.remove(ip(2), at(0)), Removal::Removed);
    assert_eq!(table.len(), 2);
    assert_eq!(table.clear(), 1);
    assert_eq!(held.get(DataType::ConnCur, at(0)), Some(1));
    drop(held);
    assert_eq!(table.clear(), 1);
    assert!(table.is_empty());
}

#[test]
fn an_entry_in_the_place_of_another_knows_nothing_of_it() {
    let table = table(1);
    let held = table.track(ip(1), at(0)).expect("room");
    held.bytes_in(500, at(0));
    held.set_gpt0(9);
    drop(held);
    let held = table.track(ip(2), at(1)).expect("room");
    assert_eq!(held.get(DataType::BytesInCnt, at(1)), Some(0));
    assert_eq!(held.get(DataType::Gpt0, at(1)), Some(0));
    assert_eq!(held.get(DataType::ConnCnt, at(1)), Some(1));
}

#[test]
fn the_dump_has_a_line_for_the_table_and_one_for_each_entry() {
    let store = vec![
        Stored::ConnRate(30 * SECOND),
        Stored::ConnCur,
        Stored::Gpc(2),
        Stored::ServerId,
        Stored::BytesInCnt,
    ];
    let table = Table::new(TableConfig { store, ..config(100) }).expect("a table");
    assert_eq!(table.dump(at(0)), "# table: t, type: ip, size:100, used:0\n");
    let held = table.track(ip(0x7f00_0001), at(0)).expect("room");
    held.bytes_in(187, at(0));
    let text = table.dump(Time(at(5).0 + 1));
    let (title, entry) = text.split_once('\n').expect("two lines");
    assert_eq!(title, "# table: t, type: ip, size:100, used:1");
    let (number, rest) = entry.split_once(": ").expect("a number");
    assert!(number.starts_with("0x"), "{number}");
    assert_eq!(
        rest,
        "key=127.0.0.1 use=1 exp=55000 server_id=0 gpc0=0 gpc1=0 conn_rate(30000)=1 conn_cur=1 \
         bytes_in_cnt=187\n"
    );
}

#[test]
fn no_key_can_forge_a_line_or_a_field_of_the_dump() {
    let table = of_kind(TableKeyKind::String { len: 64 });
    let evil = b"a\n0x1: key=b use=0 \\ \0\xff\x1b[2J";
    table.set(TableKey::Text(evil), DataType::Gpt0, 1, at(0)).expect("room");
    let text = table.dump(at(0));
    assert_eq!(text.lines().count(), 2);
    assert!(text.is_ascii() && !text.contains('\x1b'));
    let due = r"key=a\n0x1:\ key=b\ use=0\ \\\ \x00\xff\x1b[2J use=0 exp=";
    assert!(text.contains(due), "{text}");
    let table = of_kind(TableKeyKind::Binary { len: 4 });
    table.set(TableKey::Text(b"\x01\xab"), DataType::Gpt0, 1, at(0)).expect("room");
    assert!(table.dump(at(0)).contains(" key=01AB0000 use=0 "));
}

#[test]
fn a_snapshot_shows_everything_that_stays_once_while_others_come_and_go() {
    let table = table(5_000);
    let held: Vec<_> = (0..2_000).filter_map(|n| table.track(ip(n), at(0))).collect();
    let mut seen = vec![0; held.len()];
    for (row, n) in table.snapshot(at(0)).zip(10_000..) {
        drop(table.track(ip(n), at(0)));
        let OwnedKey::Ip(IpAddr::V4(v4)) = row.key else { panic!("{row:?}") };
        if let Some(seen) = seen.get_mut(v4.to_bits() as usize) {
            *seen += 1;
            assert_eq!(row.holders, 1);
        }
    }
    assert!(seen.iter().all(|times| *times == 1));
}

#[test]
fn a_snapshot_copies_a_few_entries_at_a_time() {
    const MANY: u32 = 3 * BATCH as u32;
    let table = table(1_000);
    let held: Vec<_> = (0..MANY).filter_map(|n| table.track(ip(n), at(0))).collect();
    let mut rows = table.snapshot(at(0));
    rows.next().expect("a row");
    held.iter().for_each(|one| assert!(one.set_gpt0(7).is_some()));
    let later =
        |row: &Row| row.values.iter().any(|(_, data, tag)| (*data, *tag) == (DataType::Gpt0, 7));
    let mut numbers = std::collections::HashSet::new();
    let changed = rows.filter(|row| numbers.insert(row.number) && later(row)).count();
    assert_eq!(changed, MANY as usize - BATCH, "one copy was made before they changed");
    assert_eq!(numbers.len(), MANY as usize - 1);
}

#[test]
fn a_table_that_makes_no_sense_is_refused_in_a_sentence() {
    let refused = |config: TableConfig| Table::new(config).expect_err("no table").to_string();
    let stored = |store| TableConfig { store, ..config(1) };
    let of = |kind| TableConfig { kind, ..config(1) };
    let cases = [
        (config(0), "0 are asked for"),
        (config(SIZE_MAX + 1), "1 to 2147483648 entries"),
        (of(TableKeyKind::String { len: 0 }), "a key has 1 to 16384 bytes, and 0 are asked for"),
        (of(TableKeyKind::Binary { len: 16_385 }), "a key has 1 to 16384 bytes"),
        (TableConfig { expire: Some(0), ..config(1) }, "expire after no time"),
        (stored(vec![Stored::ConnRate(0)]), "the period of conn_rate is 0"),
        (stored(vec![Stored::Gpc(0)]), "1 to 100 counters, and 0"),
        (stored(vec![Stored::Gpc(101)]), "1 to 100 counters, and 101"),
        (stored(vec![Stored::Gpt0, Stored::Gpt0]), "gpt0 is stored already"),
    ];
    for (config, due) in cases {
        let said = refused(config);
        assert!(said.contains(due), "{said}");
    }
}

#[test]
fn a_panic_while_a_shard_is_locked_leaves_the_table_usable() {
    let table = table(10);
    let inside = std::panic::catch_unwind(|| {
        let _open = table.shards[0].open();
        panic!("on purpose");
    });
    assert!(inside.is_err());
    assert!(table.track(ip(1), at(0)).is_some());
    assert_eq!(table.get(ip(1), DataType::ConnCnt, at(0)), Some(1));
}

#[test]
fn counters_of_a_key_are_counted_and_cleared_without_a_connection() {
    let table = table(4);
    assert_eq!(table.clear_gpc(ip(1), 0, at(0)), Some(0), "the entry is made");
    assert!(table.contains(ip(1), at(0)));
    assert_eq!(table.increment_gpc(ip(1), 0, at(0)), Some(1));
    assert_eq!(table.increment_gpc(ip(1), 0, at(1)), Some(2));
    assert_eq!(table.increment_gpc(ip(1), 1, at(1)), Some(1));
    assert_eq!(table.get(ip(1), DataType::Gpc0Rate, at(1)), Some(2));
    assert_eq!(table.clear_gpc(ip(1), 0, at(1)), Some(2));
    assert_eq!(table.get(ip(1), DataType::Gpc(0), at(1)), Some(0));
    assert_eq!(table.get(ip(1), DataType::Gpc(1), at(1)), Some(1));
    assert_eq!(table.increment_gpc(ip(1), 2, at(1)), None, "it is not stored");
    assert_eq!(table.clear_gpc(ip(1), 2, at(1)), None);
    assert_eq!(table.increment_gpc(v6("2001:db8::1"), 0, at(1)), None, "it is no key");
}

#[test]
fn a_connection_of_a_key_is_counted_without_holding_its_entry() {
    let table = table(4);
    assert_eq!(table.count_connection(ip(1), at(0)), Some(1));
    assert_eq!(table.count_connection(ip(1), at(0)), Some(2));
    assert_eq!(table.get(ip(1), DataType::ConnRate, at(0)), Some(2));
    assert_eq!(table.get(ip(1), DataType::ConnCur, at(0)), Some(0));
    assert_eq!(table.holders(ip(1), at(0)), Some(0));
    assert_eq!(table.holders(ip(2), at(0)), None);
}

#[test]
fn an_entry_that_is_held_tells_its_key_its_holders_and_clears_its_counters() {
    let table = table(4);
    let first = table.track(ip(7), at(0)).expect("room");
    let second = table.track(ip(7), at(0)).expect("room");
    assert_eq!((first.holders(), table.holders(ip(7), at(0))), (2, Some(2)));
    second.release(at(0));
    assert_eq!(first.holders(), 1);
    assert_eq!(first.key().borrow(), ip(7));
    assert_eq!(first.increment_gpc(0, at(0)), Some(1));
    assert_eq!(first.clear_gpc(0), Some(1));
    assert_eq!((first.clear_gpc(0), first.clear_gpc(2)), (Some(0), None));
}

#[test]
fn what_http_would_count_is_stored_and_stays_0() {
    let store = vec![Stored::Http(0), Stored::ConnCnt];
    let table = Table::new(TableConfig { store, ..config(4) }).expect("a table");
    let held = table.track(ip(1), at(0)).expect("room");
    assert_eq!(held.get(DataType::Http(0), at(0)), Some(0));
    assert_eq!(held.get(DataType::Http(1), at(0)), None);
    assert_eq!(held.get(DataType::ConnCnt, at(0)), Some(1));
}
