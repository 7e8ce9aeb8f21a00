//! What the test programs share.
#![allow(dead_code, reason = "each test program uses a part")]

/// Whether generated files are to be written instead of compared.
#[allow(clippy::disallowed_methods, reason = "a test may look at its environment")]
pub(crate) fn is_blessing() -> bool {
    std::env::var("VST_BLESS").is_ok_and(|value| value == "1")
}
