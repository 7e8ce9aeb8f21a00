//! Backends under simulation: which stream gets which server, which waits, what is tried again, and
//! which servers are healthy.

use std::sync::Arc;

use super::farm::{
    DELAY, Farm, address, close_all, options, reported, reports, server, the_report,
};
use super::rig::{Rig, Setup, both, both_here, everywhere, on_sockets, on_sockets_everywhere};
use crate::backend::{
    Admin, BackendConfig, HealthConfig, Recovery, Redispatch, Retries, ServerChange, ServerConfig,
    ServerIndex,
};
use crate::config::{ConnectConfig, SendProxy};
use crate::conn::{Detail, Why};
use crate::engine::{BackendOptions, ServerEvent};
use crate::sim::{CallKind, ConnectResponse, Peer, RemoteServer};
use crate::sys::{Errno, Fd};
use crate::time::SECOND;

#[test]
fn streams_go_to_the_servers_in_turn_and_carry_their_bytes() {
    everywhere(|setup| {
        let mut farm = Farm::new(setup, options(), (0..3).map(server).collect());
        let mut peers = Vec::new();
        for round in 0..6 {
            let client = farm.client(format!("hello {round}").as_bytes());
            let peer = farm.sites[round % 3].accept().expect("it is its turn");
            assert_eq!(peer.received(), format!("hello {round}").as_bytes());
            peer.send(b"answer");
            farm.rig.settle();
            assert_eq!(client.received(), b"answer");
            peers.extend([client, peer]);
        }
        close_all(&peers);
        let events = farm.finish();
        let mut servers: Vec<_> = reports(&events).iter().map(|report| report.server).collect();
        servers.sort_unstable();
        assert_eq!(servers, [0, 0, 1, 1, 2, 2].map(Some));
        for report in reports(&events) {
            assert_eq!((report.attempts, report.queued), (1, 0));
            assert_eq!(report.termination.letters(), *b"--");
        }
    });
}

#[test]
fn who_finds_every_place_taken_waits_and_is_served_in_order() {
    everywhere(|setup| {
        let one = ServerConfig { maxconn: 1, ..server(0) };
        let mut farm = Farm::new(setup, options(), vec![one]);
        let clients: Vec<Peer> =
            (0..4).map(|i| farm.client(format!("word {i}").as_bytes())).collect();
        for (i, client) in clients.iter().enumerate() {
            let peer = farm.sites[0].accept().expect("a place came free");
            assert!(farm.sites[0].accept().is_none(), "one at a time");
            farm.rig.settle();
            assert_eq!(peer.received(), format!("word {i}").as_bytes());
            if i == 0 {
                assert_described(&farm);
            }
            let waiting = &clients[i..];
            assert!(waiting.iter().all(|client| !client.saw_fin()), "nobody is sent away");
            let now = farm.rig.engine.backend_stats(farm.backend, None).expect("it is there");
            assert_eq!((now.streams.now, now.queue.now), (1, 3 - i as u32));
            peer.close();
            client.close();
            farm.rig.settle();
        }
        let events = farm.finish();
        assert_eq!(reports(&events).len(), 4);
        assert!(reports(&events).iter().filter(|report| report.queued > 0).count() <= 3);
    });
}

/// What the last of four streams waits for can be read.
fn assert_described(farm: &Farm) {
    let last = *farm.rig.host.streams.last().expect("four streams");
    let line = farm.rig.engine.describe_stream(last).expect("it is there");
    for word in ["client=EST", "server=QUE", "attempts=0", "queue_ahead=2", "waits=slot"] {
        assert!(line.split(' ').any(|found| found == word), "{word} is not in: {line}");
    }
}

