//! Connections that an agent opens, and those that it hands over, as either side sees them. That all else
//! is as on sockets is shown by the other tests, which run behind an agent as well.

use std::sync::Arc;

use super::far_agent::{FarAgent, agent_address};
use super::host::Program;
use super::linked::{Linked, SOCKETS, state};
use super::rig::{Rig, yonder};
use crate::config::{AcceptConfig, RemotePlan};
use crate::conn::{Detail, Direction, Op, State, Why};
use crate::engine::{
    AgentOptions, AllowList, Engine, EventKind, LinkOptions, Received, Refusal, Sent,
};
use crate::id::Id;
use crate::sim::{CallKind, ConnectResponse, SimNet};
use crate::sys::Errno;
use crate::time::{MILLISECOND, SECOND};

#[test]
fn a_connection_is_opened_by_the_agent_and_its_bytes_and_ends_pass_both_ways() {
    let mut linked = Linked::new();
    let (id, server, _site) = linked.open();
    assert_eq!(state(&linked, id), State::Established);
    let sent = linked.rig.call(|engine| engine.send(id, b"a request"));
    assert_eq!(sent, Ok(Sent::Bytes(9)));
    linked.rig.settle();
    assert_eq!(server.take_received(), b"a request");
    server.send(b"an answer");
    server.shutdown_write();
    linked.rig.settle();
    assert_eq!(linked.recv(id), (b"an answer".to_vec(), Received::End));
    assert!(!server.saw_fin(), "only one direction has ended");
    linked.rig.call(|engine| engine.shutdown(id, Direction::Write)).expect("it is open");
    linked.rig.settle();
    assert!(server.saw_fin() && !server.saw_reset());
    linked.rig.run();
    assert!(linked.rig.engine.state(id).is_err(), "both directions have ended");
    linked.finish();
}

#[test]
fn what_fails_at_the_agent_is_reported_as_if_it_had_failed_here_and_says_so() {
    for (answer, why, errno) in [
        (ConnectResponse::Refuse, Why::Refused, Some(libc::ECONNREFUSED)),
        (ConnectResponse::Silent, Why::TimedOut, None),
    ] {
        let mut linked = Linked::new();
        linked.rig.world.serve(yonder()).answer(answer);
        let plan = linked.plan();
        let id = linked.connect(plan);
        linked.rig.run();
        let cause = linked.cause(id);
        assert_eq!((cause.at, cause.why), (Some(Op::CtrlConnect), why));
        let found = match cause.detail {
            Detail::Errno(errno) => Some(errno.0),
            _ => None,
        };
        assert_eq!(found, errno, "{cause}");
        assert_eq!(cause.remote, errno.is_some(), "our own deadline is ours: {cause}");
        linked.finish();
    }
}

#[test]
fn what_the_machine_of_the_agent_lacks_is_waited_for_here_and_then_named() {
    for (call, errno) in
        [(CallKind::Socket, libc::EMFILE), (CallKind::Connect, libc::EADDRNOTAVAIL)]
    {
        let mut linked = Linked::new();
        let _site = linked.rig.world.serve(yonder());
        linked.rig.world.fail_nth(call, 1, Errno(errno), true);
        let plan = linked.plan();
        let id = linked.connect(plan.clone());
        linked.rig.run_for(10 * SECOND);
        let cause = linked.cause(id);
        let found = (cause.at, cause.why, cause.detail, cause.remote);
        let detail = Detail::Errno(Errno(errno));
        assert_eq!(found, (Some(Op::CtrlConnect), Why::LocalLimit, detail, true), "{cause}");
        let id = linked.connect(plan);
        linked.rig.run_for(SECOND);
        linked.rig.world.heal();
        linked.rig.run_for(SECOND);
        assert_eq!(state(&linked, id), State::Established, "it may become free");
        linked.rig.call(|engine| engine.abort(id)).expect("it is open");
        linked.finish();
    }
}

#[test]
fn a_reset_behind_the_agent_comes_behind_the_bytes_that_came_before_it() {
    let mut linked = Linked::new();
    let (id, server, _site) = linked.open();
    server.send(b"the last words");
    linked.rig.settle();
    server.reset();
    linked.rig.settle();
    assert_eq!(linked.recv(id), (b"the last words".to_vec(), Received::Failed(Why::Reset)));
    linked.rig.run();
    let cause = linked.cause(id);
    assert!(cause.remote && cause.detail == Detail::Errno(Errno(libc::ECONNRESET)), "{cause}");
    linked.finish();
}

#[test]
fn an_answer_is_read_though_a_reset_came_with_it() {
    let mut linked = Linked::new();
    let (id, server, _site) = linked.open();
    server.send(b"too large");
    server.reset();
    linked.rig.settle();
    assert_eq!(linked.recv(id), (b"too large".to_vec(), Received::Failed(Why::Reset)));
    linked.rig.run();
    linked.finish();
}

