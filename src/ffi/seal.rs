//! A word in front of every handle, by which most uses of one that is freed, or that is of another kind, are
//! noticed before anything is done with it.

use super::status::{VST_E_ARGUMENT, VST_E_KIND, VST_E_NULL, VST_E_STALE, vst_status};

/// What the host holds a pointer to.
pub(super) trait Handle {
    /// The number of its kind, at most [`KIND`], which no other kind has.
    const NUMBER: u64;
}

/// The bits of a seal that tell the kind.
const KIND: u64 = 0xff;
/// The other bits of a seal that holds: no address in user space, and no text.
const SEAL: u64 = 0xf5e9_1c3a_b7d2_8600;
/// The seal of what is freed, where the memory is not in use again.
const BROKEN: u64 = 0;

/// A value with its seal. The host's pointer is to the value.
#[repr(C)]
struct Sealed<T> {
    seal: u64,
    value: T,
}

impl<T: Handle> Sealed<T> {
    /// How far in front of the value the seal is.
    const FRONT: usize = {
        assert!(T::NUMBER > 0 && T::NUMBER <= KIND, "the number of a kind does not fit");
        assert!(align_of::<T>() <= size_of::<u64>(), "the seal is right in front of the value");
        size_of::<u64>()
    };
}

/// Where the seal of a handle is. The provenance is that of the whole: a handle may come from a reference
/// to the value alone, as the engine of a callback does.
fn seal_of<T: Handle>(handle: *const T) -> *mut u64 {
    std::ptr::with_exposed_provenance_mut(handle.addr().wrapping_sub(Sealed::<T>::FRONT))
}

/// Makes a handle of a value.
pub(super) fn seal<T: Handle>(value: T) -> *mut T {
    let sealed = Box::into_raw(Box::new(Sealed { seal: SEAL | T::NUMBER, value }));
    sealed.expose_provenance();
    // SAFETY: it points to a value that lives; no reference is made.
    unsafe { &raw mut (*sealed).value }
}

/// Whether a pointer is a handle of this kind. One that was freed is mostly noticed, not always: the
/// memory may be in use again.
///
/// # Safety
/// `handle` is NULL, or a handle of any kind, freed or not.
pub(super) unsafe fn check<T: Handle>(handle: *const T) -> Result<(), vst_status> {
    if handle.is_null() {
        return Err(VST_E_NULL);
    }
    if !handle.is_aligned() {
        return Err(VST_E_ARGUMENT);
    }
    let seal = seal_of(handle);
    // SAFETY: in front of every handle there is a seal. Volatile, since of one that is freed nothing may be
    // supposed.
    let seal = unsafe { seal.read_volatile() };
    if seal == SEAL | T::NUMBER {
        return Ok(());
    }
    Err(if seal & !KIND == SEAL { VST_E_KIND } else { VST_E_STALE })
}

/// Takes the value out of a handle, whose seal is broken from now on.
///
/// # Safety
/// `handle` came from [`seal`] and is not freed.
pub(super) unsafe fn unseal<T: Handle>(handle: *mut T) -> T {
    let seal = seal_of(handle);
    // SAFETY: in front of every handle there is a seal. Volatile, since nobody reads it before it is freed.
    unsafe { seal.write_volatile(BROKEN) };
    // SAFETY: `seal` made it of a box, and the caller says that it is not freed.
    let sealed = unsafe { Box::from_raw(seal.cast::<Sealed<T>>()) };
    sealed.value
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(String);
    struct Other;

    impl Handle for One {
        const NUMBER: u64 = 200;
    }
    impl Handle for Other {
        const NUMBER: u64 = 201;
    }

    #[test]
    fn a_handle_is_known_by_its_kind_until_it_is_freed() {
        let handle = seal(One("kept".to_owned()));
        // SAFETY: a handle.
        assert_eq!(unsafe { check(handle) }, Ok(()));
        // SAFETY: a handle of another kind.
        assert_eq!(unsafe { check(handle.cast::<Other>()) }, Err(VST_E_KIND));
        // SAFETY: NULL.
        assert_eq!(unsafe { check::<One>(std::ptr::null()) }, Err(VST_E_NULL));
        // SAFETY: it is not freed.
        assert_eq!(unsafe { unseal(handle) }.0, "kept");
    }

    #[test]
    fn a_handle_from_a_reference_to_its_value_is_the_same() {
        let handle = seal(One(String::new()));
        // SAFETY: it is not freed.
        let again = std::ptr::from_ref(unsafe { &*handle });
        // SAFETY: a handle.
        assert_eq!(unsafe { check(again) }, Ok(()));
        // SAFETY: it is not freed.
        drop(unsafe { unseal(handle) });
    }
}
