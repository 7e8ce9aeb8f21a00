//! What rules change of a connection: where it is from and to, what is read of it, what is kept of it,
//! and which backend and server it gets.

use std::sync::Arc;

use super::farm::{Farm, close_all, options, reports, server};
use super::header::proxied;
use super::host::{Program, silent};
use super::rig::{Rig, Setup, both, closed, everywhere, here, yonder};
use super::rules::{client_key, come_in, compile, ruled, table};
use super::setup::on_sockets;
use super::tls::accepting;
use super::tls_peer::{TlsPeer, pair, play};
use crate::config::{AcceptConfig, ConnectConfig, LiveRules, SendProxy};
use crate::conn::{Op, Why};
use crate::engine::{Record, Refusal};
use crate::rules::{LogLevel, RulePhase};
use crate::sim::Peer;
use crate::sys::Addr;
use crate::table::{DataType, TableKey};
use crate::time::{FOREVER, SECOND};
use crate::tls::TlsVersion;

const HEADER: &[u8] = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\n";

/// Joins each session with a server that is connected to in this way.
fn forwarding(config: ConnectConfig) -> Program {
    Program::Forward { to: yonder(), config: Arc::new(config), stream: silent(FOREVER) }
}

fn with_header(words: &[u8]) -> Vec<u8> {
    [HEADER, words].concat()
}

#[test]
fn a_rule_has_a_header_read_behind_the_rules_of_its_phase() {
    everywhere(|setup| {
        let text = "tcp-request connection expect-proxy layer4 if { src 198.51.100.7 }\n\
            tcp-request connection reject if { src 192.0.2.33 }\n\
            tcp-request session reject unless { src 192.0.2.33 } { fc_src 198.51.100.7 }";
        let config = ruled(AcceptConfig::default(), text);
        let (got, record) = come_in(setup, config, &with_header(b"hello"));
        assert_eq!((&got[..], record.cause), (&b"hello"[..], None));
        assert!(record.announced.iter().all(Option::is_some));

        // What is no header is refused as by a listener that expects one.
        let (_, record) = come_in(setup, ruled(AcceptConfig::default(), text), b"hello");
        let cause = record.cause.expect("a cause");
        assert_eq!((cause.at, cause.why), (Some(Op::AcceptProxy), Why::Malformed));

        // A listener that expects one reads one.
        let text = "tcp-request connection expect-proxy layer4";
        let (got, record) = come_in(setup, ruled(proxied(), text), &with_header(b"hello"));
        assert_eq!((&got[..], record.cause), (&b"hello"[..], None));
    });
}

#[test]
fn the_ends_that_rules_set_are_those_that_servers_are_told() {
    both(|setup| {
        let text = "acl ours str(203.0.113.9) -m ip 203.0.113.9\n\
            tcp-request connection set-dst ipv4(203.0.113.9) if ours\n\
            tcp-request connection set-dst-port int(4321)\n\
            tcp-request connection set-src-port int(99) if { dst 203.0.113.9 } { dst_port 4321 }";
        let connect = ConnectConfig { send_proxy: Some(SendProxy::V1), ..ConnectConfig::default() };
        let mut rig = Rig::new(setup, forwarding(connect));
        let site = rig.world.serve(yonder());
        rig.listen(ruled(AcceptConfig::default(), text));
        let client = rig.peer();
        rig.settle();
        let server = site.accept().expect("it came");
        assert_eq!(server.received(), b"PROXY TCP4 198.51.100.7 203.0.113.9 99 4321\r\n");
        client.close();
        server.close();
        rig.run();
        rig.finish();
    });
}

#[test]
fn the_end_of_a_connection_tells_the_ends_that_rules_have_set() {
    everywhere(|setup| {
        let ended = |config: AcceptConfig, text: &str, bytes: &[u8]| {
            let [source, destination] = come_in(setup, ruled(config, text), bytes).1.announced;
            [source, destination].map(|end| end.map(|end| end.to_string()))
        };
        let plain = AcceptConfig::default;
        let said = |end: &str| Some(end.to_owned());
        assert_eq!(ended(plain(), "tcp-request session accept", b"hello"), [None, None]);
        let text = "tcp-request connection set-src ipv4(203.0.113.9)\n\
            tcp-request connection set-src-port int(7)";
        assert_eq!(ended(plain(), text, b"hello"), [said("203.0.113.9:7"), None]);
        let found = ended(proxied(), text, &with_header(b"hello"));
        assert_eq!(found, [said("203.0.113.9:7"), said("198.51.100.1:443")]);
    });
}

