//! Descriptors beside bytes, over the simulated network.

use super::*;
use crate::agenda::Agenda;
use crate::buffer::Pool;
use crate::config::SocketOptions;
use crate::cx::{
    ByteCounts, Descriptors, Directory, FedOrigin, FedWindows, Limits, NOBODY, Telemetry,
};
use crate::pipes::Pipes;
use crate::rules::{ListenerView, Load, ServerLoad};
use crate::sim::{CallKind, SimNet, World};
use crate::slab::Key;
use crate::sys::{Addr, Family, ListenSpec, Passed, SockOpt};
use crate::time::{MILLISECOND, Time};
use crate::wheel::Wheel;

const WINDOWS: FedWindows = FedWindows { inbox: 64, outbox: 64 };
const FD_LIMIT: Fd = Fd(64);
const UNSUPPORTED: Errno = Errno(libc::EOPNOTSUPP);

struct Nobody;

impl Directory for Nobody {
    fn listener(&self, _: Key, _: Time) -> Option<ListenerView<'_>> {
        None
    }

    fn count_session(&self, _: Key, _: Time) {}

    fn server_load(&self, _: &str) -> Option<ServerLoad> {
        None
    }

    fn load(&self, _: &str, _: Time) -> Option<Load> {
        None
    }
}

/// The parts that a context lends, and a simulated network.
struct Parts {
    world: World,
    net: SimNet,
    pool: Pool,
    pipes: Pipes,
    descriptors: Descriptors,
    telemetry: Telemetry,
    timers: Wheel,
    agenda: Agenda,
    heavy: u32,
    begun: usize,
}

impl Parts {
    fn new() -> Self {
        let world = World::new(1);
        world.tune(|knobs| knobs.fd_limit = FD_LIMIT);
        Self {
            net: world.net(),
            world,
            pool: Pool::default(),
            pipes: Pipes::default(),
            descriptors: Descriptors::new(FD_LIMIT),
            telemetry: Telemetry::default(),
            timers: Wheel::new(Time(1)),
            agenda: Agenda::new(1),
            heavy: 0,
            begun: 0,
        }
    }

    fn cx(&mut self) -> Cx<'_, SimNet> {
        Cx {
            net: &mut self.net,
            pool: &mut self.pool,
            pipes: &mut self.pipes,
            descriptors: &mut self.descriptors,
            telemetry: &mut self.telemetry,
            at_work: NOBODY,
            timers: &mut self.timers,
            agenda: &mut self.agenda,
            directory: &Nobody,
            scratch: &mut [],
            now: Time(1),
            trigger: Trigger::Edge,
            limits: Limits { outgoing_fds: FD_LIMIT, max_prefix: 0, fed: WINDOWS },
            heavy: &mut self.heavy,
            begun: &mut self.begun,
            early: None,
        }
    }

    fn listener(&mut self, addr: &Addr) -> Fd {
        let spec = ListenSpec {
            addr: addr.clone(),
            backlog: 1,
            reuse_port: false,
            v6_only: false,
            defer_accept: 0,
            mode: None,
            owner: None,
            exclusive: false,
        };
        self.net.listen(&spec).expect("nobody else is there")
    }

    /// Two ends of a connection.
    fn pair(&mut self, at: &str) -> [Fd; 2] {
        let addr = Addr::parse(at).expect("an address");
        let listener = self.listener(&addr);
        let near = self.net.socket(addr.family()).expect("a socket");
        let _under_way = self.net.connect(near, &addr);
        self.world.settle();
        let (far, _) = self.net.accept(listener).expect("it waits");
        self.net.connect(near, &addr).expect("established");
        self.net.close(listener);
        [near, far]
    }

    fn link(&mut self) -> [Ctrl; 2] {
        self.pair("unix:/run/link").map(|fd| Ctrl::new(fd, true))
    }
}

fn fd_of(passed: Passed) -> Option<Fd> {
    match passed {
        Passed::Descriptor(fd) => Some(fd),
        Passed::Nothing | Passed::Lost => None,
    }
}

