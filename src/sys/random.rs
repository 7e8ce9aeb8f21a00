//! Numbers that cannot be predicted.
#![allow(unsafe_code)]

use super::call::repeat;
use super::errno::Errno;

/// 64 bits from the system, once it has been seeded after boot.
///
/// # Errors
/// What the system answers that has none.
pub fn random() -> Result<u64, Errno> {
    let mut bytes = [0; size_of::<u64>()];
    // So few bytes come whole or not at all (getrandom(2)).
    // SAFETY: the pointer and the length describe `bytes`, which outlives the call.
    repeat(|| unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) })?;
    Ok(u64::from_ne_bytes(bytes))
}
