//! A client's channels: what their connections ask becomes frames, and frames become reports.

use super::super::Engine;
use crate::cause::{Cause, Why};
use crate::conn::{Conn, closing};
use crate::ctrl::{FedAsks, Misreport, Mover};
use crate::cx::Cx;
use crate::remote::{Channel, ChannelStage, DueFrames, LinkFault, cause_of, errno_of, tls_of};
use crate::slab::Key;
use crate::sys::{Net, Passed};
use crate::wire::remote::{
    self as wire, RemoteClosed, RemoteFrame, RemoteOpen, RemoteOpened, RemoteTarget, TlsFacts,
};

impl<N: Net> Engine<N> {
    /// A connection that an agent feeds asks for something.
    pub(super) fn serve_asks(&mut self, key: Key) {
        let Ok(conn) = self.conns.get_mut(key) else { return };
        let mover = conn.ctrl.mover();
        let Some(asks) = conn.ctrl.take_ask() else { return };
        let room = conn.ctrl.fed_room();
        let link = remote_link(conn);
        match mover {
            // It is opened anew, also after another attempt has failed.
            Some(Mover::Channel(_)) if asks.contains(FedAsks::OPEN) => {
                if let Some(link) = link {
                    self.ask_link(key, link, asks);
                }
            }
            Some(Mover::Link(link)) => self.ask_link(key, link, asks),
            Some(Mover::Channel(channel)) => self.ask_channel(key, channel, asks, room),
            Some(Mover::Host) | None => {}
        }
    }

    fn ask_channel(&mut self, conn: Key, key: Key, asks: FedAsks, room: usize) {
        let Ok(channel) = self.remote.channels.get_mut(key) else {
            // The channel is over, and nothing is below the connection.
            if asks.intersects(FedAsks::CLOSE | FedAsks::RESET) {
                self.tell(conn, |conn, _| conn.ctrl.report_closed());
            }
            return;
        };
        if asks.contains(FedAsks::RECEIVE) {
            channel.grant(room);
        }
        for (ask, frame) in [
            (FedAsks::SECURE, DueFrames::SECURE),
            (FedAsks::SHUT_WRITE, DueFrames::END),
            (FedAsks::CLOSE, DueFrames::CLOSE),
            (FedAsks::RESET, DueFrames::RESET),
        ] {
            if asks.contains(ask) {
                channel.due.insert(frame);
            }
        }
        let gives_up = channel.due.intersects(DueFrames::CLOSE | DueFrames::RESET);
        if gives_up && channel.due.contains(DueFrames::OPEN) {
            // The agent has not heard of it.
            let conn = channel.conn.take();
            self.remote.forget_channel(key);
            if let Some(conn) = conn {
                self.tell(conn, |conn, _| conn.ctrl.report_closed());
            }
            return;
        }
        // What is reset waits for nothing that an agent says, or does not say.
        let reset = if asks.contains(FedAsks::RESET) { channel.conn.take() } else { None };
        self.remote.ready(key);
        if let Some(conn) = reset {
            self.tell(conn, |conn, _| conn.ctrl.report_closed());
        }
    }

    /// Has an agent, through a session, open a connection. Returns whether there is a window for it.
    pub(super) fn begin_channel(&mut self, session: Key, conn: Key) -> bool {
        let most = u32::try_from(self.tools.limits.fed.inbox).unwrap_or(u32::MAX);
        let Ok(found) = self.remote.sessions.get_mut(session) else { return false };
        let Some(window) = found.budget.take(most) else { return false };
        let number = found.take_number();
        let channel = Channel::new(session, number, Some(conn), window);
        let Ok(key) = self.remote.channels.insert(channel) else {
            found.budget.give(window);
            return false;
        };
        found.channels.insert(number, key);
        if let Ok(channel) = self.remote.channels.get_mut(key) {
            channel.due.insert(DueFrames::OPEN);
        }
        if let Ok(conn) = self.conns.get_mut(conn) {
            conn.ctrl.moved_by(Mover::Channel(key), window as usize);
            if let Some(rare) = &mut conn.facts.rare {
                rare.remote_cause = None;
            }
        }
        self.remote.ready(key);
        true
    }

