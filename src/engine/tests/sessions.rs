//! Sessions beyond plain reads and writes: peeking, several pieces at once, idle timeouts, lists and counts.

use std::io::IoSlice;

use super::host::Program;
use super::rig::{Rig, Setup, both, closed, everywhere_here, here, on_sockets};
use super::session::{met, recv, recv_all};
use crate::config::{AcceptConfig, SocketOptions};
use crate::conn::{State, Why};
use crate::engine::{ByteMover, ConnOrigin, EventKind, ListenerOptions, Received, Refusal, Sent};
use crate::id::Id;
use crate::sim::CallKind;
use crate::sys::SockOpt;
use crate::time::SECOND;

/// What a peek into so much space returns, and the bytes.
fn peek(rig: &mut Rig, id: Id, size: usize) -> (Vec<u8>, Received) {
    let mut space = vec![0; size];
    let (n, more) = rig.call(|engine| engine.peek(id, &mut space)).expect("a session");
    space.truncate(n);
    (space, more)
}

fn readables(rig: &Rig) -> usize {
    rig.host.events.iter().filter(|event| matches!(event.kind, EventKind::Readable)).count()
}

#[test]
fn a_peek_takes_nothing_and_waits_for_more_than_it_has_seen() {
    both(|setup| {
        let (mut rig, peer, id) = met(setup);
        peer.send(b"GET");
        rig.settle();
        let told = readables(&rig);
        assert_eq!(peek(&mut rig, id, 4), (b"GET".to_vec(), Received::Wait));
        rig.settle();
        assert_eq!(readables(&rig), told, "nothing more has come");
        peer.send(b" /");
        rig.settle();
        assert_eq!(readables(&rig), told + 1);
        assert_eq!(peek(&mut rig, id, 4), (b"GET ".to_vec(), Received::Bytes(4)));
        assert_eq!(peek(&mut rig, id, 2), (b"GE".to_vec(), Received::Bytes(2)));
        assert_eq!(recv(&mut rig, id), Ok(b"GET /".to_vec()));
        assert_eq!(peek(&mut rig, id, 1), (Vec::new(), Received::Wait));
        peer.send(b"x");
        peer.shutdown_write();
        rig.settle();
        assert_eq!(peek(&mut rig, id, 9), (b"x".to_vec(), Received::Wait));
        rig.settle();
        assert_eq!(peek(&mut rig, id, 9), (b"x".to_vec(), Received::End), "no more will come");
        assert_eq!(recv(&mut rig, id), Ok(b"x".to_vec()));
        assert_eq!(recv(&mut rig, id), Err(Received::End));
        rig.call(|engine| engine.close(id)).expect("it is open");
        rig.finish();
    });
}