#[test]
fn a_descriptor_comes_with_its_bytes_and_a_short_read_is_no_reason_to_wait() {
    let mut parts = Parts::new();
    let [mut giver, mut taker] = parts.link();
    let [near, far] = parts.pair("192.0.2.1:80");
    assert_eq!(giver.send_passing(&mut parts.cx(), b"take", near), Ok(Output::Bytes(4)));
    assert_eq!(giver.send(&mut parts.cx(), b"more"), Ok(Output::Bytes(4)));
    parts.net.close(near);
    parts.world.settle();

    let mut buf = [0; 64];
    let (input, passed) = taker.recv_passed(&mut parts.cx(), &mut buf).expect("it is readable");
    assert_eq!((input, &buf[..4]), (Input::Bytes(4), &b"take"[..]));
    let near = fd_of(passed).expect("a descriptor");
    assert!(taker.is_readable(), "the read ended with the message");
    let rest = taker.recv_passed(&mut parts.cx(), &mut buf);
    assert_eq!((rest, &buf[..4]), (Ok((Input::Bytes(4), Passed::Nothing)), &b"more"[..]));
    assert!(!taker.is_readable(), "a short read of bytes alone");
    assert_eq!([giver.bytes_out(), taker.bytes_in()], [8, 8]);
    assert_eq!(parts.telemetry.traffic, ByteCounts { received: 8, sent: 8 });

    parts.net.close(near);
    parts.world.settle();
    assert!(parts.world.readiness(far).rdhup, "it was the last handle");
}

#[test]
fn what_the_kernel_does_not_take_behind_a_descriptor_waits_to_be_sent() {
    let mut parts = Parts::new();
    let [mut giver, mut taker] = parts.link();
    let [near, _far] = parts.pair("192.0.2.1:80");
    parts.world.tune(|knobs| knobs.max_write = 3);
    assert_eq!(giver.send_passing(&mut parts.cx(), b"frame", near), Ok(Output::Bytes(5)));
    assert_eq!((giver.unsent(), giver.bytes_out()), (2, 3));
    parts.world.tune(|knobs| knobs.max_write = 1);
    let calls = parts.world.calls_of(CallKind::SendPassing);
    parts.world.fail_nth(CallKind::Send, 2, Errno::AGAIN, false);
    let again = giver.send_passing(&mut parts.cx(), b"next", near);
    assert_eq!((again, giver.unsent()), (Ok(Output::Wait), 1), "bytes go first");
    assert_eq!(parts.world.calls_of(CallKind::SendPassing), calls);
    giver.on_ready(Io::OUT, Trigger::Edge);
    assert_eq!(giver.send_passing(&mut parts.cx(), b"next", near), Ok(Output::Bytes(4)));
    assert_eq!(giver.flush(&mut parts.cx()), Ok(true));
    assert_eq!(parts.pool.in_use(), 0);
    parts.world.settle();

    let mut heard = Vec::new();
    let mut passed_at = Vec::new();
    loop {
        let mut buf = [0; 64];
        let (input, passed) = taker.recv_passed(&mut parts.cx(), &mut buf).expect("no error");
        let Input::Bytes(n) = input else { break };
        heard.extend_from_slice(&buf[..n]);
        if passed != Passed::Nothing {
            passed_at.push(heard.len());
        }
        taker.on_ready(Io::IN, Trigger::Edge);
    }
    assert_eq!(heard, b"framenext");
    assert_eq!(passed_at, [3, 6], "reads end with the first bytes of a frame");
}

#[test]
fn a_full_socket_takes_neither_the_descriptor_nor_a_byte() {
    let mut parts = Parts::new();
    let [mut giver, _taker] = parts.link();
    let [near, far] = parts.pair("192.0.2.1:80");
    parts.world.fail_nth(CallKind::SendPassing, 1, Errno::AGAIN, false);
    assert_eq!(giver.send_passing(&mut parts.cx(), b"x", near), Ok(Output::Wait));
    assert!(!giver.is_writable() && !giver.has_unsent() && !giver.is_broken());
    parts.net.close(near);
    parts.world.settle();
    assert!(parts.world.readiness(far).rdhup);
}

#[test]
fn an_error_about_the_descriptor_leaves_the_connection_as_it_is() {
    let mut parts = Parts::new();
    let [mut giver, _taker] = parts.link();
    let [near, _far] = parts.pair("192.0.2.1:80");
    let too_many = Errno(libc::ETOOMANYREFS);
    parts.world.fail_nth(CallKind::SendPassing, 1, too_many, false);
    assert_eq!(giver.send_passing(&mut parts.cx(), b"x", near), Err(too_many));
    assert!(!giver.is_broken() && !giver.has_unsent());
    assert_eq!(giver.send_passing(&mut parts.cx(), b"x", near), Ok(Output::Bytes(1)));
    let broken = Errno(libc::EPIPE);
    parts.world.fail_nth(CallKind::SendPassing, 3, broken, false);
    assert_eq!(giver.send_passing(&mut parts.cx(), b"x", near), Err(broken));
    assert!(giver.is_broken());
}

