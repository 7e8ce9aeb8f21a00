//! PEM text (RFC 7468) cut into sections, each with the line it begins on.
//!
//! What other programs accept is accepted: a byte order mark, indentation, lines of any width and
//! end, an END that the next BEGIN follows on the same line, text around the sections, and labels
//! of old programs.

use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::error::{LoadError, LoadFault};
use super::found::{Due, Found};
use super::source::PemSource;
use crate::wire::der::{DerKind, first_element};

mod base64;
mod strange;

use base64::{BEGIN, END, HYPHENS, bad_line, decode, lines};

/// One section.
pub(super) struct Section {
    pub(super) line: u32,
    pub(super) found: Found,
    /// Empty unless the section is of a kind that can be asked for. Wiped when it is dropped, since
    /// it may be a key.
    pub(super) der: Zeroizing<Vec<u8>>,
}

impl Section {
    fn is(&self, kind: DerKind) -> bool {
        self.found == Found::Pem(kind)
    }

    /// Whether it is a private key, even one that cannot be used.
    pub(super) fn is_key(&self) -> bool {
        self.is(DerKind::PrivateKey)
            || self.is(DerKind::EncryptedKey)
            || self.is(DerKind::DsaKey)
            || self.found == Found::OpensshKey
    }
}

/// All sections of one source, and what to call the source in an error.
pub(super) struct PemText {
    pub(super) place: String,
    pub(super) sections: Vec<Section>,
    /// Where there is no section: what the whole text is, and the line that shows it.
    strange: Option<(Found, Option<u32>)>,
}

/// What editors of Windows put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl PemText {
    pub(super) fn load(source: &PemSource) -> Result<Self, LoadError> {
        match source {
            PemSource::Bytes(text) => Self::parse("PEM text in memory".to_owned(), text),
            PemSource::File(path) => {
                let place = path.display().to_string();
                match read(path) {
                    Ok(text) => Self::parse(place, &text),
                    Err(fault) => Err(LoadError::within(&place, fault)),
                }
            }
        }
    }

    fn parse(place: String, text: &[u8]) -> Result<Self, LoadError> {
        if text.is_empty() {
            return Err(LoadError::within(&place, LoadFault::Empty));
        }
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let sections = match sections(text) {
            Ok(sections) => sections,
            Err((line, fault)) => return Err(LoadError::at(&place, line, fault)),
        };
        let strange = sections.is_empty().then(|| strange::look_at(text));
        Ok(Self { place, sections, strange })
    }

    /// The sections of this kind, in order.
    pub(super) fn all(&self, kind: DerKind) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(move |section| section.is(kind))
    }

    /// The error of a source that holds nothing of what is `due`; `beside` is a kind that may
    /// accompany it and is no mistake.
    pub(super) fn lacks(&self, due: Due, beside: Option<DerKind>) -> LoadError {
        if let Some((found, line)) = &self.strange {
            let fault = LoadFault::Instead { due, found: found.clone() };
            return LoadError { place: self.place.clone(), line: *line, fault };
        }
        let strangers =
            || self.sections.iter().filter(|section| beside.is_none_or(|kind| !section.is(kind)));
        // Parameters often accompany a key and are hardly what was given in its place.
        let telling = strangers().find(|section| !section.is(DerKind::Parameters));
        match telling.or_else(|| strangers().next()) {
            Some(section) => {
                self.error(section, LoadFault::Instead { due, found: section.found.clone() })
            }
            None => LoadError::within(
                &self.place,
                match due {
                    Due::Certificate => LoadFault::NoCertificate,
                    Due::Key => LoadFault::NoKey,
                    Due::Crl => LoadFault::NoCrl,
                },
            ),
        }
    }

    pub(super) fn error(&self, section: &Section, fault: LoadFault) -> LoadError {
        LoadError::at(&self.place, section.line, fault)
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, LoadFault> {
    /// Revocation lists of 130 MB exist; anything larger is something else, or endless.
    const LONGEST: u64 = 256 * 1024 * 1024;
    let unreadable = |error: std::io::Error| LoadFault::Unreadable(error.to_string());
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // Room for all of it at once: growing would leave a copy of a key in freed memory.
    let len = file.metadata().map_err(unreadable)?.len().min(LONGEST);
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(len).unwrap_or(0) + 1));
    file.take(LONGEST + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LONGEST { Err(LoadFault::TooLarge) } else { Ok(text) }
}

/// A fault and the line it is in.
type PemFault = (u32, LoadFault);

fn sections(text: &[u8]) -> Result<Vec<Section>, PemFault> {
    let mut sections = Vec::new();
    // Lines are counted onwards from the last BEGIN.
    let (mut at, mut counted, mut line) = (0, 0, 1);
    while let Some(begin) = next_begin(text, at) {
        line += lines(&text[counted..begin]);
        counted = begin;
        let label_start = begin + BEGIN.len();
        let label = label(&text[label_start..]).ok_or((line, LoadFault::Marker))?;
        let start = label_start + label.len() + HYPHENS.len();
        let end = find(END, text, start).ok_or((line, LoadFault::Unended))?;
        if find(BEGIN, text, start).is_some_and(|next| next < end) {
            return Err((line, LoadFault::Unended));
        }
        let end_line = line + lines(&text[begin..end]);
        let closing = self::label(&text[end + END.len()..]).ok_or((end_line, LoadFault::Marker))?;
        if closing != label {
            return Err((end_line, LoadFault::OtherEnd));
        }
        sections.push(section(line, label, &text[start..end])?);
        at = end + END.len() + closing.len() + HYPHENS.len();
    }
    Ok(sections)
}

