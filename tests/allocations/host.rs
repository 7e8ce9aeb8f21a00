//! A host on epoll around one engine, as a C program would be: it calls the exported functions and
//! allocates nothing itself once it is set up.

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_void};
use std::ptr::{null, null_mut};

use crate::abi::*;

/// What the host does with a session.
pub(crate) enum Program {
    /// It is joined with a connection to this address, over TLS if so configured.
    Forward { to: CString, connect: *mut Handle },
    /// The host reads and writes back.
    Echo,
}

/// Bytes of a session that the host holds.
struct Held {
    bytes: [u8; 16_384],
    unsent: std::ops::Range<usize>,
}

pub(crate) struct Host {
    epoll: i32,
    engine: Cell<*mut Handle>,
    wait: RefCell<Wait>,
    program: Program,
    held: RefCell<Held>,
    /// Where it listens.
    pub(crate) port: Cell<u16>,
}

impl Host {
    /// A host that listens on the loopback, with TLS if there is a handle for it. It stays at its
    /// address, because the engine has a pointer to it.
    pub(crate) fn new(trigger: u32, tls: *const Handle, program: Program) -> Box<Self> {
        // SAFETY: no pointer is passed.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        assert!(epoll >= 0);
        let host = Box::new(Self {
            epoll,
            engine: Cell::new(null_mut()),
            wait: RefCell::new(Wait::new()),
            program,
            held: RefCell::new(Held { bytes: [0; 16_384], unsent: 0..0 }),
            port: Cell::new(0),
        });
        host.open(trigger);
        host.listen(tls);
        host
    }

    fn open(&self, trigger: u32) {
        let mut options = EngineOptions::zero();
        // SAFETY: the struct has the size that is passed.
        let filled =
            unsafe { vst_engine_options_init(&raw mut options, size_of::<EngineOptions>() as u32) };
        assert_eq!(filled, OK);
        options.trigger = trigger;
        options.data = std::ptr::from_ref(self).cast_mut().cast();
        options.interest = Some(on_interest);
        options.event = Some(on_event);
        // SAFETY: the options are filled in, and `self` outlives the engine, which it frees.
        let made =
            unsafe { vst_engine_new(&raw const options, self.engine.as_ptr(), null_mut(), 0) };
        assert_eq!(made, OK);
    }

    fn listen(&self, tls: *const Handle) {
        let mut options = AcceptOptions::zero();
        let (mut config, mut id, mut address) = (null_mut(), 0, Address::zero());
        let engine = self.engine.get();
        // SAFETY: the struct has the size that is passed.
        let filled =
            unsafe { vst_accept_options_init(&raw mut options, size_of::<AcceptOptions>() as u32) };
        assert_eq!(filled, OK);
        options.tls = tls;
        // SAFETY: the options are filled in; no sentence is requested.
        let made =
            unsafe { vst_accept_config_new(&raw const options, &raw mut config, null_mut(), 0) };
        assert_eq!(made, OK);
        let at = c"127.0.0.1:0".as_ptr();
        // SAFETY: the handles live, the text has its NUL, and options and errno may be NULL.
        let opened = unsafe {
            let (out, errno, why) = (&raw mut id, null_mut(), null_mut());
            vst_listener_open(engine, at, config, null(), out, errno, why, 0)
        };
        assert_eq!(opened, OK);
        // SAFETY: the listener keeps what it needs of it.
        unsafe { vst_accept_config_free(config) };
        // SAFETY: the engine lives, and the address is ours.
        let reported = unsafe { vst_listener_addr(engine, id, &raw mut address) };
        assert_eq!(reported, OK);
        self.port.set(address.port);
    }

    /// Handles the events of the poller; without one, waits a moment for them.
    pub(crate) fn turn(&self) {
        const MOMENT_MS: i32 = 1;
        let mut wait = self.wait.borrow_mut();
        let runnable = wait.flags & WAIT_RUNNABLE != 0;
        let mut list = [libc::epoll_event { events: 0, u64: 0 }; 16];
        let most = if runnable { 0 } else { MOMENT_MS };
        // SAFETY: the list has room for as many events as are requested.
        let found = unsafe { libc::epoll_wait(self.epoll, list.as_mut_ptr(), 16, most) };
        let found = usize::try_from(found).expect("epoll works");
        for event in &list[..found] {
            let (token, events) = (event.u64, from_epoll(event.events));
            // SAFETY: the engine lives; a token that is not valid any more is an error code.
            unsafe { vst_engine_ready(self.engine.get(), token, events, 0, &raw mut *wait) };
        }
        if runnable {
            // SAFETY: the engine lives.
            let ran = unsafe { vst_engine_run(self.engine.get(), 0, &raw mut *wait) };
            assert_eq!(ran, OK);
        }
    }

