//! What the simulator guarantees: what a test can rely on when it scripts a peer or plans a fault.

use std::io::IoSlice;

use super::*;
use crate::sys::{Addr, Credentials, Errno, Family, Fd, ListenSpec, Net, SockOpt};
use crate::time::{MILLISECOND, SECOND};

mod splicing;

const IN_PROGRESS: Errno = Errno(libc::EINPROGRESS);
const EMFILE: Errno = Errno(libc::EMFILE);

fn addr(text: &str) -> Addr {
    Addr::parse(text).expect("an address")
}

fn spec(at: &Addr) -> ListenSpec {
    ListenSpec {
        addr: at.clone(),
        backlog: 4,
        reuse_port: false,
        v6_only: false,
        defer_accept: 0,
        mode: None,
        owner: None,
        exclusive: false,
    }
}

fn here() -> Addr {
    addr("192.0.2.1:80")
}

fn there() -> Addr {
    addr("198.51.100.7:50000")
}

fn listen(net: &mut SimNet, at: &Addr) -> Fd {
    net.listen(&spec(at)).expect("nobody else is there")
}

/// A world in which a peer has connected: the world, the engine's side, the peer, the listener and the
/// connection.
fn met(seed: u64) -> (World, SimNet, Peer, Fd, Fd) {
    let world = World::new(seed);
    let mut net = world.net();
    let listener = listen(&mut net, &here());
    let peer = world.connect(&here(), there());
    world.settle();
    let (fd, _) = net.accept(listener).expect("it waits");
    (world, net, peer, listener, fd)
}

fn hear(net: &mut SimNet, fd: Fd) -> Result<Vec<u8>, Errno> {
    let mut buf = [0; 4096];
    net.recv(fd, &mut buf).map(|n| buf[..n].to_vec())
}

fn say(net: &mut SimNet, fd: Fd, bytes: &[u8]) -> Result<usize, Errno> {
    net.send(fd, &[IoSlice::new(bytes)], false)
}

#[test]
fn a_peer_arrives_in_the_backlog_after_a_while_and_has_its_address() {
    let world = World::new(1);
    let mut net = world.net();
    let any = addr("[::]:80");
    let listener = listen(&mut net, &any);
    let peer = world.connect(&here(), there());
    assert_eq!(net.accept(listener), Err(Errno::AGAIN));
    assert!(!world.readiness(listener).read);
    world.settle();
    assert!(world.readiness(listener).read && peer.is_connected());
    let (fd, from) = net.accept(listener).expect("it waits");
    assert_eq!(from, there());
    assert_eq!(net.peer(fd), Ok(there()));
    assert_eq!(net.local(fd), Ok(here()), "and not the wildcard");
    assert_eq!(world.options(fd), [SockOpt::NoDelay], "inherited");
    assert_eq!(world.trace(), "listen - 3\naccept 3 E11\naccept 3 4\npeer 4 0\nlocal 4 0\n");
    assert_eq!((world.calls(), world.calls_of(CallKind::Accept)), (5, 2));
}

#[test]
fn a_script_may_speak_and_end_before_it_is_connected() {
    let world = World::new(1);
    let mut net = world.net();
    let listener = listen(&mut net, &here());
    let speaks = world.connect(&here(), there());
    speaks.send(b"hello");
    speaks.close();
    let refused = world.connect(&addr("192.0.2.1:81"), there());
    world.settle();
    let (fd, _) = net.accept(listener).expect("it waits");
    assert_eq!(hear(&mut net, fd), Ok(b"hello".to_vec()));
    assert_eq!(hear(&mut net, fd), Ok(vec![]));
    assert_eq!(refused.error(), Some(Errno(libc::ECONNREFUSED)));
}

