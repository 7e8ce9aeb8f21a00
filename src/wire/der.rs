//! X.509 certificates (RFC 5280), read only as far as naming one takes: subject, issuer,
//! alternative names, algorithms and the end of its validity. Nothing is verified here.
//!
//! Names are a peer's bytes: they keep their length, and a NUL inside ends nothing.

use std::borrow::Cow;

mod key;
mod kind;
mod time;

pub use key::KeyKind;
pub use kind::{DerKind, first_element};

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const T61_STRING: u8 = 0x14;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// `[0] EXPLICIT` Version of a TBSCertificate.
const VERSION: u8 = 0xa0;
/// `[3] EXPLICIT` Extensions of a TBSCertificate.
const EXTENSIONS: u8 = 0xa3;
/// `[2] IMPLICIT` dNSName of a GeneralName.
const DNS_NAME: u8 = 0x82;
/// `[7] IMPLICIT` iPAddress of a GeneralName.
const IP_ADDRESS: u8 = 0x87;

/// 2.5.29.17, subjectAltName.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// 2.5.4.3, commonName.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 1.2.840.113549.1.1.1, rsaEncryption.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// 1.2.840.10045.2.1, id-ecPublicKey.
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
/// What OpenSSL calls an algorithm it does not know.
const UNKNOWN: &str = "UNDEF";

/// Signature algorithms by OpenSSL's short name, which is what senders of the PROXY v2 SSL block
/// built on OpenSSL put into `PP2_SUBTYPE_SSL_SIG_ALG`.
const SIGNATURES: &[(&[u8], &str)] = &[
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], "RSA-MD5"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], "RSA-SHA1"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], "RSASSA-PSS"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11], "RSA-SHA256"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12], "RSA-SHA384"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13], "RSA-SHA512"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 14], "RSA-SHA224"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], "ecdsa-with-SHA1"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1], "ecdsa-with-SHA224"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2], "ecdsa-with-SHA256"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3], "ecdsa-with-SHA384"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4], "ecdsa-with-SHA512"),
    (&[0x2b, 0x65, 0x70], "ED25519"),
    (&[0x2b, 0x65, 0x71], "ED448"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x11], "ML-DSA-44"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x12], "ML-DSA-65"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x13], "ML-DSA-87"),
];

/// Keys whose algorithm alone says their size.
const KEYS: &[(&[u8], &str)] = &[
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], "RSASSA-PSS"),
    (&[0x2b, 0x65, 0x70], "ED25519"),
    (&[0x2b, 0x65, 0x71], "ED448"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x11], "ML-DSA-44"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x12], "ML-DSA-65"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x13], "ML-DSA-87"),
];

/// Elliptic curves: `EC` and the bits of the field.
const CURVES: &[(&[u8], &str)] = &[
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], "EC256"),
    (&[0x2b, 0x81, 4, 0, 0x0a], "EC256"),
    (&[0x2b, 0x81, 4, 0, 0x21], "EC224"),
    (&[0x2b, 0x81, 4, 0, 0x22], "EC384"),
    (&[0x2b, 0x81, 4, 0, 0x23], "EC521"),
];

/// Attribute types by OpenSSL's short name; any other is written as its dotted number.
const ATTRIBUTES: &[(&[u8], &str)] = &[
    (COMMON_NAME, "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 17], "postalCode"),
    (&[0x55, 4, 42], "GN"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], "UID"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
];

/// The bytes are no certificate, or its names cannot be read to their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDer;

impl std::fmt::Display for NotDer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a well-formed X.509 certificate")
    }
}

impl std::error::Error for NotDer {}

