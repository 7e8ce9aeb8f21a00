//! Programs that check whether the proxy works: curl, python's HTTP, HAProxy's checks, and a reader of
//! metrics.

use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use vestibule::config::{AcceptConfig, LiveRules};
use vestibule::engine::{Engine, EngineOptions, ListenerOptions};
use vestibule::rules::{Environment, RuleSet, Tables};
use vestibule::sys::{Addr, Kernel, ListenSpec};
use vestibule::table::{Table, TableConfig};
use vestibule::time::Time;

use crate::ends::{Deaf, End, connect, listen};
use crate::haproxy::haproxy;
use crate::place::Place;
use crate::running::Running;
use crate::servers::{HOSTS, echo_server, proxy, whoami};
use crate::support::{missing, peer};

/// The address of monitors; clients come from 127.0.0.1.
const MONITOR: &str = "127.0.0.2";

/// A proxy with monitors, and the addresses of its other listeners.
struct Monitored {
    proxy: Running,
    at: String,
    control: String,
    health: String,
    metrics: String,
    /// The ports stay reserved while no program listens there.
    _ports: [Deaf; 3],
}

fn monitored(host: &str) -> Monitored {
    let ports = [Deaf::new(), Deaf::new(), Deaf::new()];
    let [control, health, metrics] = ports.each_ref().map(Deaf::address);
    let proxy = proxy(&format!(
        "--monitor-net {MONITOR} --metrics {metrics} --health {health} --control {control} \
         --backend {} --host {host}",
        echo_server(),
    ));
    let at = proxy.ready();
    Monitored { proxy, at, control, health, metrics, _ports: ports }
}

fn leave(control: &str) {
    let mut operator = connect(control);
    operator.say(b"leave\n");
    assert_eq!(operator.rest().expect("an orderly end"), b"done\n");
}

/// The result of curl: the status, a blank, the body.
fn curl(options: &[&str], url: &str) -> Option<String> {
    let output = Command::new(peer("curl")?)
        .args(["--silent", "--show-error", "--max-time", "20", "--noproxy", "*"])
        .args(["--interface", MONITOR])
        .args(["--write-out", "%{http_code} ", "--output", "/dev/stdout"])
        .args(options)
        .arg(url)
        .output()
        .expect("curl runs");
    Some(said(&output))
}

#[track_caller]
fn said(output: &Output) -> String {
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaints}", output.status);
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn curl_as_a_monitor_gets_200_and_503_once_we_go_while_a_client_is_served() {
    for host in HOSTS {
        let Monitored { proxy: _proxy, at, control, health, .. } = monitored(host);
        let ask = || {
            let a_monitor_s = curl(&[], &format!("http://{at}/"))?;
            let everybody_s = curl(&["--interface", "127.0.0.1"], &format!("http://{health}/"))?;
            assert_eq!(a_monitor_s, everybody_s);
            Some(everybody_s)
        };
        let Some(well) = ask() else { return };
        assert_eq!(well, "OK\n200 ");
        // A request whose body comes late is answered nevertheless, and the bytes that follow do no
        // harm.
        let body = "x".repeat(100_000);
        let posted = curl(&["--data-binary", &body], &format!("http://{at}/"));
        assert_eq!(posted.as_deref(), Some("OK\n200 "));
        leave(&control);
        assert_eq!(ask().as_deref(), Some("FAIL\n503 "));
        let mut client = connect(&at);
        client.say(b"abc");
        assert_eq!(client.exactly(3), b"abc");
    }
}

#[test]
fn python_s_http_client_reads_the_answer_to_its_end() {
    const ASK: &str = "import http.client, sys\n\
        for i in range(50):\n\
        \x20   c = http.client.HTTPConnection(sys.argv[1], timeout=20, source_address=('127.0.0.2', 0))\n\
        \x20   c.request('GET', '/healthz')\n\
        \x20   r = c.getresponse()\n\
        \x20   assert (r.status, r.read()) == (200, b'OK\\n'), r.status\n\
        \x20   c.close()\n";
    let Some(python) = peer("python3") else { return };
    let ours = monitored("epoll");
    said(&Command::new(python).args(["-c", ASK, &ours.at]).output().expect("it runs"));
}

/// HAProxy checks a server with these lines, and logs the result.
fn checked(name: &str, address: &str, lines: &str) -> Option<(Place, Running)> {
    let place = Place::new(name);
    let front = listen();
    let sections = format!(
        "listen front\n bind fd@{}\n option log-health-checks\n {lines}\n \
         server ours {address} source {MONITOR} check inter 100ms fall 1 rise 1\n",
        front.as_raw_fd(),
    );
    let haproxy = haproxy(&place, &front, &sections)?;
    Some((place, haproxy))
}

#[test]
fn haproxy_s_http_check_finds_us_well_and_then_going() {
    let Monitored { proxy, at, control, .. } = monitored("epoll");
    let lines = "option httpchk GET /healthz";
    let Some((_place, haproxy)) = checked("monitor-httpchk", &at, lines) else { return };
    haproxy.stdout.until_said("Layer7 check passed, code: 200");
    leave(&control);
    haproxy.stdout.until_said("Layer7 wrong status, code: 503");
    assert_eq!(proxy.stderr.so_far(), "", "a monitor is no news");
}

