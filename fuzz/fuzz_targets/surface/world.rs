//! What happens outside of the engines: their poller, the peers, the time, the faults of the kernel.

use std::rc::Rc;

use vestibule::ffi::surface::*;
use vestibule::sim::{CallKind, ConnectResponse, Knobs};
use vestibule::sys::{Addr, Errno, Fd};
use vestibule::time::Time;

use super::host::Host;
use super::scene::{Remote, Scene};
use super::words;

/// What one engine has to tell at once, at most.
const TOLD_MOST: usize = 20_000;
const PEERS_MOST: usize = 24;

/// Errors that a call may return on Linux.
const FAULTS: &[(CallKind, &[i32])] = &[
    (CallKind::Socket, &[libc::EMFILE, libc::ENOBUFS]),
    (CallKind::Listen, &[libc::EADDRINUSE, libc::EACCES]),
    (CallKind::Set, &[libc::EINVAL, libc::ENOMEM]),
    (CallKind::Accept, &[libc::ECONNABORTED, libc::EMFILE, libc::EINVAL]),
    (CallKind::Connect, &[libc::ECONNREFUSED, libc::ETIMEDOUT, libc::ENOBUFS]),
    (CallKind::Recv, &[libc::ECONNRESET, libc::ETIMEDOUT, libc::ENOMEM]),
    (CallKind::Send, &[libc::ECONNRESET, libc::EPIPE, libc::ENOBUFS]),
    (CallKind::SendPassing, &[libc::ETOOMANYREFS, libc::EPIPE]),
    (CallKind::RecvPassed, &[libc::ECONNRESET]),
    (CallKind::ShutdownWrite, &[libc::ENOTCONN]),
    (CallKind::TakeError, &[libc::ENOBUFS]),
    (CallKind::Local, &[libc::ENOBUFS, libc::ENOTCONN, libc::ECONNRESET]),
    (CallKind::Peer, &[libc::ENOTCONN, libc::ECONNRESET]),
    (CallKind::Nature, &[libc::ENOBUFS]),
    (CallKind::Pipe, &[libc::EMFILE, libc::ENFILE]),
    (CallKind::SpliceIn, &[libc::ECONNRESET, libc::ENOMEM, libc::EINVAL]),
    (CallKind::SpliceOut, &[libc::EPIPE, libc::ECONNRESET, libc::ENOMEM]),
];

impl Scene {
    pub fn alive(&self) -> Vec<Rc<Host>> {
        self.hosts.borrow().iter().filter(|host| host.is_alive()).cloned().collect()
    }

    /// Lets time pass, and hands in all that is ready.
    pub fn drive(&self, ns: u64) {
        let to = self.world.now().0 + ns;
        self.world.advance_to(Time(to));
        for host in self.alive() {
            // A callback of another engine may have freed it by now.
            if host.is_alive() {
                self.drive_one(&host);
            }
        }
        for site in &self.sites {
            while let Some(peer) = site.accept() {
                self.peers.borrow_mut().push(Remote { peer, is_shut: false });
            }
        }
    }

    fn time_of(&self, host: &Host) -> u64 {
        let now = self.world.now().0.max(host.latest.get());
        host.latest.set(now);
        if host.tells_time.get() { now } else { 0 }
    }

    fn drive_one(&self, host: &Host) {
        let now = self.time_of(host);
        self.check(unsafe { vst_engine_run(host.engine.get(), now, std::ptr::null_mut()) });
        self.pull(host);
        let watched: Vec<_> = host.watched.borrow().iter().map(|(fd, one)| (*fd, one.0)).collect();
        for (fd, token) in watched {
            let mask = host.watched.borrow().get(&fd).filter(|one| one.0 == token).map(|one| one.1);
            let Some(mask) = mask.filter(|_| host.is_alive()) else { continue };
            let events = self.ready(fd, mask);
            if events != 0 {
                let now = self.time_of(host);
                let null = std::ptr::null_mut();
                self.check(unsafe {
                    vst_engine_ready(host.engine.get(), token, events, now, null)
                });
                self.pull(host);
            }
        }
    }

    /// A drive call whose arguments are right. Within a batch a descriptor that is gone is not released yet.
    fn check(&self, status: vst_status) {
        assert!([VST_OK, VST_E_STALE].contains(&status), "a drive call answers {status}");
    }

    fn ready(&self, fd: i32, mask: u32) -> u32 {
        let ready = self.world.readiness(Fd(fd));
        let bits = [
            (ready.read, VST_IO_IN & mask),
            (ready.write, VST_IO_OUT & mask),
            (ready.rdhup, VST_IO_HANGUP & mask),
            (ready.hup || ready.err, VST_IO_ERROR),
        ];
        bits.iter().filter(|bit| bit.0).fold(0, |events, bit| events | bit.1)
    }

