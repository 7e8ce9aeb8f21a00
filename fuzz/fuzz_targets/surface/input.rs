//! What the input decides.

use std::cell::Cell;

/// The bytes of one run, read from front to end. Behind the end all of them are 0.
pub struct Input {
    bytes: Vec<u8>,
    at: Cell<usize>,
}

impl Input {
    pub fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), at: Cell::new(0) }
    }

    pub fn is_empty(&self) -> bool {
        self.at.get() >= self.bytes.len()
    }

    pub fn byte(&self) -> u8 {
        let at = self.at.replace(self.at.get() + 1);
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// A number below `limit`, 0 where there is none.
    pub fn below(&self, limit: usize) -> usize {
        let byte = usize::from(self.byte());
        let wide = if limit > 256 { byte << 8 | usize::from(self.byte()) } else { byte };
        wide.checked_rem(limit).unwrap_or(0)
    }

    /// Never true behind the end of the input.
    pub fn one_in(&self, n: u8) -> bool {
        self.byte() % n == n - 1
    }

    pub fn pick<T: Copy>(&self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// A number as a careless host has them.
    pub fn number(&self) -> u64 {
        match self.byte() % 8 {
            0 => 0,
            1 => 1,
            2 => u64::MAX,
            3 => u64::from(u32::MAX),
            4 => 1 << (self.byte() % 64),
            5 => u64::from_le_bytes(std::array::from_fn(|_| self.byte())),
            _ => u64::from(self.byte()),
        }
    }
}
