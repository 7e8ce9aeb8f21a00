//! Driving an engine: readiness and time go in, and what to wait for comes out.

use super::engine::vst_engine;
use super::entry;
use super::ptr;
use super::status::{self, *};
use super::types::{id, vst_id, vst_wait};
use crate::ctrl::Io;
use crate::id::Id;

/// Readiness of one descriptor.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_ready {
    /// The token that came with the interest.
    pub token: vst_id,
    /// `VST_IO_*`.
    pub events: u32,
    /// 0.
    pub _reserved: u32,
}

const _: () = assert!(size_of::<vst_ready>() == 16);

fn io(events: u32) -> Result<Io, vst_status> {
    let bits = u8::try_from(events).map_err(|_| VST_E_ARGUMENT)?;
    Io::from_bits(bits).filter(|io| Io::REPORTED.contains(*io)).ok_or(VST_E_ARGUMENT)
}

/// Tells that one descriptor is ready.
///
/// `token` came with its interest; `events` is a mask of VST_IO_IN, OUT, HANGUP, ERROR. `now_ns` is
/// CLOCK_MONOTONIC in nanoseconds, or 0 to have it read; of an engine made with `now_ns` it is the
/// host's own clock, and never 0. What is due by then is done first: a deadline that has passed holds,
/// whatever has come since. `wait` is written unless NULL. Callbacks run before this returns.
/// Legal at any time, also from the event callback (then it is nested).
/// Returns VST_OK; VST_E_STALE, VST_E_KIND, VST_E_ENGINE (then no readiness is told: a late one
/// does no harm); VST_E_SIZE, VST_E_ARGUMENT, VST_E_NULL and VST_E_MODE (a time of another clock), and
/// then nothing happens; VST_E_THREAD; VST_E_PANIC; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `wait` is NULL or points to as many bytes as its `size`.
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
        let (token, events) = (id(token)?, io(events)?);
        shell.begin_at(now_ns)?;
        shell.core()?.on_ready(token, events).map_err(status::of)
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Tells that descriptors are ready, in the order of `list`. Callbacks run after each; interest
/// changes are told after the last. A stale token in the list is passed over.
///
/// Otherwise as `vst_engine_ready`. `list` points to `count` entries, read only during the call.
/// Returns as `vst_engine_ready`, without VST_E_STALE.
///
/// # Safety
/// As `vst_engine_ready`; `list` points to `count` entries.
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
            told_of(ready)?;
        }
        shell.begin_at(now_ns)?;
        for ready in list {
            let (token, events) = told_of(ready)?;
            let told = shell.core()?.on_ready(token, events).map_err(status::of);
            match told {
                Ok(()) | Err(VST_E_STALE) => shell.tell_events()?,
                Err(status) => return Err(status),
            }
        }
        Ok(())
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Tells that a descriptor is ready, by its number, for hosts that know no tokens. Such a host calls
/// `vst_engine_batch_begin` before it goes through the results of one poll and
/// `vst_engine_batch_end` after, so that no number is closed, and used again, in between.
///
/// Otherwise as `vst_engine_ready`. The engine must be made with VST_ENGINE_BY_FD.
/// Returns as `vst_engine_ready`; VST_E_MODE also where it is not.
///
/// # Safety
/// As `vst_engine_ready`.
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
        let events = io(events)?;
        shell.begin_at(now_ns)?;
        shell.core()?.on_ready_fd(crate::sys::Fd(fd), events).map_err(status::of)
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Does what is due by time and what is RUNNABLE. Call it when the deadline of `vst_wait` has come
/// and whenever VST_WAIT_RUNNABLE is set; at other times it does no harm.
///
/// Otherwise as `vst_engine_ready`.
/// Returns VST_OK; VST_E_SIZE, VST_E_NULL and VST_E_MODE (a time of another clock), and then nothing
/// happens; VST_E_THREAD; VST_E_PANIC; VST_E_POISONED.
///
/// # Safety
/// As `vst_engine_ready`.
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
        shell.begin_at(now_ns)?;
        shell.core()?.on_deadline();
        shell.core()?.on_turn();
        shell.ran();
        Ok(())
    })
    // SAFETY: the caller's contract.
    .finish(|value| unsafe { put_wait(wait, value) })
}

/// Writes what the host must know to wait well, as every drive call does.
///
/// Legal at any time; from a callback it says VST_WAIT_NESTED.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// As `vst_engine_ready`.
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
    entry::drive(room.and(engine), |_| Ok(()))
        // SAFETY: the caller's contract.
        .finish(|value| unsafe { put_wait(wait, value) })
}

/// Holds back interest changes and the closing of descriptors until `vst_engine_batch_end`.
///
/// Legal outside callbacks.
/// Returns VST_OK; VST_E_STATE (begun already); VST_E_REENTRANT; VST_E_NULL; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_batch_begin(engine: *mut vst_engine) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| shell.bracket(true))
}

/// Ends what `vst_engine_batch_begin` began: interest changes are told and descriptors closed.
///
/// Legal outside callbacks.
/// Returns VST_OK; VST_E_STATE (none begun); VST_E_REENTRANT; VST_E_NULL; VST_E_THREAD;
/// VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_batch_end(engine: *mut vst_engine) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| shell.bracket(false))
}

/// The readiness that an entry of a list tells.
fn told_of(ready: &vst_ready) -> Result<(Id, Io), vst_status> {
    if ready._reserved != 0 {
        return Err(VST_E_ARGUMENT);
    }
    Ok((id(ready.token)?, io(ready.events)?))
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
