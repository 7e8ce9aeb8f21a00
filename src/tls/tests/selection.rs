//! Which certificate and which protocol a client gets.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

use rustls::SignatureScheme;

use super::rig::*;
use crate::tls::certificate::OwnCertificate;
use crate::tls::resolver::{CERTIFICATES_MAX, Resolver};
use crate::tls::*;

/// The certificate that a client gets which requests `name` and accepts anything, or the alert.
fn chosen(server: &std::sync::Arc<ServerTls>, name: &str) -> Result<Vec<u8>, u8> {
    let options = ClientOptions {
        roots: Roots::DangerouslySkipVerification,
        session_cache: 0,
        ..ClientOptions::default()
    };
    let mut pair = Pair::new(&client(&options), server, name);
    pair.run();
    match &pair.client.failure {
        None => Ok(pair.client.session.negotiated().unwrap().peer_chain().next().unwrap().to_vec()),
        Some(failure) => {
            assert_eq!(pair.server.why(), FailureKind::NoCommonParameters);
            assert_eq!(pair.server.failure.as_ref().unwrap().alert, failure.alert);
            Err(failure.alert.unwrap())
        }
    }
}

#[test]
fn the_exact_name_goes_before_the_wildcard_and_that_before_the_default() {
    let authority = Authority::new("test");
    let default = authority.leaf(&["default.test"]);
    let exact = authority.leaf(&["www.a.test"]);
    let wild = authority.leaf(&["*.a.test", "Upper.Test"]);
    let mut options = ServerOptions {
        certificates: vec![default.source(), wild.source(), exact.source()],
        ..ServerOptions::default()
    };
    let lax = server(&options);
    options.strict_sni = true;
    let strict = server(&options);
    for (name, lax_leaf, strict_leaf) in [
        ("www.a.test", Ok(&exact), Ok(&exact)),
        ("WWW.A.TEST", Ok(&exact), Ok(&exact)),
        ("upper.test", Ok(&wild), Ok(&wild)),
        ("other.a.test", Ok(&wild), Ok(&wild)),
        ("deep.other.a.test", Ok(&default), Err(112)),
        ("a.test", Ok(&default), Err(112)),
        ("default.test", Ok(&default), Ok(&default)),
        ("elsewhere.test", Ok(&default), Err(112)),
        // An IP address is never sent: no name at all.
        ("10.0.0.1", Ok(&default), Err(112)),
    ] {
        let der = |leaf: Result<&Leaf, u8>| leaf.map(|leaf| leaf.der.clone());
        assert_eq!(chosen(&lax, name), der(lax_leaf), "{name}");
        assert_eq!(chosen(&strict, name), der(strict_leaf), "{name}, strict");
    }
}

#[test]
fn the_last_of_as_many_certificates_as_there_may_be_is_found() {
    let leaf = Authority::new("test").leaf(&["a.test"]);
    let own = OwnCertificate::load(&leaf.source()).unwrap();
    let named = |index| OwnCertificate { names: vec![format!("{index}.test")], ..own.clone() };
    let resolver = Resolver::new((0..CERTIFICATES_MAX).map(named).collect(), false);
    let schemes = [SignatureScheme::ED25519];
    assert_eq!(resolver.choose(Some("65535.test"), &schemes), Some(65_535));
    assert_eq!(resolver.choose(Some("65536.test"), &schemes), Some(0));
    assert_eq!(resolver.choose(None, &[]), Some(0), "the client fails for want of a signature");
}

#[test]
fn a_refused_name_is_known_for_the_log() {
    let authority = Authority::new("test");
    let server =
        server(&ServerOptions { strict_sni: true, ..server_options(&authority.leaf(&["a.test"])) });
    let mut pair = Pair::new(&client(&client_options(&authority)), &server, "b.test");
    let hello = pair.client.take();
    pair.server.receive(&hello);
    assert_eq!(pair.server.session.server_name(), Some("b.test"));
    assert_eq!(pair.server.out.bytes(), [21, 3, 3, 0, 2, 2, 112]);
}

