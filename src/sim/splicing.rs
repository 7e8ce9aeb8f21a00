//! What programs do with pipes: they make them, and move bytes from a socket in and out to another.

use super::network::Network;
use super::pipe::Slots;
use super::slot::{DescriptorSlot, EndpointId};
use crate::sys::{Errno, Fd, Pipe};

/// A page. The capacity is reported in pages; `Knobs::slot_bytes` is what really fits.
const PAGE: usize = 4096;

impl Network {
    pub(super) fn pipe(&mut self) -> Result<Pipe, Errno> {
        let slot = DescriptorSlot::Pipe(self.pipes.len());
        let read = self.open(slot)?;
        let write = self.open(slot).inspect_err(|_| self.free(read))?;
        let most = self.knobs.pipe_slots.max(1);
        self.pipes.push(Slots::new(most));
        Ok(Pipe { read, write, capacity: most * PAGE })
    }

    /// # Panics
    /// When it is not an open pipe's end.
    #[track_caller]
    fn slots(&mut self, end: Fd) -> &mut Slots {
        match *self.slot(end, "splice") {
            DescriptorSlot::Pipe(index) => &mut self.pipes[index],
            _ => panic!("splice on descriptor {}, which is no pipe", end.0),
        }
    }

    pub(super) fn splice_in(
        &mut self,
        fd: Fd,
        id: EndpointId,
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
        // With bytes in the pipe, EAGAIN means a full pipe, which no event reports: so no event is due.
        let unlucky =
            if held == 0 { self.is_spurious(fd, ready) } else { ready && self.is_unlucky() };
        if unlucky {
            return Err(Errno::AGAIN);
        }
        let end = &mut self.endpoints[id];
        let n = end.receivable(len.min(free.saturating_mul(slot_bytes)), &self.knobs)?;
        let bytes: Vec<u8> = end.give(n).collect();
        self.drop_begun(id);
        self.slots(pipe.write).put(bytes.into_iter(), slot_bytes);
        self.make_way(id);
        Ok(n)
    }

    pub(super) fn splice_out(
        &mut self,
        pipe: &Pipe,
        fd: Fd,
        id: EndpointId,
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
