//! The state of a fed connection: what its host reported of what is below, and what it was asked.
//!
//! Bytes that come in wait in the `inbox` until the connection reads them. What the connection asks for is
//! computed from this state (`wanted`), and compared with what was asked last: nothing is asked twice.

use bitflags::bitflags;

use crate::buffer::{Buffer, Pool};
use crate::cx::{FedOrigin, FedWindows};
use crate::slab::Key;
use crate::sys::{Addr, Credentials, Errno};

bitflags! {
    /// What a fed connection asks of whoever moves its bytes.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct FedAsks: u8 {
        /// Open the connection to an address. Asked once.
        const OPEN = 1;
        /// Bytes may be reported as received. Holds until an ask comes without it.
        const RECEIVE = 2;
        /// Bytes wait to be sent. Holds until all of them are reported as sent.
        const SEND = 4;
        /// End the direction to the peer, behind all bytes reported as sent. Asked once.
        const SHUT_WRITE = 8;
        /// Close the connection in order. Asked once.
        const CLOSE = 16;
        /// Close the connection with a reset. Asked once, possibly after CLOSE.
        const RESET = 32;
        /// Begin TLS, as the configuration of the connection says. Asked once, and only of an agent.
        const SECURE = 64;
    }
}

impl FedAsks {
    /// Those that hold until they are withdrawn; the others are asked once.
    const LASTING: Self = Self::RECEIVE.union(Self::SEND);

    /// The names, as they are printed.
    pub(crate) fn names(self) -> String {
        let names: Vec<_> = self.iter_names().map(|(name, _)| name.to_ascii_lowercase()).collect();
        if names.is_empty() { "-".to_owned() } else { names.join("+") }
    }
}

/// Who moves the bytes of a fed connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mover {
    /// The host.
    Host,
    /// The agent that this link leads to, once it has a channel.
    Link(Key),
    /// The agent, through this channel.
    Channel(Key),
}

/// Where the life of what is below stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FedStage {
    /// It is to be opened, or is being opened.
    Unopened,
    /// It moves bytes.
    Open,
    /// It is to be closed, with a reset or in order.
    Closing { reset: bool },
    /// It could not be opened: there is nothing below.
    Failed,
    /// There is nothing below: not yet, or no more, since its end was reported.
    Gone,
}

/// The state of a fed connection.
#[derive(Debug)]
pub(super) struct Fed {
    pub(super) stage: FedStage,
    pub(super) mover: Mover,
    pub(super) windows: FedWindows,
    /// Bytes received and not read.
    pub(super) inbox: Option<Buffer>,
    /// What was asked and still holds, or was asked once.
    pub(super) asked: FedAsks,
    /// How many bytes the host was told that the inbox has room for, less those received since.
    pub(super) granted: usize,
    /// How many bytes of the queue the last ask to send was about.
    pub(super) offered: usize,
    /// How many bytes of the queue are copies of bytes that a stream still holds.
    pub(super) copied: Option<usize>,
    /// Whether the agent is to begin TLS.
    pub(super) secures: bool,
    /// Whether the direction to the peer is to be ended.
    pub(super) shut: bool,
    /// Whether that is to be without the end of TLS, which would vouch that no bytes are missing.
    pub(super) is_curt: bool,
    /// Whether the peer's end was reported.
    pub(super) ended: bool,
    /// Whether that came without the end of TLS.
    pub(super) is_truncated: bool,
    /// Why it failed.
    pub(super) failure: Option<Errno>,
    pub(super) origin: FedOrigin,
}

impl Fed {
    pub(super) fn new(
        stage: FedStage,
        mover: Mover,
        windows: FedWindows,
        origin: FedOrigin,
    ) -> Box<Self> {
        Box::new(Self {
            stage,
            mover,
            windows,
            inbox: None,
            asked: FedAsks::empty(),
            granted: 0,
            offered: 0,
            copied: None,
            secures: false,
            shut: false,
            is_curt: false,
            ended: false,
            is_truncated: false,
            failure: None,
            origin,
        })
    }

    /// Whether there is something below that is not closed.
    pub(super) const fn exists(&self) -> bool {
        !matches!(self.stage, FedStage::Failed | FedStage::Gone)
    }

    /// Our end, where it has an address.
    pub(super) const fn local(&self) -> Option<&Addr> {
        self.origin.local.as_ref()
    }

    /// The user and the group of the process at the other end, where they are known.
    pub(super) const fn peer_credentials(&self) -> Option<Credentials> {
        self.origin.peer
    }

    pub(super) fn held(&self) -> usize {
        self.inbox.as_ref().map_or(0, Buffer::len)
    }

    /// How many bytes the inbox has room for.
    pub(super) fn inbox_room(&self) -> usize {
        self.windows.inbox.saturating_sub(self.held())
    }

    /// Whether a read has a result.
    pub(super) fn has_input(&self) -> bool {
        self.held() > 0 || self.ended || self.failure.is_some()
    }

