//! The configuration of the connecting side.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use super::certificate::OwnCertificate;
use super::client_sessions::ClientSessions;
use super::clock::TlsTimeProvider;
use super::error::{LoadError, LoadFault};
use super::expiry;
use super::key_log::KeyLog;
use super::options::{ClientOptions, Roots};
use super::peer_chains::Chains;
use super::provider;
use super::roots::{self, Trusted};
use super::sentence;
use super::verifier::Verifier;
use crate::sys::WallTime;

/// The connecting side's configuration, shared by the connections that use it. Its sessions are
/// kept by server name and belong to it alone, and it offers one list of protocols: a session
/// agreed under other rules is never resumed. A health check therefore has its own configuration.
#[derive(Debug)]
pub struct ClientTls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) verifies: bool,
    not_after: Option<u64>,
    notes: Vec<String>,
    pub(super) chains: Chains,
    /// Whether sessions are kept.
    pub(super) keeps_tickets: bool,
    key_log: Arc<KeyLog>,
}

impl ClientTls {
    /// Reads every file and checks everything that can be checked before a server is asked.
    ///
    /// # Errors
    /// The first fault found, with its file and line.
    pub fn new(options: &ClientOptions, clock: Arc<dyn WallTime>) -> Result<Arc<Self>, LoadError> {
        let provider = provider::provider(options.key_exchange);
        let versions = provider::versions(options.min_version, options.max_version)?;
        expiry::check("session_lifetime", options.session_lifetime)?;
        let now = clock.unix_seconds();
        let builder = ClientConfig::builder_with_details(
            Arc::clone(&provider),
            Arc::new(TlsTimeProvider(Arc::clone(&clock))),
        )
        .with_protocol_versions(versions)
        .map_err(|why| LoadError::option(LoadFault::Crypto(sentence::of(&why))))?;
        let verifier = verifier(options, &provider)?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let (mut not_after, mut notes) = (None, Vec::new());
        let mut config = match &options.certificate {
            Some(source) => {
                let own = OwnCertificate::load(source)?;
                (not_after, notes) = (Some(own.validity.1), own.note(now).into_iter().collect());
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own.key)))
            }
            None => builder.with_no_client_auth(),
        };
        config.resumption = match options.session_cache {
            0 => Resumption::disabled(),
            size => Resumption::store(Arc::new(ClientSessions::new(
                size,
                clock,
                options.session_lifetime,
            ))),
        };
        // `record.rs` takes over the traffic keys when the handshake is over.
        config.enable_secret_extraction = true;
        config.alpn_protocols = provider::alpn(&options.alpn)?;
        config.enable_early_data = false;
        let key_log = Arc::new(KeyLog::new(options.key_log));
        config.key_log = Arc::clone(&key_log) as _;
        Ok(Arc::new(Self {
            config: Arc::new(config),
            verifies: options.roots != Roots::DangerouslySkipVerification,
            not_after,
            notes,
            chains: Chains::default(),
            keeps_tickets: options.session_cache > 0,
            key_log,
        }))
    }

    /// Warnings about a configuration that can be used all the same, one sentence each: our own
    /// certificate has expired or is not valid yet.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The last second at which our own certificate is valid, since 1970; `None` without one.
    #[must_use]
    pub const fn not_after(&self) -> Option<u64> {
        self.not_after
    }

    /// The session secrets since the last call, in lines of the NSS key log format; empty unless
    /// `key_log` is on.
    ///
    /// # Errors
    /// The lines are longer than `most` bytes: their length. They are kept.
    pub fn take_key_log(&self, most: usize) -> Result<String, usize> {
        self.key_log.take(most)
    }
}

fn verifier(
    options: &ClientOptions,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, LoadError> {
    let Trusted { store, pins } = match &options.roots {
        Roots::System => roots::system()?,
        Roots::Pem(sources) => roots::load(sources)?,
        Roots::DangerouslySkipVerification => return Ok(Arc::new(NoVerifier::of(provider))),
    };
    if store.is_empty() {
        return Err(LoadError::option(LoadFault::NoCertificate));
    }
    let builder =
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
            .with_crls(roots::revocation_lists(&options.crls)?)
            .enforce_revocation_expiration();
    let rules = builder.build().map_err(|why| {
        LoadError::option(LoadFault::UnusableCrl(sentence::verifier(&why).into()))
    })?;
    Ok(Arc::new(Verifier::new(rules, pins, options.session_lifetime)))
}

/// Accepts any certificate, but checks that its holder signed this handshake.
#[derive(Debug)]
struct NoVerifier(WebPkiSupportedAlgorithms);

impl NoVerifier {
    fn of(provider: &CryptoProvider) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

impl ServerCertVerifier for NoVerifier {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
