//! What the host asks for and cannot have, said in words.

use std::ffi::c_char;

use super::ptr;
use super::shell::{self, vst_engine};
use super::status::{
    self, VST_E_ARGUMENT, VST_E_CONFIG, VST_E_NULL, VST_E_PANIC, VST_E_SIZE, VST_OK, vst_status,
};
use crate::engine::Refusal;

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

impl From<Refusal> for Unusable {
    fn from(refusal: Refusal) -> Self {
        let sentence = match refusal {
            Refusal::System(errno) => format!("the system refused: {errno}"),
            _ => String::new(),
        };
        Self { status: status::of(refusal), sentence }
    }
}

/// For functions that have no room for a sentence.
impl From<Unusable> for vst_status {
    fn from(unusable: Unusable) -> Self {
        unusable.status
    }
}

impl Unusable {
    /// A pointer that may not be NULL.
    pub(super) fn null(argument: &str) -> Self {
        Self { status: VST_E_NULL, sentence: format!("{argument}: it is NULL and must not be") }
    }

    /// The same, said of this argument: of a field, or of one element of a list.
    pub(super) fn of(mut self, argument: &str) -> Self {
        let what = match self.sentence.as_str() {
            "" => status::sentence(self.status),
            sentence => sentence,
        };
        self.sentence = format!("{argument}: {what}");
        self
    }

    /// A configuration that cannot be.
    pub(super) fn config(sentence: impl Into<String>) -> Self {
        Self { status: VST_E_CONFIG, sentence: sentence.into() }
    }

    /// A struct whose size is not one this library knows.
    pub(super) fn size(sentence: impl Into<String>) -> Self {
        Self { status: VST_E_SIZE, sentence: sentence.into() }
    }

    /// A number, flag or text that makes no sense.
    pub(super) fn argument(sentence: impl Into<String>) -> Self {
        Self { status: VST_E_ARGUMENT, sentence: sentence.into() }
    }
}

/// Says which argument it is that cannot be used.
pub(super) fn named<T>(argument: &str, given: Result<T, vst_status>) -> Result<T, Unusable> {
    given.map_err(|status| match status {
        VST_E_NULL => Unusable::null(argument),
        _ => Unusable::from(status).of(argument),
    })
}

/// One element of a list, as a person counts.
pub(super) fn element(list: &str, index: usize) -> String {
    format!("{list}, number {}", index + 1)
}

/// A text of the host's: UTF-8, NUL-terminated. NULL is none.
///
/// # Safety
/// `from` is NULL or points to a NUL-terminated string.
pub(super) unsafe fn text<'a>(
    argument: &str,
    from: *const c_char,
) -> Result<Option<&'a str>, Unusable> {
    // SAFETY: the caller's contract.
    unsafe { ptr::text(from) }
        .map_err(|_| Unusable::argument(format!("{argument}: it is not UTF-8")))
}

/// A text of the host's that must be there.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn needed_text<'a>(
    argument: &str,
    from: *const c_char,
) -> Result<&'a str, Unusable> {
    // SAFETY: the caller's contract.
    unsafe { text(argument, from) }?.ok_or_else(|| Unusable::null(argument))
}

/// Runs `f` on the engine, as `shell::call` does, and writes why it failed.
///
/// # Safety
/// `why` is NULL or points to `why_size` writable bytes.
pub(super) unsafe fn asked(
    engine: Result<&vst_engine, Unusable>,
    why: *mut c_char,
    why_size: usize,
    f: impl FnOnce(&vst_engine) -> Result<vst_status, Unusable>,
) -> vst_status {
    let call = |tell: &mut dyn FnMut(Unusable) -> vst_status| match engine {
        Ok(engine) => shell::call(Ok(engine), |shell| f(shell).map_err(tell)),
        Err(unusable) => tell(unusable),
    };
    // SAFETY: the caller's contract.
    unsafe { explained(why, why_size, call) }
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
            named("out", unsafe { ptr::put(out, std::ptr::null_mut()) }).map_err(&mut *tell)?;
            let made = Box::new(make().map_err(tell)?);
            // SAFETY: written to a moment ago.
            unsafe { ptr::put(out, Box::into_raw(made)) }?;
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
pub(super) unsafe fn hand_out_noted<T>(
    out: *mut *mut T,
    why: *mut c_char,
    why_size: usize,
    make: impl FnOnce() -> Result<T, Unusable>,
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
