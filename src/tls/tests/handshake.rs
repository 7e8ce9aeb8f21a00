//! Handshakes cut, fragmented, oversized and disturbed.

use super::rig::*;
use crate::tls::*;

/// Feeds a flight cut at `cut`, with everything a connection might try at that moment in between.
fn receive_cut(side: &mut Side, flight: &[u8], cut: usize) {
    let (head, tail) = flight.split_at(cut.min(flight.len()));
    side.receive(head);
    let established = side.session.is_established();
    let mut scratch = crate::buffer::Buffer::default();
    if !established {
        assert!(side.session.encrypt(b"too early", &mut scratch).is_err());
        assert!(side.session.negotiated().is_none());
        side.session.close_notify(&mut scratch);
        assert!(scratch.is_empty(), "nothing leaves during the handshake");
        side.drive();
    }
    side.receive(tail);
}

#[test]
fn a_handshake_cut_at_every_byte_in_both_directions_succeeds() {
    for version in VERSIONS {
        let (client, server) = configurations(version);
        let mut cut = 1;
        loop {
            let mut pair = Pair::new(&client, &server, "a.test");
            let mut longest = 0;
            loop {
                let to_server = pair.client.take();
                receive_cut(&mut pair.server, &to_server, cut);
                let to_client = pair.server.take();
                receive_cut(&mut pair.client, &to_client, cut);
                longest = longest.max(to_server.len()).max(to_client.len());
                if to_server.is_empty() && to_client.is_empty() {
                    break;
                }
            }
            pair.assert_works();
            cut += 1;
            if cut > longest {
                break;
            }
        }
        assert!(cut > 200, "{version:?} flights are longer than this");
    }
}

#[test]
fn a_handshake_fed_byte_by_byte_succeeds() {
    for version in VERSIONS {
        let (client, server) = configurations(version);
        let mut pair = Pair::new(&client, &server, "a.test");
        for _ in 0..6 {
            for byte in pair.client.take() {
                pair.server.receive(&[byte]);
            }
            for byte in pair.server.take() {
                pair.client.receive(&[byte]);
            }
        }
        pair.assert_works();
    }
}

#[test]
fn handshake_records_of_every_small_size_are_put_together() {
    for version in VERSIONS {
        let (client, server) = configurations(version);
        for n in 1..=64 {
            let mut pair = Pair::new(&client, &server, "a.test");
            pair.run_with(|flight| fragment(&flight, n));
            pair.assert_works();
        }
    }
}

#[test]
fn a_record_with_only_a_handshake_header_survives_every_call_in_between() {
    let (client, server) = configurations(TlsVersion::Tls13);
    let mut pair = Pair::new(&client, &server, "a.test");
    let hello = fragment(&pair.client.take(), 4);
    let (header, rest) = hello.split_at(9);
    pair.server.receive(header);
    let mut out = crate::buffer::Buffer::default();
    for _ in 0..3 {
        assert!(pair.server.session.encrypt(b"x", &mut out).is_err());
        pair.server.session.close_notify(&mut out);
        pair.server.drive();
    }
    assert_eq!(pair.server.session.held(), 9);
    pair.server.receive(rest);
    pair.assert_works();
}

#[test]
fn twenty_thousand_one_byte_fragments_are_too_large_and_bounded() {
    let (_, server) = configurations(TlsVersion::Tls13);
    let mut side = Side::new(Session::server(&server));
    // A ClientHello of 60,000 bytes, begun and never ended.
    let mut flight = Vec::new();
    for byte in [1, 0, 0xea, 0x60].into_iter().chain(std::iter::repeat_n(0, 20_000)) {
        flight.extend([22, 3, 1, 0, 1, byte]);
    }
    let mut most = 0;
    for piece in flight.chunks(1000) {
        side.receive(piece);
        most = most.max(side.session.held());
    }
    assert_eq!(side.why(), FailureKind::TooLarge);
    assert!(most <= crate::tls::record_buffer::RESIDUAL_MAX);
    side.assert_idle();
}