#[test]
fn two_certificates_for_one_name_go_to_who_can_check_them() {
    let authority = Authority::new("test");
    let ecdsa = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let params = Authority::params(&["a.test"]);
    let (new, old) = (authority.sign(&params, &ed25519), authority.sign(&params, &ecdsa));
    let server = server(&ServerOptions {
        certificates: vec![new.source(), old.source()],
        ..ServerOptions::default()
    });
    assert_eq!(chosen(&server, "a.test"), Ok(new.der.clone()));

    // The same client without Ed25519: its ClientHello, with the scheme's number made unknown.
    let options = ClientOptions {
        roots: Roots::DangerouslySkipVerification,
        min_version: TlsVersion::Tls12,
        max_version: TlsVersion::Tls12,
        ..ClientOptions::default()
    };
    let mut pair = Pair::new(&client(&options), &server, "a.test");
    let mut hello = pair.client.take();
    for scheme in schemes(&mut hello).chunks_mut(2) {
        if *scheme == [8, 7] {
            scheme[1] = 0xee;
        }
    }
    pair.server.receive(&hello);
    assert_eq!(pair.server.failure, None);
    let flight = pair.server.take();
    let sent = |leaf: &Leaf| flight.windows(leaf.der.len()).any(|bytes| bytes == leaf.der);
    assert!(sent(&old) && !sent(&new));
}

/// The list in the signature_algorithms extension (type 13) of a ClientHello.
fn schemes(hello: &mut [u8]) -> &mut [u8] {
    let header = |b: &[u8]| b[..3] == [0, 13, 0] && b[4] == 0 && b[3] == b[5] + 2;
    let at = hello.windows(6).position(header).unwrap();
    let len = usize::from(hello[at + 5]);
    &mut hello[at + 6..][..len]
}

#[test]
fn application_protocols_are_agreed_on_or_refused() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    let protocols = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
    for version in VERSIONS {
        let run = |ours: &[&str], theirs: &[&str]| {
            let server = server(&ServerOptions { alpn: protocols(ours), ..server_options(&leaf) });
            let client = client(&ClientOptions {
                alpn: protocols(theirs),
                min_version: version,
                max_version: version,
                ..client_options(&authority)
            });
            let mut pair = Pair::new(&client, &server, "a.test");
            pair.run();
            pair
        };
        for (ours, theirs, agreed) in [
            (&["h2", "http/1.1"][..], &["http/1.1", "h2"][..], Some("h2")),
            (&["h2"], &[], None),
            (&[], &["h2"], None),
        ] {
            let mut pair = run(ours, theirs);
            for side in [&pair.client, &pair.server] {
                assert_eq!(side.session.negotiated().unwrap().alpn, agreed.map(str::as_bytes));
            }
            pair.assert_works();
        }
        let pair = run(&["h2"], &["imap"]);
        assert_eq!(pair.server.why(), FailureKind::NoCommonParameters);
        assert_eq!(pair.client.why(), FailureKind::AlertReceived(120));
    }
}

#[test]
fn a_self_signed_certificate_serves_its_names() {
    let source = self_signed(&["dev.test", "127.0.0.1"]).unwrap();
    let CertificateSource::Der { chain, .. } = &source else { panic!("made in memory") };
    let text = pem("CERTIFICATE", &chain[0]);
    let server = server(&ServerOptions { certificates: vec![source], ..Default::default() });
    for name in ["dev.test", "127.0.0.1"] {
        let options = ClientOptions {
            roots: Roots::Pem(vec![PemSource::Bytes(text.clone().into())]),
            ..ClientOptions::default()
        };
        let mut pair = Pair::new(&client(&options), &server, name);
        pair.run();
        let own = pair.server.session.negotiated().unwrap().own.unwrap();
        assert_eq!(
            (&*own.signature_algorithm, &own.key_algorithm[..]),
            ("ecdsa-with-SHA256", "EC256")
        );
        pair.assert_works();
    }
    assert!(self_signed(&[]).is_err());
    assert!(self_signed(&["n\u{e4}me"]).is_err());
}

