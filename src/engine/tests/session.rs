//! Sessions that the host drives: statuses, shutdown, close and abort at every point.

use super::host::Program;
use super::rig::{Rig, Setup, both, closed, everywhere, everywhere_here, here, on_sockets};
use crate::config::AcceptConfig;
use crate::conn::{Direction, Op, State, Why};
use crate::ctrl::Io;
use crate::engine::{Event, EventKind, Received, Refusal, Sent};
use crate::id::Id;
use crate::sim::{CallKind, Peer};
use crate::sys::Errno;
use crate::time::SECOND;

/// A raw session and its peer.
pub(super) fn met(setup: Setup) -> (Rig, Peer, Id) {
    let mut rig = Rig::new(setup, Program::Idle);
    rig.listen(AcceptConfig::default());
    let peer = rig.peer();
    rig.settle();
    let id = rig.host.sessions()[0];
    (rig, peer, id)
}

pub(super) fn recv(rig: &mut Rig, id: Id) -> Result<Vec<u8>, Received> {
    let mut space = [0; 4096];
    match rig.call(|engine| engine.recv(id, &mut space)).expect("a session") {
        Received::Bytes(n) => Ok(space[..n].to_vec()),
        other => Err(other),
    }
}

/// Reads until nothing more comes by itself.
pub(super) fn recv_all(rig: &mut Rig, id: Id) -> (Vec<u8>, Received) {
    let mut all = Vec::new();
    loop {
        match recv(rig, id) {
            Ok(bytes) => all.extend(bytes),
            Err(Received::Wait) if rig.will_hear(id) => {}
            Err(other) => return (all, other),
        }
    }
}

fn send_all(rig: &mut Rig, id: Id, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match rig.call(|engine| engine.send(id, bytes)).expect("a session") {
            Sent::Bytes(n) => bytes = &bytes[n..],
            Sent::Wait => rig.settle(),
            Sent::Failed(why) => panic!("{why:?}"),
        }
    }
}

fn reported(events: &[Event], kind: fn(&EventKind) -> bool) -> usize {
    events.iter().filter(|event| kind(&event.kind)).count()
}

const fn is_readable(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Readable)
}

const fn is_writable(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Writable)
}

#[test]
fn readable_is_told_once_after_each_wait() {
    both(|setup| {
        let (mut rig, peer, id) = met(setup);
        peer.send(b"one");
        rig.settle();
        peer.send(b"two");
        rig.settle();
        assert_eq!(reported(&rig.host.events, is_readable), 1);
        assert_eq!(recv_all(&mut rig, id), (b"onetwo".to_vec(), Received::Wait));
        rig.settle();
        assert_eq!(reported(&rig.host.events, is_readable), 1);
        peer.send(b"three");
        rig.settle();
        assert_eq!(reported(&rig.host.events, is_readable), 2);
        assert_eq!(recv_all(&mut rig, id).0, b"three");
        peer.shutdown_write();
        rig.settle();
        assert_eq!(reported(&rig.host.events, is_readable), 3);
        assert_eq!(recv(&mut rig, id), Err(Received::End));
        assert_eq!(recv(&mut rig, id), Err(Received::End), "and again");
        rig.call(|engine| engine.close(id)).expect("it is open");
        rig.settle();
        assert!(peer.saw_fin());
        assert_eq!(closed(&rig.finish()).cause, None);
    });
}

#[test]
fn a_host_that_does_not_read_is_not_read_for() {
    on_sockets(|setup| {
        let (mut rig, peer, id) = met(setup);
        rig.settle();
        let before = rig.world.calls();
        peer.send(&[7; 200_000]);
        rig.settle();
        assert_eq!(rig.world.calls(), before, "nobody asked");
        assert_eq!(rig.engine.buffers_in_use(), 0);
        rig.call(|engine| engine.abort(id)).expect("it is open");
        rig.settle();
        assert!(peer.saw_reset());
        rig.finish();
    });
}

