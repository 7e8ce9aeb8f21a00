//! Handlers of the host's own, on both sides of TLS, incoming and outgoing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::handlers_later::patient;
use super::host::{Program, Script, silent};
use super::rig::{Rig, Setup, both, both_here, closed, everywhere, refusal, yonder};
use super::tls::{accepting, connecting};
use super::tls_peer::{TlsPeer, pair, play};
use crate::config::{AcceptConfig, ConnectConfig, Custom};
use crate::conn::{Op, Why};
use crate::engine::{
    ConnectOptions, Engine, Event, EventKind, HandlerAnswer, Question, Received, Refusal, Sent,
};
use crate::id::Id;
use crate::sim::SimNet;
use crate::time::{FOREVER, SECOND};
use crate::tls::{Session, TlsVersion};

/// A command in the clear, and its answer.
pub(super) const COMMAND: &[u8] = b"BEGIN\r\n";
pub(super) const ANSWER: &[u8] = b"GO AHEAD\r\n";

pub(super) fn custom(
    behind_tls: bool,
    step: impl Fn(&mut Engine<SimNet>, &mut Question) -> HandlerAnswer + Send + Sync + 'static,
) -> Custom {
    let script: Script = Box::new(step);
    Custom { behind_tls, span: 5 * SECOND, owner: Arc::new(script) }
}

fn held(engine: &Engine<SimNet>, conn: Id) -> Vec<u8> {
    let mut space = [0; 64];
    let n = engine.handler_peek(conn, &mut space).expect("it is asked");
    space[..n.min(64)].to_vec()
}

/// Takes the command, and answers it byte by byte if it must. The state is how much was sent.
pub(super) fn take_command(engine: &mut Engine<SimNet>, question: &mut Question) -> HandlerAnswer {
    if question.state == 0 {
        let came = held(engine, question.conn);
        if !COMMAND.starts_with(&came[..came.len().min(COMMAND.len())]) {
            return HandlerAnswer::Fail(7, "that is no command".to_owned());
        }
        if came.len() < COMMAND.len() {
            return HandlerAnswer::Read;
        }
        engine.consume(question.conn, COMMAND.len()).expect("it is there");
        question.state = 1;
    }
    say(engine, question, ANSWER)
}

/// What a client of the protocol does: it sends a command, and reads a line.
pub(super) fn give_command(engine: &mut Engine<SimNet>, question: &mut Question) -> HandlerAnswer {
    question.state = question.state.max(1);
    match say(engine, question, COMMAND) {
        HandlerAnswer::Done => {}
        other => return other,
    }
    let came = held(engine, question.conn);
    if came.len() < ANSWER.len() {
        return HandlerAnswer::Read;
    }
    assert_eq!(&came[..ANSWER.len()], ANSWER);
    engine.consume(question.conn, ANSWER.len()).expect("it is there");
    HandlerAnswer::Done
}

fn say(engine: &mut Engine<SimNet>, question: &mut Question, bytes: &[u8]) -> HandlerAnswer {
    while question.state as usize <= bytes.len() {
        let rest = &bytes[question.state as usize - 1..];
        if rest.is_empty() {
            break;
        }
        match engine.handler_send(question.conn, rest).expect("it is asked") {
            Sent::Bytes(n) => question.state += n as u64,
            Sent::Wait => return HandlerAnswer::Write,
            Sent::Failed(_) => return HandlerAnswer::Later,
        }
    }
    HandlerAnswer::Done
}

fn handler_state(behind_tls: bool) -> AcceptConfig {
    AcceptConfig { customs: vec![custom(behind_tls, take_command)], ..AcceptConfig::default() }
}

#[test]
fn a_handler_peeks_consumes_and_sends_and_what_it_leaves_is_the_session_s() {
    everywhere(|setup| {
        for cut in 0..COMMAND.len() + 5 {
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(handler_state(false));
            let client = rig.peer();
            let all = [COMMAND, b"hello"].concat();
            client.send(&all[..cut]);
            rig.settle();
            client.send(&all[cut..]);
            client.shutdown_write();
            rig.run();
            assert_eq!(client.received(), [ANSWER, b"hello"].concat(), "{cut}");
            assert_eq!(rig.host.spent, [ANSWER.len() as u64 + 1], "freed once");
            assert_eq!(closed(&rig.finish()).cause, None);
        }
    });
}

