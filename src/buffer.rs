//! Buffers for bytes in flight: a queue in one piece of memory, and the pool that it comes from and
//! returns to. A connection holds a buffer only while bytes are in flight; an idle one holds none.

use std::fmt;

/// The size of a pooled buffer: one TLS record of the largest size rustls accepts
/// (5 + 2^14 + 2^11, RFC 5246 section 6.2.3) and some room, in bytes.
pub const BUFFER_SIZE: usize = 18 * 1024 + 256;

/// The size of a pooled buffer for bulk, in bytes: four full records and the beginning of a fifth.
pub const BULK_SIZE: usize = 68 * 1024;

/// A first-in first-out queue of bytes in one contiguous piece of memory.
///
/// Invariant: `start <= end <= memory.len()`; the queue is `memory[start..end]`. The positions are of
/// 32 bits, since every connection has room for a queue in its record: no queue reaches 4 GiB.
#[derive(Default)]
pub struct Buffer {
    memory: Box<[u8]>,
    start: u32,
    end: u32,
}

impl Buffer {
    /// An empty queue with room for `size` bytes.
    #[must_use]
    pub fn with_size(size: usize) -> Self {
        Self { memory: vec![0; size].into_boxed_slice(), start: 0, end: 0 }
    }

    /// How many bytes wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether none waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// How many bytes fit in all, those that wait included.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.memory.len()
    }

    /// How many more bytes [`Buffer::space`] offers after moving what waits to the front.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.memory.len() - self.len()
    }

    /// The bytes that wait, oldest first.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start as usize..self.end as usize]
    }

    /// The bytes that wait, oldest first, to be processed in place.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start as usize..self.end as usize]
    }

    /// All the free memory, behind the bytes that wait, which are moved to the front first. Bytes
    /// written there are added to the queue by [`Buffer::commit`].
    pub fn space(&mut self) -> &mut [u8] {
        self.compact();
        &mut self.memory[self.end as usize..]
    }

    /// Adds the first `n` bytes of [`Buffer::space`] to the queue.
    pub fn commit(&mut self, n: usize) {
        let space = self.memory.len() - self.end as usize;
        debug_assert!(n <= space, "committed more than the space");
        self.end += n.min(space) as u32;
    }

    /// Drops the `n` oldest bytes.
    pub fn consume(&mut self, n: usize) {
        debug_assert!(n <= self.len(), "consumed more than waits");
        self.start += n.min(self.len()) as u32;
        if self.start == self.end {
            self.clear();
        }
    }

    /// Drops everything that waits.
    pub const fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Makes [`Buffer::space`] at least `n` bytes long, in larger memory if necessary.
    pub fn reserve(&mut self, n: usize) {
        if self.room() >= n {
            return;
        }
        let mut memory = vec![0; self.len() + n].into_boxed_slice();
        memory[..self.len()].copy_from_slice(self.bytes());
        self.end -= self.start;
        self.start = 0;
        self.memory = memory;
    }

    /// Appends `bytes`, in larger memory if necessary.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        if self.memory.len() - (self.end as usize) < bytes.len() {
            self.compact();
        }
        let end = self.end as usize;
        self.memory[end..end + bytes.len()].copy_from_slice(bytes);
        self.commit(bytes.len());
    }

    /// Appends as much of `bytes` as there is room for, and returns how much that was.
    pub fn fill(&mut self, bytes: &[u8]) -> usize {
        let n = bytes.len().min(self.room());
        self.extend(&bytes[..n]);
        n
    }

    /// Moves bytes from the front of the queue into `to`, and returns how many.
    pub fn drain_into(&mut self, to: &mut [u8]) -> usize {
        let n = self.len().min(to.len());
        to[..n].copy_from_slice(&self.bytes()[..n]);
        self.consume(n);
        n
    }

    fn compact(&mut self) {
        if self.start > 0 {
            self.memory.copy_within(self.start as usize..self.end as usize, 0);
            self.end -= self.start;
            self.start = 0;
        }
    }
}

impl fmt::Debug for Buffer {
    /// Only lengths are shown: the bytes are user data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} of {})", self.len(), self.capacity())
    }
}

/// The unused buffers. Those in use are counted, so that a leak is noticed.
#[derive(Debug, Default)]
pub struct Pool {
    free: Vec<Buffer>,
    free_bulk: Vec<Buffer>,
    in_use: usize,
    keep: usize,
    keep_bulk: usize,
}

impl Pool {
    /// A pool that keeps at most `keep` unused buffers, and `keep_bulk` of those for bulk.
    #[must_use]
    pub const fn new(keep: usize, keep_bulk: usize) -> Self {
        Self { free: Vec::new(), free_bulk: Vec::new(), in_use: 0, keep, keep_bulk }
    }

    /// An empty buffer of at least [`BUFFER_SIZE`].
    pub fn take(&mut self) -> Buffer {
        self.take_for(BUFFER_SIZE)
    }

    /// An empty buffer for `n` bytes: of [`BUFFER_SIZE`] if they fit in that, else of
    /// [`BULK_SIZE`], whether they fit or not.
    pub fn take_for(&mut self, n: usize) -> Buffer {
        self.in_use += 1;
        let size = size_for(n);
        let free = if size == BUFFER_SIZE { &mut self.free } else { &mut self.free_bulk };
        free.pop().unwrap_or_else(|| Buffer::with_size(size))
    }

