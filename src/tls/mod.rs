//! TLS, and the only place that names rustls.
//!
//! [`ServerTls`] and [`ClientTls`] are configurations: loaded once, shared by reference count and
//! never changed, because a session resumes only where the same rules hold. A [`Session`] is one
//! connection's TLS without any I/O: ciphertext goes in by [`Session::input`], ciphertext comes out
//! into a buffer that the caller sends in order.

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!("TLS needs its cryptography: turn on the feature `aws-lc-rs` or `ring`");

mod agreed;
mod alert;
mod certificate;
mod chain;
mod cipher;
mod client;
mod client_sessions;
mod clock;
mod diagnosis;
mod error;
mod expiry;
mod failure;
mod found;
mod handshaker;
mod key_log;
mod keys;
mod names;
mod negotiated;
mod options;
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
mod source;
mod tickets;
mod traffic;
mod verifier;

pub use client::ClientTls;
pub use error::{LoadError, LoadFault};
pub use failure::{Failure, FailureKind};
pub use found::{Due, Found};
pub use names::is_server_name;
pub use negotiated::{CertificateFacts, Group, Negotiated, Verified};
pub use options::{ClientAuth, ClientOptions, KeyExchange, Roots, ServerOptions, TlsVersion};
pub(crate) use outcome::TlsNotices;
pub use outcome::{Handshake, InputEnd, Reading};
pub(crate) use provider::sha1;
pub(crate) use record::{PLAINTEXT_MAX, RECORD_MAX};
pub use remote::RemoteTls;
#[cfg(feature = "self-signed")]
pub use self_signed::self_signed;
pub use server::ServerTls;
pub use session::Session;
pub use source::{CertificateSource, PemSource, SecretDer};

#[cfg(test)]
pub(crate) mod tests;
