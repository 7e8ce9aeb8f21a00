//! How a few protocols open a connection, read only to tell them apart: the handshake of TLS, the request
//! line of HTTP/1, and the connection request of RDP.

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recognized<T> {
    /// The opening, whole.
    Whole(T),
    /// The beginning of one.
    Partial,
    /// Something else, whatever follows.
    Other,
}

/// The type of the message at the front of a TLS handshake (RFC 8446 sections 4 and 5.1).
#[must_use]
pub fn handshake_type(bytes: &[u8]) -> Recognized<u8> {
    const HANDSHAKE: u8 = 22;
    const MAJOR_VERSION: u8 = 3;
    const RECORD_HEAD: usize = 5;
    match *bytes {
        [HANDSHAKE, MAJOR_VERSION, _, high, low, kind, ..] if high != 0 || low != 0 => {
            Recognized::Whole(kind)
        }
        [] | [HANDSHAKE] => Recognized::Partial,
        [HANDSHAKE, MAJOR_VERSION, ..] if bytes.len() <= RECORD_HEAD => Recognized::Partial,
        _ => Recognized::Other,
    }
}

/// The request line of HTTP/1 (RFC 9112 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The target.
    pub target: &'a [u8],
}

/// The longest request line that is read; RFC 9112 section 3 recommends that so much is.
const REQUEST_LINE_MAX: usize = 8_000;
/// No registered method is longer.
const METHOD_MAX: usize = 24;
const VERSIONS: [&[u8]; 2] = [b"HTTP/1.1", b"HTTP/1.0"];

/// Reads the request line at the front of `bytes`.
#[must_use]
pub fn http_request(bytes: &[u8]) -> Recognized<RequestLine<'_>> {
    // An empty line in front is to be ignored (RFC 9112 section 2.2).
    let bytes = match bytes {
        [b'\r', b'\n', rest @ ..] => rest,
        [b'\r'] => return Recognized::Partial,
        _ => bytes,
    };
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let is_target = |byte: &u8| matches!(byte, 0x21..=0x7e | 0x80..);
    let method = bytes.iter().take_while(|byte| is_token(byte)).count();
    if method > METHOD_MAX {
        return Recognized::Other;
    }
    let Some(after) = bytes.get(method) else { return Recognized::Partial };
    if method == 0 || *after != b' ' {
        return Recognized::Other;
    }
    let rest = &bytes[method + 1..];
    let target = rest.iter().take_while(|byte| is_target(byte)).count();
    let Some(after) = rest.get(target) else {
        return if target > REQUEST_LINE_MAX { Recognized::Other } else { Recognized::Partial };
    };
    if target == 0 || *after != b' ' {
        return Recognized::Other;
    }
    let version = &rest[target + 1..];
    let common = |known: &[u8]| known.iter().zip(version).take_while(|(a, b)| a == b).count();
    let Some(known) = VERSIONS.iter().find(|known| common(known) == known.len().min(version.len()))
    else {
        return Recognized::Other;
    };
    match version.get(known.len()..) {
        None | Some([] | [b'\r']) => Recognized::Partial,
        Some([b'\r', b'\n', ..] | [b'\n', ..]) => {
            Recognized::Whole(RequestLine { method: &bytes[..method], target: &rest[..target] })
        }
        Some(_) => Recognized::Other,
    }
}

/// The cookie of a connection request of RDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RdpCookie<'a> {
    /// Its name: `mstshash`, or `msts` for a routing token.
    pub name: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

/// The version of TPKT (RFC 1006 section 6).
const TPKT_VERSION: u8 = 3;
/// The heads in front of the cookie: of TPKT, and of the connection request ([MS-RDPBCGR] section
/// 2.2.1.1).
const RDP_HEADS: usize = 4 + 7;
/// The code of a connection request (X.224 section 13.3), and where it stands.
const CONNECTION_REQUEST: u8 = 0xe0;
const CODE_AT: usize = 5;
const COOKIE: &[u8] = b"Cookie:";
/// No line of a connection request is longer.
const COOKIE_MAX: usize = 255;

