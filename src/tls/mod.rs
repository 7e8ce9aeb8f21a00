//! TLS, and the only place that names rustls.
//!
//! [`ServerTls`] and [`ClientTls`] are configurations: loaded once, shared by reference count and
//! never changed, because a session resumes only where the same rules hold. A [`Session`] is one
//! connection's TLS without any I/O: ciphertext goes in by [`Session::input`], ciphertext comes out
//! into a buffer that the caller sends in order.

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!("vestibule needs its cryptography: turn on the feature `aws-lc-rs` or `ring`");

mod alert;
mod certificate;
mod chain;
mod cipher;
mod client;
mod client_sessions;
mod clock;
mod error;
mod expiry;
mod failure;
mod found;
mod handshaker;
mod key_log;
mod keys;
mod negotiated;
mod outcome;
mod peer_chains;
mod pem;
mod pinned;
mod provider;
mod record;
mod record_buffer;
mod remote;
mod resolver;
mod resolver_slot;
mod role;
mod roots;
mod secrets;
#[cfg(feature = "self-signed")]
mod self_signed;
mod sentence;
mod server;
mod session;
mod tickets;
mod traffic;
mod verifier;

pub use certificate::{CertificateFacts, CertificateSource, SecretDer};
pub use client::{ClientOptions, ClientTls};
pub use error::{LoadError, LoadFault};
pub use failure::{Failure, FailureKind};
pub use found::{Due, Found};
pub use negotiated::{Group, Negotiated, Verified};
pub(crate) use outcome::TlsNotices;
pub use outcome::{Handshake, InputEnd, Reading};
pub use pem::PemSource;
pub use provider::{KeyExchange, TlsVersion};
pub(crate) use provider::{random, sha1};
pub(crate) use record::{PLAINTEXT_MAX, RECORD_MAX};
pub use remote::RemoteTls;
pub use roots::Roots;
#[cfg(feature = "self-signed")]
pub use self_signed::self_signed;
pub use server::{ClientAuth, ServerOptions, ServerTls};
pub use session::Session;

/// Whether a server can be asked to prove that it is `name`: a DNS name or an IP address.
#[must_use]
pub fn is_server_name(name: &str) -> bool {
    rustls::pki_types::ServerName::try_from(name).is_ok()
}

#[cfg(test)]
pub(crate) mod tests;
