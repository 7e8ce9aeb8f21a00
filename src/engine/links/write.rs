//! Composing the frames of a session, and sending them.

use super::super::Engine;
use crate::agenda::List;
use crate::cause::{Cause, Why};
use crate::conn::{Op, Sent};
use crate::ctrl::Output;
use crate::id::Kind;
use crate::remote::{
    LinkFault, LinkSession, OutgoingDescriptor, SessionRole, SessionStage, failure_of, is_of_client,
};
use crate::slab::Key;
use crate::sys::Net;
use crate::wire::remote::{self as wire, GoawayReason, RemoteClosed, RemoteFrame, RemoteHello};

/// How often one session sends what was composed before others get their turn.
const FLUSHES: u32 = 8;

/// No more is composed while so many bytes wait to be sent: channels keep what they have until then.
const OUTPUT_MAX: usize = 64 * 1024;

impl<N: Net> Engine<N> {
    /// Sends what a session and its channels have, as far as there is room.
    pub(super) fn flush_session(&mut self, session: Key) {
        for _ in 0..FLUSHES {
            let Ok(found) = self.remote.sessions.get(session) else { return };
            if matches!(found.stage, SessionStage::Connecting | SessionStage::Over) {
                return;
            }
            self.compose(session);
            if !self.send_output(session) || !self.pass_descriptor(session) {
                return;
            }
            let Ok(found) = self.remote.sessions.get(session) else { return };
            if found.ready.is_empty() && !found.speaks() {
                return self.rest_session(session);
            }
        }
        self.flush_in_turn(session);
    }

    /// Has a session send on in the next turn.
    fn flush_in_turn(&mut self, session: Key) {
        let Ok(found) = self.remote.sessions.get(session) else { return };
        let key = found.conn;
        if let Ok(conn) = self.conns.get_mut(key) {
            conn.flags.insert(crate::conn::Flags::WRITE_ARMED);
            self.tools.agenda.add(List::Run, Kind::Conn, key, &mut conn.listed);
        }
    }

    /// All is sent for now. A session without channels may be one too many: its link decides.
    fn rest_session(&mut self, session: Key) {
        let Ok(found) = self.remote.sessions.get(session) else { return };
        match found.role {
            SessionRole::Client(link) if found.channels.is_empty() && !found.retires => {
                self.link_later(link);
            }
            _ => self.retire_if_idle(session),
        }
    }

    /// Composes frames until enough wait to be sent, or none is due. Each channel sends one frame of
    /// bytes in its turn.
    fn compose(&mut self, session: Key) {
        loop {
            let Ok(found) = self.remote.sessions.get_mut(session) else { return };
            if found.output.as_ref().is_some_and(|output| output.len() >= OUTPUT_MAX) {
                return;
            }
            if found.speaks() {
                self.compose_link_frames(session);
                continue;
            }
            let role = found.role;
            let Some(channel) = found.ready.pop_front() else { return };
            let Ok(found) = self.remote.channels.get_mut(channel) else { continue };
            found.is_ready = false;
            match role {
                SessionRole::Client(_) => self.compose_client(channel),
                SessionRole::Agent(_) => self.compose_agent(channel),
            }
        }
    }

    fn compose_link_frames(&mut self, session: Key) {
        let Ok(found) = self.remote.sessions.get_mut(session) else { return };
        let role = found.role;
        let hello = std::mem::take(&mut found.says_hello);
        let pong = found.pong.take();
        let pings = std::mem::take(&mut found.pings);
        let goaway = std::mem::take(&mut found.says_goaway);
        let announces = std::mem::take(&mut found.announces);
        if hello {
            let frame = RemoteFrame::Hello(self.hello(role));
            self.write(session, 0, &frame);
        }
        if let Some(token) = pong {
            self.write(session, 0, &RemoteFrame::Pong(token));
        }
        if pings {
            let token = self.tools.now.0;
            if let Ok(found) = self.remote.sessions.get_mut(session) {
                found.awaits_pong = Some(token);
            }
            self.write(session, 0, &RemoteFrame::Ping(token));
        }
        for (name, stop) in &announces {
            self.write(session, 0, &RemoteFrame::Listen { name, stop: *stop });
        }
        if goaway {
            let (reason, text) = (GoawayReason::Restart, "");
            self.write(session, 0, &RemoteFrame::Goaway { reason, text });
        }
    }

    fn hello(&self, role: SessionRole) -> RemoteHello {
        let (channels, passes) = match role {
            SessionRole::Client(link) => {
                let options = self.remote.links.get(link).map(|link| link.options);
                options.map_or((0, false), |options| {
                    (options.channels_per_conn, options.takes_descriptors)
                })
            }
            SessionRole::Agent(agent) => {
                let agent = self.remote.agents.get(agent);
                agent.map_or((0, false), |agent| {
                    (agent.options.channels_max, agent.options.passes_descriptors)
                })
            }
        };
        RemoteHello { lowest: wire::VERSION, highest: wire::VERSION, channels, passes }
    }

