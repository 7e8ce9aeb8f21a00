//! The contracts of the header, each a C program in `c-tests`, linked to the shared library; the same
//! programs under valgrind, if it is installed, and on a host that does all that its contract allows
//! (`c-tests/chaos.h`); and a few of them linked to the static library.
#![cfg(all(unix, feature = "self-signed"))]

#[path = "support/artifacts.rs"]
mod artifacts;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use artifacts::{Linked, NATIVE_STATIC_LIBS, artifacts, cargo, program, run};

/// The longest that one program may take, and one under valgrind, which is twenty times slower.
const PATIENCE: Duration = Duration::from_secs(100);
const PATIENCE_UNDER_VALGRIND: Duration = Duration::from_secs(200);

/// What valgrind exits with when it has found something.
const FOUND: &str = "--error-exitcode=99";

/// A certificate and its key in one file, made for this run: every program gets its path.
fn identity() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).expect("a name");
        let path = artifacts().folder.join("identity.pem");
        let certificate = pem("CERTIFICATE", made.cert.der());
        let text = certificate + &pem("PRIVATE KEY", &made.signing_key.serialize_der());
        std::fs::write(&path, text).expect("the target folder is writable");
        path
    })
}

/// RFC 7468 around base64 (RFC 4648 section 4).
fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        for three in line.chunks(3) {
            let bits = three.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
            let bits = bits << (8 * (3 - three.len()));
            for digit in 0..4 {
                let value = (bits >> (18 - 6 * digit)) as usize & 63;
                text.push(if digit > three.len() { '=' } else { DIGITS[value].into() });
            }
        }
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

fn holds(name: &str, linked: Linked) {
    let (status, said) = run(Command::new(program(name, linked)).arg(identity()), PATIENCE);
    assert!(status.success(), "{name} ({linked:?}), {status}:\n{said}");
}

fn holds_under_valgrind(name: &str) {
    let Some(valgrind) = support::peer("valgrind") else { return };
    let reasons = Path::new(env!("CARGO_MANIFEST_DIR")).join("c-tests/valgrind.supp");
    let mut command = Command::new(valgrind);
    command.args([FOUND, "--leak-check=full", "--child-silent-after-fork=yes", "--quiet"]);
    // A handle points behind the word in front of it, so that valgrind takes one that is kept for lost.
    command.args(["--show-leak-kinds=definite,indirect", "--errors-for-leak-kinds=definite"]);
    command.arg(format!("--suppressions={}", reasons.display()));
    let program = program(name, Linked::Shared);
    let (status, said) = run(command.arg(program).arg(identity()), PATIENCE_UNDER_VALGRIND);
    assert!(status.success(), "{name} under valgrind, {status}:\n{said}");
}

/// A table of programs, each with the sentence that it proves.
macro_rules! contracts {
    ($($sentence:ident: $file:ident,)*) => {
        mod shared {
            $(#[test]
            fn $sentence() {
                super::holds(stringify!($file), super::Linked::Shared);
            })*
        }
        mod under_valgrind {
            $(#[test]
            fn $sentence() {
                super::holds_under_valgrind(stringify!($file));
            })*
        }
        const FILES: &[&str] = &[$(stringify!($file)),*];
    };
}

