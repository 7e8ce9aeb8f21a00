//! Limits on how fast bytes move: of streams and of sessions, in each direction.

use super::far_end::{FarEnd, take_all};
use super::host::Program;
use super::orders::Layers;
use super::rig::{
    Carrier, Context, Rig, Setup, Weather, both, closed, everywhere, on_sockets, third,
};
use super::session::{met, recv};
use super::stream::{pattern, report};
use crate::config::AcceptConfig;
use crate::conn::{Direction, Why};
use crate::cx::Trigger;
use crate::engine::{EventKind, RateLimit, Received, Refusal, Sent};
use crate::id::{Id, Kind};
use crate::sim::{CallKind, Random};
use crate::time::{FOREVER, MILLISECOND, SECOND};
use crate::tls::TlsVersion;

const KILOBYTE: usize = 1_000;
const MEGABYTE: usize = 1_000 * KILOBYTE;
const DIRECTIONS: [Direction; 2] = [Direction::Read, Direction::Write];

/// So many bytes in a second.
fn per_second(bytes: usize) -> Option<RateLimit> {
    RateLimit::new(bytes as u64, SECOND)
}

/// A stream whose client is limited, both of whose peers the test controls.
struct Joined {
    rig: Rig,
    client: FarEnd,
    server: FarEnd,
    id: Id,
}

fn join(setup: Setup, layers: Layers, idle: u64) -> Joined {
    let mut rig = layers.rig(setup, idle);
    let site = rig.world.serve(super::rig::yonder());
    let taken = take_all(&mut rig, site, layers.behind, false, |_| {});
    let client = FarEnd::client(&mut rig, layers.front, &[]);
    while taken.borrow().is_empty() || rig.host.sessions().is_empty() {
        rig.run_for(100 * MILLISECOND);
    }
    rig.settle();
    let server = taken.borrow()[0].clone();
    let id = rig.host.sessions()[0];
    Joined { rig, client, server, id }
}

impl Joined {
    fn limit(&mut self, direction: Direction, limit: Option<RateLimit>) {
        self.rig.call(|engine| engine.limit_rate(self.id, direction, limit)).expect("it is open");
    }

    /// Who sends the bytes of this direction of the client's, and who gets them.
    fn ends(&self, direction: Direction) -> (FarEnd, FarEnd) {
        match direction {
            Direction::Read => (self.client.clone(), self.server.clone()),
            Direction::Write => (self.server.clone(), self.client.clone()),
        }
    }
}

/// Raw; TLS with the client, and with both.
const LAYERS: [Layers; 4] = [
    Layers { front: None, behind: None },
    Layers { front: Some(TlsVersion::Tls13), behind: None },
    Layers { front: Some(TlsVersion::Tls12), behind: None },
    Layers { front: Some(TlsVersion::Tls13), behind: Some(TlsVersion::Tls13) },
];

#[test]
fn a_stream_moves_as_many_bytes_a_second_as_its_client_may_and_then_ends() {
    both(|setup| {
        for (layers, direction) in LAYERS
            .into_iter()
            .flat_map(|layers| DIRECTIONS.into_iter().map(move |direction| (layers, direction)))
        {
            let mut joined = join(setup, layers, 2 * SECOND);
            joined.limit(direction, per_second(100 * KILOBYTE));
            let (from, to) = joined.ends(direction);
            let bytes = pattern(MEGABYTE, 1);
            from.say(&bytes);
            from.end();
            for second in 1..10 {
                joined.rig.run_for(SECOND);
                let (heard, exact) = (to.heard().len(), second * 100 * KILOBYTE);
                // A record of TLS is taken as a whole.
                let off = exact.abs_diff(heard);
                assert!(off < 20 * KILOBYTE, "{layers:?} {direction:?} {second}: {heard}");
                assert!(!to.saw_end());
            }
            joined.rig.run_for(SECOND * 21 / 20);
            assert!(to.heard() == bytes, "{layers:?} {direction:?}: {}", to.heard().len());
            assert!(to.saw_end(), "{layers:?} {direction:?}");
            // The other direction is not limited, and goes on where TLS has half-closes.
            if !layers.is_of(TlsVersion::Tls12) {
                to.say(&bytes);
                to.end();
                joined.rig.run_for(SECOND / 2);
                assert!(from.heard() == bytes);
            } else {
                to.end();
            }
            let events = joined.rig.finish();
            assert_eq!(report(&events).termination.letters(), *b"--", "{layers:?} {direction:?}");
        }
    });
}

