//! The socket calls made for real. Linux: `accept4`, `SO_DOMAIN`, `SO_PEERCRED`, abstract names.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::io::IoSlice;
use std::net::IpAddr;

use super::addr::{Addr, Family};
use super::call::{get_int, get_option, repeat, repeat_int, set_option};
use super::errno::Errno;
use super::fd::{Credentials, Fd, ListenSpec, Nature, Passed, SockOpt};
use super::net::{MAX_IOVECS, Net};
use super::path::{self, PathId};
use super::pipe::Pipe;
use super::sockaddr::RawAddr;
use super::socket::{bind, close, connect, socket};
use super::tcp_info::TcpInfo;
use super::{listen, message, pipe, sigpipe, syn_filter};

#[cfg(all(test, not(miri)))]
mod tests;

/// The kernel of the machine we run on. It holds nothing: every answer is the kernel's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kernel;

const ON: c_int = 1;
/// The TTL or hop limit of a packet that goes no further than the next machine.
const ONE_HOP: c_int = 1;
/// linux/in.h has it since Linux 6.3.
const IP_LOCAL_PORT_RANGE: c_int = 51;
/// What `SO_PEERCRED` answers for a socket that has no peer on this machine.
const NO_ID: u32 = u32::MAX;
/// `O_NONBLOCK` is not relied on: a descriptor that was passed to this process shares its status flags
/// with another one (open(2)), which may clear them at any time.
const RECEIVING: c_int = libc::MSG_DONTWAIT;
/// As [`RECEIVING`], and without SIGPIPE.
const SENDING: c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

/// Whether the system knows [`SockOpt::PortRange`]. Three system calls.
#[must_use]
pub fn has_port_ranges() -> bool {
    let mut net = Kernel;
    let Ok(fd) = net.socket(Family::V4) else { return false };
    let known = net.set(fd, SockOpt::PortRange(0, 0)).is_ok();
    net.close(fd);
    known
}

impl Net for Kernel {
    fn socket(&mut self, family: Family) -> Result<Fd, Errno> {
        socket(family)
    }

    fn bind(&mut self, fd: Fd, addr: &Addr) -> Result<(), Errno> {
        bind(fd, addr)
    }

    fn listen(&mut self, spec: &ListenSpec) -> Result<Fd, Errno> {
        listen::open(spec)
    }

    fn accept(&mut self, fd: Fd) -> Result<(Fd, Addr), Errno> {
        let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        let mut raw = RawAddr::room();
        let accepted = repeat_int(|| {
            raw = RawAddr::room();
            let (pointer, len) = raw.for_writing();
            // SAFETY: the pointers are to `raw`, which outlives the call, and its size.
            unsafe { libc::accept4(fd.0, pointer, len, flags) }
        })
        .map(Fd)?;
        match raw.to_addr() {
            Ok(addr) => Ok((accepted, addr)),
            Err(_) => {
                // The peer has no address of a known family: as if the connection had been aborted
                // before it was accepted.
                close(accepted);
                Err(Errno(libc::ECONNABORTED))
            }
        }
    }

    fn connect(&mut self, fd: Fd, addr: &Addr) -> Result<(), Errno> {
        connect(fd, addr)
    }

    fn recv(&mut self, fd: Fd, buf: &mut [u8]) -> Result<usize, Errno> {
        debug_assert!(!buf.is_empty(), "an empty recv reads as the end of input");
        repeat(|| {
            // SAFETY: the pointer and the length describe `buf`, which nothing else can see.
            unsafe { libc::recv(fd.0, buf.as_mut_ptr().cast(), buf.len(), RECEIVING) }
        })
    }

