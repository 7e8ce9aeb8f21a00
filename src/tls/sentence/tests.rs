//! Every error that rustls and webpki can make here is a sentence of its own, in plain words.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{
    AlertDescription, CertRevocationListError, CertificateError, ContentType, Error,
    ExtendedKeyPurpose, HandshakeType, InconsistentKeys, InvalidMessage, OtherError,
    PeerIncompatible, PeerMisbehaved,
};
use webpki::Error as Chain;

use super::{GENERAL, list, of};
use crate::cause::is_plain;

fn assert_known(error: &Error) {
    let text = of(error);
    assert!(is_plain(&text), "{error:?}: {text}");
    for general in [GENERAL, "does not verify", "something that the protocol does not allow"] {
        assert!(!text.contains(general), "{error:?} has no sentence of its own");
    }
    let digits = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
    assert!(digits < Some(9), "seconds since 1970: {text}");
}

fn certificate(error: CertificateError) {
    assert_known(&Error::InvalidCertificate(error));
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

#[test]
fn every_error_of_rustls_is_a_sentence() {
    let (types, kinds) = (vec![ContentType::Alert], vec![HandshakeType::Finished]);
    for error in [
        Error::InappropriateMessage { expect_types: types, got_type: ContentType::Handshake },
        Error::InappropriateHandshakeMessage {
            expect_types: kinds,
            got_type: HandshakeType::ClientHello,
        },
        Error::NoCertificatesPresented,
        Error::UnsupportedNameType,
        Error::DecryptError,
        Error::EncryptError,
        Error::FailedToGetCurrentTime,
        Error::FailedToGetRandomBytes,
        Error::HandshakeNotComplete,
        Error::PeerSentOversizedRecord,
        Error::NoApplicationProtocol,
        Error::BadMaxFragmentSize,
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch),
        Error::InconsistentKeys(InconsistentKeys::Unknown),
    ] {
        assert_known(&error);
    }
}

#[test]
fn every_alert_has_the_name_of_its_registry() {
    for alert in 0..=u8::MAX {
        assert_known(&Error::AlertReceived(AlertDescription::from(alert)));
    }
    let text = of(&Error::AlertReceived(AlertDescription::UnknownCA));
    assert!(text.contains("the alert unknown_ca: it does not know the authority"), "{text}");
    let text = of(&Error::AlertReceived(AlertDescription::from(200)));
    assert_eq!(text, "the peer gave up with the alert 200");
}

