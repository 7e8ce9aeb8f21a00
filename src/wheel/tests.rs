use proptest::prelude::*;

use super::*;

const MS: u64 = MILLISECOND;
const CASES: u32 = if cfg!(miri) { 3 } else { 256 };
const STEPS: usize = if cfg!(miri) { 30 } else { 400 };

fn config() -> ProptestConfig {
    ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() }
}

fn owners(wheel: &mut Wheel) -> Vec<u32> {
    std::iter::from_fn(|| wheel.pop()).map(|(owner, _)| owner).collect()
}

/// Recomputes every count, and checks the invariants of every list and bit.
fn check(wheel: &Wheel) {
    let mut armed = 0;
    for (place, &first) in (0_u16..).zip(&wheel.first) {
        let (level, digit) = (usize::from(place) / SLOTS, u64::from(place) % SLOTS as u64);
        if place < EXPIRED {
            assert_eq!(wheel.occupied[level] >> digit & 1 == 1, first != NONE, "bit of {place}");
        }
        let mut index = first;
        while index != NONE {
            let node = &wheel.nodes[index as usize];
            armed += 1;
            assert!(armed <= wheel.nodes.len(), "list {place} has no end");
            assert_eq!(node.place, place);
            assert_eq!(wheel.nodes[node.next as usize].previous, index);
            if place == EXPIRED {
                assert!(node.deadline <= wheel.tick);
            } else {
                assert!(node.deadline >= wheel.tick);
                assert_eq!(wheel.place_of(node.deadline), place);
            }
            index = if node.next == first { NONE } else { node.next };
        }
    }
    let mut free = 0;
    let mut index = wheel.free;
    while index != NONE {
        assert_eq!(wheel.nodes[index as usize].place, FREE);
        free += 1;
        index = wheel.nodes[index as usize].next;
    }
    let idle = wheel.nodes.iter().filter(|node| node.place == IDLE).count();
    assert_eq!(wheel.armed(), armed);
    assert_eq!(wheel.len(), armed + idle);
    assert_eq!(wheel.nodes.len(), armed + idle + free);
}

#[test]
fn a_timer_expires_at_the_first_tick_not_before_its_deadline() {
    for (at, due) in [(5 * MS, 5 * MS), (5 * MS + 1, 6 * MS), (6 * MS - 1, 6 * MS)] {
        let mut wheel = Wheel::new(Time(0));
        let timer = wheel.insert(7);
        wheel.set(timer, Time(at));
        assert_eq!(wheel.next(), Some(Time(due)));
        wheel.advance(Time(due - 1));
        assert_eq!(wheel.pop(), None);
        assert_eq!(wheel.next(), Some(Time(due)));
        wheel.advance(Time(due));
        assert_eq!(wheel.pop(), Some((7, timer)));
        assert_eq!((wheel.pop(), wheel.next(), wheel.armed()), (None, None, 0));
        check(&wheel);
    }
}

#[test]
fn a_wheel_that_began_within_a_tick_is_not_early() {
    let mut wheel = Wheel::new(Time(MS / 2));
    let timer = wheel.insert(0);
    wheel.set(timer, Time(MS / 2 + 1));
    wheel.advance(Time(MS - 1));
    assert_eq!(wheel.pop(), None);
    wheel.advance(Time(MS));
    assert!(wheel.pop().is_some());
}

#[test]
fn timers_expire_in_the_order_of_their_deadlines_from_whatever_level() {
    let mut wheel = Wheel::new(Time(0));
    let deadlines = [300_000, 1, 4_097, 64, 63, 4_096, 65, 262_144, 2, 90_000_000_000];
    for at in deadlines {
        let timer = wheel.insert(at as u32);
        wheel.set(timer, Time(at * MS));
    }
    wheel.advance(Time(100_000_000_000 * MS));
    let mut sorted = deadlines;
    sorted.sort_unstable();
    assert_eq!(owners(&mut wheel), sorted.map(|at| at as u32));
}

#[test]
fn timers_of_one_tick_expire_in_the_order_they_were_set() {
    let mut wheel = Wheel::new(Time(0));
    for owner in 0..5 {
        let timer = wheel.insert(owner);
        wheel.set(timer, Time(100 * MS - u64::from(owner)));
    }
    wheel.advance(Time(100 * MS));
    assert_eq!(owners(&mut wheel), [0, 1, 2, 3, 4]);
}

#[test]
fn a_deadline_in_the_past_expires_with_the_next_advance_and_not_within_the_round() {
    let mut wheel = Wheel::new(Time(10 * MS));
    let timer = wheel.insert(0);
    wheel.set(timer, Time(3 * MS));
    for _ in 0..3 {
        assert_eq!(wheel.next(), Some(Time(10 * MS)), "work is due now");
        wheel.advance(Time(10 * MS));
        assert_eq!(wheel.pop(), Some((0, timer)));
        wheel.set(timer, Time(10 * MS));
        assert_eq!(wheel.pop(), None, "an owner that sets its timer to now must not spin");
    }
}

