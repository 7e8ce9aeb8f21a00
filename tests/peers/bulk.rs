//! Very many bytes through proxy, in each direction, with checksums.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::certificates::{Certificates, certificates};
use crate::ends::{
    End, STOPPED, accept, at, connect, listen, tls_accept, tls_client, tls_over, tls_server,
};
use crate::running::Running;
use crate::servers::{HOSTS, joined, proxy};

/// How many bytes go through in each direction.
const ALL: usize = 1 << 30;

/// How many bytes go through where the host is tested, and not the amount.
const LESS: usize = 64 << 20;

/// Not a power of two, so that a block that is lost, doubled or moved changes what follows.
const BLOCK: usize = 1_000_003;

/// The machine has few processors: one transfer at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn block() -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..BLOCK).map(|_| next()).collect()
}

/// The checksum of the first `count` bytes of the repeated block, all of which `write` gets.
pub(crate) fn produce(count: usize, mut write: impl FnMut(&[u8])) -> u32 {
    let block = block();
    let (mut left, mut sum) = (count, 0);
    while left > 0 {
        let part = &block[..left.min(BLOCK)];
        sum = crc32c::crc32c_append(sum, part);
        write(part);
        left -= part.len();
    }
    sum
}

pub(crate) fn send(end: &mut dyn End, count: usize) -> u32 {
    let sum = produce(count, |part| end.write_all(part).expect("the bytes leave"));
    end.flush().expect("the bytes leave");
    end.finish_writing();
    sum
}

/// How many bytes came until the end, and their checksum.
pub(crate) fn receive(end: &mut dyn End) -> (usize, u32) {
    let mut chunk = vec![0; 256 * 1024];
    let (mut count, mut sum) = (0, 0);
    loop {
        match end.read(&mut chunk).expect("the bytes arrive") {
            0 => return (count, sum),
            got => {
                count += got;
                sum = crc32c::crc32c_append(sum, &chunk[..got]);
            }
        }
    }
}

/// One transfer. The first byte that the client sends is the direction.
fn serve(end: &mut dyn End, count: usize) -> (usize, u32) {
    if end.exactly(1) == b"u" {
        let got = receive(end);
        end.finish_writing();
        got
    } else {
        (count, send(end, count))
    }
}

pub(crate) fn transfer(end: &mut dyn End, upward: bool, count: usize) -> (usize, u32) {
    end.say(if upward { b"u" } else { b"d" });
    if upward {
        let sum = send(end, count);
        assert_eq!(end.rest().expect("an orderly end"), b"");
        (count, sum)
    } else {
        let got = receive(end);
        end.finish_writing();
        got
    }
}

/// Both directions, one after the other, each on a connection of its own.
fn both_ways(certificates: &Certificates, front: bool, back: bool, host: &str, count: usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let listener = listen();
    let mut words = format!("--backend {} --host {host}", at(&listener));
    if front {
        let (chain, key) = (certificates.server.display(), certificates.server_key.display());
        words += &format!(" --tls {chain} {key}");
    }
    if back {
        words += &format!(" --backend-tls {} --sni localhost", certificates.ca.display());
    }
    let server_tls = back.then(|| tls_server(certificates));
    let client_tls = front.then(|| tls_client(certificates, rustls::ALL_VERSIONS));
    let server = thread::spawn(move || {
        [(); 2].map(|()| {
            let mut stream = accept(&listener);
            match &server_tls {
                Some(config) => serve(&mut tls_accept(config, stream), count),
                None => serve(&mut stream, count),
            }
        })
    });
    let proxy = proxy(&words);
    let one = |upward| {
        let mut stream: TcpStream = connect(&proxy.ready());
        match &client_tls {
            Some(config) => transfer(&mut tls_over(config, stream), upward, count),
            None => transfer(&mut stream, upward, count),
        }
    };
    let client = [one(true), one(false)];
    assert_eq!(client, joined(server), "the same bytes on both sides");
    assert_eq!([client[0].0, client[1].0], [count; 2], "all of them");
    bounded(&proxy);
}

/// Nothing of what went through stayed in memory.
pub(crate) fn bounded(proxy: &Running) {
    const MOST: u64 = 32 << 20;
    let bytes = proxy.written_bytes();
    assert!(bytes < MOST, "proxy holds {bytes} bytes");
}

