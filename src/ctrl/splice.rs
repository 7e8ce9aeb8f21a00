//! Splicing: bytes go from one socket into another through a pipe, without being copied to user space.

use super::{Ctrl, Input, Io, Output};
use crate::cx::{Cx, Trigger};
use crate::pipes::PipeId;
use crate::sys::{Errno, Net, Pipe};

impl Ctrl {
    /// Moves bytes from the socket into an empty pipe.
    pub(crate) fn fill<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        pipe: PipeId,
    ) -> Result<Input, Errno> {
        let fd = match self.to_read() {
            Ok(fd) => fd,
            Err(input) => return Ok(input),
        };
        let read = cx.pipes.fill(cx.net, pipe, fd);
        cx.traffic.received += *read.as_ref().unwrap_or(&0) as u64;
        // The pipe is empty, so EAGAIN is the socket's. A pipe may be full with few bytes, so a short
        // splice does not show that an edge-triggered socket is empty.
        let edge = cx.trigger == Trigger::Edge;
        let input = self.took_in(read, |n| edge || n >= Pipe::FULL_CAPACITY);
        if input.is_err_and(is_of_splice) {
            self.socket.broken = false;
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
        let Some(fd) = self.socket.to_write()? else { return Ok(Output::Wait) };
        match cx.pipes.drain(cx.net, pipe, fd, held) {
            Ok(n) => {
                self.bytes_out += n as u64;
                cx.traffic.sent += n as u64;
                Ok(Output::Bytes(n))
            }
            Err(errno) => self.socket.failed(errno, Io::OUT).map(|()| Output::Wait),
        }
    }
}

/// Whether an error concerns splicing and not the socket: a system call filter, or a kind of socket
/// that does not support it.
pub(crate) const fn is_of_splice(errno: Errno) -> bool {
    matches!(errno.0, libc::EINVAL | libc::ENOSYS | libc::EPERM)
}
