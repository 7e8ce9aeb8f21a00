//! What the kernel says of descriptors and of this process, for who checks that a host keeps its contract:
//! nothing here waits or changes anything.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::fmt;
use std::mem::MaybeUninit;

use super::call::repeat_int;
use super::clock::monotonic;
use super::fd::Fd;
use crate::time::Time;

/// Which file a descriptor refers to: device and number. No two files that are open have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// The device.
    pub device: u64,
    /// The number on it.
    pub number: u64,
}

/// What a descriptor is asked for, and what is true of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FdCondition {
    /// The descriptor.
    pub fd: Fd,
    /// In: whether reading is asked for. Out: whether it would not wait.
    pub readable: bool,
    /// In: whether writing is asked for. Out: whether it would not wait.
    pub writable: bool,
    /// Out: the peer has ended its side, or the descriptor has failed.
    pub ended: bool,
}

/// The kernel in production, a table in tests.
pub trait Inspection: fmt::Debug + Send {
    /// Fills in the conditions of all of `list`; those of a number that is not open are all false.
    fn conditions(&self, list: &mut [FdCondition]);

    /// Which file a descriptor refers to; `None` if it is not open.
    fn file_id(&self, fd: Fd) -> Option<FileId>;

    /// How many bytes wait to be read, as far as the kind of descriptor tells.
    fn unread(&self, fd: Fd) -> usize;

    /// CLOCK_MONOTONIC.
    fn monotonic(&self) -> Time;
}

/// The kernel.
#[derive(Clone, Copy, Debug)]
pub struct KernelInspection;

impl Inspection for KernelInspection {
    fn conditions(&self, list: &mut [FdCondition]) {
        let mut polled: Vec<libc::pollfd> = list.iter().map(question).collect();
        let count = polled.len() as libc::nfds_t;
        let answer = repeat_int(|| {
            // SAFETY: the pointer is to `count` entries that outlive the call; it does not wait.
            unsafe { libc::poll(polled.as_mut_ptr(), count, 0) }
        });
        for (condition, entry) in list.iter_mut().zip(&polled) {
            let is = |bits: i16| answer.is_ok() && entry.revents & bits != 0;
            condition.readable &= is(libc::POLLIN);
            condition.writable &= is(libc::POLLOUT);
            condition.ended = is(libc::POLLRDHUP | libc::POLLHUP | libc::POLLERR);
        }
    }

    fn file_id(&self, fd: Fd) -> Option<FileId> {
        let mut found = MaybeUninit::<libc::stat>::zeroed();
        // SAFETY: `found` is room for what is written.
        let answer = unsafe { libc::fstat(fd.0, found.as_mut_ptr()) };
        if answer != 0 {
            return None;
        }
        // SAFETY: zeroed and then filled: all fields are integers.
        let found = unsafe { found.assume_init() };
        Some(FileId { device: found.st_dev, number: found.st_ino })
    }

    fn unread(&self, fd: Fd) -> usize {
        let mut bytes: c_int = 0;
        // SAFETY: the pointer is to an integer that outlives the call.
        let answer = unsafe { libc::ioctl(fd.0, libc::FIONREAD, &raw mut bytes) };
        if answer == 0 { usize::try_from(bytes).unwrap_or(0) } else { 0 }
    }

    fn monotonic(&self) -> Time {
        monotonic()
    }
}

fn question(condition: &FdCondition) -> libc::pollfd {
    let read = if condition.readable { libc::POLLIN } else { 0 };
    let write = if condition.writable { libc::POLLOUT } else { 0 };
    libc::pollfd { fd: condition.fd.0, events: read | write | libc::POLLRDHUP, revents: 0 }
}

/// The number of this process, which a child of a fork has not.
#[must_use]
pub fn process_id() -> u32 {
    // SAFETY: it has no precondition.
    unsafe { libc::getpid() }.cast_unsigned()
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use crate::sys::wake_fd;

    #[test]
    fn a_descriptor_is_what_was_done_to_it() {
        let fd = wake_fd::open().expect("a descriptor");
        let look = || {
            let mut one = [FdCondition { fd, readable: true, writable: true, ended: false }];
            KernelInspection.conditions(&mut one);
            one[0]
        };
        assert_eq!(look(), FdCondition { fd, readable: false, writable: true, ended: false });
        wake_fd::signal(fd);
        assert!(look().readable);
        let other = wake_fd::open().expect("a descriptor");
        assert!(KernelInspection.file_id(fd).is_some());
        crate::sys::Net::close(&mut crate::sys::Kernel, other);
        crate::sys::Net::close(&mut crate::sys::Kernel, fd);
    }

    #[test]
    fn a_number_that_is_not_open_has_no_file_and_no_condition() {
        let fd = Fd(-1);
        let mut one = [FdCondition { fd, readable: true, writable: true, ended: false }];
        KernelInspection.conditions(&mut one);
        assert!(!one[0].readable && !one[0].writable && !one[0].ended);
        assert_eq!(KernelInspection.file_id(fd), None);
        assert_eq!(KernelInspection.unread(fd), 0);
    }
}
