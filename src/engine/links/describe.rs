//! The state of links and agents, for the host and for debugging.

use std::fmt::Write;

use super::super::{Engine, Refusal};
use crate::conn::Conn;
use crate::ctrl::Mover;
use crate::id::{Id, Kind};
use crate::remote::SessionStage;
use crate::sys::Net;
use crate::time::MILLISECOND;

/// How many links, clients and connections behind links there are.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct RemoteCounts {
    pub(in super::super) links: u64,
    pub(in super::super) links_up: u64,
    pub(in super::super) waiting: u64,
    pub(in super::super) clients: u64,
    pub(in super::super) channels: u64,
}

impl<N: Net> Engine<N> {
    /// The numbers of links and agents; `None` where there are none.
    pub(in super::super) fn remote_counts(&self) -> Option<RemoteCounts> {
        if self.remote.links.is_empty() && self.remote.agents.is_empty() {
            return None;
        }
        let mut counts =
            RemoteCounts { links: self.remote.links.len() as u64, ..RemoteCounts::default() };
        for (_, link) in self.remote.links.iter() {
            counts.links_up += u64::from(link.is_up);
            counts.waiting += link.waiting.len() as u64;
        }
        for (_, agent) in self.remote.agents.iter() {
            counts.clients += agent.sessions.len() as u64;
        }
        counts.channels = self.remote.channels.len() as u64;
        Some(counts)
    }

    /// Everything about a link, as one line of `name=value`.
    ///
    /// # Errors
    /// The id is not that of a link of this engine.
    pub fn describe_link(&self, id: Id) -> Result<String, Refusal> {
        let key = self.link_key(id)?;
        let link = self.remote.links.get(key).map_err(|_| Refusal::Stale)?;
        let mut line = String::new();
        // Writing to a String cannot fail.
        let _ = write!(line, "link={:#018x} agent={} up={}", id.bits(), link.target, link.is_up);
        let sessions = link.sessions.iter().filter_map(|key| self.remote.sessions.get(*key).ok());
        let (mut open, mut retiring, mut channels) = (0, 0, 0);
        for session in sessions {
            open += usize::from(session.stage == SessionStage::Open && !session.retires);
            retiring += usize::from(session.retires);
            channels += session.channels.len();
        }
        let _ = write!(line, " conns={} open={open} retiring={retiring}", link.sessions.len());
        let _ = write!(line, " channels={channels} waiting={}", link.waiting.len());
        let now = self.tools.now;
        if now < link.retry_at && open == 0 {
            let _ = write!(line, " retry_ms={}", link.retry_at.since(now) / MILLISECOND);
        }
        if let Some(cause) = &link.failure {
            let _ = write!(line, " cause=\"{cause}\"");
        }
        Ok(line)
    }

    /// Everything about an agent, as one line of `name=value`.
    ///
    /// # Errors
    /// The id is not that of an agent of this engine.
    pub fn describe_agent(&self, id: Id) -> Result<String, Refusal> {
        let (sessions, channels) = self.agent_load(id)?;
        let key = self.agent_key(id)?;
        let draining = self.is_draining_agent(key);
        let agent = self.remote.agents.get(key).map_err(|_| Refusal::Stale)?;
        let resolving = agent.resolutions.len();
        Ok(format!(
            "agent={:#018x} clients={sessions} channels={channels} resolving={resolving} \
             draining={draining}",
            id.bits()
        ))
    }

    /// Which link and channel a connection is fed by.
    pub(in super::super) fn write_link(&self, conn: &Conn, line: &mut String) -> std::fmt::Result {
        let link = match conn.ctrl.mover() {
            Some(Mover::Link(link)) => Some((link, None)),
            Some(Mover::Channel(key)) => {
                let channel = self.remote.channels.get(key).ok();
                let session = channel.and_then(|of| self.remote.sessions.get(of.session).ok());
                match session.map(|session| (session.role, session.conn)) {
                    Some((crate::remote::SessionRole::Client(link), conn)) => {
                        Some((link, channel.map(|channel| (channel.number, conn))))
                    }
                    _ => None,
                }
            }
            Some(Mover::Host) | None => None,
        };
        let Some((link, channel)) = link else { return Ok(()) };
        write!(line, " link={:#018x}", self.id(Kind::Link, link).bits())?;
        if let Some((number, conn)) = channel {
            let fd = self.conns.get(conn).ok().and_then(|conn| conn.ctrl.descriptor());
            write!(line, " channel={number} link_fd={}", fd.map_or(-1, |fd| fd.0))?;
        }
        Ok(())
    }
}
