//! What a PROXY header contains about a client's TLS, read by Wireshark's dissector and compared with
//! what OpenSSL's client saw of the same connection. Neither HAProxy 2.6 nor nginx 1.22 can report these
//! fields.

use std::path::Path;
use std::process::Command;

use crate::certificates::{Certificates, certificates};
use crate::ends::End;
use crate::openssl::{exchange, finish, keys, s_client};
use crate::place::Place;
use crate::servers::{backend, echo, joined, proxy};
use crate::support::peer;

/// The fixed part of a header of version 2, whose last two bytes are the length of the rest.
const FIXED: usize = 16;

/// The header's bits of the client field (section 2.2.6): it uses TLS, it has shown a certificate on
/// this connection, and in this session.
const SSL: u8 = 1;
const CERT_CONN: u8 = 2;
const CERT_SESS: u8 = 4;

/// Its verify field.
const VERIFIED: &str = "0x00000000";
const NOT_VERIFIED: &str = "0x00000001";

/// What the client offers, and the version that results from it.
const OFFERS: [(&str, &str); 4] = [
    ("-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2"),
    ("-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2"),
    ("-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2"),
    ("-tls1_3", "TLSv1.3"),
];

/// A capture (https://www.tcpdump.org/manpages/pcap-savefile.5.html) of one TCP segment.
fn capture(place: &Place, payload: &[u8]) -> std::path::PathBuf {
    const RAW_IP: u32 = 101;
    const HEADERS: usize = 40;
    let length = HEADERS + payload.len();
    let mut bytes = Vec::new();
    bytes.extend(0xa1b2_c3d4_u32.to_le_bytes());
    bytes.extend([2_u16, 4].iter().flat_map(|part| part.to_le_bytes()));
    bytes.extend([0, 0, 65_535, RAW_IP].iter().flat_map(|part| part.to_le_bytes()));
    let length_u32 = u32::try_from(length).expect("a short header");
    bytes.extend([0, 0, length_u32, length_u32].iter().flat_map(|part| part.to_le_bytes()));
    // IPv4 from 192.0.2.1 to 192.0.2.2, TCP from port 50001 to 50002, PSH and ACK.
    bytes.extend([0x45, 0]);
    bytes.extend(u16::try_from(length).expect("a short header").to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    bytes.extend([50_001_u16, 50_002].iter().flat_map(|port| port.to_be_bytes()));
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(payload);
    let path = place.join("header.pcap");
    std::fs::write(&path, bytes).expect("the folder is writable");
    path
}

/// A header with a TLV behind it that has no meaning (PP2_TYPE_NOOP): Wireshark 4.0 measures the block
/// from the beginning of the header, and so does not look at its last bytes.
fn padded(header: &[u8]) -> Vec<u8> {
    const NOOP: [u8; 3] = [4, 0, (FIXED - 3) as u8];
    let mut padded = [header, &NOOP, &[0; FIXED - 3]].concat();
    let length = u16::try_from(padded.len() - FIXED).expect("a short header");
    padded[FIXED - 2..FIXED].copy_from_slice(&length.to_be_bytes());
    padded
}

/// Wireshark's output for a PROXY header: lines of a name, a colon and a value.
struct Dissected(String);

impl Dissected {
    fn new(tshark: &Path, place: &Place, header: &[u8]) -> Self {
        let mut command = Command::new(tshark);
        command.args(["-n", "-O", "proxy", "-r"]).arg(capture(place, &padded(header)));
        let output = command.output().expect("tshark runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("PROXY Protocol"), "no PROXY header is seen in:\n{text}");
        assert!(!text.contains("Malformed"), "{text}");
        Self(text)
    }

    fn get(&self, name: &str) -> Option<&str> {
        let lines = self.0.lines().map(str::trim);
        let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is there twice:\n{}", self.0);
        value
    }

    fn client(&self) -> u8 {
        let text = self.get("Client").expect("an SSL block");
        let hex = text.strip_prefix("0x").expect("a number");
        u8::from_str_radix(hex, 16).expect("a number")
    }
}

/// What follows `mark` in a text, up to one of `ends`.
fn after<'a>(text: &'a str, mark: &str, ends: &[char]) -> &'a str {
    let (_, rest) = text.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {text}"));
    rest.split(ends).next().unwrap_or_default().trim()
}

/// The key of the server's certificate, as the header names it: EC256 (section 2.2.6).
fn key_name(said: &str) -> String {
    let algorithm = after(said, "a:PKEY: ", &[',']);
    let kind = match algorithm {
        "id-ecPublicKey" => "EC",
        "rsaEncryption" => "RSA",
        other => panic!("a key of another kind: {other}"),
    };
    format!("{kind}{}", after(said, &format!("{algorithm}, "), &[' ']))
}

/// One connection of `s_client` through proxy. Returns what the server received ahead of it, and what
/// `s_client` printed.
fn header_of(certificates: &Certificates, words: &str, client_words: &str) -> (Vec<u8>, String) {
    let (address, server) = backend(|mut stream| {
        let mut header = stream.exactly(FIXED);
        let rest = u16::from_be_bytes([header[FIXED - 2], header[FIXED - 1]]);
        header.extend(stream.exactly(rest.into()));
        echo(&mut stream);
        header
    });
    let words = format!("{} {words} --send-proxy v2 --backend {address}", keys(certificates));
    let proxy = proxy(&words);
    let mut client = s_client(certificates, &proxy.ready(), client_words);
    exchange(&mut client);
    let said = finish(client);
    (joined(server), said)
}

#[test]
fn the_tls_that_a_header_tells_of_is_what_the_client_saw() {
    let Some(certificates) = certificates() else { return };
    let Some(tshark) = peer("tshark") else { return };
    let ca = certificates.ca.display();
    let shown = format!(
        "-cert {} -key {}",
        certificates.client.display(),
        certificates.client_key.display()
    );
    let place = Place::new("tshark");
    for (offer, version) in OFFERS {
        for with_certificate in [false, true] {
            let (auth, show) = match with_certificate {
                true => (format!("--client-ca {ca}"), &*shown),
                false => (String::new(), ""),
            };
            let (header, said) = header_of(certificates, &auth, &format!("{offer} {show}"));
            let seen = Dissected::new(&tshark, &place, &header);
            let cipher = after(&said, &format!("New, {version}, Cipher is "), &['\n']);
            assert_eq!(seen.get("Cipher"), Some(cipher));
            assert_eq!(seen.get("Version"), Some(version));
            assert_eq!(seen.get("SIG ALG"), Some(after(&said, "sigalg: ", &['\n', ' '])));
            assert_eq!(seen.get("Key ALG"), Some(&*key_name(&said)));
            if with_certificate {
                assert_eq!(seen.client(), SSL | CERT_CONN | CERT_SESS);
                assert_eq!((seen.get("CN"), seen.get("Verify")), (Some("client"), Some(VERIFIED)));
            } else {
                assert_eq!(seen.client(), SSL);
                assert_eq!((seen.get("CN"), seen.get("Verify")), (None, Some(NOT_VERIFIED)));
            }
        }
    }
}
