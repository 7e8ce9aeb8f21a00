//! The options of engines and of what is in them, and other arguments.

use std::ffi::CStr;
use std::rc::Rc;

use vestibule::ffi::surface::*;

use super::block::{Block, Struct};
use super::host::*;
use super::scene::Scene;
use super::words;

pub fn zeroed<T>() -> T {
    unsafe { std::mem::zeroed() }
}

impl Scene {
    pub fn engine_options(&self) -> Struct {
        let host = self.next_host();
        let mut o: vst_engine_options = zeroed();
        o.flags = self.flags(&[VST_ENGINE_BY_FD, VST_ENGINE_NO_PIPES]);
        (o.max_conns, o.max_opening, o.max_pipes) = (self.few(), self.few(), self.bound());
        (o.heavy_per_drive, o.events_per_drive) = (self.bound(), self.bound());
        o.reserve_fds = self.bound();
        o.fed_inbox_bytes = self.bound();
        o.fed_outbox_bytes = self.bound();
        o.data = Rc::as_ptr(&host).cast_mut().cast();
        let shape = self.input.byte() % 8;
        (o.event, o.fed) = (Some(on_event as _), Some(on_fed as _));
        match shape {
            0 => (o.event, o.fed) = (None, None),
            3 => {}
            1 | 2 => (o.fdset, o.fdclr) = (Some(on_fdset as _), Some(on_fdclr as _)),
            _ => o.interest = Some(on_interest as _),
        }
        if shape > 5 {
            o.trigger = VST_TRIGGER_EDGE;
            o.fed = None;
        }
        host.pulls.set([0, 3].contains(&shape));
        o.timer = self.input.one_in(2).then_some(on_timer as _);
        o.log = Some(on_log as _);
        if self.input.one_in(2) {
            o.group = self.groups.some(&self.input);
        }
        if self.input.one_in(8) {
            o.trace = Some(on_trace as _);
            o.trace_categories = self.flags(words::TRACED) as u32;
        }
        if self.input.one_in(16) {
            o.flags |= VST_ENGINE_CHECKED;
        }
        o.wake = self.input.one_in(2).then_some(on_wake as _);
        o.now_ns = self.world.now().0;
        if self.is_odd() {
            o.now_ns = 0;
            host.tells_time.set(false);
        }
        if self.is_odd() {
            o.trigger = self.input.number() as u32;
            o.fdclr = None;
            o.max_proxy_header_bytes = self.bound();
        }
        let made = self.sized(&o, Vec::new());
        // A struct that ends in front of the time has none.
        if made.len() < std::mem::offset_of!(vst_engine_options, fed) {
            host.tells_time.set(false);
        }
        made
    }

    /// No bound mostly, or one that is reached.
    fn few(&self) -> u32 {
        self.input.pick(&[0, 0, 0, 0, 0, 1, 3, u32::MAX])
    }

    pub fn listener_options(&self) -> Struct {
        let mut o: vst_listener_options = zeroed();
        let flags = [
            VST_LISTENER_REUSEPORT,
            VST_LISTENER_V6ONLY,
            VST_LISTENER_UNIX_EXCLUSIVE,
            VST_LISTENER_NO_REFUSED,
        ];
        o.flags = self.flags(&flags);
        (o.backlog, o.defer_accept_s) = (self.bound(), self.input.pick(&[0, 0, 1]));
        (o.max_conns, o.refused_per_second) = (self.few(), self.bound());
        o.ends_per_second = self.bound();
        o.user = self.user();
        self.sized(&o, Vec::new())
    }

    pub fn connect_args(&self) -> Struct {
        let mut o: vst_connect_args = zeroed();
        if self.input.one_in(3) {
            o.client = self.conn();
        }
        let value = self.bytes();
        let tlv = vst_tlv {
            kind: self.one_of(&[1, 5, 224, 255]),
            len: value.len() as u32,
            value: value.at(),
        };
        let tlvs = Block::new(size_of::<vst_tlv>());
        unsafe { tlvs.at::<vst_tlv>().write(tlv) };
        if self.input.one_in(3) {
            (o.tlvs, o.tlv_count) = (tlvs.at(), 1);
        }
        o.user = self.user();
        self.sized(&o, vec![value, tlvs])
    }

