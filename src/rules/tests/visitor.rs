//! A connection that consists of the values of its fields.

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ED25519};

use crate::rules::{
    ConnView, Effects, LimitedDirection, ListenerView, Load, LogLevel, Prefix, ServerLoad, TcpInfo,
    Tls, Value,
};
use crate::wire::proxy::{self, Header, Parsed};

#[derive(Clone, Debug, Default)]
pub(super) struct Visitor {
    pub(super) source: Option<SocketAddr>,
    pub(super) destination: Option<SocketAddr>,
    pub(super) socket_source: Option<SocketAddr>,
    pub(super) socket_destination: Option<SocketAddr>,
    pub(super) locals: Vec<IpAddr>,
    pub(super) is_unix: bool,
    pub(super) listener: Option<ListenerView<'static>>,
    pub(super) proxy: Option<Header>,
    pub(super) prefix: Vec<u8>,
    pub(super) may_grow: bool,
    pub(super) tls: Option<Tls<'static>>,
    /// The ends of the connection to the server, ours first.
    pub(super) server: Option<(SocketAddr, SocketAddr)>,
    pub(super) server_tls: Option<Tls<'static>>,
    pub(super) sha1: Option<[u8; 20]>,
    pub(super) tcp: Option<TcpInfo>,
    pub(super) backends: Vec<(&'static str, Load)>,
    pub(super) servers: Vec<(&'static str, ServerLoad)>,
    pub(super) variables: Vec<(String, Value<'static>)>,
    /// What actions did to it, in order.
    pub(super) done: Vec<String>,
}

impl Visitor {
    /// A connection of which only the source address is known.
    pub(super) fn from(address: &str) -> Self {
        let source = Some(SocketAddr::new(address.parse().expect("an address"), 40_000));
        Self { source, socket_source: source, ..Self::default() }
    }

    /// A connection of which everything is known.
    pub(super) fn known() -> Self {
        let end = |text: &str| Some(text.parse().expect("an address"));
        Self {
            source: end("192.0.2.7:40000"),
            destination: end("198.51.100.1:443"),
            socket_source: end("10.0.0.2:50000"),
            socket_destination: end("10.0.0.1:8443"),
            locals: vec!["192.0.2.7".parse().expect("an address")],
            is_unix: false,
            listener: Some(ListenerView {
                name: Some(b"front"),
                number: 1,
                connections: 3,
                session_rate: 2,
            }),
            proxy: Some(header()),
            prefix: Vec::new(),
            may_grow: false,
            server: Some((
                end("10.0.0.1:60000").expect("one"),
                end("10.9.0.1:8080").expect("one"),
            )),
            server_tls: Some(Tls {
                version: "TLSv1.2",
                cipher: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                alpn: Some(b"http/1.1"),
                is_resumed: true,
                ..Tls::default()
            }),
            tls: Some(Tls {
                version: "TLSv1.3",
                cipher: "TLS_AES_128_GCM_SHA256",
                server_name: Some(b"www.example.test"),
                alpn: Some(b"h2"),
                is_resumed: false,
                verify: 0,
                certificate: Some(certificate()),
            }),
            sha1: Some(*b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xab\xcd\xef\xff"),
            tcp: Some(TcpInfo {
                rtt: 2_500,
                rtt_variance: 1_250,
                unacked: 1,
                sacked: 11,
                retransmitted: 12,
                forward_acked: 13,
                lost: 14,
                reordering: 15,
            }),
            backends: vec![(
                "farm",
                Load { connections: 5, queued: 3, servers: 2, free: Some(3), session_rate: 4 },
            )],
            servers: vec![(
                "farm/a",
                ServerLoad { is_up: true, connections: 2, queued: 1, free: None },
            )],
            variables: vec![("txn.number".to_owned(), Value::Int(7))],
            done: Vec::new(),
        }
    }
}

/// A certificate of `/O=Org/CN=alice`.
fn certificate() -> &'static [u8] {
    static DER: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Org");
        params.distinguished_name.push(DnType::CommonName, "alice");
        let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
        params.self_signed(&key).expect("a certificate").der().to_vec()
    });
    &DER
}

/// A header of version 2 with the source, the destination, a TLV with a number and a TLV that is no
/// text.
fn header() -> Header {
    let mut block = vec![192, 0, 2, 7, 198, 51, 100, 1, 0x9c, 0x40, 0x01, 0xbb];
    for (kind, value) in
        [(0x02, b"www.example.test" as &[u8]), (0x05, b"id-1"), (0xe0, b"a\0b\xff")]
    {
        block.extend([kind, 0, value.len() as u8]);
        block.extend(value);
    }
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0".to_vec();
    bytes.push(block.len() as u8);
    bytes.extend(block);
    match proxy::parse(&bytes) {
        Parsed::Whole { header, .. } => header,
        other => panic!("{other:?}"),
    }
}

impl ConnView for Visitor {
    fn source(&self) -> Option<SocketAddr> {
        self.source
    }

