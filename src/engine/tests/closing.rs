//! Every way in which the wait for the peer's end can end, and what the record then contains.

use super::farm::{Farm, options, server};
use super::host::Program;
use super::rig::{Rig, Setup, both, closed, everywhere, on_sockets, on_sockets_everywhere};
use super::tls::accepting;
use super::tls_peer::{TlsPeer, pair, play};
use crate::backend::{BackendConfig, ServerConfig};
use crate::config::{AcceptConfig, CloseOptions};
use crate::conn::{Op, Why};
use crate::engine::{EngineOptions, Received, Record, Sent};
use crate::id::Id;
use crate::sim::{CallKind, ConnectResponse, Knobs, Peer};
use crate::time::{MILLISECOND, SECOND};
use crate::tls::TlsVersion;

const LINGER: u64 = 5 * SECOND;
const DRAIN_TIME: u64 = 2 * SECOND;
const DRAIN_BYTES: u64 = 20_000;
/// What the peer's system holds of what its program has not read.
const WINDOW: usize = 2_000;
const ANSWER: usize = 30_000;

/// A session that has sent its answer, all of which the system took, and was closed. Its peer reads
/// nothing by itself.
fn said(setup: Setup) -> (Rig, Peer) {
    said_and_drains(setup, DRAIN_BYTES)
}

fn said_and_drains(setup: Setup, drain_bytes: u64) -> (Rig, Peer) {
    let knobs = Knobs { send_buffer: 2 * ANSWER, receive_buffer: WINDOW, ..Knobs::default() };
    let mut rig = Rig::in_world(setup, Program::Idle, EngineOptions::default(), knobs);
    let close_options = CloseOptions {
        linger: LINGER,
        drain_time: DRAIN_TIME,
        drain_bytes,
        ..CloseOptions::default()
    };
    rig.listen(AcceptConfig { close_options, ..AcceptConfig::default() });
    let peer = rig.peer();
    peer.stall(true);
    rig.settle();
    let id = rig.host.sessions()[0];
    let answer = vec![7; ANSWER];
    let mut taken = 0;
    while taken < ANSWER {
        match rig.call(|engine| engine.send(id, &answer[taken..])).expect("a session") {
            Sent::Bytes(n) => taken += n,
            Sent::Wait => rig.settle(),
            Sent::Failed(why) => panic!("{why:?}"),
        }
    }
    rig.call(|engine| engine.close(id)).expect("it is open");
    (rig, peer)
}

/// The result of a read, which waits while there is none.
fn recv_later(rig: &mut Rig, id: Id) -> Received {
    for _ in 0..100 {
        let mut bytes = [0; 64];
        match rig.call(|engine| engine.recv(id, &mut bytes)).expect("a session") {
            Received::Wait => rig.settle(),
            received => return received,
        }
    }
    panic!("nothing came");
}

/// The only record, and its cause.
fn end(rig: Rig) -> (Record, Option<(Option<Op>, Why)>) {
    let record = closed(&rig.finish()).clone();
    let blamed = record.cause.as_ref().map(|cause| (cause.at, cause.why));
    (record, blamed)
}

const fn drain(why: Why) -> Option<(Option<Op>, Why)> {
    Some((Some(Op::Cclose), why))
}

