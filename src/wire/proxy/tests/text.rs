//! Version 1.

use super::*;

fn line(text: &str) -> Header {
    accepted(text.as_bytes())
}

#[test]
fn lines_of_both_families_give_their_addresses() {
    let header = line("PROXY TCP4 192.0.2.1 198.51.100.2 4242 443\r\n");
    assert_eq!(header.addresses, tcp("192.0.2.1:4242", "198.51.100.2:443"));
    assert_eq!((header.version, header.command), (Version::V1, Command::Proxy));
    assert!(header.tlvs.is_empty());
    let cases = [
        ("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0:0", "255.255.255.255:65535"),
        ("PROXY TCP6 :: ::1 0 1\r\n", "[::]:0", "[::1]:1"),
        ("PROXY TCP6 2001:DB8::a 2001:db8::A 1 2\r\n", "[2001:db8::a]:1", "[2001:db8::a]:2"),
        ("PROXY TCP6 1:2:3:4:5:6:7:8 1:0002::8 1 2\r\n", "[1:2:3:4:5:6:7:8]:1", "[1:2::8]:2"),
        (
            "PROXY TCP6 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1 2\r\n",
            "[1:2:3:4:5:6:7:0]:1",
            "[0:2:3:4:5:6:7:8]:2",
        ),
        (
            "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
             ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
        ),
        (
            "PROXY TCP6 ::ffff:192.0.2.1 1::1.2.3.4 1 2\r\n",
            "[::ffff:192.0.2.1]:1",
            "[1::1.2.3.4]:2",
        ),
    ];
    for (text, source, destination) in cases {
        assert_eq!(line(text).addresses, tcp(source, destination), "{text}");
    }
}

#[test]
fn mapped_addresses_become_ipv4_for_who_uses_them() {
    let header = line("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n");
    let addr = |text: &str| Addr::parse(text).expect("an address");
    assert_eq!(header.ends(), Some((addr("192.0.2.1:1"), addr("[2001:db8::1]:2"))));
}

#[test]
fn unknown_is_accepted_with_anything_before_its_cr_lf() {
    let longest = format!("PROXY UNKNOWN {}\r\n", "x".repeat(V1_MAX - 16));
    assert_eq!(longest.len(), V1_MAX);
    let lines: [&[u8]; 12] = [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN \r\n",
        b"PROXY UNKNOWN  \r\n",
        b"PROXY UNKNOWN 1 2 3 4 5 6 7 8 9\r\n",
        b"PROXY UNKNOWN 192.0.2.1 192.0.2.2 80 443\r\n",
        b"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
        b"PROXY UNKNOWN \xff\xfe\0\x80\r\n",
        b"PROXY UNKNOWN a\rb\r\r\n",
        b"PROXY UNKNOWN \na\n\r\n",
        b"PROXY UNKNOWN \xc3\r\n",
        b"PROXY UNKNOWN +80\tPROXY TCP4\r\n",
        longest.as_bytes(),
    ];
    for bytes in lines {
        let header = accepted(bytes);
        assert_eq!(header.addresses, Addresses::None);
        assert_eq!(header.ends(), None);
    }
}

#[test]
fn the_first_cr_lf_ends_the_line_and_the_payload_stays() {
    for payload in [&b"\r\n"[..], b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", &[0xff; 200], SIGNATURE] {
        for text in ["PROXY UNKNOWN x\r\n", "PROXY TCP4 192.0.2.1 198.51.100.2 4242 443\r\n"] {
            let Parsed::Whole { len, .. } = judge(&[text.as_bytes(), payload].concat()) else {
                panic!("{text} with {payload:x?} behind it");
            };
            assert_eq!(len, text.len());
        }
    }
}

