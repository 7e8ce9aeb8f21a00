//! The socket calls, behind one trait, and the only place beside `ffi` where `unsafe` is allowed.
//!
//! [`Net`] is the kernel in production ([`Kernel`]) and a simulated network under virtual time in
//! tests (`crate::sim`). It holds neither readiness nor time: readiness is only ever a hint that
//! the host passes in, and truth comes from the call.

mod addr;
mod addr_text;
pub mod bell;
mod call;
mod clock;
mod errno;
mod errno_guard;
mod file;
mod kernel;
mod listen;
mod pipe;
#[cfg(all(test, not(miri)))]
pub(crate) mod poll;
mod sigpipe;
mod sockaddr;
mod thread;
mod wall;

pub use addr::{Addr, Family, UNIX_PATH_MAX};
pub use addr_text::{AddrError, Shown};
pub use clock::monotonic;
pub use errno::Errno;
pub use errno_guard::{ErrnoGuard, errno_saved};
pub use file::read_file;
pub use kernel::Kernel;
pub use pipe::Pipe;
pub use thread::thread_token;
pub use wall::{WallClock, WallTime};

use std::io::IoSlice;
use std::net::IpAddr;

/// A descriptor number. Copying it copies no ownership: the engine closes each exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fd(pub i32);

/// How a listening socket is opened.
#[derive(Clone, Debug)]
pub struct ListenSpec {
    /// Where to listen. Port 0 lets the kernel choose; [`Net::local`] tells what it chose.
    pub addr: Addr,
    /// Connections the kernel keeps waiting for `accept`.
    pub backlog: i32,
    /// `SO_REUSEPORT`: several sockets share the port and the kernel spreads connections.
    pub reuse_port: bool,
    /// `IPV6_V6ONLY`: an IPv6 socket takes no IPv4 connections.
    pub v6_only: bool,
    /// `TCP_DEFER_ACCEPT` in seconds; 0 turns it off.
    pub defer_accept: u32,
    /// Permission bits of a unix socket's path; `None` leaves what the umask makes of it.
    pub mode: Option<u32>,
    /// Owner and group of a unix socket's path.
    pub owner: Option<(u32, u32)>,
    /// A unix path that somebody listens at is not taken over.
    pub exclusive: bool,
}

/// What a descriptor handed to us turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nature {
    /// The family of the socket.
    pub family: Family,
    /// Whether it listens (`SO_ACCEPTCONN`).
    pub listening: bool,
}

/// Which file a path leads to: device and number. A process that listens at a path anew puts a new
/// file there, which is not ours to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathId {
    /// The device.
    pub device: u64,
    /// The number on it.
    pub number: u64,
}

/// One option of a stream socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SockOpt {
    /// `TCP_NODELAY`: small writes leave at once.
    NoDelay,
    /// `IP_BIND_ADDRESS_NO_PORT`: a source address is bound without taking a port before `connect`.
    BindAddressNoPort,
    /// `O_NONBLOCK` and `FD_CLOEXEC`, for a descriptor that was not made by us.
    NonBlocking,
    /// `SO_KEEPALIVE`.
    KeepAlive,
    /// `SO_MARK`: the mark of its packets, for the system's own rules. Needs `CAP_NET_ADMIN`.
    Mark(u32),
    /// `IP_TOS`, or `IPV6_TCLASS`: the class of its packets.
    Tos(u8),
}

/// The socket calls. Each is at most one system call unless it says otherwise, repeats it on
/// EINTR, and can raise no signal. No call blocks: every socket is non-blocking and close-on-exec.
pub trait Net {
    /// A stream socket of `family`.
    ///
    /// # Errors
    /// What `socket(2)` answers.
    fn socket(&mut self, family: Family) -> Result<Fd, Errno>;

    /// Binds the source address of an outgoing socket. A unix path is bound as it is.
    ///
    /// # Errors
    /// What `bind(2)` answers.
    fn bind(&mut self, fd: Fd, addr: &Addr) -> Result<(), Errno>;

