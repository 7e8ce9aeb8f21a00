//! Emptying an engine.

use std::sync::Arc;

use super::host::{Program, silent};
use super::rig::{Rig, both, everywhere, everywhere_here, listening, yonder};
use crate::config::{AcceptConfig, ConnectConfig};
use crate::engine::{DrainStage, EventKind, ListenerOptions, Refusal};
use crate::sim::Peer;
use crate::time::{FOREVER, MILLISECOND, SECOND};

const GRACE: u64 = 5 * SECOND;

#[test]
fn a_lame_duck_goes_on_as_before() {
    everywhere(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(AcceptConfig::default());
        rig.call(|engine| engine.drain(DrainStage::LameDuck, GRACE)).expect("it begins");
        rig.run_for(2 * GRACE);
        let peer = rig.peer();
        peer.send(b"hello");
        rig.settle();
        assert_eq!(peer.received(), b"hello");
        peer.close();
        let events = rig.finish();
        assert!(!events.iter().any(|event| matches!(event.kind, EventKind::Draining)));
    });
}

#[test]
fn what_waits_is_taken_before_listeners_close_and_left_alone_when_they_pause() {
    // Not in weather where `accept` returns EAGAIN while a connection waits.
    both(|setup| {
        for how in [DrainStage::Pause, DrainStage::Close] {
            let mut rig = Rig::new(setup, Program::Echo);
            let listener = rig.listen(AcceptConfig::default());
            rig.call(|engine| engine.pause_listener(listener)).expect("it is open");
            let peers: Vec<Peer> = (0..3).map(|_| rig.peer()).collect();
            rig.settle();
            rig.call(|engine| engine.resume_listener(listener)).expect("it is open");
            rig.call(|engine| engine.drain(how, GRACE)).expect("it begins");
            for peer in &peers {
                peer.send(b"hello");
                peer.shutdown_write();
            }
            rig.run_for(SECOND);
            let served = peers.iter().filter(|peer| peer.received() == b"hello").count();
            assert_eq!(served, if how == DrainStage::Close { 3 } else { 0 });
            assert_eq!(rig.engine.wait_state().listeners, u32::from(how == DrainStage::Pause));
            rig.finish();
        }
    });
}

#[test]
fn every_session_is_told_once_and_one_that_still_comes_as_well() {
    everywhere(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(super::header::proxied());
        let (open, opening) = (rig.peer(), rig.peer());
        open.send(b"PROXY UNKNOWN\r\n");
        rig.settle();
        rig.call(|engine| engine.drain(DrainStage::Close, FOREVER)).expect("it begins");
        rig.call(|engine| engine.drain(DrainStage::Close, FOREVER))
            .expect("handler_state again changes nothing");
        opening.send(b"PROXY UNKNOWN\r\n");
        rig.settle();
        let sessions = rig.host.sessions();
        assert_eq!(sessions.len(), 2);
        for id in &sessions {
            rig.call(|engine| engine.close(*id)).expect("it is open");
        }
        open.close();
        opening.close();
        let events = rig.finish();
        for id in sessions {
            let reported = events
                .iter()
                .filter(|event| event.id == id && matches!(event.kind, EventKind::Draining));
            assert!((1..=2).contains(&reported.count()));
        }
    });
}

#[test]
fn what_is_left_when_the_time_is_over_is_aborted_and_counted() {
    everywhere_here(|setup| {
        let config = Arc::new(ConnectConfig::default());
        let program = Program::Forward { to: yonder(), config, stream: silent(FOREVER) };
        let mut rig = Rig::new(setup, program);
        let site = rig.world.serve(yonder());
        rig.listen(AcceptConfig::default());
        let (early, late) = (rig.peer(), rig.peer());
        rig.settle();
        let servers = [site.accept().expect("it came"), site.accept().expect("it came")];
        rig.call(|engine| engine.drain(DrainStage::Close, GRACE)).expect("it begins");
        let begun = rig.world.now();
        assert_eq!(rig.call(|engine| engine.drain(DrainStage::Pause, 0)), Err(Refusal::State));
        early.close();
        for server in &servers {
            if server.saw_fin() {
                server.close();
            }
        }
        rig.run_for(SECOND);
        for server in &servers {
            if server.saw_fin() {
                server.close();
            }
        }
        rig.run_for(SECOND);
        assert_eq!(rig.engine.wait_state().streams, 1);
        assert!(!late.saw_reset());
        rig.run_for(GRACE);
        assert!(late.saw_reset());
        let state = rig.engine.drain_state().expect("it drains");
        assert_eq!((state.aborted, state.deadline), (1, begun + GRACE));
        assert_eq!(rig.engine.wait_state().streams, 0);
        assert_eq!(rig.engine.wait_state().conns, 0);
        rig.run_for(MILLISECOND);
        let events = rig.finish();
        let by_host = events.iter().filter(|event| match &event.kind {
            EventKind::StreamEnd(report) => report.termination.letters() == *b"KD",
            _ => false,
        });
        assert_eq!(by_host.count(), 1);
    });
}

#[test]
fn no_listener_opens_or_goes_on_once_listeners_are_stopped() {
    everywhere(|setup| {
        for how in [DrainStage::LameDuck, DrainStage::Pause, DrainStage::Close] {
            let mut rig = Rig::new(setup, Program::Echo);
            let listener = rig.listen(AcceptConfig::default());
            rig.call(|engine| engine.drain(how, GRACE)).expect("it begins");
            let takes = how == DrainStage::LameDuck;
            let expected = if takes { Ok(()) } else { Err(Refusal::State) };
            if how != DrainStage::Close {
                assert_eq!(rig.call(|engine| engine.resume_listener(listener)), expected);
            }
            let opened = rig.call(|engine| {
                let options = ListenerOptions::default();
                engine.listen(&listening(&yonder()), Arc::default(), options)
            });
            assert_eq!(opened.map(drop), expected, "{how:?}");
            rig.finish();
        }
    });
}