#[test]
fn every_way_to_break_the_protocol_is_a_sentence() {
    use PeerMisbehaved as Did;
    for did in [
        Did::AttemptedDowngradeToTls12WhenTls13IsSupported,
        Did::BadCertChainExtensions,
        Did::CipherSuiteDifferedOnRetry,
        Did::DisallowedEncryptedExtension,
        Did::DuplicateClientHelloExtensions,
        Did::DuplicateEncryptedExtensions,
        Did::DuplicateHelloRetryRequestExtensions,
        Did::DuplicateNewSessionTicketExtensions,
        Did::DuplicateServerHelloExtensions,
        Did::DuplicateServerNameTypes,
        Did::EarlyDataAttemptedInSecondClientHello,
        Did::EarlyDataExtensionWithoutResumption,
        Did::EarlyDataOfferedWithVariedCipherSuite,
        Did::EchAcceptanceVariedAfterRetry,
        Did::HandshakeHashVariedAfterRetry,
        Did::IllegalHelloRetryRequestWithEmptyCookie,
        Did::IllegalHelloRetryRequestWithNoChanges,
        Did::IllegalHelloRetryRequestWithOfferedGroup,
        Did::IllegalHelloRetryRequestWithUnofferedCipherSuite,
        Did::IllegalHelloRetryRequestWithUnofferedNamedGroup,
        Did::IllegalHelloRetryRequestWithUnsupportedVersion,
        Did::IllegalHelloRetryRequestWithWrongSessionId,
        Did::IllegalHelloRetryRequestWithInvalidEch,
        Did::IllegalMiddleboxChangeCipherSpec,
        Did::IllegalTlsInnerPlaintext,
        Did::IncorrectBinder,
        Did::InvalidCertCompression,
        Did::InvalidMaxEarlyDataSize,
        Did::InvalidKeyShare,
        Did::KeyEpochWithPendingFragment,
        Did::KeyUpdateReceivedInQuicConnection,
        Did::MessageInterleavedWithHandshakeMessage,
        Did::MissingBinderInPskExtension,
        Did::MissingKeyShare,
        Did::MissingPskExtensionInSecondClientHello,
        Did::MissingPskModesExtension,
        Did::MissingQuicTransportParameters,
        Did::OfferedDuplicateCertificateCompressions,
        Did::OfferedDuplicateKeyShares,
        Did::OfferedEarlyDataWithOldProtocolVersion,
        Did::OfferedEmptyApplicationProtocol,
        Did::OfferedIncorrectCompressions,
        Did::PskExtensionMustBeLast,
        Did::PskExtensionWithMismatchedIdsAndBinders,
        Did::RefusedToFollowHelloRetryRequest,
        Did::RejectedEarlyDataInterleavedWithHandshakeMessage,
        Did::ResumptionAttemptedWithVariedEms,
        Did::ResumptionOfferedWithVariedCipherSuite,
        Did::ResumptionOfferedWithVariedEms,
        Did::ResumptionOfferedWithIncompatibleCipherSuite,
        Did::SelectedDifferentCipherSuiteAfterRetry,
        Did::SelectedInvalidPsk,
        Did::SelectedTls12UsingTls13VersionExtension,
        Did::SelectedUnofferedApplicationProtocol,
        Did::SelectedUnofferedCertCompression,
        Did::SelectedUnofferedCipherSuite,
        Did::SelectedUnofferedCompression,
        Did::SelectedUnofferedKxGroup,
        Did::SelectedUnofferedPsk,
        Did::SelectedUnusableCipherSuiteForVersion,
        Did::ServerEchoedCompatibilitySessionId,
        Did::ServerHelloMustOfferUncompressedEcPoints,
        Did::ServerNameDifferedOnRetry,
        Did::ServerNameMustContainOneHostName,
        Did::SignedKxWithWrongAlgorithm,
        Did::SignedHandshakeWithUnadvertisedSigScheme,
        Did::TooManyEmptyFragments,
        Did::TooManyKeyUpdateRequests,
        Did::TooManyRenegotiationRequests,
        Did::TooManyWarningAlertsReceived,
        Did::TooMuchEarlyDataReceived,
        Did::UnexpectedCleartextExtension,
        Did::UnsolicitedCertExtension,
        Did::UnsolicitedEncryptedExtension,
        Did::UnsolicitedSctList,
        Did::UnsolicitedServerHelloExtension,
        Did::WrongGroupForKeyShare,
        Did::UnsolicitedEchExtension,
    ] {
        assert_known(&Error::PeerMisbehaved(did));
    }
    use InvalidMessage as Sent;
    for sent in [
        Sent::CertificatePayloadTooLarge,
        Sent::HandshakePayloadTooLarge,
        Sent::InvalidCcs,
        Sent::InvalidContentType,
        Sent::InvalidCertificateStatusType,
        Sent::InvalidCertRequest,
        Sent::InvalidDhParams,
        Sent::InvalidEmptyPayload,
        Sent::InvalidKeyUpdate,
        Sent::InvalidServerName,
        Sent::MessageTooLarge,
        Sent::MessageTooShort,
        Sent::MissingData("ClientHelloPayload"),
        Sent::MissingKeyExchange,
        Sent::NoSignatureSchemes,
        Sent::TrailingData("ClientHelloPayload"),
        Sent::UnexpectedMessage("HelloRetryRequest"),
        Sent::UnknownProtocolVersion,
        Sent::UnsupportedCompression,
        Sent::UnsupportedCurveType,
        Sent::EmptyTicketValue,
        Sent::IllegalEmptyList("CipherSuites"),
        Sent::IllegalEmptyValue,
        Sent::DuplicateExtension(3),
        Sent::PreSharedKeyIsNotFinalExtension,
        Sent::UnknownHelloRetryRequestExtension,
        Sent::UnknownCertificateExtension,
    ] {
        assert_known(&Error::InvalidMessage(sent));
    }
}

