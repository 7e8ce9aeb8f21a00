//! Callbacks from which nothing may be called: while one runs, every function on an engine, a loop or
//! a waker answers `VST_E_REENTRANT` on its thread.

use std::cell::Cell;

use super::status::{VST_E_REENTRANT, vst_status};

thread_local! {
    // Const and without a destructor: one would crash a host that unloads the library.
    static BARRED: Cell<bool> = const { Cell::new(false) };
}

/// Bars this thread while it lives.
pub(super) struct Bar {
    before: bool,
}

impl Bar {
    pub(super) fn new() -> Self {
        Self { before: BARRED.replace(true) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        BARRED.set(self.before);
    }
}

/// Whether this thread may call.
pub(super) fn check() -> Result<(), vst_status> {
    if BARRED.get() { Err(VST_E_REENTRANT) } else { Ok(()) }
}
