//! An agent's channels: what clients ask for is done, and told.

use std::sync::Arc;

use super::super::{ConnectOptions, Engine, StartTls};
use crate::agenda::List;
use crate::cause::{Cause, Why};
use crate::conn::{CloseMode, Direction, Ending, Events, Flags, Op, Owner};
use crate::id::Kind;
use crate::remote::{
    Channel, ChannelStage, DueFrames, LinkFault, Resolution, SessionRole, is_of_client,
};
use crate::slab::Key;
use crate::sys::{Addr, Net};
use crate::time::SECOND;
use crate::wire::remote::{GoawayReason, RemoteFrame, RemoteOpen, RemoteTarget};

/// How many names are looked up at a time, those included whose client is gone.
const LOOKUPS_MAX: usize = 1_024;

impl<N: Net> Engine<N> {
    /// A client takes connections under a name, or takes no more of them.
    pub(super) fn on_listen(
        &mut self,
        session: Key,
        name: &str,
        stop: bool,
    ) -> Result<(), LinkFault> {
        /// How many names one client may take connections under.
        const NAMES_MAX: usize = 1000;
        let Ok(found) = self.remote.sessions.get_mut(session) else { return Ok(()) };
        let is_taken = found.subscriptions.iter().any(|taken| **taken == *name);
        match (stop, is_taken) {
            (true, _) => found.subscriptions.retain(|taken| **taken != *name),
            (false, false) if found.subscriptions.len() < NAMES_MAX => {
                found.subscriptions.push(name.into());
            }
            (false, false) => return Err(LinkFault::new(GoawayReason::Limit, "too many names")),
            (false, true) => {}
        }
        Ok(())
    }

    /// A client has a connection opened.
    pub(super) fn on_open(
        &mut self,
        session: Key,
        agent: Key,
        number: u32,
        open: &RemoteOpen<'_>,
    ) -> Result<(), LinkFault> {
        let now = self.tools.now;
        let (Ok(of), Ok(found)) =
            (self.remote.agents.get(agent), self.remote.sessions.get_mut(session))
        else {
            return Ok(());
        };
        let options = &of.options;
        if now.since(found.opens.1) >= SECOND {
            found.opens = (options.opens_per_second, now);
        }
        let in_time = found.opens.0 > 0;
        found.opens.0 = found.opens.0.saturating_sub(1);
        let room = found.channels.len() < options.channels_max as usize;
        let retires = found.retires;
        let window = if room && in_time && !retires {
            found.budget.take(options.channel_window_bytes)
        } else {
            None
        };
        let refusal = match &open.target {
            RemoteTarget::Addr(addr) if !options.allow.allows(addr) => {
                Some(format!("the agent does not allow connections to {addr}"))
            }
            RemoteTarget::Name { host, port } if !options.allow.allows_name(host, *port) => {
                let host = host.escape_debug();
                Some(format!("the agent does not allow connections to \"{host}\", port {port}"))
            }
            _ if open.source.is_some() && !options.allows_source => {
                Some("the agent does not allow a source address".to_owned())
            }
            _ => None,
        };
        let mut channel = Channel::new(session, number, None, window.unwrap_or(0));
        channel.sending.raise(open.window.into());
        let raw_link = found.passes && options.passes_descriptors;
        channel.takes_descriptor = open.takes_descriptor && raw_link;
        channel.not_begun = retires || window.is_none();
        let Ok(key) = self.remote.channels.insert(channel) else { return Ok(()) };
        found.channels.insert(number, key);
        if let Some(text) = refusal {
            let cause = Cause::new(Some(Op::CtrlConnect), Why::Denied).in_words_of_others(text);
            self.refuse_channel(key, cause);
        } else if retires {
            let text = "the agent is about to end";
            self.refuse_channel(key, Cause::new(Some(Op::CtrlConnect), Why::Refused).because(text));
        } else if window.is_none() {
            let text = if in_time {
                "the agent has no room for another connection of this client"
            } else {
                "the client has too many connections opened a second (opens_per_second)"
            };
            let cause = Cause::new(Some(Op::CtrlConnect), Why::LocalLimit).because(text);
            self.refuse_channel(key, cause);
        } else {
            match &open.target {
                RemoteTarget::Addr(addr) => {
                    self.dial(key, agent, addr.clone(), open.source.clone())
                }
                RemoteTarget::Name { host, port } => {
                    self.look_up(key, agent, (host, *port), open.source.clone());
                }
            }
        }
        Ok(())
    }

