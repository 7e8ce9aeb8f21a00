//! The corpus of rules, read from its text.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where the rules of a set are evaluated, and what comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Without a PROXY header: `connection` in both languages.
    Plain,
    /// The same, with `session` in both.
    Later,
    /// In front of a PROXY header: `accept` here, `connection` there.
    Before,
    /// Behind a PROXY header: `connection` here, and `session` here, `session` there.
    Header,
    /// On the first bytes: `content` in both.
    Content,
    /// Behind TLS: `session` in both.
    Tls,
    /// The same, with a client certificate.
    Client,
    /// `connection` in both, and a choice of backends.
    Backends,
    /// Phases as they are written, and a choice of backends.
    Route,
    /// The same behind TLS.
    TlsRoute,
    /// The same behind TLS with a client certificate.
    ClientRoute,
    /// Phases as they are written, on a listener that reads a header where a rule says so.
    Expects,
}

impl Kind {
    /// The names of the phase here.
    pub(crate) const fn here(self) -> &'static [&'static str] {
        match self {
            Self::Plain | Self::Backends => &["connection"],
            Self::Before => &["accept"],
            Self::Header => &["connection", "session"],
            Self::Content => &["content"],
            Self::Route | Self::TlsRoute | Self::ClientRoute | Self::Expects => &["as-written"],
            Self::Later | Self::Tls | Self::Client => &["session"],
        }
    }

    /// The name of the phase in HAProxy.
    pub(crate) const fn there(self) -> &'static str {
        match self {
            Self::Plain | Self::Before | Self::Backends => "connection",
            Self::Later | Self::Header | Self::Tls | Self::Client => "session",
            Self::Content => "content",
            Self::Route | Self::TlsRoute | Self::ClientRoute | Self::Expects => "as-written",
        }
    }

    pub(crate) const fn takes_headers(self) -> bool {
        matches!(self, Self::Before | Self::Header)
    }

    pub(crate) const fn speaks_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Client | Self::TlsRoute | Self::ClientRoute)
    }

    pub(crate) const fn has_certificate(self) -> bool {
        matches!(self, Self::Client | Self::ClientRoute)
    }

    pub(crate) const fn chooses_backends(self) -> bool {
        matches!(self, Self::Backends | Self::Route | Self::TlsRoute | Self::ClientRoute)
    }
}

/// The verdict on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    In,
    /// Closed without a byte.
    Out,
    /// Accepted, with the backend that sends this byte first.
    By(u8),
    /// The connection does not exist for the server.
    Unknown,
}

/// The contents of a PROXY header.
#[derive(Clone, Debug)]
pub(crate) enum Header {
    Nobody,
    Ends { source: SocketAddr, destination: SocketAddr, tlvs: Vec<(u8, String)> },
}

/// A connection that is tried.
#[derive(Clone, Debug)]
pub(crate) struct RuleState {
    pub(crate) line: String,
    pub(crate) verdict: Verdict,
    /// It is dropped silently: it sends more until it learns that the server does not know it.
    pub(crate) insists: bool,
    pub(crate) from: Ipv4Addr,
    pub(crate) to: Ipv4Addr,
    pub(crate) header: Option<Header>,
    /// It sends a bare ClientHello.
    pub(crate) hello: bool,
    /// What it sends, in pieces.
    pub(crate) says: Vec<Vec<u8>>,
    /// It then ends its side.
    pub(crate) ends: bool,
    /// Whether it sends a server name in TLS.
    pub(crate) sni: bool,
    pub(crate) name: String,
    pub(crate) alpn: Vec<Vec<u8>>,
    pub(crate) tls12: bool,
    /// It goes on with the TLS session of the connection before.
    pub(crate) resumes: bool,
    /// It is closed once it has its verdict.
    pub(crate) closes: bool,
    /// It is tried again until the verdict is the expected one.
    pub(crate) at_last: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) rules: String,
    /// Names and texts of files.
    pub(crate) files: Vec<(String, String)>,
    /// Further arguments for our command line.
    pub(crate) words: String,
    pub(crate) visits: Vec<RuleState>,
}

pub(crate) fn sets() -> Vec<Set> {
    let text = include_str!("sets.txt");
    let (_, sets) = text.split_once("\n## ").expect("a first set");
    sets.split("\n## ").map(set).collect()
}

fn set(text: &str) -> Set {
    let (head, body) = text.split_once('\n').expect("lines below the head");
    let (kind, name) = head.split_once(": ").expect("a kind and a name");
    let kind = match kind {
        "plain" => Kind::Plain,
        "later" => Kind::Later,
        "before" => Kind::Before,
        "header" => Kind::Header,
        "content" => Kind::Content,
        "tls" => Kind::Tls,
        "client" => Kind::Client,
        "backends" => Kind::Backends,
        "route" => Kind::Route,
        "tlsroute" => Kind::TlsRoute,
        "clientroute" => Kind::ClientRoute,
        "expects" => Kind::Expects,
        _ => panic!("no kind: {head}"),
    };
    let mut set = Set {
        kind,
        name: name.to_owned(),
        rules: String::new(),
        files: Vec::new(),
        words: String::new(),
        visits: Vec::new(),
    };
    for line in body.lines() {
        if let Some(file) = line.strip_prefix("=| ") {
            let (name, lines) = file.split_once(": ").expect("a name and lines");
            set.files.push((name.to_owned(), lines.replace(" | ", "\n") + "\n"));
        } else if let Some(file) = line.strip_prefix("= ") {
            let (name, words) = file.split_once(": ").expect("a name and words");
            set.files.push((name.to_owned(), words.replace(' ', "\n")));
        } else if let Some(words) = line.strip_prefix("! ") {
            words.clone_into(&mut set.words);
        } else if let Some(words) = line.strip_prefix("> ") {
            set.visits.push(visit(words));
        } else {
            set.rules += line;
            set.rules.push('\n');
        }
    }
    set
}

