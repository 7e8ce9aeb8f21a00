//! What needs a real descriptor below. Where there is none it does nothing, or says so.

use super::{Ctrl, Io};
use crate::cx::Descriptors;
use crate::sys::{Addr, Fd, Net, SockOpt};

/// How a descriptor is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// The system says what is left to say.
    Close,
    /// With a reset, unless the connection is over already.
    Reset,
    /// Without a word to the peer.
    Vanish,
}

impl Ctrl {
    /// The descriptor below, where there is a real one.
    pub(crate) const fn descriptor(&self) -> Option<Fd> {
        self.socket.fd()
    }

    /// How many of the bytes written have not been taken: by the kernel, and as far as it can tell by
    /// the peer's. Of a unix socket it tells memory instead, which is no such number.
    pub(crate) fn untaken<N: Net>(&self, net: &mut N, peer: &Addr) -> u64 {
        let kernels = match (self.socket.fd(), peer) {
            (Some(fd), Addr::Ip(_)) => net.unsent(fd).unwrap_or(0),
            _ => 0,
        };
        (self.unsent() + kernels) as u64
    }

    /// Our end of the socket, as the system knows it; `None` also where it does not any more.
    pub(crate) fn local<N: Net>(&self, net: &mut N) -> Option<Addr> {
        net.local(self.descriptor()?).ok()
    }

    /// Turns an option of the socket on. Where the system does not allow it, or there is no real
    /// descriptor, everything stays as it was.
    pub(crate) fn set<N: Net>(&self, net: &mut N, option: SockOpt) {
        if let Some(fd) = self.descriptor() {
            let _ = net.set(fd, option);
        }
    }

    /// Gives the descriptor back to the system. The host's poller does not know it any more.
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

    /// Hands the descriptor on: it is whoever's has it now.
    pub(crate) fn take_over(&mut self) -> Option<Fd> {
        self.watch.want(Io::empty());
        self.socket.take()
    }
}
