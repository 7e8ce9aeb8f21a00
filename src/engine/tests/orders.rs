//! Every order in which the two ends of a stream can end, over every pair of data layers.

use std::sync::Arc;

use super::far_end::{FarEnd, take_all};
use super::host::{Program, silent};
use super::rig::{Rig, Setup, Weather, everywhere, yonder};
use super::stream::{pattern, report};
use super::tls::{accepting, connecting};
use crate::config::{AcceptConfig, ConnectConfig};
use crate::time::SECOND;
use crate::tls::Version;

/// What protects the bytes towards the client, and towards the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layers {
    pub(super) front: Option<Version>,
    pub(super) behind: Option<Version>,
}

impl Layers {
    /// Raw, TLS on either side, TLS on both.
    pub(super) const fn all(version: Version) -> [Self; 4] {
        let tls = Some(version);
        [
            Self { front: None, behind: None },
            Self { front: tls, behind: None },
            Self { front: None, behind: tls },
            Self { front: tls, behind: tls },
        ]
    }

    /// An engine that joins its clients with a server, so protected.
    pub(super) fn rig(self, setup: Setup, idle: u64) -> Rig {
        let config = Arc::new(self.behind.map_or_else(ConnectConfig::default, connecting));
        let mut rig =
            Rig::new(setup, Program::Forward { to: yonder(), config, stream: silent(idle) });
        rig.listen(self.front.map_or_else(AcceptConfig::default, accepting));
        rig
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    ClientFirst,
    ServerFirst,
    Both,
}

const ORDERS: [Order; 3] = [Order::ClientFirst, Order::ServerFirst, Order::Both];

/// Bytes each way: none, one, a part of a record, and more than a record. Handshakes in bad weather
/// take long, so there one has to do.
const fn sizes(setup: Setup, layers: Layers) -> &'static [usize] {
    match (setup.weather, layers) {
        (Weather::Calm, _) => &[0, 1, 3_000, 20_000],
        (_, Layers { front: None, behind: None }) => &[0, 1, 3_000],
        _ => &[1_000],
    }
}

/// A stream with both ends in hand.
struct Joined {
    rig: Rig,
    client: FarEnd,
    server: FarEnd,
}

fn join(setup: Setup, layers: Layers) -> Joined {
    let mut rig = layers.rig(setup, 0);
    let site = rig.world.serve(yonder());
    let taken = take_all(&mut rig, site, layers.behind, false, |_| {});
    let client = FarEnd::client(&mut rig, layers.front, &[]);
    rig.settle();
    let server = taken.borrow().first().cloned().expect("it came");
    Joined { rig, client, server }
}

/// One stream from its beginning to its end.
fn end_in_order(setup: Setup, layers: Layers, order: Order, in_flight: bool, size: usize) {
    let context = format!("{setup:?} {layers:?} {order:?} {in_flight} {size}");
    let Joined { mut rig, client, server } = join(setup, layers);
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
        assert!(second.saw_end(), "a half-close is passed on: {context}");
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

#[test]
fn whatever_end_comes_first_every_byte_arrives_once_and_then_the_end() {
    for layers in Layers::all(Version::Tls13) {
        everywhere(|setup| {
            for order in ORDERS {
                for in_flight in [false, true] {
                    for &size in sizes(setup, layers) {
                        end_in_order(setup, layers, order, in_flight, size);
                    }
                }
            }
        });
    }
}

/// TLS 1.2 has no half-close, so there both ends end at once.
#[test]
fn over_tls_1_2_ends_that_cross_lose_no_byte() {
    for layers in Layers::all(Version::Tls12) {
        everywhere(|setup| {
            for in_flight in [false, true] {
                for &size in sizes(setup, layers) {
                    end_in_order(setup, layers, Order::Both, in_flight, size);
                }
            }
        });
    }
}
