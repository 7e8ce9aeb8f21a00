//! Which certificate and which protocol a client gets.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

use super::rig::*;
use crate::tls::*;

/// The certificate a client gets that asks for `name` and believes anything, or the alert.
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
            assert_eq!(pair.server.why(), Why::NoCommonParameters);
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
        min_version: Version::Tls12,
        max_version: Version::Tls12,
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
        assert_eq!(pair.server.why(), Why::NoCommonParameters);
        assert_eq!(pair.client.why(), Why::AlertReceived(120));
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
            roots: Roots::Pem(vec![Source::Bytes(text.clone().into())]),
            ..ClientOptions::default()
        };
        let mut pair = Pair::new(&client(&options), &server, name);
        pair.run();
        let own = pair.server.session.negotiated().unwrap().own.unwrap();
        assert_eq!(
            (own.signature_algorithm, &own.key_algorithm[..]),
            ("ecdsa-with-SHA256", "EC256")
        );
        pair.assert_works();
    }
    assert!(self_signed(&[]).is_err());
    assert!(self_signed(&["n\u{e4}me"]).is_err());
}
