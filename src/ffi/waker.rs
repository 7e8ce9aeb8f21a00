//! The one object that other threads may use: it brings answers of handlers to the engine's thread.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::bar::{self, Bar};
use super::engine::{id, vst_id};
use super::handler::{VST_STEP_DONE, VST_STEP_FAIL, VST_STEP_READ, VST_STEP_WRITE};
use super::panic::outside;
use super::ptr;
use super::shell::{self, vst_engine};
use super::status::*;
use crate::engine::Answer;
use crate::id::Id;
use crate::sys::{Fd, bell};

/// As many answers wait for an engine at most.
const POSTS_MAX: usize = 4096;

/// The engine should be driven, by any drive call of its own thread, soon. Called from whichever thread
/// posts, when an answer waits and none did before; no lock of the library is held. No function on an
/// engine, a loop or a waker may be called from here: it answers VST_E_REENTRANT. `vst_engine_free`
/// waits for this call to return, so this call must not wait for the engine's thread.
pub type vst_wake_fn = Option<unsafe extern "C" fn(data: *mut c_void)>;

/// Wakes an engine from other threads. Refers to the engine and does not keep it alive.
pub struct vst_waker {
    shared: Arc<Shared>,
}

/// An answer on its way.
pub(super) struct Post {
    pub(super) conn: Id,
    pub(super) ticket: u32,
    pub(super) answer: Answer,
}

/// How the engine's thread hears of it.
enum Alarm {
    /// Its poller watches this.
    Bell(Fd),
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

/// What the lock protects.
struct Posts {
    /// The answers that wait; none any more once the engine is freed.
    list: Option<VecDeque<Post>>,
    /// Threads that are inside the host's function.
    waking: u32,
}

// SAFETY: the host's pointer is only handed to the host's function, which may be called from any
// thread (the header says so); all else may be shared anyway.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// With the host's own way of being woken, or else a bell.
    pub(super) fn new(wake: vst_wake_fn, data: *mut c_void) -> Result<Self, vst_status> {
        let alarm = match wake {
            Some(wake) => Alarm::Host(wake, data),
            None => Alarm::Bell(bell::open().map_err(|_| VST_E_SYSTEM)?),
        };
        let posts = Mutex::new(Posts { list: Some(VecDeque::new()), waking: 0 });
        Ok(Self { waiting: AtomicBool::new(false), posts, returned: Condvar::new(), alarm })
    }

    /// What the poller of the engine's thread watches.
    pub(super) const fn bell(&self) -> Option<Fd> {
        match self.alarm {
            Alarm::Bell(fd) => Some(fd),
            Alarm::Host(..) => None,
        }
    }

    fn posts(&self) -> MutexGuard<'_, Posts> {
        // Nothing that runs under the lock leaves the list in pieces.
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, post: Post) -> vst_status {
        let mut posts = self.posts();
        let Some(list) = posts.list.as_mut() else { return VST_E_GONE };
        if list.len() >= POSTS_MAX {
            return VST_E_LIMIT;
        }
        list.push_back(post);
        if list.len() > 1 {
            return VST_OK;
        }
        self.waiting.store(true, Ordering::Release);
        match self.alarm {
            // Under the lock: the descriptor cannot be closed meanwhile.
            Alarm::Bell(fd) => bell::ring(fd),
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
    pub(super) fn take(&self) -> VecDeque<Post> {
        if !self.waiting.load(Ordering::Acquire) {
            return VecDeque::new();
        }
        let mut posts = self.posts();
        self.waiting.store(false, Ordering::Release);
        if let Alarm::Bell(fd) = &self.alarm {
            bell::hush(*fd);
        }
        posts.list.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The engine is freed: nothing comes through any more, and nobody is inside the host's function.
    pub(super) fn close(&self) {
        let mut posts = self.posts();
        posts.list = None;
        while posts.waking > 0 {
            posts = self.returned.wait(posts).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Gives a waker of the engine. `*out` is one, or NULL; free it with `vst_waker_free`, before or after
/// the engine. Any number may be had.
///
/// The first one has the host's poller watch one more descriptor, unless the engine was made with
/// `wake`.
/// Legal on the engine's thread, from any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SYSTEM (no descriptor can be had); VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_waker(
    engine: *mut vst_engine,
    out: *mut *mut vst_waker,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_out = unsafe { ptr::put(out, std::ptr::null_mut()) };
    shell::call(no_out.and(engine), |shell| {
        let waker = Box::new(vst_waker { shared: shell.waker()? });
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(out, Box::into_raw(waker)) }?;
        Ok(VST_OK)
    })
}

/// Brings the answer of a handler that announced it with VST_STEP_LATER: VST_STEP_DONE, READ, WRITE or
/// FAIL (with `code`, and a general sentence). The engine's thread takes it with its next drive call,
/// which it is woken for. An answer to a connection that is gone by then is dropped.
///
/// Legal at any time, from any thread and any number of them at once, but not from a signal handler
/// nor from `wake`, `log` and `discard`.
/// Returns VST_OK; VST_E_GONE (the engine is freed); VST_E_LIMIT (4,096 answers wait: drive the
/// engine, and try again); VST_E_ARGUMENT; VST_E_NULL; VST_E_REENTRANT.
///
/// # Safety
/// `waker` is a waker that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_waker_post(
    waker: *mut vst_waker,
    conn: vst_id,
    ticket: u32,
    answer: i32,
    code: i32,
) -> vst_status {
    super::guard(|| {
        // SAFETY: the caller's contract.
        let waker = unsafe { ptr::handle(waker) }?;
        bar::check()?;
        let answer = match answer {
            VST_STEP_DONE => Answer::Done,
            VST_STEP_READ => Answer::Read,
            VST_STEP_WRITE => Answer::Write,
            VST_STEP_FAIL => Answer::Fail(code, String::new()),
            _ => return Err(VST_E_ARGUMENT),
        };
        Ok(waker.shared.post(Post { conn: id(conn)?, ticket, answer }))
    })
}

/// Frees a waker. NULL is fine.
///
/// Legal at any time, from any thread, before or after the engine is freed.
///
/// # Safety
/// `waker` is NULL or a waker that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_waker_free(waker: *mut vst_waker) {
    // SAFETY: the caller's contract.
    unsafe { super::free(waker) };
}