    /// A listening socket, ready for [`Net::accept`]. Several system calls. TCP listeners get
    /// `TCP_NODELAY`, which accepted sockets inherit, and `SO_REUSEADDR`. A unix path is bound under
    /// a temporary name in the same directory, given its mode and owner, and renamed, so that it
    /// replaces a stale socket in one step and is never there half made. [`Net::local`] and the
    /// accepted sockets then name the temporary path: `spec.addr` is where it is to be found.
    ///
    /// # Errors
    /// The first system call that failed; nothing is left behind. EADDRINUSE when something that
    /// is no socket has the path.
    fn listen(&mut self, spec: &ListenSpec) -> Result<Fd, Errno>;

    /// The next waiting connection and its peer.
    ///
    /// # Errors
    /// What `accept4(2)` answers; EAGAIN when none waits.
    fn accept(&mut self, fd: Fd) -> Result<(Fd, Addr), Errno>;

    /// Starts or asks after a connection: `Ok` when it is established, EISCONN counted as that.
    ///
    /// # Errors
    /// What `connect(2)` answers, EINPROGRESS, EALREADY and EAGAIN among it.
    fn connect(&mut self, fd: Fd, addr: &Addr) -> Result<(), Errno>;

    /// Reads into `buf`, which is not empty; 0 is the end of input.
    ///
    /// # Errors
    /// What `recv(2)` answers.
    fn recv(&mut self, fd: Fd, buf: &mut [u8]) -> Result<usize, Errno>;

