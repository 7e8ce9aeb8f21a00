//! Version 2: TLVs, the checksum, the SSL TLV.

use super::tlv::{client, kind};
use super::*;

/// Sets the checksum, whose TLV is the last of `bytes`.
fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let at = bytes.len() - 4;
    bytes[at..].fill(0);
    let sum = reference::crc32c(&bytes);
    bytes[at..].copy_from_slice(&sum.to_be_bytes());
    bytes
}

#[test]
fn tlvs_are_given_as_bytes_in_their_order() {
    let block = [
        tlv(kind::AUTHORITY, b"a\0\xff\xfeb"),
        tlv(kind::NOOP, b""),
        tlv(0xe0, &[0; 300]),
        tlv(kind::AUTHORITY, b"second"),
    ]
    .concat();
    let header = accepted(&inet(&block));
    assert_eq!(*header.tlvs, *block);
    let walked: Vec<_> = header.tlvs().map(|tlv| (tlv.kind, tlv.value.len())).collect();
    assert_eq!(walked, [(2, 5), (4, 0), (0xe0, 300), (2, 6)]);
    assert_eq!(header.tlv(kind::AUTHORITY), Some(&b"a\0\xff\xfeb"[..]));
    assert_eq!(header.tlv(kind::NOOP), Some(&b""[..]));
    assert_eq!(header.tlv(kind::ALPN), None);
    assert_eq!(header.ssl(), None);
}

#[test]
fn every_type_is_kept() {
    for kind in 0..=u8::MAX {
        let value: &[u8] = match kind {
            kind::SSL => &[1, 0, 0, 0, 0],
            _ => b"1234",
        };
        let bytes = inet(&tlv(kind, value));
        let bytes = if kind == kind::CRC32C { seal(bytes) } else { bytes };
        assert!(accepted(&bytes).tlv(kind).is_some(), "{kind:x}");
    }
}

#[test]
fn a_walk_over_bytes_nobody_verified_ends_at_the_first_fault() {
    for bytes in [&b"\x01"[..], b"\x01\0", b"\x01\0\x01", b"\x01\xff\xff1234"] {
        assert_eq!(Tlvs::new(bytes).count(), 0);
    }
    assert_eq!(Tlvs::new(b"\x01\0\0\x02\0\x02a").count(), 1);
    for n in 0..5 {
        assert_eq!(Ssl::parse(&[0xff; 5][..n]), None);
    }
}

/// Faults at the byte of the TLV that makes them certain: 0 its type, 1 and 2 its length.
#[test]
fn wrong_tlvs_are_refused_by_the_byte_that_tells() {
    let first = BLOCK + INET.len();
    let cases: [(&[u8], Fault, usize); 15] = [
        (b"\x04\0\x01", Fault::TlvPastEnd, 2),
        (b"\x04\x01\0", Fault::TlvPastEnd, 1),
        (b"\x04\0\x05abcd", Fault::TlvPastEnd, 2),
        (b"\x04\0\x03abcd", Fault::TlvLeftover, 2),
        (b"\x04\0\x02abcd", Fault::TlvLeftover, 2),
        (b"\x04\0\0\x04\0\x01", Fault::TlvPastEnd, 5),
        (b"\x03\0\x03abc\x04\0\x01a", Fault::TlvLength, 2),
        (b"\x03\x01\0", Fault::TlvPastEnd, 0),
        (b"\x03\0\x04abc", Fault::TlvPastEnd, 0),
        (b"\x03\0\x04abcde", Fault::TlvLeftover, 0),
        (b"\x03\x01\x04abcd", Fault::TlvLength, 1),
        (b"\x20\0\x04abcd", Fault::TlvPastEnd, 0),
        (b"\x20\0\x06abcdef", Fault::TlvLeftover, 0),
        (b"\x20\0\x04abcdefgh", Fault::TlvLength, 2),
        (b"\x03\0\x04abcd\x03\0\x04abcd", Fault::SecondChecksum, 7),
    ];
    for (block, fault, at) in cases {
        assert_eq!(refused(&inet(block)), (fault, first + at), "{block:x?}");
    }
}

#[test]
fn a_unique_id_has_at_most_128_bytes() {
    drop(accepted(&inet(&tlv(kind::UNIQUE_ID, &[7; 128]))));
    let long = inet(&tlv(kind::UNIQUE_ID, &[7; 129]));
    assert_eq!(refused(&long), (Fault::TlvLength, BLOCK + INET.len() + 2));
}

#[test]
fn a_checksum_is_compared_over_the_whole_header() {
    let block = [tlv(kind::NOOP, b"pad"), tlv(kind::CRC32C, b"0000")].concat();
    let good = seal(inet(&block));
    let header = accepted(&good);
    assert_eq!(header.tlv(kind::CRC32C), Some(&good[good.len() - 4..]));
    // Every bit that does not change the header's structure: addresses, padding, the sum itself.
    let first = BLOCK + INET.len();
    for at in (BLOCK..first).chain(first + 3..first + 6).chain(good.len() - 4..good.len()) {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            assert_eq!(refused(&bytes), (Fault::Checksum, good.len() - 4), "{at} {bit}");
        }
    }
    // The checksum does not cover the payload.
    assert!(matches!(judge(&[&good[..], b"payload"].concat()), Parsed::Whole { .. }));
}

