//! Frames of every type, with the shortest and the longest of what they can have.

use super::super::*;
use crate::sys::{Addr, UNIX_PATH_MAX};

fn ip(text: &str) -> Addr {
    Addr::ip(text.parse().expect("an address"))
}

/// Addresses of every form, the longest among them.
pub(super) fn addresses() -> Vec<Addr> {
    let scoped = std::net::SocketAddrV6::new("fe80::1".parse().expect("an address"), 443, 0, 7);
    vec![
        ip("192.0.2.1:80"),
        ip("0.0.0.0:0"),
        ip("[2001:db8::1]:65535"),
        ip("[::]:0"),
        Addr::ip(scoped.into()),
        Addr::Unix(b"/run/agent.sock"[..].into()),
        Addr::Unix(b"\0abstract\0\xff"[..].into()),
        Addr::Unix([][..].into()),
        Addr::Unix(vec![b'x'; UNIX_PATH_MAX].into()),
    ]
}

pub(super) fn facts<'a>(certificates: &'a [&'a [u8]]) -> TlsFacts<'a> {
    TlsFacts {
        version: 0x0304,
        suite: 0x1302,
        group: 0x001d,
        resumed: false,
        verified: 2,
        alpn: b"h2",
        server_name: "example.net",
        signature_algorithm: "ecdsa-with-SHA256",
        key_algorithm: "EC256",
        certificates: CertificateList::new(certificates),
    }
}

/// Facts with nothing in them.
pub(super) fn no_facts() -> TlsFacts<'static> {
    TlsFacts {
        version: 0x0303,
        suite: 0,
        group: 0,
        resumed: true,
        verified: 0,
        alpn: &[],
        server_name: "",
        signature_algorithm: "",
        key_algorithm: "",
        certificates: CertificateList::default(),
    }
}

pub(super) fn incoming<'a>() -> RemoteIncoming<'a> {
    RemoteIncoming {
        window: 65_536,
        name: "web",
        peer: Some(ip("198.51.100.7:50000")),
        local: Some(ip("192.0.2.1:443")),
        proxy_header: b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n",
        tls: None,
        descriptor: false,
    }
}