/// A certificate in DER, taken apart. It borrows the bytes it was read from.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    version: u8,
    serial: &'a [u8],
    issuer: &'a [u8],
    validity: &'a [u8],
    subject: &'a [u8],
    key: &'a [u8],
    signature: &'a [u8],
    alt_names: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Takes `der` apart.
    ///
    /// # Errors
    /// [`NotDer`], also when bytes follow the certificate. What was parsed can be walked to its
    /// end: no list of names stops short.
    pub fn parse(der: &'a [u8]) -> Result<Self, NotDer> {
        Self::read(der).ok_or(NotDer)
    }

    fn read(der: &'a [u8]) -> Option<Self> {
        let mut outer = DerReader(der);
        let mut certificate = DerReader(outer.tagged(SEQUENCE)?);
        outer.end()?;
        let mut tbs = DerReader(certificate.tagged(SEQUENCE)?);
        let mut algorithm = DerReader(certificate.tagged(SEQUENCE)?);
        let signature = algorithm.tagged(OID)?;
        certificate.tagged(BIT_STRING)?;
        certificate.end()?;

        let version = match tbs.peek() {
            Some(VERSION) => match DerReader(tbs.tagged(VERSION)?).tagged(INTEGER)? {
                [number] => number.saturating_add(1),
                _ => return None,
            },
            // The default is the first (RFC 5280 section 4.1.2.1).
            _ => 1,
        };
        let serial = tbs.tagged(INTEGER)?;
        tbs.tagged(SEQUENCE)?;
        let issuer = tbs.tagged(SEQUENCE)?;
        let validity = tbs.tagged(SEQUENCE)?;
        let subject = tbs.tagged(SEQUENCE)?;
        let key = tbs.tagged(SEQUENCE)?;
        let mut alt_names: &[u8] = &[];
        while !tbs.0.is_empty() {
            if let (EXTENSIONS, extensions) = tbs.any()? {
                alt_names = subject_alt_name(extensions)?.unwrap_or_default();
            }
        }
        attributes(issuer).try_for_each(|attribute| attribute.map(drop))?;
        attributes(subject).try_for_each(|attribute| attribute.map(drop))?;
        let mut names = DerReader(alt_names);
        while !names.0.is_empty() {
            names.any()?;
        }
        Some(Self { version, serial, issuer, validity, subject, key, signature, alt_names })
    }

    /// The first common name of the subject, in UTF-8 where its string type says how to get there,
    /// else as it stands. It may hold any byte.
    #[must_use]
    pub fn common_name(&self) -> Option<Cow<'a, [u8]>> {
        attributes(self.subject)
            .flatten()
            .find(|attribute| attribute.kind == COMMON_NAME)
            .map(|attribute| attribute.utf8())
    }

    /// The subject as `/C=../O=../CN=..`, in the certificate's order, with OpenSSL's short names.
    /// Control characters, bytes that are no UTF-8, `/` and `\` within a value are written `\xHH`,
    /// so that no value can pose as a further attribute.
    #[must_use]
    pub fn subject(&self) -> String {
        distinguished_name(self.subject)
    }

    /// The attribute of the subject with this short name of OpenSSL's, or dotted number: the one at the
    /// `occurrence`, counted from 1, or from the end by negative numbers. As for
    /// [`Certificate::common_name`].
    #[must_use]
    pub fn subject_attribute(&self, name: &str, occurrence: i64) -> Option<Cow<'a, [u8]>> {
        named_attribute(self.subject, name, occurrence)
    }

    /// The same of the issuer.
    #[must_use]
    pub fn issuer_attribute(&self, name: &str, occurrence: i64) -> Option<Cow<'a, [u8]>> {
        named_attribute(self.issuer, name, occurrence)
    }

    /// The version: 3 for one with extensions.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// The serial number, as its bytes in DER: signed, the highest first.
    #[must_use]
    pub const fn serial(&self) -> &'a [u8] {
        self.serial
    }

    /// The issuer, written like [`Certificate::subject`].
    #[must_use]
    pub fn issuer(&self) -> String {
        distinguished_name(self.issuer)
    }

    /// The first second at which it is valid, since 1970, with the conventions of
    /// [`Certificate::not_after`].
    #[must_use]
    pub fn not_before(&self) -> Option<u64> {
        let (tag, contents) = DerReader(self.validity).any()?;
        time::unix_seconds(tag, contents)
    }

    /// The last second at which it is valid, since 1970 (RFC 5280 section 4.1.2.5); 0 for one before
    /// that. `None` when it is written in a way that is not allowed.
    #[must_use]
    pub fn not_after(&self) -> Option<u64> {
        let mut validity = DerReader(self.validity);
        validity.any()?;
        let (tag, contents) = validity.any()?;
        time::unix_seconds(tag, contents)
    }

    /// The first and the last second at which it is valid, as they are written, with two digits of the
    /// year: `YYMMDDhhmmssZ`.
    #[must_use]
    pub fn validity(&self) -> Option<[&'a [u8]; 2]> {
        let mut validity = DerReader(self.validity);
        let [first, last] = [validity.any()?, validity.any()?];
        Some([time::without_century(first)?, time::without_century(last)?])
    }

    /// The DNS names of the subject alternative name, as they stand.
    pub fn dns_names(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        general_names(self.alt_names, DNS_NAME)
    }

    /// The addresses of the subject alternative name: 4 bytes for IPv4, 16 for IPv6, in network
    /// order. Entries of other lengths are not left out.
    pub fn ip_addresses(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        general_names(self.alt_names, IP_ADDRESS)
    }

    /// The algorithm this certificate is signed with, by OpenSSL's short name (`RSA-SHA256`,
    /// `ecdsa-with-SHA256`, `ED25519`); `UNDEF` when unknown.
    #[must_use]
    pub fn signature_algorithm(&self) -> &'static str {
        lookup(SIGNATURES, self.signature).unwrap_or(UNKNOWN)
    }

    /// The algorithm and size of the public key, as OpenSSL-based senders of the PROXY v2 SSL
    /// block write it (`RSA2048`, `EC256`, `ED25519`); `UNDEF` when unknown.
    #[must_use]
    pub fn key_algorithm(&self) -> Cow<'static, str> {
        self.key_name().unwrap_or(Cow::Borrowed(UNKNOWN))
    }

    /// The algorithm of the public key alone, by OpenSSL's name (`rsaEncryption`, `id-ecPublicKey`,
    /// `ED25519`); `UNDEF` when unknown.
    #[must_use]
    pub fn public_key_algorithm(&self) -> &'static str {
        let mut info = DerReader(self.key);
        let algorithm = info.tagged(SEQUENCE).and_then(|content| DerReader(content).tagged(OID));
        match algorithm {
            Some(RSA) => "rsaEncryption",
            Some(EC) => "id-ecPublicKey",
            other => other.and_then(|other| lookup(KEYS, other)).unwrap_or(UNKNOWN),
        }
    }

    fn key_name(&self) -> Option<Cow<'static, str>> {
        let mut info = DerReader(self.key);
        let mut algorithm = DerReader(info.tagged(SEQUENCE)?);
        match algorithm.tagged(OID)? {
            RSA => Some(format!("RSA{}", modulus_bits(info.tagged(BIT_STRING)?)?).into()),
            EC => lookup(CURVES, algorithm.tagged(OID)?).map(Cow::Borrowed),
            other => lookup(KEYS, other).map(Cow::Borrowed),
        }
    }
}

