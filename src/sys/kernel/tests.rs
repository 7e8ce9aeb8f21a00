//! Against the kernel itself, over loopback and unix sockets.

use std::fs;
use std::io::IoSlice;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::sys::poll::{state, wait};

const IN: i16 = libc::POLLIN;
const OUT: i16 = libc::POLLOUT;

mod listening;
mod passing;
mod signals;
mod splicing;

/// A directory of the test, which is removed with it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/tmp/vestibule-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("/tmp can be written");
        Self(path)
    }

    fn socket(&self, name: &str) -> Addr {
        Addr::parse(&format!("unix:{}/{name}", self.0.display())).expect("it is short")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("it is there");
        entries.map(|entry| entry.expect("it is there").file_name().display().to_string()).collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn spec(addr: Addr) -> ListenSpec {
    ListenSpec {
        addr,
        backlog: 16,
        reuse_port: false,
        v6_only: false,
        defer_accept: 0,
        mode: None,
        owner: None,
        exclusive: false,
    }
}

/// The loopback addresses this machine has, with port 0.
fn loopbacks() -> Vec<Addr> {
    let mut addrs = vec![Addr::parse("127.0.0.1:0").expect("an address")];
    match TcpListener::bind("[::1]:0") {
        Ok(_) => addrs.push(Addr::parse("[::1]:0").expect("an address")),
        Err(error) => eprintln!("no IPv6 here, so not tested: {error}"),
    }
    addrs
}

/// Loopback of each family and a unix socket.
fn places(directory: &Directory) -> Vec<Addr> {
    let mut places = loopbacks();
    places.push(directory.socket("s"));
    places
}

fn connected(net: &mut Kernel, at: &Addr) -> (Fd, Fd) {
    let listener = net.listen(&spec(at.clone())).expect("nobody else is there");
    let to = if at.as_ip().is_some() { net.local(listener).expect("bound") } else { at.clone() };
    let client = net.socket(to.family()).expect("a socket");
    match net.connect(client, &to) {
        Ok(()) | Err(Errno(libc::EINPROGRESS)) => {}
        Err(errno) => panic!("{to}: {errno}"),
    }
    wait(listener, IN);
    let (server, _) = net.accept(listener).expect("it waits");
    wait(client, OUT);
    net.connect(client, &to).expect("established");
    net.close(listener);
    net.unlink(at);
    (client, server)
}

fn say(net: &mut Kernel, fd: Fd, text: &[u8]) -> Result<usize, Errno> {
    net.send(fd, &[IoSlice::new(text)], false)
}

fn hear(net: &mut Kernel, fd: Fd) -> Result<Vec<u8>, Errno> {
    let mut buf = [0; 4096];
    let n = net.recv(fd, &mut buf)?;
    Ok(buf[..n].to_vec())
}

fn hear_later(net: &mut Kernel, fd: Fd) -> Result<Vec<u8>, Errno> {
    wait(fd, IN);
    hear(net, fd)
}

fn flags(fd: Fd) -> (bool, bool) {
    // SAFETY: this command takes no argument.
    let status = unsafe { libc::fcntl(fd.0, libc::F_GETFL) };
    // SAFETY: this command takes no argument.
    let descriptor = unsafe { libc::fcntl(fd.0, libc::F_GETFD) };
    (status & libc::O_NONBLOCK != 0, descriptor & libc::FD_CLOEXEC != 0)
}

/// Runs `check` in a child, which has this thread only, and returns how it ended.
fn status_of_child(check: impl FnOnce() -> bool) -> c_int {
    // SAFETY: the child touches no lock another thread may have held, and leaves by _exit.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        let status = c_int::from(!check());
        // SAFETY: it ends the process and runs nothing of the parent's.
        unsafe { libc::_exit(status) }
    }
    let mut status = 0;
    repeat_int(|| {
        // SAFETY: the pointer is to a local that outlives the call.
        unsafe { libc::waitpid(child, &raw mut status, 0) }
    })
    .expect("the child is ours");
    status
}