/// Reads the cookie of the connection request at the front of `bytes`; [`Recognized::Other`] where the
/// request has none.
#[must_use]
pub fn rdp_cookie(bytes: &[u8]) -> Recognized<RdpCookie<'_>> {
    let is_other = |at: usize, wanted: u8| bytes.get(at).is_some_and(|byte| *byte != wanted);
    if is_other(0, TPKT_VERSION) || is_other(CODE_AT, CONNECTION_REQUEST) {
        return Recognized::Other;
    }
    let Some(line) = bytes.get(RDP_HEADS..) else { return Recognized::Partial };
    let start = line.len().min(COOKIE.len());
    if !line[..start].eq_ignore_ascii_case(&COOKIE[..start]) {
        return Recognized::Other;
    }
    let Some(end) = line.windows(2).take(COOKIE_MAX).position(|pair| pair == b"\r\n") else {
        return if line.len() > COOKIE_MAX { Recognized::Other } else { Recognized::Partial };
    };
    let cookie = line[COOKIE.len()..end].trim_ascii_start();
    let Some(equals) = cookie.iter().position(|byte| *byte == b'=') else {
        return Recognized::Other;
    };
    Recognized::Whole(RdpCookie { name: &cookie[..equals], value: &cookie[equals + 1..] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opens(read: impl Fn(&[u8]) -> Recognized<()>, whole: &[u8]) {
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut]), Recognized::Partial, "{cut}");
        }
        assert_eq!(read(whole), Recognized::Whole(()));
    }

    fn unit<T>(opening: Recognized<T>) -> Recognized<()> {
        match opening {
            Recognized::Whole(_) => Recognized::Whole(()),
            Recognized::Partial => Recognized::Partial,
            Recognized::Other => Recognized::Other,
        }
    }

    #[test]
    fn a_request_line_is_one_once_it_is_whole() {
        opens(|bytes| unit(http_request(bytes)), b"GET / HTTP/1.1\r\n");
        opens(|bytes| unit(http_request(bytes)), b"\r\nPRI /a?b HTTP/1.0\r\n");
        let Recognized::Whole(line) = http_request(b"PUT /x HTTP/1.1\r\nHost: a\r\n") else {
            panic!("no request line");
        };
        assert_eq!((line.method, line.target), (&b"PUT"[..], &b"/x"[..]));
    }

    #[test]
    fn what_is_no_request_line_is_told_at_the_first_byte_that_says_so() {
        for other in [
            &b"\x16"[..],
            b"SSH-2.0-x\r\n",
            b"GET  /",
            b" GET",
            b"GET / FTP",
            b"GET / HTTP/2",
            b"GET / HTTP/1.1 ",
            b"GET \x01",
        ] {
            assert_eq!(unit(http_request(other)), Recognized::Other, "{other:?}");
        }
    }

    #[test]
    fn the_handshake_of_tls_begins_with_a_message_of_some_type() {
        let hello = b"\x16\x03\x03\0\x06\x02";
        opens(|bytes| unit(handshake_type(bytes)), hello);
        assert_eq!(handshake_type(hello), Recognized::Whole(2));
        for other in [&b"\x15"[..], b"\x16\x02", b"\x16\x03\x03\0\0\x02", b"SSH-2.0"] {
            assert_eq!(handshake_type(other), Recognized::Other, "{other:?}");
        }
    }

    const RDP: &[u8] =
        b"\x03\x00\x00\x2c\x27\xe0\x00\x00\x00\x00\x00Cookie: mstshash=alice\r\n\x01";

    #[test]
    fn the_cookie_of_rdp_has_a_name_and_a_value() {
        opens(|bytes| unit(rdp_cookie(bytes)), &RDP[..RDP.len() - 1]);
        let Recognized::Whole(cookie) = rdp_cookie(RDP) else { panic!("no cookie") };
        assert_eq!((cookie.name, cookie.value), (&b"mstshash"[..], &b"alice"[..]));
    }

    #[test]
    fn a_request_without_a_cookie_is_told_at_once() {
        for other in [&b"\x16"[..], b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01", b"\x03\0\0\x13\x0e\xd0"]
        {
            assert_eq!(unit(rdp_cookie(other)), Recognized::Other, "{other:?}");
        }
        let endless = [&RDP[..20], &[b'a'; 400]].concat();
        assert_eq!(unit(rdp_cookie(&endless)), Recognized::Other);
    }
}