#[test]
fn a_place_is_free_as_soon_as_the_server_is_done_however_long_the_client_takes() {
    both(|setup| {
        let one = ServerConfig { maxconn: 1, ..server(0) };
        let mut farm = Farm::new(setup, options(), vec![one]);
        let slow = farm.client(b"first");
        slow.stall(true);
        let peer = farm.sites[0].accept().expect("it came");
        peer.send(&vec![1; 10_000]);
        peer.close();
        slow.shutdown_write();
        farm.rig.settle();
        let next = farm.client(b"second");
        let second = farm.sites[0].accept().expect("the place is free");
        assert_eq!(second.received(), b"second");
        slow.stall(false);
        close_all(&[slow, next, second]);
        farm.finish();
    });
}

#[test]
fn waiting_has_an_end_in_time_and_in_number() {
    both(|setup| {
        let one = ServerConfig { maxconn: 1, maxqueue: 1, ..server(0) };
        let config = BackendConfig { maxqueue: 1, ..options().config };
        let mut farm = Farm::new(setup, BackendOptions { config, ..options() }, vec![one]);
        let clients: Vec<Peer> = (0..3).map(|_| farm.client(b"word")).collect();
        assert!(clients[2].saw_fin() || clients[2].saw_reset(), "no room to wait in");
        farm.rig.run_for(6 * SECOND);
        assert!(clients[1].saw_fin() || clients[1].saw_reset(), "it has waited long enough");
        assert!(!clients[0].saw_fin());
        close_all(&clients);
        let events = farm.finish();
        let mut ends: Vec<_> =
            reports(&events).iter().map(|report| report.termination.letters()).collect();
        ends.sort_unstable();
        assert_eq!(ends, [*b"--", *b"PQ", *b"sQ"]);
    });
}

#[test]
fn a_client_that_leaves_the_queue_leaves_no_place_behind() {
    everywhere(|setup| {
        for reset in [false, true] {
            let one = ServerConfig { maxconn: 1, ..server(0) };
            let mut farm = Farm::new(setup, options(), vec![one]);
            let first = farm.client(b"first");
            let (silent, patient) = (farm.client(b""), farm.client(b"third"));
            if reset {
                silent.reset();
            } else {
                silent.shutdown_write();
            }
            farm.rig.settle();
            let waiting = farm.rig.engine.backend_stats(farm.backend, None).expect("it is there");
            assert_eq!(waiting.queue.now, 1, "it waits no more: {reset}");
            let peer = farm.sites[0].accept().expect("it came");
            close_all(&[first, peer, silent]);
            farm.rig.settle();
            let peer = farm.sites[0].accept().expect("the next is served");
            assert_eq!(peer.received(), b"third");
            close_all(&[peer, patient]);
            let events = farm.finish();
            let gone = reports(&events)
                .into_iter()
                .filter(|report| report.termination.letters() == *b"CQ")
                .count();
            assert_eq!(gone, 1);
        }
    });
}

#[test]
fn a_refused_attempt_is_repeated_after_a_pause_with_the_same_first_bytes() {
    everywhere(|setup| {
        let connect = ConnectConfig { send_proxy: Some(SendProxy::V1), ..Default::default() };
        let one = ServerConfig { connect: Arc::new(connect), ..server(0) };
        let mut farm = Farm::new(setup, options(), vec![one]);
        farm.sites[0].answer(ConnectResponse::Refuse);
        let client = farm.client(b"request");
        farm.rig.run_for(DELAY + DELAY / 2);
        farm.sites[0].answer(ConnectResponse::Accept);
        assert!(farm.sites[0].accept().is_none());
        farm.rig.run_for(DELAY);
        let peer = farm.sites[0].accept().expect("the third attempt");
        let received = peer.received();
        assert!(received.starts_with(b"PROXY TCP4 "), "{received:?}");
        assert!(received.ends_with(b"\r\nrequest"), "{received:?}");
        close_all(&[client, peer]);
        let events = farm.finish();
        let report = the_report(&events);
        assert_eq!((report.attempts, report.termination.letters()), (3, *b"--"));
    });
}

