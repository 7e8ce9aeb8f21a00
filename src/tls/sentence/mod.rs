//! rustls's and webpki's errors in words. Their own text is Rust's debug form in most places, so none
//! of it is passed on: what the tables below do not know (the enums may grow) gets a general sentence.

use rustls::{CertificateError, Error, InconsistentKeys};

use super::alert;

mod certificate;
mod peer;
#[cfg(test)]
mod tests;

pub(super) use certificate::{certificate, list, verifier};

use certificate::Sentence;

/// Why a connection ends, as a sentence about the peer.
pub(super) fn of(error: &Error) -> Sentence {
    match error {
        Error::AlertReceived(alert) => alert::received(u8::from(*alert)),
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the peer's certificate was issued by no authority that is trusted here".into()
        }
        Error::InvalidCertificate(why) => {
            format!("the peer's certificate is not accepted: {}", certificate(why)).into()
        }
        Error::InvalidCertRevocationList(why) => {
            format!("the revocation list for the peer's certificate is no use: {}", list(why))
                .into()
        }
        Error::InvalidMessage(why) => peer::message(*why),
        Error::PeerIncompatible(why) => peer::incompatible(why).into(),
        Error::PeerMisbehaved(why) => {
            format!("the peer broke the TLS protocol: {}", peer::misbehaved(why)).into()
        }
        Error::InappropriateMessage { .. } => {
            "the peer broke the TLS protocol: a message of a kind that was not due".into()
        }
        Error::InappropriateHandshakeMessage { .. } => {
            "the peer broke the TLS protocol: a handshake message that was not due".into()
        }
        Error::NoCertificatesPresented => "the peer showed no certificate, and must".into(),
        Error::UnsupportedNameType => {
            "the name to verify the peer's certificate for is neither a DNS name nor an address"
                .into()
        }
        Error::NoApplicationProtocol => {
            "none of the application protocols offered is spoken here (ALPN)".into()
        }
        Error::DecryptError => {
            "a record cannot be decrypted: it was damaged or forged on its way".into()
        }
        Error::PeerSentOversizedRecord => {
            "the peer sent a record longer than TLS allows (RFC 8446 section 5.2)".into()
        }
        Error::EncryptError => "a record cannot be encrypted".into(),
        Error::InvalidEncryptedClientHello(_) => {
            "the configuration of the encrypted ClientHello is no use".into()
        }
        Error::FailedToGetCurrentTime => "the time of day cannot be told".into(),
        Error::FailedToGetRandomBytes => "the system gives no random numbers".into(),
        Error::HandshakeNotComplete => "the TLS handshake is not over".into(),
        Error::BadMaxFragmentSize => "the bound on the size of records is out of range".into(),
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            "the private key does not match the certificate".into()
        }
        Error::InconsistentKeys(_) => {
            "whether the private key matches the certificate cannot be told".into()
        }
        Error::Other(why) => certificate::other(why).unwrap_or(GENERAL).into(),
        _ => GENERAL.into(),
    }
}

/// What is wrong with a certificate that is loaded, as a clause about it.
pub(super) fn loading(error: &Error) -> Sentence {
    match error {
        Error::InvalidCertificate(why) => certificate(why),
        other => of(other),
    }
}

/// For errors that the tables do not know.
const GENERAL: &str = "TLS failed for a reason that has no name here";
