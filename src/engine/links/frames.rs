//! What the frames of a session mean, in which order they may come, and to whom they are handed.

use super::super::Engine;
use crate::cause::{Cause, Why};
use crate::remote::{ChannelStage, LinkFault, SessionRole, SessionStage};
use crate::slab::Key;
use crate::sys::Net;
use crate::wire::remote::{self as wire, GoawayReason, RemoteFrame, RemoteHello};

/// So many channels may be refused at a time, however few are allowed.
const CHANNELS_REFUSED: usize = 1_000;

impl<N: Net> Engine<N> {
    /// Acts on one frame of a session.
    pub(super) fn act_on(
        &mut self,
        session: Key,
        number: u32,
        frame: &RemoteFrame<'_>,
    ) -> Result<(), LinkFault> {
        let Ok(found) = self.remote.sessions.get_mut(session) else { return Ok(()) };
        let (role, stage) = (found.role, found.stage);
        match frame {
            RemoteFrame::Hello(hello) => return self.on_hello(session, hello),
            RemoteFrame::Goaway { reason, text }
                if stage != SessionStage::Greeting || matches!(role, SessionRole::Client(_)) =>
            {
                self.on_goaway(session, *reason, text);
                return Ok(());
            }
            _ if stage == SessionStage::Greeting => {
                return Err(LinkFault::malformed("the first frame is not HELLO"));
            }
            RemoteFrame::Ping(token) => {
                if found.pong.replace(*token).is_some() {
                    return Err(LinkFault::malformed("a PING before the last one was answered"));
                }
                self.remote.flush_later(session);
                return Ok(());
            }
            RemoteFrame::Pong(token) => {
                return match found.awaits_pong.take() {
                    Some(sent) if sent == *token => Ok(()),
                    _ => Err(LinkFault::malformed("a PONG that answers no PING")),
                };
            }
            _ => {}
        }
        if matches!(frame, RemoteFrame::Open(_) | RemoteFrame::Incoming(_)) {
            self.bound_channels(session, role)?;
        }
        let Ok(found) = self.remote.sessions.get_mut(session) else { return Ok(()) };
        match (role, frame) {
            (SessionRole::Agent(_), RemoteFrame::Listen { name, stop }) => {
                self.on_listen(session, name, *stop)
            }
            (SessionRole::Agent(agent), RemoteFrame::Open(open)) => {
                found.begin_number(number)?;
                self.on_open(session, agent, number, open)
            }
            (SessionRole::Client(link), RemoteFrame::Incoming(incoming)) => {
                found.begin_number(number)?;
                self.on_incoming(session, link, number, incoming)
            }
            (_, RemoteFrame::Listen { .. } | RemoteFrame::Open(_) | RemoteFrame::Incoming(_)) => {
                Err(LinkFault::malformed("a frame that only the other side sends"))
            }
            _ => self.act_on_channel(session, role, number, frame),
        }
    }

    /// Whether another channel of the other side fits. Those beyond the number that it was told are refused one
    /// by one, since they may have crossed it; each lasts until the other side has answered, and a side that
    /// does not answer is given up.
    fn bound_channels(&self, session: Key, role: SessionRole) -> Result<(), LinkFault> {
        let most = match role {
            SessionRole::Client(link) => {
                self.remote.links.get(link).map_or(0, |link| link.options.channels_per_conn)
            }
            SessionRole::Agent(agent) => {
                self.remote.agents.get(agent).map_or(0, |agent| agent.options.channels_max)
            }
        };
        let most = (most as usize).saturating_mul(2);
        let live = self.remote.sessions.get(session).map_or(0, |found| found.channels.len());
        if live < most.max(CHANNELS_REFUSED) {
            return Ok(());
        }
        Err(LinkFault::new(GoawayReason::Limit, "more channels than were allowed"))
    }