/// One attribute of a name: its type, its string type and the string.
struct Attribute<'a> {
    kind: &'a [u8],
    tag: u8,
    value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// OpenSSL's short name of its type, or its dotted number.
    fn name(&self) -> Cow<'static, str> {
        lookup(ATTRIBUTES, self.kind).map_or_else(
            || {
                let mut text = String::new();
                push_dotted(&mut text, self.kind);
                Cow::Owned(text)
            },
            Cow::Borrowed,
        )
    }

    fn utf8(&self) -> Cow<'a, [u8]> {
        let text: String = match self.tag {
            BMP_STRING => char::decode_utf16(
                self.value
                    .chunks(2)
                    .map(|unit| u16::from_be_bytes([unit[0], *unit.get(1).unwrap_or(&0)])),
            )
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
            UNIVERSAL_STRING => self
                .value
                .chunks(4)
                .map(|unit| unit.iter().fold(0, |code, &byte| code << 8 | u32::from(byte)))
                .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
            // What senders put into a T61String is Latin-1.
            T61_STRING => self.value.iter().map(|&byte| char::from(byte)).collect(),
            _ => return Cow::Borrowed(self.value),
        };
        Cow::Owned(text.into_bytes())
    }
}

/// The attributes of a Name's contents; a `None` ends them where the rest cannot be read.
fn attributes(name: &[u8]) -> impl Iterator<Item = Option<Attribute<'_>>> {
    let mut sets = DerReader(name);
    let mut set = DerReader(&[]);
    std::iter::from_fn(move || {
        while set.0.is_empty() {
            if sets.0.is_empty() {
                return None;
            }
            let Some(contents) = sets.tagged(SET) else {
                sets = DerReader(&[]);
                return Some(None);
            };
            set = DerReader(contents);
        }
        let attribute = attribute(&mut set);
        if attribute.is_none() {
            (sets, set) = (DerReader(&[]), DerReader(&[]));
        }
        Some(attribute)
    })
}

fn attribute<'a>(set: &mut DerReader<'a>) -> Option<Attribute<'a>> {
    let mut attribute = DerReader(set.tagged(SEQUENCE)?);
    let kind = attribute.tagged(OID)?;
    let (tag, value) = attribute.any()?;
    attribute.end()?;
    Some(Attribute { kind, tag, value })
}