#[test]
fn a_gibibyte_goes_each_way_without_tls() {
    let Some(certificates) = certificates() else { return };
    both_ways(certificates, false, false, "epoll-et", ALL);
}

#[test]
fn a_gibibyte_goes_each_way_with_tls_to_the_client() {
    let Some(certificates) = certificates() else { return };
    both_ways(certificates, true, false, "epoll-et", ALL);
}

#[test]
fn a_gibibyte_goes_each_way_with_tls_to_the_server() {
    let Some(certificates) = certificates() else { return };
    both_ways(certificates, false, true, "epoll-et", ALL);
}

#[test]
fn a_gibibyte_goes_each_way_with_tls_on_both_sides() {
    let Some(certificates) = certificates() else { return };
    both_ways(certificates, true, true, "epoll-et", ALL);
}

#[test]
fn every_host_moves_the_same_bytes() {
    let Some(certificates) = certificates() else { return };
    for host in HOSTS {
        for (front, back) in [(false, false), (true, false), (false, true), (true, true)] {
            both_ways(certificates, front, back, host, LESS);
        }
    }
}

#[test]
fn both_directions_at_once_do_not_disturb_each_other() {
    for host in HOSTS {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let listener = listen();
        let proxy = proxy(&format!("--backend {} --host {host}", at(&listener)));
        let client = connect(&proxy.ready());
        let server = accept(&listener);
        let halves = [client, server].map(|mut stream| {
            let mut reader = stream.try_clone().expect("a socket");
            let writer = thread::spawn(move || send(&mut stream, LESS));
            (writer, thread::spawn(move || receive(&mut reader)))
        });
        let sums = halves.map(|(writer, reader)| (joined(writer), joined(reader)));
        assert_eq!(sums[0].1, (LESS, sums[1].0), "downward");
        assert_eq!(sums[1].1, (LESS, sums[0].0), "upward");
    }
}

#[test]
fn a_flood_into_a_peer_that_never_reads_stays_bounded() {
    for host in HOSTS {
        let listener = listen();
        let proxy = proxy(&format!("--backend {} --host {host}", at(&listener)));
        let mut client = connect(&proxy.ready());
        client.set_write_timeout(Some(STOPPED)).expect("a socket");
        let server = accept(&listener);
        let flood = vec![0; 1 << 20];
        // The kernel's buffers between the ends fill, then proxy's, and then nothing takes more.
        let mut sent = 0_u64;
        while let Ok(count) = client.write(&flood) {
            sent += count as u64;
            assert!(sent < 1 << 30, "nobody says stop");
        }
        bounded(&proxy);
        drop(server);
    }
}

/// How many descriptors of proxy are pipes.
fn pipes(proxy: &Running) -> usize {
    let numbers = std::fs::read_dir(format!("/proc/{}/fd", proxy.id())).expect("it lives");
    let targets = numbers.filter_map(|number| std::fs::read_link(number.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("pipe:")).count()
}

#[test]
fn bytes_that_come_in_bulk_go_through_a_pipe_unless_tls_is_in_between() {
    let Some(certificates) = certificates() else { return };
    for host in HOSTS {
        for back in [false, true] {
            let listener = listen();
            let mut words = format!("--backend {} --host {host}", at(&listener));
            if back {
                words += &format!(" --backend-tls {} --sni localhost", certificates.ca.display());
            }
            let server_tls = back.then(|| tls_server(certificates));
            let proxy = proxy(&words);
            let address = proxy.ready();
            let before = pipes(&proxy);
            let client = thread::spawn(move || {
                let mut stream = connect(&address);
                transfer(&mut stream, true, LESS)
            });
            let stream = accept(&listener);
            let mut server: Box<dyn End> = match &server_tls {
                Some(config) => Box::new(tls_accept(config, stream)),
                None => Box::new(stream),
            };
            // Far more than the first buffers and less than everything: the rest is in flight.
            server.exactly(LESS / 2);
            assert_eq!(pipes(&proxy) - before, if back { 0 } else { 2 }, "{host}");
            let (rest, _) = receive(&mut *server);
            server.finish_writing();
            assert_eq!(rest, 1 + LESS - LESS / 2);
            assert_eq!(joined(client).0, LESS);
        }
    }
}
