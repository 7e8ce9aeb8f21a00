//! What of an engine is traced, and where the host gets it.

use std::cell::Cell;
use std::ffi::{c_char, c_void};

use super::status::{VST_E_ARGUMENT, vst_status};
use super::types::vst_id;
use crate::trace::TraceCategories;

/// Calls of the host: one line for each, with the id it was given and the status it returns.
pub const VST_TRACE_CALLS: u32 = 1;
/// What the host is told: events, interest, deadlines, asks of fed connections, steps of handlers, and
/// that other threads have woken the engine.
pub const VST_TRACE_EVENTS: u32 = 2;
/// What becomes of each operation of a connection, and why it fails.
pub const VST_TRACE_OPERATIONS: u32 = 4;
/// Every read and write that moved bytes, with their number. The bytes themselves are in no line.
pub const VST_TRACE_BYTES: u32 = 8;
/// What TLS agreed on, alerts, changes of keys, close_notify.
pub const VST_TRACE_TLS: u32 = 16;
/// How connections and streams end: shutdowns, the operations that close, the record of the end, drains.
pub const VST_TRACE_CLOSING: u32 = 32;
/// All categories.
pub const VST_TRACE_ALL: u32 = 63;

const _: () = assert!(VST_TRACE_ALL == TraceCategories::all().bits() as u32);

/// A line of the trace: `len` bytes at `line` in ASCII or UTF-8, without a line feed and without a NUL
/// at the end, valid until the callback returns. `category` is one of VST_TRACE_*, or 0 for a line that
/// says how many lines were lost. `data` is that of the options. docs/trace.md has every kind of line.
/// No function on an engine, a loop or a waker may be called from here: it returns VST_E_REENTRANT.
pub type vst_trace_fn =
    Option<unsafe extern "C" fn(data: *mut c_void, category: u32, line: *const c_char, len: usize)>;

/// The categories of a mask of the host's.
pub(super) fn categories_of(mask: u32) -> Result<TraceCategories, vst_status> {
    let bits = u8::try_from(mask).ok().and_then(TraceCategories::from_bits);
    bits.ok_or(VST_E_ARGUMENT)
}

/// What the trace keeps of an engine outside of the core.
pub(super) struct EngineTrace {
    pub(super) on: Cell<TraceCategories>,
    /// The first id that the present call was given, or 0.
    pub(super) id: Cell<vst_id>,
}

impl EngineTrace {
    pub(super) const fn new(on: TraceCategories) -> Self {
        Self { on: Cell::new(on), id: Cell::new(0) }
    }
}