#[test]
fn only_a_unix_socket_passes_descriptors_and_whatever_is_read_has_none() {
    let mut parts = Parts::new();
    let [near, far] = parts.pair("192.0.2.1:80");
    let [mut tcp, mut peer] = [near, far].map(|fd| Ctrl::new(fd, true));
    assert_eq!(tcp.send_passing(&mut parts.cx(), b"x", far), Err(UNSUPPORTED));
    assert!(!tcp.is_broken());
    assert_eq!(tcp.send(&mut parts.cx(), b"y"), Ok(Output::Bytes(1)));
    parts.world.settle();
    let mut buf = [0; 64];
    let heard = Ok((Input::Bytes(1), Passed::Nothing));
    assert_eq!(peer.recv_passed(&mut parts.cx(), &mut buf), heard);

    let mut fed = Ctrl::fed(Mover::Host, FedOrigin::default(), WINDOWS);
    assert_eq!(fed.send_passing(&mut parts.cx(), b"x", far), Err(UNSUPPORTED));
    assert_eq!(fed.report_received(&mut parts.pool, b"z"), Ok(1));
    assert_eq!(fed.recv_passed(&mut parts.cx(), &mut buf), heard);
    let mut closed = Ctrl::default();
    assert_eq!(closed.send_passing(&mut parts.cx(), b"x", far), Err(UNSUPPORTED));
    let end = Ok((Input::End, Passed::Nothing));
    assert_eq!(closed.recv_passed(&mut parts.cx(), &mut buf), end);
}

#[test]
fn a_descriptor_without_a_number_is_lost_and_its_bytes_are_read() {
    let mut parts = Parts::new();
    let [mut giver, mut taker] = parts.link();
    let [near, far] = parts.pair("192.0.2.1:80");
    assert_eq!(giver.send_passing(&mut parts.cx(), b"x", near), Ok(Output::Bytes(1)));
    parts.net.close(near);
    while parts.net.socket(Family::V4).is_ok() {}
    parts.world.settle();
    let mut buf = [0; 64];
    let lost = taker.recv_passed(&mut parts.cx(), &mut buf);
    assert_eq!(lost, Ok((Input::Bytes(1), Passed::Lost)));
    parts.world.settle();
    assert!(parts.world.readiness(far).rdhup, "what was lost is closed");
}

#[test]
fn a_fed_connection_that_is_to_be_opened_stands_on_a_socket_instead() {
    let mut parts = Parts::new();
    let [near, far] = parts.pair("192.0.2.1:80");
    let mut ctrl = Ctrl::fed_outgoing(Mover::Host, WINDOWS);
    let peer = Addr::parse("192.0.2.1:80").expect("an address");
    assert_eq!(ctrl.stand_on(&mut parts.cx(), near), Err(Misreport::State), "nothing was asked");
    ctrl.open(&mut parts.cx(), &peer, None, None, &SocketOptions::default())
        .expect("nothing to fail");
    assert_eq!(ctrl.stand_on(&mut parts.cx(), near), Err(Misreport::State), "not asked yet");
    assert_eq!(ctrl.take_ask(), Some(FedAsks::OPEN));
    let mut first = parts.pool.take();
    first.extend(b"header ");
    ctrl.begin_with(first);

    let left = parts.descriptors.left();
    assert_eq!(ctrl.stand_on(&mut parts.cx(), near), Ok(()));
    assert_eq!((ctrl.descriptor(), ctrl.ready()), (Some(near), Io::OUT));
    assert!(parts.descriptors.left() < left && !ctrl.is_fed() && !ctrl.has_ask());
    assert_eq!(ctrl.connect(&mut parts.cx(), &peer), Ok(Connect::Done));
    assert_eq!(ctrl.send(&mut parts.cx(), b"and more"), Ok(Output::Bytes(8)));
    parts.world.settle();
    let mut buf = [0; 64];
    assert_eq!(parts.net.recv(far, &mut buf), Ok(15));
    assert_eq!(&buf[..15], b"header and more");
    assert_eq!((ctrl.unsent(), parts.pool.in_use()), (0, 0));
    let mut descriptors = parts.descriptors;
    ctrl.release(&mut parts.net, &mut descriptors, Release::Close);
    parts.world.settle();
    assert!(parts.world.readiness(far).rdhup);
}

