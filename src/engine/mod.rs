//! The engine: inputs in; questions, events and host requests out. It owns the connections, listeners
//! and streams of one thread and makes no callbacks: the host fetches its outputs. [`Engine`] says what
//! each class of call may do, and in which order outputs are fetched.
//!
//! The life of a connection: `accept` (incoming) or `commands` (outgoing) gives it a record, a key and
//! a timer. `drive` takes an input, finds the record by its key and drives the connection, alone or, by
//! `stream`, with the other side of its stream. The result is an outcome, which `apply` in `drive` acts
//! on once the connection is not borrowed any more. `poller` and `events` hand out what the host's
//! poller and the host are to get. The descriptor is closed when the poller has released it. Then the
//! record is removed, together with the event that reports its end where there is one, and every id of
//! it is stale.
//!
//! How a connection goes on from one step to the next is decided in [`conn`](crate::conn); how a stream
//! does, in `stream`; which server a stream gets, in `backend`, whose answers `server_selection`
//! carries out.

mod accept;
mod backend;
mod check;
mod commands;
mod describe;
mod drain;
mod drive;
mod events;
mod fed;
mod group;
mod handlers;
mod links;
mod list;
mod listener;
mod lookup;
mod metrics;
mod metrics_of_group;
mod monitor;
mod options;
mod pause;
mod poller;
mod progress;
mod record;
mod registry;
mod report;
mod rules;
mod server_selection;
mod session;
mod start_tls;
mod stream;
#[cfg(test)]
mod tests;
mod trace;
mod traffic;

pub use crate::conn::{Received, Record, Sent};
pub use crate::counts::{OpCounts, TlsCounts};
pub use crate::ctrl::FedAsks;
pub use crate::cx::FedOrigin;
pub use crate::remote::{AgentOptions, AllowList, AllowListError, LinkOptions};
pub use crate::stream::{By, EndPhase, InterfaceState, Termination};
pub use crate::token_bucket::RateLimit;
pub(crate) use backend::BackendOptions;
pub use backend::ServerEvent;
pub(crate) use check::{CheckPlan, HealthCheck};
pub use commands::ConnectOptions;
pub use drain::{DrainStage, DrainState};
pub use events::{Event, EventKind};
pub use fed::FedAsk;
pub use handlers::{HandlerAnswer, Question, Spent};
pub use list::{ByteMover, ConnInfo, ConnOrigin};
pub use listener::{ListenerCounts, ListenerOptions};
pub use options::EngineOptions;
pub(crate) use options::{A_PAIR, FED_WINDOW};
pub use poller::HostOp;
pub use record::EndReport;
pub use start_tls::StartTls;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::agenda::{Agenda, List};
use crate::backend::ServerSlot;
use crate::buffer::Pool;
use crate::config::StreamConfig;
use crate::conn::Conn;
use crate::ctrl::Watch;
use crate::cx::{ByteCounts, Cx, Descriptors, Limits, Telemetry, Trigger};
use crate::id::{Id, Kind};
use crate::pipes::Pipes;
use crate::slab::{Key, Slab};
use crate::stream::Stream;
use crate::sys::{Errno, Fd, Net};
use crate::time::Time;
use crate::wheel::Wheel;
use registry::Registry;

/// The size of the memory for bytes that are discarded.
const SCRATCH_SIZE: usize = 64 * 1024;
/// The most unused buffers that an engine keeps.
const BUFFERS_KEPT: usize = 64;
/// The most unused buffers for bulk that an engine keeps.
const BULK_BUFFERS_KEPT: usize = 16;

/// Why a call changed nothing: the caller's mistake, or the system's refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The id is of something that has ended.
    Stale,
    /// The id is of another kind of thing.
    WrongKind,
    /// The id is another engine's.
    WrongEngine,
    /// Not possible in the present state of the connection.
    State,
    /// An argument is invalid.
    Argument,
    /// A configured or built-in limit is reached.
    Limit,
    /// The configuration does not admit the peer.
    Denied,
    /// The engine was made for another way of reporting readiness.
    Mode,
    /// This kind of connection cannot do it.
    Unsupported,
    /// The system refused.
    System(Errno),
}

