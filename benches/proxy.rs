//! What a PROXY header costs to read and to write.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use vestibule::sys::Addr;
use vestibule::wire::proxy::{Origin, OutgoingHeader, Ssl, parse, write_v1};

const LINE_V4: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET / HTTP/1.1\r\n";
const LINE_V6: &[u8] =
    b"PROXY TCP6 2001:db8:1:2:3:4:5:6 2001:db8::1 56324 443\r\nGET / HTTP/1.1\r\n";

fn addr(text: &str) -> Addr {
    Addr::parse(text).expect("an address")
}

fn reading(criterion: &mut Criterion) {
    let (source, destination) = (addr("192.0.2.1:56324"), addr("198.51.100.2:443"));
    let origin = Origin::Ends(&source, &destination);
    let ssl = Some(Ssl {
        client: 1,
        version: Some(b"TLSv1.3"),
        cipher: Some(b"TLS_AES_128_GCM_SHA256"),
        ..Ssl::default()
    });
    let mut plain = Vec::new();
    let mut full = Vec::new();
    OutgoingHeader::new(origin).write_v2(&mut plain).expect("it fits");
    OutgoingHeader { origin, tlvs: &[], ssl, crc32c: true }.write_v2(&mut full).expect("it fits");

    let mut group = criterion.benchmark_group("parse");
    let inputs: [(&str, &[u8]); 8] = [
        ("v1 tcp4", LINE_V4),
        ("v1 tcp6", LINE_V6),
        ("v1 unknown", b"PROXY UNKNOWN\r\n"),
        ("v1 partial", &LINE_V6[..40]),
        ("v1 bad", b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 65536\r\n"),
        ("v2 inet", &plain),
        ("v2 inet, ssl and crc32c", &full),
        ("v2 partial", &full[..40]),
    ];
    for (name, bytes) in inputs {
        group.bench_function(name, |b| b.iter(|| parse(black_box(bytes))));
    }
    group.finish();
}

fn writing(criterion: &mut Criterion) {
    let (v4, v6) = (addr("192.0.2.1:56324"), addr("[2001:db8::1]:443"));
    let ssl = Some(Ssl { client: 1, version: Some(b"TLSv1.3"), ..Ssl::default() });
    let plain = OutgoingHeader::new(Origin::Ends(&v4, &v4));
    let full = OutgoingHeader { ssl, crc32c: true, ..plain };
    let mut out = Vec::with_capacity(1024);

    let mut group = criterion.benchmark_group("build");
    for (name, ends) in [("v1 tcp4", (&v4, &v4)), ("v1 mixed", (&v4, &v6))] {
        group.bench_function(name, |b| {
            b.iter(|| {
                out.clear();
                write_v1(&mut out, black_box(Some(ends)));
            });
        });
    }
    for (name, outgoing) in [("v2 inet", plain), ("v2 inet, ssl and crc32c", full)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                out.clear();
                black_box(&outgoing).write_v2(&mut out)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, reading, writing);
criterion_main!(benches);
