//! A client's links: sessions are made, chosen, and replaced when they end.

use std::sync::Arc;

use super::super::{ConnectOptions, Engine, Refusal, TimerOwner};
use crate::agenda::List;
use crate::cause::Cause;
use crate::config::{AcceptConfig, ConnectConfig};
use crate::conn::{Direction, Owner};
use crate::ctrl::{FedAsks, Mover};
use crate::id::{Id, Kind};
use crate::remote::{
    GREETING_CHANNELS, Link, LinkEvents, LinkOptions, LinkSession, SessionRole, SessionStage,
    Subscription, WindowBudget,
};
use crate::slab::Key;
use crate::sys::{Addr, Errno, Net};

impl<N: Net> Engine<N> {
    /// Opens a link to the agent at `target`. It is connected to at the end of this call, and again
    /// whenever there is no connection to it, until the link is closed.
    ///
    /// # Errors
    /// [`Refusal::Argument`] when no connection could ever have a window, or no channel is allowed; a limit.
    pub fn open_link(
        &mut self,
        target: Addr,
        config: Arc<ConnectConfig>,
        options: LinkOptions,
    ) -> Result<Id, Refusal> {
        if !WindowBudget::new(options.window_bytes).has_one() || options.channels_per_conn == 0 {
            return Err(Refusal::Argument);
        }
        let Self { remote, tools, .. } = self;
        let added = remote.links.insert_with(|key| {
            let timer = tools.timers.insert(TimerOwner::Link(key.slot).tag());
            Link::new(target, config, options, timer)
        });
        let key = added.map_err(|_| Refusal::Limit)?;
        self.link_later(key);
        Ok(self.id(Kind::Link, key))
    }

    /// Closes a link. Connections behind it go on, and new ones fail; its last event follows the end of
    /// its last connection.
    ///
    /// # Errors
    /// The id is not that of a link of this engine; [`Refusal::State`] when it was closed before.
    pub fn close_link(&mut self, id: Id) -> Result<(), Refusal> {
        let key = self.link_key(id)?;
        let link = self.remote.links.get_mut(key).map_err(|_| Refusal::Stale)?;
        if std::mem::replace(&mut link.is_closing, true) {
            return Err(Refusal::State);
        }
        let (sessions, waiting) = (link.sessions.clone(), std::mem::take(&mut link.waiting));
        self.stop_accepting(key);
        for session in sessions {
            if let Ok(found) = self.remote.sessions.get_mut(session) {
                found.retires = true;
            }
            self.retire_if_idle(session);
        }
        for conn in waiting {
            self.fail_without_link(conn);
        }
        self.link_later(key);
        Ok(())
    }

    /// Takes the connections that the agent hands over under `name`. They go through what `config` says.
    ///
    /// # Errors
    /// The id is not that of a link of this engine; [`Refusal::State`] when the name is taken already, or
    /// the link is closing; [`Refusal::Argument`] for a name that is empty or too long.
    pub fn accept_from_link(
        &mut self,
        id: Id,
        name: &str,
        config: Arc<AcceptConfig>,
        user: u64,
    ) -> Result<(), Refusal> {
        let key = self.link_key(id)?;
        if name.is_empty() || name.len() > usize::from(u8::MAX) || name.contains('\0') {
            return Err(Refusal::Argument);
        }
        let link = self.remote.links.get_mut(key).map_err(|_| Refusal::Stale)?;
        if link.is_closing || link.subscriptions.iter().any(|taken| *taken.name == *name) {
            return Err(Refusal::State);
        }
        link.subscriptions.push(Subscription { name: name.into(), config, user });
        self.announce(key, name, false);
        Ok(())
    }

    /// Takes no more connections under `name`. Those that were taken go on.
    ///
    /// # Errors
    /// The id is not that of a link of this engine; [`Refusal::State`] when none are taken under it.
    pub fn refuse_from_link(&mut self, id: Id, name: &str) -> Result<(), Refusal> {
        let key = self.link_key(id)?;
        let link = self.remote.links.get_mut(key).map_err(|_| Refusal::Stale)?;
        let before = link.subscriptions.len();
        link.subscriptions.retain(|taken| *taken.name != *name);
        if link.subscriptions.len() == before {
            return Err(Refusal::State);
        }
        self.announce(key, name, true);
        Ok(())
    }

