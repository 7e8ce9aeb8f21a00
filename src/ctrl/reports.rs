//! The control layer of a fed connection: the reports of its host, and what it asks of it.
//!
//! Bytes that go out wait in the queue of the control layer until they are reported as sent, so that
//! everything which asks whether bytes are unsent (a retry, the end of a direction, the record) means:
//! taken by what is below.

use super::fed::{Fed, FedAsks, FedStage, Mover};
use super::transport::Transport;
use super::{Ctrl, CtrlFlags, Io, Output};
use crate::buffer::Pool;
use crate::cx::{Cx, FedOrigin, FedWindows};
use crate::sys::{Addr, Errno, Fd, Net};
use crate::trace::TraceKind;

/// What a failure means that is reported without an errno.
const UNKNOWN_FAILURE: Errno = Errno(libc::ECONNRESET);

/// A report that does not fit the state of the connection; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misreport {
    /// It is opened already, or has ended already, or was never opened.
    State,
    /// More bytes are reported as sent than were asked to be.
    TooMany,
}

/// What moves a fed connection's bytes: the reports of its host, and what it asks of it.
impl Ctrl {
    /// A control layer over a connected socket that another process has passed.
    pub(crate) fn passed(fd: Fd) -> Self {
        Self { transport: Transport::Passed(fd), ready: Io::OUT, ..Self::default() }
    }

    /// A control layer over a connection that is open, and whose bytes `mover` moves.
    pub(crate) fn fed(mover: Mover, origin: FedOrigin, windows: FedWindows) -> Self {
        let transport = Transport::Fed(Fed::new(FedStage::Open, mover, windows, origin));
        Self { transport, ready: Io::OUT, ..Self::default() }
    }

    /// A control layer over a connection that `mover` is to open.
    pub(crate) fn fed_outgoing(mover: Mover, windows: FedWindows) -> Self {
        // Nothing is asked before the operation that connects begins: see `open`.
        let fed = Fed::new(FedStage::Gone, mover, windows, FedOrigin::default());
        let transport = Transport::Fed(fed);
        Self { transport, ..Self::default() }
    }

    /// Whether the host moves its bytes.
    pub(crate) const fn is_fed(&self) -> bool {
        matches!(self.transport, Transport::Fed(_))
    }

    const fn fed_mut(&mut self) -> Option<&mut Fed> {
        match &mut self.transport {
            Transport::Fed(fed) => Some(fed),
            Transport::Closed | Transport::Socket(_) | Transport::Passed(_) => None,
        }
    }

    const fn fed_state(&self) -> Option<&Fed> {
        match &self.transport {
            Transport::Fed(fed) => Some(fed),
            Transport::Closed | Transport::Socket(_) | Transport::Passed(_) => None,
        }
    }

    /// Who moves its bytes, if the system does not.
    pub(crate) fn mover(&self) -> Option<Mover> {
        self.fed_state().map(|fed| fed.mover)
    }

    /// Whether it is fed by an agent, and not by the host.
    pub(crate) fn is_linked(&self) -> bool {
        self.mover().is_some_and(|mover| mover != Mover::Host)
    }

    /// Has `mover` move its bytes, and at most so many be received and not read.
    pub(crate) const fn moved_by(&mut self, mover: Mover, inbox: usize) {
        if let Some(fed) = self.fed_mut() {
            fed.mover = mover;
            fed.windows.inbox = inbox;
        }
    }

    /// Asks the agent to begin TLS.
    pub(crate) const fn ask_secure(&mut self) {
        if let Some(fed) = self.fed_mut() {
            fed.secures = true;
        }
    }

    /// The end of the direction to the peer is to be without the end of the agent's TLS.
    pub(crate) const fn end_curtly(&mut self) {
        if let Some(fed) = self.fed_mut() {
            fed.is_curt = true;
        }
    }

    /// Whether the end of the direction to the peer is to be without the end of the agent's TLS.
    pub(crate) fn ends_curtly(&self) -> bool {
        self.fed_state().is_some_and(|fed| fed.is_curt)
    }

    /// The peer's end came without the end of the agent's TLS.
    pub(crate) const fn note_truncated(&mut self) {
        if let Some(fed) = self.fed_mut() {
            fed.is_truncated = true;
        }
    }

    /// Whether the peer's end came without the end of the agent's TLS.
    pub(crate) fn is_truncated(&self) -> bool {
        self.fed_state().is_some_and(|fed| fed.is_truncated)
    }