#[test]
fn a_full_socket_takes_a_part_then_waits_and_tells_writable_once() {
    both(|setup| {
        let (mut rig, peer, id) = met(setup);
        peer.stall(true);
        let bytes = vec![9; 500_000];
        let mut taken = 0;
        loop {
            match rig.call(|engine| engine.send(id, &bytes[taken..])).expect("a session") {
                Sent::Bytes(n) => taken += n,
                Sent::Wait => {
                    rig.settle();
                    match rig.call(|engine| engine.send(id, &bytes[taken..])) {
                        Ok(Sent::Wait) => break,
                        Ok(Sent::Bytes(n)) => taken += n,
                        other => panic!("{other:?}"),
                    }
                }
                Sent::Failed(why) => panic!("{why:?}"),
            }
        }
        rig.settle();
        let before = reported(&rig.host.events, is_writable);
        peer.stall(false);
        rig.settle();
        assert_eq!(reported(&rig.host.events, is_writable), before + 1);
        assert_eq!(peer.received().len(), taken);
        rig.call(|engine| engine.close(id)).expect("it is open");
        peer.close();
        rig.finish();
    });
}

#[test]
fn each_direction_ends_alone_and_the_second_ends_the_connection() {
    everywhere(|setup| {
        for first in [Direction::Write, Direction::Read] {
            let (mut rig, peer, id) = met(setup);
            rig.call(|engine| engine.shutdown(id, first)).expect("a session");
            rig.settle();
            assert_eq!(peer.saw_fin(), first == Direction::Write);
            assert_eq!(rig.call(|engine| engine.state(id)), Ok(State::Established));
            if first == Direction::Write {
                assert_eq!(rig.call(|engine| engine.send(id, b"x")), Err(Refusal::State));
                peer.send(b"late");
                rig.settle();
                assert_eq!(recv_all(&mut rig, id).0, b"late");
                peer.shutdown_write();
                rig.settle();
                assert_eq!(recv_all(&mut rig, id).1, Received::End);
            } else {
                peer.send(&[1; 100_000]);
                rig.settle();
                assert_eq!(peer.unsent(), 0, "what arrives is thrown away");
                assert_eq!(recv(&mut rig, id), Err(Received::End));
                send_all(&mut rig, id, b"bye");
                rig.call(|engine| engine.shutdown(id, Direction::Write)).expect("a session");
                rig.settle();
                assert_eq!(peer.received(), b"bye");
            }
            rig.settle();
            assert!(peer.saw_fin() && !peer.saw_reset());
            peer.close();
            rig.run();
            assert_eq!(rig.call(|engine| engine.state(id)), Err(Refusal::Stale));
            rig.finish();
        }
    });
}

#[test]
fn close_waits_for_the_peer_so_long_and_throws_away_so_many_bytes() {
    both(|setup| {
        for chatty in [false, true] {
            let (mut rig, peer, id) = met(setup);
            rig.call(|engine| engine.send(id, b"bye")).expect("a session");
            rig.call(|engine| engine.close(id)).expect("it is open");
            let start = rig.world.now();
            if chatty {
                peer.send(&vec![1; 3 << 20]);
            }
            rig.run();
            let span = rig.world.now().since(start);
            let events = rig.finish();
            let record = closed(&events);
            let blamed = record.cause.as_ref().map(|cause| (cause.at, cause.why));
            assert_eq!(blamed, chatty.then_some((Some(Op::Cclose), Why::TooLarge)));
            assert_eq!((peer.received(), record.lost), (b"bye".to_vec(), 0));
            if chatty {
                assert!(span < SECOND, "{span}");
                assert!((1 << 20..2 << 20).contains(&record.discarded), "{}", record.discarded);
            } else {
                assert!((2 * SECOND..3 * SECOND).contains(&span), "{span}");
            }
        }
    });
}

#[test]
fn a_closed_id_is_good_for_little_and_its_end_is_told_last() {
    everywhere(|setup| {
        let (mut rig, peer, id) = met(setup);
        rig.call(|engine| engine.send(id, b"x")).expect("a session");
        rig.call(|engine| engine.close(id)).expect("it is open");
        assert_eq!(rig.call(|engine| engine.close(id)), Err(Refusal::State));
        assert_eq!(rig.call(|engine| engine.send(id, b"x")), Err(Refusal::State));
        assert_eq!(rig.call(|engine| engine.recv(id, &mut [0; 1])), Err(Refusal::State));
        assert_eq!(rig.call(|engine| engine.shutdown(id, Direction::Read)), Err(Refusal::State));
        assert!(rig.call(|engine| engine.describe(id)).is_ok());
        rig.call(|engine| engine.abort(id)).expect("it may still be aborted");
        rig.settle();
        assert!(peer.saw_reset());
        assert_eq!(rig.call(|engine| engine.describe(id)).err(), Some(Refusal::Stale));
        let events = rig.finish();
        assert_eq!(closed(&events).cause.as_ref().map(|cause| cause.why), Some(Why::Aborted));
    });
}

