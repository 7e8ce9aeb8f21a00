//! PEM text (RFC 7468) cut into sections, each with the line it begins on.

use std::fmt;
use std::path::PathBuf;

use rustls::pki_types::pem::{PemObject, SectionKind};

use super::error::{LoadError, LoadFault};

/// Where PEM text comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, read when the configuration is made and not again.
    File(PathBuf),
    /// The text itself.
    Bytes(Vec<u8>),
}

impl fmt::Debug for Source {
    /// Not the bytes: they may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Bytes(text) => write!(f, "Bytes({})", text.len()),
        }
    }
}

/// One section whose kind matters here.
pub(super) struct Section {
    pub(super) line: u32,
    pub(super) kind: SectionKind,
    pub(super) der: Vec<u8>,
}

/// All sections of one source, and what to call the source in an error.
pub(super) struct Text {
    pub(super) place: String,
    pub(super) sections: Vec<Section>,
}

impl Text {
    pub(super) fn load(source: &Source) -> Result<Self, LoadError> {
        match source {
            Source::Bytes(text) => Self::parse("PEM text in memory".to_owned(), text),
            Source::File(path) => {
                let place = path.display().to_string();
                match std::fs::read(path) {
                    Ok(text) => Self::parse(place, &text),
                    Err(error) => {
                        let fault = LoadFault::Unreadable(error.to_string());
                        Err(LoadError::within(&place, fault))
                    }
                }
            }
        }
    }

    fn parse(place: String, text: &[u8]) -> Result<Self, LoadError> {
        if text.is_empty() {
            return Err(LoadError::within(&place, LoadFault::Empty));
        }
        let mut sections = Vec::new();
        let mut begun: Option<(u32, usize)> = None;
        let mut offset = 0;
        for (line, number) in text.split_inclusive(|&byte| byte == b'\n').zip(1..) {
            let start = offset;
            offset += line.len();
            if line.starts_with(b"-----BEGIN ") {
                if let Some((line, _)) = begun {
                    return Err(LoadError::at(&place, line, LoadFault::Unended));
                }
                begun = Some((number, start));
            } else if line.starts_with(b"-----END ")
                && let Some((line, start)) = begun.take()
            {
                sections.extend(section(&place, line, &text[start..offset])?);
            }
        }
        match begun {
            Some((line, _)) => Err(LoadError::at(&place, line, LoadFault::Unended)),
            None => Ok(Self { place, sections }),
        }
    }

    /// The certificates, in order.
    pub(super) fn certificates(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.kind == SectionKind::Certificate)
    }

    pub(super) fn error(&self, section: &Section, fault: LoadFault) -> LoadError {
        LoadError::at(&self.place, section.line, fault)
    }
}

/// One section from its BEGIN to its END line; `None` for kinds that nobody asks for here
/// (EC PARAMETERS, DH PARAMETERS and the like).
fn section(place: &str, line: u32, text: &[u8]) -> Result<Option<Section>, LoadError> {
    use rustls::pki_types::pem::Error;
    /// Where the label and the header lines are; what follows is base64.
    const HEAD: usize = 128;
    if contains(&text[..text.len().min(HEAD)], b"ENCRYPTED") {
        // Both spellings: the label of PKCS #8 and the Proc-Type header before it.
        return Err(LoadError::at(place, line, LoadFault::EncryptedKey));
    }
    match <(SectionKind, Vec<u8>)>::from_pem_slice(text) {
        Ok((kind, der)) => Ok(Some(Section { line, kind, der })),
        Err(Error::NoItemsFound) => Ok(None),
        Err(Error::Base64Decode(_)) => {
            let bad = text.split(|&byte| byte == b'\n').skip(1).position(not_base64);
            let offset = bad.map_or(0, |index| index + 1);
            let line = line.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
            Err(LoadError::at(place, line, LoadFault::NotBase64))
        }
        Err(_) => Err(LoadError::at(place, line, LoadFault::Unended)),
    }
}

fn not_base64(line: &[u8]) -> bool {
    !line.starts_with(b"-----END ")
        && !line.trim_ascii_end().iter().all(|c| c.is_ascii_alphanumeric() || b"+/=".contains(c))
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}
