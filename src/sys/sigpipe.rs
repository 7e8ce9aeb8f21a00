//! SIGPIPE of splice(2), which has no `MSG_NOSIGNAL`: blocked while we splice, taken if we raised
//! it, and then mask and pending signals are as the host had them.
//!
//! The mask is the thread's, and so is what is known of it here: engines that share a thread, and
//! calls made inside callbacks, need not know of each other.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::c_int;
use std::mem::MaybeUninit;

use super::call::repeat_int;
use super::errno::Errno;

/// What blocking SIGPIPE has found and done.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// The host blocks it itself, so it must stay blocked.
    by_host: bool,
    /// One was pending already. That is possible only where the host blocks it.
    waiting: bool,
    /// One that our splices raised is pending, for certain.
    raised: bool,
    /// One that our splices raised may be pending.
    suspected: bool,
}

thread_local! {
    // No destructor: one that runs after the library was unloaded would crash the host.
    static HELD: Cell<Option<Held>> = const { Cell::new(None) };
}

/// Blocks SIGPIPE for this thread until [`settle`]. One system call the first time, and another
/// where the host blocks it already.
pub(super) fn hold() {
    if HELD.get().is_none() {
        let by_host = mask(libc::SIG_BLOCK);
        let waiting = by_host && is_waiting();
        HELD.set(Some(Held { by_host, waiting, raised: false, suspected: false }));
    }
}

/// Notes how a splice to a socket went. One that took less than it was given may have raised the
/// signal as well: the kernel sends in rounds, tells what the first ones moved, and keeps the
/// EPIPE of a later one to itself, but not the signal.
pub(super) fn note(answer: Result<usize, Errno>, len: usize) {
    if let Some(mut held) = HELD.get() {
        match answer {
            Ok(n) => held.suspected |= n < len,
            Err(errno) => held.raised |= errno.0 == libc::EPIPE,
        }
        HELD.set(Some(held));
    }
}

/// Takes the signal that our splices raised, and unblocks SIGPIPE where the host does not block it.
/// No system call when nothing was blocked, else one, and one more where a splice failed or took
/// less than it was given.
///
/// Where one was pending before, it is the host's and stays. Ours has merged with it if it was sent
/// to this thread, and is pending beside it if it was sent to the process. (Hosts that have both
/// pending keep one.)
pub(super) fn settle() {
    let Some(held) = HELD.take() else { return };
    if (held.raised || (held.suspected && !held.waiting))
        && let Some(signal) = take()
    {
        // What is sent to the thread is taken before what is sent to the process. So if nothing is
        // pending any more, the one taken is the one that was pending before.
        let is_ours = signal.is_own && (!held.waiting || is_waiting());
        if !is_ours {
            signal.put_back();
        }
    }
    if !held.by_host {
        mask(libc::SIG_UNBLOCK);
    }
}

/// A signal that was pending.
struct PendingSignal {
    info: libc::siginfo_t,
    /// Sent by this process, as the kernel says of those it raises for a write.
    is_own: bool,
}

impl PendingSignal {
    /// Sends it to this thread, with its sender. One that was sent to the thread is then pending as it
    /// was. One that was sent to the process while we blocked it is handled by this thread, which
    /// would have handled it anyway.
    fn put_back(&self) {
        let process = this_process();
        // SAFETY: it has no precondition.
        let thread = unsafe { libc::gettid() };
        let (call, info) = (libc::SYS_rt_tgsigqueueinfo, &raw const self.info);
        // SAFETY: the call reads one `siginfo_t`, which `info` is; the others are numbers.
        let _cannot_fail = unsafe { libc::syscall(call, process, thread, libc::SIGPIPE, info) };
    }
}

/// Takes a pending SIGPIPE, this thread's before the process's.
fn take() -> Option<PendingSignal> {
    let set = sigpipe();
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    repeat_int(|| {
        // SAFETY: the pointers are to locals that outlive the call.
        unsafe { libc::sigtimedwait(&raw const set, info.as_mut_ptr(), &raw const at_once) }
    })
    .ok()?;
    // SAFETY: zeroed it was valid already, and the call has filled it.
    let info = unsafe { info.assume_init() };
    // SAFETY: every kind of SIGPIPE has the sender there: it comes from a write, kill or sigqueue.
    let sender = unsafe { info.si_pid() };
    let is_own = info.si_code == libc::SI_USER && sender == this_process();
    Some(PendingSignal { info, is_own })
}

/// Blocks or unblocks SIGPIPE for this thread and tells whether it was blocked.
fn mask(how: c_int) -> bool {
    let set = sigpipe();
    let mut before = no_signals();
    // SAFETY: the pointers are to locals that outlive the call. It cannot fail: `how` is right.
    let _cannot_fail = unsafe { libc::pthread_sigmask(how, &raw const set, &raw mut before) };
    contains_sigpipe(&before)
}

/// Whether a SIGPIPE is pending for this thread or the process.
fn is_waiting() -> bool {
    let mut waiting = no_signals();
    // SAFETY: the pointer is to a local that outlives the call.
    let _cannot_fail = unsafe { libc::sigpending(&raw mut waiting) };
    contains_sigpipe(&waiting)
}

fn this_process() -> libc::pid_t {
    // SAFETY: it has no precondition.
    unsafe { libc::getpid() }
}

fn no_signals() -> libc::sigset_t {
    let mut set = MaybeUninit::zeroed();
    // SAFETY: the pointer is to a local that outlives the call.
    let _cannot_fail = unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the call has filled it.
    unsafe { set.assume_init() }
}

fn sigpipe() -> libc::sigset_t {
    let mut set = no_signals();
    // SAFETY: the pointer is to a local that outlives the call.
    let _cannot_fail = unsafe { libc::sigaddset(&raw mut set, libc::SIGPIPE) };
    set
}

fn contains_sigpipe(set: &libc::sigset_t) -> bool {
    // SAFETY: the pointer is to a set that outlives the call.
    unsafe { libc::sigismember(std::ptr::from_ref(set), libc::SIGPIPE) == 1 }
}
