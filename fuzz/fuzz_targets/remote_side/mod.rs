//! What the targets of links share: an engine that is driven through the C functions without waiting, with
//! a clock of its own, and frames that an input says.
#![allow(dead_code, reason = "each target uses a part")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, c_char, c_void};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::ptr::{null, null_mut};

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use vestibule::sys::Addr;
use vestibule::wire::remote::{
    CertificateList, GoawayReason, RemoteClosed, RemoteDetail, RemoteFailure, RemoteFrame,
    RemoteHello, RemoteIncoming, RemoteOpen, RemoteOpened, RemoteTarget, TlsFacts, VERSION, write,
};

pub type Id = u64;

pub const VST_OK: i32 = 0;
pub const SECOND: u64 = 1_000_000_000;

pub const VST_EVENT_SESSION: u32 = 1;
pub const VST_EVENT_CLOSED: u32 = 6;
pub const VST_EVENT_INTEREST: u32 = 11;
pub const VST_EVENT_LINK_CLOSED: u32 = 19;
pub const VST_EVENT_AGENT_RESOLVE: u32 = 20;

const RELEASED: u32 = 32;
const RUNNABLE: u32 = 1;

/// The most bytes that a connection holds, and all of a link.
pub const WINDOW: u32 = 4096;
pub const BUDGET: u64 = 64 * 1024;
/// Buffers of 16 KiB and less that these windows and the frames at either side can fill.
const BUFFERS: u32 = 64;

/// `vst_event`.
#[repr(C)]
pub struct Event {
    size: u32,
    pub kind: u32,
    pub id: Id,
    user: *mut c_void,
    ends: [*const c_void; 3],
    sys_errno: i32,
    fd: i32,
    old_mask: u32,
    new_mask: u32,
    server: [u32; 2],
    text: *const c_char,
    pub ticket: u64,
    port: [u32; 2],
}

/// `vst_wait`.
#[repr(C)]
#[derive(Default)]
pub struct Wait {
    size: u32,
    flags: u32,
    deadline_ns: u64,
    pub conns: u32,
    rest: [u32; 3],
}

const _: () = assert!(size_of::<Event>() == 96 && size_of::<Wait>() == 32);

unsafe extern "C" {
    fn vst_engine_new(
        options: *const u8,
        out: *mut *mut c_void,
        why: *mut c_char,
        size: usize,
    ) -> i32;
    fn vst_engine_free(engine: *mut c_void) -> i32;
    fn vst_engine_run(engine: *mut c_void, now_ns: u64, wait: *mut Wait) -> i32;
    fn vst_engine_wait(engine: *mut c_void, wait: *mut Wait) -> i32;
    fn vst_engine_ready(
        e: *mut c_void,
        token: Id,
        events: u32,
        now_ns: u64,
        wait: *mut Wait,
    ) -> i32;
    fn vst_engine_next(engine: *mut c_void, event: *mut Event) -> i32;
    fn vst_engine_get_counters(engine: *mut c_void, counters: *mut u32) -> i32;
    fn vst_conn_send(
        e: *mut c_void,
        conn: Id,
        bytes: *const u8,
        n: usize,
        taken: *mut usize,
    ) -> i32;
    fn vst_conn_recv(e: *mut c_void, conn: Id, bytes: *mut u8, n: usize, got: *mut usize) -> i32;
    fn vst_conn_shutdown(engine: *mut c_void, conn: Id, direction: u32) -> i32;
    fn vst_conn_close(engine: *mut c_void, conn: Id) -> i32;
    fn vst_conn_abort(engine: *mut c_void, conn: Id) -> i32;
}

/// A struct of options of this size, with these fields set at their places.
pub fn options(size: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut all = vec![0; size];
    all[..4].copy_from_slice(&(size as u32).to_ne_bytes());
    for (at, bytes) in fields {
        all[*at..][..bytes.len()].copy_from_slice(bytes);
    }
    all
}

pub fn pointer<T>(to: *const T) -> [u8; 8] {
    (to.addr() as u64).to_ne_bytes()
}

