//! Making, binding, connecting and closing sockets, for all modules of this folder.
#![allow(unsafe_code)]

use super::addr::{Addr, Family};
use super::call::repeat_int;
use super::errno::Errno;
use super::fd::Fd;
use super::sockaddr::RawAddr;

pub(super) fn socket(family: Family) -> Result<Fd, Errno> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    repeat_int(|| {
        // SAFETY: it takes no pointer.
        unsafe { libc::socket(family.number(), kind, 0) }
    })
    .map(Fd)
}

pub(super) fn bind(fd: Fd, addr: &Addr) -> Result<(), Errno> {
    let raw = RawAddr::of(addr)?;
    let (pointer, len) = raw.for_reading();
    repeat_int(|| {
        // SAFETY: the pointer and the length describe `raw`, which outlives the call.
        unsafe { libc::bind(fd.0, pointer, len) }
    })
    .map(drop)
}

pub(super) fn connect(fd: Fd, addr: &Addr) -> Result<(), Errno> {
    let raw = RawAddr::of(addr)?;
    let (pointer, len) = raw.for_reading();
    let answer = repeat_int(|| {
        // SAFETY: the pointer and the length describe `raw`, which outlives the call.
        unsafe { libc::connect(fd.0, pointer, len) }
    });
    match answer {
        Ok(_) | Err(Errno(libc::EISCONN)) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Never repeated: Linux has given the number back even when it answers EINTR.
pub(super) fn close(fd: Fd) {
    // SAFETY: it takes no pointer; the caller owns the number and does not use it again.
    let _the_number_is_gone = unsafe { libc::close(fd.0) };
}
