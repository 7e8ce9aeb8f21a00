//! Certificates made for the tests, and two sessions that are connected in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ED25519,
    RevokedCertParams, SerialNumber, date_time_ymd,
};

use crate::buffer::{BUFFER_SIZE, Buffer, Pool};
use crate::sys::WallTime;
use crate::tls::*;

/// 2033-05-18.
pub(crate) const NOW: u64 = 2_000_000_000;

#[derive(Debug)]
pub(crate) struct Time(AtomicU64);

impl Time {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(NOW)))
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Sets the clock back.
    pub(crate) fn go_back(&self, seconds: u64) {
        self.0.fetch_sub(seconds, Ordering::Relaxed);
    }
}

impl WallTime for Time {
    fn unix_seconds(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            let bits = group.iter().fold(0, |bits, &byte| bits << 8 | u32::from(byte))
                << (8 * (3 - group.len()));
            for digit in 0..4 {
                let index = (bits >> (18 - 6 * digit)) & 63;
                text.push(if digit > group.len() { '=' } else { DIGITS[index as usize].into() });
            }
        }
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

/// A certificate with its key, as PEM.
#[derive(Clone)]
pub(super) struct Leaf {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) der: Vec<u8>,
}

impl Leaf {
    pub(super) fn source(&self) -> CertificateSource {
        CertificateSource::pem(self.certificate.clone() + &self.key)
    }
}

pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) certificate: String,
    pub(super) der: Vec<u8>,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { certificate: pem("CERTIFICATE", &der), der, issuer: Issuer::new(params, key) }
    }

    pub(super) fn params(names: &[&str]) -> CertificateParams {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params
    }

    pub(super) fn sign(&self, params: &CertificateParams, key: &KeyPair) -> Leaf {
        let certificate = params.signed_by(key, &self.issuer).unwrap();
        Leaf {
            certificate: pem("CERTIFICATE", certificate.der()),
            key: pem("PRIVATE KEY", &key.serialize_der()),
            der: certificate.der().to_vec(),
        }
    }

    pub(super) fn leaf(&self, names: &[&str]) -> Leaf {
        self.sign(&Self::params(names), &KeyPair::generate_for(&PKCS_ED25519).unwrap())
    }

    /// A leaf that is valid until `seconds` after [`NOW`].
    pub(super) fn brief_leaf(&self, names: &[&str], seconds: u64) -> Leaf {
        let mut params = Self::params(names);
        params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(NOW + seconds);
        self.sign(&params, &KeyPair::generate_for(&PKCS_ED25519).unwrap())
    }

    pub(super) fn revocation_list(&self, serial: SerialNumber) -> String {
        let crl = CertificateRevocationListParams {
            this_update: date_time_ymd(2033, 1, 1),
            next_update: date_time_ymd(2034, 1, 1),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: serial,
                revocation_time: date_time_ymd(2033, 1, 2),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        pem("X509 CRL", crl.signed_by(&self.issuer).unwrap().der())
    }

    pub(super) fn source(&self) -> PemSource {
        PemSource::Bytes(self.certificate.clone().into())
    }
}

pub(super) fn server_options(leaf: &Leaf) -> ServerOptions {
    ServerOptions {
        certificates: vec![leaf.source()],
        key_exchange: KeyExchange::X25519,
        ..ServerOptions::default()
    }
}

pub(super) fn client_options(authority: &Authority) -> ClientOptions {
    ClientOptions {
        roots: Roots::Pem(vec![authority.source()]),
        key_exchange: KeyExchange::X25519,
        ..ClientOptions::default()
    }
}

pub(super) fn server(options: &ServerOptions) -> Arc<ServerTls> {
    ServerTls::new(options, Time::new()).unwrap()
}

pub(super) fn client(options: &ClientOptions) -> Arc<ClientTls> {
    ClientTls::new(options, Time::new()).unwrap()
}

/// Both configurations for the name `a.test`, one version only.
pub(super) fn configurations(version: TlsVersion) -> (Arc<ClientTls>, Arc<ServerTls>) {
    let authority = Authority::new("test");
    let client_options =
        ClientOptions { min_version: version, max_version: version, ..client_options(&authority) };
    (client(&client_options), server(&server_options(&authority.leaf(&["a.test"]))))
}

/// Both configurations for repeatable runs: no session is kept or resumed, so that all lengths
/// repeat.
pub(crate) fn repeatable(version: TlsVersion) -> (Arc<ClientTls>, Arc<ServerTls>) {
    let authority = Authority::new("test");
    let client_options = ClientOptions {
        min_version: version,
        max_version: version,
        session_cache: 0,
        ..client_options(&authority)
    };
    (client(&client_options), server(&server_options(&authority.leaf(&["a.test"]))))
}

/// One end: a session, driven as a connection drives it.
pub(super) struct Side {
    pub(super) session: Session,
    pub(super) pool: Pool,
    pub(super) out: Buffer,
    pub(super) got: Vec<u8>,
    pub(super) failure: Option<Failure>,
    pub(super) closed: bool,
}

