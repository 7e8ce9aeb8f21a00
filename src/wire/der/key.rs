//! What kind of key a private key is, in words: for messages about a key that cannot be used.

use std::borrow::Cow;

use super::{
    DerReader, EC, INTEGER, KEYS, OCTET_STRING, OID, RSA, SEQUENCE, bits, lookup, push_dotted,
};

/// `[0]` Parameters of an ECPrivateKey.
const PARAMETERS: u8 = 0xa0;
/// 1.2.840.113549.1.1.10, id-RSASSA-PSS.
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];

/// Curves by the name under which openssl knows them.
const CURVES: &[(&[u8], &str)] = &[
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1], "prime192v1"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], "prime256v1"),
    (&[0x2b, 0x81, 4, 0, 0x0a], "secp256k1"),
    (&[0x2b, 0x81, 4, 0, 0x21], "secp224r1"),
    (&[0x2b, 0x81, 4, 0, 0x22], "secp384r1"),
    (&[0x2b, 0x81, 4, 0, 0x23], "secp521r1"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7], "brainpoolP256r1"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 8], "brainpoolP256t1"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 11], "brainpoolP384r1"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 12], "brainpoolP384t1"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 13], "brainpoolP512r1"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 14], "brainpoolP512t1"),
    (&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d], "SM2"),
];

/// Keys that are none of RSA or a curve by name, beside those that certificates are known to have.
const OTHERS: &[(&[u8], &str)] = &[
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1], "DSA"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 3, 1], "DH"),
    (&[0x2b, 0x65, 0x6e], "X25519"),
    (&[0x2b, 0x65, 0x6f], "X448"),
];

/// What kind of key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, with a modulus of so many bits.
    Rsa(usize),
    /// RSA for signatures of the kind PSS alone.
    RsaPss,
    /// On this curve: openssl's name, or the dotted number.
    Curve(Cow<'static, str>),
    /// On a curve that is written out in numbers instead of named.
    ExplicitCurve,
    /// Something else: its name, or its dotted number.
    Other(Cow<'static, str>),
}

impl KeyKind {
    /// What kind of private key `der` (PKCS #8, PKCS #1 or SEC 1) is; `None` when it does not tell.
    #[must_use]
    pub fn of(der: &[u8]) -> Option<Self> {
        let mut key = DerReader(DerReader(der).tagged(SEQUENCE)?);
        let _version = key.tagged(INTEGER)?;
        let (tag, contents) = key.any()?;
        match tag {
            INTEGER => Some(Self::Rsa(bits(contents)?)),
            OCTET_STRING => {
                let (tag, parameters) = key.any()?;
                if tag == PARAMETERS { Self::on_curve(DerReader(parameters)) } else { None }
            }
            SEQUENCE => {
                let mut algorithm = DerReader(contents);
                match algorithm.tagged(OID)? {
                    RSA => Self::of(key.tagged(OCTET_STRING)?),
                    RSA_PSS => Some(Self::RsaPss),
                    EC => Self::on_curve(algorithm),
                    other => {
                        let name = lookup(KEYS, other).or_else(|| lookup(OTHERS, other));
                        Some(Self::Other(name.map_or_else(|| dotted(other), Cow::Borrowed)))
                    }
                }
            }
            _ => None,
        }
    }

    fn on_curve(mut parameters: DerReader<'_>) -> Option<Self> {
        match parameters.any()? {
            (OID, curve) => {
                let name = lookup(CURVES, curve);
                Some(Self::Curve(name.map_or_else(|| dotted(curve), Cow::Borrowed)))
            }
            (SEQUENCE, _) => Some(Self::ExplicitCurve),
            _ => None,
        }
    }
}

fn dotted(oid: &[u8]) -> Cow<'static, str> {
    let mut text = String::new();
    push_dotted(&mut text, oid);
    text.into()
}
