//! The options of configurations, and what they point to.

use std::ffi::c_char;
use std::sync::LazyLock;

use vestibule::ffi::surface::*;

use super::block::{Block, Struct};
use super::host::{Kind, on_discard, on_step, on_step_without_state};
use super::make::zeroed;
use super::scene::Scene;
use super::words;

/// A certificate and its key, which are made once.
static IDENTITY: LazyLock<[String; 2]> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).expect("a name");
    [made.cert.pem(), made.signing_key.serialize_pem()]
});

impl Scene {
    fn handlers(&self, parts: &mut Vec<Block>) -> (*const vst_handler, u64) {
        let count = self.input.pick(&[0, 0, 0, 0, 0, 1, 2]);
        let block = Block::new(count * size_of::<vst_handler>());
        for at in 0..count {
            let mut handler: vst_handler = zeroed();
            handler.size = size_of::<vst_handler>() as u32;
            handler.flags = self.flags(&[VST_HANDLER_AFTER_TLS]);
            (handler.step, handler.discard) = if self.is_odd() {
                (Some(on_step_without_state as _), None)
            } else {
                (Some(on_step as _), Some(on_discard as _))
            };
            handler.data = std::ptr::from_ref(self).cast_mut().cast();
            handler.timeout_ns = self.span();
            unsafe { block.at::<vst_handler>().add(at).write(handler) };
        }
        let first =
            if count == 0 { std::ptr::null() } else { block.at::<vst_handler>().cast_const() };
        parts.push(block);
        (first, count as u64)
    }

    fn part<T>(&self, value: Struct, parts: &mut Vec<Struct>) -> *const T {
        let at = value.at();
        parts.push(value);
        at
    }

    fn monitor(&self) -> Struct {
        let mut o: vst_monitor_options = zeroed();
        o.answer = self.one_of(&[
            0,
            VST_MONITOR_ANSWER_TEXT,
            VST_MONITOR_ANSWER_HTTP,
            VST_MONITOR_ANSWER_METRICS,
            VST_MONITOR_ANSWER_BYTES,
        ]);
        o.flags = self.flags(&[VST_MONITOR_EVERYONE, VST_MONITOR_TRUSTED]);
        if o.flags & VST_MONITOR_EVERYONE == 0 {
            o.monitor_net = self.text(words::NETS);
        }
        let (well, failing) = (self.bytes(), self.bytes());
        if o.answer == VST_MONITOR_ANSWER_BYTES {
            (o.well, o.well_len) = (well.at(), well.len());
            (o.failing, o.failing_len) = (failing.at(), failing.len());
        }
        self.sized(&o, vec![well, failing])
    }

    pub fn accept_options(&self) -> (Struct, Vec<Struct>) {
        let (mut parts, mut structs) = (Vec::new(), Vec::new());
        let mut o: vst_accept_options = zeroed();
        if self.accepts.is_empty() {
            return (self.sized(&o, parts), structs);
        }
        o.flags = self.flags(&[
            VST_ACCEPT_UNTRUSTED_DIRECT,
            VST_ACCEPT_TLS12_HALF_CLOSE_HOLD,
            VST_ACCEPT_TLS_TRUNCATION_ABORT,
        ]);
        if self.input.one_in(6) {
            o.accept_proxy = self.text(words::NETS);
        }
        if self.input.one_in(12) {
            o.accept_cip = self.text(words::NETS);
        }
        if self.input.one_in(3) {
            o.tls = self.servers.some(&self.input);
        }
        if self.input.one_in(4) {
            o.rules = self.rules.some(&self.input);
        }
        if self.input.one_in(8) {
            o.monitor = self.part(self.monitor(), &mut structs);
        }
        (o.handlers, o.handler_count) = self.handlers(&mut parts);
        (o.timeout_proxy_ns, o.timeout_tls_ns) = (self.span(), self.span());
        (o.timeout_opening_ns, o.linger_ns, o.drain_ns) = (self.span(), self.span(), self.span());
        o.drain_bytes = u64::from(self.bound());
        (o.keepalive_ns, o.user_timeout_ns) = (self.span(), self.span());
        (o.dscp, o.nodelay) =
            (self.one_of(&[0, 0, 46]), self.one_of(&[VST_NODELAY_ON, VST_NODELAY_OFF]));
        o.tls12_half_close_hold_ns = self.span();
        (self.sized(&o, parts), structs)
    }

