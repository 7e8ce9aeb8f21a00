//! How long a session may be resumed. A certificate is verified once, and a peer that resumes the
//! session counts as verified; so the time at which that ends is fixed when the certificate is
//! verified, and goes with the session through every resumption.
//!
//! rustls calls the verifier, the ticketer and the store of the shared configuration from within a
//! call on a connection, on the same thread, and says nothing of which connection it is. So each such
//! call is made by [`Expiry::during`], which lends them the connection's expiry.
//!
//! The thread-local is plain data with a constant initial value: it has no destructor and allocates
//! nothing, so that a library that is unloaded leaves nothing to run or to free.

use std::cell::Cell;

use super::error::{LIFETIME_MAX, LoadError, LoadFault};
use crate::wire::der::Certificate;

/// Refuses a lifetime that is too long; `option` names the option that set it.
pub(super) const fn check(option: &'static str, seconds: u32) -> Result<(), LoadError> {
    if seconds > LIFETIME_MAX {
        return Err(LoadError::option(LoadFault::LongLifetime { option, seconds }));
    }
    Ok(())
}

/// The first second since 1970 at which a session is resumed no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Expiry(u64);

thread_local! {
    /// The expiry of the connection whose call into rustls is running. Outside such calls it has
    /// passed, so that nothing is resumed.
    static CURRENT: Cell<Expiry> = const { Cell::new(Expiry::PAST) };
}

impl Expiry {
    /// The expiry where no certificate was verified: there is none.
    pub(super) const NEVER: Self = Self(u64::MAX);
    const PAST: Self = Self(0);

    /// The expiry of a session that rests on `leaf`, a certificate in DER that was verified at
    /// `now`.
    pub(super) fn of(leaf: &[u8], now: u64, lifetime: u32) -> Self {
        let not_after = Certificate::parse(leaf).ok().and_then(|leaf| leaf.not_after());
        let end = now.saturating_add(lifetime.into());
        not_after.map_or(Self::PAST, |not_after| Self(end.min(not_after)))
    }

    #[cfg(test)]
    pub(super) const fn at(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Runs `call`, a call into rustls for the connection whose expiry this is, and keeps the
    /// expiry that is set during the call.
    pub(super) fn during<T>(&mut self, call: impl FnOnce() -> T) -> T {
        CURRENT.set(*self);
        let answer = call();
        *self = CURRENT.replace(Self::PAST);
        answer
    }

    /// Makes this the expiry of the connection that rustls works on.
    pub(super) fn set(self) {
        CURRENT.set(self);
    }

    /// How many seconds the session of the connection that rustls works on has left, at most
    /// `most`.
    pub(super) fn left(now: u64, most: u32) -> u32 {
        let left = CURRENT.get().0.saturating_sub(now);
        u32::try_from(left).map_or(most, |left| left.min(most))
    }
}

/// The times that are stored with a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    issued: u64,
    expiry: Expiry,
}

impl Stamp {
    /// The length of an encoded stamp: both times, big-endian.
    pub(super) const LEN: usize = 2 * size_of::<u64>();

    /// The stamp for a session of the connection that rustls works on; `None` when it has expired.
    pub(super) fn new(now: u64) -> Option<Self> {
        let expiry = CURRENT.get();
        (now < expiry.0).then_some(Self { issued: now, expiry })
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (issued, expiry) = bytes.split_at_mut(size_of::<u64>());
        issued.copy_from_slice(&self.issued.to_be_bytes());
        expiry.copy_from_slice(&self.expiry.0.to_be_bytes());
        bytes
    }

    /// The stamp in front of `stamped`, and what follows it.
    pub(super) fn split(stamped: &[u8]) -> Option<(Self, &[u8])> {
        let (issued, rest) = stamped.split_first_chunk()?;
        let (expiry, rest) = rest.split_first_chunk()?;
        let expiry = Expiry(u64::from_be_bytes(*expiry));
        Some((Self { issued: u64::from_be_bytes(*issued), expiry }, rest))
    }

    /// Whether the session may be resumed: it was kept less than `lifetime` ago, not in the future,
    /// and has not expired. Then its expiry becomes that of the connection that rustls works on.
    pub(super) fn resume(self, now: u64, lifetime: u32) -> bool {
        let age = now.checked_sub(self.issued);
        let lives = age.is_some_and(|age| age < u64::from(lifetime)) && now < self.expiry.0;
        if lives {
            self.expiry.set();
        }
        lives
    }
}
