//! The ClientHello at the front of a TLS connection (RFC 8446 section 4.1.2, RFC 5246 section
//! 7.4.1.2), read only to see what the client asks for. Nothing is answered and nothing is verified.
//!
//! The verdict is the same whether the bytes come at once or one by one, and however the message is
//! spread over records (RFC 8446 section 5.1). Names are a peer's bytes: they keep their length and
//! their case, and a NUL inside ends nothing.

use std::borrow::Cow;
use std::ops::Range;

#[cfg(test)]
mod tests;

/// ContentType `handshake`.
const HANDSHAKE: u8 = 22;
/// The high byte of every version from SSL 3.0 on.
const MAJOR: u8 = 3;
/// The type, version and length in front of a record.
const RECORD_HEAD: usize = 5;
/// The longest plaintext of a record (RFC 8446 section 5.1).
const RECORD_MAX: usize = 1 << 14;
/// The type and length in front of a handshake message.
const MESSAGE_HEAD: usize = 4;
/// The longest ClientHello that is read: rustls takes no longer one either.
const HELLO_MAX: usize = 0xffff;
const RANDOM: usize = 32;
const SESSION_ID_MAX: usize = 32;
/// NameType `host_name` (RFC 6066 section 3).
const HOST_NAME: u8 = 0;
/// ExtensionType `server_name`.
const SERVER_NAME: u16 = 0;
/// ExtensionType `application_layer_protocol_negotiation` (RFC 7301).
const ALPN: u16 = 16;

/// Types of extensions.
pub mod extension {
    /// `supported_groups` (RFC 8446 section 4.2.7).
    pub const SUPPORTED_GROUPS: u16 = 10;
    /// `signature_algorithms` (RFC 8446 section 4.2.3).
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    /// `session_ticket` (RFC 5077 section 3.2).
    pub const SESSION_TICKET: u16 = 35;
    /// `key_share` (RFC 8446 section 4.2.8).
    pub const KEY_SHARE: u16 = 51;
}

/// What the bytes at the front of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// No ClientHello, and no further byte can make it one.
    NotTls,
    /// The beginning of a ClientHello.
    Partial,
    /// A whole ClientHello.
    Hello(ClientHello<'a>),
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// The message without its head: borrowed when it lies in one record.
    message: Cow<'a, [u8]>,
    version: u16,
    session_id: Range<usize>,
    suites: Range<usize>,
    /// All extensions, or nothing.
    extensions: Range<usize>,
    server_name: Option<Range<usize>>,
    alpn: Option<Range<usize>>,
}

impl ClientHello<'_> {
    /// Its HandshakeType.
    pub const TYPE: u8 = 1;

    /// The version of every hello from TLS 1.2 on.
    pub const TLS_1_2: u16 = 0x0303;

    /// Its `legacy_version`: `0x0303` from TLS 1.2 on.
    #[must_use]
    pub const fn version(&self) -> u16 {
        self.version
    }

    /// The host name it asks for (RFC 6066 section 3), as it stands.
    #[must_use]
    pub fn server_name(&self) -> Option<&[u8]> {
        self.message.get(self.server_name.clone()?)
    }

    /// The session that it wants to resume, as TLS before 1.3 names it; empty without one.
    #[must_use]
    pub fn session_id(&self) -> &[u8] {
        self.message.get(self.session_id.clone()).unwrap_or_default()
    }

    /// The cipher suites it offers, two bytes each in network order, in the client's order.
    #[must_use]
    pub fn suites(&self) -> &[u8] {
        self.message.get(self.suites.clone()).unwrap_or_default()
    }

    /// The types of its extensions, in the client's order.
    pub fn extensions(&self) -> impl Iterator<Item = u16> {
        let mut all = self.all_extensions();
        std::iter::from_fn(move || {
            let kind = all.u16()?;
            all.vector16()?;
            Some(kind)
        })
    }

    /// The content of the first extension of a type.
    #[must_use]
    pub fn extension(&self, kind: u16) -> Option<&[u8]> {
        let mut all = self.all_extensions();
        loop {
            let found = all.u16()?;
            let content = all.vector16()?;
            if found == kind {
                return all.bytes.get(content);
            }
        }
    }

    fn all_extensions(&self) -> Reader<'_> {
        Reader {
            bytes: self.message.get(..self.extensions.end).unwrap_or_default(),
            at: self.extensions.start,
        }
    }

    /// The application protocols it offers (RFC 7301), in the client's order.
    pub fn alpn(&self) -> impl Iterator<Item = &[u8]> {
        let list = self.alpn.clone().and_then(|range| self.message.get(range));
        let mut names = Reader { bytes: list.unwrap_or_default(), at: 0 };
        std::iter::from_fn(move || names.bytes.get(names.vector8()?))
    }
}

/// Reads the ClientHello at the front of `bytes`; what follows it may be there already.
///
/// Costs linear time, and allocates only for a whole message that is spread over several records.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    match message(bytes) {
        Ok(message) => ClientHello::read(message).map_or(Parsed::NotTls, Parsed::Hello),
        Err(Short::NotTls) => Parsed::NotTls,
        Err(Short::Partial) => Parsed::Partial,
    }
}

/// Why there is no whole message.
enum Short {
    NotTls,
    Partial,
}

