//! However a stream ends, its own record and those of its two sides agree on one cause.

use std::sync::Arc;

use super::far_end::{FarEnd, take_all};
use super::farm::{self, Farm, close_all, the_report};
use super::host::Program;
use super::rig::{Rig, Setup, everywhere, everywhere_here, yonder};
use super::tls::{accepting, connecting};
use crate::backend::{Admin, ServerChange};
use crate::config::{AcceptConfig, CloseOptions, ConnectConfig, StreamConfig, TlsTruncation};
use crate::conn::Why;
use crate::engine::{DrainStage, EndReport, Event};
use crate::sim::ConnectResponse;
use crate::stream::{CLIENT, SERVER};
use crate::time::SECOND;
use crate::tls::TlsVersion;

const BOTH: [u8; 2] = [CLIENT, SERVER];
const ENDING: &str = "it ends as it is told";

/// How a stream ends that has a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    InOrder,
    Aborted,
    Drained,
    /// This side resets.
    Reset(u8),
    /// An answer of this side is waited for, and it does not answer.
    Silent(u8),
    /// This side takes nothing of what is to be sent to it.
    Stalled(u8),
    /// This side ends in the middle, without close_notify.
    Truncated(u8),
    /// The same, in the middle of a record.
    Severed(u8),
    /// This side sends a record that was not encrypted with any key.
    Garbled(u8),
}

impl Way {
    const fn needs_tls(self) -> bool {
        matches!(self, Self::Truncated(_) | Self::Severed(_) | Self::Garbled(_))
    }

    /// The letters, and the reason of all three records.
    const fn reported(self) -> (&'static [u8; 2], Option<Why>) {
        match self {
            Self::InOrder => (b"--", None),
            Self::Aborted | Self::Drained => (b"KD", Some(Why::Aborted)),
            Self::Reset(CLIENT) => (b"CD", Some(Why::Reset)),
            Self::Reset(_) => (b"SD", Some(Why::Reset)),
            Self::Silent(CLIENT) | Self::Stalled(CLIENT) => (b"cD", Some(Why::TimedOut)),
            Self::Silent(_) | Self::Stalled(_) => (b"sD", Some(Why::TimedOut)),
            Self::Truncated(CLIENT) | Self::Severed(CLIENT) => (b"CD", Some(Why::Truncated)),
            Self::Truncated(_) | Self::Severed(_) => (b"SD", Some(Why::Truncated)),
            Self::Garbled(CLIENT) => (b"CD", Some(Why::Malformed)),
            Self::Garbled(_) => (b"SD", Some(Why::Malformed)),
        }
    }
}

fn ways() -> Vec<Way> {
    let of_side: [fn(u8) -> Way; 6] =
        [Way::Reset, Way::Silent, Way::Stalled, Way::Truncated, Way::Severed, Way::Garbled];
    let of_sides = of_side.into_iter().flat_map(|way| BOTH.map(way));
    [Way::InOrder, Way::Aborted, Way::Drained].into_iter().chain(of_sides).collect()
}

/// All three give the same reason, and neither side reports an orderly end if the stream did not end in
/// order.
#[track_caller]
fn assert_agree(report: &EndReport, letters: &[u8; 2], why: Option<Why>, context: &str) {
    let found = report.termination.letters();
    assert_eq!(found, *letters, "{}: {:?}: {context}", report.termination, report.cause);
    assert_eq!(report.cause.as_ref().map(|cause| cause.why), why, "the stream: {context}");
    for (side, record) in ["the client", "the server"].iter().zip(&report.sides) {
        let Some(record) = record else { continue };
        let found = record.cause.as_ref().map(|cause| cause.why);
        assert_eq!(found, why, "{side}: {:?}: {context}", record.cause);
    }
}