/// What a host needs to know before it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitState {
    /// When to drive next if nothing happens; possibly too early, never too late.
    pub deadline: Option<Time>,
    /// Whether there is work to do right now, so that the host must not wait.
    pub runnable: bool,
    /// Connections that exist.
    pub conns: u32,
    /// Streams that exist.
    pub streams: u32,
    /// Listeners that exist.
    pub listeners: u32,
}

/// What has been counted since the engine was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineCounters {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections that became sessions.
    pub sessions: u64,
    /// Connections that ended before that.
    pub refused: u64,
    /// Connections of monitors, which are neither.
    pub monitored: u64,
    /// Refusals that were counted and not reported.
    pub suppressed: u64,
    /// `accept` calls that failed for one connection.
    pub accept_errors: u64,
    /// Times a listener was paused because the system ran out of a resource.
    pub starved: u64,
    /// Times a limit refused a connection or paused a listener.
    pub limited: u64,
    /// Outgoing connections requested.
    pub connects: u64,
    /// Outgoing connections that failed before they were open.
    pub connect_failures: u64,
    /// Bytes read and discarded.
    pub discarded: u64,
}

/// The parts of the engine that steps borrow together with a connection.
struct Tools<N> {
    net: N,
    pool: Pool,
    pipes: Pipes,
    descriptors: Descriptors,
    scratch: Box<[u8]>,
    heavy: u32,
    begun: usize,
    now: Time,
    trigger: Trigger,
    limits: Limits,
    telemetry: Telemetry,
    timers: Wheel,
    agenda: Agenda,
    /// Streams in a queue that were given a slot of a server: stream, backend, slot.
    called: VecDeque<(Key, Key, ServerSlot)>,
    /// Its place in a group of engines, if it is a member of one.
    membership: Option<Box<group::Membership>>,
}

impl<N> Tools<N> {
    /// The number of the next connection that is begun.
    fn next_turn(&mut self) -> usize {
        self.begun = self.begun.wrapping_add(1);
        self.begun
    }

    /// What a step of the connection `at_work` is lent. A stream says itself which of its two is.
    fn cx<'a>(&'a mut self, registry: &'a Registry, at_work: Key) -> Cx<'a, N> {
        Cx {
            net: &mut self.net,
            pool: &mut self.pool,
            pipes: &mut self.pipes,
            descriptors: &mut self.descriptors,
            scratch: &mut self.scratch,
            now: self.now,
            trigger: self.trigger,
            limits: self.limits,
            heavy: &mut self.heavy,
            begun: &mut self.begun,
            telemetry: &mut self.telemetry,
            at_work,
            timers: &mut self.timers,
            agenda: &mut self.agenda,
            directory: registry,
            early: None,
        }
    }
}