#[test]
fn a_peek_holds_a_bounded_number_of_bytes() {
    both(|setup| {
        let (mut rig, peer, id) = met(setup);
        peer.send(&[5; 100_000]);
        let mut seen = 0;
        loop {
            rig.settle();
            match peek(&mut rig, id, 100_000) {
                (bytes, Received::Wait) => seen = bytes.len(),
                (bytes, Received::Bytes(n)) => {
                    assert_eq!((bytes.len(), n >= seen), (n, true));
                    assert!((16 * 1024..64 * 1024).contains(&n), "{n}");
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        rig.call(|engine| engine.abort(id)).expect("it is open");
        rig.finish();
    });
}

#[test]
fn several_pieces_are_sent_in_one_call_and_received_in_order() {
    on_sockets(|setup| {
        let (mut rig, peer, id) = met(setup);
        let before = rig.world.calls_of(CallKind::Send);
        let pieces = [IoSlice::new(b"head"), IoSlice::new(b""), IoSlice::new(b"body")];
        let sent = rig.call(|engine| engine.send_vectored(id, &pieces)).expect("a session");
        assert_eq!(sent, Sent::Bytes(8));
        assert_eq!(rig.world.calls_of(CallKind::Send), before + 1);
        rig.settle();
        assert_eq!(peer.received(), b"headbody");
        peer.send(b"abcdef");
        rig.settle();
        let (mut first, mut second) = ([0; 4], [0; 4]);
        let spaces = [&mut first[..], &mut second[..]];
        let got = rig.call(|engine| engine.recv_vectored(id, spaces.into_iter()));
        assert_eq!(got, Ok(Received::Bytes(6)));
        assert_eq!((&first, &second[..2]), (b"abcd", &b"ef"[..]));
        let none: [&mut [u8]; 0] = [];
        let refused = rig.call(|engine| engine.recv_vectored(id, none.into_iter()));
        assert_eq!(refused, Err(Refusal::Argument));
        rig.call(|engine| engine.close(id)).expect("it is open");
        rig.finish();
    });
}

#[test]
fn an_idle_session_ends_in_order_and_says_so() {
    both(|setup| {
        let (mut rig, peer, id) = met(setup);
        rig.call(|engine| engine.set_idle_timeout(id, Some(10 * SECOND))).expect("a session");
        rig.run_for(9 * SECOND);
        peer.send(b"still here");
        rig.settle();
        rig.run_for(2 * SECOND);
        assert_eq!(
            rig.engine.state(id),
            Ok(State::Error),
            "what the host does not read is no activity"
        );
        rig.run();
        let events = rig.finish();
        let record = closed(&events);
        let cause = record.cause.as_ref().expect("a cause");
        assert_eq!((cause.at, cause.why), (None, Why::Idle));
        assert!(cause.text.contains("10000 ms"), "{}", cause.text);
        assert!(peer.saw_fin() || peer.saw_reset());
    });
}

#[test]
fn every_byte_read_or_written_restarts_the_idle_timeout() {
    both(|setup| {
        let (mut rig, peer, id) = met(setup);
        rig.call(|engine| engine.set_idle_timeout(id, Some(10 * SECOND))).expect("a session");
        for _ in 0..3 {
            rig.run_for(9 * SECOND);
            peer.send(b"in");
            rig.settle();
            assert_eq!(recv_all(&mut rig, id).0, b"in");
            rig.run_for(9 * SECOND);
            let sent = rig.call(|engine| engine.send(id, b"out")).expect("a session");
            assert_eq!(sent, Sent::Bytes(3));
        }
        assert_eq!(rig.engine.state(id), Ok(State::Established));
        rig.call(|engine| engine.set_idle_timeout(id, None)).expect("a session");
        rig.run_for(100 * SECOND);
        assert_eq!(rig.engine.state(id), Ok(State::Established), "there is no bound any more");
        rig.call(|engine| engine.close(id)).expect("it is open");
        assert_eq!(closed(&rig.finish()).cause, None);
    });
}

#[test]
fn every_connection_is_listed_once_with_what_is_known_of_it() {
    everywhere_here(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        let listener = rig.listen(AcceptConfig::default());
        let peers = [rig.peer(), rig.peer(), rig.peer()];
        rig.settle();
        let sessions = rig.host.sessions();
        let mut listed = Vec::new();
        let mut after = None;
        while let Some(info) = rig.engine.next_conn(after).expect("an id of a connection") {
            assert_eq!((info.origin, info.mover), (ConnOrigin::Incoming, ByteMover::Session));
            assert_eq!((info.listener, info.stream), (Some(listener), None));
            assert_eq!(info.state, State::Established);
            after = Some(info.id);
            listed.push(info.id);
        }
        let mut due = sessions.clone();
        due.sort_unstable_by_key(|id| id.bits());
        listed.sort_unstable_by_key(|id| id.bits());
        assert_eq!(listed, due);
        assert_eq!(rig.engine.next_conn(Some(listener)).err(), Some(Refusal::WrongKind));
        for id in sessions {
            rig.call(|engine| engine.close(id)).expect("it is open");
        }
        drop(peers);
        rig.finish();
    });
}

#[test]
fn bytes_count_for_their_listener_while_they_move_and_afterwards() {
    on_sockets(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        let listener = rig.listen(AcceptConfig::default());
        let peer = rig.peer();
        rig.settle();
        let id = rig.host.sessions()[0];
        peer.send(b"12345");
        rig.settle();
        assert_eq!(recv(&mut rig, id), Ok(b"12345".to_vec()));
        rig.call(|engine| engine.send(id, b"123")).expect("a session");
        assert_eq!(rig.engine.bytes(id), Ok((5, 3)));
        let counted = |rig: &Rig| rig.engine.listener_counts(listener).expect("it is open").0.bytes;
        assert_eq!(counted(&rig), [5, 3]);
        assert!(rig.engine.metrics().contains("vestibule_listener_received_bytes_total{"));
        rig.call(|engine| engine.abort(id)).expect("it is open");
        rig.settle();
        assert_eq!(rig.engine.bytes(id), Err(Refusal::Stale));
        assert_eq!(counted(&rig), [5, 3]);
        rig.finish();
    });
}

#[test]
fn options_of_sockets_are_set_as_configured() {
    let socket = SocketOptions {
        keepalive: 30 * SECOND + 1,
        user_timeout: 20 * SECOND,
        dscp: 46,
        delays: true,
    };
    on_sockets(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen_at(
            &here(),
            AcceptConfig { socket, ..AcceptConfig::default() },
            ListenerOptions::default(),
        );
        let peer = rig.peer();
        rig.settle();
        let id = rig.host.sessions()[0];
        let fd = rig.engine.descriptor(id).expect("it is open");
        let set = rig.world.options(fd);
        for due in [
            SockOpt::KeepAlive(31),
            SockOpt::UserTimeout(20_000),
            SockOpt::Tos(46 << 2),
            SockOpt::Delay,
        ] {
            assert!(set.contains(&due), "{due:?} in {set:?}");
        }
        rig.call(|engine| engine.close(id)).expect("it is open");
        drop(peer);
        rig.finish();
    });
}

