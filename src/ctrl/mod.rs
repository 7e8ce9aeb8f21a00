//! The control layer: what carries the bytes of a connection. It moves bytes as they are on the wire,
//! remembers what is ready, and ends each direction.
//!
//! `transport` is one of two: a socket, TCP or unix, where the kernel is asked; or `fed`, where the host
//! moves the bytes and reports what happened. Nobody above this layer needs to know which. What is ready
//! is known without a call: it is set by the poller's events and the host's reports, and cleared by the
//! call that would have to wait, so a wrong event costs one call. `open` makes a socket and connects it.
//! `watch` is the poller interest: the directions that the connection can use (`wants`), the interest
//! that follows from them (`target`), and the one last announced. `out` holds bytes that wait to be
//! sent: headers, TLS records, and all that a fed connection has to send.
//!
//! In the end `shut_write` sends the FIN, `discard` reads on, and `release` closes the descriptor, once
//! the poller has released it. All fields of `Ctrl` are private.

mod descriptor;
mod fed;
mod open;
mod passing;
mod reports;
mod splice;
#[cfg(test)]
mod tests;
mod transport;
mod watch;

use std::io::IoSlice;

use bitflags::bitflags;

pub(crate) use descriptor::Release;
pub use fed::FedAsks;
pub(crate) use fed::Mover;
pub(crate) use open::Connect;
pub(crate) use reports::Misreport;
pub(crate) use splice::is_of_splice;
pub use transport::FdState;
pub use watch::Io;
pub(crate) use watch::Watch;

use crate::buffer::Buffer;
use crate::cx::{Cx, Trigger};
use crate::sys::{Errno, Fd, MAX_IOVECS, Net, Passed, SockOpt};
use crate::trace::{TraceCategories, TraceDetails, TraceKind};
use transport::Transport;

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

bitflags! {
    /// What is known of what carries the bytes, beside readiness.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct CtrlFlags: u8 {
        /// The end of input was read.
        const EOF = 1;
        /// A call failed in a way that ends its use.
        const BROKEN = 2;
        /// The kernel holds the last bytes back until the FIN.
        const HELD_BACK = 4;
        /// `TCP_NODELAY` is still to be set, before the second write: the first one is never held back,
        /// and many connections have no other.
        const DELAYS = 8;
    }
}

/// What carries the bytes of a connection, and the bytes that wait to be sent through it.
///
/// `ready` is a memory, not a promise: set by the poller's events and by what is expected of a new
/// socket, cleared when a call has to wait. Only the call decides.
#[derive(Debug, Default)]
pub(crate) struct Ctrl {
    transport: Transport,
    /// The directions in which a call is expected not to wait.
    ready: Io,
    /// The flags that the host reported, [`Io::HANGUP`] and [`Io::ERROR`]: with either, no later event
    /// is needed to find the end.
    reported: Io,
    /// Further state.
    flags: CtrlFlags,
    /// The interest of the host's poller in the descriptor.
    watch: Watch,
    /// Bytes that are not taken by what is below yet: a PROXY header, TLS records.
    out: Option<Buffer>,
    /// Bytes read from the wire.
    bytes_in: u64,
    /// Bytes that what is below accepted for sending.
    bytes_out: u64,
}

/// Every idle connection has one: the second transport must not cost the first a byte.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Ctrl>() <= 64);

impl Ctrl {
    /// A control layer over a connected socket. Writing is expected to work at once, and reading too
    /// when `read_at_once`.
    pub(crate) fn new(fd: Fd, read_at_once: bool) -> Self {
        let ready = if read_at_once { Io::BOTH } else { Io::OUT };
        Self { transport: Transport::Socket(fd), ready, ..Self::default() }
    }

    /// Whether there is something below that is not closed.
    pub(crate) const fn is_open(&self) -> bool {
        self.transport.is_open()
    }

    /// Whether the end of input was read.
    pub(crate) const fn at_eof(&self) -> bool {
        self.flags.contains(CtrlFlags::EOF)
    }

    /// Whether a call failed in a way that ends the socket's use.
    pub(crate) const fn is_broken(&self) -> bool {
        self.flags.contains(CtrlFlags::BROKEN)
    }

    /// Whether the kernel holds the last bytes back until the FIN.
    pub(crate) const fn is_held_back(&self) -> bool {
        self.flags.contains(CtrlFlags::HELD_BACK)
    }

    /// Whether an end or an error was reported, read or not.
    pub(crate) const fn hung_up(&self) -> bool {
        !self.reported.is_empty()
    }

