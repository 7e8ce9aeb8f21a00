//! Simulated pipes: a row of slots, as in the kernel, where a part takes a whole one however small
//! it is.

use std::collections::VecDeque;

use super::endpoint::Id;
use super::network::{Network, Slot};
use crate::sys::{Errno, Fd, Pipe};

/// A page. It is what the capacity is told in; `Knobs::slot_bytes` is what really fits.
const PAGE: usize = 4096;

#[derive(Debug)]
pub(super) struct Slots {
    parts: VecDeque<VecDeque<u8>>,
    most: usize,
}

impl Slots {
    fn free(&self) -> usize {
        self.most - self.parts.len()
    }

    fn held(&self) -> usize {
        self.parts.iter().map(VecDeque::len).sum()
    }

    /// Fills fresh slots: what is left free in others stays so.
    fn put(&mut self, bytes: impl Iterator<Item = u8>, slot_bytes: usize) {
        let mut bytes = bytes.peekable();
        while bytes.peek().is_some() {
            self.parts.push_back(bytes.by_ref().take(slot_bytes).collect());
        }
    }

    fn take(&mut self, mut n: usize) -> Vec<u8> {
        let mut taken = Vec::with_capacity(n);
        while n > 0
            && let Some(part) = self.parts.front_mut()
        {
            let here = n.min(part.len());
            taken.extend(part.drain(..here));
            n -= here;
            if part.is_empty() {
                self.parts.pop_front();
            }
        }
        taken
    }
}

impl Network {
    pub(super) fn pipe(&mut self) -> Result<Pipe, Errno> {
        let slot = Slot::Pipe(self.pipes.len());
        let read = self.open(slot)?;
        let write = self.open(slot).inspect_err(|_| self.free(read))?;
        let most = self.knobs.pipe_slots.max(1);
        self.pipes.push(Slots { parts: VecDeque::new(), most });
        Ok(Pipe { read, write, capacity: most * PAGE })
    }

    /// # Panics
    /// When it is not an open pipe's end.
    #[track_caller]
    fn slots(&mut self, end: Fd) -> &mut Slots {
        match *self.slot(end, "splice") {
            Slot::Pipe(index) => &mut self.pipes[index],
            _ => panic!("splice on descriptor {}, which is no pipe", end.0),
        }
    }

    pub(super) fn splice_in(
        &mut self,
        fd: Fd,
        id: Id,
        pipe: &Pipe,
        len: usize,
    ) -> Result<usize, Errno> {
        assert_ne!(len, 0, "an empty splice reads as the end of input");
        let slot_bytes = self.knobs.slot_bytes.max(1);
        let slots = self.slots(pipe.write);
        let (free, held) = (slots.free(), slots.held());
        if free == 0 {
            return Err(Errno::AGAIN);
        }
        let ready = self.ready(id).read;
        // With bytes in the pipe it reads as a full one, of which no event tells: nothing is owed.
        let unlucky =
            if held == 0 { self.is_spurious(fd, ready) } else { ready && self.is_unlucky() };
        if unlucky {
            return Err(Errno::AGAIN);
        }
        let end = &mut self.endpoints[id];
        let n = end.receivable(len.min(free.saturating_mul(slot_bytes)), &self.knobs)?;
        let bytes: Vec<u8> = end.give(n).collect();
        self.slots(pipe.write).put(bytes.into_iter(), slot_bytes);
        self.make_way(id);
        Ok(n)
    }

    pub(super) fn splice_out(
        &mut self,
        pipe: &Pipe,
        fd: Fd,
        id: Id,
        len: usize,
        more: bool,
    ) -> Result<usize, Errno> {
        assert_ne!(len, 0, "an empty splice moves nothing");
        let held = self.slots(pipe.read).held();
        if held == 0 {
            return Err(Errno::AGAIN);
        }
        let n = self.sendable(fd, id, len.min(held))?;
        let bytes = self.slots(pipe.read).take(n);
        self.take(id, bytes, more);
        Ok(n)
    }
}