    /// Takes a buffer back. One that has grown is dropped instead of kept.
    pub fn give(&mut self, mut buffer: Buffer) {
        debug_assert!(self.in_use > 0, "a buffer came back that was never taken");
        self.in_use = self.in_use.saturating_sub(1);
        let (free, keep) = match buffer.capacity() {
            BUFFER_SIZE => (&mut self.free, self.keep),
            BULK_SIZE => (&mut self.free_bulk, self.keep_bulk),
            _ => return,
        };
        if free.len() < keep {
            buffer.clear();
            free.push(buffer);
        }
    }

    /// Moves the content of `buffer` to a buffer of the size for `n` bytes, if its size is another and
    /// the content fits.
    pub fn refit(&mut self, buffer: &mut Buffer, n: usize) {
        let size = size_for(n);
        if buffer.capacity() == size || buffer.len() > size {
            return;
        }
        let mut other = self.take_for(n);
        other.extend(buffer.bytes());
        self.give(std::mem::replace(buffer, other));
    }

    /// Makes room for `n` more bytes in `buffer`, in a larger buffer if necessary: one for bulk, then at
    /// least twice as large each time.
    pub fn make_room(&mut self, buffer: &mut Buffer, n: usize) {
        if buffer.room() < n {
            self.refit(buffer, BULK_SIZE);
        }
        if buffer.room() < n {
            buffer.reserve(n.max(buffer.len()));
        }
    }

    /// Takes a buffer back when there is one and it is empty, so that no idle connection holds one.
    pub fn give_empty(&mut self, slot: &mut Option<Buffer>) {
        if let Some(buffer) = slot.take_if(|buffer| buffer.is_empty()) {
            self.give(buffer);
        }
    }

    /// How many buffers are in use.
    #[must_use]
    pub const fn in_use(&self) -> usize {
        self.in_use
    }
}

const fn size_for(n: usize) -> usize {
    if n <= BUFFER_SIZE { BUFFER_SIZE } else { BULK_SIZE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_the_order_they_came() {
        let mut buffer = Buffer::with_size(4);
        assert_eq!(buffer.fill(b"abcdef"), 4);
        buffer.consume(2);
        assert_eq!(buffer.fill(b"ef"), 2);
        assert_eq!(buffer.bytes(), b"cdef");
        let mut out = [0; 3];
        assert_eq!(buffer.drain_into(&mut out), 3);
        assert_eq!(&out, b"cde");
        assert_eq!(buffer.bytes(), b"f");
    }

    #[test]
    fn adding_moves_what_waits_only_where_the_end_has_no_room() {
        let mut buffer = Buffer::with_size(8);
        buffer.extend(b"abcd");
        buffer.consume(3);
        buffer.extend(b"efg");
        assert_eq!((buffer.start, buffer.bytes()), (3, &b"defg"[..]));
        buffer.extend(b"hi");
        assert_eq!((buffer.start, buffer.bytes(), buffer.capacity()), (0, &b"defghi"[..], 8));
    }

    #[test]
    fn reserving_keeps_what_waits() {
        let mut buffer = Buffer::with_size(4);
        buffer.extend(b"abcd");
        buffer.consume(1);
        buffer.reserve(10);
        assert!(buffer.room() >= 10);
        assert_eq!(buffer.bytes(), b"bcd");
    }

    #[test]
    fn a_pool_counts_what_is_out_and_drops_what_was_grown() {
        let mut pool = Pool::new(1, 1);
        let mut grown = pool.take();
        let plain = pool.take();
        assert_eq!(pool.in_use(), 2);
        grown.reserve(BUFFER_SIZE + 1);
        pool.give(grown);
        pool.give(plain);
        assert_eq!(pool.in_use(), 0);
        assert_eq!(pool.take().capacity(), BUFFER_SIZE);
    }

    #[test]
    fn bulk_has_buffers_of_its_own_size_which_are_kept_apart() {
        let mut pool = Pool::new(1, 1);
        let bulk = pool.take_for(BUFFER_SIZE + 1);
        let plain = pool.take_for(BUFFER_SIZE);
        assert_eq!((bulk.capacity(), plain.capacity()), (BULK_SIZE, BUFFER_SIZE));
        pool.give(bulk);
        pool.give(plain);
        assert_eq!(pool.in_use(), 0);
        assert_eq!(pool.take_for(BULK_SIZE).capacity(), BULK_SIZE);
        assert_eq!(pool.take().capacity(), BUFFER_SIZE);
    }

    #[test]
    fn what_waits_moves_to_another_size_only_if_it_fits() {
        let mut pool = Pool::new(1, 1);
        let mut buffer = pool.take();
        buffer.extend(b"waits");
        pool.refit(&mut buffer, BULK_SIZE);
        assert_eq!((buffer.capacity(), buffer.bytes()), (BULK_SIZE, &b"waits"[..]));
        pool.refit(&mut buffer, 1);
        assert_eq!((buffer.capacity(), buffer.bytes()), (BUFFER_SIZE, &b"waits"[..]));
        pool.refit(&mut buffer, BULK_SIZE);
        buffer.extend(&[0; BUFFER_SIZE]);
        pool.refit(&mut buffer, 1);
        assert_eq!((buffer.capacity(), buffer.len()), (BULK_SIZE, BUFFER_SIZE + 5));
        assert_eq!(pool.in_use(), 1);
    }
}
