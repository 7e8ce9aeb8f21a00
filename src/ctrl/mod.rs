//! The control layer: the socket under a connection, TCP or unix. It moves bytes as they are on the
//! wire, remembers what is ready, and ends each direction.
//!
//! `socket` is the descriptor and what is known of it without a call: readiness is set by the poller's
//! events and cleared by the call that would have to wait, so a wrong event costs one call. `open`
//! makes a socket and connects it. `watch` is the poller interest: the directions that the connection
//! can use (`wants`), the interest that follows from them (`target`), and the one last announced. `out`
//! holds bytes that wait to be sent: headers, TLS records.
//!
//! In the end `shut_write` sends the FIN, `discard` reads on, and `release` closes the descriptor, once
//! the poller has released it. All fields of `Ctrl` are private.

mod descriptor;
mod open;
mod socket;
mod splice;
mod watch;

use std::io::IoSlice;

pub(crate) use descriptor::Release;
pub(crate) use open::Connect;
pub use socket::FdState;
pub(crate) use splice::is_of_splice;
pub use watch::Io;
pub(crate) use watch::Watch;

use crate::buffer::Buffer;
use crate::cx::{Cx, Trigger};
use crate::sys::{Errno, Fd, Net};
use socket::Socket;

/// The result of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// So many bytes, at least one.
    Bytes(usize),
    /// None now: readiness will be reported.
    Wait,
    /// The peer has ended its side.
    End,
}

/// The result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// So many bytes are taken, possibly none of an empty offer.
    Bytes(usize),
    /// None can be taken now: readiness will be reported.
    Wait,
}

/// The socket of a connection and the bytes that wait to be sent through it.
#[derive(Debug, Default)]
pub(crate) struct Ctrl {
    socket: Socket,
    /// The interest of the host's poller in it.
    watch: Watch,
    /// Bytes that the kernel has not taken yet: a PROXY header, TLS records.
    out: Option<Buffer>,
    /// Bytes read from the wire.
    bytes_in: u64,
    /// Bytes that the kernel accepted for sending.
    bytes_out: u64,
}

impl Ctrl {
    /// A control layer over a connected socket. Writing is expected to work at once, and reading too
    /// when `read_at_once`.
    pub(crate) fn new(fd: Fd, read_at_once: bool) -> Self {
        Self { socket: Socket::new(fd, read_at_once), ..Self::default() }
    }

    /// Whether there is a socket.
    pub(crate) const fn is_open(&self) -> bool {
        self.socket.fd().is_some()
    }

    /// Whether the end of input was read.
    pub(crate) const fn at_eof(&self) -> bool {
        self.socket.eof
    }

    /// Whether a call failed in a way that ends the socket's use.
    pub(crate) const fn is_broken(&self) -> bool {
        self.socket.broken
    }

    /// Whether an end or an error was reported, read or not.
    pub(crate) const fn hung_up(&self) -> bool {
        self.socket.hung_up()
    }

    /// Whether a read is expected not to wait.
    pub(crate) const fn is_readable(&self) -> bool {
        self.socket.ready.contains(Io::IN)
    }

    /// Whether a write is expected not to wait.
    pub(crate) const fn is_writable(&self) -> bool {
        self.socket.ready.contains(Io::OUT)
    }

    /// The directions in which a call is expected not to wait.
    pub(crate) const fn ready(&self) -> Io {
        self.socket.ready
    }

    /// Bytes read from the wire.
    pub(crate) const fn bytes_in(&self) -> u64 {
        self.bytes_in
    }

    /// Bytes that the kernel accepted for sending.
    pub(crate) const fn bytes_out(&self) -> u64 {
        self.bytes_out
    }

    /// The state of the descriptor, as it is reported.
    pub(crate) const fn state(&self) -> FdState {
        self.socket.state()
    }

    /// The interest of the host's poller in it.
    pub(crate) const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The interest of the host's poller in it, mutably.
    pub(crate) const fn watch_mut(&mut self) -> &mut Watch {
        &mut self.watch
    }

    /// The host's poller reported events. Returns whether there is a socket that they can concern.
    pub(crate) fn on_ready(&mut self, events: Io, trigger: Trigger) -> bool {
        if !self.is_open() {
            return false;
        }
        self.socket.report(events);
        self.watch.hear(events, trigger);
        true
    }

    /// Sets the directions that the connection can use; reading is left out after the end of input.
    /// Returns whether a call in one of them is expected not to wait.
    pub(crate) fn wants(&mut self, mut directions: Io) -> bool {
        if self.socket.eof {
            directions.remove(Io::IN);
        }
        self.watch.want(directions);
        directions.intersects(self.socket.ready)
    }

    /// The interest that the host's poller should have. `heeds_end` says that no other event would
    /// reveal the peer's end to the connection, `passing` that the connection finds the end by what it
    /// waits for.
    pub(crate) fn target(&self, trigger: Trigger, heeds_end: bool, passing: bool) -> Io {
        match trigger {
            Trigger::Edge => self.watch.edge_target(heeds_end),
            Trigger::Level => {
                // A hang-up condition never ends: with level-triggered interest in it, the host would
                // wake again and again.
                let mut target = self.watch.level_target(!self.hung_up());
                if passing && self.watch.wanted().is_empty() && !heeds_end {
                    target.remove(Io::HANGUP);
                }
                target
            }
        }
    }

