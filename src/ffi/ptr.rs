//! The only place where a raw pointer of the host becomes a value, a reference or a slice, and
//! where results go back. Every function states what it relies on, and every caller passes what the
//! host's contract in the header promises.

use std::ffi::{CStr, c_char};
use std::mem::size_of;

use super::config_error::{ConfigError, element};
use super::seal::{self, Handle};
use super::status::{VST_E_ARGUMENT, VST_E_NULL, VST_E_SIZE, VST_E_SPACE, VST_OK, vst_status};

/// The longest text a host may pass, in bytes: a bound on a missing NUL.
const TEXT_MAX: usize = 64 * 1024;

/// A struct of the header that begins with its own size and grows only at its end.
///
/// # Safety
/// `repr(C)`, no padding, valid for every bit pattern of its integers and pointers with all bytes 0
/// included, and its first field is a `u32` size.
pub(super) unsafe trait Sized32: Copy {
    /// The size of the first version that was published.
    const FIRST: usize;
}

/// Reads a struct whose size the host states, into ours: missing bytes become 0, and bytes we do
/// not know must be 0.
///
/// # Safety
/// `from` is NULL or points to at least as many readable bytes as its first `u32` says.
pub(super) unsafe fn read_sized<T: Sized32>(from: *const T) -> Result<T, ConfigError> {
    if from.is_null() {
        return Err(ConfigError::null(&format!("the pointer to {}", name::<T>())));
    }
    // SAFETY: not NULL, and every such struct begins with a u32 (contract of Sized32).
    let size = unsafe { from.cast::<u32>().read_unaligned() } as usize;
    if !is_size_of::<T>(size) {
        return Err(wrong_size::<T>(size));
    }
    // SAFETY: the host states that `size` bytes are there.
    let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), size) };
    let known = size.min(size_of::<T>());
    if let Some(at) = bytes[known..].iter().position(|byte| *byte != 0) {
        return Err(unknown_byte::<T>(size, known + at));
    }
    let mut value = std::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes fit both, and the two do not overlap: `value` is a local.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), value.as_mut_ptr().cast(), known) };
    // SAFETY: all bytes are written or 0, which is valid for T (contract of Sized32).
    Ok(unsafe { value.assume_init() })
}

/// Whether a version of the struct may have this size. Every size is a multiple of the alignment, so that none
/// ends in the middle of a pointer.
const fn is_size_of<T: Sized32>(size: usize) -> bool {
    size >= T::FIRST && size <= TEXT_MAX && size.is_multiple_of(align_of::<T>())
}

/// The name that the header has for a struct.
fn name<T: Sized32>() -> &'static str {
    std::any::type_name::<T>().rsplit("::").next().unwrap_or_default()
}

fn wrong_size<T: Sized32>(size: usize) -> ConfigError {
    let (name, ours) = (name::<T>(), size_of::<T>());
    ConfigError::size(format!(
        "{name}: its size is {size} and should be sizeof({name}), here {ours}"
    ))
}

fn unknown_byte<T: Sized32>(size: usize, at: usize) -> ConfigError {
    let (name, ours) = (name::<T>(), size_of::<T>());
    ConfigError::size(format!(
        "{name}: its size is {size}, and this library, older than the program's header, knows \
         {ours} bytes of it: those behind must be 0, and byte {at} is not"
    ))
}

/// Whether a struct has a size that one of its versions has, so that it can be written.
///
/// # Safety
/// `of` is NULL or points to a struct that begins with a `u32`.
pub(super) unsafe fn check_size<T: Sized32>(of: *const T) -> Result<(), vst_status> {
    if of.is_null() {
        return Err(VST_E_NULL);
    }
    // SAFETY: not NULL, and every such struct begins with a u32 (contract of Sized32).
    let size = unsafe { of.cast::<u32>().read_unaligned() } as usize;
    if is_size_of::<T>(size) { Ok(()) } else { Err(VST_E_SIZE) }
}