#[test]
fn the_agent_opens_nothing_that_is_not_allowed_and_looks_names_up() {
    let allow = AllowList::parse("10.0.0.0/8:443,*.test:443").expect("a list");
    let mut linked =
        Linked::with(AgentOptions { allow, ..FarAgent::options() }, FarAgent::link_options());
    let plan = linked.plan();
    let id = linked.connect(plan.clone());
    linked.rig.run();
    let cause = linked.cause(id);
    assert_eq!((cause.at, cause.why, cause.remote), (Some(Op::CtrlConnect), Why::Denied, true));
    assert_eq!(cause.text, "the agent does not allow connections to 203.0.113.9:443");
    let site = linked.rig.world.serve(yonder());
    linked.far().names = vec![("a.test", Ok(yonder()))];
    let named = |host: &str| RemotePlan { name: Some((host.into(), 443)), ..plan.clone() };
    let id = linked.connect(named("a.test"));
    linked.rig.settle();
    assert!(site.accept().is_some(), "an allowed name may have any address");
    assert_eq!(state(&linked, id), State::Established);
    linked.rig.call(|engine| engine.abort(id)).expect("it is open");
    let id = linked.connect(named("b.test"));
    linked.rig.run();
    assert_eq!(linked.cause(id).text, "the name \"b.test\" has no address");
    linked.finish();
}

#[test]
fn a_raw_connection_over_a_unix_link_is_passed_and_the_agent_is_out_of_its_way() {
    let mut linked = Linked::new();
    let site = linked.rig.world.serve(yonder());
    let plan = RemotePlan { takes_descriptor: true, ..linked.plan() };
    let id = linked.connect(plan);
    linked.rig.settle();
    let server = site.accept().expect("it came");
    assert_eq!(state(&linked, id), State::Established);
    let conns = linked.far().engine.wait_state().conns;
    assert_eq!(conns, 1, "the agent has the link and nothing else");
    let described = linked.rig.engine.describe(id).expect("it is there");
    assert!(!described.contains("fed="), "{described}");
    server.send(b"directly");
    linked.rig.settle();
    assert_eq!(linked.recv(id).0, b"directly");
    // The end of the agent is not its business.
    let agent = linked.far().agent;
    let world = linked.rig.world.clone();
    linked.far().call(&world, |engine| engine.remove_agent(agent)).expect("it is there");
    linked.rig.settle();
    linked.rig.call(|engine| engine.send(id, b"still there")).expect("a session");
    linked.rig.settle();
    assert_eq!(server.take_received(), b"still there");
    linked.rig.call(|engine| engine.close(id)).expect("it is open");
    server.close();
    linked.finish();
}

#[test]
fn a_connection_that_stalls_costs_its_window_and_stops_no_other() {
    const WINDOW: u32 = 8 * 1024;
    let mut linked = Linked::new();
    let (stalled, flood, site) = linked.open();
    let plan = linked.plan();
    flood.send(&vec![7; 4_000_000]);
    let other = linked.connect(plan);
    linked.rig.settle();
    let server = site.accept().expect("it came");
    server.send(b"in time");
    linked.rig.settle();
    assert_eq!(linked.recv(other).0, b"in time");
    let described = linked.rig.engine.describe(stalled).expect("it is there");
    let held: u32 = described
        .split_whitespace()
        .find_map(|word| word.strip_prefix("inbox="))
        .and_then(|held| held.parse().ok())
        .expect("it is fed");
    assert!((WINDOW..=64 * 1024).contains(&held), "{held}");
    assert!(flood.unsent() > 3_000_000, "the rest waits where it comes from");
    for id in [stalled, other] {
        linked.rig.call(|engine| engine.abort(id)).expect("it is open");
    }
    linked.finish();
}

#[test]
fn sessions_of_the_agent_are_handed_over_with_what_is_known_of_them() {
    let mut linked = Linked::new();
    let link = linked.link;
    let accepts = |engine: &mut Engine<SimNet>| {
        engine.accept_from_link(link, "web", Arc::new(AcceptConfig::default()), 7)
    };
    linked.rig.call(accepts).expect("a new name");
    assert_eq!(linked.rig.call(accepts), Err(Refusal::State), "the name is taken");
    linked.rig.settle();
    linked.far().offers = Some("web");
    let world = linked.rig.world.clone();
    linked.far().listen(&world, &super::rig::here());
    let client = linked.rig.peer();
    client.send(b"hello");
    linked.rig.settle();
    let event =
        linked.rig.host.events.iter().find(|event| matches!(event.kind, EventKind::Session));
    let (id, user) = event.map(|event| (event.id, event.user)).expect("a session");
    assert_eq!(user, 7);
    let (source, destination) = linked.rig.engine.ends(id).expect("it is there");
    assert!(source.to_string().starts_with("198.51.100.7:"), "{source}");
    assert_eq!(destination, super::rig::here());
    assert_eq!(linked.recv(id).0, b"hello");
    linked.rig.call(|engine| engine.send(id, b"welcome")).expect("a session");
    linked.rig.call(|engine| engine.close(id)).expect("it is open");
    linked.rig.settle();
    assert_eq!(client.take_received(), b"welcome");
    assert!(client.saw_fin() && !client.saw_reset());
    client.close();
    linked.rig.run();
    linked.far().close_others(&world);
    linked.finish();
}

