//! The answers that other threads bring, on their way to the engine's thread, and how that is woken.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::bar::Bar;
use super::panic::outside;
use super::status::{VST_E_GONE, VST_E_LIMIT, VST_E_SYSTEM, VST_OK, vst_status};
#[cfg(simulated)]
use super::world::wake_fd;
use crate::engine::HandlerAnswer;
use crate::id::Id;
use crate::sys::Fd;
#[cfg(not(simulated))]
use crate::sys::wake_fd;

/// As many answers wait for an engine at most.
const POSTS_MAX: usize = 4096;

/// Called when an answer of a handler waits, or VST_EVENT_WOKEN: the host then lets the engine's thread
/// call `vst_engine_run`, `vst_engine_ready`, `vst_engine_ready_batch` or `vst_engine_ready_fd` soon,
/// each of which takes it. `vst_engine_wait` does not take it. `data` is that of the engine's
/// options.
///
/// Called on the thread that calls `vst_waker_post` or `vst_waker_wake`, when something waits and
/// nothing did before; no lock of the library is held. It must not wait for the engine's thread, since
/// `vst_engine_free` waits for this callback to return. No function on an engine, a loop or a waker may
/// be called from here: it returns VST_E_REENTRANT.
pub type vst_wake_fn = Option<unsafe extern "C" fn(data: *mut c_void)>;

/// An answer on its way.
pub(super) struct Post {
    pub(super) conn: Id,
    pub(super) ticket: u32,
    pub(super) answer: HandlerAnswer,
}

/// How the engine's thread hears of it.
enum Alarm {
    /// Its poller watches this.
    WakeFd(Fd),
    /// The host said how.
    Host(unsafe extern "C" fn(*mut c_void), *mut c_void),
}

/// What the engine and its wakers share.
pub(super) struct Shared {
    /// Whether anything waits: to be looked at without the lock.
    waiting: AtomicBool,
    posts: Mutex<Posts>,
    /// The host's function has returned.
    returned: Condvar,
    alarm: Alarm,
}

/// What waits for the engine's thread.
#[derive(Default)]
pub(super) struct Pending {
    /// Answers of handlers.
    pub(super) posts: VecDeque<Post>,
    /// Whether the host is to be told that it was woken.
    pub(super) wakes: bool,
}

/// What the lock protects.
struct Posts {
    /// What waits; nothing any more once the engine is freed.
    waiting: Option<Pending>,
    /// Threads that are inside the host's function.
    waking: u32,
}

// SAFETY: the host's pointer is only handed to the host's function, which may be called from any
// thread (the header says so); all else may be shared anyway.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// With the host's own way of being woken, or else a wake-up descriptor.
    pub(super) fn new(wake: vst_wake_fn, data: *mut c_void) -> Result<Self, vst_status> {
        let alarm = match wake {
            Some(wake) => Alarm::Host(wake, data),
            None => Alarm::WakeFd(wake_fd::open().map_err(|_| VST_E_SYSTEM)?),
        };
        let posts = Mutex::new(Posts { waiting: Some(Pending::default()), waking: 0 });
        Ok(Self { waiting: AtomicBool::new(false), posts, returned: Condvar::new(), alarm })
    }

    /// What the poller of the engine's thread watches.
    pub(super) const fn wake_fd(&self) -> Option<Fd> {
        match self.alarm {
            Alarm::WakeFd(fd) => Some(fd),
            Alarm::Host(..) => None,
        }
    }

    fn posts(&self) -> MutexGuard<'_, Posts> {
        // Nothing that runs under the lock leaves the list in pieces.
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings an answer, and wakes the engine's thread for the first that waits.
    pub(super) fn post(&self, post: Post) -> vst_status {
        self.bring(|waiting| {
            if waiting.posts.len() >= POSTS_MAX {
                return VST_E_LIMIT;
            }
            waiting.posts.push_back(post);
            VST_OK
        })
    }

    /// Wakes the engine's thread, and has the host told.
    pub(super) fn wake(&self) -> vst_status {
        self.bring(|waiting| {
            waiting.wakes = true;
            VST_OK
        })
    }

    /// Adds to what waits, and wakes the engine's thread if nothing waited before.
    fn bring(&self, add: impl FnOnce(&mut Pending) -> vst_status) -> vst_status {
        let mut posts = self.posts();
        let Some(waiting) = posts.waiting.as_mut() else { return VST_E_GONE };
        let status = add(waiting);
        if status != VST_OK || self.waiting.swap(true, Ordering::AcqRel) {
            return status;
        }
        match self.alarm {
            // Under the lock: the descriptor cannot be closed meanwhile.
            Alarm::WakeFd(fd) => wake_fd::signal(fd),
            Alarm::Host(wake, data) => {
                posts.waking += 1;
                drop(posts);
                let bar = Bar::new();
                // SAFETY: the host's function and data, which it keeps valid for the engine's life:
                // that does not end while somebody is counted in `waking`.
                outside(|| unsafe { wake(data) });
                drop(bar);
                self.posts().waking -= 1;
                self.returned.notify_all();
            }
        }
        VST_OK
    }

    /// Everything that waits.
    pub(super) fn take(&self) -> Pending {
        if !self.waiting.load(Ordering::Acquire) {
            return Pending::default();
        }
        let mut posts = self.posts();
        self.waiting.store(false, Ordering::Release);
        if let Alarm::WakeFd(fd) = &self.alarm {
            wake_fd::clear(*fd);
        }
        posts.waiting.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The engine is freed: nothing comes through any more, and nobody is inside the host's function.
    pub(super) fn close(&self) {
        let mut posts = self.posts();
        posts.waiting = None;
        while posts.waking > 0 {
            posts = self.returned.wait(posts).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
