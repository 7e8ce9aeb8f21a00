//! The boundary: C in, C out. It decides nothing: it checks pointers, finds the engine, runs one
//! thing on it, and then tells the host what came of it.
//!
//! Everything the header shows is written out in this folder, which is all that cbindgen reads.
#![allow(unsafe_code, non_camel_case_types)]
#![allow(unreachable_pub, dead_code, reason = "the header shows it: C uses it, Rust need not")]

mod accept_config;
mod addr;
mod backend;
mod bar;
mod clock;
mod conn;
mod connect_config;
mod describe;
mod drain;
mod drive;
mod end;
mod engine;
mod event;
mod facts;
mod handler;
mod identity;
mod layers;
mod listener;
mod looping;
mod monitor;
mod options;
mod panic;
mod ptr;
mod rules;
mod server;
mod server_state;
mod shell;
mod socks;
mod start_tls;
mod status;
mod stream;
mod table;
mod table_key;
mod table_snapshot;
#[cfg(test)]
mod tests;
mod tls;
mod tls_client;
mod told;
mod under;
mod unusable;
mod version;
mod waker;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::sys::{ErrnoGuard, Kernel, Net};
use status::{VST_E_PANIC, vst_status};

/// Runs `f` so that no panic leaves, and `errno` is as it was: whatever a panic touched is not used
/// again but to be freed.
fn guard(f: impl FnOnce() -> Result<vst_status, vst_status>) -> vst_status {
    let _errno = ErrnoGuard::new();
    let _inside = panic::Inside::new();
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

/// Frees a handle that `Box::into_raw` made. A drop that panics is contained.
///
/// # Safety
/// `handle` is NULL or came from `Box::into_raw` and is not freed.
unsafe fn free<T>(handle: *mut T) {
    if handle.is_null() {
        return;
    }
    // SAFETY: the caller's contract.
    let owned = unsafe { Box::from_raw(handle) };
    guard(move || {
        drop(owned);
        Ok(status::VST_OK)
    });
}