    /// An address in binary, or none.
    pub fn address(&self) -> Block {
        let block = Block::new(size_of::<vst_addr>());
        let text: &CStr = self.input.pick(words::FROM);
        unsafe { vst_addr_parse(text.as_ptr(), block.at(), std::ptr::null_mut(), 0) };
        if self.is_odd() {
            unsafe { block.at::<u8>().add(self.input.below(block.len())).write(self.input.byte()) };
        }
        block
    }

    pub fn feed_args(&self) -> Struct {
        let mut o: vst_feed_args = zeroed();
        o.flags = self.flags(&[VST_FEED_PEER_CREDENTIALS]);
        let (peer, local) = (self.address(), self.address());
        o.peer = if self.input.one_in(3) { std::ptr::null() } else { peer.at() };
        o.local = if self.input.one_in(3) { std::ptr::null() } else { local.at() };
        (o.user, o.data) = (self.user(), self.user());
        self.sized(&o, vec![peer, local])
    }

    pub fn link_options(&self) -> Struct {
        let mut o: vst_link_options = zeroed();
        o.flags = self.flags(&[VST_LINK_NO_DESCRIPTORS]);
        o.channels_per_conn = self.bound();
        o.window_bytes = u64::from(self.bound());
        o.keepalive_ns = self.span();
        self.sized(&o, Vec::new())
    }

    pub fn agent_options(&self) -> Struct {
        let mut o: vst_agent_options = zeroed();
        o.flags = self.flags(&[VST_AGENT_NO_DESCRIPTORS, VST_AGENT_ALLOW_SOURCE]);
        o.channels_max = self.bound();
        o.allow = self.text(words::ALLOW);
        let ids = Block::filled(&[0; 8]);
        if self.input.one_in(6) {
            (o.uids, o.uid_count) = (ids.at(), 2);
        }
        o.window_bytes = u64::from(self.bound());
        o.keepalive_ns = self.span();
        if self.input.one_in(3) {
            o.connect = self.connects.some(&self.input);
        }
        (o.channel_window_bytes, o.opens_per_second) = (self.bound(), self.bound());
        self.sized(&o, vec![ids])
    }

    pub fn backend_options(&self) -> Struct {
        let mut o: vst_backend_options = zeroed();
        o.flags =
            self.flags(&[VST_BACKEND_NO_REDISPATCH, VST_BACKEND_NO_RETRIES, VST_BACKEND_NO_QUEUE]);
        o.balance = self.one_of(&[
            VST_BALANCE_ROUND_ROBIN,
            VST_BALANCE_LEAST_CONNECTIONS,
            VST_BALANCE_SOURCE,
            VST_BALANCE_RANDOM,
        ]);
        (o.maxconn, o.maxqueue, o.retries) = (self.few(), self.bound(), self.bound());
        (o.queue_timeout_ns, o.turn_around_ns, o.seed) =
            (self.span(), self.span(), self.input.number());
        self.sized(&o, Vec::new())
    }