impl Layers {
    fn is_of(self, version: TlsVersion) -> bool {
        self.front == Some(version) || self.behind == Some(version)
    }
}

#[test]
fn both_directions_have_limits_of_their_own() {
    both(|setup| {
        let mut joined = join(setup, LAYERS[0], FOREVER);
        joined.limit(Direction::Read, per_second(10 * KILOBYTE));
        joined.limit(Direction::Write, per_second(40 * KILOBYTE));
        joined.client.say(&pattern(50 * KILOBYTE, 1));
        joined.server.say(&pattern(200 * KILOBYTE, 2));
        joined.rig.run_for(4 * SECOND);
        for (end, exact) in [(&joined.server, 40 * KILOBYTE), (&joined.client, 160 * KILOBYTE)] {
            assert!(end.heard().len().abs_diff(exact) < exact / 20, "{}", end.heard().len());
        }
        joined.rig.run_for(SECOND * 21 / 20);
        assert!(joined.server.heard() == pattern(50 * KILOBYTE, 1));
        assert!(joined.client.heard() == pattern(200 * KILOBYTE, 2));
        joined.client.end();
        joined.server.end();
        joined.rig.finish();
    });
}

#[test]
fn in_any_weather_every_byte_arrives_once_and_not_too_soon() {
    everywhere(|setup| {
        for direction in DIRECTIONS {
            let mut joined = join(setup, LAYERS[0], FOREVER);
            joined.limit(direction, per_second(KILOBYTE));
            let (from, to) = joined.ends(direction);
            let bytes = pattern(2 * KILOBYTE, 1);
            from.say(&bytes);
            from.end();
            joined.rig.run_for(SECOND);
            assert!(to.heard().len() <= KILOBYTE + 20, "{}", to.heard().len());
            assert!(bytes.starts_with(&to.heard()) && !to.heard().is_empty());
            joined.rig.run_for(30 * SECOND);
            assert!(to.heard() == bytes && to.saw_end(), "{setup:?} {direction:?}");
            to.end();
            let events = joined.rig.finish();
            assert_eq!(report(&events).termination.letters(), *b"--");
        }
    });
}

#[test]
fn while_bytes_are_held_back_nothing_is_held_in_memory_and_nobody_is_woken() {
    on_sockets(|setup| {
        for direction in DIRECTIONS {
            let mut joined = join(setup, LAYERS[0], FOREVER);
            joined.limit(direction, RateLimit::new(KILOBYTE as u64, 10 * SECOND));
            let (from, to) = joined.ends(direction);
            from.say(&pattern(MEGABYTE, 1));
            joined.rig.run_for(SECOND);
            assert_eq!(joined.rig.engine.buffers_in_use(), 0);
            assert!(from.peer().unsent() > MEGABYTE / 2, "{}", from.peer().unsent());
            let (calls, heard) = (joined.rig.world.calls(), to.heard().len());
            joined.rig.run_for(100 * SECOND);
            let heard = to.heard().len() - heard;
            assert!(heard.abs_diff(10 * KILOBYTE) <= 2, "{heard}");
            // At most a read and a write for each piece, of which there are fifty a second.
            let calls = joined.rig.world.calls() - calls;
            assert!(calls <= 2 * 50 * 100 + 10, "{calls}");
            joined.client.reset();
            joined.rig.run_for(SECOND);
            joined.server.close();
            joined.rig.finish();
        }
    });
}

