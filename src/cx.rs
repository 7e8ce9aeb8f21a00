//! What a step may use beside the connection it works on: the engine's other parts, lent for one
//! drive.

use crate::buffer::Pool;
use crate::pipes::Pipes;
use crate::sys::Fd;
use crate::time::Time;

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

/// The engine's parts that a step of one connection works with.
pub(crate) struct Cx<'a, N> {
    /// The socket calls.
    pub(crate) net: &'a mut N,
    /// Where buffers come from and go back to.
    pub(crate) pool: &'a mut Pool,
    /// Where pipes do.
    pub(crate) pipes: &'a mut Pipes,
    /// Where bytes are counted.
    pub(crate) traffic: &'a mut Traffic,
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
    /// its first bytes when nothing encrypts in between.
    pub(crate) early: &'a [u8],
    /// How many of [`Cx::early`] the kernel took.
    pub(crate) early_taken: usize,
}