/// Calls `take` with each frame and a channel that it can have.
pub(super) fn samples(mut take: impl FnMut(u32, &RemoteFrame<'_>)) {
    of_the_link(&mut take);
    of_opening(&mut take);
    of_tls(&mut take);
    of_bytes(&mut take);
    of_the_end(&mut take);
}

fn of_the_link(take: &mut impl FnMut(u32, &RemoteFrame<'_>)) {
    let hello = RemoteHello { lowest: 1, highest: 3, channels: 1_000, passes: false };
    take(0, &RemoteFrame::Hello(hello));
    take(0, &RemoteFrame::Hello(RemoteHello { passes: true, channels: u32::MAX, ..hello }));
    for token in [0, 1, u64::MAX] {
        take(0, &RemoteFrame::Ping(token));
        take(0, &RemoteFrame::Pong(token));
    }
    let longest = "x".repeat(255);
    for reason in GoawayReason::ALL {
        for text in ["", "the agent is being restarted", &longest] {
            take(0, &RemoteFrame::Goaway { reason: *reason, text });
        }
    }
    for name in ["w", "grüße", &longest] {
        take(0, &RemoteFrame::Listen { name, stop: false });
        take(0, &RemoteFrame::Listen { name, stop: true });
    }
}

fn of_opening(take: &mut impl FnMut(u32, &RemoteFrame<'_>)) {
    let longest = "x".repeat(253);
    let names = [("h", 1), ("example.net", 443), (longest.as_str(), u16::MAX)];
    let mut targets: Vec<RemoteTarget<'_>> =
        names.into_iter().map(|(host, port)| RemoteTarget::Name { host, port }).collect();
    targets.extend(addresses().into_iter().map(RemoteTarget::Addr));
    let mut ends: Vec<Option<Addr>> = addresses().into_iter().map(Some).collect();
    ends.push(None);
    // Each with each other would be many and find nothing more.
    let mut others = ends.iter().cycle().skip(3).cloned();
    let mut windows = [0, 4_096, u32::MAX].into_iter().cycle();
    let mut flags = [true, false].into_iter().cycle();
    let mut next = || {
        let window = windows.next().unwrap_or_default();
        (window, others.next().flatten(), flags.next().unwrap_or_default())
    };
    for target in targets {
        let (window, source, takes_descriptor) = next();
        take(u32::MAX, &RemoteFrame::Open(RemoteOpen { window, target, source, takes_descriptor }));
    }
    for local in ends.clone() {
        let (window, peer, descriptor) = next();
        let opened = RemoteOpened { window, local: local.clone(), peer: peer.clone(), descriptor };
        take(1, &RemoteFrame::Opened(opened));
        let there = RemoteIncoming { window, peer, local, descriptor, ..incoming() };
        take(2, &RemoteFrame::Incoming(there));
    }
    for (name, proxy_header) in [("", &[][..]), ("n", &[0; 300]), (&longest, &[0xff; 15_000])] {
        let there = RemoteIncoming { name, proxy_header, peer: None, ..incoming() };
        take(u32::MAX - 1, &RemoteFrame::Incoming(there));
    }
}

fn of_tls(take: &mut impl FnMut(u32, &RemoteFrame<'_>)) {
    let longest = "x".repeat(255);
    for (profile, server_name) in [("p", "s"), ("clients", "example.net"), (&longest, &longest)] {
        take(3, &RemoteFrame::Secure { profile, server_name });
    }
    let (short, long) = ([1; 1], [0x30; 1_500]);
    let chains: [&[&[u8]]; 4] = [&[], &[&short], &[&long, &short, &long], &[&[7; 15_000]]];
    for chain in chains {
        let full = facts(chain);
        take(5, &RemoteFrame::Secured(full.clone()));
        take(4, &RemoteFrame::Incoming(RemoteIncoming { tls: Some(full), ..incoming() }));
    }
    for verified in 0..=3 {
        take(5, &RemoteFrame::Secured(TlsFacts { verified, ..no_facts() }));
    }
    let texts = TlsFacts {
        alpn: &[0; 255],
        server_name: &longest,
        signature_algorithm: &longest,
        key_algorithm: &longest,
        ..facts(&[])
    };
    take(5, &RemoteFrame::Secured(texts.clone()));
    let bare = RemoteIncoming { tls: Some(no_facts()), proxy_header: &[], ..incoming() };
    take(6, &RemoteFrame::Incoming(bare));
    take(6, &RemoteFrame::Incoming(RemoteIncoming { tls: Some(texts), ..incoming() }));
}

fn of_bytes(take: &mut impl FnMut(u32, &RemoteFrame<'_>)) {
    for bytes in [&[0][..], b"hello", &[0xff; PAYLOAD_MAX]] {
        take(1, &RemoteFrame::Data(bytes));
        take(2, &RemoteFrame::Data(bytes));
    }
    for limit in [0, 65_536, u64::MAX] {
        take(0x0102_0304, &RemoteFrame::Credit(limit));
    }
    take(1, &RemoteFrame::End { truncated: false });
    take(1, &RemoteFrame::End { truncated: true });
}

fn of_the_end(take: &mut impl FnMut(u32, &RemoteFrame<'_>)) {
    take(1, &RemoteFrame::Close);
    take(1, &RemoteFrame::Reset);
    let details = [
        RemoteDetail::None,
        RemoteDetail::Errno(111),
        RemoteDetail::Alert(48),
        RemoteDetail::Handler(i32::MIN),
    ];
    let longest = "x".repeat(255);
    for begun in [true, false] {
        take(1, &RemoteFrame::Closed(RemoteClosed { begun, failure: None }));
        for detail in details {
            for text in ["", "connection refused", &longest] {
                let failure = Some(RemoteFailure { op: 13, why: 6, detail, text });
                take(1, &RemoteFrame::Closed(RemoteClosed { begun, failure }));
            }
        }
    }
}
