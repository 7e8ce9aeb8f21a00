//! An allocator that counts what each thread does.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// How often this thread has allocated, and how many bytes more it allocated than it freed. Without
    /// a destructor, so that the allocator may use it at any time.
    static COUNTED: Cell<(usize, isize)> = const { Cell::new((0, 0)) };
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (calls, live) = COUNTED.get();
        COUNTED.set((calls + 1, live + layout.size() as isize));
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let (calls, live) = COUNTED.get();
        COUNTED.set((calls, live - layout.size() as isize));
        // SAFETY: the caller's contract is passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[cfg_attr(not(feature = "allocator"), global_allocator)]
static ALLOCATOR: Counting = Counting;

/// How often this thread has allocated since the first call of this, and how many bytes more it allocated
/// than it freed.
pub(crate) fn counted() -> (usize, isize) {
    #[cfg(feature = "allocator")]
    {
        static INSTALLED: vestibule::sys::allocator::Installable = &ALLOCATOR;
        // SAFETY: it passes everything on to the system's allocator.
        unsafe { vestibule::sys::allocator::install(&INSTALLED) };
    }
    COUNTED.get()
}