#[test]
fn a_connection_is_established_by_asking_again() {
    for at in loopbacks() {
        let mut net = Kernel;
        let listener = net.listen(&spec(at)).expect("port 0 is free");
        let to = net.local(listener).expect("bound");
        assert_ne!(to.as_ip().map(|ip| ip.port()), Some(0), "the kernel chose a port");
        let client = net.socket(to.family()).expect("a socket");
        assert_eq!(net.accept(listener), Err(Errno::AGAIN));
        assert_eq!(net.connect(client, &to), Err(Errno(libc::EINPROGRESS)));
        wait(client, OUT);
        assert_eq!(net.connect(client, &to), Ok(()));
        assert_eq!(net.connect(client, &to), Ok(()), "EISCONN counts as established");
        assert_eq!(net.take_error(client), Ok(None));

        wait(listener, IN);
        let (server, from) = net.accept(listener).expect("it waits");
        assert_eq!(net.local(client), Ok(from.clone()));
        assert_eq!(net.peer(client), Ok(to.clone()));
        assert_eq!(net.peer(server), Ok(from));
        assert_eq!(net.local(server), Ok(to));
        for fd in [listener, client, server] {
            assert_eq!(flags(fd), (true, true));
        }
        assert_eq!(get_int(server, libc::IPPROTO_TCP, libc::TCP_NODELAY), Ok(1), "inherited");
        [listener, client, server].into_iter().for_each(close);
    }
}

#[test]
fn bytes_arrive_in_order_and_none_is_told_by_eagain() {
    let directory = Directory::new();
    for at in places(&directory) {
        let mut net = Kernel;
        let (client, server) = connected(&mut net, &at);
        assert_eq!(hear(&mut net, server), Err(Errno::AGAIN));
        let bytes: [u8; MAX_IOVECS + 1] = std::array::from_fn(|at| at as u8);
        let bufs = bytes.each_ref().map(|byte| IoSlice::new(std::slice::from_ref(byte)));
        assert_eq!(net.send(client, &bufs, false), Ok(MAX_IOVECS));
        assert_eq!(hear_later(&mut net, server), Ok(bytes[..MAX_IOVECS].to_vec()));
        assert_eq!(net.send(client, &[], false), Ok(0));
        assert_eq!(say(&mut net, server, b"back"), Ok(4));
        assert_eq!(hear_later(&mut net, client), Ok(b"back".to_vec()));

        let block = [0; 65536];
        while say(&mut net, client, &block).is_ok() {}
        assert_eq!(say(&mut net, client, &block), Err(Errno::AGAIN));
        assert_eq!(state(client) & OUT, 0);
        [client, server].into_iter().for_each(close);
    }
}

#[test]
fn more_keeps_the_bytes_until_the_rest_comes() {
    for at in loopbacks() {
        let mut net = Kernel;
        let (client, server) = connected(&mut net, &at);
        assert_eq!(net.send(client, &[IoSlice::new(b"one")], true), Ok(3));
        assert_eq!(hear(&mut net, server), Err(Errno::AGAIN));
        assert_eq!(net.send(client, &[IoSlice::new(b" "), IoSlice::new(b"two")], false), Ok(4));
        assert_eq!(hear_later(&mut net, server), Ok(b"one two".to_vec()));
        [client, server].into_iter().for_each(close);
    }
}

#[test]
fn ending_one_direction_leaves_the_other() {
    let directory = Directory::new();
    for at in places(&directory) {
        let mut net = Kernel;
        let (client, server) = connected(&mut net, &at);
        assert_eq!(say(&mut net, client, b"last"), Ok(4));
        assert_eq!(net.shutdown_write(client), Ok(()));
        assert_eq!(hear_later(&mut net, server), Ok(b"last".to_vec()));
        assert_eq!(hear_later(&mut net, server), Ok(vec![]));
        assert_eq!(say(&mut net, client, b"x"), Err(Errno(libc::EPIPE)));
        assert_eq!(say(&mut net, server, b"answer"), Ok(6));
        assert_eq!(hear_later(&mut net, client), Ok(b"answer".to_vec()));
        [client, server].into_iter().for_each(close);
    }
}

#[test]
fn a_reset_is_an_error_at_the_peer_and_its_addresses_are_errors_too() {
    for at in loopbacks() {
        let mut net = Kernel;
        let (client, server) = connected(&mut net, &at);
        net.reset(client);
        wait(server, IN);
        assert_eq!(hear(&mut net, server), Err(Errno(libc::ECONNRESET)));
        assert_eq!(net.peer(server), Err(Errno(libc::ENOTCONN)));
        assert_eq!(net.shutdown_write(server), Err(Errno(libc::ENOTCONN)));
        assert!(net.local(server).is_ok());
        net.close(server);
    }
}

