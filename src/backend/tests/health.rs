use proptest::prelude::*;

use super::super::health::Health;
use super::*;

/// No number of failed connection attempts makes a server go down.
const NO_ERRORS: u32 = u32::MAX;

const CHECKS: Checks = Checks {
    interval: 2 * SECOND,
    down_interval: Some(SECOND),
    jitter: 0,
    timeout: SECOND,
    rise: 2,
    fall: 3,
};

fn checked(connect_errors: u32, checks: Checks) -> Health {
    Health::new(HealthConfig { connect_errors, recovery: Recovery::Checks(checks) }, 1, NOW)
}

/// Makes the check that is due, and reports its result a millisecond later.
#[track_caller]
fn check(health: &mut Health, outcome: AttemptOutcome) -> Option<Transition> {
    let at = health.due();
    let Some(Work::Check(check)) = health.run(at) else { panic!("no check is due") };
    health.checked(&check, outcome, at + 1)
}

#[test]
fn fall_failures_in_a_row_bring_a_server_down_and_rise_successes_up() {
    let mut health = checked(NO_ERRORS, CHECKS);
    let outcomes = "ffpffLf pfppff";
    let mut course = String::new();
    for outcome in outcomes.chars().filter(|c| !c.is_whitespace()) {
        let outcome = match outcome {
            'p' => AttemptOutcome::Succeeded,
            'f' => AttemptOutcome::Failed,
            _ => AttemptOutcome::Local,
        };
        course.push(match check(&mut health, outcome) {
            None => '.',
            Some(Transition::Up(Rise::Checks)) => 'U',
            Some(Transition::Down(Fall::Checks)) => 'D',
            Some(other) => panic!("{other:?}"),
        });
    }
    assert_eq!(course, "......D...U..");
}

#[test]
fn checks_follow_each_other_by_the_interval_of_what_the_server_is() {
    let mut health = checked(NO_ERRORS, Checks { fall: 1, rise: 1, ..CHECKS });
    assert_eq!(health.due(), NOW);
    check(&mut health, AttemptOutcome::Succeeded);
    assert_eq!(health.due(), NOW + 2 * SECOND);
    check(&mut health, AttemptOutcome::Failed);
    assert_eq!(health.due(), NOW + 3 * SECOND);
    // A check that takes longer than its interval delays the next one.
    let Some(Work::Check(slow)) = health.run(NOW + 3 * SECOND) else { panic!("no check") };
    assert_eq!(health.due(), Time::NEVER);
    health.checked(&slow, AttemptOutcome::Failed, NOW + 9 * SECOND);
    assert_eq!(health.due(), NOW + 9 * SECOND);
}

#[test]
fn no_interval_is_so_short_that_nothing_else_is_done() {
    let mut health = checked(NO_ERRORS, Checks { interval: 0, down_interval: None, ..CHECKS });
    check(&mut health, AttemptOutcome::Succeeded);
    assert_eq!(health.due(), NOW + crate::time::MILLISECOND);
}

#[test]
fn jitter_spreads_the_intervals_over_all_it_may_and_no_further() {
    let mut health = checked(NO_ERRORS, Checks { jitter: 25, ..CHECKS });
    assert!(health.due() <= NOW + SECOND / 2);
    let mut spans = Vec::new();
    for _ in 0..1_000 {
        let before = health.due();
        check(&mut health, AttemptOutcome::Succeeded);
        spans.push(health.due().since(before));
    }
    let (least, most) = (*spans.iter().min().unwrap(), *spans.iter().max().unwrap());
    assert!((SECOND * 3 / 2..SECOND * 8 / 5).contains(&least), "{least}");
    assert!((SECOND * 12 / 5..=SECOND * 5 / 2).contains(&most), "{most}");
}

#[test]
fn servers_of_one_configuration_are_not_checked_in_step() {
    let health =
        HealthConfig { connect_errors: NO_ERRORS, recovery: Recovery::Checks(Checks::default()) };
    let backend = backend(
        BalanceMethod::RoundRobin,
        ["a", "b"].map(|name| ServerConfig { health, ..server(name) }),
    );
    let due: BTreeSet<Time> = backend.servers().map(|(_, server)| server.health.due()).collect();
    assert_eq!(due.len(), 2);
}