    /// Has the host look up a name.
    fn look_up(&mut self, channel: Key, key: Key, (host, port): (&str, u16), source: Option<Addr>) {
        let Ok(agent) = self.remote.agents.get_mut(key) else { return };
        if agent.resolutions.len() >= LOOKUPS_MAX {
            let text = "too many names are looked up at the agent";
            let cause = Cause::new(Some(Op::CtrlConnect), Why::LocalLimit).because(text);
            return self.refuse_channel(channel, cause);
        }
        agent.last_ticket += 1;
        agent.resolutions.push_back(Resolution {
            ticket: agent.last_ticket,
            channel,
            host: host.into(),
            port,
            source,
            is_asked: false,
        });
        self.tools.agenda.add(List::Events, Kind::Agent, key, &mut agent.listed);
    }

    /// Opens the connection of a channel.
    pub(super) fn dial(&mut self, key: Key, agent: Key, addr: Addr, source: Option<Addr>) {
        let Ok(found) = self.remote.agents.get(agent) else { return };
        // A client that has given it up is not served any more.
        if !self.remote.channels.get(key).is_ok_and(|found| found.stage == ChannelStage::Opening) {
            return;
        }
        let config = match source {
            None => Arc::clone(&found.options.connect),
            Some(addr) => {
                let mut config = (*found.options.connect).clone();
                config.source.addresses = vec![addr];
                Arc::new(config)
            }
        };
        let user = found.options.user;
        match self.connect(addr, config, &ConnectOptions { user, ..ConnectOptions::default() }) {
            Ok(id) => {
                if let Ok(conn) = self.conns.get_mut(id.key()) {
                    conn.owner = Owner::Channel { slot: key.slot };
                }
                if let Ok(channel) = self.remote.channels.get_mut(key) {
                    channel.conn = Some(id.key());
                }
            }
            Err(_) => {
                let text = "a limit of the agent left no room for the connection";
                let cause = Cause::new(Some(Op::CtrlConnect), Why::LocalLimit).because(text);
                self.refuse_channel(key, cause);
            }
        }
    }

    /// Tells a client why its connection is not opened.
    pub(super) fn refuse_channel(&mut self, key: Key, cause: Cause) {
        if let Ok(channel) = self.remote.channels.get_mut(key) {
            channel.failure = Some(Box::new(cause));
            channel.due = DueFrames::CLOSED;
        }
        self.remote.ready(key);
    }

    /// The connection of an agent's channel reports something.
    pub(super) fn serve_channel(&mut self, key: Key, slot: u32) {
        let Some(channel) = self.remote.channels.key_of(slot) else { return };
        if self.has_failed(channel, key) {
            return self.channel_failed(channel, key);
        }
        while let Some(event) = self.take_event(key) {
            let Ok(found) = self.remote.channels.get_mut(channel) else { return };
            match event {
                Events::CONNECTED => {
                    if found.stage == ChannelStage::Opening {
                        found.stage = ChannelStage::Open;
                        found.due.insert(DueFrames::OPENED);
                    }
                    found.readable = true;
                }
                Events::SECURED => {
                    if found.stage == ChannelStage::Securing {
                        found.stage = ChannelStage::Open;
                        found.due.insert(DueFrames::SECURED);
                    }
                    found.readable = true;
                }
                Events::READABLE => found.readable = true,
                Events::WRITABLE => self.drained(channel, key),
                Events::REFUSED | Events::CLOSED => {
                    return self.channel_conn_ended(channel, key, event);
                }
                _ => {}
            }
            self.remote.ready(channel);
        }
    }

