//! Descriptors beside bytes, and what does not block whatever another process does to a socket's flags.

use std::os::fd::OwnedFd;

use super::*;

/// Long after everything that does not block is done.
const TOO_LONG_S: u32 = 10;

fn link(net: &mut Kernel, directory: &Directory) -> (Fd, Fd) {
    connected(net, &directory.socket("link"))
}

fn hear_passed(net: &mut Kernel, fd: Fd, most: usize) -> (Vec<u8>, Passed) {
    let mut buf = vec![0; most];
    wait(fd, IN);
    let (n, passed) = net.recv_passed(fd, &mut buf).expect("something waits");
    buf.truncate(n);
    (buf, passed)
}

#[track_caller]
fn descriptor(passed: Passed) -> Fd {
    match passed {
        Passed::Descriptor(fd) => fd,
        Passed::Nothing | Passed::Lost => panic!("{passed:?}"),
    }
}

/// A message of two descriptors.
#[repr(C)]
struct Two {
    header: libc::cmsghdr,
    fds: [c_int; 2],
}

fn send_two(to: Fd, fds: [c_int; 2]) {
    let header = libc::cmsghdr {
        cmsg_len: size_of::<Two>(),
        cmsg_level: libc::SOL_SOCKET,
        cmsg_type: libc::SCM_RIGHTS,
    };
    let mut two = Two { header, fds };
    let mut byte = [b'x'];
    let mut buf = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: byte.len() };
    let message = libc::msghdr {
        msg_name: std::ptr::null_mut(),
        msg_namelen: 0,
        msg_iov: &raw mut buf,
        msg_iovlen: 1,
        msg_control: (&raw mut two).cast(),
        msg_controllen: size_of::<Two>(),
        msg_flags: 0,
    };
    // SAFETY: the message describes locals that outlive the call.
    let sent = unsafe { libc::sendmsg(to.0, &raw const message, 0) };
    assert_eq!(sent, 1);
}

/// Sets the status flags of the file that `fd` and all its copies stand for.
fn set_status(fd: Fd, status: c_int) {
    // SAFETY: this command takes an `int`.
    let set = unsafe { libc::fcntl(fd.0, libc::F_SETFL, status) };
    assert_eq!(set, 0);
}

/// Sets how many descriptors this process may have, and tells how many it was.
fn set_descriptor_limit(most: u64) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a local that outlives the call.
    let got = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    let before = std::mem::replace(&mut limit.rlim_cur, most);
    // SAFETY: the pointer is to a local that outlives the call.
    let set = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    assert_eq!((got, set), (0, 0));
    before
}

#[test]
fn a_socket_that_was_passed_is_the_same_connection() {
    let directory = Directory::new();
    for at in places(&directory) {
        let mut net = Kernel;
        let (giver, taker) = link(&mut net, &directory);
        let (near, far) = connected(&mut net, &at);
        assert_eq!(net.send_passing(giver, b"take it", near), Ok(7));
        net.close(near);
        let (text, passed) = hear_passed(&mut net, taker, 64);
        let near = descriptor(passed);
        assert_eq!(text, b"take it");
        assert_eq!(flags(near), (true, true), "close-on-exec, and the flags of the sender's");
        assert_eq!(say(&mut net, near, b"there"), Ok(5));
        assert_eq!(hear_later(&mut net, far), Ok(b"there".to_vec()));
        assert_eq!(say(&mut net, far, b"and back"), Ok(8));
        assert_eq!(hear_later(&mut net, near), Ok(b"and back".to_vec()));
        net.close(near);
        assert_eq!(hear_later(&mut net, far), Ok(vec![]), "it was the last");
        [far, giver, taker].into_iter().for_each(close);
    }
}

#[test]
fn bytes_keep_their_order_around_a_descriptor_which_is_never_late() {
    let directory = Directory::new();
    let mut net = Kernel;
    let (giver, taker) = link(&mut net, &directory);
    let send_all = || {
        let mut net = Kernel;
        assert_eq!(say(&mut net, giver, b"a"), Ok(1));
        assert_eq!(net.send_passing(giver, b"bc", giver), Ok(2));
        assert_eq!(net.send_passing(giver, b"de", taker), Ok(2));
        assert_eq!(say(&mut net, giver, b"f"), Ok(1));
    };

    send_all();
    for (text, passes) in [(&b"abc"[..], true), (b"de", true), (b"f", false)] {
        let (heard, passed) = hear_passed(&mut net, taker, 64);
        assert_eq!(heard, text, "a read ends with a message that has a descriptor");
        if passes {
            net.close(descriptor(passed));
        } else {
            assert_eq!(passed, Passed::Nothing);
        }
    }

    send_all();
    for byte in b"abcdef" {
        let (heard, passed) = hear_passed(&mut net, taker, 1);
        assert_eq!(heard, [*byte]);
        if b"bd".contains(byte) {
            net.close(descriptor(passed));
        } else {
            assert_eq!(passed, Passed::Nothing);
        }
    }
    [giver, taker].into_iter().for_each(close);
}

