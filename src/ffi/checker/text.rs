//! How what is seen is written in the sentences.

use std::fmt;

use crate::ctrl::Io;
use crate::time::{MILLISECOND, SECOND};

/// A span of time in seconds, with one decimal.
pub(super) struct Span(pub(super) u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const TENTH: u64 = 100 * MILLISECOND;
        write!(f, "{}.{} s", self.0 / SECOND, self.0 % SECOND / TENTH)
    }
}

/// A descriptor, by its number and its token.
#[derive(Clone, Copy)]
pub(super) struct DescriptorName {
    pub(super) fd: i32,
    pub(super) token: u64,
}

impl fmt::Display for DescriptorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "descriptor {} (token {:#x})", self.fd, self.token)
    }
}

/// What readiness was handed in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ffi) enum Handle {
    Token(u64),
    Number(i32),
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(token) => write!(f, "the token {token:#x}"),
            Self::Number(fd) => write!(f, "the number {fd}"),
        }
    }
}

/// A connection, by its id.
pub(super) struct ConnectionName(pub(super) u64);

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {:#x}", self.0)
    }
}

/// A mask of ours, by the names of its bits.
pub(super) struct Mask(pub(super) Io);

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("0");
        }
        for (index, (name, _)) in self.0.iter_names().enumerate() {
            let between = if index == 0 { "" } else { "|" };
            write!(f, "{between}VST_IO_{name}")?;
        }
        Ok(())
    }
}

/// The bits of pollers that are none of ours, by the numbers that they have in epoll, and most of them in
/// poll.
const POLLER_BITS: &[(u32, &str)] = &[
    (1 << 4, "EPOLLHUP"),
    (1 << 5, "POLLNVAL"),
    (1 << 6, "EPOLLRDNORM"),
    (1 << 7, "EPOLLRDBAND"),
    (1 << 8, "EPOLLWRNORM"),
    (1 << 9, "EPOLLWRBAND"),
    (1 << 10, "EPOLLMSG"),
    (1 << 13, "EPOLLRDHUP"),
    (1 << 28, "EPOLLEXCLUSIVE"),
    (1 << 29, "EPOLLWAKEUP"),
    (1 << 30, "EPOLLONESHOT"),
    (1 << 31, "EPOLLET"),
];

/// The bits of a mask that may not be handed in, by the names that pollers have for them.
pub(super) struct PollerBits(pub(super) u32);

impl fmt::Display for PollerBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0 & !u32::from(Io::REPORTED.bits());
        let mut between = "";
        for (bit, name) in POLLER_BITS.iter().filter(|(bit, _)| self.0 & bit != 0) {
            write!(f, "{between}{name} ({bit:#x})")?;
            rest &= !bit;
            between = "|";
        }
        if rest != 0 {
            write!(f, "{between}{rest:#x}")?;
        }
        Ok(())
    }
}