    /// Whether the connection of a channel has failed, and is not what the client has closed.
    fn has_failed(&self, channel: Key, key: Key) -> bool {
        let Ok(found) = self.remote.channels.get(channel) else { return false };
        let Ok(conn) = self.conns.get(key) else { return false };
        found.stage != ChannelStage::Closing && conn.cause.is_some() && conn.word.is_closing()
    }

    /// The connection of a channel has failed: its client is told at once. It closes by itself, and its end
    /// is reported to the host.
    fn channel_failed(&mut self, channel: Key, key: Key) {
        let Ok(conn) = self.conns.get_mut(key) else { return };
        if let Ok(found) = self.remote.channels.get_mut(channel) {
            found.conn = None;
            found.readable = false;
            found.failure.clone_from(&conn.cause);
            found.due.insert(DueFrames::CLOSED);
        }
        conn.owner = Owner::Host;
        conn.flags.insert(Flags::CLOSED_BY_HOST);
        conn.events.remove(Events::ASKED_OF_HOST);
        if !conn.events.is_empty() {
            self.tools.agenda.add(List::Events, Kind::Conn, key, &mut conn.listed);
        }
        self.remote.ready(channel);
    }

    /// The connection of a channel is gone.
    fn channel_conn_ended(&mut self, channel: Key, key: Key, last: Events) {
        let cause = self.conns.get(key).ok().and_then(|conn| conn.cause.clone());
        if let Ok(found) = self.remote.channels.get_mut(channel) {
            found.conn = None;
            found.readable = false;
            // Without a failure it is reported once the client has closed it too.
            if found.stage == ChannelStage::Closing || cause.is_some() {
                found.due.insert(DueFrames::CLOSED);
            }
            found.failure = cause;
        }
        self.remote.ready(channel);
        self.report_to_host(key, last);
    }

    /// All bytes of a client were sent: there is room for more, and TLS may begin.
    fn drained(&mut self, channel: Key, key: Key) {
        self.grant_room(channel, key);
        let Ok(found) = self.remote.channels.get_mut(channel) else { return };
        if let Some((profile, name)) = found.secure.take() {
            self.begin_secure(channel, profile, name);
        }
    }

    fn grant_room(&mut self, channel: Key, key: Key) {
        let unsent = self.conns.get(key).map_or(0, |conn| conn.ctrl.unsent());
        if let Ok(found) = self.remote.channels.get_mut(channel) {
            found.grant((found.window as usize).saturating_sub(unsent));
        }
    }

    /// Bytes of a client came for a channel.
    pub(super) fn on_client_bytes(&mut self, key: Key, bytes: &[u8]) -> Result<(), LinkFault> {
        let Ok(channel) = self.remote.channels.get(key) else { return Ok(()) };
        match channel.stage {
            ChannelStage::Open => {}
            // They crossed the end.
            ChannelStage::Closed => return Ok(()),
            ChannelStage::Opening | ChannelStage::Securing | ChannelStage::Closing => {
                let number = channel.number;
                return Err(LinkFault::malformed(format!(
                    "DATA that does not fit the state of channel {number}"
                )));
            }
        }
        let Some(conn) = channel.conn else { return Ok(()) };
        let Self { conns, tools, registry, .. } = self;
        let Ok(found) = conns.get_mut(conn) else { return Ok(()) };
        found.send_all(&mut tools.cx(registry, conn), bytes);
        // TLS takes a whole record of which a part may wait: there is room once that is sent.
        if found.ctrl.has_unsent() {
            found.flags.insert(Flags::WRITE_ARMED);
        }
        self.work(conn);
        self.grant_room(key, conn);
        self.remote.ready(key);
        Ok(())
    }

    pub(super) fn on_client_end(&mut self, key: Key, curt: bool) {
        let Ok(channel) = self.remote.channels.get(key) else { return };
        let Some(conn) = channel.conn else { return };
        if let Ok(found) = self.conns.get_mut(conn) {
            if curt {
                found.closes(CloseMode::Curt);
            }
            found.word.shut(Direction::Write);
        }
        self.work(conn);
    }