    /// How many bytes wait to be sent.
    pub(crate) fn unsent(&self) -> usize {
        self.out.as_ref().map_or(0, Buffer::len)
    }

    /// Whether bytes wait to be sent.
    pub(crate) fn has_unsent(&self) -> bool {
        self.unsent() > 0
    }

    /// The queue of bytes that wait to be sent.
    pub(crate) fn out<'a, N>(&'a mut self, cx: &mut Cx<'_, N>) -> &'a mut Buffer {
        self.out.get_or_insert_with(|| cx.pool.take())
    }

    /// The queue of bytes that wait to be sent; where there is none, one with room for about `len`
    /// bytes.
    pub(crate) fn out_for<'a, N>(&'a mut self, cx: &mut Cx<'_, N>, len: usize) -> &'a mut Buffer {
        self.out.get_or_insert_with(|| cx.pool.take_for(len))
    }

    /// The queue of bytes that wait to be sent, where there is one.
    pub(crate) const fn queued(&self) -> Option<&Buffer> {
        self.out.as_ref()
    }

    /// Puts the first bytes into the queue, which does not exist yet.
    pub(crate) fn begin_with(&mut self, first: Buffer) {
        debug_assert!(self.out.is_none(), "something is ahead of the first bytes");
        self.out = Some(first);
    }

    /// Gives the queue back to the pool if it is empty.
    pub(crate) fn trim<N>(&mut self, cx: &mut Cx<'_, N>) {
        cx.pool.give_empty(&mut self.out);
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
        // A read that fills its space has probably left more.
        self.took_in(read, |n| n == space.len())
    }

    /// The descriptor, if a read is worth a call; else the result without one.
    fn to_read(&self) -> Result<Fd, Input> {
        match self.socket.fd() {
            Some(_) if self.socket.eof => Err(Input::End),
            Some(fd) if self.socket.ready.contains(Io::IN) => Ok(fd),
            Some(_) => Err(Input::Wait),
            None => Err(Input::End),
        }
    }

    /// Notes the result of a read; `more` says whether so many bytes promise further ones.
    fn took_in(
        &mut self,
        read: Result<usize, Errno>,
        more: impl Fn(usize) -> bool,
    ) -> Result<Input, Errno> {
        match read {
            Ok(0) => {
                self.socket.eof = true;
                Ok(Input::End)
            }
            Ok(n) => {
                self.bytes_in += n as u64;
                // After a hang-up the end can be read, but no further event reports it.
                if !more(n) && !self.hung_up() {
                    self.socket.ready.remove(Io::IN);
                }
                Ok(Input::Bytes(n))
            }
            Err(errno) => self.socket.failed(errno, Io::IN).map(|()| Input::Wait),
        }
    }

    /// Sends what waits to be sent and then `payload`, in one call, and returns how much of `payload`
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
        let Some(fd) = self.socket.to_write()? else { return Ok(Output::Wait) };
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
            Err(errno) => {
                self.socket.failed(errno, Io::OUT).inspect_err(|_| {
                    // What waits can never be sent; without the queue nothing tries to.
                    self.give_back(cx);
                })?;
                Ok(Output::Wait)
            }
        }
    }

    /// Sends what waits to be sent, and returns whether all of it was sent.
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

    /// Looks for an error that the host's poller reported while the connection does not read and would
    /// miss it.
    pub(crate) fn check<N: Net>(&mut self, cx: &mut Cx<'_, N>) -> Result<(), Errno> {
        let Some(fd) = self.socket.fd() else { return Ok(()) };
        if !self.socket.reported.contains(Io::ERROR) || self.socket.broken {
            return Ok(());
        }
        // The end of both sides is reported by the same flag, and is not an error.
        self.socket.reported = Io::HANGUP;
        match cx.net.take_error(fd) {
            Ok(None) => Ok(()),
            Ok(Some(errno)) | Err(errno) => {
                self.socket.broken = true;
                self.give_back(cx);
                Err(errno)
            }
        }
    }

    /// Ends the outgoing direction on the wire. It is not a failure if the peer is gone already.
    pub(crate) fn shut_write<N: Net>(&mut self, cx: &mut Cx<'_, N>) {
        if let Some(fd) = self.socket.fd()
            && !self.socket.broken
        {
            // ENOTCONN: a reset arrived first, and reading or closing will show it.
            let _ = cx.net.shutdown_write(fd);
        }
    }

    /// Reads what the peer still sends, and discards it.
    pub(crate) fn discard<N: Net>(&mut self, cx: &mut Cx<'_, N>) -> Result<Input, Errno> {
        let scratch = std::mem::take(&mut cx.scratch);
        let result = self.recv(cx, scratch);
        cx.scratch = scratch;
        result
    }

    /// Makes this a socket through which no call succeeds any more.
    #[cfg(test)]
    pub(crate) const fn break_off(&mut self) {
        self.socket.broken = true;
    }

    /// Gives every buffer back to the pool.
    pub(crate) fn give_back<N>(&mut self, cx: &mut Cx<'_, N>) {
        if let Some(out) = self.out.take() {
            cx.pool.give(out);
        }
    }
}
