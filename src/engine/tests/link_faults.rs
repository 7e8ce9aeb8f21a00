//! A client or an agent that breaks the protocol of a link: the other side says what was wrong, frees what
//! it held, and goes on.

use std::sync::Arc;

use super::far_agent::{FarAgent, agent_address};
use super::host::Program;
use super::linked::SOCKETS;
use super::rig::{Rig, yonder};
use crate::config::{AcceptConfig, ConnectConfig, RemotePlan, TransportKind};
use crate::engine::{ConnectOptions, Engine, EventKind};
use crate::id::Id;
use crate::sim::{Peer, RemoteServer, SimNet};
use crate::sys::Addr;
use crate::time::{MILLISECOND, SECOND};
use crate::wire::remote::RemoteFrame::{
    Close, Closed, Credit, Data, End, Goaway, Hello, Incoming, Listen, Open, Opened, Ping, Pong,
    Reset,
};
use crate::wire::remote::{
    GoawayReason, PAYLOAD_MAX, Parsed, RemoteClosed, RemoteFrame, RemoteHello, RemoteIncoming,
    RemoteOpen, RemoteOpened, RemoteTarget, VERSION, parse, write,
};

const WINDOW: u32 = 64 * 1024;
const END: RemoteFrame<'static> = End { truncated: false };

type Said<'a> = Vec<(u32, RemoteFrame<'a>)>;

fn frames(said: &Said<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (channel, frame) in said {
        write(&mut bytes, *channel, frame);
    }
    bytes
}

fn hello_of(lowest: u16, highest: u16) -> RemoteFrame<'static> {
    Hello(RemoteHello { lowest, highest, channels: 100, passes: false })
}

fn hello() -> RemoteFrame<'static> {
    hello_of(VERSION, VERSION)
}

fn open() -> RemoteFrame<'static> {
    let target = RemoteTarget::Addr(yonder());
    Open(RemoteOpen { window: WINDOW, target, source: None, takes_descriptor: false })
}

fn opened(descriptor: bool) -> RemoteFrame<'static> {
    Opened(RemoteOpened { window: WINDOW, local: None, peer: None, descriptor })
}

fn incoming(name: &'static str) -> RemoteFrame<'static> {
    Incoming(RemoteIncoming {
        window: WINDOW,
        name,
        peer: None,
        local: None,
        proxy_header: &[],
        tls: None,
        descriptor: false,
    })
}

fn closed() -> RemoteFrame<'static> {
    Closed(RemoteClosed { begun: true, failure: None })
}

/// The reason of the GOAWAY in what a peer received.
fn goaway(peer: &Peer) -> Option<GoawayReason> {
    let bytes = peer.received();
    let mut rest = &bytes[..];
    while let Parsed::Whole { frame, len, .. } = parse(rest) {
        if let Goaway { reason, text } = frame {
            assert!(!text.is_empty(), "it says why");
            return Some(reason);
        }
        rest = &rest[len..];
    }
    None
}

/// An agent in a world in which clients are played by hand.
struct Agent {
    rig: Rig,
    site: RemoteServer,
}

impl Agent {
    fn new() -> Self {
        let mut rig = Rig::new(SOCKETS, Program::Idle);
        rig.far = Some(FarAgent::new(&rig.world, 2, FarAgent::options()));
        let site = rig.world.serve(yonder());
        Self { rig, site }
    }

    fn client(&mut self, bytes: &[u8]) -> Peer {
        let client = self.rig.world.connect(&agent_address(), Addr::Unix(Box::default()));
        client.send(bytes);
        self.rig.settle();
        client
    }

    fn far(&self) -> &FarAgent {
        self.rig.far.as_ref().expect("an agent")
    }

    /// Why the last client was given up.
    fn cause(&self) -> String {
        let last = self.far().events.iter().rev().find_map(|event| match &event.kind {
            EventKind::Closed(record) if record.bytes_in > 0 => record.cause.clone(),
            _ => None,
        });
        last.map(|cause| cause.text.into_owned()).unwrap_or_default()
    }

