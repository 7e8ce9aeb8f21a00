//! Every verdict on a received header, and the header that is sent on.

use std::net::Ipv6Addr;

use crate::ends::{End, connect};
use crate::servers::{backend, joined, proxy, whoami};

const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header of version 2 from its last fixed bytes and the block whose length they announce.
fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).expect("a short block");
    [V2, &[0x20 | command, family], &length.to_be_bytes(), block].concat()
}

fn ipv4_block() -> Vec<u8> {
    [&[192, 0, 2, 1, 192, 0, 2, 2][..], &1111_u16.to_be_bytes(), &2222_u16.to_be_bytes()].concat()
}

fn ipv6_block() -> Vec<u8> {
    let address = |last| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).octets();
    let ports = [1111_u16.to_be_bytes(), 2222_u16.to_be_bytes()].concat();
    [&address(1)[..], &address(2)[..], &ports].concat()
}

fn unix_block() -> Vec<u8> {
    let path = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(108, 0);
        bytes
    };
    [path("/run/a"), path("/run/b")].concat()
}

/// The effect of the header on the addresses of the connection.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    /// The socket's own.
    Socket,
    Said(&'static str),
}

/// Every kind of header, with what whoami must answer.
fn headers() -> Vec<(&'static str, Vec<u8>, Verdict)> {
    let four = Verdict::Said("192.0.2.1 1111 192.0.2.2 2222\n");
    let six = Verdict::Said("2001:db8::1 1111 2001:db8::2 2222\n");
    let unix = Verdict::Said("unix:/run/a - unix:/run/b -\n");
    let text = |line: &str| line.as_bytes().to_vec();
    vec![
        ("v1 TCP4", text("PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n"), four),
        ("v1 TCP6", text("PROXY TCP6 2001:db8::1 2001:db8::2 1111 2222\r\n"), six),
        ("v1 UNKNOWN", text("PROXY UNKNOWN\r\n"), Verdict::Socket),
        ("v1 UNKNOWN and more", text("PROXY UNKNOWN 1 2 3 4 5 6\r\n"), Verdict::Socket),
        ("v2 TCP4", v2(1, 0x11, &ipv4_block()), four),
        ("v2 TCP6", v2(1, 0x21, &ipv6_block()), six),
        ("v2 UDP4", v2(1, 0x12, &ipv4_block()), four),
        ("v2 UDP6", v2(1, 0x22, &ipv6_block()), six),
        ("v2 UNIX stream", v2(1, 0x31, &unix_block()), unix),
        ("v2 UNIX datagram", v2(1, 0x32, &unix_block()), unix),
        ("v2 UNSPEC", v2(1, 0x00, &[]), Verdict::Socket),
        ("v2 UNSPEC with a block", v2(1, 0x00, &ipv4_block()), Verdict::Socket),
        ("v2 LOCAL", v2(0, 0x00, &[]), Verdict::Socket),
        ("v2 LOCAL with a family", v2(0, 0x11, &ipv4_block()), Verdict::Socket),
    ]
}

#[test]
fn whoami_tells_the_addresses_of_every_kind_of_header() {
    for host in ["epoll", "epoll-et"] {
        let whoami = whoami(&format!("--accept-proxy any --host {host}"));
        for (name, header, verdict) in headers() {
            let mut client = connect(&whoami.ready());
            let own = client.local_addr().expect("it is connected");
            let far = client.peer_addr().expect("it is connected");
            client.say(&[&header[..], b"abc"].concat());
            let expected = match verdict {
                Verdict::Said(line) => line.to_owned(),
                Verdict::Socket => {
                    format!("{} {} {} {}\n", own.ip(), own.port(), far.ip(), far.port())
                }
            };
            assert_eq!(client.line(), expected, "{name}");
            assert_eq!(client.exactly(3), b"abc", "{name}");
        }
    }
}

