//! Whatever an operator writes is refused with a position, or can be evaluated for any connection.
#![no_main]

use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};

use libfuzzer_sys::fuzz_target;
use vestibule::rules::{
    ConnView, Effects, Environment, LimitedDirection, ListenerView, Load, LogLevel,
    Prefix, RulePhase, RuleProgress, RuleSet, ServerLoad, Tables, TcpInfo, Tls, Value, Verdict,
};
use vestibule::time::Time;
use vestibule::wire::proxy::Header;

const NOW: Time = Time(1_000_000_000);

/// Tables are made as large as a text demands, which is not what is tested here.
const TABLE_WORD: &[u8] = b"stick-table";

/// A connection of which everything is known, with these first bytes.
struct Visitor<'a> {
    source: SocketAddr,
    prefix: &'a [u8],
    variables: Vec<(String, Value<'static>)>,
}

impl ConnView for Visitor<'_> {
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

    fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback()
    }

    fn is_unix(&self) -> bool {
        false
    }

    fn listener(&self) -> Option<ListenerView<'_>> {
        Some(ListenerView { name: Some(self.prefix), number: 1, connections: 2, session_rate: 3 })
    }

    fn proxy(&self) -> Option<&Header> {
        None
    }

    fn prefix(&self) -> Prefix<'_> {
        Prefix { bytes: self.prefix, may_grow: true }
    }

    fn tls(&self) -> Option<Tls<'_>> {
        Some(Tls { server_name: Some(self.prefix), alpn: Some(self.prefix), ..Tls::default() })
    }

    fn certificate_sha1(&self) -> Option<[u8; 20]> {
        Some([7; 20])
    }

    fn certificate_chain(&self) -> Option<Vec<u8>> {
        Some(self.prefix.to_vec())
    }

    fn server_source(&self) -> Option<SocketAddr> {
        Some(self.source)
    }

    fn server_destination(&self) -> Option<SocketAddr> {
        Some(self.source)
    }

    fn server_tls(&self) -> Option<Tls<'_>> {
        self.tls()
    }

    fn backend(&self, _: &str) -> Option<Load> {
        Some(Load { connections: 1, servers: 2, ..Load::default() })
    }

    fn server(&self, _: &str) -> Option<ServerLoad> {
        Some(ServerLoad { is_up: true, ..ServerLoad::default() })
    }

    fn tcp(&self) -> Option<TcpInfo> {
        Some(TcpInfo { rtt: 1_500, ..TcpInfo::default() })
    }

    fn variable(&self, name: &str) -> Option<&Value<'static>> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl Effects for Visitor<'_> {
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

    fn set_variable(&mut self, name: &str, value: Option<Value<'static>>) {
        assert!(name.contains('.'));
        self.variables.retain(|(known, _)| known != name);
        self.variables.extend(value.map(|value| (name.to_owned(), value)));
    }

    fn capture(&mut self, _: usize, _: Vec<u8>) {}

    fn set_log_level(&mut self, _: LogLevel) {}

    fn expect_proxy(&mut self) {}

    fn limit(&mut self, _: LimitedDirection, bytes: u64, period: u64) {
        assert!(bytes > 0 && period > 0);
    }
}

fuzz_target!(|bytes: &[u8]| {
    // The bytes of the client follow the first NUL.
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (text, prefix) = bytes.split_at(end);
    if text.windows(TABLE_WORD.len()).any(|word| word == TABLE_WORD) {
        return;
    }
    let load = |name: &str| Ok(name.as_bytes().to_vec());
    let environment = Environment { tables: &Tables::default(), before: None, load: &load };
    let rules = match RuleSet::parse(text, environment) {
        Ok(rules) => rules,
        Err(why) => {
            assert!(why.line >= 1 && why.column >= 1);
            assert!(why.column as usize <= why.source.chars().count() + 1, "{why}");
            assert!(!why.to_string().is_empty());
            return;
        }
    };
    let mut visitor = Visitor { source: SocketAddr::from(([192, 0, 2, 1], 40_000)), prefix, variables: Vec::new() };
    let mut passage = RuleProgress::default();
    for phase in RulePhase::ALL {
        let waits = phase == RulePhase::Content && rules.inspect_delay(&passage) > 0;
        let verdict = rules.evaluate(phase, &mut passage, &mut visitor, NOW);
        assert!(verdict != Verdict::Wait || waits);
        if !rules.has(phase) {
            assert_eq!(verdict, Verdict::Accept);
        }
    }
    // A rule that waited goes on where it was, which is no place among the rules of a backend.
    let mut passage = RuleProgress::default();
    if rules.enter_backend(&mut passage, &visitor, NOW) {
        let waits = rules.inspect_delay(&passage) > 0;
        let verdict = rules.evaluate(RulePhase::Content, &mut passage, &mut visitor, NOW);
        assert!(verdict != Verdict::Wait || waits);
    }
    black_box(rules.backend(&passage, &visitor, NOW));
    black_box(rules.stick_entries(Some("a"), &passage, &visitor, NOW));
    black_box(rules.response_entries(Some("a"), &passage, &visitor, NOW));
    black_box(rules.evaluate_response(Some("a"), &mut passage, &mut visitor, NOW));
    for note in rules.notes() {
        assert!(!note.to_string().is_empty());
    }
});