    /// Whether it has asked to be opened, and waits for that.
    pub(crate) fn waits_to_open(&self) -> bool {
        self.fed_state()
            .is_some_and(|fed| fed.stage == FedStage::Unopened && fed.asked.contains(FedAsks::OPEN))
    }

    /// The host's data for what is below.
    pub(crate) fn fed_data(&self) -> u64 {
        self.fed_state().map_or(0, |fed| fed.origin.data)
    }

    /// Changes the host's data for what is below.
    pub(crate) const fn set_fed_data(&mut self, data: u64) {
        if let Some(fed) = self.fed_mut() {
            fed.origin.data = data;
        }
    }

    /// How many bytes the inbox has room for.
    pub(crate) fn fed_room(&self) -> usize {
        self.fed_state().map_or(0, Fed::inbox_room)
    }

    /// How many bytes are held: received and not read, and to be sent.
    pub(crate) fn fed_held(&self) -> Option<[usize; 2]> {
        self.fed_state().map(|fed| [fed.held(), self.unsent()])
    }

    /// Whether something is asked for that was not, or not any more. Never of a socket.
    pub(crate) fn has_ask(&self) -> bool {
        self.fed_state().is_some_and(|fed| fed.has_ask(self.unsent()))
    }

    /// What is asked for, if that has changed; noted as asked.
    pub(crate) fn take_ask(&mut self) -> Option<FedAsks> {
        let unsent = self.unsent();
        self.fed_mut()?.take_ask(unsent)
    }

    /// The state, as one line of `name=value`.
    pub(crate) fn write_fed(&self, line: &mut String) -> std::fmt::Result {
        use std::fmt::Write;
        let Some(fed) = self.fed_state() else { return Ok(()) };
        let stage = match fed.stage {
            FedStage::Unopened => "unopened",
            FedStage::Open => "open",
            FedStage::Closing { .. } => "closing",
            FedStage::Failed => "failed",
            FedStage::Gone => "gone",
        };
        write!(line, " fed={stage} asks={}", fed.wanted(self.unsent()).names())?;
        write!(line, " inbox={} inbox_max={}", fed.held(), fed.windows.inbox)?;
        write!(line, " outbox={} outbox_max={}", self.unsent(), fed.windows.outbox)
    }

    /// It was opened, as asked. `local` is our end, where it has an address.
    pub(crate) fn report_opened(&mut self, local: Option<Addr>) -> Result<(), Misreport> {
        let fed = self.fed_mut().ok_or(Misreport::State)?;
        match fed.stage {
            FedStage::Unopened if fed.asked.contains(FedAsks::OPEN) => {
                fed.stage = FedStage::Open;
                fed.origin.local = local;
                self.ready |= Io::OUT;
                Ok(())
            }
            // The connection has given up the attempt in the meantime.
            FedStage::Closing { .. } => Ok(()),
            FedStage::Unopened | FedStage::Open | FedStage::Failed | FedStage::Gone => {
                Err(Misreport::State)
            }
        }
    }

    /// It was opened, as asked, and is the connected socket `fd` from now on, which is this layer's:
    /// nothing is asked of the host any more. What waits to be sent is sent through it.
    ///
    /// # Errors
    /// It was not asked to be opened, or the attempt was given up; `fd` is the caller's still.
    pub(crate) fn stand_on<N: Net>(&mut self, cx: &mut Cx<'_, N>, fd: Fd) -> Result<(), Misreport> {
        let fed = self.fed_mut().ok_or(Misreport::State)?;
        if fed.stage != FedStage::Unopened || !fed.asked.contains(FedAsks::OPEN) {
            return Err(Misreport::State);
        }
        self.give_inbox(cx.pool);
        cx.descriptors.took(cx.net, fd);
        (self.transport, self.ready) = (Transport::Passed(fd), Io::OUT);
        Ok(())
    }

    /// It could not be opened: there is nothing below.
    pub(crate) fn report_failed(&mut self, errno: Errno) -> Result<(), Misreport> {
        let fed = self.fed_mut().ok_or(Misreport::State)?;
        match fed.stage {
            FedStage::Unopened if fed.asked.contains(FedAsks::OPEN) => {
                fed.failure = Some(errno);
                fed.stage = FedStage::Failed;
                self.ready |= Io::BOTH;
                Ok(())
            }
            FedStage::Closing { .. } => {
                fed.stage = FedStage::Gone;
                Ok(())
            }
            FedStage::Unopened | FedStage::Open | FedStage::Failed | FedStage::Gone => {
                Err(Misreport::State)
            }
        }
    }

