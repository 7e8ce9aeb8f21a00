//! What other threads bring to the engine's thread, and how that is woken.

use std::collections::VecDeque;
use std::ffi::c_void;

use super::bar::Bar;
use super::panic::outside;
use super::status::{VST_E_GONE, VST_E_LIMIT, VST_E_SYSTEM, VST_OK, vst_status};
#[cfg(simulated)]
use super::world::wake_fd;
use crate::engine::HandlerAnswer;
use crate::group::Wake;
use crate::id::Id;
use crate::mailbox::{Alarm, Closed, Mailbox};
use crate::sys::Fd;
#[cfg(not(simulated))]
use crate::sys::wake_fd;

/// As many answers wait for an engine at most.
const POSTS_MAX: usize = 4096;

/// Called when an answer of a handler waits, or VST_EVENT_WOKEN, or when another engine of the group
/// (vst_group_new) has something for this one: the host then lets the engine's thread
/// call `vst_engine_run`, `vst_engine_ready`, `vst_engine_ready_batch` or `vst_engine_ready_fd` soon,
/// each of which takes it. `vst_engine_wait` does not take it. `data` is that of the engine's
/// options.
///
/// Called on the thread that calls `vst_waker_post` or `vst_waker_wake`, or on that of another engine of
/// the group, when something waits and nothing did before; no lock of the library is held. It must not wait for the engine's thread, since
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
enum EngineAlarm {
    /// Its poller watches this.
    WakeFd(Fd),
    /// The host said how.
    Host(unsafe extern "C" fn(*mut c_void), *mut c_void),
}

/// What the engine shares with its wakers and with the other members of its group.
pub(super) struct Shared {
    mailbox: Mailbox<Pending, EngineAlarm>,
}

/// What waits for the engine's thread.
#[derive(Default)]
pub(super) struct Pending {
    /// Answers of handlers.
    pub(super) posts: VecDeque<Post>,
    /// Whether the host is to be told that it was woken.
    pub(super) wakes: bool,
    /// Whether another member of the group has something for it.
    pub(super) group: bool,
}

// SAFETY: the host's pointer is only handed to the host's function, which may be called from any
// thread (the header says so); all else may be shared anyway.
unsafe impl Send for EngineAlarm {}
// SAFETY: as above.
unsafe impl Sync for EngineAlarm {}

impl Alarm for EngineAlarm {
    fn signal(&self) -> bool {
        match self {
            // The descriptor cannot be closed meanwhile.
            Self::WakeFd(fd) => wake_fd::signal(*fd),
            Self::Host(..) => return false,
        }
        true
    }

    fn call(&self) {
        if let Self::Host(wake, data) = *self {
            let _bar = Bar::new();
            // SAFETY: the host's function and data, which it keeps valid for the engine's life: that
            // does not end while somebody is inside the alarm.
            outside(|| unsafe { wake(data) });
        }
    }

    fn clear(&self) {
        if let Self::WakeFd(fd) = self {
            wake_fd::clear(*fd);
        }
    }
}

impl Shared {
    /// With the host's own way of being woken, or else a wake-up descriptor.
    pub(super) fn new(wake: vst_wake_fn, data: *mut c_void) -> Result<Self, vst_status> {
        let alarm = match wake {
            Some(wake) => EngineAlarm::Host(wake, data),
            None => EngineAlarm::WakeFd(wake_fd::open().map_err(|_| VST_E_SYSTEM)?),
        };
        Ok(Self { mailbox: Mailbox::new(alarm) })
    }

    /// What the poller of the engine's thread watches.
    pub(super) const fn wake_fd(&self) -> Option<Fd> {
        match self.mailbox.alarm() {
            EngineAlarm::WakeFd(fd) => Some(*fd),
            EngineAlarm::Host(..) => None,
        }
    }

    /// Brings an answer, and wakes the engine's thread for the first that waits.
    pub(super) fn post(&self, post: Post) -> vst_status {
        self.bring(|waiting| {
            if waiting.posts.len() >= POSTS_MAX {
                return Err(VST_E_LIMIT);
            }
            waiting.posts.push_back(post);
            Ok(())
        })
    }

    /// Wakes the engine's thread, and has the host told.
    pub(super) fn wake(&self) -> vst_status {
        self.bring(|waiting| {
            waiting.wakes = true;
            Ok(())
        })
    }

    fn bring(&self, add: impl FnOnce(&mut Pending) -> Result<(), vst_status>) -> vst_status {
        match self.mailbox.bring(add) {
            Ok(Ok(())) => VST_OK,
            Ok(Err(status)) => status,
            Err(Closed) => VST_E_GONE,
        }
    }

    /// Everything that waits.
    pub(super) fn take(&self) -> Pending {
        self.mailbox.take()
    }

    /// The engine is freed: nothing comes through any more, and nobody is inside the host's function.
    pub(super) fn close(&self) {
        self.mailbox.close();
    }
}

impl Wake for Shared {
    fn wake(&self) {
        // A member that is freed meanwhile needs no wake.
        let _ = self.bring(|waiting| {
            waiting.group = true;
            Ok(())
        });
    }
}