#[test]
fn a_backend_is_chosen_for_a_session_that_is_in_no_stream() {
    both(|setup| {
        let (mut rig, client, server) = joined(setup, "default_backend farm");
        let session = rig.host.sessions()[0];
        assert_eq!(rig.engine.chosen_backend(session), Err(Refusal::State));
        close_all(&[client, server]);
        rig.run();
        rig.finish();
    });
}

#[test]
fn the_end_of_a_connection_tells_what_was_captured_and_how_loud_it_is() {
    everywhere(|setup| {
        let ended = |text: &str| -> Record {
            come_in(setup, ruled(AcceptConfig::default(), text), b"\x01a|\xffcd").1
        };
        let record = ended(
            "tcp-request inspect-delay 5s\n\
             tcp-request session capture dst_port len 2\n\
             tcp-request content capture req.payload(5,1) len 4 if FALSE\n\
             tcp-request content capture req.payload(0,5) len 4\n\
             tcp-request content capture str(-) len 4\n\
             tcp-request content capture str(-) len 4 if FALSE\n\
             tcp-request content set-log-level warning",
        );
        let captured = record.captures.expect("captures");
        assert_eq!(captured.to_bytes(), br"80|-|\x01a\x7c\xff|\x2d|-");
        assert_eq!((record.log_level, record.quiet), (Some(LogLevel::Severity(4)), false));
        let record = ended("tcp-request session set-log-level silent");
        assert_eq!((record.captures, record.quiet), (None, true));
        let record = ended("tcp-request session reject");
        assert_eq!((record.captures, record.log_level, record.quiet), (None, None, false));
    });
}

#[test]
fn a_capture_can_be_read_while_the_connection_lives() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        let text = "tcp-request session capture src len 100\n\
            tcp-request session capture str(second) len 3";
        rig.listen(ruled(AcceptConfig::default(), text));
        let client = rig.peer();
        rig.settle();
        let session = rig.host.sessions()[0];
        assert_eq!(rig.engine.capture(session, 0), Ok(Some(&b"198.51.100.7"[..])));
        assert_eq!(rig.engine.capture(session, 1), Ok(Some(&b"sec"[..])));
        assert_eq!(rig.engine.capture(session, 2), Ok(None));
        client.close();
        rig.run();
        rig.finish();
    });
}

#[test]
fn content_rules_come_behind_session_rules_and_see_what_these_have_set() {
    everywhere(|setup| {
        let text = "tcp-request inspect-delay 5s\n\
            tcp-request content reject unless { var(sess.seen) -m int 1 } { req.len gt 0 }\n\
            tcp-request session set-var(sess.seen) int(1)";
        let (got, record) = come_in(setup, ruled(AcceptConfig::default(), text), b"hello");
        assert_eq!((&got[..], record.cause), (&b"hello"[..], None));
    });
}

#[test]
fn the_rate_of_a_listener_counts_who_passed_the_session_rules() {
    both(|setup| {
        let text = "tcp-request session reject if { src_port 1 }\n\
            tcp-request content reject if { fe_sess_rate gt 2 } or { fe_conn gt 2 }";
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(ruled(AcceptConfig::default(), text));
        let outcomes = |rig: &mut Rig, count: usize| -> usize {
            for _ in 0..count {
                let client = rig.peer();
                rig.settle();
                client.close();
                rig.settle();
            }
            rig.engine.counters().refused as usize
        };
        assert_eq!(outcomes(&mut rig, 2), 0);
        assert_eq!(outcomes(&mut rig, 1), 1, "the third within a second");
        rig.run_for(3 * SECOND);
        assert_eq!(outcomes(&mut rig, 1), 1);
        rig.run();
        rig.finish();
    });
}