#[test]
fn a_client_hello_of_more_than_17_kib_is_read() {
    let authority = Authority::new("test");
    let long: Vec<_> = (0..80).map(|i| vec![b'a' + (i % 26) as u8; 230]).collect();
    let options = ClientOptions { alpn: long.clone(), ..client_options(&authority) };
    let client = client(&options);
    let server = server(&ServerOptions {
        alpn: vec![long[79].clone()],
        ..server_options(&authority.leaf(&["a.test"]))
    });
    let mut pair = Pair::new(&client, &server, "a.test");
    assert!(pair.client.out.len() > 17 * 1024);
    pair.run();
    let agreed = pair.server.session.negotiated().unwrap().alpn.map(<[u8]>::to_vec);
    assert_eq!(agreed.as_ref(), Some(&long[79]));
    pair.assert_works();
}

#[test]
fn data_right_behind_the_last_handshake_message_is_decrypted() {
    for version in VERSIONS {
        let (client, server) = configurations(version);
        let mut pair = Pair::new(&client, &server, "a.test");
        while !pair.client.session.is_established() {
            let flight = pair.client.take();
            pair.server.receive(&flight);
            let flight = pair.server.take();
            pair.client.receive(&flight);
        }
        pair.client.send(b"at once");
        let flight = pair.client.take();
        // All in one receive: the handshake must end before the data behind it is touched.
        pair.server.receive(&flight);
        pair.run();
        assert_eq!(pair.server.got, b"at once");
        pair.assert_established();
    }
}

#[test]
fn heavy_work_is_announced_before_it_is_done() {
    for version in VERSIONS {
        let (client, server) = configurations(version);
        let mut client = Side::new(Session::client(&client, "a.test").unwrap());
        let mut server = Side::new(Session::server(&server));
        assert!(client.session.wants_heavy());
        assert!(!server.session.wants_heavy());
        client.drive();
        assert!(!client.session.wants_heavy());
        let hello = client.take();
        server.session.input(&mut server.pool).unwrap().extend(&hello[..hello.len() - 1]);
        assert!(!server.session.wants_heavy(), "the message is not complete");
        server.session.input(&mut server.pool).unwrap().extend(&hello[hello.len() - 1..]);
        assert!(server.session.wants_heavy());
        server.drive();
        assert!(!server.session.wants_heavy());
        let flight = server.take();
        client.session.input(&mut client.pool).unwrap().extend(&flight);
        assert!(client.session.wants_heavy());
        client.drive();
        let mut pair = Pair { client, server };
        pair.run();
        pair.assert_established();
        assert!(!pair.client.session.wants_heavy() && !pair.server.session.wants_heavy());
    }
}

#[test]
fn what_was_agreed_is_told_the_same_on_both_sides() {
    for version in VERSIONS {
        let pair = established(version);
        let client = pair.client.session.negotiated().unwrap();
        let server = pair.server.session.negotiated().unwrap();
        assert_eq!((client.version, server.version), (version, version));
        assert_eq!(client.suite, server.suite);
        assert_eq!(client.suite_name, server.suite_name);
        assert!(client.suite_name.starts_with("TLS_"), "{}", client.suite_name);
        assert_eq!(client.group, Some(Group { code: 29, name: "X25519" }));
        assert_eq!(server.group, client.group);
        assert_eq!((client.server_name, server.server_name), (Some("a.test"), Some("a.test")));
        assert_eq!((client.verified, server.verified), (Verified::Valid, Verified::NotAsked));
        assert_eq!(client.peer_chain().len(), 1);
        assert_eq!(server.peer_chain().len(), 0);
        let own = server.own.unwrap();
        assert_eq!((&*own.signature_algorithm, &own.key_algorithm[..]), ("ED25519", "ED25519"));
        assert!(!client.resumed && !server.resumed);
    }
}