#[test]
fn a_fed_connection_in_any_other_state_refuses_a_socket() {
    let mut parts = Parts::new();
    let [near, _far] = parts.pair("192.0.2.1:80");
    let peer = Addr::parse("192.0.2.1:80").expect("an address");
    let asked = |parts: &mut Parts| {
        let mut ctrl = Ctrl::fed_outgoing(Mover::Host, WINDOWS);
        ctrl.open(&mut parts.cx(), &peer, None, None, &SocketOptions::default())
            .expect("nothing to fail");
        assert_eq!(ctrl.take_ask(), Some(FedAsks::OPEN));
        ctrl
    };
    let mut open = asked(&mut parts);
    open.report_opened(None).expect("it was asked");
    let mut failed = asked(&mut parts);
    failed.report_failed(Errno(libc::ECONNREFUSED)).expect("it was asked");
    let mut given_up = asked(&mut parts);
    assert!(given_up.begin_release(Release::Reset));
    let mut stands = asked(&mut parts);
    assert_eq!(stands.stand_on(&mut parts.cx(), near), Ok(()));
    let left = parts.descriptors.left();
    for ctrl in [&mut open, &mut failed, &mut given_up, &mut stands] {
        assert_eq!(ctrl.stand_on(&mut parts.cx(), near), Err(Misreport::State));
    }
    assert_eq!(parts.descriptors.left(), left, "the descriptor stays the caller's");
    assert_eq!(parts.net.local(near).map(|addr| addr.family()), Ok(Family::V4));
}

#[test]
fn the_last_bytes_leave_with_the_fin() {
    let mut parts = Parts::new();
    let [near, far] = parts.pair("192.0.2.1:80");
    let mut ctrl = Ctrl::new(near, false);
    assert_eq!(ctrl.send_last(&mut parts.cx(), b"last"), Ok(Output::Bytes(4)));
    assert!(ctrl.is_held_back());
    let soon = parts.world.now() + MILLISECOND;
    parts.world.advance_to(soon);
    assert!(!parts.world.readiness(far).read, "it is not sent alone");
    ctrl.shut_write(&mut parts.cx());
    assert!(!ctrl.is_held_back());
    let soon = parts.world.now() + MILLISECOND;
    parts.world.advance_to(soon);
    let (mut buf, readiness) = ([0; 64], parts.world.readiness(far));
    assert!(readiness.read && readiness.rdhup);
    assert_eq!(parts.net.recv(far, &mut buf), Ok(4));
    assert_eq!(parts.net.recv(far, &mut buf), Ok(0));
}

#[test]
fn small_writes_are_not_held_back_from_the_second_on() {
    for delays in [false, true] {
        let mut parts = Parts::new();
        let peer = Addr::parse("192.0.2.1:80").expect("an address");
        parts.listener(&peer);
        let options = SocketOptions { delays, ..SocketOptions::default() };
        let mut ctrl = Ctrl::default();
        ctrl.open(&mut parts.cx(), &peer, None, None, &options).expect("nothing to fail");
        let fd = ctrl.descriptor().expect("a socket");
        let _under_way = ctrl.connect(&mut parts.cx(), &peer);
        parts.world.settle();
        let is_set = |parts: &Parts| parts.world.options(fd).contains(&SockOpt::NoDelay);
        assert_eq!(ctrl.send(&mut parts.cx(), b"1"), Ok(Output::Bytes(1)));
        assert!(!is_set(&parts), "the first one is not held back by anything");
        assert_eq!(ctrl.send(&mut parts.cx(), b"2"), Ok(Output::Bytes(1)));
        assert_eq!(is_set(&parts), !delays);
    }
}

#[test]
fn a_descriptor_that_is_handed_over_holds_no_writes_back() {
    let mut parts = Parts::new();
    let peer = Addr::parse("192.0.2.1:80").expect("an address");
    let mut ctrl = Ctrl::default();
    ctrl.open(&mut parts.cx(), &peer, None, None, &SocketOptions::default())
        .expect("nothing to fail");
    ctrl.end_delays(&mut parts.net);
    let fd = ctrl.take_over().expect("a socket");
    assert_eq!(parts.world.options(fd), [SockOpt::NoDelay]);
}
