use super::*;

#[test]
fn round_robin_weaves_the_light_servers_between_the_heavy_ones_turns() {
    // Computed by hand. 5, 1, 1: the balances after each turn are (-2 1 1), (-4 2 2), (1 -4 3), (-1 -3
    // 4), (4 -2 -2), (2 -1 -1), (0 0 0), and so on from the beginning.
    let mut unequal =
        backend(BalanceMethod::RoundRobin, [weighing("a", 5), weighing("b", 1), weighing("c", 1)]);
    assert_eq!(sequence(&mut unequal, 14), "aabacaaaabacaa");
    let mut close = backend(BalanceMethod::RoundRobin, [weighing("a", 3), weighing("b", 2)]);
    assert_eq!(sequence(&mut close, 10), "ababaababa");
    let mut equal = backend(BalanceMethod::RoundRobin, ["a", "b", "c"].map(server));
    assert_eq!(sequence(&mut equal, 6), "abcabc");
}

#[test]
fn round_robin_passes_over_a_full_server_and_neither_owes_nor_hoards_turns_after() {
    let mut backend =
        backend(BalanceMethod::RoundRobin, [at_most("a", 1), server("b"), server("c")]);
    let slot = assigned(backend.ask(request(0)));
    assert_eq!(name_of(&backend, &slot), "a");
    assert_eq!(sequence(&mut backend, 6), "bcbcbc");
    backend.release(slot);
    // The balances are (-2 1 1), as they were before it could not be taken.
    assert_eq!(sequence(&mut backend, 3), "bca");
}

#[test]
fn least_connections_compares_streams_by_weight_and_equal_ones_take_turns() {
    // By hand, for 2 and 1: both idle, the turn is a's; 1/2 0: b; 1/2 1: a; 2/2 1: equal, and the
    // turn is b's; 2/2 2: a; 3/2 2: a.
    let mut backend =
        backend(BalanceMethod::LeastConnections, [weighing("a", 2), weighing("b", 1)]);
    let slots: Vec<ServerSlot> = (0..6).map(|_| assigned(backend.ask(request(0)))).collect();
    let names: String = slots.iter().map(|slot| name_of(&backend, slot)).collect();
    assert_eq!(names, "ababaa");
    // 4/2 2 is equal; with one stream less b has the lower load.
    for slot in slots.into_iter().filter(|slot| slot.server() == ServerIndex(1)).take(1) {
        backend.release(slot);
    }
    assert_eq!(sequence(&mut backend, 1), "b");
}

#[test]
fn least_connections_of_idle_servers_is_round_robin() {
    let mut backend =
        backend(BalanceMethod::LeastConnections, [weighing("a", 5), weighing("b", 1)]);
    let shares = shares(&mut backend, (0..60).map(request));
    assert_eq!((shares["a"], shares["b"]), (50, 10));
}

#[test]
fn the_lighter_of_two_drawn_servers_is_taken() {
    let mut backend = backend(BalanceMethod::RandomOfTwo, ["a", "b"].map(server));
    for n in 1..=100_u32 {
        let _kept = assigned(backend.ask(request(0)));
        let used = [0, 1].map(|i| backend.server_stats(ServerIndex(i)).unwrap().streams.now);
        // Of two servers both are drawn, so their numbers of streams never differ by more than one.
        assert!(used[0].abs_diff(used[1]) == n % 2, "{used:?}");
    }
}

#[test]
fn idle_servers_are_drawn_by_their_weights_and_a_seed_repeats_its_draws() {
    let run = || {
        let mut backend = backend(BalanceMethod::RandomOfTwo, [weighing("a", 1), weighing("b", 3)]);
        shares(&mut backend, (0..10_000).map(request))
    };
    assert!((7_350..7_650).contains(&run()["b"]), "{:?}", run());
    assert_eq!(run(), run());
}

/// The server of each source.
fn homes(backend: &mut Backend) -> Vec<String> {
    (0..4_000)
        .map(|source| {
            let slot = assigned(backend.ask(from(source)));
            let name = name_of(backend, &slot).to_owned();
            backend.release(slot);
            name
        })
        .collect()
}

/// How many sources have another server than before, each of which must have moved as `may` allows.
fn moved(before: &[String], after: &[String], may: impl Fn(&str, &str) -> bool) -> usize {
    let mut moved = 0;
    for (from, to) in before.iter().zip(after).filter(|(from, to)| from != to) {
        assert!(may(from, to), "{from} to {to}");
        moved += 1;
    }
    moved
}

#[test]
fn sources_are_spread_as_the_weights_say() {
    let servers = [weighing("a", 1), weighing("b", 2), weighing("c", 5)];
    let mut backend = backend(BalanceMethod::SourceHash, servers);
    let shares = shares(&mut backend, (0..8_000).map(from));
    for (name, expected) in [("a", 1_000), ("b", 2_000), ("c", 5_000)] {
        // Three standard deviations of 8,000 draws are at most 130.
        assert!(shares[name].abs_diff(expected) < 130, "{shares:?}");
    }
}

#[test]
fn a_server_that_goes_moves_its_own_sources_and_they_come_back_with_it() {
    let mut backend = backend(BalanceMethod::SourceHash, ["a", "b", "c", "d"].map(server));
    let before = homes(&mut backend);
    set(&mut backend, 1, ServerChange::Admin(Admin::Drain));
    let without = homes(&mut backend);
    let its = before.iter().filter(|name| *name == "b").count();
    assert_eq!(moved(&before, &without, |from, _| from == "b"), its);
    let heirs: BTreeSet<_> =
        before.iter().zip(&without).filter(|(from, _)| *from == "b").map(|(_, to)| to).collect();
    assert_eq!(heirs.len(), 3, "its sources go to all the others");
    set(&mut backend, 1, ServerChange::Admin(Admin::Ready));
    assert_eq!(homes(&mut backend), before);
}

#[test]
fn a_server_that_comes_or_gains_weight_takes_sources_and_moves_none_between_others() {
    let mut backend = backend(BalanceMethod::SourceHash, ["a", "b", "c"].map(server));
    let before = homes(&mut backend);
    let new = backend.add(server("d"), NOW).unwrap();
    let after = homes(&mut backend);
    assert!((900..1_100).contains(&moved(&before, &after, |_, to| to == "d")));
    backend.set(new, ServerChange::Weight(Weight::new(3).unwrap()), NOW).unwrap();
    let heavier = homes(&mut backend);
    assert!((900..1_100).contains(&moved(&after, &heavier, |_, to| to == "d")));
}

#[test]
fn a_source_goes_by_the_names_of_the_servers_and_the_seed_not_by_their_order() {
    let mut one = backend(BalanceMethod::SourceHash, ["a", "b", "c"].map(server));
    let mut other = backend(BalanceMethod::SourceHash, ["c", "a", "b"].map(server));
    assert_eq!(homes(&mut one), homes(&mut other));
    let seeded = BackendConfig { seed: 8, ..config(BalanceMethod::SourceHash) };
    let mut seeded = backend_of(seeded, ["a", "b", "c"].map(server));
    let differing = moved(&homes(&mut one), &homes(&mut seeded), |_, _| true);
    assert!((2_500..2_850).contains(&differing), "two of three by chance: {differing}");
}

#[test]
fn a_stream_without_a_source_takes_its_turn() {
    let mut backend = backend(BalanceMethod::SourceHash, ["a", "b"].map(server));
    assert_eq!(sequence(&mut backend, 4), "abab");
}