    /// Bytes came from the peer. Returns how many of them were taken.
    pub(crate) fn report_received(
        &mut self,
        pool: &mut Pool,
        bytes: &[u8],
    ) -> Result<usize, Misreport> {
        let fed = self.fed_mut().ok_or(Misreport::State)?;
        match fed.stage {
            FedStage::Closing { .. } => return Ok(bytes.len()),
            FedStage::Open if !fed.ended && fed.failure.is_none() => {}
            FedStage::Unopened | FedStage::Open | FedStage::Failed | FedStage::Gone => {
                return Err(Misreport::State);
            }
        }
        let n = bytes.len().min(fed.inbox_room());
        fed.granted = fed.granted.saturating_sub(n);
        if n < bytes.len() {
            // The host waits to be asked again, also where there is room before it hears anything.
            fed.asked.remove(FedAsks::RECEIVE);
        }
        if n == 0 {
            return Ok(0);
        }
        let inbox = fed.inbox.get_or_insert_with(|| pool.take_for(n));
        pool.make_room(inbox, n);
        inbox.extend(&bytes[..n]);
        self.ready |= Io::IN;
        Ok(n)
    }

    /// The peer has ended its side, behind the bytes reported as received.
    pub(crate) fn report_ended(&mut self) -> Result<(), Misreport> {
        let fed = self.fed_mut().ok_or(Misreport::State)?;
        match fed.stage {
            FedStage::Closing { .. } => return Ok(()),
            FedStage::Open if !fed.ended => fed.ended = true,
            FedStage::Unopened | FedStage::Open | FedStage::Failed | FedStage::Gone => {
                return Err(Misreport::State);
            }
        }
        self.ready |= Io::IN;
        self.reported |= Io::HANGUP;
        Ok(())
    }

    /// What is below has failed: no byte will be received or sent any more. The bytes that were received
    /// before can still be read.
    pub(crate) fn report_hung_up(&mut self, errno: Errno) -> Result<(), Misreport> {
        let fed = self.fed_mut().ok_or(Misreport::State)?;
        match fed.stage {
            FedStage::Closing { .. } => return Ok(()),
            FedStage::Open => {}
            FedStage::Unopened | FedStage::Failed | FedStage::Gone => return Err(Misreport::State),
        }
        fed.failure.get_or_insert(errno);
        self.ready |= Io::BOTH;
        self.reported |= Io::HANGUP | Io::ERROR;
        Ok(())
    }

    /// The oldest `n` bytes of the queue were taken by what is below.
    pub(crate) fn report_sent<N>(&mut self, cx: &mut Cx<'_, N>, n: usize) -> Result<(), Misreport> {
        let unsent = self.unsent();
        let fed = self.fed_mut().ok_or(Misreport::State)?;
        match fed.stage {
            // The bytes were dropped by a failure or a reset, which this report has crossed.
            FedStage::Closing { .. } if n > unsent => return Ok(()),
            FedStage::Open if n > unsent && fed.failure.is_some() => return Ok(()),
            FedStage::Open | FedStage::Closing { .. } => {}
            FedStage::Unopened | FedStage::Failed | FedStage::Gone => return Err(Misreport::State),
        }
        if n > unsent {
            return Err(Misreport::TooMany);
        }
        fed.offered = fed.offered.saturating_sub(n);
        if let Some(out) = &mut self.out {
            out.consume(n);
        }
        cx.pool.give_empty(&mut self.out);
        self.bytes_out += n as u64;
        cx.count_sent(n, TraceKind::Written);
        self.ready |= Io::OUT;
        Ok(())
    }

    /// Why it could not be opened the last time, where that was reported.
    pub(crate) fn open_failure(&self) -> Option<Errno> {
        self.fed_state().filter(|fed| fed.stage == FedStage::Failed).and_then(|fed| fed.failure)
    }

    /// Nothing is below any more. Where that was not asked for, it is a failure.
    pub(crate) fn report_closed(&mut self) -> Result<(), Misreport> {
        let fed = self.fed_mut().ok_or(Misreport::State)?;
        let stage = std::mem::replace(&mut fed.stage, FedStage::Gone);
        match stage {
            FedStage::Closing { .. } => {}
            FedStage::Open => {
                fed.failure.get_or_insert(UNKNOWN_FAILURE);
                self.ready |= Io::BOTH;
                self.reported |= Io::HANGUP | Io::ERROR;
            }
            FedStage::Unopened | FedStage::Failed | FedStage::Gone => {
                fed.stage = stage;
                return Err(Misreport::State);
            }
        }
        Ok(())
    }

