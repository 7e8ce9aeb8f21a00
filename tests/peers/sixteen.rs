//! Sixteen ways to end a stream: who ends first, in order or by a reset, raw or under TLS, with bytes in
//! flight or without. Checked are the bytes that each peer reads, and that no peer sees an unexpected
//! reset.

use std::net::TcpStream;

use crate::certificates::{Certificates, certificates};
use crate::ends::{
    End, TlsClient, TlsServer, connect, reset, tls_accept, tls_client, tls_over, tls_server,
};
use crate::servers::{HOSTS, backend, joined, proxy};

/// More than one record and less than the sockets between the ends hold.
const IN_FLIGHT: usize = 40_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Client,
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Orderly,
    Reset,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    first: Who,
    how: How,
    pub(crate) tls: bool,
    in_flight: bool,
}

pub(crate) fn ways() -> impl Iterator<Item = Way> {
    (0..16u8).map(|bits| Way {
        first: if bits & 1 == 0 { Who::Client } else { Who::Server },
        how: if bits & 2 == 0 { How::Orderly } else { How::Reset },
        tls: bits & 4 != 0,
        in_flight: bits & 8 != 0,
    })
}

/// One of our ends, raw or with TLS.
enum Peer {
    Raw(TcpStream),
    Client(TlsClient),
    Server(TlsServer),
}

impl Peer {
    fn end(&mut self) -> &mut dyn End {
        match self {
            Self::Raw(stream) => stream,
            Self::Client(stream) => stream,
            Self::Server(stream) => stream,
        }
    }

    fn reset(self) {
        match self {
            Self::Raw(stream) => reset(stream),
            Self::Client(stream) => reset(stream.sock),
            Self::Server(stream) => reset(stream.sock),
        }
    }
}

fn words(who: Who, way: Way) -> Vec<u8> {
    let salt = if who == Who::Client { 1 } else { 2 };
    let count = if way.in_flight { IN_FLIGHT } else { 0 };
    (0..count).map(|i| (i % 251) as u8 ^ salt).collect()
}

/// What one end does, and what it read behind the greeting.
fn play(who: Who, mut peer: Peer, way: Way) -> Vec<u8> {
    let end = peer.end();
    match who {
        Who::Client => {
            end.say(b"hello");
            assert_eq!(end.exactly(5), b"ready");
            end.say(b"start");
        }
        Who::Server => {
            assert_eq!(end.exactly(5), b"hello");
            end.say(b"ready");
            assert_eq!(end.exactly(5), b"start");
        }
    }
    let own = words(who, way);
    if way.first == who && way.how == How::Reset {
        end.say(&own);
        peer.reset();
        return Vec::new();
    }
    if way.first == who {
        end.say(&own);
        end.finish_writing();
        return end.rest().expect("no reset belongs here");
    }
    match way.how {
        How::Orderly => {
            end.say(&own);
            let read = end.rest().expect("no reset belongs here");
            end.finish_writing();
            read
        }
        How::Reset => end.last_words(),
    }
}

fn ends(way: Way, host: &str) {
    if !way.tls {
        between(way, host, None);
    } else if let Some(made) = certificates() {
        between(way, host, Some(made));
    }
}

fn between(way: Way, host: &str, tls: Option<&'static Certificates>) {
    let protection = tls.map_or_else(String::new, |made| {
        let (chain, key) = (made.server.display(), made.server_key.display());
        format!("--tls {chain} {key} --backend-tls {} --sni localhost", made.ca.display())
    });
    let proxy = exchange(way, tls, tls, |address| {
        let words = format!("--backend {address} --host {host} --log {protection}");
        let proxy = proxy(&words);
        (proxy.ready(), proxy)
    });
    let letters = match (way.how, way.first) {
        (How::Orderly, _) => "--",
        (How::Reset, Who::Client) => "CD",
        (How::Reset, Who::Server) => "SD",
    };
    proxy.stderr.until_said(&format!("state={letters}"));
}

/// A client and a server, each with TLS where it has certificates, meet through what `program` starts: it
/// gets the server's address, and returns the client's and whatever is to live as long.
pub(crate) fn exchange<T>(
    way: Way,
    client: Option<&Certificates>,
    server: Option<&Certificates>,
    program: impl FnOnce(&str) -> (String, T),
) -> T {
    let server_tls = server.map(tls_server);
    let (address, server) = backend(move |stream| {
        let peer = match server_tls {
            Some(config) => Peer::Server(tls_accept(&config, stream)),
            None => Peer::Raw(stream),
        };
        play(Who::Server, peer, way)
    });
    let (front, running) = program(&address);
    let stream = connect(&front);
    let peer = match client {
        None => Peer::Raw(stream),
        Some(made) => {
            let config = tls_client(made, &[&rustls::version::TLS13]);
            Peer::Client(tls_over(&config, stream))
        }
    };
    let to_client = play(Who::Client, peer, way);
    let to_server = joined(server);

    let (of_client, of_server) = (words(Who::Client, way), words(Who::Server, way));
    match way.how {
        How::Orderly => {
            assert!(to_client == of_server, "{way:?}");
            assert!(to_server == of_client, "{way:?}");
        }
        How::Reset => {
            assert!(of_server.starts_with(&to_client), "{way:?}");
            assert!(of_client.starts_with(&to_server), "{way:?}");
        }
    }
    running
}

#[test]
fn all_sixteen_ways_to_end_a_stream_end_it_as_they_should() {
    assert_eq!(ways().count(), 16);
    for way in ways() {
        for host in HOSTS {
            ends(way, host);
        }
    }
}