#[test]
fn a_server_answers_as_it_is_told() {
    let world = World::new(1);
    let mut net = world.net();
    let server = world.serve(here());
    let mut outcome = |answer| {
        server.answer(answer);
        let start = world.now();
        let fd = net.socket(Family::V4).expect("a socket");
        let mut result = net.connect(fd, &here());
        while result == Err(IN_PROGRESS) && !world.readiness(fd).write {
            world.advance_to(world.next_event().expect("something is under way"));
        }
        if result == Err(IN_PROGRESS) {
            result = net.connect(fd, &here());
        }
        net.close(fd);
        (result.map_err(|errno| errno.0), world.now().since(start) / SECOND)
    };
    assert_eq!(outcome(ConnectResponse::Accept), (Ok(()), 0));
    assert_eq!(outcome(ConnectResponse::Refuse), (Err(libc::ECONNREFUSED), 0));
    assert_eq!(outcome(ConnectResponse::Unreachable), (Err(libc::EHOSTUNREACH), 0));
    assert_eq!(outcome(ConnectResponse::NoRoute), (Err(libc::ENETUNREACH), 0));
    assert_eq!(outcome(ConnectResponse::Silent), (Err(libc::ETIMEDOUT), 127));
    let peer = server.accept().expect("the first one");
    assert!(server.accept().is_none());
    world.settle();
    assert!(peer.saw_fin() && !peer.saw_reset());
}

#[test]
fn a_full_backlog_is_eagain_on_a_unix_socket_and_a_second_try_on_tcp() {
    let world = World::new(1);
    let mut net = world.net();
    let at = addr("unix:/run/server");
    let unix = world.serve(at.clone());
    unix.answer(ConnectResponse::Full);
    let fd = net.socket(Family::Unix).expect("a socket");
    assert_eq!(net.connect(fd, &at), Err(Errno::AGAIN));
    unix.answer(ConnectResponse::Accept);
    assert_eq!(net.connect(fd, &at), Ok(()));
    let credentials = Credentials { uid: 7, gid: 8 };
    unix.accept().expect("it waits").set_credentials(credentials);
    assert_eq!(net.peer_credentials(fd), Ok(credentials));

    let tcp = world.serve(here());
    tcp.answer(ConnectResponse::Full);
    let fd = net.socket(Family::V4).expect("a socket");
    assert_eq!(net.connect(fd, &here()), Err(IN_PROGRESS));
    world.settle();
    tcp.answer(ConnectResponse::Accept);
    assert!(!world.readiness(fd).write);
    world.advance_to(world.now() + 2 * SECOND);
    assert!(world.readiness(fd).write);
}

#[test]
fn a_read_split_at_every_byte_comes_in_two_parts_at_two_times() {
    let text = b"0123456789";
    for split in 1..text.len() {
        let (world, mut net, peer, _, fd) = met(split as u64);
        world.tune(|knobs| knobs.split_reads_at = Some(split as u64));
        peer.send(text);
        world.advance_to(world.next_event().expect("it is under way"));
        assert_eq!(hear(&mut net, fd), Ok(text[..split].to_vec()));
        assert_eq!(hear(&mut net, fd), Err(Errno::AGAIN));
        world.settle();
        assert_eq!(hear(&mut net, fd), Ok(text[split..].to_vec()));
    }
}

#[test]
fn a_write_split_at_every_byte_is_taken_in_two_parts() {
    let text = b"0123456789";
    for split in 1..text.len() {
        let (world, mut net, peer, _, fd) = met(split as u64);
        world.tune(|knobs| knobs.split_writes_at = Some(split as u64));
        assert_eq!(say(&mut net, fd, text), Ok(split));
        assert_eq!(say(&mut net, fd, &text[split..]), Err(Errno::AGAIN));
        assert_eq!(world.take_owed(), [fd]);
        assert_eq!(say(&mut net, fd, &text[split..]), Ok(text.len() - split));
        world.settle();
        assert_eq!(peer.received(), text);
    }
}

#[test]
fn a_peer_that_does_not_read_fills_the_senders_buffer() {
    let (world, mut net, peer, _, fd) = met(1);
    peer.set_window(100);
    peer.stall(true);
    let text = vec![b'x'; 1 << 20];
    let mut sent = 0;
    while let Ok(n) = say(&mut net, fd, &text) {
        sent += n;
        world.settle();
    }
    assert_eq!(sent, Knobs::default().send_buffer + 100);
    assert!(!world.readiness(fd).write);
    peer.read_slowly(60);
    world.settle();
    assert_eq!(peer.take_received().len(), 60);
    assert!(!world.readiness(fd).write, "a third of the buffer must be free first");
    peer.stall(false);
    world.settle();
    assert!(world.readiness(fd).write);
    assert_eq!(peer.take_received().len(), sent - 60);
    peer.stall(true);
    assert_eq!(say(&mut net, fd, b"unread"), Ok(6));
    world.settle();
    peer.close();
    world.settle();
    assert_eq!(hear(&mut net, fd), Err(Errno(libc::ECONNRESET)));
}

