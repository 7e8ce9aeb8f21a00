//! A panic of the library must reach neither the host nor its stderr, nor may a panic of the host's own
//! Rust code lose its message.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

use super::seal::{self, Handle};
use super::status::{VST_E_PANIC, VST_OK, vst_status};
use crate::sys::{ErrnoGuard, Kernel, Net};

thread_local! {
    // Both are const and need no destructor: one would crash a host that unloads the library.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
    static TEXT: RefCell<PanicText> = const { RefCell::new(PanicText { bytes: [0; TEXT_SIZE], len: 0 }) };
}

const TEXT_SIZE: usize = 256;

struct PanicText {
    bytes: [u8; TEXT_SIZE],
    len: usize,
}

/// Flags this thread as being inside the library while it lives.
pub(super) struct Inside;

impl Inside {
    pub(super) fn new() -> Self {
        INSIDE.with(|inside| inside.set(inside.get() + 1));
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with(|inside| inside.set(inside.get() - 1));
    }
}

/// Runs the host's code: a panic of it is the host's to see.
pub(super) fn outside<R>(call: impl FnOnce() -> R) -> R {
    let depth = INSIDE.with(|inside| inside.replace(0));
    let result = call();
    INSIDE.with(|inside| inside.set(depth));
    result
}

/// Installs a hook, once in the process, that is silent while this thread is inside the library and
/// hands everything else to the hook before it.
pub(super) fn install_hook() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if INSIDE.with(Cell::get) > 0 {
                keep(info);
            } else {
                previous(info);
            }
        }));
    });
}

fn keep(info: &PanicHookInfo<'_>) {
    use std::io::Write;
    TEXT.with(|text| {
        let Ok(mut text) = text.try_borrow_mut() else { return };
        let PanicText { bytes, len } = &mut *text;
        let mut rest = &mut bytes[..];
        let place = info.location().map_or(("?", 0), |place| (place.file(), place.line()));
        let why = info.payload_as_str().unwrap_or("");
        // What does not fit is cut.
        let _ = write!(rest, "the library failed inside at {}:{}: {why}", place.0, place.1);
        *len = TEXT_SIZE - rest.len();
    });
}

/// The text of the last panic of this thread.
pub(super) fn take_text() -> String {
    TEXT.with(|text| {
        text.try_borrow_mut().map_or_else(
            |_| String::new(),
            |mut text| {
                let len = std::mem::take(&mut text.len);
                String::from_utf8_lossy(&text.bytes[..len]).into_owned()
            },
        )
    })
}

/// Runs `f` so that no panic leaves, and `errno` is as it was: whatever a panic touched is not used
/// again but to be freed.
pub(super) fn guard(f: impl FnOnce() -> Result<vst_status, vst_status>) -> vst_status {
    let _errno = ErrnoGuard::new();
    let _inside = Inside::new();
    let outcome = catch_unwind(AssertUnwindSafe(f));
    // Whatever happened inside, the host's signals are as it had them.
    Kernel.settle_signals();
    match outcome {
        Ok(Ok(status) | Err(status)) => status,
        Err(payload) => {
            // Dropping it could panic again.
            std::mem::forget(payload);
            VST_E_PANIC
        }
    }
}

/// Frees a handle. A drop that panics is contained. What is no handle of this kind, or is freed already, is
/// left alone.
///
/// # Safety
/// `handle` is NULL or a handle that is not freed.
pub(super) unsafe fn free<T: Handle>(handle: *mut T) {
    // SAFETY: the caller's contract.
    if unsafe { seal::check(handle) }.is_err() {
        return;
    }
    // SAFETY: as above.
    let owned = unsafe { seal::unseal(handle) };
    guard(move || {
        drop(owned);
        Ok(VST_OK)
    });
}
