//! State of the calling thread: its `errno`, and a number that identifies the thread.
//!
//! `errno` belongs to the host: a function called between its system call and its look at `errno`
//! must leave it as it was.
#![allow(unsafe_code)]

use std::ffi::c_int;

/// Notes `errno` when made and puts it back when dropped.
#[derive(Debug)]
pub struct ErrnoGuard {
    saved: c_int,
}

impl ErrnoGuard {
    /// Notes this thread's `errno`.
    #[must_use]
    pub fn new() -> Self {
        // SAFETY: the location is this thread's own, valid while the thread lives.
        let saved = unsafe { *location() };
        Self { saved }
    }
}

impl Default for ErrnoGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for ErrnoGuard {
    fn drop(&mut self) {
        // SAFETY: the location is this thread's own, valid while the thread lives.
        unsafe { *location() = self.saved };
    }
}

/// Runs `f` and leaves `errno` as it was before.
pub fn errno_saved<R>(f: impl FnOnce() -> R) -> R {
    let _guard = ErrnoGuard::new();
    f()
}

fn location() -> *mut c_int {
    // SAFETY: it has no precondition.
    unsafe { libc::__errno_location() }
}

thread_local! {
    // No destructor: one that runs after the library was unloaded would crash the host.
    static TOKEN: u8 = const { 0 };
}

/// A number no other living thread has; never 0. A dead thread's number may come again.
#[must_use]
pub fn thread_token() -> usize {
    TOKEN.with(|token| std::ptr::from_ref(token).addr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::call::last_errno;

    #[test]
    fn errno_is_what_it_was_whatever_happens_inside() {
        let set = |errno| {
            // SAFETY: the location is this thread's own.
            unsafe { *location() = errno };
        };
        set(libc::EXDEV);
        assert_eq!(errno_saved(|| set(libc::ENOENT)), ());
        assert_eq!(last_errno().0, libc::EXDEV);
        let unwound = std::panic::catch_unwind(|| {
            errno_saved(|| {
                set(libc::ENOENT);
                std::panic::resume_unwind(Box::new(()))
            })
        });
        assert!(unwound.is_err());
        assert_eq!(last_errno().0, libc::EXDEV);
    }

    #[test]
    fn a_token_is_the_threads_own() {
        let mine = thread_token();
        assert_ne!(mine, 0);
        assert_eq!(mine, thread_token());
        std::thread::scope(|scope| {
            let other = scope.spawn(thread_token).join();
            assert_ne!(other.ok(), Some(mine));
        });
    }
}
