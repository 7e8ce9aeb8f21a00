//! Every call fails once, and every call fails from some point on: nothing may panic, stall, spin or
//! leak, and every end is reported to the host.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::bulk::broad;
use super::handlers::{ANSWER as ANSWERED, COMMAND, custom, give_command, take_command};
use super::header::{proxied, relayed_twice, twice};
use super::host::{Program, silent};
use super::rig::{Carrier, Rig, Setup, both, on_sockets, yonder};
use super::rules::{ruled, table};
use super::socks;
use super::stream::pattern;
use super::tls::{accepting, connecting};
use super::tls_peer::{TlsPeer, pair, play, serve};
use crate::config::{AcceptConfig, ConnectConfig, Custom, SendProxy};
use crate::engine::{Engine, Event, EventKind, HandlerAnswer, Question};
use crate::sim::{CallKind, SimNet};
use crate::sys::Errno;
use crate::table::{DataType, TableKey};
use crate::time::{FOREVER, SECOND};
use crate::tls::TlsVersion;

const HEADER: &[u8] = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\nGET / HTTP/1.0\r\n\r\n";
const ANNOUNCES: &[u8] = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\n";
/// Keys that rules may count the client in: its socket's address, and those that it announces.
const COUNTED: [[u8; 4]; 3] = [[198, 51, 100, 7], [192, 0, 2, 33], [198, 51, 100, 1]];
const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\n\r\n";

/// The errors that a call can return on Linux, one for each way they are handled. EAGAIN is left to the
/// weather: a poller that reports edges has to know of it.
const FAULTS: &[(CallKind, &[i32])] = &[
    (CallKind::Socket, &[libc::EMFILE, libc::ENOBUFS]),
    (CallKind::Set, &[libc::EINVAL, libc::ENOMEM]),
    (CallKind::Accept, &[libc::ECONNABORTED, libc::EMFILE, libc::EINVAL]),
    (CallKind::Connect, &[libc::ECONNREFUSED, libc::ETIMEDOUT, libc::ENOBUFS]),
    (CallKind::Recv, &[libc::ECONNRESET, libc::ETIMEDOUT, libc::ENOMEM]),
    (CallKind::Send, &[libc::ECONNRESET, libc::EPIPE, libc::ENOBUFS]),
    (CallKind::ShutdownWrite, &[libc::ENOTCONN]),
    (CallKind::Local, &[libc::ENOBUFS, libc::ENOTCONN, libc::ECONNRESET]),
    (CallKind::Peer, &[libc::ENOTCONN, libc::ECONNRESET]),
    (CallKind::Pipe, &[libc::EMFILE, libc::ENFILE]),
    (CallKind::SpliceIn, &[libc::ECONNRESET, libc::ENOMEM, libc::EINVAL]),
    (CallKind::SpliceOut, &[libc::EPIPE, libc::ECONNRESET, libc::ENOMEM]),
];

/// Bytes each way that go through buffers first and then through pipes.
const BULK: usize = 150_000;

#[derive(Clone, Copy, Debug)]
enum Scene {
    EchoBehindHeaders,
    EchoOverTls(TlsVersion),
    /// Behind a PROXY header and over TLS, with rules in front of and behind both.
    EchoUnderRules,
    Forward,
    ForwardOverTls(TlsVersion),
    ForwardThroughSocks,
    /// The same, raw and in bulk each way.
    Bulk,
    /// Handlers of the host on both sides of TLS, or where it would be, ahead of an echo.
    Handlers(Option<TlsVersion>),
    /// One towards the server, ahead of a stream.
    HandlersOut,
    /// A session that begins TLS.
    StartTls(TlsVersion),
}

impl Scene {
    /// What a raw client sends, and what a raw server answers.
    fn words(self) -> [Vec<u8>; 2] {
        match self {
            Self::EchoBehindHeaders => [[&relayed_twice()[..], HEADER].concat(), ANSWER.to_vec()],
            Self::Bulk => [pattern(BULK, 1), pattern(BULK, 2)],
            Self::Handlers(_) => [[COMMAND, COMMAND, HEADER].concat(), Vec::new()],
            Self::HandlersOut => [HEADER.to_vec(), [ANSWERED, ANSWER].concat()],
            _ => [HEADER.to_vec(), ANSWER.to_vec()],
        }
    }
}