    /// Composes what a client's channel has to send: at most one frame of bytes.
    pub(super) fn compose_client(&mut self, key: Key) {
        let Ok(channel) = self.remote.channels.get_mut(key) else { return };
        let (session, number, due) = (channel.session, channel.number, channel.due);
        let limit = channel.limit.take();
        channel.due = DueFrames::empty();
        let conn = channel.conn;
        if due.contains(DueFrames::OPEN)
            && let Some(conn) = conn
        {
            self.compose_open(key, conn);
        }
        if let Some(limit) = limit {
            self.write(session, number, &RemoteFrame::Credit(limit));
        }
        if due.contains(DueFrames::SECURE)
            && let Some(plan) = conn.and_then(|conn| self.tls_plan(conn))
        {
            let [profile, server_name] = [&*plan.0, &*plan.1];
            self.write(session, number, &RemoteFrame::Secure { profile, server_name });
            if let Ok(channel) = self.remote.channels.get_mut(key) {
                channel.stage = ChannelStage::Securing;
            }
        }
        if due.contains(DueFrames::RESET) {
            self.write(session, number, &RemoteFrame::Reset);
            return self.client_said_last(key);
        }
        if let Some(conn) = conn {
            self.compose_bytes(key, session, number, conn);
        }
        let unsent = conn
            .and_then(|conn| self.conns.get(conn).ok())
            .is_some_and(|conn| conn.ctrl.has_unsent());
        // An end goes behind all bytes.
        let last = due & (DueFrames::END | DueFrames::CLOSE);
        if unsent && !last.is_empty() {
            if let Ok(channel) = self.remote.channels.get_mut(key) {
                channel.due |= last;
            }
            return;
        }
        if due.contains(DueFrames::END) {
            let conn = conn.and_then(|conn| self.conns.get(conn).ok());
            let truncated = conn.is_some_and(|conn| conn.ctrl.ends_curtly());
            self.write(session, number, &RemoteFrame::End { truncated });
        }
        if due.contains(DueFrames::CLOSE) {
            self.write(session, number, &RemoteFrame::Close);
            self.client_said_last(key);
        }
    }

    /// The client has sent its last frame of a channel.
    fn client_said_last(&mut self, key: Key) {
        let Ok(channel) = self.remote.channels.get_mut(key) else { return };
        if channel.stage == ChannelStage::Closed {
            self.remote.forget_channel(key);
        } else {
            channel.stage = ChannelStage::Closing;
        }
    }

    fn compose_open(&mut self, channel: Key, key: Key) {
        let Ok(found) = self.remote.channels.get(channel) else { return };
        let (session, number, window) = (found.session, found.number, found.window);
        let Ok(conn) = self.conns.get(key) else { return };
        let crate::conn::Plan::Outgoing(config) = &conn.facts.plan else { return };
        let config = std::sync::Arc::clone(config);
        let Some(plan) = config.remote() else { return };
        let target = match &plan.name {
            Some((host, port)) => RemoteTarget::Name { host, port: *port },
            None => RemoteTarget::Addr(conn.facts.peer.clone()),
        };
        let link = self.remote.links.get(plan.link.key());
        let takes_descriptor = plan.takes_descriptor
            && plan.tls.is_none()
            && link.is_ok_and(|link| link.options.takes_descriptors);
        if let Ok(channel) = self.remote.channels.get_mut(channel) {
            channel.takes_descriptor = takes_descriptor;
        }
        // An agent that looks a name up does not know the family of its address before.
        let family = match &target {
            RemoteTarget::Addr(addr) => Some(addr.family()),
            RemoteTarget::Name { .. } => None,
        };
        let turn = self.tools.next_turn();
        let source = match family {
            Some(family) => config.source.choose(family, turn).cloned(),
            None => config.source.addresses.first().cloned(),
        };
        let open = RemoteOpen { window, target, source, takes_descriptor };
        self.write(session, number, &RemoteFrame::Open(open));
    }

