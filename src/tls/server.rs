//! The configuration of the accepting side.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};

use super::certificate::OwnCertificate;
use super::clock::TlsTimeProvider;
use super::error::{LoadError, LoadFault};
use super::expiry;
use super::key_log::KeyLog;
use super::negotiated::CertificateFacts;
use super::options::{ClientAuth, ServerOptions};
use super::peer_chains::Chains;
use super::provider;
use super::resolver::{CERTIFICATES_MAX, Resolver};
use super::roots::{self, Trusted};
use super::sentence;
use super::tickets::{Sessions, Tickets};
use super::verifier::Verifier;
use crate::sys::WallTime;

/// The accepting side's configuration, shared by the connections that use it. Ticket keys and kept
/// sessions belong to it alone: a changed configuration is a new one, on which no old session is
/// resumed.
#[derive(Debug)]
pub struct ServerTls {
    pub(super) config: Arc<ServerConfig>,
    pub(super) client_auth: ClientAuth,
    resolver: Arc<Resolver>,
    notes: Vec<String>,
    pub(super) chains: Chains,
    key_log: Arc<KeyLog>,
}

impl ServerTls {
    /// Reads every file and checks everything that can be checked before a client comes. `clock`
    /// tells the time of day for certificates and tickets.
    ///
    /// # Errors
    /// The first fault found, with its file and line. An expired certificate is no fault.
    pub fn new(options: &ServerOptions, clock: Arc<dyn WallTime>) -> Result<Arc<Self>, LoadError> {
        let provider = provider::provider(options.key_exchange);
        let versions = provider::versions(options.min_version, options.max_version)?;
        if options.certificates.len() > CERTIFICATES_MAX {
            return Err(LoadError::option(LoadFault::TooManyCertificates(CERTIFICATES_MAX)));
        }
        expiry::check("ticket_lifetime", options.ticket_lifetime)?;
        let certificates =
            options.certificates.iter().map(OwnCertificate::load).collect::<Result<Vec<_>, _>>()?;
        if certificates.is_empty() {
            return Err(LoadError::option(LoadFault::NoCertificates));
        }
        let now = clock.unix_seconds();
        let notes = certificates.iter().filter_map(|own| own.note(now)).collect();
        let resolver = Arc::new(Resolver::new(certificates, options.strict_sni));
        let verifier = client_verifier(options, &provider)?;

        let mut config = ServerConfig::builder_with_details(
            Arc::clone(&provider),
            Arc::new(TlsTimeProvider(Arc::clone(&clock))),
        )
        .with_protocol_versions(versions)
        .map_err(|why| LoadError::option(LoadFault::Crypto(sentence::of(&why))))?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::clone(&resolver) as _);

        let lifetime = match options.client_auth {
            ClientAuth::None => options.ticket_lifetime,
            _ => options.ticket_lifetime.min(options.client_ticket_lifetime),
        };
        config.session_storage = match options.session_cache {
            0 => Arc::new(NoServerSessionStorage {}),
            size => Arc::new(Sessions::new(size, Arc::clone(&clock), lifetime)),
        };
        if options.tickets {
            let tickets = Tickets::new(&provider, clock, lifetime).ok_or_else(|| {
                LoadError::option(LoadFault::Crypto("no cipher for tickets".into()))
            })?;
            config.ticketer = Arc::new(tickets);
        }
        // `record.rs` takes over the traffic keys when the handshake is over.
        config.enable_secret_extraction = true;
        config.alpn_protocols = provider::alpn(&options.alpn)?;
        config.max_early_data_size = 0;
        let key_log = Arc::new(KeyLog::new(options.key_log));
        config.key_log = Arc::clone(&key_log) as _;
        Ok(Arc::new(Self {
            config: Arc::new(config),
            client_auth: options.client_auth,
            resolver,
            notes,
            chains: Chains::default(),
            key_log,
        }))
    }

    /// The session secrets since the last call, in lines of the NSS key log format; empty unless
    /// `key_log` is on.
    ///
    /// # Errors
    /// The lines are longer than `most` bytes: their length. They are kept.
    pub fn take_key_log(&self, most: usize) -> Result<String, usize> {
        self.key_log.take(most)
    }

    /// Warnings about a configuration that can be used all the same, one sentence each:
    /// certificates have expired or are not valid yet.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The last second at which the certificate with this place in [`ServerOptions::certificates`] is
    /// valid, since 1970; `None` when there is none in this place.
    #[must_use]
    pub fn not_after(&self, index: usize) -> Option<u64> {
        let index = u16::try_from(index).ok()?;
        self.resolver.certificate(index).map(|own| own.validity.1)
    }

    /// The last second at which every certificate is valid, since 1970.
    #[must_use]
    pub fn first_not_after(&self) -> u64 {
        (0..).map_while(|index| self.not_after(index)).min().unwrap_or(u64::MAX)
    }

    pub(super) fn facts(&self, index: u16) -> Option<&CertificateFacts> {
        self.resolver.certificate(index).map(|own| &own.facts)
    }
}

fn client_verifier(
    options: &ServerOptions,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, LoadError> {
    if options.client_auth == ClientAuth::None {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    if options.client_roots.is_empty() {
        return Err(LoadError::option(LoadFault::NoClientRoots));
    }
    let Trusted { store, pins } = roots::load(&options.client_roots)?;
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
            .with_crls(roots::revocation_lists(&options.client_crls)?)
            .enforce_revocation_expiration();
    let builder = match options.client_auth {
        ClientAuth::Optional => builder.allow_unauthenticated(),
        _ => builder,
    };
    let rules = builder.build().map_err(|why| {
        LoadError::option(LoadFault::UnusableCrl(sentence::verifier(&why).into()))
    })?;
    Ok(Arc::new(Verifier::new(rules, pins, options.client_ticket_lifetime)))
}