contracts! {
    a_stale_id_is_answered_and_does_nothing: stale_id,
    an_id_of_another_kind_is_refused: wrong_kind,
    an_id_of_another_engine_is_refused: wrong_engine,
    another_thread_is_refused_and_changes_nothing: wrong_thread,
    a_connection_may_be_closed_in_its_own_callback: close_in_callback,
    a_connection_may_be_aborted_in_its_own_callback: abort_in_callback,
    a_call_in_a_callback_answers_at_once: send_in_readable,
    a_stream_may_be_begun_in_the_callback_of_its_session: forward_in_session,
    an_engine_is_not_freed_in_its_own_callback: free_in_callback,
    every_callback_may_call_what_the_header_says: every_callback,
    all_zero_is_the_defaults: zero_is_default,
    times_of_another_clock_are_refused: clocks,
    every_configuration_may_be_freed_at_any_point: configs_freed,
    every_pointer_may_be_null_in_turn: nulls,
    structs_of_every_size_are_read_and_written_within_it: sizes,
    unknown_flags_and_numbers_are_errors: unknown_flags,
    sigpipe_never_reaches_the_host: sigpipe,
    a_number_used_again_within_a_batch_does_no_harm: fd_reuse,
    a_child_that_execs_holds_no_descriptor_of_ours: fork_exec,
    errno_is_untouched_by_every_call: errno_untouched,
    an_engine_is_emptied_in_order: drain,
    what_was_said_arrives_and_what_is_cut_is_in_the_record: closing,
    monitors_are_answered_and_let_go: monitor,
    what_is_counted_is_text_for_whoever_reads_it: metrics,
    released_is_the_last_word_and_told_once: released_once,
    a_host_without_callbacks_pulls_everything: pull,
    the_timer_is_told_only_earlier_deadlines: timer_earlier,
    a_descriptor_comes_back_with_what_was_read_ahead: take_fd,
    descriptors_of_the_host_are_taken_over: adopted,
    a_connection_describes_itself_in_a_line: describe,
    mistakes_of_a_host_are_answered_and_cost_nothing_else: misuses,
    tokens_lead_to_connections_and_a_poller_may_refuse: tokens,
    a_session_is_peeked_at_gathered_timed_and_woken: session_more,
    bytes_move_no_faster_than_a_limit_and_all_arrive: rates,
    memory_comes_from_the_allocator_of_the_host: allocator,
    what_an_engine_does_is_traced_by_category_in_order: trace,
    a_connection_shows_two_directions_an_error_and_its_layers: layers,
    tlvs_are_readable_byte_by_byte: proxy_tlvs,
    a_header_that_announces_nobody_changes_no_address: proxy_local,
    refusals_are_told_with_a_limit_and_counted_in_full: refusals,
    every_end_is_told_and_a_limit_says_which_are_for_the_log: end_log,
    as_many_engines_as_numbers_and_no_id_twice: engines,
    the_loop_runs_and_stops_from_anywhere: loop_,
    a_certificate_that_cannot_be_used_is_named: tls_config_errors,
    when_certificates_end_is_told: not_after,
    why_something_cannot_be_made_is_always_said: why,
    a_host_may_have_a_clock_of_its_own: own_clock,
    rules_with_a_mistake_are_refused_and_the_mistake_is_named: rules_errors,
    rules_are_asked_replaced_and_freed_while_connections_come: rules,
    secrets_are_kept_only_if_asked_for_and_taken_once: key_log,
    one_server_is_the_same_under_four_hosts: hosts,
    streams_go_to_the_servers_in_turn_and_their_ends_say_so: backend_turns,
    a_server_that_refuses_is_tried_again_and_then_another: backend_retries,
    who_waits_for_a_place_is_served_in_order_or_told_why_not: backend_queue,
    servers_go_down_and_up_and_it_is_said_by_what: backend_health,
    a_server_changes_its_state_while_streams_run: backend_states,
    a_backup_serves_only_while_nobody_else_can: backend_backup,
    a_unix_path_is_taken_over_or_not_as_the_host_says: listener_unix,
    nobody_is_lost_when_one_of_two_sockets_of_a_port_leaves: reuseport_leaves,
    a_server_may_be_a_unix_socket: backend_unix,
    a_handler_converses_refuses_or_answers_later: handlers,
    what_a_handler_keeps_is_given_back_once: handler_ends,
    answers_come_from_other_threads_and_never_after_the_engine: waker,
    engines_of_a_group_tell_each_other_of_servers_and_add_up_their_metrics: group,
    tls_begins_in_the_middle_of_a_session: start_tls,
    a_client_keeps_the_server_that_a_table_remembers: backend_sticky,
    a_table_is_made_from_text_and_read_and_set_from_any_thread: table,
    fed_connections_need_no_socket_and_no_poller: fed_memory,
    fed_connections_hold_no_more_than_their_windows: fed_bytes,
    fed_connections_ask_once_to_be_opened: fed_open,
    fed_connections_end_when_nothing_is_below_them: fed_close,
    reports_that_do_not_fit_a_fed_connection_change_nothing: fed_reports,
    fed_connections_know_what_their_host_names: fed_facts,
    fed_servers_are_tried_and_checked_as_others: fed_backend,
    fed_connections_are_parts_of_streams_as_sockets_are: fed_stream,
    a_link_is_up_down_and_closed_in_order_and_once: remote_link,
    an_agent_s_connection_carries_bytes_and_ends_both_ways: remote_bytes,
    descriptors_are_passed_where_all_agree_and_no_others: remote_descriptor,
    what_an_agent_s_tls_agreed_on_is_known_at_the_client: remote_tls,
    what_fails_at_an_agent_is_told_as_if_it_were_here: remote_errors,
    an_agent_s_host_looks_names_up_and_each_once: remote_names,
    an_agent_serves_whom_it_admits_and_ends_in_order_or_at_once: remote_serve,
    sessions_are_handed_over_with_what_is_known_of_them: remote_offer,
    engines_end_with_links_in_use_and_lose_nothing: remote_end,
    links_and_agents_need_no_callbacks: remote_pull,
    zero_is_the_default_for_links_and_agents_too: remote_defaults,
    descriptors_that_are_not_watched_or_not_ours_any_more_are_named: checker_descriptors,
    readiness_of_nothing_and_bits_of_pollers_are_named: checker_readiness,
    other_clocks_and_missed_deadlines_are_named: checker_time,
    calls_that_are_missing_or_slow_and_children_are_named: checker_calls,
    sessions_that_are_left_and_answers_that_never_come_are_named: checker_sessions,
    servers_behind_an_agent_are_tried_and_checked_as_others: remote_backend,
}