#[test]
fn everything_a_peer_cannot_do_is_a_sentence() {
    use PeerIncompatible as Cannot;
    for cannot in [
        Cannot::EcPointsExtensionRequired,
        Cannot::ExtendedMasterSecretExtensionRequired,
        Cannot::IncorrectCertificateTypeExtension,
        Cannot::KeyShareExtensionRequired,
        Cannot::NamedGroupsExtensionRequired,
        Cannot::NoCertificateRequestSignatureSchemesInCommon,
        Cannot::NoCipherSuitesInCommon,
        Cannot::NoEcPointFormatsInCommon,
        Cannot::NoKxGroupsInCommon,
        Cannot::NoSignatureSchemesInCommon,
        Cannot::NullCompressionRequired,
        Cannot::ServerDoesNotSupportTls12Or13,
        Cannot::ServerSentHelloRetryRequestWithUnknownExtension,
        Cannot::ServerTlsVersionIsDisabledByOurConfig,
        Cannot::SignatureAlgorithmsExtensionRequired,
        Cannot::SupportedVersionsExtensionRequired,
        Cannot::Tls12NotOffered,
        Cannot::Tls12NotOfferedOrEnabled,
        Cannot::Tls13RequiredForQuic,
        Cannot::UncompressedEcPointsRequired,
        Cannot::UnsolicitedCertificateTypeExtension,
        Cannot::ServerRejectedEncryptedClientHello(None),
    ] {
        assert_known(&Error::PeerIncompatible(cannot));
    }
}

#[test]
fn everything_wrong_with_a_certificate_is_a_sentence() {
    let (time, other) = (at(2_000_000_000), at(1_648_771_200));
    for error in [
        CertificateError::BadEncoding,
        CertificateError::Expired,
        CertificateError::ExpiredContext { time, not_after: other },
        CertificateError::NotValidYet,
        CertificateError::NotValidYetContext { time, not_before: other },
        CertificateError::Revoked,
        CertificateError::UnhandledCriticalExtension,
        CertificateError::UnknownIssuer,
        CertificateError::UnknownRevocationStatus,
        CertificateError::ExpiredRevocationList,
        CertificateError::ExpiredRevocationListContext { time, next_update: other },
        CertificateError::BadSignature,
        CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: vec![1],
            supported_algorithms: vec![],
        },
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id: vec![1],
            public_key_algorithm_id: vec![2],
        },
        CertificateError::NotValidForName,
        CertificateError::InvalidPurpose,
        CertificateError::InvalidPurposeContext {
            required: ExtendedKeyPurpose::ServerAuth,
            presented: vec![
                ExtendedKeyPurpose::ClientAuth,
                ExtendedKeyPurpose::Other(vec![1, 3, 6, 1]),
            ],
        },
        CertificateError::InvalidOcspResponse,
        CertificateError::ApplicationVerificationFailure,
    ] {
        certificate(error);
    }
    let text =
        of(&Error::InvalidCertificate(CertificateError::ExpiredContext { time, not_after: other }));
    assert!(text.contains("2022-04-01 00:00:00 UTC"), "{text}");
}

