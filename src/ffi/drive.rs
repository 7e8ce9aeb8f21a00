//! Driving an engine: readiness and time go in, and what to wait for comes out.

use super::checker::Handle;
use super::engine::vst_engine;
use super::entry;
use super::ptr;
use super::status::{self, *};
use super::types::{vst_id, vst_wait};
use crate::ctrl::Io;
use crate::id::Id;

/// Readiness of one descriptor.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_ready {
    /// The token that came with the interest of the descriptor.
    pub token: vst_id,
    /// A mask of VST_IO_IN, VST_IO_OUT, VST_IO_HANGUP and VST_IO_ERROR.
    pub events: u32,
    /// 0.
    pub _reserved: u32,
}

const _: () = assert!(size_of::<vst_ready>() == 16);

fn io(events: u32) -> Result<Io, vst_status> {
    let bits = u8::try_from(events).map_err(|_| VST_E_ARGUMENT)?;
    Io::from_bits(bits).filter(|io| Io::REPORTED.contains(*io)).ok_or(VST_E_ARGUMENT)
}

/// Hands in that one descriptor is ready.
///
/// `token` came with its interest; `events` is a mask of VST_IO_IN, VST_IO_OUT, VST_IO_HANGUP and
/// VST_IO_ERROR; 0 means no readiness. `now_ns` is CLOCK_MONOTONIC in nanoseconds, or 0: then the
/// library reads the clock. With an engine made with `now_ns` it is the time of the host's own
/// clock, and never 0. Deadlines that have passed by then are handled first: a handshake whose
/// deadline has passed fails, even where its last bytes have come. `wait`, unless NULL, is written.
/// Callbacks run before this returns.
/// Legal on the engine's thread; from a callback, `wait` has VST_WAIT_NESTED.
/// Returns VST_OK; VST_E_STALE, VST_E_KIND and VST_E_ENGINE (the token; readiness of a released
/// descriptor does no harm); VST_E_SIZE, VST_E_ARGUMENT, VST_E_NULL and VST_E_MODE (a time of
/// another clock), and then nothing happens; VST_E_THREAD; VST_E_PANIC; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `wait` is NULL or points to as many bytes as its `size`
/// says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_ready(
    engine: *mut vst_engine,
    token: vst_id,
    events: u32,
    now_ns: u64,
    wait: *mut vst_wait,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let room = unsafe { wait_room(wait) };
    entry::drive(room.and(engine), |shell| {
        let (token, events) = shell.readiness(token, events)?;
        shell.begin_at(now_ns)?;
        shell.on_ready(token, events)
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Hands in that descriptors are ready, in the order of list: count entries, read only during the
/// call. `now_ns` and `wait` are as for `vst_engine_ready`.
///
/// The event callback is called after each entry, for what that entry caused. The interest
/// callbacks, step and discard are called only after the last entry. An entry with a stale token is
/// skipped, and so is one of another kind or of another engine, but then the status says so. An
/// unknown bit, a reserved field that is not 0 or a token of 0
/// anywhere in the list is VST_E_ARGUMENT, and no entry is handled.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_KIND and VST_E_ENGINE (the first token that is wrong, as above); VST_E_SIZE,
/// VST_E_ARGUMENT, VST_E_NULL and VST_E_MODE (a time of another clock), and then nothing happens;
/// VST_E_THREAD; VST_E_PANIC; VST_E_POISONED.
///
/// # Safety
/// engine is an engine that is not freed; list points to count entries; wait is NULL or points to
/// as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_ready_batch(
    engine: *mut vst_engine,
    list: *const vst_ready,
    count: usize,
    now_ns: u64,
    wait: *mut vst_wait,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let list = unsafe { ptr::items(list, count) };
    // SAFETY: the caller's contract.
    let room = unsafe { wait_room(wait) };
    entry::drive(room.and(engine), |shell| {
        let list = list?;
        // Nothing is done of a list that is not right.
        for ready in list {
            shell.readiness_of(ready)?;
        }
        shell.check_poll(false);
        shell.begin_at(now_ns)?;
        let mut outcome = Ok(());
        for ready in list {
            let (token, events) = shell.readiness_of(ready)?;
            match shell.on_ready(token, events) {
                Ok(()) | Err(VST_E_STALE) => {}
                // One token that is wrong must not cost the others their readiness.
                Err(status) => outcome = outcome.and(Err(status)),
            }
            shell.report_events()?;
        }
        outcome
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Hands in that one descriptor is ready, by its number instead of its token. Only for an engine
/// made with VST_ENGINE_BY_FD. A host calls `vst_engine_batch_begin` before it goes through the
/// results of one poll, and `vst_engine_batch_end` after: in between no descriptor is closed, so
/// that no number is used again and a result cannot be taken for a newer descriptor's.
///
/// `events`, `now_ns` and `wait` are as for `vst_engine_ready`.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_STALE (no descriptor of this engine has this number); VST_E_MODE (the
/// engine was made without VST_ENGINE_BY_FD, or a time of another clock); VST_E_ARGUMENT (an
/// unknown bit, a negative number); VST_E_SIZE; VST_E_NULL; VST_E_THREAD; VST_E_PANIC;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `wait` is NULL or points to as many bytes as its `size`
/// says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_ready_fd(
    engine: *mut vst_engine,
    fd: i32,
    events: u32,
    now_ns: u64,
    wait: *mut vst_wait,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let room = unsafe { wait_room(wait) };
    entry::drive(room.and(engine), |shell| {
        let handle = Handle::Number(fd);
        let events = shell.io(handle, events)?;
        shell.begin_at(now_ns)?;
        shell.check_ready(handle, events);
        shell.core()?.on_ready_fd(crate::sys::Fd(fd), events).map_err(status::of)
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Handles deadlines that have passed, and does a bounded part of the work that VST_WAIT_RUNNABLE
/// stands for. Call it when `deadline_ns` of `vst_wait` has come, and, before waiting, whenever
/// VST_WAIT_RUNNABLE is set. At other times it does no harm.
///
/// `now_ns` and `wait` are as for `vst_engine_ready`. Callbacks run before this returns.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_SIZE, VST_E_NULL and VST_E_MODE (a time of another clock), and then
/// nothing happens; VST_E_THREAD; VST_E_PANIC; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `wait` is NULL or points to as many bytes as its `size`
/// says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_run(
    engine: *mut vst_engine,
    now_ns: u64,
    wait: *mut vst_wait,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let room = unsafe { wait_room(wait) };
    entry::drive(room.and(engine), |shell| {
        shell.check_poll(true);
        shell.begin_at(now_ns)?;
        shell.core()?.on_deadline();
        shell.core()?.on_turn();
        shell.ran();
        Ok(())
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Writes wait, as every drive call does: until when the host may wait, and what exists.
///
/// It is a drive call as far as threads are concerned: the first one binds the engine to its
/// thread. It is given no time, handles no deadlines, and does not take the answers that
/// `vst_waker_post` has brought; `vst_engine_run`, `vst_engine_ready`, `vst_engine_ready_batch` and
/// `vst_engine_ready_fd` do. Like any call outside a callback it may run callbacks for what an
/// earlier call left.
/// Legal on the engine's thread; from a callback, `wait` has VST_WAIT_NESTED.
/// Returns VST_OK; VST_E_NULL (also for `wait`); VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `wait` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_wait(
    engine: *mut vst_engine,
    wait: *mut vst_wait,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    if wait.is_null() {
        return VST_E_NULL;
    }
    // SAFETY: the caller's contract.
    let room = unsafe { wait_room(wait) };
    entry::drive(room.and(engine), |shell| {
        shell.check_wait();
        Ok(())
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Begins a batch: until `vst_engine_batch_end`, interest callbacks are not called, and released
/// descriptors are not closed. For hosts that hand readiness in by number, see vst_engine_ready_fd.
///
/// Two things are not held back: VST_EVENT_INTEREST, which `vst_engine_next` writes all the same,
/// and the release of a descriptor by `vst_conn_take_fd`, which is reported at once. Events are
/// reported as usual.
/// Legal on the engine's thread, outside callbacks.
/// Returns VST_OK; VST_E_STATE (a batch is begun already); VST_E_REENTRANT; VST_E_NULL;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_batch_begin(engine: *mut vst_engine) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| shell.bracket(true))
}

/// Ends a batch that `vst_engine_batch_begin` began: interest callbacks are called and released
/// descriptors closed before this returns. `wait`, unless NULL, is written, as by every drive call.
/// Where interest comes from `vst_engine_next`, the descriptors whose release has been written there are
/// closed by the next call on the engine.
///
/// Legal on the engine's thread, outside callbacks.
/// Returns VST_OK; VST_E_STATE (no batch is begun); VST_E_REENTRANT; VST_E_NULL; VST_E_SIZE;
/// VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `wait` is NULL or points to as many bytes as its `size`
/// says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_batch_end(
    engine: *mut vst_engine,
    wait: *mut vst_wait,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let room = unsafe { wait_room(wait) };
    entry::drive(room.and(engine), |shell| shell.bracket(false).map(drop))
        // SAFETY: the caller's contract.
        .finish(|value| unsafe { put_wait(wait, value) })
}

impl vst_engine {
    /// The readiness that a host hands in.
    fn io(&self, handle: Handle, events: u32) -> Result<Io, vst_status> {
        io(events).inspect_err(|_| self.check_bits(handle, events))
    }

    /// The same, with its token.
    fn readiness(&self, token: vst_id, events: u32) -> Result<(Id, Io), vst_status> {
        let handle = Handle::Token(token);
        let events = self.io(handle, events)?;
        Ok((self.id(token).inspect_err(|_| self.check_ready(handle, events))?, events))
    }

    /// The readiness that an entry of a list tells.
    fn readiness_of(&self, ready: &vst_ready) -> Result<(Id, Io), vst_status> {
        if ready._reserved != 0 {
            return Err(VST_E_ARGUMENT);
        }
        self.readiness(ready.token, ready.events)
    }

    fn on_ready(&self, token: Id, events: Io) -> Result<(), vst_status> {
        self.check_ready(Handle::Token(token.bits()), events);
        self.core()?.on_ready(token, events).map_err(status::of)
    }
}

/// Whether there is room for the wait state where the host asks for it, before anything is done.
///
/// # Safety
/// `wait` is NULL or points to as many bytes as its `size` says.
unsafe fn wait_room(wait: *const vst_wait) -> Result<(), vst_status> {
    if wait.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's contract.
    unsafe { ptr::check_size(wait) }
}

/// Writes the wait state where the host asked for it.
///
/// # Safety
/// `wait` is NULL or points to as many bytes as its `size` says.
unsafe fn put_wait(wait: *mut vst_wait, value: &vst_wait) -> vst_status {
    if wait.is_null() {
        return VST_OK;
    }
    // SAFETY: the caller's contract.
    unsafe { ptr::write_sized(wait, value) }
}
