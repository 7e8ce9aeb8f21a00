use proptest::prelude::*;

use super::*;

fn vector8(content: &[u8]) -> Vec<u8> {
    [&[content.len() as u8], content].concat()
}

fn vector16(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u16).to_be_bytes(), content].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes(), &*vector16(content)].concat()
}

fn server_name(name: &[u8]) -> Vec<u8> {
    names(&[host(name)])
}

/// A ServerNameList of these entries.
fn names(entries: &[Vec<u8>]) -> Vec<u8> {
    extension(SERVER_NAME, &vector16(&entries.concat()))
}

fn host(name: &[u8]) -> Vec<u8> {
    [&[HOST_NAME], &*vector16(name)].concat()
}

fn alpn(names: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = names.iter().flat_map(|name| vector8(name)).collect();
    extension(ALPN, &vector16(&list))
}

/// The body of a ClientHello with these extensions; none: without the field.
fn body(extensions: Option<&[Vec<u8>]>) -> Vec<u8> {
    let mut body = [&[3, 3], &[7; RANDOM][..]].concat();
    body.extend(vector8(&[9; SESSION_ID_MAX]));
    body.extend(vector16(&[0x13, 0x01, 0xc0, 0x2f]));
    body.extend(vector8(&[0]));
    body.extend(extensions.map(|all| vector16(&all.concat())).unwrap_or_default());
    body
}

fn message_of(body: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = (body.len() as u32).to_be_bytes();
    [&[ClientHello::TYPE, high, middle, low], body].concat()
}

/// A message in records of at most `size` bytes.
fn records(message: &[u8], size: usize) -> Vec<u8> {
    message
        .chunks(size)
        .flat_map(|part| [&[HANDSHAKE, MAJOR, 1], &*vector16(part)].concat())
        .collect()
}

fn hello(extensions: &[Vec<u8>]) -> Vec<u8> {
    records(&message_of(&body(Some(extensions))), RECORD_MAX)
}