/// An engine and its poller.
pub struct Driver {
    pub engine: *mut c_void,
    now: u64,
    watched: BTreeMap<RawFd, (Id, u32)>,
    /// Sessions and outgoing connections that have not ended.
    pub conns: BTreeSet<Id>,
    /// The questions of an agent that were not answered.
    pub tickets: Vec<u64>,
    pub link_is_closed: bool,
}

impl Driver {
    pub fn new() -> Self {
        let options = options(
            136,
            &[
                (112, &SECOND.to_ne_bytes()),
                (128, &WINDOW.to_ne_bytes()),
                (132, &WINDOW.to_ne_bytes()),
            ],
        );
        let mut engine = null_mut();
        assert_eq!(unsafe { vst_engine_new(options.as_ptr(), &mut engine, null_mut(), 0) }, VST_OK);
        Self {
            engine,
            now: SECOND,
            watched: BTreeMap::new(),
            conns: BTreeSet::new(),
            tickets: Vec::new(),
            link_is_closed: false,
        }
    }

    /// Fetches what the engine has to say. Returns whether there was something.
    fn fetch(&mut self) -> bool {
        let mut any = false;
        loop {
            // SAFETY: zeros are a valid event.
            let mut event: Event = unsafe { std::mem::zeroed() };
            event.size = size_of::<Event>() as u32;
            let answer = unsafe { vst_engine_next(self.engine, &mut event) };
            assert!(answer >= VST_OK, "{answer}");
            if answer != VST_OK {
                return any;
            }
            any = true;
            match event.kind {
                VST_EVENT_INTEREST if event.new_mask & RELEASED != 0 => {
                    assert!(self.watched.remove(&event.fd).is_some(), "it was watched");
                }
                VST_EVENT_INTEREST => {
                    self.watched.insert(event.fd, (event.id, event.new_mask));
                }
                VST_EVENT_SESSION => drop(self.conns.insert(event.id)),
                VST_EVENT_CLOSED => drop(self.conns.remove(&event.id)),
                VST_EVENT_AGENT_RESOLVE => self.tickets.push(event.ticket),
                VST_EVENT_LINK_CLOSED => self.link_is_closed = true,
                _ => {}
            }
        }
    }

    /// Does what can be done without waiting.
    pub fn turn(&mut self) {
        /// More rounds than any exchange over sockets needs.
        const ROUNDS: usize = 64;
        for _ in 0..ROUNDS {
            let mut busy = self.fetch();
            let mut list: Vec<libc::pollfd> = self
                .watched
                .iter()
                .map(|(fd, (_, mask))| libc::pollfd { fd: *fd, events: poll_of(*mask), revents: 0 })
                .collect();
            unsafe { libc::poll(list.as_mut_ptr(), list.len() as libc::nfds_t, 0) };
            for one in list.iter().filter(|one| one.revents != 0) {
                assert_eq!(one.revents & libc::POLLNVAL, 0, "what is watched is open");
                let Some((token, _)) = self.watched.get(&one.fd).copied() else { continue };
                let events = mask_of(one.revents);
                let answer =
                    unsafe { vst_engine_ready(self.engine, token, events, self.now, null_mut()) };
                assert!(answer > -50, "the library failed inside: {answer}");
                self.fetch();
                busy = true;
            }
            let wait = self.wait();
            if wait.flags & RUNNABLE != 0 || wait.deadline_ns <= self.now {
                self.run();
                busy = true;
            }
            if !busy {
                break;
            }
        }
        let mut counters = [0_u32; 24];
        counters[0] = 96;
        assert_eq!(unsafe { vst_engine_get_counters(self.engine, counters.as_mut_ptr()) }, VST_OK);
        assert!(counters[1] <= BUFFERS, "{} buffers", counters[1]);
    }

    fn run(&mut self) {
        let answer = unsafe { vst_engine_run(self.engine, self.now, null_mut()) };
        assert!(answer > -50, "the library failed inside: {answer}");
        self.fetch();
    }

    pub fn wait(&self) -> Wait {
        let mut wait = Wait { size: 32, ..Wait::default() };
        assert_eq!(unsafe { vst_engine_wait(self.engine, &mut wait) }, VST_OK);
        wait
    }

