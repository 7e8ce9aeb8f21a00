//! The words every function answers with.

use std::ffi::{CStr, c_char};

use crate::engine::Refusal;

/// What a function returns: 0 or more when it did what was asked, negative when it did not.
///
/// The negative ones are grouped by cause: -1 to -19 the caller, -20 to -29 the system or a
/// configuration, -30 to -39 the peer, -40 to -49 a limit, -50 and below the library itself.
pub type vst_status = i32;

/// It is done.
pub const VST_OK: vst_status = 0;
/// Not now. VST_EVENT_READABLE or VST_EVENT_WRITABLE says when to try again; a handler answers
/// VST_NEXT_WRITE instead. From `vst_loop_run`: the round is over. From `vst_metrics_text`: VST_EVENT_WOKEN
/// says when.
pub const VST_WAIT: vst_status = 1;
/// The peer has ended its sending side in order, and every byte before that has been read.
pub const VST_END: vst_status = 2;
/// There is nothing: no further event, no such TLV, no TLS.
pub const VST_NONE: vst_status = 3;

/// A pointer that must not be NULL is NULL.
pub const VST_E_NULL: vst_status = -1;
/// An argument makes no sense: an unknown number or flag, a text that cannot be read, an empty
/// buffer, a reserved byte that is not 0.
pub const VST_E_ARGUMENT: vst_status = -2;
/// The id is of something that is gone.
pub const VST_E_STALE: vst_status = -3;
/// The id is of another kind of thing: a stream's id where a connection's id is needed.
pub const VST_E_KIND: vst_status = -4;
/// The id belongs to another engine.
pub const VST_E_ENGINE: vst_status = -5;
/// The engine belongs to another thread.
pub const VST_E_THREAD: vst_status = -6;
/// Not possible in the present state: a read before there is a session, a read of a connection that
/// is part of a stream, a second close.
pub const VST_E_STATE: vst_status = -7;
/// The function must not be called from this callback.
pub const VST_E_REENTRANT: vst_status = -8;
/// The engine was made with options with which this function, or this time, does not work.
pub const VST_E_MODE: vst_status = -9;
/// The caller's buffer is too small; the length that is needed is written.
pub const VST_E_SPACE: vst_status = -10;
/// This build of the library, or this kind of connection, does not have it.
pub const VST_E_UNSUPPORTED: vst_status = -11;
/// The size of a struct is smaller than its first version or larger than 65,536, or no multiple of its
/// alignment, or bytes beyond those that this library knows are not 0.
pub const VST_E_SIZE: vst_status = -12;
/// The engine of this waker is freed.
pub const VST_E_GONE: vst_status = -13;

/// A system call failed; why or sys_errno of the function, where it has them, says which and how.
pub const VST_E_SYSTEM: vst_status = -20;
/// A file or text of configuration could not be used; the text says which, where and why.
pub const VST_E_CONFIG: vst_status = -21;

/// The connection was reset, by the peer or by something between.
pub const VST_E_RESET: vst_status = -30;
/// The connection ended without a TLS close_notify: bytes may be missing.
pub const VST_E_TRUNCATED: vst_status = -31;
/// The connection failed for another reason; the end of VST_EVENT_CLOSED says which.
pub const VST_E_FAILED: vst_status = -32;

/// The configuration does not admit the peer.
pub const VST_E_DENIED: vst_status = -33;

/// A configured or built-in limit is reached.
pub const VST_E_LIMIT: vst_status = -40;

/// An internal failure of the library. From now on only `vst_engine_free` works on the engine.
pub const VST_E_PANIC: vst_status = -50;
/// A call on this engine has returned VST_E_PANIC before: only `vst_engine_free` works.
pub const VST_E_POISONED: vst_status = -51;

/// What a status means, as a sentence in English, NUL-terminated, valid as long as the library is
/// loaded.
///
/// Legal from any thread and any callback.
/// Returns the sentence, never NULL; an unknown number has one too.
#[unsafe(no_mangle)]
pub extern "C" fn vst_strerror(status: vst_status) -> *const c_char {
    text(status).as_ptr()
}

/// The name of a status, such as "VST_E_STALE", NUL-terminated, valid as long as the library is
/// loaded; "unknown" for an unknown number.
///
/// Legal from any thread and any callback.
/// Returns the name, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vst_status_name(status: vst_status) -> *const c_char {
    name(status).as_ptr()
}

