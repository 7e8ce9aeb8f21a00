//! A descriptor that one thread makes readable for another.
#![allow(unsafe_code)]

use super::call::{repeat, repeat_int};
use super::errno::Errno;
use super::fd::Fd;

/// A new descriptor, which is not readable.
///
/// # Errors
/// The system is out of descriptors or memory.
pub fn open() -> Result<Fd, Errno> {
    // SAFETY: it takes numbers only.
    repeat_int(|| unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) }).map(Fd)
}

/// Makes it readable, until it is cleared.
pub fn signal(wake_fd: Fd) {
    let one = 1_u64.to_ne_bytes();
    // It fails only when the counter is at its limit, 2^64 - 2, and then the descriptor is
    // readable.
    // SAFETY: the pointer is to eight bytes that outlive the call.
    let _ = repeat(|| unsafe { libc::write(wake_fd.0, one.as_ptr().cast(), one.len()) });
}

/// Makes it not readable.
pub fn clear(wake_fd: Fd) {
    let mut count = [0_u8; 8];
    // It fails only when the descriptor is not readable already.
    // SAFETY: the pointer is to eight bytes that outlive the call.
    let _ = repeat(|| unsafe { libc::read(wake_fd.0, count.as_mut_ptr().cast(), count.len()) });
}
