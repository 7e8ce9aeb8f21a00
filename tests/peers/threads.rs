//! The other tests of this program once more with two threads in every `proxy`, and what only threads have.

use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::backends::{report, shown};
use crate::deadlines::until;
use crate::ends::{Deaf, End, accept, connect, listen, listen_at};
use crate::place::Place;
use crate::remote::suite::again;
use crate::running::Running;
use crate::servers::{HOSTS, command, echo_server, whoami};

/// The variable that asks for it; its value is how many.
const THREADS: &str = "VST_PEERS_THREADS";

/// Parts of the names of those tests. What counts turns, places or the order of clients in one engine is not
/// among them.
const AGAIN: [&str; 12] = [
    "backends::servers_are_restarted",
    "closing::",
    "curl::",
    "families::",
    "haproxy::",
    "headers::",
    "manners::",
    "monitors::",
    "nginx::",
    "openssl::",
    "--skip",
    "the_server_with_the_fewest_streams_is_next",
];

/// So many clients that each of some threads has one, but for once in a million runs.
const CLIENTS: usize = 64;

/// The two ways in which threads have a listener.
const LISTENERS: [&str; 2] = ["", "--one-socket"];

/// The words of a proxy, with those for threads if this run is to have them.
pub(crate) fn with_threads(words: &str) -> String {
    let count = std::env::var(THREADS).ok().filter(|_| !words.contains("--threads"));
    count.map_or_else(|| words.to_owned(), |count| format!("{words} --threads {count}"))
}

#[test]
fn what_holds_for_a_proxy_holds_with_two_threads() {
    again(THREADS, "2", &AGAIN);
}

/// A client that is served, or `None` if it is refused.
fn served(address: &str) -> Option<TcpStream> {
    let mut client = connect(address);
    // Whoever is refused may have reset the connection already.
    let _ = std::io::Write::write_all(&mut client, b"abc");
    let mut answer = [0; 3];
    std::io::Read::read_exact(&mut client, &mut answer).ok()?;
    assert_eq!(&answer, b"abc");
    Some(client)
}

fn crowd(address: &str) -> Vec<TcpStream> {
    (0..CLIENTS).filter_map(|_| served(address)).collect()
}

/// A proxy with three threads, under each host and with each kind of listener.
fn everywhere(words: &str, holds: impl Fn(&Running, &str)) {
    for host in HOSTS {
        for listeners in LISTENERS {
            let words = format!("{words} --threads 3 {listeners} --host {host}");
            let proxy = Running::spawn(&mut command("proxy", &words));
            holds(&proxy, &proxy.ready());
        }
    }
}

#[test]
fn what_an_operator_says_is_done_in_every_thread() {
    let (left, right, port) = (echo_server(), echo_server(), Deaf::new());
    let control = port.address();
    let words = format!("--backend {left} --backend {right} --control {control}");
    everywhere(&words, |_, front| {
        let first = crowd(front);
        let at = |server| shown(&control, server, "streams");
        assert_eq!(at(&left) + at(&right), CLIENTS as u64);
        assert_eq!(report(&control, &format!("drain {left}")), "done\n");
        let before = at(&left);
        let second = crowd(front);
        assert_eq!(at(&left), before, "no thread gives it new clients");
        assert_eq!(at(&right), 2 * CLIENTS as u64 - before);
        assert_eq!(report(&control, "drain nobody:1"), "what?\n");
        drop((first, second));
        until("all have gone", || at(&left) + at(&right) == 0);
    });
}

#[test]
fn rules_that_are_read_again_are_those_of_every_thread() {
    let place = Place::new("threads-rules");
    let file = place.write("rules", "tcp-request connection accept");
    let words = format!("--backend {} --rules {}", echo_server(), file.display());
    everywhere(&words, |proxy, front| {
        place.write("rules", "tcp-request connection accept");
        proxy.signal(libc::SIGHUP);
        proxy.stdout.until_said("rules read");
        assert_eq!(crowd(front).len(), CLIENTS);
        place.write("rules", "tcp-request connection reject");
        proxy.signal(libc::SIGHUP);
        let twice = |text: &str| (text.matches("rules read").count() == 2).then_some(());
        proxy.stdout.until("rules that are read a second time", twice);
        assert_eq!(crowd(front).len(), 0);
    });
}

#[test]
fn a_table_counts_the_clients_of_all_threads() {
    const MOST: usize = 10;
    let place = Place::new("threads-table");
    let text = format!(
        "stick-table type ip size 10k expire 1m store conn_cur\ntcp-request connection track-sc0 src\n\
         tcp-request connection reject if {{ sc0_conn_cur gt {MOST} }}",
    );
    let file = place.write("rules", &text);
    let words = format!("--backend {} --rules {}", echo_server(), file.display());
    everywhere(&words, |_, front| assert_eq!(crowd(front).len(), MOST));
}

