//! A SOCKS server between the engine and the destination.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::host::{Program, silent};
use super::rig::{Actor, Rig, Setup, both, both_here, closed, everywhere, on_sockets, yonder};
use super::tls::connecting;
use super::tls_peer::{TlsPeer, pair};
use crate::config::{ConnectConfig, SendProxy};
use crate::conn::{Op, Why};
use crate::engine::{ConnectOptions, EventKind, Received, Record};
use crate::id::Id;
use crate::sim::{Peer, RemoteServer};
use crate::time::{FOREVER, MILLISECOND, SECOND};
use crate::tls::TlsVersion;
use crate::wire::socks::{Destination, Dialogue, Login, SocksVersion};

const BANNER: &[u8] = b"220 hello\r\n";
const V4_GRANTED: &[u8] = &[0, 90, 0, 0, 0, 0, 0, 0];
const V5_CONNECTED: &[u8] = &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

/// What a server receives, and what it answers to each.
type Lines = Vec<(Vec<u8>, Vec<u8>)>;

fn dialogue(version: SocksVersion, login: bool) -> Dialogue {
    let to = Destination::Name("example.net".into(), 80);
    let ip = Destination::parse("198.51.100.80:80").expect("an address");
    let to = if version == SocksVersion::V4 { ip } else { to };
    let login = if login {
        Login { user: Some("fred"), password: Some("secret") }
    } else {
        Login::default()
    };
    Dialogue::new(version, &to, login).expect("it can be asked")
}

/// Every dialogue that succeeds.
fn courses() -> [(Dialogue, Lines); 4] {
    let name = b"example.net";
    let ask5 = [&[5, 1, 0, 3, 11][..], name, &[0, 80]].concat();
    let pair = b"\x01\x04fred\x06secret".to_vec();
    [
        (
            dialogue(SocksVersion::V4, false),
            vec![(vec![4, 1, 0, 80, 198, 51, 100, 80, 0], V4_GRANTED.to_vec())],
        ),
        (
            dialogue(SocksVersion::V4a, false),
            vec![([&[4, 1, 0, 80, 0, 0, 0, 1, 0][..], name, &[0]].concat(), V4_GRANTED.to_vec())],
        ),
        (
            dialogue(SocksVersion::V5, false),
            vec![(vec![5, 1, 0], vec![5, 0]), (ask5.clone(), V5_CONNECTED.to_vec())],
        ),
        (
            dialogue(SocksVersion::V5, true),
            vec![(vec![5, 2, 0, 2], vec![5, 2]), (pair, vec![1, 0]), (ask5, V5_CONNECTED.to_vec())],
        ),
    ]
}

/// The dialogue that the torture test uses.
pub(super) fn longest() -> (Dialogue, Lines) {
    let [.., last] = courses();
    last
}

/// The one connection of a server.
#[derive(Default)]
pub(super) struct Served {
    pub(super) peer: Option<Peer>,
    /// All lines are sent: what arrives now is for the destination.
    pub(super) done: bool,
}

/// A server of one connection that sends each line once it has received the line that belongs to it and
/// not a byte more.
pub(super) fn serve(site: RemoteServer, lines: Lines) -> (Rc<RefCell<Served>>, Actor) {
    let served = Rc::new(RefCell::new(Served::default()));
    let shared = Rc::clone(&served);
    let (mut heard, mut next) = (Vec::new(), 0);
    let actor = move || {
        let mut served = shared.borrow_mut();
        served.done = next == lines.len();
        let Some(peer) = &served.peer else {
            served.peer = site.accept();
            return served.peer.is_some();
        };
        let Some((hears, says)) = lines.get(next) else { return false };
        let came = peer.take_received();
        heard.extend(&came);
        assert!(hears.starts_with(&heard), "{heard:02x?} instead of {hears:02x?}");
        if heard.len() == hears.len() {
            peer.send(says);
            heard.clear();
            next += 1;
        }
        !came.is_empty()
    };
    (served, Box::new(actor))
}

fn over(socks: Dialogue) -> ConnectConfig {
    ConnectConfig { socks: Some(socks), ..ConnectConfig::default() }
}

fn connect(rig: &mut Rig, config: ConnectConfig) -> Id {
    let config = Arc::new(config);
    rig.call(|engine| engine.connect(yonder(), config, &ConnectOptions::default()))
        .expect("asked for")
}

