//! The host's own allocator for all memory of the library.

use std::ffi::c_void;

use super::ptr::{self, Sized32};
use super::status::*;

/// Returns `size` bytes at a multiple of `align`, a power of two, or NULL: then the process ends, since
/// the library cannot go on. `size` is not 0. `data` is that of the allocator.
pub type vst_alloc_fn =
    Option<unsafe extern "C" fn(data: *mut c_void, size: usize, align: usize) -> *mut c_void>;

/// Frees what `vst_alloc_fn` returned for this `size` and `align`; memory is never NULL. `data` is that of
/// the allocator.
pub type vst_dealloc_fn =
    Option<unsafe extern "C" fn(data: *mut c_void, memory: *mut c_void, size: usize, align: usize)>;

/// An allocator.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_allocator {
    /// `sizeof(vst_allocator)`. Not less than 32 bytes.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// Handed to both functions.
    pub data: *mut c_void,
    /// Called from any thread that uses the library, several at once.
    pub alloc: vst_alloc_fn,
    /// Called likewise.
    pub dealloc: vst_dealloc_fn,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero: a zero function pointer is
// None.
unsafe impl Sized32 for vst_allocator {
    const FIRST: usize = 32;
}
const _: () = assert!(size_of::<vst_allocator>() == 32);

/// Has the library take all its memory from the host's allocator, that of its cryptography included, for
/// the whole process and for ever. allocator is copied; what its data points to must stay valid as long
/// as the process runs.
///
/// Its functions must not call the library. Memory that the system's C library allocates for itself is not
/// the allocator's.
/// Legal as the first call of the library, but for those that only return numbers and texts
/// (vst_abi_version, vst_version, vst_features, vst_strerror and their like), while no other thread uses
/// the library.
/// Returns VST_OK; VST_E_NULL (allocator, or one of its functions); VST_E_SIZE; VST_E_ARGUMENT (a reserved
/// field that is not 0); VST_E_STATE (memory was allocated before, an allocator is set, or the program
/// defines OPENSSL_memory_alloc and its like in a place from which the cryptography takes them);
/// VST_E_UNSUPPORTED (a build without the feature `allocator`).
///
/// # Safety
/// `allocator` points to as many bytes as its `size` says; its functions return memory that nothing else
/// uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_set_allocator(allocator: *const vst_allocator) -> vst_status {
    if allocator.is_null() {
        return VST_E_NULL;
    }
    if !hosted::is_possible() {
        return hosted::REFUSAL;
    }
    // SAFETY: the caller's contract. The sentence of an error is allocated, but then the call fails.
    let given = match unsafe { ptr::read_sized(allocator) } {
        Ok(given) => given,
        Err(wrong) => return wrong.into(),
    };
    match (given._reserved, given.alloc, given.dealloc) {
        (0, Some(alloc), Some(dealloc)) => hosted::set(given.data, alloc, dealloc),
        (0, ..) => VST_E_NULL,
        _ => VST_E_ARGUMENT,
    }
}

#[cfg(not(feature = "allocator"))]
mod hosted {
    use std::ffi::c_void;

    use super::super::status::*;

    pub(super) const REFUSAL: vst_status = VST_E_UNSUPPORTED;

    pub(super) const fn is_possible() -> bool {
        false
    }

    pub(super) fn set<A, D>(_: *mut c_void, _: A, _: D) -> vst_status {
        REFUSAL
    }
}

#[cfg(feature = "allocator")]
mod hosted {
    use std::alloc::{GlobalAlloc, Layout};
    use std::ffi::c_void;
    use std::sync::OnceLock;

    use super::super::status::*;
    use crate::sys::allocator::{Installable, install, is_unused};

    pub(super) const REFUSAL: vst_status = VST_E_STATE;

    type Alloc = unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void;
    type Dealloc = unsafe extern "C" fn(*mut c_void, *mut c_void, usize, usize);

    /// The host's allocator.
    struct Host {
        data: *mut c_void,
        alloc: Alloc,
        dealloc: Dealloc,
    }

    // SAFETY: the host's pointer is only handed to the host's functions, which may be called from any
    // thread (the header says so).
    unsafe impl Send for Host {}
    // SAFETY: as above.
    unsafe impl Sync for Host {}

    // SAFETY: the host's functions keep the contract of an allocator (the header says so).
    unsafe impl GlobalAlloc for Host {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: the host's function, with its own data.
            unsafe { (self.alloc)(self.data, layout.size(), layout.align()) }.cast()
        }

        unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
            // SAFETY: as above; the memory is of that function, and of this size.
            unsafe { (self.dealloc)(self.data, memory.cast(), layout.size(), layout.align()) };
        }
    }

    static HOST: OnceLock<Host> = OnceLock::new();
    static INSTALLED: OnceLock<Installable> = OnceLock::new();

    pub(super) fn is_possible() -> bool {
        is_unused() && HOST.get().is_none()
    }

    pub(super) fn set(data: *mut c_void, alloc: Alloc, dealloc: Dealloc) -> vst_status {
        let host = HOST.get_or_init(|| Host { data, alloc, dealloc });
        if !cryptography::takes_memory_from_here() {
            return VST_E_STATE;
        }
        let installed = INSTALLED.get_or_init(|| host);
        // SAFETY: nothing was allocated before, and no other thread uses the library (the header says so).
        unsafe { install(installed) };
        VST_OK
    }

    /// The memory of aws-lc, which asks for it as malloc does: the size is kept in front of it.
    #[cfg(feature = "aws-lc-rs")]
    mod cryptography {
        use std::alloc::{GlobalAlloc, Layout};
        use std::ffi::{c_char, c_int, c_void};
        use std::ptr::null_mut;

        use super::HOST;

        /// What malloc aligns to, and the room in front of the memory.
        const FRONT: usize = 16;

        pub(super) fn takes_memory_from_here() -> bool {
            // SAFETY: three functions that keep the contracts of malloc, realloc and free.
            let set = unsafe {
                aws_lc_sys::CRYPTO_set_mem_functions(Some(malloc), Some(realloc), Some(free))
            };
            set == 1
        }

        fn layout(size: usize) -> Option<Layout> {
            Layout::from_size_align(size.checked_add(FRONT)?, FRONT).ok()
        }

        unsafe extern "C" fn malloc(size: usize, _: *const c_char, _: c_int) -> *mut c_void {
            let (Some(host), Some(layout)) = (HOST.get(), layout(size)) else { return null_mut() };
            // SAFETY: the size is not 0.
            let front = unsafe { host.alloc(layout) };
            if front.is_null() {
                return null_mut();
            }
            // SAFETY: there is room for a number, aligned, in front of the memory.
            unsafe { front.cast::<usize>().write(size) };
            // SAFETY: so much was asked for at least.
            unsafe { front.add(FRONT) }.cast()
        }

        /// Where the memory begins for the allocator, and its size without the room in front.
        ///
        /// # Safety
        /// `memory` came from `malloc` and is not freed.
        unsafe fn front_of(memory: *mut c_void) -> (*mut u8, usize) {
            // SAFETY: `malloc` left so much room in front of it.
            let front = unsafe { memory.cast::<u8>().sub(FRONT) };
            // SAFETY: `malloc` wrote the size there.
            let size = unsafe { front.cast::<usize>().read() };
            (front, size)
        }

        unsafe extern "C" fn realloc(
            memory: *mut c_void,
            size: usize,
            file: *const c_char,
            line: c_int,
        ) -> *mut c_void {
            // SAFETY: it allocates.
            let fresh = unsafe { malloc(size, file, line) };
            if memory.is_null() || fresh.is_null() {
                return fresh;
            }
            // SAFETY: the caller's contract: as of realloc.
            let (_, old) = unsafe { front_of(memory) };
            let (from, to) = (memory.cast::<u8>(), fresh.cast::<u8>());
            // SAFETY: both are at least so long, and different.
            unsafe { std::ptr::copy_nonoverlapping(from, to, old.min(size)) };
            // SAFETY: the caller's contract.
            unsafe { free(memory, file, line) };
            fresh
        }

        unsafe extern "C" fn free(memory: *mut c_void, _: *const c_char, _: c_int) {
            if memory.is_null() {
                return;
            }
            // SAFETY: the caller's contract: as of free.
            let (front, size) = unsafe { front_of(memory) };
            if let (Some(host), Some(layout)) = (HOST.get(), layout(size)) {
                // SAFETY: `malloc` took it from there with this layout.
                unsafe { host.dealloc(front, layout) };
            }
        }
    }

    /// ring allocates nothing of its own.
    #[cfg(not(feature = "aws-lc-rs"))]
    mod cryptography {
        pub(super) const fn takes_memory_from_here() -> bool {
            true
        }
    }
}