/// Each line with its fault and the offset of the first byte that cannot be right.
#[test]
fn wrong_lines_are_refused_by_their_first_hopeless_byte() {
    let cases = [
        // The words.
        ("PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n", Fault::LineProtocol, 6),
        ("PROXY\tTCP4 1.2.3.4 5.6.7.8 1 2\r\n", Fault::NotProxy, 5),
        ("proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", Fault::NotProxy, 0),
        ("PRoXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", Fault::NotProxy, 2),
        ("PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n", Fault::LineProtocol, 6),
        ("PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n", Fault::LineProtocol, 9),
        ("PROXY TCP45 1.2.3.4 5.6.7.8 1 2\r\n", Fault::LineProtocol, 10),
        ("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", Fault::LineProtocol, 7),
        ("PROXY UNIX\r\n", Fault::LineProtocol, 8),
        ("PROXY UNKNOWNX\r\n", Fault::LineProtocol, 13),
        ("PROXY UNKNOWN\tX\r\n", Fault::LineProtocol, 13),
        ("PROXY unknown\r\n", Fault::LineProtocol, 6),
        ("PROXY \r\n", Fault::LineEnd, 6),
        ("PROXY\r\n", Fault::NotProxy, 5),
        ("P\rP", Fault::NotProxy, 1),
        ("PROXY\rT", Fault::NotProxy, 5),
        // IPv4.
        ("PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n", Fault::LineSource, 12),
        ("PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n", Fault::LineSource, 18),
        ("PROXY TCP4 1.2.3.00 5.6.7.8 1 2\r\n", Fault::LineSource, 18),
        ("PROXY TCP4 256.2.3.4 5.6.7.8 1 2\r\n", Fault::LineSource, 13),
        ("PROXY TCP4 1234.2.3.4 5.6.7.8 1 2\r\n", Fault::LineSource, 14),
        ("PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", Fault::LineSource, 16),
        ("PROXY TCP4 1.2.3.4.5 5.6.7.8 1 2\r\n", Fault::LineSource, 18),
        ("PROXY TCP4 1..3.4 5.6.7.8 1 2\r\n", Fault::LineSource, 13),
        ("PROXY TCP4 .1.2.3 5.6.7.8 1 2\r\n", Fault::LineSource, 11),
        ("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", Fault::LineSource, 11),
        ("PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n", Fault::LineDestination, 19),
        ("PROXY TCP4 1.2.3.4\t5.6.7.8 1 2\r\n", Fault::LineSource, 18),
        ("PROXY TCP4 +1.2.3.4 5.6.7.8 1 2\r\n", Fault::LineSource, 11),
        ("PROXY TCP4 -1.2.3.4 5.6.7.8 1 2\r\n", Fault::LineSource, 11),
        ("PROXY TCP4 0x1.2.3.4 5.6.7.8 1 2\r\n", Fault::LineSource, 12),
        ("PROXY TCP4 ::1 ::1 1 2\r\n", Fault::LineSource, 11),
        ("PROXY TCP4 ::ffff:1.2.3.4 5.6.7.8 1 2\r\n", Fault::LineSource, 11),
        ("PROXY TCP4 1.2.3.4 ::1 1 2\r\n", Fault::LineDestination, 19),
        ("PROXY TCP4 1.2.3.4\r\n", Fault::LineEnd, 18),
        ("PROXY TCP4 1.2.3.4 5.6.7.8\r\n", Fault::LineEnd, 26),
        ("PROXY TCP4 \r\n", Fault::LineEnd, 11),
        ("PROXY TCP4\r\n", Fault::LineEnd, 10),
        ("PROXY TCP4\n", Fault::LineEnd, 10),
        // IPv6.
        ("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", Fault::LineSource, 12),
        ("PROXY TCP6 :1 ::1 1 2\r\n", Fault::LineSource, 12),
        ("PROXY TCP6 ::: ::1 1 2\r\n", Fault::LineSource, 13),
        ("PROXY TCP6 1::2::3 ::1 1 2\r\n", Fault::LineSource, 16),
        ("PROXY TCP6 12345::1 ::1 1 2\r\n", Fault::LineSource, 15),
        ("PROXY TCP6 ::g ::1 1 2\r\n", Fault::LineSource, 13),
        ("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", Fault::LineSource, 18),
        ("PROXY TCP6 fe80::1%1 ::1 1 2\r\n", Fault::LineSource, 18),
        ("PROXY TCP6 [::1] ::1 1 2\r\n", Fault::LineSource, 11),
        ("PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n", Fault::LineSource, 24),
        ("PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n", Fault::LineSource, 26),
        ("PROXY TCP6 1:2:3:4:5:6:7:8:: ::1 1 2\r\n", Fault::LineSource, 26),
        ("PROXY TCP6 1::3:4:5:6:7:8:9 ::1 1 2\r\n", Fault::LineSource, 25),
        ("PROXY TCP6 ::ffff:01.2.3.4 ::1 1 2\r\n", Fault::LineSource, 20),
        ("PROXY TCP6 ::1.2.3.4:5 ::1 1 2\r\n", Fault::LineSource, 20),
        ("PROXY TCP6 ::1 1.2.3.4 1 2\r\n", Fault::LineMixed, 16),
        ("PROXY TCP6 ::1 ::1%0 1 2\r\n", Fault::LineDestination, 18),
        // Ports.
        ("PROXY TCP4 1.2.3.4 5.6.7.8 08 80\r\n", Fault::LineSourcePort, 28),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 80 007\r\n", Fault::LineDestinationPort, 31),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 00 1\r\n", Fault::LineSourcePort, 28),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 65536 1\r\n", Fault::LineSourcePort, 31),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", Fault::LineDestinationPort, 33),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 70000\r\n", Fault::LineDestinationPort, 33),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 100000 1\r\n", Fault::LineSourcePort, 32),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 +80 1\r\n", Fault::LineSourcePort, 27),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 +80\r\n", Fault::LineDestinationPort, 29),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 +0080\r\n", Fault::LineDestinationPort, 29),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 -1 1\r\n", Fault::LineSourcePort, 27),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 0x50 1\r\n", Fault::LineSourcePort, 28),
        ("PROXY TCP4 1.2.3.4 5.6.7.8  1\r\n", Fault::LineSourcePort, 27),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1  2\r\n", Fault::LineDestinationPort, 29),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1\t2\r\n", Fault::LineSourcePort, 28),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", Fault::LineEnd, 28),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n", Fault::LineEnd, 29),
        // The end.
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", Fault::LineDestinationPort, 30),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", Fault::LineDestinationPort, 30),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \n", Fault::LineDestinationPort, 30),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", Fault::LineEnd, 30),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rX", Fault::LineEnd, 31),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n", Fault::LineEnd, 31),
        ("PROXY TCP4\r1.2.3.4 5.6.7.8 1 2\r\n", Fault::LineEnd, 10),
        ("PROXY TCP4 1.2.3.4\r5.6.7.8 1 2\r\n", Fault::LineEnd, 18),
        ("PROXY UNKNOWN\n", Fault::LineEnd, 13),
        ("PROXY UNKNOWN\rX\r\n", Fault::LineEnd, 14),
        // Characters of other alphabets.
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 \u{662}\r\n", Fault::LineDestinationPort, 29),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\0\r\n", Fault::LineDestinationPort, 30),
    ];
    for (text, fault, at) in cases {
        assert_eq!(refused(text.as_bytes()), (fault, at), "{text:?}");
    }
}

