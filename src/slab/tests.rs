use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::*;

const ANY: u32 = Key::SLOTS;

#[test]
fn a_removed_record_is_stale_and_its_slot_serves_the_next_one() {
    let mut slab = Slab::<_>::new(ANY, 0);
    let first = slab.insert("first").unwrap();
    assert_eq!(slab.remove(first), Ok("first"));
    assert_eq!(slab.get(first), Err(Stale));
    assert_eq!(slab.get_mut(first), Err(Stale));
    assert_eq!(slab.remove(first), Err(Stale));
    let second = slab.insert("second").unwrap();
    assert_eq!(second, Key { generation: 1, slot: first.slot });
    assert_eq!(slab.remove(first), Err(Stale), "an old key must not take the new record");
    assert_eq!(slab.get(second), Ok(&"second"));
    assert_eq!(slab.len(), 1);
}

#[test]
fn a_key_that_never_was_is_stale() {
    let mut slab = Slab::<_>::new(ANY, 5);
    let key = slab.insert(()).unwrap();
    for generation in [0, 4, 6, Key::GENERATIONS - 1, u32::MAX] {
        assert_eq!(slab.remove(Key { generation, ..key }), Err(Stale));
    }
    for slot in [1, CHUNK as u32, Key::SLOTS - 1, u32::MAX] {
        assert_eq!(slab.get(Key { slot, ..key }), Err(Stale));
        assert_eq!(slab.by_slot(slot), None);
        assert_eq!(slab.key_of(slot), None);
    }
    assert_eq!(slab.get(key), Ok(&()));
}

#[test]
fn a_slot_whose_generations_are_used_up_retires() {
    let mut slab = Slab::<_, 3>::new(1, 0);
    let mut seen = Vec::new();
    for _ in 0..5 {
        let key = slab.insert(()).unwrap();
        slab.remove(key).unwrap();
        seen.push((key.slot, key.generation));
    }
    assert_eq!(seen, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]);
    for generation in 0..5 {
        assert_eq!(slab.get(Key { generation, slot: 0 }), Err(Stale));
    }
}

#[test]
fn generations_begin_at_the_base_and_the_next_slab_can_go_on_from_there() {
    let mut slab = Slab::<_>::new(ANY, 7);
    assert_eq!(slab.next_generation(), 7, "nothing was used");
    let a = slab.insert(()).unwrap();
    let b = slab.insert(()).unwrap();
    assert_eq!((a.generation, b.generation), (7, 7));
    slab.remove(a).unwrap();
    assert_eq!(slab.next_generation(), 8, "a generation counts once a key has it");
    slab.insert(()).unwrap();
    assert_eq!(slab.next_generation(), 9);

    let mut next = Slab::<_>::new(ANY, slab.next_generation());
    next.insert(()).unwrap();
    assert!(slab.iter().all(|(key, ())| next.get(key) == Err(Stale)));
}

#[test]
fn a_slab_whose_base_is_beyond_all_generations_is_full() {
    assert_eq!(Slab::<_, 3>::new(ANY, 3).insert(()), Err(Full));
    assert_eq!(Slab::<_>::new(ANY, Key::GENERATIONS).insert(()), Err(Full));
    let last = Slab::<_>::new(ANY, Key::GENERATIONS - 1).insert(()).unwrap();
    assert_eq!(last.generation, Key::GENERATIONS - 1);
}

#[test]
fn the_limit_counts_records_not_slots() {
    let mut slab = Slab::<_, 1>::new(2, 0);
    let first = slab.insert(1).unwrap();
    slab.insert(2).unwrap();
    assert_eq!(slab.insert_with(|_| unreachable!("built without room")), Err(Full));
    slab.remove(first).unwrap();
    let third = slab.insert(3).unwrap();
    assert_eq!(third.slot, 2, "slot 0 has retired");
    assert_eq!(slab.insert(4), Err(Full));
}

#[test]
fn a_record_is_told_its_key_before_it_is_built() {
    let mut slab = Slab::<Key>::new(ANY, 0);
    for _ in 0..3 {
        let key = slab.insert_with(|key| key).unwrap();
        assert_eq!(slab.get(key), Ok(&key));
    }
}

#[test]
fn a_panic_while_a_record_is_built_changes_nothing() {
    let mut slab = Slab::<_>::new(ANY, 0);
    let key = slab.insert(()).unwrap();
    slab.remove(key).unwrap();
    let built = catch_unwind(AssertUnwindSafe(|| {
        slab.insert_with(|_| std::panic::resume_unwind(Box::new("no")))
    }));
    assert!(built.is_err());
    assert!(slab.is_empty());
    assert_eq!(slab.insert(()), Ok(Key { generation: 1, slot: 0 }));
    assert_eq!(slab.insert(()), Ok(Key { generation: 0, slot: 1 }));
}

