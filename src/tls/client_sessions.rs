//! Resumption on the client's side: the sessions that servers gave, by the servers' names.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

use super::expiry::Stamp;
use crate::sys::WallTime;

/// The most tickets kept for one server. Each is used once, so that connections begun at the same
/// time can all resume and cannot be linked to one client (RFC 8446 appendix C.4).
const TICKETS_PER_SERVER: usize = 8;

/// The sessions of one configuration. When there are too many servers, the one that was added first
/// is dropped.
pub(super) struct ClientSessions {
    servers: Mutex<Servers>,
    most: usize,
    clock: Arc<dyn WallTime>,
    lifetime: u32,
}

#[derive(Default)]
struct Servers {
    by_name: HashMap<ServerName<'static>, ServerSessions>,
    /// The names, the one added first in front.
    order: VecDeque<ServerName<'static>>,
}

/// The sessions of one server.
#[derive(Default)]
struct ServerSessions {
    /// The group of its last key exchange.
    group: Option<NamedGroup>,
    tls12: Option<(Stamp, Tls12ClientSessionValue)>,
    /// Tickets, the newest last.
    tls13: VecDeque<(Stamp, Tls13ClientSessionValue)>,
}

impl ClientSessions {
    /// Room for `size` tickets, each kept for `lifetime` seconds at most.
    pub(super) fn new(size: usize, clock: Arc<dyn WallTime>, lifetime: u32) -> Self {
        let most = size.div_ceil(TICKETS_PER_SERVER);
        Self { servers: Mutex::default(), most, clock, lifetime }
    }

    fn lock(&self) -> MutexGuard<'_, Servers> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is kept for a server, which is added if it is not known.
    fn keep(&self, name: ServerName<'static>, change: impl FnOnce(&mut ServerSessions)) {
        let mut servers = self.lock();
        let Servers { by_name, order } = &mut *servers;
        if !by_name.contains_key(&name) {
            if order.len() >= self.most
                && let Some(first) = order.pop_front()
            {
                by_name.remove(&first);
            }
            order.push_back(name.clone());
        }
        change(by_name.entry(name).or_default());
    }
}

impl ClientSessionStore for ClientSessions {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.keep(name, |server| server.group = Some(group));
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.lock().by_name.get(name)?.group
    }

    fn set_tls12_session(&self, name: ServerName<'static>, session: Tls12ClientSessionValue) {
        if let Some(stamp) = Stamp::new(self.clock.unix_seconds()) {
            self.keep(name, |server| server.tls12 = Some((stamp, session)));
        }
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        let servers = self.lock();
        let (stamp, session) = servers.by_name.get(name)?.tls12.as_ref()?;
        stamp.resume(self.clock.unix_seconds(), self.lifetime).then(|| session.clone())
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        if let Some(server) = self.lock().by_name.get_mut(name) {
            server.tls12 = None;
        }
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        let Some(stamp) = Stamp::new(self.clock.unix_seconds()) else {
            return;
        };
        self.keep(name, |server| {
            if server.tls13.len() >= TICKETS_PER_SERVER {
                server.tls13.pop_front();
            }
            server.tls13.push_back((stamp, ticket));
        });
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        let mut servers = self.lock();
        let kept = &mut servers.by_name.get_mut(name)?.tls13;
        let now = self.clock.unix_seconds();
        while let Some((stamp, ticket)) = kept.pop_back() {
            if stamp.resume(now, self.lifetime) {
                return Some(ticket);
            }
        }
        None
    }
}

impl fmt::Debug for ClientSessions {
    /// The sessions are left out, since they hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientSessions({} s)", self.lifetime)
    }
}
