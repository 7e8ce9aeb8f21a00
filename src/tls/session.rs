//! One connection's TLS, either side of it, without I/O.

mod handshake;

use std::fmt;
use std::sync::Arc;

use rustls::HandshakeKind;
use rustls::pki_types::ServerName;

use super::client::ClientTls;
use super::failure::{Failure, FailureKind};
use super::handshaker::Handshaker;
use super::names;
use super::negotiated::Negotiated;
use super::options::{ClientAuth, TlsVersion};
use super::outcome::{Handshake, InputEnd, Reading, TlsNotices};
use super::provider;
use super::record::{APPLICATION_DATA, HANDSHAKE, PLAINTEXT_MAX};
use super::record_buffer::{RESIDUAL_MAX, RecordBuffer};
use super::role::Role;
use super::server::ServerTls;
use super::traffic::Traffic;
use crate::buffer::{Buffer, Pool};
use crate::cause::is_plain;

/// The stages of a session.
enum Stage {
    /// Nothing was received and nothing was sent.
    Fresh,
    /// rustls runs the handshake.
    Handshaking(Box<Handshaker>),
    /// rustls has handed over the keys and is dropped.
    Open(Box<Traffic>),
}

/// One connection's TLS. Ciphertext is received into [`Session::input`]; after each receive comes
/// [`Session::handshake`] until it is done, then [`Session::decrypt`].
///
/// Of what was received, rustls is shown one record at a time, so that it sees nothing behind the
/// handshake.
pub struct Session {
    role: Role,
    stage: Stage,
    record_buffer: RecordBuffer,
    failure: Option<Box<Failure>>,
}

impl Session {
    /// The accepting side. It creates no rustls connection before the first bytes come.
    #[must_use]
    pub fn server(tls: &Arc<ServerTls>) -> Self {
        Self::new(Role::Server { tls: Arc::clone(tls), name: None, chosen: None })
    }

    /// The connecting side, to a server that must prove to be `server_name`: a DNS name, which is
    /// also sent (RFC 6066), or an IP address, which is not.
    ///
    /// # Errors
    /// `server_name` is neither.
    pub fn client(tls: &Arc<ClientTls>, server_name: &str) -> Result<Self, Failure> {
        let name = ServerName::try_from(server_name)
            .map_err(|_| Failure::misuse("the server's name is no DNS name and no IP address"))?
            .to_owned();
        Ok(Self::new(Role::Client { tls: Arc::clone(tls), name }))
    }

    fn new(role: Role) -> Self {
        Self { role, stage: Stage::Fresh, record_buffer: RecordBuffer::default(), failure: None }
    }

    /// The buffer to receive ciphertext into: its `space` is not empty. It is taken from `pool` and
    /// goes back there as soon as it is empty. To be asked for only when [`Session::handshake`]
    /// needs input, or when [`Session::decrypt`] has left no complete record.
    ///
    /// # Errors
    /// The connection has failed, or the peer has closed. [`FailureKind::TooLarge`] when an incomplete
    /// message has filled `RESIDUAL_MAX` bytes.
    pub fn input(&mut self, pool: &mut Pool) -> Result<&mut Buffer, Failure> {
        self.check()?;
        if self.is_peer_closed() {
            return Err(Failure::misuse("nothing is read after the peer's close_notify"));
        }
        if self.record_buffer.len() >= RESIDUAL_MAX {
            let failure = Failure::new(FailureKind::TooLarge, "a handshake message is too large");
            self.record_buffer.give_back(pool);
            return Err(self.latch(failure));
        }
        Ok(self.record_buffer.input(pool))
    }

    /// Takes the handshake as far as the input goes. All there is to send (flights, tickets, an
    /// alert) is appended to `out`, in order. A client's first call needs no input.
    pub fn handshake(&mut self, out: &mut Buffer, pool: &mut Pool) -> Handshake {
        if let Err(failure) = self.check() {
            return Handshake::Failed(failure);
        }
        if self.is_established() {
            return Handshake::Done;
        }
        let outcome = self.begin().and_then(|()| self.advance(out));
        match outcome {
            Ok(handshake) => {
                self.record_buffer.give_empty(pool);
                handshake
            }
            Err(failure) => {
                self.record_buffer.give_back(pool);
                Handshake::Failed(failure)
            }
        }
    }

