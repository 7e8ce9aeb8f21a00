//! The options of an engine, and the limits that follow from them.

use crate::cx::{FedWindows, Limits, Trigger};
use crate::sys::Fd;

/// How many bytes a fed connection holds each way unless configured otherwise.
pub(crate) const FED_WINDOW: u32 = 64 * 1024;

/// The descriptors of a client and its server.
pub(crate) const A_PAIR: u32 = 2;

/// Options of an engine. The largest number of each field means no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// How the host's poller reports readiness.
    pub trigger: Trigger,
    /// Whether readiness may also be reported by descriptor number.
    pub by_fd: bool,
    /// The most connections of all kinds.
    pub max_conns: u32,
    /// The most incoming connections that are not sessions yet.
    pub max_opening: u32,
    /// The most steps of asymmetric cryptography in one drive call.
    pub heavy_per_drive: u32,
    /// Descriptors of the process that are reserved for clients and their servers: a listener accepts a
    /// client only while so many are left, and other outgoing connections, and pipes, leave so many. 0
    /// reserves none.
    pub reserve_fds: u32,
    /// The most pipes for moving bytes in bulk; 0 has bytes copied.
    pub max_pipes: u32,
    /// The longest PROXY header that is accepted, in bytes.
    pub max_proxy_header_bytes: u32,
    /// The most bytes that a fed connection holds that were received and not read.
    pub fed_inbox_bytes: u32,
    /// The most bytes that a fed connection without TLS holds that were not reported as sent. TLS holds at
    /// most four records, whatever this says.
    pub fed_outbox_bytes: u32,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            trigger: Trigger::Level,
            by_fd: false,
            max_conns: u32::MAX,
            max_opening: u32::MAX,
            heavy_per_drive: 4,
            reserve_fds: A_PAIR,
            max_pipes: 64,
            max_proxy_header_bytes: u32::MAX,
            fed_inbox_bytes: FED_WINDOW,
            fed_outbox_bytes: FED_WINDOW,
        }
    }
}

impl EngineOptions {
    /// What bounds every connection, where the system has descriptors below this number.
    pub(super) fn limits(&self, descriptors: Fd) -> Limits {
        let reserved = i32::try_from(self.reserve_fds).unwrap_or(i32::MAX);
        Limits {
            // The system gives the lowest number that is free, so a descriptor at the bound shows that all
            // below it are taken.
            outgoing_fds: match reserved {
                0 => Fd(i32::MAX),
                reserved => Fd(descriptors.0.saturating_sub(reserved)),
            },
            max_prefix: self.max_proxy_header_bytes as usize,
            fed: FedWindows {
                inbox: self.fed_inbox_bytes as usize,
                outbox: self.fed_outbox_bytes as usize,
            },
        }
    }
}