/// Reads what has arrived, and continues while anything arrives.
fn read(rig: &mut Rig, id: Id) -> Vec<u8> {
    let mut got = Vec::new();
    loop {
        let mut space = [0; 64];
        match rig.call(|engine| engine.recv(id, &mut space)).expect("it is a session") {
            Received::Bytes(n) => got.extend(&space[..n]),
            Received::Wait => {
                if !rig.will_hear(id) {
                    return got;
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_version_connects_and_a_destination_that_speaks_first_loses_no_byte() {
    everywhere(|setup| {
        for (socks, mut lines) in courses() {
            let (last, answer) = lines.pop().expect("a last line");
            let all = [&answer[..], BANNER].concat();
            for cut in 0..=all.len() {
                let mut rig = Rig::new(setup, Program::Idle);
                let site = rig.world.serve(yonder());
                let lines = [&lines[..], &[(last.clone(), all[..cut].to_vec())]].concat();
                let (server, actor) = serve(site, lines);
                rig.actors.push(actor);
                let id = connect(&mut rig, over(socks.clone()));
                rig.settle();
                let server = server.borrow().peer.clone().expect("it came");
                let early = if cut < answer.len() { 0 } else { 1 };
                assert_eq!(rig.host.sessions().len(), early, "cut at {cut}");
                server.send(&all[cut..]);
                rig.settle();
                assert_eq!(rig.host.sessions(), [id]);
                let mut got = Vec::new();
                while got.len() < BANNER.len() {
                    let more = read(&mut rig, id);
                    assert!(!more.is_empty(), "{got:?} of the banner");
                    got.extend(more);
                }
                assert_eq!(got, BANNER, "cut at {cut}");
                rig.call(|engine| engine.close(id)).expect("it is open");
                let events = rig.finish();
                assert_eq!(closed(&events).cause, None);
            }
        }
    });
}

#[test]
fn a_stream_s_first_bytes_wait_for_the_destination_behind_a_proxy_header() {
    everywhere(|setup| {
        for (socks, mut lines) in courses() {
            for send_proxy in [None, Some(SendProxy::V1)] {
                if send_proxy.is_some() {
                    let header = b"PROXY TCP4 198.51.100.7 192.0.2.1 20001 80\r\n";
                    lines[0].0.splice(0..0, header.iter().copied());
                }
                // The destination answers what the client sends; the actor keeps the order.
                let lines = [&lines[..], &[(b"GET /".to_vec(), BANNER.to_vec())]].concat();
                let config = Arc::new(ConnectConfig { send_proxy, ..over(socks.clone()) });
                let program = Program::Forward { to: yonder(), config, stream: silent(FOREVER) };
                let mut rig = Rig::new(setup, program);
                rig.listen(crate::config::AcceptConfig::default());
                let (server, actor) = serve(rig.world.serve(yonder()), lines);
                rig.actors.push(actor);
                let client = rig.peer();
                client.send(b"GET /");
                rig.settle();
                assert_eq!(client.received(), BANNER);
                client.shutdown_write();
                server.borrow().peer.as_ref().expect("it came").shutdown_write();
                rig.finish();
            }
        }
    });
}

#[test]
fn tls_begins_behind_the_answer() {
    everywhere(|setup| {
        let (socks, lines) = longest();
        let version = TlsVersion::Tls13;
        let mut rig = Rig::new(setup, Program::Idle);
        let (server, actor) = serve(rig.world.serve(yonder()), lines);
        let config = ConnectConfig { socks: Some(socks), ..connecting(version) };
        rig.actors.push(actor);
        let mut tls = None;
        rig.actors.push(Box::new(move || {
            let Served { peer: Some(peer), done: true } = &*server.borrow() else { return false };
            let tls = tls.get_or_insert_with(|| {
                let tls = TlsPeer::server(peer.clone(), &pair(version).1);
                tls.borrow_mut().say(BANNER);
                tls
            });
            tls.borrow_mut().act()
        }));
        let id = connect(&mut rig, config);
        rig.run_for(SECOND);
        assert_eq!(rig.host.sessions(), [id]);
        assert_eq!(read(&mut rig, id), BANNER);
        rig.call(|engine| engine.close(id)).expect("it is open");
        rig.finish();
    });
}

/// The failure of a connection whose server answers `says` to what it receives first, and then does
/// `then`.
fn fails(setup: Setup, socks: &Dialogue, lines: &Lines, then: impl Fn(&Peer)) -> Record {
    let mut rig = Rig::new(setup, Program::Idle);
    let (server, actor) = serve(rig.world.serve(yonder()), lines.clone());
    rig.actors.push(actor);
    connect(&mut rig, over(socks.clone()));
    rig.settle();
    if let Some(server) = server.borrow().peer.as_ref() {
        then(server);
    }
    rig.run();
    assert_eq!(rig.engine.counters().connect_failures, 1);
    let events = rig.finish();
    assert!(!events.iter().any(|event| matches!(event.kind, EventKind::Connected)));
    closed(&events).clone()
}

fn cause(record: &Record) -> (Option<Op>, Why, String) {
    let cause = record.cause.clone().expect("a cause");
    (cause.at, cause.why, cause.text.into_owned())
}

#[test]
fn every_refusal_ends_the_connection_at_once_with_its_reason_in_words() {
    everywhere(|setup| {
        for (socks, lines) in courses() {
            let codes = if lines.len() == 1 { 91..=93 } else { 1..=8 };
            for code in codes {
                let mut lines = lines.clone();
                let said = &mut lines.last_mut().expect("a last line").1;
                said[1] = code;
                let record = fails(setup, &socks, &lines, |_| {});
                let (at, why, text) = cause(&record);
                assert_eq!((at, why), (Some(Op::SocksRecv), Why::Refused), "{code}");
                assert!(text.contains("SOCKS"), "{text}");
                assert!(record.in_op < SECOND, "{code}");
            }
        }
        let (socks, mut lines) = longest();
        lines[1].1 = vec![1, 1];
        lines.truncate(2);
        let (at, why, text) = cause(&fails(setup, &socks, &lines, |_| {}));
        assert_eq!((at, why), (Some(Op::SocksRecv), Why::Refused));
        assert!(text.contains("password"), "{text}");
    });
}

#[test]
fn what_is_no_answer_is_malformed_at_once() {
    everywhere(|setup| {
        for (socks, lines) in courses() {
            for turn in 0..lines.len() {
                let mut lines = lines[..=turn].to_vec();
                lines[turn].1 = b"HTTP/1.0 400 Bad Request\r\n\r\n".to_vec();
                let record = fails(setup, &socks, &lines, |_| {});
                let (at, why, _) = cause(&record);
                assert_eq!((at, why), (Some(Op::SocksRecv), Why::Malformed));
                assert!(record.in_op < SECOND);
            }
        }
    });
}

#[test]
fn an_answer_to_what_was_not_asked_yet_is_malformed() {
    on_sockets(|setup| {
        for (socks, lines) in courses() {
            let [(greeting, first), rest @ ..] = &lines[..] else { panic!("no lines") };
            let Some((_, second)) = rest.first() else { continue };
            let both = vec![(greeting.clone(), [&first[..], second].concat())];
            let (at, why, text) = cause(&fails(setup, &socks, &both, |_| {}));
            assert_eq!((at, why), (Some(Op::SocksRecv), Why::Malformed));
            assert!(text.contains("asked"), "{text}");
        }
    });
}

/// Every point at which a server may stop: the lines up to there, and whether a part of an answer was
/// sent.
fn stops() -> Vec<(Dialogue, Lines, bool)> {
    let mut stops = Vec::new();
    for (socks, lines) in courses() {
        for turn in 0..lines.len() {
            for cut in 0..lines[turn].1.len() {
                let mut lines = lines[..=turn].to_vec();
                lines[turn].1.truncate(cut);
                stops.push((socks.clone(), lines, cut > 0));
            }
        }
    }
    stops
}

#[test]
fn an_end_inside_an_answer_is_truncated_before_it_empty_and_a_reset_a_reset() {
    everywhere(|setup| {
        for (socks, lines, inside) in stops() {
            let (at, why, _) = cause(&fails(setup, &socks, &lines, Peer::shutdown_write));
            let expected = if inside { Why::Truncated } else { Why::Empty };
            assert_eq!((at, why), (Some(Op::SocksRecv), expected));
            let (at, why, _) = cause(&fails(setup, &socks, &lines, Peer::reset));
            assert_eq!((at, why), (Some(Op::SocksRecv), Why::Reset));
        }
    });
}

#[test]
fn a_server_that_falls_silent_costs_the_span_of_the_connect_and_no_more() {
    both(|setup| {
        for (socks, lines, _) in stops() {
            let record = fails(setup, &socks, &lines, |_| {});
            let (at, why, _) = cause(&record);
            assert_eq!((at, why), (Some(Op::SocksRecv), Why::TimedOut));
            let span = ConnectConfig::default().timeouts.connect;
            assert!((span - SECOND..span + 10 * MILLISECOND).contains(&record.in_op));
        }
    });
}

#[test]
fn a_server_that_takes_no_byte_of_the_request_is_given_up_at_the_deadline() {
    both_here(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.world.tune(|knobs| {
            knobs.receive_buffer = 0;
            knobs.send_buffer = 4;
        });
        let site = rig.world.serve(yonder());
        connect(&mut rig, over(dialogue(SocksVersion::V4a, false)));
        rig.settle();
        site.accept().expect("it came").stall(true);
        rig.run();
        let events = rig.finish();
        let (at, why, _) = cause(closed(&events));
        assert_eq!((at, why), (Some(Op::SocksSend), Why::TimedOut));
    });
}
