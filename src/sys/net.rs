//! The trait behind which all socket calls are.

use std::io::IoSlice;
use std::net::IpAddr;

use super::addr::{Addr, Family};
use super::errno::Errno;
use super::fd::{Credentials, Fd, ListenSpec, Nature, Passed, SockOpt};
use super::path::PathId;
use super::pipe::Pipe;
use super::tcp_info::TcpInfo;

/// The most buffers one [`Net::send`] looks at.
pub const MAX_IOVECS: usize = 64;

/// The socket calls. Each is at most one system call unless it says otherwise, repeats it on
/// EINTR, and can raise no signal. No call blocks: every socket is non-blocking and close-on-exec. A
/// process that shares a socket with this one can change that (open(2): status flags belong to the file
/// description); bytes are still received and sent without blocking then, but splices block.
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

    /// Starts a connection or asks how it stands: `Ok` when it is established; EISCONN counts as
    /// that.
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

    /// Writes `bytes`, which is not empty, and passes the descriptor `passed` with the first of them.
    /// Tells how many bytes the kernel took: one at least, and then the descriptor is on its way. The
    /// caller keeps `passed` and closes it. Two system calls: TCP would take the bytes and drop the
    /// descriptor without an error.
    ///
    /// # Errors
    /// What `sendmsg(2)` with `MSG_NOSIGNAL` answers; nothing was sent then. EOPNOTSUPP on a socket that
    /// is not a unix socket; EBADF when `passed` is not open; ETOOMANYREFS when this user has too many
    /// descriptors on their way (unix(7)).
    fn send_passing(&mut self, fd: Fd, bytes: &[u8], passed: Fd) -> Result<usize, Errno>;

    /// [`Net::recv`], which also takes the descriptor that came with the bytes; `recv` would close it.
    ///
    /// Linux ends a read behind the bytes of a message that has a descriptor
    /// (`unix_stream_read_generic`), so there is one such message at most in each read. Bytes sent
    /// before it may be in the same read: a descriptor is never later than the first byte of its
    /// message, but may be earlier than the caller has got to that byte.
    ///
    /// # Errors
    /// What `recvmsg(2)` answers; no descriptor was received then.
    fn recv_passed(&mut self, fd: Fd, buf: &mut [u8]) -> Result<(usize, Passed), Errno>;

    /// Ends the outgoing direction: `shutdown(SHUT_WR)`.
    ///
    /// # Errors
    /// What `shutdown(2)` answers.
    fn shutdown_write(&mut self, fd: Fd) -> Result<(), Errno>;

    /// Closes the descriptor. Errors are not reported: whatever the answer, the number is no longer
    /// ours.
    fn close(&mut self, fd: Fd);

    /// Closes with a reset: `SO_LINGER` of 0 and `close`. Two system calls.
    fn reset(&mut self, fd: Fd);

    /// Closes without notifying the peer, which goes on to believe that there is a connection.
    /// Where the system does not allow that, a reset is sent that goes no further than the next
    /// machine. Up to four system calls.
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

    /// The user and the group of the process at the other end of a unix socket (`SO_PEERCRED`).
    ///
    /// # Errors
    /// What `getsockopt(2)` answers; ENOTCONN where there is no such process, as on TCP.
    fn peer_credentials(&mut self, fd: Fd) -> Result<Credentials, Errno>;

    /// What a descriptor handed to us is. Several system calls.
    ///
    /// # Errors
    /// ENOTSOCK, EBADF; EPROTONOSUPPORT when it is no stream socket, EAFNOSUPPORT when its family
    /// is none of ours.
    fn nature(&mut self, fd: Fd) -> Result<Nature, Errno>;

    /// Sets one option. [`SockOpt::NonBlocking`] and [`SockOpt::KeepAlive`] are two system calls, and so is
    /// [`SockOpt::Tos`] on a socket of IPv6.
    ///
    /// # Errors
    /// What `setsockopt(2)` or `fcntl(2)` answers.
    fn set(&mut self, fd: Fd, option: SockOpt) -> Result<(), Errno>;

    /// Has a TCP listener, or rather its socket whoever else has it, drop every SYN from now on. Handshakes
    /// that are under way go on; a client whose SYN is dropped sends another a second later, and a socket
    /// of the same port gets it (`SO_ATTACH_FILTER`).
    ///
    /// # Errors
    /// What `setsockopt(2)` answers.
    fn drop_syns(&mut self, fd: Fd) -> Result<(), Errno>;

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

    /// What the system measures of a TCP connection; `None` for any other.
    fn tcp_info(&mut self, _fd: Fd) -> Option<TcpInfo> {
        None
    }

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
    /// The kernel raises SIGPIPE here, and no flag prevents it. So SIGPIPE is blocked for this
    /// thread, from the first such call until [`Net::settle_signals`].
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