    /// Takes no more connections that the agent hands over, under whatever name.
    fn stop_accepting(&mut self, key: Key) {
        let Ok(link) = self.remote.links.get_mut(key) else { return };
        for taken in std::mem::take(&mut link.subscriptions) {
            self.announce(key, &taken.name, true);
        }
    }

    /// Tells the agent, over each session, that connections are taken under a name, or not any more.
    fn announce(&mut self, key: Key, name: &str, stop: bool) {
        let Ok(link) = self.remote.links.get(key) else { return };
        for session in link.sessions.clone() {
            if let Ok(found) = self.remote.sessions.get_mut(session) {
                found.announces.push_back((name.into(), stop));
            }
            self.remote.flush_later(session);
        }
    }

    /// Has a link looked at in the end of this call.
    pub(super) fn link_later(&mut self, key: Key) {
        if let Ok(link) = self.remote.links.get_mut(key) {
            self.tools.agenda.add(List::Links, Kind::Link, key, &mut link.listed);
        }
    }

    /// What a connection that has no channel yet asks of its link.
    pub(super) fn ask_link(&mut self, conn: Key, key: Key, asks: FedAsks) {
        if asks.contains(FedAsks::OPEN) {
            return self.wait_for_link(key, conn);
        }
        if let Ok(link) = self.remote.links.get_mut(key) {
            link.waiting.retain(|waits| *waits != conn);
        }
        if asks.intersects(FedAsks::CLOSE | FedAsks::RESET) {
            self.tell(conn, |conn, _| conn.ctrl.report_closed());
        }
    }

    /// A connection waits for a channel: its own first, or another after a session has ended.
    pub(super) fn wait_for_link(&mut self, key: Key, conn: Key) {
        let Ok(link) = self.remote.links.get_mut(key) else { return self.fail_without_link(conn) };
        if link.is_closing {
            return self.fail_without_link(conn);
        }
        let Ok(found) = self.conns.get_mut(conn) else { return };
        if !found.ctrl.waits_to_open() {
            // It was given up in the meantime.
            self.tell(conn, |conn, _| conn.ctrl.report_closed());
            return;
        }
        found.ctrl.moved_by(Mover::Link(key), self.tools.limits.fed.inbox);
        found.facts.rare_mut().remote_cause.clone_from(&link.failure);
        link.waiting.push_back(conn);
        self.link_later(key);
    }

    /// An agent did nothing about a connection that it was asked to open: it is opened over another
    /// session.
    pub(super) fn open_elsewhere(&mut self, session: Key, conn: Key) {
        let role = self.remote.sessions.get(session).map(|found| found.role);
        if let Ok(SessionRole::Client(link)) = role {
            self.wait_for_link(link, conn);
        }
    }

    fn fail_without_link(&mut self, conn: Key) {
        let cause = Cause::system(None, Errno(libc::ENETUNREACH)).at_agent();
        let cause = cause.in_words_of_others("the link to the agent is closed");
        self.client_failed(conn, Box::new(cause));
    }

    /// The pause after a failure of a link has passed.
    pub(in super::super) fn link_deadline(&mut self, slot: u32) {
        if let Some(key) = self.remote.links.key_of(slot) {
            self.link_later(key);
        }
    }