    /// Whether a read is expected not to wait.
    pub(crate) const fn is_readable(&self) -> bool {
        self.ready.contains(Io::IN)
    }

    /// Whether a write is expected not to wait.
    pub(crate) const fn is_writable(&self) -> bool {
        self.ready.contains(Io::OUT)
    }

    /// Whether another write is worth it, of unchanged bytes, after one that had to wait.
    pub(crate) fn has_room(&self) -> bool {
        match &self.transport {
            Transport::Fed(fed) => fed.has_room(self.unsent()),
            Transport::Closed | Transport::Socket(_) | Transport::Passed(_) => {
                self.is_writable() && !self.has_unsent()
            }
        }
    }

    /// The directions in which a call is expected not to wait.
    pub(crate) const fn ready(&self) -> Io {
        self.ready
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
        self.transport.state(self.is_broken())
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
        if self.descriptor().is_none() {
            return false;
        }
        self.ready |= events.directions();
        self.reported |= events & (Io::HANGUP | Io::ERROR);
        self.watch.hear(events, trigger);
        true
    }

    /// Sets the directions that the connection can use; reading is left out after the end of input.
    /// Returns whether a call in one of them is expected not to wait.
    pub(crate) fn wants(&mut self, mut directions: Io) -> bool {
        if self.at_eof() {
            directions.remove(Io::IN);
        }
        self.watch.want(directions);
        directions.intersects(self.ready)
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

    /// Whether bytes wait to be sent that what is below has refused to take. A fed connection queues
    /// bytes that are accepted already.
    pub(crate) fn is_backed_up(&self) -> bool {
        self.has_unsent() && !self.is_fed()
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

    /// Takes the queue of bytes that wait to be sent, or a new one with room for about `len` bytes, to be put
    /// back with [`begin_with`](Self::begin_with).
    pub(crate) fn take_out<N>(&mut self, cx: &mut Cx<'_, N>, len: usize) -> Buffer {
        self.out.take().unwrap_or_else(|| cx.pool.take_for(len))
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
        let read = |net: &mut N, fd, space: &mut [u8]| Ok((net.recv(fd, space)?, Passed::Nothing));
        self.recv_by(cx, space, read).map(|(input, _)| input)
    }

    /// [`Self::recv`], where a socket is read by `call`, and what it received beside the bytes.
    fn recv_by<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        space: &mut [u8],
        call: impl FnOnce(&mut N, Fd, &mut [u8]) -> Result<(usize, Passed), Errno>,
    ) -> Result<(Input, Passed), Errno> {
        debug_assert!(!space.is_empty(), "an empty read looks like the end of input");
        let mut passed = Passed::Nothing;
        if let Some(input) = self.without_call() {
            return Ok((input, passed));
        }
        let (read, more) = match &mut self.transport {
            Transport::Closed => return Ok((Input::End, passed)),
            Transport::Socket(fd) | Transport::Passed(fd) => {
                let read = call(cx.net, *fd, space).map(|(n, came)| {
                    passed = came;
                    n
                });
                // A read that fills its space has probably left more. One with a descriptor ends there,
                // so that a short one does not show that an edge-triggered socket is empty.
                let full = read.is_ok_and(|n| n == space.len());
                (read, full || passed != Passed::Nothing)
            }
            Transport::Fed(fed) => {
                let read = fed.read(cx.pool, space);
                (read, fed.has_input())
            }
        };
        cx.count_received(*read.as_ref().unwrap_or(&0), TraceKind::Read);
        Ok((self.took_in(cx, read, more)?, passed))
    }

    /// Whether a read would have to wait, as far as is known without a call.
    pub(crate) fn would_wait(&self) -> bool {
        self.without_call() == Some(Input::Wait)
    }

    /// The result of a read that is not worth a call.
    fn without_call(&self) -> Option<Input> {
        match self.transport {
            Transport::Closed => Some(Input::End),
            _ if self.at_eof() => Some(Input::End),
            _ if self.ready.contains(Io::IN) => None,
            _ => Some(Input::Wait),
        }
    }

    /// Notes the result of a read; `more` says whether a next one is expected not to wait.
    fn took_in<N>(
        &mut self,
        cx: &mut Cx<'_, N>,
        read: Result<usize, Errno>,
        more: bool,
    ) -> Result<Input, Errno> {
        match read {
            Ok(0) => {
                cx.trace_work(TraceCategories::CLOSING, TraceKind::FinReceived, TraceDetails::None);
                self.flags.insert(CtrlFlags::EOF);
                Ok(Input::End)
            }
            Ok(n) => {
                self.bytes_in += n as u64;
                // After a hang-up the end can be read, but no further event reports it.
                if !more && !self.hung_up() {
                    self.ready.remove(Io::IN);
                }
                Ok(Input::Bytes(n))
            }
            Err(errno) => self.failed(errno, Io::IN).map(|()| Input::Wait),
        }
    }

    /// Handles the error of a call: `Ok` if it only means to wait for `direction`.
    fn failed(&mut self, errno: Errno, direction: Io) -> Result<(), Errno> {
        if errno.is_again() {
            self.ready.remove(direction);
            return Ok(());
        }
        self.flags.insert(CtrlFlags::BROKEN);
        Err(errno)
    }

    /// The descriptor, if a write is worth a call.
    fn writable_fd<N: Net>(&mut self, net: &mut N) -> Result<Option<Fd>, Errno> {
        let fd = self.descriptor().ok_or(Errno(libc::EPIPE))?;
        if self.bytes_out > 0 {
            self.end_delays(net);
        }
        Ok(self.is_writable().then_some(fd))
    }

    /// Has small writes leave at once from now on, where they still would be held back.
    pub(crate) fn end_delays<N: Net>(&mut self, net: &mut N) {
        if self.flags.contains(CtrlFlags::DELAYS) {
            self.flags.remove(CtrlFlags::DELAYS);
            self.set(net, SockOpt::NoDelay);
        }
    }

    /// Sends what waits to be sent and then `payload`, in one call, and returns how much of `payload`
    /// the kernel took.
    pub(crate) fn send<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        payload: &[u8],
    ) -> Result<Output, Errno> {
        self.send_by(cx, payload, |net, fd, bufs| net.send(fd, bufs, false))
    }

