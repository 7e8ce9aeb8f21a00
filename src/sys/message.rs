//! Messages: several buffers in one call, and descriptors beside the bytes (unix(7), `SCM_RIGHTS`).
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::io::IoSlice;
use std::mem::offset_of;
use std::ptr::null_mut;

use super::call::{get_int, repeat};
use super::errno::Errno;
use super::fd::{Fd, Passed};
use super::socket::close;

/// No descriptor has this number.
const NONE: c_int = -1;

/// A control message of one descriptor, aligned and laid out as cmsg(3) says.
#[repr(C)]
struct Rights {
    header: libc::cmsghdr,
    fd: c_int,
}

/// The length of [`Rights`] without its padding (`CMSG_LEN`). With the padding (`CMSG_SPACE`) the kernel
/// would find room for a second descriptor.
const RIGHTS_LEN: usize = offset_of!(Rights, fd) + size_of::<c_int>();

/// The kernel looks for the first descriptor at `CMSG_ALIGN(sizeof(struct cmsghdr))`.
const _: () = assert!(offset_of!(Rights, fd).is_multiple_of(size_of::<usize>()));

impl Rights {
    fn of(fd: c_int) -> Self {
        // SAFETY: all of it is integers, which may be 0. Some C libraries have padding of their own in it.
        let mut header: libc::cmsghdr = unsafe { std::mem::zeroed() };
        header.cmsg_len = RIGHTS_LEN as _;
        header.cmsg_level = libc::SOL_SOCKET;
        header.cmsg_type = libc::SCM_RIGHTS;
        Self { header, fd }
    }

    /// The descriptor that the kernel wrote here.
    fn descriptor(&self) -> Option<Fd> {
        let Self { header, fd } = self;
        #[allow(clippy::unnecessary_cast, reason = "its type differs between C libraries")]
        let is_whole = header.cmsg_len as usize == RIGHTS_LEN;
        let is_rights =
            (header.cmsg_level, header.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS);
        (is_whole && is_rights && *fd != NONE).then_some(Fd(*fd))
    }
}

/// A message of `count` buffers and `control_len` bytes of control messages. The types of the lengths differ
/// between C libraries.
fn message(
    bufs: *mut libc::iovec,
    count: usize,
    control: *mut c_void,
    control_len: usize,
) -> libc::msghdr {
    // SAFETY: all of it is integers, which may be 0, and pointers, which may be NULL. Some C libraries have
    // padding of their own in it.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = bufs;
    message.msg_iovlen = count as _;
    message.msg_control = control;
    message.msg_controllen = control_len as _;
    message
}

pub(super) fn send(fd: Fd, bufs: &[IoSlice<'_>], flags: c_int) -> Result<usize, Errno> {
    // `IoSlice` is an `iovec` in memory, as std promises; sendmsg only reads it.
    let message = message(bufs.as_ptr().cast_mut().cast(), bufs.len(), null_mut(), 0);
    repeat(|| {
        // SAFETY: the message describes `bufs`, which outlives the call, and nothing else.
        unsafe { libc::sendmsg(fd.0, &raw const message, flags) }
    })
}

pub(super) fn send_passing(fd: Fd, bytes: &[u8], passed: Fd, flags: c_int) -> Result<usize, Errno> {
    // TCP ignores `SCM_RIGHTS` without an error (`__sock_cmsg_send`).
    if get_int(fd, libc::SOL_SOCKET, libc::SO_DOMAIN)? != libc::AF_UNIX {
        return Err(Errno(libc::EOPNOTSUPP));
    }
    let bufs = [IoSlice::new(bytes)];
    let mut rights = Rights::of(passed.0);
    let message = message(bufs.as_ptr().cast_mut().cast(), 1, (&raw mut rights).cast(), RIGHTS_LEN);
    repeat(|| {
        // SAFETY: the message describes `bufs` and `rights`, which outlive the call; it only reads.
        unsafe { libc::sendmsg(fd.0, &raw const message, flags) }
    })
}

pub(super) fn recv_passed(fd: Fd, buf: &mut [u8], flags: c_int) -> Result<(usize, Passed), Errno> {
    let mut room = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
    let mut rights = Rights::of(NONE);
    let mut message = message(&raw mut room, 1, (&raw mut rights).cast(), RIGHTS_LEN);
    let n = repeat(|| {
        // SAFETY: the message describes `buf` and `rights`, which outlive the call and which nothing
        // else can see; any bytes are valid in both.
        unsafe { libc::recvmsg(fd.0, &raw mut message, flags | libc::MSG_CMSG_CLOEXEC) }
    })?;
    let passed = match rights.descriptor() {
        // What finds no room is closed by the kernel; what found room is a number of this process.
        came if message.msg_flags & libc::MSG_CTRUNC != 0 => {
            came.into_iter().for_each(close);
            Passed::Lost
        }
        Some(fd) => Passed::Descriptor(fd),
        None => Passed::Nothing,
    };
    Ok((n, passed))
}
