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
/// The library has vst_tls_server_self_signed.
pub const VST_FEATURE_SELF_SIGNED: u64 = 2;
/// TLS uses aws-lc.
pub const VST_FEATURE_AWS_LC: u64 = 4;
/// TLS uses ring.
pub const VST_FEATURE_RING: u64 = 8;
/// The library has vst_set_allocator.
pub const VST_FEATURE_ALLOCATOR: u64 = 16;
/// The library has TLS. Without it, agents may still run TLS for its connections (`vst_link_open`).
pub const VST_FEATURE_TLS: u64 = 32;

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
/// Legal from any thread and any callback.
/// Returns the number.
#[unsafe(no_mangle)]
pub extern "C" fn vst_abi_version() -> u32 {
    VST_ABI_VERSION
}

/// The version of the library as text, such as 0.1.0, NUL-terminated, valid as long as the library
/// is loaded.
///
/// Legal from any thread and any callback.
/// Returns the text, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vst_version() -> *const c_char {
    VERSION.as_ptr()
}

/// Writes what this build of the library has, a mask of VST_FEATURE_*.
///
/// Legal from any thread and any callback.
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
        (cfg!(feature = "ring") && !aws_lc, VST_FEATURE_RING),
        (cfg!(feature = "allocator"), VST_FEATURE_ALLOCATOR),
        (cfg!(feature = "tls"), VST_FEATURE_TLS),
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

/// The longest name of a number, with its NUL.
const NAME: usize = 32;

/// A name as a text of C.
const fn terminated(name: &str) -> [u8; NAME] {
    let (mut text, bytes) = ([0; NAME], name.as_bytes());
    // The compiler evaluates this: it can fail a build, never a program.
    assert!(bytes.len() < NAME);
    let mut at = 0;
    while at < bytes.len() {
        text[at] = bytes[at];
        at += 1;
    }
    text
}

/// The names of all of a kind, in their order.
macro_rules! names {
    ($of:ty) => {{
        let mut names = [[0; NAME]; <$of>::ALL.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = terminated(<$of>::ALL[at].name());
            at += 1;
        }
        names
    }};
}

static OPS: [[u8; NAME]; Op::ALL.len()] = names!(Op);
static WHYS: [[u8; NAME]; Why::ALL.len()] = names!(Why);

/// The name of an operation, VST_OP_*, without its prefix, such as ACCEPT_PROXY. For 0 it is
/// SESSION, and for a number that no operation has UNKNOWN. NUL-terminated, valid as long as the
/// library is loaded.
///
/// Legal from any thread and any callback.
/// Returns the name, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vst_op_name(op: u32) -> *const c_char {
    let number = |known: &Op| u32::from(known.number());
    name(op, c"SESSION", Op::ALL.iter().map(number).zip(&OPS))
}

/// The name of a reason, VST_WHY_*, without its prefix, such as TIMED_OUT. For 0 it is OK, and for
/// a number that no reason has UNKNOWN. NUL-terminated, valid as long as the library is loaded.
///
/// Legal from any thread and any callback.
/// Returns the name, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vst_why_name(why: u32) -> *const c_char {
    let number = |known: &Why| u32::from(known.number());
    name(why, c"OK", Why::ALL.iter().map(number).zip(&WHYS))
}

/// The name of a number: `none` is that of 0.
fn name(
    number: u32,
    none: &'static CStr,
    mut known: impl Iterator<Item = (u32, &'static [u8; NAME])>,
) -> *const c_char {
    match known.find(|(known, _)| *known == number) {
        _ if number == 0 => none.as_ptr(),
        Some((_, text)) => text.as_ptr().cast(),
        None => c"UNKNOWN".as_ptr(),
    }
}
