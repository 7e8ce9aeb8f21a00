//! Connections that an agent hands over to a client, and descriptors that it passes.

use std::sync::Arc;

use super::super::Engine;
use super::super::poller::HostOp;
use crate::conn::{Events, Op};
use crate::ctrl::{Ctrl, Io, Mover};
use crate::cx::{FedOrigin, FedWindows};
use crate::id::Kind;
use crate::remote::{Channel, ChannelStage, LinkFault, OutgoingDescriptor, tls_facts, tls_of};
use crate::slab::Key;
use crate::sys::{Addr, Fd, Net, Passed};
use crate::wire::proxy::tlv::kind;
use crate::wire::proxy::{self, Origin, OutgoingHeader};
use crate::wire::remote::{self as wire, RemoteFrame, RemoteIncoming};

/// A descriptor that is to be passed once the host's poller has released it.
pub(in super::super) struct Released {
    op: HostOp,
    session: Key,
    fd: Fd,
    frame: Vec<u8>,
    number: u32,
}

impl<N: Net> Engine<N> {
    /// Our end and the peer's end of a connection.
    pub(super) fn ends_of(&mut self, key: Key) -> (Option<Addr>, Option<Addr>) {
        let Self { conns, tools, .. } = self;
        let Ok(conn) = conns.get_mut(key) else { return (None, None) };
        (conn.local(&mut tools.net), Some(conn.facts.peer.clone()))
    }

    /// Composes what a client needs to know of a connection that is handed over to it. Returns whether it
    /// was given the descriptor, so that the channel is over.
    pub(super) fn compose_incoming(&mut self, key: Key) -> bool {
        let Ok(channel) = self.remote.channels.get(key) else { return true };
        let (session, number, window) = (channel.session, channel.number, channel.window);
        let (Some(conn), Some(name)) = (channel.conn, channel.name.clone()) else { return false };
        let (local, peer) = self.ends_of(conn);
        let proxy_header = self.conns.get(conn).map(announced_by).unwrap_or_default();
        let descriptor = self.may_pass(session, conn);
        let mut incoming = RemoteIncoming {
            window: if descriptor { 0 } else { window },
            name: &name,
            peer,
            local,
            proxy_header: &proxy_header,
            tls: None,
            descriptor,
        };
        if descriptor {
            return self.pass(key, conn, &RemoteFrame::Incoming(incoming));
        }
        let mut memory = std::mem::take(&mut self.remote.frame);
        if let Ok(found) = self.conns.get(conn) {
            let tls = found.data.negotiated();
            let chain: Vec<&[u8]> = tls.iter().flat_map(|tls| tls.peer_chain()).collect();
            incoming.tls = tls.as_ref().map(|tls| tls_facts(tls, &chain));
            wire::write(&mut memory, number, &RemoteFrame::Incoming(incoming));
        }
        self.append(session, memory);
        false
    }

    /// Whether a session can pass descriptors: it is a unix socket, and no TLS is on it.
    fn passes(&self, session: Key) -> bool {
        let Ok(found) = self.remote.sessions.get(session) else { return false };
        self.conns.get(found.conn).is_ok_and(|conn| {
            let is_unix = matches!(conn.facts.peer, Addr::Unix(_));
            found.passes && is_unix && conn.ctrl.descriptor().is_some() && !conn.data.is_protected()
        })
    }

    /// Whether the descriptor of an agent's connection may be passed: bytes go through it as they are, and
    /// none waits here.
    pub(super) fn may_pass(&self, session: Key, key: Key) -> bool {
        let Ok(found) = self.remote.sessions.get(session) else { return false };
        let crate::remote::SessionRole::Agent(agent) = found.role else { return false };
        let allows = |agent: &crate::remote::Agent| agent.options.passes_descriptors;
        let Ok(conn) = self.conns.get(key) else { return false };
        let shut = conn.word.is_wanted(Op::Dshr) || conn.word.is_wanted(Op::Dshw);
        let plain = !conn.data.is_protected() && !conn.data.has_ahead() && !conn.ctrl.has_unsent();
        plain
            && !shut
            && conn.ctrl.descriptor().is_some()
            && self.remote.agents.get(agent).is_ok_and(allows)
            && self.passes(session)
    }