    /// Reads as from a socket: bytes, 0 at the end, the failure behind the last byte, or EAGAIN.
    pub(super) fn read(&mut self, pool: &mut Pool, to: &mut [u8]) -> Result<usize, Errno> {
        if let Some(inbox) = &mut self.inbox {
            let n = inbox.drain_into(to);
            pool.give_empty(&mut self.inbox);
            return Ok(n);
        }
        match self.failure {
            Some(errno) => Err(errno),
            None if self.ended => Ok(0),
            None => Err(Errno::AGAIN),
        }
    }

    /// The failure that was reported.
    pub(super) const fn failure(&self) -> Option<Errno> {
        self.failure
    }

    /// Whether the queue of `len` bytes has room again for a good part of the window. It has too where
    /// no room is to come: the next write says why.
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.room(len).map_or(true, |room| room >= self.windows.outbox.div_ceil(2))
    }

    /// How many more bytes the queue of `len` takes, or why it takes none for good.
    pub(super) fn room(&self, len: usize) -> Result<usize, Errno> {
        if let Some(errno) = self.failure {
            return Err(errno);
        }
        match self.stage {
            FedStage::Unopened => Ok(0),
            FedStage::Open => Ok(self.windows.outbox.saturating_sub(len)),
            FedStage::Closing { .. } | FedStage::Failed | FedStage::Gone => Err(Errno(libc::EPIPE)),
        }
    }

    /// The direction to the peer is to be ended.
    pub(super) const fn shut_write(&mut self) {
        self.shut = true;
    }

    /// Begins to open it, also once more after a failure.
    pub(super) fn open(&mut self) {
        self.stage = FedStage::Unopened;
        self.asked = FedAsks::empty();
        self.failure = None;
        self.offered = 0;
    }

    /// Whether it is open.
    pub(super) fn is_open(&self) -> Result<bool, Errno> {
        self.failure.map_or(Ok(self.stage == FedStage::Open), Err)
    }

    /// Has it closed. Returns whether that is to be waited for.
    pub(super) fn close(&mut self, reset: bool) -> bool {
        self.stage = match self.stage {
            FedStage::Unopened if !self.asked.contains(FedAsks::OPEN) => FedStage::Gone,
            FedStage::Unopened | FedStage::Open => FedStage::Closing { reset },
            FedStage::Closing { reset: before } => FedStage::Closing { reset: reset || before },
            none @ (FedStage::Failed | FedStage::Gone) => none,
        };
        self.exists()
    }

    /// Forgets what is below. Why it could not be opened stays known.
    pub(super) fn forget(&mut self) {
        if self.stage != FedStage::Failed {
            self.stage = FedStage::Gone;
        }
    }

    /// What is asked for in the present state, with `unsent` bytes in the queue.
    pub(super) fn wanted(&self, unsent: usize) -> FedAsks {
        let mut wanted = FedAsks::empty();
        match self.stage {
            FedStage::Unopened => wanted = FedAsks::OPEN,
            FedStage::Open => {
                // Once full, the inbox is emptied by half before more is asked for, so that a slow
                // reader does not cause an ask for every read.
                let held = self.held();
                let receives = self.asked.contains(FedAsks::RECEIVE);
                let most = if receives { self.windows.inbox } else { self.windows.inbox / 2 };
                let open = !self.ended && self.failure.is_none();
                wanted.set(FedAsks::RECEIVE, open && (held < most || held == 0));
                wanted.set(FedAsks::SEND, self.failure.is_none() && unsent > 0);
                // TLS begins behind the bytes that come before it.
                let secures = self.secures && unsent == 0;
                wanted.set(FedAsks::SECURE, secures && self.failure.is_none());
                wanted.set(FedAsks::SHUT_WRITE, self.shut && self.failure.is_none());
            }
            FedStage::Closing { reset: false } => wanted = FedAsks::CLOSE,
            FedStage::Closing { reset: true } => wanted = FedAsks::RESET,
            FedStage::Failed | FedStage::Gone => {}
        }
        wanted
    }

    /// Whether something is asked for that was not, or not any more.
    pub(super) fn has_ask(&self, unsent: usize) -> bool {
        let wanted = self.wanted(unsent);
        let once = wanted.difference(FedAsks::LASTING | self.asked);
        // The host learns of room in steps of half a window: it may have promised it to its peer.
        let grows = wanted.contains(FedAsks::RECEIVE)
            && self.inbox_room() >= self.granted + self.windows.inbox.div_ceil(2);
        let pauses = (wanted ^ self.asked).contains(FedAsks::RECEIVE);
        let lives = matches!(self.stage, FedStage::Unopened | FedStage::Open);
        let sends = wanted.contains(FedAsks::SEND) && unsent > self.offered;
        !once.is_empty() || lives && (pauses || grows || sends)
    }

    /// What is asked for, if that has changed; noted as asked.
    pub(super) fn take_ask(&mut self, unsent: usize) -> Option<FedAsks> {
        if !self.has_ask(unsent) {
            return None;
        }
        let wanted = self.wanted(unsent);
        let ask = wanted.difference(self.asked.difference(FedAsks::LASTING));
        self.asked.remove(FedAsks::LASTING);
        self.asked |= wanted;
        self.granted = self.inbox_room();
        self.offered = unsent;
        Some(ask)
    }
}