    /// A frame by which a client begins TLS, or ends a channel.
    pub(super) fn on_client_frame(
        &mut self,
        key: Key,
        number: u32,
        frame: &RemoteFrame<'_>,
    ) -> Result<(), LinkFault> {
        let Ok(channel) = self.remote.channels.get_mut(key) else { return Ok(()) };
        match (frame, channel.stage) {
            (RemoteFrame::Secure { profile, server_name }, ChannelStage::Open)
                if channel.secure.is_none() && !channel.ended && is_of_client(number) =>
            {
                channel.stage = ChannelStage::Securing;
                channel.readable = false;
                self.begin_secure(key, (*profile).into(), (*server_name).into());
                Ok(())
            }
            // It crossed the failure.
            (RemoteFrame::Secure { .. }, ChannelStage::Closed) => Ok(()),
            (RemoteFrame::Close, ChannelStage::Closing) => {
                Err(LinkFault::malformed(format!("a second CLOSE, channel {number}")))
            }
            (RemoteFrame::Close, _) => {
                self.client_ends(key, false);
                Ok(())
            }
            (RemoteFrame::Reset, _) => {
                self.client_ends(key, true);
                Ok(())
            }
            _ => Err(LinkFault::malformed(format!(
                "a frame that does not fit the state of channel {number}"
            ))),
        }
    }

    /// A client has sent its last frame of a channel.
    fn client_ends(&mut self, key: Key, reset: bool) {
        let Ok(channel) = self.remote.channels.get_mut(key) else { return };
        if channel.stage == ChannelStage::Closed {
            return self.remote.forget_channel(key);
        }
        channel.stage = ChannelStage::Closing;
        channel.due.remove(DueFrames::OPENED | DueFrames::SECURED | DueFrames::END);
        let Some(conn) = channel.conn else {
            // It is gone already, or was never begun.
            channel.due.insert(DueFrames::CLOSED);
            return self.remote.ready(key);
        };
        if let Ok(found) = self.conns.get_mut(conn) {
            if reset {
                let cause = Cause::new(None, Why::Aborted).because("the client reset it");
                found.end(Ending::Abort, Some(Box::new(cause)));
            } else if found.word.is_opening() {
                let cause = Cause::new(None, Why::Aborted).because("the client gave it up");
                found.end(Ending::Refused, Some(Box::new(cause)));
            } else if !found.word.is_closing() {
                found.end(Ending::Orderly, None);
            }
        }
        self.work(conn);
    }

    /// Begins TLS on the connection of a channel, once all that came before is sent.
    fn begin_secure(&mut self, key: Key, profile: Box<str>, name: Box<str>) {
        let Ok(channel) = self.remote.channels.get_mut(key) else { return };
        let (session, conn) = (channel.session, channel.conn);
        let Some(conn) = conn else { return };
        let role = self.remote.sessions.get(session).map(|found| found.role);
        let Ok(SessionRole::Agent(agent)) = role else { return };
        if self.conns.get(conn).is_ok_and(|conn| conn.ctrl.has_unsent()) {
            channel.secure = Some((profile, name));
            if let Ok(found) = self.conns.get_mut(conn) {
                found.flags.insert(Flags::WRITE_ARMED);
            }
            return self.work(conn);
        }
        let tls = self
            .remote
            .agents
            .get(agent)
            .ok()
            .and_then(|agent| agent.profiles.get(&*profile).cloned());
        let begun = match tls {
            None => Err(format!("the agent has no TLS profile \"{}\"", profile.escape_debug())),
            Some(tls) => {
                let start = StartTls::Client(tls, name.clone().into());
                self.begin_tls(conn, start, &[]).map_err(|_| {
                    format!("TLS with the name \"{}\" is not possible here", name.escape_debug())
                })
            }
        };
        if let Err(text) = begun {
            let cause = Cause::new(Some(Op::TlsConnect), Why::Denied).in_words_of_others(text);
            if let Ok(found) = self.conns.get_mut(conn) {
                found.end(Ending::Abort, Some(Box::new(cause)));
            }
            self.work(conn);
        }
    }
}
