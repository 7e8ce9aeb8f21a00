//! The NetScaler's header, composed here by hand from the packet formats it holds.

use super::*;
use crate::random::Random;

/// A client's packet headers and the addresses in them.
#[derive(Clone)]
struct Packet {
    bytes: Vec<u8>,
    header: Header,
}

fn ends(source: &str, destination: &str) -> Header {
    let addr = |text: &str| text.parse().expect("an address");
    Header { source: addr(source), destination: addr(destination) }
}

fn tcp(header: &Header, words: u8) -> Vec<u8> {
    let mut bytes = vec![0; usize::from(words) * 4];
    bytes[..2].copy_from_slice(&header.source.port().to_be_bytes());
    bytes[2..4].copy_from_slice(&header.destination.port().to_be_bytes());
    bytes[TCP_OFFSET] = words << 4;
    bytes
}

fn ipv4(words: u8, tcp_words: u8) -> Packet {
    let header = ends("192.0.2.33:1234", "198.51.100.1:443");
    let mut bytes = vec![0; usize::from(words) * 4];
    bytes[0] = 0x40 | words;
    bytes[9] = 6;
    bytes[12..20].copy_from_slice(&[192, 0, 2, 33, 198, 51, 100, 1]);
    bytes.extend(tcp(&header, tcp_words));
    Packet { bytes, header }
}

fn ipv6(tcp_words: u8) -> Packet {
    let header = ends("[2001:db8::1]:1234", "[2001:db8::2]:443");
    let mut bytes = vec![0; 40];
    bytes[0] = 0x60;
    bytes[6] = 6;
    bytes[8..12].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    bytes[23] = 1;
    bytes[24..28].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    bytes[39] = 2;
    bytes.extend(tcp(&header, tcp_words));
    Packet { bytes, header }
}

fn packets() -> Vec<Packet> {
    let mut packets = vec![ipv6(5), ipv6(15)];
    packets.extend([(5, 5), (5, 15), (15, 5), (15, 15), (10, 8)].map(|(ip, tcp)| ipv4(ip, tcp)));
    packets
}

fn legacy(packet: &[u8]) -> Vec<u8> {
    [&MAGIC.to_be_bytes()[..], &(packet.len() as u32).to_be_bytes(), packet].concat()
}

/// A standard header whose total is `extra` more than the length of the packet headers.
fn standard(packet: &[u8], extra: u32) -> Vec<u8> {
    let total = packet.len() as u32 + extra;
    let len = packet.len() as u16;
    let mut bytes = [&MAGIC.to_be_bytes()[..], &total.to_be_bytes(), &[0, 1]].concat();
    bytes.extend(len.to_be_bytes());
    bytes.extend(packet);
    bytes
}

fn layouts(packet: &Packet) -> [Vec<u8>; 4] {
    let bytes = &packet.bytes;
    [legacy(bytes), standard(bytes, 12), standard(bytes, 4), standard(bytes, 0)]
}

/// The verdict, after a check that it is the same for every way the bytes can arrive.
#[track_caller]
fn judged(bytes: &[u8]) -> Parsed {
    let verdict = parse(MAGIC, bytes);
    let mut decided = false;
    for cut in 0..bytes.len() {
        match parse(MAGIC, &bytes[..cut]) {
            Parsed::Partial { need } => {
                assert!(!decided, "{cut} bytes are undecided, fewer were not");
                assert!(need > cut && need <= LONGEST, "{need} for {cut}");
            }
            early => {
                assert_eq!(early, verdict, "{cut} bytes");
                decided = true;
            }
        }
    }
    verdict
}

#[test]
fn both_layouts_tell_the_ends_of_every_packet_and_leave_what_follows() {
    for packet in packets() {
        for bytes in layouts(&packet) {
            let len = bytes.len();
            let whole = Parsed::Whole { header: packet.header, len };
            assert_eq!(judged(&bytes), whole);
            assert_eq!(judged(&[&bytes[..], b"GET /"].concat()), whole);
            for cut in 0..len {
                assert!(matches!(parse(MAGIC, &bytes[..cut]), Parsed::Partial { .. }), "at {cut}");
            }
        }
    }
    assert_eq!(legacy(&ipv4(15, 15).bytes).len() + STANDARD - LEGACY, LONGEST);
}

