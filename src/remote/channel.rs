//! One channel of a session: a connection of the agent's, as either side knows it.

use bitflags::bitflags;

use super::credit::{ReceiveCredit, SendCredit};
use crate::cause::Cause;
use crate::slab::Key;

bitflags! {
    /// Frames that are due, in the order in which they are sent. DATA is not among them: whether there is
    /// some is seen at the connection.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct DueFrames: u16 {
        /// A client's request.
        const OPEN = 1;
        /// The agent's answer.
        const OPENED = 2;
        /// What the agent hands in.
        const INCOMING = 4;
        /// TLS is to begin.
        const SECURE = 8;
        /// TLS has begun.
        const SECURED = 16;
        /// The direction has ended.
        const END = 32;
        /// The connection is to be closed in order.
        const CLOSE = 64;
        /// The connection is to be reset.
        const RESET = 128;
        /// The connection is gone.
        const CLOSED = 256;
    }
}

/// How far the connection of a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelStage {
    /// A client waits for the agent's answer; an agent opens the connection.
    Opening,
    /// Bytes move.
    Open,
    /// TLS is beginning: no bytes move.
    Securing,
    /// The client has sent its last frame but for a reset; the agent has received it.
    Closing,
    /// The agent has sent its last frame, and waits for the client's.
    Closed,
}

/// One channel.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) session: Key,
    /// Its number on the wire.
    pub(crate) number: u32,
    /// The connection: fed, on a client's side. None once it is gone.
    pub(crate) conn: Option<Key>,
    pub(crate) stage: ChannelStage,
    pub(crate) sending: SendCredit,
    pub(crate) receiving: ReceiveCredit,
    /// How many bytes are held at most of those that come, taken from the session's budget.
    pub(crate) window: u32,
    /// The limit that is to be named to the other side.
    pub(crate) limit: Option<u64>,
    pub(crate) due: DueFrames,
    /// Whether it waits for its turn to send.
    pub(crate) is_ready: bool,
    /// Whether reading its connection is expected to bring something: on an agent's side.
    pub(crate) readable: bool,
    /// Whether the other side has ended its direction.
    pub(crate) ended: bool,
    /// Whether the client takes a descriptor.
    pub(crate) takes_descriptor: bool,
    /// Whether OPEN was not begun, when CLOSED is due.
    pub(crate) not_begun: bool,
    /// The TLS that is to begin once all is sent, as profile and name of the server: on an agent's side.
    pub(crate) secure: Option<(Box<str>, Box<str>)>,
    /// Why the connection is gone.
    pub(crate) failure: Option<Box<Cause>>,
    /// The name under which it comes in: on an agent's side.
    pub(crate) name: Option<Box<str>>,
}

impl Channel {
    pub(crate) fn new(session: Key, number: u32, conn: Option<Key>, window: u32) -> Self {
        Self {
            session,
            number,
            conn,
            stage: ChannelStage::Opening,
            sending: SendCredit::default(),
            receiving: ReceiveCredit::new(window),
            window,
            limit: None,
            due: DueFrames::empty(),
            is_ready: false,
            readable: false,
            ended: false,
            takes_descriptor: false,
            not_begun: false,
            secure: None,
            failure: None,
            name: None,
        }
    }

    /// There is room for so many bytes.
    pub(crate) fn grant(&mut self, room: usize) {
        if let Some(limit) = self.receiving.grant(room, self.window) {
            self.limit = Some(limit);
        }
    }
}