    /// The profile and the name of the server for the TLS that an agent is to begin.
    fn tls_plan(&self, key: Key) -> Option<(Box<str>, Box<str>)> {
        let conn = self.conns.get(key).ok()?;
        let crate::conn::Plan::Outgoing(config) = &conn.facts.plan else { return None };
        let tls = config.remote_tls()?;
        Some((tls.profile.clone(), tls.server_name.clone()))
    }

    /// Composes one frame of the bytes that a connection has to send, as far as the agent has room.
    fn compose_bytes(&mut self, key: Key, session: Key, number: u32, conn: Key) {
        let (Ok(channel), Ok(of)) = (self.remote.channels.get_mut(key), self.conns.get_mut(conn))
        else {
            return;
        };
        let Some(bytes) = of.ctrl.queued().map(crate::buffer::Buffer::bytes) else { return };
        let n = bytes.len().min(channel.sending.left()).min(wire::PAYLOAD_MAX);
        if n == 0 || channel.stage != ChannelStage::Open {
            return;
        }
        channel.sending.spend(n);
        let more = bytes.len() > n && channel.sending.left() > 0;
        if let Ok(found) = self.remote.sessions.get_mut(session) {
            let pool = &mut self.tools.pool;
            let output = found.output.get_or_insert_with(|| pool.take_for(crate::data::BULK_UNIT));
            pool.make_room(output, wire::HEADER + n);
            output.extend(&wire::data_header(number, n));
            output.extend(&bytes[..n]);
        }
        if more {
            self.remote.ready(key);
        }
        self.tell(conn, |conn, cx| {
            conn.ctrl.report_sent(cx, n)?;
            closing::took_bytes(conn, cx.now);
            Ok(())
        });
    }

