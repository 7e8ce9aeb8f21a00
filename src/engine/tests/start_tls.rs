//! TLS that begins in the middle of a session.

use super::host::Program;
use super::rig::{Rig, Setup, both, closed, everywhere};
use super::tls_peer::{Shared, TlsPeer, pair, play};
use crate::config::AcceptConfig;
use crate::conn::{Op, Why};
use crate::engine::{EventKind, Received, Refusal, StartTls};
use crate::id::Id;
use crate::sim::Peer;
use crate::time::SECOND;
use crate::tls::TlsVersion;

const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];
const COMMAND: &[u8] = b"STARTTLS\n";
const READY: &[u8] = b"220 ready\n";

/// A session whose client has requested TLS and got the answer to go on.
fn asked(setup: Setup) -> (Rig, Peer, Id) {
    let mut rig = Rig::new(setup, Program::Idle);
    rig.listen(AcceptConfig::default());
    let client = rig.peer();
    client.send(COMMAND);
    rig.settle();
    let session = rig.host.sessions()[0];
    let mut line: Vec<u8> = Vec::new();
    while line.len() < COMMAND.len() {
        let mut space = [0; 64];
        match rig.call(|engine| engine.recv(session, &mut space)).expect("a session") {
            Received::Bytes(n) => line.extend(&space[..n]),
            Received::Wait => rig.settle(),
            other => panic!("{other:?}"),
        }
    }
    let mut rest = READY;
    while !rest.is_empty() {
        match rig.call(|engine| engine.send(session, rest)).expect("a session") {
            crate::engine::Sent::Bytes(n) => rest = &rest[n..],
            _ => rig.settle(),
        }
    }
    (rig, client, session)
}

fn begin(rig: &mut Rig, session: Id, version: TlsVersion) -> Result<(), Refusal> {
    let start = StartTls::Server(pair(version).1);
    rig.call(|engine| engine.start_tls(session, start, &[]))
}

fn speak(rig: &mut Rig, client: Peer, version: TlsVersion) -> Shared {
    let client = TlsPeer::client(client, &pair(version).0, b"");
    client.borrow_mut().expect_a_line();
    rig.actors.push(play(&client));
    client
}

fn secured(rig: &Rig) -> usize {
    rig.host.events.iter().filter(|event| matches!(event.kind, EventKind::Secured)).count()
}

#[test]
fn a_session_goes_on_behind_tls() {
    for version in VERSIONS {
        everywhere(|setup| {
            let (mut rig, client, session) = asked(setup);
            begin(&mut rig, session, version).expect("a raw session");
            // Nothing is read or written before it is there.
            let mut space = [0; 8];
            assert_eq!(rig.engine.recv(session, &mut space), Err(Refusal::State));
            assert_eq!(rig.engine.send(session, b"x"), Err(Refusal::State));
            rig.host.program = Program::Echo;
            let client = speak(&mut rig, client, version);
            client.borrow_mut().say(b"protected");
            client.borrow_mut().end();
            rig.settle();
            rig.run();
            assert_eq!(secured(&rig), 1);
            assert_eq!(rig.engine.tls_counts().get(false, version, false), 1);
            assert_eq!(client.borrow().got, b"protected", "{:?}", client.borrow().failure);
            assert_eq!(closed(&rig.finish()).cause, None);
        });
    }
}

#[test]
fn what_was_read_of_the_first_flight_already_is_taken_as_its_beginning() {
    for version in VERSIONS {
        both(|setup| {
            let (mut rig, client, session) = asked(setup);
            let tls = speak(&mut rig, client.clone(), version);
            rig.settle();
            let mut space = [0; 20];
            let n = loop {
                match rig.call(|engine| engine.recv(session, &mut space)).expect("a session") {
                    Received::Bytes(n) => break n,
                    Received::Wait => rig.settle(),
                    other => panic!("{other:?}"),
                }
            };
            let start = StartTls::Server(pair(version).1);
            rig.call(|engine| engine.start_tls(session, start, &space[..n])).expect("raw");
            rig.host.program = Program::Echo;
            tls.borrow_mut().say(b"protected");
            tls.borrow_mut().end();
            rig.settle();
            rig.run();
            assert_eq!(tls.borrow().got, b"protected");
            rig.finish();
        });
    }
}

#[test]
fn a_handshake_that_fails_or_never_ends_closes_the_session_for_it() {
    both(|setup| {
        for silent in [false, true] {
            let (mut rig, client, session) = asked(setup);
            begin(&mut rig, session, TlsVersion::Tls13).expect("a raw session");
            if !silent {
                client.send(b"MAIL FROM:<injected@example.test>\r\n");
            }
            rig.run_for(11 * SECOND);
            client.close();
            rig.run();
            let record = closed(&rig.finish()).clone();
            let tls = AcceptConfig::default().timeouts.tls;
            let span = if silent { tls..tls + SECOND } else { 0..SECOND };
            assert!(span.contains(&record.in_op), "{} in the handshake", record.in_op);
            let cause = record.cause.expect("a cause");
            let why = if silent { Why::TimedOut } else { Why::Malformed };
            assert_eq!((cause.at, cause.why), (Some(Op::TlsAccept), why), "{cause}");
        }
    });
}

#[test]
fn it_is_refused_on_what_is_no_raw_session() {
    both(|setup| {
        let (mut rig, client, session) = asked(setup);
        begin(&mut rig, session, TlsVersion::Tls13).expect("a raw session");
        assert_eq!(begin(&mut rig, session, TlsVersion::Tls13), Err(Refusal::State), "twice");
        rig.call(|engine| engine.close(session)).expect("it is there");
        assert_eq!(begin(&mut rig, session, TlsVersion::Tls13), Err(Refusal::State), "closed");
        client.close();
        rig.run();
        assert_eq!(begin(&mut rig, session, TlsVersion::Tls13), Err(Refusal::Stale), "gone");
        rig.finish();
    });
}
