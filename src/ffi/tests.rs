//! The boundary from the host's side, over a simulated network: what a callback may do, what ids
//! that are gone answer, what a failure inside leaves. Miri runs these.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_void};
use std::ptr::null_mut;
use std::rc::Rc;

use super::accept_config::{
    vst_accept_config, vst_accept_config_free, vst_accept_config_new, vst_accept_options,
    vst_accept_options_init,
};
use super::addr::{vst_addr, vst_addr_text};
use super::conn::*;
use super::drive::*;
use super::engine::*;
use super::event::*;
use super::life::*;
use super::listener::*;
use super::status::*;
use super::types::*;
use super::world::world;
use crate::sim::Peer;
use crate::sys::Addr;

// An interpreter would read the header for minutes.
#[cfg(not(miri))]
mod flags;
mod trace;

type Reaction = Box<dyn FnMut(*mut vst_engine, &vst_event)>;

/// A host: what it was told, and what it does when told.
struct Host {
    engine: Cell<*mut vst_engine>,
    reported: RefCell<Vec<(u32, vst_id)>>,
    /// What an attempt to free the engine from the log callback was answered.
    freed_in_log: RefCell<Vec<vst_status>>,
    watched: RefCell<Vec<(i32, vst_id, u32)>>,
    /// The lines of the trace, once it is switched on.
    lines: RefCell<Vec<String>>,
    react: RefCell<Reaction>,
}

unsafe extern "C" fn interest(
    data: *mut c_void,
    fd: i32,
    token: vst_id,
    old: u32,
    new: u32,
    _: *mut c_void,
) -> i32 {
    // SAFETY: `data` is the host of the test, which outlives the engine.
    let host = unsafe { &*data.cast::<Host>() };
    let mut watched = host.watched.borrow_mut();
    let before = watched.iter().position(|one| one.0 == fd);
    assert_eq!(before.map_or(0, |index| watched[index].2), old, "the old mask of {fd}");
    if let Some(index) = before {
        watched.remove(index);
    }
    if new & VST_IO_RELEASED == 0 && new != 0 {
        watched.push((fd, token, new));
    }
    0
}

unsafe extern "C" fn event(data: *mut c_void, engine: *mut vst_engine, event: *const vst_event) {
    // SAFETY: as above.
    let host = unsafe { &*data.cast::<Host>() };
    // SAFETY: the event lives until this returns.
    let event = unsafe { &*event };
    host.reported.borrow_mut().push((event.kind, event.id));
    (host.react.borrow_mut())(engine, event);
}

unsafe extern "C" fn log(data: *mut c_void, _: *const c_char, _: usize) {
    // SAFETY: as above.
    let host = unsafe { &*data.cast::<Host>() };
    // SAFETY: an engine that is not freed, and is not freed here.
    let freed = unsafe { vst_engine_free(host.engine.get()) };
    host.freed_in_log.borrow_mut().push(freed);
}

impl Host {
    fn new(react: impl FnMut(*mut vst_engine, &vst_event) + 'static) -> Rc<Self> {
        let host = Rc::new(Self {
            engine: Cell::new(std::ptr::null_mut()),
            reported: RefCell::default(),
            freed_in_log: RefCell::default(),
            watched: RefCell::default(),
            lines: RefCell::default(),
            react: RefCell::new(Box::new(react)),
        });
        let mut options = std::mem::MaybeUninit::<vst_engine_options>::uninit();
        let size = size_of::<vst_engine_options>() as u32;
        // SAFETY: the options have the size that is said.
        let filled = unsafe { vst_engine_options_init(options.as_mut_ptr(), size) };
        assert_eq!(filled, VST_OK);
        // SAFETY: all bytes are written.
        let mut options = unsafe { options.assume_init() };
        options.interest = Some(interest);
        options.event = Some(event);
        options.log = Some(log);
        options.trace = Some(trace::keep);
        // The world's clock is not the system's.
        options.now_ns = world().now().0.max(1);
        options.data = Rc::as_ptr(&host).cast_mut().cast();
        // SAFETY: options and out-pointer are ours.
        let made =
            unsafe { vst_engine_new(&raw const options, host.engine.as_ptr(), null_mut(), 0) };
        assert_eq!(made, VST_OK);
        host
    }

