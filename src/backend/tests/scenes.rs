use super::*;

#[test]
fn a_full_server_makes_streams_wait_and_a_freed_slot_calls_the_first() {
    let mut backend = backend(BalanceMethod::RoundRobin, [at_most("a", 1)]);
    let slot = assigned(backend.ask(request(1)));
    let place = queued(backend.ask(request(2)));
    queued(backend.ask(request(3)));
    assert_eq!((backend.ahead(place), called(&mut backend)), (Some(0), vec![]));
    backend.release(slot);
    assert_eq!(called(&mut backend), [(2, "a".to_owned())]);
    assert!(!backend.leave(place, Leave::TimedOut), "it has been called");
    assert_eq!(backend.stats().counters.queue_timeouts, 0);
}

#[test]
fn a_new_stream_does_not_overtake_who_could_go_now_but_one_that_comes_back_does() {
    let mut backend = backend(BalanceMethod::RoundRobin, [at_most("a", 2)]);
    let slots = [1, 2].map(|ticket| assigned(backend.ask(request(ticket))));
    queued(backend.ask(request(3)));
    slots.into_iter().for_each(|slot| backend.release(slot));
    queued(backend.ask(request(4)));
    let _back = assigned(backend.ask(Request { front: true, ..request(5) }));
    assert_eq!(called(&mut backend), [(3, "a".to_owned())]);
}

#[test]
fn the_limit_of_the_backend_holds_over_all_servers() {
    let limited = BackendConfig { maxconn: 2, ..config(BalanceMethod::RoundRobin) };
    let mut backend = backend_of(limited, ["a", "b", "c"].map(server));
    let slots = [1, 2].map(|ticket| assigned(backend.ask(request(ticket))));
    queued(backend.ask(request(3)));
    slots.into_iter().for_each(|slot| backend.release(slot));
    assert_eq!(called(&mut backend), [(3, "c".to_owned())]);
}

#[test]
fn a_retry_waits_for_its_server_and_age_alone_decides_who_is_called() {
    let mut backend = backend(BalanceMethod::RoundRobin, [at_most("a", 1), at_most("b", 1)]);
    let same = |ticket| Request { affinity: Affinity::Same(ServerIndex(0)), ..request(ticket) };
    let a = assigned(backend.ask(same(0)));
    queued(backend.ask(same(1)));
    let b = assigned(backend.ask(request(2)));
    assert_eq!(name_of(&backend, &b), "b");
    queued(backend.ask(request(3)));
    queued(backend.ask(same(4)));
    backend.release(a);
    let (ticket, a) = backend.next().unwrap();
    assert_eq!(ticket, Ticket(1));
    backend.release(a);
    let (ticket, a) = backend.next().unwrap();
    assert_eq!(ticket, Ticket(3), "it has waited longer for any than the other for this one");
    backend.release(a);
    assert_eq!(called(&mut backend), [(4, "a".to_owned())]);
    backend.release(b);
    assert_eq!(backend.server_stats(ServerIndex(0)).unwrap().counters.retries, 3);
}

#[test]
fn who_comes_back_waits_for_its_server_as_a_retry_does_and_is_not_counted_as_one() {
    let mut backend = backend(BalanceMethod::RoundRobin, [at_most("a", 1), server("b")]);
    let sticky = |ticket| Request { affinity: Affinity::Sticky(ServerIndex(0)), ..request(ticket) };
    let a = assigned(backend.ask(sticky(0)));
    assert_eq!(name_of(&backend, &a), "a");
    queued(backend.ask(sticky(1)));
    backend.release(a);
    assert_eq!(called(&mut backend), [(1, "a".to_owned())]);
    set(&mut backend, 0, ServerChange::Admin(Admin::Drain));
    queued(backend.ask(sticky(2)));
    set(&mut backend, 0, ServerChange::Admin(Admin::Maintenance));
    assert_eq!(called(&mut backend), [(2, "b".to_owned())]);
    let slot = assigned(backend.ask(sticky(3)));
    assert_eq!(name_of(&backend, &slot), "b");
    assert_eq!(backend.server_stats(ServerIndex(0)).unwrap().counters.retries, 0);
}

#[test]
fn a_redispatch_goes_elsewhere_if_it_can() {
    let mut backend = backend(BalanceMethod::RoundRobin, [server("a"), at_most("b", 1)]);
    let other = |ticket| Request { affinity: Affinity::Other(ServerIndex(0)), ..request(ticket) };
    let slot = assigned(backend.ask(other(1)));
    assert_eq!(name_of(&backend, &slot), "b");
    let slot = assigned(backend.ask(other(2)));
    assert_eq!(name_of(&backend, &slot), "a");
    assert_eq!(backend.stats().counters.redispatches, 2);
}

#[test]
fn a_source_waits_for_its_own_server_and_a_redispatch_finds_it_another_home() {
    let mut backend = backend(BalanceMethod::SourceHash, [at_most("a", 1), at_most("b", 1)]);
    let home = assigned(backend.ask(from(42))).server();
    queued(backend.ask(Request { ticket: Ticket(2), ..from(42) }));
    assert_eq!(backend.server_stats(home).unwrap().queue.now, 1);
    let slot = assigned(backend.ask(Request { affinity: Affinity::Other(home), ..from(42) }));
    assert_ne!(slot.server(), home);
}

