//! One run: a simulated network, the engines in it, and everything that a host may hand to a call.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use vestibule::ffi::surface::*;
use vestibule::sim::{Peer, RemoteServer, World};

use super::block::Block;
use super::calls::{CALLS, contract, index_of};
use super::host::{Host, Place};
use super::input::Input;
use super::pool::Pool;
use super::words;

/// Calls of one run, and callbacks inside each other, at most.
const CALLS_MOST: u32 = 1_500;
const DEPTH_MOST: usize = 5;

pub struct Scene {
    pub input: Input,
    pub world: World,
    pub hosts: RefCell<Vec<Rc<Host>>>,
    /// The host of the call that is being put together.
    pub current: RefCell<Option<Rc<Host>>>,
    /// The callbacks that run, the innermost last.
    pub places: RefCell<Vec<Place>>,
    /// `vst_engine_free` runs: nothing may be called from its callbacks.
    pub freeing: Cell<bool>,
    /// The callbacks make no calls any more.
    pub quiet: Cell<bool>,
    calls_left: Cell<u32>,
    /// The call is one that a careful host would make.
    pub careful: Cell<bool>,
    /// It is about what the callback is about.
    pub apt: Cell<bool>,
    pub stale: RefCell<Vec<vst_id>>,
    pub accepts: Pool<vst_accept_config>,
    pub connects: Pool<vst_connect_config>,
    pub streams: Pool<vst_stream_config>,
    pub servers: Pool<vst_tls_server>,
    pub clients: Pool<vst_tls_client>,
    pub rules: Pool<vst_rules>,
    pub tables: Pool<vst_table>,
    pub snapshots: Pool<vst_table_snapshot>,
    pub wakers: Pool<vst_waker>,
    pub groups: Pool<vst_group>,
    /// Descriptors that belong to the host.
    pub fds: RefCell<Vec<i32>>,
    pub peers: RefCell<Vec<Remote>>,
    pub sites: Vec<RemoteServer>,
    /// Tickets of handlers and of names to be looked up.
    pub tickets: RefCell<Vec<u64>>,
    /// What handlers keep for connections: given back once each.
    pub states: Cell<usize>,
    /// Where what is not looked at is written to.
    pub scratch: Block,
    /// Whether to say what is done.
    traces: bool,
}

/// A program at the other end of a connection.
pub struct Remote {
    pub peer: Peer,
    pub is_shut: bool,
}

impl Scene {
    pub fn new(bytes: &[u8]) -> Self {
        let world = World::new(bytes.len() as u64);
        set_world(Some(world.clone()));
        let sites = words::SITES.iter().map(|at| world.serve(words::addr(at))).collect();
        Self {
            input: Input::new(bytes),
            world,
            hosts: RefCell::default(),
            current: RefCell::default(),
            places: RefCell::default(),
            freeing: Cell::new(false),
            quiet: Cell::new(false),
            calls_left: Cell::new(CALLS_MOST),
            careful: Cell::new(true),
            apt: Cell::new(false),
            stale: RefCell::default(),
            accepts: Pool::new(vst_accept_config_free),
            connects: Pool::new(vst_connect_config_free),
            streams: Pool::new(vst_stream_config_free),
            servers: Pool::new(vst_tls_server_free),
            clients: Pool::new(vst_tls_client_free),
            rules: Pool::new(vst_rules_free),
            tables: Pool::new(vst_table_free),
            snapshots: Pool::new(vst_table_snapshot_free),
            wakers: Pool::new(vst_waker_free),
            groups: Pool::new(vst_group_free),
            fds: RefCell::default(),
            peers: RefCell::default(),
            sites,
            tickets: RefCell::default(),
            states: Cell::new(0),
            scratch: Block::new(4096),
            traces: std::env::var_os("SURFACE_TRACE").is_some(),
        }
    }

    // Calls.

    /// Whatever the input says, from wherever we are.
    pub fn call_any(&self) {
        let index = self.input.below(CALLS.len());
        self.call(index, !self.input.one_in(5), false);
    }

    pub fn call_named(&self, name: &str) {
        self.call(index_of(name), true, true);
    }

    fn call(&self, index: usize, is_careful: bool, is_apt: bool) {
        let left = self.calls_left.get();
        if left == 0 {
            return;
        }
        self.calls_left.set(left - 1);
        // The outer call is still being put together.
        let before = (self.current.take(), self.careful.get(), self.apt.get());
        (self.careful.set(is_careful), self.apt.set(is_apt));
        self.trace(format_args!("{} ...", CALLS[index].0));
        let (status, contract) = ((CALLS[index].1)(self), contract(index));
        self.trace(format_args!("{} = {status:?}", CALLS[index].0));
        *self.current.borrow_mut() = before.0;
        (self.careful.set(before.1), self.apt.set(before.2));
        let Some(status) = status else { return };
        assert!(
            contract.lists(status),
            "{} answers {status}, which is not in the header",
            contract.name
        );
        // To free NULL is to do nothing.
        let must_refuse =
            contract.is_barred && self.is_barred() && !contract.name.ends_with("_free");
        assert!(!must_refuse || status < 0, "{} acts from where nothing may", contract.name);
    }

    /// Says what is done, for whoever looks at a run.
    pub fn trace(&self, what: std::fmt::Arguments<'_>) {
        if self.traces {
            eprintln!("{:indent$}{what}", "", indent = 2 * self.places.borrow().len());
        }
    }

    pub fn is_barred(&self) -> bool {
        self.freeing.get() || self.places.borrow().iter().any(|place| place.is_barred)
    }

    /// Runs what a callback does. `place` says which it is, `usual` what a host mostly does there.
    pub fn react(&self, place: Place, usual: &[&str]) {
        if self.quiet.get() || self.places.borrow().len() >= DEPTH_MOST {
            return;
        }
        self.places.borrow_mut().push(place);
        if !usual.is_empty() && !self.input.one_in(4) {
            self.call_named(self.input.pick(usual));
        }
        for _ in 0..self.input.pick(&[0, 0, 0, 1, 1, 2]) {
            self.call_any();
        }
        self.places.borrow_mut().pop();
    }
}
