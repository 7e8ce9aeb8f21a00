//! The record of calls, and the plan of which are to fail.

use std::fmt;

use crate::sys::{Errno, Fd};
use crate::time::Time;

/// A method of [`Net`](crate::sys::Net).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum CallKind {
    Socket,
    Bind,
    Listen,
    Accept,
    Connect,
    Recv,
    Send,
    SendPassing,
    RecvPassed,
    ShutdownWrite,
    Close,
    Reset,
    Vanish,
    TakeError,
    Local,
    Peer,
    PeerCredentials,
    Nature,
    Set,
    Unlink,
    Unsent,
    Pipe,
    ClosePipe,
    SpliceIn,
    SpliceOut,
}

const KINDS: usize = CallKind::SpliceOut as usize + 1;

impl CallKind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Bind => "bind",
            Self::Listen => "listen",
            Self::Accept => "accept",
            Self::Connect => "connect",
            Self::Recv => "recv",
            Self::Send => "send",
            Self::SendPassing => "send passing",
            Self::RecvPassed => "recv passed",
            Self::ShutdownWrite => "shutdown",
            Self::Close => "close",
            Self::Reset => "reset",
            Self::Vanish => "vanish",
            Self::TakeError => "error",
            Self::Local => "local",
            Self::Peer => "peer",
            Self::PeerCredentials => "credentials",
            Self::Nature => "nature",
            Self::Set => "set",
            Self::Unlink => "unlink",
            Self::Unsent => "unsent",
            Self::Pipe => "pipe",
            Self::ClosePipe => "close pipe",
            Self::SpliceIn => "splice in",
            Self::SpliceOut => "splice out",
        }
    }
}

/// One call and its answer, without the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// When it was made.
    pub at: Time,
    /// Which it was.
    pub call: CallKind,
    /// The descriptor it was made on, if there is one: of a splice the socket.
    pub fd: Option<Fd>,
    /// A length, a descriptor number, or 0.
    pub answer: Result<usize, Errno>,
}

impl fmt::Display for CallRecord {
    /// `recv 5 17`, `socket - 5`, `connect 5 E115`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.call.name())?;
        match self.fd {
            Some(fd) => write!(f, " {}", fd.0)?,
            None => f.write_str(" -")?,
        }
        match self.answer {
            Ok(figure) => write!(f, " {figure}"),
            Err(errno) => write!(f, " E{}", errno.0),
        }
    }
}

#[derive(Debug)]
pub(super) struct InjectedFault {
    /// `None` counts calls of every kind.
    pub(super) call: Option<CallKind>,
    /// The first call is 1.
    pub(super) nth: u64,
    pub(super) errno: Errno,
    pub(super) ever_after: bool,
}

/// The counts, the faults planned and the trace.
#[derive(Debug, Default)]
pub(super) struct Journal {
    total: u64,
    by_kind: [u64; KINDS],
    /// Calls that succeeded.
    pub(super) succeeded: u64,
    pub(super) faults: Vec<InjectedFault>,
    pub(super) entries: Vec<CallRecord>,
}

impl Journal {
    /// Counts a call and returns the error planned for it.
    pub(super) fn begin(&mut self, call: CallKind) -> Option<Errno> {
        self.total += 1;
        self.by_kind[call as usize] += 1;
        let hit = |fault: &&InjectedFault| {
            let count = match fault.call {
                None => self.total,
                Some(kind) if kind == call => self.by_kind[call as usize],
                Some(_) => return false,
            };
            count == fault.nth || (fault.ever_after && count > fault.nth)
        };
        self.faults.iter().find(hit).map(|fault| fault.errno)
    }

    /// Writes down a call and its answer.
    pub(super) fn write(&mut self, entry: CallRecord) {
        self.succeeded += u64::from(entry.answer.is_ok());
        self.entries.push(entry);
    }

    pub(super) const fn total(&self) -> u64 {
        self.total
    }

    pub(super) const fn of(&self, call: CallKind) -> u64 {
        self.by_kind[call as usize]
    }
}