#[test]
fn what_the_engine_does_not_read_waits_at_the_peer() {
    let (world, mut net, peer, _, fd) = met(1);
    let much = vec![b'x'; Knobs::default().receive_buffer + 10];
    peer.send(&much);
    world.settle();
    assert_eq!(peer.unsent(), 10);
    net.close(fd);
    world.settle();
    assert!(peer.saw_reset(), "bytes were unread");
}

#[test]
fn more_holds_bytes_back_for_a_while_only() {
    let (world, mut net, peer, _, fd) = met(1);
    assert_eq!(net.send(fd, &[IoSlice::new(b"a")], true), Ok(1));
    world.advance_to(world.now() + 100 * MILLISECOND);
    assert!(peer.received().is_empty());
    world.settle();
    assert_eq!(peer.take_received(), b"a");
    assert_eq!(net.send(fd, &[IoSlice::new(b"b")], true), Ok(1));
    assert_eq!(say(&mut net, fd, b"c"), Ok(1));
    world.advance_to(world.now() + MILLISECOND);
    assert_eq!(peer.received(), b"bc");
}

/// Sends `text` both ways through all the adverse behaviour there is, and returns the trace.
fn ordeal(seed: u64, text: &[u8]) -> String {
    let (world, mut net, peer, listener, fd) = met(seed);
    world.tune(|knobs| {
        knobs.latency = 1..=MILLISECOND;
        knobs.random_segments = true;
        knobs.max_segment = 7;
        knobs.max_read = 5;
        knobs.max_write = 11;
        knobs.would_block_one_in = Some(3);
        knobs.split_reads_at = Some(3);
        knobs.split_writes_at = Some(4);
    });
    peer.send(text);
    peer.shutdown_write();
    let (mut sent, mut heard, mut ended) = (0, Vec::new(), false);
    // Far more turns than it takes: a run that uses them all makes no progress.
    for _ in 0..100 * text.len() {
        if sent < text.len() {
            sent += say(&mut net, fd, &text[sent..]).unwrap_or(0);
        }
        match hear(&mut net, fd) {
            Ok(bytes) if bytes.is_empty() && sent == text.len() => {
                ended = true;
                break;
            }
            Ok(bytes) => heard.extend(bytes),
            Err(errno) => {
                assert!(errno.is_again());
                let owed = !world.take_owed().is_empty();
                match world.next_event() {
                    Some(next) => world.advance_to(next),
                    None => assert!(owed, "nothing is under way and nothing is owed"),
                }
            }
        }
    }
    net.close(fd);
    net.close(listener);
    world.settle();
    assert!(ended, "stuck");
    assert_eq!(heard, text);
    assert_eq!(peer.received(), text);
    assert!(peer.saw_fin() && !peer.saw_reset());
    assert!(world.open_fds().is_empty());
    world.trace()
}

#[test]
fn no_byte_is_lost_doubled_or_out_of_order_and_a_seed_repeats_its_run() {
    let text: Vec<u8> = (0..500_u16).flat_map(u16::to_be_bytes).collect();
    for seed in 0..50 {
        assert_eq!(ordeal(seed, &text), ordeal(seed, &text));
    }
    assert_ne!(ordeal(1, &text), ordeal(2, &text));
}

#[test]
fn a_call_fails_when_it_is_its_turn_and_does_nothing_else() {
    let (world, mut net, peer, listener, fd) = met(1);
    let accepts = world.calls_of(CallKind::Accept);
    world.fail_nth(CallKind::Accept, accepts + 2, Errno(libc::ENOBUFS), false);
    let _second = world.connect(&here(), there());
    world.settle();
    let (second, _) = net.accept(listener).expect("not its turn");
    assert_eq!(net.accept(listener), Err(Errno(libc::ENOBUFS)));
    assert_eq!(net.accept(listener), Err(Errno::AGAIN));

    world.fail_nth(CallKind::Send, world.calls_of(CallKind::Send) + 1, Errno(libc::ENOMEM), true);
    assert_eq!(say(&mut net, fd, b"x"), Err(Errno(libc::ENOMEM)));
    assert_eq!(say(&mut net, fd, b"x"), Err(Errno(libc::ENOMEM)));
    world.heal();
    world.fail_nth_any(world.calls() + 2, Errno(libc::EIO), false);
    assert_eq!(say(&mut net, fd, b"y"), Ok(1));
    net.close(second);
    assert_eq!(say(&mut net, fd, b"z"), Ok(1), "the close was the one, and cannot fail");
    world.settle();
    assert_eq!(peer.received(), b"yz");
    assert!(world.trace().contains("send 4 E12\n"));
}