fn visit(line: &str) -> RuleState {
    let (verdict, rest) = line.split_once(':').expect("a verdict");
    let mut visit = RuleState {
        line: line.to_owned(),
        verdict: match verdict {
            "in" => Verdict::In,
            "out" | "drop" => Verdict::Out,
            "sent" => Verdict::Unknown,
            letter => Verdict::By(letter.as_bytes()[0]),
        },
        insists: verdict == "drop",
        from: Ipv4Addr::LOCALHOST,
        to: Ipv4Addr::LOCALHOST,
        header: None,
        hello: false,
        says: Vec::new(),
        ends: false,
        sni: true,
        name: "localhost".to_owned(),
        alpn: Vec::new(),
        tls12: false,
        resumes: false,
        closes: false,
        at_last: false,
    };
    let mut words = rest.split_whitespace();
    while let Some(word) = words.next() {
        let mut next = || words.next().unwrap_or_else(|| panic!("more words: {line}"));
        match word {
            "from" => visit.from = next().parse().expect("an address"),
            "to" => visit.to = next().parse().expect("an address"),
            "local" => visit.header = Some(Header::Nobody),
            "header" => {
                let [source, destination] = [next(), next()];
                let [source_port, destination_port] = [next(), next()];
                visit.header = Some(Header::Ends {
                    source: socket(source, source_port),
                    destination: socket(destination, destination_port),
                    tlvs: Vec::new(),
                });
            }
            "authority" => tlv(&mut visit, 0x02, next()),
            "unique" => tlv(&mut visit, 0x05, next()),
            "hello" => visit.hello = true,
            "says" => {
                let piece = unescaped(next());
                visit.says.push(piece);
            }
            "resumes" => visit.resumes = true,
            "ends" => visit.ends = true,
            "sni" => match next() {
                "none" => visit.sni = false,
                name => name.clone_into(&mut visit.name),
            },
            "alpn" => {
                let named = next().split(',').filter(|name| *name != "none");
                visit.alpn = named.map(|name| name.as_bytes().to_vec()).collect();
            }
            "tls12" => visit.tls12 = true,
            "tls13" => visit.tls12 = false,
            "closes" => visit.closes = true,
            "at-last" => visit.at_last = true,
            _ => panic!("what is {word} in {line}"),
        }
    }
    visit
}

/// The bytes of a word with escapes: `\xHH`, `\r`, `\n`, `\t`, `\s` for a blank, and `\\`.
fn unescaped(word: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = word.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (escape, behind) = rest.split_first().expect("an escape");
        rest = behind;
        bytes.push(match escape {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b's' => b' ',
            b'x' => {
                let (digits, behind) = rest.split_at(2);
                rest = behind;
                let digits = std::str::from_utf8(digits).expect("digits");
                u8::from_str_radix(digits, 16).expect("two hexadecimal digits")
            }
            other => *other,
        });
    }
    bytes
}

fn tlv(visit: &mut RuleState, kind: u8, value: &str) {
    match &mut visit.header {
        Some(Header::Ends { tlvs, .. }) => tlvs.push((kind, value.to_owned())),
        _ => panic!("a TLV is in a header: {}", visit.line),
    }
}

fn socket(ip: &str, port: &str) -> SocketAddr {
    let ip: IpAddr = ip.parse().expect("an address");
    SocketAddr::new(ip, port.parse().expect("a port"))
}

impl Header {
    /// Version 2 of the PROXY protocol.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (command, family, block) = match self {
            Self::Nobody => (0x20, 0x00, Vec::new()),
            Self::Ends { source, destination, tlvs } => {
                let octets = |ip: IpAddr| match ip {
                    IpAddr::V4(ip) => ip.octets().to_vec(),
                    IpAddr::V6(ip) => ip.octets().to_vec(),
                };
                let mut block = [octets(source.ip()), octets(destination.ip())].concat();
                block.extend(source.port().to_be_bytes());
                block.extend(destination.port().to_be_bytes());
                for (kind, value) in tlvs {
                    let length = u16::try_from(value.len()).expect("a short value");
                    block.push(*kind);
                    block.extend(length.to_be_bytes());
                    block.extend(value.as_bytes());
                }
                (0x21, if source.is_ipv4() { 0x11 } else { 0x21 }, block)
            }
        };
        let length = u16::try_from(block.len()).expect("a short block");
        [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, family], &length.to_be_bytes(), &block].concat()
    }
}
