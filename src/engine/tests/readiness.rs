//! Readiness is a hint: whatever a poller reports, and whenever it does, only the results of the calls
//! count.

use std::sync::Arc;

use super::header::proxied;
use super::host::{Program, silent};
use super::rig::{Context, Rig, Setup, both, yonder};
use super::stream::{pattern, report};
use crate::config::ConnectConfig;
use crate::ctrl::Io;
use crate::id::Id;
use crate::sim::ConnectResponse;
use crate::time::{FOREVER, MILLISECOND, SECOND};

const HEADER: &[u8] = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\n";
/// More than a socket and the lane before it hold.
const FLOOD: usize = 300_000;
/// How often it is reported in each state, and the time between two reports.
const TIMES: u32 = 8;
const STEP: u64 = MILLISECOND / 40;

/// Reports it again and again for every descriptor there is.
fn insist(rig: &mut Rig, reported: Io) {
    for _ in 0..TIMES {
        let tokens: Vec<Id> = rig.poller.watches.values().map(|watch| watch.token).collect();
        for token in tokens {
            // An earlier report may have closed it.
            let _ = rig.call(|engine| engine.on_ready(token, reported));
        }
        rig.run_for(STEP);
    }
}

/// A stream through all of its states, in each of which the poller reports the same.
fn through_every_state(setup: Setup, reported: Io) {
    let config = Arc::new(ConnectConfig::default());
    let program = Program::Forward { to: yonder(), config, stream: silent(FOREVER) };
    let mut rig = Rig::new(setup, program);
    let site = rig.world.serve(yonder());
    site.answer(ConnectResponse::Full);
    rig.listen(proxied());
    insist(&mut rig, reported);
    let client = rig.peer();
    let (begin, rest) = HEADER.split_at(20);
    client.send(begin);
    insist(&mut rig, reported);
    client.send(rest);
    client.send(b"request");
    // The server's backlog is full: it is still being connected to.
    insist(&mut rig, reported);
    assert!(site.accept().is_none());
    site.answer(ConnectResponse::Accept);
    rig.run_for(3 * SECOND);
    let server = site.accept().expect("it came");
    insist(&mut rig, reported);
    let flood = pattern(FLOOD, 2);
    client.stall(true);
    server.send(&flood);
    insist(&mut rig, reported);
    client.stall(false);
    insist(&mut rig, reported);
    client.shutdown_write();
    insist(&mut rig, reported);
    server.shutdown_write();
    insist(&mut rig, reported);
    rig.run();
    assert_eq!(server.received(), b"request");
    assert!(client.received() == flood);
    assert!([&client, &server].iter().all(|peer| peer.saw_fin() && !peer.saw_reset()));
    let events = rig.finish();
    let report = report(&events);
    assert_eq!(report.termination.letters(), *b"--", "{:?}", report.cause);
}

#[test]
fn whatever_a_poller_says_in_whatever_state_nothing_ends_and_no_byte_is_lost() {
    both(|setup| {
        for bits in 0..=Io::REPORTED.bits() {
            let reported = Io::from_bits(bits).expect("flags that may be told");
            let context = Context(format!("{reported:?}"));
            through_every_state(setup, reported);
            drop(context);
        }
    });
}
