//! Pipes between sockets, and what the peer has not acknowledged.

use super::*;
use crate::sys::poll::until;

/// A user without rights; if the tests are run without them already, it is the user that runs them.
const NOBODY: u32 = 65534;

fn hold(net: &mut Kernel, pipe: &Pipe, text: &[u8]) {
    let (giver, taker) = connected(net, &loopbacks()[0]);
    assert_eq!(say(net, giver, text), Ok(text.len()));
    wait(taker, IN);
    assert_eq!(net.splice_in(taker, pipe, text.len()), Ok(text.len()));
    [giver, taker].into_iter().for_each(close);
}

#[test]
fn a_pipe_blocks_nobody_and_passes_to_no_program() {
    let mut net = Kernel;
    let pipe = net.pipe().expect("a pipe");
    assert_eq!(flags(pipe.read), (true, true));
    assert_eq!(flags(pipe.write), (true, true));
    assert!(pipe.capacity >= Pipe::FULL_CAPACITY, "the quota of this user is exhausted");
    net.close_pipe(pipe);
    assert_eq!(net.nature(pipe.read), Err(Errno(libc::EBADF)));
    assert_eq!(net.nature(pipe.write), Err(Errno(libc::EBADF)));
}

#[test]
fn bytes_pass_through_a_pipe_and_then_the_end() {
    let directory = Directory::new();
    for at in places(&directory) {
        let mut net = Kernel;
        let (client, client_side) = connected(&mut net, &at);
        let (server_side, server) = connected(&mut net, &at);
        let pipe = net.pipe().expect("a pipe");
        assert_eq!(net.splice_in(client_side, &pipe, 100), Err(Errno::AGAIN), "no input");
        assert_eq!(net.splice_out(&pipe, server_side, 100, false), Err(Errno::AGAIN), "empty");
        assert_eq!(say(&mut net, client, b"request"), Ok(7));
        net.shutdown_write(client).expect("connected");
        wait(client_side, IN);
        assert_eq!(net.splice_in(client_side, &pipe, 3), Ok(3));
        assert_eq!(net.splice_in(client_side, &pipe, 100), Ok(4));
        assert!(until(client_side, |bits| bits & libc::POLLRDHUP != 0));
        assert_eq!(net.splice_in(client_side, &pipe, 100), Ok(0));
        assert_eq!(net.splice_out(&pipe, server_side, 5, true), Ok(5));
        assert_eq!(net.splice_out(&pipe, server_side, 2, false), Ok(2));
        net.settle_signals();
        assert_eq!(hear_later(&mut net, server), Ok(b"request".to_vec()));
        net.close_pipe(pipe);
        [client, client_side, server_side, server].into_iter().for_each(close);
    }
}

#[test]
fn a_pipe_is_full_with_few_bytes_and_says_what_an_empty_socket_says() {
    let mut net = Kernel;
    let (client, server) = connected(&mut net, &loopbacks()[0]);
    let pipe = net.pipe().expect("a pipe");
    let mut held = 0;
    let full = loop {
        assert_eq!(say(&mut net, client, b"x"), Ok(1));
        wait(server, IN);
        match net.splice_in(server, &pipe, 1) {
            Ok(n) => held += n,
            Err(errno) => break errno,
        }
    };
    assert_eq!(full, Errno::AGAIN);
    assert_ne!(state(server) & IN, 0, "the socket has input all the same");
    assert_eq!(held, pipe.capacity / 4096, "one byte a page");
    net.shutdown_write(client).expect("connected");
    assert!(until(server, |bits| bits & libc::POLLRDHUP != 0));
    assert_eq!(net.splice_in(server, &pipe, 1), Err(Errno::AGAIN), "nor is the end told");
    net.close_pipe(pipe);
    [client, server].into_iter().for_each(close);
}

