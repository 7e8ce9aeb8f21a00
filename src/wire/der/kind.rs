//! What a piece of DER is, told by its outermost structure: for messages about unexpected input.

use super::{BIT_STRING, Certificate, DerReader, INTEGER, OCTET_STRING, OID, SEQUENCE};

/// UTCTime and GeneralizedTime.
const TIMES: [u8; 2] = [0x17, 0x18];
/// `[0]` of a constructed element.
const CONTEXT_0: u8 = 0xa0;

/// What a piece of DER is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DerKind {
    /// An X.509 certificate (RFC 5280 section 4.1).
    Certificate,
    /// A certificate request (RFC 2986).
    Request,
    /// A revocation list (RFC 5280 section 5.1).
    RevocationList,
    /// A private key (RFC 5958, RFC 8017 appendix A.1.2 or RFC 5915).
    PrivateKey,
    /// A DSA private key in OpenSSL's own format.
    DsaKey,
    /// A private key under a passphrase (RFC 5958 section 3).
    EncryptedKey,
    /// A public key (RFC 5280 section 4.1 or RFC 8017 appendix A.1.1).
    PublicKey,
    /// Parameters of Diffie-Hellman or the name of a curve, without a key.
    Parameters,
    /// A bundle of PKCS #7 (RFC 5652).
    Pkcs7,
    /// A store of PKCS #12 (RFC 7292).
    Pkcs12,
}

impl DerKind {
    /// What `der` is; `None` when it is of no known kind. What follows its first element is not
    /// looked at.
    #[must_use]
    pub fn of(der: &[u8]) -> Option<Self> {
        let (tag, contents) = DerReader(der).any()?;
        if tag == OID {
            return Some(Self::Parameters);
        }
        if tag != SEQUENCE {
            return None;
        }
        let (tags, first, second) = children(contents)?;
        match tags.as_slice() {
            [SEQUENCE, SEQUENCE, BIT_STRING] => Self::of_signed(first),
            [SEQUENCE, BIT_STRING] => Some(Self::PublicKey),
            [SEQUENCE, OCTET_STRING] => Some(Self::EncryptedKey),
            [OID, CONTEXT_0] => Some(Self::Pkcs7),
            // The version of PKCS #12 is 3, that of a key 0 or 1.
            [INTEGER, SEQUENCE, ..] if first == [3] => Some(Self::Pkcs12),
            [INTEGER, SEQUENCE, OCTET_STRING, ..] | [INTEGER, OCTET_STRING, ..] => {
                Some(Self::PrivateKey)
            }
            [INTEGER, INTEGER, rest @ ..] if rest.iter().all(|tag| *tag == INTEGER) => {
                Self::of_numbers(2 + rest.len(), second)
            }
            // RSA of more than two primes.
            [INTEGER, INTEGER, .., SEQUENCE] => Some(Self::PrivateKey),
            _ => None,
        }
    }

    /// What was signed: the first of three elements whose others are the algorithm and the signature.
    fn of_signed(contents: &[u8]) -> Option<Self> {
        let (tags, ..) = children(contents)?;
        if tags.iter().any(|tag| TIMES.contains(tag)) {
            return Some(Self::RevocationList);
        }
        match tags.as_slice() {
            [INTEGER, SEQUENCE, SEQUENCE] | [INTEGER, SEQUENCE, SEQUENCE, CONTEXT_0] => {
                Some(Self::Request)
            }
            [CONTEXT_0, INTEGER, SEQUENCE, ..] | [INTEGER, SEQUENCE, SEQUENCE, ..] => {
                Some(Self::Certificate)
            }
            _ => None,
        }
    }

    fn of_numbers(count: usize, second: &[u8]) -> Option<Self> {
        match count {
            // The generator of Diffie-Hellman parameters fits in one byte; the exponent of an RSA
            // key in practice does not.
            2 if second.len() > 1 => Some(Self::PublicKey),
            2 | 3 => Some(Self::Parameters),
            6 => Some(Self::DsaKey),
            9 => Some(Self::PrivateKey),
            _ => None,
        }
    }
}

/// The first element alone, without what follows it: OpenSSL's trust settings behind a certificate.
#[must_use]
pub fn first_element(der: &[u8]) -> Option<&[u8]> {
    let mut rest = DerReader(der);
    rest.any()?;
    der.get(..der.len() - rest.0.len())
}

/// The tags of the elements in a row, and the contents of the first two.
fn children(contents: &[u8]) -> Option<(Vec<u8>, &[u8], &[u8])> {
    /// More elements than any known structure has.
    const MOST: usize = 12;
    let mut rest = DerReader(contents);
    let mut tags = Vec::new();
    let mut firsts: [&[u8]; 2] = [&[]; 2];
    while !rest.0.is_empty() && tags.len() < MOST {
        let (tag, contents) = rest.any()?;
        if let Some(place) = firsts.get_mut(tags.len()) {
            *place = contents;
        }
        tags.push(tag);
    }
    Some((tags, firsts[0], firsts[1]))
}

impl Certificate<'_> {
    /// Whether `info`, a SubjectPublicKeyInfo in DER, is that of this certificate.
    #[must_use]
    pub fn has_key(&self, info: &[u8]) -> bool {
        DerReader(info).tagged(SEQUENCE) == Some(self.key)
    }

    /// Whether `other` may have issued it: its subject is this one's issuer, byte for byte.
    #[must_use]
    pub fn is_issued_by(&self, other: &Certificate<'_>) -> bool {
        self.issuer == other.subject
    }
}