#[test]
fn a_checksum_need_not_come_last() {
    let mut bytes = inet(&[tlv(kind::CRC32C, b"\0\0\0\0"), tlv(kind::ALPN, b"h2")].concat());
    let sum = reference::crc32c(&bytes);
    bytes[BLOCK + 15..BLOCK + 19].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(accepted(&bytes).tlv(kind::ALPN), Some(&b"h2"[..]));
}

#[test]
fn a_header_that_another_sender_sealed_is_accepted() {
    // TCP over IPv4, CRC32C and a unique ID, as HAProxy 2.6.12 wrote it.
    let sent = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x25\x7f\0\0\x01\x7f\0\0\x01\x46\xaa\x46\xa1\
        \x03\0\x04\x90\x64\x81\x3f\x05\0\x0fvestibule-18081x";
    let Parsed::Whole { header, len } = judge(sent) else { panic!("{:?}", parse(sent)) };
    assert_eq!(header.addresses, tcp("127.0.0.1:18090", "127.0.0.1:18081"));
    assert_eq!(header.tlv(kind::UNIQUE_ID), Some(&b"vestibule-18081"[..]));
    assert_eq!(&sent[len..], b"x");
}

#[test]
fn an_ssl_tlv_is_taken_apart() {
    let value = [
        b"\x05\0\0\x01\x02".to_vec(),
        tlv(kind::SSL_VERSION, b"TLSv1.3"),
        tlv(kind::SSL_CN, b"\xff\0cn"),
        tlv(0x99, b"nobody's"),
        tlv(kind::SSL_CIPHER, b"first"),
        tlv(kind::SSL_CIPHER, b"second"),
        tlv(kind::SSL_CLIENT_CERT, b"DER"),
    ]
    .concat();
    let header = accepted(&inet(&tlv(kind::SSL, &value)));
    let expected = Ssl {
        client: client::SSL | client::CERT_SESS,
        verify: 0x102,
        version: Some(b"TLSv1.3"),
        cn: Some(b"\xff\0cn"),
        cipher: Some(b"first"),
        client_cert: Some(b"DER"),
        ..Ssl::default()
    };
    assert_eq!(header.ssl(), Some(expected));
}

#[test]
fn a_malformed_ssl_tlv_refuses_the_header() {
    let first = BLOCK + INET.len() + 3 + 5;
    let cases: [(&[u8], Fault, usize); 4] = [
        (b"\x21\0\x02a", Fault::TlvPastEnd, 2),
        (b"\x21\x01\0", Fault::TlvPastEnd, 1),
        (b"\x21\0\x01ab", Fault::TlvLeftover, 2),
        (b"\x21\0\x01a\x22\0\x01", Fault::TlvPastEnd, 6),
    ];
    for (subs, fault, at) in cases {
        let value = [b"\x01\0\0\0\0", subs].concat();
        // What follows the SSL TLV does not belong to its sub-TLVs.
        let block = [tlv(kind::SSL, &value), tlv(kind::NOOP, b"abcdefgh")].concat();
        assert_eq!(refused(&inet(&block)), (fault, first + at), "{subs:x?}");
    }
}

#[test]
fn without_addresses_to_tell_a_faultless_chain_is_tlvs_and_anything_else_is_none() {
    let chain = [tlv(kind::UNIQUE_ID, b"id"), tlv(kind::SSL, b"\x01\0\0\0\0")].concat();
    for family in [0x00, 0x01] {
        assert_eq!(*accepted(&header(PROXY, family, &chain)).tlvs, *chain);
        let cut = &chain[..chain.len() - 1];
        assert!(accepted(&header(PROXY, family, cut)).tlvs.is_empty());
    }
    assert!(accepted(&header(PROXY, 0x10, &INET[..11])).tlvs.is_empty());
    assert!(accepted(&header(PROXY, 0x10, &INET)).tlvs.is_empty());
    let block = [&INET, &chain[..]].concat();
    assert_eq!(*accepted(&header(PROXY, 0x10, &block)).tlvs, *chain);
}

#[test]
fn a_checksum_is_compared_under_unspecified_too() {
    for (family, addresses) in [(0x00, &b""[..]), (0x10, &INET)] {
        let block = [addresses, &tlv(kind::CRC32C, b"0000")].concat();
        let good = seal(header(PROXY, family, &block));
        drop(accepted(&good));
        let mut bytes = good.clone();
        bytes[good.len() - 1] ^= 1;
        assert_eq!(refused(&bytes), (Fault::Checksum, good.len() - 4));
    }
}

#[test]
fn the_block_of_a_local_header_is_discarded_unread_with_a_wrong_checksum_in_it() {
    let chain = [tlv(kind::UNIQUE_ID, b"id"), tlv(kind::CRC32C, b"0000")].concat();
    for family in [0x00, 0x0f, 0x11, 0x12, 0xff] {
        for block in [chain.clone(), [&INET, &chain[..]].concat(), tlv(kind::CRC32C, b"short")] {
            let header = accepted(&header(LOCAL, family, &block));
            assert_eq!((header.addresses, header.tlvs.len()), (Addresses::None, 0));
        }
    }
}