#[test]
fn backup_servers_are_used_only_while_no_other_is_usable() {
    let backup = ServerConfig { backup: true, ..server("z") };
    let mut backend = backend(BalanceMethod::RoundRobin, [at_most("a", 1), backup]);
    let _kept = assigned(backend.ask(request(1)));
    // A server that is full is still usable.
    queued(backend.ask(request(2)));
    set(&mut backend, 0, ServerChange::Admin(Admin::Drain));
    assert_eq!(called(&mut backend), [(2, "z".to_owned())]);
    set(&mut backend, 0, ServerChange::Admin(Admin::Ready));
    queued(backend.ask(request(3)));
    assert_eq!(called(&mut backend), []);
}

#[test]
fn a_server_that_drains_takes_who_insists_and_one_in_maintenance_nobody() {
    let mut backend = backend(BalanceMethod::RoundRobin, ["a", "b"].map(server));
    let same = Request { affinity: Affinity::Same(ServerIndex(0)), ..request(0) };
    set(&mut backend, 0, ServerChange::Admin(Admin::Drain));
    assert_eq!(sequence(&mut backend, 2), "bb");
    let slot = assigned(backend.ask(same));
    assert_eq!(name_of(&backend, &slot), "a");
    set(&mut backend, 0, ServerChange::Admin(Admin::Maintenance));
    let slot = assigned(backend.ask(same));
    assert_eq!(name_of(&backend, &slot), "b");
}

#[test]
fn a_server_without_weight_or_address_gets_no_new_streams() {
    let mut backend = backend(BalanceMethod::RoundRobin, ["a", "b", "c"].map(server));
    set(&mut backend, 0, ServerChange::Weight(Weight::new(0).unwrap()));
    set(&mut backend, 1, ServerChange::Addresses(Vec::new()));
    assert_eq!(sequence(&mut backend, 2), "cc");
    set(&mut backend, 1, ServerChange::Addresses(vec![address(1)]));
    assert_eq!(sequence(&mut backend, 2), "bc");
    assert_eq!(Weight::new(Weight::MAX + 1), None);
}

#[test]
fn the_addresses_of_a_server_are_tried_in_turn() {
    let several = ServerConfig { addresses: vec![address(1), address(2)], ..server("a") };
    let backend = backend(BalanceMethod::RoundRobin, [several]);
    let a = backend.server(ServerIndex(0)).unwrap();
    assert_eq!(
        [0, 1, 2].map(|attempt| a.address(attempt).cloned()),
        [1, 2, 1].map(|port| Some(address(port)))
    );
}

#[test]
fn who_waits_stays_when_the_last_server_goes_and_who_comes_then_is_refused() {
    let mut backend = backend(BalanceMethod::RoundRobin, [at_most("a", 1)]);
    let _kept = assigned(backend.ask(request(1)));
    let place = queued(backend.ask(request(2)));
    queued(backend.ask(Request { affinity: Affinity::Same(ServerIndex(0)), ..request(3) }));
    set(&mut backend, 0, ServerChange::Admin(Admin::Maintenance));
    assert_eq!(refused(backend.ask(request(4))), Unassigned::NoServer);
    assert_eq!(backend.stats().queue.now, 2);
    assert!(backend.leave(place, Leave::TimedOut));
    backend.add(server("b"), NOW).unwrap();
    assert_eq!(called(&mut backend), [(3, "b".to_owned())]);
    assert_eq!(backend.stats().counters.queue_timeouts, 1);
}

#[test]
fn a_queue_without_room_refuses_and_counts_it_where_it_was() {
    let config = BackendConfig { maxqueue: 1, ..config(BalanceMethod::RoundRobin) };
    let mut backend = backend_of(config, [ServerConfig { maxqueue: 0, ..at_most("a", 1) }]);
    let _kept = assigned(backend.ask(request(1)));
    queued(backend.ask(request(2)));
    assert_eq!(refused(backend.ask(request(3))), Unassigned::QueueFull);
    let same = Request { affinity: Affinity::Same(ServerIndex(0)), ..request(4) };
    assert_eq!(refused(backend.ask(same)), Unassigned::QueueFull);
    assert_eq!(backend.stats().counters.queue_full, 2);
    assert_eq!(backend.server_stats(ServerIndex(0)).unwrap().counters.queue_full, 1);
}

#[test]
fn a_name_is_given_to_one_server_and_unknown_servers_are_an_error() {
    let mut backend = backend(BalanceMethod::RoundRobin, [server("a")]);
    assert_eq!(backend.add(server("a"), NOW), Err(NameTaken));
    assert_eq!(
        backend.set(ServerIndex(1), ServerChange::Admin(Admin::Drain), NOW),
        Err(NoSuchServer)
    );
    assert_eq!(backend.servers().count(), 1);
    for stranger in [1, u32::MAX].map(ServerIndex) {
        assert!(backend.server_stats(stranger).is_none());
        assert_eq!(backend.connected(stranger, AttemptOutcome::Failed, NOW), None);
        let slot =
            assigned(backend.ask(Request { affinity: Affinity::Same(stranger), ..request(1) }));
        assert_eq!(slot.server(), ServerIndex(0));
    }
}

