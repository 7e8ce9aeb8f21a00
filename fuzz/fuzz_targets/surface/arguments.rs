//! What calls are handed: valid mostly, and otherwise anything that the header has an answer for.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::null_mut;
use std::rc::Rc;

use vestibule::ffi::surface::*;

use super::block::{Block, Struct};
use super::host::{Host, Kind};
use super::scene::Scene;
use super::words;

/// How many engines there are at most.
const ENGINES_MOST: usize = 3;
/// What every address has room in.
const TEXT_MOST: usize = 513;

impl Scene {
    /// Whether to hand in what makes no sense.
    pub fn is_odd(&self) -> bool {
        !self.careful.get() && self.input.one_in(6)
    }

    pub fn engine(&self) -> *mut vst_engine {
        let focus = self.places.borrow().last().and_then(|place| place.host.clone());
        let focus =
            focus.filter(|host| host.is_alive() && (self.apt.get() || !self.input.one_in(4)));
        let host = focus.or_else(|| {
            let hosts = self.hosts.borrow();
            let alive: Vec<_> = hosts.iter().filter(|host| host.is_alive()).collect();
            alive.get(self.input.below(alive.len())).map(|host| Rc::clone(host))
        });
        let engine = host.as_ref().map_or(null_mut(), |host| host.engine.get());
        *self.current.borrow_mut() = host;
        if self.is_odd() { null_mut() } else { engine }
    }

    pub fn host(&self) -> Option<Rc<Host>> {
        self.current.borrow().clone()
    }

    /// A host for an engine that is to be made.
    pub fn next_host(&self) -> Rc<Host> {
        let host = Rc::new(Host::new(std::ptr::from_ref(self)));
        *self.current.borrow_mut() = Some(Rc::clone(&host));
        host
    }

    pub fn begin(&self, engine: *mut vst_engine) {
        let Some(host) = self.host().filter(|_| !engine.is_null()) else { return };
        let alive = self.hosts.borrow().iter().filter(|host| host.is_alive()).count();
        if alive >= ENGINES_MOST {
            let is_barred = self.is_barred();
            // Its callbacks are those of an engine that is freed.
            let before = self.freeing.replace(true);
            let status = unsafe { vst_engine_free(engine) };
            self.freeing.set(before);
            assert_eq!(status, if is_barred { VST_E_REENTRANT } else { VST_OK });
            if !is_barred {
                return;
            }
        }
        host.engine.set(engine);
        self.hosts.borrow_mut().push(host);
    }

    /// An id of this kind: valid, or stale, foreign, of another kind, or none at all.
    pub fn id(&self, kind: Kind) -> vst_id {
        let id = self.choose_id(kind);
        self.trace(format_args!("with {kind:?} {id:#x}"));
        id
    }

    fn choose_id(&self, kind: Kind) -> vst_id {
        let Some(host) = self.host() else { return self.input.number() };
        let focus = self.places.borrow().last().map_or(0, |place| place.id);
        if self.apt.get() && focus != 0 && kind == Kind::Conn && self.input.byte() % 8 != 0 {
            return focus;
        }
        match self.input.byte() % 32 {
            0..=11 if focus != 0 && kind == Kind::Conn => focus,
            0..=25 => self.some_of(&host.ids[kind as usize].borrow()),
            26 => self.some_of(&self.stale.borrow()),
            27 => {
                let tokens: Vec<_> = host.watched.borrow().values().map(|one| one.0).collect();
                self.some_of(&tokens)
            }
            28 | 29 => {
                let hosts = self.hosts.borrow();
                let other = &hosts[self.input.below(hosts.len())];
                self.some_of(&other.ids[kind as usize].borrow())
            }
            30 => self.some_of(&host.ids[self.input.below(host.ids.len())].borrow()),
            _ => self.input.number(),
        }
    }

    /// Where a connection is to go to: mostly to a listener that there is.
    pub fn target(&self) -> CString {
        let hosts = self.alive();
        let doors = hosts.iter().flat_map(|host| {
            let ids = host.ids[Kind::Listener as usize].borrow().clone();
            ids.into_iter().map(|id| (host.engine.get(), id))
        });
        let doors: Vec<_> = doors.collect();
        let other = self.input.pick(words::ADDRESSES).to_owned();
        if doors.is_empty() || self.input.one_in(4) {
            return other;
        }
        let (engine, id) = doors[self.input.below(doors.len())];
        let (addr, text) = (Block::new(size_of::<vst_addr>()), Block::new(TEXT_MOST));
        let mut len = 0;
        let known = unsafe { vst_listener_addr(engine, id, addr.at()) } == VST_OK
            && unsafe { vst_addr_text(addr.at(), text.at(), TEXT_MOST - 1, &mut len) } == VST_OK;
        let at = unsafe { CStr::from_ptr(text.at()) };
        if known { at.to_owned() } else { other }
    }