    pub fn server_options(&self) -> Struct {
        let mut o: vst_server_options = zeroed();
        o.weight = self.input.pick(&[0, 0, 1, 256]);
        o.flags = self.flags(&[
            VST_SERVER_BACKUP,
            VST_SERVER_CHECK,
            VST_SERVER_NO_WEIGHT,
            VST_SERVER_NO_QUEUE,
            VST_SERVER_NO_JITTER,
        ]);
        o.name = self.text(words::NAMES);
        o.addresses = self.text(words::SERVERS);
        if self.input.one_in(2) {
            o.connect = self.connects.some(&self.input);
        }
        (o.maxconn, o.maxqueue, o.trial_ns) = (self.few(), self.bound(), self.span());
        let (send, expect) = (self.bytes(), self.bytes());
        if o.flags & VST_SERVER_CHECK != 0 {
            if self.input.one_in(3) {
                o.check_connect = self.connects.some(&self.input);
            }
            (o.check_send, o.check_send_len) = (send.at(), send.len());
            (o.check_expect, o.check_expect_len) = (expect.at(), expect.len());
            (o.check_interval_ns, o.check_timeout_ns) = (self.span(), self.span());
            (o.check_rise, o.check_fall) = (self.bound(), self.bound());
        }
        o.connect_errors = self.bound();
        self.sized(&o, vec![send, expect])
    }

    /// A key of a table, and the bytes that it points to.
    pub fn key(&self) -> (vst_table_key, Block) {
        let bytes = Block::new(self.input.pick(&[4, 16, 8, 20, 0, 3]));
        if bytes.len() > 0 {
            unsafe { bytes.at::<u8>().write(self.input.byte()) };
        }
        let form = self.one_of(&[VST_KEY_IP, VST_KEY_IP, VST_KEY_INTEGER, VST_KEY_BYTES]);
        let integer = u32::from(self.input.byte());
        (vst_table_key { form, integer, bytes: bytes.at(), len: bytes.len() }, bytes)
    }

    pub fn data(&self) -> u32 {
        self.one_of(&[
            VST_DATA_SERVER_ID,
            VST_DATA_GPT0,
            VST_DATA_CONN_CNT,
            VST_DATA_CONN_CUR,
            VST_DATA_CONN_RATE,
            VST_DATA_GPC,
            VST_DATA_GPC + 2,
        ])
    }

    /// Pieces of memory, to read into or to write from.
    pub fn pieces(&self) -> (Block, Vec<Block>, usize) {
        let pieces: Vec<_> = (0..self.input.below(5)).map(|_| self.bytes()).collect();
        let list = Block::new(pieces.len() * size_of::<vst_iovec>());
        for (at, piece) in pieces.iter().enumerate() {
            let iovec = vst_iovec { base: piece.at(), len: piece.len() };
            unsafe { list.at::<vst_iovec>().add(at).write(iovec) };
        }
        let count = pieces.len();
        (list, pieces, count)
    }

    /// Readiness of several descriptors.
    pub fn readiness(&self) -> (Block, usize) {
        let count = self.input.below(4);
        let block = Block::new(count * size_of::<vst_ready>());
        for at in 0..count {
            let ready = vst_ready {
                token: self.token(),
                events: self.events(),
                _reserved: u32::from(self.is_odd()),
            };
            unsafe { block.at::<vst_ready>().add(at).write(ready) };
        }
        (block, count)
    }

    pub fn token(&self) -> vst_id {
        let Some(host) = self.host().filter(|_| !self.input.one_in(8)) else { return self.conn() };
        let watched = host.watched.borrow();
        watched.values().nth(self.input.below(watched.len())).map_or(0, |one| one.0)
    }

    /// What is ready, or invented.
    pub fn events(&self) -> u32 {
        self.one_of(&[
            VST_IO_IN,
            VST_IO_OUT,
            VST_IO_IN | VST_IO_OUT,
            VST_IO_HANGUP,
            VST_IO_ERROR,
            0,
        ])
    }

    pub fn ticket(&self) -> u64 {
        let tickets = self.tickets.borrow();
        tickets.get(self.input.below(tickets.len())).copied().unwrap_or(0)
    }

    pub fn maybe<T>(&self, at: *mut T) -> *mut T {
        if self.input.one_in(3) { std::ptr::null_mut() } else { at }
    }
}

/// Options that a loop would take, were it there.
pub fn loop_options(scene: &Scene) -> Struct {
    let mut o: vst_engine_options = zeroed();
    o.event = Some(on_event as _);
    scene.sized(&o, Vec::new())
}
