//! The engine's side: [`Net`], each call counted, failed where planned, and recorded.

use std::cell::RefCell;
use std::io::IoSlice;
use std::net::IpAddr;
use std::rc::Rc;

use super::endpoint::{EndpointState, until};
use super::journal::{CallKind, CallRecord};
use super::network::Network;
use super::slot::{DescriptorSlot, EndpointId};
use crate::sys::{
    Addr, Credentials, Errno, Family, Fd, ListenSpec, MAX_IOVECS, Nature, Net, Passed, PathId,
    Pipe, SockOpt,
};

/// The socket calls of a simulated network. Cloning it shares the network.
///
/// Every call panics on a descriptor that is not open: that is a bug of the engine, which EBADF would
/// hide.
#[derive(Clone, Debug)]
pub struct SimNet {
    network: Rc<RefCell<Network>>,
}

/// The number by which an answer appears in the trace.
trait Figure {
    fn figure(&self) -> usize {
        0
    }
}

impl Figure for () {}
impl Figure for Addr {}
impl Figure for Nature {}
impl Figure for Option<Errno> {}
impl Figure for usize {
    fn figure(&self) -> usize {
        *self
    }
}
impl Figure for Credentials {
    fn figure(&self) -> usize {
        usize::try_from(self.uid).unwrap_or(usize::MAX)
    }
}
impl Figure for (usize, Passed) {
    fn figure(&self) -> usize {
        self.0
    }
}
impl Figure for Fd {
    fn figure(&self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }
}
impl Figure for Pipe {
    fn figure(&self) -> usize {
        self.read.figure()
    }
}
impl Figure for (Fd, Addr) {
    fn figure(&self) -> usize {
        self.0.figure()
    }
}

impl SimNet {
    pub(super) const fn new(network: Rc<RefCell<Network>>) -> Self {
        Self { network }
    }

    fn call<T: Figure>(
        &mut self,
        call: CallKind,
        fd: Option<Fd>,
        f: impl FnOnce(&mut Network) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let network = &mut *self.network.borrow_mut();
        // No engine has such a number: it is what a host handed in.
        let is_none = fd.is_some_and(|fd| fd < Fd(0));
        if let Some(fd) = fd.filter(|_| !is_none) {
            network.slot(fd, call.name());
        }
        let answer = match network.journal.begin(call) {
            Some(errno) => Err(errno),
            None if is_none => Err(Errno(libc::EBADF)),
            None => f(network),
        };
        let figure = answer.as_ref().map(Figure::figure).map_err(|errno| *errno);
        network.journal.write(CallRecord { at: network.now, call, fd, answer: figure });
        answer
    }

    /// A call that needs a socket: ENOTSOCK for any other descriptor.
    fn on<T: Figure>(
        &mut self,
        call: CallKind,
        fd: Fd,
        f: impl FnOnce(&mut Network, EndpointId) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        self.call(call, Some(fd), |network| match *network.slot(fd, call.name()) {
            DescriptorSlot::Socket(id) => f(network, id),
            DescriptorSlot::Free | DescriptorSlot::File | DescriptorSlot::Pipe(_) => {
                Err(Errno(libc::ENOTSOCK))
            }
        })
    }

    /// A call that closes the descriptor and cannot fail.
    fn give_up(&mut self, call: CallKind, fd: Fd, abort: bool) {
        let network = &mut *self.network.borrow_mut();
        let slot = std::mem::replace(network.slot(fd, call.name()), DescriptorSlot::Free);
        if let DescriptorSlot::Socket(id) = slot {
            network.give_up(id, abort);
        }
        network.owed.retain(|owed| *owed != fd);
        network.note(call, Some(fd));
    }
}

impl Network {
    /// Records a call that cannot fail.
    fn note(&mut self, call: CallKind, fd: Option<Fd>) {
        let _a_fault_changes_nothing = self.journal.begin(call);
        self.journal.write(CallRecord { at: self.now, call, fd, answer: Ok(0) });
    }

