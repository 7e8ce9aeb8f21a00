//! How one member gets what only each of the others can tell of itself: it asks, each publishes a
//! snapshot in its own thread, and the last one to do so says that all have.

use crate::sync::{Arc, Mutex, lock};

/// Snapshots of members. The lock is taken when somebody asks or publishes, and at no other time.
pub(crate) struct Collection<T> {
    seats: Mutex<MemberSeats<T>>,
}

struct MemberSeats<T> {
    /// Counts the times that somebody asked.
    round: u64,
    members: Vec<MemberSeat<T>>,
}

/// One member.
struct MemberSeat<T> {
    member: u32,
    /// The round of the last snapshot.
    published: u64,
    snapshot: Option<Arc<T>>,
    /// The round in which it asked, and whose snapshots it waits for.
    awaits: Option<u64>,
}

impl<T> MemberSeats<T> {
    fn seat(&mut self, member: u32) -> Option<&mut MemberSeat<T>> {
        self.members.iter_mut().find(|seat| seat.member == member)
    }

    fn others(&self, member: u32) -> impl Iterator<Item = &MemberSeat<T>> {
        self.members.iter().filter(move |seat| seat.member != member)
    }

    /// Whether all others have published since the member asked.
    fn is_complete(&self, member: u32, awaits: u64) -> bool {
        self.others(member).all(|seat| seat.published >= awaits)
    }

    /// Those who wait for nobody any more.
    fn satisfied(&self) -> Vec<u32> {
        let waits = |seat: &MemberSeat<T>| seat.awaits.map(|round| (seat.member, round));
        let waiting = self.members.iter().filter_map(waits);
        let done = waiting.filter(|(member, round)| self.is_complete(*member, *round));
        done.map(|(member, _)| member).collect()
    }
}

impl<T> Collection<T> {
    pub(crate) fn new() -> Self {
        Self { seats: Mutex::new(MemberSeats { round: 0, members: Vec::new() }) }
    }

    pub(crate) fn join(&self, member: u32) {
        let mut seats = lock(&self.seats);
        // Nobody waits for one that was not there when they asked.
        let published = seats.round;
        seats.members.push(MemberSeat { member, published, snapshot: None, awaits: None });
    }

    /// A member is gone; returns those who waited for nobody else.
    pub(crate) fn leave(&self, member: u32) -> Vec<u32> {
        let mut seats = lock(&self.seats);
        seats.members.retain(|seat| seat.member != member);
        seats.satisfied()
    }

    /// Asks the others, who have to be woken.
    pub(crate) fn ask(&self, member: u32) {
        let mut seats = lock(&self.seats);
        seats.round += 1;
        let round = seats.round;
        if let Some(seat) = seats.seat(member) {
            seat.awaits = Some(round);
        }
    }

    /// The round for which a snapshot of this member is wanted, if it is.
    pub(crate) fn wanted(&self, member: u32) -> Option<u64> {
        let mut seats = lock(&self.seats);
        let asked = seats.others(member).filter_map(|seat| seat.awaits).max()?;
        (seats.seat(member)?.published < asked).then_some(asked)
    }

    /// Publishes the snapshot of a member, made since it was [`wanted`](Self::wanted); returns those who
    /// wait for nobody any more, and have to be woken.
    pub(crate) fn publish(&self, member: u32, round: u64, snapshot: T) -> Vec<u32> {
        let snapshot = Arc::new(snapshot);
        let mut seats = lock(&self.seats);
        if let Some(seat) = seats.seat(member) {
            (seat.published, seat.snapshot) = (round, Some(snapshot));
        }
        seats.satisfied()
    }

    /// The snapshots of all others, once all have published.
    pub(crate) fn collect(&self, member: u32) -> Option<Vec<Arc<T>>> {
        let mut seats = lock(&self.seats);
        let awaits = seats.seat(member)?.awaits?;
        seats.is_complete(member, awaits).then(|| seats.take(member))
    }

    /// The last snapshots of all others, of this round or not.
    pub(crate) fn give_up(&self, member: u32) -> Vec<Arc<T>> {
        lock(&self.seats).take(member)
    }
}

impl<T> MemberSeats<T> {
    fn take(&mut self, member: u32) -> Vec<Arc<T>> {
        if let Some(seat) = self.seat(member) {
            seat.awaits = None;
        }
        self.others(member).filter_map(|seat| seat.snapshot.clone()).collect()
    }
}
