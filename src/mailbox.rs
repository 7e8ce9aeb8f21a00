//! What other threads bring to one thread, and how that is woken for it.

use crate::sync::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering, lock, wait};

/// How the thread is woken.
pub(crate) trait Alarm {
    /// Wakes it. Called with the lock of the mailbox held: nobody is inside once the mailbox is closed.
    /// False if it can be woken only without the lock, by [`call`](Alarm::call).
    fn signal(&self) -> bool;

    /// Wakes it by code that is not ours. The lock is not held.
    fn call(&self);

    /// The thread is awake. Called with the lock held.
    fn clear(&self);
}

/// Something brought to a mailbox whose thread takes nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// What waits for one thread. Any thread may bring something; the first after the thread has taken what
/// waited wakes it.
pub(crate) struct Mailbox<T, A> {
    /// Whether anything waits: to be looked at without the lock.
    is_waiting: AtomicBool,
    inside: Mutex<MailboxState<T>>,
    /// A thread has returned from [`Alarm::call`].
    returned: Condvar,
    alarm: A,
}

/// What the lock protects.
struct MailboxState<T> {
    /// What waits; nothing any more once the mailbox is closed.
    waiting: Option<T>,
    /// Threads that are inside [`Alarm::call`].
    calling: u32,
}

impl<T: Default, A: Alarm> Mailbox<T, A> {
    pub(crate) fn new(alarm: A) -> Self {
        Self {
            is_waiting: AtomicBool::new(false),
            inside: Mutex::new(MailboxState { waiting: Some(T::default()), calling: 0 }),
            returned: Condvar::new(),
            alarm,
        }
    }

    pub(crate) const fn alarm(&self) -> &A {
        &self.alarm
    }

    fn open(&self) -> MutexGuard<'_, MailboxState<T>> {
        lock(&self.inside)
    }

    /// Adds to what waits, and wakes the thread if nothing waited before.
    ///
    /// # Errors
    /// What `add` returns, and then the thread is not woken; or the mailbox is closed.
    pub(crate) fn bring<E>(
        &self,
        add: impl FnOnce(&mut T) -> Result<(), E>,
    ) -> Result<Result<(), E>, Closed> {
        let mut inside = self.open();
        let added = add(inside.waiting.as_mut().ok_or(Closed)?);
        if added.is_err() || self.is_waiting.swap(true, Ordering::AcqRel) {
            return Ok(added);
        }
        if !self.alarm.signal() {
            inside.calling += 1;
            drop(inside);
            self.alarm.call();
            self.open().calling -= 1;
            self.returned.notify_all();
        }
        Ok(added)
    }

    /// Everything that waits. Only the one thread takes it.
    pub(crate) fn take(&self) -> T {
        if !self.is_waiting.load(Ordering::Acquire) {
            return T::default();
        }
        let mut inside = self.open();
        self.is_waiting.store(false, Ordering::Release);
        self.alarm.clear();
        inside.waiting.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Nothing comes through any more, and when this returns nobody is inside the alarm.
    pub(crate) fn close(&self) {
        let mut inside = self.open();
        inside.waiting = None;
        while inside.calling > 0 {
            inside = wait(&self.returned, inside);
        }
    }
}
