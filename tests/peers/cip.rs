//! The header that a NetScaler inserts, read by HAProxy and by whoami: both get the same bytes, and both
//! must report the same addresses.

use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;

use crate::ends::{End, at, connect, listen};
use crate::haproxy::haproxy;
use crate::place::Place;
use crate::servers::whoami;

const MAGIC: [u8; 4] = [0xca, 0xfe, 0xba, 0xbe];

/// Packet headers with options of so many words each.
fn packet(ipv6: bool, ip_options: u8, tcp_options: u8) -> Vec<u8> {
    let mut ip = if ipv6 {
        let mut ip = vec![0; 40];
        (ip[0], ip[6], ip[8], ip[23], ip[24], ip[39]) = (0x60, 6, 0xfd, 1, 0xfd, 2);
        ip
    } else {
        let mut ip = vec![0; 20 + 4 * usize::from(ip_options)];
        (ip[0], ip[9]) = (0x45 + ip_options, 6);
        ip[12..20].copy_from_slice(&[192, 0, 2, 33, 198, 51, 100, 1]);
        ip
    };
    let mut tcp = vec![0; 20 + 4 * usize::from(tcp_options)];
    tcp[..4].copy_from_slice(&[4, 210, 1, 187]);
    tcp[12] = 0x50 + (tcp_options << 4);
    ip.append(&mut tcp);
    ip
}

fn legacy(packet: &[u8]) -> Vec<u8> {
    [&MAGIC[..], &(packet.len() as u32).to_be_bytes(), packet].concat()
}

fn standard(packet: &[u8]) -> Vec<u8> {
    let (total, len) = (packet.len() as u32 + 12, packet.len() as u16);
    [&MAGIC[..], &total.to_be_bytes(), &[0, 1], &len.to_be_bytes(), packet].concat()
}

fn with(mut bytes: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    bytes[at] = byte;
    bytes
}

/// What a client receives that sends these bytes and then ends its side: nothing if it is refused.
fn said(mut client: TcpStream, bytes: &[u8]) -> String {
    client.say(bytes);
    // A program that refuses may have reset the connection by now.
    let _ = client.shutdown(Shutdown::Write);
    String::from_utf8(client.rest().unwrap_or_default()).expect("text")
}

#[test]
fn haproxy_and_whoami_say_the_same_of_the_same_header() {
    let place = Place::new("cip");
    let ours = whoami("--accept-cip 127.0.0.0/8");
    let behind = whoami("--accept-proxy 127.0.0.0/8");
    let front = listen();
    let sections = format!(
        "listen front\n bind fd@{} accept-netscaler-cip {}\n server whoami {} send-proxy\n",
        front.as_raw_fd(),
        u32::from_be_bytes(MAGIC),
        behind.ready(),
    );
    let Some(_haproxy) = haproxy(&place, &front, &sections) else { return };
    let plain = packet(false, 0, 0);
    let good = [plain.clone(), packet(false, 10, 0), packet(false, 0, 10), packet(true, 0, 5)];
    // HAProxy accepts any type of the standard layout; its documentation, and we, have 1 alone.
    assert_eq!(said(connect(&ours.ready()), &with(standard(&plain), 9, 2)), "");
    let bad = [
        with(legacy(&plain), 0, 0),
        with(legacy(&plain), 8, 0x35),
        with(legacy(&plain), 8 + 9, 17),
        with(standard(&plain), 12 + 9, 17),
        legacy(&plain)[..47].to_vec(),
        standard(&plain)[..20].to_vec(),
        legacy(&plain[..24]),
    ];
    let good = good.iter().flat_map(|packet| [legacy(packet), standard(packet)]);
    let cases = good.map(|bytes| (bytes, true)).chain(bad.map(|bytes| (bytes, false)));
    for (bytes, is_good) in cases {
        let all = [&bytes[..], b"payload"].concat();
        let all = if is_good { &all } else { &bytes };
        let theirs = said(connect(&at(&front).to_string()), all);
        let own = said(connect(&ours.ready()), all);
        assert_eq!(own, theirs, "{bytes:02x?}");
        assert_eq!(
            own.ends_with(" 1234 198.51.100.1 443\npayload") || own.contains("fd00::"),
            is_good
        );
    }
}