#[test]
fn a_reset_is_told_by_the_next_call_and_then_by_closed() {
    everywhere_here(|setup| {
        for reads in [false, true] {
            let (mut rig, peer, id) = met(setup);
            peer.reset();
            rig.settle();
            if reads {
                let twice = rig.call(|engine| {
                    let mut recv = || engine.recv(id, &mut [0; 64]).expect("a session");
                    [recv(), recv()]
                });
                let failed = || Received::Failed(Why::Reset);
                assert_eq!(twice, [failed(), failed()], "no end that was none");
            } else {
                loop {
                    match rig.call(|engine| engine.send(id, b"x")).expect("a session") {
                        Sent::Failed(why) => break assert_eq!(why, Why::Reset),
                        Sent::Wait | Sent::Bytes(_) => rig.settle(),
                    }
                }
                assert_ne!(recv_all(&mut rig, id).1, Received::Wait);
                let _ = rig.call(|engine| engine.close(id));
            }
            let events = rig.finish();
            let cause = closed(&events).cause.clone().expect("a cause");
            assert_eq!(cause.why, Why::Reset);
        }
    });
}

#[test]
fn every_call_after_every_event_of_the_peer_ends_clean() {
    #[derive(Clone, Copy, Debug)]
    enum Act {
        Send,
        ShutRead,
        ShutWrite,
        Close,
        Abort,
    }
    let acts = [Act::Send, Act::ShutRead, Act::ShutWrite, Act::Close, Act::Abort];
    everywhere(|setup| {
        for peer_does in 0..5 {
            for first in acts {
                for second in acts {
                    let (mut rig, peer, id) = met(setup);
                    for (i, act) in [first, second, Act::Close].into_iter().enumerate() {
                        if i < 2 && rig.call(|engine| engine.state(id)).is_ok() {
                            match peer_does {
                                0 if i == 0 => peer.send(b"bytes"),
                                1 if i == 0 => peer.shutdown_write(),
                                2 if i == 0 => peer.reset(),
                                3 if i == 0 => peer.close(),
                                _ => {}
                            }
                            rig.run_for(30_000);
                        }
                        // What is refused is refused; nothing may panic, stall or leak.
                        let _ = rig.call(|engine| match act {
                            Act::Send => engine.send(id, b"words").map(drop),
                            Act::ShutRead => engine.shutdown(id, Direction::Read),
                            Act::ShutWrite => engine.shutdown(id, Direction::Write),
                            Act::Close => engine.close(id),
                            Act::Abort => engine.abort(id),
                        });
                    }
                    let events = rig.finish();
                    assert_eq!(
                        reported(&events, |kind| matches!(kind, EventKind::Closed(_))),
                        1,
                        "{setup:?} {peer_does} {first:?} {second:?}"
                    );
                }
            }
        }
    });
}

#[test]
fn an_adopted_descriptor_is_a_session_and_can_be_taken_back() {
    on_sockets(|setup| {
        let (mut rig, peer, id) = met(setup);
        peer.send(b"hello");
        rig.settle();
        let (fd, op) = rig.call(|engine| engine.take_fd(id)).expect("a raw session");
        if let Some(op) = op {
            let world = rig.world.clone();
            rig.poller.apply(op, &world).expect("it can be watched");
        }
        assert_eq!(rig.call(|engine| engine.state(id)), Err(Refusal::Stale));
        assert!(rig.engine.on_ready(id, Io::IN).is_err());
        let id = rig.call(|engine| engine.adopt(fd, 7)).expect("a connected socket");
        rig.settle();
        assert_eq!(recv_all(&mut rig, id).0, b"hello");
        rig.call(|engine| engine.close(id)).expect("it is open");
        rig.finish();
    });
}

#[test]
fn a_call_that_fails_ends_the_session_with_its_errno() {
    on_sockets(|setup| {
        for errno in [libc::ECONNRESET, libc::ETIMEDOUT, libc::ENOMEM, libc::EINVAL] {
            let (mut rig, peer, id) = met(setup);
            peer.send(b"x");
            rig.settle();
            rig.world.fail_nth(CallKind::Recv, 1, Errno(errno), true);
            assert!(matches!(recv(&mut rig, id), Err(Received::Failed(_))));
            let events = rig.finish();
            let detail = closed(&events).cause.as_ref().map(|cause| cause.detail);
            assert_eq!(detail, Some(crate::conn::Detail::Errno(Errno(errno))));
        }
    });
    assert!(here().as_ip().is_some());
}
