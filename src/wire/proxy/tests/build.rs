//! The headers we send.

use super::tlv::{client, kind};
use super::*;

fn addr(text: &str) -> Addr {
    Addr::parse(text).expect("an address")
}

fn v1(source: &Addr, destination: &Addr) -> String {
    let mut out = b"before ".to_vec();
    write_v1(&mut out, Some((source, destination)));
    String::from_utf8(out.split_off(7)).expect("ASCII")
}

fn v2(outgoing: OutgoingHeader<'_>) -> Vec<u8> {
    let mut out = b"before ".to_vec();
    outgoing.write_v2(&mut out).expect("it fits");
    assert_eq!(&out[..7], b"before ");
    out.split_off(7)
}

#[test]
fn a_line_never_mixes_families() {
    let (v4, v6) = (addr("192.0.2.1:4242"), addr("[2001:db8::1]:443"));
    let unix = addr("unix:/run/x");
    assert_eq!(v1(&v4, &v4), "PROXY TCP4 192.0.2.1 192.0.2.1 4242 4242\r\n");
    assert_eq!(v1(&v6, &v6), "PROXY TCP6 2001:db8::1 2001:db8::1 443 443\r\n");
    assert_eq!(v1(&v4, &v6), "PROXY TCP6 ::ffff:c000:201 2001:db8::1 4242 443\r\n");
    assert_eq!(v1(&v6, &v4), "PROXY TCP6 2001:db8::1 ::ffff:c000:201 443 4242\r\n");
    for (source, destination) in [(&unix, &unix), (&unix, &v4), (&v6, &unix)] {
        assert_eq!(v1(source, destination), "PROXY UNKNOWN\r\n");
    }
    let mut out = Vec::new();
    write_v1(&mut out, None);
    assert_eq!(out, b"PROXY UNKNOWN\r\n");
}