/// Where the next section begins: on its own line, indented or not, or directly behind the last
/// END, which is at `from`.
fn next_begin(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let begin = find(BEGIN, text, at)?;
        let before = &text[from..begin];
        let blank = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match before[..before.len() - blank].last() {
            None | Some(b'\n' | b'\r') => return Some(begin),
            Some(_) => at = begin + BEGIN.len(),
        }
    }
}

/// What stands between BEGIN or END and the hyphens behind it, on one line.
fn label(rest: &[u8]) -> Option<&[u8]> {
    let end = find(HYPHENS, rest, 0)?;
    let label = &rest[..end];
    label.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ').then_some(label)
}

fn find(what: &[u8], text: &[u8], from: usize) -> Option<usize> {
    let found = text.get(from..)?.windows(what.len()).position(|part| part == what)?;
    Some(from + found)
}

/// One section, with what stands between its BEGIN and END.
fn section(line: u32, label: &[u8], inside: &[u8]) -> Result<Section, PemFault> {
    let (headers, body) = split_headers(inside);
    let unread = |found| Ok(Section { line, found, der: Vec::new().into() });
    let expected = match label {
        b"CERTIFICATE" | b"X509 CERTIFICATE" | b"TRUSTED CERTIFICATE" => DerKind::Certificate,
        b"X509 CRL" => DerKind::RevocationList,
        // The header of PEM as it was before PKCS #8 (RFC 1421 section 4.6.1.1).
        _ if find(b"ENCRYPTED", headers, 0).is_some() => {
            return unread(Found::Pem(DerKind::EncryptedKey));
        }
        b"PRIVATE KEY" | b"RSA PRIVATE KEY" | b"EC PRIVATE KEY" => DerKind::PrivateKey,
        _ => return unread(unread_kind(label)),
    };
    let canonical: &[u8] =
        if expected == DerKind::PrivateKey { b"PRIVATE KEY" } else { b"CERTIFICATE" };
    let Some(mut der) = decode(canonical, body) else {
        if find(b"\\n", body, 0).is_some() {
            return Err((
                line,
                LoadFault::Instead { due: due(expected), found: Found::EscapedLines },
            ));
        }
        let before = lines(&inside[..inside.len() - body.len()]);
        return Err((line + before + bad_line(body), LoadFault::NotBase64));
    };
    // OpenSSL's trust settings follow the certificate.
    if label == b"TRUSTED CERTIFICATE"
        && let Some(len) = first_element(&der).map(<[u8]>::len)
    {
        der.truncate(len);
    }
    // The contents tell the kind more reliably than the label, where they are recognised.
    let found = Found::Pem(DerKind::of(&der).unwrap_or(expected));
    Ok(Section { line, found, der })
}

const fn due(kind: DerKind) -> Due {
    match kind {
        DerKind::PrivateKey => Due::Key,
        DerKind::RevocationList => Due::Crl,
        _ => Due::Certificate,
    }
}

/// The kind of a section whose contents are not used.
fn unread_kind(label: &[u8]) -> Found {
    match label {
        b"ENCRYPTED PRIVATE KEY" => Found::Pem(DerKind::EncryptedKey),
        b"DSA PRIVATE KEY" => Found::Pem(DerKind::DsaKey),
        b"CERTIFICATE REQUEST" | b"NEW CERTIFICATE REQUEST" => Found::Pem(DerKind::Request),
        b"PUBLIC KEY" | b"RSA PUBLIC KEY" => Found::Pem(DerKind::PublicKey),
        b"PKCS7" | b"CMS" | b"PKCS #7 SIGNED DATA" => Found::Pem(DerKind::Pkcs7),
        b"PKCS12" => Found::Pem(DerKind::Pkcs12),
        b"OPENSSH PRIVATE KEY" => Found::OpensshKey,
        _ if label.ends_with(b" PARAMETERS") => Found::Pem(DerKind::Parameters),
        _ if label.starts_with(b"PGP ") => Found::Pgp,
        _ => Found::Section(String::from_utf8_lossy(label).into_owned()),
    }
}

/// The header lines of RFC 1421, which have a colon and end with a blank line, and the rest.
fn split_headers(inside: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for line in inside.split_inclusive(|&byte| byte == b'\n') {
        let blank = line.trim_ascii().is_empty();
        let continued = at > 0 && line.starts_with(b" ");
        if !(blank || continued || line.contains(&b':')) {
            break;
        }
        at += line.len();
    }
    let head = &inside[..at];
    if head.contains(&b':') { inside.split_at(at) } else { (&[], inside) }
}
