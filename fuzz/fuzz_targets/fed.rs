//! Any order of asks and reports through the C functions: nothing panics, no answer is one that the
//! header does not list, what is taken and handed out is bounded, and every connection ends.
#![no_main]

use std::collections::BTreeSet;
use std::ffi::{c_char, c_void};
use std::ptr::{null, null_mut};

use libfuzzer_sys::fuzz_target;
use vestibule as _;

type Id = u64;

/// The beginning of `vst_fed_ask`, and its whole size.
#[repr(C)]
struct Ask {
    size: u32,
    asks: u32,
    conn: Id,
    data: *mut c_void,
    unsent: u64,
    room: u64,
    addresses: [u8; 240],
}

/// The beginning of `vst_event`, and its whole size.
#[repr(C)]
struct Event {
    size: u32,
    kind: u32,
    id: Id,
    rest: [u8; 80],
}

/// The whole sizes of the structs of options, and what is set in them.
const ENGINE_OPTIONS: usize = 136;
const WINDOWS_AT: usize = 128;
const ACCEPT_OPTIONS: usize = 512;
const CONNECT_OPTIONS: usize = 152;
const FLAGS_AT: usize = 8;
const VST_CONNECT_FED: u64 = 1 << 55;
const WINDOW: u32 = 700;

const VST_OK: i32 = 0;
const VST_E_ARGUMENT: i32 = -2;
const VST_E_STALE: i32 = -3;
const VST_E_STATE: i32 = -7;
const VST_EVENT_CLOSED: u32 = 6;

const ECONNREFUSED: i32 = 111;

const OPEN: u32 = 1;
const CLOSE: u32 = 16;
const RESET: u32 = 32;

unsafe extern "C" {
    fn vst_engine_new(
        options: *const u8,
        out: *mut *mut c_void,
        why: *mut c_char,
        size: usize,
    ) -> i32;
    fn vst_engine_free(engine: *mut c_void) -> i32;
    fn vst_engine_run(engine: *mut c_void, now_ns: u64, wait: *mut c_void) -> i32;
    fn vst_engine_next(engine: *mut c_void, event: *mut Event) -> i32;
    fn vst_accept_options_init(options: *mut u8, size: u32) -> i32;
    fn vst_accept_config_new(
        options: *const u8,
        out: *mut *mut c_void,
        why: *mut c_char,
        size: usize,
    ) -> i32;
    fn vst_accept_config_free(config: *mut c_void);
    fn vst_connect_config_new(
        options: *const u8,
        out: *mut *mut c_void,
        why: *mut c_char,
        size: usize,
    ) -> i32;
    fn vst_connect_config_free(config: *mut c_void);
    fn vst_conn_feed(
        engine: *mut c_void,
        config: *const c_void,
        args: *const c_void,
        out: *mut Id,
        why: *mut c_char,
        size: usize,
    ) -> i32;
    fn vst_conn_connect(
        engine: *mut c_void,
        address: *const c_char,
        config: *const c_void,
        args: *const c_void,
        out: *mut Id,
        why: *mut c_char,
        size: usize,
    ) -> i32;
    fn vst_conn_forward(
        engine: *mut c_void,
        client: Id,
        server: Id,
        config: *const c_void,
        user: *mut c_void,
        out: *mut Id,
    ) -> i32;
    fn vst_conn_send(
        engine: *mut c_void,
        conn: Id,
        bytes: *const u8,
        size: usize,
        taken: *mut usize,
    ) -> i32;
    fn vst_conn_recv(
        engine: *mut c_void,
        conn: Id,
        bytes: *mut u8,
        size: usize,
        got: *mut usize,
    ) -> i32;
    fn vst_conn_shutdown(engine: *mut c_void, conn: Id, direction: u32) -> i32;
    fn vst_conn_close(engine: *mut c_void, conn: Id) -> i32;
    fn vst_conn_abort(engine: *mut c_void, conn: Id) -> i32;
    fn vst_fed_next(engine: *mut c_void, ask: *mut Ask) -> i32;
    fn vst_fed_copy_unsent(
        engine: *mut c_void,
        conn: Id,
        offset: usize,
        to: *mut u8,
        size: usize,
        got: *mut usize,
    ) -> i32;
    fn vst_fed_opened(engine: *mut c_void, conn: Id, local: *const c_void) -> i32;
    fn vst_fed_failed(engine: *mut c_void, conn: Id, sys_errno: i32) -> i32;
    fn vst_fed_received(
        engine: *mut c_void,
        conn: Id,
        bytes: *const u8,
        size: usize,
        taken: *mut usize,
    ) -> i32;
    fn vst_fed_sent(engine: *mut c_void, conn: Id, n: usize) -> i32;
    fn vst_fed_ended(engine: *mut c_void, conn: Id) -> i32;
    fn vst_fed_hung_up(engine: *mut c_void, conn: Id, sys_errno: i32) -> i32;
    fn vst_fed_closed(engine: *mut c_void, conn: Id) -> i32;
}