#[test]
fn the_longest_line_fits() {
    let longest = addr("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    let line = v1(&longest, &longest);
    assert_eq!(line.len(), 104);
    drop(accepted(line.as_bytes()));
}

#[test]
fn a_block_is_written_byte_for_byte() {
    let (v4, v6) = (addr("192.0.2.1:4242"), addr("198.51.100.2:443"));
    assert_eq!(v2(OutgoingHeader::new(Origin::Ends(&v4, &v6))), inet(b""));
    assert_eq!(v2(OutgoingHeader::new(Origin::Local)), header(LOCAL, 0x00, b""));
    assert_eq!(v2(OutgoingHeader::new(Origin::Unknown)), header(PROXY, 0x00, b""));
    let unix = (addr("unix:@a"), addr("unix:/run/x"));
    let sent = v2(OutgoingHeader::new(Origin::Ends(&unix.0, &unix.1)));
    assert_eq!(sent, header(PROXY, 0x31, &unix_block(b"\0a", b"/run/x")));
}

#[test]
fn a_block_never_mixes_families() {
    let (v4, v6) = (addr("192.0.2.1:1"), addr("[2001:db8::1]:2"));
    for (source, destination) in [(&v4, &v6), (&v6, &v4), (&v6, &v6)] {
        let sent = v2(OutgoingHeader::new(Origin::Ends(source, destination)));
        assert_eq!(sent[13], 0x21);
        assert_eq!(accepted(&sent).ends(), Some((source.clone(), destination.clone())));
    }
    let unix = addr("unix:/run/x");
    for (source, destination) in [(&v4, &unix), (&unix, &v6)] {
        let sent = v2(OutgoingHeader::new(Origin::Ends(source, destination)));
        assert_eq!(sent, header(PROXY, 0x00, b""));
    }
}

#[test]
fn the_tlvs_come_behind_the_addresses_and_the_checksum_last() {
    let end = addr("192.0.2.1:1");
    let tlvs = [
        Tlv { kind: kind::ALPN, value: b"h2" },
        Tlv { kind: kind::CRC32C, value: b"old!" },
        Tlv { kind: kind::SSL, value: b"\x01\0\0\0\0" },
        Tlv { kind: 0xe1, value: b"\0\xff" },
    ];
    let ssl = Ssl {
        client: client::SSL | client::CERT_CONN,
        verify: 7,
        version: Some(b"TLSv1.2"),
        cn: Some(b""),
        cipher: Some(b"c"),
        sig_alg: Some(b"s"),
        key_alg: Some(b"k"),
        group: Some(b"g"),
        sig_scheme: Some(b"h"),
        client_cert: Some(&[0x30; 2000]),
    };
    let origin = Origin::Ends(&end, &end);
    for (ssl, expected) in [
        (None, &[kind::ALPN, kind::SSL, 0xe1, kind::CRC32C][..]),
        (Some(ssl), &[kind::ALPN, 0xe1, kind::SSL, kind::CRC32C]),
    ] {
        let header = accepted(&v2(OutgoingHeader { origin, tlvs: &tlvs, ssl, crc32c: true }));
        let kinds: Vec<_> = header.tlvs().map(|tlv| tlv.kind).collect();
        assert_eq!(kinds, expected);
        assert!(ssl.is_none() || header.ssl() == ssl);
        assert_eq!(header.tlv(0xe1), Some(&b"\0\xff"[..]));
    }
    let none =
        accepted(&v2(OutgoingHeader { origin, tlvs: &tlvs[1..2], ssl: None, crc32c: false }));
    assert!(none.tlvs.is_empty());
}

#[test]
fn the_checksum_is_that_of_the_header_with_a_zero_field() {
    let sent = v2(OutgoingHeader { crc32c: true, ..OutgoingHeader::new(Origin::Local) });
    let mut zeroed = sent.clone();
    let at = sent.len() - 4;
    zeroed[at..].fill(0);
    assert_eq!(sent[at..], reference::crc32c(&zeroed).to_be_bytes());
}

#[test]
fn what_does_not_fit_leaves_the_output_alone() {
    let end = addr("192.0.2.1:1");
    let origin = Origin::Ends(&end, &end);
    let room = usize::from(u16::MAX) - INET.len();
    let bytes = vec![0; 1 << 17];
    let name = Addr::Unix(bytes[..109].into());
    let of = |kind, len: usize| Tlv { kind, value: &bytes[..len] };
    let ssl = |len: usize| Some(Ssl { cn: Some(&bytes[..len]), ..Ssl::default() });
    let cases: [(OutgoingHeader<'_>, bool); 11] = [
        (OutgoingHeader { tlvs: &[of(4, room - 3)], ..OutgoingHeader::new(origin) }, true),
        (OutgoingHeader { tlvs: &[of(4, room - 2)], ..OutgoingHeader::new(origin) }, false),
        (
            OutgoingHeader {
                tlvs: &[of(4, room - 3)],
                crc32c: true,
                ..OutgoingHeader::new(origin)
            },
            false,
        ),
        (
            OutgoingHeader {
                tlvs: &[of(4, room - 10)],
                crc32c: true,
                ..OutgoingHeader::new(origin)
            },
            true,
        ),
        (OutgoingHeader { tlvs: &[of(4, 1 << 16)], ..OutgoingHeader::new(Origin::Local) }, false),
        (OutgoingHeader { tlvs: &[of(4, 40_000); 2], ..OutgoingHeader::new(Origin::Local) }, false),
        (
            OutgoingHeader { tlvs: &[of(kind::UNIQUE_ID, 129)], ..OutgoingHeader::new(origin) },
            false,
        ),
        (OutgoingHeader { tlvs: &[of(kind::UNIQUE_ID, 128)], ..OutgoingHeader::new(origin) }, true),
        (OutgoingHeader { ssl: ssl(room - 11), ..OutgoingHeader::new(origin) }, true),
        (OutgoingHeader { ssl: ssl(room - 10), ..OutgoingHeader::new(origin) }, false),
        (OutgoingHeader::new(Origin::Ends(&name, &name)), false),
    ];
    for (nth, (outgoing, fits)) in cases.into_iter().enumerate() {
        let mut out = b"before".to_vec();
        let result = outgoing.write_v2(&mut out);
        assert_eq!(result, if fits { Ok(()) } else { Err(TooLong) }, "case {nth}");
        assert!(out.starts_with(b"before"));
        if fits {
            assert!(matches!(parse(&out[6..]), Parsed::Whole { len, .. } if len == out.len() - 6));
        } else {
            assert_eq!(out, b"before", "case {nth}");
        }
    }
}