    pub fn connect_options(&self) -> Struct {
        let mut parts = Vec::new();
        let mut o: vst_connect_options = zeroed();
        if self.connects.is_empty() {
            return self.sized(&o, parts);
        }
        o.send_proxy = self.one_of(&[
            VST_SEND_PROXY_NONE,
            VST_SEND_PROXY_NONE,
            VST_SEND_PROXY_V1,
            VST_SEND_PROXY_V2,
        ]);
        o.flags = self.flags(&[
            VST_CONNECT_TLS12_HALF_CLOSE_SEND,
            VST_CONNECT_TLS_TRUNCATION_ABORT,
            VST_CONNECT_FED,
        ]);
        if o.send_proxy == VST_SEND_PROXY_V2 {
            o.proxy_tlvs = self.flags(&[
                VST_PROXY_TLV_ALPN,
                VST_PROXY_TLV_AUTHORITY,
                VST_PROXY_TLV_SSL,
                VST_PROXY_TLV_CRC32C,
                VST_PROXY_TLV_UNIQUE_ID,
            ]);
        }
        if self.input.one_in(4) {
            o.tls = self.clients.some(&self.input);
            o.server_name = self.text(words::NAMES);
        }
        if self.input.one_in(8) {
            o.source = self.text(words::FROM);
        }
        if self.input.one_in(8) {
            o.socks = self.one_of(&[VST_SOCKS_NONE, VST_SOCKS_4, VST_SOCKS_4A, VST_SOCKS_5]);
            o.socks_destination = self.text(&[c"192.0.2.9:80", c"a.test:80"]);
            o.socks_user =
                if self.input.one_in(2) { self.text(words::NAMES) } else { std::ptr::null() };
            o.socks_password =
                if self.input.one_in(3) { self.text(words::NAMES) } else { std::ptr::null() };
        }
        if self.input.one_in(4) {
            o.link = self.id(Kind::Link);
            o.flags &= !VST_CONNECT_FED;
            o.flags |= self.flags(&[VST_CONNECT_NO_DESCRIPTOR]);
            o.link_destination = if self.input.one_in(3) {
                self.text(&[c"a.test:80", c"x.test:1"])
            } else {
                std::ptr::null()
            };
            o.link_tls =
                if self.input.one_in(3) { self.text(words::NAMES) } else { std::ptr::null() };
        }
        (o.handlers, o.handler_count) = self.handlers(&mut parts);
        (o.timeout_connect_ns, o.timeout_tls_ns, o.timeout_opening_ns) =
            (self.span(), self.span(), self.span());
        (o.linger_ns, o.drain_ns, o.drain_bytes) =
            (self.span(), self.span(), u64::from(self.bound()));
        (o.keepalive_ns, o.user_timeout_ns) = (self.span(), self.span());
        (o.dscp, o.nodelay) =
            (self.one_of(&[0, 0, 46]), self.one_of(&[VST_NODELAY_ON, VST_NODELAY_OFF]));
        o.tls12_half_close_hold_ns = self.span();
        self.sized(&o, parts)
    }

    pub fn stream_options(&self) -> Struct {
        let mut o: vst_stream_options = zeroed();
        o.flags = self.flags(&[VST_STREAM_ABORT_ON_CLOSE]);
        (o.timeout_client_ns, o.timeout_server_ns, o.timeout_tunnel_ns) =
            (self.span(), self.span(), self.span());
        (o.timeout_client_fin_ns, o.timeout_server_fin_ns) = (self.span(), self.span());
        self.sized(&o, Vec::new())
    }