#[test]
fn descriptors_are_the_lowest_free_numbers_and_come_to_an_end() {
    let (world, mut net, _peer, listener, fd) = met(1);
    let file = world.open_file().expect("a number is free");
    assert_eq!((listener, fd, file), (Fd(3), Fd(4), Fd(5)));
    assert_eq!(net.nature(file), Err(Errno(libc::ENOTSOCK)));
    net.close(fd);
    assert_eq!(net.socket(Family::V6), Ok(Fd(4)), "used again at once");
    world.tune(|knobs| knobs.fd_limit = Fd(6));
    assert_eq!(net.accept(listener), Err(EMFILE), "even when none waits");
    let peer = world.connect(&here(), there());
    world.settle();
    assert_eq!(net.accept(listener), Err(EMFILE));
    assert_eq!(net.socket(Family::V4), Err(EMFILE));
    assert_eq!(net.listen(&spec(&there())), Err(EMFILE));
    net.close(file);
    assert_eq!(net.accept(listener).map(|(fd, _)| fd), Ok(Fd(5)), "the connection still waits");
    assert!(peer.is_connected());
    assert_eq!(world.open_fds(), [3, 4, 5].map(Fd));
}

#[test]
#[should_panic(expected = "recv on descriptor 4, which is not open")]
fn a_descriptor_used_after_it_was_closed_is_a_panic() {
    let (_world, mut net, _peer, _, fd) = met(1);
    net.reset(fd);
    let _ = hear(&mut net, fd);
}

#[test]
#[should_panic(expected = "close on descriptor 4, which is not open")]
fn a_descriptor_closed_twice_is_a_panic() {
    let (_world, mut net, _peer, _, fd) = met(1);
    net.close(fd);
    net.close(fd);
}

#[test]
fn a_unix_path_outlives_its_listener_until_it_is_unlinked() {
    let world = World::new(1);
    let mut net = world.net();
    let at = addr("unix:/run/here");
    let first = listen(&mut net, &at);
    assert_eq!(net.local(first), Ok(addr("unix:/run/.vst0")), "it was bound there and renamed");
    let second = listen(&mut net, &at);
    let peer = world.connect(&at, Addr::Unix([].into()));
    let credentials = Credentials { uid: 33, gid: 34 };
    peer.set_credentials(credentials);
    world.settle();
    assert_eq!(net.accept(first), Err(Errno::AGAIN), "its path is another's");
    let (fd, from) = net.accept(second).expect("it waits");
    assert_eq!((from, net.peer_credentials(fd)), (Addr::Unix([].into()), Ok(credentials)));

    net.close(first);
    net.close(second);
    let client = net.socket(Family::Unix).expect("a socket");
    assert!(world.has_path(&at));
    assert_eq!(net.connect(client, &at), Err(Errno(libc::ECONNREFUSED)));
    net.unlink(&at);
    assert!(!world.has_path(&at));
    assert_eq!(net.connect(client, &at), Err(Errno(libc::ENOENT)));
}

#[test]
fn listeners_share_a_port_only_when_both_ask_and_then_both_are_found() {
    let world = World::new(1);
    let mut net = world.net();
    let shared = ListenSpec { reuse_port: true, ..spec(&here()) };
    let listeners = [net.listen(&shared), net.listen(&shared)].map(|fd| fd.expect("both ask"));
    assert_eq!(net.listen(&spec(&here())), Err(Errno(libc::EADDRINUSE)));
    assert_eq!(net.listen(&spec(&addr("0.0.0.0:80"))), Err(Errno(libc::EADDRINUSE)));
    let peers: Vec<_> = (0..8).map(|_| world.connect(&here(), there())).collect();
    world.settle();
    assert!(peers.iter().all(Peer::is_connected));
    assert!(listeners.iter().all(|listener| net.accept(*listener).is_ok()));
}

#[test]
fn time_goes_where_it_is_sent_and_never_back() {
    let world = World::new(1);
    let start = world.now();
    assert_ne!(start.0, 0);
    assert_eq!(world.next_event(), None);
    world.advance_to(start + SECOND);
    world.advance_to(start);
    assert_eq!(world.now(), start + SECOND);
}