/// Whether this process may put sockets into repair mode, and so close them without a packet.
fn may_repair(fd: Fd) -> bool {
    let off: c_int = 0;
    set_option(fd, libc::IPPROTO_TCP, libc::TCP_REPAIR, ON).is_ok()
        && set_option(fd, libc::IPPROTO_TCP, libc::TCP_REPAIR, off).is_ok()
}

#[test]
fn whoever_vanishes_says_nothing_where_that_is_allowed_and_is_gone_elsewhere() {
    for at in loopbacks() {
        let mut net = Kernel;
        let (client, server) = connected(&mut net, &at);
        let silent = may_repair(server);
        net.vanish(server);
        // On loopback anything that was sent would have arrived by now.
        let expected = if silent { libc::EAGAIN } else { libc::ECONNRESET };
        assert_eq!(hear(&mut net, client), Err(Errno(expected)));
        net.close(client);
    }
}

#[test]
fn the_class_of_packets_is_set_in_either_family() {
    for at in loopbacks() {
        let mut net = Kernel;
        let (client, server) = connected(&mut net, &at);
        net.set(server, SockOpt::Tos(16)).expect("a socket of IP");
        let set = match at.as_ip() {
            Some(ip) if ip.is_ipv4() => get_int(server, libc::IPPROTO_IP, libc::IP_TOS),
            _ => get_int(server, libc::IPPROTO_IPV6, libc::IPV6_TCLASS),
        };
        assert_eq!(set, Ok(16), "{at}");
        [client, server].into_iter().for_each(close);
    }
}

#[test]
fn addresses_of_this_machine_are_told_from_others() {
    let mut net = Kernel;
    for at in loopbacks() {
        assert!(at.as_ip().is_some_and(|ip| net.is_own(ip.ip())), "{at}");
    }
    // TEST-NET-1 (RFC 5737) and the prefix for documentation (RFC 3849) are assigned to no machine.
    for other in ["192.0.2.1", "2001:db8::1"] {
        assert!(!net.is_own(other.parse().expect("an address")), "{other}");
    }
}

#[test]
fn a_reset_waiting_in_the_backlog_is_no_panic() {
    let mut net = Kernel;
    let listener = net.listen(&spec(loopbacks().remove(0))).expect("port 0 is free");
    let to = net.local(listener).expect("bound");
    let client = net.socket(Family::V4).expect("a socket");
    assert_eq!(net.connect(client, &to), Err(Errno(libc::EINPROGRESS)));
    wait(client, OUT);
    net.reset(client);
    wait(listener, IN);
    let (server, _) = net.accept(listener).expect("Linux hands it out all the same");
    wait(server, IN);
    assert_eq!(net.take_error(server), Ok(Some(Errno(libc::ECONNRESET))));
    assert_eq!(net.peer(server), Err(Errno(libc::ENOTCONN)));
    net.close(server);
    net.close(listener);
}

#[test]
fn nobody_listening_is_told_by_connect() {
    for at in loopbacks() {
        let mut net = Kernel;
        let gone = net.listen(&spec(at)).expect("port 0 is free");
        let to = net.local(gone).expect("bound");
        net.close(gone);
        let client = net.socket(to.family()).expect("a socket");
        let mut answer = net.connect(client, &to);
        if answer == Err(Errno(libc::EINPROGRESS)) {
            wait(client, OUT);
            answer = net.connect(client, &to);
        }
        assert_eq!(answer, Err(Errno(libc::ECONNREFUSED)));
        assert_eq!(net.peer(client), Err(Errno(libc::ENOTCONN)));
        net.close(client);
    }
}

#[test]
fn a_full_unix_backlog_is_eagain_and_a_missing_path_enoent() {
    let directory = Directory::new();
    let mut net = Kernel;
    let at = directory.socket("s");
    let listener = net.listen(&ListenSpec { backlog: 0, ..spec(at.clone()) }).expect("free");
    let first = net.socket(Family::Unix).expect("a socket");
    assert_eq!(net.connect(first, &at), Ok(()));
    let second = net.socket(Family::Unix).expect("a socket");
    assert_eq!(net.connect(second, &at), Err(Errno::AGAIN));
    net.close(listener);
    assert_eq!(net.connect(second, &at), Err(Errno(libc::ECONNREFUSED)), "the path is stale");
    net.unlink(&at);
    assert_eq!(net.connect(second, &at), Err(Errno(libc::ENOENT)));
    [first, second].into_iter().for_each(close);
}