fn end(setup: Setup, way: Way, tls: Option<TlsVersion>, truncation: TlsTruncation) -> Vec<Event> {
    let tolerance = 3 * SECOND;
    let stream = StreamConfig { client: tolerance, server: tolerance, ..StreamConfig::default() };
    let close_options =
        CloseOptions { tls_truncation: truncation, ..AcceptConfig::default().close_options };
    let connect = tls.map_or_else(ConnectConfig::default, connecting);
    let config = Arc::new(ConnectConfig { close_options, ..connect });
    let program = Program::Forward { to: yonder(), config, stream: Arc::new(stream) };
    let mut rig = Rig::new(setup, program);
    let site = rig.world.serve(yonder());
    let taken = take_all(&mut rig, site, tls, false, |_| {});
    let accept = tls.map_or_else(AcceptConfig::default, accepting);
    rig.listen(AcceptConfig { close_options, ..accept });
    let client = FarEnd::client(&mut rig, tls, &[]);
    client.say(b"a request");
    rig.settle();
    let server = taken.borrow()[0].clone();
    let id = rig.host.streams[0];
    let of = |side| if side == CLIENT { (&client, &server) } else { (&server, &client) };
    match way {
        Way::InOrder => {
            client.end();
            server.end();
        }
        Way::Aborted => rig.call(|engine| engine.abort_stream(id)).expect(ENDING),
        Way::Drained => {
            rig.call(|engine| engine.drain(DrainStage::Pause, SECOND)).expect(ENDING);
            rig.run_for(2 * SECOND);
        }
        Way::Reset(side) => of(side).0.reset(),
        Way::Silent(side) => {
            if side == CLIENT {
                server.say(b"an answer");
            }
            rig.run_for(4 * SECOND);
        }
        Way::Stalled(side) => {
            let (stalls, other) = of(side);
            stalls.peer().stall(true);
            other.say(&[7; 400_000]);
            rig.run_for(4 * SECOND);
            stalls.peer().stall(false);
        }
        Way::Truncated(side) => of(side).0.peer().shutdown_write(),
        Way::Severed(side) => {
            let peer = of(side).0.peer();
            peer.send(&[23, 3, 3, 0, 40, 1, 2, 3]);
            peer.shutdown_write();
        }
        Way::Garbled(side) => of(side).0.peer().send(&[&[23, 3, 3, 0, 40][..], &[0; 40]].concat()),
    }
    rig.settle();
    for end in [&client, &server] {
        if !matches!(way, Way::InOrder) {
            end.close();
        }
    }
    rig.run();
    rig.finish()
}

#[test]
fn however_a_stream_ends_its_record_and_those_of_its_sides_agree() {
    for way in ways() {
        for tls in [None, Some(TlsVersion::Tls12), Some(TlsVersion::Tls13)] {
            if way.needs_tls() && tls.is_none() {
                continue;
            }
            for truncation in [TlsTruncation::Pass, TlsTruncation::Abort] {
                everywhere_here(|setup| {
                    let context = format!("{way:?} {tls:?} {truncation:?} {setup:?}");
                    let events = end(setup, way, tls, truncation);
                    let (letters, why) = way.reported();
                    assert_agree(super::stream::report(&events), letters, why, &context);
                });
            }
        }
    }
}

#[test]
fn a_stream_without_a_server_is_told_alike_by_itself_and_by_its_client() {
    everywhere(|setup| {
        // No server is reached.
        for (answer, letters, why) in [
            (ConnectResponse::Refuse, b"SC", Why::Refused),
            (ConnectResponse::NoRoute, b"SC", Why::Unreachable),
            (ConnectResponse::Silent, b"sC", Why::TimedOut),
        ] {
            let stream = Arc::new(StreamConfig::default());
            let program = Program::Forward { to: yonder(), config: Arc::default(), stream };
            let mut rig = Rig::new(setup, program);
            rig.world.serve(yonder()).answer(answer);
            rig.listen(AcceptConfig::default());
            let client = rig.peer();
            client.send(b"a request");
            rig.run_for(9 * SECOND);
            client.close();
            rig.run();
            let events = rig.finish();
            assert_agree(super::stream::report(&events), letters, Some(why), "not reached");
        }
        // No server may be used.
        let mut farm = Farm::new(setup, farm::options(), vec![farm::server(0)]);
        farm.set(0, ServerChange::Admin(Admin::Maintenance));
        let client = farm.client(b"a request");
        client.close();
        assert_agree(the_report(&farm.finish()), b"SC", Some(Why::Unreachable), "none");
    });
}

#[test]
fn a_stream_that_waited_for_a_place_in_vain_says_that_no_server_had_one() {
    everywhere(|setup| {
        let server = crate::backend::ServerConfig { maxconn: 1, ..farm::server(0) };
        let mut farm = Farm::new(setup, farm::options(), vec![server]);
        let first = farm.client(b"first");
        let waits = farm.client(b"a request");
        farm.rig.run_for(6 * SECOND);
        close_all(&[waits, first]);
        let events = farm.finish();
        let reports = farm::reports(&events);
        let vain =
            reports.iter().find(|report| report.server.is_none()).expect("one had no server");
        assert_agree(vain, b"sQ", Some(Why::TimedOut), "in the queue");
        assert_eq!(vain.termination.to_string(), "no server had a place free in time");
    });
}
