//! Ids: by them a host names connections, listeners, streams and descriptors. They contain the number
//! of the engine.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::slab::Key;

const ENGINE_BITS: u32 = 12;
/// The most engines that one process can have at a time.
pub const ENGINES: usize = 1 << ENGINE_BITS;

const GENERATION_SHIFT: u32 = Key::SLOT_BITS;
const ENGINE_SHIFT: u32 = GENERATION_SHIFT + Key::GENERATION_BITS;
const KIND_SHIFT: u32 = ENGINE_SHIFT + ENGINE_BITS;
const _: () = assert!(KIND_SHIFT == 60, "four bits are left for the kind");

/// What an id names. A descriptor's token has a kind of its own, because it outlives the id of the
/// connection the descriptor belongs to. 0 is not a kind, so that 0 is not an id; 10 to 15 are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A connection.
    Conn = 1,
    /// A listener.
    Listener = 2,
    /// A stream.
    Stream = 3,
    /// The descriptor of a connection.
    ConnFd = 4,
    /// The descriptor of a listener.
    ListenerFd = 5,
    /// A backend.
    Backend = 6,
    /// The descriptor by which other threads wake an engine.
    WakeFd = 7,
    /// A link to an agent.
    Link = 8,
    /// An agent.
    Agent = 9,
}

impl Kind {
    /// The kind with this number, if there is one.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        Some(match bits {
            1 => Self::Conn,
            2 => Self::Listener,
            3 => Self::Stream,
            4 => Self::ConnFd,
            5 => Self::ListenerFd,
            6 => Self::Backend,
            7 => Self::WakeFd,
            8 => Self::Link,
            9 => Self::Agent,
            _ => return None,
        })
    }
}

/// The id of one object of one engine: kind 4 bits (at the top), engine 12, generation 24, slot 24. It
/// is never 0, and fits into the 64 bits of user data that a poller carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id(NonZeroU64);

impl Id {
    /// The id of the record with this key in engine number `engine`.
    #[must_use]
    pub const fn new(kind: Kind, engine: u16, key: Key) -> Self {
        debug_assert!((engine as usize) < ENGINES, "no such engine");
        debug_assert!(key.generation < Key::GENERATIONS, "the generation does not fit");
        debug_assert!(key.slot < Key::SLOTS, "the slot does not fit");
        let bits = (kind as u64) << KIND_SHIFT
            | (engine as u64 % ENGINES as u64) << ENGINE_SHIFT
            | ((key.generation % Key::GENERATIONS) as u64) << GENERATION_SHIFT
            | (key.slot % Key::SLOTS) as u64;
        match NonZeroU64::new(bits) {
            Some(bits) => Self(bits),
            None => unreachable!(), // No kind is 0.
        }
    }

    /// The id with these bits from a host; `None` if their kind does not exist, as in 0.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        match (NonZeroU64::new(bits), Kind::from_bits(bits >> KIND_SHIFT)) {
            (Some(bits), Some(_)) => Some(Self(bits)),
            _ => None,
        }
    }

    /// The bits that a host gets.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0.get()
    }

    /// The kind of what it names.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match Kind::from_bits(self.bits() >> KIND_SHIFT) {
            Some(kind) => kind,
            None => unreachable!(), // `new` and `from_bits` allow only kinds that exist.
        }
    }

    /// The number of the engine it belongs to; below [`ENGINES`].
    #[must_use]
    pub const fn engine(self) -> u16 {
        (self.bits() >> ENGINE_SHIFT) as u16 % ENGINES as u16
    }

    /// The key in the slab of its kind.
    #[must_use]
    pub const fn key(self) -> Key {
        Key {
            generation: (self.bits() >> GENERATION_SHIFT) as u32 % Key::GENERATIONS,
            slot: self.bits() as u32 % Key::SLOTS,
        }
    }
}

impl fmt::Debug for Id {
    /// `Conn 0.17.3`: the kind, then engine, slot and generation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { generation, slot } = self.key();
        write!(f, "{:?} {}.{slot}.{generation}", self.kind(), self.engine())
    }
}

/// The engine numbers of the process: global state that all engines share.
pub static ENGINE_NUMBERS: EngineNumbers = EngineNumbers::new();

