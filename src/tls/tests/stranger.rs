//! Our record protection with that of rustls at the other end.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedCipherSuite};

use super::rig::*;
use crate::tls::clock::TlsTimeProvider;
use crate::tls::provider::provider;
use crate::tls::*;

/// A client that uses rustls alone.
struct Stranger {
    tls: ClientConnection,
    got: Vec<u8>,
}

impl Stranger {
    fn new(config: Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from("a.test").unwrap();
        Self { tls: ClientConnection::new(config, name).unwrap(), got: Vec::new() }
    }

    /// Carries bytes until none is left.
    fn run(&mut self, server: &mut Side) {
        loop {
            let mut flight = Vec::new();
            while self.tls.wants_write() {
                self.tls.write_tls(&mut flight).unwrap();
            }
            if flight.is_empty() && server.out.is_empty() {
                return;
            }
            server.receive(&flight);
            let answer = server.take();
            let mut rest = &answer[..];
            while !rest.is_empty() {
                self.tls.read_tls(&mut rest).unwrap();
                let state = self.tls.process_new_packets().unwrap();
                let start = self.got.len();
                self.got.resize(start + state.plaintext_bytes_to_read(), 0);
                self.tls.reader().read_exact(&mut self.got[start..]).unwrap();
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.tls.writer().write_all(bytes).unwrap();
    }
}

/// A configuration of rustls's that offers one suite.
fn only(suite: SupportedCipherSuite, authority: &Authority) -> Arc<ClientConfig> {
    let provider = provider(KeyExchange::All);
    let provider = Arc::new(CryptoProvider { cipher_suites: vec![suite], ..(*provider).clone() });
    let mut roots = RootCertStore::empty();
    roots.add(authority.der.clone().into()).unwrap();
    let config =
        ClientConfig::builder_with_details(provider, Arc::new(TlsTimeProvider(Time::new())))
            .with_protocol_versions(&[suite.version()])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    Arc::new(config)
}

#[test]
fn every_cipher_suite_speaks_with_rustls_both_ways_and_closes() {
    let authority = Authority::new("test");
    let server = server(&server_options(&authority.leaf(&["a.test"])));
    let mut suites = provider(KeyExchange::All).cipher_suites.clone();
    // Suites that require an RSA certificate protect records like those with ECDSA.
    suites.retain(|suite| !suite.suite().as_str().unwrap_or_default().contains("RSA_WITH"));
    assert_eq!(suites.len(), 6, "three ciphers in two versions");
    for suite in suites {
        let mut stranger = Stranger::new(only(suite, &authority));
        let mut side = Side::new(Session::server(&server));
        stranger.run(&mut side);
        for len in [1, 100, 16_384, 50_000] {
            let data: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            stranger.got.clear();
            side.got.clear();
            stranger.send(&data);
            side.send(&data);
            stranger.run(&mut side);
            assert_eq!(side.failure, None, "{suite:?}");
            assert!(side.got == data && stranger.got == data, "{suite:?}");
        }
        side.session.close_notify(&mut side.out);
        stranger.run(&mut side);
        assert_eq!(stranger.tls.reader().read(&mut [0; 1]).unwrap(), 0, "{suite:?}: a clean end");
        stranger.tls.send_close_notify();
        stranger.run(&mut side);
        assert!(side.closed, "{suite:?}");
        side.assert_idle();
    }
}

#[test]
fn a_change_of_keys_is_followed_and_answered_with_the_next_record() {
    let authority = Authority::new("test");
    let server = server(&server_options(&authority.leaf(&["a.test"])));
    let mut suites = provider(KeyExchange::All).cipher_suites.clone();
    suites.retain(|suite| suite.tls13().is_some());
    assert_eq!(suites.len(), 3);
    for suite in suites {
        let mut stranger = Stranger::new(only(suite, &authority));
        changes_keys(&mut stranger, Side::new(Session::server(&server)));
    }
}

fn changes_keys(stranger: &mut Stranger, mut server: Side) {
    stranger.run(&mut server);
    for round in 1..=5 {
        stranger.tls.refresh_traffic_keys().unwrap();
        stranger.run(&mut server);
        assert_eq!(server.failure, None);
        server.assert_idle();
        stranger.send(b"new keys");
        stranger.run(&mut server);
        assert_eq!(server.got, b"new keys".repeat(round));
        server.send(b"mine too");
        stranger.run(&mut server);
        assert_eq!(stranger.got, b"mine too".repeat(round));
    }
    // With nothing to send in between, many requests cost nothing and break nothing.
    for _ in 0..20 {
        stranger.tls.refresh_traffic_keys().unwrap();
        stranger.run(&mut server);
    }
    server.session.close_notify(&mut server.out);
    stranger.run(&mut server);
    assert_eq!(server.failure, None);
}