    /// Passes the descriptor of a channel's connection with `frame`, and ends the channel. The connection
    /// is reported as closed to the host: what becomes of it is the client's business.
    pub(super) fn pass(&mut self, key: Key, conn: Key, frame: &RemoteFrame<'_>) -> bool {
        let Ok(channel) = self.remote.channels.get(key) else { return true };
        let (session, number) = (channel.session, channel.number);
        let mut bytes = Vec::new();
        wire::write(&mut bytes, number, frame);
        let token = self.id(Kind::ConnFd, conn);
        let Ok(found) = self.conns.get_mut(conn) else { return true };
        let known = found.ctrl.watch().is_known();
        let old = found.ctrl.watch_mut().release();
        found.ctrl.end_delays(&mut self.tools.net);
        let Some(fd) = found.ctrl.take_over() else { return false };
        found.end_rules(self.tools.now);
        self.remote.forget_channel(key);
        self.report_to_host(conn, Events::CLOSED);
        if known {
            let op = HostOp::Interest { fd, token, old, new: Io::RELEASED, is_first: false };
            let released = Released { op, session, fd, frame: bytes, number };
            self.remote.to_pass.push_back(released);
        } else if let Ok(of) = self.remote.sessions.get_mut(session) {
            of.passing.push_back(OutgoingDescriptor { fd, frame: bytes, number });
            self.remote.flush_later(session);
        }
        true
    }

    /// The host's poller is told to release a descriptor.
    pub(in super::super) fn released_for_client(&mut self, released: Released) -> HostOp {
        let Released { op, session, fd, frame, number } = released;
        self.remote.let_go.push((session, OutgoingDescriptor { fd, frame, number }));
        op
    }

    /// The host's poller has released these descriptors: they can be passed, and are closed here.
    pub(in super::super) fn pass_released(&mut self) {
        for (session, outgoing) in std::mem::take(&mut self.remote.let_go) {
            match self.remote.sessions.get_mut(session) {
                Ok(found) => {
                    found.passing.push_back(outgoing);
                    self.remote.flush_later(session);
                }
                Err(_) => self.close_counted(outgoing.fd),
            }
        }
    }

    /// Closes the descriptors that are being passed, in either direction.
    pub(in super::super) fn close_passing(&mut self) {
        let Self { remote, tools, .. } = self;
        for (_, session) in remote.sessions.iter_mut() {
            let came = session.came.drain(..).filter_map(|passed| match passed {
                Passed::Descriptor(fd) => Some(fd),
                Passed::Nothing | Passed::Lost => None,
            });
            came.for_each(|fd| tools.net.close(fd));
            session.passing.drain(..).for_each(|outgoing| tools.net.close(outgoing.fd));
        }
        remote.to_pass.drain(..).for_each(|released| tools.net.close(released.fd));
        remote.let_go.drain(..).for_each(|(_, outgoing)| tools.net.close(outgoing.fd));
    }

    /// Whether both sides of a link said that descriptors may be passed.
    fn takes_passed(&self, session: Key, link: Key) -> bool {
        let allows = self.remote.links.get(link).is_ok_and(|link| link.options.takes_descriptors);
        allows && self.remote.sessions.get(session).is_ok_and(|found| found.passes)
    }

