//! What programs do with their sockets once there is a connection: send, end, close.

use super::endpoint::{EndpointOwner, EndpointState};
use super::network::{Network, NetworkEvent, Segment};
use super::slot::EndpointId;
use crate::time::MILLISECOND;

/// How long `MSG_MORE` holds bytes back (tcp(7), TCP_CORK).
const CORK_TIME: u64 = 200 * MILLISECOND;

impl Network {
    /// `send`, where nothing refuses it: takes bytes, and they leave unless `more` holds them.
    pub(super) fn take(&mut self, id: EndpointId, bytes: impl IntoIterator<Item = u8>, more: bool) {
        let out = &mut self.endpoints[id].out;
        let before = out.unsent.len();
        out.unsent.extend(bytes);
        out.taken += (out.unsent.len() - before) as u64;
        let corked = more && !self.endpoints[id].is_unix();
        self.endpoints[id].out.corked = corked;
        if corked {
            self.cause(self.now + CORK_TIME, NetworkEvent::Uncork(id));
        }
        self.pump(id);
    }

    pub(super) fn shut_write(&mut self, id: EndpointId) {
        self.endpoints[id].out.shut = true;
        self.endpoints[id].out.corked = false;
        self.pump(id);
    }

    /// `close`, with `SO_LINGER` of 0 when `abort`. Bytes that were not read turn it into a reset
    /// (RFC 2525 section 2.17, tcp_close); on a unix socket linger means nothing. While there is another
    /// handle the connection goes on.
    pub(super) fn give_up(&mut self, id: EndpointId, abort: bool) {
        self.endpoints[id].aborts |= abort;
        if !self.gives_last_handle(id) {
            return;
        }
        let end = &mut self.endpoints[id];
        let abort = end.aborts;
        let unread = !end.input.waiting.is_empty();
        let all_said = end.input.fin && end.out.fin_departed;
        end.owner = EndpointOwner::Nobody;
        end.input.waiting.clear();
        match end.stage {
            EndpointState::Connected if end.is_unix() => {
                end.stage = EndpointState::Done;
                let pair = end.pair;
                let unread = unread || pair.is_some_and(|pair| self.endpoints[pair].out.flying > 0);
                self.depart(id, Segment::Gone { unread }, 0);
            }
            EndpointState::Connected if unread || (abort && !all_said) => self.send_reset(id),
            EndpointState::Connected => self.shut_write(id),
            EndpointState::Listening => {
                end.stage = EndpointState::Done;
                let waiting = end.listening.take().map(|listening| listening.waiting);
                self.listeners.retain(|listener| *listener != id);
                for waiting in waiting.unwrap_or_default() {
                    self.abandon(waiting);
                }
            }
            EndpointState::Idle | EndpointState::Connecting | EndpointState::Done => {
                end.stage = EndpointState::Done
            }
        }
        self.drop_unread(id);
    }

    /// Closes without notifying the peer.
    pub(super) fn vanish(&mut self, id: EndpointId) {
        if !self.gives_last_handle(id) {
            return;
        }
        let end = &mut self.endpoints[id];
        end.owner = EndpointOwner::Nobody;
        end.stage = EndpointState::Done;
        end.input.waiting.clear();
        self.drop_unread(id);
    }

    /// Takes one handle back, and says whether it was the last.
    fn gives_last_handle(&mut self, id: EndpointId) -> bool {
        let end = &mut self.endpoints[id];
        let Some(left) = end.further_handles.checked_sub(1) else { return true };
        end.further_handles = left;
        false
    }

    /// A connection in the backlog of a listener that is closed is reset.
    fn abandon(&mut self, id: EndpointId) {
        self.endpoints[id].owner = EndpointOwner::Nobody;
        self.drop_unread(id);
        if self.endpoints[id].stage != EndpointState::Connected {
            return;
        }
        if self.endpoints[id].is_unix() {
            self.endpoints[id].stage = EndpointState::Done;
            self.depart(id, Segment::Gone { unread: true }, 0);
        } else {
            self.send_reset(id);
        }
    }
}
