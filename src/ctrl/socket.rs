//! A socket, and what is known of it without a system call.

use super::Io;
use crate::sys::{Errno, Fd};

/// The state of a descriptor, computed from what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FdState {
    /// There is none.
    Closed,
    /// It accepts connections.
    Listen,
    /// It can move bytes.
    Ready,
    /// A system call failed in a way that ends its use.
    Error,
}

impl FdState {
    /// The name, as it is printed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Listen => "LISTEN",
            Self::Ready => "READY",
            Self::Error => "ERROR",
        }
    }
}

/// A socket.
///
/// `ready` is a memory, not a promise: set by the poller's events and by what is expected of a new
/// socket, cleared when a call has to wait. Only the call decides.
#[derive(Debug, Default)]
pub(super) struct Socket {
    fd: Option<Fd>,
    /// The directions in which a call is expected not to wait.
    pub(super) ready: Io,
    /// The flags that the host reported, [`Io::HANGUP`] and [`Io::ERROR`]: with either, no later event
    /// is needed to find the end.
    pub(super) reported: Io,
    /// Whether the end of input was read.
    pub(super) eof: bool,
    /// Whether a call failed in a way that ends its use.
    pub(super) broken: bool,
}

impl Socket {
    /// A socket of which writing is expected to work at once, and reading too when `read_at_once`.
    pub(super) fn new(fd: Fd, read_at_once: bool) -> Self {
        let ready = if read_at_once { Io::BOTH } else { Io::OUT };
        Self { fd: Some(fd), ready, ..Self::default() }
    }

    /// The descriptor.
    pub(super) const fn fd(&self) -> Option<Fd> {
        self.fd
    }

    /// Takes the descriptor out; the caller closes it or hands it over.
    pub(super) const fn take(&mut self) -> Option<Fd> {
        self.ready = Io::empty();
        self.fd.take()
    }

    /// Its state, as the control layer reports it.
    pub(super) const fn state(&self) -> FdState {
        match self.fd {
            None => FdState::Closed,
            Some(_) if self.broken => FdState::Error,
            Some(_) => FdState::Ready,
        }
    }

    /// Notes events that the host's poller reported.
    pub(super) fn report(&mut self, events: Io) {
        self.ready |= events.directions();
        self.reported |= events & (Io::HANGUP | Io::ERROR);
    }

    /// Whether an end or an error was reported.
    pub(super) const fn hung_up(&self) -> bool {
        !self.reported.is_empty()
    }

    /// The descriptor, if a write is worth a call.
    pub(super) fn to_write(&self) -> Result<Option<Fd>, Errno> {
        let fd = self.fd.ok_or(Errno(libc::EPIPE))?;
        Ok(self.ready.contains(Io::OUT).then_some(fd))
    }

    /// Handles the error of a call: `Ok` if it only means to wait for `direction`.
    pub(super) fn failed(&mut self, errno: Errno, direction: Io) -> Result<(), Errno> {
        if errno.is_again() {
            self.ready.remove(direction);
            return Ok(());
        }
        self.broken = true;
        Err(errno)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_in_one_of_three_states() {
        let mut socket = Socket::default();
        assert_eq!(socket.state(), FdState::Closed);
        socket = Socket::new(Fd(7), false);
        assert_eq!((socket.state(), socket.state().name()), (FdState::Ready, "READY"));
        socket.broken = true;
        assert_eq!((socket.state(), socket.state().name()), (FdState::Error, "ERROR"));
        socket.take();
        assert_eq!((socket.state(), socket.state().name()), (FdState::Closed, "CLOSED"));
    }
}
