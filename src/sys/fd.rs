//! Descriptors: the number, what one turns out to be, how a listening one is opened, the options of
//! sockets, and what a unix socket tells beside bytes.

use super::addr::{Addr, Family};

/// A descriptor number. Copying it copies no ownership: the engine closes each exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fd(pub i32);

/// How a listening socket is opened.
#[derive(Clone, Debug)]
pub struct ListenSpec {
    /// Where to listen. Port 0 lets the kernel choose; [`Net::local`](super::Net::local) tells what
    /// it chose.
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
    /// A unix path is not taken over while another socket listens at it.
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

/// Who is at the other end of a unix socket: the process that connected, or that listened, as it was then
/// (unix(7), `SO_PEERCRED`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

/// What came with the bytes of a read (unix(7), `SCM_RIGHTS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// No descriptor.
    Nothing,
    /// One, which is the caller's to close. It is close-on-exec. Whether it blocks is not known, and may
    /// change at any time: its status flags are also the sender's.
    Descriptor(Fd),
    /// At least one was sent and none was received: this process has no number left, the system refused
    /// it, or there were several in a message. All of them are closed.
    Lost,
}

/// One option of a stream socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SockOpt {
    /// `TCP_NODELAY`: small writes leave at once.
    NoDelay,
    /// `IP_BIND_ADDRESS_NO_PORT`: a source address is bound without taking a port before `connect`.
    BindAddressNoPort,
    /// `IP_LOCAL_PORT_RANGE`: the first and the last port that `connect` may choose. Linux 6.3; ENOPROTOOPT
    /// before that.
    PortRange(u16, u16),
    /// `O_NONBLOCK` and `FD_CLOEXEC`, for a descriptor that was not made by us.
    NonBlocking,
    /// `TCP_NODELAY` off: small writes may wait for the acknowledgement of those before.
    Delay,
    /// `SO_KEEPALIVE`, and `TCP_KEEPIDLE` in seconds.
    KeepAlive(u32),
    /// `TCP_USER_TIMEOUT`, in milliseconds.
    UserTimeout(u32),
    /// `SO_MARK`: the mark of its packets, for the system's own rules. Needs `CAP_NET_ADMIN`.
    Mark(u32),
    /// `IP_TOS`, or `IPV6_TCLASS`: the class of its packets.
    Tos(u8),
}
