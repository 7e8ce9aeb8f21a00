//! Limits on how fast the session's bytes move, in each direction.
//!
//! A limit counts the bytes that the session reads and writes: with TLS, those in its records. While
//! there is nothing left to spend, the connection waits for its timer, [`Wait::TIMER`], and the bytes
//! stay where they are: with the peer, or with whoever sends them.

use std::fmt::Write;

use super::{Conn, Direction, Flags, Wait};
use crate::data::UNIT;
use crate::time::Time;
use crate::token_bucket::{PIECE_MAX, RateLimit, TokenBucket};

/// The piece of bytes that is worth a wake-up fills a read, so that splicing goes on.
const _: () = assert!(PIECE_MAX == UNIT as u64);

/// The limits of a connection.
#[derive(Debug)]
pub(crate) struct Rates {
    incoming: Option<TokenBucket>,
    outgoing: Option<TokenBucket>,
}

impl Rates {
    const fn bucket(&mut self, direction: Direction) -> &mut Option<TokenBucket> {
        match direction {
            Direction::Read => &mut self.incoming,
            Direction::Write => &mut self.outgoing,
        }
    }

    /// Writes the bytes and the nanoseconds of each limit.
    fn write(&self, line: &mut String) -> std::fmt::Result {
        for (name, bucket) in [("in", &self.incoming), ("out", &self.outgoing)] {
            if let Some(limit) = bucket.as_ref().map(TokenBucket::limit) {
                write!(line, " limit_{name}={}/{}ns", limit.bytes(), limit.period())?;
            }
        }
        Ok(())
    }
}

impl Conn {
    /// Limits how fast the session's bytes move in one direction from now on, or ends the limit.
    pub(crate) fn limit_rate(&mut self, direction: Direction, limit: Option<RateLimit>, now: Time) {
        if limit.is_none() && !self.is_limited() {
            return;
        }
        let none = || Box::new(Rates { incoming: None, outgoing: None });
        let rates = &mut self.facts.rare_mut().rates;
        let set = rates.get_or_insert_with(none);
        *set.bucket(direction) = limit.map(|limit| TokenBucket::new(limit, now));
        rates.take_if(|rates| rates.incoming.is_none() && rates.outgoing.is_none());
        self.flags.set(Flags::LIMITED, rates.is_some());
    }

    /// Whether it has limits. Without, nothing else here needs to be asked.
    pub(crate) const fn is_limited(&self) -> bool {
        self.flags.contains(Flags::LIMITED)
    }

    /// How many bytes of the session may move in this direction now. If none may, they are held back:
    /// the connection is driven again when some may.
    pub(crate) fn allowance(&mut self, direction: Direction, now: Time) -> usize {
        if self.is_limited() { self.ask(direction, now) } else { usize::MAX }
    }

    #[cold]
    fn ask(&mut self, direction: Direction, now: Time) -> usize {
        let Some(rates) = self.facts.rates_mut() else { return usize::MAX };
        let Some(bucket) = rates.bucket(direction) else { return usize::MAX };
        let was_spent = bucket.is_spent();
        let allowed = bucket.allowance(now);
        if allowed == 0 {
            let resumes_at = bucket.resumes_at();
            self.hold_until(resumes_at);
        } else if was_spent {
            // The host could do nothing meanwhile, and the peer may have spoken unheard.
            self.was_active(now);
            self.heard(now);
        }
        usize::try_from(allowed).unwrap_or(usize::MAX)
    }

    /// So many bytes of the session have moved in this direction.
    pub(crate) fn spend(&mut self, direction: Direction, bytes: usize) {
        if self.is_limited() {
            self.pay(direction, bytes);
        }
    }

    #[cold]
    fn pay(&mut self, direction: Direction, bytes: usize) {
        let bucket = self.facts.rates_mut().and_then(|rates| rates.bucket(direction).as_mut());
        if let Some(bucket) = bucket {
            bucket.spend(bytes as u64);
        }
    }

    /// Writes its limits, for who asks why its bytes are slow.
    pub(crate) fn write_limits(&self, line: &mut String) -> std::fmt::Result {
        let rates = self.facts.rare.as_ref().and_then(|rare| rare.rates.as_ref());
        rates.map_or(Ok(()), |rates| rates.write(line))
    }

    /// Bytes of the session are held back until this time: it is driven again then.
    pub(crate) fn hold_until(&mut self, at: Time) {
        let before = if self.is_held_back() { self.resumes_at() } else { Time::NEVER };
        self.facts.rare_mut().held_until = Some(at.min(before));
        self.flow |= Wait::TIMER;
    }

    /// Whether bytes of the session are held back, by a limit or by rules that wait for more.
    pub(crate) const fn is_held_back(&self) -> bool {
        self.flow.contains(Wait::TIMER)
    }

    /// When bytes that are held back may move.
    pub(super) fn resumes_at(&self) -> Time {
        self.facts.rare.as_ref().and_then(|rare| rare.held_until).unwrap_or(Time::NEVER)
    }
}