#[test]
fn a_peer_that_breaks_off_ends_a_stream_whose_bytes_are_held_back() {
    everywhere(|setup| {
        for direction in DIRECTIONS {
            for client_resets in [false, true] {
                let mut joined = join(setup, LAYERS[0], FOREVER);
                joined.limit(direction, per_second(100));
                let (from, to) = joined.ends(direction);
                let bytes = pattern(KILOBYTE, 1);
                from.say(&bytes);
                joined.rig.run_for(SECOND);
                let (resets, other) = if client_resets {
                    (&joined.client, &joined.server)
                } else {
                    (&joined.server, &joined.client)
                };
                resets.reset();
                joined.rig.run_for(2 * SECOND);
                assert!(bytes.starts_with(&to.heard()));
                assert!(to.heard().len() <= 3 * 100 + 2);
                other.close();
                let events = joined.rig.finish();
                let side = report(&events).sides[usize::from(!client_resets)].as_ref();
                let cause = side.and_then(|side| side.cause.as_ref()).expect("a cause");
                assert_eq!(cause.why, Why::Reset, "{setup:?} {direction:?} {client_resets}");
            }
        }
    });
}

#[test]
fn silence_does_not_count_while_bytes_are_held_back_and_counts_again_afterwards() {
    both(|setup| {
        for direction in DIRECTIONS {
            let mut joined = join(setup, LAYERS[0], 2 * SECOND);
            joined.limit(direction, RateLimit::new(1, 10 * SECOND));
            let (from, to) = joined.ends(direction);
            from.say(b"abc");
            joined.rig.run_for(31 * SECOND);
            assert_eq!(to.heard(), b"abc", "one at once, and one after each ten seconds");
            assert!(!joined.client.saw_end() && !joined.server.saw_end());
            joined.rig.run_for(3 * SECOND);
            assert!(joined.client.saw_end() && joined.server.saw_end());
            joined.client.close();
            joined.server.close();
            let events = joined.rig.finish();
            assert_eq!(report(&events).termination.letters()[1], b'D');
        }
    });
}

#[test]
fn a_limit_that_ends_or_changes_does_so_at_once() {
    both(|setup| {
        for direction in DIRECTIONS {
            let mut joined = join(setup, LAYERS[0], FOREVER);
            joined.limit(direction, per_second(1));
            let (from, to) = joined.ends(direction);
            let bytes = pattern(100 * KILOBYTE, 1);
            from.say(&bytes);
            joined.rig.run_for(3 * SECOND);
            assert!(to.heard().len() <= 4);
            joined.limit(direction, per_second(10 * KILOBYTE));
            joined.rig.run_for(SECOND);
            assert!(to.heard().len().abs_diff(10 * KILOBYTE) < KILOBYTE, "{}", to.heard().len());
            joined.limit(direction, None);
            joined.rig.run_for(SECOND / 2);
            assert!(to.heard() == bytes);
            from.end();
            to.end();
            joined.rig.finish();
        }
    });
}

#[test]
fn a_limited_bulk_transfer_is_still_spliced() {
    on_sockets(|setup| {
        for direction in DIRECTIONS {
            let mut joined = join(setup, LAYERS[0], FOREVER);
            joined.rig.world.tune(super::bulk::broad);
            joined.limit(direction, per_second(4 * MEGABYTE));
            let (from, to) = joined.ends(direction);
            let bytes = pattern(4 * MEGABYTE, 1);
            from.say(&bytes);
            from.end();
            joined.rig.run_for(SECOND / 2);
            let heard = to.heard().len();
            assert!(heard <= 2 * MEGABYTE + 16 * 1024, "{heard}");
            joined.rig.run_for(SECOND * 11 / 20);
            assert!(to.heard() == bytes && to.saw_end(), "{}", to.heard().len());
            let splices = joined.rig.world.calls_of(CallKind::SpliceOut);
            assert!(splices > 20, "{splices}");
            to.end();
            joined.rig.finish();
        }
    });
}

