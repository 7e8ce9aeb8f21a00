//! Agents: their clients, what the host configures, and their end.

use std::sync::Arc;

use super::super::{Engine, Refusal};
use crate::agenda::List;
use crate::cause::{Cause, Why};
use crate::config::Tls12HalfClose;
use crate::conn::{Ending, Events, Owner};
use crate::id::{Id, Kind};
use crate::remote::{
    Agent, AgentOptions, Channel, ChannelStage, DueFrames, LinkFault, SessionRole, SessionStage,
    WindowBudget,
};
use crate::slab::Key;
use crate::sys::{Addr, Errno, Net};
use crate::tls::ClientTls;
use crate::wire::remote::GoawayReason;

impl<N: Net> Engine<N> {
    /// Makes an agent.
    ///
    /// # Errors
    /// A limit.
    pub fn add_agent(&mut self, options: AgentOptions) -> Result<Id, Refusal> {
        // Whether a half-close of TLS 1.2 is held back is decided at the client.
        let mut connect = (*options.connect).clone();
        connect.close_options.tls12_half_close = Tls12HalfClose::Send;
        let options = AgentOptions { connect: Arc::new(connect), ..options };
        let added = self.remote.agents.insert(Agent::new(options));
        Ok(self.id(Kind::Agent, added.map_err(|_| Refusal::Limit)?))
    }

    /// Gives an agent a configuration of TLS towards servers, which clients name by `profile`. A second one
    /// with the same name replaces the first for connections that begin later.
    ///
    /// # Errors
    /// The id is not that of an agent of this engine; [`Refusal::Argument`] for a name that is empty or
    /// too long.
    pub fn add_agent_tls(
        &mut self,
        id: Id,
        profile: &str,
        tls: Arc<ClientTls>,
    ) -> Result<(), Refusal> {
        let key = self.agent_key(id)?;
        if profile.is_empty() || profile.len() > usize::from(u8::MAX) || profile.contains('\0') {
            return Err(Refusal::Argument);
        }
        let agent = self.remote.agents.get_mut(key).map_err(|_| Refusal::Stale)?;
        agent.profiles.insert(profile.into(), tls);
        Ok(())
    }

    /// Hands a session over to an agent: its peer is a client of the agent from now on. Its end is reported
    /// to the host.
    ///
    /// # Errors
    /// Stale ids; [`Refusal::State`] when it is no session of the host's, bytes of it wait to be sent, or
    /// the agent is draining; [`Refusal::Denied`] when the peer may not be a client: it stays the
    /// host's.
    pub fn serve_client(&mut self, id: Id, conn: Id) -> Result<(), Refusal> {
        let key = self.agent_key(id)?;
        let (found, cx) = self.session_mut(conn)?;
        if found.word.is_closing() || found.ctrl.is_backed_up() || !found.may_read() {
            return Err(Refusal::State);
        }
        let ids = found.ctrl.peer_credentials(cx.net).map(|ids| (ids.uid, ids.gid));
        let agent = self.remote.agents.get_mut(key).map_err(|_| Refusal::Stale)?;
        if agent.is_draining {
            return Err(Refusal::State);
        }
        if !agent.options.admits(ids) {
            return Err(Refusal::Denied);
        }
        let budget = agent.options.window_bytes;
        let opens = agent.options.opens_per_second;
        let role = SessionRole::Agent(key);
        let session = self.add_session(role, conn.key(), WindowBudget::new(budget));
        let session = session.ok_or(Refusal::Limit)?;
        let now = self.tools.now;
        if let Ok(found) = self.remote.sessions.get_mut(session) {
            found.opens = (opens, now);
        }
        if let Ok(agent) = self.remote.agents.get_mut(key) {
            agent.sessions.push(session);
        }
        self.given_away(conn.key());
        Ok(())
    }