impl Side {
    pub(super) fn new(session: Session) -> Self {
        Self {
            session,
            pool: Pool::new(2, 2),
            out: Buffer::default(),
            got: Vec::new(),
            failure: None,
            closed: false,
        }
    }

    pub(super) fn drive(&mut self) {
        match self.session.handshake(&mut self.out, &mut self.pool) {
            Handshake::NeedInput => {}
            Handshake::Failed(failure) => self.failure = Some(failure),
            Handshake::Done => self.read(),
        }
    }

    fn read(&mut self) {
        let mut plain = Buffer::with_size(BUFFER_SIZE);
        loop {
            let reading = self.session.decrypt(&mut plain, &mut self.out, &mut self.pool);
            self.got.extend(plain.bytes());
            plain.clear();
            match reading {
                Ok(reading) => {
                    self.closed |= reading.closed;
                    if !reading.no_room {
                        return;
                    }
                }
                Err(failure) => {
                    self.failure = Some(failure);
                    return;
                }
            }
        }
    }

    /// Receives in pieces as large as the session offers, driving after each.
    pub(super) fn receive(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.failure.is_none() && !self.closed {
            match self.session.input(&mut self.pool) {
                Ok(buffer) => {
                    assert!(!buffer.space().is_empty(), "an offered buffer has room");
                    let n = buffer.fill(bytes);
                    bytes = &bytes[n..];
                }
                Err(failure) => {
                    self.failure = Some(failure);
                    return;
                }
            }
            self.drive();
        }
    }

    /// Everything to be sent.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let bytes = self.out.bytes().to_vec();
        self.out.clear();
        bytes
    }

    pub(super) fn send(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let n = self.session.encrypt(bytes, &mut self.out).unwrap();
            assert!(n > 0);
            bytes = &bytes[n..];
        }
    }

    /// The alert of the failure, which must have happened.
    pub(super) fn why(&self) -> FailureKind {
        self.failure.as_ref().expect("it failed").why
    }

    pub(super) fn assert_idle(&self) {
        assert_eq!(self.pool.in_use(), 0, "an idle session holds no buffer");
        assert_eq!(self.session.held(), 0);
    }
}

/// Two ends and the bytes between them.
pub(super) struct Pair {
    pub(super) client: Side,
    pub(super) server: Side,
}

impl Pair {
    pub(super) fn new(client: &Arc<ClientTls>, server: &Arc<ServerTls>, name: &str) -> Self {
        let mut pair = Self {
            client: Side::new(Session::client(client, name).unwrap()),
            server: Side::new(Session::server(server)),
        };
        pair.client.drive();
        pair
    }

    /// Carries bytes until none is left.
    pub(super) fn run(&mut self) {
        self.run_with(|flight| flight);
    }

    /// Carries bytes until none is left, with every flight rewritten in between.
    pub(super) fn run_with(&mut self, rewrite: impl Fn(Vec<u8>) -> Vec<u8>) {
        loop {
            let to_server = self.client.take();
            self.server.receive(&rewrite(to_server.clone()));
            let to_client = self.server.take();
            self.client.receive(&rewrite(to_client.clone()));
            if to_server.is_empty() && to_client.is_empty() {
                return;
            }
        }
    }

    pub(super) fn assert_established(&self) {
        assert_eq!(self.client.failure, None);
        assert_eq!(self.server.failure, None);
        assert!(self.client.session.is_established());
        assert!(self.server.session.is_established());
        self.client.assert_idle();
        self.server.assert_idle();
    }

    /// Data both ways, then a clean close.
    pub(super) fn assert_works(&mut self) {
        self.run();
        self.assert_established();
        self.client.send(b"ping");
        self.run();
        self.server.send(b"pong");
        self.run();
        assert_eq!((&self.server.got[..], &self.client.got[..]), (&b"ping"[..], &b"pong"[..]));
        self.client.session.close_notify(&mut self.client.out);
        self.server.session.close_notify(&mut self.server.out);
        self.run();
        assert!(self.client.closed && self.server.closed);
        assert_eq!(self.client.session.eof(), InputEnd::Clean);
        assert_eq!(self.server.session.eof(), InputEnd::Clean);
        self.client.assert_idle();
        self.server.assert_idle();
    }
}

/// A connected pair.
pub(super) fn established(version: TlsVersion) -> Pair {
    let (client, server) = configurations(version);
    let mut pair = Pair::new(&client, &server, "a.test");
    pair.run();
    pair.assert_established();
    pair
}

pub(super) const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

/// Cuts every handshake record that is not encrypted into records of `n` bytes of payload.
pub(super) fn fragment(flight: &[u8], n: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = flight;
    let mut keys_changed = false;
    while let [kind, major, minor, high, low, body @ ..] = rest {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        let (body, after) = body.split_at(len);
        let n = if *kind == 22 && !keys_changed { n } else { len.max(1) };
        keys_changed |= *kind == 20;
        for piece in body.chunks(n) {
            out.extend([*kind, *major, *minor]);
            out.extend(u16::try_from(piece.len()).unwrap().to_be_bytes());
            out.extend(piece);
        }
        rest = after;
    }
    out
}