/// Rules of every phase that use fetches which need calls, set options and count.
const RULES: &str =
    "stick-table type ip size 1k expire 1m store conn_cur,conn_cnt,bytes_in_cnt,gpc0
    tcp-request accept track-sc0 src
    tcp-request accept reject if { fc_dst 203.0.113.9 }
    tcp-request connection track-sc1 src
    tcp-request connection set-var(sess.from) src
    tcp-request connection set-mark 7
    tcp-request connection set-tos 16
    tcp-request inspect-delay 5s
    tcp-request content reject unless { req.len gt 0 }
    tcp-request content sc-inc-gpc0(1)
    tcp-request session reject unless { ssl_fc_protocol TLSv1.3 }
    tcp-request session track-sc2 dst
";

/// A handler of the host, and how often it has made a state for a connection.
fn counting(
    made: &Arc<AtomicUsize>,
    behind_tls: bool,
    step: fn(&mut Engine<SimNet>, &mut Question) -> HandlerAnswer,
) -> Custom {
    let made = Arc::clone(made);
    custom(behind_tls, move |engine, question| {
        let had = question.state != 0;
        let answer = step(engine, question);
        made.fetch_add(usize::from(!had && question.state != 0), Ordering::Relaxed);
        answer
    })
}

/// Plays a scene, and returns the rig in which its calls are counted.
fn play_scene(setup: Setup, scene: Scene, prepare: impl Fn(&Rig)) -> Rig {
    let made = Arc::new(AtomicUsize::new(0));
    let forward = |config: ConnectConfig| Program::Forward {
        to: yonder(),
        config: Arc::new(config),
        stream: silent(FOREVER),
    };
    let program = match scene {
        Scene::EchoBehindHeaders
        | Scene::EchoOverTls(_)
        | Scene::EchoUnderRules
        | Scene::Handlers(_) => Program::Echo,
        Scene::StartTls(version) => Program::StartTls { tls: pair(version).1, answer: ANSWERED },
        Scene::Forward => {
            forward(ConnectConfig { send_proxy: Some(SendProxy::V1), ..ConnectConfig::default() })
        }
        Scene::ForwardOverTls(version) => forward(connecting(version)),
        Scene::ForwardThroughSocks => {
            let socks = Some(socks::longest().0);
            forward(ConnectConfig { socks, ..ConnectConfig::default() })
        }
        Scene::Bulk => forward(ConnectConfig::default()),
        Scene::HandlersOut => {
            let customs = vec![counting(&made, false, give_command)];
            forward(ConnectConfig { customs, ..ConnectConfig::default() })
        }
    };
    let mut rig = Rig::new(setup, program);
    let config = match scene {
        Scene::EchoBehindHeaders => twice(),
        Scene::Forward
        | Scene::ForwardThroughSocks
        | Scene::Bulk
        | Scene::HandlersOut
        | Scene::StartTls(_) => AcceptConfig::default(),
        Scene::Handlers(version) => AcceptConfig {
            customs: vec![
                counting(&made, false, take_command),
                counting(&made, true, take_command),
            ],
            tls: version.map(|version| pair(version).1),
            ..AcceptConfig::default()
        },
        Scene::EchoOverTls(version) | Scene::ForwardOverTls(version) => accepting(version),
        Scene::EchoUnderRules => {
            ruled(AcceptConfig { tls: Some(pair(TlsVersion::Tls13).1), ..proxied() }, RULES)
        }
    };
    let counted = config.rules.is_some().then(|| table(&config));
    let listener = rig.listen(config);
    if matches!(scene, Scene::Bulk) {
        rig.world.tune(broad);
    }
    prepare(&rig);
    let site = rig.world.serve(yonder());
    let mut gone = Vec::new();
    let mut taken = None;
    let mut through = None;
    let served = Rc::new(RefCell::new(None));
    let [up, down] = scene.words();
    match scene {
        Scene::EchoBehindHeaders
        | Scene::Forward
        | Scene::Bulk
        | Scene::Handlers(None)
        | Scene::HandlersOut => {
            let client = rig.peer();
            client.send(&up);
            client.shutdown_write();
            gone.push(client);
            let (served, answer) = (Rc::clone(&served), down.clone());
            rig.actors.push(Box::new(move || {
                let Some(server) = site.accept() else { return false };
                server.send(&answer);
                server.shutdown_write();
                let before = served.borrow_mut().replace(server);
                // A lack of resources that is reported of a fed connection has it opened once more.
                let is_fed = setup.transport != Carrier::Socket;
                assert!(before.is_none() || is_fed, "one connection makes one");
                true
            }));
        }
        Scene::EchoUnderRules => {
            let client = TlsPeer::client(rig.peer(), &pair(TlsVersion::Tls13).0, ANNOUNCES);
            client.borrow_mut().say(b"counted");
            client.borrow_mut().end();
            rig.actors.push(play(&client));
            gone.push(client.borrow().peer.clone());
        }
        Scene::StartTls(version) => {
            let client = TlsPeer::client(rig.peer(), &pair(version).0, COMMAND);
            client.borrow_mut().expect_a_line();
            client.borrow_mut().say(HEADER);
            client.borrow_mut().end();
            rig.actors.push(play(&client));
            gone.push(client.borrow().peer.clone());
        }
        Scene::Handlers(Some(version)) => {
            let client = TlsPeer::client(rig.peer(), &pair(version).0, COMMAND);
            client.borrow_mut().expect_a_line();
            client.borrow_mut().say(&[COMMAND, HEADER].concat());
            client.borrow_mut().end();
            rig.actors.push(play(&client));
            gone.push(client.borrow().peer.clone());
        }
        Scene::ForwardThroughSocks => {
            let client = rig.peer();
            client.send(&up);
            client.shutdown_write();
            gone.push(client);
            let (_, mut lines) = socks::longest();
            lines.extend([(up, down)]);
            let (server, actor) = socks::serve(site, lines);
            rig.actors.push(actor);
            through = Some(Rc::clone(&server));
            let mut ended = false;
            rig.actors.push(Box::new(move || {
                let server = server.borrow();
                let Some(server) = server.peer.as_ref().filter(|_| server.done && !ended) else {
                    return false;
                };
                server.shutdown_write();
                ended = true;
                true
            }));
        }
        Scene::EchoOverTls(version) | Scene::ForwardOverTls(version) => {
            let client = TlsPeer::client(rig.peer(), &pair(version).0, &[]);
            client.borrow_mut().say(HEADER);
            client.borrow_mut().end();
            rig.actors.push(play(&client));
            gone.push(client.borrow().peer.clone());
            let (servers, actor) = serve(site, pair(version).1, |peer| {
                peer.say(ANSWER);
                peer.end();
            });
            rig.actors.push(actor);
            taken = Some(servers);
        }
    }
    rig.run_for(20 * SECOND);
    // Planned faults are cancelled before the host cleans up.
    rig.world.heal();
    let _ = rig.call(|engine| engine.close_listener(listener));
    rig.run_for(20 * SECOND);
    if let (Scene::Bulk, Some(server)) = (scene, served.take()) {
        let [up, down] = scene.words();
        assert!(up.starts_with(&server.received()) && down.starts_with(&gone[0].received()));
        gone.push(server);
    }
    // A fault that was no real reset leaves the peers waiting for each other.
    gone.extend(through.and_then(|server| server.borrow().peer.clone()));
    let servers = taken.iter().flat_map(|servers| servers.borrow().clone());
    gone.extend(servers.map(|server| server.borrow().peer.clone()));
    for peer in gone {
        peer.reset();
    }
    rig.run();
    if let Some(table) = counted {
        let now = rig.world.now();
        for client in COUNTED {
            let there = table.get(TableKey::Ip(client.into()), DataType::ConnCur, now);
            assert_eq!(there.unwrap_or(0), 0, "nobody is there any more");
        }
    }
    assert_eq!(rig.host.spent.len(), made.load(Ordering::Relaxed), "what was made is freed once");
    rig
}

