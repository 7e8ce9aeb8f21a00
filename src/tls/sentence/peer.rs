//! What a peer did that breaks the protocol, or cannot do.

use rustls::{InvalidMessage, PeerIncompatible, PeerMisbehaved};

use super::certificate::Sentence;

pub(super) fn message(error: InvalidMessage) -> Sentence {
    match error {
        InvalidMessage::InvalidContentType
        | InvalidMessage::UnknownProtocolVersion
        | InvalidMessage::MessageTooLarge => {
            return "what the peer sent is no TLS record; plain text on a TLS port?".into();
        }
        _ => {}
    }
    let what = match error {
        InvalidMessage::CertificatePayloadTooLarge => "its certificates take more than 64 KiB",
        InvalidMessage::HandshakePayloadTooLarge => "a handshake message is too long",
        InvalidMessage::InvalidCcs => "a ChangeCipherSpec that is none",
        InvalidMessage::InvalidCertificateStatusType => "an OCSP status of an unknown type",
        InvalidMessage::InvalidCertRequest => "a request for a certificate with a context",
        InvalidMessage::InvalidDhParams => "parameters of Diffie-Hellman that cannot be read",
        InvalidMessage::InvalidEmptyPayload => "an empty record of a kind that must not be empty",
        InvalidMessage::InvalidKeyUpdate => "a KeyUpdate that is none",
        InvalidMessage::InvalidServerName => "a server name that is none (RFC 6066 section 3)",
        InvalidMessage::MessageTooShort | InvalidMessage::MissingData(_) => {
            "a message ends before it is complete"
        }
        InvalidMessage::MissingKeyExchange => "a message without a key exchange",
        InvalidMessage::NoSignatureSchemes => "an empty list of signature algorithms",
        InvalidMessage::TrailingData(_) => "bytes follow the end of a message",
        InvalidMessage::UnexpectedMessage(_) => "a message that was not due",
        InvalidMessage::UnsupportedCompression => "compression, which is not spoken",
        InvalidMessage::UnsupportedCurveType => "a curve that has no name",
        InvalidMessage::UnsupportedKeyExchangeAlgorithm(_) => "a key exchange that is not spoken",
        InvalidMessage::EmptyTicketValue => "a ticket of no bytes",
        InvalidMessage::IllegalEmptyList(_) => "an empty list where there must be an element",
        InvalidMessage::IllegalEmptyValue => "an empty value where there must be one",
        InvalidMessage::DuplicateExtension(_) => "an extension twice in one message",
        InvalidMessage::PreSharedKeyIsNotFinalExtension => {
            "something follows the extension pre_shared_key, which must be last"
        }
        InvalidMessage::UnknownHelloRetryRequestExtension => {
            "an unknown extension in HelloRetryRequest"
        }
        InvalidMessage::UnknownCertificateExtension => "an unknown extension with a certificate",
        _ => "a malformed message",
    };
    format!("the peer broke the TLS protocol: {what}").into()
}