    /// Whether a call that could succeed is to answer EAGAIN nevertheless.
    pub(super) fn is_spurious(&mut self, fd: Fd, could_succeed: bool) -> bool {
        let spurious = could_succeed && self.is_unlucky();
        if spurious && !self.owed.contains(&fd) {
            self.owed.push(fd);
        }
        spurious
    }

    pub(super) fn is_unlucky(&mut self) -> bool {
        self.knobs.would_block_one_in.is_some_and(|n| self.random.one_in(n))
    }

    pub(super) fn receive(
        &mut self,
        fd: Fd,
        id: EndpointId,
        buf: &mut [u8],
    ) -> Result<usize, Errno> {
        assert!(!buf.is_empty(), "an empty recv reads as the end of input");
        let ready = self.ready(id).read;
        if self.is_spurious(fd, ready) {
            return Err(Errno::AGAIN);
        }
        let end = &mut self.endpoints[id];
        let n = end.receivable(buf.len(), &self.knobs)?;
        for (to, from) in buf.iter_mut().zip(end.give(n)) {
            *to = from;
        }
        self.make_way(id);
        Ok(n)
    }

    /// Lets the other end send what it kept for lack of room, since reading has made room.
    pub(super) fn make_way(&mut self, id: EndpointId) {
        if let Some(pair) = self.endpoints[id].pair {
            self.pump(pair);
        }
    }

    fn send(
        &mut self,
        fd: Fd,
        id: EndpointId,
        bufs: &[IoSlice<'_>],
        more: bool,
    ) -> Result<usize, Errno> {
        let bufs = &bufs[..bufs.len().min(MAX_IOVECS)];
        let n = self.sendable(fd, id, bufs.iter().map(|buf| buf.len()).sum())?;
        if n > 0 {
            self.take(id, bufs.iter().flat_map(|buf| buf.iter().copied()).take(n), more);
        }
        Ok(n)
    }

    /// How many of the `wanted` bytes a call that sends takes.
    pub(super) fn sendable(
        &mut self,
        fd: Fd,
        id: EndpointId,
        wanted: usize,
    ) -> Result<usize, Errno> {
        if let Some(errno) = self.endpoints[id].send_refused() {
            return Err(errno);
        }
        if wanted == 0 {
            return Ok(0);
        }
        let ready = self.ready(id).write;
        if self.room(id) == 0 || self.is_spurious(fd, ready) || self.splits_here(fd, id) {
            return Err(Errno::AGAIN);
        }
        let before_split = until(self.knobs.split_writes_at, self.endpoints[id].out.taken);
        Ok(wanted.min(self.room(id)).min(self.knobs.max_write.max(1)).min(before_split))
    }

    fn unsent(&self, id: EndpointId) -> Result<usize, Errno> {
        let end = &self.endpoints[id];
        match end.stage {
            EndpointState::Listening if !end.is_unix() => Err(Errno(libc::EINVAL)),
            EndpointState::Connecting => Ok(0),
            _ if end.is_unix() => Ok(self.used(id)),
            // The sequence numbers stay as they were at the reset (tcp_reset).
            EndpointState::Done if end.input.reset => Ok(end.out.cut),
            _ => Ok(end.out.unacknowledged()),
        }
    }

    /// The one EAGAIN at the offset where writes are split.
    fn splits_here(&mut self, fd: Fd, id: EndpointId) -> bool {
        let out = &mut self.endpoints[id].out;
        let here = self.knobs.split_writes_at == Some(out.taken) && !out.split;
        if here {
            out.split = true;
            self.owed.push(fd);
        }
        here
    }

    fn shutdown(&mut self, id: EndpointId) -> Result<(), Errno> {
        let end = &mut self.endpoints[id];
        match end.stage {
            EndpointState::Idle | EndpointState::Done if !end.is_unix() => {
                return Err(Errno(libc::ENOTCONN));
            }
            EndpointState::Connecting => {
                // Linux cancels the attempt and reports that (inet_shutdown, tcp_disconnect).
                end.begin_anew();
                end.error = Some(Errno(libc::ECONNRESET));
            }
            _ => self.shut_write(id),
        }
        Ok(())
    }

    fn peer_of(&self, id: EndpointId) -> Result<Addr, Errno> {
        let end = &self.endpoints[id];
        let known = match end.stage {
            EndpointState::Connected => true,
            // A unix socket keeps the address it was connected to; TCP does not.
            EndpointState::Done => end.is_unix(),
            EndpointState::Idle | EndpointState::Listening | EndpointState::Connecting => false,
        };
        end.remote.clone().filter(|_| known).ok_or(Errno(libc::ENOTCONN))
    }
}

impl Net for SimNet {
    fn socket(&mut self, family: Family) -> Result<Fd, Errno> {
        self.call(CallKind::Socket, None, |network| {
            let fd = network.open(DescriptorSlot::Socket(network.endpoints.len()))?;
            network.add(family, super::endpoint::EndpointOwner::Engine);
            Ok(fd)
        })
    }