/// Which engine numbers are taken, and with which generation the next engine of each begins: ids of an
/// engine that has ended are stale in the next one with its number.
pub struct EngineNumbers {
    taken: [AtomicU64; ENGINES / 64],
    bases: [AtomicU32; ENGINES],
}

impl EngineNumbers {
    /// All numbers are free, and all generations unused.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "there is one, and it is static")]
    pub const fn new() -> Self {
        Self {
            taken: [const { AtomicU64::new(0) }; ENGINES / 64],
            bases: [const { AtomicU32::new(0) }; ENGINES],
        }
    }

    /// The lowest free number (0 is one), or `None` when all are taken.
    pub fn take(&'static self) -> Option<EngineNumber> {
        for (index, word) in self.taken.iter().enumerate() {
            loop {
                let bit = word.load(Ordering::Relaxed).trailing_ones();
                if bit == u64::BITS {
                    break;
                }
                // Acquire: pairs with the release of the number, so that the base stored before it is
                // seen.
                if word.fetch_or(1 << bit, Ordering::Acquire) & 1 << bit == 0 {
                    let number = index * 64 + bit as usize;
                    let base = self.bases[number].load(Ordering::Relaxed);
                    return Some(EngineNumber { numbers: self, number, base, next: None });
                }
            }
        }
        None
    }
}

/// The number of a live engine, released when it is dropped after [`EngineNumber::hand_on`]. If it is
/// dropped without that, it stays taken for ever: one number less is better than ids that could be
/// mistaken for others.
#[must_use = "dropped at once, the number is lost"]
pub struct EngineNumber {
    numbers: &'static EngineNumbers,
    number: usize,
    base: u32,
    next: Option<u32>,
}

impl EngineNumber {
    /// The number; below [`ENGINES`].
    #[must_use]
    pub const fn get(&self) -> u16 {
        self.number as u16
    }

    /// The generation with which every slab of the engine must begin.
    #[must_use]
    pub const fn base(&self) -> u32 {
        self.base
    }

    /// Takes the lowest generation that a slab of the engine has not used, before the engine ends. To
    /// be called for each of its slabs; the highest counts. A number whose generations are used up is
    /// not used again.
    pub fn hand_on(&mut self, next_generation: u32) {
        self.next = Some(next_generation.max(self.next.unwrap_or(self.base)));
    }
}

