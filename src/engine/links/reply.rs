//! What an agent's channels send to their clients.

use super::super::Engine;
use crate::cause::Why;
use crate::conn::Received;
use crate::remote::{ChannelStage, DueFrames, failure_of, tls_facts};
use crate::slab::Key;
use crate::sys::Net;
use crate::wire::remote::{self as wire, RemoteClosed, RemoteFrame, RemoteOpened};

impl<N: Net> Engine<N> {
    /// Composes what an agent's channel has to send: at most one frame of bytes.
    pub(super) fn compose_agent(&mut self, key: Key) {
        let Ok(channel) = self.remote.channels.get_mut(key) else { return };
        let (session, number) = (channel.session, channel.number);
        let due = std::mem::take(&mut channel.due);
        let limit = channel.limit.take().filter(|_| channel.conn.is_some());
        if due.contains(DueFrames::INCOMING) && channel.conn.is_none() {
            // The client never hears of it.
            return self.remote.forget_channel(key);
        }
        if due.contains(DueFrames::INCOMING) && self.compose_incoming(key) {
            return;
        }
        if due.contains(DueFrames::OPENED) && self.compose_opened(key) {
            return;
        }
        if due.contains(DueFrames::SECURED) {
            self.compose_secured(key);
        }
        if let Some(limit) = limit {
            self.write(session, number, &RemoteFrame::Credit(limit));
        }
        self.compose_read(key);
        if due.contains(DueFrames::CLOSED) {
            self.compose_closed(key);
        }
    }

    /// Reads from the connection of a channel, and composes one frame of what came.
    fn compose_read(&mut self, key: Key) {
        let Self { remote, tools, .. } = self;
        let Ok(channel) = remote.channels.get_mut(key) else { return };
        let (session, number) = (channel.session, channel.number);
        let most = channel.sending.left().min(wire::PAYLOAD_MAX);
        let Some(conn) = channel
            .conn
            .filter(|_| channel.readable && channel.stage == ChannelStage::Open && most > 0)
        else {
            return;
        };
        let Ok(found) = remote.sessions.get_mut(session) else { return };
        let mut output = match found.output.take() {
            Some(output) => output,
            None => tools.pool.take_for(crate::data::BULK_UNIT),
        };
        tools.pool.make_room(&mut output, wire::HEADER + most);
        let space = &mut output.space()[wire::HEADER..][..most];
        let received = self.read_with(conn, |conn, cx| conn.recv(cx, space));
        if let Received::Bytes(n) = received {
            output.space()[..wire::HEADER].copy_from_slice(&wire::data_header(number, n));
            output.commit(wire::HEADER + n);
        }
        if let Ok(found) = self.remote.sessions.get_mut(session) {
            if output.is_empty() {
                self.tools.pool.give(output);
            } else {
                found.output = Some(output);
            }
        }
        let Ok(channel) = self.remote.channels.get_mut(key) else { return };
        match received {
            Received::Bytes(n) => {
                channel.sending.spend(n);
                if channel.sending.left() > 0 {
                    self.remote.ready(key);
                }
            }
            // The end of its connection is reported soon.
            Received::Wait | Received::Failed(_) => channel.readable = false,
            Received::End | Received::Truncated => {
                channel.readable = false;
                let truncated = received == Received::Truncated;
                self.write(session, number, &RemoteFrame::End { truncated });
            }
        }
    }

    /// Tells a client that its connection is open. Returns whether it was given the descriptor, so that
    /// the channel is over.
    fn compose_opened(&mut self, key: Key) -> bool {
        let Ok(channel) = self.remote.channels.get(key) else { return true };
        let (session, number, window) = (channel.session, channel.number, channel.window);
        let (takes, Some(conn)) = (channel.takes_descriptor, channel.conn) else { return false };
        let (local, peer) = self.ends_of(conn);
        let mut opened = RemoteOpened { window, local, peer, descriptor: false };
        if takes && self.may_pass(session, conn) {
            opened.descriptor = true;
            opened.window = 0;
            return self.pass(key, conn, &RemoteFrame::Opened(opened));
        }
        self.write(session, number, &RemoteFrame::Opened(opened));
        false
    }

    fn compose_secured(&mut self, key: Key) {
        let Ok(channel) = self.remote.channels.get(key) else { return };
        let (session, number) = (channel.session, channel.number);
        let conn = channel.conn.and_then(|conn| self.conns.get(conn).ok());
        let mut memory = std::mem::take(&mut self.remote.frame);
        if let Some(tls) = conn.and_then(|conn| conn.data.negotiated()) {
            let chain: Vec<&[u8]> = tls.peer_chain().collect();
            wire::write(&mut memory, number, &RemoteFrame::Secured(tls_facts(&tls, &chain)));
        }
        self.append(session, memory);
    }

    fn compose_closed(&mut self, key: Key) {
        let Ok(channel) = self.remote.channels.get_mut(key) else { return };
        let (session, number, stage) = (channel.session, channel.number, channel.stage);
        let failure = channel.failure.take();
        let begun = !channel.not_begun;
        // That the client has reset it is no news to it.
        let failure = failure
            .as_deref()
            .filter(|cause| cause.why != Why::Aborted || stage != ChannelStage::Closing);
        let closed = RemoteClosed { begun, failure: failure.map(failure_of) };
        if stage == ChannelStage::Closing {
            self.remote.forget_channel(key);
        } else {
            channel.stage = ChannelStage::Closed;
        }
        self.write(session, number, &RemoteFrame::Closed(closed));
    }
}
