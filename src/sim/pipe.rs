//! Simulated pipes: a list of slots, as in the kernel, where a part takes a whole slot however small it
//! is.

use std::collections::VecDeque;

#[derive(Debug)]
pub(super) struct Slots {
    parts: VecDeque<VecDeque<u8>>,
    most: usize,
}

impl Slots {
    /// An empty pipe of `most` slots.
    pub(super) fn new(most: usize) -> Self {
        Self { parts: VecDeque::new(), most }
    }

    pub(super) fn free(&self) -> usize {
        self.most - self.parts.len()
    }

    pub(super) fn held(&self) -> usize {
        self.parts.iter().map(VecDeque::len).sum()
    }

    /// Fills unused slots: free space in partly filled ones stays unused.
    pub(super) fn put(&mut self, bytes: impl Iterator<Item = u8>, slot_bytes: usize) {
        let mut bytes = bytes.peekable();
        while bytes.peek().is_some() {
            self.parts.push_back(bytes.by_ref().take(slot_bytes).collect());
        }
    }

    pub(super) fn take(&mut self, mut n: usize) -> Vec<u8> {
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