    pub fn pass(&mut self, ns: u64) {
        self.now += ns;
        self.run();
        self.turn();
    }

    /// Something that a host does with one of its connections.
    pub fn use_one(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let which = usize::from(u.arbitrary::<u8>()?);
        let Some(id) = self.conns.iter().nth(which % self.conns.len().max(1)).copied() else {
            return Ok(());
        };
        let (n, mut count) = (u.arbitrary::<u16>()? as usize % 9000 + 1, 0);
        let mut space = vec![7; n];
        let engine = self.engine;
        let answer = match u.arbitrary::<u8>()? % 7 {
            0 | 1 => unsafe { vst_conn_send(engine, id, space.as_ptr(), n, &mut count) },
            2 | 3 => unsafe { vst_conn_recv(engine, id, space.as_mut_ptr(), n, &mut count) },
            4 => unsafe { vst_conn_shutdown(engine, id, 1 + (n as u32) % 2) },
            5 => unsafe { vst_conn_close(engine, id) },
            _ => unsafe { vst_conn_abort(engine, id) },
        };
        assert!(answer > -50 && count <= n, "{answer}");
        Ok(())
    }

    pub fn abort_all(&mut self) {
        for id in self.conns.clone() {
            let answer = unsafe { vst_conn_abort(self.engine, id) };
            assert!(answer > -50, "{answer}");
        }
        self.turn();
    }

    pub fn free(self) {
        assert_eq!(unsafe { vst_engine_free(self.engine) }, VST_OK);
    }
}

fn poll_of(mask: u32) -> libc::c_short {
    let bits = [(1, libc::POLLIN), (2, libc::POLLOUT), (4, libc::POLLRDHUP)];
    bits.iter().filter(|(bit, _)| mask & bit != 0).fold(0, |all, (_, bit)| all | bit)
}

fn mask_of(found: libc::c_short) -> u32 {
    let bits = [
        (1, libc::POLLIN),
        (2, libc::POLLOUT),
        (4, libc::POLLRDHUP),
        (8, libc::POLLERR | libc::POLLHUP),
    ];
    bits.iter().filter(|(_, bit)| found & bit != 0).fold(0, |all, (bit, _)| all | bit)
}

// ---- the other side ----

/// Sends what fits, and with its first byte a descriptor.
pub fn say(socket: &UnixStream, bytes: &[u8], passed: Option<RawFd>) {
    let Some(fd) = passed else {
        let (fd, flags) = (socket.as_raw_fd(), libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT);
        // Whether it is taken is not the question.
        unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), flags) };
        return;
    };
    let mut control = [0_u64; 4];
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: zeros are a valid message; what it points to lives until the call has returned, and the room
    // for control data is aligned and larger than one descriptor needs.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(4) as usize;
        let rights = libc::CMSG_FIRSTHDR(&message);
        (*rights).cmsg_level = libc::SOL_SOCKET;
        (*rights).cmsg_type = libc::SCM_RIGHTS;
        (*rights).cmsg_len = libc::CMSG_LEN(4) as usize;
        libc::CMSG_DATA(rights).cast::<i32>().write_unaligned(fd);
        libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT);
    }
}

/// A HELLO that the other side accepts.
pub fn hello() -> Vec<u8> {
    let hello = RemoteHello { lowest: VERSION, highest: VERSION, channels: 100, passes: true };
    let mut bytes = Vec::new();
    write(&mut bytes, 0, &RemoteFrame::Hello(hello));
    bytes
}

fn some<'a, T: Copy>(u: &mut Unstructured<'a>, list: &[T]) -> Result<T> {
    Ok(list[usize::from(u.arbitrary::<u8>()?) % list.len()])
}

fn address(u: &mut Unstructured<'_>, site: &CStr) -> Result<Option<Addr>> {
    let site = site.to_str().unwrap_or_default();
    let text = some(u, &["", "192.0.2.1:80", "[2001:db8::1]:443", "unix:/nowhere", site])?;
    Ok(Addr::parse(text).ok())
}