#[test]
fn the_server_of_a_stream_may_be_limited_as_its_client() {
    both(|setup| {
        for direction in DIRECTIONS {
            let mut joined = join(setup, LAYERS[0], FOREVER);
            let (_, stream) = joined.rig.engine.streams.iter().next().expect("a stream");
            let server = stream.conns()[1].expect("reached");
            joined.id = joined.rig.engine.id(Kind::Conn, server);
            joined.limit(direction, per_second(100 * KILOBYTE));
            let (to, from) = joined.ends(direction);
            let bytes = pattern(100 * KILOBYTE, 1);
            from.say(&bytes);
            from.end();
            joined.rig.run_for(SECOND / 2);
            assert!(to.heard().len().abs_diff(50 * KILOBYTE) < 3 * KILOBYTE);
            joined.rig.run_for(SECOND * 11 / 20);
            assert!(to.heard() == bytes && to.saw_end());
            to.end();
            joined.rig.finish();
        }
    });
}

#[test]
fn pieces_before_the_last_are_not_kept_for_the_end() {
    on_sockets(|setup| {
        let layers = Layers { front: None, behind: Some(TlsVersion::Tls13) };
        let mut joined = join(setup, layers, FOREVER);
        joined.limit(Direction::Write, per_second(KILOBYTE));
        // One record, which is read as a whole, with the end behind it.
        let bytes = pattern(KILOBYTE / 2, 1);
        joined.server.say(&bytes);
        joined.server.end();
        joined.rig.run_for(SECOND / 10);
        let heard = joined.client.heard().len();
        assert!(heard.abs_diff(KILOBYTE / 10) <= 21, "{heard}");
        joined.rig.run_for(SECOND / 2);
        assert!(joined.client.heard() == bytes && joined.client.saw_end());
        joined.client.end();
        joined.rig.finish();
    });
}

/// Random runs.
const RUNS: u64 = 300;

#[test]
fn under_limits_that_change_at_any_time_every_byte_arrives_once() {
    for seed in 0..RUNS {
        let context = Context(format!("seed {seed}"));
        random_transfer(seed);
        drop(context);
    }
}

/// Both send, and limits begin, change and end. Some runs are broken off.
fn random_transfer(seed: u64) {
    let mut random = Random::new(seed);
    let trigger = if random.one_in(2) { Trigger::Level } else { Trigger::Edge };
    let weather = if random.one_in(2) { Weather::Calm } else { Weather::Rough };
    let setup = Setup { seed, trigger, weather, transport: third(seed) };
    let layers = LAYERS[random.below(LAYERS.len() as u64) as usize];
    let mut joined = join(setup, layers, FOREVER);
    if random.one_in(2) {
        joined.rig.world.tune(super::bulk::broad);
    }
    let [up, down] = [1, 2].map(|salt| pattern(random.below(60_000) as usize, salt));
    let (client, server) = (joined.client.clone(), joined.server.clone());
    let ends_at_once = [random.one_in(2), random.one_in(2)];
    for ((end, bytes), ends) in [(&client, &up), (&server, &down)].into_iter().zip(ends_at_once) {
        end.say(bytes);
        if ends && !layers.is_of(TlsVersion::Tls12) {
            end.end();
        }
    }
    let breaks_off = random.one_in(4);
    for _ in 0..random.below(8) {
        let period = 1 + random.below(SECOND);
        let limit = RateLimit::new(random.below(100_000), period).filter(|_| !random.one_in(4));
        let direction = DIRECTIONS[random.below(2) as usize];
        let limited = joined.rig.call(|engine| engine.limit_rate(joined.id, direction, limit));
        assert!(matches!(limited, Ok(()) | Err(Refusal::Stale)));
        joined.rig.run_for(random.below(SECOND / 5));
    }
    if breaks_off {
        let (resets, other) =
            if random.one_in(2) { (&client, &server) } else { (&server, &client) };
        resets.reset();
        joined.rig.run_for(SECOND);
        other.close();
    } else {
        for direction in DIRECTIONS {
            let fast = RateLimit::new(10_000 + random.below(MEGABYTE as u64), SECOND);
            let _ = joined.rig.call(|engine| engine.limit_rate(joined.id, direction, fast));
        }
        joined.rig.run_for(100 * SECOND);
        assert!(server.heard() == up && client.heard() == down, "{setup:?} {layers:?}");
        client.end();
        server.end();
    }
    assert!(up.starts_with(&server.heard()) && down.starts_with(&client.heard()));
    joined.rig.finish();
}