    fn act_on_channel(
        &mut self,
        session: Key,
        role: SessionRole,
        number: u32,
        frame: &RemoteFrame<'_>,
    ) -> Result<(), LinkFault> {
        let Some(key) = self.remote.channel_of(session, number) else {
            let known = self.remote.sessions.get(session).is_ok_and(|s| s.was_begun(number));
            // They may cross the report that there is nothing to close, or the descriptor.
            return match frame {
                RemoteFrame::Reset | RemoteFrame::Close
                    if known && matches!(role, SessionRole::Agent(_)) =>
                {
                    Ok(())
                }
                _ if known => Err(LinkFault::malformed(format!(
                    "a frame for channel {number}, which is over"
                ))),
                _ => Err(LinkFault::malformed(format!(
                    "a frame for channel {number}, which was never begun"
                ))),
            };
        };
        let Ok(channel) = self.remote.channels.get_mut(key) else { return Ok(()) };
        let is_client = matches!(role, SessionRole::Client(_));
        let early = channel.stage == ChannelStage::Opening;
        let late = !is_client && channel.stage == ChannelStage::Closing;
        let misplaced = match frame {
            RemoteFrame::Credit(_) => is_client && early || late,
            RemoteFrame::End { .. } => early || late,
            _ => false,
        };
        if misplaced {
            return Err(LinkFault::malformed(format!(
                "a frame that does not fit the state of channel {number}"
            )));
        }
        match frame {
            RemoteFrame::Data(bytes) => {
                if channel.ended {
                    return Err(LinkFault::malformed(format!("DATA behind END, channel {number}")));
                }
                if !channel.receiving.take(bytes.len()) {
                    let text = format!("DATA beyond the credit of channel {number}");
                    return Err(LinkFault::new(GoawayReason::Credit, text));
                }
                match role {
                    SessionRole::Client(_) => self.on_bytes(key, bytes),
                    SessionRole::Agent(_) => self.on_client_bytes(key, bytes),
                }
            }
            RemoteFrame::Credit(limit) => {
                match channel.sending.raise(*limit) {
                    Some(true) => self.remote.ready(key),
                    Some(false) => {}
                    None => {
                        let text = format!("a CREDIT that takes some back, channel {number}");
                        return Err(LinkFault::new(GoawayReason::Credit, text));
                    }
                }
                Ok(())
            }
            RemoteFrame::End { truncated } => {
                if std::mem::replace(&mut channel.ended, true) {
                    return Err(LinkFault::malformed(format!("a second END, channel {number}")));
                }
                match role {
                    SessionRole::Client(_) => self.on_end(key, *truncated),
                    SessionRole::Agent(_) => self.on_client_end(key, *truncated),
                }
                Ok(())
            }
            _ => match role {
                SessionRole::Client(_) => self.on_agent_frame(key, number, frame),
                SessionRole::Agent(_) => self.on_client_frame(key, number, frame),
            },
        }
    }

    fn on_hello(&mut self, session: Key, hello: &RemoteHello) -> Result<(), LinkFault> {
        let Ok(found) = self.remote.sessions.get_mut(session) else { return Ok(()) };
        if found.stage != SessionStage::Greeting {
            return Err(LinkFault::malformed("a second HELLO"));
        }
        if !(hello.lowest..=hello.highest).contains(&wire::VERSION) {
            let text = format!(
                "versions {} to {} are spoken there, version {} here",
                hello.lowest,
                hello.highest,
                wire::VERSION
            );
            return Err(LinkFault::new(GoawayReason::Version, text));
        }
        found.stage = SessionStage::Open;
        found.silent = 0;
        found.channels_max = hello.channels;
        found.passes = hello.passes;
        match found.role {
            SessionRole::Client(link) => self.link_is_up(link),
            SessionRole::Agent(_) => found.says_hello = true,
        }
        self.wait_for_sign(session);
        self.remote.flush_later(session);
        Ok(())
    }

    fn on_goaway(&mut self, session: Key, reason: GoawayReason, text: &str) {
        let Ok(found) = self.remote.sessions.get_mut(session) else { return };
        if reason != GoawayReason::Restart {
            let text = format!(
                "the other side of the link gave it up ({}): {}",
                reason.name(),
                text.escape_debug()
            );
            let cause = Cause::new(None, Why::Refused).in_words_of_others(text);
            let is_client = matches!(found.role, SessionRole::Client(_));
            let cause = if is_client { cause.at_agent() } else { cause };
            return self.break_session(session, cause);
        }
        found.retires = true;
        // One that never had a channel says nothing of a successor.
        let unused = found.next_number == 1 && found.last_number == 0;
        if let SessionRole::Client(link) = found.role {
            if unused && let Ok(of) = self.remote.links.get_mut(link) {
                of.back_off(self.tools.now);
            }
            // Another agent may be there already.
            self.link_later(link);
        }
        self.retire_if_idle(session);
    }
}
