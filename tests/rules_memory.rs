//! What evaluating rules allocates, counted: nothing.

#[path = "support/counting.rs"]
mod counting;

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use counting::counted;
use vestibule::rules::{
    ConnView, Effects, Environment, LimitedDirection, ListenerView, Load, LogLevel, Prefix,
    RulePhase, RuleProgress, RuleSet, ServerLoad, Tables, TcpInfo, Tls, Value, Verdict,
};
use vestibule::time::Time;
use vestibule::wire::proxy::Header;

/// A client with a name; its first bytes are the beginning of a ClientHello.
struct Visitor {
    source: SocketAddr,
}

impl ConnView for Visitor {
    fn source(&self) -> Option<SocketAddr> {
        Some(self.source)
    }

    fn destination(&self) -> Option<SocketAddr> {
        Some(self.source)
    }

    fn socket_source(&self) -> Option<SocketAddr> {
        Some(self.source)
    }

    fn socket_destination(&self) -> Option<SocketAddr> {
        Some(self.source)
    }

    fn is_local(&self, _: IpAddr) -> bool {
        false
    }

    fn is_unix(&self) -> bool {
        false
    }

    fn listener(&self) -> Option<ListenerView<'_>> {
        Some(ListenerView { name: Some(b"front"), ..ListenerView::default() })
    }

    fn proxy(&self) -> Option<&Header> {
        None
    }

    fn prefix(&self) -> Prefix<'_> {
        Prefix { bytes: b"\x16\x03\x01\x00\xc8\x01", may_grow: true }
    }

    fn certificate_chain(&self) -> Option<Vec<u8>> {
        None
    }

    fn server_source(&self) -> Option<SocketAddr> {
        None
    }

    fn server_destination(&self) -> Option<SocketAddr> {
        None
    }

    fn server_tls(&self) -> Option<Tls<'_>> {
        None
    }

    fn tls(&self) -> Option<Tls<'_>> {
        Some(Tls { server_name: Some(b"www.example.test"), ..Tls::default() })
    }

    fn certificate_sha1(&self) -> Option<[u8; 20]> {
        None
    }

    fn tcp(&self) -> Option<TcpInfo> {
        None
    }

    fn backend(&self, _: &str) -> Option<Load> {
        Some(Load { connections: 1, ..Load::default() })
    }

    fn server(&self, _: &str) -> Option<ServerLoad> {
        None
    }

    fn variable(&self, _: &str) -> Option<&Value<'static>> {
        None
    }
}

impl Effects for Visitor {
    fn set_source(&mut self, address: IpAddr) {
        self.source.set_ip(address);
    }

    fn set_mark(&mut self, _: u32) {}

    fn set_tos(&mut self, _: u8) {}

    fn set_source_port(&mut self, port: u16) {
        self.source.set_port(port);
    }

    fn set_destination(&mut self, _: IpAddr) {}

    fn set_destination_port(&mut self, _: u16) {}

    fn set_variable(&mut self, _: &str, _: Option<Value<'static>>) {}

    fn capture(&mut self, _: usize, _: Vec<u8>) {}

    fn set_log_level(&mut self, _: LogLevel) {}

    fn expect_proxy(&mut self) {}

    fn limit(&mut self, _: LimitedDirection, _: u64, _: u64) {}
}

/// A hundred thousand networks, each followed by an equally large gap.
fn networks() -> Vec<u8> {
    let mut text = String::new();
    for n in 0..100_000u32 {
        let [_, a, b, c] = (n << 1).to_be_bytes();
        writeln!(text, "10.{a}.{b}.{c}/32").expect("a string");
    }
    text.into_bytes()
}

#[test]
fn asking_rules_allocates_nothing() {
    let mut text = String::from(
        "stick-table type ip size 100 store conn_cur,conn_rate(10s),gpc0\n\
         acl listed src -f networks\n\
         tcp-request connection reject if listed\n\
         tcp-request connection track-sc0 src\n\
         tcp-request connection sc-inc-gpc0(0)\n\
         tcp-request connection reject if { sc0_conn_rate lt 1 } or { src_conn_cur gt 5 }\n\
         tcp-request connection set-src fc_src\n\
         tcp-request connection set-mark 1\n\
         tcp-request inspect-delay 1s\n\
         tcp-request content accept if { req.ssl_sni -m found } { req.len gt 0 }\n\
         tcp-request session reject if { ssl_fc_sni -i -m sub .bad. } or { ssl_fc_sni -m reg ^bad }\n\
         tcp-request session reject unless { ssl_fc_sni -i -m end .TEST }\n\
         use_backend farm if { be_conn(farm) lt 5 } { so_name front }\n",
    );
    for port in 0..1_000 {
        writeln!(text, "tcp-request session reject if {{ src_port {port} }}").expect("a string");
    }
    let load = |_: &str| Ok(networks());
    let rules = {
        let environment = Environment { tables: &Tables::default(), before: None, load: &load };
        RuleSet::parse(text.as_bytes(), environment).expect("rules")
    };
    let now = Time(1_000_000_000);
    let mut visitor = Visitor { source: SocketAddr::from(([10, 3, 13, 63], 40_000)) };
    let mut ask = || {
        let mut passage = RuleProgress::default();
        let verdicts =
            RulePhase::ALL.map(|phase| rules.evaluate(phase, &mut passage, &mut visitor, now));
        assert_eq!(verdicts, [Verdict::Accept, Verdict::Accept, Verdict::Accept, Verdict::Wait]);
        assert_eq!(rules.backend(&passage, &visitor, now).as_deref(), Some("farm"));
    };
    // Expressions allocate their working memory at the first use, and so does the table.
    ask();
    let before = counted().0;
    (0..1_000).for_each(|_| ask());
    assert_eq!(counted().0 - before, 0);
    visitor.source = SocketAddr::from(([10, 3, 13, 62], 40_000));
    let verdict =
        rules.evaluate(RulePhase::Connection, &mut RuleProgress::default(), &mut visitor, now);
    assert_eq!(verdict, Verdict::Reject { line: 3 });
}
