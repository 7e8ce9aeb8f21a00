//! Bytes that go from one socket into another through a pipe, without a copy of ours.

use super::{Ctrl, Input, Io, Output};
use crate::cx::{Cx, Trigger};
use crate::pipes::PipeId;
use crate::sys::{Errno, Net, Pipe};

impl Ctrl {
    /// Moves what is there to read into an empty pipe.
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
        // The pipe is empty, so EAGAIN is the socket's. It may be full with few bytes, so a short
        // splice tells an edge-triggered engine nothing.
        let edge = cx.trigger == Trigger::Edge;
        let input = self.took_in(read, |n| edge || n >= Pipe::FULL_CAPACITY);
        if input.is_err_and(is_of_splice) {
            self.socket.broken = false;
        }
        input
    }

    /// Moves what a pipe holds out, as far as there is room.
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

/// Whether an error says that splicing is not to be had here, and nothing of the socket: a filter of
/// system calls, or a kind of socket that does not splice.
pub(crate) const fn is_of_splice(errno: Errno) -> bool {
    matches!(errno.0, libc::EINVAL | libc::ENOSYS | libc::EPERM)
}