/// Programs that together use the poller, TLS on both sides, threads and the built-in loop. That all do
/// what they should is shown with the shared library: here it is shown that the static one is whole.
const LINKED_STATICALLY: &[&str] = &["hosts", "start_tls", "waker", "loop_"];

#[test]
fn programs_with_the_static_library_do_the_same() {
    for name in LINKED_STATICALLY {
        holds(name, Linked::Static);
    }
}

const SEEDS: u64 = 200;
/// As many for each program of [`SLOW`]: with more of them the test would take minutes.
const SEEDS_OF_SLOW: u64 = 20;

/// What takes longer than a tenth of a second: most wait for deadlines of seconds, some make configurations
/// of TLS, or thousands of connections or engines.
const SLOW: &[&str] = &[
    "backend_backup",
    "backend_health",
    "backend_queue",
    "backend_retries",
    "backend_states",
    "backend_sticky",
    "backend_turns",
    "backend_unix",
    "closing",
    "configs_freed",
    "drain",
    "engines",
    "errno_untouched",
    "every_callback",
    "fed_stream",
    "handler_ends",
    "handlers",
    "hosts",
    "key_log",
    "layers",
    "remote_backend",
    "remote_bytes",
    "remote_end",
    "remote_errors",
    "remote_names",
    "remote_offer",
    "remote_serve",
    "remote_tls",
    "rates",
    "rules",
    "session_more",
    "sigpipe",
    "sizes",
    "stale_id",
    "start_tls",
    "wrong_engine",
    "wrong_kind",
];

/// What drives its engines in ways of its own, or not at all: by a clock of the test, by the built-in loop,
/// by pulling.
const WITHOUT_HOST: &[&str] = &[
    "allocator",
    "checker_calls",
    "checker_descriptors",
    "checker_readiness",
    "checker_sessions",
    "checker_time",
    "clocks",
    "fed_backend",
    "fed_bytes",
    "fed_close",
    "fed_facts",
    "fed_memory",
    "fed_open",
    "fed_reports",
    "group",
    "listener_unix",
    "loop_",
    "not_after",
    "nulls",
    "own_clock",
    "pull",
    "remote_defaults",
    "reuseport_leaves",
    "rules_errors",
    "table",
    "tls_config_errors",
    "unknown_flags",
    "why",
    "wrong_thread",
];

