//! For tests: what the kernel says a descriptor is ready for. Waiting is bounded.
#![allow(unsafe_code)]

use std::ffi::c_int;

use super::call::repeat_int;
use super::clock::monotonic;
use super::fd::Fd;
use crate::time::MILLISECOND;

/// Far longer than anything on this machine takes: a test that waits so long has failed.
const PATIENCE_MS: c_int = 10_000;

const EVERYTHING: i16 = libc::POLLIN | libc::POLLOUT | libc::POLLRDHUP;

/// What is true of `fd` now, as `poll(2)` bits.
pub(crate) fn state(fd: Fd) -> i16 {
    poll(fd, EVERYTHING, 0)
}

/// Waits until one of `events` is true of `fd` and tells all that is. HUP and ERR always count.
pub(crate) fn wait(fd: Fd, events: i16) -> i16 {
    let seen = poll(fd, events, PATIENCE_MS);
    assert_ne!(seen, 0, "descriptor {} never became ready for {events:#x}", fd.0);
    state(fd)
}

/// Looks until `wanted` is true of the `poll(2)` bits of `fd`, for what no event tells.
pub(crate) fn until(fd: Fd, wanted: impl Fn(i16) -> bool) -> bool {
    let end = monotonic() + u64::from(PATIENCE_MS.unsigned_abs()) * MILLISECOND;
    while monotonic() < end {
        if wanted(state(fd)) {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

fn poll(fd: Fd, events: i16, timeout: c_int) -> i16 {
    let mut entry = libc::pollfd { fd: fd.0, events, revents: 0 };
    let ready = repeat_int(|| {
        // SAFETY: the pointer is to one `pollfd` that outlives the call.
        unsafe { libc::poll(&raw mut entry, 1, timeout) }
    });
    assert!(ready.is_ok(), "poll(2) failed");
    entry.revents
}
