//! Every order in which the two ends of a stream can end, over every pair of data layers.

use std::sync::Arc;

use super::far_end::{FarEnd, take_all};
use super::host::{Program, silent};
use super::rig::{Rig, Setup, Weather, both, everywhere, yonder};
use super::stream::{pattern, report};
use super::tls::{accepting, connecting};
use crate::config::{AcceptConfig, CloseOptions, ConnectConfig, StreamConfig, Tls12HalfClose};
use crate::conn::Why;
use crate::stream::{CLIENT, SERVER};
use crate::time::{FOREVER, SECOND};
use crate::tls::TlsVersion;

/// What protects the bytes towards the client, and towards the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layers {
    pub(super) front: Option<TlsVersion>,
    pub(super) behind: Option<TlsVersion>,
}

impl Layers {
    /// Raw, TLS on either side, TLS on both.
    pub(super) const fn all(version: TlsVersion) -> [Self; 4] {
        let tls = Some(version);
        [
            Self { front: None, behind: None },
            Self { front: tls, behind: None },
            Self { front: None, behind: tls },
            Self { front: tls, behind: tls },
        ]
    }

    /// An engine that joins its clients with a server, with these layers.
    pub(super) fn rig(self, setup: Setup, idle: u64) -> Rig {
        self.rig_with(setup, silent(idle), HALF_CLOSES)
    }

    fn rig_with(self, setup: Setup, stream: Arc<StreamConfig>, half_closes: HalfCloses) -> Rig {
        let [in_front, behind] = half_closes;
        let config = self.behind.map_or_else(ConnectConfig::default, connecting);
        let close_options = CloseOptions { tls12_half_close: behind, ..config.close_options };
        let config = Arc::new(ConnectConfig { close_options, ..config });
        let mut rig = Rig::new(setup, Program::Forward { to: yonder(), config, stream });
        let config = self.front.map_or_else(AcceptConfig::default, accepting);
        let close_options = CloseOptions { tls12_half_close: in_front, ..config.close_options };
        rig.listen(AcceptConfig { close_options, ..config });
        rig
    }
}

/// What TLS 1.2 does with a half-close towards the client, and towards the server.
type HalfCloses = [Tls12HalfClose; 2];

/// The defaults.
const HALF_CLOSES: HalfCloses = [Tls12HalfClose::Send, Tls12HalfClose::Hold];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    ClientFirst,
    ServerFirst,
    Both,
}

const ORDERS: [Order; 3] = [Order::ClientFirst, Order::ServerFirst, Order::Both];

/// Bytes each way: none, one, a part of a record, and more than a record. Handshakes in bad weather take
/// long, so there one size has to be enough.
const fn sizes(setup: Setup, layers: Layers) -> &'static [usize] {
    match (setup.weather, layers) {
        (Weather::Calm, _) => &[0, 1, 3_000, 20_000],
        (_, Layers { front: None, behind: None }) => &[0, 1, 3_000],
        _ => &[1_000],
    }
}

/// A stream both of whose peers the test controls.
struct Joined {
    rig: Rig,
    client: FarEnd,
    server: FarEnd,
}

fn join(mut rig: Rig, layers: Layers) -> Joined {
    let site = rig.world.serve(yonder());
    let taken = take_all(&mut rig, site, layers.behind, false, |_| {});
    let client = FarEnd::client(&mut rig, layers.front, &[]);
    rig.settle();
    let server = taken.borrow().first().cloned().expect("it came");
    Joined { rig, client, server }
}

/// How one stream ends.
#[derive(Clone, Copy, Debug)]
struct Row {
    layers: Layers,
    order: Order,
    half_closes: HalfCloses,
    in_flight: bool,
    size: usize,
}

impl Row {
    /// Whether the first end waits until the second one has come.
    fn is_held(self) -> bool {
        let (to, half_close) = match self.order {
            Order::ClientFirst => (self.layers.behind, self.half_closes[usize::from(SERVER)]),
            Order::ServerFirst => (self.layers.front, self.half_closes[usize::from(CLIENT)]),
            Order::Both => return false,
        };
        to == Some(TlsVersion::Tls12) && half_close == Tls12HalfClose::Hold
    }
}

