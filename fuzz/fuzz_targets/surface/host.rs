//! What an engine tells its host, what the host does then, and what must hold of what is told.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, c_char, c_void};
use std::ptr::null_mut;
use std::rc::Rc;

use vestibule::ffi::surface::*;

use super::scene::Scene;

/// What ids are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Conn,
    Listener,
    Stream,
    Backend,
    Link,
    Agent,
}

const KINDS: usize = Kind::Agent as usize + 1;

/// A callback that runs.
pub struct Place {
    pub host: Option<Rc<Host>>,
    /// What it is about, or 0.
    pub id: vst_id,
    /// Nothing that takes an engine may be called from it.
    pub is_barred: bool,
}

/// The host of one engine.
pub struct Host {
    scene: *const Scene,
    /// NULL once it is freed.
    pub engine: Cell<*mut vst_engine>,
    pub ids: [RefCell<Vec<vst_id>>; KINDS],
    /// What the end of is still to be told.
    pub open: RefCell<BTreeSet<vst_id>>,
    pub ended: RefCell<BTreeSet<vst_id>>,
    /// Connections that are parts of streams: no event is about them.
    joined: RefCell<BTreeSet<vst_id>>,
    /// By descriptor: its token, and for what it is watched.
    pub watched: RefCell<BTreeMap<i32, (vst_id, u32)>>,
    /// Fed connections with something below them, and what they ask.
    pub below: RefCell<BTreeMap<vst_id, u32>>,
    /// Those whose end below was reported.
    pub cut: RefCell<BTreeSet<vst_id>>,
    pub tells_time: Cell<bool>,
    /// Interest comes from `vst_engine_next`.
    pub pulls: Cell<bool>,
    /// The latest time that it was told.
    pub latest: Cell<u64>,
}

impl Host {
    pub fn new(scene: *const Scene) -> Self {
        Self {
            scene,
            engine: Cell::new(null_mut()),
            ids: Default::default(),
            open: RefCell::default(),
            ended: RefCell::default(),
            joined: RefCell::default(),
            watched: RefCell::default(),
            below: RefCell::default(),
            cut: RefCell::default(),
            tells_time: Cell::new(true),
            pulls: Cell::new(false),
            latest: Cell::new(0),
        }
    }

    pub fn is_alive(&self) -> bool {
        !self.engine.get().is_null()
    }

    pub fn scene(&self) -> &Scene {
        unsafe { &*self.scene }
    }

    fn react(self: &Rc<Self>, id: vst_id, is_barred: bool, usual: &[&str]) {
        self.scene().react(Place { host: Some(Rc::clone(self)), id, is_barred }, usual);
    }

    /// An id that a call or an event gave out. Its end may have been told before.
    pub fn know(&self, kind: Kind, id: vst_id) {
        if id == 0 || self.ended.borrow().contains(&id) || self.joined.borrow().contains(&id) {
            return;
        }
        let mut ids = self.ids[kind as usize].borrow_mut();
        if !ids.contains(&id) {
            ids.push(id);
        }
        if !matches!(kind, Kind::Backend | Kind::Agent) {
            self.open.borrow_mut().insert(id);
        }
    }

    /// Nothing is to be told of it any more.
    pub fn forget(&self, id: vst_id) {
        self.ended.borrow_mut().insert(id);
        self.open.borrow_mut().remove(&id);
        for ids in &self.ids {
            ids.borrow_mut().retain(|one| *one != id);
        }
        self.scene().stale.borrow_mut().push(id);
    }

    /// A connection that something is below.
    pub fn feed(&self, id: vst_id) {
        if !self.cut.borrow().contains(&id) && !self.ended.borrow().contains(&id) {
            self.below.borrow_mut().entry(id).or_insert(0);
        }
    }