#[test]
fn a_write_to_nobody_raises_no_signal() {
    let directory = Directory::new();
    for at in places(&directory) {
        let mut net = Kernel;
        let (client, server) = connected(&mut net, &at);
        net.shutdown_write(client).expect("connected");
        let status = status_of_child(|| {
            // SAFETY: the default disposition is no function of ours; the process is a child.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
            let one = say(&mut net, client, b"x");
            let two = net.send(client, &[IoSlice::new(b"x"), IoSlice::new(b"y")], true);
            one == Err(Errno(libc::EPIPE)) && two == Err(Errno(libc::EPIPE))
        });
        assert_eq!(status, 0, "killed by a signal, or another answer");
        [client, server].into_iter().for_each(close);
    }
}

#[test]
fn no_descriptor_left_is_emfile() {
    let status = status_of_child(|| {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the pointer is to a local that outlives the call.
        let set = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const none) };
        set == 0 && Kernel.socket(Family::V4) == Err(Errno(libc::EMFILE))
    });
    assert_eq!(status, 0);
}

#[test]
fn a_source_address_takes_no_port_before_connect() {
    for at in loopbacks() {
        let mut net = Kernel;
        let listener = net.listen(&spec(at.clone())).expect("port 0 is free");
        let to = net.local(listener).expect("bound");
        let client = net.socket(to.family()).expect("a socket");
        net.set(client, SockOpt::BindAddressNoPort).expect("TCP of either family");
        net.set(client, SockOpt::NoDelay).expect("TCP");
        net.set(client, SockOpt::KeepAlive(60)).expect("a socket");
        net.bind(client, &at).expect("an address of ours");
        assert_eq!(net.local(client), Ok(at.clone()));
        assert_eq!(net.connect(client, &to), Err(Errno(libc::EINPROGRESS)));
        assert_ne!(net.local(client), Ok(at));
        [client, listener].into_iter().for_each(close);
    }
}

#[test]
fn what_is_not_connected_has_no_peer() {
    let mut net = Kernel;
    for family in [Family::V4, Family::Unix] {
        let fd = net.socket(family).expect("a socket");
        assert_eq!(net.peer(fd), Err(Errno(libc::ENOTCONN)));
        assert_eq!(net.peer_credentials(fd), Err(Errno(libc::ENOTCONN)));
        assert!(net.local(fd).is_ok());
        net.close(fd);
    }
    let (client, server) = connected(&mut net, &loopbacks()[0]);
    let answer = net.peer_credentials(server);
    assert_eq!(answer, Err(Errno(libc::ENOTCONN)), "TCP has no users");
    [client, server].into_iter().for_each(close);
}

#[test]
fn what_a_descriptor_is_can_be_asked() {
    let mut net = Kernel;
    let directory = Directory::new();
    for at in places(&directory) {
        let family = at.family();
        let listener = net.listen(&spec(at.clone())).expect("free");
        assert_eq!(net.nature(listener), Ok(Nature { family, listening: true }));
        net.close(listener);
        let (client, server) = connected(&mut net, &at);
        assert_eq!(net.nature(server), Ok(Nature { family, listening: false }));
        [client, server].into_iter().for_each(close);
    }
    let file = fs::File::open("/").expect("there is a root");
    assert_eq!(net.nature(Fd(file.as_raw_fd())), Err(Errno(libc::ENOTSOCK)));
    let udp = UdpSocket::bind("127.0.0.1:0").expect("port 0 is free");
    assert_eq!(net.nature(Fd(udp.as_raw_fd())), Err(Errno(libc::EPROTONOSUPPORT)));
    assert_eq!(net.nature(Fd(-1)), Err(Errno(libc::EBADF)));
}

#[test]
fn a_blocking_descriptor_blocks_no_more() {
    let mut net = Kernel;
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let fd = Fd(ours.as_raw_fd());
    net.set(fd, SockOpt::NonBlocking).expect("it is open");
    assert_eq!(flags(fd), (true, true));
    assert_eq!(hear(&mut net, fd), Err(Errno::AGAIN));
    drop(theirs);
    assert_eq!(hear_later(&mut net, fd), Ok(vec![]));
}
