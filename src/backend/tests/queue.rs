use super::super::queue::{QueueId, Queues};
use super::*;

const A: QueueId = QueueId::For(ServerIndex(0));

fn queues() -> Queues {
    let mut queues = Queues::new(5);
    queues.add(5);
    queues
}

#[track_caller]
fn enter(queues: &mut Queues, line: QueueId, ticket: u64, front: bool) -> Place {
    queues.enter(line, Ticket(ticket), None, front).unwrap()
}

fn drain(queues: &mut Queues, line: QueueId) -> Vec<u64> {
    std::iter::from_fn(|| queues.pop(line)).map(|ticket| ticket.0).collect()
}

#[test]
fn who_enters_at_the_front_goes_before_all_and_the_others_in_order() {
    let mut queues = queues();
    for (ticket, front) in [(1, false), (2, false), (3, true), (4, false), (5, true)] {
        enter(&mut queues, A, ticket, front);
    }
    assert_eq!(drain(&mut queues, A), [5, 3, 1, 2, 4]);
    assert!(queues.is_empty());
}

#[test]
fn anybody_leaves_from_anywhere_once() {
    for gone in 0..4_usize {
        let mut queues = queues();
        let places: Vec<Place> =
            (0..4).map(|ticket| enter(&mut queues, QueueId::Any, ticket, false)).collect();
        assert_eq!(queues.ahead(places[3]), Some(3));
        assert!(queues.leave(places[gone]).is_some());
        assert!(queues.leave(places[gone]).is_none());
        assert_eq!(queues.ahead(places[gone]), None);
        let left: Vec<u64> = (0..4).filter(|ticket| *ticket != gone as u64).collect();
        assert_eq!(drain(&mut queues, QueueId::Any), left);
    }
}

#[test]
fn a_place_is_not_taken_for_that_of_who_came_after() {
    let mut queues = queues();
    let old = enter(&mut queues, A, 1, false);
    queues.pop(A);
    enter(&mut queues, A, 2, false);
    assert!(queues.leave(old).is_none());
    assert_eq!(drain(&mut queues, A), [2]);
}

#[test]
fn a_full_queue_lets_nobody_in_not_even_at_the_front() {
    let mut queues = queues();
    for ticket in 0..5 {
        enter(&mut queues, A, ticket, false);
    }
    for front in [false, true] {
        assert!(queues.enter(A, Ticket(9), None, front).is_none());
    }
    enter(&mut queues, QueueId::Any, 9, false);
    assert_eq!(drain(&mut queues, A), [0, 1, 2, 3, 4]);
}

#[test]
fn a_queue_that_is_poured_into_another_leaves_all_in_order_of_age() {
    let mut queues = queues();
    let lines = [A, QueueId::Any, A, A, QueueId::Any, QueueId::Any, A];
    for (ticket, line) in (0..).zip(lines) {
        enter(&mut queues, line, ticket, false);
    }
    let front = enter(&mut queues, A, 7, true);
    queues.pour(ServerIndex(0));
    assert_eq!((queues.length(A).now, queues.length(QueueId::Any).now), (0, 8));
    assert_eq!(queues.leave(front), Some(QueueId::Any));
    enter(&mut queues, A, 8, true);
    assert_eq!(drain(&mut queues, QueueId::Any), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(drain(&mut queues, A), [8]);
}
