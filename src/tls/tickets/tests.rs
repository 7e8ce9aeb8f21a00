use super::*;
use crate::tls::provider;
use crate::tls::tests::rig::{NOW, Time};

const LIFETIME: u32 = 1_000;
const SESSION: &[u8] = b"session";

fn tickets() -> (Tickets, Arc<Time>) {
    let time = Time::new();
    let provider = provider::provider(crate::tls::KeyExchange::All);
    (Tickets::new(&provider, time.clone(), LIFETIME).unwrap(), time)
}

fn seal(tickets: &Tickets) -> Vec<u8> {
    Expiry::NEVER.clone().during(|| tickets.encrypt(SESSION)).unwrap()
}

fn opens(tickets: &Tickets, ticket: &[u8]) -> bool {
    let session = Expiry::NEVER.clone().during(|| tickets.decrypt(ticket));
    assert!(session.as_ref().is_none_or(|session| session == SESSION));
    session.is_some()
}

fn born(tickets: &Tickets) -> [Option<u64>; 2] {
    let keys = tickets.keys.lock().unwrap();
    [&keys.current, &keys.previous].map(|key| key.as_ref().map(|key| key.born - NOW))
}

#[test]
fn an_old_key_is_wiped_when_its_time_is_over_and_not_at_the_next_change() {
    let (tickets, time) = tickets();
    seal(&tickets);
    time.advance(1_500);
    let ticket = seal(&tickets);
    assert_eq!(born(&tickets), [Some(1_500), Some(0)]);
    time.advance(499);
    assert!(opens(&tickets, &ticket));
    assert_eq!(born(&tickets), [Some(1_500), Some(0)]);
    time.advance(1);
    assert!(opens(&tickets, &ticket));
    assert_eq!(born(&tickets), [Some(1_500), None]);
    // No key encrypts any more, and what is presented is no ticket of ours.
    time.advance(1_500);
    assert!(!opens(&tickets, &ticket));
    assert_eq!(born(&tickets), [None, None]);
}

#[test]
fn keys_go_on_changing_after_a_clock_that_was_ahead_comes_back() {
    let (tickets, time) = tickets();
    let early = seal(&tickets);
    time.advance(1_000_000);
    let future = seal(&tickets);
    assert_eq!(born(&tickets), [Some(1_000_000), None]);
    time.go_back(1_000_000);
    assert!(!opens(&tickets, &future));
    assert!(!opens(&tickets, &early), "its key was of the past, and is wiped");
    let now = seal(&tickets);
    assert_eq!(born(&tickets), [Some(0), None]);
    time.advance(LIFETIME.into());
    seal(&tickets);
    assert_eq!(born(&tickets), [Some(LIFETIME.into()), Some(0)]);
    assert!(!opens(&tickets, &now));
}

#[test]
fn a_ticket_of_the_future_is_refused_though_its_key_is_not() {
    let (tickets, time) = tickets();
    seal(&tickets);
    time.advance(10);
    let ticket = seal(&tickets);
    assert!(opens(&tickets, &ticket));
    time.go_back(1);
    assert!(!opens(&tickets, &ticket));
    time.advance(1);
    assert!(opens(&tickets, &ticket));
}

#[test]
fn clients_are_told_of_no_longer_life_than_the_session_has() {
    let (tickets, time) = tickets();
    let reported = |expiry: &mut Expiry| {
        expiry.during(|| tickets.encrypt(SESSION).map(|_| tickets.lifetime()))
    };
    assert_eq!(reported(&mut Expiry::NEVER.clone()), Some(LIFETIME));
    let not_verified_for_long = &mut Expiry::at(NOW + 300);
    assert_eq!(reported(not_verified_for_long), Some(300));
    time.advance(299);
    assert_eq!(reported(not_verified_for_long), Some(1));
    time.advance(1);
    assert_eq!(reported(not_verified_for_long), None, "an ended session gets no ticket");
}

#[test]
fn a_ticket_gives_its_expiry_to_the_connection_that_resumes_by_it() {
    let (tickets, _) = tickets();
    let first = Expiry::at(NOW + 300);
    let ticket = first.clone().during(|| tickets.encrypt(SESSION)).unwrap();
    let mut second = Expiry::NEVER;
    assert!(second.during(|| tickets.decrypt(&ticket)).is_some());
    assert_eq!(second, first);
}