fn torment(scene: Scene) {
    both(|setup| {
        let calm = play_scene(setup, scene, |_| {});
        let counts: Vec<u64> = FAULTS.iter().map(|(call, _)| calm.world.calls_of(*call)).collect();
        calm.finish();
        for ((call, errnos), count) in FAULTS.iter().zip(counts) {
            for errno in *errnos {
                for nth in 1..=count {
                    for ever_after in [false, true] {
                        // Each of these takes one connection out of the queue.
                        if ever_after && *errno == libc::ECONNABORTED {
                            continue;
                        }
                        let fault = format!("{scene:?}: {call:?} {nth} {errno} {ever_after}");
                        let context = super::rig::Context(fault);
                        let rig = play_scene(setup, scene, |rig| {
                            rig.world.fail_nth(*call, nth, Errno(*errno), ever_after);
                        });
                        rig.finish();
                        drop(context);
                    }
                }
            }
        }
    });
}

#[test]
fn an_echo_behind_headers_survives_every_fault() {
    torment(Scene::EchoBehindHeaders);
}

#[test]
fn an_echo_over_tls_survives_every_fault() {
    torment(Scene::EchoOverTls(TlsVersion::Tls12));
    torment(Scene::EchoOverTls(TlsVersion::Tls13));
}

#[test]
fn an_echo_under_rules_survives_every_fault_and_is_counted_out() {
    both(|setup| {
        let rig = play_scene(setup, Scene::EchoUnderRules, |_| {});
        assert!(rig.world.calls_of(CallKind::Local) > 0, "rules ask for what needs calls");
        assert_eq!(rig.engine.counters().sessions, 1, "they let it in");
        rig.finish();
    });
    torment(Scene::EchoUnderRules);
}