pub(super) fn incompatible(error: &PeerIncompatible) -> &'static str {
    match error {
        PeerIncompatible::EcPointsExtensionRequired => {
            "the peer does not say which forms of elliptic curve points it takes"
        }
        PeerIncompatible::ExtendedMasterSecretExtensionRequired => {
            "the peer does not speak the extended master secret (RFC 7627), which is required"
        }
        PeerIncompatible::IncorrectCertificateTypeExtension
        | PeerIncompatible::UnsolicitedCertificateTypeExtension => {
            "the peer wants certificates of another type than X.509"
        }
        PeerIncompatible::KeyShareExtensionRequired => "the peer offers no key share",
        PeerIncompatible::NamedGroupsExtensionRequired => {
            "the peer does not say which key exchange groups it knows (supported_groups)"
        }
        PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
            "the peer takes none of the signature algorithms our certificate can sign with"
        }
        PeerIncompatible::NoCipherSuitesInCommon => {
            "no cipher suite is known to both sides; here these are AES-GCM and ChaCha20-Poly1305 with \
             ECDHE"
        }
        PeerIncompatible::NoEcPointFormatsInCommon
        | PeerIncompatible::UncompressedEcPointsRequired => {
            "the peer does not take elliptic curve points uncompressed"
        }
        PeerIncompatible::NoKxGroupsInCommon => {
            "no key exchange group is known to both sides; here these are X25519, P-256 and P-384 \
             among others"
        }
        PeerIncompatible::NoSignatureSchemesInCommon => {
            "no signature algorithm is known to both sides that the key of the certificate can use"
        }
        PeerIncompatible::NullCompressionRequired => "the peer insists on compression",
        PeerIncompatible::ServerDoesNotSupportTls12Or13 => {
            "the server speaks neither TLS 1.2 nor TLS 1.3"
        }
        PeerIncompatible::ServerSentHelloRetryRequestWithUnknownExtension => {
            "the server asks for something unknown (HelloRetryRequest)"
        }
        PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => {
            "the server chose a TLS version that is switched off here"
        }
        PeerIncompatible::SignatureAlgorithmsExtensionRequired => {
            "the client does not say which signature algorithms it knows (signature_algorithms)"
        }
        PeerIncompatible::SupportedVersionsExtensionRequired => {
            "the client does not offer TLS 1.3, and nothing older is spoken here"
        }
        PeerIncompatible::Tls12NotOffered => {
            "the client does not offer TLS 1.2, and nothing else is spoken here"
        }
        PeerIncompatible::Tls12NotOfferedOrEnabled => "no TLS version is spoken by both sides",
        PeerIncompatible::Tls13RequiredForQuic => "the peer does not speak TLS 1.3",
        PeerIncompatible::ServerRejectedEncryptedClientHello(_) => {
            "the server rejected the encrypted ClientHello"
        }
        _ => "there is something that the peer needs and is not spoken here, or the reverse",
    }
}