    /// Writes the buffers in order, and tells how many bytes the kernel took. `more` says that
    /// further bytes follow at once (`MSG_MORE`). At most [`MAX_IOVECS`] buffers are looked at.
    ///
    /// # Errors
    /// What `sendmsg(2)` with `MSG_NOSIGNAL` answers.
    fn send(&mut self, fd: Fd, bufs: &[IoSlice<'_>], more: bool) -> Result<usize, Errno>;

    /// Ends the outgoing direction: `shutdown(SHUT_WR)`.
    ///
    /// # Errors
    /// What `shutdown(2)` answers.
    fn shutdown_write(&mut self, fd: Fd) -> Result<(), Errno>;

    /// Gives the number back to the system. Errors are not told: none leaves the number ours.
    fn close(&mut self, fd: Fd);

    /// Closes with a reset: `SO_LINGER` of 0 and `close`. Two system calls.
    fn reset(&mut self, fd: Fd);

    /// Closes without a word to the peer, which goes on to believe that there is a connection. Where
    /// the system does not allow that, the reset is sent so that it does not get far. Up to four system
    /// calls.
    fn vanish(&mut self, fd: Fd);

    /// Whether `ip` is an address of this machine. Up to three system calls.
    fn is_own(&mut self, ip: IpAddr) -> bool;

    /// Takes the socket's pending error (`SO_ERROR`).
    ///
    /// # Errors
    /// What `getsockopt(2)` answers.
    fn take_error(&mut self, fd: Fd) -> Result<Option<Errno>, Errno>;

    /// The address of our end.
    ///
    /// # Errors
    /// What `getsockname(2)` answers.
    fn local(&mut self, fd: Fd) -> Result<Addr, Errno>;

    /// The address of the peer's end.
    ///
    /// # Errors
    /// What `getpeername(2)` answers.
    fn peer(&mut self, fd: Fd) -> Result<Addr, Errno>;

    /// The user id of the process at the other end of a unix socket (`SO_PEERCRED`).
    ///
    /// # Errors
    /// What `getsockopt(2)` answers; ENOTCONN where there is no such process, as on TCP.
    fn peer_uid(&mut self, fd: Fd) -> Result<u32, Errno>;

    /// What a descriptor handed to us is. Several system calls.
    ///
    /// # Errors
    /// ENOTSOCK, EBADF; EPROTONOSUPPORT when it is no stream socket, EAFNOSUPPORT when its family
    /// is none of ours.
    fn nature(&mut self, fd: Fd) -> Result<Nature, Errno>;

    /// Turns one option on. [`SockOpt::NonBlocking`] is two system calls, and so is
    /// [`SockOpt::Tos`] on a socket of IPv6.
    ///
    /// # Errors
    /// What `setsockopt(2)` or `fcntl(2)` answers.
    fn set(&mut self, fd: Fd, option: SockOpt) -> Result<(), Errno>;

    /// Which file the path of a unix listener is now; `None` where it has no path, or nothing is
    /// there.
    fn path_id(&mut self, addr: &Addr) -> Option<PathId>;

    /// The number that no descriptor of this process reaches (`RLIMIT_NOFILE`).
    fn descriptor_limit(&mut self) -> Fd;

    /// Removes the path of a unix listener that is closed, if a socket is there. Other addresses:
    /// nothing to do. Two system calls.
    fn unlink(&mut self, addr: &Addr);

    /// Bytes that the kernel has taken and the peer's has not acknowledged (`SIOCOUTQ`); on TCP a
    /// FIN counts as one. On a unix socket it is memory, with its overhead, and 0 when the peer has
    /// read everything.
    ///
    /// # Errors
    /// What `ioctl(2)` answers; EINVAL on a TCP listener.
    fn unsent(&mut self, fd: Fd) -> Result<usize, Errno>;

    /// A pipe: two descriptors and the pages of its user's quota. Look at [`Pipe::capacity`]: one
    /// below [`Pipe::FULL_CAPACITY`] is to be closed, and the bytes are to be copied. Two system
    /// calls.
    ///
    /// # Errors
    /// What `pipe2(2)` answers: EMFILE when fewer than two numbers are left, ENFILE when the system
    /// or the user's hard quota is at its end.
    fn pipe(&mut self) -> Result<Pipe, Errno>;

    /// Gives both ends back, and loses what the pipe holds. Two system calls.
    fn close_pipe(&mut self, pipe: Pipe);

    /// Moves at most `len` bytes, which is not 0, from a socket into a pipe; 0 is the end of input.
    /// A part of any size takes a page of the pipe at least, so that a pipe may be full with few
    /// bytes in it.
    ///
    /// # Errors
    /// What `splice(2)` answers. The trap is EAGAIN, which has two meanings: while the pipe holds
    /// bytes it may be *the pipe is full*, of which readiness of the socket tells nothing, and that
    /// comes before an end of input or an error of the socket. Only with an empty pipe is it *no
    /// input*. The caller knows what the pipe holds.
    fn splice_in(&mut self, socket: Fd, pipe: &Pipe, len: usize) -> Result<usize, Errno>;

    /// Moves at most `len` bytes, which is not 0 and no more than the pipe holds, from a pipe into
    /// a socket. `more` says that further bytes follow at once (`SPLICE_F_MORE`).
    ///
    /// The kernel raises SIGPIPE here, and nothing can tell it not to. So SIGPIPE is held back from
    /// this thread, from the first such call until [`Net::settle_signals`].
    ///
    /// # Errors
    /// What `splice(2)` answers, which is what [`Net::send`] answers. EAGAIN: no room in the
    /// socket, since the pipe holds bytes.
    fn splice_out(
        &mut self,
        pipe: &Pipe,
        socket: Fd,
        len: usize,
        more: bool,
    ) -> Result<usize, Errno>;

    /// Leaves the signals of this thread as the host had them: to be called whenever control goes
    /// back to the host, at the end of a call and before a callback, on the thread that spliced.
    /// May be called any number of times, also after a panic. No system call unless
    /// [`Net::splice_out`] was called since; else one, and one more where a splice failed or took
    /// less than it was given.
    fn settle_signals(&mut self);
}

/// The most buffers one [`Net::send`] looks at.
pub const MAX_IOVECS: usize = 8;