    fn bind(&mut self, fd: Fd, addr: &Addr) -> Result<(), Errno> {
        self.on(CallKind::Bind, fd, |network, id| network.bind(id, addr))
    }

    fn listen(&mut self, spec: &ListenSpec) -> Result<Fd, Errno> {
        self.call(CallKind::Listen, None, |network| network.listen(spec))
    }

    fn accept(&mut self, fd: Fd) -> Result<(Fd, Addr), Errno> {
        self.on(CallKind::Accept, fd, |network, id| {
            let ready = network.ready(id).read;
            if network.is_spurious(fd, ready) { Err(Errno::AGAIN) } else { network.accept(id) }
        })
    }

    fn connect(&mut self, fd: Fd, addr: &Addr) -> Result<(), Errno> {
        self.on(CallKind::Connect, fd, |network, id| {
            let end = &network.endpoints[id];
            if end.is_unix() && end.stage == EndpointState::Idle && network.is_unlucky() {
                // As if the backlog were full, after which no event follows.
                return Err(Errno::AGAIN);
            }
            let waiting = !network.endpoints[id].reported
                && network.endpoints[id].stage != EndpointState::Idle;
            let ready = network.ready(id).write;
            if network.is_spurious(fd, waiting && ready) {
                return Err(Errno(libc::EALREADY));
            }
            network.connect(id, addr)
        })
    }

    fn recv(&mut self, fd: Fd, buf: &mut [u8]) -> Result<usize, Errno> {
        self.on(CallKind::Recv, fd, |network, id| {
            let n = network.receive(fd, id, buf)?;
            network.drop_begun(id);
            Ok(n)
        })
    }

