//! What is wrong with a certificate, its chain or a revocation list, as a clause about it.

use std::borrow::Cow;

use rustls::server::VerifierBuilderError;
use rustls::{CertRevocationListError, CertificateError, ExtendedKeyPurpose, OtherError};
use webpki::Error as Chain;

use crate::time::Date;

/// A sentence, or a part of one.
pub(super) type Sentence = Cow<'static, str>;

/// For errors that the tables do not know.
const GENERAL_CERTIFICATE: &str = "it does not verify";
const GENERAL_LIST: &str = "it does not verify";

/// What is wrong with a certificate, as a clause about it.
pub(in crate::tls) fn certificate(error: &CertificateError) -> Sentence {
    match error {
        CertificateError::BadEncoding => "it is not well-formed".into(),
        CertificateError::Expired => "it has expired, or its end is before its beginning".into(),
        CertificateError::ExpiredContext { time, not_after } => {
            let (now, end) = (Date(time.as_secs()), Date(not_after.as_secs()));
            format!("it expired on {end} (the clock here says {now})").into()
        }
        CertificateError::NotValidYet => "it is not valid yet".into(),
        CertificateError::NotValidYetContext { time, not_before } => {
            let (now, start) = (Date(time.as_secs()), Date(not_before.as_secs()));
            format!("it is not valid before {start} (the clock here says {now})").into()
        }
        CertificateError::Revoked => "it has been revoked".into(),
        CertificateError::UnhandledCriticalExtension => UNKNOWN_CRITICAL.into(),
        CertificateError::UnknownIssuer => "no authority that is trusted here issued it".into(),
        CertificateError::UnknownRevocationStatus => {
            "no revocation list here covers it, or one of the certificates above it".into()
        }
        CertificateError::ExpiredRevocationList => "its revocation list is out of date".into(),
        CertificateError::ExpiredRevocationListContext { time, next_update } => {
            let (now, due) = (Date(time.as_secs()), Date(next_update.as_secs()));
            format!(
                "its revocation list is out of date: the next one was due on {due} \
                 (the clock here says {now})"
            )
            .into()
        }
        CertificateError::BadSignature => {
            "a signature in it, or one made with its key, is wrong".into()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => UNKNOWN_SIGNATURE.into(),
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is signed in another way than the key of its issuer can sign".into()
        }
        CertificateError::NotValidForName => "it is for another name".into(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            another_name(&expected.to_str(), presented).into()
        }
        CertificateError::InvalidPurpose => "it may not be used for this side of TLS".into(),
        CertificateError::InvalidPurposeContext { required, presented } => {
            let presented: Vec<_> = presented.iter().map(purpose).collect();
            let listed = match presented.as_slice() {
                [] => "nothing".to_owned(),
                listed => listed.join(", "),
            };
            format!("its extended key usage lacks {}, it has {listed}", purpose(required)).into()
        }
        CertificateError::InvalidOcspResponse => "its OCSP response is not valid".into(),
        CertificateError::ApplicationVerificationFailure => "it was rejected".into(),
        CertificateError::Other(why) => other(why).unwrap_or(GENERAL_CERTIFICATE).into(),
        // Deprecated, so not named: a signature of a kind that is not known.
        _ => GENERAL_CERTIFICATE.into(),
    }
}

const UNKNOWN_CRITICAL: &str = "it has a critical extension that is not understood here";
const UNKNOWN_SIGNATURE: &str =
    "it is signed in a way that is not accepted here (SHA-1, MD5, DSA and the like)";

/// The names come from a peer's certificate: they are quoted, and their number is bounded.
fn another_name(expected: &str, presented: &[String]) -> String {
    /// How many names a message lists.
    const SHOWN: usize = 4;
    let mut text = format!("it is not for the name {expected:?} but for ");
    if presented.is_empty() {
        text.push_str("none: it has no subject alternative name");
    }
    for (name, at) in presented.iter().take(SHOWN).zip(0..) {
        let name = foreign_name(name);
        text.push_str(if at == 0 { "" } else { ", " });
        text.push_str(&format!("{name:?}"));
    }
    if let Some(more @ 1..) = presented.len().checked_sub(SHOWN) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// A name as webpki lists it, `DnsName("a.test")` or `IpAddress(::1)`, without what is around it.
fn foreign_name(listed: &str) -> &str {
    let inner = listed.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(listed).trim_matches('"')
}

fn purpose(purpose: &ExtendedKeyPurpose) -> String {
    match purpose {
        ExtendedKeyPurpose::ClientAuth => "clientAuth".to_owned(),
        ExtendedKeyPurpose::ServerAuth => "serverAuth".to_owned(),
        ExtendedKeyPurpose::Other(arcs) => {
            arcs.iter().map(usize::to_string).collect::<Vec<_>>().join(".")
        }
    }
}

/// What is wrong with a revocation list, as a clause about it.
pub(in crate::tls) fn list(error: &CertRevocationListError) -> &'static str {
    match error {
        CertRevocationListError::BadSignature => "its signature is wrong",
        CertRevocationListError::UnsupportedSignatureAlgorithmContext { .. } => UNKNOWN_SIGNATURE,
        CertRevocationListError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is signed in another way than the key of its issuer can sign"
        }
        CertRevocationListError::InvalidCrlNumber => "its number is malformed",
        CertRevocationListError::InvalidRevokedCertSerialNumber => {
            "the serial number of a certificate in it is malformed"
        }
        CertRevocationListError::IssuerInvalidForCrl => {
            "its issuer may not sign revocation lists (key usage without cRLSign)"
        }
        CertRevocationListError::ParseError => "it is not well-formed",
        CertRevocationListError::UnsupportedCrlVersion => {
            "it is of version 1, and has to be of version 2"
        }
        CertRevocationListError::UnsupportedCriticalExtension => UNKNOWN_CRITICAL,
        CertRevocationListError::UnsupportedDeltaCrl => {
            "it is a delta to another list; give the complete list"
        }
        CertRevocationListError::UnsupportedIndirectCrl => {
            "it is an indirect list, of certificates of another issuer than its own"
        }
        CertRevocationListError::UnsupportedRevocationReason => {
            "it has a reason for a revocation that RFC 5280 section 5.3.1 does not know"
        }
        CertRevocationListError::Other(why) => other(why).unwrap_or(GENERAL_LIST),
        _ => GENERAL_LIST,
    }
}

