//! The frames of a session: reading them, and its end.

use super::super::Engine;
use crate::cause::{Cause, Why};
use crate::conn::{Ending, Events, Flags, Received};
use crate::id::Kind;
use crate::remote::{
    DueFrames, LinkFault, LinkSession, SILENT_INTERVALS, SessionRole, SessionStage,
};
use crate::slab::Key;
use crate::sys::{Fd, Net, Passed};
use crate::time::SECOND;
use crate::wire::remote::{self as wire, GoawayReason};

/// How many bytes of one session are read before others get their turn.
const READ_SHARE: usize = 256 * 1024;

/// The interval while the other side has not said HELLO yet.
const GREETING_INTERVAL: u64 = 5 * SECOND;

impl<N: Net> Engine<N> {
    /// The connection of a session reports something.
    pub(super) fn serve_session(&mut self, key: Key, slot: u32) {
        let Some(session) = self.remote.sessions.key_of(slot) else { return };
        while let Some(event) = self.take_event(key) {
            match event {
                Events::CONNECTED => {
                    if let Ok(found) = self.remote.sessions.get_mut(session) {
                        found.stage = SessionStage::Greeting;
                    }
                    self.remote.flush_later(session);
                }
                Events::READABLE => self.read_session(session),
                Events::WRITABLE => self.remote.flush_later(session),
                Events::REFUSED | Events::CLOSED => return self.session_ended(session, key, event),
                _ => {}
            }
        }
    }

    /// Reads what came for a session, and acts on its frames.
    fn read_session(&mut self, session: Key) {
        let mut read = 0;
        loop {
            let Ok(found) = self.remote.sessions.get_mut(session) else { return };
            if found.stage == SessionStage::Over {
                return;
            }
            let conn = found.conn;
            if read >= READ_SHARE {
                return self.read_later(conn);
            }
            let frame = wire::HEADER + wire::PAYLOAD_MAX;
            let mut input = match found.input.take() {
                Some(input) => input,
                None => self.tools.pool.take_for(crate::data::BULK_UNIT),
            };
            // The rest of a frame that has begun has to fit behind its beginning.
            input.reserve(frame.saturating_sub(input.len()));
            let mut passed = Passed::Nothing;
            let received = self.read_with(conn, |conn, cx| {
                let (received, came) = conn.recv_passed(cx, input.space());
                passed = came;
                received
            });
            if let Received::Bytes(n) = received {
                input.commit(n);
                read += n;
                if let Ok(found) = self.remote.sessions.get_mut(session)
                    && found.stage == SessionStage::Open
                {
                    found.silent = 0;
                }
            }
            let fault = match self.keep_descriptor(session, passed) {
                Ok(()) => self.act_on_frames(session, &mut input).err(),
                fault => fault.err(),
            };
            let has_rest = !input.is_empty();
            let fault = fault.or_else(|| self.check_descriptors(session, has_rest).err());
            self.keep_input(session, input);
            if let Some(fault) = fault {
                return self.end_session(session, &fault);
            }
            match received {
                Received::Bytes(_) => {}
                Received::Wait | Received::Failed(_) => return,
                Received::End | Received::Truncated => return self.session_shut(session),
            }
        }
    }

    /// Has a session read on in the next turn.
    fn read_later(&mut self, key: Key) {
        if let Ok(conn) = self.conns.get_mut(key) {
            conn.flags.insert(Flags::READ_ARMED);
            let (list, kind) = (crate::agenda::List::Run, Kind::Conn);
            self.tools.agenda.add(list, kind, key, &mut conn.listed);
        }
    }

    fn keep_input(&mut self, session: Key, input: crate::buffer::Buffer) {
        match self.remote.sessions.get_mut(session) {
            Ok(found) if !input.is_empty() => found.input = Some(input),
            _ => self.tools.pool.give(input),
        }
    }

    /// A descriptor came with bytes, which hold the beginning of its frame.
    fn keep_descriptor(&mut self, session: Key, passed: Passed) -> Result<(), LinkFault> {
        let Ok(found) = self.remote.sessions.get_mut(session) else { return Ok(()) };
        if passed == Passed::Nothing {
            return Ok(());
        }
        found.came.push_back(passed);
        if matches!(found.role, SessionRole::Agent(_)) {
            return Err(LinkFault::malformed("a descriptor from a client"));
        }
        Ok(())
    }