    /// Tells the other side why its session ends.
    pub(super) fn say_goaway(&mut self, session: Key, fault: &LinkFault) {
        let stage = self.remote.sessions.get(session).map(|found| found.stage);
        if stage == Ok(SessionStage::Connecting) {
            // Nobody is there yet who would read frames.
            return;
        }
        let frame = RemoteFrame::Goaway { reason: fault.reason, text: &fault.text };
        self.write(session, 0, &frame);
        // All that was composed goes out while the connection closes.
        let Self { conns, tools, registry, remote, .. } = self;
        let Ok(found) = remote.sessions.get_mut(session) else { return };
        if let (Some(output), Ok(conn)) = (found.output.take(), conns.get_mut(found.conn)) {
            conn.send_all(&mut tools.cx(registry, found.conn), output.bytes());
            tools.pool.give(output);
        }
    }

    /// Puts a frame behind those that wait to be sent.
    pub(super) fn write(&mut self, session: Key, channel: u32, frame: &RemoteFrame<'_>) {
        let mut memory = std::mem::take(&mut self.remote.frame);
        wire::write(&mut memory, channel, frame);
        self.append(session, memory);
    }

    /// Puts frames, composed in the memory for that, behind those that wait to be sent, and gives the memory
    /// back.
    pub(super) fn append(&mut self, session: Key, mut frames: Vec<u8>) {
        if let Ok(found) = self.remote.sessions.get_mut(session) {
            let pool = &mut self.tools.pool;
            let output = found.output.get_or_insert_with(|| pool.take_for(frames.len()));
            pool.make_room(output, frames.len());
            output.extend(&frames);
        }
        frames.clear();
        self.remote.frame = frames;
    }

    /// Sends what was composed. Returns whether all of it was taken.
    fn send_output(&mut self, session: Key) -> bool {
        let Self { conns, tools, registry, remote, .. } = self;
        let Ok(LinkSession { output, conn: key, .. }) = remote.sessions.get_mut(session) else {
            return false;
        };
        let key = *key;
        let Ok(conn) = conns.get_mut(key) else { return false };
        let mut cx = tools.cx(registry, key);
        let mut failed = false;
        while let Some(bytes) = output.as_ref().filter(|output| !output.is_empty()) {
            match conn.send(&mut cx, bytes.bytes()) {
                Some(Sent::Bytes(n)) => {
                    if let Some(output) = output {
                        output.consume(n);
                    }
                }
                Some(Sent::Wait) => break,
                Some(Sent::Failed(_)) | None => {
                    failed = true;
                    break;
                }
            }
        }
        if failed && let Some(output) = output {
            output.clear();
        }
        cx.pool.give_empty(output);
        let all = output.is_none() && !failed;
        self.work(key);
        if failed {
            self.give_up_unwritable(session, key);
        }
        all
    }

    /// A session whose connection takes no more bytes is of no use, though it may still be read.
    fn give_up_unwritable(&mut self, session: Key, key: Key) {
        let found = self.conns.get(key).ok().and_then(|conn| conn.cause.as_deref().cloned());
        let closed = || Cause::new(None, Why::Reset).because("the other side takes no more");
        self.break_session(session, found.unwrap_or_else(closed));
    }

    /// Passes the next descriptor that is to go out, once nothing waits ahead of it. Returns whether none
    /// is left.
    fn pass_descriptor(&mut self, session: Key) -> bool {
        loop {
            let Self { conns, tools, registry, remote, .. } = self;
            let Ok(found) = remote.sessions.get_mut(session) else { return false };
            let Some(OutgoingDescriptor { fd, frame, number }) = found.passing.front() else {
                return true;
            };
            let (fd, number, key) = (*fd, *number, found.conn);
            let Ok(conn) = conns.get_mut(key) else { return false };
            let mut cx = tools.cx(registry, key);
            match conn.ctrl.send_passing(&mut cx, frame, fd) {
                Ok(Output::Bytes(_)) => {}
                Ok(Output::Wait) => {
                    conn.flags.insert(crate::conn::Flags::WRITE_ARMED);
                    self.work(key);
                    return false;
                }
                Err(errno) if conn.ctrl.is_broken() => {
                    conn.fail_session(crate::data::system(errno));
                    self.work(key);
                    return false;
                }
                Err(_) => {
                    // The system does not allow it: the client asks again, and gets frames. A connection that is
                    // handed over is lost with its descriptor.
                    found.passes = false;
                    found.passing.pop_front();
                    self.close_counted(fd);
                    let text = "the agent's system does not pass its descriptor";
                    let cause = Cause::new(Some(Op::CtrlConnect), Why::LocalLimit).because(text);
                    let closed = RemoteClosed { begun: true, failure: Some(failure_of(&cause)) };
                    if is_of_client(number) {
                        self.write(session, number, &RemoteFrame::Closed(closed));
                        self.remote.flush_later(session);
                    }
                    continue;
                }
            }
            found.passing.pop_front();
            self.close_counted(fd);
            self.work(key);
        }
    }
}