    /// Does what is due for a link: it has a session, and connections that wait get a channel.
    pub(super) fn work_link(&mut self, key: Key) {
        let lets_end = self.lets_end();
        let Ok(link) = self.remote.links.get_mut(key) else { return };
        if link.is_closing {
            if link.sessions.is_empty() {
                link.events.insert(LinkEvents::CLOSED);
                self.tools.agenda.add(List::Events, Kind::Link, key, &mut link.listed);
            }
            return;
        }
        if lets_end && link.waiting.is_empty() {
            return self.retire_idle_sessions(key);
        }
        let most = link.options.channels_per_conn;
        if !self.has_session(key) && !self.open_session(key) {
            return;
        }
        while let Ok(link) = self.remote.links.get_mut(key)
            && let Some(conn) = link.waiting.pop_front()
        {
            if !self.conns.get(conn).is_ok_and(|conn| conn.ctrl.waits_to_open()) {
                continue;
            }
            let session = self.session_for_channel(key, most);
            let began = session.is_some_and(|session| self.begin_channel(session, conn));
            if let (true, Some(session)) = (began && most == 1, session) {
                // It ends with its only channel, and the next connection finds another one.
                if let Ok(found) = self.remote.sessions.get_mut(session) {
                    found.retires = true;
                }
                self.link_later(key);
            }
            if !began {
                let waits = most > GREETING_CHANNELS && self.is_greeting(key);
                if let Ok(link) = self.remote.links.get_mut(key) {
                    link.waiting.push_front(conn);
                }
                // How many channels the agent allows is known soon.
                if waits || !self.open_session(key) {
                    return;
                }
                if self.session_for_channel(key, most).is_none() {
                    // Not even a new one has room for a window.
                    break;
                }
            }
        }
        self.retire_idle_sessions(key);
    }

    /// Whether the agent has yet to say how many channels a session of the link may have.
    fn is_greeting(&self, key: Key) -> bool {
        let greets =
            |session: &Key| self.remote.sessions.get(*session).is_ok_and(|found| found.greets());
        self.remote.links.get(key).is_ok_and(|link| link.sessions.iter().any(greets))
    }

    /// Whether a link has a session that new channels may use, with room for one or not.
    fn has_session(&self, key: Key) -> bool {
        self.remote.links.get(key).is_ok_and(|link| {
            link.sessions.iter().any(|session| {
                let found = self.remote.sessions.get(*session);
                found.is_ok_and(|found| !found.retires && found.stage != SessionStage::Over)
            })
        })
    }

    /// A session of a link that takes another channel, of at most `most`.
    fn session_for_channel(&self, key: Key, most: u32) -> Option<Key> {
        let link = self.remote.links.get(key).ok()?;
        link.sessions.iter().copied().find(|session| {
            let found = self.remote.sessions.get(*session);
            found.is_ok_and(|found| found.takes_channel(most) && found.budget.has_one())
        })
    }

    /// Has sessions without channels end, but for one that takes new ones.
    fn retire_idle_sessions(&mut self, key: Key) {
        let Ok(link) = self.remote.links.get(key) else { return };
        let mut kept = self.lets_end();
        for session in link.sessions.clone() {
            let Ok(found) = self.remote.sessions.get_mut(session) else { continue };
            if found.retires || found.stage == SessionStage::Over {
                continue;
            }
            if !kept {
                kept = true;
            } else if found.channels.is_empty() {
                found.retires = true;
                self.retire_if_idle(session);
            }
        }
    }

    /// Connects to the agent. Returns whether that has begun.
    fn open_session(&mut self, key: Key) -> bool {
        let Ok(link) = self.remote.links.get(key) else { return false };
        if self.tools.now < link.retry_at {
            let (timer, at) = (link.timer, link.retry_at);
            self.tools.timers.set(timer, at);
            return false;
        }
        let (target, config) = (link.target.clone(), Arc::clone(&link.config));
        let budget = link.options.window_bytes;
        let announces =
            link.subscriptions.iter().map(|taken| (taken.name.clone(), false)).collect();
        let made = self.connect(target, config, &ConnectOptions::default());
        let Ok(conn) = made else {
            let now = self.tools.now;
            if let Ok(link) = self.remote.links.get_mut(key) {
                link.back_off(now);
                let (timer, at) = (link.timer, link.retry_at);
                self.tools.timers.set(timer, at);
            }
            return false;
        };
        let role = SessionRole::Client(key);
        let session = self.add_session(role, conn.key(), WindowBudget::new(budget));
        let (Some(session), Ok(link)) = (session, self.remote.links.get_mut(key)) else {
            return false;
        };
        link.sessions.push(session);
        if let Ok(found) = self.remote.sessions.get_mut(session) {
            found.announces = announces;
        }
        true
    }