#[test]
fn between_pops_any_timer_may_be_set_stopped_or_removed() {
    let mut wheel = Wheel::new(Time(0));
    let timers: Vec<Timer> = (0..6).map(|owner| wheel.insert(owner)).collect();
    for (at, &timer) in (1..).zip(&timers) {
        wheel.set(timer, Time(at * MS));
    }
    wheel.advance(Time(6 * MS));
    assert_eq!(wheel.pop(), Some((0, timers[0])));
    wheel.remove(timers[0]);
    wheel.remove(timers[1]);
    wheel.stop(timers[2]);
    wheel.set(timers[3], Time(9 * MS));
    wheel.set(timers[5], Time::NEVER);
    check(&wheel);
    assert_eq!(owners(&mut wheel), [4]);
    assert_eq!((wheel.len(), wheel.armed()), (4, 1));
    wheel.advance(Time(9 * MS));
    assert_eq!(owners(&mut wheel), [3]);
}

#[test]
fn an_expired_timer_that_waits_is_work_due_now() {
    let mut wheel = Wheel::new(Time(0));
    let timer = wheel.insert(0);
    wheel.set(timer, Time(3 * MS));
    wheel.advance(Time(8 * MS));
    assert_eq!(wheel.next(), Some(Time(8 * MS)));
    assert_eq!(wheel.armed(), 1);
}

#[test]
fn time_that_goes_backwards_changes_nothing() {
    let mut wheel = Wheel::new(Time(100 * MS));
    let timer = wheel.insert(0);
    wheel.set(timer, Time(150 * MS));
    wheel.advance(Time(140 * MS));
    wheel.advance(Time(0));
    assert_eq!((wheel.pop(), wheel.next()), (None, Some(Time(150 * MS))));
    check(&wheel);
}

#[test]
fn never_stops_and_so_does_a_tick_the_clock_cannot_reach() {
    let mut wheel = Wheel::new(Time(0));
    let timer = wheel.insert(0);
    for at in [Time::NEVER, Time(u64::MAX - 1), Time(LAST_TICK * MS + 1)] {
        wheel.set(timer, Time(MS));
        wheel.set(timer, at);
        assert_eq!((wheel.next(), wheel.armed()), (None, 0));
    }
}

#[test]
fn the_last_tick_of_the_clock_is_reached() {
    let mut wheel = Wheel::new(Time(0));
    let timer = wheel.insert(0);
    wheel.set(timer, Time(LAST_TICK * MS));
    wheel.advance(Time(LAST_TICK * MS - 1));
    assert_eq!(wheel.pop(), None);
    wheel.advance(Time(u64::MAX));
    assert_eq!(wheel.pop(), Some((0, timer)));
}

#[test]
fn a_node_serves_again_and_setting_a_timer_allocates_nothing() {
    let mut wheel = Wheel::new(Time(0));
    let old = wheel.insert(1);
    wheel.set(old, Time(MS));
    wheel.remove(old);
    assert_eq!((wheel.len(), wheel.next()), (0, None));
    let new = wheel.insert(2);
    let capacity = wheel.nodes.capacity();
    for at in 0..1_000 {
        wheel.set(new, Time(at * at * MS));
    }
    assert_eq!((wheel.nodes.len(), wheel.nodes.capacity()), (1, capacity));
    wheel.advance(Time(u64::MAX));
    assert_eq!(owners(&mut wheel), [2]);
}