/// What the peer did, as a clause.
pub(super) fn misbehaved(error: &PeerMisbehaved) -> &'static str {
    use PeerMisbehaved as Did;
    match error {
        Did::AttemptedDowngradeToTls12WhenTls13IsSupported => {
            "it, or somebody in between, holds the version down to TLS 1.2 (RFC 8446 section 4.1.3)"
        }
        Did::BadCertChainExtensions => "an extension with a certificate that was not asked for",
        Did::CipherSuiteDifferedOnRetry => "another cipher suite after HelloRetryRequest",
        Did::DisallowedEncryptedExtension => {
            "an extension that may not be among the encrypted ones"
        }
        Did::DuplicateClientHelloExtensions
        | Did::DuplicateEncryptedExtensions
        | Did::DuplicateHelloRetryRequestExtensions
        | Did::DuplicateNewSessionTicketExtensions
        | Did::DuplicateServerHelloExtensions => "an extension twice in one message",
        Did::DuplicateServerNameTypes => "two server names of one kind",
        Did::EarlyDataAttemptedInSecondClientHello
        | Did::EarlyDataExtensionWithoutResumption
        | Did::EarlyDataOfferedWithVariedCipherSuite
        | Did::OfferedEarlyDataWithOldProtocolVersion => "early data where there can be none",
        Did::TooMuchEarlyDataReceived | Did::RejectedEarlyDataInterleavedWithHandshakeMessage => {
            "early data, which is not taken, in a place or an amount that is not allowed"
        }
        Did::EchAcceptanceVariedAfterRetry
        | Did::IllegalHelloRetryRequestWithInvalidEch
        | Did::UnsolicitedEchExtension => {
            "an answer to the encrypted ClientHello that does not fit"
        }
        Did::HandshakeHashVariedAfterRetry => "another hash after HelloRetryRequest",
        Did::IllegalHelloRetryRequestWithEmptyCookie
        | Did::IllegalHelloRetryRequestWithNoChanges
        | Did::IllegalHelloRetryRequestWithOfferedGroup
        | Did::IllegalHelloRetryRequestWithUnofferedCipherSuite
        | Did::IllegalHelloRetryRequestWithUnofferedNamedGroup
        | Did::IllegalHelloRetryRequestWithUnsupportedVersion
        | Did::IllegalHelloRetryRequestWithWrongSessionId => {
            "a HelloRetryRequest that asks for what it may not ask for"
        }
        Did::RefusedToFollowHelloRetryRequest => "it did not do what HelloRetryRequest asked for",
        Did::IllegalMiddleboxChangeCipherSpec => {
            "a ChangeCipherSpec in a place where there may be none"
        }
        Did::IllegalTlsInnerPlaintext => "an encrypted record with nothing but padding in it",
        Did::IncorrectBinder => "the proof that it knows the session it resumes is wrong",
        Did::InvalidCertCompression
        | Did::OfferedIncorrectCompressions
        | Did::OfferedDuplicateCertificateCompressions
        | Did::SelectedUnofferedCertCompression => {
            "a compression of certificates that does not fit"
        }
        Did::InvalidMaxEarlyDataSize
        | Did::MissingQuicTransportParameters
        | Did::KeyUpdateReceivedInQuicConnection => "something that belongs to QUIC",
        Did::InvalidKeyShare => "a key share that is no point of its group",
        Did::KeyEpochWithPendingFragment => "the keys change in the middle of a message",
        Did::MessageInterleavedWithHandshakeMessage => {
            "another message in the middle of a handshake message"
        }
        Did::MissingBinderInPskExtension | Did::PskExtensionWithMismatchedIdsAndBinders => {
            "sessions to resume without the proofs that it knows them"
        }
        Did::MissingKeyShare => "no key share",
        Did::MissingPskExtensionInSecondClientHello => {
            "a second ClientHello without the session of the first"
        }
        Did::MissingPskModesExtension => {
            "a session to resume, and not how (psk_key_exchange_modes)"
        }
        Did::OfferedDuplicateKeyShares => "two key shares of one group",
        Did::OfferedEmptyApplicationProtocol => "an application protocol without a name (ALPN)",
        Did::PskExtensionMustBeLast => {
            "something follows the extension pre_shared_key, which must be last"
        }
        Did::ResumptionAttemptedWithVariedEms | Did::ResumptionOfferedWithVariedEms => {
            "a resumed session with another choice of the extended master secret (RFC 7627)"
        }
        Did::ResumptionOfferedWithVariedCipherSuite
        | Did::ResumptionOfferedWithIncompatibleCipherSuite => {
            "a resumed session with another cipher suite"
        }
        Did::SelectedDifferentCipherSuiteAfterRetry => {
            "another cipher suite after HelloRetryRequest"
        }
        Did::SelectedInvalidPsk | Did::SelectedUnofferedPsk => {
            "it resumes a session that was not offered"
        }
        Did::SelectedTls12UsingTls13VersionExtension => {
            "it chose TLS 1.2 in the way that is for TLS 1.3"
        }
        Did::SelectedUnofferedApplicationProtocol => {
            "it chose an application protocol that was not offered (ALPN)"
        }
        Did::SelectedUnofferedCipherSuite | Did::SelectedUnusableCipherSuiteForVersion => {
            "it chose a cipher suite that was not offered for this version"
        }
        Did::SelectedUnofferedCompression => "it chose a compression that was not offered",
        Did::SelectedUnofferedKxGroup | Did::WrongGroupForKeyShare => {
            "it chose a key exchange group that was not offered"
        }
        Did::ServerEchoedCompatibilitySessionId => "it repeats a session that does not exist",
        Did::ServerHelloMustOfferUncompressedEcPoints => {
            "elliptic curve points only in compressed form"
        }
        Did::ServerNameDifferedOnRetry => "another server name after HelloRetryRequest",
        Did::ServerNameMustContainOneHostName => {
            "a list of server names that does not hold exactly one host name (RFC 6066 section 3)"
        }
        Did::SignedKxWithWrongAlgorithm | Did::SignedHandshakeWithUnadvertisedSigScheme => {
            "it signed with an algorithm that was not offered"
        }
        Did::TooManyEmptyFragments => "too many empty records in a row",
        Did::TooManyKeyUpdateRequests => "too many KeyUpdates in a row",
        Did::TooManyRenegotiationRequests => "too many requests to negotiate anew",
        Did::TooManyWarningAlertsReceived => "too many warnings in a row",
        Did::UnexpectedCleartextExtension => "an extension in the clear that has to be encrypted",
        Did::UnsolicitedCertExtension
        | Did::UnsolicitedEncryptedExtension
        | Did::UnsolicitedSctList
        | Did::UnsolicitedServerHelloExtension => "an extension that was not asked for",
        _ => "something that the protocol does not allow",
    }
}