/// Writes a struct into the host's memory, never past the size the host stated. What the host knows of
/// it and we do not is 0.
///
/// # Safety
/// `to` is NULL or points to at least as many writable bytes as its first `u32` says.
pub(super) unsafe fn write_sized<T: Sized32>(to: *mut T, value: &T) -> vst_status {
    // SAFETY: the caller's contract.
    if let Err(status) = unsafe { check_size(to) } {
        return status;
    }
    // SAFETY: not NULL, and every such struct begins with a u32 (contract of Sized32).
    let size = unsafe { to.cast::<u32>().read_unaligned() };
    let bytes = size as usize;
    let known = bytes.min(size_of::<T>());
    // SAFETY: `known` is at most `bytes`, which the host states are there.
    let rest = unsafe { to.cast::<u8>().add(known) };
    // SAFETY: as above: that many are left.
    unsafe { std::ptr::write_bytes(rest, 0, bytes - known) };
    let from = std::ptr::from_ref(value).cast::<u8>();
    // SAFETY: the host states that `bytes` bytes are there, and `known` is at most that and at most
    // the size of our value; the host's memory is not ours.
    unsafe { std::ptr::copy_nonoverlapping(from, to.cast::<u8>(), known) };
    // SAFETY: as above; the first four bytes are the size, which stays the host's.
    unsafe { to.cast::<u32>().write_unaligned(size) };
    VST_OK
}

/// Writes zeros into a struct of the host's but for its size, so that a call that fails leaves nothing
/// unwritten.
///
/// # Safety
/// As [`write_sized`].
pub(super) unsafe fn clear_sized<T: Sized32>(to: *mut T) -> Result<(), vst_status> {
    // SAFETY: all bytes 0 are a value (contract of Sized32).
    let nothing = unsafe { std::mem::MaybeUninit::<T>::zeroed().assume_init() };
    // SAFETY: the caller's contract.
    match unsafe { write_sized(to, &nothing) } {
        VST_OK => Ok(()),
        status => Err(status),
    }
}

/// Fills a struct with its defaults.
///
/// # Safety
/// `to` is NULL or points to `size` writable bytes.
pub(super) unsafe fn init_sized<T: Sized32>(to: *mut T, size: u32, default: &T) -> vst_status {
    if to.is_null() {
        return VST_E_NULL;
    }
    let bytes = size as usize;
    if !is_size_of::<T>(bytes) {
        return VST_E_SIZE;
    }
    // SAFETY: the host states that `size` bytes are there.
    unsafe { std::ptr::write_bytes(to.cast::<u8>(), 0, bytes) };
    let known = bytes.min(size_of::<T>());
    let from = std::ptr::from_ref(default).cast::<u8>();
    // SAFETY: `known` bytes fit both; the host's memory is not ours.
    unsafe { std::ptr::copy_nonoverlapping(from, to.cast::<u8>(), known) };
    // SAFETY: as above; the first four bytes are the size.
    unsafe { to.cast::<u32>().write_unaligned(size) };
    VST_OK
}

/// Writes one value.
///
/// # Safety
/// `to` is NULL or points to a writable T.
pub(super) unsafe fn put<T>(to: *mut T, value: T) -> Result<(), vst_status> {
    if to.is_null() {
        return Err(VST_E_NULL);
    }
    // SAFETY: not NULL, and the host states that a T is there; it need not be initialised.
    unsafe { to.write(value) };
    Ok(())
}

/// Writes one value where the host asked for it.
///
/// # Safety
/// `to` is NULL or points to a writable T.
pub(super) unsafe fn put_if<T>(to: *mut T, value: T) {
    if !to.is_null() {
        // SAFETY: not NULL, and the host states that a T is there.
        unsafe { to.write(value) };
    }
}

/// A reference to a handle of ours.
///
/// # Safety
/// `from` is NULL or a handle that is not freed before the reference ends.
pub(super) unsafe fn handle<'a, T: Handle>(from: *const T) -> Result<&'a T, vst_status> {
    // SAFETY: the caller's contract.
    unsafe { seal::check(from) }?;
    // SAFETY: the host passes a handle we made (contract of the header).
    Ok(unsafe { &*from })
}

/// A reference to a handle of ours, where there is one.
///
/// # Safety
/// As [`handle`].
pub(super) unsafe fn handle_if<'a, T: Handle>(from: *const T) -> Result<Option<&'a T>, vst_status> {
    if from.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's contract.
    unsafe { handle(from) }.map(Some)
}

/// Bytes the host lets us read. NULL is fine for none.
///
/// # Safety
/// `from` is NULL with a length of 0, or points to `len` readable bytes.
pub(super) unsafe fn bytes<'a>(from: *const u8, len: usize) -> Result<&'a [u8], vst_status> {
    if len == 0 {
        return Ok(&[]);
    }
    if from.is_null() {
        return Err(VST_E_NULL);
    }
    if isize::try_from(len).is_err() {
        return Err(VST_E_ARGUMENT);
    }
    // SAFETY: not NULL, and the host states that `len` bytes are there.
    Ok(unsafe { std::slice::from_raw_parts(from, len) })
}

