//! Memory of exactly the size that a call is told, so that a byte beyond it is found.

use std::alloc::{Layout, alloc_zeroed, dealloc};

/// Zeros at first, aligned for every struct of the header.
pub struct Block {
    start: *mut u8,
    layout: Layout,
    len: usize,
}

impl Block {
    pub fn new(len: usize) -> Self {
        let layout = Layout::from_size_align(len.max(1), 8).expect("a small size");
        let start = unsafe { alloc_zeroed(layout) };
        assert!(!start.is_null(), "there is memory");
        Self { start, layout, len }
    }

    pub fn filled(bytes: &[u8]) -> Self {
        let block = Self::new(bytes.len());
        unsafe { block.start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        block
    }

    pub const fn len(&self) -> usize {
        self.len
    }

    pub const fn at<T>(&self) -> *mut T {
        self.start.cast()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        unsafe { dealloc(self.start, self.layout) };
    }
}

/// A struct of the header, and what its pointers point to.
pub struct Struct {
    block: Block,
    _parts: Vec<Block>,
}

impl Struct {
    /// Its size in bytes.
    pub const fn len(&self) -> usize {
        self.block.len()
    }

    /// `value` cut to `size` bytes, or with zeros or `tail` behind it; its first field says `size`.
    pub fn new<T>(value: &T, size: usize, tail: u8, parts: Vec<Block>) -> Self {
        let block = Block::new(size);
        let known = size.min(size_of::<T>());
        unsafe { block.start.copy_from_nonoverlapping(std::ptr::from_ref(value).cast(), known) };
        for at in known..size {
            unsafe { block.start.add(at).write(tail) };
        }
        if size >= size_of::<u32>() {
            unsafe { block.at::<u32>().write(size as u32) };
        }
        Self { block, _parts: parts }
    }

    pub const fn at<T>(&self) -> *mut T {
        self.block.at()
    }
}
