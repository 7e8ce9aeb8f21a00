//! What bytes look like that lack the section that was expected.

use super::super::found::Found;
use super::base64::decode;
use crate::wire::der::DerKind;

/// Beginnings of files, and what they are.
const BEGINNINGS: &[(&[u8], Found)] = &[
    (b"\xfe\xff", Found::Utf16),
    (b"\xff\xfe", Found::Utf16),
    (b"\0\0\xfe\xff", Found::Utf16),
    (b"\xfe\xed\xfe\xed", Found::Keystore),
    (b"\xce\xce\xce\xce", Found::Keystore),
    (b"\x1f\x8b", Found::Compressed),
    (b"PK\x03\x04", Found::Compressed),
    (b"BZh", Found::Compressed),
    (b"\xfd7zXZ", Found::Compressed),
    (b"ssh-", Found::SshKey),
    (b"ecdsa-sha2-", Found::SshKey),
    (b"---- BEGIN SSH2 PUBLIC KEY", Found::SshKey),
    (b"PuTTY-User-Key-File", Found::PuttyKey),
    (b"<", Found::Html),
    (b"{", Found::Json),
    (b"Certificate:", Found::Description),
];

/// What `bytes`, which hold no section, are, and the line, from 1, that shows it.
pub(super) fn look_at(bytes: &[u8]) -> (Found, Option<u32>) {
    if bytes.iter().all(|&byte| byte == 0) {
        return (Found::Zeros, None);
    }
    let text = bytes.trim_ascii_start();
    if text.is_empty() {
        return (Found::Blank, None);
    }
    if let Some((found, line)) = begin_line(bytes) {
        return (found, Some(line));
    }
    if let Some((_, found)) = BEGINNINGS.iter().find(|(start, _)| text.starts_with(start)) {
        return (found.clone(), None);
    }
    (unnamed(bytes), None)
}

/// What a line is that resembles a BEGIN line and is none.
fn begin_line(bytes: &[u8]) -> Option<(Found, u32)> {
    for (line, number) in bytes.split(|&byte| byte == b'\n').zip(1..) {
        let upper = line.to_ascii_uppercase();
        let has = |word: &[u8]| upper.windows(word.len()).any(|part| part == word);
        let begins = has(b"BEGIN CERTIFICATE") || has(b"BEGIN X509") || has(b"BEGIN TRUSTED");
        if begins || (has(b"BEGIN ") && has(b" KEY") && !has(b"SSH2")) {
            let escaped = line.windows(2).any(|pair| pair == b"\\n");
            return Some((if escaped { Found::EscapedLines } else { Found::Marker }, number));
        }
    }
    None
}

fn unnamed(bytes: &[u8]) -> Found {
    if let Some(kind) = DerKind::of(bytes) {
        return Found::Der(kind);
    }
    // Text in which every other byte is NUL, without the mark that UTF-16 may begin with.
    let zeros = bytes.iter().filter(|&&byte| byte == 0).count();
    if bytes.len() >= 8 && zeros * 5 >= bytes.len() * 2 && bytes.iter().all(u8::is_ascii) {
        return Found::Utf16;
    }
    if zeros > 0 || std::str::from_utf8(bytes).is_err() {
        return Found::Binary;
    }
    let kind = decode(b"CERTIFICATE", bytes).and_then(|der| DerKind::of(&der));
    kind.map_or(Found::Text, Found::Bare)
}
