//! Words between the host and us: its texts, and why something could not be done.

use std::ffi::c_char;

use super::config_error::{ConfigError, named};
use super::panic::guard;
use super::ptr;
use super::seal::{Handle, seal};
use super::status::{self, VST_E_PANIC, VST_OK, vst_status};

/// A text of the host's: UTF-8, NUL-terminated. NULL is none.
///
/// # Safety
/// `from` is NULL or points to a NUL-terminated string.
pub(super) unsafe fn text<'a>(
    argument: &str,
    from: *const c_char,
) -> Result<Option<&'a str>, ConfigError> {
    // SAFETY: the caller's contract.
    unsafe { ptr::text(from) }
        .map_err(|_| ConfigError::argument(format!("{argument}: it is not UTF-8")))
}

/// A text of the host's that must be there.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn needed_text<'a>(
    argument: &str,
    from: *const c_char,
) -> Result<&'a str, ConfigError> {
    // SAFETY: the caller's contract.
    unsafe { text(argument, from) }?.ok_or_else(|| ConfigError::null(argument))
}

/// Runs `call`, and writes why it failed: what it says, or else what its status means.
///
/// # Safety
/// `why` is NULL or points to `why_size` writable bytes.
pub(super) unsafe fn explained(
    why: *mut c_char,
    why_size: usize,
    call: impl FnOnce(&mut dyn FnMut(ConfigError) -> vst_status) -> vst_status,
) -> vst_status {
    let mut sentence = String::new();
    let status = call(&mut |unusable: ConfigError| {
        let (status, said) = unusable.into_parts();
        sentence = said;
        status
    });
    let text = match status {
        0.. => "",
        // What was said before the library failed is not why.
        VST_E_PANIC => status::sentence(status),
        _ if sentence.is_empty() => status::sentence(status),
        _ => &sentence,
    };
    // SAFETY: the caller's contract.
    unsafe { ptr::explain(text, why, why_size) };
    status
}

/// Makes a handle of what `make` makes.
///
/// # Safety
/// `out` is NULL or points to a pointer; `why` is NULL or points to `why_size` writable bytes.
pub(super) unsafe fn hand_out<T: Handle>(
    out: *mut *mut T,
    why: *mut c_char,
    why_size: usize,
    make: impl FnOnce() -> Result<T, ConfigError>,
) -> vst_status {
    let call = |report: &mut dyn FnMut(ConfigError) -> vst_status| {
        guard(|| {
            // SAFETY: the caller's contract.
            named("out", unsafe { ptr::put(out, std::ptr::null_mut()) }).map_err(&mut *report)?;
            let made = make().map_err(report)?;
            // SAFETY: written to a moment ago.
            unsafe { ptr::put(out, seal(made)) }?;
            Ok(VST_OK)
        })
    };
    // SAFETY: the caller's contract.
    unsafe { explained(why, why_size, call) }
}

/// The same of something that can be made and has its notes: they are written where a reason would be.
///
/// # Safety
/// As [`hand_out`].
pub(super) unsafe fn hand_out_noted<T: Handle>(
    out: *mut *mut T,
    why: *mut c_char,
    why_size: usize,
    make: impl FnOnce() -> Result<T, ConfigError>,
    notes: impl FnOnce(&T) -> &[String],
) -> vst_status {
    let mut note = String::new();
    let make = || make().inspect(|made| note = notes(made).join("; "));
    // SAFETY: the caller's contract.
    let status = unsafe { hand_out(out, why, why_size, make) };
    if status == VST_OK {
        // SAFETY: the caller's contract.
        unsafe { ptr::explain(&note, why, why_size) };
    }
    status
}