impl Drop for EngineNumber {
    fn drop(&mut self) {
        let Some(next) = self.next.filter(|&next| next < Key::GENERATIONS) else { return };
        self.numbers.bases[self.number].store(next, Ordering::Relaxed);
        let bit = 1 << (self.number % 64);
        self.numbers.taken[self.number / 64].fetch_and(!bit, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use proptest::prelude::*;

    use super::*;
    use crate::slab::{Slab, Stale};

    const KINDS: [Kind; 9] = [
        Kind::Conn,
        Kind::Listener,
        Kind::Stream,
        Kind::ConnFd,
        Kind::ListenerFd,
        Kind::Backend,
        Kind::WakeFd,
        Kind::Link,
        Kind::Agent,
    ];
    const CASES: u32 = if cfg!(miri) { 8 } else { 256 };

    proptest! {
        #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() })]

        #[test]
        fn an_id_gives_back_what_it_was_made_of(
            kind in prop::sample::select(&KINDS),
            engine in 0..ENGINES as u16,
            generation in 0..Key::GENERATIONS,
            slot in 0..Key::SLOTS,
        ) {
            let key = Key { generation, slot };
            let id = Id::new(kind, engine, key);
            prop_assert_eq!((id.kind(), id.engine(), id.key()), (kind, engine, key));
            prop_assert_eq!(Id::from_bits(id.bits()), Some(id));
        }

        #[test]
        fn every_number_of_a_known_kind_is_an_id_and_no_other_is(bits: u64) {
            let id = Id::from_bits(bits);
            prop_assert_eq!(id.is_some(), (1..=9).contains(&(bits >> 60)));
            if let Some(id) = id {
                prop_assert_eq!(Id::new(id.kind(), id.engine(), id.key()).bits(), bits);
            }
        }
    }

    #[test]
    fn the_fields_are_where_the_header_says() {
        let id = Id::new(Kind::Stream, 0x456, Key { generation: 0x78_9abc, slot: 0xde_f012 });
        assert_eq!(id.bits(), 0x3456_789a_bcde_f012);
        assert_eq!(format!("{id:?}"), "Stream 1110.14610450.7903932");
    }

    #[test]
    fn the_edges_of_every_field_touch_no_other() {
        let edges = [(0, 0, 0), (0xfff, 0, 0), (0, 0xff_ffff, 0), (0, 0, 0xff_ffff)];
        for kind in KINDS {
            for (engine, generation, slot) in edges {
                let key = Key { generation, slot };
                let id = Id::new(kind, engine, key);
                assert_eq!((id.kind(), id.engine(), id.key()), (kind, engine, key));
            }
        }
    }

    #[test]
    fn zero_and_unknown_kinds_are_no_ids() {
        assert_eq!(Id::from_bits(0), None);
        assert_eq!(Id::from_bits((1 << 60) - 1), None, "kind 0 whatever follows");
        for kind in 10..16 {
            assert_eq!(Id::from_bits(kind << 60), None);
        }
        assert!(KINDS.iter().all(|&kind| Kind::from_bits(kind as u64) == Some(kind)));
    }

    #[test]
    fn an_optional_id_is_as_small_as_an_id() {
        assert_eq!(size_of::<Option<Id>>(), 8);
    }

    #[test]
    fn live_numbers_are_distinct_and_one_more_engine_is_refused() {
        static NUMBERS: EngineNumbers = EngineNumbers::new();
        let mut all: Vec<EngineNumber> = (0..ENGINES).map_while(|_| NUMBERS.take()).collect();
        assert!(all.iter().map(EngineNumber::get).eq(0..ENGINES as u16));
        assert!(NUMBERS.take().is_none());
        let mut one = all.swap_remove(70);
        one.hand_on(0);
        drop(one);
        assert_eq!(NUMBERS.take().map(|number| number.get()), Some(70));
    }

    #[test]
    fn an_id_of_an_engine_that_is_gone_is_stale_in_the_next_one_of_its_number() {
        static NUMBERS: EngineNumbers = EngineNumbers::new();
        let mut old = NUMBERS.take().unwrap();
        let mut slab = Slab::<_>::new(9, old.base());
        let key = slab.insert(()).unwrap();
        let id = Id::new(Kind::Conn, old.get(), key);
        old.hand_on(slab.next_generation());
        old.hand_on(old.base()); // A second slab that was never used must not lower the generation.
        drop(old);

        let new = NUMBERS.take().unwrap();
        assert_eq!(new.get(), id.engine());
        let mut slab = Slab::<_>::new(9, new.base());
        let other = slab.insert(()).unwrap();
        assert_eq!(other.slot, key.slot);
        assert_eq!(slab.get(id.key()), Err(Stale));
    }

    #[test]
    fn a_number_whose_generations_are_used_up_or_unknown_is_never_given_again() {
        static NUMBERS: EngineNumbers = EngineNumbers::new();
        let mut used_up = NUMBERS.take().unwrap();
        used_up.hand_on(Key::GENERATIONS);
        drop(used_up);
        drop(NUMBERS.take().unwrap());
        let mut nearly = NUMBERS.take().unwrap();
        assert_eq!(nearly.get(), 2);
        nearly.hand_on(Key::GENERATIONS - 1);
        drop(nearly);
        let last = NUMBERS.take().unwrap();
        assert_eq!((last.get(), last.base()), (2, Key::GENERATIONS - 1));
    }

    #[test]
    fn threads_never_hold_the_same_number_and_always_see_its_latest_base() {
        const ROUNDS: u32 = if cfg!(miri) { 20 } else { 2_000 };
        const THREADS: usize = 4;
        static NUMBERS: EngineNumbers = EngineNumbers::new();
        static HELD: [AtomicBool; THREADS] = [const { AtomicBool::new(false) }; THREADS];
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        let mut number = NUMBERS.take().unwrap();
                        let held = &HELD[usize::from(number.get())];
                        assert!(!held.swap(true, Ordering::Relaxed), "held twice");
                        let next = number.base() + 1;
                        number.hand_on(next);
                        held.store(false, Ordering::Relaxed);
                        drop(number);
                    }
                });
            }
        });
        let takes: u32 = NUMBERS.bases.iter().map(|base| base.load(Ordering::Relaxed)).sum();
        assert_eq!(takes, ROUNDS * THREADS as u32, "a base was lost");
    }
}
