//! Peers of a stream that stop, end or reset after any number of bytes of their wire.

use super::bulk::broad;
use super::far_end::{FarEnd, take_all};
use super::orders::Layers;
use super::rig::{Setup, both, on_sockets, yonder};
use super::stream::pattern;
use super::tls_peer::Then;
use crate::buffer::BUFFER_SIZE;
use crate::conn::{Cause, Why};
use crate::engine::{Event, EventKind};
use crate::sim::CallKind;
use crate::time::SECOND;
use crate::tls::TlsVersion;

/// Bytes each way.
const WORDS: usize = 40;
/// The same, when they are bulk: through two buffers and then pipes.
const BULK: usize = 180_000;
/// What a pipe holds.
const PIPE: usize = 64 * 1024;
/// The idle timeout that ends a stream.
const IDLE: u64 = 3 * SECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Client,
    Server,
}

/// How far a peer goes, and what it does there.
type Stop = Option<(usize, Then)>;

/// Peers that send so many bytes each.
#[derive(Clone, Copy, Debug)]
struct Talk {
    layers: Layers,
    words: usize,
}

const RAW: Layers = Layers { front: None, behind: None };

/// A stream whose peers send their bytes and end, one of them (`stray`) only up to its stop; what the
/// host was reported, and how many splices it took.
struct Outcome {
    stray: FarEnd,
    other: Option<FarEnd>,
    events: Vec<Event>,
    splices: u64,
}

fn play(setup: Setup, talk: Talk, who: Who, stop: Stop) -> Outcome {
    let Talk { layers, words } = talk;
    let mut rig = layers.rig(setup, IDLE);
    if words > BUFFER_SIZE {
        rig.world.tune(broad);
    }
    let site = rig.world.serve(yonder());
    let stop_of = move |end| if end == who { stop } else { None };
    let taken = take_all(&mut rig, site, layers.behind, false, move |server| {
        server.say_up_to(&pattern(words, 2), stop_of(Who::Server));
    });
    let client = FarEnd::client(&mut rig, layers.front, &[]);
    client.say_up_to(&pattern(words, 1), stop_of(Who::Client));
    rig.run();
    let server = taken.borrow().first().cloned();
    let (stray, other) = match who {
        Who::Client => (client, server),
        Who::Server => (server.expect("it is reached"), Some(client)),
    };
    let splices = rig.world.calls_of(CallKind::SpliceOut);
    Outcome { stray, other, events: rig.finish(), splices }
}

/// Every reason that was reported to the host.
fn whys(events: &[Event]) -> Vec<Why> {
    let mut whys = Vec::new();
    for event in events {
        let causes: Vec<Option<&Cause>> = match &event.kind {
            EventKind::Refused(record) => vec![record.cause.as_ref()],
            EventKind::StreamEnd(report) => {
                let sides = report.sides.iter().flatten();
                let causes = sides.map(|side| side.cause.as_ref());
                causes.chain([report.cause.as_ref()]).collect()
            }
            _ => vec![],
        };
        whys.extend(causes.into_iter().flatten().map(|cause| cause.why));
    }
    whys
}

/// The stop after `cut` bytes, and what must follow from it.
fn stops(setup: Setup, talk: Talk, who: Who, cut: usize, then: Then) {
    let Talk { layers, words } = talk;
    let context = format!("{who:?} {then:?} after {cut} bytes, {talk:?} {setup:?}");
    let protected = match who {
        Who::Client => layers.front.is_some(),
        Who::Server => layers.behind.is_some(),
    };
    let Outcome { stray, other, events, .. } = play(setup, talk, who, Some((cut, then)));
    let (salt, of_other) = if who == Who::Client { (1, 2) } else { (2, 1) };
    let said = pattern(words, salt);
    let heard = other.as_ref().map_or_else(Vec::new, FarEnd::heard);
    assert!(said.starts_with(&heard), "{context}");
    if let Some(other) = &other {
        let peer = other.peer();
        assert!(peer.saw_fin() || peer.saw_reset(), "the other one hears of it: {context}");
    }
    // A client that ends before a server is reached, without having sent a byte, needs none.
    let took_back = who == Who::Client && !protected && then == Then::End && cut == 0;
    if !protected && then != Then::Reset && !took_back {
        assert_eq!(heard.len(), cut, "what was said before arrives: {context}");
        assert!(stray.heard() == pattern(words, of_other), "and the answer: {context}");
    }
    let expected = match then {
        Then::Stop => Some(Why::TimedOut),
        Then::Reset => Some(Why::Reset),
        Then::End if !protected && !took_back => None,
        Then::End if cut == 0 => Some(Why::Empty),
        Then::End => Some(Why::Truncated),
    };
    let whys = whys(&events);
    match expected {
        Some(why) => assert!(whys.contains(&why), "{whys:?}: {context}"),
        None => assert!(whys.is_empty(), "{whys:?}: {context}"),
    }
}

fn everywhere_on_the_wire(layers: Layers, who: Who) {
    let talk = Talk { layers, words: WORDS };
    both(|setup| {
        let whole = play(setup, talk, who, None);
        assert_eq!(whys(&whole.events), []);
        let wire = match &whole.stray {
            FarEnd::Raw(_) => WORDS,
            FarEnd::Tls(shared) => shared.borrow().sent,
        };
        for cut in 0..wire {
            for then in [Then::Stop, Then::End, Then::Reset] {
                stops(setup, talk, who, cut, then);
            }
        }
    });
}

/// Where a bulk transfer can stop: near the end of every buffer and of every pipe, and at places in
/// between that are the end of neither.
fn bulk_cuts() -> Vec<usize> {
    let buffers = (0..BULK).step_by(BUFFER_SIZE);
    let pipes = (2 * BUFFER_SIZE..BULK).step_by(PIPE);
    let borders = buffers.chain(pipes).flat_map(|at| [at.saturating_sub(1), at, at + 1]);
    let mut cuts: Vec<usize> = borders.chain((0..BULK).step_by(4_999)).collect();
    cuts.retain(|cut| *cut < BULK);
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

#[test]
fn a_peer_that_stops_in_the_middle_of_its_bulk_ends_the_stream_and_loses_no_byte() {
    let talk = Talk { layers: RAW, words: BULK };
    on_sockets(|setup| {
        for who in [Who::Client, Who::Server] {
            assert!(play(setup, talk, who, None).splices > 0);
            for cut in bulk_cuts() {
                for then in [Then::Stop, Then::End, Then::Reset] {
                    stops(setup, talk, who, cut, then);
                }
            }
        }
    });
}

#[test]
fn a_raw_peer_that_stops_at_any_byte_ends_the_stream_and_loses_none() {
    for who in [Who::Client, Who::Server] {
        everywhere_on_the_wire(RAW, who);
    }
}

#[test]
fn a_tls_client_that_stops_at_any_byte_ends_the_stream() {
    everywhere_on_the_wire(Layers { front: Some(TlsVersion::Tls13), behind: None }, Who::Client);
}

#[test]
fn a_tls_server_that_stops_at_any_byte_ends_the_stream() {
    everywhere_on_the_wire(Layers { front: None, behind: Some(TlsVersion::Tls13) }, Who::Server);
}