/// Durations of all sizes, from less than a tick to decades.
fn span() -> impl Strategy<Value = u64> {
    prop_oneof![
        1 => 0..=2 * MS,
        3 => (0..60_u32).prop_flat_map(|bits| 0..1_u64 << bits),
        2 => (0..1_u64 << 13).prop_map(|ticks| ticks * MS),
        1 => (0..5_u32, 0..3_u64).prop_map(|(level, off)| ((1 << (6 * level)) - 1 + off) * MS),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Insert,
    Set(usize, u64),
    SetPast(usize, u64),
    Stop(usize),
    Remove(usize),
    Advance(u64),
    Back(u64),
    AdvanceToNext,
    Pop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let any = any::<usize>;
    prop_oneof![
        3 => Just(Step::Insert),
        8 => (any(), span()).prop_map(|(n, span)| Step::Set(n, span)),
        1 => (any(), span()).prop_map(|(n, span)| Step::SetPast(n, span)),
        1 => any().prop_map(Step::Stop),
        1 => any().prop_map(Step::Remove),
        2 => span().prop_map(Step::Advance),
        1 => span().prop_map(Step::Back),
        4 => Just(Step::AdvanceToNext),
        6 => (0..4_usize).prop_map(Step::Pop),
    ]
}

/// What is known of one timer: its deadline as given and the tick it is due at, while it is set.
#[derive(Clone, Copy, Debug)]
struct Expected {
    timer: Timer,
    owner: u32,
    due: Option<(Time, u64)>,
    expired: bool,
}

/// The plain model: every timer is looked at every time.
struct Model {
    now: Time,
    timers: Vec<Expected>,
}

impl Model {
    fn set(&mut self, n: usize, at: Time) {
        let due = at.0.div_ceil(MS).max(self.now.0 / MS);
        self.timers[n].due = Some((at, due)).filter(|_| at.0.div_ceil(MS) <= LAST_TICK);
        self.timers[n].expired = false;
    }

    fn advance(&mut self, now: Time) {
        self.now = self.now.max(now);
        for timer in &mut self.timers {
            timer.expired |= timer.due.is_some_and(|(_, tick)| tick <= self.now.0 / MS);
        }
    }

    fn check_next(&self, wheel: &Wheel) {
        let first = self.timers.iter().filter_map(|timer| timer.due).map(|(_, tick)| tick).min();
        let next = wheel.next();
        assert_eq!(next.is_some(), first.is_some());
        if let (Some(next), Some(tick)) = (next, first) {
            let work = tick <= self.now.0 / MS;
            let due = if work { self.now } else { Time(tick * MS) };
            assert!(next <= due, "{next:?} is later than {due:?}");
            assert!(work || next > self.now, "{next:?} without work at {:?}", self.now);
        }
    }

    fn pop(&mut self, wheel: &mut Wheel) {
        let first = self
            .timers
            .iter()
            .filter(|timer| timer.expired)
            .map(|timer| timer.due.unwrap().1)
            .min();
        let popped = wheel.pop();
        assert_eq!(popped.is_some(), first.is_some());
        let Some((owner, timer)) = popped else { return };
        let expected = self.timers.iter_mut().find(|expected| expected.timer == timer).unwrap();
        let (at, tick) = expected.due.take().unwrap();
        assert!(expected.expired && expected.owner == owner);
        assert_eq!(Some(tick), first, "not in order");
        assert!(at <= self.now, "early");
        expected.expired = false;
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_wheel_does_what_looking_at_every_timer_does(
        start in prop_oneof![0..10 * MS, 0..1_u64 << 61],
        steps in prop::collection::vec(step(), 0..STEPS),
    ) {
        let mut wheel = Wheel::new(Time(start));
        let mut model = Model { now: Time(start), timers: Vec::new() };
        for (owner, step) in (0..).zip(steps) {
            let count = model.timers.len();
            match step {
                Step::Insert => {
                    let timer = wheel.insert(owner);
                    prop_assert!(model.timers.iter().all(|other| other.timer != timer));
                    model.timers.push(Expected { timer, owner, due: None, expired: false });
                }
                Step::Advance(span) => {
                    let now = model.now + span;
                    wheel.advance(now);
                    model.advance(now);
                }
                Step::Back(span) => {
                    wheel.advance(model.now - span);
                    model.advance(model.now - span);
                }
                Step::AdvanceToNext => if let Some(next) = wheel.next() {
                    wheel.advance(next);
                    model.advance(next);
                },
                Step::Pop(times) => for _ in 0..times {
                    model.pop(&mut wheel);
                },
                Step::Set(n, span) if count > 0 => {
                    let at = model.now + span;
                    wheel.set(model.timers[n % count].timer, at);
                    model.set(n % count, at);
                }
                Step::SetPast(n, span) if count > 0 => {
                    let at = model.now - span;
                    wheel.set(model.timers[n % count].timer, at);
                    model.set(n % count, at);
                }
                Step::Stop(n) if count > 0 => {
                    wheel.stop(model.timers[n % count].timer);
                    model.set(n % count, Time::NEVER);
                }
                Step::Remove(n) if count > 0 => {
                    wheel.remove(model.timers.swap_remove(n % count).timer);
                }
                Step::Set(..) | Step::SetPast(..) | Step::Stop(_) | Step::Remove(_) => {}
            }
            check(&wheel);
            model.check_next(&wheel);
            prop_assert_eq!(wheel.len(), model.timers.len());
        }
    }

    #[test]
    fn driven_by_next_alone_every_timer_expires_in_time_and_after_few_advances(
        start in prop_oneof![0..10 * MS, 0..1_u64 << 61],
        spans in prop::collection::vec(span(), 1..STEPS / 4),
    ) {
        let mut wheel = Wheel::new(Time(start));
        let mut deadlines = Vec::new();
        for (owner, span) in (0..).zip(spans) {
            let timer = wheel.insert(owner);
            deadlines.push(Time(start) + span);
            wheel.set(timer, Time(start) + span);
        }
        let mut advances = 0;
        let mut expired = 0;
        let mut last = None;
        while let Some(next) = wheel.next() {
            prop_assert!(last < Some(next), "time must move");
            last = Some(next);
            wheel.advance(next);
            advances += 1;
            while let Some((owner, timer)) = wheel.pop() {
                let late = next.since(deadlines[owner as usize]);
                prop_assert!(next >= deadlines[owner as usize], "early");
                prop_assert!(late < MS, "{late} ns late");
                wheel.remove(timer);
                expired += 1;
            }
        }
        prop_assert_eq!(expired, deadlines.len());
        prop_assert!(advances <= LEVELS * deadlines.len());
        prop_assert_eq!(wheel.len(), 0);
    }
}
