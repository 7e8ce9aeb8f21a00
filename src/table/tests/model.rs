//! A table compared with a simple map.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// What a map knows of one key.
#[derive(Clone, Debug, Default)]
struct Known {
    conns: u64,
    bytes: u64,
    tag: u64,
    used: Time,
    held: usize,
}

/// A table as a plain map, without a bound on its size.
#[derive(Default)]
struct Plain {
    known: HashMap<Vec<u8>, Known>,
}

const EXPIRE: u64 = 20 * SECOND;

impl Plain {
    fn forget(&mut self, now: Time) {
        self.known.retain(|_, known| known.held > 0 || now.since(known.used) < EXPIRE);
    }

    fn used(&mut self, key: &[u8], now: Time) -> &mut Known {
        let known = self.known.entry(key.to_vec()).or_default();
        known.used = known.used.max(now);
        known
    }
}

#[derive(Clone, Debug)]
enum Step {
    Track(usize),
    Release(usize),
    Drop(usize),
    Bytes(usize, u64),
    Tag(usize, u32),
    Remove(usize),
    Wait(u64),
    Clear,
}

/// Keys as an attacker would choose them.
fn keys(len: usize) -> Vec<Vec<u8>> {
    let longest = vec![b'x'; len];
    let mut other = longest.clone();
    other[len - 1] = 0;
    let mut keys: Vec<Vec<u8>> =
        [&b""[..], b"\0", b"\0\0", b"a", b"a\0", b"a\0b", b"\0a", b"b"].map(<[u8]>::to_vec).into();
    keys.extend([longest, other]);
    keys
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..10_usize;
    let holder = 0..64_usize;
    let step = prop_oneof![
        6 => key.clone().prop_map(Step::Track),
        3 => holder.clone().prop_map(Step::Release),
        3 => holder.clone().prop_map(Step::Drop),
        3 => (holder, 0..1_000_u64).prop_map(|(which, count)| Step::Bytes(which, count)),
        2 => (key.clone(), any::<u32>()).prop_map(|(key, tag)| Step::Tag(key, tag)),
        2 => key.prop_map(Step::Remove),
        4 => (1..12_u64).prop_map(Step::Wait),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 1..120)
}

fn check(kind: TableKeyKind, steps: &[Step]) -> Result<(), TestCaseError> {
    const LEN: usize = 6;
    let store = vec![Stored::ConnCnt, Stored::ConnCur, Stored::BytesInCnt, Stored::Gpt0];
    let config = TableConfig { kind, store, expire: Some(EXPIRE), ..config(16) };
    let table = Table::new(config).expect("a table");
    let mut plain = Plain::default();
    let mut held: Vec<(Vec<u8>, Tracked)> = Vec::new();
    let mut now = at(0);
    let keys = keys(LEN);
    // A block is its bytes and zeros behind them.
    let plainly = |key: &[u8]| {
        let mut key = key.to_vec();
        if matches!(kind, TableKeyKind::Binary { .. }) {
            key.resize(LEN, 0);
        }
        key
    };
    for step in steps {
        plain.forget(now);
        match *step {
            Step::Track(which) => {
                let key = &keys[which];
                let tracked = table.track(TableKey::Text(key), now).expect("room for all");
                let known = plain.used(&plainly(key), now);
                known.conns += 1;
                known.held += 1;
                held.push((plainly(key), tracked));
            }
            Step::Release(which) | Step::Drop(which) if !held.is_empty() => {
                let (key, tracked) = held.swap_remove(which % held.len());
                let known = plain.known.get_mut(&key).expect("it is held");
                known.held -= 1;
                if matches!(step, Step::Release(_)) {
                    known.used = now;
                    tracked.release(now);
                }
            }
            Step::Bytes(which, count) if !held.is_empty() => {
                let (key, tracked) = &held[which % held.len()];
                plain.used(key, now).bytes += count;
                tracked.bytes_in(count, now);
            }
            Step::Tag(which, tag) => {
                let key = &keys[which];
                plain.used(&plainly(key), now).tag = tag.into();
                table
                    .set(TableKey::Text(key), DataType::Gpt0, tag.into(), now)
                    .expect("room for all");
            }
            Step::Remove(which) => {
                let key = &keys[which];
                let due = match plain.known.get(&plainly(key)) {
                    None => Removal::Absent,
                    Some(known) if known.held > 0 => Removal::Held,
                    Some(_) => Removal::Removed,
                };
                prop_assert_eq!(table.remove(TableKey::Text(key), now), due);
                if due == Removal::Removed {
                    plain.known.remove(&plainly(key));
                }
            }
            Step::Wait(seconds) => now = now + seconds * SECOND,
            Step::Clear => {
                table.clear();
                plain.known.retain(|_, known| known.held > 0);
            }
            Step::Release(_) | Step::Drop(_) | Step::Bytes(..) => {}
        }
        plain.forget(now);
        for key in &keys {
            let known = plain.known.get(&plainly(key));
            let get = |data| table.get(TableKey::Text(key), data, now);
            prop_assert_eq!(get(DataType::ConnCnt), known.map(|known| known.conns));
            prop_assert_eq!(get(DataType::ConnCur), known.map(|known| known.held as u64));
            prop_assert_eq!(get(DataType::BytesInCnt), known.map(|known| known.bytes));
            prop_assert_eq!(get(DataType::Gpt0), known.map(|known| known.tag));
        }
        let mut seen: Vec<_> = table.snapshot(now).map(|row| row.key).collect();
        seen.sort();
        let mut due: Vec<_> = plain.known.keys().cloned().map(OwnedKey::Text).collect();
        due.sort();
        prop_assert_eq!(seen, due);
        prop_assert!(table.len() >= plain.known.len());
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_table_of_strings_answers_as_a_plain_map_does(steps in steps()) {
        check(TableKeyKind::String { len: 6 }, &steps)?;
    }

    #[test]
    fn a_table_of_blocks_answers_as_a_plain_map_does(steps in steps()) {
        check(TableKeyKind::Binary { len: 6 }, &steps)?;
    }
}

#[test]
fn a_million_keys_have_a_million_entries_and_a_million_more_take_their_places() {
    const MANY: u32 = 1_000_000;
    let store = vec![Stored::ConnCur, Stored::Gpt0];
    let table = Table::new(TableConfig { store, ..config(MANY as usize) }).expect("a table");
    for n in 0..MANY {
        table.set(ip(n), DataType::Gpt0, n.into(), at(0)).expect("room");
    }
    assert_eq!((table.len(), table.purged()), (MANY as usize, 0));
    assert!((0..MANY).all(|n| table.get(ip(n), DataType::Gpt0, at(0)) == Some(n.into())));
    for n in MANY..2 * MANY {
        table.set(ip(n), DataType::Gpt0, n.into(), at(1)).expect("room");
    }
    assert_eq!((table.len(), table.purged()), (MANY as usize, MANY.into()));
    // An old one stays only where a shard got fewer of the new than it had of the old.
    let stayed = (0..MANY).filter(|n| table.contains(ip(*n), at(1))).count();
    assert!(stayed < MANY as usize / 20, "{stayed}");
    assert_eq!(table.clear(), MANY as usize);
}