#[test]
fn versions_without_overlap_fail_on_both_sides() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    for (theirs, ours) in
        [(TlsVersion::Tls12, TlsVersion::Tls13), (TlsVersion::Tls13, TlsVersion::Tls12)]
    {
        let client = client(&ClientOptions {
            min_version: theirs,
            max_version: theirs,
            ..client_options(&authority)
        });
        let server = server(&ServerOptions {
            min_version: ours,
            max_version: ours,
            ..server_options(&leaf)
        });
        let mut pair = Pair::new(&client, &server, "a.test");
        pair.run();
        assert_eq!(pair.server.why(), FailureKind::NoCommonParameters);
        assert_eq!(pair.server.failure.unwrap().alert, Some(70));
        assert_eq!(pair.client.why(), FailureKind::AlertReceived(70));
    }
}

#[test]
fn the_key_log_has_the_lines_of_both_sides_and_is_emptied() {
    let authority = Authority::new("test");
    let server =
        server(&ServerOptions { key_log: true, ..server_options(&authority.leaf(&["a.test"])) });
    let client = client(&ClientOptions { key_log: true, ..client_options(&authority) });
    Pair::new(&client, &server, "a.test").run();
    assert!(server.take_key_log(20).is_err_and(|needed| needed > 20), "no room, and they stay");
    let [ours, theirs] =
        [server.take_key_log(9_000), client.take_key_log(9_000)].map(Result::unwrap);
    let secret = ours.lines().find(|line| line.starts_with("CLIENT_TRAFFIC_SECRET_0 ")).unwrap();
    assert!(theirs.lines().any(|line| line == secret));
    assert_eq!(server.take_key_log(0).as_deref(), Ok(""));
}

/// A ClientHello of a client that supports nothing newer than `version`, with these extensions.
fn old_hello(version: u16, extensions: &[u8]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    // No session, two cipher suites, no compression.
    body.extend([0, 0, 4, 0xc0, 0x13, 0, 0x2f, 1, 0]);
    if !extensions.is_empty() {
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
    }
    let [high, low] = u16::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[1, 0, high, low], &body[..]].concat();
    let [high, low] = u16::try_from(message.len()).unwrap().to_be_bytes();
    [&[22, 3, 1, high, low], &message[..]].concat()
}

#[test]
fn a_client_of_tls_1_1_at_most_is_told_that_its_version_is_not_spoken() {
    const PROTOCOL_VERSION: u8 = 70;
    // server_name `b.test`, signature_algorithms with Ed25519, supported_groups with X25519.
    const NAME: &[u8] = b"\0\0\0\x0b\0\x09\0\0\x06b.test";
    const SIGNATURES: &[u8] = &[0, 13, 0, 4, 0, 2, 8, 7];
    const GROUPS: &[u8] = &[0, 10, 0, 4, 0, 2, 0, 29];
    let leaf = Authority::new("test").leaf(&["a.test"]);
    for strict_sni in [false, true] {
        for min_version in VERSIONS {
            let options = ServerOptions { strict_sni, min_version, ..server_options(&leaf) };
            let server = server(&options);
            for version in [0x0300, 0x0301, 0x0302] {
                for extensions in [
                    vec![],
                    GROUPS.to_vec(),
                    [NAME, GROUPS].concat(),
                    [NAME, SIGNATURES, GROUPS].concat(),
                ] {
                    let hello = old_hello(version, &extensions);
                    for size in [1, 3, 7, 40, hello.len()] {
                        let mut side = Side::new(Session::server(&server));
                        side.receive(&fragment(&hello, size));
                        assert_eq!(side.out.bytes(), [21, 3, 3, 0, 2, 2, PROTOCOL_VERSION]);
                        let failure = side.failure.as_ref().expect("it is refused");
                        assert_eq!(failure.why, FailureKind::NoCommonParameters);
                        assert_eq!(failure.alert, Some(PROTOCOL_VERSION));
                        assert!(failure.text.contains("TLS 1.1"), "{failure}");
                    }
                }
            }
            // A TLS 1.2 client that lacks the same extensions does not get that alert.
            let mut side = Side::new(Session::server(&server));
            side.receive(&old_hello(0x0303, GROUPS));
            assert_eq!(side.failure.as_ref().and_then(|failure| failure.alert), Some(40));
        }
    }
}