#[test]
fn a_backend_whose_name_is_put_together_is_found_or_else_the_default() {
    both(|setup| {
        let text = "use_backend site-%[dst_port] if { src_port 1:65535 }\ndefault_backend front";
        let mut rig = Rig::new(setup, Program::Echo);
        let config = ruled(AcceptConfig::default(), text);
        let rules = config.rules.as_ref().expect("rules").current();
        rig.listen(config);
        let backend = |rig: &mut Rig, name: &str| {
            let id = rig.engine.add_backend(options()).expect("room");
            rig.engine.set_name(id, name).expect("a backend");
            id
        };
        let front = backend(&mut rig, "front");
        let client = rig.peer();
        rig.settle();
        let session = rig.host.sessions()[0];
        let chosen = rig.call(|engine| engine.chosen_backend(session));
        assert_eq!((chosen, rules.unknown_backends()), (Ok(Some(Ok(front))), 1));
        let site = backend(&mut rig, "site-80");
        let chosen = rig.call(|engine| engine.chosen_backend(session));
        assert_eq!((chosen, rules.unknown_backends()), (Ok(Some(Ok(site))), 1));
        client.close();
        rig.run();
        rig.finish();
    });
}

#[test]
fn a_stick_line_keeps_clients_with_their_servers_without_tracking_them() {
    everywhere(|setup| {
        let text = "stick-table type ip size 100 expire 1m\nstick on src";
        let config = ruled(AcceptConfig::default(), text);
        let table = table(&config);
        let servers = (0..3).map(|i| (server(i), None)).collect();
        let mut farm = Farm::behind(config, setup, options(), servers);
        for _ in 0..3 {
            let client = farm.client(b"again");
            let peer = farm.sites[0].accept().expect("its server");
            close_all(&[client, peer]);
            farm.rig.settle();
        }
        let from = Addr::parse("198.51.100.8:1").expect("an address");
        let other = farm.rig.world.connect(&here(), from);
        farm.rig.settle();
        let elsewhere = farm.sites[1].accept().expect("its turn");
        close_all(&[other, elsewhere]);
        let now = farm.rig.world.now();
        let key = TableKey::Ip(client_key());
        assert_eq!(table.get(key, DataType::ServerId, now), Some(1));
        farm.finish();
    });
}

#[test]
fn stick_lines_match_and_store_apart_and_in_the_section_of_their_backend() {
    both(|setup| {
        // What is stored is never looked for: the servers take turns.
        let text = "stick-table type ip size 100\nstick store-request src";
        let config = ruled(AcceptConfig::default(), text);
        let table = table(&config);
        let servers = (0..2).map(|i| (server(i), None)).collect();
        let mut farm = Farm::behind(config, setup, options(), servers);
        for site in [0, 1, 0] {
            let client = farm.client(b"again");
            let peer = farm.sites[site].accept().expect("its turn");
            close_all(&[client, peer]);
            farm.rig.settle();
            let now = farm.rig.world.now();
            let held = table.get(TableKey::Ip(client_key()), DataType::ServerId, now);
            assert_eq!(held, Some(site as u64 + 1));
        }
        farm.finish();

        // Another backend's lines say nothing.
        let text = "backend elsewhere\nstick-table type ip size 100\nstick on src";
        let servers = (0..2).map(|i| (server(i), None)).collect();
        let mut farm =
            Farm::behind(ruled(AcceptConfig::default(), text), setup, options(), servers);
        for site in [0, 1] {
            let client = farm.client(b"again");
            let peer = farm.sites[site].accept().expect("its turn");
            close_all(&[client, peer]);
            farm.rig.settle();
        }
        farm.finish();
    });
}

#[test]
fn rules_that_look_for_a_hello_are_none_where_tls_ends() {
    let hello = "tcp-request inspect-delay 1s\n\
        tcp-request content reject if { req.ssl_sni a.test }";
    let live = LiveRules::new(compile(hello));
    let wrong = live.use_with_tls().expect_err("no hello is seen there");
    assert_eq!((wrong.line, wrong.word.as_str()), (2, "req.ssl_sni"));
    let live = LiveRules::new(compile("tcp-request session accept"));
    assert_eq!(live.use_with_tls(), Ok(()));
    assert!(live.replace(compile(hello)).is_err());
    assert!(!live.current().has(RulePhase::Content), "nothing was replaced");
}

