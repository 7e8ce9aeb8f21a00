//! What holds for every input.

use proptest::collection::vec;
use proptest::prelude::*;

use super::reference::Verdict;
use super::*;

/// Our verdict, in the terms of the reference.
fn ours(bytes: &[u8]) -> Verdict {
    match parse(bytes) {
        Parsed::Partial { .. } => Verdict::Partial,
        Parsed::Whole { header, len } => {
            Verdict::Whole { len, addresses: header.addresses, tlvs: header.tlvs.into() }
        }
        Parsed::Bad(_) => Verdict::Bad,
    }
}

/// Both parsers agree on `bytes` and on every beginning of them.
fn agree(bytes: &[u8]) {
    let mut decided = Verdict::Partial;
    for n in 0..=bytes.len() {
        if decided == Verdict::Partial {
            decided = reference::decide(&bytes[..n]);
        }
        assert_eq!(ours(&bytes[..n]), decided, "{n} of {:?}", bytes.escape_ascii().to_string());
    }
    judge(bytes);
}

/// Changes to bytes: where, what kind, and to which byte.
fn mutations() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    let byte = prop_oneof![
        prop::sample::select(b" :.0159afF\r\n\0+-\tPTUx%\x20\x03\x04\x05".to_vec()),
        any::<u8>()
    ];
    vec((any::<prop::sample::Index>(), 0..4u8, byte), 0..4)
}

fn mutate(bytes: &mut Vec<u8>, mutations: &[(prop::sample::Index, u8, u8)]) {
    for (index, what, byte) in mutations {
        if bytes.is_empty() {
            return;
        }
        let at = index.index(bytes.len());
        match what {
            0 => bytes[at] = *byte,
            1 => bytes.insert(at, *byte),
            2 => drop(bytes.remove(at)),
            _ => bytes[at] = bytes[at].wrapping_add(1),
        }
    }
}

fn address_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
        any::<[u16; 8]>().prop_map(|groups| std::net::Ipv6Addr::from(groups).to_string()),
        vec(prop::sample::select(vec![0, 0, 0, 1, 0xffff]), 8).prop_map(|groups| {
            let groups = <[u16; 8]>::try_from(groups).expect("eight groups");
            std::net::Ipv6Addr::from(groups).to_string()
        }),
        "[0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,4}::?([0-9a-f]{1,4}:){0,4}([0-9]{1,3}\\.){0,3}[0-9]{0,3}",
    ]
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let protocol = prop::sample::select(vec!["TCP4", "TCP6", "TCP6", "UNKNOWN", "TCP", ""]);
    let port = || prop_oneof![any::<u16>().prop_map(|port| port.to_string()), "[0-9+]{0,6}"];
    let end = prop::sample::select(vec!["\r\n", "\r\n", "\r\n", "\n", "\r", "", " \r\n"]);
    (protocol, address_text(), address_text(), port(), port(), end).prop_map(
        |(protocol, source, destination, from, to, end)| {
            format!("PROXY {protocol} {source} {destination} {from} {to}{end}payload").into_bytes()
        },
    )
}

fn tlv_bytes() -> impl Strategy<Value = Vec<u8>> {
    let kinds = prop::sample::select(vec![1, 2, 3, 3, 4, 5, 0x20, 0x20, 0x21, 0x30, 0xe0]);
    let value = prop_oneof![
        4 => vec(any::<u8>(), 0..12),
        2 => Just(vec![0; 4]),
        2 => (any::<[u8; 5]>(), vec(any::<u8>(), 0..6)).prop_map(|(fixed, cn)| {
            [&fixed[..], &tlv(0x22, &cn)].concat()
        }),
        1 => vec(Just(0), 125..135),
    ];
    (kinds, value).prop_map(|(kind, value)| tlv(kind, &value))
}

fn block() -> impl Strategy<Value = Vec<u8>> {
    let family = prop_oneof![
        4 => prop::sample::select(vec![0x11, 0x12, 0x21, 0x22, 0x31, 0x32, 0x00, 0x10]),
        1 => any::<u8>()
    ];
    let command = prop::sample::select(vec![LOCAL, PROXY, PROXY, PROXY]);
    (command, family, vec(tlv_bytes(), 0..4), any::<bool>(), -2..3_i16).prop_map(
        |(command, family, tlvs, seal, off)| {
            let size = match family >> 4 {
                1 => 12,
                2 => 36,
                3 => 216,
                _ => 0,
            };
            let mut block = vec![b'a'; size];
            block.extend(tlvs.concat());
            if seal {
                block.extend(tlv(3, &[0; 4]));
            }
            // Most lengths are right, and the payload has what a wrong one lacks.
            let off = if off.abs() == 2 { off / 2 } else { 0 };
            let length = block.len().saturating_add_signed(off.into());
            let mut bytes = announcing(command, family, length, &block);
            if seal && off == 0 {
                let at = bytes.len() - 4;
                let sum = reference::crc32c(&bytes);
                bytes[at..].copy_from_slice(&sum.to_be_bytes());
            }
            bytes.extend_from_slice(b"payload");
            bytes
        },
    )
}

