//! What goes wrong, by an error of rustls or by what the records say, and what it means for a connection.

use std::borrow::Cow;

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

use super::failure::{Failure, FailureKind};
use super::sentence;
use crate::wire::protocol;

/// The alert `unrecognized_name` (RFC 6066 section 3).
const UNRECOGNIZED_NAME: u8 = 112;
/// The alert `protocol_version` (RFC 8446 section 6.2).
const PROTOCOL_VERSION: u8 = 70;

impl Failure {
    pub(super) const fn new(why: FailureKind, text: &'static str) -> Self {
        Self { why, alert: None, text: Cow::Borrowed(text) }
    }

    pub(super) const fn misuse(text: &'static str) -> Self {
        Self::new(FailureKind::Internal, text)
    }

    /// The peer broke the protocol, and is told so by `alert`.
    pub(super) const fn of_peer(alert: u8, text: &'static str) -> Self {
        Self { why: FailureKind::PeerMisbehaved, alert: Some(alert), text: Cow::Borrowed(text) }
    }

    pub(super) const fn unrecognized_name() -> Self {
        Self {
            why: FailureKind::NoCommonParameters,
            alert: Some(UNRECOGNIZED_NAME),
            text: Cow::Borrowed("the client asked for a name that no certificate here has"),
        }
    }

    pub(super) const fn outdated_client() -> Self {
        Self {
            why: FailureKind::NoCommonParameters,
            alert: Some(PROTOCOL_VERSION),
            text: Cow::Borrowed("the client speaks TLS 1.1 at most, which is not spoken here"),
        }
    }

    /// The peer ended the connection with `alert`.
    pub(super) fn received(alert: u8) -> Self {
        Self::of(&Error::AlertReceived(AlertDescription::from(alert)))
    }

    pub(super) fn of(error: &Error) -> Self {
        let why = match error {
            Error::AlertReceived(alert) => FailureKind::AlertReceived(u8::from(*alert)),
            Error::InvalidCertificate(_)
            | Error::InvalidCertRevocationList(_)
            | Error::UnsupportedNameType
            | Error::NoCertificatesPresented => FailureKind::Certificate,
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => {
                FailureKind::NoCommonParameters
            }
            Error::InappropriateMessage { .. }
            | Error::InappropriateHandshakeMessage { .. }
            | Error::InvalidEncryptedClientHello(_)
            | Error::InvalidMessage(_)
            | Error::DecryptError
            | Error::PeerSentOversizedRecord
            | Error::PeerMisbehaved(_) => FailureKind::PeerMisbehaved,
            _ => FailureKind::Internal,
        };
        let alert = match error {
            Error::AlertReceived(alert) => Some(u8::from(*alert)),
            _ => None,
        };
        Self { why, alert, text: sentence::of(error) }
    }

    /// Names in the text what the peer sent instead of TLS, where `bytes`, refused because of
    /// `error`, show it.
    pub(super) fn name_stranger(&mut self, error: &Error, bytes: &[u8]) {
        let is_no_record = matches!(
            error,
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                    | InvalidMessage::UnknownProtocolVersion
                    | InvalidMessage::MessageTooLarge
            )
        );
        if is_no_record && let Some(came) = protocol::looks_like(bytes) {
            self.text = match came {
                protocol::PROXY => {
                    "a PROXY header where TLS was due: have it expected here, from this source, or \
                     have the sender send none"
                        .into()
                }
                _ => format!("{came} where TLS was due").into(),
            };
        }
    }
}

/// The alert that rustls sends for `error`, as far as it can be told from the error: for alerts
/// that left encrypted.
pub(super) fn alert_for(error: &Error) -> Option<u8> {
    let alert = match error {
        Error::InvalidCertificate(why) => why.clone().into(),
        Error::InvalidMessage(why) => (*why).into(),
        Error::PeerSentOversizedRecord => AlertDescription::RecordOverflow,
        Error::DecryptError => AlertDescription::BadRecordMac,
        Error::NoCertificatesPresented => AlertDescription::CertificateRequired,
        Error::NoApplicationProtocol => AlertDescription::NoApplicationProtocol,
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            AlertDescription::UnexpectedMessage
        }
        Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::ServerDoesNotSupportTls12Or13,
        ) => AlertDescription::ProtocolVersion,
        Error::PeerIncompatible(_) => AlertDescription::HandshakeFailure,
        Error::PeerMisbehaved(_) => AlertDescription::IllegalParameter,
        _ => return None,
    };
    Some(alert.into())
}