#[test]
fn an_attempt_that_is_not_answered_in_time_is_repeated_and_the_client_hears_of_none() {
    both(|setup| {
        let mut farm = Farm::new(setup, options(), vec![server(0)]);
        farm.sites[0].answer(ConnectResponse::Silent);
        let client = farm.client(b"word");
        farm.rig.run_for(ConnectConfig::default().timeouts.connect);
        farm.sites[0].answer(ConnectResponse::Accept);
        farm.rig.run_for(2 * DELAY);
        assert!(!client.saw_fin() && !client.saw_reset());
        let peer = farm.sites[0].accept().expect("the second attempt");
        assert_eq!(peer.received(), b"word");
        peer.send(b"answer");
        farm.rig.settle();
        assert_eq!(client.received(), b"answer");
        close_all(&[client, peer]);
        farm.finish();
    });
}

#[test]
fn the_last_attempt_goes_to_another_server_and_then_there_is_none() {
    everywhere(|setup| {
        for other_works in [true, false] {
            let mut farm = Farm::new(setup, options(), (0..2).map(server).collect());
            farm.sites[0].answer(ConnectResponse::Refuse);
            if !other_works {
                farm.sites[1].answer(ConnectResponse::Refuse);
            }
            let client = farm.client(b"request");
            farm.rig.run_for(4 * DELAY);
            let peer = farm.sites[1].accept();
            assert_eq!(peer.is_some(), other_works);
            if let Some(peer) = &peer {
                assert_eq!(peer.received(), b"request");
                peer.close();
            }
            client.close();
            let events = farm.finish();
            let report = the_report(&events);
            let (letters, why) =
                if other_works { (b"--", None) } else { (b"SC", Some(Why::Refused)) };
            assert_eq!(report.termination.letters(), *letters);
            assert_eq!(report.cause.as_ref().map(|cause| cause.why), why);
            assert_eq!((report.attempts, report.server), (4, Some(1)));
        }
    });
}

#[test]
fn what_this_machine_lacks_is_no_fault_of_the_server() {
    on_sockets(|setup| {
        let health = HealthConfig { connect_errors: 1, recovery: Recovery::Trial(SECOND) };
        let one = ServerConfig { health, ..server(0) };
        let mut farm = Farm::new(setup, options(), vec![one]);
        farm.rig.world.fail_nth(CallKind::Socket, 1, Errno(libc::EMFILE), false);
        let client = farm.client(b"request");
        farm.rig.run_for(2 * DELAY);
        let peer = farm.sites[0].accept().expect("the second attempt");
        assert_eq!(peer.received(), b"request");
        let one = farm.rig.engine.backend_stats(farm.backend, Some(ServerIndex(0)));
        assert_eq!(one.expect("it is there").counters.connect_errors, 0);
        close_all(&[client, peer]);
        let events = farm.finish();
        assert!(reported(&events).is_empty(), "it never went down");
    });
}

#[test]
fn errors_in_a_row_bring_a_server_down_and_time_gives_it_another_chance() {
    both(|setup| {
        let health = HealthConfig { connect_errors: 2, recovery: Recovery::Trial(10 * SECOND) };
        let servers = (0..2).map(|i| ServerConfig { health, ..server(i) }).collect();
        let mut farm = Farm::new(setup, options(), servers);
        farm.sites[0].answer(ConnectResponse::Refuse);
        let mut peers = vec![farm.client(b"one")];
        farm.rig.run_for(3 * DELAY);
        for _ in 0..3 {
            peers.push(farm.client(b"more"));
        }
        let served: Vec<Peer> = std::iter::from_fn(|| farm.sites[1].accept()).collect();
        assert_eq!(served.len(), 4, "nobody is sent to a server that is down");
        farm.sites[0].answer(ConnectResponse::Accept);
        farm.rig.run_for(10 * SECOND);
        for _ in 0..2 {
            peers.push(farm.client(b"again"));
        }
        peers.push(farm.sites[0].accept().expect("it is tried again"));
        peers.extend(served);
        close_all(&peers);
        let events = farm.finish();
        assert_eq!(
            reported(&events)[..2],
            [(0, ServerEvent::Down(false)), (0, ServerEvent::Up(false))]
        );
    });
}

