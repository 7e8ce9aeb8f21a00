//! Rules in the engine: evaluated in their phases, with what is known there, and what they count.

use std::net::IpAddr;
use std::sync::Arc;

use super::header::proxied;
use super::host::{Program, silent};
use super::rig::{Rig, Setup, both, both_here, closed, everywhere, on_sockets, refusal, yonder};
use super::tls::accepting;
use super::tls_peer::{TlsPeer, pair, play};
use crate::config::{
    AcceptConfig, AcceptProxy, ConnectConfig, LiveRules, SendProxy, Trust, Untrusted,
};
use crate::conn::{Op, Why};
use crate::engine::{Record, Refusal};
use crate::rules::{Environment, RuleSet, Tables, Value};
use crate::sim::CallKind;
use crate::sys::SockOpt;
use crate::table::{DataType, Table, TableKey};
use crate::time::{FOREVER, Time};
use crate::tls::TlsVersion;

pub(super) const COUNTING: &str = "stick-table type ip size 1k expire 1m store \
    conn_cnt,conn_cur,sess_cnt,bytes_in_cnt,bytes_out_cnt\n\
    tcp-request connection track-sc0 src\n";

const HEADER: &[u8] = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\n";

pub(super) fn client_key() -> IpAddr {
    IpAddr::from([198, 51, 100, 7])
}

pub(super) fn compile(text: &str) -> Arc<RuleSet> {
    let tables = Tables::default();
    let environment =
        Environment { tables: &tables, before: None, load: &|_| Err("no files".to_owned()) };
    RuleSet::parse(text.as_bytes(), environment).unwrap_or_else(|why| panic!("{why}"))
}

pub(super) fn ruled(config: AcceptConfig, text: &str) -> AcceptConfig {
    AcceptConfig { rules: Some(Arc::new(LiveRules::new(compile(text)))), ..config }
}

pub(super) fn table(config: &AcceptConfig) -> Arc<Table> {
    let rules = config.rules.as_ref().expect("rules").current();
    Arc::clone(rules.tables().get("default").expect("a default table"))
}

/// An echo with `config` for a client that sends `words` and ends: what it received, and its record.
pub(super) fn come_in(setup: Setup, config: AcceptConfig, words: &[u8]) -> (Vec<u8>, Record) {
    let mut rig = Rig::new(setup, Program::Echo);
    rig.listen(config);
    let client = rig.peer();
    client.send(words);
    client.shutdown_write();
    rig.run();
    let refused = rig.engine.counters().refused > 0;
    let events = rig.finish();
    let record = if refused { refusal(&events) } else { closed(&events) };
    (client.received(), record.clone())
}

#[test]
fn each_phase_is_asked_in_its_place_and_says_no_there() {
    let places = [
        ("accept", Op::AcceptRules),
        ("connection", Op::TcpRules),
        ("session", Op::SessionRules),
        ("content", Op::Inspect),
    ];
    for (phase, op) in places {
        everywhere(|setup| {
            let text = format!("# one line above\ntcp-request {phase} reject");
            let (got, record) = come_in(setup, ruled(AcceptConfig::default(), &text), b"hello");
            let cause = record.cause.expect("a cause");
            assert_eq!((cause.at, cause.why), (Some(op), Why::Denied), "{phase}");
            assert!(cause.text.contains("line 2"), "{cause}");
            assert_eq!(got, b"");
            let text = format!("tcp-request {phase} accept");
            let (got, record) = come_in(setup, ruled(AcceptConfig::default(), &text), b"hello");
            assert_eq!((&got[..], record.cause), (&b"hello"[..], None), "{phase}");
        });
    }
}