#[test]
fn content_rules_wait_behind_tls_for_bytes_that_come_late() {
    both(|setup| {
        let text = "tcp-request inspect-delay 5s\n\
            tcp-request content reject unless { req.payload(0,9) -m str protected }";
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(ruled(accepting(TlsVersion::Tls13), text));
        let client = TlsPeer::client(rig.peer(), &pair(TlsVersion::Tls13).0, b"");
        rig.actors.push(play(&client));
        rig.settle();
        rig.run_for(2 * SECOND);
        client.borrow_mut().say(b"prot");
        rig.settle();
        rig.run_for(SECOND);
        assert_eq!(client.borrow().got, b"");
        client.borrow_mut().say(b"ected");
        client.borrow_mut().end();
        rig.settle();
        rig.run();
        assert_eq!(client.borrow().got, b"protected", "{:?}", client.borrow().failure);
        assert_eq!(closed(&rig.finish()).cause, None);
    });
}

const RESPONSES: &str = "tcp-response inspect-delay 5s\n\
    tcp-response content reject if { res.payload(0,4) -m str evil }";

/// A client and a server that are joined, with rules about what servers send.
fn joined(setup: Setup, text: &str) -> (Rig, Peer, Peer) {
    let mut rig = Rig::new(setup, forwarding(ConnectConfig::default()));
    let site = rig.world.serve(yonder());
    rig.listen(ruled(AcceptConfig::default(), text));
    let client = rig.peer();
    client.send(b"question");
    rig.settle();
    let server = site.accept().expect("it came");
    assert_eq!(server.received(), b"question");
    (rig, client, server)
}

#[test]
fn nothing_of_a_server_is_passed_on_before_rules_have_seen_what_they_look_at() {
    everywhere(|setup| {
        let (mut rig, client, server) = joined(setup, RESPONSES);
        server.send(b"go");
        rig.run_for(SECOND);
        assert_eq!(client.received(), b"");
        client.send(b"more");
        rig.settle();
        assert_eq!(server.received(), b"questionmore", "the other direction flows");
        server.send(b"od morning");
        rig.settle();
        assert_eq!(client.received(), b"good morning");
        server.send(b" evil");
        server.shutdown_write();
        client.shutdown_write();
        rig.run();
        assert_eq!(client.received(), b"good morning evil", "only the first bytes are looked at");
        server.close();
        rig.run();
        rig.finish();
    });
}

#[test]
fn what_rules_refuse_of_a_server_never_reaches_the_client() {
    everywhere(|setup| {
        let (mut rig, client, server) = joined(setup, RESPONSES);
        server.send(b"ev");
        rig.settle();
        server.send(b"il and more");
        rig.settle();
        assert_eq!(client.received(), b"");
        assert!(server.saw_reset() || server.saw_fin());
        client.close();
        server.close();
        rig.run();
        let events = rig.finish();
        let end = reports(&events).first().cloned().expect("a stream");
        assert_eq!(end.cause.as_ref().map(|cause| cause.why), Some(Why::Denied));
        assert!(end.cause.as_ref().is_some_and(|cause| cause.text.contains("line 2")));
    });
}

#[test]
fn a_server_that_says_little_is_waited_for_no_longer_than_told() {
    everywhere(|setup| {
        let (mut rig, client, server) = joined(setup, RESPONSES);
        server.send(b"ev");
        rig.run_for(4 * SECOND);
        assert_eq!(client.received(), b"");
        rig.run_for(2 * SECOND);
        assert_eq!(client.received(), b"ev");
        client.close();
        server.close();
        rig.run();
        rig.finish();

        // An end decides before the time is over.
        let (mut rig, client, server) = joined(setup, RESPONSES);
        server.send(b"ev");
        server.shutdown_write();
        rig.settle();
        assert_eq!(client.received(), b"ev");
        client.close();
        server.close();
        rig.run();
        rig.finish();
    });
}

/// A server is remembered by the first bytes it sends, with this rule before.
fn remembering(rule: &str) -> String {
    format!(
        "stick-table type binary len 4 size 100\n\
         tcp-response inspect-delay 5s\n\
         {rule}\n\
         stick store-response res.payload(0,4)"
    )
}

