//! Which library this is, and what it has.

use std::ffi::{CStr, c_char};

use super::ptr;
use super::status::*;
use crate::conn::{Op, Why};

/// The version of the binary interface that this header describes. A program that loads the library
/// at run time compares it with `vst_abi_version()` and uses nothing when they differ. Functions,
/// constants and the ends of structs may be added under the same number; nothing else changes.
pub const VST_ABI_VERSION: u32 = 1;

/// The library has the built-in loop, `vst_loop_*`.
pub const VST_FEATURE_LOOP: u64 = 1;
/// The library can make throw-away certificates, `vst_tls_server_self_signed`.
pub const VST_FEATURE_SELF_SIGNED: u64 = 2;
/// TLS uses aws-lc.
pub const VST_FEATURE_AWS_LC: u64 = 4;
/// TLS uses ring.
pub const VST_FEATURE_RING: u64 = 8;

const VERSION: &CStr = {
    let bytes = concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes();
    match CStr::from_bytes_with_nul(bytes) {
        Ok(version) => version,
        // The compiler evaluates this: it can fail a build, never a program.
        Err(_) => panic!("the version has a NUL"),
    }
};

/// The version of the binary interface that the library has, to be compared with VST_ABI_VERSION.
///
/// Legal at any time, from any thread, in any callback.
#[unsafe(no_mangle)]
pub extern "C" fn vst_abi_version() -> u32 {
    VST_ABI_VERSION
}

/// The version of the library as text, `0.1.0`, NUL-terminated, valid for ever.
///
/// Legal at any time, from any thread, in any callback.
#[unsafe(no_mangle)]
pub extern "C" fn vst_version() -> *const c_char {
    VERSION.as_ptr()
}

/// Writes what this build of the library has, a mask of VST_FEATURE_*.
///
/// Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_E_NULL.
///
/// # Safety
/// `features` points to a writable integer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_features(features: *mut u64) -> vst_status {
    let aws_lc = cfg!(feature = "aws-lc-rs");
    let mut mask = 0;
    for (present, bit) in [
        (cfg!(feature = "loop"), VST_FEATURE_LOOP),
        (cfg!(feature = "self-signed"), VST_FEATURE_SELF_SIGNED),
        (aws_lc, VST_FEATURE_AWS_LC),
        (!aws_lc, VST_FEATURE_RING),
    ] {
        if present {
            mask |= bit;
        }
    }
    // SAFETY: the caller's contract.
    match unsafe { ptr::put(features, mask) } {
        Ok(()) => VST_OK,
        Err(status) => status,
    }
}

/// Copies the name of an operation, `VST_OP_*`, as it is printed: `ACCEPT_PROXY`. 0 is `SESSION`.
///
/// The text has no NUL; `*len` is its length. Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_E_ARGUMENT (no such operation); VST_E_SPACE; VST_E_NULL.
///
/// # Safety
/// `text` points to `capacity` writable bytes; `len` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_op_name(
    op: u32,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    let number = u8::try_from(op).ok();
    let name = match op {
        0 => Some("SESSION"),
        _ => number.and_then(Op::from_number).map(Op::name),
    };
    // SAFETY: the caller's contract.
    unsafe { name_out(name, text, capacity, len) }
}

/// Copies the name of a reason, `VST_WHY_*`, as it is printed: `TIMED_OUT`. 0 is `OK`.
///
/// Otherwise as `vst_op_name`.
///
/// # Safety
/// As `vst_op_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_why_name(
    why: u32,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    let known = Why::ALL.iter().find(|known| u32::from(known.number()) == why);
    let name = if why == 0 { Some("OK") } else { known.map(|known| known.name()) };
    // SAFETY: the caller's contract.
    unsafe { name_out(name, text, capacity, len) }
}

/// Copies a name out.
///
/// # Safety
/// As `vst_op_name`.
unsafe fn name_out(
    name: Option<&str>,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    let Some(name) = name else {
        // SAFETY: the caller's contract.
        unsafe { ptr::put_if(len, 0) };
        return VST_E_ARGUMENT;
    };
    // SAFETY: the caller's contract.
    unsafe { ptr::copy_out(name.as_bytes(), text.cast(), capacity, len) }
}