/// What counts on the poller being honest, and why.
const UNFIT: &[(&str, &str)] = &[
    ("send_in_readable", "readiness that was invented is one more READABLE, which it counts"),
    ("trace", "it looks for the calls by which an honest host hands readiness in"),
];

/// Most of the time is spent in waiting for deadlines, so that there may be more than processors.
const WORKERS: usize = 8;

/// The programs that run there: the slow ones, and the others.
fn on_the_host() -> (Vec<&'static str>, Vec<&'static str>) {
    let fits =
        |name: &&str| !WITHOUT_HOST.contains(name) && !UNFIT.iter().any(|(unfit, _)| unfit == name);
    FILES.iter().copied().filter(fits).partition(|name| SLOW.contains(name))
}

/// Runs a program with a seed; what it said, if it failed or had no round of the host.
fn fails(name: &str, seed: u64) -> Option<String> {
    let seed = format!("--chaos={seed}");
    let mut command = Command::new(program(name, Linked::Shared));
    let (status, said) = run(command.arg(identity()).arg(&seed), PATIENCE);
    let holds = status.success() && !said.starts_with("0 rounds");
    (!holds).then(|| format!("{name} {seed}, {status}:\n{said}"))
}

#[test]
#[allow(clippy::disallowed_methods, reason = "it says how long it took")]
fn programs_hold_on_a_host_that_does_all_that_its_contract_allows() {
    let (slow, fast) = on_the_host();
    for name in slow.iter().chain(&fast) {
        program(name, Linked::Shared);
    }
    let each = |seeds, names: Vec<&'static str>| {
        (1..=seeds).flat_map(move |seed| names.clone().into_iter().map(move |name| (name, seed)))
    };
    // The slow ones first, so that none of them is left alone at the end.
    let runs: Vec<_> = each(SEEDS_OF_SLOW, slow).chain(each(SEEDS, fast)).collect();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((name, seed)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let failure = fails(name, *seed);
                    failures.lock().expect("nobody panics with it").extend(failure);
                }
            });
        }
    });
    println!("{} runs took {:?}", runs.len(), begun.elapsed());
    let failures = failures.into_inner().expect("nobody panics with it");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_program_that_knows_only_names_loads_it_and_lets_go_of_it() {
    let library = artifacts().folder.join("libvestibule.so.0");
    let mut command = Command::new(program("dlopened", Linked::No));
    let (status, said) = run(command.arg(library), PATIENCE);
    assert!(status.success(), "{status}:\n{said}");
}

#[test]
fn every_program_of_the_folder_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("c-tests");
    for entry in folder.read_dir().expect("the folder").flatten() {
        let path = entry.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_program = path.extension().is_some_and(|extension| extension == "c");
        assert!(!is_program || stem == "dlopened" || FILES.contains(&stem), "{stem}.c");
    }
}

#[test]
fn every_function_is_tried_from_every_callback() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file of ours");
    let (symbols, tried) = (read("include/vestibule.symbols"), read("c-tests/every_callback.c"));
    let calls = tried.lines().filter(|line| line.contains("TRY(") || line.contains("DOES("));
    let calls: Vec<&str> = calls.collect();
    for symbol in symbols.split_whitespace() {
        let call = format!("{symbol}(");
        assert!(calls.iter().any(|line| line.contains(&call)), "{symbol}");
    }
}

#[test]
fn the_list_of_native_libraries_is_what_the_compiler_says() {
    let mut command = cargo("rustc");
    command.args(["--crate-type", "staticlib", "--", "--print", "native-static-libs"]);
    let output = command.output().expect("cargo can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find_map(|line| line.split_once("native-static-libs: "));
    let (_, list) = line.unwrap_or_else(|| panic!("no list in: {said}"));
    let mut list: Vec<&str> = list.split_whitespace().collect();
    list.sort_unstable();
    list.dedup();
    let mut ours = NATIVE_STATIC_LIBS.to_vec();
    ours.sort_unstable();
    assert_eq!(list, ours);
}