#[test]
fn two_descriptors_in_a_message_are_lost_and_closed() {
    let directory = Directory::new();
    let mut net = Kernel;
    let (giver, taker) = link(&mut net, &directory);
    let pairs = [(); 2].map(|()| UnixStream::pair().expect("a pair"));
    let (kept, given): (Vec<OwnedFd>, Vec<OwnedFd>) =
        pairs.into_iter().map(|(kept, given)| (kept.into(), given.into())).unzip();
    send_two(giver, [given[0].as_raw_fd(), given[1].as_raw_fd()]);
    drop(given);
    assert_eq!(hear_passed(&mut net, taker, 64), (b"x".to_vec(), Passed::Lost));
    for kept in &kept {
        let seen = wait(Fd(kept.as_raw_fd()), libc::POLLHUP);
        assert_ne!(seen & libc::POLLHUP, 0, "nobody holds the other end");
    }
    assert_eq!(net.send_passing(giver, b"y", giver), Ok(1));
    let (text, passed) = hear_passed(&mut net, taker, 64);
    assert_eq!(text, b"y");
    net.close(descriptor(passed));
    [giver, taker].into_iter().for_each(close);
}

#[test]
fn a_descriptor_for_which_no_number_is_left_is_lost_and_closed() {
    let directory = Directory::new();
    let mut net = Kernel;
    let (giver, taker) = link(&mut net, &directory);
    assert_eq!(net.send_passing(giver, b"text", giver), Ok(4));
    wait(taker, IN);
    let status = status_of_child(|| {
        let open = || fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let before = open();
        let most = set_descriptor_limit(0);
        let mut buf = [0; 64];
        let answer = net.recv_passed(taker, &mut buf);
        set_descriptor_limit(most);
        answer == Ok((4, Passed::Lost)) && &buf[..4] == b"text" && open() == before
    });
    assert_eq!(status, 0);
    [giver, taker].into_iter().for_each(close);
}

#[test]
fn a_descriptor_that_nobody_takes_is_closed() {
    let directory = Directory::new();
    let mut net = Kernel;
    let (giver, taker) = link(&mut net, &directory);
    for taken in [true, false] {
        let (kept, given) = UnixStream::pair().expect("a pair");
        assert_eq!(net.send_passing(giver, b"x", Fd(given.as_raw_fd())), Ok(1));
        drop(given);
        if taken {
            assert_eq!(hear_later(&mut net, taker), Ok(b"x".to_vec()), "by a plain read");
        } else {
            net.close(taker);
        }
        let seen = wait(Fd(kept.as_raw_fd()), libc::POLLHUP);
        assert_ne!(seen & libc::POLLHUP, 0, "nobody holds the other end");
    }
    net.close(giver);
}

#[test]
fn what_cannot_be_passed_is_an_error_and_sends_nothing() {
    let directory = Directory::new();
    let mut net = Kernel;
    for at in loopbacks() {
        let (client, server) = connected(&mut net, &at);
        let answer = net.send_passing(client, b"x", client);
        assert_eq!(answer, Err(Errno(libc::EOPNOTSUPP)), "TCP would only send the byte");
        assert_eq!(hear(&mut net, server), Err(Errno::AGAIN));
        [client, server].into_iter().for_each(close);
    }
    let (giver, taker) = link(&mut net, &directory);
    assert_eq!(net.send_passing(giver, b"x", Fd(-1)), Err(Errno(libc::EBADF)));
    assert_eq!(hear(&mut net, taker), Err(Errno::AGAIN));
    net.close(taker);
    let status = status_of_child(|| {
        // SAFETY: the default disposition is no function of ours; the process is a child.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        net.send_passing(giver, b"x", giver) == Err(Errno(libc::EPIPE))
    });
    assert_eq!(status, 0, "killed by a signal, or another answer");
    net.close(giver);
}

#[test]
fn nothing_blocks_that_moves_bytes_when_another_process_clears_the_flag() {
    let directory = Directory::new();
    for at in places(&directory) {
        let mut net = Kernel;
        let (client, server) = connected(&mut net, &at);
        for fd in [client, server] {
            set_status(fd, 0);
            assert!(!flags(fd).0);
        }
        // A child, so that a call that blocks ends it.
        let status = status_of_child(|| {
            // SAFETY: it takes no pointer.
            unsafe { libc::alarm(TOO_LONG_S) };
            let mut buf = [0; 64];
            let block = [0; 65536];
            let read = net.recv(server, &mut buf) == Err(Errno::AGAIN)
                && net.recv_passed(server, &mut buf) == Err(Errno::AGAIN);
            while say(&mut net, client, &block).is_ok() {}
            let two = [IoSlice::new(&block), IoSlice::new(&block)];
            let passes = at.family() == Family::Unix;
            let passing = if passes { Errno::AGAIN } else { Errno(libc::EOPNOTSUPP) };
            read && say(&mut net, client, &block) == Err(Errno::AGAIN)
                && net.send(client, &two, false) == Err(Errno::AGAIN)
                && net.send_passing(client, &block, client) == Err(passing)
        });
        assert_eq!(status, 0, "{at}: it blocked, or another answer");
        [client, server].into_iter().for_each(close);
    }
}