    fn send(&mut self, fd: Fd, bufs: &[IoSlice<'_>], more: bool) -> Result<usize, Errno> {
        self.on(CallKind::Send, fd, |network, id| network.send(fd, id, bufs, more))
    }

    fn send_passing(&mut self, fd: Fd, bytes: &[u8], passed: Fd) -> Result<usize, Errno> {
        self.on(CallKind::SendPassing, fd, |network, id| {
            network.send_passing(fd, id, bytes, passed)
        })
    }

    fn recv_passed(&mut self, fd: Fd, buf: &mut [u8]) -> Result<(usize, Passed), Errno> {
        self.on(CallKind::RecvPassed, fd, |network, id| network.recv_passed(fd, id, buf))
    }

    fn shutdown_write(&mut self, fd: Fd) -> Result<(), Errno> {
        self.on(CallKind::ShutdownWrite, fd, Network::shutdown)
    }

    fn close(&mut self, fd: Fd) {
        self.give_up(CallKind::Close, fd, false);
    }

    fn reset(&mut self, fd: Fd) {
        self.give_up(CallKind::Reset, fd, true);
    }

    fn vanish(&mut self, fd: Fd) {
        let network = &mut *self.network.borrow_mut();
        if let DescriptorSlot::Socket(id) =
            std::mem::replace(network.slot(fd, "vanish"), DescriptorSlot::Free)
        {
            network.vanish(id);
        }
        network.owed.retain(|owed| *owed != fd);
        network.note(CallKind::Vanish, Some(fd));
    }

    fn is_own(&mut self, ip: IpAddr) -> bool {
        let network = self.network.borrow();
        let own =
            |id: &usize| matches!(&network.endpoints[*id].local, Addr::Ip(at) if at.ip() == ip);
        network.listeners.iter().any(own)
    }

    fn take_error(&mut self, fd: Fd) -> Result<Option<Errno>, Errno> {
        self.on(CallKind::TakeError, fd, |network, id| Ok(network.endpoints[id].error.take()))
    }

    fn local(&mut self, fd: Fd) -> Result<Addr, Errno> {
        self.on(CallKind::Local, fd, |network, id| Ok(network.endpoints[id].local.clone()))
    }

    fn peer(&mut self, fd: Fd) -> Result<Addr, Errno> {
        self.on(CallKind::Peer, fd, |network, id| network.peer_of(id))
    }

    fn peer_credentials(&mut self, fd: Fd) -> Result<Credentials, Errno> {
        self.on(CallKind::PeerCredentials, fd, |network, id| {
            let end = &network.endpoints[id];
            let pair = end.pair.filter(|_| end.is_unix()).ok_or(Errno(libc::ENOTCONN))?;
            Ok(network.endpoints[pair].credentials)
        })
    }

    fn nature(&mut self, fd: Fd) -> Result<Nature, Errno> {
        self.on(CallKind::Nature, fd, |network, id| {
            let end = &network.endpoints[id];
            Ok(Nature { family: end.family, listening: end.stage == EndpointState::Listening })
        })
    }

    fn set(&mut self, fd: Fd, option: SockOpt) -> Result<(), Errno> {
        self.on(CallKind::Set, fd, |network, id| {
            let end = &mut network.endpoints[id];
            let tcp_only = matches!(
                option,
                SockOpt::NoDelay
                    | SockOpt::Delay
                    | SockOpt::BindAddressNoPort
                    | SockOpt::PortRange(..)
            );
            if tcp_only && end.is_unix() {
                return Err(Errno(libc::EOPNOTSUPP));
            }
            end.options.push(option);
            Ok(())
        })
    }

    fn drop_syns(&mut self, fd: Fd) -> Result<(), Errno> {
        self.on(CallKind::Set, fd, |network, id| {
            let listening = network.endpoints[id].listening.as_mut().ok_or(Errno(libc::EINVAL))?;
            listening.drops_syns = true;
            Ok(())
        })
    }

    fn path_id(&mut self, addr: &Addr) -> Option<PathId> {
        self.network.borrow().path_id(addr)
    }

    fn descriptor_limit(&mut self) -> Fd {
        self.network.borrow().knobs.fd_limit
    }

    fn unlink(&mut self, addr: &Addr) {
        let network = &mut *self.network.borrow_mut();
        network.forget_path(addr);
        network.note(CallKind::Unlink, None);
    }

    fn unsent(&mut self, fd: Fd) -> Result<usize, Errno> {
        self.on(CallKind::Unsent, fd, |network, id| network.unsent(id))
    }

    fn pipe(&mut self) -> Result<Pipe, Errno> {
        self.call(CallKind::Pipe, None, Network::pipe)
    }

    fn close_pipe(&mut self, pipe: Pipe) {
        let network = &mut *self.network.borrow_mut();
        network.free(pipe.read);
        network.free(pipe.write);
        network.note(CallKind::ClosePipe, None);
    }

    fn splice_in(&mut self, socket: Fd, pipe: &Pipe, len: usize) -> Result<usize, Errno> {
        self.on(CallKind::SpliceIn, socket, |network, id| network.splice_in(socket, id, pipe, len))
    }

    fn splice_out(
        &mut self,
        pipe: &Pipe,
        socket: Fd,
        len: usize,
        more: bool,
    ) -> Result<usize, Errno> {
        self.network.borrow_mut().holds_signals = true;
        self.on(CallKind::SpliceOut, socket, |network, id| {
            network.splice_out(pipe, socket, id, len, more)
        })
    }

    fn settle_signals(&mut self) {
        self.network.borrow_mut().holds_signals = false;
    }
}
