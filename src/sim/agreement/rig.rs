//! What runs a script against the kernel or the simulated network, and records what it sees.

use std::fmt::{Debug, Write};
use std::io::IoSlice;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::sim::{Ready, World};
use crate::sys::{Addr, Errno, Family, Fd, Kernel, ListenSpec, Net, Passed, Pipe, poll};

/// The kernel or a simulated network, and what was observed in it.
pub(super) struct Rig {
    pub(super) net: Box<dyn Net>,
    /// `None` is the kernel.
    pub(super) world: Option<World>,
    pub(super) family: Family,
    seen: String,
}

impl Rig {
    pub(super) fn see(&mut self, what: &str, answer: impl Debug) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.seen, "{what}: {answer:?}");
    }

    pub(super) fn ready(&self, fd: Fd) -> Ready {
        match &self.world {
            Some(world) => world.readiness(fd),
            None => from_bits(poll::state(fd)),
        }
    }

    /// Lets time pass until `wanted` is true of `fd`, and then records its readiness.
    pub(super) fn until(&mut self, fd: Fd, wanted: impl Fn(Ready) -> bool) {
        let came = match &self.world {
            Some(world) => {
                world.settle();
                wanted(world.readiness(fd))
            }
            None => poll::until(fd, |bits| wanted(from_bits(bits))),
        };
        self.see("in time", came);
        self.ready_now(fd);
    }

    pub(super) fn ready_now(&mut self, fd: Fd) {
        let ready = self.ready(fd);
        self.see("ready", ready);
    }

    /// Waits for what may take any number of turns, and so records nothing.
    pub(super) fn until_readable(&mut self, fd: Fd) {
        let seen = self.seen.len();
        self.until(fd, |ready| ready.read);
        self.seen.truncate(seen);
    }

    fn place(&self) -> Addr {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let text = match self.family {
            Family::V4 => "127.0.0.1:0".to_owned(),
            Family::V6 => "[::1]:0".to_owned(),
            Family::Unix => format!("unix:@vestibule-{}-{number}", std::process::id()),
        };
        Addr::parse(&text).expect("an address")
    }

    pub(super) fn listen(&mut self, backlog: i32) -> (Fd, Addr) {
        let fd = self.net.listen(&spec(self.place(), backlog)).expect("nobody else is there");
        (fd, self.net.local(fd).expect("it is bound"))
    }

    pub(super) fn socket(&mut self) -> Fd {
        self.net.socket(self.family).expect("a socket")
    }

    /// A connection: the end that connected and knows it, and the end that was accepted.
    pub(super) fn pair(&mut self) -> (Fd, Fd) {
        let (listener, at) = self.listen(4);
        let near = self.socket();
        let far = self.meet(near, listener, &at);
        self.net.connect(near, &at).expect("established");
        self.net.close(listener);
        (near, far)
    }

    /// A connection over which descriptors can be passed, whatever the family of the others.
    pub(super) fn link(&mut self) -> (Fd, Fd) {
        let family = std::mem::replace(&mut self.family, Family::Unix);
        let link = self.pair();
        self.family = family;
        link
    }

    /// Connects `near`, without checking whether it is established.
    pub(super) fn meet(&mut self, near: Fd, listener: Fd, at: &Addr) -> Fd {
        let started = self.net.connect(near, at);
        assert!(matches!(started, Ok(()) | Err(Errno(libc::EINPROGRESS))), "{started:?}");
        self.until(near, |ready| ready.write);
        self.until(listener, |ready| ready.read);
        self.net.accept(listener).expect("it waits").0
    }

    pub(super) fn say(&mut self, fd: Fd, text: &[u8]) {
        let answer = self.net.send(fd, &[IoSlice::new(text)], false);
        self.see("send", answer);
    }

    pub(super) fn hear(&mut self, fd: Fd) {
        let mut buf = [0; 64];
        let answer = self.net.recv(fd, &mut buf);
        let text = answer.map(|n| buf[..n].escape_ascii().to_string());
        self.see("recv", text);
    }

    pub(super) fn pass(&mut self, fd: Fd, text: &[u8], passed: Fd) {
        let answer = self.net.send_passing(fd, text, passed);
        self.see("send passing", answer);
    }

    /// Reads at most `most` bytes and the descriptor that came with them. Its number is not recorded: the
    /// kernel's depends on whatever else this process has open.
    pub(super) fn hear_passed(&mut self, fd: Fd, most: usize) -> Option<Fd> {
        let mut buf = vec![0; most];
        let answer = self.net.recv_passed(fd, &mut buf);
        let text = answer.map(|(n, _)| buf[..n].escape_ascii().to_string());
        let came = match answer {
            Ok((_, Passed::Descriptor(fd))) => Some(fd),
            Ok((_, Passed::Nothing | Passed::Lost)) | Err(_) => None,
        };
        let is_lost = matches!(answer, Ok((_, Passed::Lost)));
        self.see("recv passed", (text, came.is_some(), is_lost));
        came
    }

    pub(super) fn shut(&mut self, fd: Fd) {
        let answer = self.net.shutdown_write(fd);
        self.see("shutdown", answer);
    }

    pub(super) fn connect(&mut self, fd: Fd, at: &Addr) {
        let answer = self.net.connect(fd, at);
        self.see("connect", answer);
    }

    pub(super) fn error(&mut self, fd: Fd) {
        let answer = self.net.take_error(fd);
        self.see("SO_ERROR", answer);
    }

    pub(super) fn has_peer(&mut self, fd: Fd) {
        let answer = self.net.peer(fd).map(drop);
        self.see("getpeername", answer);
    }

    pub(super) fn splice_in(&mut self, fd: Fd, pipe: &Pipe, len: usize) {
        let answer = self.net.splice_in(fd, pipe, len);
        self.see("splice in", answer);
    }

    pub(super) fn splice_out(&mut self, pipe: &Pipe, fd: Fd, len: usize) {
        let answer = self.net.splice_out(pipe, fd, len, false);
        self.net.settle_signals();
        self.see("splice out", answer);
    }

    pub(super) fn unsent(&mut self, fd: Fd) {
        let answer = self.net.unsent(fd);
        self.see("unsent", answer);
    }

    /// Waits until the peer's system has acknowledged everything.
    pub(super) fn until_acknowledged(&mut self, fd: Fd) {
        let came = match &self.world {
            Some(world) => {
                world.settle();
                self.net.unsent(fd) == Ok(0)
            }
            None => poll::until(fd, |_| Kernel.unsent(fd) == Ok(0)),
        };
        self.see("acknowledged", came);
    }

    /// Sends all of `bytes` into a connection with enough room, and records nothing.
    pub(super) fn give(&mut self, fd: Fd, bytes: &[u8]) {
        let taken = self.net.send(fd, &[IoSlice::new(bytes)], false);
        assert_eq!(taken, Ok(bytes.len()), "there is room");
    }

    /// Every call that a program can make on a dead or unrelated descriptor.
    pub(super) fn ask_everything(&mut self, fd: Fd) {
        self.ready_now(fd);
        self.has_peer(fd);
        self.hear(fd);
        self.say(fd, b"x");
        self.shut(fd);
        self.error(fd);
        self.ready_now(fd);
        self.hear(fd);
        self.say(fd, b"x");
    }
}