    /// Each descriptor came with the first byte of its frame: one at most waits for the rest of a frame.
    fn check_descriptors(&self, session: Key, has_rest: bool) -> Result<(), LinkFault> {
        let Ok(found) = self.remote.sessions.get(session) else { return Ok(()) };
        if found.came.len() > usize::from(has_rest) && found.stage != SessionStage::Over {
            return Err(LinkFault::malformed("a descriptor that no frame is about"));
        }
        Ok(())
    }

    /// Acts on the whole frames at the front of `input`.
    fn act_on_frames(
        &mut self,
        session: Key,
        input: &mut crate::buffer::Buffer,
    ) -> Result<(), LinkFault> {
        loop {
            match wire::parse(input.bytes()) {
                wire::Parsed::Partial { .. } => return Ok(()),
                wire::Parsed::Bad(fault) => return Err(LinkFault::malformed(fault.to_string())),
                wire::Parsed::Whole { channel, frame, len } => {
                    self.act_on(session, channel, &frame)?;
                    input.consume(len);
                }
            }
            let over = SessionStage::Over;
            if self.remote.sessions.get(session).map_or(over, |found| found.stage) == over {
                return Ok(());
            }
        }
    }

    /// Closes the connection of a session that has retired, with its last channel.
    pub(super) fn retire_if_idle(&mut self, session: Key) {
        let Ok(found) = self.remote.sessions.get(session) else { return };
        let is_client = matches!(found.role, SessionRole::Client(_));
        // A channel without a connection waits for the last word of an agent, which may never come.
        let has_conn = |channel: &Key| {
            self.remote.channels.get(*channel).is_ok_and(|channel| channel.conn.is_some())
        };
        let idle = !found.channels.values().any(has_conn);
        if !found.retires || !idle || !is_client || found.stage == SessionStage::Over {
            return;
        }
        let has_sent = found.output.is_none() && found.ready.is_empty() && !found.speaks();
        if has_sent || found.stage == SessionStage::Connecting {
            self.close_session(session);
        } else {
            self.remote.flush_later(session);
        }
    }

    /// Closes the connection of a session in order.
    pub(super) fn close_session(&mut self, session: Key) {
        let Ok(found) = self.remote.sessions.get_mut(session) else { return };
        found.stage = SessionStage::Over;
        let conn = found.conn;
        if let Ok(found) = self.conns.get_mut(conn) {
            if found.word.is_opening() {
                found.end(Ending::Refused, None);
            } else if !found.word.is_closing() {
                found.end(Ending::Orderly, None);
            }
        }
        self.work(conn);
    }

    /// The other side has ended its direction, so that the session is over.
    fn session_shut(&mut self, session: Key) {
        let Ok(found) = self.remote.sessions.get(session) else { return };
        if found.channels.is_empty() {
            return self.close_session(session);
        }
        let cause = Cause::new(None, Why::Truncated).because("the other side closed the link");
        let is_client = matches!(found.role, SessionRole::Client(_));
        self.break_session(session, if is_client { cause.at_agent() } else { cause });
    }

    /// The other side broke the protocol, or this side gives the session up: it is told why.
    pub(super) fn end_session(&mut self, session: Key, fault: &LinkFault) {
        self.say_goaway(session, fault);
        let why = match fault.reason {
            GoawayReason::Timeout => Why::TimedOut,
            GoawayReason::Denied => Why::Denied,
            GoawayReason::Limit => Why::LocalLimit,
            _ => Why::Malformed,
        };
        let text = format!("the link: {}", fault.text);
        self.break_session(session, Cause::new(None, why).in_words_of_others(text));
    }

    /// Ends a session and all its channels at once, for this cause.
    pub(super) fn break_session(&mut self, session: Key, cause: Cause) {
        let Ok(found) = self.remote.sessions.get_mut(session) else { return };
        if found.stage == SessionStage::Over {
            return;
        }
        found.stage = SessionStage::Over;
        found.retires = true;
        let (conn, role) = (found.conn, found.role);
        if let SessionRole::Client(link) = role
            && let Ok(of) = self.remote.links.get_mut(link)
        {
            of.back_off(self.tools.now);
        }
        if let Ok(found) = self.conns.get_mut(conn) {
            found.end(Ending::Refused, Some(Box::new(cause.clone())));
        }
        self.work(conn);
        self.lose_channels(session, &cause);
    }

