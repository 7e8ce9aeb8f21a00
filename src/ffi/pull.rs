//! Events for hosts that ask for them.

use super::engine::vst_engine;
use super::entry;
use super::event::{VST_EVENT_INTEREST, vst_event};
use super::event_value::{EventDetails, blank};
use super::ptr;
use super::status::*;
use crate::engine::HostOp;

impl vst_engine {
    /// The next event of an engine whose host pulls.
    fn pull(&self) -> Result<Option<vst_event>, vst_status> {
        // What was pulled last may still be looked at further out.
        if self.depth.get() > 1 {
            return Err(VST_E_REENTRANT);
        }
        if self.host.event.is_some() && !self.pulls_interest() {
            return Err(VST_E_MODE);
        }
        self.check_next();
        if self.pulls_interest()
            && let Some(op) = self.core()?.next_host_op()
        {
            self.trace_interest(op);
            self.check_interest(&op);
            let HostOp::Interest { fd, token, old, new, .. } = op;
            let mut value = blank(VST_EVENT_INTEREST, token.bits(), self.token_user(token, new));
            value.fd = fd.0;
            value.old_mask = u32::from(old.bits());
            value.new_mask = u32::from(new.bits());
            return Ok(Some(value));
        }
        if self.host.event.is_some() {
            return Ok(None);
        }
        let mut pulled = self.pulled.borrow_mut();
        let details = pulled.insert(EventDetails::default());
        let Some(value) = self.next_value(details)? else { return Ok(None) };
        self.trace_event(&value);
        self.check_event(value.kind, value.id);
        Ok(Some(value))
    }
}

/// Writes the next event of an engine that was made without an event callback, and the next
/// VST_EVENT_INTEREST of one that was made without interest callbacks; these come first. After every
/// other call on the engine and before it waits, the host calls this until it returns VST_NONE. The
/// engine is RUNNABLE while there is something to pull.
///
/// What `event` points to is valid until the next call on the engine. All bytes of `event` but its
/// size are 0 unless VST_OK.
/// A descriptor of a VST_EVENT_INTEREST with VST_IO_RELEASED in `new_mask` stays open until that
/// event has been written, and is closed by the next call on the engine (after
/// `vst_engine_batch_begin`: by the first call after `vst_engine_batch_end`). So a host that does
/// not call this keeps descriptors open.
/// Legal on the engine's thread, outside callbacks.
/// Returns VST_OK; VST_NONE (there is no event); VST_E_MODE (the engine has both an event
/// callback and interest callbacks); VST_E_REENTRANT; VST_E_NULL; VST_E_SIZE; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `event` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_next(
    engine: *mut vst_engine,
    event: *mut vst_event,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // First, so that no event is lost when there is no room for one.
    // SAFETY: the caller's contract.
    let no_event = unsafe { ptr::clear_sized(event) };
    entry::call(no_event.and(engine), |shell| match shell.pull()? {
        // SAFETY: the caller's contract.
        Some(value) => Ok(unsafe { ptr::write_sized(event, &value) }),
        None => Ok(VST_NONE),
    })
}
