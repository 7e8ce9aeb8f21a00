//! What stick tables count of connections, however these begin and end.

use std::sync::Arc;

use super::host::{Program, silent};
use super::rig::{Rig, both, everywhere, on_sockets, yonder};
use super::rules::{COUNTING, client_key, ruled, table};
use super::stream::pattern;
use super::tls::accepting;
use crate::config::AcceptConfig;
use crate::sim::Peer;
use crate::table::{DataType, TableKey};
use crate::time::{FOREVER, SECOND};
use crate::tls::TlsVersion;

/// A way in which a connection ends.
type End = (&'static str, fn(&mut Rig, &Peer));

#[test]
fn whoever_is_counted_is_counted_out_however_the_connection_ends() {
    let ends: [End; 6] = [
        ("in order", |_, client| client.shutdown_write()),
        ("reset", |_, client| client.reset()),
        ("close", |_, client| client.close()),
        ("abort", |rig, client| {
            for session in rig.host.sessions() {
                rig.call(|engine| engine.abort(session)).expect("it is there");
            }
            client.close();
        }),
        ("timeout", |rig, client| {
            rig.run_for(40 * SECOND);
            client.close();
        }),
        ("engine", |rig, client| {
            rig.call(crate::engine::Engine::abort_all);
            client.close();
        }),
    ];
    for (tls, (name, end)) in [false, true].into_iter().flat_map(|tls| ends.map(|end| (tls, end))) {
        everywhere(|setup| {
            let config = if tls { accepting(TlsVersion::Tls13) } else { AcceptConfig::default() };
            let config = ruled(config, COUNTING);
            let table = table(&config);
            let key = TableKey::Ip(client_key());
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(config);
            let client = rig.peer();
            client.send(b"seven b");
            rig.settle();
            let now = rig.world.now();
            assert_eq!(table.get(key, DataType::ConnCur, now), Some(1), "{name}");
            assert_eq!(table.get(key, DataType::SessCnt, now), Some(u64::from(!tls)), "{name}");
            end(&mut rig, &client);
            rig.run();
            let now = rig.world.now();
            assert_eq!(table.get(key, DataType::ConnCur, now), Some(0), "{name} {tls} {setup:?}");
            assert_eq!(table.get(key, DataType::ConnCnt, now), Some(1), "{name}");
            if name == "in order" && !tls {
                assert_eq!(table.get(key, DataType::BytesInCnt, now), Some(7));
                assert_eq!(table.get(key, DataType::BytesOutCnt, now), Some(7));
            }
            if name != "engine" {
                rig.finish();
            }
        });
    }
}

#[test]
fn whoever_takes_the_descriptor_leaves_the_entry_at_that_time() {
    on_sockets(|setup| {
        let config = ruled(AcceptConfig::default(), COUNTING);
        let table = table(&config);
        let key = TableKey::Ip(client_key());
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(config);
        let client = rig.peer();
        rig.settle();
        let session = rig.host.sessions()[0];
        rig.run_for(50 * SECOND);
        let taken_at = rig.world.now();
        let (fd, op) = rig.call(|engine| engine.take_fd(session)).expect("a raw session");
        if let Some(op) = op {
            let world = rig.world.clone();
            rig.poller.apply(op, &world).expect("it can be watched");
        }
        assert_eq!(table.get(key, DataType::ConnCur, taken_at), Some(0));
        assert!(table.contains(key, taken_at + 59 * SECOND));
        assert!(!table.contains(key, taken_at + 60 * SECOND));
        let again = rig.call(|engine| engine.adopt(fd, 0)).expect("a connected socket");
        rig.call(|engine| engine.close(again)).expect("it is open");
        client.close();
        rig.run();
        rig.finish();
    });
}

#[test]
fn one_too_many_at_once_is_refused_and_let_in_when_there_is_room() {
    both(|setup| {
        let text = format!("{COUNTING}tcp-request connection reject if {{ sc0_conn_cur gt 2 }}");
        let config = ruled(AcceptConfig::default(), &text);
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(config);
        let clients: Vec<Peer> = (0..3).map(|_| rig.peer()).collect();
        clients.iter().for_each(|client| client.send(b"in?"));
        rig.settle();
        let served = clients.iter().filter(|client| client.received() == b"in?").count();
        assert_eq!(served, 2);
        clients.iter().for_each(Peer::close);
        rig.settle();
        let again = rig.peer();
        again.send(b"now?");
        rig.settle();
        assert_eq!(again.received(), b"now?");
        again.close();
        rig.run();
        rig.finish();
    });
}

#[test]
fn bytes_of_a_stream_are_counted_while_it_goes_on() {
    both(|setup| {
        let config = ruled(AcceptConfig::default(), COUNTING);
        let table = table(&config);
        let forward =
            Program::Forward { to: yonder(), config: Arc::default(), stream: silent(FOREVER) };
        let mut rig = Rig::new(setup, forward);
        let site = rig.world.serve(yonder());
        rig.listen(config);
        let client = rig.peer();
        client.send(&pattern(5_000, 1));
        rig.settle();
        let server = site.accept().expect("it came");
        server.send(&pattern(2_000, 2));
        rig.settle();
        let (key, now) = (TableKey::Ip(client_key()), rig.world.now());
        assert_eq!(table.get(key, DataType::BytesInCnt, now), Some(5_000));
        assert_eq!(table.get(key, DataType::BytesOutCnt, now), Some(2_000));
        client.close();
        server.close();
        rig.run();
        rig.finish();
    });
}

#[test]
fn bytes_ahead_of_the_rule_that_counts_them_are_counted_however_they_came() {
    let text = "stick-table type ip size 1k expire 1m store bytes_in_cnt\n\
        tcp-request inspect-delay 5s\n\
        tcp-request content track-sc0 src if { req.len ge 100 }\n\
        tcp-request content accept if { req.len ge 100 }\n";
    for parts in [&[100][..], &[60, 40]] {
        both(|setup| {
            let config = ruled(AcceptConfig::default(), text);
            let table = table(&config);
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(config);
            let client = rig.peer();
            for part in parts {
                client.send(&pattern(*part, 1));
                rig.settle();
            }
            let (key, now) = (TableKey::Ip(client_key()), rig.world.now());
            assert_eq!(table.get(key, DataType::BytesInCnt, now), Some(100), "{parts:?}");
            client.close();
            rig.run();
            rig.finish();
        });
    }
}