#[test]
fn a_handler_ahead_of_tls_leaves_the_first_flight_to_tls() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        everywhere(|setup| {
            let mut rig = Rig::new(setup, Program::Echo);
            let config = AcceptConfig { tls: Some(pair(version).1), ..handler_state(false) };
            rig.listen(config);
            let client = TlsPeer::client(rig.peer(), &pair(version).0, COMMAND);
            client.borrow_mut().expect_a_line();
            client.borrow_mut().say(b"secret");
            client.borrow_mut().end();
            rig.actors.push(play(&client));
            rig.settle();
            rig.run();
            assert_eq!(client.borrow().got, b"secret", "{:?}", client.borrow().failure);
            rig.finish();
        });
    }
}

#[test]
fn a_handler_behind_tls_sees_what_tls_protected() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        everywhere(|setup| {
            let mut rig = Rig::new(setup, Program::Echo);
            let config =
                AcceptConfig { customs: vec![custom(true, take_command)], ..accepting(version) };
            rig.listen(config);
            let client = TlsPeer::client(rig.peer(), &pair(version).0, b"");
            client.borrow_mut().say(COMMAND);
            client.borrow_mut().say(b"and more");
            client.borrow_mut().end();
            rig.actors.push(play(&client));
            rig.settle();
            rig.run();
            assert_eq!(client.borrow().got, [ANSWER, b"and more"].concat());
            rig.finish();
        });
    }
}

#[test]
fn a_stream_s_first_bytes_wait_for_the_handlers_towards_its_server() {
    everywhere(|setup| {
        let (mut rig, site) = rig_that_forwards(setup);
        let client = rig.peer();
        client.send(b"the first flight");
        rig.settle();
        let server = site.accept().expect("it came");
        assert_eq!(server.take_received(), COMMAND);
        server.send(&[ANSWER, b"a greeting"].concat());
        client.shutdown_write();
        rig.settle();
        assert_eq!(server.take_received(), b"the first flight");
        assert!(server.saw_fin());
        server.close();
        rig.run();
        assert_eq!(client.received(), b"a greeting");
        assert_eq!(rig.host.spent.len(), 1);
        rig.finish();

        // A server that disconnects instead of answering.
        let (mut rig, site) = rig_that_forwards(setup);
        let client = rig.peer();
        rig.settle();
        site.accept().expect("it came").reset();
        rig.settle();
        client.close();
        rig.run();
        assert_eq!(rig.host.spent.len(), 1);
        rig.finish();
    });
}

fn rig_that_forwards(setup: Setup) -> (Rig, crate::sim::RemoteServer) {
    let config =
        ConnectConfig { customs: vec![custom(false, give_command)], ..ConnectConfig::default() };
    let forward =
        Program::Forward { to: yonder(), config: Arc::new(config), stream: silent(FOREVER) };
    let mut rig = Rig::new(setup, forward);
    let site = rig.world.serve(yonder());
    rig.listen(AcceptConfig::default());
    (rig, site)
}

#[test]
fn outgoing_handlers_speak_with_the_server_before_the_session_does() {
    for version in [None, Some(TlsVersion::Tls13)] {
        both(|setup| {
            let config = match version {
                Some(version) => connecting(version),
                None => ConnectConfig::default(),
            };
            let config = ConnectConfig { customs: vec![custom(false, give_command)], ..config };
            let mut rig = Rig::new(setup, Program::Echo);
            let site = rig.world.serve(yonder());
            let connect = ConnectOptions::default();
            rig.call(|engine| engine.connect(yonder(), Arc::new(config), &connect)).unwrap();
            rig.settle();
            let server = site.accept().expect("it came");
            assert_eq!(server.take_received(), COMMAND);
            match version {
                None => {
                    server.send(&[ANSWER, b"early words"].concat());
                    rig.settle();
                    assert_eq!(server.take_received(), b"early words");
                }
                Some(_) => {
                    server.send(ANSWER);
                    rig.settle();
                    assert_eq!(server.take_received()[0], 22, "a handshake begins");
                }
            }
            server.close();
            rig.run();
            assert_eq!(rig.host.spent.len(), 1);
            rig.finish();
        });
    }
}