    /// The events of a connection are not the host's any more. What may be read or written is looked at
    /// anew.
    fn given_away(&mut self, key: Key) {
        if let Ok(conn) = self.conns.get_mut(key) {
            conn.events.remove(Events::SESSION | Events::CONNECTED | Events::DRAINING);
            conn.flags.insert(crate::conn::Flags::READ_ARMED);
            self.tools.agenda.add(List::Links, Kind::Conn, key, &mut conn.listed);
        }
        self.work(key);
    }

    /// Hands a session over to a client of an agent that takes connections under `name`. Its end is
    /// reported to the host.
    ///
    /// # Errors
    /// Stale ids; [`Refusal::State`] when it is no session of the host's, or bytes of it wait to be sent;
    /// [`Refusal::Limit`] when no client takes it now: it stays the host's.
    pub fn offer(&mut self, id: Id, conn: Id, name: &str) -> Result<(), Refusal> {
        let key = self.agent_key(id)?;
        let (found, _) = self.session_mut(conn)?;
        if found.word.is_closing() || found.ctrl.is_backed_up() || !found.may_read() {
            return Err(Refusal::State);
        }
        let agent = self.remote.agents.get(key).map_err(|_| Refusal::Stale)?;
        let (most, window) = (agent.options.channels_max, agent.options.channel_window_bytes);
        let takes = |session: &Key| {
            self.remote.sessions.get(*session).is_ok_and(|found| {
                let takes_name = found.subscriptions.iter().any(|taken| **taken == *name);
                takes_name && found.takes_channel(most) && found.budget.has_one()
            })
        };
        // The client with the fewest channels is given the next one.
        let least = |session: &Key| {
            self.remote.sessions.get(*session).map_or(usize::MAX, |found| found.channels.len())
        };
        let session = agent.sessions.iter().copied().filter(takes).min_by_key(least);
        let session = session.ok_or(Refusal::Limit)?;
        let of = self.remote.sessions.get_mut(session).map_err(|_| Refusal::Limit)?;
        let window = of.budget.take(window).ok_or(Refusal::Limit)?;
        let number = of.take_number();
        let mut channel = Channel::new(session, number, Some(conn.key()), window);
        channel.stage = ChannelStage::Open;
        channel.due = DueFrames::INCOMING;
        channel.readable = true;
        channel.name = Some(name.into());
        let Ok(channel) = self.remote.channels.insert(channel) else {
            of.budget.give(window);
            return Err(Refusal::Limit);
        };
        of.channels.insert(number, channel);
        if let Ok(conn) = self.conns.get_mut(conn.key()) {
            conn.owner = Owner::Channel { slot: channel.slot };
        }
        self.given_away(conn.key());
        self.remote.ready(channel);
        Ok(())
    }

    /// The address of a name that the host was asked to look up, or why there is none.
    ///
    /// # Errors
    /// The id is not that of an agent of this engine; [`Refusal::State`] when nobody waits for that
    /// answer any more.
    pub fn resolved(
        &mut self,
        id: Id,
        ticket: u64,
        found: Result<Addr, Errno>,
    ) -> Result<(), Refusal> {
        let key = self.agent_key(id)?;
        let agent = self.remote.agents.get_mut(key).map_err(|_| Refusal::Stale)?;
        let at = agent.resolutions.iter().position(|asked| asked.ticket == ticket);
        let asked = at.and_then(|at| agent.resolutions.remove(at)).ok_or(Refusal::State)?;
        let waits = self.remote.channels.get(asked.channel);
        if !waits.is_ok_and(|channel| channel.stage == ChannelStage::Opening) {
            return Err(Refusal::State);
        }
        match found {
            Ok(mut addr) => {
                // The port is the client's.
                if let Addr::Ip(ip) = &mut addr {
                    ip.set_port(asked.port);
                }
                self.dial(asked.channel, key, addr, asked.source);
            }
            Err(errno) => {
                let text = format!("the name \"{}\" has no address", asked.host.escape_debug());
                let cause = Cause::system(Some(crate::conn::Op::CtrlConnect), errno);
                self.refuse_channel(asked.channel, cause.because(text));
            }
        }
        Ok(())
    }