/// The attribute of a name that is called so; see [`Certificate::subject_attribute`].
fn named_attribute<'a>(name: &'a [u8], called: &str, occurrence: i64) -> Option<Cow<'a, [u8]>> {
    let is_called = |attribute: &Attribute<'_>| attribute.name().eq_ignore_ascii_case(called);
    let count = || attributes(name).flatten().filter(is_called).count();
    let index = match usize::try_from(occurrence) {
        Ok(place) => place.saturating_sub(1),
        Err(_) => count().checked_sub(usize::try_from(occurrence.unsigned_abs()).ok()?)?,
    };
    attributes(name).flatten().filter(is_called).nth(index).map(|attribute| attribute.utf8())
}

fn distinguished_name(name: &[u8]) -> String {
    let mut text = String::new();
    for attribute in attributes(name).flatten() {
        text.push('/');
        text.push_str(&attribute.name());
        text.push('=');
        for chunk in attribute.utf8().utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() || c == '/' || c == '\\' {
                    let mut bytes = [0; 4];
                    push_escaped(&mut text, c.encode_utf8(&mut bytes).as_bytes());
                } else {
                    text.push(c);
                }
            }
            push_escaped(&mut text, chunk.invalid());
        }
    }
    text
}

fn push_escaped(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str(&format!("\\x{byte:02X}"));
    }
}

/// An object identifier in dotted numbers (X.690 section 8.19).
fn push_dotted(text: &mut String, oid: &[u8]) {
    let mut arc: u64 = 0;
    let mut first = true;
    for &byte in oid {
        let Some(shifted) = arc.checked_mul(128) else {
            text.push_str(UNKNOWN);
            return;
        };
        arc = shifted | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if first {
            let top = (arc / 40).min(2);
            text.push_str(&format!("{top}.{}", arc - top * 40));
            first = false;
        } else {
            text.push_str(&format!(".{arc}"));
        }
        arc = 0;
    }
}

fn subject_alt_name(extensions: &[u8]) -> Option<Option<&[u8]>> {
    let mut outer = DerReader(extensions);
    let mut extensions = DerReader(outer.tagged(SEQUENCE)?);
    outer.end()?;
    while !extensions.0.is_empty() {
        let mut extension = DerReader(extensions.tagged(SEQUENCE)?);
        if extension.tagged(OID)? != SUBJECT_ALT_NAME {
            continue;
        }
        if extension.peek() == Some(BOOLEAN) {
            extension.any()?;
        }
        let mut value = DerReader(extension.tagged(OCTET_STRING)?);
        let names = value.tagged(SEQUENCE)?;
        value.end()?;
        return Some(Some(names));
    }
    Some(None)
}

fn general_names(names: &[u8], wanted: u8) -> impl Iterator<Item = &[u8]> {
    let mut names = DerReader(names);
    std::iter::from_fn(move || {
        loop {
            let (tag, contents) = names.any()?;
            if tag == wanted {
                return Some(contents);
            }
        }
    })
}

/// The bits of the modulus of an RSAPublicKey (RFC 8017 appendix A.1.1) inside a bit string.
fn modulus_bits(bit_string: &[u8]) -> Option<usize> {
    let (_unused_bits, key) = bit_string.split_first()?;
    let mut key = DerReader(DerReader(key).tagged(SEQUENCE)?);
    bits(key.tagged(INTEGER)?)
}

/// The bits of a positive number.
fn bits(integer: &[u8]) -> Option<usize> {
    let start = integer.iter().position(|&byte| byte != 0)?;
    let top = integer.get(start)?;
    Some((integer.len() - start) * 8 - top.leading_zeros() as usize)
}

fn lookup(table: &[(&[u8], &'static str)], oid: &[u8]) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name)
}

/// A cursor over DER: definite, minimal lengths and low tag numbers only (X.690 section 10.1).
#[derive(Clone, Copy)]
struct DerReader<'a>(&'a [u8]);

impl<'a> DerReader<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element: its tag and its contents.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        /// The tag bits that say that the number follows in further bytes.
        const HIGH_TAG: u8 = 0x1f;
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        if tag & HIGH_TAG == HIGH_TAG {
            return None;
        }
        let mut len = usize::from(first);
        if first >= 0x80 {
            let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if !(1..=4).contains(&digits.len()) || digits[0] == 0 {
                return None;
            }
            len = digits.iter().fold(0, |len, &digit| len << 8 | usize::from(digit));
            if len < 0x80 {
                return None;
            }
            rest = after;
        }
        let (contents, after) = rest.split_at_checked(len)?;
        self.0 = after;
        Some((tag, contents))
    }

    fn tagged(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.any().filter(|(tag, _)| *tag == wanted).map(|(_, contents)| contents)
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests;
