//! Fed connections as whoever moves their bytes sees them: what is asked, what a report does, and which
//! reports are refused. That everything else is as on sockets is shown by the other tests, which run on
//! both.

use std::sync::Arc;

use super::rig::yonder;
use crate::config::{AcceptConfig, ConnectConfig, SendProxy, TransportKind};
use crate::conn::{Op, Why};
use crate::engine::{
    ConnectOptions, Engine, EngineOptions, EventKind, FedAsk, FedAsks, FedOrigin, HostOp,
    ListenerOptions, Received, Record, Refusal, Sent,
};
use crate::id::{Id, Kind};
use crate::sim::{SimNet, World};
use crate::slab::Key;
use crate::sys::{Addr, Errno};
use crate::time::{MILLISECOND, SECOND, Time};

const WINDOW: u32 = 1_000;
const RESET: Errno = Errno(libc::ECONNRESET);

/// An engine whose fed connections are served by hand.
struct Hand {
    world: World,
    engine: Engine<SimNet>,
    events: Vec<(Id, EventKind)>,
}

impl Hand {
    fn new() -> Self {
        let world = World::new(1);
        let options = EngineOptions {
            fed_inbox_bytes: WINDOW,
            fed_outbox_bytes: WINDOW,
            ..EngineOptions::default()
        };
        let engine = Engine::new(world.net(), 1, 1, options, world.now());
        Self { world, engine, events: Vec::new() }
    }

    /// A session that was fed.
    fn session() -> (Self, Id) {
        let mut hand = Self::new();
        let config = Arc::new(AcceptConfig::default());
        let id = hand.engine.feed(yonder(), FedOrigin::default(), config, 0).expect("no limit");
        hand.run();
        assert!(matches!(hand.events[..], [(of, EventKind::Session)] if of == id));
        assert_eq!(hand.asks(id), FedAsks::RECEIVE);
        (hand, id)
    }

    /// An outgoing connection that asks to be opened.
    fn outgoing(config: ConnectConfig) -> (Self, Id) {
        let mut hand = Self::new();
        let config = Arc::new(ConnectConfig { transport: TransportKind::Fed, ..config });
        let id = hand.engine.connect(yonder(), config, &ConnectOptions::default());
        let id = id.expect("no limit");
        hand.run();
        (hand, id)
    }

    fn run(&mut self) {
        self.engine.begin(self.world.now());
        self.engine.on_deadline();
        self.engine.on_turn();
        loop {
            while let Some(event) = self.engine.next_event() {
                self.events.push((event.id, event.kind));
            }
            self.engine.settle();
            if !self.engine.has_events() {
                return;
            }
        }
    }

    fn wait(&mut self, nanoseconds: u64) {
        let until = self.world.now() + nanoseconds;
        self.world.advance_to(until);
        self.run();
    }

    fn ask(&mut self) -> Option<FedAsk> {
        self.run();
        self.engine.next_ask()
    }

    /// What the only ask is about, which is this connection's; nothing if there is none.
    #[track_caller]
    fn asks(&mut self, id: Id) -> FedAsks {
        let Some(ask) = self.ask() else { return FedAsks::empty() };
        assert_eq!(ask.conn, id);
        assert_eq!(self.ask(), None, "one ask for one connection");
        ask.asks
    }

    fn recv(&mut self, id: Id, most: usize) -> Received {
        let mut space = vec![0; most];
        self.engine.recv(id, &mut space).expect("a session")
    }

    /// The record of the only end.
    #[track_caller]
    fn end(&self) -> &Record {
        let mut ends = self.events.iter().filter_map(|(_, kind)| match kind {
            EventKind::Closed(record) => Some(&**record),
            _ => None,
        });
        let end = ends.next().expect("an end");
        assert!(ends.next().is_none(), "one end");
        end
    }
}

#[test]
fn a_full_inbox_takes_no_more_and_asks_again_once_half_of_it_is_free() {
    let (mut hand, id) = Hand::session();
    let bytes = [7; WINDOW as usize + 500];
    assert_eq!(hand.engine.fed_received(id, &bytes), Ok(WINDOW as usize));
    assert_eq!(hand.asks(id), FedAsks::empty(), "receiving is not asked for any more");
    assert_eq!(hand.engine.fed_received(id, &bytes), Ok(0));
    assert_eq!(hand.recv(id, 100), Received::Bytes(100));
    assert_eq!(
        hand.engine.fed_received(id, &bytes),
        Ok(100),
        "room is used whenever there is some"
    );
    assert_eq!(hand.recv(id, 499), Received::Bytes(499));
    assert_eq!(hand.asks(id), FedAsks::empty());
    assert_eq!(hand.recv(id, 2), Received::Bytes(2));
    assert_eq!(hand.asks(id), FedAsks::RECEIVE);
}