#[test]
fn a_server_that_drains_keeps_its_streams_and_gets_no_more() {
    everywhere(|setup| {
        for admin in [Admin::Drain, Admin::Maintenance] {
            let mut farm = Farm::new(setup, options(), (0..2).map(server).collect());
            let first = farm.client(b"first");
            let kept = farm.sites[0].accept().expect("its turn");
            farm.set(0, ServerChange::Admin(admin));
            let others: Vec<Peer> = (0..3).map(|_| farm.client(b"more")).collect();
            assert!(farm.sites[0].accept().is_none());
            let served: Vec<Peer> = std::iter::from_fn(|| farm.sites[1].accept()).collect();
            assert_eq!(served.len(), 3);
            kept.send(b"still here");
            farm.rig.settle();
            assert_eq!(first.received(), b"still here");
            farm.set(0, ServerChange::Admin(Admin::Ready));
            let back: Vec<Peer> = (0..2).map(|_| farm.client(b"back")).collect();
            let again = farm.sites[0].accept().expect("it serves again");
            close_all(&[first, kept, again]);
            close_all(&others);
            close_all(&served);
            close_all(&back);
            farm.finish();
        }
    });
}

#[test]
fn without_a_usable_server_a_stream_ends_and_an_unknown_address_is_asked_for() {
    everywhere(|setup| {
        let nameless = ServerConfig { addresses: vec![], ..server(0) };
        let mut farm = Farm::new(setup, options(), vec![nameless]);
        let early = farm.client(b"early");
        assert!(early.saw_fin() && !early.saw_reset());
        early.close();
        farm.rig.settle();
        farm.set(0, ServerChange::Addresses(vec![address(0)]));
        let late = farm.client(b"late");
        let peer = farm.sites[0].accept().expect("it is known now");
        assert_eq!(peer.received(), b"late");
        close_all(&[late, peer]);
        let events = farm.finish();
        assert_eq!(reported(&events)[0], (0, ServerEvent::Resolve));
        let first = reports(&events)[0];
        assert_eq!(first.termination.letters(), *b"SC");
        assert_eq!(first.cause.as_ref().map(|cause| cause.why), Some(Why::Unreachable));
    });
}

/// Three clients, two servers with one slot each; `prepare` plans the faults.
fn busy_farm(setup: Setup, prepare: impl Fn(&Rig)) -> Farm {
    let retries = Retries { retries: 2, redispatch: Redispatch::Last, delay: SECOND };
    let config = BackendConfig { retries, ..options().config };
    let servers = (0..2).map(|i| ServerConfig { maxconn: 1, ..server(i) }).collect();
    let mut farm = Farm::new(setup, BackendOptions { config, ..options() }, servers);
    prepare(&farm.rig);
    let sites = std::mem::take(&mut farm.sites);
    farm.rig.actors.push(Box::new(move || {
        let Some(peer) = sites.iter().find_map(RemoteServer::accept) else { return false };
        peer.send(b"answer");
        peer.shutdown_write();
        true
    }));
    let clients: Vec<Peer> = (0..3)
        .map(|_| {
            let client = farm.rig.peer();
            client.send(b"request");
            client.shutdown_write();
            client
        })
        .collect();
    farm.rig.run_for(30 * SECOND);
    farm.rig.world.heal();
    farm.rig.run_for(30 * SECOND);
    // A fault that was no real reset leaves the peers waiting for each other.
    clients.iter().for_each(Peer::reset);
    farm
}