#[test]
fn before_the_header_rules_see_the_socket_and_behind_it_who_was_announced() {
    both(|setup| {
        for (line, passes) in [
            ("accept reject unless { src 198.51.100.7 }", true),
            ("accept reject if { src 192.0.2.33 }", true),
            ("connection reject unless { src 192.0.2.33 } { fc_src 198.51.100.7 }", true),
            ("connection reject if { src 192.0.2.33 }", false),
            ("connection reject unless { dst_port 443 }", true),
            ("connection reject unless { dst 198.51.100.1 }", true),
        ] {
            let words = [HEADER, b"hello"].concat();
            let text = format!("tcp-request {line}");
            let (got, record) = come_in(setup, ruled(proxied(), &text), &words);
            assert_eq!(got == b"hello", passes, "{line}: {record:?}");
        }
    });
}

#[test]
fn rules_see_an_announced_address_only_of_a_source_that_may_announce_one() {
    let from = |sources: &str, untrusted| AcceptConfig {
        proxy: Some(AcceptProxy { trust: Trust::parse(sources).expect("networks"), untrusted }),
        ..AcceptConfig::default()
    };
    let here = || from("198.51.100.0/24", Untrusted::Refuse);
    let elsewhere = |untrusted| from("198.51.101.0/24", untrusted);
    const OTHER: &[u8] = b"PROXY TCP4 192.0.2.34 198.51.100.1 1234 443\r\n";
    const NOBODY: &[u8] = b"PROXY UNKNOWN\r\n";
    const BROKEN: &[u8] = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443x\r\n";
    for (phase, op) in
        [("connection", Op::TcpRules), ("content", Op::Inspect), ("session", Op::SessionRules)]
    {
        let text = format!(
            "{COUNTING}tcp-request {phase} reject unless {{ src 192.0.2.33 }} {{ sc0_conn_cnt 1 }}"
        );
        let by_rule = Some((op, Why::Denied));
        let by_header = |why| Some((Op::AcceptProxy, why));
        let cases = [
            ("accepted", here(), HEADER.to_vec(), None),
            ("nobody may", AcceptConfig::default(), HEADER.to_vec(), by_rule),
            ("others may", elsewhere(Untrusted::Direct), HEADER.to_vec(), by_rule),
            ("only others", elsewhere(Untrusted::Refuse), HEADER.to_vec(), by_header(Why::Denied)),
            ("of nobody", here(), NOBODY.to_vec(), by_rule),
            ("broken", here(), BROKEN.to_vec(), by_header(Why::Malformed)),
            ("the second one", here(), [OTHER, HEADER].concat(), by_rule),
        ];
        for (name, config, header, due) in cases {
            both(|setup| {
                let config = ruled(config.clone(), &text);
                let table = table(&config);
                let (got, record) = come_in(setup, config, &[&header, &b"hello"[..]].concat());
                let cause = record.cause.map(|cause| (cause.at, cause.why));
                assert_eq!(cause, due.map(|(at, why)| (Some(at), why)), "{phase}, {name}");
                assert_eq!(got == b"hello", due.is_none(), "{phase}, {name}");
                // The announced address is counted if and only if the connection is accepted.
                let announced = TableKey::Ip(IpAddr::from([192, 0, 2, 33]));
                let counted = table.get(announced, DataType::ConnCnt, Time(1));
                assert_eq!(counted, due.is_none().then_some(1), "{phase}, {name}");
            });
        }
    }
    both(|setup| {
        let text = "tcp-request accept reject if { src 192.0.2.33 }";
        let (got, _) = come_in(setup, ruled(here(), text), &[HEADER, b"hello"].concat());
        assert_eq!(got, b"hello", "nothing was read there");
    });
}

#[test]
fn a_silent_drop_tells_the_peer_nothing() {
    on_sockets(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(ruled(AcceptConfig::default(), "tcp-request connection silent-drop"));
        let client = rig.peer();
        rig.run();
        // The client learns of it when it sends something: the system knows of no such connection.
        assert!(!client.saw_fin() && !client.saw_reset());
        assert_eq!(rig.world.calls_of(CallKind::Vanish), 1);
        let cause = refusal(&rig.finish()).cause.clone().expect("a cause");
        assert_eq!((cause.at, cause.why), (Some(Op::TcpRules), Why::Denied));
    });
}

