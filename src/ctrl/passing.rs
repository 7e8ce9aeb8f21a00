//! Descriptors that travel beside the bytes of a unix socket.

use super::{Ctrl, CtrlFlags, Input, Output};
use crate::cx::Cx;
use crate::sys::{Errno, Fd, Net, Passed};

impl Ctrl {
    /// [`Self::recv`], which also takes the descriptor that came with the bytes. The caller owns it. It is
    /// not counted yet: whoever keeps it does that.
    pub(crate) fn recv_passed<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        space: &mut [u8],
    ) -> Result<(Input, Passed), Errno> {
        self.recv_by(cx, space, N::recv_passed)
    }

    /// Sends `bytes`, which is not empty, and the descriptor `passed` with the first of them. If it does
    /// not have to wait, all bytes are taken: those that the kernel had no room for wait to be sent. The
    /// caller keeps `passed` and closes it.
    ///
    /// What waits to be sent already goes first, and while any of it is left this has to wait too: the
    /// queue holds bytes alone.
    ///
    /// # Errors
    /// EOPNOTSUPP where there is no socket or it is none of unix. It and others that are about `passed`
    /// leave the connection as it is, and nothing of `bytes` is sent.
    pub(crate) fn send_passing<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        bytes: &[u8],
        passed: Fd,
    ) -> Result<Output, Errno> {
        debug_assert!(!bytes.is_empty(), "a descriptor goes with a byte");
        if self.descriptor().is_none() {
            return Err(Errno(libc::EOPNOTSUPP));
        }
        if !self.flush(cx)? {
            return Ok(Output::Wait);
        }
        let sent = self.send_by(cx, bytes, |net, fd, _| net.send_passing(fd, bytes, passed));
        if sent.is_err_and(is_of_passing) {
            self.flags.remove(CtrlFlags::BROKEN);
        }
        let Output::Bytes(n) = sent? else { return Ok(Output::Wait) };
        let rest = &bytes[n..];
        if !rest.is_empty() {
            self.out_for(cx, rest.len()).extend(rest);
        }
        Ok(Output::Bytes(bytes.len()))
    }
}

/// Whether an error concerns the descriptor that was to be passed and not the socket: it is not open, is
/// of a kind that cannot be passed, too many are on their way, or a policy of the system forbids it.
const fn is_of_passing(errno: Errno) -> bool {
    matches!(
        errno.0,
        libc::EBADF
            | libc::EINVAL
            | libc::EOPNOTSUPP
            | libc::ETOOMANYREFS
            | libc::EPERM
            | libc::EACCES
    )
}
