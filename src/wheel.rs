//! The deadlines of an engine: a hierarchical timer wheel with a tick of one millisecond.
//!
//! Level 0 has a slot per tick; a slot of every higher level covers all slots of the level below. A
//! timer is in the level of the highest digit (base 64) in which its tick differs from the wheel's, in
//! the slot of that digit. So in every level all timers are ahead of the wheel, those of a lower level
//! expire before those of a higher one, and the earliest slot is found by one bit scan. When the wheel
//! reaches a slot of a higher level, its timers move to lower levels.

use crate::time::{MILLISECOND, Time};

/// The bits of a tick that one level uses.
const DIGIT_BITS: u32 = 6;
/// Slots of a level; as many as a `u64` has bits, for [`Wheel::occupied`].
const SLOTS: usize = 1 << DIGIT_BITS;
/// Enough levels for every tick of the clock, so that no deadline is out of range.
const LEVELS: usize = 8;
/// The last tick that begins within the clock's range.
const LAST_TICK: u64 = u64::MAX / MILLISECOND;
const _: () = assert!(LAST_TICK >> (DIGIT_BITS * LEVELS as u32) == 0);

/// The lists: one per slot, level by level, then the timers that have expired.
const EXPIRED: u16 = (LEVELS * SLOTS) as u16;
const LISTS: usize = EXPIRED as usize + 1;
/// The place of a timer that is not set.
const IDLE: u16 = EXPIRED + 1;
/// The place of a removed node; its `next` is the next free node.
const FREE: u16 = EXPIRED + 2;

/// No node.
const NONE: u32 = u32::MAX;

/// A timer of a [`Wheel`], until it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer(u32);

/// The lists are circular: `previous` of the first node is the last one.
struct Node {
    /// The tick it expires at, never before the wheel's tick when it was set.
    deadline: u64,
    owner: u32,
    previous: u32,
    next: u32,
    /// The list it is in, [`IDLE`] or [`FREE`].
    place: u16,
}

const _: () = assert!(size_of::<Node>() <= 24);

/// Timers that expire at the first tick not before their deadline: never early.
pub(crate) struct Wheel {
    /// The tick up to which time has passed. Timers set in the past are in its slot of level 0.
    tick: u64,
    /// Per level, a bit for each slot that holds a timer.
    occupied: [u64; LEVELS],
    /// The first node of each list.
    first: [u32; LISTS],
    nodes: Vec<Node>,
    /// The first free node.
    free: u32,
    len: usize,
    armed: usize,
}

impl Wheel {
    /// A wheel without timers that begins at `now`.
    pub(crate) const fn new(now: Time) -> Self {
        Self {
            tick: now.0 / MILLISECOND,
            occupied: [0; LEVELS],
            first: [NONE; LISTS],
            nodes: Vec::new(),
            free: NONE,
            len: 0,
            armed: 0,
        }
    }

    /// A timer that is not set. `owner` is returned when the timer expires, and has no meaning here.
    /// The caller must [remove](Wheel::remove) the timer in the end.
    pub(crate) fn insert(&mut self, owner: u32) -> Timer {
        let node = Node { deadline: 0, owner, previous: NONE, next: NONE, place: IDLE };
        self.len += 1;
        match self.nodes.get_mut(self.free as usize) {
            Some(free) => {
                let timer = Timer(self.free);
                self.free = free.next;
                *free = node;
                timer
            }
            None => {
                self.nodes.push(node);
                Timer(self.nodes.len() as u32 - 1)
            }
        }
    }

    /// Sets `timer` to expire at `at` and at no other time. A deadline in the past expires with the
    /// next [`Wheel::advance`], never within the present round of [`Wheel::pop`], so that the round
    /// ends. [`Time::NEVER`] stops the timer.
    pub(crate) fn set(&mut self, timer: Timer, at: Time) {
        let deadline = at.0.div_ceil(MILLISECOND);
        if deadline > LAST_TICK {
            return self.stop(timer);
        }
        if !self.is_live(timer) {
            return;
        }
        let deadline = deadline.max(self.tick);
        let place = self.place_of(deadline);
        let node = self.node(timer.0);
        node.deadline = deadline;
        if node.place != place {
            self.stop(timer);
            self.link(timer.0, place);
            self.armed += 1;
        }
    }

    /// Sets `timer` to expire at `at` at the latest. Activity that only postpones a deadline costs
    /// nothing this way: the timer expires early and is set again.
    pub(crate) fn set_earlier(&mut self, timer: Timer, at: Time) {
        let node = self.node(timer.0);
        let earlier = at.0.div_ceil(MILLISECOND) < node.deadline;
        if at != Time::NEVER && (earlier || node.place > EXPIRED) {
            self.set(timer, at);
        }
    }

    /// Keeps `timer` from expiring, even if it has already expired and was not popped.
    pub(crate) fn stop(&mut self, timer: Timer) {
        if self.node(timer.0).place <= EXPIRED {
            self.unlink(timer.0);
            self.armed -= 1;
        }
    }

