//! The control layer: the socket under a connection, TCP or unix. It moves bytes as they are on the
//! wire, remembers what is ready, and ends each direction.

mod fd;

use std::io::IoSlice;

pub(crate) use fd::FdEntry;
pub use fd::{FdState, Io};

use crate::buffer::Buffer;
use crate::cx::{Cx, Trigger};
use crate::pipes::PipeId;
use crate::sys::{Addr, Errno, Fd, Net, Pipe};

/// What reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// So many bytes, at least one.
    Bytes(usize),
    /// None now: readiness will be told.
    Wait,
    /// The end.
    End,
}

/// What writing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// So many bytes are taken, possibly none of an empty offer.
    Bytes(usize),
    /// None can be taken now: readiness will be told.
    Wait,
}

/// The socket of a connection and the bytes that wait to leave through it.
#[derive(Debug)]
pub(crate) struct Ctrl {
    /// The descriptor.
    pub(crate) fd: FdEntry,
    /// Bytes of the wire that the kernel has not taken yet: a PROXY header, TLS records.
    pub(crate) out: Option<Buffer>,
    /// Bytes read from the wire.
    pub(crate) bytes_in: u64,
    /// Bytes the kernel took for the wire.
    pub(crate) bytes_out: u64,
}

impl Ctrl {
    /// A control layer over `fd`.
    pub(crate) const fn new(fd: FdEntry) -> Self {
        Self { fd, out: None, bytes_in: 0, bytes_out: 0 }
    }

    /// How many bytes of the wire wait to leave.
    pub(crate) fn unsent(&self) -> usize {
        self.out.as_ref().map_or(0, Buffer::len)
    }

    /// Whether some do.
    pub(crate) fn has_unsent(&self) -> bool {
        self.unsent() > 0
    }

    /// The queue of bytes that wait to leave.
    pub(crate) fn out<'a, N>(&'a mut self, cx: &mut Cx<'_, N>) -> &'a mut Buffer {
        self.out.get_or_insert_with(|| cx.pool.take())
    }

