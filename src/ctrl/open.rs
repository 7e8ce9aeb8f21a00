//! Opening a socket to a peer: it is made, bound, connected.
//!
//! A connection is established when a call shows it: the first send that succeeds, or a repeated
//! `connect`. `SO_ERROR` is 0 while a connection is still being established, so it proves nothing.

use super::transport::Transport;
use super::{Ctrl, CtrlFlags, Io};
use crate::config::SocketOptions;
use crate::cx::Cx;
use crate::sys::{Addr, Errno, Family, Net, SockOpt};

/// The result of `connect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connect {
    /// The connection is established.
    Done,
    /// It is being established. After readiness to write, another call is worth it.
    UnderWay,
    /// The backlog of a unix socket's listener is full, and no readiness event will report room in it.
    QueueFull,
}

impl Ctrl {
    /// Makes the socket of a connection to `peer`, sets its `options`, and binds it to `source`, with a
    /// port of `ports`. This layer owns the socket also when a later call fails. Where the host moves the
    /// bytes, it is asked to open the connection.
    ///
    /// # Errors
    /// The first call that failed.
    pub(crate) fn open<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        peer: &Addr,
        source: Option<&Addr>,
        ports: Option<(u16, u16)>,
        options: &SocketOptions,
    ) -> Result<(), Errno> {
        // An earlier attempt may have failed for want of a descriptor.
        (self.reported, self.flags) = (Io::empty(), CtrlFlags::empty());
        if let Transport::Fed(fed) = &mut self.transport {
            fed.open();
            self.ready = Io::empty();
            return Ok(());
        }
        let family = peer.family();
        let fd = cx.net.socket(family).inspect_err(|errno| {
            if matches!(errno.0, libc::EMFILE | libc::ENFILE) {
                cx.descriptors.ran_out();
            }
        })?;
        cx.descriptors.took(cx.net, fd);
        (self.transport, self.ready) = (Transport::Socket(fd), Io::OUT);
        self.flags.set(CtrlFlags::DELAYS, family != Family::Unix && !options.delays);
        options.apply(cx.net, fd, peer)?;
        if family != Family::Unix
            && let Some((first, last)) = ports
        {
            cx.net.set(fd, SockOpt::PortRange(first, last))?;
        }
        let Some(source) = source else { return Ok(()) };
        if family != Family::Unix {
            cx.net.set(fd, SockOpt::BindAddressNoPort)?;
        }
        cx.net.bind(fd, source)
    }

    /// Begins the connection to `peer`, or asks whether it is established.
    ///
    /// # Errors
    /// Why it cannot be established.
    pub(crate) fn connect<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        peer: &Addr,
    ) -> Result<Connect, Errno> {
        let fd = match &self.transport {
            Transport::Closed => return Err(Errno(libc::EBADF)),
            Transport::Socket(fd) => *fd,
            // Only connected sockets are stood on.
            Transport::Passed(_) => return Ok(Connect::Done),
            Transport::Fed(fed) => {
                let open = fed.is_open()?;
                return Ok(if open { Connect::Done } else { Connect::UnderWay });
            }
        };
        match cx.net.connect(fd, peer) {
            Ok(()) => Ok(Connect::Done),
            Err(Errno(libc::EINPROGRESS | libc::EALREADY)) => Ok(Connect::UnderWay),
            Err(errno) if errno.is_again() && peer.family() == Family::Unix => {
                Ok(Connect::QueueFull)
            }
            Err(errno) => Err(errno),
        }
    }

    /// Waits for readiness to write before the next call.
    pub(crate) fn wait_to_write(&mut self) {
        self.ready.remove(Io::OUT);
    }
}