/// The groups a client offers, and those it sends a key for, as its ClientHello has them.
fn offered(exchange: KeyExchange) -> (Vec<u16>, Vec<u16>) {
    const SUPPORTED_GROUPS: u16 = 10;
    const KEY_SHARE: u16 = 51;
    let options = ClientOptions {
        roots: Roots::DangerouslySkipVerification,
        key_exchange: exchange,
        ..ClientOptions::default()
    };
    let mut side = Side::new(Session::client(&client(&options), "a.test").unwrap());
    side.drive();
    let hello = side.take();
    let u16_at = |at: usize| u16::from_be_bytes([hello[at], hello[at + 1]]);
    // The heads of the record and the message, the version, the random; then the session, the suites
    // and the compression, each with its length in front.
    let mut at = 5 + 4 + 2 + 32;
    at += 1 + usize::from(hello[at]);
    at += 2 + usize::from(u16_at(at));
    at += 1 + usize::from(hello[at]) + 2;
    let (mut groups, mut keys) = (Vec::new(), Vec::new());
    while at < hello.len() {
        let (kind, end) = (u16_at(at), at + 4 + usize::from(u16_at(at + 2)));
        let mut inside = at + 6;
        while inside < end {
            match kind {
                SUPPORTED_GROUPS => groups.push(u16_at(inside)),
                KEY_SHARE => keys.push(u16_at(inside)),
                _ => break,
            }
            inside += if kind == KEY_SHARE { 4 + usize::from(u16_at(inside + 2)) } else { 2 };
        }
        at = end;
    }
    (groups, keys)
}

const X25519: u16 = 29;
const X25519MLKEM768: u16 = 0x11ec;

#[test]
fn a_client_offers_the_group_with_ml_kem_first_unless_told_not_to() {
    let curves = vec![X25519, 23, 24];
    assert_eq!(offered(KeyExchange::Classical), (curves.clone(), vec![X25519]));
    assert_eq!(offered(KeyExchange::X25519), (vec![X25519], vec![X25519]));
    if cfg!(feature = "aws-lc-rs") {
        let groups = [&[X25519MLKEM768], &curves[..]].concat();
        assert_eq!(offered(KeyExchange::All), (groups, vec![X25519MLKEM768, X25519]));
    } else {
        assert_eq!(offered(KeyExchange::All), (curves, vec![X25519]));
    }
}

#[test]
fn a_server_takes_the_first_group_of_the_clients_that_it_knows() {
    let leaf = Authority::new("test").leaf(&["a.test"]);
    let all =
        server(&ServerOptions { certificates: vec![leaf.source()], ..ServerOptions::default() });
    let curves = server(&server_options(&leaf));
    for (exchange, server, group) in [
        (KeyExchange::All, &all, if cfg!(feature = "aws-lc-rs") { X25519MLKEM768 } else { X25519 }),
        (KeyExchange::Classical, &all, X25519),
        (KeyExchange::All, &curves, X25519),
    ] {
        let options = ClientOptions {
            roots: Roots::DangerouslySkipVerification,
            key_exchange: exchange,
            ..ClientOptions::default()
        };
        let mut pair = Pair::new(&client(&options), server, "a.test");
        let hello = pair.client.take();
        pair.server.receive(&hello);
        let flight = pair.server.take();
        pair.client.receive(&flight);
        assert!(pair.client.session.is_established(), "no round trip more");
        pair.run();
        let agreed = [&pair.client, &pair.server]
            .map(|side| side.session.negotiated().and_then(|it| it.group).map(|group| group.code));
        assert_eq!(agreed, [Some(group); 2]);
    }
}