#[test]
fn a_farm_survives_every_fault_of_every_call() {
    const FAULTS: [(CallKind, &[i32]); 7] = [
        (CallKind::Socket, &[libc::EMFILE, libc::ENOBUFS]),
        (CallKind::Set, &[libc::EINVAL]),
        (CallKind::Connect, &[libc::ECONNREFUSED, libc::ETIMEDOUT, libc::EADDRNOTAVAIL]),
        (CallKind::Recv, &[libc::ECONNRESET, libc::ETIMEDOUT]),
        (CallKind::Send, &[libc::EPIPE, libc::ENOBUFS]),
        (CallKind::ShutdownWrite, &[libc::ENOTCONN]),
        (CallKind::Accept, &[libc::EMFILE]),
    ];
    both(|setup| {
        let calm = busy_farm(setup, |_| {});
        let counts = FAULTS.map(|(call, _)| calm.rig.world.calls_of(call));
        let events = calm.finish();
        assert!(reports(&events).iter().all(|report| report.termination.letters() == *b"--"));
        for ((call, errnos), count) in FAULTS.into_iter().zip(counts) {
            for (errno, nth) in errnos.iter().flat_map(|errno| (1..=count).map(move |n| (errno, n)))
            {
                for ever_after in [false, true] {
                    let fault = format!("{call:?} {nth} {errno} {ever_after}");
                    let context = super::rig::Context(fault);
                    let farm = busy_farm(setup, |rig| {
                        rig.world.fail_nth(call, nth, Errno(*errno), ever_after);
                    });
                    let events = farm.finish();
                    let accepted = reports(&events).len();
                    assert!(accepted <= 3);
                    drop(context);
                }
            }
        }
    });
}

#[test]
fn what_this_machine_lacks_is_waited_for_and_is_no_attempt() {
    both_here(|setup| {
        for (call, errno) in [
            (CallKind::Socket, libc::EMFILE),
            (CallKind::Socket, libc::ENFILE),
            (CallKind::Connect, libc::ENOBUFS),
            (CallKind::Connect, libc::EADDRNOTAVAIL),
        ] {
            for heals in [true, false] {
                let mut farm = Farm::new(setup, options(), vec![server(0)]);
                let first = farm.rig.world.calls_of(call) + 1;
                farm.rig.world.fail_nth(call, first, Errno(errno), true);
                let client = farm.client(b"request");
                farm.rig.run_for(3 * SECOND);
                assert_eq!(farm.sites[0].accept().map(drop), None);
                assert!(client.is_connected());
                if heals {
                    farm.rig.world.heal();
                    farm.rig.run_for(SECOND);
                    let server = farm.sites[0].accept().expect("it came");
                    assert_eq!(server.received(), b"request");
                    server.close();
                } else {
                    farm.rig.run_for(60 * SECOND);
                    farm.rig.world.heal();
                }
                client.close();
                let events = farm.finish();
                let report = the_report(&events);
                if heals {
                    assert_eq!((report.attempts, report.cause.is_some()), (1, false));
                } else {
                    let cause = report.cause.as_ref().expect("a cause");
                    assert_eq!(cause.why, Why::LocalLimit);
                    assert_eq!(cause.detail, Detail::Errno(Errno(errno)));
                    assert_eq!(report.termination.letters(), *b"RC");
                }
            }
        }
    });
}

#[test]
fn another_attempt_begins_when_the_descriptor_of_the_last_is_given_back() {
    on_sockets_everywhere(|setup| {
        let mut once_more = options();
        once_more.config.retries.retries = 1;
        let mut farm = Farm::new(setup, once_more, (0..2).map(server).collect());
        farm.sites[0].answer(ConnectResponse::Refuse);
        // Room for the client and one attempt in addition to what is open.
        let open = farm.rig.world.open_fds().into_iter().max().expect("it listens");
        farm.rig.world.tune(|knobs| knobs.fd_limit = Fd(open.0 + 3));
        let client = farm.client(b"word");
        let peer = farm.sites[1].accept().expect("the other server");
        assert_eq!(peer.received(), b"word");
        assert_eq!(farm.rig.world.calls_of(CallKind::Socket), 2, "no call is in vain");
        farm.rig.world.tune(|knobs| knobs.fd_limit = Fd(1_024));
        close_all(&[client, peer]);
        farm.finish();
    });
}