    /// [`Self::send`] of the last bytes before the end of this direction: they and the FIN, for which
    /// [`Self::shut_write`] has to be called next, leave in one segment.
    pub(crate) fn send_last<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        payload: &[u8],
    ) -> Result<Output, Errno> {
        let sent = self.send_by(cx, payload, |net, fd, bufs| net.send(fd, bufs, true));
        if matches!(sent, Ok(Output::Bytes(_))) {
            self.flags.insert(CtrlFlags::HELD_BACK);
        }
        sent
    }

    /// [`Self::send`], where a socket is written to by `call`.
    fn send_by<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        payload: &[u8],
        call: impl FnOnce(&mut N, Fd, &[IoSlice<'_>]) -> Result<usize, Errno>,
    ) -> Result<Output, Errno> {
        if !self.has_unsent() && payload.is_empty() {
            cx.pool.give_empty(&mut self.out);
            return Ok(Output::Bytes(0));
        }
        if self.is_fed() {
            return self.enqueue(cx, payload);
        }
        let Some(fd) = self.writable_fd(cx.net)? else { return Ok(Output::Wait) };
        let unsent = self.out.as_ref().map_or(&[][..], Buffer::bytes);
        let bufs = [IoSlice::new(unsent), IoSlice::new(payload)];
        let bufs = match (unsent.is_empty(), payload.is_empty()) {
            (true, _) => &bufs[1..],
            (_, true) => &bufs[..1],
            _ => &bufs[..],
        };
        let sent = call(cx.net, fd, bufs);
        self.was_sent(cx, sent, payload.len())
    }

    /// Notes the result of a write of what waits to be sent and then of so many bytes of payload.
    fn was_sent<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        sent: Result<usize, Errno>,
        payload: usize,
    ) -> Result<Output, Errno> {
        match sent {
            Ok(n) => {
                self.bytes_out += n as u64;
                cx.count_sent(n, TraceKind::Written);
                let before = self.unsent().min(n);
                if let Some(out) = &mut self.out {
                    out.consume(before);
                }
                cx.pool.give_empty(&mut self.out);
                let taken = n - before;
                if taken == 0 && (payload > 0 || self.has_unsent()) {
                    return Ok(Output::Wait);
                }
                Ok(Output::Bytes(taken))
            }
            Err(errno) => {
                self.failed(errno, Io::OUT).inspect_err(|_| {
                    // What waits can never be sent; without the queue nothing tries to.
                    self.give_unsent(cx);
                })?;
                Ok(Output::Wait)
            }
        }
    }

    /// [`Self::send`] of several pieces.
    pub(crate) fn send_vectored<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        pieces: &[IoSlice<'_>],
    ) -> Result<Output, Errno> {
        let len = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        if self.is_fed() || self.has_unsent() || len == 0 {
            return self.send_pieces(cx, pieces);
        }
        let Some(fd) = self.writable_fd(cx.net)? else { return Ok(Output::Wait) };
        let sent = cx.net.send(fd, &pieces[..pieces.len().min(MAX_IOVECS)], false);
        self.was_sent(cx, sent, len)
    }

    /// Sends pieces one by one.
    fn send_pieces<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        pieces: &[IoSlice<'_>],
    ) -> Result<Output, Errno> {
        let mut taken = 0;
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            match self.send(cx, piece) {
                Ok(Output::Bytes(n)) => {
                    taken += n;
                    if n < piece.len() {
                        break;
                    }
                }
                // What was taken is told first: the next write meets this again.
                Ok(Output::Wait) | Err(_) if taken > 0 => break,
                other => return other,
            }
        }
        Ok(Output::Bytes(taken))
    }

    /// Sends what waits to be sent and then the first bytes that a stream has for a server. How many
    /// were taken is known only once the server is reached: until then they are the stream's. With
    /// `is_last` it is [`Self::send_last`].
    pub(crate) fn send_first<N: Net>(
        &mut self,
        cx: &mut Cx<'_, N>,
        payload: &[u8],
        is_last: bool,
    ) -> Result<Output, Errno> {
        match (self.is_fed(), is_last) {
            (true, _) => self.enqueue_first(cx, payload),
            (false, true) => self.send_last(cx, payload),
            (false, false) => self.send(cx, payload),
        }
    }

    /// Sends what waits to be sent, and returns whether all of it was sent.
    pub(crate) fn flush<N: Net>(&mut self, cx: &mut Cx<'_, N>) -> Result<bool, Errno> {
        self.flush_by(cx, Self::send)
    }

    /// [`Self::flush`] before the end of this direction, as [`Self::send_last`] sends.
    pub(crate) fn flush_last<N: Net>(&mut self, cx: &mut Cx<'_, N>) -> Result<bool, Errno> {
        self.flush_by(cx, Self::send_last)
    }

    fn flush_by<'n, N: Net>(
        &mut self,
        cx: &mut Cx<'n, N>,
        send: impl Fn(&mut Self, &mut Cx<'n, N>, &[u8]) -> Result<Output, Errno>,
    ) -> Result<bool, Errno> {
        loop {
            let before = self.bytes_out;
            send(self, cx, &[])?;
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
        if !self.reported.contains(Io::ERROR) || self.is_broken() {
            return Ok(());
        }
        let error = match &self.transport {
            Transport::Closed => return Ok(()),
            Transport::Socket(fd) | Transport::Passed(fd) => cx.net.take_error(*fd),
            Transport::Fed(fed) => Ok(fed.failure()),
        };
        // The end of both sides is reported by the same flag, and is not an error.
        self.reported = Io::HANGUP;
        match error {
            Ok(None) => Ok(()),
            Ok(Some(errno)) | Err(errno) => {
                self.flags.insert(CtrlFlags::BROKEN);
                self.give_unsent(cx);
                Err(errno)
            }
        }
    }

    /// Ends the outgoing direction on the wire. It is not a failure if the peer is gone already.
    pub(crate) fn shut_write<N: Net>(&mut self, cx: &mut Cx<'_, N>) {
        if self.is_open() && !self.is_broken() {
            cx.trace_work(TraceCategories::CLOSING, TraceKind::FinSent, TraceDetails::None);
        }
        self.flags.remove(CtrlFlags::HELD_BACK);
        let is_broken = self.is_broken();
        match &mut self.transport {
            Transport::Socket(fd) | Transport::Passed(fd) if !is_broken => {
                // ENOTCONN: a reset arrived first, and reading or closing will show it.
                let _ = cx.net.shutdown_write(*fd);
            }
            Transport::Fed(fed) => fed.shut_write(),
            Transport::Closed | Transport::Socket(_) | Transport::Passed(_) => {}
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
    pub(crate) fn break_off(&mut self) {
        self.flags.insert(CtrlFlags::BROKEN);
    }

    /// Drops the bytes that wait to be sent.
    pub(crate) fn give_unsent<N>(&mut self, cx: &mut Cx<'_, N>) {
        if let Some(out) = self.out.take() {
            cx.pool.give(out);
        }
    }

    /// Drops the bytes that wait to be sent, and those that were received and not read.
    pub(crate) fn give_back<N>(&mut self, cx: &mut Cx<'_, N>) {
        self.give_unsent(cx);
        self.give_inbox(cx.pool);
    }
}