#[test]
fn session_rules_know_what_the_handshake_agreed_on() {
    both(|setup| {
        for (line, passes) in [
            ("reject unless { ssl_fc_sni a.test } { ssl_fc_protocol TLSv1.3 }", true),
            ("reject if { ssl_fc_protocol TLSv1.3 }", false),
            ("reject unless { ssl_fc }", true),
            ("reject if { ssl_c_sha1 -m found }", true),
            ("reject unless { ssl_c_verify 0 }", true),
        ] {
            let mut rig = Rig::new(setup, Program::Echo);
            let text = format!("tcp-request session {line}");
            rig.listen(ruled(accepting(TlsVersion::Tls13), &text));
            let client = TlsPeer::client(rig.peer(), &pair(TlsVersion::Tls13).0, b"");
            client.borrow_mut().say(b"protected");
            client.borrow_mut().end();
            rig.actors.push(play(&client));
            rig.settle();
            rig.run();
            let got = client.borrow().got.clone();
            assert_eq!(got == b"protected", passes, "{line}");
            client.borrow().peer.close();
            rig.run();
            rig.finish();
        }
    });
}

#[test]
fn a_source_that_a_rule_sets_is_the_one_that_servers_are_told() {
    both(|setup| {
        // The destination replaces another address.
        let text = "tcp-request connection set-src dst";
        let connect = ConnectConfig { send_proxy: Some(SendProxy::V1), ..ConnectConfig::default() };
        let forward =
            Program::Forward { to: yonder(), config: Arc::new(connect), stream: silent(FOREVER) };
        let mut rig = Rig::new(setup, forward);
        let site = rig.world.serve(yonder());
        rig.listen(ruled(AcceptConfig::default(), text));
        let client = rig.peer();
        rig.settle();
        let server = site.accept().expect("it came");
        let line = server.received();
        assert!(line.starts_with(b"PROXY TCP4 192.0.2.1 192.0.2.1 "), "{line:?}");
        client.close();
        server.close();
        rig.run();
        rig.finish();
    });
}

#[test]
fn connections_end_with_the_rules_they_began_with() {
    both(|setup| {
        let config = ruled(accepting(TlsVersion::Tls13), "tcp-request session accept");
        let live = Arc::clone(config.rules.as_ref().expect("rules"));
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(config);
        let early = TlsPeer::client(rig.peer(), &pair(TlsVersion::Tls13).0, b"");
        early.borrow_mut().pause_at(50);
        rig.actors.push(play(&early));
        rig.settle();
        let replaced = live.replace(compile("tcp-request session reject"));
        assert_eq!(replaced, Ok(()));
        early.borrow_mut().go_on();
        early.borrow_mut().say(b"still");
        early.borrow_mut().end();
        rig.settle();
        assert_eq!(early.borrow().got, b"still");
        let late = TlsPeer::client(rig.peer(), &pair(TlsVersion::Tls13).0, b"");
        late.borrow_mut().say(b"refused");
        rig.actors.push(play(&late));
        rig.settle();
        late.borrow().peer.close();
        rig.run();
        assert_eq!(late.borrow().got, b"");
        let cause = refusal(&rig.finish()).cause.clone().expect("a cause");
        assert_eq!(cause.at, Some(Op::SessionRules));
    });
}