    /// A listener of raw sessions, and a peer that connects to it.
    fn listen(&self) -> (vst_id, Addr) {
        self.listen_at(c"127.0.0.1:0")
    }

    fn listen_at(&self, address: &CStr) -> (vst_id, Addr) {
        let config = raw_config();
        let (mut id, mut at) = (0, vst_addr::NONE);
        let address = address.as_ptr();
        let (engine, null) = (self.engine.get(), std::ptr::null_mut());
        // SAFETY: every pointer is ours or NULL where that is fine.
        let opened = unsafe {
            let (out, errno, why) = (&raw mut id, null_mut(), null_mut());
            vst_listener_open(engine, address, config, null, out, errno, why, 0)
        };
        assert_eq!(opened, VST_OK);
        // SAFETY: freed once, here.
        unsafe { vst_accept_config_free(config) };
        // SAFETY: the engine is not freed, and the address is ours.
        assert_eq!(unsafe { vst_listener_addr(engine, id, &raw mut at) }, VST_OK);
        let mut text = [0_u8; 64];
        let mut len = 0;
        // SAFETY: the text has the capacity that is said.
        let written = unsafe {
            vst_addr_text(&raw const at, text.as_mut_ptr().cast(), text.len(), &raw mut len)
        };
        assert_eq!(written, VST_OK);
        let text = std::str::from_utf8(&text[..len]).expect("addresses are ASCII");
        self.drive();
        (id, Addr::parse(text).expect("what we write we can read"))
    }

    fn peer(&self, at: &Addr) -> Peer {
        let from = Addr::parse("192.0.2.7:4000").expect("an address");
        let peer = world().connect(at, from);
        self.drive();
        peer
    }

    /// Hands in what the world has ready until nothing moves any more.
    fn drive(&self) {
        for _ in 0..50 {
            world().settle();
            let now = world().now().0;
            // SAFETY: the engine is not freed while its host is used.
            unsafe { vst_engine_run(self.engine.get(), now, std::ptr::null_mut()) };
            let watched = self.watched.borrow().clone();
            for (fd, token, mask) in watched {
                let ready = world().readiness(crate::sys::Fd(fd));
                let mut events = 0;
                events |= if ready.read { VST_IO_IN & mask } else { 0 };
                events |= if ready.write { VST_IO_OUT & mask } else { 0 };
                events |= if ready.rdhup { VST_IO_HANGUP & mask } else { 0 };
                events |= if ready.hup || ready.err { VST_IO_ERROR } else { 0 };
                if events != 0 {
                    // SAFETY: as above.
                    unsafe {
                        vst_engine_ready(
                            self.engine.get(),
                            token,
                            events,
                            now,
                            std::ptr::null_mut(),
                        );
                    }
                }
            }
        }
    }

    fn kinds(&self) -> Vec<u32> {
        self.reported.borrow().iter().map(|one| one.0).collect()
    }

    fn free(self: Rc<Self>) {
        // SAFETY: freed once, here.
        assert_eq!(unsafe { vst_engine_free(self.engine.get()) }, VST_OK);
        assert_eq!(*self.watched.borrow(), [], "every descriptor was released");
        assert_eq!(world().open_fds(), [], "every descriptor was closed");
    }
}

fn raw_config() -> *mut vst_accept_config {
    let mut options = std::mem::MaybeUninit::<vst_accept_options>::uninit();
    let size = size_of::<vst_accept_options>() as u32;
    let mut config = std::ptr::null_mut();
    // SAFETY: the options have the size that is said.
    assert_eq!(unsafe { vst_accept_options_init(options.as_mut_ptr(), size) }, VST_OK);
    let why = std::ptr::null_mut::<c_char>();
    // SAFETY: the options are filled in; there is no room for a reason.
    let made = unsafe { vst_accept_config_new(options.as_ptr(), &raw mut config, why, 0) };
    assert_eq!(made, VST_OK);
    config
}