/// A program that moves the bytes, as the input says.
struct Host {
    engine: *mut c_void,
    accept: *mut c_void,
    connect: *mut c_void,
    ids: Vec<Id>,
    /// Connections that the host has to end: below them is something.
    below: BTreeSet<Id>,
    closed: BTreeSet<Id>,
    now: u64,
}

fn new(make: impl FnOnce(*mut *mut c_void) -> i32) -> *mut c_void {
    let mut out = null_mut();
    assert_eq!(make(&mut out), VST_OK);
    out
}

fn sized(size: usize) -> Vec<u8> {
    let mut options = vec![0; size];
    options[..4].copy_from_slice(&(size as u32).to_ne_bytes());
    options
}

impl Host {
    fn new() -> Self {
        let mut options = sized(ENGINE_OPTIONS);
        for at in [WINDOWS_AT, WINDOWS_AT + 4] {
            options[at..at + 4].copy_from_slice(&WINDOW.to_ne_bytes());
        }
        let engine = new(|out| unsafe { vst_engine_new(options.as_ptr(), out, null_mut(), 0) });
        // Larger than any version: the end is zeros, as a newer host's may be.
        let mut options = vec![0_u8; ACCEPT_OPTIONS];
        unsafe { vst_accept_options_init(options.as_mut_ptr(), ACCEPT_OPTIONS as u32) };
        let accept =
            new(|out| unsafe { vst_accept_config_new(options.as_ptr(), out, null_mut(), 0) });
        let mut options = sized(CONNECT_OPTIONS);
        options[FLAGS_AT..FLAGS_AT + 8].copy_from_slice(&VST_CONNECT_FED.to_ne_bytes());
        let connect =
            new(|out| unsafe { vst_connect_config_new(options.as_ptr(), out, null_mut(), 0) });
        let (ids, below, closed) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        Self { engine, accept, connect, ids, below, closed, now: 1 }
    }

    /// What every call ends with.
    fn fetch(&mut self) {
        loop {
            let mut event = Event { size: 96, kind: 0, id: 0, rest: [0; 80] };
            if unsafe { vst_engine_next(self.engine, &mut event) } != VST_OK {
                break;
            }
            if event.kind == VST_EVENT_CLOSED {
                assert!(self.closed.insert(event.id), "it ends once");
                assert!(
                    !self.below.contains(&event.id),
                    "it ends when nothing is below it any more"
                );
            }
        }
        loop {
            let mut ask = Ask {
                size: 280,
                asks: 0,
                conn: 0,
                data: null_mut(),
                unsent: 0,
                room: 0,
                addresses: [0; 240],
            };
            if unsafe { vst_fed_next(self.engine, &mut ask) } != VST_OK {
                return;
            }
            assert!(
                ask.unsent.max(ask.room) <= u64::from(WINDOW) && !self.closed.contains(&ask.conn)
            );
            if ask.asks & OPEN != 0 {
                self.below.insert(ask.conn);
            }
            assert!(self.below.contains(&ask.conn), "{:#x}", ask.asks);
        }
    }