#[test]
fn connect_errors_in_a_row_bring_a_server_down_and_only_checks_bring_it_up() {
    let mut health = checked(2, CHECKS);
    check(&mut health, AttemptOutcome::Succeeded);
    let outcomes = [
        AttemptOutcome::Failed,
        AttemptOutcome::Succeeded,
        AttemptOutcome::Failed,
        AttemptOutcome::Local,
    ];
    for outcome in outcomes {
        assert_eq!(health.connected(outcome, NOW), None);
    }
    let down = Some(Transition::Down(Fall::ConnectErrors));
    assert_eq!(health.connected(AttemptOutcome::Failed, NOW), down);
    // The next check comes at the interval of a server that is down.
    assert_eq!(health.due(), NOW + SECOND);
    assert_eq!(health.connected(AttemptOutcome::Succeeded, NOW), None);
    assert!(!health.is_up());
    assert_eq!(check(&mut health, AttemptOutcome::Succeeded), None);
    assert_eq!(check(&mut health, AttemptOutcome::Succeeded), Some(Transition::Up(Rise::Checks)));
    assert_eq!(health.connected(AttemptOutcome::Failed, NOW), None, "they are counted anew");
}

#[test]
fn connect_errors_put_off_no_check() {
    let mut health = checked(1, CHECKS);
    check(&mut health, AttemptOutcome::Succeeded);
    let due = health.due();
    health.connected(AttemptOutcome::Failed, due - 1);
    assert_eq!(health.due(), due);
    // Nor is another one begun while one is in progress.
    let mut health = checked(1, CHECKS);
    let Some(Work::Check(check)) = health.run(NOW) else { panic!("no check") };
    health.connected(AttemptOutcome::Failed, NOW);
    assert_eq!(health.due(), Time::NEVER);
    health.checked(&check, AttemptOutcome::Succeeded, NOW);
    assert_eq!(health.due(), NOW + SECOND);
}