    /// Lets an agent end: its clients are told to open new connections elsewhere, and those that are open
    /// go on. Each session ends with its last channel.
    ///
    /// # Errors
    /// The id is not that of an agent of this engine.
    pub fn drain_agent(&mut self, id: Id) -> Result<(), Refusal> {
        let key = self.agent_key(id)?;
        self.drain_agent_sessions(key);
        Ok(())
    }

    pub(super) fn drain_agent_sessions(&mut self, key: Key) {
        let Ok(agent) = self.remote.agents.get_mut(key) else { return };
        if std::mem::replace(&mut agent.is_draining, true) {
            return;
        }
        for session in agent.sessions.clone() {
            if let Ok(found) = self.remote.sessions.get_mut(session) {
                found.retires = true;
                found.says_goaway = true;
            }
            self.remote.flush_later(session);
        }
    }

    /// Ends an agent at once, with its sessions and channels. The id is stale from here on.
    ///
    /// # Errors
    /// The id is not that of an agent of this engine.
    pub fn remove_agent(&mut self, id: Id) -> Result<(), Refusal> {
        let key = self.agent_key(id)?;
        let agent = self.remote.agents.get_mut(key).map_err(|_| Refusal::Stale)?;
        agent.is_closing = true;
        let fault = LinkFault::new(GoawayReason::Denied, "the agent was ended");
        for session in agent.sessions.clone() {
            self.end_session(session, &fault);
        }
        self.end_agent(key);
        Ok(())
    }

    /// An agent has lost a session.
    pub(super) fn agent_lost_session(&mut self, key: Key, session: Key) {
        if let Ok(agent) = self.remote.agents.get_mut(key) {
            agent.sessions.retain(|of| *of != session);
        }
        self.end_agent(key);
    }

    /// Removes an agent that was ended, once no session refers to it.
    fn end_agent(&mut self, key: Key) {
        let agent = self.remote.agents.get(key);
        if agent.is_ok_and(|agent| agent.is_closing && agent.sessions.is_empty()) {
            let _ = self.remote.agents.remove(key);
        }
    }

    /// Whether a session of an agent takes no new channels.
    pub(super) fn is_draining_agent(&self, key: Key) -> bool {
        self.remote.agents.get(key).is_ok_and(|agent| agent.is_draining)
    }

    /// The client of a channel is gone.
    pub(super) fn agent_lost_channel(&mut self, key: Key, stage: ChannelStage, cause: &Cause) {
        if let Ok(conn) = self.conns.get_mut(key) {
            // Its end is nobody's business but the host's. What the client had closed ends in order.
            conn.owner = Owner::Host;
            conn.flags.insert(crate::conn::Flags::CLOSED_BY_HOST);
            conn.events.remove(Events::ASKED_OF_HOST);
            if stage != ChannelStage::Closing {
                let text = format!("the client's link broke: {}", cause.text);
                let cause = Cause::new(None, Why::Aborted).in_words_of_others(text);
                conn.end(Ending::Abort, Some(Box::new(cause)));
            }
        }
        self.work(key);
    }

    /// How many sessions and channels an agent has.
    ///
    /// # Errors
    /// The id is not that of an agent of this engine.
    pub fn agent_load(&self, id: Id) -> Result<(u32, u32), Refusal> {
        let key = self.agent_key(id)?;
        let agent = self.remote.agents.get(key).map_err(|_| Refusal::Stale)?;
        let sessions = agent.sessions.iter().filter_map(|key| self.remote.sessions.get(*key).ok());
        let open = sessions.filter(|found| found.stage != SessionStage::Over);
        let (mut count, mut channels) = (0, 0);
        for session in open {
            count += 1;
            channels += session.channels.len();
        }
        Ok((count, u32::try_from(channels).unwrap_or(u32::MAX)))
    }
}
