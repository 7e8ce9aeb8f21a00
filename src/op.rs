//! The operations of a connection and the word that holds the state of all of them.
//!
//! An operation takes several steps, so it has four states in two bits: `00` not wanted, `10` wanted
//! and not started, `11` started and not complete, `01` complete. All operations of a connection
//! sit in one `u64` in the order they run.

use std::fmt;

/// Which part of a connection's life an operation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Opens a connection that came in.
    Incoming,
    /// Opens a connection that goes out.
    Outgoing,
    /// Closes either.
    Closing,
}

/// Which of the configured spans bounds an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// None: the operation ends with those before it.
    Unbounded,
    /// The wait for the first bytes: a PROXY header, a NetScaler's, a monitor's request.
    Proxy,
    /// The wait for a connection to a server: from CTRL_CONNECT on one span for all of it.
    Connect,
    /// A TLS handshake.
    Tls,
    /// One handler of the host's own; each brings its span.
    Custom,
    /// The last bytes leaving; while closing, every byte the kernel takes restarts it.
    Linger,
    /// The peer's last bytes arriving after ours have left.
    Drain,
}

macro_rules! ops {
    ($($(#[doc = $doc:literal])+ $op:ident = $number:literal, $name:literal, $side:ident, $clock:ident, after $after:tt;)+) => {
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
            pub const fn side(self) -> Side {
                match self { $(Self::$op => Side::$side),+ }
            }

            /// The span that bounds it.
            #[must_use]
            pub const fn clock(self) -> Clock {
                match self { $(Self::$op => Clock::$clock),+ }
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

ops! {
    /// A monitor is known by its source, before anything it sends: it is answered and let go.
    MonitorIn = 1, "MONITOR_IN", Incoming, Proxy, after earlier;
    /// Rules that need the socket's addresses alone, before anything is read.
    AcceptRules = 2, "ACCEPT_RULES", Incoming, Unbounded, after earlier;
    /// The PROXY header comes first: no byte is read for anyone else until it is done.
    AcceptProxy = 3, "ACCEPT_PROXY", Incoming, Proxy, after earlier;
    /// The NetScaler's header comes next, where one stands between the clients and whoever relays them.
    AcceptCip = 4, "ACCEPT_CIP", Incoming, Proxy, after earlier;
    /// Rules on the addresses that were announced.
    TcpRules = 5, "TCP_RULES", Incoming, Unbounded, after earlier;
    /// Handlers of the host's own, ahead of TLS.
    CustomRaw = 6, "CUSTOM_RAW", Incoming, Custom, after earlier;
    /// Rules on the first bytes, which stay where they are.
    Inspect = 7, "INSPECT", Incoming, Unbounded, after earlier;
    /// The handshake with a client.
    TlsAccept = 8, "TLS_ACCEPT", Incoming, Tls, after earlier;
    /// Rules on what the handshake agreed on.
    SessionRules = 9, "SESSION_RULES", Incoming, Unbounded, after earlier;
    /// Handlers of the host's own, behind TLS.
    CustomClear = 10, "CUSTOM_CLEAR", Incoming, Custom, after earlier;
    /// The last bytes leave, instead of a session.
    SendLastChunk = 11, "SEND_LAST_CHUNK", Incoming, Linger, after earlier;
    /// The host is given the session.
    AcceptSession = 12, "ACCEPT_SESSION", Incoming, Unbounded, after earlier;
    /// The socket reaches the server.
    CtrlConnect = 13, "CTRL_CONNECT", Outgoing, Connect, after earlier;
    /// A PROXY header goes ahead of any other byte.
    SendProxy = 14, "SEND_PROXY", Outgoing, Connect, after earlier;
    /// A SOCKS server is told what is wanted of it.
    SocksSend = 15, "SOCKS_SEND", Outgoing, Connect, after earlier;
    /// The SOCKS server connects: what follows its answer is the destination's.
    SocksRecv = 16, "SOCKS_RECV", Outgoing, Connect, after earlier;
    /// Handlers of the host's own towards a server, ahead of TLS.
    CustomRawOut = 17, "CUSTOM_RAW_OUT", Outgoing, Custom, after earlier;
    /// The handshake with a server.
    TlsConnect = 18, "TLS_CONNECT", Outgoing, Tls, after earlier;
    /// Handlers of the host's own towards a server, behind TLS.
    CustomClearOut = 19, "CUSTOM_CLEAR_OUT", Outgoing, Custom, after earlier;
    /// The data layer ends its outgoing side: unsent bytes, then close_notify.
    Dshw = 20, "DSHW", Closing, Linger, after [];
    /// The data layer delivers no byte any more.
    Dshr = 21, "DSHR", Closing, Unbounded, after [];
    /// The data layer is torn down.
    Dclose = 22, "DCLOSE", Closing, Unbounded, after [Dshw Dshr];
    /// The control layer ends its outgoing side: the FIN.
    Cshw = 23, "CSHW", Closing, Unbounded, after [Dshw];
    /// The control layer delivers no byte any more.
    Cshr = 24, "CSHR", Closing, Unbounded, after [Dshr];
    /// The control layer waits for the peer's end, so that no reset destroys what was sent.
    Cclose = 25, "CCLOSE", Closing, Drain, after [Cshw Cshr Dclose];
    /// The descriptor goes back: first to the host's poller, then to the system.
    Fclose = 26, "FCLOSE", Closing, Unbounded, after [Cclose];
}

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
    pub const OPENING: Self = Self::of(Side::Incoming).and(Self::of(Side::Outgoing));
    /// The operations that close a connection.
    pub const CLOSING: Self = Self::of(Side::Closing);

    const fn bit(op: Op) -> u64 {
        1 << (2 * op.position())
    }

    const fn of(side: Side) -> Self {
        let mut set = Self::EMPTY;
        let mut i = 0;
        while i < Op::ALL.len() {
            if Op::ALL[i].side() as u8 == side as u8 {
                set = set.with(Op::ALL[i]);
            }
            i += 1;
        }
        set
    }

    /// The operations of the same side that come before `op`.
    const fn earlier(op: Op) -> Self {
        Self(Self::of(op.side()).0 & (Self::bit(op) - 1))
    }

    /// This set and `op`.
    #[must_use]
    pub const fn with(self, op: Op) -> Self {
        Self(self.0 | Self::bit(op))
    }

    /// What is in either.
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

    /// What is in both.
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

/// The state of every operation of one connection.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct OpWord(u64);

impl OpWord {
    const LOW_BITS: u64 = 0x5555_5555_5555_5555;

    /// The state of `op`.
    #[must_use]
    pub const fn code(self, op: Op) -> Code {
        match (self.0 >> (2 * op.position())) & 0b11 {
            0b00 => Code::Unwanted,
            0b10 => Code::Wanted,
            0b11 => Code::Started,
            _ => Code::Complete,
        }
    }

    /// The operations that are wanted and not complete.
    #[must_use]
    pub const fn incomplete(self) -> OpSet {
        OpSet((self.0 >> 1) & Self::LOW_BITS)
    }

    /// The operations that are at least started: what they made must be freed.
    #[must_use]
    pub const fn started(self) -> OpSet {
        OpSet(self.0 & Self::LOW_BITS)
    }

    /// The operations that are not `00`.
    #[must_use]
    pub const fn wanted(self) -> OpSet {
        OpSet((self.0 | (self.0 >> 1)) & Self::LOW_BITS)
    }

    /// Whether `op` is `01`.
    #[must_use]
    pub const fn is_complete(self, op: Op) -> bool {
        matches!(self.code(op), Code::Complete)
    }

    /// Whether `op` is not `00`.
    #[must_use]
    pub const fn is_wanted(self, op: Op) -> bool {
        self.wanted().has(op)
    }

    /// Whether the whole connection is on its way out.
    #[must_use]
    pub const fn is_closing(self) -> bool {
        self.is_wanted(Op::Fclose)
    }

    /// Whether an opening operation is still to be completed.
    #[must_use]
    pub const fn is_opening(self) -> bool {
        !self.is_closing() && !self.incomplete().both(OpSet::OPENING).is_empty()
    }

    /// The operations that may run: incomplete, and none of those they come after is. Once the
    /// connection is closing no opening operation runs, also one whose remains wait for DCLOSE.
    #[must_use]
    pub fn runnable(self) -> OpSet {
        let incomplete = self.incomplete();
        let candidates =
            if self.is_closing() { incomplete.both(OpSet::CLOSING) } else { incomplete };
        candidates
            .iter()
            .filter(|op| incomplete.both(op.after()).is_empty())
            .fold(OpSet::EMPTY, OpSet::with)
    }

    /// Whether `op` may run.
    #[must_use]
    pub fn may_run(self, op: Op) -> bool {
        self.runnable().has(op)
    }

    /// `00 → 10`. An operation that is wanted already stays as it is.
    pub const fn want(&mut self, op: Op) {
        if matches!(self.code(op), Code::Unwanted) {
            self.set(op, 0b10);
        }
    }

    /// `10 → 11`. An operation that is started already stays as it is.
    pub const fn start(&mut self, op: Op) {
        if matches!(self.code(op), Code::Wanted) {
            self.set(op, 0b11);
        }
    }

    /// `10 | 11 → 01`.
    pub const fn finish(&mut self, op: Op) {
        if matches!(self.code(op), Code::Wanted | Code::Started) {
            self.set(op, 0b01);
        }
    }

    /// `11 | 01 → 00`, once what the operation made is freed.
    pub const fn undo(&mut self, op: Op) {
        if matches!(self.code(op), Code::Started | Code::Complete) {
            self.set(op, 0b00);
        }
    }

    /// `10 → 00`: what was never started needs no undoing.
    pub const fn skip(&mut self, op: Op) {
        if matches!(self.code(op), Code::Wanted) {
            self.set(op, 0b00);
        }
    }

    /// `from` goes on at `to`: what is between them is skipped, and `to` wanted.
    pub fn leap(&mut self, from: Op, to: Op) {
        for op in OpSet::earlier(to).iter().filter(|op| *op > from) {
            self.skip(op);
        }
        self.want(to);
    }

    /// Wants the end of one direction, and of the whole connection when it is the second.
    pub fn shut(&mut self, direction: Direction) {
        let (data, ctrl, other) = match direction {
            Direction::Read => (Op::Dshr, Op::Cshr, Op::Dshw),
            Direction::Write => (Op::Dshw, Op::Cshw, Op::Dshr),
        };
        self.want(data);
        self.want(ctrl);
        if self.is_wanted(other) {
            self.want(Op::Dclose);
            self.want(Op::Cclose);
            self.want(Op::Fclose);
        }
    }

    const fn set(&mut self, op: Op, code: u64) {
        let shift = 2 * op.position();
        self.0 = (self.0 & !(0b11 << shift)) | (code << shift);
    }
}

impl fmt::Display for OpWord {
    /// Every operation that is not `00`, as `NAME=code`, in run order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, op) in self.wanted().iter().enumerate() {
            let code = (self.0 >> (2 * op.position())) & 0b11;
            write!(f, "{}{}={code:02b}", if i == 0 { "" } else { " " }, op.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for OpWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
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
