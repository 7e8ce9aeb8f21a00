//! What threads share without a lock, or wake each other for, in every order in which they may run: loom
//! runs the code of the library itself, compiled here a second time with loom's types under the names of
//! `src/sync.rs`. A wake-up that is lost is found as a deadlock.

#[path = "../../src/group/cell.rs"]
mod cell;
#[path = "../../src/group/collection.rs"]
#[allow(dead_code, reason = "no model gives up waiting: there is no time in them")]
mod collection;
#[path = "../../src/mailbox.rs"]
mod mailbox;
#[path = "../../src/time.rs"]
#[allow(dead_code, unreachable_pub, reason = "the library shows it, and times are only compared")]
mod time;

mod group;
mod mailboxes;
mod table;

/// The names of `src/sync.rs`.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use loom::sync::{Arc, Condvar, Mutex, MutexGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().expect("no thread has failed")
    }

    pub(crate) fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        condition.wait(guard).expect("no thread has failed")
    }
}

/// How often a thread is interrupted in one run at most. More takes minutes, and finds what fewer find.
const INTERRUPTIONS: usize = 3;

/// Runs `threads` in every order in which they may run.
fn in_every_order(threads: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(INTERRUPTIONS);
    model.check(threads);
}
