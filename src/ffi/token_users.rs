//! The host's own pointers for descriptors.

use crate::id::{Id, Kind};

/// The host's pointers for descriptors, by kind and slot: empty for a host that sets none.
#[derive(Default)]
pub(super) struct TokenUsers {
    conns: Vec<usize>,
    listeners: Vec<usize>,
    wake_fd: Vec<usize>,
}

impl TokenUsers {
    const fn of_kind(&mut self, kind: Kind) -> &mut Vec<usize> {
        match kind {
            Kind::ListenerFd => &mut self.listeners,
            Kind::WakeFd => &mut self.wake_fd,
            _ => &mut self.conns,
        }
    }

    pub(super) fn get(&mut self, token: Id) -> usize {
        let slot = token.key().slot as usize;
        self.of_kind(token.kind()).get(slot).copied().unwrap_or(0)
    }

    pub(super) fn set(&mut self, token: Id, user: usize) {
        let slot = token.key().slot as usize;
        let users = self.of_kind(token.kind());
        if users.len() <= slot && user != 0 {
            users.resize(slot + 1, 0);
        }
        if let Some(at) = users.get_mut(slot) {
            *at = user;
        }
    }
}