/// One stream from its beginning to its end.
fn end_in_order(setup: Setup, row: Row) {
    let Row { layers, order, half_closes, in_flight, size } = row;
    let context = format!("{setup:?} {row:?}");
    let Joined { mut rig, client, server } =
        join(layers.rig_with(setup, silent(FOREVER), half_closes), layers);
    let (up, down) = (pattern(size, 1), pattern(2 * size, 2));
    client.say(&up);
    server.say(&down);
    if !in_flight {
        rig.settle();
    }
    let (first, second) = match order {
        Order::ServerFirst => (&server, &client),
        Order::ClientFirst | Order::Both => (&client, &server),
    };
    first.end();
    if order != Order::Both {
        rig.settle();
        assert_eq!(second.saw_end(), !row.is_held(), "a half-close is passed on: {context}");
        assert!(!first.saw_end(), "and the other direction goes on: {context}");
        second.say(b"more");
        rig.settle();
        assert!(first.heard().ends_with(b"more"), "{context}");
    }
    second.end();
    rig.settle();
    let extra = |other| if order == other { &b"more"[..] } else { b"" };
    let up = [&up[..], extra(Order::ServerFirst)].concat();
    let down = [&down[..], extra(Order::ClientFirst)].concat();
    assert!(server.heard() == up, "{context}");
    assert!(client.heard() == down, "{context}");
    for end in [&client, &server] {
        assert!(end.saw_end() && !end.peer().saw_reset(), "{context}");
    }
    let events = rig.finish();
    let report = report(&events);
    assert_eq!(report.moved, [up.len() as u64, down.len() as u64], "{context}");
    assert!(report.cause.is_none() && report.lasted < SECOND, "{context}");
    let sides = report.sides.iter().flatten();
    assert!(sides.map(|side| &side.cause).all(Option::is_none), "{context}");
}

fn every_row(version: TlsVersion, half_closes: HalfCloses) {
    for layers in Layers::all(version) {
        everywhere(|setup| {
            for order in ORDERS {
                for in_flight in [false, true] {
                    for &size in sizes(setup, layers) {
                        end_in_order(setup, Row { layers, order, half_closes, in_flight, size });
                    }
                }
            }
        });
    }
}

#[test]
fn whatever_end_comes_first_every_byte_arrives_once_and_then_the_end() {
    every_row(TlsVersion::Tls13, HALF_CLOSES);
}

#[test]
fn over_tls_1_2_a_client_s_end_is_held_until_the_server_s_and_that_is_sent() {
    every_row(TlsVersion::Tls12, HALF_CLOSES);
}

#[test]
fn over_tls_1_2_an_end_is_held_or_sent_in_either_direction_as_it_was_told() {
    let [send, hold] = HALF_CLOSES;
    for half_closes in [[hold, hold], [send, send], [hold, send]] {
        every_row(TlsVersion::Tls12, half_closes);
    }
}

/// A raw client of a TLS 1.2 server, whose end is held back for this time while the server is silent.
fn held(setup: Setup, hold: u64, stream: StreamConfig) -> Joined {
    let layers = Layers { front: None, behind: Some(TlsVersion::Tls12) };
    let config = connecting(TlsVersion::Tls12);
    let close_options = CloseOptions { tls12_half_close_hold: hold, ..config.close_options };
    let config = Arc::new(ConnectConfig { close_options, ..config });
    let stream = Arc::new(stream);
    let mut rig = Rig::new(setup, Program::Forward { to: yonder(), config, stream });
    rig.listen(AcceptConfig::default());
    join(rig, layers)
}

/// The server cannot know that its client has ended, so its silence is what ends the stream.
#[test]
fn a_server_whose_clients_end_is_held_has_the_time_of_one_that_was_told() {
    let (tolerance, words) = (3 * SECOND, pattern(3_000, 2));
    everywhere(|setup| {
        let config =
            StreamConfig { server_fin: tolerance, ..StreamConfig::clone(&silent(FOREVER)) };
        let Joined { mut rig, client, server } = held(setup, FOREVER, config);
        client.end();
        rig.run_for(2 * SECOND);
        server.say(&words);
        rig.run_for(2 * SECOND);
        assert!(!server.saw_end(), "what the server says counts as a sign of life");
        rig.run_for(2 * SECOND);
        assert!(client.heard() == words && client.saw_end() && server.saw_end());
        let events = rig.finish();
        let report = report(&events);
        assert_eq!(report.termination.letters(), *b"sD");
        assert_eq!(report.cause.as_ref().map(|cause| cause.why), Some(Why::TimedOut));
    });
}

