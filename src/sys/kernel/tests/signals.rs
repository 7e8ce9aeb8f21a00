//! SIGPIPE of a splice: raised by the kernel, and nothing of it is left for the host. Each host is a
//! child process of its own.

use super::*;
use crate::sys::poll::until;

/// What the kernel reports of this thread's signals: waiting for the thread, for the process, blocked,
/// ignored, handled.
fn signals() -> Vec<String> {
    let status = fs::read_to_string("/proc/thread-self/status").expect("there is a /proc");
    let wanted = ["SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"];
    let lines = status.lines().filter(|line| wanted.iter().any(|name| line.starts_with(name)));
    lines.map(str::to_owned).collect()
}

fn set_action(action: libc::sighandler_t) {
    // SAFETY: the handler touches one atomic number; the process is a child.
    unsafe { libc::signal(libc::SIGPIPE, action) };
}

/// Blocks SIGPIPE as a host would, without the library knowing.
fn block() {
    // SAFETY: a set of zeroes is an empty one.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a local that outlives the call.
    unsafe { libc::sigaddset(&raw mut set, libc::SIGPIPE) };
    // SAFETY: the pointer is to a local that outlives the call.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
}

fn send_to_thread() {
    // SAFETY: it takes no pointer.
    unsafe { libc::raise(libc::SIGPIPE) };
}

fn own_id() -> libc::pid_t {
    // SAFETY: it has no precondition.
    unsafe { libc::getpid() }
}

fn send_to_process() {
    // SAFETY: it takes no pointer.
    unsafe { libc::kill(own_id(), libc::SIGPIPE) };
}

/// A connection that cannot be written to, and a pipe that holds something.
struct Broken {
    socket: Fd,
    pipe: Pipe,
}

impl Broken {
    fn new(at: &Addr) -> Self {
        let (socket, peer) = connected(&mut Kernel, at);
        assert_eq!(say(&mut Kernel, peer, b"x"), Ok(1));
        wait(socket, IN);
        let pipe = Kernel.pipe().expect("a pipe");
        assert_eq!(Kernel.splice_in(socket, &pipe, 1), Ok(1));
        Kernel.shutdown_write(socket).expect("connected");
        Self { socket, pipe }
    }

    fn splice(&self) -> bool {
        Kernel.splice_out(&self.pipe, self.socket, 1, false) == Err(Errno(libc::EPIPE))
    }
}