#[test]
fn a_client_that_says_goodbye_and_resets_without_reading_ours_has_ended_in_order() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        on_sockets(|setup| {
            for (answer, blamed) in [(&[][..], None), (b"an answer", drain(Why::Reset))] {
                // What the peer does not read is not acknowledged either, but for less than a record.
                let knobs = Knobs { receive_buffer: 16, ..Knobs::default() };
                let options = EngineOptions::default();
                let mut rig = Rig::in_world(setup, Program::Idle, options, knobs);
                rig.listen(accepting(version));
                let client = TlsPeer::client(rig.peer(), &pair(version).0, &[]);
                rig.actors.push(play(&client));
                client.borrow_mut().say(b"a request");
                rig.settle();
                let id = rig.host.sessions()[0];
                assert_eq!(recv_later(&mut rig, id), Received::Bytes(9));
                client.borrow_mut().utter(|session, out| session.close_notify(out));
                assert_eq!(recv_later(&mut rig, id), Received::End);
                let peer = client.borrow().peer.clone();
                peer.stall(true);
                let sent = rig.call(|engine| engine.send(id, answer)).expect("a session");
                assert_eq!(sent, Sent::Bytes(answer.len()));
                rig.call(|engine| engine.close(id)).expect("it is open");
                client.borrow_mut().fall_silent();
                peer.reset();
                let (record, reported) = end(rig);
                assert_eq!(reported, blamed, "{version:?}: {:?}", record.cause);
            }
        });
    }
}

#[test]
fn a_client_that_uploads_while_it_reads_gets_the_whole_answer() {
    on_sockets_everywhere(|setup| {
        let (mut rig, peer) = said(setup);
        let start = rig.world.now();
        // Longer and more than any bound of the drain, and slower than the linger time in all.
        while peer.received().len() < ANSWER {
            peer.send(&[1; 4_000]);
            peer.read_slowly(WINDOW / 2);
            rig.run_for(300 * MILLISECOND);
        }
        assert!(rig.world.now().since(start) > LINGER + DRAIN_TIME);
        peer.stall(false);
        rig.run_for(300 * MILLISECOND);
        assert!(peer.saw_fin() && !peer.saw_reset());
        peer.close();
        let (record, blamed) = end(rig);
        assert_eq!((blamed, record.lost), (None, 0));
        assert!(record.discarded > DRAIN_BYTES, "{}", record.discarded);
    });
}

#[test]
fn a_client_that_takes_nothing_is_cut_after_the_linger_time_and_its_loss_told() {
    on_sockets_everywhere(|setup| {
        for uploads in [false, true] {
            let (mut rig, peer) = said(setup);
            let start = rig.world.now();
            peer.read_slowly(WINDOW);
            while !peer.saw_reset() {
                if uploads && peer.is_connected() {
                    peer.send(&[1; 500]);
                }
                rig.run_for(100 * MILLISECOND);
                assert!(rig.world.now().since(start) < LINGER + 2 * SECOND);
            }
            assert!(rig.world.now().since(start) > LINGER - SECOND);
            let (record, blamed) = end(rig);
            assert_eq!(blamed, drain(Why::TimedOut));
            let had = peer.received().len() as u64;
            let most = ANSWER as u64 - had;
            assert!((most - WINDOW as u64..=most).contains(&record.lost), "{}", record.lost);
            let text = record.cause.expect("a cause").text;
            assert!(text.contains(&record.lost.to_string()), "{text}");
            assert!((LINGER - SECOND..LINGER + SECOND).contains(&record.in_op));
        }
    });
}

#[test]
fn a_client_that_resets_before_it_has_the_answer_is_recorded_with_what_it_missed() {
    on_sockets_everywhere(|setup| {
        let (mut rig, peer) = said(setup);
        rig.run_for(SECOND);
        peer.reset();
        rig.run();
        let (record, blamed) = end(rig);
        assert_eq!(blamed, drain(Why::Reset));
        assert_eq!(record.lost, (ANSWER - WINDOW) as u64);
    });
}

#[test]
fn a_client_that_resets_when_it_has_the_answer_lost_nothing() {
    everywhere(|setup| {
        let (mut rig, peer) = said(setup);
        peer.stall(false);
        rig.run_for(SECOND);
        assert!(peer.saw_fin());
        peer.reset();
        rig.run();
        let (record, blamed) = end(rig);
        assert_eq!((blamed, record.lost), (None, 0));
    });
}