/// Values the host lets us read. NULL is fine for none.
///
/// # Safety
/// `from` is NULL with a count of 0, or points to `count` readable, aligned values.
pub(super) unsafe fn items<'a, T>(from: *const T, count: usize) -> Result<&'a [T], vst_status> {
    if count == 0 {
        return Ok(&[]);
    }
    if from.is_null() {
        return Err(VST_E_NULL);
    }
    if !from.is_aligned() || count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(VST_E_ARGUMENT);
    }
    // SAFETY: not NULL, aligned, and the host states that `count` values are there.
    Ok(unsafe { std::slice::from_raw_parts(from, count) })
}

/// The structs of the list `list` follow one another, each of the size that the first one states. NULL
/// is fine for none.
///
/// # Safety
/// `from` is NULL with a count of 0, or points to `count` structs of that size.
pub(super) unsafe fn sized_items<T: Sized32>(
    list: &str,
    from: *const T,
    count: usize,
) -> Result<Vec<T>, ConfigError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if from.is_null() {
        return Err(ConfigError::null(list));
    }
    // SAFETY: not NULL, and every such struct begins with a u32 (contract of Sized32).
    let stride = unsafe { from.cast::<u32>().read_unaligned() } as usize;
    if count > isize::MAX as usize / stride.max(1) {
        return Err(ConfigError::argument(format!("{list}: no memory holds {count} of them")));
    }
    let one = |index: usize| {
        // SAFETY: the host states that `count` structs of this size are there.
        let item = unsafe { from.byte_add(index * stride) };
        // SAFETY: as above; NULL it is not.
        let size = unsafe { item.cast::<u32>().read_unaligned() } as usize;
        if size != stride {
            let name = name::<T>();
            return Err(ConfigError::size(format!(
                "{name}: its size is {size} and that of the first in the list {stride}"
            ))
            .of(&element(list, index)));
        }
        // SAFETY: as above.
        unsafe { read_sized(item) }.map_err(|wrong| wrong.of(&element(list, index)))
    };
    (0..count).map(one).collect()
}

/// Memory the host lets us write. Nothing of it is read before it is written.
///
/// # Safety
/// `to` is NULL with a length of 0, or points to `len` writable bytes that nobody else uses.
pub(super) unsafe fn space<'a>(to: *mut u8, len: usize) -> Result<&'a mut [u8], vst_status> {
    if len == 0 {
        return Err(VST_E_ARGUMENT);
    }
    if to.is_null() {
        return Err(VST_E_NULL);
    }
    if isize::try_from(len).is_err() {
        return Err(VST_E_ARGUMENT);
    }
    // SAFETY: not NULL, and the host states that `len` bytes are there. They are only handed to the
    // kernel or copied over, never read; u8 has no invalid values.
    Ok(unsafe { std::slice::from_raw_parts_mut(to, len) })
}

/// A text of the host's: UTF-8, NUL-terminated. NULL is none.
///
/// # Safety
/// `from` is NULL or points to a NUL-terminated string.
pub(super) unsafe fn text<'a>(from: *const c_char) -> Result<Option<&'a str>, vst_status> {
    if from.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the host states that it is NUL-terminated.
    let text = unsafe { CStr::from_ptr(from) };
    text.to_str().map(Some).map_err(|_| VST_E_ARGUMENT)
}

/// Copies bytes out, with their length, which is written also when the space does not suffice.
///
/// # Safety
/// `to` is NULL with a capacity of 0, or points to `capacity` writable bytes; `len` is NULL or
/// points to a writable size.
pub(super) unsafe fn copy_out(
    bytes: &[u8],
    to: *mut u8,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    if let Err(status) = unsafe { put(len, bytes.len()) } {
        return status;
    }
    if bytes.len() > capacity {
        return VST_E_SPACE;
    }
    if bytes.is_empty() {
        return VST_OK;
    }
    if to.is_null() {
        return VST_E_NULL;
    }
    // SAFETY: not NULL, and the host states that at least this many bytes are there; they are not
    // ours, so the two do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    VST_OK
}

/// Copies a text out as a NUL-terminated string, cut to the space there is.
///
/// # Safety
/// `to` is NULL or points to `capacity` writable bytes.
pub(super) unsafe fn explain(text: &str, to: *mut c_char, capacity: usize) {
    if to.is_null() || capacity == 0 {
        return;
    }
    let mut end = text.len().min(capacity - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // SAFETY: `end` is less than `capacity`, and the host states that those bytes are there.
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), to.cast::<u8>(), end) };
    // SAFETY: `end` is less than `capacity`.
    let terminator = unsafe { to.add(end) };
    // SAFETY: within the capacity, as above.
    unsafe { terminator.write(0) };
}
