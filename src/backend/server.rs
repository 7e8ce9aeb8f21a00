//! One server: its addresses, its limits, and whether it takes streams now.

use std::sync::Arc;

use super::health::{Health, HealthConfig};
use super::stats::{BackendCounters, Gauge};
use crate::config::ConnectConfig;
use crate::random::mix;
use crate::sys::Addr;
use crate::time::Time;

/// Which server of its backend, in the order they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ServerIndex(pub(crate) u32);

/// A server's share relative to the others: 0 to [`Weight::MAX`]. With 0 it has no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Weight(u16);

impl Weight {
    /// The largest.
    pub(crate) const MAX: u16 = 256;

    /// A weight; `None` above [`Weight::MAX`].
    #[must_use]
    pub(crate) const fn new(weight: u16) -> Option<Self> {
        if weight <= Self::MAX { Some(Self(weight)) } else { None }
    }

    /// The number.
    #[must_use]
    pub(crate) const fn get(self) -> u16 {
        self.0
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self(1)
    }
}

/// The administrative state of a server, which the operator sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Admin {
    /// It serves.
    #[default]
    Ready,
    /// It takes no new streams, except those that insist on it or wait in its own queue.
    Drain,
    /// It takes nothing and is not checked.
    Maintenance,
}

/// The configuration of a server.
#[derive(Clone, Debug)]
pub(crate) struct ServerConfig {
    /// Its name, which no other server of the backend has. Which sources it gets by their hash depends
    /// on the name, so it keeps them when the list of servers is rewritten.
    pub(crate) name: Box<str>,
    /// Its addresses, which are tried one after the other. It gets no stream while it has none.
    pub(crate) addresses: Vec<Addr>,
    /// Its weight.
    pub(crate) weight: Weight,
    /// Whether it is used only while no other server is usable.
    pub(crate) backup: bool,
    /// How many streams it carries at a time; 0 is no limit.
    pub(crate) maxconn: u32,
    /// How many streams may wait in its own queue.
    pub(crate) maxqueue: u32,
    /// The configuration of the connections to it.
    pub(crate) connect: Arc<ConnectConfig>,
    /// How its health is judged.
    pub(crate) health: HealthConfig,
}

/// A server of a backend.
#[derive(Debug)]
pub(crate) struct Server {
    pub(super) name: Box<str>,
    pub(super) addresses: Vec<Addr>,
    pub(super) weight: Weight,
    pub(super) backup: bool,
    pub(super) maxconn: u32,
    pub(super) connect: Arc<ConnectConfig>,
    pub(super) admin: Admin,
    pub(super) health: Health,
    pub(super) streams: Gauge,
    pub(super) counters: BackendCounters,
    /// Its balance in smooth weighted round robin, in units of weight.
    pub(super) turn: i64,
    /// The hash of its name.
    pub(super) key: u64,
}

impl Server {
    pub(super) fn new(config: ServerConfig, seed: u64, now: Time) -> Self {
        let key = key_of(&config.name);
        Self {
            name: config.name,
            addresses: config.addresses,
            weight: config.weight,
            backup: config.backup,
            maxconn: config.maxconn,
            connect: config.connect,
            admin: Admin::Ready,
            // Servers with the same configuration must not all be checked at the same times.
            health: Health::new(config.health, mix(seed ^ key), now),
            streams: Gauge::default(),
            counters: BackendCounters::default(),
            turn: 0,
            key,
        }
    }

    /// The address for an attempt, counted from 0: they are tried in turn. `None` while it has none.
    #[must_use]
    pub(crate) fn address(&self, attempt: u32) -> Option<&Addr> {
        let turn = (attempt as usize).checked_rem(self.addresses.len())?;
        self.addresses.get(turn)
    }

    /// Its name.
    #[must_use]
    pub(crate) const fn name(&self) -> &str {
        &self.name
    }

    /// Its addresses.
    #[must_use]
    pub(crate) fn addresses(&self) -> &[Addr] {
        &self.addresses
    }

    /// The configuration of the connections to it.
    #[must_use]
    pub(crate) const fn connect(&self) -> &Arc<ConnectConfig> {
        &self.connect
    }

    /// Its streams.
    #[must_use]
    pub(crate) const fn streams(&self) -> u32 {
        self.streams.now
    }

    /// How many more streams it may carry; `None` without a limit.
    #[must_use]
    pub(crate) fn room(&self) -> Option<u64> {
        let left = self.maxconn.saturating_sub(self.streams.now);
        (self.maxconn < u32::MAX).then_some(left.into())
    }

    /// Its administrative state.
    #[must_use]
    pub(crate) const fn admin(&self) -> Admin {
        self.admin
    }

    /// Its weight.
    #[must_use]
    pub(crate) const fn weight(&self) -> Weight {
        self.weight
    }

    /// Whether its health is good, whatever its administrative state.
    #[must_use]
    pub(crate) const fn is_up(&self) -> bool {
        self.health.is_up()
    }

    /// Whether checks decide about its health.
    #[must_use]
    pub(crate) const fn is_checked(&self) -> bool {
        self.health.is_checked()
    }

    /// Whether it takes a stream that insists on it.
    #[must_use]
    pub(crate) fn serves(&self) -> bool {
        self.admin != Admin::Maintenance && self.health.is_up() && !self.addresses.is_empty()
    }

    /// Whether new streams may go to it.
    #[must_use]
    pub(crate) fn is_usable(&self) -> bool {
        self.admin == Admin::Ready && self.weight.get() > 0 && self.serves()
    }

    /// The operator has dealt with a server that leaves maintenance, so what was known of its health
    /// before no longer counts.
    pub(super) fn set_admin(&mut self, admin: Admin, now: Time) {
        match (self.admin, admin) {
            (_, Admin::Maintenance) => self.health.pause(),
            (Admin::Maintenance, _) => self.health.resume(now),
            _ => {}
        }
        self.admin = admin;
    }

    /// Whether it has a free slot.
    #[must_use]
    pub(super) const fn has_room(&self) -> bool {
        self.streams.now < self.maxconn
    }

    /// Compares its load with that of `other`: streams per weight, compared without dividing.
    #[must_use]
    pub(super) fn load_cmp(&self, other: &Self) -> std::cmp::Ordering {
        let own = u64::from(self.streams.now) * u64::from(other.weight.get());
        let others = u64::from(other.streams.now) * u64::from(self.weight.get());
        own.cmp(&others)
    }
}

/// 64-bit FNV-1a (Fowler, Noll, Vo), mixed.
fn key_of(name: &str) -> u64 {
    let fnv = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    mix(fnv)
}

/// One of the streams a server may carry. It can neither be copied nor made elsewhere, and giving it
/// back consumes it: so no slot is freed twice. One that is dropped is never freed.
#[derive(Debug)]
#[must_use = "a slot that is not given back is lost"]
pub(crate) struct ServerSlot {
    server: ServerIndex,
}

impl ServerSlot {
    /// Only for the backend, which counts the stream together with making the slot.
    pub(super) const fn of(server: ServerIndex) -> Self {
        Self { server }
    }

    /// The server it is on.
    #[must_use]
    pub(crate) const fn server(&self) -> ServerIndex {
        self.server
    }
}