    /// Removes `timer`, which must not be used any more.
    pub(crate) fn remove(&mut self, timer: Timer) {
        if self.is_live(timer) {
            self.stop(timer);
            let free = self.free;
            let node = self.node(timer.0);
            node.place = FREE;
            node.next = free;
            self.free = timer.0;
            self.len -= 1;
        }
    }

    /// When to call [`Wheel::advance`] next, or `None` if no timer is set: never later than the
    /// earliest deadline, rounded up to its tick, but possibly earlier. Once all expired timers are
    /// popped it is later than the time of the last call, unless a timer was set in the past.
    pub(crate) fn next(&self) -> Option<Time> {
        let tick = if self.first[usize::from(EXPIRED)] == NONE {
            self.first_slot()?.tick
        } else {
            self.tick
        };
        Some(Time(tick * MILLISECOND))
    }

    /// Advances the time of the wheel; an earlier time changes nothing. Timers that expire by it can
    /// then be popped.
    pub(crate) fn advance(&mut self, now: Time) {
        let now = self.tick.max(now.0 / MILLISECOND);
        while let Some(slot) = self.first_slot()
            && slot.tick <= now
        {
            self.tick = slot.tick;
            self.empty(&slot);
        }
        self.tick = now;
    }

    /// Takes the next timer that has expired, by ascending deadline (in ticks), with its owner.
    /// It is no longer set.
    pub(crate) fn pop(&mut self) -> Option<(u32, Timer)> {
        let timer = Timer(self.first[usize::from(EXPIRED)]);
        let owner = self.nodes.get(timer.0 as usize)?.owner;
        self.stop(timer);
        Some((owner, timer))
    }

    /// How many timers there are.
    #[cfg(test)]
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// How many timers are set, those expired and not yet popped included.
    #[cfg(test)]
    pub(crate) const fn armed(&self) -> usize {
        self.armed
    }

    /// Moves the timers of a slot that the wheel has reached to their new places.
    fn empty(&mut self, slot: &WheelSlot) {
        loop {
            let index = self.first[usize::from(slot.place)];
            let Some(node) = self.nodes.get(index as usize) else { break };
            // In a slot of level 0 every deadline is the slot's own tick. From a higher level timers
            // only move down, because the digit of that level is now equal: so the loop ends.
            let to = if slot.level == 0 { EXPIRED } else { self.place_of(node.deadline) };
            self.unlink(index);
            self.link(index, to);
        }
    }

    /// The first slot that holds a timer, and the tick at which it begins.
    fn first_slot(&self) -> Option<WheelSlot> {
        let level = self.occupied.iter().position(|&slots| slots != 0)?;
        let digit = self.occupied[level].trailing_zeros();
        let shift = DIGIT_BITS * level as u32;
        let above = shift + DIGIT_BITS;
        let tick = self.tick >> above << above | u64::from(digit) << shift;
        Some(WheelSlot { level, place: (level * SLOTS) as u16 + digit as u16, tick })
    }

    /// The slot of a deadline that is not before the wheel's tick.
    const fn place_of(&self, deadline: u64) -> u16 {
        let level = match (deadline ^ self.tick).checked_ilog2() {
            Some(bit) => bit / DIGIT_BITS,
            None => 0,
        };
        let digit = (deadline >> (DIGIT_BITS * level)) % SLOTS as u64;
        (level as usize * SLOTS) as u16 + digit as u16
    }

    /// Appends a node that is in no list to a list.
    fn link(&mut self, index: u32, place: u16) {
        let first = self.first[usize::from(place)];
        let (previous, next) = if first == NONE {
            self.first[usize::from(place)] = index;
            if place < EXPIRED {
                self.occupied[usize::from(place) / SLOTS] |= 1 << (usize::from(place) % SLOTS);
            }
            (index, index)
        } else {
            (self.node(first).previous, first)
        };
        let node = self.node(index);
        (node.previous, node.next, node.place) = (previous, next, place);
        self.node(previous).next = index;
        self.node(next).previous = index;
    }

    /// Removes a node from its list.
    fn unlink(&mut self, index: u32) {
        let node = self.node(index);
        let Node { previous, next, place, .. } = *node;
        node.place = IDLE;
        if next == index {
            self.first[usize::from(place)] = NONE;
            if place < EXPIRED {
                self.occupied[usize::from(place) / SLOTS] &= !(1 << (usize::from(place) % SLOTS));
            }
        } else {
            self.node(previous).next = next;
            self.node(next).previous = previous;
            if self.first[usize::from(place)] == index {
                self.first[usize::from(place)] = next;
            }
        }
    }

    /// Use of a timer after its removal is a bug of the engine; the free list must not be damaged by
    /// it.
    fn is_live(&self, timer: Timer) -> bool {
        let live = self.nodes.get(timer.0 as usize).is_some_and(|node| node.place != FREE);
        debug_assert!(live, "the timer was removed");
        live
    }

    /// In range: an index comes from a [`Timer`] of this wheel or from a link, and `nodes` never
    /// shrinks.
    fn node(&mut self, index: u32) -> &mut Node {
        &mut self.nodes[index as usize]
    }
}

/// A slot of the wheel and the tick at which it begins.
struct WheelSlot {
    level: usize,
    place: u16,
    tick: u64,
}

#[cfg(test)]
mod tests;