pub(super) const fn name(status: vst_status) -> &'static CStr {
    match status {
        VST_OK => c"VST_OK",
        VST_WAIT => c"VST_WAIT",
        VST_END => c"VST_END",
        VST_NONE => c"VST_NONE",
        VST_E_NULL => c"VST_E_NULL",
        VST_E_ARGUMENT => c"VST_E_ARGUMENT",
        VST_E_STALE => c"VST_E_STALE",
        VST_E_KIND => c"VST_E_KIND",
        VST_E_ENGINE => c"VST_E_ENGINE",
        VST_E_THREAD => c"VST_E_THREAD",
        VST_E_STATE => c"VST_E_STATE",
        VST_E_REENTRANT => c"VST_E_REENTRANT",
        VST_E_MODE => c"VST_E_MODE",
        VST_E_SPACE => c"VST_E_SPACE",
        VST_E_UNSUPPORTED => c"VST_E_UNSUPPORTED",
        VST_E_SIZE => c"VST_E_SIZE",
        VST_E_GONE => c"VST_E_GONE",
        VST_E_SYSTEM => c"VST_E_SYSTEM",
        VST_E_CONFIG => c"VST_E_CONFIG",
        VST_E_RESET => c"VST_E_RESET",
        VST_E_TRUNCATED => c"VST_E_TRUNCATED",
        VST_E_FAILED => c"VST_E_FAILED",
        VST_E_DENIED => c"VST_E_DENIED",
        VST_E_LIMIT => c"VST_E_LIMIT",
        VST_E_PANIC => c"VST_E_PANIC",
        VST_E_POISONED => c"VST_E_POISONED",
        _ => c"unknown",
    }
}

/// What a status means.
pub(super) fn sentence(status: vst_status) -> &'static str {
    text(status).to_str().unwrap_or_default()
}

const fn text(status: vst_status) -> &'static CStr {
    match status {
        VST_OK => c"it is done",
        VST_WAIT => c"not now: an event tells when to try again",
        VST_END => c"the peer has ended its side",
        VST_NONE => c"there is nothing",
        VST_E_NULL => c"a pointer that must not be NULL is NULL",
        VST_E_ARGUMENT => c"an argument makes no sense",
        VST_E_STALE => c"the id is of something that is gone",
        VST_E_KIND => c"the id is of another kind of thing",
        VST_E_ENGINE => c"the id is another engine's",
        VST_E_THREAD => c"the engine belongs to another thread",
        VST_E_STATE => c"not in this state",
        VST_E_REENTRANT => c"not from inside this callback",
        VST_E_MODE => c"the engine was made for another way of being driven",
        VST_E_SPACE => c"the buffer is too small",
        VST_E_UNSUPPORTED => {
            c"this build of the library, or this kind of connection, does not have it"
        }
        VST_E_SIZE => c"the size of a struct is not one this library knows",
        VST_E_GONE => c"the engine is freed",
        VST_E_SYSTEM => c"the system refused",
        VST_E_CONFIG => c"the configuration cannot be used",
        VST_E_RESET => c"the connection was torn down",
        VST_E_TRUNCATED => c"the connection ended before TLS did",
        VST_E_FAILED => c"the connection failed",
        VST_E_DENIED => c"the configuration does not admit the peer",
        VST_E_LIMIT => c"a limit is reached",
        VST_E_PANIC => c"the library failed inside",
        VST_E_POISONED => c"the engine failed inside before and can only be freed",
        _ => c"an unknown status",
    }
}

/// The status behind a refusal of the engine.
pub(super) const fn of(refusal: Refusal) -> vst_status {
    match refusal {
        Refusal::Stale => VST_E_STALE,
        Refusal::WrongKind => VST_E_KIND,
        Refusal::WrongEngine => VST_E_ENGINE,
        Refusal::State => VST_E_STATE,
        Refusal::Argument => VST_E_ARGUMENT,
        Refusal::Limit => VST_E_LIMIT,
        Refusal::Denied => VST_E_DENIED,
        Refusal::Mode => VST_E_MODE,
        Refusal::Unsupported => VST_E_UNSUPPORTED,
        Refusal::System(_) => VST_E_SYSTEM,
    }
}