fn recv(engine: *mut vst_engine, conn: vst_id) -> (vst_status, Vec<u8>) {
    let (mut bytes, mut got) = ([0_u8; 64], 0);
    // SAFETY: the engine is not freed; the buffer has the size that is said.
    let status = unsafe {
        vst_conn_recv(engine, conn, bytes.as_mut_ptr().cast(), bytes.len(), &raw mut got)
    };
    (status, bytes[..got].to_vec())
}

fn send(engine: *mut vst_engine, conn: vst_id, bytes: &[u8]) -> (vst_status, usize) {
    let mut taken = 0;
    // SAFETY: the engine is not freed; the bytes are ours.
    let status =
        unsafe { vst_conn_send(engine, conn, bytes.as_ptr().cast(), bytes.len(), &raw mut taken) };
    (status, taken)
}

fn close(engine: *mut vst_engine, conn: vst_id) -> vst_status {
    // SAFETY: the engine is not freed.
    unsafe { vst_conn_close(engine, conn) }
}

#[test]
fn calls_made_in_a_callback_act_at_once_and_answer() {
    let host = Host::new(|engine, event| {
        if event.kind == VST_EVENT_READABLE {
            let (status, bytes) = recv(engine, event.id);
            if status == VST_OK {
                assert_eq!(send(engine, event.id, &bytes), (VST_OK, bytes.len()));
                assert_eq!(recv(engine, event.id).0, VST_WAIT);
            } else {
                assert_eq!(status, VST_END);
                assert_eq!(close(engine, event.id), VST_OK);
                assert_eq!(close(engine, event.id), VST_E_STATE);
            }
        }
    });
    let (_, at) = host.listen();
    let peer = host.peer(&at);
    peer.send(b"echo");
    host.drive();
    assert_eq!(peer.received(), b"echo");
    peer.shutdown_write();
    host.drive();
    assert!(peer.saw_fin());
    let expected = [VST_EVENT_SESSION, VST_EVENT_READABLE, VST_EVENT_READABLE, VST_EVENT_CLOSED];
    assert_eq!(host.kinds(), expected);
    host.free();
}

#[test]
fn an_engine_is_not_freed_from_inside_its_callback() {
    let host = Host::new(|engine, event| {
        // SAFETY: the engine is live; that it refuses is the point.
        assert_eq!(unsafe { vst_engine_free(engine) }, VST_E_REENTRANT);
        if event.kind == VST_EVENT_SESSION {
            assert_eq!(close(engine, event.id), VST_OK);
        }
    });
    let (_, at) = host.listen();
    let peer = host.peer(&at);
    host.drive();
    assert!(peer.saw_fin());
    peer.close();
    host.drive();
    assert_eq!(host.kinds(), [VST_EVENT_SESSION, VST_EVENT_CLOSED]);
    host.free();
}

#[test]
fn an_id_that_is_gone_is_stale_for_every_call_and_harms_nothing() {
    let host = Host::new(|engine, event| {
        if event.kind == VST_EVENT_SESSION {
            assert_eq!(close(engine, event.id), VST_OK);
        }
        if event.kind == VST_EVENT_CLOSED {
            assert_eq!(close(engine, event.id), VST_E_STALE);
        }
    });
    let (listener, at) = host.listen();
    let peer = host.peer(&at);
    host.drive();
    peer.close();
    host.drive();
    let gone = host.reported.borrow()[0].1;
    assert_eq!(recv(host.engine.get(), gone).0, VST_E_STALE);
    assert_eq!(send(host.engine.get(), gone, b"x").0, VST_E_STALE);
    assert_eq!(close(host.engine.get(), listener), VST_E_KIND);
    assert_eq!(close(host.engine.get(), 0), VST_E_ARGUMENT);
    // SAFETY: the engine is not freed.
    let ready =
        unsafe { vst_engine_ready(host.engine.get(), gone, VST_IO_IN, 1, std::ptr::null_mut()) };
    assert_eq!(ready, VST_E_KIND);
    host.free();
}

