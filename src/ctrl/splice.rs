//! Splicing: bytes go from one socket into another through a pipe, without being copied to user space.

use super::transport::Transport;
use super::{Ctrl, CtrlFlags, Input, Io, Output};
use crate::cx::{Cx, Trigger};
use crate::pipes::PipeId;
use crate::sys::{Errno, Net, Pipe};
use crate::trace::TraceKind;

impl Ctrl {
    /// Whether bytes can go from or to it through a pipe: it is a socket, and nobody else has it.
    pub(crate) const fn can_splice(&self) -> bool {
        matches!(self.transport, Transport::Socket(_))
    }

    /// Moves bytes from the socket into an empty pipe, at most `most`.
    pub(crate) fn fill<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        pipe: PipeId,
        most: usize,
    ) -> Result<Input, Errno> {
        if let Some(input) = self.without_call() {
            return Ok(input);
        }
        let Some(fd) = self.descriptor() else { return Ok(Input::End) };
        let read = cx.pipes.fill(cx.net, pipe, fd, most);
        cx.count_received(*read.as_ref().unwrap_or(&0), TraceKind::SplicedIn);
        // The pipe is empty, so EAGAIN is the socket's. A pipe may be full with few bytes, so a short
        // splice does not show that an edge-triggered socket is empty.
        let edge = cx.trigger == Trigger::Edge;
        let more = read.is_ok_and(|n| edge || n >= most.min(Pipe::FULL_CAPACITY));
        let input = self.took_in(cx, read, more);
        if input.is_err_and(is_of_splice) {
            self.flags.remove(CtrlFlags::BROKEN);
        }
        input
    }

    /// Moves bytes from a pipe into the socket, as far as there is room.
    pub(crate) fn pour<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        pipe: PipeId,
        held: usize,
    ) -> Result<Output, Errno> {
        let Some(fd) = self.writable_fd(cx.net)? else { return Ok(Output::Wait) };
        match cx.pipes.drain(cx.net, pipe, fd, held) {
            Ok(n) => {
                self.bytes_out += n as u64;
                cx.count_sent(n, TraceKind::SplicedOut);
                Ok(Output::Bytes(n))
            }
            Err(errno) => self.failed(errno, Io::OUT).map(|()| Output::Wait),
        }
    }
}

/// Whether an error concerns splicing and not the socket: a system call filter, or a kind of socket
/// that does not support it.
pub(crate) const fn is_of_splice(errno: Errno) -> bool {
    matches!(errno.0, libc::EINVAL | libc::ENOSYS | libc::EPERM)
}
