//! What a step may use beside the connection it works on: the engine's other parts, lent for one
//! drive.

use crate::agenda::Agenda;
use crate::buffer::{Buffer, Pool};
use crate::counts::{OpCounts, TlsCounts};
use crate::pipes::Pipes;
use crate::rules::Load;
use crate::slab::Key;
use crate::sys::{Fd, Net};
use crate::time::Time;
use crate::wheel::Wheel;

/// How the host's poller tells readiness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trigger {
    /// Again and again while it lasts.
    #[default]
    Level,
    /// Once for each change.
    Edge,
}

/// Bytes that the sockets of an engine moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes read from the wire.
    pub received: u64,
    /// Bytes the kernel took for the wire.
    pub sent: u64,
}

/// What bounds every connection of an engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The number from which on descriptors are kept for what comes in.
    pub(crate) outgoing_fds: Fd,
    /// The longest PROXY header, in bytes.
    pub(crate) max_prefix: usize,
}

/// How many descriptors this process can still open, as far as that can be told: the system gives the
/// lowest number that is free, so all below one that it gave are taken. Others of the process, and
/// pipes, are noticed late, when a call fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptors {
    limit: Fd,
    left: i32,
}

impl Descriptors {
    /// As many as there are numbers below `limit`.
    pub(crate) const fn new(limit: Fd) -> Self {
        Self { limit, left: limit.0 }
    }

    /// How many are left.
    pub(crate) fn left(&self) -> u32 {
        u32::try_from(self.left).unwrap_or(0)
    }

    /// The system gave one.
    pub(crate) fn took<N: Net>(&mut self, net: &mut N, fd: Fd) {
        if fd >= self.limit {
            // The limit was raised since it was asked for.
            self.limit = net.descriptor_limit();
            self.left = self.limit.0;
        }
        let above = self.limit.0.saturating_sub(fd.0).saturating_sub(1);
        self.left = self.left.saturating_sub(1).min(above).max(0);
    }

    /// One was given back.
    pub(crate) const fn gave(&mut self) {
        self.left = self.left.saturating_add(1);
    }

    /// The system had none.
    pub(crate) const fn ran_out(&mut self) {
        self.left = 0;
    }

    /// Others of the process may have given some back: that is worth a try.
    pub(crate) fn suppose(&mut self, some: u32) {
        self.left = self.left.max(i32::try_from(some).unwrap_or(i32::MAX));
    }
}

/// How things went, in numbers.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Operations.
    pub(crate) ops: OpCounts,
    /// Handshakes of TLS that were finished.
    pub(crate) handshakes: TlsCounts,
}

/// What a step may ask of the engine that is no connection's.
pub(crate) trait Directory {
    /// The name of a listener, if it has one.
    fn listener_name(&self, listener: Key) -> Option<&str>;

    /// How busy the backend of a name is, if there is one.
    fn load(&self, backend: &str) -> Option<Load>;
}

/// The engine's parts that a step of one connection works with.
pub(crate) struct Cx<'a, N> {
    /// The socket calls.
    pub(crate) net: &'a mut N,
    /// Where buffers come from and go back to.
    pub(crate) pool: &'a mut Pool,
    /// Where pipes do.
    pub(crate) pipes: &'a mut Pipes,
    /// Where descriptors are counted.
    pub(crate) descriptors: &'a mut Descriptors,
    /// Where bytes are counted.
    pub(crate) traffic: &'a mut Traffic,
    /// Where operations are.
    pub(crate) counts: &'a mut Counts,
    /// The deadlines.
    pub(crate) timers: &'a mut Wheel,
    /// What is to be looked at later.
    pub(crate) agenda: &'a mut Agenda,
    /// What else there is.
    pub(crate) directory: &'a dyn Directory,
    /// Memory for bytes that nobody will read.
    pub(crate) scratch: &'a mut [u8],
    /// The time of this drive.
    pub(crate) now: Time,
    /// How readiness is told.
    pub(crate) trigger: Trigger,
    /// What bounds every connection.
    pub(crate) limits: Limits,
    /// Steps of asymmetric cryptography that this drive call may still make.
    pub(crate) heavy: &'a mut u32,
    /// Bytes the session already holds for this connection. A connect may send them right behind
    /// its first bytes when nothing encrypts in between: what the kernel took is consumed.
    pub(crate) early: Option<Buffer>,
}

impl<N> Cx<'_, N> {
    /// Whether the session holds bytes for this connection.
    pub(crate) fn has_early(&self) -> bool {
        self.early.as_ref().is_some_and(|early| !early.is_empty())
    }
}