    /// Fetches what an engine without callbacks has to tell.
    fn pull(&self, host: &Host) {
        for _ in 0..TOLD_MOST {
            let mut event: vst_event = unsafe { std::mem::zeroed() };
            event.size = size_of::<vst_event>() as u32;
            if !host.is_alive()
                || unsafe { vst_engine_next(host.engine.get(), &raw mut event) } != VST_OK
            {
                break;
            }
            host.judge(&event);
        }
        for _ in 0..TOLD_MOST {
            let mut ask: vst_fed_ask = unsafe { std::mem::zeroed() };
            ask.size = size_of::<vst_fed_ask>() as u32;
            if !host.is_alive()
                || unsafe { vst_fed_next(host.engine.get(), &raw mut ask) } != VST_OK
            {
                return;
            }
            host.judge_ask(&ask);
        }
        panic!("an engine has no end of things to tell");
    }

    /// Does what fed connections ask, as far as it is about the end.
    pub fn close_fed(&self, host: &Host) {
        let below: Vec<_> = host.below.borrow().keys().copied().collect();
        for id in below {
            let engine = host.engine.get();
            let closed = host.cut(id, || unsafe { vst_fed_closed(engine, id) });
            if closed == VST_E_STATE {
                host.cut(id, || unsafe { vst_fed_failed(engine, id, libc::ECONNREFUSED) });
            } else if closed == VST_E_STALE {
                host.below.borrow_mut().remove(&id);
            }
        }
    }

    /// A peer connects to where an engine may listen.
    fn come(&self) {
        let (to, from) = (self.target(), words::addr(self.input.pick(words::FROM)));
        let Ok(to) = Addr::parse(to.to_str().unwrap_or_default()) else { return };
        let from = match to {
            Addr::Unix(_) => Addr::Unix([].into()),
            _ => from,
        };
        // The addresses of the other programs are not for peers, which are such programs.
        if from.family() == to.family() && self.sites.iter().all(|site| *site.addr() != to) {
            let peer = self.world.connect(&to, from);
            self.peers.borrow_mut().push(Remote { peer, is_shut: false });
        }
    }

    /// A peer comes, or one of those that there are does something.
    pub fn act_as_peer(&self) {
        let count = self.peers.borrow().len();
        let what = self.input.byte() % 16;
        if what < 4 && count < PEERS_MOST {
            self.come();
            return;
        }
        let mut peers = self.peers.borrow_mut();
        let index = self.input.below(peers.len());
        let Some(remote) = peers.get_mut(index) else { return };
        match what {
            0..=10 if !remote.is_shut => {
                let bytes = self.bytes();
                let bytes = unsafe { std::slice::from_raw_parts(bytes.at::<u8>(), bytes.len()) };
                remote.peer.send(bytes);
            }
            11 | 12 if !remote.is_shut => {
                remote.is_shut = true;
                remote.peer.shutdown_write();
            }
            13 => remote.peer.stall(self.input.one_in(2)),
            14 => {
                remote.peer.close();
                peers.swap_remove(index);
            }
            _ => {
                remote.peer.reset();
                peers.swap_remove(index);
            }
        }
    }

    /// The network and the kernel become better or worse.
    pub fn change_weather(&self) {
        match self.input.byte() % 8 {
            0 => self.world.heal(),
            1 | 2 => {
                let (call, errnos) = self.input.pick(FAULTS);
                let nth = self.world.calls_of(call) + 1 + self.input.below(8) as u64;
                let ever_after = self.input.one_in(6);
                self.world.fail_nth(call, nth, Errno(self.input.pick(errnos)), ever_after);
            }
            3 => self.world.tune(|knobs| {
                knobs.send_buffer = self.input.pick(&[65_536, 4096, 600]);
                knobs.receive_buffer = self.input.pick(&[65_536, 4096, 600]);
                knobs.max_read = self.input.pick(&[usize::MAX, 1, 50]);
                knobs.max_write = self.input.pick(&[usize::MAX, 1, 50]);
                knobs.would_block_one_in = self.input.pick(&[None, None, Some(3)]);
            }),
            4 => self.world.tune(|knobs| knobs.fd_limit = Fd(self.input.pick(&[1024, 12, 30]))),
            _ => {
                let responses = [
                    ConnectResponse::Accept,
                    ConnectResponse::Accept,
                    ConnectResponse::Refuse,
                    ConnectResponse::Silent,
                    ConnectResponse::Unreachable,
                    ConnectResponse::NoRoute,
                    ConnectResponse::Full,
                ];
                let site = &self.sites[self.input.below(self.sites.len())];
                site.answer(self.input.pick(&responses));
            }
        }
    }

    pub fn calm(&self) {
        self.world.heal();
        self.world.tune(|knobs| *knobs = Knobs::default());
        for site in &self.sites {
            site.answer(ConnectResponse::Refuse);
        }
        for remote in self.peers.take() {
            remote.peer.reset();
        }
    }
}