    /// Adds a session over a connection.
    pub(super) fn add_session(
        &mut self,
        role: SessionRole,
        conn: Key,
        budget: WindowBudget,
    ) -> Option<Key> {
        let Self { remote, tools, conns, .. } = self;
        let added = remote.sessions.insert_with(|key| {
            let timer = tools.timers.insert(TimerOwner::LinkSession(key.slot).tag());
            LinkSession::new(role, conn, budget, timer)
        });
        let session = added.ok()?;
        if let Ok(conn) = conns.get_mut(conn) {
            conn.owner = Owner::Link { slot: session.slot };
            // Rules may have limited it, and a link has windows instead.
            for direction in [Direction::Read, Direction::Write] {
                conn.limit_rate(direction, None, tools.now);
            }
        }
        self.wait_for_sign(session);
        Some(session)
    }

    /// An agent answers.
    pub(super) fn link_is_up(&mut self, key: Key) {
        let Ok(link) = self.remote.links.get_mut(key) else { return };
        link.answers();
        if !std::mem::replace(&mut link.is_up, true) {
            link.events.insert(LinkEvents::UP);
            self.tools.agenda.add(List::Events, Kind::Link, key, &mut link.listed);
        }
        self.link_later(key);
    }

    /// A session of a link has ended.
    pub(super) fn link_lost_session(
        &mut self,
        key: Key,
        session: Key,
        retired: bool,
        cause: Option<Cause>,
    ) {
        let now = self.tools.now;
        let Ok(link) = self.remote.links.get_mut(key) else { return };
        link.sessions.retain(|of| *of != session);
        if let Some(cause) = cause {
            let text = format!("the link to the agent at {}: {}", link.target, cause.text);
            let cause = Cause { text: text.into(), ..cause };
            link.failure = Some(Box::new(cause.at_agent()));
        }
        // A pause also where the agent has answered: one that closes each connection is not tried in a loop.
        if !retired {
            link.back_off(now);
        }
        let failure = link.failure.clone();
        let waiting = link.waiting.clone();
        let others: Vec<Key> = link.sessions.clone();
        let open = |session: &Key| {
            self.remote.sessions.get(*session).is_ok_and(|found| found.stage == SessionStage::Open)
        };
        let is_up = others.iter().any(open);
        for conn in waiting {
            if let Ok(conn) = self.conns.get_mut(conn) {
                conn.facts.rare_mut().remote_cause.clone_from(&failure);
            }
        }
        let Ok(link) = self.remote.links.get_mut(key) else { return };
        if link.is_up && !is_up {
            link.is_up = false;
            // A link that is closed is not connected again: its last event says all.
            if !link.is_closing {
                link.events.insert(LinkEvents::DOWN);
                self.tools.agenda.add(List::Events, Kind::Link, key, &mut link.listed);
            }
        }
        self.link_later(key);
    }

    /// Links need no agent while the engine drains and nothing waits for one.
    pub(in super::super) fn drain_links(&mut self) {
        let links: Vec<Key> = self.remote.links.iter().map(|(key, _)| key).collect();
        for key in links {
            self.stop_accepting(key);
            self.link_later(key);
        }
        let agents: Vec<Key> = self.remote.agents.iter().map(|(key, _)| key).collect();
        for key in agents {
            self.drain_agent_sessions(key);
        }
    }

    /// Whether the connections of a link are made with this configuration.
    #[cfg(test)]
    pub(in super::super) fn is_of_link(&self, link: Id, config: &Arc<ConnectConfig>) -> bool {
        self.remote.links.get(link.key()).is_ok_and(|link| Arc::ptr_eq(&link.config, config))
    }
}