    /// Makes the report that nothing is below it. Its end may be told before that returns.
    pub fn cut(&self, id: vst_id, report: impl FnOnce() -> vst_status) -> vst_status {
        let asks = self.below.borrow_mut().remove(&id);
        let is_first = self.cut.borrow_mut().insert(id);
        let status = report();
        if status != VST_OK && is_first {
            self.cut.borrow_mut().remove(&id);
            if let Some(asks) = asks {
                self.below.borrow_mut().insert(id, asks);
            }
        }
        status
    }

    /// It is part of a stream from now on.
    pub fn join(&self, id: vst_id) {
        self.joined.borrow_mut().insert(id);
        self.open.borrow_mut().remove(&id);
    }

    pub fn freed(&self) {
        self.engine.set(null_mut());
        let watched = self.watched.take();
        assert!(self.pulls.get() || watched.is_empty(), "not released: {watched:?}");
        let below = self.below.take();
        self.scene().stale.borrow_mut().extend(below.keys());
        for ids in &self.ids {
            self.scene().stale.borrow_mut().extend(ids.take());
        }
        self.open.borrow_mut().clear();
    }

    pub fn judge(&self, event: &vst_event) {
        let (kind, id) = (event.kind, event.id);
        self.scene().trace(format_args!("event {kind} of {id:#x}"));
        let is_over = self.ended.borrow().contains(&id) || self.joined.borrow().contains(&id);
        assert!(!is_over || kind == VST_EVENT_INTEREST, "event {kind} of {id:#x}, which is over");
        for end in [event.end, event.end_server] {
            if let Some(end) = unsafe { end.as_ref() } {
                read(end.text, end.text_len);
                read(end.captures, end.captures_len);
            }
        }
        if let Some(stream) = unsafe { event.stream.as_ref() } {
            read(stream.text, stream.text_len);
        }
        match kind {
            VST_EVENT_SESSION | VST_EVENT_CONNECTED => self.know(Kind::Conn, id),
            VST_EVENT_CLOSED
            | VST_EVENT_REFUSED
            | VST_EVENT_STREAM_END
            | VST_EVENT_LISTENER_CLOSED
            | VST_EVENT_LINK_CLOSED => {
                assert!(
                    !self.below.borrow().contains_key(&id),
                    "{id:#x} ends, and something is below"
                );
                self.forget(id);
            }
            VST_EVENT_INTEREST => {
                self.watch(event.fd, id, event.old_mask, event.new_mask);
            }
            VST_EVENT_AGENT_RESOLVE => self.scene().tickets.borrow_mut().push(event.ticket),
            _ => {}
        }
    }

    /// Interest that the library reports. Returns what was known of the descriptor before.
    pub fn watch(&self, fd: i32, token: vst_id, old: u32, new: u32) -> Option<(vst_id, u32)> {
        self.scene().trace(format_args!("{fd} of {token:#x}: {old} to {new}"));
        let mut watched = self.watched.borrow_mut();
        let before = watched.get(&fd).copied();
        let (of, mask) = before.unwrap_or((token, 0));
        assert_eq!((of, mask), (token, old), "the old mask of {fd}");
        if new & VST_IO_RELEASED != 0 {
            assert!(before.is_some(), "{fd} is released, and was not announced");
            watched.remove(&fd);
        } else {
            watched.insert(fd, (token, new));
        }
        before
    }

    /// The answer to interest: 0, or why the descriptor cannot be watched. The library learns of it when the
    /// callback returns, and what was called meanwhile may have changed the interest again.
    fn refuse(&self, fd: i32, before: Option<(vst_id, u32)>, now: (vst_id, u32)) -> i32 {
        let mut watched = self.watched.borrow_mut();
        let stands = watched.get(&fd) == Some(&now);
        if !stands || self.scene().quiet.get() || !self.scene().input.one_in(64) {
            return 0;
        }
        match before {
            None => watched.remove(&fd),
            Some(before) => watched.insert(fd, before),
        };
        libc::ENOSPC
    }

