//! Faults known from other implementations, one test for each class of them.

use super::tlv::kind;
use super::*;

#[test]
fn a_tlv_cannot_reach_into_the_payload_that_came_with_the_header() {
    let mut fused = inet(&tlv(kind::AUTHORITY, b"example"));
    let length_of_tlv = BLOCK + INET.len() + 2;
    fused[length_of_tlv] += 1;
    fused.extend_from_slice(b"m and the payload that has the missing byte");
    assert_eq!(refused(&fused), (Fault::TlvPastEnd, length_of_tlv));
}

#[test]
fn what_lies_behind_the_received_bytes_changes_no_verdict() {
    let families = [0x00, 0x10, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32];
    for (command, family) in families.into_iter().flat_map(|f| [(LOCAL, f), (PROXY, f)]) {
        for length in (0..=36).chain(210..=219) {
            // All that was announced is missing: a stale byte taken for an address would show.
            let bytes = announcing(command, family, length, b"");
            let verdicts = [0x00, 0x04, 0x20, 0x7f, 0xff].map(|poison| {
                let mut memory = vec![poison; 16 + 219];
                memory[..BLOCK].copy_from_slice(&bytes);
                parse(&memory[..BLOCK])
            });
            assert!(verdicts.iter().all(|verdict| *verdict == verdicts[0]), "{family:x} {length}");
            assert!(!matches!(verdicts[0], Parsed::Whole { .. }) || length == 0);
            // And if all of it is there, what follows it is not looked at.
            let whole = header(command, family, &vec![0; length]);
            let verdicts = [0x00, 0x04, 0x20, 0x7f, 0xff]
                .map(|poison| parse(&[&whole[..], &[poison; 219]].concat()));
            assert!(verdicts.iter().all(|verdict| *verdict == verdicts[0]), "{family:x} {length}");
        }
    }
}

#[test]
fn a_truncated_block_waits_and_nothing_is_made_of_it() {
    for (family, size) in [(0x11, 12), (0x12, 12), (0x21, 36), (0x22, 36), (0x31, 216), (0x32, 216)]
    {
        for there in 0..size {
            let bytes = announcing(PROXY, family, size, &vec![0xaa; there]);
            assert_eq!(judge(&bytes), Parsed::Partial { need: BLOCK + size });
        }
    }
}

#[test]
fn the_largest_header_is_accepted_and_its_payload_left() {
    let room = usize::from(u16::MAX) - INET.len();
    let one = inet(&tlv(kind::NOOP, &vec![0; room - 3]));
    let many = inet(&tlv(kind::NOOP, b"").repeat(room / 3));
    assert_eq!(one.len(), V2_MAX);
    for bytes in [one, many] {
        let len = bytes.len();
        for n in [0, 15, 16, 17, 28, 29, 30, 31, len / 2, len - 1] {
            assert!(matches!(parse(&bytes[..n]), Parsed::Partial { .. }), "{n}");
        }
        let fused = [&bytes[..], b"payload"].concat();
        let Parsed::Whole { header, len: found } = parse(&fused) else { panic!() };
        assert_eq!((found, header.tlvs.len()), (len, len - BLOCK - INET.len()));
    }
}

#[test]
fn header_sizes_around_every_internal_size_are_accepted() {
    let sizes = [107, 128, 216, 232, 256, 512, 536, 1024, 4096, 16384, 16640, 18688, 32768, 65535];
    for size in sizes.into_iter().flat_map(|size| [size - 1, size, size + 1]) {
        let bytes = inet(&tlv(kind::NOOP, &vec![0; size - BLOCK - INET.len() - 3]));
        assert_eq!(bytes.len(), size);
        let last = parse(&bytes[..size - 1]);
        assert_eq!(last, Parsed::Partial { need: size });
        assert!(matches!(parse(&bytes), Parsed::Whole { len, .. } if len == size));
    }
}

#[test]
fn nested_ssl_tlvs_cost_neither_stack_nor_time() {
    for depth in [2, 120, 8_000] {
        let mut value = b"\x01\0\0\0\0".to_vec();
        for _ in 1..depth {
            let nested = tlv(kind::SSL, &value);
            value = [&b"\x01\0\0\0\0"[..], &nested].concat();
        }
        let bytes = inet(&tlv(kind::SSL, &value));
        let Parsed::Whole { header, .. } = parse(&bytes) else { panic!("{depth}") };
        assert_eq!(header.ssl().map(|ssl| ssl.client), Some(1));
        assert_eq!(header.tlvs().count(), 1);
        for n in (0..bytes.len()).step_by(997) {
            assert!(matches!(parse(&bytes[..n]), Parsed::Partial { .. }));
        }
        // The innermost one byte short: there are two levels, and the third is bytes.
        let mut bytes = bytes;
        bytes.pop();
        assert!(matches!(parse(&bytes), Parsed::Partial { .. }));
    }
}

