//! Which side of a connection this is.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};

use super::client::ClientTls;
use super::negotiated::{CertificateFacts, Verified};
use super::options::ClientAuth;
use super::peer_chains::Chains;
use super::server::ServerTls;

/// Which side this is, and what it needs to begin or to tell.
pub(super) enum Role {
    Server { tls: Arc<ServerTls>, name: Option<Box<str>>, chosen: Option<u16> },
    Client { tls: Arc<ClientTls>, name: ServerName<'static> },
}

impl Role {
    /// The name a client asked for, or asks for.
    pub(super) fn server_name(&self) -> Option<&str> {
        match self {
            Self::Server { name, .. } => name.as_deref(),
            Self::Client { name: ServerName::DnsName(name), .. } => Some(name.as_ref()),
            Self::Client { .. } => None,
        }
    }

    /// What is known of a peer that has shown these certificates.
    pub(super) fn verified(&self, chain: &[CertificateDer<'_>]) -> Verified {
        match self {
            Self::Server { tls, .. } => match (tls.client_auth, chain) {
                (ClientAuth::None, _) => Verified::NotAsked,
                (_, []) => Verified::Absent,
                _ => Verified::Valid,
            },
            Self::Client { tls, .. } if tls.verifies => Verified::Valid,
            Self::Client { .. } => Verified::Skipped,
        }
    }

    /// The chains that peers of this configuration have shown.
    pub(super) fn chains(&self) -> &Chains {
        match self {
            Self::Server { tls, .. } => &tls.chains,
            Self::Client { tls, .. } => &tls.chains,
        }
    }

    /// Whether the tickets that a server sends are kept.
    pub(super) fn keeps_tickets(&self) -> bool {
        matches!(self, Self::Client { tls, .. } if tls.keeps_tickets)
    }

    /// Facts about the certificate that we have presented as a server.
    pub(super) fn own(&self) -> Option<&CertificateFacts> {
        match self {
            Self::Server { tls, chosen, .. } => chosen.and_then(|index| tls.facts(index)),
            Self::Client { .. } => None,
        }
    }
}