#[test]
fn every_kind_of_header_leaves_again_in_both_versions() {
    for (name, header, verdict) in headers() {
        for version in ["v1", "v2"] {
            let (address, server) = backend(|mut stream| stream.rest().expect("an orderly end"));
            let proxy =
                proxy(&format!("--accept-proxy any --backend {address} --send-proxy {version}"));
            let mut client = connect(&proxy.ready());
            let (own, far) = (client.local_addr(), client.peer_addr());
            let (own, far) = (own.expect("connected"), far.expect("connected"));
            client.say(&[&header[..], b"abc"].concat());
            client.finish_writing();
            let got = joined(server);
            let (got, payload) = got.split_at(got.len().saturating_sub(3));
            assert_eq!(payload, b"abc", "{name} to {version}");
            let same = match verdict {
                Verdict::Said(line) if line.starts_with("192") => {
                    "PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n".to_owned()
                }
                Verdict::Said(line) if line.starts_with("2001") => {
                    "PROXY TCP6 2001:db8::1 2001:db8::2 1111 2222\r\n".to_owned()
                }
                Verdict::Said(_) => "PROXY UNKNOWN\r\n".to_owned(),
                Verdict::Socket => format!(
                    "PROXY TCP4 {} {} {} {}\r\n",
                    own.ip(),
                    far.ip(),
                    own.port(),
                    far.port()
                ),
            };
            if version == "v1" {
                let unknown = verdict == Verdict::Socket && got == b"PROXY UNKNOWN\r\n";
                let text = String::from_utf8_lossy(got);
                assert!(unknown || got == same.as_bytes(), "{name} to v1: {text}");
            } else {
                assert_eq!(&got[..12], V2, "{name} to v2");
                let length = usize::from(u16::from_be_bytes([got[14], got[15]]));
                assert_eq!(got.len(), 16 + length, "{name} to v2: nothing behind the header");
                match verdict {
                    Verdict::Said(line) if line.starts_with("192") => {
                        assert_eq!(got[16..28], ipv4_block(), "{name} to v2");
                    }
                    Verdict::Said(line) if line.starts_with("2001") => {
                        assert_eq!(got[16..52], ipv6_block(), "{name} to v2");
                    }
                    Verdict::Said(_) => assert_eq!(got[16..232], unix_block(), "{name} to v2"),
                    Verdict::Socket => {}
                }
            }
        }
    }
}

#[test]
fn a_header_that_breaks_the_protocol_closes_without_a_byte() {
    let whoami = whoami("--accept-proxy any");
    let mut crc = ipv4_block();
    crc.extend([0x03, 0, 4, 1, 2, 3, 4]);
    let past = [&ipv4_block()[..], &[0x04, 0xff, 0xff]].concat();
    let broken: [(&str, Vec<u8>); 8] = [
        ("no header at all", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("ports with zeroes ahead", b"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n".to_vec()),
        ("a line without an end", [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat()),
        ("an unknown family of version 1", b"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec()),
        ("an unknown version", [V2, &[0x31, 0x11, 0, 12], &ipv4_block()[..]].concat()),
        ("an unknown command", v2(2, 0x11, &ipv4_block())),
        ("a value past the end", v2(1, 0x11, &past)),
        ("a wrong checksum", v2(1, 0x11, &crc)),
    ];
    for (name, header) in broken {
        let mut client = connect(&whoami.ready());
        client.say(&header);
        // An end or a reset; whoami sent nothing either way.
        assert_eq!(client.last_words(), b"", "{name}");
    }
}

#[test]
fn a_header_from_a_source_that_is_not_trusted_closes_without_a_byte() {
    let whoami = whoami("--accept-proxy 192.0.2.0/24");
    let mut client = connect(&whoami.ready());
    client.say(b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\nabc");
    assert_eq!(client.last_words(), b"");
}

#[test]
fn a_header_that_dribbles_byte_by_byte_is_one_header() {
    for host in ["epoll", "epoll-et"] {
        let whoami = whoami(&format!("--accept-proxy any --host {host}"));
        for header in
            [b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n".to_vec(), v2(1, 0x11, &ipv4_block())]
        {
            let mut client = connect(&whoami.ready());
            for byte in header {
                client.say(&[byte]);
            }
            assert_eq!(client.line(), "192.0.2.1 1111 192.0.2.2 2222\n");
        }
    }
}