/// The connections of one thread, over the socket calls `N`.
///
/// # What a call may do
/// - *Inputs* ([`on_ready`](Self::on_ready), [`on_ready_fd`](Self::on_ready_fd),
///   [`on_deadline`](Self::on_deadline), [`on_turn`](Self::on_turn), and those of fed connections, such
///   as [`fed_received`](Self::fed_received)) report what happened outside. They drive the connections
///   and streams concerned until all of them wait. [`begin`](Self::begin) comes
///   before them with the time, since no clock is read here, and fills the budgets.
/// - *Commands* (bare verbs: [`listen`](Self::listen), [`recv`](Self::recv), [`close`](Self::close))
///   act at once and return their result. They may be made at any time, also between two outputs.
/// - *Outputs* (`next_*`) take one output out of the engine. [`next_event`](Self::next_event) may
///   remove the record that its event is about; the others leave every id valid.
/// - *Getters* change nothing observable: [`state`](Self::state), [`counters`](Self::counters).
///
/// # In which order outputs are fetched
/// After each outermost input or command, and again from the first while one of them has something:
/// 1. [`next_spent`](Self::next_spent) and [`next_question`](Self::next_question), one by one, each
///    question followed by [`answered`](Self::answered);
/// 2. [`next_event`](Self::next_event). What the host does about it changes interest once more, so
/// 3. [`next_host_op`](Self::next_host_op) and [`next_ask`](Self::next_ask) follow;
/// 4. [`settle`](Self::settle) closes the descriptors that were released in 3, and begins the
///    connections requested. A host whose poller cannot release descriptors at once calls
///    [`begin_fresh`](Self::begin_fresh) instead, and [`close_released`](Self::close_released) later;
/// 5. `next_wakes`, where the engine is a member of a group.
///
/// Then [`wait_state`](Self::wait_state) says how to wait. Nothing is lost by fetching late: pending
/// outputs are state, kept once for each connection, listener, stream or backend.
///
/// # How the parts are borrowed
/// `conns`, `streams` and `registry` hold what has an id, `tools` what every step works with. A
/// method looks an id up once, borrows these four separately, and lends a `Cx` of tools and registry
/// to the one connection, or the pair of a stream. During that borrow no record is added to or
/// removed from a slab.
pub struct Engine<N> {
    number: u16,
    options: EngineOptions,
    tools: Tools<N>,
    conns: Slab<Conn>,
    streams: Slab<Stream>,
    registry: Registry,
    /// Connections that were requested in this call.
    fresh: VecDeque<Key>,
    /// Health checks under way, with the keys of their connections.
    health_checks: Vec<(Key, HealthCheck)>,
    /// Descriptors that the host's poller has released.
    released: Vec<Id>,
    /// The descriptor by which other threads wake the engine.
    wake_fd: Option<(Fd, Watch)>,
    /// Links and agents.
    remote: links::Remote,
    /// User data that custom handlers are to free.
    spent: VecDeque<Spent>,
    /// Ids by descriptor number, for hosts that know only numbers.
    by_fd: Vec<Option<Id>>,
    opening: u32,
    /// Connections whose bytes the host moves.
    fed: u32,
    draining: Option<drain::Draining>,
    /// The configuration of streams that were given none, shared by all of them.
    default_stream: Arc<StreamConfig>,
    counters: EngineCounters,
    /// Whether all connections are fed, whatever they were made as: what runs on sockets runs on fed
    /// connections as well.
    #[cfg(test)]
    feeds_all: bool,
    /// The link over which all connections to servers are opened.
    #[cfg(test)]
    links_all: Option<Id>,
    /// Descriptors that were accepted for connections that are fed.
    #[cfg(test)]
    fed_fds: Vec<(Id, Fd)>,
}

/// What a timer is for; the wheel stores it as a tag and returns it on expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimerOwner {
    Conn(u32),
    Stream(u32),
    Listener(u32),
    Drain,
    Backend(u32),
    Link(u32),
    LinkSession(u32),
    Group,
}

impl TimerOwner {
    const KIND_SHIFT: u32 = 24;
    const SLOT: u32 = (1 << Self::KIND_SHIFT) - 1;

    const fn tag(self) -> u32 {
        match self {
            Self::Conn(slot) => slot,
            Self::Stream(slot) => slot | 1 << Self::KIND_SHIFT,
            Self::Listener(slot) => slot | 2 << Self::KIND_SHIFT,
            Self::Drain => 3 << Self::KIND_SHIFT,
            Self::Backend(slot) => slot | 4 << Self::KIND_SHIFT,
            Self::Link(slot) => slot | 5 << Self::KIND_SHIFT,
            Self::LinkSession(slot) => slot | 6 << Self::KIND_SHIFT,
            Self::Group => 7 << Self::KIND_SHIFT,
        }
    }

    const fn of(tag: u32) -> Self {
        let slot = tag & Self::SLOT;
        match tag >> Self::KIND_SHIFT {
            0 => Self::Conn(slot),
            1 => Self::Stream(slot),
            2 => Self::Listener(slot),
            3 => Self::Drain,
            4 => Self::Backend(slot),
            5 => Self::Link(slot),
            6 => Self::LinkSession(slot),
            _ => Self::Group,
        }
    }
}