fn end() -> impl Strategy<Value = Addr> {
    let name = prop_oneof![
        vec(1..=u8::MAX, 0..=108),
        (vec(any::<u8>(), 0..=106), 1..=u8::MAX).prop_map(|(middle, last)| [
            &[0][..],
            &middle,
            &[last]
        ]
        .concat()),
    ];
    prop_oneof![
        any::<std::net::SocketAddrV4>().prop_map(|v4| Addr::ip(v4.into())),
        (any::<[u16; 8]>(), any::<u16>())
            .prop_map(|(ip, port)| Addr::ip((std::net::Ipv6Addr::from(ip), port).into())),
        name.prop_map(|name| Addr::Unix(name.into())),
    ]
}

proptest! {
    #[test]
    fn any_bytes_get_the_verdict_of_the_reference(bytes in vec(any::<u8>(), 0..64)) {
        agree(&bytes);
    }

    #[test]
    fn any_line_gets_the_verdict_of_the_reference(mut bytes in line(), changes in mutations()) {
        mutate(&mut bytes, &changes);
        agree(&bytes);
    }

    #[test]
    fn any_block_gets_the_verdict_of_the_reference(mut bytes in block(), changes in mutations()) {
        mutate(&mut bytes, &changes);
        agree(&bytes);
    }

    #[test]
    fn what_is_sent_is_what_is_read(
        source in end(),
        destination in end(),
        values in vec((any::<u8>(), vec(any::<u8>(), 0..20)), 0..4),
        cn in proptest::option::of(vec(any::<u8>(), 0..20)),
        client in any::<u8>(),
        verify in any::<u32>(),
        crc32c in any::<bool>(),
    ) {
        let tlvs: Vec<_> = values
            .iter()
            .filter(|(kind, _)| *kind != tlv::kind::SSL && *kind != tlv::kind::CRC32C)
            .map(|(kind, value)| Tlv { kind: *kind, value })
            .collect();
        let ssl = cn.as_ref().map(|cn| Ssl { client, verify, cn: Some(cn), ..Ssl::default() });
        let mut out = Vec::new();
        OutgoingHeader { origin: Origin::Ends(&source, &destination), tlvs: &tlvs, ssl, crc32c }
            .write_v2(&mut out)
            .expect("it fits");
        let header = accepted(&out);
        let one_kind = source.as_ip().is_some() == destination.as_ip().is_some();
        let ends = Some((source.clone(), destination.clone())).filter(|_| one_kind);
        prop_assert_eq!(header.ends(), ends.clone());
        prop_assert_eq!(header.command, Command::Proxy);
        prop_assert_eq!(header.ssl(), ssl);
        prop_assert_eq!(header.tlv(tlv::kind::CRC32C).is_some(), crc32c);
        let rest: Vec<_> = header
            .tlvs()
            .filter(|tlv| tlv.kind != tlv::kind::SSL && tlv.kind != tlv::kind::CRC32C)
            .collect();
        prop_assert_eq!(rest, tlvs);

        let mut line = Vec::new();
        write_v1(&mut line, Some((&source, &destination)));
        prop_assert_eq!(accepted(&line).ends(), ends.filter(|_| source.as_ip().is_some()));
    }
}

/// Every text of a few tokens, as long as it can still become an address: the parsers agree on
/// which that are, and on every text one token longer.
#[test]
fn every_short_address_text_gets_the_verdict_of_the_reference() {
    let walk = |start: &str, tokens: &[&str], depth: usize| {
        let mut hopeful = vec![start.to_owned()];
        for _ in 0..depth {
            let longer =
                hopeful.iter().flat_map(|text| tokens.iter().map(move |t| format!("{text}{t}")));
            let longer: Vec<_> = longer.collect();
            hopeful.clear();
            for text in longer {
                let verdict = ours(text.as_bytes());
                assert_eq!(verdict, reference::parse(text.as_bytes()), "{text}");
                if verdict == Verdict::Partial {
                    hopeful.push(text);
                }
            }
        }
        assert!(!hopeful.is_empty());
    };
    walk("PROXY TCP4 ", &["0", "1", "25", "6", ".", " ", ":"], 7);
    walk("PROXY TCP6 ", &["1", ":", ".", "g", " "], 9);
    walk("PROXY TCP6 ", &["1:", "f", "::", "1.2", ".3.4", "0"], 8);
    walk("PROXY TCP6 1:2:3:4:", &["5", ":", "6.", "ffff"], 9);
    walk("PROXY TCP4 1.2.3.4 5.6.7.8 ", &["0", "6553", "5", "6", " ", "\r", "\n", "+"], 6);
}
