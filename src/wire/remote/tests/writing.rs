//! What is written of what does not fit.

use super::samples::{facts, incoming, no_facts};
use super::*;
use crate::sys::Addr;

#[test]
fn a_text_that_is_too_long_is_cut_at_the_end_of_a_character() {
    // 254 bytes, and then a character of two, three and four.
    for character in ["ü", "€", "😀"] {
        let text = format!("{}{character}", "x".repeat(254));
        let bytes = written(0, &RemoteFrame::Goaway { reason: GoawayReason::Limit, text: &text });
        let expected = RemoteFrame::Goaway { reason: GoawayReason::Limit, text: &"x".repeat(254) };
        assert_eq!(whole(&bytes), expected);
    }
    let (long, name) = ("x".repeat(300), "x".repeat(255));
    let bytes = written(0, &RemoteFrame::Listen { name: &long, stop: false });
    assert_eq!(whole(&bytes), RemoteFrame::Listen { name: &name, stop: false });
    let detail = RemoteDetail::Alert(40);
    let closed = |text| {
        let failure = Some(RemoteFailure { op: 18, why: 5, detail, text });
        RemoteFrame::Closed(RemoteClosed { begun: true, failure })
    };
    assert_eq!(whole(&written(1, &closed(&long))), closed(&name));
}

#[test]
fn the_name_of_a_host_is_cut_where_the_protocol_has_no_more() {
    let open = |host| {
        RemoteFrame::Open(RemoteOpen {
            window: 4_096,
            target: RemoteTarget::Name { host, port: 80 },
            source: None,
            takes_descriptor: false,
        })
    };
    let long = "x".repeat(254);
    assert_eq!(whole(&written(1, &open(&long))), open(&long[..253]));
}

#[test]
fn certificates_from_the_first_that_does_not_fit_are_left_out() {
    let (first, second, small) = (vec![1; 10_000], vec![2; 10_000], vec![3; 10]);
    let chain: [&[u8]; 3] = [&first, &second, &small];
    let bytes = written(1, &RemoteFrame::Secured(facts(&chain)));
    let left: [&[u8]; 1] = [&first];
    assert_eq!(whole(&bytes), RemoteFrame::Secured(facts(&left)));
    // To the byte: 12 bytes of facts and 2 of a length.
    for (size, fits) in [(PAYLOAD_MAX - 14, true), (PAYLOAD_MAX - 13, false)] {
        let der = vec![7; size];
        let chain: [&[u8]; 1] = [&der];
        let certificates = CertificateList::new(&chain);
        let secured = RemoteFrame::Secured(TlsFacts { certificates, ..no_facts() });
        let bytes = written(1, &secured);
        assert_eq!(bytes.len() == HEADER + PAYLOAD_MAX, fits);
        let expected = if fits { secured } else { RemoteFrame::Secured(no_facts()) };
        assert_eq!(whole(&bytes), expected);
    }
    // An empty one has no form.
    let chain: [&[u8]; 3] = [&small, &[], &small];
    let left: [&[u8]; 1] = [&small];
    let bytes = written(1, &RemoteFrame::Secured(facts(&chain)));
    assert_eq!(whole(&bytes), RemoteFrame::Secured(facts(&left)));
}

fn with_tls<'a>(header: &'a [u8], certificates: CertificateList<'a>) -> RemoteFrame<'a> {
    let tls = Some(TlsFacts { certificates, ..facts(&[]) });
    RemoteFrame::Incoming(RemoteIncoming { proxy_header: header, tls, ..incoming() })
}

#[test]
fn a_proxy_header_is_whole_or_left_out_and_facts_of_tls_come_first() {
    let small = vec![3; 10];
    let chain: [&[u8]; 1] = [&small];
    let bare = written(2, &with_tls(&[], CertificateList::default())).len() - HEADER;
    for (size, fits) in [(PAYLOAD_MAX - bare, true), (PAYLOAD_MAX - bare + 1, false)] {
        let header = vec![b'P'; size];
        let bytes = written(2, &with_tls(&header, CertificateList::new(&chain)));
        let expected = if fits {
            with_tls(&header, CertificateList::default())
        } else {
            with_tls(&[], CertificateList::new(&chain))
        };
        assert_eq!(whole(&bytes), expected);
    }
    let longest = vec![b'P'; 70_000];
    let plain = RemoteIncoming { proxy_header: &longest, ..incoming() };
    let expected = RemoteIncoming { proxy_header: &[], ..incoming() };
    let bytes = written(2, &RemoteFrame::Incoming(plain));
    assert_eq!(whole(&bytes), RemoteFrame::Incoming(expected));
}

#[test]
fn data_becomes_as_many_frames_as_it_takes() {
    assert_eq!(written(1, &RemoteFrame::Data(&[])), []);
    let bytes: Vec<u8> = (0..2 * PAYLOAD_MAX + 5).map(|n| n as u8).collect();
    let all = written(3, &RemoteFrame::Data(&bytes));
    let (mut rest, mut got, mut frames) = (&all[..], Vec::new(), 0);
    while let Parsed::Whole { channel: 3, frame: RemoteFrame::Data(data), len } = parse(rest) {
        assert_eq!(rest[..HEADER], data_header(3, data.len()));
        got.extend(data);
        rest = &rest[len..];
        frames += 1;
    }
    assert_eq!((got, frames, rest), (bytes, 3, &[][..]));
}

#[test]
fn what_is_there_already_stays_in_front() {
    let mut bytes = b"before".to_vec();
    write(&mut bytes, 0, &RemoteFrame::Ping(5));
    write(&mut bytes, 7, &RemoteFrame::Close);
    let (ping, close) = (written(0, &RemoteFrame::Ping(5)), written(7, &RemoteFrame::Close));
    assert_eq!(bytes, [b"before", &ping[..], &close].concat());
}

#[test]
fn an_address_of_ipv4_is_written_as_one_however_it_is_held() {
    let mapped = Addr::Ip("[::ffff:192.0.2.1]:80".parse().expect("an address"));
    let opened = |local| {
        RemoteFrame::Opened(RemoteOpened { window: 1, local, peer: None, descriptor: false })
    };
    let plain = Addr::Ip("192.0.2.1:80".parse().expect("an address"));
    assert_eq!(whole(&written(1, &opened(Some(mapped)))), opened(Some(plain)));
}

#[test]
fn lists_of_certificates_are_equal_wherever_they_lie() {
    let chain: [&[u8]; 2] = [&[1], &[2, 3]];
    let bytes = written(1, &RemoteFrame::Secured(facts(&chain)));
    let RemoteFrame::Secured(read) = whole(&bytes) else { panic!("another frame") };
    assert_eq!(read.certificates, CertificateList::new(&chain));
    assert_ne!(read.certificates, CertificateList::new(&chain[..1]));
    assert_ne!(read.certificates, CertificateList::default());
    assert_eq!(format!("{:?}", read.certificates), "[[1], [2, 3]]");
    // A copy goes on from where the list stands.
    let mut list = read.certificates;
    list.next();
    assert_eq!(list.clone().collect::<Vec<_>>(), [&[2, 3]]);
}