#[test]
fn bytes_wait_until_they_are_reported_as_sent_and_the_window_bounds_them() {
    let (mut hand, id) = Hand::session();
    assert_eq!(hand.engine.send(id, &[1; 400]), Ok(Sent::Bytes(400)));
    let ask = hand.ask().expect("bytes wait");
    assert_eq!((ask.asks, ask.unsent), (FedAsks::RECEIVE | FedAsks::SEND, 400));
    assert_eq!(hand.engine.send(id, &[2; 900]), Ok(Sent::Bytes(600)));
    assert_eq!(hand.engine.send(id, &[3; 1]), Ok(Sent::Wait));
    assert_eq!(hand.ask().map(|ask| ask.unsent), Some(1_000), "what was added is asked for too");
    assert_eq!(hand.engine.fed_unsent(id).map(<[u8]>::len), Ok(1_000), "nobody has taken any");
    hand.engine.fed_sent(id, 400).expect("so many wait");
    assert_eq!(hand.engine.fed_unsent(id).map(|unsent| (unsent.len(), unsent[0])), Ok((600, 2)));
    assert_eq!(hand.asks(id), FedAsks::empty(), "the rest was asked for");
    hand.engine.fed_sent(id, 600).expect("so many wait");
    hand.run();
    assert!(matches!(hand.events.last(), Some((_, EventKind::Writable))));
}

#[test]
fn reports_that_do_not_fit_are_refused_and_change_nothing() {
    let (mut hand, id) = Hand::session();
    assert_eq!(hand.engine.fed_opened(id, None), Err(Refusal::State));
    assert_eq!(hand.engine.fed_failed(id, RESET), Err(Refusal::State));
    assert_eq!(hand.engine.fed_sent(id, 1), Err(Refusal::Argument));
    hand.engine.fed_ended(id).expect("it is open");
    assert_eq!(hand.engine.fed_ended(id), Err(Refusal::State));
    assert_eq!(hand.engine.fed_received(id, b"late"), Err(Refusal::State));
    assert_eq!(hand.recv(id, 1), Received::End);
    let other = Id::new(Kind::Conn, 2, Key { generation: 1, slot: 0 });
    assert_eq!(hand.engine.fed_ended(other), Err(Refusal::WrongEngine));
    let stale = Id::new(Kind::Conn, 1, Key { generation: 1, slot: 77 });
    assert_eq!(hand.engine.fed_ended(stale), Err(Refusal::Stale));
    let kind = Id::new(Kind::Stream, 1, Key { generation: 1, slot: 0 });
    assert_eq!(hand.engine.fed_ended(kind), Err(Refusal::WrongKind));
    let (mut hand, id) = Hand::outgoing(ConnectConfig::default());
    assert_eq!(hand.engine.fed_received(id, b"early"), Err(Refusal::State));
    assert_eq!(hand.engine.fed_closed(id), Err(Refusal::State));
    assert_eq!(hand.engine.fed_hung_up(id, RESET), Err(Refusal::State));
}

#[test]
fn a_token_made_of_a_fed_connection_s_number_is_of_no_descriptor() {
    let (mut hand, id) = Hand::session();
    let token = Id::new(Kind::ConnFd, 1, id.key());
    assert_eq!(hand.engine.on_ready(token, crate::ctrl::Io::IN), Err(Refusal::Stale));
}

#[test]
fn a_close_waits_for_its_report_and_a_reset_may_follow_it() {
    for resets in [false, true] {
        let (mut hand, id) = Hand::session();
        hand.engine.fed_ended(id).expect("it is open");
        hand.engine.close(id).expect("it is open");
        // Its own direction is ended by the close, as nothing more is to come.
        assert_eq!(hand.asks(id), FedAsks::CLOSE);
        hand.wait(3_600 * SECOND);
        assert_eq!(hand.events.len(), 1, "the host may take as long as it likes");
        if resets {
            hand.engine.abort(id).expect("it is not over");
            assert_eq!(hand.asks(id), FedAsks::RESET);
        }
        hand.engine.fed_closed(id).expect("it asked");
        hand.run();
        assert_eq!(hand.end().cause.is_some(), resets);
        assert_eq!(hand.engine.fed_closed(id), Err(Refusal::Stale));
        assert_eq!(hand.engine.buffers_in_use(), 0);
    }
}

