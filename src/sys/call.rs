//! How a system call's answer becomes a `Result`, and the two calls that read and write options.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::io;

use super::errno::Errno;
use super::fd::Fd;

/// The error the last system call of this thread left.
pub(super) fn last_errno() -> Errno {
    Errno(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
}

/// Makes a call that answers -1 on failure, and repeats it while a signal interrupts it.
pub(super) fn repeat(mut call: impl FnMut() -> isize) -> Result<usize, Errno> {
    loop {
        if let Ok(answer) = usize::try_from(call()) {
            return Ok(answer);
        }
        let errno = last_errno();
        if errno.0 != libc::EINTR {
            return Err(errno);
        }
    }
}

/// [`repeat`] for calls that answer an `int`.
pub(super) fn repeat_int(mut call: impl FnMut() -> c_int) -> Result<c_int, Errno> {
    loop {
        let answer = call();
        if answer >= 0 {
            return Ok(answer);
        }
        let errno = last_errno();
        if errno.0 != libc::EINTR {
            return Err(errno);
        }
    }
}

/// Sets a socket option whose value is a plain libc struct or an `int`.
pub(super) fn set_option<T: Copy>(
    fd: Fd,
    level: c_int,
    name: c_int,
    value: T,
) -> Result<(), Errno> {
    let len = length::<T>();
    repeat_int(|| {
        // SAFETY: the pointer and the length describe `value`, which outlives the call.
        unsafe { libc::setsockopt(fd.0, level, name, (&raw const value).cast(), len) }
    })
    .map(drop)
}

/// Reads a socket option into `value`. `T` must be valid whatever its bytes are.
///
/// # Safety
/// The kernel may write any bytes into `T`: it must be an integer or a libc struct of integers.
pub(super) unsafe fn get_option<T: Copy>(
    fd: Fd,
    level: c_int,
    name: c_int,
    mut value: T,
) -> Result<T, Errno> {
    repeat_int(|| {
        let mut len = length::<T>();
        // SAFETY: the pointer and the length describe `value`, which outlives the call.
        unsafe { libc::getsockopt(fd.0, level, name, (&raw mut value).cast(), &raw mut len) }
    })?;
    Ok(value)
}

/// Reads a socket option that is an `int`.
pub(super) fn get_int(fd: Fd, level: c_int, name: c_int) -> Result<c_int, Errno> {
    // SAFETY: any bytes are an `int`.
    unsafe { get_option(fd, level, name, 0) }
}

fn length<T>() -> libc::socklen_t {
    // No option is longer than a few bytes; the cast cannot cut.
    size_of::<T>() as libc::socklen_t
}