#[test]
fn a_client_that_has_the_answer_may_say_so_much_more_and_is_then_cut_and_recorded() {
    everywhere(|setup| {
        for (more, blamed) in [(DRAIN_BYTES, None), (DRAIN_BYTES + 1, drain(Why::TooLarge))] {
            let (mut rig, peer) = said(setup);
            peer.stall(false);
            rig.run_for(SECOND / 2);
            assert_eq!(peer.received().len(), ANSWER);
            peer.send(&vec![1; more as usize]);
            if blamed.is_none() {
                peer.shutdown_write();
            }
            rig.run();
            let (record, found) = end(rig);
            assert_eq!((found, record.lost), (blamed, 0));
        }
    });
}

#[test]
fn a_client_that_has_the_answer_and_still_speaks_is_cut_in_time_and_recorded() {
    both(|setup| {
        for speaks in [false, true] {
            let (mut rig, peer) = said_and_drains(setup, u64::MAX);
            peer.stall(false);
            let start = rig.world.now();
            rig.run_for(SECOND / 2);
            assert!(peer.saw_fin());
            if speaks {
                let speaker = peer.clone();
                // There is more each time the engine looks.
                rig.actors.push(Box::new(move || {
                    if speaker.is_connected() && speaker.unsent() == 0 {
                        speaker.send(b"x");
                    }
                    false
                }));
            }
            rig.run();
            let span = rig.world.now().since(start);
            assert!((DRAIN_TIME..DRAIN_TIME + SECOND / 2).contains(&span), "{span}");
            let (record, blamed) = end(rig);
            assert_eq!(record.lost, 0);
            assert_eq!(blamed, if speaks { drain(Why::TimedOut) } else { None });
        }
    });
}

#[test]
fn whether_a_silent_peer_has_taken_all_is_asked_a_few_times_a_second_and_no_more() {
    on_sockets(|setup| {
        let (mut rig, peer) = said(setup);
        rig.run_for(SECOND);
        let asked = rig.world.calls_of(CallKind::Unsent);
        assert!((1..=6).contains(&asked), "{asked}");
        peer.stall(false);
        peer.close();
        end(rig);
    });
}

#[test]
fn a_peer_that_ends_at_once_is_not_asked_after() {
    both(|setup| {
        let (mut rig, peer) = said(setup);
        peer.stall(false);
        peer.shutdown_write();
        rig.run();
        assert_eq!(rig.world.calls_of(CallKind::Unsent), 0);
        let (_, blamed) = end(rig);
        assert_eq!(blamed, None);
    });
}

#[test]
fn a_session_that_was_closed_unread_and_without_an_answer_ends_without_a_reset() {
    everywhere(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(AcceptConfig::default());
        let peer = rig.peer();
        peer.send(b"a request that nobody reads");
        rig.settle();
        let id = rig.host.sessions()[0];
        rig.call(|engine| engine.close(id)).expect("it is open");
        rig.settle();
        peer.send(b"and more");
        rig.settle();
        assert!(peer.saw_fin() && !peer.saw_reset());
        peer.close();
        let (record, blamed) = end(rig);
        assert_eq!((blamed, record.lost), (None, 0));
        assert_eq!(record.discarded, 35);
    });
}

#[test]
fn a_client_turned_away_by_a_full_queue_ends_as_one_whose_server_refused() {
    everywhere(|setup| {
        for full in [true, false] {
            let one =
                ServerConfig { maxconn: if full { 1 } else { u32::MAX }, maxqueue: 0, ..server(0) };
            let config = BackendConfig { maxqueue: 0, ..options().config };
            let mut farm =
                Farm::new(setup, crate::engine::BackendOptions { config, ..options() }, vec![one]);
            let first = full.then(|| farm.rig.peer());
            farm.rig.settle();
            if !full {
                farm.sites[0].answer(ConnectResponse::Refuse);
            }
            let client = farm.rig.peer();
            client.send(&vec![b'r'; 100_000]);
            farm.rig.run_for(10 * SECOND);
            assert!(client.saw_fin() && !client.saw_reset(), "full: {full}");
            client.close();
            first.iter().for_each(Peer::close);
            farm.rig.run();
        }
    });
}