#[test]
fn the_places_of_a_server_are_divided_among_the_threads() {
    const MAXCONN: u64 = 7;
    let (listener, port) = (listen(), Deaf::new());
    let (server, control) = (crate::ends::at(&listener).to_string(), port.address());
    let words = format!(
        "--backend {server} --maxconn {MAXCONN} --maxqueue 1000 --queue-timeout 20000 \
         --control {control}",
    );
    // With one socket a single thread may have all the clients.
    for host in HOSTS {
        let words = format!("{words} --threads 3 --host {host}");
        let proxy = Running::spawn(&mut command("proxy", &words));
        let front = proxy.ready();
        let clients: Vec<_> = (0..CLIENTS).map(|_| connect(&front)).collect();
        until("every place is taken", || shown(&control, &server, "streams") == MAXCONN);
        assert_eq!(shown(&control, &server, "most"), MAXCONN);
        drop(clients);
    }
}

#[test]
fn every_thread_leaves_when_the_proxy_is_told_to() {
    let words = format!("--backend {}", echo_server());
    for host in HOSTS {
        for listeners in LISTENERS {
            let words = format!("{words} --threads 3 {listeners} --host {host}");
            let mut proxy = Running::spawn(&mut command("proxy", &words));
            let front = proxy.ready();
            let clients = crowd(&front);
            assert_eq!(clients.len(), CLIENTS);
            proxy.signal(libc::SIGTERM);
            // They may finish first.
            for mut client in clients {
                client.say(b"last");
                assert_eq!(client.exactly(4), b"last");
                client.shutdown(Shutdown::Write).expect("the socket is open");
                assert_eq!(client.rest().expect("an orderly end"), b"");
            }
            assert!(proxy.exit().success());
        }
    }
}

/// The value of a metric without labels.
fn metric(metrics: &str, name: &str) -> u64 {
    let mut reader = connect(metrics);
    reader.say(b"GET /metrics HTTP/1.0\r\n\r\n");
    let text = String::from_utf8(reader.rest().expect("an orderly end")).expect("text");
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[test]
fn the_metrics_are_those_of_all_threads() {
    let port = Deaf::new();
    let metrics = port.address();
    let words = format!("--backend {} --metrics {metrics}", echo_server());
    everywhere(&words, |_, front| {
        let clients = crowd(front);
        let is = |name| metric(&metrics, name);
        assert_eq!(is("vestibule_sessions_total"), CLIENTS as u64);
        assert_eq!(is("vestibule_streams"), CLIENTS as u64);
        // This is the third to read the metrics, and counted as well.
        assert_eq!(is("vestibule_accepted_total"), CLIENTS as u64 + 3);
        drop(clients);
    });
}

#[test]
fn a_server_is_checked_once_for_all_threads_and_is_up_or_down_in_all() {
    const CHECKS: u32 = 30;
    const INTERVAL: Duration = Duration::from_millis(20);
    // By so much an interval is shorter at random.
    const JITTER: Duration = Duration::from_millis(2);
    for host in HOSTS {
        let [server, control] = [Deaf::new(), Deaf::new()];
        let (at, control) = (server.address(), control.address());
        let listener = listen_at(&at);
        let words = format!(
            "--backend {at} --check --check-interval {} --control {control} --threads 3 --host {host}",
            INTERVAL.as_millis(),
        );
        let start = Instant::now();
        let mut proxy = Running::spawn(&mut command("proxy", &words));
        let front = proxy.ready();
        (0..CHECKS).for_each(|_| drop(accept(&listener)));
        assert!(start.elapsed() >= (INTERVAL - JITTER) * (CHECKS - 1), "more than one checks it");

        drop(listener);
        proxy.stderr.until_said(&format!("server {at} is down: checks\n"));
        // Every thread knows what was known before it answers.
        assert!(report(&control, "show").starts_with(&format!("{at} ready down")));
        assert_eq!(crowd(&front).len(), 0);
        assert_eq!(shown(&control, &at, "errors"), 0, "no thread tries it");

        let _server = whoami(&format!("--listen {at}"));
        proxy.stderr.until_said(&format!("server {at} is up: checks\n"));
        assert!(report(&control, "show").starts_with(&format!("{at} ready up")));
        proxy.signal(libc::SIGTERM);
        assert!(proxy.exit().success());
        let log = proxy.stderr.to_the_end();
        assert_eq!(log, format!("server {at} is down: checks\nserver {at} is up: checks\n"));
    }
}
