//! Health checks: short connections of the engine's own, through the same layers as any other.

use std::sync::Arc;

use super::Engine;
use crate::backend::{AttemptOutcome, Check, ServerIndex};
use crate::config::ConnectConfig;
use crate::conn::{self, Conn, Ending, Events, Flags, Owner, Wait, Why};
use crate::ctrl::Output;
use crate::cx::Cx;
use crate::data::Read;
use crate::handshake;
use crate::slab::Key;
use crate::sys::{Addr, Net};

/// What a server is checked with.
#[derive(Clone, Debug)]
pub(crate) struct CheckPlan {
    /// What the connection goes through: TLS or not, a PROXY header or not.
    pub(crate) connect: Arc<ConnectConfig>,
    /// Another address than the server's first, where set.
    pub(crate) address: Option<Addr>,
    /// What is sent once it is open.
    pub(crate) send: Box<[u8]>,
    /// What the answer must begin with; nothing is waited for when it is empty.
    pub(crate) expect: Box<[u8]>,
}

/// A health check under way: the state that its connection is driven by.
#[derive(Debug)]
pub(crate) struct HealthCheck {
    pub(super) backend: Key,
    pub(super) server: ServerIndex,
    check: Check,
    plan: Arc<CheckPlan>,
    sent: usize,
    heard: usize,
}

impl<N: Net> Engine<N> {
    pub(super) fn begin_check(&mut self, backend: Key, server: ServerIndex, check: Check) {
        // A draining engine begins no health checks.
        if self.lets_end() {
            return self.check_was(backend, server, check, AttemptOutcome::Local);
        }
        let Ok(entry) = self.registry.backends.get(backend) else { return };
        let plan = entry.plans.get(server.0 as usize).cloned().flatten();
        let address = entry.core.server(server).and_then(|server| server.address(0)).cloned();
        let Some((plan, address)) =
            plan.and_then(|plan| Some((Arc::clone(&plan), plan.address.clone().or(address)?)))
        else {
            return self.check_was(backend, server, check, AttemptOutcome::Local);
        };
        let connect = Arc::clone(&plan.connect);
        let Ok(id) = self.connect(address, connect, &super::ConnectOptions::default()) else {
            return self.check_was(backend, server, check, AttemptOutcome::Local);
        };
        if let Ok(conn) = self.conns.get_mut(id.key()) {
            conn.owner = Owner::HealthCheck;
            let health_check = HealthCheck { backend, server, check, plan, sent: 0, heard: 0 };
            self.health_checks.push((id.key(), health_check));
        }
    }

    fn check_was(
        &mut self,
        backend: Key,
        server: ServerIndex,
        check: Check,
        outcome: AttemptOutcome,
    ) {
        let Self { registry, tools, .. } = self;
        if let Ok(entry) = registry.backends.get_mut(backend) {
            entry.check_was(backend, server, (check, outcome), tools);
        }
    }

    /// Gives up the checks that are under way, without a result for any server.
    pub(super) fn give_up_checks(&mut self) {
        while let Some((key, health_check)) = self.health_checks.pop() {
            if let Ok(conn) = self.conns.get_mut(key) {
                conn.end(Ending::Abort, None);
            }
            self.work(key);
            let HealthCheck { backend, server, check, .. } = health_check;
            self.check_was(backend, server, check, AttemptOutcome::Local);
        }
    }

    /// Drives a check further, and ends it when its result is known.
    pub(super) fn attend_check(&mut self, key: Key) {
        let Self { conns, tools, registry, health_checks, .. } = self;
        let Ok(conn) = conns.get_mut(key) else { return };
        let mut cx = tools.cx(registry, key);
        let at = health_checks.iter().position(|(conn, _)| *conn == key);
        let result = at.and_then(|at| health_checks[at].1.attend(conn, &mut cx));
        let mut outcome = conn::Outcome::empty();
        if result.is_some() {
            outcome = conn.advance(&mut cx, handshake::step);
        }
        outcome |= conn.settle(key, &mut cx);
        self.apply(key, outcome);
        if let (Some(at), Some(result)) = (at, result) {
            let (_, HealthCheck { backend, server, check, .. }) =
                self.health_checks.swap_remove(at);
            self.check_was(backend, server, check, result);
        }
    }
}

impl HealthCheck {
    /// Goes on, and begins to end the connection when the result is known.
    fn attend<N: Net>(&mut self, conn: &mut Conn, cx: &mut Cx<'_, N>) -> Option<AttemptOutcome> {
        conn.events = Events::empty();
        conn.flags.remove(Flags::READ_ARMED);
        let result = if conn.word.is_closing() {
            Some(failure(conn))
        } else if self.check.deadline <= cx.now {
            Some(AttemptOutcome::Failed)
        } else if conn.word.is_opening() {
            None
        } else {
            self.converse(conn, cx)
        };
        match result {
            None => conn.deadline = conn.deadline.min(self.check.deadline),
            Some(_) if conn.word.is_closing() => {}
            Some(AttemptOutcome::Succeeded) => conn.end(Ending::Orderly, None),
            Some(_) => conn.end(Ending::Abort, None),
        }
        result
    }

    /// Sends and receives what the plan has. `None` while it goes on.
    fn converse<N: Net>(&mut self, conn: &mut Conn, cx: &mut Cx<'_, N>) -> Option<AttemptOutcome> {
        while self.sent < self.plan.send.len() || conn.ctrl.has_unsent() {
            match conn.data.send(&mut conn.ctrl, cx, &self.plan.send[self.sent..]) {
                Ok(Output::Bytes(n)) => self.sent += n,
                Ok(Output::Wait) => {}
                Err(_) => return Some(AttemptOutcome::Failed),
            }
            if self.sent < self.plan.send.len() || conn.ctrl.has_unsent() {
                conn.flow |= Wait::WRITE;
                return None;
            }
        }
        let expect = &self.plan.expect;
        let mut heard = [0; 256];
        while self.heard < expect.len() {
            let space = heard.len().min(expect.len() - self.heard);
            match conn.data.recv(&mut conn.ctrl, cx, &mut heard[..space]) {
                Ok(Read::Bytes(n)) if expect[self.heard..].starts_with(&heard[..n]) => {
                    self.heard += n;
                }
                Ok(Read::Wait) => {
                    conn.flow |= Wait::READ;
                    return None;
                }
                Ok(Read::Bytes(_) | Read::End | Read::Truncated) | Err(_) => {
                    return Some(AttemptOutcome::Failed);
                }
            }
        }
        Some(AttemptOutcome::Succeeded)
    }
}

/// How a failed connection counts: a shortage on this machine says nothing about a server.
fn failure(conn: &Conn) -> AttemptOutcome {
    match conn.cause.as_deref().map(|cause| cause.why) {
        Some(Why::LocalLimit) => AttemptOutcome::Local,
        _ => AttemptOutcome::Failed,
    }
}