#[test]
fn a_mebibyte_without_a_line_end_is_refused_within_107_bytes() {
    for start in
        ["PROXY ", "PROXY UNKNOWN ", "PROXY TCP4 ", "PROXY TCP6 ", "P\rP", "PROXY TCP4 1.2.3.4 "]
    {
        for fill in [b'x', b'1', b' ', b'\r', b'\n', b':', 0, 0xff] {
            let mut bytes = start.as_bytes().to_vec();
            bytes.resize(1 << 20, fill);
            let Parsed::Bad(malformed) = parse(&bytes) else { panic!("{start} {fill}") };
            assert!(malformed.at < V1_MAX);
            assert_eq!(parse(&bytes[..V1_MAX]), Parsed::Bad(malformed));
            assert_eq!(parse(&bytes[..=malformed.at]), Parsed::Bad(malformed));
        }
    }
}

#[test]
fn every_family_byte_and_command_can_be_asked_everything() {
    let mut accepted = 0;
    for family in 0..=u8::MAX {
        for command in 0..=u8::MAX {
            for length in [0, 3, 12, 36, 216, 230] {
                let Parsed::Whole { header, .. } =
                    parse(&header(command, family, &vec![0; length]))
                else {
                    continue;
                };
                accepted += 1;
                let ends = header.ends();
                assert_eq!(ends.is_none(), header.addresses == Addresses::None);
                assert!(header.tlvs().map(|tlv| header.tlv(tlv.kind)).all(|value| value.is_some()));
                assert_eq!(header.ssl(), None);
                assert!(!format!("{header:?} {ends:?}").is_empty());
            }
        }
    }
    // LOCAL always; under PROXY the six unspecified always, and the families from their size on
    // where the zeroes behind the addresses are whole TLVs.
    assert_eq!(accepted, 6 * 256 + 6 * 6 + 2 * (3 + 2 + 1));
}

#[test]
fn every_verdict_can_be_sent_on_in_every_form() {
    let ssl = tlv(kind::SSL, b"\x01\0\0\0\0");
    let received = [
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n".to_vec(),
        b"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n".to_vec(),
        header(LOCAL, 0x00, b""),
        header(LOCAL, 0x11, &INET),
        header(LOCAL, 0x00, &ssl),
        header(PROXY, 0x00, &ssl),
        header(PROXY, 0x10, &INET),
        inet(&ssl),
        header(PROXY, 0x12, &INET),
        header(PROXY, 0x21, &[1; 36]),
        header(PROXY, 0x22, &[1; 36]),
        header(PROXY, 0x31, &unix_block(b"", b"/run/x")),
        header(PROXY, 0x32, &unix_block(b"\0a", b"")),
    ];
    for bytes in received {
        let header = accepted(&bytes);
        let ends = header.ends();
        let ends = ends.as_ref().map(|(source, destination)| (source, destination));
        let tlvs: Vec<_> = header.tlvs().collect();

        let mut line = Vec::new();
        write_v1(&mut line, ends);
        let sent = accepted(&line);
        let ip = ends.filter(|(source, _)| source.as_ip().is_some());
        assert_eq!(
            sent.ends(),
            ip.map(|(source, destination)| (source.clone(), destination.clone()))
        );

        let known = ends.map(|(source, destination)| Origin::Ends(source, destination));
        for origin in [Origin::Local, Origin::Unknown].into_iter().chain(known) {
            for crc32c in [false, true] {
                let mut block = Vec::new();
                let outgoing = OutgoingHeader { origin, tlvs: &tlvs, ssl: None, crc32c };
                outgoing.write_v2(&mut block).expect("it fitted when it came");
                let sent = accepted(&block);
                let reported = matches!(origin, Origin::Ends(..));
                assert_eq!(sent.ends(), header.ends().filter(|_| reported));
                // The receiver of a LOCAL header discards its block.
                let kept = header.tlvs().all(|tlv| sent.tlv(tlv.kind) == Some(tlv.value));
                assert!(kept || matches!(origin, Origin::Local));
            }
        }
    }
}