#[test]
fn a_server_on_trial_goes_down_at_the_first_failure_and_stays_at_the_first_success() {
    let config = HealthConfig { connect_errors: 3, recovery: Recovery::Trial(10 * SECOND) };
    let down = Some(Transition::Down(Fall::ConnectErrors));
    let mut health = Health::new(config, 1, NOW);
    assert_eq!(health.due(), Time::NEVER);
    for expected in [None, None, down] {
        assert_eq!(health.connected(AttemptOutcome::Failed, NOW), expected);
    }
    for expected in [None, down] {
        let trial = health.due();
        assert!(health.run(trial - 1).is_none());
        assert!(matches!(health.run(trial), Some(Work::Changed(Transition::Up(Rise::Trial)))));
        if expected.is_none() {
            assert_eq!(health.connected(AttemptOutcome::Local, trial), None);
            assert_eq!(health.connected(AttemptOutcome::Failed, trial), down);
            assert_eq!(health.due(), trial + 10 * SECOND);
            continue;
        }
        health.connected(AttemptOutcome::Succeeded, trial);
        for expected in [None, None, down] {
            assert_eq!(health.connected(AttemptOutcome::Failed, trial), expected);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Run,
    Checked(AttemptOutcome),
    Connected(AttemptOutcome),
    Maintain,
}

fn outcome() -> impl Strategy<Value = AttemptOutcome> {
    prop_oneof![
        3 => Just(AttemptOutcome::Succeeded),
        5 => Just(AttemptOutcome::Failed),
        1 => Just(AttemptOutcome::Local),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..3 * SECOND).prop_map(Step::Wait),
        3 => Just(Step::Run),
        4 => outcome().prop_map(Step::Checked),
        3 => outcome().prop_map(Step::Connected),
        1 => Just(Step::Maintain),
    ]
}

/// All results that were ever reported, judged anew each time.
struct Model {
    config: HealthConfig,
    up: bool,
    checks: Vec<AttemptOutcome>,
    connects: Vec<AttemptOutcome>,
}

impl Model {
    fn in_a_row(said: &[AttemptOutcome], what: AttemptOutcome) -> usize {
        let said = said.iter().rev().filter(|outcome| **outcome != AttemptOutcome::Local);
        said.take_while(|outcome| **outcome == what).count()
    }

    fn trial(&mut self) {
        let fall = match self.config.recovery {
            Recovery::Checks(checks) => checks.fall.max(1) as usize,
            Recovery::Trial(_) => 1,
        };
        self.up = true;
        self.checks = vec![AttemptOutcome::Failed; fall - 1];
        self.connects = match self.config.connect_errors {
            NO_ERRORS => vec![],
            limit => vec![AttemptOutcome::Failed; limit as usize - 1],
        };
    }

    fn checked(&mut self, outcome: AttemptOutcome) -> Option<Transition> {
        let Recovery::Checks(checks) = self.config.recovery else { return None };
        self.checks.push(outcome);
        let (against, enough) = if self.up {
            (AttemptOutcome::Failed, checks.fall)
        } else {
            (AttemptOutcome::Succeeded, checks.rise)
        };
        if Self::in_a_row(&self.checks, against) < enough.max(1) as usize {
            return None;
        }
        self.up = !self.up;
        self.checks.clear();
        self.connects.clear();
        Some(if self.up { Transition::Up(Rise::Checks) } else { Transition::Down(Fall::Checks) })
    }

    fn connected(&mut self, outcome: AttemptOutcome) -> Option<Transition> {
        self.connects.push(outcome);
        let failed = Self::in_a_row(&self.connects, AttemptOutcome::Failed);
        let limit = self.config.connect_errors as usize;
        if !self.up || outcome != AttemptOutcome::Failed || failed < limit {
            return None;
        }
        self.up = false;
        self.checks.clear();
        Some(Transition::Down(Fall::ConnectErrors))
    }
}

proptest! {
    #![proptest_config(proptests())]

    #[test]
    fn health_is_what_judging_all_that_was_said_gives(
        connect_errors in prop_oneof![1..4_u32, Just(NO_ERRORS)],
        (rise, fall, jitter) in (0..4_u32, 0..4_u32, 0..=100_u8),
        is_checked in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..150),
    ) {
        let checks = Checks { rise, fall, jitter, ..CHECKS };
        let recovery = if is_checked { Recovery::Checks(checks) } else { Recovery::Trial(SECOND) };
        let config = HealthConfig { connect_errors, recovery };
        let mut health = Health::new(config, 3, NOW);
        let mut model = Model { config, up: true, checks: vec![], connects: vec![] };
        let mut now = NOW;
        let mut pending: Option<Check> = None;
        for step in steps {
            match step {
                Step::Wait(span) => now = now + span,
                Step::Run => {
                    let due = health.due();
                    let work = health.run(now);
                    prop_assert_eq!(work.is_some(), due <= now);
                    match work {
                        None => {}
                        Some(Work::Check(check)) => {
                            prop_assert!(is_checked && pending.is_none());
                            pending = Some(check);
                        }
                        Some(Work::Changed(transition)) => {
                            prop_assert!(!is_checked && !model.up);
                            prop_assert_eq!(transition, Transition::Up(Rise::Trial));
                            model.trial();
                        }
                    }
                }
                Step::Checked(outcome) => {
                    if let Some(check) = pending.take() {
                        prop_assert_eq!(health.checked(&check, outcome, now), model.checked(outcome));
                        // The longest interval, with all of the jitter added.
                        prop_assert!(health.due() >= now && health.due() <= now + 4 * SECOND);
                    }
                }
                Step::Connected(outcome) => {
                    prop_assert_eq!(health.connected(outcome, now), model.connected(outcome));
                }
                Step::Maintain => {
                    health.pause();
                    prop_assert_eq!(health.due(), Time::NEVER);
                    health.resume(now);
                    model.trial();
                    if let Some(check) = pending.take() {
                        prop_assert!(!health.awaits(&check));
                        prop_assert_eq!(health.checked(&check, AttemptOutcome::Failed, now), None);
                    }
                }
            }
            prop_assert_eq!(health.is_up(), model.up);
            // Something is due for every server that can change by itself.
            let waits = if is_checked { pending.is_none() } else { !model.up };
            prop_assert_eq!(health.due() != Time::NEVER, waits);
        }
    }
}
