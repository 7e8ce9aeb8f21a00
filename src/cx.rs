//! The context of a step: the parts of the engine that it may use beside its connection, lent for one
//! drive.

use crate::agenda::Agenda;
use crate::buffer::{Buffer, Pool};
use crate::counts::{OpCounts, TlsCounts};
use crate::id::Kind;
use crate::pipes::Pipes;
use crate::rules::{ListenerView, Load, ServerLoad};
use crate::slab::Key;
use crate::sys::{Addr, Credentials, Fd, Net};
use crate::time::Time;
use crate::trace::{Trace, TraceCategories, TraceDetails, TraceKind};
use crate::wheel::Wheel;

/// How the host's poller reports readiness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trigger {
    /// Level-triggered: again and again while it lasts.
    #[default]
    Level,
    /// Edge-triggered: once for each change.
    Edge,
}

/// Bytes that the sockets of an engine moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteCounts {
    /// Bytes read from the wire.
    pub received: u64,
    /// Bytes that the kernel accepted for sending.
    pub sent: u64,
}

/// What bounds every connection of an engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Descriptors from this number on are reserved for clients and their servers.
    pub(crate) outgoing_fds: Fd,
    /// The longest PROXY header, in bytes.
    pub(crate) max_prefix: usize,
    /// How many bytes a fed connection may hold.
    pub(crate) fed: FedWindows,
}

/// How many bytes a fed connection may hold, each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FedWindows {
    /// Bytes that were received and not read.
    pub(crate) inbox: usize,
    /// Bytes that are to be sent and were not reported as sent.
    pub(crate) outbox: usize,
}

/// What is known of whoever is below before a byte has moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FedOrigin {
    /// Our end, where it has an address.
    pub local: Option<Addr>,
    /// The user and the group of the process at the other end, where they are known.
    pub peer: Option<Credentials>,
    /// The host's data for what is below.
    pub data: u64,
}

/// How many descriptors this process can still open, as far as that is known: the system gives the
/// lowest number that is free, so all numbers below one that it gave are taken. Descriptors that other
/// code of the process opens, and pipes, are noticed late, when a call fails.
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

    /// How many descriptors are left.
    pub(crate) fn left(&self) -> u32 {
        u32::try_from(self.left).unwrap_or(0)
    }

    /// The system gave a descriptor.
    pub(crate) fn took<N: Net>(&mut self, net: &mut N, fd: Fd) {
        if fd >= self.limit {
            // The limit was raised since it was last read.
            self.limit = net.descriptor_limit();
            self.left = self.limit.0;
        }
        let above = self.limit.0.saturating_sub(fd.0).saturating_sub(1);
        self.left = self.left.saturating_sub(1).min(above).max(0);
    }

    /// A descriptor was closed.
    pub(crate) const fn gave(&mut self) {
        self.left = self.left.saturating_add(1);
    }

    /// The system had no descriptor left.
    pub(crate) const fn ran_out(&mut self) {
        self.left = 0;
    }

    /// Assumes that `some` are left, since other code of the process may have closed descriptors.
    pub(crate) fn suppose(&mut self, some: u32) {
        self.left = self.left.max(i32::try_from(some).unwrap_or(i32::MAX));
    }
}

/// What an engine observes of its own work.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    /// Counts of operations.
    pub(crate) ops: OpCounts,
    /// Counts of TLS handshakes that were completed.
    pub(crate) handshakes: TlsCounts,
    /// The count of bytes received and sent.
    pub(crate) traffic: ByteCounts,
    /// The lines of the trace.
    pub(crate) trace: Trace,
}

/// The key of no connection.
pub(crate) const NOBODY: Key = Key { generation: 0, slot: Key::SLOTS - 1 };

/// Questions of a step to the engine that do not concern its connection.
pub(crate) trait Directory {
    /// A listener, while it exists.
    fn listener(&self, listener: Key, now: Time) -> Option<ListenerView<'_>>;

    /// Counts a connection of a listener that has passed its session rules.
    fn count_session(&self, listener: Key, now: Time);

    /// The load of the backend with this name, if there is one.
    fn load(&self, backend: &str, now: Time) -> Option<Load>;

    /// The load of the server with this name, `BACKEND/SERVER`, if there is one.
    fn server_load(&self, name: &str) -> Option<ServerLoad>;
}

/// The first bytes of a stream for a server that is being connected to.
#[derive(Debug)]
pub(crate) struct Early {
    pub(crate) bytes: Buffer,
    /// Whether the client has ended behind them.
    pub(crate) is_last: bool,
}

/// The engine's parts that a step of one connection works with.
pub(crate) struct Cx<'a, N> {
    /// The socket calls.
    pub(crate) net: &'a mut N,
    /// The pool of buffers.
    pub(crate) pool: &'a mut Pool,
    /// The pool of pipes.
    pub(crate) pipes: &'a mut Pipes,
    /// The count of free descriptors.
    pub(crate) descriptors: &'a mut Descriptors,
    /// What is counted and traced.
    pub(crate) telemetry: &'a mut Telemetry,
    /// The connection at work: lines of the trace are about it.
    pub(crate) at_work: Key,
    /// The timers.
    pub(crate) timers: &'a mut Wheel,
    /// The lists of what is to be looked at later.
    pub(crate) agenda: &'a mut Agenda,
    /// What rules ask of the rest of the engine.
    pub(crate) directory: &'a dyn Directory,
    /// Memory for bytes that are discarded.
    pub(crate) scratch: &'a mut [u8],
    /// The time of this drive.
    pub(crate) now: Time,
    /// How the host's poller reports readiness.
    pub(crate) trigger: Trigger,
    /// What bounds every connection.
    pub(crate) limits: Limits,
    /// Counts connections that were begun, so that source addresses take turns.
    pub(crate) begun: &'a mut usize,
    /// Steps of asymmetric cryptography that this drive call may still make.
    pub(crate) heavy: &'a mut u32,
    /// Bytes that the stream already holds for this connection. A connect may send them in one call
    /// with its first bytes if they are not encrypted; the bytes that the kernel took are removed.
    pub(crate) early: Option<Early>,
}

impl<N> Cx<'_, N> {
    /// Counts bytes that were read for the connection at work.
    pub(crate) fn count_received(&mut self, n: usize, kind: TraceKind) {
        self.telemetry.traffic.received += n as u64;
        if self.telemetry.trace.is_on(TraceCategories::BYTES) {
            self.trace_bytes(n, kind);
        }
    }

    /// Counts bytes that were taken of the connection at work.
    pub(crate) fn count_sent(&mut self, n: usize, kind: TraceKind) {
        self.telemetry.traffic.sent += n as u64;
        if self.telemetry.trace.is_on(TraceCategories::BYTES) {
            self.trace_bytes(n, kind);
        }
    }

    #[cold]
    fn trace_bytes(&mut self, n: usize, kind: TraceKind) {
        if n > 0 {
            self.trace_work(TraceCategories::BYTES, kind, TraceDetails::Bytes(n));
        }
    }

    /// Keeps a line of the trace about the connection at work.
    #[cold]
    pub(crate) fn trace_work(
        &mut self,
        category: TraceCategories,
        kind: TraceKind,
        details: TraceDetails,
    ) {
        let conn = (self.at_work != NOBODY).then(|| self.agenda.id(Kind::Conn, self.at_work));
        self.telemetry.trace.add(self.now, category, kind, conn, details);
    }

    /// Whether the stream holds bytes for this connection.
    pub(crate) fn has_early(&self) -> bool {
        self.early.as_ref().is_some_and(|early| !early.bytes.is_empty())
    }
}