    fn send(&mut self, fd: Fd, bufs: &[IoSlice<'_>], more: bool) -> Result<usize, Errno> {
        let flags = SENDING | if more { libc::MSG_MORE } else { 0 };
        match bufs {
            [buf] => repeat(|| {
                // SAFETY: the pointer and the length describe `buf`, which outlives the call.
                unsafe { libc::send(fd.0, buf.as_ptr().cast(), buf.len(), flags) }
            }),
            _ => message::send(fd, &bufs[..bufs.len().min(MAX_IOVECS)], flags),
        }
    }

    fn send_passing(&mut self, fd: Fd, bytes: &[u8], passed: Fd) -> Result<usize, Errno> {
        debug_assert!(!bytes.is_empty(), "a descriptor goes with a byte");
        message::send_passing(fd, bytes, passed, SENDING)
    }

    fn recv_passed(&mut self, fd: Fd, buf: &mut [u8]) -> Result<(usize, Passed), Errno> {
        debug_assert!(!buf.is_empty(), "an empty recv reads as the end of input");
        message::recv_passed(fd, buf, RECEIVING)
    }

    fn shutdown_write(&mut self, fd: Fd) -> Result<(), Errno> {
        repeat_int(|| {
            // SAFETY: it takes no pointer.
            unsafe { libc::shutdown(fd.0, libc::SHUT_WR) }
        })
        .map(drop)
    }

    fn close(&mut self, fd: Fd) {
        close(fd);
    }

    fn reset(&mut self, fd: Fd) {
        let at_once = libc::linger { l_onoff: ON, l_linger: 0 };
        // Where it fails the socket is not one that could be reset; it is closed all the same.
        let _ = set_option(fd, libc::SOL_SOCKET, libc::SO_LINGER, at_once);
        close(fd);
    }

    fn vanish(&mut self, fd: Fd) {
        // A socket under repair is closed without a packet; that takes CAP_NET_ADMIN.
        if set_option(fd, libc::IPPROTO_TCP, libc::TCP_REPAIR, ON).is_ok() {
            return close(fd);
        }
        let _ = set_option(fd, libc::IPPROTO_IP, libc::IP_TTL, ONE_HOP);
        let _ = set_option(fd, libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS, ONE_HOP);
        self.reset(fd);
    }

    fn is_own(&mut self, ip: IpAddr) -> bool {
        let addr = Addr::ip((ip, 0).into());
        let family = if ip.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        // SAFETY: it takes numbers only.
        let made = repeat_int(|| unsafe {
            libc::socket(family, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0)
        });
        let Ok(fd) = made.map(Fd) else { return false };
        // A socket can be bound only to addresses of this machine, unless `ip_nonlocal_bind` is
        // set.
        let own = self.bind(fd, &addr).is_ok();
        close(fd);
        own
    }

    fn take_error(&mut self, fd: Fd) -> Result<Option<Errno>, Errno> {
        let errno = get_int(fd, libc::SOL_SOCKET, libc::SO_ERROR)?;
        Ok((errno != 0).then_some(Errno(errno)))
    }

    fn local(&mut self, fd: Fd) -> Result<Addr, Errno> {
        let mut raw = RawAddr::room();
        repeat_int(|| {
            let (pointer, len) = raw.for_writing();
            // SAFETY: the pointers are to `raw`, which outlives the call, and its size.
            unsafe { libc::getsockname(fd.0, pointer, len) }
        })?;
        raw.to_addr()
    }

    fn peer(&mut self, fd: Fd) -> Result<Addr, Errno> {
        let mut raw = RawAddr::room();
        repeat_int(|| {
            let (pointer, len) = raw.for_writing();
            // SAFETY: the pointers are to `raw`, which outlives the call, and its size.
            unsafe { libc::getpeername(fd.0, pointer, len) }
        })?;
        raw.to_addr()
    }

    fn peer_credentials(&mut self, fd: Fd) -> Result<Credentials, Errno> {
        let nobody = libc::ucred { pid: 0, uid: NO_ID, gid: NO_ID };
        // SAFETY: a `ucred` is three integers.
        let peer = unsafe { get_option(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, nobody) }?;
        // TCP and unconnected sockets answer without an error: "no user" must never pass for a
        // user.
        let credentials = Credentials { uid: peer.uid, gid: peer.gid };
        if peer.uid == NO_ID { Err(Errno(libc::ENOTCONN)) } else { Ok(credentials) }
    }

    fn nature(&mut self, fd: Fd) -> Result<Nature, Errno> {
        if get_int(fd, libc::SOL_SOCKET, libc::SO_TYPE)? != libc::SOCK_STREAM {
            return Err(Errno(libc::EPROTONOSUPPORT));
        }
        let domain = get_int(fd, libc::SOL_SOCKET, libc::SO_DOMAIN)?;
        let family = Family::from_number(domain).ok_or(Errno(libc::EAFNOSUPPORT))?;
        let listening = get_int(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN)? != 0;
        Ok(Nature { family, listening })
    }

    fn set(&mut self, fd: Fd, option: SockOpt) -> Result<(), Errno> {
        match option {
            SockOpt::NoDelay => set_option(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, ON),
            SockOpt::BindAddressNoPort => {
                set_option(fd, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, ON)
            }
            SockOpt::PortRange(first, last) => {
                let range = u32::from(last) << 16 | u32::from(first);
                set_option(fd, libc::IPPROTO_IP, IP_LOCAL_PORT_RANGE, range)
            }
            SockOpt::Delay => set_option(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, 0),
            SockOpt::KeepAlive(seconds) => {
                set_option(fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE, ON)?;
                // The kernel takes at most 32,767 seconds (tcp(7)).
                let seconds = seconds.min(KEEPIDLE_MAX);
                set_option(fd, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, seconds)
            }
            SockOpt::UserTimeout(ms) => {
                let ms = ms.min(i32::MAX as u32);
                set_option(fd, libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, ms)
            }
            SockOpt::Mark(mark) => set_option(fd, libc::SOL_SOCKET, libc::SO_MARK, mark),
            SockOpt::Tos(tos) => {
                let tos = c_int::from(tos);
                // An IPv6 socket has both options, and takes `IP_TOS` for its IPv4-mapped
                // addresses.
                let v4 = set_option(fd, libc::IPPROTO_IP, libc::IP_TOS, tos);
                set_option(fd, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, tos).or(v4)
            }
            SockOpt::NonBlocking => set_non_blocking(fd),
        }
    }

    fn drop_syns(&mut self, fd: Fd) -> Result<(), Errno> {
        syn_filter::attach(fd)
    }

    fn path_id(&mut self, addr: &Addr) -> Option<PathId> {
        path::id(addr)
    }

    fn descriptor_limit(&mut self) -> Fd {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the struct is ours and alive.
        let got = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
        let most = if got == 0 { limit.rlim_cur } else { libc::RLIM_INFINITY };
        Fd(i32::try_from(most).unwrap_or(i32::MAX))
    }

    fn unlink(&mut self, addr: &Addr) {
        path::remove(addr);
    }

    fn unsent(&mut self, fd: Fd) -> Result<usize, Errno> {
        let mut bytes: c_int = 0;
        repeat_int(|| {
            // SAFETY: the pointer is to an integer that outlives the call.
            unsafe { libc::ioctl(fd.0, libc::TIOCOUTQ, &raw mut bytes) }
        })?;
        Ok(usize::try_from(bytes).unwrap_or(0))
    }

    fn tcp_info(&mut self, fd: Fd) -> Option<TcpInfo> {
        // SAFETY: the struct is integers, of which zeros are values.
        let empty: libc::tcp_info = unsafe { std::mem::zeroed() };
        // SAFETY: a `tcp_info` is integers.
        let info = unsafe { get_option(fd, libc::IPPROTO_TCP, libc::TCP_INFO, empty) }.ok()?;
        Some(TcpInfo {
            rtt: info.tcpi_rtt,
            rtt_variance: info.tcpi_rttvar,
            unacked: info.tcpi_unacked,
            sacked: info.tcpi_sacked,
            lost: info.tcpi_lost,
            retransmitted: info.tcpi_retrans,
            forward_acked: info.tcpi_fackets,
            reordering: info.tcpi_reordering,
        })
    }

    fn pipe(&mut self) -> Result<Pipe, Errno> {
        pipe::open()
    }

    fn close_pipe(&mut self, pipe: Pipe) {
        close(pipe.read);
        close(pipe.write);
    }

    fn splice_in(&mut self, socket: Fd, pipe: &Pipe, len: usize) -> Result<usize, Errno> {
        pipe::splice_in(socket, pipe, len)
    }

    fn splice_out(
        &mut self,
        pipe: &Pipe,
        socket: Fd,
        len: usize,
        more: bool,
    ) -> Result<usize, Errno> {
        pipe::splice_out(pipe, socket, len, more)
    }

    fn settle_signals(&mut self) {
        sigpipe::settle();
    }
}

/// The longest `TCP_KEEPIDLE`, in seconds.
const KEEPIDLE_MAX: u32 = 32_767;

/// The flags are set and not added to: an `O_ASYNC` left by the former owner would raise signals.
fn set_non_blocking(fd: Fd) -> Result<(), Errno> {
    repeat_int(|| {
        // SAFETY: this command takes an `int`.
        unsafe { libc::fcntl(fd.0, libc::F_SETFL, libc::O_NONBLOCK) }
    })?;
    repeat_int(|| {
        // SAFETY: this command takes an `int`.
        unsafe { libc::fcntl(fd.0, libc::F_SETFD, libc::FD_CLOEXEC) }
    })
    .map(drop)
}