    /// Nothing is left of a session's connection.
    fn session_ended(&mut self, session: Key, key: Key, last: Events) {
        let cause = self.conns.get(key).ok().and_then(|conn| conn.cause.as_deref().cloned());
        let closed = || Cause::new(None, Why::Truncated).because("the link was closed");
        self.lose_channels(session, &cause.clone().unwrap_or_else(closed));
        let Ok(found) = self.remote.sessions.remove(session) else { return };
        let LinkSession { role, retires, input, output, came, passing, timer, .. } = found;
        [input, output].into_iter().flatten().for_each(|buffer| self.tools.pool.give(buffer));
        for passed in came {
            self.give_descriptor(passed);
        }
        for outgoing in passing {
            self.close_counted(outgoing.fd);
        }
        self.tools.timers.remove(timer);
        match role {
            SessionRole::Client(link) => {
                self.remove_conn(key);
                self.link_lost_session(link, session, retires, cause);
            }
            SessionRole::Agent(agent) => {
                self.report_to_host(key, last);
                self.agent_lost_session(agent, session);
            }
        }
    }

    /// Closes a descriptor that came, and is not counted yet.
    pub(super) fn give_descriptor(&mut self, passed: Passed) {
        if let Passed::Descriptor(fd) = passed {
            self.tools.net.close(fd);
        }
    }

    /// Closes a descriptor of a connection that was here.
    pub(super) fn close_counted(&mut self, fd: Fd) {
        self.tools.net.close(fd);
        self.tools.descriptors.gave();
    }

    /// The session of these channels is gone.
    fn lose_channels(&mut self, session: Key, cause: &Cause) {
        let Ok(found) = self.remote.sessions.get_mut(session) else { return };
        let role = found.role;
        found.ready.clear();
        let channels: Vec<Key> = found.channels.values().copied().collect();
        for key in channels {
            let Ok(channel) = self.remote.channels.get(key) else { continue };
            let (conn, stage) = (channel.conn, channel.stage);
            let unsent = channel.due.contains(DueFrames::OPEN);
            self.remote.forget_channel(key);
            let Some(conn) = conn else { continue };
            match role {
                SessionRole::Client(link) => {
                    self.client_lost_channel(link, conn, stage, unsent, cause);
                }
                SessionRole::Agent(_) => self.agent_lost_channel(conn, stage, cause),
            }
        }
    }

    /// A keepalive interval of a session has passed.
    pub(in super::super) fn session_deadline(&mut self, slot: u32) {
        let Some(session) = self.remote.sessions.key_of(slot) else { return };
        let Ok(found) = self.remote.sessions.get_mut(session) else { return };
        if found.stage == SessionStage::Over {
            return;
        }
        found.silent += 1;
        if found.silent >= SILENT_INTERVALS {
            let text = "nothing was heard from the other side for too long";
            return self.end_session(session, &LinkFault::new(GoawayReason::Timeout, text));
        }
        let unanswered = found.awaits_pong.is_some();
        found.pings |= found.silent == 1 && found.stage == SessionStage::Open && !unanswered;
        self.wait_for_sign(session);
        self.remote.flush_later(session);
    }

    /// Has a session looked at again when nothing has come for an interval. The first frame of the other
    /// side is not waited for longer, whatever the interval is.
    pub(super) fn wait_for_sign(&mut self, session: Key) {
        let Ok(found) = self.remote.sessions.get(session) else { return };
        let (role, timer, greets) = (found.role, found.timer, found.greets());
        let interval = self.keepalive(role);
        let interval = if greets { interval.min(GREETING_INTERVAL) } else { interval };
        self.tools.timers.set(timer, self.tools.now + interval);
    }

    /// After how many nanoseconds of silence the other side is asked for a sign of life.
    fn keepalive(&self, role: SessionRole) -> u64 {
        match role {
            SessionRole::Client(link) => {
                self.remote.links.get(link).map_or(0, |link| link.options.keepalive)
            }
            SessionRole::Agent(agent) => {
                self.remote.agents.get(agent).map_or(0, |agent| agent.options.keepalive)
            }
        }
    }
}
