//! The kernel's word for what went wrong.

use std::fmt;

/// An `errno` value, as the system call left it. Never 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

impl Errno {
    /// The call would block: readiness has to be awaited (EWOULDBLOCK is the same number on every
    /// system we serve).
    pub const AGAIN: Self = Self(libc::EAGAIN);

    /// Whether the call has to wait for readiness.
    #[must_use]
    pub const fn is_again(self) -> bool {
        self.0 == libc::EAGAIN
    }

    /// Whether the peer, or something on the way to it, tore the connection down.
    #[must_use]
    pub const fn is_reset(self) -> bool {
        matches!(self.0, libc::ECONNRESET | libc::EPIPE | libc::ECONNABORTED)
    }

    /// Whether this process or machine has run out of something: never the peer's fault.
    #[must_use]
    pub const fn is_local_limit(self) -> bool {
        matches!(
            self.0,
            libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::EADDRNOTAVAIL
        )
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // std's text comes from strerror_r and ends in " (os error N)".
        write!(f, "{}", std::io::Error::from_raw_os_error(self.0))
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({})", self.0)
    }
}
