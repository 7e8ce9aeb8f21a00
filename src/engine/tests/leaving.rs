//! A listener whose port others share leaves.

use std::sync::Arc;

use super::host::Program;
use super::rig::{Rig, everywhere_here, here, listening};
use crate::config::AcceptConfig;
use crate::engine::{DrainStage, EventKind, ListenerOptions, Refusal};
use crate::id::Id;
use crate::sim::CallKind;
use crate::sys::{Addr, Errno, ListenSpec};
use crate::time::{MILLISECOND, SECOND};

fn shared(rig: &mut Rig) -> Id {
    let spec = ListenSpec { reuse_port: true, ..listening(&here()) };
    let config = Arc::new(AcceptConfig::default());
    rig.call(|engine| engine.listen(&spec, config, ListenerOptions::default())).expect("it opens")
}

fn closed(rig: &Rig) -> usize {
    let is_closed = |kind: &EventKind| matches!(kind, EventKind::ListenerClosed);
    rig.host.events.iter().filter(|event| is_closed(&event.kind)).count()
}

#[test]
fn clients_that_come_while_it_leaves_go_to_the_others() {
    everywhere_here(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        let leaves = shared(&mut rig);
        let first = rig.peer();
        rig.settle();
        rig.call(|engine| engine.close_listener(leaves)).expect("it is open");
        first.send(b"hello");
        first.shutdown_write();
        rig.run_for(100 * MILLISECOND);
        assert_eq!(first.received(), b"hello");
        assert_eq!(closed(&rig), 0);
        let stays = shared(&mut rig);
        let others: Vec<_> = (0..16).map(|_| rig.peer()).collect();
        rig.run_for(200 * MILLISECOND);
        assert_eq!(closed(&rig), 1);
        let accepted = |id| rig.engine.listener_counts(id).map(|(counts, _)| counts.accepted);
        assert_eq!(accepted(stays), Ok(16));
        for peer in others {
            peer.close();
        }
        rig.finish();
    });
}

#[test]
fn a_listener_that_leaves_is_closed_as_far_as_its_id_goes() {
    everywhere_here(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        let id = shared(&mut rig);
        rig.call(|engine| engine.pause_listener(id)).expect("it is open");
        let waits = rig.peer();
        waits.send(b"hello");
        waits.shutdown_write();
        rig.settle();
        rig.call(|engine| engine.close_listener(id)).expect("it is open");
        assert_eq!(rig.call(|engine| engine.close_listener(id)), Err(Refusal::Stale));
        assert_eq!(rig.call(|engine| engine.pause_listener(id)), Err(Refusal::Stale));
        rig.run_for(SECOND);
        assert_eq!(waits.received(), b"hello", "the pause is over");
        assert_eq!(closed(&rig), 1);
        rig.finish();
    });
}

#[test]
fn a_drain_is_done_when_the_last_listener_has_left() {
    everywhere_here(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        shared(&mut rig);
        rig.call(|engine| engine.drain(DrainStage::Close, SECOND)).expect("it is the first");
        rig.run_for(100 * MILLISECOND);
        assert!(!rig.engine.is_drained());
        rig.run_for(200 * MILLISECOND);
        assert!(rig.engine.is_drained());
        rig.finish();
    });
}

#[test]
fn where_nobody_shares_the_port_or_the_system_has_no_filters_it_closes_at_once() {
    everywhere_here(|setup| {
        for filters in [true, false] {
            let mut rig = Rig::new(setup, Program::Echo);
            let id = if filters { rig.listen(AcceptConfig::default()) } else { shared(&mut rig) };
            let next = rig.world.calls_of(CallKind::Set) + 1;
            rig.world.fail_nth(CallKind::Set, next, Errno(libc::ENOPROTOOPT), true);
            rig.call(|engine| engine.close_listener(id)).expect("it is open");
            rig.settle();
            assert_eq!(closed(&rig), 1);
            rig.finish();
        }
    });
}

#[test]
fn adopted_listeners_hand_tcp_nodelay_down() {
    everywhere_here(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        let at = Addr::parse("192.0.2.1:81").expect("an address");
        let fd = crate::sys::Net::listen(&mut rig.world.net(), &listening(&at)).expect("it opens");
        let set = rig.world.calls_of(CallKind::Set);
        let config = Arc::new(AcceptConfig::default());
        rig.call(|engine| engine.adopt_listener(fd, config, ListenerOptions::default()))
            .expect("it listens");
        assert_eq!(rig.world.calls_of(CallKind::Set), set + 2, "non-blocking, and this");
        rig.finish();
    });
}