#[test]
fn a_session_is_told_to_wait_and_when_it_may_go_on() {
    both(|setup| {
        let (mut rig, peer, id) = met(setup);
        rig.call(|engine| engine.limit_rate(id, Direction::Read, per_second(KILOBYTE)))
            .expect("it is open");
        peer.send(&pattern(KILOBYTE, 1));
        rig.settle();
        assert_eq!(recv(&mut rig, id).expect("a piece").len(), 20);
        for piece in 2..=5 {
            assert_eq!(recv(&mut rig, id), Err(Received::Wait));
            let before = events(&rig, EventKind::Readable);
            rig.run_for(19 * MILLISECOND);
            assert_eq!(events(&rig, EventKind::Readable), before, "not yet");
            assert_eq!(recv(&mut rig, id), Err(Received::Wait), "not yet");
            rig.run_for(2 * MILLISECOND);
            assert_eq!(events(&rig, EventKind::Readable), before + 1);
            let heard = recv(&mut rig, id).expect("another");
            assert!((20..=21).contains(&heard.len()), "{piece}: {}", heard.len());
        }
        rig.call(|engine| engine.abort(id)).expect("it is open");
        peer.close();
        rig.finish();
    });
}

fn events(rig: &Rig, kind: EventKind) -> usize {
    let kind = std::mem::discriminant(&kind);
    rig.host.events.iter().filter(|event| std::mem::discriminant(&event.kind) == kind).count()
}

#[test]
fn a_session_may_write_a_part_and_is_told_when_it_may_go_on() {
    both(|setup| {
        let (mut rig, peer, id) = met(setup);
        rig.call(|engine| engine.limit_rate(id, Direction::Write, per_second(KILOBYTE)))
            .expect("it is open");
        let bytes = pattern(KILOBYTE, 1);
        let (first, second) = bytes.split_at(15);
        let pieces = [&[], first, second].map(std::io::IoSlice::new);
        let sent = rig.call(|engine| engine.send_vectored(id, &pieces)).expect("a session");
        assert_eq!(sent, Sent::Bytes(15), "whole pieces first");
        let sent = rig.call(|engine| engine.send_vectored(id, &pieces[2..])).expect("a session");
        assert_eq!(sent, Sent::Bytes(5), "then a part of one");
        assert_eq!(rig.call(|engine| engine.send_vectored(id, &pieces)), Ok(Sent::Wait));
        assert_eq!(rig.call(|engine| engine.send(id, &bytes)), Ok(Sent::Wait));
        assert_eq!(rig.call(|engine| engine.send(id, &[])), Ok(Sent::Bytes(0)));
        assert_eq!(events(&rig, EventKind::Writable), 0);
        rig.run_for(22 * MILLISECOND);
        assert_eq!(events(&rig, EventKind::Writable), 1);
        let Ok(Sent::Bytes(n)) = rig.call(|engine| engine.send(id, &bytes[20..])) else {
            panic!("it was told")
        };
        assert!((20..=23).contains(&n), "{n}");
        rig.settle();
        assert_eq!(peer.received(), bytes[..20 + n]);
        rig.call(|engine| engine.close(id)).expect("it is open");
        peer.close();
        rig.finish();
    });
}

