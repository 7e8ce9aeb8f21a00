//! The text of a section: base64 in lines, between its markers.

use rustls::pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

pub(super) const BEGIN: &[u8] = b"-----BEGIN ";
pub(super) const END: &[u8] = b"-----END ";
pub(super) const HYPHENS: &[u8] = b"-----";

/// The number of line ends, of whichever system.
pub(super) fn lines(text: &[u8]) -> u32 {
    let ends = text
        .iter()
        .zip(text.iter().skip(1).chain([&0]))
        .filter(|(byte, next)| **byte == b'\n' || (**byte == b'\r' && **next != b'\n'));
    u32::try_from(ends.count()).unwrap_or(u32::MAX)
}

/// The bytes behind base64 in lines of any width. Where the label is that of a private
/// key, the time that rustls's decoder takes depends only on the length.
pub(super) fn decode(label: &[u8], base64: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    /// The line ends that the markers add.
    const BREAKS: usize = 3;
    let frame = BEGIN.len() + END.len() + 2 * (label.len() + HYPHENS.len()) + BREAKS;
    let mut text = Zeroizing::new(Vec::with_capacity(base64.len() + frame));
    for part in [BEGIN, label, HYPHENS, b"\n"] {
        text.extend_from_slice(part);
    }
    text.extend(base64.iter().filter(|byte| !byte.is_ascii_whitespace()));
    for part in [b"\n", END, label, HYPHENS, b"\n"] {
        text.extend_from_slice(part);
    }
    <(SectionKind, Vec<u8>)>::from_pem_slice(&text).ok().map(|(_, der)| der.into())
}

/// How many lines below the beginning of the section the first line is that is not base64; 0 when
/// all lines are.
pub(super) fn bad_line(body: &[u8]) -> u32 {
    let is_digit = |byte: &u8| {
        byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=".contains(byte)
    };
    let bad = body.iter().position(|byte| !is_digit(byte));
    bad.map_or(0, |at| lines(&body[..at]))
}