    pub fn judge_ask(&self, ask: &vst_fed_ask) {
        self.scene().trace(format_args!("{:#x} asks {:#x}", ask.conn, ask.asks));
        assert!(!self.ended.borrow().contains(&ask.conn), "{:#x} asks, and has ended", ask.conn);
        let mut ids = self.ids[Kind::Conn as usize].borrow_mut();
        if !ids.contains(&ask.conn) {
            ids.push(ask.conn);
        }
        if ask.asks & VST_FED_OPEN != 0 {
            self.cut.borrow_mut().remove(&ask.conn);
        }
        if !self.cut.borrow().contains(&ask.conn) {
            self.below.borrow_mut().insert(ask.conn, ask.asks);
        }
    }
}

/// What a host mostly does when it is told this.
const fn usual_for(event: u32) -> &'static [&'static str] {
    match event {
        VST_EVENT_SESSION => &[
            "vst_conn_recv",
            "vst_conn_recv",
            "vst_conn_forward_to",
            "vst_conn_forward",
            "vst_agent_serve",
            "vst_agent_offer",
            "vst_conn_start_tls",
        ],
        VST_EVENT_CONNECTED => {
            &["vst_conn_send", "vst_conn_recv", "vst_conn_forward", "vst_conn_start_tls"]
        }
        VST_EVENT_READABLE => {
            &["vst_conn_recv", "vst_conn_recv", "vst_conn_send", "vst_conn_close"]
        }
        VST_EVENT_WRITABLE => &["vst_conn_send", "vst_conn_shutdown"],
        VST_EVENT_TLS_DONE => &["vst_conn_recv", "vst_conn_send"],
        VST_EVENT_DRAINING => &["vst_conn_close"],
        VST_EVENT_LINK_UP => &["vst_link_accept", "vst_connect_config_new"],
        VST_EVENT_AGENT_RESOLVE => &["vst_agent_resolved"],
        VST_EVENT_SERVER_RESOLVE => &["vst_server_set_addresses"],
        _ => &[],
    }
}

/// What a host mostly does when a fed connection asks this.
const fn usual_for_asks(asks: u32) -> &'static [&'static str] {
    if asks & VST_FED_OPEN != 0 {
        &["vst_fed_opened", "vst_fed_opened", "vst_fed_failed"]
    } else if asks & (VST_FED_CLOSE | VST_FED_RESET) != 0 {
        &["vst_fed_closed"]
    } else if asks & VST_FED_SEND != 0 {
        &["vst_fed_sent", "vst_fed_copy_unsent", "vst_fed_received"]
    } else {
        &["vst_fed_received", "vst_fed_received", "vst_fed_ended"]
    }
}

/// A text that an event points to has no NUL before its end.
fn read(text: *const c_char, len: u64) {
    assert_eq!(unsafe { CStr::from_ptr(text) }.count_bytes() as u64, len);
}

/// The host behind the `data` of an engine's callbacks.
unsafe fn host(data: *mut c_void) -> Rc<Host> {
    let host = data.cast_const().cast::<Host>();
    // The scene has it until the engine is freed.
    unsafe { Rc::increment_strong_count(host) };
    unsafe { Rc::from_raw(host) }
}

pub unsafe extern "C" fn on_event(data: *mut c_void, _: *mut vst_engine, event: *const vst_event) {
    let (host, event) = unsafe { (host(data), &*event) };
    host.judge(event);
    host.react(event.id, false, usual_for(event.kind));
}

pub unsafe extern "C" fn on_interest(
    data: *mut c_void,
    fd: i32,
    token: vst_id,
    old: u32,
    new: u32,
    _: *mut c_void,
) -> i32 {
    let host = unsafe { host(data) };
    let before = host.watch(fd, token, old, new);
    host.react(token, false, &[]);
    host.refuse(fd, before, (token, new))
}

pub unsafe extern "C" fn on_fdset(
    data: *mut c_void,
    fd: i32,
    dir: u32,
    token: vst_id,
    _: *mut c_void,
) -> i32 {
    let host = unsafe { host(data) };
    let old = host.watched.borrow().get(&fd).map_or(0, |one| one.1);
    let before = host.watch(fd, token, old, old | dir);
    host.react(token, false, &[]);
    host.refuse(fd, before, (token, old | dir))
}

