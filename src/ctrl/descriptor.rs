//! What needs a real descriptor. Without one it does nothing, or reports that.

use super::{Ctrl, Io};
use crate::cx::Descriptors;
use crate::sys::{Addr, Fd, Net, SockOpt};

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
        self.socket.fd()
    }

    /// How many of the written bytes are not taken yet: by the kernel and, for TCP, by the peer's
    /// kernel. The kernel's count of a unix socket is memory, not bytes, so it is left out.
    pub(crate) fn untaken<N: Net>(&self, net: &mut N, peer: &Addr) -> u64 {
        let kernels = match (self.socket.fd(), peer) {
            (Some(fd), Addr::Ip(_)) => net.unsent(fd).unwrap_or(0),
            _ => 0,
        };
        (self.unsent() + kernels) as u64
    }

    /// Our end of the socket; `None` also where the system does not know it any more.
    pub(crate) fn local<N: Net>(&self, net: &mut N) -> Option<Addr> {
        net.local(self.descriptor()?).ok()
    }

    /// Sets an option of the socket. If the system does not allow it, or there is no real descriptor,
    /// nothing changes.
    pub(crate) fn set<N: Net>(&self, net: &mut N, option: SockOpt) {
        if let Some(fd) = self.descriptor() {
            let _ = net.set(fd, option);
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
        let broken = self.is_broken();
        let Some(fd) = self.socket.take() else { return };
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
        self.socket.take()
    }
}
