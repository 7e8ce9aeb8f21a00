//! A group of engines in several threads that serve the same purpose: what its members tell each other.
//!
//! No lock is taken and no word of the group is looked at where connections are served. What has changed
//! is written first, and then the others are woken; each looks at what is shared only when it was woken.

mod cell;
mod collection;
mod snapshot;
mod state;

pub(crate) use cell::ServerCell;
pub(crate) use snapshot::MetricsSnapshot;
pub(crate) use state::{ADMIN, ServerState, VERDICT, WEIGHT};

use std::collections::HashMap;
use std::sync::Weak;

use crate::sync::{Arc, Mutex, lock};
use collection::Collection;

/// How a member is woken by the others, in whose threads it is called.
pub(crate) trait Wake: Send + Sync {
    /// Has the member's thread call `Engine::on_group` soon.
    fn wake(&self);
}

/// The names of a backend and of a server of it.
type ServerName = (Box<str>, Box<str>);

/// Engines that serve the same purpose.
pub(crate) struct EngineGroup {
    members: Mutex<Members>,
    /// The servers that members have, by the names of backend and server.
    servers: Mutex<HashMap<ServerName, Weak<ServerCell>>>,
    pub(crate) metrics: Collection<MetricsSnapshot>,
    /// What members that are gone have counted.
    departed: Mutex<MetricsSnapshot>,
}

#[derive(Default)]
struct Members {
    /// The number of the last one that joined.
    last: u32,
    list: Vec<(u32, Arc<dyn Wake>)>,
}

impl EngineGroup {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            members: Mutex::default(),
            servers: Mutex::default(),
            metrics: Collection::new(),
            departed: Mutex::default(),
        })
    }

    /// A new member; its number, which no other has.
    pub(crate) fn join(&self, wake: Arc<dyn Wake>) -> u32 {
        let mut members = lock(&self.members);
        members.last += 1;
        let number = members.last;
        members.list.push((number, wake));
        drop(members);
        self.metrics.join(number);
        number
    }

    /// A member is gone; what it has counted stays in the sums. Returns the members that waited for nobody
    /// but it.
    pub(crate) fn leave(&self, member: u32, last: Option<&MetricsSnapshot>) -> Vec<u32> {
        lock(&self.members).list.retain(|(number, _)| *number != member);
        if let Some(last) = last {
            lock(&self.departed).keep_counters(last);
        }
        self.metrics.leave(member)
    }

    /// How the members that `is_meant` are woken. No lock is held while they are.
    pub(crate) fn wakes(&self, is_meant: impl Fn(u32) -> bool) -> Vec<Arc<dyn Wake>> {
        let members = lock(&self.members);
        let meant = members.list.iter().filter(|(number, _)| is_meant(*number));
        meant.map(|(_, wake)| Arc::clone(wake)).collect()
    }

    /// What is shared of a server: with `word`, if no member has it yet.
    pub(crate) fn server(&self, backend: &str, server: &str, word: u32) -> Arc<ServerCell> {
        let mut servers = lock(&self.servers);
        servers.retain(|_, cell| cell.strong_count() > 0);
        let key = (backend.into(), server.into());
        if let Some(cell) = servers.get(&key).and_then(Weak::upgrade) {
            return cell;
        }
        let cell = Arc::new(ServerCell::new(word));
        servers.insert(key, Arc::downgrade(&cell));
        cell
    }

    /// Adds what members that are gone have counted.
    pub(crate) fn add_departed(&self, to: &mut MetricsSnapshot) {
        to.add(&lock(&self.departed));
    }
}
