//! A socket of our own towards somebody: made, bound, connected.
//!
//! A connection is there when a call says so: the first send that goes through, or `connect` repeated.
//! `SO_ERROR` is 0 while a connection is still on its way, so it proves nothing.

use super::socket::Socket;
use super::{Ctrl, Io};
use crate::cx::Cx;
use crate::sys::{Addr, Errno, Family, Net, SockOpt};

/// What asking for a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connect {
    /// It is there.
    Done,
    /// It is on its way. Readiness to write says when asking again is worth a call.
    UnderWay,
    /// The server's queue is full, and no readiness will ever tell of room in it: a unix socket's.
    QueueFull,
}

impl Ctrl {
    /// Makes the socket of a connection to `peer`, gives it its options, and binds it to `source`. It
    /// is this layer's also when a later call fails.
    ///
    /// # Errors
    /// The first call that failed.
    pub(crate) fn open<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        peer: &Addr,
        source: Option<&Addr>,
    ) -> Result<(), Errno> {
        let family = peer.family();
        let fd = cx.net.socket(family).inspect_err(|errno| {
            if matches!(errno.0, libc::EMFILE | libc::ENFILE) {
                cx.descriptors.ran_out();
            }
        })?;
        cx.descriptors.took(cx.net, fd);
        self.socket = Socket::new(fd, false);
        if family != Family::Unix {
            cx.net.set(fd, SockOpt::NoDelay)?;
        }
        let Some(source) = source else { return Ok(()) };
        if family != Family::Unix {
            cx.net.set(fd, SockOpt::BindAddressNoPort)?;
        }
        cx.net.bind(fd, source)
    }

    /// Asks for the connection to `peer`, or after it.
    ///
    /// # Errors
    /// Why there will be none.
    pub(crate) fn connect<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        peer: &Addr,
    ) -> Result<Connect, Errno> {
        let fd = self.socket.fd().ok_or(Errno(libc::EBADF))?;
        match cx.net.connect(fd, peer) {
            Ok(()) => Ok(Connect::Done),
            Err(Errno(libc::EINPROGRESS | libc::EALREADY)) => Ok(Connect::UnderWay),
            Err(errno) if errno.is_again() && peer.family() == Family::Unix => {
                Ok(Connect::QueueFull)
            }
            Err(errno) => Err(errno),
        }
    }

    /// What was asked for last is waited for: readiness to write tells.
    pub(crate) fn wait_to_write(&mut self) {
        self.socket.ready.remove(Io::OUT);
    }
}