#[test]
fn rules_wait_no_longer_for_a_server_that_is_to_be_remembered() {
    everywhere(|setup| {
        let text = remembering("tcp-response content reject unless { res.len gt 0 }");
        let (mut rig, client, server) = joined(setup, &text);
        rig.run_for(4 * SECOND);
        assert!(!server.saw_reset() && !server.saw_fin());
        rig.run_for(2 * SECOND);
        assert!(server.saw_reset() || server.saw_fin());
        close_all(&[client, server]);
        rig.run();
        let events = rig.finish();
        let end = reports(&events).first().cloned().expect("a stream");
        assert_eq!(end.cause.as_ref().map(|cause| cause.why), Some(Why::Denied));
    });
}

#[test]
fn rules_that_have_accepted_a_server_are_not_evaluated_again_when_it_speaks() {
    everywhere(|setup| {
        let text = remembering("tcp-response content reject if { res.len gt 0 }");
        let (mut rig, client, server) = joined(setup, &text);
        rig.run_for(6 * SECOND);
        server.send(b"late");
        rig.settle();
        assert_eq!(client.received(), b"late");
        close_all(&[client, server]);
        rig.run();
        rig.finish();
    });
}

#[test]
fn rules_about_responses_are_those_of_the_backend_or_else_those_for_all() {
    let rules = compile(
        "tcp-response content set-log-level silent\n\
         backend own\n\
         tcp-response inspect-delay 2s\n\
         tcp-response content accept if { res.len gt 0 }\n\
         backend delay-alone\n\
         tcp-response inspect-delay 3s",
    );
    assert_eq!(rules.response_delay(Some("own")), Some(2 * SECOND));
    assert_eq!(rules.response_delay(Some("delay-alone")), Some(0));
    assert_eq!(rules.response_delay(None), Some(0));
    let rules = compile("backend own\ntcp-response content reject");
    assert_eq!(rules.response_delay(Some("other")), None);
}

#[test]
fn a_server_is_remembered_by_the_first_bytes_that_it_sends() {
    everywhere(|setup| {
        let text = "stick-table type binary len 4 size 100\n\
            tcp-response inspect-delay 5s\n\
            tcp-response content accept if { res.len ge 4 }\n\
            stick match str(word),bytes(0,4)\n\
            stick store-response res.payload(0,4)";
        let config = ruled(AcceptConfig::default(), text);
        let table = table(&config);
        let servers = (0..2).map(|i| (server(i), None)).collect();
        let mut farm = Farm::behind(config, setup, options(), servers);
        // The second server is the one that says it, and everybody's from then on.
        for (site, says) in [(0, &b"other"[..]), (1, b"word"), (1, b"words"), (1, b"")] {
            let client = farm.client(b"again");
            let peer = farm.sites[site].accept();
            let peer = peer.unwrap_or_else(|| panic!("{site} is not the server of {says:?}"));
            farm.rig.settle();
            peer.send(says);
            farm.rig.settle();
            assert_eq!(client.received(), says);
            close_all(&[client, peer]);
            farm.rig.settle();
        }
        let now = farm.rig.world.now();
        let held = |key: &[u8]| table.get(TableKey::Text(key), DataType::ServerId, now);
        assert_eq!([held(b"othe"), held(b"word"), held(b"")], [Some(1), Some(2), None]);
        farm.finish();
    });
}

#[test]
fn a_server_is_called_by_its_name_or_by_its_place_in_its_backend() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        let farm = rig.engine.add_backend(options()).expect("room");
        rig.engine.set_name(farm, "farm").expect("a backend");
        for at in 0..2 {
            rig.engine.add_server(farm, server(at), None).expect("a new name");
        }
        let name = server(1).name;
        let is_known = |name: &str| {
            let text = format!("use_backend farm if {{ srv_is_up(farm/{name}) }}");
            rig.engine.check_rules(&compile(&text)).is_ok()
        };
        assert!(is_known(&name) && is_known("farm-1") && is_known("farm-2"));
        for nobody in ["farm-0", "farm-3", "farm", "farm-", "2", "other-1"] {
            assert!(!is_known(nobody), "{nobody}");
        }
        rig.finish();
    });
}

