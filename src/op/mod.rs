//! The operations of a connection and the word that holds the state of all of them.
//!
//! An operation takes several steps, so it has four states in two bits: `00` not wanted, `10` wanted
//! and not started, `11` started and not complete, `01` complete. All operations of a connection
//! sit in one `u64` in the order they run.

mod table;
mod wait;
mod word;

use std::fmt;

pub(crate) use table::every_op;
pub use wait::Wait;
pub use word::OpWord;

/// Which part of a connection's life an operation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpKind {
    /// Opens an incoming connection.
    Incoming,
    /// Opens an outgoing connection.
    Outgoing,
    /// Closes either.
    Closing,
}

/// Which of the configured timeouts bounds an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutKind {
    /// None: the operation ends with those before it.
    Unbounded,
    /// The wait for the first bytes: a PROXY header, a NetScaler header, a monitor's request.
    Proxy,
    /// Connecting to a server: one timeout from CTRL_CONNECT on for all its operations.
    Connect,
    /// A TLS handshake.
    Tls,
    /// One custom handler; each brings its own timeout.
    Custom,
    /// Sending the last bytes; while closing, every byte that the kernel takes restarts it.
    Linger,
    /// The wait for the peer's end once ours was sent.
    Drain,
}

macro_rules! ops {
    ($($(#[doc = $doc:literal])+ $op:ident = $number:literal, $name:literal, $kind:ident, $timeout_kind:ident, after $after:tt,
        when $when:expr, step $step:path;)+) => {
        /// One operation. The order of declaration is the order they run in, and the position in
        /// the [`OpWord`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Op { $($(#[doc = $doc])+ $op),+ }

        impl Op {
            /// Every operation, in run order.
            pub const ALL: &'static [Self] = &[$(Self::$op),+];

            /// The number of the operation at the C boundary: stable, never given to another.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self { $(Self::$op => $number),+ }
            }

            /// The name of the operation, as it is printed.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$op => $name),+ }
            }

            /// What the operation is for, in one sentence.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$op => concat!($($doc),+).trim_ascii()),+ }
            }

            /// The part of a connection's life it belongs to.
            #[must_use]
            pub const fn kind(self) -> OpKind {
                match self { $(Self::$op => OpKind::$kind),+ }
            }

            /// The timeout that bounds it.
            #[must_use]
            pub const fn timeout_kind(self) -> TimeoutKind {
                match self { $(Self::$op => TimeoutKind::$timeout_kind),+ }
            }

            /// The operations that must not be incomplete when it runs.
            #[must_use]
            pub const fn after(self) -> OpSet {
                match self { $(Self::$op => ops!(@after $op $after)),+ }
            }
        }
    };
    (@after $op:ident earlier) => { OpSet::earlier(Op::$op) };
    (@after $op:ident [$($before:ident)*]) => { OpSet::EMPTY$(.with(Op::$before))* };
}

every_op!(ops);

impl Op {
    const fn position(self) -> u32 {
        self as u32
    }

    /// The operation with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|op| op.number() == number)
    }
}

/// The four states of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `00`
    Unwanted,
    /// `10`
    Wanted,
    /// `11`
    Started,
    /// `01`
    Complete,
}

/// A set of operations: the low bit of each one's pair.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct OpSet(u64);

impl OpSet {
    /// No operation.
    pub const EMPTY: Self = Self(0);
    /// The operations that open a connection, of both sides.
    pub const OPENING: Self = Self::of(OpKind::Incoming).and(Self::of(OpKind::Outgoing));
    /// The operations that close a connection.
    pub const CLOSING: Self = Self::of(OpKind::Closing);

    const fn bit(op: Op) -> u64 {
        1 << (2 * op.position())
    }

    const fn of(kind: OpKind) -> Self {
        let mut set = Self::EMPTY;
        let mut i = 0;
        while i < Op::ALL.len() {
            if Op::ALL[i].kind() as u8 == kind as u8 {
                set = set.with(Op::ALL[i]);
            }
            i += 1;
        }
        set
    }

    /// The operations of the same side that come before `op`.
    const fn earlier(op: Op) -> Self {
        Self(Self::of(op.kind()).0 & (Self::bit(op) - 1))
    }

    /// This set and `op`.
    #[must_use]
    pub const fn with(self, op: Op) -> Self {
        Self(self.0 | Self::bit(op))
    }

    /// The operations in either set.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `op` is in it.
    #[must_use]
    pub const fn has(self, op: Op) -> bool {
        self.0 & Self::bit(op) != 0
    }

    /// Whether it has no operation.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The operations in both sets.
    #[must_use]
    pub const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The operation that runs first.
    #[must_use]
    pub fn first(self) -> Option<Op> {
        Op::ALL.get(self.0.trailing_zeros() as usize / 2).copied()
    }

    /// The operations in run order.
    pub fn iter(self) -> impl Iterator<Item = Op> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let op = rest.first()?;
            rest.0 &= !Self::bit(op);
            Some(op)
        })
    }
}

impl fmt::Debug for OpSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// One of the two directions of a connection, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the peer to us.
    Read,
    /// From us to the peer.
    Write,
}
