//! The text of all that is counted: its numbers are a recount of what happened, and its form is one that
//! a reader of the format accepts.

use std::collections::BTreeMap;

use super::header::proxied;
use super::host::Program;
use super::rig::{Rig, both, everywhere_here};
use crate::config::{AcceptConfig, Monitor, MonitorAnswer, Trust};
use crate::engine::{EventKind, ListenerOptions, Record};
use crate::sys::Addr;
use crate::time::SECOND;

const HEADER: &[u8] = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\n";

/// Every sample of a text by its name and labels, as a reader takes it: a family announced once,
/// its samples together, none twice.
#[track_caller]
pub(super) fn samples(text: &str) -> BTreeMap<String, u64> {
    let mut samples = BTreeMap::new();
    let mut families = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a name and a sentence");
            // To a reader of the later format the suffix is no part of the name.
            let stem = |name: &str| name.trim_end_matches("_total").to_owned();
            assert!(help.ends_with('.'), "{line}");
            assert!(!families.iter().any(|known: &String| stem(known) == stem(name)), "{line}");
            families.push(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a kind");
            assert_eq!(Some(name), families.last().map(String::as_str));
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (sample, value) = line.rsplit_once(' ').expect("a sample and its value");
            let name = sample.split('{').next();
            assert_eq!(name, families.last().map(String::as_str), "{line}");
            let value = value.parse().expect("a number");
            assert_eq!(samples.insert(sample.to_owned(), value), None, "{line}");
        }
    }
    samples
}

fn records(rig: &Rig) -> impl Iterator<Item = &Record> {
    rig.host.events.iter().filter_map(|event| match &event.kind {
        EventKind::Closed(record) | EventKind::Refused(record) => Some(&**record),
        _ => None,
    })
}

#[test]
fn the_numbers_are_a_recount_of_what_happened() {
    everywhere_here(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(proxied());
        for i in 0..12_u8 {
            let peer = rig.peer();
            match i % 4 {
                0 => peer.send(b"no header at all\r\n"),
                1 => peer.reset(),
                2 => {}
                _ => peer.send(&[HEADER, &[i; 1000][..]].concat()),
            }
            if i % 4 != 2 && i % 4 != 1 {
                peer.shutdown_write();
            }
        }
        rig.run_for(20 * SECOND);
        rig.run();
        let found = samples(&rig.engine.metrics());
        let counted = rig.engine.counters();
        assert_eq!(counted.sessions, 3);
        assert_eq!(found["vestibule_connections"], 0);
        assert_eq!(found["vestibule_sessions_total"], counted.sessions);
        assert_eq!(found["vestibule_refused_total"], counted.refused);
        let listener = "{listener=\"192.0.2.1:80\",number=\"0\"}";
        for (name, value) in [
            ("accepted", counted.accepted),
            ("sessions", counted.sessions),
            ("refused", counted.refused),
            ("monitored", 0),
        ] {
            assert_eq!(found[&format!("vestibule_listener_{name}_total{listener}")], value);
        }
        let mut failed = BTreeMap::new();
        for cause in records(&rig).filter_map(|record| record.cause.as_ref()) {
            let at = cause.at.map_or("SESSION", crate::conn::Op::name);
            let labels = format!("{{op=\"{at}\",why=\"{}\"}}", cause.why.name());
            *failed.entry(format!("vestibule_op_failed_total{labels}")).or_insert(0) += 1;
        }
        let counted_failed = found
            .iter()
            .filter(|(name, _)| name.starts_with("vestibule_op_failed_total"))
            .map(|(name, value)| (name.clone(), *value));
        assert_eq!(counted_failed.collect::<BTreeMap<_, _>>(), failed);
        assert_eq!(found["vestibule_op_overdue_total{op=\"ACCEPT_PROXY\"}"], 3);
        let sum = |of: fn(&Record) -> u64| records(&rig).map(of).sum::<u64>();
        assert_eq!(found["vestibule_received_bytes_total"], sum(|record| record.bytes_in));
        assert_eq!(found["vestibule_sent_bytes_total"], sum(|record| record.bytes_out));
        assert_eq!(sum(|record| record.bytes_out), 3000);
        rig.finish();
    });
}