#[test]
fn a_stream_survives_every_fault() {
    torment(Scene::Forward);
}

#[test]
fn a_stream_through_socks_survives_every_fault() {
    torment(Scene::ForwardThroughSocks);
}

#[test]
fn a_stream_in_bulk_survives_every_fault() {
    on_sockets(|setup| {
        let rig = play_scene(setup, Scene::Bulk, |_| {});
        assert!(rig.world.calls_of(CallKind::SpliceOut) > 0, "it goes through pipes");
        rig.finish();
    });
    torment(Scene::Bulk);
}

#[test]
fn a_stream_over_tls_survives_every_fault() {
    torment(Scene::ForwardOverTls(TlsVersion::Tls12));
    torment(Scene::ForwardOverTls(TlsVersion::Tls13));
}

#[test]
fn handlers_survive_every_fault() {
    both(|setup| {
        let rig = play_scene(setup, Scene::Handlers(None), |_| {});
        assert_eq!(rig.host.spent.len(), 2, "both were asked");
        rig.finish();
    });
    torment(Scene::Handlers(None));
}

#[test]
fn handlers_on_both_sides_of_tls_survive_every_fault() {
    for scene in
        [TlsVersion::Tls12, TlsVersion::Tls13].map(|version| Scene::Handlers(Some(version)))
    {
        both(|setup| {
            let rig = play_scene(setup, scene, |_| {});
            assert_eq!(rig.host.spent.len(), 2, "both were asked");
            rig.finish();
        });
        torment(scene);
    }
}

#[test]
fn a_session_that_turns_to_tls_survives_every_fault() {
    for scene in [TlsVersion::Tls12, TlsVersion::Tls13].map(Scene::StartTls) {
        both(|setup| {
            let rig = play_scene(setup, scene, |_| {});
            let secured = |event: &&Event| matches!(event.kind, EventKind::Secured);
            assert_eq!(rig.host.events.iter().filter(secured).count(), 1, "TLS is there");
            rig.finish();
        });
        torment(scene);
    }
}

#[test]
fn handlers_towards_a_server_survive_every_fault() {
    both(|setup| {
        let rig = play_scene(setup, Scene::HandlersOut, |_| {});
        assert_eq!(rig.host.spent.len(), 1, "it was asked");
        rig.finish();
    });
    torment(Scene::HandlersOut);
}
