//! Handlers of the host's own that answer later, or twice, or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::handlers::custom;
use super::host::Program;
use super::rig::{Rig, Setup, both, both_here, refusal};
use super::tls::accepting;
use super::tls_peer::{TlsPeer, pair, play};
use crate::config::{AcceptConfig, Custom};
use crate::conn::{Detail, Op, Why};
use crate::engine::{Engine, HandlerAnswer, Question, Refusal, Sent};
use crate::id::Id;
use crate::sim::SimNet;
use crate::time::SECOND;
use crate::tls::TlsVersion;

/// Answers later, and stores the ticket of the question.
pub(super) fn patient(behind_tls: bool) -> (Custom, Arc<AtomicU32>) {
    let ticket = Arc::new(AtomicU32::new(0));
    let reported = Arc::clone(&ticket);
    let step = move |_: &mut Engine<SimNet>, question: &mut Question| {
        reported.store(question.ticket, Ordering::Relaxed);
        question.state = 99;
        HandlerAnswer::Later
    };
    (custom(behind_tls, step), ticket)
}

fn waiting(setup: Setup) -> (Rig, crate::sim::Peer, Id, u32) {
    let (handler, ticket) = patient(false);
    let mut rig = Rig::new(setup, Program::Echo);
    rig.listen(AcceptConfig { customs: vec![handler], ..AcceptConfig::default() });
    let client = rig.peer();
    client.send(b"early");
    rig.settle();
    let (key, _) = rig.engine.conns.iter().next().expect("it waits");
    let conn = rig.engine.id(crate::id::Kind::Conn, key);
    (rig, client, conn, ticket.load(Ordering::Relaxed))
}

#[test]
fn what_a_handler_sends_leaves_when_there_is_room_though_it_waits() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        both_here(|setup| {
            let (handler, ticket) = patient(true);
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(AcceptConfig { customs: vec![handler], ..accepting(version) });
            let client = TlsPeer::client(rig.peer(), &pair(version).0, b"");
            rig.actors.push(play(&client));
            rig.settle();
            let (key, _) = rig.engine.conns.iter().next().expect("it waits");
            let conn = rig.engine.id(crate::id::Kind::Conn, key);
            client.borrow().peer.stall(true);
            let words = super::stream::pattern(1 << 20, 5);
            let mut rest = &words[..];
            while let Ok(Sent::Bytes(n)) = rig.call(|engine| engine.handler_send(conn, rest)) {
                rest = &rest[n..];
            }
            rig.settle();
            let taken = words.len() - rest.len();
            assert!(!rest.is_empty() && client.borrow().got.len() < taken);
            client.borrow().peer.stall(false);
            rig.settle();
            assert!(client.borrow().got == words[..taken], "all that was taken has left");
            let ticket = ticket.load(Ordering::Relaxed);
            rig.call(|engine| engine.answer(conn, ticket, HandlerAnswer::Done)).expect("it is due");
            client.borrow().peer.close();
            rig.finish();
        });
    }
}

#[test]
fn an_answer_may_come_later_and_only_once() {
    both_here(|setup| {
        let (mut rig, client, conn, ticket) = waiting(setup);
        assert_eq!(client.received(), b"");
        let stale = rig.call(|engine| engine.answer(conn, ticket + 1, HandlerAnswer::Done));
        assert_eq!(stale, Err(Refusal::Stale));
        let later = rig.call(|engine| engine.answer(conn, ticket, HandlerAnswer::Later));
        assert_eq!(later, Err(Refusal::Argument));
        rig.call(|engine| engine.answer(conn, ticket, HandlerAnswer::Done))
            .expect("it is waited for");
        let again = rig.call(|engine| engine.answer(conn, ticket, HandlerAnswer::Done));
        assert_eq!(again, Err(Refusal::Stale));
        assert_eq!(rig.host.spent, [99]);
        rig.settle();
        assert_eq!(client.received(), b"early");
        client.close();
        rig.finish();
    });
}