#[test]
fn a_killed_agent_fails_what_was_open_and_delays_what_was_to_be_opened() {
    let mut linked = Linked::new();
    let (open, server, _site) = linked.open();
    let plan = linked.plan();
    let world = linked.rig.world.clone();
    linked.far().kill(&world);
    linked.rig.far = None;
    linked.rig.run_for(100 * MILLISECOND);
    assert!(server.saw_reset(), "its descriptors are gone");
    assert_eq!(linked.recv(open).1, Received::Failed(Why::Reset));
    linked.rig.run_for(100 * MILLISECOND);
    let cause = linked.cause(open);
    assert!(cause.remote && cause.why == Why::Reset, "{cause}");
    assert!(
        linked.rig.host.events.iter().any(|event| matches!(event.kind, EventKind::LinkDown(_)))
    );
    let later = linked.connect(plan.clone());
    linked.rig.run_for(SECOND);
    assert_eq!(state(&linked, later), State::Connecting, "it waits for another agent");
    linked.rig.far = Some(FarAgent::new(&world, 3, FarAgent::options()));
    linked.rig.run_for(3 * SECOND);
    assert_eq!(state(&linked, later), State::Established);
    linked.rig.call(|engine| engine.abort(later)).expect("it is open");
    linked.far().kill(&world);
    linked.rig.far = None;
    let never = linked.connect(plan);
    linked.rig.run_for(10 * SECOND);
    let cause = linked.cause(never);
    assert_eq!((cause.at, cause.why), (Some(Op::CtrlConnect), Why::TimedOut));
    assert!(cause.text.starts_with("the link to the agent at unix:@agent: "), "{cause}");
}

#[test]
fn an_agent_that_is_replaced_in_order_loses_nothing() {
    let mut linked = Linked::new();
    let (old, server, _site) = linked.open();
    let plan = linked.plan();
    let world = linked.rig.world.clone();
    let agent = linked.far().agent;
    linked.far().call(&world, |engine| engine.drain_agent(agent)).expect("it is there");
    // It crosses the news.
    let crossing = linked.connect(plan.clone());
    linked.far().stop_listening(&world);
    let successor = FarAgent::new(&world, 3, FarAgent::options());
    let first = linked.rig.far.replace(successor).expect("an agent");
    linked.rig.retired = Some(first);
    linked.rig.settle();
    let new = linked.connect(plan);
    linked.rig.settle();
    for id in [old, crossing, new] {
        assert_eq!(state(&linked, id), State::Established);
    }
    linked.rig.call(|engine| engine.send(old, b"on the old one")).expect("a session");
    linked.rig.settle();
    assert_eq!(server.take_received(), b"on the old one");
    server.close();
    for id in [old, crossing, new] {
        linked.rig.call(|engine| engine.abort(id)).expect("it is open");
    }
    linked.rig.run();
    assert!(linked.rig.retired.take().is_some_and(|first| first.is_idle()), "it may end");
    assert!(
        linked.rig.host.events.iter().all(|event| !matches!(event.kind, EventKind::LinkDown(_)))
    );
    linked.finish();
}

#[test]
fn each_connection_has_a_connection_of_the_link_to_itself_where_that_is_wanted() {
    let options = LinkOptions { channels_per_conn: 1, ..FarAgent::link_options() };
    let mut linked = Linked::with(FarAgent::options(), options);
    let _site = linked.rig.world.serve(yonder());
    let plan = linked.plan();
    let ids: Vec<Id> = (0..3).map(|_| linked.connect(plan.clone())).collect();
    linked.rig.settle();
    let agent = linked.far().agent;
    assert_eq!(linked.far().engine.agent_load(agent), Ok((4, 3)), "and one is ready for the next");
    for id in ids {
        assert_eq!(state(&linked, id), State::Established);
        linked.rig.call(|engine| engine.abort(id)).expect("it is open");
    }
    linked.rig.run();
    assert_eq!(linked.far().engine.agent_load(agent), Ok((1, 0)), "those have ended");
    linked.finish();
}

#[test]
fn whoever_is_not_admitted_is_no_client() {
    let agent = AgentOptions { uids: vec![4_711], ..FarAgent::options() };
    let mut rig = Rig::new(SOCKETS, Program::Idle);
    rig.far = Some(FarAgent::new(&rig.world, 2, agent));
    let config = FarAgent::link_config();
    let options = FarAgent::link_options();
    rig.call(|engine| engine.open_link(agent_address(), config, options)).expect("no limit");
    rig.run_for(SECOND);
    assert!(rig.host.events.is_empty(), "it never answers: {:?}", rig.host.events);
    let refused = &rig.far.as_ref().expect("an agent").refused;
    assert!(!refused.is_empty() && refused.iter().all(|why| *why == Refusal::Denied));
}
