//! Peers of a stream that stop, end or reset after any number of bytes of their wire.

use super::far_end::{FarEnd, take_all};
use super::orders::Layers;
use super::rig::{Setup, both, yonder};
use super::stream::pattern;
use super::tls_peer::Then;
use crate::conn::{Cause, Why};
use crate::engine::{Event, EventKind};
use crate::time::SECOND;
use crate::tls::Version;

/// Bytes each way.
const WORDS: usize = 40;
/// The silence that ends a stream.
const IDLE: u64 = 3 * SECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Client,
    Server,
}

/// How far a peer goes, and what it does there.
type Stop = Option<(usize, Then)>;

/// A stream whose peers say a few words and end, one of them up to its stop. What was heard by
/// that one, by the other, and what the host was told.
struct Outcome {
    stray: FarEnd,
    other: Option<FarEnd>,
    events: Vec<Event>,
}

fn play(setup: Setup, layers: Layers, who: Who, stop: Stop) -> Outcome {
    let mut rig = layers.rig(setup, IDLE);
    let site = rig.world.serve(yonder());
    let stop_of = move |end| if end == who { stop } else { None };
    let taken = take_all(&mut rig, site, layers.behind, false, move |server| {
        server.say_up_to(&pattern(WORDS, 2), stop_of(Who::Server));
    });
    let client = FarEnd::client(&mut rig, layers.front, &[]);
    client.say_up_to(&pattern(WORDS, 1), stop_of(Who::Client));
    rig.run();
    let server = taken.borrow().first().cloned();
    let (stray, other) = match who {
        Who::Client => (client, server),
        Who::Server => (server.expect("it is reached"), Some(client)),
    };
    Outcome { stray, other, events: rig.finish() }
}

/// Every reason that the host was told.
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

/// The stop after `cut` bytes, and what must come of it.
fn stops(setup: Setup, layers: Layers, who: Who, cut: usize, then: Then) {
    let context = format!("{who:?} {then:?} after {cut} bytes, {layers:?} {setup:?}");
    let protected = match who {
        Who::Client => layers.front.is_some(),
        Who::Server => layers.behind.is_some(),
    };
    let Outcome { stray, other, events } = play(setup, layers, who, Some((cut, then)));
    let (salt, of_other) = if who == Who::Client { (1, 2) } else { (2, 1) };
    let said = pattern(WORDS, salt);
    let heard = other.as_ref().map_or_else(Vec::new, FarEnd::heard);
    assert!(said.starts_with(&heard), "{context}");
    if let Some(other) = &other {
        let peer = other.peer();
        assert!(peer.saw_fin() || peer.saw_reset(), "the other one hears of it: {context}");
    }
    // A client that ends before a server is reached, without a word, wants none.
    let took_back = who == Who::Client && !protected && then == Then::End && cut == 0;
    if !protected && then != Then::Reset && !took_back {
        assert_eq!(heard.len(), cut, "what was said before arrives: {context}");
        assert_eq!(stray.heard(), pattern(WORDS, of_other), "and the answer: {context}");
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
    both(|setup| {
        let whole = play(setup, layers, who, None);
        assert_eq!(whys(&whole.events), []);
        let wire = match &whole.stray {
            FarEnd::Raw(_) => WORDS,
            FarEnd::Tls(shared) => shared.borrow().sent,
        };
        for cut in 0..wire {
            for then in [Then::Stop, Then::End, Then::Reset] {
                stops(setup, layers, who, cut, then);
            }
        }
    });
}

#[test]
fn a_raw_peer_that_stops_at_any_byte_ends_the_stream_and_loses_none() {
    for who in [Who::Client, Who::Server] {
        everywhere_on_the_wire(Layers { front: None, behind: None }, who);
    }
}

#[test]
fn a_tls_client_that_stops_at_any_byte_ends_the_stream() {
    everywhere_on_the_wire(Layers { front: Some(Version::Tls13), behind: None }, Who::Client);
}

#[test]
fn a_tls_server_that_stops_at_any_byte_ends_the_stream() {
    everywhere_on_the_wire(Layers { front: None, behind: Some(Version::Tls13) }, Who::Server);
}