    /// Whether the next [`Session::handshake`] with the present input probably does asymmetric
    /// cryptography: a key exchange, a signature or the verification of one. Says yes too often
    /// rather than too seldom.
    #[must_use]
    pub fn wants_heavy(&self) -> bool {
        if self.failure.is_some() {
            return false;
        }
        let handshaker = match &self.stage {
            // A client makes its key share with its first flight.
            Stage::Fresh => {
                return matches!(self.role, Role::Client { .. }) || self.has_record();
            }
            Stage::Handshaking(handshaker) => handshaker,
            Stage::Open(_) => return false,
        };
        // In TLS 1.3 a server that asked for no certificate has only the client's MAC left to
        // check.
        if let Role::Server { tls, .. } = &self.role
            && tls.client_auth == ClientAuth::None
            && provider::known(handshaker.common().protocol_version()) == Some(TlsVersion::Tls13)
            && handshaker
                .common()
                .handshake_kind()
                .is_some_and(|kind| kind != HandshakeKind::FullWithHelloRetryRequest)
        {
            return false;
        }
        self.record_buffer.next().is_some_and(|next| {
            next.complete && matches!(next.header[0], HANDSHAKE | APPLICATION_DATA)
        })
    }

    /// Whether the handshake is over and the connection has not failed.
    #[must_use]
    pub const fn is_established(&self) -> bool {
        matches!(self.stage, Stage::Open(_)) && self.failure.is_none()
    }

    /// Whether a record waits to be read: a complete one, or the beginning of what never becomes
    /// one.
    #[must_use]
    pub fn has_record(&self) -> bool {
        match &self.stage {
            Stage::Open(traffic) => traffic.has_input(&self.record_buffer),
            Stage::Fresh | Stage::Handshaking(_) => {
                self.record_buffer.next().is_some_and(|next| next.complete)
            }
        }
    }

    /// Whether reading makes progress without further ciphertext: a record waits, or nothing more
    /// will ever come.
    #[must_use]
    pub fn has_input(&self) -> bool {
        self.failure.is_some() || self.is_peer_closed() || self.has_record()
    }

    /// Bytes of ciphertext held: 0 on an idle connection, which then holds no buffer.
    #[must_use]
    pub fn held(&self) -> usize {
        self.record_buffer.len()
    }

    /// Decrypts every complete record that was received, appending to `plain`, as long as there is
    /// room for all a record may hold (an empty pooled buffer always has room for one). What has to
    /// be answered is appended to `out`; the answer to a KeyUpdate leaves with the next record.
    ///
    /// TLS 1.2 requires an answer to close_notify (RFC 5246 section 7.2.1): the caller sends it,
    /// behind its pending bytes.
    ///
    /// # Errors
    /// What was decrypted before the fault is in `plain` and is authentic; the alert is in `out`.
    pub fn decrypt(
        &mut self,
        plain: &mut Buffer,
        out: &mut Buffer,
        pool: &mut Pool,
    ) -> Result<Reading, Failure> {
        self.check()?;
        let Stage::Open(traffic) = &mut self.stage else {
            return Err(Failure::misuse("nothing is decrypted before the handshake is over"));
        };
        let before = plain.len();
        let outcome = traffic.read(&mut self.record_buffer, plain, out);
        let closed = traffic.peer_closed;
        if outcome.is_err() || closed {
            self.record_buffer.give_back(pool);
        }
        self.record_buffer.give_empty(pool);
        match outcome {
            Ok(no_room) => Ok(Reading { got: plain.len() - before, closed, no_room }),
            Err(failure) => Err(self.latch(failure)),
        }
    }

    /// Encrypts the beginning of `plain` into one record appended to `out`, and tells how much that
    /// was: at most 16,384 bytes.
    ///
    /// # Errors
    /// The connection has failed; or the call comes before the end of the handshake or after
    /// close_notify, and then changes nothing.
    pub fn encrypt(&mut self, plain: &[u8], out: &mut Buffer) -> Result<usize, Failure> {
        self.check()?;
        let Stage::Open(traffic) = &mut self.stage else {
            return Err(Failure::misuse("nothing is sent before the handshake is over"));
        };
        if traffic.close_sent {
            return Err(Failure::misuse("nothing is sent after the close"));
        }
        let plain = &plain[..plain.len().min(PLAINTEXT_MAX)];
        if !plain.is_empty()
            && let Err(failure) = traffic.write(plain, out)
        {
            return Err(self.latch(failure));
        }
        Ok(plain.len())
    }

    /// Ends the outgoing direction by close_notify, once. During the handshake or after a failure
    /// nothing is sent.
    pub fn close_notify(&mut self, out: &mut Buffer) {
        if self.failure.is_none()
            && let Stage::Open(traffic) = &mut self.stage
            && let Err(failure) = traffic.close(out)
        {
            self.latch(failure);
        }
    }

    /// The length of our close_notify where the peer has sent its own and so need not read ours
    /// (RFC 8446 section 6.1); else 0.
    #[must_use]
    pub const fn needless(&self) -> usize {
        match &self.stage {
            Stage::Open(traffic) => traffic.needless(),
            Stage::Fresh | Stage::Handshaking(_) => 0,
        }
    }