#[track_caller]
fn read(bytes: &[u8]) -> ClientHello<'_> {
    match parse(bytes) {
        Parsed::Hello(hello) => hello,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hello_says_its_version_the_name_and_the_protocols() {
    let bytes = hello(&[
        extension(0x0a0a, b"grease"),
        server_name(b"WWW.example.test"),
        alpn(&[b"h2", b"http/1.1"]),
        extension(43, &[2, 3, 4]),
    ]);
    let hello = read(&bytes);
    assert_eq!(hello.version(), 0x0303);
    assert_eq!(hello.server_name(), Some(b"WWW.example.test" as &[u8]));
    assert_eq!(hello.alpn().collect::<Vec<_>>(), [b"h2" as &[u8], b"http/1.1"]);
    assert!(matches!(hello.message, Cow::Borrowed(_)));
}

#[test]
fn a_hello_may_ask_for_nothing() {
    for body in [body(None), body(Some(&[]))] {
        let bytes = records(&message_of(&body), RECORD_MAX);
        let hello = read(&bytes);
        assert_eq!(hello.server_name(), None);
        assert_eq!(hello.alpn().count(), 0);
    }
}

#[test]
fn names_are_bytes() {
    let bytes = hello(&[server_name(b"a\0b\xff"), alpn(&[b"\0", b"h\xff"])]);
    assert_eq!(read(&bytes).server_name(), Some(b"a\0b\xff" as &[u8]));
    assert_eq!(read(&bytes).alpn().collect::<Vec<_>>(), [b"\0" as &[u8], b"h\xff"]);
}

#[test]
fn the_verdict_is_the_same_however_the_bytes_are_cut_and_spread() {
    let message = message_of(&body(Some(&[server_name(b"example.test"), alpn(&[b"h2"])])));
    for size in [1, 2, 3, 4, 5, 50, message.len() - 1, message.len()] {
        let bytes = records(&message, size);
        for cut in 0..bytes.len() {
            assert_eq!(parse(&bytes[..cut]), Parsed::Partial, "{cut} bytes, records of {size}");
        }
        let followed = [&*bytes, b"\x17\x03\x03 whatever comes"].concat();
        assert_eq!(read(&followed).server_name(), Some(b"example.test" as &[u8]), "{size}");
        assert_eq!(read(&followed).alpn().collect::<Vec<_>>(), [b"h2"], "{size}");
    }
}

#[test]
fn what_is_no_hello_is_known_with_the_first_byte_that_says_so() {
    let long = [22, 3, 1, 0x40, 1];
    for (bytes, decisive) in [
        (b"GET / HTTP/1.1\r\n" as &[u8], 1),
        (b"\x80\x2e\x01\x03\x01", 1),
        (b"\x16GET ", 2),
        (b"\x16\x02\x00\x00\x30", 2),
        (b"\x16\x03\x01\x00\x00", 5),
        (&long, 5),
        (b"\x16\x03\x01\x00\x30\x02\x00", 6),
        (b"\x16\x03\x01\x00\x30\x01\x01\x00", 7),
        (b"\x16\x03\x01\x00\x01\x01\x15\x03\x01", 7),
        (b"\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x01\x01", 12),
    ] {
        for cut in 0..=bytes.len() {
            let expected = if cut < decisive { Parsed::Partial } else { Parsed::NotTls };
            assert_eq!(parse(&bytes[..cut]), expected, "{cut} of {bytes:02x?}");
        }
    }
}

#[test]
fn a_malformed_hello_is_none() {
    let good = body(Some(&[server_name(b"a.test")]));
    let spoiled = |at: usize, byte: u8| {
        let mut body = good.clone();
        body[at] = byte;
        body
    };
    let session_id = 2 + RANDOM;
    let suites = session_id + 1 + SESSION_ID_MAX;
    let mut behind = good.clone();
    behind.push(0);
    let no_host = extension(SERVER_NAME, &vector16(&[&[HOST_NAME], &*vector16(b"")].concat()));
    let with = |extension: Vec<u8>| body(Some(&[extension]));
    for (what, body) in [
        ("nothing", Vec::new()),
        ("a cut random", good[..20].to_vec()),
        ("a session id of 33 bytes", spoiled(session_id, 33)),
        ("an odd number of bytes of suites", spoiled(suites + 1, 3)),
        ("no suites", spoiled(suites + 1, 0)),
        ("a byte behind it", behind),
        ("an empty name", with(no_host)),
        ("an empty list of names", with(extension(SERVER_NAME, &vector16(b"")))),
        ("a list of names that is not whole", with(extension(SERVER_NAME, &[0, 9, 0]))),
        ("a name behind the list", with(extension(SERVER_NAME, &[0, 0, 0]))),
        ("two host names in one list", with(names(&[host(b"a"), host(b"b")]))),
        ("the beginning of another name", with(names(&[host(b"a"), vec![HOST_NAME, 0]]))),
        ("no protocol", with(extension(ALPN, &vector16(b"")))),
        ("an empty protocol", with(alpn(&[b"h2", b""]))),
        ("a protocol that is not whole", with(extension(ALPN, &vector16(b"\x05h2")))),
        ("two names", body(Some(&[server_name(b"a"), server_name(b"b")]))),
        ("two lists of protocols", body(Some(&[alpn(&[b"a"]), alpn(&[b"b"])]))),
        ("half an extension", with(vec![0, 1, 0])),
    ] {
        let bytes = records(&message_of(&body), RECORD_MAX);
        assert_eq!(parse(&bytes), Parsed::NotTls, "{what}");
    }
}

#[test]
fn a_name_of_another_type_is_no_host_name() {
    let bytes = hello(&[extension(SERVER_NAME, &vector16(&[1, 0xff, 0xff]))]);
    assert_eq!(read(&bytes).server_name(), None);
    let bytes = hello(&[names(&[host(b"a.test"), vec![1, 0xff]])]);
    assert_eq!(read(&bytes).server_name(), Some(b"a.test" as &[u8]));
}

proptest! {
    #[test]
    fn more_bytes_never_take_a_verdict_back(
        size in 1usize..80,
        at in 0usize..200,
        byte in any::<u8>(),
    ) {
        let message = message_of(&body(Some(&[server_name(b"example.test"), alpn(&[b"h2"])])));
        let mut bytes = records(&message, size);
        let at = at % bytes.len();
        bytes[at] = byte;
        let verdict = parse(&bytes);
        let mut is_decided = false;
        for cut in 0..bytes.len() {
            match parse(&bytes[..cut]) {
                Parsed::Partial => prop_assert!(!is_decided, "{} bytes", cut),
                early => {
                    prop_assert_eq!(&early, &verdict, "{} bytes", cut);
                    is_decided = true;
                }
            }
        }
    }
}

#[test]
fn a_hello_says_what_it_offers_and_what_its_extensions_hold() {
    let bytes = hello(&[
        extension(0x0a0a, b"grease"),
        extension(super::extension::SUPPORTED_GROUPS, &[0, 2, 0, 0x1d]),
        extension(super::extension::SESSION_TICKET, b""),
        extension(0x0a0a, b"again"),
    ]);
    for size in [1, 7, RECORD_MAX] {
        let bytes = records(&bytes[RECORD_HEAD..], size);
        let hello = read(&bytes);
        assert_eq!(hello.suites(), [0x13, 0x01, 0xc0, 0x2f]);
        assert_eq!(hello.session_id(), [9; SESSION_ID_MAX]);
        assert_eq!(hello.extension(0x0a0a), Some(&b"grease"[..]), "the first of a type");
        assert_eq!(hello.extension(super::extension::SUPPORTED_GROUPS), Some(&[0, 2, 0, 0x1d][..]));
        assert_eq!(hello.extension(super::extension::SESSION_TICKET), Some(&b""[..]));
        assert_eq!(hello.extension(super::extension::KEY_SHARE), None);
        assert_eq!(hello.extensions().count(), 4);
    }
    let without = records(&message_of(&body(None)), RECORD_MAX);
    assert_eq!(read(&without).extension(SERVER_NAME), None);
}