pub(super) fn spec(addr: Addr, backlog: i32) -> ListenSpec {
    ListenSpec {
        addr,
        backlog,
        reuse_port: false,
        v6_only: false,
        defer_accept: 0,
        mode: None,
        owner: None,
        exclusive: false,
    }
}

fn from_bits(bits: i16) -> Ready {
    Ready {
        read: bits & libc::POLLIN != 0,
        write: bits & libc::POLLOUT != 0,
        rdhup: bits & libc::POLLRDHUP != 0,
        hup: bits & libc::POLLHUP != 0,
        err: bits & libc::POLLERR != 0,
    }
}

/// Runs `script` in both worlds, in every family this machine has, and compares what was observed.
pub(super) fn agree(script: impl Fn(&mut Rig)) {
    for family in [Family::V4, Family::V6, Family::Unix] {
        let probe = Addr::parse("[::1]:0").expect("an address");
        if family == Family::V6
            && let Err(errno) = Kernel.listen(&spec(probe, 1)).map(|fd| Kernel.close(fd))
        {
            eprintln!("no IPv6 here, so not compared: {errno}");
            continue;
        }
        let mut real = Rig { net: Box::new(Kernel), world: None, family, seen: String::new() };
        script(&mut real);
        for seed in 0..4 {
            let world = World::new(seed);
            let net = Box::new(world.net());
            let mut sim = Rig { net, world: Some(world), family, seen: String::new() };
            script(&mut sim);
            assert_eq!(sim.seen, real.seen, "simulated (left) and real (right), {family:?}");
        }
    }
}