    fn destination(&self) -> Option<SocketAddr> {
        self.destination
    }

    fn socket_source(&self) -> Option<SocketAddr> {
        self.socket_source
    }

    fn socket_destination(&self) -> Option<SocketAddr> {
        self.socket_destination
    }

    fn is_local(&self, address: IpAddr) -> bool {
        self.locals.contains(&address)
    }

    fn is_unix(&self) -> bool {
        self.is_unix
    }

    fn listener(&self) -> Option<ListenerView<'_>> {
        self.listener
    }

    fn proxy(&self) -> Option<&Header> {
        self.proxy.as_ref()
    }

    fn prefix(&self) -> Prefix<'_> {
        Prefix { bytes: &self.prefix, may_grow: self.may_grow }
    }

    fn tls(&self) -> Option<Tls<'_>> {
        self.tls
    }

    fn certificate_sha1(&self) -> Option<[u8; 20]> {
        self.sha1
    }

    fn certificate_chain(&self) -> Option<Vec<u8>> {
        self.tls?.certificate.map(<[u8]>::to_vec)
    }

    fn server_source(&self) -> Option<SocketAddr> {
        self.server.map(|(ours, _)| ours)
    }

    fn server_destination(&self) -> Option<SocketAddr> {
        self.server.map(|(_, theirs)| theirs)
    }

    fn server_tls(&self) -> Option<Tls<'_>> {
        self.server_tls
    }

    fn tcp(&self) -> Option<TcpInfo> {
        self.tcp
    }

    fn server(&self, name: &str) -> Option<ServerLoad> {
        self.servers.iter().find(|(known, _)| *known == name).map(|(_, load)| *load)
    }

    fn variable(&self, name: &str) -> Option<&Value<'static>> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn backend(&self, name: &str) -> Option<Load> {
        self.backends.iter().find(|(known, _)| *known == name).map(|(_, load)| *load)
    }
}

impl Effects for Visitor {
    fn set_source(&mut self, address: IpAddr) {
        self.done.push(format!("source {address}"));
        let port = self.source.map_or(0, |source| source.port());
        self.source = Some(SocketAddr::new(address, port));
    }

    fn set_mark(&mut self, mark: u32) {
        self.done.push(format!("mark {mark}"));
    }

    fn set_tos(&mut self, tos: u8) {
        self.done.push(format!("tos {tos}"));
    }

    fn set_source_port(&mut self, port: u16) {
        self.done.push(format!("source port {port}"));
        if let Some(source) = &mut self.source {
            source.set_port(port);
        }
    }

    fn set_destination(&mut self, address: IpAddr) {
        self.done.push(format!("destination {address}"));
        let port = self.destination.map_or(0, |destination| destination.port());
        self.destination = Some(SocketAddr::new(address, port));
    }

    fn set_destination_port(&mut self, port: u16) {
        self.done.push(format!("destination port {port}"));
        if let Some(destination) = &mut self.destination {
            destination.set_port(port);
        }
    }

    fn set_variable(&mut self, name: &str, value: Option<Value<'static>>) {
        self.variables.retain(|(known, _)| known != name);
        match value {
            Some(value) => {
                self.done.push(format!("{name} = {value:?}"));
                self.variables.push((name.to_owned(), value));
            }
            None => self.done.push(format!("{name} unset")),
        }
    }

    fn capture(&mut self, number: usize, value: Vec<u8>) {
        self.done.push(format!("capture {number} = {}", String::from_utf8_lossy(&value)));
    }

    fn set_log_level(&mut self, level: LogLevel) {
        self.done.push(format!("{level:?}"));
    }

    fn expect_proxy(&mut self) {
        self.done.push("expects Proxy".to_owned());
    }

    fn limit(&mut self, direction: LimitedDirection, bytes: u64, period: u64) {
        self.done.push(format!("{direction:?} {bytes} in {period}"));
    }
}
