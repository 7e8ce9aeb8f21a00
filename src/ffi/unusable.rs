//! What the host asks for and cannot have, said in words.

use std::ffi::c_char;

use super::ptr;
use super::status::{self, VST_E_CONFIG, VST_E_PANIC, VST_OK, vst_status};

/// Why something cannot be used: a status, and a sentence where the status alone says too little.
pub(super) struct Unusable {
    status: vst_status,
    sentence: String,
}

impl From<vst_status> for Unusable {
    fn from(status: vst_status) -> Self {
        Self { status, sentence: String::new() }
    }
}

impl Unusable {
    /// A configuration that cannot be.
    pub(super) fn config(sentence: impl Into<String>) -> Self {
        Self { status: VST_E_CONFIG, sentence: sentence.into() }
    }

    /// A number, flag or text that makes no sense.
    pub(super) fn argument(sentence: impl Into<String>) -> Self {
        Self { status: status::VST_E_ARGUMENT, sentence: sentence.into() }
    }
}

/// Runs `call`, and writes why it failed: what it says, or else what its status means.
///
/// # Safety
/// `why` is NULL or points to `why_size` writable bytes.
pub(super) unsafe fn explained(
    why: *mut c_char,
    why_size: usize,
    call: impl FnOnce(&mut dyn FnMut(Unusable) -> vst_status) -> vst_status,
) -> vst_status {
    let mut sentence = String::new();
    let status = call(&mut |unusable: Unusable| {
        sentence = unusable.sentence;
        unusable.status
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
pub(super) unsafe fn hand_out<T>(
    out: *mut *mut T,
    why: *mut c_char,
    why_size: usize,
    make: impl FnOnce() -> Result<T, Unusable>,
) -> vst_status {
    let call = |tell: &mut dyn FnMut(Unusable) -> vst_status| {
        super::guard(|| {
            // SAFETY: the caller's contract.
            unsafe { ptr::put(out, std::ptr::null_mut()) }?;
            let made = Box::new(make().map_err(tell)?);
            // SAFETY: written to a moment ago.
            unsafe { ptr::put(out, Box::into_raw(made)) }?;
            Ok(VST_OK)
        })
    };
    // SAFETY: the caller's contract.
    unsafe { explained(why, why_size, call) }
}