#[test]
fn an_end_that_came_with_the_last_bytes_for_a_handler_is_told_to_the_session() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        both(|setup| {
            let mut rig = Rig::new(setup, Program::Idle);
            let config =
                AcceptConfig { customs: vec![custom(true, take_command)], ..accepting(version) };
            rig.listen(config);
            let client = TlsPeer::client(rig.peer(), &pair(version).0, b"");
            rig.actors.push(play(&client));
            rig.settle();
            client.borrow_mut().say(COMMAND);
            client.borrow_mut().encrypt();
            // The connection below stays open.
            client.borrow_mut().utter(Session::close_notify);
            rig.settle();
            let id = rig.host.sessions()[0];
            let is_readable = |event: &Event| matches!(event.kind, EventKind::Readable);
            assert!(rig.host.events.iter().any(is_readable), "the end can be read");
            assert_eq!(rig.call(|engine| engine.recv(id, &mut [0])), Ok(Received::End));
            rig.call(|engine| engine.close(id)).expect("it is open");
            rig.settle();
            client.borrow().peer.close();
            rig.finish();
        });
    }
}

#[test]
fn handlers_are_asked_in_their_order_each_with_its_own_time() {
    both_here(|setup| {
        let (first, ticket) = patient(false);
        let mut rig = Rig::new(setup, Program::Echo);
        let customs = vec![first, custom(false, take_command)];
        rig.listen(AcceptConfig { customs, ..AcceptConfig::default() });
        let client = rig.peer();
        client.send(COMMAND);
        rig.run_for(4 * SECOND);
        assert_eq!(client.received(), b"");
        let (key, _) = rig.engine.conns.iter().next().expect("it waits");
        let conn = rig.engine.id(crate::id::Kind::Conn, key);
        let ticket = ticket.load(Ordering::Relaxed);
        rig.call(|engine| engine.answer(conn, ticket, HandlerAnswer::Read)).expect("it is due");
        rig.run_for(SECOND / 2);
        let (key, _) = rig.engine.conns.iter().next().expect("it waits");
        let conn = rig.engine.id(crate::id::Kind::Conn, key);
        rig.call(|engine| engine.answer(conn, ticket + 1, HandlerAnswer::Done))
            .expect("asked again");
        rig.settle();
        assert_eq!(client.received(), ANSWER);
        client.close();
        rig.finish();
    });
}

#[test]
fn a_peer_that_ends_or_never_says_enough_is_refused() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(handler_state(false));
        let client = rig.peer();
        client.send(&COMMAND[..3]);
        client.shutdown_write();
        rig.run();
        let cause = refusal(&rig.finish()).cause.clone().expect("a cause");
        assert_eq!((cause.at, cause.why), (Some(Op::CustomRaw), Why::Truncated));

        let mut rig = Rig::new(setup, Program::Idle);
        let greedy = |_: &mut Engine<SimNet>, _: &mut Question| HandlerAnswer::Read;
        let customs = vec![custom(false, greedy)];
        rig.listen(AcceptConfig { customs, ..AcceptConfig::default() });
        let client = rig.peer();
        client.send(&vec![b'x'; 60_000]);
        rig.run();
        assert!(rig.engine.buffers_in_use() == 0);
        let cause = refusal(&rig.finish()).cause.clone().expect("a cause");
        assert_eq!((cause.at, cause.why), (Some(Op::CustomRaw), Why::TooLarge));
    });
}

#[test]
fn what_handlers_may_do_is_refused_to_everybody_else() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(AcceptConfig::default());
        let client = rig.peer();
        client.send(b"x");
        rig.settle();
        let conn = rig.host.sessions()[0];
        assert_eq!(rig.engine.handler_peek(conn, &mut []), Err(Refusal::State));
        assert_eq!(rig.engine.consume(conn, 0), Err(Refusal::State));
        assert_eq!(rig.engine.handler_send(conn, b"y"), Err(Refusal::State));
        assert_eq!(rig.engine.answer(conn, 0, HandlerAnswer::Done), Err(Refusal::Stale));
        client.close();
        rig.finish();
    });
}