#[test]
fn a_failure_is_noticed_though_nobody_reads_and_bytes_before_it_are_read() {
    let (mut hand, id) = Hand::session();
    hand.engine.fed_received(id, b"the last").expect("it is open");
    hand.engine.fed_hung_up(id, RESET).expect("it is open");
    assert_eq!(hand.recv(id, 64), Received::Bytes(8));
    assert_eq!(hand.recv(id, 64), Received::Failed(Why::Reset));
    assert_eq!(hand.asks(id), FedAsks::RESET);
    hand.engine.fed_closed(id).expect("it asked");
    hand.run();
    assert_eq!(hand.end().cause.as_ref().map(|cause| cause.why), Some(Why::Reset));
}

#[test]
fn what_ends_below_without_being_asked_to_is_a_failure_and_the_last_word() {
    let (mut hand, id) = Hand::session();
    hand.engine.fed_closed(id).expect("it is open");
    assert_eq!(hand.recv(id, 64), Received::Failed(Why::Reset));
    assert_eq!(hand.asks(id), FedAsks::empty());
    assert_eq!(hand.end().cause.as_ref().map(|cause| cause.why), Some(Why::Reset));
}

#[test]
fn an_attempt_asks_once_to_be_opened_and_says_where() {
    let source = Addr::parse("192.0.2.9:0").expect("an address");
    let config = ConnectConfig { source: source.clone().into(), ..ConnectConfig::default() };
    let (mut hand, id) = Hand::outgoing(config);
    let ask = hand.ask().expect("it is to be opened");
    assert_eq!((ask.conn, ask.asks), (id, FedAsks::OPEN));
    assert_eq!(ask.open, Some((yonder(), Some(source.clone()))));
    assert_eq!(hand.ask(), None);
    hand.engine.fed_opened(id, Some(source.clone())).expect("it asked");
    hand.run();
    assert!(matches!(hand.events[..], [(_, EventKind::Connected)]));
    assert_eq!(hand.engine.socket_ends(id), Ok((yonder(), source)));
}

#[test]
fn a_failure_to_open_has_the_errno_and_a_lack_of_resources_is_waited_for() {
    let (mut hand, id) = Hand::outgoing(ConnectConfig::default());
    assert_eq!(hand.asks(id), FedAsks::OPEN);
    hand.engine.fed_failed(id, Errno(libc::EMFILE)).expect("it asked");
    assert_eq!(hand.asks(id), FedAsks::empty());
    hand.wait(150 * MILLISECOND);
    assert_eq!(hand.asks(id), FedAsks::OPEN, "it is asked again after a pause");
    hand.engine.fed_failed(id, Errno(libc::ECONNREFUSED)).expect("it asked");
    hand.run();
    let cause = hand.end().cause.as_ref().expect("a cause");
    assert_eq!((cause.at, cause.why), (Some(Op::CtrlConnect), Why::Refused));
}

#[test]
fn a_lack_of_resources_below_a_fed_connection_stops_no_listener() {
    let (mut hand, id) = Hand::outgoing(ConnectConfig::default());
    let options = ListenerOptions::default();
    let here = super::rig::here();
    let accept = Arc::new(AcceptConfig::default());
    hand.engine.listen(&super::rig::listening(&here), accept, options).expect("a listener");
    assert_eq!(hand.asks(id), FedAsks::OPEN);
    hand.engine.fed_failed(id, Errno(libc::ENOMEM)).expect("it asked");
    hand.run();
    let from = Addr::parse("198.51.100.7:20001").expect("an address");
    let _peer = hand.world.connect(&here, from);
    hand.wait(50 * MILLISECOND);
    let Some(HostOp::Interest { token, .. }) = hand.engine.next_host_op() else {
        panic!("a listener is announced")
    };
    hand.engine.on_ready(token, crate::ctrl::Io::IN).expect("a token");
    hand.run();
    assert!(matches!(hand.events[..], [(_, EventKind::Session)]), "{:?}", hand.events);
}

#[test]
fn reports_that_cross_a_failure_are_no_mistakes() {
    let (mut hand, id) = Hand::session();
    assert_eq!(hand.engine.send(id, &[1; 100]), Ok(Sent::Bytes(100)));
    assert!(hand.asks(id).contains(FedAsks::SEND));
    hand.engine.fed_hung_up(id, RESET).expect("it is open");
    hand.run();
    assert_eq!(hand.engine.fed_sent(id, 100), Ok(()));
    assert_eq!(hand.engine.fed_unsent(id).map(<[u8]>::len), Ok(0));
}

