//! Pipes, and moving bytes through them without a copy of ours.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::ptr::null_mut;

use super::call::{repeat, repeat_int};
use super::errno::Errno;
use super::fd::Fd;
use super::{sigpipe, socket};

/// The two ends of a pipe, and how much it holds. Copying it copies no ownership: it is given back
/// once, by [`Net::close_pipe`](super::Net::close_pipe).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipe {
    /// Where bytes come out.
    pub read: Fd,
    /// Where bytes go in.
    pub write: Fd,
    /// The most bytes it holds, and fewer when they came in small parts: each takes a page of it.
    pub capacity: usize,
}

impl Pipe {
    /// What a fresh pipe holds at least. One that holds less was made when its user had pipes
    /// beyond the quota (`/proc/sys/fs/pipe-user-pages-soft`); it has a page or two, and moves
    /// bytes slower than copying does.
    pub const FULL_CAPACITY: usize = 64 * 1024;
}

/// `SPLICE_F_NONBLOCK` is about the pipe: whether the socket blocks is decided by its `O_NONBLOCK` alone
/// (`tcp_splice_read`, `splice_to_socket`), except in reads from a unix socket. Nothing stands for
/// `MSG_DONTWAIT` here, so splicing is for sockets whose status flags no other process changes.
const FLAGS: libc::c_uint = libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK;

pub(super) fn open() -> Result<Pipe, Errno> {
    let mut ends: [c_int; 2] = [-1; 2];
    repeat_int(|| {
        // SAFETY: the pointer is to two integers that outlive the call.
        unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK | libc::O_CLOEXEC) }
    })?;
    let [read, write] = ends.map(Fd);
    let capacity = repeat_int(|| {
        // SAFETY: this command takes no argument.
        unsafe { libc::fcntl(write.0, libc::F_GETPIPE_SZ) }
    });
    match capacity {
        Ok(bytes) => Ok(Pipe { read, write, capacity: bytes.unsigned_abs() as usize }),
        Err(errno) => {
            [read, write].into_iter().for_each(socket::close);
            Err(errno)
        }
    }
}

/// Raises no signal: SIGPIPE requires a pipe without a reader, and the reading end is ours.
pub(super) fn splice_in(socket: Fd, pipe: &Pipe, len: usize) -> Result<usize, Errno> {
    splice(socket, pipe.write, len, FLAGS)
}

pub(super) fn splice_out(pipe: &Pipe, socket: Fd, len: usize, more: bool) -> Result<usize, Errno> {
    let flags = FLAGS | if more { libc::SPLICE_F_MORE } else { 0 };
    sigpipe::hold();
    let answer = splice(pipe.read, socket, len, flags);
    sigpipe::note(answer, len);
    answer
}

fn splice(from: Fd, to: Fd, len: usize, flags: libc::c_uint) -> Result<usize, Errno> {
    debug_assert_ne!(len, 0, "an empty splice reads as the end of input");
    repeat(|| {
        // SAFETY: without offsets it takes no pointer into our memory.
        unsafe { libc::splice(from.0, null_mut(), to.0, null_mut(), len, flags) }
    })
}
