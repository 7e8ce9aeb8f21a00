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

use crate::sys::WallTime;

/// The length of the AEAD keys looked for: AES-256 and ChaCha20.
const KEY_LEN: usize = 32;
const KEY_NAME_LEN: usize = 16;
const NONCE_LEN: usize = 12;
/// The longest session sealed: what one record carries. A client with a longer certificate chain
/// gets no ticket.
const SESSION_MAX: usize = 16 * 1024 - TIME_LEN;
/// The time of issue before what is sealed, in seconds since 1970, big-endian.
const TIME_LEN: usize = 8;

/// Tickets sealed with the record protection of a TLS 1.3 cipher suite, which is how the
/// provider's AEAD can be reached whichever provider it is.
///
/// A ticket is: name of the key, nonce, and one TLS 1.3 record's ciphertext of (time of issue,
/// session). A key seals for one lifetime and opens for two, so that every ticket lives its whole
/// time; rotation happens when a ticket is made or opened, by the injected clock.
pub(super) struct Tickets {
    aead: &'static dyn Tls13AeadAlgorithm,
    random: &'static dyn SecureRandom,
    clock: Arc<dyn WallTime>,
    lifetime: u32,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    current: Option<Key>,
    previous: Option<Key>,
}

#[derive(Clone, Copy)]
struct Key {
    born: u64,
    name: [u8; KEY_NAME_LEN],
    secret: [u8; KEY_LEN],
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

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key to seal with at `now`, made when there is none or it has served its time.
    fn current(&self, now: u64) -> Option<Key> {
        let mut keys = self.lock();
        match keys.current {
            Some(key) if now.saturating_sub(key.born) < u64::from(self.lifetime) => Some(key),
            old => {
                let mut key = Key { born: now, name: [0; KEY_NAME_LEN], secret: [0; KEY_LEN] };
                self.random.fill(&mut key.name).ok()?;
                self.random.fill(&mut key.secret).ok()?;
                *keys = Keys { current: Some(key), previous: old };
                Some(key)
            }
        }
    }

    fn named(&self, name: &[u8]) -> Option<Key> {
        let keys = self.lock();
        [keys.current, keys.previous].into_iter().flatten().find(|key| key.name == name)
    }

    fn seal(&self, key: &Key, message: &[u8], now: u64) -> Option<Vec<u8>> {
        if message.len() > SESSION_MAX {
            return None;
        }
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let plain = [&now.to_be_bytes(), message].concat();
        let sealed = self
            .aead
            .encrypter(AeadKey::from(key.secret), Iv::from(nonce))
            .encrypt(record(OutboundChunks::Single(&plain)), 0)
            .ok()?;
        Some([&key.name, &nonce[..], sealed.payload.as_ref()].concat())
    }

    fn open(&self, ticket: &[u8], now: u64) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_at_checked(KEY_NAME_LEN)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let key = self.named(name)?;
        let mut sealed = sealed.to_vec();
        let sealed = InboundOpaqueMessage::new(
            ContentType::ApplicationData,
            ProtocolVersion::TLSv1_2,
            &mut sealed,
        );
        let plain = self
            .aead
            .decrypter(AeadKey::from(key.secret), Iv::from(*nonce))
            .decrypt(sealed, 0)
            .ok()?;
        unexpired(plain.payload, now, self.lifetime)
    }
}

fn record(payload: OutboundChunks<'_>) -> OutboundPlainMessage<'_> {
    OutboundPlainMessage {
        typ: ContentType::ApplicationData,
        version: ProtocolVersion::TLSv1_2,
        payload,
    }
}

/// What follows the time of issue, if that is less than `lifetime` ago.
fn unexpired(stamped: &[u8], now: u64, lifetime: u32) -> Option<Vec<u8>> {
    let (issued, message) = stamped.split_first_chunk::<TIME_LEN>()?;
    let age = now.saturating_sub(u64::from_be_bytes(*issued));
    (age < u64::from(lifetime)).then(|| message.to_vec())
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.lifetime
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let now = self.clock.unix_seconds();
        self.current(now).and_then(|key| self.seal(&key, plain, now))
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.open(ticket, self.clock.unix_seconds())
    }
}

impl fmt::Debug for Tickets {
    /// Not the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tickets({} s)", self.lifetime)
    }
}

/// Sessions kept in memory, for clients that take no tickets, for the same time.
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
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let stamped = [&self.clock.unix_seconds().to_be_bytes(), &value[..]].concat();
        self.store.put(key, stamped)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        unexpired(&self.store.get(key)?, self.clock.unix_seconds(), self.lifetime)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        unexpired(&self.store.take(key)?, self.clock.unix_seconds(), self.lifetime)
    }

    fn can_cache(&self) -> bool {
        true
    }
}
