//! Which ends are for a log. Every end is reported: a bound only decides which records exceed the limit
//! of the log.

use std::sync::Arc;

use super::host::{Program, silent};
use super::rig::{Rig, Setup, both, everywhere, here, yonder};
use crate::config::{AcceptConfig, ConnectConfig};
use crate::conn::{Record, Why};
use crate::engine::{Event, EventKind, ListenerOptions};
use crate::sim::Peer;
use crate::time::{FOREVER, SECOND};

/// Ends of one kind that are for the log each second.
const MOST: u32 = 2;

fn rig(setup: Setup, program: Program, ends_per_second: u32) -> Rig {
    let mut rig = Rig::new(setup, program);
    let options = ListenerOptions { ends_per_second, ..ListenerOptions::default() };
    rig.listen_at(&here(), AcceptConfig::default(), options);
    rig
}

/// This many clients connect, and each leaves in the same way.
fn come_and_go(rig: &mut Rig, count: usize, leave: impl Fn(&Peer)) {
    for _ in 0..count {
        let peer = rig.peer();
        peer.send(b"words");
        rig.settle();
        leave(&peer);
        rig.settle();
    }
}

/// The records of the ends that have this reason, in their order.
fn ends(events: &[Event], why: Option<Why>) -> Vec<&Record> {
    let of_conn = |event| match event {
        &Event { kind: EventKind::Closed(ref record), .. } => Some(&**record),
        _ => None,
    };
    let why_of = |record: &Record| record.cause.as_ref().map(|cause| cause.why);
    events.iter().filter_map(of_conn).filter(|record| why_of(record) == why).collect()
}

/// Whether each is for the log, and how many others it stands for.
fn logged(records: &[&Record]) -> Vec<Option<u64>> {
    records.iter().map(|record| (!record.quiet).then_some(record.suppressed)).collect()
}

#[test]
fn every_end_is_told_and_so_many_of_a_kind_each_second_are_for_the_log() {
    everywhere(|setup| {
        let mut rig = rig(setup, Program::Echo, MOST);
        come_and_go(&mut rig, 5, Peer::reset);
        come_and_go(&mut rig, 3, Peer::shutdown_write);
        rig.run_for(SECOND);
        come_and_go(&mut rig, 1, Peer::reset);
        come_and_go(&mut rig, 1, Peer::shutdown_write);
        let events = rig.finish();
        let (loud, quiet) = (Some(0), None);
        let resets = ends(&events, Some(Why::Reset));
        assert_eq!(logged(&resets), [loud, loud, quiet, quiet, quiet, Some(3)]);
        // One kind does not hold another back, and an orderly end is a kind as well.
        assert_eq!(logged(&ends(&events, None)), [loud, loud, quiet, Some(1)]);
    });
}

#[test]
fn without_a_bound_every_end_is_for_the_log() {
    both(|setup| {
        let mut rig = rig(setup, Program::Echo, u32::MAX);
        come_and_go(&mut rig, 30, Peer::reset);
        let events = rig.finish();
        assert_eq!(logged(&ends(&events, Some(Why::Reset))), [Some(0); 30]);
    });
}

#[test]
fn a_stream_has_one_place_in_the_log_and_its_clients_record_says_which() {
    both(|setup| {
        let config = Arc::new(ConnectConfig::default());
        let program = Program::Forward { to: yonder(), config, stream: silent(FOREVER) };
        let mut rig = rig(setup, program, MOST);
        let site = rig.world.serve(yonder());
        for _ in 0..4 {
            come_and_go(&mut rig, 1, Peer::reset);
            site.accept().expect("it came").close();
            rig.settle();
        }
        let events = rig.finish();
        let mut clients = Vec::new();
        for event in &events {
            if let EventKind::StreamEnd(report) = &event.kind {
                let [client, server] = report.sides.each_ref().map(Option::as_deref);
                assert!(server.is_some_and(|server| !server.quiet && server.suppressed == 0));
                clients.push(client.expect("a record"));
            }
        }
        assert_eq!(logged(&clients), [Some(0), Some(0), None, None]);
    });
}
