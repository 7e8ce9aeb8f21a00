//! What comes first on the wire: the PROXY header, then TLS, on both sides.

use crate::certificates::certificates;
use crate::ends::{End, connect, hello, tls_accept, tls_client, tls_over, tls_server};
use crate::servers::{HOSTS, backend, joined, proxy, whoami};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The first bytes of a record that holds a ClientHello.
const HANDSHAKE: [u8; 2] = [0x16, 0x03];

#[test]
fn the_header_leaves_before_the_client_hello() {
    let Some(certificates) = certificates() else { return };
    let config = tls_server(certificates);
    for host in HOSTS {
        let config = config.clone();
        let (address, server) = backend(move |mut stream| {
            let fixed = stream.exactly(16);
            assert_eq!(&fixed[..12], SIGNATURE);
            assert_eq!(fixed[12], 0x21, "version 2, PROXY");
            let length = u16::from_be_bytes([fixed[14], fixed[15]]);
            stream.exactly(length.into());
            let mut first = [0; 2];
            let peeked = stream.peek(&mut first).expect("a hello follows");
            assert_eq!(&first[..peeked], &HANDSHAKE[..peeked]);
            let mut tls = tls_accept(&config, stream);
            let got = tls.exactly(3);
            tls.say(&got);
            tls.finish_writing();
        });
        let proxy = proxy(&format!(
            "--backend {address} --send-proxy v2 --backend-tls {} --sni localhost --host {host}",
            certificates.ca.display(),
        ));
        let mut client = connect(&proxy.ready());
        client.say(b"abc");
        assert_eq!(client.rest().expect("an orderly end"), b"abc");
        joined(server);
    }
}

#[test]
fn a_header_and_a_client_hello_in_one_segment_are_each_taken_once() {
    let Some(certificates) = certificates() else { return };
    for host in ["epoll", "epoll-et"] {
        let whoami = whoami(&format!(
            "--accept-proxy any --tls {} {} --host {host}",
            certificates.server.display(),
            certificates.server_key.display(),
        ));
        let config = tls_client(certificates, rustls::ALL_VERSIONS);
        let mut tls = tls_over(&config, connect(&whoami.ready()));
        let mut fused = b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n".to_vec();
        tls.conn.write_tls(&mut fused).expect("a hello");
        tls.sock.say(&fused);
        assert_eq!(tls.line(), "192.0.2.1 1111 192.0.2.2 2222\n");
        tls.say(b"abc");
        assert_eq!(tls.exactly(3), b"abc");
    }
}

#[test]
fn tls_before_the_header_is_refused_without_a_byte() {
    let Some(certificates) = certificates() else { return };
    let whoami = whoami(&format!(
        "--accept-proxy any --tls {} {}",
        certificates.server.display(),
        certificates.server_key.display(),
    ));
    let mut client = connect(&whoami.ready());
    let mut flight = Vec::new();
    hello(&tls_client(certificates, rustls::ALL_VERSIONS)).write_tls(&mut flight).expect("a hello");
    client.say(&flight);
    assert_eq!(client.last_words(), b"");
}

#[test]
fn a_header_where_none_is_accepted_is_payload() {
    let whoami = whoami("");
    let mut client = connect(&whoami.ready());
    let own = client.local_addr().expect("it is connected");
    let header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n";
    client.say(header);
    assert!(client.line().starts_with(&format!("{} {} ", own.ip(), own.port())));
    assert_eq!(client.exactly(header.len()), header);
}

#[test]
fn a_second_header_is_payload() {
    let whoami = whoami("--accept-proxy any");
    let mut client = connect(&whoami.ready());
    let header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n";
    client.say(&header.repeat(2));
    assert_eq!(client.line(), "192.0.2.1 1111 192.0.2.2 2222\n");
    assert_eq!(client.exactly(header.len()), header);
}
