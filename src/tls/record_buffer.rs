//! The ciphertext that was received and has not been consumed.

use super::record::HEADER;
use crate::buffer::{Buffer, Pool};

/// The most ciphertext kept while a handshake message is incomplete, in bytes: the largest message
/// rustls takes (64 KiB) in records that are not absurdly small.
pub(super) const RESIDUAL_MAX: usize = 96 * 1024;

/// Ciphertext in a pooled buffer, which is held only while there is some.
///
/// The first `seen` bytes are those that rustls has read and still refers to by position (an
/// incomplete handshake message, decrypted and joined in place). They are passed to every call,
/// whole and as rustls left them: a call with less makes rustls panic.
#[derive(Default)]
pub(super) struct RecordBuffer {
    buffer: Option<Buffer>,
    seen: u32,
}

/// The next record that rustls has not been shown.
pub(super) struct NextRecord {
    /// Type, version and length.
    pub(super) header: [u8; HEADER],
    /// Where it ends in the record buffer, or where what is there of it ends.
    pub(super) end: usize,
    /// Whether all of it is there.
    pub(super) complete: bool,
}

impl RecordBuffer {
    pub(super) fn len(&self) -> usize {
        self.buffer.as_ref().map_or(0, Buffer::len)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.as_ref().map_or(&[], Buffer::bytes)
    }

    pub(super) const fn seen(&self) -> usize {
        self.seen as usize
    }

    /// The buffer to receive into, with room as long as less than [`RESIDUAL_MAX`] is held.
    pub(super) fn input(&mut self, pool: &mut Pool) -> &mut Buffer {
        let buffer = self.buffer.get_or_insert_with(|| pool.take());
        if buffer.room() == 0 {
            let held = buffer.len();
            buffer.reserve(held.min(RESIDUAL_MAX.saturating_sub(held)));
        }
        buffer
    }

    /// Resizes the buffer for `n` bytes, if what is held fits into that.
    pub(super) fn fit(&mut self, n: usize, pool: &mut Pool) {
        match &mut self.buffer {
            Some(buffer) => pool.refit(buffer, n),
            None => self.buffer = Some(pool.take_for(n)),
        }
    }

    pub(super) fn next(&self) -> Option<NextRecord> {
        let bytes = self.buffer.as_ref()?.bytes();
        let header = *bytes.get(self.seen()..)?.first_chunk::<HEADER>()?;
        let [_, _, _, high, low] = header;
        let end = self.seen() + HEADER + usize::from(u16::from_be_bytes([high, low]));
        Some(NextRecord { header, end: end.min(bytes.len()), complete: end <= bytes.len() })
    }

    /// The first `end` bytes, for rustls to decrypt in place.
    pub(super) fn shown(&mut self, end: usize) -> &mut [u8] {
        let Some(buffer) = &mut self.buffer else {
            return &mut [];
        };
        let end = end.min(buffer.len());
        &mut buffer.bytes_mut()[..end]
    }

    /// Ends a call into rustls that was shown the first `end` bytes and no longer needs the first
    /// `discard` of them. rustls refers to the rest, unless that was the beginning of a record, of
    /// which it remembers nothing.
    pub(super) fn used(&mut self, end: usize, whole_records: bool, discard: usize) {
        let Some(buffer) = &mut self.buffer else {
            return;
        };
        let discard = discard.min(buffer.len());
        buffer.consume(discard);
        let seen = if whole_records { end } else { self.seen() };
        self.seen = u32::try_from(seen.saturating_sub(discard)).unwrap_or(u32::MAX);
    }

    /// The first `n` bytes are used up. Not for bytes that rustls refers to.
    pub(super) fn consume(&mut self, n: usize) {
        if let Some(buffer) = &mut self.buffer {
            buffer.consume(n);
        }
    }

    pub(super) fn give_empty(&mut self, pool: &mut Pool) {
        pool.give_empty(&mut self.buffer);
    }

    /// Gives the buffer back with whatever is in it.
    pub(super) fn give_back(&mut self, pool: &mut Pool) {
        if let Some(buffer) = self.buffer.take() {
            pool.give(buffer);
        }
        self.seen = 0;
    }
}