    /// Reports something to a connection, and drives it.
    pub(super) fn tell<R>(
        &mut self,
        key: Key,
        report: impl FnOnce(&mut Conn, &mut Cx<'_, N>) -> Result<R, Misreport>,
    ) -> Option<R> {
        let Self { conns, tools, registry, .. } = self;
        let conn = conns.get_mut(key).ok()?;
        let result = report(conn, &mut tools.cx(registry, key));
        self.work(key);
        result.ok()
    }

    /// Bytes of the agent came for a channel.
    pub(super) fn on_bytes(&mut self, key: Key, bytes: &[u8]) -> Result<(), LinkFault> {
        let Ok(channel) = self.remote.channels.get(key) else { return Ok(()) };
        let number = channel.number;
        match channel.stage {
            ChannelStage::Opening => {
                return Err(LinkFault::malformed(format!("DATA before OPENED, channel {number}")));
            }
            ChannelStage::Closed => {
                return Err(LinkFault::malformed(format!("DATA behind CLOSED, channel {number}")));
            }
            // Those that come before TLS are the connection's business.
            ChannelStage::Open | ChannelStage::Securing | ChannelStage::Closing => {}
        }
        let Some(conn) = channel.conn else { return Ok(()) };
        let taken = self.tell(conn, |conn, cx| conn.ctrl.report_received(cx.pool, bytes));
        // There is room for whatever was allowed, so that only a connection that has ended takes less.
        debug_assert!(taken.is_none_or(|taken| taken == bytes.len()), "there was no room");
        Ok(())
    }

    pub(super) fn on_end(&mut self, key: Key, truncated: bool) {
        let Ok(channel) = self.remote.channels.get(key) else { return };
        let Some(conn) = channel.conn else { return };
        self.tell(conn, |conn, _| {
            if truncated {
                conn.ctrl.note_truncated();
            }
            conn.ctrl.report_ended()
        });
    }

    /// A frame of the agent that answers, or ends a channel.
    pub(super) fn on_agent_frame(
        &mut self,
        key: Key,
        number: u32,
        frame: &RemoteFrame<'_>,
    ) -> Result<(), LinkFault> {
        let Ok(channel) = self.remote.channels.get(key) else { return Ok(()) };
        let stage = channel.stage;
        match (frame, stage) {
            (RemoteFrame::Opened(opened), ChannelStage::Opening | ChannelStage::Closing) => {
                self.on_opened(key, opened)
            }
            (RemoteFrame::Secured(facts), ChannelStage::Securing | ChannelStage::Closing) => {
                self.on_secured(key, facts);
                Ok(())
            }
            (RemoteFrame::Closed(closed), stage) if stage != ChannelStage::Closed => {
                self.on_closed(key, closed);
                Ok(())
            }
            _ => Err(LinkFault::malformed(format!(
                "a frame that does not fit the state of channel {number}"
            ))),
        }
    }

    fn on_opened(&mut self, key: Key, opened: &RemoteOpened) -> Result<(), LinkFault> {
        let Ok(channel) = self.remote.channels.get_mut(key) else { return Ok(()) };
        let (session, takes_descriptor) = (channel.session, channel.takes_descriptor);
        if channel.stage == ChannelStage::Opening {
            channel.stage = ChannelStage::Open;
        }
        channel.sending.raise(opened.window.into());
        let conn = channel.conn;
        let Some(key_of_conn) = conn else { return self.opened_in_vain(key, opened) };
        if let (Some(peer), Ok(conn)) = (&opened.peer, self.conns.get_mut(key_of_conn)) {
            conn.facts.peer = peer.clone();
        }
        if opened.descriptor {
            if !takes_descriptor {
                return Err(LinkFault::malformed("a descriptor that was not asked for"));
            }
            let came = self.remote.sessions.get_mut(session).ok().and_then(|s| s.came.pop_front());
            let Some(passed) = came else {
                return Err(LinkFault::malformed("a frame whose descriptor did not come"));
            };
            self.remote.forget_channel(key);
            self.stand_on_passed(key_of_conn, passed);
            return Ok(());
        }
        let local = opened.local.clone();
        self.tell(key_of_conn, |conn, _| conn.ctrl.report_opened(local));
        self.remote.ready(key);
        Ok(())
    }

    /// A connection was reset before it was open.
    fn opened_in_vain(&mut self, key: Key, opened: &RemoteOpened) -> Result<(), LinkFault> {
        if !opened.descriptor {
            return Ok(());
        }
        let session = self.remote.channels.get(key).map(|channel| channel.session);
        let session = session.and_then(|session| self.remote.sessions.get_mut(session));
        let Some(passed) = session.ok().and_then(|session| session.came.pop_front()) else {
            return Err(LinkFault::malformed("a frame whose descriptor did not come"));
        };
        self.remote.forget_channel(key);
        self.give_descriptor(passed);
        Ok(())
    }

    /// A connection is to stand on the descriptor that came for it.
    fn stand_on_passed(&mut self, key: Key, passed: Passed) {
        let Passed::Descriptor(fd) = passed else {
            // What came has no number here. The agent's end is closed, so it is tried again later.
            let errno = crate::sys::Errno(libc::EMFILE);
            self.tell(key, |conn, _| conn.ctrl.report_failed(errno));
            return;
        };
        if self.check_connected(fd).is_err() {
            self.give_descriptor(passed);
            let text = "the agent passed a descriptor that is no connected stream socket";
            let cause = Cause::new(None, Why::Malformed).because(text).at_agent();
            return self.client_failed(key, Box::new(cause));
        }
        let Self { conns, tools, registry, .. } = self;
        let Ok(conn) = conns.get_mut(key) else { return self.give_descriptor(passed) };
        if conn.ctrl.stand_on(&mut tools.cx(registry, key), fd).is_ok() {
            self.fed = self.fed.saturating_sub(1);
        } else {
            // It was given up in the meantime.
            self.give_descriptor(passed);
            self.tell(key, |conn, _| conn.ctrl.report_closed());
        }
        self.work(key);
    }

    fn on_secured(&mut self, key: Key, facts: &TlsFacts<'_>) {
        let Ok(channel) = self.remote.channels.get_mut(key) else { return };
        if channel.stage == ChannelStage::Securing {
            channel.stage = ChannelStage::Open;
        }
        let Some(conn) = channel.conn else { return };
        if let Ok(conn) = self.conns.get_mut(conn) {
            conn.facts.rare_mut().remote_tls = Some(tls_of(facts));
        }
        self.work(conn);
        self.remote.ready(key);
    }

    fn on_closed(&mut self, key: Key, closed: &RemoteClosed<'_>) {
        let Ok(channel) = self.remote.channels.get_mut(key) else { return };
        let (stage, session) = (channel.stage, channel.session);
        let conn = channel.conn.take();
        if stage == ChannelStage::Closing {
            self.remote.forget_channel(key);
        } else {
            // The agent learns that nothing more comes.
            channel.stage = ChannelStage::Closed;
            channel.due = DueFrames::CLOSE;
            channel.limit = None;
            self.remote.ready(key);
        }
        let Some(conn) = conn else { return };
        let retires = self.remote.sessions.get(session).is_ok_and(|found| found.retires);
        if stage == ChannelStage::Opening && !closed.begun && retires {
            return self.open_elsewhere(session, conn);
        }
        let mut cause = closed.failure.as_ref().map(cause_of);
        if !closed.begun {
            // It is opened once more after a pause, as where this machine lacks a resource.
            let text = "the agent has not begun to open it";
            let limit = || Cause::new(None, Why::LocalLimit).because(text).at_agent();
            cause = cause.or_else(|| Some(Box::new(limit())));
        }
        if stage == ChannelStage::Opening {
            let text = "the agent gave it up";
            let aborted = || Cause::new(None, Why::Aborted).because(text).at_agent();
            cause = cause.or_else(|| Some(Box::new(aborted())));
        }
        match (cause, stage) {
            (Some(cause), ChannelStage::Opening) => self.client_failed(conn, cause),
            (Some(cause), ChannelStage::Closing) => self.client_ended(conn, *cause),
            (cause, _) => self.client_closed(conn, cause),
        }
    }

    /// A connection could not be opened.
    pub(super) fn client_failed(&mut self, key: Key, cause: Box<Cause>) {
        self.tell(key, |conn, _| {
            let errno = errno_of(&cause);
            conn.facts.rare_mut().remote_cause = Some(cause);
            conn.ctrl.report_failed(errno)
        });
    }

    /// What a client has closed did not end in order at the agent.
    fn client_ended(&mut self, key: Key, cause: Cause) {
        self.tell(key, |conn, cx| {
            closing::note_failure(conn, cx.now, cause);
            conn.ctrl.report_closed()
        });
    }

    /// Nothing is below a connection any more.
    fn client_closed(&mut self, key: Key, cause: Option<Box<Cause>>) {
        self.tell(key, |conn, _| {
            if let Some(cause) = cause {
                // What it waits for meets the errno; what it has received comes first.
                let errno = errno_of(&cause);
                conn.facts.rare_mut().remote_cause = Some(cause);
                let _ = conn.ctrl.report_hung_up(errno);
            }
            conn.ctrl.report_closed()
        });
    }

    /// The session of a channel is gone.
    pub(super) fn client_lost_channel(
        &mut self,
        link: Key,
        key: Key,
        stage: ChannelStage,
        unsent: bool,
        cause: &Cause,
    ) {
        if stage == ChannelStage::Opening || unsent {
            return self.wait_for_link(link, key);
        }
        let cause = Cause::new(None, Why::Reset)
            .in_words_of_others(format!("the link to the agent broke: {}", cause.text))
            .at_agent();
        self.client_closed(key, Some(Box::new(cause)));
    }
}

/// The link over which a connection is to be opened.
fn remote_link(conn: &Conn) -> Option<Key> {
    match &conn.facts.plan {
        crate::conn::Plan::Outgoing(config) => config.remote().map(|plan| plan.link.key()),
        crate::conn::Plan::Incoming(_) | crate::conn::Plan::Adopted => None,
    }
}