/// The simulated poller cannot watch this many descriptors.
fn refuses(setup: Setup, fails: u32) -> Rig {
    let mut rig = Rig::new(setup, Program::Idle);
    rig.poller.fails = fails;
    rig
}

#[test]
fn a_connection_that_the_poller_cannot_watch_ends_and_names_the_errno() {
    on_sockets(|setup| {
        let mut rig = refuses(setup, 0);
        rig.listen(AcceptConfig::default());
        rig.settle();
        rig.poller.fails = 1;
        let peer = rig.peer();
        rig.settle();
        let id = rig.host.sessions()[0];
        let mut space = [0; 8];
        let _ = rig.call(|engine| engine.recv(id, &mut space));
        rig.settle();
        let events = rig.finish();
        let cause = closed(&events).cause.clone().expect("a cause");
        assert!(cause.text.contains("cannot watch"), "{}", cause.text);
        assert!(peer.saw_reset());
    });
}

#[test]
fn a_listener_that_the_poller_cannot_watch_is_paused_and_tries_again() {
    on_sockets(|setup| {
        let mut rig = refuses(setup, 2);
        rig.listen(AcceptConfig::default());
        let peer = rig.peer();
        rig.settle();
        let paused = |rig: &Rig| {
            rig.host.events.iter().any(|event| matches!(event.kind, EventKind::Paused(Some(_))))
        };
        assert!(paused(&rig));
        assert!(rig.host.sessions().is_empty());
        rig.run_for(SECOND);
        rig.settle();
        assert_eq!(rig.host.sessions().len(), 1, "it accepts again");
        let id = rig.host.sessions()[0];
        rig.call(|engine| engine.close(id)).expect("it is open");
        drop(peer);
        rig.finish();
    });
}