    fn some_of(&self, ids: &[vst_id]) -> vst_id {
        ids.get(self.input.below(ids.len())).copied().unwrap_or(0)
    }

    pub fn conn(&self) -> vst_id {
        self.id(Kind::Conn)
    }

    /// A fed connection mostly.
    pub fn fed(&self) -> vst_id {
        if self.apt.get() {
            return self.conn();
        }
        let host = self.host().filter(|_| !self.input.one_in(8));
        let fed: Vec<_> =
            host.map_or_else(Vec::new, |host| host.below.borrow().keys().copied().collect());
        let id = if fed.is_empty() { self.conn() } else { self.some_of(&fed) };
        self.trace(format_args!("with fed {id:#x}"));
        id
    }

    /// Memory for the library to write to.
    pub fn room(&self) -> Block {
        Block::new(self.input.pick(&[0, 1, 7, 64, 300, 1024, 20_000]))
    }

    /// Bytes as peers and hosts send them.
    pub fn bytes(&self) -> Block {
        let text = self.input.pick(words::BYTES);
        let times = self.input.pick(&[1, 1, 1, 1, 2, 30]);
        let mut bytes = text.repeat(times);
        if self.input.one_in(4) {
            bytes.truncate(self.input.below(bytes.len().max(1)));
        }
        Block::filled(&bytes)
    }

    /// What an output is written to that nobody reads.
    pub fn out<T>(&self) -> *mut T {
        if self.is_odd() { null_mut() } else { self.scratch.at() }
    }

    pub fn why(&self) -> *mut c_char {
        self.scratch.at()
    }

    pub fn why_size(&self) -> usize {
        self.input.pick(&[0, 1, 40, 256])
    }

    pub fn text(&self, list: &[&'static CStr]) -> *const c_char {
        if self.is_odd() {
            return if self.input.one_in(2) { std::ptr::null() } else { c"\xff\xfe".as_ptr() };
        }
        self.input.pick(list).as_ptr()
    }

    /// A number of those that mean something, or any other.
    pub fn one_of(&self, list: &[u32]) -> u32 {
        if self.is_odd() { self.input.number() as u32 } else { self.input.pick(list) }
    }

    pub fn errno(&self, list: &[i32]) -> i32 {
        if self.is_odd() { self.input.number() as i32 } else { self.input.pick(list) }
    }

    /// Flags of those that there are, or others.
    pub fn flags(&self, list: &[u64]) -> u64 {
        let chosen =
            list.iter().filter(|_| self.input.one_in(4)).fold(0, |flags, flag| flags | flag);
        if self.is_odd() { chosen | self.input.number() } else { chosen }
    }

    /// Nanoseconds.
    pub fn span(&self) -> u64 {
        self.input.pick(&[
            0,
            0,
            0,
            1,
            1_000_000,
            20_000_000,
            1_000_000_000,
            7_000_000_000,
            VST_NEVER,
        ])
    }

    /// 0 mostly, which is a default.
    pub fn bound(&self) -> u32 {
        self.input.pick(&[0, 0, 0, 0, 1, 2, 10, 700, u32::MAX])
    }

    /// What drive calls are told.
    pub fn now(&self) -> u64 {
        let Some(host) = self.host() else { return 0 };
        let now = self.world.now().0.max(host.latest.get());
        let told = match self.input.byte() % 64 {
            60 if self.is_odd() => self.input.number(),
            61 => now - 1_000_000,
            62 => now + 1_000_000_000,
            63 => 0,
            _ if host.tells_time.get() => now,
            _ => 0,
        };
        host.latest.set(host.latest.get().max(told));
        told
    }

    pub fn user(&self) -> *mut c_void {
        std::ptr::without_provenance_mut(self.input.below(200))
    }

    /// `value` as a struct that says its size.
    pub fn sized<T>(&self, value: &T, parts: Vec<Block>) -> Struct {
        let whole = size_of::<T>();
        let size = if self.is_odd() { 4 + self.input.below(whole + 20) } else { whole };
        let size = if self.input.one_in(32) { size + 8 } else { size };
        let tail = if self.is_odd() { self.input.byte() } else { 0 };
        Struct::new(value, size, tail, parts)
    }

    /// A struct of zeros for the library to write to.
    pub fn blank<T>(&self) -> Struct {
        self.sized(&unsafe { std::mem::zeroed::<T>() }, Vec::new())
    }

    /// A descriptor of the host's, which it gives away.
    pub fn fd(&self) -> i32 {
        let mut fds = self.fds.borrow_mut();
        let index = self.input.below(fds.len());
        if fds.is_empty() {
            self.world.open_file().map_or(-1, |fd| fd.0)
        } else {
            fds.swap_remove(index)
        }
    }
}