/// After splices to a connection without a reader the signals of the host, which `prepare` set up, are
/// as they were, whether the splices were settled one by one or together.
fn nothing_changes_for_a_host(prepare: impl Fn()) {
    let directory = Directory::new();
    for at in places(&directory) {
        let broken = Broken::new(&at);
        let status = status_of_child(|| {
            set_action(libc::SIG_DFL);
            prepare();
            let before = signals();
            let mut unchanged = true;
            for rounds in [1, 1, 2] {
                for _ in 0..rounds {
                    unchanged &= broken.splice();
                }
                Kernel.settle_signals();
                unchanged &= signals() == before;
            }
            unchanged
        });
        assert_eq!(status, 0, "{at}: killed by a signal, or something changed");
    }
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_signal: c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn a_host_that_would_die_of_it_lives() {
    nothing_changes_for_a_host(|| ());
}

#[test]
fn a_host_that_ignores_it_goes_on_ignoring_it() {
    nothing_changes_for_a_host(|| set_action(libc::SIG_IGN));
}

#[test]
fn a_host_that_blocks_it_has_none_waiting() {
    nothing_changes_for_a_host(block);
}

#[test]
fn a_host_that_blocks_and_ignores_it_has_none_waiting() {
    nothing_changes_for_a_host(|| {
        set_action(libc::SIG_IGN);
        block();
    });
}

#[test]
fn what_waits_for_the_thread_goes_on_waiting() {
    nothing_changes_for_a_host(|| {
        block();
        send_to_thread();
    });
}

#[test]
fn what_waits_for_the_process_goes_on_waiting() {
    nothing_changes_for_a_host(|| {
        block();
        send_to_process();
    });
}

#[test]
fn a_handler_hears_of_its_own_signals_and_not_of_ours() {
    let handler = count as *const () as libc::sighandler_t;
    nothing_changes_for_a_host(|| set_action(handler));
    let broken = Broken::new(&loopbacks()[0]);
    let status = status_of_child(|| {
        set_action(handler);
        let heard = || HANDLED.swap(0, Ordering::Relaxed);
        let ours = broken.splice();
        Kernel.settle_signals();
        let none = heard() == 0;
        send_to_thread();
        ours && none && heard() == 1
    });
    assert_eq!(status, 0);
}

/// Another process sends one while ours are held back, and the handler is called afterwards.
#[test]
fn a_signal_of_somebody_else_is_late_and_not_lost() {
    let broken = Broken::new(&loopbacks()[0]);
    let status = status_of_child(|| {
        set_action(count as *const () as libc::sighandler_t);
        let ours = broken.splice();
        let host = own_id();
        let sent = status_of_child(|| {
            // SAFETY: it takes no pointer.
            unsafe { libc::kill(host, libc::SIGPIPE) == 0 }
        });
        let held_back = HANDLED.load(Ordering::Relaxed) == 0;
        Kernel.settle_signals();
        ours && sent == 0 && held_back && HANDLED.load(Ordering::Relaxed) == 1
    });
    assert_eq!(status, 0);
}

/// Another process sends one while ours are held back. A splice that took less than it was given makes
/// us check for a signal of ours, and there is none.
#[test]
fn a_signal_of_somebody_else_is_not_taken_for_ours() {
    let (socket, peer) = connected(&mut Kernel, &loopbacks()[0]);
    let broken = Broken { socket: peer, ..Broken::new(&loopbacks()[0]) };
    let status = status_of_child(|| {
        set_action(count as *const () as libc::sighandler_t);
        // It holds one byte: fewer are taken than requested.
        let part = Kernel.splice_out(&broken.pipe, broken.socket, 2, false) == Ok(1);
        let host = own_id();
        let sent = status_of_child(|| {
            // SAFETY: it takes no pointer.
            unsafe { libc::kill(host, libc::SIGPIPE) == 0 }
        });
        Kernel.settle_signals();
        part && sent == 0 && HANDLED.load(Ordering::Relaxed) == 1
    });
    assert_eq!(status, 0);
    close(socket);
}

/// The peer has closed, and resets what the first round of a splice sends; the second round gets EPIPE
/// with its signal, which the result does not show.
#[test]
fn a_splice_that_answers_with_bytes_may_have_raised_one_too() {
    const PAGES: usize = 256;
    let mut net = Kernel;
    let (giver, taker) = connected(&mut net, &loopbacks()[0]);
    let pipe = net.pipe().expect("a pipe");
    // SAFETY: this command takes an `int`.
    let set = unsafe { libc::fcntl(pipe.write.0, libc::F_SETPIPE_SZ, PAGES * 4096) };
    assert!(set >= 0, "a pipe of a mebibyte is anybody's right");
    for _ in 0..PAGES {
        assert_eq!(say(&mut net, giver, &[0; 4096]), Ok(4096));
        let mut left = 4096;
        while left > 0 {
            wait(taker, IN);
            match net.splice_in(taker, &pipe, left) {
                Ok(n) => left -= n,
                Err(errno) => panic!("{errno}"),
            }
        }
    }
    let (socket, peer) = connected(&mut net, &loopbacks()[0]);
    net.close(peer);
    assert!(until(socket, |bits| bits & libc::POLLRDHUP != 0));
    let status = status_of_child(|| {
        set_action(libc::SIG_DFL);
        let before = signals();
        let answer = net.splice_out(&pipe, socket, PAGES * 4096, false);
        net.settle_signals();
        answer.is_ok() && signals() == before
    });
    assert_eq!(status, 0);
    net.close_pipe(pipe);
    [giver, taker, socket].into_iter().for_each(close);
}

#[test]
fn settling_touches_nothing_where_nothing_was_spliced() {
    let broken = Broken::new(&loopbacks()[0]);
    let status = status_of_child(|| {
        let open = broken.splice();
        let held = signals();
        Kernel.settle_signals();
        let settled = signals();
        // The host blocks it itself, without the library knowing: a second settling must not undo that.
        block();
        let blocked = signals();
        Kernel.settle_signals();
        open && held != settled && blocked != settled && signals() == blocked
    });
    assert_eq!(status, 0);
}