#[test]
fn an_echo_of_a_limited_session_takes_its_time_in_any_weather() {
    super::rig::everywhere_here(|setup| {
        for (direction, tls) in DIRECTIONS
            .into_iter()
            .flat_map(|direction| [(direction, None), (direction, Some(TlsVersion::Tls13))])
        {
            // A byte of the wire at a time, a record takes longer than the limit.
            if setup.weather != Weather::Calm && tls.is_some() {
                continue;
            }
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(tls.map_or_else(AcceptConfig::default, super::tls::accepting));
            let client = FarEnd::client(&mut rig, tls, &[]);
            while rig.host.sessions().is_empty() {
                rig.run_for(100 * MILLISECOND);
            }
            let id = rig.host.sessions()[0];
            rig.call(|engine| engine.limit_rate(id, direction, per_second(KILOBYTE)))
                .expect("it is open");
            let bytes = pattern(2 * KILOBYTE, 1);
            client.say(&bytes);
            client.end();
            rig.run_for(SECOND);
            let heard = client.heard().len();
            assert!(heard <= KILOBYTE + 20, "{setup:?} {direction:?} {heard}");
            rig.run_for(if setup.weather == Weather::Calm {
                SECOND * 11 / 10
            } else {
                30 * SECOND
            });
            assert!(client.heard() == bytes && client.saw_end(), "{setup:?} {direction:?}");
            assert_eq!(closed(&rig.finish()).cause, None);
        }
    });
}

#[test]
fn the_idle_time_of_a_session_does_not_count_while_it_may_not_go_on() {
    both(|setup| {
        let (mut rig, peer, id) = met(setup);
        rig.call(|engine| engine.limit_rate(id, Direction::Read, RateLimit::new(1, 10 * SECOND)))
            .expect("it is open");
        rig.call(|engine| engine.set_idle_timeout(id, Some(3 * SECOND))).expect("a session");
        peer.send(b"abc");
        rig.settle();
        assert_eq!(recv(&mut rig, id), Ok(b"a".to_vec()));
        assert_eq!(recv(&mut rig, id), Err(Received::Wait));
        let before = events(&rig, EventKind::Readable);
        rig.run_for(9 * SECOND);
        assert_eq!(events(&rig, EventKind::Readable), before);
        // It begins again when the bytes may move.
        rig.run_for(3 * SECOND + SECOND / 2);
        assert_eq!(recv(&mut rig, id), Ok(b"b".to_vec()), "{:?}", rig.host.events);
        rig.run_for(4 * SECOND);
        peer.close();
        assert_eq!(closed(&rig.finish()).cause.as_ref().map(|cause| cause.why), Some(Why::Idle));
    });
}

const CALM: Setup =
    Setup { seed: 1, trigger: Trigger::Level, weather: Weather::Calm, transport: Carrier::Socket };

#[test]
fn the_description_of_a_connection_has_its_limits() {
    let (mut rig, peer, id) = met(CALM);
    let describe = |rig: &Rig| rig.engine.describe(id).expect("it is open");
    assert!(!describe(&rig).contains("limit"));
    for (direction, bytes) in [(Direction::Read, 3), (Direction::Write, 5)] {
        rig.call(|engine| engine.limit_rate(id, direction, per_second(bytes))).expect("it is open");
    }
    let line = describe(&rig);
    assert!(line.contains(" limit_in=3/1000000000ns limit_out=5/1000000000ns "), "{line}");
    rig.call(|engine| engine.limit_rate(id, Direction::Read, None)).expect("it is open");
    let line = describe(&rig);
    assert!(!line.contains("limit_in=") && line.contains(" limit_out=5/1000000000ns "), "{line}");
    rig.call(|engine| engine.abort(id)).expect("it is open");
    peer.close();
    rig.finish();
}

#[test]
fn a_connection_without_limits_keeps_nothing_for_them() {
    let (mut rig, peer, id) = met(CALM);
    let keeps = |rig: &Rig| rig.engine.conn(id).expect("open").facts.rare.is_some();
    assert!(!keeps(&rig));
    rig.call(|engine| engine.limit_rate(id, Direction::Read, None)).expect("it is open");
    assert!(!keeps(&rig));
    rig.call(|engine| engine.limit_rate(id, Direction::Read, per_second(1))).expect("it is open");
    assert!(keeps(&rig));
    rig.call(|engine| engine.close(id)).expect("it is open");
    peer.close();
    rig.run();
    let stale = rig.call(|engine| engine.limit_rate(id, Direction::Read, None));
    assert_eq!(stale, Err(Refusal::Stale));
    rig.finish();
}