#[test]
fn what_rules_write_down_and_set_can_be_seen() {
    on_sockets(|setup| {
        let text = "tcp-request connection set-var(sess.from) src\n\
            tcp-request connection set-mark 7\n\
            tcp-request connection set-tos 16";
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(ruled(AcceptConfig::default(), text));
        let client = rig.peer();
        rig.settle();
        let session = rig.host.sessions()[0];
        let held = rig.engine.variable(session, "sess.from").expect("a session").cloned();
        assert_eq!(held, Some(Value::Addr(client_key())));
        assert_eq!(rig.engine.variable(session, "other"), Ok(None));
        let (_, conn) = rig.engine.conns.iter().next().expect("it is open");
        let fd = conn.ctrl.descriptor().expect("it is open");
        let options = rig.world.options(fd);
        assert!(options.contains(&SockOpt::Mark(7)) && options.contains(&SockOpt::Tos(16)));
        client.close();
        rig.run();
        rig.finish();
    });
}

#[test]
fn a_session_whose_rules_choose_a_backend_that_is_none_ends_in_order_and_names_it() {
    everywhere(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(ruled(AcceptConfig::default(), "use_backend mail"));
        let client = rig.peer();
        rig.settle();
        let session = rig.host.sessions()[0];
        let chosen = rig.call(|engine| engine.chosen_backend(session));
        assert_eq!(chosen, Ok(Some(Err("mail".to_owned()))));
        let again = rig.engine.chosen_backend(session);
        assert_eq!(again, Err(Refusal::State), "it is closing");
        rig.settle();
        assert!(client.saw_fin() && !client.saw_reset());
        client.close();
        rig.run();
        assert_eq!(rig.engine.op_counts().failed(None, Why::Denied), 1, "it is counted");
        let events = rig.finish();
        let cause = closed(&events).cause.clone().expect("a cause");
        assert_eq!((cause.at, cause.why), (None, Why::Denied));
        assert!(cause.text.contains("\"mail\""), "{cause}");
    });
}

#[test]
fn rules_that_choose_a_backend_that_is_none_are_found_by_their_line() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        let rules = compile("use_backend web if { src 10.0.0.1 }\nuse_backend mail");
        let check = |rig: &Rig| rig.engine.check_rules(&rules).map_err(|wrong| wrong.to_string());
        assert_eq!(
            check(&rig),
            Err("line 1, column 13: no backend of this engine is called `web`\n 1 | use_backend web if { src 10.0.0.1 }\n   |             ^^^".to_owned())
        );
        for (name, line) in [("web", Some("line 2, ")), ("mail", None)] {
            let backend = rig.engine.add_backend(super::farm::options()).expect("room");
            rig.engine.set_name(backend, name).expect("a backend");
            match line {
                Some(line) => assert!(check(&rig).is_err_and(|said| said.starts_with(line))),
                None => assert_eq!(check(&rig), Ok(())),
            }
        }
        rig.finish();
    });
}

#[test]
fn a_session_keeps_of_its_rules_what_is_needed_still_and_nothing_else() {
    let track = format!("{COUNTING}tcp-request connection accept");
    for (text, keeps) in [
        ("tcp-request connection accept", false),
        ("tcp-request connection reject if { src 10.0.0.1 }\ntcp-request session accept", false),
        ("tcp-request connection set-mark 7", false),
        ("tcp-request inspect-delay 1ms\ntcp-request content accept", false),
        ("tcp-request connection set-var(sess.from) src", true),
        ("tcp-request connection set-src dst", true),
        ("use_backend mail if { src 10.0.0.1 }", true),
        (&*track, true),
    ] {
        both_here(|setup| {
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(ruled(AcceptConfig::default(), text));
            let client = rig.peer();
            client.send(b"hello");
            rig.settle();
            assert_eq!(client.received(), b"hello");
            let session = rig.host.sessions()[0];
            assert_eq!(rig.engine.variable(session, "unknown"), Ok(None));
            let chosen = rig.engine.chosen_backend(session).expect("a session");
            assert_eq!(chosen, None);
            let (_, conn) = rig.engine.conns.iter().next().expect("it is open");
            assert_eq!(conn.facts.rule_state().is_some(), keeps, "{text}");
            assert_eq!(conn.facts.rare.is_some(), keeps, "{text}");
            client.close();
            rig.run();
            rig.finish();
        });
    }
}