#[test]
fn a_description_tells_that_a_handler_is_waited_for() {
    both_here(|setup| {
        let (mut rig, client, conn, ticket) = waiting(setup);
        let line = rig.engine.describe(conn).expect("it is there");
        assert!(line.contains(" waits=timer+handler"), "{line}");
        assert!(line.contains(" ctrl_connected=true ctrl_handlers_done=false "), "{line}");
        rig.call(|engine| engine.answer(conn, ticket, HandlerAnswer::Done))
            .expect("it is waited for");
        rig.settle();
        let line = rig.engine.describe(conn).expect("it is there");
        assert!(line.contains(" ctrl_handlers_done=true "), "{line}");
        client.close();
        rig.finish();
    });
}

/// A way in which a connection ends whose handler was called, and why it is then refused, if it is.
type End = (&'static str, fn(&mut Rig, &crate::sim::Peer, Id, u32), Option<Why>);

#[test]
fn a_handler_s_state_is_freed_once_however_the_connection_ends() {
    both_here(|setup| {
        let ends: [End; 6] = [
            ("timeout", |rig, _, _, _| rig.run_for(6 * SECOND), Some(Why::TimedOut)),
            (
                "reset",
                |rig, client, _, _| {
                    client.reset();
                    rig.run_for(SECOND);
                },
                Some(Why::Reset),
            ),
            (
                "failure",
                |rig, _, conn, ticket| {
                    let fail = HandlerAnswer::Fail(-3, "not on the list".to_owned());
                    rig.call(|engine| engine.answer(conn, ticket, fail)).expect("it is due");
                },
                Some(Why::Denied),
            ),
            (
                "abort",
                |rig, _, conn, _| rig.call(|engine| engine.abort(conn)).expect("it is there"),
                None,
            ),
            ("engine", |rig, _, _, _| rig.call(Engine::abort_all), None),
            (
                "done",
                |rig, _, conn, ticket| {
                    rig.call(|engine| engine.answer(conn, ticket, HandlerAnswer::Done))
                        .expect("due");
                },
                None,
            ),
        ];
        for (name, end, why) in ends {
            let (mut rig, client, conn, ticket) = waiting(setup);
            end(&mut rig, &client, conn, ticket);
            rig.settle();
            assert_eq!(rig.host.spent, [99], "{name}");
            let late = rig.call(|engine| engine.answer(conn, ticket, HandlerAnswer::Done));
            assert_eq!(late, Err(Refusal::Stale), "{name}");
            client.close();
            rig.run();
            assert_eq!(rig.host.spent, [99], "{name}");
            let events = rig.host.events.clone();
            if let Some(why) = why {
                let cause = refusal(&events).cause.clone().expect("a cause");
                assert_eq!((cause.at, cause.why), (Some(Op::CustomRaw), why), "{name}");
                if name == "timeout" {
                    assert_eq!(cause.text, "a handler did not answer in time");
                }
                if name == "failure" {
                    assert_eq!(cause.detail, Detail::Host(-3));
                    assert_eq!(cause.text, "not on the list");
                }
            }
            if name != "engine" {
                rig.finish();
            }
        }
    });
}

#[test]
fn a_state_that_is_made_while_the_connection_ends_is_freed_too() {
    both(|setup| {
        // It ends its own connection, and answers as usual.
        let step = |engine: &mut Engine<SimNet>, question: &mut Question| {
            engine.abort(question.conn).expect("it is there");
            question.state = 5;
            HandlerAnswer::Read
        };
        // It answers twice: by a call, and by what it returns.
        let twice = |engine: &mut Engine<SimNet>, question: &mut Question| {
            engine.answer(question.conn, question.ticket, HandlerAnswer::Done).expect("it is due");
            question.state = 6;
            HandlerAnswer::Later
        };
        let mut rig = Rig::new(setup, Program::Idle);
        let customs = vec![custom(false, twice), custom(false, step)];
        rig.listen(AcceptConfig { customs, ..AcceptConfig::default() });
        let client = rig.peer();
        rig.settle();
        client.close();
        rig.run();
        assert_eq!(rig.host.spent, [6, 5]);
        rig.finish();
    });
}