pub unsafe extern "C" fn on_fdclr(
    data: *mut c_void,
    fd: i32,
    dir: u32,
    token: vst_id,
    _: *mut c_void,
) {
    let host = unsafe { host(data) };
    let old = host.watched.borrow().get(&fd).map_or(0, |one| one.1);
    let is_released = dir & VST_IO_RELEASED != 0;
    host.watch(fd, token, old, if is_released { dir } else { old & !dir });
    host.react(token, false, &[]);
}

pub unsafe extern "C" fn on_trace(data: *mut c_void, _: u32, line: *const c_char, len: usize) {
    let line = unsafe { std::slice::from_raw_parts(line.cast::<u8>(), len) };
    assert!(std::str::from_utf8(line).is_ok_and(|line| !line.contains('\n')), "a line of UTF-8");
    unsafe { host(data) }.react(0, true, &[]);
}

pub unsafe extern "C" fn on_timer(data: *mut c_void, _: u64) {
    unsafe { host(data) }.react(0, false, &[]);
}

pub unsafe extern "C" fn on_fed(data: *mut c_void, _: *mut vst_engine, ask: *const vst_fed_ask) {
    let (host, ask) = unsafe { (host(data), &*ask) };
    host.judge_ask(ask);
    host.react(ask.conn, false, usual_for_asks(ask.asks));
}

pub unsafe extern "C" fn on_log(data: *mut c_void, text: *const c_char, len: usize) {
    let text = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) };
    assert!(std::str::from_utf8(text).is_ok(), "the log is UTF-8");
    unsafe { host(data) }.react(0, true, &[]);
}

pub unsafe extern "C" fn on_wake(data: *mut c_void) {
    unsafe { host(data) }.react(0, true, &[]);
}

pub unsafe extern "C" fn on_step(
    data: *mut c_void,
    engine: *mut vst_engine,
    step: *mut vst_step,
) -> i32 {
    let (scene, step) = unsafe { (&*data.cast::<Scene>(), &mut *step) };
    let answer = answer_step(scene, engine, step);
    if step.state.is_null() && scene.input.one_in(3) {
        scene.states.set(scene.states.get() + 1);
        step.state = Box::into_raw(Box::new(0_u64)).cast();
    }
    scene.trace(format_args!("step of {:#x}: {answer}, keeps {:?}", step.conn, step.state));
    answer
}

/// The step of a handler without discard, which has nobody to give back what it would keep.
pub unsafe extern "C" fn on_step_without_state(
    data: *mut c_void,
    engine: *mut vst_engine,
    step: *mut vst_step,
) -> i32 {
    let (scene, step) = unsafe { (&*data.cast::<Scene>(), &mut *step) };
    answer_step(scene, engine, step)
}

fn answer_step(scene: &Scene, engine: *mut vst_engine, step: &mut vst_step) -> i32 {
    scene.tickets.borrow_mut().push(u64::from(step.ticket));
    let host = scene.hosts.borrow().iter().find(|host| host.engine.get() == engine).cloned();
    scene.react(
        Place { host, id: step.conn, is_barred: false },
        &["vst_handler_peek", "vst_handler_consume", "vst_handler_send"],
    );
    (step.code, step.text) = (7, c"no".as_ptr());
    match scene.input.byte() % 8 {
        0..=3 => VST_NEXT_DONE,
        4 => VST_NEXT_READ,
        5 => VST_NEXT_WRITE,
        6 if !scene.quiet.get() => VST_NEXT_LATER,
        _ => VST_NEXT_FAIL,
    }
}

pub unsafe extern "C" fn on_discard(data: *mut c_void, state: *mut c_void) {
    let scene = unsafe { &*data.cast::<Scene>() };
    scene.trace(format_args!("discards {state:?}"));
    drop(unsafe { Box::from_raw(state.cast::<u64>()) });
    scene.states.set(scene.states.get() - 1);
    scene.react(Place { host: None, id: 0, is_barred: true }, &[]);
}