    /// An agent hands a connection over.
    pub(super) fn on_incoming(
        &mut self,
        session: Key,
        link: Key,
        number: u32,
        incoming: &RemoteIncoming<'_>,
    ) -> Result<(), LinkFault> {
        let header = match incoming.proxy_header {
            [] => None,
            bytes => match proxy::parse(bytes) {
                proxy::Parsed::Whole { header, len } if len == bytes.len() => Some(header),
                _ => return Err(LinkFault::malformed("INCOMING with no whole PROXY header in it")),
            },
        };
        let passed = if incoming.descriptor {
            if !self.takes_passed(session, link) {
                return Err(LinkFault::malformed("a descriptor where none may be passed"));
            }
            let came = self.remote.sessions.get_mut(session).ok().and_then(|s| s.came.pop_front());
            Some(came.ok_or_else(|| LinkFault::malformed("a frame whose descriptor did not come"))?)
        } else {
            None
        };
        let Ok(of) = self.remote.links.get(link) else { return Ok(()) };
        let takes = !of.is_closing && !self.lets_end() && self.opening < self.options.max_opening;
        let most_channels = of.options.channels_per_conn as usize;
        let taken = of.subscriptions.iter().find(|taken| *taken.name == *incoming.name);
        let taken = taken.filter(|_| takes).cloned();
        let most = u32::try_from(self.tools.limits.fed.inbox).unwrap_or(u32::MAX);
        let Ok(found) = self.remote.sessions.get_mut(session) else { return Ok(()) };
        let taken = taken.filter(|_| found.channels.len() < most_channels);
        let peer = incoming.peer.clone().unwrap_or_else(|| Addr::Unix(Box::default()));
        if let Some(passed) = passed {
            let Some(taken) = taken else {
                self.give_descriptor(passed);
                return Ok(());
            };
            let Passed::Descriptor(fd) = passed else { return Ok(()) };
            if self.check_connected(fd).is_err() {
                self.give_descriptor(passed);
                return Err(LinkFault::malformed(
                    "a descriptor that is no connected stream socket",
                ));
            }
            let ctrl = Ctrl::passed(fd);
            self.tools.descriptors.took(&mut self.tools.net, fd);
            match self.incoming(ctrl, peer, Arc::clone(&taken.config), None, taken.user) {
                Ok(key) => self.announce_ends(key, incoming, header),
                Err(_) => self.close_counted(fd),
            }
            return Ok(());
        }
        let window = taken.as_ref().and_then(|_| found.budget.take(most));
        let channel = Channel::new(session, number, None, window.unwrap_or(0));
        let Ok(key) = self.remote.channels.insert(channel) else { return Ok(()) };
        found.channels.insert(number, key);
        let conn = taken.zip(window).and_then(|(taken, window)| {
            let windows = FedWindows { inbox: window as usize, ..self.tools.limits.fed };
            let origin = FedOrigin { local: incoming.local.clone(), ..FedOrigin::default() };
            let ctrl = Ctrl::fed(Mover::Channel(key), origin, windows);
            self.incoming(ctrl, peer, taken.config, None, taken.user).ok()
        });
        let Ok(channel) = self.remote.channels.get_mut(key) else { return Ok(()) };
        let Some(conn) = conn else {
            // Nobody takes it, or there is no room.
            channel.stage = ChannelStage::Open;
            channel.due.insert(crate::remote::DueFrames::RESET);
            self.remote.ready(key);
            return Ok(());
        };
        channel.conn = Some(conn);
        channel.stage = ChannelStage::Open;
        // The window is granted as that of every connection is: by what it asks to receive.
        channel.receiving = crate::remote::ReceiveCredit::new(0);
        channel.sending.raise(incoming.window.into());
        if let (Some(tls), Ok(conn)) = (&incoming.tls, self.conns.get_mut(conn)) {
            conn.data.put_remote(tls_of(tls));
        }
        self.announce_ends(conn, incoming, header);
        Ok(())
    }

    /// Notes the ends of a connection that was handed over, and has it begin.
    fn announce_ends(
        &mut self,
        key: Key,
        incoming: &RemoteIncoming<'_>,
        header: Option<proxy::Header>,
    ) {
        if let Ok(conn) = self.conns.get_mut(key) {
            conn.facts.rare_mut().header = header;
            conn.facts.rare_mut().local.clone_from(&incoming.local);
        }
        self.fresh.push_back(key);
    }
}

/// The PROXY header that says what a connection was announced with, or nothing. TLVs that do not fit into
/// a frame beside the rest are left out.
fn announced_by(conn: &crate::conn::Conn) -> Vec<u8> {
    /// How much of a frame the other fields may need: names, addresses, TLS facts without certificates.
    const OTHER_FIELDS: usize = 2048;
    let Some((_, destination)) = conn.facts.announced() else { return Vec::new() };
    let source = conn.facts.source();
    let header = conn.facts.header();
    let all: Vec<_> = header.into_iter().flat_map(|header| header.tlvs()).collect();
    let tlvs: Vec<_> = all.into_iter().filter(|tlv| tlv.kind != kind::CRC32C).collect();
    let compose = |tlvs: &[_]| {
        let origin = Origin::Ends(&source, &destination);
        let mut bytes = Vec::new();
        let written =
            OutgoingHeader { origin, tlvs, ssl: None, crc32c: false }.write_v2(&mut bytes);
        written.ok().map(|()| bytes)
    };
    compose(&tlvs)
        .filter(|bytes| bytes.len() <= wire::PAYLOAD_MAX - OTHER_FIELDS)
        .or_else(|| compose(&[]))
        .unwrap_or_default()
}