/// The body of the first handshake message, if that is a ClientHello.
fn message(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Short> {
    let mut head = [0; MESSAGE_HEAD];
    let mut have = 0;
    for fragment in Fragments(bytes) {
        let fragment = fragment?;
        for (place, byte) in head.iter_mut().skip(have).zip(fragment) {
            *place = *byte;
        }
        have += fragment.len();
        let Some(end) = message_end(&head[..have.min(MESSAGE_HEAD)])? else { continue };
        if have < end {
            continue;
        }
        return Ok(match fragment.get(MESSAGE_HEAD..end) {
            Some(message) if have == fragment.len() => Cow::Borrowed(message),
            _ => Cow::Owned(
                Fragments(bytes)
                    .filter_map(Result::ok)
                    .flatten()
                    .take(end)
                    .skip(MESSAGE_HEAD)
                    .copied()
                    .collect(),
            ),
        });
    }
    Err(Short::Partial)
}

/// Where the message with this head ends, counted from its head; none while the head is not whole.
fn message_end(head: &[u8]) -> Result<Option<usize>, Short> {
    match *head {
        [] => Ok(None),
        [kind, ..] if kind != ClientHello::TYPE => Err(Short::NotTls),
        [_, high, ..] if high != 0 => Err(Short::NotTls),
        [_, high, middle, low] => {
            let length = u32::from_be_bytes([0, high, middle, low]) as usize;
            if length > HELLO_MAX { Err(Short::NotTls) } else { Ok(Some(MESSAGE_HEAD + length)) }
        }
        _ => Ok(None),
    }
}

/// The payloads of the handshake records at the front; the last may be cut short.
struct Fragments<'a>(&'a [u8]);

impl<'a> Iterator for Fragments<'a> {
    type Item = Result<&'a [u8], Short>;

    fn next(&mut self) -> Option<Self::Item> {
        let head = &self.0[..self.0.len().min(RECORD_HEAD)];
        let fits = [Some(HANDSHAKE), Some(MAJOR), None]
            .iter()
            .zip(head)
            .all(|(wanted, byte)| wanted.is_none_or(|wanted| wanted == *byte));
        if !fits {
            return Some(Err(Short::NotTls));
        }
        let &[_, _, _, high, low] = head else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length == 0 || length > RECORD_MAX {
            return Some(Err(Short::NotTls));
        }
        let rest = &self.0[RECORD_HEAD..];
        let (fragment, rest) = rest.split_at(length.min(rest.len()));
        self.0 = rest;
        if fragment.is_empty() { None } else { Some(Ok(fragment)) }
    }
}

impl<'a> ClientHello<'a> {
    /// Takes the body of a ClientHello apart; none when it is malformed.
    fn read(message: Cow<'a, [u8]>) -> Option<Self> {
        let mut reader = Reader { bytes: &message, at: 0 };
        let version = reader.u16()?;
        reader.skip(RANDOM)?;
        let session_id = reader.vector8()?;
        let suites = reader.vector16()?;
        let compressions = reader.vector8()?;
        let sizes_fit = session_id.len() <= SESSION_ID_MAX
            && suites.len() >= 2
            && suites.len().is_multiple_of(2)
            && !compressions.is_empty();
        if !sizes_fit {
            return None;
        }
        let (mut server_name, mut alpn) = (None, None);
        let mut all_extensions = 0..0;
        // A hello before TLS 1.2 may end here.
        if !reader.is_at_end() {
            let extensions = reader.vector16()?;
            all_extensions = extensions.clone();
            let mut extension = reader.within(extensions);
            while !extension.is_at_end() {
                let kind = extension.u16()?;
                let content = extension.vector16()?;
                let content = extension.within(content);
                let seen = match kind {
                    SERVER_NAME => server_name.replace(host_name(content)?).is_some(),
                    ALPN => alpn.replace(protocols(content)?).is_some(),
                    _ => false,
                };
                if seen {
                    return None;
                }
            }
        }
        let ends = reader.is_at_end();
        let server_name = server_name.flatten();
        let extensions = all_extensions;
        ends.then_some(Self { message, version, session_id, suites, extensions, server_name, alpn })
    }
}

/// The host name of a ServerNameList, of which there may be one (RFC 6066 section 3). The inner
/// value is none when the list begins with a name of another type: the format of such a name is not
/// known, and so neither is what follows it.
fn host_name(mut content: Reader<'_>) -> Option<Option<Range<usize>>> {
    let names = content.vector16()?;
    let mut names = content.within(names);
    if !content.is_at_end() {
        return None;
    }
    if names.u8()? != HOST_NAME {
        return Some(None);
    }
    let name = names.vector16()?;
    let is_alone = names.is_at_end() || names.u8()? != HOST_NAME;
    (is_alone && !name.is_empty()).then_some(Some(name))
}

/// A ProtocolNameList, every name of which is whole and not empty.
fn protocols(mut content: Reader<'_>) -> Option<Range<usize>> {
    let list = content.vector16()?;
    let mut names = content.within(list.clone());
    if !content.is_at_end() || names.is_at_end() {
        return None;
    }
    while !names.is_at_end() {
        if names.vector8()?.is_empty() {
            return None;
        }
    }
    Some(list)
}

/// Reads numbers and vectors with a length in front; a vector is given as its range in the message.
#[derive(Clone)]
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader of the part at `range`, which lies in this one's bytes.
    fn within(&self, range: Range<usize>) -> Self {
        Self { bytes: &self.bytes[..range.end], at: range.start }
    }

    const fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn skip(&mut self, length: usize) -> Option<Range<usize>> {
        let range = self.at..self.at.checked_add(length)?;
        self.bytes.get(range.clone())?;
        self.at = range.end;
        Some(range)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let range = self.skip(length)?;
        self.bytes.get(range)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn vector8(&mut self) -> Option<Range<usize>> {
        let length = self.u8()?;
        self.skip(length.into())
    }

    fn vector16(&mut self) -> Option<Range<usize>> {
        let length = self.u16()?;
        self.skip(length.into())
    }
}
