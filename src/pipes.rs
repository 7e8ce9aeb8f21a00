//! The pool of pipes: a stream with a bulk transfer borrows one for each direction, and an idle one
//! holds none.

use std::num::NonZeroU16;

use crate::sys::{Errno, Fd, Net, Pipe};

/// The most unused pipes that are kept.
const KEPT: usize = 8;
/// After a pipe could not be had, so many requests get none without a system call.
const REST: u32 = 256;

/// A pipe that is borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PipeId(NonZeroU16);

impl PipeId {
    fn of(index: usize) -> Option<Self> {
        NonZeroU16::new(u16::try_from(index + 1).ok()?).map(Self)
    }

    const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// All pipes of an engine.
#[derive(Debug, Default)]
pub(crate) struct Pipes {
    pipes: Vec<Option<Pipe>>,
    /// Indices in [`Pipes::pipes`] whose pipe is empty and unused.
    idle: Vec<PipeId>,
    /// Indices in [`Pipes::pipes`] without a pipe.
    vacant: Vec<PipeId>,
    on_loan: usize,
    most: usize,
    rest: u32,
}

impl Pipes {
    /// A pool of at most `most` pipes at a time.
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.min(usize::from(u16::MAX) - 1), ..Self::default() }
    }

    /// A pipe of full capacity, if one may be had with descriptors below `ceiling`.
    pub(crate) fn take<N: Net>(&mut self, net: &mut N, ceiling: Fd) -> Option<PipeId> {
        if self.on_loan >= self.most {
            return None;
        }
        if let Some(id) = self.idle.pop() {
            self.on_loan += 1;
            return Some(id);
        }
        if self.rest > 0 {
            self.rest -= 1;
            return None;
        }
        let pipe = net.pipe().ok();
        let usable = pipe.filter(|pipe| {
            pipe.capacity >= Pipe::FULL_CAPACITY && pipe.read.max(pipe.write) < ceiling
        });
        let Some(usable) = usable else {
            // The user's quota of pipe memory, or the descriptors, are used up: a system call for each
            // request would cost more than copying.
            self.rest = REST;
            if let Some(pipe) = pipe {
                net.close_pipe(pipe);
            }
            return None;
        };
        let id = self.vacant.pop().or_else(|| {
            self.pipes.push(None);
            PipeId::of(self.pipes.len() - 1)
        })?;
        *self.pipes.get_mut(id.index())? = Some(usable);
        self.on_loan += 1;
        Some(id)
    }

    /// How many pipes are borrowed.
    pub(crate) const fn on_loan(&self) -> usize {
        self.on_loan
    }

    /// Lends no pipe any more: the system does not allow splicing.
    pub(crate) const fn forbid(&mut self) {
        self.most = 0;
    }

    /// Takes a pipe back. One that still holds bytes is closed.
    pub(crate) fn give<N: Net>(&mut self, net: &mut N, id: PipeId, holds_bytes: bool) {
        self.on_loan = self.on_loan.saturating_sub(1);
        if holds_bytes || self.idle.len() >= KEPT {
            self.close(net, id);
        } else {
            self.idle.push(id);
        }
    }

    /// Moves bytes from a socket into an empty pipe, at most `most`, which is not 0; 0 is the end of input.
    pub(crate) fn fill<N: Net>(
        &self,
        net: &mut N,
        id: PipeId,
        socket: Fd,
        most: usize,
    ) -> Result<usize, Errno> {
        match self.pipes.get(id.index()) {
            Some(Some(pipe)) => net.splice_in(socket, pipe, pipe.capacity.min(most)),
            _ => Err(Errno(libc::EBADF)),
        }
    }

    /// Moves bytes from a pipe into a socket.
    pub(crate) fn drain<N: Net>(
        &self,
        net: &mut N,
        id: PipeId,
        socket: Fd,
        held: usize,
    ) -> Result<usize, Errno> {
        match self.pipes.get(id.index()) {
            Some(Some(pipe)) => net.splice_out(pipe, socket, held, false),
            _ => Err(Errno(libc::EBADF)),
        }
    }

    /// Closes the unused pipes.
    pub(crate) fn close_idle<N: Net>(&mut self, net: &mut N) {
        while let Some(id) = self.idle.pop() {
            self.close(net, id);
        }
    }

    /// Closes all pipes, used or not, when the engine ends.
    pub(crate) fn close_all<N: Net>(&mut self, net: &mut N) {
        self.idle.clear();
        for pipe in self.pipes.drain(..).flatten() {
            net.close_pipe(pipe);
        }
    }

    fn close<N: Net>(&mut self, net: &mut N, id: PipeId) {
        if let Some(pipe) = self.pipes.get_mut(id.index()).and_then(Option::take) {
            net.close_pipe(pipe);
            self.vacant.push(id);
        }
    }
}