#[test]
fn an_engine_of_another_thread_is_not_touched() {
    let host = Host::new(|_, _| {});
    let (listener, _) = host.listen();
    let engine = host.engine.get().expose_provenance();
    let other = std::thread::scope(|scope| {
        let call = move || {
            let engine: *mut vst_engine = std::ptr::with_exposed_provenance_mut(engine);
            // SAFETY: the engine is live; that it refuses is the point.
            let paused = unsafe { vst_listener_pause(engine, listener) };
            // SAFETY: as above.
            [paused, unsafe { vst_engine_free(engine) }]
        };
        scope.spawn(call).join().expect("no panic")
    });
    assert_eq!(other, [VST_E_THREAD; 2]);
    host.free();
}

#[test]
fn a_panic_inside_is_a_status_and_leaves_an_engine_that_can_be_freed() {
    let host = Host::new(|_, _| {});
    let (_, at) = host.listen();
    let peer = host.peer(&at);
    peer.send(b"x");
    // A descriptor closed behind the engine's back: the simulated network panics when it is used.
    let session = host.reported.borrow()[0].1;
    let fd = host.watched.borrow().iter().map(|one| one.0).max().expect("it is watched");
    let mut net = world().net();
    crate::sys::Net::close(&mut net, crate::sys::Fd(fd));
    world().settle();
    let broken = send(host.engine.get(), session, b"y").0;
    assert_eq!(broken, VST_E_PANIC);
    assert_eq!(*host.freed_in_log.borrow(), [VST_E_REENTRANT]);
    assert_eq!(send(host.engine.get(), session, b"y").0, VST_E_POISONED);
    // SAFETY: freed once, here. What it leaks it leaks because dropping panics once more.
    assert_eq!(unsafe { vst_engine_free(host.engine.get()) }, VST_OK);
    assert_eq!(*host.watched.borrow(), []);
}

#[test]
fn a_struct_of_another_size_is_read_as_far_as_both_know() {
    #[repr(C)]
    struct Larger {
        known: vst_engine_options,
        further: u64,
    }
    let mut larger = std::mem::MaybeUninit::<Larger>::zeroed();
    let size = size_of::<Larger>() as u32;
    // SAFETY: the memory has the size that is said.
    let filled = unsafe { vst_engine_options_init(larger.as_mut_ptr().cast(), size) };
    assert_eq!(filled, VST_OK);
    // SAFETY: all bytes are 0 or filled in.
    let mut larger = unsafe { larger.assume_init() };
    let make = |options: &Larger| {
        let mut engine = std::ptr::null_mut();
        let options = std::ptr::from_ref(options).cast();
        // SAFETY: the options have the size that they say.
        let made = unsafe { vst_engine_new(options, &raw mut engine, null_mut(), 0) };
        assert_eq!(engine.is_null(), made != VST_OK);
        // SAFETY: freed once, here; NULL is fine.
        assert_eq!(unsafe { vst_engine_free(engine) }, VST_OK);
        made
    };
    assert_eq!(make(&larger), VST_OK);
    larger.further = 1;
    assert_eq!(make(&larger), VST_E_SIZE);
    larger.further = 0;
    larger.known.size = 8;
    assert_eq!(make(&larger), VST_E_SIZE);
}

#[test]
fn a_listener_that_closes_leaves_the_path_to_whoever_took_it_over() {
    let (old, new) = (Host::new(|_, _| {}), Host::new(|_, _| {}));
    let (first, at) = old.listen_at(c"unix:/run/v");
    let (second, _) = new.listen_at(c"unix:/run/v");
    // SAFETY: the engine is not freed.
    assert_eq!(unsafe { vst_listener_close(old.engine.get(), first) }, VST_OK);
    assert!(world().has_path(&at));
    // SAFETY: as above.
    assert_eq!(unsafe { vst_listener_close(new.engine.get(), second) }, VST_OK);
    assert!(!world().has_path(&at));
    assert_eq!(old.kinds(), [VST_EVENT_LISTENER_CLOSED]);
    // SAFETY: freed once, here and below.
    assert_eq!(unsafe { vst_engine_free(old.engine.get()) }, VST_OK);
    new.free();
}

#[test]
fn every_status_has_a_sentence() {
    for status in -60..10 {
        // SAFETY: the text is NUL-terminated and lives for ever.
        let text = unsafe { CStr::from_ptr(vst_strerror(status)) };
        assert!(!text.is_empty());
    }
}