#[test]
fn the_names_of_a_certificate_are_quoted_and_not_all_of_a_thousand() {
    let expected = ServerName::try_from("a.test").expect("a name");
    let refusal = |presented: &[&str]| {
        let presented = presented.iter().map(|&name| name.to_owned()).collect();
        let error =
            CertificateError::NotValidForNameContext { expected: expected.clone(), presented };
        certificate(error.clone());
        of(&Error::InvalidCertificate(error)).into_owned()
    };
    let text = refusal(&["DnsName(\"b.test\")", "IpAddress(::1)"]);
    assert!(text.ends_with(r#"not for the name "a.test" but for "b.test", "::1""#), "{text}");
    assert!(refusal(&[]).contains("no subject alternative name"));
    assert!(refusal(&["DnsName(\"FooBar(\")"; 1000]).ends_with("and 996 more"));
}

#[test]
fn everything_wrong_with_a_revocation_list_is_a_sentence() {
    for error in [
        CertRevocationListError::BadSignature,
        CertRevocationListError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: vec![1],
            supported_algorithms: vec![],
        },
        CertRevocationListError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id: vec![1],
            public_key_algorithm_id: vec![2],
        },
        CertRevocationListError::InvalidCrlNumber,
        CertRevocationListError::InvalidRevokedCertSerialNumber,
        CertRevocationListError::IssuerInvalidForCrl,
        CertRevocationListError::ParseError,
        CertRevocationListError::UnsupportedCrlVersion,
        CertRevocationListError::UnsupportedCriticalExtension,
        CertRevocationListError::UnsupportedDeltaCrl,
        CertRevocationListError::UnsupportedIndirectCrl,
        CertRevocationListError::UnsupportedRevocationReason,
    ] {
        assert_known(&Error::InvalidCertRevocationList(error));
    }
}

/// Errors of webpki that rustls passes on wrapped, because it has no variant of its own for them.
#[test]
fn everything_wrong_with_a_chain_is_a_sentence() {
    for error in [
        Chain::CaUsedAsEndEntity,
        Chain::CertDistrusted,
        Chain::EmptyEkuExtension,
        Chain::EndEntityUsedAsCa,
        Chain::ExtensionValueInvalid,
        Chain::InvalidCertValidity,
        Chain::InvalidCrlNumber,
        Chain::InvalidNetworkMaskConstraint,
        Chain::InvalidSerialNumber,
        Chain::InvalidCrlSignatureForPublicKey,
        Chain::InvalidSignatureForPublicKey,
        Chain::IssuerNotCrlSigner,
        Chain::MalformedDnsIdentifier,
        Chain::MalformedExtensions,
        Chain::MalformedNameConstraint,
        Chain::MaximumNameConstraintComparisonsExceeded,
        Chain::MaximumPathBuildCallsExceeded,
        Chain::MaximumPathDepthExceeded,
        Chain::MaximumSignatureChecksExceeded,
        Chain::NameConstraintViolation,
        Chain::PathLenConstraintViolated,
        Chain::SignatureAlgorithmMismatch,
        Chain::UnsupportedCertVersion,
        Chain::UnsupportedCriticalExtension,
        Chain::UnsupportedCrlIssuingDistributionPoint,
        Chain::UnsupportedCrlVersion,
        Chain::UnsupportedDeltaCrl,
        Chain::UnsupportedIndirectCrl,
        Chain::UnsupportedNameType,
        Chain::UnsupportedRevocationReason,
        Chain::UnsupportedRevocationReasonsPartitioning,
    ] {
        let wrapped = OtherError(Arc::new(error));
        certificate(CertificateError::Other(wrapped.clone()));
        let wrapped = CertRevocationListError::Other(wrapped);
        assert!(is_plain(list(&wrapped)));
        assert_known(&Error::InvalidCertRevocationList(wrapped));
    }
}

#[test]
fn an_error_that_nobody_knows_gets_a_general_sentence() {
    let unknown = || OtherError(Arc::new(std::fmt::Error));
    for error in [
        Error::General("CamelCase { debug: 1 }".to_owned()),
        Error::Other(unknown()),
        Error::InvalidCertificate(CertificateError::Other(unknown())),
        Error::InvalidCertRevocationList(CertRevocationListError::Other(unknown())),
        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Chain::BadDer)))),
    ] {
        let text = of(&error);
        assert!(is_plain(&text) && !text.is_empty(), "{error:?}: {text}");
    }
}