#[test]
fn a_listener_with_tls_tells_when_its_first_certificate_ends_and_no_other_does() {
    use super::tls::accepting;
    use crate::tls::TlsVersion;
    const NAME: &str = "vestibule_listener_certificate_not_after_seconds";
    for tls in [false, true] {
        both(|setup| {
            let mut rig = Rig::new(setup, Program::Echo);
            let config = if tls { accepting(TlsVersion::Tls13) } else { proxied() };
            let end = config.tls.as_ref().map(|tls| tls.first_not_after());
            rig.listen(config);
            let found = samples(&rig.engine.metrics());
            let mut of_certificates = found.iter().filter(|(name, _)| name.starts_with(NAME));
            assert_eq!(of_certificates.next().map(|(_, value)| *value), end);
            rig.finish();
        });
    }
}

#[test]
fn handshakes_are_counted_by_side_version_and_whether_they_resumed() {
    use super::tls::accepting;
    use super::tls_peer::{TlsPeer, pair, play};
    use crate::tls::TlsVersion;
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        both(|setup| {
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(accepting(version));
            let mut peers = Vec::new();
            for _ in 0..2 {
                let peer = TlsPeer::client(rig.peer(), &pair(version).0, &[]);
                peer.borrow_mut().say(b"a few words");
                peer.borrow_mut().end();
                rig.actors.push(play(&peer));
                peers.push(peer);
                rig.settle();
            }
            let found = samples(&rig.engine.metrics());
            let count = |side: &str, version: &str, resumed: &str| {
                let labels =
                    format!("{{side=\"{side}\",version=\"{version}\",resumed=\"{resumed}\"}}");
                found[&format!("vestibule_tls_handshakes_total{labels}")]
            };
            let ours = |resumed| count("server", version.name(), resumed);
            assert_eq!(ours("no") + ours("yes"), 2);
            let counts = rig.engine.tls_counts();
            assert_eq!(ours("yes"), counts.get(false, version, true));
            let all: u64 = found
                .iter()
                .filter(|(name, _)| name.starts_with("vestibule_tls_handshakes_total"))
                .map(|(_, value)| value)
                .sum();
            assert_eq!(all, 2, "no other side, no other version");
            rig.finish();
        });
    }
}

#[test]
fn a_handshake_is_counted_though_the_connection_is_refused_behind_it() {
    use super::handlers::custom;
    use super::tls::accepting;
    use super::tls_peer::{TlsPeer, pair, play};
    use crate::config::AcceptConfig;
    use crate::tls::TlsVersion;
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        let refuses = custom(true, |_, _| crate::engine::HandlerAnswer::Fail(1, String::new()));
        rig.listen(AcceptConfig { customs: vec![refuses], ..accepting(TlsVersion::Tls13) });
        let peer = TlsPeer::client(rig.peer(), &pair(TlsVersion::Tls13).0, &[]);
        rig.actors.push(play(&peer));
        rig.settle();
        let counts = rig.engine.tls_counts();
        let of = |resumed| counts.get(false, TlsVersion::Tls13, resumed);
        assert_eq!(of(false) + of(true), 1);
        assert_eq!(rig.engine.counters().refused, 1);
        peer.borrow().peer.close();
        rig.finish();
    });
}

