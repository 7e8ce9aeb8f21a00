//! Where the library's memory comes from: the system's allocator, until another is installed.
//!
//! What one allocator gave only that one can take back, so an allocator that does not pass everything on to
//! the system's can be installed only before the first allocation.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// An allocator that can be installed.
pub type Installable = &'static (dyn GlobalAlloc + Sync);

/// The one that is installed; null while it is the system's.
static INSTALLED: AtomicPtr<Installable> = AtomicPtr::new(null_mut());

/// Whether the system's has given any memory.
static IS_USED: AtomicBool = AtomicBool::new(false);

struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// The allocator that is installed.
fn installed() -> Option<Installable> {
    let installed = INSTALLED.load(Ordering::Acquire);
    // SAFETY: null, or what `install` was given: a reference that lives for ever.
    unsafe { installed.as_ref() }.copied()
}

/// The system's allocator gives memory from now on.
fn system() -> System {
    if !IS_USED.load(Ordering::Relaxed) {
        IS_USED.store(true, Ordering::Relaxed);
    }
    System
}

// SAFETY: every call is passed on, with the same arguments, to an allocator that keeps the contract, and what
// one allocator gave is given back to it: `install` demands it.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match installed() {
            // SAFETY: the caller's contract.
            Some(other) => unsafe { other.alloc(layout) },
            // SAFETY: as above.
            None => unsafe { system().alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match installed() {
            // SAFETY: the caller's contract.
            Some(other) => unsafe { other.alloc_zeroed(layout) },
            // SAFETY: as above.
            None => unsafe { system().alloc_zeroed(layout) },
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        match installed() {
            // SAFETY: the caller's contract.
            Some(other) => unsafe { other.realloc(memory, layout, size) },
            // SAFETY: as above.
            None => unsafe { System.realloc(memory, layout, size) },
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        match installed() {
            // SAFETY: the caller's contract.
            Some(other) => unsafe { other.dealloc(memory, layout) },
            // SAFETY: as above.
            None => unsafe { System.dealloc(memory, layout) },
        }
    }
}

/// Installs an allocator for the whole process.
///
/// # Safety
/// It passes everything on to the system's allocator, or there has been no allocation before
/// ([`is_unused`]), and no other thread allocates meanwhile.
pub unsafe fn install(allocator: &'static Installable) {
    INSTALLED.store(std::ptr::from_ref(allocator).cast_mut(), Ordering::Release);
}

/// Whether no memory was ever asked for, and no allocator is installed.
#[must_use]
pub fn is_unused() -> bool {
    !IS_USED.load(Ordering::Acquire) && INSTALLED.load(Ordering::Acquire).is_null()
}
