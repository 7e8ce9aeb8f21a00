//! Version 2: the fixed part and the addresses.

use super::*;

#[test]
fn the_families_and_protocols_give_their_addresses() {
    let header_of = |family, block: &[u8]| accepted(&header(PROXY, family, block));
    let (source, destination) = ("192.0.2.1:4242", "198.51.100.2:443");
    let reported = header_of(0x11, &INET);
    assert_eq!(reported.addresses, tcp(source, destination));
    assert_eq!((reported.version, reported.command), (Version::V2, Command::Proxy));
    let Addresses::Tcp { source, destination } = reported.addresses else { unreachable!() };
    assert_eq!(header_of(0x12, &INET).addresses, Addresses::Udp { source, destination });

    let mut inet6 = [0; 36];
    inet6[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
    inet6[31] = 1;
    inet6[32..].copy_from_slice(&[0, 80, 0xff, 0xff]);
    let reported = header_of(0x21, &inet6);
    assert_eq!(reported.addresses, tcp("[2001:db8::]:80", "[::1]:65535"));
    let Addresses::Tcp { source, destination } = reported.addresses else { unreachable!() };
    assert_eq!(header_of(0x22, &inet6).addresses, Addresses::Udp { source, destination });

    for (family, stream) in [(0x31, true), (0x32, false)] {
        let reported = header_of(family, &unix_block(b"", b"/run/x"));
        let (source, destination) = (b""[..].into(), b"/run/x"[..].into());
        assert_eq!(reported.addresses, Addresses::Unix { stream, source, destination });
    }
}

#[test]
fn mapped_addresses_in_the_block_become_ipv4_for_who_uses_them() {
    let mut block = [0; 36];
    block[10..16].copy_from_slice(&[0xff, 0xff, 192, 0, 2, 1]);
    block[26..32].copy_from_slice(&[0xff, 0xff, 192, 0, 2, 2]);
    block[33] = 80;
    block[35] = 81;
    let ends = accepted(&header(PROXY, 0x21, &block)).ends();
    assert_eq!(ends, Addr::parse("192.0.2.1:80").ok().zip(Addr::parse("192.0.2.2:81").ok()));
}

#[test]
fn unix_names_end_where_their_padding_begins() {
    let full = [b'n'; 108];
    let names: [(&[u8], &[u8]); 8] = [
        (b"", b""),
        (b"/run/x", b"/run/x"),
        (b"/run/x\0junk", b"/run/x"),
        (b"\0abstract", b"\0abstract"),
        (b"\0with\0nul", b"\0with\0nul"),
        (b"\0\0x", b"\0\0x"),
        (&full, &full),
        (&full[..107], &full[..107]),
    ];
    for (written, read) in names {
        for block in [unix_block(written, b"/d"), unix_block(b"/d", written)] {
            let (source, destination) =
                accepted(&header(PROXY, 0x31, &block)).ends().expect("ends");
            let one =
                [source, destination].into_iter().find(|end| *end != Addr::Unix(b"/d"[..].into()));
            assert_eq!(one, Some(Addr::Unix(read.into())), "{written:x?}");
        }
    }
}

#[test]
fn version_and_command_are_refused_by_their_byte() {
    for byte in 0..=u8::MAX {
        let bytes = header(byte, 0x11, &INET);
        match byte {
            LOCAL | PROXY => drop(accepted(&bytes)),
            0x20..=0x2f => assert_eq!(refused(&bytes), (Fault::Command, 12)),
            _ => assert_eq!(refused(&bytes), (Fault::Version, 12)),
        }
    }
}

#[test]
fn unassigned_families_and_protocols_are_refused_by_their_byte_under_proxy_alone() {
    for family in 0..=u8::MAX {
        let bytes = header(PROXY, family, &[0; 216]);
        match (family >> 4, family & 0xf) {
            (4.., _) => assert_eq!(refused(&bytes), (Fault::Family, 13)),
            (_, 3..) => assert_eq!(refused(&bytes), (Fault::Protocol, 13)),
            _ => drop(accepted(&bytes)),
        }
        assert_eq!(accepted(&header(LOCAL, family, &[0; 216])).addresses, Addresses::None);
    }
}

#[test]
fn local_is_accepted_with_any_family_and_any_block() {
    let blocks: [&[u8]; 6] =
        [b"", b"\0", &INET, &[0xff; 5], &[0xff; 300], &tlv(0x20, b"short")[..7]];
    for family in 0..=u8::MAX {
        for block in blocks {
            let header = accepted(&header(LOCAL, family, block));
            assert_eq!((header.command, header.addresses), (Command::Local, Addresses::None));
        }
    }
}

#[test]
fn an_unspecified_family_or_protocol_is_accepted_and_its_addresses_ignored() {
    for family in [0x00, 0x01, 0x02, 0x10, 0x20, 0x30] {
        for block in [&b""[..], b"\0", &INET, &[0xff; 300]] {
            let header = accepted(&header(PROXY, family, block));
            assert_eq!((header.command, header.ends()), (Command::Proxy, None));
            assert_eq!(header.addresses, Addresses::None);
        }
    }
}

#[test]
fn a_block_shorter_than_its_addresses_is_refused_by_the_length() {
    for (family, size) in [(0x11, 12), (0x12, 12), (0x21, 36), (0x22, 36), (0x31, 216), (0x32, 216)]
    {
        for length in 0..size {
            let bytes = header(PROXY, family, &vec![0; length]);
            assert_eq!(refused(&bytes), (Fault::ShortBlock, 15), "{family:x} {length}");
        }
        drop(accepted(&header(PROXY, family, &vec![0; size])));
        for length in [size + 1, size + 2] {
            let bytes = header(PROXY, family, &vec![0; length]);
            assert_eq!(refused(&bytes), (Fault::TlvLeftover, 15), "{family:x} {length}");
        }
        drop(accepted(&header(PROXY, family, &vec![0; size + 3])));
    }
}

#[test]
fn the_length_is_needed_and_the_payload_stays() {
    let bytes = inet(&tlv(tlv::kind::ALPN, b"h2"));
    assert_eq!(parse(&bytes[..15]), Parsed::Partial { need: 16 });
    assert_eq!(parse(&bytes[..16]), Parsed::Partial { need: bytes.len() });
    assert_eq!(parse(&bytes[..bytes.len() - 1]), Parsed::Partial { need: bytes.len() });
    for payload in [&b"x"[..], SIGNATURE, &bytes, b"PROXY UNKNOWN\r\n"] {
        let Parsed::Whole { len, .. } = judge(&[&bytes, payload].concat()) else { panic!() };
        assert_eq!(len, bytes.len());
    }
}