#[test]
fn haproxy_s_tcp_check_finds_the_text_it_expects() {
    let whoami = whoami(&format!("--monitor-net {MONITOR} --accept-proxy 10.0.0.0/8"));
    let lines = "option tcp-check\n tcp-check connect\n tcp-check expect string OK";
    let Some((_place, haproxy)) = checked("monitor-tcp-check", &whoami.ready(), lines) else {
        return;
    };
    haproxy.stdout.until_said("Health check for server front/ours succeeded");
    assert_eq!(whoami.stderr.so_far(), "", "a monitor is no news");
}

#[test]
fn a_monitor_that_hangs_up_at_once_is_no_news() {
    let whoami = whoami("--monitor-net 127.0.0.1");
    let at = whoami.ready();
    for _ in 0..20 {
        drop(connect(&at));
    }
    let mut last = connect(&at);
    assert_eq!(last.rest().expect("an orderly end"), b"OK");
    assert_eq!(whoami.stderr.so_far(), "");
}

/// A python that has the parser; without one, `None` and a message.
fn python_with_parser() -> Option<PathBuf> {
    let found = [PathBuf::from("/usr/bin/python3")].into_iter().chain(peer("python3")).find(|it| {
        Command::new(it)
            .args(["-c", "import prometheus_client"])
            .output()
            .is_ok_and(|output| output.status.success())
    });
    found.or_else(|| missing("prometheus_client of Python"))
}

/// Has the parser read a text, every metric and none twice, and assert `also` of `seen` (samples by name
/// and labels) and of `word`. Returns how many samples there are.
fn read_by_the_parser(place: &str, text: &str, also: &str, word: &str) -> Option<u32> {
    const READ: &str = "import sys\n\
        from prometheus_client.parser import text_string_to_metric_families as parse\n\
        seen, names, word = {}, set(), sys.argv[1]\n\
        for family in parse(sys.stdin.read()):\n\
        \x20   assert family.name not in names and family.documentation and family.type != 'unknown', family\n\
        \x20   names.add(family.name)\n\
        \x20   for s in family.samples:\n\
        \x20       key = (s.name, tuple(sorted(s.labels.items())))\n\
        \x20       assert key not in seen, key\n\
        \x20       seen[key] = s.value\n";
    let python = python_with_parser()?;
    let place = Place::new(place);
    let text = std::fs::File::open(place.write("metrics.txt", text)).expect("it was written");
    let script = format!("{READ}{also}print(len(seen))\n");
    let read = Command::new(python).args(["-c", &script, word]).stdin(text).output();
    Some(said(&read.expect("it runs")).trim().parse().expect("a number"))
}

#[test]
fn the_parser_of_prometheus_reads_every_metric_and_none_twice() {
    const ALSO: &str = "assert seen[('vestibule_monitored_total', ())] == 1, seen\n\
        assert seen[('vestibule_op_passed_total', (('op', 'MONITOR_IN'),))] == 2, seen\n\
        assert any(k[0] == 'vestibule_server_up' and v == 1 for k, v in seen.items()), seen\n";
    let ours = monitored("epoll");
    let Some(answer) = curl(&[], &format!("http://{}/", ours.at)) else { return };
    assert_eq!(answer, "OK\n200 ");
    let Some(answer) = curl(&[], &format!("http://{}/metrics", ours.metrics)) else { return };
    let text = answer.strip_suffix("200 ").expect("it is well");
    let Some(count) = read_by_the_parser("monitor-metrics", text, ALSO, "") else { return };
    assert!(count > 50, "{count} samples");
}

#[test]
fn the_parser_of_prometheus_reads_names_of_listeners_and_tables_as_they_were_given() {
    const NAME: &str = "the \"front\" of C:\\net, {a=\"b\"} and\na second line, é";
    const ALSO: &str = "assert seen[('vestibule_listener_accepted_total', \
            (('listener', word), ('number', '0')))] == 0, seen\n\
        sizes = {k[1]: v for k, v in seen.items() if k[0] == 'vestibule_table_size'}\n\
        assert sizes == {(('number', '0'), ('table', word)): 100.0, \
            (('number', '0'), ('table', 'default')): 7.0}, sizes\n";
    let mut tables = Tables::default();
    let config = TableConfig::parse(NAME, "type ip size 100 store conn_cur").expect("a definition");
    tables.add(Table::new(config).expect("a table"));
    let environment =
        Environment { tables: &tables, before: None, load: &|_| Err("no files".to_owned()) };
    let text = b"stick-table type ip size 7 store gpc0\ntcp-request connection track-sc0 src";
    let rules = RuleSet::parse(text, environment).expect("rules");
    let config =
        AcceptConfig { rules: Some(Arc::new(LiveRules::new(rules))), ..Default::default() };
    let mut engine = Engine::new(Kernel, 1, 1, EngineOptions::default(), Time(1));
    let spec = ListenSpec {
        addr: Addr::parse("127.0.0.1:0").expect("an address"),
        backlog: 1,
        reuse_port: false,
        v6_only: false,
        defer_accept: 0,
        mode: None,
        owner: None,
        exclusive: false,
    };
    let listener = engine.listen(&spec, Arc::new(config), ListenerOptions::default());
    engine.set_name(listener.expect("a port is free"), NAME).expect("a listener");
    read_by_the_parser("monitor-names", &engine.metrics(), ALSO, NAME);
}
