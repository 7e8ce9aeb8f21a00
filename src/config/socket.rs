//! Options of a connection's socket.

use crate::sys::{Addr, Errno, Fd, Net, SockOpt};
use crate::time::{MILLISECOND, SECOND};

/// Options of a connection's socket, for TCP alone. The default sets nothing but `TCP_NODELAY`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// After how long a silence the peer is probed, in nanoseconds; 0 probes no peer.
    pub keepalive: u64,
    /// How long sent bytes may be unacknowledged before the connection fails, in nanoseconds; 0 leaves it
    /// to the system.
    pub user_timeout: u64,
    /// The class of its packets (RFC 2474): 0 to 63.
    pub dscp: u8,
    /// Whether small writes are held back until those before are acknowledged (RFC 896).
    pub delays: bool,
}

impl SocketOptions {
    /// Sets them on a socket. `TCP_NODELAY` is set elsewhere: listeners hand it down, and outgoing
    /// connections get it when it makes a difference.
    ///
    /// # Errors
    /// The first call that failed.
    pub(crate) fn apply<N: Net>(&self, net: &mut N, fd: Fd, peer: &Addr) -> Result<(), Errno> {
        if !matches!(peer, Addr::Ip(_)) || *self == Self::default() {
            return Ok(());
        }
        if self.keepalive > 0 {
            net.set(fd, SockOpt::KeepAlive(in_units(self.keepalive, SECOND)))?;
        }
        if self.user_timeout > 0 {
            net.set(fd, SockOpt::UserTimeout(in_units(self.user_timeout, MILLISECOND)))?;
        }
        if self.dscp > 0 {
            // The two low bits are those of ECN (RFC 3168).
            net.set(fd, SockOpt::Tos(self.dscp << 2))?;
        }
        if self.delays {
            net.set(fd, SockOpt::Delay)?;
        }
        Ok(())
    }
}

/// A span in units of the system, rounded up.
fn in_units(nanoseconds: u64, unit: u64) -> u32 {
    u32::try_from(nanoseconds.div_ceil(unit)).unwrap_or(u32::MAX)
}
