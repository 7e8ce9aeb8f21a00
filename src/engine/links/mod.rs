//! Links and agents: the engine moves the frames of `remote`.
//!
//! A link, an agent and each session of either is a record here; the connection of a session, and every
//! connection that an agent opens or hands over, is an ordinary one whose owner is a session or a
//! channel. What such a connection has to report, and what a connection behind a link asks for, stands
//! on the list `Links` of the agenda instead of being reported to the host; `serve_links` works it off
//! at the end of each call.
//!
//! For both sides, `session` reads frames and ends sessions, `frames` says what each frame means, and
//! `write` sends them. At a client, `link` chooses sessions and `client` has the frames of its channels.
//! At an agent, `agent` has its clients, `open` what they ask for, and `reply` what it answers.
//! `incoming` hands connections over, and takes them.

mod agent;
mod client;
mod describe;
mod events;
mod frames;
mod incoming;
mod link;
mod open;
mod reply;
mod session;
mod write;

use std::collections::VecDeque;

use super::{Engine, Refusal};
use crate::agenda::List;
use crate::conn::{Conn, Events, Owner, Received};
use crate::cx::Cx;
use crate::id::{Id, Kind};
use crate::remote::{Agent, Channel, Link, LinkSession, OutgoingDescriptor, SessionRole};
use crate::slab::{Key, Slab};
use crate::sys::Net;
pub(super) use describe::RemoteCounts;
pub(super) use incoming::Released;

/// The links, agents, sessions and channels of an engine.
pub(super) struct Remote {
    pub(super) links: Slab<Link>,
    pub(super) agents: Slab<Agent>,
    sessions: Slab<LinkSession>,
    channels: Slab<Channel>,
    /// Sessions that have something to send.
    flushing: Vec<Key>,
    /// Descriptors that are to be passed once the host's poller has released them.
    pub(super) to_pass: VecDeque<Released>,
    /// Those that it was told to release: it has done so when the next call begins, or this one ends.
    let_go: Vec<(Key, OutgoingDescriptor)>,
    /// Memory in which frames are composed.
    frame: Vec<u8>,
}

impl Remote {
    pub(super) const fn new(generation: u32) -> Self {
        Self {
            links: Slab::new(u32::MAX, generation),
            agents: Slab::new(u32::MAX, generation),
            sessions: Slab::new(u32::MAX, generation),
            channels: Slab::new(u32::MAX, generation),
            flushing: Vec::new(),
            to_pass: VecDeque::new(),
            let_go: Vec::new(),
            frame: Vec::new(),
        }
    }

    /// Notes that a session has something to send.
    fn flush_later(&mut self, session: Key) {
        if let Ok(found) = self.sessions.get_mut(session)
            && !found.is_listed
        {
            found.is_listed = true;
            self.flushing.push(session);
        }
    }

    /// Notes that a channel has something to send.
    fn ready(&mut self, channel: Key) {
        let Ok(found) = self.channels.get_mut(channel) else { return };
        let session = found.session;
        if !found.is_ready
            && let Ok(of) = self.sessions.get_mut(session)
        {
            found.is_ready = true;
            of.ready.push_back(channel);
        }
        self.flush_later(session);
    }

    /// The channel of a session with this number on the wire.
    fn channel_of(&self, session: Key, number: u32) -> Option<Key> {
        self.sessions.get(session).ok()?.channels.get(&number).copied()
    }

    /// A channel is over for both sides.
    fn forget_channel(&mut self, channel: Key) {
        let Ok(found) = self.channels.remove(channel) else { return };
        if let Ok(session) = self.sessions.get_mut(found.session) {
            session.channels.remove(&found.number);
            session.budget.give(found.window);
            if let (None, SessionRole::Agent(agent)) = (found.conn, session.role)
                && let Ok(agent) = self.agents.get_mut(agent)
            {
                // Nobody waits for the address of its name any more. What the host was asked counts until it
                // has answered.
                agent.resolutions.retain(|asked| asked.channel != channel || asked.is_asked);
            }
        }
        // Without channels it may end.
        self.flush_later(found.session);
    }
}

impl<N: Net> Engine<N> {
    /// Whether there is something to be done for links and agents.
    pub(super) fn has_link_work(&self) -> bool {
        !self.tools.agenda.is_empty(List::Links) || !self.remote.flushing.is_empty()
    }

    /// Does what is to be done for links and agents.
    pub(super) fn serve_links(&mut self) {
        while self.has_link_work() {
            while let Some(id) = self.tools.agenda.take(List::Links) {
                match id.kind() {
                    Kind::Link => {
                        if let Ok(link) = self.remote.links.get_mut(id.key()) {
                            link.listed.leave(List::Links);
                        }
                        self.work_link(id.key());
                    }
                    _ => self.serve_conn(id.key()),
                }
            }
            for session in std::mem::take(&mut self.remote.flushing) {
                if let Ok(found) = self.remote.sessions.get_mut(session) {
                    found.is_listed = false;
                    self.flush_session(session);
                }
            }
        }
    }

    /// A connection has something to report to a session or an agent, or asks something of an agent.
    fn serve_conn(&mut self, key: Key) {
        let Ok(conn) = self.conns.get_mut(key) else { return };
        conn.listed.leave(List::Links);
        match conn.owner {
            Owner::Link { slot } => self.serve_session(key, slot),
            Owner::Channel { slot } => self.serve_channel(key, slot),
            _ => {}
        }
        if self.conns.get(key).is_ok_and(|conn| conn.ctrl.is_linked()) {
            self.serve_asks(key);
        }
    }

    /// Takes the next event of a connection that belongs to a session or an agent.
    fn take_event(&mut self, key: Key) -> Option<Events> {
        let conn = self.conns.get_mut(key).ok()?;
        let one = conn.events.iter().next()?;
        conn.events.remove(one);
        Some(one)
    }

    /// Reads bytes of a session or an agent's connection, by `read`.
    fn read_with(
        &mut self,
        key: Key,
        read: impl FnOnce(&mut Conn, &mut Cx<'_, N>) -> Received,
    ) -> Received {
        let Self { conns, tools, registry, .. } = self;
        let Ok(conn) = conns.get_mut(key) else { return Received::End };
        let mut cx = tools.cx(registry, key);
        let received = read(conn, &mut cx);
        if conn.yields(&received) {
            conn.settle(key, &mut cx);
        } else if !matches!(received, Received::Bytes(_))
            || conn.ctrl.has_unsent()
            || conn.ctrl.has_ask()
        {
            self.work(key);
        }
        received
    }

    /// Hands a connection that has ended back, so that its end is reported to the host.
    fn report_to_host(&mut self, key: Key, last: Events) {
        let Ok(conn) = self.conns.get_mut(key) else { return };
        conn.owner = Owner::Host;
        conn.events = last;
        self.tools.agenda.add(List::Events, Kind::Conn, key, &mut conn.listed);
    }

    /// The key behind the id of a link.
    fn link_key(&self, id: Id) -> Result<Key, Refusal> {
        let key = self.key(Kind::Link, id)?;
        self.remote.links.get(key).map_err(|_| Refusal::Stale)?;
        Ok(key)
    }

    /// The key behind the id of an agent.
    fn agent_key(&self, id: Id) -> Result<Key, Refusal> {
        let key = self.key(Kind::Agent, id)?;
        let agent = self.remote.agents.get(key).map_err(|_| Refusal::Stale)?;
        if agent.is_closing { Err(Refusal::Stale) } else { Ok(key) }
    }
}