    /// Reports that no more ciphertext comes. The outgoing direction stays open, unless the end is
    /// a failure.
    pub fn eof(&mut self) -> InputEnd {
        if self.is_peer_closed() {
            return InputEnd::Clean;
        }
        let text = match &self.stage {
            Stage::Fresh | Stage::Handshaking(_) => "the peer went away during the handshake",
            Stage::Open(_) if self.held() > 0 => "the peer went away in the middle of a TLS record",
            Stage::Open(traffic) if traffic.has_begun_message() => {
                "the peer went away in the middle of a TLS message"
            }
            Stage::Open(_) => return InputEnd::Truncated,
        };
        InputEnd::Failed(self.latch(Failure::new(FailureKind::Truncated, text)))
    }

    /// The name a client asked for, known as soon as its first message was read; on the client's
    /// side, the name it asks for.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.role.server_name()
    }

    /// What was agreed; `None` until the handshake is over.
    #[must_use]
    pub fn negotiated(&self) -> Option<Negotiated<'_>> {
        let Stage::Open(traffic) = &self.stage else {
            return None;
        };
        let agreed = &traffic.agreed;
        let suite = agreed.suite.suite().into();
        let chain = &agreed.chain[..];
        Some(Negotiated {
            version: agreed.version,
            suite,
            suite_name: names::suite(suite),
            group: agreed.group.map(|group| names::group(group.into())),
            alpn: agreed.alpn.as_deref(),
            server_name: self.server_name(),
            resumed: agreed.resumed,
            verified: self.role.verified(chain),
            own: self.role.own(),
            chain,
        })
    }

    /// Whether the peer's close_notify has been read: nothing more will come.
    #[must_use]
    pub const fn is_peer_closed(&self) -> bool {
        match &self.stage {
            Stage::Open(traffic) => traffic.peer_closed,
            Stage::Fresh | Stage::Handshaking(_) => false,
        }
    }

    /// What has happened beside data since this was last asked.
    pub(crate) fn take_notices(&mut self) -> TlsNotices {
        match &mut self.stage {
            Stage::Open(traffic) => std::mem::take(&mut traffic.notices),
            Stage::Fresh | Stage::Handshaking(_) => TlsNotices::empty(),
        }
    }

    /// The version that was agreed on, once it was.
    #[must_use]
    pub fn version(&self) -> Option<TlsVersion> {
        match &self.stage {
            Stage::Fresh => None,
            Stage::Handshaking(handshaker) => {
                provider::known(handshaker.common().protocol_version())
            }
            Stage::Open(traffic) => Some(traffic.agreed.version),
        }
    }

    /// Sizes the buffer of [`Session::input`] for `n` bytes, once the handshake is over.
    pub fn expect(&mut self, n: usize, pool: &mut Pool) {
        if matches!(self.stage, Stage::Open(_)) {
            self.record_buffer.fit(n, pool);
        }
    }

    /// Releases memory while nothing is received: the buffer goes back if no ciphertext waits in
    /// it, and else shrinks to what waits.
    pub fn rest(&mut self, pool: &mut Pool) {
        self.record_buffer.give_empty(pool);
        if self.held() > 0 {
            self.expect(self.held(), pool);
        }
    }

    /// Gives the buffer back that a connection holds while ciphertext waits. Must be called before
    /// a session is dropped.
    pub fn give_back(&mut self, pool: &mut Pool) {
        self.record_buffer.give_back(pool);
    }

    /// Appends a record of any type, protected with our keys.
    #[cfg(test)]
    pub(crate) fn forge(&mut self, kind: u8, plain: &[u8], out: &mut Buffer) {
        self.traffic().forge(kind, plain, out);
    }

    /// Makes the keys we send with appear to have protected all but `left` of their records.
    #[cfg(test)]
    pub(crate) fn wear(&mut self, left: u64) {
        self.traffic().wear(left);
    }

    /// Makes the keys we receive with appear to have protected all but `left` of their records.
    #[cfg(test)]
    pub(crate) fn wear_received(&mut self, left: u64) {
        self.traffic().wear_received(left);
    }

    #[cfg(test)]
    pub(super) fn traffic(&mut self) -> &mut Traffic {
        match &mut self.stage {
            Stage::Open(traffic) => traffic,
            Stage::Fresh | Stage::Handshaking(_) => panic!("the handshake is not over"),
        }
    }

    fn latch(&mut self, failure: Failure) -> Failure {
        debug_assert!(is_plain(&failure.text), "a debug form to read: {failure}");
        self.failure.get_or_insert_with(|| Box::new(failure)).as_ref().clone()
    }

    fn check(&self) -> Result<(), Failure> {
        self.failure.as_ref().map_or(Ok(()), |failure| Err(failure.as_ref().clone()))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("server", &matches!(self.role, Role::Server { .. }))
            .field("established", &self.is_established())
            .field("peer_closed", &self.is_peer_closed())
            .field("held", &self.held())
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}
