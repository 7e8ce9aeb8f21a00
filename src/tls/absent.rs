//! What stands for TLS in a build without it.
//!
//! The words are those of TLS, since another process may run it for a connection (see `remote`); what would
//! run it are types without a value, so that the layers above are the same in every build. A configuration
//! cannot be made, and says why.

mod error;
mod failure;
mod found;
mod names;
mod negotiated;
mod options;
mod outcome;
mod remote;
mod source;

use std::sync::Arc;

pub use error::{LoadError, LoadFault};
pub use failure::{Failure, FailureKind};
pub use found::{Due, Found};
pub use names::is_server_name;
pub use negotiated::{CertificateFacts, Group, Negotiated, Verified};
pub use options::{ClientAuth, ClientOptions, KeyExchange, Roots, ServerOptions, TlsVersion};
pub(crate) use outcome::TlsNotices;
pub use outcome::{Handshake, InputEnd, Reading};
pub use remote::RemoteTls;
pub use source::{CertificateSource, PemSource, SecretDer};

use crate::buffer::{Buffer, Pool};
use crate::sys::WallTime;

/// There is no digest without cryptography.
pub(crate) const fn sha1(_: &[u8]) -> Option<[u8; 20]> {
    None
}

/// What nothing is. It is a field, where the lints of other modules do not see that their code is never run.
#[derive(Debug)]
enum Never {}

/// As long as a record may be: what sizes of buffers follow from.
pub(crate) const PLAINTEXT_MAX: usize = 1 << 14;
/// No record is longer.
pub(crate) const RECORD_MAX: usize = PLAINTEXT_MAX;

/// The accepting side's configuration: there is none.
#[derive(Debug)]
pub struct ServerTls(Never);

impl ServerTls {
    /// # Errors
    /// [`LoadFault::NoTls`], always.
    pub fn new(_: &ServerOptions, _: Arc<dyn WallTime>) -> Result<Arc<Self>, LoadError> {
        Err(LoadError::option(LoadFault::NoTls))
    }

    /// There is no secret.
    ///
    /// # Errors
    /// None: it cannot be called.
    pub fn take_key_log(&self, _: usize) -> Result<String, usize> {
        match self.0 {}
    }

    /// There is no warning.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        match self.0 {}
    }

    /// There is no certificate.
    #[must_use]
    pub fn not_after(&self, _: usize) -> Option<u64> {
        match self.0 {}
    }

    /// There is no certificate.
    #[must_use]
    pub fn first_not_after(&self) -> u64 {
        match self.0 {}
    }
}

/// The connecting side's configuration: there is none.
#[derive(Debug)]
pub struct ClientTls(Never);

impl ClientTls {
    /// # Errors
    /// [`LoadFault::NoTls`], always.
    pub fn new(_: &ClientOptions, _: Arc<dyn WallTime>) -> Result<Arc<Self>, LoadError> {
        Err(LoadError::option(LoadFault::NoTls))
    }

    /// There is no secret.
    ///
    /// # Errors
    /// None: it cannot be called.
    pub fn take_key_log(&self, _: usize) -> Result<String, usize> {
        match self.0 {}
    }

    /// There is no warning.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        match self.0 {}
    }

    /// There is no certificate.
    #[must_use]
    pub const fn not_after(&self) -> Option<u64> {
        match self.0 {}
    }
}

/// One connection's TLS: there is none. Its functions are those of the session that exists.
#[derive(Debug)]
pub struct Session(Never);

#[allow(missing_docs, clippy::missing_errors_doc, reason = "none can be called")]
impl Session {
    #[must_use]
    pub fn server(tls: &Arc<ServerTls>) -> Self {
        match tls.0 {}
    }

    pub fn client(tls: &Arc<ClientTls>, _: &str) -> Result<Self, Failure> {
        match tls.0 {}
    }

    pub fn input(&mut self, _: &mut Pool) -> Result<&mut Buffer, Failure> {
        match self.0 {}
    }

    pub fn handshake(&mut self, _: &mut Buffer, _: &mut Pool) -> Handshake {
        match self.0 {}
    }

    #[must_use]
    pub fn wants_heavy(&self) -> bool {
        match self.0 {}
    }

    #[must_use]
    pub const fn is_established(&self) -> bool {
        match self.0 {}
    }

    #[must_use]
    pub fn has_record(&self) -> bool {
        match self.0 {}
    }

    #[must_use]
    pub fn has_input(&self) -> bool {
        match self.0 {}
    }

    #[must_use]
    pub fn held(&self) -> usize {
        match self.0 {}
    }

    pub fn decrypt(
        &mut self,
        _: &mut Buffer,
        _: &mut Buffer,
        _: &mut Pool,
    ) -> Result<Reading, Failure> {
        match self.0 {}
    }

    pub fn encrypt(&mut self, _: &[u8], _: &mut Buffer) -> Result<usize, Failure> {
        match self.0 {}
    }

    pub fn close_notify(&mut self, _: &mut Buffer) {
        match self.0 {}
    }

    #[must_use]
    pub const fn needless(&self) -> usize {
        match self.0 {}
    }

    pub fn eof(&mut self) -> InputEnd {
        match self.0 {}
    }

    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        match self.0 {}
    }

    #[must_use]
    pub fn negotiated(&self) -> Option<Negotiated<'_>> {
        match self.0 {}
    }

    #[must_use]
    pub const fn is_peer_closed(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn take_notices(&mut self) -> TlsNotices {
        match self.0 {}
    }

    #[must_use]
    pub fn version(&self) -> Option<TlsVersion> {
        match self.0 {}
    }

    pub fn expect(&mut self, _: usize, _: &mut Pool) {
        match self.0 {}
    }

    pub fn rest(&mut self, _: &mut Pool) {
        match self.0 {}
    }

    pub fn give_back(&mut self, _: &mut Pool) {
        match self.0 {}
    }
}
