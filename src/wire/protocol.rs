//! Which protocol the first bytes of a connection look like, for messages about unexpected input.
//! No decision depends on it.

use super::{cip, proxy};

/// This many bytes identify a protocol: as many as the header of a TLS record has, which is judged
/// once it has arrived.
const DISTINCTIVE: usize = 5;

/// Beginnings, and what begins like that.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"PROXY ", PROXY),
    (proxy::SIGNATURE, PROXY),
    (&cip::MAGIC.to_be_bytes(), "a NetScaler's header"),
    // RFC 8446 section 5.1: a record of type handshake, of a version 3.x.
    (b"\x16\x03", "TLS"),
    // RFC 9110 section 9 and RFC 9112 section 4.
    (b"GET ", HTTP),
    (b"HEAD ", HTTP),
    (b"POST ", HTTP),
    (b"PUT ", HTTP),
    (b"DELETE ", HTTP),
    (b"CONNECT ", HTTP),
    (b"OPTIONS ", HTTP),
    (b"PATCH ", HTTP),
    (b"HTTP/", HTTP),
    // RFC 9113 section 3.4.
    (b"PRI * HTTP/2.0", "HTTP/2 without TLS"),
    // RFC 4253 section 4.2.
    (b"SSH-", "SSH"),
    // RFC 5321, RFC 9051, RFC 1939: what waits for STARTTLS.
    (b"EHLO ", "SMTP without TLS"),
    (b"HELO ", "SMTP without TLS"),
    (b"220 ", "the greeting of an SMTP or FTP server, which begins without TLS"),
    (b"220-", "the greeting of an SMTP or FTP server, which begins without TLS"),
    (b"* OK ", "the greeting of an IMAP server, which begins without TLS"),
    (b"+OK ", "the greeting of a POP3 server, which begins without TLS"),
    // SSLRequest of PostgreSQL: eight bytes long, code 80877103.
    (b"\0\0\0\x08\x04\xd2\x16\x2f", "PostgreSQL's request for TLS"),
];
/// What [`looks_like`] calls a PROXY header.
pub const PROXY: &str = "a PROXY header";
const HTTP: &str = "HTTP without TLS";

/// What `bytes`, the first of a connection, look like. Where a beginning has not arrived whole, its
/// first five bytes are enough.
#[must_use]
pub fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    let begins = |beginning: &[u8]| {
        let distinctive = beginning.len().min(bytes.len().max(beginning.len().min(DISTINCTIVE)));
        bytes.starts_with(&beginning[..distinctive])
    };
    BEGINNINGS.iter().find(|(beginning, _)| begins(beginning)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_known_by_its_first_bytes_and_no_fewer_than_tell() {
        for (beginning, name) in BEGINNINGS {
            assert_eq!(looks_like(beginning), Some(*name));
            let more = [beginning, &b" and more"[..]].concat();
            assert_eq!(looks_like(&more), Some(*name));
            let distinctive = beginning.len().min(DISTINCTIVE);
            assert_eq!(looks_like(&beginning[..distinctive]), Some(*name));
            assert_eq!(looks_like(&beginning[..distinctive - 1]), None, "{name}");
        }
        for nothing in [&b""[..], b"PROXX", b"\r\n\r\n\0\r\nQUIX", b"\x15\x03\x03", b"GETTY"] {
            assert_eq!(looks_like(nothing), None);
        }
    }
}