    /// Checks that the agent still serves, and holds nothing of clients that are gone.
    fn check(&mut self) {
        let client = self.client(&frames(&vec![(0, hello()), (1, open())]));
        let bytes = client.received();
        let Parsed::Whole { frame: Hello(_), len, .. } = parse(&bytes) else {
            panic!("no HELLO: {bytes:?}");
        };
        let Parsed::Whole { frame: Opened(_), .. } = parse(&bytes[len..]) else {
            panic!("no OPENED: {bytes:?}");
        };
        client.close();
        self.rig.run();
        let far = self.far();
        assert_eq!(far.engine.agent_load(far.agent), Ok((0, 0)));
        assert_eq!((far.engine.wait_state().conns, far.engine.buffers_in_use()), (0, 0));
    }
}

#[test]
fn a_client_that_breaks_the_protocol_is_told_what_was_wrong_and_given_up() {
    let big = [0; PAYLOAD_MAX];
    let begun = || vec![(0, hello()), (1, open())];
    let malformed = GoawayReason::Malformed;
    // What is sent at once, what is sent once that was answered, and what is answered to it.
    let cases: Vec<(Said<'_>, Said<'_>, GoawayReason, &str)> = vec![
        (vec![(0, Ping(1))], vec![], malformed, "the first frame is not HELLO"),
        (vec![(0, hello()), (0, hello())], vec![], malformed, "a second HELLO"),
        (
            vec![(0, hello_of(7, 9))],
            vec![],
            GoawayReason::Version,
            "versions 7 to 9 are spoken there, version 1 here",
        ),
        (begun(), vec![(1, open())], malformed, "channel 1 was begun before"),
        (begun(), vec![(3, Close)], malformed, "channel 3, which was never begun"),
        (begun(), vec![(3, Credit(1))], malformed, "channel 3, which was never begun"),
        (
            begun(),
            // More than the server's system and the window of the channel hold.
            (0..100).map(|_| (1, Data(&big))).collect(),
            GoawayReason::Credit,
            "DATA beyond the credit of channel 1",
        ),
        (begun(), vec![(1, END), (1, Data(b"x"))], malformed, "DATA behind END, channel 1"),
        (begun(), vec![(1, END), (1, END)], malformed, "a second END, channel 1"),
        (begun(), vec![(1, Close), (1, Close)], malformed, "a second CLOSE, channel 1"),
        (begun(), vec![(1, Credit(5))], GoawayReason::Credit, "takes some back"),
        (begun(), vec![(0, Pong(5))], malformed, "a PONG that answers no PING"),
        (begun(), vec![(1, closed())], malformed, "does not fit the state of channel 1"),
        (begun(), vec![(2, incoming("x"))], malformed, "only the other side sends"),
        (vec![(0, hello()), (1, open()), (1, Data(b"x"))], vec![], malformed, "does not fit"),
    ];
    for (first, then, reason, text) in cases {
        let mut agent = Agent::new();
        let client = agent.client(&frames(&first));
        if let Some(server) = agent.site.accept() {
            server.stall(true);
        }
        client.send(&frames(&then));
        agent.rig.settle();
        assert_eq!(goaway(&client), Some(reason), "{text}");
        client.close();
        agent.rig.run();
        let cause = agent.cause();
        assert!(cause.starts_with("the link: ") && cause.contains(text), "{cause}: {text}");
        agent.check();
    }
    let mut agent = Agent::new();
    let client = agent.client(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(goaway(&client), Some(malformed));
    client.close();
    agent.check();
}

#[test]
fn a_client_cut_off_at_any_byte_leaves_nothing_at_the_agent() {
    let talk = frames(&vec![
        (0, hello()),
        (0, Listen { name: "web", stop: false }),
        (1, open()),
        (3, open()),
        (0, Ping(7)),
        (1, Credit(100_000)),
        (3, Reset),
    ]);
    let mut agent = Agent::new();
    for cut in 0..=talk.len() {
        let client = agent.client(&talk[..cut]);
        if cut % 2 == 0 {
            client.close()
        } else {
            client.reset()
        }
        agent.rig.run();
    }
    agent.check();
}

#[test]
fn a_flood_of_opens_is_bounded_by_what_a_client_may_have() {
    let mut agent = Agent::new();
    let mut said = vec![(0, hello())];
    said.extend((0..30_000).map(|i| (2 * i + 1, open())));
    let client = agent.client(&frames(&said));
    // Those beyond the number are refused, and one that goes on all the same is given up.
    assert_eq!(goaway(&client), Some(GoawayReason::Limit));
    agent.rig.run();
    assert_eq!(agent.far().engine.wait_state().conns, 0);
    client.close();
    agent.rig.run();
    agent.check();
}

/// An engine whose agent is played by hand.
struct Client {
    rig: Rig,
    site: RemoteServer,
    plan: RemotePlan,
}

impl Client {
    fn new() -> Self {
        let mut rig = Rig::new(SOCKETS, Program::Idle);
        let site = rig.world.serve(agent_address());
        let (config, options) = (FarAgent::link_config(), FarAgent::link_options());
        let link = rig.call(|engine| engine.open_link(agent_address(), config, options));
        let link = link.expect("no limit");
        let accepts = |engine: &mut Engine<SimNet>| {
            engine.accept_from_link(link, "web", Arc::new(AcceptConfig::default()), 0)
        };
        rig.call(accepts).expect("a new name");
        rig.settle();
        let plan = RemotePlan { link, name: None, tls: None, takes_descriptor: false };
        Self { rig, site, plan }
    }

    fn agent(&mut self) -> Peer {
        self.site.accept().expect("the link is connected")
    }

    fn connect(&mut self) -> Id {
        let transport = TransportKind::Link(Box::new(self.plan.clone()));
        let config = Arc::new(ConnectConfig { transport, ..ConnectConfig::default() });
        let asked =
            self.rig.call(|engine| engine.connect(yonder(), config, &ConnectOptions::default()));
        let id = asked.expect("no limit");
        self.rig.settle();
        id
    }

    /// Ends the link, and checks that nothing is left.
    fn finish(mut self, id: Id) {
        let link = self.plan.link;
        for id in self.rig.host.sessions().into_iter().chain([id]) {
            // Most have ended already.
            let _ = self.rig.call(|engine| engine.abort(id));
        }
        self.rig.call(|engine| engine.close_link(link)).expect("it is open");
        self.rig.run_for(SECOND);
        while let Some(peer) = self.site.accept() {
            peer.close();
        }
        self.rig.run();
        assert_eq!(self.rig.engine.wait_state().conns, 0);
        assert_eq!(self.rig.engine.buffers_in_use(), 0);
    }
}

#[test]
fn an_agent_that_breaks_the_protocol_is_told_what_was_wrong_and_left() {
    let big = [0; PAYLOAD_MAX];
    let malformed = GoawayReason::Malformed;
    let flood = (0..5).map(|_| (1, Data(&big[..])));
    let cases: Vec<(Said<'_>, GoawayReason)> = vec![
        (vec![(1, opened(false))], malformed),
        (vec![(0, hello()), (1, Data(b"x"))], malformed),
        (vec![(0, hello()), (1, opened(false)), (1, opened(false))], malformed),
        (vec![(0, hello()), (3, opened(false))], malformed),
        (vec![(0, hello()), (1, opened(true))], malformed),
        (vec![(0, hello()), (0, Pong(3))], malformed),
        (vec![(0, hello()), (1, Close)], malformed),
        (
            [(0, hello()), (1, opened(false))].into_iter().chain(flood).collect(),
            GoawayReason::Credit,
        ),
        (vec![(0, hello()), (1, opened(false)), (1, END), (1, END)], malformed),
        (vec![(0, hello()), (2, incoming("web")), (2, incoming("web"))], malformed),
        (vec![(0, hello()), (2, incoming("web")), (2, Data(b"x"))], GoawayReason::Credit),
    ];
    for (said, reason) in cases {
        let mut client = Client::new();
        let agent = client.agent();
        let id = client.connect();
        agent.send(&frames(&said));
        client.rig.settle();
        assert_eq!(goaway(&agent), Some(reason), "{said:?}");
        agent.close();
        client.rig.run_for(10 * SECOND);
        client.finish(id);
    }
}

#[test]
fn a_closed_link_ends_though_its_agent_says_nothing_more() {
    let mut client = Client::new();
    let agent = client.agent();
    let id = client.connect();
    agent.send(&frames(&vec![(0, hello()), (1, opened(false))]));
    client.rig.settle();
    client.rig.call(|engine| engine.abort(id)).expect("it is open");
    let link = client.plan.link;
    client.rig.call(|engine| engine.close_link(link)).expect("it is open");
    client.rig.run();
    let mut ends = client.rig.host.events.iter();
    assert!(ends.any(|event| matches!(event.kind, EventKind::LinkClosed) && event.id == link));
    assert_eq!(client.rig.engine.wait_state().conns, 0);
}

#[test]
fn a_flood_of_connections_that_nobody_takes_is_bounded() {
    let mut client = Client::new();
    let agent = client.agent();
    let id = client.connect();
    let mut said = vec![(0, hello()), (1, opened(false))];
    said.extend((1..25_000).map(|i| (2 * i, incoming("unknown"))));
    agent.send(&frames(&said));
    client.rig.settle();
    assert_eq!(goaway(&agent), Some(GoawayReason::Limit));
    agent.close();
    client.rig.run_for(10 * SECOND);
    client.finish(id);
}

/// How often a client connects in ten seconds to an agent that says this and closes.
fn asked(said: &Said<'_>) -> u32 {
    let mut client = Client::new();
    let mut asked = 0;
    for _ in 0..1_000 {
        while let Some(agent) = client.site.accept() {
            asked += 1;
            agent.send(&frames(said));
            agent.shutdown_write();
        }
        client.rig.run_for(10 * MILLISECOND);
    }
    let id = client.connect();
    client.finish(id);
    asked
}

#[test]
fn an_agent_that_sends_everybody_away_is_not_asked_without_end() {
    let goaway = |reason| (0, Goaway { reason, text: "not now" });
    for (said, most) in [
        (vec![goaway(GoawayReason::Denied)], 30),
        (vec![goaway(GoawayReason::Restart)], 30),
        // It has answered: the next pause is a short one.
        (vec![(0, hello()), goaway(GoawayReason::Restart)], 510),
        (vec![(0, hello())], 510),
    ] {
        let asked = asked(&said);
        assert!((2..=most).contains(&asked), "{asked} times: {said:?}");
    }
}

#[test]
fn an_agent_that_allows_no_channel_is_connected_to_once() {
    let mut client = Client::new();
    let agent = client.agent();
    let none = Hello(RemoteHello { lowest: 1, highest: 1, channels: 0, passes: false });
    agent.send(&frames(&vec![(0, none), (2, incoming("web"))]));
    client.rig.settle();
    assert!(client.site.accept().is_none() && client.rig.host.sessions().len() == 1);
    let id = client.rig.host.sessions()[0];
    agent.close();
    client.rig.run_for(SECOND);
    client.finish(id);
}

#[test]
fn whoever_closes_each_connection_at_once_is_not_asked_without_end() {
    let mut client = Client::new();
    let mut asked = 0;
    for _ in 0..100 {
        while let Some(agent) = client.site.accept() {
            asked += 1;
            agent.close();
        }
        client.rig.run_for(100 * MILLISECOND);
    }
    assert!((8..30).contains(&asked), "{asked} times in ten seconds");
    let id = client.connect();
    client.finish(id);
}

#[test]
fn an_agent_cut_off_at_any_byte_fails_what_was_open_and_nothing_is_left() {
    let talk = frames(&vec![
        (0, hello()),
        (1, opened(false)),
        (1, Data(b"some bytes")),
        (2, incoming("web")),
        (4, incoming("unknown")),
        (1, END),
        (1, closed()),
    ]);
    for cut in 0..=talk.len() {
        let mut client = Client::new();
        let agent = client.agent();
        let id = client.connect();
        agent.send(&talk[..cut]);
        client.rig.settle();
        if cut % 2 == 0 {
            agent.close()
        } else {
            agent.reset()
        }
        client.rig.run_for(10 * SECOND);
        client.finish(id);
    }
}
