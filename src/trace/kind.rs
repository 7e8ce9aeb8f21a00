//! The categories of the trace, and the kinds of its lines.

use bitflags::bitflags;

use crate::op::{Op, OpKind};

bitflags! {
    /// What is traced. The bits are those of C's `VST_TRACE_*`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct TraceCategories: u8 {
        /// Calls of the host.
        const CALLS = 1;
        /// What the host is told.
        const EVENTS = 2;
        /// Transitions of operations.
        const OPERATIONS = 4;
        /// Reads and writes that moved bytes.
        const BYTES = 8;
        /// Handshakes, alerts, changes of keys, close_notify.
        const TLS = 16;
        /// Shutdowns, the operations that close, ends, drains.
        const CLOSING = 32;
    }
}

impl TraceCategories {
    /// The categories for which a connection's operations and cause are compared with those before.
    pub(super) const COMPARED: Self = Self::OPERATIONS.union(Self::CLOSING).union(Self::TLS);

    /// The name in a line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CALLS => "call",
            Self::EVENTS => "event",
            Self::OPERATIONS => "op",
            Self::BYTES => "bytes",
            Self::TLS => "tls",
            Self::CLOSING => "closing",
            _ => "trace",
        }
    }

    /// The category of the lines about `op`.
    pub(super) fn of(op: Op) -> Self {
        if op.kind() == OpKind::Closing { Self::CLOSING } else { Self::OPERATIONS }
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal;)+) => {
        /// What a line says. The names are part of the C interface: stable, never given to another.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum TraceKind { $($(#[doc = $doc])+ $kind),+ }

        impl TraceKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The name in a line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),+ }
            }
        }
    };
}

kinds! {
    /// A function was called.
    Return = "return";
    /// An event is reported.
    Event = "event";
    /// Interest in a descriptor changes.
    Interest = "interest";
    /// The deadline moved.
    Timer = "timer";
    /// A fed connection asks for something.
    Ask = "ask";
    /// A handler is asked.
    Step = "step";
    /// Other threads have woken the engine.
    Woken = "woken";
    /// The first line about a connection.
    First = "first";
    /// An operation is to be done.
    Wanted = "wanted";
    /// An operation has begun.
    Started = "started";
    /// An operation cannot go on yet.
    Waits = "waits";
    /// An operation is complete.
    Done = "done";
    /// An operation is left out.
    Skipped = "skipped";
    /// What an operation made is freed.
    Undone = "undone";
    /// A connection fails.
    Failed = "failed";
    /// Bytes were read.
    Read = "read";
    /// Bytes were written.
    Written = "written";
    /// Bytes were spliced from a socket into a pipe.
    SplicedIn = "spliced_in";
    /// Bytes were spliced from a pipe into a socket.
    SplicedOut = "spliced_out";
    /// A TLS handshake is complete.
    Handshake = "handshake";
    /// The peer sent an alert that ends the connection.
    AlertReceived = "alert_received";
    /// An alert that ends the connection is sent.
    AlertSent = "alert_sent";
    /// The peer sent an alert that is only a warning.
    WarningReceived = "warning_received";
    /// A warning is sent: a renegotiation is declined.
    WarningSent = "warning_sent";
    /// The peer has changed its keys.
    KeysReceived = "keys_received";
    /// Our keys have changed.
    KeysSent = "keys_sent";
    /// The peer's close_notify came.
    CloseNotifyReceived = "close_notify_received";
    /// Our close_notify is sent.
    CloseNotifySent = "close_notify_sent";
    /// The end of what the peer sends was read.
    FinReceived = "fin_received";
    /// Our direction is ended.
    FinSent = "fin_sent";
    /// A connection has ended.
    End = "end";
    /// A stream has ended.
    StreamEnd = "stream_end";
    /// The engine drains.
    Drain = "drain";
    /// Lines were lost.
    Lost = "lost";
}
