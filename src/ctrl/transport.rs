//! What carries the bytes of a connection, and the state that is reported of it.

use super::fed::Fed;
use crate::sys::Fd;

/// The state of a descriptor, computed from what is known of it. What a fed connection stands on has
/// the state of a descriptor too.
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

/// What carries the bytes.
#[derive(Debug, Default)]
pub(super) enum Transport {
    /// Nothing: there is none yet, or no more.
    #[default]
    Closed,
    /// A socket: the kernel is asked.
    Socket(Fd),
    /// A socket that another process has passed, and may share: it can make the descriptor a blocking one at any
    /// time, and a splice has no flag that prevents it from waiting then.
    Passed(Fd),
    /// The host, which is asked to move them and reports what happened. Boxed, so that a socket pays no
    /// byte for it.
    Fed(Box<Fed>),
}

impl Transport {
    /// The descriptor of a socket.
    pub(super) const fn fd(&self) -> Option<Fd> {
        match self {
            Self::Socket(fd) | Self::Passed(fd) => Some(*fd),
            Self::Closed | Self::Fed(_) => None,
        }
    }

    /// Takes a socket's descriptor out; the caller closes it or hands it over.
    pub(super) fn take_fd(&mut self) -> Option<Fd> {
        let fd = self.fd()?;
        *self = Self::Closed;
        Some(fd)
    }

    /// Whether there is something that could move bytes.
    pub(super) const fn is_open(&self) -> bool {
        match self {
            Self::Closed => false,
            Self::Socket(_) | Self::Passed(_) => true,
            Self::Fed(fed) => fed.exists(),
        }
    }

    /// Its state, as the control layer reports it.
    pub(super) const fn state(&self, broken: bool) -> FdState {
        match self {
            _ if !self.is_open() => FdState::Closed,
            _ if broken => FdState::Error,
            _ => FdState::Ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_in_one_of_three_states() {
        let name = |socket: &Transport, broken| socket.state(broken).name();
        let mut socket = Transport::default();
        assert_eq!(name(&socket, false), "CLOSED");
        socket = Transport::Socket(Fd(7));
        assert_eq!((name(&socket, false), name(&socket, true)), ("READY", "ERROR"));
        socket.take_fd();
        assert_eq!((name(&socket, false), name(&socket, true)), ("CLOSED", "CLOSED"));
    }
}