#[test]
fn growth_never_moves_a_record() {
    let mut slab = Slab::<_>::new(ANY, 0);
    let keys: Vec<Key> = (0..3).map(|n| slab.insert(n).unwrap()).collect();
    let before: Vec<*const i32> =
        keys.iter().map(|&key| std::ptr::from_ref(slab.get(key).unwrap())).collect();
    for n in 3..10 * CHUNK as i32 {
        slab.insert(n).unwrap();
    }
    let after: Vec<*const i32> =
        keys.iter().map(|&key| std::ptr::from_ref(slab.get(key).unwrap())).collect();
    assert_eq!(before, after);
    assert!(slab.chunks.iter().all(|chunk| chunk.capacity() == CHUNK));
    assert!(slab.iter().map(|(_, &n)| n).eq(0..10 * CHUNK as i32));
}

#[test]
fn an_entry_costs_eight_bytes_at_most() {
    assert!(size_of::<Entry<u64>>() <= size_of::<u64>() + 8);
    assert!(size_of::<Entry<[u8; 4]>>() <= 4 + 8);
    assert!(size_of::<Entry<[u64; 16]>>() <= 128 + 8);
    assert!(size_of::<Entry<(Box<u8>, [u64; 15])>>() <= 128 + 8);
}

#[test]
fn records_are_changed_in_place() {
    let mut slab = Slab::<_>::new(ANY, 0);
    let a = slab.insert(1).unwrap();
    let b = slab.insert(2).unwrap();
    *slab.get_mut(a).unwrap() += 10;
    *slab.by_slot_mut(b.slot).unwrap() += 20;
    for (key, value) in slab.iter_mut() {
        *value += 100 * (1 + key.slot);
    }
    assert_eq!(slab.by_slot(a.slot), Some(&111));
    assert_eq!(slab.get(b), Ok(&222));
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u16),
    Remove(usize),
    Change(usize, u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u16>().prop_map(Step::Insert),
        3 => any::<usize>().prop_map(Step::Remove),
        1 => (any::<usize>(), any::<u16>()).prop_map(|(n, value)| Step::Change(n, value)),
    ]
}

/// So few that slots retire within one case.
const FEW: u32 = 6;
const BASE: u32 = 2;
const CASES: u32 = if cfg!(miri) { 4 } else { 256 };
const STEPS: usize = if cfg!(miri) { 40 } else { 600 };

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_slab_does_what_a_map_of_keys_never_given_twice_does(
        limit in 1_u32..100,
        steps in prop::collection::vec(step(), 0..STEPS),
    ) {
        let mut slab = Slab::<u16, FEW>::new(limit, BASE);
        let mut model = HashMap::new();
        let mut ever: Vec<Key> = Vec::new();
        let mut given = HashSet::new();
        for step in steps {
            match step {
                Step::Insert(value) => match slab.insert(value) {
                    Ok(key) => {
                        prop_assert!(given.insert(key), "{key:?} was given twice");
                        prop_assert!((BASE..FEW).contains(&key.generation));
                        ever.push(key);
                        model.insert(key, value);
                    }
                    Err(Full) => prop_assert_eq!(model.len(), limit as usize),
                },
                Step::Remove(n) if !ever.is_empty() => {
                    let key = ever[n % ever.len()];
                    prop_assert_eq!(slab.remove(key), model.remove(&key).ok_or(Stale));
                }
                Step::Change(n, value) if !ever.is_empty() => {
                    let key = ever[n % ever.len()];
                    let real = slab.get_mut(key).map(|place| std::mem::replace(place, value));
                    let expected = model.get_mut(&key).map(|place| std::mem::replace(place, value));
                    prop_assert_eq!(real, expected.ok_or(Stale));
                }
                Step::Remove(_) | Step::Change(..) => {}
            }
            prop_assert_eq!(slab.len(), model.len());
        }
        for key in &ever {
            prop_assert_eq!(slab.get(*key), model.get(key).ok_or(Stale));
            prop_assert_eq!(slab.key_of(key.slot) == Some(*key), model.contains_key(key));
        }
        let listed: HashMap<Key, u16> = slab.iter().map(|(key, value)| (key, *value)).collect();
        prop_assert_eq!(listed, model);
        let above = ever.iter().map(|key| key.generation + 1).max().unwrap_or(BASE);
        prop_assert_eq!(slab.next_generation(), above);
    }
}