#[test]
fn a_line_is_at_most_107_bytes_long() {
    let long = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255";
    let shorter = "fff:ffff:ffff:ffff:ffff:ffff:255.255.255.255";
    assert_eq!(line(&format!("PROXY TCP6 {long} {shorter} 1 2\r\n")).ends(), {
        let ends = format!("[{long}]:1").parse().ok().zip(format!("[{shorter}]:2").parse().ok());
        ends.map(|(source, destination)| (Addr::Ip(source), Addr::Ip(destination)))
    });
    let over = [
        (format!("PROXY TCP6 {long} {shorter} 10 2\r\n"), 103),
        (format!("PROXY TCP6 {long} {shorter} 1 20\r\n"), 105),
        (format!("PROXY TCP6 {long} {long} 1 2\r\n"), 101),
        (format!("PROXY UNKNOWN {}\r\n", "x".repeat(V1_MAX - 15)), 105),
    ];
    for (text, at) in over {
        assert_eq!(refused(text.as_bytes()), (Fault::LineTooLong, at), "{text}");
    }
}

#[test]
fn a_partial_line_tells_the_shortest_line_it_can_become() {
    let cases = [
        ("P", 15),
        ("PROXY ", 15),
        ("PROXY UNKNOWN\r", 15),
        ("PROXY UNKNOWN ", 16),
        ("PROXY UNKNOWN \r", 16),
        ("PROXY T", 22),
        ("PROXY TCP4", 32),
        ("PROXY TCP4 255.", 34),
        ("PROXY TCP6 1:2:3:4:5:6:7", 35),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 ", 32),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 65535", 36),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 65535", 36),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 65535\r", 36),
    ];
    for (text, need) in cases {
        assert_eq!(judge(text.as_bytes()), Parsed::Partial { need }, "{text}");
    }
}

#[test]
fn an_ipv4_destination_of_an_ipv6_source_is_named_with_who_sends_it() {
    for (text, at) in [
        ("PROXY TCP6 2001:db8::1 192.0.2.2 4242 443\r\n", 26),
        ("PROXY TCP6 2001:db8::1 1.2.3.4 4242 443\r\n", 24),
    ] {
        assert_eq!(refused(text.as_bytes()), (Fault::LineMixed, at), "{text}");
    }
    assert!(Fault::LineMixed.why().contains("nginx"));
    for (text, fault) in [
        ("PROXY TCP6 2001:db8::1 .1.2.3 1 2\r\n", Fault::LineDestination),
        ("PROXY TCP6 1:2.3.4.5 :: 1 2\r\n", Fault::LineSource),
    ] {
        assert_eq!(refused(text.as_bytes()).0, fault, "{text}");
    }
}