    fn watch(&self, fd: i32, token: u64, old: u32, new: u32) {
        let new = if new & IO_RELEASED != 0 { 0 } else { new };
        let how = match (old, new) {
            (0, 0) => return,
            (_, 0) => libc::EPOLL_CTL_DEL,
            (0, _) => libc::EPOLL_CTL_ADD,
            _ => libc::EPOLL_CTL_MOD,
        };
        let mut event = libc::epoll_event { events: to_epoll(new), u64: token };
        // SAFETY: the event is read during the call.
        let done = unsafe { libc::epoll_ctl(self.epoll, how, fd, &raw mut event) };
        assert_eq!(done, 0);
    }

    fn hear(&self, kind: u32, id: u64) {
        assert!(kind != EVENT_CLOSED && kind != EVENT_STREAM_END, "it ended");
        match &self.program {
            Program::Forward { to, connect } if kind == EVENT_SESSION => {
                let (mut server, mut stream) = (0, 0);
                let engine = self.engine.get();
                // SAFETY: the handles live, and the other arguments may be NULL or 0.
                let asked = unsafe {
                    let out = &raw mut server;
                    vst_conn_connect(engine, to.as_ptr(), *connect, null(), out, null_mut(), 0)
                };
                assert_eq!(asked, OK);
                // SAFETY: the engine lives.
                let joined = unsafe {
                    vst_conn_forward(engine, id, server, null(), null_mut(), &raw mut stream)
                };
                assert_eq!(joined, OK);
            }
            Program::Echo if matches!(kind, EVENT_SESSION | EVENT_READABLE | EVENT_WRITABLE) => {
                self.echo(id);
            }
            _ => {}
        }
    }

    fn echo(&self, id: u64) {
        let held = &mut *self.held.borrow_mut();
        loop {
            while !held.unsent.is_empty() {
                let bytes = &held.bytes[held.unsent.clone()];
                let mut taken = 0;
                let (from, len) = (bytes.as_ptr().cast(), bytes.len());
                // SAFETY: the bytes are ours.
                let sent =
                    unsafe { vst_conn_send(self.engine.get(), id, from, len, &raw mut taken) };
                if sent != OK {
                    return;
                }
                held.unsent.start += taken;
            }
            let mut got = 0;
            let (to, room) = (held.bytes.as_mut_ptr().cast(), held.bytes.len());
            // SAFETY: the memory is ours.
            let read = unsafe { vst_conn_recv(self.engine.get(), id, to, room, &raw mut got) };
            if read != OK {
                return;
            }
            held.unsent = 0..got;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: the engine is this host's, and is not used again.
        let freed = unsafe { vst_engine_free(self.engine.get()) };
        assert_eq!(freed, OK);
        // SAFETY: the number is ours.
        unsafe { libc::close(self.epoll) };
    }
}

unsafe extern "C" fn on_interest(
    data: *mut c_void,
    fd: i32,
    token: u64,
    old: u32,
    new: u32,
    _: *mut c_void,
) -> i32 {
    // SAFETY: it is the pointer that was handed in, to a host that outlives its engine, and is only
    // shared.
    let host = unsafe { &*data.cast::<Host>() };
    host.watch(fd, token, old, new);
    0
}

unsafe extern "C" fn on_event(data: *mut c_void, _engine: *mut Handle, event: *const Event) {
    // SAFETY: it is the pointer that was handed in, to a host that outlives its engine, and is only
    // shared.
    let host = unsafe { &*data.cast::<Host>() };
    // SAFETY: the event is the library's until this returns.
    let event = unsafe { &*event };
    host.hear(event.kind, event.id);
}

const PAIRS: [(u32, i32); 3] =
    [(IO_IN, libc::EPOLLIN), (IO_OUT, libc::EPOLLOUT), (IO_HANGUP, libc::EPOLLRDHUP)];

fn to_epoll(mask: u32) -> u32 {
    let edge = if mask & IO_EDGE != 0 { libc::EPOLLET } else { 0 };
    let wanted = PAIRS.iter().filter(|(ours, _)| mask & ours != 0);
    wanted.fold(edge, |all, (_, theirs)| all | theirs) as u32
}

fn from_epoll(events: u32) -> u32 {
    let broken = events & (libc::EPOLLERR | libc::EPOLLHUP) as u32 != 0;
    let reported = PAIRS.iter().filter(|(_, theirs)| events & *theirs as u32 != 0);
    reported.fold(if broken { IO_ERROR } else { 0 }, |all, (ours, _)| all | ours)
}
