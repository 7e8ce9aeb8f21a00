//! Resumption on the server's side: sealed tickets that clients keep, and sessions kept here.
//! Both belong to one configuration and are shared with no other: rustls compares suite and name
//! before it resumes, and takes a resumed client certificate for verified.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, Iv, OutboundChunks, OutboundPlainMessage, Tls13AeadAlgorithm,
};
use rustls::crypto::{CryptoProvider, SecureRandom};
use rustls::server::{ProducesTickets, ServerSessionMemoryCache, StoresServerSessions};
use rustls::{ContentType, ProtocolVersion, SupportedCipherSuite};

use zeroize::Zeroizing;

use super::expiry::{Expiry, Stamp};
use crate::sys::WallTime;

/// The length of the AEAD keys looked for: AES-256 and ChaCha20.
const KEY_LEN: usize = 32;
const KEY_NAME_LEN: usize = 16;
const NONCE_LEN: usize = 12;
/// The longest session sealed: what one record carries. A client with a longer certificate chain
/// gets no ticket.
const SESSION_MAX: usize = 16 * 1024 - Stamp::LEN;

/// Tickets sealed with the record protection of a TLS 1.3 cipher suite, which is how the
/// provider's AEAD can be reached whichever provider it is.
///
/// A ticket is: name of the key, nonce, and one TLS 1.3 record's ciphertext of (stamp, session). A key
/// seals for one lifetime and opens for two, so that every ticket lives its whole time. Whenever a
/// ticket is made or opened, keys whose time is over, or has not begun because the injected clock was
/// ahead, are wiped.
pub(super) struct Tickets {
    aead: &'static dyn Tls13AeadAlgorithm,
    random: &'static dyn SecureRandom,
    clock: Arc<dyn WallTime>,
    lifetime: u32,
    keys: Mutex<TicketKeys>,
}

#[derive(Default)]
struct TicketKeys {
    current: Option<TicketKey>,
    previous: Option<TicketKey>,
}

#[derive(Clone)]
struct TicketKey {
    born: u64,
    name: [u8; KEY_NAME_LEN],
    secret: Zeroizing<[u8; KEY_LEN]>,
}

impl TicketKeys {
    /// Retires a key that no longer seals at `now`, and wipes keys that no longer open.
    fn age(&mut self, now: u64, lifetime: u64) {
        if self.current.as_ref().is_some_and(|key| !key.is_younger(now, lifetime)) {
            self.previous = self.current.take();
        }
        self.previous.take_if(|key| !key.is_younger(now, lifetime.saturating_mul(2)));
    }
}

impl TicketKey {
    fn new(now: u64, random: &dyn SecureRandom) -> Option<Self> {
        let mut key = Self { born: now, name: [0; KEY_NAME_LEN], secret: [0; KEY_LEN].into() };
        random.fill(&mut key.name).ok()?;
        random.fill(&mut *key.secret).ok()?;
        Some(key)
    }

    /// Whether the key was made less than `age` seconds before `now`, and not after it.
    fn is_younger(&self, now: u64, age: u64) -> bool {
        now.checked_sub(self.born).is_some_and(|old| old < age)
    }

    fn aead(&self) -> AeadKey {
        AeadKey::from(*self.secret)
    }
}

impl Tickets {
    /// Tickets that live `lifetime` seconds; `None` when the provider has no suite to seal with.
    pub(super) fn new(
        provider: &CryptoProvider,
        clock: Arc<dyn WallTime>,
        lifetime: u32,
    ) -> Option<Self> {
        let aead = provider
            .cipher_suites
            .iter()
            .filter_map(SupportedCipherSuite::tls13)
            .map(|suite| suite.aead_alg)
            .find(|aead| aead.key_len() == KEY_LEN)?;
        let random = provider.secure_random;
        Some(Self { aead, random, clock, lifetime, keys: Mutex::default() })
    }

    /// The keys that hold now, and the current time. The time is read under the lock, so that no
    /// thread takes a key that another thread has just made for one from the future.
    fn keys(&self) -> (MutexGuard<'_, TicketKeys>, u64) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.unix_seconds();
        keys.age(now, self.lifetime.into());
        (keys, now)
    }

    /// The key to seal with, made when there is none, and the current time.
    fn current(&self) -> Option<(TicketKey, u64)> {
        let (mut keys, now) = self.keys();
        if keys.current.is_none() {
            keys.current = Some(TicketKey::new(now, self.random)?);
        }
        keys.current.clone().map(|key| (key, now))
    }

    /// The key of this name, and the current time.
    fn named(&self, name: &[u8]) -> Option<(TicketKey, u64)> {
        let (keys, now) = self.keys();
        let mut known = [&keys.current, &keys.previous].into_iter().flatten();
        known.find(|key| key.name == name).cloned().map(|key| (key, now))
    }

    fn seal(&self, session: &[u8]) -> Option<Vec<u8>> {
        if session.len() > SESSION_MAX {
            return None;
        }
        let (key, now) = self.current()?;
        let stamped = Zeroizing::new([&Stamp::new(now)?.to_bytes(), session].concat());
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let sealed = self
            .aead
            .encrypter(key.aead(), Iv::from(nonce))
            .encrypt(record(OutboundChunks::Single(&stamped)), 0)
            .ok()?;
        Some([&key.name, &nonce[..], sealed.payload.as_ref()].concat())
    }

    fn open(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_at_checked(KEY_NAME_LEN)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let (key, now) = self.named(name)?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let sealed = InboundOpaqueMessage::new(
            ContentType::ApplicationData,
            ProtocolVersion::TLSv1_2,
            &mut sealed,
        );
        let stamped = self.aead.decrypter(key.aead(), Iv::from(*nonce)).decrypt(sealed, 0).ok()?;
        resumable(stamped.payload, now, self.lifetime)
    }
}

fn record(payload: OutboundChunks<'_>) -> OutboundPlainMessage<'_> {
    OutboundPlainMessage {
        typ: ContentType::ApplicationData,
        version: ProtocolVersion::TLSv1_2,
        payload,
    }
}

/// The session behind its stamp, if the stamp allows resumption.
fn resumable(stamped: &[u8], now: u64, lifetime: u32) -> Option<Vec<u8>> {
    let (stamp, session) = Stamp::split(stamped)?;
    stamp.resume(now, lifetime).then(|| session.to_vec())
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    /// The lifetime that clients are told for the ticket that was just sealed.
    fn lifetime(&self) -> u32 {
        Expiry::left(self.clock.unix_seconds(), self.lifetime)
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        self.seal(session)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.open(ticket)
    }
}

impl fmt::Debug for Tickets {
    /// The keys are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tickets({} s)", self.lifetime)
    }
}

/// Sessions kept in memory for clients that take no tickets, for the lifetime of a ticket.
#[derive(Debug)]
pub(super) struct Sessions {
    store: Arc<ServerSessionMemoryCache>,
    clock: Arc<dyn WallTime>,
    lifetime: u32,
}

impl Sessions {
    pub(super) fn new(size: usize, clock: Arc<dyn WallTime>, lifetime: u32) -> Self {
        Self { store: ServerSessionMemoryCache::new(size), clock, lifetime }
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, session: Vec<u8>) -> bool {
        Stamp::new(self.clock.unix_seconds())
            .is_some_and(|stamp| self.store.put(key, [&stamp.to_bytes(), &session[..]].concat()))
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        resumable(&self.store.get(key)?, self.clock.unix_seconds(), self.lifetime)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        resumable(&self.store.take(key)?, self.clock.unix_seconds(), self.lifetime)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