impl<N: Net> Engine<N> {
    /// An engine over `net`. No other live engine of the process may have its number; its ids begin at
    /// `generation`.
    pub fn new(
        mut net: N,
        number: u16,
        generation: u32,
        options: EngineOptions,
        now: Time,
    ) -> Self {
        let descriptors = net.descriptor_limit();
        let limits = options.limits(descriptors);
        Self {
            number,
            options,
            tools: Tools {
                net,
                pool: Pool::new(BUFFERS_KEPT, BULK_BUFFERS_KEPT),
                pipes: Pipes::new(options.max_pipes as usize),
                descriptors: Descriptors::new(descriptors),
                scratch: vec![0; SCRATCH_SIZE].into_boxed_slice(),
                heavy: options.heavy_per_drive,
                begun: 0,
                now,
                trigger: options.trigger,
                limits,
                telemetry: Telemetry::default(),
                timers: Wheel::new(now),
                agenda: Agenda::new(number),
                called: VecDeque::new(),
                membership: None,
            },
            conns: Slab::new(options.max_conns, generation),
            streams: Slab::new(u32::MAX, generation),
            registry: Registry {
                listeners: Slab::new(u32::MAX, generation),
                backends: Slab::new(u32::MAX, generation),
            },
            fresh: VecDeque::new(),
            health_checks: Vec::new(),
            released: Vec::new(),
            wake_fd: None,
            remote: links::Remote::new(generation),
            spent: VecDeque::new(),
            by_fd: Vec::new(),
            opening: 0,
            fed: 0,
            draining: None,
            default_stream: Arc::default(),
            counters: EngineCounters::default(),
            #[cfg(test)]
            feeds_all: false,
            #[cfg(test)]
            links_all: None,
            #[cfg(test)]
            fed_fds: Vec::new(),
        }
    }

    /// The lowest generation that no id of this engine has used.
    pub fn next_generation(&self) -> u32 {
        let generations = [
            self.conns.next_generation(),
            self.registry.listeners.next_generation(),
            self.streams.next_generation(),
            self.registry.backends.next_generation(),
            self.remote.links.next_generation(),
            self.remote.agents.next_generation(),
        ];
        generations.into_iter().max().unwrap_or(0)
    }

    /// A drive call begins at this point in time: budgets are full again. Time never goes backwards.
    pub fn begin(&mut self, now: Time) {
        self.tools.now = self.tools.now.max(now);
        self.tools.heavy = self.options.heavy_per_drive;
    }

    /// The time of the current drive.
    pub const fn now(&self) -> Time {
        self.tools.now
    }

    /// The socket calls.
    pub const fn net(&mut self) -> &mut N {
        &mut self.tools.net
    }

    /// What has been counted.
    pub const fn counters(&self) -> EngineCounters {
        self.counters
    }

    /// How often each operation completed and failed.
    pub const fn op_counts(&self) -> &OpCounts {
        &self.tools.telemetry.ops
    }

    /// Handshakes of TLS that were finished.
    pub const fn tls_counts(&self) -> TlsCounts {
        self.tools.telemetry.handshakes
    }

    /// Bytes that the sockets moved.
    pub const fn traffic(&self) -> ByteCounts {
        self.tools.telemetry.traffic
    }

    /// Buffers that hold bytes in flight.
    pub const fn buffers_in_use(&self) -> usize {
        self.tools.pool.in_use()
    }

    /// What the host needs to know before it waits.
    pub fn wait_state(&self) -> WaitState {
        let runnable = !self.tools.agenda.is_empty(List::Run)
            || !self.fresh.is_empty()
            || !self.tools.called.is_empty()
            || self.has_events()
            || self.has_asks()
            || self.has_link_work()
            || self.has_questions();
        WaitState {
            deadline: self.tools.timers.next(),
            runnable,
            conns: self.conns.len() as u32,
            streams: self.streams.len() as u32,
            listeners: self.registry.listeners.len() as u32,
        }
    }

    fn id(&self, kind: Kind, key: Key) -> Id {
        self.tools.agenda.id(kind, key)
    }

    fn remember_fd(&mut self, fd: Fd, id: Id) {
        if !self.options.by_fd {
            return;
        }
        let Ok(index) = usize::try_from(fd.0) else { return };
        if self.by_fd.len() <= index {
            self.by_fd.resize(index + 1, None);
        }
        self.by_fd[index] = Some(id);
    }
}