/// One frame that can be read, or bytes that are none.
pub fn frame(u: &mut Unstructured<'_>, site: &CStr, zeros: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let what = u.arbitrary::<u8>()? % 20;
    if what == 0 {
        let n = usize::from(u.arbitrary::<u8>()? % 64);
        return Ok(u.bytes(n.min(u.len()))?.to_vec());
    }
    let channel = if what <= 5 { 0 } else { u32::from(u.arbitrary::<u8>()? % 12) };
    let number = u.arbitrary::<u16>()?;
    let names = ["web", "x", "inner", "a.test", "b.test"];
    let name = some(u, &names)?;
    let flag = number % 2 == 1;
    let window = some(u, &[0, 1, 100, WINDOW, 1 << 20, u32::MAX])?;
    let der: [&[u8]; 1] = [&[0x30, 0]];
    let facts = TlsFacts {
        version: if flag { 0x0304 } else { 0x0303 },
        suite: number,
        group: 29,
        resumed: false,
        verified: (number % 4) as u8,
        alpn: b"h2",
        server_name: name,
        signature_algorithm: "",
        key_algorithm: "",
        certificates: CertificateList::new(&der),
    };
    let header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    let frame = match what {
        1 => RemoteFrame::Hello(RemoteHello {
            lowest: some(u, &[VERSION, 0, 7])?,
            highest: some(u, &[VERSION, u16::MAX])?,
            channels: some(u, &[1, 0, 3, u32::MAX])?,
            passes: flag,
        }),
        2 => RemoteFrame::Ping(number.into()),
        3 => RemoteFrame::Pong(some(u, &[u64::from(number), SECOND])?),
        4 => RemoteFrame::Goaway { reason: some(u, GoawayReason::ALL)?, text: name },
        5 => RemoteFrame::Listen { name, stop: flag },
        6 | 7 => RemoteFrame::Open(RemoteOpen {
            window,
            target: match address(u, site)? {
                Some(addr) => RemoteTarget::Addr(addr),
                None => RemoteTarget::Name { host: name, port: 80 },
            },
            source: if number % 16 == 3 { address(u, site)? } else { None },
            takes_descriptor: flag,
        }),
        8 | 9 => RemoteFrame::Opened(RemoteOpened {
            window,
            local: address(u, site)?,
            peer: address(u, site)?,
            descriptor: number % 4 == 1,
        }),
        10 => RemoteFrame::Secure { profile: name, server_name: "a.test" },
        11 => RemoteFrame::Secured(facts),
        12 => RemoteFrame::Incoming(RemoteIncoming {
            window,
            name,
            peer: address(u, site)?,
            local: address(u, site)?,
            proxy_header: if number % 8 == 5 { header } else { b"" },
            tls: if number % 8 == 3 { Some(facts) } else { None },
            descriptor: number % 8 == 1,
        }),
        13 | 14 => RemoteFrame::Data(&zeros[..usize::from(number) % zeros.len() + 1]),
        15 => RemoteFrame::Credit(some(u, &[u64::from(number), 1 << 20, u64::MAX])?),
        16 => RemoteFrame::End { truncated: flag },
        17 => RemoteFrame::Close,
        18 => RemoteFrame::Reset,
        _ => RemoteFrame::Closed(RemoteClosed {
            begun: number % 4 != 1,
            failure: if flag {
                Some(RemoteFailure {
                    op: (number >> 8) as u8 % 40,
                    why: (number >> 4) as u8 % 20,
                    detail: some(
                        u,
                        &[RemoteDetail::None, RemoteDetail::Errno(111), RemoteDetail::Alert(40)],
                    )?,
                    text: name,
                })
            } else {
                None
            },
        }),
    };
    write(&mut bytes, channel, &frame);
    if u.ratio(1, 16)? {
        // Cut, so that the next one does not stand where it should.
        bytes.truncate(usize::from(u.arbitrary::<u8>()?) % (bytes.len() + 1));
    }
    Ok(bytes)
}

/// A pointer to nothing.
pub const fn none() -> *const c_void {
    null()
}