#[test]
fn a_lack_of_resources_that_lasts_is_named_when_the_time_is_over() {
    let (mut hand, id) = Hand::outgoing(ConnectConfig::default());
    for _ in 0..200 {
        if hand.asks(id).contains(FedAsks::OPEN) {
            hand.engine.fed_failed(id, Errno(libc::EMFILE)).expect("it asked");
        }
        hand.wait(50 * MILLISECOND);
    }
    let cause = hand.end().cause.as_ref().expect("a cause");
    assert_eq!((cause.at, cause.why), (Some(Op::CtrlConnect), Why::LocalLimit));
}

#[test]
fn an_attempt_that_is_given_up_is_closed_and_a_late_opening_changes_nothing() {
    let (mut hand, id) = Hand::outgoing(ConnectConfig::default());
    assert_eq!(hand.asks(id), FedAsks::OPEN);
    hand.wait(10 * SECOND);
    let asks = hand.asks(id);
    assert!(asks.intersects(FedAsks::CLOSE | FedAsks::RESET), "{asks:?}");
    hand.engine.fed_opened(id, None).expect("it may come late");
    assert_eq!(hand.asks(id), FedAsks::empty());
    hand.engine.fed_closed(id).expect("it asked");
    hand.run();
    assert_eq!(hand.end().cause.as_ref().map(|cause| cause.why), Some(Why::TimedOut));
}

#[test]
fn a_header_is_part_of_reaching_a_server_and_counts_once_it_is_taken() {
    let config = ConnectConfig { send_proxy: Some(SendProxy::V1), ..ConnectConfig::default() };
    let (mut hand, id) = Hand::outgoing(config);
    assert_eq!(hand.asks(id), FedAsks::OPEN);
    hand.engine.fed_opened(id, None).expect("it asked");
    let ask = hand.ask().expect("the header waits");
    assert!(ask.asks.contains(FedAsks::SEND) && hand.events.is_empty());
    hand.engine.fed_sent(id, ask.unsent).expect("so many wait");
    hand.run();
    assert!(matches!(hand.events[..], [(_, EventKind::Connected)]));
}

#[test]
fn the_last_bytes_are_given_up_only_when_nothing_takes_any_for_the_linger_time() {
    let (mut hand, id) = Hand::session();
    let linger = AcceptConfig::default().close_options.linger;
    assert_eq!(hand.engine.send(id, &[1; 10]), Ok(Sent::Bytes(10)));
    hand.engine.fed_ended(id).expect("it is open");
    hand.engine.close(id).expect("it is open");
    for _ in 0..4 {
        hand.wait(linger - SECOND);
        hand.engine.fed_sent(id, 1).expect("so many wait");
    }
    assert_eq!(hand.engine.fed_unsent(id).map(<[u8]>::len), Ok(6));
    hand.wait(linger + SECOND);
    assert_eq!(hand.asks(id), FedAsks::RESET);
    hand.engine.fed_closed(id).expect("it asked");
    hand.run();
    assert_eq!((hand.end().bytes_out, hand.end().lost), (4, 6));
}

#[test]
fn what_needs_a_descriptor_is_refused() {
    let (mut hand, id) = Hand::session();
    assert_eq!(hand.engine.take_fd(id).map(|_| ()), Err(Refusal::Unsupported));
    let described = hand.engine.describe(id).expect("it is there");
    assert!(
        described.contains(" fed=open asks=receive inbox=0 inbox_max=1000 outbox=0"),
        "{described}"
    );
    assert!(hand.engine.metrics().contains("vestibule_fed_connections 1"));
}

/// A connection's time that has come is dealt with before what is reported at that time.
#[test]
fn what_is_reported_after_a_deadline_does_not_count_as_in_time() {
    let mut hand = Hand::new();
    let proxied = super::header::proxied();
    let span = proxied.timeouts.proxy;
    let peer = Addr::parse("198.51.100.7:20001").expect("an address");
    let id = hand.engine.feed(peer, FedOrigin::default(), Arc::new(proxied), 0).expect("no limit");
    hand.run();
    let late = hand.world.now() + span + SECOND;
    hand.world.advance_to(late);
    hand.engine.begin(Time(late.0));
    let header = b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\n";
    assert!(hand.engine.fed_received(id, header).is_ok(), "a closing connection drops them");
    hand.run();
    let asks = hand.asks(id);
    assert!(asks.intersects(FedAsks::CLOSE | FedAsks::RESET), "{asks:?}");
    hand.engine.fed_closed(id).expect("it asked");
    hand.run();
    assert_eq!(hand.end().cause.as_ref().map(|cause| cause.why), Some(Why::TimedOut));
}