#[test]
fn what_is_behind_the_packet_headers_within_the_length_belongs_to_the_header() {
    let packet = [ipv4(5, 5).bytes, vec![0; 12]].concat();
    let bytes = legacy(&packet);
    let whole = Parsed::Whole { header: ipv4(5, 5).header, len: bytes.len() };
    assert_eq!(judged(&[&bytes[..], b"more"].concat()), whole);
}

#[test]
fn the_magic_number_is_the_one_that_was_agreed_on() {
    let mut bytes = legacy(&ipv4(5, 5).bytes);
    for at in 0..4 {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert_eq!(parse(MAGIC, &other[..=at]), Parsed::Bad(Fault::Magic), "at once");
        assert_eq!(judged(&other), Parsed::Bad(Fault::Magic));
    }
    bytes[..4].copy_from_slice(&[0, 0, 0, 7]);
    assert!(matches!(parse(7, &bytes), Parsed::Whole { .. }));
}

/// A header with one byte changed.
fn with(mut bytes: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    bytes[at] = byte;
    bytes
}

#[test]
fn every_field_that_cannot_be_is_named() {
    let old = || legacy(&ipv4(5, 5).bytes);
    let new = || standard(&ipv4(5, 5).bytes, 12);
    let six = || legacy(&ipv6(5).bytes);
    for (bytes, fault) in [
        (with(old(), 7, 39), Fault::Length),
        (with(old(), 7, 121), Fault::Length),
        (with(old(), 4, 0xff), Fault::Length),
        (with(old(), 8, 0x35), Fault::Layout),
        (with(new(), 9, 2), Fault::Layout),
        (with(new(), 8, 1), Fault::Layout),
        (with(new(), 7, 39), Fault::Lengths),
        (with(new(), 7, 53), Fault::Lengths),
        (with(new(), 10, 1), Fault::Lengths),
        (with(new(), 12, 0x75), Fault::IpHeader),
        (with(new(), 12, 0x44), Fault::IpHeader),
        (with(old(), 8, 0x44), Fault::IpHeader),
        // The IP header is longer than leaves room for one of TCP.
        (with(old(), 8, 0x46), Fault::Length),
        (with(six(), 7, 59), Fault::Length),
        (with(old(), 8 + 9, 17), Fault::NotTcp),
        (with(six(), 8 + 6, 0), Fault::NotTcp),
        (with(old(), 8 + 20 + 12, 0x40), Fault::TcpHeader),
        (with(old(), 8 + 20 + 12, 0x60), Fault::TcpHeader),
    ] {
        assert_eq!(judged(&bytes), Parsed::Bad(fault), "{bytes:02x?}");
        assert!(fault.to_string().starts_with("NetScaler CIP: "));
    }
}

#[test]
fn a_header_that_is_cut_short_never_borrows_from_what_follows() {
    for packet in packets() {
        let whole = packet.bytes.len();
        for short in 0..whole {
            // The lengths are right for the part that is there; payload follows at once.
            for mut bytes in [legacy(&packet.bytes[..short]), standard(&packet.bytes[..short], 12)]
            {
                bytes.extend([0x55; 200]);
                assert!(matches!(judged(&bytes), Parsed::Bad(_)), "{short} of {whole}");
            }
        }
    }
}

#[test]
fn the_verdict_on_damage_and_garbage_does_not_depend_on_how_it_is_cut() {
    let mut random = Random::new(5);
    for packet in packets() {
        for bytes in layouts(&packet) {
            for at in 0..bytes.len() {
                for _ in 0..8 {
                    let damage = random.below(256) as u8;
                    judged(&[&with(bytes.clone(), at, damage)[..], b"payload"].concat());
                }
            }
        }
    }
    for _ in 0..2_000 {
        let mut bytes = MAGIC.to_be_bytes().to_vec();
        bytes.extend((0..160).map(|_| random.below(256) as u8));
        judged(&bytes);
    }
}

#[test]
fn a_mapped_address_is_the_one_it_stands_for() {
    let mapped = ends("[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:2");
    let (source, destination) = mapped.ends();
    assert_eq!(
        (source.to_string(), destination.to_string()),
        ("192.0.2.1:1".into(), "192.0.2.2:2".into())
    );
}