#[test]
fn whatever_has_a_name_is_called_by_it_and_each_table_is_counted_once() {
    use super::farm::{options, server};
    use super::rules::ruled;
    const AWKWARD: &str = "web \"a\\b\"\nc";
    const ESCAPED: &str = "web \\\"a\\\\b\\\"\\nc";
    const TABLE: &str = "stick-table type ip size 2 nopurge store conn_cur\n\
        tcp-request connection track-sc0 src\n\
        tcp-request connection track-sc1 src table other\n\
        backend other\n\
        stick-table type ip size 1 store gpt0";
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        let config = ruled(proxied(), TABLE);
        let named = rig.listen(config.clone());
        rig.call(|engine| engine.set_name(named, AWKWARD)).expect("a listener");
        let port = |port: u16| Addr::parse(&format!("192.0.2.1:{port}")).expect("an address");
        // The same rules, rules with a table of the same name, and none.
        rig.listen_at(&port(81), config, Default::default());
        let namesake = "stick-table type ip size 7 store conn_cur";
        rig.listen_at(&port(82), ruled(proxied(), namesake), Default::default());
        rig.listen_at(&port(83), proxied(), Default::default());
        for name in [None, Some(AWKWARD), Some(AWKWARD)] {
            let backend = rig.call(|engine| engine.add_backend(options())).expect("there is room");
            rig.call(|engine| engine.add_server(backend, server(0), None)).expect("a new name");
            if let Some(name) = name {
                rig.call(|engine| engine.set_name(backend, name)).expect("a backend");
            }
        }
        let peers: Vec<_> = (1..=3).map(|_| rig.peer()).collect();
        for (i, peer) in peers.iter().enumerate() {
            peer.send(format!("PROXY TCP4 192.0.2.{i} 198.51.100.1 1234 443\r\n").as_bytes());
        }
        rig.settle();
        let found = samples(&rig.engine.metrics());
        let value = |name: &str, labels: &str| found.get(&format!("vestibule_{name}{{{labels}}}"));
        for (labels, due) in [
            (format!("listener=\"{ESCAPED}\",number=\"0\""), 3),
            ("listener=\"192.0.2.1:81\",number=\"1\"".to_owned(), 0),
        ] {
            assert_eq!(value("listener_accepted_total", &labels), Some(&due), "{labels}");
        }
        for (name, number) in [("0", 0), (ESCAPED, 1), (ESCAPED, 2)] {
            let labels = format!("backend=\"{name}\",number=\"{number}\"");
            assert_eq!(value("backend_queue", &labels), Some(&0));
            assert_eq!(value("server_up", &format!("{labels},server=\"s0\"")), Some(&1));
        }
        for (table, number, due) in
            [("default", 0, [2, 2, 0, 1]), ("other", 0, [1, 1, 0, 2]), ("default", 1, [0, 7, 0, 0])]
        {
            let labels = format!("table=\"{table}\",number=\"{number}\"");
            let is = ["entries", "size", "purged_total", "refused_total"]
                .map(|name| value(&format!("table_{name}"), &labels).copied());
            assert_eq!(is, due.map(Some), "{labels}");
        }
        let tables = found.keys().filter(|name| name.starts_with("vestibule_table_size"));
        assert_eq!(tables.count(), 3);
        peers.iter().for_each(crate::sim::Peer::close);
        rig.run();
        rig.finish();
    });
}

#[test]
fn a_listener_can_serve_the_text_of_the_engine_it_is_in() {
    everywhere_here(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(proxied());
        let there = Addr::parse("192.0.2.1:81").expect("an address");
        let monitor = Monitor { sources: Trust::everyone(), answer: MonitorAnswer::Metrics };
        let config = crate::config::AcceptConfig { monitor: Some(monitor), ..Default::default() };
        rig.listen_at(&there, config, Default::default());
        let from = Addr::parse("198.51.100.9:1").expect("an address");
        let peer = rig.world.connect(&there, from);
        peer.send(b"GET /metrics HTTP/1.1\r\n\r\n");
        rig.settle();
        let heard = String::from_utf8(peer.received()).expect("text");
        let (head, body) = heard.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
        let found = samples(body);
        assert_eq!(found["vestibule_connections"], 1);
        assert_eq!(found["vestibule_op_passed_total{op=\"MONITOR_IN\"}"], 1);
        peer.close();
        rig.finish();
    });
}

#[test]
fn a_listener_whose_port_the_kernel_chooses_has_one_name_in_every_run() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        let any = Addr::parse("192.0.2.1:0").expect("an address");
        rig.listen_at(&any, AcceptConfig::default(), ListenerOptions::default());
        let metrics = rig.engine.metrics();
        let sample = "vestibule_listener_accepted_total{listener=\"192.0.2.1:0\",number=\"0\"} 0";
        assert!(metrics.contains(sample), "{metrics}");
    });
}