    /// One call, as three bytes say.
    fn step(&mut self, what: u8, whom: u8, how: u8) {
        let engine = self.engine;
        let id = match self.ids.get(usize::from(whom) % self.ids.len().max(1)) {
            Some(id) => *id,
            None => 0x1000_0000_0000_0001,
        };
        let (bytes, n) = ([how; 256], usize::from(how));
        let mut space = [0_u8; 256];
        let mut count = 0;
        let answer = match what % 17 {
            0 if self.ids.len() < 8 => {
                let mut made = 0;
                let answer =
                    unsafe { vst_conn_feed(engine, self.accept, null(), &mut made, null_mut(), 0) };
                self.ids.push(made);
                self.below.insert(made);
                answer
            }
            1 if self.ids.len() < 8 => {
                let mut made = 0;
                let to = c"192.0.2.1:80".as_ptr();
                let answer = unsafe {
                    vst_conn_connect(engine, to, self.connect, null(), &mut made, null_mut(), 0)
                };
                self.ids.push(made);
                answer
            }
            2 => unsafe { vst_fed_opened(engine, id, null()) },
            3 => {
                let answer = unsafe { vst_fed_failed(engine, id, i32::from(how)) };
                if answer == VST_OK {
                    self.below.remove(&id);
                }
                answer
            }
            4 | 5 => {
                let answer = unsafe { vst_fed_received(engine, id, bytes.as_ptr(), n, &mut count) };
                assert!(count <= n);
                answer
            }
            6 | 7 => unsafe { vst_fed_sent(engine, id, n) },
            8 => unsafe { vst_fed_ended(engine, id) },
            9 => unsafe { vst_fed_hung_up(engine, id, i32::from(how)) },
            10 => {
                // Before the call, since the event may follow at once.
                let was_below = self.below.remove(&id);
                let answer = unsafe { vst_fed_closed(engine, id) };
                if answer != VST_OK && was_below {
                    self.below.insert(id);
                }
                answer
            }
            11 => {
                let answer = unsafe {
                    vst_fed_copy_unsent(engine, id, n, space.as_mut_ptr(), 256, &mut count)
                };
                assert!(count <= 256);
                answer
            }
            12 => unsafe { vst_conn_send(engine, id, bytes.as_ptr(), n, &mut count) },
            13 => unsafe { vst_conn_recv(engine, id, space.as_mut_ptr(), n.max(1), &mut count) },
            14 => match how % 3 {
                0 => unsafe { vst_conn_shutdown(engine, id, 1 + u32::from(how) % 2) },
                1 => unsafe { vst_conn_close(engine, id) },
                _ => unsafe { vst_conn_abort(engine, id) },
            },
            15 => {
                let other = self.ids.get(n % self.ids.len().max(1)).copied().unwrap_or(id);
                let mut stream = 0;
                unsafe { vst_conn_forward(engine, id, other, null(), null_mut(), &mut stream) }
            }
            _ => {
                self.now += u64::from(how) * 1_000_000_000;
                unsafe { vst_engine_run(engine, self.now, null_mut()) }
            }
        };
        assert!(answer > -50, "the library failed inside: {answer}");
        self.fetch();
    }

    /// Ends everything, as a host that does what it is asked.
    fn finish(mut self) {
        for id in self.ids.clone() {
            let known = [VST_OK, VST_E_STATE, VST_E_STALE, VST_E_ARGUMENT];
            assert!(known.contains(&unsafe { vst_conn_abort(self.engine, id) }));
            self.fetch();
        }
        // The end of one side of a stream has the other side closed.
        for id in [self.ids.clone(), self.ids.clone()].concat() {
            if self.below.remove(&id) && unsafe { vst_fed_closed(self.engine, id) } != VST_OK {
                // It asked to be opened, and was not.
                assert_eq!(unsafe { vst_fed_failed(self.engine, id, ECONNREFUSED) }, VST_OK);
            }
            self.fetch();
        }
        assert!(self.below.is_empty());
        unsafe { vst_engine_free(self.engine) };
        unsafe { vst_accept_config_free(self.accept) };
        unsafe { vst_connect_config_free(self.connect) };
    }
}

fuzz_target!(|input: &[u8]| {
    let mut host = Host::new();
    for step in input.chunks_exact(3) {
        host.step(step[0], step[1], step[2]);
    }
    host.finish();
});

const _: () = assert!(size_of::<Ask>() == 280 && size_of::<Event>() == 96 && CLOSE | RESET == 48);
