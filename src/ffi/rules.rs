//! Rules, as C makes them.

use std::ffi::c_char;
use std::sync::Arc;

use super::ptr;
use super::status::*;
use super::table::vst_table;
use crate::rules::{Outside, RuleSet, Tables};
use crate::sys::read_file;

/// `tcp-request` rules. Shared and never changed; connections that began with a set end with it.
pub struct vst_rules {
    pub(super) rules: Arc<RuleSet>,
}

/// Makes rules from `text`, `len` bytes without a NUL at their end, in the language of
/// docs/rules.md. Files that it names with `-f` are read during the call.
///
/// Lines may name the `table_count` tables of `tables` beside those that the text defines; the set
/// keeps them. Tables that the text defines, and that `before` has by the same name and definition,
/// are those of `before`, with their entries: pass the set that this one takes the place of, or NULL.
/// `before` is read and not kept.
///
/// `*out` is the set, or NULL on failure; free it with `vst_rules_free`. On failure `why`, unless
/// NULL, gets what is wrong: line, column, the word and what was expected, then the line itself with a
/// caret below, lines parted by LF, cut to `why_size` bytes with its NUL.
/// Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (two tables of one name); VST_E_CONFIG.
///
/// # Safety
/// `text` points to `len` bytes; `tables` to `table_count` tables that are not freed; `before` is NULL or a set that is not freed; `out` points to a
/// pointer; `why` to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_rules_new(
    text: *const u8,
    len: usize,
    tables: *const *const vst_table,
    table_count: usize,
    before: *const vst_rules,
    out: *mut *mut vst_rules,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    super::guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(out, std::ptr::null_mut()) }?;
        // SAFETY: the caller's contract.
        let text = unsafe { ptr::bytes(text, len) }?;
        let mut named = Tables::default();
        // SAFETY: the caller's contract.
        for table in unsafe { ptr::items(tables, table_count) }? {
            // SAFETY: the caller's contract.
            let table = unsafe { ptr::handle(*table) }?;
            if !named.add(Arc::clone(&table.table)) {
                return Err(VST_E_ARGUMENT);
            }
        }
        // SAFETY: NULL becomes None; else the host passes a handle we made.
        let before = unsafe { before.as_ref() };
        let outside = Outside {
            tables: &named,
            before: before.map(|before| &*before.rules),
            load: &read_file,
        };
        match RuleSet::parse(text, outside) {
            Ok(rules) => {
                let handle = Box::into_raw(Box::new(vst_rules { rules }));
                // SAFETY: the caller's contract.
                unsafe { ptr::put(out, handle) }?;
                Ok(VST_OK)
            }
            Err(error) => {
                // SAFETY: the caller's contract.
                unsafe { ptr::explain(&error.to_string(), why, why_size) };
                Err(VST_E_CONFIG)
            }
        }
    })
}

/// Gives up a handle. Configurations and connections that use it keep what it stands for. NULL is
/// fine.
///
/// Legal at any time, from any thread, in any callback.
///
/// # Safety
/// `rules` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_rules_free(rules: *mut vst_rules) {
    // SAFETY: the caller's contract.
    unsafe { super::free(rules) };
}