    pub fn start_tls(&self) -> Struct {
        let mut o: vst_start_tls = zeroed();
        let early = self.bytes();
        if self.input.one_in(2) {
            o.server = self.servers.some(&self.input);
        } else {
            o.client = self.clients.some(&self.input);
            o.server_name = self.text(words::NAMES);
        }
        if self.input.one_in(4) {
            (o.early, o.early_len) = (early.at(), early.len() as u64);
        }
        self.sized(&o, vec![early])
    }

    fn pem(&self, text: &str, parts: &mut Vec<Block>) -> vst_pem {
        if self.is_odd() {
            return vst_pem { file: c"/nonexistent".as_ptr(), bytes: std::ptr::null(), len: 0 };
        }
        let cut = if self.is_odd() { self.input.below(text.len()) } else { text.len() };
        let block = Block::filled(&text.as_bytes()[..cut]);
        let pem = vst_pem { file: std::ptr::null(), bytes: block.at(), len: cut as u64 };
        parts.push(block);
        pem
    }

    fn identity(&self, parts: &mut Vec<Block>) -> *const vst_identity {
        let [chain, key] = &*IDENTITY;
        let identity = vst_identity { chain: self.pem(chain, parts), key: self.pem(key, parts) };
        let block = Block::new(size_of::<vst_identity>());
        unsafe { block.at::<vst_identity>().write(identity) };
        let at = block.at();
        parts.push(block);
        at
    }

    pub fn tls_server_options(&self) -> Struct {
        let mut parts = Vec::new();
        let mut o: vst_tls_server_options = zeroed();
        o.flags = self.flags(&[
            VST_TLS_SERVER_STRICT_SNI,
            VST_TLS_SERVER_NO_TICKETS,
            VST_TLS_SERVER_KEY_LOG,
            VST_TLS_SERVER_NO_SESSION_CACHE,
        ]);
        (o.identities, o.identity_count) = (self.identity(&mut parts), 1);
        o.client_auth = self.one_of(&[
            VST_CLIENT_AUTH_NONE,
            VST_CLIENT_AUTH_NONE,
            VST_CLIENT_AUTH_OPTIONAL,
            VST_CLIENT_AUTH_REQUIRED,
        ]);
        if o.client_auth != VST_CLIENT_AUTH_NONE {
            o.client_ca = self.pem(&IDENTITY[0], &mut parts);
        }
        (o.min_version, o.max_version) = self.versions();
        o.alpn = self.alpn();
        o.session_cache = self.input.pick(&[0, 1, 100]);
        self.sized(&o, parts)
    }

    fn versions(&self) -> (u32, u32) {
        let list = [(0, 0), (0, 0), (0, VST_TLS_1_2), (VST_TLS_1_3, 0), (VST_TLS_1_3, VST_TLS_1_2)];
        self.input.pick(&list)
    }

    fn alpn(&self) -> *const c_char {
        if self.input.one_in(3) { self.text(words::ALPN) } else { std::ptr::null() }
    }

    pub fn tls_client_options(&self) -> Struct {
        let mut parts = Vec::new();
        let mut o: vst_tls_client_options = zeroed();
        o.flags = self.flags(&[
            VST_TLS_CLIENT_NO_POST_QUANTUM,
            VST_TLS_CLIENT_KEY_LOG,
            VST_TLS_CLIENT_NO_SESSION_CACHE,
        ]);
        if self.input.one_in(3) {
            o.ca = self.pem(&IDENTITY[0], &mut parts);
        } else {
            o.flags |= VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION;
        }
        if self.input.one_in(3) {
            o.identity = self.identity(&mut parts);
        }
        (o.min_version, o.max_version) = self.versions();
        o.alpn = self.alpn();
        self.sized(&o, parts)
    }
}
