//! A group: its members agree once nothing changes, one makes the checks, and who asks gets an answer.

use crate::cell::ServerCell;
use crate::collection::Collection;
use crate::in_every_order;
use crate::mailbox::{Alarm, Mailbox};
use crate::sync::Arc;

/// A member that looks into its mailbox when it likes.
struct Silent;

impl Alarm for Silent {
    fn signal(&self) -> bool {
        true
    }

    fn call(&self) {}

    fn clear(&self) {}
}

type Inbox = Mailbox<bool, Silent>;

fn wake(inbox: &Inbox) {
    let add = |waiting: &mut bool| {
        *waiting = true;
        Ok::<(), ()>(())
    };
    let _ = inbox.bring(add);
}

fn inboxes<const N: usize>() -> Arc<[Inbox; N]> {
    Arc::new(std::array::from_fn(|_| Mailbox::new(Silent)))
}

/// A member changes its state and tells the other, and takes what the other has told. Returns what it then
/// takes the state for.
fn change(cell: &ServerCell, inboxes: &[Inbox; 2], member: usize, mask: u32, bits: u32) -> u32 {
    let mut seen = cell.word();
    seen = seen & !mask | bits & mask;
    if cell.change(mask, bits) {
        wake(&inboxes[1 - member]);
    }
    if inboxes[member].take() { cell.word() } else { seen }
}

/// Two members change a cell at once, each these bits.
fn agree(changes: [(u32, u32); 2]) {
    let cell = Arc::new(ServerCell::new(0));
    let inboxes = inboxes::<2>();
    let other = {
        let (cell, inboxes) = (Arc::clone(&cell), Arc::clone(&inboxes));
        loom::thread::spawn(move || change(&cell, &inboxes, 1, changes[1].0, changes[1].1))
    };
    let own = change(&cell, &inboxes, 0, changes[0].0, changes[0].1);
    let theirs = other.join().expect("it returns");
    // Each is woken once more, if something waits for it.
    for (member, seen) in [own, theirs].into_iter().enumerate() {
        let seen = if inboxes[member].take() { cell.word() } else { seen };
        assert_eq!(seen, cell.word(), "member {member} has another state");
    }
}

#[test]
fn members_that_change_one_thing_at_once_agree_in_the_end() {
    in_every_order(|| agree([(0b11, 0b01), (0b11, 0b10)]));
}

#[test]
fn members_that_change_different_things_at_once_keep_both() {
    in_every_order(|| {
        let cell = Arc::new(ServerCell::new(0));
        let thread = {
            let cell = Arc::clone(&cell);
            loom::thread::spawn(move || cell.change(0b1100, 0b0100))
        };
        assert!(cell.change(0b11, 0b10));
        assert!(thread.join().expect("it returns"));
        assert_eq!(cell.word(), 0b0110);
    });
    in_every_order(|| agree([(0b11, 0b01), (0b1100, 0b0100)]));
}

#[test]
fn when_the_member_that_checks_leaves_exactly_one_other_takes_the_checks_over() {
    in_every_order(|| {
        let cell = Arc::new(ServerCell::new(0));
        assert!(cell.claim(1));
        let inboxes = inboxes::<2>();
        let others: [_; 2] = std::array::from_fn(|member| {
            let (cell, inboxes) = (Arc::clone(&cell), Arc::clone(&inboxes));
            loom::thread::spawn(move || inboxes[member].take() && cell.claim(2 + member as u32))
        });
        assert!(cell.release(1));
        inboxes.iter().for_each(wake);
        let mut checks = others.map(|other| other.join().expect("it returns"));
        for (member, checks) in checks.iter_mut().enumerate() {
            *checks |= inboxes[member].take() && cell.claim(2 + member as u32);
        }
        assert_eq!(checks.iter().filter(|checks| **checks).count(), 1);
    });
}

/// The members of a collection, each with its mailbox.
struct Members<const N: usize> {
    collection: Collection<u32>,
    inboxes: [Inbox; N],
}

impl<const N: usize> Members<N> {
    fn new() -> Arc<Self> {
        let members = Self {
            collection: Collection::new(),
            inboxes: std::array::from_fn(|_| Mailbox::new(Silent)),
        };
        (0..N as u32).for_each(|member| members.collection.join(member));
        Arc::new(members)
    }

    fn ask(&self, member: usize) {
        self.collection.ask(member as u32);
        let others = self.inboxes.iter().enumerate().filter(|(other, _)| *other != member);
        others.for_each(|(_, inbox)| wake(inbox));
    }

    fn wake(&self, members: Vec<u32>) {
        members.iter().for_each(|member| wake(&self.inboxes[*member as usize]));
    }

    /// One turn of a member: if it was woken it tells, and gets the answer if it is there.
    fn turn(&self, member: usize, counted: u32) -> Option<u32> {
        if !self.inboxes[member].take() {
            return None;
        }
        if let Some(round) = self.collection.wanted(member as u32) {
            self.wake(self.collection.publish(member as u32, round, counted));
        }
        let others = self.collection.collect(member as u32)?;
        Some(others.iter().map(|told| **told).sum())
    }
}

#[test]
fn who_asks_is_woken_once_all_others_have_told() {
    in_every_order(|| {
        let members = Members::<3>::new();
        let others: [_; 2] = std::array::from_fn(|other| {
            let members = Arc::clone(&members);
            loom::thread::spawn(move || members.turn(1 + other, 10))
        });
        members.ask(0);
        for other in others {
            other.join().expect("it returns");
        }
        // Each is woken once more, if something waits for it.
        for other in [1, 2] {
            members.turn(other, 10);
        }
        assert_eq!(members.turn(0, 1), Some(20));
    });
}

#[test]
fn members_that_ask_each_other_at_once_are_both_answered() {
    in_every_order(|| {
        let members = Members::<2>::new();
        let other = {
            let members = Arc::clone(&members);
            loom::thread::spawn(move || {
                members.ask(1);
                members.turn(1, 7)
            })
        };
        members.ask(0);
        let own = members.turn(0, 5);
        let theirs = other.join().expect("it returns");
        // Each is woken until nothing waits for anybody.
        let (mut own, mut theirs) = (own, theirs);
        for _ in 0..2 {
            own = own.or_else(|| members.turn(0, 5));
            theirs = theirs.or_else(|| members.turn(1, 7));
        }
        assert_eq!((own, theirs), (Some(7), Some(5)));
    });
}

#[test]
fn who_asks_is_answered_though_another_leaves_without_telling() {
    in_every_order(|| {
        let members = Members::<2>::new();
        let other = {
            let members = Arc::clone(&members);
            loom::thread::spawn(move || {
                let satisfied = members.collection.leave(1);
                members.wake(satisfied);
            })
        };
        members.ask(0);
        let answer = members.collection.collect(0).map(|others| others.len());
        other.join().expect("it returns");
        let answer = answer.or_else(|| members.turn(0, 1).map(|_| 0));
        assert_eq!(answer, Some(0));
    });
}
