//! What needs a real descriptor. Without one it does nothing, or reports that.

use super::transport::Transport;
use super::{Ctrl, Io};
use crate::cx::Descriptors;
use crate::sys::{Addr, Credentials, Fd, Net, SockOpt, TcpInfo};

/// How a descriptor is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// Normally: the system sends what is still to be sent.
    Close,
    /// With a reset, unless the connection has failed already.
    Reset,
    /// Without sending the peer anything.
    Vanish,
}

impl Ctrl {
    /// The descriptor, where there is a real one.
    pub(crate) const fn descriptor(&self) -> Option<Fd> {
        self.transport.fd()
    }

    /// Whether the system can be asked what the peer's system has not acknowledged: that of TCP.
    pub(crate) const fn counts_acknowledged(&self, peer: &Addr) -> bool {
        matches!((self.descriptor(), peer), (Some(_), Addr::Ip(_)))
    }

    /// How many of the written bytes are not taken yet: by what is below and, for TCP, by the peer's
    /// kernel. The kernel's count of a unix socket is memory, not bytes, so it is left out.
    pub(crate) fn untaken<N: Net>(&self, net: &mut N, peer: &Addr) -> u64 {
        let kernels = match (self.descriptor(), peer) {
            (Some(fd), Addr::Ip(_)) => net.unsent(fd).unwrap_or(0),
            _ => 0,
        };
        (self.unsent() + kernels) as u64
    }

    /// Our end of the socket; `None` also where the system does not know it any more.
    pub(crate) fn local<N: Net>(&self, net: &mut N) -> Option<Addr> {
        match &self.transport {
            Transport::Closed => None,
            Transport::Socket(fd) | Transport::Passed(fd) => net.local(*fd).ok(),
            Transport::Fed(fed) => fed.local().cloned(),
        }
    }

    /// What the system measures of it; `None` where it is no TCP.
    pub(crate) fn tcp_info<N: Net>(&self, net: &mut N) -> Option<TcpInfo> {
        match &self.transport {
            Transport::Socket(fd) | Transport::Passed(fd) => net.tcp_info(*fd),
            Transport::Closed | Transport::Fed(_) => None,
        }
    }

    /// The user and the group of the process at the other end, where they are known.
    pub(crate) fn peer_credentials<N: Net>(&self, net: &mut N) -> Option<Credentials> {
        match &self.transport {
            Transport::Closed => None,
            Transport::Socket(fd) | Transport::Passed(fd) => net.peer_credentials(*fd).ok(),
            Transport::Fed(fed) => fed.peer_credentials(),
        }
    }

    /// Sets an option of the socket. If the system does not allow it, or there is no real descriptor,
    /// nothing changes.
    pub(crate) fn set<N: Net>(&self, net: &mut N, option: SockOpt) {
        if let Some(fd) = self.descriptor() {
            let _ = net.set(fd, option);
        }
    }

    /// Has what is below released before it is closed. Returns whether that is to be waited for.
    pub(crate) fn begin_release(&mut self, how: Release) -> bool {
        match &mut self.transport {
            Transport::Closed => false,
            Transport::Socket(_) | Transport::Passed(_) => self.watch.is_known(),
            // A connection whose bytes the host moves cannot vanish, so a reset is its most abrupt end.
            Transport::Fed(fed) => fed.close(how != Release::Close),
        }
    }

    /// Closes the descriptor, which the host's poller does not watch any more.
    pub(crate) fn release<N: Net>(
        &mut self,
        net: &mut N,
        descriptors: &mut Descriptors,
        how: Release,
    ) {
        self.watch.want(Io::empty());
        if let Transport::Fed(fed) = &mut self.transport {
            return fed.forget();
        }
        self.ready = Io::empty();
        let broken = self.is_broken();
        let Some(fd) = self.transport.take_fd() else { return };
        match how {
            Release::Vanish => net.vanish(fd),
            Release::Reset if !broken => net.reset(fd),
            Release::Close | Release::Reset => net.close(fd),
        }
        descriptors.gave();
    }

    /// Hands the descriptor over to the caller.
    pub(crate) fn take_over(&mut self) -> Option<Fd> {
        self.watch.want(Io::empty());
        self.ready = Io::empty();
        self.transport.take_fd()
    }
}