#[test]
fn a_pipe_beyond_the_quota_of_its_user_tells_that_it_holds_little() {
    /// What a user's pipes may have together is counted in pages; this many pipes reach it.
    const MANY: usize = 1_500;
    let status = status_of_child(|| {
        // SAFETY: it takes no pointer, and the process is a child.
        let left = unsafe { libc::setuid(NOBODY) };
        let pipes = (0..MANY).map_while(|_| Kernel.pipe().ok());
        let small = pipes.into_iter().any(|pipe| pipe.capacity < Pipe::FULL_CAPACITY);
        left != 0 || small || Kernel.pipe() == Err(Errno(libc::EMFILE))
    });
    assert_eq!(status, 0);
}

#[test]
fn a_pipe_takes_two_numbers_or_none() {
    let status = status_of_child(|| {
        // Other threads' descriptors, which a fork copies, must not lie between the numbers that are
        // counted here.
        // SAFETY: the child has this thread only, and nothing in it uses a descriptor after this.
        let alone = unsafe { libc::close_range(3, u32::MAX, 0) };
        let next = Kernel.socket(Family::Unix).expect("a socket");
        let one_more = libc::rlimit { rlim_cur: next.0 as u64 + 2, rlim_max: next.0 as u64 + 2 };
        // SAFETY: the pointer is to a local that outlives the call.
        let set = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const one_more) };
        let none = Kernel.pipe() == Err(Errno(libc::EMFILE));
        close(next);
        alone == 0 && set == 0 && none && Kernel.pipe().is_ok()
    });
    assert_eq!(status, 0);
}

#[test]
fn what_the_peer_has_not_acknowledged_is_told() {
    let mut net = Kernel;
    for at in loopbacks() {
        let (client, server) = connected(&mut net, &at);
        assert_eq!(net.unsent(client), Ok(0));
        let block = [0; 65536];
        let mut sent = 0;
        while let Ok(n) = say(&mut net, client, &block) {
            sent += n;
        }
        let unsent = net.unsent(client).expect("connected");
        assert!((1..=sent).contains(&unsent), "{unsent} of {sent}");
        let mut heard = 0;
        while heard < sent {
            heard += hear_later(&mut net, server).expect("it goes on").len();
        }
        assert!(until(client, |_| Kernel.unsent(client) == Ok(0)));
        [client, server].into_iter().for_each(close);
    }
    let listener = net.listen(&spec(loopbacks().remove(0))).expect("port 0 is free");
    assert_eq!(net.unsent(listener), Err(Errno(libc::EINVAL)));
    net.close(listener);
    let file = fs::File::open("/").expect("there is a root");
    assert_eq!(net.unsent(Fd(file.as_raw_fd())), Err(Errno(libc::ENOTTY)));
}

#[test]
fn a_unix_socket_tells_memory_until_all_is_read() {
    let directory = Directory::new();
    let mut net = Kernel;
    let (client, server) = connected(&mut net, &directory.socket("s"));
    assert_eq!(net.unsent(client), Ok(0));
    assert_eq!(say(&mut net, client, b"x"), Ok(1));
    assert!(net.unsent(client).is_ok_and(|memory| memory >= 1));
    assert_eq!(hear(&mut net, server), Ok(b"x".to_vec()));
    assert_eq!(net.unsent(client), Ok(0));
    [client, server].into_iter().for_each(close);
}

#[test]
fn splicing_to_nobody_is_epipe_and_keeps_the_bytes() {
    let mut net = Kernel;
    let directory = Directory::new();
    for at in places(&directory) {
        let (client, server) = connected(&mut net, &at);
        let pipe = net.pipe().expect("a pipe");
        hold(&mut net, &pipe, b"last words");
        net.shutdown_write(client).expect("connected");
        assert_eq!(net.splice_out(&pipe, client, 10, false), Err(Errno(libc::EPIPE)));
        net.settle_signals();
        assert_eq!(net.splice_out(&pipe, server, 10, false), Ok(10));
        net.settle_signals();
        assert_eq!(hear_later(&mut net, client), Ok(b"last words".to_vec()));
        net.close_pipe(pipe);
        [client, server].into_iter().for_each(close);
    }
}
