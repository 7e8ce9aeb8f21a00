//! What is read of a ClientHello before TLS, compared with what rustls reads from the same bytes.

use rustls::server::Acceptor;

use super::rig::*;
use crate::tls::{ClientOptions, Session};
use crate::wire::client_hello::{Parsed, parse};

/// The name and the protocols of a ClientHello.
type Asked = (Option<String>, Vec<Vec<u8>>);

/// The result of rustls for the first bytes of a client: nothing yet, a ClientHello or an error.
fn rustls_reads(mut bytes: &[u8]) -> Result<Option<Asked>, ()> {
    let mut acceptor = Acceptor::default();
    loop {
        let n = acceptor.read_tls(&mut bytes).map_err(drop)?;
        if let Some(accepted) = acceptor.accept().map_err(drop)? {
            let hello = accepted.client_hello();
            let name = hello.server_name().map(str::to_owned);
            let protocols = hello.alpn().into_iter().flatten().map(<[u8]>::to_vec);
            return Ok(Some((name, protocols.collect())));
        }
        if n == 0 {
            return Ok(None);
        }
    }
}

fn we_read(bytes: &[u8]) -> Result<Option<Asked>, ()> {
    match parse(bytes) {
        Parsed::NotTls => Err(()),
        Parsed::Partial => Ok(None),
        Parsed::Hello(hello) => {
            let name = hello.server_name().map(|name| String::from_utf8_lossy(name).to_lowercase());
            Ok(Some((name, hello.alpn().map(<[u8]>::to_vec).collect())))
        }
    }
}

/// First flights of clients of every version, with and without names and protocols.
fn flights() -> Vec<Vec<u8>> {
    let authority = Authority::new("test");
    let mut all = Vec::new();
    for version in VERSIONS {
        for name in ["a.test", "WWW.Example.test", "192.0.2.1"] {
            for alpn in [&[] as &[&[u8]], &[b"h2"], &[b"h2", b"http/1.1"]] {
                let options = ClientOptions {
                    min_version: version,
                    max_version: version,
                    alpn: alpn.iter().map(|name| name.to_vec()).collect(),
                    ..client_options(&authority)
                };
                let session = Session::client(&client(&options), name).expect("a session");
                let mut side = Side::new(session);
                side.drive();
                all.push(side.take());
            }
        }
    }
    all
}

#[test]
fn a_hello_asks_for_the_same_here_and_in_rustls_however_it_is_cut_and_spread() {
    for flight in flights() {
        let whole = we_read(&flight);
        assert!(matches!(whole, Ok(Some(_))));
        for size in [1, 2, 7, 64, flight.len()] {
            let bytes = fragment(&flight, size);
            assert_eq!(we_read(&bytes), rustls_reads(&bytes), "records of {size}");
            for cut in (0..bytes.len()).step_by(11) {
                let cut = &bytes[..cut];
                assert_eq!(we_read(cut), rustls_reads(cut), "{} bytes of {size}", cut.len());
            }
        }
    }
}

#[test]
fn what_rustls_takes_is_read_here_whatever_byte_is_another() {
    let mut taken = 0;
    for flight in flights().into_iter().step_by(4) {
        for at in 0..flight.len() {
            for change in [1, 0x80, 0xff] {
                let mut bytes = flight.clone();
                bytes[at] ^= change;
                if let Ok(Some(asked)) = rustls_reads(&bytes) {
                    assert_eq!(we_read(&bytes), Ok(Some(asked)), "byte {at} ^ {change:#x}");
                    taken += 1;
                }
            }
        }
    }
    assert!(taken > 100, "{taken}");
}