    /// Reads into `space`, which is not empty.
    pub(crate) fn recv<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        space: &mut [u8],
    ) -> Result<Input, Errno> {
        debug_assert!(!space.is_empty(), "an empty read looks like the end of input");
        let fd = match self.to_read() {
            Ok(fd) => fd,
            Err(input) => return Ok(input),
        };
        let read = cx.net.recv(fd, space);
        cx.traffic.received += *read.as_ref().unwrap_or(&0) as u64;
        // Where a read fills its space there is likely more.
        self.took_in(read, |n| n == space.len())
    }

    /// The descriptor, if reading it is worth a call; else what is to be said without one.
    fn to_read(&self) -> Result<Fd, Input> {
        match self.fd.get() {
            Some(_) if self.fd.eof => Err(Input::End),
            Some(fd) if self.fd.ready.contains(Io::IN) => Ok(fd),
            Some(_) => Err(Input::Wait),
            None => Err(Input::End),
        }
    }

    /// Remembers what a read came to; `more` says whether so many bytes promise further ones.
    fn took_in(
        &mut self,
        read: Result<usize, Errno>,
        more: impl Fn(usize) -> bool,
    ) -> Result<Input, Errno> {
        match read {
            Ok(0) => {
                self.fd.eof = true;
                Ok(Input::End)
            }
            Ok(n) => {
                self.bytes_in += n as u64;
                // Behind a hang-up the end is already there, and no further event tells of it.
                if !more(n) && !self.fd.hangup() {
                    self.fd.ready.remove(Io::IN);
                }
                Ok(Input::Bytes(n))
            }
            Err(errno) if errno.is_again() => {
                self.fd.ready.remove(Io::IN);
                Ok(Input::Wait)
            }
            Err(errno) => {
                self.fd.broken = true;
                Err(errno)
            }
        }
    }

    /// Writes what waits to leave and then `payload`, in one call, and tells how much of `payload`
    /// the kernel took.
    pub(crate) fn send<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        payload: &[u8],
    ) -> Result<Output, Errno> {
        let unsent = self.out.as_ref().map_or(&[][..], Buffer::bytes);
        if unsent.is_empty() && payload.is_empty() {
            cx.pool.give_empty(&mut self.out);
            return Ok(Output::Bytes(0));
        }
        let Some(fd) = self.fd.get() else { return Err(Errno(libc::EPIPE)) };
        if !self.fd.ready.contains(Io::OUT) {
            return Ok(Output::Wait);
        }
        let bufs = [IoSlice::new(unsent), IoSlice::new(payload)];
        let bufs = match (unsent.is_empty(), payload.is_empty()) {
            (true, _) => &bufs[1..],
            (_, true) => &bufs[..1],
            _ => &bufs[..],
        };
        match cx.net.send(fd, bufs, false) {
            Ok(n) => {
                self.bytes_out += n as u64;
                cx.traffic.sent += n as u64;
                let before = unsent.len().min(n);
                if let Some(out) = &mut self.out {
                    out.consume(before);
                }
                cx.pool.give_empty(&mut self.out);
                let taken = n - before;
                if taken == 0 && (!payload.is_empty() || self.has_unsent()) {
                    return Ok(Output::Wait);
                }
                Ok(Output::Bytes(taken))
            }
            Err(errno) if errno.is_again() => {
                self.fd.ready.remove(Io::OUT);
                Ok(Output::Wait)
            }
            Err(errno) => {
                self.fd.broken = true;
                // What waits will never leave, and nobody is to try again.
                self.give_back(cx);
                Err(errno)
            }
        }
    }

    /// Writes what waits to leave, and tells whether all of it has left.
    pub(crate) fn flush<N: Net>(&mut self, cx: &mut Cx<'_, N>) -> Result<bool, Errno> {
        loop {
            let before = self.bytes_out;
            self.send(cx, &[])?;
            if !self.has_unsent() {
                return Ok(true);
            }
            if self.bytes_out == before {
                return Ok(false);
            }
        }
    }

    /// Looks after an error that the host told of while nobody reads, and so nobody would find it.
    pub(crate) fn check<N: Net>(&mut self, cx: &mut Cx<'_, N>) -> Result<(), Errno> {
        let Some(fd) = self.fd.get() else { return Ok(()) };
        if !self.fd.told.contains(Io::ERROR) || self.fd.broken {
            return Ok(());
        }
        // The end of both sides is told in the same way, and is no error.
        self.fd.told = Io::HANGUP;
        match cx.net.take_error(fd) {
            Ok(None) => Ok(()),
            Ok(Some(errno)) | Err(errno) => {
                self.fd.broken = true;
                self.give_back(cx);
                Err(errno)
            }
        }
    }

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
            self.fd.broken = false;
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
        let Some(fd) = self.fd.get() else { return Err(Errno(libc::EPIPE)) };
        if !self.fd.ready.contains(Io::OUT) {
            return Ok(Output::Wait);
        }
        match cx.pipes.drain(cx.net, pipe, fd, held) {
            Ok(n) => {
                self.bytes_out += n as u64;
                cx.traffic.sent += n as u64;
                Ok(Output::Bytes(n))
            }
            Err(errno) if errno.is_again() => {
                self.fd.ready.remove(Io::OUT);
                Ok(Output::Wait)
            }
            Err(errno) => {
                self.fd.broken = true;
                Err(errno)
            }
        }
    }

    /// Ends the outgoing direction on the wire. A peer that is gone already is no failure.
    pub(crate) fn shut_write<N: Net>(&mut self, cx: &mut Cx<'_, N>) {
        if let Some(fd) = self.fd.get()
            && !self.fd.broken
        {
            // ENOTCONN: a reset came first, and reading or closing will tell.
            let _ = cx.net.shutdown_write(fd);
        }
    }

    /// Reads what the peer still sends and throws it away.
    pub(crate) fn discard<N: Net>(&mut self, cx: &mut Cx<'_, N>) -> Result<Input, Errno> {
        let scratch = std::mem::take(&mut cx.scratch);
        let result = self.recv(cx, scratch);
        cx.scratch = scratch;
        result
    }

    /// How many of the bytes written have not been taken: by the kernel, and as far as it can tell by
    /// the peer's. Of a unix socket it tells memory instead, which is no such number.
    pub(crate) fn untaken<N: Net>(&self, net: &mut N, peer: &Addr) -> u64 {
        let kernels = match (self.fd.get(), peer) {
            (Some(fd), Addr::Ip(_)) => net.unsent(fd).unwrap_or(0),
            _ => 0,
        };
        (self.unsent() + kernels) as u64
    }

    /// Gives every buffer back.
    pub(crate) fn give_back<N>(&mut self, cx: &mut Cx<'_, N>) {
        if let Some(out) = self.out.take() {
            cx.pool.give(out);
        }
    }
}

/// Whether an error says that splicing is not to be had here, and nothing of the socket: a filter of
/// system calls, or a kind of socket that does not splice.
pub(crate) const fn is_of_splice(errno: Errno) -> bool {
    matches!(errno.0, libc::EINVAL | libc::ENOSYS | libc::EPERM)
}
