//! TLS that the agent does: what the connecting side is told of it.

use std::cell::RefCell;
use std::rc::Rc;

use super::far_agent::FarAgent;
use super::linked::{Linked, state};
use super::rig::yonder;
use super::tls_peer::{Shared, pair, serve};
use crate::config::{RemotePlan, RemoteTlsPlan};
use crate::conn::{Detail, Op, State, Why};
use crate::engine::{AgentOptions, Engine, Sent};
use crate::sim::SimNet;
use crate::tls::TlsVersion;

/// An engine with a link to an agent that has the profile "inner", the servers' ends of what that opens
/// at [`yonder`], and the plan of such a connection.
fn linked_with_tls(
    version: TlsVersion,
    agent: AgentOptions,
) -> (Linked, Rc<RefCell<Vec<Shared>>>, RemotePlan) {
    let mut linked = Linked::with(agent, FarAgent::link_options());
    let (client, server) = pair(version);
    let (peers, actor) = serve(linked.rig.world.serve(yonder()), server, |_| {});
    linked.rig.actors.push(actor);
    let agent = linked.far().agent;
    let world = linked.rig.world.clone();
    let added = |engine: &mut Engine<SimNet>| engine.add_agent_tls(agent, "inner", client);
    linked.far().call(&world, added).expect("an agent");
    let plan = RemotePlan { tls: inner("a.test"), ..linked.plan() };
    (linked, peers, plan)
}

/// The profile "inner" with this name of the server.
fn inner(server_name: &str) -> Option<RemoteTlsPlan> {
    Some(RemoteTlsPlan { profile: "inner".into(), server_name: server_name.into() })
}

#[test]
fn tls_is_the_agents_and_its_facts_and_failures_are_told() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let (mut linked, peers, plan) = linked_with_tls(version, FarAgent::options());
        let id = linked.connect(plan.clone());
        linked.rig.settle();
        assert_eq!(state(&linked, id), State::Established);
        let facts = linked.rig.engine.negotiated(id).expect("it is there").expect("TLS");
        assert_eq!((facts.version, facts.server_name), (version, Some("a.test")));
        assert!(facts.peer_chain().len() > 0 && facts.suite_name.starts_with("TLS_"));
        let described = linked.rig.engine.describe(id).expect("it is there");
        assert!(described.contains(" data=remote-tls "), "{described}");
        linked.rig.call(|engine| engine.send(id, b"secret")).expect("a session");
        linked.rig.settle();
        let peer = peers.borrow()[0].clone();
        assert_eq!(peer.borrow().got, b"secret");
        peer.borrow_mut().say(b"an answer");
        linked.rig.settle();
        assert_eq!(linked.recv(id).0, b"an answer");
        linked.rig.call(|engine| engine.close(id)).expect("it is open");
        linked.rig.run();
        let outer = RemoteTlsPlan { profile: "outer".into(), server_name: "a.test".into() };
        let unknown = linked.connect(RemotePlan { tls: Some(outer), ..plan.clone() });
        linked.rig.run();
        let cause = linked.cause(unknown);
        assert_eq!((cause.at, cause.why, cause.remote), (Some(Op::TlsConnect), Why::Denied, true));
        assert_eq!(cause.text, "the agent has no TLS profile \"outer\"");
        let wrong = linked.connect(RemotePlan { tls: inner("b.test"), ..plan });
        linked.rig.settle();
        let cause = linked.cause(wrong);
        assert_eq!((cause.at, cause.why, cause.remote), (Some(Op::TlsConnect), Why::Denied, true));
        assert!(matches!(cause.detail, Detail::Alert(_)), "{cause}");
        linked.rig.run();
        linked.finish();
    }
}

#[test]
fn an_upload_over_tls_of_the_agent_goes_on_when_the_server_does() {
    let agent = AgentOptions { channel_window_bytes: 16 * 1024, ..FarAgent::options() };
    let (mut linked, peers, plan) = linked_with_tls(TlsVersion::Tls13, agent);
    let id = linked.connect(plan);
    linked.rig.settle();
    let peer = peers.borrow()[0].clone();
    peer.borrow().peer.stall(true);
    let (bytes, mut sent) = (vec![7; 2_000_000], 0);
    let mut stalled = false;
    while sent < bytes.len() {
        match linked.rig.call(|engine| engine.send(id, &bytes[sent..])).expect("a session") {
            Sent::Bytes(n) => sent += n,
            Sent::Wait => {
                linked.rig.settle();
                if !std::mem::replace(&mut stalled, true) {
                    assert!(sent < 1_000_000, "{sent} bytes are held");
                    peer.borrow().peer.stall(false);
                    linked.rig.settle();
                }
            }
            Sent::Failed(why) => panic!("{why:?}"),
        }
    }
    linked.rig.settle();
    assert!(stalled && peer.borrow().got == bytes);
    linked.rig.call(|engine| engine.abort(id)).expect("it is open");
    linked.finish();
}