#[test]
fn rules_about_answers_know_which_server_it_is() {
    everywhere(|setup| {
        let to = yonder().as_ip().copied().expect("an address");
        let refuse = |condition: String| {
            format!(
                "tcp-response inspect-delay 1s\n\
                 tcp-response content reject if {{ res.len gt 0 }} !{{ {condition} }}"
            )
        };
        for (text, passes) in [
            (refuse(format!("bc_dst {}", to.ip())), true),
            (refuse(format!("bc_dst_port {}", to.port())), true),
            (refuse("bc_src -m found".to_owned()), true),
            (refuse("bc_dst 192.0.2.254".to_owned()), false),
            (refuse("ssl_bc".to_owned()), false),
        ] {
            let (mut rig, client, server) = joined(setup, &text);
            server.send(b"answer");
            rig.settle();
            let due: &[u8] = if passes { b"answer" } else { b"" };
            assert_eq!(client.received(), due, "{text}");
            close_all(&[client, server]);
            rig.run();
            rig.finish();
        }
    });
}

#[test]
fn what_a_server_said_before_it_failed_is_judged_and_passed_on() {
    both(|setup| {
        for (text, at_once, says, due) in [
            ("tcp-request session accept", true, &b"ev"[..], &b"ev"[..]),
            (RESPONSES, true, b"ev", b"ev"),
            (RESPONSES, false, b"ev", b"ev"),
            (RESPONSES, true, b"evil", b""),
            (RESPONSES, false, b"evil", b""),
        ] {
            let (mut rig, client, server) = joined(setup, text);
            // It closes while bytes of the client are unread, which resets the connection.
            server.stall(true);
            client.send(b"unread");
            rig.settle();
            server.send(says);
            if !at_once {
                rig.settle();
            }
            server.close();
            rig.run();
            assert_eq!(client.received(), due, "{text} {at_once}");
            client.close();
            rig.run();
            rig.finish();
        }
    });
}

#[test]
fn a_server_that_fails_is_not_remembered_for_what_it_did_not_say() {
    both(|setup| {
        let text = "stick-table type string len 8 size 100\nstick store-response str(all)";
        let config = ruled(AcceptConfig::default(), text);
        let table = table(&config);
        let mut farm = Farm::behind(config, setup, options(), vec![(server(0), None)]);
        for (fails, known) in [(true, None), (false, Some(1))] {
            let client = farm.client(b"again");
            let peer = farm.sites[0].accept().expect("a server");
            farm.rig.settle();
            match fails {
                true => peer.reset(),
                false => peer.send(b"word"),
            }
            farm.rig.settle();
            let now = farm.rig.world.now();
            assert_eq!(table.get(TableKey::Text(b"all"), DataType::ServerId, now), known);
            close_all(&[client, peer]);
            farm.rig.settle();
        }
        farm.finish();
    });
}

#[test]
fn a_client_whose_answer_is_dropped_silently_is_told_nothing() {
    on_sockets(|setup| {
        let text = RESPONSES.replace("reject", "silent-drop");
        let (mut rig, client, server) = joined(setup, &text);
        server.send(b"evil");
        rig.run();
        assert!(!client.saw_fin() && !client.saw_reset());
        assert_eq!(client.received(), b"");
        close_all(&[client, server]);
        rig.run();
        rig.finish();
    });
}

#[test]
fn nobody_vouches_that_a_refused_answer_was_whole() {
    both(|setup| {
        for (text, ends) in
            [(RESPONSES, true), (&RESPONSES.replace("reject", "silent-drop"), false)]
        {
            let mut rig = Rig::new(setup, forwarding(ConnectConfig::default()));
            let site = rig.world.serve(yonder());
            rig.listen(ruled(accepting(TlsVersion::Tls13), text));
            let client = TlsPeer::client(rig.peer(), &pair(TlsVersion::Tls13).0, b"");
            rig.actors.push(play(&client));
            client.borrow_mut().say(b"question");
            rig.settle();
            let server = site.accept().expect("it came");
            server.send(b"evil and more");
            rig.run_for(SECOND);
            assert!(!client.borrow().closed, "close_notify");
            assert_eq!(client.borrow().peer.saw_fin(), ends);
            client.borrow().peer.close();
            server.close();
            rig.run();
            rig.finish();
        }
    });
}