#[test]
fn servers_that_fail_attempts_go_down_and_their_queue_goes_elsewhere() {
    let health = HealthConfig { connect_errors: 2, recovery: Recovery::Trial(5 * SECOND) };
    let mut backend = backend(
        BalanceMethod::RoundRobin,
        [ServerConfig { health, ..at_most("a", 1) }, server("b")],
    );
    let a = ServerIndex(0);
    let _kept = assigned(backend.ask(request(1)));
    queued(backend.ask(Request { affinity: Affinity::Same(a), ..request(2) }));
    for outcome in [AttemptOutcome::Failed, AttemptOutcome::Local] {
        assert_eq!(backend.connected(a, outcome, NOW), None);
    }
    assert_eq!(backend.retry(a, 1, AttemptOutcome::Failed), RetryDecision::SameServer(SECOND));
    let down = Some(Transition::Down(Fall::ConnectErrors));
    assert_eq!(backend.connected(a, AttemptOutcome::Failed, NOW), down);
    assert_eq!(backend.retry(a, 1, AttemptOutcome::Failed), RetryDecision::AnotherServer);
    assert_eq!(called(&mut backend), [(2, "b".to_owned())]);
    let back = NOW + 5 * SECOND;
    assert_eq!(backend.due(), back);
    assert!(backend.run(back - 1).is_none());
    let work = backend.run(back);
    assert!(
        matches!(work, Some((server, Work::Changed(Transition::Up(Rise::Trial)))) if server == a)
    );
    let BackendCounters { connect_errors, downs, last_change, .. } = backend.stats().counters;
    assert_eq!((connect_errors, downs, last_change), (2, 1, back));
}

#[test]
fn a_server_in_maintenance_is_neither_judged_nor_checked() {
    let checks = Checks { jitter: 0, ..Checks::default() };
    let health = HealthConfig { connect_errors: 1, recovery: Recovery::Checks(checks) };
    let mut backend = backend(BalanceMethod::RoundRobin, [ServerConfig { health, ..server("a") }]);
    let a = ServerIndex(0);
    let Some((_, Work::Check(check))) = backend.run(NOW) else { panic!("no check") };
    assert_eq!(check.deadline, NOW + checks.timeout);
    set(&mut backend, 0, ServerChange::Admin(Admin::Maintenance));
    assert_eq!(backend.connected(a, AttemptOutcome::Failed, NOW), None);
    assert_eq!(backend.due(), Time::NEVER);
    set(&mut backend, 0, ServerChange::Admin(Admin::Ready));
    assert_eq!(backend.due(), NOW);
    let Some((_, Work::Check(next))) = backend.run(NOW) else { panic!("no check") };
    assert_eq!(backend.checked(a, check, AttemptOutcome::Failed, NOW), None, "it is of the past");
    assert_eq!(backend.stats().counters.checks_failed, 0);
    let down = Some(Transition::Down(Fall::Checks));
    assert_eq!(backend.checked(a, next, AttemptOutcome::Failed, NOW), down, "it was on trial");
    assert_eq!(backend.stats().counters.checks_failed, 1);
}

#[test]
fn a_server_shows_what_was_said_of_it_last() {
    let config = weighing("a", 2);
    let connect = Arc::clone(&config.connect);
    let mut backend = backend(BalanceMethod::RoundRobin, [config]);
    set(&mut backend, 0, ServerChange::Weight(Weight::new(9).unwrap()));
    set(&mut backend, 0, ServerChange::Admin(Admin::Drain));
    let server = backend.server(ServerIndex(0)).unwrap();
    assert_eq!((server.weight().get(), server.admin()), (9, Admin::Drain));
    assert!(Arc::ptr_eq(server.connect(), &connect));
}

#[test]
fn a_failed_attempt_is_followed_by_what_the_backend_allows() {
    let delay = super::super::retry::turn_around(SECOND / 5);
    let retries = Retries { retries: 1, redispatch: Redispatch::Never, delay };
    let config = BackendConfig { retries, ..config(BalanceMethod::RoundRobin) };
    let mut backend = backend_of(config, [server("a")]);
    let after = |backend: &Backend, attempts| {
        backend.retry(ServerIndex(0), attempts, AttemptOutcome::Failed)
    };
    assert_eq!(after(&backend, 1), RetryDecision::SameServer(SECOND / 5));
    assert_eq!(after(&backend, 2), RetryDecision::GiveUp);
    set(&mut backend, 0, ServerChange::Admin(Admin::Maintenance));
    assert_eq!(after(&backend, 1), RetryDecision::GiveUp);
    assert_eq!(backend.retry(ServerIndex(1), 1, AttemptOutcome::Local), RetryDecision::GiveUp);
}