#[test]
fn a_half_close_that_is_held_back_is_sent_once_the_server_was_silent_enough() {
    let words = pattern(3_000, 2);
    everywhere(|setup| {
        let Joined { mut rig, client, server } =
            held(setup, 2 * SECOND, StreamConfig::clone(&silent(FOREVER)));
        client.say(b"a request");
        client.end();
        rig.run_for(3 * SECOND / 2);
        assert!(!server.saw_end(), "it may not answer once it is told");
        server.say(&words);
        rig.run_for(3 * SECOND / 2);
        assert!(!server.saw_end(), "what the server says begins the time anew");
        rig.run_for(SECOND);
        assert!(server.saw_end() && !server.peer().saw_reset(), "it may wait for that");
        // A server that answers only then is received from as well.
        server.say(&words);
        rig.settle();
        assert!(client.heard() == [&words[..], &words].concat() && !client.saw_end());
        server.end();
        rig.settle();
        assert!(client.saw_end());
        let events = rig.finish();
        let report = report(&events);
        assert_eq!(report.termination.letters(), *b"--");
        assert!(report.cause.is_none());
    });
}

#[test]
fn a_server_that_is_held_up_by_its_client_is_not_silent() {
    both(|setup| {
        let Joined { mut rig, client, server } =
            held(setup, SECOND, StreamConfig::clone(&silent(FOREVER)));
        let words = pattern(600_000, 2);
        client.say(b"a request");
        client.end();
        client.peer().stall(true);
        server.say(&words);
        rig.run_for(20 * SECOND);
        assert!(!server.saw_end(), "the client takes nothing");
        client.peer().stall(false);
        rig.settle();
        assert!(client.heard() == words && !server.saw_end());
        rig.run_for(3 * SECOND / 2);
        assert!(server.saw_end());
        server.end();
        rig.settle();
        assert!(client.saw_end());
        rig.finish();
    });
}

#[test]
fn an_end_that_nothing_vouches_for_is_held_back_and_passed_on_without_goodbye() {
    let layers = Layers { front: Some(TlsVersion::Tls12), behind: Some(TlsVersion::Tls12) };
    let words = pattern(3_000, 2);
    both(|setup| {
        let Joined { mut rig, client, server } = join(layers.rig(setup, 0), layers);
        client.say(b"a request");
        rig.settle();
        client.peer().shutdown_write();
        rig.settle();
        assert!(!server.peer().saw_fin(), "it may not answer once it is told");
        server.say(&words);
        rig.settle();
        assert!(client.heard() == words);
        rig.run_for(2 * SECOND);
        assert!(server.peer().saw_fin() && !server.saw_end(), "nothing vouches for that end");
        server.end();
        rig.settle();
        assert!(client.saw_end(), "and the server's end is an end");
        client.close();
        rig.run();
        let events = rig.finish();
        assert_eq!(report(&events).termination.letters(), *b"CD");
    });
}

/// A half-closed side has its own bound.
#[test]
fn a_client_that_has_ended_behind_a_slow_server_has_the_servers_own_time() {
    let minute = 60 * SECOND;
    for behind in [None, Some(TlsVersion::Tls12), Some(TlsVersion::Tls13)] {
        both(|setup| {
            let stream =
                StreamConfig { client: 5 * SECOND, server: 10 * minute, ..StreamConfig::default() };
            let layers = Layers { front: None, behind };
            let Joined { mut rig, client, server } =
                join(layers.rig_with(setup, Arc::new(stream), HALF_CLOSES), layers);
            client.say(b"a request");
            client.end();
            rig.run_for(9 * minute);
            assert!(server.saw_end() && !client.peer().saw_fin(), "{behind:?}");
            server.say(b"an answer");
            server.end();
            rig.settle();
            assert!(client.heard() == b"an answer" && client.saw_end(), "{behind:?}");
            assert!(report(&rig.finish()).cause.is_none());
        });
    }
}
