//! Descriptors on their way through a unix socket. Each is a further handle of what it stands for, until it
//! has a number of its own or is dropped.

use super::endpoint::{EndpointOwner, Incoming};
use super::network::Network;
use super::slot::{DescriptorSlot, EndpointId, Passing};
use crate::sys::{Errno, Fd, Passed};

impl Incoming {
    /// How many of the next `n` bytes one read gives: none behind a message that carries a descriptor
    /// (unix_stream_read_generic).
    pub(super) fn up_to_passing(&self, n: usize) -> usize {
        match self.passing.front() {
            Some(passing) if passing.first < self.given + n as u64 => {
                n.min(usize::try_from(passing.end - self.given).unwrap_or(n))
            }
            _ => n,
        }
    }

    /// The descriptor of a message whose first byte was given.
    fn take_begun(&mut self) -> Option<DescriptorSlot> {
        let begun = self.passing.pop_front_if(|passing| passing.first < self.given);
        begun.map(|passing| passing.what)
    }
}

impl Network {
    pub(super) fn send_passing(
        &mut self,
        fd: Fd,
        id: EndpointId,
        bytes: &[u8],
        passed: Fd,
    ) -> Result<usize, Errno> {
        assert!(!bytes.is_empty(), "a descriptor goes with a byte");
        let what = *self.slot(passed, "pass");
        if !self.endpoints[id].is_unix() {
            return Err(Errno(libc::EOPNOTSUPP));
        }
        let n = self.sendable(fd, id, bytes.len())?;
        let end = &self.endpoints[id];
        let first = end.out.taken;
        // Where the other end is closed, the bytes are dropped as well when they arrive.
        let pair = end.pair.filter(|&pair| self.endpoints[pair].owner != EndpointOwner::Nobody);
        if let Some(pair) = pair {
            let passing = Passing { first, end: first + n as u64, what };
            self.endpoints[pair].input.passing.push_back(passing);
            if let DescriptorSlot::Socket(id) = what {
                self.endpoints[id].further_handles += 1;
            }
        }
        self.take(id, bytes[..n].iter().copied(), false);
        Ok(n)
    }

    pub(super) fn recv_passed(
        &mut self,
        fd: Fd,
        id: EndpointId,
        buf: &mut [u8],
    ) -> Result<(usize, Passed), Errno> {
        let n = self.receive(fd, id, buf)?;
        let Some(what) = self.endpoints[id].input.take_begun() else {
            return Ok((n, Passed::Nothing));
        };
        let Ok(number) = self.open(what) else {
            self.drop_passed(what);
            return Ok((n, Passed::Lost));
        };
        Ok((n, Passed::Descriptor(number)))
    }

    /// The bytes were read by a call that takes no descriptor.
    pub(super) fn drop_begun(&mut self, id: EndpointId) {
        while let Some(what) = self.endpoints[id].input.take_begun() {
            self.drop_passed(what);
        }
    }

    /// The end was closed, and its bytes will not be read.
    pub(super) fn drop_unread(&mut self, id: EndpointId) {
        for passing in std::mem::take(&mut self.endpoints[id].input.passing) {
            self.drop_passed(passing.what);
        }
    }

    fn drop_passed(&mut self, what: DescriptorSlot) {
        if let DescriptorSlot::Socket(id) = what {
            self.give_up(id, false);
        }
    }
}