/// Why a verifier cannot be made, as a clause about its revocation lists.
pub(in crate::tls) fn verifier(error: &VerifierBuilderError) -> &'static str {
    match error {
        VerifierBuilderError::InvalidCrl(why) => list(why),
        VerifierBuilderError::NoRootAnchors => "there is no authority that could have signed it",
        _ => GENERAL_LIST,
    }
}

/// The clause for an error that rustls passes through from webpki; `None` for one of another
/// origin.
pub(super) fn other(error: &OtherError) -> Option<&'static str> {
    error.0.downcast_ref::<Chain>().and_then(chain)
}

/// What is wrong with a certificate, its chain or a list, as a clause about it. Errors for which
/// rustls has a variant of its own do not come here.
fn chain(error: &Chain) -> Option<&'static str> {
    Some(match error {
        Chain::CaUsedAsEndEntity => {
            "it is the certificate of an authority (CA:TRUE) and not one of a server or a client"
        }
        Chain::EndEntityUsedAsCa => {
            "it, or one above it, was issued by a certificate that is none of an authority (CA:FALSE)"
        }
        Chain::CertDistrusted => "its key is distrusted",
        Chain::EmptyEkuExtension => "its extended key usage lists nothing",
        Chain::ExtensionValueInvalid | Chain::MalformedExtensions => {
            "an extension of it is malformed"
        }
        Chain::InvalidCertValidity => "its end is before its beginning",
        Chain::InvalidCrlNumber => "the number of its revocation list is malformed",
        Chain::InvalidNetworkMaskConstraint => {
            "a network in the name constraints of its authority is malformed"
        }
        Chain::InvalidSerialNumber => "its serial number is malformed",
        Chain::InvalidCrlSignatureForPublicKey => "the signature of its revocation list is wrong",
        Chain::InvalidSignatureForPublicKey => "its signature is wrong",
        Chain::IssuerNotCrlSigner => {
            "its issuer may not sign revocation lists (key usage without cRLSign)"
        }
        Chain::MalformedDnsIdentifier => "a DNS name in it is malformed",
        Chain::MalformedNameConstraint => "a name constraint of its authority is malformed",
        Chain::MaximumNameConstraintComparisonsExceeded
        | Chain::MaximumPathBuildCallsExceeded
        | Chain::MaximumSignatureChecksExceeded => {
            "its chain is too complicated: too many ways lead to an authority"
        }
        Chain::MaximumPathDepthExceeded => "its chain is too long",
        Chain::NameConstraintViolation => "its authority may not issue for a name in it",
        Chain::PathLenConstraintViolated => {
            "there are more authorities in its chain than one of them allows (path length)"
        }
        Chain::SignatureAlgorithmMismatch => "it names two different ways in which it is signed",
        Chain::UnsupportedCertVersion => {
            "it is an X.509 certificate of version 1; issue it anew with extensions (version 3)"
        }
        Chain::UnsupportedCriticalExtension => UNKNOWN_CRITICAL,
        Chain::UnsupportedCrlIssuingDistributionPoint => {
            "its revocation list has a distribution point that is not supported"
        }
        Chain::UnsupportedCrlVersion => "its revocation list is of version 1, not 2",
        Chain::UnsupportedDeltaCrl => "its revocation list is a delta to another list",
        Chain::UnsupportedIndirectCrl => "its revocation list is an indirect one",
        Chain::UnsupportedNameType => "it has a name of a kind that is not supported",
        Chain::UnsupportedRevocationReason => {
            "its revocation list has a reason that RFC 5280 does not know"
        }
        Chain::UnsupportedRevocationReasonsPartitioning => {
            "its revocation list is for some reasons only; give the complete list"
        }
        _ => return None,
    })
}