    /// Adds to the queue as much of `payload` as the window has room for. What was added counts as sent
    /// only once that is reported.
    pub(super) fn enqueue<N>(
        &mut self,
        cx: &mut Cx<'_, N>,
        payload: &[u8],
    ) -> Result<Output, Errno> {
        let unsent = self.unsent();
        let Some(fed) = self.fed_mut() else { return Ok(Output::Wait) };
        let room = match fed.room(unsent) {
            Ok(room) => room,
            // Another attempt begins with the same bytes.
            Err(errno) if fed.stage == FedStage::Failed => return Err(errno),
            Err(errno) => {
                self.flags.insert(CtrlFlags::BROKEN);
                self.give_unsent(cx);
                return Err(errno);
            }
        };
        // Adding to a queue moves what waits in it, so little room is no reason to add.
        let n = if fed.has_room(unsent) { payload.len().min(room) } else { 0 };
        if n == 0 {
            self.ready.remove(Io::OUT);
            return Ok(Output::Wait);
        }
        let out = self.out.get_or_insert_with(|| cx.pool.take_for(n));
        cx.pool.make_room(out, n);
        out.extend(&payload[..n]);
        Ok(Output::Bytes(n))
    }

    /// Sends the first bytes of a connection to a server, which a stream holds: until one of them was
    /// taken by what is below, the stream keeps them for another attempt, and only copies are in the
    /// queue.
    pub(super) fn enqueue_first<N>(
        &mut self,
        cx: &mut Cx<'_, N>,
        payload: &[u8],
    ) -> Result<Output, Errno> {
        let is_taken = self.bytes_out > 0;
        let Some(fed) = self.fed_mut() else { return Ok(Output::Wait) };
        if is_taken {
            let copied = fed.copied.take().unwrap_or(0);
            return Ok(Output::Bytes(copied));
        }
        let is_new = fed.copied.is_none() && fed.stage == FedStage::Open;
        let offer = if is_new { payload } else { &[] };
        let added = self.enqueue(cx, offer)?;
        if let (Output::Bytes(n), Some(fed)) = (added, self.fed_mut()) {
            fed.copied = Some(n);
        }
        self.ready.remove(Io::OUT);
        Ok(Output::Wait)
    }

    /// Gives the memory of received bytes back to the pool.
    pub(super) fn give_inbox(&mut self, pool: &mut Pool) {
        if let Some(inbox) = self.fed_mut().and_then(|fed| fed.inbox.take()) {
            pool.give(inbox);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INBOX: usize = 8;

    #[test]
    fn whoever_brought_more_than_was_taken_is_asked_again_however_soon_there_is_room() {
        let mut pool = Pool::default();
        let windows = FedWindows { inbox: INBOX, outbox: INBOX };
        let mut ctrl = Ctrl::fed(Mover::Host, FedOrigin::default(), windows);
        assert_eq!(ctrl.take_ask(), Some(FedAsks::RECEIVE));
        for offered in [INBOX / 4, INBOX + 1] {
            let taken = offered.min(INBOX);
            assert_eq!(ctrl.report_received(&mut pool, &[0; INBOX + 1][..offered]), Ok(taken));
            // All of it is read before the host is asked anything.
            let fed = ctrl.fed_mut().expect("it is fed");
            assert_eq!(fed.read(&mut pool, &mut [0; INBOX]), Ok(taken));
            assert_eq!(ctrl.take_ask(), (offered > INBOX).then_some(FedAsks::RECEIVE));
        }
    }

    #[test]
    fn room_is_told_in_steps_of_half_the_inbox() {
        let mut pool = Pool::default();
        let windows = FedWindows { inbox: INBOX, outbox: INBOX };
        let mut ctrl = Ctrl::fed(Mover::Host, FedOrigin::default(), windows);
        assert_eq!((ctrl.take_ask(), ctrl.fed_room()), (Some(FedAsks::RECEIVE), INBOX));
        for asks in [false, true, false, true] {
            assert_eq!(ctrl.report_received(&mut pool, &[0; INBOX / 4]), Ok(INBOX / 4));
            assert_eq!(ctrl.take_ask(), None, "nothing was read");
            let fed = ctrl.fed_mut().expect("it is fed");
            assert_eq!(fed.read(&mut pool, &mut [0; INBOX]), Ok(INBOX / 4));
            assert_eq!(ctrl.take_ask(), asks.then_some(FedAsks::RECEIVE));
        }
    }
}
